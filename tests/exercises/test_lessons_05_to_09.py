"""What the answers alone cannot show of the checks of lessons 5 to 9."""

import random

import lesson_05
import lesson_06
import lesson_07
import lesson_08
import lesson_09
import pytest
import torch
from answers import Answer, exercise, exercises, play, play_text, solve

from course_utils.lessons.checks.lesson_07 import DEALT, SEEN

NUMBERS = [number for lesson in "56789" for number in exercises(f"0{lesson}")]
LESSONS = (lesson_05, lesson_06, lesson_07, lesson_08, lesson_09)
TYPED = [
    answer
    for lesson in LESSONS
    for answer in lesson.answers.all
    if answer.name != "one draw at a time"  # it takes a second
    and callable(next(iter(answer.values.values())))
    and answer.text()
]


def test_the_check_knows_how_lesson_7_dealt_its_patients():
    assert list(DEALT.values()) == random.Random(61).sample(sorted(SEEN), 3)


def test_a_net_that_was_there_before_is_left_as_it_was():
    before = {name: value.clone() for name, value in lesson_09.SHARED.state_dict().items()}
    answer = next(a for a in lesson_09.answers.all if a.name == "a net that was there before")
    assert play(answer).startswith("✓")
    for name, value in lesson_09.SHARED.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)
    assert lesson_09.SHARED.training


def _unseeded():
    """A right answer with noise from the system's own source: another one at every call."""
    normal = random.SystemRandom().gauss

    def noise(mu):
        torch.manual_seed(int(abs(normal(0, 1)) * 2**60))
        return torch.randn_like(mu)

    def shuffle_units(codes):
        return codes.gather(0, noise(codes).argsort(dim=0))

    return shuffle_units


def test_a_right_draw_needs_no_luck():
    function = _unseeded()
    answer = Answer("", "6.2", {function.__name__: function}, None, (), "unseeded")
    assert {play(answer)[0] for _ in range(15)} == {"✓"}


@pytest.mark.parametrize("number", ["6.2", "7.7", "8.1", "9.2"])
def test_the_same_work_is_judged_on_the_same_numbers_every_time(number):
    seen = []

    def listens(*given):
        seen.append(torch.cat([x.flatten() for x in given if torch.is_tensor(x)] + [torch.rand(3)]))

    for seed in (1, 2):
        torch.manual_seed(seed)
        play(Answer("", number, dict.fromkeys(exercise(number).names, listens), None, (), ""))
    first, second = seen
    torch.testing.assert_close(first, second, rtol=0, atol=0)


@pytest.mark.parametrize("answer", TYPED, ids=lambda answer: answer.id)
def test_a_typed_answer_gets_the_verdict_of_the_function(answer):
    said = play_text(answer.number, answer.text())
    assert said[0] == "✓" if answer.fragment is None else answer.fragment in said


@pytest.mark.parametrize("number", NUMBERS)
def test_wrong_tries_spoil_nothing_for_the_solution_after_them(number):
    """As in one kernel: a stub, whatever writes into its arguments, and the solution, twice."""

    def spoils(*given):
        for value in given:
            if torch.is_tensor(value):
                with torch.no_grad():
                    value.zero_()
            elif isinstance(value, torch.nn.Module):
                for parameter in value.requires_grad_(False).parameters():
                    parameter.zero_()
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        random.seed(1)

    assert play_text(number) == "· not attempted yet"
    names = exercise(number).names
    assert play(Answer("", number, dict.fromkeys(names, spoils), None, (), "")).startswith("✗")
    assert solve(number).startswith("✓")
    assert solve(number).startswith("✓")
