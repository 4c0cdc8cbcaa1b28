"""The checks of lesson 5: the theory of the variational autoencoder."""

import math

from torch import Tensor

from course_utils.lessons.checks import vae
from course_utils.lessons.checks.feedback import (
    Function,
    agree,
    ask,
    choice,
    exercise,
    finite,
    number,
    refuse,
    require,
    table,
    trains_like,
)
from course_utils.lessons.checks.vae import LOGVAR, MU

POSTERIOR = -0.6, 0.2  # mean and variance for x = -1 in the linear model of the lesson


@exercise("5.1")
def without_guard(prediction: object) -> str:
    """Check what becomes of a learned variance that nothing guards."""
    wrong = {
        "a": "nothing holds it at 1: that is what the guard would do",
        "b": "more noise makes the picture worse, and the error is all that counts",
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
    by_mean = (m - right) ** 2 / (2 * v)
    by_width = (math.exp(s) / v - 1 - s + math.log(v)) / 2
    found = f"the gap is {by_mean + by_width:.4g}"
    require(abs(m + 0.75) > 1e-3, f"{found}: wz + b = x there, but p(z) pulls towards 0")
    require(abs(s - v) > 1e-3, f"{found}: that is the variance; its logarithm is asked for")
    near = by_mean + by_width < 0.005
    way = "lower" if m > right else "higher"
    require(near or by_mean < by_width, f"{found}: the mean should be {way}")
    side = "wide" if s > math.log(v) else "narrow"
    mean = "is near, but" if abs(m - right) < 0.06 else f"should be {way}, and"
    require(near, f"{found}: the mean {mean} q is too {side}")
    return f"right: the gap is {by_mean + by_width:.4f}"


@exercise("5.3")
def kl_to_standard_normal(kl: Function) -> str:
    """Check the divergence of each example of a batch."""
    given = ask(kl, MU, LOGVAR, keep=("mu", "logvar"))
    numbers = table(given, "return one number for each picture")
    finite(numbers, "the divergence", vae.LOGARITHM)
    require(numbers.ndim > 0, "one number is too few: each picture of the batch has its own")
    std, terms = (LOGVAR / 2).exp(), vae.terms(MU, LOGVAR)
    wanted = terms.sum(1)
    mistakes = {
        "the sum over the latent numbers is missing": terms,
        "that is the mean over the latent numbers; the divergence is their sum": terms.mean(1),
        "the sum runs over the batch; the latent numbers lie along dim=1": terms.sum(0),
        "the sign is flipped: a divergence is never negative": -wanted,
        "the factor one half is missing": 2 * wanted,
        "exp(logvar / 2) is the standard deviation": wanted + 0.5 * (std - std**2).sum(1),
        "logvar is used as the variance": wanted + 0.5 * (LOGVAR - std**2).sum(1),
        "logvar is used as the variance, which is logvar.exp()": vae.kl(MU, LOGVAR.log()),
        "the mean is not squared": wanted + 0.5 * (MU - MU**2).sum(1),
    }
    refuse(numbers, mistakes)
    agree(numbers, wanted, "the divergence of a picture" if numbers.ndim == 1 else "the result")
    try:
        if isinstance(given, Tensor):
            trains_like(vae.kl, kl, mu=MU, logvar=LOGVAR)
    except RuntimeError as error:
        if "numpy" not in str(error):
            raise
        return "right: one divergence for each picture (but no gradient passes through NumPy)"
    return "right: one divergence for each picture"


@exercise("5.4")
def reparameterise(draw: Function) -> str:
    """Check the draw by the mean and spread of many samples, and by its gradients."""
    vae.judge_draw(draw, keep=("mu", "logvar"))
    return "right: mean, spread and gradients are as they should be"


@exercise("5.5")
def mended_loss(loss: Function) -> str:
    """Check the loss of a VAE on a small batch."""
    vae.judge_loss(loss)
    return "right: the squared error and the KL, each summed, then the mean over the batch"


@exercise("5.6")
def in_colour(factor: object) -> str:
    """Check the factor for pictures of 64 by 64 pixels in three colours."""
    if isinstance(factor, str):
        factor = factor.translate(str.maketrans("", "", ",_ '"))
        factor = float(factor) if factor.replace(".", "", 1).isdigit() else factor
    mistakes = {
        "784 is MNIST: count the numbers of one such photograph": 784.0,
        "the colours are missing: three numbers for every pixel": 4096.0,
        "the other way round: how many times too heavy is it?": 1 / 12288,
    }
    value = number(factor, "give one number")
    refuse(value, mistakes)
    right = abs(value - 12288) < 0.5
    require(right, "how many numbers does one picture hold? The batch does not matter")
    return "right: 3 · 64 · 64 numbers, and the KL is that many times too heavy"
