"""Time the course's trainings beside the straightforward ones, and beside the machine's limit.

``make bench`` prints a table and draws it. Both forms of a model take turns, and the median counts.
The limit is the time of the matrix products of the course's form alone, one after the other.

``make bench FULL=1`` also trains each form to its end, and prints what it has reached, and whether
the course's form has reached what the straightforward one has. How a training ends is luck as well:
of the course's form, the middle one of three counts. The straightforward one would take too long.
"""

# ruff: noqa: T201 - a command line tool prints

import argparse
import contextlib
import io
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
from bench_models import Form, Model, models
from products import Products, Shape, seconds_of

from course_utils.lessons import results

REPEATS = 5
SECONDS = 2.0  # for one measurement
FEW = 2  # batches
TRAININGS = 1, 3  # of the straightforward form to its end, and of the course's


@dataclass(frozen=True)
class Row:
    """What was measured of one model; seconds for an image."""

    model: Model
    straightforward: float
    course: float
    limit: float

    def wholes(self) -> tuple[float, float]:
        """Return the seconds of a whole training, straightforward and in the course's form."""
        first, course = self.model.straightforward, self.model.course
        return (
            self.straightforward * first.images * first.rounds,
            self.course * course.images * course.rounds,
        )


def measure(model: Model) -> Row:
    """Time both forms and the products of one, in turns."""
    batches = [_calibrated(form) for form in model.forms]
    products = model.shapes or _products(model.course)
    taken = []
    for _ in range(REPEATS):
        times = [_seconds_a_batch(*both) for both in zip(model.forms, batches, strict=True)]
        times.append(seconds_of(products, model.multiply))
        taken.append(times)
    first, course, limit = (statistics.median(column) for column in zip(*taken, strict=True))
    size = model.course.batch_size
    return Row(model, first / model.straightforward.batch_size, course / size, limit / size)


def _calibrated(form: Form) -> int:
    """Return how many batches take about ``SECONDS``, and are no more than a round has."""
    _seconds_a_batch(form, 3)  # the first time is the slowest
    wanted = max(5, round(SECONDS / _seconds_a_batch(form, 15)))
    return min(wanted, form.images // form.batch_size - FEW)


def _seconds_a_batch(form: Form, batches: int) -> float:
    """Return the time of a batch, without what comes before and after all of them."""
    return (_seconds(form, FEW + batches) - _seconds(form, FEW)) / batches


def _seconds(form: Form, batches: int) -> float:
    with _quiet():
        start = time.perf_counter()
        form.train(batches, 1)
        return time.perf_counter() - start


def _products(form: Form) -> Counter[Shape]:
    """Return the products of one iteration: those of three, less those of two."""
    counts = []
    for batches in (FEW, FEW + 1):
        with _quiet(), Products() as products:
            form.train(batches, 1)
        counts.append(products.counts)
    return counts[1] - counts[0]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep progress bars off the screen; they are drawn all the same, as in the lesson."""
    with contextlib.redirect_stderr(io.StringIO()):
        yield


def print_head() -> None:
    """Print the names of the columns."""
    print(f"{'':20}{'µs an image':^28}{'':16}{'s to the end':^21}")
    print(f"{'':20}{'first form':>12}{'course':>9}{'times':>7}{'limit':>9}{'of it':>7}", end="")
    print(f"{'first form':>12}{'course':>9}")


def print_row(row: Row) -> None:
    """Print what was measured of one model."""
    first, course, limit = (1e6 * value for value in (row.straightforward, row.course, row.limit))
    print(f"{row.model.name:20}{first:12.1f}{course:9.1f}{first / course:7.1f}{limit:9.1f}", end="")
    print("{:7.0%}{:12.0f}{:9.0f}".format(limit / course, *row.wholes()), flush=True)


def print_sum(rows: list[Row]) -> None:
    """Print how long the trainings take together, and the course's share of that."""
    first, course = (sum(column) for column in zip(*(row.wholes() for row in rows), strict=True))
    print(f"{'together':64}{first:12.0f}{course:9.0f}, {course / first:.0%} of the time")


def draw(rows: list[Row], path: Path) -> None:
    """Draw both forms and the limit, each model against its own straightforward form."""
    fig, ax = plt.subplots(figsize=(9, 0.5 * len(rows) + 1.5))
    for place, row in enumerate(rows):
        first, course, limit = row.straightforward, row.course, row.limit
        ax.barh(place, 1, 0.7, color="lightgrey", label="straightforward")
        ax.barh(place, course / first, 0.7, color="C0", label="course")
        ax.barh(place, limit / first, 0.25, color="black", label="its matrix products alone")
        said = f"{1e6 * first:.0f} to {1e6 * course:.0f} µs: {first / course:.1f} times as fast"
        ax.text(0.98, place, said, ha="right", va="center", fontsize=9)
    ax.set(yticks=range(len(rows)), yticklabels=[row.model.name for row in rows], xlim=(0, 1))
    ax.set(xlabel="time for an image, as a share of the straightforward form's")
    ax.invert_yaxis()
    ax.grid(False)
    ax.legend(*(part[:3] for part in ax.get_legend_handles_labels()), ncols=3, loc=(0, 1.01))
    fig.savefig(path, dpi=100, bbox_inches="tight")
    plt.close(fig)


class End(NamedTuple):
    """What a form has reached, smaller being better, and after how many seconds."""

    result: float
    seconds: float


def to_the_end(form: Form, model: Model, trainings: int) -> End:
    """Train a form until it is done, so many times, and print how it ends: the medians."""
    ends = []
    for _ in range(trainings):
        start = time.perf_counter()
        with _quiet():
            trained = form.to_the_end()
        ends.append(End(seconds=time.perf_counter() - start, result=model.result(trained)))
    end = End(*(statistics.median(values) for values in zip(*ends, strict=True)))
    print(f"{end.result:10.2f} in {end.seconds:5.1f} s", end="", flush=True)
    return end


def print_ends(chosen: list[Model]) -> None:
    """Train every model in both forms; print how each ends, and the sums."""
    print(f"\n{'':36}{'first form':>21}{'course':>21}")
    pairs = []
    for model in chosen:
        print(f"{model.name:20}{model.measure:16}", end="", flush=True)
        first, course = pair = [
            to_the_end(form, model, n) for form, n in zip(model.forms, TRAININGS, strict=True)
        ]
        print(", reached" if course.result <= first.result else ", not reached", flush=True)
        pairs.append(pair)
    first, course = (sum(end.seconds for end in ends) for ends in zip(*pairs, strict=True))
    reached = sum(course.result <= first.result for first, course in pairs)
    print(f"{reached} of {len(pairs)} reached; {course:.0f} s instead of {first:.0f} s", end="")
    print(f", {course / first:.0%} of the time")


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--full", action="store_true", help="train each form to its end, too")
    parser.add_argument("--only", default="", help="models whose name holds this")
    options = parser.parse_args()
    chosen = [model for model in models() if options.only in model.name]
    print_head()
    rows = []
    for model in chosen:
        rows.append(measure(model))
        print_row(rows[-1])
    print_sum(rows)
    figure = results.folder() / "bench.png"
    draw(rows, figure)
    print(f"drawn in {figure}")
    if options.full:
        print_ends(chosen)


if __name__ == "__main__":
    main()
