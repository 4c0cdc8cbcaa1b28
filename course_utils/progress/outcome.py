"""What is played, and what came of it: plain texts, which travel from one process to another."""

from dataclasses import dataclass

SOLVED, TRIED, UNTOUCHED, BROKEN, UNJUDGED = "✓", "✗", "·", "!", "?"
MEANING = {
    SOLVED: "solved",
    TRIED: "tried",
    UNTOUCHED: "untouched",
    BROKEN: "broken",
    UNJUDGED: "not judged",
}


@dataclass(frozen=True)
class Answer:
    """One answer to be played, with what it stands on."""

    exercise: str  # 2.3
    lesson: tuple[str, ...]  # the lesson's code cells, without the exercises'
    own: tuple[str, ...]  # the other cells that the student wrote or changed
    cells: tuple[str, ...]  # the answer's
    check: str  # the lesson's call of the check


@dataclass(frozen=True)
class Outcome:
    """What came of one exercise."""

    mark: str
    sentence: str = ""


@dataclass(frozen=True)
class Row:
    """One exercise of one student."""

    student: str
    lesson: str  # 02
    exercise: str  # 2.3
    title: str
    copy: str  # the file; empty if there is none
    outcome: Outcome
