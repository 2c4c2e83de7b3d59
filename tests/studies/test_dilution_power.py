"""Planted truth: the registered test keeps its level, and finds what the plan said it would find."""

import re

import attrs
import numpy as np
import pytest

from safescale.errors import DomainError
from safescale.studies.asked import AskedModel
from safescale.studies.dilution.analysis import analyze_dilution
from safescale.studies.dilution.between_models import registered_p
from safescale.studies.dilution.design import DilutionDesign
from safescale.studies.dilution.planted import (
    PlantedDilution,
    planted_counts,
    planted_deltas,
    planted_outcomes,
    share_rejected,
)
from safescale.studies.dilution.power import DilutionAssumptions, affordable_repeats, plan_dilution
from safescale.studies.dilution.results import DilutionVerdict

DESIGN = DilutionDesign()
SIX = (0.5, 1.2, 3.0, 7.0, 14.0, 32.0)
MODELS = tuple(AskedModel(model_id=f"m{size:g}", params_b=size) for size in SIX)


def planned_power(tau, slope=15.0, prompts=2000):
    asked = DilutionAssumptions(tau_pp=(tau,), effect_pp_per_decade=slope)
    return plan_dilution(DESIGN, MODELS, prompts, assumptions=asked).rows[0].power


def test_counts_have_the_planted_truth():
    truth = PlantedDilution(sizes_b=SIX, slope_pp_per_decade=10.0, tau_pp=4.0, mean_pp=6.0, discordance=0.3)
    counts = planted_counts(truth, 4_000, np.random.default_rng(1))
    assert np.all(counts.sum(axis=2) == 2000)
    delta = (counts[..., 1] - counts[..., 2]) / 2000
    x = np.log10(SIX)
    assert np.allclose(100 * delta.mean(axis=0), 6 + 10 * (x - x.mean()), atol=0.4)
    assert np.allclose(100 * delta.std(axis=0), np.hypot(4.0, 100 * np.sqrt(0.3 / 2000)), atol=0.25)
    assert np.allclose((counts[..., 0] + counts[..., 2]).mean(axis=(0, 1)) / 2000, 0.35, atol=0.002)
    assert np.allclose((counts[..., 1] + counts[..., 2]).mean() / 2000, 0.3, atol=0.005)


def test_what_is_odd_about_a_size_is_shared_by_every_lineage():
    own = PlantedDilution(sizes_b=SIX, lineages=3, tau_pp=5.0)
    shared = PlantedDilution(sizes_b=SIX, lineages=3, shared_tau_pp=5.0)
    for truth, correlation in ((own, 0.0), (shared, 1.0)):
        deltas = planted_deltas(truth, 2_000, np.random.default_rng(2))
        assert np.corrcoef(deltas[:, 1], deltas[:, 7])[0, 1] == pytest.approx(correlation, abs=0.06)


@pytest.mark.parametrize(("lineages", "tau"), [(1, 5.0), (2, 10.0)])
def test_the_test_of_the_repeats_is_the_test_of_the_analysis(lineages, tau):
    truth = PlantedDilution(sizes_b=SIX, lineages=lineages, tau_pp=tau, slope_pp_per_decade=5.0, prompts=300)
    rng = np.random.default_rng(4)
    counts = planted_counts(truth, 4, rng)
    groups = None if lineages == 1 else [model.lineage for model in truth.models]
    answers = [analyze_dilution(DESIGN, [planted_outcomes(truth, row, rng)]).answers[0] for row in counts]
    for answer, row in zip(answers, counts, strict=True):
        assert [(d.n11, d.n10, d.n01, d.n00) for d in answer.deltas] == [tuple(cells) for cells in row.tolist()]
        found = registered_p(truth.sizes_b * lineages, ((row[:, 1] - row[:, 2]) / 300).tolist(), groups)
        assert answer.size.permutation_p == found.p_value
    share = share_rejected(truth, 4, np.random.default_rng(4))
    assert share.successes == sum(answer.size.permutation_p <= 0.05 for answer in answers)


@pytest.mark.parametrize("tau", [0.0, 10.0])
def test_without_a_slope_the_registered_test_keeps_its_level(tau):
    share = share_rejected(PlantedDilution(sizes_b=SIX, tau_pp=tau), 500, np.random.default_rng(11))
    assert 0.02 < share.estimate <= 0.08


def test_with_a_slope_it_finds_what_the_plan_said():
    share = share_rejected(PlantedDilution(sizes_b=SIX, tau_pp=5.0, slope_pp_per_decade=15.0), 500, np.random.default_rng(12))
    assert share.low - 0.03 <= planned_power(5.0) <= share.high + 0.03


@pytest.mark.calibration
@pytest.mark.parametrize("tau", [0.0, 5.0, 10.0])
def test_type_one_error_over_two_thousand_experiments_of_two_thousand_prompts(tau):
    share = share_rejected(PlantedDilution(sizes_b=SIX, tau_pp=tau), 2_000, np.random.default_rng(21))
    assert 0.03 <= share.estimate <= 0.065


@pytest.mark.calibration
@pytest.mark.parametrize("tau", [5.0, 10.0])
def test_power_over_two_thousand_experiments_is_within_three_points_of_the_plan(tau):
    share = share_rejected(PlantedDilution(sizes_b=SIX, tau_pp=tau, slope_pp_per_decade=15.0), 2_000, np.random.default_rng(22))
    assert share.estimate == pytest.approx(planned_power(tau), abs=0.03)


@pytest.mark.calibration
def test_odd_sizes_in_every_seed_do_not_pass_for_an_effect_of_size():
    """The test within seeds rejects far too often then; the verdict holds, because it asks sizes as units too."""
    truth = PlantedDilution(sizes_b=SIX[1:5], lineages=3, shared_tau_pp=5.0)
    rng = np.random.default_rng(23)
    assert share_rejected(truth, 500, rng).estimate > 0.2
    verdicts = [analyze_dilution(DESIGN, [planted_outcomes(truth, row, rng)]).verdict for row in planted_counts(truth, 300, rng)]
    assert verdicts.count(DilutionVerdict.SUPPORTS) / 300 <= 0.075


# ---- the plan --------------------------------------------------------------------------------------------------------


def test_power_falls_with_the_spread_between_models_and_the_words_say_it():
    plan = plan_dilution(DESIGN, MODELS, 2000, repeats=1_000)
    powers = [row.power for row in plan.rows]
    smallest = [row.smallest_pp_per_decade for row in plan.rows]
    assert [row.tau_pp for row in plan.rows] == [0, 5, 10]
    assert powers == sorted(powers, reverse=True)
    assert powers[0] > 0.99
    assert 0.8 < powers[1] < 0.95
    assert powers[2] < 0.5
    assert smallest == sorted(smallest)
    assert plan.p_floor == pytest.approx(2 / 720)
    for row in plan.rows:
        assert f"{100 * row.power:.0f} % at a spread between models (tau) of {row.tau_pp:g} pp" in plan.words
    assert "more prompts do not help, and more models do" in plan.words


def test_seeds_raise_power_and_are_compared_within():
    seeds = tuple(
        attrs.evolve(model, model_id=f"{model.model_id}-{at}", lineage=f"seed {at}") for at in range(3) for model in MODELS
    )
    one, three = (plan_dilution(DESIGN, models, 500, repeats=300) for models in (MODELS, seeds))
    assert three.lineages == 3
    assert three.models == 18
    assert three.rows[2].power > one.rows[2].power + 0.2
    assert "compared within 3 lineages" in three.words
    assert "18 models share 6 sizes: the verdict asks the same test with sizes as units too" in three.words
    assert "sizes as units" not in one.words


@pytest.mark.parametrize(
    ("blocks", "most", "repeats"), [((6,), 4_000, 4_000), ((8,), 4_000, 496), ((6, 5), 2_000, 400), ((6, 6, 6), 2_000, 2_000)]
)
def test_a_plan_takes_seconds_however_many_arrangements(blocks, most, repeats):
    groups = None if len(blocks) == 1 else [f"g{at}" for at, block in enumerate(blocks) for _ in range(block)]
    assert affordable_repeats([1.0] * sum(blocks), groups, most=most) == repeats


def test_sizes_that_cannot_decide_are_told_before_anything_runs():
    plan = plan_dilution(DESIGN, MODELS[:4], 500, repeats=200)
    assert [row.power for row in plan.rows] == [0, 0, 0]
    assert [row.smallest_pp_per_decade for row in plan.rows] == [None, None, None]
    assert "The smallest p that a permutation of these models can reach is .083, above 0.05" in plan.words
    assert "It needs 5 sizes of one lineage" in plan.words


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ((), "with 0 models of known size: a slope needs at least 3 distinct sizes, got 0"),
        (MODELS[:2], "with 2 models of known size: a slope needs at least 3 distinct sizes, got 2"),
        (tuple(attrs.evolve(model, params_b=None) for model in MODELS), "with 0 models of known size"),
    ],
)
def test_no_slope_is_no_power(models, words):
    plan = plan_dilution(DESIGN, models, 100)
    assert (plan.rows, plan.p_floor) == ((), None)
    assert plan.words.startswith("No slope on size can be tested ")
    assert words in plan.words


def test_a_slope_that_the_baseline_leaves_no_room_for_is_said():
    cramped = plan_dilution(DESIGN, MODELS, 500, assumptions=DilutionAssumptions(baseline_rate=0.9), repeats=200)
    assert re.search(r"would move delta by 27 pp over these sizes, and a baseline of 90 % leaves 10 pp", cramped.words)
    assert "leaves" not in plan_dilution(DESIGN, MODELS, 500, repeats=200).words


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"baseline_rate": 1.0}, "baseline_rate must lie in"),
        ({"discordance": 0.0}, "discordance in"),
        ({"tau_pp": ()}, "tau_pp must be one spread or more"),
        ({"tau_pp": (-1.0,)}, "none negative"),
        ({"effect_pp_per_decade": 0.0}, "must not be 0"),
        ({"power": 1.0}, "power must lie in"),
    ],
)
def test_refuses_assumptions_that_are_none(changes, message):
    with pytest.raises(DomainError, match=message):
        DilutionAssumptions(**changes)
    with pytest.raises(DomainError, match="n_prompts must be at least 1, got 0"):
        plan_dilution(DESIGN, MODELS, 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sizes_b": ()}, "sizes_b must be positive"),
        ({"prompts": 0}, "at least 1"),
        ({"baseline": 0.0}, "baseline must lie"),
        ({"tau_pp": -1.0}, "tau_pp and shared_tau_pp"),
    ],
)
def test_refuses_a_truth_that_is_none(changes, message):
    with pytest.raises(DomainError, match=message):
        PlantedDilution(**{"sizes_b": SIX, **changes})


def test_prompts_too_few_for_any_slope_promise_no_power():
    plan = plan_dilution(DESIGN, MODELS, 19, repeats=300)
    assert plan.rows == ()
    assert "a model stands in it with 20 harmful prompts at least, got 19" in plan.words
    assert plan_dilution(DESIGN, MODELS, 20, repeats=300).rows
