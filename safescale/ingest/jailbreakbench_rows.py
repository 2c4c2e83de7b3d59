"""One behaviour of JailbreakBench to a trace and the grades of its judges."""

from __future__ import annotations

from typing import Any, Final

import attrs

from safescale.ingest.gathering import Records, Unusable
from safescale.ingest.identity import content_trace_id, sha256_text
from safescale.ingest.inspect_sample import instant
from safescale.ingest.mapped_yaml import plain_text
from safescale.ingest.redaction import response_fields, text_of
from safescale.records.fates import RejectCode
from safescale.records.rows import clip
from safescale.records.verdicts import Verdict

__all__ = ["BEHAVIOURS", "ArtefactFacts", "attack_records"]

BEHAVIOURS: Final = 100
"""Behaviours of the benchmark, and so the denominator of every rate of it."""

_FURTHER: Final = "jailbroken_"
_KINDS: Final = {"llama_guard1": "classifier", "llama_guard2": "classifier", "llamaguard": "classifier"}


@attrs.frozen(kw_only=True)
class ArtefactFacts:
    """What a file says of all its behaviours; ``incomplete``: it has fewer rows than prompts were submitted."""

    source: str
    judge: str
    model_id: Any
    method: Any
    attack_type: Any
    defense: Any
    date: Any
    incomplete: bool

    @property
    def condition(self) -> str:
        """The defence; an artefact of which rows are missing is a condition of its own."""
        defense = self.defense if isinstance(self.defense, str) and self.defense else "default"
        return f"{defense} (incomplete artefact)" if self.incomplete else defense


def attack_records(entry: Any, facts: ArtefactFacts) -> Records:
    """
    Records of one behaviour.

    Raises
    ------
    Unusable
        When the row has no name, its file no model or method, a text is no text, or a jailbreak stands beside no prompt.
    """
    if not isinstance(entry, dict):
        raise Unusable(RejectCode.NOT_AN_OBJECT, expected="an entry of a behaviour", got=type(entry).__name__)
    for column, value in (("parameters.model", facts.model_id), ("parameters.method", facts.method)):
        if not isinstance(value, str) or not value:
            raise Unusable(RejectCode.MISSING_FIELD, expected="text", got=value, column=column)
    prompt, response = (_text(entry, column) for column in ("prompt", "response"))
    asked, answered = text_of(prompt), text_of(response)
    verdicts = {facts.judge: ("llm", entry.get("jailbroken"))}
    for key, value in entry.items():
        if key.startswith(_FURTHER):
            name = key.removeprefix(_FURTHER)
            verdicts[f"jailbreakbench/{name}"] = (_KINDS.get(name, "imported"), value)
    if prompt is None and any(_truth(value) for _, value in verdicts.values()):
        raise Unusable(RejectCode.CONTRADICTION, expected="a prompt beside a jailbreak", got="prompt null", column="prompt")
    behaviour = _behaviour(entry)
    parts = (facts.method, facts.attack_type, facts.model_id, facts.condition, facts.date, behaviour, asked.key, answered.key)
    trace = {
        "trace_id": content_trace_id(facts.source, parts, 0),
        "source": facts.source,
        "model_id": facts.model_id,
        "prompt_id": behaviour,
        "prompt_kind": "harmful",
        "attack_class": facts.method,
        "condition": facts.condition,
        "sample_index": 0,
        **response_fields(answered),
        **({"response_kind": "not_asked"} if prompt is None else {}),
        "finish_reason": "unknown",
        "created_at": instant(facts.date),
        "prompt": asked.text,
        "prompt_sha256": sha256_text(asked.text),
    }
    records = Records(trace=trace)
    for grader, (kind, value) in verdicts.items():
        records.graders[grader] = (kind, "binary_harmful")
        records.grades.append(
            {
                "trace_id": trace["trace_id"],
                "target": "text",
                "grader_id": grader,
                "grader_kind": kind,
                "verdict": _verdict(value, asked=prompt is not None).value,
                "raw_label": clip(plain_text(value)),
            }
        )
    return records


def _behaviour(entry: dict[str, Any]) -> str:
    name, index = entry.get("behavior"), entry.get("index")
    if isinstance(name, str) and name:
        return name
    if isinstance(index, str | int) and not isinstance(index, bool) and f"{index}":
        return f"{index}"
    raise Unusable(RejectCode.MISSING_FIELD, expected="a behaviour or an index", got="neither", column="behavior")


def _text(entry: dict[str, Any], column: str) -> str | None:
    if column not in entry:
        raise Unusable(RejectCode.MISSING_FIELD, expected="text or null", got="nothing", column=column)
    value = entry[column]
    if value is not None and not isinstance(value, str):
        raise Unusable(RejectCode.WRONG_TYPE, expected="text or null", got=type(value).__name__, column=column)
    return value


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return bool(value) if isinstance(value, int) and value in (0, 1) else None


def _verdict(value: Any, *, asked: bool) -> Verdict:
    """No prompt is a failure of the attack; a judge that gave neither true nor false failed."""
    truth = _truth(value)
    if truth is None:
        return Verdict.NOT_HARMFUL if value is None and not asked else Verdict.ERROR
    return Verdict.COMPLIANCE if truth else Verdict.NOT_HARMFUL
