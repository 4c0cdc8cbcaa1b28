"""What is too much memory; ``test_check_notebooks`` sees it measured, under the real nbval."""

from types import SimpleNamespace

import nbval_report
import pytest


@pytest.mark.parametrize(
    ("megabytes", "status"), [({}, 0), ({"a": 9, "b": 150}, 0), ({"a": 9, "b": 151}, 1)]
)
def test_a_notebook_that_takes_too_much_memory_fails_the_run(monkeypatch, megabytes, status):
    monkeypatch.setattr(nbval_report, "megabytes", megabytes)
    option = SimpleNamespace(most_megabytes=150)
    session = SimpleNamespace(exitstatus=0, config=SimpleNamespace(option=option))
    nbval_report.pytest_sessionfinish(session)
    assert session.exitstatus == status
