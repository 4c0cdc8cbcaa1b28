"""Play answers, several at once, each in a process that is watched and in the end always killed.

On Linux and macOS the processes are forked from one that has imported PyTorch already; on Windows
each imports it anew, which is slow.
"""

import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from pathlib import Path

import psutil

from course_utils.progress.apart import ALARMED, VERDICT, Limits, kill_below, play_here
from course_utils.progress.outcome import BROKEN, MEANING, Answer, Outcome

PERIOD = 0.1  # seconds between two looks
# Imported once for all. PyTorch loads the second at the first optimiser, which takes seconds.
IMPORTS = ("course_utils.progress.judging", "torch._dynamo")


def play_all(
    answers: Iterable[Answer],
    imports: Iterable[str] = (),
    limits: Limits | None = None,
    user: int | None = None,
) -> Iterator[tuple[Answer, Outcome]]:
    """Play answers and yield each with what came of it, in the order in which they end.

    Args:
        answers: foreign code.
        imports: modules, worth importing once for all; others than modules are left out.
        limits: of each answer.
        user: whose rights the processes take; those of the caller if ``None``.
    """
    context = _context(imports)
    at_once = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    waiting, running = deque(answers), list[_Play]()
    with _folder() as base:
        try:
            while waiting or running:
                while waiting and len(running) < (at_once or 1):
                    running.append(_Play(waiting.popleft(), base, context, limits, user))
                wait([play.process.sentinel for play in running], timeout=PERIOD)
                for play in list(running):
                    outcome = play.look()
                    if outcome is not None:
                        running.remove(play)
                        yield play.answer, outcome
        finally:
            for play in running:
                play.end()


def _context(imports: Iterable[str]) -> BaseContext:
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    context.set_forkserver_preload([*IMPORTS, *imports])
    # Read by PyTorch and matplotlib when they are imported. One thread: a fork knows no others.
    os.environ.update(OMP_NUM_THREADS="1", MPLBACKEND="Agg")
    return context


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="progress-"))
    try:
        folder.chmod(0o711)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Play:
    """One answer while it is played."""

    def __init__(
        self,
        answer: Answer,
        base: Path,
        context: BaseContext,
        limits: Limits | None,
        user: int | None,
    ):
        self.answer, self.limits = answer, limits or Limits()
        self.folder = Path(tempfile.mkdtemp(dir=base))
        if user is not None:
            os.chown(self.folder, user, user)
        arguments = (answer, str(self.folder), self.limits, user)
        self.process = context.Process(target=play_here, args=arguments)  # type: ignore[attr-defined]
        self.process.start()
        self.start = time.monotonic()

    def look(self) -> Outcome | None:
        """Return what came of it, once there is something; nothing runs any more then."""
        outcome = None
        if self.process.exitcode is not None:
            outcome = self._verdict()
        elif time.monotonic() - self.start > self.limits.seconds:
            outcome = Outcome(BROKEN, f"still running after {self.limits.seconds:g} seconds")
        elif self._memory() > self.limits.memory:
            outcome = Outcome(BROKEN, f"took more than {self.limits.memory / 1e9:g} GB of memory")
        if outcome is not None:
            self.end()
        return outcome

    def end(self) -> None:
        """Kill it, with all that it has started, and delete its folder."""
        with contextlib.suppress(psutil.Error):
            kill_below(psutil.Process(self.process.pid))
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join(timeout=10)
        with contextlib.suppress(ValueError):  # a process that waits for a broken disk stays
            self.process.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _memory(self) -> int:
        total, family = 0, list[psutil.Process]()
        with contextlib.suppress(psutil.Error):
            me = psutil.Process(self.process.pid)
            family = [me, *me.children(recursive=True)]
        for one in family:
            with contextlib.suppress(psutil.Error):
                total += one.memory_full_info().uss  # what it shares with others is not its own
        return total

    def _verdict(self) -> Outcome:
        """Read what it left: by now a file of foreign code, so of any kind, size and content."""
        path = self.folder / VERDICT
        if self.process.exitcode == ALARMED:
            return Outcome(BROKEN, f"the cell still ran after {self.limits.cell} seconds")
        with contextlib.suppress(OSError, ValueError, TypeError, RecursionError):
            if path.is_file() and not path.is_symlink() and path.stat().st_size < 100_000:
                found = Outcome(**json.loads(path.read_bytes()))
                if found.mark in MEANING:
                    return Outcome(found.mark, printable(str(found.sentence)))
        return Outcome(BROKEN, "the code ends its process")


def printable(text: str) -> str:
    """Return a foreign text on one line of 300 letters, without what would steer a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:300]
