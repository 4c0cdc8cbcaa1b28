"""Run an exercise of a lesson outside its notebook: the stub, a solution, or a mistake.

The lesson's definitions are run first (nothing that trains), then the exercise's cell.
"""

import ast
import contextlib
import functools
import io
import linecache
import re
from dataclasses import dataclass
from pathlib import Path

import jupytext
from lesson_code import run_definitions, source_of

HEADING = re.compile(r"^### Exercise (\d+\.\d+) · ([a-z ]+): (.+)$", re.MULTILINE)
SOLUTION = re.compile(
    r"<details><summary>Solution</summary>\n\n.*?```python\n(.*?)```\n.*?</details>", re.DOTALL
)


@dataclass(frozen=True)
class Exercise:
    """One exercise as the lesson's source holds it."""

    number: str
    kind: str
    title: str
    task: str
    stub: str
    check: str
    solution: str


def exercises(lesson: str) -> list[str]:
    """Return the numbers of a lesson's exercises, in their order."""
    return list(_exercises(source_of(lesson)))


def exercise(lesson: str, number: str) -> Exercise:
    """Return one exercise."""
    return _exercises(source_of(lesson))[number]


def solution(lesson: str, number: str) -> str:
    """Return the code of an exercise's folded solution."""
    return exercise(lesson, number).solution


def play(lesson: str, number: str, code: str | None = None) -> str:
    """Run an exercise and return what it printed.

    Args:
        lesson: as in ``"03"``.
        number: as in ``"3.1"``.
        code: what the student wrote instead of the stub; the stub's check follows it. Without it
            the stub runs as it stands.
    """
    item = exercise(lesson, number)
    text = f"{item.stub if code is None else code}\n{item.check}\n"
    namespace: dict[str, object] = {"__name__": "__main__"}
    stubs = {f"{one.stub}\n{one.check}".strip() for one in _exercises(source_of(lesson)).values()}
    run_definitions(lesson, namespace, left_out=stubs)
    name = f"<exercise {number}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, name, "exec"), namespace)
    return printed.getvalue()


@functools.cache
def _exercises(source: Path) -> dict[str, Exercise]:
    found = {}
    cells = jupytext.read(source, fmt="py:percent").cells
    for i, cell in enumerate(cells):
        if cell.cell_type == "markdown" and (heading := HEADING.search(cell.source)):
            number, kind, title = heading.groups()
            assert number not in found, f"{source.name}: exercise {number} stands twice"
            assert i + 2 < len(cells), f"{source.name}: exercise {number} has no stub and solution"
            stub, check = _split(cells[i + 1], f"{source.name}: exercise {number}")
            block = SOLUTION.search(cells[i + 2].source)
            assert block, f"{source.name}: exercise {number} has no folded solution after its stub"
            found[number] = Exercise(
                number, kind, title, cell.source, stub, check, block[1].rstrip("\n")
            )
    return found


def _split(cell, where: str) -> tuple[str, str]:
    """Return a stub cell's own code, and its last statement: the call of the check."""
    assert cell.cell_type == "code", f"{where}: no code cell follows the task"
    last = ast.parse(cell.source).body[-1]
    lines = cell.source.splitlines()
    stub, check = lines[: last.lineno - 1], lines[last.lineno - 1 :]
    assert check[0].startswith("checks."), f"{where}: the stub's last line calls no check"
    return "\n".join(stub), "\n".join(check)
