"""Three seeds of each game of lesson 8.

``PYTHONPATH=tools python benchmarks/gan_seeds.py`` plays them with the lesson's own nets, losses
and loop. It prints the Fréchet distances of the averaged generators, and writes them where the
lesson's figure finds them. About ten minutes on two cores.
"""

# ruff: noqa: T201, N806 - a command line tool prints; D and G are the field's own names

import json
from pathlib import Path

import torch
from lesson_code import definitions
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from course_utils import data, lessons
from course_utils.lessons.classifier import DigitClassifier, load_judge
from course_utils.metrics import frechet_distance

GAMES, SEEDS = {"GAN": "gan", "LSGAN": "ls"}, (1, 2, 3)
ITERATIONS = [500, 1000, 1500, 2000, 3000, 4000]
CPU = torch.device("cpu")
RECORD = Path(lessons.__path__[0]) / "gan_seeds.json"


def play(game: str, seed: int, judge: DigitClassifier) -> list[float]:
    """Return the distances of one game, by 5,000 samples, at ``ITERATIONS``."""
    images, labels = data.tensors(data.load("MNIST", train=True))
    batches = data.batches(images[:50_000], labels[:50_000], batch_size=128, shuffle=True)
    real = features(judge, data.tensors(data.load("MNIST", train=False))[0])
    noise = 2 * torch.rand(5000, 96, generator=torch.Generator().manual_seed(0)) - 1

    lesson = definitions("08", device=CPU)
    lesson.SEED = seed
    D, G, *optimizers = lesson.new_game()
    averaged = AveragedModel(G, multi_avg_fn=get_ema_multi_avg_fn(0.99))
    distances: list[float] = []

    def measure(iteration: int, sheet: Tensor) -> None:
        if iteration in ITERATIONS:
            drawn = lesson.draw(averaged.module, noise)
            distances.append(round(frechet_distance(features(judge, drawn), real), 2))

    losses = [getattr(lesson, f"{GAMES[game]}_{player}_loss") for player in "dg"]
    lesson.train_gan(
        *(D, G, *losses, *optimizers, batches, ITERATIONS[-1]),
        averaged=averaged,
        sheet_every=500,
        on_sheet=measure,
    )
    return distances


@torch.inference_mode()
def features(judge: DigitClassifier, images: Tensor) -> Tensor:
    """Return the judge's features of images, ``(n, 100)``."""
    return torch.cat([judge.features(x) for x in images.split(2000)])


def main() -> None:
    """Play every game from every seed, and write down what came of it."""
    judge, record = load_judge(CPU), {"iterations": ITERATIONS}
    print(f"{'iterations':12}", *(f"{iteration:7}" for iteration in ITERATIONS))
    for game in GAMES:
        record[game] = []
        for seed in SEEDS:
            distances = play(game, seed, judge)
            record[game].append(distances)
            print(f"{game:6}seed {seed}", *(f"{far:7.2f}" for far in distances), flush=True)
    RECORD.write_text(json.dumps(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
