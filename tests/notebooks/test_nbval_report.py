"""What too much memory does to a run; ``test_check_notebooks`` sees it measured."""

import subprocess
import sys

import check_notebooks
import pytest

TEST = "import nbval_report\n\n\ndef test_one():\n    nbval_report.megabytes['a.ipynb'] = {}\n"


@pytest.mark.parametrize(("megabytes", "status"), [(150, 0), (151, 1)])
def test_a_notebook_that_takes_too_much_memory_fails_a_green_run(tmp_path, megabytes, status):
    (tmp_path / "test_it.py").write_text(TEST.format(megabytes))
    (tmp_path / "pytest.ini").touch()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "nbval_report", "--most-megabytes=150"],
        cwd=tmp_path,
        env=check_notebooks.environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "1 passed" in done.stdout, done.stdout
    assert done.returncode == status, done.stdout
