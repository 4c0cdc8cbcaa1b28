"""The checks of lesson 10: a mixture by EM, and flow matching."""

from functools import partial

import torch
from torch import Tensor

from course_utils.lessons.checks.feedback import (
    Function,
    agree,
    amount,
    ask,
    choice,
    exercise,
    finite,
    follows_device,
    number,
    numbers,
    objection,
    refuse,
    require,
    table,
)

JOINT = torch.tensor([[-1000.0, -1001, -1003], [0, -2, -700], [-3, -3, -3], [-1e4, -1e4, -1e4 + 1]])
TRIED = {1: (-28.0, -28.7), 100: (-20.0, -23.47), 50: (-22.0, -23.5), 200: (-15.0, -24.0)}


@exercise("10.1")
def responsibilities(function: Function) -> str:
    """Check the E-step on rows of any size."""
    given = table(ask(function, JOINT, keep=("log_joint",)), "return (n, k) numbers")
    finite(given, "your table", "exp(-1000) is 0 for a computer, so a whole row was 0 / 0")
    small = JOINT.exp() / (JOINT.exp().sum(1, keepdim=True) + 1e-9)
    mistakes = {
        "each column has sum 1, and each row should: a code is shared out": JOINT.softmax(0),
        "these are still logarithms": JOINT.log_softmax(1),
        "these are weights times densities, not yet divided by p(z)": JOINT.exp(),
        "what is added below the line hides 0 / 0: exp(-1000) is still 0": small,
        "a quotient of logarithms is no probability": JOINT / JOINT.logsumexp(1, keepdim=True),
    }
    refuse(given, mistakes, 1e-3)
    agree(given, JOINT.softmax(1), "a responsibility", 1e-3)
    return "right: each code is shared out among the components, however far away it is"


@exercise("10.2")
def my_euler(sampler: Function) -> str:
    """Check Euler's method on a velocity that changes with time and place."""
    start = torch.tensor([[0.0, 1.0], [2.0, -1.0], [0.5, 0.0]])
    given = table(ask(lambda x: sampler(_slowing, x, 4), start, keep=["x"]), "return places (n, d)")
    require(given.shape != (5, 3, 2), "return the end only, (n, d), and not the way")
    require(given.shape == (3, 2), f"the end has shape {tuple(given.shape)}, not (n, d)")
    mistakes = {
        "the velocity is taken at the end of each step: the times are 0, 1/4, 2/4, 3/4": _walk(1),
        "the time does not move": _walk(0, times=0),
        "the times are i, not i / steps": _walk(times=4),
        "one step only: does the return stand inside the loop?": _walk(count=1),
        "the velocity is looked up at the start each time, not where x is now": _straight(start),
        "the last step begins at 1 - 1/steps, and not at 1": _walk(times=4 / 3),
        "one step is missing": _walk(count=3),
        "one step too many": _walk(count=5),
        "each step takes 1, and not 1 / steps": _walk(size=4),
        "it walks backwards": _walk(size=-1),
        "nothing has moved": start,
    }
    refuse(given, mistakes)
    agree(given, _walk(), "the end")
    looked: list[Tensor] = []

    def counted(x: Tensor, t: Tensor) -> Tensor:
        looked.append(t)
        return _slowing(x, t)

    ask(lambda x: sampler(counted, x, 10), start)
    rounding = "ten times 0.1 is not exactly 1: count the steps"
    require(len(looked) == 10, f"10 steps look {len(looked)} times at the velocity; {rounding}")
    return "right: look up the velocity, go a step, look again"


def _slowing(x: Tensor, t: Tensor) -> Tensor:
    t = torch.as_tensor(t)
    told = f"the velocity wants a time for each place, (n, 1), not {tuple(t.shape)}"
    require(t.shape == (len(x), 1), told)
    return 1 + 3 * t - x


def _walk(shift: int = 0, count: int = 4, size: float = 1, times: float = 1) -> Tensor:
    x = torch.tensor([[0.0, 1.0], [2.0, -1.0], [0.5, 0.0]])
    for i in range(count):
        x = x + size * (1 + 3 * times * (i + shift) / 4 - x) / 4
    return x


def _straight(start: Tensor) -> Tensor:
    return start + sum(1 + 3 * i / 4 - start for i in range(4)) / 4


@exercise("10.3")
def place_and_velocity(answer: object) -> str:
    """Check where the net is asked, and for what."""
    place, velocity = numbers(answer, 2, "give two numbers, the place and the velocity").tolist()
    require(place != 2, "the place: at t = 0 it is the noise's, -1, and not the data's")
    require(place == 0, "the place: a quarter of the way from -1 to 3")
    require(velocity != -4, "the velocity: from noise to data, so the other sign")
    require(velocity != 1, "the velocity is for a time of 1, and not for the quarter gone so far")
    require(velocity == 4, "the velocity: how far is it from -1 to 3, in a time of 1?")
    return "right: at 0 the net is asked, and 4 is what it is asked for"


@exercise("10.4")
def turned_up(answer: object) -> str:
    """Check what happens from w = 1 to w = 4."""
    told = {
        "a": "if v_y alone leads to the codes of that digit, where does a longer way lead?",
        "b": "the velocity at w = 4 is not that of w = 1: something must change",
        "d": "four times the push towards the digit, and fewer obey?",
    }
    choice(answer, "abcd", told)
    return "right: obeyed better, more alike, and farther from the test images, says the MLP"


@exercise("10.5")
def choose(function: Function) -> str:
    """Check which number of components is chosen."""
    wanted = "return the number of components"
    given = amount(ask(function, dict(TRIED)), wanted)
    told = {
        200: "200 components know the training codes best: which number has not seen its codes?",
        100: "100 is better than 50 by 0.03 only: take the smaller of two that are equally good",
        1: "one component is the smallest, and far from the best",
    }
    require(given == 50, told.get(int(given), f"{given:g} is chosen, and 50 is right"))
    clear = {8: (-1.0, -6.0), 2: (-5.0, -3.5), 5: (-3.0, -4.0)}
    given = amount(ask(function, clear), wanted)
    require(given == 2, f"held out -6, -3.5 and -4 for 8, 2 and 5: {given:g} is chosen, not 2")
    close = {1: (-4.0, -5.0), 2: (-3.0, -4.96), 3: (-2.0, -4.92)}
    given = amount(ask(function, close), wanted)
    near = f"held out -5, -4.96 and -4.92 for 1, 2 and 3: {given:g} is chosen, not 2"
    require(given == 2, f"{near}; how far is each from the best?")
    return "right: held-out codes decide, and the smaller one if it is a draw"


@exercise("10.6")
def mended_loss(loss: Function) -> str:
    """Check a loss by what it asks of a net that answers 1 to everything."""
    asked: list[tuple[Tensor, Tensor]] = []

    def net(x: Tensor, t: Tensor) -> Tensor:
        asked.append((x, t))
        return torch.ones_like(x)

    data = torch.tensor([5.0, -3.0, 8.0]) + torch.randn(4000, 3)
    value = number(ask(lambda x1: loss(net, x1), data, keep=["x1"]), "return one number, the loss")
    require(len(asked) == 1, f"the net is asked {len(asked)} times, and once is enough")
    xt, t = asked[0]
    require(t.shape == (4000, 1), f"a time for each example, (n, 1), not {tuple(t.shape)}")
    require(len(t.unique()) > 3000, "all examples of the batch share one time")
    require(t.min() >= 0 and t.max() <= 1 and t.std() > 0.2, "the times should fill 0 to 1 evenly")
    noise = (xt - t * data) / (1 - t)
    early = noise[t[:, 0] < 0.5]
    swapped = ((xt - (1 - t) * data) / t)[t[:, 0] > 0.5]
    exchanged = abs(swapped.mean()) < 0.2 and abs(swapped.std() - 1) < 0.2
    require(not exchanged, "at t = 0 your x_t is the data: there the noise should be")
    normal = abs(early.mean()) < 0.2 and abs(early.std() - 1) < 0.2
    require(normal, "x_t does not lie on the line from standard normal noise to the data")
    right = (1 - (data - noise)).square().sum(dim=1).mean()
    mistakes = {
        "the target is the velocity from noise to data: x1 - x0": (1 + (data - noise))
        .square()
        .sum(1)
        .mean(),
        "the mean over the numbers of an example: sum them": right / 3,
        "the sum over the batch: take the mean over examples": 4000 * right,
        "dim=0 adds up the examples: an example's own numbers are in dim=1": 4000 / 3 * right,
        "the target is the data itself, not the velocity": (1 - data).square().sum(1).mean(),
    }
    refuse(value, mistakes, 1e-3)
    agree(value, right, "the loss", 1e-3)
    told = "the loss is right, but noise and times are not made where x1 is: device=x1.device"
    follows_device(lambda x1: loss(lambda x, t: torch.ones_like(x), x1), data, message=told)
    return "right: a line for each example, a time for each, and its velocity as the target"


@exercise("10.7", seconds=30)
def check_sampler(test: Function) -> str:
    """Check a test by a right sampler and three broken ones."""
    wide = "is your margin as wide as the error of so few steps, or of rounding?"
    for name, right in {"Euler": _sample, "Heun": _heun}.items():
        told = objection(test, right)
        good = f"a right sampler must pass, {name}'s too, and yours says {told or 'no'}"
        require(told is None, f"{good}: {wide}")
    for fault, message in {
        "time": "it lets a sampler pass whose time stays at 0",
        "short": "it lets a sampler pass that takes a step too few",
        "back": "it lets a sampler pass that walks backwards",
    }.items():
        require(objection(test, partial(_sample, fault=fault)) is not None, message)
    return "right: the good one passes, and the three others are caught"


def _sample(velocity: Function, x: Tensor, steps: int, *, fault: str = "") -> Tensor:
    for i in range(steps - (fault == "short")):
        t = torch.full((len(x), 1), 0.0 if fault == "time" else i / steps)
        step = velocity(x, t) / steps
        x = x - step if fault == "back" else x + step
    return x


def _heun(velocity: Function, x: Tensor, steps: int) -> Tensor:
    for i in range(steps):
        t = torch.full((len(x), 1), i / steps)
        first = velocity(x, t)
        x = x + (first + velocity(x + first / steps, t + 1 / steps)) / (2 * steps)
    return x
