"""The offline stand-in: right shapes and format, same bytes each time, never mistaken for real."""

import errno
import gzip
import importlib
import json
import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import torch
from faulty_disk import Locked
from PIL import Image
from torchvision.datasets import MNIST, FashionMNIST

from course_utils.data import DataError, standin
from course_utils.data.standin.digits import digits, originals
from course_utils.data.standin.garments import garments

DRAWN = pytest.mark.parametrize("draw", [digits, garments])


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(standin, "SIZES", {"train": 60, "t10k": 20})


def tree(folder):
    return {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"}


@DRAWN
def test_images_and_labels_have_the_official_shapes(draw):
    images, labels = draw(203, True)
    assert (images.shape, images.dtype) == ((203, 28, 28), np.uint8)
    assert (labels.shape, labels.dtype) == ((203,), np.uint8)
    assert set(np.bincount(labels, minlength=10)) == {20, 21}
    assert not np.array_equal(labels, np.sort(labels))


@DRAWN
def test_the_same_call_draws_the_same_and_leaves_the_generators_alone(draw):
    state = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    first, second = draw(50, True), draw(50, True)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert np.array_equal(np.random.get_state()[1], state[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), state[1])


@DRAWN
def test_what_is_drawn_changes_only_with_the_version(draw, tmp_path):
    # As many as need several chunks; the last fifty of each split, ten in a row.
    last = np.concatenate([draw(6_000, train)[0][-50:] for train in (True, False)])
    sheet = last.reshape(10, 10, 28, 28).swapaxes(1, 2).reshape(280, 280)
    new = tmp_path / f"standin_{draw.__name__}_{standin.VERSION}.png"
    Image.fromarray(sheet).save(new)
    said = f"what is drawn now: {new}. If it is meant, raise VERSION and keep it beside this test"
    kept = Path(__file__).with_name(new.name)
    assert kept.exists(), said
    with Image.open(kept) as picture:
        difference = abs(np.asarray(picture).astype(int) - sheet)
    assert difference.mean() < 0.01, said  # another machine may round a number the other way


@DRAWN
def test_training_and_test_images_differ(draw):
    train, test = draw(200, True)[0], draw(200, False)[0]
    assert not {image.tobytes() for image in train} & {image.tobytes() for image in test}


def test_training_and_test_digits_grow_from_different_originals():
    train, test = (originals(train)[0] for train in (True, False))
    assert len(train) + len(test) == 1797
    assert min(len(train), len(test)) > 300
    assert not {image.tobytes() for image in train} & {image.tobytes() for image in test}


@DRAWN
def test_images_are_light_on_black_and_centred(draw):
    images, _ = draw(500, True)
    scaled = images / 255
    assert 0.1 < scaled.mean() < 0.35
    assert (images > 200).mean() > 0.05
    assert images.reshape(500, -1).max(1).min() > 60, "an image is empty"
    assert scaled[:, [0, -1], :].mean() < 0.06
    heavy = (scaled.sum((0, 2)) @ np.arange(28)) / scaled.sum()
    assert abs(heavy - 13.5) < 2.5


@DRAWN
def test_the_labels_tell_what_is_in_the_picture(draw):
    train, train_labels = draw(2000, True)
    test, labels = draw(500, False)
    x, y = train.reshape(2000, -1) / 255.0, test.reshape(500, -1) / 255.0
    means = np.stack([x[train_labels == k].mean(0) for k in range(10)])
    nearest = ((y[:, None] - means) ** 2).sum(2).argmin(1)
    assert (nearest == labels).mean() > 0.6


@pytest.mark.parametrize(("name", "kind"), [("MNIST", MNIST), ("FashionMNIST", FashionMNIST)])
def test_torchvision_reads_what_was_made(small, tmp_path, name, kind):
    folder = standin.make(name, tmp_path)
    assert folder == tmp_path / "standin" / name / "raw"
    train, test = (kind(tmp_path / "standin", train=train) for train in (True, False))
    assert (len(train), len(test)) == (60, 20)
    draw = digits if name == "MNIST" else garments
    images, labels = draw(60, True)
    assert np.array_equal(train.data.numpy(), images)
    assert np.array_equal(train.targets.numpy(), labels)


def test_archives_hold_the_same_as_the_unpacked_files(small, tmp_path):
    folder = standin.make("MNIST", tmp_path)
    packed = sorted(folder.glob("*.gz"))
    assert len(packed) == 4
    for path in packed:
        assert gzip.decompress(path.read_bytes()) == path.with_suffix("").read_bytes()
    header = (folder / "train-images-idx3-ubyte").read_bytes()[:16]
    assert np.frombuffer(header, ">u4").tolist() == [2051, 60, 28, 28]


def test_made_twice_it_is_the_same_to_the_byte(small, tmp_path):
    for name in ("MNIST", "FashionMNIST"):
        one, two = (tree(standin.make(name, tmp_path / str(k))) for k in (1, 2))
        assert one == two


def test_it_is_made_once(small, tmp_path):
    folder = standin.make("MNIST", tmp_path)
    written = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert standin.make("MNIST", tmp_path) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == written


def test_the_folder_says_what_it_is(small, tmp_path):
    standin.make("MNIST", tmp_path)
    assert "NOT the official data" in (tmp_path / "standin" / "README.txt").read_text()


@pytest.mark.parametrize("file", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte.gz"])
@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_a_damaged_stand_in_is_noticed_and_made_anew(small, tmp_path, file, damage):
    folder = standin.make("MNIST", tmp_path)
    before = tree(folder)
    if damage == "gone":
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(b"x" + before[file][1:])
    assert not standin.ready("MNIST", tmp_path)
    standin.make("MNIST", tmp_path)
    assert tree(folder) == before


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sha256": {}}', '{"sha256": 3}'])
def test_a_damaged_manifest_is_no_manifest(small, tmp_path, text):
    folder = standin.make("MNIST", tmp_path)
    (folder / "standin.json").write_text(text)
    assert not standin.ready("MNIST", tmp_path)


def test_an_older_version_is_replaced(small, tmp_path, monkeypatch):
    folder = standin.make("MNIST", tmp_path)
    monkeypatch.setattr(standin, "VERSION", standin.VERSION + 1)
    assert not standin.ready("MNIST", tmp_path)
    standin.make("MNIST", tmp_path)
    assert json.loads((folder / "standin.json").read_text())["version"] == standin.VERSION


def test_a_making_that_is_stopped_leaves_nothing_that_counts(small, tmp_path, monkeypatch):
    packed = []
    real = gzip.compress

    def stopped(*args, **more):
        packed.append(1)
        if len(packed) == 3:  # of four files
            raise KeyboardInterrupt
        return real(*args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(gzip, "compress", stopped)
        with pytest.raises(KeyboardInterrupt):
            standin.make("MNIST", tmp_path)
    assert not standin.ready("MNIST", tmp_path)
    assert not list(tmp_path.rglob("*.part"))
    standin.make("MNIST", tmp_path)
    assert standin.ready("MNIST", tmp_path)


def test_a_folder_that_cannot_be_written_is_an_error(small, tmp_path):
    (tmp_path / "standin").write_text("in the way")
    with pytest.raises(DataError, match=r"MNIST \(offline stand-in\): cannot write in"):
        standin.make("MNIST", tmp_path)


def test_a_read_only_folder_with_a_good_stand_in_is_never_written(small, tmp_path, monkeypatch):
    folder = standin.make("MNIST", tmp_path)
    locked = Locked(monkeypatch, tmp_path, errno.EROFS)
    assert standin.make("MNIST", tmp_path) == folder
    assert locked.refused == 0


def _make(folder, drawn):
    module = importlib.import_module("course_utils.data.standin.garments")

    def counted(count, train):
        drawn.put(count)
        return garments(count, train)

    module.garments = counted
    # The garments: they are drawn without PyTorch, whose threads do not survive a fork.
    standin.make("FashionMNIST", folder)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_four_processes_at_once_make_it_once(small, tmp_path):
    context = multiprocessing.get_context("fork")
    drawn = context.Queue()
    makers = [context.Process(target=_make, args=(tmp_path, drawn), daemon=True) for _ in range(4)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join(30)
    assert [maker.exitcode for maker in makers] == [0] * 4
    assert [drawn.get(timeout=5) for _ in range(2)] == [60, 20]
    assert drawn.empty()
    assert standin.ready("FashionMNIST", tmp_path)
