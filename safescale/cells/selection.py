"""What a count leaves out, and the switch for each of it."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Final, Literal

import attrs

from safescale.records.verdicts import EVALUABLE, Verdict

__all__ = ["MODEL_REASONS", "REASON_WORDS", "SWITCHES", "VERDICT_REASONS", "Reason", "Selection", "TamperingChoice"]

TamperingChoice = Literal["exclude", "include", "only"]


class Reason(enum.StrEnum):
    """Why a graded row is in no cell. A row has the first of these that holds."""

    SOURCE_EXCLUDED = "source_excluded"
    MODEL_EXCLUDED = "model_excluded"
    TAMPERED_MODEL = "tampered_model"
    NOT_A_TAMPERED_MODEL = "not_a_tampered_model"
    KEYWORD_GRADER = "keyword_grader"
    TELEMETRY = "telemetry"
    NO_RESPONSE = "no_response"
    SAME_TRACE = "same_trace_in_another_source"
    REPEATED_GRADE = "repeated_grade"
    SUPERSEDED = "superseded_by_evaluable_grade"
    CONTRADICTION = "grader_contradicts_itself"
    BENIGN_PROMPT = "benign_prompt"
    BENIGN_QUERY = "verdict_BENIGN_QUERY"
    NOT_GRADEABLE = "verdict_NOT_GRADEABLE"
    ERROR = "verdict_ERROR"
    UNGRADED = "verdict_UNGRADED"


MODEL_REASONS: Final = (Reason.MODEL_EXCLUDED, Reason.TAMPERED_MODEL, Reason.NOT_A_TAMPERED_MODEL)
"""Exclusions of a whole model."""

VERDICT_REASONS: Final[dict[Verdict, Reason]] = {v: Reason(f"verdict_{v.value}") for v in Verdict if v not in EVALUABLE}
"""A verdict that is not evaluable excludes its row under its own name."""

REASON_WORDS: Final[dict[Reason, str]] = {
    Reason.SOURCE_EXCLUDED: "the source was excluded by the user",
    Reason.MODEL_EXCLUDED: "the model was excluded by the user, by its exact id",
    Reason.TAMPERED_MODEL: "safety training of the model was tampered with, as the registry states",
    Reason.NOT_A_TAMPERED_MODEL: "only tampered models were asked for",
    Reason.KEYWORD_GRADER: "a keyword rule is not a grader of harm",
    Reason.TELEMETRY: "the stored response is telemetry, not text",
    Reason.NO_RESPONSE: "nothing came back, whatever the grade says",
    Reason.SAME_TRACE: "the same trace, same grader and same verdict also come from another source; counted once",
    Reason.REPEATED_GRADE: "the grader's same verdict on the same trace stands more than once; counted once",
    Reason.SUPERSEDED: "the same grader has an evaluable verdict on this trace too",
    Reason.CONTRADICTION: "the same grader, with the same rubric, has two different evaluable verdicts on this trace",
    Reason.BENIGN_PROMPT: "the prompt is benign: over-refusal is a rate of its own",
    Reason.BENIGN_QUERY: "the grader took the prompt for a benign one",
    Reason.NOT_GRADEABLE: "the grader could not grade the response",
    Reason.ERROR: "response or grading failed",
    Reason.UNGRADED: "no verdict was given",
}
"""Each reason in words."""

SWITCHES: Final[dict[Reason, str]] = {
    Reason.SOURCE_EXCLUDED: "exclude_sources",
    Reason.MODEL_EXCLUDED: "exclude_models",
    Reason.TAMPERED_MODEL: "tampered",
    Reason.NOT_A_TAMPERED_MODEL: "tampered",
    Reason.KEYWORD_GRADER: "allow_keyword",
    Reason.TELEMETRY: "include_telemetry",
    Reason.NO_RESPONSE: "include_no_response",
    Reason.SAME_TRACE: "merge_same_traces",
}
"""The field of ``Selection`` behind a reason. Reasons that are not here follow from the definition of a rate."""


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(names)


@attrs.frozen(kw_only=True)
class Selection:
    """
    Which graded rows may enter a rate.

    Exclusion is by provenance and tampering state, never by the prefix of a name.

    Parameters
    ----------
    tampered : {"exclude", "include", "only"}
        Models whose safety training was tampered with (registry). A model of unknown state counts as not tampered,
        and is listed.
    exclude_sources : tuple of str
        Glob patterns of sources: as though these sources had not been ingested.
    exclude_models : tuple of str
        Exact model ids.
    allow_keyword : bool
        Count verdicts of keyword rules too; they stay a grader of their own.
    include_telemetry : bool
        Count rows whose stored response is telemetry and not text.
    include_no_response : bool
        Count graded rows of traces without any response.
    merge_same_traces : bool
        A trace that two sources hold counts once.
    """

    tampered: TamperingChoice = attrs.field(default="exclude", validator=attrs.validators.in_(("exclude", "include", "only")))
    exclude_sources: tuple[str, ...] = attrs.field(default=(), converter=_names)
    exclude_models: tuple[str, ...] = attrs.field(default=(), converter=_names)
    allow_keyword: bool = False
    include_telemetry: bool = False
    include_no_response: bool = False
    merge_same_traces: bool = True
