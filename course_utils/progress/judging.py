"""Play one answer in this process: the lesson's definitions, the student's cells, the check.

Nothing here is safe from what the answer does; ``apart`` and ``watching`` see to that.
"""

import ast
import builtins
import contextlib
import dis
import signal
from collections.abc import Iterator
from types import CodeType
from typing import Any

import torch
from IPython.display import display

from course_utils.lessons.checks import running
from course_utils.lessons.definitions import compile_definitions, show_lines, without_magics
from course_utils.progress.outcome import (
    BROKEN,
    SOLVED,
    TRIED,
    UNJUDGED,
    UNTOUCHED,
    Answer,
    Outcome,
)

LOADS = {"LOAD_NAME", "LOAD_GLOBAL"}
STORES = {"STORE_NAME", "STORE_GLOBAL"}


def judge(answer: Answer, seconds: int) -> Outcome:
    """Play an answer; a cell that runs longer than ``seconds`` ends the process, with SIGALRM."""
    space = {"__name__": "__main__", "device": torch.device("cpu"), "display": display}
    _define(answer.lesson, "lesson, code cell", space)
    checks = space.get("checks")
    computed = _computed(answer.lesson) - set(space) - set(vars(builtins))
    needed: set[str] = set()
    try:
        with _alarm(seconds):
            _define(answer.own, "own cell", space, contextlib.suppress(Exception))
            for text in answer.cells:
                needed |= _run(text, answer, space, computed)
    except BaseException as error:  # SystemExit, too: whatever foreign code may raise
        return Outcome(BROKEN, _told(error))
    space["checks"] = checks  # whatever the student called so
    _check(answer, space)
    said = [line for exercise, line in running.SAID if exercise == answer.exercise]
    # The lesson's own call came last; who answered in his own call, checks.f("up"), counts too.
    line = next((line for line in reversed(said) if not line.startswith(UNTOUCHED)), said[-1])
    mark, _, sentence = line.partition(" ")
    needed |= _needed(answer, computed)
    if mark != SOLVED and needed:
        return Outcome(UNJUDGED, f"it uses what the lesson computes: {', '.join(sorted(needed))}")
    return Outcome(mark, sentence)


def _define(
    cells: tuple[str, ...],
    what: str,
    space: dict[str, Any],
    let_pass: contextlib.AbstractContextManager[Any] | None = None,
) -> None:
    """Run the definitions of cells; a student's cell that fails defines nothing, as with him."""
    for number, text in enumerate(cells, 1):
        with let_pass or contextlib.nullcontext():
            exec(compile_definitions(text, f"<{what} {number}>"), space)


@contextlib.contextmanager
def _alarm(seconds: int) -> Iterator[None]:
    """End the process after so many seconds, where there are alarms; elsewhere the parent does."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _run(text: str, answer: Answer, space: dict[str, Any], computed: set[str]) -> set[str]:
    """Run a cell but for its call of the check; return the computed names that it lacked.

    A statement that lacks one is left out: ``print(loss)`` below an answer says nothing of it.
    """
    name, lacking = f"<exercise {answer.exercise}>", set()
    plain = without_magics(text)
    show_lines(plain, name)
    for statement in ast.parse(plain, name).body:
        if ast.unparse(statement) == ast.unparse(ast.parse(answer.check)):
            continue
        try:
            exec(compile(ast.Module([statement], []), name, "exec"), space)
        except NameError as error:
            if error.name not in computed:
                raise
            lacking.add(error.name)
    return lacking


def _check(answer: Answer, space: dict[str, Any]) -> None:
    try:
        exec(answer.check, space)
    except NameError as error:  # the name that the stub gave is not there any more
        if not running.SAID:  # and the student's own call, with another name, neither
            running.SAID.append((answer.exercise, f"{TRIED} there is no {error.name}"))


def _told(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "the cell ends the program"
    text = " ".join(str(error).split())[:200]
    return f"the cell stops with {type(error).__name__}" + (f": {text}" if text else "")


def _computed(lesson: tuple[str, ...]) -> set[str]:
    """Return the names that a lesson's cells store when they are run from top to bottom."""
    codes = [compile(without_magics(text), "<lesson>", "exec") for text in lesson]
    return {name for code in codes for name in _names(code, STORES)}


def _needed(answer: Answer, computed: set[str]) -> set[str]:
    """Return the computed names that an answer uses, and its functions, but does not store."""
    codes = [compile(without_magics(text), "<answer>", "exec") for text in answer.cells]
    used = {name for code in codes for name in _names(code, LOADS)}
    return (used & computed) - {name for code in codes for name in _names(code, STORES)}


def _names(code: CodeType, steps: set[str]) -> set[str]:
    names = {step.argval for step in dis.get_instructions(code) if step.opname in steps}
    inner = [one for one in code.co_consts if isinstance(one, CodeType)]
    return names.union(*(_names(one, steps) for one in inner))
