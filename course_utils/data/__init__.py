"""MNIST and Fashion-MNIST: find, fetch, verify, load; fast batches.

``python -m course_utils.data`` puts both in order and says where they came from.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from course_utils.data import order
from course_utils.data.errors import DataError
from course_utils.data.fast_batches import batches, tensors
from course_utils.data.official import NAMES
from course_utils.data.order import Source, status
from course_utils.data.settings import wanted
from course_utils.paths import data_folder

if TYPE_CHECKING:
    from torchvision import datasets

__all__ = [
    "NAMES",
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

    Tried in this order: the data folder (``COURSE_DATA_DIR``), the mirror (``COURSE_DATA_MIRROR``,
    or ``COURSE_MIRROR``), the official mirrors, the offline stand-in. ``COURSE_DATA=real`` leaves
    the stand-in out, ``COURSE_DATA=standin`` takes nothing else.

    Args:
        name: ``"MNIST"`` or ``"FashionMNIST"``.

    Raises:
        DataError: the data cannot be had; the message says why, and what to do.
    """
    key = _key(name)
    if key not in _prepared:
        _prepared[key] = order.find(name)
    print(_prepared[key])  # noqa: T201
    return _prepared[key]


def load(name: str, train: bool, transform: Callable[..., Any] | None = None) -> "datasets.MNIST":
    """Return torchvision's data set of that name: 60,000 training or 10,000 test images.

    Prints nothing if ``prepare`` was called before, and calls it otherwise.

    Args:
        name: ``"MNIST"`` or ``"FashionMNIST"``.
        train: the training images or the test images.
        transform: applied to each PIL image when it is taken out.

    Raises:
        DataError: the data cannot be had.
    """
    from torchvision import datasets  # takes seconds; putting files in order needs none of it

    source = _prepared.get(_key(name)) or prepare(name)
    root = source.folder.parents[1]  # torchvision appends the data set's name and "raw"
    return getattr(datasets, name)(root, train=train, transform=transform)


def standin_in_use() -> bool:
    """Say whether this process has been given stand-in data."""
    return any(source.standin for source in _prepared.values())


def _key(name: str) -> tuple[str, ...]:
    return name, str(data_folder()), wanted()
