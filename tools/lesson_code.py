"""The functions, classes and constants of a lesson, without running the lesson."""

import ast
from pathlib import Path
from types import SimpleNamespace
from typing import Any

SOURCES = Path(__file__).resolve().parent.parent / "notebooks" / "sources"


def definitions(lesson: str, **names: Any) -> SimpleNamespace:
    """Return what ``lesson`` ("02") defines, by name.

    Run are imports, functions, classes, constants (in capitals) and other names for a function of a
    library. What else the functions need (``device``, ``train_images``) comes in ``names``, which
    may be changed later: the functions see it.
    """
    (path,) = SOURCES.glob(f"{lesson}_*.py")
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body if _defines(node)]
    space = SimpleNamespace(**names)
    exec(compile(tree, path.name, "exec"), space.__dict__)
    return space


def _defines(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name | ast.Tuple):
        names = [part for part in ast.walk(node.targets[0]) if isinstance(part, ast.Name)]
        return all(name.id.isupper() for name in names) or _is_dotted(node.value)
    return isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)


def _is_dotted(node: ast.expr) -> bool:
    """Tell whether this is a name behind names, as in ``nn.functional.softmax``."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)
