"""Measures for generated images: Fréchet distance, coverage, nearest neighbours."""

import torch
from torch import Tensor


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Return the Fréchet distance between normal distributions fitted to two sets of features.

    ``|mean_a - mean_b|² + trace(cov_a + cov_b - 2 (cov_a cov_b)^½)``, in squared units of the
    features: 0 for equal sets, and the squared shift for a set and the same set moved. The formula
    is from Dowson & Landau (1982), its use on images from Heusel et al. (2017). Few samples make
    it too large, so compare values from equally many.

    Args:
        a: ``(n, d)``, one feature vector for each example, ``n > d``, on any device.
        b: ``(m, d)``, ``m > d``.

    Raises:
        ValueError: a shape does not fit, samples are too few, or a feature is nan or infinite.
    """
    if a.ndim == b.ndim == 2 and a.shape[1] != b.shape[1]:
        raise ValueError(f"{a.shape[1]} features in one set, {b.shape[1]} in the other")
    mean_a, cov_a = _gaussian(a)
    mean_b, cov_b = _gaussian(b)
    shift = (mean_a - mean_b).square().sum()
    spread = cov_a.trace() + cov_b.trace() - 2 * _trace_of_root(cov_a, cov_b)
    return max(0.0, float(shift + spread))  # rounding can leave it just below 0


def coverage(labels: Tensor, num_classes: int = 10) -> Tensor:
    """Return the share of each class among the labels, ``(num_classes,)``, float32, sum 1.

    With the labels that a classifier gives to generated images this counts the modes that a
    generator reaches, as Metz et al. (2017) do.

    Args:
        labels: ``(n,)``, whole numbers from 0 to ``num_classes - 1``.
        num_classes: how many classes there are.

    Raises:
        ValueError: there are no labels, or they are not whole numbers of that range.
    """
    if labels.ndim != 1 or len(labels) == 0:
        raise ValueError(f"labels of shape {tuple(labels.shape)}: expected (n,), n at least 1")
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise ValueError(f"labels of type {labels.dtype}: expected whole numbers")
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(f"a label outside 0 to {num_classes - 1}")
    return torch.bincount(labels, minlength=num_classes) / len(labels)


def nearest_neighbours(
    queries: Tensor, pool: Tensor, batch_size: int = 250
) -> tuple[Tensor, Tensor]:
    """Find the nearest member of a pool for each query, in batches of queries.

    A usual test for copies of training examples. It finds plain copies; one that is shifted by a
    few pixels escapes it (Theis et al., 2016).

    The distance is Euclidean, in units of the features, and exactly 0 for a copy. Beside its
    arguments the search holds ``batch_size * len(pool)`` numbers (250 x 60,000 floats: 60 MB).

    Args:
        queries: ``(n, ...)``, images or vectors.
        pool: ``(m, ...)``, of the same shape but for the first axis, on the same device.
        batch_size: queries compared at a time.

    Returns:
        The distances ``(n,)`` and the places in the pool ``(n,)``. Where two members are equally
        near to within rounding, either may be named.

    Raises:
        ValueError: a shape does not fit, a set is empty, or a number is nan or infinite.
    """
    if queries.shape[1:] != pool.shape[1:] or queries.ndim < 2:
        raise ValueError(f"{tuple(queries.shape)} and {tuple(pool.shape)}: shapes do not fit")
    if batch_size < 1 or len(queries) == 0 or len(pool) == 0:
        raise ValueError("queries, pool and batch_size must not be empty or 0")
    queries = queries.flatten(1).float()
    pool = pool.flatten(1).float()
    _refuse_nan(queries)
    _refuse_nan(pool)
    with torch.inference_mode():
        squares = torch.linalg.vector_norm(pool, dim=1).square()  # (m,)
        found = [_nearest(batch, pool, squares) for batch in queries.split(batch_size)]
        distances = torch.cat([distance for distance, _ in found])
        places = torch.cat([place for _, place in found])
    return distances.clone(), places.clone()  # clones made outside inference mode are ordinary


def _nearest(queries: Tensor, pool: Tensor, squares: Tensor) -> tuple[Tensor, Tensor]:
    # |q - p|² = |q|² + |p|² - 2 q·p, and |q|² is the same for the whole pool.
    places = torch.addmm(squares, queries, pool.T, alpha=-2).argmin(dim=1)
    # That difference of large numbers is good enough to rank by, and too rough to report.
    return torch.linalg.vector_norm(queries - pool[places], dim=1), places


def _gaussian(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean ``(d,)`` and covariance ``(d, d)`` in float64 on the CPU."""
    if features.ndim != 2 or features.shape[1] == 0:
        raise ValueError(f"features of shape {tuple(features.shape)}: expected (n, d)")
    n, d = features.shape
    if n <= max(d, 1):
        raise ValueError(f"{n} samples are too few for {d} features: at least {d + 1} are needed")
    _refuse_nan(features)
    x = features.detach().cpu().double()  # not every accelerator knows float64
    return x.mean(dim=0), torch.cov(x.T).reshape(d, d)


def _trace_of_root(cov_a: Tensor, cov_b: Tensor) -> Tensor:
    """Return the trace of ``(cov_a cov_b)^½``, for symmetric matrices without negative eigenvalues.

    The product is not symmetric, but has the eigenvalues of ``R cov_b R`` with ``R = cov_a^½``,
    which is.
    """
    values, vectors = torch.linalg.eigh(cov_a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    return torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()


def _refuse_nan(x: Tensor) -> None:
    if not bool(torch.isfinite(x.sum())) and not bool(torch.isfinite(x).all()):
        raise ValueError("there is a nan or an infinite number among the values")
