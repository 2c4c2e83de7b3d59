"""One Inspect sample to a trace, its turns and its grades."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from safescale.ingest.identity import content_trace_id, own_trace_id, sha256_text
from safescale.ingest.inspect_polarity import Polarity, score_number, verdict_of_score
from safescale.ingest.inspect_text import message_text, resolved
from safescale.ingest.mapped_values import cell_text
from safescale.ingest.polarity import UNDECLARED, undeclared
from safescale.records.models import INSTANT_BODY, PROMPT_KINDS, ROLES
from safescale.records.rows import clip
from safescale.records.verdicts import Verdict

__all__ = ["LogFacts", "SampleRecords", "instant", "sample_records"]

_STOPS: Final = {
    "stop": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
}
_INSTANT: Final = re.compile(INSTANT_BODY)
_LIMITS: Final = {"time": "timeout", "working": "timeout", "token": "length", "context": "length"}


@attrs.frozen(kw_only=True)
class LogFacts:
    """What the header of a log says of all its samples."""

    source: str
    source_file: str
    model_id: str
    task: str
    run: str
    created: str | None
    seed: int | None
    scorers: tuple[str, ...]
    grader_model: str | None
    polarities: Sequence[Polarity]


@attrs.frozen(kw_only=True)
class SampleRecords:
    """Rows of the records that one sample gives."""

    trace: dict[str, Any]
    turns: list[dict[str, Any]]
    grades: list[dict[str, Any]]
    graders: dict[str, tuple[str, str]]
    """Grader id to (kind, outcome map)."""
    scorers: tuple[str, ...] = ()
    """Scorers that gave this sample a score, whatever it means."""


def sample_records(sample: Mapping[str, Any], row: int, log: LogFacts) -> SampleRecords:
    """
    Records of one sample.

    A sample that failed has no response, and each scorer of the log gives it an ERROR. One that hit a limit keeps what it had:
    Inspect scores it, so does this; without a score it is an ERROR.
    """
    texts = sample.get("attachments") or {}
    metadata = sample.get("metadata") or {}
    error = _error(sample)
    prompt = resolved(_prompt(sample.get("input")), texts)
    response = None if error else resolved(_response(sample.get("output")), texts)
    epoch = sample.get("epoch") or 1
    sample_id = str(sample["id"])
    limit = (sample.get("limit") or {}).get("type")
    trace = {
        "trace_id": _trace_id(sample, log, sample_id, epoch),
        "source": log.source,
        "source_file": log.source_file,
        "source_row": row,
        "model_id": log.model_id,
        "prompt_id": sample_id,
        "prompt_kind": _prompt_kind(metadata, log),
        "attack_class": _text(metadata.get("attack_class")) or log.task,
        "condition": _text(metadata.get("condition")) or "default",
        "sample_index": epoch - 1,
        "response_kind": "none" if response is None else "text",
        "finish_reason": "error" if error else _LIMITS.get(str(limit), "") or _finish_reason(sample.get("output")),
        "response_chars": None if response is None else len(response),
        "response_sha256": sha256_text(response),
        "prompt_sha256": sha256_text(prompt),
        "seed": log.seed,
        "created_at": instant(sample.get("completed_at")) or log.created,
        "error": error or (f"limit: {limit}" if limit else None),
        "prompt": prompt,
        "response": response,
    }
    grades, graders = _grades(sample, trace, log, failed=bool(error), stopped=limit is not None)
    scored = tuple(str(name) for name, score in _scores(sample).items() if not _is_missing(_value(score)))
    return SampleRecords(trace=trace, turns=_turns(sample, trace, texts), grades=grades, graders=graders, scorers=scored)


def _trace_id(sample: Mapping[str, Any], log: LogFacts, sample_id: str, epoch: int) -> str:
    """The sample's uuid (a retried log carries it on), else run, sample and epoch, else the content."""
    uuid = _text(sample.get("uuid"))
    if uuid:
        return own_trace_id(log.source, uuid)
    if log.run:
        return own_trace_id(log.source, f"{log.run}/{sample_id}/{epoch}")
    parts = (log.model_id, log.task, log.created, sample_id, cell_text(sample.get("output")))
    return content_trace_id(log.source, parts, epoch - 1)


def _prompt(value: Any) -> str | None:
    """The input: a text, or what the user says in a list of messages."""
    if isinstance(value, str):
        return value
    messages = [m for m in value or () if isinstance(m, dict) and m.get("role") == "user"]
    return "\n\n".join(message_text(m) for m in messages) or None


def _response(output: Any) -> str | None:
    choices = (output or {}).get("choices")
    if choices:
        return message_text(choices[0].get("message") or {})
    return _text((output or {}).get("completion"))


def _finish_reason(output: Any) -> str:
    choices = (output or {}).get("choices")
    stop = choices[0].get("stop_reason") if choices else (output or {}).get("stop_reason")
    return _STOPS.get(stop or "", "unknown")


def _error(sample: Mapping[str, Any]) -> str | None:
    """What failed: the sample, or the model's output."""
    error = sample.get("error")
    if error:
        return clip(error.get("message") or "error" if isinstance(error, dict) else str(error))
    output_error = (sample.get("output") or {}).get("error")
    return clip(str(output_error)) if output_error else None


def _prompt_kind(metadata: Mapping[str, Any], log: LogFacts) -> str:
    """As the sample says, else as the table of tasks says, else unknown."""
    if metadata.get("prompt_kind") in PROMPT_KINDS:
        return str(metadata["prompt_kind"])
    for polarity in log.polarities:
        if not any(polarity.is_about(log.task, scorer) for scorer in log.scorers):
            continue
        if polarity.prompt_kind is not None:
            return polarity.prompt_kind
        if polarity.prompt_kind_from is not None:
            key, kinds = polarity.prompt_kind_from
            return kinds.get(str(metadata.get(key)), "unknown")
    return "unknown"


def _grades(
    sample: Mapping[str, Any], trace: Mapping[str, Any], log: LogFacts, *, failed: bool, stopped: bool
) -> tuple[list[dict[str, Any]], dict[str, tuple[str, str]]]:
    scores = _scores(sample)
    grades: list[dict[str, Any]] = []
    graders: dict[str, tuple[str, str]] = {}
    for scorer in dict.fromkeys((*log.scorers, *scores)):
        score = scores.get(scorer)
        given = _value(score)
        known = [p for p in log.polarities if p.is_about(log.task, scorer)]
        readings = _most_specific(known) or [None]
        for polarity in readings:
            value = _field(given, polarity)
            verdict = verdict_of_score(value, polarity)
            if failed or (stopped and _is_missing(given)):
                verdict = Verdict.ERROR
            elif sample.get("invalidation"):
                verdict = Verdict.NOT_GRADEABLE
            grader_id = _grader_id(log, scorer, polarity)
            kind = polarity.grader_kind if polarity else "imported"
            graders[grader_id] = (kind, polarity.map_name if polarity else UNDECLARED)
            number = score_number(value)
            grades.append(
                {
                    "trace_id": trace["trace_id"],
                    "target": polarity.target if polarity else "text",
                    "grader_id": grader_id,
                    "grader_kind": kind,
                    "verdict": verdict.value,
                    "raw_label": clip(cell_text(value) or ""),
                    "score": number,
                    "score_scale": None if number is None else "value of the Inspect scorer",
                    "source_file": trace["source_file"],
                    "source_row": trace["source_row"],
                }
            )
    return grades, graders


def _scores(sample: Mapping[str, Any]) -> Mapping[str, Any]:
    """Scores by the name of their scorer; older logs have one."""
    return sample.get("scores") or ({"score": sample["score"]} if sample.get("score") else {})


def _value(score: Any) -> Any:
    return score.get("value") if isinstance(score, dict) else score


def _most_specific(known: Sequence[Polarity]) -> list[Polarity | None]:
    """Of several readings, one a field; the first (the user's) has precedence."""
    by_field: dict[str | None, Polarity | None] = {}
    for polarity in known:
        by_field.setdefault(polarity.field, polarity)
    return list(by_field.values())


def _field(value: Any, polarity: Polarity | None) -> Any:
    if polarity is None or polarity.field is None:
        return value
    return value.get(polarity.field) if isinstance(value, dict) else None


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _grader_id(log: LogFacts, scorer: str, polarity: Polarity | None) -> str:
    """Task and scorer (polarity is theirs together), the field, and the model that graded."""
    field = f".{polarity.field}" if polarity is not None and polarity.field is not None else ""
    model = f"@{log.grader_model}" if log.grader_model else ""
    grader = f"{log.task}/{scorer}{field}{model}"
    return grader if polarity is not None else undeclared(grader)


def _turns(sample: Mapping[str, Any], trace: Mapping[str, Any], texts: Mapping[str, str]) -> list[dict[str, Any]]:
    """The messages of a sample with several turns of the user or the model."""
    messages = [m for m in sample.get("messages") or () if isinstance(m, dict) and m.get("role") in ROLES]
    if sum(m["role"] != "system" for m in messages) <= 2:
        return []
    return [
        {
            "trace_id": trace["trace_id"],
            "turn_index": index,
            "role": message["role"],
            "text": resolved(message_text(message), texts),
            "source_file": trace["source_file"],
            "source_row": trace["source_row"],
        }
        for index, message in enumerate(messages)
    ]


def instant(value: Any) -> str | None:
    """
    An ISO 8601 instant in UTC (inspect_ai writes the local time in ``.json`` and UTC in ``.eval``).

    What is no instant, such as the filler of a redacted log, is nothing.
    """
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        return None
    try:
        when = datetime.fromisoformat(value)
        return value if when.tzinfo is None else when.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
