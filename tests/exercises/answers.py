"""Right and wrong answers to the exercises, as real code, and how an answer is played.

A lesson's answers stand in ``lesson_05.py``, beside this file::

    from answers import Answers

    answers = Answers("05")
    lesson = answers.lesson            # what the lesson defines: lesson.LineModel

    @answers.right("2.3")              # put in under the function's own name
    def cross_entropy(logits, labels):
        return -logits.log_softmax(dim=1)[torch.arange(len(labels)), labels].mean()

    @answers.wrong("2.3", "take the mean", kind="message")    # a fragment of the message
    def cross_entropy(logits, labels):
        return -logits.log_softmax(dim=1)[torch.arange(len(labels)), labels].sum()

    answers.right("5.2", mean=torch.tensor(-0.6), logvar=math.log(0.2), kind="numbers")
    answers.wrong("8.1", "leaves out one kind", my_d_loss=one_sided)    # my_g_loss: the solution's

Names of the stub that an answer does not give come from the folded solution. ``kind`` is one of
``KINDS`` (or a text with several, ``"numbers state"``) and puts the answer into that kind's table;
``name`` is a short name for the test's id; ``says`` is a fragment of a right answer's praise. A
decorated function is returned as it is.

To play one: ``play(answer)``, which returns what was printed after "Exercise 5.2 ".
"""

import ast
import contextlib
import functools
import io
import linecache
import random
import re
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jupytext
import numpy as np
import torch
from lesson_code import source_of
from typed import typed

from course_utils.lessons.definitions import compile_definitions

HEADING = re.compile(r"^### Exercise (\d+\.\d+) · ([a-z ]+): (.+)$", re.MULTILINE)
SOLUTION = re.compile(
    r"<details><summary>Solution</summary>\n\n.*?```python\n(.*?)```\n.*?</details>", re.DOTALL
)
KINDS = {
    "numbers": "numbers are numbers, in any form",
    "nan": "nan and infinity come first",
    "extreme": "values of any size, each row on its own scale",
    "train": "what cannot train is refused",
    "device": "what the task asks of devices",
    "state": "old gradients, and arguments that were written into",
    "luck": "luck is told from skill",
    "line": "the student's own line, and a sentence for a wrong type",
    "return": "a forgotten return is not a stub",
    "message": "messages tell the truth",
    "quiet": "one line, and nothing is changed",
}


@dataclass(frozen=True)
class Exercise:
    """One exercise as the lesson's source holds it."""

    lesson: str
    number: str
    kind: str
    title: str
    task: str
    stub: str
    check: str
    solution: str

    @property
    def names(self) -> list[str]:
        """The names that the stub defines, for the student to fill."""
        return _defined(self.stub)


@dataclass(frozen=True)
class Answer:
    """One answer: what the student defined, and what the check must say to it."""

    lesson: str
    number: str
    values: dict[str, Any]
    fragment: str | None  # None: it is right
    kinds: tuple[str, ...]
    name: str
    says: str = ""  # a fragment of the praise

    @property
    def id(self) -> str:
        """The exercise and a short name."""
        return f"{self.number}-{'right' if self.fragment is None else 'wrong'}-{self.name[:40]}"

    def text(self) -> str | None:
        """The answer as a student would type it; None if it needs what only the tests have."""
        known, item = _namespace(self.lesson), exercise(self.number)
        parts = [typed(name, value, known) for name, value in self.values.items()]
        rest = [item.solution] if set(item.names) - set(self.values) else []
        return None if None in parts else "\n\n".join([*rest, *map(str, parts)])


@dataclass(frozen=True)
class Lesson:
    """What a lesson defines, as attributes; it is run when the first one is asked for."""

    number: str

    def __getattr__(self, name: str) -> Any:
        try:
            return _namespace(self.number)[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass
class Answers:
    """The answers of one lesson, in the order in which they were written."""

    number: str
    all: list[Answer] = field(default_factory=list)

    @property
    def lesson(self) -> "Lesson":
        """What the lesson defines."""
        return Lesson(self.number)

    def right(
        self, exercise: str, *, kind: str = "", name: str = "", says: str = "", **values: Any
    ) -> Any:
        """Add a right answer: a function to decorate, or values by their names."""
        return self._add(exercise, None, kind, name, values, says)

    def wrong(
        self, exercise: str, fragment: str, *, kind: str = "", name: str = "", **values: Any
    ) -> Any:
        """Add a wrong answer, with a fragment of the message that it must get."""
        return self._add(exercise, fragment, kind, name, values)

    def _add(
        self,
        number: str,
        fragment: str | None,
        kind: str,
        name: str,
        values: dict[str, Any],
        says: str = "",
    ) -> Any:
        kinds = tuple(kind.split())
        assert set(kinds) <= set(KINDS), f"{number}: no such kind: {kind}"
        given = ", ".join(f"{key}={value}" for key, value in values.items())
        short = name or fragment or given or f"line {sys._getframe(2).f_lineno}"

        def add(values: dict[str, Any]) -> None:
            self.all.append(Answer(self.number, number, values, fragment, kinds, short, says))

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            add({function.__name__: function})
            return function

        return add(values) if values else decorate


def exercises(lesson: str) -> list[str]:
    """Return the numbers of a lesson's exercises, in their order."""
    return list(_exercises(source_of(lesson)))


def exercise(number: str) -> Exercise:
    """Return one exercise, as in ``exercise("3.1")``."""
    return _exercises(source_of(number.split(".")[0].zfill(2)))[number]


def play(answer: Answer) -> str:
    """Play an answer and return what was printed, which must be one line and nothing else."""
    item = exercise(answer.number)
    unknown = set(answer.values) - set(item.names)
    assert not unknown, f"{answer.id}: the stub of {item.number} does not define {unknown}"
    space = notebook(item.lesson)
    if set(item.names) - set(answer.values):
        _run(item.solution, f"<solution {item.number}>", space)
    return _verdict(item, space | answer.values)


def play_text(number: str, code: str | None = None, space: dict[str, Any] | None = None) -> str:
    """Play what a student typed instead of the stub; the stub as it stands without it.

    In a namespace of its own, or in the ``notebook`` in which he played before.
    """
    item = exercise(number)
    space = notebook(item.lesson) if space is None else space
    _run(item.stub if code is None else code, f"<exercise {number}>", space)
    return _verdict(item, space)


def solve(number: str) -> str:
    """Play an exercise's folded solution."""
    return play_text(number, exercise(number).solution)


def notebook(lesson: str) -> dict[str, Any]:
    """Return a new namespace with what a lesson defines."""
    return dict(_namespace(lesson))


def _verdict(item: Exercise, space: dict[str, Any]) -> str:
    printed, errors = io.StringIO(), io.StringIO()
    before = _random_states()
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(errors),
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter("always")
        exec(compile(item.check, f"<check {item.number}>", "exec"), space)
    said = printed.getvalue()
    assert not warned, f"{item.number}: a check warns: {warned[0].message}"
    assert not errors.getvalue(), f"{item.number}: a check writes errors: {errors.getvalue()}"
    assert said.count("\n") == 1, f"{item.number}: a check prints one line, not {said!r}"
    assert _random_states() == before, f"{item.number}: a check changes random states"
    start = f"Exercise {item.number} "
    assert said.startswith(start), said
    return said.removeprefix(start).rstrip("\n")


def _random_states() -> tuple[Any, ...]:
    arrays = np.random.get_state()  # noqa: NPY002 - the global state is what this is about
    return (
        random.getstate(),
        arrays[1].tobytes(),
        arrays[2:],
        torch.get_rng_state().numpy().tobytes(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
    )


def _run(code: str, name: str, space: dict[str, Any]) -> None:
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    exec(compile(code, name, "exec"), space)


@functools.cache
def _namespace(lesson: str) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": "__main__", "device": torch.device("cpu")}
    for number, text in enumerate(lesson_texts(lesson), 1):
        exec(compile_definitions(text, f"<lesson {lesson}, code cell {number}>"), space)
    return space


def lesson_texts(lesson: str) -> list[str]:
    """Return the code cells of a lesson, without the stubs of its exercises."""
    source = source_of(lesson)
    stubs = {f"{one.stub}\n{one.check}".strip() for one in _exercises(source).values()}
    code = [cell.source for cell in _cells(source) if cell.cell_type == "code"]
    return [text for text in code if text.strip() not in stubs]


@functools.cache
def _cells(source: Path) -> list[Any]:
    return list(jupytext.read(source, fmt="py:percent").cells)


@functools.cache
def _exercises(source: Path) -> dict[str, Exercise]:
    found: dict[str, Exercise] = {}
    cells = _cells(source)
    for i, cell in enumerate(cells):
        heading = HEADING.search(cell.source) if cell.cell_type == "markdown" else None
        if not heading or heading[2] == "open":  # an open question has no check
            continue
        number, kind, title = heading.groups()
        where = f"{source.name}: exercise {number}"
        assert number not in found, f"{where} stands twice"
        assert i + 2 < len(cells), f"{where} has no stub and solution"
        stub, check = _split(cells[i + 1], where)
        block = SOLUTION.search(cells[i + 2].source)
        assert block, f"{where} has no folded solution after its stub"
        parts = (cell.source, stub, check, block[1].rstrip("\n"))
        found[number] = Exercise(source.name[:2], number, kind, title, *parts)
    return found


def _split(cell: Any, where: str) -> tuple[str, str]:
    """Return a stub cell's own code, and its last statement: the call of the check."""
    assert cell.cell_type == "code", f"{where}: no code cell follows the task"
    last = ast.parse(cell.source).body[-1]
    lines = cell.source.splitlines()
    stub, check = lines[: last.lineno - 1], lines[last.lineno - 1 :]
    assert check[0].startswith("checks."), f"{where}: the stub's last line calls no check"
    return "\n".join(stub), "\n".join(check)


def _defined(code: str) -> list[str]:
    names = []
    for node in ast.parse(code).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            inner = [one for target in targets for one in getattr(target, "elts", [target])]
            names += [target.id for target in inner if isinstance(target, ast.Name)]
    return names
