"""What each machine of a cluster does, without a cluster: lines to flat rows, and rows of one id settled as one machine does."""

from __future__ import annotations

import contextlib
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ingest.lines import row, write
from safescale.errors import MissingBackend
from safescale.ingest import Options, numbered, shards
from safescale.ingest.session import ingest
from safescale.spark import ingest as spark_ingest
from safescale.spark.lines import FLAT, checked_lines, counted_shards, shard_table
from safescale.spark.settling import KEYS, settled_rows
from safescale.store import open_corpus

Rows = list[dict[str, Any]]


def flat_rows(paths: list[Path], shard_bytes: int) -> Rows:
    """All flat rows of some files, in no order that anything may rest on."""
    cut = [s for number, path in enumerate(paths) for s in shards(path, shard_bytes=shard_bytes, file=number)]
    lines = [r["lines"] for b in counted_shards(shard_table(cut).to_batches()) for r in b.to_pylist()]
    found = pa.Table.from_batches(checked_lines(shard_table(numbered(cut, lines)).to_batches(), Options()), schema=FLAT)
    rows: Rows = found.to_pylist()
    random.Random(0).shuffle(rows)
    return rows


def settled(rows: Rows) -> tuple[Rows, Rows, Rows, Counter[str]]:
    """Traces, grades, rejects and fates, as Spark joins them."""
    good = [r for r in rows if r["code"] is None and r["rows_in"] is None]
    by_id: dict[str, Rows] = {}
    for one in good:
        by_id.setdefault(one["trace_id"], []).append(one)
    said = {}
    for group in by_id.values():
        table = pa.Table.from_pylist([{name: one[name] for name in KEYS} for one in group])
        said |= {(s["file"], s["source_row"]): s for s in settled_rows(table).to_pylist()}
    place = [said[one["file"], one["source_row"]] for one in good]
    traces = [one for one, s in zip(good, place, strict=True) if s["keep_trace"]]
    grades = [one for one, s in zip(good, place, strict=True) if s["keep_grade"]]
    rejects = [
        {
            "source_file": s["named_file"],
            "source_row": s["named_row"],
            "code": "DUPLICATE_ID",
            "expected": s["expected"],
            "got": s["got"],
        }
        for s in place
        if s["fate"] == "reject"
    ]
    return traces, grades, rejects + [r for r in rows if r["code"] is not None], Counter(s["fate"] for s in place)


def keyed(rows: Rows, *names: str) -> list[str]:
    return sorted(json.dumps([one[name] for name in names]) for one in rows)


@pytest.mark.parametrize("seed", range(12))
def test_law_flat_rows_settle_as_one_machine_does(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    lines = []
    for i in range(60):
        content = rng.choice("abcd")
        line: Any = row(
            i, trace_id=f"t{rng.randrange(12)}", model_id="m-7b", prompt_id="p", prompt="q", score=None, response=content
        )
        line |= {"grader_id": f"{content}-{i}", "verdict": "REFUSAL", "raw_label": content}
        if i % 5 == 0:  # said again word for word
            line = row(
                1, trace_id=f"again{rng.randrange(2)}", grader_id=rng.choice("xy"), model_id="m-7b", prompt_id="p", score=None
            )
        if rng.random() < 0.1:
            line |= {"response_sha256": "0" * 64}
        lines.append(rng.choice([b"", b"[1]", b"no json"]) if rng.random() < 0.1 else line)
    paths = [write(tmp_path / f"{name}.jsonl", lines[start : start + 30]) for name, start in (("one", 0), ("two", 30))]
    traces, grades, rejects, fates = settled(flat_rows(paths, rng.choice([200, 3000, 1 << 20])))
    with contextlib.closing(open_corpus(tmp_path / "corpus.db", create=True)) as corpus:
        report = ingest(paths, corpus)
        stored = {name: corpus.read(name).to_pylist() for name in ("traces", "grades", "rejects")}
    place = ("source_file", "source_row", "trace_id")
    assert keyed(traces, *place, "response") == keyed(stored["traces"], *place, "response")
    assert keyed(grades, *place, "grader_id", "raw_label") == keyed(stored["grades"], *place, "grader_id", "raw_label")
    named = ("source_file", "source_row", "code", "expected", "got")
    assert keyed(rejects, *named) == keyed(stored["rejects"], *named)
    assert {"DUPLICATE_ID", "CONTRADICTION"} <= {one["code"] for one in rejects}
    assert fates["trace"] == report.fates["trace"]  # type: ignore[index]
    assert fates["grade"] == report.fates["grade"]  # type: ignore[index]
    assert fates["duplicate"] == report.fates["duplicate"]  # type: ignore[index]


def test_without_pyspark_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyspark.sql", None)
    with pytest.raises(MissingBackend, match="spark"):
        spark_ingest(None, tmp_path, tmp_path / "out")  # type: ignore[arg-type]


def test_the_how_to_page_shows_the_example_and_it_is_short() -> None:
    root = Path(__file__).parent.parent.parent
    code = (root / "examples" / "spark" / "ingest_and_cells.py").read_text().split('"""\n', 1)[1].strip()
    assert f"```py\n{code}\n```" in (root / "docs" / "how-to" / "run-on-a-cluster.md").read_text()
    assert len([line for line in code.splitlines() if line.strip()]) <= 20, "20 lines of a user's code are the promise"
