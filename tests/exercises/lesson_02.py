"""Answers to the exercises of lesson 2."""

import math
import random
import sys

import numpy as np
import torch
from answers import Answers
from torch import nn

answers = Answers("02")
lesson = answers.lesson
GENERATOR = torch.Generator().manual_seed(5)

# --------------------------------------------------------------------------- 2.1 untrained_loss

answers.right("2.1", prediction="2.3")
answers.right("2.1", prediction=2.3, kind="numbers")
answers.right("2.1", prediction="2.303", kind="numbers")
answers.right("2.1", prediction=math.log(10), kind="numbers")
answers.right("2.1", prediction=-torch.tensor(0.1).log(), kind="numbers")
answers.wrong("2.1", "that is the probability", prediction="0.1")
answers.wrong("2.1", "base 10", prediction="1.0")
answers.wrong("2.1", "base 10", prediction=1, kind="numbers")
answers.wrong("2.1", "the logarithm is missing", prediction="10.0")
answers.wrong("2.1", "the logarithm is missing", prediction=np.int64(10), kind="numbers")
answers.wrong("2.1", "the loss is minus that", prediction=math.log(0.1), kind="message")
answers.wrong("2.1", 'answer with "0.1", "1.0", "2.3" or "10.0"', prediction=7)
answers.wrong("2.1", 'not the text "large"', prediction="large", kind="line")
answers.wrong("2.1", "your answer is nan", prediction=float("nan"), kind="nan")


# ---------------------------------------------------------------------------- 2.2 cross_entropy


@answers.right("2.2", name="row by row", kind="extreme")
def cross_entropy(logits, labels):
    total = 0.0
    for row, label in zip(logits, labels, strict=True):
        row = row - row.max()
        total = total + row.exp().sum().log() - row[label]
    return total / len(labels)


@answers.right("2.2", name="one-hot vectors", kind="extreme")
def cross_entropy(logits, labels):
    z = logits - logits.amax(dim=1, keepdim=True)
    t = nn.functional.one_hot(labels, z.shape[1])
    return (t * (z.exp().sum(dim=1, keepdim=True).log() - z)).sum(dim=1).mean()


@answers.right("2.2", name="gather, in float64, shape (1,)", kind="numbers")
def cross_entropy(logits, labels):
    z = logits.double()
    z = z - z.max(dim=1, keepdim=True).values.detach()
    return (z.exp().sum(1, keepdim=True).log() - z.gather(1, labels[:, None])).mean(dim=0)


@answers.right("2.2", name="differences to the right class", kind="extreme train")
def cross_entropy(logits, labels):
    apart = logits - logits[torch.arange(len(labels)), labels][:, None]
    top = apart.amax(dim=1, keepdim=True)
    return (top[:, 0] + (apart - top).exp().sum(dim=1).log()).mean()


@answers.right("2.2", name="PyTorch's own", says="cross_entropy is PyTorch's: build it")
def cross_entropy(logits, labels):
    return nn.functional.cross_entropy(logits, labels)


@answers.right("2.2", name="PyTorch's log-sum-exp", says="logsumexp is PyTorch's: build it")
def cross_entropy(logits, labels):
    return (logits.logsumexp(dim=1) - logits[torch.arange(len(labels)), labels]).mean()


@answers.wrong("2.2", "made a table (4, 4), whose mean happens to agree", kind="message")
def cross_entropy(logits, labels):
    m = logits.max(dim=1, keepdim=True).values
    sums = m + (logits - m).exp().sum(dim=1).log()
    return (sums - logits[torch.arange(len(labels)), labels]).mean()


@answers.wrong("2.2", "near 1000 it gives nan, not", kind="extreme nan", name="softmax by hand")
def cross_entropy(logits, labels):
    p = logits.exp() / logits.exp().sum(1, True)
    return -p[torch.arange(len(labels)), labels].log().mean()


@answers.wrong("2.2", "near 1000 it gives inf, not", kind="extreme nan", name="log of softmax")
def cross_entropy(logits, labels):
    return -lesson.softmax(logits)[torch.arange(len(labels)), labels].log().mean()


@answers.wrong("2.2", "near 1000 in one row and near 0 in the next it gives -inf", kind="extreme")
def cross_entropy(logits, labels):
    m = logits.max()
    sums = m + torch.log(torch.exp(logits - m).sum(dim=1))
    return (sums - logits[torch.arange(len(labels)), labels]).mean()


@answers.wrong("2.2", "near -1000 it gives -inf", kind="extreme", name="never below 0")
def cross_entropy(logits, labels):
    m = logits.max(dim=1, keepdim=True).values.clamp(min=0)
    sums = m[:, 0] + torch.log(torch.exp(logits - m).sum(dim=1))
    return (sums - logits[torch.arange(len(labels)), labels]).mean()


@answers.wrong("2.2", "near 1000 it gives", kind="extreme", name="a small number in the logarithm")
def cross_entropy(logits, labels):
    p = torch.softmax(logits, dim=1)[torch.arange(len(labels)), labels]
    return -torch.log(p + 1e-9).mean()


@answers.wrong("2.2", "wrong axis")
def cross_entropy(logits, labels):
    return -logits.log_softmax(dim=0)[torch.arange(len(labels)), labels].mean()


@answers.wrong("2.2", "this is the sum")
def cross_entropy(logits, labels):
    return -logits.log_softmax(1)[torch.arange(len(labels)), labels].sum()


@answers.wrong("2.2", "the mean over all scores", kind="message")
def cross_entropy(logits, labels):
    return -logits.log_softmax(1).mean()


@answers.wrong("2.2", "the logarithm is missing", kind="message")
def cross_entropy(logits, labels):
    return -logits.softmax(1)[torch.arange(len(labels)), labels].mean()


@answers.wrong(
    "2.2", "the loss of a small batch is 1.14754, where 0.795416 is right", kind="message"
)
def cross_entropy(logits, labels):
    return nn.functional.cross_entropy(logits, labels) / math.log(2)


@answers.wrong("2.2", "sign is flipped")
def cross_entropy(logits, labels):
    return logits.log_softmax(1)[torch.arange(len(labels)), labels].mean()


@answers.wrong("2.2", "return one number, the mean over the batch, not a tensor of shape (4,)")
def cross_entropy(logits, labels):
    return -logits.log_softmax(1)[torch.arange(len(labels)), labels]


@answers.wrong("2.2", "logarithm of the sum")
def cross_entropy(logits, labels):
    return -logits[torch.arange(len(labels)), labels].mean()


@answers.wrong("2.2", "score of the right class")
def cross_entropy(logits, labels):
    return logits.logsumexp(1).mean()


@answers.wrong("2.2", "your answer is nan: the logarithm of a score?", kind="nan message")
def cross_entropy(logits, labels):
    return -(logits.log()).mean(dim=1).mean()


@answers.wrong("2.2", "your answer is inf", kind="nan")
def cross_entropy(logits, labels):
    p = logits.softmax(dim=1)[torch.arange(len(labels)), labels]
    return -(p - p).log().mean()


@answers.wrong("2.2", "cannot train: return a tensor", kind="train", name="item")
def cross_entropy(logits, labels):
    return nn.functional.cross_entropy(logits, labels).item()


@answers.wrong("2.2", "no gradient flows: no detach, .item()", kind="train", name="detached")
def cross_entropy(logits, labels):
    z = logits.detach() - logits.detach().amax(dim=1, keepdim=True)
    return (z.exp().sum(dim=1).log() - z[torch.arange(len(labels)), labels]).mean()


@answers.wrong("2.2", "the gradient in logits is not: is a part detached?", kind="train")
def cross_entropy(logits, labels):
    m = logits.amax(dim=1).detach()
    log_sum_exp = m + (logits - m[:, None]).exp().sum(dim=1).log().detach()
    return (log_sum_exp - logits[torch.arange(len(labels)), labels]).mean()


@answers.wrong("2.2", "logits was changed: an operation such as +=", kind="state", name="in place")
def cross_entropy(logits, labels):
    logits -= logits.amax(dim=1, keepdim=True)
    return (logits.exp().sum(1).log() - logits[torch.arange(len(labels)), labels]).mean()


@answers.wrong(
    "2.2", "(line: return nn.functional.cross_entropy(logits.argmax(1), labels))", kind="line"
)
def cross_entropy(logits, labels):
    return nn.functional.cross_entropy(logits.argmax(1), labels)


@answers.wrong("2.2", "(line: return logits[labels, :, 0].mean())", kind="line", name="index")
def cross_entropy(logits, labels):
    return logits[labels, :, 0].mean()


@answers.wrong("2.2", "cross_entropy returned nothing: is the return missing?", kind="return")
def cross_entropy(logits, labels):
    -logits[labels, labels]


@answers.wrong("2.2", "· not attempted yet", kind="return", name="a docstring and dots")
def cross_entropy(logits, labels):
    """Mean of -log p_y over the batch: still to be done."""
    ...


# ------------------------------------------------------------------------------ 2.3 mended_step


@answers.right("2.3", name="log-softmax and nll_loss", kind="quiet numbers")
def mended_step(net, x, y, optimizer):
    loss = nn.functional.nll_loss(net(x).log_softmax(dim=1), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


@answers.right("2.3", name="cleared at the end", kind="state")
def mended_step(net, x, y, optimizer):
    loss = nn.functional.cross_entropy(net(x), y)
    loss.backward()
    optimizer.step()
    net.zero_grad()
    return loss.detach()


@answers.right("2.3", name="one-hot rows of ten, cleared first", kind="state message")
def mended_step(net, x, y, optimizer):
    optimizer.zero_grad(set_to_none=False)
    targets = nn.functional.one_hot(y, 10).float()
    loss = -(targets * net(x).log_softmax(dim=1)).sum(dim=1).mean()
    loss.backward()
    optimizer.step()
    return loss.item()


@answers.right("2.3", name="draws from generators of its own", kind="quiet")
def mended_step(net, x, y, optimizer):
    torch.rand(2, generator=GENERATOR)
    random.shuffle([1, 2, 3])
    loss = nn.CrossEntropyLoss()(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss)


def stepped(net, optimizer, loss, order=("zero", "backward", "step")):
    do = {"zero": optimizer.zero_grad, "backward": loss.backward, "step": optimizer.step}
    for name in order:
        do[name]()
    return loss.item()


@answers.wrong("2.3", "applied twice")
def mended_step(net, x, y, optimizer):
    return stepped(net, optimizer, nn.functional.cross_entropy(net(x).softmax(1), y))


@answers.wrong("2.3", "no other axis")
def mended_step(net, x, y, optimizer):
    return stepped(net, optimizer, nn.functional.cross_entropy(net(x).softmax(0), y))


@answers.wrong("2.3", "a sigmoid is no way out", kind="message")
def mended_step(net, x, y, optimizer):
    return stepped(net, optimizer, nn.functional.cross_entropy(net(x).sigmoid(), y))


@answers.wrong("2.3", "this is the sum over the batch")
def mended_step(net, x, y, optimizer):
    return stepped(net, optimizer, nn.functional.cross_entropy(net(x), y, reduction="sum"))


@answers.wrong("2.3", "✗ the loss is 3.0", name="smoothed labels", kind="message")
def mended_step(net, x, y, optimizer):
    loss = nn.functional.cross_entropy(net(x), y, label_smoothing=0.1)
    return stepped(net, optimizer, loss)


@answers.wrong("2.3", "the floor is only hidden", kind="message")
def mended_step(net, x, y, optimizer):
    loss = nn.functional.cross_entropy(net(x).softmax(1), y)
    return stepped(net, optimizer, loss - (math.log(math.e + 9) - 1))


@answers.wrong("2.3", "the floor is only hidden", kind="message", name="minus 1.46")
def mended_step(net, x, y, optimizer):
    loss = nn.functional.cross_entropy(net(x).softmax(1), y)
    return stepped(net, optimizer, loss - 1.46)


@answers.wrong("2.3", "these are scores")
def mended_step(net, x, y, optimizer):
    return stepped(net, optimizer, nn.functional.nll_loss(net(x), y))


@answers.wrong("2.3", "these are probabilities")
def mended_step(net, x, y, optimizer):
    return stepped(net, optimizer, nn.functional.nll_loss(net(x).softmax(1), y))


@answers.wrong("2.3", "earlier steps, too. Is zero_grad() there?", kind="state")
def mended_step(net, x, y, optimizer):
    loss = nn.functional.cross_entropy(net(x), y)
    return stepped(net, optimizer, loss, ("backward", "step"))


@answers.wrong("2.3", "the net stands still", kind="state")
def mended_step(net, x, y, optimizer):
    loss = nn.functional.cross_entropy(net(x), y)
    return stepped(net, optimizer, loss, ("backward", "zero", "step"))


@answers.wrong("2.3", "the net stands still", kind="train", name="only the loss")
def mended_step(net, x, y, optimizer):
    return nn.functional.cross_entropy(net(x), y).item()


@answers.wrong("2.3", "does not require grad", kind="train line", name="detached scores")
def mended_step(net, x, y, optimizer):
    loss = nn.functional.cross_entropy(net(x).detach(), y)
    return stepped(net, optimizer, loss)


@answers.wrong("2.3", "argmax gives classes, and no slope leads to them", kind="message")
def mended_step(net, x, y, optimizer):
    loss = nn.functional.cross_entropy(net(x).argmax(1), y)
    return loss.item()


@answers.wrong("2.3", "your answer is nan", kind="nan")
def mended_step(net, x, y, optimizer):
    loss = nn.functional.nll_loss((-net(x).softmax(1)).log(), y)
    return stepped(net, optimizer, loss)


@answers.wrong("2.3", "mended_step returned nothing", kind="return")
def mended_step(net, x, y, optimizer):
    stepped(net, optimizer, nn.functional.cross_entropy(net(x), y))


@answers.wrong("2.3", "return the loss, one number, not a Linear", kind="line")
def mended_step(net, x, y, optimizer):
    stepped(net, optimizer, nn.functional.cross_entropy(net(x), y))
    return net


@answers.wrong("2.3", "your code ended the program with SystemExit (line: sys.exit", kind="quiet")
def mended_step(net, x, y, optimizer):
    sys.exit(stepped(net, optimizer, nn.functional.cross_entropy(net(x), y)) > 1)


# -------------------------------------------------------------------------- 2.4 mended_accuracy


@answers.right("2.4", name="in two lists", kind="numbers")
def mended_accuracy(net, batches):
    net = net.eval()
    with torch.no_grad():
        right = torch.cat([net(x).argmax(1) == y for x, y in batches])
    return right.double().mean()


@answers.right("2.4", name="weighted means", kind="numbers")
def mended_accuracy(net, batches):
    net.train(False)
    shares = [(net(x).argmax(1) == y).float().mean().item() for x, y in batches]
    return np.average(shares, weights=[len(y) for _, y in batches])


@answers.right("2.4", name="back in training afterwards, a gradient", kind="state quiet")
def mended_accuracy(net, batches):
    was, correct, seen = net.training, torch.zeros(1, requires_grad=True), 0
    net.eval()
    for x, y in batches:
        correct = correct + (net(x).argmax(dim=1) == y).sum()
        seen += len(y)
    net.train(was)
    return correct / seen


@answers.wrong("2.4", "mean over batches")
def mended_accuracy(net, batches):
    net.eval()
    return sum((net(x).argmax(1) == y).float().mean().item() for x, y in batches) / len(batches)


@answers.wrong("2.4", "for a full one")
def mended_accuracy(net, batches):
    net.eval()
    return sum((net(x).argmax(1) == y).sum().item() for x, y in batches) / (4 * len(batches))


@answers.wrong("2.4", "of batches;")
def mended_accuracy(net, batches):
    net.eval()
    return sum((net(x).argmax(1) == y).sum().item() for x, y in batches) / len(batches)


@answers.wrong("2.4", "number of right answers")
def mended_accuracy(net, batches):
    net.eval()
    return sum((net(x).argmax(1) == y).sum().item() for x, y in batches)


@answers.wrong("2.4", "the share of wrong answers", kind="message")
def mended_accuracy(net, batches):
    net.eval()
    return torch.cat([net(x).argmax(1) != y for x, y in batches]).float().mean()


@answers.wrong("2.4", "5 of 6 answers are right, and you return 0.8", kind="message")
def mended_accuracy(net, batches):
    net.eval()
    right = torch.cat([net(x).argmax(1) == y for x, y in batches])
    return round(right.float().mean().item(), 1)


@answers.wrong("2.4", "in percent", kind="message")
def mended_accuracy(net, batches):
    net.eval()
    right = torch.cat([net(x).argmax(1) == y for x, y in batches])
    return 100 * right.float().mean().item()


@answers.wrong("2.4", "only the last batch is counted", kind="message")
def mended_accuracy(net, batches):
    net.eval()
    for x, y in batches:
        right = net(x).argmax(1) == y
    return right.float().mean().item()


@answers.wrong("2.4", "still in training mode", kind="state")
def mended_accuracy(net, batches):
    right = torch.cat([net(x).argmax(1) == y for x, y in batches])
    return right.float().mean().item()


@answers.wrong("2.4", "still in training mode", kind="state", name="eval comes too late")
def mended_accuracy(net, batches):
    right = torch.cat([net(x).argmax(1) == y for x, y in batches])
    net.eval()
    return right.float().mean().item()


@answers.wrong("2.4", "(line: seen = len(batches.dataset))", kind="line", name="dataset")
def mended_accuracy(net, batches):
    net.eval()
    seen = len(batches.dataset)
    return 1 / seen


@answers.wrong("2.4", "the share of right answers, not a tuple of 2", kind="line")
def mended_accuracy(net, batches):
    return 5, 6


@answers.wrong("2.4", "your answer is nan", kind="nan")
def mended_accuracy(net, batches):
    return float("nan")


@answers.wrong("2.4", "is the return missing", kind="return")
def mended_accuracy(net, batches):
    correct, seen = 5, 6
    correct / seen


# ------------------------------------------------------------------------------- 2.5 to_picture


@answers.right("2.5", name="by NumPy", kind="numbers")
def to_picture(vector):
    return np.rint((vector.numpy() + 1) * 127.5).astype(np.uint8).reshape(28, 28)


@answers.right("2.5", name="a tensor", kind="numbers")
def to_picture(vector):
    return ((vector + 1) * 127.5 + 0.5).floor().to(torch.uint8).view(28, 28)


@answers.right("2.5", name="on a copy", kind="state")
def to_picture(vector):
    grey = vector.clone()
    grey += 1
    grey *= 127.5
    return grey.round_().byte().reshape(28, 28).numpy()


@answers.wrong("2.5", "pixels are off by one: round before you change the type")
def to_picture(vector):
    return ((vector * 0.5 + 0.5) * 255).to(torch.uint8).reshape(28, 28).numpy()


@answers.wrong("2.5", "the type should be uint8; you return float32")
def to_picture(vector):
    return ((vector * 0.5 + 0.5) * 255).round().reshape(28, 28).numpy()


@answers.wrong("2.5", "the type should be uint8; you return a list of 28", kind="line message")
def to_picture(vector):
    return ((vector * 0.5 + 0.5) * 255).round().int().reshape(28, 28).tolist()


@answers.wrong("2.5", "rows and columns")
def to_picture(vector):
    return ((vector * 0.5 + 0.5) * 255).round().to(torch.uint8).reshape(28, 28).T.numpy()


@answers.wrong("2.5", "between 0 and 1")
def to_picture(vector):
    return (vector * 0.5 + 0.5).reshape(28, 28).numpy()


@answers.wrong("2.5", "a pixel of 100 comes back as -55: undo both steps", kind="message")
def to_picture(vector):
    return (vector * 255).round().reshape(28, 28).numpy()


@answers.wrong("2.5", "the shape is (784,)")
def to_picture(vector):
    return vector.numpy()


@answers.wrong("2.5", "vector was changed: an operation such as +=", kind="state", name="in place")
def to_picture(vector):
    vector *= 0.5
    vector += 0.5
    return (vector * 255).round().to(torch.uint8).reshape(28, 28).numpy()


@answers.wrong("2.5", "a picture holds nan", kind="nan")
def to_picture(vector):
    return (vector.sqrt() * 255).reshape(28, 28).numpy()


@answers.wrong("2.5", "return an array of numbers, not the text", kind="line")
def to_picture(vector):
    return "a picture"


@answers.wrong("2.5", "(line: return grey.reshape(28, 28).uint8())", kind="line")
def to_picture(vector):
    grey = (vector * 0.5 + 0.5) * 255
    return grey.reshape(28, 28).uint8()


@answers.wrong("2.5", "to_picture returned nothing: is the return missing?", kind="return")
def to_picture(vector):
    vector / 2 + 1 / 2


# --------------------------------------------------------------------------------- 2.6 collapse


@answers.right("2.6", name="transposed products, detached", kind="numbers")
def collapse(first, second):
    w1, w2 = first.weight.detach().numpy(), second.weight.detach().numpy()
    return (w1.T @ w2.T).T, w2 @ first.bias.detach().numpy() + second.bias.detach().numpy()


@answers.right("2.6", name="by what comes out", kind="numbers")
def collapse(first, second):
    bias = second(first(torch.zeros(1, first.in_features)))
    columns = second(first(torch.eye(first.in_features))) - bias
    return [columns.T, bias]


@answers.right("2.6", name="sum by sum, as lists")
def collapse(first, second):
    inner, rows = range(first.out_features), range(second.out_features)
    a, b = first.weight.tolist(), second.weight.tolist()
    p, q = first.bias.tolist(), second.bias.tolist()
    weight = [
        [sum(b[i][k] * a[k][j] for k in inner) for j in range(first.in_features)] for i in rows
    ]
    return weight, [q[i] + sum(b[i][k] * p[k] for k in inner) for i in rows]


@answers.wrong("2.6", "the bias of the first layer is missing")
def collapse(first, second):
    return second.weight @ first.weight, second.bias


@answers.wrong("2.6", "the bias of the second layer is missing")
def collapse(first, second):
    return second.weight @ first.weight, second.weight @ first.bias


@answers.wrong("2.6", "that is the transpose: wanted is (outputs, inputs)")
def collapse(first, second):
    return (second.weight @ first.weight).T, second.weight @ first.bias + second.bias


@answers.wrong("2.6", "a number of the weight is", kind="message")
def collapse(first, second):
    return second.weight @ first.weight.abs(), second.weight @ first.bias + second.bias


@answers.wrong("2.6", "a number of the bias is", kind="message")
def collapse(first, second):
    return second.weight @ first.weight, second.weight @ first.bias - second.bias


@answers.wrong("2.6", "a number of the weight holds nan", kind="nan")
def collapse(first, second):
    return second.weight @ first.weight.log(), second.weight @ first.bias + second.bias


@answers.wrong("2.6", "which layer acts first?", kind="message")
def collapse(first, second):
    return first.weight @ second.weight, second.weight @ first.bias + second.bias


@answers.wrong("2.6", "the two biases are added", kind="message")
def collapse(first, second):
    return second.weight @ first.weight, first.bias + second.bias


@answers.wrong("2.6", "the shapes are (4, 4) and (4, 4); wanted (outputs, inputs)", kind="message")
def collapse(first, second):
    return second.weight @ first.weight, torch.outer(first.bias, second.bias)


@answers.wrong("2.6", "(line: return first.weight @ second.wieght, first.bias)", kind="line")
def collapse(first, second):
    return first.weight @ second.wieght, first.bias


@answers.wrong("2.6", "IndexError: list index out of range", kind="line", name="square only")
def collapse(first, second):
    a, b, size = first.weight.tolist(), second.weight.tolist(), range(first.in_features)
    weight = [[sum(row[k] * a[k][j] for k in size) for j in size] for row in b]
    return weight, second(first.bias)


@answers.wrong("2.6", "return a weight and a bias, not a Linear", kind="line")
def collapse(first, second):
    return nn.Linear(first.in_features, second.out_features)


@answers.wrong("2.6", "collapse returned nothing", kind="return")
def collapse(first, second):
    second.weight @ first.weight
