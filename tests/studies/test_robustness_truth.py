"""Planted studies: how often the verdict claims what is not there, and whether intervals hold the truth."""

import attrs
import numpy as np
import pytest

from safescale.stats import wilson_interval
from safescale.studies.robustness.planted import PlantedRobustness
from safescale.studies.robustness.truth import planted_verdicts

SMALL = PlantedRobustness(steps=(5, 15, 50, 150), prompts=24, benign=1)
NO_SIZE = attrs.evolve(SMALL, compute=-2.0)
NOTHING = attrs.evolve(SMALL, compute=0.0)
ALIKE = attrs.evolve(SMALL, size=2.0, compute=-2.0)
TWO_DECADES = attrs.evolve(SMALL, size=1.5, compute=-3.0)
MOSTLY_SIZE = attrs.evolve(SMALL, size=3.0, compute=-1.5)
ODD_SIZES = attrs.evolve(SMALL, compute=-0.5, shared_tau=0.5)


def test_effects_that_are_planted_are_found():
    compute = planted_verdicts(TWO_DECADES, 4, np.random.default_rng(0))
    size = planted_verdicts(MOSTLY_SIZE, 3, np.random.default_rng(1))
    assert (compute.compute, compute.size) == (4, 0)
    assert (size.compute, size.size) == (0, 3)
    assert compute.exchange_covered >= 3
    assert compute.exchange_intervals == 4


def test_effects_that_are_not_there_are_not_claimed():
    nothing = planted_verdicts(NOTHING, 5, np.random.default_rng(2))
    assert nothing.compute + nothing.size <= 1
    no_size = planted_verdicts(NO_SIZE, 3, np.random.default_rng(3))
    assert no_size.size == 0


def test_the_effects_that_were_planted_are_those_of_the_verdicts():
    """Twice the effect of compute at no scatter: its estimate is twice as large."""
    once, twice = (
        planted_verdicts(attrs.evolve(SMALL, compute=c, tau=0.0, prompts=100), 1, np.random.default_rng(4)) for c in (-1.0, -2.0)
    )
    assert np.mean(once.compute_effects) == pytest.approx(-1.0, abs=0.2)
    assert np.mean(twice.compute_effects) == pytest.approx(-2.0, abs=0.2)


@pytest.mark.calibration
@pytest.mark.parametrize("planted", [NOTHING, NO_SIZE, ODD_SIZES, attrs.evolve(NOTHING, tau=1.0)], ids=str)
def test_without_an_effect_of_size_the_verdict_that_it_outweighs_is_rare(planted):
    found = planted_verdicts(planted, 200, np.random.default_rng(10))
    assert wilson_interval(found.size, found.repeats).low <= 0.05


@pytest.mark.calibration
def test_without_any_effect_no_verdict_is_the_rule():
    found = planted_verdicts(NOTHING, 200, np.random.default_rng(11))
    assert wilson_interval(found.size + found.compute, found.repeats).low <= 0.05


@pytest.mark.calibration
def test_equal_effects_are_called_unequal_no_oftener_than_the_level():
    found = planted_verdicts(ALIKE, 200, np.random.default_rng(12))
    assert wilson_interval(found.size + found.compute, found.repeats).low <= 0.05


@pytest.mark.calibration
@pytest.mark.parametrize("planted", [TWO_DECADES, MOSTLY_SIZE, ALIKE], ids=str)
def test_the_interval_of_a_planted_exchange_rate_holds_it(planted):
    """With 12 models it holds it in about 93 to 97 of 100 studies."""
    found = planted_verdicts(planted, 200, np.random.default_rng(13))
    assert found.exchange_intervals > 150
    assert wilson_interval(found.exchange_covered, found.exchange_intervals).high >= 0.93
    assert found.exchange_covered >= 0.9 * found.exchange_intervals
