"""The checks of lesson 5: the theory of the variational autoencoder."""

import math

import torch
from torch import Tensor

from .feedback import (
    Function,
    ask,
    choice,
    exercise,
    forbid,
    judge,
    judge_loss,
    kind_of,
    number,
    require,
    table,
)

POSTERIOR = -0.6, 0.2  # mean and variance for x = -1 in the linear model of the lesson
MANY = 10_000  # draws


def log_joint(z: Tensor) -> Tensor:
    """Return log p(x|z) + log p(z) for x = 2.5 in the linear model of the lesson."""
    return -math.log(2 * math.pi) - (2 - 2 * z) ** 2 / 2 - z**2 / 2


def _plus(noise: Function, spread: Function = lambda s: (s / 2).exp()) -> Function:
    return lambda mu, logvar: mu + spread(logvar) * noise(mu)


def _row(mu: Tensor) -> Tensor:
    return torch.randn_like(mu[..., :1]).expand_as(mu)


def _batch(mu: Tensor) -> Tensor:
    return torch.randn_like(mu[:1]).expand_as(mu)


def _quiet(mu: Tensor) -> Tensor:
    return torch.zeros_like(mu)


_draw = _plus(torch.randn_like)
RIGHT_DRAWS = [
    _draw,
    lambda mu, logvar: mu - logvar.exp().sqrt() * torch.randn_like(mu),
    lambda mu, logvar: torch.distributions.Normal(mu, (logvar / 2).exp()).rsample(),
]
WRONG_DRAWS = {
    "whose standard deviation is exp(logvar)": _plus(torch.randn_like, torch.exp),
    "whose noise always has variance 1": _plus(torch.randn_like, torch.ones_like),
    "that is small where it should be wide": _plus(torch.randn_like, lambda s: (-s / 2).exp()),
    "without noise": _plus(_quiet),
    "without mu": lambda mu, logvar: _draw(mu, logvar) - mu,
    "in which all numbers of a row share one noise": _plus(_row),
    "in which all rows share one noise": _plus(_batch),
    "by torch.normal, whose gradients are 0": lambda mu, s: torch.normal(mu, (s / 2).exp()),
    "that sends no gradient to mu": lambda mu, logvar: _draw(mu.detach(), logvar),
    "that sends no gradient to logvar": lambda mu, logvar: _draw(mu, logvar.detach()),
}


@exercise("5.1")
def without_kl(prediction: object) -> str:
    """Check what becomes of a learned variance without the KL term."""
    wrong = {
        "a": "nothing holds it at 1: that is what the KL term would do",
        "b": "more noise makes the image worse, and the error is all that counts",
    }
    choice(prediction, "abc", wrong)
    return "right: noise only disturbs, so the net switches it off"


@exercise("5.2")
def another_point(mean: object, logvar: object) -> str:
    """Check a q for x = -1 by its distance from the posterior."""
    wanted = "give two numbers, the mean and the log-variance"
    m, s = number(mean, wanted), number(logvar, wanted)
    require(max(abs(m), abs(s)) < 100, f"{wanted}; these are far too large")
    right, v = POSTERIOR
    by_mean, by_width = (m - right) ** 2 / (2 * v), (math.exp(s) / v - 1 - s + math.log(v)) / 2
    far, found = by_mean + by_width > 0.005, f"the gap is {by_mean + by_width:.4g}"
    way, side = "lower" if m > right else "higher", "wide" if s > math.log(v) else "narrow"
    middle = "is near, but" if abs(m - right) < 0.06 else f"should be {way}, and"
    faults = {
        f"{found}: wz + b = x there, but p(z) pulls towards 0": abs(m + 0.75) < 1e-3,
        f"{found}: that is the variance; its logarithm is asked for": abs(s - v) < 1e-3,
        f"{found}: that is the standard deviation; the log of its square is asked for": (
            abs(s - v**0.5) < 1e-3
        ),
        f"{found}: the mean should be {way}": far and by_mean > by_width,
        f"{found}: the mean {middle} q is too {side}": far,
    }
    forbid(faults)
    return f"right: {found}"


@exercise("5.3")
def bound_by_drawing(bound: Function) -> str:
    """Check the bound for a poor guess, and for the posterior, where no draw scatters."""
    wanted = "return one number, the mean over the draws"
    poor = log_joint, torch.tensor(0.3), torch.tensor(-2.0), MANY
    advice = "logvar is a logarithm: log_normal wants the variance, logvar.exp(), z its root"
    values = [number(ask(bound, *poor), wanted, advice) for _ in range(3)]
    value, spread = values[0], max(values) - min(values)
    require(spread > 0, "two calls give the same number: draw new codes each time")
    exact = log_joint, torch.tensor(0.8), torch.tensor(POSTERIOR[1]).log(), 3
    sure = number(ask(bound, *exact), wanted)
    steady = abs(sure + 2.1237) < 1e-3  # every ratio is p(x) there, whichever mean one takes
    faults = {
        "that is a sum over the draws: take their mean": abs(value / MANY + 2.7823) < 0.04,
        "it scatters without end: what becomes of log q(z)?": spread > 0.5 and not steady,
        "the result scatters like a single draw: take the mean over n": spread > 0.5,
        "these codes are not from q: the task says how to draw them": -2.48 < value < -2.33,
        "take the mean of the logarithms, not the logarithm of a mean": (
            (steady and value > -2.7) or abs(value + 2.1237) < 0.015
        ),
        "log q(z) has to be subtracted, not log p(z), nor weighted by q": abs(value + 2.168) < 0.04,
    }
    forbid(faults)
    mistakes = {
        "log q is missing: what stands below the line in the large formula?": -3.200,
        "q is subtracted: a bound is made of logarithms": -3.967,
        "log q is added: it has to be subtracted": -3.618,
        "exp(logvar) is the variance: z is scaled by its square root": -2.922,
        "exp(logvar / 2) is the standard deviation: log_normal wants the variance": -2.597,
        "the sign is flipped": 2.7823,
    }
    judge(value, -2.7823, mistakes, "the bound of a poor guess", 0, 0.04)
    told = f"with the posterior as q every draw gives -2.1237; you return {sure:.4f}"
    require(steady, told)
    return f"right: ≈ {value:.3f} for a poor guess, and log p(x) for the posterior"


@exercise("5.4")
def mended_loss(loss: Function) -> str:
    """Check the loss of a VAE on a small batch."""
    _judge_vae_loss(loss)
    return "right: the squared error and the KL, each summed, then the mean over the batch"


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


def _judge_vae_loss(loss: Function) -> None:
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


@exercise("5.5")
def draws_rightly(test: Function) -> str:
    """Check a test of the draw: it must pass right draws, and catch each of the wrong ones."""
    for draw in RIGHT_DRAWS * 3:
        told = "it refuses a right draw: is there room enough for chance?"
        require(_verdict(test, draw), told)
    for mistake, draw in WRONG_DRAWS.items():
        require(not _verdict(test, draw, mistake), f"it lets pass a draw {mistake}")
    return f"right: it passes right draws, and catches {len(WRONG_DRAWS)} kinds of wrong ones"


def _verdict(test: Function, draw: Function, kind: str = "that is right") -> bool:
    try:
        found = table(ask(test, draw), "return True or False")
    except (AttributeError, RuntimeError, TypeError) as error:
        error.args = (f"{error}, at a draw {kind}",)
        raise
    require(found.numel() == 1, f"return True or False, not {kind_of(found)}")
    return bool(found.any())
