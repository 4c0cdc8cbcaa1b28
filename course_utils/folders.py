"""Writing into a folder that other notebooks write too: one at a time, and never half a file."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

WAIT_SECONDS = 1800.0
NOTICE_SECONDS = 3.0
_FULL = {errno.ENOSPC, errno.EDQUOT}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


class DataError(RuntimeError):
    """The data cannot be had; the message says in one sentence why, and what to do."""


@contextmanager
def claimed(folder: Path, what: str) -> Iterator[None]:
    """Hold ``folder``, created if need be, for this process alone; clear interrupted writes first.

    Args:
        folder: where files are about to be written, through ``fresh``.
        what: the data set, for messages.

    Raises:
        DataError: the folder is read-only, its disk is full, or it cannot be written otherwise.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(folder, what):
            for leftover in folder.glob("*.part"):
                leftover.unlink(missing_ok=True)
            yield
    except filelock.Timeout:
        raise DataError(
            f"{what}: another program has been writing in {folder} for {WAIT_SECONDS / 60:.0f} "
            "minutes; stop it, then try again."
        ) from None
    except OSError as error:
        raise DataError(_sentence(error, folder, what)) from None


@contextmanager
def fresh(target: Path) -> Iterator[Path]:
    """Yield a temporary name beside ``target`` to write to; at the end it becomes ``target``.

    If the block raises, ``target`` stays as it was and nothing else is left.
    """
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
    try:
        yield part
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _lock(folder: Path, what: str) -> Iterator[None]:
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


def _sentence(error: OSError, folder: Path, what: str) -> str:
    if error.errno in _FULL:
        return (
            f"{what}: the disk is full; free about 250 MB on the disk of {folder}, "
            "or set COURSE_DATA_DIR to a folder on another disk."
        )
    if error.errno in _READ_ONLY:
        return (
            f"{what} is missing or damaged in {folder}, and this folder is read-only; "
            "set COURSE_DATA_DIR to a folder that you may write."
        )
    return (
        f"{what}: cannot write in {folder} ({error.strerror or error}); "
        "set COURSE_DATA_DIR to another folder."
    )
