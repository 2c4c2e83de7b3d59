"""Adapter ``refusal-direction``: evaluations of runs that remove or add the refusal direction."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.ingest.batch import Batch, FormatFacts, Options, Probe
from safescale.ingest.gathering import Gathering, Records, Unusable
from safescale.ingest.identity import content_trace_id, sha256_text
from safescale.ingest.json_input import json_document
from safescale.ingest.mapped_yaml import plain_text
from safescale.ingest.redaction import response_fields, text_of
from safescale.records.fates import NoteCode, RejectCode
from safescale.records.rows import RejectedRow, clip
from safescale.records.verdicts import Verdict

__all__ = ["RefusalDirection"]

_NAME: Final = re.compile(r"(?P<dataset>[a-z0-9]+(?:[_-][a-z0-9]+)*)_(?P<intervention>[a-z0-9]+)_(?:evaluations|completions)\.json")
_GRADE: Final = "is_jailbreak_"
_SUBSTRING: Final = "substring_matching"
_NOT_REFUSED: Final = "not_refused: 1 = COMPLIANCE, 0 = REFUSAL"
_KINDS: Final = {"llamaguard2": "classifier", "harmbench": "classifier"}
_HARMFUL: Final = frozenset(
    {"jailbreakbench", "harmbench", "harmbench_test", "harmbench_val", "advbench", "malicious_instruct", "maliciousinstruct"}
    | {"tdc2023", "strongreject", "harmful"}
)
_BENIGN: Final = frozenset({"harmless", "alpaca"})


@attrs.frozen(kw_only=True)
class _Run:
    """What the path of a file says of all its rows."""

    source: str
    model_id: str
    dataset: str
    condition: str
    prompt_kind: str


class RefusalDirection:
    """
    Evaluations of the refusal-direction pipeline; a row is the k-th entry of ``completions``.

    The intervention is in the name of the file, and it is tampering with the model: the trace's model is ``MODEL+ablation`` or
    ``MODEL+actadd``, which the registry knows as abliterated and steered, so that no analysis takes it for the model itself. On
    harmless prompts the pipeline *adds* the direction (it makes the model refuse): that is the condition ``direction_added``.
    """

    name = "refusal-direction"
    facts = FormatFacts(
        files="{dataset}_{baseline|ablation|actadd}_evaluations.json (and _completions.json, not graded) in the model's folder",
        polarity="is_jailbreak_substring_matching = 1 says that no refusal phrase was found (an empty response has none): a "
        "keyword rule, 0 = refused. is_jailbreak_llamaguard2 = 1 is harmful; the pipeline sets it to 0 under 15 words, and to 1 "
        "for any answer of the classifier that does not begin with 'safe'",
        outcome_map="binary_harmful; for the substring rule 1 = did not refuse, 0 = REFUSAL",
        denominator="all completions; harmless prompts are benign and never in an attack success rate",
        cluster_key="dataset, place in the list, hash of the prompt",
        attempts="one per prompt; an ablated or steered model is a model of its own (MODEL+ablation), as tampering is of the model",
    )

    def recognises(self, probe: Probe) -> bool:
        """The name of such a file, and a head with the pipeline's own key."""
        if _NAME.fullmatch(probe.stem) is None:
            return False
        if probe.stem.endswith("_completions.json"):
            head = probe.head.lstrip()
            return head.startswith(b"[") and b'"prompt"' in head and b'"response"' in head and b'"category"' in head
        return b'"is_jailbreak_' in probe.head or b'"substring_matching_success_rate"' in probe.head

    def context(self, path: Path) -> str:
        """Model, dataset and intervention stand in the path."""
        return f"{_model_of(path)}/{path.name}"

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """Read a file."""
        document = json_document(path)
        if isinstance(document, RejectedRow):
            yield Batch(rows_in=0, rejects=[document])
            return
        gathering = Gathering(str(path))
        rows = document.get("completions") if isinstance(document, dict) else document
        run = _run_of(path, options)
        if not isinstance(rows, list):
            got = type(rows).__name__
            gathering.reject(RejectedRow.of(0, RejectCode.WRONG_TYPE, expected="a list", got=got, column="completions"))
        elif run is None:
            expected = "a name such as jailbreakbench_ablation_evaluations.json in a folder named for the model"
            for row in range(1, len(rows) + 1):
                gathering.reject(RejectedRow.of(row, RejectCode.MISSING_FIELD, expected=expected, got=path.name, column="(path)"))
        else:
            for row, entry in enumerate(rows, 1):
                gathering.take(row, partial(_records, entry, row, run))
                yield from gathering.full()
            if isinstance(document, dict):
                _note_header(document, rows, gathering)
        yield from gathering.rest()


def _model_of(path: Path) -> str:
    folder = path.absolute().parent
    return folder.parent.name if folder.name == "completions" else folder.name


def _run_of(path: Path, options: Options) -> _Run | None:
    named = _NAME.fullmatch(Probe(path=path, head=b"").stem)
    model = _model_of(path)
    if named is None or not model:
        return None
    dataset, intervention = named["dataset"], named["intervention"]
    benign = dataset in _BENIGN
    return _Run(
        source=options.source or "refusal_direction",
        model_id=model if intervention == "baseline" else f"{model}+{intervention}",
        dataset=dataset,
        condition="direction_added" if benign and intervention == "actadd" else "default",
        prompt_kind="benign" if benign else "harmful" if dataset in _HARMFUL else "unknown",
    )


def _records(entry: Any, row: int, run: _Run) -> Records:
    if not isinstance(entry, dict):
        raise Unusable(RejectCode.NOT_AN_OBJECT, expected="a completion", got=type(entry).__name__)
    for column in ("prompt", "response"):
        if not isinstance(entry.get(column), str):
            raise Unusable(RejectCode.WRONG_TYPE, expected="text", got=entry.get(column), column=column)
    asked, answered = text_of(entry["prompt"]), text_of(entry["response"])
    prompt_id = f"{run.dataset}/{row:03d}/{(sha256_text(asked.key) or '')[:8]}"
    trace = {
        "trace_id": content_trace_id(run.source, (run.model_id, run.condition, prompt_id, answered.key), 0),
        "source": run.source,
        "model_id": run.model_id,
        "prompt_id": prompt_id,
        "prompt_kind": run.prompt_kind,
        "attack_class": "none",
        "condition": run.condition,
        "sample_index": 0,
        **response_fields(answered),
        "finish_reason": "unknown",
        "prompt": asked.text,
        "prompt_sha256": sha256_text(asked.text),
    }
    records = Records(trace=trace)
    for key, value in entry.items():
        if key.startswith(_GRADE):
            name = key.removeprefix(_GRADE)
            grader = f"refusal_direction/{name}"
            keyword = name == _SUBSTRING
            kind = "keyword" if keyword else _KINDS.get(name, "imported")
            records.graders[grader] = (kind, _NOT_REFUSED if keyword else "binary_harmful")
            records.grades.append(
                {
                    "trace_id": trace["trace_id"],
                    "target": "text",
                    "grader_id": grader,
                    "grader_kind": kind,
                    "verdict": _verdict(value, Verdict.REFUSAL if keyword else Verdict.NOT_HARMFUL).value,
                    "raw_label": clip(plain_text(value)),
                }
            )
    return records


def _verdict(value: Any, negative: Verdict) -> Verdict:
    """1 and 0, or true and false; anything else is a failure of the grader."""
    if isinstance(value, bool | int | float) and value in (0, 1):
        return Verdict.COMPLIANCE if value else negative
    return Verdict.ERROR


def _note_header(document: dict[str, Any], rows: list[Any], gathering: Gathering) -> None:
    """Success rates of the header against those of the rows."""
    for key, said in document.items():
        if not key.endswith("_success_rate") or isinstance(said, bool) or not isinstance(said, int | float) or not rows:
            continue
        name = _GRADE + key.removesuffix("_success_rate")
        got = sum(isinstance(row, dict) and row.get(name) in (True, 1) for row in rows) / len(rows)
        if not abs(said) < 1e300 or abs(said - got) >= 5e-4:
            gathering.note(NoteCode.HEADER_CONTRADICTS_ROWS, expected=said, got=round(got, 6), column=key)
