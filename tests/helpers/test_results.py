"""What a lesson leaves for a later one comes back as it was left."""

import pytest
import torch

from course_utils import data
from course_utils.lessons import results
from course_utils.lessons.results import Samples


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_RESULTS_DIR", str(tmp_path))
    monkeypatch.setattr(data, "standin_in_use", lambda: False)


@pytest.mark.parametrize("shape", [(6, 784), (6, 1, 28, 28)])
def test_samples_come_back_within_half_a_shade(shape):
    images = torch.rand(shape, requires_grad=True) * 2 - 1
    path = results.save_samples("vae", Samples(images, 12.5, 652_824))
    again = results.load_samples("vae")
    assert path.name == "vae.pt"
    assert again.images.shape == (6, 1, 28, 28)
    assert (again.images - images.reshape(-1, 1, 28, 28)).abs().max() <= 0.5 / 127.5 + 1e-6
    assert (again.seconds, again.num_parameters) == (12.5, 652_824)


def test_the_ends_of_the_scale_come_back_exactly():
    images = torch.cat([-torch.ones(1, 784), torch.ones(1, 784)])
    results.save_samples("ends", Samples(images, 0.0, 0))
    assert torch.equal(results.load_samples("ends").images.flatten(1), images)


def test_a_lesson_that_has_not_run_has_left_nothing():
    assert results.load_samples("dcgan") is None


def test_results_on_the_standin_never_mix_with_real_ones(monkeypatch):
    results.save_samples("vae", Samples(torch.zeros(1, 784), 1.0, 1))
    monkeypatch.setattr(data, "standin_in_use", lambda: True)
    assert results.load_samples("vae") is None
    results.save_samples("vae", Samples(torch.ones(1, 784), 2.0, 2))
    monkeypatch.setattr(data, "standin_in_use", lambda: False)
    assert results.load_samples("vae").seconds == 1.0


def test_a_saving_that_is_stopped_leaves_what_was_there(monkeypatch, tmp_path):
    path = results.save_samples("vae", Samples(torch.zeros(1, 784), 1.0, 1))

    def stopped(content, target):
        target.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", stopped)
    with pytest.raises(KeyboardInterrupt):
        results.save_samples("vae", Samples(torch.ones(1, 784), 2.0, 2))
    assert results.load_samples("vae").seconds == 1.0
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("bad", [torch.zeros(2, 28, 28), torch.zeros(784)])
def test_images_of_another_shape_are_refused(bad):
    with pytest.raises(ValueError, match="expected"):
        results.save_samples("bad", Samples(bad, 1.0, 1))


@pytest.mark.parametrize("value", [1.01, -3.0, float("nan")])
def test_pixels_outside_the_scale_are_refused(value):
    with pytest.raises(ValueError, match=r"outside \[-1, 1\]"):
        results.save_samples("bad", Samples(torch.full((2, 784), value), 1.0, 1))
