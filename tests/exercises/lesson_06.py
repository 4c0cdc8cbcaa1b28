"""Answers to the exercises of lesson 6."""

import math

import numpy as np
import torch
from answers import Answers
from torch.distributions import Normal

answers = Answers("06")
lesson = answers.lesson

# ------------------------------------------------------------------------------------------- 6.1


@answers.right("6.1", name="math")
def bound_of(error, kl, variance, pixels):
    return -0.5 * error / variance - 0.5 * pixels * math.log(2 * math.pi * variance) - kl


@answers.right("6.1", name="a sum of normal densities")
def bound_of(error, kl, variance, pixels):
    at_the_mean = Normal(0.0, variance.sqrt()).log_prob(torch.tensor(0.0))
    return pixels * at_the_mean - error / (2 * variance) - kl


@answers.right("6.1", kind="numbers", name="NumPy, float64")
def bound_of(error, kl, variance, pixels):
    error, kl, variance = error.double().numpy(), kl.double().numpy(), variance.item()
    return -error / 2 / variance - kl - pixels / 2 * np.log(2 * np.pi * variance)


@answers.right("6.1", kind="numbers", name="a list")
def bound_of(error, kl, variance, pixels):
    constant = pixels / 2 * (2 * math.pi * variance).log()
    return [-(e / (2 * variance) + constant + k) for e, k in zip(error, kl, strict=True)]


@answers.wrong("6.1", "the sign is turned round", kind="message")
def bound_of(error, kl, variance, pixels):
    return error / (2 * variance) + pixels / 2 * torch.log(2 * torch.pi * variance) + kl


@answers.wrong("6.1", "this is the mean")
def bound_of(error, kl, variance, pixels):
    each = -error / (2 * variance) - pixels / 2 * torch.log(2 * torch.pi * variance) - kl
    return each.mean()


@answers.wrong("6.1", "lacks its factor 1/2")
def bound_of(error, kl, variance, pixels):
    return -error / variance - pixels / 2 * torch.log(2 * torch.pi * variance) - kl


@answers.wrong("6.1", "not its root")
def bound_of(error, kl, variance, pixels):
    sigma = variance.sqrt()
    return -error / (2 * variance) - pixels / 2 * torch.log(2 * torch.pi * sigma) - kl


@answers.wrong("6.1", "do not square it")
def bound_of(error, kl, variance, pixels):
    square = variance**2
    return -error / (2 * square) - pixels / 2 * torch.log(2 * torch.pi * square) - kl


@answers.wrong("6.1", "below the squared error `variance` is squared")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance**2) - pixels / 2 * torch.log(2 * torch.pi * variance) - kl


@answers.wrong("6.1", "inside the logarithm `variance` is squared")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance) - pixels / 2 * torch.log(2 * torch.pi * variance**2) - kl


@answers.wrong("6.1", "in both places, not its root")
def bound_of(error, kl, variance, pixels):
    sigma = variance**0.5
    return -error / (2 * sigma) - pixels / 2 * torch.log(2 * torch.pi * sigma) - kl


@answers.wrong("6.1", "below the squared error stands the variance, not its root")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance**0.5) - pixels / 2 * torch.log(2 * torch.pi * variance) - kl


@answers.wrong("6.1", "that is log10")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance) - pixels / 2 * torch.log10(2 * torch.pi * variance) - kl


@answers.wrong("6.1", "that is log2")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance) - pixels / 2 * torch.log2(2 * torch.pi * variance) - kl


@answers.wrong("6.1", "once for each pixel")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance) - 0.5 * torch.log(2 * torch.pi * variance) - kl


@answers.wrong("6.1", "because it comes from a root")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance) - pixels * torch.log(2 * torch.pi * variance) - kl


@answers.wrong("6.1", "where is the constant")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance) - kl


@answers.wrong("6.1", "2 π is missing")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance) - pixels / 2 * torch.log(variance) - kl


@answers.wrong("6.1", "the constant has the wrong sign")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance) + pixels / 2 * torch.log(2 * torch.pi * variance) - kl


@answers.wrong("6.1", "it has a minus")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance) - pixels / 2 * torch.log(2 * torch.pi * variance) + kl


@answers.wrong("6.1", "where is the KL?")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance) - pixels / 2 * torch.log(2 * torch.pi * variance)


@answers.wrong("6.1", "it is not divided by the variance")
def bound_of(error, kl, variance, pixels):
    return -(error + kl) / (2 * variance) - pixels / 2 * torch.log(2 * torch.pi * variance)


@answers.wrong("6.1", "to be divided by the variance")
def bound_of(error, kl, variance, pixels):
    return -error / 2 - pixels / 2 * torch.log(2 * torch.pi * variance) - kl


@answers.wrong("6.1", "is written in: use the argument")
def bound_of(error, kl, variance, pixels):
    return -error - pixels / 2 * math.log(math.pi) - kl


@answers.wrong("6.1", "divide by 2 · variance", kind="message")
def bound_of(error, kl, variance, pixels):
    return -error / 2 * variance - pixels / 2 * torch.log(2 * torch.pi * variance) - kl


@answers.wrong("6.1", "the bound is", kind="message")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance) - pixels / 2 * torch.log(2 * torch.pi * variance) - kl / 2


@answers.wrong("6.1", "784 is written in: use `pixels`")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance) - 392 * torch.log(2 * torch.pi * variance) - kl


@answers.wrong("6.1", "holds nan", kind="nan")
def bound_of(error, kl, variance, pixels):
    return -error / (2 * variance) - pixels / 2 * torch.log(-variance) - kl


@answers.wrong("6.1", "error was changed", kind="state")
def bound_of(error, kl, variance, pixels):
    error /= 2 * variance
    return -error - pixels / 2 * torch.log(2 * torch.pi * variance) - kl


@answers.wrong("6.1", "return a tensor of bounds, not", kind="line")
def bound_of(error, kl, variance, pixels):
    return "nats"


@answers.wrong("6.1", "is the return missing?", kind="return")
def bound_of(error, kl, variance, pixels):
    -error / (2 * variance) - pixels / 2 * torch.log(2 * torch.pi * variance) - kl


# ------------------------------------------------------------------------------------------- 6.2


@answers.right("6.2", name="column by column")
def shuffle_units(codes):
    return torch.stack([column[torch.randperm(len(column))] for column in codes.T], dim=1)


@answers.right("6.2", name="in a loop, on a copy")
def shuffle_units(codes):
    shuffled = codes.clone()
    for unit in range(codes.shape[1]):
        shuffled[:, unit] = codes[torch.randperm(len(codes)), unit]
    return shuffled


@answers.right("6.2", kind="numbers", name="NumPy's permuted")
def shuffle_units(codes):
    return np.random.default_rng().permuted(codes.numpy(), axis=0)


@answers.right("6.2", name="sorted by random numbers")
def shuffle_units(codes):
    return torch.take_along_dim(codes, torch.randn(codes.shape).argsort(dim=0), dim=0)


@answers.wrong("6.2", "whole rows were moved")
def shuffle_units(codes):
    return codes[torch.randperm(len(codes))]


@answers.wrong("6.2", "whole rows were moved")
def shuffle_units(codes):
    order = torch.randperm(len(codes))
    return torch.stack([column[order] for column in codes.T], dim=1)


@answers.wrong("6.2", "nothing was shuffled")
def shuffle_units(codes):
    return codes


@answers.wrong("6.2", "stay within the column")
def shuffle_units(codes):
    return codes[:, torch.randperm(codes.shape[1])]


@answers.wrong("6.2", "stay within the column")
def shuffle_units(codes):
    return codes.flatten()[torch.randperm(codes.numel())].reshape(codes.shape)


@answers.wrong("6.2", "stay within the column")
def shuffle_units(codes):
    return codes.gather(1, torch.rand_like(codes).argsort(dim=1))


@answers.wrong("6.2", "take a permutation", kind="luck")
def shuffle_units(codes):
    picked = torch.randint(len(codes), codes.shape)
    return codes.gather(0, picked)


@answers.wrong("6.2", "two columns still go together", kind="luck")
def shuffle_units(codes):
    one, other = torch.randperm(len(codes)), torch.randperm(len(codes))
    return torch.cat([codes[one, :2], codes[other, 2:]], dim=1)


@answers.wrong("6.2", "still in its old order")
def shuffle_units(codes):
    columns = [column[torch.randperm(len(column))] for column in codes.T[1:]]
    return torch.stack([codes[:, 0], *columns], dim=1)


@answers.wrong("6.2", "two calls give the same order", kind="quiet luck")
def shuffle_units(codes):
    torch.manual_seed(0)
    return codes.gather(0, torch.rand_like(codes).argsort(dim=0))


@answers.wrong("6.2", "codes was changed", kind="state")
def shuffle_units(codes):
    for unit in range(codes.shape[1]):
        codes[:, unit] = codes[torch.randperm(len(codes)), unit]
    return codes


@answers.wrong("6.2", "come back with shape (4, 300)", kind="message")
def shuffle_units(codes):
    return torch.stack([column[torch.randperm(len(column))] for column in codes.T])


@answers.wrong("6.2", "return the codes, a tensor, not", kind="line")
def shuffle_units(codes):
    return "shuffled"


@answers.wrong("6.2", "is the return missing?", kind="return")
def shuffle_units(codes):
    codes.gather(0, torch.rand_like(codes).argsort(dim=0))


# ------------------------------------------------------------------------------------------- 6.3

answers.right("6.3", obeys=" B", exact="A ", kind="numbers", name="capitals")
answers.right("6.3", obeys="b.", exact='"a"', kind="numbers", name="a point, quoted twice")
answers.right("6.3", obeys="b", exact="A", name="one of each")
answers.wrong("6.3", "the other way round", obeys="a", exact="b")
answers.wrong("6.3", "what does a code that names a digit", obeys="c", exact="a")
answers.wrong("6.3", "what does a code that names a digit", obeys="A", exact="a", kind="numbers")
answers.wrong("6.3", "afford to say more", obeys="b", exact="c")
answers.wrong("6.3", "afford to say more", obeys="b", exact="b")
answers.wrong("6.3", "answer with", obeys=4, exact="a", kind="line")
answers.wrong("6.3", "· not attempted yet", obeys="b", exact=None)

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
