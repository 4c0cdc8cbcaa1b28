"""The helpers as a host like Colab has them: installed without the project around them."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from course_utils import paths
from course_utils.copies import __main__ as copies
from course_utils.diagnosis import packages


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "INSTALLED", True)
    monkeypatch.delenv("COURSE_WORK_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_packages_that_the_host_lends_are_noted_and_nothing_is_changed(host, monkeypatch):
    def found(name):
        if name != "ipywidgets":
            raise packages.metadata.PackageNotFoundError(name)
        return SimpleNamespace(version="7.7.1", locate_file=lambda _: sys.prefix)

    monkeypatch.setattr(
        packages.metadata, "requires", lambda _: ["ipywidgets>=8.1", "jupyterlab>=4.2"]
    )
    monkeypatch.setattr(packages.metadata, "distribution", found)
    old, missing = (finding for _, finding in packages.installed())
    assert old.state == missing.state == "note"
    assert old.text == "is 7.7.1, the course needs >=8.1"
    assert missing.cure.startswith("if a lesson stops for it: ")
    assert missing.cure.endswith('-m pip install "jupyterlab>=4.2"')


def test_an_environment_below_the_working_folder_is_not_to_be_removed(host, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(host / ".venv"))
    inside = host / ".venv" / "lib" / "numpy" / "__init__.py"
    assert packages.origin(str(inside)) == (False, "")
    beside = str(host / "numpy.py")
    assert packages.origin(beside) == (True, f"rename or remove {beside}")


def test_where_there_are_no_lessons_none_is_handed_out(host, monkeypatch, capsys):
    monkeypatch.setattr(copies, "LESSONS", Path("not_there"))
    assert copies.main([]) == 1
    assert "installed without them" in capsys.readouterr().err
    assert not list(host.iterdir())
