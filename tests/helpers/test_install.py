"""The installer, without installing: what it leaves alone, what it makes good, what it says."""

import subprocess
import sys

import install
import pytest


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A clone with lock files, and an environment that this Python has made, without pip."""
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
    assert "'--no-index', '--find-links', 'http://192.0.2.10:8000/wheels/'" in log
    assert "'--trusted-host', '192.0.2.10'" in log


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
