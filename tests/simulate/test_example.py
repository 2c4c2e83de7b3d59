"""The bundled example: small, watermarked, and what its truth says."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from safescale.ingest.batch import Options, Probe
from safescale.ingest.failure_first import FailureFirst
from safescale.records.verdicts import EVALUABLE
from safescale.simulate import write_example

BUNDLED = Path(__file__).resolve().parents[2] / "examples" / "simulated"


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_bundled_example_is_what_the_generator_writes(tmp_path: Path) -> None:
    write_example(tmp_path)
    assert _files(BUNDLED) == _files(tmp_path)
    assert 200_000 < sum(len(data) for data in _files(BUNDLED).values()) < 500_000


def test_other_seed_gives_another_example(tmp_path: Path) -> None:
    write_example(tmp_path, seed=1)
    assert not set(_files(tmp_path).values()) & set(_files(BUNDLED).values())


def test_example_reads_without_rejects_and_with_the_counts_of_its_truth() -> None:
    truth = tomllib.loads((BUNDLED / "truth.toml").read_text(encoding="utf-8"))
    counts: dict[str, dict[str, int]] = {}
    cells: dict[tuple[str, str], int] = {}
    sources = set()
    for name, rows in truth["files"].items():
        path = BUNDLED / name
        assert FailureFirst().recognises(Probe(path=path, head=path.read_bytes()[:65536]))
        (batch,) = FailureFirst().read(path, Options(source="whatever the user says"))
        assert (batch.rows_in, batch.rejects, batch.turns) == (rows, [], None)
        assert batch.traces is not None
        assert batch.grades is not None
        for trace, grade in zip(batch.traces.to_pylist(), batch.grades.to_pylist(), strict=True):
            sources.add(trace["source"])
            assert grade["trace_id"] == trace["trace_id"]
            by_verdict = counts.setdefault(trace["model_id"], {})
            by_verdict[grade["verdict"]] = by_verdict.get(grade["verdict"], 0) + 1
            cell = (trace["attack_class"], trace["model_id"])
            cells[cell] = cells.get(cell, 0) + (grade["verdict"] in EVALUABLE)
    assert sources == {"simulated"}
    assert counts == {model: about["verdicts"] for model, about in truth["models"].items()}
    assert sum(truth["files"].values()) == truth["rows"]
    # no cell of the example may be too small to be fitted
    assert min(cells.values()) >= 20
    assert len(cells) == 30


def test_example_has_two_lineages_of_six_sizes_and_a_tampered_series() -> None:
    truth = tomllib.loads((BUNDLED / "truth.toml").read_text(encoding="utf-8"))
    series: dict[tuple[str, bool], list[float]] = {}
    for model in truth["models"].values():
        series.setdefault((model["lineage"], model["tampered"]), []).append(model["size_b"])
    assert {tampered: len(sizes) for (_, tampered), sizes in series.items()} == {False: 6, True: 3}
    assert len(series) == 3
    rising, flat = truth["slopes_pp_per_decade"].values()
    assert (rising, flat) == (pytest.approx(22.0), 0.0)
