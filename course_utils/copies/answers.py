"""The answers in a student's copy, and how they are carried over into a newer lesson.

An exercise is a text that begins ``### Exercise 3.1 · code: Title`` and the first code cell below
it, the stub. An answer is that cell as the student left it, with the cells that he added around it.
"""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

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
    heading = None
    for position, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            if heading is not None:
                yield Exercise(heading[1], heading[2], position, cell)
            heading = None
        else:
            ended = text(cell).startswith(("#", "<details>"))  # another section, or the solution
            heading = _HEADING.search(text(cell)) or (None if ended else heading)


def carry_over(mine: Notebook, before: Notebook, lesson: Notebook) -> Carried:
    """Put the answers of a student's copy into a newer lesson, where their stubs are unchanged.

    Args:
        mine: the student's copy.
        before: the lesson that he was given.
        lesson: the lesson as it is now; left as it is.
    """
    free = list(exercises(lesson))
    titles = {exercise.title for exercise in free}
    known = _Known(before)
    answers: dict[int, Answer] = {}
    carried, left = [], []
    for exercise in exercises(before):
        answer = _find(exercise, mine, known)
        place = _same_stub(exercise, free)
        if place is not None:
            free.remove(place)
        if answer is None:
            continue
        if place is None:
            why = "its code has changed" if exercise.title in titles else "it is not there any more"
            left.append(f"{exercise.name}: {why}")
        else:
            answers[place.position] = answer
            moved = "" if place.number == exercise.number else f" (now {place.number})"
            carried.append(f"{exercise.name}{moved}")
    return Carried({**lesson, "cells": _with(answers, lesson["cells"])}, carried, left)


def _same_stub(exercise: Exercise, among: list[Exercise]) -> Exercise | None:
    """Return the exercise with the same stub, wherever it stands and whatever its number."""
    same = [one for one in among if text(one.stub) == text(exercise.stub)]
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
    while start > 0 and cells[start - 1] not in known:
        start -= 1
    while end < len(cells) and cells[end] not in known:
        end += 1
    added = [cell for cell in cells[start:at] + cells[at + 1 : end] if text(cell).strip()]
    if not added and text(cells[at]) == text(exercise.stub):
        return None
    return Answer(cells[start:at], cells[at], cells[at + 1 : end])


def _position(exercise: Exercise, mine: Notebook, known: _Known) -> int | None:
    """Return where the stub's cell is in a student's copy: by its id, or else by the heading."""
    for position, cell in enumerate(mine["cells"]):
        if cell["cell_type"] == "code" and cell.get("id") == exercise.stub.get("id", ""):
            return position
    for one in exercises(mine):
        if one.name == exercise.name and one.stub not in known:
            return one.position
    return None


def _with(answers: dict[int, Answer], cells: list[Cell]) -> list[Cell]:
    """Return a lesson's cells with answers in the places of stubs, each id once."""
    taken = {cell.get("id") for cell in cells}
    result: list[Cell] = []
    for position, cell in enumerate(cells):
        answer = answers.get(position)
        if answer is None:
            result.append(cell)
            continue
        kept = {key: answer.cell.get(key) for key in ("source", "outputs", "execution_count")}
        result += [_with_own_id(one, taken) for one in answer.before]
        result.append({**cell, **kept, "outputs": kept["outputs"] or []})
        result += [_with_own_id(one, taken) for one in answer.after]
    return result


def _with_own_id(cell: Cell, taken: set[str | None]) -> Cell:
    name = cell.get("id")
    while name in taken or name is None:
        name = secrets.token_hex(4)
    taken.add(name)
    return {**cell, "id": name}
