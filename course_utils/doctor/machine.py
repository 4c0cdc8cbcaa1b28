"""What computes: device, threads, memory."""

import os
from collections.abc import Iterator

from course_utils.doctor.finding import Finding, from_error, note, ok, problem

LESSON_GIGABYTES = 1.5


def device() -> Iterator[Finding]:
    """Look at the device that lessons will use."""
    from course_utils.device import pick_device

    try:
        yield ok("device", str(pick_device()))
    except ValueError as error:
        yield from_error("device", error)


def threads() -> Iterator[Finding]:
    """Look at the threads that PyTorch uses on the CPU."""
    import torch

    used, cores = torch.get_num_threads(), os.cpu_count() or 1
    if used == 1 < cores:
        hint = "lessons will be slow, is OMP_NUM_THREADS set to 1?"
        yield note("threads", f"{used} on {cores} cores; {hint}")
    else:
        yield ok("threads", f"{used} on {cores} cores")


def memory() -> Iterator[Finding]:
    """Look at the free memory."""
    import psutil

    free = f"{psutil.virtual_memory().available / 1e9:.1f} GB free"
    if psutil.virtual_memory().available < LESSON_GIGABYTES * 1e9:
        cure = "close other programs, and shut down notebooks that you do not need"
        yield problem("memory", f"{free}, a lesson takes up to {LESSON_GIGABYTES} GB", cure)
    else:
        yield ok("memory", free)
