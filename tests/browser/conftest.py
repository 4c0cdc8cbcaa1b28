"""A real Chromium on the JupyterLab that `make lab` starts, and each lesson opened in it."""

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from lab import Lab, Lesson
from lesson_code import lessons
from playwright.sync_api import sync_playwright

PROJECT = Path(__file__).resolve().parents[2]
ARTEFACTS = PROJECT / "test-artefacts"
SETTINGS = {
    # The tests change cells, and no change of theirs may reach a copy on the disk.
    "docmanager-extension/plugin": {"autosave": False},
    # All cells in the page at once, so that a test finds each without scrolling.
    "notebook-extension/tracker": {"windowingMode": "none"},
}


def pytest_generate_tests(metafunc):
    if "lesson" in metafunc.fixturenames:
        metafunc.parametrize("lesson", lessons(), scope="module", indirect=True)


def notebooks() -> dict[str, str]:
    found = sorted((PROJECT / "notebooks").glob("*.ipynb"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_until_up(server: subprocess.Popen, lab: Lab, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert server.poll() is None, "make lab has ended; see test-artefacts/lab.log"
        try:
            lab.api("status")
        except OSError:
            time.sleep(0.25)
        else:
            return
    pytest.fail("make lab did not come up; see test-artefacts/lab.log")


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """Start `make lab` with settings and copies of its own; return it as a Lab."""
    home, before = tmp_path_factory.mktemp("home"), notebooks()
    for name, value in SETTINGS.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
    env = os.environ | {"JUPYTER_TOKEN": os.urandom(16).hex()}
    del env["OMP_NUM_THREADS"]  # one thread is for the small nets of the unit tests
    env |= {"COURSE_WORK_DIR": str(home / "my wörk")}
    env |= {"JUPYTER_CONFIG_DIR": str(home / "config")}
    env |= {"JUPYTERLAB_SETTINGS_DIR": str(home / "settings")}
    env |= {"JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces")}
    port = free_port()
    shutil.rmtree(ARTEFACTS, ignore_errors=True)
    ARTEFACTS.mkdir()
    with open(ARTEFACTS / "lab.log", "w") as log:
        process = subprocess.Popen(
            ["make", "lab", "NO_BROWSER=1", f"PORT={port}"],
            cwd=PROJECT,
            env=env,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        lab = Lab(f"http://127.0.0.1:{port}", env["JUPYTER_TOKEN"], Path(env["COURSE_WORK_DIR"]))
        wait_until_up(process, lab)
        yield lab
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
    assert notebooks() == before, "a test has changed a notebook on the disk"


@pytest.fixture(scope="session")
def chromium():
    """Return a browser: Debian's Chromium, without a window."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.fail("no Chromium here. On Debian and Ubuntu: sudo apt-get install chromium")
    root = ["--no-sandbox"] if os.getuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=root)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def lesson(request, server, chromium):
    """Open one lesson, run all its cells, and photograph it; its kernel ends with its tests."""
    (path,) = (PROJECT / "notebooks").glob(f"{request.param}_*.ipynb")
    page = chromium.new_page(viewport={"width": 1366, "height": 1000})
    opened = Lesson(server, page, path, ARTEFACTS / path.stem)
    try:
        opened.open()
        opened.save()
        try:
            opened.run_all()
        finally:
            opened.photograph()
        yield opened
    finally:
        page.close()
        server.shut_down_kernels()
