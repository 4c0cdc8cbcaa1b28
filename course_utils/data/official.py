"""The official MNIST and Fashion-MNIST archives: where they are published, and what they are.

Addresses and MD5 sums are torchvision's (a test holds the two together), written down here so that
PyTorch need not be imported to look at files.
"""

from typing import NamedTuple

from course_utils.data.checksums import Archive, Collection

MIRROR_FOLDERS = {"MNIST": "mnist/", "FashionMNIST": "fashion-mnist/"}
NAMES = tuple(MIRROR_FOLDERS)


def collection(name: str) -> Collection:
    """Return the archives of ``"MNIST"`` or ``"FashionMNIST"``, and where they are published.

    Raises:
        ValueError: another name.
    """
    if name not in NAMES:
        raise ValueError(f'there is no data set "{name}" here; there are {" and ".join(NAMES)}')
    return Collection(name, tuple(_archive(name, file) for file in _FACTS[name]), _PUBLISHED[name])


def _archive(name: str, file: str) -> Archive:
    facts = _FACTS[name][file]
    return Archive(file, facts.size, facts.md5, _UNPACKED_SIZE[file], facts.unpacked_sha256)


class _Facts(NamedTuple):
    size: int  # bytes of the archive
    md5: str  # of the archive
    unpacked_sha256: str  # of the file inside


_PUBLISHED = {
    "MNIST": (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ),
    "FashionMNIST": ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
}
_FACTS = {
    "MNIST": {
        "train-images-idx3-ubyte.gz": _Facts(
            size=9_912_422,
            md5="f68b3c2dcbeaaa9fbdd348bbdeb94873",
            unpacked_sha256="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        "train-labels-idx1-ubyte.gz": _Facts(
            size=28_881,
            md5="d53e105ee54ea40749a09fcbcd1e9432",
            unpacked_sha256="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        "t10k-images-idx3-ubyte.gz": _Facts(
            size=1_648_877,
            md5="9fb629c4189551a2d022fa330f9573f3",
            unpacked_sha256="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        "t10k-labels-idx1-ubyte.gz": _Facts(
            size=4_542,
            md5="ec29112dd5afa0611ce80d1b7f02629c",
            unpacked_sha256="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    },
    "FashionMNIST": {
        "train-images-idx3-ubyte.gz": _Facts(
            size=26_421_880,
            md5="8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            unpacked_sha256="c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        "train-labels-idx1-ubyte.gz": _Facts(
            size=29_515,
            md5="25c81989df183df01b3e8a0aad5dffbe",
            unpacked_sha256="bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
        "t10k-images-idx3-ubyte.gz": _Facts(
            size=4_422_102,
            md5="bef4ecab320f06d8554ea6380940ec79",
            unpacked_sha256="5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        "t10k-labels-idx1-ubyte.gz": _Facts(
            size=5_148,
            md5="bb300cfdad3c16e7a12a480ee83cd310",
            unpacked_sha256="0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    },
}
_UNPACKED_SIZE = {
    "train-images-idx3-ubyte.gz": 16 + 60_000 * 28 * 28,
    "train-labels-idx1-ubyte.gz": 8 + 60_000,
    "t10k-images-idx3-ubyte.gz": 16 + 10_000 * 28 * 28,
    "t10k-labels-idx1-ubyte.gz": 8 + 10_000,
}
