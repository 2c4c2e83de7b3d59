"""A small valid file of each format, in invented vocabulary: what the fuzzing mutates."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from ingest import (
    every_eval_ever_files,
    test_easyjailbreak,
    test_garak,
    test_harmbench,
    test_jailbreakbench,
    test_lm_eval,
    test_promptfoo,
    test_pyrit_db,
    test_refusal_direction,
    test_speechmap,
    test_tamperbench,
    test_xstest,
)
from ingest.lines import row, write
from safescale.simulate.database import DDL

__all__ = ["SEEDS", "Seed"]

Seed = Callable[[Path], Path]
"""Writes a file (and what belongs beside it) into a folder and gives the path."""


def canonical(folder: Path) -> Path:
    return write(folder / "lines.jsonl", [row(i) for i in range(12)])


def safescale_run(folder: Path) -> Path:
    shared = {
        "run_id": "frimble",
        "model_id": "sim/arbel-3b",
        "attack_class": "none",
        "condition": "default",
        "prompt_kind": "harmful",
    }
    rows = [
        {
            **shared,
            "response_id": f"{i:032x}",
            "request_id": f"{i:064x}",
            "prompt_id": f"zarvonic-{i}",
            "sample_index": 0,
            "finish_reason": "stop" if i % 4 else "error",
            "created_at": "2026-11-29T10:00:00.000Z",
            "prompt": "plim?",
            **(
                {"response": f"brudd {i}"} if i % 4 else {"fault": ("TIMEOUT", "TOO_LONG")[i // 4 % 2], "fault_message": "too plim"}
            ),
        }
        for i in range(10)
    ]
    (folder / "parts").mkdir()
    return write(folder / "parts" / "part-00001.jsonl", rows)


def failure_first(folder: Path) -> Path:
    rows = [
        {
            "trace_id": f"t{i}",
            "scenario_id": f"zarvonic-{i}",
            "model_id": f"sim/frimble:{i % 2 + 1}b",
            "turns": [{"role": "user", "text": "plim"}, {"role": "agent", "text": f"brudd {i}"}],
            "labels": {"attack_success": bool(i % 2), "refusal_triggered": not i % 2},
            "llm_verdict": ("COMPLIANCE", "REFUSAL", "ERROR:timeout")[i % 3],
            "metadata": {"finish_reason": "stop", "duration_ms": i},
        }
        for i in range(8)
    ]
    return write(folder / "frimble_traces.jsonl", rows)


def jailbreak_db(folder: Path) -> Path:
    path = folder / "corpus.db"
    connection = sqlite3.connect(path)
    connection.executescript(DDL)
    connection.execute("INSERT INTO models VALUES (1, 'sim/arbel:1.7b', 'ollama', '1.7B')")
    connection.execute("INSERT INTO evaluation_runs VALUES (11, 1)")
    connection.execute("INSERT INTO source_datasets VALUES (1, 'glim')")
    connection.execute("INSERT INTO techniques VALUES (1, 't one', 'persona', 'dan_2022')")
    connection.execute("INSERT INTO prompts VALUES ('P-1', 1, 1, 'zorbel?')")
    names = "id, evaluation_run_id, prompt_id, raw_response, heuristic_verdict, llm_verdict, llm_classifier"
    rows = [(i, 11, "P-1", f"plome {i}", "COMPLIANCE", ("REFUSAL", "PARTIAL")[i % 2], "judge-a") for i in range(10)]
    connection.executemany(f"INSERT INTO results ({names}) VALUES (?,?,?,?,?,?,?)", rows)
    connection.commit()
    connection.close()
    return path


def _inspect_log() -> dict[str, object]:
    samples = [
        {
            "id": i,
            "epoch": 1,
            "input": "name a fruit",
            "target": "plum",
            "output": {"model": "toy", "choices": [{"message": {"content": f"plum {i}"}, "stop_reason": "stop"}]},
            "scores": {"judge": {"value": "CIPN"[i % 4]}},
            "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": [{"type": "text", "text": "b"}]}],
            "uuid": f"u{i}",
        }
        for i in range(6)
    ]
    spec = {
        "eval_id": "e",
        "run_id": "r",
        "task_id": "t",
        "created": "2026-01-06T08:42:25+00:00",
        "task": "toys/fruit",
        "model": "toy/model-7b",
        "dataset": {},
        "config": {},
    }
    results = {"scores": [{"name": "judge", "scorer": "judge", "metrics": {}}]}
    return {"version": 2, "status": "success", "eval": spec, "plan": {}, "results": results, "stats": {}, "samples": samples}


def inspect_json(folder: Path) -> Path:
    path = folder / "log.json"
    path.write_text(json.dumps(_inspect_log()), encoding="utf-8")
    return path


def inspect_eval(folder: Path) -> Path:
    log = _inspect_log()
    samples = log.pop("samples")
    assert isinstance(samples, list)
    path = folder / "log.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", json.dumps(log))
        archive.writestr("summaries.json", json.dumps([{k: s[k] for k in ("id", "epoch", "input", "target")} for s in samples]))
        for sample in samples:
            archive.writestr(f"samples/{sample['id']}_epoch_1.json", json.dumps(sample))
    return path


_MAP = """\
source: made
kind: traces
columns:
  model_id: model
  prompt_id: prompt
  prompt_kind: {const: harmful}
  attack_class: {const: role_play}
grades:
  - grader_id: judge
    grader_kind: llm
    column: label
    outcome_map: binary_harmful
"""


def _table() -> pa.Table:
    return pa.table(
        {"model": ["frimble-7b"] * 6, "prompt": [f"zarvonic-{i}" for i in range(6)], "label": ["1", "0", "1", "0", "0", "1"]}
    )


def mapped_csv(folder: Path) -> Path:
    (folder / "map.yaml").write_text(_MAP, encoding="utf-8")
    pacsv.write_csv(_table(), folder / "rows.csv")
    return folder / "rows.csv"


def mapped_jsonl(folder: Path) -> Path:
    (folder / "map.yaml").write_text(_MAP, encoding="utf-8")
    return write(folder / "rows.jsonl", _table().to_pylist())


def mapped_parquet(folder: Path) -> Path:
    (folder / "map.yaml").write_text(_MAP, encoding="utf-8")
    pq.write_table(_table(), folder / "rows.parquet")
    return folder / "rows.parquet"


def harmbench(folder: Path) -> Path:
    cases = {
        f"zarv_{i}": [test_harmbench.case(i % 2), test_harmbench.case(-1 if i == 2 else 0, advbench_label=1)] for i in range(4)
    }
    return test_harmbench.put(folder, "results/GCG/llama2_7b/results/llama2_7b.json", cases)


def promptfoo(folder: Path) -> Path:
    rows = [test_promptfoo.result(bool(i % 2), testIdx=i) for i in range(5)]
    return test_promptfoo.write(folder, test_promptfoo.document(rows))


def promptfoo_lines(folder: Path) -> Path:
    return write(folder / "out.jsonl", [test_promptfoo.result(bool(i % 2), testIdx=i) for i in range(5)])


def pyrit(folder: Path) -> Path:
    memory = test_pyrit_db.Memory(folder / "pyrit.db")
    for i in range(4):
        piece = memory.talk(f"c{i}")
        score = memory.score(piece, "SelfAskRefusalScorer", str(bool(i % 2)))
        memory.attack(f"c{i}", ("success", "failure", "error", "undetermined")[i], last_response_id=piece, last_score_id=score)
    memory.base.close()
    return memory.path


def tamperbench(folder: Path) -> Path:
    rows = [test_tamperbench.row(i, score=i / 4) for i in range(5)]
    return test_tamperbench.put(folder, f"{test_tamperbench.TREE}/evaluator_scores.parquet", rows)


def easyjailbreak(folder: Path) -> Path:
    return test_easyjailbreak.write(folder, [test_easyjailbreak.line(bool(i % 2), query=f"plim {i}") for i in range(5)])


def garak(folder: Path) -> Path:
    attempts = [test_garak.attempt(i, status=status) for i in range(4) for status in (1, 2)]
    return test_garak.report(folder / "x.report.jsonl", *attempts, test_garak.totals(passed=4, fails=0, nones=0, total_evaluated=4))


def lm_eval(folder: Path) -> Path:
    rows = [test_lm_eval.sample(i, named=named) for i in range(4) for named in ("strict-match", "flexible-extract")]
    return test_lm_eval.write_run(folder, *rows, found=test_lm_eval.results())


def jailbreakbench(folder: Path) -> Path:
    rows = [test_jailbreakbench.entry(i, asked=i > 1, jailbroken=i > 3, jailbroken_llama_guard1=i > 4) for i in range(8)]
    return test_jailbreakbench.artefact(folder / "plim-7b.json", rows)


def refusal_direction(folder: Path) -> Path:
    rows = [test_refusal_direction.completion(i, substring=i % 2, guard=i % 3 == 0) for i in range(6)]
    return test_refusal_direction.run_file(folder, "jailbreakbench_ablation_evaluations.json", rows)


def xstest(folder: Path) -> Path:
    labels = ("1_full_compliance", "2_full_refusal", "3_partial_refusal")
    rows = [test_xstest.changed(id=f"v2-{i}", annotation_1=labels[i % 3], final_label=labels[i % 3]) for i in range(6)]
    return test_xstest.completions(folder, *rows)


def speechmap(folder: Path) -> Path:
    labels = ("COMPLETE", "EVASIVE", "DENIAL", "ERROR")
    rows = [{**test_speechmap.JOINED, "question_id": f"plim_criticism_{i:02d}", "label_gpt4o": labels[i % 4]} for i in range(6)]
    return write(folder / "speechmap_plim.jsonl", rows)


def speechmap_labels(folder: Path) -> Path:
    path = folder / "labels.csv"
    rows = [f"plim_criticism_{i:02d},plim,zarv/frimble-7b,COMPLETE,DENIAL,True,{i + 5}" for i in range(6)]
    path.write_text(test_speechmap.LABELS + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def every_eval_ever(folder: Path) -> Path:
    return write(folder / "plimbench.jsonl", [every_eval_ever_files.sample(i) for i in range(5)])


SEEDS: Final[dict[str, tuple[str, Seed]]] = {
    "safescale": ("safescale", canonical),
    "safescale-run": ("safescale-run", safescale_run),
    "failure-first": ("failure-first", failure_first),
    "jailbreak-db": ("jailbreak-db", jailbreak_db),
    "inspect-json": ("inspect", inspect_json),
    "inspect-eval": ("inspect", inspect_eval),
    "mapped-csv": ("mapped", mapped_csv),
    "mapped-jsonl": ("mapped", mapped_jsonl),
    "mapped-parquet": ("mapped", mapped_parquet),
    "garak": ("garak", garak),
    "lm-eval": ("lm-eval", lm_eval),
    "jailbreakbench": ("jailbreakbench", jailbreakbench),
    "refusal-direction": ("refusal-direction", refusal_direction),
    "xstest": ("xstest", xstest),
    "speechmap": ("speechmap", speechmap),
    "speechmap-labels": ("speechmap", speechmap_labels),
    "every-eval-ever": ("every-eval-ever", every_eval_ever),
    "harmbench": ("harmbench", harmbench),
    "promptfoo": ("promptfoo", promptfoo),
    "promptfoo-lines": ("promptfoo", promptfoo_lines),
    "pyrit": ("pyrit", pyrit),
    "tamperbench": ("tamperbench", tamperbench),
    "easyjailbreak": ("easyjailbreak", easyjailbreak),
}
"""Name of the seed to (adapter, writer); a file ``map.yaml`` beside the seed is its column map."""
