"""Rows of SpeechMap: the joined rows of two judges, the project's own judged responses, and its tables of labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import attrs

from safescale.ingest.gathering import Records, Unusable
from safescale.ingest.identity import content_trace_id, own_trace_id
from safescale.ingest.inspect_sample import instant
from safescale.ingest.label_columns import FailedLabels, LabelColumn
from safescale.records.fates import RejectCode
from safescale.records.verdicts import Verdict

__all__ = ["JUDGES", "PANEL_FACTS", "Reading", "joined_row", "judged_row", "labels_row", "native_category", "panel_row"]

Row = Mapping[str, Any]
Texts = Mapping[tuple[str, str, str], dict[str, Any]]
"""Traces with text by (theme, question, model)."""

JUDGES: Final = {
    "label_grok41fast": ("judge_new", "x-ai/grok-4.1-fast"),
    "label_gpt4o": ("judge_old", "openai/gpt-4o-2024-11-20"),
}
"""Column of a label: the column that names its judge, and the judge where no column does."""
_EARLIER: Final = "label_gpt4o"
"""The label that was given earlier: where ``same_response`` is false, to another text than the one in the row."""

PANEL_FACTS: Final = frozenset(
    {"key", "model", "question_id", "domain", "bucket", "stratum", "sampling_weight", "human_provenance", "panel_tier"}
    | {"resolved_provenance"}
)
"""Columns of the panel tables that hold no label."""
_KINDS: Final = {"gold_human": "human", "gold_consensus_v4": "imported", "panel_label": "imported", "resolved_label": "imported"}
_FINISH: Final = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
    "end_turn": "stop",
    "max_tokens": "length",
}
_NAME: Final = re.compile(r"\A(?:compliance|responses?)_(?P<category>[a-z_]*?(?:criticism|hard))_")
_HARD: Final = "us_hard"
"""The theme of the rows that have a domain, and of the panels."""


@attrs.frozen(kw_only=True)
class Reading:
    """What the rows of one file share."""

    source: str
    failed: FailedLabels
    category: str | None = None
    texts: Texts = attrs.field(factory=dict)


def native_category(name: str) -> str | None:
    """The question set in the name of one of the project's own files; translated sets share their question ids."""
    found = _NAME.match(name)
    return found["category"] if found else None


def joined_row(row: Row, reading: Reading) -> Records:
    """A response with the labels of two judges."""
    theme, question, model = _key(row, reading)
    response = row.get("response")
    if response is not None and not isinstance(response, str):
        raise Unusable(RejectCode.WRONG_TYPE, expected="text or null", got=response, column="response")
    trace = _trace(reading.source, theme, question, model)
    trace |= {
        "prompt": _text(row, "question"),
        "response": response,
        "response_kind": "none" if response is None else "text",
        "finish_reason": "error" if response is None else _FINISH.get(str(row.get("finish_reason")), "unknown"),
    }
    records = Records(trace=trace)
    _two_labels(records, row, reading, {column: row.get(named) for column, (named, _) in JUDGES.items()})
    return records


def labels_row(row: Row, reading: Reading) -> Records:
    """The labels of two judges without the text; where the text lies beside the table, the trace is that of the text."""
    theme, question, model = _key(row, reading)
    beside = reading.texts.get((theme, question, model))
    if beside is not None:
        trace, judges = {**beside["trace"]}, beside["judges"]
    else:
        chars = int(row["response_chars"]) if row.get("response_chars") else None
        trace = _trace(reading.source, theme, question, model)
        trace |= {"response_kind": "none" if chars == 0 else "withheld", "response_chars": chars or None}
        trace["finish_reason"] = "error" if chars == 0 else "unknown"
        judges = {}
    records = Records(trace=trace)
    _two_labels(records, row, reading, judges)
    return records


def panel_row(row: Row, reading: Reading) -> Records:
    """The labels of a panel of judges: every column that is no fact of the response is a judge."""
    question, model = _text(row, "question_id"), _text(row, "model")
    beside = reading.texts.get((_HARD, question, model))
    trace = {**beside["trace"]} if beside is not None else _trace(reading.source, _HARD, question, model)
    records = Records(trace=trace)
    for column, label in row.items():
        if column not in PANEL_FACTS and str(label).strip():
            judge = LabelColumn(column=column, grader_id=column, grader_kind=_KINDS.get(column, "llm"), outcome_map="speechmap")
            judge.add(records, trace["trace_id"], str(label), reading.failed)
    return records


def judged_row(row: Row, reading: Reading) -> Records:
    """
    A response as the project stores it, with or without the verdict of its judge.

    The same response is stored once for each judge, so its id is made of its content; two responses to one question are two.
    """
    theme, question, model = _key(row, reading)
    text, finish, error = _answer(row.get("response"))
    trace = _trace(reading.source, theme, question, model)
    trace |= {
        "prompt": _text(row, "question"),
        "response": text,
        "response_kind": "none" if text is None else "text",
        "finish_reason": finish if text is not None or finish == "content_filter" else "error",
        "created_at": instant(row.get("timestamp")),
        "error": error,
    }
    if "compliance" in row or "timestamp" in row:
        parts = (theme, question, model, row.get("timestamp"), text)
        trace["trace_id"] = content_trace_id(reading.source, parts, 0)
    records = Records(trace=trace)
    label = row.get("compliance")
    if label is not None:
        judge = LabelColumn(column="compliance", grader_id="speechmap/judge", grader_kind="llm", outcome_map="speechmap")
        named = row.get("judge_model")
        judge.add(records, trace["trace_id"], str(label), reading.failed, grader_id=named if isinstance(named, str) else "")
    return records


def _two_labels(records: Records, row: Row, reading: Reading, judges: Mapping[str, Any]) -> None:
    other_text = str(row.get("same_response")).strip().lower() == "false"
    trace_id: str = (records.trace or {})["trace_id"]
    for column, (_, default) in JUDGES.items():
        label = row.get(column)
        if label is None or not str(label).strip():
            continue
        if not isinstance(label, str):
            raise Unusable(RejectCode.WRONG_TYPE, expected="a label", got=label, column=column)
        named = judges.get(column)
        judge = LabelColumn(column=column, grader_id=default, grader_kind="llm", outcome_map="speechmap")
        judge.add(
            records,
            trace_id,
            label,
            reading.failed,
            grader_id=named if isinstance(named, str) and named else "",
            verdict=Verdict.NOT_GRADEABLE if other_text and column == _EARLIER else None,
        )


def _key(row: Row, reading: Reading) -> tuple[str, str, str]:
    """Theme, question and model."""
    theme = row.get("theme")
    if not isinstance(theme, str) or not theme:
        category = reading.category or row.get("category") or (_HARD if "domain" in row else None)
        if not isinstance(category, str) or not category:
            raise Unusable(RejectCode.MISSING_FIELD, expected="the question set", got=category, column="category")
        theme = category.removesuffix("_criticism")
    return theme, _text(row, "question_id"), _text(row, "model")


def _trace(source: str, theme: str, question: str, model: str) -> dict[str, Any]:
    """A trace without its text."""
    return {
        "trace_id": own_trace_id(source, f"{theme}/{question}/{model}"),
        "source": source,
        "model_id": model,
        "prompt_id": f"{theme}/{question}",
        "prompt_kind": "unknown",
        "attack_class": "none",
        "condition": theme,
        "sample_index": 0,
        "response_kind": "withheld",
        "finish_reason": "unknown",
    }


def _text(row: Row, column: str) -> str:
    value = row.get(column)
    if not isinstance(value, str) or not value:
        code = RejectCode.MISSING_FIELD if value is None or value == "" else RejectCode.WRONG_TYPE
        raise Unusable(code, expected="text", got=value, column=column)
    return value


def _answer(response: Any) -> tuple[str | None, str, str | None]:
    """Text, finish reason and error of a stored response: plain text, or what a chat or messages API gave."""
    if response is None or isinstance(response, str):
        return response, "unknown", None
    if not isinstance(response, dict):
        raise Unusable(RejectCode.WRONG_TYPE, expected="text or an object", got=response, column="response")
    choices = response.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    message = choice.get("message")
    content = message.get("content") if isinstance(message, dict) else response.get("content")
    if isinstance(content, list):
        content = "".join(str(part.get("text") or "") for part in content if isinstance(part, dict)) or None
    reason = choice.get("finish_reason") or response.get("stop_reason")
    failure = response.get("error") or choice.get("error")
    text = content if isinstance(content, str) and content else None
    return text, _FINISH.get(str(reason), "unknown"), None if failure is None else str(failure)
