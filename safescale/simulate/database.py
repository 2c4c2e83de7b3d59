"""The SQLite corpus in its documented shape, with its documented dirt."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from safescale.records.fates import RejectCode
from safescale.records.verdicts import canonical_verdict
from safescale.simulate.dirt import plan_defects
from safescale.simulate.outcomes import LABELS, Draws
from safescale.simulate.plan import CorpusPlan, FileTruth, SimulatedModel
from safescale.simulate.texts import TextPool
from safescale.simulate.vocabulary import names

__all__ = ["DATABASE_DEFECTS", "DDL", "write_database"]

DDL: Final = """
CREATE TABLE models (id INTEGER PRIMARY KEY, name TEXT, provider TEXT, parameter_count TEXT);
CREATE TABLE evaluation_runs (id INTEGER PRIMARY KEY, model_id INTEGER);
CREATE TABLE source_datasets (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE techniques (id INTEGER PRIMARY KEY, name TEXT, family TEXT, era TEXT);
CREATE TABLE prompts (id TEXT PRIMARY KEY, source_dataset_id INTEGER, technique_id INTEGER, text TEXT);
CREATE TABLE results (
  id INTEGER PRIMARY KEY, evaluation_run_id INTEGER, prompt_id TEXT, raw_response TEXT, heuristic_verdict TEXT,
  llm_verdict TEXT, llm_classifier TEXT, duration_ms INTEGER, response_tokens INTEGER, thinking_tokens INTEGER
);
"""

DATABASE_DEFECTS: Final = {
    "float_for_integer": RejectCode.WRONG_TYPE.value,
    "unknown_verdict": RejectCode.UNKNOWN_VERDICT.value,
    "orphan_prompt": RejectCode.MISSING_FIELD.value,
    "orphan_run": RejectCode.MISSING_FIELD.value,
    "blob_response": RejectCode.WRONG_TYPE.value,
}
"""Kinds of bad rows of ``results``, and the reject code of each."""

# report 193: results by dataset (26 are listed of 27)
_DATASETS: Final = (
    ("obliteratus_telemetry", 108142),
    ("obliteratus_runs", 12789),
    ("benchmark_traces", 7665),
    ("DAN-In-The-Wild", 1164),
    ("jailbreak_archaeology", 819),
    ("failure-first-embodied-ai", 532),
    ("JailbreakBench", 257),
    ("sid_dose_response_v0.1", 254),
    ("reasoning_extension_phase2", 207),
    ("HarmBench", 203),
    ("StrongREJECT", 100),
    ("WildJailbreak", 95),
    ("vla_lam_tra_phase1", 56),
    ("vla_sbe_phase1", 46),
    ("SORRY-Bench", 6),
    ("BEAVERTAILS", 2),
    ("obliteratus_prompt_corpus_512_pairs", 0),
    ("AdvBench", 0),
    ("ForbiddenQuestions", 4),
    ("HEx-PHI", 3),
    ("ToxicChat", 0),
    ("TDC2023-RedTeaming", 0),
    ("SimpleSafetyTests", 0),
    ("LLM-Finetuning-Safety", 0),
    ("vla_benign_controls", 5),
    ("wave4_vla_sid_imb_sif", 0),
    ("simulated_unlisted", 1),
)
_IMPORTED_DATASETS: Final = 2
_CLASSIFIERS: Final = (
    ("anthropic/claude-haiku-4.5", 6259),
    ("ollama", 1259),
    ("deepseek-r1:1.5b", 699),
    ("gemini", 555),
    ("consensus_v1", 391),
)
_ERAS: Final = ("dan_2022", "persona_2022", "cipher_2023", "many_shot_2024", "crescendo_2024", "reasoning_2025", "general")
_TECHNIQUES: Final = 337
_FAMILIES: Final = 24
_SHARE_NO_FAMILY: Final = 0.63
_RUNS_PER_ROW: Final = 0.28
_SHARE_TELEMETRY: Final = 37_396 / 120_931
_SHARE_IMPORTED_GRADED: Final = 42_346 / 120_931
_SHARE_GRADED: Final = 0.70
_BLOB: Final = '{"synthetic": true, "source_kind": "telemetry", "quality_metrics": {"perplexity": %.2f}}'
_INSERT: Final = "INSERT INTO results VALUES (?,?,?,?,?,?,?,?,?,?)"

Floats = npt.NDArray[np.float64]
Row = tuple[Any, ...]


@attrs.define
class _Counts:
    """What was written into good rows."""

    llm: dict[str, dict[str, int]] = attrs.field(factory=dict)
    heuristic: dict[str, dict[str, int]] = attrs.field(factory=dict)
    no_response: int = 0
    telemetry: int = 0


def write_database(
    path: Path,
    plan: CorpusPlan,
    models: tuple[SimulatedModel, ...],
    draws: Draws,
    pool: TextPool,
    rng: np.random.Generator,
) -> FileTruth:
    """
    Write the SQLite corpus and say what is in it.

    Raises
    ------
    FileExistsError
        When the file is there already.
    """
    if path.exists():
        raise FileExistsError(path)
    runs_per_model = max(1, round(plan.rows * _RUNS_PER_ROW / plan.models))
    bad = plan_defects(plan.rows, plan.share_bad_lines, list(DATABASE_DEFECTS), rng)
    counts = _Counts()
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode=OFF")
        connection.executescript(DDL)
        _write_dimensions(connection, plan, models, runs_per_model, rng)
        datasets = _write_prompts(connection, plan, draws, pool, rng)
        rows = _results(plan, models, draws, pool, datasets, rng, runs_per_model)
        connection.executemany(_INSERT, _finished(rows, bad, models, draws, counts))
        connection.commit()
    finally:
        connection.close()
    return FileTruth(
        path=path,
        rows=plan.rows,
        bad_rows={row + 1: DATABASE_DEFECTS[kind] for row, kind in bad.items()},
        bad_kinds={kind: list(bad.values()).count(kind) for kind in DATABASE_DEFECTS},
        verdict_counts=counts.llm,
        heuristic_counts=counts.heuristic,
        no_response=counts.no_response,
        telemetry=counts.telemetry,
    )


def _write_dimensions(
    connection: sqlite3.Connection,
    plan: CorpusPlan,
    models: tuple[SimulatedModel, ...],
    runs_per_model: int,
    rng: np.random.Generator,
) -> None:
    """Models (the size as TEXT, 'unknown' or NULL), runs, datasets, techniques."""
    sizes = [f"{m.size_b:g}B" if m.sized else (None, "unknown")[i % 2] for i, m in enumerate(models)]
    connection.executemany(
        "INSERT INTO models VALUES (?,?,?,?)",
        [(i + 1, m.model_id, m.provider, size) for i, (m, size) in enumerate(zip(models, sizes, strict=True))],
    )
    runs = plan.models * runs_per_model
    connection.executemany("INSERT INTO evaluation_runs VALUES (?,?)", ((i + 1, i // runs_per_model + 1) for i in range(runs)))
    connection.executemany("INSERT INTO source_datasets VALUES (?,?)", [(i + 1, name) for i, (name, _) in enumerate(_DATASETS)])
    families = names(_FAMILIES, rng, syllables=3)
    connection.executemany(
        "INSERT INTO techniques VALUES (?,?,?,?)",
        [(i + 1, f"{families[i % _FAMILIES]}_{i}", families[i % _FAMILIES], _ERAS[i % len(_ERAS)]) for i in range(_TECHNIQUES)],
    )


def _write_prompts(
    connection: sqlite3.Connection, plan: CorpusPlan, draws: Draws, pool: TextPool, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Every dataset has its copy of each prompt that it uses. Gives the dataset index of each row, shape (rows,)."""
    weights = np.array([count for _, count in _DATASETS], dtype=np.float64)
    datasets = rng.choice(len(_DATASETS), size=plan.rows, p=weights / weights.sum()).astype(np.int64)
    pairs = np.unique(np.stack([datasets, draws.prompt]), axis=1).T.tolist()
    without = rng.random(len(pairs)) < _SHARE_NO_FAMILY
    technique = rng.integers(1, _TECHNIQUES + 1, len(pairs))
    connection.executemany(
        "INSERT INTO prompts VALUES (?,?,?,?)",
        [
            (_prompt_id(d, p, pool), d + 1, None if none else t, pool.prompts[p])
            for (d, p), none, t in zip(pairs, without.tolist(), technique.tolist(), strict=True)
        ],
    )
    return datasets


def _prompt_id(dataset: int, prompt: int, pool: TextPool) -> str:
    return f"{pool.prompt_ids[prompt]}-{dataset:02d}"


def _results(
    plan: CorpusPlan,
    models: tuple[SimulatedModel, ...],
    draws: Draws,
    pool: TextPool,
    datasets: npt.NDArray[np.int64],
    rng: np.random.Generator,
    runs_per_model: int,
) -> Iterator[Row]:
    """Rows of ``results`` in the order of their ids, without defects."""
    uniform = rng.random((plan.rows, 3)).tolist()
    weights = np.array([count for _, count in _CLASSIFIERS], dtype=np.float64)
    classifier = rng.choice(len(_CLASSIFIERS), size=plan.rows, p=weights / weights.sum()).tolist()
    columns = zip(*(a.tolist() for a in (draws.model, draws.prompt, draws.label, datasets)), strict=True)
    for row, (model, prompt, label, dataset) in enumerate(columns):
        text = LABELS[label]
        run = model * runs_per_model + row % runs_per_model + 1
        imported = dataset < _IMPORTED_DATASETS
        verdicts = _verdicts(text, imported, uniform[row], _CLASSIFIERS[classifier[row]][0])
        response = _response(text, imported, uniform[row][0], row, pool)
        tokens = None if response is None else len(response) // 4
        yield (row + 1, run, _prompt_id(dataset, prompt, pool), response, *verdicts, 50 + row % 9000, tokens, None)


def _response(label: str, imported: bool, uniform: float, row: int, pool: TextPool) -> str | None:
    if imported and uniform < _SHARE_TELEMETRY:
        return _BLOB % (5 + row % 90)
    if label.endswith("ERROR"):
        return None if row % 2 else "[ERROR: Rate limit exceeded (429)]"
    return pool.response(row)


def _verdicts(label: str, imported: bool, uniform: list[float], classifier: str) -> tuple[str | None, ...]:
    """Heuristic verdict, LLM verdict, classifier. Imported rows have both verdicts from one source."""
    if imported:
        graded = uniform[1] < _SHARE_IMPORTED_GRADED
        known = label if label in ("COMPLIANCE", "PARTIAL", "REFUSAL") else None
        return known, (label if graded else None), ("obliteratus-import" if graded else None)
    failed = label.endswith("ERROR")
    heuristic = None if failed else ("COMPLIANCE" if uniform[2] < (0.46 if label == "REFUSAL" else 0.95) else "REFUSAL")
    if uniform[1] >= _SHARE_GRADED:
        return heuristic, None, None
    return heuristic, label, ("auto:infrastructure_error" if label == "INFRA_ERROR" else classifier)


def _finished(
    rows: Iterator[Row], bad: dict[int, str], models: tuple[SimulatedModel, ...], draws: Draws, counts: _Counts
) -> Iterator[Row]:
    """Rows with their defects; good ones are counted on the way."""
    for index, row in enumerate(rows):
        if index in bad:
            yield _spoiled(row, bad[index])
            continue
        _count(row, models[draws.model[index]].model_id, counts)
        yield row


def _spoiled(row: Row, kind: str) -> Row:
    place, value = {
        "float_for_integer": (7, 12.5),
        "unknown_verdict": (5, "MAYBE"),
        "orphan_prompt": (2, "SIM-nowhere"),
        "orphan_run": (1, 10**9),
        "blob_response": (3, b"\x00\x01"),
    }[kind]
    return (*row[:place], value, *row[place + 1 :])


def _count(row: Row, model: str, counts: _Counts) -> None:
    response, heuristic, verdict = row[3], row[4], row[5]
    for label, into in ((heuristic, counts.heuristic), (verdict, counts.llm)):
        if label is not None:
            by_verdict = into.setdefault(model, {})
            key = str(canonical_verdict(label))
            by_verdict[key] = by_verdict.get(key, 0) + 1
    counts.telemetry += response is not None and response.startswith(_BLOB[:12])
    counts.no_response += response is None or response.startswith("[")
