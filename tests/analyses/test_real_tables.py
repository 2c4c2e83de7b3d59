"""Sections B and E of published-claims, through the whole path: file, column map, corpus, cells, analysis."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from safescale.analyses import analyze_inverse_scaling, analyze_safety_roi
from safescale.analyses.inverse_scaling import InverseScalingResult, SeriesResult
from safescale.analyses.safety_roi import PlacingLabel, ProviderVerdict, SettingRoi
from safescale.cells import Counting, Selection, build_cells
from safescale.ingest.batch import Options
from safescale.ingest.session import ingest
from safescale.registry import parse_model_id
from safescale.stats import EtaSquared
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


def roi(
    tmp_path: Path, file: Path, column_map: str, condition: str, *, selection: Selection | None = None, flip: bool = True
) -> SettingRoi:
    corpus = open_corpus(tmp_path / "corpus.db", create=True)
    try:
        assert ingest([file], corpus, options=Options(column_map=MAPS / column_map)).findings == 0
        counting = Counting(corpus)
        other = counting.cells(Selection(tampered="include")) if flip else None
        result = analyze_safety_roi(counting.cells(selection or Selection()), counting.models, other_tampering=other)
        (setting,) = [setting for setting in result.settings if setting.condition == condition]
        return setting
    finally:
        corpus.close()


def shares(found: EtaSquared | None) -> tuple[str, str]:
    """Eta squared and omega squared as they are printed."""
    assert found is not None
    assert found.omega_squared is not None
    return f"{found.eta_squared:.4f}", f"{found.omega_squared:.4f}"


def test_harmbench_provider_and_scale(real_data: Path, tmp_path: Path) -> None:
    """Reproduced, section B: mean over the attacks common to the 21 sized open models; `mean_available` is the rows pooled."""
    file = real_data / "harmbench_table" / "harmbench_table6_long.csv"
    setting = roi(tmp_path, file, "harmbench_table.yaml", "all", flip=False)
    share = setting.share.share
    assert (setting.share.n_models, setting.share.n_providers) == (21, 12)
    assert setting.estimand == "a model's mean rate over 10 attack classes, each counted the same"
    assert shares(share) == ("0.9960", "0.9907")
    assert share is not None
    assert share.null_expectation == 0.55
    assert share.p_permutation == setting.share.p_floor == 1 / 10_000
    (pooled,) = [s for s in setting.sensitivities if s.name == "other_estimand"]
    assert pooled.eta_squared == pytest.approx(0.9956, abs=5e-5)
    # printed as .990; the golden test of stats has .9897 too
    assert pooled.omega_squared == pytest.approx(0.9897, abs=5e-5)
    assert setting.share.verdict is ProviderVerdict.DIFFER
    assert len(setting.lineages.providers_of_one_family) == 11
    assert "provider is confounded with lineage" in setting.words.lower()
    # by the estimate alone seven providers have a label; with its uncertainty one
    assert sum(p.published_label in (PlacingLabel.OVER, PlacingLabel.UNDER) for p in setting.places) == 7
    assert [p.provider for p in setting.places if p.label is not PlacingLabel.CANNOT_TELL] == ["meta"]


def test_sorry_bench_provider_and_scale(real_data: Path, tmp_path: Path) -> None:
    """Reproduced, section B: law 1 leaves the two safety-removed models out; the flip lets them in."""
    file = real_data / "sorry_bench_table" / "sorry_bench_models.csv"
    setting = roi(tmp_path, file, "sorry_bench_table.yaml", "default")
    assert (setting.share.n_models, setting.share.n_providers) == (33, 11)
    assert tuple(f"{float(s):.3f}" for s in shares(setting.share.share)) == ("0.773", "0.663")
    assert setting.share.share is not None
    # near the floor of 9,999 assignments, not at it: the page says that of the 35 only
    assert setting.share.share.p_permutation < 0.001
    # the interval of mistral lies beyond 10 pp; over 11 providers that is not enough
    (mistral,) = [place for place in setting.places if place.provider == "mistral"]
    assert mistral.shrunk_interval is not None
    assert mistral.shrunk_interval[0] > 10
    assert mistral.label is PlacingLabel.CANNOT_TELL
    (flipped,) = [s for s in setting.sensitivities if s.name == "other_tampering"]
    assert (flipped.n_models, flipped.n_providers, flipped.changed) == (35, 12, False)
    assert flipped.eta_squared == pytest.approx(0.826, abs=5e-4)
    assert flipped.omega_squared == pytest.approx(0.738, abs=5e-4)


def test_sorry_bench_with_the_safety_removed_models_has_the_printed_f(real_data: Path, tmp_path: Path) -> None:
    """Reproduced, section B: F p = 2.4e-6 and a permutation p at its floor for the 35 models of 12 providers."""
    file = real_data / "sorry_bench_table" / "sorry_bench_models.csv"
    setting = roi(tmp_path, file, "sorry_bench_table.yaml", "default", selection=Selection(tampered="include"), flip=False)
    share = setting.share.share
    assert share is not None
    assert f"{share.p_value:.1e}" == "2.4e-06"
    assert share.p_permutation == setting.share.p_floor == 1 / 10_000
    assert "1/10,000" in setting.words


@pytest.mark.parametrize(
    ("file", "model", "other_names"),
    [
        ("harmbench_table/harmbench_table6_long.csv", "model_id", {}),
        ("sorry_bench_table/sorry_bench_models.csv", "model", {"thudm": "zhipu"}),
    ],
)
def test_our_developers_are_the_providers_of_the_tables(
    real_data: Path, file: str, model: str, other_names: dict[str, str]
) -> None:
    """The 12 providers of section B are our developers; THUDM is the group at Tsinghua behind Zhipu, the same one provider."""
    with (real_data / file).open(newline="", encoding="utf-8") as lines:
        published = {row[model]: row["provider"] for row in csv.DictReader(lines) if row["params_b"]}
    ours = {name: parse_model_id(name).developer for name in published}
    assert ours == {name: other_names.get(provider, provider) for name, provider in published.items()}
