"""Spark, classic and Connect, against one machine: the same rejects, rows, cells and fingerprint, row for row."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pyarrow as pa
import pytest

from cells.test_counts import content
from cells.test_ibis_counts import drawn_corpus
from ingest.lines import row, write
from safescale.cells import CountedCells, Counting, Selection, collect_counts, read_cells
from safescale.ingest.session import ingest
from safescale.simulate import CorpusPlan, simulate_corpus
from safescale.store import open_corpus

HERE = Path(__file__).parent
EXAMPLE = HERE.parent.parent / "examples" / "spark" / "ingest_and_cells.py"
pytestmark = [pytest.mark.spark, pytest.mark.slow]


@attrs.frozen(kw_only=True)
class Local:
    """What one machine made of the same logs."""

    logs: Path
    corpus: Path
    fingerprint: str
    fates: dict[str, int]


@pytest.fixture(scope="module", autouse=True)
def spark_is_here() -> None:
    pytest.importorskip("pyspark", reason="needs the extra spark: nox -s spark")


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Local:
    """Simulated lines with every planted defect; ids with two contents and repeats, over two files; a copy in another source."""
    folder = tmp_path_factory.mktemp("spark")
    logs = folder / "logs"
    plan = CorpusPlan(rows=1200, models=12, prompts=30, attack_classes=3, tampered_every=3, share_bad_lines=0.03, parts=("flat",))
    simulate_corpus(plan, logs)
    text, other = "plim brudd", "zarvonic flip"
    odd = [
        row(1, trace_id="odd:two-contents", response="a"),
        row(2, trace_id="odd:two-contents", response="b"),
        row(3, trace_id="odd:two-contents", response="a"),
        row(4, trace_id="odd:two-contents", response="c"),
        row(5, trace_id="odd:said-again", response=text),
        row(5, trace_id="odd:said-again", response=text),
        row(5, trace_id="odd:said-again", response=text, grader_id="second-judge"),
        row(6, trace_id="odd:wrong-hash", response=text, response_sha256="0" * 64, params_total_b=3.0),
        row(7, trace_id="odd:half-a-grade", response=text, grader_id=None, grader_kind=None),
        row(8, trace_id="odd:first", response=other, source="s1", model_id="m-7b", prompt_id="p"),
        row(8, trace_id="odd:second", response=other, source="s2", model_id="m-7b", prompt_id="p"),
        row(
            9,
            trace_id="odd:no-grade",
            response=None,
            response_kind="none",
            verdict=None,
            raw_label=None,
            grader_id=None,
            grader_kind=None,
        ),
    ]
    write(logs / "odd.jsonl", odd)
    write(logs / "odder.jsonl", [row(i, trace_id="odd:two-contents", response=letter) for i, letter in enumerate("abcde")])
    with (logs / "odder.jsonl").open("ab") as stream:
        stream.write(b"\n\n   \n[1]\n")
    with contextlib.closing(open_corpus(folder / "corpus", create=True)) as corpus:
        report = ingest([logs], corpus)
        assert report.findings > 36
        fates = {fate.value: n for fate, n in report.fates.items() if n}
        return Local(logs=logs, corpus=folder / "corpus", fingerprint=corpus.fingerprint(), fates=fates)


def on_spark(program: Path, *arguments: str) -> str:
    environment = os.environ | {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, str(program), *arguments], env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr[-6000:]
    return done.stdout


def in_order(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(one, sort_keys=True) for one in rows)


@pytest.mark.parametrize("mode", ["classic", "connect"])
def test_spark_gives_what_one_machine_gives_row_for_row(local: Local, tmp_path: Path, mode: str) -> None:
    on_spark(HERE / "on_spark.py", mode, str(local.logs), str(tmp_path / "corpus"), str(tmp_path / "cells.parquet"))
    found = json.loads((tmp_path / "corpus" / "found.json").read_text())
    assert found["classic"] == (mode == "classic")
    with contextlib.closing(open_corpus(local.corpus)) as corpus:
        for table in ("rejects", "traces", "grades"):
            assert in_order(found[table]) == in_order(corpus.read(table).to_pylist()), table
        assert in_order(found["same_traces"]) == in_order(corpus.same_traces().to_pylist())
        assert found["same_traces"]
        assert (found["fingerprint"], found["fates"]) == (local.fingerprint, local.fates)
        assert found["broken"] == {"trace": 0, "grade": 0}
        ours, theirs = collect_counts(corpus), read_cells(tmp_path / "cells.parquet")
        assert theirs.counts.equals(ours.counts)
        assert (theirs.traces, theirs.sources) == (ours.traces, ours.sources)
        for selection in (Selection(), Selection(tampered="include", allow_keyword=True, merge_same_traces=False)):
            assert content(CountedCells(theirs).cells(selection)) == content(Counting(corpus).cells(selection))


def test_the_example_is_short_and_runs(local: Local, tmp_path: Path) -> None:
    code = [line for line in EXAMPLE.read_text().splitlines() if line.strip() and not line.startswith(('"""', "#"))]
    assert len(code) <= 20, "20 lines of a user's code are the promise"
    assert ast.parse("\n".join(code))
    said = on_spark(EXAMPLE, str(local.logs), str(tmp_path / "corpus"), str(tmp_path / "cells.parquet"))
    assert local.fingerprint in said
    assert read_cells(tmp_path / "cells.parquet").fingerprint == local.fingerprint


def test_one_expression_counts_and_checks_the_same_on_spark_and_duckdb(tmp_path: Path) -> None:
    corpus = drawn_corpus(1)
    for name, table in (("traces", corpus.read("traces")), ("grades", corpus.read("grades")), ("same", corpus.same_traces())):
        pa.parquet.write_table(table, tmp_path / f"{name}.parquet")
    on_spark(HERE / "expressions.py", str(tmp_path))
    ours = collect_counts(corpus)
    found = read_cells(tmp_path / "cells.parquet")
    assert found.counts.to_pylist() == ours.counts.to_pylist()
    assert found.pairs.to_pylist() == ours.pairs.to_pylist()
    assert found.traces == ours.traces
    masks = json.loads((tmp_path / "masks.json").read_text())
    assert masks
    assert all(mask["spark"] == mask["here"] for mask in masks.values())
    assert all(any(mask["here"]) for mask in masks.values())
