"""The closing words of ``export``: files with their rows and bytes, what was left out, and what is to be known."""

from __future__ import annotations

import json
from typing import Final

from safescale.export.result import FOLDERS, ExportKind, ExportResult
from safescale.report.ingest_report import aligned
from safescale.report.plain import shortened

__all__ = ["export_json", "export_text"]

SHOWN_FILES: Final = 30
_WIDTH: Final = 90

_NEXT: Final = {
    ExportKind.JSONL: "next: safescale ingest {into} --into copy.db",
    ExportKind.INSPECT_SCORES: "next: inspect score LOG --scorer inspect_ai/precomputed_scores -S scores={into}/FILE.jsonl",
    ExportKind.HF_DATASET: 'next: datasets.load_dataset("{into}")',
}


def export_text(result: ExportResult) -> str:
    """The closing table for people."""
    shown = result.files[:SHOWN_FILES]
    rows = [(shortened(f.path, _WIDTH), "" if f.rows is None else f"{f.rows:,}", f"{f.size_bytes:,}") for f in shown]
    if len(result.files) > len(shown):
        rows.append((f"... and {len(result.files) - len(shown):,} more (--json lists all)", "", ""))
    if len(result.files) > 1:
        rows.append(("total", f"{result.rows:,}", f"{result.size_bytes:,}"))
    texts = "prompts and responses are included" if result.with_text else "texts are left out; hashes and lengths are there"
    lines = [aligned([("file", "rows", "bytes"), *rows]), "", f"{texts}; fingerprint of the corpus {result.fingerprint}"]
    lines += [f"left out: {words}: {count:,}" for words, count in result.left_out.items()]
    lines += [f"note: {note}" for note in result.notes]
    lines.append(f"{'folder' if result.kind in FOLDERS else 'file'} {result.into}, {result.kind.value}")
    if result.kind in _NEXT:
        lines.append(_NEXT[result.kind].format(into=result.into))
    return "\n".join(lines)


def export_json(result: ExportResult) -> str:
    """Everything as one JSON object."""
    found = {
        "kind": result.kind.value,
        "into": str(result.into),
        "fingerprint": result.fingerprint,
        "graders": list(result.graders),
        "with_text": result.with_text,
        "rows": result.rows,
        "bytes": result.size_bytes,
        "files": [{"file": f.path, "rows": f.rows, "bytes": f.size_bytes} for f in result.files],
        "left_out": dict(result.left_out),
        "notes": list(result.notes),
    }
    return json.dumps(found, indent=2, ensure_ascii=False)
