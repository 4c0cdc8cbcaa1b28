"""The one way out for a finished figure: ``show``."""

import base64
import html
import io

import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

from course_utils import data


def show(fig: Figure, alt: str) -> None:
    """Display a finished figure so that it can also be read aloud, and close it.

    The PNG carries ``alt`` in its metadata, from where nbconvert and MyST make an ``alt``
    attribute. JupyterLab ignores that, so the same text stands folded in a line below the figure.
    On stand-in data the figure says so itself.

    Args:
        fig: the figure; it is closed afterwards.
        alt: what the figure shows, in a sentence or two.

    Raises:
        ValueError: ``alt`` is empty.
    """
    if not alt.strip():
        raise ValueError("a figure needs alt text: say in a sentence what it shows")
    if data.standin_in_use():
        _stamp(fig, "offline stand-in data")
    bundle = {"image/png": _png(fig), "text/plain": alt}
    width, height = (int(inches * fig.dpi) for inches in fig.get_size_inches())
    display(
        bundle, metadata={"image/png": {"alt": alt, "width": width, "height": height}}, raw=True
    )
    folded = f"<details><summary>Description</summary>{html.escape(alt)}</details>"
    display({"text/html": folded, "text/plain": f"Description: {alt}"}, raw=True)
    plt.close(fig)


def _stamp(fig: Figure, text: str) -> None:
    line = 0.17 / fig.get_figheight()  # inches: room below everything else, axis labels too
    engine = fig.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(rect=(0, line, 1, 1 - line))
    stamp = fig.text(0.995, 0.005, text, ha="right", va="bottom", fontsize=8)
    stamp.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1})  # black images below


def _png(fig: Figure) -> str:
    drawn = io.BytesIO()
    packed = io.BytesIO()
    # A first layout, since one is not enough for images: they keep their shape, and a title over
    # them would be cut off at the top.
    fig.draw_without_rendering()
    # Twice the nominal pixels, so that it is sharp on a projector.
    fig.savefig(drawn, format="png", dpi=2 * fig.dpi)
    # A palette of 256 colours halves the size of a notebook, and the eye sees no difference.
    colours = Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    colours.save(packed, format="png", optimize=True)
    return base64.b64encode(packed.getvalue()).decode()
