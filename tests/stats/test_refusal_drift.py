"""Refusal drift by hand, its floor, its laws and what it refuses."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import cluster_robust_ols, refusal_drift

NAN = float("nan")
BEFORE = [1, 1, 1, 1, 0, -1]
AFTER = [[1, 1], [1, 0], [1, 1], [0, 0], [1, 0], [1, 0]]
DISTANCE = [[0.1, 0.3], [0.4, 0.9], [0.2, NAN], [1.0, 0.8], [0.7, 0.6], [0.5, 0.5]]
SECOND = [[1], [1], [1], [1], [0], [1]]
FLOOR = [[0.1], [0.2], [0.15], [0.3], [0.4], [0.9]]


def test_every_mean_is_as_by_hand():
    found = refusal_drift(DISTANCE, BEFORE, AFTER, floor=FLOOR, second=SECOND)
    assert found.rd.value == pytest.approx((0.1 + 0.3 + 0.4 + 0.2) / 4)
    assert (found.rd.n, found.rd.clusters) == (4, 3)
    assert found.floor.value == pytest.approx((0.1 + 0.2 + 0.15 + 0.3) / 4)
    assert found.floor.n == 4
    # the first three prompts have both: .2 - .1, .4 - .2, .2 - .15
    assert found.beyond.value == pytest.approx((0.1 + 0.2 + 0.05) / 3)
    assert (found.beyond.n, found.beyond.clusters) == (4, 3)
    told = [0.1, 0.3, 0.4, 0.9, 0.2, 1.0, 0.8, 0.7, 0.6, 0.5, 0.5]
    assert found.all_pairs.value == pytest.approx(sum(told) / 11)
    assert {name: (pair.value, pair.n) for name, pair in found.by_pair.items()} == {
        "refused/refused": (pytest.approx(0.25), 4),
        "refused/answered": (pytest.approx(0.9), 3),
        "answered/refused": (pytest.approx(0.7), 1),
        "answered/answered": (pytest.approx(0.6), 1),
    }
    assert (found.prompts, found.draws, found.missing, found.unknown) == (6, 2, 1, 2)


def test_intervals_take_prompts_as_clusters():
    found = refusal_drift(DISTANCE, BEFORE, AFTER, floor=FLOOR, second=SECOND, level=0.9)
    fit = cluster_robust_ols(np.ones((4, 1)), [0.1, 0.3, 0.4, 0.2], [0, 0, 1, 2], level=0.9)
    assert found.rd.interval == pytest.approx((max(0.0, fit.intervals[0][0]), fit.intervals[0][1]))
    of_prompts = [0.1, 0.2, 0.05]
    half = scipy.stats.t.ppf(0.95, 2) * np.std(of_prompts, ddof=1) / np.sqrt(3)
    assert found.beyond.interval == pytest.approx((np.mean(of_prompts) - half, np.mean(of_prompts) + half))
    assert found.beyond_p_value == pytest.approx(scipy.stats.ttest_1samp(of_prompts, 0).pvalue)


def test_nothing_done_drifts_as_far_as_the_floor_and_not_beyond():
    rng, held = np.random.default_rng(2), 0
    for _ in range(300):
        own = rng.beta(2, 6, 30)  # some prompts are refused in many words
        distance, floor = np.clip(own[:, None] + rng.normal(0, 0.05, (2, 30, 3)), 0, 2)
        verdicts = rng.binomial(1, 0.8, (30, 3))
        found = refusal_drift(distance, [1] * 30, verdicts, floor=floor, second=rng.binomial(1, 0.8, (30, 3)))
        assert found.rd.value > 0.15
        held += found.beyond.interval[0] <= 0 <= found.beyond.interval[1]
    assert 0.92 <= held / 300 <= 0.98


def test_answers_move_all_pairs_and_not_the_drift():
    distance = [[0.1, 0.9], [0.2, 0.95], [0.15, 0.85]]
    found = refusal_drift(distance, [1, 1, 1], [[1, 0]] * 3)
    assert found.rd.value == pytest.approx(0.15)
    assert found.all_pairs.value == pytest.approx(0.525)


def test_equal_distances_show_no_spread():
    found = refusal_drift(np.zeros((5, 2)), [1] * 5, np.ones((5, 2), dtype=int), floor=np.zeros((5, 1)), second=[1] * 5)
    for mean in (found.rd, found.floor, found.beyond):
        assert (mean.value, mean.interval) == (0.0, None)
        assert "equal" in mean.why
    assert found.beyond_p_value is None


def test_two_prompts_have_a_mean_and_no_interval():
    found = refusal_drift([0.1, 0.4], [1, 1], [1, 1], floor=[0.1, 0.1], second=[1, 1])
    assert found.rd.value == pytest.approx(0.25)
    assert found.rd.why == found.beyond.why == "an interval needs at least 3 prompts, got 2"


def test_no_refusal_left_has_no_drift_and_says_so():
    found = refusal_drift([0.9, 0.8], [1, 1], [0, 0], floor=[0.1, 0.2], second=[1, 1])
    assert (found.rd.value, found.rd.n, found.rd.why) == (None, 0, "no pair is refused/refused and has a distance")
    assert found.beyond.why == "no prompt has a pair of refusals both after and in the second draw"
    assert found.floor.value == pytest.approx(0.15)
    assert refusal_drift([0.9], [1], [1]).floor.why == "no second baseline draw was given"
    assert refusal_drift([NAN], [1], [1]).all_pairs.why == "no pair has a distance"


@given(st.integers(0, 10_000))
def test_law_order_is_irrelevant_and_pairs_make_the_whole(seed):
    rng = np.random.default_rng(seed)
    prompts, draws = rng.integers(1, 9), rng.integers(1, 4)
    distance = np.where(rng.random((prompts, draws)) < 0.2, np.nan, rng.uniform(0, 2, (prompts, draws)))
    before, after = rng.integers(0, 2, prompts), rng.integers(0, 2, (prompts, draws))
    one = refusal_drift(distance, before, after)
    order = rng.permutation(prompts)
    other = refusal_drift(distance[order][:, ::-1], before[order], after[order][:, ::-1])
    assert other.rd.n == one.rd.n
    assert other.rd.value == (None if one.rd.value is None else pytest.approx(one.rd.value, abs=1e-12))
    parts = [pair for pair in one.by_pair.values() if pair.n]
    assert sum(pair.n for pair in parts) == one.all_pairs.n == prompts * draws - one.missing
    if parts:
        assert one.all_pairs.value == pytest.approx(sum(pair.n * pair.value for pair in parts) / one.all_pairs.n)
    for mean in (one.rd, one.all_pairs, *parts):
        assert mean.interval is None or 0 <= mean.interval[0] <= mean.value <= mean.interval[1] <= 2


def test_rounding_of_single_precision_is_no_error():
    found = refusal_drift(np.array([-3e-7, 2.0000002], dtype=np.float32), [1, 1], [1, 1])
    assert found.rd.value == 1.0


@pytest.mark.parametrize(
    ("arguments", "more", "error", "message"),
    [
        (([], [], []), {}, InsufficientData, "at least one prompt"),
        (([0.1, 2.5], [1, 1], [1, 1]), {}, DomainError, r"distance must be 1 - cosine, in \[0, 2\], got 2.5 at prompt 1, draw 0"),
        (([-0.5], [1], [1]), {}, DomainError, "got -0.5"),
        (([[0.1, 0.1]], [1], [1]), {}, DomainError, r"the same shape, got \(1, 2\) and \(1, 1\)"),
        (([0.1], [1, 1], [1, 1]), {}, DomainError, "same length"),
        ((["x"], [1], [1]), {}, DomainError, "a missing distance is NaN"),
        (([0.1], [1], [1]), {"floor": [0.1]}, DomainError, "floor needs second"),
        (([0.1], [1], [1]), {"second": [1]}, DomainError, "floor needs second"),
        (([0.1], [1], [1]), {"floor": [3.0], "second": [1]}, DomainError, "floor must be 1 - cosine"),
    ],
)
def test_refuses(arguments, more, error, message):
    with pytest.raises(error, match=message):
        refusal_drift(*arguments, **more)
