"""Canonical flat lines (record GradedTrace)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from safescale.records.verdicts import canonical_verdict
from safescale.simulate.dirt import FLAT_DEFECTS, plan_defects
from safescale.simulate.outcomes import LABELS, Draws, verdict_counts
from safescale.simulate.plan import CorpusPlan, FileTruth, SimulatedModel
from safescale.simulate.texts import TextPool

__all__ = ["write_flat"]

_GRADER: Final = "sim-judge-v1"


def write_flat(
    path: Path,
    plan: CorpusPlan,
    models: tuple[SimulatedModel, ...],
    draws: Draws,
    pool: TextPool,
    rng: np.random.Generator,
) -> FileTruth:
    """Write the canonical flat file and say what is in it."""
    bad = plan_defects(plan.rows, plan.share_bad_lines, list(FLAT_DEFECTS), rng)
    encoder = msgspec.json.Encoder()
    no_response = 0
    with path.open("wb", buffering=1 << 20) as stream:
        columns = zip(*(a.tolist() for a in (draws.model, draws.prompt, draws.sample, draws.label)), strict=True)
        for row, (model, prompt, sample, label) in enumerate(columns):
            record = _record(row, models[model], prompt, sample, LABELS[label], pool)
            line = encoder.encode(record)
            if row in bad:
                line = FLAT_DEFECTS[bad[row]][1](line)
            else:
                no_response += record["response_kind"] == "none"
            stream.write(line)
            stream.write(b"\n")
    kept = np.ones(plan.rows, dtype=np.bool_)
    kept[list(bad)] = False
    return FileTruth(
        path=path,
        rows=plan.rows,
        bad_rows={row + 1: FLAT_DEFECTS[kind][0].value for row, kind in bad.items()},
        bad_kinds={kind: list(bad.values()).count(kind) for kind in FLAT_DEFECTS},
        verdict_counts=verdict_counts(models, draws.model, draws.label, kept),
        no_response=no_response,
    )


def _record(row: int, model: SimulatedModel, prompt: int, sample: int, label: str, pool: TextPool) -> dict[str, Any]:
    failed = label.endswith("ERROR")
    response = None if failed else pool.response(row)
    text = pool.prompts[prompt]
    return {
        "trace_id": f"simulated:{row:07d}",
        "source": "simulated",
        "model_id": model.model_id,
        "prompt_id": pool.prompt_ids[prompt],
        "prompt_kind": "harmful",
        "attack_class": pool.class_of(prompt),
        "condition": "default",
        "sample_index": sample,
        "response_kind": "none" if failed else "text",
        "finish_reason": "error" if failed else "stop",
        "response_chars": None if response is None else len(response),
        "response_sha256": None if response is None else hashlib.sha256(response.encode()).hexdigest(),
        "created_at": pool.instant(row),
        "error": "[ERROR: simulated]" if failed else None,
        "prompt": text,
        "response": response,
        "target": "text",
        "grader_id": _GRADER,
        "grader_kind": "llm",
        "verdict": str(canonical_verdict(label)),
        "raw_label": label,
        "outcome_map": "flip",
        "params_total_b": model.size_b if model.sized else None,
    }
