"""The offline stand-in: data sets of the same shapes and file format, made on this machine.

They serve where the official archives cannot be had. The digits are grown from the 1,797 real
handwritten ones that scikit-learn carries; the garments are drawn. Same seed, same bytes.
"""

import gzip
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from course_utils.data.atomic import atomically
from course_utils.data.checksums import file_checksum
from course_utils.data.lock import claimed
from course_utils.paths import raw_folder

if TYPE_CHECKING:
    import numpy as np

VERSION = 1  # to be raised with every change of what is drawn, so that cached stand-ins are redone
SIZES = {"train": 60_000, "t10k": 10_000}
_MANIFEST = "standin.json"
_README = """The files below this folder are NOT the official data sets.

They are a stand-in that the course made on this machine because it could not get the official
MNIST and Fashion-MNIST. Numbers measured on them must not be compared with published ones.
You may delete this folder; the course makes it again when it needs it.
"""


def make(name: str, data_folder: Path) -> Path:
    """Make the stand-in of a data set, unless it is there already.

    Args:
        name: ``"MNIST"`` or ``"FashionMNIST"``.
        data_folder: the stand-in lies in its subfolder ``standin``, in torchvision's layout.

    Returns:
        The folder that holds the four ``.gz`` archives and the unpacked files.

    Raises:
        DataError: the folder cannot be written.
    """
    folder = raw_folder(data_folder / "standin", name)
    if not ready(name, data_folder):
        with claimed(folder, f"{name} (offline stand-in)"):
            if not ready(name, data_folder):
                _write(name, folder)
                (data_folder / "standin" / "README.txt").write_text(_README, encoding="utf-8")
    return folder


def ready(name: str, data_folder: Path) -> bool:
    """Say, reading alone, whether this version of the stand-in is there and undamaged."""
    folder = raw_folder(data_folder / "standin", name)
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        checksums = {file: file_checksum(folder / file) for file in manifest["sha256"]}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return manifest == {"version": VERSION, "sizes": SIZES, "sha256": checksums}


def _write(name: str, folder: Path) -> None:
    files = []
    for split, count in SIZES.items():
        images, labels = _drawer(name)(count, split == "train")
        for file, array in (("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels)):
            files += _write_idx(folder / f"{split}-{file}", array)
    manifest = {
        "version": VERSION,
        "sizes": SIZES,
        "sha256": {file.name: file_checksum(file) for file in files},
    }
    with atomically(folder / _MANIFEST) as part:
        part.write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _drawer(name: str) -> "Callable[[int, bool], tuple[np.ndarray, np.ndarray]]":
    # Imported here: scikit-learn and SciPy take seconds, and most processes never draw.
    if name == "MNIST":
        from course_utils.data.standin.digits import digits

        return digits
    from course_utils.data.standin.garments import garments

    return garments


def _write_idx(path: Path, array: "np.ndarray") -> list[Path]:
    """Write uint8 numbers in the IDX format of LeCun, Cortes and Burges, plain and gzipped."""
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    content = header + array.astype("uint8").tobytes()
    packed = path.with_name(path.name + ".gz")
    for target, data in ((path, content), (packed, gzip.compress(content, 1, mtime=0))):
        with atomically(target) as part:
            part.write_bytes(data)
    return [path, packed]
