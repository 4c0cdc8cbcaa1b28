"""Typical mistakes of lesson 3, each with a fragment of the message it must get."""

SOFTMAX = """
def mended_softmax(Z):
    T = np.exp(Z{shift})
    return T / T.sum({along})
"""

LEAKY = """
def leaky_relu_backward(dA, Z):
    return {result}
"""

ADAM = """
def mended_adam(theta, g, m, v, t, lr):
    m = 0.9 * m + 0.1 * g
    v = {beta2} * v + (1 - {beta2}) * g**2
    m_hat = m / {first}
    v_hat = v / {second}
    return {result}
"""
ADAM_RIGHT = {
    "beta2": 0.999,
    "first": "(1 - 0.9**t)",
    "second": "(1 - 0.999**t)",
    "result": "theta - lr * m_hat / (np.sqrt(v_hat) + 1e-8), m, v",
}


def adam(**changes):
    return ADAM.format(**(ADAM_RIGHT | changes))


COLUMNS = "axis=0, keepdims=True"

MISTAKES = [
    ("3.1", "prediction = 47", "can a byte hold 0.5"),
    ("3.1", "prediction = 188", "that would be float32"),
    ("3.1", "prediction = 94", "answer with 47, 188 or 376"),
    (
        "3.2",
        SOFTMAX.format(shift=" - Z.max(axis=0)", along="axis=1, keepdims=True"),
        "sum along the other axis",
    ),
    ("3.2", SOFTMAX.format(shift=" - Z.max()", along=""), "the whole table adds up to 1"),
    ("3.2", SOFTMAX.format(shift="", along=COLUMNS), "subtract the maximum before exp"),
    ("3.2", SOFTMAX.format(shift=" - Z.max()", along=COLUMNS), "each needs its own maximum"),
    (
        "3.2",
        SOFTMAX.format(shift=" - Z.max(axis=1, keepdims=True)", along=COLUMNS),
        "not the softmax",
    ),
    ("3.2", "def mended_softmax(Z):\n    return Z.argmax(axis=0)", "the shape should stay"),
    ("3.3", LEAKY.format(result="np.where(Z > 0, 1, 0.01)"), "this is the slope alone"),
    ("3.3", LEAKY.format(result="dA * (Z > 0)"), "this is plain ReLU"),
    ("3.3", LEAKY.format(result="np.where(Z > 0, dA, 0.01)"), "the slope is multiplied by dA"),
    ("3.3", LEAKY.format(result="np.where(Z > 0, Z, 0.01 * Z)"), "the forward step"),
    ("3.3", LEAKY.format(result="dA * np.where(dA > 0, 1, 0.01)"), "the sign of Z decides"),
    ("3.3", LEAKY.format(result="dA * np.where(Z > 0, 1, -0.01)"), "else 0.01 dA"),
    (
        "3.3",
        "def leaky_relu_backward(dA, Z):\n    dA[Z < 0] *= 0.01\n    return dA",
        "an argument was changed",
    ),
    ("3.4", "lr = 0.01", "too small: it has not arrived"),
    ("3.4", "lr = 5", "too large: the loss jumps"),
    ("3.4", "lr = 1000", "too large: the loss jumps"),
    ("3.4", "lr = 0", "a number above 0"),
    ("3.5", adam(beta2=0.9), "v wants β₂"),
    ("3.5", adam(first="(1 - 0.9)", second="(1 - 0.999)"), "lack their exponent"),
    ("3.5", adam(first="1", second="1"), "the bias correction is missing"),
    ("3.5", adam(first="(1 - 0.9**t)", second="1"), "the steps are not yet"),
    (
        "3.5",
        adam(result="theta - lr * m_hat / (np.sqrt(v_hat) + 1e-8), m_hat, v_hat"),
        "uncorrected",
    ),
    ("3.5", adam(result="theta - lr * m_hat / (np.sqrt(v_hat) + 1e-8)"), "return three things"),
    ("3.6", 'prediction = "falls as usual"', "the hidden layer gives 0"),
    ("3.6", 'prediction = "falls more slowly"', "only one of the four arrays"),
    ("3.6", 'prediction = "explodes"', "answer with one of"),
]
