"""Files that another program holds for a moment: virus scanners and indexers do, on Windows."""

import errno
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

SECONDS = 2.0  # of trying again, until a file counts as held for good
PAUSE = 0.1

T = TypeVar("T")


class Held(PermissionError):  # noqa: N818 - says what is the case, as its siblings do
    """A file that stays refused although its folder can be written."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EACCES, "another program holds the file", str(path))


def patiently(work: Callable[[], T]) -> T:
    """Return what ``work`` returns; where the system refuses it, try again for two seconds.

    Raises:
        PermissionError: it was refused each time.
    """
    end = time.monotonic() + SECONDS
    while True:
        try:
            return work()
        except PermissionError:
            if time.monotonic() >= end:
                raise
        time.sleep(PAUSE)
