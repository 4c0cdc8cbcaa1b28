"""The loss of a VAE, as lesson 5 asks for it: squared error plus divergence."""

import math

import torch
from torch import Tensor

from .feedback import Function, judge_loss

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
