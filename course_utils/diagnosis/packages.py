"""The packages: installed, whole, new enough, from the right place, and doing what they are for."""

from __future__ import annotations

import csv
import json
import os
import site
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from course_utils import paths
from course_utils.diagnosis import first_cell
from course_utils.diagnosis.finding import Finding, note, ok, problem
from course_utils.diagnosis.install import in_venv

LESSON_GIGABYTES = 2.0  # the most memory that a lesson takes
SECONDS = 90.0  # the first import after an install takes long on a slow disk
# Packages whose modules have another name.
MODULES = {"pillow": "PIL", "scikit-learn": "sklearn", "course-utils": "course_utils"}


def packages() -> Iterator[Finding]:
    """Look at what is installed, then try it; a cause that was named once is not named again."""
    told: set[str] = set()
    for module, finding in (*installed(), *whole()):
        told |= {module} if module else set(MODULES.values())
        yield finding
    yield from tried(run(), told)


def installed() -> Iterator[tuple[str, Finding]]:
    """Hold every installed package against what the course asks for; name those that fail.

    A host that lent its own packages, say Colab, may have others: that is only noted.
    """
    try:
        needs = metadata.requires("course-utils") or []
    except metadata.PackageNotFoundError:
        yield "course_utils", problem("course_utils", "is not installed", install())
        return
    from packaging.requirements import Requirement

    tell = note if paths.INSTALLED else problem
    for need in map(Requirement, needs):
        if need.marker and not need.marker.evaluate({"extra": ""}):
            continue
        module = MODULES.get(need.name, need.name.replace("-", "_"))
        try:
            found = metadata.distribution(need.name)
        except metadata.PackageNotFoundError:
            yield module, tell(need.name, "is not installed", install(str(need)))
            continue
        if not need.specifier.contains(found.version, prereleases=True):
            text = f"is {found.version}, the course needs {need.specifier}"
            where = str(found.locate_file(""))
            foreign, cure = origin(where)
            text += f", and comes from {where}" if foreign else ""
            yield module, tell(need.name, text, cure or install(str(need)))


def whole(folder: Path | None = None) -> Iterator[tuple[str, Finding]]:
    """Look for files that were installed and are gone or empty: pip itself never looks again."""
    if folder is None:
        if not in_venv():  # conda leaves files out on purpose
            return
        folder = Path(sysconfig.get_path("purelib"))
    for record in sorted(folder.glob("*.dist-info/RECORD")):
        gone = [name for name, size in _recorded(record) if _is_gone(folder / name, size)]
        if gone:
            name = record.parent.name.partition("-")[0]
            text = f"{len(gone)} of its files are missing or empty, {gone[0]} for one"
            yield (
                gone[0].partition("/")[0].removesuffix(".py"),
                problem(name, text, reinstall(name)),
            )


def _recorded(record: Path) -> Iterator[tuple[str, str]]:
    with record.open(encoding="utf-8", newline="") as file:
        for name, _, size in csv.reader(file):
            if not name.startswith(("..", "/")) and not name.endswith(".pyc"):
                yield name, size


def _is_gone(path: Path, size: str) -> bool:
    try:
        return path.stat().st_size == 0 and size not in ("", "0")
    except OSError:
        return True


def run(names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Try what a first cell does, where lessons run; return the outcome of each step."""
    start = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__')"
    command = [sys.executable, "-c", start, first_cell.__file__, *names]
    try:
        done = subprocess.run(
            command,
            cwd=lessons_folder(),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
        last_words = (done.stderr.strip().splitlines() or [""])[-1][:200]
        output = done.stdout
        ended = f"Python ended with status {done.returncode} ({last_words or 'without a word'})"
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode(errors="replace")  # bytes, whatever was asked for
        ended = f"not done after {SECONDS:g} s"
    lines = [line.partition(first_cell.MARK)[2] for line in output.splitlines()]
    steps = [json.loads(line) for line in lines if line]
    last = steps[-1] if steps else {"subject": "first cell"}
    if "text" not in last and "error" not in last:  # it did not come back from that step
        steps.append({"place": "", **last, "error": ended, "root": ""})
    return [step for step in steps if "text" in step or "error" in step]


def lessons_folder() -> Path:
    """Return the folder that a lesson's kernel starts in."""
    places = (paths.work_folder(), paths.base() / "notebooks", paths.base())
    return next(place for place in places if place.is_dir())


def tried(steps: Sequence[dict[str, Any]], told: set[str]) -> Iterator[Finding]:
    """Put the outcome of each step in words, each cause once."""
    failing = {_blamed(step) for step in steps if "error" in step}
    named = set(told)
    for step in steps:
        subject, failed, root = step["subject"], "error" in step, _blamed(step)
        if subject in WORDS and not failed:
            yield from WORDS[subject](step["text"])
        elif failed:
            if root not in named:
                yield _failed(subject, root, step)
            named |= {root, first_cell.package(subject)}
        elif root not in named | failing:
            named.add(root)
            yield from _from_where(root, step)


def _blamed(step: dict[str, Any]) -> str:
    """Return the package that a step's outcome speaks of."""
    return str(step.get("root") or first_cell.package(step["subject"]))


def _failed(subject: str, root: str, step: dict[str, Any]) -> Finding:
    if subject == "device" and "COURSE_DEVICE" in step["error"]:
        text = f"COURSE_DEVICE={os.environ.get('COURSE_DEVICE')} is no device of this machine"
        return problem("device", text, "unset it, or use COURSE_DEVICE=cpu")
    foreign, cure = origin(step["place"])
    if foreign:
        text = f"comes from {_folder_of(step['place'])}, and fails ({step['error']})"
        return problem(root, text, cure)
    if root in ("torch", "torchvision"):
        cure = f"torch and torchvision must come from one place: {reinstall('torch torchvision')}"
    what = "cannot be imported" if subject not in WORDS else f"fails at the {subject}"
    return problem(root, f"{what}: {step['error']}", cure or reinstall(root))


def _from_where(name: str, step: dict[str, Any]) -> Iterator[Finding]:
    foreign, cure = origin(step["place"])
    text = f"{step['text']}".strip()
    if foreign:
        yield note(name, f"{text} comes from {_folder_of(step['place'])}".strip(), cure)
    elif name == "course_utils" and not _is_below(step["place"], str(paths.PROJECT)):
        text = f"lessons take it from {_folder_of(step['place'])}, not from {paths.PROJECT}"
        yield note(
            name, text, f"if that is not meant: {sys.executable} -m pip install --no-deps -e ."
        )
    elif name in ("torch", "torchvision", "matplotlib", "numpy"):
        yield ok(name, text)


def origin(place: str) -> tuple[bool, str]:
    """Say whether a package at ``place`` is foreign to this environment, and how to be rid of it.

    Returns:
        ``(True, the cure)``, or ``(False, "")``.
    """
    for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        if entry and _is_below(place, entry) and not _is_below(place, str(paths.PROJECT)):
            return True, "unset PYTHONPATH"
    user_site = site.getusersitepackages()
    if site.ENABLE_USER_SITE and _is_below(place, user_site):
        return True, "export PYTHONNOUSERSITE=1"
    if _is_below(place, str(lessons_folder())) and not _is_below(place, sys.prefix):
        return True, f"rename or remove {place}"
    return False, ""


def _is_below(place: str, folder: str) -> bool:
    if not place:
        return False
    here, above = (os.path.normcase(os.path.realpath(path)) for path in (place, folder))
    return here == above or here.startswith(above.rstrip(os.sep) + os.sep)


def _folder_of(place: str) -> str:
    path = Path(place)
    return str(path.parent.parent if path.name == "__init__.py" else path.parent)


def install(need: str = "") -> str:
    """Say how to install what is missing."""
    if paths.INSTALLED:
        return f'if a lesson stops for it: {sys.executable} -m pip install "{need}"'
    if in_venv():
        done = (paths.PROJECT / ".venv" / ".installed").exists()
        return "make clean, then make lab" if done else "make lab"
    return "make lab (or: pip install -r requirements.txt, then pip install --no-deps -e .)"


def reinstall(names: str) -> str:
    """Say how to replace damaged packages: what pip believes to be there, it does not install."""
    first = "unset PYTHONPATH; if that does not help: " if os.environ.get("PYTHONPATH") else ""
    if in_venv():
        return f"{first}make clean, then make lab"
    return f"{first}{sys.executable} -m pip install --force-reinstall {names}"


def _figure(text: str) -> Iterator[Finding]:
    yield ok("figure", f"drawn in the course's style, {text}")


def _device(text: str) -> Iterator[Finding]:
    yield ok("device", text)


def _threads(text: str) -> Iterator[Finding]:
    used, cores = map(int, text.split())
    words = f"{used} on {cores} cores"
    if used == 1 < cores:
        yield note("threads", f"{words}; lessons will be slow, is OMP_NUM_THREADS set to 1?")
    else:
        yield ok("threads", words)


def _memory(text: str) -> Iterator[Finding]:
    free = float(text)
    if free < LESSON_GIGABYTES:
        words = f"{free:.1f} GB free, a lesson takes up to {LESSON_GIGABYTES:g} GB"
        cure = "close other programs, and shut down notebooks that you do not need"
        yield problem("memory", words, cure)
    else:
        yield ok("memory", f"{free:.1f} GB free")


def _results(text: str) -> Iterator[Finding]:
    for why, cure in json.loads(text):
        yield note("results", why, cure)


WORDS = {
    "figure": _figure,
    "device": _device,
    "threads": _threads,
    "memory": _memory,
    "results": _results,
}
