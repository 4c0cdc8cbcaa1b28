"""Whose ``linear_backward`` lesson 3 computes with: the student's as soon as it can train."""

import numpy as np
import pytest

from course_utils.lessons.checks import lesson_03 as checks


def right(dZ, W, A):
    return dZ.T @ A, dZ.sum(axis=0), dZ @ W


def wrong(dZ, W, A):
    return dZ.T @ A, dZ.mean(axis=0), dZ @ W


def unsolved(dZ, W, A):
    """Not attempted."""


def in_float64(dZ, W, A):
    return right(dZ.astype(np.float64), W, A)


def in_lists(dZ, W, A):
    return [part.tolist() for part in right(dZ, W, A)]


def in_loops(dZ, W, A):
    dW, (m, outputs) = np.zeros_like(W), dZ.shape
    for j in range(m):
        for i in range(outputs):
            for k in range(W.shape[1]):
                dW[i, k] += dZ[j, i] * A[j, k]
    return dW, dZ.sum(axis=0), dZ @ W


def test_the_students_own_is_used_when_it_passes(capsys):
    assert checks.yours_or_ours(right) is right
    assert capsys.readouterr().out == "linear_backward: yours\n"


@pytest.mark.parametrize("function", [unsolved, wrong, checks.solution])
def test_else_the_solution_is(function, capsys):
    assert checks.yours_or_ours(function) is checks.solution
    assert capsys.readouterr().out == "linear_backward: the one of the solution\n"


@pytest.mark.parametrize("function", [in_float64, in_lists, in_loops])
def test_a_right_one_that_cannot_train_is_told_why(function, capsys):
    assert checks.yours_or_ours(function) is checks.solution
    assert "Yours is right; without loops, on float32" in capsys.readouterr().out
