"""A long training, run once on this machine and loaded after that where a lesson asks for it."""

from collections.abc import Callable
from typing import Any

import torch

from course_utils import paths
from course_utils.data.atomic import atomically
from course_utils.lessons import results

Run = dict[str, Any]


def run(name: str, train: Callable[[], Run], *, load: bool) -> Run:
    """Return what ``train()`` returns or, with ``load``, what it returned here the last time.

    Each training is kept in the folder of results for that. A file that is missing or cannot be
    read is no obstacle: a line says so, and the training runs.

    Args:
        name: what the file is called after, ``"gan"``.
        train: trains, and returns a dictionary of numbers, texts, lists, tensors and state dicts.
        load: whether to load instead of to train.

    Raises:
        FolderError: the folder of results cannot be written.
    """
    if load and (loaded := _loaded(name)) is not None:
        return loaded
    outcome = train()
    with atomically(results.folder() / f"{name}.run.pt") as part:
        torch.save(outcome, part)
    return outcome


def _loaded(name: str) -> Run | None:
    path = results.folder(create=False) / f"{name}.run.pt"
    try:
        if not path.exists():
            print(f"{name}: nothing to load, this machine has not trained it yet")  # noqa: T201
            return None
        outcome = results.read(path)
    except results.Unreadable as why:
        print(f"{name}: {why}, so it is trained anew")  # noqa: T201
        return None
    print(f"{name}: not trained now, loaded from {paths.in_words(path)}")  # noqa: T201
    return outcome
