"""From the fields of a line to the rows of a trace, its turns and its grades."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import attrs
import pyarrow as pa

from safescale.ingest.batch import Options
from safescale.ingest.failure_first_answers import answer_of, is_sentinel
from safescale.ingest.failure_first_grades import UnknownVerdict, verdicts_of
from safescale.ingest.failure_first_lines import Line, Scenario, SpokenTurn
from safescale.ingest.failure_first_names import FileNaming
from safescale.ingest.identity import content_trace_id, own_trace_id, sha256_text
from safescale.records.fates import RejectCode
from safescale.records.fields import arrow_schema
from safescale.records.models import INSTANT_BODY
from safescale.records.rows import RejectedRow

__all__ = ["Collected", "RowContext", "add_line", "columns_table"]

SIMULATED: Final = "simulated"
_ROLES: Final = {
    "agent": "assistant",
    "assistant": "assistant",
    "model": "assistant",
    "user": "user",
    "human": "user",
    "system": "system",
    "tool": "tool",
}
_INSTANT: Final = re.compile(rf"\A(?:{INSTANT_BODY})\Z")
_BENIGN: Final = re.compile(r"\Abenign(?:[ _-]?controls?)?\Z", re.IGNORECASE)
_NO_SCENARIO: Final = Scenario()

Row = tuple[Any, ...]


@attrs.frozen(kw_only=True)
class RowContext:
    """What is the same for every line of a file."""

    source: str
    source_file: str
    naming: FileNaming
    options: Options


@attrs.define
class Collected:
    """Rows of one batch as tuples in column order."""

    traces: list[Row] = attrs.field(factory=list)
    turns: list[Row] = attrs.field(factory=list)
    grades: list[Row] = attrs.field(factory=list)
    graders: set[tuple[str, str]] = attrs.field(factory=set)


class _Unusable(Exception):
    def __init__(self, code: RejectCode, column: str, expected: str, got: str) -> None:
        super().__init__(column)
        self.code, self.column, self.expected, self.got = code, column, expected, got


def columns_table(record: str, rows: list[Row]) -> pa.Table | None:
    """Tuples in column order as a table of the record; None for no rows."""
    if not rows:
        return None
    schema = arrow_schema(record)
    columns = zip(*rows, strict=True)
    return pa.Table.from_arrays(
        [pa.array(column, type=field.type) for field, column in zip(schema, columns, strict=True)], schema=schema
    )


_GRADE_PLACES = {field.name: at for at, field in enumerate(arrow_schema("grade"))}
_OWN_PLACES = tuple(
    _GRADE_PLACES[name]
    for name in (
        "trace_id",
        "target",
        "grader_id",
        "grader_kind",
        "verdict",
        "raw_label",
        "source_file",
        "source_row",
        "rubric_version",
    )
)


def grade_tuple(
    trace_id: str, grader_id: str, kind: str, verdict: str, label: str, file: str, row: int, *, rubric_version: str | None = None
) -> Row:
    """A grade of the text of a trace in the order of its columns, whatever further columns the record has."""
    values: list[Any] = [None] * len(_GRADE_PLACES)
    given = (trace_id, "text", grader_id, kind, verdict, label, file, row, rubric_version)
    for place, value in zip(_OWN_PLACES, given, strict=True):
        values[place] = value
    return tuple(values)


def add_line(line: Line, raw: bytes, row: int, context: RowContext, into: Collected) -> RejectedRow | None:
    """Append the records of one line, or say why there are none."""
    try:
        _add(line, row, context, into)
    except _Unusable as bad:
        return RejectedRow.of(row, bad.code, column=bad.column, expected=bad.expected, got=bad.got, raw=raw)
    except UnknownVerdict as unknown:
        return RejectedRow.of(
            row,
            RejectCode.UNKNOWN_VERDICT,
            column=unknown.column,
            expected="a verdict of the alias table",
            got=json.dumps(unknown.label, ensure_ascii=False),
            raw=raw,
        )
    return None


def _add(line: Line, row: int, context: RowContext, into: Collected) -> None:
    model = line.model_id if line.model_id is not None else line.model
    spoken = _spoken(line)
    grade_only = line.trace_id is not None and line.llm_verdict is not None and model is None and not spoken
    source = _source(line, context)
    if grade_only and line.agent_response is None and line.text is None:
        _add_grades(line, own_trace_id(source, str(line.trace_id)), row, context, into, answered=True)
        return
    if model is None or not model.strip():
        raise _Unusable(RejectCode.MISSING_FIELD, "model_id", "a model id", "nothing" if model is None else repr(model))
    scenario = _scenario(line)
    prompt, text = _exchange(line, spoken, scenario)
    metadata = line.metadata
    answer = answer_of(text, stated_finish=metadata.finish_reason if metadata else None, error=_failure(line))
    prompt_id = _prompt_id(line, scenario, prompt)
    trace_id = _trace_id(line, source, (model, prompt_id, prompt, answer.response, answer.error))
    created = metadata.execution_timestamp if metadata else None
    if created is not None and not _INSTANT.match(created):
        raise _Unusable(RejectCode.OUT_OF_RANGE, "metadata.execution_timestamp", "an ISO 8601 instant", repr(created))
    kept = len(into.turns)
    if len(spoken) > 2 or "episode" in (line.dataset_kind, line.dataset_type):
        into.turns.extend(_turn_rows(spoken, trace_id, row, context))
    try:
        _add_grades(line, trace_id, row, context, into, answered=answer.response_kind != "none")
    except UnknownVerdict:
        del into.turns[kept:]
        raise
    into.traces.append(
        (
            trace_id,
            source,
            model,
            prompt_id,
            _prompt_kind(scenario),
            line.attack_class or _attack_class(line, scenario),
            line.condition or "default",
            line.sample_index or 0,
            answer.response_kind,
            answer.finish_reason,
            answer.chars,
            None,  # the session fills and checks the hashes of all adapters
            None,
            None,
            created,
            answer.error,
            prompt,
            answer.response,
            context.source_file,
            row,
        )
    )


def _add_grades(line: Line, trace_id: str, row: int, context: RowContext, into: Collected, *, answered: bool) -> None:
    file = context.source_file
    for g in verdicts_of(line, context.naming, context.options, answered=answered):
        into.graders.add((g.grader_id, g.grader_kind))
        into.grades.append(
            grade_tuple(trace_id, g.grader_id, g.grader_kind, g.verdict, g.raw_label, file, row, rubric_version=g.rubric_version)
        )


def _source(line: Line, context: RowContext) -> str:
    """Provenance: simulated rows say so wherever they go; exports keep the dataset that they are from."""
    if line.metadata is not None and line.metadata.simulated:
        return SIMULATED
    return f"{context.source}/{line.source_dataset}" if line.source_dataset else context.source


def _trace_id(line: Line, source: str, content: tuple[object, ...]) -> str:
    if line.trace_id not in (None, ""):
        return own_trace_id(source, str(line.trace_id))
    if line.result_id is not None:
        return own_trace_id(source, f"result:{line.result_id}")
    return content_trace_id(source, content, line.sample_index or 0)


def _prompt_id(line: Line, scenario: Scenario, prompt: str | None) -> str:
    """The source's id of the prompt; the hash of its text where there is no id."""
    for own in (line.scenario_id, line.episode_id, line.prompt_id, scenario.scenario_id, scenario.episode_id):
        if own is not None and own != "":
            return str(own)
    digest = sha256_text(prompt)
    if digest is None:
        raise _Unusable(RejectCode.MISSING_FIELD, "scenario_id", "scenario_id, episode_id or prompt_id", "nothing")
    return f"sha-{digest[:16]}"


def _scenario(line: Line) -> Scenario:
    """``input.scenario``, ``input.episode``, or the legacy ``scenario_input``."""
    if line.input is not None:
        found = line.input.scenario or line.input.episode
        if found is not None:
            return found
    return line.scenario_input or _NO_SCENARIO


def _prompt_kind(scenario: Scenario) -> str:
    attempt = scenario.attack_attempt
    if attempt is None and scenario.labels is not None:
        attempt = scenario.labels.attack_attempt
    if attempt is not None:
        return "harmful" if attempt else "benign"
    for name in (scenario.attack_class, scenario.scenario_class):
        if name and _BENIGN.match(name):
            return "benign"
    return "unknown"


def _attack_class(line: Line, scenario: Scenario) -> str:
    """``attack_class``, then ``technique_family``, then ``scenario_class``, then the true flags of ``labels.intent``."""
    stated = scenario.attack_class or scenario.technique_family or scenario.scenario_class
    if stated:
        return stated
    for labels in (line.labels, scenario.labels):
        if labels is not None and labels.intent:
            flags = sorted(name for name, flag in labels.intent.items() if flag is True)
            if flags:
                return "+".join(flags)
    return "none" if scenario.attack_attempt is False else "unclassified"


def _spoken(line: Line) -> list[SpokenTurn]:
    """``turns``, else ``conversation_history``, else the turns of the scenes in order."""
    if line.turns:
        return line.turns
    if line.conversation_history:
        return line.conversation_history
    return [turn for scene in line.scenes or () for turn in scene.turns or ()]


def _exchange(line: Line, spoken: list[SpokenTurn], scenario: Scenario) -> tuple[str | None, str | None]:
    """Last prompt and final response."""
    prompt: str | None = None
    text: str | None = None
    for turn in spoken:
        role = _role(turn)
        if role == "user":
            prompt = _said(turn) or prompt
        elif role == "assistant":
            text = _said(turn)
    if text is None:
        text = line.agent_response if line.agent_response is not None else line.text
    if prompt is None:
        prompt = scenario.prompt or (line.scenario_input.prompt if line.scenario_input else None)
    return prompt, text


def _role(turn: SpokenTurn) -> str:
    role = _ROLES.get((turn.role or "").lower())
    if role is None:
        expected = "one of " + ", ".join(_ROLES)
        raise _Unusable(RejectCode.UNKNOWN_VALUE, "turns.role", expected, repr(turn.role))
    return role


def _said(turn: SpokenTurn) -> str | None:
    return turn.text if turn.text is not None else turn.content


def _turn_rows(spoken: list[SpokenTurn], trace_id: str, row: int, context: RowContext) -> list[Row]:
    rows: list[Row] = []
    for index, turn in enumerate(spoken):
        text = _said(turn)
        role = _role(turn)
        if text is not None and role == "assistant" and is_sentinel(text):
            text = None
        rows.append((trace_id, index, role, text, context.source_file, row))
    return rows


def _failure(line: Line) -> str | None:
    """What the runner says of a request that brought no text."""
    if line.raw_http_output is not None and line.raw_http_output.error:
        return str(line.raw_http_output.error)
    if line.errors is not None:
        if line.errors.timeout:
            return "timeout"
        if line.errors.adapter_error:
            return str(line.errors.adapter_error)
    return None
