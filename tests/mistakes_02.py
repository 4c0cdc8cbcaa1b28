"""Typical mistakes of lesson 2, each with a fragment of the message it must get."""

PICTURE = "def to_picture(vector):\n    return ({}).reshape(28, 28){}.numpy()"
GREY = "(vector * 0.5 + 0.5) * 255"

LOSS = "def cross_entropy(logits, labels):\n    rows = torch.arange(len(labels))\n    {}"

ACCURACY = """
def mended_accuracy(net, batches):
    {mode}
    correct, seen, total = 0, 0, 0.0
    with torch.inference_mode():
        for x, y in batches:
            right = net(x).argmax(dim=1) == y
            correct += right.sum().item()
            seen += len(y)
            total += right.float().mean().item()
            size = max(len(y), 4)
    return {result}
"""

STEP = """
def mended_step(net, x, y, optimizer):
    loss = {loss}
    {first}
    {second}
    {third}
    return loss.item()
"""
ZERO, BACKWARD, UPDATE = "optimizer.zero_grad()", "loss.backward()", "optimizer.step()"
GOOD_ORDER = {"first": ZERO, "second": BACKWARD, "third": UPDATE}


def _step(loss: str) -> str:
    return STEP.format(loss=loss, **GOOD_ORDER)


MISTAKES = [
    ("2.1", PICTURE.format(GREY, ".to(torch.uint8)"), "one too dark"),
    ("2.1", PICTURE.format(f"({GREY}).round()", ""), "the type is float32"),
    ("2.1", PICTURE.format(f"({GREY}).round().to(torch.uint8)", ".T"), "rows and columns"),
    ("2.1", PICTURE.format("vector * 0.5 + 0.5", ""), "between 0 and 1"),
    ("2.1", PICTURE.format("(vector * 255).round()", ""), "undo both steps"),
    ("2.1", "def to_picture(vector):\n    return vector.numpy()", "the shape is (784,)"),
    ("2.2", 'prediction = "0.1"', "that is the probability"),
    ("2.2", 'prediction = "1.0"', "base 10"),
    ("2.2", 'prediction = "10.0"', "the logarithm is missing"),
    ("2.2", "prediction = 7", "answer with"),
    (
        "2.3",
        LOSS.format("p = logits.exp() / logits.exp().sum(1, True)\n    ")
        + "return -p[rows, labels].log().mean()",
        "right for small scores; near 1000 it gives nan: subtract the largest score",
    ),
    (
        "2.3",
        LOSS.format("return -softmax(logits)[rows, labels].log().mean()"),
        "right for small scores; near 1000 it gives inf: subtract the largest score",
    ),
    (
        "2.3",
        LOSS.format("return -logits.log_softmax(dim=0)[rows, labels].mean()"),
        "wrong axis",
    ),
    ("2.3", LOSS.format("return -logits.log_softmax(1)[rows, labels].sum()"), "this is the sum"),
    ("2.3", LOSS.format("return logits.log_softmax(1)[rows, labels].mean()"), "sign is flipped"),
    ("2.3", LOSS.format("return -logits.log_softmax(1)[rows, labels]"), "return one number"),
    ("2.3", LOSS.format("return -logits[rows, labels].mean()"), "logarithm of the sum"),
    ("2.3", LOSS.format("return logits.logsumexp(1).mean()"), "score of the right class"),
    ("2.4", ACCURACY.format(mode="net.eval()", result="total / len(batches)"), "mean over batches"),
    ("2.4", ACCURACY.format(mode="net.eval()", result="correct / (size * 2)"), "for a full one"),
    ("2.4", ACCURACY.format(mode="net.eval()", result="correct / len(batches)"), "of batches;"),
    ("2.4", ACCURACY.format(mode="net.eval()", result="correct"), "number of right answers"),
    ("2.4", ACCURACY.format(mode="pass", result="correct / seen"), "still in training mode"),
    ("2.5", "temperature = 1", "still too sure"),
    ("2.5", "temperature = 10.0", "too flat"),
    ("2.5", "temperature = -2", "a number above 0"),
    ("2.6", 'prediction = "a"', "does anything bend"),
    ("2.6", 'prediction = "c"', "it does learn"),
    ("2.6", 'prediction = "d"', "answer with"),
    ("2.7", _step("nn.functional.cross_entropy(net(x).softmax(1), y)"), "applied twice"),
    ("2.7", _step("nn.functional.cross_entropy(net(x).softmax(0), y)"), "no other axis"),
    ("2.7", _step("nn.functional.nll_loss(net(x), y)"), "these are scores"),
    ("2.7", _step("nn.functional.nll_loss(net(x).softmax(1), y)"), "these are probabilities"),
    (
        "2.7",
        STEP.format(
            loss="nn.functional.cross_entropy(net(x), y)",
            **{"first": BACKWARD, "second": UPDATE, "third": "pass"},
        ),
        "the step is not",
    ),
    (
        "2.7",
        STEP.format(
            loss="nn.functional.cross_entropy(net(x), y)",
            **{"first": BACKWARD, "second": ZERO, "third": UPDATE},
        ),
        "the step is not",
    ),
]
