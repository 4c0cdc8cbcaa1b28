"""Whether a folder holds a data set whole, to the byte: archives and the files inside."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from course_utils.data.errors import DataError
from course_utils.data.held import patiently


class State(StrEnum):
    """What is found of a file, or of a data set."""

    VERIFIED = "verified"
    DAMAGED = "damaged"
    MISSING = "missing"
    STANDIN = "stand-in"  # of a data set: the official one is missing or not wanted


@dataclass(frozen=True)
class Archive:
    """One ``.gz`` file, and what it and the file inside must be (sizes in bytes)."""

    name: str
    size: int
    md5: str
    unpacked_size: int
    unpacked_sha256: str

    def packed_in(self, folder: Path) -> Path:
        """Return where the archive lies in ``folder``."""
        return folder / self.name

    def unpacked_in(self, folder: Path) -> Path:
        """Return where the unpacked file lies in ``folder``."""
        return folder / self.name.removesuffix(".gz")

    def packed_state(self, folder: Path) -> State:
        """Hold the archive in ``folder`` against its size and checksum."""
        return _file_state(self.packed_in(folder), self.size, "md5", self.md5)

    def unpacked_state(self, folder: Path) -> State:
        """Hold the unpacked file in ``folder`` against its size and checksum."""
        path = self.unpacked_in(folder)
        return _file_state(path, self.unpacked_size, "sha256", self.unpacked_sha256)

    def state(self, folder: Path) -> State:
        """Say whether lessons can read the file inside: the archive counts where that is missing.

        ``MISSING`` includes an archive that is right and waits to be unpacked.
        """
        found = self.unpacked_state(folder)
        if found == State.MISSING and self.packed_state(folder) == State.DAMAGED:
            return State.DAMAGED
        return found


@dataclass(frozen=True)
class Collection:
    """A data set: the archives it consists of, and the base URLs they are published under."""

    name: str
    archives: tuple[Archive, ...]
    bases: tuple[str, ...]


def state(collection: Collection, folder: Path) -> State:
    """Say what ``folder`` holds of a data set, reading alone.

    ``DAMAGED`` as soon as one file that is needed is there and wrong; otherwise ``MISSING`` as soon
    as one is not there; ``VERIFIED`` when lessons can read all of them. They read unpacked files.

    Raises:
        DataError: a file cannot be read.
    """
    found = {archive.state(folder) for archive in collection.archives}
    return next((one for one in (State.DAMAGED, State.MISSING) if one in found), State.VERIFIED)


def _file_state(path: Path, size: int, algorithm: str, checksum: str) -> State:
    if not path.is_file():
        return State.MISSING
    if path.stat().st_size != size:
        return State.DAMAGED
    try:
        right = file_checksum(path, algorithm) == checksum
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror or error})",
            "close the program that holds it, or set COURSE_DATA_DIR to another folder",
        ) from None
    return State.VERIFIED if right else State.DAMAGED


def file_checksum(path: Path, algorithm: str = "sha256") -> str:
    """Return a file's checksum in hexadecimal digits."""
    with patiently(lambda: path.open("rb")) as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
