"""Where to compute, and how to start from the same random numbers."""

import os
import random

import numpy as np
import torch


def pick_device() -> torch.device:
    """Return the accelerator that PyTorch sees (CUDA, MPS, XPU), or the CPU.

    ``COURSE_DEVICE`` (say ``cpu``) overrules it: with an accelerator present, that is how to get
    the numbers that the lessons show.

    Raises:
        ValueError: ``COURSE_DEVICE`` is not a device that this machine has.
    """
    wanted = os.environ.get("COURSE_DEVICE")
    if wanted:
        return _named_device(wanted)
    accelerator = None
    if torch.accelerator.is_available():
        accelerator = torch.accelerator.current_accelerator()
    return accelerator or torch.device("cpu")


def _named_device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            f"COURSE_DEVICE={name} is no device of this machine; unset it, or use COURSE_DEVICE=cpu"
        ) from error
    return device


def seed_everything(seed: int) -> None:
    """Seed Python's, NumPy's and PyTorch's global generators (PyTorch: on every device)."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the global generator is what this function is about
    torch.manual_seed(seed)
