"""What a lesson leaves for a later one comes back as it was left."""

import errno
import re
from pathlib import Path

import pytest
import torch
from faulty_disk import Locked
from lesson_code import source_of

from course_utils import data, paths
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


def test_what_a_lesson_saves_itself_is_as_safe(monkeypatch):
    path = results.folder() / "net.pt"
    results.save({"weight": torch.ones(2)}, path)
    monkeypatch.setattr(torch, "save", lambda content, target: target.write_bytes(b"half") / 0)
    with pytest.raises(ZeroDivisionError):
        results.save({"weight": torch.zeros(2)}, path)
    assert results.read(path)["weight"].tolist() == [1.0, 1.0]
    assert [one.name for one in path.parent.iterdir()] == ["net.pt"]


@pytest.mark.parametrize("bad", [torch.zeros(2, 28, 28), torch.zeros(784)])
def test_images_of_another_shape_are_refused(bad):
    with pytest.raises(ValueError, match="expected"):
        results.save_samples("bad", Samples(bad, 1.0, 1))


@pytest.mark.parametrize("value", [1.01, -3.0, float("nan")])
def test_pixels_outside_the_scale_are_refused(value):
    with pytest.raises(ValueError, match=r"outside \[-1, 1\]"):
        results.save_samples("bad", Samples(torch.full((2, 784), value), 1.0, 1))


def half_a_file(path):
    path.write_bytes(path.read_bytes()[:300])


def empty(path):
    path.write_bytes(b"")


def code(path):
    torch.save({"images": Path}, path)


def a_net(path):
    torch.save(torch.nn.Linear(3, 3).state_dict(), path)


def other_shapes(path):
    images = torch.zeros(2, 3, 3, dtype=torch.uint8)
    torch.save({"images": images, "seconds": 1.0, "num_parameters": 1}, path)


def other_types(path):
    images = torch.zeros(2, 1, 28, 28)
    torch.save({"images": images, "seconds": 1.0, "num_parameters": 1}, path)


def no_seconds(path):
    torch.save({"images": torch.zeros(2, 1, 28, 28, dtype=torch.uint8)}, path)


def text(path):
    torch.save("images", path)


DAMAGES = [half_a_file, empty, code, a_net, other_shapes, other_types, no_seconds, text]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    ("name", "way_out"), [("gan", "run lesson 8 again"), ("mine", "run its lesson again")]
)
def test_a_damaged_file_is_named_with_the_way_out(damage, name, way_out, capsys):
    path = results.save_samples(name, Samples(torch.zeros(1, 784), 1.0, 1))
    damage(path)
    assert results.load_samples(name) is None
    said = capsys.readouterr().out
    assert re.fullmatch(rf"{re.escape(str(path))} (cannot be read|holds .*); {way_out}\n", said)
    results.save_samples(name, Samples(torch.ones(1, 784), 2.0, 2))  # its lesson, once more
    assert results.load_samples(name).seconds == 2.0


class Trap:
    """An object whose pickle runs code where it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_code_in_a_file_is_never_run(tmp_path):
    torch.save(Trap(tmp_path / "ran"), tmp_path / "gan.pt")
    assert results.load_samples("gan") is None
    assert not (tmp_path / "ran").exists()
    torch.load(tmp_path / "gan.pt", weights_only=False)
    assert (tmp_path / "ran").exists(), "a trap that works"


def test_a_file_in_the_project_is_named_without_this_machines_path(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(paths, "PROJECT", tmp_path)
    monkeypatch.setenv("COURSE_RESULTS_DIR", "results")
    (results.folder() / "gan.pt").touch()
    results.load_samples("gan")
    assert capsys.readouterr().out == "results/gan.pt cannot be read; run lesson 8 again\n"


def test_the_lessons_named_are_those_that_save():
    for name, lesson in results.LESSONS.items():
        source = source_of(f"{lesson:02}").read_text(encoding="utf-8")
        assert "save_samples(" in source
        assert f'"{name}"' in source


def test_a_folder_that_cannot_be_written_is_one_sentence_before_anything_is_computed(
    monkeypatch, tmp_path
):
    Locked(monkeypatch, tmp_path, errno.EACCES)
    for work in (results.folder, paths.results_folder):
        with pytest.raises(paths.FolderError) as caught:
            work()
        assert str(caught.value) == (
            f"results cannot be saved in {tmp_path} (Permission denied); set COURSE_RESULTS_DIR to "
            "a folder that you may write."
        )


def test_reading_needs_no_folder_that_can_be_written(monkeypatch, tmp_path):
    results.save_samples("vae", Samples(torch.zeros(1, 784), 1.0, 1))
    locked = Locked(monkeypatch, tmp_path, errno.EROFS)
    assert results.load_samples("vae").seconds == 1.0
    assert locked.refused == 0
