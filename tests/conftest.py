import matplotlib.pyplot as plt
import pytest


def pytest_addoption(parser):
    parser.addoption("--lesson", help="run the tests of one lesson only, as in --lesson 02")


def pytest_configure():
    plt.switch_backend("Agg")  # a test opens no window, whatever MPLBACKEND says


def pytest_collection_modifyitems(config, items):
    lesson = config.getoption("--lesson")
    if not lesson:
        return
    wanted = lesson.zfill(2)
    chosen = [
        item
        for item in items
        if getattr(item, "callspec", None) is not None
        and item.callspec.params.get("lesson") == wanted
    ]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


@pytest.fixture(autouse=True)
def _no_figure_is_left_open():
    yield
    plt.close("all")
