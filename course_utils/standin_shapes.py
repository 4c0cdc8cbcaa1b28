"""The silhouettes behind the stand-in's garments: a few numbers drawn at random for each image.

Every function takes a generator and a number of images, and returns float32 ``(n, 28, 28)`` in
[0, 1]. x runs to the right and y down, in pixels; x = 0 is the middle of the image.
"""

from collections.abc import Sequence
from functools import reduce

import numpy as np

_Y, _X = np.mgrid[:28, :28].astype(np.float32)
_X -= 13.5
_SIDE = abs(_X)
_GROUND = 22

# Per kind of top, mean and spread of: row of the shoulder, row of the hem; half the width at
# shoulder, waist and hem; length of the sleeve, its angle; depth of the neck; darkness of the
# front opening. The four hard ones overlap.
_TOPS = {
    "T-shirt": (
        (3.5, 25, 7.4, 7.0, 7.2, 5.5, 0.9, 2.2, 0.02),
        (1, 1, 1.0, 0.9, 1.0, 3.1, 0.2, 1.0, 0.07),
    ),
    "Pullover": (
        (3.0, 24.5, 7.2, 6.8, 7.0, 18, 0.36, 1.6, 0.04),
        (1, 1, 1.0, 0.9, 1.0, 3.9, 0.1, 0.9, 0.09),
    ),
    "Dress": (
        (2.0, 26.5, 4.8, 4.2, 6.4, 4, 0.6, 2.4, 0.03),
        (1, 0.7, 0.8, 0.8, 1.6, 3.5, 0.2, 1.0, 0.05),
    ),
    "Coat": (
        (2.5, 25.5, 7.0, 6.6, 7.4, 19, 0.34, 2.0, 0.26),
        (1, 1, 1.0, 0.9, 1.0, 2.6, 0.1, 1.0, 0.18),
    ),
    "Shirt": (
        (3.0, 25, 7.2, 6.8, 7.1, 14, 0.5, 2.2, 0.14),
        (1, 1, 1.0, 0.9, 1.0, 7.2, 0.2, 1.2, 0.13),
    ),
}


def top(rng: np.random.Generator, n: int, kind: str) -> np.ndarray:
    """Draw what has a neck: ``"T-shirt"``, ``"Pullover"``, ``"Dress"``, ``"Coat"``, ``"Shirt"``."""
    shoulder, hem, wide, waist, skirt, sleeve, angle, neck, dark = _numbers(rng, n, *_TOPS[kind])
    down = np.clip((_Y - shoulder) / (hem - shoulder), 0, 1)
    half = np.where(
        down < 0.5, wide + (waist - wide) * 2 * down, waist + (skirt - waist) * (2 * down - 1)
    )
    opening = 1 - np.clip(dark, 0, 1) * _line(_X, 0.6)
    body = _cover(half - _SIDE, _Y - shoulder, hem - _Y) * opening
    arm = _arms(wide - 1.5, shoulder + 2, np.maximum(sleeve, 0), angle) * _cover(sleeve - 1)
    seam = 1 - 0.35 * arm * _line(_SIDE - half, 0.5)
    collar = _cover(neck - np.hypot(_X / 1.5, _Y - shoulder))
    return np.maximum(body, arm) * seam * (1 - collar)


def trouser(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw two legs below a waist."""
    mean, spread = (4.3, 2.3, 10, 3.2, 26), (0.6, 0.5, 2, 0.6, 0.8)
    waist, ankle, crotch, apart, hem = _numbers(rng, n, mean, spread)
    down = np.clip((_Y - 2) / (hem - 2), 0, 1)
    middle = apart * (0.65 + 0.35 * down)
    leg = _cover(waist / 2 + (ankle - waist / 2) * down - abs(_SIDE - middle))
    hips = _cover(waist - _SIDE, crotch - _Y)
    return np.maximum(leg, hips) * _cover(_Y - 1.5, hem - _Y)


def bag(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw a box with a flap and a handle."""
    mean, spread = (11, 24, 10, 0.5, 7, 1.0), (2.5, 1.2, 2, 1.2, 3, 0.3)
    lid, floor, wide, flare, reach, thick = _numbers(rng, n, mean, spread)
    half = wide + flare * (_Y - lid) / (floor - lid)
    box = _cover(half - _SIDE, _Y - lid, floor - _Y) * (1 - 0.3 * _line(_Y - lid - 4, 0.6))
    ring = np.hypot(_X / (wide * 0.6), (_Y - lid) / np.maximum(reach, 1))
    return np.maximum(box, 0.9 * _cover(thick - 5 * abs(ring - 1), lid + 1 - _Y))


def sneaker(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw a low shoe, its toe to the left."""
    return _shoe(_numbers(rng, n, (14, 5, 4.5, 11.5, 0.3), (1.4, 1.2, 0.8, 0.9, 0.15)))


def boot(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw a shoe with a shaft, its toe to the left."""
    return _shoe(_numbers(rng, n, (6, 4.8, 5.5, 11, 0.15), (2.8, 0.9, 1, 1, 0.12)))


def sandal(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw a sole, flat or on a heel, and straps above it."""
    mean, spread = (3, 11.5, 1.0, 2.5, 13), (2.5, 0.9, 0.3, 1.5, 2)
    heel, long, strap, lean, high = _numbers(rng, n, mean, spread)
    sole = _GROUND - 1 - np.maximum(heel, 0) * np.clip((_X + 2) / long, 0, 1)
    foot = _cover(1.1 - abs(_Y - sole), long - _SIDE)
    post = _cover(1.3 - abs(_X - long + 1.5), _Y - sole, _GROUND - _Y)
    slope = _Y - high - 0.2 * (long - _X)
    straps = _cover(strap - abs((_X + 0.3 * lean * (_Y - 18) + 30) % 6.5 - 3))
    return np.maximum(np.maximum(foot, post), straps * _cover(slope, sole - _Y, long - _SIDE))


def _shoe(numbers: np.ndarray) -> np.ndarray:
    rim, shaft, toe, long, dark = numbers
    rise = 1 / (1 + np.exp((long - 2 * shaft - _X) / 1.1))
    upper = _cover(_Y - (_GROUND - toe) + (_GROUND - toe - rim) * rise, _GROUND - _Y, long - _SIDE)
    nose = _cover(toe - np.hypot(np.minimum(_X + long - toe, 0), _Y - _GROUND))
    sole = 1 - np.clip(dark, 0, 1) * _line(_Y - _GROUND + 2, 0.6)
    return upper * np.where(toe - long > _X, nose, 1) * sole


def _arms(x: np.ndarray, y: np.ndarray, length: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Draw an arm on both sides, four pixels wide, from (x, y) at an angle to the vertical."""
    dx, dy = np.sin(angle), np.cos(angle)
    along = np.clip((_SIDE - x) * dx + (_Y - y) * dy, 0, length)
    return _cover(2 - np.hypot(_SIDE - x - along * dx, _Y - y - along * dy))


def _numbers(
    rng: np.random.Generator, n: int, mean: Sequence[float], spread: Sequence[float]
) -> np.ndarray:
    """Return one ``(n, 1, 1)`` array of normal numbers for each mean, float32."""
    return rng.normal(mean, spread, (n, len(mean))).T.astype(np.float32)[:, :, None, None]


def _cover(*inside: np.ndarray) -> np.ndarray:
    """Turn distances to edges, positive inside, into the part of each pixel within all of them."""
    return reduce(np.multiply, (np.clip(d + np.float32(0.5), 0, 1) for d in inside))


def _line(distance: np.ndarray, width: float) -> np.ndarray:
    return np.exp(-(distance**2) / np.float32(width))
