"""The checks of lesson 1: fit a straight line."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_utils.checks.feedback import attempted, exercise, require

X = torch.arange(0, 1, 0.02).unsqueeze(1)[:40]
Y = 0.7 * X + 0.3
# Points that the notebook does not have: a function that reads the notebook's would be wrong here.
OTHER_X = torch.linspace(0, 0.9, 35).unsqueeze(1)
OTHER_Y = 0.6 * OTHER_X + 0.5


@exercise("1.1")
def first_step(prediction: str) -> str:
    """Check the direction of the first step for a line above all points."""
    answer = str(prediction).strip(" .!").lower().replace(",", "")
    require(
        answer in {"both up", "both down", "one up one down"},
        'answer with "both up", "both down" or "one up, one down"',
    )
    require(
        answer != "both up",
        "that is the direction of the gradient; descent goes against it",
    )
    require(
        answer == "both down",
        "every error has the same sign and no input is negative: can the two sums differ in sign?",
    )
    return "right: both derivatives are positive, and the update subtracts them"


@exercise("1.2")
def mse_gradient(gradient: Callable[[Tensor, Tensor, float, float], tuple[Tensor, Tensor]]) -> str:
    """Check the two derivatives of the mean squared error against autograd."""
    weight, bias = (torch.tensor(v, requires_grad=True) for v in (1.3, -0.4))
    loss = (weight * OTHER_X + bias - OTHER_Y).pow(2).mean()
    expected = torch.stack(torch.autograd.grad(loss, (weight, bias)))
    given = _two_numbers(attempted(gradient(OTHER_X, OTHER_Y, 1.3, -0.4)))
    _diagnose_gradient(given, expected)
    return "right: both derivatives agree with autograd"


def _two_numbers(result: object) -> Tensor:
    """Return the two numbers as a tensor ``(2,)``, whatever they came in."""
    if torch.is_tensor(result):
        result = result.flatten().tolist()
    size = len(result) if isinstance(result, tuple | list) else 0
    require(size == 2, "return two numbers, in the order (weight, bias)")
    numbers = [torch.as_tensor(value, dtype=torch.float32).flatten() for value in result]
    require(
        all(len(number) == 1 for number in numbers),
        "return two numbers: take the mean over the points",
    )
    return torch.cat(numbers)


def _diagnose_gradient(given: Tensor, expected: Tensor) -> None:
    signs = (1.3 * OTHER_X - 0.4 - OTHER_Y).sign()
    mae = torch.stack([(signs * OTHER_X).mean(), signs.mean()])
    for mistake, message in (
        (-expected, "the sign is flipped: the error is prediction minus truth"),
        (expected / 2, "half of the right value: the derivative of e² is 2e"),
        (expected * len(OTHER_X), "this is a sum; the MSE is a mean over the n points"),
        (expected.flip(0), "right values in the wrong order: the weight comes first"),
        (mae, "this is the gradient of the absolute error; here the error is squared"),
        (expected[[1, 1]], "the weight needs one factor more: e moves by x when w moves by 1"),
    ):
        require(not torch.allclose(given, mistake, rtol=1e-4, atol=1e-6), message)
    weight, bias = torch.isclose(given, expected, rtol=1e-4, atol=1e-6).tolist()
    require(bias, "the derivative with respect to the bias is not right yet")
    require(weight, "the bias is right, the weight is not yet: mean of 2 e x, point by point")


@exercise("1.3")
def mended_training(training: Callable[[Tensor, Tensor, int], list[float]]) -> str:
    """Check that the mended loop returns the losses of plain gradient descent."""
    losses = attempted(training(OTHER_X, OTHER_Y, 150))
    require(len(losses) == 150, f"return one loss for each epoch: 150, not {len(losses)}")
    require(
        max(losses) - min(losses) > 1e-3,
        "the loss stands still now: zero the gradients before backward(), not between backward() "
        "and step()",
    )
    start = torch.randn(2, generator=torch.Generator().manual_seed(42)).tolist()
    expected = _descent(start, OTHER_X, OTHER_Y, 0.01, 150)[:-1]
    climb = max(later - min(losses[: i + 1]) for i, later in enumerate(losses))
    require(climb < 0.1, "the loss still swings: some gradient is kept from one epoch to the next")
    require(
        max(abs(a - b) for a, b in zip(losses, expected, strict=True)) < 1e-4,
        "the swing is gone, but something else changed: change only what is missing (seed 42, SGD, "
        "lr 0.01)",
    )
    return "right: each step uses its own gradient and no other"


def _descent(start: list[float], x: Tensor, y: Tensor, lr: float, num_epochs: int) -> list[float]:
    """Return the losses of plain gradient descent: before each step, and after the last."""
    line = torch.tensor(start, requires_grad=True)
    losses = []
    for _ in range(num_epochs + 1):
        loss = nn.functional.l1_loss(line[0] * x + line[1], y)
        (slope,) = torch.autograd.grad(loss, line)
        line = (line - lr * slope).detach().requires_grad_()
        losses.append(loss.item())
    return losses


@exercise("1.4")
def thirty_epochs(lr: float) -> str:
    """Check a learning rate by training with it."""
    require(isinstance(lr, int | float) and lr > 0, "the learning rate is a number above 0")
    error = _descent([0.7645, 0.8300], X, Y, lr, 30)[-1]
    side = "too small: it has not arrived" if lr < 0.03 else "too large: it bounces"
    require(error < 0.015, f"the training error ends at {error:.4f}; this rate is {side}")
    return f"right: the training error ends at {error:.4f}"


@exercise("1.5")
def fit_line(fit: Callable[[Tensor, Tensor], tuple[float, float]]) -> str:
    """Check a whole workflow on three lines it has not seen."""
    x = torch.linspace(0, 2, 60).unsqueeze(1)
    for weight, bias in [(0.7, 0.3), (-1.5, 2.0), (3.0, -1.0)]:
        found = _two_numbers(attempted(fit(x, weight * x + bias)))
        truth = torch.tensor([weight, bias])
        said = (
            f"the line with weight {weight} and bias {bias}: you found {found[0]:.3f} and "
            f"{found[1]:.3f}"
        )
        error = float((found - truth).abs().max())
        require(error < 100, f"{said}; the rate is too large, it blew up")
        require(
            not torch.allclose(found, truth.flip(0), atol=0.02),
            "the two numbers are swapped: the weight comes first",
        )
        require(
            error < 0.02,
            f"{said}; not there yet: more epochs or a larger rate at the start",
        )
    return "right: three lines found"
