"""A catalogue of realistic bugs, and where in a piece of Python each of them could be planted.

The kinds are those of mutation testing (DeMillo, Lipton & Sayward 1978) as far as people who write
training loops make them: signs, axes, reductions, forgotten calls, a wrong optimiser or network.
Code that only draws is left alone: pictures are looked at, not compared.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

OPERATORS = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*"}
COMPARISONS = {ast.Lt: ">=", ast.LtE: ">", ast.Gt: "<=", ast.GtE: "<"}
COMPARISONS |= {ast.Eq: "!=", ast.NotEq: "=="}
REDUCTIONS = {"sum": "mean", "mean": "sum", "max": "min", "min": "max", "amax": "amin"}
REDUCTIONS |= {"amin": "amax", "argmax": "argmin", "var": "std", "std": "var"}
LABELS = {"ones": "zeros", "zeros": "ones", "ones_like": "zeros_like", "zeros_like": "ones_like"}
ACTIVATIONS = {"ReLU", "LeakyReLU", "Tanh", "Sigmoid", "BatchNorm1d", "BatchNorm2d", "Dropout"}
OPTIMIZERS = {"Adam": "SGD", "SGD": "Adam"}
FUNCTIONS = {"exp": "expm1", "log": "log1p", "cos": "sin", "sin": "cos", "sqrt": "square"}
FORGOTTEN = {"zero_grad", "seed_everything", "manual_seed", "step", "backward", "eval", "clamp_"}
SWITCHES = {"eval": "train", "train": "eval"}
FLAGS = {"True": "False", "False": "True"}
TRANSPARENT = {"detach", "flatten", "abs", "square", "sigmoid", "tanh", "relu", "clamp", "round"}
NETS = {"G": "D", "D": "G", "encoder": "decoder", "decoder": "encoder", "x_train": "x_test"}
NETS |= {"x_test": "x_train", "y_train": "y_test", "y_test": "y_train", "mu": "logvar"}
NETS |= {"real": "fake", "fake": "real", "train_set": "test_set", "test_set": "train_set"}
NETS |= {"d_optimizer": "g_optimizer", "g_optimizer": "d_optimizer", "logvar": "mu"}
RATE = re.compile(r"^(lr|max_lr|LR|RATE|.*_LR|LEARNING_RATE)$")
DRAWING = {"ax", "axes", "fig", "figure", "plt", "plotting", "print", "tqdm", "display", "interact"}
DRAWING |= {"left", "right", "bar", "bars", "progress"}
LOOKS = {"alt", "figsize", "color", "label", "desc", "linewidth", "alpha", "title", "titles"}
LOOKS |= {"fused", "strict"}  # these change the speed, and what is said of a mistake


@dataclass(frozen=True)
class Bug:
    """One change of a source: the text from ``start`` to ``end`` becomes ``new``."""

    kind: str
    start: int
    end: int
    new: str

    def plant(self, source: str) -> str:
        """Return the source with this bug in it."""
        return source[: self.start] + self.new + source[self.end :]


def bugs(source: str) -> list[Bug]:
    """Return every bug of the catalogue that fits somewhere in the source, each still Python."""
    text = re.sub(r"^[%!]", "#", source, flags=re.MULTILINE)  # magics are no Python
    found = sorted(set(_Catalogue(text).walk()), key=lambda bug: (bug.start, bug.end, bug.new))
    return [bug for bug in found if _is_python(bug.plant(text)) and bug.plant(text) != text]


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


class _Catalogue:
    def __init__(self, text: str):
        self.text = text
        self.tree = ast.parse(text)
        self.lines = [0]
        for line in text.splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))
        self.finders = {
            ast.BinOp: self._operator,
            ast.Compare: self._comparison,
            ast.UnaryOp: self._minus,
            ast.Slice: self._slice,
            ast.keyword: self._keyword,
            ast.Assign: self._assignment,
            ast.Expr: self._statement,
            ast.Call: self._call,
            ast.Name: self._name,
            ast.Constant: self._constant,
            ast.If: self._condition,
            ast.AugAssign: self._update,
        }

    def walk(self) -> Iterator[Bug]:
        yield from self._visit(self.tree)

    def _visit(self, node: ast.AST) -> Iterator[Bug]:
        if _only_draws(node):
            return
        if type(node) in self.finders:
            yield from self.finders[type(node)](node)
        for child in ast.iter_child_nodes(node):
            if not (isinstance(child, ast.keyword) and child.arg in LOOKS):
                yield from self._visit(child)

    def _at(self, line: int, column: int) -> int:
        """Return the place in the text of a line and a column in bytes, as ``ast`` counts."""
        begin = self.lines[line - 1]
        rest = self.text[begin:].encode()[:column]
        return begin + len(rest.decode())

    def _span(self, node: ast.AST) -> tuple[int, int]:
        begin = self._at(node.lineno, node.col_offset)
        return begin, self._at(node.end_lineno, node.end_col_offset)

    def _replace(self, kind: str, node: ast.AST, new: str) -> Bug:
        return Bug(kind, *self._span(node), new)

    def _between(self, kind: str, left: ast.AST, right: ast.AST, new: str) -> Bug:
        """Exchange the operator that stands between two expressions, and leave brackets alone."""
        begin, end = self._span(left)[1], self._span(right)[0]
        operator = re.search(r"[^\s()#]+", self.text[begin:end])
        return Bug(kind, begin + operator.start(), begin + operator.end(), new)

    def _code(self, node: ast.AST) -> str:
        begin, end = self._span(node)
        return self.text[begin:end]

    def _operator(self, node: ast.BinOp) -> Iterator[Bug]:
        if type(node.op) in OPERATORS and not _is_text(node):
            kind = "sign" if isinstance(node.op, ast.Add | ast.Sub) else "operator"
            yield self._between(kind, node.left, node.right, OPERATORS[type(node.op)])
        if isinstance(node.op, ast.Pow):
            yield self._between("operator", node.left, node.right, "*")

    def _comparison(self, node: ast.Compare) -> Iterator[Bug]:
        if len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
            new = COMPARISONS[type(node.ops[0])]
            yield self._between("comparison", node.left, node.comparators[0], new)

    def _minus(self, node: ast.UnaryOp) -> Iterator[Bug]:
        if isinstance(node.op, ast.USub):
            yield self._replace("sign", node, self._code(node.operand))

    def _slice(self, node: ast.Slice) -> Iterator[Bug]:
        for end in (node.lower, node.upper):
            if isinstance(end, ast.Constant) and isinstance(end.value, int):
                yield self._replace("off by one", end, str(end.value + 1))

    def _keyword(self, node: ast.keyword) -> Iterator[Bug]:
        value = node.value
        if node.arg in {"dim", "axis"} and isinstance(value, ast.Constant):
            yield self._replace("axis", value, "0" if value.value != 0 else "1")
        if node.arg == "keepdim" or (node.arg == "reduction" and isinstance(value, ast.Constant)):
            other = {"sum": '"mean"', "mean": '"sum"', "none": '"mean"', True: "False"}
            yield self._replace("reduction", value, other.get(value.value, "None"))
        if isinstance(value, ast.Constant) and isinstance(value.value, bool):
            yield self._replace("flag", value, FLAGS[str(value.value)])
        if RATE.match(node.arg or "") and _is_number(value):
            yield from self._rates(value)

    def _assignment(self, node: ast.Assign) -> Iterator[Bug]:
        name = node.targets[0].id if isinstance(node.targets[0], ast.Name) else ""
        if _is_number(node.value) and node.value.value != 0 and name != "SEED":
            if RATE.match(name):
                yield from self._rates(node.value)
            else:
                yield self._replace("constant", node.value, f"2 * {self._code(node.value)}")

    def _rates(self, node: ast.AST) -> Iterator[Bug]:
        for factor in ("10", "0.1"):
            yield self._replace("learning rate", node, f"{factor} * {self._code(node)}")

    def _statement(self, node: ast.Expr) -> Iterator[Bug]:
        if isinstance(node.value, ast.Call) and _called(node.value) in FORGOTTEN:
            kind = "seed" if "seed" in _called(node.value) else "forgotten call"
            yield self._replace(kind, node, "pass")

    def _call(self, node: ast.Call) -> Iterator[Bug]:
        yield from self._renamed(node)
        yield from self._dropped(node)
        plain = [arg for arg in node.args if not isinstance(arg, ast.Starred)]
        if len(plain) >= 2 and self._code(plain[0]) != self._code(plain[1]):
            first, second = self._span(plain[0]), self._span(plain[1])
            between = self.text[first[1] : second[0]]
            swapped = self._code(plain[1]) + between + self._code(plain[0])
            yield Bug("arguments swapped", first[0], second[1], swapped)
        if isinstance(node.func, ast.Name) and node.func.id == "range":
            yield self._replace("off by one", node.args[-1], f"{self._code(node.args[-1])} - 1")
        if _called(node) in REDUCTIONS and _is_number(plain[0] if len(plain) == 1 else None):
            yield self._replace("axis", plain[0], "0" if plain[0].value != 0 else "1")

    def _renamed(self, node: ast.Call) -> Iterator[Bug]:
        """Take the name's place, whether it stands alone or behind a dot."""
        end = self._span(node.func)[1]
        name = _called(node)
        tables = {"reduction": REDUCTIONS, "labels": LABELS, "optimiser": OPTIMIZERS}
        tables |= {"function": FUNCTIONS, "mode": SWITCHES}
        for kind, table in tables.items():
            if name in table and isinstance(node.func, ast.Attribute):
                yield Bug(kind, end - len(name), end, table[name])

    def _dropped(self, node: ast.Call) -> Iterator[Bug]:
        name = _called(node)
        if name in ACTIVATIONS:
            yield self._replace("dropped layer", node, "nn.Identity()")
        if name in TRANSPARENT and isinstance(node.func, ast.Attribute):
            inner = node.args[0] if _is_module(node.func.value) and node.args else node.func.value
            code = self._code(inner)
            yield self._replace("dropped call", node, f"({code})" if _is_sum(inner) else code)

    def _name(self, node: ast.Name) -> Iterator[Bug]:
        if isinstance(node.ctx, ast.Load) and node.id in NETS:
            yield self._replace("wrong variable", node, NETS[node.id])

    def _constant(self, node: ast.Constant) -> Iterator[Bug]:
        if isinstance(node.value, float) and node.value != 0:
            yield self._replace("constant", node, f"(2 * {self._code(node)})")

    def _condition(self, node: ast.If) -> Iterator[Bug]:
        if not isinstance(node.test, ast.Constant):
            yield self._replace("condition", node.test, f"not ({self._code(node.test)})")

    def _update(self, node: ast.AugAssign) -> Iterator[Bug]:
        if type(node.op) in OPERATORS:
            new = OPERATORS[type(node.op)] + "="
            yield self._between("sign", node.target, node.value, new)


def _called(node: ast.Call) -> str:
    """Return the last name of what is called: ``step`` for ``optimizer.step()``."""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def _is_number(node: ast.AST | None) -> bool:
    is_constant = isinstance(node, ast.Constant) and not isinstance(node.value, bool)
    return is_constant and isinstance(node.value, int | float)


def _is_text(node: ast.BinOp) -> bool:
    values = [getattr(side, "value", side) for side in (node.left, node.right)]
    return any(isinstance(value, str | ast.JoinedStr) for value in values)


def _is_sum(node: ast.AST) -> bool:
    """Tell whether an expression needs brackets when something around it is taken away."""
    return isinstance(node, ast.BinOp | ast.UnaryOp | ast.Compare | ast.BoolOp | ast.IfExp)


def _is_module(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in {"torch", "np", "F", "math"}


def _only_draws(node: ast.AST) -> bool:
    """Tell whether a statement is about a figure, a bar or what is printed."""
    if not isinstance(node, ast.Expr | ast.Call):
        return False
    call = node.value if isinstance(node, ast.Expr) else node
    while isinstance(call, ast.Call | ast.Attribute | ast.Subscript):
        call = call.func if isinstance(call, ast.Call) else call.value
    return isinstance(call, ast.Name) and call.id in DRAWING
