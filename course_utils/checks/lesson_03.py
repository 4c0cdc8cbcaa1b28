"""The checks of lesson 3: a network in NumPy, without a framework."""

from collections.abc import Callable

import numpy as np

from course_utils.checks.feedback import attempted, exercise, require

Array = np.ndarray
STEPS, LR = 6, 0.01


def _unlike(given: Array, mistakes: dict[str, Array]) -> None:
    """Raise ``Wrong`` with the message of the first mistake that gives the same numbers."""
    for message, candidate in mistakes.items():
        require(not np.allclose(given, candidate, rtol=1e-5, atol=1e-7), message)


@exercise("3.1")
def price_of_a_dot(prediction: float | str) -> str:
    """Check the number of megabytes after a division by a Python float."""
    answer = str(prediction).upper().removesuffix("MB").strip(" .!").removesuffix(".0")
    require(answer in {"47", "188", "376"}, "answer with 47, 188 or 376")
    require(answer != "47", "that is one byte for each pixel; can a byte hold 0.5?")
    require(
        answer == "376",
        "that would be float32; a Python float is float64, and an array of bytes follows it",
    )
    return "right: float64 takes eight bytes for each pixel"


@exercise("3.2")
def mended_softmax(softmax: Callable[[Array], Array]) -> str:
    """Check a softmax of columns: direction, values, and logits far apart."""
    z = np.random.default_rng(0).normal(0, 2, (4, 3))
    t = np.exp(z)
    with np.errstate(all="ignore"):
        a = np.asarray(attempted(softmax(z.copy())))
        far = np.asarray(softmax(np.hstack([z + 1000, z])))
    require(a.shape == z.shape, f"the shape should stay {z.shape}, it became {a.shape}")
    rows = np.allclose(a.sum(axis=1), 1)
    require(not rows, "each row adds up to 1; it should be each column: sum along the other axis")
    _unlike(a, {"the whole table adds up to 1; it should be each column": t / t.sum()})
    require(np.allclose(a, t / t.sum(axis=0)), "these are not the softmax of z's columns")
    high, low = np.isnan(far[:, :3]).any(), np.isnan(far[:, 3:]).any()
    require(not high, "logits near 1000 give nan: subtract the maximum before exp")
    require(not low, "a column near 0 beside one near 1000 gives nan: each needs its own maximum")
    require(np.allclose(far, np.hstack([a, a])), "adding 1000 to a column should change nothing")
    return "right: each column adds up to 1, whatever stands beside it"


@exercise("3.3")
def leaky_relu_backward(step: Callable[[Array, Array], Array]) -> str:
    """Check the backward step of leaky ReLU."""
    z = np.array([[2.0, -1.0, 0.5], [-3.0, 1.0, -0.2]])
    above = np.array([[1.0, 2.0, -3.0], [4.0, -5.0, 6.0]])
    slope = np.where(z > 0, 1, 0.01)
    given = (above.copy(), z.copy())
    result = np.asarray(attempted(step(*given)), dtype=float)
    unchanged = np.array_equal(given[0], above) and np.array_equal(given[1], z)
    require(unchanged, "an argument was changed; the caller still needs it, so work on a copy")
    require(result.shape == z.shape, f"dZ should have the shape of Z, {z.shape}")
    mistakes = {
        "this is the slope alone; the chain rule multiplies it by dA": slope,
        "this is plain ReLU; the negative side lets a hundredth pass": above * (z > 0),
        "on the negative side, too, the slope is multiplied by dA": np.where(z > 0, above, 0.01),
        "this is leaky ReLU itself, the forward step; return its slope times dA": z * slope,
        "the sign of Z decides, not that of dA": above * np.where(above > 0, 1, 0.01),
    }
    _unlike(result, mistakes)
    require(np.allclose(result, above * slope), "dZ should be dA where Z > 0, else 0.01 dA")
    return "right: the slope depends on Z, and is multiplied by what comes from above"


@exercise("3.4")
def right_length(lr: float) -> str:
    """Check a learning rate by forty steps on three clouds of points."""
    require(isinstance(lr, int | float) and lr > 0, "the learning rate is a number above 0")
    losses = _forty_steps(float(lr))
    wild = not np.isfinite(losses).all() or losses[1:].max() > 1.5 * losses[0]
    side = "too large: the loss jumps" if wild else "too small: it has not arrived"
    require(losses[-1] < 0.5, f"the loss ends at {losses[-1]:.2f}; this rate is {side}")
    return f"right: the loss ends at {losses[-1]:.2f}"


def _forty_steps(lr: float) -> Array:
    """Train a net 2-16-3 by plain gradient descent; return the 41 losses."""
    generator, kinds = np.random.default_rng(3), np.arange(300) % 3
    x = np.array([[0, 0.6, -0.6], [0.6, -0.3, -0.3]])[:, kinds]
    x = x + 1 + generator.normal(0, 0.1, x.shape)
    first, second = generator.normal(0, 1, (16, 2)), generator.normal(0, 0.35, (3, 16))
    losses = []
    with np.errstate(all="ignore"):
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
def mended_adam(update: Callable[..., tuple[Array, Array, Array]]) -> str:
    """Check six steps of Adam on a gradient that changes its size and sign."""
    theta, m, v, trail = np.array([1.0, -2.0]), np.zeros(2), np.zeros(2), []
    for t in range(1, STEPS + 1):
        result = attempted(update(theta.copy(), _gradient(t), m.copy(), v.copy(), t, LR))
        require(len(result) == 3, "return three things: theta, m, v")
        theta, m, v = (np.asarray(part, dtype=float) for part in result)
        trail.append(theta)
    slopes = np.array([_gradient(t) for t in range(1, STEPS + 1)])
    weights = 0.1 * 0.9 ** np.arange(STEPS)[::-1]
    require(np.allclose(m, weights @ slopes), "m should be the running average of g, uncorrected")
    _unlike(v, {"v still decays with 0.9; that is β₁, and v wants β₂ = 0.999": weights @ slopes**2})
    constant = "the corrections lack their exponent: it is 1 - β to the power t, and t grows"
    missing = "the bias correction is missing: the first step is three times too long"
    _unlike(np.array(trail), {constant: _adam(constant=True), missing: _adam(missing=True)})
    require(np.allclose(trail, _adam(), atol=1e-7), "the averages are right, the steps are not yet")
    return "right: six steps as Adam takes them"


def _gradient(t: int) -> Array:
    return np.array([0.1 * t - 0.35, 2.0 / t])


def _adam(constant: bool = False, missing: bool = False) -> Array:
    """Return where Adam's steps lead, its bias correction right, constant or missing."""
    theta, m, v, trail = np.array([1.0, -2.0]), np.zeros(2), np.zeros(2), []
    for t in range(1, STEPS + 1):
        m, v = 0.9 * m + 0.1 * _gradient(t), 0.999 * v + 0.001 * _gradient(t) ** 2
        power = np.inf if missing else 1 if constant else t
        theta = theta - LR * (m / (1 - 0.9**power)) / (np.sqrt(v / (1 - 0.999**power)) + 1e-8)
        trail.append(theta)
    return np.array(trail)


@exercise("3.6")
def all_zeros(prediction: str) -> str:
    """Check the prediction for a net that starts with nothing but zeros."""
    choices = ("falls as usual", "falls more slowly", "stays near log 10")
    answer = str(prediction).strip(" .!").lower()
    require(answer in choices, f"answer with one of {choices}")
    require(answer != choices[0], "the hidden layer gives 0, so what is dW2? And dA1 = W2ᵀ dZ2?")
    require(answer == choices[2], "only one of the four arrays gets a gradient; what can it do?")
    return "right: only b2 gets a gradient, and all it can learn is the classes' frequencies"
