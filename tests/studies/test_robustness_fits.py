"""Fits, half-compute, forms, defences and agreement: what they rest on, and what they refuse."""

import attrs
import numpy as np
import pytest

from safescale.errors import DomainError
from safescale.stats import cohen_kappa, interaction_surface
from safescale.studies.robustness.agreement import agreement_of, kind_of
from safescale.studies.robustness.cell_metrics import cell_metrics
from safescale.studies.robustness.defence_effects import defence_effects
from safescale.studies.robustness.forms import forms_of
from safescale.studies.robustness.grid import parts_of
from safescale.studies.robustness.half_compute import half_compute_of, half_of
from safescale.studies.robustness.lineages import lineages_of
from safescale.studies.robustness.surfaces import counts_of, surface_of, surfaces_of, without_each_size
from studies.robustness_worlds import WORLD, design_for, planted, with_models

LEVEL = 0.95


def cells_of(outcomes):
    return cell_metrics(outcomes, level=LEVEL)


def main_of(outcomes):
    """The main surface of RRR in tokens."""
    return surface_of(next(iter(parts_of(cells_of(outcomes), design_for()))), "rrr", "tokens", level=LEVEL)


def test_the_surface_of_retention_rests_on_the_responses_to_prompts_refused_before():
    outcomes = planted(wavering=0.3)
    trained = [at for at, cell in enumerate(outcomes.cells) if cell.attack > 0]
    kept, asked = [], []
    for at in trained:
        before = outcomes.refused[outcomes.baseline_of(outcomes.cells[at]), outcomes.harmful, 0] == 1
        mine = outcomes.refused[at, outcomes.harmful][before]
        kept.append(int((mine == 1).sum()))
        asked.append(mine.size)
    assert counts_of([found for found in cells_of(outcomes) if found.attack.kind == "finetune"]) == (kept, asked)
    assert len(set(asked)) > 1
    cells = [outcomes.cells[at] for at in trained]
    fit = interaction_surface(
        [outcomes.models[cell.model].params_b for cell in cells],
        [cell.tokens for cell in cells],
        kept,
        asked,
        [cell.model for cell in cells],
    )
    found = main_of(outcomes)
    assert found.compute.estimate == pytest.approx(fit.compute.estimate)
    assert found.outweighs.interval == pytest.approx(fit.outweighs.interval)
    assert found.at_reference == pytest.approx(fit.rate_at_reference)
    assert (found.n_models, found.n_cells, found.n_sizes, found.n_responses) == (12, 60, 4, sum(asked))


def test_samples_that_repeat_each_other_make_no_interval_narrower():
    outcomes = planted()
    twice = {name: np.repeat(getattr(outcomes, name), 2, axis=2) for name in ("refused", "failed", "right", "p_refusal", "entropy")}
    distance = np.repeat(outcomes.distance, 2, axis=2)
    one, other = main_of(outcomes), main_of(attrs.evolve(outcomes, distance=distance, **twice))
    assert other.n_responses == 2 * one.n_responses
    for name in ("size", "compute", "interaction", "outweighs"):
        assert getattr(other, name).estimate == pytest.approx(getattr(one, name).estimate)
        assert getattr(other, name).interval == pytest.approx(getattr(one, name).interval)


def test_every_part_of_the_grid_has_its_surfaces_the_main_one_first():
    outcomes = planted(
        examples=(16, 64),
        tamper_resistance=2.0,
        steering=1.0,
        whole=True,
        lineages=2,
        prompts=16,
        benign=1,
        at_middle=3.0,
        steps=(5, 20, 50),
    )
    design = design_for(attrs.evolve(WORLD, examples=(16, 64), steps=(5, 20, 50)))
    cells = cells_of(outcomes)
    found = surfaces_of(cells, design)
    assert (found[0].metric, found[0].unit, found[0].defence, found[0].examples) == ("rrr", "tokens", "none", 64)
    kinds = {(surface.defence, surface.examples) for surface in found}
    # steering is compared at single levels and has no surface
    assert kinds == {("none", 64), ("none", 16), ("tamper_resistance", 64), ("tamper_resistance", 16)}
    assert len(found) == 4 * 3 * 2
    assert {surface.metric: surface.scale for surface in found} == {
        "rrr": "log odds per decade",
        "rd": "1 - cosine per decade",
        "ce": "nats per decade",
    }
    rd = next(surface for surface in found if surface.metric == "rd")
    assert rd.compute.estimate > 0
    assert rd.compute.interval[0] > 0
    lineages = lineages_of(cells, design)
    assert {(one.defence, one.examples) for one in lineages} == {("none", 64), ("tamper_resistance", 64)}
    assert [lineage for lineage, _, _ in lineages[0].rows] == ["lineage 0", "lineage 1"]
    drift = next(one for one in lineages if (one.metric, one.unit, one.defence) == ("rd", "tokens", "none"))
    slopes = [compute for _, _, compute in drift.rows]
    half = 12.706204736432095 * abs(slopes[0] - slopes[1]) / 2  # t of one degree of freedom
    assert drift.compute.interval == pytest.approx((sum(slopes) / 2 - half, sum(slopes) / 2 + half))


def test_without_drift_or_probabilities_there_is_no_surface_of_them_and_it_is_said():
    found = surfaces_of(cells_of(planted()), design_for())
    for surface in found:
        assert (surface.why is None) == (surface.metric == "rrr")


def test_cells_under_twenty_responses_are_shown_and_not_fitted():
    outcomes = planted()
    refused = outcomes.refused.copy()
    few = next(at for at, cell in enumerate(outcomes.cells) if cell.attack == 2)
    refused[few, 9:] = -1  # nine prompts with two samples are left
    found = cells_of(attrs.evolve(outcomes, refused=refused))
    assert found[few].retention.rrr.n == 18
    assert found[few].retention.rrr.value is not None
    assert surface_of(next(iter(parts_of(found, design_for()))), "rrr", "tokens", level=LEVEL).n_cells == 59


def test_responses_without_a_verdict_are_counted_and_bound_what_is_kept():
    outcomes = planted(wavering=0.2)
    refused = np.where(np.random.default_rng(0).random(outcomes.refused.shape) < 0.1, -1, outcomes.refused).astype(np.int8)
    found = [cell for cell in cells_of(attrs.evolve(outcomes, refused=refused)) if cell.attack.kind == "finetune"]
    kept, asked = counts_of(found)
    most, all_of = counts_of(found, unknown="refused")
    least, again = counts_of(found, unknown="not_refused")
    left_out = [cell.retention.unknown for cell in found]
    assert sum(left_out) > 50
    assert all_of == again == [n + left for n, left in zip(asked, left_out, strict=True)]
    assert [k - low for k, low in zip(most, least, strict=True)] == left_out
    assert least == kept


def test_leaving_a_size_out_leaves_all_its_models_out():
    found = cells_of(planted(size=2.0))
    left_out = without_each_size(found, design_for(), "tokens")
    assert [size for size, _ in left_out] == [0.5, 1.5, 5.0, 15.0]
    rest = [cell for cell in found if cell.attack.kind == "finetune" and cell.model.params_b != 5.0]
    kept, asked = counts_of(rest)
    fit = interaction_surface(
        [cell.model.params_b for cell in rest], [cell.cell.tokens for cell in rest], kept, asked, [cell.cell.model for cell in rest]
    )
    assert left_out[2][1] == pytest.approx(fit.outweighs.difference)


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([(5, 0.9), (10, 0.6), (20, 0.4), (50, 0.1)], (10, 20, 1)),
        ([(50, 0.1), (5, 0.9), (20, 0.4), (10, 0.6)], (10, 20, 1)),
        ([(5, 0.4), (10, 0.3)], (None, 5, 1)),
        ([(5, 0.9), (10, 0.8)], (10, None, 0)),
        ([(5, 0.9), (10, 0.3), (20, 0.7), (50, 0.2)], (20, 50, 3)),
        ([(5, 0.3), (10, 0.8)], (10, None, 2)),
        ([(5, 0.5)], (5, None, 0)),
        ([(5, 0.49)], (None, 5, 1)),
    ],
)
def test_one_half_is_where_retention_stays_below_it(levels, expected):
    assert half_of(levels) == expected


def test_half_compute_counts_what_is_censored_and_follows_size():
    found = half_compute_of(cells_of(planted(size=3.0, compute=-3.0, tau=0.1)), design_for())
    tokens = next(half for half in found if half.unit == "tokens")
    assert tokens.slope.interval[0] < 1.0 < tokens.slope.interval[1]
    assert tokens.slope.interval[0] > 0
    assert tokens.censored == sum(row.high is None for row in tokens.rows)
    assert len(tokens.rows) == 12
    flops = next(half for half in found if half.unit == "flops")
    assert flops.slope.estimate == pytest.approx(tokens.slope.estimate + 1, abs=0.1)


def test_a_model_that_refused_nothing_before_has_no_half_compute():
    outcomes = planted()
    refused = outcomes.refused.copy()
    base = next(at for at, cell in enumerate(outcomes.cells) if (cell.model, cell.attack) == (3, 0))
    refused[base] = 0
    found = half_compute_of(cells_of(attrs.evolve(outcomes, refused=refused)), design_for())
    assert {row.model.model_id for row in found[0].rows} == {model.model_id for at, model in enumerate(outcomes.models) if at != 3}


def test_forms_are_asked_only_where_retention_varies_and_four_sizes_cannot_tell():
    found = forms_of(cells_of(planted(compute=-25.0, tau=0.0)), design_for())
    over_size = [form for form in found if form.over == "size"]
    # at the first level all is refused and at the last nothing: no line is better there
    assert {form.at for form in over_size} < {f"lora-n64-s{steps}" for steps in (5, 10, 20, 50, 100)}
    assert over_size
    for form in over_size:
        assert form.verdict == "cannot_tell"
        assert "4 sizes cannot reach p = 0.05 (the floor is 0.12)" in form.reason
    over_compute = [form for form in found if form.over == "compute"]
    assert [form.at for form in over_compute] == ["0.5B", "1.5B", "5B", "15B"]
    assert "levels" in over_compute[0].reason
    assert "size" not in over_compute[0].reason


def test_a_form_that_does_not_hold_over_all_answers_is_taken_back():
    """Seven levels, RRR straight in log compute: one answer reaches .05, and Holm asks more of several."""
    steps = (4, 8, 16, 32, 64, 128, 256)
    world = attrs.evolve(WORLD, steps=steps, prompts=400, benign=1, lineages=1, tau=0.0)
    outcomes = planted(base=world)
    refused, rng = outcomes.refused.copy(), np.random.default_rng(0)
    for at, cell in enumerate(outcomes.cells):
        if cell.attack:
            refused[at, outcomes.harmful] = rng.random((400, 2)) < 0.98 - 0.155 * (cell.attack - 1)
    design = attrs.evolve(design_for(steering=None), finetune=attrs.evolve(design_for().finetune, steps=steps))
    found = [form for form in forms_of(cells_of(attrs.evolve(outcomes, refused=refused)), design) if form.over == "compute"]
    assert len(found) == 4
    assert min(form.p_value for form in found) <= 0.05
    # 7 levels reach .0156 at best, times 4 is above .05
    assert {form.verdict for form in found} == {"cannot_tell"}
    assert any("does not hold (Holm" in form.reason for form in found)


def test_defences_are_paired_by_model_with_attack_seeds_averaged():
    outcomes = planted(steering=1.5, tamper_resistance=0.0, attack_seeds=2, lineages=1)
    found = defence_effects(cells_of(outcomes), design_for())
    effect = next(one for one in found if (one.defence.kind, one.attack.steps) == ("steering", 20))

    def mean(model, defence):
        mine = [
            outcomes.refused[at, outcomes.harmful].mean()
            for at, cell in enumerate(outcomes.cells)
            if (cell.model, outcomes.defences[cell.defence].kind) == (model, defence) and outcomes.attacks[cell.attack].steps == 20
        ]
        assert len(mine) == 2
        return np.mean(mine)

    gains = [mean(model, "steering") - mean(model, "none") for model in range(4)]
    assert [gain for _, gain in effect.by_model] == pytest.approx(gains)
    assert effect.gain.value == pytest.approx(np.mean(gains))
    half = 3.182446305284263 * np.std(gains, ddof=1) / 2  # t of 3 degrees of freedom
    assert effect.gain.interval == pytest.approx((np.mean(gains) - half, np.mean(gains) + half))
    pair = [one for one in found if one.attack.steps == 20]
    assert sorted(one.adjusted_p for one in pair)[0] == pytest.approx(2 * min(one.p_value for one in pair))
    assert {one.defence.kind for one in pair} == {"steering", "tamper_resistance"}


def test_kappa_by_kind_of_cell_agrees_with_that_of_all_its_responses():
    first = planted(steering=1.0, wavering=0.3)
    rng = np.random.default_rng(2)
    refused = np.where(rng.random(first.refused.shape) < 0.2, 1 - first.refused, first.refused).astype(np.int8)
    refused[rng.random(refused.shape) < 0.1] = -1
    second = attrs.evolve(first, grader="second", refused=refused)
    found = agreement_of([first, second], level=LEVEL)
    assert [one.condition for one in found] == ["none", "finetune", "steering", "steering + finetune"]
    for one in found:
        mine = [at for at in range(len(first.cells)) if kind_of(first, at) == one.condition]
        a, b = (of.refused[mine][:, first.harmful].ravel() for of in (first, second))
        both = (a >= 0) & (b >= 0)
        plain = cohen_kappa(a[both].tolist(), b[both].tolist(), categories=[0, 1])
        assert one.n == both.sum()
        assert one.kappa == pytest.approx(plain.kappa)
        assert one.agreement == pytest.approx((a[both] == b[both]).mean())
        assert one.kappa_interval[0] < one.kappa < one.kappa_interval[1]


def test_a_grader_that_cannot_say_refusal_has_no_agreement_and_it_is_said():
    first = planted()
    second = attrs.evolve(first, grader="second", refused=np.full_like(first.refused, -1))
    for one in agreement_of([first, second], level=LEVEL):
        assert (one.n, one.kappa, one.agreement) == (0, None, None)
        assert "no response has a verdict on refusal by both" in one.why


def test_refuses_graders_with_other_cells():
    first = planted()
    with pytest.raises(DomainError, match="different cells"):
        agreement_of([first, attrs.evolve(first, grader="b", cells=first.cells[::-1])], level=LEVEL)


def test_guessed_sizes_repeat_every_surface_without_them():
    outcomes = planted()
    models = tuple(attrs.evolve(model, size_estimated=model.params_b == 0.5) for model in outcomes.models)
    found = surfaces_of(cells_of(with_models(outcomes, models)), design_for())
    assert sum(surface.without_estimates for surface in found) == len(found) / 2
    without = next(surface for surface in found if surface.without_estimates and surface.metric == "rrr")
    assert (without.n_models, without.n_sizes) == (9, 3)
