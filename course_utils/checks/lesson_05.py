"""The checks of lesson 5: the theory of the variational autoencoder."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.checks.feedback import attempted, exercise, require

POSTERIOR = -0.6, 0.2  # mean and variance for x = -1 in the linear model of the lesson
MU = torch.tensor([[0.5, -1.0, 2.0], [0.0, 0.3, -0.7]])
LOGVAR = torch.tensor([[-1.0, 0.4, 0.2], [-2.0, 0.0, 1.0]])
STD, TERMS = (LOGVAR / 2).exp(), 0.5 * (LOGVAR.exp() - 1 - LOGVAR + MU**2)


def _refuse(given: Tensor, mistakes: dict[str, Tensor], rtol: float = 1e-4) -> None:
    """Raise ``Wrong`` with the message of the first mistake that gives the same numbers."""
    for message, wrong in mistakes.items():
        same = given.shape == wrong.shape and torch.allclose(given.float(), wrong, rtol, 1e-4)
        require(not same, message)


@exercise("5.1")
def without_guard(prediction: str) -> str:
    """Check what becomes of a learned variance that nothing guards."""
    answer = str(prediction).strip().lower()
    require(answer in {"a", "b", "c"}, 'answer with "a", "b" or "c"')
    require(answer != "a", "nothing holds it at 1: that is what the guard would do")
    require(answer == "c", "more noise makes the picture worse, and the error is all that counts")
    return "right: noise only disturbs, so the net switches it off"


@exercise("5.2")
def another_point(mean: float, logvar: float) -> str:
    """Check a q for x = -1 by its distance from the posterior."""
    numbers = isinstance(mean, int | float) and isinstance(logvar, int | float)
    require(numbers and logvar < 100, "give two numbers, the mean and the log-variance")
    m, v = POSTERIOR
    gap = ((math.exp(logvar) + (mean - m) ** 2) / v - 1 - logvar + math.log(v)) / 2
    found = f"the gap is {gap:.3f}"
    require(abs(mean + 0.75) > 1e-3, f"{found}: wz + b = x there, but p(z) pulls towards 0")
    require(abs(logvar - v) > 1e-3, f"{found}: that is the variance; its logarithm is asked for")
    way, side = "lower" if mean > m else "higher", "wide" if logvar > math.log(v) else "narrow"
    require(abs(mean - m) < 0.06, f"{found}: the mean should be {way}")
    require(gap < 0.005, f"{found}: the mean is near, but q is too {side}")
    return f"right: {found}"


@exercise("5.3")
def kl_to_standard_normal(kl: Callable[[Tensor, Tensor], Tensor]) -> str:
    """Check the divergence of each example of a batch."""
    given, wanted = torch.as_tensor(attempted(kl(MU.clone(), LOGVAR.clone()))), TERMS.sum(1)
    require(given.ndim > 0, "one number is too few: each picture of the batch has its own")
    mistakes = {
        "the sum over the latent numbers is missing": TERMS,
        "that is the mean over the latent numbers; the divergence is their sum": TERMS.mean(1),
        "the sum runs over the batch; the latent numbers lie along dim=1": TERMS.sum(0),
        "the sign is flipped: a divergence is never negative": -wanted,
        "the factor one half is missing": 2 * wanted,
        "exp(logvar / 2) is the standard deviation": wanted + 0.5 * (STD - STD**2).sum(1),
        "logvar is used as the variance": wanted + 0.5 * (LOGVAR - STD**2).sum(1),
        "the mean is not squared": wanted + 0.5 * (MU - MU**2).sum(1),
    }
    _refuse(given, mistakes)
    require(given.shape == (2,), f"the shape is {tuple(given.shape)}; a batch of 2 gives (2,)")
    for one, right in zip(given.tolist(), wanted.tolist(), strict=True):
        require(abs(one - right) < 1e-4, f"one example gives {one:.4f}; {right:.4f} is right")
    return "right: one divergence for each picture"


@exercise("5.4")
def reparameterise(draw: Callable[[Tensor, Tensor], Tensor]) -> str:
    """Check the draw by the mean and spread of many samples, and by its gradients."""
    row_mu, row_logvar = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([-2.0, 0.7, 1.5])
    mu, logvar = (row.repeat(20_000, 1).requires_grad_() for row in (row_mu, row_logvar))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        z, again = attempted(draw(mu, logvar)), draw(mu, logvar)
    require(z.shape == mu.shape, f"the shape should be that of mu; it is {tuple(z.shape)}")
    require(not torch.allclose(z, mu), "there is no noise: z is mu")
    require(not torch.equal(z, again), "two calls give the same z: draw new noise each time")
    _check_independence((z - mu).detach())
    _check_spread(z.detach(), row_mu, (row_logvar / 2).exp())
    _check_gradients(z, mu, logvar)
    return "right: mean, spread and gradients are as they should be"


def _check_independence(noise: Tensor) -> None:
    same = (noise - noise[0]).abs().max() < 1e-5
    require(not bool(same), "all examples get the same noise; draw it in the shape of mu")
    apart = torch.corrcoef(noise.T).fill_diagonal_(0).abs().max() < 0.1
    require(bool(apart), "all latent numbers of a picture share one noise; draw one for each")


def _check_spread(z: Tensor, mu: Tensor, sigma: Tensor) -> None:
    mean, std = z.mean(dim=0), z.std(dim=0)
    mistakes = {
        "the noise has variance 1 everywhere: scale it by sigma": torch.ones(3),
        "exp(logvar) is the variance; the noise is scaled by its square root": sigma**2,
        "logvar is used as the standard deviation; take exp(logvar / 2)": (2 * sigma.log()).abs(),
        "the spread is the wrong way round: small where it should be large": 1 / sigma,
        "torch.rand draws between 0 and 1; randn draws the bell curve": sigma / 12**0.5,
    }
    require(not torch.allclose(mean, torch.zeros(3), atol=0.1), "z lies around 0: where is mu?")
    _refuse(std, mistakes, rtol=0.04)
    for name, given, wanted in (("standard deviation", std, sigma), ("mean", mean, mu)):
        for one, right in zip(given.tolist(), wanted.tolist(), strict=True):
            near = abs(one - right) < 0.05 + 0.04 * abs(right)
            require(near, f"samples with {name} {one:.2f}, where {right:.2f} is right")


def _check_gradients(z: Tensor, mu: Tensor, logvar: Tensor) -> None:
    lost = "the samples are right, but no gradient reaches {}: z must be computed from it"
    require(z.requires_grad, lost.format("mu and logvar"))
    z.sum().backward()
    for name, leaf in (("mu", mu), ("logvar", logvar)):
        require(leaf.grad is not None and bool(leaf.grad.any()), lost.format(name))


@exercise("5.5")
def mended_loss(loss: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]) -> str:
    """Check the loss of a VAE on a small batch."""
    x, recon = torch.tensor([[1.0, -1.0, 0.5, 0.0], [0.0, 1.5, 1.0, -1.0]]), torch.zeros(2, 4)
    given = torch.as_tensor(attempted(loss(recon, x.clone(), MU.clone(), LOGVAR.clone()))).detach()
    require(given.numel() == 1, "return one number: the mean over the batch")
    error, kl, twice = (x**2).sum(1).mean(), TERMS.sum(1).mean(), (x**2).sum(1).mean() + TERMS.sum()
    mistakes = {
        "both faults are still there": error - kl / 3,
        "the sign of the KL is still wrong: a divergence is never negative": error - kl,
        "the KL is still averaged over the latent numbers: sum(dim=1)": error + kl / 3,
        "the KL is twice too large: is one half missing, or is it summed over the batch?": twice,
        "the squared error is averaged over the pixels: the scaling mistake": error / 4 + kl,
        "that is the sum over the batch; take the mean": 2 * (error + kl),
        "the KL is missing": error,
    }
    _refuse(given.reshape(()), mistakes)
    given, right = given.item(), (error + kl).item()
    require(abs(given - right) < 1e-4, f"a small batch gives {given:.4f}; {right:.4f} is right")
    return "right: the squared error and the KL, each summed, then the mean over the batch"


@exercise("5.6")
def in_colour(factor: float | str) -> str:
    """Check the factor for pictures of 64 by 64 pixels in three colours."""
    answer = str(factor).translate(str.maketrans("", "", ",_ ")).removesuffix(".0")
    require(answer != "784", "784 is MNIST: count the numbers of one such photograph")
    require(answer != "4096", "the colours are missing: three numbers for every pixel")
    require(answer == "12288", "how many numbers does one picture hold? The batch does not matter")
    return "right: 3 · 64 · 64 numbers, and the KL is that many times too heavy"
