"""MNIST and Fashion-MNIST: find, fetch, verify, load; fast batches.

``python -m course_utils.data`` puts both in order and says where they came from.
"""

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    RandomSampler,
    SequentialSampler,
    TensorDataset,
)
from torchvision import datasets

from course_utils import catalogue, sources
from course_utils.folders import DataError
from course_utils.paths import data_folder
from course_utils.sources import Source, status

__all__ = [
    "DataError",
    "Source",
    "batches",
    "load",
    "prepare",
    "standin_in_use",
    "status",
    "tensors",
]

_prepared: dict[tuple[str, ...], Source] = {}


def prepare(name: str) -> Source:
    """Put a data set in order, print one line that says where it came from, and remember it.

    Tried in this order: the data folder (``COURSE_DATA_DIR``), the mirror (``COURSE_DATA_MIRROR``),
    the official mirrors, the offline stand-in. ``COURSE_DATA=real`` leaves the stand-in out,
    ``COURSE_DATA=standin`` takes nothing else.

    Args:
        name: ``"MNIST"`` or ``"FashionMNIST"``.

    Raises:
        DataError: the data cannot be had; the message says why, and what to do.
    """
    key = _key(name)
    if key not in _prepared:
        _prepared[key] = sources.find(name)
    print(_prepared[key])  # noqa: T201
    return _prepared[key]


def load(name: str, train: bool, transform: Callable[..., Any] | None = None) -> datasets.MNIST:
    """Return torchvision's data set of that name: 60,000 training or 10,000 test images.

    Prints nothing if ``prepare`` was called before, and calls it otherwise.

    Args:
        name: ``"MNIST"`` or ``"FashionMNIST"``.
        train: the training images or the test images.
        transform: applied to each PIL image when it is taken out.

    Raises:
        DataError: the data cannot be had.
    """
    source = _prepared.get(_key(name)) or prepare(name)
    return getattr(datasets, name)(source.folder.parents[1], train=train, transform=transform)


def tensors(dataset: datasets.MNIST) -> tuple[torch.Tensor, torch.Tensor]:
    """Return all images, float32 ``(n, 1, 28, 28)`` in [-1, 1], and all labels, int64 ``(n,)``.

    The data set's own ``transform`` is not applied.
    """
    images = dataset.data.unsqueeze(1).float().div_(255).sub_(0.5).div_(0.5)
    return images, dataset.targets.clone()


def batches(
    images: torch.Tensor,
    labels: torch.Tensor,
    batch_size: int,
    shuffle: bool = False,
    generator: torch.Generator | None = None,
) -> DataLoader:
    """Return a loader that takes whole batches out of tensors, by indexing them once per batch.

    Args:
        images: ``(n, ...)``.
        labels: ``(n,)``.
        batch_size: examples per batch; the last batch holds what is left.
        shuffle: a new order in every epoch.
        generator: where the orders come from; PyTorch's global generator if left out.
    """
    dataset = TensorDataset(images, labels)
    order = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
    sampler = BatchSampler(order, batch_size, drop_last=False)
    return DataLoader(dataset, sampler=sampler, batch_size=None, generator=generator)


def standin_in_use() -> bool:
    """Say whether this process has been given stand-in data."""
    return any(source.standin for source in _prepared.values())


def main() -> int:
    """Prepare both data sets; return the exit status: 0, or 1 if one of them cannot be had."""
    try:
        for name in catalogue.NAMES:
            prepare(name)
    except DataError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _key(name: str) -> tuple[str, ...]:
    return name, str(data_folder()), sources.wanted()


if __name__ == "__main__":
    sys.exit(main())
