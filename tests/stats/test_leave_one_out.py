"""Leaving out families and models: each part is the plain fit of the rest, and nothing is raised for a part."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import leave_one_family_out, leave_one_model_out, log_scaling_slope


@given(own.grouped_rates())
def test_law_each_part_is_the_fit_of_the_rest(data):
    sizes, rates, families = data
    found = leave_one_family_out(sizes, rates, families, level=0.9)
    assert [part.left_out for part in found.without] == list(dict.fromkeys(families))
    assert found.slope == log_scaling_slope(sizes, rates, level=0.9)
    slopes = {}
    for part in found.without:
        rest = [(s, r) for s, r, f in zip(sizes, rates, families, strict=True) if f != part.left_out]
        assert part.models_left_out == families.count(part.left_out)
        if len({s for s, _ in rest}) < 3:
            assert (part.slope, part.change_pp_per_decade) == (None, None)
            assert f"without {part.left_out!r} only" in part.undefined_because
            assert part.left_out in found.undefined
        else:
            assert part.slope == log_scaling_slope(*zip(*rest, strict=True), level=0.9)
            assert part.undefined_because is None
            slopes[part.left_out] = part.slope.slope_pp_per_decade
    full = found.slope.slope_pp_per_decade
    assert found.lowest_pp_per_decade == min(slopes.values(), default=None)
    assert found.highest_pp_per_decade == max(slopes.values(), default=None)
    assert set(found.sign_changes) == {f for f, b in slopes.items() if b * full < 0}
    if slopes:
        farthest = max(abs(b - full) for b in slopes.values())
        assert abs(slopes[found.most_influential] - full) == farthest
    else:
        assert found.most_influential is None


@given(own.grouped_rates(), st.randoms(use_true_random=False))
def test_law_order_of_models_is_irrelevant(data, random):
    rows = list(zip(*data, strict=True))
    random.shuffle(rows)
    here, there = leave_one_family_out(*data), leave_one_family_out(*zip(*rows, strict=True))
    other = {part.left_out: part for part in there.without}
    for part in here.without:
        if part.slope is not None:
            assert other[part.left_out].slope.slope_pp_per_decade == pytest.approx(part.slope.slope_pp_per_decade, abs=1e-9)
    assert set(here.undefined) == set(there.undefined)


def test_families_of_one_model_each_are_models():
    sizes, rates = [1, 2, 4, 8, 16], [0.1, 0.5, 0.2, 0.4, 0.9]
    by_model, by_family = leave_one_model_out(sizes, rates), leave_one_family_out(sizes, rates, range(5))
    assert by_model.without == by_family.without
    assert (by_model.families, by_family.families) == (None, (0, 1, 2, 3, 4))
    assert by_model.generalises_to == "new_models"


def test_differential_leave_one_model_out():
    """2,000 random cases against the closed form of deletion: b - b(-i) = dx_i e_i / (Sxx (1 - h_i))."""
    rng = np.random.default_rng(1)
    compared = 0
    for _ in range(300):
        m = int(rng.integers(5, 12))
        sizes, rates = rng.choice(own.MODEL_SIZES, size=m, replace=False), rng.uniform(0, 1, m)
        x = np.log10(sizes)
        about = x - x.mean()
        sxx = about @ about
        b = about @ rates / sxx
        e = rates - rates.mean() - b * about
        h = 1 / m + about**2 / sxx
        found = leave_one_model_out(sizes, rates)
        for i, part in enumerate(found.without):
            assert part.change_pp_per_decade == pytest.approx(-100 * about[i] * e[i] / (sxx * (1 - h[i])), abs=1e-8)
            compared += 1
    assert compared >= 2000


def test_three_sizes_leave_no_slope_without_any_model():
    found = leave_one_model_out([1, 2, 4], [0.1, 0.2, 0.4])
    assert found.undefined == (0, 1, 2)
    assert (found.lowest_pp_per_decade, found.highest_pp_per_decade, found.most_influential) == (None, None, None)
    assert found.sign_changes == ()
    assert all("only 2 distinct sizes remain" in part.undefined_because for part in found.without)


def test_a_slope_of_zero_has_no_sign_to_change():
    found = leave_one_model_out([1, 2, 4, 8], [0.3] * 4)
    assert found.slope.slope_pp_per_decade == 0
    assert found.sign_changes == ()
    assert found.most_influential == 0


def test_refuses_one_family_and_missing_families():
    with pytest.raises(InsufficientData, match="all models are of one family"):
        leave_one_family_out([1, 2, 4], [0.1, 0.2, 0.4], ["aaa"] * 3)
    with pytest.raises(InsufficientData, match="at least 3 distinct sizes, got 2"):
        leave_one_family_out([1, 2], [0.1, 0.2], ["a", "b"])
    with pytest.raises(InsufficientData, match="at least 3 distinct sizes, got 1"):
        leave_one_model_out([1, 1, 1], [0.1, 0.2, 0.3])
    with pytest.raises(DomainError, match="missing label"):
        leave_one_family_out([1, 2, 4], [0.1, 0.2, 0.4], ["a", None, "b"])
    with pytest.raises(DomainError, match="missing label"):
        leave_one_family_out([1, 2, 4], [0.1, 0.2, 0.4], ["a", math.nan, "b"])
    with pytest.raises(DomainError, match="95 % is written"):
        leave_one_model_out([1, 2, 4], [0.1, 0.2, 0.4], level=95)
