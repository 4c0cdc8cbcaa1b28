"""What an install needs; any Python from 3.8 on can run this, without any package."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

from course_utils import paths
from course_utils.diagnosis.finding import Finding, ok, problem

OLDEST, NEWEST = (3, 11), (3, 14)  # as in tools/install.py: what the lock file has wheels for
GIGABYTES = 8  # as there
SECONDS = 6.0  # until a server counts as out of reach


def begun() -> bool:
    """Say whether this Python has any of the packages that only the course would bring."""
    return any(map(importlib.util.find_spec, ("torch", "jupyterlab", "ipykernel")))


def in_venv() -> bool:
    """Say whether this Python is that of the ``.venv`` which ``make`` manages."""
    venv = paths.PROJECT / ".venv"
    return os.path.isdir(venv) and os.path.samefile(sys.prefix, venv)


def letters() -> Iterator[Finding]:
    """See that this console's encoding has the letters of the folder: without, nothing opens it."""
    try:
        str(paths.PROJECT).encode("utf-8")
    except UnicodeEncodeError:
        text = f"{sys.getfilesystemencoding()}, this console's encoding, lacks some of their names"
        yield problem("folders", text, "export LC_ALL=C.UTF-8, and unset PYTHONUTF8")


def python() -> Iterator[Finding]:
    """Look at the Python that runs this, and at the machine below it."""
    version = sys.version_info[:2]
    words = platform.python_version()
    range_in_words = ".".join(map(str, OLDEST)) + " to " + ".".join(map(str, NEWEST))
    cure = "install one of those, then name it: make lab PYTHON=python3.12"
    if in_venv():
        cure = "make clean, then make lab PYTHON=python3.12 (or another of those)"
    if version < OLDEST or (version > NEWEST and not begun()):
        yield problem("Python", f"is {words}, and the course needs {range_in_words}", cure)
    else:
        yield ok("Python", f"{words} ({sys.executable})")
    if sys.platform == "darwin" and platform.machine() == "x86_64":
        cure = "take a machine with Apple silicon, or a server"
        yield problem("machine", "there is no PyTorch of today for a Mac with an Intel chip", cure)
    if sys.platform == "win32" and platform.machine().upper() == "ARM64":
        yield problem("machine", "there is no PyTorch for Windows on ARM", "use WSL or a server")


def venv() -> Iterator[Finding]:
    """See that this Python can make an environment."""
    if not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
        cure = "on Debian and Ubuntu: sudo apt-get install python3-venv"
        yield problem("venv", "this Python comes without venv", cure)


def room() -> Iterator[Finding]:
    """See that an environment fits on the disk of this folder."""
    free = shutil.disk_usage(paths.PROJECT).free / 1e9
    if free < GIGABYTES and sys.platform == "linux":
        text = f"{free:.1f} GB free where the course lies, and an install takes {GIGABYTES} GB"
        yield problem("room", text, "free some, or move the folder to a larger disk")
    else:
        yield ok("room", f"{free:.0f} GB free, an install takes up to {GIGABYTES} GB")


def network() -> Iterator[Finding]:
    """See that packages can be had: from the class's mirror, or from where pip looks."""
    mirror = os.environ.get("COURSE_MIRROR", "").strip().rstrip("/")
    places = [mirror + "/wheels/"] if mirror else pip_looks_in()
    if not places:
        return  # this Python has no pip yet that could say where it looks
    reasons = {place: _trouble(place) for place in places}
    for place in places:
        if not reasons[place]:
            yield ok("network", f"packages can be had from {place}")
            return
    text = "; ".join(f"{place}: {reasons[place]}" for place in places)
    if mirror:
        yield problem("network", text, "correct COURSE_MIRROR, or unset it to use the internet")
    else:
        cure = "connect to a network (https_proxy names a proxy), or set COURSE_MIRROR"
        yield problem("network", text, cure)


def not_installed() -> Iterator[Finding]:
    """Say how to install."""
    cure = "make lab"
    if os.path.isdir(paths.PROJECT / ".venv") and not in_venv():
        cure = "make lab; if that is done, ask the environment itself: make doctor"
    yield problem("course", "is not installed in this Python", cure)


CHECKS = (python, venv, room, network, not_installed)


def pip_looks_in() -> list[str]:
    """Return the indexes and folders that pip is set to look in."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    settings = re.findall(r"^\S+?\.([\w-]+)='(.*)'$", done.stdout, re.MULTILINE)
    found = [
        place
        for key, value in settings
        if key in ("index-url", "extra-index-url", "find-links")
        for place in value.replace("\\n", " ").split()
    ]
    named = dict(settings)
    if "index-url" not in named and named.get("no-index", "") not in ("1", "true", "yes"):
        found[:0] = default_index()
    return list(dict.fromkeys(found))


def default_index() -> list[str]:
    """Return where pip looks if nothing is set, as pip itself says it."""
    try:
        from pip._internal.models.index import PyPI
    except ImportError:
        return []
    return [PyPI.simple_url + "/"]


def _trouble(place: str) -> str:
    """Return why nothing can be had from a URL or folder, or ``""``."""
    if not re.match(r"https?://", place):
        folder = urllib.request.url2pathname(re.sub("^file://", "", place))
        return "" if os.path.exists(folder) else "no such folder"
    outcome = [f"no answer within {SECONDS:g} s"]

    def ask() -> None:
        outcome[0] = _answer(place)

    # Looking up a name knows no time-out of its own, so a thread is waited for.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(SECONDS)
    return outcome[0]


def _answer(url: str) -> str:
    try:
        urllib.request.urlopen(url, timeout=SECONDS).close()
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.reason}"
    except urllib.error.URLError as error:
        return str(getattr(error.reason, "strerror", None) or error.reason)
    except (OSError, ValueError) as error:
        return str(error)
    return ""
