"""The bench: whose code it trains, what it counts as work, and what it says of the times."""

import inspect
from collections import Counter
from dataclasses import replace

import bench
import bench_models
import pytest
import torch
from bench_models import Form, Model
from lesson_code import definitions
from products import Products, by_numpy, by_torch, seconds_of
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


@pytest.mark.parametrize("lesson", ["02", "03", "04", "06", "08", "09"])
def test_definitions_of_a_lesson_come_without_running_it(lesson):
    found = vars(definitions(lesson, device=torch.device("cpu")))
    assert "SEED" in found
    assert "train_images" not in found
    assert any(inspect.isfunction(value) for value in found.values())


def test_what_a_function_needs_may_come_later():
    lesson = definitions("08", device=torch.device("cpu"))
    assert lesson.draw_noise(3).device.type == "cpu"
    lesson.device = torch.device("meta")
    assert lesson.draw_noise(3).device.type == "meta"


def net_of_every_layer():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, stride=2),
        nn.ConvTranspose2d(6, 3, 4, stride=2, padding=1),
        nn.Flatten(),
        nn.Linear(3 * 24 * 24, 7),
        nn.Linear(7, 2),
    )


def test_the_products_are_as_many_operations_as_pytorch_counts():
    net, x = net_of_every_layer(), torch.rand(5, 1, 28, 28)
    with FlopCounterMode(display=False) as counter:
        net(x).sum().backward()
    with Products() as products:
        net(x).sum().backward()
    counted = sum(2 * n * a * b * c for (a, b, c), n in products.counts.items())
    assert counted == counter.get_total_flops()


def test_a_product_has_the_shape_that_it_is_timed_at():
    with Products() as products:
        nn.Linear(784, 128)(torch.rand(64, 784))
    assert products.counts == {(64, 784, 128): 1}
    for multiply in (by_torch, by_numpy):
        assert multiply((64, 784, 128))().shape == (64, 128)


def test_every_product_is_made_as_often_as_it_was_counted():
    made, counts = Counter(), Counter({(2, 3, 4): 1, (5, 6, 7): 2})
    assert seconds_of(counts, lambda shape: lambda: made.update([shape])) > 0
    assert made[5, 6, 7] == 2 * made[2, 3, 4] > 0


class Clock:
    """A clock that moves only when a training says so."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now

    def training(self, seconds_for_a_batch):
        def train(batches, rounds):
            self.now += seconds_for_a_batch * batches * rounds
            return nn.Linear(3, 2)(torch.zeros(1, 3))

        return train


@pytest.fixture
def row(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(bench, "time", clock)
    monkeypatch.setattr(bench, "seconds_of", lambda counts, multiply: 0.025 * counts[1, 3, 2])
    model = Model(
        "a model",
        Form(clock.training(0.4), batch_size=100, images=1000, rounds=6),
        Form(clock.training(0.1), batch_size=50, images=1000, rounds=3),
        "error",
        lambda trained: trained.numel(),
        shapes=Counter({(1, 3, 2): 2}),
    )
    return bench.measure(model)


def test_both_forms_and_the_limit_are_measured_for_an_image(row):
    assert row.straightforward == pytest.approx(0.004)
    assert row.course == pytest.approx(0.002)
    assert row.limit == pytest.approx(0.001)
    assert row.wholes() == pytest.approx((24, 6))


def test_the_products_of_one_iteration_are_those_of_three_less_those_of_two():
    linear = nn.Linear(3, 2)

    def train(batches, rounds):
        for _ in range(batches * rounds + 4):  # four before the first
            linear(torch.zeros(1, 3))

    assert bench._products(Form(train, 1, 1, 1)) == {(1, 3, 2): 1}


def test_the_table_says_what_was_measured(row, capsys):
    bench.print_head()
    bench.print_row(row)
    bench.print_sum([row, row])
    said = capsys.readouterr().out.splitlines()
    assert said[2].split() == ["a", "model", "4000.0", "2000.0", "2.0", "1000.0", "50%", "24", "6"]
    assert said[3].split() == ["together", "48", "12,", "25%", "of", "the", "time"]


def test_the_figure_is_drawn(row, tmp_path):
    bench.draw([row, row], tmp_path / "bench.png")
    assert (tmp_path / "bench.png").stat().st_size > 5_000


def test_a_training_to_the_end_says_what_it_reached_and_when(row, capsys):
    end = bench.to_the_end(row.model.straightforward, row.model, 1)
    assert end == (2, pytest.approx(24))
    assert capsys.readouterr().out.split() == ["2.00", "in", "24.0", "s"]


def test_of_several_trainings_to_the_end_the_middle_one_counts(row, capsys):
    results = iter([9, 4, 5])
    model = replace(row.model, result=lambda trained: next(results))
    assert bench.to_the_end(model.course, model, 3).result == 5
    assert capsys.readouterr().out.split()[0] == "5.00"


def test_the_sum_says_how_many_results_were_reached_and_in_what_time(row, capsys):
    results = iter([5, 4, 4, 4, 5, 6, 6, 6, 5, 5, 5, 5])  # better, worse, the same
    model = replace(row.model, result=lambda trained: next(results))
    bench.print_ends([model] * 3)
    said = capsys.readouterr().out.splitlines()
    assert [line.split(", ")[-1] for line in said[2:5]] == ["reached", "not reached", "reached"]
    assert said[5] == "2 of 3 reached; 18 s instead of 72 s, 25% of the time"


class Noise:
    """Pictures of nothing, in the place of a data set."""

    data = torch.randint(0, 256, (300, 28, 28), dtype=torch.uint8)
    targets = torch.arange(300) % 10

    def __len__(self):
        return len(self.data)


def test_no_training_of_the_course_repeats_the_one_before(monkeypatch):
    monkeypatch.setattr(bench_models.data, "load", lambda *args, **kwargs: Noise())
    judge = definitions("02").DigitClassifier()
    monkeypatch.setattr(bench_models, "load_judge", lambda device: judge)
    for model in bench_models.models():
        first, second = (parameters_of(model.course.train(1, 1)) for _ in range(2))
        assert not torch.equal(first, second), model.name


def parameters_of(trained):
    if isinstance(trained, nn.Module):
        trained = trained.state_dict()
    return torch.cat([torch.as_tensor(array).flatten() for array in trained.values()])
