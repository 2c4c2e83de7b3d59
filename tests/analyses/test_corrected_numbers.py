"""Corrected beside graded: how draws are combined, what a draw may change, and that nothing uncorrected passes for corrected."""

from __future__ import annotations

import math
from pathlib import Path

import attrs
import numpy as np
import pyarrow as pa
import pytest
import scipy

from grade.made import graded_corpus, graded_log
from safescale.analyses.bands import grader_bands
from safescale.analyses.corrected import corrected_numbers
from safescale.analyses.headline import Headline
from safescale.analyses.imputation import Imputer
from safescale.analyses.reference import Graded, reference_of_grader
from safescale.cells import Counting, Replacement, Selection
from safescale.main_job import Correcting, Input, Question, analyses, answer
from safescale.records.outcomes import Tier

TIERS = (Tier.STRICT, Tier.BROAD)


def headline(estimate: float | None, half: float = 0.1, verdict: str = "yes", **fields: object) -> Headline:
    whole = {
        "setting": "grader a, target text",
        "quantity": "slope",
        "unit": "pp",
        "p_value": None,
        "n_models": None,
        "n_rows": None,
    }
    low, high = (None, None) if estimate is None else (estimate - half, estimate + half)
    return Headline(**(whole | {"estimate": estimate, "low": low, "high": high, "verdict": verdict} | fields))  # type: ignore[arg-type]


def test_draws_are_combined_by_rubins_rules() -> None:
    """Vouched for by the formula written out."""
    values, half = [1.0, 1.4, 0.9, 1.2, 1.5], 0.6
    found = corrected_numbers([headline(0.8)], [[headline(v, half)] for v in values], reference="r", notes=())
    [own] = found.headlines
    within, between = (half / 1.959963984540054) ** 2, 1.2 * np.var(values, ddof=1)
    dof = 4 * (1 + within / between) ** 2
    reach = scipy.stats.t.ppf(0.975, dof) * math.sqrt(within + between)
    assert own.estimate == pytest.approx(1.2)
    assert (own.low, own.high) == (pytest.approx(1.2 - reach), pytest.approx(1.2 + reach))
    assert own.of_correction == pytest.approx(between / (within + between))
    assert own.graded == headline(0.8)


def test_a_number_that_some_draws_lack_is_not_made_up() -> None:
    draws = [[headline(1.0)], [headline(None, verdict="cannot")], [headline(1.2)]]
    [own] = corrected_numbers([headline(0.8)], draws, reference="r", notes=()).headlines
    assert own.estimate is None
    assert own.verdicts == (("yes", 2), ("cannot", 1))
    [none] = corrected_numbers([headline(0.8)], [[], []], reference="r", notes=()).headlines
    assert none.verdicts == ()


def test_a_verdict_that_changes_is_said() -> None:
    draws = [[headline(1.0, verdict="no")]] * 3
    found = corrected_numbers([headline(0.8), headline(2.0, quantity="other")], draws, reference="r", notes=())
    assert "1 of 1 verdict change, slope (grader a, target text): yes becomes no" in found.answer
    other_number = [[headline(1.0, verdict=f"gap of +{at}.0 pp")] for at in range(3)]
    same = corrected_numbers([headline(0.8, verdict="gap of +9.0 pp")], other_number, reference="r", notes=())
    assert "the one verdict stays" in same.answer
    assert same.headlines[0].verdicts == (("gap of +0.0 pp", 3),)


def test_replaced_verdicts_reach_the_cells_and_leave_rows_and_prompts_alone() -> None:
    corpus, truth = graded_corpus()
    counting = Counting(corpus)
    names = list(truth)
    new = counting.with_verdicts(
        [Replacement(grader="judge", target="text", trace_id=pa.array(names), verdict=pa.array([truth[n] for n in names]))]
    )
    before, after = counting.cells(Selection()), new.cells(Selection())
    assert after.fingerprint == before.fingerprint
    assert after.counted == before.counted
    for cell in after:
        own = [truth[n] for n in names if n.startswith(f"t-{cell.condition}-{cell.model_id[1]}-")]
        assert cell.successes[Tier.STRICT] == own.count("COMPLIANCE")
        assert cell.prompts == 60
    unchanged = counting.with_verdicts(
        [Replacement(grader="other", target="text", trace_id=pa.array(names), verdict=pa.array([truth[n] for n in names]))]
    )
    assert unchanged.cells(Selection()).table.equals(before.table)


def imputer(right: float = 0.8, every: int = 2, **options: object) -> tuple[Imputer, Graded, dict[str, str]]:
    corpus, truth = graded_corpus(right=right, **options)
    graded = Graded.of("judge", "text", Counting(corpus).grader_rows(Selection(), "judge", "text"))
    some = graded.take(np.arange(0, len(graded), every))
    better = attrs.evolve(some, grader="better", verdict=np.array([truth[n] for n in some.trace_id.tolist()], dtype=object))
    return Imputer.of(graded, TIERS, reference_of_grader(better, TIERS), {}), graded, truth


@pytest.mark.parametrize("every", [2, 12])
def test_draws_give_the_true_rates_by_model_on_average(every: int) -> None:
    """With labels of their own (every second trace) and by error rates of the condition (every twelfth)."""
    found, graded, truth = imputer(every=every, prompts=150)
    assert ("by labels of their own" if every == 2 else "by the error rates") in found.words[0]
    rng = np.random.default_rng(0)
    drawn = [dict(zip(d.trace_id.to_pylist(), d.verdict.to_pylist(), strict=True)) for d in (found.draw(rng) for _ in range(15))]
    for condition in ("calm", "pressed"):
        here = [n for n in truth if f"-{condition}-" in n]
        true = np.mean([truth[n] == "COMPLIANCE" for n in here])
        rates = [np.mean([one[n] == "COMPLIANCE" for n in here]) for one in drawn]
        assert np.mean(rates) == pytest.approx(true, abs=0.03 if every == 2 else 0.08)
        assert np.std(rates) > 0
    labelled = graded.trace_id.tolist()[::every]
    assert all(one[n] == truth[n] for one in drawn for n in labelled)


def test_what_labels_do_not_stand_for_gets_no_verdict() -> None:
    found, graded, _ = imputer()
    reference_free = attrs.evolve(found, outside=("elsewhere",), not_corrected={"calm": "not identified"})
    drawn = reference_free.draw(np.random.default_rng(0))
    verdict = dict(zip(drawn.trace_id.to_pylist(), drawn.verdict.to_pylist(), strict=True))
    assert verdict["elsewhere"] == "NOT_GRADEABLE"
    calm = [verdict[n] for n, c in zip(graded.trace_id.tolist(), graded.condition.tolist(), strict=True) if c == "calm"]
    labels = set(graded.trace_id.tolist()[::2])
    unlabelled = [v for n, v in verdict.items() if "-calm-" in n and n not in labels]
    assert set(unlabelled) == {"NOT_GRADEABLE"}
    assert len(calm) == 240


ASKED = {
    "inverse-scaling": analyses.inverse_scaling,
    "safety-roi": analyses.safety_roi,
    "pooled": analyses.pooled,
    "lineage": lambda: analyses.lineage(baseline_condition="calm", tampered_conditions=("pressed",)),
    "compare": lambda: analyses.compare("calm", "pressed", by="condition"),
}


@pytest.mark.parametrize("name", ASKED)
def test_every_analysis_of_rates_says_it_once_more_corrected(name: str, tmp_path: Path) -> None:
    """The uncorrected answer is the same, number by number, with and without the correction."""
    _, truth = graded_log(tmp_path / "plain.jsonl")
    log, _ = graded_log(tmp_path / "log.jsonl", second={n: v for at, (n, v) in enumerate(truth.items()) if at % 2})
    question = Question(graders=("judge",))
    plain = answer(Input(paths=(log,)), question, ASKED[name]())
    both = answer(Input(paths=(log,)), attrs.evolve(question, correcting=Correcting(reference="better", draws=3)), ASKED[name]())
    assert both.result == plain.result or both.result.headlines == plain.result.headlines
    assert both.corrected is not None
    assert [h.graded for h in both.corrected.headlines] == [
        h for h in plain.result.headlines if not h.quantity.startswith("share of rows")
    ]
    assert any(h.estimate is not None and h.estimate != h.graded.estimate for h in both.corrected.headlines)
    assert "Uncorrected and corrected side by side" in both.told("text")
    assert '"corrected": {' in both.told("json")
    assert "--corrected better" in both.command


def test_several_graders_give_a_band() -> None:
    def of(grader: str, value: float | None, verdict: str) -> Headline:
        return headline(value, verdict=verdict, setting=f"grader {grader}, target text, condition c", unit="pp per decade")

    bands = grader_bands(
        [of("a", 1.0, "flat"), of("a · rubric 2", 4.0, "flat"), of("b", None, "cannot")], ["a", "a · rubric 2", "b"]
    )
    [band] = bands
    assert band.graders == ("a", "a · rubric 2", "b")
    assert (band.lowest, band.highest, band.agree) == (1.0, 4.0, False)
    assert band.words.startswith("slope: 3 graders do not lead to the same answer, from +1.0 pp per decade to +4.0 pp per decade")
    [same] = grader_bands([of("a", 1.0, "gap of +1.0 pp"), of("b", 2.0, "gap of +2.0 pp")], ["a", "b"])
    assert same.agree
    assert grader_bands([of("a", 1.0, "flat")], ["a", "b"]) == ()
