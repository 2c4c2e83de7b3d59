"""
Millions of rows into a Parquet corpus, every row checked: time beside the fastest unchecked read and write of the same file.

``python -m benchmarks.five_million`` writes 5,000,000 canonical lines (2.3 GB) with 500 planted defects, then times in turn, each
in a process of its own: the floors (DuckDB COPY, polars sink_parquet, pyarrow.json; those that are installed, on the clean file,
because one bad line loses them the whole) and ``safescale ingest`` of the plain file, and of .gz and .zst. It asserts that the
rejects are exactly the planted ones, row by row with their codes, and that no process of ours was over 1 GB resident.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.history import add_arguments, finish

ROWS = 5_000_000
SHARE_BAD = 1e-4
GOAL_RATIO, GOAL_RSS_MB = 0.35, 1000.0
CLEAN, DIRTY = "clean.jsonl", "dirty.jsonl"
MODELS, PROMPTS, CLASSES = 258, 600, 8
OURS = ("ours", "ours_gz", "ours_zst")


def write_files(folder: Path, rows: int, *, compressed: bool) -> dict[str, str]:
    """The clean file, the same with planted defects, and that compressed; gives row to reject code."""
    import numpy as np

    from safescale.simulate.dirt import FLAT_DEFECTS, plan_defects
    from safescale.simulate.outcomes import LABELS, draw, roster
    from safescale.simulate.plan import CorpusPlan
    from safescale.simulate.texts import text_pool

    plan = CorpusPlan(rows=rows, models=min(MODELS, rows), prompts=PROMPTS, attack_classes=CLASSES, parts=("flat",))
    rng = np.random.default_rng(plan.seed)
    models = roster(plan, rng)
    draws = draw(plan, models, rng)
    pool = text_pool(plan, rng, prompt_chars=50, fragment_chars=14)
    bad = plan_defects(rows, SHARE_BAD, list(FLAT_DEFECTS), rng)
    escaped = [json.dumps(text, ensure_ascii=False)[1:-1] for text in pool.prompts]
    fragments = [json.dumps(text, ensure_ascii=False)[1:-1] for text in pool.fragments]
    verdicts = [_verdict(label) for label in LABELS]

    def lines() -> Iterator[bytes]:
        columns = zip(*(a.tolist() for a in (draws.model, draws.prompt, draws.sample, draws.label)), strict=True)
        for row, (model, prompt, sample, label) in enumerate(columns):
            text = f"{fragments[row % len(fragments)]} {fragments[(row * 7 + 3) % len(fragments)]} <{row}>"
            size = f',"params_total_b":{models[model].size_b}' if models[model].sized else ""
            yield (
                f'{{"trace_id":"simulated:{row:07d}","source":"simulated","model_id":"{models[model].model_id}",'
                f'"prompt_id":"{pool.prompt_ids[prompt]}","prompt_kind":"harmful","attack_class":"{pool.class_of(prompt)}",'
                f'"condition":"default","sample_index":{sample},"response_kind":"text","finish_reason":"stop",'
                f'"prompt":"{escaped[prompt]}","response":"{text}","grader_id":"sim-judge-v1","grader_kind":"llm",'
                f'"verdict":"{verdicts[label]}"{size}}}'
            ).encode()

    planted: dict[str, str] = {}
    with (folder / CLEAN).open("wb", buffering=1 << 20) as clean, (folder / DIRTY).open("wb", buffering=1 << 20) as dirty:
        for row, line in enumerate(lines()):
            clean.write(line + b"\n")
            if row in bad:
                code, spoil = FLAT_DEFECTS[bad[row]]
                line = spoil(line)
                planted[str(row + 1)] = code.value
            dirty.write(line + b"\n")
    if compressed:
        _compress(folder / DIRTY)
    return planted


def _verdict(label: str) -> str:
    from safescale.records.verdicts import canonical_verdict

    return str(canonical_verdict(label))


def _compress(path: Path) -> None:
    import pyarrow as pa

    with path.open("rb") as source, gzip.open(f"{path}.gz", "wb", compresslevel=1) as packed:
        shutil.copyfileobj(source, packed, 1 << 20)
    with path.open("rb") as source, pa.CompressedOutputStream(f"{path}.zst", "zstd") as stream:
        while piece := source.read(1 << 20):
            stream.write(piece)


def floor_duckdb(folder: Path, there: Path) -> dict[str, Any]:
    import duckdb

    connection = duckdb.connect()
    read = f"SELECT * FROM read_json('{folder / CLEAN}', format='newline_delimited')"
    connection.execute(f"COPY ({read}) TO '{there / 't.parquet'}' (COMPRESSION zstd)")
    return {}


def floor_polars(folder: Path, there: Path) -> dict[str, Any]:
    import polars

    polars.scan_ndjson(folder / CLEAN).sink_parquet(there / "t.parquet", compression="zstd", compression_level=1)
    return {}


def floor_pyarrow(folder: Path, there: Path) -> dict[str, Any]:
    import pyarrow.json
    import pyarrow.parquet

    reader = pyarrow.json.open_json(folder / CLEAN, read_options=pyarrow.json.ReadOptions(block_size=1 << 23))
    with pyarrow.parquet.ParquetWriter(there / "t.parquet", reader.schema, compression="zstd", compression_level=1) as writer:
        for batch in reader:
            writer.write_batch(batch)
    return {}


def ours(folder: Path, there: Path, suffix: str = "") -> dict[str, Any]:
    from safescale.ingest.session import ingest
    from safescale.store import open_corpus

    corpus = open_corpus(there / "corpus", create=True)
    report = ingest([folder / f"{DIRTY}{suffix}"], corpus)
    found = {"traces": corpus.count("traces"), "grades": corpus.count("grades"), "rows_in": report.rows_in}
    rejects = {str(r["source_row"]): r["code"] for r in corpus.read("rejects", ["source_row", "code"]).to_pylist()}
    corpus.close()
    return found | {"rejects": rejects}


JOBS: dict[str, Callable[[Path, Path], dict[str, Any]]] = {
    "floor_duckdb": floor_duckdb,
    "floor_polars": floor_polars,
    "floor_pyarrow": floor_pyarrow,
    "ours": ours,
    "ours_gz": lambda folder, there: ours(folder, there, ".gz"),
    "ours_zst": lambda folder, there: ours(folder, there, ".zst"),
}


def alone(name: str, folder: Path) -> dict[str, Any]:
    """One job in this process: seconds, resident memory at its highest, and what it found."""
    there = Path(tempfile.mkdtemp(dir=folder))
    try:
        start, used = time.perf_counter(), time.process_time()
        found = JOBS[name](folder, there)
        seconds, cpu_s = time.perf_counter() - start, time.process_time() - used
    finally:
        shutil.rmtree(there)
    return {"seconds": seconds, "cpu_s": cpu_s, "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, **found}


def measure(folder: Path, names: list[str], repeats: int) -> dict[str, list[dict[str, Any]]]:
    """The jobs in turn, so that a slow minute falls on all of them; a floor that is not installed is left out and said."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for turn in range(repeats):
        for name in list(found):
            command = [sys.executable, "-m", "benchmarks.five_million", "--alone", name, "--folder", str(folder)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode and name.startswith("floor") and "ModuleNotFoundError" in done.stderr:
                print(f"{name}: not installed, left out", file=sys.stderr)
                del found[name]
                continue
            if done.returncode:
                raise SystemExit(f"{name} failed:\n{done.stderr}")
            found[name].append(json.loads(done.stdout))
            print(f"turn {turn + 1}: {name} {found[name][-1]['seconds']:.1f} s", file=sys.stderr)
    return found


def check(found: dict[str, list[dict[str, Any]]], rows: int, planted: dict[str, str]) -> None:
    """Speed never buys a wrong number: every reject is the planted one, nothing is lost, memory is bounded."""
    for name in OURS:
        for run in found.get(name, []):
            assert run["rejects"] == planted, (name, set(run["rejects"].items()) ^ set(planted.items()))
            assert run["rows_in"] == rows
            assert run["traces"] == rows - len(planted)
            assert run["grades"] == rows - len(planted)
            assert run["rss_mb"] < GOAL_RSS_MB, (name, run["rss_mb"])


def main() -> int:
    """Generate, measure, check, print; with --check 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=None, help="keep the generated files here")
    parser.add_argument("--alone", default=None, help="one job, printed as JSON")
    parser.add_argument("--plain", action="store_true", help="no compressed files")
    add_arguments(parser)
    arguments = parser.parse_args()
    if arguments.alone:
        print(json.dumps(alone(arguments.alone, arguments.folder)))
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        facts = folder / "planted.json"
        if not facts.is_file():
            facts.write_text(json.dumps(write_files(folder, arguments.rows, compressed=not arguments.plain)))
        planted, size = json.loads(facts.read_text()), (folder / DIRTY).stat().st_size
        names = [name for name in JOBS if not (arguments.plain and name in OURS[1:])]
        found = measure(folder, names, arguments.repeats)
    check(found, arguments.rows, planted)
    best = {name: min(run["seconds"] for run in runs) for name, runs in found.items()}
    fastest = min((name for name in best if name.startswith("floor")), key=lambda name: best[name])
    print(f"{arguments.rows:,} rows, {size / 1e9:.2f} GB, {size / arguments.rows:.0f} B a line; {len(planted)} rejects, all exact")
    print(f"{'job':16}{'best s':>9}{'cpu s':>8}{'MB/s':>8}{'RSS MB':>9}{'x ' + fastest:>16}  each turn")
    for name, runs in found.items():
        turns = " ".join(f"{run['seconds']:.1f}" for run in runs)
        peak = max(run["rss_mb"] for run in runs)
        cpu = min(run["cpu_s"] for run in runs)
        facts = f"{best[name]:9.1f}{cpu:8.1f}{size / best[name] / 1e6:8.0f}{peak:9.0f}{best[fastest] / best[name]:16.2f}"
        print(f"{name:16}{facts}  {turns}")
    ratios = {name: best[fastest] / best[name] for name in OURS if name in best}
    missed = [f"{name}: {ratio:.2f} of {fastest}, goal {GOAL_RATIO}" for name, ratio in ratios.items() if ratio < GOAL_RATIO]
    return finish(
        "five_million" if arguments.rows == ROWS else f"five_million_{arguments.rows}",
        ratios,
        arguments,
        missed=missed if arguments.rows >= ROWS else [],
        rows=arguments.rows,
        floor=fastest,
    )


if __name__ == "__main__":
    sys.exit(main())
