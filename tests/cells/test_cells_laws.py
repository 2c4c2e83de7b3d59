"""Laws of counting."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from cells.fake_corpus import fake_corpus
from safescale.cells import Cells, build_cells
from safescale.records.verdicts import Verdict

Rows = list[dict[str, Any]]

trace_fields = st.fixed_dictionaries(
    {
        "model_id": st.sampled_from(["m1", "m2", "m3"]),
        "prompt_id": st.sampled_from(["p1", "p2", "p3"]),
        "attack_class": st.sampled_from(["a", "b"]),
        "prompt_kind": st.sampled_from(["harmful", "benign", "unknown"]),
        "response_kind": st.sampled_from(["text", "withheld", "none", "telemetry"]),
        "source": st.sampled_from(["s1", "s2"]),
    }
)
grade_fields = st.fixed_dictionaries(
    {
        "verdict": st.sampled_from([verdict.value for verdict in Verdict]),
        "grader_id": st.sampled_from(["g1", "g2"]),
        "grader_kind": st.sampled_from(["llm", "keyword"]),
        "target": st.sampled_from(["text", "action"]),
        "rubric_version": st.sampled_from([None, "1"]),
    }
)


@st.composite
def corpora(draw: st.DrawFn) -> tuple[Rows, Rows]:
    """Traces and grades, several grades per trace and none at all among them."""
    traces = [{"trace_id": f"t{i:02d}", **fields} for i, fields in enumerate(draw(st.lists(trace_fields, max_size=12)))]
    if not traces:
        return [], []
    owners = st.sampled_from([trace["trace_id"] for trace in traces])
    drawn = draw(st.lists(st.tuples(owners, grade_fields), max_size=20))
    return traces, [{"trace_id": trace_id, **fields} for trace_id, fields in drawn]


MODELS = [{"model_id": "m3", "tampering": "steered"}, {"model_id": "m2"}]


def content(cells: Cells) -> dict[str, Any]:
    """Everything that a corpus determines, whole."""
    tables = {name: getattr(cells, name).to_pylist() for name in ("table", "prompt_counts", "over_refusal", "excluded")}
    return tables | {"exclusions": cells.exclusions, "traces": cells.traces, "considered": cells.considered}


def counted(cells: Cells) -> tuple[pa.Table, pa.Table, pa.Table]:
    return cells.table.to_pylist(), cells.prompt_counts.to_pylist(), cells.over_refusal.to_pylist()


@given(corpora(), st.randoms(use_true_random=False))
def test_order_of_traces_and_grades_is_irrelevant(rows: tuple[Rows, Rows], random: Any) -> None:
    traces, grades = rows
    shuffled = random.sample(traces, len(traces)), random.sample(grades, len(grades))
    assert content(build_cells(fake_corpus(traces, grades, MODELS))) == content(build_cells(fake_corpus(*shuffled, MODELS)))


@given(corpora())
def test_every_graded_row_is_counted_or_excluded_for_one_reason(rows: tuple[Rows, Rows]) -> None:
    cells = build_cells(fake_corpus(*rows, MODELS))
    assert cells.considered == len(rows[1])
    assert int(cells.column("evaluable").sum()) + sum(e.rows for e in cells.exclusions) == len(rows[1])
    assert sum(cells.excluded["rows"].to_pylist()) == sum(e.rows for e in cells.exclusions)
    assert sum(cells.prompt_counts["evaluable"].to_pylist()) == cells.counted
    assert cells.traces.graded + cells.traces.ungraded + cells.traces.copies == len(rows[0])


@given(corpora(), st.sampled_from(["telemetry", "none"]))
def test_an_excluded_row_changes_exclusion_counts_only(rows: tuple[Rows, Rows], response_kind: str) -> None:
    traces, grades = rows
    extra = {"trace_id": "extra", "model_id": "m1", "prompt_id": "p9", "response_kind": response_kind}
    before = build_cells(fake_corpus(traces, grades, MODELS))
    after = build_cells(fake_corpus([*traces, extra], [*grades, {"trace_id": "extra", "verdict": "COMPLIANCE"}], MODELS))
    assert counted(before) == counted(after)
    assert after.considered == before.considered + 1
    assert sum(e.rows for e in after.exclusions) == sum(e.rows for e in before.exclusions) + 1


@given(corpora())
def test_relabelling_models_permutes_the_cells(rows: tuple[Rows, Rows]) -> None:
    traces, grades = rows
    names = {"m1": "z", "m2": "y", "m3": "m3"}
    renamed = [dict(trace, model_id=names[trace["model_id"]]) for trace in traces]
    models = [dict(model, model_id=names[model["model_id"]]) for model in MODELS]

    def by_key(cells: Cells, mapping: dict[str, str]) -> set[tuple[Any, ...]]:
        return {(c.attack_class, mapping[c.model_id], c.grader, c.target, c.evaluable, *c.verdicts.values()) for c in cells}

    mine = by_key(build_cells(fake_corpus(traces, grades, MODELS)), names)
    theirs = by_key(build_cells(fake_corpus(renamed, grades, models)), {name: name for name in names.values()})
    assert mine == theirs


@given(corpora())
def test_a_source_under_another_name_changes_nothing(rows: tuple[Rows, Rows]) -> None:
    traces, grades = rows
    copies = [dict(trace, trace_id=f"copy-{trace['trace_id']}", source="copy") for trace in traces]
    again = [dict(grade, trace_id=f"copy-{grade['trace_id']}") for grade in grades]
    same = [(f"copy-{trace['trace_id']}", trace["trace_id"]) for trace in traces]
    once = build_cells(fake_corpus(traces, grades, MODELS))
    twice = build_cells(fake_corpus(traces + copies, grades + again, MODELS, same=same))
    assert counted(once) == counted(twice)
    assert once.traces.graded == twice.traces.graded
    assert twice.traces.copies == len(traces)


def test_the_strategy_reaches_contradictions_copies_and_empty_corpora() -> None:
    quick = settings(max_examples=5000, phases=[Phase.generate], derandomize=True)

    def excluded_for(reason: str) -> Any:
        return lambda rows: reason in {e.reason.value for e in build_cells(fake_corpus(*rows, MODELS)).exclusions}

    assert find(corpora(), lambda rows: not rows[0], settings=quick) == ([], [])
    for reason in ("grader_contradicts_itself", "superseded_by_evaluable_grade", "repeated_grade", "benign_prompt"):
        assert find(corpora(), excluded_for(reason), settings=quick)[1]
