"""Whose copies lie in a folder: a class's, with a folder for each student or all side by side."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

DEPTH = 3  # folders between the class's and a copy: home, neural-networks
LEFT_OUT = {"old", "results"}  # what a student's folder holds besides his copies


@dataclass
class Found:
    """The students of a folder, with the copy that each has of each lesson."""

    copies: dict[str, dict[str, Path]] = field(default_factory=dict)  # student, lesson's name
    unknown: list[Path] = field(default_factory=list)  # notebooks that are no copy of a lesson
    closed: list[Path] = field(default_factory=list)  # folders that may not be read


def look_through(folder: Path, lessons: list[str]) -> Found:
    """Find the copies below a folder.

    A copy's name holds that of its lesson: ``02_mlp_mnist.ipynb``, ``02_mlp_mnist-anna.ipynb``.
    Its student is the first folder on the way to it, or else what is left of the name. Of two
    copies the one with the lesson's plain name counts, then the one that was saved last.

    Args:
        folder: the class's.
        lessons: names as in ``02_mlp_mnist``.
    """
    found = Found()
    several: dict[tuple[str, str], list[Path]] = {}
    for path in sorted(_notebooks(folder, found.closed.append)):
        lesson = next((name for name in lessons if name in path.stem), None)
        if lesson is None:
            found.unknown.append(path)
        else:
            several.setdefault((_student(path, folder, lesson), lesson), []).append(path)
    for (student, lesson), paths in sorted(several.items()):
        best = max(paths, key=lambda path: (path.stem == lesson, path.stat().st_mtime))
        found.copies.setdefault(student, {})[lesson] = best
    return found


def _student(path: Path, folder: Path, lesson: str) -> str:
    inside = path.relative_to(folder)
    if len(inside.parts) > 1:
        return inside.parts[0]
    rest = path.stem.replace(lesson, " ")
    return re.sub(r"^[\W_]+|[\W_]+$", "", rest) or folder.resolve().name


def _notebooks(folder: Path, closed: Callable[[Path], None]) -> Iterator[Path]:
    """Yield the notebooks that are files, no deeper than ``DEPTH``; links to folders are left."""

    def note(error: OSError) -> None:
        closed(Path(error.filename))

    for place, folders, files in os.walk(folder, onerror=note):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = [
            name
            for name in folders
            if depth < DEPTH and not name.startswith(".") and name not in LEFT_OUT
        ]
        yield from (
            path
            for path in (Path(place, name) for name in files if name.endswith(".ipynb"))
            if path.is_file()
        )
