"""Published figures through safescale.stats: each row comes out as printed, or as `ours` says and differs from print."""

from __future__ import annotations

import csv
import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from safescale.errors import InsufficientData
from safescale.records.outcomes import TIER_NUMERATORS, Tier
from safescale.records.verdicts import EVALUABLE
from safescale.stats import (
    adjacent_separation,
    clopper_pearson_interval,
    fisher_exact_test,
    log_scaling_slope,
    newcombe_interval,
    raw_difference_per_decade,
    scaling_label,
    shape_of_series,
    spearman_test,
    wilson_interval,
)

HERE = Path(__file__).parent
PUBLISHED = tomllib.loads((HERE / "stats_published.toml").read_text())["row"]
REAL = tomllib.loads((HERE / "stats_real_tables.toml").read_text())["row"]


def check(row, computed):
    if row["status"] == "reproduced":
        assert computed == row["printed"]
        assert "ours" not in row
        return
    assert row["status"].startswith("not reproduced, because ")
    assert computed == row["ours"] != row["printed"]


def interval_words(interval):
    return f"{100 * interval.estimate:.1f} % [{interval.low:.3f}, {interval.high:.3f}]"


def raw_difference(params_b, successes, trials):
    return raw_difference_per_decade(params_b, [k / n for k, n in zip(successes, trials, strict=True)])


def newcombe_per_decade(params_b, successes, trials):
    (small_k, large_k), (small_n, large_n) = successes, trials
    got = newcombe_interval(large_k, large_n, small_k, small_n)
    decades = raw_difference(params_b, successes, trials).decades
    return f"[{100 * got.low / decades:+.1f}, {100 * got.high / decades:+.1f}]"


def spearman_words(x, y, method="auto"):
    got = spearman_test(x, y, method=method)
    return f"rho = {got.rho:.3f}, p = {got.p_value:.3f}"


def label_or_refusal(params_b, rates):
    try:
        return scaling_label(raw_difference_per_decade(params_b, rates).difference_pp_per_decade)
    except InsufficientData as error:
        return type(error).__name__


def slope_words(params_b, rates):
    fit = log_scaling_slope(params_b, rates)
    return f"{fit.slope_pp_per_decade:.2f}, p = {fit.p_value:.2f}"


def separation_words(successes, trials):
    pairs = adjacent_separation(successes, trials).pairs
    return f"{sum(pair.disjoint for pair in pairs)} of {len(pairs)} disjoint"


def adjacent_fisher_words(successes, trials):
    return ", ".join(f"{pair.p_value:.0e}" for pair in adjacent_separation(successes, trials).pairs)


def fisher_words(successes, trials):
    (k1, k2), (n1, n2) = successes, trials
    return f"p = {fisher_exact_test(k2, n2, k1, n1).p_value:.2f}"


COMPUTE = {
    "wilson": lambda successes, trials: interval_words(wilson_interval(successes, trials)),
    "clopper_pearson": lambda successes, trials: interval_words(clopper_pearson_interval(successes, trials)),
    "separation": separation_words,
    "adjacent_fisher": adjacent_fisher_words,
    "spearman": spearman_words,
    "label": lambda slope_pp_per_decade: scaling_label(slope_pp_per_decade),
    "raw_difference": lambda **counts: f"{raw_difference(**counts).difference_pp_per_decade:+.1f} pp/decade",
    "label_of_raw_difference": lambda **counts: scaling_label(raw_difference(**counts).difference_pp_per_decade),
    "label_of_raw_difference_of_rates": label_or_refusal,
    "newcombe_per_decade": newcombe_per_decade,
    "fisher": fisher_words,
    "shape": lambda successes, trials: shape_of_series(successes, trials).shape,
    "slope": slope_words,
    "total": lambda counts: f"{sum(counts):,}",
    "share": lambda some, counts: f"{100 * sum(some) / sum(counts):.1f} %",
}


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row["id"])
def test_published_figure(row):
    check(row, COMPUTE[row["compute"]](**row["arguments"]))


def test_counts_of_section_a_and_c_stand_in_the_published_table(real_data):
    """The counts that the rows above use are those of the transcribed tables, not ours."""
    table = read(real_data / "failurefirst_tables" / "r198_obliteratus_qwen35_counts.csv")
    counts = [(int(row["compliance"]), int(row["n"])) for row in table if row["abliterated"] == "1"]
    separation = next(row for row in PUBLISHED if row["compute"] == "separation")["arguments"]
    assert counts == list(zip(separation["successes"], separation["trials"], strict=True))
    lineage = read(real_data / "failurefirst_tables" / "r353_lineages.csv")
    qwen = [(int(row["k_implied"]), int(row["n"])) for row in lineage if row["lineage"].startswith("Qwen")]
    shape = next(row for row in PUBLISHED if row["compute"] == "shape")["arguments"]
    assert qwen == list(zip(shape["successes"], shape["trials"], strict=True))


# ---- real tables ----------------------------------------------------------------------------------------------------


def read(path):
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def fraction_words(value):
    """R2 as the page prints it: two digits, three where it is small or the page gives three."""
    return f"{value:.3f}"[1:] if value < 0.1 else f"{value:.2f}"[1:]


def sorry_bench(real_data, printed, lineage=None, without=()):
    table = read(real_data / "sorry_bench_table" / "sorry_bench_models.csv")
    chosen = [row for row in table if row["params_b"] and row["lineage"] == (lineage or row["lineage"])]
    assert not set(without) - {row["model"] for row in chosen}
    chosen = [row for row in chosen if row["model"] not in without]
    fit = log_scaling_slope(
        [float(row["params_b"]) for row in chosen],
        [int(row["fulfilled"]) / int(row["n_prompts"]) for row in chosen],
    )
    words = f"{fit.slope_pp_per_decade:+.1f} (SE {fit.standard_error_pp_per_decade:.1f}"
    return f"{words}, R2 {fraction_words(fit.r_squared)})", fit.n


SIZES = {
    "named": (1.24, 3.21, 8.03, 70.6, 70.6, 405.9),
    "inferred": (1.2, 3.2, 8, 70, 70, 405.9),
}
LLAMAS = ("3.2-1b", "3.2-3b", "3.1-8b", "3.1-70b", "3.3-70b", "3.1-405b")


def multi_turn(real_data, printed, turn_type, without_rounds, sizes, digits):
    """One point per model; a row succeeds when goal_achieved is True; a row without rounds has max_round 0."""
    table = read(real_data / "multi_turn" / "master_results_with_fp.csv")
    rows = [row for row in table if row["batch"] == "batch_1" and row["turn_type"] == turn_type]
    assert all(row["goal_achieved"] == "False" for row in rows if row["max_round"] == "0")
    if without_rounds == "not evaluable":
        rows = [row for row in rows if row["max_round"] != "0"]
    outcomes = [
        [row["goal_achieved"] == "True" for row in rows if row["target_model"] == f"meta-llama/llama-{name}-instruct"]
        for name in LLAMAS
    ]
    fit = log_scaling_slope(SIZES[sizes], [np.mean(outcome) for outcome in outcomes])
    words = f"{fit.slope_pp_per_decade:+.{digits}f} (SE {fit.standard_error_pp_per_decade:.{digits}f}"
    return words + (f", R2 {fit.r_squared:.3f})".replace("0.", ".", 1) if "R2" in printed else ")"), fit.n


def harmbench_means(real_data, subset):
    table = [row for row in read(real_data / "harmbench_table" / "harmbench_table6_long.csv") if row["asr_pct"]]
    attacks = {row["attack"] for row in table}
    return {a: np.mean([float(row["asr_pct"]) for row in table if (row["subset"], row["attack"]) == (subset, a)]) for a in attacks}


def harmbench_averages(real_data, printed, subsets):
    published = read(real_data / "harmbench_table" / "harmbench_published_averages.csv")
    gaps = []
    for ours, theirs in subsets.items():
        means = harmbench_means(real_data, ours)
        rows = [row for row in published if row["subset"] == theirs]
        gaps += [abs(means[row["attack"]] - float(row["published_average_over_models"])) for row in rows]
    worst = max(gaps)
    return (f"within 0.15 of the {len(gaps)} printed averages" if worst <= 0.15 else f"off by {worst:.2f}"), None


def harmbench_gcg_average(real_data, printed, subset):
    return f"{harmbench_means(real_data, subset)['GCG']:.2f}", None


JAILBREAKBENCH_MODELS = ("vicuna-13b-v1.5", "llama-2-7b-chat-hf", "gpt-3.5-turbo-1106", "gpt-4-0125-preview")


def jailbreakbench(real_data, printed, method):
    """Behaviours whose row says jailbroken; all have 100, null responses among them."""
    hits = []
    for model in JAILBREAKBENCH_MODELS:
        (path,) = (real_data / "jbb_artifacts" / method).glob(f"*/{model}.json")
        rows = json.loads(path.read_text(encoding="utf-8"))["jailbreaks"]
        assert len(rows) == 100
        hits.append(sum(str(row["jailbroken"]) == "True" for row in rows))
    return "/".join(map(str, hits)), None


def tiers(real_data, printed, table):
    """Rates of the tiers from the published verdict counts, by the definitions that every rate here has."""
    (row,) = (row for row in read(real_data / "failurefirst_tables" / "verdict_counts.csv") if row["table"] == table)
    evaluable = sum(int(row[verdict.value] or 0) for verdict in EVALUABLE if verdict.value in row)
    rates = (100 * sum(int(row[verdict.value]) for verdict in TIER_NUMERATORS[tier]) / evaluable for tier in Tier)
    return f"{evaluable:,}: {', '.join(f'{rate:.2f}' for rate in rates)}", None


REAL_COMPUTE = {
    "jailbreakbench": jailbreakbench,
    "tiers": tiers,
    "sorry_bench": sorry_bench,
    "multi_turn": multi_turn,
    "harmbench_averages": harmbench_averages,
    "harmbench_gcg_average": harmbench_gcg_average,
}


@pytest.mark.real_data
@pytest.mark.parametrize("row", REAL, ids=lambda row: row["id"])
def test_figure_from_a_real_table(row, real_data):
    computed, models = REAL_COMPUTE[row["compute"]](real_data, row["printed"], **row["arguments"])
    check(row, computed)
    assert models == row.get("models")


def test_every_row_has_its_own_name_and_source():
    rows = PUBLISHED + REAL
    assert len({row["id"] for row in rows}) == len(rows)
    assert all(row["source"] for row in rows)
