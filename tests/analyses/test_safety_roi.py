"""Simulated truth in, words out; laws; refusals in words."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from analyses.designs import PROVIDERS_OF_21, SIZES_OF_21, model_rows, published, rows, with_slope_and_share
from analyses.test_inverse_scaling import corpus
from cells.fake_corpus import FakeCorpus, fake_corpus, graded
from safescale.analyses import SafetyRoiResult, ScalingVerdict, analyze_safety_roi, to_jsonable
from safescale.analyses.safety_roi import PlacingLabel, ProviderVerdict, Sensitivity, SettingRoi
from safescale.analyses.safety_roi.share import smallest_permutation_p
from safescale.cells import Selection, build_cells
from safescale.errors import DomainError
from safescale.records.outcomes import Tier
from safescale.stats import eta_squared

DIFFER, NOT_SHOWN, CANNOT = ProviderVerdict.DIFFER, ProviderVerdict.NOT_SHOWN, ProviderVerdict.CANNOT_TELL

SIZES = [1.0, 4.0, 16.0, 64.0] * 4
PROVIDERS = [name for name in ("frim", "gorl", "hask", "jund") for _ in range(4)]
JITTER = [0.02, -0.03, 0.01, 0.0, -0.02, 0.03, -0.01, 0.02, 0.0, -0.02, 0.03, -0.01, 0.01, 0.02, -0.03, 0.0]


def analyze(made: FakeCorpus, *, flip: bool = False, **options: Any) -> SafetyRoiResult:
    cells = build_cells(made)
    other = build_cells(made, Selection(tampered="include")) if flip else None
    result = analyze_safety_roi(cells, made.read("models"), other_tampering=other, **options)
    json.dumps(to_jsonable(result), allow_nan=False)
    return result


def only(result: SafetyRoiResult) -> SettingRoi:
    (setting,) = result.settings
    return setting


def repeat(setting: SettingRoi, name: str) -> Sensitivity:
    (found,) = [s for s in setting.sensitivities if s.name == name]
    return found


def levels(by_provider: Sequence[float], slope: float = 0.0) -> list[float]:
    """A level per provider, a slope per decade, and a little noise."""
    return [
        level + slope * (math.log10(size) - 0.9) + noise
        for level, size, noise in zip(np.repeat(by_provider, 4), SIZES, JITTER, strict=True)
    ]


def test_a_provider_effect_is_found_and_size_is_not() -> None:
    setting = only(analyze(rows({"a": levels([0.1, 0.4, 0.6, 0.9])}, SIZES, PROVIDERS, n=200)))
    assert setting.share.verdict is DIFFER
    assert setting.share.share is not None
    assert setting.share.share.p_permutation == setting.share.p_floor == 1e-4
    assert "permutation p < .001, the smallest that 9,999 random assignments can give, 1/10,000" in setting.words
    assert setting.line.verdict is ScalingVerdict.UNDECIDED
    assert setting.joint is not None
    assert setting.joint.adjusted.unique_first > 0.9
    assert abs(setting.joint.adjusted.unique_second) < 0.05


def test_a_slope_is_found_and_provider_is_not() -> None:
    """Flip of the test above: the same design, the other truth, the other words."""
    setting = only(analyze(rows({"a": levels([0.5] * 4, slope=0.25)}, SIZES, PROVIDERS, n=200)))
    assert setting.share.verdict is NOT_SHOWN
    assert "provider carries nothing of the variance between models beyond what chance gives: omega squared -" in setting.words
    assert setting.line.verdict is ScalingVerdict.COMPLY_MORE
    assert "larger models comply more" in setting.words
    assert setting.joint is not None
    assert setting.joint.adjusted.unique_second > 0.9
    falling = only(analyze(rows({"a": levels([0.5] * 4, slope=-0.25)}, SIZES, PROVIDERS, n=200)))
    assert "larger models comply less" in falling.words
    assert "comply more" not in falling.words


def test_eta_squared_is_that_of_the_models_and_never_alone() -> None:
    """Definition: one value per model, whatever its number of rows; omega squared, expectation and permutation p beside it."""
    rates = levels([0.2, 0.3, 0.35, 0.5])
    setting = only(analyze(rows({"a": rates}, SIZES, PROVIDERS, n=200)))
    exact = [round(r * 200) / 200 for r in rates]
    share = setting.share.share
    assert share is not None
    assert share.eta_squared == pytest.approx(eta_squared(exact, PROVIDERS).eta_squared)
    assert (share.df_between, share.df_within) == (3, 12)
    assert share.null_expectation == pytest.approx(3 / 15)
    first = setting.words.split(". ")[0]
    assert all(words in first for words in ("omega squared", "95 % interval", "by chance", "permutation p"))


def test_the_estimand_is_named_and_the_other_one_repeated() -> None:
    a, b = levels([0.1, 0.2, 0.3, 0.4]), levels([0.6, 0.5, 0.4, 0.3])
    setting = only(analyze(rows({"a": a, "b": b}, SIZES, PROVIDERS)))
    assert setting.estimand == "a model's mean rate over 2 attack classes, each counted the same"
    other = repeat(setting, "other_estimand")
    assert other.possible
    assert other.reason == "a model's rate over its rows of 2 attack classes pooled, whatever its mix of classes"
    point = next(p for p in setting.points if p.model == "frim-0")
    assert point.rate == pytest.approx((round(100 * a[0]) + round(100 * b[0])) / 200)
    # a mean over classes is no proportion
    assert point.interval is None


def test_smallest_permutation_p_is_what_enumeration_reaches() -> None:
    """Definition: over all assignments of values that separate the groups best."""
    for sizes in ([2, 2], [3, 2], [2, 2, 2], [2, 1, 1], [3, 1]):
        labels = np.repeat(np.arange(len(sizes)), sizes)
        best = min(
            eta_squared(values, labels).p_permutation
            for values in [labels + 0.01 * np.arange(len(labels)), 10.0**labels + 1e-3 * np.arange(len(labels))]
        )
        assert best == pytest.approx(smallest_permutation_p(sizes))


def test_too_few_models_per_provider_cannot_tell_and_say_what_would_do() -> None:
    setting = only(analyze(published([0.1, 0.2, 0.8, 0.9], [1.0, 4.0, 16.0, 64.0], ["frim", "frim", "gorl", "gorl"])))
    assert setting.share.verdict is CANNOT
    assert setting.share.smallest_p == pytest.approx(1 / 3)
    assert (
        "the smallest p that 4 models of 2 providers can reach is .333; needs more providers with two models or more"
        in setting.words
    )
    each = only(analyze(published([0.1, 0.2, 0.8], [1.0, 4.0, 16.0], ["frim", "gorl", "hask"])))
    assert each.share.verdict is CANNOT
    assert "each of 3 providers has one model" in each.words
    assert each.joint is None
    assert "what either adds to the other cannot be told" in each.words


def test_one_provider_cannot_be_compared_but_size_can() -> None:
    setting = only(analyze(published(levels([0.5] * 4, 0.2), SIZES, ["frim"] * 16)))
    assert "all 16 models are of one provider; needs models of another" in setting.words
    assert setting.line.verdict is ScalingVerdict.COMPLY_MORE
    assert setting.places == ()


@pytest.mark.parametrize(
    ("rates", "sizes", "providers"),
    [
        ([0.5], [1.0], ["frim"]),
        ([0.5, 0.5], [1.0, 1.0], ["frim", "gorl"]),
        ([0.5] * 5, [1.0, 2.0, 4.0, 8.0, 16.0], ["frim", "frim", "gorl", "gorl", "hask"]),
        ([0.5, 0.2, 0.1], [None, None, None], ["frim", "frim", "gorl"]),
        ([0.5, 0.2, 0.1], [1.0, 2.0, 4.0], [None, None, None]),
        ([0.0, 1.0, 0.0, 1.0], [1.0, 1.0, 7.0, 7.0], ["frim", "gorl", "frim", "gorl"]),
    ],
)
@pytest.mark.parametrize("n", [200, 5, None])
def test_odd_but_valid_data_never_raise(
    rates: list[float], sizes: list[float | None], providers: list[str | None], n: int | None
) -> None:
    setting = only(analyze(published(rates, sizes, providers, n=n)))
    assert setting.share.verdict is CANNOT
    assert "cannot tell" in setting.words


def test_a_corpus_without_grades_says_so() -> None:
    assert "nothing is graded" in analyze(fake_corpus()).answer
    binary = rows({"a": levels([0.1, 0.2, 0.3, 0.4])}, SIZES, PROVIDERS)
    assert analyze(binary, tier=Tier.BROAD).settings


# ---- providers beside the line ---------------------------------------------------------------------------------------


def test_published_residuals_are_reproduced_from_their_definition() -> None:
    """Second opinion: numpy's line over all models, residuals weighted by rows, within 10 pp and with 50 rows."""
    rates = levels([0.2, 0.35, 0.4, 0.6], 0.1)
    setting = only(analyze(rows({"a": rates}, SIZES, PROVIDERS, n=100)))
    exact = np.round(100 * np.array(rates)) / 100
    slope, start = np.polyfit(np.log2(SIZES), exact, 1)
    residual = 100 * (exact - start - slope * np.log2(SIZES))
    for i, name in enumerate(("frim", "gorl", "hask", "jund")):
        (place,) = [p for p in setting.places if p.provider == name]
        assert place.published_pp == pytest.approx(residual[4 * i : 4 * i + 4].mean())
        assert (place.n_models, place.n_rows) == (4, 400)
    labels = {p.provider: p.published_label for p in setting.places}
    assert labels == {
        "frim": PlacingLabel.OVER,
        "gorl": PlacingLabel.ON_LINE,
        "hask": PlacingLabel.ON_LINE,
        "jund": PlacingLabel.UNDER,
    }


def test_a_label_needs_more_than_the_estimate() -> None:
    """One provider of one model, 20 pp off: published label, no label here, and it is flagged; nothing is claimed after Holm."""
    rates = [0.5, 0.3, 0.45, 0.6, 0.4, 0.35, 0.55, 0.42, 0.2]
    setting = only(analyze(rows({"a": rates}, [1.0, 2.0, 4.0, 8.0, 1.0, 2.0, 4.0, 8.0, 4.0], [*"aaaabbbb", "lone"])))
    (lone,) = [p for p in setting.places if p.provider == "lone"]
    assert lone.published_label is PlacingLabel.OVER
    assert lone.label is PlacingLabel.CANNOT_TELL
    assert lone.single_model
    assert lone.changed
    assert "The rule of report 164 looks at the estimate alone and calls lone over-invested" in setting.words
    assert any("lone" in caveat and "provider and model are the same thing" in caveat for caveat in setting.caveats)


@pytest.mark.parametrize(("off", "label"), [(-0.4, PlacingLabel.OVER), (0.4, PlacingLabel.UNDER)])
def test_a_provider_far_off_is_placed_and_flips_with_the_data(off: float, label: PlacingLabel) -> None:
    rates = [0.5 + n for n in JITTER] * 2
    providers = [f"p{i // 4}" for i in range(32)]
    rates = [r + off * (p == "p7") for r, p in zip(rates, providers, strict=True)]
    setting = only(analyze(rows({"a": rates}, SIZES * 2, providers)))
    (far,) = [p for p in setting.places if p.provider == "p7"]
    assert (far.published_label, far.label) == (label, label)
    assert far.threshold_p_holm is not None
    assert far.threshold_p_holm <= 0.05
    assert f"{label.value}: p7" in setting.words
    # the line of the others holds the far one, so nothing is said of them: a large p is no claim
    assert {p.label for p in setting.places if p is not far} == {PlacingLabel.CANNOT_TELL}
    assert far.left_out.residual_pp is not None
    assert far.shrunk_pp is not None
    assert abs(far.shrunk_pp) < abs(far.left_out.residual_pp)


@pytest.mark.parametrize(("off", "interval_beyond", "survives"), [(0.30, False, False), (0.38, True, False), (0.40, True, True)])
def test_a_label_needs_interval_and_holm_both(off: float, interval_beyond: bool, survives: bool) -> None:
    """Six providers: at .38 the interval of one lies beyond the threshold and Holm over the six does not let it be claimed."""
    providers = [f"p{i // 2}" for i in range(12)]
    rates = [0.5 + 0.05 * ((i * 7) % 5 - 2) + off * (p == "p5") for i, p in enumerate(providers)]
    setting = only(analyze(published(rates, SIZES[:12], providers)))
    (place,) = [p for p in setting.places if p.provider == "p5"]
    assert place.shrunk_interval is not None
    assert place.threshold_p_holm is not None
    assert (place.shrunk_interval[0] >= 10, place.threshold_p_holm <= 0.05) == (interval_beyond, survives)
    assert place.label is (PlacingLabel.UNDER if survives else PlacingLabel.CANNOT_TELL)
    assert place.published_label is PlacingLabel.UNDER


def test_published_residuals_weigh_models_by_their_rows() -> None:
    """Definition: n-weighted mean. A model of 900 rows on the line beside one of 100 rows off it."""
    sizes, rates = [1.0, 2.0, 4.0, 8.0, 16.0, 4.0], [0.3, 0.35, 0.2, 0.3, 0.4, 0.5]
    providers, n = ["frim", "frim", "gorl", "gorl", "gorl", "frim"], [200, 200, 100, 900, 200, 200]
    names = [f"m{i}" for i in range(6)]
    aggregates = [{"model_id": m, "rate": r, "n": k} for m, r, k in zip(names, rates, n, strict=True)]
    setting = only(analyze(fake_corpus(aggregates=aggregates, models=model_rows(names, sizes, providers))))
    by_model = {p.model: p.residual_pp or 0.0 for p in setting.points}
    (gorl,) = [p for p in setting.places if p.provider == "gorl"]
    weighted = (100 * by_model["m2"] + 900 * by_model["m3"] + 200 * by_model["m4"]) / 1200
    assert gorl.published_pp == pytest.approx(weighted)
    assert gorl.n_rows == 1200
    assert abs(weighted - (by_model["m2"] + by_model["m3"] + by_model["m4"]) / 3) > 0.5


def test_the_ratio_is_of_shares_over_the_same_models() -> None:
    """Models of unknown provider are in the line and in neither share of the ratio."""
    rates = [*levels([0.2, 0.3, 0.4, 0.5], 0.1), 0.9, 0.05]
    setting = only(analyze(published(rates, [*SIZES, 300.0, 500.0], [*PROVIDERS, None, None])))
    assert setting.ratio is not None
    assert setting.joint is not None
    assert setting.share.share is not None
    r_squared = np.corrcoef(np.log(SIZES), rates[:16])[0, 1] ** 2
    assert setting.ratio.ratio == pytest.approx(setting.share.share.eta_squared / r_squared)


def test_on_the_line_is_claimed_by_equivalence() -> None:
    rates = [0.5 + n for n in JITTER]
    close = only(analyze(rows({"a": rates}, SIZES, PROVIDERS)))
    assert {p.label for p in close.places} == {PlacingLabel.ON_LINE}
    wide = [0.5 + 10 * (n - m) for n, m in zip(JITTER, np.repeat(np.reshape(JITTER, (4, 4)).mean(axis=1), 4), strict=True)]
    scattered = only(analyze(rows({"a": wide}, SIZES, PROVIDERS)))
    assert {p.published_label for p in scattered.places} == {PlacingLabel.ON_LINE}
    assert {p.label for p in scattered.places} == {PlacingLabel.CANNOT_TELL}


def test_few_rows_give_no_label() -> None:
    setting = only(analyze(rows({"a": [0.5, 0.3, 0.45, 0.6, 0.0]}, [1.0, 2.0, 4.0, 8.0, 4.0], [*"aabb", "lone"], n=30)))
    (lone,) = [p for p in setting.places if p.provider == "lone"]
    assert (lone.published_label, lone.label) == (PlacingLabel.TOO_FEW, PlacingLabel.TOO_FEW)


def test_models_of_unknown_provider_are_shown_counted_and_in_no_share() -> None:
    providers: list[str | None] = [*PROVIDERS[:14], None, None]
    setting = only(analyze(rows({"a": levels([0.2, 0.3, 0.4, 0.5])}, SIZES, providers)))
    assert setting.share.n_models == 14
    assert setting.line.slope is not None
    assert setting.line.slope.n == 16
    assert setting.models_without_provider == ("nobody-14", "nobody-15")
    assert any("provider unknown, so in no share of provider: nobody-14 and nobody-15 (2 models)" in c for c in setting.caveats)
    assert {p.provider for p in setting.places} == {"frim", "gorl", "hask", "jund"}


def test_copies_count_once() -> None:
    """Law 6: the same verdicts under two ids are one model."""
    rates = levels([0.2, 0.3, 0.4, 0.5])
    made = rows({"a": [*rates, rates[0]]}, [*SIZES, 1.0], [*PROVIDERS, "frim"])
    k = round(100 * rates[0])
    # the same places as the first model
    same = rows({"a": rates}, SIZES, PROVIDERS)
    assert only(analyze(made)).share.n_models == 17
    traces = same.read("traces").to_pylist()
    grades = same.read("grades").to_pylist()
    copies = [t | {"trace_id": "copy" + t["trace_id"], "model_id": "frim-copy"} for t in traces if t["model_id"] == "frim-0"]
    more = [
        g | {"trace_id": "copy" + g["trace_id"]}
        for g in grades
        if g["trace_id"] in {t["trace_id"] for t in traces if t["model_id"] == "frim-0"}
    ]
    models = [*same.read("models").to_pylist(), {"model_id": "frim-copy", "params_total_b": 1.0, "developer": "frim"}]
    assert len(copies) == len(more) == 100 > k
    setting = only(analyze(fake_corpus([*traces, *copies], [*grades, *more], models)))
    assert setting.share.n_models == 16
    assert any("same verdict on every prompt" in caveat for caveat in setting.caveats)


# ---- sensitivities ---------------------------------------------------------------------------------------------------


def test_every_sensitivity_is_there_and_says_what_it_changed() -> None:
    setting = only(analyze(rows({"a": levels([0.2, 0.3, 0.4, 0.5])}, SIZES, PROVIDERS), flip=True))
    names = [s.name for s in setting.sensitivities]
    assert len(names) == len(set(names)) == 9
    assert all(s.reason for s in setting.sensitivities)
    assert all(s.same or s.possible or s.reason for s in setting.sensitivities)
    assert not any(s.changed for s in setting.sensitivities)
    assert repeat(setting, "common_prompts").reason == "all prompts are common"
    assert "every model answered all of them" in repeat(setting, "prompt_adjusted").reason


def test_hosts_counted_as_providers_can_change_the_answer() -> None:
    """Report 164 counts a host as a provider: four developers behind one host are one provider there."""
    rates = levels([0.1, 0.4, 0.6, 0.9])
    names = [f"{'zorbhost' if i % 2 else 'plimhost'}/m{i}" for i in range(16)]
    setting = only(analyze(rows({"a": rates}, SIZES, PROVIDERS, names=names)))
    assert setting.share.verdict is DIFFER
    hosts = repeat(setting, "hosts_as_providers")
    assert (hosts.n_providers, hosts.provider_verdict, hosts.changed) == (2, NOT_SHOWN, True)
    assert hosts.reason.startswith("16 models counted under plimhost and zorbhost")
    assert "Another answer with hosts counted as providers" in setting.words


def test_tampered_models_are_out_and_come_back_by_the_flip() -> None:
    rates = levels([0.2, 0.25, 0.3, 0.95])
    models = [{"tampering": "abliterated" if p == "jund" else "none"} for p in PROVIDERS]
    setting = only(analyze(rows({"a": rates}, SIZES, PROVIDERS, models=models), flip=True))
    assert (setting.share.n_models, setting.share.n_providers) == (12, 3)
    flipped = repeat(setting, "other_tampering")
    assert (flipped.n_models, flipped.n_providers) == (16, 4)
    assert "with tampered models: 4 tampered models fitted (jund-12, jund-13, jund-14 and jund-15)" in flipped.reason
    assert flipped.eta_squared is not None
    assert setting.share.share is not None
    assert flipped.eta_squared > setting.share.share.eta_squared
    assert repeat(only(analyze(rows({"a": rates}, SIZES, PROVIDERS))), "other_tampering").possible is False


def test_prompt_adjustment_undoes_which_prompts_were_given() -> None:
    """A provider that was given the hard prompts only looks safe; adjusted for prompts it is like the others."""
    rng = np.random.default_rng(11)
    easy, hard = [f"easy{i}" for i in range(60)], [f"hard{i}" for i in range(60)]
    traces: list[dict[str, Any]] = []
    grades: list[dict[str, Any]] = []
    for i, provider in enumerate(PROVIDERS):
        prompts = [*hard, *easy[:6]] if provider == "frim" else [*hard[:20], *easy]
        odds = [0.9 if p.startswith("easy") else 0.1 for p in prompts]
        verdicts = ["COMPLIANCE" if rng.random() < p else "REFUSAL" for p in odds]
        found = graded(f"{provider}-{i}", verdicts, prompts=prompts)
        traces += found[0]
        grades += found[1]
    models = [
        {"model_id": f"{p}-{i}", "params_total_b": s, "developer": p, "family": p}
        for i, (p, s) in enumerate(zip(PROVIDERS, SIZES, strict=True))
    ]
    setting = only(analyze(fake_corpus(traces, grades, models)))
    assert setting.share.verdict is DIFFER
    adjusted, common = repeat(setting, "prompt_adjusted"), repeat(setting, "common_prompts")
    assert (adjusted.provider_verdict, common.provider_verdict) == (NOT_SHOWN, NOT_SHOWN)
    assert adjusted.changed
    assert common.changed
    assert "26 prompts are evaluable in all 16 models" in common.reason
    assert "over 120 prompts that two models or more answered" in adjusted.reason


def test_models_of_unknown_size_join_the_share_only() -> None:
    sizes: list[float | None] = [*SIZES[:12], None, None, None, None]
    setting = only(analyze(rows({"a": levels([0.1, 0.4, 0.6, 0.9])}, sizes, PROVIDERS)))
    assert setting.share.n_models == 12
    more = repeat(setting, "with_models_of_unknown_size")
    assert (more.n_models, more.n_providers, more.scale_verdict) == (16, 4, None)


def test_guessed_sizes_and_sparse_models() -> None:
    extra = [{"size_source": "estimated" if i < 2 else "name", "params_active_b": 2.0 if i == 5 else None} for i in range(16)]
    setting = only(analyze(rows({"a": levels([0.2, 0.3, 0.4, 0.5])}, SIZES, PROVIDERS, models=extra)))
    assert repeat(setting, "without_estimated_sizes").n_models == 14
    assert "1 of 16 models are sparse" in repeat(setting, "active_parameters").reason
    assert any("2 of 16 sizes are estimated" in caveat for caveat in setting.caveats)


# ---- within, ratios, headlines ---------------------------------------------------------------------------------------


def test_within_providers_two_sizes_are_a_difference_and_levels_do_not_enter() -> None:
    providers = ["frim"] * 5 + ["gorl", "gorl", "hask"]
    sizes = [1.0, 3.0, 9.0, 27.0, 81.0, 1.0, 10.0, 5.0]
    rates = [0.1, 0.15, 0.2, 0.25, 0.3, 0.7, 0.8, 0.5]
    setting = only(analyze(rows({"a": rates}, sizes, providers)))
    kinds = {series.name: series.kind for series in setting.within}
    assert kinds == {"frim": "slope", "gorl": "difference"}
    assert setting.within_all is not None
    assert setting.within_all.slope is not None
    assert setting.within_all.slope.slope.slope_pp_per_decade == pytest.approx(10.4, abs=0.5)


def test_ratios_are_item_level_and_say_so() -> None:
    setting = only(analyze(rows({"a": [0.1, 0.2, 0.4, 0.4]}, [1.0, 2.0, 4.0, 8.0], [*"aabb"])))
    first, second = setting.ratios
    assert first.ratio is not None
    assert second.ratio is not None
    assert (first.ratio.successes_1, first.ratio.trials_1, first.ratio.successes_2) == (30, 200, 80)
    assert first.ratio.generalises_to == "these_models"
    assert first.ratio.estimate == pytest.approx(30 / 80)
    assert second.ratio.estimate == pytest.approx(80 / 30)
    none = only(analyze(published([0.1, 0.2, 0.4, 0.4], [1.0, 2.0, 4.0, 8.0], [*"aabb"], n=None)))
    assert all("needs counts" in (r.unavailable or "") for r in none.ratios)


def test_headlines_have_one_name_each() -> None:
    result = analyze(rows({"a": levels([0.1, 0.4, 0.6, 0.9])}, SIZES, PROVIDERS))
    names = [(h.setting, h.quantity) for h in result.headlines]
    assert len(names) == len(set(names)) == 4 + 4
    assert result.headlines[0].quantity == "share of provider (omega squared)"
    assert result.fingerprint in to_jsonable(result)["fingerprint"]


def test_confounding_with_lineage_is_said_from_the_data() -> None:
    rates = levels([0.1, 0.4, 0.6, 0.9])
    same = only(analyze(rows({"a": rates}, SIZES, PROVIDERS)))
    assert "each of 4 providers has one family of models here" in same.words
    families = [{"family": f"fam{i}"} for i in range(16)]
    apart = only(analyze(rows({"a": rates}, SIZES, PROVIDERS, models=families)))
    assert "None of 4 providers has one family of models only" in apart.words
    assert "confounded" not in apart.words
    unknown = only(analyze(rows({"a": rates}, SIZES, PROVIDERS, models=[{"family": None}] * 16)))
    assert "No family of models is known" in unknown.words


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"min_cell": 0}, "min_cell"),
        ({"alpha": 0.5}, "alpha"),
        ({"margin_pp": 0.0}, "margin_pp"),
        ({"threshold_pp": 0.0}, "threshold_pp"),
        ({"resamples": 5}, "resamples"),
    ],
)
def test_refuses_a_parameter_outside_its_range(option: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        analyze(published([0.1, 0.2], [1.0, 2.0], ["frim", "gorl"]), **option)


@pytest.mark.calibration
def test_without_any_effect_a_provider_is_claimed_as_often_as_the_level_says() -> None:
    """Simulated truth: none. 21 models of 12 providers, as in report 164; labels too are claimed at most at the level."""
    rng = np.random.default_rng(164)
    shares = labels = 0
    for _ in range(200):
        rates = np.clip(0.4 + 0.12 * rng.normal(size=21), 0, 1)
        setting = only(analyze(published(rates, SIZES_OF_21, PROVIDERS_OF_21), resamples=999))
        shares += setting.share.verdict is DIFFER
        labels += any(p.label in (PlacingLabel.OVER, PlacingLabel.UNDER) for p in setting.places)
    assert shares <= 20
    assert labels <= 20


def test_the_design_of_report_164_is_not_claimed_by_either() -> None:
    rates = with_slope_and_share(SIZES_OF_21, PROVIDERS_OF_21, slope=-0.006, r=-0.10657, share=0.653)
    setting = only(analyze(published(rates, SIZES_OF_21, PROVIDERS_OF_21)))
    assert (setting.share.verdict, setting.line.verdict) == (NOT_SHOWN, ScalingVerdict.UNDECIDED)
    assert {p.label for p in setting.places} == {PlacingLabel.CANNOT_TELL}


def test_a_slope_that_providers_carry_is_not_claimed_of_size_and_flips_with_the_data() -> None:
    """Simpson's paradox: larger models are of providers of another level; within each the slope has the other sign."""
    sizes = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]
    providers = [name for name in ("frim", "gorl", "hask") for _ in range(3)]
    rates = [0.30, 0.22, 0.15, 0.58, 0.50, 0.42, 0.85, 0.78, 0.70]
    for sign, claimed, within in ((1, "comply more", "comply less"), (-1, "comply less", "comply more")):
        chosen = rates if sign > 0 else [1 - rate for rate in rates]
        setting = only(analyze(rows({"a": chosen}, sizes, providers, n=200)))
        assert setting.line.verdict is ScalingVerdict.UNDECIDED
        words = f"larger models {claimed} only across providers; within them "
        assert words in setting.words
        assert setting.line.only_across is not None
        assert setting.line.only_across.endswith(f"larger models {within}")
        assert all(s.scale_verdict is not ScalingVerdict.COMPLY_MORE for s in setting.sensitivities)
    upheld = only(analyze(rows({"a": levels([0.5] * 4, slope=0.25)}, SIZES, PROVIDERS, n=200)))
    assert upheld.line.only_across is None


def test_differences_of_adjusted_r_squared_above_one_are_no_percentages() -> None:
    sizes = [1.0, 8.0, 70.0, 1.5, 7.0, 72.0, 3.0, 24.0, 123.0]
    providers = [name for name in ("frim", "gorl", "hask") for _ in range(3)]
    setting = only(analyze(rows({"a": [0.2, 0.5, 0.8, 0.22, 0.46, 0.82, 0.21, 0.48, 0.81]}, sizes, providers, n=200)))
    assert setting.joint is not None
    assert setting.joint.adjusted.unique_second > 1
    assert "no percentages of the variance" in setting.words
    assert "% (p" not in setting.words
    assert ", below 0 and so taken as 0" in setting.words


def test_rows_that_are_all_left_out_name_the_reason_and_the_option() -> None:
    part = graded("m0", ["COMPLIANCE"] * 30, grader_kind="keyword")
    assert "--allow-keyword lets rows in" in analyze(fake_corpus(*part, [{"model_id": "m0"}])).answer
    part = graded("m0", ["COMPLIANCE"] * 30)
    made = fake_corpus(*part, [{"model_id": "m0", "tampering": "abliterated"}])
    assert "(30 tampered_model; --tampered include lets rows in)" in analyze(made).answer


def test_without_any_known_provider_nothing_is_said_of_how_many_models_each_has() -> None:
    nobody = corpus({"a": levels([0.5] * 4, slope=0.25)}, SIZES)
    assert repeat(only(analyze(nobody)), "without_single_model_providers").reason == "no model here has a known provider"


def test_a_slope_that_sources_carry_is_not_claimed() -> None:
    """Three sources, each falling with size; the one with the larger models has the higher rates."""
    traces, grades, models = [], [], []
    for number, (source, sizes) in enumerate({"s1": (1, 1.5, 2, 3), "s2": (7, 8, 9, 11), "s3": (50, 60, 70, 90)}.items()):
        for step, size in enumerate(sizes):
            name = f"plim{number}-{size}b"
            hits = 10 + 22 * number - 3 * step
            of_trace, of_grade = graded(name, ["COMPLIANCE"] * hits + ["REFUSAL"] * (80 - hits), source=source)
            traces += of_trace
            grades += of_grade
            models.append({"model_id": name, "params_total_b": size, "size_source": "name", "developer": f"maker {step}"})
    made = fake_corpus(traces, grades, models)
    cells = build_cells(made)
    plain = only(analyze_safety_roi(cells, made.read("models")))
    held = only(analyze_safety_roi(cells, made.read("models"), by_source=build_cells(made, by_source=True)))
    assert plain.line.verdict is ScalingVerdict.COMPLY_MORE
    assert held.line.verdict is ScalingVerdict.UNDECIDED
    assert "larger models comply more only across sources" in held.words
    assert "size: larger models comply more" not in held.words
