"""A training that is kept, and loaded where that is asked for."""

import pytest
import torch

from course_utils.lessons import results, runs


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_RESULTS_DIR", str(tmp_path))
    return tmp_path


class Training:
    """Counts how often it is run."""

    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1
        net = torch.nn.Linear(2, 1)
        return {"net": net.state_dict(), "loss": [0.5, 0.25], "seconds": 1.5}


def same(one, other):
    assert one["loss"] == other["loss"]
    assert all(torch.equal(one["net"][name], other["net"][name]) for name in one["net"])


def test_without_the_switch_it_is_trained_every_time(capsys):
    training = Training()
    for times in (1, 2):
        runs.run("tiny", training, load=False)
        assert training.times == times
    assert capsys.readouterr().out == ""


def test_with_the_switch_the_last_one_is_loaded_and_said(capsys):
    training = Training()
    first = runs.run("tiny", training, load=False)
    same(runs.run("tiny", training, load=True), first)
    assert training.times == 1
    assert "not trained now, loaded from" in capsys.readouterr().out


def test_what_is_not_there_is_trained_and_kept(capsys):
    training = Training()
    first = runs.run("tiny", training, load=True)
    assert "nothing to load, so it is trained" in capsys.readouterr().out
    same(runs.run("tiny", training, load=True), first)
    assert training.times == 1


def test_a_damaged_file_is_named_and_made_anew(capsys):
    training = Training()
    runs.run("tiny", training, load=False)
    path = results.folder() / "tiny.run.pt"
    path.write_bytes(path.read_bytes()[:100])
    runs.run("tiny", training, load=True)
    assert training.times == 2
    assert "cannot be read" in capsys.readouterr().out
    runs.run("tiny", training, load=True)
    assert training.times == 2
