"""The checks of lesson 6: a VAE that draws digits."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_utils.checks.feedback import attempted, exercise, require

MEANS, SPREADS = torch.tensor([0.0, 2.0, -1.0, 5.0]), torch.tensor([1.0, 0.5, 2.0, 0.1])
CLOUDS = torch.cat([MEANS, 2 * SPREADS.log()]).expand(20_000, 8)  # mu, then logvar


class _Toy(nn.Module):
    # Its input holds mu and logvar side by side; its decoder copies what it is given.
    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x[:, :4], x[:, 4:]

    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        if y is None:
            return z
        fits = y.shape == z.shape[:1] and not y.is_floating_point()
        require(fits, "decode needs one label, a whole number, for each code")
        return torch.cat([z, y[:, None].to(z)], dim=1)


def _judge_codes(z: Tensor, again: Tensor) -> None:
    """Hold codes drawn from ``CLOUDS`` against the means and spreads asked for."""
    require(z.shape == (20_000, 4), f"the codes have shape {tuple(z.shape)}, mu has (20000, 4)")
    require(not torch.equal(z, again), "no noise in training: two codes of one image are equal")
    spread, off = z.std(dim=0), (z - MEANS).mean(dim=0).abs()
    require(bool((spread > 1e-4).any()), "all images of a batch get the same noise: draw for each")
    require(bool((off < 0.05 * spread + 1e-4).all()), "the noise must have mean 0, yours has not")
    mistakes = {
        "the spread is exp(logvar): that is the variance, halve logvar first": SPREADS**2,
        "the spread is logvar itself: take the exponential of half of it": 2 * SPREADS.log().abs(),
        "the noise has spread 1 whatever logvar says": torch.ones(4),
    }
    for message, value in mistakes.items():
        require(not torch.allclose(spread, value, rtol=0.05, atol=1e-3), message)
    right = torch.allclose(spread, SPREADS, rtol=0.05)
    require(right, f"a spread of 2.0 was asked for, your codes have {spread[2]:.1f}")
    tied = (torch.corrcoef(z.T) - torch.eye(4)).abs().max()
    require(float(tied) < 0.05, "all units of a code get the same noise: each needs its own")


@exercise("6.1")
def sampling_step(step: Callable[[Tensor, Tensor, bool], Tensor]) -> str:
    """Check a sampling step by the statistics of its codes, and by the gradient it lets through."""
    mu, logvar = CLOUDS.clone().split(4, dim=1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        quiet = attempted(step(mu, logvar, False))
        z, again = (attempted(step(mu, logvar, True)) for _ in range(2))
        require(torch.equal(quiet, mu), "with training=False the code must be the mean, exactly")
        _judge_codes(z, again)
        leaves = [mu[:3].clone().requires_grad_(), logvar[:3].clone().requires_grad_()]
        drawn = step(*leaves, True)
    require(drawn.requires_grad, "no gradient reaches mu or logvar: write z as a formula of both")
    grads = torch.autograd.grad(drawn.sum(), leaves, allow_unused=True)
    require(grads[0] is not None, "no gradient reaches mu: detach nothing")
    require(grads[1] is not None, "no gradient reaches logvar: detach nothing")
    return "right: mean, spread and gradient are as they should be, and evaluation is quiet"


@exercise("6.2")
def my_vae_loss(loss: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]) -> str:
    """Check a loss on three images of five pixels, with two latent units."""
    x, recon = torch.linspace(-1, 1, 15).reshape(3, 5), torch.linspace(0.9, -0.2, 15).reshape(3, 5)
    mu = torch.tensor([[1.5, -0.5], [0.2, 2.0], [-1.0, 0.7]])
    logvar = torch.tensor([[0.3, 1.2], [0.8, 0.1], [2.0, 0.5]])
    given = torch.as_tensor(attempted(loss(x, recon, mu, logvar)))
    require(given.ndim == 0, "return one number: the mean over the images")
    error = ((x - recon) ** 2).sum(dim=1).mean()
    kl, bad = (0.5 * (mu**2 + s - s.log() - 1).sum(1).mean() for s in (logvar.exp(), logvar))
    for message, value in _mistaken(error, kl, bad).items():
        require(abs(float(given) - float(value)) > 1e-4, message)
    right = abs(float(given) - float(error + kl)) < 1e-4
    require(right, f"a small batch gives {float(given):.4f}; {float(error + kl):.4f} is right")
    return "right: summed over pixels and units, averaged over images"


def _mistaken(error: Tensor, kl: Tensor, bad: Tensor) -> dict[str, Tensor]:
    return {
        "the KL has the wrong sign: it is a price, and never negative": error - kl,
        "the KL is averaged over the units: sum over dim=1": error + kl / 2,
        "the squared error is averaged over the pixels: sum over dim=1": error / 5 + kl,
        "this is the sum over the batch: take the mean over images": 3 * (error + kl),
        "logvar is used as the variance: the variance is logvar.exp()": error + bad,
        "the factor 1/2 of the KL is missing": error + 2 * kl,
        "the KL is missing": error,
    }


@exercise("6.3")
def mended_forward(forward: Callable[[nn.Module, Tensor], tuple[Tensor, Tensor, Tensor]]) -> str:
    """Check a forward pass in both modes, and on a device that is not the CPU."""
    net, x = _Toy(), CLOUDS.clone()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        quiet = attempted(forward(net.eval(), x))
        require(len(quiet) == 3, "return three things: recon, mu and logvar")
        require(torch.equal(quiet[0], x[:, :4]), "there is still noise in evaluation mode")
        require(torch.equal(torch.cat(quiet[1:], 1), x), "return mu and logvar, in this order")
        z, again = (forward(net.train(), x)[0] for _ in range(2))
        require(net.training, "a forward pass must not switch the net to another mode")
        _judge_codes(z, again)
        try:  # PyTorch's device without memory, which every machine has
            forward(net, CLOUDS[:2].to("meta"))
        except RuntimeError:
            require(False, "both modes are right, but the noise is not made on the device of mu")
    return "right: quiet in evaluation, noisy in training, on any device"


@exercise("6.4")
def two_nats(sigma: float) -> str:
    """Check the width of a cloud by the nats that its unit carries."""
    require(isinstance(sigma, int | float) and sigma > 0, "a width is a number above 0")
    require(sigma < 1, "clouds as wide as the heap, or wider, leave no room for the means")
    require(abs(math.log(sigma) + 4) > 0.05, "that is the variance, and the width is its root")
    nats = -math.log(sigma)
    require(nats > 1.97, f"the unit carries {nats:.2f} nats: too few, make the clouds narrower")
    require(nats < 2.03, f"the unit carries {nats:.2f} nats: too many, make the clouds wider")
    return f"right: the unit carries {nats:.2f} nats"


@exercise("6.5")
def two_ends(at_zero: str, at_thousand: str) -> str:
    """Check what becomes of a VAE without the KL, and with nothing else."""
    zero, thousand = (str(answer).strip().lower() for answer in (at_zero, at_thousand))
    require({zero, thousand} <= set("abc"), 'answer with "a", "b" or "c", twice')
    require((zero, thousand) != ("c", "a"), "the other way round: which one leaves the KL out?")
    require(zero == "a", "β = 0: now a narrow cloud costs nothing, and noise still does")
    require(thousand == "c", "β = 1,000: whatever a code says about its image costs too much")
    return "right: an autoencoder at one end, the mean image at the other"


@exercise("6.6")
def mended_sheet(sheet: Callable[[nn.Module, Tensor], Tensor]) -> str:
    """Check a sheet by the code and the label that each of its images was decoded from."""
    z, digits = torch.arange(12.0).reshape(3, 4), torch.arange(10.0)
    given = attempted(sheet(_Toy(), z.clone()))
    require(len(given) == 30, f"three codes make 30 images, yours are {len(given)}")
    codes, labels = given[:, :4], given[:, 4]
    require(labels.any().item(), "every image is still a 0: the labels do not arrive")
    require(torch.equal(labels, digits.repeat(3)), "the labels should run from 0 to 9 in each row")
    require(torch.equal(codes, z.repeat_interleave(10, dim=0)), "the code changes within a row")
    return "right: one code for each row, ten labels in it"
