"""What a look at the machine gives: one line of the report."""

from dataclasses import dataclass

INSTALL = "make lab (or: pip install -r requirements.txt, then pip install --no-deps -e .)"


@dataclass(frozen=True)
class Finding:
    """One line: ``state`` is ``ok``, ``note``, or ``PROBLEM`` with its ``cure``."""

    subject: str
    state: str
    text: str
    cure: str = ""


def ok(subject: str, text: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(subject, "ok", text)


def note(subject: str, text: str) -> Finding:
    """Return something worth knowing that stops no lesson."""
    return Finding(subject, "note", text)


def problem(subject: str, text: str, cure: str) -> Finding:
    """Return something that stops a lesson, and what to do about it."""
    return Finding(subject, "PROBLEM", text, cure)


def from_error(subject: str, error: Exception) -> Finding:
    """Return the problem that an error of the course tells, in the form ``what; the cure``."""
    text, _, cure = str(error).partition("; ")
    return problem(subject, text, cure)
