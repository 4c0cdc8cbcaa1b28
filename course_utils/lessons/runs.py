"""A long training, run once on this machine and loaded after that where a lesson asks for it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from course_utils import paths
from course_utils.data.atomic import atomically
from course_utils.lessons import results

Run = dict[str, Any]  # numbers, texts, lists, tensors and state dicts


def run(name: str, train: Callable[[], Run], *, load: bool) -> Run:
    """Return what ``train()`` returns or, with ``load``, what it returned here the last time.

    Each training is kept in the folder of results for that. A file that is missing or cannot be
    read is no obstacle: a line says so, and the training runs.

    Args:
        name: what the file is called after, ``"gan"``.
        train: trains, and returns what is worth keeping.
        load: whether to load instead of to train.

    Raises:
        FolderError: the folder of results cannot be written.
    """
    if load:
        outcome = kept(name)
        if outcome is not None:
            print(f"{name}: not trained now, loaded from {paths.in_words(_file(name))}")  # noqa: T201
            return outcome
        print(f"{name}: nothing to load, so it is trained")  # noqa: T201
    outcome = train()
    path = _file(name, create=True)
    with atomically(path) as part:
        torch.save(outcome, part)
    return outcome


def kept(name: str) -> Run | None:
    """Return what a training left on this machine, or ``None`` if there is none.

    A file that cannot be read counts as none, and a line says so.
    """
    path = _file(name)
    if not path.exists():
        return None
    try:
        return results.read(path)
    except results.Unreadable as why:
        print(f"{name}: {why}")  # noqa: T201
        return None


def load_into(net: nn.Module, name: str) -> bool:
    """Give a net the weights under ``"net"`` of a training; say whether there were fitting ones."""
    outcome = kept(name)
    try:
        net.load_state_dict((outcome or {})["net"])
    except (KeyError, TypeError, RuntimeError, AttributeError):
        return False
    return True


def recorded(name: str) -> dict[str, Any]:
    """Return numbers that take too long for a lesson; a script in ``benchmarks/`` wrote them.

    Args:
        name: of the script, ``"gan_seeds"``.
    """
    return json.loads((Path(__file__).parent / f"{name}.json").read_text("utf-8"))


def _file(name: str, *, create: bool = False) -> Path:
    return results.folder(create=create) / f"{name}.run.pt"
