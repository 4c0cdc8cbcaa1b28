"""The checks of lesson 7: the adversarial game in one dimension."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from course_utils.checks.feedback import attempted, exercise, require

DEALT = {"A": "not frozen", "B": "saturating", "C": "not cleared", "D": "collapse"}
SEEN = {
    "collapse": "are there two humps in the data, and one of them left out?",
    "not cleared": "does the generator come near the data and rest before it has arrived?",
    "not frozen": "is the loss of G below log 2 for good, and that of D above 2 log 2?",
    "saturating": "is the gradient in G lost early, and did the generator stay where it began?",
}
REAL, FAKE = torch.tensor([[2.0], [-0.5], [1.0]]), torch.tensor([[-1.0], [0.7], [0.2]])  # logits
HUGE = torch.full((2, 1), -200.0)


def _bce(logits: Tensor, label: float) -> Tensor:
    return nn.functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


ON_REAL, ON_FAKE = _bce(REAL, 1.0), _bce(FAKE, 0.0)
MISTAKEN_D = {
    "has swapped labels: real is 1, fake is 0": _bce(REAL, 0.0) + _bce(FAKE, 1.0),
    "is halved: it is the sum of two means": (ON_REAL + ON_FAKE) / 2,
    "has the wrong sign: V is to become large, -V small": -ON_REAL - ON_FAKE,
    "applies the sigmoid twice": _bce(REAL.sigmoid(), 1.0) + _bce(FAKE.sigmoid(), 0.0),
}
MISTAKEN_G = {
    "has label 0: G wants its products to be called real": ON_FAKE,
    "is the saturating one: take -log D": -ON_FAKE,
    "looks at the real numbers, which G cannot reach": ON_REAL,
}


def _judge(name: str, given: Tensor, right: Tensor, mistakes: dict[str, Tensor]) -> None:
    for message, value in mistakes.items():
        require(not torch.allclose(given, value, atol=1e-4), f"the loss of {name} {message}")
    found = f"the loss of {name} is {given:.4f} on a small batch; {right:.4f} is right"
    require(torch.allclose(given, right, atol=1e-4), found)


@exercise("7.1")
def my_losses(losses: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> str:
    """Check both losses on three logits of each kind, and on very large ones."""
    pair = attempted(losses(REAL.clone(), FAKE.clone()))
    require(isinstance(pair, tuple | list) and len(pair) == 2, "return a pair: (of D, of G)")
    of_d, of_g = (torch.as_tensor(loss, dtype=torch.float32).detach() for loss in pair)
    require(of_d.ndim == of_g.ndim == 0, "each loss is one number: the mean over the batch")
    _judge("D", of_d, ON_REAL + ON_FAKE, MISTAKEN_D)
    _judge("G", of_g, _bce(FAKE, 1.0), MISTAKEN_G)
    finite = all(abs(float(loss) - 200) < 0.1 for loss in losses(HUGE, HUGE))
    require(finite, "right for small logits, but -200 breaks it: take no logarithm of D itself")
    return "right: fake is 0 for D, and 1 for G"


@exercise("7.2")
def optimal_d(best: Callable[[Tensor, Tensor], Tensor]) -> str:
    """Check the optimal discriminator at five points, one of them without any data."""
    p, q = torch.tensor([0.3, 0.0, 0.6, 0.2, 0.0]), torch.tensor([0.1, 0.5, 0.6, 0.0, 0.0])
    given = torch.as_tensor(attempted(best(p.clone(), q.clone()))).float()
    require(given.shape == p.shape, f"the shape is {tuple(given.shape)}; p has (5,)")
    require(
        abs((first := float(given[0])) - 0.25) > 1e-4,
        "that is the probability for fake: p belongs on top",
    )
    require(abs(first - 3) > 1e-4, "p / q is a ratio and can exceed 1: divide by the sum")
    close = torch.allclose(given[:4], torch.tensor([0.75, 0.0, 0.5, 1.0]), atol=1e-4)
    require(close, f"p = 0.3, q = 0.1 should give 0.750 (yours: {first:.3f}), and p = 0 gives 0")
    require(not bool(given[4].isnan()), "where both are 0 you divide 0 by 0, and get nan")
    require(abs(float(given[4]) - 0.5) < 1e-4, f"where both are 0 you give {given[4]:.2f}, not 1/2")
    return "right: the share of the real numbers"


class _Players:
    # A pair of players with plain gradient descent, a batch, and what a clean round does to them.
    def __init__(self) -> None:
        self.G, self.D = (nn.utils.skip_init(nn.Linear, 1, 1) for _ in "GD")  # draws no numbers
        nn.utils.vector_to_parameters(torch.tensor([0.5, -1.0]), self.G.parameters())
        nn.utils.vector_to_parameters(torch.tensor([0.4, 0.1]), self.D.parameters())
        self.batch = torch.tensor([[2.0], [2.5], [1.0]]), torch.tensor([[-1.0], [0.2], [0.5]])
        self.optimizers = [torch.optim.SGD(net.parameters(), lr=0.3) for net in (self.D, self.G)]

    def play(self, real: float = 1.0, fake: float = 0.0, wanted: float = 1.0) -> "_Players":
        made = self.G(self.batch[1])
        (_bce(self.D(self.batch[0]), real) + _bce(self.D(made.detach()), fake)).backward()
        self.optimizers[0].step()
        _bce(self.D.requires_grad_(False)(made), wanted).backward()
        self.optimizers[1].step()
        return self


def _same(*nets: nn.Module) -> bool:
    rows = [nn.utils.parameters_to_vector(net.parameters()) for net in nets]
    return torch.allclose(*rows, atol=1e-5)


@exercise("7.3")
def mended_round(step: Callable[..., object]) -> str:
    """Check a round by the parameters after it, and by who received a gradient."""
    mine, calls = _Players(), []
    mine.G.bias.grad = torch.tensor([5.0])  # as if an earlier round had left something behind
    mine.G.bias.register_hook(calls.append)
    given = step(mine.G, mine.D, *mine.batch, *mine.optimizers)
    _judge_steps(mine, given)
    require(len(calls) < 2, "D's step still sends its gradient through G: detach the fakes")
    require(mine.D.bias.requires_grad, "D stays frozen: switch requires_grad on again at the end")
    left, own = mine.D.bias.grad, _Players().play().D.bias.grad
    clean = left is None or not left.any() or torch.allclose(left, own, atol=1e-5)
    require(clean, "D is not frozen: the step of G leaves a gradient in it")
    return "right: two steps, and each moves one player only"


def _judge_steps(mine: _Players, given: object) -> None:
    right, before, swapped = _Players().play(), _Players(), _Players().play(0.0, 1.0)
    if _same(mine.D, before.D) and _same(mine.G, before.G):
        attempted(given)
    require(not _same(mine.D, before.D), "D has not moved: its optimiser makes no step")
    require(not _same(mine.D, swapped.D), "in D's step the labels are swapped: real is 1, not 0")
    require(_same(mine.D, right.D), "D is not where its own step leads: which labels, which steps?")
    require(not _same(mine.G, before.G), "G has not moved: does a gradient reach it?")
    helps = _same(mine.G, _Players().play(wanted=0.0).G)
    require(not helps, "G is trained on label 0, which helps D: it wants label 1")
    require(_same(mine.G, right.G), "G follows a wrong gradient: what is left in it from before?")


def _diagnose(right: str, answer: str) -> str:
    given = " ".join(str(answer).lower().split())
    require(given in SEEN, "answer with one of " + ", ".join(f'"{bug}"' for bug in SEEN))
    require(given == right, f'"{given}" would look otherwise: {SEEN.get(given)}')
    return f'right: "{right}"'


patient_a, patient_b, patient_c, patient_d = (
    exercise(f"7.{4 + i}")(partial(_diagnose, bug)) for i, bug in enumerate(DEALT.values())
)


@exercise("7.8")
def in_the_crowd(answer: float) -> str:
    """Check what the best D says where all of q and half of p is."""
    require(isinstance(answer, int | float), "answer with a number between 0 and 1")
    require(abs(answer - 0.5) > 0.02, "1/2 needs p = q, but there q is larger than p")
    require(abs(answer - 2 / 3) > 0.02, "that is the probability for fake")
    require(abs(answer - 1 / 3) < 0.02, "put p = 1 and q = 2 into p / (p + q)")
    return "right: one real number among three"
