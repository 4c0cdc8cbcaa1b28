"""Answers to the exercises of lesson 9."""

import copy

import numpy as np
import torch
from answers import Answers
from torch import nn

answers = Answers("09")
lesson = answers.lesson

# ------------------------------------------------------------------------------------------- 9.1


@answers.right("9.1", name="PyTorch's layers")
def widths_after(size, layers):
    x, found = torch.zeros(1, 1, size), []
    for kind, kernel, stride, padding in layers:
        build = nn.Conv1d if kind == "window" else nn.ConvTranspose1d
        x = build(1, 1, kernel, stride, padding)(x)
        found.append(x.shape[-1])
    return found


@answers.right("9.1", kind="numbers", name="counting places, a tuple")
def widths_after(size, layers):
    found = [size]
    for kind, kernel, stride, padding in layers:
        n = found[-1]
        places = range(-padding, n + padding - kernel + 1, stride)
        stamped = (n - 1) * stride + kernel - 2 * padding
        found.append(len(places) if kind == "window" else stamped)
    return tuple(found[1:])


@answers.right("9.1", kind="numbers", name="NumPy's floor, an array")
def widths_after(size, layers):
    found = []
    for kind, kernel, stride, padding in layers:
        if kind == "window":
            size = np.floor((size + 2 * padding - kernel) / stride) + 1
        else:
            size = (size - 1) * stride + kernel - 2 * padding
        found.append(size)
    return np.array(found)


@answers.right("9.1", kind="numbers", name="a tensor of floats")
def widths_after(size, layers):
    found = torch.zeros(len(layers))
    for i, (kind, kernel, stride, padding) in enumerate(layers):
        over = size + 2 * padding - kernel
        stamped = size * stride - stride + kernel - 2 * padding
        size = over // stride + 1 if kind == "window" else stamped
        found[i] = size
    return found


@answers.right("9.1", kind="state", name="takes the list apart")
def widths_after(size, layers):
    found = []
    while layers:
        kind, kernel, stride, padding = layers.pop(0)
        window = (size + 2 * padding - kernel) // stride + 1
        size = window if kind == "window" else (size - 1) * stride + kernel - 2 * padding
        found.append(size)
    return found


@answers.right("9.1", kind="numbers", name="a generator")
def widths_after(size, layers):
    for kind, kernel, stride, padding in layers:
        window = (size + 2 * padding - kernel) // stride + 1
        size = window if kind == "window" else (size - 1) * stride + kernel - 2 * padding
        yield size


def window_only(rule):
    """Return a calculator with another rule for windows."""

    def widths_after(size, layers):
        found = []
        for kind, kernel, stride, padding in layers:
            stamped = (size - 1) * stride + kernel - 2 * padding
            size = rule(size, kernel, stride, padding) if kind == "window" else stamped
            found.append(size)
        return found

    return widths_after


def stamps_only(rule):
    """Return a calculator with another rule for stamps."""

    def widths_after(size, layers):
        found = []
        for kind, kernel, stride, padding in layers:
            window = (size + 2 * padding - kernel) // stride + 1
            size = window if kind == "window" else rule(size, kernel, stride, padding)
            found.append(size)
        return found

    return widths_after


def by_window(fragment, rule, **more):
    answers.wrong("9.1", fragment, widths_after=window_only(rule), **more)


def by_stamps(fragment, rule, **more):
    answers.wrong("9.1", fragment, widths_after=stamps_only(rule), **more)


by_window("one place more", lambda n, k, s, p: (n + 2 * p - k) // s)
by_window("padding counts on both", lambda n, k, s, p: (n + p - k) // s + 1)
by_window("divide with //: 2.6667 is not whole", lambda n, k, s, p: (n + 2 * p - k) / s + 1)
by_window("stride 1, padding 2, on 9: 11 is right, yours is 7", lambda n, k, s, p: (n - k) // s + 1)
by_window("stride 1, padding 0, on 9: 7 is right, yours is 5", lambda n, k, s, p: (n - k) // s - 1)
by_stamps("padding counts on both", lambda n, k, s, p: (n - 1) * s + k - p)
by_stamps("stamps of 3, stride 2", lambda n, k, s, p: n * s + k - 2 * p)
by_stamps("stamps of 4, stride 2, padding 1", lambda n, k, s, p: (n - 1) * s + k)
by_stamps("as wide as the kernel", lambda n, k, s, p: n * s)
by_stamps("is nan", lambda n, k, s, p: float("nan"), kind="nan")


@answers.wrong("9.1", "each layer starts from the width")
def widths_after(size, layers):
    found = []
    for kind, kernel, stride, padding in layers:
        if kind == "window":
            found.append((size + 2 * padding - kernel) // stride + 1)
        else:
            found.append((size - 1) * stride + kernel - 2 * padding)
    return found


@answers.wrong("9.1", "three layers give three widths", kind="line")
def widths_after(size, layers):
    for kind, kernel, stride, padding in layers:
        window = (size + 2 * padding - kernel) // stride + 1
        size = window if kind == "window" else (size - 1) * stride + kernel - 2 * padding
    return size


@answers.wrong("9.1", "three layers give three widths")
def widths_after(size, layers):
    kind, kernel, stride, padding = layers[0]
    return [(size + 2 * padding - kernel) // stride + 1 if kind == "window" else size * stride]


@answers.wrong("9.1", "is the return missing?", kind="return")
def widths_after(size, layers):
    [size + len(layers)]


# ------------------------------------------------------------------------------------------- 9.2


WIDE = nn.Linear(1024, 6272)  # copied, as drawing six million weights takes a tenth of a second


def _linear():
    return nn.Sequential(
        nn.Linear(96, 1024), nn.ReLU(), nn.BatchNorm1d(1024),
        copy.deepcopy(WIDE), nn.ReLU(), nn.BatchNorm1d(6272), nn.Unflatten(1, (128, 7, 7)),
    )  # fmt: skip


def _double(before, after, kernel=4, **more):
    return nn.ConvTranspose2d(before, after, kernel, stride=2, **{"padding": 1} | more)


def _net(*end, first=None):
    first = first or _double(128, 64)
    return nn.Sequential(_linear(), first, nn.ReLU(), nn.BatchNorm2d(64), *end)


@answers.right("9.2", name="the lesson's own, told no digit")
def mended_generator():
    return nn.Sequential(nn.Linear(96, 1024), *lesson.generator()[1:])


@answers.right("9.2", name="another smooth end, kernel 2, eps by name")
def mended_generator():
    return nn.Sequential(
        nn.Linear(96, 1024), nn.ReLU(), nn.BatchNorm1d(1024, eps=1e-5, momentum=0.1),
        nn.Linear(1024, 6272), nn.ReLU(), nn.BatchNorm1d(6272, eps=1e-3),
        nn.Unflatten(1, (128, 7, 7)),
        nn.ConvTranspose2d(128, 64, 2, stride=2), nn.ReLU(), nn.BatchNorm2d(64),
        nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1), nn.Hardtanh(),
    )  # fmt: skip


@answers.right("9.2", name="upsampling and a window")
def mended_generator():
    grown = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(64, 1, 3, padding=1), nn.Tanh())
    return _net(grown)


@answers.right("9.2", kind="quiet", name="seeds, prints and warns")
def mended_generator():
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    print("built")  # noqa: T201
    return _net(nn.ConvTranspose2d(64, 1, kernel_size=6, stride=2, padding=2), nn.Tanh())


SHARED = _net(_double(64, 1), nn.Tanh())


@answers.right("9.2", kind="state", name="a net that was there before")
def mended_generator():
    return SHARED


def by_end(fragment, *end, first=None, **more):
    """Add a wrong answer with another end, or with other layers before it."""
    answers.wrong("9.2", fragment, mended_generator=lambda: _net(*end, first=first), **more)


by_end("27 by 27 pixels", _double(64, 1, 3), nn.Tanh())
by_end("have shape (16, 1, 26, 26)", _double(64, 1), nn.Tanh(), first=_double(128, 64, 3))
by_end("still no pixel below 0", _double(64, 1), nn.ReLU())
by_end("still no pixel below 0", _double(64, 1), nn.Sigmoid())
by_end("beyond [-1, 1]", _double(64, 1), nn.Identity())
by_end("Tanh", _double(64, 1), nn.LeakyReLU(0.2), kind="luck")
by_end("Tanh", _double(64, 1), nn.ELU(0.5), kind="luck")
by_end("no weights make a pixel black", _double(64, 1), nn.Hardtanh(-0.5, 1.0), kind="luck extreme")
by_end("is no multiple of the stride", _double(64, 1, 3, output_padding=1), nn.Tanh())


@answers.wrong("9.2", "three batch normalisations belong in it, yours has 2")
def mended_generator():
    return nn.Sequential(
        nn.Linear(96, 1024), nn.ReLU(),
        nn.Linear(1024, 6272), nn.ReLU(), nn.BatchNorm1d(6272), nn.Unflatten(1, (128, 7, 7)),
        nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1), nn.ReLU(), nn.BatchNorm2d(64),
        nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1), nn.Tanh(),
    )  # fmt: skip


@answers.wrong("9.2", "still the eps")
def mended_generator():
    return nn.Sequential(
        nn.Linear(96, 1024), nn.ReLU(), nn.BatchNorm1d(1024, 0.8),
        nn.Linear(1024, 6272), nn.ReLU(), nn.BatchNorm1d(6272),
        nn.Unflatten(1, (128, 7, 7)),
        nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1), nn.ReLU(),
        nn.BatchNorm2d(64),
        nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1), nn.Tanh(),
    )  # fmt: skip


@answers.wrong("9.2", "PyTorch's own value")
def mended_generator():
    return nn.Sequential(
        nn.Linear(96, 1024), nn.ReLU(), nn.BatchNorm1d(1024, momentum=0.8),
        nn.Linear(1024, 6272), nn.ReLU(), nn.BatchNorm1d(6272),
        nn.Unflatten(1, (128, 7, 7)),
        nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1), nn.ReLU(),
        nn.BatchNorm2d(64),
        nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1), nn.Tanh(),
    )  # fmt: skip


class _Cut(nn.Module):
    def forward(self, x):
        return x.detach()


class _Pair(nn.Module):
    def forward(self, x):
        return x, x


class _Root(nn.Module):
    def forward(self, x):
        return x.sqrt()


class _Small(nn.Module):
    def forward(self, x):
        return x / 50


by_end("with larger weights pixels go beyond", _double(64, 1), _Small(), kind="luck")
by_end("carry no gradient", _double(64, 1), nn.Tanh(), _Cut(), kind="train")
by_end("the net gives a tuple of 2", _double(64, 1), nn.Tanh(), _Pair(), kind="line")
by_end("the picture holds nan", _double(64, 1), _Root(), kind="nan")
answers.wrong("9.2", "and not the net itself", mended_generator=_linear(), kind="line")


@answers.wrong("9.2", "is the return missing?", kind="return")
def mended_generator():
    nn.Sequential(nn.Linear(96, 784), nn.Tanh())


@answers.wrong("9.2", "return a net, not a list of 2", kind="line")
def mended_generator():
    return [nn.Linear(96, 784), nn.Tanh()]


@answers.wrong("9.2", "(line: return nn.Sequential(nn.Linear(96, 784), nn.Tanhh()))", kind="line")
def mended_generator():
    return nn.Sequential(nn.Linear(96, 784), nn.Tanhh())


# ------------------------------------------------------------------------------------------- 9.3

answers.right("9.3", caught_by=["Nearest ", "RAREST", "fd"], kind="numbers", name="other case")
answers.right("9.3", caught_by=np.array(["nearest", "rarest", "FD"]), kind="numbers")
answers.right("9.3", caught_by=('"nearest"', "rarest.", "F D"), name="quotes and points")
answers.wrong("9.3", "1: training images are real", caught_by=("FD", "rarest", "nearest"))
answers.wrong("9.3", "1: all digits are there", caught_by=("rarest", "nearest", "FD"))
answers.wrong("9.3", "2: nobody has seen", caught_by=("nearest", "NEAREST", "FD"), kind="numbers")
answers.wrong("9.3", "which column goes to 0", caught_by=("nearest", "FD", "rarest"))
answers.wrong("9.3", "3: new images", caught_by=("nearest", "rarest", "rarest"))
answers.wrong("9.3", 'answer with "FD", "rarest" or', caught_by=("nearest", "sure", "FD"))
answers.wrong("9.3", "give three words", caught_by="FD", kind="line")
answers.wrong("9.3", "give three words", caught_by=("nearest", "rarest"), kind="line")

# ------------------------------------------------------------------------------------------- 9.4

answers.right("9.4", kernel_and_padding=[15, 6], name="the next larger kernel")
answers.right("9.4", kernel_and_padding=(9.0, 3.0), kind="numbers", name="floats")
answers.right("9.4", kernel_and_padding=torch.tensor([9, 3]), kind="numbers", name="a tensor")
answers.right("9.4", kernel_and_padding=np.array([21, 9]), kind="numbers", name="an array")
answers.wrong("9.4", "the stamps shall overlap", kernel_and_padding=(3, 0))
answers.wrong("9.4", "stamps: not even", kernel_and_padding=(5, 1))
answers.wrong("9.4", "stamps: not even", kernel_and_padding=np.array([7, 2]), kind="numbers")
answers.wrong("9.4", "5 numbers become 16", kernel_and_padding=(6, 1))
answers.wrong("9.4", "5 numbers become 21", kernel_and_padding=(9, 0))
answers.wrong("9.4", "give two whole numbers", kernel_and_padding=9, kind="line")
answers.wrong("9.4", "give two whole numbers", kernel_and_padding=(9.5, 3.25))
answers.wrong("9.4", "give two whole numbers", kernel_and_padding=(3, -3))
answers.wrong("9.4", "that is huge", kernel_and_padding=(33, 15))
answers.wrong(
    "9.4", "that is huge", kernel_and_padding=(2_000_000_001, 999_999_999), kind="extreme"
)
answers.wrong("9.4", "is inf", kernel_and_padding=(float("inf"), 3), kind="nan")
