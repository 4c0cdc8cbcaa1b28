"""Answers to the exercises of lesson 3."""

import random
import sys

import numpy as np
import torch
from answers import Answers
from torch import nn

answers = Answers("03")
lesson = answers.lesson
GENERATOR = np.random.default_rng(3)

# -------------------------------------------------------------------------- 3.1 linear_backward


@answers.right("3.1", name="the formulas")
def linear_backward(dZ, W, A):
    return dZ.T @ A, dZ.sum(axis=0), dZ @ W


@answers.right("3.1", name="turned over twice, a list")
def linear_backward(dZ, W, A):
    return [(A.T @ dZ).T, np.ones(len(dZ)) @ dZ, (W.T @ dZ.T).T]


@answers.right("3.1", name="einsum")
def linear_backward(dZ, W, A):
    dW = np.einsum("ji,jk->ik", dZ, A)
    return dW, np.einsum("ji->i", dZ), np.einsum("ji,ik->jk", dZ, W)


@answers.right("3.1", name="image by image, nested lists", kind="numbers")
def linear_backward(dZ, W, A):
    dW = sum(np.outer(dz, a) for dz, a in zip(dZ, A, strict=True))
    return dW.tolist(), [sum(column) for column in dZ.T], [list(dz @ W) for dz in dZ]


@answers.right("3.1", name="autograd, tensors with a gradient", kind="numbers quiet")
def linear_backward(dZ, W, A):
    w, a = (torch.tensor(array, requires_grad=True) for array in (W, A))
    b = torch.zeros(len(W), dtype=w.dtype, requires_grad=True)
    slopes = torch.autograd.grad(a @ w.T + b, (w, b, a), torch.tensor(dZ))
    return tuple(slope.requires_grad_() for slope in slopes)


@answers.wrong("3.1", "dW should have the shape of W, (3, 2); yours has (2, 3)")
def linear_backward(dZ, W, A):
    return A.T @ dZ, dZ.sum(axis=0), dZ @ W


@answers.wrong("3.1", "dW is turned over", name="reshaped", kind="message")
def linear_backward(dZ, W, A):
    dW = dZ.T @ A
    return dW if dW.shape != dW.T.shape else dW.T, dZ.sum(axis=0), dZ @ W


@answers.wrong("3.1", "dA takes W turned over", name="shapes tried", kind="message luck")
def linear_backward(dZ, W, A):
    turned = W.T if W.shape[0] == W.shape[1] else W
    return dZ.T @ A, dZ.sum(axis=0), dZ @ turned


@answers.wrong("3.1", "the images share a bias", name="square only", kind="message luck")
def linear_backward(dZ, W, A):
    axis = 1 if dZ.shape[0] == dZ.shape[1] else 0
    return dZ.T @ A, dZ.sum(axis=axis), dZ @ W


@answers.wrong("3.1", "db should have the shape of b, (3,); yours has (1, 3)", kind="message")
def linear_backward(dZ, W, A):
    return dZ.T @ A, dZ.sum(axis=0, keepdims=True), dZ @ W


@answers.wrong("3.1", "yours has (4,)", kind="message")
def linear_backward(dZ, W, A):
    return dZ.T @ A, dZ.sum(axis=1), dZ @ W


@answers.wrong("3.1", "dW is divided by m; that factor is in dZ already", kind="message")
def linear_backward(dZ, W, A):
    return dZ.T @ A / len(A), dZ.mean(axis=0), dZ @ W


@answers.wrong("3.1", "db is divided by m")
def linear_backward(dZ, W, A):
    return dZ.T @ A, dZ.mean(axis=0), dZ @ W


@answers.wrong("3.1", "return three arrays: dW, db, dA, not a tuple of 2")
def linear_backward(dZ, W, A):
    return dZ.T @ A, dZ.sum(axis=0)


@answers.wrong("3.1", "return three arrays: dW, db, dA, not an array of shape (3, 2)")
def linear_backward(dZ, W, A):
    return dZ.T @ A


@answers.wrong("3.1", "return three arrays: dW, db, dA, not the text", kind="line")
def linear_backward(dZ, W, A):
    return "dW", "db", "dA"


@answers.wrong("3.1", "(line: return dZ @ A, dZ.sum(axis=0), dZ @ W)", kind="line")
def linear_backward(dZ, W, A):
    return dZ @ A, dZ.sum(axis=0), dZ @ W


@answers.wrong("3.1", "a number of dW is", name="twice")
def linear_backward(dZ, W, A):
    return 2 * dZ.T @ A, dZ.sum(axis=0), dZ @ W


@answers.wrong("3.1", "dA holds nan", kind="nan")
def linear_backward(dZ, W, A):
    return dZ.T @ A, dZ.sum(axis=0), dZ @ np.sqrt(W)


@answers.wrong("3.1", "dZ was changed", kind="state")
def linear_backward(dZ, W, A):
    dZ /= len(dZ)
    return dZ.T @ A, dZ.sum(axis=0), dZ @ W


@answers.wrong("3.1", "is the return missing", kind="return")
def linear_backward(dZ, W, A):
    dZ.T @ A


# ----------------------------------------------------------------------------- 3.2 one_of_three

answers.right("3.2", wrong="c", array="b1")
answers.right("3.2", wrong="C", array="B1", kind="numbers")
answers.right("3.2", wrong=" c ", array="b1.", kind="numbers")
answers.wrong("3.2", "that one is right", wrong="a", array="b1")
answers.wrong("3.2", "that one is right", wrong="b", array="W2")
answers.wrong("3.2", "which array stands out", wrong="c", array="W1")
answers.wrong("3.2", "which array stands out", wrong="c", array="b2", kind="message")
answers.wrong("3.2", 'answer with "a", "b" or "c"', wrong="b1", array="c")
answers.wrong("3.2", 'answer with "W1", "b1", "W2" or "b2"', wrong="c", array=1, kind="line")

# --------------------------------------------------------------------------- 3.3 can_be_trusted

gradient_check, measured_slopes, forward = (
    lesson.gradient_check,
    lesson.measured_slopes,
    lesson.forward,
)


@answers.right("3.3", name="a loop")
def can_be_trusted(backward, net, X, Y):
    trusted = True
    for difference in gradient_check(backward, net, X, Y).values():
        trusted = trusted and difference < 2e-7
    return trusted


@answers.right("3.3", name="NumPy's own", kind="numbers nan")
def can_be_trusted(backward, net, X, Y):
    return np.all(np.array(list(gradient_check(backward, net, X, Y).values())) < 1e-6)


@answers.right("3.3", name="without the check")
def can_be_trusted(backward, net, X, Y):
    slopes = backward(net, forward(net, X)[1], Y)
    return all(
        np.allclose(slopes[name], measured_slopes(net, name, X, Y), rtol=0, atol=1e-6)
        for name in net
    )


@answers.right("3.3", name="a tensor of one answer, and draws", kind="numbers quiet")
def can_be_trusted(backward, net, X, Y):
    GENERATOR.normal(size=3)
    differences = list(gradient_check(backward, net, X, Y).values())
    return (torch.tensor(differences) < 2e-7).all()


@answers.wrong("3.3", "with a slip of 1 % in a single number")
def can_be_trusted(backward, net, X, Y):
    return all(difference < 0.01 for difference in gradient_check(backward, net, X, Y).values())


@answers.wrong("3.3", "does it look at all four arrays")
def can_be_trusted(backward, net, X, Y):
    differences = gradient_check(backward, net, X, Y)
    return bool(differences["W1"] < 2e-7 and differences["W2"] < 2e-7)


@answers.wrong("3.3", "refuses a right one")
def can_be_trusted(backward, net, X, Y):
    return all(difference < 1e-12 for difference in gradient_check(backward, net, X, Y).values())


@answers.wrong("3.3", "one that returns nan", kind="nan")
def can_be_trusted(backward, net, X, Y):
    return not any(d > 2e-7 for d in gradient_check(backward, net, X, Y).values())


@answers.wrong("3.3", "one that returns nan", name="max", kind="nan")
def can_be_trusted(backward, net, X, Y):
    return max(gradient_check(backward, net, X, Y).values()) < 2e-7


@answers.wrong("3.3", "never asks about the net that it is given", name="own net", kind="luck")
def can_be_trusted(backward, net, X, Y):
    net = lesson.initialize((3, 4, 3), np.random.default_rng(0), np.float64)
    differences = gradient_check(backward, net, X, Y)
    return all(difference < 2e-7 for difference in differences.values())


@answers.wrong("3.3", "never asks about the net that it is given", name="asks nothing", kind="luck")
def can_be_trusted(backward, net, X, Y):
    return True


@answers.wrong("3.3", "forgot 1/m", name="always")
def can_be_trusted(backward, net, X, Y):
    return set(backward(net, forward(net, X)[1], Y)) == set(net)


@answers.wrong("3.3", "forgot 1/m", name="a single image", kind="luck")
def can_be_trusted(backward, net, X, Y):
    return all(d < 2e-7 for d in gradient_check(backward, net, X[:1], Y[:1]).values())


@answers.wrong("3.3", "return True or False, not a dict of 4")
def can_be_trusted(backward, net, X, Y):
    return gradient_check(backward, net, X, Y)


@answers.wrong("3.3", "return True or False, not the number", kind="message")
def can_be_trusted(backward, net, X, Y):
    return max(gradient_check(backward, net, X, Y).values())


@answers.wrong("3.3", "AssertionError (line: assert difference < 2e-7)", kind="line")
def can_be_trusted(backward, net, X, Y):
    for difference in gradient_check(backward, net, X, Y).values():
        assert difference < 2e-7
    return True


@answers.wrong("3.3", "is the return missing", kind="return")
def can_be_trusted(backward, net, X, Y):
    gradient_check(backward, net, X, Y)


# -------------------------------------------------------------------------------- 3.4 all_zeros

answers.right("3.4", prediction="c")
answers.right("3.4", prediction="C", kind="numbers")
answers.right("3.4", prediction=" c.", kind="numbers")
answers.wrong("3.4", "the hidden layer gives 0", prediction="a")
answers.wrong("3.4", "the hidden layer gives 0", prediction="A", kind="numbers")
answers.wrong("3.4", "only one of the four arrays", prediction="b")
answers.wrong("3.4", 'answer with "a", "b" or "c"', prediction="explodes")
answers.wrong("3.4", 'answer with "a", "b" or "c"', prediction=3, kind="line")

# --------------------------------------------------------------------------- 3.5 what_adam_hides

answers.right("3.5", prediction="b")
answers.right("3.5", prediction="B", kind="numbers")
answers.right("3.5", prediction=" b ", kind="numbers")
answers.wrong("3.5", "what becomes of a sign", prediction="a")
answers.wrong("3.5", "in another direction", prediction="c")
answers.wrong("3.5", 'answer with "a", "b" or "c"', prediction="1/m", kind="line")
answers.wrong("3.5", 'answer with "a", "b" or "c"', prediction=2, kind="line")

# ------------------------------------------------------------------------------ 3.6 mended_adam


@answers.right("3.6", name="the correction in the rate")
def mended_adam(theta, g, m, v, t, lr):
    m = m + 0.1 * (g - m)
    v = v + 0.001 * (g * g - v)
    rate = lr * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return theta - rate * m / (np.sqrt(v) + 1e-8), m, v


@answers.right("3.6", name="a list", kind="numbers")
def mended_adam(theta, g, m, v, t, lr):
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    step = (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)) ** 0.5 + 1e-8)
    return [theta - lr * step, m, v]


@answers.right("3.6", name="in place, as one array", kind="state numbers")
def mended_adam(theta, g, m, v, t, lr):
    m *= 0.9
    m += 0.1 * g
    v *= 0.999
    v += 0.001 * g * g
    theta -= lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return np.stack([theta, m, v])


@answers.right("3.6", name="PyTorch's own", kind="numbers")
def mended_adam(theta, g, m, v, t, lr):
    parameter = nn.Parameter(torch.tensor(theta))
    optimizer = torch.optim.Adam([parameter], lr=lr)
    state = {"step": torch.tensor(float(t - 1))}
    state |= {"exp_avg": torch.tensor(m), "exp_avg_sq": torch.tensor(v)}
    optimizer.state[parameter] = state
    parameter.grad = torch.tensor(g)
    optimizer.step()
    return parameter, state["exp_avg"], state["exp_avg_sq"]


@answers.right("3.6", name="and draws", kind="quiet")
def mended_adam(theta, g, m, v, t, lr):
    np.random.seed(t)  # noqa: NPY002
    random.seed(t)
    torch.manual_seed(t)
    GENERATOR.random()
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    return theta - lr * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v


def adam(theta, g, m, v, t, lr, beta2=0.999, new=0.001, powers=None):
    """Adam with one thing or another exchanged."""
    first, second = powers or (t, t)
    m, v = 0.9 * m + 0.1 * g, beta2 * v + new * g**2
    m_hat, v_hat = m / (1 - 0.9**first), v / (1 - 0.999**second)
    return theta - lr * m_hat / (np.sqrt(v_hat) + 1e-8), m, v


@answers.wrong("3.6", "v wants β₂")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, beta2=0.9, new=0.1)


@answers.wrong("3.6", "the new part of v has the weight 1 - 0.999", kind="message")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, new=0.1)


@answers.wrong("3.6", "v's old part still decays with 0.9", kind="message")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, beta2=0.9)


@answers.wrong("3.6", "lack their exponent")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, powers=(1, 1))


@answers.wrong("3.6", "v's lacks its exponent still", kind="message")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, powers=(t, 1))


@answers.wrong("3.6", "m's lacks its exponent still", kind="message")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, powers=(1, t))


@answers.wrong("3.6", "t counts from 1 already", kind="message")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, powers=(t + 1, t + 1))


@answers.wrong("3.6", "the bias correction is missing")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, powers=(np.inf, np.inf))


@answers.wrong("3.6", "the bias correction of v is missing", kind="message")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, powers=(t, np.inf))


@answers.wrong("3.6", "the bias correction of m is missing", kind="message")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, powers=(np.inf, t))


@answers.wrong(
    "3.6",
    "m and v are right; theta is 1.005, where 1.01 is right",
    name="half a step",
    kind="message",
)
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr / 2)


@answers.wrong("3.6", "the order is theta, m, v", name="theta last", kind="message")
def mended_adam(theta, g, m, v, t, lr):
    theta, m, v = adam(theta, g, m, v, t, lr)
    return m, v, theta


@answers.wrong("3.6", "the order is theta, m, v", name="v before m", kind="message")
def mended_adam(theta, g, m, v, t, lr):
    theta, m, v = adam(theta, g, m, v, t, lr)
    return theta, v, m


@answers.wrong("3.6", "after step 2, theta holds nan", kind="nan", name="v without squares")
def mended_adam(theta, g, m, v, t, lr):
    theta, m, _ = adam(theta, g, m, v, t, lr)
    return theta, m, 0.999 * v + 0.001 * g


@answers.wrong("3.6", "return v uncorrected")
def mended_adam(theta, g, m, v, t, lr):
    theta, m, v = adam(theta, g, m, v, t, lr)
    return theta, m, v / (1 - 0.999**t) if t == 6 else v


@answers.wrong("3.6", "after 6 steps, v is 0.00170", name="0.99", kind="message")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, beta2=0.99, new=0.01)


@answers.wrong("3.6", "after step 2, theta holds nan: a logarithm or a root of", kind="nan")
def mended_adam(theta, g, m, v, t, lr):
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    return theta - lr * m / (1 - 0.9 * t) / np.sqrt(v / (1 - 0.999 * t)), m, v


@answers.wrong("3.6", "after step 1, theta holds -inf: the logarithm of 0, a division", kind="nan")
def mended_adam(theta, g, m, v, t, lr):
    _, m, v = adam(theta, g, m, v, t, lr)
    return theta - np.abs(g) / (t - 1), m, v


@answers.wrong("3.6", "return m uncorrected")
def mended_adam(theta, g, m, v, t, lr):
    theta, m_new, v_new = adam(theta, g, m, v, t, lr)
    return theta, m_new / (1 - 0.9**t) if t == 6 else m_new, v_new


@answers.wrong("3.6", "keep m uncorrected")
def mended_adam(theta, g, m, v, t, lr):
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    m, v = m / (1 - 0.9**t), v / (1 - 0.999**t)
    return theta - lr * m / (np.sqrt(v) + 1e-8), m, v


@answers.wrong("3.6", "keep v uncorrected")
def mended_adam(theta, g, m, v, t, lr):
    theta, m, v = adam(theta, g, m, v, t, lr)
    return theta, m, v / (1 - 0.999**t)


@answers.wrong("3.6", "after 6 steps, m is", name="0.8", kind="message")
def mended_adam(theta, g, m, v, t, lr):
    return theta - lr * m, 0.8 * m + 0.2 * g, 0.999 * v + 0.001 * g**2


@answers.wrong("3.6", "return three things: theta, m, v, not an array of shape (2,)", kind="line")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr)[0]


@answers.wrong("3.6", "theta has shape (2, 1); it should stay (2,)", kind="message")
def mended_adam(theta, g, m, v, t, lr):
    theta, m, v = adam(theta, g, m, v, t, lr)
    return theta[:, None], m, v


@answers.wrong("3.6", "(line: return theta - lr * m_hat, m, v", kind="line", name="NameError")
def mended_adam(theta, g, m, v, t, lr):
    return theta - lr * m_hat, m, v  # noqa: F821


@answers.wrong("3.6", "is the return missing", kind="return")
def mended_adam(theta, g, m, v, t, lr):
    theta - lr * g / abs(g)


@answers.wrong("3.6", "ended the program with SystemExit", kind="quiet")
def mended_adam(theta, g, m, v, t, lr):
    sys.exit()
