"""Is this machine ready for the course? ``python -m course_utils.doctor`` says what is missing.

It tries what a lesson's first cell does, fetches nothing and leaves nothing behind. Before an
install it says what an install needs; for that it imports nothing but Python's own library.
"""

# ruff: noqa: T201 - a report is printed

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator

if not __package__:  # called as a file
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from course_utils.diagnosis import install
from course_utils.diagnosis.finding import Finding, problem

CURE = "make clean, then make lab; if that does not help, please open an issue"


def main() -> int:
    """Print the report; return the exit status: 1 if a lesson could not run."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a path may hold letters that this console lacks
            stream.reconfigure(errors="backslashreplace")
    problems = 0
    for finding in examine():
        print(f"{finding.state:8}{finding.subject:14}{finding.text}", flush=True)
        if finding.cure:
            print(f"{'':22}-> {finding.cure}", flush=True)
        problems += finding.state == "PROBLEM"
    print(f"\nNot ready: problems found: {problems}." if problems else "\nReady for the course.")
    return int(problems > 0)


def examine() -> Iterator[Finding]:
    """Run every check; one that cannot be run is a problem too."""
    ready = install.begun() and sys.version_info[:2] >= install.OLDEST
    told = False
    for check in _after_install() if ready else install.CHECKS:
        try:
            for finding in check():
                told = told or finding.state == "PROBLEM"
                yield finding
        except ImportError as error:
            if not told:  # otherwise this is what has been told
                yield problem(check.__name__, f"{type(error).__name__}: {error}", CURE)
        except Exception as error:  # a broken installation may raise anything
            yield problem(check.__name__, f"{type(error).__name__}: {error}", CURE)


def _after_install() -> tuple[Callable[[], Iterator[Finding]], ...]:
    # Imported here: these need a Python that the course runs on.
    from course_utils.diagnosis.beside import hiding
    from course_utils.diagnosis.data_sets import data_sets
    from course_utils.diagnosis.kernel import kernel
    from course_utils.diagnosis.packages import packages
    from course_utils.diagnosis.places import folders, home

    return install.python, hiding, packages, home, kernel, folders, data_sets


if __name__ == "__main__":
    sys.exit(main())
