"""Plant one bug at a time in a lesson, or in the helpers, and see whether the tests turn red.

``make mutants NB=04 SEED=1`` draws bugs from the catalogue in ``bugs.py``, runs the lesson with
each of them under nbval as ``make test`` does, and prints the changes that no cell noticed. Without
``NB`` the bugs go into ``course_utils``, and ``pytest tests`` must notice them. Another seed draws
other bugs. A change that makes no difference stands in ``equivalent_mutants.toml``, with a reason.
"""

# ruff: noqa: T201 - a command line tool prints

import argparse
import difflib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat
from bugs import Bug, bugs

PROJECT = Path(__file__).resolve().parent.parent
EQUIVALENT = PROJECT / "tools" / "equivalent_mutants.toml"
NOT_COPIED = (".git", ".venv", "data", "results", "test-artefacts", "__pycache__", "*.egg-info")
LIMIT = 1200  # seconds for one bug
NO_BUG = Bug("none", 0, 0, "")


@dataclass(frozen=True)
class Mutant:
    """One bug in one piece of code: a cell of a notebook, or a module."""

    place: str  # "02_mlp_mnist", "course_utils/gan.py"
    index: int
    source: str
    bug: Bug

    def diff(self) -> tuple[str, ...]:
        """Return the lines taken out and put in, between the lines before and after them."""
        before, after = self.source.splitlines(), self.bug.plant(self.source).splitlines()
        lines = list(difflib.unified_diff(before, after, n=1, lineterm=""))[2:]
        return tuple(line for line in lines if not line.startswith("@@"))


def in_lesson(path: Path) -> list[Mutant]:
    """Return the bugs that fit a lesson's code.

    Left out are its checkpoints and exercises, which are tests themselves, and cells whose output
    nobody compares: sliders are tested in a browser, and clocks not at all.
    """
    found = []
    for index, cell in enumerate(nbformat.read(path, as_version=4).cells):
        if cell.cell_type == "code" and not _is_left_out(cell):
            found += [Mutant(path.stem, index, cell.source, bug) for bug in bugs(cell.source)]
    return found


def _is_left_out(cell: nbformat.NotebookNode) -> bool:
    if cell.metadata.get("tags") or cell.source.startswith("# Checkpoint"):
        return True
    return re.search(r"^checks\.", cell.source, re.MULTILINE) is not None


def in_helpers() -> list[Mutant]:
    """Return the bugs that fit the modules of ``course_utils``."""
    found = []
    for path in sorted((PROJECT / "course_utils").rglob("*.py")):
        source = path.read_text()
        found += [Mutant(str(path.relative_to(PROJECT)), 0, source, bug) for bug in bugs(source)]
    return found


def draw(mutants: list[Mutant], count: int, seed: int) -> list[Mutant]:
    """Choose a kind of bug first, then a place for it, so that no kind crowds out the others."""
    rng, by_kind = random.Random(seed), defaultdict(list)
    for mutant in mutants:
        by_kind[mutant.bug.kind].append(mutant)
    for kind in by_kind.values():
        rng.shuffle(kind)
    chosen: list[Mutant] = []
    while len(chosen) < count and by_kind:
        for kind in rng.sample(sorted(by_kind), len(by_kind)):
            chosen.append(by_kind[kind].pop())
            if not by_kind[kind]:
                del by_kind[kind]
    return chosen[:count]


def run_lesson(path: Path, mutant: Mutant, options: list[str]) -> bool:
    """Run the lesson with the bug under nbval, away from the student's files; True if it is red."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[mutant.index].source = mutant.bug.plant(mutant.source)
    with tempfile.TemporaryDirectory() as folder:
        nbformat.write(notebook, Path(folder) / path.name)
        results = PROJECT / "results"
        if results.exists():
            shutil.copytree(results, Path(folder) / "results")
        env = os.environ | {"COURSE_RESULTS_DIR": f"{folder}/results"}
        command = [sys.executable, "-m", "pytest", "-x", "-q", f"{folder}/{path.name}", *options]
        return _is_red(command, PROJECT, env)


def run_helpers(mutant: Mutant) -> bool:
    """Run the unit tests on a copy of the project with the bug in it; True if they are red."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "course"
        shutil.copytree(PROJECT, copy, ignore=shutil.ignore_patterns(*NOT_COPIED))
        (copy / ".venv").symlink_to(PROJECT / ".venv")
        (copy / mutant.place).write_text(mutant.bug.plant(mutant.source))
        env = os.environ | {"PYTHONPATH": str(copy), "COURSE_DATA_DIR": str(PROJECT / "data")}
        command = [sys.executable, "-m", "pytest", "-x", "-q"]
        tests = [*_nearest(mutant.place), ["tests"]]
        return any(_is_red([*command, *some], copy, env) for some in tests)


def _nearest(module: str) -> Iterator[list[str]]:
    """Yield the tests that bear a module's name, or else its folder's: most bugs end there."""
    tests = sorted((PROJECT / "tests").glob("test_*.py"))
    for part in reversed(Path(module).with_suffix("").parts[1:]):
        if found := [f"tests/{path.name}" for path in tests if part in path.stem]:
            yield found
            break
    if lesson := re.search(r"checks/lesson_(\d+)", module):
        yield ["tests/test_exercises.py", "--lesson", lesson[1]]


def _is_red(command: list[str], folder: Path, env: dict[str, str]) -> bool:
    try:
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return True
    if done.returncode not in (0, 1, 2):
        raise RuntimeError(done.stdout.decode()[-2000:] + done.stderr.decode()[-2000:])
    return done.returncode != 0


def reasons() -> dict[tuple[str, ...], str]:
    """Return why changes make no difference, by their place and their lines."""
    listed = tomllib.loads(EQUIVALENT.read_text()).get("mutant", [])
    return {
        (entry["place"], *entry["diff"].strip("\n").splitlines()): entry["reason"]
        for entry in listed
    }


def main() -> int:
    """Print a line for each bug, the survivors and the rate; fail below the rate that is asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--lesson", help="04; without it, the helpers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, help="15 in a lesson, 60 in the helpers")
    parser.add_argument("--rate", type=float, default=0.95)
    options, nbval = parser.parse_known_args()
    if options.lesson:
        (path,) = (PROJECT / "notebooks").glob(f"{options.lesson}_*.ipynb")
    every = in_lesson(path) if options.lesson else in_helpers()

    def is_red(mutant: Mutant) -> bool:
        return run_lesson(path, mutant, nbval) if options.lesson else run_helpers(mutant)

    if is_red(replace(every[0], bug=NO_BUG)):
        sys.exit("The tests are red without any bug, so they would seem to catch everything.")
    known, counted, survived = reasons(), 0, 0
    for mutant in draw(every, options.count or (15 if options.lesson else 60), options.seed):
        if reason := known.get((mutant.place, *mutant.diff())):
            print(f"equivalent  {mutant.bug.kind}, {mutant.place}: {reason}", flush=True)
            continue
        start = time.monotonic()
        red = is_red(mutant)
        counted, survived = counted + 1, survived + (not red)
        said = "killed" if red else "SURVIVED"
        print(f"{said:12}{mutant.bug.kind} ({time.monotonic() - start:.0f} s), {mutant.place}")
        print("\n".join(f"    {line}" for line in mutant.diff()), flush=True)
    print(f"{counted - survived} of {counted} killed")
    return int(counted - survived < options.rate * counted)


if __name__ == "__main__":
    sys.exit(main())
