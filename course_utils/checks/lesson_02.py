"""The checks of lesson 2: an MLP reads handwritten digits."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy as pytorch_loss
from torch.nn.functional import nll_loss

from course_utils.checks.feedback import attempted, exercise, require

Batches = list[tuple[Tensor, Tensor]]


def _refuse(given: float, mistakes: dict[str, float | Tensor]) -> None:
    """Raise ``Wrong`` with the message of the first mistake that gives this very number."""
    for message, value in mistakes.items():
        require(abs(given - float(value)) > 1e-4 * max(1, abs(float(value))), message)


@exercise("2.1")
def to_picture(convert: Callable[[Tensor], np.ndarray]) -> str:
    """Check the way back from a vector to a picture, on all 256 shades."""
    expected = (np.arange(784) % 256).astype(np.uint8).reshape(28, 28)
    vector = (torch.from_numpy(expected.astype(np.float32)).flatten() / 255 - 0.5) / 0.5
    given = np.asarray(attempted(convert(vector)))
    require(given.shape == (28, 28), f"the shape is {given.shape}; a picture has (28, 28)")
    error = np.abs(given.astype(float) - expected).max()
    transposed = np.abs(given.astype(float) - expected.T).max() < 1.01
    require(not transposed, "rows and columns are swapped: the vector holds row after row")
    small = np.allclose(given, expected / 255, atol=0.01)
    require(not small, "your values lie between 0 and 1; a byte goes up to 255")
    undo = "undo both steps of to_vector, the last one first"
    require(error < 1.01, f"a pixel of 100 comes back as {given.flat[100]}: {undo}")
    require(given.dtype == np.uint8, f"the type is {given.dtype}; it should be uint8")
    require(error == 0, "some pixels are one too dark: round before you change the type")
    return "right: all 256 shades come back"


@exercise("2.2")
def untrained_loss(prediction: str) -> str:
    """Check the cross-entropy of ten equal probabilities."""
    answer = str(prediction).strip()
    require(answer in {"0.1", "1.0", "2.3", "10.0"}, 'answer with "0.1", "1.0", "2.3" or "10.0"')
    require(answer != "0.1", "that is the probability; the loss is minus its logarithm")
    require(answer != "1.0", "that is the logarithm to base 10; ours is the natural one")
    require(answer == "2.3", "that is 1 divided by the probability; the logarithm is missing")
    return "right: minus the logarithm of 1/10 is 2.303"


@exercise("2.3")
def cross_entropy(loss: Callable[[Tensor, Tensor], Tensor]) -> str:
    """Check a cross-entropy from logits, on ordinary and on huge scores."""
    z = torch.tensor([[2.0, -1.0, 0.5], [0.0, 1.0, 3.0], [1.0, 1.5, 1.0], [0.3, 0.0, 2.0]])
    labels, rows = torch.tensor([0, 2, 1, 0]), torch.arange(4)
    given = torch.as_tensor(attempted(loss(z.clone(), labels)))
    require(given.ndim == 0, "return one number: the mean over the batch")
    expected = pytorch_loss(z, labels)
    mistakes = {
        "the sign is flipped: the logarithm of a probability is negative": -expected,
        "this is the sum over the batch; take the mean": 4 * expected,
        "wrong axis: the classes of one image lie along dim=1": nll_loss(z.log_softmax(0), labels),
        "the logarithm of the sum is missing": -z[rows, labels].mean(),
        "the score of the right class is missing": z.logsumexp(dim=1).mean(),
    }
    _refuse(float(given), mistakes)
    wrong = abs(float(given) - float(expected)) > 1e-4
    require(not wrong, f"a small batch gives {float(given):.4f}; {expected:.4f} is right")
    _try_large_scores(loss)
    return "right: it agrees with PyTorch, for small scores and for huge ones"


def _try_large_scores(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    advice = "subtract the largest score of each row before exp, and take no log of a probability"
    for top in (1000.0, -1000.0):
        logits = torch.tensor([[top, top - 1, top - 300]] * 3)
        given = float(loss(logits.clone(), torch.arange(3)))
        start = f"right for small scores; near {top:g} it gives"
        require(bool(np.isfinite(given)), f"{start} {given}: {advice}")
        expected = float(pytorch_loss(logits, torch.arange(3)))
        require(abs(given - expected) < 0.01, f"{start} {given:.2f}, not {expected:.2f}: {advice}")


@exercise("2.4")
def mended_accuracy(accuracy: Callable[[nn.Module, Batches], float]) -> str:
    """Check an accuracy on batches of unequal size, and on a net that has just been trained."""
    one_hot = torch.eye(3)
    full = (one_hot[[0, 1, 2, 0]], torch.tensor([0, 1, 2, 0]))  # four right
    rest = (one_hot[[1, 2]], torch.tensor([1, 0]))  # one of two right
    given = float(attempted(accuracy(nn.Identity(), [full, rest])))
    mistakes = {
        "this is still the mean over batches: count right answers": 3 / 4,
        "you take every batch for a full one: add up their sizes": 5 / 8,
        "you divide by the number of batches; divide by the number of images": 5 / 2,
        "you return the number of right answers; divide by the number of images": 5,
    }
    _refuse(given, mistakes)
    require(abs(given - 5 / 6) < 1e-6, f"5 of 6 answers are right, and you return {given:.3f}")
    given = float(accuracy(nn.Dropout(p=1.0).train(), [full, rest]))
    mode = "right count; but a net just trained is still in training mode: call net.eval()"
    require(abs(given - 5 / 6) < 1e-6, mode)
    return "right: every image counts once, and the net is in evaluation mode"


@exercise("2.5")
def half_a_chance(temperature: float) -> str:
    """Check a temperature by the leader's probability."""
    positive = isinstance(temperature, int | float) and temperature > 0
    require(positive, "a temperature is a number above 0")
    top = torch.softmax(torch.tensor([5.0, 3.0, 0.0]) / temperature, dim=0)[0].item()
    found = f"the first class gets {100 * top:.1f} %"
    require(top <= 0.51, f"{found}: still too sure, make it warmer")
    require(top >= 0.49, f"{found}: too flat, make it colder")
    return f"right: {found}"


@exercise("2.6")
def without_relu(prediction: str) -> str:
    """Check what a stack of linear layers can learn."""
    answer = str(prediction).strip().lower()
    require(answer in {"a", "b", "c"}, 'answer with "a", "b" or "c"')
    require(answer != "a", "multiply two layers out: does anything bend in the result?")
    require(answer == "b", "each layer has weights, and they get gradients: it does learn")
    return "right: the product of the matrices is one matrix"


@exercise("2.7")
def mended_step(step: Callable[[nn.Module, Tensor, Tensor, torch.optim.Optimizer], float]) -> str:
    """Check one training step: its loss, and what it did to the parameters."""
    x, y = torch.tensor([[1.0, 0.0], [0.5, -1.0], [3.0, 1.0]]), torch.tensor([2, 0, 1])
    net = nn.utils.skip_init(nn.Linear, 2, 3)  # draws no random numbers
    nn.init.eye_(net.weight)
    nn.init.constant_(net.bias, 0.5)
    z, p, loss = net(x).detach(), net(x).detach().softmax(dim=1), pytorch_loss(net(x), y)
    target = net.weight.detach() - 0.1 * torch.autograd.grad(loss, net.weight)[0]
    net.weight.grad = torch.ones(3, 2)  # an old gradient, which the step must forget
    given = float(attempted(step(net, x, y, torch.optim.SGD(net.parameters(), lr=0.1))))
    mistakes = {
        "softmax is still applied twice: the loss does it itself": pytorch_loss(p, y),
        "no other axis helps: the loss wants scores": pytorch_loss(z.softmax(dim=0), y),
        "nll_loss takes log-probabilities; these are scores": nll_loss(z, y),
        "nll_loss takes log-probabilities; these are probabilities": nll_loss(p, y),
    }
    _refuse(given, mistakes)
    require(abs(given - loss.item()) < 1e-4, f"the loss is {given:.4f}; {loss:.4f} is right")
    same = torch.allclose(net.weight, target, atol=1e-5)
    require(same, "the loss is right, the step is not: zero_grad(), backward(), step()")
    return "right: the loss takes scores, and applies softmax itself"
