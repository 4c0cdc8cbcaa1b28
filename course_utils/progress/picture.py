"""The class as a picture: exercise against student, and above it how many are through."""

from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from course_utils.progress.outcome import BROKEN, MEANING, SOLVED, TRIED, UNJUDGED, UNTOUCHED, Row
from course_utils.progress.showing import exercises_of, students_of
from course_utils.progress.watching import printable

# Okabe and Ito's colours, as in the course's figures; the signs say the same without them.
COLOURS = {
    SOLVED: "#0072B2",
    TRIED: "#F0A080",
    BROKEN: "#B03A00",
    UNJUDGED: "#BFD9EA",
    UNTOUCHED: "#F2F2F2",
}
WHITE = {SOLVED, BROKEN}  # the sign's colour on them


def draw(rows: list[Row], path: Path) -> None:
    """Draw the rows of a class into a file."""
    students, numbers = students_of(rows), list(exercises_of(rows))
    size = (2.6 + 0.36 * len(numbers), 2.6 + 0.27 * len(students))
    with plt.style.context("course_utils.course"):
        fig, (above, below) = plt.subplots(
            2,
            sharex=True,
            figsize=(max(size[0], 6), size[1]),
            height_ratios=[1.1, 0.27 * len(students)],
        )
        _bars(rows, numbers, len(students), above)
        _squares(rows, students, numbers, below)
        fig.legend(*above.get_legend_handles_labels(), loc="outside lower center", ncols=5)
        fig.savefig(path, dpi=150)
        plt.close(fig)


def _bars(rows: list[Row], numbers: list[str], students: int, ax: Axes) -> None:
    counts = Counter((row.exercise, row.outcome.mark) for row in rows)
    bottom = np.zeros(len(numbers))
    for mark, colour in COLOURS.items():
        heights = np.array([counts[number, mark] for number in numbers])
        label = f"{mark} {MEANING[mark]}"
        ax.bar(range(len(numbers)), heights, 0.8, bottom, color=colour, label=label)
        bottom += heights
    ax.set(ylabel="students", ylim=(0, students), title="Where the class stands")
    ax.grid(axis="x", visible=False)
    ax.tick_params(bottom=False)


def _squares(rows: list[Row], students: list[str], numbers: list[str], ax: Axes) -> None:
    order = list(COLOURS)
    table = np.full((len(students), len(numbers)), order.index(UNTOUCHED))
    for row in rows:
        place = students.index(row.student), numbers.index(row.exercise)
        table[place] = order.index(row.outcome.mark)
        colour = "white" if row.outcome.mark in WHITE else "black"
        ax.text(*place[::-1], row.outcome.mark, ha="center", va="center", color=colour, fontsize=9)
    colours = ListedColormap(list(COLOURS.values()))
    places = np.arange(len(numbers)), np.arange(len(students))
    ax.pcolormesh(*places, table, cmap=colours, vmin=0, vmax=len(order) - 1, edgecolor="white")
    for gap in range(1, len(numbers)):  # a wider gap between two lessons
        if numbers[gap].split(".")[0] != numbers[gap - 1].split(".")[0]:
            ax.axvline(gap - 0.5, color="white", linewidth=6)
    ax.set_xticks(range(len(numbers)), numbers, rotation=90)
    names = [printable(name)[:30] for name in students]
    ax.set_yticks(range(len(students)), names, parse_math=False)
    ax.set(xlabel="exercise", ylim=(len(students) - 0.5, -0.5))
    ax.grid(visible=False)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
