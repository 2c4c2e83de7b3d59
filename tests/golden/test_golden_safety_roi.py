"""Section B of published-claims through the analysis: each row as printed, or as ``ours`` says and why it differs."""

from __future__ import annotations

import functools
import math
import tomllib
from pathlib import Path
from typing import Any

import pytest

from analyses.designs import PROVIDERS_OF_21, SIZES_OF_21, model_rows, published, with_slope_and_share
from cells.fake_corpus import fake_corpus
from safescale.analyses import ScalingVerdict, analyze_safety_roi
from safescale.analyses.safety_roi import SettingRoi
from safescale.cells import build_cells
from safescale.stats import wilson_interval

ROWS: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "safety_roi.toml").read_text())["row"]

SLOPE, R, SHARE = -0.006, -0.10657, 0.653
"""Printed slope per doubling and eta squared; r = -.107 unrounded, as the printed ratio of 57.5 has it."""


@functools.cache
def report_164(margin_pp_per_doubling: float = 2.0) -> SettingRoi:
    rates = with_slope_and_share(SIZES_OF_21, PROVIDERS_OF_21, slope=SLOPE, r=R, share=SHARE)
    corpus = published(rates, SIZES_OF_21, PROVIDERS_OF_21)
    margin = margin_pp_per_doubling * math.log2(10)
    (setting,) = analyze_safety_roi(build_cells(corpus), corpus.read("models"), margin_pp=margin).settings
    assert (setting.share.n_models, setting.share.n_providers) == (21, 12)
    return setting


def computed(compute: str, arguments: dict[str, Any]) -> str:
    if compute == "wilson":
        return wilson_row(**arguments)
    setting = report_164(**arguments)
    line, share, ratio, joint = setting.line.slope, setting.share.share, setting.ratio, setting.joint
    assert line is not None
    assert share is not None
    assert ratio is not None
    assert joint is not None
    assert share.f is not None
    assert share.omega_squared is not None
    assert share.epsilon_squared is not None
    assert share.interval is not None
    interval, flat, found = setting.line.interval_pp_per_doubling, setting.line.equivalence, setting.line.detectable
    assert interval is not None
    assert flat is not None
    assert found is not None
    two, three = (n.n_models for n in setting.line.needed)
    # the sum of both shares taken alone, less what both carry together: what a sum of shares counts twice
    twice = joint.r_squared.first_alone + joint.r_squared.second_alone - joint.r_squared.total
    return {
        "slope": f"{line.slope_pp_per_doubling / 100:.3f}",
        "r_squared": f"{line.r_squared:.3f}",
        "r": f"{setting.line.correlation:.3f}",
        "p": f"p = {line.p_value:.3f}",
        "eta": f"{100 * share.eta_squared:.1f} %",
        "ratio": f"{ratio.ratio:.1f}x",
        "ratio_beside_chance": f"{ratio.ratio:.1f}, median {ratio.null_median:.0f} under no effect, "
        f"as large with {ratio.p_as_large:.2f}".replace("0.", "."),
        "f": f"F({share.df_between}, {share.df_within}) = {share.f:.2f}, p = {share.p_value:.2f}",
        "unbiased": f"{share.omega_squared:.2f}, {share.epsilon_squared:.2f}",
        "null": f"{share.null_expectation:.2f}",
        "interval": f"{share.interval[0]:.0f}-{share.interval[1]:.2f}".replace("0.", "."),
        "slope_interval": f"[{interval[0]:+.1f}, {interval[1]:+.1f}]",
        "provider_verdict": setting.share.verdict.value,
        "flat": f"p = {flat.p_value:.2f}, {'shown' if flat.equivalent else 'not shown'}".replace("0.", "."),
        "flat_word": setting.line.verdict.value,
        "detectable": f"{found.slope_pp_per_doubling:.1f} pp per doubling",
        "needed": f"2 pp about {two}, 3 pp about {three}",
        "marginals": f"{100 * joint.r_squared.first_alone:.1f} + {100 * joint.r_squared.second_alone:.1f} is "
        f"{'what' if abs(twice) < 5e-4 else 'not what'} both carry together",
    }[compute]


def wilson_row(provider: str, successes: int, trials: int) -> str:
    """The interval that the analysis prints for a provider with these counts; the others only make a line possible."""
    providers = [provider, "plim", "brudd", "vorn", "zar"]
    rates = [successes / trials, 0.3, 0.35, 0.2, 0.4]
    counts = [trials, 100, 100, 100, 100]
    aggregates = [{"model_id": p, "rate": r, "n": n} for p, r, n in zip(providers, rates, counts, strict=True)]
    corpus = fake_corpus(aggregates=aggregates, models=model_rows(providers, [8.0, 1.0, 4.0, 20.0, 70.0], providers))
    (setting,) = analyze_safety_roi(build_cells(corpus), corpus.read("models")).settings
    (place,) = [place for place in setting.places if place.provider == provider]
    assert (place.successes, place.n_rows) == (successes, trials)
    assert place.interval is not None
    return f"[{100 * place.interval.low:.1f}, {100 * place.interval.high:.1f}]"


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_published_row(row: dict[str, Any]) -> None:
    got = computed(row["compute"], row["arguments"])
    if row["status"] == "reproduced":
        assert got == row["printed"]
        assert "ours" not in row
        return
    assert row["status"].startswith("not reproduced, because ")
    assert got == row["ours"] != row["printed"]


@pytest.mark.parametrize("row", [row for row in ROWS if row["compute"] == "wilson"], ids=lambda row: row["id"])
def test_integer_search_decides_every_printed_interval(row: dict[str, Any]) -> None:
    """A row is reproduced exactly when one count of its printed n gives its printed interval."""
    n = row["arguments"]["trials"]
    intervals = [wilson_interval(k, n) for k in range(n + 1)]
    fits = [k for k, i in enumerate(intervals) if f"[{100 * i.low:.1f}, {100 * i.high:.1f}]" == row["printed"]]
    assert fits == ([row["arguments"]["successes"]] if row["status"] == "reproduced" else [])


def test_what_the_flat_claim_rests_on_is_the_margin() -> None:
    assert report_164(3).line.verdict is ScalingVerdict.FLAT
    assert report_164(2).line.verdict is ScalingVerdict.UNDECIDED


def test_the_answer_sells_nothing() -> None:
    setting = report_164()
    assert "omega squared .220" in setting.words
    assert "12 providers have .550 by chance" in setting.words
    assert "the share of provider is not told from chance" in setting.words
    assert "57.5" not in setting.words
    (ratio,) = [caveat for caveat in setting.caveats if "57.5" in caveat]
    assert "compares 11 degrees of freedom with 1" in ratio
    assert "its median is 21.7" in ratio
    assert "expla" not in setting.words + " ".join(setting.caveats)
