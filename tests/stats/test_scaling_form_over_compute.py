"""Which line over attack compute, models as units."""

import numpy as np
import pytest

from safescale.errors import DomainError, InsufficientData
from safescale.stats import scaling_form_comparison, scaling_form_over_compute

LEVELS = np.array([5, 10, 20, 50, 100])


def study(rng, form, models=8, trials=2000):
    x = np.log10(LEVELS / 5) / np.log10(20)
    rows = []
    for _ in range(models):
        top, end = rng.uniform(0.6, 0.9), rng.uniform(0.05, 0.12)
        rows.append(rng.binomial(trials, top + (end - top) * x if form == "log_linear" else top * (end / top) ** x))
    return np.tile(LEVELS, models), np.concatenate(rows), np.full(5 * models, trials), [m for m in range(models) for _ in LEVELS]


@pytest.mark.parametrize("form", ["log_linear", "log_log"])
def test_finds_the_form_that_made_the_counts(form):
    found = scaling_form_over_compute(*study(np.random.default_rng(1), form))
    assert found.verdict == form
    assert found.p_value == found.p_floor == 2 / 2**8
    assert ("log rate" in found.reason) == (form == "log_log")
    assert (found.difference > 0) == (form == "log_log")


def test_differences_are_those_of_each_model_per_trace():
    compute, k, n, models = study(np.random.default_rng(2), "log_log", models=3, trials=100)
    found = scaling_form_over_compute(compute, k, n, models)
    for at in range(3):
        mine = slice(5 * at, 5 * at + 5)
        own = scaling_form_comparison(compute[mine], k[mine], n[mine], over="compute")
        assert found.difference_by_model[at] == pytest.approx(own.difference / 500)
    assert found.difference == pytest.approx(np.mean(found.difference_by_model))
    assert (found.verdict, found.p_floor) == ("cannot_tell", 0.25)
    assert "3 models cannot reach p = 0.05 (the floor is 0.25); at least 6 models are needed" in found.reason


def test_models_without_a_comparison_are_named_with_the_reason():
    compute, k, n, models = study(np.random.default_rng(3), "log_log", models=4)
    k[:5] = 0
    found = scaling_form_over_compute(np.append(compute, 5), np.append(k, 3), np.append(n, 9), [*models, "lone"])
    assert found.compared == (1, 2, 3)
    assert [name for name, _ in found.left_out] == [0, "lone"]
    assert "no success in 10000 traces" in found.left_out[0][1]
    assert "at least 4 distinct levels of compute, got 1" in found.left_out[1][1]


def test_signs_at_random_are_told_apart_no_more_often_than_alpha():
    """Half of the models of either form: no form is better over models."""
    rng, told = np.random.default_rng(4), 0
    for _ in range(5):
        parts = [study(rng, form, models=3, trials=300) for form in rng.permutation(["log_linear", "log_log"])]
        compute, k, n = (np.concatenate([part[at] for part in parts]) for at in range(3))
        told += scaling_form_over_compute(compute, k, n, [m for m in range(6) for _ in LEVELS]).verdict != "cannot_tell"
    assert told <= 1


def test_order_and_unit_are_irrelevant():
    rng = np.random.default_rng(5)
    compute, k, n, models = study(rng, "log_linear", models=6, trials=200)
    one, order = scaling_form_over_compute(compute, k, n, models), rng.permutation(30)
    other = scaling_form_over_compute(7e9 * compute[order], k[order], n[order], [f"m{models[i]}" for i in order])
    assert other.difference == pytest.approx(one.difference, rel=1e-3)
    assert other.p_value == pytest.approx(one.p_value)


def test_refuses():
    with pytest.raises(InsufficientData, match="at least 2 that have one, got 1"):
        scaling_form_over_compute(LEVELS, [9, 7, 5, 3, 1], [10] * 5, ["a"] * 5)
    with pytest.raises(InsufficientData, match=r"got 0 .*no failure in 50 traces"):
        scaling_form_over_compute(LEVELS, [10] * 5, [10] * 5, ["a"] * 5)
    with pytest.raises(DomainError, match="compute must be positive"):
        scaling_form_over_compute([0, 1], [1, 1], [2, 2], ["a", "b"])
    with pytest.raises(DomainError, match="models must label every cell"):
        scaling_form_over_compute([1, 2], [1, 1], [2, 2], ["a", None])
