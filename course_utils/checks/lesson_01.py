"""The checks of lesson 1: fit a straight line."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_utils.checks.feedback import attempted, exercise, require

X = torch.arange(0, 1, 0.02).unsqueeze(1)[:40]
Y = 0.7 * X + 0.3


@exercise("1.1")
def first_step(prediction: str) -> str:
    """Check the direction of the first step for a line above all points."""
    answer = str(prediction).strip().lower()
    require(
        answer in {"both up", "both down", "one up, one down"},
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
    loss = (weight * X + bias - Y).pow(2).mean()
    expected = torch.stack(torch.autograd.grad(loss, (weight, bias)))
    result = attempted(gradient(X, Y, 1.3, -0.4))
    require(len(result) == 2, "return two values: (d MSE / d weight, d MSE / d bias)")
    given = torch.stack([torch.as_tensor(value, dtype=torch.float32) for value in result])
    require(given.shape == (2,), "return two numbers: take the mean over the points")
    _diagnose_gradient(given, expected)
    return "right: both derivatives agree with autograd"


def _diagnose_gradient(given: Tensor, expected: Tensor) -> None:
    def same(candidate: Tensor) -> bool:
        return torch.allclose(given, candidate, rtol=1e-4, atol=1e-6)

    require(not same(-expected), "the sign is flipped: the error is prediction minus truth")
    require(not same(expected / 2), "half of the right value: the derivative of e² is 2e")
    require(not same(expected * len(X)), "this is a sum; the MSE is a mean over the n points")
    require(not same(expected.flip(0)), "right values in the wrong order: the weight comes first")
    signs = (1.3 * X - 0.4 - Y).sign()
    mae = torch.stack([(signs * X).mean(), signs.mean()])
    require(not same(mae), "this is the gradient of the absolute error; here the error is squared")
    require(
        bool(torch.isclose(given[1], expected[1], rtol=1e-4)),
        "the derivative with respect to the bias is not right yet",
    )
    require(same(expected), "the bias is right; the weight needs one factor more: d e / d w = x")


@exercise("1.3")
def mended_training(training: Callable[[Tensor, Tensor, int], list[float]]) -> str:
    """Check that the mended loop returns the losses of plain gradient descent."""
    losses = attempted(training(X, Y, 150))
    require(len(losses) == 150, f"return one loss for each epoch: 150, not {len(losses)}")
    require(
        max(losses) - min(losses) > 1e-3,
        "the loss stands still now: zero the gradients before backward(), not between backward() "
        "and step()",
    )
    require(
        max(losses[40:]) < 0.1,
        "the loss still swings: some gradient is kept from one epoch to the next",
    )
    expected = _descent(nn.functional.l1_loss, 0.01, 150)
    require(
        max(abs(a - b) for a, b in zip(losses, expected, strict=True)) < 1e-4,
        "the loss falls, but not as before: change only what is missing (seed 42, SGD, lr 0.01)",
    )
    return "right: each step uses its own gradient and no other"


def _descent(loss_fn: Callable[..., Tensor], lr: float, num_epochs: int) -> list[float]:
    parameters = torch.tensor([0.3367, 0.1288], requires_grad=True)
    losses = []
    for _ in range(num_epochs):
        loss = loss_fn(parameters[0] * X + parameters[1], Y)
        (slope,) = torch.autograd.grad(loss, parameters)
        parameters = (parameters - lr * slope).detach().requires_grad_()
        losses.append(loss.item())
    return losses


@exercise("1.4")
def thirty_epochs(lr: float) -> str:
    """Check a learning rate by training with it."""
    require(isinstance(lr, int | float) and lr > 0, "the learning rate is a number above 0")
    model = nn.Linear(1, 1)
    nn.init.constant_(model.weight, 0.7645)
    nn.init.constant_(model.bias, 0.8300)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(30):
        loss = nn.functional.l1_loss(model(X), Y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    error = nn.functional.l1_loss(model(X), Y).item()
    side = "too small: it has not arrived" if lr < 0.03 else "too large: it bounces"
    require(error < 0.015, f"the training error ends at {error:.4f}; this rate is {side}")
    return f"right: the training error ends at {error:.4f}"


@exercise("1.5")
def fit_line(fit: Callable[[Tensor, Tensor], tuple[float, float]]) -> str:
    """Check a whole workflow on three lines it has not seen."""
    x = torch.linspace(0, 2, 60).unsqueeze(1)
    for weight, bias in [(0.7, 0.3), (-1.5, 2.0), (3.0, -1.0)]:
        result = attempted(fit(x, weight * x + bias))
        require(len(result) == 2, "return two numbers: (weight, bias)")
        found = [float(value) for value in result]
        target = f"the line with weight {weight} and bias {bias}"
        require(
            (found[0] - weight) ** 2 + (found[1] - bias) ** 2
            < (found[0] - bias) ** 2 + (found[1] - weight) ** 2 + 1e-6,
            f"{target}: the two numbers look swapped, the weight comes first",
        )
        require(
            abs(found[0] - weight) < 0.02 and abs(found[1] - bias) < 0.02,
            f"{target}: you found {found[0]:.3f} and {found[1]:.3f}; train longer, use a larger "
            "rate, or let the rate decay",
        )
    return "right: three lines found"
