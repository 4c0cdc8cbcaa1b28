"""What every check shares: run the student's work, and say in words what is still wrong.

A check is a function decorated with ``@exercise("1.2")``. It receives the student's work, raises
``Wrong`` with a sentence to act on, and returns the sentence to show when all is well.
"""

import functools
import traceback
from collections.abc import Callable
from typing import Any


class Wrong(Exception):  # noqa: N818 - reads as what it says: raise Wrong("the sign is flipped")
    """The work was tried and is not right yet; the message says what to look at."""


class NotAttempted(Exception):  # noqa: N818
    """The stub is still as it came."""


def exercise(number: str) -> Callable[[Callable[..., str]], Callable[..., None]]:
    """Turn a check into a call that prints one line and never raises.

    Args:
        number: the exercise, as its heading counts it: ``"1.2"``.
    """

    def decorate(check: Callable[..., str]) -> Callable[..., None]:
        @functools.wraps(check)
        def run(*work: Any, **more: Any) -> None:
            print(f"Exercise {number} {_verdict(check, work, more)}")  # noqa: T201

        return run

    return decorate


def _verdict(check: Callable[..., str], work: tuple[Any, ...], more: dict[str, Any]) -> str:
    if any(value is None or value is ... for value in (*work, *more.values())):
        return "· not attempted yet"
    try:
        return f"✓ {check(*work, **more)}"
    except NotAttempted:
        if all(map(_is_stub, work)):
            return "· not attempted yet"
        return "✗ your function returned nothing: is the return missing?"
    except Wrong as wrong:
        return f"✗ {wrong}"
    except Exception as error:  # whatever a student's code may raise is part of the answer
        line = traceback.extract_tb(error.__traceback__)[-1]
        return f"✗ your code stopped with {type(error).__name__}: {error} (line: {line.line})"


def _is_stub(work: Any) -> bool:
    """Say whether a function does nothing: it uses no name and has no variable of its own."""
    code = getattr(work, "__code__", None)
    if code is None:
        return True
    return not code.co_names and code.co_nlocals == code.co_argcount + code.co_kwonlyargcount


def attempted(result: Any) -> Any:
    """Return what the student's function gave, or raise ``NotAttempted`` for a stub's ``None``."""
    if result is None or result is ...:
        raise NotAttempted
    return result


def require(condition: bool, message: str) -> None:
    """Raise ``Wrong(message)`` unless the condition holds."""
    if not condition:
        raise Wrong(message)
