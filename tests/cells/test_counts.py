"""Counts that a cluster could have made say the same as the rows, under every selection; what they cannot say is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cells.fake_corpus import FakeCorpus, fake_corpus, graded
from safescale.cells import (
    CELL_KEYS,
    Cells,
    CountedCells,
    Counting,
    Responses,
    Selection,
    collect_counts,
    read_cells,
    write_cells,
)
from safescale.errors import DataError, DomainError
from safescale.records.verdicts import Verdict

MODELS = [{"model_id": "m1"}, {"model_id": "m2"}, {"model_id": "m3", "tampering": "abliterated"}]
GRADERS = [{"grader_id": "g1"}, {"grader_id": "g2", "grader_kind": "keyword"}]

trace_fields = st.fixed_dictionaries(
    {
        "model_id": st.sampled_from(["m1", "m2", "m3"]),
        "prompt_id": st.sampled_from(["p1", "p2", "p3"]),
        "attack_class": st.sampled_from(["a", "b"]),
        "prompt_kind": st.sampled_from(["harmful", "harmful", "benign", "unknown"]),
        "response_kind": st.sampled_from(["text", "text", "withheld", "none", "telemetry"]),
        "source": st.sampled_from(["s1", "s2"]),
        "response_sha256": st.sampled_from([None, "0" * 64, "1" * 64, "2" * 64, "3" * 64, "4" * 64]),
    }
)
grade_fields = st.fixed_dictionaries(
    {
        "verdict": st.sampled_from([v.value for v in Verdict] + ["COMPLIANCE", "REFUSAL"] * 3),
        "grader_id": st.sampled_from(["g1", "g2"]),
        "target": st.sampled_from(["text", "action"]),
        "rubric_version": st.sampled_from([None, None, "1"]),
    }
)
selections = st.builds(
    Selection,
    tampered=st.sampled_from(["exclude", "include", "only"]),
    exclude_sources=st.sampled_from([(), (), (), ("s1",), ("s*",)]),
    exclude_models=st.sampled_from([(), ("m1",)]),
    allow_keyword=st.booleans(),
    include_telemetry=st.booleans(),
    include_no_response=st.booleans(),
    merge_same_traces=st.booleans(),
)


@st.composite
def corpora(draw: st.DrawFn) -> FakeCorpus:
    """Traces with several grades each, copies of one trace in another source among them."""
    traces = [{"trace_id": f"t{i:02d}", **fields} for i, fields in enumerate(draw(st.lists(trace_fields, max_size=9)))]
    owners = st.sampled_from([trace["trace_id"] for trace in traces] or ["none"])
    drawn = draw(st.lists(st.tuples(owners, grade_fields), min_size=6, max_size=16)) if traces else []
    by_source = {source: sorted(t["trace_id"] for t in traces if t["source"] == source) for source in ("s1", "s2")}
    pairs = list(zip(by_source["s2"], by_source["s1"], strict=False)) if draw(st.integers(0, 3)) else []
    # the same grade once more, of a copy or with another verdict
    drawn += [(copy, fields) for trace_id, fields in drawn for copy, kept in pairs if trace_id == kept]
    again = draw(st.lists(st.sampled_from(["REFUSAL", "ERROR", None]), max_size=len(drawn)))
    drawn += [
        (trace_id, fields if v is None else fields | {"verdict": v}) for (trace_id, fields), v in zip(drawn, again, strict=False)
    ]
    kinds = {"g1": "llm", "g2": "keyword"}
    grades = [{"trace_id": trace_id, "grader_kind": kinds[fields["grader_id"]], **fields} for trace_id, fields in drawn]
    return fake_corpus(traces, grades, MODELS, graders=GRADERS, aggregates=[{"model_id": "m1", "rate": 0.25}], same=pairs)


def through_a_file(corpus: FakeCorpus, folder: Path) -> CountedCells:
    write_cells(collect_counts(corpus), folder / "cells.parquet")
    return CountedCells(read_cells(folder / "cells.parquet"))


def content(cells: Cells) -> dict[str, Any]:
    """Everything that cells say, whole."""
    tables = {name: getattr(cells, name).to_pylist() for name in ("table", "prompt_counts", "over_refusal", "excluded")}
    named = {f.name: getattr(cells, f.name) for f in attrs.fields(Cells) if f.name not in {*tables, "_by_prompt"}}
    return tables | named


def distinct(responses: Responses, cells: Cells) -> list[Any]:
    alone = [responses.of([cell]) for cell in cells]
    settings = {(cell.grader, cell.target) for cell in cells}
    return alone + [responses.of([c for c in cells if (c.grader, c.target) == setting]) for setting in sorted(settings)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cells")


def test_law_counts_say_what_the_rows_say(folder: Path) -> None:
    reached: set[str] = set()

    @given(corpora(), selections, st.booleans())
    def law(corpus: FakeCorpus, selection: Selection, by_source: bool) -> None:
        rows, counts = Counting(corpus), through_a_file(corpus, folder)
        if corpus.same_traces().num_rows and selection.exclude_sources and selection.merge_same_traces:
            with pytest.raises(DomainError, match=r"which copy counts.*--cells"):
                counts.cells(selection, by_source=by_source)
            return
        ours = rows.cells(selection, by_source=by_source)
        assert content(counts.cells(selection, by_source=by_source)) == content(ours)
        assert counts.sources == rows.sources
        assert counts.models.equals(rows.models)
        assert counts.target_pairs(selection) == rows.target_pairs(selection)
        cells = rows.cells(selection)
        assert distinct(counts.responses(selection), cells) == distinct(rows.responses(selection), cells)
        reached.update(exclusion.reason.value for exclusion in ours.exclusions)
        reached.update("pairs" for _ in rows.target_pairs(selection))

    law()
    repeats = {"same_trace_in_another_source", "repeated_grade", "superseded_by_evaluable_grade", "grader_contradicts_itself"}
    assert repeats | {"pairs", "keyword_grader", "source_excluded", "tampered_model"} <= reached


def test_law_order_of_rows_is_irrelevant_to_the_counts() -> None:
    @given(corpora(), st.randoms(use_true_random=False))
    def law(corpus: FakeCorpus, random: Any) -> None:
        shuffled = {name: corpus.read(name) for name in ("traces", "grades", "models", "graders", "aggregates")}
        for name in ("traces", "grades"):
            order = random.sample(range(shuffled[name].num_rows), shuffled[name].num_rows)
            shuffled[name] = shuffled[name].take(pa.array(order, pa.int64()))
        one = collect_counts(corpus)
        other = collect_counts(FakeCorpus(shuffled, zip(*(corpus.same_traces()[c].to_pylist() for c in (0, 1)), strict=True)))
        assert one.counts.equals(other.counts)
        assert one.pairs.equals(other.pairs)
        assert one.traces == other.traces

    law()


def test_a_thousand_repeats_of_one_answer_are_one_row_of_counts() -> None:
    traces, grades = graded("m1", ["REFUSAL"] * 1000, prompts=["p"] * 1000)
    for i, trace in enumerate(traces):
        trace["response_sha256"] = f"{i:064x}"
    counts = collect_counts(fake_corpus(traces, grades, MODELS)).counts
    assert counts.to_pylist()[0] | {"rows": 1000, "response": "single"} == counts.to_pylist()[0]
    assert counts.num_rows == 1


def test_refuses_a_grader_that_is_a_keyword_rule_in_part() -> None:
    traces, grades = graded("m1", ["REFUSAL", "REFUSAL"])
    grades[0]["grader_kind"] = "keyword"
    with pytest.raises(DataError, match="'judge' is a keyword rule and something else"):
        collect_counts(fake_corpus(traces, grades, MODELS))


def test_refuses_a_parquet_file_that_does_not_say_what_it_counts(tmp_path: Path) -> None:
    path = tmp_path / "cells.parquet"
    pq.write_table(pa.table({name: ["x"] for name in CELL_KEYS}), path)
    with pytest.raises(DataError, match=r"does not say which corpus it counts.*safescale cells"):
        read_cells(path)
    path.write_bytes(b"not parquet")
    with pytest.raises(DataError, match="not a file of cells"):
        read_cells(path)
    with pytest.raises(DataError, match="no such file"):
        read_cells(tmp_path / "nowhere.parquet")


def test_the_file_says_what_its_fingerprint_stands_for(tmp_path: Path) -> None:
    corpus = fake_corpus(*graded("m1", ["REFUSAL"]), MODELS)
    write_cells(collect_counts(corpus), tmp_path / "cells.parquet")
    text = (pq.read_schema(tmp_path / "cells.parquet").metadata or {})[b"safescale_cells"].decode()
    assert corpus.fingerprint() in text
    assert "cannot be recomputed from this file" in text
    assert read_cells(tmp_path / "cells.parquet").fingerprint == corpus.fingerprint()


def test_what_needs_rows_is_refused_in_words() -> None:
    counted = CountedCells(collect_counts(fake_corpus(*graded("m1", ["REFUSAL"]), MODELS)))
    with pytest.raises(DomainError, match=r"no rows.*same traces.*--cells"):
        counted.verdict_pairs(Selection(), "a", "b")
    with pytest.raises(DomainError, match="no rows"):
        counted.row_fates(Selection())
    with pytest.raises(DomainError, match="'traces' is not among them"):
        counted.read("traces")
