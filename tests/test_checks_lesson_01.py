"""More than one right answer passes: the checks test what the work does, not how it is written."""

import pytest
import torch
from exercise_player import play

RIGHT = {
    "autograd": (
        "1.2",
        "def mse_gradient(x, y, weight, bias):\n"
        "    w, b = (torch.tensor(v, requires_grad=True) for v in (weight, bias))\n"
        "    ((w * x + b - y) ** 2).mean().backward()\n"
        "    return w.grad, b.grad",
    ),
    "a list of floats": (
        "1.2",
        "def mse_gradient(x, y, weight, bias):\n"
        "    e = [weight * p + bias - q for p, q in zip(x[:, 0].tolist(), y[:, 0].tolist())]\n"
        "    n = len(e)\n"
        "    return [sum(2 * a * p for a, p in zip(e, x.flatten().tolist())) / n, 2 * sum(e) / n]",
    ),
    "means that keep a dimension": (
        "1.2",
        "def mse_gradient(x, y, weight, bias):\n"
        "    error = weight * x + bias - y\n"
        "    return (2 * error * x).mean(dim=0), (2 * error).mean(dim=0)",
    ),
    "one product of matrices, (1, 2)": (
        "1.2",
        "def mse_gradient(x, y, weight, bias):\n"
        "    error = weight * x + bias - y\n"
        "    return 2 / len(x) * error.T @ torch.cat([x, torch.ones_like(x)], dim=1)",
    ),
    "gradients set to None after the step": (
        "1.3",
        "def mended_training(x, y, num_epochs):\n"
        "    torch.manual_seed(42)\n"
        "    model, losses = LineModel(), []\n"
        "    for _ in range(num_epochs):\n"
        "        loss = nn.functional.l1_loss(model(x), y)\n"
        "        loss.backward()\n"
        "        with torch.no_grad():\n"
        "            for p in model.parameters():\n"
        "                p -= 0.01 * p.grad\n"
        "                p.grad = None\n"
        "        losses.append(loss.item())\n"
        "    return losses",
    ),
    "another rate": ("1.4", "lr = 0.028"),
    "least squares in closed form": (
        "1.5",
        "def fit_line(x, y):\n"
        "    table = torch.cat([x, torch.ones_like(x)], dim=1)\n"
        "    return torch.linalg.lstsq(table, y).solution.flatten()",
    ),
    "other case and spaces": ("1.1", 'prediction = " Both down. "'),
}


@pytest.mark.parametrize("name", RIGHT)
def test_another_right_answer_passes(name):
    assert "✓" in play("01", *RIGHT[name])


def test_playing_leaves_the_random_numbers_of_the_caller_reproducible():
    torch.manual_seed(0)
    first = play("01", "1.4", "lr = 0.03")
    torch.manual_seed(1)
    assert play("01", "1.4", "lr = 0.03") == first
