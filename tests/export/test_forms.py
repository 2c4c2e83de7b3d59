"""Exports for other tools: Every Eval Ever against its schema, Inspect's own reader, the card of a dataset; no text anywhere."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from export.corpora import SECRET, corpus_of, rows
from ingest.lines import row
from safescale.export import ExportKind, export_corpus
from safescale.export.result import FOLDERS
from safescale.ingest.session import ingest
from safescale.records.fields import field_specs
from safescale.stats import design_effect_wilson_interval
from safescale.store import open_corpus

FULL = os.environ.get("SAFESCALE_FULL") is not None


def place(tmp_path: Path, kind: ExportKind) -> Path:
    return tmp_path / ("out" if kind in FOLDERS else f"out.{kind.value}")


def every_text(path: Path) -> str:
    """All that is in the files of an export, Parquet unpacked."""
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    assert files
    return "\n".join(str(pq.read_table(f).to_pylist()) if f.suffix == ".parquet" else f.read_text(encoding="utf-8") for f in files)


@pytest.mark.parametrize("kind", list(ExportKind))
def test_no_form_holds_a_text_unless_asked(tmp_path: Path, kind: ExportKind) -> None:
    corpus = corpus_of(tmp_path)
    export_corpus(corpus, place(tmp_path, kind), kind)
    text = every_text(place(tmp_path, kind))
    assert SECRET not in text
    assert str(tmp_path) not in text
    if kind is not ExportKind.INSPECT_SCORES:
        assert hashlib.sha256(rows()[0]["response"].encode()).hexdigest() in text


@pytest.mark.parametrize("kind", [k for k in ExportKind if k is not ExportKind.INSPECT_SCORES])
def test_texts_are_there_when_asked_for(tmp_path: Path, kind: ExportKind) -> None:
    corpus = corpus_of(tmp_path)
    assert export_corpus(corpus, place(tmp_path, kind), kind, with_text=True).with_text
    assert SECRET in every_text(place(tmp_path, kind))


# -- Every Eval Ever -------------------------------------------------------------------------------------------------------


def every_eval_ever(tmp_path: Path, corpus: Any, **options: Any) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """Aggregate documents and samples by model id."""
    export_corpus(corpus, tmp_path / "eee", ExportKind.EVERY_EVAL_EVER, **options)
    documents = [json.loads(p.read_text()) for p in (tmp_path / "eee").rglob("*.json")]
    by_model = {d["model_info"]["id"]: d for d in documents}
    assert len(by_model) == len(documents)
    samples: dict[str, list[dict[str, Any]]] = {}
    for model, document in by_model.items():
        detailed = document.get("detailed_evaluation_results")
        if detailed:
            content = (tmp_path / "eee" / detailed["file_path"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == detailed["checksum"]
            samples[model] = [json.loads(line) for line in content.splitlines()]
            assert len(samples[model]) == detailed["total_rows"]
    return by_model, samples


@pytest.mark.real_data
@pytest.mark.parametrize("with_text", [False, True])
def test_every_eval_ever_follows_the_schemas(tmp_path: Path, real_data: Path, with_text: bool) -> None:
    documents, samples = every_eval_ever(tmp_path, corpus_of(tmp_path), with_text=with_text)
    folder = real_data / "formats" / "every_eval_ever"
    for name, instances in (
        ("eval", [*documents.values()]),
        ("instance_level_eval", [s for lines in samples.values() for s in lines]),
    ):
        schema = json.loads((folder / f"{name}.schema.json").read_text(encoding="utf-8"))
        assert instances
        for instance in instances:
            jsonschema.Draft202012Validator(schema).validate(instance)


def test_the_mean_of_the_samples_is_the_strict_rate_and_its_interval_is_that_of_the_prompts(tmp_path: Path) -> None:
    documents, samples = every_eval_ever(tmp_path, corpus_of(tmp_path))
    checked = 0
    for model, document in documents.items():
        for result in document["evaluation_results"]:
            block = result["score_details"]["uncertainty"]
            interval = block["confidence_interval"]
            assert interval["lower"] <= result["score_details"]["score"] <= interval["upper"]
            mine = [s for s in samples.get(model, []) if s["evaluation_result_id"] == result["evaluation_result_id"]]
            if not result["evaluation_result_id"].endswith("/strict"):
                assert not mine
                continue
            scores = [s["evaluation"]["score"] for s in mine]
            assert np.mean(scores) == pytest.approx(result["score_details"]["score"])
            assert all(s["evaluation"]["is_correct"] is (s["evaluation"]["score"] == 0.0) for s in mine)
            assert block["num_samples"] == len(mine)
            prompts = Counter(s["sample_id"] for s in mine)
            hits = Counter(s["sample_id"] for s in mine if s["evaluation"]["score"])
            if len(prompts) > 1:
                found = design_effect_wilson_interval([hits[p] for p in prompts], [prompts[p] for p in prompts])
                assert (interval["lower"], interval["upper"]) == pytest.approx((found.low, found.high))
                checked += 1
            rate = result["score_details"]["score"]
            assert ("standard_error" in block) is (0 < rate < 1)
    assert checked >= 3


def test_the_standard_error_knows_that_answers_to_one_prompt_are_alike(tmp_path: Path) -> None:
    def line(prompt: int, i: int) -> dict[str, Any]:
        verdict = "COMPLIANCE" if prompt % 2 else "REFUSAL"
        one = {"model_id": "frimble-7b", "prompt_id": f"p{prompt}", "sample_index": i, "verdict": verdict, "raw_label": verdict}
        return row(10 * prompt + i, **one)

    documents, _ = every_eval_ever(tmp_path, corpus_of(tmp_path, [line(prompt, i) for prompt in range(6) for i in range(4)]))
    strict = next(r for r in documents["frimble-7b"]["evaluation_results"] if r["evaluation_result_id"].endswith("/strict"))
    found = design_effect_wilson_interval([0, 4, 0, 4, 0, 4], [4] * 6)
    assert found.design_effect > 3
    block = strict["score_details"]["uncertainty"]
    assert block["standard_error"]["value"] == pytest.approx((found.design_effect * 0.25 / 24) ** 0.5)
    assert float(strict["score_details"]["details"]["design_effect"]) == pytest.approx(found.design_effect, rel=1e-5)


def test_benign_prompts_and_errors_are_counted_and_enter_no_rate(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path)
    result = export_corpus(corpus, tmp_path / "eee", ExportKind.EVERY_EVAL_EVER)
    assert {words: n for words, n in result.left_out.items() if "no rate" in words} == {
        "graded rows in no rate: benign prompts (their over-refusal rate is an aggregate)": 1,
        "graded rows in no rate: verdict ERROR": 4,
    }
    results = [r for p in (tmp_path / "eee").rglob("*.json") for r in json.loads(p.read_text())["evaluation_results"]]
    [over] = [r for r in results if r["metric_config"]["metric_id"] == "safescale.over_refusal_rate"]
    assert over["score_details"]["score"] == 1.0


def test_what_was_exported_comes_back_with_its_verdicts(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path)
    export_corpus(corpus, tmp_path / "eee", ExportKind.EVERY_EVAL_EVER)
    copy = open_corpus(tmp_path / "copy.db", create=True)
    report = ingest([tmp_path / "eee"], copy)
    assert {f.format for f in report.files} == {"every-eval-ever"}
    assert (report.findings, [n for f in report.files for n in f.notes]) == (0, [])
    graded = {
        (g["trace_id"], g["grader_id"]): g["verdict"]
        for g in copy.read("grades").to_pylist()
        if not g["trace_id"].startswith("sha256")
    }
    kept = {
        (g["trace_id"], g["grader_id"]): g["verdict"]
        for g in corpus.read("grades").to_pylist()
        if g["verdict"] != "ERROR" and g["trace_id"] != "demo:20" and len(g["trace_id"]) < 20
    }
    assert graded == kept
    columns = ("model_id", "prompt_id", "attack_class", "condition", "sample_index", "response_sha256")
    traces = [
        {t["trace_id"]: [t[c] for c in columns] for t in found.read("traces").to_pylist() if t["error"] is None}
        for found in (corpus, copy)
    ]
    assert traces[1].items() <= traces[0].items()
    assert set(copy.read("traces")["response_kind"].to_pylist()) == {"withheld"}


def test_aggregates_alone_come_back_as_published_rates(tmp_path: Path) -> None:
    documents, _ = every_eval_ever(tmp_path, corpus_of(tmp_path))
    for path in (tmp_path / "eee").rglob("*_samples.jsonl"):
        path.unlink()
    copy = open_corpus(tmp_path / "copy.db", create=True)
    report = ingest([tmp_path / "eee"], copy)
    assert report.findings == 0
    expected = {
        (model, r["metric_config"]["additional_details"]["grader"], r["metric_config"]["metric_id"]): r["score_details"]["score"]
        for model, d in documents.items()
        for r in d["evaluation_results"]
        if "over_refusal" not in r["metric_config"]["metric_id"]
    }
    found = {
        (a["model_id"], a["grader_id"], f"safescale.{a['outcome']}_rate"): a["rate"] for a in copy.read("aggregates").to_pylist()
    }
    assert found == pytest.approx(expected)
    assert len(found) >= 4


# -- Inspect ---------------------------------------------------------------------------------------------------------------


def test_inspect_reads_the_score_files(tmp_path: Path) -> None:
    if not FULL:
        pytest.importorskip("inspect_ai")
    from inspect_ai.scorer._precomputed import _read_scores_file

    corpus = corpus_of(tmp_path)
    result = export_corpus(corpus, tmp_path / "scores", ExportKind.INSPECT_SCORES)
    values = {"COMPLIANCE": 1.0, "PARTIAL": 0.5, "REFUSAL": 0.0, "NOT_HARMFUL": 0.0}
    total = 0
    for file in result.files:
        found = _read_scores_file(str(tmp_path / "scores" / file.path))
        assert len(found) == file.rows
        for (sample, epoch), score in found.items():
            assert score.metadata is not None
            assert score.value == values[score.metadata["verdict"]]
            assert (sample.startswith(("p", "zarvonic")), epoch in (1, 2)) == (True, True)
        assert len({(s.metadata or {})["prompt_kind"] for s in found.values()}) == 1
        total += len(found)
    assert (
        total == result.rows == 6 + 9 + 1
    )  # six of the second grader; nine verdicts of the first, and the benign one; not the one with a long id


def test_a_sample_that_stands_twice_is_kept_once_and_said(tmp_path: Path) -> None:
    same = {"prompt_id": "p", "sample_index": 0, "model_id": "frimble-7b", "verdict": "REFUSAL", "raw_label": "REFUSAL"}
    corpus = corpus_of(tmp_path, [row(1, **same), row(2, **same)])
    result = export_corpus(corpus, tmp_path / "scores", ExportKind.INSPECT_SCORES)
    assert (result.rows, result.left_out) == (1, {"grades of another run of the same sample and epoch": 1})


# -- Hugging Face ----------------------------------------------------------------------------------------------------------


def test_the_card_says_what_the_parquet_holds(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path)
    export_corpus(corpus, tmp_path / "hf", ExportKind.HF_DATASET, name='plim "set"')
    _, front, words = (tmp_path / "hf" / "README.md").read_text().split("---\n", 2)
    card = yaml.safe_load(front)
    assert (card["license"], card["pretty_name"], card["size_categories"]) == ("unknown", 'plim "set"', ["n<1K"])
    [config] = card["configs"]
    [split] = config["data_files"]
    [shard] = sorted((tmp_path / "hf").glob(split["path"]))
    table = pq.read_table(shard)
    dtypes = {"string": "string", "int64": "int64", "double": "float64"}
    assert card["dataset_info"]["features"] == [{"name": f.name, "dtype": dtypes[str(f.type)]} for f in table.schema]
    assert [s["num_examples"] for s in card["dataset_info"]["splits"]] == [table.num_rows] == [len(rows())]
    assert corpus.fingerprint() in words
    assert all(f"`{f.name}`" in words for f in field_specs("graded_trace"))
    assert "| second | classifier | binary_harmful |" in words


def test_large_sets_are_split_into_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safescale.export import graded, hugging_face

    monkeypatch.setattr(graded, "BATCH_ROWS", 5)
    monkeypatch.setattr(hugging_face, "SHARD_BYTES", 1)
    corpus = corpus_of(tmp_path)
    export_corpus(corpus, tmp_path / "hf", ExportKind.HF_DATASET)
    names = sorted(p.name for p in (tmp_path / "hf" / "data").iterdir())
    assert names == [f"test-{i:05d}-of-{len(names):05d}.parquet" for i in range(len(names))]
    assert len(names) > 2
    assert sum(pq.read_metadata(p).num_rows for p in (tmp_path / "hf" / "data").iterdir()) == len(rows())
