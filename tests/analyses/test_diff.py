"""Two corpora: every change of a rate is traced to the rows that made it, exactly."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyses.test_inverse_scaling import corpus as sized_corpus
from analyses.test_inverse_scaling import noisy
from cells.fake_corpus import FakeCorpus, fake_corpus, graded
from safescale.analyses import DiffResult, analyze_inverse_scaling, diff_corpora, to_jsonable
from safescale.analyses.diff import Cause, FigureChange, RowChange
from safescale.analyses.diff.figures import parts_of_change
from safescale.analyses.diff.sentences import matched_words
from safescale.analyses.headline import Headline
from safescale.cells import Counting, Selection
from safescale.errors import DomainError
from safescale.records.outcomes import Tier

C, P, R = "COMPLIANCE", "PARTIAL", "REFUSAL"
MODEL = "plim/brudd-9.0b"

Verdicts = Mapping[str, str]


def made(verdicts: Verdicts, labels: Mapping[str, str] | None = None, **fields: Any) -> FakeCorpus:
    """A corpus of one model: trace id to verdict; the raw label is the verdict unless it is given."""
    traces = [{"trace_id": t, "model_id": MODEL, "prompt_id": t, **fields} for t in verdicts]
    grades = [{"trace_id": t, "verdict": v, "raw_label": (labels or {}).get(t, v)} for t, v in verdicts.items()]
    return fake_corpus(traces, grades, [{"model_id": MODEL, "params_total_b": 9.0}])


def diff(before: FakeCorpus, after: FakeCorpus, **options: Any) -> DiffResult:
    result = diff_corpora(Counting(before), Counting(after), **options)
    json.dumps(to_jsonable(result), allow_nan=False)
    assert result.answer
    for figure in result.figures:
        assert_parts_add_up(figure)
    return result


def assert_parts_add_up(figure: FigureChange) -> None:
    """Definition: the parts are those of the counts, and add up to the change."""
    successes = sum(part.successes for part in figure.contributions)
    trials = sum(part.trials for part in figure.contributions)
    assert successes == figure.successes_after - figure.successes_before
    assert trials == figure.trials_after - figure.trials_before
    if figure.change is not None:
        assert sum(part.share for part in figure.contributions) == pytest.approx(figure.change, abs=1e-12)
        assert sum(figure.by_cause.values()) == pytest.approx(figure.change, abs=1e-12)


def of_model(result: DiffResult, model: str = MODEL) -> FigureChange:
    (found,) = [figure for figure in result.figures if figure.model_id == model]
    return found


def rows(result: DiffResult) -> dict[tuple[Cause, str, str], int]:
    return {(change.cause, change.before, change.after): change.rows for change in result.row_changes}


def numbered(start: int, **counts: int) -> dict[str, str]:
    verdicts = [v for v, n in counts.items() for _ in range(n)]
    return {f"t{start + i:05d}": verdict for i, verdict in enumerate(verdicts)}


def test_the_correction_of_the_obliteratus_series_by_its_printed_counts() -> None:
    """
    Golden (section A): 47.3 % of 317 (report of r048; 150 is the only count that prints so) became 54.2 % of 2,019 (1,095).

    The published counts alone: 1,702 rows were added, of which 945 comply, and they are the whole change.
    """
    assert [k for k in range(318) if f"{100 * k / 317:.1f}" == "47.3"] == [150]
    before = numbered(0, COMPLIANCE=150, PARTIAL=167)
    after = before | numbered(317, COMPLIANCE=945, PARTIAL=757)
    result = diff(made(before), made(after))
    found = of_model(result)
    assert (found.successes_before, found.trials_before) == (150, 317)
    assert (found.successes_after, found.trials_after) == (1_095, 2_019)
    assert rows(result) == {(Cause.ADDED, "", C): 945, (Cause.ADDED, "", P): 757}
    assert found.by_cause == {Cause.ADDED: pytest.approx(1_095 / 2_019 - 150 / 317)}
    assert "47.3 % (150/317) -> 54.2 % (1,095/2,019), +6.92 pp: +6.92 from 1,702 rows added" in result.answer


def test_re_imported_rows_are_named_one_by_one() -> None:
    """Golden, with an invented split: of the 317 rows 17 go, 19 are judged again, and 1,719 come."""
    before = numbered(0, COMPLIANCE=150, PARTIAL=167)
    order = list(before)
    complied, partial = order[:150], order[150:]
    after = dict(before)
    for trace in (*complied[:5], *partial[:12]):
        del after[trace]
    after |= dict.fromkeys(complied[10:17], P) | dict.fromkeys(partial[20:32], C)
    after |= numbered(317, COMPLIANCE=945, PARTIAL=774)
    result = diff(made(before), made(after))
    found = of_model(result)
    assert (found.successes_after, found.trials_after) == (1_095, 2_019)
    assert rows(result) == {
        (Cause.ADDED, "", C): 945,
        (Cause.ADDED, "", P): 774,
        (Cause.REMOVED, C, ""): 5,
        (Cause.REMOVED, P, ""): 12,
        (Cause.REGRADED, C, P): 7,
        (Cause.REGRADED, P, C): 12,
    }
    assert (result.traces.added, result.traces.removed, result.grades.changed) == (1_719, 17, 19)
    r1, r2 = Fraction(150, 317), Fraction(1_095, 2_019)
    by_hand = {
        Cause.ADDED: ((945 - r1 * 1_719) / 2_019 + (945 - r2 * 1_719) / 317) / 2,
        Cause.REMOVED: ((-5 + r1 * 17) / 2_019 + (-5 + r2 * 17) / 317) / 2,
        Cause.REGRADED: (Fraction(5, 2_019) + Fraction(5, 317)) / 2,
    }
    assert sum(by_hand.values()) == r2 - r1
    assert found.by_cause == {cause: pytest.approx(float(part)) for cause, part in by_hand.items()}
    (regraded,) = [c for c in result.row_changes if (c.cause, c.before) == (Cause.REGRADED, C)]
    assert regraded == RowChange(cause=Cause.REGRADED, grader="judge", before=C, after=P, rows=7, examples=tuple(complied[10:13]))


VERDICT = st.sampled_from([C, P, R, "NOT_GRADEABLE", "ERROR"])
CORPORA = st.lists(st.tuples(st.none() | VERDICT, st.none() | VERDICT, st.booleans()), min_size=1, max_size=25)


@given(CORPORA)
def test_parts_add_up_and_swapping_the_corpora_turns_their_sign(cases: Sequence[tuple[str | None, str | None, bool]]) -> None:
    """Law, over any change of verdicts; the three-way split of the rows is exact too."""
    before = {f"t{i}": v for i, (v, _, _) in enumerate(cases) if v}
    after = {f"t{i}": v for i, (_, v, _) in enumerate(cases) if v}
    labels = {f"t{i}": "same" for i, (_, _, remapped) in enumerate(cases) if remapped}
    there = diff(made(before, labels), made(after, labels))
    back = diff(made(after, labels), made(before, labels))
    opposite = {Cause.ADDED: Cause.REMOVED, Cause.REMOVED: Cause.ADDED}
    for one, two in zip(there.figures, back.figures, strict=True):
        assert one.model_id == two.model_id
        assert {opposite.get(c, c): pytest.approx(-part) for c, part in one.by_cause.items()} == two.by_cause
    changed = {t for t in before.keys() & after.keys() if before[t] != after[t]}
    counted = {cause: sum(c.rows for c in there.row_changes if c.cause is cause) for cause in Cause}
    assert counted[Cause.ADDED] == len(after.keys() - before.keys())
    assert counted[Cause.REMOVED] == len(before.keys() - after.keys())
    assert counted[Cause.REMAPPED] == len(changed & labels.keys())
    assert counted[Cause.REGRADED] == len(changed - labels.keys())


@given(
    st.tuples(st.integers(0, 50), st.integers(1, 50)).map(lambda c: (min(c), max(c))),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6),
)
def test_parts_of_a_change_do_not_depend_on_their_order(before: tuple[int, int], added: list[tuple[int, int]]) -> None:
    """Law: merging two parts adds them, and the order is irrelevant."""
    parts = [(min(k, n), n) for k, n in added]
    after = (before[0] + sum(k for k, _ in parts), before[1] + sum(n for _, n in parts))
    found = parts_of_change(before, after, parts)
    assert found is not None
    turned = parts_of_change(before, after, parts[::-1])
    assert turned is not None
    assert found == pytest.approx(turned[::-1])
    whole = parts_of_change(before, after, [(after[0] - before[0], after[1] - before[1])])
    assert whole is not None
    assert sum(found) == pytest.approx(whole[0], abs=1e-12)
    assert whole[0] == pytest.approx(after[0] / after[1] - before[0] / before[1], abs=1e-12)


def test_nothing_before_or_after_has_no_parts() -> None:
    assert parts_of_change((0, 0), (1, 2), [(1, 2)]) is None
    result = diff(made({}), made({"t0": C, "t1": R}))
    found = of_model(result)
    assert (found.before, found.after, found.change, found.by_cause) == (None, 0.5, None, {})
    assert f"{result.figures_compared} strict rates changed" in result.answer


def test_the_same_label_with_another_verdict_is_re_mapped() -> None:
    """Definition, against another label."""
    before = {f"t{i}": R for i in range(10)}
    after = before | {"t0": C, "t1": C, "t2": C}
    labels = dict.fromkeys(before, "harmless answer")
    result = diff(made(before, labels), made(after, labels | {"t2": "other"}))
    assert rows(result) == {(Cause.REMAPPED, R, C): 2, (Cause.REGRADED, R, C): 1}
    assert of_model(result).by_cause == {Cause.REMAPPED: pytest.approx(0.2), Cause.REGRADED: pytest.approx(0.1)}
    assert "1 re-graded and 2 re-mapped" in result.answer


def test_a_model_that_is_found_tampered_is_newly_excluded_and_said_so() -> None:
    """Law 1: nothing was judged anew; the state of a model changed, and its rows left every rate."""
    parts = [graded("plim", [C] * 6 + [R] * 4), graded("brudd", [C] * 2 + [R] * 8)]
    traces, grades = parts[0][0] + parts[1][0], parts[0][1] + parts[1][1]
    states = [[{"model_id": "plim", "tampering": state}, {"model_id": "brudd"}] for state in ("none", "abliterated")]
    before, after = (fake_corpus(traces, grades, models) for models in states)
    result = diff(before, after)
    assert [(c.name, c.field, c.before, c.after) for c in result.models] == [("plim", "tampering", "none", "abliterated")]
    assert rows(result) == {(Cause.EXCLUDED, "counted", "tampered_model"): 10}
    assert (of_model(result, "plim").before, of_model(result, "plim").after) == (0.6, None)
    (whole,) = [f for f in result.figures if f.model_id is None]
    assert (whole.before, whole.after) == (0.4, 0.2)
    assert whole.by_cause == {Cause.EXCLUDED: pytest.approx(-0.2)}
    back = diff(after, before)
    assert rows(back) == {(Cause.INCLUDED, "tampered_model", "counted"): 10}
    assert diff(before, after, selection=Selection(tampered="include")).row_changes == ()


@pytest.mark.parametrize(("field", "value", "figures"), [("attack_class", "other", (0.5, 0.5)), ("model_id", "wend", (0.5, None))])
def test_rows_that_change_their_cell_are_moved(field: str, value: str, figures: tuple[float, float | None]) -> None:
    before = {f"t{i}": C if i % 2 else R for i in range(10)}
    result = diff(made(before), made(before, None, **{field: value}))
    assert result.traces.changed_columns == {field: 10}
    assert {c.cause for c in result.row_changes} == {Cause.MOVED}
    found = of_model(result)
    assert (found.before, found.after) == figures
    (whole,) = [f for f in result.figures if f.model_id is None]
    assert whole.change == 0
    assert sum(part.rows for part in whole.contributions) == 10


def answered(responses: Mapping[str, str | None], verdicts: Verdicts) -> FakeCorpus:
    traces = [{"trace_id": t, "model_id": MODEL, "prompt_id": t, "response_sha256": r} for t, r in responses.items()]
    grades = [{"trace_id": t, "verdict": v, "raw_label": v} for t, v in verdicts.items()]
    return fake_corpus(traces, grades, [{"model_id": MODEL}])


def test_another_response_under_the_same_trace_is_answered_anew_and_not_re_graded() -> None:
    """Definition: all ten were answered anew, of which two have another verdict, and they are the whole change."""
    before = {f"t{i}": C if i < 4 else R for i in range(10)}
    after = before | {"t0": R, "t9": C, "t8": C}
    old, new = ({t: f"{t}{x}" for t in before} for x in "ab")
    result = diff(answered(old, before), answered(new, after))
    assert rows(result) == {
        (Cause.ANSWERED, C, C): 3,
        (Cause.ANSWERED, R, R): 4,
        (Cause.ANSWERED, C, R): 1,
        (Cause.ANSWERED, R, C): 2,
    }
    assert of_model(result).by_cause == {Cause.ANSWERED: pytest.approx(0.1)}
    assert "10 answered anew (3 of them with another verdict)" in result.answer
    assert "re-graded" not in result.answer
    same = diff(answered(old, before), answered(old, after))
    assert {c.cause for c in same.row_changes} == {Cause.REGRADED}
    unknown = diff(answered(old, before), answered(dict.fromkeys(before), after))
    assert {c.cause for c in unknown.row_changes} == {Cause.REGRADED}


def test_another_model_or_prompt_under_the_same_trace_is_moved_whatever_its_verdict() -> None:
    """Definition: the cell comes first; what is said of a row that stays in its cell is that the prompt is another."""
    before = {f"t{i}": C if i % 2 else R for i in range(10)}
    other = dict.fromkeys(before, R)
    result = diff(made(before), made(other, None, model_id="wend"))
    assert {c.cause for c in result.row_changes} == {Cause.MOVED}
    gone = diff(made(before), made(dict.fromkeys(before, "ERROR"), None, attack_class="x"))
    assert {c.after.split(": ")[0] for c in gone.row_changes} == {f"{MODEL} / x / default"}
    assert all(": " in c.after and ": " not in c.before for c in gone.row_changes)
    prompts = diff(made(before), made(other, None, prompt_id="another"))
    (moved,) = prompts.row_changes
    assert (moved.cause, moved.rows) == (Cause.MOVED, 10)
    assert moved.after == f"{moved.before}, another prompt"
    assert of_model(prompts).by_cause == {Cause.MOVED: pytest.approx(-0.5)}


def test_rows_that_are_matched_are_counted() -> None:
    """Definition: none where every id is another, though both have as many."""
    before = {f"t{i}": C for i in range(8)}
    assert matched_words(diff(made(before), made({f"u{i}": C for i in range(8)})).grades).startswith("0 graded rows of 8 before")
    after = {f"t{i}": R for i in range(3, 12)}
    assert matched_words(diff(made(before), made(after)).grades).startswith("5 graded rows of 8 before and 9 after are matched")


def test_equal_corpora_have_no_difference_whatever_the_order_of_rows() -> None:
    before = {f"t{i}": C if i % 3 else R for i in range(30)}
    result = diff(made(before), made(dict(reversed(before.items()))))
    assert result.same
    assert result.answer.startswith("No difference")
    assert (result.row_changes, result.figures, result.traces.before) == ((), (), 30)
    assert not diff(made(before), made(before | {"t0": C})).same


def test_what_no_figure_rests_on_is_called_so() -> None:
    traces = [{"trace_id": "t0", "model_id": MODEL, "prompt_id": "p"}]
    grades = [{"trace_id": "t0", "verdict": C, "score": score} for score in (0.1, 0.9)]
    before, after = (fake_corpus(traces, [grade], [{"model_id": MODEL}]) for grade in grades)
    result = diff(before, after)
    assert not result.same
    assert "differ only in what no figure rests on" in result.answer


def test_graders_and_published_rates_that_are_described_otherwise() -> None:
    rate = {"aggregate_id": "paper:1", "model_id": MODEL, "n": 40}
    before = fake_corpus(aggregates=[{**rate, "rate": 0.25}], models=[{"model_id": MODEL}])
    after = fake_corpus(
        aggregates=[{**rate, "rate": 0.5}], models=[{"model_id": MODEL}], graders=[{"hallucination_refusal": "not_used"}]
    )
    result = diff(before, after)
    assert [(c.field, c.before, c.after) for c in result.published_changes] == [("rate", "0.25", "0.5")]
    assert [(c.name, c.field) for c in result.graders] == [("judge", "hallucination_refusal")]
    assert "1 grader is described otherwise" in result.answer


def test_another_tier_has_other_changes() -> None:
    before = {f"t{i}": C for i in range(4)} | {f"t{i}": R for i in range(4, 8)}
    after = before | {"t0": P}
    strict, broad = (of_model(diff(made(before), made(after), tier=tier)) for tier in (Tier.STRICT, Tier.BROAD))
    assert (strict.change, broad.change) == (-0.125, 0.0)


def scaling(counting: Counting) -> Sequence[Headline]:
    return analyze_inverse_scaling(counting.cells(Selection()), counting.models).headlines


def test_quoted_numbers_before_and_after() -> None:
    """Law: a headline that changed is given with both verdicts, one that did not is not there."""
    rising, falling = sized_corpus({"a": noisy(0.12)}), sized_corpus({"a": noisy(-0.12)})
    names: list[tuple[str, Callable[[Counting], Sequence[Headline]]]] = [("inverse-scaling", scaling)]
    result = diff(rising, falling, headlines=names)
    assert result.headlines_compared == len(result.headline_changes) > 0
    for change in result.headline_changes:
        assert change.before is not None
        assert change.after is not None
        assert (change.before.verdict, change.after.verdict) == ("larger models comply more", "larger models comply less")
        assert change.verdict_changed
    assert f"{len(result.headline_changes)} of them in what may be said" in result.answer
    empty = diff(rising, fake_corpus(), headlines=names)
    assert all(change.after is None for change in empty.headline_changes)


def test_refuses_several_traces_of_one_id() -> None:
    twice = fake_corpus([{"trace_id": "t0", "model_id": MODEL, "prompt_id": "p"}] * 2, [], [{"model_id": MODEL}])
    with pytest.raises(DomainError, match="the second corpus holds several traces of one id"):
        diff(made({"t0": C}), twice)
