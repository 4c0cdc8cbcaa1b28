"""What lessons 7 and 8 both ask for: the losses of two players, and a round of their game."""

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from .feedback import Function, finite, forbid, judge_loss, require, same

Step: TypeAlias = Callable[["Players"], Any]
Toward: TypeAlias = Callable[[Tensor, int], Tensor]  # outputs of D and a label -> the mean loss

REAL, FAKE = torch.tensor([[2.0], [-1.0], [0.5]]), torch.tensor([[-0.7], [1.2], [3.0]])
EXCHANGED = "real and fake are exchanged: D wants real called real (1), and fake called fake (0)"
NO_PROBABILITY = "the logarithm of an output below 0? What D gives is no probability"
# Where a round begins: weight and bias of D and of G, which are lines; its batch, and the rate.
D, G, RATE = torch.tensor([0.4, 0.1]), torch.tensor([0.5, -1.0]), 0.3
BATCH, NOISE = torch.tensor([[2.0], [2.5], [1.0]]), torch.tensor([[-1.0], [0.2], [0.5]])


def entropy(logits: Tensor, label: int) -> Tensor:
    """Return the binary cross-entropy, for logits of any size."""
    return softplus((1 - 2 * label) * logits).mean()


def judge_losses(d_loss: Function, g_loss: Function, toward: Toward) -> None:
    """Judge ``(d_real, d_fake) -> loss of D`` and ``d_fake -> loss of G``, made of ``toward``."""

    def of_d(real: Tensor, fake: Tensor) -> Tensor:
        return toward(real, 1) + toward(fake, 0)

    def of_g(fake: Tensor) -> Tensor:
        return toward(fake, 1)

    mistakes = {
        EXCHANGED: toward(REAL, 0) + toward(FAKE, 1),
        "the loss leaves out the fakes": toward(REAL, 1),
        "the loss leaves out the real ones": toward(FAKE, 0),
    }
    _judge("D", d_loss, of_d, mistakes, d_real=REAL, d_fake=FAKE)
    mistakes = {
        "the label is 0, so G learns to be recognised: it wants its fakes real": toward(FAKE, 0),
        "this is the saturating loss: label fakes as real instead": -toward(FAKE, 0),
        "this is D's loss with the sign turned: label the fakes as real instead": (
            -toward(REAL, 1) - toward(FAKE, 0)
        ),
        "the loss looks at the real numbers, which G cannot reach": toward(REAL, 1),
    }
    _judge("G", g_loss, of_g, mistakes, d_fake=FAKE)


def _judge(
    player: str, loss: Function, right: Function, mistakes: dict[str, Tensor], **given: Tensor
) -> None:
    value = right(*given.values())
    mistakes |= {
        "a sigmoid too many: use what D says as it is": right(*map(torch.sigmoid, given.values())),
        "this is the sum over the batch: take the mean": 3 * value,
        "half of the right loss: is it divided by two once too often?": value / 2,
        "twice the right loss: is a factor 1/2 missing?": 2 * value,
        "the sign is wrong": -value,
    }
    named = {f"{player}: {told}": wrong for told, wrong in mistakes.items()}
    judge_loss(loss, right, named, f"{player}: the loss", NO_PROBABILITY, **given)


class Players:
    """Two players of two numbers each, with plain gradient descent, and what came to G."""

    def __init__(self) -> None:
        self.G, self.D = (nn.utils.skip_init(nn.Linear, 1, 1) for _ in "GD")  # draws no numbers
        self.d_optimizer = torch.optim.SGD(self.D.parameters(), lr=RATE)
        self.g_optimizer = torch.optim.SGD(self.G.parameters(), lr=RATE)
        self.noises: list[Tensor] = []
        self.gradients: list[Tensor] = []
        self.start()
        self.G.register_forward_pre_hook(lambda net, given: self.noises.extend(given))
        self.G.bias.register_hook(self.gradients.append)

    def start(self) -> None:
        """Put the parameters where a round begins; gradients stay as they are."""
        vector_to_parameters(G.clone(), self.G.parameters())
        vector_to_parameters(D.clone(), self.D.parameters())

    def batch(self) -> tuple[Tensor, Tensor]:
        """Return real numbers and noise, to be written into."""
        return BATCH.clone(), NOISE.clone()

    def where(self) -> tuple[Tensor, Tensor]:
        """Return the parameters of D and of G."""
        return parameters_to_vector(self.D.parameters()), parameters_to_vector(self.G.parameters())


def play(
    real: int = 1, fake: int = 0, wanted: int = 1, sign: int = 1, g_first: bool = False
) -> tuple[Tensor, Tensor, list[float]]:
    """Return where a round leads D and G, and their losses: a right one, or one with a fault.

    ``real`` and ``fake`` are the labels for D, and ``wanted`` is what G asks for; a ``sign`` of -1
    with 0 is the saturating loss; with ``g_first`` the step of G looks at D as it was before.
    """
    d, g = D.clone().requires_grad_(), G.clone().requires_grad_()
    fakes = g[0] * NOISE + g[1]
    d_loss = entropy(d[0] * BATCH + d[1], real) + entropy(d[0] * fakes.detach() + d[1], fake)
    moved = d - RATE * torch.autograd.grad(d_loss, d)[0]
    judge = d if g_first else moved
    g_loss = sign * entropy(judge[0] * fakes + judge[1], wanted)
    slope = torch.autograd.grad(g_loss, g)[0]
    return moved.detach(), (g - RATE * slope).detach(), [d_loss.item(), g_loss.item()]


def judge_first(step: Step) -> tuple[Players, Any]:
    """Judge where a round without old gradients leads; return the players, and its result."""
    mine = Players()
    given = step(mine)
    d, g = mine.where()
    finite(d, "after the round D")
    finite(g, "after the round G")
    right_d, right_g, _ = play()
    early, helping, weak = play(g_first=True), play(wanted=0), play(wanted=0, sign=-1)
    heard = all(same(noise, NOISE) for noise in mine.noises)
    twice = len(mine.gradients) > 1
    why = "D's step sends its gradient through G too: detach the fakes" if twice else "which loss?"
    faults = {
        "D has not moved: does its optimiser make a step?": _near(d, D),
        f"D: {EXCHANGED}": _near(d, play(real=0, fake=1)[0]),
        "G was given other noise than the one that your function receives": not heard,
        "G's step uses D as it was before D's own step: D goes first": _near(g, early[1]),
        "D is not where its own step leads: which labels, which steps?": not _near(d, right_d),
        "G does not move: does a gradient reach it, and who steps?": _near(g, G),
        "G is trained on label 0: it wants its fakes called real": _near(g, helping[1]),
        "G has the saturating loss: label the fakes as real instead": _near(g, weak[1]),
        f"D is right, but G moves down another slope: {why}": not _near(g, right_g),
    }
    forbid(faults)
    for name, net in (("D", mine.D), ("G", mine.G)):
        free = all(parameter.requires_grad for parameter in net.parameters())
        require(free, f"{name} is left frozen: switch requires_grad on again at the end")
    return mine, given


def judge_second(step: Step, mine: Players) -> None:
    """Judge a second round from the same place, with the gradients that the first has left.

    So it is right to clear gradients before they are needed, and right to do so afterwards.
    """
    mine.start()
    step(mine)
    for name, found, right in zip("DG", mine.where(), play()[:2], strict=True):
        told = f"the first round is right; in the second, old gradients are left over in {name}"
        sweep = f"{name.lower()}_optimizer.zero_grad()"
        require(_near(found, right), f"{told}: {sweep} just before {name}'s backward")


def _near(found: Tensor, wanted: Tensor) -> bool:
    return same(found, wanted, 1e-4, 1e-5)
