"""The checks of lesson 4: autoencoders."""

import torch
from torch import Tensor, nn

from .feedback import (
    Function,
    agree,
    ask,
    choice,
    exercise,
    finite,
    forbid,
    judge,
    number,
    refuse,
    require,
    same,
    table,
    whole,
)

PIXELS = 784
NOISE = 2.0  # the lesson's own


@exercise("4.1")
def error_per_image(error: Function) -> str:
    """Check one squared error for each image, on vectors and on pictures."""
    x = torch.linspace(-1, 1, 3 * PIXELS).reshape(3, PIXELS)
    recon = x.flip(0) * torch.tensor([[0.5], [0.9], [0.1]])
    off = recon - x
    right, wanted = off.square().sum(dim=1), "return one number for each picture"
    mistakes = {
        "this is the mean over pixels; take the sum": right / PIXELS,
        "you divided by the batch size; each picture keeps its own sum": right / 3,
        "these are absolute differences; square them": off.abs().sum(dim=1),
        "this is the distance; its square is wanted": right.sqrt(),
        "positive and negative differences cancel: square them": off.sum(dim=1),
        "square each difference before you add them up": off.sum(dim=1) ** 2,
    }
    for shape in ((3, PIXELS), (3, 1, 28, 28)):
        batches = recon.reshape(shape), x.reshape(shape)
        given = table(ask(error, *batches, keep=["recon", "x"]), wanted)
        shapes = f"pictures of shape {shape} give {tuple(given.shape)}, not (3,)"
        faults = {
            "this is the sum over the whole batch": same(given, right.sum(), 1e-3),
            f"{wanted}, not one for the batch": given.ndim == 0,
            "one number for each pixel: you added up along dim=0": given.shape == (PIXELS,),
            f"{shapes}: no keepdim": given.shape == (3, 1),
            f"{shapes}: flatten(1), and add up along dim=1": given.shape != (3,),
        }
        forbid(faults)
        judge(given, right, mistakes, "the error", 1e-3, 1e-3)
    return "right: one squared distance for each picture, in either shape"


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


@exercise("4.4")
def conv_out_size(out_size: Function) -> str:
    """Check the size of a convolution's result, for several sizes, kernels, strides, paddings."""
    cases = [(28, 3, 3, 1), (10, 2, 2, 0), (5, 3, 2, 1), (3, 2, 1, 0), (28, 5, 1, 2), (9, 4, 3, 0)]
    n, k, s, p = torch.tensor(cases).T
    mistakes = {
        "the first window, before any stride, counts too: add 1": (n + 2 * p - k) // s,
        "padding lies on both sides: count it twice": (n + p - k) // s + 1,
        "the stride is missing: divide by it": n + 2 * p - k + 1,
        "a window that does not fit is left out: round down": -((k - n - 2 * p) // s) + 1,
        "the window must end inside: take its own width off": (n + 2 * p) // s + 1,
        "padding is missing": (n - k) // s + 1,
        "that is the way back, a transposed convolution": (n - 1) * s + k - 2 * p,
    }
    wanted = "return one whole number, round down with //"
    given = [whole(ask(out_size, *case), 1, wanted)[0] for case in cases]
    refuse(given, mistakes)
    for case, value, right in zip(cases, given, (n + 2 * p - k) // s + 1, strict=True):
        where = "width {}, kernel {}, stride {}, padding {}".format(*case)
        require(value == right, f"{where}: you return {value}, and the window has {right} places")
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
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    ask(step, net, x, optimizer)  # leaves old gradients behind, unless it clears at its end
    earlier = net.seen
    nn.init.constant_(net.shade, 0.25)
    given = number(ask(step, net, x, optimizer), "return the loss, one number")
    _judge_target(given, (0.25 - x).square().sum() / 16)
    require(net.seen.shape == x.shape, "the net has not been called on the noisy batch")
    _judge_noise(net.seen - x, same(net.seen, earlier))
    move, slope = (0.25 - net.shade) / 0.01, 2 * (0.25 - x).mean(dim=0)
    require(move.any(), "the loss is right, but the net stands still: backward(), then step()")
    order = "the step is not: it follows gradients of earlier steps, too. Is zero_grad() there?"
    require(same(move, slope, 0, 1e-3), f"the loss is right, {order}")
    return "right: noise goes in, and the clean picture is asked for"


def _judge_noise(noise: Tensor, again: bool) -> None:
    finite(noise, "the noisy batch")
    level, middle = noise.std(), noise.mean()
    found = f"the noise on the input has a standard deviation of {level:.2f}, not {NOISE:g}"
    alike = "all {} get the same noise: draw for each"
    faults = {
        "the net gets the clean picture: there is no noise to remove": level < 1e-3,
        alike.format("pictures"): noise.std(dim=0).max() < 0.1 * level,
        alike.format("pixels of a picture"): noise.std(dim=1).max() < 0.1 * level,
        found: abs(level - NOISE) > 0.1,
        f"the noise has mean {middle:.2f}; it should be as often above 0": abs(middle) > 0.15,
        "every step draws the same noise: set no seed in it": again,
    }
    forbid(faults)


def _judge_target(given: float, clean: Tensor) -> None:
    noisy = clean + PIXELS * NOISE**2  # on average, for a net that ignores its input
    mistakes = {
        "the target is still noisy, and the loss still averaged over pixels": noisy / PIXELS,
        "the target is still noisy: keep the clean x, and give the sum a name of its own": noisy,
        "the target is clean; but you average over pixels": clean / PIXELS,
        "this is the sum over the whole batch: divide by len(x)": 16 * clean,
        "the target is still noisy, and the sum not divided by len(x)": 16 * noisy,
    }
    refuse(given, mistakes, rtol=0.05, what="the loss")
    agree(given, clean, "the loss", 1e-3)
