"""Is this machine ready for the course? ``python -m course_utils.doctor`` says what is missing.

Nothing is fetched, and nothing is written. Other packages are imported inside the functions: a
report must come even where one is missing.
"""

# ruff: noqa: T201 - a report is printed

import importlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from course_utils import paths

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

LESSON_GIGABYTES = 2.0  # the most memory that a lesson takes
DATA_GIGABYTES = 0.25  # both data sets, packed and unpacked
INSTALL = "make lab (or: pip install -r requirements.txt, then pip install --no-deps -e .)"


@dataclass(frozen=True)
class Finding:
    """One line of the report; a ``PROBLEM`` stops a lesson, and comes with its ``cure``."""

    subject: str
    state: Literal["ok", "note", "PROBLEM"]
    text: str
    cure: str = ""


def main() -> int:
    """Print the report; return the exit status: 1 if a lesson could not run."""
    problems = 0
    for finding in examine():
        print(f"{finding.state:8}{finding.subject:14}{finding.text}", flush=True)
        if finding.cure:
            print(f"{'':22}-> {finding.cure}")
        problems += finding.state == "PROBLEM"
    print(f"\nNot ready: problems found: {problems}." if problems else "\nReady for the course.")
    return int(problems > 0)


def examine() -> Iterator[Finding]:
    """Run every check; one that cannot be run is a problem too."""
    for check in CHECKS:
        try:
            yield from check()
        except Exception as error:  # a broken installation may raise anything
            yield problem(check.__name__, f"{type(error).__name__}: {error}", INSTALL)


def ok(subject: str, text: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(subject, "ok", text)


def note(subject: str, text: str) -> Finding:
    """Return something worth knowing that stops no lesson."""
    return Finding(subject, "note", text)


def problem(subject: str, text: str, cure: str) -> Finding:
    """Return something that stops a lesson, and what to do about it."""
    return Finding(subject, "PROBLEM", text, cure)


def packages() -> Iterator[Finding]:
    """Hold Python and every installed package against what the course asks for."""
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    course = metadata.metadata("course-utils")
    yield python(SpecifierSet(course["Requires-Python"]))
    for need in map(Requirement, course.get_all("Requires-Dist") or []):
        if need.marker is None or need.marker.evaluate({"extra": ""}):
            yield from package(need.name, need.specifier)


def python(wanted: "SpecifierSet") -> Finding:
    """Look at the Python that runs this."""
    version = sys.version.split()[0]
    if wanted.contains(version, prereleases=True):
        return ok("Python", f"{version} ({sys.executable})")
    cure = "install a newer Python, then: make lab PYTHON=python3.12"
    return problem("Python", f"is {version}, the course needs {wanted}", cure)


def package(name: str, wanted: "SpecifierSet") -> Iterator[Finding]:
    """Look at one package; silent if it is as it should be, but for torch and torchvision."""
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        yield problem(name, "is not installed", INSTALL)
        return
    if not wanted.contains(version, prereleases=True):
        yield problem(name, f"is {version}, the course needs {wanted}", INSTALL)
    elif name in ("torch", "torchvision"):
        yield _imported(name, version)


def _imported(name: str, version: str) -> Finding:
    try:
        importlib.import_module(name)
    except Exception as error:  # a broken build may raise anything
        cure = "torch and torchvision must come from one place; reinstall both together"
        return problem(name, f"{version} cannot be imported: {error}", cure)
    return ok(name, version)


def kernel() -> Iterator[Finding]:
    """Look at the Jupyter kernel ``python3``: it must start this Python."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    cure = "python -m ipykernel install --sys-prefix --name python3"
    try:
        program = Path(KernelSpecManager().get_kernel_spec("python3").argv[0])
    except NoSuchKernel:
        yield problem("kernel", "Jupyter has no kernel named python3", cure)
        return
    if program.is_absolute() and program.parent != Path(sys.executable).parent:
        yield problem("kernel", f"python3 starts another Python, {program}", cure)
    else:
        yield ok("kernel", "python3")


def device() -> Iterator[Finding]:
    """Look at the device that lessons will use."""
    from course_utils.device import pick_device

    try:
        yield ok("device", str(pick_device()))
    except ValueError:
        text = f"COURSE_DEVICE={os.environ['COURSE_DEVICE']} is no device of this machine"
        yield problem("device", text, "unset it, or use COURSE_DEVICE=cpu")


def threads() -> Iterator[Finding]:
    """Look at the threads that PyTorch uses on the CPU."""
    import torch

    used = torch.get_num_threads()
    cores = os.cpu_count() or 1
    if used == 1 < cores:
        hint = "lessons will be slow, is OMP_NUM_THREADS set to 1?"
        yield note("threads", f"{used} on {cores} cores; {hint}")
    else:
        yield ok("threads", f"{used} on {cores} cores")


def memory() -> Iterator[Finding]:
    """Look at the free memory."""
    import psutil

    free = psutil.virtual_memory().available / 1e9
    if free < LESSON_GIGABYTES:
        text = f"{free:.1f} GB free, a lesson takes up to {LESSON_GIGABYTES:g} GB"
        cure = "close other programs, and shut down notebooks that you do not need"
        yield problem("memory", text, cure)
    else:
        yield ok("memory", f"{free:.1f} GB free")


def disk() -> Iterator[Finding]:
    """Look at the folder where lessons save what they trained."""
    folder = paths.results_folder(create=False)
    trouble = _trouble_to_write(folder)
    if trouble:
        yield problem("disk", trouble, _elsewhere("COURSE_RESULTS_DIR"))
    else:
        yield ok("disk", f"{_free_gigabytes(_existing(folder)):.1f} GB free")


def data_sets() -> Iterator[Finding]:
    """Look at each data set, without fetching anything."""
    from course_utils import data

    for name in data.NAMES:
        try:
            yield _data_set(name, data.status(name))
        except data.DataError as error:
            yield problem(name, error.problem, error.cure)


def _data_set(name: str, state: str) -> Finding:
    folder = paths.data_folder()
    if state in ("verified", "stand-in"):
        return (ok if state == "verified" else note)(name, f"{state}, in {folder}")
    trouble = _trouble_to_write(folder)
    if trouble:
        return problem(name, f"{state}, and {trouble}", _elsewhere("COURSE_DATA_DIR"))
    if os.environ.get("COURSE_DATA") == "real":
        cure = "run `python -m course_utils.data` with a network, or unset COURSE_DATA"
        return problem(name, f"{state}, and COURSE_DATA=real forbids the stand-in", cure)
    return note(name, f"{state}; fetched when first used, or the stand-in made without a network")


def _trouble_to_write(folder: Path) -> str:
    """Return what is wrong with a folder that is to be written, or ``""``."""
    base = _existing(folder)
    if not base.is_dir():
        return f"{base} is a file, no folder"
    if not os.access(base, os.W_OK):
        return f"{base} cannot be written"
    free = _free_gigabytes(base)
    if free < DATA_GIGABYTES:
        return f"its disk has {free:.2f} GB free of {DATA_GIGABYTES} GB needed"
    return ""


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def _free_gigabytes(folder: Path) -> float:
    return shutil.disk_usage(folder).free / 1e9


def _elsewhere(variable: str) -> str:
    return f"set {variable} to a folder that you may write and that has room"


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    packages,
    kernel,
    device,
    threads,
    memory,
    disk,
    data_sets,
)

if __name__ == "__main__":
    sys.exit(main())
