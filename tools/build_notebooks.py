"""Execute ``notebooks/sources/*.py`` into ``notebooks/*.ipynb``, without noise.

A source holds the student's cells and, tagged ``claim``, the author's: cells that hold a sentence
of the text. The student's notebook is stored without them. ``tools/check_notebooks.py`` runs both.

A rebuild on the same machine gives the same bytes: cell ids come from the cells, and timestamps,
widget state and kernel details are left out. What a clock or this machine says would still differ,
so a cell about this machine keeps its stored output while nothing but its ``≈`` numbers moved.
"""

# ruff: noqa: T201 - a command line tool prints

import argparse
import functools
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import jupytext
import nbformat
from names_in_claims import BuildError, refuse_faulty_claims
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbclient.output_widget import OutputWidget
from nbformat import NotebookNode

from course_utils.data.atomic import atomically

TOOLS = Path(__file__).resolve().parent
PROJECT = TOOLS.parent
# What of the user's would change what is shown, or with which modules.
FOREIGN = re.compile("PYTHON.*|JUPYTER_.*|MPLBACKEND|MATPLOTLIBRC|OMP_NUM_THREADS")
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_TEXT = "An interactive figure: run this cell to move its sliders."
# What stands in the place of a bar that is stored at 0 %, and of a live text that is stored without
# its state; nbval_sanitize.cfg does the same to what a cell prints when it is checked.
STILL = {
    r" *0%\|.*\| 0/(\d+) \[.*": r" [progress bar, \1 steps]",
    r"HTML\(value='<em>(.*)</em>'\)": r"\1",
}
FIGURE = "figure"  # the tag of a cell that only draws: stored folded, one click away
MACHINE_COMMENT = "# About this machine"
APPROXIMATE = re.compile(r"≈ *[-+]?[0-9.,e+-]+ ?%?")
SECONDS_PER_CELL = 600


def notebook_for(source: Path) -> Path:
    """Return where the notebook of ``notebooks/sources/x.py`` lies: ``notebooks/x.ipynb``."""
    return source.parent.parent / f"{source.stem}.ipynb"


def is_claim(cell: NotebookNode) -> bool:
    """Say whether a cell is an author's: one that holds a sentence of the text."""
    return "claim" in cell.metadata.get("tags", [])


def convert(source: Path) -> NotebookNode:
    """Return the student's notebook of one source, not yet executed.

    Raises:
        BuildError: a claim says no sentence, asserts nothing, or gives the lesson a name.
    """
    notebook = read(source)
    refuse_faulty_claims(notebook, source)
    notebook.cells = [cell for cell in notebook.cells if not is_claim(cell)]
    return notebook


def read(source: Path) -> NotebookNode:
    """Return all cells of one source, claims too, with their tags and stable ids, no more."""
    notebook = jupytext.read(source, fmt="py:percent")
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNELSPEC, "language_info": {"name": "python"}}
    )
    seen: set[str] = set()
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        folded = {"jupyter": {"source_hidden": True}} if FIGURE in tags else {}
        cell.metadata = nbformat.from_dict({**folded, "tags": tags} if tags else {})
        cell["id"] = _cell_id(cell, seen)
    return notebook


def _cell_id(cell: NotebookNode, seen: set[str]) -> str:
    """Return an id that depends on the cell's text, so that a new cell renames no other."""
    twin = 0
    while True:
        text = f"{cell.cell_type}\n{cell.source}\n{twin}"
        name = hashlib.sha256(text.encode()).hexdigest()[:12]
        if name not in seen:
            seen.add(name)
            return name
        twin += 1


def environment() -> dict[str, str]:
    """Return the environment for kernels: this project's alone, computing on the CPU.

    What lessons leave for one another goes into a folder of its own: a student's results are his.
    So does what Matplotlib, IPython and Jupyter keep; home may be read-only, or not neutral.
    """
    env = {name: value for name, value in os.environ.items() if not FOREIGN.fullmatch(name)}
    folders = {"COURSE_RESULTS_DIR": "results", "MPLCONFIGDIR": "settings/matplotlib"}
    folders |= {"IPYTHONDIR": "settings/ipython", "JUPYTER_CONFIG_DIR": "settings/jupyter"}
    folders |= {"JUPYTER_DATA_DIR": "settings/jupyter-data"}
    own = {name: str(PROJECT / "build" / folder) for name, folder in folders.items()}
    return env | own | {"COURSE_DEVICE": "cpu", "PYTHONPATH": str(TOOLS)}


@functools.cache
def list_fonts() -> None:
    """Let Matplotlib list this machine's fonts now: the first lesson would say that it does."""
    command = [sys.executable, "-c", "import matplotlib.font_manager"]
    subprocess.run(command, env=environment(), capture_output=True, check=False)


class QuietOutput(OutputWidget):
    """A widget's output area that does not report back to the kernel.

    The report would be sent on the channel on which nbclient waits for the cell's reply; now and
    then that swallows the reply's arrival, and the build hangs.
    """

    def sync_state(self) -> None:
        """Send nothing: the state of widgets is not stored."""


def execute(notebook: NotebookNode, folder: Path) -> None:
    """Run all cells, in ``folder``, and clean what they gave.

    Raises:
        BuildError: a cell failed, took too long or killed the kernel.
    """
    metadata = notebook.metadata.copy()
    started: list[int] = []
    client = NotebookClient(
        notebook,
        timeout=SECONDS_PER_CELL,
        kernel_name=KERNELSPEC["name"],
        record_timing=False,
        coalesce_streams=True,
        on_cell_start=lambda cell, cell_index: started.append(cell.cell_type == "code"),
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
    )
    client.widget_registry = {"@jupyter-widgets/output": {"OutputModel": QuietOutput}}
    try:
        client.execute(env=environment())
    except CellExecutionError as error:
        raise BuildError(f"code cell {sum(started)}: {error.ename}: {error.evalue}") from error
    except (CellTimeoutError, DeadKernelError) as error:
        raise BuildError(f"code cell {sum(started)}: {error}") from error
    notebook.metadata = metadata
    _clean(notebook)


def _clean(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":  # a traceback names this machine's folders
                output.traceback = [f"{output.ename}: {output.evalue}"]
            data = output.get("data", {})
            if data.pop(WIDGET_VIEW, None):
                text = data.get("text/plain", "")
                for live, still in STILL.items():
                    text = re.sub(live, still, text)
                data["text/plain"] = WIDGET_TEXT if text.startswith("interactive") else text


def keep_machine_outputs(notebook: NotebookNode, old: NotebookNode) -> None:
    """Give the cells about this machine their old outputs back if only ``≈`` numbers moved.

    All of them or none, so that a page speaks of one run.
    """
    stored = {cell["id"]: cell for cell in old.cells if cell.cell_type == "code"}
    pairs = [
        (cell, stored.get(cell["id"], NotebookNode(outputs=None)))
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.source.startswith(MACHINE_COMMENT)
    ]
    if all(_folded(before.outputs) == _folded(cell.outputs) for cell, before in pairs):
        for cell, before in pairs:
            cell.outputs = before.outputs


def _folded(outputs: list[NotebookNode] | None) -> str:
    return APPROXIMATE.sub("≈", json.dumps(outputs, sort_keys=True, ensure_ascii=False))


def refuse_if_edited(path: Path) -> None:
    """Raise ``BuildError`` unless the notebook is missing or git shows it as committed."""
    if not path.exists():
        return
    command = ["git", "status", "--porcelain", "--ignored", "--untracked-files=all", "--"]
    try:
        answer = subprocess.run(
            [*command, path.name], cwd=path.parent, capture_output=True, text=True, check=True
        ).stdout.strip()
        way_out = "Commit it, or put the course's own back: `git checkout -- {folder}/{name}`"
    except (OSError, subprocess.CalledProcessError):
        answer = "git cannot tell whether it was edited"
        way_out = "Move {folder}/{name} away if it is yours"
    if answer:
        raise BuildError(
            f"not overwritten, it may hold edits of yours ({answer}).\n"
            f"  {way_out.format(folder=path.parent.name, name=path.name)};\n"
            "  to overwrite it all the same: `make notebooks FORCE=1`."
        )


def take_outputs(notebook: NotebookNode, old: NotebookNode) -> None:
    """Give every code cell the outputs that are stored for it.

    Raises:
        BuildError: the code is not the stored one, so it has to run.
    """
    new_code, old_code = (
        [cell for cell in one.cells if cell.cell_type == "code"] for one in (notebook, old)
    )
    if [cell.source for cell in new_code] != [cell.source for cell in old_code]:
        raise BuildError("more than text has changed: build it without TEXT=1")
    for new, stored in zip(new_code, old_code, strict=True):
        new.outputs, new.execution_count = stored.outputs, stored.execution_count


def build(source: Path, force: bool = False, text: bool = False) -> Path:
    """Execute one source and put its notebook in place; the old one stays if anything fails.

    Args:
        source: the lesson as its author edits it.
        force: overwrite a notebook that holds edits.
        text: run nothing; only sentences have changed since the notebook was stored.
    """
    target = notebook_for(source)
    notebook = convert(source)
    old = nbformat.read(target, as_version=4) if target.exists() else None
    if text:
        take_outputs(notebook, old or nbformat.v4.new_notebook())
    else:
        execute(notebook, target.parent)
        if old:
            keep_machine_outputs(notebook, old)
    if not force:  # again: it may have been edited while the cells ran
        refuse_if_edited(target)
    with atomically(target) as part:
        nbformat.write(notebook, part)
    return target


def find_sources(folder: Path, lessons: list[str]) -> list[Path]:
    """Return the sources of the named lessons (``2`` or ``02``), or of all, in order."""
    sources = sorted(folder.glob("[0-9][0-9]_*.py"))
    wanted = {lesson.zfill(2) for lesson in lessons}
    unknown = wanted - {source.name[:2] for source in sources}
    if unknown:
        there = ", ".join(source.name[:2] for source in sources)
        raise BuildError(f"no lesson {', '.join(sorted(unknown))}; there are {there or 'none'}")
    return [source for source in sources if not wanted or source.name[:2] in wanted]


def build_all(folder: Path, lessons: list[str], force: bool = False, text: bool = False) -> None:
    """Build the lessons one after the other; look for edited notebooks before the first."""
    sources = find_sources(folder, lessons)
    current = ""
    if not text:
        list_fonts()
    try:
        for source in sources if not force else []:
            current = notebook_for(source).name
            refuse_if_edited(notebook_for(source))
        for source in sources:
            current = notebook_for(source).name
            print(f"{current:36}", end="", flush=True)
            started = time.perf_counter()
            build(source, force, text)
            print(f"{time.perf_counter() - started:6.1f} s", flush=True)
    except BuildError as error:
        raise BuildError(f"{current}: {error}") from error


def main(arguments: list[str] | None = None) -> int:
    """Build from the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Execute the lessons' sources into notebooks.")
    parser.add_argument("lessons", nargs="*", help="lesson numbers, as in 02; all if none is given")
    parser.add_argument("--force", action="store_true", help="overwrite edited notebooks too")
    parser.add_argument("--text", action="store_true", help="only text has changed: run nothing")
    parser.add_argument("--check", action="store_true", help="look at the claims; run nothing")
    parser.add_argument("--sources", type=Path, default=PROJECT / "notebooks" / "sources")
    options = parser.parse_args(arguments)
    try:
        if options.check:
            for source in find_sources(options.sources, options.lessons):
                convert(source)
        else:
            build_all(options.sources, options.lessons, options.force, options.text)
    except BuildError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
