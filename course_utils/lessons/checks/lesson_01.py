"""The checks of lesson 1: fit a straight line."""

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
    refuse,
    require,
    same,
    table,
)

X = torch.arange(0, 1, 0.02).unsqueeze(1)[:40]
Y = 0.7 * X + 0.3
# Points that the notebook does not have: a function that reads the notebook's would be wrong here.
OTHER_X = torch.linspace(0, 0.9, 35).unsqueeze(1)
OTHER_Y = 0.6 * OTHER_X + 0.5


@exercise("1.1")
def first_step(prediction: object) -> str:
    """Check the direction of the first step for a line above all points."""
    wrong = {
        "both up": "that is the direction of the gradient; descent goes against it",
        "one up, one down": "every error has the same sign and no input is negative: can the two "
        "sums differ in sign?",
    }
    choice(prediction, ("both up", "both down", "one up, one down"), wrong)
    return "right: both derivatives are positive, and the update subtracts them"


@exercise("1.2")
def mended_training(training: Function) -> str:
    """Check that the mended loop returns the losses of plain gradient descent."""
    wanted = "return a list of losses, one for each epoch"
    result = ask(training, OTHER_X, OTHER_Y, 150)
    losses = table(result, wanted).squeeze()
    require(losses.ndim == 1, f"{wanted}, not {kind_of(result)}")
    require(len(losses) == 150, f"{wanted}: 150, not {len(losses)}")
    finite(losses, "the list of losses", "is the rate still 0.01?")
    still = float(losses.max() - losses.min()) < 1e-3
    between = "zero the gradients before backward(), not between backward() and step()"
    require(not still, f"the loss stands still now: {between}")
    climb = float((losses - losses.cummin(dim=0).values).max())
    require(climb < 0.1, "the loss still swings: some gradient is kept from one epoch to the next")
    start = torch.randn(2, generator=torch.Generator().manual_seed(42)).tolist()
    right = torch.tensor(_descent(start, OTHER_X, OTHER_Y, 0.01, 150))
    changed = "the swing is gone, but something else changed: change only what is missing"
    require(same(losses, right, 0, 1e-4), f"{changed} (seed 42, SGD, lr 0.01)")
    return "right: each step uses its own gradient and no other"


def _descent(start: list[float], x: Tensor, y: Tensor, lr: float, num_epochs: int) -> list[float]:
    """Return the losses of plain gradient descent, each before its step."""
    line = torch.tensor(start, requires_grad=True)
    losses = []
    for _ in range(num_epochs):
        loss = nn.functional.l1_loss(line[0] * x + line[1], y)
        (slope,) = torch.autograd.grad(loss, line)
        line = (line - lr * slope).detach().requires_grad_()
        losses.append(loss.item())
    return losses


@exercise("1.3", seconds=40)
def fit_line(fit: Function) -> str:
    """Check a whole workflow on five lines it has not seen, steep ones among them."""
    x = torch.linspace(0, 2, 60).unsqueeze(1)
    lines = torch.tensor([[0.7, 0.3], [-4.0, 3.0], [5.0, -2.0], [-1.5, 2.0], [3.0, -1.0]])
    found = [_fitted(fit, x, line) for line in lines]
    worst = float((torch.stack(found) - lines).abs().max())
    luck = f", but one is off by {worst:.3f}: with another start it may miss. Let the rate decay"
    return f"right: five lines found{luck if worst > 0.015 else ''}"


def _fitted(fit: Function, x: Tensor, line: Tensor) -> Tensor:
    """Return what was found for one line, if it is near enough."""
    wanted = "return two numbers, in the order (weight, bias)"
    weight, bias = line.tolist()
    advice = "the rate is too large, it blew up"
    y = weight * x + bias
    found = numbers(ask(fit, x, y), 2, wanted, advice)
    said = f"the line with weight {weight:g} and bias {bias:g}: you found {found[0]:.3f} and "
    said += f"{found[1]:.3f}"
    error = float((found - line).abs().max())
    require(error < 100, f"{said}; {advice}")
    swapped = "the two numbers are swapped: the weight comes first"
    require(not same(found, line.flip(0), 0, 0.02), swapped)
    own = same(found, [0.7, 0.3], 0, 0.05) and not same(line, [0.7, 0.3], 0, 0.05)
    require(not own, f"{said}. That is the notebook's line: train on the arguments x and y")
    level = same(found, [0, y.mean()], 0, 0.1)
    shapes = "do model(x) and y have the same shape?"
    require(not level, f"{said}, a level line through their middle: {shapes}")
    look = "if it still falls, more epochs or a larger rate; if it bounces, let the rate decay"
    look += "; if it swings slowly, look for zero_grad()"
    require(error < 0.02, f"{said}, not within 0.02. Print the loss: {look}")
    return found


@exercise("1.4")
def thirty_epochs(rate: object) -> str:
    """Check a learning rate by training with it, and with one beside it."""
    lr = number(rate, "the learning rate is a number above 0")
    require(lr > 0, "the learning rate is a number above 0")
    error, beside = (_thirty_epochs(one) for one in (lr, 1.03 * lr))
    side = "too small: it has not arrived" if lr < 0.03 else "too large: it bounces"
    found = f"the training error ends at {error:.4g}"
    require(error < 0.015, f"{found}; this rate is {side}")
    luck = f". That was luck: the line bounces, and at {1.03 * lr:.4g} it ends at {beside:.4f}"
    return f"right: {found}{luck if beside > 0.015 else ''}"


def _thirty_epochs(lr: float) -> float:
    """Return the training error after 30 epochs as section 7 trains, to the last digit."""
    torch.manual_seed(42)
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(30):
        loss = nn.functional.l1_loss(model(X), Y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return nn.functional.l1_loss(model(X), Y).item()


@exercise("1.5")
def mse_gradient(gradient: Function) -> str:
    """Check the two derivatives of the mean squared error against autograd."""
    line = torch.tensor([1.3, -0.4], requires_grad=True)
    loss = (line[0] * OTHER_X + line[1] - OTHER_Y).pow(2).mean()
    (right,) = torch.autograd.grad(loss, line)
    wanted = "return two numbers, (weight, bias), each a mean over the points"
    answer = ask(gradient, OTHER_X, OTHER_Y, 1.3, -0.4)
    if isinstance(answer, tuple | list) and len(answer) == 2:
        for one in answer:
            require(table(one, wanted).numel() == 1, f"{wanted}; one of yours is {kind_of(one)}")
    given = numbers(answer, 2, wanted)
    error = 1.3 * OTHER_X - 0.4 - OTHER_Y
    here = 1.3 * X - 0.4 - Y
    notebook = torch.stack([(2 * here * X).mean(), (2 * here).mean()])
    absolute = torch.stack([(error.sign() * OTHER_X).mean(), error.sign().mean()])
    mistakes = {
        "the sign is flipped: the error is prediction minus truth": -right,
        "half of the right value: the derivative of e² is 2e": right / 2,
        "this is a sum; the MSE is a mean over the n points": right * len(OTHER_X),
        "divide by the number of points you were given; it is not 40": right
        * len(OTHER_X)
        / len(X),
        "right values in the wrong order: the weight comes first": right.flip(0),
        "this is the gradient of the absolute error; here the error is squared": absolute,
        "these are the slopes at the notebook's points: use the arguments x and y": notebook,
        "the weight needs one factor more: e moves by x when w moves by 1": right[[1, 1]],
        "a mean of products is no product of means: multiply point by point first": torch.stack(
            [right[1] * OTHER_X.mean(), right[1]]
        ),
    }
    refuse(given, mistakes)
    for name, one, value in zip(("weight", "bias"), given, right, strict=True):
        agree(one, value, f"the derivative with respect to the {name}")
    return "right: both derivatives agree with autograd"
