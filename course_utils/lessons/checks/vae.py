"""What lessons 5 and 6 both ask for: a divergence, the loss of a VAE, and codes drawn from it."""

import math

import torch
from torch import Tensor

from .feedback import Function, agree, ask, finite, forbid, judge_loss, require, same, slopes, table

MEANS = torch.tensor([[0.0, 2.0, -1.0, 5.0]])  # of the codes that are drawn many times
LOGVARS = torch.tensor([[0.0, -1.4, 1.5, -4.0]])
MANY = 20_000

MU = torch.tensor([[0.5, -1.0, 2.0], [0.0, 0.3, -0.7], [1.2, -0.4, 0.1], [-2.0, 0.6, 0.9]])
LOGVAR = torch.tensor([[1.0, 0.4, 0.2], [2.0, 0.1, 1.0], [0.7, 0.3, 0.5], [0.1, 1.5, 0.8]])
X = torch.linspace(-1.0, 1.0, 20).reshape(4, 5)
RECON = torch.linspace(0.9, -0.2, 20).reshape(4, 5)
LOGARITHM = "a logarithm or a root of a negative number? logvar is already a logarithm"


def terms(mu: Tensor, logvar: Tensor) -> Tensor:
    """Return the divergence from the standard normal, number by number."""
    return 0.5 * (logvar.exp() - 1 - logvar + mu**2)


def kl(mu: Tensor, logvar: Tensor) -> Tensor:
    """Return the divergence of each image."""
    return terms(mu, logvar).sum(dim=1)


def right_loss(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """Return the mean over the images of squared error plus divergence."""
    return (((recon - x) ** 2).sum(dim=1) + kl(mu, logvar)).mean()


def judge_vae_loss(loss: Function) -> None:
    """Judge ``(recon, x, mu, logvar) -> one number`` by its value and its gradients."""
    error, price = ((X - RECON) ** 2).sum(dim=1).mean(), kl(MU, LOGVAR).mean()
    as_variance = kl(MU, LOGVAR.log()).mean()  # no number of LOGVAR is below 0
    constant = math.log(math.pi) / 2  # for each pixel: five here, 784 in the lesson
    mistakes = {
        "the KL is averaged over the latent numbers, and its sign is wrong": error - price / 3,
        "the sign of the KL is wrong: a divergence is never negative": error - price,
        "the KL is averaged over the latent numbers: sum(dim=1)": error + price / 3,
        "the factor 1/2 of the KL is missing": error + 2 * price,
        "the KL is summed over the batch: take the mean over images": error + 4 * price,
        "the KL is missing": error,
        "the squared error is averaged over the pixels, the scaling mistake": error / 5 + price,
        "the squared error is summed over the batch: take the mean": 4 * error + price,
        "the squared error has no factor 1/2 here": error / 2 + price,
        "both terms are averaged over all their numbers: sum(dim=1)": error / 5 + price / 3,
        "this is the sum over the batch: take the mean over images": 4 * (error + price),
        "logvar is used as the variance: the variance is logvar.exp()": error + as_variance,
        "leave out the constant with log π: it trains nothing": error + price + 784 * constant,
        "leave out the constant with log π, it trains nothing": error + price + 5 * constant,
    }
    given = {"recon": RECON, "x": X, "mu": MU, "logvar": LOGVAR}
    judge_loss(loss, right_loss, mistakes, "the loss", LOGARITHM, **given)


def judge_draw(draw: Function) -> None:
    """Judge ``(mu, logvar) -> z``, rows of four, by many codes, and by its gradients."""
    mu, logvar = MEANS.repeat(MANY, 1), LOGVARS.repeat(MANY, 1)
    z, again = (table(ask(draw, mu, logvar), "return a tensor") for _ in range(2))
    require(z.shape == mu.shape, f"z has shape {tuple(z.shape)}, and mu has {tuple(mu.shape)}")
    finite(z, "z", LOGARITHM)
    noise = z - mu
    alike = (noise - noise[0]).abs().max() < 1e-5
    tied = ((torch.corrcoef(noise.T) - torch.eye(4)).abs() > 0.1).any()
    faults = {
        "there is no noise: z is mu": same(z, mu),
        "two calls give the same z: draw new noise each time": same(z, again),
        "all images of a batch get the same noise: draw it in the shape of mu": alike,
        "all latent numbers of an image share one noise: draw one for each": tied,
    }
    forbid(faults)
    _judge_spread(z.mean(dim=0), z.std(dim=0))
    inside = (noise.abs() < (LOGVARS / 2).exp()).double().mean(dim=0)
    normal = same(inside, torch.full((4,), 0.6827), 0, 0.03)
    require(normal, "mean and spread are right, but the noise is not normal: use torch.randn")
    _judge_slopes(draw)


def _judge_spread(mean: Tensor, std: Tensor) -> None:
    mu, sigma = MEANS[0], (LOGVARS[0] / 2).exp()
    uniform = mu + sigma / 2, sigma / 12**0.5
    mistakes = {
        "torch.rand draws between 0 and 1: torch.randn draws around 0": uniform,
        "z lies around 0: where is mu?": (0 * mu, sigma),
        "the noise has variance 1 everywhere: scale it by sigma": (mu, torch.ones(4)),
        "exp(logvar) is the variance: the noise is scaled by its square root": (mu, sigma**2),
        "logvar is used as the standard deviation: take exp(logvar / 2)": (mu, LOGVARS[0].abs()),
        "the spread is the wrong way round: small where it should be large": (mu, 1 / sigma),
    }
    for message, (its_mean, its_std) in mistakes.items():
        near = (mean - its_mean).abs() < 0.06 * its_std + 1e-4
        require(not (near.all() and same(std, its_std, 0.05, 1e-3)), message)
    agree(std, sigma, "the standard deviation of many codes", 0.05)
    off = ((mean - mu) / sigma).abs().max()
    require(off < 0.06, f"the noise must have mean 0, and yours has {off:.2f} sigma")


def _judge_slopes(draw: Function) -> None:
    mu, logvar = (rows.repeat(3, 1).requires_grad_() for rows in (MEANS, LOGVARS))
    z = ask(draw, mu, logvar)
    found = slopes(z, mu=mu, logvar=logvar)
    wanted = {"mu": torch.ones(3, 4), "logvar": (table(z) - table(mu)) / 2}
    for name, slope in wanted.items():
        wrong = f"the codes are right, but the gradient in {name} is not that of mu + sigma · noise"
        require(same(found[name], slope, 1e-3, 1e-4), wrong)
