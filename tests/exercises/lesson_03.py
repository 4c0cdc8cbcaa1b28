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

# --------------------------------------------------------------------------- 3.1 price_of_a_dot

answers.right("3.1", prediction=376)
answers.right("3.1", prediction=376.0, kind="numbers")
answers.right("3.1", prediction="376 MB", kind="numbers")
answers.right("3.1", prediction=376.32, kind="numbers")
answers.right("3.1", prediction=60_000 * 784 * 8, kind="numbers", name="bytes")
answers.right("3.1", prediction="376,320,000 bytes", kind="numbers")
answers.right("3.1", prediction=np.float64(376.32), kind="numbers")
answers.wrong("3.1", "can a byte hold 0.5", prediction=47)
answers.wrong("3.1", "can a byte hold 0.5", prediction="47.04", kind="numbers")
answers.wrong("3.1", "that would be float32", prediction=188)
answers.wrong("3.1", "that would be float32", prediction=60_000 * 784 * 4)
answers.wrong("3.1", "answer with 47, 188 or 376", prediction=94)
answers.wrong(
    "3.1", "answer with 47, 188 or 376, not the text", prediction="188 or 376", kind="line"
)
answers.wrong("3.1", "answer with 47, 188 or 376, not a list of 2", prediction=[47, 8], kind="line")
answers.wrong("3.1", "your answer is nan", prediction=float("nan"), kind="nan")

# --------------------------------------------------------------------------- 3.2 mended_softmax


@answers.right("3.2", name="by logarithms", kind="extreme")
def mended_softmax(Z):
    S = Z - Z.max(axis=0)
    return np.exp(S - np.log(np.exp(S).sum(axis=0)))


@answers.right("3.2", name="column by column", kind="extreme")
def mended_softmax(Z):
    columns = [np.exp(z - z.max()) for z in Z.T]
    return np.array([t / t.sum() for t in columns]).T


@answers.right("3.2", name="by PyTorch, a tensor", kind="numbers")
def mended_softmax(Z):
    return torch.softmax(torch.tensor(Z), dim=0)


@answers.right("3.2", name="a list of rows", kind="numbers")
def mended_softmax(Z):
    S = Z - Z.max(axis=0, keepdims=True)
    return [list(np.exp(row) / np.exp(S).sum(axis=0)) for row in S]


@answers.right("3.2", name="with the old assertion, and drawing", kind="quiet")
def mended_softmax(Z):
    GENERATOR.normal(size=3)
    np.random.seed(0)  # noqa: NPY002
    T = np.exp(Z - Z.max(axis=0))
    A = T / T.sum(axis=0)
    assert np.sum(A, axis=0).all() == 1
    return A


@answers.wrong("3.2", "sum along the other axis")
def mended_softmax(Z):
    T = np.exp(Z - Z.max(axis=0))
    return T / T.sum(axis=1, keepdims=True)


@answers.wrong("3.2", "the whole table adds up to 1")
def mended_softmax(Z):
    T = np.exp(Z - Z.max())
    return T / T.sum()


@answers.wrong("3.2", "logits near 1000 give nan: subtract the maximum", kind="extreme nan")
def mended_softmax(Z):
    T = np.exp(Z)
    return T / T.sum(axis=0)


@answers.wrong("3.2", "each needs its own maximum", kind="extreme nan")
def mended_softmax(Z):
    T = np.exp(Z - Z.max())
    return T / T.sum(axis=0, keepdims=True)


@answers.wrong("3.2", "a probability is", kind="extreme", name="a small number in the denominator")
def mended_softmax(Z):
    T = np.exp(Z - Z.max())
    return T / (T.sum(axis=0, keepdims=True) + 1e-9)


@answers.wrong("3.2", "beside a column near 1000, a probability is", kind="extreme", name="clipped")
def mended_softmax(Z):
    T = np.exp(np.clip(Z, -700, 700))
    return T / T.sum(axis=0)


@answers.wrong("3.2", "the maximum is taken over the examples", kind="message")
def mended_softmax(Z):
    T = np.exp(Z - Z.max(axis=1, keepdims=True))
    return T / T.sum(axis=0, keepdims=True)


@answers.wrong("3.2", "the columns do not add up to 1 yet")
def mended_softmax(Z):
    return np.exp(Z)


@answers.wrong("3.2", "✗ a probability is", name="twice as sure", kind="message")
def mended_softmax(Z):
    T = np.exp(2 * (Z - Z.max(axis=0)))
    return T / T.sum(axis=0)


@answers.wrong("3.2", "these are the logarithms: take exp", kind="message")
def mended_softmax(Z):
    S = Z - Z.max(axis=0)
    return S - np.log(np.exp(S).sum(axis=0))


@answers.wrong("3.2", "the shape should stay")
def mended_softmax(Z):
    return Z.argmax(axis=0)


@answers.wrong("3.2", "the softmax of ordinary logits holds nan: a logarithm or a root", kind="nan")
def mended_softmax(Z):
    return np.log(Z) / np.log(Z).sum(axis=0)


@answers.wrong("3.2", "Z was changed: an operation such as +=", kind="state", name="in place")
def mended_softmax(Z):
    Z -= Z.max(axis=0)
    return np.exp(Z) / np.exp(Z).sum(axis=0)


@answers.wrong("3.2", "AssertionError (line: assert np.allclose(A.sum(axis=0), 1))", kind="line")
def mended_softmax(Z):
    A = np.exp(Z) / np.exp(Z).sum()
    assert np.allclose(A.sum(axis=0), 1)
    return A


@answers.wrong("3.2", "(line: return np.exp(Z) / np.exp(Z).sum(axis=2))", kind="line")
def mended_softmax(Z):
    return np.exp(Z) / np.exp(Z).sum(axis=2)


@answers.wrong("3.2", "mended_softmax returned nothing", kind="return")
def mended_softmax(Z):
    Z / Z


# ---------------------------------------------------------------------- 3.3 leaky_relu_backward


@answers.right("3.3", name="in two terms")
def leaky_relu_backward(dA, Z):
    return dA * (Z > 0) + 0.01 * dA * (Z <= 0)


@answers.right("3.3", name="on a copy", kind="state")
def leaky_relu_backward(dA, Z):
    dZ = dA.copy()
    dZ[Z <= 0] *= 0.01
    return dZ


@answers.right("3.3", name="slopes in a table of ones", kind="state")
def leaky_relu_backward(dA, Z):
    g = np.ones_like(Z)
    g[Z < 0] = 0.01
    return g * dA


@answers.right("3.3", name="nested lists", kind="numbers")
def leaky_relu_backward(dA, Z):
    rows = zip(dA, Z, strict=True)
    return [[a if z > 0 else a / 100 for a, z in zip(*row, strict=True)] for row in rows]


@answers.right("3.3", name="autograd, a tensor with a gradient", kind="numbers quiet")
def leaky_relu_backward(dA, Z):
    z = torch.tensor(Z, requires_grad=True)
    a = nn.functional.leaky_relu(z, 0.01)
    (slope,) = torch.autograd.grad(a, z, torch.tensor(dA))
    return slope.requires_grad_()


@answers.wrong("3.3", "this is the slope alone")
def leaky_relu_backward(dA, Z):
    return np.where(Z > 0, 1, 0.01)


@answers.wrong("3.3", "this is plain ReLU")
def leaky_relu_backward(dA, Z):
    return dA * (Z > 0)


@answers.wrong("3.3", "the slope is multiplied by dA")
def leaky_relu_backward(dA, Z):
    return np.where(Z > 0, dA, 0.01)


@answers.wrong("3.3", "the forward step")
def leaky_relu_backward(dA, Z):
    return np.where(Z > 0, Z, 0.01 * Z)


@answers.wrong("3.3", "leaky ReLU itself is multiplied by dA", kind="message")
def leaky_relu_backward(dA, Z):
    return dA * np.where(Z > 0, Z, 0.01 * Z)


@answers.wrong("3.3", "the two sides are exchanged", kind="message")
def leaky_relu_backward(dA, Z):
    return dA * np.where(Z > 0, 0.01, 1)


@answers.wrong("3.3", "0.2 is lesson 8's", kind="message")
def leaky_relu_backward(dA, Z):
    return dA * np.where(Z > 0, 1, 0.2)


@answers.wrong("3.3", "a hundredth too much", kind="message")
def leaky_relu_backward(dA, Z):
    return dA * (Z > 0) + 0.01 * dA


@answers.wrong("3.3", "a number of dZ is 0.002, where 0.02 is right", kind="message")
def leaky_relu_backward(dA, Z):
    return dA * np.where(Z > 0, 1, 0.001)


@answers.wrong("3.3", "the sign of Z decides")
def leaky_relu_backward(dA, Z):
    return dA * np.where(dA > 0, 1, 0.01)


@answers.wrong("3.3", "no slope is negative")
def leaky_relu_backward(dA, Z):
    return dA * np.where(Z > 0, 1, -0.01)


@answers.wrong("3.3", "dA was changed: an operation such as +=", kind="state")
def leaky_relu_backward(dA, Z):
    dA[Z < 0] *= 0.01
    return dA


@answers.wrong("3.3", "Z was changed: an operation such as +=", kind="state")
def leaky_relu_backward(dA, Z):
    Z[Z > 0] = 1
    Z[Z < 0] = 0.01
    return dA * Z


@answers.wrong("3.3", "the result holds inf", kind="nan")
def leaky_relu_backward(dA, Z):
    return np.where(Z > 0, dA, dA / 0.0)


@answers.wrong("3.3", "return an array, dZ, not the text", kind="line")
def leaky_relu_backward(dA, Z):
    return "dA", Z


@answers.wrong("3.3", "yours has (2, 2)", kind="message")
def leaky_relu_backward(dA, Z):
    return dA @ Z.T


@answers.wrong("3.3", "leaky_relu_backward returned nothing", kind="return")
def leaky_relu_backward(dA, Z):
    dA / 100


# ----------------------------------------------------------------------------- 3.4 right_length

answers.right("3.4", lr=0.3, says="right: the loss ends at 0.447")
answers.right("3.4", lr=1)
answers.right("3.4", lr=torch.tensor(0.5), kind="numbers")
answers.right("3.4", lr=np.array([0.2]), kind="numbers")
answers.right("3.4", lr=2.5, kind="luck", says="such a rate may not come back")
answers.right("3.4", lr=1.6, kind="luck", says="after a jump to 4.90")
answers.wrong("3.4", "too small: it has not arrived", lr=0.01)
answers.wrong("3.4", "ends at 0.505; this rate is too small", lr=0.127, kind="message")
answers.wrong("3.4", "too large: the loss jumps", lr=5)
answers.wrong("3.4", "too large: the loss jumps", lr=3, kind="luck")
answers.wrong("3.4", "too large: the loss jumps", lr=1000)
answers.wrong("3.4", "the loss ends at nan; this rate is too large", lr=1e200, kind="nan extreme")
answers.wrong("3.4", "a number above 0", lr=0)
answers.wrong("3.4", "a number above 0, not True", lr=True, kind="numbers")
answers.wrong("3.4", "your answer is nan", lr=float("nan"), kind="nan")
answers.wrong("3.4", "a number above 0, not a list of 2", lr=[0.1, 0.2], kind="line")

# ------------------------------------------------------------------------------ 3.5 mended_adam


@answers.right("3.5", name="the correction in the rate")
def mended_adam(theta, g, m, v, t, lr):
    m = m + 0.1 * (g - m)
    v = v + 0.001 * (g * g - v)
    rate = lr * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return theta - rate * m / (np.sqrt(v) + 1e-8), m, v


@answers.right("3.5", name="a list", kind="numbers")
def mended_adam(theta, g, m, v, t, lr):
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    step = (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)) ** 0.5 + 1e-8)
    return [theta - lr * step, m, v]


@answers.right("3.5", name="in place, as one array", kind="state numbers")
def mended_adam(theta, g, m, v, t, lr):
    m *= 0.9
    m += 0.1 * g
    v *= 0.999
    v += 0.001 * g * g
    theta -= lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return np.stack([theta, m, v])


@answers.right("3.5", name="PyTorch's own", kind="numbers")
def mended_adam(theta, g, m, v, t, lr):
    parameter = nn.Parameter(torch.tensor(theta))
    optimizer = torch.optim.Adam([parameter], lr=lr)
    state = {"step": torch.tensor(float(t - 1))}
    state |= {"exp_avg": torch.tensor(m), "exp_avg_sq": torch.tensor(v)}
    optimizer.state[parameter] = state
    parameter.grad = torch.tensor(g)
    optimizer.step()
    return parameter, state["exp_avg"], state["exp_avg_sq"]


@answers.right("3.5", name="and draws", kind="quiet")
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


@answers.wrong("3.5", "v wants β₂")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, beta2=0.9, new=0.1)


@answers.wrong("3.5", "the new part of v has the weight 1 - 0.999", kind="message")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, new=0.1)


@answers.wrong("3.5", "v's old part still decays with 0.9", kind="message")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, beta2=0.9)


@answers.wrong("3.5", "lack their exponent")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, powers=(1, 1))


@answers.wrong("3.5", "v's lacks its exponent still", kind="message")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, powers=(t, 1))


@answers.wrong("3.5", "m's lacks its exponent still", kind="message")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, powers=(1, t))


@answers.wrong("3.5", "t counts from 1 already", kind="message")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, powers=(t + 1, t + 1))


@answers.wrong("3.5", "the bias correction is missing")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, powers=(np.inf, np.inf))


@answers.wrong("3.5", "the bias correction of v is missing", kind="message")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, powers=(t, np.inf))


@answers.wrong("3.5", "the bias correction of m is missing", kind="message")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, powers=(np.inf, t))


@answers.wrong(
    "3.5",
    "m and v are right; theta is 1.005, where 1.01 is right",
    name="half a step",
    kind="message",
)
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr / 2)


@answers.wrong("3.5", "after step 2, theta holds nan", kind="nan", name="v without squares")
def mended_adam(theta, g, m, v, t, lr):
    theta, m, _ = adam(theta, g, m, v, t, lr)
    return theta, m, 0.999 * v + 0.001 * g


@answers.wrong("3.5", "return v uncorrected")
def mended_adam(theta, g, m, v, t, lr):
    theta, m, v = adam(theta, g, m, v, t, lr)
    return theta, m, v / (1 - 0.999**t) if t == 6 else v


@answers.wrong("3.5", "after 6 steps, v is 0.00170", name="0.99", kind="message")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr, beta2=0.99, new=0.01)


@answers.wrong("3.5", "after step 2, theta holds nan: a logarithm or a root of", kind="nan")
def mended_adam(theta, g, m, v, t, lr):
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    return theta - lr * m / (1 - 0.9 * t) / np.sqrt(v / (1 - 0.999 * t)), m, v


@answers.wrong("3.5", "after step 1, theta holds -inf: the logarithm of 0, a division", kind="nan")
def mended_adam(theta, g, m, v, t, lr):
    _, m, v = adam(theta, g, m, v, t, lr)
    return theta - np.abs(g) / (t - 1), m, v


@answers.wrong("3.5", "return m uncorrected")
def mended_adam(theta, g, m, v, t, lr):
    theta, m_new, v_new = adam(theta, g, m, v, t, lr)
    return theta, m_new / (1 - 0.9**t) if t == 6 else m_new, v_new


@answers.wrong("3.5", "after 6 steps, m is")
def mended_adam(theta, g, m, v, t, lr):
    theta, m, v = adam(theta, g, m, v, t, lr)
    return theta, m / (1 - 0.9**t), v / (1 - 0.999**t)


@answers.wrong("3.5", "return three things: theta, m, v, not an array of shape (2,)", kind="line")
def mended_adam(theta, g, m, v, t, lr):
    return adam(theta, g, m, v, t, lr)[0]


@answers.wrong("3.5", "theta has shape (2, 1); it should stay (2,)", kind="message")
def mended_adam(theta, g, m, v, t, lr):
    theta, m, v = adam(theta, g, m, v, t, lr)
    return theta[:, None], m, v


@answers.wrong("3.5", "(line: return theta - lr * m_hat, m, v", kind="line", name="NameError")
def mended_adam(theta, g, m, v, t, lr):
    return theta - lr * m_hat, m, v  # noqa: F821


@answers.wrong("3.5", "is the return missing", kind="return")
def mended_adam(theta, g, m, v, t, lr):
    theta - lr * g / abs(g)


@answers.wrong("3.5", "ended the program with SystemExit", kind="quiet")
def mended_adam(theta, g, m, v, t, lr):
    sys.exit()


# -------------------------------------------------------------------------------- 3.6 all_zeros

answers.right("3.6", prediction="stays near log 10")
answers.right("3.6", prediction=" Stays near log 10 ", kind="numbers")
answers.right("3.6", prediction="stays near log(10).", kind="numbers")
answers.right("3.6", prediction="stays near log10", kind="numbers")
answers.right("3.6", prediction="C", kind="numbers")
answers.wrong("3.6", "the hidden layer gives 0", prediction="falls as usual")
answers.wrong("3.6", "the hidden layer gives 0", prediction="a", kind="numbers")
answers.wrong("3.6", "only one of the four arrays", prediction="falls more slowly")
answers.wrong("3.6", 'answer with "falls as usual", "falls more slowly" or', prediction="explodes")
answers.wrong("3.6", "answer with", prediction=3, kind="line")
