"""A claim holds a sentence and leaves no trace: each way of leaving one is tried here."""

import contextlib
import copy
import random
from contextlib import nullcontext

import claims
import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from torch import nn

TRUE = "# two is two\nassert 1 + 1 == 2\n"


class Record:
    """What a lesson keeps of a training."""

    def __init__(self):
        self.losses = [1.0, 0.5]


Record.__module__ = "__main__"  # as in a notebook


@pytest.fixture
def lesson():
    """A namespace as a lesson leaves it, with everything that a claim might touch."""
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Linear(2, 1))
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.randn(4, 3)).sum().backward()
    optimizer.step()
    with torch.inference_mode():
        fixed = torch.arange(20.0)
    return {
        "__name__": "__main__",
        "torch": torch,
        "np": np,
        "random": random,
        "copy": copy,
        "net": net,
        "optimizer": optimizer,
        "x": torch.randn(4, 3),
        "fixed": fixed,
        "array": np.arange(12.0),
        "losses": [0.3, 0.2],
        "nets": {"first": nn.Linear(1, 1)},
        "record": Record(),
        "g": torch.Generator().manual_seed(3),
        "rng": np.random.default_rng(3),
    }


def test_a_claim_that_holds_says_nothing(lesson, capsys):
    claims.hold(TRUE, lesson)
    assert capsys.readouterr().out == ""


def test_a_claim_that_fails_names_its_sentence_its_line_and_the_numbers(lesson):
    lesson["accuracy"] = 0.91
    text = (
        "# the net reads\n# 98 % of the digits\nassert len(losses) == 2\nassert accuracy > 0.98\n"
    )
    with pytest.raises(claims.ClaimError) as error:
        claims.hold(text, lesson)
    assert "no longer true: the net reads 98 % of the digits" in str(error.value)
    assert "assert accuracy > 0.98" in str(error.value)
    assert "accuracy = 0.91" in str(error.value)


def test_an_assertion_of_pytorch_fails_as_well(lesson):
    with pytest.raises(claims.ClaimError, match="Tensor-likes are not close"):
        claims.hold("# alike\ntorch.testing.assert_close(x, x + 1)\n", lesson)


@pytest.mark.parametrize(
    "text",
    ["new = 1", "x = 1", "del x", "import math", "def net(): ...", "losses = []", "for x in []: 0"],
)
def test_names_are_the_lessons_own(lesson, text):
    before = dict(lesson)
    claims.hold(f"# a name\n{text}\nassert True\n", lesson)
    assert lesson.keys() == before.keys()
    assert all(lesson[name] is value for name, value in before.items())


DRAWS = {
    "python": "random.random()",
    "numpy": "np.random.rand(3)",
    "torch": "torch.randn(3)",
    "its own generator": "torch.randn(3, generator=g)",
    "its own numpy generator": "rng.normal(size=3)",
    "seed of torch": "torch.manual_seed(9)",
    "seed of numpy": "np.random.seed(9)",
    "seed of python": "random.seed(9)",
    "a shuffle": "list(torch.utils.data.RandomSampler(range(9)))",
    "a draw, then a failure": "torch.randn(3); assert False",
}


def next_numbers(lesson):
    return (
        random.random(),
        np.random.rand(),  # noqa: NPY002
        torch.rand(1).item(),
        torch.rand(1, generator=lesson["g"]).item(),
        lesson["rng"].random(),
    )


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_random_numbers_go_on_as_if_it_had_not_been_there(lesson, draw):
    def start():
        random.seed(5)
        np.random.seed(5)  # noqa: NPY002
        torch.manual_seed(5)
        lesson["g"].manual_seed(5)
        lesson["rng"] = np.random.default_rng(5)

    start()
    wanted = next_numbers(lesson)
    start()
    with contextlib.suppress(claims.ClaimError) if "assert False" in draw else nullcontext():
        claims.hold(f"# numbers\n{draw}\nassert True\n", lesson)
    assert next_numbers(lesson) == wanted


IMPURE = {
    "writes into a tensor": ("x.zero_()", "x"),
    "writes a row": ("x[0] = 1", "x"),
    "writes under no_grad": ("with torch.no_grad(): net[0].weight.mul_(2)", "net"),
    "writes in inference mode": ("with torch.inference_mode(): fixed.add_(1)", "fixed"),
    "writes into an array": ("array[3] += 1", "array"),
    "shuffles an array": ("np.random.shuffle(array)", "array"),
    "zeroes a gradient": ("net[0].weight.grad.zero_()", "net"),
    "drops the gradients": ("net.zero_grad()", "net"),
    "adds to the gradients": ("net(x).sum().backward()", "net"),
    "takes a step": ("optimizer.step()", "net"),
    "changes a rate": ("optimizer.param_groups[0]['lr'] = 1.0", "optimizer"),
    "eval mode": ("net.eval()", "net"),
    "mode of one layer": ("net[1].train(False)", "net"),
    "running statistics": ("net(x)", "net"),
    "freezes": ("net.requires_grad_(False)", "net"),
    "a net in a dictionary": ("nets['first'].eval()", "nets"),
    "appends": ("losses.append(1)", "losses"),
    "sorts": ("losses.sort()", "losses"),
    "one more entry": ("nets['second'] = 0", "nets"),
    "a list of the lesson's own object": ("record.losses.clear()", "record"),
    "an attribute": ("record.more = 1", "record"),
}


@pytest.mark.parametrize(("text", "name"), IMPURE.values(), ids=IMPURE)
def test_what_it_shares_it_may_not_change(lesson, text, name):
    with pytest.raises(claims.ClaimError, match=rf"this one changed .*{name}.*deepcopy"):
        claims.hold(f"# a sentence\n{text}\nassert True\n", lesson)


@pytest.mark.parametrize(
    "text",
    [
        "own = copy.deepcopy(net); own.eval(); own(x).sum().backward(); own.zero_grad()",
        "torch.autograd.grad(net[0](x).sum(), net[0].weight)",
        "own = x.clone(); own.zero_()",
        "own = array.copy(); own[:] = 0",
        "own = [*losses]; own.append(1)",
        "torch.set_default_dtype(torch.float64)",
        "torch.set_grad_enabled(False)",
    ],
)
def test_a_copy_it_may_change(lesson, text):
    claims.hold(f"# a sentence\n{text}\nassert True\n", lesson)
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()


def test_the_kernel_gets_a_magic_that_runs_in_the_users_namespace():
    shell = InteractiveShell()
    claims.load_ipython_extension(shell)
    shell.user_ns["y"] = 2
    shell.run_cell_magic("claim", "", "# y\nz = y\nassert z == 2")
    assert "z" not in shell.user_ns
    with pytest.raises(claims.ClaimError, match="no longer true: y"):
        shell.run_cell_magic("claim", "", "# y\nassert y == 3")
