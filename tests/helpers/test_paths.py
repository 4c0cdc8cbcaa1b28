import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course_utils import paths


def test_project_is_the_folder_that_holds_the_package():
    assert (paths.PROJECT / "course_utils" / "paths.py").is_file()


def test_data_folder_is_in_the_project_unless_set(monkeypatch):
    monkeypatch.delenv("COURSE_DATA_DIR", raising=False)
    assert paths.data_folder() == paths.PROJECT / "data"


def test_empty_variable_counts_as_unset(monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", "")
    assert paths.data_folder() == paths.PROJECT / "data"


def test_data_folder_follows_the_variable_and_is_not_created(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "shared"))
    assert paths.data_folder() == tmp_path / "shared"
    assert not (tmp_path / "shared").exists()


@pytest.mark.parametrize("start", [".", "notebooks"])
def test_relative_folder_is_the_same_from_wherever_it_is_asked(monkeypatch, start):
    monkeypatch.setenv("COURSE_DATA_DIR", "elsewhere")
    monkeypatch.chdir(paths.PROJECT / start)
    assert paths.data_folder() == paths.PROJECT / "elsewhere"


def test_home_is_understood(monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", os.path.join("~", "course-data"))
    monkeypatch.setenv("COURSE_RESULTS_DIR", os.path.join("~", "course-results"))
    assert paths.data_folder() == Path.home() / "course-data"
    assert paths.results_folder(create=False) == Path.home() / "course-results"


def test_results_folder_is_created_unless_it_is_only_asked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_RESULTS_DIR", str(tmp_path / "a" / "b"))
    assert paths.results_folder(create=False) == tmp_path / "a" / "b"
    assert not (tmp_path / "a").exists()
    assert paths.results_folder() == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()


ASK = """
from course_utils import paths
for folder in (paths.data_folder(), paths.results_folder(), paths.work_folder()):
    print(folder, paths.in_words(folder))
"""


def test_an_installed_package_keeps_everything_in_the_working_folder(tmp_path):
    site, here = tmp_path / "site-packages", tmp_path / "here"
    shutil.copytree(paths.PROJECT / "course_utils", site / "course_utils")
    here.mkdir()
    before = sorted(site.rglob("*"))
    env = {name: value for name, value in os.environ.items() if not name.startswith("COURSE_")}
    done = subprocess.run(
        [sys.executable, "-B", "-c", ASK],
        cwd=here,
        env=env | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
    )
    names = ("data", "results", "work")
    assert done.stdout.splitlines() == [f"{here / name} {name}" for name in names], done.stderr
    assert sorted(site.rglob("*")) == before
    assert [path.name for path in here.iterdir()] == ["results"]
