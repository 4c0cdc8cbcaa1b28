"""What one lesson leaves for a later one: trained nets and generated images."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from course_utils import data, paths
from course_utils.data.atomic import atomically
from course_utils.data.held import patiently

# The lesson that saves each sheet of samples, to be named where its file cannot be read.
LESSONS = {
    "autoencoder": 4,
    "autoencoder_fitted": 4,
    "vae": 6,
    "vae_fitted": 6,
    "cvae": 6,
    "gan": 8,
    "lsgan": 8,
    "dcgan": 9,
}


class Unreadable(Exception):  # noqa: N818 - says what is the case
    """A file is damaged, or another than the one meant; the message says which."""


@dataclass(frozen=True)
class Samples:
    """Generated images, and what it cost to make the net that drew them."""

    images: torch.Tensor  # (n, 1, 28, 28) in [-1, 1]
    seconds: float  # of training, on the machine where the lesson ran
    num_parameters: int


def folder(*, create: bool = True) -> Path:
    """Return the folder of results; on stand-in data a subfolder, so that the two never mix.

    Args:
        create: make the folder if it is not there, and see that it can be written.

    Raises:
        FolderError: it cannot; the message is one sentence with the way out.
    """
    path = paths.results_folder(create=create) / ("standin" if data.standin_in_use() else "")
    if create:
        path.mkdir(exist_ok=True)
    return path


def read(path: Path) -> Any:
    """Return what ``torch.save`` wrote: data, on the CPU, and never code that it brings along.

    Raises:
        Unreadable: the file is damaged, or holds something else than data.
    """
    try:
        return patiently(lambda: torch.load(path, weights_only=True, map_location="cpu"))
    except Exception as error:  # half a file makes PyTorch raise one of a dozen kinds
        raise Unreadable(f"{paths.in_words(path)} cannot be read") from error


def save(content: Any, path: Path) -> None:
    """Do what ``torch.save`` does, whole or not at all: what lay there stays until all is written.

    Args:
        content: tensors, numbers and what holds them, say a ``state_dict``.
        path: a file in ``folder()``.
    """
    with atomically(path) as part:
        torch.save(content, part)


def save_samples(name: str, samples: Samples) -> Path:
    """Store generated images under a name, one byte a pixel; return the file.

    Raises:
        ValueError: the images are not ``(n, 784)`` or ``(n, 1, 28, 28)``, or leave [-1, 1].
        FolderError: the folder of results cannot be written.
    """
    images = samples.images.detach().cpu()
    if images.shape[1:] not in {(784,), (1, 28, 28)}:
        raise ValueError(f"images of shape {tuple(images.shape)}: expected (n, 1, 28, 28)")
    low, high = images.aminmax()
    if not -1 <= low <= high <= 1:
        raise ValueError("pixels outside [-1, 1], or nan")
    content = {
        "images": images.add(1).mul_(127.5).round_().to(torch.uint8).reshape(-1, 1, 28, 28),
        "seconds": samples.seconds,
        "num_parameters": samples.num_parameters,
    }
    path = folder() / f"{name}.pt"
    save(content, path)
    return path


def load_samples(name: str) -> Samples | None:
    """Return the images stored under a name, or ``None`` if their lesson has not run yet.

    A file that cannot be read counts as none, and a line says so with the way out.
    """
    path = folder(create=False) / f"{name}.pt"
    if not path.exists():
        return None
    try:
        return read_samples(path)
    except Unreadable as why:
        print(f"{why}; {way_out(name)}")  # noqa: T201
        return None


def read_samples(path: Path) -> Samples:
    """Return the images in a file.

    Raises:
        Unreadable: it is damaged, or no such file.
    """
    content = read(path)
    try:
        stored = content["images"]
        if stored.dtype != torch.uint8 or stored.shape[1:] != (1, 28, 28) or not len(stored):
            raise TypeError
        images = stored.float().div_(127.5).sub_(1)
        return Samples(images, float(content["seconds"]), int(content["num_parameters"]))
    except (AttributeError, KeyError, TypeError, ValueError, IndexError):
        raise Unreadable(f"{paths.in_words(path)} holds something else than samples") from None


def way_out(name: str) -> str:
    """Say how to get samples anew: ``"run lesson 8 again"``."""
    return f"run lesson {LESSONS[name]} again" if name in LESSONS else "run its lesson again"
