"""More than one right answer passes: the checks test what the work does, not how it is written."""

import pytest
import torch
from exercise_player import play, solution

RIGHT = {
    "widths in a list": ("9.1", "widths = [24, 12, 8, 4, 64 * 4 * 4]"),
    "widths by the lesson's function": (
        "9.1",
        "a = window_out(28, 5)\nb = window_out(a, 2, 2)\nc = window_out(b, 5)\n"
        "d = window_out(c, 2, 2)\nwidths = (a, b, c, d, 64 * d * d)",
    ),
    "widths by asking PyTorch": (
        "9.2",
        "def widths_after(size, layers):\n"
        "    x, found = torch.zeros(1, 1, size), []\n"
        "    for kind, kernel, stride, padding in layers:\n"
        "        build = nn.Conv1d if kind == 'window' else nn.ConvTranspose1d\n"
        "        x = build(1, 1, kernel, stride, padding)(x)\n"
        "        found.append(x.shape[-1])\n"
        "    return found",
    ),
    "widths by counting places, as a tuple": (
        "9.2",
        "def widths_after(size, layers):\n"
        "    found = [size]\n"
        "    for kind, kernel, stride, padding in layers:\n"
        "        n = found[-1]\n"
        "        places = range(-padding, n + padding - kernel + 1, stride)\n"
        "        stamped = (n - 1) * stride + kernel - 2 * padding\n"
        "        found.append(len(places) if kind == 'window' else stamped)\n"
        "    return tuple(found[1:])",
    ),
    "three times, the next larger kernel": ("9.3", "kernel_and_padding = [15, 6]"),
    "the lesson's own generator": (
        "9.4",
        "def mended_generator():\n    return generator()",
    ),
    "eps and momentum by name, another smooth end": (
        "9.4",
        "def mended_generator():\n"
        "    return nn.Sequential(\n"
        "        nn.Linear(96, 1024), nn.ReLU(), nn.BatchNorm1d(1024, eps=1e-5, momentum=0.1),\n"
        "        nn.Linear(1024, 6272), nn.ReLU(), nn.BatchNorm1d(6272, eps=1e-3),\n"
        "        nn.Unflatten(1, (128, 7, 7)),\n"
        "        nn.ConvTranspose2d(128, 64, 2, stride=2), nn.ReLU(), nn.BatchNorm2d(64),\n"
        "        nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1), nn.Hardtanh(),\n"
        "    )",
    ),
    "a distance by the helper": (
        "9.5",
        "def frechet_of_numbers(a, b):\n    return frechet_distance(a[:, None], b[:, None])",
    ),
    "a distance with the other standard deviation": (
        "9.5",
        "def frechet_of_numbers(a, b):\n"
        "    spread = a.std(correction=0) - b.std(correction=0)\n"
        "    return (a.mean() - b.mean()).square() + spread.square()",
    ),
    "a distance as a plain number": (
        "9.5",
        "def frechet_of_numbers(a, b):\n"
        "    a, b = a.tolist(), b.tolist()\n"
        "    gap = statistics.fmean(a) - statistics.fmean(b)\n"
        "    return gap**2 + (statistics.stdev(a) - statistics.stdev(b)) ** 2",
    ),
    "other case, a list": ("9.6", 'caught_by = ["Nearest ", "RAREST", "fd"]'),
}


@pytest.mark.parametrize("name", RIGHT)
def test_another_right_answer_passes(name):
    printed = play("09", *RIGHT[name])
    assert "✓" in printed, printed


def test_a_check_leaves_the_random_numbers_as_they_were():
    torch.manual_seed(0)
    first = torch.rand(1)
    torch.manual_seed(0)
    for number in ("9.2", "9.3", "9.4", "9.5"):
        assert "✓" in play("09", number, solution("09", number))
    assert torch.equal(first, torch.rand(1))
