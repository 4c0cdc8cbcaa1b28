"""One program at a time in a data set's folder: two notebooks may want the same data at once."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from course_utils.data.atomic import clear_leftovers
from course_utils.data.errors import DataError
from course_utils.data.held import Held

NOTICE_SECONDS = 3.0  # of waiting in silence; then a line says what is waited for
WAIT_SECONDS = 1800.0
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}  # quotas are not everywhere
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


@contextmanager
def claimed(folder: Path, what: str) -> Iterator[None]:
    """Hold ``folder``, created if need be, for this process alone; clear interrupted writes first.

    Args:
        folder: where files are about to be written, through ``atomically``.
        what: the data set, for messages.

    Raises:
        DataError: the folder is read-only, its disk is full, another program holds a file in it, or
            it cannot be written otherwise.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder, what):
            clear_leftovers(folder)
            yield
    except filelock.Timeout:
        raise DataError(
            f"{what}: another program has been writing in {folder} for {WAIT_SECONDS / 60:.0f} "
            "minutes",
            "stop it, then try again",
        ) from None
    except OSError as error:
        raise _cannot_write(error, folder, what) from None


@contextmanager
def _locked(folder: Path, what: str) -> Iterator[None]:
    lock = filelock.FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=NOTICE_SECONDS)
    except filelock.Timeout:
        print(f"{what}: another notebook is preparing it; waiting.", flush=True)  # noqa: T201
        lock.acquire(timeout=WAIT_SECONDS)
    try:
        yield
    finally:
        lock.release()


def _cannot_write(error: OSError, folder: Path, what: str) -> DataError:
    if isinstance(error, Held):
        return DataError(
            f"{what}: another program holds {error.filename}",
            "close it (a notebook? a virus scanner?), then try again",
        )
    if error.errno in _FULL:
        return DataError(
            f"{what}: the disk is full",
            f"free about 250 MB on the disk of {folder}, "
            "or set COURSE_DATA_DIR to a folder on another disk",
        )
    if error.errno in _READ_ONLY:
        return DataError(
            f"{what} is missing or damaged in {folder}, and this folder is read-only",
            "set COURSE_DATA_DIR to a folder that you may write",
        )
    return DataError(
        f"{what}: cannot write in {folder} ({error.strerror or error})",
        "set COURSE_DATA_DIR to another folder",
    )
