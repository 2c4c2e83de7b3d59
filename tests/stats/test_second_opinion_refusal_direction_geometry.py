"""Refusal directions against scipy's singular values and cosines, and mpmath's entropy."""

from __future__ import annotations

import itertools

import mpmath
import numpy as np
import pytest
import scipy.linalg
import scipy.spatial.distance
import scipy.stats

from safescale.stats import refusal_direction_geometry
from safescale.stats.refusal_direction_geometry import _noise, _without_noise


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_agrees_with_scipy_and_mpmath(seed: int) -> None:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(5, 16))
    harmful = {str(at): centre + rng.normal(size=(7 + at, 16)) for at, centre in enumerate(centres)}
    benign = rng.normal(size=(11, 16))
    found = refusal_direction_geometry(harmful, benign, resamples=100, splits=100)
    differences = [rows.mean(axis=0) - benign.mean(axis=0) for rows in harmful.values()]
    cosines = [1.0 - scipy.spatial.distance.cosine(a, b) for a, b in itertools.combinations(differences, 2)]
    assert found.mean_cosine == pytest.approx(np.mean(cosines), abs=1e-12)
    values = scipy.linalg.svdvals(np.array([d / scipy.linalg.norm(d) for d in differences]))
    assert found.singular_values == pytest.approx(values, abs=1e-12)
    with mpmath.workdps(40):
        squares = [mpmath.mpf(float(value)) ** 2 for value in values]
        shares = [square / mpmath.fsum(squares) for square in squares]
        rank = mpmath.exp(-mpmath.fsum(share * mpmath.log(share) for share in shares))
    assert found.effective_rank == pytest.approx(float(rank), abs=1e-10)
    assert found.effective_rank == pytest.approx(np.exp(scipy.stats.entropy(values**2)), abs=1e-10)


def test_the_noise_that_is_taken_out_is_that_of_fresh_samples() -> None:
    """Second opinion by brute force: means over 4000 fresh worlds of what the correction is to leave."""
    rng = np.random.default_rng(0)
    centres, scale = np.array([[2.0, 0, 0, 0], [1.0, 1.5, 0, 0]]), np.array([0.5, 1.0, 1.5, 0.2])
    inner, lengths = [], []
    for _ in range(4000):
        benign = (rng.normal(size=(8, 4)) * scale).mean(axis=0)
        one, other = (centre + (rng.normal(size=(6, 4)) * scale).mean(axis=0) - benign for centre in centres)
        inner.append(one @ other)
        lengths.append(one @ one)
    total = float((scale**2).sum())
    assert np.mean(inner) == pytest.approx(centres[0] @ centres[1] + total / 8, rel=0.03)
    assert np.mean(lengths) == pytest.approx(centres[0] @ centres[0] + total / 6 + total / 8, rel=0.03)


def test_corrected_inner_products_centre_on_those_of_the_true_directions() -> None:
    """Over 12000 fresh worlds of unequal noise, few benign prompts: what is left is the truth, entry by entry."""
    rng = np.random.default_rng(2)
    centres, scale = np.array([[1.0, 0.0, 0.5], [0.6, 0.8, -0.5]]), np.array([0.5, 1.0, 0.3])
    corrected, plain = np.zeros((2, 2)), np.zeros((2, 2))
    for _ in range(12_000):
        groups = [centre + (1.0 + at) * scale * rng.normal(size=(7 + at, 3)) for at, centre in enumerate(centres)]
        benign = scale * rng.normal(size=(5, 3))
        d = np.array([rows.mean(axis=0) for rows in groups]) - benign.mean(axis=0)
        plain += d @ d.T / 12_000
        corrected += _without_noise(d, np.array([_noise(rows) for rows in groups]), _noise(benign)) / 12_000
    assert corrected == pytest.approx(centres @ centres.T, abs=0.06)
    assert (plain - centres @ centres.T > 0.15).all()
