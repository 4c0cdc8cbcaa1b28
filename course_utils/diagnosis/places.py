"""Everything that a lesson, Jupyter or the data write, tried where they write it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from course_utils import paths
from course_utils.diagnosis.finding import Finding, note, ok, problem

DATA_GIGABYTES = 0.25  # both data sets, packed and unpacked
ELSEWHERE = "set {} to a folder that you may write and that has room"


def folders() -> Iterator[Finding]:
    """Try the folders of results and of the student's copies."""
    for subject, folder, variable in (
        ("results", paths.results_folder(create=False), "COURSE_RESULTS_DIR"),
        ("work", paths.work_folder(), "COURSE_WORK_DIR"),
    ):
        wrong = trouble(folder)
        if wrong:
            yield problem(subject, wrong, ELSEWHERE.format(variable))
        else:
            yield ok(subject, f"{free_gigabytes(existing(folder)):.1f} GB free for {folder}")


def home() -> Iterator[Finding]:
    """Try the folders in which Jupyter, IPython and Matplotlib keep what is theirs."""
    refused = [one for one in _theirs() if trouble(one.folder, gigabytes=0)]
    below = os.path.expanduser("~")
    at_home = [one for one in refused if one.folder.is_relative_to(below)]
    if any(one.needed for one in at_home):  # one cause: HOME itself
        whose = ", ".join(one.what for one in at_home)
        text = f"{trouble(at_home[0].folder, gigabytes=0)}, and is needed for {whose}"
        yield problem("HOME", text, "set HOME to a folder that you may write, or use make lab")
        refused = [one for one in refused if one not in at_home]
    for one in refused:
        text = f"{trouble(one.folder, gigabytes=0)}; it is for {one.what}"
        cure = f"set {one.variable} to a folder that you may write"
        yield problem(one.variable, text, cure) if one.needed else note(one.variable, text, cure)


class _Kept(NamedTuple):
    what: str
    folder: Path
    variable: str  # moves it elsewhere
    needed: bool  # lessons stop without


def _theirs() -> Iterator[_Kept]:
    try:
        from jupyter_core import paths as jupyter
    except ImportError:
        return  # `packages` has said so
    connections, settings = jupyter.jupyter_runtime_dir(), jupyter.jupyter_config_dir()
    yield _Kept("Jupyter's connections", Path(connections), "JUPYTER_RUNTIME_DIR", True)
    yield _Kept("Jupyter's data", Path(jupyter.jupyter_data_dir()), "JUPYTER_DATA_DIR", True)
    yield _Kept("Jupyter's settings", Path(settings), "JUPYTER_CONFIG_DIR", True)
    history = os.environ.get("IPYTHONDIR") or os.path.join("~", ".ipython")
    yield _Kept("IPython's history", Path(history).expanduser(), "IPYTHONDIR", False)
    yield _Kept("Matplotlib's fonts", _matplotlib(), "MPLCONFIGDIR", False)


def _matplotlib() -> Path:
    chosen = os.environ.get("MPLCONFIGDIR")
    if chosen:
        return Path(chosen)
    if sys.platform.startswith(("linux", "freebsd")):
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "matplotlib"
    return Path("~/.matplotlib").expanduser()


def trouble(folder: Path, gigabytes: float = DATA_GIGABYTES) -> str:
    """Return what is wrong with a folder that is to be written, or ``""``.

    A nameless file is written into it, or into the nearest one above that exists.
    """
    base = existing(folder)
    if not base.is_dir():
        return f"{base} is a file, no folder"
    try:
        with tempfile.TemporaryFile(dir=base):
            pass
    except OSError as error:
        return f"{base} cannot be written ({error.strerror or error})"
    free = free_gigabytes(base)
    if free < gigabytes:
        return f"the disk of {base} has {free:.2f} GB free of {gigabytes} GB needed"
    return ""


def existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists and can be seen."""
    places = (folder, *folder.parents)
    return next((place for place in places if os.path.lexists(place)), Path(folder.anchor or "."))


def free_gigabytes(folder: Path) -> float:
    """Return the room on a folder's disk in GB."""
    return shutil.disk_usage(folder).free / 1e9
