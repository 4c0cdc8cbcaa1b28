"""The checks of lesson 9: DCGAN, and one scoreboard."""

import copy
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn

from course_utils.lessons.checks.feedback import (
    Function,
    agree,
    ask,
    choice,
    exercise,
    finite,
    kind_of,
    number,
    numbers,
    parts,
    refuse,
    require,
    same,
)

Layer: TypeAlias = tuple[str, int, int, int]
WIDTHS = {
    28: "without padding, a window of 5 cannot have its middle on the rim",
    23: "count the places: from 0 to 23 there are 24",
}
ROWS = {
    64: "64 is the number of channels; each of them has 4 by 4 numbers",
    256: "width and height: a channel has 4 by 4 numbers, not 4",
}


@exercise("9.1")
def widths(answer: object) -> str:
    """Check the widths on the way through the discriminator, and the length of the row."""
    given = numbers(answer, 5, "give five numbers")
    whole = same(given, given.round(), 0, 1e-6)
    require(whole, "a width is a whole number: a window that does not fit is left out")
    first, pooled, second, last, row = (round(float(value)) for value in given)
    places = "first convolution: how many places has a window of 5 on 28 pixels?"
    require(first == 24, WIDTHS.get(first, places))
    require(pooled == 12, "pooling over 2 by 2 halves the width")
    require(second == 8, "second convolution: a window of 5 again, on 12 pixels")
    require(last == 4, "the second pooling halves once more")
    require(row == 1024, ROWS.get(row, "the row: how many channels, and how many numbers in each?"))
    return "right: 24, 12, 8, 4, and 64 · 4 · 4 numbers in a row"


@exercise("9.2", seconds=3)
def widths_after(calculate: Function) -> str:
    """Check a calculator of widths against PyTorch's own layers."""
    chain: list[Layer] = [("window", 5, 1, 0), ("window", 2, 2, 0), ("stamps", 4, 2, 1)]
    wanted = "return a list, with the width after each layer"
    given = ask(calculate, 28, chain)
    count = f"three layers give three widths: {wanted}"
    found = numbers(parts(given, 3, count), 3, wanted)
    for size in (9, 14, 27):
        for window in ((3, 1, 0), (3, 1, 2), (3, 2, 1), (4, 3, 0)):
            _compare(calculate, size, ("window", *window))
        for stamps in ((3, 2, 0), (4, 2, 1), (5, 3, 2)):
            _compare(calculate, size, ("stamps", *stamps))
    right = same(found, torch.tensor([24, 12, 24]))
    require(right, "each layer starts from the width that the last one left")
    return "right: the same widths as PyTorch's layers, one after another"


def _compare(calculate: Function, size: int, layer: Layer) -> None:
    kind, kernel, stride, padding = layer
    build: Callable[..., nn.Module] = nn.Conv1d if kind == "window" else nn.ConvTranspose1d
    # PyTorch's device without memory: only shapes, and no random weights are drawn.
    layer_itself = build(1, 1, kernel, stride, padding, device="meta")
    truth = layer_itself(torch.zeros(1, 1, size, device="meta")).shape[-1]
    wanted = "one layer gives a list of one width"
    found = number(parts(ask(calculate, size, [layer]), 1, wanted), wanted)
    what = "a window" if kind == "window" else "stamps"
    which = f"{what} of {kernel}, stride {stride}, padding {padding}, on {size}"
    require(found == round(found), f"{which}: {found:g} is no whole number, divide with //")
    both_sides = kind == "stamps" or stride == 1
    one_sided = padding > 0 and both_sides and abs(found - truth) == padding
    told = f"{which}: {truth} is right, yours is {found:g}"
    require(not one_sided, f"{told}: padding counts on both sides")
    short = kind == "window" and found == truth - 1
    require(not short, f"{told}: a window has one place more than it makes steps, + 1")
    require(found == truth, told)


@exercise("9.3")
def three_times(answer: object) -> str:
    """Check kernel and padding of a transposed convolution with stride 3 that triples the width."""
    wanted = "give two whole numbers, kernel and padding"
    pair = numbers(answer, 2, wanted)
    require(same(pair, pair.round(), 0, 1e-6) and pair.min() >= 0, wanted)
    kernel, padding = (round(float(value)) for value in pair)
    require(kernel > 3, "the stamps shall overlap: the kernel must be larger than the stride")
    size = 4 * 3 + kernel - 2 * padding
    require(size == 15, f"5 numbers become {size}, and should become 15")
    require(kernel <= 21, "that is huge: there is a smaller kernel")
    ones = torch.ones(1, 1, 12), torch.ones(1, 1, kernel)
    counts = nn.functional.conv_transpose1d(*ones, stride=3)[0, 0, kernel:-kernel]
    found = sorted({int(value) for value in counts})
    require(len(found) < 2, f"inside, pixels get {found[0]} or {found[-1]} stamps: not even")
    return f"right: three times the width, and {kernel // 3} stamps in a row for every pixel"


@exercise("9.4")
def mended_generator(build: Function) -> str:
    """Check a generator by what it draws, and its batch normalisation by what it adds."""
    a_function = "a function that builds a net is wanted, mended_generator, and not the net itself"
    require(not isinstance(build, nn.Module), a_function)
    built = ask(build)
    require(isinstance(built, nn.Module), f"return a net, not {kind_of(built)}")
    net = copy.deepcopy(built)
    noise = 2 * torch.rand(16, 96) - 1
    images = ask(net.train(), noise)
    _judge_images(images)
    require(images.requires_grad, "the images carry no gradient: so the net cannot learn")
    with torch.no_grad():  # the range must come from the last layer, and not from small weights
        for parameter in net.parameters():
            if parameter.ndim > 1:
                parameter.mul_(100)
        strong = net(noise)
    beyond = float(strong.abs().max())
    require(
        beyond <= 1.001,
        "with larger weights pixels go beyond [-1, 1]: the last layer should be Tanh",
    )
    require(float(strong.min()) < -0.9, "no weights make a pixel black, which is -1")
    norms = [m for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    require(len(norms) == 3, f"three batch normalisations belong in it, yours has {len(norms)}")
    require(all(m.eps < 0.01 for m in norms), "0.8 is still the eps of a batch normalisation")
    usual = all(m.momentum == 0.1 for m in norms)
    require(usual, "leave the momentum at PyTorch's own value, 0.1")
    stamps = [m for m in net.modules() if isinstance(m, nn.ConvTranspose2d)]
    even = all(m.kernel_size[0] % m.stride[0] == 0 for m in stamps)
    require(even, "the size is right, but a kernel is no multiple of the stride: checkerboards")
    return "right: 28 by 28 pixels from -1 to 1, and a tiny eps"


def _judge_images(images: Tensor) -> None:
    require(isinstance(images, Tensor), f"the net gives {kind_of(images)}, and not images")
    finite(images, "the picture")
    require(images.shape != (16, 1, 27, 27), "27 by 27 pixels: which kernel is not 4?")
    right = images.shape == (16, 1, 28, 28)
    require(right, f"16 images have shape {tuple(images.shape)}, not (16, 1, 28, 28)")
    require(float(images.min()) < 0, "still no pixel below 0: look at the last layer")


@exercise("9.5")
def frechet_of_numbers(distance: Function) -> str:
    """Check a Fréchet distance in one dimension on sets whose mean and spread are known."""
    a, b = _set([-1.5, -0.5, 0.0, 0.9, 1.7, 2.4], 1, 3), _set([0.0, 0.1, 0.3, 4.0, 9.0], 4, 5)
    value = number(ask(distance, a, b, keep=("a", "b")), "return one number")
    mistakes = {
        "the difference of the means is not squared": -3.0 + 4,
        "that is the squared difference of the variances: take standard deviations": 9.0 + 256,
        "the spreads are missing": 9.0,
        "the means are missing": 4.0,
        "the variances are added: take the difference of the spreads, squared": 9.0 + 34,
        "square each difference first, then add": 25.0,
        "this is the root: the Fréchet distance is a squared one": 13**0.5,
    }
    refuse(value, mistakes, 0, 1e-3)
    # Either standard deviation, with n - 1 or with n, is a fair fit.
    fits = [9 + (a.std(correction=c) - b.std(correction=c)) ** 2 for c in (1, 0)]
    if not same(value, fits[1], 0, 1e-3):
        agree(value, fits[0], "the distance of two small sets", 0, 1e-3)
    itself = number(ask(distance, a, a), "return one number")
    require(abs(itself) < 1e-3, f"a set must be at distance 0 from itself; yours is {itself:.4g}")
    return "right: squared difference of means plus squared difference of spreads"


def _set(values: list[float], mean: float, std: float) -> Tensor:
    numbers = torch.tensor(values)
    return (numbers - numbers.mean()) / numbers.std() * std + mean


@exercise("9.6")
def caught_by(answers: object) -> str:
    """Check which column exposes which cheat."""
    words = parts(answers, 3, 'give three words out of "FD", "rarest" and "nearest"')
    columns = ("FD", "rarest", "nearest")
    first = {
        "FD": "1: training images are real, so their FD is as low as it gets",
        "rarest": "1: all digits are there; but where have you seen them before?",
    }
    second = {
        "nearest": "2: nobody has seen these images, so they are no copies",
        "FD": "2: FD moves a little; which column goes to 0?",
    }
    told = "3: new images, and all digits; what is left is how they look"
    for word, wrong in zip(words, (first, second, dict.fromkeys(columns[1:], told)), strict=True):
        choice(word, columns, wrong)
    return "right: copies, gaps and looks, each in a column of its own"
