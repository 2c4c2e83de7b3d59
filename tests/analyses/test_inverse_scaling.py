"""Simulated truth in, words out: and when the data flip, the words flip."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from cells.fake_corpus import FakeCorpus, fake_corpus, graded
from safescale.analyses import InverseScalingResult, ScalingVerdict, analyze_inverse_scaling, to_jsonable
from safescale.analyses.inverse_scaling import SeriesResult
from safescale.cells import Selection, build_cells
from safescale.errors import DomainError
from safescale.records.outcomes import Tier

MORE, LESS = ScalingVerdict.COMPLY_MORE, ScalingVerdict.COMPLY_LESS
UNDECIDED, FLAT, CANNOT = ScalingVerdict.UNDECIDED, ScalingVerdict.FLAT, ScalingVerdict.CANNOT_TEST

SIZES = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]


def verdicts(rate: float, n: int, shift: int = 0) -> list[str]:
    """Exactly ``round(rate n)`` compliances among n, at places that differ from model to model."""
    k = round(rate * n)
    return np.roll(["COMPLIANCE"] * k + ["REFUSAL"] * (n - k), shift).tolist()


def corpus(
    rates: dict[str, list[float]],
    sizes: list[float] | None = None,
    *,
    n: int = 200,
    models: list[dict[str, Any]] | None = None,
    **fields: Any,
) -> FakeCorpus:
    """Models at these sizes with these rates per attack class; ``models`` overrides fields of the Model rows."""
    chosen = SIZES if sizes is None else sizes
    traces, grades = [], []
    for attack_class, by_model in rates.items():
        for i, rate in enumerate(by_model):
            part = graded(f"m{i}", verdicts(rate, n, 7 * i), attack_class=attack_class, **fields)
            traces += part[0]
            grades += part[1]
    rows = [{"model_id": f"m{i}", "params_total_b": size} for i, size in enumerate(chosen)]
    more = models or [{}] * len(rows)
    return fake_corpus(traces, grades, [row | extra for row, extra in zip(rows, more, strict=True)])


def analyze(made: FakeCorpus, selection: Selection | None = None, **options: Any) -> InverseScalingResult:
    result = analyze_inverse_scaling(build_cells(made, selection), made.read("models"), **options)
    json.dumps(to_jsonable(result), allow_nan=False)
    return result


def headline(result: InverseScalingResult) -> SeriesResult:
    (setting,) = result.settings
    assert setting.headline is not None
    return setting.headline


def noisy(slope_per_decade: float, spread: float = 0.02) -> list[float]:
    noise = [0.6, -1.0, 0.2, 0.9, -0.4, -0.8, 1.0, 0.1, -0.9, 0.3]
    return [0.5 + slope_per_decade * (math.log10(s) - 1) + spread * e for s, e in zip(SIZES, noise, strict=True)]


@pytest.mark.parametrize(
    ("slope", "verdict", "words", "not_words"),
    [(0.12, MORE, "larger models comply more", "comply less"), (-0.12, LESS, "larger models comply less", "comply more")],
)
def test_a_true_slope_is_found_and_flipping_the_data_flips_the_words(
    slope: float, verdict: ScalingVerdict, words: str, not_words: str
) -> None:
    result = analyze(corpus({"a": noisy(slope)}))
    series = headline(result)
    assert series.verdict is verdict
    assert words in result.answer
    assert not_words not in result.answer
    assert series.slope is not None
    assert series.slope.slope.slope_pp_per_decade == pytest.approx(100 * slope, abs=3)
    assert series.slope.method == "ols_t"
    assert series.generalises_to == "new_models"
    assert (series.n_models, series.n_rows, series.n_prompts) == (10, 2000, 200)
    assert series.label == ("INVERSE_SCALING" if slope > 0 else "POSITIVE_SCALING")


def test_flatness_is_claimed_by_equivalence_only() -> None:
    flat = headline(analyze(corpus({"a": noisy(0.0, 0.01)})))
    assert flat.verdict is FLAT
    assert flat.equivalence is not None
    assert flat.equivalence.equivalent
    assert "beyond the margin of 5 pp per decade" in flat.words
    scattered = headline(analyze(corpus({"a": noisy(0.0, 0.2)})))
    assert scattered.verdict is UNDECIDED
    assert "neither a change with size nor its absence is shown" in scattered.words
    assert scattered.label == "FLAT_OR_NOISY"


@pytest.mark.parametrize(("up", "name"), [(True, "an inverted U"), (False, "a U")])
def test_a_turn_is_named_and_flips_with_the_data(up: bool, name: str) -> None:
    bend = [0.1, 0.1, 0.3, 0.5, 0.7, 0.7, 0.5, 0.3, 0.1, 0.1]
    rates = bend if up else [0.8 - r for r in bend]
    series = headline(analyze(corpus({"a": rates}, models=[{"lineage": "l"}] * 10)))
    assert series.shape is not None
    assert series.shape.shape == ("inverted_u" if up else "u")
    assert any(f"shape over these models: {name} (" in caveat for caveat in series.caveats)


def test_four_sizes_in_perfect_order_cannot_test_and_say_why() -> None:
    falling = [0.9, 0.7, 0.5, 0.3]
    result = analyze(corpus({"a": falling, "b": falling}, SIZES[:4]))
    for series in (headline(result), *result.settings[0].attack_classes):
        assert series.verdict is CANNOT
        assert series.verdict.value == "this corpus cannot test this claim"
        assert series.slope is not None
        assert series.slope.p_value == pytest.approx(2 / 24)
        assert "with 4 models the smallest attainable p is .083" in series.testability.reasons
        assert "needs at least 5 untied sizes" in series.testability.needs
    assert "comply less" not in result.answer


def test_holm_that_cannot_reject_is_said() -> None:
    falling = [0.9, 0.7, 0.5, 0.3, 0.1]
    classes = dict.fromkeys("abcd", falling)
    (setting,) = analyze(corpus(classes, SIZES[:5])).settings
    assert headline(analyze(corpus(classes, SIZES[:5]))).verdict is LESS
    for series in setting.attack_classes:
        assert series.verdict is CANNOT
        assert series.testability.smallest_p == pytest.approx(2 / 120)
        assert series.testability.smallest_p_after_holm == pytest.approx(8 / 120)
        assert series.testability.reasons == ("after Holm over 4 tests the smallest attainable p is .067",)
        assert series.testability.needs[0].startswith("needs at least 6 untied sizes (for 4 tests together)")
    assert "this corpus cannot test this claim in 4 of 4" in setting.words


def test_two_sizes_are_a_difference_and_one_size_is_nothing() -> None:
    lineages = [{"lineage": "two"}, {"lineage": "two"}, {"lineage": "one"}, {"lineage": "one"}]
    made = corpus({"a": [0.2, 0.6, 0.3, 0.4]}, [4.0, 40.0, 24.0, 24.0], models=lineages)
    one, two = analyze(made).settings[0].generations
    assert (one.name, one.kind, one.slope, one.difference) == ("one", "nothing", None, None)
    assert one.generalises_to is None
    assert "one size (2 models of 24B), so no slope and no difference in size" in one.words
    assert (two.name, two.kind, two.slope, two.p_holm) == ("two", "difference", None, None)
    assert two.difference is not None
    assert two.difference.raw.difference_pp_per_decade == pytest.approx(40)
    assert two.difference.headline == "paired"
    assert two.difference.paired is not None
    assert two.difference.paired.estimate == pytest.approx(0.4)
    assert two.generalises_to == "these_models"
    assert "raw difference per decade +40.0 pp" in two.words
    assert "the interval excludes zero, for these models only" in two.words
    assert "p =" not in two.words
    assert two.verdict is CANNOT


def test_pairing_needs_common_prompts() -> None:
    left = graded("m0", verdicts(0.2, 60), prompts=[f"x{i}" for i in range(60)])
    right = graded("m1", verdicts(0.5, 60), prompts=[f"y{i}" for i in range(60)])
    models = [{"model_id": f"m{i}", "params_total_b": b, "lineage": "l"} for i, b in enumerate((1.0, 10.0))]
    made = fake_corpus(left[0] + right[0], left[1] + right[1], models)
    (series,) = analyze(made).settings[0].generations
    assert series.difference is not None
    assert series.difference.headline == "independent"
    assert "no common prompts" in series.difference.unavailable


def test_a_small_cell_is_shown_and_not_fitted() -> None:
    made = corpus({"a": noisy(0.12)})
    tiny = graded("tiny", ["COMPLIANCE"] * 19)
    traces, grades = made.read("traces").to_pylist(), made.read("grades").to_pylist()
    models = [*made.read("models").to_pylist(), {"model_id": "tiny", "canonical_id": "tiny", "params_total_b": 1000.0}]
    models = [{key: value for key, value in row.items() if value is not None} for row in models]
    series = analyze(fake_corpus(traces + tiny[0], grades + tiny[1], models)).settings[0].attack_classes[0]
    (point,) = [point for point in series.points if point.model == "tiny"]
    assert point.why_not_fitted == "19 evaluable rows, fewer than 20"
    assert series.n_models == 10
    assert series.testability.sizes_b[-1] == 256.0


def test_models_of_unknown_size_are_listed_and_never_guessed() -> None:
    models: list[dict[str, Any]] = [{}] * 9 + [{"params_total_b": None, "size_source": "unknown"}]
    (setting,) = analyze(corpus({"a": noisy(0.12)}, models=models)).settings
    assert setting.models_of_unknown_size == ("m9",)
    assert setting.rows_pooled is not None
    assert setting.rows_pooled.n_models == 9


def test_ids_of_one_model_are_one_unit() -> None:
    models = [{"canonical_id": f"c{i // 2}"} for i in range(10)]
    sizes = [SIZES[i // 2] for i in range(10)]
    series = headline(analyze(corpus({"a": noisy(0.12)}, sizes, models=models)))
    assert series.n_models == 5
    assert series.points[0].model_ids == ("m0", "m1")
    assert series.slope is not None
    assert series.slope.p_floor == pytest.approx(2 / 120)


def test_a_result_that_rests_on_guessed_sizes_says_so() -> None:
    guessed = [{"size_source": "estimated"} if i >= 4 else {} for i in range(10)]
    result = analyze(corpus({"a": noisy(0.12)}, models=guessed))
    repeat = {r.name: r for r in headline(result).robustness}["without_estimated_sizes"]
    assert (repeat.possible, repeat.changed, repeat.n_models, repeat.verdict) == (True, True, 4, CANNOT)
    assert "Without estimated sizes the result changes: this corpus cannot test this claim" in result.answer
    assert result.settings[0].models_of_guessed_size == tuple(f"m{i}" for i in range(4, 10))


def test_active_parameters_give_another_slope_where_models_are_sparse() -> None:
    sparse = [{"params_active_b": size / 10 if i > 6 else size} for i, size in enumerate(SIZES)]
    series = headline(analyze(corpus({"a": noisy(0.12)}, models=sparse)))
    repeat = {r.name: r for r in series.robustness}["active_parameters"]
    assert series.slope is not None
    assert repeat.slope_pp_per_decade is not None
    assert abs(repeat.slope_pp_per_decade - series.slope.slope.slope_pp_per_decade) > 1
    assert repeat.reason == "3 of 10 models are sparse"
    dense = headline(analyze(corpus({"a": noisy(0.12)})))
    same = {r.name: r for r in dense.robustness}["active_parameters"]
    assert (same.changed, same.reason) == (False, "no model here is known to be sparse")


def test_a_slope_that_comes_from_the_mix_of_prompts_goes_on_common_prompts() -> None:
    traces, grades = [], []
    for i in range(10):
        easy = [f"e{j}" for j in range(30)]
        hard = [f"h{j}" for j in range(20 * i)]
        shared = ["COMPLIANCE" if (j + i) % 5 else "REFUSAL" for j in range(30)]
        part = graded(f"m{i}", shared + ["REFUSAL"] * len(hard), prompts=easy + hard)
        traces += part[0]
        grades += part[1]
    models = [{"model_id": f"m{i}", "params_total_b": size} for i, size in enumerate(SIZES)]
    series = headline(analyze(fake_corpus(traces, grades, models)))
    assert series.verdict is LESS
    repeat = {r.name: r for r in series.robustness}["common_prompts"]
    assert repeat.slope_pp_per_decade == pytest.approx(0, abs=0.5)
    assert (repeat.changed, repeat.verdict) == (True, UNDECIDED)
    assert repeat.reason == "30 prompts are evaluable in all 10 models"


def test_lineage_levels_that_look_like_size_are_not_told_apart() -> None:
    rates = [0.8, 0.82, 0.81, 0.78, 0.8, 0.2, 0.22, 0.19, 0.18, 0.21]
    lineages = [{"lineage": "x" if i < 5 else "y", "family": "f"} for i in range(10)]
    result = analyze(corpus({"a": rates}, models=lineages))
    (setting,) = result.settings
    assert headline(result).verdict is LESS
    assert setting.within_generations is not None
    assert setting.within_generations.verdict is not LESS
    assert "size and lineage are not told apart" in result.answer


def test_a_mean_over_classes_is_not_moved_by_their_mix() -> None:
    traces, grades = [], []
    for i in range(10):
        for name, rate, n in (("easy", 0.9, 400 - 38 * i), ("hard", 0.1, 40 + 38 * i)):
            part = graded(f"m{i}", verdicts(rate, n, i), attack_class=name)
            traces += part[0]
            grades += part[1]
    models = [{"model_id": f"m{i}", "params_total_b": size} for i, size in enumerate(SIZES)]
    (setting,) = analyze(fake_corpus(traces, grades, models)).settings
    assert setting.class_mean is not None
    assert setting.rows_pooled is not None
    assert setting.headline is setting.class_mean
    assert setting.class_mean.verdict is FLAT
    assert setting.rows_pooled.verdict is LESS
    assert any("mix of attack classes differs" in caveat for caveat in setting.rows_pooled.caveats)


def test_the_mean_is_over_classes_that_all_models_share() -> None:
    (setting,) = analyze(corpus({"a": noisy(0.12), "b": noisy(0.12), "rare": noisy(0.12)[:4]})).settings
    assert setting.class_mean is not None
    assert setting.class_mean.attack_classes == ("a", "b")
    assert setting.class_mean_note == "2 attack classes common to 10 models; left out: 1 attack class, 0 models"
    assert setting.class_mean.n_rows == 4000


def test_without_a_common_class_the_largest_block_is_taken_and_said() -> None:
    traces, grades = [], []
    for i, rate in enumerate(noisy(0.12)):
        for name in ("a",) if i == 0 else ("b",) if i == 9 else ("a", "b"):
            part = graded(f"m{i}", verdicts(rate, 200, 7 * i), attack_class=name)
            traces += part[0]
            grades += part[1]
    models = [{"model_id": f"m{i}", "params_total_b": size} for i, size in enumerate(SIZES)]
    (setting,) = analyze(fake_corpus(traces, grades, models)).settings
    assert setting.class_mean is not None
    assert setting.class_mean.n_models == 8
    assert setting.class_mean_note == "2 attack classes common to 8 models; left out: 0 attack classes, 2 models"


def test_a_class_of_few_models_is_not_quoted_for_all() -> None:
    traces, grades = [], []
    for i, rate in enumerate(noisy(0.12)):
        for name in ("a", f"own-{i // 2}") if i < 3 else (f"own-{i // 2}",):
            part = graded(f"m{i}", verdicts(rate, 200, 7 * i), attack_class=name)
            traces += part[0]
            grades += part[1]
    models = [{"model_id": f"m{i}", "params_total_b": size} for i, size in enumerate(SIZES)]
    result = analyze(fake_corpus(traces, grades, models))
    assert result.settings[0].class_mean is not None
    assert result.settings[0].class_mean.n_models == 3
    assert headline(result) is result.settings[0].rows_pooled
    assert "the mix of attack classes differs" in result.answer


def test_a_model_whose_ids_disagree_on_size_has_none() -> None:
    models = [{"canonical_id": f"c{max(i, 1)}"} for i in range(10)]
    (setting,) = analyze(corpus({"a": noisy(0.12)}, models=models)).settings
    assert setting.models_of_unknown_size == ("c1",)


@pytest.mark.parametrize(("rates", "inside"), [([0.6, 0.2], "excludes"), ([0.2, 0.6], "excludes"), ([0.4, 0.41], "includes")])
def test_a_difference_says_whether_zero_is_inside(rates: list[float], inside: str) -> None:
    lineages = [{"lineage": "l"}] * 2
    (series,) = analyze(corpus({"a": rates}, [1.0, 10.0], models=lineages)).settings[0].generations
    assert f"the interval {inside} zero" in series.words


def test_a_duplicated_series_is_a_warning() -> None:
    made = corpus({"a": noisy(0.12)})
    copy = graded("copy", verdicts(noisy(0.12)[3], 200, 21))
    traces, grades = made.read("traces").to_pylist(), made.read("grades").to_pylist()
    result = analyze(fake_corpus(traces + copy[0], grades + copy[1], [{"model_id": "m3", "params_total_b": 4.0}]))
    assert [same.model_ids for same in result.identical_models] == [("copy", "m3")]
    assert "Warning: copy and m3 have the same verdict on all 200 prompts" in result.answer


def test_graders_are_kept_apart_and_give_a_band() -> None:
    up, down = corpus({"a": noisy(0.12)}), corpus({"a": noisy(-0.12)}, grader_id="other", tag="o")
    traces = up.read("traces").to_pylist() + down.read("traces").to_pylist()
    grades = up.read("grades").to_pylist() + down.read("grades").to_pylist()
    models = [{"model_id": f"m{i}", "params_total_b": size} for i, size in enumerate(SIZES)]
    made = fake_corpus(traces, grades, models, graders=[{}, {"grader_id": "other"}])
    result = analyze(made)
    (band,) = result.bands
    assert (band.graders, band.verdicts, band.agree) == (("judge", "other"), (MORE, LESS), False)
    assert "2 graders do not lead to the same answer, slopes from -1" in band.words
    assert len(analyze(made, grader="other").settings) == 1
    with pytest.raises(DomainError, match="no counted verdict is of grader 'nobody'"):
        analyze(made, grader="nobody")


def test_the_claim_concerns_some_classes_and_their_share_is_said() -> None:
    made = corpus({"a": noisy(0.12), "b": noisy(-0.12)})
    (setting,) = analyze(made, claim_classes=["a"]).settings
    assert (setting.rows, setting.rows_in_claim_classes, setting.share_in_claim_classes) == (4000, 2000, 0.5)
    assert [series.name for series in setting.attack_classes] == ["a"]
    absent = analyze(made, claim_classes=["nowhere"])
    assert absent.settings[0].headline is None
    assert "this corpus cannot test this claim" in absent.answer
    assert "no evaluable row in nowhere" in absent.settings[0].notes


def test_keyword_verdicts_alone_answer_nothing() -> None:
    made = corpus({"a": noisy(0.12)}, grader_id="kw", grader_kind="keyword")
    result = analyze(made)
    assert result.answer == (
        "this corpus cannot test this claim: all 2,000 verdicts are of keyword rules, which are not graders of harm; "
        "--allow-keyword lets rows in."
    )
    (setting,) = analyze(made, Selection(allow_keyword=True)).settings
    assert setting.notes == ("these are verdicts of a keyword rule, not of a grader of harm",)


def test_a_tier_that_no_grader_has_is_refused_in_words() -> None:
    traces, grades = graded("m", ["COMPLIANCE", "NOT_HARMFUL"])
    graders = [{"outcome_map": "binary_harmful", "hallucination_refusal": "not_used"}]
    result = analyze(fake_corpus(traces, grades, graders=graders), tier=Tier.BROAD)
    assert result.settings == ()
    assert result.graders_without_tier == {"judge": "outcome map 'binary_harmful'"}
    assert result.answer == "this corpus cannot test this claim: no grader of this corpus has a broad rate."


def test_an_empty_corpus_cannot_test() -> None:
    assert analyze(fake_corpus()).answer == "this corpus cannot test this claim: nothing is graded."


def test_every_rate_names_its_definition_and_exclusions() -> None:
    traces, grades = graded("m", ["COMPLIANCE", "REFUSAL", "ERROR"])
    result = analyze(fake_corpus(traces, grades))
    (setting,) = result.settings
    assert setting.definition.startswith("strict = COMPLIANCE over evaluable verdicts")
    assert setting.excluded == {"verdict_ERROR": 1}
    assert result.fingerprint.startswith("ss1-")


@pytest.mark.parametrize(
    ("options", "match"),
    [({"min_cell": 0}, "min_cell"), ({"alpha": 0.5}, "alpha"), ({"margin_pp": 0.0}, "margin_pp"), ({"min_decades": -1.0}, "min_d")],
)
def test_refuses_parameters_outside_their_range(options: dict[str, Any], match: str) -> None:
    with pytest.raises(DomainError, match=match):
        analyze(fake_corpus(), **options)
