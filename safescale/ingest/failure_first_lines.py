"""One line of a Failure-First file: the fields that are read, decoded strictly, or the reject."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

import msgspec
import pyarrow as pa

from safescale.records.fates import RejectCode
from safescale.records.rows import RejectedRow
from safescale.records.strict import reject_of_error, repeated_key

__all__ = ["Labels", "Line", "LineReader", "Scenario", "SpokenTurn", "is_utf8"]

_ANY_RECORD: Final = "trace"
_SHAPES: Final = 4096
_AT: Final = re.compile(r" - at `\$\.?([^`]*)`\Z")
_STEP: Final = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_EXPECTED: Final = re.compile(r"\AExpected `(.*?)`(?:, got `(.*)`)?\Z")
_Id = str | int | None
_Shape = tuple[int, bool, bool, bool]
_Index = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None


class SpokenTurn(msgspec.Struct, gc=False):
    """A turn: ``text`` in traces, ``content`` in conversation histories."""

    role: str | None = None
    text: str | None = None
    content: str | None = None


class Labels(msgspec.Struct, gc=False):
    """Labels of the runner's keyword heuristic, with and without the suffix ``_pred``."""

    attack_success: bool | None = None
    refusal_triggered: bool | None = None
    attack_success_pred: bool | None = None
    refusal_triggered_pred: bool | None = None
    attack_attempt: bool | None = None
    intent: dict[str, Any] | None = None


class Scenario(msgspec.Struct, gc=False):
    """A scenario or episode record, as far as it says what was attempted."""

    scenario_id: _Id = None
    episode_id: _Id = None
    attack_attempt: bool | None = None
    attack_class: str | None = None
    technique_family: str | None = None
    scenario_class: str | None = None
    prompt: str | None = None
    labels: Labels | None = None


class _Input(msgspec.Struct, gc=False):
    scenario: Scenario | None = None
    episode: Scenario | None = None


class _Output(msgspec.Struct, gc=False):
    predicted: Labels | None = None


class _Scene(msgspec.Struct, gc=False):
    turns: list[SpokenTurn] | None = None


class _RawHttp(msgspec.Struct, gc=False):
    error: Any = None


class _Errors(msgspec.Struct, gc=False):
    timeout: Any = None
    adapter_error: Any = None


class _Metadata(msgspec.Struct, gc=False):
    finish_reason: str | None = None
    execution_timestamp: str | None = None
    simulated: bool | None = None


class Line(msgspec.Struct, gc=False):
    """Every field that some variant carries and that means something here; others are skipped."""

    trace_id: _Id = None
    scenario_id: _Id = None
    episode_id: _Id = None
    prompt_id: _Id = None
    result_id: _Id = None
    model_id: str | None = None
    model: str | None = None
    attack_class: str | None = None
    dataset_kind: str | None = None
    dataset_type: str | None = None
    condition: str | None = None
    sample_index: _Index = None
    input: _Input | None = None
    scenario_input: Scenario | None = None
    turns: list[SpokenTurn] | None = None
    conversation_history: list[SpokenTurn] | None = None
    scenes: list[_Scene] | None = None
    agent_response: str | None = None
    text: str | None = None
    labels: Labels | None = None
    labels_pred: Labels | None = None
    output: _Output | None = None
    raw_http_output: _RawHttp | None = None
    errors: _Errors | None = None
    metadata: _Metadata | None = None
    llm_verdict: str | None = None
    label: str | None = None
    classifier: str | None = None
    llm_classifier: str | None = None
    grader_model: str | None = None
    source_dataset: str | None = None


def is_utf8(data: bytes) -> bool:
    """Whether bytes are UTF-8, without making a string of them."""
    if data.isascii():
        return True
    offsets = pa.py_buffer(memoryview(b"".join((bytes(8), len(data).to_bytes(8, "little")))))
    array = pa.LargeStringArray.from_buffers(1, offsets, pa.py_buffer(data))
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


class LineReader:
    """
    Decoder of the lines of one file.

    A repeated key, at any depth, is looked for with a full second parse whenever a line has a new *shape*: its number of keys,
    and whether it has a verdict and labels. A line whose shape was seen clean before is not parsed again, so a repeated key is
    missed only where the same line also lacks another key that clean lines of that shape have.
    """

    def __init__(self) -> None:
        self._decode = msgspec.json.Decoder(Line).decode
        self._clean_shapes: set[_Shape] = set()

    def read(self, line: bytes, row: int, *, known_utf8: bool) -> Line | RejectedRow:
        """
        Fields of one line (without its newline), or why it is not taken.

        Parameters
        ----------
        line : bytes
            One JSON object.
        row : int
            1-based line number.
        known_utf8 : bool
            Whether the bytes around it were found to be UTF-8 already; fields that are skipped count too.
        """
        try:
            found = self._decode(line)
            if not known_utf8:
                line.decode("utf-8")
        except msgspec.ValidationError as error:
            return _reject_of_type(str(error), line, row)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return reject_of_error(error, line, row, _ANY_RECORD)
        keys = line.count(b'":') - line.count(b'\\":')
        shape = (keys, found.llm_verdict is None, found.labels is None, found.labels_pred is None)
        if shape in self._clean_shapes:
            return found
        return self._first_of_shape(found, shape, line, row)

    def _first_of_shape(self, found: Line, shape: _Shape, line: bytes, row: int) -> Line | RejectedRow:
        try:
            key = repeated_key(line)
        except (ValueError, RecursionError):
            # what one parser takes and the other refuses is not safe to keep
            return RejectedRow.of(row, RejectCode.BAD_JSON, expected="one JSON object", got=_head(line), raw=line)
        if key is not None:
            return RejectedRow.of(
                row, RejectCode.DUPLICATE_KEY, column=key, expected="each key once", got=f"{key!r} twice", raw=line
            )
        if len(self._clean_shapes) < _SHAPES:
            self._clean_shapes.add(shape)
        return found


def _head(line: bytes) -> str:
    return line[:80].decode("utf-8", "replace")


def _reject_of_type(message: str, line: bytes, row: int) -> RejectedRow:
    """Wrong JSON type or value out of range of a field that is read."""
    at = _AT.search(message)
    core = message[: at.start()] if at else message
    column = at.group(1) if at else None
    stated = _EXPECTED.match(core)
    if column is None:
        return RejectedRow.of(row, RejectCode.NOT_AN_OBJECT, expected="one JSON object", got=_head(line), raw=line)
    expected, kind = (stated.group(1), stated.group(2)) if stated else (core, None)
    code = RejectCode.WRONG_TYPE if kind is not None else RejectCode.OUT_OF_RANGE
    return RejectedRow.of(row, code, column=column, expected=expected, got=_value(line, column, kind), raw=line)


def _value(line: bytes, column: str, kind: str | None) -> str:
    """The offending value as JSON text; its type where the path does not lead to it."""
    try:
        value = msgspec.json.decode(line)
        for index, name in _STEP.findall(column):
            value = value[int(index)] if index else value[name]
        return msgspec.json.encode(value).decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, IndexError, TypeError, RecursionError):
        return kind or "?"
