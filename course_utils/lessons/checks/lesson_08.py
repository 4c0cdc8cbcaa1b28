"""The checks of lesson 8: GAN and LSGAN."""

import math

import torch
from torch import Tensor

from course_utils.lessons.checks.feedback import (
    Function,
    choice,
    exercise,
    follows_device,
    number,
    parts,
    require,
    same,
)
from course_utils.lessons.checks.game import (
    FAKE,
    REAL,
    Players,
    entropy,
    judge_first,
    judge_losses,
    judge_second,
)


@exercise("8.1")
def bce_losses(d_loss: Function, g_loss: Function) -> str:
    """Check the two losses from logits, on batches of three, and on another device."""
    judge_losses(d_loss, g_loss, entropy)
    told = "both values are right, but labels are not made on the logits' device"
    follows_device(d_loss, REAL, FAKE, message=told)
    follows_device(g_loss, FAKE, message=told)
    return "right: both losses, from logits, on any device"


@exercise("8.2")
def mended_iteration(iteration: Function) -> str:
    """Check an iteration by where it moves two tiny players, and by a second one after it."""

    def play(on: Players) -> object:
        batch = on.real.clone(), on.z.clone()
        return iteration(on.D, on.G, on.d_optimizer, on.g_optimizer, *batch)

    mine, given = judge_first(play)
    judge_second(play, mine)
    wanted = "return both losses: of D, of G"
    found = [number(loss, wanted) for loss in parts(given, 2, wanted)]
    right = torch.tensor(Players().play().losses)
    require(not same(found, right.flip(0), 1e-3), "the losses are returned in the wrong order")
    require(same(found, right, 1e-3), "both players move well, but other losses are returned")
    return "right: D learns from both kinds, G through D, and nothing is left over"


@exercise("8.3")
def two_reports(first: object, second: object) -> str:
    """Check what two reports of losses say about the images."""
    one, other = choice(first, "abcd", {}), choice(second, "abcd", {})
    exchanged = (one, other) == ("d", "c")
    require(not exchanged, "the other way round: in which of the two does D learn?")
    require(one != "a", "first report: G's loss is measured with D as the ruler. Who changed?")
    require(one == "c", "first report: a loss that rises shows that somebody is learning")
    require(other != "b", "second report: can the game be at its end in the very first iteration?")
    require(other == "d", "second report: what must D answer for its loss to be 2 log 2 exactly?")
    return "right: the losses speak of the game, and not of the images"


@exercise("8.4")
def ls_losses(d_loss: Function, g_loss: Function) -> str:
    """Check the two losses of LSGAN on batches of three."""
    judge_losses(d_loss, g_loss, _squares)
    return "right: D's targets are 1 and 0, and G wants the 1 for itself"


def _squares(outputs: Tensor, label: int) -> Tensor:
    return 0.5 * ((outputs - label) ** 2).mean()


@exercise("8.5")
def equal_pulls(output: object) -> str:
    """Check the raw output at which two losses of G have slopes of equal size."""
    value = number(output, "an output of D is a number")
    pull, squares = 1 / (1 + math.exp(min(value, 700))), 1 - value
    sides = f"{pull:.4g} for the cross-entropy and {abs(squares):.4g} for the squares"
    require(value < 1, f"look below 1: above it the squares pull the other way ({sides})")
    require(squares - pull < 0.01, f"the squares still pull harder here: {sides}")
    require(pull - squares < 0.01, f"the cross-entropy pulls harder here: {sides}")
    return f"right: {sides}"
