"""Run the lessons and hold them to their word: outputs as stored, and every claim true.

For each lesson a superset notebook is made in ``build/claims``: the student's cells with their
stored outputs, and the author's claims between them. Those notebooks are run once, under nbval:
one alone with all cores, several two at a time with one thread each. Nets as small as these gain
little from a second thread.
"""

# ruff: noqa: T201 - a command line tool prints

import argparse
import os
import shutil
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path

import nbformat
from build_notebooks import (
    PROJECT,
    TOOLS,
    BuildError,
    convert,
    environment,
    find_sources,
    is_claim,
    list_fonts,
    notebook_for,
    read,
)
from nbformat import NotebookNode

FOLDER = PROJECT / "build" / "claims"
NBVAL = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=600"]
NBVAL += [f"--nbval-sanitize-with={TOOLS / 'nbval_sanitize.cfg'}", "-p", "nbval_report"]
NBVAL += ["-p", "lessons_in_turn"]
SIDE_BY_SIDE = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
LAST = {"05", "07", "10"}  # no lesson waits for these: they fill the time of those that wait


def superset(source: Path) -> NotebookNode:
    """Return a lesson's stored notebook with the claims of its source between the cells.

    Raises:
        BuildError: the notebook is missing, or not what its source says.
    """
    target = notebook_for(source)
    if not target.exists():
        raise BuildError(f"{target.name} was never built: make notebooks NB={source.name[:2]}")
    stored = nbformat.read(target, as_version=4)
    refuse_if_drifted(stored, source)
    students = iter(stored.cells)
    notebook = nbformat.v4.new_notebook(metadata=stored.metadata)
    # `%load_ext` leaves no name behind.
    notebook.cells.append(nbformat.v4.new_code_cell("%load_ext claims", execution_count=1))
    for cell in read(source).cells:
        if is_claim(cell):
            text = f"%%claim\n{cell.source}"
            notebook.cells.append(nbformat.v4.new_code_cell(text, execution_count=1))
        else:
            notebook.cells.append(next(students))
    return notebook


def refuse_if_drifted(stored: NotebookNode, source: Path) -> None:
    """Raise ``BuildError`` unless the notebook holds the cells that its source has now."""
    lesson = source.name[:2]
    for i, (old, new) in enumerate(zip_longest(stored.cells, convert(source).cells)):
        same = old and new and (old.cell_type, old.source) == (new.cell_type, new.source)
        if not same or old.metadata != new.metadata:
            raise BuildError(
                f"notebooks/{source.stem}.ipynb: cell {i + 1} is not what its source says now; "
                f"build it: make notebooks NB={lesson}"
            )


def write_supersets(folder: Path, sources: list[Path]) -> list[Path]:
    """Write the superset notebooks of these lessons, and no others, into a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    paths = []
    for source in sources:
        path = folder / f"{source.stem}.ipynb"
        nbformat.write(superset(source), path)
        paths.append(path)
    return paths


def in_turn(paths: list[Path]) -> list[Path]:
    """Return lessons in the order in which they begin."""
    return sorted(paths, key=lambda path: (path.name[:2] in LAST, path.name))


def main(arguments: list[str] | None = None) -> int:
    """Check from the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Run lessons with their claims under nbval.")
    parser.add_argument("lessons", nargs="*", help="lesson numbers, as in 02; all if none is given")
    options, more = parser.parse_known_args(arguments)
    try:
        sources = find_sources(PROJECT / "notebooks" / "sources", options.lessons)
        folder = FOLDER / ("-".join(options.lessons) or "all")
        paths = write_supersets(folder, in_turn(sources))
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    list_fonts()
    names = [os.path.relpath(path, PROJECT) for path in paths]
    command = [sys.executable, "-m", "pytest", *names, *NBVAL, *more]
    # nbval reads what a cell says when the cell is done. Until then ZeroMQ holds 1,000 messages on
    # either side and drops the rest, and a progress bar alone sends five a second.
    env = environment() | {"TQDM_MININTERVAL": "2"}
    if len(names) > 1:
        command += SIDE_BY_SIDE
        env["OMP_NUM_THREADS"] = "1"
    return subprocess.run(command, cwd=PROJECT, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
