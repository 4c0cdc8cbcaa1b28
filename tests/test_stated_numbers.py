"""The numbers in the README and in the instructors' guide are those that the lessons show."""

import re
from pathlib import Path

import nbformat
import pytest
from lesson_code import lessons
from test_instructors import page

PROJECT = Path(__file__).resolve().parent.parent
NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"


def shown(lesson):
    """Return every number in the lesson's text, code and stored text outputs."""
    (path,) = (PROJECT / "notebooks").glob(f"{lesson}_*.ipynb")
    parts = []
    for cell in nbformat.read(path, as_version=4).cells:
        parts.append(cell.source)
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            parts += [output.get("text", ""), data.get("text/plain", ""), data.get("text/html", "")]
    return {float(found.replace(",", "")) for part in parts for found in re.findall(NUMBER, part)}


def not_shown(stated, lesson):
    """Return those of the stated numbers that no number of the lesson rounds to."""
    numbers = shown(lesson)
    missing = []
    for text in stated:
        value, decimals = float(text.replace(",", "")), len(text.partition(".")[2])
        if not any(abs(number - value) <= 0.5001 * 10**-decimals for number in numbers):
            missing.append(text)
    return missing


def result(lesson):
    """Return the README's line on what comes out of one lesson."""
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| \[{int(lesson)} · .*$", readme, flags=re.MULTILINE)
    return row.strip("|").split("|")[2]


@pytest.mark.parametrize("lesson", lessons())
def test_results_in_the_readme_are_in_the_lesson(lesson):
    stated = re.findall(NUMBER, result(lesson))
    assert stated
    assert not_shown(stated, lesson) == []


@pytest.mark.parametrize("lesson", lessons())
def test_measured_numbers_in_the_guide_are_in_the_lesson(lesson):
    for number, other in re.findall(rf"≈ ({NUMBER})(?: in lesson (\d))?", page(lesson)):
        assert not_shown([number], other.zfill(2) if other else lesson) == []
