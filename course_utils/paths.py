"""Where things lie: the project, the data folder, the folder of results."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def data_folder() -> Path:
    """Return the folder of the data sets: ``COURSE_DATA_DIR``, or ``data/`` in the project.

    The folder need not exist, and need not be writable if the data sets already lie there.
    """
    return _folder("COURSE_DATA_DIR", "data")


def results_folder() -> Path:
    """Return the folder where lessons save what they trained, created if it is not there.

    It is ``COURSE_RESULTS_DIR``, or ``results/`` in the project.
    """
    folder = _folder("COURSE_RESULTS_DIR", "results")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _folder(variable: str, default: str) -> Path:
    # A relative path counts from the project: make, pytest and a notebook's kernel each start in
    # another folder, and all of them must mean the same place.
    return PROJECT / Path(os.environ.get(variable) or default).expanduser()
