"""Typical mistakes of lesson 5, each with a fragment of the message it must get."""

KL = "def kl_to_standard_normal(mu, logvar):\n    return {}"
DRAW = "def reparameterise(mu, logvar):\n    return {}"
LOSS = """
def mended_loss(recon, x, mu, logvar):
    error = ((recon - x) ** 2).{error}
    kl = {kl}
    return {result}
"""
TERMS = "(logvar.exp() - 1 - logvar + mu**2)"
MEAN = "(error + kl).mean()"


def _loss(kl: str, error: str = "sum(dim=1)", result: str = MEAN) -> str:
    return LOSS.format(error=error, kl=kl, result=result)


MISTAKES = [
    ("5.1", 'prediction = "a"', "nothing holds it at 1"),
    ("5.1", 'prediction = "b"', "more noise makes the picture worse"),
    ("5.1", 'prediction = "x"', "answer with"),
    ("5.2", "mean, logvar = 0, 0", "the mean should be lower"),
    ("5.2", "mean, logvar = -1.5, -1.6", "the mean should be higher"),
    ("5.2", "mean, logvar = -0.75, -1.609", "p(z) pulls towards 0"),
    ("5.2", "mean, logvar = -0.6, 0.2", "that is the variance"),
    ("5.2", "mean, logvar = -0.6, -0.805", "q is too wide"),
    ("5.2", "mean, logvar = -0.6, -3", "q is too narrow"),
    ("5.2", 'mean, logvar = "-0.6", "-1.6"', "two numbers"),
    ("5.3", KL.format(f"0.5 * {TERMS}.mean(dim=1)"), "mean over the latent numbers"),
    ("5.3", KL.format(f"0.5 * {TERMS}.sum()"), "one number is too few"),
    ("5.3", KL.format(f"0.5 * {TERMS}"), "sum over the latent numbers is missing"),
    ("5.3", KL.format(f"0.5 * {TERMS}.sum(dim=0)"), "along dim=1"),
    ("5.3", KL.format(f"-0.5 * {TERMS}.sum(dim=1)"), "sign is flipped"),
    ("5.3", KL.format(f"{TERMS}.sum(dim=1)"), "one half is missing"),
    (
        "5.3",
        KL.format("0.5 * ((logvar / 2).exp() - 1 - logvar + mu**2).sum(dim=1)"),
        "logvar / 2) is the standard deviation",
    ),
    ("5.3", KL.format("0.5 * (-1 + mu**2).sum(dim=1)"), "logvar is used as the variance"),
    (
        "5.3",
        KL.format("0.5 * (logvar.exp() - 1 - logvar + mu).sum(dim=1)"),
        "mean is not squared",
    ),
    ("5.4", DRAW.format("mu"), "there is no noise"),
    ("5.4", DRAW.format("mu + logvar.exp() * torch.randn_like(mu)"), "exp(logvar) is the variance"),
    ("5.4", DRAW.format("mu + logvar * torch.randn_like(mu)"), "used as the standard deviation"),
    ("5.4", DRAW.format("mu + torch.randn_like(mu)"), "variance 1 everywhere"),
    ("5.4", DRAW.format("(logvar / 2).exp() * torch.randn_like(mu)"), "where is mu"),
    ("5.4", DRAW.format("mu + (logvar / 2).exp() * torch.rand_like(mu)"), "torch.rand draws"),
    ("5.4", DRAW.format("mu + (logvar / 2).exp() * torch.randn(3)"), "all examples get the same"),
    (
        "5.4",
        DRAW.format("mu + (logvar / 2).exp() * torch.randn(len(mu), 1)"),
        "share one noise",
    ),
    (
        "5.4",
        "def reparameterise(mu, logvar):\n    torch.manual_seed(1)\n"
        "    return mu + (logvar / 2).exp() * torch.randn_like(mu)",
        "two calls give the same",
    ),
    ("5.4", DRAW.format("mu + (-logvar / 2).exp() * torch.randn_like(mu)"), "wrong way round"),
    ("5.4", DRAW.format("torch.normal(mu, (logvar / 2).exp()).detach()"), "no gradient reaches mu"),
    (
        "5.4",
        DRAW.format("mu + (logvar / 2).exp().detach() * torch.randn_like(mu)"),
        "no gradient reaches logvar",
    ),
    ("5.4", DRAW.format("mu.mean() + torch.randn(5)"), "the shape should be that of mu"),
    ("5.5", _loss("0.5 * (1 + logvar - mu**2 - logvar.exp()).mean()"), "both faults"),
    ("5.5", _loss("0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(dim=1)"), "sign of the KL"),
    ("5.5", _loss(f"0.5 * {TERMS}.mean()"), "averaged over the latent numbers"),
    ("5.5", _loss(f"0.5 * {TERMS}.sum()"), "is it summed over the batch?"),
    ("5.5", _loss(f"0.5 * {TERMS}.sum(dim=1)", error="mean(dim=1)"), "the scaling mistake"),
    ("5.5", _loss(f"0.5 * {TERMS}.sum(dim=1)", result="(error + kl).sum()"), "take the mean"),
    ("5.5", _loss(f"0.5 * {TERMS}.sum(dim=1)", result="error + kl"), "return one number"),
    ("5.5", _loss(f"{TERMS}.sum(dim=1)"), "is one half missing"),
    ("5.5", _loss("0"), "the KL is missing"),
    ("5.6", "factor = 784", "784 is MNIST"),
    ("5.6", "factor = 4096", "the colours are missing"),
    ("5.6", "factor = 128 * 12288", "The batch does not matter"),
]
