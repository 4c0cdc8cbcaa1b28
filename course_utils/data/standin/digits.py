"""Digits for the offline stand-in, grown from the real ones that scikit-learn carries."""

import functools

import numpy as np
import torch
from scipy.ndimage import maximum_filter
from torch.nn.functional import grid_sample

SEED = 1998
_CHUNK = 500  # images grown at once: what they need stays in the processor's cache
_TEST_SHARE = 0.2
# The places of the 28 x 28 pixels, x and y in [-1, 1]; and the first four cosines over 28 pixels.
_PIXELS = (np.mgrid[:28, :28][::-1].reshape(2, 784) + 0.5) / 14 - 1
_WAVES = np.cos(np.pi / 28 * np.outer(np.arange(28) + 0.5, np.arange(4)))


def digits(count: int, train: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return white digits on black, uint8 ``(count, 28, 28)``, and balanced labels ``(count,)``.

    Each is one of scikit-learn's 1,797 handwritten digits of 8 x 8 pixels (Alpaydin and Kaynak,
    1998), enlarged, turned, slanted, bent, made thicker or thinner. The test digits come from
    originals that no training digit comes from.
    """
    rng = np.random.default_rng([SEED, train])
    small, classes = originals(train)
    labels = rng.permutation(np.arange(count) % 10)
    chosen = np.empty(count, dtype=np.int64)
    for digit in range(10):
        spots = np.flatnonzero(labels == digit)
        chosen[spots] = rng.choice(np.flatnonzero(classes == digit), len(spots))
    parts = np.array_split(chosen, max(1, count // _CHUNK))
    images = np.concatenate([_grow(small[part], rng) for part in parts])
    return images, labels.astype(np.uint8)


@functools.cache
def originals(train: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return this split's originals, float32 ``(n, 8, 8)`` in [0, 1], and their classes."""
    from sklearn.datasets import load_digits  # takes a second, and few need it

    bundle = load_digits()
    order = np.random.default_rng(SEED).permutation(len(bundle.target))
    border = int(_TEST_SHARE * len(order))
    chosen = order[border:] if train else order[:border]
    ink = (bundle.images[chosen] / 16).astype(np.float32)
    # Where a stroke is faint, it is strengthened, or it would break when the edges are sharpened.
    return ink / (0.4 + 0.6 * maximum_filter(ink, size=(1, 3, 3))), bundle.target[chosen]


def _grow(small: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Enlarge ``(n, 8, 8)`` to ``(n, 28, 28)`` uint8, each image distorted in its own way."""
    n = len(small)
    where = _affine(n, rng) @ _PIXELS + _bend(n, rng) + _centres(small)
    grid = torch.from_numpy(where.astype(np.float32)).view(n, 2, 28, 28).permute(0, 2, 3, 1)
    enlarged = grid_sample(torch.from_numpy(small)[:, None], grid, "bicubic", align_corners=False)
    drawn = rng.uniform((0.56, 2.2), (0.74, 3.2), (n, 2)).astype(np.float32)
    level, gain = drawn.T[:, :, None, None]
    ink = (enlarged.numpy()[:, 0] - level) * gain + 0.5
    return (ink.clip(0, 1) * 255).round().astype(np.uint8)


def _affine(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return how each image is turned, slanted and stretched: ``(n, 2, 2)``."""
    angle = np.deg2rad(rng.normal(0, 6, n))
    slant, wide, high = rng.normal((0, 1.36, 1.36), (0.12, 0.08, 0.08), (n, 3)).T
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shape = np.array([[wide, slant], [np.zeros(n), high]])
    return np.einsum("ijn,jkn->nik", turn, shape)


def _bend(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return a smooth random displacement of each pixel, ``(n, 2, 784)``."""
    weights = rng.normal(0, 0.025, (n, 2, 4, 4))
    return (_WAVES @ weights @ _WAVES.T).reshape(n, 2, 784)


def _centres(small: np.ndarray) -> np.ndarray:
    """Return the centre of mass of each original, ``(n, 2, 1)``: MNIST's digits are centred so."""
    places = (np.arange(8) + 0.5) / 4 - 1
    columns = small.sum(1)
    rows = small.sum(2)
    mass = small.sum((1, 2))
    return np.stack([columns @ places, rows @ places], 1)[:, :, None] / mass[:, None, None]
