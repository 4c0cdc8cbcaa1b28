"""Is this machine ready for the course? ``python -m course_utils`` prints what is found here.

Nothing is fetched, and nothing is written.
"""

from collections.abc import Callable, Iterator

from course_utils.doctor import machine, software, storage
from course_utils.doctor.finding import INSTALL, Finding, problem

__all__ = ["Finding", "examine"]

CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    software.packages,
    software.kernel,
    machine.device,
    machine.threads,
    machine.memory,
    storage.results,
    storage.data,
)


def examine() -> Iterator[Finding]:
    """Run every check; one that cannot be run is a problem too."""
    for check in CHECKS:
        try:
            yield from check()
        except Exception as error:  # a broken installation may raise anything
            yield problem(check.__name__, f"{type(error).__name__}: {error}", INSTALL)
