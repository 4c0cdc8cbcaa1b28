"""Typical mistakes of lesson 4, each with a fragment of the message it must get."""

ERROR = "def error_per_image(recon, x):\n    return {}"

SIZE = "def conv_out_size(size, kernel, stride, padding):\n    return {}"

STEP = """
def mended_step(net, x, optimizer):
    noisy = x + {noise}
    loss = {loss}
    {first}
    {second}
    {third}
    return loss.item()
"""
OVERWRITTEN = """
def mended_step(net, x, optimizer):
    x {sign} NOISE * torch.randn_like(x)
    loss = {loss}
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
"""
NORMAL = "NOISE * torch.randn_like(x)"
ZERO, BACKWARD, UPDATE = "optimizer.zero_grad()", "loss.backward()", "optimizer.step()"


def _step(loss: str, noise: str = NORMAL, order: tuple[str, ...] = (ZERO, BACKWARD, UPDATE)) -> str:
    first, second, third = order
    return STEP.format(loss=loss, noise=noise, first=first, second=second, third=third)


GOOD_LOSS = "((net(noisy) - x) ** 2).sum() / len(x)"

MISTAKES = [
    ("4.1", ERROR.format("((recon - x) ** 2).flatten(1).mean(dim=1)"), "mean over pixels"),
    ("4.1", ERROR.format("((recon - x) ** 2).sum()"), "sum over the whole batch"),
    ("4.1", ERROR.format("reconstruction_error(recon, x)"), "not one for the batch"),
    ("4.1", ERROR.format("((recon - x) ** 2).flatten(1).sum(dim=0)"), "one number for each pixel"),
    ("4.1", ERROR.format("(recon - x).abs().flatten(1).sum(dim=1)"), "absolute differences"),
    ("4.1", ERROR.format("(recon - x).flatten(1).norm(dim=1)"), "its square is wanted"),
    ("4.1", ERROR.format("(recon - x).flatten(1).sum(dim=1)"), "differences cancel"),
    ("4.1", ERROR.format("(recon - x).flatten(1).sum(dim=1) ** 2"), "before you add them up"),
    ("4.1", ERROR.format("((recon - x) ** 2).sum(dim=1)"), "right for vectors"),
    ("4.1", ERROR.format("(recon - x) ** 2"), "give the shape (3, 784)"),
    ("4.2", "sigma = 0.125", "1/8 is the variance"),
    ("4.2", "sigma = 0.2", "too little noise"),
    ("4.2", "sigma = 1", "too much noise"),
    ("4.2", "sigma = -0.354", "a number above 0"),
    ("4.3", 'prediction = "a"', "what must it know to find a point"),
    ("4.3", 'prediction = "c"', "is the curve straight"),
    ("4.3", "prediction = (2, 1)", "answer with"),
    ("4.4", SIZE.format("(size + 2 * padding - kernel) / stride + 1"), "round down with //"),
    ("4.4", SIZE.format("(size + 2 * padding - kernel) // stride"), "add 1"),
    ("4.4", SIZE.format("(size + padding - kernel) // stride + 1"), "count it twice"),
    ("4.4", SIZE.format("size + 2 * padding - kernel + 1"), "the stride is missing"),
    ("4.4", SIZE.format("-(-(size + 2 * padding - kernel) // stride) + 1"), "does not fit"),
    ("4.4", SIZE.format("(size + 2 * padding) // stride + 1"), "take its own width off"),
    ("4.4", SIZE.format("(size - kernel) // stride + 1"), "padding is missing"),
    ("4.4", SIZE.format("(size - 1) * stride + kernel - 2 * padding"), "transposed"),
    ("4.4", SIZE.format("10"), "you return 10"),
    ("4.5", _step("((net(noisy) - noisy) ** 2).sum() / len(x)"), "keep the clean x"),
    ("4.5", _step("((net(noisy) - x) ** 2).mean()"), "the target is clean"),
    ("4.5", _step("((net(noisy) - noisy) ** 2).mean()"), "still averaged over pixels"),
    ("4.5", _step("((net(noisy) - x) ** 2).sum()"), "sum over the whole batch"),
    ("4.5", _step("((net(noisy) - noisy) ** 2).sum()"), "not divided by len(x)"),
    ("4.5", _step("((net(x) - x) ** 2).sum() / len(x)"), "no noise to remove"),
    (
        "4.5",
        _step(GOOD_LOSS, noise="NOISE**2 * torch.randn_like(x)"),
        "the noise on the input has a standard deviation of",
    ),
    ("4.5", _step(GOOD_LOSS, noise="NOISE * torch.rand_like(x)"), "not 2"),
    ("4.5", _step(GOOD_LOSS, order=(BACKWARD, UPDATE, "pass")), "the step is not"),
    ("4.5", _step(GOOD_LOSS, order=(BACKWARD, ZERO, UPDATE)), "the step is not"),
    (
        "4.5",
        OVERWRITTEN.format(sign="+=", loss="((net(x) - x) ** 2).sum() / len(x)"),
        "keep the clean x",
    ),
    (
        "4.5",
        OVERWRITTEN.format(sign="= x +", loss="((net(x) - x) ** 2).mean()"),
        "still averaged over pixels",
    ),
]
