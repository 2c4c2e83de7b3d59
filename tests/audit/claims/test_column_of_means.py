"""A table of means is no table of impossible shares; a table of shares with one wrong figure is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from safescale.audit import verify_claims

COLUMNS = {"id": "model", "n": "behaviours", "percentage": "asr"}


def table(tmp_path: Path, rates: np.ndarray) -> Path:
    lines = ["model,attack,behaviours,asr", *(f"aster-{at // 4},vek-{at % 4},400,{rate:.1f}" for at, rate in enumerate(rates))]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_means_over_behaviours_are_not_called_impossible(tmp_path: Path) -> None:
    """Five attempts per behaviour, averaged: half of the figures are no share of 400. One model fills several rows."""
    rng = np.random.default_rng(1)
    results = verify_claims(table(tmp_path, 100 * rng.binomial(2000, rng.uniform(0.02, 0.9, 40)) / 2000), columns=COLUMNS)
    assert {result.verdict for result in results} == {"reproduces", "cannot be decided"}
    assert any("averaged = true" in result.words for result in results)
    assert results[0].id == "aster-0 (row 2)"


def test_one_wrong_figure_among_shares_stays_impossible(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    rates = 100 * rng.binomial(400, rng.uniform(0.02, 0.9, 40)) / 400
    rates[7] += 0.1 if round(10 * rates[7]) % 5 == 0 else 0.2
    results = verify_claims(table(tmp_path, rates), columns=COLUMNS)
    assert [at for at, result in enumerate(results) if result.verdict == "impossible"] in ([7], [])
    rates[7] = 33.4
    assert verify_claims(table(tmp_path, rates), columns=COLUMNS)[7].verdict == "impossible"
