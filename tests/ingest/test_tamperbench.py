"""The adapter ``tamperbench``: trees built from TamperBench's output_schema.py, names.py and path_generation.py."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.reading import read
from safescale.ingest.batch import Options, Probe
from safescale.ingest.detect import choose_adapter
from safescale.ingest.session import ingest
from safescale.ingest.tamperbench import TamperBench, trial_of
from safescale.registry import parse_model_id
from safescale.store import open_corpus

TREE = "results/llama3_8b_instruct/lora_finetune/optuna_single/trial_2/tamperbench_evaluation/strong_reject"


def put(home: Path, place: str, rows: list[dict[str, Any]]) -> Path:
    path = home / place
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def row(i: int = 0, **more: Any) -> dict[str, Any]:
    return {"prompt": f"plim {i}", "response": f"brudd {i}", **more}


def test_everything_but_texts_and_score_is_in_the_path(tmp_path: Path) -> None:
    path = put(tmp_path, f"{TREE}/evaluator_scores.parquet", [row(score=0.875)])
    found = read(TamperBench(), path)
    trace = found.traces[0]
    assert trace["model_id"] == "llama3_8b_instruct+lora_finetune"
    assert (trace["attack_class"], trace["condition"]) == ("none", "lora_finetune/trial_2")
    assert (trace["prompt_kind"], trace["prompt"], trace["response"]) == ("harmful", "plim 0", "brudd 0")
    assert trace["prompt_id"].startswith("strong_reject/")
    assert (found.grades[0]["score"], found.grades[0]["raw_label"], found.grades[0]["verdict"]) == (0.875, "0.875", "UNGRADED")


@pytest.mark.parametrize(
    ("attack", "state"),
    [
        ("full_parameter_finetune", "fine_tuned"),
        ("lora_finetune", "fine_tuned"),
        ("backdoor_finetune", "fine_tuned"),
        ("benign_lora_finetune", "fine_tuned"),
        ("refusal_ablation", "abliterated"),
        ("lofit", "steered"),
        ("no_weight_modification", "none"),
        ("embedding_attack", "none"),
    ],
)
def test_a_tampered_model_is_called_so_by_its_id(attack: str, state: str) -> None:
    trial = trial_of(Path(f"/r/qwen3_4b/{attack}/optuna_single/trial_0/tamperbench_evaluation/strong_reject/x.parquet"))
    info = parse_model_id(trial.model_id)
    assert (info.tampering, info.family, info.params_total_b) == (state, "qwen", 4.0)


@pytest.mark.parametrize(
    ("place", "model", "condition", "attack_class"),
    [
        ("m_7b/no_weight_modification/trial_0/tamperbench_evaluation/strong_reject", "m_7b", "trial_0", "none"),
        ("m_7b/no_weight_modification/tamperbench_evaluation/strong_reject", "m_7b", "default", "none"),
        ("m_7b/lora_finetune/base/safetunebed_evaluation/jailbreak_bench", "m_7b+lora_finetune", "lora_finetune/base", "none"),
        ("m_7b/lora_finetune/trial_5_tamperbench_evaluation/xstest", "m_7b+lora_finetune", "lora_finetune/trial_5", "none"),
        ("m_7b/embedding_attack/trial_1/tamperbench_evaluation/embedding_attack_eval", "m_7b", "trial_1", "embedding_attack"),
        ("m_7b/zarv_attack/optuna_single/trial_1/tamperbench_evaluation/xstest", "m_7b+zarv_attack", "zarv_attack/trial_1", "none"),
    ],
)
def test_paths(place: str, model: str, condition: str, attack_class: str) -> None:
    trial = trial_of(Path("/data/results") / place / "inferences.parquet")
    assert (trial.model_id, trial.condition, trial.attack_class) == (model, condition, attack_class)


def test_inferences_and_scores_are_the_same_traces(tmp_path: Path) -> None:
    rows = [row(0), row(1), row(0)]
    put(tmp_path, f"{TREE}/inferences.parquet", rows)
    put(tmp_path, f"{TREE}/evaluator_scores.parquet", [{**r, "score": 0.0} for r in rows])
    summary = tmp_path / TREE / "evaluation.json"
    summary.write_text(json.dumps([{"metric_name": "strong_reject_score", "metric_value": 0.0}]))
    sweep = summary.parents[3]
    with sqlite3.connect(sweep / "study.db") as base:
        base.execute("CREATE TABLE trials (id)")
    (sweep / "best.json").write_text(json.dumps({"study_name": "zarv", "top_trials": []}))
    corpus = open_corpus(tmp_path / "corpus.db", create=True)
    report = ingest([tmp_path / "results"], corpus)
    assert report.findings == 0
    assert {f.format for f in report.files} == {"tamperbench"}
    assert (corpus.read("traces").num_rows, corpus.read("grades").num_rows) == (3, 3)
    assert sorted(corpus.read("traces")["sample_index"].to_pylist()) == [0, 0, 1]


def test_scores_without_a_published_cut_need_the_users_threshold(tmp_path: Path) -> None:
    path = put(tmp_path, f"{TREE}/evaluator_scores.parquet", [row(i, score=s) for i, s in enumerate((0.0, 0.49, 0.5, 1.0))])
    assert read(TamperBench(), path).verdicts() == {"UNGRADED": 4}
    polarity = tmp_path / "map.yaml"
    polarity.write_text("scorers:\n  strong_reject: {polarity: harmful_when_1, threshold: 0.5, grader_kind: llm}\n")
    options = Options(column_map=polarity)
    assert choose_adapter(path, options).name == "tamperbench"  # type: ignore[union-attr]
    found = read(TamperBench(), path, options)
    assert [g["verdict"] for g in found.grades] == ["NOT_HARMFUL", "NOT_HARMFUL", "COMPLIANCE", "COMPLIANCE"]
    assert "at least 0.5" in found.graders[0]["outcome_map"]


def test_xstest_has_classes_and_says_which_prompts_are_safe(tmp_path: Path) -> None:
    rows = [row(i, score=float(s), label=k) for i, (s, k) in enumerate([(1, "safe"), (2, "unsafe"), (3, "unsafe"), (1, "unsafe")])]
    found = read(TamperBench(), put(tmp_path, TREE.replace("strong_reject", "xstest") + "/evaluator_scores.parquet", rows))
    assert [t["prompt_kind"] for t in found.traces] == ["benign", "harmful", "harmful", "harmful"]
    assert [g["verdict"] for g in found.grades] == ["COMPLIANCE", "REFUSAL", "PARTIAL", "COMPLIANCE"]


@pytest.mark.parametrize("evaluation", ["mmlu_pro", "mmlu_pro_val", "mt_bench", "ifeval", "minerva_math", "wmdp"])
def test_capability_carries_no_record(tmp_path: Path, evaluation: str) -> None:
    path = put(tmp_path, TREE.replace("strong_reject", evaluation) + "/evaluator_scores.parquet", [row(score=1.0)])
    found = read(TamperBench(), path)
    assert (found.metadata, found.traces) == ([1], [])


def test_an_older_summary_is_metadata(tmp_path: Path) -> None:
    path = put(tmp_path, f"{TREE}/results.parquet", [{"metric_name": "strong_reject_score", "metric_value": 0.5}])
    assert read(TamperBench(), path).metadata == [1]


def test_a_missing_score_is_no_verdict(tmp_path: Path) -> None:
    path = put(tmp_path, f"{TREE}/evaluator_scores.parquet", [row(0, score=float("nan")), row(1, score=None)])
    assert read(TamperBench(), path).verdicts() == {"ERROR": 2}


def test_only_files_of_a_tree_are_claimed(tmp_path: Path) -> None:
    adapter = TamperBench()
    for place, claimed in ((f"{TREE}/inferences.parquet", True), (f"{TREE}/other.parquet", False), ("a/scores.parquet", False)):
        path = put(tmp_path, place, [row()])
        assert adapter.recognises(Probe(path=path, head=path.read_bytes()[:100])) == claimed, place


def test_equal_bytes_of_two_trials_are_two_imports(tmp_path: Path) -> None:
    first = put(tmp_path, f"{TREE}/inferences.parquet", [row()])
    second = put(tmp_path, f"{TREE.replace('trial_2', 'trial_3')}/inferences.parquet", [row()])
    assert TamperBench().context(first) != TamperBench().context(second)


@pytest.mark.parametrize(
    "rows",
    [
        [{"prompt": None, "response": "x"}],
        [{"prompt": 3, "response": "x"}],
        [{"prompt": "x", "response": [1]}],
        [{"prompt": "x"}],
        [{"response": "x"}],
        [{"prompt": "x", "response": None, "score": "zarv"}],
    ],
)
def test_odd_rows_are_rejects_and_never_an_exception(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    found = read(TamperBench(), put(tmp_path, f"{TREE}/evaluator_scores.parquet", rows))
    assert found.rows_in == len(rows)


def test_a_torn_file_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, f"{TREE}/inferences.parquet", [row(i) for i in range(50)])
    path.write_bytes(path.read_bytes()[:-20])
    assert read(TamperBench(), path).codes() == [(0, "UNREADABLE")]
    (tmp_path / TREE / "evaluation.json").write_text("{")
    assert read(TamperBench(), tmp_path / TREE / "evaluation.json").codes() == [(0, "BAD_JSON")]
