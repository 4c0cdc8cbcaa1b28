"""What each saving in lesson 9's training is worth, one on top of the other.

``PYTHONPATH=tools python benchmarks/savings_dcgan.py`` prints the milliseconds of an iteration (the
fastest of ``ROUNDS`` times ``TRIED - 1``), and how far the weights are after one step from those of
the straightforward loop, as a mean over all of them: a step of Adam is 1e-3.
"""

# ruff: noqa: T201, N803 - a command line tool prints; D and G are the field's own names

import math
from collections.abc import Iterable
from typing import Any

import torch
from lesson_code import definitions
from timing import Ticking
from torch import Tensor, nn
from torch.optim import Adam, Optimizer
from torch.utils.data import DataLoader
from torchvision.transforms.functional import to_tensor
from tqdm import tqdm

from course_utils import data
from course_utils.lessons.gan import train_gan

TRIED, ROUNDS = 4, 4

Batches = Iterable[tuple[Tensor, Tensor]]


def from_picture(picture: Any) -> Tensor:
    """Return one picture as a tensor ``(1, 28, 28)`` in [-1, 1]."""
    return (to_tensor(picture) - 0.5) / 0.5


def alternate(
    lesson: Any,
    D: nn.Module,
    G: nn.Module,
    d_optimizer: Optimizer,
    g_optimizer: Optimizer,
    batches: Batches,
    *,
    detach: bool = False,
    frozen: bool = False,
    shared: bool = False,
) -> None:
    """Train on all batches, with or without what saves time; ``shared`` needs ``detach``."""
    for x, labels in batches:
        real, y = x.to(lesson.device), labels.to(lesson.device)
        noise = 2 * torch.rand(len(real), lesson.NOISE_DIM, device=lesson.device) - 1
        order, pick = lesson.with_label(noise, y), y[:, None]
        fake = G(order)
        on_fake = D(fake.detach() if detach else fake)
        d_loss = lesson.d_loss(D(real).gather(1, pick), on_fake.gather(1, pick))
        d_optimizer.zero_grad()
        d_loss.backward()
        d_optimizer.step()
        if not shared:
            fake = G(order)
        D.requires_grad_(not frozen)
        g_loss = lesson.g_loss(D(fake).gather(1, pick))
        g_optimizer.zero_grad()
        g_loss.backward()
        g_optimizer.step()
        D.requires_grad_(True)


def players(
    lesson: Any, fused: bool = False, memory_format: torch.memory_format = torch.contiguous_format
) -> tuple[Any, ...]:
    """Return D, G and their optimisers, always with the same first weights."""
    torch.manual_seed(0)
    nets = [
        build().to(lesson.device, memory_format=memory_format)
        for build in (lesson.discriminator, lesson.generator)
    ]
    adams = [Adam(net.parameters(), lr=1e-3, betas=(0.5, 0.999), fused=fused) for net in nets]
    return *nets, *adams


def train(lesson: Any, batches: Batches, settings: dict[str, Any], switches: Any) -> Tensor:
    """Train new players by the loop, or by ``train_gan`` if there are no switches; the weights."""
    *nets, d_optimizer, g_optimizer = players(lesson, **settings)
    torch.manual_seed(1)
    if switches is None:
        losses = lesson.d_loss, lesson.g_loss
        train_gan(*nets, *losses, d_optimizer, g_optimizer, batches, TRIED, num_labels=10)
    else:
        alternate(lesson, *nets, d_optimizer, g_optimizer, batches, **switches)
    return torch.cat([p.detach().flatten() for net in nets for p in net.parameters()])


def main() -> None:
    """Measure all variants in turns, so that a busy moment does not fall on one of them alone."""
    bce = nn.functional.binary_cross_entropy_with_logits
    lesson = definitions("09", device=torch.device("cpu"), bce=bce)
    images, labels = data.tensors(data.load("MNIST", train=True))
    in_memory = data.batches(images, labels, lesson.BATCH_SIZE, shuffle=True)
    pictures = data.load("MNIST", train=True, transform=from_picture)
    one_by_one = DataLoader(pictures, lesson.BATCH_SIZE, shuffle=True)

    detach = {"detach": True}
    frozen = detach | {"frozen": True}
    shared = frozen | {"shared": True}
    fused = {"fused": True}
    channels_last = fused | {"memory_format": torch.channels_last}
    variants = {
        "straightforward": (one_by_one, {}, {}),
        "+ tensors in memory": (in_memory, {}, {}),
        "+ detach": (in_memory, {}, detach),
        "+ D frozen in G's step": (in_memory, {}, frozen),
        "+ one generator forward": (in_memory, {}, shared),
        "+ fused Adam": (in_memory, fused, shared),
        "+ channels_last": (in_memory, channels_last, shared),
        "train_gan, with its bar": (in_memory, channels_last, None),
    }
    spent = dict.fromkeys(variants, math.inf)
    for name in tqdm(ROUNDS * [*variants], desc="timing"):
        batches, *how = variants[name]
        ticking = Ticking(batches, TRIED)
        train(lesson, ticking, *how)
        spent[name] = min(spent[name], 1000 * ticking.fastest())

    one_batch = [(images[:32], labels[:32])]
    plain = train(lesson, one_batch, {}, {})
    for name, (_, settings, switches) in variants.items():
        times = spent["straightforward"] / spent[name]
        line = f"{name:26} {spent[name]:6.0f} ms {times:6.1f} times as fast"
        if switches is not None:
            off = (train(lesson, one_batch, settings, switches) - plain).abs().mean()
            line += f"   weights off by {off:.0e}"
        print(line)


if __name__ == "__main__":
    main()
