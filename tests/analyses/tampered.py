"""Corpora of tampered models with chosen verdict counts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cells.fake_corpus import FakeCorpus, fake_corpus, graded
from safescale.analyses import ReemergenceResult, analyze_reemergence, to_jsonable
from safescale.analyses.reemergence import TamperedSeries
from safescale.cells import Counting, Selection

OBLITERATUS = {0.8: (486, 1, 0), 1.9: (615, 0, 34), 4.2: (789, 138, 81), 9.0: (1095, 924, 0)}
"""Size in billions to COMPLIANCE, PARTIAL, REFUSAL: Failure-First, report of 2026-06-30 (abliterated Qwen3.5)."""

FORMER = {0.8: (114, 0, 0), 1.9: (95, 0, 0), 4.2: (191, 30, 21), 9.0: (150, 167, 0)}
"""The series before its correction, report 48: 100, 100, 78.9, 47.3 % strict of 114, 95, 242, 317."""


def verdicts(counts: Sequence[int]) -> list[str]:
    names = ("COMPLIANCE", "PARTIAL", "REFUSAL", "HALLUCINATION_REFUSAL")
    return [name for name, count in zip(names, counts, strict=False) for _ in range(count)]


def tampered_corpus(
    series: Mapping[float, Sequence[int]],
    *,
    lineage: str = "frimble1",
    developer: str = "plimmer",
    tampering: str = "abliterated",
    shared_prompts: bool = False,
    more: tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]] = ([], [], []),
    **fields: Any,
) -> FakeCorpus:
    """Models of these sizes with these verdict counts; a prompt of its own for each row unless they are shared."""
    traces, grades, models = more
    traces, grades, models = list(traces), list(grades), list(models)
    for size, counts in series.items():
        model = f"{developer}/{lineage}-{size:g}b"
        names = verdicts(counts)
        prompts = None if shared_prompts else [f"{model}:{i}" for i in range(len(names))]
        part = graded(model, names, prompts=prompts, **fields)
        traces += part[0]
        grades += part[1]
        models.append(
            {"model_id": model, "params_total_b": size, "lineage": lineage, "developer": developer, "tampering": tampering}
        )
    return fake_corpus(traces, grades, models)


def asked(corpus: FakeCorpus, *, selection: Selection | None = None, **options: Any) -> ReemergenceResult:
    counting, chosen = Counting(corpus), selection or Selection(tampered="only")
    result = analyze_reemergence(
        counting.cells(chosen),
        counting.models,
        responses=counting.responses(chosen),
        target_pairs=counting.target_pairs(chosen),
        **options,
    )
    json.dumps(to_jsonable(result), allow_nan=False)
    return result


def only_series(result: ReemergenceResult) -> TamperedSeries:
    (setting,) = result.settings
    (series,) = setting.series
    return series
