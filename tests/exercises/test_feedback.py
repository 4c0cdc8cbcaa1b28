"""What all checks share: one line, in peace, within a time limit, and numbers of any form."""

import ast
import functools
import linecache
import random
import signal
import threading
import time
import warnings
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.lessons.checks.feedback import (
    Wrong,
    agree,
    amount,
    ask,
    choice,
    exercise,
    finite,
    follows_device,
    forbid,
    judge,
    judge_loss,
    kind_of,
    number,
    numbers,
    parts,
    refuse,
    require,
    same,
    slopes,
    table,
    trains_like,
    whole,
)
from course_utils.lessons.checks.running import is_stub

TWOS = torch.full((3,), 2.0)
GENERATORS = np.random.default_rng(1), torch.Generator(), random.Random(1)
ONE, TWO, THREE = GENERATORS


@exercise("9.9", seconds=0.25)
def double(function):
    require(number(ask(function, 2)) == 4, "twice two is four")
    return "right: it doubles"


def say(capsys, *work, check=double):
    check(*work)
    printed = capsys.readouterr()
    assert not printed.err
    assert printed.out.count("\n") == 1
    return printed.out.removeprefix("Exercise 9.9 ").rstrip("\n")


# ---------------------------------------------------------------------------------- the one line


def test_right_work_gets_its_praise_and_wrong_work_its_sentence(capsys):
    assert say(capsys, lambda x: 2 * x) == "✓ right: it doubles"
    assert say(capsys, lambda x: x) == "✗ twice two is four"


def docstring_only(x):
    """Return twice x."""


def docstring_and_pass(x):
    """Return twice x."""
    pass


def returns_none(x):
    return None


STUBS = [None, ..., lambda x: None, lambda x: ..., docstring_only, docstring_and_pass, returns_none]


@pytest.mark.parametrize("stub", STUBS)
def test_a_stub_is_not_attempted(capsys, stub):
    assert say(capsys, stub) == "· not attempted yet"
    assert not callable(stub) or is_stub(functools.partial(stub))


def computes(x):
    x * 2


def names_a_result(x):
    doubled = 2 * x  # noqa: F841


def says_nothing(x):  # noqa: RET503
    if x > 5:
        return 2 * x


def prints(x):
    print(2 * x)  # noqa: T201


@pytest.mark.parametrize("work", [computes, names_a_result, says_nothing, prints])
def test_a_forgotten_return_is_not_taken_for_a_stub(capsys, work):
    said = say(capsys, work)
    assert said.startswith(f"✗ {work.__name__} returned nothing: is the return missing?")
    assert work is not prints or said.endswith(" (it printed: 4)")


@pytest.mark.parametrize("value", ["0", "4", "False", "''", "()"])
def test_a_constant_is_no_stub(value):
    assert not is_stub(eval(f"lambda: {value}"))


def test_one_of_two_functions_may_be_a_stub(capsys):
    @exercise("9.9")
    def both(first, second):
        return "right"

    assert say(capsys, computes, docstring_only, check=both) == (
        "· docstring_only is not attempted yet"
    )
    assert say(capsys, docstring_only, docstring_only, check=both) == "· not attempted yet"
    assert say(capsys, computes, None, check=both) == "· not attempted yet"


def divides(x):
    return x / 0


def calls_pytorch(x):
    return nn.functional.cross_entropy(
        torch.zeros(2, 3),
        torch.zeros(2, 7),
    )


def inner(x):
    wrong = [x][1]
    return 2 * wrong


def calls_another(x):
    return inner(x)


def takes_two(x, y):
    return x + y


def leaves(x):
    raise SystemExit


def several_lines(x):
    raise ValueError("one\n  two\nthree")


@pytest.mark.parametrize(
    ("work", "fragment"),
    [
        (
            divides,
            "✗ your code stopped with ZeroDivisionError: division by zero (line: return x / 0)",
        ),
        (calls_pytorch, "(line: return nn.functional.cross_entropy( torch.zeros(2, 3), "),
        (
            calls_another,
            "✗ your code stopped with IndexError: list index out of range (line: wrong",
        ),
        (takes_two, "missing 1 required positional argument: 'y'"),
        (functools.partial(takes_two), "missing 1 required positional argument"),
        (leaves, "✗ your code ended the program with SystemExit (line: raise SystemExit)"),
        (several_lines, "ValueError: one two three (line: raise ValueError"),
        (7, "✗ a function is wanted here, not the number 7"),
        ("f", '✗ a function is wanted here, not the text "f"'),
    ],
)
def test_an_error_is_shown_with_the_students_own_line(capsys, work, fragment):
    assert fragment in say(capsys, work)


def test_arguments_that_do_not_fit_are_shown_with_the_functions_first_line(capsys):
    code, space = "def takes_two(x, y):\n    return x + y\n", {}
    linecache.cache["<a cell>"] = (len(code), None, code.splitlines(keepends=True), "<a cell>")
    exec(compile(code, "<a cell>", "exec"), space)
    assert say(capsys, space["takes_two"]).endswith("(line: def takes_two(x, y):)")


def test_an_interrupt_ends_the_check_with_its_line(capsys):
    def interrupted(x):
        raise KeyboardInterrupt

    said = say(capsys, interrupted)
    assert said == "✗ stopped before your code came to its end (line: raise KeyboardInterrupt)"


def test_a_warning_of_the_students_is_not_shown(capsys, recwarn):
    def warns(x):
        warnings.warn("a path into a file", stacklevel=1)
        return 2 * x

    assert say(capsys, warns) == "✓ right: it doubles"
    assert not recwarn.list


def still():
    """True for long: a test whose limit does not work ends all the same."""
    return time.monotonic() < still.until


def endless(x):
    while still():
        pass


def catches(x):  # noqa: RET503
    while still():
        try:
            time.sleep(0.01)
        except Exception:
            return 4


def catches_all(x):
    while still():
        try:  # noqa: SIM105
            time.sleep(0.01)
        except:  # noqa: E722
            pass


def waits(x):
    time.sleep(8)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs an alarm")
@pytest.mark.parametrize("work", [endless, catches, catches_all, waits])
def test_an_endless_loop_is_ended(capsys, work):
    start = time.monotonic()
    still.until = start + 8
    said = say(capsys, work)
    assert said.startswith(
        "✗ your code was still running after 0.25 seconds: an endless loop? (line"
    )
    assert time.monotonic() - start < 5
    assert say(capsys, lambda x: 2 * x) == "✓ right: it doubles"


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs an alarm")
def test_an_alarm_that_was_set_before_is_still_set_afterwards(capsys):
    signal.setitimer(signal.ITIMER_REAL, 100)
    say(capsys, lambda x: 2 * x)
    assert signal.setitimer(signal.ITIMER_REAL, 0)[0] > 50


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs an alarm")
def test_an_import_is_not_cut_in_two_and_gets_time_of_its_own(capsys, tmp_path, monkeypatch):
    (tmp_path / "loads_slowly.py").write_text("import time\ntime.sleep(0.8)\ntwice = 4\n")
    monkeypatch.syspath_prepend(tmp_path)

    def imports(x):
        import loads_slowly

        return loads_slowly.twice

    assert say(capsys, imports) == "✓ right: it doubles"


def test_a_check_runs_on_another_thread_too(capsys):
    thread = threading.Thread(target=double, args=[lambda x: 2 * x])
    thread.start()
    thread.join()
    assert "✓" in capsys.readouterr().out


# ------------------------------------------------------------------------------------- in peace


def unruly(x):
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    torch.rand(2), np.random.rand(), random.random()  # noqa: NPY002
    ONE.random(), torch.rand(1, generator=TWO), THREE.random()
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    np.seterr(all="raise")
    return 2 * x


def world():
    return (
        random.getstate(),
        str(np.random.get_state()),  # noqa: NPY002
        torch.get_rng_state().tolist(),
        str(ONE.bit_generator.state),
        TWO.get_state().tolist(),
        THREE.getstate(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        str(np.geterr()),
    )


def test_nothing_that_later_cells_rely_on_is_changed(capsys):
    before = world()
    assert say(capsys, unruly) == "✓ right: it doubles"
    assert world() == before


def test_every_check_starts_from_the_same_seeds(capsys):
    drawn = []

    def draws(x):
        drawn.append([random.random(), np.random.rand(), torch.rand(1).item()])  # noqa: NPY002
        return 2 * x

    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        torch.manual_seed(seed)
        say(capsys, draws)
    assert drawn[0] == drawn[1]


def test_a_check_works_where_gradients_are_off(capsys):
    @exercise("9.9")
    def learns(function):
        leaf = torch.ones(3, requires_grad=True)
        slopes(ask(function, leaf), x=leaf)
        return "right"

    with torch.no_grad():
        assert say(capsys, lambda x: 2 * x, check=learns) == "✓ right"
    with torch.inference_mode():
        assert say(capsys, lambda x: 2 * x, check=learns) == "✓ right"


def test_what_is_handed_over_is_a_copy_and_writing_into_it_is_told():
    x, y = torch.ones(3), np.ones(3)

    def writes(a, b, c):
        a += 1
        b += 1
        c[0] += 1
        return a

    ask(writes, x, y, [x])
    assert x.sum() == y.sum() == 3
    with pytest.raises(
        Wrong, match=r"^b was changed: an operation such as \+= or b\[...\] = writes"
    ):
        ask(lambda a, b: b.__iadd__(1), x, y, keep=["a", "b"])


# --------------------------------------------------------------------------- numbers and tables

FOUR = [4, 4.0, torch.tensor(4.0), torch.tensor([[4]]), np.float32(4), np.array([4.0]), [4], (4.0,)]
FOUR += [torch.tensor(4.0, requires_grad=True), Fraction(4), [torch.tensor([4.0])], np.int64(4)]


@pytest.mark.parametrize("value", FOUR, ids=repr)
def test_a_number_is_a_number(value):
    assert number(value) == 4
    assert numbers([value, value], 2, "two").tolist() == [4, 4]


NO_NUMBER = {
    "True": True,
    "None": None,
    'the text "4"': "4",
    "a list of 2": [4, 5],
    "a tuple of 0": (),
    "a tensor of shape (2,)": torch.ones(2),
    "an array of shape (2, 1)": np.ones((2, 1)),
    "a dict of 1": {"a": 4},
    "a set of 1": {4},
    "a function": lambda: 4,
    "a Linear": nn.Linear(1, 1),
    "a generator": (i for i in range(1)),
    "a list of 1": [[4, [5]]],
}


@pytest.mark.parametrize("said", NO_NUMBER)
def test_what_is_no_number_is_named(said):
    with pytest.raises(Wrong, match=rf"^give one number, not {__import__('re').escape(said)}$"):
        number(NO_NUMBER[said])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (float("nan"), "your answer is nan: a logarithm or a root of a negative number, 0 / 0"),
        (np.float32("inf"), "your answer is inf: the logarithm of 0, a division by 0"),
        (torch.tensor(-torch.inf), "your answer is -inf: the logarithm of 0"),
    ],
)
def test_nan_and_infinity_are_told_before_anything_else(value, said):
    with pytest.raises(Wrong) as told:
        number(value)
    assert str(told.value).startswith(said)
    for told_by in (lambda: refuse(value, {"never": 1.0}), lambda: agree(value, 1.0, "it")):
        with pytest.raises(Wrong, match=r"nan|inf"):
            told_by()
    with pytest.raises(Wrong, match=r"^the loss holds nan: own words$"):
        finite([1.0, float("nan")], "the loss", "own words")
    assert not same(float("nan"), float("nan"))


def test_whole_numbers_and_known_mistakes():
    assert whole((9.0, torch.tensor(3)), 2, "two") == [9, 3]
    with pytest.raises(Wrong, match=r"^two: 3.5 is not whole$"):
        whole([9, 3.5], 2, "two")
    forbid({"first": False, "second": torch.tensor(False)})
    with pytest.raises(Wrong, match=r"^second$"):
        forbid({"first": False, "second": torch.tensor(True), "third": True})
    judge([1.0, 2.0], [1.0, 2.0], {"doubled": [2.0, 4.0]}, "it")
    for given, said in (([2.0, 4.0], "doubled"), ([1.0, 3.0], "it is 3, where 2 is right")):
        with pytest.raises(Wrong, match=f"^{said}$"):
            judge(given, [1.0, 2.0], {"doubled": [2.0, 4.0]}, "it")


def test_tables_come_in_any_form():
    rows = [[1.0, 2.0], [3.0, 4.0]]
    forms = [rows, np.array(rows), torch.tensor(rows), list(torch.tensor(rows)), [(1, 2), (3, 4)]]
    forms += [torch.tensor(rows, requires_grad=True), np.array(rows, dtype=np.int8), range(2)]
    assert all(same(form, rows, 0, 0) for form in forms[:-1])
    assert not same(range(2), rows)
    assert table(forms[5]).requires_grad is False
    for broken in ("text", [[1], [2, 3]], [None, 1], {"a": 1}, object(), [object()]):
        with pytest.raises(Wrong, match=r"^a table, not (a |an |the |None)"):
            table(broken, "a table")


def test_parts_and_amounts():
    assert [int(one) for one in parts(torch.tensor([1, 2]), 2, "two")] == [1, 2]
    with pytest.raises(Wrong, match=r"two, not the number 3"):
        parts(3, 2, "two")
    for text in ("12,288", "12 288", "12_288", "12288.0", " about 12'288 numbers", 12288):
        assert amount(text, "how many?") == 12288
    assert amount("2,3", "how many?") == 2.3
    with pytest.raises(Wrong, match=r"how many"):
        amount("3 or 4", "how many?")


@pytest.mark.parametrize("answer", ["b", "B", " b. ", '"b"', "(b)", ["b"]])
def test_a_letter_is_a_letter(answer):
    assert choice(answer, "abc", {"a": "no"}) == "b"


def test_a_choice_says_what_is_wrong():
    with pytest.raises(Wrong, match=r"^no$"):
        choice("A", "abc", {"a": "no"})
    for answer in ("d", "ab", "", 2):
        with pytest.raises(Wrong, match=r'^answer with "a", "b" or "c"$'):
            choice(answer, "abc", {})


def test_kinds_have_an_article():
    assert kind_of(nn.Identity()) == "an Identity"
    assert kind_of(ast.parse("1")) == "a Module"
    assert kind_of(torch.tensor(3)) == "a tensor of one number"


# ------------------------------------------------------------------------- training and devices


def test_what_cannot_train_is_refused():
    x = torch.ones(3, requires_grad=True)
    assert slopes(2 * x, x=x)["x"].tolist() == [2, 2, 2]
    for result, said in (
        (2.0, "the number 2.0 cannot train: return a tensor"),
        (x.detach(), "no gradient flows"),
        (torch.ones(3, requires_grad=True), "no gradient reaches x"),
        (torch.normal(x, torch.ones(3)), "the gradient in x is 0"),
        (x.sub(1).sqrt(), "the gradient in x holds inf"),
    ):
        with pytest.raises(Wrong) as told:
            slopes(result, x=x)
        assert said in str(told.value)
    with pytest.raises(Wrong, match=r"is a part detached"):
        trains_like(lambda x: x**2, lambda x: x * x.detach(), x=torch.ones(3))


def test_a_loss_is_judged_by_its_value_and_by_its_gradient():
    def right(x):
        return (x**2).mean()

    for loss, said in (
        (lambda x: (x**2).sum(), "the sum"),
        (lambda x: x**2, "the loss must be one number, the mean over the batch, not a tensor of"),
        (lambda x: (x**2).mean() + 1, "the loss is 5, where 4 is right"),
        (lambda x: (x - 3).sqrt().mean(), "the loss is nan: own words"),
        (lambda x: (x * x.detach()).mean(), "the gradient in x is not"),
        (lambda x: x.mul_(x).mean(), "x was changed"),
    ):
        with pytest.raises(Wrong) as told:
            judge_loss(loss, right, {"the sum": 12.0}, "the loss", "own words", x=TWOS)
        assert said in str(told.value)
    judge_loss(right, right, {"the sum": 12.0}, "the loss", "own words", x=TWOS)


def on_the_cpu(mu):
    return mu + torch.randn(mu.shape)


def ones_on_the_cpu(mu):
    return nn.functional.binary_cross_entropy_with_logits(mu, torch.ones(mu.shape))


def from_numpy(mu):
    return mu + torch.from_numpy(np.random.standard_normal(mu.shape))  # noqa: NPY002


def back_on_the_cpu(mu):
    return mu.cpu() + torch.randn(mu.shape)


def branches(mu):
    return mu + torch.randn(mu.shape) if mu.mean().item() > 0 else mu


def like(mu):
    return mu + torch.randn_like(mu)


def moved(mu):
    return mu + torch.randn(mu.shape).to(mu.device)


def distribution(mu):
    return torch.distributions.Normal(mu, torch.ones_like(mu)).rsample()


def reads_a_value(mu):
    return mu + torch.randn_like(mu) * float(mu.abs().max() < 1e9)


@pytest.mark.parametrize(
    "work", [on_the_cpu, ones_on_the_cpu, from_numpy, back_on_the_cpu, branches]
)
def test_a_tensor_made_on_the_cpu_is_seen(work):
    with pytest.raises(Wrong, match=r"^made on the CPU$"):
        follows_device(work, torch.ones(4, 3), message="made on the CPU")


@pytest.mark.parametrize("work", [like, moved, distribution, reads_a_value])
def test_what_follows_the_device_passes_though_it_reads_values(work):
    net = nn.Linear(3, 3)
    follows_device(lambda net, mu: net(work(mu)), net, torch.ones(4, 3), message="no")
    assert not net.weight.is_meta
