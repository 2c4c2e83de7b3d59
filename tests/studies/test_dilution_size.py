"""Slopes on size with models as units, and what stands beside them."""

import attrs
import numpy as np
import pytest

from safescale.stats import (
    effect_meta_regression,
    item_interaction_slope,
    log_scaling_slope,
    permutation_slope_test,
    slope_equivalence_test,
    slopes_over_replicates,
    within_group_slope,
)
from safescale.studies.asked import AskedModel
from safescale.studies.dilution.answer import grader_answer
from safescale.studies.dilution.between_models import compared_within, sized_models
from safescale.studies.dilution.paired import MOST_INCOMPLETE, fitted_prompts
from safescale.studies.dilution.sentences import rule_words
from studies.dilution_worlds import DESIGN, SIZES, main_only, only, world


def answer_of(outcomes, design=DESIGN):
    return grader_answer(outcomes, design).answer


def test_one_lineage_is_compared_over_its_models():
    answer = answer_of(main_only(world()))
    sizes, deltas = list(SIZES), [delta.delta for delta in answer.deltas]
    line = log_scaling_slope(sizes, deltas, quantity="difference")
    permuted = permutation_slope_test(sizes, deltas, quantity="difference")
    meta = effect_meta_regression(sizes, deltas, [delta.variance for delta in answer.deltas])
    size = answer.size
    assert size.slope_pp_per_decade == line.slope_pp_per_decade
    assert (size.low, size.high) == line.interval
    assert (size.permutation_p, size.permutation_method) == (permuted.p_value, "exact_permutation")
    assert size.permutation_floor == pytest.approx(2 / 720)
    assert (size.meta_slope_pp_per_decade, size.tau_pp, size.meta_p) == (meta.slope_pp_per_decade, meta.tau_pp, meta.p_value)
    assert size.flat_p == slope_equivalence_test(line).p_value
    assert (size.within_lineages, size.lineages, size.over_lineages_low, size.over_sizes_p) == (False, (), None, None)
    assert size.generalises_to == "new_models"


def test_seeds_are_blocks_and_units_and_sizes_are_units_beside_them():
    outcomes = main_only(world(lineages=3, seed=5))
    answer = answer_of(outcomes)
    sizes, deltas = list(SIZES) * 3, [delta.delta for delta in answer.deltas]
    labels = [model.lineage for model in outcomes.models]
    over = slopes_over_replicates(sizes, deltas, labels, quantity="difference")
    size = answer.size
    assert size.slope_pp_per_decade == within_group_slope(sizes, deltas, labels, quantity="difference").slope_pp_per_decade
    assert size.permutation_p == permutation_slope_test(sizes, deltas, groups=labels, quantity="difference").p_value
    assert [found.slope_pp_per_decade for found in size.lineages] == list(over.slopes_pp_per_decade)
    assert [found.models for found in size.lineages] == [6, 6, 6]
    assert (size.over_lineages_low, size.over_lineages_high) == over.interval
    means = np.array(deltas).reshape(3, 6).mean(axis=0)
    assert size.over_sizes_p == permutation_slope_test(SIZES, means, quantity="difference").p_value
    assert any("18 models share 6 sizes" in caveat for caveat in answer.caveats)


def test_differences_between_lineages_do_not_enter_the_slope():
    outcomes = main_only(world(lineages=2, puzzle_slope=0.1, harmful=400))
    level = answer_of(outcomes).size.slope_pp_per_decade
    second = [at for at, model in enumerate(outcomes.models) if model.lineage == "seed 1"]
    puzzle = outcomes.condition("puzzle")
    lifted = attrs.evolve(outcomes, failed=outcomes.failed.copy())
    # forty more successes in every model of the second lineage, whatever its size
    for at in second:
        lifted.failed[at, puzzle, np.flatnonzero(lifted.failed[at, puzzle, :400, 0] == 0)[:40]] = 1
    answer = answer_of(lifted)
    assert answer.deltas[-1].delta == pytest.approx(answer_of(outcomes).deltas[-1].delta + 0.1)
    assert answer.size.slope_pp_per_decade == pytest.approx(level)


@pytest.mark.parametrize(
    ("lineages", "kept", "within"),
    [
        (("a", "a", "a"), 3, False),
        (("a", "a", "b"), 3, False),
        (("a", "a", "b", "b", "c"), 4, True),
        (("unknown", "unknown", "unknown", "a", "a"), 5, False),
        (("unknown", "unknown", "b", "b", "a", "a"), 4, True),
    ],
)
def test_sizes_are_compared_within_lineages_where_two_have_two_sizes(lineages, kept, within):
    models = [AskedModel(model_id=f"m{at}", params_b=1.0 + at, lineage=name) for at, name in enumerate(lineages)]
    members, groups = compared_within(models)
    assert len(members) == kept
    assert (groups is not None) == within
    assert groups is None or "unknown" not in groups


def test_one_size_twice_in_a_lineage_is_no_second_size():
    models = [
        AskedModel(model_id=f"m{at}", params_b=size, lineage=name)
        for at, (size, name) in enumerate([(1, "a"), (2, "a"), (3, "b"), (3, "b")])
    ]
    assert compared_within(models)[1] is None


def test_models_with_fewer_than_twenty_pairs_are_shown_and_not_fitted():
    outcomes = main_only(world())
    outcomes.failed[3, outcomes.condition("puzzle"), 19:] = -1
    answer = answer_of(outcomes)
    assert answer.deltas[3].prompts == 19
    assert answer.size.models == 5
    assert ("s0-7b", "19 prompts with a verdict under both conditions, of 20") in answer.not_fitted


def test_a_model_of_a_handful_of_prompts_is_in_no_mean_and_no_mean_leaves_the_scale():
    outcomes = world(seed=5, per_line=0.02)
    outcomes.failed[2, 1:, 15:] = -1
    without = answer_of(only(outcomes, models=lambda m: m.params_b != 3.0))
    answer = answer_of(outcomes)
    assert [delta.prompts for delta in answer.deltas][2] == 15
    assert (answer.main.mean, answer.main.low) == (without.main.mean, without.main.low)
    assert answer.dose.mean_slope_pp_per_line == without.dose.mean_slope_pp_per_line
    high = main_only(world(baseline=0.0, puzzle_mean=1.0, puzzle_slope=0.0))
    puzzle = high.condition("puzzle")
    high.failed[0, puzzle, :20] = 0
    assert answer_of(high).main.high == 1.0


def test_the_rule_compares_the_ends_on_prompts_that_both_answered():
    outcomes = main_only(world(puzzle_slope=0.25, harmful=600, baseline=0.35))
    outcomes.failed[0, 0, :100] = -1
    rule = answer_of(outcomes).rule
    puzzle, baseline = outcomes.condition("puzzle"), outcomes.condition("baseline")
    own = outcomes.failed[:, puzzle, 100:600, 0].astype(float) - outcomes.failed[:, baseline, 100:600, 0]
    assert rule.difference_pp == pytest.approx(100 * (own[5] - own[0]).mean())
    assert (rule.smallest_b, rule.largest_b, rule.threshold_pp, rule.generalises_to) == (0.5, 32.0, 20.0, "these_models")
    assert rule.low_pp > 20
    assert rule.large is True


@pytest.mark.parametrize(("slope", "large"), [(0.0, False), (0.11, None), (0.3, True)])
def test_large_not_large_and_cannot_tell_come_from_the_interval(slope, large):
    rule = answer_of(main_only(world(puzzle_slope=slope, baseline=0.35, puzzle_mean=0.15, harmful=300))).rule
    assert rule.large is large
    assert (rule.low_pp > 20, rule.high_pp <= 20) == (large is True, large is False)


def test_ends_that_move_alike_on_every_prompt_leave_no_certainty():
    outcomes = main_only(world())
    outcomes.failed[:, :, :200] = 0
    rule = answer_of(outcomes).rule
    assert rule.difference_pp == 0
    assert rule.low_pp < -1
    assert rule.high_pp > 1


def test_several_models_at_an_end_are_averaged():
    answer = answer_of(main_only(world(lineages=3, puzzle_slope=0.2)))
    rule = answer.rule
    deltas = {delta.model.model_id: delta.delta for delta in answer.deltas}
    ends = [np.mean([deltas[f"s{at}-{size:g}b"] for at in range(3)]) for size in (0.5, 32.0)]
    assert rule.difference_pp == pytest.approx(100 * (ends[1] - ends[0]))
    apart = [100 * (deltas[f"s{at}-32b"] - deltas[f"s{at}-0.5b"]) for at in range(3)]
    half = 4.302653 * np.std(apart, ddof=1) / np.sqrt(3)
    assert (rule.lineages, rule.prompts, rule.models_smallest, rule.models_largest) == (3, 200, 3, 3)
    assert rule.over_lineages_low_pp == pytest.approx(np.mean(apart) - half, abs=1e-4)
    assert rule.over_lineages_high_pp == pytest.approx(np.mean(apart) + half, abs=1e-4)
    words = rule_words(rule)
    assert "over 200 prompts that all of them answered readably, these models only, within 3 lineages" in words
    assert f"with lineages as units [{rule.over_lineages_low_pp:+.1f}, {rule.over_lineages_high_pp:+.1f}] pp" in words


def test_a_seed_that_is_lost_at_one_end_leaves_the_other_end_too():
    outcomes = main_only(world(lineages=2, puzzle_slope=0.0, baseline=0.5, seed=4))
    # all of seed 0 has deltas near -50 pp, and its largest model cannot be read
    outcomes.failed[:6, outcomes.condition("puzzle"), :200] = 0
    outcomes.failed[5, outcomes.condition("puzzle")] = -1
    answer = answer_of(outcomes)
    deltas = {delta.model.model_id: delta.delta for delta in answer.deltas}
    assert answer.rule.difference_pp == pytest.approx(100 * (deltas["s1-32b"] - deltas["s1-0.5b"]))
    assert (answer.rule.lineages, answer.rule.models_smallest, answer.rule.models_largest) == (1, 1, 1)
    assert answer.rule.over_lineages_low_pp is None
    # nor does it tilt the interaction on items
    mixed = answer_of(attrs.evolve(outcomes, models=tuple(attrs.evolve(m, lineage="unknown") for m in outcomes.models)))
    assert mixed.interaction.low > 0
    assert answer.interaction.low < 0 < answer.interaction.high


def test_the_interaction_speaks_of_these_models_and_is_narrower_than_models_as_units():
    outcomes = main_only(world(puzzle_slope=0.0))
    # models that are odd for their size, alike on every prompt
    puzzle = outcomes.condition("puzzle")
    rng = np.random.default_rng(0)
    for at, share in enumerate((0.2, 0.6, 0.2, 0.6, 0.3, 0.7)):
        outcomes.failed[at, puzzle, :200, 0] = rng.random(200) < share
    answer = answer_of(outcomes)
    found = answer.interaction
    once = np.ones((6, 200), dtype=int)
    expected = item_interaction_slope(SIZES, outcomes.failed[:, 0, :200, 0], once, outcomes.failed[:, puzzle, :200, 0], once)
    assert (found.slope_pp_per_decade, found.p_value) == (expected.slope_pp_per_decade, expected.p_value)
    assert found.generalises_to == "these_models"
    assert found.slope_pp_per_decade == pytest.approx(answer.size.slope_pp_per_decade)
    assert found.high - found.low < (answer.size.high - answer.size.low) / 2
    assert found.p_value < 0.001 < answer.size.permutation_p


def test_of_very_many_prompts_those_with_a_missing_pair_leave_the_fit_over_items():
    few = np.ones((3, MOST_INCOMPLETE), dtype=int)
    many = np.ones((3, MOST_INCOMPLETE + 1), dtype=int)
    assert fitted_prompts(few, few).all()
    assert fitted_prompts(many, many).all()
    few[1, 5] = many[1, 5] = 0
    assert fitted_prompts(few, np.ones_like(few)).all()
    assert np.flatnonzero(~fitted_prompts(np.ones_like(many), many)).tolist() == [5]


def test_control_contrasts_are_four_and_one_holm_family():
    answer = answer_of(world(neutral_slope=0.1, seed=6))
    assert [(c.treated.role, c.control.role) for c in answer.contrasts] == [
        ("puzzle", "neutral"),
        ("puzzle", "appended"),
        ("neutral", "baseline"),
        ("appended", "baseline"),
    ]
    raw = [c.p_value for c in answer.contrasts]
    smallest = int(np.argmin(raw))
    assert answer.contrasts[smallest].adjusted_p == pytest.approx(min(1, 4 * raw[smallest]))
    slopes = [c.slope.permutation_p for c in answer.contrasts]
    smallest = int(np.argmin(slopes))
    assert answer.contrasts[smallest].slope_adjusted_p == pytest.approx(min(1, 4 * slopes[smallest]))
    assert all(c.adjusted_p >= c.p_value for c in answer.contrasts)
    assert answer.main.adjusted_p is None
    assert answer.main.mean == pytest.approx(np.mean([delta.delta for delta in answer.deltas]))


def test_a_missing_control_takes_its_contrasts_with_it_and_no_more():
    answer = answer_of(only(world(), conditions=lambda c: c.role != "neutral"))
    assert [(c.treated.role, c.control.role) for c in answer.contrasts] == [("puzzle", "appended"), ("appended", "baseline")]


def test_dose_is_per_line_within_models_and_over_them():
    answer = answer_of(world(per_line=0.03, harmful=400, puzzle_slope=0.0, seed=1))
    dose = answer.dose
    assert dose.lines == (2, 4, 7, 10)
    for found in dose.models:
        points = np.array([delta.delta for delta in found.deltas])
        assert found.slope_pp_per_line == pytest.approx(100 * np.polyfit(found.lines, points, 1)[0])
        assert found.low < found.slope_pp_per_line < found.high
    slopes = [found.slope_pp_per_line for found in dose.models]
    assert dose.mean_slope_pp_per_line == pytest.approx(np.mean(slopes))
    assert dose.low < 3 < dose.high
    assert dose.low > 0
    assert [lines for lines, _ in dose.size_slopes] == [2, 4, 7, 10]
    raw = [slope.permutation_p for _, slope in dose.size_slopes]
    assert min(dose.size_slopes_adjusted_p) == pytest.approx(min(1, 4 * min(raw)))


def test_solving_is_compared_between_and_within_models():
    outcomes = world(harmful=400)
    puzzle = outcomes.condition("puzzle")
    solved = outcomes.solved[:, :400, 0] == 1
    # where the puzzle is solved the attack succeeds under it
    outcomes.failed[:, puzzle, :400, 0] = np.where(solved, 1, outcomes.failed[:, puzzle, :400, 0])
    answer = answer_of(outcomes)
    found = answer.solving
    assert found.rates[0] == ("s0-0.5b", int(outcomes.solved[0].sum()), 440)
    assert found.within_low_pp > 30
    assert found.between_rho > 0.8
    differences = outcomes.failed[:, puzzle, :400, 0].astype(float) - outcomes.failed[:, 0, :400, 0]
    by_model = [d[s].mean() - d[~s].mean() for d, s in zip(differences, solved, strict=True)]
    assert found.within_pp == pytest.approx(100 * np.mean(by_model))


def test_wordings_are_crossed_with_samples():
    outcomes = world(samples=2)
    found = answer_of(outcomes).templates
    assert found.templates == ("baseline", "polite", "blunt")
    at = [c for c, condition in enumerate(outcomes.conditions) if condition.name in found.templates]
    rates = outcomes.failed[:, at, :200].mean(axis=(0, 2))
    assert np.allclose(found.rates, rates)
    assert found.sd_templates_pp == pytest.approx(100 * np.std(rates.mean(axis=1), ddof=1))
    assert found.sd_samples_pp == pytest.approx(100 * np.std(rates.mean(axis=0), ddof=1))
    assert found.spread_pp == pytest.approx((100 * rates.mean(axis=1).min(), 100 * rates.mean(axis=1).max()))
    assert answer_of(world()).templates.sd_samples_pp is None


def test_parts_without_three_sizes_are_named_with_their_reason_by_sized_models():
    answer = answer_of(only(world(), models=lambda m: m.params_b < 3))
    assert answer.size is None
    assert (
        "slope on size",
        "a slope needs at least 3 distinct sizes, got 2; report raw_difference_per_decade and test the difference itself",
    ) in answer.unavailable
    assert answer.rule is not None
    assert sized_models(answer.deltas).groups is None


def test_the_log_odds_slope_is_the_line_through_each_models_change_in_log_odds():
    outcomes = main_only(world(baseline=0.05, puzzle_mean=0.4, puzzle_slope=0.2))
    answer = answer_of(outcomes)
    changes = []
    for delta in answer.deltas:
        treated, control = delta.n11 + delta.n10, delta.n11 + delta.n01
        odds = [(k + 0.5) / (delta.prompts - k + 0.5) for k in (treated, control)]
        changes.append(np.log(odds[0] / odds[1]))
    found = answer.room.odds
    assert max(np.abs(changes)) > 1.5
    assert found.slope_logit_per_decade == pytest.approx(np.polyfit(np.log10(SIZES), changes, 1)[0])
    assert found.low < found.slope_logit_per_decade < found.high
    assert answer.room.little_down == tuple(model.model_id for model in outcomes.models)
    assert answer.room.little_up == ()
    assert answer.room.rows == tuple((delta.model.model_id, delta.control_rate) for delta in answer.deltas)
