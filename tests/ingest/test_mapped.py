"""What a column map can express, on invented rows."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from ingest.reading import Read, read_mapped
from safescale.cells import build_cells
from safescale.errors import DataError
from safescale.ingest.batch import Options, Probe
from safescale.ingest.identity import sha256_text
from safescale.ingest.mapped import Mapped
from safescale.ingest.session import ingest
from safescale.store import open_corpus

BASE: dict[str, Any] = {
    "source": "toy",
    "kind": "traces",
    "columns": {"model_id": "model", "prompt_id": "item", "response": "answer"},
    "grades": [{"grader_id": "judge", "grader_kind": "llm", "column": "label", "outcome_map": "binary_harmful"}],
}
CSV = "model,item,answer,label,other\nm-7b,p1,plum,1,x\nm-7b,p2,pear,0,y\nm-70b,p1,,1,\n"


def run(tmp_path: Path, content: dict[str, Any], data: str | bytes, *, name: str = "rows.csv", **options: Any) -> Read:
    file = tmp_path / name
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    map_path = tmp_path / "map.yaml"
    map_path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return read_mapped(file, map_path, **options)


def with_columns(**changes: Any) -> dict[str, Any]:
    return {**BASE, "columns": {**BASE["columns"], **changes}}


def with_grade(**changes: Any) -> dict[str, Any]:
    return {**BASE, "grades": [{**BASE["grades"][0], **changes}]}


def test_a_csv_becomes_traces_and_grades(tmp_path: Path) -> None:
    found = run(tmp_path, BASE, CSV)
    first = found.traces[0]
    assert {k: first[k] for k in ("source", "source_row", "model_id", "prompt_id", "prompt_kind", "attack_class")} == {
        "source": "toy",
        "source_row": 1,
        "model_id": "m-7b",
        "prompt_id": "p1",
        "prompt_kind": "unknown",
        "attack_class": "none",
    }
    assert (first["response"], first["response_chars"], first["response_sha256"]) == ("plum", 4, sha256_text("plum"))
    assert [t["response_kind"] for t in found.traces] == ["text", "text", "none"]
    assert [g["verdict"] for g in found.grades] == ["COMPLIANCE", "NOT_HARMFUL", "COMPLIANCE"]
    assert found.graders == [
        {"grader_id": "judge", "grader_kind": "llm", "outcome_map": "binary_harmful", "hallucination_refusal": "not_used"}
    ]


def test_without_a_response_column_responses_are_withheld(tmp_path: Path) -> None:
    content = {**BASE, "columns": {"model_id": "model", "prompt_id": "item"}}
    assert {t["response_kind"] for t in run(tmp_path, content, CSV).traces} == {"withheld"}


def test_values_translate_without_case_and_by_pattern(tmp_path: Path) -> None:
    kinds = {"column": "other", "values": {"X*": "benign", "y": "harmful"}, "otherwise": "unknown"}
    found = run(tmp_path, with_columns(prompt_kind=kinds), CSV)
    assert [t["prompt_kind"] for t in found.traces] == ["benign", "harmful", "unknown"]


def test_a_value_that_no_translation_knows_rejects_its_row(tmp_path: Path) -> None:
    found = run(tmp_path, with_columns(prompt_kind={"column": "other", "values": {"x": "benign"}}), CSV)
    assert found.codes() == [(2, "UNKNOWN_VALUE")]
    assert (found.rejects[0].column, found.rejects[0].got) == ("other", "y")
    assert found.rejects[0].raw_sha256 == sha256_text("m-7b,p2,pear,0,y\n")


def test_keep_leaves_what_is_not_translated(tmp_path: Path) -> None:
    attack = {"column": "other", "values": {"x": "none"}, "otherwise": "keep", "default": "missing"}
    found = run(tmp_path, with_columns(attack_class=attack), CSV)
    assert [t["attack_class"] for t in found.traces] == ["none", "y", "missing"]


def test_templates_and_file_names(tmp_path: Path) -> None:
    content = with_columns(
        model_id={"from_file": "^run_(\\w+)\\.csv$"},
        condition={"template": "100%-{item}/{label}"},
        trace_id={"template": "{from_file}:{model}-{item}", "from_file": "^run_(\\w+)\\.csv$"},
    )
    found = run(tmp_path, content, CSV, name="run_phi3.csv")
    assert {t["model_id"] for t in found.traces} == {"phi3"}
    assert [t["condition"] for t in found.traces] == ["100%-p1/1", "100%-p2/0", "100%-p1/1"]
    assert [t["trace_id"] for t in found.traces] == ["toy:phi3:m-7b-p1", "toy:phi3:m-7b-p2", "toy:phi3:m-70b-p1"]


def test_rows_that_are_left_out_are_metadata(tmp_path: Path) -> None:
    keep = {**BASE, "rows": {"keep": {"model": "M-7B"}, "reason": "only one"}}
    drop = {**BASE, "rows": {"drop": [{"model": "m-70b"}, {"item": {"matches": "^q"}}], "reason": "others"}}
    for content in (keep, drop):
        found = run(tmp_path, content, CSV)
        assert (found.rows_in, len(found.traces), found.metadata) == (3, 2, [3])


def test_a_file_that_the_map_does_not_name_is_metadata(tmp_path: Path) -> None:
    found = run(tmp_path, {**BASE, "files": "^runs_"}, "a,b\n1,2\n\n3\n")
    assert (found.rows_in, found.metadata, found.rejects, found.traces) == (3, [1, 2, 3], [], [])


@pytest.mark.parametrize(
    ("test", "holds"),
    [
        ("p1", [True, False, True]),
        ({"in": ["p1", "p9"]}, [True, False, True]),
        ({"not_in": ["p1"]}, [False, True, False]),
        ({"matches": "^p[2-9]"}, [False, True, False]),
        ({"empty": False}, [True, True, True]),
    ],
)
def test_conditions_on_text(tmp_path: Path, test: Any, holds: list[bool]) -> None:
    found = run(tmp_path, with_grade(not_gradeable_when={"item": test}), CSV)
    assert [g["verdict"] == "NOT_GRADEABLE" for g in found.grades] == holds


@pytest.mark.parametrize(
    ("test", "holds"),
    [
        ({"above": 0.5}, [True, False, False, False]),
        ({"at_least": 0.5}, [True, True, False, False]),
        ({"below": 0.75}, [False, True, False, False]),
        ({"at_most": 0.5}, [False, True, False, False]),
        ({"empty": True}, [False, False, True, True]),
    ],
)
def test_conditions_on_lists_of_numbers(tmp_path: Path, test: Any, holds: list[bool]) -> None:
    data = 'model,item,answer,label,s\nm,1,a,1,"[0.0, 0.75]"\nm,2,b,1,0.5\nm,3,c,1,[]\nm,4,d,1,\n'
    found = run(tmp_path, with_grade(not_gradeable_when={"s": test}), data)
    assert [g["verdict"] == "NOT_GRADEABLE" for g in found.grades] == holds


def test_rules_give_the_first_verdict_that_holds(tmp_path: Path) -> None:
    grade = {
        "grader_id": "rules",
        "grader_kind": "llm",
        "label": {"template": "{label}/{other}"},
        "rules": [{"when": {"label": 0}, "verdict": "REFUSAL"}, {"when": {"other": "x"}, "verdict": "PARTIAL"}],
        "otherwise": "NOT_HARMFUL",
        "missing_means": "NOT_GRADEABLE",
    }
    found = run(tmp_path, {**BASE, "grades": [grade]}, CSV)
    assert [(g["verdict"], g["raw_label"]) for g in found.grades] == [
        ("PARTIAL", "1/x"),
        ("REFUSAL", "0/y"),
        ("NOT_GRADEABLE", ""),
    ]


@pytest.mark.parametrize(
    ("means", "verdicts"),
    [("UNGRADED", ["UNGRADED"]), ("NOT_GRADEABLE", ["NOT_GRADEABLE"]), ("ERROR", ["ERROR"]), ("no_grade", [])],
)
def test_a_missing_label(tmp_path: Path, means: str, verdicts: list[str]) -> None:
    found = run(tmp_path, with_grade(missing_means=means), "model,item,answer,label\nm,p,a,\n")
    assert len(found.traces) == 1
    assert [g["verdict"] for g in found.grades] == verdicts


def test_an_inline_outcome_map(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        with_grade(outcome_map={True: "COMPLIANCE", "false": "NOT_HARMFUL"}),
        CSV.replace(",1,", ",True,").replace(",0,", ",False,"),
    )
    assert [g["verdict"] for g in found.grades] == ["COMPLIANCE", "NOT_HARMFUL", "COMPLIANCE"]
    assert found.graders[0]["outcome_map"] == "column map: FALSE = NOT_HARMFUL, TRUE = COMPLIANCE"


def two_graders(**second: Any) -> dict[str, Any]:
    person = {"grader_id": "person", "grader_kind": "human", "column": "other", "outcome_map": {"x": "REFUSAL"}, **second}
    return {**BASE, "grades": [BASE["grades"][0], person]}


def test_an_unknown_label_beside_a_verdict_is_not_gradeable(tmp_path: Path) -> None:
    long = "It is hard to say. " * 30
    found = run(tmp_path, two_graders(), f"model,item,answer,label,other\nm,p,a,1,{long}\n")
    assert (len(found.traces), found.rejects) == (1, [])
    assert [(g["grader_id"], g["verdict"]) for g in found.grades] == [("judge", "COMPLIANCE"), ("person", "NOT_GRADEABLE")]
    assert found.grades[1]["raw_label"] == long[:199] + "…"


@pytest.mark.parametrize("label", ["", "perhaps"])
def test_an_unknown_label_beside_nothing_is_a_reject(tmp_path: Path, label: str) -> None:
    data = f"model,item,answer,label,other\nm,p,a,{label},perhaps not\nm,q,a,1,x\n"
    found = run(tmp_path, two_graders(), data)
    assert found.codes() == [(1, "UNKNOWN_VERDICT")]
    assert len(found.traces) == 1


def test_the_only_grade_unknown_is_a_reject(tmp_path: Path) -> None:
    found = run(tmp_path, BASE, CSV.replace(",0,", ",maybe,"))
    assert found.codes() == [(2, "UNKNOWN_VERDICT")]
    assert (found.rejects[0].column, found.rejects[0].got) == ("label", "maybe")


def test_an_optional_grader_is_skipped_where_its_column_is_absent(tmp_path: Path) -> None:
    optional = two_graders(column="absent", optional=True)
    assert {g["grader_id"] for g in run(tmp_path, optional, CSV).grades} == {"judge"}
    with pytest.raises(DataError, match="absent"):
        run(tmp_path, two_graders(column="absent"), CSV)


def test_grader_by_column_score_and_probability(tmp_path: Path) -> None:
    grade = {**BASE["grades"][0], "grader_id": {"column": "who"}, "score": {"column": "s", "reduce": "max"}, "p_refusal": "p"}
    data = 'model,item,answer,label,who,s,p\nm,1,a,1,j1,"[0.25, 0.5]",0.125\nm,2,b,0,j2,[],\n'
    found = run(tmp_path, {**BASE, "grades": [grade]}, data)
    assert [(g["grader_id"], g["score"], g["p_refusal"]) for g in found.grades] == [("j1", 0.5, 0.125), ("j2", None, None)]
    assert [g["grader_id"] for g in found.graders] == ["j1", "j2"]


@pytest.mark.parametrize(
    ("reduce", "value"), [("max", 3.0), ("min", 1.0), ("mean", 2.0), ("first", 1.0), ("last", 2.0), ("count", 3.0)]
)
def test_reductions(tmp_path: Path, reduce: str, value: float) -> None:
    data = 'model,item,answer,label,s\nm,1,a,1,"[1, 3, 2]"\n'
    found = run(tmp_path, with_grade(score={"column": "s", "reduce": reduce}), data)
    assert found.grades[0]["score"] == value


REPEATED = "model,item,label\nm,p,1\nm,p,1\nm,p,0\nm,p,1\n"
WITHHELD = {**BASE, "columns": {"model_id": "model", "prompt_id": "item"}}


def test_identical_rows_are_repeats_or_duplicates_as_the_map_says(tmp_path: Path) -> None:
    repeats = run(tmp_path, {**WITHHELD, "identical_rows": "repeats"}, REPEATED)
    assert [t["sample_index"] for t in repeats.traces] == [0, 1, 0, 2]
    assert len({t["trace_id"] for t in repeats.traces}) == 4
    duplicates = run(tmp_path, WITHHELD, REPEATED)
    assert len({t["trace_id"] for t in duplicates.traces}) == 2


def test_the_order_of_rows_is_irrelevant_to_repeats(tmp_path: Path) -> None:
    content = {**WITHHELD, "identical_rows": "repeats"}
    header, *rows = REPEATED.splitlines(keepends=True)

    def content_of(found: Read) -> Counter[tuple[str, str, int]]:
        verdict = {g["trace_id"]: g["verdict"] for g in found.grades}
        return Counter((t["trace_id"], verdict[t["trace_id"]], t["sample_index"]) for t in found.traces)

    ahead = content_of(run(tmp_path, content, header + "".join(rows)))
    back = content_of(run(tmp_path, content, header + "".join(reversed(rows))))
    assert ahead == back
    assert len(ahead) == 4


def test_identity_is_what_was_asked_and_answered(tmp_path: Path) -> None:
    data = "model,item,answer,label\nm,p,a,1\nm,p,a,0\nm,p,b,0\n"
    ids = [t["trace_id"] for t in run(tmp_path, BASE, data).traces]
    assert ids[0] == ids[1] != ids[2]
    named = [t["trace_id"] for t in run(tmp_path, {**BASE, "identity": ["answer", "label"]}, data).traces]
    assert len(set(named)) == 3


def test_declared_sizes(tmp_path: Path) -> None:
    content = {
        **with_columns(params_total_b={"column": "size"}, params_estimated={"const": True}),
        "models": {
            "big": {"params_total_b": 70, "params_active_b": 12.5, "source": "card"},
            "unseen": {"params_total_b": 1, "source": "card"},
        },
    }
    data = "model,item,answer,label,size\nsmall,p,a,1,7\nbig,p,a,1,\n"
    assert run(tmp_path, content, data).sizes == {"small": (7.0, None, True), "big": (70.0, 12.5, False)}


@pytest.mark.parametrize(
    ("size", "code"), [("7B", "WRONG_TYPE"), ("0", "OUT_OF_RANGE"), ("nan", "WRONG_TYPE"), ("1e999", "WRONG_TYPE")]
)
def test_a_size_that_is_none_rejects_the_row(tmp_path: Path, size: str, code: str) -> None:
    data = f"model,item,answer,label,size\nm,p,a,1,{size}\n"
    assert run(tmp_path, with_columns(params_total_b="size"), data).codes() == [(1, code)]


def test_instants_lose_their_blank(tmp_path: Path) -> None:
    data = "model,item,answer,label,t\nm,p,a,1,2025-06-27 02:14:17\n"
    assert run(tmp_path, with_columns(created_at="t"), data).traces[0]["created_at"] == "2025-06-27T02:14:17"


def test_prompt_hash_stands_in_for_a_prompt_id(tmp_path: Path) -> None:
    content = {**BASE, "columns": {"model_id": "model", "prompt": "item"}}
    digest = sha256_text("p1")
    assert digest is not None
    assert run(tmp_path, content, CSV).traces[0]["prompt_id"] == f"sha-{digest[:16]}"


def test_options_rename_source_and_grader(tmp_path: Path) -> None:
    found = run(tmp_path, BASE, CSV, source="mine", grader_id="other-judge")
    assert {t["source"] for t in found.traces} == {"mine"}
    assert {g["grader_id"] for g in found.grades} == {"other-judge"}


AGGREGATES: dict[str, Any] = {
    "source": "table",
    "kind": "aggregates",
    "rate_unit": "percent",
    "outcome": "broad",
    "columns": {
        "model_id": "model",
        "attack_class": "attack",
        "grader_id": {"const": "cls"},
        "rate": "asr",
        "n": "n",
        "interval_low": "lo",
        "interval_high": "hi",
        "params_total_b": "b",
    },
}
TABLE = "model,attack,asr,n,lo,hi,b\nm,GCG,12.5,80,5,25,7\nm,PAIR,101,80,,,7\nm,TAP,-,80,,,7\nm,DR,,80,,,7\nm,UAT,0,,,,\n"


def test_aggregates_become_fractions(tmp_path: Path) -> None:
    found = run(tmp_path, AGGREGATES, TABLE)
    assert found.codes() == [(2, "OUT_OF_RANGE"), (3, "WRONG_TYPE"), (4, "MISSING_FIELD")]
    first, last = found.aggregates
    assert (first["rate"], first["n"], first["interval_low"], first["interval_high"]) == (0.125, 80, 0.05, 0.25)
    assert (first["outcome"], first["condition"], first["grader_id"]) == ("broad", "default", "cls")
    assert (last["rate"], last["n"]) == (0.0, None)
    assert found.sizes == {"m": (7.0, None, False)}


def test_a_percentage_read_as_a_fraction_is_out_of_range(tmp_path: Path) -> None:
    found = run(tmp_path, {**AGGREGATES, "rate_unit": "fraction"}, TABLE)
    assert (1, "OUT_OF_RANGE") in found.codes()


TWO_RATES = "model,attack,asr,n,lo,hi,b\nm,GCG,10,,,,\nm,GCG,20,,,,\nm,PAIR,20,,,,\nm,PAIR,20,,,,\n"


def test_two_rates_for_one_cell_are_two_and_the_same_rate_twice_is_one(tmp_path: Path) -> None:
    found = run(tmp_path, AGGREGATES, TWO_RATES)
    a, b, c, d = (row["aggregate_id"] for row in found.aggregates)
    assert len({a, b, c}) == 3
    assert c == d


def test_two_rates_for_one_cell_are_stored_and_count_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "rates.csv").write_text(TWO_RATES)
    (tmp_path / "map.yaml").write_text(yaml.safe_dump(AGGREGATES))
    corpus = open_corpus(tmp_path / "corpus.db", create=True)
    ingest([tmp_path / "rates.csv"], corpus, options=Options(column_map=tmp_path / "map.yaml"))
    try:
        assert corpus.count("aggregates") == 3
        cells = build_cells(corpus)
    finally:
        corpus.close()
    assert [cell.attack_class for cell in cells.aggregates] == ["PAIR"]
    assert cells.aggregate_exclusions == {"publications_disagree": 2}


JSONL = (
    '{"model": "m", "item": 1, "answer": "plum", "label": true, "deep": {"kind": ["unsafe", 0]}}\n'
    '{"model": "m", "item": 2, "answer": null, "label": false, "deep": {}}\n'
)


def test_json_paths_numbers_and_truth_values(tmp_path: Path) -> None:
    kind = {"column": "deep.kind[0]", "values": {"unsafe": "harmful"}, "otherwise": "unknown"}
    found = run(tmp_path, with_columns(prompt_kind=kind), JSONL, name="rows.jsonl")
    assert [t["prompt_id"] for t in found.traces] == ["1", "2"]
    assert [t["prompt_kind"] for t in found.traces] == ["harmful", "unknown"]
    assert [g["raw_label"] for g in found.grades] == ["true", "false"]
    assert [t["response_kind"] for t in found.traces] == ["text", "none"]


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "rows.csv.zst", "rows.tsv"])
def test_every_form_of_csv_reads_the_same(tmp_path: Path, name: str) -> None:
    data = CSV.encode()
    if name.endswith(".gz"):
        data = gzip.compress(data)
    if name.endswith(".zst"):
        data = pa.compress(data, codec="zstd", asbytes=True)
    if name.endswith(".tsv"):
        data = data.replace(b",", b"\t")
    plain = run(tmp_path, BASE, CSV, name="plain.csv")
    assert [t["trace_id"] for t in run(tmp_path, BASE, data, name=name).traces] == [t["trace_id"] for t in plain.traces]


def test_parquet(tmp_path: Path) -> None:
    table = pa.table(
        {
            "model": ["m", "m", None],
            "item": [1, 2, 3],
            "answer": ["plum", None, "fig"],
            "label": [1.0, 0.0, 1.0],
            "s": pa.array([[0.5, 1.0], [], None]),
            "t": pa.array([1, 2, 3], type=pa.timestamp("s")),
        }
    )
    pq.write_table(table, tmp_path / "rows.parquet")
    content = {**with_columns(created_at="t"), "grades": [{**BASE["grades"][0], "score": {"column": "s", "reduce": "last"}}]}
    (tmp_path / "map.yaml").write_text(yaml.safe_dump(content))
    found = read_mapped(tmp_path / "rows.parquet", tmp_path / "map.yaml")
    assert [(g["raw_label"], g["verdict"], g["score"]) for g in found.grades] == [
        ("1.0", "COMPLIANCE", 1.0),
        ("0.0", "NOT_HARMFUL", None),
    ]
    assert found.codes() == [(3, "MISSING_FIELD")]
    assert found.traces[0]["created_at"] == "1970-01-01T00:00:01"


def test_large_files_come_in_pieces(tmp_path: Path) -> None:
    header, row = "model,item,answer,label\n", "m,{},{},1\n"
    data = header + "".join(row.format(i, "plum " * 20) for i in range(20_000))
    (tmp_path / "rows.csv").write_text(data)
    (tmp_path / "map.yaml").write_text(yaml.safe_dump(BASE))
    batches = list(Mapped().read(tmp_path / "rows.csv", Options(column_map=tmp_path / "map.yaml")))
    assert len(batches) > 2
    assert max(b.rows_in for b in batches) <= 8192
    assert sum(b.rows_in for b in batches) == 20_000
    assert sum(b.bytes_read for b in batches) == len(data)


def test_is_never_taken_without_a_map(tmp_path: Path) -> None:
    assert not Mapped().recognises(Probe(path=tmp_path / "rows.csv", head=b"a,b\n"))
    with pytest.raises(DataError, match="needs a column map"):
        list(Mapped().read(tmp_path / "rows.csv", Options()))


def test_a_format_that_is_not_clear_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="format is not clear"):
        run(tmp_path, BASE, CSV, name="rows.txt")
    assert len(run(tmp_path, {**BASE, "format": "csv"}, CSV, name="rows.txt").traces) == 3
    assert len(run(tmp_path, BASE, JSONL, name="rows.log").traces) == 2
