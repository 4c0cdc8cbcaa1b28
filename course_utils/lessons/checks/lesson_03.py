"""The checks of lesson 3: a network in NumPy, without a framework."""

import contextlib
import io
import time
from typing import TypeAlias

import numpy as np
import torch

from course_utils.lessons.checks.feedback import (
    Function,
    agree,
    ask,
    choice,
    exercise,
    finite,
    kind_of,
    parts,
    refuse,
    require,
    same,
    table,
)

Array: TypeAlias = np.ndarray
Arrays: TypeAlias = dict[str, Array]
STEPS, LR = 6, 0.01


@exercise("3.1")
def linear_backward(function: Function) -> str:
    """Check dW, db and dA of Z = A Wᵀ + b; where all is square, shapes tell nothing."""
    for m, outputs, inputs in ((4, 3, 2), (3, 3, 3)):
        dz, w, a = torch.randn(m, outputs), torch.randn(outputs, inputs), torch.randn(m, inputs)
        leaves = [leaf.double().requires_grad_() for leaf in (w, torch.zeros(outputs), a)]
        above = dz.double() * (leaves[2] @ leaves[0].T + leaves[1])
        right = torch.autograd.grad(above.sum(), leaves)
        arrays = [x.double().numpy() for x in (dz, w, a)]
        wanted = "return three arrays: dW, db, dA"
        told = ask(function, *arrays, keep=["dZ", "W", "A"])
        alone = f"{wanted}, not {kind_of(told)}"  # else its rows would be taken for the three
        require(not hasattr(told, "shape"), alone)
        given = parts(told, 3, wanted)
        for name, part, slope in zip(("dW", "db", "dA"), given, right, strict=True):
            found, shape = table(part, wanted), tuple(slope.shape)
            shapes = f"the shape of {name[1]}, {shape}; yours has {tuple(found.shape)}"
            require(found.shape == slope.shape, f"{name} should have {shapes}")
            mistakes = {f"{name} is divided by m; that factor is in dZ already": slope / m}
            if m == outputs == inputs:
                mistakes["dW is turned over: output i is its row i"] = right[0].T
                mistakes["db sums over the outputs; the images share a bias"] = dz.sum(dim=1)
                mistakes["dA takes W turned over: output i is W's row i"] = dz @ w.T
            refuse(found, mistakes, what=name)
            agree(found, slope, f"a number of {name}", 1e-5)
    return "right: the slopes of W, b and A, as autograd finds them"


def solution(dz: Array, w: Array, a: Array) -> tuple[Array, Array, Array]:
    """Return dW, db and dA: what the lesson computes with until the student's own passes."""
    return dz.T @ a, dz.sum(axis=0), dz @ w


def yours_or_ours(function: Function) -> Function:
    """Return the student's linear_backward if it is right and can train the net, else ours."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        linear_backward(function)
    passed = "✓" in said.getvalue() and function is not solution
    yours = passed and _can_train(function)
    print(f"linear_backward: {'yours' if yours else 'the one of the solution'}")  # noqa: T201
    if passed and not yours:
        print("Yours is right; without loops, on float32, it could train the net.")  # noqa: T201
    return function if yours else solution


def _can_train(function: Function) -> bool:
    """Say whether it is quick enough for 3,000 steps, and gives arrays of float32 for such."""
    sizes, times = ((128, 16), (16, 784), (128, 784)), []
    with contextlib.suppress(Exception):
        for _ in range(2):  # what is slow only the first time counts as quick
            started = time.perf_counter()
            found = function(*(np.ones(size, np.float32) for size in sizes))
            times.append(time.perf_counter() - started)
        return min(times) < 0.1 and all(part.dtype == np.float32 for part in found)
    return False


def _backward(net: Arrays, cache: Arrays, truth: Array, slip: str = "") -> Arrays:
    """Return the slopes of the lesson's net, with one slip or none."""
    above = torch.softmax(torch.from_numpy(cache["Z2"]), dim=1).numpy() - truth
    hidden = above @ net["W2"]
    below = hidden * (cache["A1"] > 0)
    biases = hidden if slip == "b1" else below
    slopes = {"W1": below.T @ cache["X"], "b1": biases.sum(axis=0)}
    slopes |= {"W2": above.T @ cache["A1"], "b2": above.sum(axis=0)}
    largest = np.abs(slopes["W1"]).argmax()
    slopes["W1"].flat[largest] *= 1.01 if slip == "one number" else 1
    slopes["W2"][0, 0] *= np.nan if slip == "nan" else 1  # max() loses a nan that isn't the first
    return {name: slope / (1 if slip == "m" else len(truth)) for name, slope in slopes.items()}


def _image_by_image(net: Arrays, cache: Arrays, truth: Array) -> Arrays:
    """Return the same slopes, as the mean of those of single images."""
    rows = [{name: value[[j]] for name, value in cache.items()} for j in range(len(truth))]
    each = [_backward(net, row, truth[[j]]) for j, row in enumerate(rows)]
    return {name: np.mean([one[name] for one in each], axis=0) for name in net}


def _with(slip: str) -> Function:
    return lambda net, cache, truth: _backward(net, cache, truth, slip)


PASSES = {"a": _with(""), "b": _image_by_image, "c": _with("b1")}


@exercise("3.2")
def one_of_three(wrong: object, array: object) -> str:
    """Check which of the three backward passes is wrong, and where."""
    quiet = "all its relative differences are below 2e-7: that one is right"
    choice(wrong, "abc", dict.fromkeys("ab", quiet))
    elsewhere = "there the gradient check of c finds next to nothing; which array stands out?"
    choice(array, ("W1", "b1", "W2", "b2"), dict.fromkeys(("W1", "W2", "b2"), elsewhere))
    return "right: found without reading a line"


@exercise("3.3")
def can_be_trusted(test: Function) -> str:
    """Check a student's test on right backward passes and on wrong ones."""
    strict = "your test refuses a right one: finite differences are not exact to the last digit"
    require(_said(test, _with("")) and _said(test, _image_by_image), strict)
    slips = {
        "m": "your test trusts one that forgot 1/m",
        "b1": "your test trusts one that is wrong in b1 alone: does it look at all four arrays?",
        "one number": "your test trusts one with a slip of 1 % in a single number: a lower limit?",
        "nan": "your test trusts one that returns nan: is every number below the limit?",
    }
    for slip, message in slips.items():
        require(not _said(test, _with(slip)), message)
    return "right: it trusts the right ones and none of the wrong ones"


def _said(test: Function, backward: Function) -> bool:
    """Return what a student's test says of a backward pass, on a net of 3, 4 and 3 units."""
    generator = np.random.default_rng(1)
    net = {"W1": generator.normal(size=(4, 3)), "b1": generator.normal(size=4)}
    net |= {"W2": generator.normal(size=(3, 4)), "b2": generator.normal(size=3)}
    images, truth = generator.normal(size=(6, 3)), np.eye(3)[[0, 1, 2, 0, 1, 2]]
    asked = []

    def noting(*args: Arrays) -> Arrays:
        asked.append(args[0]["W1"])
        return backward(*args)

    given = ask(test, noting, net, images, truth)
    word = str(getattr(given, "item", lambda: given)())
    require(word in {"True", "False"}, f"return True or False, not {kind_of(given)}")
    own = "your test never asks about the net that it is given: use net, X and Y"
    require(any(same(one, net["W1"]) for one in asked), own)
    return word == "True"


@exercise("3.4")
def all_zeros(prediction: object) -> str:
    """Check the prediction for a net that starts with nothing but zeros."""
    wrong = {
        "a": "the hidden layer gives 0, so what is dW2? And dA1 = dZ2 @ W2?",
        "b": "only one of the four arrays gets a gradient; what can it do?",
    }
    choice(prediction, "abc", wrong)
    return "right: only b2 gets a gradient, and all it can learn is the classes' frequencies"


@exercise("3.5")
def what_adam_hides(prediction: object) -> str:
    """Check the prediction of the bug that leaves no trace when Adam takes the steps."""
    wrong = {
        "a": "Adam divides by the size; what becomes of a sign?",
        "c": "that gradient points in another direction; does a division by its size mend that?",
    }
    choice(prediction, "abc", wrong)
    return "right: Adam divides the gradient by its own size, and a factor cancels"


@exercise("3.6")
def mended_adam(update: Function) -> str:
    """Check six steps of Adam on a gradient that changes its size and sign."""
    theta, m, v, trail = np.array([1.0, -2.0]), np.zeros(2), np.zeros(2), []
    for t in range(1, STEPS + 1):
        wanted = "return three things: theta, m, v"
        result = parts(ask(update, theta, _gradient(t), m, v, t, LR), 3, wanted)
        theta, m, v = (table(part, f"{wanted}, each an array").numpy() for part in result)
        for name, value in (("theta", theta), ("m", m), ("v", v)):
            require(value.shape == (2,), f"{name} has shape {value.shape}; it should stay (2,)")
            finite(value, f"after step {t}, {name}")
        first_m = 0.1 * _gradient(1)
        turned = not same(m, first_m) and (same(theta, first_m) or same(v, first_m))
        require(t > 1 or not turned, "the order is theta, m, v; your m is not the second")
        trail.append(theta)
    _judge_averages(m, v)
    lacking, missing = "the corrections lack their exponent", "the bias correction is missing"
    mistakes = {
        f"{lacking}: it is 1 - β to the power t, and t grows": _adam("1", "1"),
        f"{missing}: the first step is three times too long": _adam("none", "none"),
        "m's correction is right, v's lacks its exponent still": _adam("t", "1"),
        "v's correction is right, m's lacks its exponent still": _adam("1", "t"),
        "the bias correction of v is missing": _adam("t", "none"),
        "the bias correction of m is missing": _adam("none", "t"),
        "t counts from 1 already: leave it as it is": _adam("t + 1", "t + 1"),
    }
    refuse(np.array(trail), mistakes, rtol=1e-5, atol=1e-7)
    agree(np.array(trail), _adam("t", "t"), "m and v are right; theta", 0, 1e-7)
    return "right: six steps as Adam takes them"


def _judge_averages(m: Array, v: Array) -> None:
    g = np.array([_gradient(t) for t in range(1, STEPS + 1)])
    right_m, right_v = _average(0.9, 0.1) @ g, _average(0.999, 0.001) @ g**2
    corrected = "the corrected one belongs into the step alone; return {} uncorrected"
    fed_back = "the corrected one went into the next average; keep {} uncorrected"
    of_m = {
        corrected.format("m"): right_m / (1 - 0.9**STEPS),
        fed_back.format("m"): _fed_back(0.9, g),
    }
    refuse(m, of_m, 1e-5, what="m")
    agree(m, right_m, f"after {STEPS} steps, m", 1e-5)
    mistakes = {
        "v still decays with 0.9; that is β₁, and v wants β₂ = 0.999": _average(0.9, 0.1) @ g**2,
        "the new part of v has the weight 1 - 0.999": _average(0.999, 0.1) @ g**2,
        "v's old part still decays with 0.9": _average(0.9, 0.001) @ g**2,
        corrected.format("v"): right_v / (1 - 0.999**STEPS),
        fed_back.format("v"): _fed_back(0.999, g**2),
    }
    refuse(v, mistakes, rtol=1e-5, what="v")
    agree(v, right_v, f"after {STEPS} steps, v", 1e-5)


def _gradient(t: int) -> Array:
    return np.array([0.1 * t - 0.35, 2.0 / t])


def _average(old: float, new: float) -> Array:
    """Return the weights of a running average: of the first gradient, of the second, ..."""
    return new * old ** np.arange(STEPS)[::-1]


def _fed_back(beta: float, values: Array) -> Array:
    """Return the last average of a loop that corrects its average and goes on from that."""
    average = np.zeros_like(values[0])
    for t, value in enumerate(values, start=1):
        average = (beta * average + (1 - beta) * value) / (1 - beta**t)
    return average


def _adam(of_m: str, of_v: str) -> Array:
    """Return where Adam's steps lead, with these exponents in the corrections of m and of v."""
    theta, m, v, trail = np.array([1.0, -2.0]), np.zeros(2), np.zeros(2), []
    for t in range(1, STEPS + 1):
        exponents = {"t": t, "1": 1, "t + 1": t + 1, "none": np.inf}
        m, v = 0.9 * m + 0.1 * _gradient(t), 0.999 * v + 0.001 * _gradient(t) ** 2
        m_hat, v_hat = m / (1 - 0.9 ** exponents[of_m]), v / (1 - 0.999 ** exponents[of_v])
        theta = theta - LR * m_hat / (np.sqrt(v_hat) + 1e-8)
        trail.append(theta)
    return np.array(trail)
