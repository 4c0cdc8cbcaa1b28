"""Every recurring picture of the course."""

from course_utils.plotting.charts import (
    confusion_matrix,
    curves,
    plot_predictions,
    probability_bars,
)
from course_utils.plotting.images import image_grid, mosaic, sheet_html
from course_utils.plotting.output import show

__all__ = [
    "confusion_matrix",
    "curves",
    "image_grid",
    "mosaic",
    "plot_predictions",
    "probability_bars",
    "sheet_html",
    "show",
]
