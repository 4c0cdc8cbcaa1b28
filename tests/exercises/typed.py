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
    """Return a function's text, after that of the tests' own functions that it uses."""
    text = textwrap.dedent(inspect.getsource(function))
    start = re.search(rf"^def {name}\(", text, re.MULTILINE)
    if not start or function.__closure__:
        return None
    here, before = function.__globals__, []
    for used in sorted(_names(function.__code__) - {"lesson", name}):
        lessons_own = used in known and (used not in here or here[used] is known[used])
        if lessons_own or (used not in here and hasattr(builtins, used)):
            continue
        helper = here.get(used)
        if used in known or not isinstance(helper, FunctionType):
            return None
        before.append(_function(used, helper, known))
    if None in before:
        return None
    return "\n\n".join([*before, re.sub(r"\blesson\.", "", text[start.start() :]).rstrip()])


def _names(code: CodeType) -> set[str]:
    """Return the global names that a function and the functions in it use."""
    loads = {"LOAD_GLOBAL", "LOAD_NAME"}
    names = {step.argval for step in dis.get_instructions(code) if step.opname in loads}
    inner = [one for one in code.co_consts if isinstance(one, CodeType)]
    return names.union(*map(_names, inner))
