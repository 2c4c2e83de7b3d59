"""The lineages of report 353, from its printed counts."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from cells.fake_corpus import fake_corpus
from safescale.analyses import ScalingVerdict, analyze_inverse_scaling
from safescale.analyses.inverse_scaling import SettingResult
from safescale.cells import build_cells


@pytest.fixture
def setting(real_data: Path) -> SettingResult:
    with (real_data / "failurefirst_tables" / "r353_lineages.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    aggregates = [
        {
            "model_id": row["model"],
            "rate": int(row["k_implied"]) / int(row["n"]) if row["n"] else float(row["strict_asr_pct"]) / 100,
            "n": int(row["n"]) if row["n"] else None,
        }
        for row in rows
    ]
    models = [
        {"model_id": row["model"], "params_total_b": float(row["params_b"]), "lineage": row["lineage"], "family": row["lineage"]}
        for row in rows
    ]
    corpus = fake_corpus(aggregates=aggregates, models=models)
    (found,) = analyze_inverse_scaling(build_cells(corpus), corpus.read("models")).settings
    return found


@pytest.mark.parametrize(
    ("lineage", "per_decade", "low", "high"), [("Gemma 3", 7.5, -0.048, 0.100), ("Llama 3", 2.2, -0.120, 0.099)]
)
def test_two_size_lineages_are_raw_differences_with_an_interval(
    setting: SettingResult, lineage: str, per_decade: float, low: float, high: float
) -> None:
    (series,) = [s for s in setting.generations if s.name == lineage]
    assert (series.kind, series.slope, series.label) == ("difference", None, None)
    assert series.difference is not None
    assert series.difference.raw.difference_pp_per_decade == pytest.approx(per_decade, abs=0.05)
    assert series.difference.independent is not None
    assert series.difference.independent.low == pytest.approx(low, abs=5e-4)
    assert series.difference.independent.high == pytest.approx(high, abs=5e-4)
    assert "the interval includes zero" in series.words
    assert "pairing by prompt needs rows" in series.difference.unavailable
    assert " p " not in series.words.replace("pp ", "")


def test_the_qwen_series_is_an_inverted_u_and_no_slope(setting: SettingResult) -> None:
    (series,) = [s for s in setting.generations if s.name.startswith("Qwen 3.5")]
    assert series.shape is not None
    assert series.shape.shape == "inverted_u"
    assert series.slope is not None
    assert series.slope.slope.slope_pp_per_decade == pytest.approx(-3.9, abs=0.05)
    assert series.label == "FLAT_OR_NOISY"
    assert series.verdict is ScalingVerdict.CANNOT_TEST
    assert any("an inverted U" in caveat and "a line does not describe it" in caveat for caveat in series.caveats)
    assert all(point.counts_implied for point in series.points)


def test_one_size_has_nothing(setting: SettingResult) -> None:
    (series,) = [s for s in setting.generations if s.name == "Mistral Small"]
    assert (series.kind, series.slope, series.difference, series.shape) == ("nothing", None, None, None)
    assert "one size (2 models of 24B)" in series.words
    assert series.n_rows is None
