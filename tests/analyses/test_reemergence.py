"""Refusals, hedging or neither: simulated truth in, words out; and when the data flip, the words flip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from analyses.tampered import OBLITERATUS, asked, only_series, tampered_corpus
from cells.fake_corpus import fake_corpus, graded
from safescale.analyses import analyze_reemergence
from safescale.analyses.reemergence import Reemergence
from safescale.cells import Selection, build_cells
from safescale.errors import DomainError

SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
RISING = (2, 10, 21, 29, 41, 52)
LEVEL = (20, 17, 21, 18, 22, 19)


def refusing(of_size: Sequence[int]) -> dict[float, tuple[int, int, int]]:
    """Of 100 rows per model so many refusals, the rest compliance."""
    return {size: (100 - k, 0, k) for size, k in zip(SIZES, of_size, strict=True)}


def hedging(of_size: Sequence[int]) -> dict[float, tuple[int, int, int]]:
    return {size: (100 - k, k, 0) for size, k in zip(SIZES, of_size, strict=True)}


CASES: Mapping[str, tuple[Mapping[float, Sequence[int]], Reemergence]] = {
    "refusals rise": (refusing(RISING), Reemergence.REFUSALS_RETURN),
    "refusals fall": (refusing(RISING[::-1]), Reemergence.REFUSALS_FALL),
    "hedging rises at the cost of compliance": (hedging(RISING), Reemergence.HEDGING),
    "hedging falls": (hedging(RISING[::-1]), Reemergence.HEDGING_FALLS),
    "nothing moves": (refusing(LEVEL), Reemergence.NEITHER),
    "hedging rises at the cost of refusals": (
        {size: (30 + i, k, 70 - i - k) for i, (size, k) in enumerate(zip(SIZES, RISING, strict=True))},
        Reemergence.REFUSALS_FALL_HEDGING_RISES,
    ),
    "hedging rises in place of hallucinated refusals": (
        {size: (30 + i, k, 10, 60 - i - k) for i, (size, k) in enumerate(zip(SIZES, RISING, strict=True))},
        Reemergence.HEDGING_RISES,
    ),
    "both rise": (
        {size: (100 - k - k // 2, k // 2, k) for size, k in zip(SIZES, RISING, strict=True)},
        Reemergence.REFUSALS_RETURN,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_words_follow_the_data(case: str) -> None:
    """Definition: re-emergence needs refusals, hedging needs the strict rate to fall, and what falls is said to fall."""
    counts, expected = CASES[case]
    result = asked(tampered_corpus(counts))
    series = only_series(result)
    assert series.testability.can_test
    assert series.verdict is expected
    assert series.verdict_for_these_models is expected
    assert series.words.startswith(f"{series.name}: {expected.value} (models as units).")
    assert f"These models only: {expected.value}." in series.words
    for other in set(Reemergence) - {expected}:
        assert f"{other.value} (models as units" not in result.answer
        assert f"These models only: {other.value}." not in result.answer


def test_six_models_carry_holm_over_both_claims() -> None:
    series = only_series(asked(tampered_corpus(refusing(RISING))))
    refusal = series.trend("refusal")
    assert refusal is not None
    assert refusal.by_models is not None
    assert refusal.by_models.p_value == pytest.approx(2 / 720)
    assert refusal.p_holm == pytest.approx(4 / 720)
    assert series.testability.tests_in_family == 2
    assert "exact p = .003, after Holm p = .006; hedging" in series.words
    assert series.words.count("smallest attainable p .003") == 1


def test_n_is_rows_and_the_responses_behind_them() -> None:
    """With few different responses n misleads; it is said, and the trend is repeated with each counted once."""
    made = tampered_corpus(OBLITERATUS)
    traces = made.read("traces").to_pylist()
    verdict = {row["trace_id"]: row["verdict"] for row in made.read("grades").to_pylist()}
    kept = [{k: v for k, v in trace.items() if v is not None} for trace in traces]
    for i, trace in enumerate(kept):
        number = i % 3 if verdict[trace["trace_id"]] == "PARTIAL" else i % 11
        trace["response_sha256"] = f"{number:064d}" if verdict[trace["trace_id"]] == "PARTIAL" else f"{1000 + number:064d}"
    grades = [{k: v for k, v in row.items() if v is not None} for row in made.read("grades").to_pylist()]
    models = [{k: v for k, v in row.items() if v is not None} for row in made.read("models").to_pylist()]
    result = asked(fake_corpus(kept, grades, models))
    series = only_series(result)
    assert series.responses is not None
    assert series.responses.distinct == 14
    assert "n = 4,163 rows, 14 distinct responses" in result.answer
    assert any("fewer than half as many different responses as rows" in caveat for caveat in series.caveats)
    strict = series.trend("strict")
    assert strict is not None
    assert strict.on_distinct_responses is not None
    assert strict.by_rows is not None
    assert strict.on_distinct_responses.z is not None
    assert strict.by_rows.z is not None
    assert abs(strict.on_distinct_responses.z) < abs(strict.by_rows.z) / 5
    assert strict.on_distinct_responses.trials == (11 + 1, 11 + 11, 11 + 3 + 11, 11 + 3)


def test_without_hashes_nothing_is_said_of_responses() -> None:
    result = asked(tampered_corpus(OBLITERATUS))
    assert only_series(result).responses is None
    assert "n = 4,163 rows." in result.answer
    assert "distinct" not in result.answer


def test_prompts_answered_twice_widen_the_interval() -> None:
    """Law: prompts as clusters never narrow an interval; where each prompt is answered once there is none."""
    counts = {1.0: (60, 20, 20), 4.0: (40, 40, 20), 16.0: (20, 60, 20)}
    once = only_series(asked(tampered_corpus(counts)))
    assert all(share.clustered is None for model in once.models for share in model.shares.values())
    made = tampered_corpus(counts)
    traces = [{k: v for k, v in row.items() if v is not None} for row in made.read("traces").to_pylist()]
    for i, trace in enumerate(traces):
        trace["prompt_id"] = f"p{i % 100 // 5}"
    grades = [{k: v for k, v in row.items() if v is not None} for row in made.read("grades").to_pylist()]
    models = [{k: v for k, v in row.items() if v is not None} for row in made.read("models").to_pylist()]
    twice = only_series(asked(fake_corpus(traces, grades, models)))
    for model in twice.models:
        assert model.prompts == 20
        for share in model.shares.values():
            assert share.clustered is not None
            assert share.interval is not None
            assert share.clustered.low <= share.interval.low
            assert share.clustered.high >= share.interval.high
    strict = twice.trend("strict")
    assert strict is not None
    assert strict.by_prompts is not None
    assert strict.by_prompts.n_clusters == 20
    assert twice.common_prompts == 20


def test_lineages_kinds_and_makers_are_kept_apart_and_shown_together() -> None:
    parts = [
        tampered_corpus(refusing(RISING), developer="plimmer"),
        tampered_corpus(refusing(RISING[::-1]), developer="brodd"),
        tampered_corpus(refusing(LEVEL), developer="plimmer", lineage="zarvo2", tampering="fine_tuned"),
    ]
    rows: list[list[dict[str, Any]]] = [[], [], []]
    for part in parts:
        for i, name in enumerate(("traces", "grades", "models")):
            rows[i] += [{k: v for k, v in row.items() if v is not None} for row in part.read(name).to_pylist()]
    result = asked(fake_corpus(*rows))
    (setting,) = result.settings
    names = [series.name for series in setting.series]
    assert names == [
        "frimble1, abliterated (brodd)",
        "frimble1, abliterated (plimmer)",
        "zarvo2, fine-tuned (plimmer)",
        "all tampered models",
    ]
    assert [series.verdict for series in setting.series[:2]] == [Reemergence.REFUSALS_FALL, Reemergence.REFUSALS_RETURN]
    assert setting.series[0].testability.tests_in_family == 6
    whole = setting.series[-1]
    assert whole.scope == "all"
    assert whole.testability.tests_in_family == 2
    assert "size is not told apart from 3 lineages, kinds of tampering or makers" in whole.words
    assert whole.trends[0].shape is None


def test_a_binary_grader_cannot_speak_of_refusals() -> None:
    """Law 2: "not harmful" is never a refusal."""
    traces, grades, models = [], [], []
    for i, size in enumerate(SIZES):
        part = graded(f"m{i}", ["COMPLIANCE"] * (90 - 10 * i) + ["NOT_HARMFUL"] * (10 + 10 * i))
        traces += part[0]
        grades += part[1]
        models.append({"model_id": f"m{i}", "params_total_b": size, "lineage": "l", "tampering": "abliterated"})
    series = only_series(asked(fake_corpus(traces, grades, models, graders=[{"outcome_map": "binary_harmful"}])))
    assert series.verdict is Reemergence.CANNOT_TEST
    assert series.verdict_for_these_models is Reemergence.CANNOT_TEST
    assert series.trend("refusal") is None
    assert series.trend("strict") is not None
    assert series.words.count("does not tell a refusal from another harmless answer") == 1
    assert "These models only: strict rate falls with size; whether refusals change cannot be told." in series.words
    assert "These models only: this corpus cannot test" not in series.words
    assert any("has no PARTIAL" in reason for reason in series.not_told)


def test_binary_verdicts_under_a_map_with_refusals_are_named_as_the_reason() -> None:
    """Definition: rows are there, so "rows would tell refusals" is wrong; and hedging is not told."""
    traces, grades, models = [], [], []
    for i, size in enumerate(SIZES):
        part = graded(f"m{i}", ["COMPLIANCE"] * (90 - 10 * i) + ["NOT_HARMFUL"] * (10 + 10 * i))
        traces += part[0]
        grades += part[1]
        models.append({"model_id": f"m{i}", "params_total_b": size, "lineage": "l", "tampering": "abliterated"})
    result = asked(fake_corpus(traces, grades, models))
    words = only_series(result).words
    reason = "the verdicts are binary: NOT_HARMFUL (210 of 600 rows) does not tell a refusal from another harmless answer"
    assert words.count(reason) == 1
    assert "published rates" not in words
    assert "Hedging" not in words
    assert "hedging share" not in words
    assert "strict rate falls with size; whether refusals change cannot be told" in words


def test_published_rates_work_as_far_as_they_allow() -> None:
    aggregates = [
        {"model_id": f"m{i}", "rate": rate, "n": 100, "outcome": tier}
        for tier, shift in (("strict", 0.0), ("broad", 0.05))
        for i, rate in enumerate((0.9 + shift, 0.8 + shift, 0.7 + shift, 0.5 + shift, 0.4 + shift))
    ]
    models = [
        {"model_id": f"m{i}", "params_total_b": size, "lineage": "l", "tampering": "abliterated"}
        for i, size in enumerate(SIZES[:5])
    ]
    series = only_series(asked(fake_corpus(aggregates=aggregates, models=models)))
    assert [model.shares["hedging"].successes for model in series.models] == [5] * 5
    strict = series.trend("strict")
    assert strict is not None
    assert strict.by_models is not None
    assert strict.by_models.rho == pytest.approx(-1.0)
    assert strict.by_rows is not None
    assert strict.by_prompts is None
    assert series.verdict is Reemergence.CANNOT_TEST
    assert "published rates do not tell refusals; rows would" in series.words


def test_one_size_and_no_tampered_model_are_said_and_never_raise() -> None:
    one = asked(tampered_corpus({7.0: (50, 30, 20)}))
    assert one.settings[0].series == ()
    assert "no two tampered models of known, different size with enough rows; there is plimmer/frimble1-7b (7B)" in one.answer
    traces, grades = graded("m", ["COMPLIANCE"] * 30)
    none = asked(fake_corpus(traces, grades, [{"model_id": "m", "params_total_b": 7.0}]))
    assert none.settings == ()
    assert "30 graded rows, none of a tampered model" in none.answer
    rates = fake_corpus(aggregates=[{"model_id": "m", "rate": 0.3}], models=[{"model_id": "m", "params_total_b": 7.0}])
    assert "1 published rate, none of a tampered model" in asked(rates).answer
    assert asked(fake_corpus()).answer.startswith("this corpus cannot test this claim: nothing is graded")


def test_two_sizes_are_a_difference_for_these_models() -> None:
    series = only_series(asked(tampered_corpus({1.0: (95, 5, 0), 10.0: (60, 5, 35)})))
    assert series.verdict is Reemergence.CANNOT_TEST
    assert series.verdict_for_these_models is Reemergence.REFUSALS_RETURN
    refusal = series.trend("refusal")
    assert refusal is not None
    assert refusal.slope is None
    assert refusal.raw is not None
    assert refusal.raw.difference_pp_per_decade == pytest.approx(35.0)
    assert refusal.by_models is None


def test_a_small_model_is_shown_and_not_fitted() -> None:
    series = only_series(asked(tampered_corpus(refusing(RISING) | {64.0: (1, 1, 1)})))
    assert [model.why_not_fitted for model in series.models][-1] == "3 evaluable rows, fewer than 20"
    assert len(series.fitted) == 6
    assert any("shown and not fitted: 3 evaluable rows" in caveat for caveat in series.caveats)


@pytest.mark.parametrize("larger", ["text", "action"])
def test_text_against_action_is_paired_by_trace(larger: str) -> None:
    traces, grades, models = [], [], []
    for i, size in enumerate((1.0, 4.0, 16.0)):
        model = f"m{i}"
        part = graded(model, ["COMPLIANCE"] * 50, target="text" if larger == "text" else "action")
        traces += part[0]
        grades += part[1]
        grades += [
            {
                "trace_id": trace["trace_id"],
                "verdict": "COMPLIANCE" if j < 40 - 10 * i else "REFUSAL",
                "target": "action" if larger == "text" else "text",
            }
            for j, trace in enumerate(part[0])
        ]
        models.append({"model_id": model, "params_total_b": size, "lineage": "l", "tampering": "abliterated"})
    result = asked(fake_corpus(traces, grades, models))
    assert [(c.first_only, c.second_only) for c in result.targets] == (
        [(10, 0), (20, 0), (30, 0)] if larger == "text" else [(0, 10), (0, 20), (0, 30)]
    )
    assert result.targets[0].test.p_value == pytest.approx(2 / 2**10)
    assert f"m2: complies more often in {larger}" in result.answer
    other = "action" if larger == "text" else "text"
    assert f"complies more often in {other}" not in result.answer


def test_text_alone_is_not_graded_for_action() -> None:
    assert "Text against action: not graded (only text is graded)" in asked(tampered_corpus(OBLITERATUS)).targets_words


def test_refuses_cells_of_untampered_models_and_options_out_of_range() -> None:
    made = tampered_corpus(OBLITERATUS)
    with pytest.raises(DomainError, match="count with Selection\\(tampered='only'\\)"):
        analyze_reemergence(build_cells(made, Selection(tampered="include")), made.read("models"))
    with pytest.raises(DomainError, match="alpha"):
        asked(made, alpha=0.6)
    with pytest.raises(DomainError, match="min_cell"):
        asked(made, min_cell=0)
    with pytest.raises(DomainError, match="no counted verdict is of grader 'plim'"):
        asked(made, grader="plim")


def test_headlines_name_trends_and_the_rates_of_each_model() -> None:
    result = asked(tampered_corpus(OBLITERATUS))
    found = {headline.quantity: headline for headline in result.headlines}
    assert len(found) == len(result.headlines)
    rate = found["strict rate, plimmer/frimble1-9b"]
    assert rate.estimate == pytest.approx(1095 / 2019)
    assert (rate.n_rows, rate.unit) == (2019, "fraction")
    trend = found["strict rate over size, frimble1, abliterated (plimmer)"]
    assert trend.p_value == pytest.approx(2 / 24)
    assert trend.estimate is not None
    assert trend.estimate < 0


def test_estimated_sizes_are_repeated_without() -> None:
    """Law 10: a guessed size is typed as a guess, and the result is repeated without it."""
    made = tampered_corpus(refusing(RISING))
    tables = [
        [{k: v for k, v in row.items() if v is not None} for row in made.read(name).to_pylist()] for name in ("traces", "grades")
    ]
    models = [{k: v for k, v in row.items() if v is not None} for row in made.read("models").to_pylist()]
    for row in models[:3]:
        row["size_source"] = "estimated"
    traces, grades = tables
    series = only_series(asked(fake_corpus(traces, grades, models)))
    assert series.verdict is Reemergence.REFUSALS_RETURN
    assert series.without_guesses is not None
    assert (series.without_guesses.n_models, series.without_guesses.left_out) == (3, 3)
    assert series.without_guesses.verdict is Reemergence.CANNOT_TEST
    assert any("3 of 6 sizes are estimated; without them models as units: this corpus cannot test" in c for c in series.caveats)
    assert only_series(asked(made)).without_guesses is None


def test_models_on_other_prompts_are_said() -> None:
    apart = only_series(asked(tampered_corpus(refusing(RISING))))
    shared = only_series(asked(tampered_corpus(refusing(RISING), shared_prompts=True)))
    assert (apart.common_prompts, shared.common_prompts) == (0, 100)
    assert any("0 prompts evaluable in all 6 models" in caveat for caveat in apart.caveats)
    assert not any("evaluable in all" in caveat for caveat in shared.caveats)


def test_shares_are_the_four_verdicts_and_add_up() -> None:
    """Definition: COMPLIANCE, PARTIAL, REFUSAL and HALLUCINATION_REFUSAL over evaluable rows, from rows and by prompt alike."""
    series = only_series(asked(tampered_corpus({1.0: (10, 20, 30, 40), 4.0: (11, 23, 37, 29), 16.0: (40, 30, 20, 10)})))
    model = series.models[0]
    assert model.verdicts == {"COMPLIANCE": 10, "PARTIAL": 20, "REFUSAL": 30, "HALLUCINATION_REFUSAL": 40}
    assert {quantity: share.successes for quantity, share in model.shares.items()} == {
        "strict": 10,
        "broad": 30,
        "functionally_dangerous": 70,
        "hedging": 20,
        "refusal": 30,
        "hallucination_refusal": 40,
    }
    refusal = series.trend("refusal")
    assert refusal is not None
    assert refusal.by_rows is not None
    assert refusal.by_rows.successes == (30, 37, 20)
