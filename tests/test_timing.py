"""The clock in the batches: what is counted, and what is not."""

import time

import pytest

from course_utils.timing import Ticking


def test_it_hands_out_the_first_batches_and_no_more():
    assert list(Ticking("abcde", 3)) == ["a", "b", "c"]


def test_the_fastest_iteration_counts_and_the_first_load_does_not():
    def slow_to_begin():
        time.sleep(0.3)
        yield from range(4)

    ticking = Ticking(slow_to_begin(), 4)
    for i in ticking:
        time.sleep([0.2, 0.01, 0.2, 0.2][i])
    assert 0.01 <= ticking.fastest() < 0.15


def test_loading_the_next_batch_belongs_to_an_iteration():
    def slow():
        for i in range(3):
            time.sleep(0.05)
            yield i

    ticking = Ticking(slow(), 3)
    assert list(ticking) == [0, 1, 2]
    assert ticking.fastest() >= 0.05


def test_one_batch_has_no_iteration_to_time():
    ticking = Ticking("a", 1)
    assert list(ticking) == ["a"]
    with pytest.raises(ValueError, match="needs two batches"):
        ticking.fastest()
