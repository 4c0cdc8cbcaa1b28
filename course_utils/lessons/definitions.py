"""What a lesson defines, without what it computes: code cells cut down to their definitions.

Kept are imports, functions, classes and ALL_CAPS constants: nothing that trains.
"""

import ast
import linecache
import re
from types import CodeType


def without_magics(text: str) -> str:
    """Return a cell's text with blank lines in the place of ``%matplotlib inline`` and the like."""
    return re.sub(r"^[%!].*$", "", text, flags=re.MULTILINE)


def compile_definitions(text: str, name: str) -> CodeType:
    """Return the code of a cell's definitions, under a name that a traceback can show.

    Raises:
        SyntaxError: the cell is no Python.
    """
    plain = without_magics(text)
    tree = ast.parse(plain)
    tree.body = [node for node in tree.body if _stands_alone(node)]
    show_lines(plain, name)
    return compile(tree, name, "exec")


def show_lines(text: str, name: str) -> None:
    """Let tracebacks show the lines of a text that is compiled under this name."""
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)


def _stands_alone(node: ast.stmt) -> bool:
    if isinstance(node, ast.FunctionDef):
        # A function under @interact would run at once, on what the lesson computed.
        return not any("interact" in ast.unparse(mark) for mark in node.decorator_list)
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [name for target in targets for name in getattr(target, "elts", [target])]
        return all(isinstance(name, ast.Name) and name.id.isupper() for name in names)
    return isinstance(node, ast.Import | ast.ImportFrom | ast.ClassDef)
