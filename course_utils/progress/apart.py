"""The process of one answer: its own folder, its own group, limits, and nothing to read or print.

The student's code runs here, in a child that is watched over. Of the caller's environment it
inherits what ``KEPT`` names.
"""

import contextlib
import ctypes
import json
import os
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

import psutil

from course_utils.progress.outcome import BROKEN, UNJUDGED, Answer, Outcome

VERDICT = "verdict.json"
ALARMED = 14  # the exit status that says: the cell took too long
PR_SET_CHILD_SUBREAPER = 36  # Linux's number for it
KEPT = {"PATH", "LANG", "LC_ALL", "COURSE_DATA_DIR", "COURSE_DATA", "SYSTEMROOT"}


@dataclass(frozen=True)
class Limits:
    """What one answer may take."""

    cell: int = 15  # seconds for the cell; the check has a limit of its own
    seconds: float = 60  # for all of it
    memory: int = 2 * 10**9  # bytes, with all its processes
    file: int = 10**8  # bytes of one file that it writes


def play_here(answer: Answer, folder: str, limits: Limits, user: int | None) -> None:
    """Be that process: let a child play the answer, then kill all that is left of it, and end.

    The child, because an answer may end its process at once and leave others behind.
    """
    _settle(folder)
    if not hasattr(os, "fork"):
        _play(answer, folder, limits, user)
    _adopt_orphans()
    child = os.fork()
    if child == 0:
        _play(answer, folder, limits, user)
    _, status = os.waitpid(child, 0)
    kill_below(psutil.Process())
    alarmed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM
    os._exit(ALARMED if alarmed else 0)


def kill_below(parent: psutil.Process) -> None:
    """Kill what descends from a process, until nothing does any more."""
    for _ in range(100):  # what forks without end may be faster
        below = parent.children(recursive=True)
        alive = [one for one in below if _runs(one)]
        if not alive:
            return
        for one in alive:
            with contextlib.suppress(psutil.Error):
                one.kill()
        time.sleep(0.01)


def _runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _play(answer: Answer, folder: str, limits: Limits, user: int | None) -> NoReturn:
    """Play the answer in this process, write what came of it into the folder, and end."""
    _limit(limits)
    if user is not None:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    try:
        from course_utils.progress.judging import judge  # it imports PyTorch, the caller need not

        outcome = judge(answer, limits.cell)
    except MemoryError:  # even a check may come too far for its words
        outcome = Outcome(BROKEN, "it takes too much memory")
    except Exception as error:  # what the answer may raise is caught there
        outcome = Outcome(UNJUDGED, f"it cannot be played here: {error!r}")
    part = Path(folder, f"{VERDICT}.part")
    part.write_text(json.dumps(asdict(outcome)), encoding="utf-8")
    part.replace(Path(folder, VERDICT))
    os._exit(0)  # whatever threads and exit handlers the answer has left behind


def _adopt_orphans() -> None:
    """Let Linux make descendants whose parents have ended this process's children."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _settle(folder: str) -> None:
    if hasattr(os, "setsid"):
        os.setsid()
    os.chdir(folder)
    settings = {name: os.environ[name] for name in KEPT & set(os.environ)}
    os.environ.clear()
    os.environ.update(settings)
    homes = ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "COURSE_RESULTS_DIR", "IPYTHONDIR")
    os.environ.update(dict.fromkeys((*homes, "COURSE_WORK_DIR", "MPLCONFIGDIR"), folder))
    os.environ.update(OMP_NUM_THREADS="1", MPLBACKEND="Agg", COURSE_DEVICE="cpu")
    tempfile.tempdir = None  # it is looked up again, in the new environment
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def _limit(limits: Limits) -> None:
    try:
        import resource
    except ImportError:  # Windows: the watching process does what it can
        return
    for what, most in (
        (resource.RLIMIT_DATA, limits.memory),
        (resource.RLIMIT_FSIZE, limits.file),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
