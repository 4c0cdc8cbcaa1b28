"""The checks of lesson 9: DCGAN, and one scoreboard."""

import copy

import torch
from torch import Tensor, nn

from .feedback import (
    Function,
    ask,
    choice,
    exercise,
    finite,
    forbid,
    kind_of,
    parts,
    require,
    whole,
)


@exercise("9.1")
def widths_after(calculate: Function) -> str:
    """Check a calculator of widths against PyTorch's own layers."""
    chain = [("window", 5, 1, 0), ("window", 2, 2, 0), ("stamps", 4, 2, 1)]
    wanted = "three layers give three widths: return a list, with the width after each layer"
    found = whole(parts(ask(calculate, 28, chain), 3, wanted), 3, wanted)
    for size in (9, 14, 27):
        for layer in ((3, 1, 0), (3, 1, 2), (3, 2, 1), (4, 3, 0)):
            _compare(calculate, size, "window", *layer)
        for layer in ((3, 2, 0), (4, 2, 1), (5, 3, 2)):
            _compare(calculate, size, "stamps", *layer)
    require(found == [24, 12, 24], "each layer starts from the width that the last one left")
    return "right: the same widths as PyTorch's layers, one after another"


def _compare(
    calculate: Function, size: int, kind: str, kernel: int, stride: int, padding: int
) -> None:
    """Compare one layer's width with PyTorch's, on its device without memory: only shapes there."""
    layer = {"window": nn.Conv1d, "stamps": nn.ConvTranspose1d}[kind]
    net = layer(1, 1, kernel, stride, padding, device="meta")
    right = net(torch.zeros(1, 1, size, device="meta")).shape[-1]
    which = f"{kind} of {kernel}, stride {stride}, padding {padding}, on {size}"
    wanted = f"{which}: one layer gives a list of one whole number, divide with //"
    given = parts(ask(calculate, size, [(kind, kernel, stride, padding)]), 1, wanted)
    (found,) = whole(given, 1, wanted)
    told = f"{which}: {right} is right, yours is {found}"
    one_side = padding > 0 and (kind == "stamps" or stride == 1) and abs(found - right) == padding
    short = kind == "window" and found == right - 1
    require(not one_side, f"{told}: padding counts on both sides")
    require(not short, f"{told}: a window has one place more than it makes steps, + 1")
    spaced = kind == "stamps" and found == size * stride != right
    require(not spaced, f"{told}: the last stamp is as wide as the kernel, not as the stride")
    require(found == right, told)


@exercise("9.2")
def mended_generator(build: Function) -> str:
    """Check a generator by what it draws, and its batch normalisation by what it adds."""
    a_function = "a function that builds a net is wanted, mended_generator, and not the net itself"
    require(not isinstance(build, nn.Module), a_function)
    built = ask(build)
    require(isinstance(built, nn.Module), f"return a net, not {kind_of(built)}")
    net, noise = copy.deepcopy(built), 2 * torch.rand(16, 96) - 1
    images = ask(net.train(), noise)
    _judge_images(images)
    with torch.no_grad():  # the range must come from the last layer, and not from small weights
        for parameter in net.parameters():
            if parameter.ndim > 1:
                parameter.mul_(100)
        strong = net(noise)
    norms = [m for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    stamps = [m for m in net.modules() if isinstance(m, nn.ConvTranspose2d)]
    beyond = "with larger weights pixels go beyond [-1, 1]: the last layer should be Tanh"
    three = f"three batch normalisations belong in it, yours has {len(norms)}"
    uneven = "the size is right, but a kernel is no multiple of the stride: uneven stamps"
    faults = {
        "0.8 is still the eps of a batch normalisation": any(m.eps > 0.01 for m in norms),
        "still no pixel below 0: look at the last layer": images.min() >= 0,
        beyond: strong.abs().max() > 1.001,
        "no weights make a pixel black, which is -1": strong.min() > -0.9,
        three: len(norms) < 3,
        "leave the momentum at PyTorch's own value, 0.1": any(m.momentum != 0.1 for m in norms),
        uneven: any(m.kernel_size[0] % m.stride[0] for m in stamps),
    }
    forbid(faults)
    return "right: 28 by 28 pixels from -1 to 1, and a tiny eps"


def _judge_images(images: Tensor) -> None:
    require(isinstance(images, Tensor), f"the net gives {kind_of(images)}, and not images")
    finite(images, "the picture")
    shape = tuple(images.shape)
    faults = {
        "27 by 27 pixels: which kernel is not 4?": shape == (16, 1, 27, 27),
        f"16 images have shape {shape}, not (16, 1, 28, 28)": shape != (16, 1, 28, 28),
        "the images carry no gradient: so the net cannot learn": not images.requires_grad,
    }
    forbid(faults)


@exercise("9.3")
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


@exercise("9.4")
def three_times(answer: object) -> str:
    """Check kernel and padding of a transposed convolution with stride 3 that triples the width."""
    wanted = "give two whole numbers, kernel and padding"
    kernel, padding = whole(answer, 2, wanted)
    size = 4 * 3 + kernel - 2 * padding
    faults = {
        wanted: padding < 0,
        "the stamps shall overlap: the kernel must be larger than the stride": kernel <= 3,
        f"5 numbers become {size}, and should become 15": size != 15,
        "that is huge: there is a smaller kernel": kernel > 21,
    }
    forbid(faults)
    ones = torch.ones(1, 1, 12), torch.ones(1, 1, kernel)
    counts = nn.functional.conv_transpose1d(*ones, stride=3)[0, 0, kernel:-kernel]
    fewest, most = int(counts.min()), int(counts.max())
    require(fewest == most, f"inside, pixels get {fewest} or {most} stamps: not even")
    return f"right: three times the width, and {most} stamps in a row for every pixel"
