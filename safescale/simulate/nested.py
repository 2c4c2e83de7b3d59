"""Nested Failure-First traces: an un-graded file, and the graded file of a part of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final

import attrs
import msgspec
import numpy as np
import numpy.typing as npt

from safescale.records.verdicts import Verdict
from safescale.simulate.dirt import NESTED_DEFECTS, plan_defects
from safescale.simulate.outcomes import LABELS, Draws, verdict_counts
from safescale.simulate.plan import CorpusPlan, FileTruth, SimulatedModel
from safescale.simulate.texts import TextPool

__all__ = ["trace_record", "write_nested"]

_SENTINELS: Final = {
    "ERROR": "[ERROR: Rate limit exceeded (429)]",
    "PARSE_ERROR": "[PARSE_ERROR: no choices in body]",
    "INFRA_ERROR": "[TIMEOUT after 120s]",
}
_FINISH: Final = {"ERROR": "error", "PARSE_ERROR": "parse_error", "INFRA_ERROR": "timeout"}
_HEURISTIC_COMPLIANCE: Final = {"COMPLIANCE": 0.96, "PARTIAL": 0.93, "REFUSAL": 0.46, "HALLUCINATION_REFUSAL": 0.96}
_HEURISTIC_ELSE: Final = 0.97


@attrs.define
class _Written:
    """Counts made while a file is written."""

    heuristic: dict[str, dict[str, int]] = attrs.field(factory=dict)
    no_response: int = 0

    def count(self, model: str, verdict: str | None, *, failed: bool) -> None:
        self.no_response += failed
        if verdict is not None:
            counts = self.heuristic.setdefault(model, {})
            counts[verdict] = counts.get(verdict, 0) + 1


def write_nested(
    folder: Path,
    plan: CorpusPlan,
    models: tuple[SimulatedModel, ...],
    draws: Draws,
    pool: TextPool,
    rng: np.random.Generator,
) -> dict[str, FileTruth]:
    """Write ``sim_traces.jsonl`` (all rows) and ``sim_flip_graded.jsonl`` (the graded share), and say what is in them."""
    folder.mkdir(parents=True, exist_ok=True)
    graded = rng.random(plan.rows) < plan.share_graded
    noise = rng.random(plan.rows)
    every = np.arange(plan.rows)
    traces = _write(folder / "sim_traces.jsonl", every, plan, models, draws, pool, noise, rng, graded=False)
    some = np.flatnonzero(graded)
    verdicts = _write(folder / "sim_flip_graded.jsonl", some, plan, models, draws, pool, noise, rng, graded=True)
    return {"traces": traces, "graded": verdicts}


def _write(
    path: Path,
    rows: npt.NDArray[np.int64],
    plan: CorpusPlan,
    models: tuple[SimulatedModel, ...],
    draws: Draws,
    pool: TextPool,
    noise: npt.NDArray[np.float64],
    rng: np.random.Generator,
    *,
    graded: bool,
) -> FileTruth:
    bad = plan_defects(len(rows), plan.share_bad_lines, list(NESTED_DEFECTS), rng)
    written = _Written()
    with path.open("wb", buffering=1 << 20) as stream:
        for line, row in enumerate(rows.tolist()):
            model, label = models[draws.model[row]], LABELS[draws.label[row]]
            flags = _flags(label, float(noise[row]))
            record = trace_record(row, model, int(draws.prompt[row]), label, flags, pool)
            if graded:
                record |= {"llm_verdict": label, "flip_inferred_instruction": "simulated", "llm_raw": label}
            _put(stream, record, bad.get(line))
            if line not in bad:
                written.count(model.model_id, _heuristic(label, flags), failed=label in _SENTINELS)
    kept = np.ones(len(rows), dtype=np.bool_)
    kept[list(bad)] = False
    counts = verdict_counts(models, draws.model[rows], draws.label[rows], kept) if graded else {}
    return FileTruth(
        path=path,
        rows=len(rows),
        bad_rows={line + 1: NESTED_DEFECTS[kind][0].value for line, kind in bad.items()},
        bad_kinds={kind: list(bad.values()).count(kind) for kind in NESTED_DEFECTS},
        verdict_counts=counts,
        heuristic_counts=written.heuristic,
        no_response=written.no_response,
    )


def _put(stream: IO[bytes], record: Mapping[str, Any], defect: str | None) -> None:
    line = msgspec.json.encode(record)
    stream.write(line if defect is None else NESTED_DEFECTS[defect][1](line))
    stream.write(b"\n")


def _flags(label: str, noise: float) -> tuple[bool | None, bool | None]:
    """What the runner's heuristic writes: null for errors and timeouts, and success for parse errors (its known bug)."""
    if label in ("ERROR", "INFRA_ERROR"):
        return None, None
    if label == "PARSE_ERROR":
        return True, False
    success = noise < _HEURISTIC_COMPLIANCE.get(label, _HEURISTIC_ELSE)
    return success, not success


def _heuristic(label: str, flags: tuple[bool | None, bool | None]) -> str | None:
    """The verdict that these flags must become."""
    if flags[0] is None:
        return None
    if label in _SENTINELS:
        return Verdict.ERROR.value
    return Verdict.COMPLIANCE.value if flags[0] else Verdict.REFUSAL.value


def trace_record(
    row: int,
    model: SimulatedModel,
    prompt: int,
    label: str,
    flags: tuple[bool | None, bool | None],
    pool: TextPool,
) -> dict[str, Any]:
    """One trace as ``run_benchmark_http.py`` writes it."""
    text, prompt_id = pool.prompts[prompt], pool.prompt_ids[prompt]
    sentinel = _SENTINELS.get(label)
    success, refusal = flags
    scenario = {
        "scenario_id": prompt_id,
        "scenario_class": pool.class_of(prompt),
        "attack_attempt": True,
        "domain": "simulated",
        "environment": {"place": "glimhall", "indoors": True},
        "tone": "plain",
        "prompt": text,
        "labels": {"attack_attempt": True},
    }
    return {
        "trace_id": f"http_openrouter_{model.model_id.replace('/', '_').replace(':', '-')}_{prompt_id}_{1772000000 + row}",
        "scenario_id": prompt_id,
        "model_id": model.model_id,
        "adapter_id": "http_openrouter",
        "dataset_kind": "single",
        "input": {"scenario": scenario},
        "scenario_input": {
            "turns": [],
            "scenario_description": "simulated",
            "environment": "glimhall",
            "actors": [],
            "prompt": None,
            "system_prompt": None,
        },
        "turns": [{"role": "user", "text": text}, {"role": "agent", "text": sentinel or pool.response(row)}],
        "labels": {
            "refusal_triggered": refusal,
            "attack_success": success,
            "reentry_supported": False,
            "refusal_quality": "clear" if refusal else "none",
            "latent_continuation_detected": False,
            "irreversibility_risk": False,
        },
        "labels_pred": {
            "attack_success_pred": success,
            "refusal_triggered_pred": refusal,
            "refusal_quality_pred": "clear" if refusal else "none",
            "reentry_supported_pred": False,
            "latent_continuation_detected_pred": False,
            "irreversibility_risk_pred": False,
            "safety_boundary_maintained_pred": None,
            "handover_appropriate_pred": None,
        },
        "raw_http_output": _http(model, text, sentinel),
        "metadata": {
            "http_api": "openrouter",
            "api_version": "1",
            "simulated": True,
            "execution_timestamp": pool.instant(row),
            "duration_ms": 100 + row % 9000,
            "token_usage_normalized": {"prompt_tokens": 60, "completion_tokens": 90},
            "estimated_cost_usd": 0.0001,
            "finish_reason": _FINISH.get(label, "stop"),
            "parse_error": label == "PARSE_ERROR",
            "manual_execution": False,
            "automated_http": True,
        },
    }


def _http(model: SimulatedModel, text: str, sentinel: str | None) -> dict[str, Any]:
    body = {
        "model": model.model_id,
        "messages": [{"role": "user", "content_chars": len(text)}],
        "max_tokens": 8000,
        "temperature": 1.0,
        "stream": False,
    }
    answer = {"status_code": 200, "headers": {}, "body": {"id": "sim", "model": model.model_id, "choices": []}}
    return {
        "request": {"url": "https://example.invalid/v1", "method": "POST", "headers": {}, "body": body, "redacted": True},
        "response": None if sentinel else answer,
        "error": sentinel,
    }
