"""The plugin that holds the memory of the notebooks, under the real nbval."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell")
@pytest.mark.parametrize(("most", "passes"), [(100, False), (1536, True)])
def test_a_notebook_that_takes_too_much_memory_fails(tmp_path, most, passes):
    # A kernel alone takes about 50 MB.
    cell = nbformat.v4.new_code_cell("held = b'x' * 100 * 2**20", execution_count=1)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "tiny.ipynb")
    command = [sys.executable, "-m", "pytest", "tiny.ipynb", "--nbval", "--nbval-current-env"]
    done = subprocess.run(
        [*command, "-p", "nbval_report", f"--most-megabytes={most}", "-c", os.devnull],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(TOOLS)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "1 passed" in done.stdout, done.stdout
    assert (done.returncode == 0) is passes, done.stdout
    assert ("FAILED: more than 100 MB" in done.stdout) is not passes, done.stdout
