"""Garments for the offline stand-in: silhouettes of the ten Fashion-MNIST classes, drawn."""

from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.ndimage import gaussian_filter

from course_utils.data.standin.shapes import bag, boot, sandal, sneaker, top, trouser

SEED = 2017
_CHUNK = 500  # images drawn at once: what they need stays in the processor's cache
_DRAW: tuple[Callable[[np.random.Generator, int], np.ndarray], ...] = (
    partial(top, kind="T-shirt"),
    trouser,
    partial(top, kind="Pullover"),
    partial(top, kind="Dress"),
    partial(top, kind="Coat"),
    sandal,
    partial(top, kind="Shirt"),
    sneaker,
    bag,
    boot,
)


def garments(count: int, train: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return garments, light on black, uint8 ``(count, 28, 28)``, and balanced labels ``(count,)``.

    The labels count the classes of Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017,
    arXiv:1708.07747): T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag,
    Ankle boot. Shirts take after T-shirts, pullovers and coats, so that they are hard to tell.
    """
    rng = np.random.default_rng([SEED, train])
    labels = rng.permutation(np.arange(count) % 10)
    images = np.empty((count, 28, 28), dtype=np.uint8)
    for kind, draw in enumerate(_DRAW):
        spots = np.flatnonzero(labels == kind)
        for part in np.array_split(spots, len(spots) // _CHUNK + 1):
            images[part] = _photograph(draw(rng, len(part)), rng)
    return images, labels.astype(np.uint8)


def _photograph(shapes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give silhouettes ``(n, 28, 28)`` in [0, 1] cloth, light and grain; return uint8."""
    n = len(shapes)
    tone = 0.25 + 0.75 * rng.beta(2.5, 1.6, (n, 1, 1)).astype(np.float32)
    noise = rng.standard_normal(shapes.shape, dtype=np.float32)
    weave = gaussian_filter(noise, (0, 1.2, 1.2), truncate=2)
    weave *= rng.gamma(1.5, 0.2, (n, 1, 1)).astype(np.float32)
    cloth = tone + weave + 0.05 * noise[::-1] + _stripes(n, rng)
    return (np.clip(shapes * cloth, 0, 1) * 255).round().astype(np.uint8)


def _stripes(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return the stripes, across or along, of about a quarter of ``n`` garments."""
    y, x = np.mgrid[:28, :28].astype(np.float32)
    across, striped, pitch, start, depth = rng.random((5, n, 1, 1), dtype=np.float32)
    wave = np.sin(np.where(across < 0.6, y, x) * (0.6 + 1.6 * pitch) + 6 * start)
    return wave * (striped < 0.25) * (0.05 + 0.2 * depth)
