"""The plugin that holds the memory of the notebooks, under the real nbval."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell")
def test_a_notebook_that_takes_too_much_memory_fails(tmp_path):
    # A kernel alone takes about 50 MB.
    for name, megabytes in {"small": 1, "large": 200}.items():
        cell = nbformat.v4.new_code_cell(f"x = b'x' * {megabytes} * 2**20", execution_count=1)
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / f"{name}.ipynb")
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env"]
    done = subprocess.run(
        [*command, "-p", "nbval_report", "--most-megabytes=150", "-c", os.devnull],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(TOOLS)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "2 passed" in done.stdout, done.stdout
    assert done.returncode != 0, done.stdout
    failed = [line.split()[0] for line in done.stdout.splitlines() if "more than 150 MB" in line]
    assert failed == ["large.ipynb"], done.stdout
