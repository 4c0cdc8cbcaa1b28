"""The checks of lesson 6: a VAE that draws digits."""

import math

import torch
from torch import Tensor

from .feedback import (
    Function,
    ask,
    choice,
    exercise,
    finite,
    forbid,
    judge,
    number,
    require,
    same,
    table,
)


@exercise("6.1")
def bound_of(bound: Function) -> str:
    """Check the bound of three images for two pixel variances."""
    error, kl = torch.tensor([40.0, 25.0, 90.0]), torch.tensor([28.0, 20.0, 35.0])
    for variance, pixels in ((0.05, 784), (2.0, 100)):
        v = torch.tensor(variance)
        given = ask(bound, error, kl, v, pixels, keep=("error", "kl", "variance"))
        _judge_bound(table(given, "return a tensor of bounds"), error, kl, v, pixels)
    return "right: three terms, each with its minus, and one number for each image"


def _judge_bound(given: Tensor, error: Tensor, kl: Tensor, v: Tensor, pixels: int) -> None:
    def value(
        part: float = 2, constant: float = pixels / 2, inside: Tensor = v, below: Tensor = v
    ) -> Tensor:
        return -error / (part * below) - constant * torch.log(2 * math.pi * inside) - kl

    right = value()
    mistakes = {
        "the sign is turned round: this is the loss, and the bound is asked for": -right,
        "this is the mean: return one number for each image": right.mean(),
        "the squared error lacks its factor 1/2": value(part=1),
        "inside the logarithm stands the variance, not its root": value(inside=v.sqrt()),
        "`variance` is σ_x² already: do not square it": value(inside=v**2, below=v**2),
        "below the squared error `variance` is squared, and it is σ_x² already": value(below=v**2),
        "inside the logarithm `variance` is squared, and it is σ_x² already": value(inside=v**2),
        "the variance belongs in both places, not its root": value(inside=v.sqrt(), below=v.sqrt()),
        "below the squared error stands the variance, not its root": value(below=v.sqrt()),
        "that is log10: take the natural logarithm": value(constant=pixels / 2 / math.log(10)),
        "that is log2: take the natural logarithm": value(constant=pixels / 2 / math.log(2)),
        "the constant counts once for each pixel, with the factor 1/2": value(constant=0.5),
        "the constant has the factor 1/2, because it comes from a root": value(constant=pixels),
        "where is the constant, the term with the logarithm?": value(constant=0),
        "2 π is missing inside the logarithm": value(inside=v / (2 * math.pi)),
        "the constant has the wrong sign": value(constant=-pixels / 2),
        "the KL costs: it has a minus": right + 2 * kl,
        "where is the KL?": right + kl,
        "the KL is a price in nats: it is not divided by the variance": right + kl - kl / (2 * v),
        "the squared error is to be divided by the variance": value() + error / (2 * v) - error / 2,
        "divide by 2 · variance: a product below the line needs brackets": (
            value() + error / (2 * v) - error / 2 * v
        ),
        "784 is written in: use `pixels`": value(constant=392),
        "the variance of the lesson's loss, 1/2, is written in: use the argument": (
            -error - pixels / 2 * math.log(math.pi) - kl
        ),
    }
    wrong = {told: number for told, number in mistakes.items() if not same(number, right)}
    judge(given, right, wrong, "the bound", 1e-4, 1e-2)


@exercise("6.2")
def shuffle_units(shuffle: Function) -> str:
    """Check what a shuffle keeps in each column, and what it breaks between them."""
    rows, units = torch.arange(300.0)[:, None], torch.arange(4.0)
    codes = rows + 1000 * units  # each number says its row and its column
    given = table(ask(shuffle, codes, keep=("codes",)), "return the codes, a tensor")
    shape = tuple(given.shape)
    require(shape == (300, 4), f"codes of shape (300, 4) come back with shape {shape}")
    finite(given, "the result")
    from_row, from_unit = given % 1000, given.div(1000, rounding_mode="floor")
    together = (from_row == from_row[:, :1]).all()
    faults = {
        "nothing was shuffled": same(given, codes),
        "numbers of one unit went to another: stay within the column": (from_unit != units).any(),
        "whole rows were moved: each column needs an order of its own": together,
        "a column has lost some of its numbers and holds others twice: take a permutation": (
            not same(given.sort(dim=0).values, codes)
        ),
    }
    forbid(faults)
    alike = (from_row[:, :, None] == from_row[:, None]).double().mean(dim=0) - torch.eye(4)
    require(alike.max() < 0.1, "two columns still go together: a new permutation for each")
    still = (from_row == rows).double().mean(dim=0).max()
    require(still < 0.1, "a column is still in its old order")
    again = table(ask(shuffle, codes))
    require(not same(given, again), "two calls give the same order: draw a new one each time")
    return "right: every unit keeps its numbers, and no combination survives"


@exercise("6.3")
def who_obeys(obeys: object, exact: object) -> str:
    """Check what a label and a price of the nats do together."""
    given = choice(obeys, "abc", {}), choice(exact, "abc", {})
    faults = {
        "the other way round: which net pays more for what its codes say?": given == ("a", "b"),
        "obeys: what does a code that names a digit do to the label?": given[0] != "b",
        "exact: which net can afford to say more about an image?": given[1] != "a",
    }
    forbid(faults)
    return "right: dear nats leave the digit to the label, and say less of the rest"


@exercise("6.4")
def two_nats(sigma: object) -> str:
    """Check the width of an approximate posterior by the nats that its unit carries."""
    wanted = "a width is a number above 0"
    width = number(sigma, wanted)
    require(width > 0, wanted)
    nats = -math.log(width)
    found = f"the unit carries {nats:.4g} nats"
    faults = {
        "bells as wide as the prior, or wider, leave no room for the means": nats <= 0,
        "that is the variance, and the width is its root": abs(nats - 4) < 0.05,
        f"{found}: too few, make the bells narrower": nats < 1.97,
        f"{found}: too many, make the bells wider": nats > 2.03,
    }
    forbid(faults)
    return f"right: {found}"
