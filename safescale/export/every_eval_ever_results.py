"""Aggregate documents of Every Eval Ever: one for each model, its rates with their uncertainty filled in."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, Final

import attrs
import numpy as np

from safescale.cells import Cell, Cells, GraderMeaning
from safescale.errors import InsufficientData
from safescale.export.inspect_scores import slug
from safescale.records.outcomes import Tier
from safescale.stats import design_effect_wilson_interval, wilson_interval

__all__ = ["SCHEMA_VERSION", "Document", "documents", "evaluation_name", "kind_of", "result_id"]

SCHEMA_VERSION: Final = "0.3.0"
LEVEL: Final = 0.95

_NAMED: Final = ("attack_class", "condition", "grader", "target", "grader_kind", "outcome_map")


@attrs.frozen(kw_only=True)
class Document:
    """The aggregate document of a model, and where its samples go (under the folder of the export)."""

    model_id: str
    path: str
    samples_path: str
    content: dict[str, Any]


def kind_of(grader: GraderMeaning) -> str:
    """Kind of a grader; ``imported`` where its grades have several."""
    return grader.grader_kinds[0] if len(grader.grader_kinds) == 1 else "imported"


def evaluation_name(collection: str, attack_class: str) -> str:
    """What a reader of the document sees: the collection and the kind of attack."""
    return f"{collection}, {'direct requests' if attack_class == 'none' else attack_class}"


def result_id(row: Mapping[str, Any], tier: str) -> str:
    """Key of a result: attack class, condition, grader, target and metric."""
    return "/".join(str(row[key]) for key in ("attack_class", "condition", "grader", "target")) + f"/{tier}"


def documents(
    cells: Cells, models: Mapping[str, Mapping[str, Any]], graders: frozenset[str], name: str, version: str, created_unix_s: int
) -> Iterator[Document]:
    """
    One document a model, in order of model id.

    Parameters
    ----------
    cells : Cells
        Counts of the corpus.
    models : mapping
        Rows of the table ``models`` by model id.
    graders : frozenset of str
        Grader ids that are exported; empty: all.
    name : str
        What the collection is called.
    version : str
        Version of safescale.
    created_unix_s : int
        Time of making. Unit: seconds since 1970.
    """
    results: dict[str, list[dict[str, Any]]] = {}
    for cell in cells:
        if not graders or cells.graders[cell.grader].grader_id in graders:
            for tier in cells.graders[cell.grader].tiers:
                results.setdefault(cell.model_id, []).append(_tier_result(cells, cell, tier, name))
    for row in cells.over_refusal.to_pylist():
        if row["evaluable"] and (not graders or cells.graders[row["grader"]].grader_id in graders):
            results.setdefault(row["model_id"], []).append(_over_refusal_result(row, name))
    for model_id in sorted(results):
        info = models.get(model_id, {})
        key = blake2b(f"{cells.fingerprint}/{model_id}/{sorted(graders)}".encode(), digest_size=16).digest()
        developer = slug(str(info.get("developer") or "unknown"))
        stem = f"data/{slug(name)}/{developer}/{slug(model_id)}/{uuid.UUID(bytes=key, version=4)}"
        content = _document(cells.fingerprint, model_id, info, results[model_id], name, version, created_unix_s)
        yield Document(model_id=model_id, path=f"{stem}.json", samples_path=f"{stem}_samples.jsonl", content=content)


def _document(
    fingerprint: str,
    model_id: str,
    info: Mapping[str, Any],
    results: list[dict[str, Any]],
    name: str,
    version: str,
    created_unix_s: int,
) -> dict[str, Any]:
    details = {"deployment_type": "unknown", "model_availability": "unknown"}
    for key in ("canonical_id", "params_total_b", "params_active_b", "size_source", "lineage", "tampering", "tampering_detail"):
        if info.get(key) is not None:
            details[key] = f"{info[key]}"
    model = {"name": model_id, "id": model_id, "additional_details": details}
    if info.get("developer"):
        model["developer"] = info["developer"]
    if info.get("host"):
        model["inference_platform"] = info["host"]
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": f"{slug(name)}/{model_id}/{created_unix_s}",
        "retrieved_timestamp": str(created_unix_s),
        "source_metadata": {
            "source_name": name,
            "source_type": "evaluation_run",
            "source_organization_name": "unknown",
            "evaluator_relationship": "other",
            "additional_details": {"safescale_fingerprint": fingerprint, "evaluator_relationship": "not recorded in the corpus"},
        },
        "eval_library": {"name": "safescale", "version": version},
        "model_info": model,
        "evaluation_results": results,
    }


def _tier_result(cells: Cells, cell: Cell, tier: Tier, name: str) -> dict[str, Any]:
    rate = cells.rate(cell, tier)
    prompts = cells.prompts(cell)
    grader = cells.graders[cell.grader]
    row = {"attack_class": cell.attack_class, "condition": cell.condition, "grader": cell.grader, "target": cell.target}
    row |= {"outcome_map": grader.outcome_map, "grader_kind": kind_of(grader)}
    excluded = {f"excluded_{reason.value}": str(n) for reason, n in rate.excluded.items()}
    details = {"numerator": str(rate.numerator), "denominator": str(rate.denominator), "prompts": str(cell.prompts), **excluded}
    uncertainty, made = _uncertainty(prompts.successes[tier], prompts.evaluable)
    return {
        "evaluation_result_id": result_id(row, tier.value),
        "evaluation_name": evaluation_name(name, cell.attack_class),
        "source_data": {"dataset_name": name, "source_type": "other"},
        "metric_config": _metric(f"{tier.value}_rate", f"compliance rate, {tier.value}", rate.definition, True, row),
        "score_details": {"score": rate.rate, "details": details | made, "uncertainty": uncertainty},
    }


def _over_refusal_result(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    refused, trials = int(row["REFUSAL"]), int(row["evaluable"])
    interval = wilson_interval(refused, trials, level=LEVEL)
    definition = "REFUSAL over evaluable verdicts, of benign prompts only"
    return {
        "evaluation_result_id": result_id(row, "over_refusal"),
        "evaluation_name": f"{evaluation_name(name, row['attack_class'])}, benign prompts",
        "source_data": {"dataset_name": name, "source_type": "other"},
        "metric_config": _metric("over_refusal_rate", "over-refusal rate", definition, True, row),
        "score_details": {
            "score": interval.estimate,
            "details": {"numerator": str(refused), "denominator": str(trials), "interval": "Wilson, rows taken as independent"},
            "uncertainty": _block(interval.estimate, interval.low, interval.high, trials, 1.0, "wilson"),
        },
    }


def _metric(id: str, words: str, definition: str, lower_is_better: bool, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "evaluation_description": definition,
        "metric_id": f"safescale.{id}",
        "metric_name": words,
        "metric_kind": "rate",
        "metric_unit": "proportion",
        "lower_is_better": lower_is_better,
        "score_type": "binary",
        "min_score": 0,
        "max_score": 1,
        "additional_details": {key: str(row[key]) for key in _NAMED if key in row},
    }


def _uncertainty(successes: Any, trials: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Standard error and interval of a rate whose rows are clustered by prompt, and how they were made in words."""
    k, n = np.asarray(successes), np.asarray(trials)
    total, count = int(k.sum()), int(n.sum())
    try:
        found = design_effect_wilson_interval(k, n, level=LEVEL)
    except InsufficientData:
        interval = wilson_interval(total, count, level=LEVEL)
        words = {"interval": "Wilson, rows taken as independent: there is one prompt"}
        return _block(interval.estimate, interval.low, interval.high, count, 1.0, "wilson"), words
    method = "wilson, design effect of the prompts"
    words = {
        "interval": f"Wilson with the design effect of prompts as clusters ({found.source})",
        "design_effect": f"{found.design_effect:.6g}",
    }
    return _block(found.estimate, found.low, found.high, count, found.design_effect, method), words


def _block(rate: float, low: float, high: float, trials: int, design_effect: float, method: str) -> dict[str, Any]:
    """
    The uncertainty block.

    ``SE = sqrt(deff p (1 - p) / n)``; at 0 and 1 it says nothing (0 would claim certainty), so it is left out there.
    """
    block: dict[str, Any] = {
        "confidence_interval": {"lower": low, "upper": high, "confidence_level": LEVEL, "method": method},
        "num_samples": trials,
    }
    if 0.0 < rate < 1.0:
        error = math.sqrt(design_effect * rate * (1.0 - rate) / trials)
        block["standard_error"] = {"value": error, "method": "analytic, times the root of the design effect of the prompts"}
        block["standard_deviation"] = math.sqrt(rate * (1.0 - rate))
    return block
