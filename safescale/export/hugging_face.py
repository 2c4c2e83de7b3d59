"""A Hugging Face dataset folder: Parquet shards and a card that says what the rows are and what was left out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from safescale.export.flat import parquet_schema
from safescale.export.graded import graded_rows
from safescale.export.result import ExportRequest, Written
from safescale.records.fields import FieldSpec, field_specs
from safescale.store.base import Corpus

__all__ = ["SPLIT", "write_hf_dataset"]

SPLIT: Final = "test"
"""The one split: results of evaluations, not material for training."""
SHARD_BYTES: Final = 256 << 20

_DTYPES: Final = {"text": "string", "integer": "int64", "number": "float64"}
_SIZES: Final = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))


def write_hf_dataset(request: ExportRequest, folder: Path) -> Written:
    """``data/test-NNNNN-of-NNNNN.parquet`` and ``README.md``; ``datasets.load_dataset(folder)`` reads it."""
    data = folder / "data"
    data.mkdir()
    left_out: Counter[str] = Counter()
    shards = _write_shards(request, data, left_out)
    named: dict[Path, int | None] = {}
    for i, (path, rows) in enumerate(shards):
        named[path.rename(data / f"{SPLIT}-{i:05d}-of-{len(shards):05d}.parquet")] = rows
    card = folder / "README.md"
    total = sum(rows for _, rows in shards)
    card.write_text(_card(request, total, sum(p.stat().st_size for p in named), left_out), encoding="utf-8")
    return Written(rows={card: None, **named}, left_out=left_out)


def _write_shards(request: ExportRequest, data: Path, left_out: Counter[str]) -> list[tuple[Path, int]]:
    schema = parquet_schema(request)
    shards: list[tuple[Path, int]] = []
    writer: Any = None
    size = rows = 0
    for table in graded_rows(request, left_out):
        if writer is None:
            path = data / f"part-{len(shards)}.parquet"
            writer, size, rows = pq.ParquetWriter(path, schema, compression="zstd"), 0, 0
        writer.write_table(table.replace_schema_metadata(schema.metadata))
        size, rows = size + table.nbytes, rows + table.num_rows
        if size >= SHARD_BYTES:
            writer.close()
            shards.append((path, rows))
            writer = None
    if writer is not None:
        writer.close()
        shards.append((path, rows))
    if not shards:
        path = data / "part-0.parquet"
        pq.ParquetWriter(path, schema, compression="zstd").close()
        shards.append((path, 0))
    return shards


def _card(request: ExportRequest, rows: int, size_bytes: int, left_out: Mapping[str, int]) -> str:
    corpus = request.corpus
    fields = field_specs("graded_trace")
    return (
        "\n".join([*_front_matter(request, rows, size_bytes, fields), "", *_words(request, corpus, rows, left_out, fields)]) + "\n"
    )


def _front_matter(request: ExportRequest, rows: int, size_bytes: int, fields: tuple[FieldSpec, ...]) -> list[str]:
    size = next((word for most, word in _SIZES if rows < most), "10M<n<100M")
    features = [line for f in fields for line in (f"  - name: {f.name}", f"    dtype: {_DTYPES[f.kind]}")]
    return [
        "---",
        f"pretty_name: {json.dumps(request.name, ensure_ascii=False)}",
        f"license: {request.licence}",
        "tags:",
        "- safescale",
        "- ai-safety",
        "- red-teaming",
        "- evaluation-results",
        "size_categories:",
        f"- {size}",
        "configs:",
        "- config_name: default",
        "  data_files:",
        f"  - split: {SPLIT}",
        f"    path: data/{SPLIT}-*.parquet",
        "dataset_info:",
        "  features:",
        *features,
        "  splits:",
        f"  - name: {SPLIT}",
        f"    num_bytes: {size_bytes}",
        f"    num_examples: {rows}",
        f"  download_size: {size_bytes}",
        f"  dataset_size: {size_bytes}",
        "---",
    ]


def _words(
    request: ExportRequest, corpus: Corpus, rows: int, left_out: Mapping[str, int], fields: tuple[FieldSpec, ...]
) -> list[str]:
    graders = sorted(corpus.read("graders").to_pylist(), key=lambda g: str(g["grader_id"]))
    if request.graders:
        graders = [g for g in graders if g["grader_id"] in request.graders]
    texts = (
        "Prompts and responses are included as they were logged; they may be harmful."
        if request.with_text
        else "Prompts and responses are left out; their SHA-256 hashes and the length of each response are here."
    )
    return [
        f"# {_cell(request.name)}",
        "",
        "Graded responses of language models, one row for each grade of a response, exported by safescale.",
        "",
        f"- rows: {rows:,}; traces: {corpus.count('traces'):,}; models: {corpus.count('models'):,}",
        f"- fingerprint of the corpus: `{corpus.fingerprint()}`",
        f"- texts: {texts}",
        *(f"- left out: {words}: {count:,}" for words, count in left_out.items() if count),
        *(["- licence: unknown; those of the sources apply"] if request.licence == "unknown" else []),
        "",
        "A row is not an independent observation: rows are clustered by `prompt_id`, and models, not rows, replicate size.",
        "Rows of benign prompts (`prompt_kind`) enter no attack success rate; ERROR, UNGRADED, NOT_GRADEABLE and",
        "BENIGN_QUERY enter no denominator.",
        "",
        "## Graders",
        "",
        "| grader | kind | outcome map | HALLUCINATION_REFUSAL means |",
        "|---|---|---|---|",
        *(
            f"| {_cell(g['grader_id'])} | {g['grader_kind']} | {_cell(g['outcome_map'])} | {g['hallucination_refusal']} |"
            for g in graders
        ),
        "",
        "## Columns",
        "",
        "| column | contract | meaning |",
        "|---|---|---|",
        *(f"| `{f.name}` | {_cell(f.expected)} | {_cell(f.description)} |" for f in fields),
    ]


def _cell(text: str) -> str:
    """Text in a Markdown table: no bar, no line break, no markup of its own."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")
