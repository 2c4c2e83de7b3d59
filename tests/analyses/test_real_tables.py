"""Section E of published-claims, through the whole path: file, column map, corpus, cells, analysis."""

from __future__ import annotations

from pathlib import Path

import pytest

from safescale.analyses import analyze_inverse_scaling
from safescale.analyses.inverse_scaling import InverseScalingResult, SeriesResult
from safescale.cells import Selection, build_cells
from safescale.ingest.batch import Options
from safescale.ingest.session import ingest
from safescale.store import open_corpus

MAPS = Path(__file__).parents[2] / "examples" / "maps"


def analysed(tmp_path: Path, file: Path, column_map: str, selection: Selection | None = None) -> InverseScalingResult:
    corpus = open_corpus(tmp_path / "corpus.db", create=True)
    try:
        report = ingest([file], corpus, options=Options(column_map=MAPS / column_map))
        assert report.findings == 0
        cells = build_cells(corpus, selection or Selection())
        return analyze_inverse_scaling(cells, corpus.read("models"))
    finally:
        corpus.close()


def line(series: SeriesResult | None) -> tuple[str, str, str]:
    """Slope, standard error and R squared as they are printed."""
    assert series is not None
    assert series.slope is not None
    slope = series.slope.slope
    assert slope.standard_error_pp_per_decade is not None
    assert slope.r_squared is not None
    return (
        f"{slope.slope_pp_per_decade:+.1f}",
        f"{slope.standard_error_pp_per_decade:.1f}",
        f"{slope.r_squared:.3f}",
    )


def test_sorry_bench_slopes(real_data: Path, tmp_path: Path) -> None:
    """Reproduced: pooled without the two safety-removed models, and the lineages."""
    file = real_data / "sorry_bench_table" / "sorry_bench_models.csv"
    [setting] = analysed(tmp_path, file, "sorry_bench_table.yaml").settings
    assert line(setting.headline) == ("-4.8", "6.6", "0.017")
    assert setting.headline is not None
    assert setting.headline.n_models == 33
    lineages = {s.name: s for s in setting.generations}
    assert line(lineages["qwen1.5"])[:2] == ("-10.3", "8.5")
    assert line(lineages["llama-2"])[:2] == ("-1.9", "1.2")
    assert line(lineages["llama-3.1"])[:2] == ("+6.5", "12.9")
    assert lineages["qwen1.5"].shape is None or lineages["qwen1.5"].shape.shape not in {"increasing", "decreasing"}


def test_sorry_bench_with_the_safety_removed_models(real_data: Path, tmp_path: Path) -> None:
    """Reproduced: the two that law 1 leaves out are let in by a switch."""
    file = real_data / "sorry_bench_table" / "sorry_bench_models.csv"
    [setting] = analysed(tmp_path, file, "sorry_bench_table.yaml", Selection(tampered="include")).settings
    assert line(setting.headline) == ("-3.8", "7.2", "0.008")
    assert setting.headline is not None
    assert setting.headline.n_models == 35


@pytest.mark.parametrize(
    ("turns", "expected"), [("single_turn", ("+6.09", "2.86", "0.532")), ("multi_turn", ("+2.42", "1.98", "0.273"))]
)
def test_multi_turn_slopes(real_data: Path, tmp_path: Path, turns: str, expected: tuple[str, str, str]) -> None:
    """
    Near: at the sizes that the page names. Printed are +6.07 (2.85) and +2.42 (1.97, .275), which the golden test of stats
    reproduces at sizes rounded to 1.2, 3.2, 8, 70, 70, 405.9.
    """
    result = analysed(tmp_path, real_data / "multi_turn" / "master_results_with_fp.csv", "multi_turn_batch_1.yaml")
    setting = next(s for s in result.settings if s.condition == f"batch_1/{turns}")
    assert setting.rows_pooled is not None
    assert setting.rows_pooled.slope is not None
    slope = setting.rows_pooled.slope.slope
    assert slope.standard_error_pp_per_decade is not None
    assert slope.r_squared is not None
    found = (
        f"{slope.slope_pp_per_decade:+.2f}",
        f"{slope.standard_error_pp_per_decade:.2f}",
        f"{slope.r_squared:.3f}",
    )
    assert found == expected


@pytest.mark.parametrize("theme", ["us", "china"])
def test_speechmap_says_nothing_of_size_by_total_parameters(real_data: Path, tmp_path: Path, theme: str) -> None:
    result = analysed(tmp_path, real_data / "speechmap" / f"speechmap_{theme}.jsonl.gz", "speechmap.yaml")
    by_grader = {s.grader.grader: s for s in result.settings}
    assert {"openai/gpt-4o-2024-11-20", "x-ai/grok-4.1-fast"} <= set(by_grader)
    assert result.bands
