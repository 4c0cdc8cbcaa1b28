"""Each problem is simulated; the report must name it, give the cure, and count it."""

import importlib
import os
import subprocess
import sys
from collections import namedtuple
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch
from packaging.specifiers import SpecifierSet

from course_utils import data, doctor

Disk = namedtuple("Disk", "total used free")


@pytest.fixture(autouse=True)
def _room_enough_and_no_data(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "data"))
    for name in ("COURSE_DATA", "COURSE_DEVICE", "COURSE_RESULTS_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=8e9))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: Disk(9e9, 1e9, 8e9))


def only(findings):
    (finding,) = findings
    return finding


def assert_problem(finding, text, cure):
    assert finding.state == "PROBLEM"
    assert text in finding.text
    assert cure in finding.cure


def test_this_machine_is_ready(capsys):
    assert doctor.main() == 0
    said = capsys.readouterr().out
    subjects = "Python torch torchvision device threads memory disk MNIST FashionMNIST kernel"
    for subject in subjects.split():
        assert f" {subject} " in said
    assert said.endswith("Ready for the course.\n")


def test_a_problem_gives_status_1_and_its_cure(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_DEVICE", "nonsense")
    assert doctor.main() == 1
    said = capsys.readouterr().out
    assert "PROBLEM device" in said
    assert "-> unset it, or use COURSE_DEVICE=cpu" in said
    assert said.endswith("Not ready: problems found: 1.\n")


def test_a_check_that_breaks_is_a_problem(monkeypatch):
    def broken():
        raise OSError("no such thing")
        yield

    monkeypatch.setattr(doctor, "CHECKS", (broken,))
    assert_problem(only(doctor.examine()), "OSError: no such thing", "make lab")


def test_a_report_comes_from_a_bare_python():
    """Without site-packages there is no torch and no psutil: every check says so, none crashes."""
    root = Path(doctor.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-S", "-m", "course_utils.doctor"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "No module named 'torch'" in done.stdout
    assert "make lab" in done.stdout
    assert not done.stderr


def test_old_python():
    finding = doctor.python(SpecifierSet(">=3.99"))
    assert_problem(finding, "the course needs >=3.99", "install a newer Python")


def test_missing_package():
    finding = only(doctor.package("not-there", SpecifierSet(">=1")))
    assert_problem(finding, "is not installed", "pip install")


def test_old_package():
    finding = only(doctor.package("torch", SpecifierSet(">=99")))
    assert_problem(finding, f"is {metadata.version('torch')}, the course needs >=99", "make lab")


def test_torchvision_that_does_not_fit_torch(monkeypatch):
    def refuse(name):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(importlib, "import_module", refuse)
    finding = only(doctor.package("torchvision", SpecifierSet()))
    assert_problem(finding, "operator torchvision::nms does not exist", "reinstall both together")


def test_every_dependency_is_looked_at(monkeypatch):
    looked_at = []
    monkeypatch.setattr(doctor, "package", lambda name, _: looked_at.append(name) or [])
    assert [finding.subject for finding in doctor.packages()] == ["Python"]
    assert {"torch", "torchvision", "jupyterlab", "ipywidgets"} <= set(looked_at)
    assert "pytest" not in looked_at


def test_no_kernel(monkeypatch):
    from jupyter_client import kernelspec

    def missing(self, name):
        raise kernelspec.NoSuchKernel(name)

    monkeypatch.setattr(kernelspec.KernelSpecManager, "get_kernel_spec", missing)
    assert_problem(only(doctor.kernel()), "no kernel named python3", "-m ipykernel install")


def test_kernel_of_another_python(monkeypatch, tmp_path):
    from jupyter_client import kernelspec

    spec = SimpleNamespace(argv=[str(tmp_path / "python")])
    monkeypatch.setattr(kernelspec.KernelSpecManager, "get_kernel_spec", lambda *_: spec)
    assert_problem(only(doctor.kernel()), "starts another Python", "-m ipykernel install")


def test_one_thread_is_worth_a_note(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert only(doctor.threads()).state == "note"
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert only(doctor.threads()).state == "ok"


@pytest.mark.parametrize(("free", "state"), [(1.9e9, "PROBLEM"), (2.1e9, "ok")])
def test_memory(monkeypatch, free, state):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=free))
    finding = only(doctor.memory())
    assert finding.state == state
    assert bool(finding.cure) == (state == "PROBLEM")


@pytest.mark.parametrize("state", ["verified", "stand-in", "missing", "damaged"])
def test_data_that_stop_no_lesson(monkeypatch, state, capsys):
    monkeypatch.setattr(data, "status", lambda name: state)
    findings = list(doctor.data_sets())
    assert [finding.subject for finding in findings] == ["MNIST", "FashionMNIST"]
    assert {finding.state for finding in findings} == {"ok" if state == "verified" else "note"}
    assert all(finding.text.startswith(state) for finding in findings)


def test_no_data_and_no_room(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: Disk(1e9, 9e8, 1e8))
    for finding in doctor.data_sets():
        assert_problem(finding, "missing, and its disk has 0.10 GB free", "COURSE_DATA_DIR")
    assert_problem(only(doctor.disk()), "0.10 GB free", "COURSE_RESULTS_DIR")


def test_no_data_and_a_folder_that_cannot_be_written(monkeypatch):
    monkeypatch.setattr(doctor.os, "access", lambda *_: False)
    for finding in doctor.data_sets():
        assert_problem(finding, "cannot be written", "COURSE_DATA_DIR")
    assert_problem(only(doctor.disk()), "cannot be written", "COURSE_RESULTS_DIR")


def test_a_folder_of_results_in_the_home_folder_is_looked_for_there(monkeypatch, tmp_path):
    looked_at = []
    (tmp_path / "lessons").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("COURSE_RESULTS_DIR", os.path.join("~", "lessons", "results"))
    monkeypatch.setattr(doctor.os, "access", lambda path, _: looked_at.append(path) or True)
    assert only(doctor.disk()).state == "ok"
    assert looked_at == [tmp_path / "lessons"]
    assert not (tmp_path / "lessons" / "results").exists()


def test_a_file_where_the_folder_of_results_should_be(monkeypatch, tmp_path):
    (tmp_path / "results").write_text("in the way")
    monkeypatch.setenv("COURSE_RESULTS_DIR", str(tmp_path / "results"))
    assert_problem(only(doctor.disk()), "is a file", "COURSE_RESULTS_DIR")


def test_verified_data_in_a_folder_that_cannot_be_written(monkeypatch):
    monkeypatch.setattr(doctor.os, "access", lambda *_: False)
    monkeypatch.setattr(data, "status", lambda name: "verified")
    assert {finding.state for finding in doctor.data_sets()} == {"ok"}


def test_no_data_and_no_standin_wanted(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "real")
    for finding in doctor.data_sets():
        assert_problem(finding, "COURSE_DATA=real forbids the stand-in", "unset COURSE_DATA")


def test_a_wrong_setting_is_told_with_its_cure(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "rael")
    for finding in doctor.data_sets():
        assert_problem(finding, 'COURSE_DATA is "rael"', "set it to real or standin")


def test_the_doctor_writes_nothing(tmp_path):
    list(doctor.examine())
    assert not (tmp_path / "data").exists()
