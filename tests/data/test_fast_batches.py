"""A data set as tensors, and whole batches of them."""

import gzip

import pytest
import torch
from http_mirror import tiny_files
from torchvision import transforms
from torchvision.datasets import MNIST

from course_utils import data


@pytest.fixture
def dataset(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, packed in tiny_files().items():
        (raw / name.removesuffix(".gz")).write_bytes(gzip.decompress(packed))
    return MNIST(tmp_path, train=True)


def test_tensors_are_scaled_as_the_lessons_say(dataset):
    before = dataset.data.clone()
    images, labels = data.tensors(dataset)
    assert images.shape == (30, 1, 28, 28)
    assert (images.dtype, labels.dtype) == (torch.float32, torch.int64)
    assert (images.min(), images.max()) == (-1, 1)
    per_sample = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])
    assert torch.equal(images[7], per_sample(dataset[7][0]))
    assert torch.equal(labels, torch.arange(30) % 10)
    labels.zero_()
    assert torch.equal(dataset.data, before)
    assert dataset.targets[3] == 3


def test_batches_cover_everything_once_and_keep_pairs():
    x, y = torch.arange(10.0).reshape(10, 1), torch.arange(10)
    for shuffle in (False, True):
        seen = list(data.batches(x, y, 4, shuffle=shuffle))
        assert [len(b[1]) for b in seen] == [4, 4, 2]
        assert all(torch.equal(images[:, 0].long(), labels) for images, labels in seen)
        order = torch.cat([labels for _, labels in seen])
        assert torch.equal(order, y) is not shuffle
        assert torch.equal(order.sort().values, y)


def test_batches_follow_the_generator_and_leave_the_global_one_alone():
    x, y = torch.zeros(50, 1), torch.arange(50)

    def orders(seed):
        loader = data.batches(x, y, 8, True, torch.Generator().manual_seed(seed))
        return [torch.cat([labels for _, labels in loader]).tolist() for _ in range(2)]

    before = torch.get_rng_state()
    first = orders(1)
    assert torch.equal(torch.get_rng_state(), before)
    assert orders(1) == first != orders(2)
    assert first[0] != first[1]
