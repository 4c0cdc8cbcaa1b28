"""The measures agree with closed forms, and say what is wrong with what they cannot measure."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from course_utils.metrics import coverage, frechet_distance, nearest_neighbours


def normal(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def whitened(n, d, seed=0):
    """Return points whose mean is 0 and whose covariance is the identity, exactly."""
    x = normal(n, d, seed)
    x = x - x.mean(dim=0)
    return x @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(x.T).reshape(d, d))).T


def with_covariance(cov, n=200, seed=0):
    return whitened(n, len(cov), seed) @ torch.linalg.cholesky(cov).T


def test_identical_sets_are_at_distance_0():
    x = normal(300, 20)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x, x) >= 0


def test_a_shifted_set_is_at_the_squared_shift():
    x = normal(300, 5)
    shift = torch.tensor([3.0, 0.0, -1.0, 0.5, 2.0], dtype=torch.float64)
    assert frechet_distance(x, x + shift) == pytest.approx(14.25)


def test_one_dimension_is_difference_of_means_and_of_spreads_squared():
    a, b = 2 * whitened(50, 1) + 3, 5 * whitened(70, 1, seed=1) - 1
    assert frechet_distance(a, b) == pytest.approx((3 + 1) ** 2 + (2 - 5) ** 2)


def test_known_covariances_that_commute():
    a, b = (torch.tensor(v, dtype=torch.float64) for v in ([4.0, 9.0, 1.0], [1.0, 16.0, 25.0]))
    given = frechet_distance(with_covariance(a.diag()), with_covariance(b.diag(), seed=1))
    assert given == pytest.approx(float((a.sqrt() - b.sqrt()).square().sum()))


def test_known_covariances_that_do_not_commute():
    a = torch.tensor([[2.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
    b = torch.tensor([[5.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    # The root of a 2 x 2 matrix M has the trace sqrt(trace M + 2 sqrt(det M)).
    product = a @ b
    root = (product.trace() + 2 * torch.linalg.det(product).sqrt()).sqrt()
    given = frechet_distance(with_covariance(a), with_covariance(b, seed=1))
    assert given == pytest.approx(float(a.trace() + b.trace() - 2 * root))


def test_it_does_not_depend_on_the_order_of_the_sets_or_on_a_rotation():
    a, b = normal(100, 6) * torch.arange(1, 7), normal(150, 6, seed=1) + 1
    turn = torch.linalg.qr(normal(6, 6, seed=2)).Q
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a))
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(a @ turn, b @ turn))


def test_features_that_never_vary_do_no_harm():
    a, b = whitened(200, 4), whitened(200, 4, seed=1)
    a[:, 2:], b[:, 2:] = 0, 0
    assert frechet_distance(a, b + torch.tensor([1.0, 0, 0, 0])) == pytest.approx(1, abs=1e-6)


def test_float32_far_from_0_is_measured_in_float64():
    x = whitened(500, 3)
    given = frechet_distance((x + 1000).float(), (2 * x + 1000).float())
    assert given == pytest.approx(3, rel=1e-3)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (torch.zeros(5, 5), torch.zeros(50, 5), "5 samples are too few for 5 features"),
        (torch.zeros(50, 5), torch.zeros(1, 5), "1 samples are too few"),
        (torch.zeros(50), torch.zeros(50), r"features of shape \(50,\): expected \(n, d\)"),
        (torch.zeros(50, 1, 28, 28), torch.zeros(50, 9), "expected"),
        (torch.zeros(50, 5), torch.zeros(50, 6), "5 features in one set, 6 in the other"),
        (torch.full((50, 5), torch.nan), torch.zeros(50, 5), "nan"),
        (torch.zeros(50, 5), torch.full((50, 5), torch.inf), "infinite"),
    ],
)
def test_what_cannot_be_compared_is_said(a, b, message):
    with pytest.raises(ValueError, match=message):
        frechet_distance(a, b)


def test_coverage_is_the_share_of_each_class():
    shares = coverage(torch.tensor([0, 0, 0, 2]), num_classes=4)
    assert shares.tolist() == [0.75, 0, 0.25, 0]
    assert len(coverage(torch.tensor([3]))) == 10


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (torch.tensor([], dtype=torch.int64), "n at least 1"),
        (torch.zeros(3, 10, dtype=torch.int64), r"shape \(3, 10\)"),
        (torch.zeros(3), "expected whole numbers"),
        (torch.tensor([0, 10]), "outside 0 to 9"),
        (torch.tensor([0, -1]), "outside 0 to 9"),
    ],
)
def test_labels_that_are_none_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        coverage(labels)


@pytest.mark.parametrize("batch_size", [1, 7, 40, 1000])
def test_neighbours_are_those_of_a_full_table(batch_size):
    queries, pool = normal(40, 12).float(), normal(90, 12, seed=1).float()
    distances, places = nearest_neighbours(queries, pool, batch_size=batch_size)
    table = torch.cdist(queries.double(), pool.double())
    assert torch.equal(places, table.argmin(dim=1))
    torch.testing.assert_close(distances.double(), table.min(dim=1).values)


def test_a_copy_is_at_distance_0_exactly_however_far_from_the_origin():
    pool = normal(500, 784).float() + 100
    distances, places = nearest_neighbours(pool[100:200], pool)
    assert distances.abs().max() == 0
    assert torch.equal(places, torch.arange(100, 200))


def test_images_are_taken_as_they_are_and_left_as_they_were():
    pool = normal(30, 784).float().reshape(30, 1, 28, 28)
    queries, before = pool[:5] + 0.5, pool.clone()
    distances, places = nearest_neighbours(queries, pool)
    assert distances.tolist() == pytest.approx([14.0] * 5)
    assert torch.equal(places, torch.arange(5))
    assert torch.equal(pool, before)
    assert not distances.is_inference()


class Largest(TorchDispatchMode):
    """Notes the size of the largest tensor that an operation returns."""

    numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if torch.is_tensor(result):
            self.numel = max(self.numel, result.numel())
        return result


def test_no_table_is_larger_than_the_batch_asked_for():
    with Largest() as largest:
        nearest_neighbours(torch.zeros(25, 3), torch.zeros(40, 3), batch_size=10)
    assert largest.numel == 10 * 40


@pytest.mark.parametrize(
    ("queries", "pool", "batch_size", "message"),
    [
        (torch.zeros(3, 4), torch.zeros(3, 5), 10, "shapes do not fit"),
        (torch.zeros(3), torch.zeros(3), 10, "shapes do not fit"),
        (torch.zeros(0, 4), torch.zeros(3, 4), 10, "must not be empty"),
        (torch.zeros(3, 4), torch.zeros(0, 4), 10, "must not be empty"),
        (torch.zeros(3, 4), torch.zeros(3, 4), 0, "must not be empty"),
        (torch.full((3, 4), torch.nan), torch.zeros(3, 4), 10, "nan"),
        (torch.zeros(3, 4), torch.full((3, 4), -torch.inf), 10, "infinite"),
    ],
)
def test_what_has_no_neighbours_is_said(queries, pool, batch_size, message):
    with pytest.raises(ValueError, match=message):
        nearest_neighbours(queries, pool, batch_size=batch_size)
