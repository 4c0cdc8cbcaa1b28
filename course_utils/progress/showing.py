"""What is known of the exercises, on the screen and as a table for other programs."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from course_utils.progress.outcome import BROKEN, MEANING, SOLVED, TRIED, UNTOUCHED, Row
from course_utils.progress.watching import printable

LEGEND = "   ".join(f"{mark} {words}" for mark, words in MEANING.items())


def exercises_of(rows: Iterable[Row]) -> dict[str, str]:
    """Return the exercises of all rows with their titles, in the order of the lessons."""
    found = {row.exercise: row.title for row in rows}
    return dict(sorted(found.items(), key=lambda one: [int(part) for part in one[0].split(".")]))


def students_of(rows: Iterable[Row]) -> list[str]:
    """Return the students' names in alphabetical order."""
    return sorted({row.student for row in rows}, key=str.casefold)


def own_lines(rows: list[Row]) -> Iterator[str]:
    """Yield what a student reads of his own copies."""
    for lesson in sorted({row.lesson for row in rows}):
        mine = [row for row in rows if row.lesson == lesson]
        solved = sum(row.outcome.mark == SOLVED for row in mine)
        if all(row.outcome.mark == UNTOUCHED for row in mine):
            yield f"Lesson {int(lesson)}: {len(mine)} exercises, none begun"
            continue
        yield f"Lesson {int(lesson)}: {solved} of {len(mine)} exercises solved"
        for row in mine:
            why = row.outcome.sentence if row.outcome.mark not in {SOLVED, UNTOUCHED} else ""
            yield f"  {row.exercise:>5} {row.outcome.mark} {row.title}{why and f': {why}'}"


def class_lines(rows: list[Row]) -> Iterator[str]:
    """Yield a table for each lesson, exercise against student, and where most are stuck."""
    students, titles = students_of(rows), exercises_of(rows)
    marks = {(row.student, row.exercise): row.outcome.mark for row in rows}
    wide = max(len(printable(name)) for name in [*students, "solved by"])
    for lesson in sorted({row.lesson for row in rows}):
        columns = [number for number in titles if number.split(".")[0] == str(int(lesson))]
        yield f"{'':{wide}}" + "".join(f"{number:>6}" for number in columns)
        for name in students:
            line = "".join(f"{marks.get((name, number), ' '):>6}" for number in columns)
            yield f"{printable(name):{wide}}{line}"
        solved = Counter(row.exercise for row in rows if row.outcome.mark == SOLVED)
        yield f"{'solved by':{wide}}" + "".join(f"{solved[number]:>6}" for number in columns)
        yield ""
    yield LEGEND
    yield from _stuck(rows, titles)


def _stuck(rows: list[Row], titles: dict[str, str]) -> Iterator[str]:
    failed = Counter(row.exercise for row in rows if row.outcome.mark in {TRIED, BROKEN})
    solved = Counter(row.exercise for row in rows if row.outcome.mark == SOLVED)
    if failed:
        yield "Where most are stuck:"
    for number, count in failed.most_common(3):
        yield f"  {number} {titles[number]}: {count} in trouble, solved by {solved[number]}"


def write_csv(rows: Iterable[Row], path: Path) -> None:
    """Write a line for each exercise of each student, in an encoding that spreadsheets know."""
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        table = csv.writer(file)
        table.writerow(["student", "lesson", "exercise", "title", "state", "sentence", "copy"])
        for row in rows:
            state = MEANING[row.outcome.mark]
            texts = [row.student, row.lesson, row.exercise, row.title, state]
            table.writerow([_harmless(text) for text in (*texts, row.outcome.sentence, row.copy)])


def _harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    text = printable(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
