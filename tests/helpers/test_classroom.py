"""What JupyterHub does for each student: it hands out the lessons and never takes one back."""

import importlib.util
from pathlib import Path

import pytest
from traitlets.config import PyFileConfigLoader

CLASSROOM = Path(__file__).resolve().parent.parent / "classroom"
NOTEBOOKS = sorted(CLASSROOM.parent.glob("notebooks/*.ipynb"))


@pytest.fixture(scope="module")
def hand_out():
    spec = importlib.util.spec_from_file_location("start", CLASSROOM / "start_server.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.hand_out


def test_every_lesson_is_handed_out(hand_out, tmp_path):
    hand_out(tmp_path / "lessons")
    copies = sorted((tmp_path / "lessons").iterdir())
    assert [path.name for path in copies] == [path.name for path in NOTEBOOKS]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(copies, NOTEBOOKS, strict=True))


def test_a_students_work_is_kept_and_a_lost_lesson_comes_back(hand_out, tmp_path):
    hand_out(tmp_path)
    first, second = sorted(tmp_path.iterdir())[:2]
    first.write_text("my work")
    second.unlink()
    hand_out(tmp_path)
    assert first.read_text() == "my work"
    assert second.read_bytes() == NOTEBOOKS[1].read_bytes()


def test_only_this_machine_reaches_the_hub_and_only_the_class_may_log_in():
    config = PyFileConfigLoader("jupyterhub_config.py", path=str(CLASSROOM)).load_config()
    assert config.JupyterHub.bind_url.startswith("http://127.0.0.1:")
    assert config.LocalAuthenticator.allowed_groups == {"course"}
    assert all(Path(part).exists() for part in config.Spawner.cmd)
