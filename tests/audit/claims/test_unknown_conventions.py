"""A right figure whose convention is not known here ends in "cannot be decided"; one that no convention gives stays impossible."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from safescale.audit import verify_claim
from safescale.audit.claims import ClaimResult

OPEN = ("reproduces", "cannot be decided")


def codes(result: ClaimResult) -> set[str]:
    return {reason.code for reason in result.reasons}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        # a bootstrap over prompts, named or not, that a 99 % interval or other n fits by chance (drawn with numpy, seed 0)
        ({"n": "260", "k": "104", "percentage": "40%", "interval": "[32, 48]%", "method": "bootstrap"}, "method_not_checked"),
        ({"n": "260", "percentage": "40%", "interval": "[32, 48]%"}, "wider_than_binomial"),
        ({"n": "36", "percentage": "41.67%", "interval": "[25.00, 58.33]%"}, "method_unknown"),
        ({"n": "196", "percentage": "42%", "interval": "[35, 48]%"}, "method_unknown"),
        # the scatter of five seeds
        ({"n": "500", "percentage": "40.4", "interval": "\u00b13.3"}, "plus_minus_of_what"),
        ({"n": "500", "percentage": "39.6", "interval": "\u00b17.3"}, "plus_minus_of_what"),
        ({"n": "1k", "percentage": "30.73%"}, "n_is_rounded"),
        ({"n": "~1,000", "percentage": "30.73%"}, "n_is_rounded"),
    ],
)
def test_a_share_by_a_method_that_is_not_known(fields, code):
    result = verify_claim({"kind": "proportion"} | fields)
    assert result.verdict == "cannot be decided", result.words
    assert code in codes(result)


@pytest.mark.parametrize(
    "fields",
    [
        {"n": "500", "percentage": "40.4", "interval": "\u00b13.3", "level": "95 %"},
        {"n": "500", "percentage": "40.4", "interval": "[31, 35]", "method": "bootstrap"},
        {"n": "100000", "percentage": "40.4 %", "interval": "[30.4, 50.4]", "method": "wilson"},
    ],
)
def test_what_no_method_gives_stays_impossible(fields):
    assert verify_claim({"kind": "proportion"} | fields).found_wrong


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"coefficient": "partial", "value": "0.41", "n": "21", "p": "0.092"}, "coefficient_not_checked"),
        ({"coefficient": "pearson", "value": "0.69", "n": "6", "p": "0.135", "distribution": "permutation"}, "test_not_checked"),
        ({"coefficient": "spearman", "value": "-0.89", "n": "25", "p": "0.005", "distribution": "permutation"}, "test_not_checked"),
        ({"coefficient": "pearson", "value": "0.69", "n": "6", "p": "0.02", "distribution": "cluster robust"}, "test_not_checked"),
        ({"coefficient": "kendall", "value": "-0.33", "n": "23", "p": "0.070"}, "ties_unknown"),
        ({"value": "0.20", "n": "6", "p": "0.719"}, "coefficient_unknown"),
    ],
)
def test_a_correlation_by_a_test_that_is_not_known(fields, code):
    result = verify_claim({"kind": "correlation"} | fields)
    assert result.verdict == "cannot be decided", result.words
    assert code in codes(result)


@pytest.mark.parametrize(
    "fields",
    [
        {"coefficient": "pearson", "value": "0.69", "n": "6", "p": "0.9", "distribution": "permutation"},
        {"coefficient": "kendall", "value": "-0.33", "n": "23", "p": "0.60"},
        {"coefficient": "partial", "value": "1.41", "n": "21", "p": "0.092"},
        {"coefficient": "pearson", "value": "0.69", "n": "6", "p": "0.02"},
    ],
)
def test_a_correlation_that_no_test_gives_is_found(fields):
    assert verify_claim({"kind": "correlation"} | fields).found_wrong


def test_kendalls_tau_of_tied_data_as_scipy_prints_it_is_not_called_wrong():
    """Independent: scipy's tau-b and its p, of data with few levels; the tie corrections are not printed."""
    rng = np.random.default_rng(4)
    for _ in range(60):
        n = int(rng.integers(6, 40))
        x = rng.integers(0, int(rng.integers(2, 5)), n)
        y = x * rng.normal() + rng.normal(size=n)
        found = scipy.stats.kendalltau(x, np.round(y))
        if not np.isfinite(found.statistic):
            continue
        p = f"{found.pvalue:.3f}" if found.pvalue >= 0.001 else "<.001"
        result = verify_claim({"kind": "correlation", "coefficient": "kendall", "value": f"{found.statistic:.2f}", "n": n, "p": p})
        assert result.verdict in OPEN, (result.printed, result.words)


def test_a_line_with_the_adjusted_r2_is_named_as_that():
    rng = np.random.default_rng(2)
    for _ in range(20):
        n = int(rng.integers(6, 30))
        x = rng.uniform(0, 2, n)
        line = scipy.stats.linregress(x, 0.4 * x + rng.normal(size=n) * 0.3)
        adjusted = 1 - (1 - line.rvalue**2) * (n - 1) / (n - 2)
        p = f"{line.pvalue:.3f}" if line.pvalue >= 0.001 else "<.001"
        fields = {"kind": "regression", "slope": f"{line.slope:.3f}", "r2": f"{adjusted:.3f}", "n": n, "p": p}
        result = verify_claim(fields)
        assert result.verdict in ("reproduces only as", "reproduces"), (fields, result.words)
        assert verify_claim(fields | {"r2": f"{line.rvalue**2:.3f}"}).verdict == "reproduces"


@pytest.mark.parametrize("more", [{"r2": "0.58"}, {}])
def test_a_bootstrap_interval_of_a_slope_need_not_be_centred(more):
    line = {"kind": "regression", "slope": "0.229", "n": "6", "interval": "[0.011, 0.826]"} | more
    assert verify_claim(line).verdict == "cannot be decided"
    assert verify_claim(line | {"distribution": "t"}).verdict == "impossible"
    assert verify_claim(line | {"interval": "[0.311, 0.826]"}).verdict == "impossible"


@pytest.mark.parametrize(
    "more",
    [
        {"f": "3.47", "p": "0.077", "test": "Welch"},
        {"p": "0.093", "test": "Kruskal-Wallis"},
        {"f": "3.47", "df1": "3", "df2": "9.84"},
    ],
)
def test_welch_and_kruskal_wallis_are_no_function_of_eta2(more):
    fields = {"kind": "eta2", "eta2": "0.28", "k": "4", "n": "29"} | more
    assert verify_claim(fields).verdict == "cannot be decided"


def test_an_eta2_that_its_f_contradicts_is_found_and_the_way_out_is_said():
    result = verify_claim({"kind": "eta2", "eta2": "0.28", "k": "4", "n": "29", "f": "3.47"})
    assert result.verdict == "impossible"
    assert "Welch" in result.words


@pytest.mark.parametrize("test", ["mcnemar", "barnard", "other"])
def test_a_table_by_a_test_that_is_not_known(test):
    table = {"kind": "association", "table": [[12, 13], [12, 40]], "p": "0.0285"}
    assert verify_claim(table | {"test": test}).verdict == "cannot be decided"
    assert verify_claim(table).verdict == "impossible"


def test_parts_that_share_rows():
    parts = {"kind": "totals", "parts": ["60 %", "55 %"], "total": "100 %"}
    found = verify_claim(parts)
    assert found.verdict == "impossible"
    assert "overlapping" in found.words
    assert verify_claim(parts | {"overlapping": True}).verdict == "cannot be decided"
    assert verify_claim({"kind": "totals", "parts": ["160", "55"], "total": "150", "overlapping": True}).verdict == "impossible"
    assert verify_claim({"kind": "totals", "parts": ["60", "55"], "total": "150", "overlapping": True}).verdict == "impossible"


def test_a_paired_test_is_a_way_out_that_is_said():
    counts = {"kind": "difference", "k1": "40", "n1": "100", "k2": "50", "n2": "100", "p": "0.021"}
    assert "McNemar" in verify_claim(counts).words
    assert verify_claim(counts | {"test": "mcnemar"}).verdict == "cannot be decided"


def test_the_name_of_a_figure_is_said_once():
    words = verify_claim({"kind": "correlation", "value": "0.92", "n": "20", "p": "p < .001"}).reasons[0].words
    assert words.startswith("p < .001 agrees")
