"""Put the course's environment into ``.venv``: ``python3 tools/install.py``, or ``make lab``.

Needs nothing but Python. What was installed to the end, for this folder, from these lock files, is
not looked at again; everything else is made good. ``COURSE_MIRROR=http://…`` installs from a
class's mirror alone.
"""

# ruff: noqa: T201 - a command line tool prints

import argparse
import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

TOOLS = Path(__file__).resolve().parent
PROJECT = TOOLS.parent
VENV = PROJECT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOG = VENV / "pip.log"
OLDEST, NEWEST = (3, 11), (3, 14)  # what the lock files have wheels for
GIGABYTES = 8
FIRST_TIME = """\
Installing into .venv, once. On Linux that is about 3.2 GB to download and 6.6 GB on disk, because
PyTorch brings its GPU libraries along; elsewhere much less. It takes some minutes."""


class InstallError(Exception):
    """The course cannot be installed; the message says why, and what to do."""


def main() -> int:
    """Install what is asked for; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dev", action="store_true", help="what authors and tests need, too")
    dev = parser.parse_args().dev
    try:
        if not installed(dev):
            with only_one():
                if not installed(dev):
                    install(dev)
    except InstallError as trouble:
        print(trouble, file=sys.stderr)
        return 1
    except OSError as error:  # a full disk, or a folder that cannot be written
        print(
            f"Not installed: {error.strerror}: {error.filename or PROJECT}. It takes a folder that "
            f"you may write, with {GIGABYTES} GB of room.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The next call goes on from here.", file=sys.stderr)
        return 130
    return 0


def installed(dev: bool) -> bool:
    """Say whether this folder's environment is complete, and its Python still there."""
    try:
        if _stamp(dev).read_text(encoding="utf-8") != _wanted(dev):
            return False
        subprocess.run([PYTHON, "-c", ""], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def install(dev: bool) -> None:
    """Make the environment, or complete it; the stamp is written last."""
    prepare_venv()
    for kind in (False, True):
        _stamp(kind).unlink(missing_ok=True)
    files = ["requirements.txt"] + ["requirements-dev.txt"] * dev
    requirements = [part for file in files for part in ("-r", str(PROJECT / file))]
    pip("--require-hashes", *requirements, packages=sum(map(_count, files)))
    pip("--no-deps", "--no-build-isolation", "--editable", str(PROJECT))
    news = "@jupyterlab/apputils-extension:announcements"
    silence = [str(PYTHON), "-m", "jupyter", "labextension", "disable", news]
    subprocess.run(silence, capture_output=True, check=False)
    for kind in {False, dev}:
        _stamp(kind).write_text(_wanted(kind), encoding="utf-8")


def prepare_venv() -> None:
    """See that ``.venv`` is there, ours, and has pip.

    Raises:
        InstallError: it is somebody else's, or this Python cannot make one.
    """
    settings = _settings()
    if "uv" in settings:
        raise InstallError(
            "The .venv here was made by uv, and stays as it is. Either use it, with "
            "`uv sync && uv run jupyter lab`, or remove it (make clean) and try again."
        )
    version = tuple(map(int, re.findall(r"\d+", settings.get("version", ""))[:2]))
    if version and not OLDEST <= version <= NEWEST:
        raise InstallError(
            f"The .venv here was made by Python {version[0]}.{version[1]}, and the course needs "
            f"{_range()}. Remove it (make clean) and try again."
        )
    if _has_pip():
        return
    refuse_this_python()
    refuse_full_disk()
    said = "The .venv here is not complete and is made anew." if settings else FIRST_TIME
    print(said, flush=True)
    _run([sys.executable, "-m", "venv", "--clear", str(VENV)], "a virtual environment")


def refuse_this_python() -> None:
    """Raise ``InstallError`` unless the Python that runs this can make the environment."""
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        raise InstallError(
            f"The course needs Python {_range()}, and this one is {version[0]}.{version[1]}. Name "
            "another: make lab PYTHON=python3.12"
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        raise InstallError(
            "This Python comes without venv. On Debian and Ubuntu: sudo apt-get install "
            "python3-venv; then try again."
        ) from None


def refuse_full_disk() -> None:
    """Raise ``InstallError`` if there is too little room."""
    free = shutil.disk_usage(PROJECT).free / 1e9
    if free < GIGABYTES and sys.platform == "linux":
        raise InstallError(
            f"The disk of this folder has {free:.1f} GB free, and the course needs {GIGABYTES}. "
            "Free some, or move the folder to a larger disk."
        )


def pip(*arguments: str, packages: int = 0) -> None:
    """Run pip install; print one line that counts packages, and all its words into a log.

    Raises:
        InstallError: it failed; the message holds pip's own last words.
    """
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    # A setting of the user's (install elsewhere, another format) must not change what is installed.
    env = {k: v for k, v in os.environ.items() if k not in {"PIP_USER", "PIP_TARGET", "PYTHONPATH"}}
    env["PYTHONWARNINGS"] = "ignore"
    lines: list[str] = []
    process = subprocess.Popen(
        [*command, *_sources(), *arguments],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    with process, LOG.open("a", encoding="utf-8") as log:
        for line in process.stdout or ():
            log.write(line)
            lines.append(line.rstrip())
            _show(line, lines, packages)
    if packages and sys.stdout.isatty():
        print()
    if process.returncode:
        raise InstallError(explain(lines))


def _show(line: str, lines: list[str], packages: int) -> None:
    started = re.match(r"(?:Collecting|Processing|Requirement already satisfied:) ([\w.-]+)", line)
    if started and packages:
        count = sum(bool(re.match(r"Collecting|Processing|Requirement", one)) for one in lines)
        text = f"{count} of {packages} packages looked at or fetched"
        if sys.stdout.isatty():
            print(f"\r{text}: {started[1]:40.40}", end="", flush=True)
        elif count % 20 == 0:
            print(text, flush=True)
    elif line.startswith("Installing collected packages"):
        print("\nUnpacking, which takes a minute or two." if packages else "", flush=True)


def explain(lines: list[str]) -> str:
    """Say in words what made pip fail, with its last words below."""
    text, mirror = "\n".join(lines), os.environ.get("COURSE_MIRROR", "")
    if re.search(r"No space left|Errno 28|not enough space", text):
        why = f"the disk is full; the course needs {GIGABYTES} GB"
    elif re.search(r"[Pp]roxy", text):
        why = "the proxy does not answer; look at http_proxy and https_proxy"
    elif re.search(r"HASHES|do not match the hashes", text):
        why = "a package is not the one that the lock file names"
    elif re.search(r"Connection|resolve|timed out|Network|URLError", text):
        why = f"{mirror or 'the package index'} cannot be reached; connect, and try again"
    elif mirror and "No matching distribution" in text:
        python = f"{sys.version_info[0]}.{sys.version_info[1]}"
        why = (
            f"{mirror} has not all packages for Python {python} on {sys.platform}; whoever serves "
            f"it gets them with: make wheels PYTHONS={python}"
        )
    elif "No matching distribution" in text:
        why = "the package index cannot be reached or has not all of it; connect, and try again"
    else:
        why = "pip failed"
    last = [line for line in lines if line.startswith(("ERROR", "error"))] or lines
    return f"Not installed: {why}.\n  " + "\n  ".join(last[-4:]) + f"\nAll of pip's words: {LOG}"


def _sources() -> list[str]:
    mirror = os.environ.get("COURSE_MIRROR", "").rstrip("/")
    if not mirror:
        return []
    wheels, host = f"{mirror}/wheels/", re.sub(r"^https?://|[:/].*$", "", mirror)
    if mirror.startswith("file://"):  # a stick may be called "stick #1"
        names = wheels[7:], unquote(wheels[7:])
        wheels = next(filter(os.path.isdir, names), names[0])
    # Isolated: whatever other sources the user has set for pip are not asked.
    return ["--isolated", "--no-index", "--find-links", wheels, "--trusted-host", host]


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Hold the environment for this process alone; wait, and say so, while another installs."""
    with (PROJECT / ".venv.lock").open("w") as file:
        if not _locked(file.fileno(), wait=False):
            print("Another installation is running here; waiting for it.", flush=True)
            while not _locked(file.fileno(), wait=True) and os.name == "nt":
                pass  # there it gives up after ten seconds
        yield


def _locked(handle: int, wait: bool) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InstallError(
            f"Not installed: {what} cannot be made.\n{done.stdout}{done.stderr}".rstrip()
        )


def _settings() -> dict[str, str]:
    """Return what a virtual environment says of itself, ``{}`` if there is none."""
    try:
        text = (VENV / "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        return {}
    pairs = [line.partition("=") for line in text.splitlines()]
    return {
        key.strip().replace("version_info", "version"): value.strip() for key, _, value in pairs
    }


def _has_pip() -> bool:
    try:
        command = [str(PYTHON), "-m", "pip", "--version"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _stamp(dev: bool) -> Path:
    return VENV / (".installed-dev" if dev else ".installed")


def _wanted(dev: bool) -> str:
    files = ["requirements.txt", "pyproject.toml"] + ["requirements-dev.txt"] * dev
    digests = [hashlib.sha256((PROJECT / file).read_bytes()).hexdigest() for file in files]
    folder = os.fsencode(PROJECT).decode("utf-8", "replace")  # the same whatever the console says
    return "\n".join([folder, *digests, ""])


def _count(file: str) -> int:
    return len(re.findall(r"(?m)^[\w.-]+==", (PROJECT / file).read_text(encoding="utf-8")))


def _range() -> str:
    return f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"


if __name__ == "__main__":
    sys.exit(main())
