"""Rate or log rate on log size: by what each foretells, and "cannot tell" as an answer."""

import itertools
import math

import attrs
import numpy as np
import pytest
import scipy.optimize
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import scaling_form_comparison

SIZES = [0.3, 0.6, 1.2, 2.5, 5, 10, 20, 40, 80, 160]


def power_law(n=4000, scale=0.8):
    rates = [scale * (s / 0.3) ** -0.8 for s in SIZES]
    return SIZES, [round(n * r) for r in rates], [n] * len(SIZES)


def straight(n=4000):
    rates = [0.9 - 0.3 * math.log10(s / 0.3) for s in SIZES]
    return SIZES, [round(n * r) for r in rates], [n] * len(SIZES)


def binomial_loss(x, k, n, link):
    def loss(beta):
        rate = link(beta[0] + beta[1] * x)
        return np.inf if np.any((rate <= 0) | (rate >= 1)) else -scipy.stats.binom.logpmf(k, n, rate).sum()

    return loss


def test_tells_a_power_law_from_a_line():
    assert scaling_form_comparison(*power_law()).verdict == "log_log"
    assert scaling_form_comparison(*straight()).verdict == "log_linear"


def test_scores_are_log_probabilities_of_the_left_out_counts():
    """The same by another optimiser: Nelder-Mead on intercept and slope, infeasible lines at infinity."""
    rng = np.random.default_rng(4)
    met = 0
    for _ in range(8):
        size = np.sort(10 ** rng.uniform(-0.5, 2, 5))
        n = rng.integers(80, 300, 5)
        k = rng.binomial(n, np.clip(0.7 - 0.2 * np.log10(size), 0.05, 0.95))
        got = scaling_form_comparison(size, k, n)
        x = np.log10(size)
        for form, link in (("log_linear", lambda e: e), ("log_log", np.exp)):
            total = 0.0
            for at in range(5):
                keep = np.arange(5) != at

                loss = binomial_loss(x[keep] - x.mean(), k[keep], n[keep], link)
                pooled = k[keep].sum() / n[keep].sum()
                start = [pooled if form == "log_linear" else math.log(pooled), 0.0]
                best = scipy.optimize.minimize(
                    loss, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 4000}
                )
                rate = link(best.x[0] + best.x[1] * (x[at] - x.mean()))
                nearest = 0.5 / (n[keep].sum() + 1)
                total += scipy.stats.binom.logpmf(k[at], n[at], min(max(rate, nearest), 1 - nearest))
            if np.isfinite(total):
                met += 1
                assert getattr(got, f"log_score_{form}") == pytest.approx(total, rel=1e-4, abs=1e-3)
        assert got.difference == pytest.approx(got.log_score_log_log - got.log_score_log_linear)
    assert met == 16


def test_p_is_the_share_of_sign_patterns():
    found = scaling_form_comparison(SIZES[:6], [600, 500, 420, 300, 200, 90], [1000] * 6)
    d = np.array(found.difference_by_size)
    sums = [abs(np.dot(d, signs)) for signs in itertools.product([-1, 1], repeat=6)]
    assert found.p_value == pytest.approx(np.mean([s >= abs(d.sum()) * (1 - 1e-9) for s in sums]))
    assert found.p_floor == 2 / 64


def test_too_few_sizes_cannot_tell_and_say_how_many_would():
    found = scaling_form_comparison(SIZES[:5], [800, 600, 450, 340, 250], [1000] * 5)
    assert (found.verdict, found.p_floor) == ("cannot_tell", 0.0625)
    assert "at least 6 distinct sizes" in found.reason
    six = scaling_form_comparison(SIZES[:6], [800, 600, 450, 340, 250, 190], [1000] * 6)
    assert six.p_floor <= 0.05


def test_zeros_enter_through_the_likelihood():
    """0 of 50 at the larger sizes: nothing is dropped, nothing is added, and the scores stay finite."""
    found = scaling_form_comparison(SIZES[:6], [30, 12, 5, 0, 0, 0], [50] * 6)
    assert np.isfinite([found.log_score_log_linear, found.log_score_log_log]).all()
    assert found.clipped > 0  # one line goes below 0 beyond the largest fitted size, the other above 1 before the smallest
    assert found.verdict == "cannot_tell"


# one size holds nearly all traces and prefers the other form than most sizes do
DIVIDED = [1, 2, 4, 8, 16, 32, 64], [1, 1, 2, 3, 3, 428, 3], [20, 20, 20, 20, 20, 3000, 20]


def test_no_verdict_where_sizes_and_traces_favour_different_forms():
    found = scaling_form_comparison(*DIVIDED)
    assert found.p_value <= found.alpha
    assert sum(found.difference_by_size) < 0 < found.difference
    assert found.verdict == "cannot_tell"
    assert "sizes counted alike favour a line of the rate (p = 0.047 over 7 sizes)" in found.reason
    assert "traces counted alike one of the log rate (log score 1.82 higher); more traces at the sizes with few" in found.reason


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from([40, 60, 3000])), min_size=6, max_size=6))
def test_law_a_verdict_never_contradicts_its_own_log_score(cells):
    k, n = own.columns(cells)
    if sum(k) == 0:
        return
    found = scaling_form_comparison(SIZES[:6], k, n, alpha=0.9)  # so that many draws have one
    if found.verdict != "cannot_tell":
        better = "log_log" if found.log_score_log_log > found.log_score_log_linear else "log_linear"
        assert found.verdict == better
    else:
        assert found.p_value > 0.9 or found.difference * sum(found.difference_by_size) <= 0


def test_the_result_cannot_be_written_to_and_can_be_a_key():
    found = scaling_form_comparison(*DIVIDED)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        found.log_score_log_log = 99.0
    assert {found: 1}[scaling_form_comparison(*DIVIDED)] == 1


def test_replicated_data_change_the_score_per_trace_little():
    size, k, n = power_law(n=500)
    one, ten = scaling_form_comparison(size, k, n), scaling_form_comparison(size, [10 * v for v in k], [10 * v for v in n])
    assert ten.p_value == pytest.approx(one.p_value, abs=0.2)  # the traces are no units


@pytest.mark.slow
def test_random_rates_are_told_apart_no_more_often_than_alpha():
    """Between-model spread and neither form true: 200 draws of 8 sizes."""
    rng = np.random.default_rng(8)
    told = 0
    for _ in range(200):
        k = rng.binomial(400, rng.beta(4, 4, 8))
        told += scaling_form_comparison(SIZES[:8], k, [400] * 8).verdict != "cannot_tell"
    assert told <= 22  # P(more | .05) = 0.0002


@settings(max_examples=25)
@given(st.lists(own.cells(max_trials=300), min_size=5, max_size=5), st.randoms(use_true_random=False), st.sampled_from([0.1, 7.0]))
def test_law_order_and_unit_of_size_are_irrelevant(cells, random, factor):
    k, n = own.columns(cells)
    if sum(k) in (0, sum(n)):
        return
    one = scaling_form_comparison(SIZES[:5], k, n)
    order = random.sample(range(5), 5)
    other = scaling_form_comparison([factor * SIZES[i] for i in order], [k[i] for i in order], [n[i] for i in order])
    assert other.difference == pytest.approx(one.difference, rel=1e-2, abs=1e-2)
    assert 0 < one.p_value <= 1
    assert one.p_value >= one.p_floor
    assert one.verdict == "cannot_tell"


def test_carries_its_inputs():
    found = scaling_form_comparison(*power_law(100))
    assert found.params_b == tuple(SIZES)
    assert found.successes == tuple(power_law(100)[1])
    assert (found.left_out_params_b, found.generalises_to) == (tuple(SIZES), "new_models")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1, 2, 3], [1, 2, 3], [5] * 3), InsufficientData, "at least 4 distinct sizes, got 3"),
        (([1, 2, 3, 4], [0] * 4, [5] * 4), InsufficientData, "no success in 20 traces.*add models or attacks"),
        (([1, 2, 3, 4], [5] * 4, [5] * 4), InsufficientData, "no failure in 20 traces"),
        (([1, 2, 3, -4], [1] * 4, [5] * 4), DomainError, "params_b must be positive"),
        (([1, 2, 3, 4], [6] * 4, [5] * 4), DomainError, "must not exceed"),
        (([1, 2, 3, 4, 5], [1] * 4, [5] * 4), DomainError, "same length"),
    ],
)
def test_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        scaling_form_comparison(*arguments)


def test_refuses_an_alpha_in_percent():
    with pytest.raises(DomainError, match="alpha must lie strictly between 0 and 1"):
        scaling_form_comparison(*power_law(100), alpha=5)


def test_over_compute_the_numbers_are_those_over_size_and_the_words_are_of_compute():
    size, k, n = power_law(100)
    one, other = scaling_form_comparison(size, k, n), scaling_form_comparison(size, k, n, over="compute")
    assert (other.difference, other.p_value, other.params_b) == (one.difference, one.p_value, one.params_b)
    assert (one.over, one.generalises_to, other.over, other.generalises_to) == ("size", "new_models", "compute", "these_models")
    assert "size" not in other.reason
    assert other.reason.replace("levels of compute", "sizes").replace("compute", "size") == one.reason


def test_over_compute_refuses_in_words_of_compute():
    with pytest.raises(InsufficientData, match=r"leaving one level out .* at least 4 distinct levels of compute, got 3"):
        scaling_form_comparison([5, 10, 20], [9, 5, 2], [10] * 3, over="compute")
    with pytest.raises(DomainError, match="compute must be positive"):
        scaling_form_comparison([0, 5, 10, 20], [9, 5, 2, 1], [10] * 4, over="compute")
    with pytest.raises(DomainError, match="over must be one of 'size', 'compute', got 'steps'"):
        scaling_form_comparison([5, 10, 20, 50], [9, 5, 2, 1], [10] * 4, over="steps")
