"""The answers in a student's copy, and how they are carried over into a newer lesson.

An exercise is a text that begins ``### Exercise 3.1 · code: Title`` and the first code cell below
it, the stub. An answer is that cell as the student left it, with the cells that he added around it.
An open exercise has no such cell: its text counts as the stub, and what he added below it.
"""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace

from course_utils.copies.notebook import Cell, Notebook, text

_HEADING = re.compile(r"^### Exercise (\d+\.\d+) · [^:\n]+: (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Exercise:
    """One exercise of a notebook."""

    number: str
    title: str
    position: int  # of the stub among the notebook's cells
    stub: Cell

    @property
    def name(self) -> str:
        """Return how a student is told of it."""
        return f"{self.number} {self.title}"

    @property
    def asked(self) -> str:
        """Return the stub's text; that of an open one without its number."""
        return text(self.stub).replace(f"### Exercise {self.number} ", "### Exercise ", 1)


@dataclass(frozen=True)
class Answer:
    """What a student wrote for one exercise: the stub's cell, and his own around it."""

    before: list[Cell]
    cell: Cell
    after: list[Cell]


@dataclass(frozen=True)
class Carried:
    """A new lesson with a student's answers; what was carried over, and what not and why."""

    copy: Notebook
    carried: list[str]
    left: list[str]


def exercises(notebook: Notebook) -> Iterator[Exercise]:
    """Yield the exercises of a notebook in order."""
    cells = notebook["cells"]
    for start, cell in enumerate(cells):
        heading = None if cell["cell_type"] == "code" else _HEADING.search(text(cell))
        if heading is not None:
            at = _stub_below(start, cells)
            yield Exercise(heading[1], heading[2], at, cells[at])


def _stub_below(start: int, cells: list[Cell]) -> int:
    """Return where the stub of the exercise at ``start`` is; ``start`` itself if it is open."""
    for position, cell in enumerate(cells[start + 1 :], start + 1):
        if cell["cell_type"] == "code":
            return position
        if text(cell).startswith(("#", "<details>")):  # another section, or the solution
            break
    return start


def answered(mine: Notebook, before: Notebook) -> Iterator[tuple[Exercise, Answer | None]]:
    """Yield the exercises of a lesson with what a student's copy of it holds for each.

    Args:
        mine: the student's copy.
        before: the lesson that he was given.
    """
    known = _Known(before)
    for exercise in exercises(before):
        yield exercise, _find(exercise, mine, known)


def carry_over(mine: Notebook, before: Notebook, lesson: Notebook) -> Carried:
    """Put the answers of a student's copy into a newer lesson, where their stubs are unchanged.

    Args:
        mine: the student's copy.
        before: the lesson that he was given.
        lesson: the lesson as it is now; left as it is.
    """
    free = list(exercises(lesson))
    titles = {(one.title, _is_code(one.stub)) for one in free}
    answers: dict[int, Answer] = {}
    carried, left = [], []
    for exercise, answer in answered(mine, before):
        place = _same_stub(exercise, free)
        if place is not None:
            free.remove(place)
        if answer is None:
            continue
        if place is None:
            changed = f"its {'code' if _is_code(exercise.stub) else 'text'} has changed"
            there = (exercise.title, _is_code(exercise.stub)) in titles
            left.append(f"{exercise.name}: {changed if there else 'it is not there any more'}")
        else:
            untouched = text(answer.cell) == text(exercise.stub) and not _is_code(answer.cell)
            answers[place.position] = replace(answer, cell=place.stub) if untouched else answer
            moved = "" if place.number == exercise.number else f" (now {place.number})"
            carried.append(f"{exercise.name}{moved}")
    return Carried({**lesson, "cells": _with(answers, lesson["cells"])}, carried, left)


def _same_stub(exercise: Exercise, among: list[Exercise]) -> Exercise | None:
    """Return the exercise with the same stub, wherever it stands and whatever its number."""
    same = [one for one in among if one.asked == exercise.asked]
    return min(same, key=lambda one: one.title != exercise.title, default=None)


class _Known:
    """The cells of the lesson as it was handed out: what is none of them is the student's own."""

    def __init__(self, before: Notebook):
        self.ids = {cell["id"] for cell in before["cells"] if "id" in cell}
        self.texts = {text(cell) for cell in before["cells"]}

    def __contains__(self, cell: Cell) -> bool:
        # By the text too: some programs give every cell another id.
        return cell.get("id") in self.ids or text(cell) in self.texts


def _find(exercise: Exercise, mine: Notebook, known: _Known) -> Answer | None:
    """Return a student's answer to an exercise, or ``None`` if he wrote none."""
    cells, at = mine["cells"], _position(exercise, mine, known)
    if at is None:
        return None
    start, end = at, at + 1
    while _is_code(exercise.stub) and start > 0 and cells[start - 1] not in known:
        start -= 1
    while end < len(cells) and cells[end] not in known:
        end += 1
    added = [cell for cell in cells[start:at] + cells[at + 1 : end] if text(cell).strip()]
    if not added and text(cells[at]) == text(exercise.stub):
        return None
    return Answer(cells[start:at], cells[at], cells[at + 1 : end])


def _position(exercise: Exercise, mine: Notebook, known: _Known) -> int | None:
    """Return where the stub's cell is in a student's copy: by its id, or else by the heading."""
    kind = exercise.stub["cell_type"]
    for position, cell in enumerate(mine["cells"]):
        if cell["cell_type"] == kind and cell.get("id") == exercise.stub.get("id", ""):
            return position
    for one in exercises(mine):
        same = one.name == exercise.name and one.stub["cell_type"] == kind
        if same and one.stub not in known:
            return one.position
    return None


def _is_code(cell: Cell) -> bool:
    return bool(cell["cell_type"] == "code")


def _with(answers: dict[int, Answer], cells: list[Cell]) -> list[Cell]:
    """Return a lesson's cells with answers in the places of stubs, each id once."""
    taken = {cell.get("id") for cell in cells}
    result: list[Cell] = []
    for position, cell in enumerate(cells):
        answer = answers.get(position)
        if answer is None:
            result.append(cell)
            continue
        kept = {"source": answer.cell["source"]}
        if _is_code(cell):
            kept["outputs"] = answer.cell.get("outputs") or []
            kept["execution_count"] = answer.cell.get("execution_count")
        result += [_with_own_id(one, taken) for one in answer.before]
        result.append({**cell, **kept})
        result += [_with_own_id(one, taken) for one in answer.after]
    return result


def _with_own_id(cell: Cell, taken: set[str | None]) -> Cell:
    name = cell.get("id")
    while name in taken or name is None:
        name = secrets.token_hex(4)
    taken.add(name)
    return {**cell, "id": name}
