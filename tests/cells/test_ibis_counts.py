"""A second opinion on the counts: the ibis expression on DuckDB gives what NumPy gives."""

from __future__ import annotations

import random

import ibis
import pytest

from cells.fake_corpus import FakeCorpus, fake_corpus, graded
from cells.test_counts import GRADERS, MODELS
from safescale.cells.counts import SMALL_TABLES, CellCounts, collect_counts
from safescale.cells.ibis_counts import collect_with_ibis
from safescale.errors import DataError
from safescale.records.verdicts import Verdict


def on_duckdb(corpus: FakeCorpus) -> CellCounts:
    engine = ibis.duckdb.connect()
    tables = {"traces": corpus.read("traces"), "grades": corpus.read("grades"), "same": corpus.same_traces()}
    traces, grades, same = map(ibis.memtable, tables.values())
    small = {name: corpus.read(name) for name in SMALL_TABLES}
    return collect_with_ibis(engine, traces, grades, same, fingerprint=corpus.fingerprint(), tables=small)


def drawn_corpus(seed: int) -> FakeCorpus:
    """Hundreds of traces with several grades each, copies in another source among them."""
    rng = random.Random(seed)
    traces = [
        {
            "trace_id": f"t{i:03d}",
            "model_id": rng.choice(["m1", "m2", "m3"]),
            "prompt_id": rng.choice("pqr"),
            "attack_class": rng.choice("ab"),
            "prompt_kind": rng.choice(["harmful", "benign", "unknown"]),
            "response_kind": rng.choice(["text", "none", "telemetry"]),
            "source": rng.choice(["s1", "s2"]),
            "response_sha256": rng.choice([None, *(f"{n:064x}" for n in range(300))]),
        }
        for i in range(300)
    ]
    grades = [
        {
            "trace_id": rng.choice(traces)["trace_id"],
            "verdict": rng.choice([v.value for v in Verdict] + ["COMPLIANCE", "REFUSAL"] * 4),
            "grader_id": (grader := rng.choice(["g1", "g2"])),
            "grader_kind": {"g1": "llm", "g2": "keyword"}[grader],
            "target": rng.choice(["text", "action"]),
            "rubric_version": rng.choice([None, None, "1"]),
        }
        for _ in range(1500)
    ]
    by_source = {source: [t["trace_id"] for t in traces if t["source"] == source] for source in ("s1", "s2")}
    same = list(zip(by_source["s2"], by_source["s1"], strict=False)) if seed else []
    return fake_corpus(traces, grades, MODELS, graders=GRADERS, aggregates=[{"model_id": "m1", "rate": 0.25}], same=same)


@pytest.mark.parametrize("seed", [0, 1])
def test_duckdb_counts_as_numpy_does(seed: int) -> None:
    corpus = drawn_corpus(seed)
    ours, theirs = collect_counts(corpus), on_duckdb(corpus)
    assert theirs.counts.to_pylist() == ours.counts.to_pylist()
    assert theirs.pairs.to_pylist() == ours.pairs.to_pylist()
    assert (theirs.traces, theirs.sources, theirs.fingerprint) == (ours.traces, ours.sources, ours.fingerprint)
    reached = {*ours.counts["repeat"].to_pylist(), *(["pairs"] if ours.pairs.num_rows else [])}
    expected = {"repeated_grade", "superseded_by_evaluable_grade", "grader_contradicts_itself", "pairs", ""}
    assert reached == expected | ({"same_trace_in_another_source"} if seed else set())
    assert {"", "single"} < set(ours.counts["response"].to_pylist())


def test_refuses_a_grade_without_its_trace_and_a_mixed_grader() -> None:
    traces, grades = graded("m1", ["REFUSAL", "REFUSAL"])
    with pytest.raises(DataError, match="2 grades, 1 of them with a trace"):
        on_duckdb(fake_corpus(traces[:1], grades, MODELS))
    grades[0]["grader_kind"] = "keyword"
    with pytest.raises(DataError, match="a keyword rule and something else"):
        on_duckdb(fake_corpus(traces, grades, MODELS))
