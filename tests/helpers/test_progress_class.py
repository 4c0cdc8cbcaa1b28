"""Where a class stands: from a folder of copies to table and picture.

The lesson is a small one, with exercises of lesson 2 and their real checks.
"""

import csv
import os
from dataclasses import replace

import nbformat
import pytest
from desk import cell, task
from test_progress import CELLS, IMPORTS, PREDICT, TRAINING

from course_utils.copies.errors import CopyError
from course_utils.copies.handing_out import hand_out, read_lesson
from course_utils.progress import __main__ as command
from course_utils.progress.folder import look_through
from course_utils.progress.outcome import (
    BROKEN,
    SOLVED,
    TRIED,
    UNJUDGED,
    UNTOUCHED,
    Outcome,
    Row,
)
from course_utils.progress.rows import Lesson, todo
from course_utils.progress.showing import class_lines, own_lines, write_csv
from course_utils.progress.watching import play_all

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


def test_copies_are_found_in_homes_in_folders_and_side_by_side(tmp_path):
    names = [
        "anna/neural-networks/02_small.ipynb",
        "anna/neural-networks/old/02_small 2026-11-01 10.00.ipynb",
        "anna/neural-networks/.ipynb_checkpoints/02_small-checkpoint.ipynb",
        "anna/02_small-Copy1.ipynb",
        "Bo Li/02_small (1).ipynb",
        "02_small-çiğdem.ipynb",
        "dora_02_small.ipynb",
        "essay.ipynb",
    ]
    for name in names:
        write(tmp_path / name, [])
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "emil_02_small.ipynb")
    found = look_through(tmp_path, [NAME])
    copies = {
        student: str(paths[NAME].relative_to(tmp_path)) for student, paths in found.copies.items()
    }
    assert copies == {"anna": names[0], "Bo Li": names[4], "çiğdem": names[5], "dora": names[6]}
    assert found.unknown == [tmp_path / "essay.ipynb"]


ROWS = [
    Row("anna", "02", "2.2", "Predict", "a.ipynb", Outcome(SOLVED, "right")),
    Row("anna", "02", "2.10", "Code", "a.ipynb", Outcome(TRIED, "=1+1 is the sign")),
    Row("$Bo_$\x1b[2J", "02", "2.2", "Predict", "", Outcome(UNTOUCHED)),
    Row("$Bo_$\x1b[2J", "02", "2.10", "Code", "", Outcome(BROKEN, "hangs")),
]


def test_table_shows_exercise_against_student_and_where_most_are_stuck():
    lines = list(class_lines(ROWS))
    assert [line.split() for line in lines[:4]] == [
        ["2.2", "2.10"],
        ["$Bo_$", "[2J", UNTOUCHED, BROKEN],
        ["anna", SOLVED, TRIED],
        ["solved", "by", "1", "0"],
    ]
    assert lines[-1] == "  2.10 Code: 2 in trouble, solved by 0"


def test_student_reads_the_sentence_of_what_is_not_solved():
    lines = list(own_lines([replace(row, student="") for row in ROWS[:2]]))
    assert lines == [
        "Lesson 2: 1 of 2 exercises solved",
        "    2.2 ✓ Predict",
        "   2.10 ✗ Code: =1+1 is the sign",
    ]


def test_no_cell_of_the_csv_is_a_formula(tmp_path):
    write_csv(ROWS, tmp_path / "class.csv")
    with (tmp_path / "class.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["solved", "tried", "untouched", "broken"]
    assert rows[1]["sentence"] == "'=1+1 is the sign"


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


def test_root_does_not_run_the_code_of_a_class(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert command._user(as_root=False) is None
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert command._user(as_root=True) is None
    monkeypatch.setattr(command.Path, "stat", lambda path: os.stat_result([0o40755] + [0] * 9))
    assert command._user(as_root=False) == command.NOBODY
    monkeypatch.setattr(command.Path, "stat", lambda path: os.stat_result([0o40700] + [0] * 9))
    with pytest.raises(CopyError, match="not run as root"):
        command._user(as_root=False)
