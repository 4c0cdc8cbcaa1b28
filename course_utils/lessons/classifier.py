"""The classifier of lesson 2, which judges the images that later lessons generate."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from course_utils import data, paths
from course_utils.data.atomic import atomically
from course_utils.lessons import results

FILE = "mnist_classifier.pt"


class DigitClassifier(nn.Module):
    """The MLP of lesson 2, 784-400-200-100-10.

    ``features`` makes ``(batch, 100)`` out of images, ``head`` makes ``(batch, 10)`` logits.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Flatten(),
            nn.Linear(784, 400),
            nn.ReLU(),
            nn.Linear(400, 200),
            nn.ReLU(),
            nn.Linear(200, 100),
            nn.ReLU(),
        )
        self.head = nn.Linear(100, 10)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, 784)`` or ``(batch, 1, 28, 28)`` in [-1, 1] -> logits ``(batch, 10)``."""
        return self.head(self.features(x))


def load_judge(device: torch.device) -> DigitClassifier:
    """Return the classifier that lesson 2 saved, in evaluation mode, and say where it came from.

    If lesson 2 has not run here yet, or its file cannot be read, the same net is trained by a
    one-cycle run of ten epochs and saved in its place.

    Raises:
        DataError: MNIST cannot be had.
    """
    data.load("MNIST", train=False)  # settles whether this process works on the stand-in
    path = results.folder(create=False) / FILE
    try:
        judge = read_judge(path).to(device)
        print("The judge: your classifier of lesson 2")  # noqa: T201
    except FileNotFoundError:
        print("The judge: lesson 2 has not run here, so a net like its own is trained")  # noqa: T201
        judge = _trained_and_saved(device)
    except results.Unreadable as why:
        print(f"The judge: {why}, so a net like lesson 2's is trained and saved anew")  # noqa: T201
        judge = _trained_and_saved(device)
    return judge.eval()


def read_judge(path: Path) -> DigitClassifier:
    """Return the net in a file, on the CPU.

    Raises:
        FileNotFoundError: there is none.
        Unreadable: it is damaged, or another net.
    """
    if not path.exists():
        raise FileNotFoundError(path)
    state = results.read(path)
    with torch.random.fork_rng():  # as in `_trained`
        judge = DigitClassifier()
    try:
        judge.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError):
        raise results.Unreadable(
            f"{paths.in_words(path)} holds another net than lesson 2's"
        ) from None
    return judge


def _trained_and_saved(device: torch.device) -> DigitClassifier:
    judge = _trained(device)
    try:
        path = results.folder() / FILE
        if path.exists():  # perhaps a student's own net of another shape: it is kept
            path.replace(path.with_name(f"{FILE}.old"))
        with atomically(path) as part:
            torch.save(judge.state_dict(), part)
    except (paths.FolderError, OSError) as error:
        # The lesson can go on: only the next one will have to train the judge again.
        print(f"The judge was not saved: {error}")  # noqa: T201
    return judge


def _trained(device: torch.device, num_epochs: int = 10) -> DigitClassifier:
    images, labels = data.tensors(data.load("MNIST", train=True))
    images, labels = images[:55_000], labels[:55_000]  # the others are lesson 2's validation set
    # The caller's random numbers must not depend on whether a file was there.
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = DigitClassifier().to(device)
        batches = data.batches(images, labels, batch_size=128, shuffle=True)
        _fit(net, batches, num_epochs, device)
    return net


def _fit(net: DigitClassifier, batches: DataLoader, num_epochs: int, device: torch.device) -> None:
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.05, total_steps=num_epochs * len(batches), cycle_momentum=False
    )
    for _ in (progress := tqdm(range(num_epochs), desc="judge")):
        for x, y in batches:
            loss = nn.functional.cross_entropy(net(x.to(device)), y.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
        progress.set_postfix(loss=f"{loss.item():.4f}")
