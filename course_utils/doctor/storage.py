"""What lies on the disk: the data sets, the folder of results, and the room for them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from course_utils import paths
from course_utils.doctor.finding import Finding, from_error, note, ok, problem

DATA_SETS = ("MNIST", "FashionMNIST")
NEEDED_GIGABYTES = 0.25
ELSEWHERE = "set {} to a folder that you may write and that has room"


def results() -> Iterator[Finding]:
    """Look at the folder where lessons save what they trained."""
    folder = paths.PROJECT / os.environ.get("COURSE_RESULTS_DIR", "results")
    trouble, free = _room(folder)
    if trouble:
        yield problem("disk", trouble, ELSEWHERE.format("COURSE_RESULTS_DIR"))
    else:
        yield ok("disk", f"{free:.1f} GB free")


def data() -> Iterator[Finding]:
    """Look at each data set, without fetching anything."""
    from course_utils.data import DataError, status

    for name in DATA_SETS:
        try:
            yield _data_set(name, status(name))
        except DataError as error:
            yield from_error(name, error)


def _data_set(name: str, state: str) -> Finding:
    folder = paths.data_folder()
    if state in ("verified", "stand-in"):
        return (ok if state == "verified" else note)(name, f"{state}, in {folder}")
    trouble, _ = _room(folder)
    if trouble:
        return problem(name, f"{state}, and {trouble}", ELSEWHERE.format("COURSE_DATA_DIR"))
    if os.environ.get("COURSE_DATA") == "real":
        cure = "run `python -m course_utils.data` with a network, or unset COURSE_DATA"
        return problem(name, f"{state}, and COURSE_DATA=real forbids the stand-in", cure)
    return note(name, f"{state}; fetched when first used, or the stand-in made without a network")


def _room(folder: Path) -> tuple[str, float]:
    """Return what is wrong with a folder to write in, and the free gigabytes of its disk."""
    base = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(base).free / 1e9
    if not os.access(base, os.W_OK):
        return f"{base} cannot be written", free
    if free < NEEDED_GIGABYTES:
        return f"its disk has {free:.2f} GB free of {NEEDED_GIGABYTES} GB needed", free
    return "", free
