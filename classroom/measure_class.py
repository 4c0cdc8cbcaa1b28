"""Measure what a class needs: several students run one lesson at once on this machine.

``python classroom/measure_class.py 1 2 4 8`` prints a line each: seconds until the last student is
through, cells that failed, and the memory of one kernel (the largest of all at any moment) and of
all together. Resident memory counts shared pages once for each kernel, proportional memory splits
them up.
"""

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient

PROJECT = Path(__file__).resolve().parent.parent


async def study(path: Path, folder: str, threads: int) -> int:
    """Run one student's copy of a lesson from top to bottom; return how many cells failed."""
    client = NotebookClient(
        nbformat.read(path, as_version=4),
        timeout=3600,
        allow_errors=True,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    # A slider's output area would report back on the channel on which a cell's reply is awaited;
    # now and then that swallows the reply's arrival, and the student never gets through.
    client.widget_registry = {}
    settings = {"COURSE_RESULTS_DIR": folder, "OMP_NUM_THREADS": str(threads)}
    notebook = await client.async_execute(env=os.environ | settings)
    meant = "raises-exception"
    cells = [cell for cell in notebook.cells if meant not in cell.metadata.get("tags", ())]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    return sum(output.output_type == "error" for output in outputs)


async def watch(peaks: dict[str, float], stop: asyncio.Event) -> None:
    """Note the largest memory of one kernel, and of all kernels together, in MB."""
    while not stop.is_set():
        sizes = []
        for child in psutil.Process().children(recursive=True):
            try:
                info = child.memory_full_info()
            except psutil.Error:  # it has just ended
                continue
            sizes.append((info.rss / 1e6, info.pss / 1e6))
        if sizes:
            resident, proportional = zip(*sizes, strict=True)
            now = (max(resident), max(proportional), sum(proportional))
            for name, value in zip(("resident", "proportional", "together"), now, strict=True):
                peaks[name] = max(peaks.get(name, 0), value)
        await asyncio.sleep(1)


async def measure(path: Path, students: int, threads: int) -> dict[str, float]:
    """Let so many students run the lesson at once; return seconds, failed cells and peaks in MB."""
    peaks: dict[str, float] = {}
    stop = asyncio.Event()
    watching = asyncio.create_task(watch(peaks, stop))
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        homes = [f"{folder}/{number}" for number in range(students)]
        failed = await asyncio.gather(*(study(path, home, threads) for home in homes))
    seconds = time.perf_counter() - start
    stop.set()
    await watching
    return {"students": students, "seconds": seconds, "failed cells": sum(failed)} | peaks


def main() -> None:
    """Print a line for each number of students."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("students", nargs="+", type=int)
    parser.add_argument("--lesson", default="02")
    parser.add_argument("--threads", type=int, default=1, help="of each student")
    options = parser.parse_args()
    (path,) = (PROJECT / "notebooks").glob(f"{options.lesson}_*.ipynb")
    for students in options.students:
        row = asyncio.run(measure(path, students, options.threads))
        print(", ".join(f"{name} {value:.0f}" for name, value in row.items()), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
