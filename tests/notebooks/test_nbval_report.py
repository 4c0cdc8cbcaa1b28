"""What too much memory does to a run; ``test_check_notebooks`` sees it measured."""

import pytest

pytest_plugins = ["pytester"]

TEST = "import nbval_report\n\n\ndef test_one():\n    nbval_report.megabytes['a.ipynb'] = {}\n"


@pytest.mark.parametrize(("megabytes", "status"), [(150, 0), (151, 1)])
def test_a_notebook_that_takes_too_much_memory_fails_a_green_run(pytester, megabytes, status):
    pytester.makepyfile(TEST.format(megabytes))
    result = pytester.runpytest_inprocess("-p", "nbval_report", "--most-megabytes=150")
    result.assert_outcomes(passed=1)
    assert result.ret == status
