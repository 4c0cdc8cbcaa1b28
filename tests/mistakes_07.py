"""Typical mistakes of lesson 7, each with a fragment of the message it must get."""

LOSSES = """
def my_losses(d_real, d_fake):
    bce = nn.functional.binary_cross_entropy_with_logits
    one, zero = torch.ones_like(d_real), torch.zeros_like(d_real)
    return {of_d}, {of_g}
"""
OF_D, OF_G = "bce(d_real, one) + bce(d_fake, zero)", "bce(d_fake, one)"


def _losses(of_d: str = OF_D, of_g: str = OF_G) -> str:
    return LOSSES.format(of_d=of_d, of_g=of_g)


def _best(result: str) -> str:
    return f"def optimal_d(p, q):\n    return {result}"


LINES = {
    "fake": "fake = G(z)",
    "d_loss": "loss = bce(D(real), 1.0) + bce(D(fake.detach()), 0.0)",
    "d_clear": "d_optimizer.zero_grad()",
    "d_back": "loss.backward()",
    "d_step": "d_optimizer.step()",
    "freeze": "D.requires_grad_(False)",
    "g_loss": "loss = bce(D(fake), 1.0)",
    "g_clear": "g_optimizer.zero_grad()",
    "g_back": "loss.backward()",
    "g_step": "g_optimizer.step()",
    "thaw": "D.requires_grad_(True)",
}


def _round(**changes: str) -> str:
    lines = [f"    {line}" for line in {**LINES, **changes}.values()]
    return "\n".join(["def mended_round(G, D, real, z, d_optimizer, g_optimizer):", *lines])


AGAIN = "loss.backward(retain_graph=True)"
THROUGH = "loss = bce(D(real), 1.0) + bce(D(fake), 0.0)"

MISTAKES = [
    ("7.1", _losses("bce(d_real, zero) + bce(d_fake, one)"), "loss of D has swapped labels"),
    ("7.1", _losses("bce(d_real, one) + bce(d_fake, one)"), "the loss of D is 1.2"),
    ("7.1", _losses(f"({OF_D}) / 2"), "loss of D is halved"),
    ("7.1", _losses(f"-({OF_D})"), "loss of D has the wrong sign"),
    ("7.1", _losses("bce(d_real, one)"), "the loss of D is 0.4"),
    ("7.1", _losses(f"len(d_real) * ({OF_D})"), "the loss of D is 3."),
    (
        "7.1",
        _losses("bce(d_real.sigmoid(), one) + bce(d_fake.sigmoid(), zero)"),
        "applies the sigmoid twice",
    ),
    ("7.1", _losses(of_g="bce(d_fake, zero)"), "loss of G has label 0"),
    ("7.1", _losses(of_g="-bce(d_fake, zero)"), "is the saturating one"),
    ("7.1", _losses(of_g="bce(d_real, one)"), "looks at the real numbers"),
    ("7.1", _losses(of_g="3 * bce(d_fake, one)"), "0.7715 is right"),
    ("7.1", _losses(of_g="bce(d_fake, one) + 1"), "the loss of G is 1.77"),
    ("7.1", _losses(of_g="bce(d_fake, one, reduction='none')"), "each loss is one number"),
    ("7.1", _losses().replace(f", {OF_G}", ""), "return a pair"),
    (
        "7.1",
        "def my_losses(d_real, d_fake):\n"
        "    of_d = -d_real.sigmoid().log().mean() - (1 - d_fake.sigmoid()).log().mean()\n"
        "    return of_d, -d_fake.sigmoid().log().mean()",
        "take no logarithm of D itself",
    ),
    ("7.2", _best("q / (p + q)"), "p belongs on top"),
    ("7.2", _best("p / q"), "p / q is a ratio"),
    ("7.2", _best("p / (p + q)"), "you divide 0 by 0"),
    ("7.2", _best("p / (p + q).clamp(min=1e-9)"), "where both are 0 you give 0.00"),
    ("7.2", _best("torch.full_like(p, 0.5)"), "should give 0.750 (yours: 0.500)"),
    ("7.2", _best("(p / (p + q)).mean()"), "the shape is ()"),
    (
        "7.3",
        _round(d_loss="loss = bce(D(real), 0.0) + bce(D(fake.detach()), 1.0)"),
        "the labels are swapped",
    ),
    ("7.3", _round(g_loss="loss = bce(D(fake), 0.0)"), "G is trained on label 0"),
    ("7.3", _round(d_step="pass"), "D has not moved"),
    ("7.3", _round(g_step="pass"), "G has not moved"),
    ("7.3", _round(g_step="d_optimizer.step()"), "D is not where its own step leads"),
    ("7.3", _round(g_loss="loss = bce(D(fake.detach()), 1.0)"), "your code stopped with"),
    ("7.3", _round(d_loss=THROUGH), "backward through the graph a second time"),
    ("7.3", _round(d_loss=THROUGH, d_back=AGAIN), "D's step still sends its gradient through G"),
    ("7.3", _round(d_loss=THROUGH, d_back=AGAIN, g_clear="pass"), "G follows a wrong gradient"),
    ("7.3", _round(g_clear="pass"), "G follows a wrong gradient"),
    ("7.3", _round(freeze="pass"), "D is not frozen"),
    ("7.3", _round(thaw="pass"), "D stays frozen"),
    ("7.4", 'patient_a = "saturating"', "is the gradient in G lost early"),
    ("7.4", 'patient_a = "not cleared"', "rest before it has arrived"),
    ("7.4", 'patient_a = "collapse"', "are there two humps"),
    ("7.4", 'patient_a = "frozen"', "answer with one of"),
    ("7.5", 'patient_b = "not frozen"', "below log 2 for good"),
    ("7.5", 'patient_b = "collapse"', "are there two humps"),
    ("7.6", 'patient_c = "not frozen"', "below log 2 for good"),
    ("7.6", 'patient_c = "saturating"', "is the gradient in G lost early"),
    ("7.7", 'patient_d = "not cleared"', "rest before it has arrived"),
    ("7.7", 'patient_d = "not frozen"', "below log 2 for good"),
    ("7.8", "answer = 0.5", "1/2 needs p = q"),
    ("7.8", "answer = 2 / 3", "the probability for fake"),
    ("7.8", "answer = 0", "put p = 1 and q = 2"),
    ("7.8", 'answer = "1/3"', "answer with a number"),
]
