"""The checks of lesson 6: a VAE that draws digits."""

import math

import torch
from torch import Tensor, nn

from . import vae
from .feedback import (
    Function,
    ask,
    choice,
    exercise,
    finite,
    follows_device,
    forbid,
    judge,
    number,
    parts,
    require,
    same,
    table,
)

MU, LOGVAR = vae.MEANS.repeat(5, 1), vae.LOGVARS.repeat(5, 1)


class NetOfThisCheck(nn.Module):
    """A net whose input holds mu and logvar side by side, and whose decoder copies its input."""

    latent = 4

    def encode(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return mu and logvar."""
        return x[:, :4], x[:, 4:]

    def sample(self, mu: Tensor, logvar: Tensor) -> Tensor:
        """Draw a code, as the lesson's net does."""
        return mu + (logvar / 2).exp() * torch.randn_like(mu)

    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Return the codes, with their labels behind them."""
        rows = z.ndim == 2 and z.shape[1] == 4
        require(rows, f"decode gets codes of shape {tuple(z.shape)}; rows of 4 are wanted here")
        if y is None:
            return z
        fits = y.shape == z.shape[:1] and not y.is_floating_point()
        require(fits, "decode needs one label, a whole number, for each code")
        require(y.device == z.device, "the images are right, but not the labels' device: z.device")
        return torch.cat([z, y[:, None].to(z)], dim=1)


@exercise("6.1")
def mended_forward(forward: Function) -> str:
    """Check a forward pass in both modes, and on a device that is not the CPU."""
    net, x = NetOfThisCheck(), torch.cat([MU, LOGVAR], dim=1)
    three = "return three things: recon, mu and logvar"
    given = parts(ask(forward, net.eval(), x), 3, three)
    recon, *says = (table(part, "recon, mu and logvar are tensors") for part in given)
    finite(recon, "the reconstruction", vae.LOGARITHM)
    mode = "a forward pass must not switch the net to another mode"
    require(not net.training, mode)
    require(same(recon, MU), "there is still noise in evaluation mode")
    require(same(torch.cat(says, dim=1), x), "return mu and logvar, in this order")

    def draw(mu: Tensor, logvar: Tensor) -> Tensor:
        drawn = ask(forward, net.train(), torch.cat([mu, logvar], dim=1))
        require(net.training, mode)
        return parts(drawn, 3, three)[0]

    vae.judge_draw(draw)
    told = "both modes are right, but the noise is not made on the device of mu"
    follows_device(lambda there: forward(net, there), x, message=told)
    return "right: quiet in evaluation, noisy in training, on any device"


@exercise("6.2")
def bound_of(bound: Function) -> str:
    """Check the bound of three images for two pixel variances."""
    error, kl = torch.tensor([40.0, 25.0, 90.0]), torch.tensor([28.0, 20.0, 35.0])
    for variance, pixels in ((0.05, 784), (2.0, 100)):
        v = torch.tensor(variance)
        given = ask(bound, error, kl, v, pixels, keep=("error", "kl", "variance"))
        _judge_bound(table(given, "return a tensor of bounds"), error, kl, v, pixels)
    return "right: three terms, each with its minus, and one number for each image"


def _judge_bound(given: Tensor, error: Tensor, kl: Tensor, v: Tensor, pixels: int) -> None:
    def value(part: float = 2, constant: float = pixels / 2, inside: Tensor = v) -> Tensor:
        return -error / (part * v) - constant * torch.log(2 * math.pi * inside) - kl

    right = value()
    mistakes = {
        "the sign is turned round: this is the loss, and the bound is asked for": -right,
        "this is the mean: return one number for each image": right.mean(),
        "the squared error lacks its factor 1/2": value(part=1),
        "inside the logarithm stands the variance, not its root": value(inside=v.sqrt()),
        "the constant counts once for each pixel, with the factor 1/2": value(constant=0.5),
        "the constant has the factor 1/2, because it comes from a root": value(constant=pixels),
        "where is the constant, the term with the logarithm?": value(constant=0),
        "2 π is missing inside the logarithm": value(inside=v / (2 * math.pi)),
        "the constant has the wrong sign": value(constant=-pixels / 2),
        "the KL costs: it has a minus": right + 2 * kl,
        "where is the KL?": right + kl,
        "the KL is a price in nats: it is not divided by the variance": right + kl - kl / (2 * v),
        "the squared error is to be divided by the variance": value() + error / (2 * v) - error / 2,
        "the variance of the lesson's loss, 1/2, is written in: use the argument": (
            -error - pixels / 2 * math.log(math.pi) - kl
        ),
    }
    wrong = {told: number for told, number in mistakes.items() if not same(number, right)}
    judge(given, right, wrong, "the bound", 1e-4, 1e-2)


@exercise("6.3")
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


@exercise("6.4")
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


@exercise("6.5")
def two_ends(at_zero: object, at_thousand: object) -> str:
    """Check what becomes of a VAE without the KL, and with nothing else."""
    zero, thousand = choice(at_zero, "abc", {}), choice(at_thousand, "abc", {})
    faults = {
        "the other way round: which one leaves the KL out?": (zero, thousand) == ("c", "a"),
        "β = 0: now a narrow bell costs nothing, and noise still does": zero != "a",
        "β = 1,000: whatever a code says about its image costs too much": thousand != "c",
    }
    forbid(faults)
    return "right: an autoencoder at one end, the mean image at the other"


@exercise("6.6")
def mended_sheet(sheet: Function) -> str:
    """Check a sheet by the code and the label that each of its images was decoded from."""
    net, z, digits = NetOfThisCheck(), torch.arange(12.0).reshape(3, 4), torch.arange(10.0)
    given = table(ask(lambda z: sheet(net, z), z, keep=("z",)), "return the images")
    shape = tuple(given.shape)
    require(len(given) == 30, f"three codes make 30 images, the result has shape {shape}")
    require(shape == (30, 5), "every image must come from decode, with a code and a label")
    codes, labels = given[:, :4], given[:, 4]
    faults = {
        "every image is still a 0: the labels do not arrive": not labels.any(),
        "the labels should run from 0 to 9 in each row": not same(labels, digits.repeat(3)),
        "the code changes within a row": not same(codes, z.repeat_interleave(10, dim=0)),
    }
    forbid(faults)
    told = "the images are right, but not the labels' device: z.device"
    follows_device(lambda there: sheet(net, there), z, message=told)
    return "right: one code for each row, ten labels in it"
