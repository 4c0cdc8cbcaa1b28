"""More than one right answer passes: the checks test what the work does, not how it is written."""

import pytest
import torch
from exercise_player import play, solution

RIGHT = {
    "a sampling step in old words": (
        "6.1",
        "def sampling_step(mu, logvar, training):\n"
        "    std = logvar.mul(0.5).exp()\n"
        "    eps = torch.empty_like(std).normal_()\n"
        "    return eps.mul(std).add(mu) if training else mu",
    ),
    "a sampling step with the square root": (
        "6.1",
        "def sampling_step(mu, logvar, training):\n"
        "    noise = torch.randn(mu.shape, device=mu.device) * float(training)\n"
        "    return torch.addcmul(mu, logvar.exp().sqrt(), noise)",
    ),
    "a sampling step by a library": (
        "6.1",
        "def sampling_step(mu, logvar, training):\n"
        "    return Normal(mu, torch.exp(logvar / 2)).rsample() if training else mu",
    ),
    "a loss by libraries": (
        "6.2",
        "def my_vae_loss(x, recon, mu, logvar):\n"
        "    error = nn.functional.mse_loss(recon, x, reduction='sum')\n"
        "    kl = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0)).sum()\n"
        "    return (error + kl) / x.shape[0]",
    ),
    "a loss as the old tutorial writes it": (
        "6.2",
        "def my_vae_loss(x, recon, mu, logvar):\n"
        "    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())\n"
        "    return (torch.sum((recon - x).pow(2)) + kld).item() / len(x)",
    ),
    "a forward pass with two returns": (
        "6.3",
        "def mended_forward(net, x):\n"
        "    mu, logvar = net.encode(x)\n"
        "    if not net.training:\n"
        "        return net.decode(mu), mu, logvar\n"
        "    noise = torch.randn(mu.shape, device=x.device, dtype=x.dtype)\n"
        "    return net.decode(mu + noise * (logvar / 2).exp()), mu, logvar",
    ),
    "a forward pass that calls the lesson's method": (
        "6.3",
        "def mended_forward(net, x):\n"
        "    mu, logvar = net.encode(x)\n"
        "    z = VAE.sample(net, mu, logvar) if net.training else mu\n"
        "    return [net.decode(z), mu, logvar]",
    ),
    "two nats by the formula": ("6.4", "sigma = math.exp(-2)"),
    "two nats, roughly": ("6.4", "sigma = 0.137"),
    "other case and spaces": ("6.5", 'at_zero = " A"\nat_thousand = "C "'),
    "a sheet row by row": (
        "6.6",
        "def mended_sheet(net, z):\n"
        "    rows = [net.decode(code.expand(10, -1), torch.arange(10)) for code in z]\n"
        "    return torch.cat(rows)",
    ),
    "a sheet by expanding": (
        "6.6",
        "def mended_sheet(net, z):\n"
        "    codes = z[:, None].expand(-1, 10, -1).reshape(-1, z.shape[1])\n"
        "    return net.decode(codes, torch.arange(len(codes)) % 10)",
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_another_right_answer_passes(name):
    printed = play("06", *RIGHT[name])
    assert "✓" in printed, printed


def test_a_check_leaves_the_random_numbers_as_they_were():
    torch.manual_seed(0)
    first = torch.rand(1)
    torch.manual_seed(0)
    for number in ("6.1", "6.2", "6.3", "6.6"):
        assert "✓" in play("06", number, solution("06", number))
    assert torch.equal(first, torch.rand(1))


@pytest.mark.parametrize("seed", range(10))
def test_the_statistics_do_not_depend_on_luck(seed):
    torch.manual_seed(seed)
    assert "✓" in play("06", "6.1", solution("06", "6.1"))
