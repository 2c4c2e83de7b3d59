"""The closed vocabularies of the records, apart from pandera: engines and graders name them without loading it."""

from __future__ import annotations

from typing import Final

__all__ = [
    "FINISH_REASONS",
    "GRADER_KINDS",
    "HR_MEANINGS",
    "PROMPT_KINDS",
    "RESPONSE_KINDS",
    "ROLES",
    "SIZE_SOURCES",
    "TAMPERING_STATES",
    "TARGETS",
]

PROMPT_KINDS: Final = ("harmful", "benign", "unknown")
RESPONSE_KINDS: Final = ("text", "withheld", "none", "telemetry", "not_asked")
"""
``withheld``: there was a response, its text is not in the source. ``none``: error, timeout, nothing came back. ``not_asked``: the
attack gave no prompt, so nothing was asked; the attack failed, and a source whose denominator is its behaviours counts it.
"""
FINISH_REASONS: Final = ("stop", "length", "content_filter", "tool_calls", "error", "timeout", "parse_error", "unknown")
TARGETS: Final = ("text", "action", "tool_call")
GRADER_KINDS: Final = ("human", "llm", "classifier", "keyword", "imported")
HR_MEANINGS: Final = ("harmful_content", "incoherent_compliance", "not_used", "undeclared")
SIZE_SOURCES: Final = ("published", "name", "declared", "estimated", "unknown")
TAMPERING_STATES: Final = ("none", "abliterated", "fine_tuned", "steered", "unknown")
ROLES: Final = ("system", "user", "assistant", "tool")
