"""The judge is the classifier of lesson 2, wherever it comes from."""

import ast
from pathlib import Path

import jupytext
import pytest
import torch
from lesson_code import source_of

from course_utils import data
from course_utils.lessons import classifier, results

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_RESULTS_DIR", str(tmp_path))


@pytest.fixture
def small_data(monkeypatch):
    """Ten classes told apart by one bright row each: learned in a moment."""
    labels = torch.arange(2_000) % 10
    images = -torch.ones(2_000, 1, 28, 28)
    images[torch.arange(2_000), 0, 2 * labels] = 1.0
    monkeypatch.setattr(data, "load", lambda name, train: None)
    monkeypatch.setattr(data, "tensors", lambda dataset: (images, labels))
    return images, labels


def test_it_is_the_net_that_lesson_2_builds():
    cells = [c.source for c in jupytext.read(source_of("02"), fmt="py:percent").cells]
    (cell,) = [c for c in cells if c.startswith("class DigitClassifier")]
    namespace = {"nn": torch.nn}
    exec(compile(ast.parse(cell), "<lesson 2>", "exec"), namespace)
    theirs, ours = namespace["DigitClassifier"](), classifier.DigitClassifier()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(3, 1, 28, 28)
    assert torch.equal(theirs(x), ours(x))
    assert torch.equal(theirs.features(x), ours.features(x))
    assert ours.features(x).shape == (3, 100)


@pytest.mark.usefixtures("small_data")
def test_lesson_2s_own_is_taken_if_it_is_there(capsys):
    saved = classifier.DigitClassifier()
    torch.save(saved.state_dict(), results.folder() / classifier.FILE)
    judge = classifier.load_judge(CPU)
    assert torch.equal(judge.head.weight, saved.head.weight)
    assert not judge.training
    assert "your classifier of lesson 2" in capsys.readouterr().out


def test_without_it_one_is_trained_saved_and_said(small_data, capsys):
    images, labels = small_data
    judge = classifier.load_judge(CPU)
    assert "lesson 2 has not run here" in capsys.readouterr().out
    # Five seeds gave 0.6 to 2.4 · 10⁻⁶; without momentum, with Adam, or with a rate 10 times
    # smaller it is 3 · 10⁻⁵ to 0.4.
    assert torch.nn.functional.cross_entropy(judge(images), labels) < 1e-5
    assert not judge.training
    again = classifier.load_judge(CPU)
    assert torch.equal(judge.head.weight, again.head.weight)
    assert "your classifier" in capsys.readouterr().out


def half_a_file(path):
    torch.save(classifier.DigitClassifier().state_dict(), path)
    path.write_bytes(path.read_bytes()[:800_000])


def empty(path):
    path.touch()


def code(path):
    torch.save(Path, path)  # a pickle that names a function to call


def another_net(path):
    torch.save(torch.nn.Linear(3, 3).state_dict(), path)


def a_number(path):
    torch.save(3, path)


@pytest.mark.parametrize("damage", [half_a_file, empty, code, another_net, a_number])
@pytest.mark.usefixtures("small_data")
def test_a_file_that_is_no_judge_is_kept_aside_and_one_is_trained(damage, capsys, monkeypatch):
    path = results.folder() / classifier.FILE
    damage(path)
    before = path.read_bytes()
    monkeypatch.setattr(classifier, "_trained", lambda device: classifier.DigitClassifier())
    judge = classifier.load_judge(CPU)
    said = capsys.readouterr().out
    assert len(said.splitlines()) == 1
    assert said.startswith(f"The judge: {path} ")
    assert "so a net like lesson 2's is trained and saved anew" in said
    assert path.with_name(f"{classifier.FILE}.old").read_bytes() == before
    again = classifier.load_judge(CPU)
    assert torch.equal(judge.head.weight, again.head.weight)
    assert "your classifier" in capsys.readouterr().out


@pytest.mark.usefixtures("small_data")
def test_a_judge_that_cannot_be_saved_judges_all_the_same(monkeypatch, tmp_path, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_RESULTS_DIR", str(tmp_path / "file" / "results"))
    monkeypatch.setattr(classifier, "_trained", lambda device: classifier.DigitClassifier())
    assert not classifier.load_judge(CPU).training
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "The judge: lesson 2 has not run here, so a net like its own is trained"
    assert said[1].startswith("The judge was not saved: results cannot be saved in")
    assert said[1].endswith("set COURSE_RESULTS_DIR to a folder that you may write.")


@pytest.mark.usefixtures("small_data")
def test_reading_it_leaves_the_callers_random_numbers_alone():
    torch.save(classifier.DigitClassifier().state_dict(), results.folder() / classifier.FILE)
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    classifier.load_judge(CPU)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.usefixtures("small_data")
def test_training_it_leaves_the_callers_random_numbers_alone():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    classifier.load_judge(CPU)
    assert torch.equal(torch.rand(3), expected)
