"""Typical mistakes of lesson 8, each with a fragment of the message it must get."""

BCE = """
def my_d_loss(d_real, d_fake):
    bce = nn.functional.binary_cross_entropy_with_logits
    ones, zeros = torch.ones_like(d_real), torch.zeros_like(d_fake)
    return {d}


def my_g_loss(d_fake):
    bce = nn.functional.binary_cross_entropy_with_logits
    ones, zeros = torch.ones_like(d_fake), torch.zeros_like(d_fake)
    return {g}
"""
LS = """
def my_ls_d_loss(d_real, d_fake):
    return {d}


def my_ls_g_loss(d_fake):
    return {g}
"""


def _bce(d: str = "bce(d_real, ones) + bce(d_fake, zeros)", g: str = "bce(d_fake, ones)") -> str:
    return BCE.format(d=d, g=g)


def _ls(
    d: str = "0.5 * ((d_real - 1) ** 2).mean() + 0.5 * (d_fake**2).mean()",
    g: str = "0.5 * ((d_fake - 1) ** 2).mean()",
) -> str:
    return LS.format(d=d, g=g)


ITERATION = """
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    fake = G(noise)
    d_loss = gan_d_loss({d})
    {d_zero}
    d_loss.backward()
    d_optimizer.step()
    {freeze}
    g_loss = {g}
    {g_zero}
    g_loss.backward()
    {g_step}
    return {result}
"""


def _iteration(
    d: str = "D(real), D(fake.detach())",
    d_zero: str = "d_optimizer.zero_grad()",
    g: str = "gan_g_loss(D(fake))",
    g_zero: str = "g_optimizer.zero_grad()",
    g_step: str = "g_optimizer.step()",
    freeze: str = "pass",
    result: str = "d_loss.item(), g_loss.item()",
) -> str:
    return ITERATION.format(
        d=d, d_zero=d_zero, g=g, g_zero=g_zero, g_step=g_step, freeze=freeze, result=result
    )


def _reports(first: str, second: str) -> str:
    return f"first_report = {first!r}\nsecond_report = {second!r}"


MISTAKES = [
    ("8.1", _bce(d="bce(d_real, zeros) + bce(d_fake, ones)"), "D: real and fake are exchanged"),
    ("8.1", _bce(d="(bce(d_real, ones) + bce(d_fake, zeros)) / 2"), "added, not averaged"),
    ("8.1", _bce(d="bce(d_real.sigmoid(), ones) + bce(d_fake.sigmoid(), zeros)"), "D: a sigmoid"),
    ("8.1", _bce(d="bce(d_real, ones)"), "leaves out one kind"),
    ("8.1", _bce(d="-bce(d_real, ones) - bce(d_fake, zeros)"), "D: the sign is wrong"),
    (
        "8.1",
        _bce(d="bce(d_real, ones, reduction='sum') + bce(d_fake, zeros, reduction='sum')"),
        "D: this is the sum over the batch",
    ),
    (
        "8.1",
        _bce(d="bce(d_real, ones, reduction='none') + bce(d_fake, zeros, reduction='none')"),
        "D: the loss must be one number",
    ),
    ("8.1", _bce(d="(bce(d_real, ones) + bce(d_fake, zeros)).item()"), "must be a tensor"),
    ("8.1", _bce(d="bce(d_real, ones) + bce(d_fake, 0.5 + zeros)"), "a small batch gives"),
    ("8.1", _bce(g="bce(d_fake, zeros)"), "G: the label is 0"),
    ("8.1", _bce(g="-bce(d_fake, zeros)"), "the saturating loss of lesson 7"),
    ("8.1", _bce(g="bce(d_fake.sigmoid(), ones)"), "G: a sigmoid too many"),
    ("8.1", _bce(g="bce(d_fake.detach(), ones)"), "G: the loss carries no gradient"),
    ("8.1", _bce(g="bce(d_fake, torch.ones(len(d_fake), 1))"), "not made on the logits' device"),
    (
        "8.1",
        _bce(d="bce(d_real, torch.ones(d_real.shape)) + bce(d_fake, zeros)"),
        "not made on the logits' device",
    ),
    ("8.2", _iteration(d="D(fake.detach()), D(real)"), "D: real and fake are exchanged"),
    ("8.2", _iteration(d_zero="pass"), "D: gradients are left over"),
    (
        "8.2",
        _iteration(d="D(fake.detach()), D(real)", d_zero="pass"),
        "D: gradients are left over, and real and fake",
    ),
    ("8.2", _iteration(g="gan_g_loss(D(fake.detach()))", freeze="pass"), "G does not learn"),
    ("8.2", _iteration(g_zero="pass"), "G: gradients are left over"),
    ("8.2", _iteration(g="bce(D(fake), 0)"), "G: the fakes are labelled as fake"),
    ("8.2", _iteration(g_step="d_optimizer.step()"), "D moves, but not down"),
    ("8.2", _iteration(g_step="pass"), "G does not learn"),
    ("8.2", _iteration(freeze="D.requires_grad_(False)"), "D is left frozen"),
    ("8.2", _iteration(result="d_loss.item() + g_loss.item()"), "return both losses"),
    ("8.3", _reports("d", "c"), "the other way round"),
    ("8.3", _reports("a", "d"), "measured with D as the ruler"),
    ("8.3", _reports("b", "d"), "a loss that rises"),
    ("8.3", _reports("c", "b"), "in the very first iteration"),
    ("8.3", _reports("c", "c"), "what must D answer"),
    ("8.3", _reports("c", "x"), "answer with"),
    (
        "8.4",
        _ls(d="0.5 * (d_real**2).mean() + 0.5 * ((d_fake - 1) ** 2).mean()"),
        "D: real and fake are exchanged",
    ),
    ("8.4", _ls(d="((d_real - 1) ** 2).mean() + (d_fake**2).mean()"), "D: twice the right loss"),
    (
        "8.4",
        _ls(d="0.5 * ((d_real.sigmoid() - 1) ** 2).mean() + 0.5 * (d_fake.sigmoid() ** 2).mean()"),
        "D: a sigmoid too many",
    ),
    (
        "8.4",
        _ls(d="0.5 * ((d_real - 1) ** 2).sum() + 0.5 * (d_fake**2).sum()"),
        "D: this is the sum over the batch",
    ),
    ("8.4", _ls(g="0.5 * (d_fake**2).mean()"), "G: the label is 0"),
    ("8.4", _ls(g="((d_fake - 1) ** 2).mean()"), "G: twice the right loss"),
    ("8.4", _ls(g="-0.5 * ((d_fake - 1) ** 2).mean()"), "G: the sign is wrong"),
    ("8.4", _ls(g="0.5 * (d_fake - 1) ** 2"), "G: the loss must be one number"),
    ("8.5", "equal_output = 0.5", "the squares still pull harder"),
    ("8.5", "equal_output = 0.8", "the cross-entropy pulls harder"),
    ("8.5", "equal_output = 1.19", "look below 1"),
    ("8.5", 'equal_output = "0.66"', "is a number"),
]
