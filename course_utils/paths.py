"""Where things lie: the project, the data, the results, the student's copies."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def data_folder() -> Path:
    """Return the folder of the data sets: ``COURSE_DATA_DIR``, or ``data/`` in the project.

    The folder need not exist, and need not be writable if the data sets already lie there.
    """
    return _chosen("COURSE_DATA_DIR", "data")


def raw_folder(root: Path, name: str) -> Path:
    """Return the folder below ``root`` where torchvision looks for the files of a data set."""
    return root / name / "raw"


def results_folder(*, create: bool = True) -> Path:
    """Return the folder where lessons save what they trained.

    It is ``COURSE_RESULTS_DIR``, or ``results/`` in the project.

    Args:
        create: make the folder if it is not there.
    """
    folder = _chosen("COURSE_RESULTS_DIR", "results")
    if create:
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def work_folder() -> Path:
    """Return the folder of the student's own copies: ``COURSE_WORK_DIR``, or ``work/`` here.

    It need not exist.
    """
    return _chosen("COURSE_WORK_DIR", "work")


def _chosen(variable: str, default: str) -> Path:
    # A relative path counts from the project: make, pytest and a notebook's kernel each start in
    # another folder, and all of them must mean the same place.
    return PROJECT / Path(os.environ.get(variable) or default).expanduser()
