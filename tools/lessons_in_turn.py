"""A pytest plugin for nbval: of lessons that run side by side, one waits for what another leaves.

A cell that loads something is held until the cells that save it, in lessons before its own, are
done. Loaded by ``tools/check_notebooks.py``.
"""

import time
from pathlib import Path
from typing import Any

import pytest

# What stands in a cell that loads something, and in the cells of other lessons that save it. (Not
# the CNN of lesson 9: lesson 10 trains one in less time than it would wait.)
SAVED = {
    "load_judge(": '"mnist_classifier.pt"',
    "load_vae(": '"vae_beta_0.1"',
    'kept("gan")': 'run("gan"',
    "load_samples(": "save_samples(",
}
SECONDS = 1800.0  # then the other lesson is taken for lost, and this one goes on without


def pytest_collection_modifyitems(items):
    cells = [item for item in items if hasattr(item, "cell_num")]
    for i, item in enumerate(cells):
        saved = [word for load, word in SAVED.items() if load in item.cell.source]
        before = [cell for cell in cells[:i] if cell.path != item.path]
        item.waits_for = [
            cell for cell in before if any(word in cell.cell.source for word in saved)
        ]


@pytest.hookimpl(tryfirst=True)  # before the clock of the cell starts
def pytest_runtest_protocol(item):
    until = time.monotonic() + SECONDS
    for cell in getattr(item, "waits_for", []):
        while not mark(cell).exists() and time.monotonic() < until:
            time.sleep(0.1)


def pytest_runtest_teardown(item):
    if hasattr(item, "waits_for"):
        mark(item).touch()


def mark(cell: Any) -> Path:
    """Return the file that tells every worker that a cell is done, whatever came of it."""
    return cell.path.with_suffix(f".{cell.cell_num}.done")
