"""Where the data come from: the data folder, a mirror, the official mirrors, or the stand-in."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from course_utils import paths
from course_utils.data import checksums, official, standin
from course_utils.data.checksums import State
from course_utils.data.errors import DataError, Unavailable
from course_utils.data.fetch import Obtained, obtain
from course_utils.data.settings import mirror, wanted


@dataclass(frozen=True)
class Source:
    """A data set in order: ``folder`` holds its four files, unpacked."""

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
    collection = official.collection(name)
    choice = wanted()
    if choice == "standin":
        return _stand_in(name, "because COURSE_DATA=standin asks for it")
    folder = paths.raw_folder(paths.data_folder(), name)
    try:
        got = obtain(collection, folder, bases(name))
    except Unavailable as why:
        if choice == "real":
            raise DataError(
                f"{name}: COURSE_DATA=real forbids the offline stand-in, and no source has the "
                f"official data ({why})",
                "connect to a network, or set COURSE_DATA_MIRROR",
            ) from None
        return _stand_in(name, f"because no source has the official data ({why})")
    return Source(name, folder, standin=False, origin=_origin(got))


def bases(name: str) -> tuple[str, ...]:
    """Return the URLs to ask for a data set: the class's mirror, then the official ones.

    Raises:
        DataError: the mirror's address is none.
    """
    base = mirror()
    ours = (f"{base}/{official.MIRROR_FOLDERS[name]}",) if base else ()
    return ours + official.collection(name).bases


def _origin(got: Obtained) -> str:
    if not got.base:
        # Without this machine's path where that says nothing: the line is stored in the notebooks.
        folder = paths.data_folder()
        slash = "/" if folder.is_relative_to(paths.base()) else ""
        return f"from {paths.in_words(folder)}{slash}"
    place = unquote(got.base) if got.base.startswith("file:") else got.base
    return f"from {place}" + (f" (but not from {'; '.join(got.failed)})" if got.failed else "")


def status(name: str) -> State:
    """Say what lies in the data folder, without network and without writing.

    Returns:
        ``VERIFIED``, ``DAMAGED`` or ``MISSING`` for the official data; ``STANDIN`` if they are
        missing, or not wanted (``COURSE_DATA``), and the stand-in is there.
    """
    choice = wanted()
    found = State.MISSING
    if choice != "standin":
        folder = paths.raw_folder(paths.data_folder(), name)
        found = checksums.state(official.collection(name), folder)
    if found == State.MISSING and choice != "real" and standin.ready(name, paths.data_folder()):
        return State.STANDIN
    return found


def _stand_in(name: str, why: str) -> Source:
    return Source(name, standin.make(name, paths.data_folder()), standin=True, origin=why)
