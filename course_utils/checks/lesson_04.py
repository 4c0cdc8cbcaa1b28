"""The checks of lesson 4: autoencoders."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.checks.feedback import attempted, exercise, require

PIXELS = 784
NOISE = 2.0  # the lesson's own


@exercise("4.1")
def error_per_image(error: Callable[[Tensor, Tensor], Tensor]) -> str:
    """Check one squared error for each image, on vectors and on pictures."""
    x = torch.linspace(-1, 1, 3 * PIXELS).reshape(3, PIXELS)
    recon = x.flip(0) * torch.tensor([[0.5], [0.9], [0.1]])
    given = torch.as_tensor(attempted(error(recon.clone(), x.clone()))).double()
    total = given.ndim == 0 and abs(given.item() - (recon - x).square().sum().item()) < 1
    require(not total, "this is the sum over the whole batch: sum along dim=1")
    require(given.ndim > 0, "return one number for each picture, not one for the batch")
    require(given.shape != (PIXELS,), "one number for each pixel: you added up along dim=0")
    require(given.shape == (3,), f"three pictures give the shape {tuple(given.shape)}, not (3,)")
    _compare_errors(given, recon - x)
    pictures = [images.reshape(3, 1, 28, 28) for images in (recon, x)]
    given = torch.as_tensor(error(*pictures)).double()
    advice = f"pictures (3, 1, 28, 28) give {tuple(given.shape)}: flatten(1) first"
    require(given.shape == (3,), f"right for vectors; {advice}")
    _compare_errors(given, recon - x)
    return "right: one squared distance for each picture, in either shape"


def _compare_errors(given: Tensor, difference: Tensor) -> None:
    expected = difference.double().square().sum(dim=1)
    mistakes = {
        "this is the mean over pixels; take the sum": expected / PIXELS,
        "these are absolute differences; square them": difference.double().abs().sum(dim=1),
        "this is the distance; its square is wanted": expected.sqrt(),
        "positive and negative differences cancel: square them": difference.double().sum(dim=1),
        "square each difference before you add them up": difference.double().sum(dim=1) ** 2,
    }
    for message, value in mistakes.items():
        require(not torch.allclose(given, value, rtol=1e-3, atol=1e-3), message)
    found = f"a picture gives {given[0]:.2f}; {expected[0]:.2f} is right"
    require(torch.allclose(given, expected, rtol=1e-3), found)


@exercise("4.2")
def as_far_as_noise(sigma: float) -> str:
    """Check a noise level by the error that it makes."""
    number = isinstance(sigma, int | float) and math.isfinite(sigma) and sigma > 0
    require(number, "a standard deviation is a number above 0")
    found = f"the noisy picture is {(error := PIXELS * float(sigma) ** 2):.0f} away"
    root = "1/8 is the variance; the standard deviation is its root"
    require(abs(sigma - 1 / 8) > 0.01, f"{found}: {root}")
    require(error > 93, f"{found}: too little noise")
    require(error < 103, f"{found}: too much noise")
    return f"right: {found}"


@exercise("4.3")
def points_on_a_parabola(prediction: str) -> str:
    """Check how many code numbers a curve in the plane needs."""
    answer = str(prediction).strip().lower()
    require(answer in {"a", "b", "c"}, 'answer with "a", "b" or "c"')
    require(answer != "a", "a bent decoder can draw the curve: what must it know to find a point?")
    require(answer == "b", "PCA with one number draws on a straight line; is the curve straight?")
    return "right: PCA can only draw flat things, and the curve is bent"


SIZES = [(28, 3, 3, 1), (10, 2, 2, 0), (5, 3, 2, 1), (3, 2, 1, 0), (28, 5, 1, 2), (9, 4, 3, 0)]
WRONG_SIZES: dict[str, Callable[[int, int, int, int], float]] = {
    "the first window, before any stride, counts too: add 1": lambda n, k, s, p: (
        (n + 2 * p - k) // s
    ),
    "padding lies on both sides: count it twice": lambda n, k, s, p: (n + p - k) // s + 1,
    "the stride is missing: divide by it": lambda n, k, s, p: n + 2 * p - k + 1,
    "a window that does not fit is left out: round down": lambda n, k, s, p: (
        math.ceil((n + 2 * p - k) / s) + 1
    ),
    "the window must end inside: take its own width off": lambda n, k, s, p: (n + 2 * p) // s + 1,
    "padding is missing": lambda n, k, s, p: (n - k) // s + 1,
    "that is the way back, a transposed convolution": lambda n, k, s, p: (n - 1) * s + k - 2 * p,
}


@exercise("4.4")
def conv_out_size(out_size: Callable[[int, int, int, int], int]) -> str:
    """Check the size of a convolution's result."""
    given = [attempted(out_size(*case)) for case in SIZES]
    broken = [value for value in given if float(value) != int(value)]
    require(not broken, f"you return {broken[:1]}: windows count whole, round down with //")
    for message, wrong in WRONG_SIZES.items():
        require(given != [wrong(*case) for case in SIZES], message)
    for (n, k, s, p), value in zip(SIZES, given, strict=True):
        right = (n + 2 * p - k) // s + 1
        where = f"width {n}, kernel {k}, stride {s}, padding {p}"
        require(value == right, f"{where}: you return {value}; count the places of the window")
    return "right: 28 becomes 10, 10 becomes 5, 5 becomes 3, 3 becomes 2"


class _Painter(nn.Module):
    """Draw one picture, whatever the input, and remember the input."""

    def __init__(self) -> None:
        super().__init__()
        self.shade = nn.Parameter(torch.full((PIXELS,), 0.25))
        self.seen = torch.zeros(0)

    def forward(self, x: Tensor) -> Tensor:
        self.seen = x.detach().clone()
        return self.shade.expand(x.shape)


@exercise("4.5")
def mended_step(step: Callable[[nn.Module, Tensor, Any], float]) -> str:
    """Check a denoiser's step: what the net sees, its loss, and what happens to the parameters."""
    x, net = torch.linspace(-1, 1, 16 * PIXELS).reshape(16, PIXELS), _Painter()
    clean = (0.25 - x).square().sum().item() / 16
    target = 0.25 - 0.01 * 2 * (0.25 - x).mean(dim=0)
    net.shade.grad = torch.ones(PIXELS)  # an old gradient, which the step must forget
    with torch.random.fork_rng(devices=[]):  # the student's noise must not move the lesson's
        result = step(net, x.clone(), torch.optim.SGD(net.parameters(), lr=0.01))
    given = float(attempted(result))
    _judge_target(given, clean)
    require(net.seen.shape == x.shape, "the net has not been called on the noisy batch")
    level = (net.seen - x).std().item()
    require(level > 0.01, "the net gets the clean picture: there is no noise to remove")
    found = f"the noise on the input has a standard deviation of {level:.2f}, not {NOISE:g}"
    require(abs(level - NOISE) < 0.05, found)
    same = torch.allclose(net.shade, target, atol=1e-5)
    require(same, "the loss is right, the step is not: zero_grad(), backward(), step()")
    return "right: noise goes in, and the clean picture is asked for"


def _judge_target(given: float, clean: float) -> None:
    noisy = clean + PIXELS * NOISE**2  # on average, for a net that ignores its input
    mistakes = {
        "the target is still noisy, and the loss still averaged over pixels": noisy / PIXELS,
        "the target is still noisy: keep the clean x, and give the sum a name of its own": noisy,
        "the target is clean; but you average over pixels": clean / PIXELS,
        "this is the sum over the whole batch: divide by len(x)": 16 * clean,
        "the target is still noisy, and the sum not divided by len(x)": 16 * noisy,
    }
    for message, value in mistakes.items():
        require(abs(given - value) > 0.05 * value, message)
    require(abs(given - clean) < 1e-3 * clean, f"the loss is {given:.2f}; {clean:.2f} is right")
