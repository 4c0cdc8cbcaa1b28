"""A new copy of one lesson in the place of the old one, which is kept beside it."""

from dataclasses import dataclass, field
from pathlib import Path

from course_utils.copies import notebook as nb
from course_utils.copies.answers import carry_over
from course_utils.copies.errors import CopyError
from course_utils.copies.handing_out import LESSONS, find, handed_out, keep_old, lay, read_lesson


@dataclass(frozen=True)
class Renewed:
    """What became of one copy."""

    copy: Path
    old: Path | None  # where the old copy lies; None if there was none
    carried: list[str] = field(default_factory=list)  # exercises whose answers stand in the new one
    left: list[str] = field(default_factory=list)  # exercises whose answers do not, and why


def renew(number: str, folder: Path, lessons: Path = LESSONS) -> Renewed:
    """Lay a lesson in place as it is now, with the student's answers where stubs are unchanged.

    Args:
        number: ``03``, or ``3``.
        folder: the student's.
        lessons: where the lessons lie.

    Raises:
        CopyError: there is no such lesson, it cannot be read, or a folder is in the way.
        OSError: the folder cannot be written.
    """
    path = _lesson(number, lessons)
    lesson, copy = read_lesson(path), folder / path.name
    mine = nb.read(copy)
    if mine is None:
        return _started_anew(path, folder, ["the old copy cannot be read as a notebook"])
    before = handed_out(path.name, folder) or lesson
    found = carry_over(mine, before, lesson)
    old = keep_old(copy, folder)
    lay(lesson, path.name, folder, found.copy)
    return Renewed(copy, old, found.carried, found.left)


def fresh(number: str, folder: Path, lessons: Path = LESSONS) -> Renewed:
    """Lay a lesson in place as it is now, without answers; arguments and errors as in `renew`."""
    return _started_anew(_lesson(number, lessons), folder, [])


def _started_anew(path: Path, folder: Path, left: list[str]) -> Renewed:
    lesson, copy = read_lesson(path), folder / path.name
    if copy.is_dir():
        raise CopyError(f"{copy} is a folder: rename it, then try again.")
    old = keep_old(copy, folder) if copy.exists() else None
    lay(lesson, path.name, folder)
    return Renewed(copy, old, left=left if old else [])


def _lesson(number: str, lessons: Path) -> Path:
    there = {path.name[:2]: path for path in find(lessons)}
    if number.zfill(2) not in there:
        raise CopyError(f"There is no lesson {number}; there are {', '.join(there) or 'none'}.")
    return there[number.zfill(2)]
