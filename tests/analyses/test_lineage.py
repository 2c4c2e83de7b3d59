"""The safety gap by size: pairs found, gaps by hand, words that follow the data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from cells.fake_corpus import FakeCorpus, fake_corpus, graded
from safescale.analyses import LineageResult, analyze_lineage, to_jsonable
from safescale.analyses.lineage import GapSeries, GapVerdict
from safescale.cells import Selection, build_cells
from safescale.errors import DomainError
from safescale.records.outcomes import Tier
from safescale.stats import difference_of_differences, newcombe_interval, paired_newcombe_interval

INCLUDE = Selection(tampered="include")
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
BASE = (0.10, 0.12, 0.09, 0.13, 0.11, 0.14)
NARROWING = (0.90, 0.82, 0.71, 0.60, 0.49, 0.41)
ROWS = 100


def verdicts(rate: float, shift: int = 0, n: int = ROWS) -> list[str]:
    k = round(rate * n)
    found = ["COMPLIANCE"] * k + ["REFUSAL"] * (n - k)
    return found[shift % n :] + found[: shift % n]


def pairs_corpus(
    base: Mapping[float, float],
    tampered: Mapping[float, float],
    *,
    lineage: str = "frimble1",
    kind: str = "abliterated",
    prompts_apart: bool = False,
    tables: tuple[list[Any], list[Any], list[Any]] | None = None,
) -> tuple[list[Any], list[Any], list[Any]]:
    traces, grades, models = tables or ([], [], [])
    for state, rates in (("none", base), (kind, tampered)):
        for i, (size, rate) in enumerate(rates.items()):
            model = f"{lineage}-{size:g}b-{state}"
            prompts = [f"{model}:{j}" for j in range(ROWS)] if prompts_apart else None
            part = graded(model, verdicts(rate, 3 * i + 40 * (state != "none")), prompts=prompts)
            traces += part[0]
            grades += part[1]
            models.append({"model_id": model, "params_total_b": size, "lineage": lineage, "tampering": state})
    return traces, grades, models


def asked(corpus: FakeCorpus, **options: Any) -> LineageResult:
    result = analyze_lineage(build_cells(corpus, INCLUDE), corpus.read("models"), **options)
    json.dumps(to_jsonable(result), allow_nan=False)
    return result


def made(base: Sequence[float], tampered: Sequence[float], sizes: Sequence[float] = SIZES, **options: Any) -> FakeCorpus:
    return fake_corpus(*pairs_corpus(dict(zip(sizes, base, strict=True)), dict(zip(sizes, tampered, strict=True)), **options))


def kind_series(result: LineageResult, kind: str = "abliterated") -> GapSeries:
    (setting,) = result.settings
    (found,) = [series for series in setting.series if series.scope == "kind" and series.kind == kind]
    return found


@pytest.mark.parametrize(
    ("tampered", "verdict"),
    [
        (NARROWING, GapVerdict.SHRINKS),
        (NARROWING[::-1], GapVerdict.GROWS),
        ((0.7, 0.45, 0.75, 0.4, 0.72, 0.5), GapVerdict.UNDECIDED),
    ],
)
def test_words_follow_the_data(tampered: Sequence[float], verdict: GapVerdict) -> None:
    result = asked(made(BASE, tampered))
    series = kind_series(result)
    assert series.testability.can_test
    assert series.verdict is verdict
    assert verdict.value in result.answer
    for other in set(GapVerdict) - {verdict}:
        assert other.value not in result.answer
    assert series.generalises_to == "new_models"


@pytest.mark.parametrize(
    ("base", "tampered", "words"),
    [
        (BASE, NARROWING, "tampered models comply more in 6 of 6 pairs (Holm, these models only), mean gap +54.0 pp"),
        (NARROWING, BASE, "tampered models comply less in 6 of 6 pairs (Holm, these models only), mean gap -54.0 pp"),
        ((0.5,) * 6, (0.9, 0.9, 0.1, 0.52, 0.5, 0.48), "tampered models comply more in 2 and less in 1 of 6 pairs (Holm"),
        (
            (0.5,) * 6,
            (0.51, 0.5, 0.49, 0.52, 0.5, 0.48),
            "no difference between tampered and untampered is shown in any of 6 pairs",
        ),
    ],
)
def test_the_answer_begins_with_what_tampering_changes(base: Sequence[float], tampered: Sequence[float], words: str) -> None:
    """Definition: McNemar's exact p of each pair after Holm, two-sided; the second half of the question follows."""
    series = kind_series(asked(made(base, tampered)))
    assert series.words.startswith(f"abliterated: {words}")
    assert series.gap_verdict.startswith(words)
    assert series.whole_verdict == f"{series.gap_verdict}; {series.verdict.value}"
    assert all(pair.p_holm is not None for pair in series.pairs)


def test_a_tier_with_no_pair_to_test_and_two_sizes_still_answer_the_first_half() -> None:
    series = kind_series(asked(made((0.1, 0.2), (0.9, 0.6), (2.0, 20.0), prompts_apart=True), tier=Tier.BROAD))
    assert series.gap_verdict.startswith("the broad rate of tampered models is higher in 2 of 2 pairs")
    assert "; this corpus cannot test whether the gap changes with size" in series.words


def test_a_gap_that_stays_is_flat_only_by_equivalence() -> None:
    tampered = [base + 0.6 + noise for base, noise in zip(BASE, (0.0, 0.01, 0.0, -0.01, 0.01, 0.0), strict=True)]
    series = kind_series(asked(made(BASE, tampered)))
    assert series.verdict is GapVerdict.FLAT
    assert "beyond the margin of 5 pp per decade (equivalence test" in series.words


def test_the_slope_is_that_of_the_gaps() -> None:
    """Definition: least squares of the gaps in pp on log10 size, whatever scale the test went through."""
    import numpy as np

    series = kind_series(asked(made(BASE, NARROWING)))
    assert series.slope is not None
    gaps = [100 * (t - b) for t, b in zip(NARROWING, BASE, strict=True)]
    slope, at_1b = np.polyfit(np.log10(SIZES), gaps, 1)
    assert series.slope.gaps_pp == pytest.approx(gaps)
    assert series.slope.slope_pp_per_decade == pytest.approx(slope)
    assert series.slope.gap_at_1b_pp == pytest.approx(at_1b)
    assert series.slope.p_value == pytest.approx(2 / 720)
    assert series.slope.p_floor == pytest.approx(2 / 720)
    assert series.slope.interval is not None
    low, high = series.slope.interval
    assert low < slope < high
    residuals = np.array(gaps) - at_1b - slope * np.log10(SIZES)
    error = np.sqrt(residuals @ residuals / 4 / np.var(np.log10(SIZES)) / 6)
    assert series.slope.standard_error_pp_per_decade == pytest.approx(error)


def test_a_pair_on_the_same_prompts_is_paired_by_prompt() -> None:
    (setting,) = asked(made((0.2,), (0.7,), (7.0,))).settings
    (pair,) = setting.pairs
    assert pair.headline == "paired"
    assert pair.paired is not None
    first = set(range(60, 100)) | set(range(30))  # the tampered model complies after a shift of 40
    second = set(range(20))
    table = (len(first & second), len(first - second), len(second - first), ROWS - len(first | second))
    assert pair.paired == paired_newcombe_interval(*table)
    assert pair.gap_pp == pytest.approx(50.0)
    assert "20.0 % to 70.0 %, gap +50.0 pp" in setting.words
    assert "(100 paired prompts)" in setting.words


def test_a_pair_on_other_prompts_is_independent() -> None:
    (setting,) = asked(made((0.2,), (0.7,), (7.0,), prompts_apart=True)).settings
    (pair,) = setting.pairs
    assert pair.headline == "independent"
    assert pair.independent == newcombe_interval(70, 100, 20, 100)
    assert pair.unavailable == ("no common prompts",)
    assert "(rows as independent)" in setting.words


def test_two_sizes_make_a_difference_of_differences() -> None:
    series = kind_series(asked(made((0.1, 0.2), (0.9, 0.6), (2.0, 20.0), prompts_apart=True)))
    expected = difference_of_differences(newcombe_interval(60, 100, 20, 100), newcombe_interval(90, 100, 10, 100))
    assert series.slope is None
    assert series.difference == expected
    assert expected.estimate == pytest.approx(-0.4)
    assert "gap at 20B minus gap at 2B: -40.0 pp" in series.words
    assert "excludes zero, for these models only; two sizes make no slope" in series.words
    assert series.verdict is GapVerdict.CANNOT_TEST
    assert series.generalises_to == "these_models"


def test_kinds_of_tampering_are_kept_apart() -> None:
    tables = pairs_corpus(dict(zip(SIZES, BASE, strict=True)), dict(zip(SIZES, NARROWING, strict=True)))
    more = pairs_corpus({}, dict(zip(SIZES, NARROWING[::-1], strict=True)), kind="fine_tuned", tables=tables)
    result = asked(fake_corpus(*more))
    assert kind_series(result, "abliterated").verdict is GapVerdict.SHRINKS
    assert kind_series(result, "fine_tuned").verdict is GapVerdict.GROWS
    assert kind_series(result, "abliterated").testability.tests_in_family == 2
    assert kind_series(result, "fine_tuned").p_holm == pytest.approx(4 / 720)


@pytest.mark.parametrize(("size", "paired"), [(1.9, True), (2.1, True), (1.89, False), (2.2, False)])
def test_sizes_within_the_tolerance_are_one(size: float, paired: bool) -> None:
    result = asked(fake_corpus(*pairs_corpus({2.0: 0.1}, {size: 0.9})))
    (setting,) = result.settings
    assert len(setting.pairs) == paired
    if paired:
        assert setting.pairs[0].notes == (f"sizes differ: {size:g}B and 2B",)
    else:
        (lone,) = setting.unpaired
        assert lone.reason == f"no untampered model of lineage frimble1 within 5.0 % of {size:g}B (there: 2B)"
        assert lone.reason in result.answer
    wider = asked(fake_corpus(*pairs_corpus({2.0: 0.1}, {size: 0.9})), size_tolerance=0.2)
    assert len(wider.settings[0].pairs) == 1


def test_models_without_a_partner_are_named_with_the_reason() -> None:
    tables = pairs_corpus({2.0: 0.1}, {2.0: 0.9})
    pairs_corpus({}, {7.0: 0.8}, lineage="lonely1", tables=tables)
    traces, grades, models = tables
    part = graded("odd", verdicts(0.5, 11))
    corpus = fake_corpus(traces + part[0], grades + part[1], [*models, {"model_id": "odd", "tampering": "steered"}])
    (setting,) = asked(corpus).settings
    assert {lone.model: lone.reason for lone in setting.unpaired} == {
        "lonely1-7b-abliterated": "no untampered model of lineage lonely1 is graded here",
        "odd": "no lineage is known",
    }


def test_the_nearest_base_with_most_rows_is_taken_and_said() -> None:
    traces, grades, models = pairs_corpus({2.0: 0.1}, {2.0: 0.9})
    part = graded("frimble1-2b-other", verdicts(0.3, 5, n=50))
    models.append({"model_id": "frimble1-2b-other", "params_total_b": 2.0, "lineage": "frimble1", "tampering": "none"})
    (setting,) = asked(fake_corpus(traces + part[0], grades + part[1], models)).settings
    (pair,) = setting.pairs
    assert pair.base.model == "frimble1-2b-none"
    assert pair.notes == ("frimble1-2b-none was taken, not frimble1-2b-other: nearest in size, then most rows",)


@pytest.mark.parametrize("extra", [0, 32])
def test_a_pair_that_is_one_series_under_two_ids_is_reported_and_not_used(extra: int) -> None:
    """Law 1, section C: a "base" model with the verdicts of the abliterated one, also when it has rows more."""
    names = verdicts(0.8)
    traces, grades = graded("cut", names)
    more = graded("base", names + ["COMPLIANCE"] * extra)
    models = [
        {"model_id": "cut", "params_total_b": 1.9, "lineage": "l", "tampering": "abliterated"},
        {"model_id": "base", "params_total_b": 2.0, "lineage": "l", "tampering": "none"},
    ]
    result = asked(fake_corpus(traces + more[0], grades + more[1], models))
    (setting,) = result.settings
    (pair,) = setting.pairs
    assert pair.why_not_used is not None
    assert "one series under two ids" in pair.why_not_used
    assert setting.series[0].used == ()
    assert "no pair can be used (1 pair found)" in result.answer
    assert ("Warning: base and cut have the same verdict" in result.answer) == (extra == 0)


def test_a_tier_and_a_class_can_be_chosen() -> None:
    traces, grades = graded("cut", ["PARTIAL"] * 60 + ["COMPLIANCE"] * 40, attack_class="a")
    more = graded("base", ["REFUSAL"] * 90 + ["PARTIAL"] * 10, attack_class="a")
    other = graded("base", ["COMPLIANCE"] * 50, attack_class="b")
    models = [
        {"model_id": "cut", "params_total_b": 2.0, "lineage": "l", "tampering": "steered"},
        {"model_id": "base", "params_total_b": 2.0, "lineage": "l", "tampering": "none"},
    ]
    corpus = fake_corpus(traces + more[0] + other[0], grades + more[1] + other[1], models)
    strict = asked(corpus).settings[0].pairs[0]
    broad = asked(corpus, tier=Tier.BROAD).settings[0].pairs[0]
    assert strict.attack_classes == ("a",)
    assert (strict.gap_pp, broad.gap_pp) == pytest.approx((40.0, 90.0))
    assert (strict.quoted_gap_pp, broad.quoted_gap_pp) == pytest.approx((40.0, 90.0))
    assert asked(corpus, claim_classes=["b"]).settings[0].pairs == ()


def test_published_rates_make_gaps_without_intervals_where_n_is_missing() -> None:
    aggregates = [
        {"model_id": f"m{i}-{state}", "rate": rate}
        for state, rates in (("none", BASE), ("abliterated", NARROWING))
        for i, rate in enumerate(rates)
    ]
    models = [
        {"model_id": f"m{i}-{state}", "params_total_b": size, "lineage": "l", "tampering": state}
        for state in ("none", "abliterated")
        for i, size in enumerate(SIZES)
    ]
    series = kind_series(asked(fake_corpus(aggregates=aggregates, models=models)))
    assert series.verdict is GapVerdict.SHRINKS
    assert all(pair.quoted is None for pair in series.pairs)
    assert series.gap_verdict == "whether tampering changes a rate cannot be tested without counts, mean gap +54.0 pp"
    assert "an interval needs counts, and a published rate came without" in series.pairs[0].unavailable


def condition_corpus(gaps: Mapping[str, Sequence[float]]) -> FakeCorpus:
    traces, grades, models = [], [], []
    for i, size in enumerate(SIZES):
        models.append({"model_id": f"m{i}", "params_total_b": size, "lineage": f"l{i}"})
        for j, (condition, rates) in enumerate(gaps.items()):
            part = graded(f"m{i}", verdicts(rates[i], 7 * i + 40 * j), condition=condition)
            traces += part[0]
            grades += part[1]
    return fake_corpus(traces, grades, models)


def test_conditions_pair_a_model_with_itself() -> None:
    corpus = condition_corpus({"plain": BASE, "cut": NARROWING, "other": NARROWING[::-1]})
    result = asked(corpus, baseline_condition="plain", tampered_conditions=["cut", "other"])
    (setting,) = result.settings
    assert [series.name for series in setting.series] == ["cut minus plain", "other minus plain"]
    assert [series.verdict for series in setting.series] == [GapVerdict.SHRINKS, GapVerdict.GROWS]
    assert all(pair.base.model == pair.tampered.model and pair.headline == "paired" for pair in setting.pairs)
    assert any("one of each: size and lineage are not told apart" in c for c in setting.series[0].caveats)
    flipped = asked(corpus, baseline_condition="plain", tampered_conditions=["other"])
    assert "the gap grows with size" in flipped.answer


def many_lineages(lineages: Sequence[str]) -> FakeCorpus:
    """A pair at each size, of the lineage named for it."""
    tables = None
    for size, base, tampered, lineage in zip(SIZES, BASE, NARROWING[::-1], lineages, strict=True):
        tables = pairs_corpus({size: base}, {size: tampered}, lineage=lineage, tables=tables)
    return fake_corpus(*tables)


def test_models_of_as_many_lineages_are_no_scaling_result_whatever_the_slope() -> None:
    result = asked(many_lineages(["frim1", "quin1", "zorb1", "welm1", "sart1", "plim1"]))
    series = kind_series(result)
    assert series.verdict is GapVerdict.GROWS  # the numbers do go with size
    assert series.size_verdict == "the gap grows with size, across lineages only"
    assert "No scaling result: 6 models of 6 lineages, none of them at two sizes" in series.words
    assert series.words in result.answer
    assert series.generalises_to == "these_models"
    assert series.slope is not None
    assert series.slope.generalises_to == "these_models"


@pytest.mark.parametrize("lineages", [["frim1"] * 6, ["frim1", "frim1", "zorb1", "welm1", "sart1", "plim1"]])
def test_the_sentence_goes_away_when_one_lineage_has_two_sizes(lineages: Sequence[str]) -> None:
    result = asked(many_lineages(lineages))
    series = kind_series(result)
    assert series.no_scaling_because is None
    assert series.size_verdict == "the gap grows with size"
    assert "scaling result" not in result.answer
    assert series.generalises_to == "new_models"


def test_two_tampered_models_of_one_size_are_no_second_size() -> None:
    """Definition: sizes of a lineage are counted, not its pairs."""
    tables = pairs_corpus({1.0: 0.1}, {1.0: 0.5}, lineage="frim1", kind="abliterated")
    tables = pairs_corpus({8.0: 0.2}, {8.0: 0.6}, lineage="quin1", kind="abliterated", tables=tables)
    part = graded("quin1-other-8b", verdicts(0.7, 5))
    tables[0].extend(part[0])
    tables[1].extend(part[1])
    tables[2].append({"model_id": "quin1-other-8b", "params_total_b": 8.0, "lineage": "quin1", "tampering": "abliterated"})
    series = kind_series(asked(fake_corpus(*tables)))
    assert len(series.used) == 3
    assert series.no_scaling_because is not None
    assert "2 models of 2 lineages" in series.no_scaling_because


def test_refuses_half_of_the_conditions_unknown_ones_and_cells_without_tampered_models() -> None:
    corpus = condition_corpus({"plain": BASE, "cut": NARROWING})
    with pytest.raises(DomainError, match="conditions come in pairs"):
        asked(corpus, baseline_condition="plain")
    with pytest.raises(DomainError, match="no counted row has the condition 'plim'; conditions of this corpus: cut, plain"):
        asked(corpus, baseline_condition="plain", tampered_conditions=["plim"])
    with pytest.raises(DomainError, match="baseline and tampered at once"):
        asked(corpus, baseline_condition="plain", tampered_conditions=["plain"])
    with pytest.raises(DomainError, match="count with Selection\\(tampered='include'\\)"):
        analyze_lineage(build_cells(corpus), corpus.read("models"))
    with pytest.raises(DomainError, match="size_tolerance"):
        asked(corpus, size_tolerance=0.9)


def test_without_tampered_models_it_says_what_is_needed() -> None:
    traces, grades = graded("m", ["COMPLIANCE"] * 30)
    result = asked(fake_corpus(traces, grades, [{"model_id": "m", "params_total_b": 7.0}]))
    assert "30 counted rows, none of a tampered model. Needs tampered models and the untampered ones" in result.answer
    assert result.headlines == ()
    rates = fake_corpus(aggregates=[{"model_id": "m", "rate": 0.3}], models=[{"model_id": "m", "params_total_b": 7.0}])
    assert "1 published rate, none of a tampered model. Needs" in asked(rates).answer
    assert "no graded row counts" in asked(fake_corpus()).answer


def test_headlines_have_a_name_each() -> None:
    result = asked(made(BASE, NARROWING))
    found = {headline.quantity: headline for headline in result.headlines}
    assert len(found) == len(result.headlines) == 8
    mean = found["mean gap, abliterated"]
    assert mean.unit == "pp"
    assert mean.estimate == pytest.approx(100 * sum(t - b for t, b in zip(NARROWING, BASE, strict=True)) / 6)
    assert mean.verdict.startswith("tampered models comply more in 6 of 6 pairs")
    assert found["gap over size, abliterated"].unit == "pp per decade"


def test_estimated_sizes_are_repeated_without() -> None:
    """Law 10."""
    traces, grades, models = pairs_corpus(dict(zip(SIZES, BASE, strict=True)), dict(zip(SIZES, NARROWING, strict=True)))
    for row in models[:3]:
        row["size_source"] = "estimated"
    series = kind_series(asked(fake_corpus(traces, grades, models)))
    assert series.verdict is GapVerdict.SHRINKS
    assert series.without_guesses is GapVerdict.CANNOT_TEST
    assert any("the size of 3 of 6 pairs is estimated; without them: this corpus cannot test" in c for c in series.caveats)
    assert kind_series(asked(made(BASE, NARROWING))).without_guesses is None


def test_rows_on_other_prompts_do_not_move_a_paired_gap() -> None:
    """The gap that is quoted and enters the slope is that of the prompts that both answered, and the other one is said."""
    traces, grades, models = pairs_corpus({2.0: 0.2}, {2.0: 0.7})
    more = graded("frimble1-2b-none", ["COMPLIANCE"] * 100, prompts=[f"easy{i}" for i in range(100)], tag="more")
    (setting,) = asked(fake_corpus(traces + more[0], grades + more[1], models)).settings
    (pair,) = setting.pairs
    assert pair.gap_pp == pytest.approx(10.0)
    assert pair.quoted_gap_pp == pytest.approx(50.0)
    assert "gap +50.0 pp" in setting.words
    assert "(100 paired prompts; over all rows +10.0)" in setting.words
