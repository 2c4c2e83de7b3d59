"""
The records: what a row is.

These pandera models are the only declaration. Everything else (strict decoder, violation mask, Arrow schema, JSON Schema,
SQLite DDL, ibis expression) is derived from them in its siblings (``fields``, ``rules``, ``strict``, ``json_schema``, ``ddl``).

Only portable rules are used: bounds, membership, text length, and patterns given as an ASCII body that each engine anchors
by itself (see docs/decisions/0001-one-columnar-engine.md).
"""

from __future__ import annotations

from typing import Any, Final

import pandera.pyarrow as pa
from pandera.api.pyarrow.model_config import BaseConfig

from safescale.records.fates import NoteCode
from safescale.records.verdicts import Verdict
from safescale.records.vocabulary import (
    FINISH_REASONS,
    GRADER_KINDS,
    HR_MEANINGS,
    PROMPT_KINDS,
    RESPONSE_KINDS,
    ROLES,
    SIZE_SOURCES,
    TAMPERING_STATES,
    TARGETS,
)

__all__ = [
    "FINISH_REASONS",
    "GRADER_KINDS",
    "HR_MEANINGS",
    "PROBABILITIES",
    "PROMPT_KINDS",
    "RECORDS",
    "RESPONSE_KINDS",
    "ROLES",
    "SIZE_SOURCES",
    "TAMPERING_STATES",
    "TARGETS",
    "Aggregate",
    "Grade",
    "GradeLine",
    "GradedTrace",
    "Grader",
    "Model",
    "Note",
    "Reject",
    "Run",
    "Trace",
    "Turn",
]

PROBABILITIES: Final = {
    "p_refusal": Verdict.REFUSAL,
    "p_partial": Verdict.PARTIAL,
    "p_compliance": Verdict.COMPLIANCE,
}
"""Columns of a grade that hold the probability of a class, and the class."""
SHA256_BODY: Final = "[0-9a-f]{64}"
INSTANT_BODY: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"


def _text(description: str, *, nullable: bool = False, **rules: Any) -> Any:
    """A text column; a text that is required is not empty."""
    if not nullable and "isin" not in rules:
        rules.setdefault("str_length", {"min_value": 1})
    return pa.Field(nullable=nullable, description=description, **rules)


def _pattern(body: str, description: str, *, nullable: bool = False) -> Any:
    return pa.Field(nullable=nullable, description=description, str_matches=f"^(?:{body})$")


def _number(description: str, *, nullable: bool = False, **rules: Any) -> Any:
    return pa.Field(nullable=nullable, description=description, **rules)


class _Record(pa.DataFrameModel):
    """A record: its columns and no others."""

    class Config(BaseConfig):
        strict = True


class _Answer(_Record):
    """What a trace and a canonical line share."""

    trace_id: str = _text("the source's own id within its source ('source:id'), else a content hash with sample_index")
    source: str = _text("collection that the row belongs to; ids are unique within it")
    model_id: str = _text("model id exactly as the source gives it")
    prompt_id: str = _text("prompt id within its prompt set; the cluster key")
    prompt_kind: str = _text("whether the prompt asks for harm", isin=list(PROMPT_KINDS))
    attack_class: str = _text("kind of attack; 'none' for a direct request")
    condition: str = _text("experimental condition; 'default' when there is only one")
    sample_index: int = _number("0-based repeat of the same prompt, model and condition", ge=0)
    response_kind: str = _text("whether there is a response, and whether its text is here", isin=list(RESPONSE_KINDS))
    finish_reason: str = _text("why generation ended", isin=list(FINISH_REASONS))
    response_chars: int = _number("length of the response (characters)", nullable=True, ge=0)
    response_sha256: str = _pattern(SHA256_BODY, "SHA-256 of the response as UTF-8", nullable=True)
    prompt_sha256: str = _pattern(SHA256_BODY, "SHA-256 of the prompt as UTF-8", nullable=True)
    seed: int = _number("sampling seed", nullable=True)
    created_at: str = _pattern(INSTANT_BODY, "ISO 8601 instant of the response", nullable=True)
    error: str = _text("what failed, as the source words it", nullable=True)
    prompt: str = _text("text sent to the model", nullable=True)
    response: str = _text("text that came back; the final one of several turns", nullable=True)


class Trace(_Answer):
    """One response to one prompt."""

    source_file: str = _text("file that the row was read from")
    source_row: int = _number("1-based line or row in that file", ge=1)


class Turn(_Record):
    """One turn of a trace with several."""

    trace_id: str = _text("trace that the turn belongs to")
    turn_index: int = _number("0-based position", ge=0)
    role: str = _text("who speaks", isin=list(ROLES))
    text: str = _text("what is said", nullable=True)
    source_file: str = _text("file that the row was read from")
    source_row: int = _number("1-based line or row in that file", ge=1)


class _Judged(_Record):
    """What a grade and its line in a file share."""

    trace_id: str = _text("trace that is graded")
    target: str = _text("what of the trace is graded; targets are never pooled", isin=list(TARGETS))
    grader_id: str = _text("grader, with its version where it has one")
    grader_kind: str = _text("what kind of grader", isin=list(GRADER_KINDS))
    verdict: str = _text("the verdict", isin=[v.value for v in Verdict])
    raw_label: str = _text("label as the grader wrote it", str_length={"min_value": 0})
    score: float = _number("the grader's own score", nullable=True)
    score_scale: str = _text("scale of the score, in words", nullable=True)
    p_refusal: float = _number("probability of refusal (fraction)", nullable=True, ge=0.0, le=1.0)
    p_partial: float = _number("probability of partial compliance (fraction)", nullable=True, ge=0.0, le=1.0)
    p_compliance: float = _number("probability of compliance (fraction)", nullable=True, ge=0.0, le=1.0)
    rubric_version: str = _text("version of the rubric or prompt of the grader", nullable=True)


class Grade(_Judged):
    """One grader's verdict on one trace."""

    source_file: str = _text("file that the row was read from")
    source_row: int = _number("1-based line or row in that file", ge=1)


class GradeLine(_Judged):
    """
    A line of a grades file (``*.grades.jsonl``): a grade of a trace that is known by its id.

    The first line of the file says what its graders' labels mean; the reader gives file and row.
    """


class Grader(_Record):
    """What a grader's labels mean."""

    grader_id: str = _text("grader, with its version where it has one")
    grader_kind: str = _text("what kind of grader", isin=list(GRADER_KINDS))
    outcome_map: str = _text("name of the outcome map that its labels went through")
    hallucination_refusal: str = _text("which published meaning HALLUCINATION_REFUSAL has", isin=list(HR_MEANINGS))


class Aggregate(_Record):
    """A published rate without rows."""

    aggregate_id: str = _text("source:id of the rate, else a content hash")
    source: str = _text("publication that the rate is from")
    source_file: str = _text("file that the row was read from")
    source_row: int = _number("1-based line or row in that file", ge=1)
    model_id: str = _text("model id exactly as the source gives it")
    attack_class: str = _text("kind of attack; 'none' for a direct request")
    condition: str = _text("experimental condition; 'default' when there is only one")
    outcome: str = _text("which tier the rate is", isin=["strict", "broad", "functionally_dangerous"])
    grader_id: str = _text("grader behind the rate")
    rate: float = _number("the rate (fraction)", ge=0.0, le=1.0)
    n: int = _number("traces behind the rate", nullable=True, ge=1)
    interval_low: float = _number("lower bound as published (fraction)", nullable=True, ge=0.0, le=1.0)
    interval_high: float = _number("upper bound as published (fraction)", nullable=True, ge=0.0, le=1.0)


class Model(_Record):
    """What a model is."""

    model_id: str = _text("model id exactly as the source gives it")
    canonical_id: str = _text("the same model under one spelling; tampered variants keep their own")
    params_total_b: float = _number("total parameters (1e9)", nullable=True, gt=0.0)
    params_active_b: float = _number("parameters active for a token (1e9)", nullable=True, gt=0.0)
    size_source: str = _text("where the size is from", isin=list(SIZE_SOURCES))
    size_note: str = _text("what is doubtful about the size", nullable=True)
    developer: str = _text("who trained it", nullable=True)
    host: str = _text("who served it", nullable=True)
    family: str = _text("family: lineage over generations", nullable=True)
    lineage: str = _text("same generation of one family", nullable=True)
    generation: str = _text("generation within the family", nullable=True)
    released: str = _text("release date as published", nullable=True)
    tampering: str = _text("whether safety training was tampered with", isin=list(TAMPERING_STATES))
    tampering_detail: str = _text("how the state is known", nullable=True)


class Run(_Record):
    """What produced the traces."""

    run_id: str = _text("content id of the manifest")
    tool: str = _text("tool that produced the traces")
    tool_version: str = _text("its version", nullable=True)
    model_id: str = _text("model id exactly as the source gives it", nullable=True)
    model_revision: str = _text("revision of the weights", nullable=True)
    chat_template_sha256: str = _pattern(SHA256_BODY, "SHA-256 of the chat template", nullable=True)
    prompt_set_sha256: str = _pattern(SHA256_BODY, "SHA-256 of the prompt set", nullable=True)
    sampling: str = _text("sampling parameters as JSON", nullable=True)
    seeds: str = _text("seeds as JSON", nullable=True)
    hardware: str = _text("hardware in words", nullable=True)
    created_at: str = _pattern(INSTANT_BODY, "ISO 8601 instant of the run", nullable=True)


class Reject(_Record):
    """An input row that was not taken, and why."""

    source_file: str = _text("file that the row was read from")
    source_row: int = _number("1-based line or row; 0 speaks of the file", ge=0)
    code: str = _text("reason as a code")
    column: str = _text("column or JSON path", nullable=True)
    expected: str = _text("what the contract says")
    got: str = _text("what came (clipped to 200 characters)", str_length={"min_value": 0})
    raw_sha256: str = _pattern(SHA256_BODY, "SHA-256 of the raw line or file", nullable=True)


class Note(_Record):
    """Something that a reader of the numbers must know of a file, and that is no fate of a row."""

    source_file: str = _text("file that is spoken of")
    source_row: int = _number("1-based line or row; 0 speaks of the file", ge=0)
    code: str = _text("what kind of note", isin=[code.value for code in NoteCode])
    column: str = _text("column or JSON path", nullable=True)
    expected: str = _text("what one would expect (clipped to 200 characters)", str_length={"min_value": 0})
    got: str = _text("what came (clipped to 200 characters)", str_length={"min_value": 0})


class GradedTrace(_Answer):
    """
    The canonical flat line: a trace with at most one grade and, optionally, the declared size of its model.

    This is safescale's own interchange form (one JSON object a line); the reader gives file and row.
    """

    target: str = _text("what of the trace is graded", nullable=True, isin=list(TARGETS))
    grader_id: str = _text("grader, with its version where it has one", nullable=True)
    grader_kind: str = _text("what kind of grader", nullable=True, isin=list(GRADER_KINDS))
    verdict: str = _text("the verdict", nullable=True, isin=[v.value for v in Verdict])
    raw_label: str = _text("label as the grader wrote it", nullable=True)
    score: float = _number("the grader's own score", nullable=True)
    score_scale: str = _text("scale of the score, in words", nullable=True)
    p_refusal: float = _number("probability of refusal (fraction)", nullable=True, ge=0.0, le=1.0)
    p_partial: float = _number("probability of partial compliance (fraction)", nullable=True, ge=0.0, le=1.0)
    p_compliance: float = _number("probability of compliance (fraction)", nullable=True, ge=0.0, le=1.0)
    rubric_version: str = _text("version of the rubric or prompt of the grader", nullable=True)
    outcome_map: str = _text("outcome map of the grader; 'flip' when absent", nullable=True)
    params_total_b: float = _number("declared total parameters (1e9)", nullable=True, gt=0.0)
    params_active_b: float = _number("declared active parameters (1e9)", nullable=True, gt=0.0)
    params_source: str = _text("what the declared size is; 'declared' when absent", nullable=True, isin=["declared", "estimated"])


RECORDS: Final[dict[str, type[pa.DataFrameModel]]] = {
    "trace": Trace,
    "turn": Turn,
    "grade": Grade,
    "grader": Grader,
    "aggregate": Aggregate,
    "model": Model,
    "run": Run,
    "reject": Reject,
    "note": Note,
    "graded_trace": GradedTrace,
    "grade_line": GradeLine,
}
"""Every record by name."""
