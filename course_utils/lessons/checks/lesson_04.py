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
    follows_device,
    forbid,
    judge,
    number,
    refuse,
    require,
    same,
    table,
)

PIXELS = 784
NOISE = 1.0  # the lesson's own


@exercise("4.1")
def as_far_as_noise(sigma: object) -> str:
    """Check a noise level by the error that it makes."""
    wanted = "a standard deviation is a number above 0"
    level = number(sigma, wanted)
    require(level > 0, wanted)
    error = PIXELS * level**2
    found = f"the squared distance is {error:.2f}"
    root = "1/8 is the variance; the standard deviation is its root"
    require(abs(level - 1 / 8) > 0.01, f"{found}: {root}")
    one = f"you have given all of the 98 to one pixel; there are {PIXELS}"
    require(abs(level**2 - 98) > 5, f"{found}: {one}")
    require(error >= 93, f"{found}: too little noise")
    require(error <= 103, f"{found}: too much noise")
    return f"right: {found}"


@exercise("4.2")
def random_codes(guess: object) -> str:
    """Check what standard normal codes are expected to give."""
    wrong = {
        "a": "the codes of real pictures reach much further than standard normal numbers",
        "c": "whatever the code, this decoder has learned to draw nothing but strokes",
    }
    choice(guess, "abc", wrong)
    return "right: all of them come from one small part of the space"


@exercise("4.3")
def draw_like(draw: Function) -> str:
    """Check new codes by the mean, the spread and the form of each of their numbers."""
    for shape, n in (((2000, 3), 20_000), ((3000, 5), 10_000)):
        codes = torch.randn(shape) * torch.linspace(0.5, 4, shape[1]) - torch.arange(shape[1])
        drawn = [_codes_of(draw, codes, n) for _ in range(2)]
        again = same(drawn[0], drawn[1])
        require(not again, "every call draws the same codes: set no seed in it")
        _judge_codes(drawn[0], codes.double())
    return "right: each number has its own place and its own spread"


def _codes_of(draw: Function, codes: Tensor, n: int) -> Tensor:
    size = codes.shape[1]
    try:
        given = table(ask(draw, codes, n, keep=["codes"]), "return a table of codes")
    except (RuntimeError, ValueError) as error:
        if size != 3:
            error.args = (f"{error}. The codes here have {size} numbers: any size shall do",)
        raise
    shapes = f"{n} codes of {size} numbers have the shape ({n}, {size})"
    require(given.shape == (n, size), f"{shapes}, yours {tuple(given.shape)}")
    finite(given, "your table of codes")
    return given


def _judge_codes(drawn: Tensor, codes: Tensor) -> None:
    mean, std = codes.mean(dim=0), codes.std(dim=0)
    found, spread = drawn.mean(dim=0), drawn.std(dim=0)
    near = 0.05 * std
    copied = torch.isclose(drawn[:50, None], codes).all(dim=2).any(dim=1).all()
    forbid(
        {
            "these are the given codes again: new ones are wanted": copied,
            "all codes are the same: draw noise for each of them": (spread < 1e-3 * std).all(),
            "these are standard normal numbers, wherever the codes lie: stretch and move them": (
                same(spread, torch.ones(len(std)), 0, 0.05) and same(found, 0 * mean, 0, 0.1)
            ),
            "this is the variance; the spread is its root": ((spread - std**2).abs() < near).all(),
            "you stretch the mean too: first stretch the noise, then move it": (
                same(spread, std, 0.05) and same(found, mean * std, 0, 0.2)
            ),
            "all numbers have one spread: each needs its own, dim=0": same(
                spread, spread.mean().expand(len(std)), 0.05
            ),
            "all numbers have one mean: each needs its own, dim=0": same(
                found, found.mean().expand(len(std)), 0, 0.1
            ),
        }
    )
    for i, (a, b) in enumerate(zip(spread, std, strict=True)):
        there = f"number {i + 1} of the codes has the spread {b:.2f}, of yours {a:.2f}"
        require(abs(a - b) < 0.05 * b, there)
    for i, (a, b) in enumerate(zip(found, mean, strict=True)):
        there = f"number {i + 1} of the codes has the mean {b:.2f}, of yours {a:.2f}"
        require(abs(a - b) < 0.05 * std[i], there)
    standard = (drawn - mean) / std
    alike = "all numbers of a code come from the same noise: draw for each"
    require(abs(torch.corrcoef(standard.T)[0, 1]) < 0.95, alike)
    inside = (standard.abs() < 1).double().mean()  # 68 % for a normal distribution
    flat = "place and spread are right, but the form is not that of a normal distribution"
    require(abs(inside - 0.6827) < 0.03, f"{flat}: torch.randn")


@exercise("4.4")
def points_on_a_parabola(prediction: object) -> str:
    """Check how many code numbers a curve in the plane needs."""
    wrong = {
        "a": "a bent decoder can draw the curve: what must it know to find a point?",
        "c": "PCA with one number draws on a straight line; is the curve straight?",
    }
    choice(prediction, "abc", wrong)
    return "right: PCA can only draw flat things, and the curve is bent"


@exercise("4.5")
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


class _Painter(nn.Module):
    """Draw one picture, whatever the input, and remember the input."""

    def __init__(self) -> None:
        super().__init__()
        self.shade = nn.Parameter(torch.full((PIXELS,), 0.25))
        self.seen = torch.zeros(0)

    def forward(self, x: Tensor) -> Tensor:
        self.seen = x.detach().clone()
        return self.shade.expand(x.shape)


@exercise("4.6")
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
    follows_device(
        lambda net, x: step(net, x, torch.optim.SGD(net.parameters(), lr=0.01)),
        *(net, x),
        message="the noise is not made on the device of x: torch.randn_like(x) makes it there",
    )
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
    drawn = PIXELS * (0.25**2 + NOISE**2)  # the same net, asked for the noise alone
    mistakes = {
        "the target is still noisy, and the loss still averaged over pixels": noisy / PIXELS,
        "the target is still noisy: keep the clean x, and give the sum a name of its own": noisy,
        "the net is asked for the noise: the clean picture is the target": drawn,
        "the net is asked for the noise, and the loss averaged over pixels": drawn / PIXELS,
        "the target is clean; but you average over pixels": clean / PIXELS,
        "this is the sum over the whole batch: divide by len(x)": 16 * clean,
        "the target is still noisy, and the sum not divided by len(x)": 16 * noisy,
    }
    refuse(given, mistakes, rtol=0.05, what="the loss")
    agree(given, clean, "the loss", 1e-3)
