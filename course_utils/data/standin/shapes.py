"""The silhouettes behind the stand-in's garments: a few numbers drawn at random for each image.

Every function takes a generator and a number of images, and returns float32 ``(n, 28, 28)`` in
[0, 1]. x runs to the right and y down, in pixels; x = 0 is the middle of the image.
"""

from functools import reduce
from typing import NamedTuple

import numpy as np

Normal = tuple[float, float]  # mean and spread of a number that is drawn for each image

_Y, _X = np.mgrid[:28, :28].astype(np.float32)
_X -= 13.5
_SIDE = abs(_X)
_GROUND = 22


class _Top(NamedTuple):
    """What a top is drawn from: mean and spread of each number, in pixels but for two."""

    shoulder: Normal  # row of the shoulder
    hem: Normal  # row of the hem
    wide: Normal  # half the width at the shoulder
    waist: Normal  # and at the waist
    skirt: Normal  # and at the hem
    sleeve: Normal  # length of the sleeve
    angle: Normal  # of the sleeve to the vertical, in radians
    neck: Normal  # depth of the neck
    dark: Normal  # darkness of the front opening, from 0 to 1


# The four hard ones, all but the dress, overlap.
_TOPS = {
    "T-shirt": _Top(
        shoulder=(3.5, 1),
        hem=(25, 1),
        wide=(7.4, 1.0),
        waist=(7.0, 0.9),
        skirt=(7.2, 1.0),
        sleeve=(5.5, 3.1),
        angle=(0.9, 0.2),
        neck=(2.2, 1.0),
        dark=(0.02, 0.07),
    ),
    "Pullover": _Top(
        shoulder=(3.0, 1),
        hem=(24.5, 1),
        wide=(7.2, 1.0),
        waist=(6.8, 0.9),
        skirt=(7.0, 1.0),
        sleeve=(18, 3.9),
        angle=(0.36, 0.1),
        neck=(1.6, 0.9),
        dark=(0.04, 0.09),
    ),
    "Dress": _Top(
        shoulder=(2.0, 1),
        hem=(26.5, 0.7),
        wide=(4.8, 0.8),
        waist=(4.2, 0.8),
        skirt=(6.4, 1.6),
        sleeve=(4, 3.5),
        angle=(0.6, 0.2),
        neck=(2.4, 1.0),
        dark=(0.03, 0.05),
    ),
    "Coat": _Top(
        shoulder=(2.5, 1),
        hem=(25.5, 1),
        wide=(7.0, 1.0),
        waist=(6.6, 0.9),
        skirt=(7.4, 1.0),
        sleeve=(19, 2.6),
        angle=(0.34, 0.1),
        neck=(2.0, 1.0),
        dark=(0.26, 0.18),
    ),
    "Shirt": _Top(
        shoulder=(3.0, 1),
        hem=(25, 1),
        wide=(7.2, 1.0),
        waist=(6.8, 0.9),
        skirt=(7.1, 1.0),
        sleeve=(14, 7.2),
        angle=(0.5, 0.2),
        neck=(2.2, 1.2),
        dark=(0.14, 0.13),
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
    waist, ankle, crotch, apart, hem = _numbers(
        rng, n, (4.3, 0.6), (2.3, 0.5), (10, 2), (3.2, 0.6), (26, 0.8)
    )
    down = np.clip((_Y - 2) / (hem - 2), 0, 1)
    middle = apart * (0.65 + 0.35 * down)
    leg = _cover(waist / 2 + (ankle - waist / 2) * down - abs(_SIDE - middle))
    hips = _cover(waist - _SIDE, crotch - _Y)
    return np.maximum(leg, hips) * _cover(_Y - 1.5, hem - _Y)


def bag(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw a box with a flap and a handle."""
    lid, floor, wide, flare, reach, thick = _numbers(
        rng, n, (11, 2.5), (24, 1.2), (10, 2), (0.5, 1.2), (7, 3), (1.0, 0.3)
    )
    half = wide + flare * (_Y - lid) / (floor - lid)
    box = _cover(half - _SIDE, _Y - lid, floor - _Y) * (1 - 0.3 * _line(_Y - lid - 4, 0.6))
    ring = np.hypot(_X / (wide * 0.6), (_Y - lid) / np.maximum(reach, 1))
    return np.maximum(box, 0.9 * _cover(thick - 5 * abs(ring - 1), lid + 1 - _Y))


def sneaker(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw a low shoe, its toe to the left."""
    return _shoe(*_numbers(rng, n, (14, 1.4), (5, 1.2), (4.5, 0.8), (11.5, 0.9), (0.3, 0.15)))


def boot(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw a shoe with a shaft, its toe to the left."""
    return _shoe(*_numbers(rng, n, (6, 2.8), (4.8, 0.9), (5.5, 1), (11, 1), (0.15, 0.12)))


def sandal(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw a sole, flat or on a heel, and straps above it."""
    heel, long, strap, lean, high = _numbers(
        rng, n, (3, 2.5), (11.5, 0.9), (1.0, 0.3), (2.5, 1.5), (13, 2)
    )
    sole = _GROUND - 1 - np.maximum(heel, 0) * np.clip((_X + 2) / long, 0, 1)
    foot = _cover(1.1 - abs(_Y - sole), long - _SIDE)
    post = _cover(1.3 - abs(_X - long + 1.5), _Y - sole, _GROUND - _Y)
    slope = _Y - high - 0.2 * (long - _X)
    slanted = _X + 0.3 * lean * (_Y - 18)
    from_strap = abs((slanted + 30) % 6.5 - 3)  # a strap every 6.5 pixels
    straps = _cover(strap - from_strap)
    return np.maximum(np.maximum(foot, post), straps * _cover(slope, sole - _Y, long - _SIDE))


def _shoe(
    rim: np.ndarray, shaft: np.ndarray, toe: np.ndarray, long: np.ndarray, dark: np.ndarray
) -> np.ndarray:
    """Draw a shoe on the ground, its toe to the left.

    Args:
        rim: row of the upper edge, above the heel.
        shaft: half the width of the high part.
        toe: height of the low part.
        long: half the length.
        dark: darkness of the line above the sole, from 0 to 1.
    """
    rise = 1 / (1 + np.exp((long - 2 * shaft - _X) / 1.1))
    upper = _cover(_Y - (_GROUND - toe) + (_GROUND - toe - rim) * rise, _GROUND - _Y, long - _SIDE)
    nose = _cover(toe - np.hypot(np.minimum(_X + long - toe, 0), _Y - _GROUND))
    sole = 1 - np.clip(dark, 0, 1) * _line(_Y - _GROUND + 2, 0.6)
    return upper * np.where(toe - long > _X, nose, 1) * sole


def _arms(x: np.ndarray, y: np.ndarray, length: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Draw an arm on both sides, four pixels wide, from (x, y) at an angle to the vertical."""
    dx = np.sin(angle)
    dy = np.cos(angle)
    along = np.clip((_SIDE - x) * dx + (_Y - y) * dy, 0, length)
    return _cover(2 - np.hypot(_SIDE - x - along * dx, _Y - y - along * dy))


def _numbers(rng: np.random.Generator, n: int, *wanted: Normal) -> np.ndarray:
    """Return ``(n, 1, 1)`` normal numbers, float32, for each mean and spread asked for."""
    mean, spread = zip(*wanted, strict=True)
    return rng.normal(mean, spread, (n, len(wanted))).T.astype(np.float32)[:, :, None, None]


def _cover(*inside: np.ndarray) -> np.ndarray:
    """Turn distances to edges, positive inside, into the part of each pixel within all of them."""
    parts = (np.clip(distance + np.float32(0.5), 0, 1) for distance in inside)
    return reduce(np.multiply, parts)


def _line(distance: np.ndarray, width: float) -> np.ndarray:
    return np.exp(-(distance**2) / np.float32(width))
