"""Every recurring picture of the course."""

from course_utils.plotting.charts import (
    confusion_matrix,
    curves,
    plot_predictions,
    probability_bars,
)
from course_utils.plotting.images import LiveSheet, image_grid, mosaic
from course_utils.plotting.output import show

__all__ = [
    "LiveSheet",
    "confusion_matrix",
    "curves",
    "image_grid",
    "mosaic",
    "plot_predictions",
    "probability_bars",
    "show",
]
