"""How far a lesson's checkpoints are from failing.

``watched`` rewrites a checkpoint so that each comparison of two numbers also notes its slack: by
how much the larger side was larger. ``held`` does so when the cell runs, in the file that the
environment variable ``SLACK_FILE`` names.
"""

import ast
import json
import math
import operator
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

FILE = "SLACK_FILE"
OPERATORS: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def watched(source: str, place: str) -> str:
    """Return the cell with ``held`` in the place of each comparison that an ``assert`` makes.

    Left alone are equations, and comparisons that only select (``(shares > 0.01).sum()``).

    Args:
        source: a code cell.
        place: goes into the notes, as in ``"02 cell 7"``.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            node.test = _watch(node.test, place, ast.unparse(node))
    return ast.unparse(ast.fix_missing_locations(tree))


def _watch(test: ast.expr, place: str, text: str) -> ast.expr:
    if isinstance(test, ast.Compare) and all(type(op) in OPERATORS for op in test.ops):
        signs = [OPERATORS[type(op)] for op in test.ops]
        call = ast.parse(f"__import__('slack').held({place!r}, {text!r}, {signs!r})", mode="eval")
        call.body.args += [test.left, *test.comparators]
        return call.body
    if isinstance(test, ast.BoolOp):
        test.values = [_watch(value, place, text) for value in test.values]
    elif isinstance(test, ast.Call) and getattr(test.func, "attr", "") == "all":
        test.func.value = _watch(test.func.value, place, text)
    elif _is_all_of(test):
        test.args[0].elt = _watch(test.args[0].elt, place, text)
    return test


def _is_all_of(test: ast.expr) -> bool:
    if not isinstance(test, ast.Call) or getattr(test.func, "id", "") != "all":
        return False
    return isinstance(test.args[0], ast.GeneratorExp)


def held(place: str, text: str, signs: list[str], *sides: Any) -> Any:
    """Return what the comparison gives, and note its smallest slack if it holds."""
    pairs = list(zip(signs, sides, sides[1:], strict=False))
    results = [COMPARE[sign](a, b) for sign, a, b in pairs]
    if all(bool(np.all(_plain(result))) for result in results):
        slacks = [_smallest(a, b) if "<" in sign else _smallest(b, a) for sign, a, b in pairs]
        with open(os.environ[FILE], "a") as notes:
            notes.write(json.dumps({"place": place, "text": text, "slack": min(slacks)}) + "\n")
    return results[0] if len(results) == 1 else all(results)


def _smallest(low: Any, high: Any) -> float:
    """Return the smallest difference of two numbers, or of two arrays; infinity for others."""
    try:
        return float(np.min(np.subtract(_plain(high), _plain(low), dtype=float)))
    except (TypeError, ValueError):
        return math.inf


def _plain(value: Any) -> Any:
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value
