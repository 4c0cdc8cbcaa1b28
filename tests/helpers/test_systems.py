"""macOS and Windows, as far as Linux can play them.

That importing the helpers needs nothing that Windows lacks is tested in ``tests/test_project.py``.
"""

import os
import signal
import sys
from types import SimpleNamespace

import install
import pytest

from course_utils import paths
from course_utils.lessons.checks import running


def test_without_an_alarm_an_answer_runs_as_long_as_it_likes(monkeypatch):
    monkeypatch.delattr(signal, "setitimer", raising=False)
    before = signal.getsignal(signal.SIGALRM) if hasattr(signal, "SIGALRM") else None
    with running._time_limit(0.01):
        sum(range(2_000_000))
    assert not before or signal.getsignal(signal.SIGALRM) == before


@pytest.mark.skipif(os.name == "nt", reason="it is played where it is not so")
def test_on_windows_an_installation_waits_longer_than_its_lock_does(tmp_path, monkeypatch, capsys):
    refused = [OSError, OSError, OSError]  # at once, and after ten seconds, twice

    def locking(handle, mode, length):
        if refused:
            raise refused.pop()

    windows = SimpleNamespace(LK_LOCK=1, LK_NBLCK=2, locking=locking)
    monkeypatch.setitem(sys.modules, "msvcrt", windows)
    monkeypatch.setattr(install, "PROJECT", tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", "nt")
        with install.only_one():
            assert not refused
    assert "waiting for it" in capsys.readouterr().out


def test_make_help_asks_for_nothing_that_only_gnu_programs_have():
    makefile = (paths.PROJECT / "Makefile").read_text(encoding="utf-8")
    assert not [line for line in makefile.splitlines() if "sed" in line and r"\t" in line]
