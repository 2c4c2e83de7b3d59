"""Sources pooled, one by one and within: simulated truth in, words out; and when the data flip, the words flip."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import pytest

from analyses.test_inverse_scaling import verdicts
from cells.fake_corpus import FakeCorpus, fake_corpus, graded
from safescale.analyses import PooledResult, ScalingVerdict, analyze_inverse_scaling, analyze_pooled, to_jsonable
from safescale.analyses.pooled import PooledSetting
from safescale.cells import Cells, Selection, build_cells
from safescale.errors import DomainError
from safescale.stats import within_group_slope

MORE, LESS, CANNOT = ScalingVerdict.COMPLY_MORE, ScalingVerdict.COMPLY_LESS, ScalingVerdict.CANNOT_TEST
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
WIGGLE = (0.6, -1.0, 0.2, 0.9, -0.4, -0.8, 1.0, -0.5)

Rates = Mapping[str, Sequence[float | None]]


def corpus(
    sources: Rates, *, n: int = 200, models: Sequence[Mapping[str, Any]] | None = None, sizes: Sequence[float] = SIZES
) -> FakeCorpus:
    """Model i at ``sizes[i]`` has this rate in each source; None where it is not in the source."""
    traces, grades = [], []
    for s, (source, rates) in enumerate(sources.items()):
        for i, rate in enumerate(rates):
            if rate is not None:
                part = graded(f"m{i}", verdicts(rate, n, 7 * i + s), source=source)
                traces += part[0]
                grades += part[1]
    rows = [{"model_id": f"m{i}", "params_total_b": size} for i, size in enumerate(sizes)]
    more = models or [{}] * len(rows)
    return fake_corpus(traces, grades, [row | dict(extra) for row, extra in zip(rows, more, strict=True)])


def by_source(made: FakeCorpus, selection: Selection | None = None) -> tuple[Cells, Cells]:
    chosen = selection or Selection()
    return (
        build_cells(made, chosen, by_source=True),
        build_cells(made, attrs.evolve(chosen, tampered="include"), by_source=True),
    )


def analyze(made: FakeCorpus, selection: Selection | None = None, **options: Any) -> PooledResult:
    result = analyze_pooled(*by_source(made, selection), made.read("models"), **options)
    json.dumps(to_jsonable(result), allow_nan=False)
    assert result.answer
    assert result.headlines
    return result


def only(result: PooledResult) -> PooledSetting:
    (found,) = result.settings
    return found


def line(level: float, per_doubling: float, spread: float = 0.01) -> list[float]:
    return [level + per_doubling * i + spread * w for i, w in enumerate(WIGGLE)]


def slope(found: PooledSetting, source: str) -> float:
    (series,) = [s.series for s in found.sources if s.source == source]
    assert series.slope is not None
    return series.slope.slope.slope_pp_per_decade


@pytest.mark.parametrize(("sign", "word", "other"), [(1, "comply more", "comply less"), (-1, "comply less", "comply more")])
def test_each_source_has_its_slope_and_flipping_the_data_flips_the_words(sign: int, word: str, other: str) -> None:
    """Law: both sources and the pool show the true direction."""
    found = only(analyze(corpus({"plim": line(0.45, 0.05 * sign), "brudd": line(0.5, 0.06 * sign)})))
    verdict = MORE if sign > 0 else LESS
    assert [s.series.verdict for s in found.sources] == [verdict, verdict]
    assert [s.source for s in found.sources] == ["brudd", "plim"]
    assert found.pooled is not None
    assert found.pooled.verdict is verdict
    assert word in found.words
    assert other not in found.words
    assert found.within is not None
    assert not found.within.signs_differ
    assert "Simpson" not in found.words


def test_simpsons_paradox_is_said_when_the_signs_differ_and_only_then() -> None:
    """
    Law: within both sources larger models comply less; the source of large models has a higher level, so the pool says more.
    """
    low = [0.3, 0.25, 0.22, 0.16, None, None, None, None]
    high = [None, None, None, None, 0.9, 0.84, 0.8, 0.75]
    found = only(analyze(corpus({"plim": low, "brudd": high})))
    assert found.pooled is not None
    assert found.pooled.slope is not None
    assert found.pooled.slope.slope.slope_pp_per_decade > 0 > slope(found, "plim")
    assert slope(found, "brudd") < 0
    assert found.within is not None
    assert found.within.signs_differ
    assert found.within.shown_apart
    assert "Simpson's paradox" in found.words
    assert "both intervals exclude zero" in found.words
    assert any("the signs differ" in caveat for caveat in found.caveats)
    assert any("share of 'brudd'" in caveat and "100 pp" in caveat for caveat in found.caveats)
    rising = [1 - r if r is not None else None for r in low], [1 - r if r is not None else None for r in high]
    flipped = only(analyze(corpus({"plim": rising[0], "brudd": rising[1]})))
    assert flipped.within is not None
    assert flipped.within.fit.slope_pp_per_decade == pytest.approx(-found.within.fit.slope_pp_per_decade)


def test_the_slope_within_sources_is_the_mundlak_estimator_of_the_source_rates() -> None:
    """Second opinion: dummies by hand; and models in several sources are clusters, so four copies of a source narrow nothing."""
    rates = line(0.4, 0.03, 0.04)
    sources = {"plim": rates, "brudd": [r + 0.1 for r in rates]}
    within = only(analyze(corpus(sources))).within
    assert within is not None
    x = np.log10(SIZES)
    centred = x - x.mean()
    by_hand = [float(centred @ np.round(np.array(r) * 200) / 200 / (centred @ centred)) for r in sources.values()]
    assert within.fit.slope_pp_per_decade == pytest.approx(100 * np.mean(by_hand))
    assert (within.points, within.models, within.sources) == (16, 8, 2)
    more = only(analyze(corpus(sources | {"orsk": rates, "wend": rates}))).within
    assert more is not None
    assert within.interval is not None
    assert more.interval is not None
    assert more.interval[1] - more.interval[0] == pytest.approx(within.interval[1] - within.interval[0], rel=0.1)
    naive = within_group_slope(more.fit.params_b, more.fit.rates, more.fit.groups).interval
    assert naive is not None
    assert naive[1] - naive[0] < 0.7 * (more.interval[1] - more.interval[0])


def test_the_rows_of_all_sources_add_up_to_the_pool() -> None:
    """Definition: sources keep every counted row, and the pool is the pool of inverse scaling."""
    made = corpus({"plim": line(0.4, 0.03), "brudd": line(0.2, 0.05), "orsk": [0.5, None, 0.4, None, None, 0.1, None, 0.3]})
    found = only(analyze(made))
    whole = build_cells(made)
    assert sum(s.rows for s in found.sources) == found.rows == whole.counted == 200 * 20
    (setting,) = analyze_inverse_scaling(whole, made.read("models")).settings
    assert setting.rows_pooled is not None
    assert found.pooled is not None
    assert found.pooled.slope == setting.rows_pooled.slope
    assert found.pooled.points == setting.rows_pooled.points


def test_holm_is_taken_over_the_sources_that_can_be_tested() -> None:
    """Law: with one source more that can be tested p is corrected further; one of two models is no test."""
    rates = line(0.4, 0.02, 0.03)
    alone = only(analyze(corpus({"plim": rates, "two": [0.2, 0.4, *[None] * 6]})))
    both = only(analyze(corpus({"plim": rates, "brudd": line(0.4, 0.0, 0.03), "two": [0.2, 0.4, *[None] * 6]})))
    p = [next(s.series for s in found.sources if s.source == "plim").p_holm for found in (alone, both)]
    assert p[0] is not None
    assert p[1] == pytest.approx(2 * p[0])
    two = next(s.series for s in both.sources if s.source == "two")
    assert (two.kind, two.verdict, two.p_holm) == ("difference", CANNOT, None)
    assert f"{CANNOT.value} in 1 of 3" in both.words


def test_slopes_that_differ_between_sources_have_a_spread_in_words() -> None:
    """Law: slopes drawn far apart give a large tau, equal ones a small one; two sources give none, and say why."""
    apart = {f"s{i}": line(0.5, slope, 0.01) for i, slope in enumerate((0.06, -0.06, 0.03, -0.02))}
    same = {f"s{i}": line(0.2 + 0.1 * i, 0.02, 0.02) for i in range(4)}
    wide, narrow = (only(analyze(corpus(sources))) for sources in (apart, same))
    assert wide.heterogeneity is not None
    assert narrow.heterogeneity is not None
    assert wide.heterogeneity.pooling.tau > 10 > 5 > narrow.heterogeneity.pooling.tau
    assert "Slopes of 4 sources differ by a standard deviation of about" in wide.words
    assert any("not independent" in caveat for caveat in wide.caveats)
    few = only(analyze(corpus({name: apart[name] for name in ("s0", "s1")})))
    assert few.heterogeneity is None
    assert "2 sources with a slope over at least 5 models" in (few.heterogeneity_unavailable or "")
    assert "standard deviation" not in few.words


def test_the_pooled_slope_stands_with_and_without_tampered_models() -> None:
    """Law 1: the two answers are side by side, and a change is marked."""
    states = [{"tampering": "abliterated" if i > 3 else "none"} for i in range(8)]
    made = corpus({"plim": line(0.3, 0.05)}, models=states)
    found = only(analyze(made))
    without, with_them = found.variants
    assert (without.name, without.as_asked, without.rows, without.models) == ("without_tampered_models", True, 800, 4)
    assert (with_them.name, with_them.as_asked, with_them.rows, with_them.models) == ("with_tampered_models", False, 1600, 8)
    assert with_them.changed
    assert with_them.verdict is MORE
    assert "With tampered models (1,600 rows, 8 models): " in found.words
    asked = only(analyze(made, Selection(tampered="include")))
    assert [v.as_asked for v in asked.variants] == [False, True]
    assert asked.pooled is not None
    assert asked.pooled.slope is not None
    assert asked.pooled.slope.slope.slope_pp_per_decade == with_them.slope_pp_per_decade


def test_without_tampered_models_nothing_is_said_of_them() -> None:
    """Law: no tampered row, no variant sentence."""
    found = only(analyze(corpus({"plim": line(0.4, 0.03)})))
    assert "0 of 1,600 evaluable rows (0.0 %)" in found.words
    assert "tampered models (" not in found.words
    assert found.composition.mostly_tampered == ()


def test_an_id_that_repeats_a_tampered_model_is_found_and_tried_without() -> None:
    """Law 1: a plain name with the verdicts of a tampered model is reported, though the tampered model was left out."""
    traces: list[dict[str, Any]] = []
    grades: list[dict[str, Any]] = []
    for i, rate in enumerate(line(0.3, 0.05)):
        part = graded(f"m{i}", verdicts(rate, 60, 7 * i), source="plim")
        traces, grades = traces + part[0], grades + part[1]
    copy = graded("orsk/m8-freed", verdicts(0.5, 60, 3), source="plim"), graded("m8", verdicts(0.5, 60, 3), source="brudd")
    for part in copy:
        traces, grades = traces + part[0], grades + part[1]
    models = [{"model_id": f"m{i}", "params_total_b": size} for i, size in enumerate((*SIZES, 256.0))]
    models.append({"model_id": "orsk/m8-freed", "params_total_b": 256.0, "tampering": "abliterated"})
    found = only(analyze(fake_corpus(traces, grades, models)))
    assert found.copies_of_tampered == ("m8",)
    assert [v.name for v in found.variants][-1] == "without_copies_of_tampered_models"
    assert found.variants[-1].models == found.variants[0].models - 1
    assert any(caveat.startswith("m8: no tampering is known, but the same verdict") for caveat in found.caveats)


def test_names_that_hide_tampering_fail_a_prefix_and_not_the_state() -> None:
    """
    Golden (report 353, its pooled table): datasets of 25,625 + 6,687 rows of abliterated models and 694 + 3,042 others.

    Excluding by the prefix of a name leaves the abliterated rows in that stand under other names: 32,312 of 36,048, 89.6 %.
    Excluding by state leaves none of them.
    """
    sources = {"telemetry": (25_625, True), "runs": (6_687, True), "archaeology": (694, False), "benchmark": (3_042, False)}
    traces: list[dict[str, Any]] = []
    grades: list[dict[str, Any]] = []
    models: list[dict[str, Any]] = []
    for s, (source, (n, tampered)) in enumerate(sources.items()):
        for i in range(4):
            name = f"orsk/plim-{s}-{2**i}b" if tampered else f"brudd/wend-{s}-{2**i}b"
            models.append({"model_id": name, "params_total_b": float(2**i), "tampering": "abliterated" if tampered else "none"})
            rows = n // 4 + (i < n % 4)
            part = graded(name, verdicts(0.9 - 0.1 * i, rows, i), source=source)
            traces, grades = traces + part[0], grades + part[1]
    part = graded("obliteratus/plim-0.8b", verdicts(0.9, 487), source="telemetry")
    models.append({"model_id": "obliteratus/plim-0.8b", "params_total_b": 0.8, "tampering": "abliterated"})
    made = fake_corpus(traces + part[0], grades + part[1], models)
    by_prefix = tuple(name for row in models if (name := str(row["model_id"])).startswith("obliteratus/"))
    assert by_prefix == ("obliteratus/plim-0.8b",)
    left = only(analyze(made, Selection(tampered="include", exclude_models=by_prefix))).composition
    assert (left.rows, left.rows_tampered, left.mostly_tampered) == (36_048, 32_312, ("runs", "telemetry"))
    assert left.rows != 37_130
    assert left.rows_mostly_tampered == 32_312
    assert left.rows_tampered == left.rows - 694 - 3_042
    found = only(analyze(made, Selection(exclude_models=by_prefix)))
    assert "32,312 of 36,048 evaluable rows (89.6 %) are of models whose safety training was tampered with" in found.words
    assert found.rows == 694 + 3_042
    assert {s.source: s.rows for s in found.sources} == {"archaeology": 694, "benchmark": 3_042, "runs": 0, "telemetry": 0}
    assert only(analyze(made)).rows == found.rows


def test_a_trace_that_two_sources_hold_counts_once() -> None:
    """Law: sources add up although one trace is in both."""
    a = graded("m0", ["COMPLIANCE"] * 30, source="plim")
    b = graded("m0", ["COMPLIANCE"] * 30, source="brudd")
    same = [(x["trace_id"], y["trace_id"]) for x, y in zip(b[0], a[0], strict=True)]
    made = fake_corpus(a[0] + b[0], a[1] + b[1], [{"model_id": "m0", "params_total_b": 1.0}], same=same)
    found = only(analyze(made))
    assert found.rows == 30
    assert {s.source: s.rows for s in found.sources} == {"plim": 30}


def test_published_rates_without_rows_make_a_source_too() -> None:
    """Definition: an aggregate is a point of its publication."""
    rates = [0.1, 0.2, 0.35, 0.4, 0.55, 0.6]
    aggregates = [{"model_id": f"m{i}", "rate": rate, "n": 100, "source": "paper"} for i, rate in enumerate(rates)]
    models = [{"model_id": f"m{i}", "params_total_b": SIZES[i]} for i in range(6)]
    found = only(analyze(fake_corpus(aggregates=aggregates, models=models)))
    (source,) = found.sources
    assert (source.source, source.published_rates, source.rows, source.share_tampered) == ("paper", 6, 0, None)
    assert source.series.verdict is MORE
    assert "nothing is known of whose rows" in found.words


def test_nothing_to_count_says_why() -> None:
    """Refusal in words: an empty corpus, and one of keyword verdicts."""
    empty = analyze_pooled(*by_source(fake_corpus()), fake_corpus().read("models"))
    assert empty.settings == ()
    assert empty.answer == "this corpus cannot test this claim: nothing is graded."
    part = graded("m0", ["COMPLIANCE"] * 5, grader_kind="keyword")
    made = fake_corpus(*part, [{"model_id": "m0"}])
    result = analyze_pooled(*by_source(made), made.read("models"))
    assert "all 5 verdicts are of keyword rules, which are not graders of harm; --allow-keyword lets rows in" in result.answer


def test_refuses_cells_that_add_up_the_sources() -> None:
    made = corpus({"plim": line(0.4, 0.03)})
    with pytest.raises(DomainError, match="by_source=True"):
        analyze_pooled(build_cells(made), build_cells(made), made.read("models"))


def test_refuses_an_unknown_grader() -> None:
    made = corpus({"plim": line(0.4, 0.03)})
    with pytest.raises(DomainError, match="no counted verdict is of grader 'wend'"):
        analyze(made, grader="wend")
