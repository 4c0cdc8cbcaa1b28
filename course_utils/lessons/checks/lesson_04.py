"""The checks of lesson 4: autoencoders."""

import torch
from torch import Tensor, nn

from course_utils.lessons.checks.feedback import (
    Function,
    ask,
    choice,
    exercise,
    finite,
    number,
    refuse,
    require,
    same,
    table,
)

PIXELS = 784
NOISE = 2.0  # the lesson's own


@exercise("4.1")
def error_per_image(error: Function) -> str:
    """Check one squared error for each image, on vectors and on pictures."""
    x = torch.linspace(-1, 1, 3 * PIXELS).reshape(3, PIXELS)
    recon = x.flip(0) * torch.tensor([[0.5], [0.9], [0.1]])
    wanted = "return one number for each picture"
    given = table(ask(error, recon, x, keep=["recon", "x"]), wanted)
    total = same(given, (recon - x).square().sum(), 1e-3)
    require(not total, "this is the sum over the whole batch: sum along dim=1")
    require(given.ndim > 0, f"{wanted}, not one for the batch")
    require(given.shape != (PIXELS,), "one number for each pixel: you added up along dim=0")
    require(given.shape != (3, 1), "three pictures give the shape (3, 1), not (3,): no keepdim")
    require(given.shape == (3,), f"three pictures give the shape {tuple(given.shape)}, not (3,)")
    _compare_errors(given, (recon - x).double())
    given = table(ask(error, recon.reshape(3, 1, 28, 28), x.reshape(3, 1, 28, 28)), wanted)
    advice = f"pictures (3, 1, 28, 28) give {tuple(given.shape)}: flatten(1) first"
    require(given.shape == (3,), f"right for vectors; {advice}")
    _compare_errors(given, (recon - x).double())
    return "right: one squared distance for each picture, in either shape"


def _compare_errors(given: Tensor, difference: Tensor) -> None:
    right = difference.square().sum(dim=1)
    mistakes = {
        "this is the mean over pixels; take the sum": right / PIXELS,
        "you divided by the batch size; each picture keeps its own sum": right / 3,
        "these are absolute differences; square them": difference.abs().sum(dim=1),
        "this is the distance; its square is wanted": right.sqrt(),
        "positive and negative differences cancel: square them": difference.sum(dim=1),
        "square each difference before you add them up": difference.sum(dim=1) ** 2,
    }
    refuse(given, mistakes, rtol=1e-3, atol=1e-3, what="the error")
    found = f"a picture gives {given[0]:.5g}; {right[0]:.5g} is right"
    require(same(given, right, 1e-3), found)


@exercise("4.2")
def as_far_as_noise(sigma: object) -> str:
    """Check a noise level by the error that it makes."""
    wanted = "a standard deviation is a number above 0"
    level = number(sigma, wanted)
    require(level > 0, wanted)
    error = PIXELS * level**2
    found = f"the noisy picture is {error:.2f} away"
    root = "1/8 is the variance; the standard deviation is its root"
    require(abs(level - 1 / 8) > 0.01, f"{found}: {root}")
    require(error >= 93, f"{found}: too little noise")
    require(error <= 103, f"{found}: too much noise")
    return f"right: {found}"


@exercise("4.3")
def points_on_a_parabola(prediction: object) -> str:
    """Check how many code numbers a curve in the plane needs."""
    wrong = {
        "a": "a bent decoder can draw the curve: what must it know to find a point?",
        "c": "PCA with one number draws on a straight line; is the curve straight?",
    }
    choice(prediction, "abc", wrong)
    return "right: PCA can only draw flat things, and the curve is bent"


SIZES = [(28, 3, 3, 1), (10, 2, 2, 0), (5, 3, 2, 1), (3, 2, 1, 0), (28, 5, 1, 2), (9, 4, 3, 0)]
WRONG_SIZES: dict[str, Function] = {
    "the first window, before any stride, counts too: add 1": lambda n, k, s, p: (
        (n + 2 * p - k) // s
    ),
    "padding lies on both sides: count it twice": lambda n, k, s, p: (n + p - k) // s + 1,
    "the stride is missing: divide by it": lambda n, k, s, p: n + 2 * p - k + 1,
    "a window that does not fit is left out: round down": lambda n, k, s, p: (
        -((k - n - 2 * p) // s) + 1
    ),
    "the window must end inside: take its own width off": lambda n, k, s, p: (n + 2 * p) // s + 1,
    "padding is missing": lambda n, k, s, p: (n - k) // s + 1,
    "that is the way back, a transposed convolution": lambda n, k, s, p: (n - 1) * s + k - 2 * p,
}


@exercise("4.4")
def conv_out_size(out_size: Function) -> str:
    """Check the size of a convolution's result."""
    given = [number(ask(out_size, *case), "return one whole number") for case in SIZES]
    broken = next((value for value in given if value != int(value)), 0)
    require(not broken, f"you return {broken:.5g}: windows count whole, round down with //")
    refuse(given, {told: [size(*case) for case in SIZES] for told, size in WRONG_SIZES.items()})
    for (n, k, s, p), value in zip(SIZES, given, strict=True):
        right = (n + 2 * p - k) // s + 1
        where = f"width {n}, kernel {k}, stride {s}, padding {p}"
        found = f"{where}: you return {value:g}, and the window has {right} places"
        require(value == right, found)
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
def mended_step(step: Function) -> str:
    """Check a denoiser's step: what the net sees, its loss, and what happens to the parameters."""
    x, net = torch.linspace(-1, 1, 16 * PIXELS).reshape(16, PIXELS), _Painter()
    clean = (0.25 - x).square().sum().item() / 16
    slope = 2 * (0.25 - x).mean(dim=0)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    ask(step, net, x, optimizer)  # leaves old gradients behind, unless it clears at its end
    earlier = net.seen - x if net.seen.shape == x.shape else x
    nn.init.constant_(net.shade, 0.25)
    given = number(ask(step, net, x, optimizer), "return the loss, one number")
    _judge_target(given, clean)
    require(net.seen.shape == x.shape, "the net has not been called on the noisy batch")
    _judge_noise(net.seen - x, earlier)
    move = (0.25 - net.shade) / 0.01
    require(move.any(), "the loss is right, but the net stands still: backward(), then step()")
    order = "the step is not: it follows gradients of earlier steps, too. Is zero_grad() there?"
    require(same(move, slope, 0, 1e-3), f"the loss is right, {order}")
    return "right: noise goes in, and the clean picture is asked for"


def _judge_noise(noise: Tensor, earlier: Tensor) -> None:
    finite(noise, "the noisy batch")
    level, middle = float(noise.std()), float(noise.mean())
    require(level > 1e-3, "the net gets the clean picture: there is no noise to remove")
    alike = noise.std(dim=0).max() < 0.1 * level
    require(not alike, "all pictures get the same noise: draw for each")
    alike = noise.std(dim=1).max() < 0.1 * level
    require(not alike, "all pixels of a picture get the same noise: draw for each")
    found = f"the noise on the input has a standard deviation of {level:.2f}, not {NOISE:g}"
    require(abs(level - NOISE) < 0.1, found)
    require(abs(middle) < 0.15, f"the noise has mean {middle:.2f}; it should be as often above 0")
    again = "every step draws the same noise: set no seed in it"
    require(not same(noise, earlier, 0, 1e-3), again)


def _judge_target(given: float, clean: float) -> None:
    noisy = clean + PIXELS * NOISE**2  # on average, for a net that ignores its input
    mistakes = {
        "the target is still noisy, and the loss still averaged over pixels": noisy / PIXELS,
        "the target is still noisy: keep the clean x, and give the sum a name of its own": noisy,
        "the target is clean; but you average over pixels": clean / PIXELS,
        "this is the sum over the whole batch: divide by len(x)": 16 * clean,
        "the target is still noisy, and the sum not divided by len(x)": 16 * noisy,
    }
    refuse(given, mistakes, rtol=0.05, what="the loss")
    require(same(given, clean, 1e-3), f"the loss is {given:.5g}; {clean:.5g} is right")
