"""Train a GAN: two nets in alternation, one step each.

Lesson 8 writes this loop out in full and explains it. A test holds the two against each other.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

DLoss = Callable[[Tensor, Tensor], Tensor]
GLoss = Callable[[Tensor], Tensor]
OnSheet = Callable[[int, Tensor], None]


@dataclass
class GANHistory:
    """What a training leaves behind, apart from the nets."""

    d_loss: list[float] = field(default_factory=list)  # one entry per iteration, as the next three
    g_loss: list[float] = field(default_factory=list)
    d_real: list[float] = field(default_factory=list)  # mean raw output of D on real images
    d_fake: list[float] = field(default_factory=list)  # and on fake ones, before G's step
    sheets: list[Tensor] = field(default_factory=list)  # (16, 1, 28, 28) each, on the CPU
    sheet_iterations: list[int] = field(default_factory=list)
    seconds: float = 0.0  # of the whole training, sheets and their display included


def train_gan(
    D: nn.Module,  # noqa: N803 - the field's own names
    G: nn.Module,  # noqa: N803
    d_loss: DLoss,
    g_loss: GLoss,
    d_optimizer: Optimizer,
    g_optimizer: Optimizer,
    batches: DataLoader,
    num_iterations: int,
    *,
    averaged: AveragedModel | None = None,
    schedulers: Sequence[LRScheduler] = (),
    noise_dim: int = 96,
    num_labels: int = 0,
    sheet_every: int = 250,
    on_sheet: OnSheet | None = None,
) -> GANHistory:
    """Train both nets in place, one step of D and one step of G per iteration.

    Args:
        D: images ``(batch, 1, 28, 28)`` -> raw outputs ``(batch, 1)``; with labels
            ``(batch, num_labels)``, and that of the image's label is taken.
        G: noise ``(batch, noise_dim)``, uniform in [-1, 1] -> images ``(batch, 1, 28, 28)``; with
            labels ``(batch, noise_dim + num_labels)``, the one-hot label behind the noise.
        d_loss: D's raw outputs on real and on fake images -> a scalar.
        g_loss: D's raw outputs on fake images -> a scalar.
        d_optimizer: holds the parameters of D.
        g_optimizer: holds the parameters of G.
        batches: real images and their labels; gone through again and again. Fake ones
            get the labels of the real ones beside them, if there are labels.
        num_iterations: how many batches, and how many steps of each net.
        averaged: a mean of G over its last steps, brought up to date after each of them; then the
            sheets are drawn by it (Yazıcı et al., 2018).
        schedulers: change the learning rates after every iteration.
        noise_dim: numbers per noise vector.
        num_labels: how many labels there are; 0 for players that are told none.
        sheet_every: a sheet of 16 images at iteration 0, then every so many, and at the end.
        on_sheet: called with the iteration and the new sheet ``(16, 1, 28, 28)``.
    """
    history = GANHistory()
    start = time.perf_counter()
    device = next(G.parameters()).device
    fixed_noise = _noise(16, noise_dim, device)
    if num_labels:
        in_turn = torch.arange(16, device=device) % num_labels
        fixed_noise = _with_label(fixed_noise, in_turn, num_labels)
    stream = _endless(batches)
    _add_sheet(history, 0, G, fixed_noise, on_sheet)
    D.train()
    for iteration in (bar := tqdm(range(1, num_iterations + 1))):
        real, labels = (part.to(device) for part in next(stream))
        noise = _noise(len(real), noise_dim, device)
        fake = G(_with_label(noise, labels, num_labels) if num_labels else noise)
        ask = partial(_answer, D, labels) if num_labels else D
        _d_step(history, ask, d_loss, d_optimizer, real, fake.detach())
        _g_step(history, D, ask, g_loss, g_optimizer, fake)
        if averaged is not None:
            averaged.update_parameters(G)
        for scheduler in schedulers:
            scheduler.step()
        bar.set_postfix(D=f"{history.d_loss[-1]:.3f}", G=f"{history.g_loss[-1]:.3f}", refresh=False)
        if iteration % sheet_every == 0 or iteration == num_iterations:
            drawing = G if averaged is None else averaged.module
            _add_sheet(history, iteration, drawing, fixed_noise, on_sheet)
    history.seconds = time.perf_counter() - start
    return history


def _noise(n: int, noise_dim: int, device: torch.device) -> Tensor:
    return 2 * torch.rand(n, noise_dim, device=device) - 1


def _with_label(noise: Tensor, labels: Tensor, num_labels: int) -> Tensor:
    return torch.cat([noise, nn.functional.one_hot(labels, num_labels).to(noise)], dim=1)


def _answer(net: nn.Module, labels: Tensor, images: Tensor) -> Tensor:
    # Of the answers of D, one for each label, that for the label of the image.
    return net(images).gather(1, labels[:, None])


def _endless(batches: DataLoader) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        yield from batches


def _d_step(
    history: GANHistory,
    ask: Callable[[Tensor], Tensor],
    loss_fn: DLoss,
    optimizer: Optimizer,
    real: Tensor,
    fake: Tensor,
) -> None:
    on_real = ask(real)
    on_fake = ask(fake)
    loss = loss_fn(on_real, on_fake)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    history.d_loss.append(loss.item())
    history.d_real.append(on_real.mean().item())
    history.d_fake.append(on_fake.mean().item())


def _g_step(
    history: GANHistory,
    net: nn.Module,
    ask: Callable[[Tensor], Tensor],
    loss_fn: GLoss,
    optimizer: Optimizer,
    fake: Tensor,
) -> None:
    net.requires_grad_(False)  # the gradient passes through D; none is computed for its parameters
    loss = loss_fn(ask(fake))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    net.requires_grad_(True)
    history.g_loss.append(loss.item())


def _add_sheet(
    history: GANHistory,
    iteration: int,
    net: nn.Module,
    noise: Tensor,
    on_sheet: OnSheet | None,
) -> None:
    net.eval()
    with torch.inference_mode():
        sheet = net(noise).cpu()
    net.train()
    history.sheets.append(sheet)
    history.sheet_iterations.append(iteration)
    if on_sheet is not None:
        on_sheet(iteration, sheet)
