"""A corpus as Every Eval Ever: aggregate documents with intervals, and a line for each graded row behind their strict rates."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from safescale import __version__
from safescale.cells import GraderMeaning, Selection, build_cells, row_fates
from safescale.export.every_eval_ever_results import SCHEMA_VERSION, Document, documents, evaluation_name, kind_of, result_id
from safescale.export.graded import LONGEST_LABEL, WITHHELD_LABEL, redacted_traces
from safescale.export.joining import joined
from safescale.export.result import ExportRequest, Written
from safescale.records.outcomes import TIER_NUMERATORS, Tier

__all__ = ["write_every_eval_ever"]

_SELECTION: Final = Selection(tampered="include", allow_keyword=True)
"""An export leaves no model and no grader out; which one is tampered with, or a keyword rule, is said."""

_TRACE: Final = (
    "trace_id",
    "source",
    "model_id",
    "prompt_id",
    "prompt_kind",
    "attack_class",
    "condition",
    "sample_index",
    "response_kind",
    "response_chars",
    "response_sha256",
    "prompt_sha256",
    "error",
    "prompt",
    "response",
)
_REASONS: Final = {"benign_prompt": "benign prompts (their over-refusal rate is an aggregate)"}


def write_every_eval_ever(request: ExportRequest, folder: Path) -> Written:
    """
    ``data/COLLECTION/DEVELOPER/MODEL/UUID.json`` and ``UUID_samples.jsonl`` for each model.

    The samples are the rows of the strict rates: a mean of their scores is the rate. What enters no rate is counted, not written.
    """
    corpus = request.corpus
    cells = build_cells(corpus, _SELECTION)
    models = {row["model_id"]: row for row in corpus.read("models").to_pylist()}
    made = list(documents(cells, models, request.graders, request.name, __version__, request.created_unix_s))
    for document in made:
        (folder / document.path).parent.mkdir(parents=True, exist_ok=True)
    left_out: Counter[str] = Counter()
    rows = _write_samples(request, folder, {d.model_id: d for d in made}, cells.graders, left_out)
    named: dict[Path, int | None] = {}
    for document in made:
        samples = folder / document.samples_path
        if rows[document.model_id]:
            document.content["detailed_evaluation_results"] = {
                "format": "jsonl",
                "file_path": document.samples_path,
                "hash_algorithm": "sha256",
                "checksum": _sha256(samples),
                "total_rows": rows[document.model_id],
            }
            named[samples] = rows[document.model_id]
        path = folder / document.path
        path.write_text(json.dumps(document.content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        named[path] = None
    left_out["turns (a sample holds the final response)"] = corpus.count("turns")
    left_out["published rates"] = corpus.count("aggregates")
    notes = ["source_organization_name and evaluator_relationship are not known to a corpus: fill them in before you publish"]
    if cells.traces.prompt_kind_unknown:
        unknown = f"{cells.traces.prompt_kind_unknown:,} traces have prompts of unknown kind"
        notes.append(f"{unknown}: lower_is_better and is_correct suppose that they ask for harm")
    return Written(rows=named, left_out=left_out, notes=notes)


def _write_samples(
    request: ExportRequest,
    folder: Path,
    by_model: Mapping[str, Document],
    graders: Mapping[str, GraderMeaning],
    left_out: Counter[str],
) -> Counter[str]:
    """The lines of every model; their numbers by model id."""
    fates = row_fates(request.corpus, _SELECTION)
    if request.graders:
        known = [label for label, meaning in graders.items() if meaning.grader_id in request.graders]
        fates = fates.filter(pc.is_in(fates["grader"], value_set=pa.array(known, pa.string())))
    for reason, count in Counter(fates["reason"].to_pylist()).items():
        if reason:
            left_out[f"graded rows in no rate: {_REASONS.get(reason, reason.replace('_', ' '))}"] += count
    fates = fates.filter(pc.equal(fates["reason"], ""))
    rows: Counter[str] = Counter()
    texts = 0
    for piece in joined(request.corpus, fates["trace_id"], _TRACE, keep_lonely=False):
        lines: dict[str, list[bytes]] = {}
        traces = (piece.traces if request.with_text else redacted_traces(piece.traces)).to_pylist()
        given = fates.take(pa.array(piece.row)).to_pylist()
        for at, fate in zip(piece.trace.tolist(), given, strict=True):
            document = by_model[fate["model_id"]]
            sample = _sample(traces[at], fate, graders[fate["grader"]], document.content["evaluation_id"], request)
            lines.setdefault(fate["model_id"], []).append(msgspec.json.encode(sample) + b"\n")
            rows[fate["model_id"]] += 1
        texts += 0 if request.with_text else piece.traces.num_rows - piece.traces["response"].null_count
        for model_id, encoded in lines.items():
            with (folder / by_model[model_id].samples_path).open("ab") as out:
                out.write(b"".join(encoded))
        request.progress(piece.traces.num_rows)
    left_out["response texts (give --with-text to have them)"] = texts
    return rows


def _sample(
    trace: Mapping[str, Any], fate: Mapping[str, Any], grader: GraderMeaning, evaluation_id: str, request: ExportRequest
) -> dict[str, Any]:
    with_text = request.with_text
    harmful = fate["verdict"] in {verdict.value for verdict in TIER_NUMERATORS[Tier.STRICT]}
    response = trace["response"]
    label = fate["raw_label"]
    metadata = {
        "verdict": fate["verdict"],
        "raw_label": label if with_text or len(label) <= LONGEST_LABEL else WITHHELD_LABEL,
        "grader_id": fate["grader"],
        "grader_kind": kind_of(grader),
        "outcome_map": grader.outcome_map,
        "target": fate["target"],
        "safescale_trace_id": trace["trace_id"],
        "safescale_text": "given" if with_text else "withheld",
        **{key: trace[key] for key in _TRACE[1:-2] if trace[key] is not None},
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": evaluation_id,
        "model_id": fate["model_id"],
        "evaluation_name": evaluation_name(request.name, fate["attack_class"]),
        "evaluation_result_id": result_id(fate, Tier.STRICT.value),
        "sample_id": trace["prompt_id"],
        "sample_hash": trace["prompt_sha256"],
        "interaction_type": "single_turn",
        "input": {"raw": trace["prompt"] or "", "reference": []},
        "output": {"raw": [] if response is None else [response]},
        "messages": None,
        "answer_attribution": [],
        "evaluation": {"score": 1.0 if harmful else 0.0, "is_correct": not harmful},
        "error": trace["error"],
        "metadata": {key: str(value) for key, value in metadata.items()},
    }


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
