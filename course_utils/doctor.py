"""Is this machine ready for the course? ``python -m course_utils.doctor`` says what is missing.

It tries what a lesson's first cell does, fetches nothing and leaves nothing behind. Before an
install it says what an install needs; for that it imports nothing but Python's own library.
"""

# ruff: noqa: T201 - a report is printed

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if not __package__:  # called as a file
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

if __name__ == "__main__":
    # What PYTHONPATH holds must not stop the report; lessons are tried in processes of their own.
    sys.path[1:] = [
        entry
        for entry in sys.path[1:]
        if entry not in map(os.path.abspath, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    ]

from course_utils.diagnosis import install
from course_utils.diagnosis.finding import Finding, problem

if TYPE_CHECKING:
    Check = Callable[[], Iterator[Finding]]
CURE = "make clean, then make lab; if that does not help, please open an issue"


def main() -> int:
    """Print the report; return the exit status: 1 if a lesson could not run."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a path may hold letters that this console lacks
            stream.reconfigure(errors="backslashreplace")
    problems = 0
    for finding in examine():
        print(f"{finding.state:8}{finding.subject:13} {finding.text}", flush=True)
        if finding.cure:
            print(f"{'':22}-> {finding.cure}", flush=True)
        problems += finding.state == "PROBLEM"
    print(f"\nNot ready: problems found: {problems}." if problems else "\nReady for the course.")
    return int(problems > 0)


def examine() -> Iterator[Finding]:
    """Run every check; one that cannot be run is a problem too."""
    unnamed = list(install.letters())
    if unnamed:  # all the rest would fail, and name other causes
        yield from unnamed
        return
    ready = install.begun() and sys.version_info[:2] >= install.OLDEST
    from concurrent.futures import ThreadPoolExecutor  # when `sys.path` is as it should be

    told = False
    with ThreadPoolExecutor() as pool:  # most of them wait for another process
        running = [pool.submit(_outcome, check) for check in _checks(ready)]
        for outcome in running:
            subject, findings, error = outcome.result()
            for finding in findings:
                told = told or finding.state == "PROBLEM"
                yield finding
            if error and not (told and isinstance(error, ImportError)):  # that has been told
                yield problem(subject, f"{type(error).__name__}: {error}", CURE)


def _outcome(check: Check) -> tuple[str, list[Finding], Exception | None]:
    findings: list[Finding] = []
    try:
        findings.extend(check())
    except Exception as error:  # a broken installation may raise anything
        return check.__name__, findings, error
    return check.__name__, findings, None


def _checks(ready: bool) -> tuple[Check, ...]:
    return _after_install() if ready else install.CHECKS


def _after_install() -> tuple[Check, ...]:
    # Imported here: these need a Python that the course runs on.
    from course_utils.diagnosis.beside import hiding
    from course_utils.diagnosis.data_sets import data_sets
    from course_utils.diagnosis.kernel import kernel
    from course_utils.diagnosis.packages import packages
    from course_utils.diagnosis.places import folders, home

    return install.python, hiding, packages, home, kernel, folders, data_sets


if __name__ == "__main__":
    sys.exit(main())
