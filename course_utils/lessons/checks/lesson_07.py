"""The checks of lesson 7: the adversarial game in one dimension."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from . import game
from .feedback import (
    Function,
    ask,
    choice,
    exercise,
    number,
    parts,
    refuse,
    require,
    same,
    table,
    trains_like,
)
from .game import entropy

DEALT = {"A": "not frozen", "B": "healthy", "C": "not cleared"}
SEEN = {
    "collapse": "does G rest above its line, D below, and are the data of two kinds?",
    "healthy": "do both losses end on their dotted lines?",
    "not cleared": "does the loss of G rest above its line, and that of D below?",
    "not frozen": "is the loss of G below log 2 for good, and that of D above 2 log 2?",
    "saturating": "is the slope lost early, and does the loss of D go to 0?",
}
LARGE = torch.tensor([[200.0], [-200.0], [3.0]])


@exercise("7.1")
def my_losses(losses: Function) -> str:
    """Check both losses on three logits of each kind, and on very large ones."""

    def pair(real: Tensor, fake: Tensor) -> list[Any]:
        given = ask(losses, real, fake, keep=("d_real", "d_fake"))
        return parts(given, 2, "return a pair, (loss of D, loss of G)")

    def of_d(real: Tensor, fake: Tensor) -> Tensor:
        return entropy(real, 1) + entropy(fake, 0)

    game.judge_losses(
        lambda real, fake: pair(real, fake)[0], lambda fake: pair(game.REAL, fake)[1], entropy
    )
    for real, fake in ((LARGE, -LARGE), (-LARGE, LARGE)):
        wanted = of_d(real, fake), entropy(fake, 1)
        for given, right in zip(pair(real, fake), wanted, strict=True):
            found = float(table(given))
            told = f"right for small logits, but with ±200 a loss is {found:.4g}"
            near = same(found, right, 1e-3)
            require(near, f"{told}, where {right:.4g} is right: take no logarithm of D itself")
        trains_like(of_d, lambda *logits: pair(*logits)[0], d_real=real, d_fake=fake)
    return "right: fake is 0 for D, and 1 for G"


def _patient(number: str, right: str) -> Callable[..., None]:
    @exercise(number)
    def diagnosis(answer: object) -> str:
        wrong = {bug: f'"{bug}" would look otherwise: {SEEN[bug]}' for bug in SEEN if bug != right}
        return f'right: "{choice(answer, SEEN, wrong)}"'

    return diagnosis


patient_a = _patient("7.2", DEALT["A"])
patient_b = _patient("7.3", DEALT["B"])


@exercise("7.4")
def in_the_crowd(answer: object) -> str:
    """Check what the best D says where all of q and half of p is."""
    value = number(answer, "answer with a number between 0 and 1")
    mistakes = {
        "1/2 needs p = q, but there q is larger than p": 1 / 2,
        "that is the probability for fake": 2 / 3,
    }
    refuse(value, mistakes, 0, 0.02)
    right = abs(value - 1 / 3) < 0.02
    require(right, "of all numbers at -2.5, real and generated, which share is real?")
    return "right: one real number among three"


patient_c = _patient("7.5", DEALT["C"])


@exercise("7.6")
def with_adam(answer: object) -> str:
    """Check the guess whether Adam cures the patient with the small slope."""
    wrong = {"stays": "is the slope wrong, or only small? Ask which size the steps of Adam have"}
    return f"right: it {choice(answer, ('arrives', 'stays'), wrong)}, for the slope is only small"


@exercise("7.7")
def mended_round(step: Function) -> str:
    """Check a round by the parameters after it, and by who received a gradient."""

    def round_of(on: game.Players) -> object:
        return step(on.G, on.D, *on.batch(), on.d_optimizer, on.g_optimizer)

    mine, _ = game.judge_first(round_of)
    once = len(mine.gradients) < 2
    require(once, "D's step still sends its gradient through G: detach the fakes")
    own = (game.D - game.play()[0]) / game.RATE
    left = [torch.zeros(1) if p.grad is None else p.grad for p in mine.D.parameters()]
    for found, right in zip(left, own, strict=True):
        clean = not found.any() or same(found.flatten(), right[None], 1e-3, 1e-5)
        require(clean, "D is not frozen: the step of G leaves a gradient in it")
    game.judge_second(round_of, mine)
    return "right: two steps, and each moves one player only"
