"""More than one right answer passes: the checks test what the work does, not how it is written."""

import pytest
import torch
from exercise_player import play, solution

RIGHT = {
    "one error after the other": (
        "4.1",
        "def error_per_image(recon, x):\n"
        "    return torch.stack([((a - b) ** 2).sum() for a, b in zip(recon, x)])",
    ),
    "an error by mse_loss": (
        "4.1",
        "def error_per_image(recon, x):\n"
        "    squares = nn.functional.mse_loss(recon, x, reduction='none')\n"
        "    return 784 * squares.flatten(1).mean(1)",
    ),
    "a list of errors": (
        "4.1",
        "def error_per_image(recon, x):\n"
        "    return [reconstruction_error(a[None], b[None]).item() for a, b in zip(recon, x)]",
    ),
    "an exact noise level": ("4.2", "sigma = 0.125**0.5"),
    "a noise level by NumPy": ("4.2", "sigma = np.sqrt(98 / 784)"),
    "other case and spaces": ("4.3", 'prediction = " B "'),
    "sizes by counting": (
        "4.4",
        "def conv_out_size(size, kernel, stride, padding):\n"
        "    return len(range(0, size + 2 * padding - kernel + 1, stride))",
    ),
    "sizes by floats": (
        "4.4",
        "def conv_out_size(size, kernel, stride, padding):\n"
        "    return np.floor((size - kernel + 2 * padding + stride) / stride)",
    ),
    "sizes by trying it out": (
        "4.4",
        "def conv_out_size(size, kernel, stride, padding):\n"
        "    x, w = torch.zeros(1, 1, size), torch.zeros(1, 1, kernel)\n"
        "    return nn.functional.conv1d(x, w, stride=stride, padding=padding).shape[-1]",
    ),
    "a step with the lesson's loss": (
        "4.5",
        "def mended_step(net, x, optimizer):\n"
        "    optimizer.zero_grad()\n"
        "    recon = net(x + torch.randn(x.shape) * NOISE)\n"
        "    loss = reconstruction_error(recon, x)\n"
        "    loss.backward()\n"
        "    optimizer.step()\n"
        "    return loss.detach()",
    ),
    "a step that averages the sums": (
        "4.5",
        "def mended_step(net, x, optimizer):\n"
        "    noisy = torch.normal(x, NOISE)\n"
        "    loss = (net(noisy) - x).square().sum(dim=1).mean()\n"
        "    optimizer.zero_grad()\n"
        "    loss.backward()\n"
        "    optimizer.step()\n"
        "    return loss.item()",
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_another_right_answer_passes(name):
    assert "✓" in play("04", *RIGHT[name])


def test_a_check_leaves_the_random_numbers_as_they_were():
    torch.manual_seed(0)
    first = torch.rand(1)
    torch.manual_seed(0)
    for number in ("4.1", "4.2", "4.4", "4.5"):
        assert "✓" in play("04", number, solution("04", number))
    assert torch.equal(first, torch.rand(1))
