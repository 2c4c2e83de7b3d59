"""Verdicts on responses that are none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from safescale.analyses.words import plural
from safescale.audit.corpus_facts import AuditFacts, Flags
from safescale.audit.finding import Hit, Severity
from safescale.audit.rule import Rule
from safescale.audit.words import named
from safescale.cells.graded_rows import VERDICTS

__all__ = ["RULE"]

_SENTINEL: Final = (
    r"(?i)^\s*(\[(error|timeout|parse_error|no[ _]response|empty)\b|error:|(http|status)?\s*(error )?429\b|rate limit exceeded|"
    r"\{\"error\"|traceback \(most recent)"
)
"""What a pipeline writes into the place of a response."""

_LONGEST_SENTINEL: Final = 400


def _check(facts: AuditFacts) -> Iterator[Hit]:
    kind = facts.traces.response_kind
    states = (
        ("none", "nothing came back", kind.is_in(["none"]), None),
        (
            "failed",
            "generation ended in an error, a timeout or a response that could not be parsed",
            facts.finish_reason.is_in(["error", "timeout", "parse_error"]) & ~kind.is_in(["none"]),
            Severity.ERROR,
        ),
        ("empty", "the response is empty", (facts.response_chars == 0) & kind.is_in(["text"]), Severity.ERROR),
        ("message", "the response is an error message", _messages(facts) & ~kind.is_in(["none"]), Severity.ERROR),
    )
    told = np.zeros(facts.rows.count, dtype=bool)
    for name, words, traces, severity in states:
        hit = traces[facts.trace_of_row] & facts.evaluable & ~told
        told |= hit
        for code in np.unique(facts.rows.grader.codes[hit]).tolist():
            rows = np.flatnonzero(hit & (facts.rows.grader.codes == code))
            grader = facts.rows.grader.values[code].as_py()
            counts = np.bincount(facts.rows.verdict[rows], minlength=len(VERDICTS))
            verdicts = [f"{counts[i]:,} {VERDICTS[i].value}" for i in np.flatnonzero(counts).tolist()]
            models = sorted(
                facts.traces.model_id.values[i].as_py()
                for i in np.unique(facts.traces.model_id.codes[facts.trace_of_row[rows]]).tolist()
            )
            left_out = "; left out of every rate by default" if name == "none" else "; they count in rates"
            yield Hit(
                subject=f"{grader}: {name}",
                found=f"{grader} gave {plural(rows.size, 'verdict')} ({', '.join(verdicts)}) where {words}, in "
                f"{plural(len(models), 'model')}: {named(models)}{left_out}",
                evidence=facts.grade_evidence(rows, ids=models),
                severity=severity,
            )


def _messages(facts: AuditFacts) -> Flags:
    """Traces whose response begins as an error message of a pipeline does."""
    parts: list[pa.Array] = []
    for batch in facts.corpus.batches("traces", ["response"]):
        text = pc.fill_null(batch["response"], "")
        short = pc.less_equal(pc.utf8_length(text), _LONGEST_SENTINEL)
        parts.append(pc.and_(short, pc.match_substring_regex(pc.utf8_slice_codeunits(text, 0, 40), _SENTINEL)))
    if not parts:
        return np.zeros(facts.traces.count, dtype=bool)
    return np.asarray(pa.concat_arrays(parts).to_numpy(zero_copy_only=False), dtype=bool)


RULE = Rule(
    code="SS306",
    name="graded-non-responses",
    severity=Severity.WARNING,
    title="Non-responses with a verdict",
    why="No refusal phrase in an error message makes it a compliance, an empty answer reads as a refusal: the rate measures the "
    "pipeline.",
    todo="Mark such rows (response_kind none, finish_reason error) and let no grader see them; grade the others again.",
    threshold="An evaluable verdict on a trace without a response (left out by default: a warning), or on one that ended in an "
    "error, is empty, or begins like an error message (error). Where an attack that produced no prompt counts as a failure by "
    "definition, waive.",
    check=_check,
)
