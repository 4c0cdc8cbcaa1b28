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
    number,
    parts,
    require,
    same,
    table,
)
from .vae import BOTH

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
def sampling_step(step: Function) -> str:
    """Check a sampling step by the statistics of its codes, and by the gradient it lets through."""
    quiet = table(ask(step, MU, LOGVAR, False, keep=BOTH), "return a tensor")
    finite(quiet, "z", vae.LOGARITHM)
    require(same(quiet, MU), "with training=False the code must be the mean, exactly")
    vae.judge_draw(lambda mu, logvar: step(mu, logvar, True), keep=BOTH)
    told = "mean, spread and gradient are right, but the noise is not made on the device of mu"
    follows_device(step, MU, LOGVAR, True, message=told)
    return "right: mean, spread and gradient are as they should be, and evaluation is quiet"


@exercise("6.2")
def my_vae_loss(loss: Function) -> str:
    """Check a loss on four images of five pixels, with three latent units."""
    vae.judge_vae_loss(lambda recon, x, mu, logvar: loss(x, recon, mu, logvar))
    return "right: summed over pixels and units, averaged over images"


@exercise("6.3")
def mended_forward(forward: Function) -> str:
    """Check a forward pass in both modes, and on a device that is not the CPU."""
    net, x = NetOfThisCheck(), torch.cat([MU, LOGVAR], dim=1)
    three = "return three things: recon, mu and logvar"
    given = parts(ask(forward, net.eval(), x), 3, three)
    recon, *clouds = (table(part, "recon, mu and logvar are tensors") for part in given)
    finite(recon, "the reconstruction", vae.LOGARITHM)
    mode = "a forward pass must not switch the net to another mode"
    require(not net.training, mode)
    require(same(recon, MU), "there is still noise in evaluation mode")
    require(same(torch.cat(clouds, dim=1), x), "return mu and logvar, in this order")

    def draw(mu: Tensor, logvar: Tensor) -> Tensor:
        drawn = ask(forward, net.train(), torch.cat([mu, logvar], dim=1))
        require(net.training, mode)
        return parts(drawn, 3, three)[0]

    vae.judge_draw(draw)
    told = "both modes are right, but the noise is not made on the device of mu"
    follows_device(lambda there: forward(net, there), x, message=told)
    return "right: quiet in evaluation, noisy in training, on any device"


@exercise("6.4")
def two_nats(sigma: object) -> str:
    """Check the width of a cloud by the nats that its unit carries."""
    wanted = "a width is a number above 0"
    width = number(sigma, wanted)
    require(width > 0, wanted)
    nats = -math.log(width)
    found = f"the unit carries {nats:.4g} nats"
    faults = {
        "clouds as wide as the heap, or wider, leave no room for the means": nats <= 0,
        "that is the variance, and the width is its root": abs(nats - 4) < 0.05,
        f"{found}: too few, make the clouds narrower": nats < 1.97,
        f"{found}: too many, make the clouds wider": nats > 2.03,
    }
    forbid(faults)
    return f"right: {found}"


@exercise("6.5")
def two_ends(at_zero: object, at_thousand: object) -> str:
    """Check what becomes of a VAE without the KL, and with nothing else."""
    zero, thousand = choice(at_zero, "abc", {}), choice(at_thousand, "abc", {})
    faults = {
        "the other way round: which one leaves the KL out?": (zero, thousand) == ("c", "a"),
        "β = 0: now a narrow cloud costs nothing, and noise still does": zero != "a",
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
