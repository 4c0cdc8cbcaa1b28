"""What each saving in lesson 8's training loop is worth, one on top of the other.

``PYTHONPATH=tools python benchmarks/savings_gan.py`` prints the milliseconds of an iteration (the
fastest of ``ROUNDS`` times ``TRIED - 1``) and the operations of its matrix products.
"""

# ruff: noqa: T201, N803, N806 - a command line tool prints; D and G are the field's own names

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from lesson_code import definitions
from timing import Ticking
from torch import Tensor, nn
from torch.optim import Adam, Optimizer
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode
from torchvision.transforms.functional import to_tensor
from tqdm import tqdm

from course_utils import data

TRIED, ROUNDS = 12, 3

Batches = Iterable[tuple[Tensor, Tensor]]
Loop = Callable[..., None]  # D, G, their optimisers, batches, number of iterations


def from_picture(picture: Any) -> Tensor:
    """Return one picture as a tensor ``(1, 28, 28)`` in [-1, 1]."""
    return (to_tensor(picture) - 0.5) / 0.5


def straightforward(
    lesson: Any,
    D: nn.Module,
    G: nn.Module,
    d_optimizer: Optimizer,
    g_optimizer: Optimizer,
    batches: Batches,
    num_iterations: int,
) -> None:
    """Train as one writes it first: two passes of G, gradients everywhere."""
    stream = lesson.endless(batches)
    for _ in range(num_iterations):
        real = next(stream).to(lesson.device)
        noise = lesson.draw_noise(len(real))
        d_loss = lesson.gan_d_loss(D(real), D(G(noise)))
        d_optimizer.zero_grad()
        d_loss.backward()
        d_optimizer.step()
        g_loss = lesson.gan_g_loss(D(G(noise)))
        g_optimizer.zero_grad()
        g_loss.backward()
        g_optimizer.step()


def economical(
    lesson: Any,
    D: nn.Module,
    G: nn.Module,
    d_optimizer: Optimizer,
    g_optimizer: Optimizer,
    batches: Batches,
    num_iterations: int,
) -> None:
    """Train by the lesson's two steps: one pass of G, detach, D frozen. No bar, no sheets."""
    stream, history = lesson.endless(batches), lesson.GANHistory()
    for _ in range(num_iterations):
        real = next(stream).to(lesson.device)
        fake = G(lesson.draw_noise(len(real)))
        lesson.d_step(history, D, lesson.gan_d_loss, d_optimizer, real, fake.detach())
        lesson.g_step(history, D, lesson.gan_g_loss, g_optimizer, fake)


def whole_function(
    lesson: Any,
    D: nn.Module,
    G: nn.Module,
    d_optimizer: Optimizer,
    g_optimizer: Optimizer,
    *rest: Any,
) -> None:
    """Train by the lesson's function, with its bar and two sheets."""
    losses = lesson.gan_d_loss, lesson.gan_g_loss
    lesson.train_gan(D, G, *losses, d_optimizer, g_optimizer, *rest, sheet_every=TRIED)


def milliseconds(lesson: Any, loop: Loop, batches: Batches, fused: bool) -> float:
    """Return the time of the fastest iteration, with the loading of its batch."""
    D, G, *_ = lesson.new_game()
    optimizers = [
        Adam(net.parameters(), lr=1e-3, betas=(0.5, 0.999), fused=fused) for net in (D, G)
    ]
    ticking = Ticking(batches, TRIED)
    loop(D, G, *optimizers, ticking, TRIED)
    return 1000 * ticking.fastest()


def operations(lesson: Any, loop: Loop, batches: Batches) -> int:
    """Return the floating-point operations in the matrix products of one iteration."""
    game = lesson.new_game()
    with FlopCounterMode(display=False) as counter:
        loop(*game, batches, 1)
    return counter.get_total_flops()


def main() -> None:
    """Measure all variants in turns, so that a busy moment does not fall on one of them alone."""
    lesson = definitions("08", device=torch.device("cpu"))
    in_memory = data.batches(
        *data.tensors(data.load("MNIST", train=True)), lesson.BATCH_SIZE, shuffle=True
    )
    pictures = data.load("MNIST", train=True, transform=from_picture)
    one_by_one = DataLoader(pictures, lesson.BATCH_SIZE, shuffle=True)
    first, short, whole = (
        partial(loop, lesson) for loop in (straightforward, economical, whole_function)
    )
    variants = {
        "straightforward": (first, one_by_one, False),
        "+ tensors in memory": (first, in_memory, False),
        "+ one pass of G, detach, D frozen": (short, in_memory, False),
        "+ fused Adam": (short, in_memory, True),
        "train_gan, with its bar": (whole, in_memory, True),
    }
    spent = dict.fromkeys(variants, math.inf)
    for name in tqdm(ROUNDS * [*variants], desc="timing"):
        spent[name] = min(spent[name], milliseconds(lesson, *variants[name]))
    for name, (loop, *_) in variants.items():
        times = spent["straightforward"] / spent[name]
        count = f"{operations(lesson, loop, in_memory) / 1e9:.2f} · 10⁹" if loop != whole else ""
        print(f"{name:34} {spent[name]:6.1f} ms {times:6.1f} times as fast  {count}")


if __name__ == "__main__":
    main()
