"""The archives of a data set: whether a folder holds them whole, and how they get there."""

import gzip
import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from course_utils.connection import Unavailable
from course_utils.downloads import fetch
from course_utils.folders import claimed, fresh


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


@dataclass(frozen=True)
class Collection:
    """A data set: the archives it consists of, and the base URLs they are published under."""

    name: str
    archives: tuple[Archive, ...]
    bases: tuple[str, ...]


def state(collection: Collection, folder: Path) -> str:
    """Say what ``folder`` holds, reading alone: ``"verified"``, ``"damaged"`` or ``"missing"``.

    Every archive and every unpacked file counts, by size and checksum. Files that are whole while
    others are not there yet make ``"missing"``; one that is there and wrong makes ``"damaged"``.
    """
    paths = [p for a in collection.archives for p in (a.packed_in(folder), a.unpacked_in(folder))]
    there = [path.is_file() for path in paths]
    good = [
        check for a in collection.archives for check in (_packed(a, folder), _unpacked(a, folder))
    ]
    if all(good):
        return "verified"
    return "damaged" if there != good else "missing"


def obtain(collection: Collection, folder: Path, bases: Sequence[str]) -> str:
    """Make ``folder`` hold the verified archives of a data set and the files unpacked from them.

    What is there and whole is kept, and if that is everything, nothing is written. The rest comes
    from the first base URL that has all of it; a file appears in ``folder`` only when verified.

    Returns:
        The base URL that files were taken from, or ``""`` if none was needed.

    Raises:
        Unavailable: no base has what is missing; the message says of each base why.
        DataError: the folder cannot be written.
    """
    if state(collection, folder) == "verified":
        return ""
    with claimed(folder, collection.name):
        return _complete(collection, folder, bases)


def _complete(collection: Collection, folder: Path, bases: Sequence[str]) -> str:
    for archive in collection.archives:
        if _packed(archive, folder) and not _unpacked(archive, folder):
            with fresh(archive.unpacked_in(folder)) as part:
                _unpack(archive, archive.packed_in(folder), part)
    reasons = []
    wanted = [a for a in collection.archives if not (_packed(a, folder) and _unpacked(a, folder))]
    if not wanted:
        return ""
    for base in bases:
        try:
            for archive in wanted:
                _install(archive, base, folder)
        except Unavailable as why:
            reasons.append(f"{urlsplit(base).netloc or base}: {why}")
        else:
            return base
    raise Unavailable("; ".join(reasons))


def _install(archive: Archive, base: str, folder: Path) -> None:
    if _packed(archive, folder) and _unpacked(archive, folder):
        return
    with fresh(archive.packed_in(folder)) as packed, fresh(archive.unpacked_in(folder)) as unpacked:
        fetch(base + archive.name, packed, archive.size, archive.md5)
        _unpack(archive, packed, unpacked)


def _unpack(archive: Archive, packed: Path, unpacked: Path) -> None:
    with gzip.open(packed) as source, unpacked.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    if not _is(unpacked, archive.unpacked_size, "sha256", archive.unpacked_sha256):
        raise Unavailable(f"{archive.name} unpacks to something else than the official file")


def _packed(archive: Archive, folder: Path) -> bool:
    return _is(archive.packed_in(folder), archive.size, "md5", archive.md5)


def _unpacked(archive: Archive, folder: Path) -> bool:
    path = archive.unpacked_in(folder)
    return _is(path, archive.unpacked_size, "sha256", archive.unpacked_sha256)


def _is(path: Path, size: int, algorithm: str, checksum: str) -> bool:
    if not path.is_file() or path.stat().st_size != size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest() == checksum
