"""More than one right answer passes: the checks test what the work does, not how it is written."""

import pytest
import torch
from exercise_player import play, solution

RIGHT = {
    "losses by the formula": (
        "8.1",
        "def my_d_loss(d_real, d_fake):\n"
        "    return -(d_real.sigmoid().log() + (1 - d_fake.sigmoid()).log()).mean()\n\n\n"
        "def my_g_loss(d_fake):\n"
        "    return -nn.functional.logsigmoid(d_fake).mean()",
    ),
    "losses by a module, labels by their device": (
        "8.1",
        "def my_d_loss(d_real, d_fake):\n"
        "    loss, device = nn.BCEWithLogitsLoss(), d_real.device\n"
        "    ones = torch.ones(len(d_real), 1, device=device)\n"
        "    return loss(d_real, ones) + loss(d_fake, 0 * d_fake.detach())\n\n\n"
        "def my_g_loss(d_fake):\n"
        "    return bce(d_fake, 1)",
    ),
    "an iteration with two passes and gradients everywhere": (
        "8.2",
        "def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):\n"
        "    d_loss = gan_d_loss(D(real), D(G(noise)))\n"
        "    D.zero_grad()\n"
        "    d_loss.backward()\n"
        "    d_optimizer.step()\n"
        "    g_loss = gan_g_loss(D(G(noise)))\n"
        "    G.zero_grad()\n"
        "    g_loss.backward()\n"
        "    g_optimizer.step()\n"
        "    return [d_loss.item(), g_loss.item()]",
    ),
    "an iteration by the lesson's steps": (
        "8.2",
        "def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):\n"
        "    history, fake = GANHistory(), G(noise)\n"
        "    d_step(history, D, gan_d_loss, d_optimizer, real, fake.detach())\n"
        "    g_step(history, D, gan_g_loss, g_optimizer, fake)\n"
        "    return history.d_loss[0], history.g_loss[0]",
    ),
    "other case and spaces": ("8.3", 'first_report = " C"\nsecond_report = "D "'),
    "squares by a library": (
        "8.4",
        "def my_ls_d_loss(d_real, d_fake):\n"
        "    mse = nn.functional.mse_loss\n"
        "    real, fake = mse(d_real, torch.ones_like(d_real)), d_fake.square().mean()\n"
        "    return (real + fake) / 2\n\n\n"
        "def my_ls_g_loss(d_fake):\n"
        "    return (1 - d_fake).pow(2).mean() / 2",
    ),
    "the place more exactly": ("8.5", "equal_output = 0.65905"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_another_right_answer_passes(name):
    printed = play("08", *RIGHT[name])
    assert "✓" in printed, printed


def test_a_check_leaves_the_random_numbers_as_they_were():
    torch.manual_seed(0)
    first = torch.rand(1)
    torch.manual_seed(0)
    for number in ("8.1", "8.2", "8.4"):
        assert "✓" in play("08", number, solution("08", number))
    assert torch.equal(first, torch.rand(1))
