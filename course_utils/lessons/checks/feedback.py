"""What every check shares: ask the student's work, and say in one line what is still wrong.

A check is a function decorated with ``@exercise("1.2")``. It receives the student's work, raises
``Wrong`` with a sentence to act on, and returns the sentence to show when all is well. An example
is in docs/style.md. ``exercise`` (in ``running``) adds the one line, peace, seeds, a time limit.
"""

import copy
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from .running import Wrong as Wrong
from .running import exercise as exercise
from .running import name_of

Function: TypeAlias = Callable[..., Any]
Faults: TypeAlias = Mapping[str, object]  # a sentence -> what gives it away

NAN = "a logarithm or a root of a negative number, 0 / 0, or inf - inf?"
INF = "the logarithm of 0, a division by 0, exp of a large number, or a rate that is too large?"


def require(condition: object, message: str) -> None:
    """Raise ``Wrong(message)`` unless the condition holds."""
    if not condition:
        raise Wrong(message)


def forbid(faults: Faults) -> None:
    """Raise the first message whose condition holds."""
    for message, found in faults.items():
        require(not found, message)


# ------------------------------------------------------------------ asking the student's function


def ask(function: Function, *given: Any, keep: Iterable[str] = ()) -> Any:
    """Call the student's function on copies of what is given, and return what it returns.

    A tensor with a gradient stays in its graph. Nets and optimisers are handed over as they are,
    because a step has to move them. ``keep`` names arguments, from the first, not to write into.
    """
    require(callable(function), f"a function is wanted here, not {kind_of(function)}")
    copies = [_copy(value) for value in given]
    result = function(*copies)
    for name, before, after in zip(keep, given, copies, strict=False):
        message = f"{name} was changed: an operation such as += or {name}[...] = writes into it"
        require(same(before, after, 0, 0), f"{message}; work on a new one")
    nothing = result is None or result is ...
    require(not nothing, f"{name_of(function)} returned nothing: is the return missing?")
    return result


def objection(test: Function, *given: Any) -> str | None:
    """Return what a student's own test says against a piece of work; ``None`` if it passes."""
    try:
        told = test(*given)
    except AssertionError as error:
        return str(error)
    require(not isinstance(told, bool), f"your test returns {told}: let it fail by an assert")
    return None


def _copy(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, list | tuple):
        return type(value)(_copy(one) for one in value)
    return value.copy() if isinstance(value, np.ndarray | dict) else value


# --------------------------------------------------------------------------- reading what it gave


def table(value: object, wanted: str = "numbers are wanted") -> Tensor:
    """Return numbers of any form (lists, arrays, tensors) as a detached tensor of float64.

    ``wanted`` begins the sentence for a value of the wrong type: ``"return a list of losses"``.
    """
    try:
        if isinstance(value, Tensor):
            return value.detach().cpu().double()
        if isinstance(value, list | tuple):
            return torch.stack([table(one, wanted) for one in value])
        require(not isinstance(value, str | bytes | None), f"{wanted}, not {kind_of(value)}")
        return torch.from_numpy(np.array(value, dtype=np.float64))
    except (TypeError, ValueError, ArithmeticError, RuntimeError):
        raise Wrong(f"{wanted}, not {kind_of(value)}") from None


def numbers(value: object, count: int, wanted: str, advice: str = "") -> Tensor:
    """Return ``count`` finite numbers, in whatever they came, as a tensor of float64 ``(count,)``.

    A pair may be a tuple, a list, an array or a tensor, and its parts may be one-element tensors.
    """
    flat = _flat(value, wanted)
    require(len(flat) == count, f"{wanted}, not {kind_of(value)}")
    for one in flat:
        finite(one, "your answer" if count == 1 else "one of your numbers", advice)
    return flat


def _flat(value: object, wanted: str) -> Tensor:
    if isinstance(value, list | tuple) and value:
        return torch.cat([_flat(one, wanted) for one in value])
    require(not isinstance(value, bool | np.bool_), f"{wanted}, not {kind_of(value)}")
    return table(value, wanted).flatten()


def number(value: object, wanted: str = "give one number", advice: str = "") -> float:
    """Return one finite number: a float, an int, a 0-dim tensor, a NumPy scalar, ``[0.5]``."""
    return float(numbers(value, 1, wanted, advice)[0])


def whole(value: object, count: int, wanted: str) -> list[int]:
    """Return ``count`` whole numbers, in whatever they came."""
    found = numbers(value, count, wanted)
    for one in found:
        require(one == one.round(), f"{wanted}: {one:.5g} is not whole")
    return [int(one) for one in found]


def amount(value: object, wanted: str) -> float:
    """Return one finite number, also from a text: ``"2.3"``, ``"376 MB"``, ``"12,288"``."""
    if isinstance(value, str):
        plain = re.sub(r"(?<=\d)[,_ '](?=\d{3}(\D|$))", "", value)
        found = re.findall(r"-?\d+(?:[.,]\d+)?", plain)
        require(len(found) == 1, f"{wanted}, not {kind_of(value)}")
        value = float(found[0].replace(",", "."))
    return number(value, wanted)


def parts(value: object, count: int, wanted: str) -> list[Any]:
    """Return the ``count`` parts of a tuple, a list, an array or a tensor."""
    try:
        found = [] if isinstance(value, str | dict) else list(value)  # type: ignore[call-overload]
    except TypeError:
        found = []
    require(len(found) == count, f"{wanted}, not {kind_of(value)}")
    return found


def finite(values: object, what: str = "the result", advice: str = "") -> None:
    """Raise ``Wrong`` for nan and for infinity, with a word on where they come from."""
    found = table(values)
    verb = "is" if found.numel() == 1 else "holds"
    sign = "-" if (found == -torch.inf).any() else ""
    require(not found.isnan().any(), f"{what} {verb} nan: {advice or NAN}")
    require(not found.isinf().any(), f"{what} {verb} {sign}inf: {INF}")


def kind_of(value: object) -> str:
    """Say what a value is, for a sentence: ``"a list of 3"``, ``"a tensor of shape (3, 1)"``."""
    if isinstance(value, Tensor | np.ndarray):
        what = "a tensor" if isinstance(value, Tensor) else "an array"
        return f"{what} of shape {tuple(value.shape)}" if value.ndim else f"{what} of one number"
    if isinstance(value, list | tuple | dict | set):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, str):
        return f'the text "{value[:20]}"'
    if value is None or isinstance(value, bool | np.bool_):
        return str(value)
    if isinstance(value, int | float | np.generic):
        return f"the number {value}"
    name = "function" if inspect.isroutine(value) else type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


# ---------------------------------------------------------------------------------------- judging


def same(given: object, wanted: object, rtol: float = 1e-4, atol: float = 1e-6) -> bool:
    """Say whether two numbers or tables of one shape are equal, to a tolerance."""
    one, other = table(given), table(wanted)
    return one.shape == other.shape and torch.allclose(one, other, rtol, atol)


def refuse(
    given: object,
    mistakes: Faults,
    rtol: float = 1e-4,
    atol: float = 1e-6,
    what: str = "the result",
) -> None:
    """Raise the message of the first mistake that gives these numbers; nan and inf come first."""
    finite(given, what)
    forbid({told: same(given, value, rtol, atol) for told, value in mistakes.items()})


def agree(given: object, wanted: object, what: str, rtol: float = 1e-4, atol: float = 1e-6) -> None:
    """Raise ``Wrong`` with the first number that is not the wanted one, in digits that tell."""
    found, right = table(given), table(wanted)
    shapes = f"{what} has shape {tuple(found.shape)}; {tuple(right.shape)} is right"
    require(found.shape == right.shape, shapes)
    finite(found, what)
    for one, other in zip(found.flatten(), right.flatten(), strict=True):
        close = torch.isclose(one, other, rtol, atol)
        require(close, f"{what} is {one:.6g}, where {other:.6g} is right")


def judge(
    given: object,
    wanted: object,
    mistakes: Faults,
    what: str,
    rtol: float = 1e-4,
    atol: float = 1e-6,
) -> None:
    """Raise what is wrong with numbers: a known mistake, or the first that is not as wanted."""
    refuse(given, mistakes, rtol, atol, what)
    agree(given, wanted, what, rtol, atol)


def choice(answer: object, options: Iterable[str], wrong: Mapping[str, str]) -> str:
    """Return the chosen option, ``"abc"`` or words, in any case; or raise what ``wrong`` says."""
    options = list(options)
    quoted = [f'"{option}"' for option in options]
    found = {_bare(option): option for option in options}.get(_bare(answer))
    if found is None:
        raise Wrong(f"answer with {', '.join(quoted[:-1])} or {quoted[-1]}")
    require(found not in wrong, wrong.get(found, ""))
    return found


def _bare(answer: object) -> str:
    """Leave letters, digits and points: ``"Log(10)."`` and ``"log 10"`` are the same."""
    return re.sub(r"[^a-z0-9.]", "", str(answer).lower()).strip(".")


# ------------------------------------------------------------------------- training and devices


def slopes(result: object, **leaves: Tensor) -> dict[str, Tensor]:
    """Return the gradient of a result's sum in each leaf, after seeing that the result can train.

    The leaves are the tensors that a gradient must reach, under names that the student knows.
    """
    right = "the numbers are right, but"
    if not isinstance(result, Tensor):
        raise Wrong(f"{right} {kind_of(result)} cannot train: return a tensor")
    cut = "no detach, .item(), .data or no_grad"
    require(result.requires_grad, f"{right} no gradient flows: {cut}")
    found = torch.autograd.grad(result.sum(), list(leaves.values()), allow_unused=True)
    for name, slope in zip(leaves, found, strict=True):
        require(slope is not None, f"{right} no gradient reaches {name}: {cut}")
        finite(slope, f"the gradient in {name}")
        require(slope.any(), f"{right} the gradient in {name} is 0: nothing learns from that")
    return dict(zip(leaves, found, strict=True))


def trains_like(right: Function, function: Function, **given: Tensor) -> None:
    """Raise ``Wrong`` unless a function's gradients in its arguments are those of ``right``."""
    leaves = {name: value.clone().requires_grad_() for name, value in given.items()}
    wanted = slopes(right(*leaves.values()), **leaves)
    found = slopes(ask(function, *leaves.values()), **leaves)
    for name in given:
        part = f"the numbers are right, but the gradient in {name} is not: is a part detached?"
        require(same(found[name], wanted[name], 1e-3, 1e-5), part)


def judge_loss(
    loss: Function, right: Function, mistakes: Faults, what: str, advice: str, **given: Tensor
) -> None:
    """Judge a student's loss of a small batch by its value and its gradients in what is given."""
    result = ask(loss, *given.values(), keep=given)
    finite(result, what, advice)
    value = number(result, f"{what} must be one number, the mean over the batch")
    judge(value, right(*given.values()), mistakes, what)
    trains_like(right, loss, **given)


class _ValuesAreOnes(TorchFunctionMode):
    """Tensors on "meta" have no values; who reads some all the same is given ones, on the CPU."""

    READING = ("__bool__", "__float__", "__int__", "item", "tolist", "numpy", "cpu")

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in self.READING and args[0].is_meta:
            args = (torch.ones(args[0].shape, dtype=args[0].dtype), *args[1:])
        return func(*args, **(kwargs or {}))


def follows_device(function: Function, *given: Any, message: str) -> None:
    """Raise ``Wrong(message)`` if the function makes tensors on another device than its arguments.

    It is tried on PyTorch's device without memory, "meta", which every machine has. Ask this last:
    an answer that is right on the CPU and stops there for another reason is let pass.
    """
    there = [copy.deepcopy(x) if isinstance(x, nn.Module) else x for x in given]
    there = [x.to("meta") if isinstance(x, Tensor | nn.Module) else x for x in there]
    try:
        with _ValuesAreOnes():
            result = function(*there)
    except Wrong:
        raise
    except Exception as error:
        require("device" not in str(error) or "meta tensor" in str(error), message)
        return
    parts = result if isinstance(result, tuple | list) else [result]
    require(all(part.is_meta for part in parts if isinstance(part, Tensor)), message)
