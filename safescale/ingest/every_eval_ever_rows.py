"""Rows of Every Eval Ever: a sample with its score, and an aggregate result, as records."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from safescale.ingest.gathering import Records, Unusable
from safescale.ingest.identity import content_trace_id
from safescale.ingest.inspect_polarity import Polarity, verdict_of_score
from safescale.ingest.inspect_sample import instant
from safescale.ingest.polarity import UNDECLARED, undeclared
from safescale.records.fates import RejectCode
from safescale.records.models import GRADER_KINDS, PROMPT_KINDS, ROLES
from safescale.records.outcomes import Tier
from safescale.records.rows import clip
from safescale.records.verdicts import Verdict

__all__ = ["OURS", "RUN_KEYS", "Metric", "Run", "aggregate_row", "contradicted_direction", "instance_row", "metric_of", "run_of"]

Row = Mapping[str, Any]

OURS: Final = "safescale."
"""Metric ids that begin so were written by ``safescale export``: the sample's metadata holds the verdict itself."""

_RATES: Final = {f"{OURS}{tier.value}_rate": tier.value for tier in Tier}

RUN_KEYS: Final = ("schema_version", "evaluation_id", "retrieved_timestamp", "source_metadata", "model_info", "evaluation_results")


@attrs.frozen(kw_only=True)
class Metric:
    """What a file of aggregates says of one result."""

    name: str
    judge: str | None = None
    lower_is_better: bool | None = None
    levels: tuple[str, ...] = ()
    has_unknown_level: bool = False


@attrs.frozen(kw_only=True)
class Run:
    """What the rows of one file share."""

    source: str
    polarities: Sequence[Polarity] = ()
    metrics: Mapping[str, Metric] = attrs.field(factory=dict)
    """By ``evaluation_result_id``, and by ``evaluation_name`` where that names one result."""
    created: str | None = None


def run_of(source: str, polarities: Sequence[Polarity], aggregate: Any) -> Run:
    """What the file of aggregates beside the samples says; nothing when there is none."""
    if not isinstance(aggregate, dict):
        return Run(source=source, polarities=polarities)
    metrics: dict[str, Metric] = {}
    results = aggregate.get("evaluation_results")
    found = [r for r in results if isinstance(r, dict)] if isinstance(results, list) else []
    names = [str(r.get("evaluation_name")) for r in found]
    for result, name in zip(found, names, strict=True):
        for key in (result.get("evaluation_result_id"), name if names.count(name) == 1 else None):
            if isinstance(key, str):
                metrics[key] = metric_of(result)
    return Run(source=source, polarities=polarities, metrics=metrics, created=instant(aggregate.get("evaluation_timestamp")))


def metric_of(result: Row) -> Metric:
    """The metric of an aggregate result."""
    config = result.get("metric_config")
    config = config if isinstance(config, dict) else {}
    named = [config.get(key) for key in ("metric_id", "metric_name", "metric_kind")]
    scoring = config.get("llm_scoring")
    judges = scoring.get("judges") if isinstance(scoring, dict) else None
    ids = [_judge_id(judge) for judge in judges] if isinstance(judges, list) else []
    levels = config.get("level_names")
    lower = config.get("lower_is_better")
    return Metric(
        name=next((n for n in named if isinstance(n, str) and n), "score"),
        judge="+".join(ids) or None,
        lower_is_better=lower if isinstance(lower, bool) else None,
        levels=tuple(map(str, levels)) if isinstance(levels, list) else (),
        has_unknown_level=config.get("has_unknown_level") is True,
    )


def _judge_id(judge: Any) -> str:
    info = judge.get("model_info") if isinstance(judge, dict) else None
    return str(info.get("id") or info.get("name") or "judge") if isinstance(info, dict) else "judge"


def instance_row(row: Any, run: Run, occurrence: int) -> Records:
    """
    A sample: a trace, its turns, and the grade that its score gives.

    ``occurrence`` is the 0-based number of earlier rows of the same sample and result.
    """
    if not isinstance(row, dict):
        raise Unusable(RejectCode.NOT_AN_OBJECT, expected="an object", got=row)
    name, model, sample = (_text(row, key) for key in ("evaluation_name", "model_id", "sample_id"))
    given, output = _object(row, "input"), row.get("output")
    metadata = row.get("metadata")
    extra: Row = metadata if isinstance(metadata, dict) else {}
    turns = _turns(row.get("messages"))
    response = _last_answer(turns) if turns else _output(output)
    error = row.get("error")
    failed = response is None and isinstance(error, str) and bool(error)
    parts = (row.get("evaluation_id"), name, model, sample, given.get("raw"), response)
    metric = run.metrics.get(str(row.get("evaluation_result_id"))) or run.metrics.get(name)
    polarity = _polarity(run.polarities, name, metric)
    trace = {
        "trace_id": content_trace_id(run.source, parts, occurrence),
        "source": run.source,
        "model_id": model,
        "prompt_id": sample,
        "prompt_kind": _prompt_kind(extra, metric, polarity),
        "attack_class": name,
        "condition": "default",
        "sample_index": occurrence,
        "response_kind": "none" if response is None else "text",
        "finish_reason": "error" if failed else "unknown",
        "created_at": run.created,
        "error": error if isinstance(error, str) and error else None,
        "prompt": given.get("raw"),
        "response": response,
    }
    if metric is not None and metric.name.startswith(OURS):
        trace |= _exported(extra)
    records = Records(trace=trace)
    records.turns = [] if len(turns) <= 2 else [{"trace_id": trace["trace_id"], **turn} for turn in turns]
    _grade(records, row, name, metric, polarity, extra, failed=failed)
    return records


def _exported(extra: Row) -> dict[str, Any]:
    """What ``safescale export`` says of a trace in the metadata of its sample; where texts were left out, hashes and lengths."""
    own = {"trace_id": "safescale_trace_id"} | {key: key for key in ("source", "attack_class", "condition")}
    found: dict[str, Any] = {key: extra[name] for key, name in own.items() if isinstance(extra.get(name), str) and extra[name]}
    found |= {key: int(extra[key]) for key in ("sample_index", "response_chars") if key in extra}
    if extra.get("safescale_text") == "withheld":
        kind = extra.get("response_kind")
        found |= {"prompt": None, "response": None, "response_kind": "withheld" if kind == "text" else kind}
        found |= {key: extra.get(key) for key in ("prompt_sha256", "response_sha256")}
    return found


def _grade(
    records: Records, row: Row, name: str, metric: Metric | None, polarity: Polarity | None, extra: Row, *, failed: bool
) -> None:
    evaluation = _object(row, "evaluation")
    score, correct = evaluation.get("score"), evaluation.get("is_correct")
    number = float(score) if isinstance(score, int | float) and not isinstance(score, bool) and abs(score) < 1e300 else None
    number = number if number is None or math.isfinite(number) else None
    label = {True: "correct", False: "incorrect"}.get(correct) if isinstance(correct, bool) else None
    result = row.get("evaluation_result_id")
    what = metric.name if metric is not None else str(result) if isinstance(result, str) and result else "score"
    judge = f"@{metric.judge}" if metric is not None and metric.judge else ""
    kind = polarity.grader_kind if polarity is not None else "llm" if judge else "imported"
    grader, outcome_map = f"{name}/{what}{judge}", polarity.map_name if polarity else UNDECLARED
    verdict = _verdict(score, correct, metric, polarity)
    grader = grader if polarity is not None else undeclared(grader)
    if what.startswith(OURS) and "verdict" in extra:
        grader, outcome_map = str(extra.get("grader_id") or grader), str(extra.get("outcome_map") or outcome_map)
        kind = str(extra["grader_kind"]) if extra.get("grader_kind") in GRADER_KINDS else kind
        verdict = Verdict(extra["verdict"]) if extra["verdict"] in set(Verdict) else Verdict.UNGRADED
        label = str(extra.get("raw_label") or extra["verdict"])
    elif failed:
        verdict = Verdict.ERROR
    records.graders[grader] = (kind, outcome_map)
    records.grades.append(
        {
            "trace_id": (records.trace or {})["trace_id"],
            "target": polarity.target if polarity is not None else "text",
            "grader_id": grader,
            "grader_kind": kind,
            "verdict": verdict.value,
            "raw_label": label or clip("" if score is None else score),
            "score": number,
            "score_scale": None if number is None else f"evaluation.score of {what}",
        }
    )


def _verdict(score: Any, correct: Any, metric: Metric | None, polarity: Polarity | None) -> Verdict:
    if metric is not None and metric.has_unknown_level and score == -1 and not isinstance(score, bool):
        return Verdict.NOT_GRADEABLE
    if polarity is None:
        return Verdict.UNGRADED
    if polarity.polarity == "labels" and metric is not None and metric.levels and isinstance(score, int | float):
        at = int(score) if math.isfinite(score) and score == int(score) else -1
        score = metric.levels[at] if 0 <= at < len(metric.levels) else None
    return verdict_of_score(correct if polarity.field == "is_correct" else score, polarity)


def _polarity(known: Sequence[Polarity], name: str, metric: Metric | None) -> Polarity | None:
    """The user's entry for the metric of this evaluation, else for the evaluation, else for the metric."""
    tail = name.rpartition("/")[2]
    what = metric.name if metric is not None else ""
    for scorer, tasks in ((what, {name, tail}), (tail, {name.rpartition("/")[0].rpartition("/")[2]}), (tail, None), (what, None)):
        for polarity in known:
            same_task = polarity.tasks is None if tasks is None else polarity.tasks is not None and bool(polarity.tasks & tasks)
            if scorer and scorer in polarity.scorers and same_task:
                return polarity
    return None


def contradicted_direction(result: Row, known: Sequence[Polarity]) -> tuple[str, str] | None:
    """What the map makes one expect of a metric (more is worse, or better), and what the file says; None where they agree."""
    metric = metric_of(result)
    polarity = _polarity(known, str(result.get("evaluation_name")), metric)
    better = {"harmful_when_1": True, "safe_when_1": False}.get(polarity.polarity) if polarity is not None else None
    if polarity is None or better is None or metric.lower_is_better in (None, better):
        return None
    return f"lower_is_better {better}, as {polarity.polarity} means", f"{metric.lower_is_better} for {metric.name}"


def _prompt_kind(extra: Row, metric: Metric | None, polarity: Polarity | None) -> str:
    if metric is not None and metric.name.startswith(OURS) and extra.get("prompt_kind") in PROMPT_KINDS:
        return str(extra["prompt_kind"])
    return polarity.prompt_kind or "unknown" if polarity is not None else "unknown"


def _output(output: Any) -> str | None:
    """The response; of several, the first (their number is told by a note)."""
    if output is None:
        return None
    raw = output.get("raw") if isinstance(output, dict) else None
    if not isinstance(raw, list) or not all(isinstance(text, str) for text in raw):
        raise Unusable(RejectCode.WRONG_TYPE, expected="a list of texts", got=output, column="output.raw")
    return raw[0] if raw else None


def _turns(messages: Any) -> list[dict[str, Any]]:
    if messages is None:
        return []
    found = [m for m in messages if m.get("role") in ROLES]
    return [{"turn_index": i, "role": m["role"], "text": m.get("content")} for i, m in enumerate(found)]


def _last_answer(turns: Sequence[Row]) -> str | None:
    return next((turn["text"] for turn in reversed(turns) if turn["role"] == "assistant" and turn["text"] is not None), None)


def _object(row: Row, column: str) -> dict[str, Any]:
    value = row.get(column)
    if not isinstance(value, dict):
        code = RejectCode.MISSING_FIELD if value is None else RejectCode.WRONG_TYPE
        raise Unusable(code, expected="an object", got=value, column=column)
    return value


def _text(row: Row, column: str) -> str:
    value = row.get(column)
    if not isinstance(value, str) or not value:
        code = RejectCode.MISSING_FIELD if value is None or value == "" else RejectCode.WRONG_TYPE
        raise Unusable(code, expected="text", got=value, column=column)
    return value


def aggregate_row(result: Any, document: Row, run: Run) -> Records | None:
    """
    An aggregate result as a published rate; None when nobody declared what its score means.

    A metric says only whether more is better: that does not make a score a rate of harm.
    """
    if not isinstance(result, dict):
        raise Unusable(RejectCode.NOT_AN_OBJECT, expected="an evaluation result", got=result)
    name, metric = _text(result, "evaluation_name"), metric_of(result)
    details = _object(result, "score_details")
    score = details.get("score")
    if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
        raise Unusable(RejectCode.WRONG_TYPE, expected="a number", got=score, column="score_details.score")
    polarity = _polarity(run.polarities, name, metric)
    config = _object(result, "metric_config")
    if metric.name.startswith(OURS):
        return _exported_rate(result, document, run, metric.name)
    if polarity is None or polarity.polarity == "labels":
        return None
    scale = 100.0 if config.get("metric_unit") == "percent" else 1.0
    uncertainty = details.get("uncertainty")
    interval = uncertainty.get("confidence_interval") if isinstance(uncertainty, dict) else None
    low, high = (interval.get("lower"), interval.get("upper")) if isinstance(interval, dict) else (None, None)
    ends = [None if end is None else float(end) / scale for end in (low, high)]
    rate = score / scale
    if polarity.polarity != "harmful_when_1":
        rate, ends = 1.0 - rate, [None if end is None else 1.0 - end for end in reversed(ends)]
    judge = f"@{metric.judge}" if metric.judge else ""
    grader = f"{name}/{metric.name}{judge}"
    records = Records(aggregates=[_aggregate(result, document, run, name, grader, rate, ends)])
    records.graders[grader] = ("llm" if judge else polarity.grader_kind, polarity.map_name)
    return records


def _aggregate(
    result: Row, document: Row, run: Run, name: str, grader: str, rate: float, ends: Sequence[float | None]
) -> dict[str, Any]:
    parts = (document.get("evaluation_id"), result.get("evaluation_result_id"), name, grader)
    uncertainty = _object(result, "score_details").get("uncertainty")
    return {
        "aggregate_id": content_trace_id(run.source, parts, 0),
        "source": run.source,
        "model_id": _text(_object(document, "model_info"), "id"),
        "attack_class": name,
        "condition": "default",
        "outcome": "strict",
        "grader_id": grader,
        "rate": rate,
        "n": uncertainty.get("num_samples") if isinstance(uncertainty, dict) else None,
        "interval_low": ends[0],
        "interval_high": ends[1],
    }


def _exported_rate(result: Row, document: Row, run: Run, metric: str) -> Records | None:
    """A rate that ``safescale export`` wrote; over-refusal is no attack success rate."""
    tier = _RATES.get(metric)
    if tier is None:
        return None
    details = _object(_object(result, "metric_config"), "additional_details")
    score = _object(result, "score_details")
    interval = (score.get("uncertainty") or {}).get("confidence_interval") or {}
    ends = (interval.get("lower"), interval.get("upper"))
    grader = _text(details, "grader")
    found = _aggregate(result, document, run, _text(details, "attack_class"), grader, float(score["score"]), ends)
    records = Records(aggregates=[found | {"outcome": tier, "condition": _text(details, "condition")}])
    records.graders[grader] = (_text(details, "grader_kind"), _text(details, "outcome_map"))
    return records
