"""One line of the doctor's report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What was found; a ``PROBLEM`` stops a lesson, and comes with its ``cure``."""

    subject: str
    state: str  # "ok", "note" or "PROBLEM"
    text: str
    cure: str = ""


def ok(subject: str, text: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(subject, "ok", text)


def note(subject: str, text: str, cure: str = "") -> Finding:
    """Return something worth knowing that stops no lesson."""
    return Finding(subject, "note", text, cure)


def problem(subject: str, text: str, cure: str) -> Finding:
    """Return something that stops a lesson, and what to do about it."""
    return Finding(subject, "PROBLEM", text, cure)
