"""Where a class stands: every answer gets its verdict, whatever its code does, and nothing stays.

They answer exercises of lesson 2, and are judged by its real checks. All that plays an answer
stands in this file: the process that forks for it is started once.
"""

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import nbformat
import psutil
import pytest
from desk import cell, task

from course_utils.copies.handing_out import hand_out, read_lesson
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
from course_utils.progress.rows import Lesson, todo
from course_utils.progress.watching import play_all

LIMITS = Limits(cell=1, seconds=3, memory=15 * 10**8)
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
    "hangs": ("while True:\n    try: pass\n    except: pass", BROKEN, "ran after 1 seconds"),
    "hangs on": (NO_ALARM + SLEEP, BROKEN, "still running after 3 seconds"),
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
        "ran after 1 seconds",
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
    answers = answers_of_all()
    names = {id(answer): name for name, answer in answers.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET", "1")
        return {names[id(one)]: what for one, what in play_all(answers.values(), limits=LIMITS)}


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


# From a copy of a small lesson to its row in the table.

NAME = "02_small"
CODE = "def cross_entropy(logits, labels):\n    ...\n\nchecks.cross_entropy(cross_entropy)"
STUBS = {"Predict": PREDICT, "Code": CODE}
RIGHT = CODE.replace("...", "return nn.functional.cross_entropy(logits, labels)")


def write(path, cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def small_lesson(**changed):
    stubs = STUBS | changed
    tasks = [task("2.1", "Predict", stubs), task("2.2", "Code", stubs)]
    free = cell("### Exercise 2.7 · open: Yours\n\nTry it.", "markdown")
    return [cell(IMPORTS), *tasks[0], cell(TRAINING), *tasks[1], free]


@pytest.fixture
def lesson(tmp_path):
    path = tmp_path / "lessons" / f"{NAME}.ipynb"
    write(path, small_lesson())
    return Lesson(NAME, read_lesson(path))


@pytest.fixture
def copy(tmp_path, lesson):
    """Return a function that types into a handed out copy and returns what is to be played."""
    hand_out(tmp_path / "anna", tmp_path / "lessons")
    path = tmp_path / "anna" / f"{NAME}.ipynb"

    def change(edit=lambda cells: None):
        notebook = nbformat.read(path, as_version=4)
        edit(notebook.cells)
        nbformat.write(notebook, path)
        return {row.exercise: (row, answer) for row, answer in todo(lesson, "anna", path)}

    return change


def stub(cells, text):
    return next(one for one in cells if one.source == text)


def test_answer_is_played_with_the_lessons_definitions_and_the_students_own(copy):
    def edit(cells):
        stub(cells, CODE).source = RIGHT.replace("nn.functional.cross_entropy", "my_loss")
        cells.insert(2, cell("def my_loss(z, y):\n    return nn.functional.cross_entropy(z, y)"))
        cells.insert(2, cell("import no_such_module"))

    ((_, outcome),) = play_all([copy(edit)["2.2"][1]])
    assert outcome.mark == SOLVED, outcome


def test_what_is_stored_below_a_cell_is_not_believed(copy):
    def edit(cells):
        said = nbformat.v4.new_output("stream", text="Exercise 2.2 ✓ right")
        stub(cells, PREDICT).outputs = [said]

    row, answer = copy(edit)["2.1"]
    assert (row.outcome, answer) == (Outcome(UNTOUCHED), None)


def test_open_exercise_is_for_a_reader_and_an_unwritten_one_untouched(copy):
    found = copy()
    assert {row.outcome.mark for row, _ in found.values()} == {UNTOUCHED}
    assert [answer for _, answer in found.values()] == [None] * 3
    row, answer = copy(lambda cells: cells.append(cell("my_net = nn.Linear(2, 2)")))["2.7"]
    assert (row.outcome.mark, answer) == (UNJUDGED, None)


def test_answer_to_an_exercise_that_has_changed_is_not_judged(copy, lesson, tmp_path):
    copy(lambda cells: setattr(stub(cells, CODE), "source", RIGHT))
    path = tmp_path / "newer" / f"{NAME}.ipynb"
    write(path, small_lesson(Code=CODE.replace("labels)", "labels, weights)")))
    newer = Lesson(NAME, read_lesson(path))
    found = {row.exercise: row for row, _ in todo(newer, "anna", tmp_path / f"anna/{NAME}.ipynb")}
    assert found["2.2"].outcome.mark == UNJUDGED
    assert "changed since" in found["2.2"].outcome.sentence


@pytest.mark.parametrize(
    "content", ["", "[" * 100_000, '{"cells": [{"cell_type": "code", "source": [1], "id": []}]}']
)
def test_copy_that_is_no_notebook_is_broken_and_no_obstacle(content, lesson, tmp_path):
    path = tmp_path / f"{NAME}.ipynb"
    path.write_text(content)
    assert {row.outcome.mark for row, _ in todo(lesson, "anna", path)} == {BROKEN}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name")
def test_pipe_in_the_place_of_a_handed_out_lesson_holds_nobody_up(lesson, copy, tmp_path):
    before = tmp_path / "anna" / ".handed-out" / f"{NAME}.ipynb"
    before.unlink()
    os.mkfifo(before)
    assert copy(lambda cells: setattr(stub(cells, CODE), "source", RIGHT))["2.2"][1]


def test_command_shows_a_class_and_writes_table_and_picture_for_its_caller_alone(
    tmp_path, lesson, copy, monkeypatch, capsys
):
    copy(lambda cells: setattr(stub(cells, CODE), "source", RIGHT))
    copy(lambda cells: setattr(stub(cells, PREDICT), "source", CELLS["wrong"][0]))
    monkeypatch.setattr(command, "LESSONS", tmp_path / "lessons")
    monkeypatch.setattr(command, "TABLES", tmp_path / "tables")
    (tmp_path / "class").mkdir()
    (tmp_path / "anna").rename(tmp_path / "class" / "anna")
    assert command.main(["--as-root", "--class", str(tmp_path / "class")]) == 0
    out = capsys.readouterr().out
    assert ["anna", TRIED, SOLVED, UNTOUCHED] in [line.split() for line in out.splitlines()]
    assert (tmp_path / "tables" / "class.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "tables").stat().st_mode & 0o077 == 0
    assert command.main(["--as-root", "--class", str(tmp_path / "nowhere")]) == 1
    assert command.main(["9"]) == 1
