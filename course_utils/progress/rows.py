"""From copies of lessons to what is known of each exercise, and to the answers to be played."""

import ast
import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from course_utils.copies import notebook as nb
from course_utils.copies.answers import Answer as Written
from course_utils.copies.answers import Exercise, answered, carry_over, exercises
from course_utils.copies.handing_out import handed_out
from course_utils.copies.notebook import Cell, Notebook
from course_utils.lessons.definitions import without_magics
from course_utils.progress.outcome import BROKEN, UNJUDGED, UNTOUCHED, Answer, Outcome, Row

NOTHING: Notebook = {"cells": []}

Todo = tuple[Row, Answer | None]  # None: nothing has to be played


@dataclass(frozen=True)
class Lesson:
    """A lesson as it is now."""

    name: str  # 02_mlp_mnist
    notebook: Notebook

    @property
    def number(self) -> str:
        """The number in the name."""
        return self.name[:2]

    @functools.cached_property
    def code(self) -> tuple[str, ...]:
        """The code cells, without those of the exercises."""
        stubs = [id(exercise.stub) for exercise in exercises(self.notebook)]
        return _code(cell for cell in self.notebook["cells"] if id(cell) not in stubs)

    @property
    def imports(self) -> list[str]:
        """What the lesson imports: modules, and names in them that may be modules."""
        found = []
        for node in (node for text in self.code for node in ast.walk(_tree(text))):
            if isinstance(node, ast.Import):
                found += [one.name for one in node.names]
            elif isinstance(node, ast.ImportFrom):
                found += [f"{node.module}.{one.name}" for one in node.names]
        return found


def todo(lesson: Lesson, student: str, path: Path | None) -> list[Todo]:
    """Return a row for each exercise of a student's copy, with what has to be played for it.

    Args:
        lesson: the lesson.
        student: whose copy it is.
        path: the copy; ``None`` if there is none.
    """
    blank = Row(student, lesson.number, "", "", str(path or ""), Outcome(UNTOUCHED))
    mine = nb.read(path) if path else NOTHING
    try:
        if mine is not None:
            before = path and handed_out(f"{lesson.name}.ipynb", path.parent)
            return list(_todo(lesson, blank, mine, before or lesson.notebook))
    except (TypeError, ValueError, AttributeError, KeyError, RecursionError):
        pass  # JSON, and no notebook: any program may have written it
    unread = replace(blank, outcome=Outcome(BROKEN, "the copy cannot be read"))
    return list(_todo(lesson, unread, NOTHING, lesson.notebook))


def _todo(lesson: Lesson, blank: Row, mine: Notebook, before: Notebook) -> Iterator[Todo]:
    copy = carry_over(mine, before, lesson.notebook).copy
    # Answered, but not carried over: the exercise was another one then.
    once = {one.title for one, answer in answered(mine, before) if answer}
    own = _own(mine, before, lesson)
    for exercise, written in answered(copy, lesson.notebook):
        row = replace(blank, exercise=exercise.number, title=exercise.title)
        if written is None and exercise.title in once:
            yield _unjudged(row, "the exercise has changed since: make renew"), None
        elif written is None:
            yield row, None
        elif exercise.stub["cell_type"] != "code":
            yield _unjudged(row, "written; an open exercise is for a reader"), None
        else:
            yield row, _answer(exercise, written, lesson, own)


def _unjudged(row: Row, why: str) -> Row:
    return replace(row, outcome=Outcome(UNJUDGED, why))


def _answer(exercise: Exercise, written: Written, lesson: Lesson, own: tuple[str, ...]) -> Answer:
    cells = _code([*written.before, written.cell, *written.after])
    check = ast.unparse(_tree(nb.text(exercise.stub)).body[-1])
    others = tuple(text for text in own if text not in cells)
    return Answer(exercise.number, lesson.code, others, cells, check)


def _own(mine: Notebook, before: Notebook, lesson: Lesson) -> tuple[str, ...]:
    """Return the code cells that are the student's own, wherever they stand in his copy."""
    known = {nb.text(cell) for one in (before, lesson.notebook) for cell in one["cells"]}
    return tuple(text for text in _code(mine["cells"]) if text not in known)


def _code(cells: Iterable[Cell]) -> tuple[str, ...]:
    return tuple(nb.text(cell) for cell in cells if cell["cell_type"] == "code")


def _tree(text: str) -> ast.Module:
    return ast.parse(without_magics(text))
