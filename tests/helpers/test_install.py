"""The installer, without installing: what it leaves alone, what it makes good, what it says."""

import errno
import os
import re
import shutil
import subprocess
import sys

import install
import pytest
import wheels


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A clone with lock files, and an environment that this Python has made, without pip."""
    if os.name == "nt":
        pytest.skip("the programs of these tests are scripts that begin with #!")
    for file in ("requirements.txt", "requirements-dev.txt", "pyproject.toml"):
        (tmp_path / file).write_text("numpy==2.0 \\\n    --hash=sha256:0\n", encoding="utf-8")
    monkeypatch.setattr(install, "PROJECT", tmp_path)
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(install, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(install, "LOG", tmp_path / ".venv" / "pip.log")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    return tmp_path


def complete(dev=False):
    install._stamp(dev).write_text(install._wanted(dev), encoding="utf-8")


def test_what_was_installed_to_the_end_is_not_looked_at_again(folder, monkeypatch):
    complete()
    monkeypatch.setattr(install, "install", lambda dev: pytest.fail("it installs again"))
    monkeypatch.setattr(sys, "argv", ["install.py"])
    assert install.main() == 0


@pytest.mark.parametrize("change", ["nothing installed", "lock", "folder", "python", "dev"])
def test_everything_else_is_made_good(folder, change, monkeypatch):
    complete()
    if change == "nothing installed":
        install._stamp(False).unlink()
    elif change == "lock":
        (folder / "requirements.txt").write_text("numpy==2.1\n", encoding="utf-8")
    elif change == "folder":
        monkeypatch.setattr(install, "_wanted", lambda dev: "another folder")
    elif change == "python":
        (folder / ".venv" / "bin" / "python").unlink()
    assert not install.installed(dev=change == "dev")


def settings(folder, text):
    (folder / ".venv" / "pyvenv.cfg").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("home = /usr\nuv = 0.8.1\nversion_info = 3.12.4\n", "made by uv, and stays as it is"),
        ("home = /usr\nversion = 3.10.2\n", "made by Python 3.10, and the course needs 3.11 to"),
        ("home = /usr\nversion = 3.15.0\n", "made by Python 3.15"),
    ],
)
def test_an_environment_of_somebody_else_is_not_wiped(folder, text, says):
    settings(folder, text)
    mine = folder / ".venv" / "mine"
    mine.write_text("mine", encoding="utf-8")
    with pytest.raises(install.InstallError, match=says):
        install.prepare_venv()
    assert mine.read_text(encoding="utf-8") == "mine"


def test_an_environment_with_pip_is_kept_as_it_is(folder, monkeypatch):
    settings(folder, "home = /usr\nversion = 3.12.4\n")
    monkeypatch.setattr(install, "_has_pip", lambda: True)
    monkeypatch.setattr(install, "_run", lambda *_: pytest.fail("it is made anew"))
    install.prepare_venv()


def test_one_that_was_cut_off_is_made_anew_and_that_is_said(folder, monkeypatch, capsys):
    settings(folder, "home = /usr\nversion = 3.12.4\n")
    ran = []
    monkeypatch.setattr(install, "_has_pip", lambda: False)
    monkeypatch.setattr(install, "_run", lambda command, _: ran.append(command))
    install.prepare_venv()
    assert ran == [[sys.executable, "-m", "venv", "--clear", str(folder / ".venv")]]
    assert "not complete and is made anew" in capsys.readouterr().out


def test_the_first_time_says_what_is_coming(folder, monkeypatch, capsys):
    monkeypatch.setattr(install, "_has_pip", lambda: False)
    monkeypatch.setattr(install, "_run", lambda *_: None)
    install.prepare_venv()
    assert "3.2 GB to download and 6.6 GB on disk" in capsys.readouterr().out


@pytest.mark.parametrize("version", [(3, 10, 1), (3, 15, 0)])
def test_a_python_without_wheels_is_refused(folder, version, monkeypatch):
    monkeypatch.setattr(install.sys, "version_info", version)
    with pytest.raises(install.InstallError, match=r"needs Python 3\.11 to 3\.14, and this one is"):
        install.refuse_this_python()


def test_too_little_room_is_told_before_the_download(folder, monkeypatch):
    usage = install.shutil.disk_usage(folder)._replace(free=3_000_000_000)
    monkeypatch.setattr(install.shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(install.sys, "platform", "linux")
    with pytest.raises(install.InstallError, match=r"3\.0 GB free, and the course needs 8"):
        install.refuse_full_disk()


WORDS = {
    "ERROR: Could not install packages due to an OSError: [Errno 28] No space left": "disk is full",
    "ERROR: No matching distribution found for anyio==4.16.0": "package index cannot be reached",
    "WARNING: Retrying after connection broken by 'ProxyError('Cannot connect to proxy.'": "proxy",
    "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES": "not the one that the lock file names",
    "error: something else": "pip failed",
}


@pytest.mark.parametrize("line", WORDS)
def test_pips_words_are_explained_and_kept(folder, line, monkeypatch):
    monkeypatch.delenv("COURSE_MIRROR", raising=False)
    said = install.explain(["Collecting anyio", line])
    assert WORDS[line] in said.splitlines()[0]
    assert line in said


def fake_pip(folder, monkeypatch, body):
    """Put a program in the place of Python; it prints what pip would, and notes its arguments."""
    program = folder / ".venv" / "bin" / "python"
    program.unlink()
    program.write_text(f"#!{sys.executable}\nimport os, sys\n{body}", encoding="utf-8")
    program.chmod(0o755)


def test_pip_gets_hashes_checked_and_no_setting_of_the_users(folder, monkeypatch, capsys):
    body = "print('Collecting a'); print(sys.argv[1:]); print(sorted(os.environ))"
    fake_pip(folder, monkeypatch, body)
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.delenv("COURSE_MIRROR", raising=False)
    install.pip("--require-hashes", "-r", "requirements.txt", packages=1)
    log = (folder / ".venv" / "pip.log").read_text(encoding="utf-8")
    assert "'--require-hashes', '-r', 'requirements.txt'" in log
    assert "PIP_USER" not in log
    assert "--find-links" not in log


def test_a_class_installs_from_its_mirror_alone(folder, monkeypatch):
    fake_pip(folder, monkeypatch, "print(sys.argv[1:])")
    monkeypatch.setenv("COURSE_MIRROR", "http://192.0.2.10:8000/")
    install.pip("--require-hashes")
    log = (folder / ".venv" / "pip.log").read_text(encoding="utf-8")
    assert "'--isolated', '--no-index', '--find-links', 'http://192.0.2.10:8000/wheels/'" in log
    assert "'--trusted-host', '192.0.2.10'" in log


@pytest.mark.parametrize("spelling", ["stick #1", "stick%20%231"])
def test_a_stick_is_a_folder_whatever_its_name(tmp_path, spelling, monkeypatch):
    (tmp_path / "stick #1" / "wheels").mkdir(parents=True)
    monkeypatch.setenv("COURSE_MIRROR", f"file://{tmp_path}/{spelling}/")
    assert f"{tmp_path}/stick #1/wheels/" in install._sources()


def test_a_mirror_without_packages_for_this_python_is_told_from_one_that_is_away(monkeypatch):
    monkeypatch.setenv("COURSE_MIRROR", "http://192.0.2.10:8000")
    none = "ERROR: No matching distribution found for soupsieve==2.10"
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert f"gets them with: make wheels PYTHONS={here}" in install.explain([none])
    away = "WARNING: Retrying after connection broken by 'NewConnectionError(...)'"
    assert "http://192.0.2.10:8000 cannot be reached" in install.explain([away, none])


def test_a_disk_that_fills_up_or_cannot_be_written_is_one_sentence(folder, monkeypatch, capsys):
    def refused(dev):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(install, "install", refused)
    monkeypatch.setattr(sys, "argv", ["install.py"])
    assert install.main() == 1
    assert capsys.readouterr().err == (
        f"Not installed: No space left on device: {folder}. It takes a folder that you may write, "
        "with 8 GB of room.\n"
    )


LOCK = """\
numpy==2.4 ; python_full_version < '3.12' \\
    --hash=sha256:1 \\
    --hash=sha256:2
    # via course-utils
numpy==2.5 ; python_full_version >= '3.12' \\
    --hash=sha256:3
soupsieve==2.10 ; python_full_version < '3.11.5' \\
    --hash=sha256:4
soupsieve==4.1 ; python_full_version >= '3.11.5' \\
    --hash=sha256:5
six==1.17 \\
    --hash=sha256:6
"""


def test_a_class_gets_what_every_patch_of_its_python_installs():
    first, later = wheels.wanted(LOCK, "3.11").items()
    numpy = "numpy==2.4 --hash=sha256:1 --hash=sha256:2"
    old, new = "soupsieve==2.10 --hash=sha256:4", "soupsieve==4.1 --hash=sha256:5"
    six = "six==1.17 --hash=sha256:6"
    assert [first[0], *map(str.split, first[1])] == ["3.11.0", *map(str.split, [numpy, old, six])]
    assert [later[0], *map(str.split, later[1])] == ["3.11.99", new.split()]
    assert [line.split()[0] for line in wheels.wanted(LOCK, "3.13")["3.13.0"]] == [
        "numpy==2.5",
        "soupsieve==4.1",
        "six==1.17",
    ]


def test_wheels_are_downloaded_for_the_python_that_is_named(monkeypatch, tmp_path, capsys):
    ran = []

    def downloaded(lines, python):
        ran.append((python, len(lines)))
        return int(python == "3.13.0")

    monkeypatch.setattr(wheels, "download", downloaded)
    assert wheels.main(["3.12"]) == 0
    assert {python for python, _ in ran} == {"3.12.0"}
    assert "Packages for Python 3.12 lie in build/wheels" in capsys.readouterr().out
    assert wheels.main(["3.13", "3.14"]) == 1
    assert ran[-1][0] == "3.13.0"


def make(*arguments, folder=install.PROJECT, **settings):
    """Call make; return its status and all that it says."""
    if not shutil.which("make"):
        pytest.skip("there is no make here")
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", *arguments], cwd=folder, env=env | settings, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("number", ["1.5", "0", "99", "abc", "-1"])
def test_a_lesson_that_is_none_is_refused_before_anything_is_done(number):
    status, said = make("lab", f"NB={number}")
    assert status == 2
    assert said.startswith(f"There is no lesson NB={number}; there are: 01 02 03")


def test_a_typo_is_sent_to_the_list_of_commands():
    status, said = make("hepl")
    assert status == 2
    assert "There is no target 'hepl'; make help lists what there is." in said


def test_reading_a_command_changes_nothing(tmp_path):
    (tmp_path / "Makefile").write_bytes((install.PROJECT / "Makefile").read_bytes())
    _, listed = make("help", folder=tmp_path)
    commands = re.findall(r"make ([a-z-]+)", listed)
    assert {"lab", "check", "clean", "wheels"} <= {*commands}
    for command in commands:
        make("-n", command, folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["Makefile"]


@pytest.mark.parametrize(("command", "kept"), [("check", False), ("lab", True), ("doctor", True)])
def test_a_users_python_settings_count_where_he_works_and_not_in_tests(tmp_path, command, kept):
    text = (install.PROJECT / "Makefile").read_text(encoding="utf-8")
    text = re.sub(rf"(?m)^{command}:.*\n(\t.*\n)+", f"{command}:\n\t@env\n", text)
    (tmp_path / "Makefile").write_text(text, encoding="utf-8")
    settings = {"PYTHONPATH": "/foreign", "PYTHONOPTIMIZE": "1", "MPLBACKEND": "TkAgg"}
    _, said = make(command, folder=tmp_path, **settings)
    assert [f"{name}={value}" in said.splitlines() for name, value in settings.items()] == [
        kept
    ] * 3


def test_a_failure_of_pip_is_an_error_with_the_place_of_the_log(folder, monkeypatch):
    fake_pip(
        folder, monkeypatch, "print('ERROR: No matching distribution found for x'); sys.exit(1)"
    )
    with pytest.raises(install.InstallError, match=r"Not installed: .*(?s:.*)pip\.log"):
        install.pip("--require-hashes", packages=1)


def test_a_second_installation_waits_for_the_first(folder):
    code = f"""
import sys, pathlib
sys.path.insert(0, {str(install.TOOLS)!r})
import install
install.PROJECT = pathlib.Path({str(folder)!r})
with install.only_one():
    print("inside", flush=True)
"""
    with install.only_one():
        second = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert second.stdout.readline() == "Another installation is running here; waiting for it.\n"
        assert second.poll() is None
    assert second.communicate(timeout=30)[0] == "inside\n"
