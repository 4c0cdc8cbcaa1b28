"""Every exercise: its stub is not attempted, its solution passes, and so does what is as right;
what is wrong is told what is wrong with it. The answers stand in ``lesson_01.py`` and so on.

One lesson: ``pytest tests/exercises -k "5."`` or, one exercise: ``pytest tests/exercises -k 5.2-``.
"""

import importlib
import re
from collections import Counter
from pathlib import Path

import pytest
from answers import KINDS, exercise, exercises, play, play_text, solve
from lesson_code import lessons

HERE = Path(__file__).parent
LESSONS = [lesson for lesson in lessons() if (HERE / f"lesson_{lesson}.py").is_file()]
EXERCISES = [
    pytest.param(lesson, number, id=number) for lesson in lessons() for number in exercises(lesson)
]
ANSWERS = [
    answer
    for lesson in LESSONS
    for answer in importlib.import_module(f"lesson_{lesson}").answers.all
]
SORTS = {"predict", "code", "experiment", "find the bug", "write the test"}
UNREAD = "the check cannot read"  # said where a check has no sentence for a wrong type


@pytest.mark.parametrize("lesson", lessons())
def test_a_lesson_has_at_least_four_exercises_of_three_sorts_in_their_order(lesson):
    assert exercises(lesson) == [f"{int(lesson)}.{i + 1}" for i in range(len(exercises(lesson)))]
    sorts = [exercise(number).kind for number in exercises(lesson)]
    assert len(sorts) >= 4
    assert set(sorts) <= SORTS
    assert len(set(sorts)) >= 3


@pytest.mark.parametrize("lesson", lessons())
def test_every_exercise_has_three_right_answers_and_four_wrong_ones(lesson):
    answers = [answer for answer in ANSWERS if answer.lesson == lesson]
    right = Counter(answer.number for answer in answers if answer.fragment is None)
    wrong = Counter(answer.number for answer in answers if answer.fragment is not None)
    few = [n for n in exercises(lesson) if right[n] < 3 or wrong[n] < 4]
    assert not few, f"too few answers: {[(n, right[n], wrong[n]) for n in few]}"
    assert set(right | wrong) <= set(exercises(lesson))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_answers_in_three_lessons(kind):
    found = Counter(answer.lesson for answer in ANSWERS if kind in answer.kinds)
    assert len([lesson for lesson in found if found[lesson] >= 2]) >= 3, found


@pytest.mark.parametrize(("lesson", "number"), EXERCISES)
def test_a_hint_is_folded_into_the_task(lesson, number):
    task = exercise(number).task
    assert re.search(r"<details><summary>Hint</summary>\n\n.+?\n\n?</details>", task, re.DOTALL)


@pytest.mark.parametrize(("lesson", "number"), EXERCISES)
def test_the_stub_is_not_attempted(lesson, number):
    assert play_text(number) == "· not attempted yet"


@pytest.mark.parametrize(("lesson", "number"), EXERCISES)
def test_the_solution_passes(lesson, number):
    assert solve(number).startswith("✓ ")


@pytest.mark.parametrize(
    ("lesson", "answer"), [pytest.param(one.lesson, one, id=one.id) for one in ANSWERS]
)
def test_an_answer_gets_its_verdict(lesson, answer):
    said = play(answer)
    if answer.fragment is None:
        assert said.startswith("✓ ")
        assert answer.says in said
    elif answer.fragment.startswith("· "):
        assert said == answer.fragment
    else:
        assert said.startswith("✗ ")
        assert answer.fragment in said
    assert UNREAD not in said


@pytest.mark.parametrize("lesson", LESSONS)
def test_some_wrong_answers_of_every_exercise_can_be_typed(lesson):
    typed = Counter(
        one.number for one in ANSWERS if one.lesson == lesson and one.fragment and one.text()
    )
    assert set(typed) == set(exercises(lesson))
