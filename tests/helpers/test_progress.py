"""Where a class stands: every answer gets its verdict, whatever its code does, and nothing stays.

They answer one exercise of lesson 2, and are judged by its real check.
"""

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from course_utils.progress import __main__ as command
from course_utils.progress.apart import VERDICT, Limits
from course_utils.progress.outcome import (
    BROKEN,
    SOLVED,
    TRIED,
    UNJUDGED,
    UNTOUCHED,
    Answer,
    Outcome,
)
from course_utils.progress.watching import play_all

LIMITS = Limits(cell=2, seconds=6, memory=15 * 10**8)
IMPORTS = """\
import torch
from torch import nn
from course_utils.lessons.checks import lesson_02 as checks

N = 10
"""
TRAINING = "net = nn.Linear(N, N)\nlosses = [net(torch.zeros(N)).sum().item()]"
PREDICT = "prediction = ...\nchecks.untrained_loss(prediction)"
NO_ALARM = "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\n"
ASIDE = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {!r}]{})\n"
SLEEP = "import time; time.sleep(606)"
WRITE = """\
import os, pathlib, tempfile
from course_utils.paths import results_folder
for folder in (pathlib.Path(), pathlib.Path.home(), tempfile.gettempdir(), results_folder()):
    pathlib.Path(folder, "escaped-from-progress").write_text("here")
assert "SECRET" not in os.environ
"""

# A student for each: what stands in the cell, and what must come of it.
CELLS = {
    "right": (PREDICT.replace("...", "'2.3'"), SOLVED, "right"),
    "asks for himself": (PREDICT.replace("(prediction)", "(2.3)"), SOLVED, "right"),
    "looks at the lesson": ("print(losses)\n" + PREDICT.replace("...", "2.3"), SOLVED, "right"),
    "writes": (WRITE + PREDICT.replace("...", "2.3"), SOLVED, "right"),
    "floods": ("print('x' * 10**7)\n" + PREDICT.replace("...", "2.3"), SOLVED, "right"),
    "deletes the check": ("prediction = 2.3", SOLVED, "right"),
    "wrong": (PREDICT.replace("...", "0.1"), TRIED, "that is the probability"),
    "other name": ("guess = 2.3\nchecks.untrained_loss(guess)", SOLVED, "right"),
    "no name": ("guess = 2.3", TRIED, "there is no prediction"),
    "comment only": ("# hm\n" + PREDICT, UNTOUCHED, "not attempted yet"),
    "needs the lesson": ("prediction = losses[0]", UNJUDGED, "lesson computes: losses"),
    "raises": ("1 / 0\n" + PREDICT, BROKEN, "ZeroDivisionError: division by zero"),
    "syntax": ("prediction = = 2.3", BROKEN, "SyntaxError"),
    "sys.exit": ("import sys\nsys.exit(0)", BROKEN, "ends the program"),
    "os._exit": ("import os\nos._exit(0)", BROKEN, "ends its process"),
    "reads": ("prediction = input()", BROKEN, "EOFError"),
    "hangs": ("while True:\n    try: pass\n    except: pass", BROKEN, "ran after 2 seconds"),
    "hangs on": (NO_ALARM + SLEEP, BROKEN, "still running after 6 seconds"),
    "eats": ("kept = bytearray(3 * 10**9)", BROKEN, "MemoryError"),
    "leaves a daemon": (
        ASIDE.format(SLEEP, ", start_new_session=True") + "import os\nos._exit(0)",
        BROKEN,
        "ends its process",
    ),
    "leaves a child": (ASIDE.format(SLEEP, "") + "prediction = 2.3", SOLVED, "right"),
    "hides a child": (
        ASIDE.format(SLEEP, ", start_new_session=True") + SLEEP,
        BROKEN,
        "ran after 2 seconds",
    ),
    "lies": (
        f"open({VERDICT!r}, 'w').write('[' * 10**5)\nimport os\nos._exit(0)",
        BROKEN,
        "ends its process",
    ),
    "links": (
        f"import os\nos.symlink('/dev/zero', {VERDICT!r})\nos._exit(0)",
        BROKEN,
        "ends its process",
    ),
}


def answers_of_all():
    lesson = (IMPORTS, TRAINING)
    check = "checks.untrained_loss(prediction)"
    return {name: Answer("2.1", lesson, (), (CELLS[name][0],), check) for name in CELLS}


@pytest.fixture(scope="module")
def played():
    """Play all the cells at once; return what came of each."""
    os.environ["SECRET"] = "1"
    answers = answers_of_all()
    names = {id(answer): name for name, answer in answers.items()}
    outcomes = {names[id(one)]: what for one, what in play_all(answers.values(), limits=LIMITS)}
    del os.environ["SECRET"]
    return outcomes


@pytest.mark.skipif(sys.platform == "win32", reason="no alarm, no limit of memory")
@pytest.mark.parametrize("name", CELLS)
def test_every_answer_gets_its_verdict(name, played):
    _, mark, sentence = CELLS[name]
    assert played[name].mark == mark, played[name]
    assert sentence in played[name].sentence


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no quick way to have children")
def test_memory_of_a_whole_family_is_limited():
    code = NO_ALARM + "import os\nos.fork()\nos.fork()\na = b'x' * 5 * 10**8\n" + SLEEP
    answer = Answer("2.1", (IMPORTS,), (), (code,), "checks.untrained_loss(prediction)")
    ((_, outcome),) = play_all([answer], limits=replace(LIMITS, seconds=60))
    assert outcome == Outcome(BROKEN, "took more than 1.5 GB of memory")


def test_nothing_runs_on_and_nothing_is_left_behind(played):
    commands = [" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
    assert not [command for command in commands if SLEEP in command]
    for folder in (Path(), Path.home(), Path(os.environ.get("TMPDIR", "/tmp"))):
        assert not list(folder.glob("*escaped-from-progress"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="for root")
def test_answers_are_played_as_nobody_where_root_asks(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")  # nobody may not enter every TMPDIR
    code = "import os\nprediction = 2.3 if os.getuid() == os.getgid() == 65534 else 0.1"
    answer = Answer("2.1", (IMPORTS,), (), (code,), "checks.untrained_loss(prediction)")
    ((_, outcome),) = play_all([answer], user=command.NOBODY)
    assert outcome.mark == SOLVED, outcome
