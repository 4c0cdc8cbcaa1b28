import pytest

from course_utils.checks.feedback import NotAttempted, Wrong, attempted, exercise, require


@exercise("9.9")
def double(function):
    require(attempted(function(2)) == 4, "twice two is four")
    return "right: it doubles"


def say(capsys, *work):
    double(*work)
    return capsys.readouterr().out


def test_right_work_gets_its_praise(capsys):
    assert say(capsys, lambda x: 2 * x) == "Exercise 9.9 ✓ right: it doubles\n"


def test_wrong_work_gets_the_sentence_meant_for_it(capsys):
    assert say(capsys, lambda x: x) == "Exercise 9.9 ✗ twice two is four\n"


@pytest.mark.parametrize("stub", [None, ..., lambda x: None, lambda x: ...])
def test_a_stub_is_not_attempted(capsys, stub):
    assert say(capsys, stub) == "Exercise 9.9 · not attempted yet\n"


def test_work_without_its_return_is_not_taken_for_a_stub(capsys):
    def forgets(x):
        doubled = 2 * x  # noqa: F841

    def prints(x):
        print(2 * x)  # noqa: T201

    for work in (forgets, prints):
        assert "✗ your function returned nothing: is the return missing?" in say(capsys, work)


def test_an_error_in_the_students_code_is_shown_with_its_line_and_not_raised(capsys):
    def divides(x):
        return x / 0

    printed = say(capsys, divides)
    assert "✗ your code stopped with ZeroDivisionError" in printed
    assert "return x / 0" in printed


def test_a_keyboard_interrupt_is_not_swallowed():
    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        double(interrupted)


def test_require_and_attempted_raise():
    require(True, "never said")
    with pytest.raises(Wrong, match="said"):
        require(False, "said")
    with pytest.raises(NotAttempted):
        attempted(None)
    assert attempted(0) == 0
