"""A notebook as JSON: read, compared, and written byte for byte as JupyterLab would write it."""

import json
import platform
from pathlib import Path
from typing import Any

from course_utils.data.atomic import atomically

Cell = dict[str, Any]
Notebook = dict[str, Any]
LARGEST = 100 * 10**6  # bytes; a lesson with its figures has two million


def read(path: Path) -> Notebook | None:
    """Return the notebook in a file, or ``None`` if there is none that can be read."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:  # a folder, a pipe, a trap
            return None
        notebook = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):  # half a file, or none of ours
        return None
    return notebook if _is_notebook(notebook) else None


def _is_notebook(content: Any) -> bool:
    cells = content.get("cells") if isinstance(content, dict) else None
    return isinstance(cells, list) and all(
        isinstance(cell, dict)
        and "cell_type" in cell
        and isinstance(cell.get("source"), str | list)
        for cell in cells
    )


def write(notebook: Notebook, path: Path) -> None:
    """Write a notebook whole or not at all, in the form of ``nbformat``.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    text = json.dumps(
        notebook, ensure_ascii=False, indent=1, sort_keys=True, separators=(",", ": ")
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomically(path) as part:
        part.write_bytes(text.encode() + b"\n")


def for_this_machine(lesson: Notebook) -> Notebook:
    """Return a lesson with the metadata that JupyterLab would give it at its first save.

    Without them the mere opening of a lesson changes the file.
    """
    language = {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": platform.python_version(),
    }
    return {**lesson, "metadata": {**lesson.get("metadata", {}), "language_info": language}}


def text(cell: Cell) -> str:
    """Return what a cell says."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def written(notebook: Notebook) -> list[tuple[str, str]]:
    """Return what an author or a student types: each cell's kind and text, but no blank cell.

    JupyterLab appends a blank one when the last cell is run.
    """
    return [(cell["cell_type"], text(cell)) for cell in notebook["cells"] if text(cell).strip()]


def is_newer(lesson: Notebook, handed_out: Notebook) -> bool:
    """Say whether a lesson's cells are others than those that were handed out."""
    return written(lesson) != written(handed_out) or _tags(lesson) != _tags(handed_out)


def _tags(notebook: Notebook) -> list[list[str]]:
    cells = [cell for cell in notebook["cells"] if text(cell).strip()]
    return [cell.get("metadata", {}).get("tags", []) for cell in cells]
