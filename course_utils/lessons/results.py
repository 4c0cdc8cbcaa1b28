"""What one lesson leaves for a later one: trained nets and generated images."""

from dataclasses import dataclass
from pathlib import Path

import torch

from course_utils import data, paths
from course_utils.data.atomic import atomically


@dataclass(frozen=True)
class Samples:
    """Generated images, and what it cost to make the net that drew them."""

    images: torch.Tensor  # (n, 1, 28, 28) in [-1, 1]
    seconds: float  # of training, on the machine where the lesson ran
    num_parameters: int


def folder() -> Path:
    """Return the folder of results; on stand-in data a subfolder, so that the two never mix."""
    path = paths.results_folder() / ("standin" if data.standin_in_use() else "")
    path.mkdir(exist_ok=True)
    return path


def save_samples(name: str, samples: Samples) -> Path:
    """Store generated images under a name, one byte a pixel; return the file.

    Raises:
        ValueError: the images are not ``(n, 784)`` or ``(n, 1, 28, 28)``, or leave [-1, 1].
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
    with atomically(path) as part:
        torch.save(content, part)
    return path


def load_samples(name: str) -> Samples | None:
    """Return the images stored under a name, or ``None`` if their lesson has not run yet."""
    path = folder() / f"{name}.pt"
    if not path.exists():
        return None
    content = torch.load(path, weights_only=True)
    images = content["images"].float().div_(127.5).sub_(1)
    return Samples(images, content["seconds"], content["num_parameters"])
