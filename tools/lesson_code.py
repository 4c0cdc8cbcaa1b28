"""The functions, classes and constants of a lesson, without running the lesson.

Read are ``notebooks/sources``. Run are a lesson's imports, its function and class definitions and
its ALL_CAPS constants, and nothing that trains.
"""

import functools
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import Any

import jupytext

from course_utils.lessons.definitions import compile_definitions

SOURCES = Path(__file__).resolve().parent.parent / "notebooks" / "sources"


def lessons() -> list[str]:
    """Return the numbers of the lessons that exist: ``["01", "02", ...]``."""
    return [path.name[:2] for path in sorted(SOURCES.glob("[0-9][0-9]_*.py"))]


def source_of(lesson: str) -> Path:
    """Return the source of a lesson."""
    (path,) = SOURCES.glob(f"{lesson}_*.py")
    return path


def definitions(lesson: str, **names: Any) -> SimpleNamespace:
    """Return what a lesson defines.

    What its functions need besides (``device``, ``train_images``) comes in ``names``. It may be
    changed in the result later; the functions see that.
    """
    space = SimpleNamespace(**names)
    for code in _compiled(source_of(lesson)):
        exec(code, space.__dict__)
    return space


@functools.cache
def _compiled(source: Path) -> list[CodeType]:
    cells = jupytext.read(source, fmt="py:percent").cells
    return [
        compile_definitions(cell.source, f"<{source.name}, cell {i}>")
        for i, cell in enumerate(cells, 1)
        if cell.cell_type == "code"
    ]
