"""Where a class stands: whose copy is whose, the table, and whose rights its code gets."""

import csv
import os
from dataclasses import replace

import nbformat
import pytest

from course_utils.copies.errors import CopyError
from course_utils.progress import __main__ as command
from course_utils.progress.folder import look_through
from course_utils.progress.outcome import BROKEN, SOLVED, TRIED, UNTOUCHED, Outcome, Row
from course_utils.progress.showing import class_lines, own_lines, write_csv


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
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(), tmp_path / name)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "emil_02_small.ipynb")
    found = look_through(tmp_path, ["02_small"])
    copies = {
        student: str(paths["02_small"].relative_to(tmp_path))
        for student, paths in found.copies.items()
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
