"""Answers to the exercises of lesson 5."""

import math

import numpy as np
import torch
from answers import Answers
from torch import nn
from torch.distributions import Normal, kl_divergence

answers = Answers("05")
lesson = answers.lesson
SOLVED = (-0.6, math.log(0.2))

# ------------------------------------------------------------------------------------------- 5.1

answers.right("5.1", prediction=" C", kind="numbers", name="a capital and a space")
answers.right("5.1", prediction="c.", name="a point")
answers.right("5.1", prediction='"c"', name="quoted twice")
answers.wrong("5.1", "nothing holds it at 1", prediction="a")
answers.wrong("5.1", "more noise makes the picture worse", prediction="B", kind="numbers")
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


@answers.right("5.3", name="a minus sign in front")
def kl_to_standard_normal(mu, logvar):
    return -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim=-1)


@answers.right("5.3", kind="device", name="torch.distributions")
def kl_to_standard_normal(mu, logvar):
    q = Normal(mu, (logvar / 2).exp())
    return kl_divergence(q, Normal(torch.zeros_like(mu), torch.ones_like(mu))).sum(dim=1)


@answers.right("5.3", name="a loop")
def kl_to_standard_normal(mu, logvar):
    result = []
    for m, s in zip(mu, logvar, strict=True):
        result.append(sum((s.exp() - 1 - s + m * m) / 2))
    return torch.stack(result)


@answers.right("5.3", kind="numbers", name="a list")
def kl_to_standard_normal(mu, logvar):
    return [0.5 * (s.exp() - 1 - s + m**2).sum() for m, s in zip(mu, logvar, strict=True)]


@answers.right("5.3", kind="numbers", name="NumPy")
def kl_to_standard_normal(mu, logvar):
    mu, logvar = mu.numpy(), logvar.numpy()
    return 0.5 * (np.exp(logvar) - 1 - logvar + mu**2).sum(axis=1)


@answers.right("5.3", kind="numbers", name="NumPy and back")
def kl_to_standard_normal(mu, logvar):
    mu, logvar = mu.numpy().astype(np.float64), logvar.numpy().astype(np.float64)
    return torch.from_numpy(0.5 * (np.exp(logvar) - 1 - logvar + mu**2).sum(axis=1))


@answers.right("5.3", kind="quiet", name="prints, warns and seeds")
def kl_to_standard_normal(mu, logvar):
    print(mu.shape)  # noqa: T201
    np.random.seed(3)  # noqa: NPY002
    torch.manual_seed(3)
    _ = torch.rand(100), np.sqrt(np.float64(-1.0))
    return 0.5 * (logvar.exp() - 1 - logvar + mu**2).sum(1)


@answers.wrong("5.3", "sum over the latent numbers is missing")
def kl_to_standard_normal(mu, logvar):
    return 0.5 * (logvar.exp() - 1 - logvar + mu**2)


@answers.wrong("5.3", "mean over the latent numbers")
def kl_to_standard_normal(mu, logvar):
    return 0.5 * (logvar.exp() - 1 - logvar + mu**2).mean(dim=1)


@answers.wrong("5.3", "one number is too few")
def kl_to_standard_normal(mu, logvar):
    return 0.5 * (logvar.exp() - 1 - logvar + mu**2).sum()


@answers.wrong("5.3", "along dim=1")
def kl_to_standard_normal(mu, logvar):
    return 0.5 * (logvar.exp() - 1 - logvar + mu**2).sum(dim=0)


@answers.wrong("5.3", "sign is flipped")
def kl_to_standard_normal(mu, logvar):
    return 0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(dim=1)


@answers.wrong("5.3", "one half is missing")
def kl_to_standard_normal(mu, logvar):
    return (logvar.exp() - 1 - logvar + mu**2).sum(dim=1)


@answers.wrong("5.3", "logvar / 2) is the standard deviation")
def kl_to_standard_normal(mu, logvar):
    return 0.5 * ((logvar / 2).exp() - 1 - logvar + mu**2).sum(dim=1)


@answers.wrong("5.3", "logvar is used as the variance", kind="nan message")
def kl_to_standard_normal(mu, logvar):
    return 0.5 * (logvar - 1 - torch.log(logvar) + mu**2).sum(1)


@answers.wrong("5.3", "logvar is used as the variance")
def kl_to_standard_normal(mu, logvar):
    return 0.5 * (logvar - 1 - logvar + mu**2).sum(1)


@answers.wrong("5.3", "the divergence of a picture is", kind="message")
def kl_to_standard_normal(mu, logvar):
    return 0.5 * (logvar.exp() - 1 - logvar + mu**2).sum(1) + 1e-3


@answers.wrong("5.3", "logvar is already a logarithm", kind="nan")
def kl_to_standard_normal(mu, logvar):
    return 0.5 * (mu.log() + logvar.exp() - 1 - logvar).sum(1)


@answers.wrong("5.3", "the divergence holds inf: the logarithm of 0", kind="nan")
def kl_to_standard_normal(mu, logvar):
    return 0.5 * ((1000 * logvar).exp() - 1 - logvar + mu**2).sum(1)


@answers.wrong("5.3", "mean is not squared")
def kl_to_standard_normal(mu, logvar):
    return 0.5 * (logvar.exp() - 1 - logvar + mu).sum(dim=1)


@answers.wrong("5.3", "no gradient flows", kind="train")
def kl_to_standard_normal(mu, logvar):
    return 0.5 * (logvar.exp() - 1 - logvar + mu**2).sum(dim=1).detach()


@answers.wrong("5.3", "no gradient reaches logvar", kind="train")
def kl_to_standard_normal(mu, logvar):
    return 0.5 * (logvar.detach().exp() - 1 - logvar.data + mu**2).sum(dim=1)


@answers.wrong("5.3", "the gradient in logvar is not", kind="train")
def kl_to_standard_normal(mu, logvar):
    return 0.5 * (logvar.exp().detach() - 1 - logvar + mu**2).sum(dim=1)


@answers.wrong("5.3", "mu was changed", kind="state")
def kl_to_standard_normal(mu, logvar):
    mu **= 2
    return 0.5 * (logvar.exp() - 1 - logvar + mu).sum(dim=1)


@answers.wrong("5.3", "is the return missing?", kind="return")
def kl_to_standard_normal(mu, logvar):
    0.5 * (logvar.exp() - 1 - logvar + mu**2).sum(dim=1)


@answers.wrong("5.3", "is the return missing?", kind="return")
def kl_to_standard_normal(mu, logvar):
    mu**2 + logvar


@answers.wrong("5.3", "return one number for each picture, not a dict", kind="line")
def kl_to_standard_normal(mu, logvar):
    return {"kl": mu}


@answers.wrong("5.3", "(line: return 0.5 * (logvar.exp() - ones @ mu).sum(dim=1))", kind="line")
def kl_to_standard_normal(mu, logvar):
    ones = torch.ones(3, 7)
    return 0.5 * (logvar.exp() - ones @ mu).sum(dim=1)


# ------------------------------------------------------------------------------------------- 5.4


@answers.right("5.4", kind="device", name="the square root, and no word on devices")
def reparameterise(mu, logvar):
    sigma = logvar.exp().sqrt()
    return mu + sigma * torch.randn(mu.shape)


@answers.right("5.4", name="rsample")
def reparameterise(mu, logvar):
    return Normal(mu, (0.5 * logvar).exp()).rsample()


@answers.right("5.4", kind="numbers", name="NumPy's noise, float64")
def reparameterise(mu, logvar):
    eps = torch.from_numpy(np.random.standard_normal(mu.shape))  # noqa: NPY002
    return mu + (logvar / 2).exp() * eps


@answers.right("5.4", kind="numbers", name="NumPy's generator")
def reparameterise(mu, logvar):
    eps = torch.tensor(np.random.default_rng().normal(size=tuple(mu.shape)))
    return torch.addcmul(mu.double(), (logvar.double() / 2).exp(), eps)


@answers.right("5.4", name="normal_ and a minus")
def reparameterise(mu, logvar):
    return mu - torch.empty_like(mu).normal_() * torch.exp(0.5 * logvar)


@answers.wrong("5.4", "there is no noise")
def reparameterise(mu, logvar):
    return mu


@answers.wrong("5.4", "exp(logvar) is the variance")
def reparameterise(mu, logvar):
    return mu + logvar.exp() * torch.randn_like(mu)


@answers.wrong("5.4", "used as the standard deviation")
def reparameterise(mu, logvar):
    return mu + logvar * torch.randn_like(mu)


@answers.wrong("5.4", "variance 1 everywhere")
def reparameterise(mu, logvar):
    return mu + torch.randn_like(mu)


@answers.wrong("5.4", "where is mu")
def reparameterise(mu, logvar):
    return (logvar / 2).exp() * torch.randn_like(mu)


@answers.wrong("5.4", "torch.rand draws")
def reparameterise(mu, logvar):
    return mu + (logvar / 2).exp() * torch.rand_like(mu)


@answers.wrong("5.4", "the noise is not normal", kind="luck")
def reparameterise(mu, logvar):
    return mu + (logvar / 2).exp() * (torch.rand_like(mu) - 0.5) * 12**0.5


@answers.wrong("5.4", "the noise is not normal", kind="luck")
def reparameterise(mu, logvar):
    return mu + (logvar / 2).exp() * torch.randn_like(mu).sign()


@answers.wrong("5.4", "all images of a batch get the same noise")
def reparameterise(mu, logvar):
    return mu + (logvar / 2).exp() * torch.randn(4)


@answers.wrong("5.4", "share one noise")
def reparameterise(mu, logvar):
    return mu + (logvar / 2).exp() * torch.randn(len(mu), 1)


@answers.wrong("5.4", "two calls give the same", kind="luck quiet")
def reparameterise(mu, logvar):
    torch.manual_seed(1)
    return mu + (logvar / 2).exp() * torch.randn_like(mu)


@answers.wrong("5.4", "two calls give the same", kind="luck")
def reparameterise(mu, logvar):
    eps = torch.randn(mu.shape, generator=torch.Generator().manual_seed(1))
    return mu + (logvar / 2).exp() * eps


@answers.wrong("5.4", "wrong way round")
def reparameterise(mu, logvar):
    return mu + (-logvar / 2).exp() * torch.randn_like(mu)


@answers.wrong("5.4", "nothing learns from that", kind="train")
def reparameterise(mu, logvar):
    return torch.normal(mu, (logvar / 2).exp())


@answers.wrong("5.4", "no gradient flows", kind="train")
def reparameterise(mu, logvar):
    return Normal(mu, (logvar / 2).exp()).sample()


@answers.wrong("5.4", "no gradient reaches logvar", kind="train")
def reparameterise(mu, logvar):
    return mu + (logvar / 2).exp().detach() * torch.randn_like(mu)


@answers.wrong("5.4", "the gradient in mu is not that of mu + sigma", kind="train")
def reparameterise(mu, logvar):
    noise = torch.normal(mu, torch.ones_like(mu)) - mu
    return mu + (logvar / 2).exp() * noise


@answers.wrong("5.4", "the gradient in logvar is not that of mu + sigma", kind="train")
def reparameterise(mu, logvar):
    with torch.no_grad():
        sigma = (logvar / 2).exp()
    return mu + logvar.exp() / sigma * torch.randn_like(mu)


@answers.wrong("5.4", "z has shape (5,)")
def reparameterise(mu, logvar):
    return mu.mean() + torch.randn(5)


@answers.wrong("5.4", "logvar is already a logarithm", kind="nan")
def reparameterise(mu, logvar):
    return mu + torch.sqrt(logvar) * torch.randn_like(mu)


@answers.wrong("5.4", "logvar is already a logarithm", kind="nan")
def reparameterise(mu, logvar):
    return mu + torch.exp(torch.log(logvar) / 2) * torch.randn_like(mu)


@answers.wrong("5.4", "mu was changed", kind="state message")
def reparameterise(mu, logvar):
    z = mu
    z += (logvar / 2).exp() * torch.randn_like(mu)
    return z


@answers.wrong("5.4", "logvar was changed", kind="state")
def reparameterise(mu, logvar):
    sigma = logvar.div_(2).exp_()
    return mu + sigma * torch.randn_like(mu)


@answers.wrong("5.4", "return a tensor, not None", kind="line")
def reparameterise(mu, logvar):
    return mu, None


# ------------------------------------------------------------------------------------------- 5.5


@answers.right("5.5", name="mse_loss with a sum")
def mended_loss(recon, x, mu, logvar):
    error = nn.functional.mse_loss(recon, x, reduction="sum")
    kl = 0.5 * (logvar.exp() - 1 - logvar + mu**2).sum()
    return (error + kl) / len(x)


@answers.right("5.5", name="the lesson's guard")
def mended_loss(recon, x, mu, logvar):
    return ((recon - x).square().sum(1) + lesson.guard(mu, logvar)).mean()


@answers.right("5.5", kind="numbers", name="one element, float64")
def mended_loss(recon, x, mu, logvar):
    kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(dim=1).mean(dim=0, keepdim=True)
    return kl.double() + nn.functional.mse_loss(recon, x) * x.shape[1]


@answers.right("5.5", name="a loop over the pictures")
def mended_loss(recon, x, mu, logvar):
    total = 0
    for r, t, m, s in zip(recon, x, mu, logvar, strict=True):
        total = total + torch.dist(r, t) ** 2 + 0.5 * (s.exp() - 1 - s + m * m).sum()
    return total / len(x)


@answers.wrong("5.5", "averaged over the latent numbers, and its sign is wrong")
def mended_loss(recon, x, mu, logvar):
    error = ((recon - x) ** 2).sum(dim=1)
    kl = 0.5 * (1 + logvar - mu**2 - logvar.exp()).mean()
    return (error + kl).mean()


@answers.wrong("5.5", "sign of the KL is wrong")
def mended_loss(recon, x, mu, logvar):
    error = ((recon - x) ** 2).sum(dim=1)
    kl = 0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(dim=1)
    return (error + kl).mean()


@answers.wrong("5.5", "the KL is averaged over the latent numbers: sum")
def mended_loss(recon, x, mu, logvar):
    error = ((recon - x) ** 2).sum(dim=1)
    kl = 0.5 * (logvar.exp() - 1 - logvar + mu**2).mean()
    return (error + kl).mean()


@answers.wrong("5.5", "the KL is summed over the batch", kind="message")
def mended_loss(recon, x, mu, logvar):
    error = ((recon - x) ** 2).sum(dim=1)
    kl = 0.5 * (logvar.exp() - 1 - logvar + mu**2).sum()
    return (error + kl).mean()


@answers.wrong("5.5", "the factor 1/2 of the KL is missing", kind="message")
def mended_loss(recon, x, mu, logvar):
    error = ((recon - x) ** 2).sum(dim=1)
    return (error + (logvar.exp() - 1 - logvar + mu**2).sum(dim=1)).mean()


@answers.wrong("5.5", "the scaling mistake")
def mended_loss(recon, x, mu, logvar):
    kl = 0.5 * (logvar.exp() - 1 - logvar + mu**2).sum(dim=1)
    return nn.functional.mse_loss(recon, x) + kl.mean()


@answers.wrong("5.5", "both terms are averaged")
def mended_loss(recon, x, mu, logvar):
    kl = 0.5 * (logvar.exp() - 1 - logvar + mu**2).mean()
    return nn.functional.mse_loss(recon, x) + kl


@answers.wrong("5.5", "take the mean over images")
def mended_loss(recon, x, mu, logvar):
    kl = 0.5 * (logvar.exp() - 1 - logvar + mu**2).sum()
    return ((recon - x) ** 2).sum() + kl


@answers.wrong("5.5", "the squared error is summed over the batch")
def mended_loss(recon, x, mu, logvar):
    kl = 0.5 * (logvar.exp() - 1 - logvar + mu**2).sum(dim=1)
    return ((recon - x) ** 2).sum() + kl.mean()


@answers.wrong("5.5", "return one number, the mean over the images, not a tensor of shape (4,)")
def mended_loss(recon, x, mu, logvar):
    return ((recon - x) ** 2).sum(dim=1) + lesson.guard(mu, logvar)


@answers.wrong("5.5", "the KL is missing")
def mended_loss(recon, x, mu, logvar):
    return ((recon - x) ** 2).sum(dim=1).mean()


@answers.wrong("5.5", "logvar is used as the variance", kind="nan")
def mended_loss(recon, x, mu, logvar):
    kl = 0.5 * (logvar - 1 - logvar.log() + mu**2).sum(dim=1)
    return (((recon - x) ** 2).sum(dim=1) + kl).mean()


@answers.wrong("5.5", "is nan", kind="nan")
def mended_loss(recon, x, mu, logvar):
    return ((recon - x).sqrt().sum(dim=1) + lesson.guard(mu, logvar)).mean()


@answers.wrong("5.5", "cannot train", kind="train")
def mended_loss(recon, x, mu, logvar):
    return ((recon - x).square().sum(1) + lesson.guard(mu, logvar)).mean().item()


@answers.wrong("5.5", "no gradient reaches mu", kind="train")
def mended_loss(recon, x, mu, logvar):
    with torch.no_grad():
        kl = lesson.guard(mu, logvar)
    return ((recon - x).square().sum(1) + kl).mean()


@answers.wrong("5.5", "recon was changed", kind="state")
def mended_loss(recon, x, mu, logvar):
    recon -= x
    return ((recon**2).sum(1) + lesson.guard(mu, logvar)).mean()


# ------------------------------------------------------------------------------------------- 5.6

answers.right("5.6", factor=3 * 64**2, name="a product")
answers.right("5.6", factor="12,288", name="a text")
answers.right("5.6", factor=torch.tensor(12288), kind="numbers", name="a tensor")
answers.right("5.6", factor=np.float32(12288), kind="numbers", name="NumPy")
answers.right("5.6", factor=np.prod([3, 64, 64]), kind="numbers", name="a product of NumPy's")
answers.wrong("5.6", "784 is MNIST", factor=784)
answers.wrong("5.6", "784 is MNIST", factor=torch.tensor([784.0]), kind="numbers")
answers.wrong("5.6", "the colours are missing", factor=4096)
answers.wrong("5.6", "The batch does not matter", factor=128 * 12288)
answers.wrong("5.6", "the other way round", factor=1 / 12288)
answers.wrong("5.6", "give one number", factor="many", kind="line")
answers.wrong("5.6", "is nan", factor=math.nan, kind="nan")
