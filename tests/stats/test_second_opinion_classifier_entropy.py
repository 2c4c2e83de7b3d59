"""Classifier entropy against scipy.stats.entropy."""

import numpy as np
import pytest
import scipy.stats

from safescale.stats import classifier_entropy


@pytest.mark.parametrize("k", [2, 3, 6, 50])
def test_agrees_with_scipy(k):
    p = np.random.default_rng(k).dirichlet(np.full(k, 0.4), size=500)
    found = classifier_entropy(p)
    assert found.per_trace == pytest.approx(scipy.stats.entropy(p, axis=1), abs=1e-12)
    assert found.estimate == pytest.approx(scipy.stats.entropy(p, axis=1).mean(), abs=1e-12)
