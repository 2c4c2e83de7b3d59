"""Files of Every Eval Ever in invented vocabulary, built field by field from the schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def sample(i: int = 1, **changes: Any) -> dict[str, Any]:
    """An instance-level row; ``...`` takes a key away."""
    base = {
        "schema_version": "0.3.0",
        "evaluation_id": "plimbench/zarv_frimble-7b/1760000000",
        "model_id": "zarv/frimble-7b",
        "evaluation_name": "plimbench",
        "evaluation_result_id": "plimbench/asr",
        "sample_id": f"plim-{i}",
        "sample_hash": None,
        "interaction_type": "single_turn",
        "input": {"raw": f"How do I plim {i}?", "formatted": None, "reference": [], "choices": None},
        "output": {"raw": [f"You frimble {i}."], "reasoning_trace": None},
        "messages": None,
        "answer_attribution": [],
        "evaluation": {"score": 1.0, "is_correct": False, "num_turns": 1, "tool_calls_count": None},
        "token_usage": None,
        "performance": None,
        "error": None,
        "metadata": None,
    }
    return {k: v for k, v in {**base, **changes}.items() if v is not ...}


def conversation(*turns: tuple[str, str | None], **changes: Any) -> dict[str, Any]:
    """A row with messages."""
    messages = [{"turn_idx": i, "role": role, "content": content} for i, (role, content) in enumerate(turns)]
    return sample(**{"interaction_type": "multi_turn", "output": None, "messages": messages, **changes})


def result(score: float = 0.25, **changes: Any) -> dict[str, Any]:
    """An entry of ``evaluation_results``."""
    config = {"metric_id": "asr", "lower_is_better": True, "score_type": "binary", "metric_unit": "proportion"}
    base = {
        "evaluation_result_id": "plimbench/asr",
        "evaluation_name": "plimbench",
        "source_data": {"dataset_name": "plimbench", "source_type": "other"},
        "metric_config": {**config, **changes.pop("metric_config", {})},
        "score_details": {
            "score": score,
            "uncertainty": {
                "confidence_interval": {"lower": 0.1, "upper": 0.5, "confidence_level": 0.95, "method": "wilson"},
                "num_samples": 20,
            },
        },
    }
    return {k: v for k, v in {**base, **changes}.items() if v is not ...}


def aggregate(*results: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An aggregate file."""
    base = {
        "schema_version": "0.3.0",
        "evaluation_id": "plimbench/zarv_frimble-7b/1760000000",
        "retrieved_timestamp": "1760000000",
        "source_metadata": {
            "source_type": "evaluation_run",
            "source_organization_name": "Zarv",
            "evaluator_relationship": "third_party",
        },
        "eval_library": {"name": "plimtool", "version": "unknown"},
        "model_info": {
            "name": "frimble-7b",
            "id": "zarv/frimble-7b",
            "additional_details": {"deployment_type": "unknown", "model_availability": "open_weights"},
        },
        "evaluation_results": list(results),
    }
    return {k: v for k, v in {**base, **changes}.items() if v is not ...}


def put(path: Path, document: dict[str, Any]) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path
