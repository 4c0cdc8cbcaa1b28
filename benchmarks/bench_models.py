"""The course's models, each trained in two ways: as its lesson does, and as one writes it first.

The straightforward form is that of many a tutorial: a ``DataLoader`` that transforms one image at a
time, Adam as it comes, a constant learning rate and many epochs, gradients through the generator in
the discriminator's step, float64 in NumPy. The course's form is the lesson's own code. It goes on
until its result is as good; where a lesson sees what it wants to see sooner, it stops there.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from lesson_code import definitions
from products import Multiply, Shape, by_numpy, by_torch
from savings_dcgan import alternate
from savings_gan import from_picture, straightforward
from torch import nn
from torch.utils.data import DataLoader

from course_utils import data
from course_utils.lessons.classifier import load_judge
from course_utils.lessons.gan import train_gan

Training = Callable[[int, int], Any]  # batches, rounds -> what is trained

CPU = torch.device("cpu")
EPOCH = 60_000  # images
GAN_EPOCH = 50_000


@dataclass(frozen=True)
class Form:
    """One way to train a model.

    ``train(batches, rounds)`` goes through so many batches so many times and returns what it has
    trained; ``images`` in a round and ``rounds`` are those of the whole training.
    """

    train: Training
    batch_size: int
    images: int
    rounds: int

    def to_the_end(self) -> Any:
        """Train for as long as this form asks."""
        return self.train(-(-self.images // self.batch_size), self.rounds)


@dataclass(frozen=True)
class Model:
    """A model in both forms, and the number that says how good it is in the end."""

    name: str
    straightforward: Form
    course: Form
    measure: str
    result: Callable[[Any], float]  # the smaller, the better
    multiply: Multiply = by_torch
    shapes: Counter[Shape] | None = None  # of an iteration of NumPy, where nothing can be counted

    @property
    def forms(self) -> tuple[Form, Form]:
        """Return the straightforward form and the course's."""
        return self.straightforward, self.course


def one_by_one(batch_size: int, transform: Callable[[Any], torch.Tensor]) -> DataLoader:
    """Return a loader that transforms one image at a time."""
    return DataLoader(data.load("MNIST", True, transform), batch_size, shuffle=True)


def plain(
    build: type[nn.Module],
    loss_of: Callable[[nn.Module, torch.Tensor, torch.Tensor], torch.Tensor],
    loader: DataLoader,
    optimizer: type[torch.optim.Optimizer] = torch.optim.Adam,
    **settings: float,
) -> Training:
    """Return the training loop that one writes first."""

    def train(batches: int, rounds: int) -> nn.Module:
        net = build()
        stepper = optimizer(net.parameters(), **settings)
        for _ in range(rounds):
            for x, y in islice(loader, batches):
                loss = loss_of(net, x, y)
                stepper.zero_grad()
                loss.backward()
                stepper.step()
        return net

    return train


def models() -> list[Model]:
    """Return every model of the course, in the order of the lessons."""
    train_images, train_labels = data.tensors(data.load("MNIST", train=True))
    test_images, test_labels = data.tensors(data.load("MNIST", train=False))
    images = {
        "train_images": train_images,
        "train_labels": train_labels,
        "test_images": test_images,
        "test_labels": test_labels,
    }
    flat = images | {"train_images": train_images.flatten(1), "test_images": test_images.flatten(1)}
    return [
        _classifier(**flat),
        _numpy_net(),
        *_autoencoders(**images),
        _vae(**flat),
        *_gans(**images),
    ]


def _classifier(train_images, train_labels, test_images, test_labels) -> Model:
    lesson = definitions("02", device=CPU)
    cross_entropy = nn.CrossEntropyLoss()
    loader = data.batches(train_images, train_labels, 256, shuffle=True)
    test = data.batches(test_images, test_labels, 1000)

    def one_cycle(batches: int, rounds: int) -> nn.Module:
        net = lesson.DigitClassifier()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, fused=True)
        scheduler = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=0.1, total_steps=rounds * batches, cycle_momentum=False
        )
        for _ in range(rounds):
            lesson.train_epoch(net, islice(loader, batches), cross_entropy, optimizer, scheduler)
        return net

    first = plain(
        lesson.DigitClassifier,
        lambda net, x, y: cross_entropy(net(x), y),
        one_by_one(64, lesson.to_vector),
        torch.optim.SGD,
        lr=0.1,
    )
    return Model(
        "2 · MLP",
        Form(first, 64, EPOCH, 20),
        Form(one_cycle, 256, EPOCH, 16),
        "test errors, %",
        lambda net: 100 * (1 - lesson.evaluate(net, test, cross_entropy)[1]),
    )


def shuffled_copies(
    inputs: np.ndarray, targets: np.ndarray, batch_size: int, generator: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield mini-batches out of a shuffled copy of all examples, as one writes it first."""
    order = generator.permutation(len(inputs))
    inputs, targets = inputs[order], targets[order]
    for start in range(0, len(order), batch_size):
        batch = slice(start, start + batch_size)
        yield inputs[batch], targets[batch]


def _numpy_net() -> Model:
    lesson, first = definitions("03"), definitions("03")
    first.mini_batches = shuffled_copies
    for space in (lesson, first):  # the exercise's stub stands in its place
        space.linear_backward = lesson.checks.solution
    train_set, test_set = (data.load("FashionMNIST", train=train) for train in (True, False))
    images, test_images = (lesson.to_rows(one.data.numpy()) for one in (train_set, test_set))
    labels, test_labels = lesson.one_hot(train_set.targets.numpy()), test_set.targets.numpy()

    def with_numbers_of(dtype: type, lesson: SimpleNamespace, falling: bool = False) -> Training:
        def train(batches: int, rounds: int) -> dict:
            generator = np.random.default_rng()
            net = lesson.initialize(lesson.LAYER_SIZES, generator, dtype)
            x, y = (array[: 128 * batches].astype(dtype) for array in (images, labels))
            adam = lesson.FallingAdam(net, rounds * batches) if falling else lesson.Adam(net)
            lesson.train(net, adam, (x, y), (x[:128], y[:128]), generator, num_epochs=rounds)
            return net

        return train

    inputs, hidden, outputs = lesson.LAYER_SIZES
    forward = [(128, inputs, hidden), (128, hidden, outputs)]
    backward = [(outputs, 128, hidden), (128, outputs, hidden)]
    backward += [(hidden, 128, inputs), (128, hidden, inputs)]  # the last is not used
    return Model(
        "3 · NumPy",
        Form(with_numbers_of(np.float64, first), 128, EPOCH, 5),
        Form(with_numbers_of(np.float32, lesson, falling=True), 128, EPOCH, 5),
        "test errors, %",
        lambda net: 100 * (1 - lesson.accuracy(net, test_images, test_labels)),
        by_numpy,
        Counter(forward + backward),
    )


def _autoencoders(train_images, train_labels, test_images, test_labels) -> list[Model]:
    lesson = definitions("04", device=CPU)
    to_vector = definitions("02").to_vector

    def with_one_cycle(build, train_x, test_x, rate) -> Training:
        def train(batches: int, rounds: int) -> nn.Module:
            net = build()
            lesson.fit(net, train_x[: 128 * batches], test_x[:1000], rounds, rate)
            return net

        return train

    def loss_of(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return lesson.reconstruction_error(net(x), x)

    train_vectors, test_vectors = train_images.flatten(1), test_images.flatten(1)
    first = plain(lesson.Autoencoder, loss_of, one_by_one(128, to_vector), lr=1e-3)
    course = with_one_cycle(lesson.Autoencoder, train_vectors, test_vectors, 0.004)
    first_conv = plain(lesson.ConvAutoencoder, loss_of, one_by_one(128, from_picture), lr=1e-3)
    course_conv = with_one_cycle(
        lambda: lesson.ConvAutoencoder().to(memory_format=torch.channels_last),
        train_images,
        test_images,
        0.01,
    )
    return [
        Model(
            "4 · autoencoder",
            Form(first, 128, EPOCH, 100),
            Form(course, 128, EPOCH, 30),
            "test error",
            lambda net: lesson.error_on(net, test_vectors),
        ),
        Model(
            "4 · convolutional",
            Form(first_conv, 128, EPOCH, 40),
            Form(course_conv, 128, EPOCH, 16),
            "test error",
            lambda net: lesson.error_on(net, test_images),
        ),
    ]


def _vae(train_images, train_labels, test_images, test_labels) -> Model:
    lesson = definitions(
        "06",
        device=CPU,
        train_images=train_images,
        train_labels=train_labels,
        valid_images=test_images[:1000],
        valid_labels=test_labels[:1000],
    )
    to_vector = definitions("02").to_vector

    def one_cycle(batches: int, rounds: int) -> nn.Module:
        net = lesson.VAE()
        lesson.fit(net, rounds, num_images=256 * batches)
        return net

    def loss_of(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return sum(lesson.loss_terms(x, *net(x))).mean()

    return Model(
        "6 · VAE",
        Form(plain(lesson.VAE, loss_of, one_by_one(128, to_vector), lr=1e-3), 128, EPOCH, 100),
        Form(one_cycle, 256, EPOCH, 40),
        "test loss",
        lambda net: sum(lesson.measure(net, test_images, test_labels)),
    )


def _gans(train_images, train_labels, test_images, test_labels) -> list[Model]:
    judge = load_judge(CPU)
    gan, lsgan = (definitions("08", device=CPU, judge=judge) for _ in range(2))
    lsgan.gan_d_loss, lsgan.gan_g_loss = lsgan.ls_d_loss, lsgan.ls_g_loss
    dcgan = definitions("09", device=CPU, bce=nn.functional.binary_cross_entropy_with_logits)
    for lesson in (gan, lsgan, dcgan):
        # New players of a lesson are always the same ones. Here each training has its own luck.
        lesson.seed_everything = lambda seed: None
    x, y = train_images[:GAN_EPOCH], train_labels[:GAN_EPOCH]
    loader = data.batches(x, y, gan.BATCH_SIZE, shuffle=True)
    slow_loader = one_by_one(gan.BATCH_SIZE, from_picture)
    slow_loader.dataset.data = slow_loader.dataset.data[:GAN_EPOCH]
    gan.real_features = gan.read(test_images)[0]

    def plain_players(lesson: SimpleNamespace) -> tuple[Any, ...]:
        nets = lesson.discriminator(), lesson.generator()
        adams = (torch.optim.Adam(net.parameters(), lr=3e-4, betas=(0.5, 0.999)) for net in nets)
        return *nets, *adams

    def plain_gan(lesson: SimpleNamespace) -> Training:
        def train(batches: int, rounds: int) -> nn.Module:
            players = plain_players(lesson)
            straightforward(lesson, *players, slow_loader, batches * rounds)
            return players[1]

        return train

    def plain_dcgan(batches: int, rounds: int) -> nn.Module:
        players = plain_players(dcgan)
        for _ in range(rounds):
            alternate(dcgan, *players, islice(slow_loader, batches))
        return players[1]

    def frugal(new: Callable, d_loss: Callable, g_loss: Callable) -> Training:
        def train(batches: int, rounds: int) -> nn.Module:
            *nets, d_optimizer, g_optimizer = new()
            players = *nets, d_loss, g_loss, d_optimizer, g_optimizer
            extras: dict[str, Any] = {}
            if new is dcgan.new_players:  # whose rate falls to 0 by the end, wherever that is
                dcgan.NUM_ITERATIONS = batches * rounds
                falling = [dcgan.falling(one) for one in (d_optimizer, g_optimizer)]
                extras = {"schedulers": falling, "num_labels": 10}
            train_gan(*players, loader, batches * rounds, **extras)
            return nets[1]

        return train

    def distance(net: nn.Module) -> float:
        return gan.distance(gan.draw(net, gan.draw_noise(10_000)))

    def ordered_distance(net: nn.Module) -> float:
        orders = torch.arange(10_000) % 10
        return gan.distance(dcgan.draw(net, dcgan.draw_noise(10_000), orders))

    forms = {
        "8 · GAN": (plain_gan(gan), 10, frugal(gan.new_game, gan.gan_d_loss, gan.gan_g_loss), gan),
        "8 · LSGAN": (
            plain_gan(lsgan), 10, frugal(gan.new_game, gan.ls_d_loss, gan.ls_g_loss), gan
        ),
        "9 · DCGAN": (plain_dcgan, 5, frugal(dcgan.new_players, dcgan.d_loss, dcgan.g_loss), dcgan),
    }  # fmt: skip
    return [
        Model(
            name,
            Form(first, gan.BATCH_SIZE, GAN_EPOCH, epochs),
            Form(train, gan.BATCH_SIZE, gan.BATCH_SIZE * lesson.NUM_ITERATIONS, 2),
            "Fréchet distance",
            ordered_distance if lesson is dcgan else distance,
        )
        for name, (first, epochs, train, lesson) in forms.items()
    ]
