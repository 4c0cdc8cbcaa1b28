"""The checks of lesson 8: GAN and LSGAN."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from course_utils.device import pick_device

from .feedback import (
    Function,
    choice,
    exercise,
    forbid,
    number,
    objection,
    parts,
    require,
    same,
)
from .game import Players, entropy, judge_first, judge_losses, judge_second, play


@exercise("8.1")
def mended_iteration(iteration: Function) -> str:
    """Check an iteration by where it moves two tiny players, and by a second one after it."""

    def round_of(on: Players) -> object:
        on.G.register_forward_pre_hook(_fits)
        return iteration(on.D, on.G, on.d_optimizer, on.g_optimizer, *on.batch())

    mine, given = judge_first(round_of)
    judge_second(round_of, mine)
    wanted = "return both losses: of D, of G"
    found = [number(loss, wanted) for loss in parts(given, 2, wanted)]
    right = play()[2]
    require(not same(found, right[::-1], 1e-3), "the losses are returned in the wrong order")
    require(same(found, right, 1e-3), "both players move well, but other losses are returned")
    return "right: D learns from both kinds, G through D, and nothing is left over"


def _fits(net: nn.Module, given: tuple[Tensor]) -> None:
    told = "G was given noise of another width: use the noise that your function receives"
    require(given[0].shape[-1:] == (1,), told)


@exercise("8.2")
def two_reports(first: object, second: object) -> str:
    """Check what two reports of losses say about the images."""
    one, other = choice(first, "abcd", {}), choice(second, "abcd", {})
    faults = {
        "the other way round: in which of the two does D learn?": (one, other) == ("d", "c"),
        "first report: D is the ruler of G's loss. Who changed?": one == "a",
        "first report: at the end of the game, would a loss still rise?": one == "b",
        "first report: a loss that rises shows that somebody is learning": one != "c",
        "second report: can a game be at its end in the very first iteration?": other == "b",
        "second report: what must D answer for its loss to be 2 log 2 exactly?": other != "d",
    }
    forbid(faults)
    return "right: the losses speak of the game, and not of the images"


@exercise("8.3")
def ls_losses(d_loss: Function, g_loss: Function) -> str:
    """Check the two losses of LSGAN on batches of three."""
    judge_losses(d_loss, g_loss, _squares)
    return "right: D's targets are 1 and 0, and G wants the 1 for itself"


def _squares(outputs: Tensor, label: int) -> Tensor:
    return 0.5 * ((outputs - label) ** 2).mean()


AT_ONCE = (
    "an assert without a sentence stops it: which one? Does it compare the right way round, "
    "and is what you keep from before a copy (clone)?"
)
FAULTS = {
    "D": "it lets an iteration pass in which D does not move",
    "G": "it lets an iteration pass in which G does not move",
    "way": "it lets an iteration pass in which D learns to call fakes real",
}


@exercise("8.4", seconds=30)
def check_iteration(test: Function) -> str:
    """Check a test by a right iteration and three broken ones."""
    generator = torch.Generator().manual_seed(0)
    real = (torch.rand(128, 1, 28, 28, generator=generator) < 0.2).float() * 2 - 1
    real = real.to(pick_device())
    told = objection(test, partial(_iterate, fault=""), real)
    require(
        told is None,
        f"a right iteration must pass, and {f'yours says: {told}' if told else AT_ONCE}",
    )
    for fault, message in FAULTS.items():
        require(objection(test, partial(_iterate, fault=fault), real) is not None, message)
    return "right: the good one passes, and the three others are caught"


def _iterate(
    D: nn.Module,  # noqa: N803 - the field's own names
    G: nn.Module,  # noqa: N803
    d_optimizer: Optimizer,
    g_optimizer: Optimizer,
    real: Tensor,
    noise: Tensor,
    *,
    fault: str,
) -> tuple[float, float]:
    fake = G(noise)
    wanted = int(fault != "way")
    d_loss = entropy(D(real), wanted) + entropy(D(fake.detach()), 1 - wanted)
    d_optimizer.zero_grad()
    d_loss.backward()
    if fault != "D":
        d_optimizer.step()
    g_loss = entropy(D(fake.detach() if fault == "G" else fake), 1)
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss.item(), g_loss.item()
