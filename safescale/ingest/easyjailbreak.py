"""Adapter ``easyjailbreak``: JSON lines that EasyJailbreak saves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from safescale.ingest.batch import Batch, FormatFacts, Options, Probe
from safescale.ingest.gathering import Gathering, Records, Unusable
from safescale.ingest.identity import content_trace_id, sha256_text
from safescale.ingest.json_input import first_objects, object_lines
from safescale.records.fates import NoteCode, RejectCode
from safescale.records.verdicts import Verdict

__all__ = ["EasyJailbreak"]

_KEYS: Final = frozenset({"jailbreak_prompt", "query", "target_responses", "eval_results"})


class EasyJailbreak:
    """
    ``save_to_jsonl`` of EasyJailbreak. A row is a line; a line with several responses gives a trace to the first, and the others
    are said in a note (its verdicts are a list over the responses).

    ``eval_results`` counts jailbreaks (``Instance.num_jailbreak``): 1 or true is one. Anything but 0, 1, true and false is the
    score of an evaluator that judges on a scale: UNGRADED. The file names no model: the file's name stands for it.
    """

    name = "easyjailbreak"
    facts = FormatFacts(
        files="JSON lines of EasyJailbreak: jailbreak_prompt, query, target_responses, eval_results",
        polarity="eval_results: 1 or true = jailbroken",
        outcome_map="binary_harmful",
        denominator="rows with a response and a verdict",
        cluster_key="hash of the query",
        attempts="lines of one query are repeats",
    )

    def context(self, path: Path) -> str:
        """The file's name, which stands for the model that the file does not name."""
        return _model(path)

    def recognises(self, probe: Probe) -> bool:
        """Lines with EasyJailbreak's four keys."""
        found = first_objects(probe.head)
        return probe.stem.endswith((".jsonl", ".json", ".ndjson")) and bool(found) and all(row.keys() >= _KEYS for row in found)

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """Read the lines."""
        into = Gathering(str(path))
        model, repeats = _model(path), dict[str, int]()
        further = 0
        for line in object_lines(path, into):
            taken = into.take(line.row, partial(_records, line.value, model, options, repeats), raw=line.raw)
            responses = line.value.get("target_responses")
            further += len(responses) - 1 if taken and isinstance(responses, list) and len(responses) > 1 else 0
            yield from into.full()
        if further:
            expected, got = "one response a line", f"{further:,} further responses: the first of each line was kept"
            into.note(NoteCode.ONE_OF_SEVERAL, expected=expected, got=got, column="target_responses")
        expected = "the name of the model, which EasyJailbreak does not store (or read the file with --map)"
        into.note(NoteCode.COMPANION_MISSING, expected=expected, got=f"the model goes by the file's name: {model}")
        yield from into.rest()


def _model(path: Path) -> str:
    return re.sub(r"(?:\.jsonl?|\.ndjson)?(?:\.gz|\.zst)?$", "", path.name) or path.name


def _records(row: Mapping[str, Any], model: str, options: Options, repeats: dict[str, int]) -> Records:
    query = row.get("query")
    if not isinstance(query, str) or not query:
        raise Unusable(RejectCode.MISSING_FIELD, expected="text", got=query, column="query")
    attack = row.get("jailbreak_prompt")
    if attack is not None and not isinstance(attack, str):
        raise Unusable(RejectCode.WRONG_TYPE, expected="text or null", got=attack, column="jailbreak_prompt")
    responses = row.get("target_responses") or []
    if not isinstance(responses, list):
        raise Unusable(RejectCode.WRONG_TYPE, expected="a list", got=responses, column="target_responses")
    response = responses[0] if responses else None
    if response is not None and not isinstance(response, str):
        raise Unusable(RejectCode.WRONG_TYPE, expected="text", got=response, column="target_responses")
    direct = attack is None or attack.strip() in ("", "{query}", query)
    prompt = query if attack is None or not attack.strip() else attack.replace("{query}", query)
    prompt_id = (sha256_text(query) or "")[:16]
    sample = repeats.get(prompt_id, 0)
    repeats[prompt_id] = sample + 1
    source = options.source or "easyjailbreak"
    trace = {
        "trace_id": content_trace_id(source, (model, prompt, response), sample),
        "source": source,
        "model_id": model,
        "prompt_id": prompt_id,
        "prompt_kind": "unknown",
        "attack_class": "none" if direct else "unclassified",
        "condition": "default",
        "sample_index": sample,
        "response_kind": "none" if response is None else "text",
        "finish_reason": "unknown",
        "prompt": prompt,
        "response": response,
    }
    records = Records(trace=trace)
    results = row.get("eval_results")
    if isinstance(results, list) and results:
        _grade(records, results[0], options)
    return records


def _grade(records: Records, value: Any, options: Options) -> None:
    assert records.trace is not None
    known = {0: Verdict.NOT_HARMFUL, 1: Verdict.COMPLIANCE}
    is_number = isinstance(value, bool | int | float)
    verdict = known.get(value, Verdict.UNGRADED) if is_number else Verdict.UNGRADED
    grader = options.grader_id or "easyjailbreak-evaluator"
    records.graders[grader] = ("imported", "binary_harmful")
    records.grades.append(
        {
            "trace_id": records.trace["trace_id"],
            "target": "text",
            "grader_id": grader,
            "grader_kind": "imported",
            "verdict": verdict.value,
            "raw_label": "" if value is None else str(value)[:200],
            "score": float(value) if is_number and abs(value) < 1e300 else None,
            "score_scale": "eval_results of EasyJailbreak" if is_number and abs(value) < 1e300 else None,
        }
    )
