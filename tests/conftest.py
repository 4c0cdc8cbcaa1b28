import atexit
import gc
import os
import sys

import matplotlib.pyplot as plt
import pytest


def pytest_addoption(parser):
    parser.addoption(
        "--lesson",
        action="append",
        default=[],
        help="run the tests of this lesson only, as in --lesson 02; may be given several times",
    )


def pytest_configure(config):
    plt.switch_backend("Agg")  # a test opens no window, whatever MPLBACKEND says
    gc.disable()  # until all is imported and collected
    if hasattr(config, "workerinput"):
        # All is reported by then, and PyTorch would take seconds to be cleared away.
        atexit.register(os._exit, 0)
    # The tests' nets are small: several threads would mostly wait for each other. Read by PyTorch
    # when it is imported, so here, before the tests are.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # jsonschema imports it if it is there, and that takes 1.6 seconds in each worker: a parser is
    # made. It would check the form of addresses, which no notebook of the course asks for.
    sys.modules["rfc3987_syntax"] = None


def pytest_collection_modifyitems(config, items):
    wanted = {lesson.zfill(2) for lesson in config.getoption("--lesson")}
    if not wanted:
        return
    chosen = [
        item
        for item in items
        if getattr(item, "callspec", None) is not None
        and item.callspec.params.get("lesson") in wanted
    ]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def pytest_collection_finish():
    gc.freeze()  # a million objects that stay need not be looked at again and again
    gc.enable()


@pytest.fixture(autouse=True)
def _no_figure_is_left_open():
    yield
    plt.close("all")
