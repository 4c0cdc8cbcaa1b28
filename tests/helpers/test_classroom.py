"""What JupyterHub does for each student before his server starts, and what its settings say."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets.config import PyFileConfigLoader

from course_utils.copies.handing_out import LESSONS, find
from course_utils.paths import PROJECT

CLASSROOM = PROJECT / "classroom"


@pytest.fixture(scope="module")
def start():
    spec = importlib.util.spec_from_file_location("start", CLASSROOM / "start_server.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def config(monkeypatch):
    def load(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return PyFileConfigLoader("jupyterhub_config.py", path=str(CLASSROOM)).load_config()

    return load


def edit(path):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source = "mine"
    nbformat.write(notebook, path)


def test_mended_lesson_reaches_its_students_and_the_edited_one_is_told_of_in_a_file(
    start, tmp_path, monkeypatch
):
    lessons, home = tmp_path / "lessons", tmp_path / "home"
    lessons.mkdir()
    for path in find(LESSONS)[:3]:
        notebook = nbformat.read(path, as_version=4)
        nbformat.write(notebook, lessons / path.name)
    monkeypatch.setattr("course_utils.copies.handing_out.hand_out.__defaults__", (lessons,))
    start.prepare(home)
    first, second, third = find(home)
    edit(second)
    before = second.read_bytes()
    third.unlink()
    start.prepare(home)
    assert third.exists()
    assert not (home / start.NOTE).exists()
    for path in find(lessons):
        notebook = nbformat.read(path, as_version=4)
        notebook.cells[-1].source += "\n\nMended."
        nbformat.write(notebook, path)
    start.prepare(home)
    assert nbformat.read(first, as_version=4).cells[-1].source.endswith("Mended.")
    assert second.read_bytes() == before
    note = (home / start.NOTE).read_text(encoding="utf-8")
    assert note.endswith("    %run -m course_utils.copies renew 02\n")
    assert note.count("%run") == 1
    second.unlink()
    start.prepare(home)
    assert not (home / start.NOTE).exists()


def test_what_a_student_writes_is_his_alone(start, tmp_path, monkeypatch):
    before = os.umask(0o022)
    try:
        tmp_path.chmod(0o755)
        start.keep_private(tmp_path)
        (tmp_path / "answers").touch()
    finally:
        os.umask(before)
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "answers").stat().st_mode & 0o777 == 0o600


def test_too_large_an_allocation_fails_and_the_process_goes_on():
    code = (
        "import sys; sys.path.insert(0, 'classroom'); import start_server\n"
        "start_server.limit_memory(0.5)\n"
        "kept = bytearray(100_000_000)\n"
        "try:\n    bytearray(600_000_000)\nexcept MemoryError:\n    print('went on')\n"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert run.stdout == "went on\n", run.stderr


def test_home_that_cannot_be_written_still_gets_its_server(start, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    started = []
    monkeypatch.setattr("os.execv", lambda program, arguments: started.append(Path(program).name))
    monkeypatch.setattr(start, "keep_private", lambda home: None)
    monkeypatch.setenv("COURSE_WORK_DIR", str(tmp_path / "file" / "work"))
    monkeypatch.delenv("COURSE_MEMORY_GB", raising=False)
    start.main()
    assert started == ["jupyterhub-singleuser"]
    assert "Not a directory" in capsys.readouterr().err


def test_only_this_machine_reaches_the_hub_and_only_the_class_may_log_in(config):
    settings = config()
    assert settings.JupyterHub.bind_url.startswith("http://127.0.0.1:")
    assert settings.LocalAuthenticator.allowed_groups == {"course"}
    assert not settings.PAMAuthenticator.admin_groups
    assert all(Path(part).exists() for part in settings.Spawner.cmd)


def test_teachers_are_named_by_their_group(config):
    settings = config(COURSE_ADMIN_GROUP="teachers")
    assert settings.LocalAuthenticator.allowed_groups == {"course", "teachers"}
    assert settings.PAMAuthenticator.admin_groups == {"teachers"}


def test_memory_is_limited_unless_the_teacher_says_otherwise(config, start, monkeypatch):
    monkeypatch.setattr("os.execv", lambda program, arguments: None)
    monkeypatch.setattr(start, "keep_private", lambda home: None)
    monkeypatch.setattr(start, "prepare", lambda folder: None)
    limits = []
    monkeypatch.setattr(start, "limit_memory", limits.append)
    monkeypatch.delenv("COURSE_MEMORY_GB", raising=False)
    default = config().Spawner.environment["COURSE_MEMORY_GB"]
    for said in (default, "3", "0"):
        settings = config(COURSE_MEMORY_GB=said).Spawner.environment
        monkeypatch.setenv("COURSE_MEMORY_GB", settings["COURSE_MEMORY_GB"])
        start.main()
    assert limits == [4, 3]


def test_copies_and_results_lie_in_the_folder_that_is_opened(config):
    spawner = config().Spawner
    assert spawner.environment["COURSE_WORK_DIR"] == spawner.notebook_dir
    assert spawner.environment["COURSE_RESULTS_DIR"].startswith(spawner.notebook_dir)


def test_idle_servers_end_and_busy_ones_do_not(config):
    server = ServerApp()
    server.parse_command_line(list(config().Spawner.args))
    kernels = AsyncMappingKernelManager(parent=server)
    assert kernels.cull_idle_timeout == server.shutdown_no_activity_timeout == 3600
    assert (kernels.cull_connected, kernels.cull_busy) == (True, False)
