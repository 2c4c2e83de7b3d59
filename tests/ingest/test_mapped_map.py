"""A bad map is refused with file, key, what was expected, what came, and the nearest known key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ingest.reading import read_mapped
from safescale.errors import DataError
from safescale.ingest.column_map import load_column_map

GOOD: dict[str, Any] = {
    "source": "toy",
    "kind": "traces",
    "columns": {"model_id": "model", "prompt_id": "item"},
    "grades": [{"grader_kind": "llm", "column": "label", "outcome_map": "binary_harmful"}],
}
AGGREGATES: dict[str, Any] = {
    "source": "toy",
    "kind": "aggregates",
    "rate_unit": "percent",
    "outcome": "strict",
    "columns": {"model_id": "model", "grader_id": {"const": "judge"}, "rate": "asr"},
}


def written(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "map.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def grade(**changes: Any) -> dict[str, Any]:
    return {**GOOD, "grades": [{**GOOD["grades"][0], **changes}]}


def columns(**changes: Any) -> dict[str, Any]:
    return {**GOOD, "columns": {**GOOD["columns"], **changes}}


MISTAKES: list[tuple[str, Any, str, str]] = [
    ("typo at the top", {**GOOD, "colunms": {}}, "colunms", "did you mean 'columns'"),
    ("no source", {k: v for k, v in GOOD.items() if k != "source"}, "source", "the key 'source'"),
    ("typo in a field", columns(modle_id="x"), "columns.modle_id", "did you mean 'model_id'"),
    ("bad kind", {**GOOD, "kind": "trace"}, "kind", "did you mean 'traces'"),
    ("no model", {**GOOD, "columns": {"prompt_id": "x"}}, "columns", "'model_id'"),
    ("no prompt", {**GOOD, "columns": {"model_id": "x"}}, "columns", "'prompt_id'"),
    ("two places", columns(condition={"column": "a", "const": "b"}), "columns.condition", "exactly one of"),
    ("no place", columns(condition={"default": "b"}), "columns.condition", "exactly one of"),
    ("otherwise alone", columns(condition={"column": "a", "otherwise": "b"}), "columns.condition.otherwise", "values"),
    ("values in two cases", columns(condition={"column": "a", "values": {"A": "x", "a": "y"}}), "columns.condition.values", "case"),
    ("bad reduction", columns(condition={"column": "a", "reduce": "median"}), "columns.condition.reduce", "max, min"),
    ("bad pattern", columns(condition={"from_file": "("}), "columns.condition.from_file", "regular expression"),
    ("bad grader kind", grade(grader_kind="lmm"), "grades[0].grader_kind", "did you mean 'llm'"),
    ("bad outcome map", grade(outcome_map="binary"), "grades[0].outcome_map", "binary_harmful"),
    ("bad verdict", grade(outcome_map={"a": "COMPLY"}), "grades[0].outcome_map.a", "COMPLIANCE"),
    ("two verdicts for a label", grade(outcome_map={"a": "PARTIAL", "A": "REFUSAL"}), "grades[0].outcome_map.A", "case"),
    ("no outcome map", {**GOOD, "grades": [{"grader_kind": "llm", "column": "x"}]}, "grades[0]", "outcome_map"),
    ("map and rules", grade(rules=[]), "grades[0].rules", "either"),
    ("label twice", grade(label="x"), "grades[0]", "exactly one of column, label"),
    ("bad test", grade(not_gradeable_when={"a": {"over": 1}}), "grades[0].not_gradeable_when.a.over", "above"),
    ("bound as text", grade(not_gradeable_when={"a": {"above": "1"}}), "grades[0].not_gradeable_when.a.above", "number"),
    ("bad target", grade(target="txt"), "grades[0].target", "did you mean 'text'"),
    ("bad missing", grade(missing_means="SKIP"), "grades[0].missing_means", "no_grade"),
    ("empty grades", {**GOOD, "grades": []}, "grades", "at least one element"),
    ("rows without reason", {**GOOD, "rows": {"keep": {"a": 1}}}, "rows.reason", "'reason'"),
    ("rows both ways", {**GOOD, "rows": {"keep": {"a": 1}, "drop": {"a": 2}, "reason": "x"}}, "rows", "exactly one of"),
    ("size without source", {**GOOD, "models": {"m": {"params_total_b": 7}}}, "models.m.source", "'source'"),
    ("size of zero", {**GOOD, "models": {"m": {"params_total_b": 0, "source": "x"}}}, "models.m", "above 0"),
    ("rate unit in traces", {**GOOD, "rate_unit": "percent"}, "rate_unit", "no such key"),
    ("repeats and own ids", {**columns(trace_id="id"), "identical_rows": "repeats"}, "identical_rows", "repeats"),
    ("two characters", {**GOOD, "delimiter": ";;"}, "delimiter", "one character"),
    ("missing values", {**GOOD, "missing_values": "NA"}, "missing_values", "list of texts"),
    ("no unit", {k: v for k, v in AGGREGATES.items() if k != "rate_unit"}, "rate_unit", "read in two ways"),
    ("no outcome", {k: v for k, v in AGGREGATES.items() if k != "outcome"}, "outcome", "read in two ways"),
    ("grades of aggregates", {**AGGREGATES, "grades": GOOD["grades"]}, "grades", "no such key"),
    ("a list", "- a\n- b\n", "(top)", "mapping"),
    ("nothing", "", "(top)", "mapping"),
    ("extends itself", "extends: map.yaml\n", "extends", "does not extend itself"),
]


@pytest.mark.parametrize(("content", "key", "says"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_refuses_a_mistake_and_names_it(tmp_path: Path, content: Any, key: str, says: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(DataError) as caught:
        load_column_map(path)
    error = caught.value
    assert error.file == str(path)
    assert error.column == key
    assert error.expected is not None
    assert says in error.expected
    assert error.got


@pytest.mark.parametrize("text", ["a: [1", "a: 1\na: 2\n", "\tx: 1", "a: \xff"])
def test_refuses_what_is_not_yaml(tmp_path: Path, text: str) -> None:
    path = tmp_path / "map.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match="map") as caught:
        load_column_map(path)
    assert caught.value.file == str(path)


def test_refuses_a_map_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load_column_map(tmp_path / "none.yaml")


def test_good_maps_load(tmp_path: Path) -> None:
    assert load_column_map(written(tmp_path, GOOD)).kind == "traces"
    assert load_column_map(written(tmp_path, AGGREGATES)).percent


def test_every_shipped_map_loads() -> None:
    maps = sorted((Path(__file__).resolve().parents[2] / "examples" / "maps").glob("*.yaml"))
    assert len(maps) >= 7
    for path in maps:
        text = path.read_text(encoding="utf-8")
        assert load_column_map(path).source
        assert "ource" in text, f"{path.name} does not say where its data are from"
        assert "icence" in text or "facts" in text, f"{path.name} does not say under which licence"


def test_extends_takes_the_other_map_and_replaces_keys(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    over = tmp_path / "over.yaml"
    over.write_text("extends: map.yaml\nsource: other\n", encoding="utf-8")
    base, other = load_column_map(tmp_path / "map.yaml"), load_column_map(over)
    assert (base.source, other.source) == ("toy", "other")
    assert list(other.fields) == list(base.fields)


def test_a_default_outcome_map_fills_in(tmp_path: Path) -> None:
    path = written(tmp_path, {**GOOD, "grades": [{"grader_kind": "llm", "column": "label"}]})
    found = load_column_map(path, default_outcome_map="flip").grades[0].outcome_map
    assert found is not None
    assert found.name == "flip"


def test_a_column_that_the_file_lacks_is_named_with_those_it_has(tmp_path: Path) -> None:
    data = tmp_path / "rows.csv"
    data.write_text("model,item,verdict\na,b,1\n", encoding="utf-8")
    with pytest.raises(DataError, match="no column 'label'") as caught:
        read_mapped(data, written(tmp_path, GOOD))
    assert caught.value.file == str(data)
    assert caught.value.expected is not None
    assert "model, item, verdict" in caught.value.expected


def test_the_same_for_json_lines(tmp_path: Path) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text('{"model": "a", "item": "b"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="no column 'label'"):
        read_mapped(data, written(tmp_path, GOOD))


def test_a_file_name_that_does_not_fit_is_an_error(tmp_path: Path) -> None:
    data = tmp_path / "rows.csv"
    data.write_text("item,label\nb,1\n", encoding="utf-8")
    content = {**GOOD, "columns": {"prompt_id": "item", "model_id": {"from_file": "^run_(.*)\\.csv$"}}}
    with pytest.raises(DataError, match="does not fit the map"):
        read_mapped(data, written(tmp_path, content))
