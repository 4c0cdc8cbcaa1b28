"""Answers to the exercises of lesson 4."""

import math
import random

import numpy as np
import torch
from answers import Answers
from torch import nn

answers = Answers("04")
lesson = answers.lesson

# -------------------------------------------------------------------------- 4.1 as_far_as_noise

answers.right("4.1", sigma=0.125**0.5)
answers.right("4.1", sigma=np.sqrt(98 / 784), kind="numbers")
answers.right("4.1", sigma=torch.tensor(98 / 784).sqrt(), kind="numbers")
answers.right("4.1", sigma=math.sqrt(93.01 / 784), name="93.01")
answers.wrong("4.1", "1/8 is the variance", sigma=0.125)
answers.wrong("4.1", "too little noise", sigma=0.2)
answers.wrong("4.1", "distance is 784.00: too much noise", sigma=1)
answers.wrong("4.1", "103.02: too much noise", sigma=0.3625, kind="message")
answers.wrong("4.1", "92.99: too little noise", sigma=math.sqrt(92.99 / 784), kind="message")
answers.wrong("4.1", "all of the 98 to one pixel", sigma=math.sqrt(98))
answers.wrong("4.1", "a number above 0", sigma=-0.354)
answers.wrong("4.1", "a number above 0, not a function", sigma=math.sqrt, kind="line")
answers.wrong("4.1", "your answer is nan", sigma=np.float64("nan"), kind="nan")
answers.wrong("4.1", "your answer is inf", sigma=torch.tensor(torch.inf), kind="nan")

# ------------------------------------------------------------------------------ 4.2 random_codes

answers.right("4.2", guess="b")
answers.right("4.2", guess="B)", kind="numbers")
answers.right("4.2", guess=" b.", kind="numbers")
answers.wrong("4.2", "reach much further", guess="a")
answers.wrong("4.2", "nothing but strokes", guess="c")
answers.wrong("4.2", 'answer with "a", "b" or "c"', guess="d")
answers.wrong("4.2", 'answer with "a", "b" or "c"', guess=torch.ones(2), kind="line")

# --------------------------------------------------------------------------------- 4.3 draw_like


@answers.right("4.3", name="torch.normal")
def draw_like(codes, n):
    mean, std = codes.mean(dim=0), codes.std(dim=0)
    return torch.normal(mean.expand(n, -1), std.expand(n, -1))


@answers.right("4.3", name="a distribution, correct by n")
def draw_like(codes, n):
    normal = torch.distributions.Normal(codes.mean(0), codes.std(0, correction=0))
    return normal.sample((n,))


@answers.right("4.3", name="NumPy, column by column", kind="numbers quiet")
def draw_like(codes, n):
    columns = [np.random.normal(c.mean(), c.std(), n) for c in codes.numpy().T]  # noqa: NPY002
    return np.stack(columns, axis=1)


@answers.right("4.3", name="with correlations, as the lesson goes on", kind="quiet")
def draw_like(codes, n):
    factor = torch.linalg.cholesky(torch.cov(codes.T))
    return codes.mean(dim=0) + torch.randn(n, codes.shape[1]) @ factor.T


@answers.right("4.3", name="in place, on new numbers", kind="state")
def draw_like(codes, n):
    return torch.randn(n, codes.shape[1]).mul_(codes.std(dim=0)).add_(codes.mean(dim=0))


def drawn(n, mean, std, noise=None, *, d):
    """n codes of d numbers, with one thing or another exchanged."""
    return mean + std * (torch.randn(n, d) if noise is None else noise)


@answers.wrong("4.3", "number 1 of the codes has the spread 0.", kind="message")
def draw_like(codes, n):
    return drawn(n, codes.mean(dim=0), 2 * codes.std(dim=0), d=codes.shape[1])


@answers.wrong("4.3", "number 2 of the codes has the mean -", kind="message")
def draw_like(codes, n):
    return drawn(n, -codes.mean(dim=0), codes.std(dim=0), d=codes.shape[1])


@answers.wrong("4.3", "you stretch the mean too")
def draw_like(codes, n):
    return codes.std(dim=0) * (torch.randn(n, codes.shape[1]) + codes.mean(dim=0))


@answers.wrong("4.3", "all numbers have one mean", name="no mean")
def draw_like(codes, n):
    return drawn(n, 0, codes.std(dim=0), d=codes.shape[1])


@answers.wrong("4.3", "all numbers have one mean", name="one mean for all")
def draw_like(codes, n):
    return drawn(n, codes.mean(), codes.std(dim=0), d=codes.shape[1])


@answers.wrong("4.3", "all numbers have one spread", name="one spread for all")
def draw_like(codes, n):
    return drawn(n, codes.mean(dim=0), codes.std(), d=codes.shape[1])


@answers.wrong("4.3", "standard normal numbers, wherever the codes lie", name="standard normal")
def draw_like(codes, n):
    return torch.randn(n, codes.shape[1])


@answers.wrong("4.3", "this is the variance")
def draw_like(codes, n):
    return drawn(n, codes.mean(dim=0), codes.var(dim=0), d=codes.shape[1])


@answers.wrong("4.3", "all codes are the same")
def draw_like(codes, n):
    one = torch.randn(codes.shape[1])
    return drawn(n, codes.mean(dim=0), codes.std(dim=0), one, d=0).expand(n, -1)


@answers.wrong("4.3", "from the same noise")
def draw_like(codes, n):
    return drawn(n, codes.mean(dim=0), codes.std(dim=0), torch.randn(n, 1), d=0)


@answers.wrong("4.3", "the given codes again")
def draw_like(codes, n):
    return codes[torch.randint(len(codes), (n,))]


@answers.wrong("4.3", "every call draws the same codes", kind="luck")
def draw_like(codes, n):
    torch.manual_seed(0)
    return drawn(n, codes.mean(dim=0), codes.std(dim=0), d=codes.shape[1])


@answers.wrong("4.3", "the form is not that of a normal", kind="luck")
def draw_like(codes, n):
    uniform = 12**0.5 * (torch.rand(n, codes.shape[1]) - 0.5)  # mean 0, spread 1
    return drawn(n, codes.mean(dim=0), codes.std(dim=0), uniform, d=0)


@answers.wrong("4.3", "yours (20000,)", name="one number each")
def draw_like(codes, n):
    return codes.mean() + codes.std() * torch.randn(n)


@answers.wrong("4.3", "have the shape (20000, 3), yours (2000, 3)", name="n ignored")
def draw_like(codes, n):
    return codes.mean(dim=0) + codes.std(dim=0) * torch.randn_like(codes)


@answers.wrong("4.3", "(10000, 5), yours (10000, 3)", name="three numbers only")
def draw_like(codes, n):
    return drawn(n, codes.mean(dim=0)[:3], codes.std(dim=0)[:3], d=3)


@answers.wrong("4.3", "The codes here have 5 numbers: any size", kind="line", name="randn(n, 3)")
def draw_like(codes, n):
    return codes.mean(dim=0) + codes.std(dim=0) * torch.randn(n, 3)


@answers.wrong("4.3", "your table of codes holds nan", kind="nan")
def draw_like(codes, n):
    return drawn(n, codes.mean(dim=0), codes.mean(dim=0).log(), d=codes.shape[1])


@answers.wrong("4.3", "codes was changed", kind="state")
def draw_like(codes, n):
    std = codes.std(dim=0)
    codes -= codes.mean(dim=0)
    return std * torch.randn(n, codes.shape[1])


@answers.wrong("4.3", "return a table of codes, not a dict of 2", kind="line")
def draw_like(codes, n):
    return {"mean": codes.mean(dim=0), "std": codes.std(dim=0)}


@answers.wrong("4.3", "draw_like returned nothing", kind="return")
def draw_like(codes, n):
    codes.mean(dim=0) + codes.std(dim=0) * torch.randn(n, codes.shape[1])


# --------------------------------------------------------------------- 4.4 points_on_a_parabola

answers.right("4.4", prediction="b")
answers.right("4.4", prediction=" B ", kind="numbers")
answers.right("4.4", prediction="b)", kind="numbers")
answers.wrong("4.4", "what must it know to find a point", prediction="a")
answers.wrong("4.4", "is the curve straight", prediction="c")
answers.wrong("4.4", 'answer with "a", "b" or "c"', prediction=(2, 1), kind="line")
answers.wrong("4.4", 'answer with "a", "b" or "c"', prediction="both")

# -------------------------------------------------------------------------- 4.5 error_per_image


@answers.right("4.5", name="one after the other")
def error_per_image(recon, x):
    return torch.stack([((a - b) ** 2).sum() for a, b in zip(recon, x, strict=True)])


@answers.right("4.5", name="by mse_loss")
def error_per_image(recon, x):
    squares = nn.functional.mse_loss(recon, x, reduction="none")
    return 784 * squares.flatten(1).mean(1)


@answers.right("4.5", name="a list", kind="numbers")
def error_per_image(recon, x):
    pairs = zip(recon, x, strict=True)
    return [lesson.reconstruction_error(a[None], b[None]).item() for a, b in pairs]


@answers.right("4.5", name="NumPy in float64, draws", kind="numbers quiet")
def error_per_image(recon, x):
    np.random.seed(0)  # noqa: NPY002
    difference = recon.numpy().astype(float) - x.numpy()
    return np.square(difference).reshape(len(x), -1).sum(axis=1)


@answers.right("4.5", name="einsum, with a gradient", kind="numbers quiet")
def error_per_image(recon, x):
    d = (recon - x).flatten(1).requires_grad_()
    return torch.einsum("ij,ij->i", d, d)


@answers.wrong("4.5", "mean over pixels")
def error_per_image(recon, x):
    return ((recon - x) ** 2).flatten(1).mean(dim=1)


@answers.wrong("4.5", "sum over the whole batch")
def error_per_image(recon, x):
    return ((recon - x) ** 2).sum()


@answers.wrong("4.5", "not one for the batch")
def error_per_image(recon, x):
    return lesson.reconstruction_error(recon, x)


@answers.wrong("4.5", "you divided by the batch size", kind="message")
def error_per_image(recon, x):
    return ((recon - x) ** 2).flatten(1).sum(dim=1) / len(x)


@answers.wrong("4.5", "(3, 1), not (3,): no keepdim", kind="message")
def error_per_image(recon, x):
    return ((recon - x) ** 2).flatten(1).sum(dim=1, keepdim=True)


@answers.wrong("4.5", "one number for each pixel")
def error_per_image(recon, x):
    return ((recon - x) ** 2).flatten(1).sum(dim=0)


@answers.wrong("4.5", "absolute differences")
def error_per_image(recon, x):
    return (recon - x).abs().flatten(1).sum(dim=1)


@answers.wrong("4.5", "its square is wanted")
def error_per_image(recon, x):
    return (recon - x).flatten(1).norm(dim=1)


@answers.wrong("4.5", "differences cancel")
def error_per_image(recon, x):
    return (recon - x).flatten(1).sum(dim=1)


@answers.wrong("4.5", "before you add them up")
def error_per_image(recon, x):
    return (recon - x).flatten(1).sum(dim=1) ** 2


@answers.wrong("4.5", "pictures of shape (3, 1, 28, 28) give (3, 28, 28), not (3,)")
def error_per_image(recon, x):
    return ((recon - x) ** 2).sum(dim=1)


@answers.wrong("4.5", "mean over pixels", name="of pictures only")
def error_per_image(recon, x):
    squares = (recon - x).square().flatten(1)
    return squares.mean(dim=1) if recon.ndim == 4 else squares.sum(dim=1)


@answers.wrong("4.5", "mean over pixels", name="of vectors only")
def error_per_image(recon, x):
    squares = (recon - x).square().flatten(1)
    return squares.mean(dim=1) if recon.ndim == 2 else squares.sum(dim=1)


@answers.wrong("4.5", "the error is 395.966, where 791.933 is right", kind="message")
def error_per_image(recon, x):
    return (recon - x).square().flatten(1).sum(dim=1) / 2


@answers.wrong("4.5", "pictures of shape (3, 784) give (3, 784)")
def error_per_image(recon, x):
    return (recon - x) ** 2


@answers.wrong("4.5", "the error holds nan: a logarithm or a root", kind="nan")
def error_per_image(recon, x):
    return (recon - x).sqrt().square().flatten(1).sum(dim=1)


@answers.wrong("4.5", "the error holds inf", kind="nan")
def error_per_image(recon, x):
    return ((recon - x) ** 2 / 0).flatten(1).sum(dim=1)


@answers.wrong("4.5", "recon was changed: an operation such as +=", kind="state")
def error_per_image(recon, x):
    recon -= x
    return recon.flatten(1).square().sum(dim=1)


@answers.wrong("4.5", "x was changed: an operation such as +=", kind="state")
def error_per_image(recon, x):
    return x.sub_(recon).flatten(1).square().sum(dim=1)


@answers.wrong("4.5", "return one number for each picture, not a dict of 2", kind="line")
def error_per_image(recon, x):
    return {"recon": recon, "x": x}


@answers.wrong("4.5", "(line: return lesson.reconstruction_error(recon, x, dim=1))", kind="line")
def error_per_image(recon, x):
    return lesson.reconstruction_error(recon, x, dim=1)


@answers.wrong("4.5", "(line: return torch.cdist(recon[0], x[0], p=2).diag())", kind="line")
def error_per_image(recon, x):
    return torch.cdist(recon[0], x[0], p=2).diag()


@answers.wrong("4.5", "error_per_image returned nothing", kind="return")
def error_per_image(recon, x):
    (recon - x) ** 2


# ------------------------------------------------------------------------------ 4.6 mended_step


@answers.right("4.6", name="the lesson's loss, a tensor", kind="device quiet numbers")
def mended_step(net, x, optimizer):
    optimizer.zero_grad()
    recon = net(x + torch.randn(x.shape, device=x.device) * lesson.NOISE)
    loss = lesson.reconstruction_error(recon, x)
    loss.backward()
    optimizer.step()
    return loss


@answers.right("4.6", name="averages the sums", kind="quiet")
def mended_step(net, x, optimizer):
    random.seed(1)
    noisy = torch.normal(x, lesson.NOISE)
    loss = (net(noisy) - x).square().sum(dim=1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


@answers.right("4.6", name="cleared at the end, x overwritten after a copy", kind="state")
def mended_step(net, x, optimizer):
    clean = x.clone()
    x += lesson.NOISE * torch.randn_like(x)
    loss = ((net(x) - clean) ** 2).sum() / len(x)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


@answers.right("4.6", name="gradients by hand", kind="device state")
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


@answers.wrong("4.6", "not made on the device of x", kind="device")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, lesson.NOISE * torch.randn(x.shape))


@answers.wrong("4.6", "not made on the device of x", kind="device")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, torch.normal(0, lesson.NOISE, x.shape))


@answers.wrong("4.6", "keep the clean x")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, target="noisy")


@answers.wrong("4.6", "the net is asked for the noise: the clean picture")
def mended_step(net, x, optimizer):
    noise = lesson.NOISE * torch.randn_like(x)
    return stepped(net, x, optimizer, noise, loss=lambda a, _: (a - noise).square().sum() / len(a))


@answers.wrong("4.6", "asked for the noise, and the loss averaged over pixels")
def mended_step(net, x, optimizer):
    noise = lesson.NOISE * torch.randn_like(x)
    return stepped(net, x, optimizer, noise, loss=lambda a, _: (a - noise).square().mean())


@answers.wrong("4.6", "the net has not been called")
def mended_step(net, x, optimizer):
    return stepped(lambda noisy: next(net.parameters()).expand(noisy.shape), x, optimizer)


@answers.wrong("4.6", "the noisy batch holds inf", kind="nan")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, torch.ones_like(x) / 0)


@answers.wrong("4.6", "✗ the loss is 155.188, where 310.375", name="halved", kind="message")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, loss=lambda a, b: (a - b).square().sum() / len(b) / 2)


@answers.wrong("4.6", "the target is clean")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, loss=nn.functional.mse_loss)


@answers.wrong("4.6", "still averaged over pixels")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, target="noisy", loss=nn.functional.mse_loss)


@answers.wrong("4.6", "sum over the whole batch")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, loss=nn.MSELoss(reduction="sum"))


@answers.wrong("4.6", "not divided by len(x)")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, target="noisy", loss=nn.MSELoss(reduction="sum"))


@answers.wrong("4.6", "no noise to remove")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, torch.zeros_like(x))


@answers.wrong("4.6", "the noise on the input has a standard deviation of 2.00")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, 2 * lesson.NOISE * torch.randn_like(x))


@answers.wrong("4.6", "not 1", name="torch.rand")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, lesson.NOISE * torch.rand_like(x))


@answers.wrong("4.6", "the noise has mean 1.00", kind="message")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, 1 + lesson.NOISE * torch.randn_like(x))


@answers.wrong("4.6", "all pictures get the same noise", kind="luck")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, lesson.NOISE * torch.randn(x.shape[1]))


@answers.wrong("4.6", "all pixels of a picture get the same noise", kind="luck")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, lesson.NOISE * torch.randn(len(x), 1))


@answers.wrong("4.6", "every step draws the same noise", kind="luck quiet")
def mended_step(net, x, optimizer):
    torch.manual_seed(0)
    return stepped(net, x, optimizer)


@answers.wrong("4.6", "earlier steps, too. Is zero_grad() there?", kind="state")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, order="backward step")


@answers.wrong("4.6", "the net stands still", kind="state")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, order="backward zero step")


@answers.wrong("4.6", "the net stands still", kind="train", name="no step")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, order="zero backward")


@answers.wrong("4.6", "does not require grad", kind="train line", name="detached")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, loss=lambda a, b: (a.detach() - b).square().sum() / len(b))


@answers.wrong("4.6", "keep the clean x", name="overwritten")
def mended_step(net, x, optimizer):
    x += lesson.NOISE * torch.randn_like(x)
    return stepped(net, x, optimizer, torch.zeros_like(x))


@answers.wrong("4.6", "your answer is nan", kind="nan")
def mended_step(net, x, optimizer):
    return stepped(net, x, optimizer, loss=lambda a, b: (a - b).log().sum() / len(b))


@answers.wrong("4.6", "(line: loss = net(x) - noise)", kind="line")
def mended_step(net, x, optimizer):
    noise = torch.randn(28, 28)
    loss = net(x) - noise
    return loss.item()


@answers.wrong("4.6", "return the loss, one number, not a tensor of shape (16, 784)", kind="line")
def mended_step(net, x, optimizer):
    stepped(net, x, optimizer)
    return net(x) - x


@answers.wrong("4.6", "mended_step returned nothing", kind="return")
def mended_step(net, x, optimizer):
    stepped(net, x, optimizer)
