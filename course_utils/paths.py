"""Where things lie: the project, the data, the results, the student's copies."""

import os
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
INSTALLED = not (PROJECT / "pyproject.toml").is_file()  # without the project around it


class FolderError(RuntimeError):
    """A folder cannot be written; the message is one sentence with the way out."""


def base() -> Path:
    """Return the folder that data, results and copies lie in, unless a variable names another.

    It is the project. Where the package was installed without it, as on a notebook server, it is
    the working folder, which such a server shows and keeps, and never site-packages.
    """
    return Path.cwd() if INSTALLED else PROJECT


def data_folder() -> Path:
    """Return the folder of the data sets: ``COURSE_DATA_DIR``, or ``data/`` in ``base()``.

    The folder need not exist, and need not be writable if the data sets already lie there.
    """
    return _chosen("COURSE_DATA_DIR", "data")


def raw_folder(root: Path, name: str) -> Path:
    """Return the folder below ``root`` where torchvision looks for the files of a data set."""
    return root / name / "raw"


def results_folder(*, create: bool = True) -> Path:
    """Return the folder where lessons save what they trained.

    It is ``COURSE_RESULTS_DIR``, or ``results/`` in ``base()``.

    Args:
        create: make the folder if it is not there, and see that it can be written.

    Raises:
        FolderError: it cannot; better now than after a training.
    """
    folder = _chosen("COURSE_RESULTS_DIR", "results")
    if create:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise FolderError(
                f"results cannot be saved in {in_words(folder)} ({error.strerror or error}); set "
                "COURSE_RESULTS_DIR to a folder that you may write."
            ) from None
    return folder


def in_words(place: Path) -> str:
    """Return a place below ``base()`` without this machine's path, any other as it is."""
    if place.is_relative_to(base()):
        return place.relative_to(base()).as_posix()
    return str(place)


def work_folder() -> Path:
    """Return the folder of the student's own copies: ``COURSE_WORK_DIR``, or ``work/``.

    It need not exist.
    """
    return _chosen("COURSE_WORK_DIR", "work")


def _chosen(variable: str, default: str) -> Path:
    # A relative path counts from the project: make, pytest and a notebook's kernel each start in
    # another folder, and all of them must mean the same place.
    return base() / Path(os.environ.get(variable) or default).expanduser()
