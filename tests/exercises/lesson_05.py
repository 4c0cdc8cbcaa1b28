"""Answers to the exercises of lesson 5."""

import math

import numpy as np
import torch
from answers import Answers
from torch import nn
from torch.distributions import Normal

answers = Answers("05")
lesson = answers.lesson
SOLVED = (-0.6, math.log(0.2))

# ------------------------------------------------------------------------------------------- 5.1

answers.right("5.1", prediction=" C", kind="numbers", name="a capital and a space")
answers.right("5.1", prediction="c.", name="a point")
answers.right("5.1", prediction='"c"', name="quoted twice")
answers.wrong("5.1", "nothing holds it at 1", prediction="a")
answers.wrong("5.1", "more noise makes the image worse", prediction="B", kind="numbers")
answers.wrong("5.1", 'answer with "a", "b" or "c"', prediction="x")
answers.wrong("5.1", 'answer with "a", "b" or "c"', prediction=3, kind="line")

# ------------------------------------------------------------------------------------------- 5.2

m, v = lesson.posterior(torch.tensor(-1.0))
answers.right("5.2", mean=m, logvar=v.log(), kind="numbers", name="the lesson's posterior")
answers.right("5.2", mean=np.float64(-0.6), logvar=np.log(0.2), kind="numbers", name="numpy")
answers.right("5.2", mean=[-0.58], logvar=torch.tensor([-1.55]), kind="numbers", name="one each")
answers.right("5.2", mean=-0.58, logvar=-1.55, name="a little off")
answers.right("5.2", mean=m.clone().requires_grad_(), logvar=np.array(-1.6), kind="numbers")
answers.wrong("5.2", "the mean should be lower", mean=0, logvar=0)
answers.wrong("5.2", "the mean should be higher", mean=-1.5, logvar=-1.6)
answers.wrong("5.2", "p(z) pulls towards 0", mean=-0.75, logvar=-1.609)
answers.wrong("5.2", "that is the variance", mean=torch.tensor(-0.6), logvar=torch.tensor(0.2))
answers.wrong("5.2", "the mean is near, but q is too wide", mean=-0.6, logvar=-0.805)
answers.wrong("5.2", "the standard deviation", mean=-0.6, logvar=0.2**0.5, kind="message")
answers.wrong("5.2", "the mean is near, but q is too narrow", mean=-0.6, logvar=-3)
answers.wrong("5.2", "give two numbers", mean="-0.6", logvar="-1.6", kind="line")
answers.wrong("5.2", "give two numbers", mean=torch.zeros(3), logvar=-1.6, kind="line")
answers.wrong("5.2", "is nan", mean=-0.6, logvar=float("nan"), kind="nan")
answers.wrong("5.2", "is -inf", mean=-0.6, logvar=-math.inf, kind="nan")
answers.wrong("5.2", "far too large", mean=1e200, logvar=-1.6, kind="extreme")
answers.wrong("5.2", "far too large", mean=-0.6, logvar=1000.0, kind="extreme")
# A mean just outside, and the width exactly right: it is not the width that is to blame.
answers.wrong("5.2", "0.00506", mean=-0.645, logvar=SOLVED[1])
answers.wrong("5.2", "the mean should be lower", mean=-0.555, logvar=SOLVED[1], kind="message")
narrow = "the gap is 0.005009: the mean is near, but q is too narrow"
answers.wrong("5.2", narrow, mean=-0.6, logvar=-1.7544, kind="message")

# ------------------------------------------------------------------------------------------- 5.3

log_normal = lesson.log_normal


@answers.right("5.3", name="torch.distributions, a float")
def bound_by_drawing(log_joint, mu, logvar, n):
    q = Normal(mu, (logvar / 2).exp())
    z = q.sample((n,))
    return (log_joint(z) - q.log_prob(z)).mean().item()


@answers.right("5.3", name="in ten parts")
def bound_by_drawing(log_joint, mu, logvar, n):
    total = 0.0
    for z in torch.normal(mu.expand(n), torch.exp(logvar / 2)).chunk(10):
        total += (log_joint(z) - log_normal(z, mu, logvar.exp())).sum()
    return total / n


@answers.right("5.3", kind="numbers", name="log q written out, NumPy's noise")
def bound_by_drawing(log_joint, mu, logvar, n):
    noise = torch.from_numpy(np.random.default_rng().standard_normal(n))
    log_q = -0.5 * (math.log(2 * math.pi) + logvar + noise**2)
    return np.mean((log_joint(mu + torch.exp(logvar / 2) * noise) - log_q).numpy())


@answers.wrong("5.3", "log q is missing")
def bound_by_drawing(log_joint, mu, logvar, n):
    return log_joint(mu + torch.exp(logvar / 2) * torch.randn(n)).mean()


@answers.wrong("5.3", "log q is added")
def bound_by_drawing(log_joint, mu, logvar, n):
    z = mu + torch.exp(logvar / 2) * torch.randn(n)
    return (log_joint(z) + log_normal(z, mu, logvar.exp())).mean()


@answers.wrong("5.3", "exp(logvar) is the variance")
def bound_by_drawing(log_joint, mu, logvar, n):
    z = mu + torch.exp(logvar) * torch.randn(n)
    return (log_joint(z) - log_normal(z, mu, logvar.exp())).mean()


@answers.wrong("5.3", "log_normal wants the variance")
def bound_by_drawing(log_joint, mu, logvar, n):
    z = mu + torch.exp(logvar / 2) * torch.randn(n)
    return (log_joint(z) - log_normal(z, mu, torch.exp(logvar / 2))).mean()


@answers.wrong("5.3", "log_normal wants the variance", kind="nan")
def bound_by_drawing(log_joint, mu, logvar, n):
    z = mu + torch.exp(logvar / 2) * torch.randn(n)
    return (log_joint(z) - log_normal(z, mu, logvar)).mean()


@answers.wrong("5.3", "z its root", kind="nan")
def bound_by_drawing(log_joint, mu, logvar, n):
    z = mu + torch.sqrt(logvar) * torch.randn(n)
    return (log_joint(z) - log_normal(z, mu, logvar.exp())).mean()


@answers.wrong("5.3", "these codes are not from q")
def bound_by_drawing(log_joint, mu, logvar, n):
    z = torch.randn(n)
    return (log_joint(z) - log_normal(z, mu, logvar.exp())).mean()


@answers.wrong("5.3", "take the mean of the logarithms")
def bound_by_drawing(log_joint, mu, logvar, n):
    # Many draws from a wide q, weighted: the importance-weighted bound, all but log p(x).
    z = 3 * torch.randn(10 * n)
    ratios = log_joint(z) - log_normal(z, torch.tensor(0.0), torch.tensor(9.0))
    return torch.logsumexp(ratios, dim=0) - math.log(10 * n)


@answers.wrong("5.3", "not the logarithm of a mean", kind="message")
def bound_by_drawing(log_joint, mu, logvar, n):
    z = mu + torch.exp(logvar / 2) * torch.randn(n)
    return (log_joint(z) - log_normal(z, mu, logvar.exp())).exp().mean().log()


@answers.wrong("5.3", "not the logarithm of a mean", kind="message")
def bound_by_drawing(log_joint, mu, logvar, n):
    z = mu + torch.exp(logvar / 2) * torch.randn(n)
    return (log_joint(z).exp().mean() / log_normal(z, mu, logvar.exp()).exp().mean()).log()


@answers.wrong("5.3", "scatters like a single draw", kind="luck")
def bound_by_drawing(log_joint, mu, logvar, n):
    z = mu + torch.exp(logvar / 2) * torch.randn_like(mu)
    return log_joint(z) - log_normal(z, mu, logvar.exp())


@answers.wrong("5.3", "what becomes of log q(z)", kind="message")
def bound_by_drawing(log_joint, mu, logvar, n):
    z = mu + torch.exp(logvar / 2) * torch.randn(n)
    return (log_joint(z) / log_normal(z, mu, logvar.exp())).mean()


@answers.wrong("5.3", "q is subtracted: a bound is made of logarithms", kind="message")
def bound_by_drawing(log_joint, mu, logvar, n):
    z = mu + torch.exp(logvar / 2) * torch.randn(n)
    return (log_joint(z) - log_normal(z, mu, logvar.exp()).exp()).mean()


@answers.wrong("5.3", "subtracted, not log p(z)", kind="message")
def bound_by_drawing(log_joint, mu, logvar, n):
    z = mu + torch.exp(logvar / 2) * torch.randn(n)
    return (log_joint(z) - log_normal(z, 0, torch.tensor(1.0))).mean()


@answers.wrong("5.3", "these codes are not from q", kind="message")
def bound_by_drawing(log_joint, mu, logvar, n):
    z = mu + torch.exp(logvar / 2) * torch.rand(n)
    return (log_joint(z) - log_normal(z, mu, logvar.exp())).mean()


@answers.wrong("5.3", "the sign is flipped", kind="message")
def bound_by_drawing(log_joint, mu, logvar, n):
    z = mu + torch.exp(logvar / 2) * torch.randn(n)
    return (log_normal(z, mu, logvar.exp()) - log_joint(z)).mean()


@answers.wrong("5.3", "two calls give the same number", kind="luck")
def bound_by_drawing(log_joint, mu, logvar, n):
    z = mu + torch.exp(logvar / 2) * torch.linspace(-3, 3, n)
    return (log_joint(z) - log_normal(z, mu, logvar.exp())).mean()


@answers.wrong("5.3", "a sum over the draws", kind="luck")
def bound_by_drawing(log_joint, mu, logvar, n):
    z = mu + torch.exp(logvar / 2) * torch.randn(n)
    return (log_joint(z) - log_normal(z, mu, logvar.exp())).sum()


@answers.wrong("5.3", "every draw gives -2.1237")
def bound_by_drawing(log_joint, mu, logvar, n):
    z = mu + torch.exp(logvar / 2) * torch.randn(n)
    return log_joint(z).mean() + 0.5 * math.log(2 * math.pi * math.e) + logvar / 2


@answers.wrong("5.3", "not a tensor of shape (10000,)", kind="line")
def bound_by_drawing(log_joint, mu, logvar, n):
    z = mu + torch.exp(logvar / 2) * torch.randn(n)
    return log_joint(z) - log_normal(z, mu, logvar.exp())


# ------------------------------------------------------------------------------------------- 5.4


@answers.right("5.4", name="mse_loss with a sum")
def mended_loss(recon, x, mu, logvar):
    error = nn.functional.mse_loss(recon, x, reduction="sum")
    kl = 0.5 * (logvar.exp() - 1 - logvar + mu**2).sum()
    return (error + kl) / len(x)


@answers.right("5.4", name="the lesson's KL")
def mended_loss(recon, x, mu, logvar):
    return ((recon - x).square().sum(1) + lesson.kl_to_prior(mu, logvar)).mean()


@answers.right("5.4", kind="numbers", name="one element, float64")
def mended_loss(recon, x, mu, logvar):
    kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(dim=1).mean(dim=0, keepdim=True)
    return kl.double() + nn.functional.mse_loss(recon, x) * x.shape[1]


@answers.right("5.4", name="a loop over the pictures")
def mended_loss(recon, x, mu, logvar):
    total = 0
    for r, t, m, s in zip(recon, x, mu, logvar, strict=True):
        total = total + torch.dist(r, t) ** 2 + 0.5 * (s.exp() - 1 - s + m * m).sum()
    return total / len(x)


@answers.wrong("5.4", "averaged over the latent numbers, and its sign is wrong")
def mended_loss(recon, x, mu, logvar):
    error = ((recon - x) ** 2).sum(dim=1)
    kl = 0.5 * (1 + logvar - mu**2 - logvar.exp()).mean()
    return (error + kl).mean()


@answers.wrong("5.4", "sign of the KL is wrong")
def mended_loss(recon, x, mu, logvar):
    error = ((recon - x) ** 2).sum(dim=1)
    kl = 0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(dim=1)
    return (error + kl).mean()


@answers.wrong("5.4", "the KL is averaged over the latent numbers: sum")
def mended_loss(recon, x, mu, logvar):
    error = ((recon - x) ** 2).sum(dim=1)
    kl = 0.5 * (logvar.exp() - 1 - logvar + mu**2).mean()
    return (error + kl).mean()


@answers.wrong("5.4", "the KL is summed over the batch", kind="message")
def mended_loss(recon, x, mu, logvar):
    error = ((recon - x) ** 2).sum(dim=1)
    kl = 0.5 * (logvar.exp() - 1 - logvar + mu**2).sum()
    return (error + kl).mean()


@answers.wrong("5.4", "the factor 1/2 of the KL is missing", kind="message")
def mended_loss(recon, x, mu, logvar):
    error = ((recon - x) ** 2).sum(dim=1)
    return (error + (logvar.exp() - 1 - logvar + mu**2).sum(dim=1)).mean()


@answers.wrong("5.4", "the squared error has no factor 1/2 here", kind="message")
def mended_loss(recon, x, mu, logvar):
    error = ((recon - x) ** 2).sum(dim=1)
    return (error / 2 + lesson.kl_to_prior(mu, logvar)).mean()


@answers.wrong("5.4", "the scaling mistake")
def mended_loss(recon, x, mu, logvar):
    kl = 0.5 * (logvar.exp() - 1 - logvar + mu**2).sum(dim=1)
    return nn.functional.mse_loss(recon, x) + kl.mean()


@answers.wrong("5.4", "both terms are averaged")
def mended_loss(recon, x, mu, logvar):
    kl = 0.5 * (logvar.exp() - 1 - logvar + mu**2).mean()
    return nn.functional.mse_loss(recon, x) + kl


@answers.wrong("5.4", "take the mean over images")
def mended_loss(recon, x, mu, logvar):
    kl = 0.5 * (logvar.exp() - 1 - logvar + mu**2).sum()
    return ((recon - x) ** 2).sum() + kl


@answers.wrong("5.4", "the squared error is summed over the batch")
def mended_loss(recon, x, mu, logvar):
    kl = 0.5 * (logvar.exp() - 1 - logvar + mu**2).sum(dim=1)
    return ((recon - x) ** 2).sum() + kl.mean()


@answers.wrong("5.4", "must be one number, the mean over the batch, not a tensor of shape (4,)")
def mended_loss(recon, x, mu, logvar):
    return ((recon - x) ** 2).sum(dim=1) + lesson.kl_to_prior(mu, logvar)


@answers.wrong("5.4", "the KL is missing")
def mended_loss(recon, x, mu, logvar):
    return ((recon - x) ** 2).sum(dim=1).mean()


@answers.wrong("5.4", "logvar is used as the variance", kind="nan")
def mended_loss(recon, x, mu, logvar):
    kl = 0.5 * (logvar - 1 - logvar.log() + mu**2).sum(dim=1)
    return (((recon - x) ** 2).sum(dim=1) + kl).mean()


@answers.wrong("5.4", "is nan", kind="nan")
def mended_loss(recon, x, mu, logvar):
    return ((recon - x).sqrt().sum(dim=1) + lesson.kl_to_prior(mu, logvar)).mean()


@answers.wrong("5.4", "cannot train", kind="train")
def mended_loss(recon, x, mu, logvar):
    return ((recon - x).square().sum(1) + lesson.kl_to_prior(mu, logvar)).mean().item()


@answers.wrong("5.4", "no gradient reaches mu", kind="train")
def mended_loss(recon, x, mu, logvar):
    with torch.no_grad():
        kl = lesson.kl_to_prior(mu, logvar)
    return ((recon - x).square().sum(1) + kl).mean()


@answers.wrong("5.4", "recon was changed", kind="state")
def mended_loss(recon, x, mu, logvar):
    recon -= x
    return ((recon**2).sum(1) + lesson.kl_to_prior(mu, logvar)).mean()


# ------------------------------------------------------------------------------------------- 5.5


def near(z, mean, spread):
    """Whether equal draws have this mean and spread, and no two columns share their noise."""
    right = (z.mean(0) - mean).abs().max() < 0.05 and (z.std(0) - spread).abs().max() < 0.05
    return right and torch.corrcoef(z.T)[0, 1].abs() < 0.1


def many(mean, logvar):
    return (torch.full((5000, 2), value, requires_grad=True) for value in (mean, logvar))


@answers.right("5.5", kind="numbers", name="a boolean tensor")
def draws_rightly(draw):
    mu, logvar = many(2.0, -1.4)
    z = draw(mu, logvar)
    if not z.requires_grad:
        return torch.tensor(False)
    slopes = torch.autograd.grad(z.sum(), (mu, logvar), allow_unused=True)
    learns = all(slope is not None and slope.any() for slope in slopes)
    return near(z.detach(), 2.0, math.exp(-0.7)) & learns


@answers.right("5.5", name="one long row")
def draws_rightly(draw):
    mu = torch.full((40_000,), -1.0, requires_grad=True)
    logvar = torch.full((40_000,), 1.0, requires_grad=True)
    z = draw(mu, logvar)
    try:
        z.sum().backward()
    except RuntimeError:
        return False
    if mu.grad is None or logvar.grad is None or not (mu.grad.any() and logvar.grad.any()):
        return False
    return bool(abs(z.mean() + 1) < 0.06 and abs(z.std() - math.exp(0.5)) < 0.06)


@answers.right("5.5", kind="numbers", name="the noise, worked back; 0 or 1")
def draws_rightly(draw):
    mu, logvar = many(-3.0, 2.0)
    z = draw(mu, logvar)
    noise = ((z - mu) / torch.exp(logvar / 2)).detach()
    if not near(noise, 0.0, 1.0) or not z.requires_grad:
        return 0
    found = torch.autograd.grad(z.sum(), (mu, logvar), allow_unused=True)
    right = torch.ones_like(mu), noise * math.e / 2
    pairs = zip(found, right, strict=True)
    return int(all(one is not None and torch.allclose(one, two, atol=1e-4) for one, two in pairs))


@answers.wrong("5.5", "by torch.normal, whose gradients are 0", kind="train")
def draws_rightly(draw):
    mu, logvar = many(2.0, -1.4)
    z = draw(mu, logvar)
    z.sum().backward()
    not_none = mu.grad is not None and logvar.grad is not None
    return not_none and near(z.detach(), 2.0, math.exp(-0.7))


@answers.wrong("5.5", "by torch.normal, whose gradients are 0", kind="train")
def draws_rightly(draw):
    return near(draw(*many(2.0, -1.4)).detach(), 2.0, math.exp(-0.7))


@answers.wrong("5.5", "at a draw that sends no gradient to mu", kind="train")
def draws_rightly(draw):
    mu, logvar = many(2.0, -1.4)
    z = draw(mu, logvar)
    if not (near(z.detach(), 2.0, math.exp(-0.7)) and z.requires_grad):
        return False
    z.sum().backward()
    return (mu.grad != 0).any() and (logvar.grad != 0).any()


@answers.wrong("5.5", "lets pass a draw that sends no gradient to mu", kind="train")
def draws_rightly(draw):
    mu, logvar = many(2.0, -1.4)
    z = draw(mu, logvar)
    slope = torch.autograd.grad(z.sum(), logvar, allow_unused=True)[0]
    return slope is not None and slope.any() and near(z.detach(), 2.0, math.exp(-0.7))


@answers.wrong("5.5", "whose standard deviation is exp(logvar)")
def draws_rightly(draw):
    mu, logvar = many(2.0, 0.0)  # variance 1 is its own square root
    return near(draw(mu, logvar).detach(), 2.0, 1.0)


@answers.wrong("5.5", "all numbers of a row share one noise")
def draws_rightly(draw):
    z = draw(*many(2.0, -1.4)).detach()
    return abs(z.mean() - 2) < 0.05 and abs(z.std() - math.exp(-0.7)) < 0.05


@answers.wrong("5.5", "without mu")
def draws_rightly(draw):
    z = draw(*many(2.0, -1.4)).detach()
    return abs(z.std() - math.exp(-0.7)) < 0.05


@answers.wrong("5.5", "room enough for chance", kind="luck")
def draws_rightly(draw):
    return abs(draw(torch.zeros(50, 2), torch.zeros(50, 2)).mean()) < 0.001


@answers.wrong("5.5", "whose standard deviation is exp(logvar)", kind="luck")
def draws_rightly(draw):
    return True


@answers.wrong("5.5", "is the return missing?", kind="return")
def draws_rightly(draw):
    assert draw(torch.zeros(4, 2), torch.zeros(4, 2)).shape == (4, 2)


@answers.wrong("5.5", "return True or False", kind="line")
def draws_rightly(draw):
    return "yes"
