"""What the official MNIST and Fashion-MNIST archives are, down to the byte."""

from torchvision import datasets

from course_utils.archives import Archive, Collection

NAMES = ("MNIST", "FashionMNIST")
MIRROR_FOLDERS = {"MNIST": "mnist/", "FashionMNIST": "fashion-mnist/"}

# Bytes of each archive, and the SHA-256 sum of the file inside. torchvision knows the MD5 sums of
# the archives and where they are published; of the files inside it checks nothing.
_FACTS = {
    "MNIST": {
        "train-images-idx3-ubyte.gz": (
            9912422,
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        "train-labels-idx1-ubyte.gz": (
            28881,
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        "t10k-images-idx3-ubyte.gz": (
            1648877,
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        "t10k-labels-idx1-ubyte.gz": (
            4542,
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    },
    "FashionMNIST": {
        "train-images-idx3-ubyte.gz": (
            26421880,
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        "train-labels-idx1-ubyte.gz": (
            29515,
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
        "t10k-images-idx3-ubyte.gz": (
            4422102,
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        "t10k-labels-idx1-ubyte.gz": (
            5148,
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    },
}
_UNPACKED_SIZE = {
    "train-images-idx3-ubyte.gz": 16 + 60_000 * 28 * 28,
    "train-labels-idx1-ubyte.gz": 8 + 60_000,
    "t10k-images-idx3-ubyte.gz": 16 + 10_000 * 28 * 28,
    "t10k-labels-idx1-ubyte.gz": 8 + 10_000,
}


def official(name: str) -> Collection:
    """Return the archives of ``"MNIST"`` or ``"FashionMNIST"``, with torchvision's URLs for them.

    Raises:
        ValueError: another name.
    """
    if name not in NAMES:
        raise ValueError(f'there is no data set "{name}" here; there are {" and ".join(NAMES)}')
    dataset = getattr(datasets, name)
    archives = tuple(_archive(name, file, md5) for file, md5 in dataset.resources)
    return Collection(name, archives, tuple(dataset.mirrors))


def _archive(name: str, file: str, md5: str) -> Archive:
    size, sha256 = _FACTS[name][file]
    return Archive(file, size, md5, _UNPACKED_SIZE[file], sha256)
