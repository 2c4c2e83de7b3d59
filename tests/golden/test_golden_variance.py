"""Published shares of variance between providers, from the tables that stand beside the repository."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from safescale.stats import commonality, eta_squared

SAFETY_REMOVED = ("dolphin-2.2.1-mistral-7b", "dolphin-2.6-mixtral-8x7b")


def read(path):
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def words(share):
    return f"{share.eta_squared:.4f}, {share.omega_squared:.4f}"


def harmbench(real_data, column):
    """Sized open models; their mean over all attacks, or over the attacks that every one of them has."""
    rows = [row for row in read(real_data / "harmbench_table" / "harmbench_table6_wide_all.csv") if row["params_b"]]
    attacks = [name for name in rows[0] if name not in ("model_published", "model_id", "provider", "lineage", "params_b", "arch")]
    common = [name for name in attacks if name not in ("mean_available", "n_attacks") and all(row[name] for row in rows)]
    values = [float(row[column]) if column else np.mean([float(row[name]) for name in common]) for row in rows]
    return values, [row["provider"] for row in rows]


def sorry_bench(real_data, without=()):
    rows = [row for row in read(real_data / "sorry_bench_table" / "sorry_bench_models.csv") if row["params_b"]]
    rows = [row for row in rows if row["model"] not in without]
    rates = [int(row["fulfilled"]) / int(row["n_prompts"]) for row in rows]
    return rates, [row["provider"] for row in rows], [float(row["params_b"]) for row in rows]


@pytest.mark.real_data
@pytest.mark.parametrize(("column", "printed"), [("", "0.9960, 0.9907"), ("mean_available", "0.9956, 0.9897")])
def test_harmbench_provider_carries_the_variance(real_data, column, printed):
    """Published-claims.md, end of section B: eta2 .9960, omega2 .9907; with `mean_available` .9956, .990."""
    values, providers = harmbench(real_data, column)
    assert (len(values), len(set(providers))) == (21, 12)
    got = eta_squared(values, providers)
    assert words(got) == printed
    assert got.p_permutation == 1 / 100_000
    assert got.null_expectation == 0.55


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("without", "models", "providers", "printed"),
    [((), 35, 12, ".826, .738"), (SAFETY_REMOVED, 33, 11, ".773, .663")],
)
def test_sorry_bench_provider_share(real_data, without, models, providers, printed):
    """Published-claims.md, end of section B; the F test of the 35 models has p = 2.4e-6."""
    rates, labels, _ = sorry_bench(real_data, without)
    assert (len(rates), len(set(labels))) == (models, providers)
    got = eta_squared(rates, labels)
    assert f"{got.eta_squared:.3f}, {got.omega_squared:.3f}".replace("0.", ".") == printed
    # the floor of 9,999 assignments; 99,999 of them find one or two as extreme
    assert got.p_permutation < 1e-3
    if not without:
        assert eta_squared(rates, labels, resamples=9_999).p_permutation == 1 / 10_000
    assert got.interval[0] > 0.2
    if not without:
        assert f"{got.p_value:.1e}" == "2.4e-06"


@pytest.mark.real_data
def test_sorry_bench_shares_of_provider_and_size_are_no_sum_of_marginals(real_data):
    """R2 of size alone is .008 (section E); beside provider the shares must be read jointly."""
    rates, labels, sizes = sorry_bench(real_data)
    got = commonality(rates, labels, np.log10(sizes))
    assert f"{got.r_squared.second_alone:.3f}" == "0.008"
    assert f"{got.r_squared.first_alone:.3f}" == "0.826"
    assert got.r_squared.total == pytest.approx(
        got.r_squared.unique_first + got.r_squared.unique_second + got.r_squared.common, abs=1e-12
    )
    assert got.adjusted.second_alone < 0
    assert got.single_member_groups
