"""A pad to draw a digit on with the mouse, for a net to read.

A drawing becomes a picture in the way MNIST's were made (LeCun, Bottou, Bengio, Haffner, 1998,
"Gradient-Based Learning Applied to Document Recognition"): it is fitted into 20 by 20 pixels and
keeps its proportions, it gets its greys from being made small, and its centre of mass is moved
to the middle of 28 by 28 pixels.
"""

import base64
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import torch
import traitlets
from PIL import Image, ImageDraw
from torch import Tensor

Stroke = Sequence[Sequence[float]]  # points (x, y) from 0 to 1; y grows downwards
Read = Callable[[Tensor], Any]

SIZE, BOX = 28, 20  # pixels: the picture's side, and of what the ink fits into
PEN = 2.4  # pixels: the pen is as thick whatever the size of the drawing
MIDDLE = 14.5  # where MNIST's centres of mass are: in the middle of the pixel after the 14th
FINE = 10  # drawn so many times larger first
# A drawing below this part of the pad is not made as large as the others: it may be a mere dot.
SMALLEST = 0.05
EMPTY = "Draw a digit from 0 to 9. When you lift the pen, the net reads it."
# What a page shows that cannot show the pad.
IN_WORDS = "A pad to draw a digit on. Run this cell in JupyterLab to see it."


def drawn(strokes: Sequence[Stroke]) -> Tensor:
    """Render strokes as MNIST's pictures were made: ``(1, 1, 28, 28)`` in [-1, 1].

    Args:
        strokes: for each stroke its points ``(x, y)``, from ``(0, 0)`` top left to ``(1, 1)``.

    Raises:
        ValueError: there is no ink.
    """
    lines = [torch.tensor(stroke, dtype=torch.float64) for stroke in strokes if len(stroke)]
    if not lines:
        raise ValueError("no ink: there is not a single point")
    low, high = torch.cat(lines).aminmax(dim=0)
    scale = (BOX - PEN) / (high - low).max().clamp(min=SMALLEST)
    lines = [(line - (low + high) / 2) * scale + MIDDLE for line in lines]
    off = _centre_of_mass(_ink(lines)) - MIDDLE
    small = _ink([line - off for line in lines]).resize((SIZE, SIZE), Image.Resampling.BOX)
    return torch.from_numpy(np.array(small)).float().div(127.5).sub(1).reshape(1, 1, SIZE, SIZE)


def _ink(lines: Sequence[Tensor]) -> Image.Image:
    """Draw lines, given in pixels of the small picture, with a round pen on a large one."""
    picture = Image.new("L", (SIZE * FINE, SIZE * FINE))
    pen, radius = ImageDraw.Draw(picture), PEN * FINE / 2
    for line in lines:
        points = [(x, y) for x, y in (line * FINE).tolist()]
        pen.line(points, fill=255, width=round(2 * radius))
        for x, y in points:  # round ends and bends
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return picture


def _centre_of_mass(picture: Image.Image) -> Tensor:
    """Return ``(x, y)`` in pixels of the small picture."""
    ink = torch.from_numpy(np.array(picture)).float()
    middles = (torch.arange(SIZE * FINE) + 0.5) / FINE  # of the large picture's pixels
    return torch.stack([ink.sum(dim=0) @ middles, ink.sum(dim=1) @ middles]) / ink.sum()


def examples() -> dict[int, list[list[tuple[float, float]]]]:
    """Return strokes as a hand might draw them, a few digits, each under the digit it means."""
    stored = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return {
        int(digit): [[(x, y) for x, y in stroke] for stroke in strokes]
        for digit, strokes in stored.items()
    }


class DigitPad(anywidget.AnyWidget):
    """A pad to draw on; beside it what the net gets, and what it reads in it.

    ``pad.strokes`` holds what is drawn, so ``drawn(pad.strokes)`` is the picture that the net got.

    Args:
        read: from images ``(1, 1, 28, 28)`` in [-1, 1] to probabilities ``(1, 10)``.
    """

    _esm = Path(__file__).with_suffix(".js")
    _css = Path(__file__).with_suffix(".css")
    strokes: Any = traitlets.List().tag(sync=True)
    reading: Any = traitlets.Dict().tag(sync=True)

    def __init__(self, read: Read) -> None:
        super().__init__()
        self._read = read
        self._look()

    def __repr__(self) -> str:
        return IN_WORDS

    @traitlets.observe("strokes")
    def _look(self, _change: object = None) -> None:
        self.reading = _reading(self.strokes, self._read)


def _reading(strokes: Sequence[Stroke], read: Read) -> dict[str, Any]:
    """Return what the pad shows for these strokes."""
    image, probabilities, said = -torch.ones(1, 1, SIZE, SIZE), [], EMPTY
    if any(strokes):
        image = drawn(strokes)
        try:
            probabilities = _probabilities(read(image.clone()))
            said = _in_words(probabilities)
        except Exception as error:  # of the student's own code: the pad goes on
            first_line = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(": ")
            said = f"The net cannot read it: {first_line}"
    # The number of strokes tells the page which drawing this belongs to.
    return {
        "strokes": len(strokes),
        "picture": _png(image),
        "probabilities": probabilities,
        "said": said,
    }


def _probabilities(given: Any) -> list[float]:
    p = torch.as_tensor(given).detach().cpu().double()
    if p.shape != (1, 10):
        raise ValueError(f"the answer must be of shape (1, 10), not {tuple(p.shape)}")
    if not (p.min() >= 0 and abs(p.sum() - 1) < 1e-3):  # nan is refused as well
        raise ValueError("these ten numbers are no probabilities: is softmax missing?")
    return p.flatten().tolist()


def _in_words(probabilities: Sequence[float]) -> str:
    digit = int(np.argmax(probabilities))
    article = "an" if digit == 8 else "a"
    return f"The net reads {article} {digit}, {100 * probabilities[digit]:.0f} %"


def _png(image: Tensor) -> str:
    """Return a picture as a page takes it, in a URL of its own."""
    packed = io.BytesIO()
    grey = image.add(1).mul(127.5).round().to(torch.uint8).reshape(SIZE, SIZE).numpy()
    Image.fromarray(grey).save(packed, format="png")
    return f"data:image/png;base64,{base64.b64encode(packed.getvalue()).decode()}"
