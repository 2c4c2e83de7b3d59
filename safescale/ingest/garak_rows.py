"""One attempt of garak to the traces of its outputs and the grades of its detectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from safescale.ingest.garak_grades import detector_of, score_fate, verdict_of
from safescale.ingest.garak_report import Place, Report, Run, message_text, prompt_key
from safescale.ingest.gathering import Records, Unusable
from safescale.ingest.identity import content_trace_id, own_trace_id, sha256_text
from safescale.ingest.inspect_polarity import Polarity
from safescale.ingest.mapped_yaml import plain_text
from safescale.ingest.polarity import undeclared
from safescale.ingest.redaction import Text, response_fields, text_of
from safescale.records.fates import RejectCode
from safescale.records.models import ROLES
from safescale.records.rows import clip
from safescale.records.verdicts import Verdict

__all__ = ["attempt_records"]


def attempt_records(entry: dict[str, Any], place: Place, run: Run, report: Report) -> Records:
    """
    Records of one attempt.

    Raises
    ------
    Unusable
        When its target or probe is not named, a field has another shape, or nothing came of it at all.
    """
    probe = entry.get("probe_classname")
    if not isinstance(probe, str) or not probe:
        raise Unusable(RejectCode.MISSING_FIELD, expected="text", got=probe, column="probe_classname")
    if run.model_id is None:
        expected = "the target that was scanned, in the line 'start_run setup' (plugins.target_name) or in the digest"
        raise Unusable(RejectCode.MISSING_FIELD, expected=expected, got="neither in this report", column="plugins.target_name")
    outputs, detectors = entry.get("outputs"), entry.get("detector_results")
    if not isinstance(outputs, list):
        raise Unusable(RejectCode.WRONG_TYPE, expected="a list", got=type(outputs).__name__, column="outputs")
    for name, scores in (detectors or {}).items():
        if not isinstance(scores, list):
            raise Unusable(RejectCode.WRONG_TYPE, expected="a list", got=type(scores).__name__, column=f"detector_results.{name}")
    prompt = text_of(_prompt(entry.get("prompt")))
    key = prompt_key(entry.get("prompt"))
    common = {
        "source": report.source,
        "model_id": run.model_id,
        "prompt_id": f"{probe}/{_seq(entry)}/{(sha256_text(key) or '')[:8]}",
        "prompt_kind": "harmful" if probe in report.harmful_probes else "unknown",
        "attack_class": probe,
        "condition": _condition(entry, run),
        "finish_reason": "unknown",
        "seed": run.seed,
        "created_at": run.created,
        "prompt": prompt.text,
        "prompt_sha256": sha256_text(prompt.text),
    }
    records = Records()
    answers = [text_of(_answer(output)) for output in outputs] or [text_of(None)]  # asked, and nothing came back
    for index, answer in enumerate(answers):
        sample = place.occurrence * len(answers) + index
        trace = {
            **common,
            "trace_id": _trace_id(entry, place, run, report.source, index, sample, (probe, key, answer.key)),
            "sample_index": sample,
            **response_fields(answer),
        }
        if index:
            records.more_traces.append(trace)
        else:
            records.trace = trace
        records.turns += _turns(entry.get("conversations"), index, trace["trace_id"])
        if outputs:
            _grade(detectors or {}, index, len(outputs), answer, trace, run, report.declared, records)
    return records


def _seq(entry: dict[str, Any]) -> str:
    seq = entry.get("seq")
    return f"{seq}" if isinstance(seq, int) and not isinstance(seq, bool) else "-"


def _prompt(prompt: Any) -> str | None:
    """What the user says last; the whole of several turns stands in the turns."""
    if isinstance(prompt, dict) and isinstance(prompt.get("turns"), list):
        said = [turn for turn in prompt["turns"] if isinstance(turn, dict) and turn.get("role") == "user"]
        return message_text(said[-1].get("content")) if said else None
    return message_text(prompt)


def _answer(output: Any) -> str | None:
    if output is None or isinstance(output, str | dict):
        return message_text(output)
    raise Unusable(
        RejectCode.WRONG_TYPE, expected="a text, an object with text, or null", got=type(output).__name__, column="outputs"
    )


def _condition(entry: dict[str, Any], run: Run) -> str:
    notes = entry.get("notes")
    buff = notes.get("buff_creator") if isinstance(notes, dict) else None
    named = (("buff", buff), ("intent", entry.get("intent")), ("system prompt", run.system_prompt))
    return ", ".join(f"{name} {value}" for name, value in named if isinstance(value, str) and value) or "default"


def _trace_id(
    entry: dict[str, Any], place: Place, run: Run, source: str, index: int, sample: int, content: tuple[str, str, str]
) -> str:
    """The attempt's uuid where it is its own; with probe, seq and occurrence, since an aggregated report gives all the same."""
    if place.has_own_id:
        return own_trace_id(source, f"{entry['uuid']}/{content[0]}/{_seq(entry)}/{place.occurrence}/{index}")
    return content_trace_id(source, (run.model_id, run.created, _seq(entry), *content), sample)


def _turns(conversations: Any, index: int, trace_id: str) -> list[dict[str, Any]]:
    """The turns of an output with several; one question and its answer need none."""
    conversation = conversations[index] if isinstance(conversations, list) and index < len(conversations) else None
    turns = conversation.get("turns") if isinstance(conversation, dict) else None
    told = [turn for turn in turns or () if isinstance(turn, dict) and turn.get("role") in ROLES]
    if sum(turn["role"] != "system" for turn in told) <= 2:
        return []
    return [
        {"trace_id": trace_id, "turn_index": at, "role": turn["role"], "text": message_text(turn.get("content"))}
        for at, turn in enumerate(told)
    ]


def _grade(
    detectors: dict[str, list[Any]],
    index: int,
    outputs: int,
    answer: Text,
    trace: dict[str, Any],
    run: Run,
    declared: Sequence[Polarity],
    records: Records,
) -> None:
    for name, scores in detectors.items():
        detector = detector_of(name, trace["attack_class"], declared)
        fits = len(scores) == outputs
        score = scores[index] if fits else None
        nothing_to_grade = answer.text is None and not answer.withheld
        if not fits:
            verdict, label = Verdict.ERROR, f"{len(scores)} scores for {outputs} outputs"
        else:
            verdict, label = verdict_of(score, detector, run.threshold), plain_text(score)
            verdict = Verdict.NOT_GRADEABLE if nothing_to_grade and verdict is not Verdict.ERROR else verdict
        number = float(score) if score is not None and score_fate(score, run.threshold) != "misfits" else None
        grader = name if detector.meaning is not None else undeclared(name)
        records.graders[grader] = (detector.kind, detector.outcome_map)
        records.grades.append(
            {
                "trace_id": trace["trace_id"],
                "target": "text",
                "grader_id": grader,
                "grader_kind": detector.kind,
                "verdict": verdict.value,
                "raw_label": clip(label),
                "score": number,
                "score_scale": None if number is None else f"0 to 1, a hit at {run.threshold:g}",
            }
        )
