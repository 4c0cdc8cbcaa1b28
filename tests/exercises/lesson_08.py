"""Answers to the exercises of lesson 8."""

import copy

import numpy as np
import torch
from answers import Answers
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

answers = Answers("08")
lesson = answers.lesson
bce = binary_cross_entropy_with_logits


def of_d(d_real, d_fake):
    return softplus(-d_real).mean() + softplus(d_fake).mean()


def of_g(d_fake):
    return softplus(-d_fake).mean()


# ------------------------------------------------------------------------------------------- 8.1


@answers.right("8.1", kind="numbers", name="two passes, gradients everywhere")
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


@answers.right("8.1", kind="state", name="clears both at the end")
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


@answers.right("8.1", kind="state", name="clears after each step, D frozen meanwhile")
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


@answers.right("8.1", name="in two functions")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = _step_of_d(D, d_optimizer, real, fake)
    return d_loss, _step_of_g(lesson.gan_g_loss(D(fake)), g_optimizer)


@answers.wrong("8.1", "D: real and fake are exchanged")
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


@answers.wrong("8.1", "in the second, old gradients are left over in D", kind="state")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = lesson.gan_d_loss(D(real), D(fake.detach()))
    d_loss.backward()
    d_optimizer.step()
    return d_loss.item(), _step_of_g(lesson.gan_g_loss(D(fake)), g_optimizer)


@answers.wrong("8.1", "in the second, old gradients are left over in D", kind="state")
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


@answers.wrong("8.1", "in the second, old gradients are left over in G", kind="state message")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = _step_of_d(D, d_optimizer, real, fake)
    g_loss = lesson.gan_g_loss(D(fake))
    g_loss.backward()
    g_optimizer.step()
    return d_loss, g_loss.item()


@answers.wrong("8.1", "G does not move")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = _step_of_d(D, d_optimizer, real, fake)
    return d_loss, _step_of_g(lesson.gan_g_loss(D(fake.detach())), g_optimizer)


@answers.wrong("8.1", "G is trained on label 0")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = _step_of_d(D, d_optimizer, real, fake)
    return d_loss, _step_of_g(lesson.bce(D(fake), 0), g_optimizer)


@answers.wrong("8.1", "G has the saturating loss", kind="message")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = _step_of_d(D, d_optimizer, real, fake)
    return d_loss, _step_of_g(-lesson.bce(D(fake), 0), g_optimizer)


@answers.wrong("8.1", "other noise than the one", kind="luck message")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    d_loss = _step_of_d(D, d_optimizer, real, G(torch.rand_like(noise)))
    return d_loss, _step_of_g(lesson.gan_g_loss(D(G(noise))), g_optimizer)


@answers.wrong("8.1", "noise of another width", kind="message")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    d_loss = _step_of_d(D, d_optimizer, real, G(lesson.draw_noise(len(real))))
    return d_loss, _step_of_g(lesson.gan_g_loss(D(G(noise))), g_optimizer)


@answers.wrong("8.1", "D is not where its own step leads")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = _step_of_d(D, d_optimizer, real, fake)
    g_loss = lesson.gan_g_loss(D(fake))
    g_loss.backward()
    d_optimizer.step()
    return d_loss, g_loss.item()


@answers.wrong("8.1", "D is left frozen", kind="state")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = _step_of_d(D, d_optimizer, real, fake)
    D.requires_grad_(False)
    return d_loss, _step_of_g(lesson.gan_g_loss(D(fake)), g_optimizer)


@answers.wrong("8.1", "return both losses", kind="line")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = _step_of_d(D, d_optimizer, real, fake)
    return d_loss + _step_of_g(lesson.gan_g_loss(D(fake)), g_optimizer)


@answers.wrong("8.1", "return both losses: of D, of G, not None", kind="return")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    _step_of_d(D, d_optimizer, real, fake)
    _step_of_g(lesson.gan_g_loss(D(fake)), g_optimizer)


@answers.wrong("8.1", "in the wrong order", kind="message")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = _step_of_d(D, d_optimizer, real, fake)
    return _step_of_g(lesson.gan_g_loss(D(fake)), g_optimizer), d_loss


@answers.wrong("8.1", "other losses are returned", kind="message")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    _step_of_d(D, d_optimizer, real, fake)
    g_loss = _step_of_g(lesson.gan_g_loss(D(fake)), g_optimizer)
    return lesson.gan_d_loss(D(real), D(G(noise))), g_loss  # both as they are after the steps


@answers.wrong("8.1", "after the round D holds nan", kind="nan")
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = -D(real).log().mean() + D(fake.detach()).sqrt().mean()
    d_loss.backward()
    d_optimizer.step()
    return d_loss, _step_of_g(lesson.gan_g_loss(D(fake)), g_optimizer)


# ------------------------------------------------------------------------------------------- 8.2

answers.right("8.2", first_report=" C", second_report="D ", kind="numbers", name="capitals")
answers.right("8.2", first_report="c.", second_report="d.", name="points")
answers.right("8.2", first_report='"c"', second_report='"d"', name="quoted twice")
answers.wrong("8.2", "the other way round", first_report="d", second_report="c")
answers.wrong("8.2", "D is the ruler of G's loss", first_report="a", second_report="d")
answers.wrong("8.2", "would a loss still rise", first_report="b", second_report="d")
answers.wrong("8.2", "a loss that rises", first_report="d", second_report="d")
answers.wrong("8.2", "in the very first iteration", first_report="C", second_report="B")
answers.wrong("8.2", "what must D answer", first_report="c", second_report="c")
answers.wrong("8.2", "answer with", first_report="c", second_report="x")
answers.wrong("8.2", "answer with", first_report=3, second_report=["d"], kind="line")

# ------------------------------------------------------------------------------------------- 8.3


@answers.right("8.3", name="squares by a library")
def my_ls_d_loss(d_real, d_fake):
    mse = nn.functional.mse_loss
    real, fake = mse(d_real, torch.ones_like(d_real)), d_fake.square().mean()
    return (real + fake) / 2


@answers.right("8.3", name="pow")
def my_ls_g_loss(d_fake):
    return (1 - d_fake).pow(2).mean() / 2


@answers.right("8.3", kind="numbers", name="one element, float64")
def my_ls_g_loss(d_fake):
    return (0.5 * (d_fake.double() - 1) ** 2).mean(dim=0)


@answers.right("8.3", name="norms")
def my_ls_d_loss(d_real, d_fake):
    return ((d_real - 1).norm() ** 2 / len(d_real) + d_fake.norm() ** 2 / len(d_fake)) / 2


def _squares(outputs, target):
    return 0.5 * ((outputs - target) ** 2).mean()


def my_ls_g_loss(d_fake):
    return 0.5 * ((d_fake - 1) ** 2).mean()


def my_ls_d_loss(d_real, d_fake):
    return 0.5 * (d_real**2).mean() + 0.5 * ((d_fake - 1) ** 2).mean()


swapped = {"my_ls_d_loss": my_ls_d_loss, "my_ls_g_loss": my_ls_g_loss}
answers.wrong("8.3", "D: real and fake are exchanged", **swapped)


@answers.wrong("8.3", "D: twice the right loss")
def my_ls_d_loss(d_real, d_fake):
    return ((d_real - 1) ** 2).mean() + (d_fake**2).mean()


@answers.wrong("8.3", "D: a sigmoid too many")
def my_ls_d_loss(d_real, d_fake):
    return _squares(d_real.sigmoid(), 1) + _squares(d_fake.sigmoid(), 0)


@answers.wrong("8.3", "D: this is the sum over the batch")
def my_ls_d_loss(d_real, d_fake):
    return 0.5 * ((d_real - 1) ** 2).sum() + 0.5 * (d_fake**2).sum()


@answers.wrong("8.3", "D: the loss leaves out the real ones", kind="message")
def my_ls_d_loss(d_real, d_fake):
    return _squares(d_fake, 0)


@answers.wrong("8.3", "G: the label is 0")
def my_ls_g_loss(d_fake):
    return 0.5 * (d_fake**2).mean()


@answers.wrong("8.3", "G: twice the right loss")
def my_ls_g_loss(d_fake):
    return ((d_fake - 1) ** 2).mean()


@answers.wrong("8.3", "G: the sign is wrong")
def my_ls_g_loss(d_fake):
    return -_squares(d_fake, 1)


@answers.wrong("8.3", "G: the loss must be one number")
def my_ls_g_loss(d_fake):
    return 0.5 * (d_fake - 1) ** 2


@answers.wrong("8.3", "cannot train", kind="train")
def my_ls_g_loss(d_fake):
    return float(_squares(d_fake, 1))


@answers.wrong("8.3", "no gradient reaches d_fake", kind="train")
def my_ls_d_loss(d_real, d_fake):
    return _squares(d_real, 1) + _squares(torch.tensor(d_fake.tolist()), 0)


@answers.wrong("8.3", "D: the loss is nan", kind="nan")
def my_ls_d_loss(d_real, d_fake):
    return 0.5 * (d_real - 1).sqrt().pow(4).mean() + _squares(d_fake, 0)


@answers.wrong("8.3", "d_real was changed", kind="state")
def my_ls_d_loss(d_real, d_fake):
    d_real -= 1
    return 0.5 * (d_real**2).mean() + _squares(d_fake, 0)


@answers.wrong("8.3", "my_ls_d_loss returned nothing", kind="return")
def my_ls_d_loss(d_real, d_fake):
    (d_real - 1) ** 2 + d_fake**2


# ------------------------------------------------------------------------------------------- 8.4


@answers.right("8.4", name="three asserts")
def check_iteration(iteration, real):
    D, G, d_optimizer, g_optimizer = lesson.new_game()
    noise = lesson.draw_noise(len(real))
    fake = G(noise).detach()
    d_before, g_before = D[1].weight.detach().clone(), G[0].weight.detach().clone()
    lead_before = (D(real).mean() - D(fake).mean()).item()
    iteration(D, G, d_optimizer, g_optimizer, real, noise)
    assert not torch.equal(D[1].weight, d_before), "D stands still"
    assert not torch.equal(G[0].weight, g_before), "G stands still"
    assert (D(real).mean() - D(fake).mean()).item() > lead_before, "D goes the wrong way"


@answers.right("8.4", name="the loss of D instead of its lead")
def check_iteration(iteration, real):
    D, G, d_optimizer, g_optimizer = lesson.new_game()
    noise = lesson.draw_noise(len(real))
    fake = G(noise).detach()
    weights = [p.detach().clone() for p in G.parameters()]
    before = lesson.gan_d_loss(D(real), D(fake)).item()
    iteration(D, G, d_optimizer, g_optimizer, real, noise)
    assert lesson.gan_d_loss(D(real), D(fake)).item() < before
    assert not all(torch.equal(p, old) for p, old in zip(G.parameters(), weights, strict=True))


@answers.right("8.4", name="copies of both players")
def check_iteration(iteration, real):
    D, G, *optimizers = lesson.new_game()
    old_d, old_g = copy.deepcopy(D), copy.deepcopy(G)
    noise = lesson.draw_noise(128)
    iteration(D, G, *optimizers, real, noise)
    with torch.no_grad():
        fake = old_g(noise)
        assert (G(noise) - fake).abs().max() > 0
        lead, old_lead = (net(real).mean() - net(fake).mean() for net in (D, old_d))
    if lead <= old_lead:
        raise AssertionError("D does not gain")


@answers.wrong("8.4", "D does not move")
def check_iteration(iteration, real):
    D, G, d_optimizer, g_optimizer = lesson.new_game()
    before = G[0].weight.detach().clone()
    iteration(D, G, d_optimizer, g_optimizer, real, lesson.draw_noise(128))
    assert not torch.equal(G[0].weight, before)


@answers.wrong("8.4", "G does not move")
def check_iteration(iteration, real):
    D, G, d_optimizer, g_optimizer = lesson.new_game()
    noise = lesson.draw_noise(128)
    fake = G(noise).detach()
    before = lesson.gan_d_loss(D(real), D(fake)).item()
    iteration(D, G, d_optimizer, g_optimizer, real, noise)
    assert lesson.gan_d_loss(D(real), D(fake)).item() < before


@answers.wrong("8.4", "learns to call fakes real")
def check_iteration(iteration, real):
    D, G, d_optimizer, g_optimizer = lesson.new_game()
    d_before, g_before = D[1].weight.detach().clone(), G[0].weight.detach().clone()
    iteration(D, G, d_optimizer, g_optimizer, real, lesson.draw_noise(128))
    assert not torch.equal(D[1].weight, d_before), "D stands still"
    assert not torch.equal(G[0].weight, g_before), "G stands still"


@answers.wrong("8.4", "a right iteration must pass, and yours says", kind="state")
def check_iteration(iteration, real):
    D, G, d_optimizer, g_optimizer = lesson.new_game()
    before = D[1].weight  # no copy: it changes with the net
    iteration(D, G, d_optimizer, g_optimizer, real, lesson.draw_noise(128))
    assert not torch.equal(D[1].weight, before), "D stands still"


@answers.wrong("8.4", "let it fail by an assert")
def check_iteration(iteration, real):
    D, G, d_optimizer, g_optimizer = lesson.new_game()
    iteration(D, G, d_optimizer, g_optimizer, real, lesson.draw_noise(128))
    return True


@answers.wrong("8.4", "is what you keep from before a copy", kind="state")
def check_iteration(iteration, real):
    D, G, d_optimizer, g_optimizer = lesson.new_game()
    before = list(D.parameters())
    iteration(D, G, d_optimizer, g_optimizer, real, lesson.draw_noise(128))
    assert not all(map(torch.equal, D.parameters(), before))


@answers.wrong("8.4", "Does it compare the right way round", kind="message")
def check_iteration(iteration, real):
    D, G, d_optimizer, g_optimizer = lesson.new_game()
    noise = lesson.draw_noise(128)
    fake = G(noise).detach()
    before = lesson.gan_d_loss(D(real), D(fake)).item()
    iteration(D, G, d_optimizer, g_optimizer, real, noise)
    assert lesson.gan_d_loss(D(real), D(fake)).item() > before
