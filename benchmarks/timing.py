"""What one iteration of a training loop costs, on a machine that does other things as well."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise


class Ticking:
    """The first batches of a loader; notes the time at which each is handed out.

    A loop that is given these batches need not know that it is timed.

    Args:
        batches: any iterable, gone through from its beginning.
        count: how many batches to hand out, at least 2.
    """

    def __init__(self, batches: Iterable[object], count: int) -> None:
        self.batches, self.count = batches, count
        self.ticks: list[float] = []

    def __iter__(self) -> Iterator[object]:
        for batch in islice(self.batches, self.count):
            self.ticks.append(time.perf_counter())
            yield batch

    def fastest(self) -> float:
        """Return the seconds of the fastest iteration, with the loading of its next batch.

        Whatever else a machine does meanwhile can only make an iteration longer.

        Raises:
            ValueError: fewer than two batches were handed out.
        """
        if len(self.ticks) < 2:
            raise ValueError("no iteration was timed: that needs two batches, one after the other")
        return min(after - before for before, after in pairwise(self.ticks))
