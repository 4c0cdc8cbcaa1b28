"""Whether a figure's parts lie inside it."""

import base64
import io

import numpy as np
from PIL import Image


def is_cut_off(png: str) -> bool:
    """Whether a PNG in base64 has something dark on its border: a text that goes on beyond it."""
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("L"))
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    return border.min() < 200
