"""The functions, classes and constants of a lesson, without running the lesson.

Read are ``notebooks/sources``. Run are a lesson's imports, its function and class definitions and
its ALL_CAPS constants, and nothing that trains.
"""

import ast
import functools
import linecache
import re
from collections.abc import Container
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import Any

import jupytext

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
    run_definitions(lesson, space.__dict__)
    return space


def run_definitions(
    lesson: str, namespace: dict[str, Any], left_out: Container[str] = frozenset()
) -> None:
    """Run a lesson's definitions in a namespace, except cells with a text in ``left_out``."""
    for text, code in _compiled(source_of(lesson)):
        if text not in left_out:
            exec(code, namespace)


@functools.cache
def _compiled(source: Path) -> list[tuple[str, CodeType]]:
    compiled = []
    for i, cell in enumerate(jupytext.read(source, fmt="py:percent").cells):
        if cell.cell_type != "code":
            continue
        plain = re.sub(r"^[%!].*$", "", cell.source, flags=re.MULTILINE)
        tree = ast.parse(plain)
        tree.body = [node for node in tree.body if _stands_alone(node)]
        name = f"<{source.name}, cell {i + 1}>"
        linecache.cache[name] = (len(plain), None, plain.splitlines(keepends=True), name)
        compiled.append((cell.source.strip(), compile(tree, name, "exec")))
    return compiled


def _stands_alone(node: ast.stmt) -> bool:
    if isinstance(node, ast.FunctionDef):
        # A function under @interact would run at once, on what the lesson computed.
        return not any("interact" in ast.unparse(mark) for mark in node.decorator_list)
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [name for target in targets for name in getattr(target, "elts", [target])]
        return all(isinstance(name, ast.Name) and name.id.isupper() for name in names)
    return isinstance(node, ast.Import | ast.ImportFrom | ast.ClassDef)
