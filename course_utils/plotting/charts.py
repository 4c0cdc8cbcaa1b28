"""Curves, predictions, confusion matrices, probabilities: helpers that draw on an ``Axes``."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import ArrayLike


def curves(
    series: Mapping[str, Sequence[float]],
    ax: Axes | None = None,
    xlabel: str = "epoch",
    ylabel: str = "loss",
    title: str = "",
    window: int = 1,
) -> Axes:
    """Draw one line for each entry, with its name in the legend; x counts from 0.

    The lines differ in dash pattern as well as in colour. With a window, each point is the mean
    of so many values that follow one another, and stands in their middle. A window longer than
    a series raises ValueError.
    """
    ax = ax or plt.subplots()[1]
    styles = ("-", "--", "-.", ":")
    for i, (name, values) in enumerate(series.items()):
        means = np.lib.stride_tricks.sliding_window_view(values, window).mean(axis=-1)
        middles = np.arange(len(means)) + (window - 1) / 2
        ax.plot(middles, means, styles[i % len(styles)], label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    ax.legend()
    return ax


def plot_predictions(
    train_data: ArrayLike,
    train_labels: ArrayLike,
    test_data: ArrayLike,
    test_labels: ArrayLike,
    predictions: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw training points (blue), test points (green) and predictions for the latter (red).

    Each argument is a tensor or array of ``n`` numbers on the CPU, of shape ``(n,)`` or ``(n, 1)``.
    """
    ax = ax or plt.subplots()[1]
    ax.scatter(train_data, train_labels, s=14, c="#0072B2", marker="o", label="training data")
    ax.scatter(test_data, test_labels, s=18, c="#007A5A", marker="s", label="test data")
    if predictions is not None:
        ax.scatter(test_data, predictions, s=26, c="#C22F00", marker="x", label="predictions")
    ax.set(xlabel="x", ylabel="y")
    ax.legend(loc="upper left")
    return ax


def confusion_matrix(
    matrix: np.ndarray | torch.Tensor, class_names: Sequence[str], ax: Axes | None = None
) -> Axes:
    """Draw counts ``(k, k)``: rows are the true classes, columns what the net said.

    The shade counts mistakes only: the diagonal would drown them.

    Raises:
        ValueError: the matrix is not ``(k, k)`` for ``k`` class names.
    """
    counts = np.asarray(matrix)
    k = len(class_names)
    if counts.shape != (k, k):
        raise ValueError(f"matrix of shape {counts.shape} for {k} class names")
    ax = ax or plt.subplots(figsize=(6.4, 6))[1]
    mistakes = np.where(np.eye(k, dtype=bool), 0, counts)
    ax.imshow(mistakes, cmap="Oranges", vmax=max(1.6 * mistakes.max(), 1))
    for (row, column), count in np.ndenumerate(counts):
        weight = "bold" if row == column else "normal"
        ax.text(column, row, str(int(count)), ha="center", va="center", fontsize=9, weight=weight)
    if max(map(len, class_names)) > 2:  # words would run into each other
        ax.set_xticks(range(k), class_names, rotation=45, ha="right")
    else:
        ax.set_xticks(range(k), class_names)
    ax.set_yticks(range(k), class_names)
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.grid(visible=False)
    return ax


def probability_bars(
    probabilities: ArrayLike, class_names: Sequence[str], ax: Axes | None = None, title: str = ""
) -> Axes:
    """Draw ``k`` probabilities as bars on a scale from 0 to 1, one for each class name."""
    ax = ax or plt.subplots(figsize=(5, 2.6))[1]
    ax.bar(range(len(class_names)), np.asarray(probabilities), tick_label=list(class_names))
    ax.set(ylim=(0, 1), ylabel="probability", title=title)
    ax.grid(visible=False, axis="x")
    return ax
