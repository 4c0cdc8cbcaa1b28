"""A data set as tensors, and batches taken out of them: much faster than one image at a time.

PyTorch is imported when it is used: the data's commands do without, and start at once.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch.utils.data import DataLoader, Sampler
    from torchvision import datasets


def tensors(dataset: "datasets.MNIST") -> "tuple[torch.Tensor, torch.Tensor]":
    """Return all images, float32 ``(n, 1, 28, 28)`` in [-1, 1], and all labels, int64 ``(n,)``.

    The data set's own ``transform`` is not applied.
    """
    images = dataset.data.unsqueeze(1).float().div_(255).sub_(0.5).div_(0.5)
    return images, dataset.targets.clone()


def batches(
    images: "torch.Tensor",
    labels: "torch.Tensor",
    batch_size: int,
    shuffle: bool = False,
    generator: "torch.Generator | None" = None,
) -> "DataLoader":
    """Return a loader that takes whole batches out of tensors, by indexing them once per batch.

    Args:
        images: ``(n, ...)``.
        labels: ``(n,)``.
        batch_size: examples per batch; the last batch holds what is left.
        shuffle: a new order in every epoch.
        generator: where the orders come from; PyTorch's global generator if left out.
    """
    from torch.utils import data as torch_data

    dataset = torch_data.TensorDataset(images, labels)
    order: Sampler[int] = torch_data.SequentialSampler(dataset)
    if shuffle:
        order = torch_data.RandomSampler(dataset, generator=generator)
    sampler = torch_data.BatchSampler(order, batch_size, drop_last=False)
    return torch_data.DataLoader(dataset, sampler=sampler, batch_size=None, generator=generator)
