"""Typical mistakes of lesson 9, each with a fragment of the message it must get."""

WIDTHS = """
def widths_after(size, layers):
    found = []
    for kind, kernel, stride, padding in layers:
        if kind == "window":
            new = {window}
        else:
            new = {stamps}
        {carry}
        found.append(new)
    return {result}
"""


def _widths(
    window: str = "(size + 2 * padding - kernel) // stride + 1",
    stamps: str = "(size - 1) * stride + kernel - 2 * padding",
    carry: str = "size = new",
    result: str = "found",
) -> str:
    return WIDTHS.format(window=window, stamps=stamps, carry=carry, result=result)


GENERATOR = """
def mended_generator():
    return nn.Sequential(
        nn.Linear(96, 1024), nn.ReLU(), nn.BatchNorm1d(1024{eps}),
        nn.Linear(1024, 6272), nn.ReLU(), {second},
        nn.Unflatten(1, (128, 7, 7)),
        nn.ConvTranspose2d(128, 64, {first}, stride=2, padding=1), nn.ReLU(),
        nn.BatchNorm2d(64),
        nn.ConvTranspose2d(64, 1, {last}, stride=2, padding=1), {end},
    )
"""


def _generator(
    eps: str = "",
    second: str = "nn.BatchNorm1d(6272)",
    first: str = "4",
    last: str = "4",
    end: str = "nn.Tanh()",
) -> str:
    return GENERATOR.format(eps=eps, second=second, first=first, last=last, end=end)


def _distance(result: str) -> str:
    return f"def frechet_of_numbers(a, b):\n    return {result}"


MISTAKES = [
    ("9.1", "widths = (28, 14, 14, 7, 3136)", "without padding"),
    ("9.1", "widths = (23, 11, 7, 3, 576)", "from 0 to 23 there are 24"),
    ("9.1", "widths = (24, 24, 20, 20, 25600)", "pooling over 2 by 2"),
    ("9.1", "widths = (24, 12, 12, 6, 2304)", "on 12 pixels"),
    ("9.1", "widths = (24, 12, 8, 8, 4096)", "the second pooling"),
    ("9.1", "widths = (24, 12, 8, 4, 64)", "64 is the number of channels"),
    ("9.1", "widths = (24, 12, 8, 4, 256)", "width and height"),
    ("9.1", "widths = (24, 12, 8, 4, 512)", "the row holds 64 channels"),
    ("9.1", "widths = (24, 12, 8, 4)", "give five numbers"),
    ("9.1", "widths = (24.0, 12.0, 8.0, 4.0, 1024.0)", "a whole number"),
    ("9.2", _widths("(size + 2 * padding - kernel) // stride"), "one place more"),
    ("9.2", _widths("(size + padding - kernel) // stride + 1"), "padding counts on both"),
    ("9.2", _widths("(size + 2 * padding - kernel) / stride + 1"), "divide with //"),
    ("9.2", _widths("(size - kernel) // stride + 1"), "a window of 3, stride 1, padding 2, on 9"),
    ("9.2", _widths(stamps="(size - 1) * stride + kernel - padding"), "padding counts on both"),
    ("9.2", _widths(stamps="size * stride + kernel - 2 * padding"), "stamps of 3, stride 2"),
    ("9.2", _widths(stamps="(size - 1) * stride + kernel"), "stamps of 4, stride 2, padding 1"),
    ("9.2", _widths(carry="pass"), "each layer starts from the width"),
    ("9.2", _widths(result="new"), "return a list"),
    ("9.2", _widths(result="found[-1:]"), "three layers give three widths, yours are 1"),
    ("9.3", "kernel_and_padding = (3, 0)", "the stamps shall overlap"),
    ("9.3", "kernel_and_padding = (5, 1)", "stamps: not even"),
    ("9.3", "kernel_and_padding = (6, 1)", "5 numbers become 16"),
    ("9.3", "kernel_and_padding = (9, 0)", "5 numbers become 21"),
    ("9.3", "kernel_and_padding = 9", "give two whole numbers"),
    ("9.3", "kernel_and_padding = (33, 15)", "that is huge"),
    ("9.4", _generator(last="3"), "27 by 27 pixels"),
    ("9.4", _generator(first="3"), "have shape (16, 1, 26, 26)"),
    ("9.4", _generator(end="nn.ReLU()"), "still no pixel below 0"),
    ("9.4", _generator(end="nn.Sigmoid()"), "still no pixel below 0"),
    ("9.4", _generator(end="nn.Identity()"), "beyond [-1, 1]"),
    ("9.4", _generator(eps=", 0.8"), "still the eps"),
    ("9.4", _generator(eps=", momentum=0.8"), "PyTorch's own value"),
    ("9.4", _generator(second="nn.Identity()"), "three batch normalisations"),
    ("9.4", _generator(last="3, output_padding=1"), "a kernel is no multiple"),
    ("9.5", _distance("(a.mean() - b.mean()) + (a.std() - b.std()) ** 2"), "is not squared"),
    ("9.5", _distance("(a.mean() - b.mean()) ** 2 + (a.var() - b.var()) ** 2"), "the variances"),
    ("9.5", _distance("(a.mean() - b.mean()) ** 2 + a.var() + b.var()"), "variances are added"),
    ("9.5", _distance("(a.mean() - b.mean()) ** 2"), "the spreads are missing"),
    ("9.5", _distance("(a.std() - b.std()) ** 2"), "the means are missing"),
    (
        "9.5",
        _distance("((a.mean() - b.mean()).abs() + (a.std() - b.std()).abs()) ** 2"),
        "square each difference first",
    ),
    (
        "9.5",
        _distance("((a.mean() - b.mean()) ** 2 + (a.std() - b.std()) ** 2) ** 0.5"),
        "this is the root",
    ),
    ("9.5", _distance("2 * (a.mean() - b.mean()) ** 2"), "two small sets give 18.00"),
    ("9.6", 'caught_by = ("FD", "rarest", "nearest")', "1: training images are real"),
    ("9.6", 'caught_by = ("rarest", "nearest", "FD")', "1: all digits are there"),
    ("9.6", 'caught_by = ("nearest", "nearest", "FD")', "2: nobody has seen"),
    ("9.6", 'caught_by = ("nearest", "FD", "rarest")', "which column goes to 0"),
    ("9.6", 'caught_by = ("nearest", "rarest", "rarest")', "3: new images"),
    ("9.6", 'caught_by = ("nearest", "sure", "FD")', "give three words"),
    ("9.6", 'caught_by = "FD"', "give three words"),
]
