"""Where the data come from: the data folder, a mirror, the official mirrors, or the stand-in."""

import os
from dataclasses import dataclass
from pathlib import Path

from course_utils import archives, catalogue, standin
from course_utils.connection import Unavailable
from course_utils.folders import DataError
from course_utils.paths import PROJECT, data_folder


@dataclass(frozen=True)
class Source:
    """A data set in order: ``folder`` holds its four ``.gz`` archives and the unpacked files."""

    name: str
    folder: Path
    standin: bool
    origin: str

    def __str__(self) -> str:
        kind = "OFFLINE STAND-IN, not the official data" if self.standin else "official data"
        return f"{self.name}: {kind}, {self.origin}"


def find(name: str) -> Source:
    """Find, fetch or make a data set, in the order that ``course_utils.data.prepare`` describes.

    Raises:
        DataError: the data cannot be had; the message says why, and what to do.
    """
    collection, choice = catalogue.official(name), wanted()
    if choice == "standin":
        return _standin(name, "because COURSE_DATA=standin asks for it")
    try:
        base = archives.obtain(collection, _folder(name), (*_mirror(name), *collection.bases))
    except Unavailable as why:
        if choice == "real":
            raise DataError(
                f"{name}: COURSE_DATA=real forbids the offline stand-in, and no source has the "
                f"official data ({why}); connect to a network, or set COURSE_DATA_MIRROR."
            ) from None
        return _standin(name, f"because no source has the official data ({why})")
    return Source(name, _folder(name), False, f"from {base or _data_folder_in_words()}")


def status(name: str) -> str:
    """Say what lies in the data folder, without network and without writing.

    Returns:
        ``"verified"``, ``"damaged"`` or ``"missing"`` for the official data; ``"stand-in"`` if they
        are missing, or not wanted (``COURSE_DATA``), and the stand-in is there.
    """
    official = "missing"
    if wanted() != "standin":
        official = archives.state(catalogue.official(name), _folder(name))
    if official != "missing" or wanted() == "real":
        return official
    return "stand-in" if standin.ready(name, data_folder()) else "missing"


def wanted() -> str:
    """Return ``COURSE_DATA``: ``"real"``, ``"standin"``, or ``""`` for whatever can be had.

    Raises:
        DataError: it is something else.
    """
    choice = os.environ.get("COURSE_DATA", "")
    if choice not in ("", "real", "standin"):
        raise DataError(f'COURSE_DATA is "{choice}"; set it to real or standin, or unset it.')
    return choice


def _standin(name: str, why: str) -> Source:
    return Source(name, standin.make(name, data_folder()), True, why)


def _data_folder_in_words() -> str:
    # Without this machine's path where that says nothing: the line is stored in the notebooks.
    folder = data_folder()
    return f"{folder.relative_to(PROJECT)}/" if folder.is_relative_to(PROJECT) else str(folder)


def _folder(name: str) -> Path:
    return data_folder() / name / "raw"


def _mirror(name: str) -> tuple[str, ...]:
    base = os.environ.get("COURSE_DATA_MIRROR", "")
    if not base:
        return ()
    if not base.startswith(("http://", "https://", "file://")):
        raise DataError(
            f'COURSE_DATA_MIRROR is "{base}"; it must start with http://, https:// or file://.'
        )
    return (f"{base.rstrip('/')}/{catalogue.MIRROR_FOLDERS[name]}",)
