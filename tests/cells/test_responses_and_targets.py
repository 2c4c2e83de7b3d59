"""Different responses behind counted rows, and traces graded on two targets."""

from __future__ import annotations

from cells.fake_corpus import fake_corpus, graded
from safescale.cells import Counting, Selection, build_cells, distinct_responses, target_pairs
from safescale.records.verdicts import Verdict

ONLY = Selection(tampered="only")


def _with_hashes(traces: list[dict[str, object]], hashes: list[str | None]) -> list[dict[str, object]]:
    return [trace | {"response_sha256": h} for trace, h in zip(traces, hashes, strict=True)]


def hashed(letter: str) -> str:
    return letter * 64


def test_different_responses_by_hand() -> None:
    """Definition: a union over cells, not a sum; by verdict; rows that do not count are not there."""
    a, b = graded("m", ["COMPLIANCE", "COMPLIANCE", "PARTIAL", "ERROR"], attack_class="a")
    c, d = graded("m", ["PARTIAL", "PARTIAL"], attack_class="b")
    traces = _with_hashes(a, [hashed("0"), hashed("0"), hashed("1"), hashed("2")]) + _with_hashes(c, [hashed("1"), hashed("3")])
    corpus = fake_corpus(traces, b + d, [{"model_id": "m"}])
    found = distinct_responses(corpus)
    first, second = build_cells(corpus)
    one = found.of([first])
    assert one is not None
    assert (one.rows, one.rows_with_hash, one.distinct) == (3, 3, 2)
    assert (one.by_verdict[Verdict.COMPLIANCE], one.by_verdict[Verdict.PARTIAL], one.by_verdict[Verdict.REFUSAL]) == (1, 1, 0)
    both = found.of([first, second])
    assert both is not None
    assert (both.rows, both.distinct, both.by_verdict[Verdict.PARTIAL]) == (5, 3, 2)


def test_rows_without_a_hash_are_unknown_and_never_one_response() -> None:
    a, b = graded("m", ["COMPLIANCE"] * 3)
    corpus = fake_corpus(_with_hashes(a, [None, None, hashed("5")]), b, [{"model_id": "m"}])
    found = distinct_responses(corpus).of(build_cells(corpus))
    assert found is not None
    assert (found.rows, found.rows_with_hash, found.distinct) == (3, 1, 1)
    none = fake_corpus(a, b, [{"model_id": "m"}])
    assert distinct_responses(none).of(build_cells(none)) is None


def test_responses_follow_the_selection() -> None:
    a, b = graded("plain", ["COMPLIANCE"] * 2)
    c, d = graded("cut", ["COMPLIANCE"] * 3)
    traces = _with_hashes(a, [hashed("0"), hashed("1")]) + _with_hashes(c, [hashed("2")] * 3)
    corpus = fake_corpus(traces, b + d, [{"model_id": "plain"}, {"model_id": "cut", "tampering": "abliterated"}])
    counting = Counting(corpus)
    (cell,) = counting.cells(ONLY)
    found = counting.responses(ONLY).of([cell])
    assert found is not None
    assert (cell.model_id, found.rows, found.distinct) == ("cut", 3, 1)


def test_pairs_of_targets_are_traces_with_both() -> None:
    """Definition: verdict against verdict on one trace; a trace with one target only is in no pair."""
    traces, grades = graded("m", ["COMPLIANCE", "COMPLIANCE", "REFUSAL", "PARTIAL"], target="text")
    acts = ["COMPLIANCE", "REFUSAL", "REFUSAL"]
    grades += [
        {"trace_id": trace["trace_id"], "verdict": verdict, "target": "action", "grader_id": "watcher"}
        for trace, verdict in zip(traces, acts, strict=False)
    ]
    corpus = fake_corpus(traces, grades, [{"model_id": "m"}], graders=[{}, {"grader_id": "watcher"}])
    (pair,) = target_pairs(corpus)
    assert (pair.first_target, pair.first_grader, pair.second_target, pair.second_grader) == ("text", "judge", "action", "watcher")
    assert pair.traces == {
        (Verdict.COMPLIANCE, Verdict.COMPLIANCE): 1,
        (Verdict.COMPLIANCE, Verdict.REFUSAL): 1,
        (Verdict.REFUSAL, Verdict.REFUSAL): 1,
    }
    assert target_pairs(fake_corpus(traces, grades[:4], [{"model_id": "m"}])) == ()


def test_every_pair_of_graders_that_share_traces_is_paired() -> None:
    traces, grades = graded("m", ["COMPLIANCE"] * 2, target="text")
    more = [
        {"trace_id": traces[i]["trace_id"], "verdict": "REFUSAL", "target": "action", "grader_id": grader}
        for i, grader in ((0, "one"), (1, "one"), (1, "two"))
    ]
    corpus = fake_corpus(traces, grades + more, [{"model_id": "m"}], graders=[{}, {"grader_id": "one"}, {"grader_id": "two"}])
    found = {pair.second_grader: sum(pair.traces.values()) for pair in target_pairs(corpus)}
    assert found == {"one": 2, "two": 1}


def test_a_trace_in_two_sources_has_the_response_and_the_grades_of_both() -> None:
    """A copy that lacks the hash, and a target that was graded on the copy alone."""
    text, text_grades = graded("m", ["COMPLIANCE"], source="a", target="text")
    act, act_grades = graded("m", ["REFUSAL"], source="b", target="action")
    corpus = fake_corpus(
        _with_hashes(text, [hashed("0")]) + _with_hashes(act, [None]),
        text_grades + act_grades,
        [{"model_id": "m"}],
        same=[(act[0]["trace_id"], text[0]["trace_id"])],
    )
    found = distinct_responses(corpus).of(build_cells(corpus))
    assert found is not None
    assert (found.rows, found.rows_with_hash, found.distinct) == (2, 2, 1)
    (pair,) = target_pairs(corpus)
    assert pair.traces == {(Verdict.COMPLIANCE, Verdict.REFUSAL): 1}
