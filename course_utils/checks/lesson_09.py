"""The checks of lesson 9: DCGAN, and one scoreboard."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from course_utils.checks.feedback import attempted, exercise, require

Layer = tuple[str, int, int, int]


@exercise("9.1")
def widths(answer: Sequence[int]) -> str:
    """Check the widths on the way through the discriminator, and the length of the row."""
    require(isinstance(answer, tuple | list) and len(answer) == 5, "give five numbers")
    whole = all(isinstance(value, int) for value in answer)
    require(whole, "a width is a whole number: a window that does not fit is left out")
    first, pooled, second, last, row = answer
    require(first != 28, "without padding, a window of 5 cannot have its middle on the rim")
    require(first != 23, "count the places: from 0 to 23 there are 24")
    require(first == 24, "first convolution: how many places has a window of 5 on 28 pixels?")
    require(pooled == 12, "pooling over 2 by 2 halves the width")
    require(second == 8, "second convolution: a window of 5 again, on 12 pixels")
    require(last == 4, "the second pooling halves once more")
    require(row != 64, "64 is the number of channels; each of them has 4 by 4 numbers")
    require(row != 256, "width and height: a channel has 4 by 4 numbers, not 4")
    require(row == 1024, "the row holds 64 channels of 4 by 4")
    return "right: 24, 12, 8, 4, and 64 · 4 · 4 numbers in a row"


@exercise("9.2")
def widths_after(calculate: Callable[[int, list[Layer]], list[int]]) -> str:
    """Check a calculator of widths against PyTorch's own layers."""
    chain = [("window", 5, 1, 0), ("window", 2, 2, 0), ("stamps", 4, 2, 1)]
    given = attempted(calculate(28, list(chain)))
    require(isinstance(given, list | tuple), "return a list, with the width after each layer")
    require(len(given) == 3, f"three layers give three widths, yours are {len(given)}")
    for size in (9, 14, 27):
        for layer in (("window", 3, 1, 2), ("window", 3, 2, 1), ("window", 4, 3, 0)):
            _compare(calculate, size, layer, "a window")
        for layer in (("stamps", 3, 2, 0), ("stamps", 4, 2, 1), ("stamps", 5, 3, 2)):
            _compare(calculate, size, layer, "stamps")
    require(list(given) == [24, 12, 24], "each layer starts from the width that the last one left")
    return "right: the same widths as PyTorch's layers, one after another"


def _compare(
    calculate: Callable[[int, list[Layer]], list[int]], size: int, layer: Layer, what: str
) -> None:
    kind, kernel, stride, padding = layer
    build = nn.Conv1d if kind == "window" else nn.ConvTranspose1d
    # PyTorch's device without memory: only shapes, and no random weights are drawn.
    layer_itself = build(1, 1, kernel, stride, padding, device="meta")
    truth = layer_itself(torch.zeros(1, 1, size, device="meta")).shape[-1]
    (given,) = calculate(size, [layer])
    require(given == int(given), "a width is a whole number: divide with //")
    twice = kind == "stamps" or stride == 1
    one_sided = padding and twice and abs(given - truth) == padding
    require(not one_sided, "padding counts on both sides")
    short = kind == "window" and given == truth - 1
    require(not short, "a window has one place more than it makes steps: + 1")
    message = f"{what} of {kernel}, stride {stride}, padding {padding}, on {size}"
    require(given == truth, f"{message}: {truth} is right, yours is {given}")


@exercise("9.3")
def three_times(answer: tuple[int, int]) -> str:
    """Check kernel and padding of a transposed convolution with stride 3 that triples the width."""
    fits = isinstance(answer, tuple | list) and len(answer) == 2
    fits = fits and all(isinstance(value, int) and value >= 0 for value in answer)
    require(fits, "give two whole numbers: kernel and padding")
    kernel, padding = answer
    require(kernel > 3, "the stamps shall overlap: the kernel must be larger than the stride")
    size = 4 * 3 + kernel - 2 * padding
    require(size == 15, f"5 numbers become {size}, and should become 15: k = 3 + 2p")
    require(kernel <= 21, "that is huge: there is a smaller kernel")
    ones = torch.ones(1, 1, 12), torch.ones(1, 1, kernel)
    counts = nn.functional.conv_transpose1d(*ones, stride=3)[0, 0, kernel:-kernel]
    found = sorted({int(value) for value in counts})
    require(len(found) < 2, f"inside, pixels get {found[0]} or {found[-1]} stamps: not even")
    return f"right: three times the width, and {kernel // 3} stamps in a row for every pixel"


@exercise("9.4")
def mended_generator(build: Callable[[], nn.Module]) -> str:
    """Check a generator by what it draws, and its batch normalisation by what it adds."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(9)
        net = attempted(build())
        images = net.train()(2 * torch.rand(16, 96) - 1).detach()
    require(images.shape != (16, 1, 27, 27), "27 by 27 pixels: which kernel is not 4?")
    right = images.shape == (16, 1, 28, 28)
    require(right, f"16 images have shape {tuple(images.shape)}, not (16, 1, 28, 28)")
    require(float(images.min()) < 0, "still no pixel below 0: look at the last layer")
    require(float(images.abs().max()) <= 1, "pixels beyond [-1, 1]: the last layer should be Tanh")
    norms = [m for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    require(len(norms) == 3, f"three batch normalisations belong in it, yours has {len(norms)}")
    require(all(m.eps < 0.01 for m in norms), "0.8 is still the eps of a batch normalisation")
    usual = all(m.momentum == 0.1 for m in norms)
    require(usual, "leave the momentum at PyTorch's own value, 0.1")
    stamps = [m for m in net.modules() if isinstance(m, nn.ConvTranspose2d)]
    even = all(m.kernel_size[0] % m.stride[0] == 0 for m in stamps)
    require(even, "the size is right, but a kernel is no multiple of the stride: checkerboards")
    return "right: 28 by 28 pixels from -1 to 1, and a tiny eps"


@exercise("9.5")
def frechet_of_numbers(distance: Callable[[Tensor, Tensor], Tensor]) -> str:
    """Check a Fréchet distance in one dimension on sets whose mean and spread are known."""
    base = torch.tensor([-1.5, -0.5, 0.0, 0.5, 1.5])
    base = base / base.std()
    pair = torch.cat([base, base])
    a, b = 3 * base + 1, 5 * pair / pair.std() + 4
    given = float(attempted(distance(a, b)))
    for message, value in _mistaken().items():
        require(abs(given - value) > 1e-3, message)
    # Either standard deviation, with n or with n - 1, is a fair fit.
    require(abs(given - 13) < 0.6, f"two small sets give {given:.2f}; 13.00 is right")
    require(abs(float(distance(a, a))) < 1e-6, "a set must be at distance 0 from itself")
    return "right: squared difference of means plus squared difference of spreads"


def _mistaken() -> dict[str, float]:
    return {
        "the difference of the means is not squared": -3.0 + 4,
        "that is the squared difference of the variances: take standard deviations": 9.0 + 256,
        "the spreads are missing": 9.0,
        "the means are missing": 4.0,
        "the variances are added: take the difference of the spreads, squared": 9.0 + 34,
        "square each difference first, then add": 25.0,
        "this is the root: the Fréchet distance is a squared one": 13**0.5,
    }


@exercise("9.6")
def caught_by(answers: Sequence[str]) -> str:
    """Check which column exposes which cheat."""
    fits = isinstance(answers, tuple | list) and len(answers) == 3
    require(fits, 'give three words out of "FD", "rarest" and "nearest"')
    words = [str(word).strip().lower() for word in answers]
    known = set(words) <= {"fd", "rarest", "nearest"}
    require(known, 'give three words out of "FD", "rarest" and "nearest"')
    require(words[0] != "fd", "1: training images are real, so their FD is as low as it gets")
    require(words[0] == "nearest", "1: all digits are there; but where have you seen them before?")
    require(words[1] != "nearest", "2: nobody has seen these images, so they are no copies")
    require(words[1] == "rarest", "2: FD moves a little; which column goes to 0?")
    require(words[2] == "fd", "3: new images, and all digits; what is left is how they look")
    return "right: copies, gaps and looks, each in a column of its own"
