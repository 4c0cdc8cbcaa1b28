"""Answers to the exercises of lesson 6."""

import math

import numpy as np
import torch
from answers import Answers
from torch import nn
from torch.distributions import Normal, kl_divergence

answers = Answers("06")
lesson = answers.lesson

# ------------------------------------------------------------------------------------------- 6.1


@answers.right("6.1", name="in old words")
def sampling_step(mu, logvar, training):
    std = logvar.mul(0.5).exp()
    eps = torch.empty_like(std).normal_()
    return eps.mul(std).add(mu) if training else mu


@answers.right("6.1", kind="device", name="device named, noise times 0")
def sampling_step(mu, logvar, training):
    noise = torch.randn(mu.shape, device=mu.device) * float(training)
    return torch.addcmul(mu, logvar.exp().sqrt(), noise)


@answers.right("6.1", kind="device", name="rsample")
def sampling_step(mu, logvar, training):
    return Normal(mu, torch.exp(logvar / 2)).rsample() if training else mu


@answers.right("6.1", kind="device", name="reads values first")
def sampling_step(mu, logvar, training):
    if not training:
        return mu.clone()
    assert logvar.max().item() < 100
    return mu + torch.exp(logvar / 2) * torch.randn(mu.shape).to(mu)


@answers.right("6.1", kind="numbers device", name="NumPy's noise, sent along")
def sampling_step(mu, logvar, training):
    if not training:
        return mu
    noise = torch.from_numpy(np.random.default_rng().standard_normal(tuple(mu.shape)))
    return mu + torch.exp(logvar / 2) * noise.to(mu.device)


@answers.wrong("6.1", "exp(logvar) is the variance")
def sampling_step(mu, logvar, training):
    return mu + logvar.exp() * torch.randn_like(mu) if training else mu


@answers.wrong("6.1", "logvar is used as the standard deviation")
def sampling_step(mu, logvar, training):
    return mu + logvar * torch.randn_like(mu) if training else mu


@answers.wrong("6.1", "has variance 1 everywhere")
def sampling_step(mu, logvar, training):
    return mu + torch.randn_like(mu) if training else mu


@answers.wrong("6.1", "there is no noise")
def sampling_step(mu, logvar, training):
    return mu


@answers.wrong("6.1", "with training=False the code must be the mean")
def sampling_step(mu, logvar, training):
    return mu + (logvar / 2).exp() * torch.randn_like(mu)


@answers.wrong("6.1", "with training=False the code must be the mean")
def sampling_step(mu, logvar, training):
    return mu if training else mu + (logvar / 2).exp() * torch.randn_like(mu)


@answers.wrong("6.1", "torch.rand draws between 0 and 1")
def sampling_step(mu, logvar, training):
    return mu + (logvar / 2).exp() * torch.rand_like(mu) if training else mu


@answers.wrong("6.1", "the standard deviation of many codes is 0.28")
def sampling_step(mu, logvar, training):
    return mu + (logvar / 2).exp() * (torch.rand_like(mu) - 0.5) if training else mu


@answers.wrong("6.1", "the noise is not normal", kind="luck")
def sampling_step(mu, logvar, training):
    uniform = 3**0.5 * (2 * torch.rand_like(mu) - 1)
    return mu + (logvar / 2).exp() * uniform if training else mu


@answers.wrong("6.1", "the noise must have mean 0")
def sampling_step(mu, logvar, training):
    return mu + (logvar / 2).exp() * (torch.randn_like(mu) + 0.3) if training else mu


@answers.wrong("6.1", "get the same noise")
def sampling_step(mu, logvar, training):
    return mu + (logvar / 2).exp() * torch.randn(mu.shape[1]) if training else mu


@answers.wrong("6.1", "get the same noise")
def sampling_step(mu, logvar, training):
    return mu + (logvar / 2).exp() * torch.randn(1) if training else mu


@answers.wrong("6.1", "share one noise")
def sampling_step(mu, logvar, training):
    return mu + (logvar / 2).exp() * torch.randn(len(mu), 1) if training else mu


@answers.wrong("6.1", "nothing learns from that", kind="train")
def sampling_step(mu, logvar, training):
    return torch.normal(mu, torch.exp(logvar / 2)) if training else mu


@answers.wrong("6.1", "no gradient flows", kind="train")
def sampling_step(mu, logvar, training):
    return Normal(mu, torch.exp(logvar / 2)).sample() if training else mu


@answers.wrong("6.1", "no gradient reaches logvar", kind="train")
def sampling_step(mu, logvar, training):
    return mu + (logvar / 2).exp().detach() * torch.randn_like(mu) if training else mu


@answers.wrong("6.1", "not made on the device of mu", kind="device")
def sampling_step(mu, logvar, training):
    return mu + torch.exp(logvar / 2) * torch.randn(mu.shape) if training else mu


@answers.wrong("6.1", "not made on the device of mu", kind="device")
def sampling_step(mu, logvar, training):
    noise = Normal(0.0, 1.0).sample(mu.shape)
    return torch.addcmul(mu, torch.exp(logvar / 2), noise) if training else mu


@answers.wrong("6.1", "not made on the device of mu", kind="device")
def sampling_step(mu, logvar, training):
    z = mu.clone()
    if training:
        z = z + torch.exp(logvar / 2) * torch.zeros(*mu.shape).normal_()
    return z


@answers.wrong("6.1", "mu was changed", kind="state message")
def sampling_step(mu, logvar, training):
    z = mu
    if training:
        z += (logvar / 2).exp() * torch.randn_like(mu)
    return z


@answers.wrong("6.1", "two calls give the same z", kind="quiet luck")
def sampling_step(mu, logvar, training):
    torch.manual_seed(0)
    return mu + (logvar / 2).exp() * torch.randn_like(mu) if training else mu


@answers.wrong("6.1", "logvar is already a logarithm", kind="nan")
def sampling_step(mu, logvar, training):
    return mu + torch.sqrt(logvar) * torch.randn_like(mu) if training else mu


@answers.wrong("6.1", "logvar is already a logarithm", kind="nan")
def sampling_step(mu, logvar, training):
    return mu + int(training) * logvar.sqrt() * torch.randn_like(mu)


@answers.wrong("6.1", "z has shape (20000,)")
def sampling_step(mu, logvar, training):
    return (mu + torch.randn_like(mu)).sum(dim=1) if training else mu


@answers.wrong("6.1", "return a tensor, not", kind="line")
def sampling_step(mu, logvar, training):
    return mu, logvar, str(training)


@answers.wrong("6.1", "is the return missing?", kind="return")  # noqa: RET503
def sampling_step(mu, logvar, training):
    if not training:
        return mu
    mu + (logvar / 2).exp() * torch.randn_like(mu)


# ------------------------------------------------------------------------------------------- 6.2


@answers.right("6.2", name="by libraries")
def my_vae_loss(x, recon, mu, logvar):
    error = nn.functional.mse_loss(recon, x, reduction="sum")
    kl = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0)).sum()
    return (error + kl) / x.shape[0]


@answers.right("6.2", name="as the old tutorial writes it")
def my_vae_loss(x, recon, mu, logvar):
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return (torch.sum((recon - x).pow(2)) + kld) / len(x)


@answers.right("6.2", kind="numbers", name="one element")
def my_vae_loss(x, recon, mu, logvar):
    error = (x - recon).norm(dim=1).square()
    kl = 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum(dim=1)
    return (error + kl).mean().reshape(1).double()


@answers.right("6.2", name="einsum")
def my_vae_loss(x, recon, mu, logvar):
    off = x - recon
    price = torch.einsum("bl->b", mu * mu + torch.expm1(logvar) - logvar) / 2
    return torch.einsum("bp,bp->", off, off) / len(x) + price.mean()


@answers.wrong("6.2", "sign of the KL is wrong")
def my_vae_loss(x, recon, mu, logvar):
    kl = 0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(dim=1)
    return (((x - recon) ** 2).sum(dim=1) + kl).mean()


@answers.wrong("6.2", "averaged over the latent numbers")
def my_vae_loss(x, recon, mu, logvar):
    kl = 0.5 * (mu**2 + logvar.exp() - logvar - 1).mean(dim=1)
    return (((x - recon) ** 2).sum(dim=1) + kl).mean()


@answers.wrong("6.2", "averaged over the pixels")
def my_vae_loss(x, recon, mu, logvar):
    kl = 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(dim=1)
    return (((x - recon) ** 2).mean(dim=1) + kl).mean()


@answers.wrong("6.2", "both terms are averaged", kind="message")
def my_vae_loss(x, recon, mu, logvar):
    kl = 0.5 * (mu**2 + logvar.exp() - logvar - 1).mean()
    return ((x - recon) ** 2).mean() + kl


@answers.wrong("6.2", "leave out the constant", kind="message")
def my_vae_loss(x, recon, mu, logvar):
    kl = 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(dim=1)
    return (((x - recon) ** 2).sum(dim=1) + kl).mean() + 392 * math.log(math.pi)


@answers.wrong("6.2", "leave out the constant", kind="message")
def my_vae_loss(x, recon, mu, logvar):
    kl = 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(dim=1)
    constant = x.shape[1] / 2 * math.log(math.pi)
    return (((x - recon) ** 2).sum(dim=1) + kl).mean() + constant


@answers.wrong("6.2", "the sum over the batch")
def my_vae_loss(x, recon, mu, logvar):
    kl = 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum()
    return ((x - recon) ** 2).sum() + kl


@answers.wrong("6.2", "logvar is used as the variance", kind="nan")
def my_vae_loss(x, recon, mu, logvar):
    kl = 0.5 * (mu**2 + logvar - torch.log(logvar) - 1).sum(dim=1)
    return (((x - recon) ** 2).sum(dim=1) + kl).mean()


@answers.wrong("6.2", "the loss is nan", kind="nan")
def my_vae_loss(x, recon, mu, logvar):
    entropy = -(x * recon.log() + (1 - x) * (1 - recon).log()).sum(dim=1)
    return (entropy + 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(dim=1)).mean()


@answers.wrong("6.2", "factor 1/2 of the KL")
def my_vae_loss(x, recon, mu, logvar):
    kl = (mu**2 + logvar.exp() - logvar - 1).sum(dim=1)
    return (((x - recon) ** 2).sum(dim=1) + kl).mean()


@answers.wrong("6.2", "the KL is missing")
def my_vae_loss(x, recon, mu, logvar):
    return ((x - recon) ** 2).sum(dim=1).mean()


@answers.wrong("6.2", "the loss must be one number")
def my_vae_loss(x, recon, mu, logvar):
    return ((x - recon) ** 2).sum(1) + 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(1)


@answers.wrong("6.2", "the loss is 23.8")
def my_vae_loss(x, recon, mu, logvar):
    kl = 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(dim=1)
    return (((x - recon) ** 2).sum(dim=1) + 7 * kl).mean()


@answers.wrong("6.2", "cannot train", kind="train")
def my_vae_loss(x, recon, mu, logvar):
    kl = 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(dim=1)
    return (((x - recon) ** 2).sum(dim=1) + kl).mean().item()


@answers.wrong("6.2", "no gradient reaches recon", kind="train")
def my_vae_loss(x, recon, mu, logvar):
    kl = 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(dim=1)
    return (((x - recon.detach()) ** 2).sum(dim=1) + kl).mean()


@answers.wrong("6.2", "(line: return error.mean() + kl.mean(dim=5))", kind="line")
def my_vae_loss(x, recon, mu, logvar):
    error = ((x - recon) ** 2).sum(dim=1)
    kl = 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(dim=1)
    return error.mean() + kl.mean(dim=5)


@answers.wrong("6.2", "is the return missing?", kind="return")
def my_vae_loss(x, recon, mu, logvar):
    ((x - recon) ** 2).sum() + mu.sum()


# ------------------------------------------------------------------------------------------- 6.3


@answers.right("6.3", name="two returns")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    if not net.training:
        return net.decode(mu), mu, logvar
    noise = torch.randn(mu.shape, device=x.device, dtype=x.dtype)
    return net.decode(mu + noise * (logvar / 2).exp()), mu, logvar


@answers.right("6.3", kind="numbers", name="the net's own sample, a list")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    z = net.sample(mu, logvar) if net.training else mu
    return [net.decode(z), mu, logvar]


@answers.right("6.3", kind="device", name="rsample")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    z = Normal(mu, torch.exp(logvar / 2)).rsample() if net.training else mu
    return net.decode(z), mu, logvar


@answers.right("6.3", kind="device", name="looks at the values")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    assert mu.isfinite().all()
    assert float(logvar.max()) < 100
    noise = torch.randn_like(mu) if net.training else 0
    return net.decode(mu + torch.exp(logvar / 2) * noise), mu, logvar


@answers.right("6.3", kind="device", name="the width from the net")
def mended_forward(net, x):
    mu, logvar = net.encode(x, None)
    noise = torch.randn(len(x), net.latent, device=x.device) * int(net.training)
    return net.decode(mu + (logvar / 2).exp() * noise, None), mu, logvar


@answers.wrong("6.3", "there is still noise in evaluation")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    return net.decode(mu + torch.exp(logvar / 2) * torch.randn_like(mu)), mu, logvar


@answers.wrong("6.3", "there is still noise in evaluation")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    z = mu if net.training else mu + torch.exp(logvar / 2) * torch.randn_like(mu)
    return net.decode(z), mu, logvar


@answers.wrong("6.3", "not made on the device of mu", kind="device")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    noise = torch.randn(mu.shape) if net.training else 0
    return net.decode(mu + torch.exp(logvar / 2) * noise), mu, logvar


@answers.wrong("6.3", "not made on the device of mu", kind="device")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    noise = torch.normal(torch.zeros(mu.shape), torch.ones(mu.shape))
    return net.decode(mu + net.training * torch.exp(logvar / 2) * noise), mu, logvar


@answers.wrong("6.3", "there is no noise")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    return net.decode(mu), mu, logvar


@answers.wrong("6.3", "exp(logvar) is the variance")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    z = mu + logvar.exp() * torch.randn_like(mu) if net.training else mu
    return net.decode(z), mu, logvar


@answers.wrong("6.3", "return three things")
def mended_forward(net, x):
    mu, _ = net.encode(x)
    return net.decode(mu)


@answers.wrong("6.3", "in this order")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    z = mu + torch.exp(logvar / 2) * torch.randn_like(mu) if net.training else mu
    return net.decode(z), logvar, mu


@answers.wrong("6.3", "to another mode", kind="state")
def mended_forward(net, x):
    net.eval()
    mu, logvar = net.encode(x)
    return net.decode(mu), mu, logvar


@answers.wrong("6.3", "to another mode", kind="state")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    z = mu + torch.exp(logvar / 2) * torch.randn_like(mu) if net.training else mu
    net.train()
    return net.decode(z), mu, logvar


@answers.wrong("6.3", "nothing learns from that", kind="train")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    z = torch.normal(mu, torch.exp(logvar / 2)) if net.training else mu
    return net.decode(z), mu, logvar


@answers.wrong("6.3", "logvar is already a logarithm", kind="nan")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    noise = torch.randn_like(mu) if net.training else 0
    return net.decode(mu + logvar.sqrt() * noise), mu, logvar


@answers.wrong("6.3", "'NetOfThisCheck' object has no attribute 'decoder'", kind="line")
def mended_forward(net, x):
    return net.decoder(net.hidden(x))


@answers.wrong("6.3", "device=x.device (line: noise = torch.randn_like(mu).cuda())", kind="line")
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    noise = torch.randn_like(mu).cuda()
    z = mu + torch.exp(logvar / 2) * noise if net.training else mu
    return net.decode(z), mu, logvar


@answers.wrong("6.3", "returned nothing: is the return missing?", kind="return")  # noqa: RET503
def mended_forward(net, x):
    mu, logvar = net.encode(x)
    if not net.training:
        return net.decode(mu), mu, logvar
    net.decode(mu + torch.exp(logvar / 2) * torch.randn_like(mu))


# ------------------------------------------------------------------------------------------- 6.4

answers.right("6.4", sigma=math.exp(-2), name="the formula")
answers.right("6.4", sigma=0.137, name="roughly")
answers.right("6.4", sigma=torch.exp(torch.tensor(-2.0)), kind="numbers", name="a tensor")
answers.right("6.4", sigma=np.exp([-2.0]), kind="numbers", name="an array of one")
answers.wrong("6.4", "0.6931 nats: too few", sigma=0.5)
answers.wrong("6.4", "2.303 nats: too many", sigma=0.1)
answers.wrong("6.4", "1.969 nats: too few", sigma=math.exp(-1.969), kind="message")
answers.wrong("6.4", "that is the variance", sigma=np.exp(-4), kind="numbers")
answers.wrong("6.4", "a width is a number above 0", sigma=-4)
answers.wrong("6.4", "leave no room", sigma=torch.tensor(2))
answers.wrong("6.4", "a width is a number above 0", sigma="0.135", kind="line")
answers.wrong("6.4", "is nan", sigma=torch.tensor(-2.0).log(), kind="nan")
answers.wrong("6.4", "is inf", sigma=math.inf, kind="nan")

# ------------------------------------------------------------------------------------------- 6.5

answers.right("6.5", at_zero=" A", at_thousand="C ", kind="numbers", name="capitals")
answers.right("6.5", at_zero="a.", at_thousand='"c"', name="a point, quoted twice")
answers.right("6.5", at_zero="a", at_thousand="C", name="one of each")
answers.wrong("6.5", "the other way round", at_zero="c", at_thousand="a")
answers.wrong("6.5", "a narrow cloud costs nothing", at_zero="b", at_thousand="c")
answers.wrong("6.5", "a narrow cloud costs nothing", at_zero="c", at_thousand="c")
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
