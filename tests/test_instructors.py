"""The instructors' guide speaks of the lessons as they are."""

import re
from pathlib import Path

import jupytext
import pytest
from exercise_player import exercise, exercises
from lesson_code import lessons, source_of

PARTS = ["Time", "Before the class", "Long cells", "Stop and ask", "Questions students ask"]
PARTS += ["The exercises", "Rejoining half-way", "Cutting it short"]
GUIDE = Path(__file__).resolve().parent.parent / "INSTRUCTORS.md"


def page(lesson):
    """Return the guide's page on one lesson."""
    pages = re.split(
        r"^## (?=Lesson \d+ · )", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    (found,) = (text for text in pages if text.startswith(f"Lesson {int(lesson)} · "))
    return found


def rows(lesson, heading):
    """Return the rows of the table that follows a bold heading, each a list of its cells."""
    table = page(lesson).split(f"**{heading}.**")[1].split("\n\n")[1]
    lines = [line.strip("|").split("|") for line in table.splitlines()]
    return [[cell.strip() for cell in line] for line in lines[2:]]


@pytest.mark.parametrize("lesson", lessons())
def test_a_page_bears_the_title_of_its_lesson(lesson):
    first = jupytext.read(source_of(lesson), fmt="py:percent").cells[0].source.splitlines()[0]
    assert page(lesson).splitlines()[0] == "Lesson " + first.removeprefix("# ")


def time_needed(text, heading):
    """Return the numbers in the line that says how long a lesson takes."""
    (line,) = re.findall(rf"^{re.escape(heading)}.*$", text, flags=re.MULTILINE)
    return re.findall(r"\d+", line)


@pytest.mark.parametrize("lesson", lessons())
def test_the_time_is_that_of_the_head_of_the_lesson(lesson):
    head = jupytext.read(source_of(lesson), fmt="py:percent").cells[0].source
    assert len(time_needed(page(lesson), "**Time.**")) == 2
    assert time_needed(page(lesson), "**Time.**") == time_needed(head, "**Time**")


def minutes_by_length(cells):
    """Estimate how long text and code take to read, by the rule that the guide states."""
    words = sum(len(cell.source.split()) for cell in cells if cell.cell_type == "markdown")
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    lines = sum(bool(line.strip()) for source in code for line in source.splitlines())
    return words / 150 + lines / 15


@pytest.mark.parametrize("lesson", lessons())
def test_the_minutes_follow_from_the_length_of_the_lesson(lesson):
    cells = jupytext.read(source_of(lesson), fmt="py:percent").cells
    stated = int(time_needed(page(lesson), "**Time.**")[0])
    assert abs(minutes_by_length(cells) + 5 * len(exercises(lesson)) - stated) < 10


@pytest.mark.parametrize("lesson", lessons())
def test_the_seconds_in_the_readme_are_those_of_the_head(lesson):
    readme = GUIDE.with_name("README.md").read_text(encoding="utf-8")
    (seconds,) = re.findall(rf"^\| \[{int(lesson)} · .*\| (\d+) \|$", readme, flags=re.MULTILINE)
    assert seconds == time_needed(page(lesson), "**Time.**")[1]


@pytest.mark.parametrize("lesson", lessons())
def test_a_page_has_all_its_parts(lesson):
    parts = re.findall(r"^\*\*(.+?)\.\*\*", page(lesson), flags=re.MULTILINE)
    assert parts == PARTS, parts


@pytest.mark.parametrize("lesson", lessons())
def test_the_long_cells_are_there_with_their_seconds(lesson):
    cells = jupytext.read(source_of(lesson), fmt="py:percent").cells
    sources = [cell.source for cell in cells if cell.cell_type == "code"]
    for cell, seconds, _ in rows(lesson, "Long cells"):
        parts = re.findall(r"`([^`]+)`", cell)
        assert any(all(part in source for part in parts) for source in sources), cell
        assert re.fullmatch(r"\d+(\.\d)?", seconds), (cell, seconds)


@pytest.mark.parametrize("lesson", lessons())
def test_the_exercises_are_all_there_with_their_kinds(lesson):
    listed = [(name.split()[0], kind) for name, kind, *_ in rows(lesson, "The exercises")]
    wanted = [(number, exercise(lesson, number).kind) for number in exercises(lesson)]
    assert listed == wanted
