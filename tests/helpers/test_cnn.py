"""The second judge is the net of lesson 9, wherever it comes from."""

import pytest
import torch
from lesson_code import definitions

from course_utils import data
from course_utils.lessons import cnn, results

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_RESULTS_DIR", str(tmp_path))


@pytest.fixture(autouse=True)
def small_data(monkeypatch):
    """Ten classes told apart by one bright row each, far enough apart to be shifted."""
    labels = torch.arange(1_000) % 10
    images = -torch.ones(1_000, 1, 28, 28)
    images[torch.arange(1_000), 0, 2 + 2 * labels] = 1.0
    monkeypatch.setattr(data, "load", lambda name, train: None)
    monkeypatch.setattr(data, "tensors", lambda dataset: (images, labels))
    return images, labels


def save(state):
    torch.save({"net": state}, results.folder() / "cnn.run.pt")


def test_it_is_the_net_that_lesson_9_builds():
    theirs, ours = definitions("09", device=CPU).DigitCNN(), cnn.DigitCNN()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(3, 1, 28, 28)
    assert torch.equal(theirs(x), ours(x))
    assert torch.equal(theirs.features(x), ours.features(x))
    assert ours.features(x).shape == (3, 100)


def test_it_is_trained_as_in_lesson_9(small_data, monkeypatch):
    images, labels = small_data
    lesson = definitions("09", device=CPU, train_images=images, train_labels=labels)
    theirs = lesson.train_cnn(num_epochs=1)["net"]
    monkeypatch.setattr(cnn, "NUM_EPOCHS", 1)
    ours = cnn.load_cnn(CPU).state_dict()
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-5) for name in theirs)


def test_a_batch_moves_as_one_and_by_two_pixels_at_most():
    images = -torch.ones(4, 1, 28, 28)
    images[:, 0, 10, 20] = 1.0
    torch.manual_seed(0)
    places = set()
    for _ in range(200):
        moved = cnn.shifted(images)
        assert moved.shape == images.shape
        assert torch.equal(moved, moved[:1].expand_as(moved))
        ((_, row, column),) = (moved[0] == 1.0).nonzero().tolist()
        places.add((row - 10, column - 20))
    assert places == {(down, right) for down in range(-2, 3) for right in range(-2, 3)}


def test_lesson_9s_own_is_taken_if_it_is_there(capsys):
    own = cnn.DigitCNN()
    save(own.state_dict())
    net = cnn.load_cnn(CPU)
    assert torch.equal(net.head.weight, own.head.weight)
    assert not net.training
    assert "your CNN of lesson 9" in capsys.readouterr().out


def another_net():
    save(torch.nn.Linear(3, 3).state_dict())


def no_run():
    torch.save(3, results.folder() / "cnn.run.pt")


def half_a_file():
    save(cnn.DigitCNN().state_dict())
    path = results.folder() / "cnn.run.pt"
    path.write_bytes(path.read_bytes()[:100_000])


@pytest.mark.parametrize("found", [lambda: None, another_net, no_run, half_a_file])
def test_without_it_one_is_trained_kept_and_said(found, monkeypatch, capsys):
    monkeypatch.setattr(cnn, "NUM_EPOCHS", 1)
    found()
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    net = cnn.load_cnn(CPU)
    assert torch.equal(torch.rand(3), expected)  # the caller's random numbers
    assert not net.training
    assert "lesson 9 has not run here" in capsys.readouterr().out
    again = cnn.load_cnn(CPU)
    assert torch.equal(net.head.weight, again.head.weight)
    assert "your CNN" in capsys.readouterr().out
