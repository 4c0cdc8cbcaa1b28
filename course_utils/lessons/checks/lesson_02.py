"""The checks of lesson 2: an MLP reads handwritten digits."""

import copy
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy as pytorch_loss
from torch.nn.functional import nll_loss
from torch.overrides import TorchFunctionMode

from course_utils.lessons.checks.feedback import (
    Function,
    amount,
    ask,
    exercise,
    finite,
    judge,
    kind_of,
    number,
    parts,
    refuse,
    require,
    same,
    table,
    trains_like,
)


@exercise("2.1")
def untrained_loss(prediction: object) -> str:
    """Check the cross-entropy of ten equal probabilities."""
    options = 'answer with "0.1", "1.0", "2.3" or "10.0"'
    answer = amount(prediction, options)
    mistakes = {
        "that is the probability; the loss is minus its logarithm": 0.1,
        "that is the logarithm to base 10; ours is the natural one": 1.0,
        "that is 1 divided by the probability; the logarithm is missing": 10.0,
        "that is the logarithm itself; the loss is minus that": -math.log(10),
    }
    refuse(answer, mistakes, atol=0.01)
    require(abs(answer - math.log(10)) < 0.01, options)
    return "right: minus the logarithm of 1/10 is 2.303"


@exercise("2.2")
def cross_entropy(loss: Function) -> str:
    """Check a cross-entropy from logits: on ordinary scores, on huge ones, and its gradient."""
    z = torch.tensor([[2.0, -1.0, 0.5], [0.0, 1.0, 3.0], [1.0, 1.5, 1.0], [0.3, 0.0, 2.0]])
    labels, rows = torch.tensor([0, 2, 1, 0]), torch.arange(4)
    result = ask(loss, z, labels, keep=["logits", "labels"])
    given = number(result, "return one number, the mean over the batch", advice=LOG_OF_SCORES)
    right = pytorch_loss(z, labels)
    mistakes = {
        "the sign is flipped: the logarithm of a probability is negative": -right,
        "this is the sum over the batch; take the mean": 4 * right,
        "wrong axis: the classes of one image lie along dim=1": nll_loss(z.log_softmax(0), labels),
        "the logarithm of the sum is missing": -z[rows, labels].mean(),
        "the score of the right class is missing": z.logsumexp(dim=1).mean(),
        "this is the mean over all scores; take that of the right class": -z.log_softmax(1).mean(),
        "the logarithm is missing": -z.softmax(1)[rows, labels].mean(),
    }
    judge(given, right, mistakes, "the loss of a small batch")
    _try_large_scores(loss)
    trains_like(
        lambda logits: pytorch_loss(logits, labels), lambda logits: loss(logits, labels), logits=z
    )
    with _Watch() as watch:
        loss(z, labels)
    met = "a column (4, 1) met a row (4,) and made a table (4, 4), whose mean happens to agree"
    require(not watch.stretched, f"the number is right, but {met}: look at the shapes")
    if watch.ready_made:
        return f"right, but {watch.ready_made} is PyTorch's: build it from exp, log, max and sum"
    return "right: it agrees with PyTorch, for small scores and for huge ones"


class _Watch(TorchFunctionMode):
    """Sees which ready-made losses are called, and whether a column and a row become a table."""

    READY_MADE = ("cross_entropy", "nll_loss", "log_softmax", "logsumexp")

    def __init__(self) -> None:
        super().__init__()
        self.ready_made, self.stretched = "", False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if (name := getattr(func, "__name__", "")) in self.READY_MADE:
            self.ready_made = name
        shapes = {tuple(one.shape) for one in args if isinstance(one, Tensor)}
        self.stretched |= shapes == {(4, 1), (4,)}
        return func(*args, **(kwargs or {}))


LOG_OF_SCORES = "the logarithm of a score? Scores can be negative; exp comes first"
SCALES = {
    "near 1000": torch.tensor([[1000.0], [1000.0], [1000.0]]),
    "near -1000": torch.tensor([[-1000.0], [-1000.0], [-1000.0]]),
    "near 1000 in one row and near 0 in the next": torch.tensor([[1000.0], [0.0], [-1000.0]]),
}


def _try_large_scores(loss: Function) -> None:
    """Try scores far from 0: the same for all rows, and each row on a scale of its own."""
    advice = "subtract the largest score of each row before exp, and take no log of a probability"
    labels = torch.arange(3)
    for where, scale in SCALES.items():
        logits = scale + torch.tensor([0.0, -1.0, -300.0])
        given, right = float(table(ask(loss, logits, labels))), float(pytorch_loss(logits, labels))
        found = f"right for small scores; {where} it gives {given:.2f}, not {right:.2f}"
        require(abs(given - right) < 0.01, f"{found}: {advice}")


@exercise("2.3")
def mended_step(step: Function) -> str:
    """Check one training step: its loss, and what it did to the parameters."""
    x, y = torch.tensor([[1.0, 0.0], [0.5, -1.0], [3.0, 1.0]]), torch.tensor([2, 0, 9])
    net = nn.Linear(2, 10)
    before = copy.deepcopy(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    try:
        ask(step, net, x, y, optimizer)  # leaves old gradients behind, unless it clears at its end
    except RuntimeError as error:
        no_scores = "argmax gives classes, and no slope leads to them: the loss wants scores"
        require("floating point" not in str(error), no_scores)
        raise
    net.load_state_dict(before.state_dict())
    given = number(ask(step, net, x, y, optimizer), "return the loss, one number")
    z = before(x).detach()
    _judge_loss(given, z, y)
    slopes = torch.autograd.grad(pytorch_loss(before(x), y), list(before.parameters()))
    moves = [(p - q) / -0.1 for p, q in zip(net.parameters(), before.parameters(), strict=True)]
    still = not any(move.any() for move in moves)
    require(not still, "the loss is right, but the net stands still: backward(), then step()")
    moved = all(same(move, slope, 0, 1e-5) for move, slope in zip(moves, slopes, strict=True))
    order = "the step is not: it follows gradients of earlier steps, too. Is zero_grad() there?"
    require(moved, f"the loss is right, {order}")
    return "right: softmax is applied once, and the step follows the gradient of this batch alone"


def _judge_loss(given: float, z: Tensor, y: Tensor) -> None:
    right, p = pytorch_loss(z, y), z.softmax(dim=1)
    mistakes = {
        "softmax is still applied twice: the loss does it itself": pytorch_loss(p, y),
        "no other axis helps: the loss wants scores": pytorch_loss(z.softmax(dim=0), y),
        "a sigmoid is no way out: the loss wants scores": pytorch_loss(z.sigmoid(), y),
        "nll_loss takes log-probabilities; these are scores": nll_loss(z, y),
        "nll_loss takes log-probabilities; these are probabilities": nll_loss(p, y),
        "this is the sum over the batch; the loss is a mean": 3 * right,
    }
    hidden = "the floor is only hidden: softmax is still applied twice"
    rounded = {hidden: pytorch_loss(p, y) - 1.46}
    refuse(given, rounded, rtol=0, atol=0.01)
    judge(given, right, mistakes, "the loss")


@exercise("2.4")
def mended_accuracy(accuracy: Function) -> str:
    """Check an accuracy on batches of unequal size, and on a net that has just been trained."""
    one_hot = torch.eye(3)
    full = (one_hot[[0, 1, 2, 0]], torch.tensor([0, 1, 2, 0]))  # four right
    rest = (one_hot[[1, 2]], torch.tensor([1, 0]))  # one of two right
    wanted = "return one number, the share of right answers"
    given = number(ask(accuracy, nn.Identity(), [full, rest]), wanted)
    mistakes = {
        "this is still the mean over batches: count right answers": 3 / 4,
        "you take every batch for a full one: add up their sizes": 5 / 8,
        "you divide by the number of batches; divide by the number of images": 5 / 2,
        "you return the number of right answers; divide by the number of images": 5,
        "that is in percent; a share lies between 0 and 1": 500 / 6,
        "that is the share of wrong answers": 1 / 6,
        "only the last batch is counted": 1 / 2,
    }
    refuse(given, mistakes)
    require(same(given, 5 / 6), f"5 of 6 answers are right, and you return {given:.5g}")
    given = number(ask(accuracy, nn.Dropout(p=1.0).train(), [full, rest]), wanted)
    mode = "right count; but a net just trained is still in training mode: call net.eval()"
    require(same(given, 5 / 6), mode)
    return "right: every image counts once, and the net is in evaluation mode"


@exercise("2.5")
def to_picture(convert: Function) -> str:
    """Check the way back from a vector to a picture, on all 256 shades."""
    right = (np.arange(784) % 256).astype(np.uint8).reshape(28, 28)
    vector = (torch.from_numpy(right.astype(np.float32)).flatten() / 255 - 0.5) / 0.5
    result = ask(convert, vector, keep=["vector"])
    given = table(result, "return an array of numbers")
    shape = tuple(given.shape)
    require(shape == (28, 28), f"the shape is {shape}; a picture has (28, 28)")
    finite(given, "a picture")
    transposed = same(given, right.T, 0, 1.01)
    require(not transposed, "rows and columns are swapped: the vector holds row after row")
    small = same(given, right / 255, 0, 0.01)
    require(not small, "your values lie between 0 and 1; a byte goes up to 255")
    undo = "undo both steps of to_vector, the last one first"
    hundred = float(given.flatten()[100])
    require(same(given, right, 0, 1.01), f"a pixel of 100 comes back as {hundred:.4g}: {undo}")
    dtype = str(getattr(result, "dtype", kind_of(result))).removeprefix("torch.")
    require(dtype == "uint8", f"the type should be uint8; you return {dtype}")
    wrong = (given != table(right)).sum()
    round_first = "by one: round before you change the type"
    require(wrong == 0, f"{wrong} of 784 pixels are off {round_first}")
    return "right: all 256 shades come back"


@exercise("2.6")
def collapse(function: Function) -> str:
    """Check the one layer that does what two linear layers do."""
    # First square ones: there a product in any order, or the sum of the biases, has a shape.
    _judge_collapsed(function, nn.Linear(4, 4), nn.Linear(4, 4))
    _judge_collapsed(function, nn.Linear(5, 4), nn.Linear(4, 3))
    return "right: one matrix, one bias, the same scores"


def _judge_collapsed(function: Function, first: nn.Linear, second: nn.Linear) -> None:
    wanted = "return a weight and a bias"
    given = parts(ask(function, first, second), 2, wanted)
    weight, bias = (table(part, f"{wanted} as tensors") for part in given)
    out, into = second.out_features, first.in_features
    shapes = f"{tuple(weight.shape)} and {tuple(bias.shape)}"
    advice = f"(outputs, inputs) and (outputs,), here {(out, into)} and ({out},)"
    fits = weight.shape == (out, into) and bias.numel() == out
    require(fits, f"the shapes are {shapes}; wanted {advice}")
    right = second.weight @ first.weight
    mistakes: dict[str, object] = {"that is the transpose: wanted is (outputs, inputs)": right.T}
    if first.in_features == second.out_features:
        swapped = "the weights are multiplied the wrong way round: which layer acts first?"
        mistakes[swapped] = first.weight @ second.weight
    judge(weight, right, mistakes, "a number of the weight", 1e-3, 1e-5)
    through = second.weight @ first.bias
    missing = {
        "the bias of the first layer is missing: it passes through the second layer": second.bias,
        "the bias of the second layer is missing": through,
    }
    if first.out_features == second.out_features:
        added = "the two biases are added: but the first one passes through the second layer, too"
        missing[added] = first.bias + second.bias
    judge(bias.flatten(), through + second.bias, missing, "a number of the bias", 1e-3, 1e-5)
