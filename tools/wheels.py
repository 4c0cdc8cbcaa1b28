"""Download the packages of both lock files for a class: ``make wheels``, then ``make mirror``.

For machines with this one's system. A lock file asks for other packages, and for other builds of
the same, on each Python: ``make wheels PYTHONS="3.12 3.13"`` names those of the class.
"""

# ruff: noqa: T201 - a command line tool prints

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = Path(__file__).resolve().parent.parent
FOLDER = PROJECT / "build" / "wheels"


def wanted(lock: str, python: str) -> dict[str, list[str]]:
    """Return what a Python such as ``3.12`` installs: ``3.12.0``, and what later patches add.

    The lines come without markers: pip would ask this Python about them, not the one named.
    """
    text = re.sub(r"\\\n", " ", re.sub(r"(?m)^ *#.*\n", "", lock))
    lines = list(filter(str.strip, text.splitlines()))
    ways: dict[str, list[str]] = {}
    known: set[str] = set()
    for full in (f"{python}.0", f"{python}.99"):
        where = {"python_version": python, "python_full_version": full, "extra": ""}
        held = [line for line in lines if line not in known and _holds(line, where)]
        known |= {*held}
        ways[full] = [re.sub(r" ;.*?(?= --hash)", "", line) for line in held]
    return {full: held for full, held in ways.items() if held}


def _holds(line: str, where: dict[str, str]) -> bool:
    marker = Requirement(line.partition(" --hash=")[0].strip()).marker
    return marker is None or marker.evaluate(where)


def download(lines: list[str], python: str) -> int:
    """Let pip download what a requirements file of these lines names; return its exit status."""
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", f"--python-version={python}"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text("\n".join(lines), encoding="utf-8")
        return subprocess.run([*command, "-r", file, "-d", FOLDER], check=False).returncode


def main(arguments: list[str] | None = None) -> int:
    """Download for each Python; return the exit status."""
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pythons", nargs="*", default=[here], help="as in 3.12; this one's if none")
    # The second is for `make check`.
    files = ("requirements.txt", "requirements-dev.txt")
    lock = "\n".join((PROJECT / file).read_text(encoding="utf-8") for file in files)
    for python in parser.parse_args(arguments).pythons:
        for full, lines in wanted(lock, python).items():
            status = download(lines, full)
            if status:
                return status
        print(f"Packages for Python {python} lie in {FOLDER.relative_to(PROJECT)}.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
