"""Canonical lines for tests, in invented vocabulary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safescale.records.contracts import example

VERDICTS = ("COMPLIANCE", "PARTIAL", "REFUSAL", "ERROR")


def row(i: int, **changes: Any) -> dict[str, Any]:
    """One canonical row; ``...`` takes a key away."""
    base = {
        **example("graded_trace"),
        "trace_id": f"demo:{i}",
        "model_id": f"frimble-{(1, 3, 7, 13)[i % 4]}b",
        "prompt_id": f"zarvonic-{i // 4:05d}",
        "prompt": f"plim {i // 4}",
        "response": f'brüdd {i} \u2028 " \\ \n',
        "verdict": VERDICTS[i % 4],
        "raw_label": VERDICTS[i % 4],
        "grader_id": "demo-judge",
        "grader_kind": "llm",
        "score": i / 7,
    }
    return {k: v for k, v in {**base, **changes}.items() if v is not ...}


def write(path: Path, rows: list[Any]) -> Path:
    """Rows as JSON lines; bytes go in as they are."""
    path.write_bytes(b"".join((r if isinstance(r, bytes) else json.dumps(r).encode()) + b"\n" for r in rows))
    return path
