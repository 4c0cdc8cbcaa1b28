"""The checks of lesson 8: GAN and LSGAN."""

import copy
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from course_utils.checks.feedback import attempted, exercise, require

DLoss, GLoss = Callable[[Tensor, Tensor], Tensor], Callable[[Tensor], Tensor]
Toward = Callable[[Tensor, int], Tensor]  # outputs and a label -> the mean loss

ON_REAL, ON_FAKE = torch.tensor([[[2.0], [-1.0], [0.5]], [[-0.7], [1.2], [3.0]]])
SWAPPED = "real and fake are exchanged: D wants real images called real, and fakes fake"


def _judge_pair(d_loss: DLoss, g_loss: GLoss, toward: Toward) -> None:
    """Hold two losses against those that pull D's outputs ``toward`` their labels."""
    real, fake = (outputs.clone().requires_grad_() for outputs in (ON_REAL, ON_FAKE))
    given = _number("D", attempted(d_loss(real, fake)), [real, fake])
    right = toward(ON_REAL, 1) + toward(ON_FAKE, 0)
    mistakes = {SWAPPED: toward(ON_REAL, 0) + toward(ON_FAKE, 1)}
    squeezed = toward(ON_REAL.sigmoid(), 1) + toward(ON_FAKE.sigmoid(), 0)
    _compare("D", given, right, mistakes | _scaled(right, squeezed))
    given, right = _number("G", attempted(g_loss(fake)), [fake]), toward(ON_FAKE, 1)
    mistakes = {
        "the label is 0, so G learns to be recognised: it wants its fakes real": toward(ON_FAKE, 0),
        "this is the saturating loss of lesson 7: label fakes as real instead": -toward(ON_FAKE, 0),
    }
    _compare("G", given, right, mistakes | _scaled(right, toward(ON_FAKE.sigmoid(), 1)))


def _number(player: str, given: Tensor, outputs: list[Tensor]) -> float:
    """Return a loss as a number, after seeing that it is one and carries a gradient."""
    require(torch.is_tensor(given), f"{player}: the loss must be a tensor: return no .item()")
    require(given.numel() == 1, f"{player}: the loss must be one number: take the mean")
    require(given.requires_grad, f"{player}: the loss carries no gradient: detach nothing")
    slopes = torch.autograd.grad(given.sum(), outputs, allow_unused=True)
    require(
        all(slope is not None for slope in slopes),
        f"{player}: the loss leaves out one kind of image",
    )
    return float(given.detach())


def _scaled(right: Tensor, squeezed: Tensor) -> dict[str, Tensor]:
    return {
        "a sigmoid too many: use what D says as it is": squeezed,
        "this is the sum over the batch: take the mean": 3 * right,
        "half of the right loss: the two means are added, not averaged": right / 2,
        "twice the right loss: is a factor 1/2 missing?": 2 * right,
        "the sign is wrong": -right,
    }


def _compare(player: str, given: float, right: Tensor, mistakes: dict[str, Tensor]) -> None:
    for told, value in mistakes.items():
        require(abs(given - float(value)) > 1e-4, f"{player}: {told}")
    told = f"a small batch gives {given:.4f}; {float(right):.4f} is right"
    require(abs(given - float(right)) < 1e-4, f"{player}: {told}")


@exercise("8.1")
def bce_losses(d_loss: DLoss, g_loss: GLoss) -> str:
    """Check the two losses from logits, on batches of three, and on another device."""
    _judge_pair(d_loss, g_loss, lambda out, label: softplus((1 - 2 * label) * out).mean())
    nowhere = torch.zeros(2, 1, device="meta")
    try:  # PyTorch's device without memory, which every machine has
        _ = d_loss(nowhere, nowhere), g_loss(nowhere)
    except RuntimeError:
        require(False, "both values are right, but labels are not made on the logits' device")
    return "right: both losses, from logits, on any device"


@exercise("8.2")
def mended_iteration(iteration: Callable[..., tuple[float, float]]) -> str:
    """Check an iteration by where it moves two tiny players, with gradients left over."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(8)
        old = nn.Linear(3, 1), nn.Sequential(nn.Linear(2, 3), nn.Tanh())
        real, noise = torch.randn(8, 3) + 1, torch.rand(8, 2) * 2 - 1
    D, G = copy.deepcopy(old)  # noqa: N806 - the names of the lesson
    for parameter in (*D.parameters(), *G.parameters()):
        parameter.grad = torch.full_like(parameter, 0.5)
    optimizers = [torch.optim.SGD(net.parameters(), lr=0.2) for net in (D, G)]
    losses = attempted(iteration(D, G, *optimizers, real, noise))
    require(isinstance(losses, tuple | list), "return both losses")
    on_real, on_fake = old[0](real), old[0](old[1](noise).detach())
    right, wrong = (softplus(-s * on_real).mean() + softplus(s * on_fake).mean() for s in (1, -1))
    _follow("D", D, old[0], right, wrong, SWAPPED)
    right, wrong = (softplus(-s * D(old[1](noise))).mean() for s in (1, -1))
    _follow("G", G, old[1], right, wrong, "the fakes are labelled as fake: G wants them real")
    require(all(p.requires_grad for p in D.parameters()), "both moved well, but D is left frozen")
    return "right: D learns from both kinds, G through D, and nothing is left over"


def _follow(
    name: str, net: nn.Module, old: nn.Module, right: Tensor, wrong: Tensor, exchanged: str
) -> None:
    """Find out along which slope a player went: its own, the opposite, or one left over."""
    still = _is_at(net, old, None, 0) or _is_at(net, old, None, 0.5)
    require(not still, f"{name} does not learn: does its loss reach it, or does a detach stop it?")
    require(not _is_at(net, old, wrong, 0.5), f"{name}: gradients are left over, and {exchanged}")
    require(not _is_at(net, old, wrong, 0), f"{name}: {exchanged}")
    require(not _is_at(net, old, right, 0.5), f"{name}: gradients are left over: call zero_grad")
    require(_is_at(net, old, right, 0), f"{name} moves, but not down the slope of its own loss")


def _is_at(net: nn.Module, old: nn.Module, loss: Tensor | None, left_over: float) -> bool:
    """Say whether one step of SGD, rate 0.2, leads from old to net."""
    start = list(old.parameters())
    still = [0] * len(start)
    slopes = still if loss is None else torch.autograd.grad(loss, start, retain_graph=True)
    moved = [p - 0.2 * (slope + left_over) for p, slope in zip(start, slopes, strict=True)]
    return all(map(lambda p, q: torch.allclose(p, q, atol=1e-5), net.parameters(), moved))


@exercise("8.3")
def two_reports(first: str, second: str) -> str:
    """Check what two reports of losses say about the images."""
    first, second = (str(answer).strip().lower() for answer in (first, second))
    require({first, second} <= set("abcd"), 'answer with "a", "b", "c" or "d", twice')
    require((first, second) != ("d", "c"), "the other way round: in which of the two does D learn?")
    require(first != "a", "first report: G's loss is measured with D as the ruler. Who changed?")
    require(first == "c", "first report: a loss that rises shows that somebody is learning")
    require(second != "b", "second report: can the game be at its end in the very first iteration?")
    require(second == "d", "second report: what must D answer for its loss to be 2 log 2 exactly?")
    return "right: the losses speak of the game, and not of the images"


@exercise("8.4")
def ls_losses(d_loss: DLoss, g_loss: GLoss) -> str:
    """Check the two losses of LSGAN on batches of three."""
    _judge_pair(d_loss, g_loss, lambda out, label: 0.5 * ((out - label) ** 2).mean())
    return "right: D's targets are 1 and 0, and G wants the 1 for itself"


@exercise("8.5")
def equal_pulls(output: float) -> str:
    """Check the raw output at which two losses of G have slopes of equal size."""
    require(isinstance(output, int | float), "an output of D is a number")
    entropy, squares = 1 / (1 + math.exp(min(output, 700))), 1 - output
    sides = f"{entropy:.3f} for the cross-entropy and {abs(squares):.3f} for the squares"
    require(output < 1, f"look below 1: above it the squares pull the other way ({sides})")
    require(squares - entropy < 0.01, f"the squares still pull harder here: {sides}")
    require(entropy - squares < 0.01, f"the cross-entropy pulls harder here: {sides}")
    return f"right: {sides}"
