"""Typical mistakes of lesson 6, each with a fragment of the message it must get."""

STEP = """
def sampling_step(mu, logvar, training):
    if not training:
        return {quiet}
    return {noisy}
"""


def _step(noisy: str, quiet: str = "mu") -> str:
    return STEP.format(noisy=noisy, quiet=quiet)


LOSS = """
def my_vae_loss(x, recon, mu, logvar):
    error = ((x - recon) ** 2).{error}
    kl = {kl}
    return {result}
"""
KL = "0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(dim=1)"


def _loss(result: str = "(error + kl).mean()", error: str = "sum(dim=1)", kl: str = KL) -> str:
    return LOSS.format(result=result, error=error, kl=kl)


FORWARD = """
def mended_forward(net, x):
    {first}
    mu, logvar = net.encode(x)
    noise = {noise}
    z = {z}
    return {result}
"""


def _forward(
    z: str = "mu + noise * torch.exp(logvar / 2) if net.training else mu",
    noise: str = "torch.randn_like(mu)",
    result: str = "net.decode(z), mu, logvar",
    first: str = "pass",
) -> str:
    return FORWARD.format(first=first, noise=noise, z=z, result=result)


SHEET = (
    "def mended_sheet(net, z):\n    labels = {}\n    codes = {}\n    return net.decode(codes, {})"
)
LABELS, CODES = "torch.arange(10).repeat(len(z))", "z.repeat_interleave(10, dim=0)"

MISTAKES = [
    ("6.1", _step("mu + logvar.exp() * torch.randn_like(mu)"), "the spread is exp(logvar)"),
    ("6.1", _step("mu + logvar * torch.randn_like(mu)"), "the spread is logvar itself"),
    ("6.1", _step("mu + torch.randn_like(mu)"), "has spread 1 whatever"),
    ("6.1", _step("mu"), "no noise in training"),
    (
        "6.1",
        "def sampling_step(mu, logvar, training):\n"
        "    return mu + (logvar / 2).exp() * torch.randn_like(mu)",
        "with training=False the code must be the mean",
    ),
    ("6.1", _step("mu + (logvar / 2).exp() * torch.rand_like(mu)"), "must have mean 0"),
    (
        "6.1",
        _step("mu + (logvar / 2).exp() * (torch.rand_like(mu) - 0.5)"),
        "a spread of 2.0 was asked for, your codes have 0.6",
    ),
    ("6.1", _step("mu + (logvar / 2).exp() * torch.randn(mu.shape[1])"), "get the same noise"),
    ("6.1", _step("mu + (logvar / 2).exp() * torch.randn(1)"), "get the same noise"),
    ("6.1", _step("mu + (logvar / 2).exp() * torch.randn(len(mu), 1)"), "all units of a code"),
    ("6.1", _step("torch.normal(mu, (logvar / 2).exp()).detach()"), "no gradient reaches"),
    (
        "6.1",
        _step("mu + (logvar / 2).exp().detach() * torch.randn_like(mu)"),
        "no gradient reaches logvar",
    ),
    (
        "6.1",
        _step("mu + 2 * (logvar / 2).exp() * torch.randn_like(mu)"),
        "2.0 was asked for, your codes have",
    ),
    ("6.1", _step("(mu + torch.randn_like(mu)).sum(dim=1)"), "the codes have shape (20000,)"),
    ("6.2", _loss(kl="-" + KL), "wrong sign"),
    ("6.2", _loss(kl=KL.replace("sum", "mean")), "averaged over the units"),
    ("6.2", _loss(error="mean(dim=1)"), "averaged over the pixels"),
    ("6.2", _loss("(error + kl).sum()"), "this is the sum over the batch"),
    ("6.2", _loss(kl=KL.replace("logvar - 1", "logvar.log() - 1").replace(".exp()", "")), "as the"),
    ("6.2", _loss(kl=KL.removeprefix("0.5 * ")), "factor 1/2 of the KL"),
    ("6.2", _loss("error.mean()"), "the KL is missing"),
    ("6.2", _loss("error + kl"), "return one number"),
    ("6.2", _loss("(error + 7 * kl).mean()"), "a small batch gives"),
    ("6.3", _forward("mu + noise * torch.exp(logvar / 2)"), "there is still noise in evaluation"),
    ("6.3", _forward(noise="torch.randn(mu.shape)"), "not made on the device"),
    ("6.3", _forward("mu"), "no noise in training"),
    ("6.3", _forward("mu + noise * logvar.exp() if net.training else mu"), "is exp(logvar)"),
    (
        "6.3",
        _forward("mu + noise * torch.exp(logvar / 2) if not net.training else mu"),
        "there is still noise in evaluation",
    ),
    ("6.3", _forward(result="net.decode(z)"), "return three things"),
    ("6.3", _forward(result="(net.decode(z), logvar, mu)"), "in this order"),
    ("6.3", _forward(first="net.eval()"), "to another mode"),
    ("6.4", "sigma = 0.5", "0.69 nats: too few"),
    ("6.4", "sigma = 0.1", "2.30 nats: too many"),
    ("6.4", "sigma = math.exp(-4)", "that is the variance"),
    ("6.4", "sigma = -4", "a width is a number above 0"),
    ("6.4", "sigma = 2", "leave no room"),
    ("6.4", 'sigma = "0.135"', "a width is a number above 0"),
    ("6.5", 'at_zero = "c"\nat_thousand = "a"', "the other way round"),
    ("6.5", 'at_zero = "b"\nat_thousand = "c"', "a narrow cloud costs nothing"),
    ("6.5", 'at_zero = "c"\nat_thousand = "c"', "a narrow cloud costs nothing"),
    ("6.5", 'at_zero = "a"\nat_thousand = "b"', "costs too much"),
    ("6.5", 'at_zero = "a"\nat_thousand = "a"', "costs too much"),
    ("6.5", 'at_zero = 1\nat_thousand = "c"', "answer with"),
    ("6.6", SHEET.format(LABELS, CODES, "torch.zeros_like(labels)"), "the labels do not arrive"),
    ("6.6", SHEET.format(LABELS, "z.repeat(10, 1)", "labels"), "the code changes within a row"),
    (
        "6.6",
        SHEET.format("torch.arange(10).repeat_interleave(len(z))", CODES, "labels"),
        "the labels should run from 0 to 9",
    ),
    (
        "6.6",
        SHEET.format("torch.arange(10).repeat_interleave(len(z))", "z.repeat(10, 1)", "labels"),
        "the labels should run from 0 to 9",
    ),
    (
        "6.6",
        SHEET.format("torch.arange(1, 11).repeat(len(z))", CODES, "labels"),
        "the labels should run from 0 to 9",
    ),
    ("6.6", SHEET.format(LABELS, "torch.ones(30, 4)", "labels"), "the code changes within a row"),
    ("6.6", SHEET.format(LABELS, "z", "labels"), "one label, a whole number, for each code"),
    (
        "6.6",
        SHEET.format(LABELS, CODES, "nn.functional.one_hot(labels, 10)"),
        "one label, a whole number, for each code",
    ),
    ("6.6", SHEET.format("torch.arange(3)", "z", "labels"), "yours are 3"),
]
