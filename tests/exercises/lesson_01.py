"""Answers to the exercises of lesson 1."""

import argparse
import random
import sys

import numpy as np
import torch
from answers import Answers
from torch import nn

answers = Answers("01")
lesson = answers.lesson

# ------------------------------------------------------------------------------- 1.1 first_step

answers.right("1.1", prediction="both down")
answers.right("1.1", prediction=" Both down. ", kind="numbers", name="case and spaces")
answers.right("1.1", prediction="BOTH DOWN", kind="numbers", name="capitals")
answers.wrong("1.1", "descent goes against it", prediction="both up")
answers.wrong("1.1", "can the two sums differ in sign", prediction="one up, one down")
answers.wrong("1.1", "can the two sums differ in sign", prediction="one up one down.")
answers.wrong("1.1", 'answer with "both up", "both down" or', prediction="sideways")
answers.wrong("1.1", 'answer with "both up", "both down" or', prediction="down", kind="line")
answers.wrong("1.1", 'answer with "both up"', prediction=("both", "down", "up"), kind="line")

# -------------------------------------------------------------------------- 1.2 mended_training


@answers.right("1.2", name="gradients set to None after the step", kind="state")
def mended_training(x, y, num_epochs):
    torch.manual_seed(42)
    model, losses = lesson.LineModel(), []
    for _ in range(num_epochs):
        loss = nn.functional.l1_loss(model(x), y)
        loss.backward()
        with torch.no_grad():
            for p in model.parameters():
                p -= 0.01 * p.grad
                p.grad = None
        losses.append(loss.item())
    return losses


def trained(x, y, num_epochs, *, lr=0.01, steps=("zero", "backward", "step"), seed=42):
    """Train as the exercise does, with the steps in any order; return the losses as tensors."""
    torch.manual_seed(seed)
    model, losses = lesson.LineModel(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(num_epochs):
        loss = nn.functional.l1_loss(model(x), y)
        do = {"zero": model.zero_grad, "backward": loss.backward, "step": optimizer.step}
        for step in steps:
            do[step]()
        losses.append(loss)
    return losses


@answers.right("1.2", name="tensors with a gradient", kind="numbers quiet")
def mended_training(x, y, num_epochs):
    return trained(x, y, num_epochs)


@answers.right("1.2", name="cleared at the end, as a column", kind="state numbers")
def mended_training(x, y, num_epochs):
    losses = trained(x, y, num_epochs, steps=("backward", "step", "zero"))
    return torch.stack(losses).detach().unsqueeze(1)


@answers.right("1.2", name="an array", kind="numbers")
def mended_training(x, y, num_epochs):
    return np.array([loss.item() for loss in trained(x, y, num_epochs)])


@answers.wrong("1.2", "still swings", kind="state", name="never cleared")
def mended_training(x, y, num_epochs):
    return trained(x, y, num_epochs, steps=("backward", "step"))


@answers.wrong("1.2", "stands still", kind="state", name="cleared in between")
def mended_training(x, y, num_epochs):
    return trained(x, y, num_epochs, steps=("backward", "zero", "step"))


@answers.wrong("1.2", "something else changed", name="half the rate")
def mended_training(x, y, num_epochs):
    return trained(x, y, num_epochs, lr=0.005)


@answers.wrong("1.2", "(seed 42, SGD, lr 0.01)", name="another seed", kind="luck")
def mended_training(x, y, num_epochs):
    return trained(x, y, num_epochs, seed=7)


@answers.wrong("1.2", "return a list of losses, one for each epoch, not the number", kind="line")
def mended_training(x, y, num_epochs):
    return trained(x, y, num_epochs)[-1].item()


@answers.wrong("1.2", "return a list of losses, one for each epoch, not a LineModel", kind="line")
def mended_training(x, y, num_epochs):
    return lesson.LineModel()


@answers.wrong("1.2", "one for each epoch: 150, not 1500")
def mended_training(x, y, num_epochs):
    return trained(x, y, 10 * num_epochs)


@answers.wrong("1.2", "the list of losses holds nan: is the rate still 0.01?", kind="nan")
def mended_training(x, y, num_epochs):
    return [loss * float("nan") for loss in trained(x, y, num_epochs)]


@answers.wrong("1.2", "(line: optimizer = torch.optim.SGD(model.parameters, lr=0.01))", kind="line")
def mended_training(x, y, num_epochs):
    model = lesson.LineModel()
    optimizer = torch.optim.SGD(model.parameters, lr=0.01)
    return [optimizer for _ in range(num_epochs)]


@answers.wrong("1.2", "(line: nn.functional.l1_loss(model(x), y).backward())", kind="line")
def mended_training(x, y, num_epochs):
    model = lesson.LineModel()
    with torch.inference_mode():
        nn.functional.l1_loss(model(x), y).backward()


@answers.wrong("1.2", "is the return missing", kind="return")
def mended_training(x, y, num_epochs):
    losses = [0.0] * num_epochs  # noqa: F841


@answers.wrong("1.2", "your code ended the program with SystemExit (line: sys.exit", kind="quiet")
def mended_training(x, y, num_epochs):
    sys.exit("stop here")


@answers.wrong("1.2", "ended the program with SystemExit (line: parser.parse_args", kind="quiet")
def mended_training(x, y, num_epochs):
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", required=True)
    parser.parse_args(["--rate", "0.01"])


@answers.wrong("1.2", "stopped before your code came to its end", kind="quiet", name="interrupted")
def mended_training(x, y, num_epochs):
    raise KeyboardInterrupt


# --------------------------------------------------------------------------------- 1.3 fit_line


def fitted(x, y, *, loss=nn.functional.mse_loss, lr=0.1, num_epochs=250, decay=False, zero=True):
    """Train a layer; return its two parameters."""
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for epoch in range(num_epochs):
        if zero:
            optimizer.zero_grad()
        loss(model(x), y).backward()
        if decay:
            optimizer.param_groups[0]["lr"] = lr * (1 - epoch / num_epochs)
        optimizer.step()
    return model.weight, model.bias


@answers.right("1.3", name="parameters as they are", kind="numbers quiet")
def fit_line(x, y):
    return fitted(x, y)


@answers.right("1.3", name="a rate that decays", kind="luck")
def fit_line(x, y):
    weight, bias = fitted(x, y, loss=nn.functional.l1_loss, num_epochs=500, decay=True)
    return weight.item(), bias.item()


@answers.right("1.3", name="least squares in closed form", kind="numbers")
def fit_line(x, y):
    return torch.linalg.lstsq(torch.cat([x, torch.ones_like(x)], dim=1), y).solution.flatten()


@answers.right("1.3", name="polyfit, an array", kind="numbers")
def fit_line(x, y):
    return np.polyfit(x.flatten().numpy(), y.flatten().numpy(), 1)


@answers.right("1.3", name="off by a hair", kind="luck", says="one is off by 0.018")
def fit_line(x, y):
    weight, bias = np.polyfit(x.flatten().numpy(), y.flatten().numpy(), 1)
    return weight + 0.018, bias


@answers.wrong("1.3", "if it still falls, more epochs")
def fit_line(x, y):
    weight, bias = fitted(x, y, num_epochs=20)
    return weight.item(), bias.item()


@answers.wrong("1.3", "weight -4 and bias 3: you found", kind="luck", name="absolute, 0.01, 1,000")
def fit_line(x, y):
    return fitted(x, y, loss=nn.functional.l1_loss, lr=0.01, num_epochs=1000)


@answers.wrong("1.3", "if it bounces, let the rate decay", kind="message", name="a fixed 0.1")
def fit_line(x, y):
    return fitted(x, y, loss=nn.functional.l1_loss, lr=0.1, num_epochs=300)


@answers.wrong("1.3", "look for zero_grad()", kind="message state", name="no zero_grad")
def fit_line(x, y):
    return fitted(x, y, loss=nn.functional.l1_loss, lr=0.01, num_epochs=300, zero=False)


@answers.wrong("1.3", "That is the notebook's line: train on", kind="luck", name="constants")
def fit_line(x, y):
    return 0.7, 0.3


@answers.wrong("1.3", "have the same shape?", kind="message", name="squeezed, squared")
def fit_line(x, y):
    return fitted(x, y.squeeze())


@answers.wrong("1.3", "have the same shape?", kind="message", name="squeezed, absolute")
def fit_line(x, y):
    weight, bias = fitted(
        x, y.squeeze(), loss=nn.functional.l1_loss, lr=0.1, num_epochs=500, decay=True
    )
    return weight.item(), bias.item()


@answers.wrong("1.3", "are swapped")
def fit_line(x, y):
    weight, bias = fitted(x, y)
    return bias, weight


@answers.wrong("1.3", "the rate is too large, it blew up", name="blown up")
def fit_line(x, y):
    return fitted(x, y, lr=0.5, num_epochs=50)


@answers.wrong("1.3", "is nan: the rate is too large, it blew up", kind="nan", name="nan")
def fit_line(x, y):
    return fitted(x, y, lr=1, num_epochs=300)


@answers.wrong("1.3", "return two numbers, in the order (weight, bias), not a Linear", kind="line")
def fit_line(x, y):
    return nn.Linear(1, 1)


@answers.wrong("1.3", "in the order (weight, bias), not a list of 1", kind="line")
def fit_line(x, y):
    return [fitted(x, y, num_epochs=1)[0].item()]


@answers.wrong("1.3", "(line: return model(x), y)", kind="line", name="two inputs")
def fit_line(x, y):
    model = nn.Linear(2, 1)
    return model(x), y


# ---------------------------------------------------------------------------- 1.4 thirty_epochs

answers.right("1.4", lr=0.028)
answers.right("1.4", lr=torch.tensor(0.03), kind="numbers")
answers.right("1.4", lr=np.float32(0.027), kind="numbers")
answers.right("1.4", lr=[0.026], kind="numbers")
answers.right("1.4", lr=0.0425, kind="luck", says="That was luck: the line bounces, and at 0.0437")
answers.right("1.4", lr=0.0555, kind="luck", says="That was luck")
answers.right("1.4", lr=0.03, kind="luck", says="right: the training error ends at 0.009882")
answers.wrong("1.4", "ends at 0.2095; this rate is too small: it has not arrived", lr=0.01)
answers.wrong("1.4", "too large: it bounces", lr=0.1)
answers.wrong("1.4", "ends at 0.01995; this rate is too large", lr=0.05, kind="luck")
answers.wrong("1.4", "too large: it bounces", lr=0.045, kind="luck")
answers.wrong("1.4", "too large: it bounces", lr=0.055, kind="luck")
answers.wrong("1.4", "a number above 0", lr=-1)
answers.wrong("1.4", "a number above 0, not True", lr=True, kind="numbers")
answers.wrong("1.4", 'a number above 0, not the text "0.03"', lr="0.03", kind="numbers")
answers.wrong("1.4", "a number above 0, not a list of 2", lr=[0.03, 0.02], kind="numbers")
answers.wrong("1.4", "your answer is nan", lr=float("nan"), kind="nan")
answers.wrong("1.4", "your answer is inf", lr=float("inf"), kind="nan")

# ----------------------------------------------------------------------------- 1.5 mse_gradient


@answers.right("1.5", name="autograd")
def mse_gradient(x, y, weight, bias):
    w, b = (torch.tensor(v, requires_grad=True) for v in (weight, bias))
    ((w * x + b - y) ** 2).mean().backward()
    return w.grad, b.grad


@answers.right("1.5", name="a list of floats", kind="numbers")
def mse_gradient(x, y, weight, bias):
    e = [weight * p + bias - q for p, q in zip(x[:, 0].tolist(), y[:, 0].tolist(), strict=True)]
    n = len(e)
    by_weight = sum(2 * a * p for a, p in zip(e, x.flatten().tolist(), strict=True)) / n
    return [by_weight, 2 * sum(e) / n]


@answers.right("1.5", name="means that keep a dimension", kind="numbers")
def mse_gradient(x, y, weight, bias):
    error = weight * x + bias - y
    return (2 * error * x).mean(dim=0), (2 * error).mean(dim=0)


@answers.right("1.5", name="one product, (1, 2)", kind="numbers")
def mse_gradient(x, y, weight, bias):
    error = weight * x + bias - y
    return 2 / len(x) * error.T @ torch.cat([x, torch.ones_like(x)], dim=1)


@answers.right("1.5", name="NumPy in float64", kind="numbers quiet")
def mse_gradient(x, y, weight, bias):
    x, y = x.numpy().astype(float), y.numpy().astype(float)
    error = weight * x + bias - y
    return np.array([np.mean(2 * error * x), np.mean(2 * error)])


@answers.right("1.5", name="a row with a gradient", kind="quiet")
def mse_gradient(x, y, weight, bias):
    line = torch.tensor([weight, bias], requires_grad=True)
    error = line[0] * x + line[1] - y
    return torch.stack([(2 * error * x).mean(), (2 * error).mean()])


@answers.right("1.5", name="seeds and draws", kind="quiet")
def mse_gradient(x, y, weight, bias):
    torch.manual_seed(1)
    random.seed(2)
    np.random.seed(3)  # noqa: NPY002
    torch.set_default_dtype(torch.float64)
    torch.rand(3), random.random(), np.random.rand()  # noqa: NPY002
    error = weight * x + bias - y
    return (2 * error * x).mean(), (2 * error).mean()


@answers.wrong("1.5", "the sign is flipped")
def mse_gradient(x, y, weight, bias):
    error = y - weight * x - bias
    return (2 * error * x).mean(), (2 * error).mean()


@answers.wrong("1.5", "half of the right value")
def mse_gradient(x, y, weight, bias):
    error = weight * x + bias - y
    return (error * x).mean(), error.mean()


@answers.wrong("1.5", "is a mean over the n points")
def mse_gradient(x, y, weight, bias):
    error = weight * x + bias - y
    return (2 * error * x).sum(), (2 * error).sum()


@answers.wrong("1.5", "divide by the number of points you were given", name="n of the notebook")
def mse_gradient(x, y, weight, bias):
    error = weight * x + bias - y
    return (2 * error * x).sum() / 40, (2 * error).sum() / 40


@answers.wrong("1.5", "gradient of the absolute error")
def mse_gradient(x, y, weight, bias):
    error = weight * x + bias - y
    return (error.sign() * x).mean(), error.sign().mean()


@answers.wrong("1.5", "needs one factor more")
def mse_gradient(x, y, weight, bias):
    error = weight * x + bias - y
    return (2 * error).mean(), (2 * error).mean()


@answers.wrong("1.5", "in the wrong order")
def mse_gradient(x, y, weight, bias):
    error = weight * x + bias - y
    return (2 * error).mean(), (2 * error * x).mean()


@answers.wrong("1.5", "points; one of yours is a tensor of shape (35, 1)", kind="line")
def mse_gradient(x, y, weight, bias):
    error = weight * x + bias - y
    return 2 * error * x, 2 * error


@answers.wrong("1.5", "each a mean over the points, not a tensor of shape (2, 35, 1)", kind="line")
def mse_gradient(x, y, weight, bias):
    error = weight * x + bias - y
    return torch.stack([2 * error * x, 2 * error])


@answers.wrong("1.5", "use the arguments x and y", name="the notebook's points")
def mse_gradient(x, y, weight, bias):
    x = torch.arange(0, 1, 0.02).unsqueeze(1)[:40]
    error = weight * x + bias - (0.7 * x + 0.3)
    return (2 * error * x).mean(), (2 * error).mean()


@answers.wrong("1.5", "multiply point by point first")
def mse_gradient(x, y, weight, bias):
    error = weight * x + bias - y
    return (2 * error).mean() * x.mean(), (2 * error).mean()


@answers.wrong("1.5", "derivative with respect to the bias is 0, where", kind="message")
def mse_gradient(x, y, weight, bias):
    error = weight * x + bias - y
    return (2 * error * x).mean(), 0


@answers.wrong("1.5", "NameError: name 'eror' is not defined", kind="line")
def mse_gradient(x, y, weight, bias):
    error = weight * x + bias - y
    return (2 * eror * x).mean(), (2 * error).mean()  # noqa: F821


@answers.wrong("1.5", "(line: return torch.stack([error @ x, error.mean()]))", kind="line")
def mse_gradient(x, y, weight, bias):
    error = weight * x + bias - y
    return torch.stack([error @ x, error.mean()])


@answers.wrong("1.5", "(line: def mse_gradient(x, y):)", kind="line", name="two arguments")
def mse_gradient(x, y):
    return x.mean(), y.mean()


@answers.wrong("1.5", "one of your numbers is nan: a logarithm or a root of a negative", kind="nan")
def mse_gradient(x, y, weight, bias):
    error = weight * x + bias - y
    return (2 * error.sqrt() * x).mean(), (2 * error.sqrt()).mean()


@answers.wrong("1.5", "one of your numbers is inf: the logarithm of 0, a division by 0", kind="nan")
def mse_gradient(x, y, weight, bias):
    error = weight * x + bias - y
    return (error.pow(2) / x).mean(), (2 * error).mean()


@answers.wrong("1.5", "mse_gradient returned nothing: is the return missing?", kind="return")
def mse_gradient(x, y, weight, bias):
    (2 * (weight * x + bias - y) * x).mean(), (2 * (weight * x + bias - y)).mean()


@answers.wrong("1.5", "is the return missing? (it printed: tensor(", kind="return quiet")
def mse_gradient(x, y, weight, bias):
    print((2 * (weight * x + bias - y)).mean())  # noqa: T201


@answers.wrong("1.5", "· not attempted yet", kind="return", name="pass")
def mse_gradient(x, y, weight, bias):
    """Return (d MSE / d weight, d MSE / d bias)."""
    pass


answers.wrong("1.5", "a function is wanted here, not a tuple of 2", mse_gradient=(0.1, 0.2))
