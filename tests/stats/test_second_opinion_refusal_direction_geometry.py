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


def test_corrected_cosines_centre_on_the_truth() -> None:
    rng = np.random.default_rng(1)
    centres = np.array([[1.0, 0.0], [0.6, 0.8]])
    wide = np.zeros((2, 20))
    wide[:, :2] = centres
    corrected, observed = [], []
    for _ in range(80):
        harmful = {str(at): centre + 0.5 * rng.normal(size=(15, 20)) for at, centre in enumerate(wide)}
        found = refusal_direction_geometry(harmful, 0.5 * rng.normal(size=(40, 20)), resamples=100, splits=100)
        corrected.append(found.corrected_cosine)
        observed.append(found.mean_cosine)
    assert np.mean(corrected) == pytest.approx(0.6, abs=0.03)
    assert np.mean(observed) < 0.56
