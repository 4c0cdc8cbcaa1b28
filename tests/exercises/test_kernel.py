"""Checks in a real kernel: what a student sees under his cell is one line, whatever he wrote."""

import pytest
from answers import exercise, exercises, lesson_texts
from jupyter_client.manager import start_new_kernel
from test_exercises import ANSWERS, LESSONS

IMPORTS = """
import argparse, sys, time, warnings
import torch
from torch import nn
from course_utils.lessons.checks import lesson_02 as checks
from course_utils.lessons.checks.feedback import ask, exercise

@exercise("2.2", seconds=0.3)
def impatient(function):
    ask(function, torch.zeros(2, 3), torch.tensor([0, 1]))
    return "right"
"""
# What %reset does, without its sweep through all that PyTorch holds, which takes most of a second.
FORGET = """
for name in set(globals()) - at_start:
    del globals()[name]
"""
# A lesson up to its exercises: what it defines, and nothing that trains.
DEFINE = """
import torch
from course_utils.lessons.definitions import compile_definitions
device = torch.device("cpu")
for number, text in enumerate({texts!r}, 1):
    exec(compile_definitions(text, f"<code cell {{number}}>"))
"""
RIGHT = """
def cross_entropy(logits, labels):
    return nn.functional.cross_entropy(logits, labels)
checks.cross_entropy(cross_entropy)
"""
TRIES = {
    RIGHT: "✓ right, but cross_entropy is PyTorch's",
    RIGHT.replace("logits, labels)\nchecks", "logits.argmax(1), labels)\nchecks"): (
        "(line: return nn.functional.cross_entropy(logits.argmax(1), labels))"
    ),
    RIGHT.replace("    return", '    sys.exit("stop here")\n    return'): (
        '✗ your code ended the program with SystemExit (line: sys.exit("stop here"))'
    ),
    RIGHT.replace("    return", "    argparse.ArgumentParser().parse_args(['--lr'])\n    return"): (
        "✗ your code ended the program with SystemExit"
    ),
    RIGHT.replace("    return", "    warnings.warn('look out')\n    return"): "✓ right",
    RIGHT.replace("    return", "    print(labels)\n    return -"): (
        "✗ the sign is flipped: the logarithm of a probability is negative (it printed: tensor(["
    ),
    RIGHT.replace("    return", "    while True: time.sleep(0.1)\n    return").replace(
        "checks.cross_entropy", "impatient"
    ): "✗ your code was still running after 0.3 seconds: an endless loop? (line: while True:",
}


@pytest.fixture(scope="module")
def run():
    """Return a function that runs a cell and returns what stands under it."""
    manager, client = start_new_kernel(kernel_name="python3")

    def run(code):
        outputs = []
        client.execute_interactive(code, timeout=60, output_hook=outputs.append)
        shown = {"stream", "error", "display_data", "execute_result"}
        return [one["content"] for one in outputs if one["msg_type"] in shown]

    run("at_start = set(globals()) | {'at_start'}")
    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def said_under(run, code):
    """Run a cell and return what it prints, which must be one line and nothing else."""
    outputs = run(code)  # a busy kernel may send a line in two parts
    assert {output.get("name") for output in outputs} == {"stdout"}
    text = "".join(output["text"] for output in outputs)
    assert text.endswith("\n")
    assert text.count("\n") == 1
    return text


def test_one_line_stands_under_the_cell_and_random_numbers_go_on_as_before(run):
    assert not run(IMPORTS)
    run("torch.manual_seed(3)")
    for code, said in [*TRIES.items(), *TRIES.items()]:
        found = said_under(run, code)
        assert found.startswith("Exercise 2.2 ")
        assert said in found
    drawn = (
        "g = torch.Generator().manual_seed(3); print(torch.rand(1) == torch.rand(1, generator=g))"
    )
    assert said_under(run, drawn) == "tensor([True])\n"


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_student_at_work_gets_the_right_verdict_every_time(run, lesson):
    """The stub, two wrong tries, the solution; and when all are solved, Run All again."""
    run(FORGET)
    define = DEFINE.format(texts=lesson_texts(lesson))
    assert not run(define)
    items = [exercise(number) for number in exercises(lesson)]
    for item in items:
        tries = [one for one in ANSWERS if one.number == item.number and one.fragment]
        wrong = [(one.text(), one.fragment) for one in tries if one.text()][:2]
        assert len(wrong) == 2
        for code, said in [(item.stub, "· not"), *wrong, (item.solution, "✓ ")]:
            assert said in said_under(run, f"{code}\n{item.check}")
    assert not run(define)
    for item in items:
        said = said_under(run, f"{item.solution}\n{item.check}")
        assert said.startswith(f"Exercise {item.number} ✓ ")
