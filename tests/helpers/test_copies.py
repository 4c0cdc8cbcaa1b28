"""A student's own copies: handed out once, never overwritten, told of a newer lesson."""

import errno
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from desk import INTRO, LOOP, NAME, SOLVED, STUBS, Desk, cell, first_version, second_version
from faulty_disk import Locked

from course_utils import copies, paths
from course_utils.copies.__main__ import main
from course_utils.copies.errors import CopyError
from course_utils.copies.handing_out import LESSONS, find, hand_out


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_untouched_copy_becomes_the_new_lesson(desk):
    desk.publish(second_version())
    (mended,) = desk.hand_out()
    assert (mended.replaced, mended.old) == (True, None)
    assert desk.sources() == [c.source for c in second_version()]
    assert desk.hand_out() == desk.old() == []


def test_copy_that_was_only_run_becomes_the_new_lesson_and_is_kept(desk):
    desk.run()
    ran = desk.copy.read_bytes()
    desk.publish(second_version())
    (mended,) = desk.hand_out()
    assert mended.replaced
    assert desk.sources() == [c.source for c in second_version()]
    assert [path.read_bytes() for path in desk.old()] == [ran]


@pytest.mark.parametrize(
    "edit",
    [
        lambda cells: cells.insert(3, nbformat.v4.new_code_cell("1 + 1")),
        lambda cells: cells.pop(1),
        lambda cells: cells.append(nbformat.v4.new_markdown_cell("a note")),
        lambda cells: cells.insert(0, cells.pop()),
        lambda cells: cells[0].update(source="my title"),
    ],
)
def test_edited_copy_is_never_replaced(desk, edit):
    desk.change(edit)
    before = desk.snapshot()
    desk.publish(second_version())
    assert [mended.replaced for mended in desk.hand_out()] == [False]
    assert desk.snapshot() == before


def test_new_tag_makes_a_lesson_newer_and_new_outputs_do_not(desk):
    cells = first_version()
    cells[1].outputs = [nbformat.v4.new_output("stream", text="3 epochs\n")]
    desk.publish(cells)
    before = desk.snapshot()
    assert desk.hand_out() == []
    assert desk.snapshot() == before
    desk.publish([cells[0], cell(LOOP, tags=["raises-exception"]), *cells[2:]])
    assert [mended.replaced for mended in desk.hand_out()] == [True]


def test_second_call_writes_nothing(desk):
    before = desk.snapshot()
    assert desk.hand_out() == []
    assert desk.snapshot() == before


def test_deleted_copy_comes_back(desk):
    before = desk.copy.read_bytes()
    desk.copy.unlink()
    desk.hand_out()
    assert desk.copy.read_bytes() == before


def test_files_of_the_students_own_are_left_alone(desk):
    desk.publish(first_version(), "04_codes.ipynb")
    (desk.work / "04_codes.ipynb").mkdir()
    for name in ("03_backprop-Copy1.ipynb", "Untitled.ipynb", "notes.txt"):
        (desk.work / name).write_text("{half a notebook")
    desk.copy.write_text("{damaged")
    before = desk.snapshot()
    assert desk.hand_out() == []
    assert desk.snapshot() == before


@pytest.mark.parametrize("forgotten", [True, False])
def test_copy_of_which_nothing_is_remembered_is_the_students(desk, forgotten):
    (desk.work / ".handed-out" / NAME).write_text("" if forgotten else "{half")
    desk.type(INTRO, "mine")
    before = desk.copy.read_bytes()
    desk.publish(second_version())
    assert desk.hand_out() == []
    desk.publish(first_version())
    assert [mended.replaced for mended in desk.hand_out()] == [False]
    assert desk.copy.read_bytes() == before


@pytest.mark.parametrize("written", [0, 1])
def test_update_that_was_interrupted_is_finished_by_the_next(desk, monkeypatch, written):
    desk.publish(second_version())
    left = iter(range(written))

    def killed(notebook, path, write=copies.notebook.write):
        if next(left, None) is None:
            raise KeyboardInterrupt
        write(notebook, path)

    with monkeypatch.context() as patch:
        patch.setattr("course_utils.copies.notebook.write", killed)
        with pytest.raises(KeyboardInterrupt):
            desk.hand_out()
    assert all(mended.replaced for mended in desk.hand_out())
    assert desk.sources() == [c.source for c in second_version()]
    desk.publish(first_version())
    assert [mended.replaced for mended in desk.hand_out()] == [True]


def test_copy_that_is_the_new_lesson_already_is_left_alone(desk):
    remembered = desk.work / ".handed-out" / NAME
    before = remembered.read_bytes()
    desk.publish(second_version())
    desk.hand_out()
    desk.run()
    ran = desk.copy.read_bytes()
    remembered.write_bytes(before)
    assert desk.hand_out() == desk.old() == []
    assert desk.copy.read_bytes() == ran


def test_damaged_lesson_is_named_with_the_way_out(desk):
    (desk.lessons / NAME).write_text("<<<<<<< HEAD")
    with pytest.raises(CopyError, match=r"git checkout -- notebooks/03_backprop\.ipynb"):
        desk.hand_out()


def test_every_lesson_of_the_course_is_handed_out_as_jupyterlab_stores_it(tmp_path):
    assert hand_out(tmp_path) == []
    for lesson in find(LESSONS):
        copy = nbformat.read(tmp_path / lesson.name, as_version=4)
        assert copy.cells == nbformat.read(lesson, as_version=4).cells
        language = copy.metadata.language_info
        assert language.version == sys.version.split()[0]
        assert language.codemirror_mode == {"name": "ipython", "version": 3}
        assert nbformat.writes(copy) + "\n" == (tmp_path / lesson.name).read_text("utf-8")


def say(capsys, *arguments):
    status = main(list(arguments))
    out, err = capsys.readouterr()
    return status, out + err


def test_commands_say_what_became_of_the_copies(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_WORK_DIR", str(tmp_path))
    assert say(capsys) == (0, "")
    assert say(capsys, "renew") == (1, "Which lesson? Say, for lesson 3: make renew NB=03\n")
    assert say(capsys, "fresh", "42")[1].startswith("There is no lesson 42; there are 01, 02")
    for command in ("renew", "fresh"):
        status, said = say(capsys, command, "03")
        (old,) = (tmp_path / "old").iterdir()
        assert status == 0
        assert f"Your old copy, with all that you wrote: {old}" in said
        old.unlink()


def test_newer_lesson_is_told_with_the_command(capsys, desk, monkeypatch):
    monkeypatch.setenv("COURSE_WORK_DIR", str(desk.work))
    monkeypatch.setattr("course_utils.copies.handing_out.hand_out.__defaults__", (desk.lessons,))
    desk.type(STUBS["Adam"], SOLVED["Adam"])
    desk.publish(second_version())
    status, said = say(capsys)
    assert status == 0
    assert "Lesson 03 is newer than your copy, which stays as it is." in said
    assert "make renew NB=03" in said


def test_folder_that_cannot_be_made_is_told_with_the_way_out(capsys, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_WORK_DIR", str(tmp_path / "file" / "work"))
    status, said = say(capsys)
    assert status == 1
    assert "Not a directory" in said
    assert "Set COURSE_WORK_DIR to a folder that you may write" in said


def test_folder_of_copies_that_are_there_and_cannot_be_saved_is_told_before_jupyterlab_starts(
    capsys, monkeypatch, tmp_path
):
    monkeypatch.setenv("COURSE_WORK_DIR", str(tmp_path / "work"))
    assert say(capsys) == (0, "")
    Locked(monkeypatch, tmp_path / "work", errno.EACCES)
    status, said = say(capsys)
    assert status == 1
    assert "Permission denied. Set COURSE_WORK_DIR to a folder that you may write" in said


def test_work_folder_is_in_the_project_unless_set(monkeypatch):
    monkeypatch.delenv("COURSE_WORK_DIR", raising=False)
    assert paths.work_folder() == paths.PROJECT / "work"
    monkeypatch.setenv("COURSE_WORK_DIR", "~/lessons")
    assert paths.work_folder() == Path.home() / "lessons"


def test_work_folder_is_named_whatever_the_console_can_print(tmp_path):
    folder = tmp_path / "Курс Ω"
    command = [sys.executable, "-m", "course_utils.copies"]
    env = {"COURSE_WORK_DIR": str(folder), "PYTHONIOENCODING": "cp1252", "PATH": ""}
    run = subprocess.run([*command, "where"], cwd=paths.PROJECT, env=env, capture_output=True)
    assert run.stdout == f"{folder}\n".encode()
    run = subprocess.run([*command, "fresh", "01"], cwd=paths.PROJECT, env=env, capture_output=True)
    assert (run.returncode, run.stderr) == (0, b"")


def test_handing_out_imports_nothing_that_takes_long():
    code = "import sys, course_utils.copies.__main__; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=paths.PROJECT, capture_output=True)
    assert not {"torch", "torchvision", "matplotlib"} & set(run.stdout.decode().split())
