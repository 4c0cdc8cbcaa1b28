"""The slack of a lesson's bounds: what is noted, and what counts as near."""

import json

import numpy as np
import pytest
import torch
from lesson_code import lessons
from slack import FILE, held, watched
from stability import distributions, near, plans, table, version, write_copy

HOLDS = [
    ("assert a < 3", 1),
    ("assert 1.5 < a <= 3", 0.5),
    ("assert 3 > a, 'a message'", 1),
    ("assert (t < 3).all()", 1),
    ("assert all(value > 0 for value in (a, 1))", 1),
    ("assert standin or a >= 1", 1),
    ("assert abs(-a) < 5 and a > 0", 2),
    ("assert n.max() < 8", 1),
]
NOT_NOTED = [
    "assert a == 2",
    "assert (t > 1).sum() == 1",
    "assert not a > 5",
    "assert a > 0 if standin else True",
    "assert 'a' < 'b'",
    "b = a < 3",
]


def run(source, notes, monkeypatch):
    monkeypatch.setenv(FILE, str(notes))
    monkeypatch.syspath_prepend("tools")
    names = {"a": 2, "t": torch.tensor([1.0, 2.0]), "n": np.array([7, 3]), "standin": False}
    exec(watched(source, "99 cell 1"), names)
    text = notes.read_text() if notes.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(("source", "slack"), HOLDS)
def test_a_comparison_that_holds_is_noted_with_its_slack(source, slack, tmp_path, monkeypatch):
    notes = run(source, tmp_path / "notes", monkeypatch)
    assert min(note["slack"] for note in notes) == slack
    assert notes[0]["place"] == "99 cell 1"
    assert notes[0]["text"].startswith("assert ")


@pytest.mark.parametrize("source", NOT_NOTED)
def test_what_compares_no_two_numbers_with_a_bound_is_left_alone(source, tmp_path, monkeypatch):
    assert not [note for note in run(source, tmp_path / "notes", monkeypatch) if note["slack"] < 9]


@pytest.mark.parametrize("source", ["assert a < 2", "assert 0 < a < 1", "assert (t < 2).all()"])
def test_what_does_not_hold_still_fails(source, tmp_path, monkeypatch):
    with pytest.raises(AssertionError):
        run(source, tmp_path / "notes", monkeypatch)


def test_each_side_is_computed_once(tmp_path, monkeypatch):
    monkeypatch.setenv(FILE, str(tmp_path / "notes"))
    monkeypatch.syspath_prepend("tools")
    asked = []
    exec(watched("assert (asked.append(1) or 1) < 2", ""), {"asked": asked})
    assert asked == [1]


def test_held_gives_what_the_comparison_gives(tmp_path, monkeypatch):
    monkeypatch.setenv(FILE, str(tmp_path / "notes"))
    assert held("", "", ["<"], torch.tensor([1, 5]), 3).tolist() == [True, False]
    assert held("", "", ["<", "<"], 1, 2, 2) is False


def test_a_bound_is_near_when_one_run_used_up_three_quarters_of_the_usual_slack():
    assert near([4.0, 4.0, 0.9])
    assert not near([4.0, 4.0, 1.1])
    assert not near([0.0, 0.0])


def test_of_one_run_the_smallest_slack_counts():
    notes = [{"place": "01 cell 2", "text": "t", "slack": slack} for slack in (3, 1, 2)]
    found = distributions([{"data": "official", "slacks": notes}] * 2)
    assert found == {("official", "01 cell 2", "t"): [1, 1]}


def test_the_table_has_a_line_for_each_bound():
    key = "official", "01 cell 2", "assert a | b < 3"
    *_, line = table({key: [3.0, 1.0, 2.0]}).splitlines()
    assert line == r"| official | 01 cell 2 | `assert a \| b < 3` | 1 | 2 |"


def test_the_runs_are_ten_on_each_data_set_with_one_thread_and_two_and_five_with_other_seeds():
    made = plans("")
    assert len(made) == 20 * len(lessons())
    for data in ("official", "standin"):
        ours = [plan for plan in made if plan["data"] == data and plan["lesson"] == "02"]
        assert len(ours) == 10
        assert [plan["threads"] for plan in ours].count(1) == 5
        assert [plan["shift"] for plan in ours] == [0] * 5 + [1, 2, 3, 4, 5]


def test_a_run_of_another_version_of_a_lesson_does_not_count(tmp_path):
    for name in ("notebooks", "course_utils/checks"):
        (tmp_path / name).mkdir(parents=True)
    seen = set()
    for name in ("notebooks/01_a.ipynb", "course_utils/a.py", "course_utils/checks/lesson_01.py"):
        (tmp_path / name).write_text(name)
        seen.add(version("01", tmp_path))
    assert len(seen) == 3
    for name in ("notebooks/02_b.ipynb", "course_utils/checks/lesson_02.py"):
        (tmp_path / name).write_text(name)
        assert version("01", tmp_path) in seen
    assert all(plan["version"] == version("03") for plan in plans("03"))


def test_the_copy_is_watched_and_has_another_seed(tmp_path):
    write_copy(tmp_path, "02", 3)
    (copy,) = tmp_path.glob("*.ipynb")
    sources = [
        "".join(cell["source"])
        for cell in json.loads(copy.read_text())["cells"]
        if cell["cell_type"] == "code"
    ]
    assert any("\nSEED = 0 + 3" in source for source in sources)
    assert any("__import__('slack').held('02 cell" in source for source in sources)
    assert not any(source.startswith("# Checkpoint") for source in sources)
