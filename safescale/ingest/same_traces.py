"""A trace that two sources hold counts once."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from safescale.registry import parse_model_id
from safescale.store.base import Corpus

__all__ = ["SAME_TRACES_RULE", "find_same_traces", "update_same_traces"]

SAME_TRACES_RULE: Final = (
    "same model (canonical id), same prompt (id, or text where both have it), same response text, in different sources: "
    "counts once, as the copy of the source that holds most copies (ties: the first source by name)"
)

_COLUMNS: Final = ["trace_id", "source", "model_id", "prompt_id", "prompt_sha256", "response_sha256"]


def update_same_traces(corpus: Corpus) -> int:
    """
    Recompute which traces are copies of one in another source, and store it.

    A pure function of the stored traces, so it does not depend on the order of ingest. Returns the number of copies.
    """
    sources = pc.unique(corpus.read("traces", ["source"])["source"])
    pairs = find_same_traces(corpus.read("traces", _COLUMNS)) if len(sources) > 1 else []
    corpus.set_same_traces(
        pa.table(
            {
                "trace_id": pa.array([copy for copy, _ in pairs], type=pa.string()),
                "kept_trace_id": pa.array([kept for _, kept in pairs], type=pa.string()),
            }
        )
    )
    return len(pairs)


def find_same_traces(traces: pa.Table) -> list[tuple[str, str]]:
    """
    Pairs (copy, kept) of trace ids, sorted.

    Parameters
    ----------
    traces : pyarrow.Table
        Columns trace_id, source, model_id, prompt_id, prompt_sha256, response_sha256; shape (traces,). Traces without the hash of
        a response are never copies.
    """
    traces = traces.filter(pc.is_valid(traces["response_sha256"]))
    repeated = traces.group_by("response_sha256").aggregate([("source", "count_distinct")])
    shared = repeated.filter(pc.greater(repeated["source_count_distinct"], 1))["response_sha256"]
    rows = traces.filter(pc.is_in(traces["response_sha256"], value_set=shared.combine_chunks())).to_pylist()
    canonical = {model: parse_model_id(model).canonical_id for model in {row["model_id"] for row in rows}}
    found: dict[str, str] = {}
    for prompt_key in ("prompt_id", "prompt_sha256"):
        groups: dict[tuple[str, str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for row in rows:
            if row[prompt_key] is not None and row["trace_id"] not in found:
                key = (canonical[row["model_id"]], row[prompt_key], row["response_sha256"])
                groups[key][row["source"]].append(row["trace_id"])
        kept_before = set(found.values())
        for by_source in groups.values():
            found.update(_pair(by_source, kept_before=kept_before))
    return sorted(found.items())


def _pair(by_source: dict[str, list[str]], *, kept_before: set[str]) -> dict[str, str]:
    """Copies of the smaller sources, each to the copy of the same rank in the largest."""
    if len(by_source) < 2:
        return {}
    kept_source = min(by_source, key=lambda s: (-len(by_source[s]), s))
    kept = sorted(by_source[kept_source])
    return {
        copy: kept[rank]
        for source, copies in by_source.items()
        if source != kept_source
        for rank, copy in enumerate(sorted(copies))
        if copy not in kept_before
    }
