"""Run the whole course again and again, and say how near its bounds came to failing.

``make stability`` runs all notebooks under nbval ten times on the official data and ten times on
the stand-in, with two threads and with one, and in the last five runs with other seeds. Each
lesson's run is added to ``results/stability.jsonl``, so that it may be broken off and gone on with;
runs of a lesson that has changed since, or whose helpers have, do not count. ``results/bounds.md``
then shows the worst and the usual (median) slack of each bound. Those whose worst slack is less
than a quarter of the usual one are printed. (Lesson 9 alone needs what lessons 4, 6 and 8 saved in
earlier runs of this.)
"""

# ruff: noqa: T201 - a command line tool prints

import argparse
import hashlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import nbformat
from lesson_code import lessons
from slack import FILE, watched

PROJECT = Path(__file__).resolve().parent.parent
LOG = PROJECT / "results" / "stability.jsonl"
TABLE = PROJECT / "results" / "bounds.md"
SAVED = PROJECT / "results" / "stability"  # what the lessons save, away from the student's files
RUNS, WITH_OTHER_SEEDS = 10, 5
NEAR = 0.25


def write_copy(folder: Path, lesson: str, shift: int) -> None:
    """Write the notebook with its checkpoints watched and its seed moved by ``shift``."""
    (path,) = (PROJECT / "notebooks").glob(f"{lesson}_*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and cell.source.startswith("# Checkpoint"):
            cell.source = watched(cell.source, f"{lesson} cell {index}")
        elif cell.cell_type == "code":
            cell.source = re.sub(r"^(SEED = \d+)", rf"\1 + {shift}", cell.source, flags=re.M)
    nbformat.write(notebook, folder / path.name)


def version(lesson: str, project: Path = PROJECT) -> str:
    """Return a number for a lesson's notebook and the helpers as they are."""
    files = [*(project / "notebooks").glob(f"{lesson}_*.ipynb")]
    for path in (project / "course_utils").rglob("*.py"):
        if not path.stem.startswith("lesson_") or path.stem == f"lesson_{lesson}":
            files.append(path)
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(files))).hexdigest()


def plans(only: str) -> list[dict]:
    """Return what each run of a lesson is to be: on both data sets, with 2 threads and 1 in turn.

    The lessons come in order, again and again, since some go on with what an earlier one saved.
    """
    versions = {lesson: version(lesson) for lesson in ([only] if only else lessons())}
    return [
        {
            "lesson": lesson,
            "version": versions[lesson],
            "number": number,
            "data": data,
            "threads": 2 - number % 2,
            "shift": max(0, number + 1 - (RUNS - WITH_OTHER_SEEDS)),
        }
        for number in range(RUNS)
        for data in ("official", "standin")
        for lesson in versions
    ]


def run(plan: dict, nbval: list[str]) -> dict:
    """Run the copy under nbval; return what came of it."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, notes = Path(temporary), Path(temporary) / "slack.jsonl"
        write_copy(folder, plan["lesson"], plan["shift"])
        notes.touch()
        env = os.environ | {"COURSE_RESULTS_DIR": str(SAVED), FILE: str(notes)}
        env |= {"OMP_NUM_THREADS": str(plan["threads"]), "PYTHONPATH": str(PROJECT / "tools")}
        env |= {"COURSE_DATA": {"official": "real", "standin": "standin"}[plan["data"]]}
        command = [sys.executable, "-m", "pytest", "-q", str(folder), *nbval]
        start = time.monotonic()
        done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True)
        slacks = [json.loads(line) for line in notes.read_text().splitlines()]
    return {
        "seconds": round(time.monotonic() - start),
        "failed": re.findall(r"^FAILED (.*)", done.stdout, re.M) or [""] * (done.returncode != 0),
        "report": done.stdout[-20_000:] if done.returncode else "",
        "slacks": slacks,
    }


def distributions(runs: list[dict]) -> dict[tuple[str, str, str], list[float]]:
    """Return the slacks of each bound: by data set, place and text, the smallest of each run."""
    found = defaultdict(list)
    for one in runs:
        smallest: dict[tuple[str, str, str], float] = {}
        for note in one["slacks"]:
            key = one["data"], note["place"], note["text"]
            smallest[key] = min(note["slack"], smallest.get(key, note["slack"]))
        for key, slack in smallest.items():
            found[key].append(slack)
    return found


def near(slacks: list[float]) -> bool:
    """Tell whether the worst slack is less than a quarter of the usual one."""
    return min(slacks) < NEAR * statistics.median(slacks)


def table(found: dict[tuple[str, str, str], list[float]]) -> str:
    """Return every bound as a line of a table, with its worst and its usual slack."""
    head = "| data | place | bound | worst slack | usual slack |"
    rows = [
        f"| {data} | {place} | `{text.replace('|', chr(92) + '|')}` "
        f"| {min(slacks):.3g} | {statistics.median(slacks):.3g} |"
        for (data, place, text), slacks in sorted(found.items())
    ]
    return "\n".join([head, "|---|---|---|---|---|", *rows, ""])


def print_near(runs: list[dict], found: dict[tuple[str, str, str], list[float]]) -> None:
    """Print the bounds that some run came near to, and how many runs failed."""
    for (data, place, text), slacks in sorted(found.items()):
        if near(slacks):
            worst, usual = min(slacks), statistics.median(slacks)
            print(
                f"{data:9}{place}: worst slack {worst:.3g}, usual {usual:.3g} ({len(slacks)} runs)"
            )
            print(f"         {text}")
    print(f"{sum(map(near, found.values()))} of {len(found)} bounds are near")
    print(f"{sum(bool(one['failed']) for one in runs)} of {len(runs)} runs failed")


def main() -> int:
    """Make the runs that the log does not hold yet; fail if one failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--lesson", default="", help="04; without it, all")
    options, nbval = parser.parse_known_args()
    SAVED.mkdir(parents=True, exist_ok=True)
    LOG.touch()
    kept = [json.loads(line) for line in LOG.read_text().splitlines()]
    runs = []
    for plan in plans(options.lesson):
        said = f"run {plan['number'] + 1} of {RUNS}, {plan['data']} data, {plan['threads']} threads"
        print(f"{said}, seed + {plan['shift']}, lesson {plan['lesson']}: ", end="", flush=True)
        made = next((one for one in kept if plan.items() <= one.items()), None)
        if made is None:
            made = plan | run(plan, nbval)
            with open(LOG, "a") as log:
                log.write(json.dumps(made) + "\n")
        print(f"{made['seconds']} s, failed: {made['failed'] or 'none'}", flush=True)
        runs.append(made)
    found = distributions(runs)
    TABLE.write_text(table(found))
    print_near(runs, found)
    return int(any(one["failed"] for one in runs))


if __name__ == "__main__":
    sys.exit(main())
