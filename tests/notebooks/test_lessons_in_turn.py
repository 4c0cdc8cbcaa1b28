"""What a cell waits for in lessons that run side by side, and that it waits."""

import threading
import time
from types import SimpleNamespace

import lessons_in_turn
import nbformat
import pytest
from check_notebooks import PROJECT, in_turn


def cells_of(path):
    code = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    return [SimpleNamespace(path=path, cell_num=i, cell=cell) for i, cell in enumerate(code)]


PATHS = sorted((PROJECT / "notebooks").glob("*.ipynb"))


def collected(paths):
    """Return every code cell of these lessons, in the order in which nbval collects them."""
    found = [cell for path in paths for cell in cells_of(path)]
    lessons_in_turn.pytest_collection_modifyitems(found)
    return found


@pytest.fixture(scope="module")
def cells():
    return collected(in_turn(PATHS))


@pytest.mark.parametrize("load", lessons_in_turn.SAVED)
def test_all_that_a_lesson_loads_is_waited_for(cells, load):
    loading = [cell for cell in cells if load in cell.cell.source]
    assert loading
    for cell in loading:
        saved = lessons_in_turn.SAVED[load]
        assert any(saved in one.cell.source for one in cell.waits_for), cell.path.name


def test_few_cells_wait_and_none_for_its_own_lesson_or_a_later_one(cells):
    waiting = [cell for cell in cells if cell.waits_for]
    assert len(waiting) < len(cells) / 20
    assert all(one.path.name < cell.path.name for cell in waiting for one in cell.waits_for)


def test_no_lesson_waits_for_one_that_begins_after_it(cells):
    def waits(found):
        return {(cell.path, cell.cell_num): len(cell.waits_for) for cell in found}

    assert waits(cells) == waits(collected(PATHS))


@pytest.fixture
def two(tmp_path):
    """A cell that saves, and one that waits for it."""
    saves = SimpleNamespace(path=tmp_path / "a.ipynb", cell_num=3, waits_for=[])
    return saves, SimpleNamespace(path=tmp_path / "b.ipynb", cell_num=3, waits_for=[saves])


def test_a_cell_is_held_until_what_it_waits_for_is_done(two):
    saves, loads = two
    threading.Timer(0.2, lessons_in_turn.pytest_runtest_teardown, [saves]).start()
    start = time.perf_counter()
    lessons_in_turn.pytest_runtest_protocol(loads)
    assert 0.2 <= time.perf_counter() - start < 60


def test_a_lesson_that_was_lost_is_not_waited_for_without_end(two, monkeypatch):
    monkeypatch.setattr(lessons_in_turn, "SECONDS", 0.1)
    lessons_in_turn.pytest_runtest_protocol(two[1])
    assert not lessons_in_turn.mark(two[0]).exists()
