"""Sections A-D of published-claims.md from the printed figures alone: each conclusion marked [print] is reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from safescale.audit import verify_claims
from safescale.audit.claims import ClaimResult

FOLDER = Path(__file__).parents[3] / "examples" / "claims"


def of(file: str) -> dict[str, ClaimResult]:
    return {result.id: result for result in verify_claims(FOLDER / file)}


@pytest.fixture(scope="module")
def series_a() -> dict[str, ClaimResult]:
    return of("a_obliteratus.toml")


@pytest.fixture(scope="module")
def providers() -> dict[str, ClaimResult]:
    return of("b_provider_intervals.md")


def details(result: ClaimResult, code: str) -> dict[str, object]:
    (reason,) = [reason for reason in (*result.reasons, *result.left_out) if reason.code == code]
    return dict(reason.details)


def test_every_file_of_examples_is_read():
    assert sum(len(verify_claims(path)) for path in sorted(FOLDER.iterdir()) if path.suffix in (".toml", ".md")) == 30


def test_a_first_interval_is_clopper_pearson(series_a):
    result = series_a["A 0.8B"]
    assert (result.verdict, result.as_what) == ("reproduces only as", "Clopper-Pearson")
    assert result.recomputed == {"percentage": "99.8 %", "interval": "[0.988, 1.000]"}
    assert details(result, "another_method")["k"] == 486


@pytest.mark.parametrize(("id", "k"), [("A 1.9B", 615), ("A 4.2B", 789), ("A 9.0B", 1095)])
def test_a_other_intervals_reproduce_and_tell_the_count(series_a, id, k):
    assert series_a[id].verdict == "reproduces"
    assert details(series_a[id], "interval_found")["k"] == (k,)


def test_a_neighbours_are_disjoint_and_rho_has_its_exact_p(series_a):
    assert series_a["A adjacent intervals are disjoint"].verdict == "reproduces"
    spearman = series_a["A Spearman"]
    assert spearman.verdict == "reproduces"
    assert spearman.recomputed == {"p": "0.0833"}
    assert details(spearman, "floor_of_exact_p")["floor"] == pytest.approx(2 / 24)


def test_a_former_p_was_the_t_approximation(series_a):
    former = series_a["A the former Spearman, on the former data"]
    assert (former.verdict, former.as_what) == ("reproduces only as", "the t approximation")
    assert former.recomputed == {"rho": "-0.9487", "p": "0.1667"}


def test_b_p_comes_out_only_with_a_normal_distribution():
    result = of("b_safety_roi.toml")["B slope"]
    assert (result.verdict, result.as_what) == ("reproduces only as", "a normal distribution where Student's t belongs")
    found = details(result, "normal_for_t")
    assert (found["low"], found["high"]) == pytest.approx((0.6436, 0.6459), abs=1e-4)
    assert details(result, "power")["minimum_detectable"] == pytest.approx(0.038, abs=5e-4)


def test_b_share_of_providers_has_its_expectation_beside_it():
    result = of("b_safety_roi.toml")["B provider explains"]
    assert result.verdict == "cannot be decided"
    assert details(result, "null_expectation")["null_expectation"] == 0.55
    test, shares = details(result, "no_test"), details(result, "no_unbiased_share")
    assert [round(float(value), 2) for value in (test["f"], test["p"], shares["omega2"], shares["epsilon2"])] == [
        1.54,
        0.26,
        0.22,
        0.23,
    ]


def test_b_ratio_compares_eleven_degrees_of_freedom_with_one():
    result = of("b_safety_roi.toml")["B 57.5x more than scale"]
    assert result.verdict == "reproduces"
    assert details(result, "unequal_degrees_of_freedom") == {"df_numerator": 11, "df_denominator": 1}


@pytest.mark.parametrize("provider", ["anthropic", "ollama", "liquid"])
def test_b_three_providers_reproduce(providers, provider):
    assert providers[provider].verdict == "reproduces"


@pytest.mark.parametrize(("provider", "k"), [("meta-llama", 76), ("deepseek", 33)])
def test_b_two_providers_are_near(providers, provider, k):
    assert providers[provider].verdict == "impossible"
    found = details(providers[provider], "near_at_n")
    assert found["near"] is True
    assert found["nearest_k"] == k


@pytest.mark.parametrize(("provider", "other_n"), [("google", (232, 233)), ("mistralai", (290, 295)), ("openai", (312,))])
def test_b_three_providers_fit_at_another_n(providers, provider, other_n):
    assert providers[provider].verdict == "reproduces only as"
    assert details(providers[provider], "fits_at_other_n")["other_n"] == other_n


def test_b_nvidia_fits_at_no_n(providers):
    assert providers["nvidia"].verdict == "impossible"
    found = details(providers["nvidia"], "no_count_at_n")
    assert (found["searched_all_n"], found["other_n"], found["closest_k"], found["closest_n"]) == (True, (), 49, 118)


def test_c_labels_follow_the_thresholds():
    results = of("c_inverse_scaling.toml")
    labels = [
        results[f"C {name}"] for name in ("obliteratus_telemetry", "obliteratus_runs", "jailbreak_archaeology", "benchmark_traces")
    ]
    assert [result.verdict for result in labels] == ["reproduces"] * 4


def test_c_a_raw_difference_is_no_slope():
    results = of("c_inverse_scaling.toml")
    gemma, llama = results["C Gemma 3, +2-6 pp/decade"], results["C Llama 3, +2-6 pp/decade"]
    assert (gemma.verdict, gemma.as_what) == ("reproduces only as", "the raw difference")
    assert (gemma.recomputed["change"], llama.recomputed["change"]) == ("+7.5 pp per decade", "+2.2 pp per decade")
    assert details(gemma, "threshold_label")["label"] == "INVERSE_SCALING"
    assert [round(float(details(result, "no_p")["p"]), 2) for result in (gemma, llama)] == [0.23, 1.0]


def test_c_the_u_is_an_inverted_u_and_one_size_has_no_slope():
    results = of("c_inverse_scaling.toml")
    assert results["C Qwen 3.5 is a U"].as_what == "an inverted U"
    assert results["C Mistral Small is flat"].verdict == "impossible"
    assert "there is no slope to estimate" in results["C Mistral Small is flat"].words


def test_c_the_total_is_not_the_sum():
    result = of("c_inverse_scaling.toml")["C dataset n"]
    assert (result.verdict, result.recomputed["total"]) == ("impossible", "36,048")


def test_d_phi_2_has_the_vendors_size():
    result = of("d_mini_study.toml")["D Phi-2"]
    assert (result.verdict, result.recomputed["size_b"]) == ("impossible", "2.7B")
