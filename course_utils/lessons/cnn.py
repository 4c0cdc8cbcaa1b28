"""The convolutional classifier of lesson 9: a second judge, which knows shifted digits."""

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from course_utils import data
from course_utils.lessons.runs import load_into, run

NUM_EPOCHS, PEAK_LR, MOST_SHIFT = 3, 2e-3, 2


class DigitCNN(nn.Module):
    """Two convolutions of 5 by 5 with pooling, 100 features, ten logits (LeCun et al., 1998)."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, 100),
            nn.ReLU(),
        )
        self.head = nn.Linear(100, 10)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, 1, 28, 28)`` in [-1, 1] -> logits ``(batch, 10)``."""
        return self.head(self.features(x))


def shifted(images: Tensor, most: int = MOST_SHIFT) -> Tensor:
    """Return a batch ``(batch, 1, 28, 28)`` moved by up to so many pixels, one way for all."""
    right, down = torch.randint(0, 2 * most + 1, (2,)).tolist()
    padded = nn.functional.pad(images, (most,) * 4, value=-1.0)
    return padded[:, :, down : down + 28, right : right + 28]


def load_cnn(device: torch.device) -> DigitCNN:
    """Return the CNN that lesson 9 trained here, in evaluation mode, and say where it came from.

    If lesson 9 has not run here yet, the same net is trained in the same way, and kept.

    Raises:
        DataError: MNIST cannot be had.
        FolderError: the folder of results cannot be written.
    """
    data.load("MNIST", train=False)  # settles whether this process works on the stand-in
    with torch.random.fork_rng():  # the caller's random numbers do not depend on what was there
        torch.manual_seed(0)
        net = DigitCNN()
        if load_into(net, "cnn"):
            print("The second judge: your CNN of lesson 9")  # noqa: T201
        else:
            told = "lesson 9 has not run here, so a net like its own is trained"
            print(f"The second judge: {told}")  # noqa: T201
            run("cnn", lambda: {"net": _trained(net.to(device)).state_dict()}, load=False)
    return net.to(device).eval()


def _trained(net: DigitCNN) -> DigitCNN:
    device = next(net.parameters()).device
    net.to(memory_format=torch.channels_last)  # faster on a CPU, and the same numbers
    images, labels = data.tensors(data.load("MNIST", train=True))
    batches = data.batches(images[:55_000], labels[:55_000], 128, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), PEAK_LR, weight_decay=0.01, fused=True)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, PEAK_LR, total_steps=NUM_EPOCHS * len(batches), cycle_momentum=False
    )
    for _ in range(NUM_EPOCHS):
        for x, y in tqdm(batches, desc="CNN", leave=False):
            loss = nn.functional.cross_entropy(net(shifted(x).to(device)), y.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
    return net
