"""What lessons 7 and 8 both ask for: the losses of two players, and a round of their game."""

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from course_utils.lessons.checks.feedback import (
    Function,
    agree,
    ask,
    finite,
    number,
    refuse,
    require,
    same,
    trains_like,
)

Step: TypeAlias = Callable[["Players"], Any]
Toward: TypeAlias = Callable[[Tensor, int], Tensor]  # outputs of D and a label -> the mean loss

REAL, FAKE = torch.tensor([[2.0], [-1.0], [0.5]]), torch.tensor([[-0.7], [1.2], [3.0]])
EXCHANGED = "real and fake are exchanged: D wants real called real (1), and fake called fake (0)"
NO_PROBABILITY = "the logarithm of an output below 0? What D gives is no probability"


def entropy(logits: Tensor, label: int) -> Tensor:
    """Return the binary cross-entropy, for logits of any size."""
    return softplus((1 - 2 * label) * logits).mean()


def judge_losses(d_loss: Function, g_loss: Function, toward: Toward) -> None:
    """Judge ``(d_real, d_fake) -> loss of D`` and ``d_fake -> loss of G`` on batches of three.

    Args:
        d_loss: the student's loss of D.
        g_loss: the student's loss of G.
        toward: the loss that pulls outputs towards a label, as the lesson has it.
    """

    def right_d(real: Tensor, fake: Tensor) -> Tensor:
        return toward(real, 1) + toward(fake, 0)

    right = right_d(REAL, FAKE)
    mistakes = {
        EXCHANGED: toward(REAL, 0) + toward(FAKE, 1),
        "the loss leaves out the fakes": toward(REAL, 1),
        "the loss leaves out the real ones": toward(FAKE, 0),
        **_usual(right, right_d(REAL.sigmoid(), FAKE.sigmoid())),
    }
    _compare("D", ask(d_loss, REAL, FAKE, keep=("d_real", "d_fake")), right, mistakes)
    trains_like(right_d, d_loss, d_real=REAL, d_fake=FAKE)

    right = toward(FAKE, 1)
    mistakes = {
        "the label is 0, so G learns to be recognised: it wants its fakes real": toward(FAKE, 0),
        "this is the saturating loss: label fakes as real instead": -toward(FAKE, 0),
        "the loss looks at the real numbers, which G cannot reach": toward(REAL, 1),
        **_usual(right, toward(FAKE.sigmoid(), 1)),
    }
    _compare("G", ask(g_loss, FAKE, keep=("d_fake",)), right, mistakes)
    trains_like(lambda fake: toward(fake, 1), g_loss, d_fake=FAKE)


def _usual(right: Tensor, squeezed: Tensor) -> dict[str, Tensor]:
    return {
        "a sigmoid too many: use what D says as it is": squeezed,
        "this is the sum over the batch: take the mean": 3 * right,
        "half of the right loss: is it divided by two once too often?": right / 2,
        "twice the right loss: is a factor 1/2 missing?": 2 * right,
        "the sign is wrong": -right,
    }


def _compare(player: str, given: object, right: Tensor, mistakes: dict[str, Tensor]) -> None:
    finite(given, f"{player}: the loss", NO_PROBABILITY)
    value = number(given, f"{player}: the loss must be one number (take the mean)")
    refuse(value, {f"{player}: {told}": wrong for told, wrong in mistakes.items()})
    agree(value, right, f"{player}: the loss of a small batch")


class Players:
    """Two players of two numbers each, with plain gradient descent, and a batch for a round."""

    def __init__(self) -> None:
        self.G, self.D = (nn.utils.skip_init(nn.Linear, 1, 1) for _ in "GD")  # draws no numbers
        self.real = torch.tensor([[2.0], [2.5], [1.0]])
        self.z = torch.tensor([[-1.0], [0.2], [0.5]])
        self.d_optimizer = torch.optim.SGD(self.D.parameters(), lr=0.3)
        self.g_optimizer = torch.optim.SGD(self.G.parameters(), lr=0.3)
        self.noises: list[Tensor] = []  # what G was given
        self.through_g: list[Tensor] = []  # the gradients that came to G
        self.losses = 0.0, 0.0  # of D and of G, once ``play`` was called
        self.start()
        self.G.register_forward_pre_hook(lambda net, given: self.noises.extend(given))
        self.G.bias.register_hook(self.through_g.append)

    def start(self) -> None:
        """Put the parameters where a round begins; gradients stay as they are."""
        vector_to_parameters(torch.tensor([0.5, -1.0]), self.G.parameters())
        vector_to_parameters(torch.tensor([0.4, 0.1]), self.D.parameters())

    def d_loss(self, swapped: bool = False) -> Tensor:
        """Return the loss of D as it stands, on this batch."""
        on_real, on_fake = self.D(self.real), self.D(self.G(self.z).detach())
        return entropy(on_real, int(not swapped)) + entropy(on_fake, int(swapped))

    def play(
        self, swapped: bool = False, wanted: int = 1, sign: int = 1, g_first: bool = False
    ) -> "Players":
        """Play a clean round, or one with a fault, and return the players.

        Args:
            swapped: whether the labels of D are exchanged.
            wanted: the label that G asks for.
            sign: -1 with ``wanted=0`` is the saturating loss.
            g_first: whether G's step looks at D as it was before D's own.
        """
        d_loss, g_loss = self.d_loss(swapped), sign * entropy(self.D(self.G(self.z)), wanted)
        d_loss.backward()
        if not g_first:
            self.d_optimizer.step()
            g_loss = sign * entropy(self.D(self.G(self.z)), wanted)
        slopes = torch.autograd.grad(g_loss, list(self.G.parameters()))
        for parameter, slope in zip(self.G.parameters(), slopes, strict=True):
            parameter.grad = slope
        if g_first:
            self.d_optimizer.step()
        self.g_optimizer.step()
        self.losses = float(d_loss), float(g_loss)
        return self


def _as(mine: Players, other: Players, name: str) -> bool:
    rows = [parameters_to_vector(getattr(one, name).parameters()) for one in (mine, other)]
    return same(rows[0], rows[1], 1e-4, 1e-5)


def judge_first(step: Step) -> tuple[Players, Any]:
    """Judge where a first round, without any old gradients, moves the players.

    Returns:
        The players after the round, and what the step has returned.
    """
    mine = Players()
    given = ask(step, mine, optional=True)
    _judge_steps(mine)
    for name in "DG":
        frozen = [p for p in getattr(mine, name).parameters() if not p.requires_grad]
        require(not frozen, f"{name} is left frozen: switch requires_grad on again at the end")
    return mine, given


def judge_second(step: Step, mine: Players) -> None:
    """Judge a second round from the same place, with the gradients that the first has left.

    So it is right to clear gradients before they are needed, and right to do so afterwards.
    """
    mine.start()
    ask(step, mine, optional=True)
    right = Players().play()
    for name in "DG":
        told = f"the first round is right; in the second, old gradients are left over in {name}"
        require(_as(mine, right, name), f"{told}: {name.lower()}_optimizer.zero_grad()")


def _judge_steps(mine: Players) -> None:
    right, before, swapped = Players().play(), Players(), Players().play(swapped=True)
    for name in "DG":
        finite(parameters_to_vector(getattr(mine, name).parameters()), f"after the round {name}")
    require(not _as(mine, before, "D"), "D has not moved: does its optimiser make a step?")
    require(not _as(mine, swapped, "D"), f"D: {EXCHANGED}")
    noise = all(same(given, mine.z) for given in mine.noises)
    require(noise, "G was given other noise than the one that your function receives")
    early = _as(mine, Players().play(g_first=True), "G")
    require(not early, "G's step uses D as it was before D's own step: D goes first")
    require(_as(mine, right, "D"), "D is not where its own step leads: which labels, which steps?")
    require(not _as(mine, before, "G"), "G does not move: does a gradient reach it, and who steps?")
    helps = _as(mine, Players().play(wanted=0), "G")
    require(not helps, "G is trained on label 0, which helps D: it wants its fakes called real")
    weak = _as(mine, Players().play(wanted=0, sign=-1), "G")
    require(not weak, "G has the saturating loss: the other one asks for label 1 on the fakes")
    right_g = _as(mine, right, "G")
    twice = len(mine.through_g) > 1
    why = "D's step sends its gradient through G too: detach the fakes" if twice else "which loss?"
    require(right_g, f"D is right, but G moves down another slope than that of its loss: {why}")
