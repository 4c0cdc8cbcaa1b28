"""Writing a file so that it is there whole or not at all: under another name, then renamed."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from course_utils.data.held import Held, patiently

_SUFFIX = ".part"


@contextmanager
def atomically(target: Path) -> Iterator[Path]:
    """Yield a temporary name beside ``target`` to write to; at the end it becomes ``target``.

    If the block raises, ``target`` stays as it was and nothing else is left.

    Raises:
        Held: another program holds ``target``, and still did two seconds later.
    """
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}{_SUFFIX}")
    try:
        yield part
        _rename(part, target)
    finally:
        _delete(part)


def clear_leftovers(folder: Path) -> None:
    """Delete what programs that were killed while they wrote have left; nobody else may write."""
    for leftover in folder.glob(f"*{_SUFFIX}"):
        _delete(leftover)


def _rename(part: Path, target: Path) -> None:
    try:
        patiently(lambda: os.replace(part, target))
    except PermissionError:  # the folder is not to blame: `part` has just been written there
        raise Held(target) from None


def _delete(part: Path) -> None:
    # One that is held goes the next time; an error here would hide the one that matters.
    with contextlib.suppress(OSError):
        part.unlink(missing_ok=True)
