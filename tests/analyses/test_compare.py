"""Two models, conditions or graders: the numbers are those of the tables that were made, and the words follow them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from cells.fake_corpus import FakeCorpus, fake_corpus, graded
from safescale.analyses import CompareResult, analyze_compare, to_jsonable
from safescale.analyses.compare import ComparedSetting, Comparison, ComparisonVerdict
from safescale.analyses.compare.detectable import detectable_of_pairs, detectable_of_rows, midp_power
from safescale.cells import Counting, Selection, build_cells, verdict_pairs
from safescale.errors import DomainError
from safescale.ingest.batch import Options
from safescale.ingest.session import ingest
from safescale.stats import (
    cohen_kappa,
    mcnemar_midp_test,
    miettinen_nurminen_test,
    newcombe_interval,
    paired_newcombe_interval,
    tango_interval,
)
from safescale.store import open_corpus

MORE, LESS = ComparisonVerdict.SECOND_MORE, ComparisonVerdict.FIRST_MORE
UNDECIDED, CANNOT = ComparisonVerdict.UNDECIDED, ComparisonVerdict.CANNOT
C, R = "COMPLIANCE", "REFUSAL"

Rows = tuple[list[dict[str, Any]], list[dict[str, Any]]]


def both(*parts: Rows, models: Sequence[dict[str, Any]] | None = None, **more: Any) -> FakeCorpus:
    traces, grades = [row for p in parts for row in p[0]], [row for p in parts for row in p[1]]
    named = models or [{"model_id": m} for m in sorted({t["model_id"] for t in traces})]
    return fake_corpus(traces, grades, named, **more)


def compare(made: FakeCorpus, first: str = "plim", second: str = "brudd", **options: Any) -> CompareResult:
    counting = Counting(made)
    selection = options.pop("selection", Selection())
    result = analyze_compare(
        counting.cells(selection),
        counting.models,
        first,
        second,
        verdict_pairs=lambda a, b: counting.verdict_pairs(selection, a, b),
        **options,
    )
    json.dumps(to_jsonable(result), allow_nan=False)
    assert result.answer
    return result


def only(result: CompareResult) -> ComparedSetting:
    (found,) = result.settings
    return found


def overall(result: CompareResult) -> Comparison:
    found = only(result).overall
    assert found is not None
    assert found.generalises_to == "these_models"
    return found


def pairs(n11: int, n10: int, n01: int, n00: int) -> tuple[list[str], list[str]]:
    """Verdicts of the first and the second on the same prompts; n10: only the second complies."""
    first = [C] * n11 + [R] * n10 + [C] * n01 + [R] * n00
    second = [C] * n11 + [C] * n10 + [R] * n01 + [R] * n00
    return first, second


@pytest.mark.parametrize("table", [(10, 12, 2, 30), (0, 3, 0, 20), (25, 0, 5, 0), (5, 4, 4, 9)])
def test_prompts_that_both_answered_once_are_paired(table: tuple[int, int, int, int]) -> None:
    """Definition: the table is counted back, and the quoted numbers are those of stats on it."""
    first, second = pairs(*table)
    found = overall(compare(both(graded("plim", first), graded("brudd", second))))
    assert found.paired is not None
    assert found.method == "paired"
    expected = paired_newcombe_interval(*table)
    assert found.paired.newcombe == expected
    assert found.paired.tango == tango_interval(*table)
    assert (found.estimate, found.low, found.high) == (expected.estimate, expected.low, expected.high)
    assert found.p_value == mcnemar_midp_test(table[1], table[2]).p_value
    assert f"{sum(table)} pairs, {table[1] + table[2]} of them discordant" in found.words


def test_swapping_the_two_mirrors_everything_and_the_words_flip() -> None:
    """Law."""
    first, second = pairs(10, 15, 2, 30)
    made = both(graded("plim", first), graded("brudd", second))
    there, back = compare(made), compare(made, "brudd", "plim")
    one, two = overall(there), overall(back)
    assert one.low is not None
    assert one.high is not None
    assert two.estimate == -one.estimate
    assert [two.low, two.high] == pytest.approx([-one.high, -one.low])
    assert (one.verdict, two.verdict) == (MORE, LESS)
    assert "brudd complies more than plim" in there.answer
    assert "plim complies less than brudd" in back.answer
    assert "more" not in back.answer


def test_without_common_prompts_rows_are_independent() -> None:
    """Definition: Newcombe and the score test; and few rows are shown, not tested."""
    a = graded("plim", [C] * 10 + [R] * 30, prompts=[f"a{i}" for i in range(40)])
    b = graded("brudd", [C] * 25 + [R] * 15, prompts=[f"b{i}" for i in range(40)])
    found = overall(compare(both(a, b)))
    expected = newcombe_interval(25, 40, 10, 40)
    assert found.method == "independent"
    assert (found.estimate, found.low, found.high) == (expected.estimate, expected.low, expected.high)
    assert found.verdict is MORE
    assert found.risk_ratio is not None
    assert found.risk_ratio.estimate == pytest.approx(2.5)
    assert any("0 prompts in common, too few to pair" in caveat for caveat in found.caveats)
    few = overall(compare(both(a, b), min_cell=41))
    assert (few.p_value, few.verdict) == (None, CANNOT)
    assert any("40 evaluable rows on one side, fewer than 41" in caveat for caveat in few.caveats)


def test_several_rows_per_prompt_make_means_of_prompts() -> None:
    """Second opinion: scipy's one-sample t on the differences of the prompts' rates."""
    rng = np.random.default_rng(5)
    rates = rng.uniform(0.1, 0.9, (2, 25))
    rates[1] = np.clip(rates[0] + 0.2, 0, 1)
    parts, by_prompt = [], np.zeros((2, 25))
    for side, name in enumerate(("plim", "brudd")):
        hits = rng.random((25, 4)) < rates[side][:, None]
        by_prompt[side] = hits.mean(axis=1)
        names = [f"p{i}" for i in range(25) for _ in range(4)]
        parts.append(graded(name, [C if hit else R for hit in hits.ravel()], prompts=names))
    found = overall(compare(both(*parts)))
    expected = scipy.stats.ttest_1samp(by_prompt[1] - by_prompt[0], 0)
    interval = expected.confidence_interval()
    assert found.method == "prompt_means"
    assert found.estimate == pytest.approx(float((by_prompt[1] - by_prompt[0]).mean()))
    assert [found.low, found.high] == pytest.approx([interval.low, interval.high])
    assert found.p_value == pytest.approx(expected.pvalue)
    assert "mean over 25 common prompts" in found.words


def test_one_prompt_under_two_classes_is_one_cluster() -> None:
    """Law: overall never pairs more prompts than there are; doubling the classes narrows nothing."""
    first, second = pairs(10, 12, 2, 30)
    parts = [graded(m, v, attack_class=k) for k in ("x", "y") for m, v in (("plim", first), ("brudd", second))]
    single = overall(compare(both(*parts[:2])))
    found = only(compare(both(*parts)))
    assert found.overall is not None
    assert found.overall.method == "prompt_means"
    assert found.overall.prompt_means is not None
    assert found.overall.prompt_means.prompts == 54
    assert found.overall.estimate == pytest.approx(single.estimate)
    assert [c.method for c in found.classes] == ["paired", "paired"]
    assert single.prompt_means is not None
    assert found.overall.prompt_means.standard_error == pytest.approx(single.prompt_means.standard_error)


def test_rows_that_share_prompts_on_one_side_only_are_resampled_by_prompt() -> None:
    """Law: eight equal rows of a prompt are no eight rows; the bootstrap is wider than independence."""
    names = [f"a{i}" for i in range(20) for _ in range(8)]
    a = graded("plim", [C if i % 3 else R for i in range(20) for _ in range(8)], prompts=names)
    b = graded("brudd", [C if i % 2 else R for i in range(60)], prompts=[f"b{i}" for i in range(60)])
    found = overall(compare(both(a, b)))
    assert found.method == "cluster_bootstrap"
    assert found.independent is not None
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low > 1.3 * (found.independent.newcombe.high - found.independent.newcombe.low)


def test_holm_over_classes() -> None:
    """Law: p of a class is corrected by the number of classes that are tested, and one too small does not count."""
    strong, weak = pairs(5, 14, 0, 10), pairs(5, 4, 4, 10)
    parts = [
        graded(m, v, attack_class=k, prompts=[f"{k}{i}" for i in range(len(v))])
        for k, table in (("x", strong), ("y", weak), ("z", pairs(2, 2, 2, 2)))
        for m, v in zip(("plim", "brudd"), table, strict=True)
    ]
    found = only(compare(both(*parts)))
    x, y, z = found.classes
    assert x.p_value is not None
    assert x.p_holm == pytest.approx(2 * x.p_value)
    assert (x.verdict, y.verdict, z.verdict) == (MORE, UNDECIDED, CANNOT)
    assert "brudd complies more than plim in x" in found.words
    assert "cannot be compared in z" in found.words


def test_two_ids_of_one_series_are_reported_and_not_compared() -> None:
    verdicts = [C] * 12 + [R] * 28
    found = only(compare(both(graded("plim", verdicts), graded("brudd", verdicts))))
    assert found.overall is None
    assert found.classes == ()
    assert found.verdict is ComparisonVerdict.IDENTICAL
    assert "the same verdict on all 40 prompts" in found.words
    other = only(compare(both(graded("plim", verdicts), graded("brudd", [*verdicts[:-1], C]))))
    assert other.overall is not None


def test_sizes_make_no_slope() -> None:
    first, second = pairs(5, 14, 0, 10)
    models = [{"model_id": "plim", "params_total_b": 8.0}, {"model_id": "brudd", "params_total_b": 70.0}]
    words = compare(both(graded("plim", first), graded("brudd", second), models=models)).answer
    assert "plim 8B and brudd 70B): a difference of two models is not a slope over size" in words
    unsized = compare(both(graded("plim", first), graded("brudd", second))).answer
    assert "slope" not in unsized


def test_a_canonical_id_stands_for_all_its_ids() -> None:
    models = [
        {"model_id": "host/plim", "canonical_id": "plim"},
        {"model_id": "plim:free", "canonical_id": "plim"},
        {"model_id": "brudd"},
    ]
    a = graded("host/plim", [C] * 10 + [R] * 10)
    b = graded("plim:free", [R] * 20, prompts=[f"q{i}" for i in range(20)])
    c = graded("brudd", [C] * 30 + [R] * 10, prompts=[*(f"p{i}" for i in range(20)), *(f"q{i}" for i in range(20))])
    found = compare(both(a, b, c, models=models))
    assert found.first.ids == ("host/plim", "plim:free")
    assert overall(found).first.trials == 40
    assert overall(found).method == "paired"


def test_conditions_are_paired_within_a_model() -> None:
    """Definition: the pair is (model, prompt); a model under one condition only is left out and said."""
    first, second = pairs(5, 14, 0, 10)
    parts = [graded("plim", first, condition="one"), graded("plim", second, condition="two")]
    extra = graded("brudd", [C] * 25, condition="two")
    found = only(compare(both(*parts, extra), "one", "two", by="condition"))
    assert found.overall is not None
    assert found.overall.method == "paired"
    assert (found.grader, found.condition) == ("judge", None)
    assert found.left_out == ("1 model only in two",)
    assert "models comply more under two than one" in found.words
    lines = [graded(m, v, condition=k) for m in ("plim", "brudd") for k, v in (("one", first), ("two", second))]
    several = only(compare(both(*lines), "one", "two", by="condition"))
    assert [m.name for m in several.models] == ["brudd", "plim"]
    assert all(m.method == "paired" for m in several.models)
    assert several.overall is not None
    assert several.overall.method == "prompt_means"


def test_graders_agree_as_kappa_says() -> None:
    """Second opinion: kappa of the labels themselves, row by row; and the same rows of both are compared."""
    verdicts = [C, "PARTIAL", R]
    rng = np.random.default_rng(3)
    one = rng.integers(0, 3, 80)
    two = np.where(rng.random(80) < 0.7, one, rng.integers(0, 3, 80))
    part = graded("plim", [verdicts[i] for i in one])
    again = graded("plim", [verdicts[i] for i in two], grader_id="other")
    made = fake_corpus(part[0], part[1] + again[1], [{"model_id": "plim"}], graders=[{}, {"grader_id": "other"}])
    found = only(compare(made, "judge", "other", by="grader"))
    assert found.agreement is not None
    assert found.agreement.traces == 80
    assert found.agreement.kappa == pytest.approx(cohen_kappa(one.tolist(), two.tolist()).kappa)
    success = cohen_kappa((one == 0).tolist(), (two == 0).tolist())
    assert found.agreement.success_kappa == pytest.approx(success.kappa)
    assert found.agreement.observed == pytest.approx((one == two).mean())
    assert found.overall is not None
    assert found.overall.estimate == pytest.approx((two == 0).mean() - (one == 0).mean())
    assert "On 80 traces that both graded" in found.words
    table = verdict_pairs(made, Selection(), "judge", "other")
    assert sum(table["traces"].to_pylist()) == 80


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=20, max_size=60), st.randoms())
def test_order_of_rows_is_irrelevant(table: list[tuple[bool, bool]], random: Any) -> None:
    """Law."""
    first, second = [[C if row[i] else R for row in table] for i in (0, 1)]
    shuffled = list(range(len(table)))
    random.shuffle(shuffled)
    made = both(graded("plim", first), graded("brudd", second))
    mixed = both(
        graded("plim", [first[i] for i in shuffled], prompts=[f"p{i}" for i in shuffled]),
        graded("brudd", second),
    )
    assert only(compare(made)).overall == only(compare(mixed)).overall


@pytest.mark.parametrize(("n", "least", "most"), [(20, 0.2, 0.6), (2000, 0.0, 0.05)])
def test_more_pairs_find_smaller_differences(n: int, least: float, most: float) -> None:
    """Law, with the words that go with it."""
    first, second = pairs(n // 4, n // 8, n // 8, n // 2)
    found = overall(compare(both(graded("plim", first), graded("brudd", second)), min_cell=10))
    assert found.detectable is not None
    assert least < found.detectable < most
    assert f"a difference of {100 * found.detectable:.1f} pp would be found in 80 of 100" in found.words


def other_prompts() -> FakeCorpus:
    """On 40 common prompts the second complies more; of its own it has 60 that all are refused, the first 60 that never are."""
    first, second = pairs(10, 15, 2, 13)
    common = [f"p{i}" for i in range(40)]
    return both(
        graded("plim", [*first, *[C] * 60], prompts=[*common, *(f"a{i}" for i in range(60))]),
        graded("brudd", [*second, *[R] * 60], prompts=[*common, *(f"b{i}" for i in range(60))]),
    )


def test_a_paired_difference_is_given_with_the_rates_of_the_pairs() -> None:
    """Definition: rates beside a difference differ by it; that all rows say the opposite is said."""
    result = compare(other_prompts())
    found = overall(result)
    assert found.compared == (12 / 40, 25 / 40)
    assert found.compared[1] - found.compared[0] == pytest.approx(found.estimate)
    assert (found.common_prompts, found.turned_round) == (40, True)
    assert "on 40 common prompts brudd 62.5 % (25/40), plim 30.0 % (12/40); difference +32.5 pp" in found.words
    assert "but over all rows the difference is -47.0 pp, the other way: other prompts" in found.words
    assert any("over all rows the difference is the other way" in caveat for caveat in only(result).caveats)
    first, second = pairs(10, 15, 2, 13)
    alike = compare(both(graded("plim", first), graded("brudd", second)))
    assert "over all rows" not in overall(alike).words
    assert "the other way" not in " ".join(only(alike).caveats)


def test_means_of_prompts_are_given_with_the_means_of_their_rates() -> None:
    """Definition, where a prompt with many rows weighs more over all rows."""
    names = [f"p{i}" for i in range(25) for _ in range(2)]
    a = graded("plim", [*(C if i % 4 else R for i in range(50)), *[C] * 30], prompts=[*names, *["p0"] * 30])
    b = graded("brudd", [C if i % 3 else R for i in range(50)], prompts=names)
    found = overall(compare(both(a, b)))
    assert found.method == "prompt_means"
    assert found.compared[1] - found.compared[0] == pytest.approx(found.estimate)
    assert "on 25 common prompts brudd" in found.words


def test_where_nothing_differs_five_pairs_would_have_to() -> None:
    """Definition: the mid-p of four pairs all one way is .0625, so 60 pairs find 11 pp and not the 4.6 of a normal formula."""
    expected = scipy.optimize.brentq(lambda p: scipy.stats.binom.sf(4, 60, p) - 0.8, 0.01, 0.5)
    assert detectable_of_pairs(60, 0, 0.05, 0.8) == pytest.approx(expected, abs=2e-4)
    assert detectable_of_pairs(4, 0, 0.05, 0.8) is None
    first, second = pairs(0, 0, 0, 60)
    more = ["x"] * 60  # another class, in which they differ, so that they are no copies
    parts = [graded(m, v) for m, v in (("plim", first), ("brudd", second))]
    parts += [graded(m, [v] * 60, attack_class=more[0]) for m, v in (("plim", C), ("brudd", R))]
    (found,) = [c for c in only(compare(both(*parts))).classes if c.name != "x"]
    assert found.detectable == pytest.approx(expected, abs=2e-4)
    assert f"{100 * expected:.1f} pp would be found in 80 of 100 if all discordant pairs point one way" in found.words


@pytest.mark.parametrize(("n", "b", "c"), [(60, 0.11, 0.0), (40, 0.4, 0.1), (300, 0.2, 0.12), (12, 0.5, 0.3)])
def test_power_of_the_mid_p_test_is_its_share_of_rejections(n: int, b: float, c: float) -> None:
    """Second opinion: the test itself on tables that were drawn, and on every table of few pairs."""
    rng = np.random.default_rng(11)
    drawn = rng.multinomial(n, [b, c, 1 - b - c], size=4_000)
    tables, times = np.unique(drawn[:, :2], axis=0, return_counts=True)
    hits = sum(t for (x, y), t in zip(tables, times, strict=True) if mcnemar_midp_test(int(x), int(y)).p_value <= 0.05)
    assert midp_power(n, b, c, 0.05) == pytest.approx(hits / 4_000, abs=0.03)
    if n <= 12:
        every = [(x, y) for x in range(n + 1) for y in range(n + 1 - x) if mcnemar_midp_test(x, y).p_value <= 0.05]
        mass = scipy.stats.multinomial(n, [b, c, 1 - b - c])
        assert midp_power(n, b, c, 0.05) == pytest.approx(sum(float(mass.pmf([x, y, n - x - y])) for x, y in every))


@pytest.mark.parametrize(("first", "second"), [((0, 60), (0, 60)), ((10, 40), (25, 200)), ((300, 1_000), (300, 900))])
def test_the_difference_that_independent_rows_find_is_found(first: tuple[int, int], second: tuple[int, int]) -> None:
    """Second opinion: the share of rejections of the score test at that difference, about the pooled rate."""
    found = detectable_of_rows(first, second, 0.05, 0.8)
    assert found == detectable_of_rows(second, first, 0.05, 0.8)
    assert found is not None
    (k1, n1), (k2, n2) = first, second
    low = max((k1 + k2) / (n1 + n2) - found / 2, 0.0)
    rng = np.random.default_rng(3)
    shares = []
    for p1, p2 in ((low, low + found), (low + found, low)):
        tables, times = np.unique(
            np.column_stack([rng.binomial(n1, p1, 1_500), rng.binomial(n2, p2, 1_500)]), axis=0, return_counts=True
        )
        hits = [miettinen_nurminen_test(int(x), n1, int(y), n2).p_value <= 0.05 for x, y in tables]
        shares.append(float(np.dot(hits, times)) / 1_500)
    assert min(shares) == pytest.approx(0.8, abs=0.05)


def test_published_rates_are_compared_as_far_as_they_go() -> None:
    """Definition: with n there is an interval; without n the difference alone, and what it needs."""
    models = [{"model_id": "plim"}, {"model_id": "brudd"}]
    rates = [{"model_id": "plim", "rate": 0.25, "n": 40}, {"model_id": "brudd", "rate": 0.625, "n": 40}]
    found = overall(compare(fake_corpus(aggregates=rates, models=models)))
    assert (found.estimate, found.method) == (newcombe_interval(25, 40, 10, 40).estimate, "independent")
    without = overall(compare(fake_corpus(aggregates=[rates[0], {**rates[1], "n": None}], models=models)))
    assert without.estimate == pytest.approx(0.375)
    assert (without.low, without.method, without.verdict) == (None, None, CANNOT)
    assert any("rows, or n, are needed" in caveat for caveat in without.caveats)


def test_two_graders_of_one_model_each_are_said() -> None:
    """Definition: it is the grader that they do not share, and not the class; where they share one elsewhere that is said."""
    parts = [graded("plim", [C] * 25), graded("brudd", [R] * 25, grader_id="other")]
    graders = [{}, {"grader_id": "other"}]
    result = compare(both(*parts, graders=graders))
    assert [s.verdict for s in result.settings] == [CANNOT, CANNOT]
    assert "plim and brudd cannot be compared: no grader graded both (judge graded plim alone)" in result.answer
    assert "no grader graded both (other graded brudd alone)" in result.answer
    assert "class" not in result.answer
    conditions = compare(both(graded("plim", [C] * 25, condition="one"), graded("brudd", [R] * 25)))
    assert "under grader judge, target text, condition one there are rows of plim alone" in conditions.answer
    assert "no grader" not in conditions.answer


def test_no_common_class_is_said() -> None:
    made = both(graded("plim", [C] * 20, attack_class="x"), graded("brudd", [R] * 20, attack_class="y"))
    found = only(compare(made))
    assert found.verdict is CANNOT
    assert "no attack class has rows of both (1 attack class only in plim; 1 attack class only in brudd)" in found.words


@pytest.mark.parametrize(
    ("first", "second", "options", "message"),
    [
        ("plimm", "brudd", {}, "no counted row is of model 'plimm'; did you mean plim"),
        ("plim", "plim", {}, "are one model"),
        ("freed", "plim", {}, "--tampered include"),
        ("one", "default", {"by": "condition"}, "no counted row is of condition 'one'"),
        ("judge", "other", {"by": "grader"}, "no counted row is of grader 'other'"),
        ("judge", "judge", {"by": "grader", "grader": "judge"}, "leave out --grader"),
        ("plim", "brudd", {"alpha": 2.0}, "0 < alpha < 0.5"),
    ],
)
def test_refuses(first: str, second: str, options: dict[str, Any], message: str) -> None:
    models = [{"model_id": "plim"}, {"model_id": "brudd"}, {"model_id": "freed", "tampering": "abliterated"}]
    made = both(graded("plim", [C] * 5), graded("brudd", [R] * 5), graded("freed", [C] * 5), models=models)
    with pytest.raises(DomainError, match=message):
        compare(made, first, second, **options)


@pytest.mark.real_data
def test_two_judges_of_speechmap(real_data: Path, tmp_path: Path) -> None:
    """Reproduced (published-claims, section E): agreement .9642, kappa .863 on n = 10,947, with the one safety-removed model."""
    corpus = open_corpus(tmp_path / "corpus.db", create=True)
    column_map = Path(__file__).parents[2] / "examples" / "maps" / "speechmap.yaml"
    ingest([real_data / "speechmap" / "speechmap_labels_only.csv"], corpus, options=Options(column_map=column_map))
    counting, selection = Counting(corpus), Selection(tampered="include")
    result = analyze_compare(
        counting.cells(selection),
        counting.models,
        "openai/gpt-4o-2024-11-20",
        "x-ai/grok-4.1-fast",
        by="grader",
        verdict_pairs=lambda a, b: counting.verdict_pairs(selection, a, b),
    )
    agreement = only(result).agreement
    assert agreement is not None
    assert agreement.kappa is not None
    assert (agreement.traces, f"{agreement.observed:.4f}", f"{agreement.kappa:.3f}") == (10_947, "0.9642", "0.863")
    corpus.close()


def test_cells_without_the_second_opinion_still_compare() -> None:
    made = both(graded("plim", [C] * 20 + [R] * 5), graded("brudd", [R] * 25))
    result = analyze_compare(build_cells(made), made.read("models"), "plim", "brudd")
    assert overall(result).verdict is LESS
