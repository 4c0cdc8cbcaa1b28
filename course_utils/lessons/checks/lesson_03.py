"""The checks of lesson 3: a network in NumPy, without a framework."""

from typing import TypeAlias

import numpy as np

from course_utils.lessons.checks.feedback import (
    Function,
    agree,
    amount,
    ask,
    choice,
    exercise,
    finite,
    number,
    parts,
    refuse,
    require,
    same,
    table,
)

Array: TypeAlias = np.ndarray
STEPS, LR = 6, 0.01


@exercise("3.1")
def price_of_a_dot(prediction: object) -> str:
    """Check the number of megabytes after a division by a Python float."""
    wanted = "answer with 47, 188 or 376"
    answer = amount(prediction, wanted)
    answer = answer / 1e6 if answer > 1e6 else answer  # in bytes, not in megabytes
    mistakes = {
        "that is one byte for each pixel; can a byte hold 0.5?": 47.04,
        "that would be float32; a Python float is float64, and bytes follow it": 188.16,
    }
    refuse(answer, mistakes, atol=0.5)
    require(same(answer, 376.32, 0, 0.5), wanted)
    return "right: float64 takes eight bytes for each pixel"


@exercise("3.2")
def mended_softmax(softmax: Function) -> str:
    """Check a softmax of columns: direction, values, and logits far apart."""
    z = np.random.default_rng(0).normal(0, 2, (4, 3))
    t, right = np.exp(z), np.exp(z) / np.exp(z).sum(axis=0)
    given = table(ask(softmax, z, keep=["Z"]), "return an array of probabilities")
    require(given.shape == z.shape, f"the shape should stay (4, 3), it became {tuple(given.shape)}")
    finite(given, "the softmax of ordinary logits")
    rows = same(given.sum(dim=1), np.ones(4))
    require(not rows, "each row adds up to 1; it should be each column: sum along the other axis")
    of_examples = np.exp(z - z.max(axis=1, keepdims=True))
    mistakes = {
        "the whole table adds up to 1; it should be each column": t / t.sum(),
        "the maximum is taken over the examples; each column needs its own": of_examples
        / of_examples.sum(axis=0),
        "the columns do not add up to 1 yet: divide by their sums": t,
        "these are the logarithms: take exp": np.log(right),
    }
    refuse(given, mistakes)
    agree(given, right, "a probability")
    far = table(ask(softmax, np.hstack([z + 1000, z, z - 1000])))
    high, low = far[:, :3], far[:, 3:]
    require(high.isfinite().all(), "logits near 1000 give nan: subtract the maximum before exp")
    own = "a column near 0 beside one near 1000 gives nan: each needs its own maximum"
    require(low.isfinite().all(), own)
    agree(far, np.hstack([right, right, right]), "beside a column near 1000, a probability")
    return "right: each column adds up to 1, whatever stands beside it"


@exercise("3.3")
def leaky_relu_backward(step: Function) -> str:
    """Check the backward step of leaky ReLU."""
    z = np.array([[2.0, -1.0, 0.5], [-3.0, 1.0, -0.2]])
    above = np.array([[1.0, 2.0, -3.0], [4.0, -5.0, 6.0]])
    slope = np.where(z > 0, 1, 0.01)
    given = table(ask(step, above, z, keep=["dA", "Z"]), "return an array, dZ")
    shape = tuple(given.shape)
    require(shape == z.shape, f"dZ should have the shape of Z, {z.shape}; yours has {shape}")
    mistakes = {
        "this is the slope alone; the chain rule multiplies it by dA": slope,
        "this is plain ReLU; the negative side lets a hundredth pass": above * (z > 0),
        "on the negative side, too, the slope is multiplied by dA": np.where(z > 0, above, 0.01),
        "this is leaky ReLU itself, the forward step; return its slope times dA": z * slope,
        "leaky ReLU itself is multiplied by dA; the chain rule wants its slope": above * z * slope,
        "the sign of Z decides, not that of dA": above * np.where(above > 0, 1, 0.01),
        "the two sides are exchanged: all passes where Z is above 0": above * (1.01 - slope),
        "the slope is a hundredth here; 0.2 is lesson 8's": above * np.where(z > 0, 1, 0.2),
        "above 0 you let a hundredth too much pass: the slope there is 1": above
        * np.where(z > 0, 1.01, 0.01),
        "the line falls on neither side: no slope is negative": above * np.where(z > 0, 1, -0.01),
    }
    refuse(given, mistakes)
    agree(given, above * slope, "a number of dZ")
    return "right: the slope depends on Z, and is multiplied by what comes from above"


@exercise("3.4")
def right_length(rate: object) -> str:
    """Check a learning rate by forty steps on three clouds of points."""
    wanted = "the learning rate is a number above 0"
    lr = number(rate, wanted)
    require(lr > 0, wanted)
    losses = _forty_steps(lr)
    highest = losses[1:].max() if np.isfinite(losses).all() else np.inf
    wild = highest > 1.5 * losses[0]
    found = f"the loss ends at {losses[-1]:.3f}" if highest < np.inf else "the loss ends at nan"
    side = "too large: the loss jumps" if wild else "too small: it has not arrived"
    require(losses[-1] < 0.5, f"{found}; this rate is {side}")
    luck = f", after a jump to {highest:.2f}. With other points such a rate may not come back"
    return f"right: {found}{luck if wild else ''}"


def _forty_steps(lr: float) -> Array:
    """Train a net 2-16-3 by plain gradient descent; return the 41 losses."""
    generator, kinds = np.random.default_rng(3), np.arange(300) % 3
    x = np.array([[0, 0.6, -0.6], [0.6, -0.3, -0.3]])[:, kinds]
    x = x + 1 + generator.normal(0, 0.1, x.shape)
    first, second = generator.normal(0, 1, (16, 2)), generator.normal(0, 0.35, (3, 16))
    losses = []
    for _ in range(41):
        hidden = np.maximum(first @ x, 0)
        shifted = second @ hidden - (second @ hidden).max(axis=0)
        likely = np.exp(shifted) / np.exp(shifted).sum(axis=0)
        losses.append(-np.mean(np.log(likely[kinds, np.arange(300)])))
        slope = (likely - np.eye(3)[kinds].T) / 300
        behind = (second.T @ slope) * (hidden > 0)
        second, first = second - lr * slope @ hidden.T, first - lr * behind @ x.T
    return np.array(losses)


@exercise("3.5")
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
    refuse(m, {corrected.format("m"): right_m / (1 - 0.9**STEPS)}, 1e-5, what="m")
    agree(m, right_m, f"after {STEPS} steps, m", 1e-5)
    mistakes = {
        "v still decays with 0.9; that is β₁, and v wants β₂ = 0.999": _average(0.9, 0.1) @ g**2,
        "the new part of v has the weight 1 - 0.999": _average(0.999, 0.1) @ g**2,
        "v's old part still decays with 0.9": _average(0.9, 0.001) @ g**2,
        corrected.format("v"): right_v / (1 - 0.999**STEPS),
    }
    refuse(v, mistakes, rtol=1e-5, what="v")
    agree(v, right_v, f"after {STEPS} steps, v", 1e-5)


def _gradient(t: int) -> Array:
    return np.array([0.1 * t - 0.35, 2.0 / t])


def _average(old: float, new: float) -> Array:
    """Return the weights of a running average: of the first gradient, of the second, ..."""
    return new * old ** np.arange(STEPS)[::-1]


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


@exercise("3.6")
def all_zeros(prediction: object) -> str:
    """Check the prediction for a net that starts with nothing but zeros."""
    options = "falls as usual", "falls more slowly", "stays near log 10"
    letters = dict(zip("abc", options, strict=True))
    wrong = {
        options[0]: "the hidden layer gives 0, so what is dW2? And dA1 = W2ᵀ dZ2?",
        options[1]: "only one of the four arrays gets a gradient; what can it do?",
    }
    choice(letters.get(str(prediction).strip().lower(), prediction), options, wrong)
    return "right: only b2 gets a gradient, and all it can learn is the classes' frequencies"
