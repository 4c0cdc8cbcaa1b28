"""Answers to the exercises of lesson 4."""

import math
import random

import numpy as np
import torch
from answers import Answers
from torch import nn

answers = Answers("04")
lesson = answers.lesson

# -------------------------------------------------------------------------- 4.1 error_per_image


@answers.right("4.1", name="one after the other")
def error_per_image(recon, x):
    return torch.stack([((a - b) ** 2).sum() for a, b in zip(recon, x, strict=True)])


@answers.right("4.1", name="by mse_loss")
def error_per_image(recon, x):
    squares = nn.functional.mse_loss(recon, x, reduction="none")
    return 784 * squares.flatten(1).mean(1)


@answers.right("4.1", name="a list", kind="numbers")
def error_per_image(recon, x):
    pairs = zip(recon, x, strict=True)
    return [lesson.reconstruction_error(a[None], b[None]).item() for a, b in pairs]


@answers.right("4.1", name="NumPy in float64, draws", kind="numbers quiet")
def error_per_image(recon, x):
    np.random.seed(0)  # noqa: NPY002
    difference = recon.numpy().astype(float) - x.numpy()
    return np.square(difference).reshape(len(x), -1).sum(axis=1)


@answers.right("4.1", name="einsum, with a gradient", kind="numbers quiet")
def error_per_image(recon, x):
    d = (recon - x).flatten(1).requires_grad_()
    return torch.einsum("ij,ij->i", d, d)


@answers.wrong("4.1", "mean over pixels")
def error_per_image(recon, x):
    return ((recon - x) ** 2).flatten(1).mean(dim=1)


@answers.wrong("4.1", "sum over the whole batch")
def error_per_image(recon, x):
    return ((recon - x) ** 2).sum()


@answers.wrong("4.1", "not one for the batch")
def error_per_image(recon, x):
    return lesson.reconstruction_error(recon, x)


@answers.wrong("4.1", "you divided by the batch size", kind="message")
def error_per_image(recon, x):
    return ((recon - x) ** 2).flatten(1).sum(dim=1) / len(x)


@answers.wrong("4.1", "(3, 1), not (3,): no keepdim", kind="message")
def error_per_image(recon, x):
    return ((recon - x) ** 2).flatten(1).sum(dim=1, keepdim=True)


@answers.wrong("4.1", "one number for each pixel")
def error_per_image(recon, x):
    return ((recon - x) ** 2).flatten(1).sum(dim=0)


@answers.wrong("4.1", "absolute differences")
def error_per_image(recon, x):
    return (recon - x).abs().flatten(1).sum(dim=1)


@answers.wrong("4.1", "its square is wanted")
def error_per_image(recon, x):
    return (recon - x).flatten(1).norm(dim=1)


@answers.wrong("4.1", "differences cancel")
def error_per_image(recon, x):
    return (recon - x).flatten(1).sum(dim=1)


@answers.wrong("4.1", "before you add them up")
def error_per_image(recon, x):
    return (recon - x).flatten(1).sum(dim=1) ** 2


@answers.wrong("4.1", "pictures of shape (3, 1, 28, 28) give (3, 28, 28), not (3,)")
def error_per_image(recon, x):
    return ((recon - x) ** 2).sum(dim=1)


@answers.wrong("4.1", "mean over pixels", name="of pictures only")
def error_per_image(recon, x):
    squares = (recon - x).square().flatten(1)
    return squares.mean(dim=1) if recon.ndim == 4 else squares.sum(dim=1)


@answers.wrong("4.1", "mean over pixels", name="of vectors only")
def error_per_image(recon, x):
    squares = (recon - x).square().flatten(1)
    return squares.mean(dim=1) if recon.ndim == 2 else squares.sum(dim=1)


@answers.wrong("4.1", "the error is 395.966, where 791.933 is right", kind="message")
def error_per_image(recon, x):
    return (recon - x).square().flatten(1).sum(dim=1) / 2


@answers.wrong("4.1", "pictures of shape (3, 784) give (3, 784)")
def error_per_image(recon, x):
    return (recon - x) ** 2


@answers.wrong("4.1", "the error holds nan: a logarithm or a root", kind="nan")
def error_per_image(recon, x):
    return (recon - x).sqrt().square().flatten(1).sum(dim=1)


@answers.wrong("4.1", "the error holds inf", kind="nan")
def error_per_image(recon, x):
    return ((recon - x) ** 2 / 0).flatten(1).sum(dim=1)


@answers.wrong("4.1", "recon was changed: an operation such as +=", kind="state")
def error_per_image(recon, x):
    recon -= x
    return recon.flatten(1).square().sum(dim=1)


@answers.wrong("4.1", "x was changed: an operation such as +=", kind="state")
def error_per_image(recon, x):
    return x.sub_(recon).flatten(1).square().sum(dim=1)


@answers.wrong("4.1", "return one number for each picture, not a dict of 2", kind="line")
def error_per_image(recon, x):
    return {"recon": recon, "x": x}


@answers.wrong("4.1", "(line: return lesson.reconstruction_error(recon, x, dim=1))", kind="line")
def error_per_image(recon, x):
    return lesson.reconstruction_error(recon, x, dim=1)


@answers.wrong("4.1", "(line: return torch.cdist(recon[0], x[0], p=2).diag())", kind="line")
def error_per_image(recon, x):
    return torch.cdist(recon[0], x[0], p=2).diag()


@answers.wrong("4.1", "error_per_image returned nothing", kind="return")
def error_per_image(recon, x):
    (recon - x) ** 2


# -------------------------------------------------------------------------- 4.2 as_far_as_noise

answers.right("4.2", sigma=0.125**0.5)
answers.right("4.2", sigma=np.sqrt(98 / 784), kind="numbers")
answers.right("4.2", sigma=torch.tensor(98 / 784).sqrt(), kind="numbers")
answers.right("4.2", sigma=math.sqrt(93.01 / 784), name="93.01")
answers.wrong("4.2", "1/8 is the variance", sigma=0.125)
answers.wrong("4.2", "too little noise", sigma=0.2)
answers.wrong("4.2", "784.00 away: too much noise", sigma=1)
answers.wrong("4.2", "103.02 away: too much noise", sigma=0.3625, kind="message")
answers.wrong("4.2", "92.99 away: too little noise", sigma=math.sqrt(92.99 / 784), kind="message")
answers.wrong("4.2", "a number above 0", sigma=-0.354)
answers.wrong("4.2", "a number above 0, not a function", sigma=math.sqrt, kind="line")
answers.wrong("4.2", "your answer is nan", sigma=np.float64("nan"), kind="nan")
answers.wrong("4.2", "your answer is inf", sigma=torch.tensor(torch.inf), kind="nan")

# --------------------------------------------------------------------- 4.3 points_on_a_parabola

answers.right("4.3", prediction="b")
answers.right("4.3", prediction=" B ", kind="numbers")
answers.right("4.3", prediction="b)", kind="numbers")
answers.wrong("4.3", "what must it know to find a point", prediction="a")
answers.wrong("4.3", "is the curve straight", prediction="c")
answers.wrong("4.3", 'answer with "a", "b" or "c"', prediction=(2, 1), kind="line")
answers.wrong("4.3", 'answer with "a", "b" or "c"', prediction="both")

# ---------------------------------------------------------------------------- 4.4 conv_out_size


@answers.right("4.4", name="by counting")
def conv_out_size(size, kernel, stride, padding):
    return len(range(0, size + 2 * padding - kernel + 1, stride))


@answers.right("4.4", name="by floats", kind="numbers")
def conv_out_size(size, kernel, stride, padding):
    return np.floor((size - kernel + 2 * padding + stride) / stride)


@answers.right("4.4", name="a tensor", kind="numbers")
def conv_out_size(size, kernel, stride, padding):
    return torch.tensor([(size + 2 * padding - kernel) // stride + 1])


@answers.right("4.4", name="by trying it out", kind="quiet")
def conv_out_size(size, kernel, stride, padding):
    conv = nn.Conv1d(1, 1, kernel, stride=stride, padding=padding)  # draws its weights
    return conv(torch.randn(1, 1, size)).shape[-1]


@answers.wrong("4.4", "round down with //: 9.6667 is not whole", kind="message")
def conv_out_size(size, kernel, stride, padding):
    return (size + 2 * padding - kernel) / stride + 2 / 3


@answers.wrong("4.4", "add 1")
def conv_out_size(size, kernel, stride, padding):
    return (size + 2 * padding - kernel) // stride


@answers.wrong("4.4", "count it twice")
def conv_out_size(size, kernel, stride, padding):
    return (size + padding - kernel) // stride + 1


@answers.wrong("4.4", "the stride is missing")
def conv_out_size(size, kernel, stride, padding):
    return size + 2 * padding - kernel + 1


@answers.wrong("4.4", "does not fit")
def conv_out_size(size, kernel, stride, padding):
    return math.ceil((size + 2 * padding - kernel) / stride) + 1


@answers.wrong("4.4", "take its own width off")
def conv_out_size(size, kernel, stride, padding):
    return (size + 2 * padding) // stride + 1


@answers.wrong("4.4", "padding is missing")
def conv_out_size(size, kernel, stride, padding):
    return (size - kernel) // stride + 1


@answers.wrong("4.4", "transposed")
def conv_out_size(size, kernel, stride, padding):
    return (size - 1) * stride + kernel - 2 * padding


@answers.wrong("4.4", "padding 0: you return 10, and the window has 5 places", kind="message")
def conv_out_size(size, kernel, stride, padding):
    return 10


@answers.wrong("4.4", 'round down with //, not the text "10"', kind="line")
def conv_out_size(size, kernel, stride, padding):
    return str((size + 2 * padding - kernel) // stride + 1)


@answers.wrong("4.4", "round down with //, not a tuple of 2", kind="line")
def conv_out_size(size, kernel, stride, padding):
    return divmod(size + 2 * padding - kernel, stride)


@answers.wrong("4.4", "ZeroDivisionError", kind="line")
def conv_out_size(size, kernel, stride, padding):
    return size // padding


@answers.wrong("4.4", "your answer is inf", kind="nan")
def conv_out_size(size, kernel, stride, padding):
    return torch.tensor(size) / 0


@answers.wrong("4.4", "conv_out_size returned nothing", kind="return")
def conv_out_size(size, kernel, stride, padding):
    (size + 2 * padding - kernel) // stride + 1


@answers.wrong("4.4", "· not attempted yet", kind="return", name="return None")
def conv_out_size(size, kernel, stride, padding):
    return None


# ------------------------------------------------------------------------------ 4.5 mended_step


@answers.right("4.5", name="the lesson's loss, a tensor", kind="quiet numbers")
def mended_step(net, x, optimizer):
    optimizer.zero_grad()
    recon = net(x + torch.randn(x.shape) * lesson.NOISE)
    loss = lesson.reconstruction_error(recon, x)
    loss.backward()
    optimizer.step()
    return loss


@answers.right("4.5", name="averages the sums", kind="quiet")
def mended_step(net, x, optimizer):
    random.seed(1)
    noisy = torch.normal(x, lesson.NOISE)
    loss = (net(noisy) - x).square().sum(dim=1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


@answers.right("4.5", name="cleared at the end, x overwritten after a copy", kind="state")
def mended_step(net, x, optimizer):
    clean = x.clone()
    x += lesson.NOISE * torch.randn_like(x)
    loss = ((net(x) - clean) ** 2).sum() / len(x)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


@answers.right("4.5", name="gradients by hand", kind="state")
def mended_step(net, x, optimizer):
    noisy = x + torch.empty_like(x).normal_(0, lesson.NOISE)
    loss = lesson.reconstruction_error(net(noisy), x)
    parameters = list(net.parameters())
    slopes = torch.autograd.grad(loss, parameters)
    for parameter, slope in zip(parameters, slopes, strict=True):
        parameter.grad = slope
    optimizer.step()
    return np.float32(loss.item())


def stepped(net, x, optimizer, noise=None, *, target=None, loss=None, order="zero backward step"):
    """One step, with one thing or another exchanged."""
    noisy = x + (lesson.NOISE * torch.randn_like(x) if noise is None else noise)
    target = x if target is None else noisy
    loss = loss(net(noisy), target) if loss else (net(noisy) - target).square().sum() / len(x)
    do = {"zero": optimizer.zero_grad, "backward": loss.backward, "step": optimizer.step}
    for name in order.split():
        do[name]()
    return loss.item()


@answers.wrong("4.5", "keep the clean x")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, target="noisy")


@answers.wrong("4.5", "the net has not been called")
def mended_step(net, x, optimizer):
    return stepped(lambda noisy: next(net.parameters()).expand(noisy.shape), x, optimizer)


@answers.wrong("4.5", "the noisy batch holds inf", kind="nan")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, torch.ones_like(x) / 0)


@answers.wrong("4.5", "✗ the loss is 155.188, where 310.375", name="halved", kind="message")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, loss=lambda a, b: (a - b).square().sum() / len(b) / 2)


@answers.wrong("4.5", "the target is clean")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, loss=nn.functional.mse_loss)


@answers.wrong("4.5", "still averaged over pixels")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, target="noisy", loss=nn.functional.mse_loss)


@answers.wrong("4.5", "sum over the whole batch")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, loss=nn.MSELoss(reduction="sum"))


@answers.wrong("4.5", "not divided by len(x)")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, target="noisy", loss=nn.MSELoss(reduction="sum"))


@answers.wrong("4.5", "no noise to remove")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, torch.zeros_like(x))


@answers.wrong("4.5", "the noise on the input has a standard deviation of 3.99")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, lesson.NOISE**2 * torch.randn_like(x))


@answers.wrong("4.5", "not 2", name="torch.rand")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, lesson.NOISE * torch.rand_like(x))


@answers.wrong("4.5", "the noise has mean 0.99", kind="message")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, 1 + lesson.NOISE * torch.randn_like(x))


@answers.wrong("4.5", "all pictures get the same noise", kind="luck")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, lesson.NOISE * torch.randn(x.shape[1]))


@answers.wrong("4.5", "all pixels of a picture get the same noise", kind="luck")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, lesson.NOISE * torch.randn(len(x), 1))


@answers.wrong("4.5", "every step draws the same noise", kind="luck quiet")
def mended_step(net, x, optimizer):
    torch.manual_seed(0)
    return stepped(net, x, optimizer)


@answers.wrong("4.5", "earlier steps, too. Is zero_grad() there?", kind="state")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, order="backward step")


@answers.wrong("4.5", "the net stands still", kind="state")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, order="backward zero step")


@answers.wrong("4.5", "the net stands still", kind="train", name="no step")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, order="zero backward")


@answers.wrong("4.5", "does not require grad", kind="train line", name="detached")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, loss=lambda a, b: (a.detach() - b).square().sum() / len(b))


@answers.wrong("4.5", "keep the clean x", name="overwritten")
def mended_step(net, x, optimizer):
    x += lesson.NOISE * torch.randn_like(x)
    return stepped(net, x, optimizer, torch.zeros_like(x))


@answers.wrong("4.5", "your answer is nan", kind="nan")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, loss=lambda a, b: (a - b).log().sum() / len(b))


@answers.wrong("4.5", "(line: loss = net(x) - noise)", kind="line")
def mended_step(net, x, optimizer):
    noise = torch.randn(28, 28)
    loss = net(x) - noise
    return loss.item()


@answers.wrong("4.5", "return the loss, one number, not a tensor of shape (16, 784)", kind="line")
def mended_step(net, x, optimizer):
    stepped(net, x, optimizer)
    return net(x) - x


@answers.wrong("4.5", "mended_step returned nothing", kind="return")
def mended_step(net, x, optimizer):
    stepped(net, x, optimizer)
