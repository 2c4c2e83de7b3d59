"""Small corpora for exports, in invented vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ingest.lines import row, write
from safescale.ingest.batch import Options
from safescale.ingest.session import ingest
from safescale.store import open_corpus
from safescale.store.base import Corpus

SECRET = "zarvonic-secret"
"""Stands in every text that must not leave without being asked for."""


def rows() -> list[dict[str, Any]]:
    """Two graders, a benign prompt, an error, a trace that nobody graded, a grader that answered instead of judging."""
    texts = {"prompt": f"{SECRET} prompt", "response": f'{SECRET} response, with\nlines, "quotes" and |'}
    found = [row(i, **texts, sample_index=i % 2, prompt_id=f"p{i // 2}", model_id=f"frimble-{(7, 13)[i % 2]}b") for i in range(12)]
    found += [
        {**f, "grader_id": "second", "grader_kind": "classifier", "outcome_map": "binary_harmful", "verdict": "NOT_HARMFUL"}
        for f in found[:6]
    ]
    found.append(row(20, **texts, prompt_kind="benign", verdict="REFUSAL", raw_label="REFUSAL"))
    found.append(
        row(23, **texts, prompt_id=f"{SECRET} " * 8, trace_id=f"demo:{SECRET}" * 16, error=f"{SECRET} " * 8, verdict="REFUSAL")
    )
    found.append(row(21, **texts, verdict="ERROR", raw_label=f"{SECRET} " + "long words " * 20))
    lonely = dict.fromkeys(
        ("grader_id", "grader_kind", "verdict", "raw_label", "score", "target", "outcome_map", "score_scale"), ...
    )
    found.append(row(22, **texts, **lonely, response_kind="text"))
    return found


def corpus_of(tmp_path: Path, lines: list[dict[str, Any]] | None = None, name: str = "corpus.db", **options: Any) -> Corpus:
    """A corpus with these canonical lines."""
    found = open_corpus(tmp_path / name, create=True)
    report = ingest([write(tmp_path / f"{name}.jsonl", rows() if lines is None else lines)], found, options=Options(**options))
    assert report.findings == 0, [r for f in report.files for r in f.rejects]
    return found
