"""Each trouble is made for real where that can be; its cure is applied, and the finding is gone."""

import ast
import importlib.util
import io
import json
import os
import re
import socket
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import jupyter_client.kernelspec
import psutil
import pytest
import torch
from faulty_disk import Locked
from http_mirror import serving, tiny_collection, tiny_files, write_mirror

from course_utils import data, doctor, paths
from course_utils.data import fetch, official
from course_utils.diagnosis import (
    beside,
    data_sets,
    first_cell,
    install,
    kernel,
    packages,
    places,
)
from course_utils.diagnosis.finding import ok

DIAGNOSIS = Path(packages.__file__).parent
Disk = namedtuple("Disk", "total used free")
FILES = tiny_files()


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(tmp_path, monkeypatch):
    for name in ("DATA", "DATA_MIRROR", "MIRROR", "DEVICE", "RESULTS_DIR", "WORK_DIR"):
        monkeypatch.delenv(f"COURSE_{name}", raising=False)
    for name in ("PYTHONPATH", "JUPYTER_PATH"):
        monkeypatch.delenv(name, raising=False)
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name))  # home may be read-only
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(fetch, "PAUSES", ())


def only(findings):
    (finding,) = findings
    return finding


def assert_problem(finding, text, cure):
    assert finding.state == "PROBLEM"
    assert text in finding.text
    assert cure in finding.cure


def problems(findings):
    return [finding for finding in findings if finding.state == "PROBLEM"]


def try_out(*names):
    return list(packages.tried(packages.run(names), set()))


# The report


def test_this_machine_is_ready(capsys):
    assert doctor.main() == 0
    said = capsys.readouterr().out
    subjects = "Python numpy matplotlib torch torchvision figure device threads memory kernel"
    for subject in [*subjects.split(), "results", "work", "MNIST", "FashionMNIST"]:
        assert len(re.findall(rf"^(ok|note) +{subject} ", said, re.MULTILINE)) == 1, subject
    assert said.endswith("Ready for the course.\n")


def test_a_problem_gives_status_1_and_its_cure(monkeypatch, capsys):
    def check():
        yield packages.problem("device", "is none", "unset it")

    monkeypatch.setattr(doctor, "_after_install", lambda: (check,))
    assert doctor.main() == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].split() == ["PROBLEM", "device", "is", "none"]
    assert said[1].strip() == "-> unset it"
    assert said[-1] == "Not ready: problems found: 1."


def test_a_check_that_breaks_is_a_problem(monkeypatch):
    def broken():
        raise OSError("no such thing")
        yield

    monkeypatch.setattr(doctor, "_after_install", lambda: (broken,))
    assert_problem(only(doctor.examine()), "OSError: no such thing", "make clean, then make lab")


def test_a_console_that_cannot_name_the_folder_is_all_that_is_told(monkeypatch):
    monkeypatch.setattr(paths, "PROJECT", Path(os.fsdecode(b"/srv/\xff")))
    assert_problem(only(doctor.examine()), "console's encoding, lacks", "export LC_ALL=C.UTF-8")


def test_what_cannot_be_imported_is_not_told_by_every_check(monkeypatch):
    def packages_check():
        yield packages.problem("numpy", "is broken", "unset PYTHONPATH")

    def without_it():
        raise ImportError("numpy is broken")
        yield

    monkeypatch.setattr(doctor, "_after_install", lambda: (packages_check, without_it))
    assert only(doctor.examine()).subject == "numpy"
    monkeypatch.setattr(doctor, "_after_install", lambda: (without_it,))
    assert_problem(only(doctor.examine()), "ImportError: numpy is broken", "make lab")


def test_a_console_that_lacks_letters_gets_the_whole_report(monkeypatch):
    console = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", console)
    monkeypatch.setattr(doctor, "_after_install", lambda: (lambda: iter([ok("data", "Курс Ω")]),))
    assert doctor.main() == 0
    console.flush()
    said = console.buffer.getvalue().decode("ascii")
    assert r"\u041a" in said
    assert "Ready" in said


def test_every_make_command_in_a_cure_is_one():
    makefile = (paths.PROJECT / "Makefile").read_text()
    told = {
        command
        for path in (*DIAGNOSIS.glob("*.py"), Path(doctor.__file__))
        for command in re.findall(r"\bmake ([a-z]+)\b", path.read_text())
    }
    told -= {"an", "it"}
    assert {"lab", "clean", "data", "doctor"} <= told
    assert all(re.search(rf"^{command}:", makefile, re.MULTILINE) for command in told), told


# Before an install


@pytest.mark.parametrize("call", [["-m", "course_utils.doctor"], ["course_utils/doctor.py"]])
def test_a_report_comes_from_a_bare_python(call, monkeypatch):
    monkeypatch.setenv("COURSE_MIRROR", nobody())  # whether there is a network or not
    done = subprocess.run(
        [sys.executable, "-S", *call], cwd=paths.PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert re.search(r"^ok +room .*8 GB", done.stdout, re.MULTILINE)
    assert re.search(r"^\w+ +network ", done.stdout, re.MULTILINE)
    assert re.search(r"^PROBLEM course +is not installed.*\n +-> make lab", done.stdout, re.M)
    assert not done.stderr


@pytest.mark.parametrize("name", ["random", "json", "torch"])
def test_nothing_on_pythonpath_keeps_the_report_from_coming(tmp_path, monkeypatch, name):
    (tmp_path / f"{name}.py").write_text("raise RuntimeError('foreign')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("COURSE_MIRROR", nobody())
    command = [sys.executable, "-S", "-m", "course_utils.doctor"]
    done = subprocess.run(command, cwd=paths.PROJECT, capture_output=True, text=True)
    assert "PROBLEM course" in done.stdout
    assert not done.stderr


def test_python_3_8_can_read_what_it_runs():
    before_any_import = [paths.__file__, doctor.__file__, install.__file__]
    more = [DIAGNOSIS / "finding.py", DIAGNOSIS / "__init__.py", DIAGNOSIS.parent / "__init__.py"]
    for path in (*before_any_import, *more):
        ast.parse(Path(path).read_text(encoding="utf-8"), feature_version=(3, 8))


def test_a_python_that_is_too_old_is_told_so_and_nothing_else_is_imported(monkeypatch):
    monkeypatch.setattr(install, "OLDEST", (3, 99))
    monkeypatch.setattr(install, "network", None)
    monkeypatch.setattr(install, "CHECKS", (install.python,))
    monkeypatch.setattr(doctor, "_after_install", None)
    monkeypatch.setattr(install, "in_venv", lambda: False)
    assert_problem(only(doctor.examine()), "needs 3.99 to 3.14", "make lab PYTHON=python3.12")
    monkeypatch.setattr(install, "in_venv", lambda: True)
    assert_problem(only(doctor.examine()), "needs 3.99 to 3.14", "make clean, then make lab PYTHON")


def test_a_python_that_is_too_new_is_only_in_the_way_of_an_install(monkeypatch):
    monkeypatch.setattr(install, "NEWEST", (3, 9))
    assert only(install.python()).state == "ok"
    monkeypatch.setattr(install, "begun", lambda: False)
    assert_problem(only(install.python()), "the course needs 3.11 to 3.9", "PYTHON=python3.12")


@pytest.mark.parametrize(
    ("system", "machine"), [("darwin", "x86_64"), ("win32", "ARM64"), ("linux", "x86_64")]
)
def test_machines_for_which_there_is_no_pytorch(monkeypatch, system, machine):
    monkeypatch.setattr(install.sys, "platform", system)
    monkeypatch.setattr(install.platform, "machine", lambda: machine)
    assert len(problems(install.python())) == (system != "linux")


def test_what_an_install_needs_is_what_the_installer_says():
    spec = importlib.util.spec_from_file_location("install", paths.PROJECT / "tools" / "install.py")
    installer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(installer)
    ours = install.OLDEST, install.NEWEST, install.GIGABYTES
    assert ours == (installer.OLDEST, installer.NEWEST, installer.GIGABYTES)


def test_room_for_an_install(monkeypatch):
    monkeypatch.setattr(install.sys, "platform", "linux")
    monkeypatch.setattr(install.shutil, "disk_usage", lambda _: Disk(9e9, 2e9, 7e9))
    assert_problem(only(install.room()), "7.0 GB free", "free some")
    monkeypatch.setattr(install.shutil, "disk_usage", lambda _: Disk(9e10, 0, 9e10))
    assert only(install.room()).state == "ok"


def test_python_without_venv(monkeypatch):
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda name: None)
    assert_problem(only(install.venv()), "without venv", "apt-get install python3-venv")


def nobody() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}"


def test_a_mirror_of_packages_that_does_not_answer(monkeypatch):
    monkeypatch.setenv("COURSE_MIRROR", nobody())
    assert_problem(only(install.network()), "/wheels/: Connection refused", "COURSE_MIRROR")
    with serving({"": b"a page of links to packages"}) as mirror:
        monkeypatch.setenv("COURSE_MIRROR", mirror.url)  # the way out
        assert only(install.network()).state == "ok"
    monkeypatch.setenv("COURSE_MIRROR", "http://[::1")
    assert only(install.network()).state == "PROBLEM"


def test_no_network(monkeypatch, tmp_path):
    monkeypatch.setattr(install, "pip_looks_in", lambda: [nobody()])
    assert_problem(only(install.network()), "Connection refused", "set COURSE_MIRROR")
    monkeypatch.setattr(install, "pip_looks_in", lambda: [nobody(), tmp_path.as_uri()])
    assert only(install.network()).state == "ok"


def test_a_python_without_pip_is_asked_nothing_about_the_network(monkeypatch):
    monkeypatch.setattr(install, "pip_looks_in", list)
    assert list(install.network()) == []


def test_where_pip_looks(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert install.pip_looks_in() == [*install.default_index(), str(tmp_path)]


def test_a_server_that_is_silent_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(install, "SECONDS", 0.2)
    monkeypatch.setattr(install, "_answer", lambda url: install.threading.Event().wait(5))
    monkeypatch.setenv("COURSE_MIRROR", "http://192.0.2.1")
    assert_problem(only(install.network()), "no answer within 0.2 s", "COURSE_MIRROR")


# Packages


def write_package(folder: Path, name: str, text: str) -> Path:
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text(text)
    return folder


def test_a_foreign_matplotlib_that_draws_nothing(tmp_path, monkeypatch):
    foreign = write_package(tmp_path / "pp", "matplotlib", '__version__ = "2.1.1"')
    (foreign / "matplotlib" / "pyplot.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(foreign))
    told = try_out("matplotlib.pyplot", "figure")
    assert_problem(only(problems(told)), f"comes from {foreign}, and fails", "unset PYTHONPATH")
    monkeypatch.delenv("PYTHONPATH")
    # Nor does the user's own look rule the figures: there may be no LaTeX here.
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nsavefig.dpi: 1\n")
    monkeypatch.setenv("MATPLOTLIBRC", str(tmp_path))
    assert [one.state for one in try_out("matplotlib.pyplot", "figure")] == ["ok", "ok"]


def test_a_module_of_pythons_own_that_is_hidden_is_named_and_not_what_needs_it(
    tmp_path, monkeypatch
):
    (tmp_path / "random.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    finding = only(problems(try_out("filelock", "tqdm.auto")))
    assert finding.subject == "random"
    assert_problem(finding, f"comes from {tmp_path}, and fails", "unset PYTHONPATH")


def test_first_steps_that_fail_are_told_with_pythons_last_words(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise RuntimeError('foreign')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert_problem(only(try_out("numpy")), "RuntimeError: foreign", "unset PYTHONPATH; if that")


def test_a_cause_is_named_once_whatever_it_breaks(tmp_path, monkeypatch):
    foreign = write_package(tmp_path, "numpy", 'raise RuntimeError("made for Python 2")')
    monkeypatch.setenv("PYTHONPATH", str(foreign))
    finding = only(try_out("numpy", "matplotlib.pyplot", "torch", "torchvision.datasets", "figure"))
    assert finding.subject == "numpy"
    assert_problem(finding, "RuntimeError: made for Python 2", "unset PYTHONPATH")


def test_a_foreign_package_that_works_is_worth_a_note(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(write_package(tmp_path, "filelock", "")))
    finding = only(try_out("filelock"))
    assert (finding.state, finding.cure) == ("note", "unset PYTHONPATH")
    assert str(tmp_path) in finding.text


def test_a_package_of_the_user_site(tmp_path, monkeypatch):
    monkeypatch.setattr(packages.site, "ENABLE_USER_SITE", True)
    monkeypatch.setattr(packages.site, "getusersitepackages", lambda: str(tmp_path))
    assert packages.origin(str(tmp_path / "torch")) == (True, "export PYTHONNOUSERSITE=1")
    assert packages.origin(str(tmp_path.parent / "torch")) == (False, "")


@pytest.mark.parametrize("name", ["torch.py", "random.py", "numpy"])
def test_a_file_beside_a_lesson_that_hides_a_package(tmp_path, monkeypatch, name):
    monkeypatch.setenv("COURSE_WORK_DIR", str(tmp_path))
    (tmp_path / "my_notes.py").touch()
    if name == "numpy":
        (tmp_path / name).mkdir()
        assert list(beside.hiding()) == [], "a folder is no package yet"
        (tmp_path / name / "__init__.py").touch()
    else:
        (tmp_path / name).touch()
    assert_problem(only(beside.hiding()), f"{tmp_path / name} hides", "rename or remove")
    (tmp_path / name).rename(tmp_path / f"my_{name}")
    assert list(beside.hiding()) == []


def test_such_a_file_is_found_by_trying_too(tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text("from torch import nn")
    monkeypatch.setenv("COURSE_WORK_DIR", str(tmp_path))
    assert_problem(only(try_out("torch")), f"comes from {tmp_path}, and", "torch.py")


def test_a_package_that_ends_python_is_named(tmp_path, monkeypatch):
    write_package(tmp_path, "numpy", "import os; os._exit(7)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert_problem(only(try_out("numpy")), "ended with status 7", "unset PYTHONPATH")


def test_a_package_that_never_ends_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "SECONDS", 0.5)
    write_package(tmp_path, "numpy", "import time; time.sleep(60)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    finding = only(try_out("numpy"))
    assert "not done after 0.5 s" in finding.text


def test_torchvision_that_does_not_fit_torch():
    words = "RuntimeError: operator torchvision::nms does not exist"
    step = {"subject": "torchvision.datasets", "error": words, "root": "torchvision", "place": ""}
    finding = only(packages.tried([step], set()))
    assert_problem(finding, "operator torchvision::nms does not exist", "from one place")


def test_files_of_a_package_that_are_gone_or_empty(tmp_path, monkeypatch):
    write_package(tmp_path, "numpy", "1")
    record = tmp_path / "numpy-2.0.dist-info" / "RECORD"
    record.parent.mkdir()
    record.write_text(
        "numpy/__init__.py,sha256=x,1\nnumpy/__pycache__/a.pyc,,\n../../bin/f2py,sha256=x,9\n"
    )
    assert list(packages.whole(tmp_path)) == []
    monkeypatch.setattr(packages, "in_venv", lambda: True)
    for damage in (lambda path: path.write_text(""), Path.unlink):
        damage(tmp_path / "numpy" / "__init__.py")
        module, finding = only(packages.whole(tmp_path))
        assert module == "numpy"
        assert_problem(finding, "numpy/__init__.py", "make clean, then make lab")


def test_an_empty_folder_is_no_package(tmp_path, monkeypatch):
    """What is left when its files are gone: Python imports it without a word."""
    (tmp_path / "not_there").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    outcome = first_cell._outcome("not_there", first_cell._importing("not_there"))
    assert "only an empty folder is left" in outcome["error"]


def distribution(**versions):
    def found(name):
        if name not in versions:
            raise packages.metadata.PackageNotFoundError(name)
        return SimpleNamespace(version=versions[name], locate_file=lambda _: "/somewhere")

    return found


def test_packages_that_are_missing_or_old(monkeypatch):
    needs = ["torch>=2.6", "scikit-learn>=1.5", "numpy>=2", 'ruff>=0.8; extra == "dev"']
    monkeypatch.setattr(packages.metadata, "requires", lambda _: needs)
    monkeypatch.setattr(packages.metadata, "distribution", distribution(torch="1.13", numpy="2.1"))
    told = dict(packages.installed())
    assert set(told) == {"torch", "sklearn"}
    assert_problem(told["torch"], "is 1.13, the course needs >=2.6", "make")
    assert_problem(told["sklearn"], "is not installed", "make lab")


def test_what_make_lab_takes_for_done_needs_make_clean_first(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "PROJECT", tmp_path)
    monkeypatch.setattr(packages, "in_venv", lambda: True)
    (tmp_path / ".venv").mkdir()
    assert packages.install() == "make lab"
    (tmp_path / ".venv" / ".installed").touch()
    assert packages.install() == "make clean, then make lab"


def test_helpers_of_another_clone(tmp_path):
    place = str(tmp_path / "course_utils" / "__init__.py")
    step = {"subject": "course_utils.plotting", "text": "", "place": place}
    finding = only(packages.tried([step], set()))
    assert finding.state == "note"
    assert f"lessons take it from {tmp_path}" in finding.text


# The machine


def test_a_device_that_is_none(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "nonsense")
    step = {"subject": "device", **first_cell._outcome("device", first_cell.device)}
    finding = only(packages.tried([step], set()))
    assert_problem(finding, "COURSE_DEVICE=nonsense is no device", "use COURSE_DEVICE=cpu")
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    assert first_cell.device() == "cpu"


def test_one_thread_is_worth_a_note(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert only(packages._threads(first_cell.threads())).state == "note"
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert only(packages._threads(first_cell.threads())).state == "ok"


@pytest.mark.parametrize(("free", "state"), [(1.9e9, "PROBLEM"), (2.1e9, "ok")])
def test_memory(monkeypatch, free, state):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=free))
    assert only(packages._memory(first_cell.memory())).state == state


# The kernel


def write_kernel(folder: Path, *argv: str) -> Path:
    kernels = folder / "kernels" / "python3"
    kernels.mkdir(parents=True)
    spec = {"argv": argv, "display_name": "Old", "language": "python"}
    (kernels / "kernel.json").write_text(json.dumps(spec))
    return kernels


@pytest.mark.parametrize("cure", ["unset JUPYTER_PATH", "rename the folder"])
def test_a_kernel_of_another_python(monkeypatch, tmp_path, cure):
    other = write_kernel(tmp_path / "jp", "/usr/bin/none", "-m", "ipykernel_launcher")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jp"))
    finding = only(kernel.kernel())
    assert_problem(finding, "is another Python, /usr/bin/none", f"rename the folder {other}")
    assert finding.cure.endswith(", or unset JUPYTER_PATH")
    monkeypatch.setattr(kernel, "started", lambda: "")
    if cure == "unset JUPYTER_PATH":
        monkeypatch.delenv("JUPYTER_PATH")
    else:
        other.rename(other.with_name("old"))
    assert only(kernel.kernel()).state == "ok"


def test_a_kernel_that_dies(monkeypatch, tmp_path):
    other = write_kernel(tmp_path, sys.executable, "-c", "raise SystemExit(1)")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    finding = only(kernel.kernel())
    assert_problem(
        finding, "does not start: RuntimeError: Kernel died", f"rename the folder {other}"
    )


def test_no_kernel(monkeypatch):
    def missing(self, name):
        raise jupyter_client.kernelspec.NoSuchKernel(name)

    manager = jupyter_client.kernelspec.KernelSpecManager
    monkeypatch.setattr(manager, "get_kernel_spec", missing)
    assert_problem(only(kernel.kernel()), "no kernel named python3", "-m ipykernel install")


def test_a_kernel_in_another_environment(tmp_path):
    reply = {"prefix": {"data": {"text/plain": repr(str(tmp_path))}}}
    messages = iter(
        [
            {"parent_header": {"msg_id": "are you ready?"}, "content": {}},
            {"parent_header": {"msg_id": 1}, "content": {"user_expressions": reply}},
        ]
    )
    client = SimpleNamespace(
        wait_for_ready=lambda timeout: None,
        execute=lambda *_, **__: 1,
        get_shell_msg=lambda timeout: next(messages),
    )
    assert kernel._answer(client) == f"runs in another environment, {tmp_path}"


# Where things are written


@pytest.mark.parametrize(
    ("subject", "variable"), [("results", "COURSE_RESULTS_DIR"), ("work", "COURSE_WORK_DIR")]
)
def test_a_folder_below_a_file(monkeypatch, tmp_path, subject, variable):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(variable, str(tmp_path / "file" / "below"))
    finding = only(problems(places.folders()))
    assert finding.subject == subject
    assert_problem(finding, f"{tmp_path / 'file'} is a file, no folder", f"set {variable} to a")
    monkeypatch.setenv(variable, str(tmp_path / "other"))
    assert not problems(places.folders())
    assert not (tmp_path / "other").exists()


def test_a_folder_that_cannot_be_written(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_RESULTS_DIR", str(tmp_path / "locked" / "results"))
    (tmp_path / "locked").mkdir()
    Locked(monkeypatch, tmp_path / "locked", 13)
    assert_problem(only(problems(places.folders())), "cannot be written (Permission", "RESULTS_DIR")


def test_a_folder_in_the_home_folder_is_looked_for_there(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("COURSE_RESULTS_DIR", os.path.join("~", "lessons", "results"))
    said = next(places.folders()).text
    assert str(tmp_path / "lessons" / "results") in said


def test_no_room(monkeypatch):
    monkeypatch.setattr(places.shutil, "disk_usage", lambda _: Disk(1e9, 9e8, 1e8))
    for finding in places.folders():
        assert_problem(finding, "has 0.10 GB free", "COURSE_")
    for finding in data_sets.data_sets():
        assert_problem(finding, "missing, and the disk of", "COURSE_DATA_DIR")


@pytest.fixture
def _plain_home(monkeypatch, tmp_path):
    names = "JUPYTER_RUNTIME_DIR JUPYTER_DATA_DIR JUPYTER_CONFIG_DIR IPYTHONDIR MPLCONFIGDIR"
    for name in [*names.split(), "XDG_DATA_HOME", "XDG_CACHE_HOME"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()


@pytest.mark.usefixtures("_plain_home")
@pytest.mark.parametrize("trouble", ["below a file", "read-only"])
def test_a_home_that_cannot_be_written_is_told_once(monkeypatch, tmp_path, trouble):
    if trouble == "below a file":
        (tmp_path / "file").touch()
        monkeypatch.setenv("HOME", str(tmp_path / "file" / "home"))
    else:
        (tmp_path / "locked").mkdir()
        monkeypatch.setenv("HOME", str(tmp_path / "locked"))
        Locked(monkeypatch, tmp_path / "locked", 30)
    finding = only(places.home())
    assert_problem(finding, "Jupyter's connections, Jupyter's data", "set HOME to a folder that")
    assert list(kernel.kernel()) == [], "the kernel would fail for the same reason"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert list(places.home()) == []


@pytest.mark.usefixtures("_plain_home")
@pytest.mark.parametrize(
    ("variable", "state"), [("JUPYTER_RUNTIME_DIR", "PROBLEM"), ("MPLCONFIGDIR", "note")]
)
def test_one_folder_that_cannot_be_written(monkeypatch, tmp_path, variable, state):
    (tmp_path / "file").touch()
    monkeypatch.setenv(variable, str(tmp_path / "file"))
    finding = only(places.home())
    assert (finding.state, finding.subject) == (state, variable)
    assert finding.cure == f"set {variable} to a folder that you may write"
    monkeypatch.delenv(variable)
    assert list(places.home()) == []


# Data and results


@pytest.mark.parametrize("state", ["verified", "stand-in", "missing", "damaged"])
def test_data_that_stop_no_lesson(monkeypatch, state):
    monkeypatch.setattr(data, "status", lambda name: state)
    findings = list(data_sets.data_sets())
    assert [finding.subject for finding in findings] == ["MNIST", "FashionMNIST"]
    assert {finding.state for finding in findings} == {"ok" if state == "verified" else "note"}
    assert all(finding.text.startswith(state) for finding in findings)


def test_a_data_folder_below_a_file(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "file" / "data"))
    for finding in data_sets.data_sets():
        assert_problem(finding, "missing, and", "COURSE_DATA_DIR")


def test_no_data_and_no_standin_wanted(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "real")
    for finding in data_sets.data_sets():
        assert_problem(finding, "COURSE_DATA=real forbids the stand-in", "unset COURSE_DATA")


def test_a_wrong_setting_is_told_once_with_its_cure(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "rael")
    monkeypatch.setenv("COURSE_DATA_MIRROR", "/typo")
    finding = only(data_sets.data_sets())
    assert_problem(finding, 'COURSE_DATA is "rael"', "set it to real or standin")


@pytest.mark.parametrize("variable", ["COURSE_DATA_MIRROR", "COURSE_MIRROR"])
@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ("/typo", 'is "/typo"'),
        ("{nobody}", "no server answers"),
        ("file:///no/such/folder", "No such file or directory"),
    ],
)
def test_a_wrong_mirror(monkeypatch, tmp_path, variable, wrong, text):
    monkeypatch.setattr(official, "collection", lambda name: tiny_collection(FILES))
    monkeypatch.setenv(variable, wrong.format(nobody=nobody()))
    told = only(problems(data_sets.data_sets()))
    cure = "it must start with http" if wrong == "/typo" else f"correct {variable}, or unset it"
    assert_problem(told, text, cure)
    write_mirror(tmp_path / "stick" / "mnist", FILES)
    monkeypatch.setenv(variable, (tmp_path / "stick").as_uri())
    assert not problems(data_sets.data_sets())
    monkeypatch.delenv(variable)
    assert not problems(data_sets.data_sets())


def test_a_mirror_that_is_not_needed_is_worth_a_note(monkeypatch):
    monkeypatch.setattr(data, "status", lambda name: "verified")
    monkeypatch.setenv("COURSE_DATA_MIRROR", nobody())
    findings = list(data_sets.data_sets())
    assert [finding.state for finding in findings] == ["note", "ok", "ok"]
    assert "not needed" in findings[0].text


def test_a_damaged_result_is_named_with_its_lesson_and_the_way_out(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_RESULTS_DIR", str(tmp_path))
    (tmp_path / "standin").mkdir()
    for name in ("gan.pt", "standin/mnist_classifier.pt", "01_line.pt"):
        (tmp_path / name).write_bytes(b"half a file")
    gan, judge = packages._results(first_cell.results())
    assert (gan.state, judge.state) == ("note", "note")
    assert gan.text == f"{tmp_path / 'gan.pt'} cannot be read"
    assert gan.cure == "run lesson 8 again"
    assert judge.cure.startswith("run lesson 2 again")


def test_the_doctor_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_RESULTS_DIR", str(tmp_path / "results"))
    monkeypatch.setenv("COURSE_WORK_DIR", str(tmp_path / "work"))
    for check in (places.folders, places.home, data_sets.data_sets, beside.hiding):
        list(check())
    assert list(tmp_path.iterdir()) == []
