"""The real nbval, with the course's sanitize file, on tiny notebooks."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

SANITIZE = Path(__file__).resolve().parents[2] / "tools" / "nbval_sanitize.cfg"
INFERENCE = "Inference tensors cannot be saved for backward."
CASES = {
    "same": ("accuracy ≈ 98.2 %", "accuracy ≈ 98.2 %", True),
    "folded": ("accuracy ≈ 98.2 % on 10,000", "accuracy ≈ 97.1 % on 10,000", True),
    "aligned": ("≈  9.81", "≈ 10.02", True),
    "signed": ("slope ≈ -1.2e-07", "slope ≈ 3.1e+02", True),
    "word": ("accuracy ≈ 98.2 % good", "accuracy ≈ 98.2 % bad", False),
    "exact": ("loss 0.1256", "loss 0.1257", False),
    "unit": ("≈ 3 ms", "≈ 3 s", False),
    "nan": ("loss ≈ 0.3", "loss ≈ nan", False),
    "missing": ("loss ≈ 0.3", "loss 0.3", False),
    "advice": (f"{INFERENCE} Please do not.", f"{INFERENCE} You can clone.", True),
    "other error": (f"{INFERENCE} Please do not.", "Tensors are missing. Please do not.", False),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nbval")
    cells = []
    for i, (stored, given, _) in enumerate(CASES.values()):
        cell = nbformat.v4.new_code_cell(f"print({given!r})", execution_count=i + 1)
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=f"{stored}\n")]
        cells.append(cell)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "tiny.ipynb")
    command = [sys.executable, "-m", "pytest", "tiny.ipynb", "--nbval", "--nbval-current-env"]
    done = subprocess.run(
        [*command, f"--nbval-sanitize-with={SANITIZE}", "-v", "--rootdir=.", "-c", os.devnull],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout


@pytest.mark.parametrize("case", CASES)
def test_only_numbers_behind_the_sign_may_differ(outcomes, case):
    passes = CASES[case][2]
    cell = list(CASES).index(case)
    assert f"Cell {cell} {'PASSED' if passes else 'FAILED'}" in outcomes, outcomes


def test_the_file_is_ascii_and_no_rule_has_an_empty_replacement():
    text = SANITIZE.read_text(encoding="ascii")
    rules = [line.split(": ", 1) for line in text.splitlines() if line.startswith("re")]
    assert [rule[0] for rule in rules] == ["regex", "replace"] * (len(rules) // 2)
    assert all(rule[1].strip() for rule in rules)
