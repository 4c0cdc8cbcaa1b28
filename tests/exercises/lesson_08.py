"""Answers to the exercises of lesson 8."""

import math

import numpy as np
import torch
from answers import Answers
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid, softplus

answers = Answers("08")
lesson = answers.lesson
bce = binary_cross_entropy_with_logits


def of_d(d_real, d_fake):
    return softplus(-d_real).mean() + softplus(d_fake).mean()


def of_g(d_fake):
    return softplus(-d_fake).mean()


# ------------------------------------------------------------------------------------------- 8.1


@answers.right("8.1", name="the formula")
def my_d_loss(d_real, d_fake):
    return -(d_real.sigmoid().log() + (1 - d_fake.sigmoid()).log()).mean()


@answers.right("8.1", kind="device", name="labels by their device")
def my_d_loss(d_real, d_fake):
    loss, device = nn.BCEWithLogitsLoss(), d_real.device
    ones = torch.ones(len(d_real), 1, device=device)
    return loss(d_real, ones) + loss(d_fake, 0 * d_fake.detach())


@answers.right("8.1", kind="device", name="a lesson's helper")
def my_g_loss(d_fake):
    return lesson.bce(d_fake, 1)


@answers.right("8.1", kind="numbers", name="one element, float64")
def my_g_loss(d_fake):
    return -logsigmoid(d_fake.double()).mean(dim=0)


@answers.right("8.1", kind="device", name="looks at the values first")
def my_g_loss(d_fake):
    if not d_fake.isfinite().all():
        return d_fake.mean()
    assert d_fake.max().item() < 1e6
    return softplus(-d_fake).mean()


def my_g_loss(d_fake):
    return nn.functional.softplus(-d_fake).mean()


def my_d_loss(d_real, d_fake):
    bce = nn.functional.binary_cross_entropy_with_logits
    return bce(d_real, torch.zeros_like(d_real)) + bce(d_fake, torch.ones_like(d_fake))


answers.wrong("8.1", "D: real and fake are exchanged", my_d_loss=my_d_loss, my_g_loss=my_g_loss)


@answers.wrong("8.1", "D: half of the right loss")
def my_d_loss(d_real, d_fake):
    return of_d(d_real, d_fake) / 2


@answers.wrong("8.1", "D: a sigmoid too many")
def my_d_loss(d_real, d_fake):
    return of_d(d_real.sigmoid(), d_fake.sigmoid())


@answers.wrong("8.1", "D: the loss leaves out the fakes", kind="message")
def my_d_loss(d_real, d_fake):
    return softplus(-d_real).mean()


@answers.wrong("8.1", "D: the sign is wrong")
def my_d_loss(d_real, d_fake):
    return -of_d(d_real, d_fake)


@answers.wrong("8.1", "D: this is the sum over the batch")
def my_d_loss(d_real, d_fake):
    return softplus(-d_real).sum() + softplus(d_fake).sum()


@answers.wrong("8.1", "D: the loss must be one number (take the mean)")
def my_d_loss(d_real, d_fake):
    return softplus(-d_real) + softplus(d_fake)


@answers.wrong("8.1", "D: the loss of a small batch is")
def my_d_loss(d_real, d_fake):
    return bce(d_real, torch.ones_like(d_real)) + bce(d_fake, 0.5 + torch.zeros_like(d_fake))


@answers.wrong("8.1", "cannot train", kind="train")
def my_d_loss(d_real, d_fake):
    return of_d(d_real, d_fake).item()


@answers.wrong("8.1", "no gradient reaches d_real", kind="train message")
def my_d_loss(d_real, d_fake):
    return of_d(d_real.detach(), d_fake)


@answers.wrong("8.1", "no gradient flows", kind="train")
def my_g_loss(d_fake):
    return bce(d_fake.detach(), torch.ones_like(d_fake))


@answers.wrong("8.1", "cannot train", kind="train numbers")
def my_g_loss(d_fake):
    return np.log1p(np.exp(-d_fake.detach().numpy())).mean()


@answers.wrong("8.1", "G: the label is 0")
def my_g_loss(d_fake):
    return bce(d_fake, torch.zeros_like(d_fake))


@answers.wrong("8.1", "G: this is the saturating loss")
def my_g_loss(d_fake):
    return -bce(d_fake, torch.zeros_like(d_fake))


@answers.wrong("8.1", "G: a sigmoid too many")
def my_g_loss(d_fake):
    return bce(d_fake.sigmoid(), torch.ones_like(d_fake))


@answers.wrong("8.1", "not made on the logits' device", kind="device")
def my_g_loss(d_fake):
    return bce(d_fake, torch.ones(len(d_fake), 1))


@answers.wrong("8.1", "not made on the logits' device", kind="device")
def my_d_loss(d_real, d_fake):
    return bce(d_real, torch.ones(d_real.shape)) + bce(d_fake, torch.zeros_like(d_fake))


@answers.wrong("8.1", "D: the loss is nan: the logarithm of an output below 0?", kind="nan")
def my_d_loss(d_real, d_fake):
    return -d_real.log().mean() - (1 - d_fake).log().mean()


@answers.wrong("8.1", "G: the loss is nan", kind="nan")
def my_g_loss(d_fake):
    return -d_fake.log().mean()


@answers.wrong("8.1", "G: the loss is inf", kind="nan")
def my_g_loss(d_fake):
    return (-1000 * d_fake).exp().log1p().mean()


@answers.wrong("8.1", "d_fake was changed", kind="state")
def my_g_loss(d_fake):
    return softplus(d_fake.neg_()).mean()


@answers.wrong("8.1", "my_g_loss returned nothing: is the return missing?", kind="return")
def my_g_loss(d_fake):
    -d_fake  # noqa: B018


@answers.wrong("8.1", "(line: return bce(d_fake, torch.ones(len(d_fake))))", kind="line")
def my_g_loss(d_fake):
    return bce(d_fake, torch.ones(len(d_fake)))


@answers.wrong("8.1", "(line: def my_g_loss(d_real, d_fake):)", kind="line", name="two arguments")
def my_g_loss(d_real, d_fake):
    return of_g(d_fake)


# ------------------------------------------------------------------------------------------- 8.2


@answers.right("8.2", kind="numbers", name="two passes, gradients everywhere")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    d_loss = lesson.gan_d_loss(D(real), D(G(noise)))
    D.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    g_loss = lesson.gan_g_loss(D(G(noise)))
    G.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return [d_loss.detach(), g_loss]


@answers.right("8.2", kind="state", name="clears both at the end")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = lesson.gan_d_loss(D(real), D(fake.detach()))
    d_loss.backward()
    d_optimizer.step()
    g_loss = lesson.gan_g_loss(D(fake))
    g_loss.backward()
    g_optimizer.step()
    d_optimizer.zero_grad()
    g_optimizer.zero_grad()
    return d_loss.item(), g_loss.item()


@answers.right("8.2", kind="state", name="clears after each step, D frozen meanwhile")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    with torch.no_grad():
        fake = G(noise)
    d_loss = lesson.gan_d_loss(D(real), D(fake))
    d_loss.backward()
    d_optimizer.step()
    d_optimizer.zero_grad()
    D.requires_grad_(False)
    g_loss = lesson.gan_g_loss(D(G(noise)))
    g_loss.backward()
    g_optimizer.step()
    g_optimizer.zero_grad()
    D.requires_grad_(True)
    return np.array([d_loss.item(), g_loss.item()])


def _step_of_d(D, d_optimizer, real, fake):
    d_loss = lesson.gan_d_loss(D(real), D(fake.detach()))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    return d_loss.item()


def _step_of_g(g_loss, g_optimizer):
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return g_loss.item()


@answers.right("8.2", name="in two functions")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = _step_of_d(D, d_optimizer, real, fake)
    return d_loss, _step_of_g(lesson.gan_g_loss(D(fake)), g_optimizer)


@answers.wrong("8.2", "D: real and fake are exchanged")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = lesson.gan_d_loss(D(fake.detach()), D(real))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    g_loss = lesson.gan_g_loss(D(fake))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss.item(), g_loss.item()


@answers.wrong("8.2", "in the second, old gradients are left over in D", kind="state")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = lesson.gan_d_loss(D(real), D(fake.detach()))
    d_loss.backward()
    d_optimizer.step()
    return d_loss.item(), _step_of_g(lesson.gan_g_loss(D(fake)), g_optimizer)


@answers.wrong("8.2", "in the second, old gradients are left over in D", kind="state")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_optimizer.zero_grad()
    d_loss = _step_of_d(D, d_optimizer, real, fake)
    for parameter in D.parameters():  # clears too little
        parameter.grad = None
        break
    g_loss = lesson.gan_g_loss(D(fake))
    g_loss.backward()
    g_optimizer.step()
    g_optimizer.zero_grad()
    d_optimizer.zero_grad = lambda set_to_none=True: None
    return d_loss, g_loss.item()


@answers.wrong("8.2", "in the second, old gradients are left over in G", kind="state message")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = _step_of_d(D, d_optimizer, real, fake)
    g_loss = lesson.gan_g_loss(D(fake))
    g_loss.backward()
    g_optimizer.step()
    return d_loss, g_loss.item()


@answers.wrong("8.2", "G does not move")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = _step_of_d(D, d_optimizer, real, fake)
    return d_loss, _step_of_g(lesson.gan_g_loss(D(fake.detach())), g_optimizer)


@answers.wrong("8.2", "G is trained on label 0")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = _step_of_d(D, d_optimizer, real, fake)
    return d_loss, _step_of_g(lesson.bce(D(fake), 0), g_optimizer)


@answers.wrong("8.2", "G has the saturating loss", kind="message")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = _step_of_d(D, d_optimizer, real, fake)
    return d_loss, _step_of_g(-lesson.bce(D(fake), 0), g_optimizer)


@answers.wrong("8.2", "other noise than the one", kind="luck message")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    d_loss = _step_of_d(D, d_optimizer, real, G(torch.rand_like(noise)))
    return d_loss, _step_of_g(lesson.gan_g_loss(D(G(noise))), g_optimizer)


@answers.wrong("8.2", "D is not where its own step leads")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = _step_of_d(D, d_optimizer, real, fake)
    g_loss = lesson.gan_g_loss(D(fake))
    g_loss.backward()
    d_optimizer.step()
    return d_loss, g_loss.item()


@answers.wrong("8.2", "D is left frozen", kind="state")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = _step_of_d(D, d_optimizer, real, fake)
    D.requires_grad_(False)
    return d_loss, _step_of_g(lesson.gan_g_loss(D(fake)), g_optimizer)


@answers.wrong("8.2", "return both losses", kind="line")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = _step_of_d(D, d_optimizer, real, fake)
    return d_loss + _step_of_g(lesson.gan_g_loss(D(fake)), g_optimizer)


@answers.wrong("8.2", "return both losses: of D, of G, not None", kind="return")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    _step_of_d(D, d_optimizer, real, fake)
    _step_of_g(lesson.gan_g_loss(D(fake)), g_optimizer)


@answers.wrong("8.2", "in the wrong order", kind="message")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = _step_of_d(D, d_optimizer, real, fake)
    return _step_of_g(lesson.gan_g_loss(D(fake)), g_optimizer), d_loss


@answers.wrong("8.2", "other losses are returned", kind="message")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    _step_of_d(D, d_optimizer, real, fake)
    g_loss = _step_of_g(lesson.gan_g_loss(D(fake)), g_optimizer)
    return lesson.gan_d_loss(D(real), D(G(noise))), g_loss  # both as they are after the steps


@answers.wrong("8.2", "after the round D holds nan", kind="nan")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = -D(real).log().mean() + D(fake.detach()).sqrt().mean()
    d_loss.backward()
    d_optimizer.step()
    return d_loss, _step_of_g(lesson.gan_g_loss(D(fake)), g_optimizer)


# ------------------------------------------------------------------------------------------- 8.3

answers.right("8.3", first_report=" C", second_report="D ", kind="numbers", name="capitals")
answers.right("8.3", first_report="c.", second_report="d.", name="points")
answers.right("8.3", first_report='"c"', second_report='"d"', name="quoted twice")
answers.wrong("8.3", "the other way round", first_report="d", second_report="c")
answers.wrong("8.3", "measured with D as the ruler", first_report="a", second_report="d")
answers.wrong("8.3", "a loss that rises", first_report="b", second_report="d")
answers.wrong("8.3", "in the very first iteration", first_report="C", second_report="B")
answers.wrong("8.3", "what must D answer", first_report="c", second_report="c")
answers.wrong("8.3", "answer with", first_report="c", second_report="x")
answers.wrong("8.3", "answer with", first_report=3, second_report=["d"], kind="line")

# ------------------------------------------------------------------------------------------- 8.4


@answers.right("8.4", name="squares by a library")
def my_ls_d_loss(d_real, d_fake):
    mse = nn.functional.mse_loss
    real, fake = mse(d_real, torch.ones_like(d_real)), d_fake.square().mean()
    return (real + fake) / 2


@answers.right("8.4", name="pow")
def my_ls_g_loss(d_fake):
    return (1 - d_fake).pow(2).mean() / 2


@answers.right("8.4", kind="numbers", name="one element, float64")
def my_ls_g_loss(d_fake):
    return (0.5 * (d_fake.double() - 1) ** 2).mean(dim=0)


@answers.right("8.4", name="norms")
def my_ls_d_loss(d_real, d_fake):
    return ((d_real - 1).norm() ** 2 / len(d_real) + d_fake.norm() ** 2 / len(d_fake)) / 2


def _squares(outputs, target):
    return 0.5 * ((outputs - target) ** 2).mean()


def my_ls_g_loss(d_fake):
    return 0.5 * ((d_fake - 1) ** 2).mean()


def my_ls_d_loss(d_real, d_fake):
    return 0.5 * (d_real**2).mean() + 0.5 * ((d_fake - 1) ** 2).mean()


swapped = {"my_ls_d_loss": my_ls_d_loss, "my_ls_g_loss": my_ls_g_loss}
answers.wrong("8.4", "D: real and fake are exchanged", **swapped)


@answers.wrong("8.4", "D: twice the right loss")
def my_ls_d_loss(d_real, d_fake):
    return ((d_real - 1) ** 2).mean() + (d_fake**2).mean()


@answers.wrong("8.4", "D: a sigmoid too many")
def my_ls_d_loss(d_real, d_fake):
    return _squares(d_real.sigmoid(), 1) + _squares(d_fake.sigmoid(), 0)


@answers.wrong("8.4", "D: this is the sum over the batch")
def my_ls_d_loss(d_real, d_fake):
    return 0.5 * ((d_real - 1) ** 2).sum() + 0.5 * (d_fake**2).sum()


@answers.wrong("8.4", "D: the loss leaves out the real ones", kind="message")
def my_ls_d_loss(d_real, d_fake):
    return _squares(d_fake, 0)


@answers.wrong("8.4", "G: the label is 0")
def my_ls_g_loss(d_fake):
    return 0.5 * (d_fake**2).mean()


@answers.wrong("8.4", "G: twice the right loss")
def my_ls_g_loss(d_fake):
    return ((d_fake - 1) ** 2).mean()


@answers.wrong("8.4", "G: the sign is wrong")
def my_ls_g_loss(d_fake):
    return -_squares(d_fake, 1)


@answers.wrong("8.4", "G: the loss must be one number")
def my_ls_g_loss(d_fake):
    return 0.5 * (d_fake - 1) ** 2


@answers.wrong("8.4", "cannot train", kind="train")
def my_ls_g_loss(d_fake):
    return float(_squares(d_fake, 1))


@answers.wrong("8.4", "no gradient reaches d_fake", kind="train")
def my_ls_d_loss(d_real, d_fake):
    return _squares(d_real, 1) + _squares(torch.tensor(d_fake.tolist()), 0)


@answers.wrong("8.4", "D: the loss is nan", kind="nan")
def my_ls_d_loss(d_real, d_fake):
    return 0.5 * (d_real - 1).sqrt().pow(4).mean() + _squares(d_fake, 0)


@answers.wrong("8.4", "d_real was changed", kind="state")
def my_ls_d_loss(d_real, d_fake):
    d_real -= 1
    return 0.5 * (d_real**2).mean() + _squares(d_fake, 0)


@answers.wrong("8.4", "my_ls_d_loss returned nothing", kind="return")
def my_ls_d_loss(d_real, d_fake):
    (d_real - 1) ** 2 + d_fake**2


# ------------------------------------------------------------------------------------------- 8.5

answers.right("8.5", equal_output=0.65905, name="more exactly")
answers.right("8.5", equal_output=torch.tensor(0.66), kind="numbers", name="a tensor")
answers.right("8.5", equal_output=np.float32(0.655), kind="numbers", name="NumPy")
answers.right("8.5", equal_output=[0.66], kind="numbers", name="a list of one")
answers.right("8.5", equal_output=torch.tensor([[0.66]], requires_grad=True), kind="numbers")
answers.wrong("8.5", "the squares still pull harder", equal_output=0.5)
answers.wrong("8.5", "the cross-entropy pulls harder", equal_output=0.8)
answers.wrong(
    "8.5", "the squares still pull harder", equal_output=torch.tensor(0.0), kind="numbers"
)
answers.wrong("8.5", "look below 1", equal_output=1.19)
answers.wrong(
    "8.5", "0.3439 for the cross-entropy and 0.354 for", equal_output=0.646, kind="message"
)
answers.wrong("8.5", "is a number", equal_output="0.66", kind="line")
answers.wrong("8.5", "is nan", equal_output=math.nan, kind="nan")
answers.wrong("8.5", "is -inf", equal_output=torch.tensor(0.0).log(), kind="nan")
answers.wrong("8.5", "the squares still pull harder", equal_output=-1e300, kind="extreme")
answers.wrong("8.5", "look below 1", equal_output=1e300, kind="extreme")
