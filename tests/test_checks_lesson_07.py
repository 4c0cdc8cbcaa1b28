"""More than one right answer passes: the checks test what the work does, not how it is written."""

import random

import pytest
import torch
from exercise_player import play, solution

from course_utils.checks.lesson_07 import DEALT, SEEN

RIGHT = {
    "losses by softplus": (
        "7.1",
        "def my_losses(d_real, d_fake):\n"
        "    softplus = nn.functional.softplus\n"
        "    return softplus(-d_real).mean() + softplus(d_fake).mean(), softplus(-d_fake).mean()",
    ),
    "losses by logsigmoid, as a list": (
        "7.1",
        "def my_losses(d_real, d_fake):\n"
        "    log = nn.functional.logsigmoid\n"
        "    return [-(log(d_real) + log(-d_fake)).mean(), -log(d_fake).mean()]",
    ),
    "losses by the module": (
        "7.1",
        "def my_losses(d_real, d_fake):\n"
        "    loss = nn.BCEWithLogitsLoss()\n"
        "    one, zero = torch.ones(d_real.shape), torch.zeros(d_real.shape)\n"
        "    return loss(d_real, one) + loss(d_fake, zero), loss(d_fake, one)",
    ),
    "best D with nan_to_num": (
        "7.2",
        "def optimal_d(p, q):\n    return torch.nan_to_num(p / (p + q), nan=0.5)",
    ),
    "best D by an index": (
        "7.2",
        "def optimal_d(p, q):\n"
        "    d = torch.full_like(p, 0.5)\n"
        "    some = (p > 0) | (q > 0)\n"
        "    d[some] = p[some] / (p[some] + q[some])\n"
        "    return d",
    ),
    "a round with a second forward pass": (
        "7.3",
        "def mended_round(G, D, real, z, d_optimizer, g_optimizer):\n"
        "    with torch.no_grad():\n"
        "        fake = G(z)\n"
        "    d_optimizer.zero_grad()\n"
        "    d_loss(D(real), D(fake)).backward()\n"
        "    d_optimizer.step()\n"
        "    for parameter in D.parameters():\n"
        "        parameter.requires_grad = False\n"
        "    g_optimizer.zero_grad()\n"
        "    g_loss(D(G(z))).backward()\n"
        "    g_optimizer.step()\n"
        "    for parameter in D.parameters():\n"
        "        parameter.requires_grad = True",
    ),
    "a round that clears D afterwards instead of freezing it": (
        "7.3",
        "def mended_round(G, D, real, z, d_optimizer, g_optimizer):\n"
        "    fake = G(z)\n"
        "    d_optimizer.zero_grad()\n"
        "    d_loss(D(real), D(fake.detach())).backward()\n"
        "    d_optimizer.step()\n"
        "    g_optimizer.zero_grad()\n"
        "    g_loss(D(fake)).backward()\n"
        "    g_optimizer.step()\n"
        "    d_optimizer.zero_grad()",
    ),
    "other case and spaces": ("7.4", 'patient_a = " Not  Frozen "'),
    "a capital letter": ("7.5", 'patient_b = "Saturating"'),
    "three spaces": ("7.6", 'patient_c = "not cleared   "'),
    "capitals": ("7.7", 'patient_d = "COLLAPSE"'),
    "a rounded number": ("7.8", "answer = 0.33"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_another_right_answer_passes(name):
    printed = play("07", *RIGHT[name])
    assert "✓" in printed, printed


def test_the_checks_know_how_the_lesson_dealt_its_patients():
    assert list(DEALT.values()) == random.Random(5).sample(sorted(SEEN), 4)


@pytest.mark.parametrize("number", ["7.1", "7.2", "7.3"])
def test_a_check_leaves_the_random_numbers_as_they_were(number):
    torch.manual_seed(0)
    play("07", number)  # the lesson's own constants draw some; the untouched stub checks nothing
    without_check = torch.rand(1)
    torch.manual_seed(0)
    assert "✓" in play("07", number, solution("07", number))
    assert torch.equal(without_check, torch.rand(1))
