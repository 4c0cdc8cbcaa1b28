"""Handing out: each lesson becomes a file of the student's, and stays his from his first word."""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from course_utils.copies import notebook as nb
from course_utils.copies.errors import CopyError
from course_utils.copies.notebook import Notebook
from course_utils.paths import PROJECT

LESSONS = PROJECT / "notebooks"
_HANDED_OUT = ".handed-out"  # each lesson as the student got it: tells his work from the author's
_OLD = "old"


@dataclass(frozen=True)
class Mended:
    """A lesson that has become newer than the student's copy of it."""

    name: str  # 03_numpy_from_scratch.ipynb
    replaced: bool  # by the new one, because the student had written nothing in it
    old: Path | None = None  # where the replaced copy lies, if the student had run it


def hand_out(folder: Path, lessons: Path = LESSONS) -> list[Mended]:
    """Give each lesson of which there is no copy; replace older copies that nobody has edited.

    Args:
        folder: the student's; created if need be.
        lessons: where the lessons lie.

    Returns:
        What became of the copies that are older than their lesson.

    Raises:
        CopyError: a lesson cannot be read.
        OSError: the folder cannot be written.
    """
    mended = [_bring_up_to_date(lesson, folder) for lesson in find(lessons)]
    return [one for one in mended if one is not None]


def find(lessons: Path) -> list[Path]:
    """Return the notebooks of a folder of lessons, in order."""
    return sorted(lessons.glob("[0-9][0-9]_*.ipynb"))


def read_lesson(path: Path) -> Notebook:
    """Return a lesson as it is to be handed out.

    Raises:
        CopyError: it cannot be read.
    """
    lesson = nb.read(path)
    if lesson is None:
        raise CopyError(
            f"{path} cannot be read as a notebook. Put the course's own back, with "
            f"`git checkout -- notebooks/{path.name}` or from a new download."
        )
    return nb.for_this_machine(lesson)


def handed_out(name: str, folder: Path) -> Notebook | None:
    """Return a lesson as the student got it, or ``None`` if that is not known."""
    return nb.read(folder / _HANDED_OUT / name)


def lay(lesson: Notebook, name: str, folder: Path, copy: Notebook | None = None) -> None:
    """Put a lesson, or a copy of it with answers, in place, and remember what was handed out.

    The copy first: if this is interrupted, the next call sees that it is the lesson's.
    """
    nb.write(copy or lesson, folder / name)
    _remember(lesson, name, folder)


def keep_old(path: Path, folder: Path) -> Path:
    """Keep a student's copy in the folder ``old``, under a name that is not taken; return it."""
    stem = f"{path.stem} {time.strftime('%Y-%m-%d %H.%M')}"
    target = _reserve(folder / _OLD, stem)
    try:
        shutil.copy2(path, target)
    except OSError:
        target.unlink()
        raise
    return target


def _reserve(folder: Path, stem: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        path = folder / f"{stem}{f' ({number})' if number > 1 else ''}.ipynb"
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return path


def _remember(lesson: Notebook, name: str, folder: Path) -> None:
    nb.write(lesson, folder / _HANDED_OUT / name)


def _bring_up_to_date(path: Path, folder: Path) -> Mended | None:
    copy, lesson = folder / path.name, read_lesson(path)
    if not os.path.lexists(copy):
        lay(lesson, path.name, folder)
        return None
    before = handed_out(path.name, folder)
    if copy.is_dir() or (before is not None and not nb.is_newer(lesson, before)):
        return None
    mine = nb.read(copy)
    if before is None or (mine is not None and not nb.is_newer(lesson, mine)):
        # What the student got is not known, or the copy is the new lesson already.
        _remember(lesson, path.name, folder)
        return None
    if mine is None or nb.written(mine) != nb.written(before):
        return Mended(path.name, replaced=False)
    old = keep_old(copy, folder) if mine["cells"] != before["cells"] else None
    lay(lesson, path.name, folder)
    return Mended(path.name, replaced=True, old=old)
