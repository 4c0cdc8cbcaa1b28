"""Python, the packages that the course needs, and the Jupyter kernel.

Other packages are imported inside the functions: a report must come even where one is missing.
"""

import importlib
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from course_utils.doctor.finding import INSTALL, Finding, ok, problem

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet


def packages() -> Iterator[Finding]:
    """Hold Python and every installed package against what the course asks for."""
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    course = metadata.metadata("course-utils")
    yield from python(SpecifierSet(course["Requires-Python"]))
    for need in map(Requirement, course.get_all("Requires-Dist") or []):
        if need.marker is None or need.marker.evaluate({"extra": ""}):
            yield from package(need.name, need.specifier)


def python(wanted: "SpecifierSet") -> Iterator[Finding]:
    """Look at the Python that runs this."""
    version = sys.version.split()[0]
    if wanted.contains(version, prereleases=True):
        yield ok("Python", f"{version} ({sys.executable})")
    else:
        cure = "install a newer Python, then: make lab PYTHON=python3.12"
        yield problem("Python", f"is {version}, the course needs {wanted}", cure)


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
