"""Answers to the exercises of lesson 6."""

import math

import numpy as np
import torch
from answers import Answers
from torch import nn
from torch.distributions import Normal

answers = Answers("06")
lesson = answers.lesson

# ------------------------------------------------------------------------------------------- 6.1


@answers.right("6.1", name="two returns")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    if not net.training:
        return net.decode(mu), mu, logvar
    noise = torch.randn(mu.shape, device=x.device, dtype=x.dtype)
    return net.decode(mu + noise * (logvar / 2).exp()), mu, logvar


@answers.right("6.1", kind="numbers", name="the net's own sample, a list")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    z = net.sample(mu, logvar) if net.training else mu
    return [net.decode(z), mu, logvar]


@answers.right("6.1", kind="device", name="rsample")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    z = Normal(mu, torch.exp(logvar / 2)).rsample() if net.training else mu
    return net.decode(z), mu, logvar


@answers.right("6.1", kind="device", name="looks at the values")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    assert mu.isfinite().all()
    assert float(logvar.max()) < 100
    noise = torch.randn_like(mu) if net.training else 0
    return net.decode(mu + torch.exp(logvar / 2) * noise), mu, logvar


@answers.right("6.1", kind="device", name="the width from the net")
def mended_forward(net, x):
    mu, logvar = net.encode(x, None)
    noise = torch.randn(len(x), net.latent, device=x.device) * int(net.training)
    return net.decode(mu + (logvar / 2).exp() * noise, None), mu, logvar


@answers.wrong("6.1", "there is still noise in evaluation")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    return net.decode(mu + torch.exp(logvar / 2) * torch.randn_like(mu)), mu, logvar


@answers.wrong("6.1", "there is still noise in evaluation")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    z = mu if net.training else mu + torch.exp(logvar / 2) * torch.randn_like(mu)
    return net.decode(z), mu, logvar


@answers.wrong("6.1", "not made on the device of mu", kind="device")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    noise = torch.randn(mu.shape) if net.training else 0
    return net.decode(mu + torch.exp(logvar / 2) * noise), mu, logvar


@answers.wrong("6.1", "not made on the device of mu", kind="device")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    noise = torch.normal(torch.zeros(mu.shape), torch.ones(mu.shape))
    return net.decode(mu + net.training * torch.exp(logvar / 2) * noise), mu, logvar


@answers.wrong("6.1", "there is no noise")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    return net.decode(mu), mu, logvar


@answers.wrong("6.1", "exp(logvar) is the variance")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    z = mu + logvar.exp() * torch.randn_like(mu) if net.training else mu
    return net.decode(z), mu, logvar


@answers.wrong("6.1", "return three things")
def mended_forward(net, x):
    mu, _ = net.encode(x)
    return net.decode(mu)


@answers.wrong("6.1", "in this order")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    z = mu + torch.exp(logvar / 2) * torch.randn_like(mu) if net.training else mu
    return net.decode(z), logvar, mu


@answers.wrong("6.1", "to another mode", kind="state")
def mended_forward(net, x):
    net.eval()
    mu, logvar = net.encode(x)
    return net.decode(mu), mu, logvar


@answers.wrong("6.1", "to another mode", kind="state")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    z = mu + torch.exp(logvar / 2) * torch.randn_like(mu) if net.training else mu
    net.train()
    return net.decode(z), mu, logvar


@answers.wrong("6.1", "nothing learns from that", kind="train")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    z = torch.normal(mu, torch.exp(logvar / 2)) if net.training else mu
    return net.decode(z), mu, logvar


@answers.wrong("6.1", "logvar is already a logarithm", kind="nan")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    noise = torch.randn_like(mu) if net.training else 0
    return net.decode(mu + logvar.sqrt() * noise), mu, logvar


@answers.wrong("6.1", "'NetOfThisCheck' object has no attribute 'decoder'", kind="line")
def mended_forward(net, x):
    return net.decoder(net.hidden(x))


@answers.wrong("6.1", "device=x.device (line: noise = torch.randn_like(mu).cuda())", kind="line")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    noise = torch.randn_like(mu).cuda()
    z = mu + torch.exp(logvar / 2) * noise if net.training else mu
    return net.decode(z), mu, logvar


@answers.wrong("6.1", "returned nothing: is the return missing?", kind="return")  # noqa: RET503
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    if not net.training:
        return net.decode(mu), mu, logvar
    net.decode(mu + torch.exp(logvar / 2) * torch.randn_like(mu))


# ------------------------------------------------------------------------------------------- 6.2


@answers.right("6.2", name="math")
def bound_of(error, kl, variance, pixels):
    return -0.5 * error / variance - 0.5 * pixels * math.log(2 * math.pi * variance) - kl


@answers.right("6.2", name="a sum of normal densities")
def bound_of(error, kl, variance, pixels):
    at_the_mean = Normal(0.0, variance.sqrt()).log_prob(torch.tensor(0.0))
    return pixels * at_the_mean - error / (2 * variance) - kl


@answers.right("6.2", kind="numbers", name="NumPy, float64")
def bound_of(error, kl, variance, pixels):
    error, kl, variance = error.double().numpy(), kl.double().numpy(), variance.item()
    return -error / 2 / variance - kl - pixels / 2 * np.log(2 * np.pi * variance)


@answers.right("6.2", kind="numbers", name="a list")
def bound_of(error, kl, variance, pixels):
    constant = pixels / 2 * (2 * math.pi * variance).log()
    return [-(e / (2 * variance) + constant + k) for e, k in zip(error, kl, strict=True)]


@answers.wrong("6.2", "the sign is turned round", kind="message")
def bound_of(error, kl, variance, pixels):
    return error / (2 * variance) + pixels / 2 * torch.log(2 * torch.pi * variance) + kl


@answers.wrong("6.2", "this is the mean")
def bound_of(error, kl, variance, pixels):
    each = -error / (2 * variance) - pixels / 2 * torch.log(2 * torch.pi * variance) - kl
    return each.mean()


@answers.wrong("6.2", "lacks its factor 1/2")
def bound_of(error, kl, variance, pixels):
    return -error / variance - pixels / 2 * torch.log(2 * torch.pi * variance) - kl


@answers.wrong("6.2", "not its root")
def bound_of(error, kl, variance, pixels):
    sigma = variance.sqrt()
    return -error / (2 * variance) - pixels / 2 * torch.log(2 * torch.pi * sigma) - kl


@answers.wrong("6.2", "once for each pixel")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance) - 0.5 * torch.log(2 * torch.pi * variance) - kl


@answers.wrong("6.2", "because it comes from a root")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance) - pixels * torch.log(2 * torch.pi * variance) - kl


@answers.wrong("6.2", "where is the constant")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance) - kl


@answers.wrong("6.2", "2 π is missing")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance) - pixels / 2 * torch.log(variance) - kl


@answers.wrong("6.2", "the constant has the wrong sign")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance) + pixels / 2 * torch.log(2 * torch.pi * variance) - kl


@answers.wrong("6.2", "it has a minus")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance) - pixels / 2 * torch.log(2 * torch.pi * variance) + kl


@answers.wrong("6.2", "where is the KL?")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance) - pixels / 2 * torch.log(2 * torch.pi * variance)


@answers.wrong("6.2", "it is not divided by the variance")
def bound_of(error, kl, variance, pixels):
    return -(error + kl) / (2 * variance) - pixels / 2 * torch.log(2 * torch.pi * variance)


@answers.wrong("6.2", "to be divided by the variance")
def bound_of(error, kl, variance, pixels):
    return -error / 2 - pixels / 2 * torch.log(2 * torch.pi * variance) - kl


@answers.wrong("6.2", "is written in: use the argument")
def bound_of(error, kl, variance, pixels):
    return -error - pixels / 2 * math.log(math.pi) - kl


@answers.wrong("6.2", "the bound is", kind="message")
def bound_of(error, kl, variance, pixels):  # 784 is written in
    return -error / (2 * variance) - 392 * torch.log(2 * torch.pi * variance) - kl


@answers.wrong("6.2", "holds nan", kind="nan")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance) - pixels / 2 * torch.log(-variance) - kl


@answers.wrong("6.2", "error was changed", kind="state")
def bound_of(error, kl, variance, pixels):
    error /= 2 * variance
    return -error - pixels / 2 * torch.log(2 * torch.pi * variance) - kl


@answers.wrong("6.2", "return a tensor of bounds, not", kind="line")
def bound_of(error, kl, variance, pixels):
    return "nats"


@answers.wrong("6.2", "is the return missing?", kind="return")
def bound_of(error, kl, variance, pixels):
    -error / (2 * variance) - pixels / 2 * torch.log(2 * torch.pi * variance) - kl


# ------------------------------------------------------------------------------------------- 6.3

answers.right("6.3", sigma=math.exp(-2), name="the formula")
answers.right("6.3", sigma=0.137, name="roughly")
answers.right("6.3", sigma=torch.exp(torch.tensor(-2.0)), kind="numbers", name="a tensor")
answers.right("6.3", sigma=np.exp([-2.0]), kind="numbers", name="an array of one")
answers.wrong("6.3", "0.6931 nats: too few", sigma=0.5)
answers.wrong("6.3", "2.303 nats: too many", sigma=0.1)
answers.wrong("6.3", "1.969 nats: too few", sigma=math.exp(-1.969), kind="message")
answers.wrong("6.3", "that is the variance", sigma=np.exp(-4), kind="numbers")
answers.wrong("6.3", "a width is a number above 0", sigma=-4)
answers.wrong("6.3", "leave no room", sigma=torch.tensor(2))
answers.wrong("6.3", "a width is a number above 0", sigma="0.135", kind="line")
answers.wrong("6.3", "is nan", sigma=torch.tensor(-2.0).log(), kind="nan")
answers.wrong("6.3", "is inf", sigma=math.inf, kind="nan")

# ------------------------------------------------------------------------------------------- 6.4


@answers.right("6.4", name="column by column")
def shuffle_units(codes):
    return torch.stack([column[torch.randperm(len(column))] for column in codes.T], dim=1)


@answers.right("6.4", name="in a loop, on a copy")
def shuffle_units(codes):
    shuffled = codes.clone()
    for unit in range(codes.shape[1]):
        shuffled[:, unit] = codes[torch.randperm(len(codes)), unit]
    return shuffled


@answers.right("6.4", kind="numbers", name="NumPy's permuted")
def shuffle_units(codes):
    return np.random.default_rng().permuted(codes.numpy(), axis=0)


@answers.right("6.4", name="sorted by random numbers")
def shuffle_units(codes):
    return torch.take_along_dim(codes, torch.randn(codes.shape).argsort(dim=0), dim=0)


@answers.wrong("6.4", "whole rows were moved")
def shuffle_units(codes):
    return codes[torch.randperm(len(codes))]


@answers.wrong("6.4", "whole rows were moved")
def shuffle_units(codes):
    order = torch.randperm(len(codes))
    return torch.stack([column[order] for column in codes.T], dim=1)


@answers.wrong("6.4", "nothing was shuffled")
def shuffle_units(codes):
    return codes


@answers.wrong("6.4", "stay within the column")
def shuffle_units(codes):
    return codes[:, torch.randperm(codes.shape[1])]


@answers.wrong("6.4", "stay within the column")
def shuffle_units(codes):
    return codes.flatten()[torch.randperm(codes.numel())].reshape(codes.shape)


@answers.wrong("6.4", "stay within the column")
def shuffle_units(codes):
    return codes.gather(1, torch.rand_like(codes).argsort(dim=1))


@answers.wrong("6.4", "take a permutation", kind="luck")
def shuffle_units(codes):
    picked = torch.randint(len(codes), codes.shape)
    return codes.gather(0, picked)


@answers.wrong("6.4", "two columns still go together", kind="luck")
def shuffle_units(codes):
    one, other = torch.randperm(len(codes)), torch.randperm(len(codes))
    return torch.cat([codes[one, :2], codes[other, 2:]], dim=1)


@answers.wrong("6.4", "still in its old order")
def shuffle_units(codes):
    columns = [column[torch.randperm(len(column))] for column in codes.T[1:]]
    return torch.stack([codes[:, 0], *columns], dim=1)


@answers.wrong("6.4", "two calls give the same order", kind="quiet luck")
def shuffle_units(codes):
    torch.manual_seed(0)
    return codes.gather(0, torch.rand_like(codes).argsort(dim=0))


@answers.wrong("6.4", "codes was changed", kind="state")
def shuffle_units(codes):
    for unit in range(codes.shape[1]):
        codes[:, unit] = codes[torch.randperm(len(codes)), unit]
    return codes


@answers.wrong("6.4", "come back with shape (4, 300)", kind="message")
def shuffle_units(codes):
    return torch.stack([column[torch.randperm(len(column))] for column in codes.T])


@answers.wrong("6.4", "return the codes, a tensor, not", kind="line")
def shuffle_units(codes):
    return "shuffled"


@answers.wrong("6.4", "is the return missing?", kind="return")
def shuffle_units(codes):
    codes.gather(0, torch.rand_like(codes).argsort(dim=0))


# ------------------------------------------------------------------------------------------- 6.5

answers.right("6.5", at_zero=" A", at_thousand="C ", kind="numbers", name="capitals")
answers.right("6.5", at_zero="a.", at_thousand='"c"', name="a point, quoted twice")
answers.right("6.5", at_zero="a", at_thousand="C", name="one of each")
answers.wrong("6.5", "the other way round", at_zero="c", at_thousand="a")
answers.wrong("6.5", "a narrow bell costs nothing", at_zero="b", at_thousand="c")
answers.wrong("6.5", "a narrow bell costs nothing", at_zero="c", at_thousand="c")
answers.wrong("6.5", "costs too much", at_zero="A", at_thousand="B", kind="numbers")
answers.wrong("6.5", "costs too much", at_zero="a", at_thousand="a")
answers.wrong("6.5", "answer with", at_zero=1, at_thousand="c", kind="line")
answers.wrong("6.5", "· not attempted yet", at_zero="a", at_thousand=None)

# ------------------------------------------------------------------------------------------- 6.6


@answers.right("6.6", name="row by row")
def mended_sheet(net, z):
    digits = torch.arange(10, device=z.device)
    return torch.cat([net.decode(code.expand(10, -1), digits) for code in z])


@answers.right("6.6", kind="device", name="expanding")
def mended_sheet(net, z):
    codes = z[:, None].expand(-1, 10, -1).reshape(-1, z.shape[1])
    return net.decode(codes, torch.arange(len(codes)).to(z.device) % 10)


@answers.right("6.6", kind="device", name="labels from a list, values read")
def mended_sheet(net, z):
    codes = torch.stack([row for row in z for _ in range(10)])
    if codes.isnan().all():
        return codes
    return net.decode(codes, torch.tensor(list(range(10)) * len(z), device=codes.device))


@answers.right("6.6", name="a view of the sheet")
def mended_sheet(net, z):
    n, latent = z.shape
    labels = torch.arange(10, device=z.device).expand(n, 10).reshape(-1)
    return net.decode(z.unsqueeze(1).repeat(1, 10, 1).view(-1, latent), labels)


@answers.wrong("6.6", "the labels do not arrive")
def mended_sheet(net, z):
    labels = torch.arange(10, device=z.device).repeat(len(z))
    return net.decode(z.repeat_interleave(10, dim=0), torch.zeros_like(labels))


@answers.wrong("6.6", "the code changes within a row")
def mended_sheet(net, z):
    return net.decode(z.repeat(10, 1), torch.arange(10, device=z.device).repeat(len(z)))


@answers.wrong("6.6", "the labels should run from 0 to 9")
def mended_sheet(net, z):
    labels = torch.arange(10, device=z.device).repeat_interleave(len(z))
    return net.decode(z.repeat_interleave(10, dim=0), labels)


@answers.wrong("6.6", "the labels should run from 0 to 9")
def mended_sheet(net, z):
    labels = torch.arange(1, 11, device=z.device).repeat(len(z))
    return net.decode(z.repeat_interleave(10, dim=0), labels)


@answers.wrong("6.6", "the code changes within a row")
def mended_sheet(net, z):
    return net.decode(torch.randn(30, 4), torch.arange(10).repeat(3))


@answers.wrong("6.6", "decode gets codes of shape (120,)", kind="message")
def mended_sheet(net, z):
    labels = torch.arange(10, device=z.device).repeat(len(z))
    return net.decode(z.repeat_interleave(10), labels)


@answers.wrong("6.6", "decode gets codes of shape (3, 40)", kind="message")
def mended_sheet(net, z):
    labels = torch.arange(10, device=z.device).repeat(len(z))
    return net.decode(z.repeat_interleave(10, dim=1), labels)


@answers.wrong("6.6", "one label, a whole number, for each code")
def mended_sheet(net, z):
    labels = torch.arange(10, device=z.device).repeat(len(z))
    return net.decode(z.repeat_interleave(10, dim=0), nn.functional.one_hot(labels, 10))


@answers.wrong("6.6", "not the labels' device", kind="device")
def mended_sheet(net, z):
    return net.decode(z.repeat_interleave(10, dim=0), torch.arange(10).repeat(len(z)))


@answers.wrong("6.6", "not the labels' device", kind="device")
def mended_sheet(net, z):
    return torch.cat([net.decode(code.repeat(10, 1), torch.arange(10)) for code in z])


@answers.wrong("6.6", "three codes make 30 images")
def mended_sheet(net, z):
    return net.decode(z, torch.arange(len(z), device=z.device))


@answers.wrong("6.6", "with a code and a label", kind="line")
def mended_sheet(net, z):
    return net.decode(z.repeat_interleave(10, dim=0))


@answers.wrong("6.6", "z was changed", kind="state")
def mended_sheet(net, z):
    z.zero_()
    labels = torch.arange(10, device=z.device).repeat(len(z))
    return net.decode(z.repeat_interleave(10, dim=0), labels)


@answers.wrong("6.6", "is the return missing?", kind="return")
def mended_sheet(net, z):
    labels = torch.arange(10, device=z.device).repeat(len(z))
    net.decode(z.repeat_interleave(10, dim=0), labels)
