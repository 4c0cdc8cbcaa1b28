"""Answers to the exercises of lesson 7."""

import math
from fractions import Fraction

import numpy as np
import torch
from answers import Answers
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid, softplus

answers = Answers("07")
lesson = answers.lesson
bce = lesson.bce

# ------------------------------------------------------------------------------------------- 7.1


@answers.right("7.1", name="softplus")
def my_losses(d_real, d_fake):
    softplus = nn.functional.softplus
    return softplus(-d_real).mean() + softplus(d_fake).mean(), softplus(-d_fake).mean()


@answers.right("7.1", kind="numbers", name="logsigmoid, a list")
def my_losses(d_real, d_fake):
    log = nn.functional.logsigmoid
    return [-(log(d_real) + log(-d_fake)).mean(), -log(d_fake).mean()]


@answers.right("7.1", kind="device", name="the module, and no word on devices")
def my_losses(d_real, d_fake):
    loss = nn.BCEWithLogitsLoss()
    one, zero = torch.ones(d_real.shape), torch.zeros(d_real.shape)
    return loss(d_real, one) + loss(d_fake, zero), loss(d_fake, one)


@answers.right("7.1", kind="device", name="labels by their device")
def my_losses(d_real, d_fake):
    one = torch.tensor([[1.0]], device=d_real.device).expand(len(d_real), 1)
    bce = nn.functional.binary_cross_entropy_with_logits
    return bce(d_real, one) + bce(d_fake, 0 * one), bce(d_fake, one)


@answers.right("7.1", kind="numbers", name="one tensor of two")
def my_losses(d_real, d_fake):
    return torch.stack([bce(d_real, 1.0) + bce(d_fake, 0.0), bce(d_fake, 1.0)])


@answers.right("7.1", kind="numbers extreme", name="logaddexp, one element each, float64")
def my_losses(d_real, d_fake):
    zero = torch.zeros(1, 1, dtype=torch.float64)
    on_real = torch.logaddexp(zero, -d_real).mean(0)
    return on_real + torch.logaddexp(zero, d_fake).mean(0), torch.logaddexp(zero, -d_fake).mean(0)


@answers.wrong("7.1", "D: real and fake are exchanged")
def my_losses(d_real, d_fake):
    return bce(d_real, 0.0) + bce(d_fake, 1.0), bce(d_fake, 1.0)


@answers.wrong("7.1", "D: the loss is 1.10977")
def my_losses(d_real, d_fake):
    return bce(d_real, 1.0) + bce(d_fake, 1.0), bce(d_fake, 1.0)


@answers.wrong("7.1", "D: half of the right loss")
def my_losses(d_real, d_fake):
    return (bce(d_real, 1.0) + bce(d_fake, 0.0)) / 2, bce(d_fake, 1.0)


@answers.wrong("7.1", "D: the sign is wrong")
def my_losses(d_real, d_fake):
    return logsigmoid(d_real).mean() + logsigmoid(-d_fake).mean(), bce(d_fake, 1.0)


@answers.wrong("7.1", "D: the loss leaves out the fakes")
def my_losses(d_real, d_fake):
    return bce(d_real, 1.0), bce(d_fake, 1.0)


@answers.wrong("7.1", "D: this is the sum over the batch")
def my_losses(d_real, d_fake):
    return softplus(-d_real).sum() + softplus(d_fake).sum(), softplus(-d_fake).sum()


@answers.wrong("7.1", "D: a sigmoid too many")
def my_losses(d_real, d_fake):
    d_real, d_fake = d_real.sigmoid(), d_fake.sigmoid()
    return bce(d_real, 1.0) + bce(d_fake, 0.0), bce(d_fake, 1.0)


@answers.wrong("7.1", "G: the label is 0")
def my_losses(d_real, d_fake):
    return bce(d_real, 1.0) + bce(d_fake, 0.0), bce(d_fake, 0.0)


@answers.wrong("7.1", "G: this is the saturating loss")
def my_losses(d_real, d_fake):
    return bce(d_real, 1.0) + bce(d_fake, 0.0), -bce(d_fake, 0.0)


@answers.wrong("7.1", "G: this is D's loss with the sign turned")
def my_losses(d_real, d_fake):
    of_d = bce(d_real, 1.0) + bce(d_fake, 0.0)
    return of_d, -of_d


@answers.wrong("7.1", "G: the loss looks at the real numbers")
def my_losses(d_real, d_fake):
    return bce(d_real, 1.0) + bce(d_fake, 0.0), bce(d_real, 1.0)


@answers.wrong("7.1", "G: the loss is 1.47169, where 0.471685 is right", kind="message")
def my_losses(d_real, d_fake):
    return bce(d_real, 1.0) + bce(d_fake, 0.0), bce(d_fake, 1.0) + 1


@answers.wrong("7.1", "must be one number, the mean over the batch, not a tensor of shape (3, 1)")
def my_losses(d_real, d_fake):
    return softplus(-d_real) + softplus(d_fake), softplus(-d_fake)


@answers.wrong("7.1", "return a pair, (loss of D, loss of G), not a tensor", kind="line")
def my_losses(d_real, d_fake):
    return bce(d_real, 1.0) + bce(d_fake, 0.0)


@answers.wrong("7.1", "return a pair, (loss of D, loss of G), not a list of 3", kind="line")
def my_losses(d_real, d_fake):
    return [bce(d_real, 1.0), bce(d_fake, 0.0), bce(d_fake, 1.0)]


@answers.wrong("7.1", "take no logarithm of D itself", kind="extreme nan")
def my_losses(d_real, d_fake):
    of_d = -d_real.sigmoid().log().mean() - (1 - d_fake.sigmoid()).log().mean()
    return of_d, -d_fake.sigmoid().log().mean()


@answers.wrong("7.1", "take no logarithm of D itself", kind="extreme")
def my_losses(d_real, d_fake):
    of_d = softplus(-d_real).mean() - (1 - d_fake.sigmoid()).log().mean()  # only for +200
    return of_d, softplus(-d_fake).mean()


@answers.wrong("7.1", "take no logarithm of D itself", kind="extreme message")
def my_losses(d_real, d_fake):
    real, fake = (logits.sigmoid().clamp(1e-7, 1 - 1e-7) for logits in (d_real, d_fake))
    return -real.log().mean() - (1 - fake).log().mean(), -fake.log().mean()


@answers.wrong("7.1", "take no logarithm of D itself", kind="extreme")
def my_losses(d_real, d_fake):
    log = torch.log1p
    of_g = log((-d_fake).exp()).mean()
    return softplus(-d_real).mean() + softplus(d_fake).mean(), of_g


@answers.wrong("7.1", "the gradient in d_real holds nan", kind="extreme train")
def my_losses(d_real, d_fake):
    def softplus(x):  # the branch that is not taken overflows, and its slope is nan
        return torch.where(x > 0, x + torch.log1p((-x).exp()), torch.log1p(x.exp()))

    return softplus(-d_real).mean() + softplus(d_fake).mean(), softplus(-d_fake).mean()


@answers.wrong("7.1", "D: the loss is nan", kind="nan")
def my_losses(d_real, d_fake):
    return -d_real.log().mean() - (1 - d_fake).log().mean(), -d_fake.log().mean()


@answers.wrong("7.1", "G: the loss is nan", kind="nan")
def my_losses(d_real, d_fake):
    return bce(d_real, 1.0) + bce(d_fake, 0.0), -d_fake.log().mean()


@answers.wrong("7.1", "cannot train", kind="train")
def my_losses(d_real, d_fake):
    return (bce(d_real, 1.0) + bce(d_fake, 0.0)).item(), bce(d_fake, 1.0).item()


@answers.wrong("7.1", "no gradient flows", kind="train")
def my_losses(d_real, d_fake):
    d_real, d_fake = d_real.detach(), d_fake.detach()
    return bce(d_real, 1.0) + bce(d_fake, 0.0), bce(d_fake, 1.0)


@answers.wrong("7.1", "no gradient reaches d_fake", kind="train")
def my_losses(d_real, d_fake):
    return bce(d_real, 1.0) + bce(d_fake.detach(), 0.0), bce(d_fake, 1.0)


@answers.wrong("7.1", "d_fake was changed", kind="state message")
def my_losses(d_real, d_fake):
    if d_real is not d_fake:
        d_fake.sigmoid_()
    return -d_real.sigmoid().log().mean() - (1 - d_fake).log().mean(), -d_fake.log().mean()


@answers.wrong("7.1", "(line: return loss(d_real, ones), loss(d_fake, ones))", kind="line")
def my_losses(d_real, d_fake):
    loss, ones = binary_cross_entropy_with_logits, torch.ones(len(d_real))
    return loss(d_real, ones), loss(d_fake, ones)


@answers.wrong("7.1", "is the return missing?", kind="return")
def my_losses(d_real, d_fake):
    d_real + d_fake


# ----------------------------------------------------------------------------------- 7.2 and 7.3

answers.right("7.2", patient_a=" Not  Frozen ", kind="numbers", name="capitals and spaces")
answers.right("7.2", patient_a="not-frozen", name="a hyphen")
answers.right("7.2", patient_a="NOT FROZEN", name="capitals")
answers.wrong("7.2", "is the slope lost early", patient_a="saturating")
answers.wrong("7.2", "G rest above its line, and that of D below", patient_a="not cleared")
answers.wrong("7.2", "G rest above its line, D below", patient_a="Collapse", kind="numbers")
answers.wrong("7.2", "end on their dotted lines", patient_a="healthy")
answers.wrong("7.2", "answer with", patient_a="frozen")
answers.wrong("7.2", "answer with", patient_a=["not", "frozen", "cleared"], kind="line")
answers.right("7.3", patient_b="Healthy", kind="numbers", name="a capital")
answers.right("7.3", patient_b='"healthy"', name="quoted twice")
answers.right("7.3", patient_b="healthy.", name="a point")
answers.wrong("7.3", "below log 2 for good", patient_b="not frozen")
answers.wrong("7.3", "G rest above its line, D below", patient_b="collapse")
answers.wrong("7.3", "G rest above its line, and that of D below", patient_b="not cleared")
answers.wrong("7.3", "is the slope lost early", patient_b="saturating")
answers.wrong("7.3", "answer with", patient_b=2)

# ------------------------------------------------------------------------------------------- 7.4

answers.right("7.4", answer=0.33, name="rounded")
answers.right("7.4", answer=torch.tensor(1 / 3), kind="numbers", name="a tensor")
answers.right("7.4", answer=lesson.bce(torch.zeros(1), 1.0) / math.log(8), kind="numbers")
answers.right("7.4", answer=Fraction(1, 3), kind="numbers", name="a fraction")
answers.right("7.4", answer=np.array([1 / 3]), kind="numbers", name="an array")
answers.wrong("7.4", "1/2 needs p = q", answer=torch.tensor(0.5), kind="numbers")
answers.wrong("7.4", "1/2 needs p = q", answer=0.5)
answers.wrong("7.4", "the probability for fake", answer=2 / 3)
answers.wrong("7.4", "which share is real", answer=0)
answers.wrong("7.4", "answer with a number", answer="1/3", kind="line")
answers.wrong("7.4", "is nan", answer=np.float64("nan"), kind="nan")

# ----------------------------------------------------------------------------------- 7.5 and 7.6

answers.right("7.5", patient_c="not cleared   ", name="spaces")
answers.right("7.5", patient_c="not_cleared", name="an underscore")
answers.right("7.5", patient_c="Not cleared", kind="numbers", name="a capital")
answers.wrong("7.5", "below log 2 for good", patient_c="not frozen")
answers.wrong("7.5", "is the slope lost early", patient_c="saturating")
answers.wrong("7.5", "are the data of two kinds", patient_c="collapse")
answers.wrong("7.5", "end on their dotted lines", patient_c="healthy")
answers.wrong("7.5", "answer with", patient_c="cleared")
answers.right("7.6", with_adam="ARRIVES", kind="numbers", name="capitals")
answers.right("7.6", with_adam=" arrives", name="a space")
answers.right("7.6", with_adam="arrives!", name="an exclamation mark")
answers.wrong("7.6", "only small", with_adam="stays")
answers.wrong("7.6", "only small", with_adam="Stays.", kind="numbers")
answers.wrong("7.6", 'answer with "arrives" or "stays"', with_adam="cured")
answers.wrong("7.6", "answer with", with_adam=True)

# ------------------------------------------------------------------------------------------- 7.7


@answers.right("7.7", name="a second forward pass")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    with torch.no_grad():
        fake = G(z)
    d_optimizer.zero_grad()
    lesson.d_loss(D(real), D(fake)).backward()
    d_optimizer.step()
    for parameter in D.parameters():
        parameter.requires_grad = False
    g_optimizer.zero_grad()
    lesson.g_loss(D(G(z))).backward()
    g_optimizer.step()
    for parameter in D.parameters():
        parameter.requires_grad = True


@answers.right("7.7", kind="state", name="clears D at the end instead of freezing it")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    fake = G(z)
    d_optimizer.zero_grad()
    lesson.d_loss(D(real), D(fake.detach())).backward()
    d_optimizer.step()
    g_optimizer.zero_grad()
    lesson.g_loss(D(fake)).backward()
    g_optimizer.step()
    d_optimizer.zero_grad()


@answers.right("7.7", kind="state", name="clears after each step")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    fake = G(z)
    loss = bce(D(real), 1.0) + bce(D(fake.detach()), 0.0)
    loss.backward()
    d_optimizer.step()
    d_optimizer.zero_grad()
    D.requires_grad_(False)
    loss = bce(D(fake), 1.0)
    loss.backward()
    g_optimizer.step()
    g_optimizer.zero_grad()
    D.requires_grad_(True)


@answers.right("7.7", kind="state", name="clears both at the end, to zeros")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    fake = G(z)
    (bce(D(real), 1.0) + bce(D(fake.detach()), 0.0)).backward()
    d_optimizer.step()
    bce(D.requires_grad_(False)(fake), 1.0).backward()
    g_optimizer.step()
    D.requires_grad_(True)
    for optimizer in (d_optimizer, g_optimizer):
        optimizer.zero_grad(set_to_none=False)


@answers.right("7.7", name="gradients asked for by name")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    fake = G(z)
    loss = bce(D(real), 1.0) + bce(D(fake.detach()), 0.0)
    for p, slope in zip(
        D.parameters(), torch.autograd.grad(loss, list(D.parameters())), strict=True
    ):
        p.grad = slope
    d_optimizer.step()
    loss = bce(D(fake), 1.0)
    for p, slope in zip(
        G.parameters(), torch.autograd.grad(loss, list(G.parameters())), strict=True
    ):
        p.grad = slope
    g_optimizer.step()
    return loss.item()


@answers.wrong("7.7", "in the second, old gradients are left over in D", kind="state")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    fake = G(z)
    loss = bce(D(real), 1.0) + bce(D(fake.detach()), 0.0)
    loss.backward()
    d_optimizer.step()
    D.requires_grad_(False)
    loss = bce(D(fake), 1.0)
    g_optimizer.zero_grad()
    loss.backward()
    g_optimizer.step()
    D.requires_grad_(True)


@answers.wrong("7.7", "in the second, old gradients are left over in G", kind="state message")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    fake = G(z)
    loss = bce(D(real), 1.0) + bce(D(fake.detach()), 0.0)
    d_optimizer.zero_grad()
    loss.backward()
    d_optimizer.step()
    D.requires_grad_(False)
    bce(D(fake), 1.0).backward()
    g_optimizer.step()
    D.requires_grad_(True)


@answers.wrong("7.7", "old gradients are left over in G", kind="state")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    fake = G(z)
    d_optimizer.zero_grad()
    G.weight.grad = None  # and the bias?
    (bce(D(real), 1.0) + bce(D(fake.detach()), 0.0)).backward()
    d_optimizer.step()
    D.requires_grad_(False)
    bce(D(fake), 1.0).backward()
    g_optimizer.step()
    D.requires_grad_(True)


@answers.wrong("7.7", "D: real and fake are exchanged")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    fake = G(z)
    loss = bce(D(real), 0.0) + bce(D(fake.detach()), 1.0)
    d_optimizer.zero_grad()
    loss.backward()
    d_optimizer.step()
    D.requires_grad_(False)
    loss = bce(D(fake), 1.0)
    g_optimizer.zero_grad()
    loss.backward()
    g_optimizer.step()
    D.requires_grad_(True)


def _after_d(G, D, real, z, d_optimizer):
    fake = G(z)
    loss = bce(D(real), 1.0) + bce(D(fake.detach()), 0.0)
    d_optimizer.zero_grad()
    loss.backward()
    d_optimizer.step()
    return fake


def _step_of_g(loss, g_optimizer):
    g_optimizer.zero_grad()
    loss.backward()
    g_optimizer.step()


@answers.wrong("7.7", "G is trained on label 0")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    fake = _after_d(G, D, real, z, d_optimizer)
    _step_of_g(bce(D.requires_grad_(False)(fake), 0.0), g_optimizer)
    D.requires_grad_(True)


@answers.wrong("7.7", "G has the saturating loss", kind="message")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    fake = _after_d(G, D, real, z, d_optimizer)
    _step_of_g(-bce(D.requires_grad_(False)(fake), 0.0), g_optimizer)
    D.requires_grad_(True)


@answers.wrong("7.7", "D goes first", kind="message")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    D.requires_grad_(False)
    fake = G(z)
    _step_of_g(bce(D(fake), 1.0), g_optimizer)
    D.requires_grad_(True)
    d_optimizer.zero_grad()
    (bce(D(real), 1.0) + bce(D(fake.detach()), 0.0)).backward()
    d_optimizer.step()


@answers.wrong("7.7", "other noise than the one", kind="message luck")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    _after_d(G, D, real, z, d_optimizer)
    D.requires_grad_(False)
    _step_of_g(bce(D(G(torch.randn_like(z))), 1.0), g_optimizer)
    D.requires_grad_(True)


@answers.wrong("7.7", "D has not moved")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    D.requires_grad_(False)
    _step_of_g(bce(D(G(z)), 1.0), g_optimizer)
    D.requires_grad_(True)


@answers.wrong("7.7", "G does not move")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    fake = _after_d(G, D, real, z, d_optimizer)
    D.requires_grad_(False)
    bce(D(fake), 1.0).backward()
    D.requires_grad_(True)


@answers.wrong("7.7", "D is not where its own step leads")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    fake = _after_d(G, D, real, z, d_optimizer)
    g_optimizer.zero_grad()
    bce(D(fake), 1.0).backward()
    d_optimizer.step()


@answers.wrong("7.7", "(line: loss.backward())", kind="line")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    fake = _after_d(G, D, real, z, d_optimizer)
    with torch.no_grad():  # taken for freezing
        loss = bce(D(fake), 1.0)
    g_optimizer.zero_grad()
    loss.backward()
    g_optimizer.step()


@answers.wrong("7.7", "(line: of_g.backward())", kind="line")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    fake = G(z)
    of_g = bce(D(fake), 1.0)
    of_d = bce(D(real), 1.0) + bce(D(fake.detach()), 0.0)
    d_optimizer.zero_grad()
    of_d.backward()
    d_optimizer.step()
    g_optimizer.zero_grad()
    of_g.backward()
    g_optimizer.step()


@answers.wrong("7.7", "D's step still sends its gradient through G")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    fake = G(z)
    d_optimizer.zero_grad()
    (bce(D(real), 1.0) + bce(D(fake), 0.0)).backward(retain_graph=True)
    d_optimizer.step()
    D.requires_grad_(False)
    _step_of_g(bce(D(G(z)), 1.0), g_optimizer)
    D.requires_grad_(True)


@answers.wrong("7.7", "D's step sends its gradient through G too", kind="message")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    d_optimizer.zero_grad()
    (bce(D(real), 1.0) + bce(D(G(z)), 0.0)).backward()
    d_optimizer.step()
    D.requires_grad_(False)
    bce(D(G(z)), 1.0).backward()
    g_optimizer.step()
    g_optimizer.zero_grad()
    D.requires_grad_(True)


@answers.wrong("7.7", "D is not frozen")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    fake = _after_d(G, D, real, z, d_optimizer)
    _step_of_g(bce(D(fake), 1.0), g_optimizer)


@answers.wrong("7.7", "D is left frozen", kind="state")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    fake = _after_d(G, D, real, z, d_optimizer)
    D.requires_grad_(False)
    _step_of_g(bce(D(fake), 1.0), g_optimizer)


@answers.wrong("7.7", "other noise than the one", kind="state")
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    z.normal_()
    fake = _after_d(G, D, real, z, d_optimizer)
    D.requires_grad_(False)
    _step_of_g(bce(D(fake), 1.0), g_optimizer)
    D.requires_grad_(True)
