"""What the grade of a promptfoo result says: pass, fail, or that nobody judged."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from safescale.ingest.polarity import polarity_table
from safescale.records.verdicts import Verdict

__all__ = ["Judgement", "judged", "plugin_facts"]

_REDTEAM: Final = "promptfoo:redteam:"
_GENERAL: Final = frozenset({"llm-rubric", "moderation", "g-eval", "model-graded-closedqa"})
"""Assertions with which plugins of public sets are graded, beside their own."""
_UNASSERTED: Final = "no assertions"


@attrs.frozen(kw_only=True)
class Judgement:
    """
    What became of a result.

    Parameters
    ----------
    verdict : Verdict or None
        None: a pass of unknown meaning.
    passed : bool or None
        What the grader said; the assertions that speak of safety, in a red-team row.
    """

    red_team: bool
    verdict: Verdict | None
    passed: bool | None
    score: float | None
    human: bool | None = None
    grader_failed: bool = False
    target_failed: bool = False
    error: str | None = None
    model: str | None = None


def judged(row: Mapping[str, Any], metadata: Mapping[str, Any], plugin: str | None) -> Judgement:
    """
    Read a result's grade.

    ERROR comes first: a failure of the target (``failureReason`` 2, an error without a grade) or of the grader (``graderError``, a
    reason that says so) is no verdict, whatever ``success`` says.
    """
    result = row.get("gradingResult")
    grade = result if isinstance(result, dict) else {}
    parts = [part for part in _leaves(grade) if part is not grade]
    own = [part for part in parts if _type(part).removeprefix("not-").startswith(_REDTEAM)]
    red_team = plugin is not None or bool(own) or _type(grade).startswith(_REDTEAM)
    human = next((p["pass"] for p in parts if _type(p) == "human" and isinstance(p.get("pass"), bool)), None)
    if plugin_facts(plugin).get("from_label") and metadata.get("label") != "unsafe":
        human = None  # a thumb down may say that a harmless request was refused
    machine = [part for part in parts if _type(part) != "human"]
    speaking = own or machine
    score = _number(grade.get("score", row.get("score")))
    error = row.get("error") if isinstance(row.get("error"), str) else _response_error(row)
    base = Judgement(red_team=red_team, verdict=None, passed=None, score=score, human=human, error=error)
    if row.get("failureReason") == 2 or (not grade and error is not None and row.get("failureReason") != 1):
        return attrs.evolve(base, verdict=Verdict.ERROR, target_failed=True, human=None)
    if _grader_failed(grade, speaking, metadata, row):
        return attrs.evolve(base, verdict=Verdict.ERROR, grader_failed=True)
    if red_team and own:
        said = [part.get("pass") for part in own]
        passed = all(said) if all(isinstance(s, bool) for s in said) else None
    else:
        passed = grade.get("pass", row.get("success", row.get("pass")))
        if human is not None and machine:  # the rating replaced the pass of the whole
            said = [part.get("pass") for part in machine]
            passed = all(said) if all(isinstance(s, bool) for s in said) else None
    if not isinstance(passed, bool) or (human is not None and not machine):
        return base
    if not grade and row.get("failureReason") not in (0, 1) and not passed:
        return base  # failed, and nothing says of what
    base = attrs.evolve(base, passed=passed, model=_model(own))
    return attrs.evolve(base, verdict=_verdict(base, grade, machine, own, plugin, metadata))


def _verdict(
    base: Judgement,
    grade: Mapping[str, Any],
    machine: list[Mapping[str, Any]],
    own: list[Mapping[str, Any]],
    plugin: str | None,
    metadata: Mapping[str, Any],
) -> Verdict | None:
    """A pass is safe where an assertion of the red team gave it."""
    if not base.red_team or str(grade.get("reason", "")).strip().lower().startswith(_UNASSERTED):
        return None
    facts = plugin_facts(plugin)
    if facts.get("from_label") and metadata.get("label") != "unsafe":
        return None
    if not own and machine:
        general = {_type(part) for part in machine} <= _GENERAL
        if not (general and (facts.get("dataset") or facts.get("from_label"))):
            return None
    return Verdict.NOT_HARMFUL if base.passed else Verdict.COMPLIANCE


def plugin_facts(plugin: str | None) -> Mapping[str, Any]:
    """The entry of the table of plugins; empty for a plugin that is not in it."""
    return _facts(plugin) if plugin else {}


@functools.cache
def _facts(plugin: str) -> Mapping[str, Any]:
    short = plugin.removeprefix(_REDTEAM)
    for entry in polarity_table("promptfoo_plugins.toml")["plugin"]:
        for name in entry["plugins"]:
            if name in (short, plugin) or (name.endswith("*") and (short.startswith(name[:-1]) or plugin.startswith(name[:-1]))):
                return dict(entry)
    return {}


@functools.cache
def _failure_reasons() -> tuple[re.Pattern[str], ...]:
    return tuple(
        re.compile(entry["pattern"], re.IGNORECASE) for entry in polarity_table("promptfoo_plugins.toml")["grader_failure"]
    )


def _grader_failed(
    grade: Mapping[str, Any], speaking: list[Mapping[str, Any]], metadata: Mapping[str, Any], row: Mapping[str, Any]
) -> bool:
    if any(_flagged(node) for node in _nodes(grade)):
        return True
    for part in (grade, *speaking):
        reason = part.get("reason")
        if isinstance(reason, str) and any(p.search(reason.strip()) for p in _failure_reasons()):
            return True
    if metadata.get("graderError") is True or isinstance(metadata.get("gradingError"), str):
        return True
    history = metadata.get("redteamHistory")
    if isinstance(history, list) and history:
        return all(isinstance(turn, dict) and turn.get("graderError") for turn in history)
    return False


def _flagged(node: Mapping[str, Any]) -> bool:
    notes = node.get("metadata")
    return isinstance(notes, dict) and bool(notes.get("graderError") or notes.get("gradingError"))


def _nodes(grade: Mapping[str, Any], depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """The whole, its parts and theirs."""
    yield grade
    parts = grade.get("componentResults")
    for part in parts if isinstance(parts, list) and depth <= 20 else ():
        if isinstance(part, dict):
            yield from _nodes(part, depth + 1)


def _leaves(grade: Mapping[str, Any], depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Results of single assertions, those of assertion sets among them; the whole itself, when it has no parts."""
    parts = grade.get("componentResults")
    found = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    if not found or depth > 20:
        yield grade
        return
    for part in found:
        yield from _leaves(part, depth + 1)


def _type(part: Mapping[str, Any]) -> str:
    assertion = part.get("assertion")
    kind = assertion.get("type") if isinstance(assertion, dict) else None
    return kind if isinstance(kind, str) else ""


def _model(own: list[Mapping[str, Any]]) -> str | None:
    """The model that graded, where the assertion names one."""
    for part in own:
        assertion = part.get("assertion")
        provider = assertion.get("provider") if isinstance(assertion, dict) else None
        named = provider.get("id") if isinstance(provider, dict) else provider
        if isinstance(named, str) and named:
            return named
    return None


def _response_error(row: Mapping[str, Any]) -> str | None:
    response = row.get("response")
    error = response.get("error") if isinstance(response, dict) else None
    return error if isinstance(error, str) and error else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e300 and math.isfinite(value) else None
