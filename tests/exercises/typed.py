"""Real code as a student would type it: what the browser and the kernel are given."""

import ast
import builtins
import dis
import inspect
import re
import textwrap
from types import CodeType, FunctionType
from typing import Any


def typed(name: str, value: Any, known: dict[str, Any]) -> str | None:
    """Return a definition as text, or None if it needs what only the tests have.

    Args:
        name: as the exercise's stub calls it.
        value: a function of the tests, or a plain value.
        known: what the lesson defines.
    """
    if isinstance(value, FunctionType):
        return _function(name, value, known)
    try:
        ast.literal_eval(repr(value))
    except (ValueError, SyntaxError):  # nan, a tensor, an array
        return None
    return f"{name} = {value!r}"


def _function(name: str, function: FunctionType, known: dict[str, Any]) -> str | None:
    text = textwrap.dedent(inspect.getsource(function))
    start = re.search(rf"^def {name}\(", text, re.MULTILINE)
    if not start or function.__closure__:
        return None
    here = function.__globals__
    for used in _names(function.__code__):
        lesson_has = used in known or hasattr(builtins, used) or used == "lesson"
        if not lesson_has or (used in here and used in known and here[used] is not known[used]):
            return None
    return re.sub(r"\blesson\.", "", text[start.start() :]).rstrip()


def _names(code: CodeType) -> set[str]:
    """Return the global names that a function and the functions in it use."""
    loads = {"LOAD_GLOBAL", "LOAD_NAME"}
    names = {step.argval for step in dis.get_instructions(code) if step.opname in loads}
    inner = [one for one in code.co_consts if isinstance(one, CodeType)]
    return names.union(*map(_names, inner))
