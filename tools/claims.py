"""A claim holds one sentence of a lesson, and leaves no trace in it.

CI runs the lessons with their claims between the cells, each under ``%%claim``. A claim sees a copy
of the lesson's namespace; the random states, and what else is cheap to keep, are put back after it.
What cannot be put back is watched: a claim that changes an object of the lesson is refused.
"""

import ast
import contextlib
import copy
import itertools
import linecache
import random
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor, nn

_SCALARS = (str, bytes, int, float, complex, bool, type(None))
_DEPTH = 6  # levels of lists, dictionaries and objects below a name that are watched


class ClaimError(AssertionError):
    """A sentence of the lesson does not hold, or a claim is not pure; the message says which."""


def load_ipython_extension(shell: Any) -> None:
    """Give the kernel the cell magic ``%%claim``."""

    def claim(_line: str, cell: str) -> None:
        hold(cell, shell.user_ns)

    shell.register_magic_function(claim, "cell")


def hold(text: str, namespace: dict[str, Any]) -> None:
    """Run a claim on a copy of a namespace.

    Raises:
        ClaimError: an assertion failed, or the claim changed an object that it shares.
    """
    said = itertools.takewhile(lambda line: line.startswith("#"), text.strip().splitlines())
    sentence = " ".join(line.removeprefix("#").strip() for line in said)
    linecache.cache["<claim>"] = (len(text), None, text.splitlines(keepends=True), "<claim>")
    code = compile(text, "<claim>", "exec")
    own = dict(namespace)
    before = fingerprint(namespace)
    with kept(namespace):
        try:
            exec(code, own)
        except AssertionError as error:
            raise ClaimError(f"no longer true: {sentence}\n{_seen(error, text, own)}") from error
    changed = differences(before, fingerprint(namespace))
    if changed:
        raise ClaimError(
            f"a claim must leave the lesson as it was, and this one changed {', '.join(changed)}; "
            f"let it work on copy.deepcopy(...): {sentence}"
        )


@contextlib.contextmanager
def kept(namespace: Mapping[str, Any]) -> Iterator[None]:
    """Put back random states, PyTorch's switches and matplotlib's settings, whatever happens."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    generators = [(own, _state(own)) for own in namespace.values() if _state(own) is not None]
    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    try:
        with torch.random.fork_rng(), plt.rc_context(), torch.set_grad_enabled(True):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        for own, state in generators:
            _set_state(own, state)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        torch.set_default_dtype(dtype)


def _state(generator: Any) -> Any:
    if isinstance(generator, torch.Generator):
        return generator.get_state()
    if isinstance(generator, np.random.Generator):
        return copy.deepcopy(generator.bit_generator.state)
    if isinstance(generator, random.Random):
        return generator.getstate()
    return None


def _set_state(generator: Any, state: Any) -> None:
    if isinstance(generator, torch.Generator):
        generator.set_state(state)
    elif isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    else:
        generator.setstate(state)


def fingerprint(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Return what can be told cheaply of every object below a namespace's public names.

    Of a tensor: which one it is, its version (PyTorch counts writes), whether it wants a gradient,
    and its gradient. Of an array: a checksum. Of a net: mode, parameters and buffers. Of lists,
    dictionaries, optimisers and the lesson's own objects: what they hold.
    """
    found: dict[str, Any] = {}
    seen: set[int] = set()
    for name, value in namespace.items():
        if not name.startswith("_"):
            _note(name, value, found, seen, _DEPTH)
    return found


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the names under which two fingerprints differ, at most five."""
    names = [*before, *(name for name in after if name not in before)]
    return [name for name in names if before.get(name) != after.get(name)][:5]


def _note(name: str, value: Any, found: dict[str, Any], seen: set[int], depth: int) -> None:
    if isinstance(value, _SCALARS):
        found[name] = value if value == value else "nan"  # nan is not itself
        return
    if id(value) in seen or depth == 0:
        return
    seen.add(id(value))
    if isinstance(value, Tensor):
        found[name] = _tensor(value)
    elif isinstance(value, np.ndarray):
        found[name] = id(value), value.shape, _checksum(value)
    else:
        for key, part in _parts(value):
            found[f"{name}{key}: which"] = id(part) if not isinstance(part, _SCALARS) else None
            _note(f"{name}{key}", part, found, seen, depth - 1)


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield " length", len(value)
        for i, (key, part) in enumerate(list(value.items())):
            yield f"[{key!r}]" if isinstance(key, _SCALARS) else f"[key {i}]", part
    elif isinstance(value, list | tuple | set | frozenset):
        yield " length", len(value)
        yield from _elements(value)
    elif isinstance(value, nn.Module):
        for path, module in value.named_modules():
            yield f".{path}.training", module.training
        yield from ((f".{path}", one) for path, one in value.named_parameters())
        yield from ((f".{path}", one) for path, one in value.named_buffers())
    elif type(value).__module__.startswith(("__main__", "course_utils", "torch.optim")):
        yield from ((f".{key}", part) for key, part in vars(value).items())


def _elements(values: Any) -> Iterator[tuple[str, Any]]:
    values = list(values)
    if all(isinstance(value, _SCALARS) for value in values):
        yield " values", repr(values)
    else:
        yield from ((f"[{i}]", value) for i, value in enumerate(values))


def _tensor(x: Tensor) -> tuple[Any, ...]:
    if x.is_inference():  # PyTorch counts no writes into these
        return id(x), x.shape, _checksum(x.detach().cpu().numpy())
    grad = x.grad if x.is_leaf else None
    return id(x), x._version, x.requires_grad, None if grad is None else (id(grad), grad._version)


def _checksum(array: np.ndarray) -> Any:
    """Return a number that a write into the array changes, and a shuffle too."""
    if array.dtype == object:
        return len(array.ravel())
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    words = flat[: flat.size // 8 * 8].view(np.uint64)
    step = max(1, len(words) // 500_000)
    return int(np.add.reduce(words)), zlib.crc32(words[::step].tobytes()), flat[-8:].tobytes()


def _seen(error: AssertionError, text: str, namespace: dict[str, Any]) -> str:
    """Return the line that failed, and what its names stood for."""
    trace = error.__traceback__
    number = 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<claim>":
            number, namespace = trace.tb_lineno, {**namespace, **trace.tb_frame.f_locals}
        trace = trace.tb_next
    node = next((n for n in ast.walk(ast.parse(text)) if getattr(n, "lineno", 0) == number), None)
    lines = [f"  {(ast.unparse(node) if node else '').strip()}", f"  {error}".rstrip()]
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} if node else set()
    for name in sorted(names & namespace.keys()):
        value = namespace[name]
        if isinstance(value, _SCALARS) or (isinstance(value, Tensor) and value.numel() < 9):
            lines.append(f"  {name} = {value!r}")
    return "\n".join(line for line in lines if line.strip())
