"""More than one right answer passes: the checks test what the work does, not how it is written."""

import pytest
import torch
from exercise_player import play, solution

RIGHT = {
    "other case and spaces": ("5.1", 'prediction = " C"'),
    "the posterior by its formula": ("5.2", "mean, logvar = -0.6, float(np.log(0.2))"),
    "a little off": ("5.2", "mean, logvar = -0.58, -1.55"),
    "KL with a minus sign in front": (
        "5.3",
        "def kl_to_standard_normal(mu, logvar):\n"
        "    return -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim=-1)",
    ),
    "KL by torch.distributions": (
        "5.3",
        "def kl_to_standard_normal(mu, logvar):\n"
        "    q = torch.distributions.Normal(mu, (logvar / 2).exp())\n"
        "    p = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))\n"
        "    return torch.distributions.kl_divergence(q, p).sum(dim=1)",
    ),
    "KL in a loop": (
        "5.3",
        "def kl_to_standard_normal(mu, logvar):\n"
        "    result = []\n"
        "    for m, s in zip(mu, logvar):\n"
        "        result.append(sum((s.exp() - 1 - s + m * m) / 2))\n"
        "    return torch.stack(result)",
    ),
    "a draw by the square root": (
        "5.4",
        "def reparameterise(mu, logvar):\n"
        "    sigma = logvar.exp().sqrt()\n"
        "    return mu + sigma * torch.randn(mu.shape)",
    ),
    "a draw by rsample": (
        "5.4",
        "def reparameterise(mu, logvar):\n"
        "    return torch.distributions.Normal(mu, (0.5 * logvar).exp()).rsample()",
    ),
    "a loss by mse_loss with a sum": (
        "5.5",
        "def mended_loss(recon, x, mu, logvar):\n"
        "    error = nn.functional.mse_loss(recon, x, reduction='sum')\n"
        "    kl = 0.5 * (logvar.exp() - 1 - logvar + mu**2).sum()\n"
        "    return (error + kl) / len(x)",
    ),
    "a loss with the lesson's guard": (
        "5.5",
        "def mended_loss(recon, x, mu, logvar):\n"
        "    return ((recon - x).square().sum(1) + guard(mu, logvar)).mean().item()",
    ),
    "a product": ("5.6", "factor = 3 * 64**2"),
    "a text": ("5.6", 'factor = "12,288"'),
}


@pytest.mark.parametrize("name", RIGHT)
def test_another_right_answer_passes(name):
    assert "✓" in play("05", *RIGHT[name])


def test_a_check_leaves_the_random_numbers_as_they_were():
    torch.manual_seed(0)
    first = torch.rand(1)
    torch.manual_seed(0)
    for number in ("5.2", "5.3", "5.4", "5.5"):
        assert "✓" in play("05", number, solution("05", number))
    assert torch.equal(first, torch.rand(1))


def test_the_draw_is_judged_alike_from_any_state_of_the_random_numbers():
    for seed in range(5):
        torch.manual_seed(seed)
        assert "✓" in play("05", "5.4", solution("05", "5.4"))


def test_the_check_asks_for_the_posterior_of_the_lessons_model():
    code = """
m, v = posterior(torch.tensor(-1.0, dtype=torch.float64))
mean, logvar = m.item(), v.log().item()
"""
    assert "✓ right: the gap is 0.000" in play("05", "5.2", code)
