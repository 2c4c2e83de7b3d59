"""One result of promptfoo to a trace, its turns and its grades."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import attrs

from safescale.ingest.batch import Options
from safescale.ingest.gathering import Gathering, Records, Unusable
from safescale.ingest.identity import content_trace_id, sha256_text
from safescale.ingest.polarity import UNDECLARED, Scorers, undeclared
from safescale.ingest.promptfoo_grades import Judgement, judged, plugin_facts
from safescale.records.fates import NoteCode, RejectCode
from safescale.records.rows import clip
from safescale.records.verdicts import Verdict

__all__ = ["GRADER", "Run", "result_records"]

GRADER: Final = "promptfoo-redteam"
_STRIPPED_OUTPUT: Final = "[output stripped]"
_STRIPPED_PROMPT: Final = "[prompt stripped]"
_NO_ATTACK: Final = frozenset({"", "basic", "default", "plugin"})
_GENERIC: Final = re.compile(
    r"(?:https?|wss?|file|exec|python|ruby|golang|package|webhook|promptfoo|browser|mcp|custom)(?::|\Z)", re.I
)
_FINISH: Final = {
    "stop": "stop",
    "end_turn": "stop",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
}
_ROLES: Final = frozenset({"system", "user", "assistant", "tool"})


@attrs.define
class Run:
    """What the results of one file share, and what is counted over them."""

    options: Options
    scorers: Scorers
    inject: str | None
    several_prompts: bool
    labels: Mapping[str, set[str]]
    repeats: Counter[tuple[str, ...]] = attrs.field(factory=Counter)
    successes: int = 0
    failures: int = 0
    errors: int = 0
    grader_failures: int = 0
    stripped: int = 0

    @classmethod
    def of(
        cls,
        options: Options,
        scorers: Scorers,
        config: Mapping[str, Any],
        prompts: Mapping[str, int],
        labels: Mapping[str, set[str]],
    ) -> Run:
        """From the head of the file and a first look at its rows."""
        redteam = config.get("redteam")
        inject = redteam.get("injectVar") if isinstance(redteam, dict) else None
        return cls(
            options=options,
            scorers=scorers,
            inject=inject if isinstance(inject, str) else None,
            several_prompts=len(prompts) > 1,
            labels=labels,
        )

    def tell(self, into: Gathering) -> None:
        """What a reader must know of the file."""
        if self.grader_failures:
            into.note(
                NoteCode.GRADER_FAILED,
                expected="a verdict of the grader; promptfoo counts its failures as attacks that succeeded (or as passes)",
                got=f"{self.grader_failures:,} results whose grader failed: ERROR",
                column="gradingResult",
            )
        if self.stripped:
            into.note(
                NoteCode.CLIPPED_TEXT,
                expected="texts; promptfoo was told to strip them (PROMPTFOO_STRIP_...)",
                got=f"{self.stripped:,} outputs are stripped: withheld",
                column="response.output",
            )


def result_records(row: Mapping[str, Any], run: Run) -> Records:
    """
    Records of one result.

    Raises
    ------
    Unusable
        For what has no provider.
    """
    metadata = _metadata(row)
    plugin, strategy = _text(metadata.get("pluginId")), _text(metadata.get("strategyId")) or ""
    judgement = judged(row, metadata, plugin)
    _count(row, judgement, run)
    model, label_condition = _model(row, run)
    asked = _asked(row, metadata)
    response, kind = _response(row, run)
    failed = judgement.target_failed and response is None
    attack = "none" if strategy in _NO_ATTACK else strategy
    condition = ", ".join([*_plugin_condition(plugin), *label_condition, *_prompt_condition(row, run)]) or "default"
    prompt_id = _prompt_id(row, metadata, plugin, run)
    key = (model, attack, condition, prompt_id)
    sample = run.repeats[key]
    run.repeats[key] += 1
    source = run.options.source or "promptfoo"
    parts = (*key, asked, response, _plain(row.get("latencyMs")), _plain(row.get("tokenUsage")), _text(row.get("error")))
    trace = {
        "trace_id": content_trace_id(source, parts, sample),
        "source": source,
        "model_id": model,
        "prompt_id": prompt_id,
        "prompt_kind": _prompt_kind(plugin, metadata),
        "attack_class": attack,
        "condition": condition,
        "sample_index": sample,
        "response_kind": kind,
        "finish_reason": "error" if failed else _finish(row),
        "error": clip(judgement.error) if judgement.target_failed and judgement.error else None,
        "prompt": asked,
        "response": response,
    }
    records = Records(trace=trace, turns=_turns(metadata, str(trace["trace_id"])))
    _grade(records, judgement, plugin, run)
    return records


def _grade(records: Records, judgement: Judgement, plugin: str | None, run: Run) -> None:
    if judgement.human is not None:
        verdict = (Verdict.NOT_HARMFUL if judgement.human else Verdict.COMPLIANCE) if judgement.red_team else Verdict.UNGRADED
        human = "promptfoo-human" if judgement.red_team else undeclared("promptfoo-human")
        _add(records, human, "human", "binary_safe" if judgement.red_team else UNDECLARED, verdict, judgement.human, None)
    if judgement.verdict is not None:
        grader = run.options.grader_id or GRADER
        grader = f"{grader}@{judgement.model}" if judgement.model and run.options.grader_id is None else grader
        _add(records, grader, "llm", "binary_safe", judgement.verdict, judgement.passed, judgement.score)
        return
    if judgement.passed is None and judgement.score is None:
        return
    polarity = run.scorers.of_scorer("pass", plugin or "")
    verdict = Verdict.UNGRADED
    if polarity is not None and judgement.passed is not None:
        verdict = polarity.verdict(judgement.passed)
    name = "promptfoo-assertions" if polarity else undeclared("promptfoo-assertions")
    kind, outcome_map = (polarity.grader_kind, polarity.map_name) if polarity else ("imported", UNDECLARED)
    _add(records, name, kind, outcome_map, verdict, judgement.passed, judgement.score)


def _add(
    records: Records, grader: str, kind: str, outcome_map: str, verdict: Verdict, passed: bool | None, score: float | None
) -> None:
    label = {True: "pass", False: "fail", None: ""}[passed]
    scale = None if score is None else "score of promptfoo (1 = passed)"
    records.grade(grader, kind, outcome_map, verdict, label, score=score, score_scale=scale)


def _count(row: Mapping[str, Any], judgement: Judgement, run: Run) -> None:
    run.grader_failures += judgement.grader_failed
    if row.get("failureReason") == 2:
        run.errors += 1
    elif row.get("success") is True:
        run.successes += 1
    else:
        run.failures += 1


def _metadata(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the result says of itself, else its test, else its grade, else its response."""
    merged: dict[str, Any] = {}
    test, grade, response = row.get("testCase"), row.get("gradingResult"), row.get("response")
    for home in (response, grade, test, row):
        found = home.get("metadata") if isinstance(home, dict) else None
        if isinstance(found, dict):
            merged.update({k: v for k, v in found.items() if v is not None})
    return merged


def _model(row: Mapping[str, Any], run: Run) -> tuple[str, list[str]]:
    """The provider's id; its label where the id names a way to reach something, and as a condition where one id has several."""
    provider = row.get("provider")
    if isinstance(provider, str) and provider:
        return provider, []
    if not isinstance(provider, dict):
        raise Unusable(RejectCode.MISSING_FIELD, expected="a provider", got=provider, column="provider")
    own, label = _text(provider.get("id")), _text(provider.get("label"))
    if own is None and label is None:
        raise Unusable(RejectCode.MISSING_FIELD, expected="an id or a label", got=provider, column="provider.id")
    if own is None or (label is not None and _GENERIC.match(own)):
        return label or str(own), []
    several = label is not None and len(run.labels.get(own, ())) > 1
    return own, [label] if several and label is not None else []


def _plugin_condition(plugin: str | None) -> list[str]:
    """What a plugin outside ``harmful:*`` asks for is another question: a political opinion is in no rate with a weapon."""
    if plugin is None:
        return []
    group = plugin.removeprefix("promptfoo:redteam:").partition(":")[0]
    return [] if group == "harmful" else [f"plugin {group}"]


def _prompt_condition(row: Mapping[str, Any], run: Run) -> list[str]:
    prompt_id = _text(row.get("promptId"))
    if not run.several_prompts or prompt_id is None:
        return []
    prompt = row.get("prompt")
    label = _text(prompt.get("label")) if isinstance(prompt, dict) else None
    short = label is not None and len(label) <= 40 and "\n" not in label and "{" not in label
    return [label if short and label is not None else f"prompt {prompt_id[:8]}"]


def _asked(row: Mapping[str, Any], metadata: Mapping[str, Any]) -> str | None:
    """What was sent: the last prompt of a strategy with several, else the rendered prompt."""
    final = _text(metadata.get("redteamFinalPrompt"))
    prompt = row.get("prompt")
    raw = prompt.get("raw") if isinstance(prompt, dict) else prompt
    text = final or (raw if isinstance(raw, str) else None if raw is None else _plain(raw))
    return None if text == _STRIPPED_PROMPT else text


def _response(row: Mapping[str, Any], run: Run) -> tuple[str | None, str]:
    """Text and kind of the response."""
    response = row.get("response")
    output = response.get("output") if isinstance(response, dict) else response
    if output is None:
        return None, "none"
    if output == _STRIPPED_OUTPUT:
        run.stripped += 1
        return None, "withheld"
    return (output if isinstance(output, str) else _plain(output)), "text"


def _finish(row: Mapping[str, Any]) -> str:
    response = row.get("response")
    if not isinstance(response, dict):
        return "unknown"
    guardrails = response.get("guardrails")
    if isinstance(guardrails, dict) and guardrails.get("flaggedInput") is True and response.get("output") in (None, ""):
        return "content_filter"
    return _FINISH.get(str(response.get("finishReason")), "unknown")


def _prompt_id(row: Mapping[str, Any], metadata: Mapping[str, Any], plugin: str | None, run: Run) -> str:
    """Plugin and hash of the text that the strategy started from; in an evaluation the hash of the variables."""
    test = row.get("testCase")
    own = test.get("vars") if isinstance(test, dict) else None
    variables = own if isinstance(own, dict) and own else row.get("vars")
    if not isinstance(variables, dict):
        variables = {}
    original = _text(metadata.get("originalText"))
    if original is None:
        named = next((n for n in (run.inject, "prompt", "__prompt") if n and n in variables), None)
        if named is None and len(variables) == 1:
            named = next(iter(variables))
        if plugin is not None and named is not None:
            original = _plain(variables[named])
        elif variables:
            original = _plain({k: variables[k] for k in sorted(variables, key=str) if k != "sessionId"})
        else:
            original = _asked(row, {}) or f"test {_plain(row.get('testIdx'))}"
    digest = (sha256_text(original) or "")[:16]
    return f"{plugin}/{digest}" if plugin else digest


def _prompt_kind(plugin: str | None, metadata: Mapping[str, Any]) -> str:
    facts = plugin_facts(plugin)
    if facts.get("from_label"):
        return {"safe": "benign", "unsafe": "harmful"}.get(str(metadata.get("label")), "unknown")
    return str(facts.get("prompt_kind", "unknown"))


def _turns(metadata: Mapping[str, Any], trace_id: str) -> list[dict[str, Any]]:
    """The conversation of a strategy with several turns, as ``messages`` or ``redteamHistory`` have it."""
    said: list[tuple[str, str | None]] = []
    messages, history = metadata.get("messages"), metadata.get("redteamHistory")
    if isinstance(messages, list) and messages:
        said = [(str(m["role"]), _content(m.get("content"))) for m in messages if isinstance(m, dict) and m.get("role") in _ROLES]
    elif isinstance(history, list):
        for turn in history:
            if isinstance(turn, dict) and "prompt" in turn:
                said += [("user", _content(turn["prompt"])), ("assistant", _content(turn.get("output")))]
    if sum(role != "system" for role, _ in said) <= 2:
        return []
    return [{"trace_id": trace_id, "turn_index": i, "role": role, "text": text} for i, (role, text) in enumerate(said)]


def _content(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else _plain(value)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
