"""How fast this machine could go: the matrix products of a piece of training, timed alone.

A convolution counts as the matrix product that it amounts to (Chellapilla et al., 2006): as many
rows as output channels, one column for each place of the kernel in each image.
"""

import timeit
from collections import Counter
from collections.abc import Callable

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

Shape = tuple[int, int, int]  # rows, inner size, columns
Multiply = Callable[[Shape], Callable[[], object]]
ATEN = torch.ops.aten


class Products(TorchDispatchMode):
    """Count the matrix products that are made inside a ``with`` block, by shape."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[Shape] = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Note what a product multiplies, and let it happen."""
        result = func(*args, **(kwargs or {}))
        kind = func.overloadpacket
        if kind in (ATEN.mm, ATEN.addmm):
            left, right = args[-2:]
            self.counts[(*left.shape, right.shape[1])] += 1
        elif kind is ATEN.convolution:
            self.counts[_as_product(args[0], args[1], result, transposed=args[6])] += 1
        elif kind is ATEN.convolution_backward:
            rows, inner, columns = _as_product(args[1], args[2], args[0], transposed=args[7])
            for_input, for_weight, _ = args[10]
            if for_input:
                self.counts[inner, rows, columns] += 1
            if for_weight:
                self.counts[rows, columns, inner] += 1
        return result


def _as_product(
    x: torch.Tensor, weight: torch.Tensor, out: torch.Tensor, transposed: bool
) -> Shape:
    """Return the product of a convolution; a transposed one is an ordinary one read backwards."""
    kernel, places = weight[0].numel(), (x if transposed else out)[:, 0].numel()
    return (kernel, len(weight), places) if transposed else (len(weight), kernel, places)


def seconds_of(counts: Counter[Shape], multiply: Multiply) -> float:
    """Return the seconds of these products alone, one after the other, each on numbers of its own.

    (One product over and over would find its numbers in the cache. In a training it does not.)
    """
    products = [multiply(shape) for shape in counts.elements()]

    def once() -> None:
        for product in products:
            product()

    once()
    times, seconds = timeit.Timer(once).autorange()
    return seconds / times


def by_torch(shape: Shape) -> Callable[[], object]:
    """Return a product of float32 tensors of this shape, ready to be timed."""
    rows, inner, columns = shape
    a, b = torch.rand(rows, inner), torch.rand(inner, columns)
    out = torch.empty(rows, columns)
    return lambda: torch.mm(a, b, out=out)


def by_numpy(shape: Shape) -> Callable[[], object]:
    """Return the same for float32 arrays."""
    rows, inner, columns = shape
    a, b = np.ones((rows, inner), np.float32), np.ones((inner, columns), np.float32)
    out = np.empty((rows, columns), np.float32)
    return lambda: np.matmul(a, b, out=out)
