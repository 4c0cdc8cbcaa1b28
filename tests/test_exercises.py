"""Every exercise: its stub is not attempted, its solution passes, its mistakes are told apart.

The mistakes of lesson 2 stand in ``tests/mistakes_02.py``:
``MISTAKES: list[tuple[exercise, code, fragment of the message]]``.
"""

import importlib
import re
from collections import Counter

import pytest
from exercise_player import exercise, exercises, play, solution
from lesson_code import lessons

EXERCISES = [(lesson, number) for lesson in lessons() for number in exercises(lesson)]
KINDS = {"predict", "code", "experiment", "find the bug"}


def mistakes(lesson):
    return importlib.import_module(f"mistakes_{lesson}").MISTAKES


MISTAKES = [
    pytest.param(lesson, *mistake, id=f"{lesson}-{mistake[0]}-{i}")
    for lesson in lessons()
    for i, mistake in enumerate(mistakes(lesson))
]


@pytest.mark.parametrize("lesson", lessons())
def test_a_lesson_has_at_least_four_exercises_of_three_kinds(lesson):
    assert len(exercises(lesson)) >= 4
    kinds = {exercise(lesson, number).kind for number in exercises(lesson)}
    assert kinds <= KINDS
    assert len(kinds) >= 3


@pytest.mark.parametrize("lesson", lessons())
def test_exercises_are_numbered_in_their_order(lesson):
    wanted = [f"{int(lesson)}.{i + 1}" for i in range(len(exercises(lesson)))]
    assert exercises(lesson) == wanted


@pytest.mark.parametrize("lesson", lessons())
def test_every_exercise_has_two_mistakes_with_messages_of_their_own(lesson):
    fragments = {(number, fragment) for number, _, fragment in mistakes(lesson)}
    counted = Counter(number for number, _ in fragments)
    assert set(counted) == set(exercises(lesson))
    assert min(counted.values()) >= 2, counted


@pytest.mark.parametrize("lesson", lessons())
def test_every_exercise_has_another_right_answer_among_the_tests_of_its_check(lesson):
    right = importlib.import_module(f"test_checks_lesson_{lesson}").RIGHT
    assert {number for number, _ in right.values()} == set(exercises(lesson))


@pytest.mark.parametrize(("lesson", "number"), EXERCISES)
def test_a_hint_is_folded_into_the_task(lesson, number):
    task = exercise(lesson, number).task
    assert re.search(r"<details><summary>Hint</summary>\n\n.+?\n\n?</details>", task, re.DOTALL)


@pytest.mark.parametrize(("lesson", "number"), EXERCISES)
def test_the_stub_is_not_attempted(lesson, number):
    assert play(lesson, number) == f"Exercise {number} · not attempted yet\n"


@pytest.mark.parametrize(("lesson", "number"), EXERCISES)
def test_the_solution_passes(lesson, number):
    printed = play(lesson, number, solution(lesson, number))
    assert f"Exercise {number} ✓ " in printed, printed


@pytest.mark.parametrize(("lesson", "number", "code", "fragment"), MISTAKES)
def test_a_typical_mistake_gets_its_own_message(lesson, number, code, fragment):
    verdict = play(lesson, number, code).splitlines()[-1]
    assert verdict.startswith(f"Exercise {number} ✗ "), verdict
    assert fragment in verdict
