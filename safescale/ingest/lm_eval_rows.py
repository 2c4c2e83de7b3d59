"""One sample of lm-eval to a trace (one a repeat) and a grade for each of its metrics."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any, Final

from safescale.ingest.gathering import Records, Unusable
from safescale.ingest.identity import content_trace_id, sha256_text
from safescale.ingest.inspect_polarity import score_number, verdict_of_score
from safescale.ingest.lm_eval_run import Run
from safescale.ingest.mapped_yaml import plain_text
from safescale.ingest.polarity import UNDECLARED, undeclared
from safescale.ingest.redaction import response_fields, text_of
from safescale.records.fates import RejectCode
from safescale.records.rows import clip
from safescale.records.verdicts import Verdict

__all__ = ["sample_records"]

_ROLLING: Final = frozenset({"word_perplexity", "byte_perplexity", "bits_per_byte", "perplexity"})
"""Metrics of likelihoods, whose requests have no answer in words."""


def sample_records(entry: Any, run: Run) -> Records:
    """
    Records of one line.

    Raises
    ------
    Unusable
        When the model is not known, or the line has no document.
    """
    if not isinstance(entry, dict):
        raise Unusable(RejectCode.NOT_AN_OBJECT, expected="a sample", got=type(entry).__name__)
    if run.model_id is None:
        raise Unusable(RejectCode.MISSING_FIELD, expected=f"the model, in {run.missing}", got="nothing", column="model_name")
    doc_id = entry.get("doc_id")
    if isinstance(doc_id, bool) or not isinstance(doc_id, int | str) or doc_id == "":
        raise Unusable(RejectCode.MISSING_FIELD, expected="an integer or text", got=doc_id, column="doc_id")
    metrics = _metrics(entry)
    prompt = text_of(_prompt(entry.get("arguments")))
    answers, is_text = _answers(entry, metrics)
    common = {
        "source": run.source,
        "model_id": run.model_id,
        "prompt_id": f"{run.task}/{doc_id}",
        "prompt_kind": run.prompt_kind(list(metrics)),
        "attack_class": run.task,
        "condition": run.condition,
        "finish_reason": "unknown",
        "seed": run.seed,
        "created_at": run.created,
        "prompt": prompt.text,
        "prompt_sha256": sha256_text(prompt.text),
    }
    records = Records()
    for index, answer in enumerate(answers):
        text = text_of(answer)
        parts = (run.model_id, run.condition, run.task, doc_id, entry.get("doc_hash"), prompt.key, text.key)
        trace = {**common, "trace_id": content_trace_id(run.source, parts, index), "sample_index": index, **response_fields(text)}
        if not is_text:
            trace |= {
                "response_kind": "telemetry",
                "trace_id": content_trace_id(run.source, (*parts, f"{entry.get('resps')}"), index),
            }
        if index:
            records.more_traces.append(trace)
        else:
            records.trace = trace
    if run.params_b is not None:
        records.sizes[run.model_id] = (run.params_b, None, False)
    graded = _graded(answers, entry.get("filtered_resps"))
    for metric, value in metrics.items():
        _grade(metric, value, graded, run, records)
    return records


def _metrics(entry: dict[str, Any]) -> dict[str, Any]:
    """The metrics that the line names; without names, the numbers under keys that are none of the format."""
    named = entry.get("metrics")
    if isinstance(named, list):
        return {name: entry.get(name) for name in named if isinstance(name, str) and name}
    own = {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "doc_hash", "prompt_hash", "target_hash"}
    return {key: value for key, value in entry.items() if key not in own and isinstance(value, int | float | list)}


def _prompt(arguments: Any) -> str | None:
    """What was sent, as rendered: ``gen_args_0.arg_0``; older files have lists."""
    first = arguments.get("gen_args_0") if isinstance(arguments, dict) else _first(arguments)
    text = first.get("arg_0") if isinstance(first, dict) else _first(first)
    return text if isinstance(text, str) else None


def _first(value: Any) -> Any:
    """First element of a list; anything else is itself."""
    if isinstance(value, list):
        return value[0] if value else None
    return value


def _answers(entry: dict[str, Any], metrics: Collection[str]) -> tuple[list[str | None], bool]:
    """Responses of the first request, one a repeat; and whether they are text (log-likelihoods are not)."""
    first = _first(entry.get("resps"))
    if isinstance(first, str):
        return [first], True
    if first is None or first == []:
        return [None], True
    texts = [text for text in first if isinstance(text, str)] if isinstance(first, list) else []
    if not isinstance(first, list) or len(texts) != len(first) or _is_likelihood(texts) or not _ROLLING.isdisjoint(metrics):
        return [None], False
    return [*texts], True


def _is_likelihood(response: list[str]) -> bool:
    """``["-12.5", "False"]``: a log-likelihood and whether it was the greedy choice, as they are written."""
    try:
        float(response[0])
    except ValueError:
        return False
    return len(response) == 2 and response[1] in ("True", "False")


def _graded(answers: list[str | None], filtered: Any) -> int | None:
    """Which repeat the metrics are about; None where they are about several of them."""
    if len(answers) == 1:
        return 0
    picked = filtered[0] if isinstance(filtered, list) and filtered else filtered
    return answers.index(picked) if isinstance(picked, str) and picked in answers else None


def _grade(metric: str, value: Any, graded: int | None, run: Run, records: Records) -> None:
    polarity = run.polarity(metric)
    read = value.get(polarity.field) if polarity is not None and polarity.field is not None and isinstance(value, dict) else value
    verdict = verdict_of_score(read, polarity)
    if read is None or (isinstance(read, float) and not math.isfinite(read)):
        verdict = Verdict.ERROR
    elif graded is None and polarity is not None:
        verdict = Verdict.NOT_GRADEABLE
    kind = "imported" if polarity is None else polarity.grader_kind
    grader = f"{run.task}/{metric}" if polarity is not None else undeclared(f"{run.task}/{metric}")
    number = score_number(read)
    records.graders[grader] = (kind, UNDECLARED if polarity is None else polarity.map_name)
    records.grades.append(
        {
            "trace_id": records.traces[graded or 0]["trace_id"],
            "target": "text" if polarity is None else polarity.target,
            "grader_id": grader,
            "grader_kind": kind,
            "verdict": verdict.value,
            "raw_label": clip(plain_text(read)),
            "score": number,
            "score_scale": None if number is None else f"metric {metric} of lm-eval",
        }
    )
