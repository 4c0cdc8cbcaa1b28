"""Images in rows."""

import base64
import io
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import display
from ipywidgets import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

Images = torch.Tensor | np.ndarray


def _as_images(images: Images) -> np.ndarray:
    array = images.detach().cpu().numpy() if torch.is_tensor(images) else np.asarray(images)
    if array.ndim == 2 and array.shape[1] == 784:
        return array.reshape(-1, 28, 28)
    if array.ndim == 4 and array.shape[1] == 1:
        return array[:, 0]
    if array.ndim == 3:
        return array
    raise ValueError(f"images of shape {array.shape}: expected (n, 784), (n, h, w) or (n, 1, h, w)")


def image_grid(
    images: Images,
    titles: Sequence[str] | None = None,
    columns: int = 8,
    title_colors: Sequence[str] | None = None,
    value_range: tuple[float, float] = (-1, 1),
) -> Figure:
    """Draw grey images in rows, row by row.

    Args:
        images: ``(n, 784)``, ``(n, h, w)`` or ``(n, 1, h, w)``, on any device.
        titles: one line over each image.
        columns: images in a row.
        title_colors: one colour for each title.
        value_range: what is drawn black and what white.

    Raises:
        ValueError: the images have another shape, or titles are missing for some.
    """
    array = _as_images(images)
    if titles is not None and len(titles) != len(array):
        raise ValueError(f"{len(titles)} titles for {len(array)} images")
    fig, axes = _empty_grid(-(-len(array) // columns), columns, 1.3 if titles else 1.05)
    for ax, image in zip(axes.flat, array, strict=False):
        ax.imshow(image, vmin=value_range[0], vmax=value_range[1])
    colors = title_colors or ["black"] * len(array)
    for ax, title, color in zip(axes.flat, titles or [], colors, strict=False):
        ax.set_title(title, fontsize=10, fontweight="normal", loc="center", color=color)
    return fig


def mosaic(
    images: Images,
    columns: int = 8,
    ax: Axes | None = None,
    title: str = "",
    value_range: tuple[float, float] = (-1, 1),
) -> Axes:
    """Draw grey images edge to edge in one ``Axes``, row by row: a sheet of samples, a map.

    Args:
        images: ``(n, 784)``, ``(n, h, w)`` or ``(n, 1, h, w)``; ``n`` is a multiple of ``columns``.
        columns: images in a row.
        ax: where to draw; a new figure if left out.
        title: a line over the sheet.
        value_range: what is drawn black and what white.

    Raises:
        ValueError: the images have another shape, or the last row is not full.
    """
    array = _as_images(images)
    sheet = _sheet(array, columns)
    ax = ax or plt.subplots(figsize=(0.55 * columns, 0.55 * (len(array) // columns) + 0.3))[1]
    ax.imshow(sheet, vmin=value_range[0], vmax=value_range[1])
    ax.set_title(title)
    ax.axis("off")
    return ax


class LiveSheet:
    """A place below the cell where a training at work shows images, each sheet for the last."""

    def __init__(self, words: str) -> None:
        """Show the words, until the first images come."""
        self._view = HTML(f"<em>{words}</em>")
        display(self._view)

    def show(self, images: Images, text: str, columns: int = 8) -> None:
        """Put images in the place of what stands there.

        Args:
            images: ``(n, 784)``, ``(n, h, w)`` or ``(n, 1, h, w)`` in [-1, 1]; they fill rows.
            text: stands above the picture, and is read aloud for it.
            columns: images in a row.

        Raises:
            ValueError: the images have another shape, or the last row is not full.
        """
        self._view.value = _html(images, text, columns)


def _html(images: Images, text: str, columns: int) -> str:
    sheet = _sheet(_as_images(images), columns)
    grey = ((sheet + 1) * 127.5).round().clip(0, 255).astype(np.uint8)
    height, width = grey.shape
    scale = max(1, min(4, 900 // width))  # screen pixels for each of the images' own: rows fit
    picture = Image.fromarray(grey).resize(
        (scale * width, scale * height), Image.Resampling.NEAREST
    )
    file = io.BytesIO()
    picture.save(file, "png")
    letters = base64.b64encode(file.getvalue()).decode()
    return f'<p>{text}</p><img alt="{text}" src="data:image/png;base64,{letters}">'


def _sheet(array: np.ndarray, columns: int) -> np.ndarray:
    """``(n, h, w)`` -> one picture, row by row."""
    count, height, width = array.shape
    if count % columns:
        raise ValueError(f"{count} images do not fill rows of {columns}")
    sheet = array.reshape(count // columns, columns, height, width).swapaxes(1, 2)
    return sheet.reshape(-1, columns * width)


def _empty_grid(rows: int, columns: int, inches: float) -> tuple[Figure, np.ndarray]:
    """Return axes without frames, each ``inches`` high."""
    size = (1.05 * columns, inches * rows)
    fig, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    return fig, axes
