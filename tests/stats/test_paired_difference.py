"""The paired difference over prompts as clusters: its formula put back, its limits, laws, and how often it is right."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import paired_difference


@st.composite
def paired_counts(draw, *, max_trials=6):
    """Control and treated counts of 2 to 12 prompts: one trial each, equal and unequal trials, none and all on purpose."""
    n = draw(st.integers(2, 12))
    kind = draw(st.sampled_from(["single", "equal", "free"]))
    trials = {
        "single": st.just(1),
        "equal": st.just(draw(st.integers(1, max_trials))),
        "free": st.integers(1, max_trials),
    }[kind]
    columns = []
    for _ in range(2):
        of = draw(st.lists(trials, min_size=n, max_size=n))
        hits = draw(st.sampled_from(["none", "all", "free", "free"]))
        columns += [[{"none": 0, "all": m}.get(hits, draw(st.integers(0, m))) for m in of], of]
    return columns


def test_the_draws_hold_the_corner_cases():
    seen = set()

    @given(paired_counts())
    def look(columns):
        found = paired_difference(*columns)
        seen.update(
            name
            for name, is_it in {
                "no prompt differs": found.differing == 0,
                "all differ by 1": abs(found.delta) == 1,
                "guarded": found.guarded,
                "not guarded": not found.guarded,
                "unequal trials": len(set(columns[1])) > 1,
                "single": set(columns[1] + columns[3]) == {1},
            }.items()
            if is_it
        )

    look()
    assert len(seen) == 6


@given(paired_counts(), own.levels())
def test_interval_and_p_solve_their_equations(columns, level):
    """Put back: the end is t(n - 1) standard errors away, the variance is the larger of the two written out by hand."""
    k0, n0, k1, n1 = columns
    found, n = paired_difference(*columns, level=level), len(k0)
    d = [b / m - a / o for a, o, b, m in zip(k0, n0, k1, n1, strict=True)]
    mean = math.fsum(d) / n
    spread = math.fsum((one - mean) ** 2 for one in d) / (n - 1) / n
    # two more prompts, of which one differs: half of it up, half of it down
    more = math.fsum([*(one**2 for one in d), 0.5, 0.5]) / (n + 2) - (math.fsum(d) / (n + 2)) ** 2
    assert found.delta == pytest.approx(mean, abs=1e-12)
    assert found.variance == pytest.approx(max(spread, more / (n + 2)), rel=1e-9)
    assert found.standard_error == pytest.approx(math.sqrt(found.variance))
    low, high = found.interval
    assert -1 <= low <= found.delta <= high <= 1
    for end in (low, high):
        if abs(end) < 1:
            t = abs(end - found.delta) / found.standard_error
            assert 2 * scipy.stats.t.sf(t, n - 1) == pytest.approx(1 - level, rel=1e-6)
    assert found.p_value == pytest.approx(2 * scipy.stats.t.sf(abs(mean) / found.standard_error, n - 1), rel=1e-7)
    assert found.delta == pytest.approx(found.treated_rate - found.control_rate, abs=1e-12)


@given(own.paired_tables(max_count=40))
def test_of_single_answers_the_guard_is_agresti_and_min(table):
    """1/2 in each cell of the paired table (Agresti and Min 2005, section 3): ((b + c) - (b - c)^2 / N) / N^2."""
    n11, n10, n01, n00 = table
    if sum(table) < 2:
        return
    once = [1] * sum(table)
    control = [1] * n11 + [0] * n10 + [1] * n01 + [0] * n00
    treated = [1] * n11 + [1] * n10 + [0] * n01 + [0] * n00
    found = paired_difference(control, once, treated, once)
    b, c, total = n10 + 0.5, n01 + 0.5, sum(table) + 2
    agresti_min = ((b + c) - (b - c) ** 2 / total) / total**2
    assert found.variance >= agresti_min * (1 - 1e-12)
    assert found.guarded == (found.variance > (1 + 1e-12) * np.var(np.subtract(treated, control), ddof=1) / sum(table))
    if found.guarded:
        assert found.variance == pytest.approx(agresti_min, rel=1e-12)
    assert found.differing == n10 + n01


@given(paired_counts())
def test_law_swapping_treated_and_control_mirrors_the_interval(columns):
    one, other = paired_difference(*columns), paired_difference(*columns[2:], *columns[:2])
    assert other.delta == pytest.approx(-one.delta, abs=1e-15)
    assert other.interval == pytest.approx((-one.interval[1], -one.interval[0]), abs=1e-12)
    assert (other.variance, other.p_value) == (pytest.approx(one.variance), pytest.approx(one.p_value))


@given(paired_counts())
def test_law_counting_failures_mirrors_the_interval(columns):
    k0, n0, k1, n1 = map(np.array, columns)
    one, other = paired_difference(k0, n0, k1, n1), paired_difference(n0 - k0, n0, n1 - k1, n1)
    assert other.interval == pytest.approx((-one.interval[1], -one.interval[0]), abs=1e-12)
    assert other.variance == pytest.approx(one.variance)


@given(paired_counts(), st.randoms(use_true_random=False))
def test_law_order_of_prompts_is_irrelevant(columns, random):
    order = list(range(len(columns[0])))
    random.shuffle(order)
    one, other = paired_difference(*columns), paired_difference(*([column[i] for i in order] for column in columns))
    assert other.interval == pytest.approx(one.interval, abs=1e-12)
    assert other.variance == pytest.approx(one.variance, rel=1e-9)


@given(paired_counts(), st.integers(2, 5))
def test_law_the_same_rates_of_more_answers_are_the_same_difference(columns, times):
    """Answers within a prompt tell its rate; they are no further prompts."""
    one, other = paired_difference(*columns), paired_difference(*([times * k for k in column] for column in columns))
    assert other.interval == pytest.approx(one.interval, abs=1e-12)
    assert other.prompts == one.prompts


@given(paired_counts())
def test_law_four_times_the_prompts_never_widen(columns):
    one, other = paired_difference(*columns), paired_difference(*(column * 4 for column in columns))
    assert other.delta == pytest.approx(one.delta, abs=1e-12)
    assert other.interval[0] >= one.interval[0] - 1e-12
    assert other.interval[1] <= one.interval[1] + 1e-12
    assert other.variance < one.variance


def test_no_prompt_that_differs_is_not_no_difference():
    """As of 0 of 32: the interval of 100 equal pairs is no [0, 0], and its weight is finite."""
    found = paired_difference([0] * 100, [3] * 100, [0] * 100, [3] * 100)
    assert (found.delta, found.p_value, found.differing, found.guarded) == (0.0, 1.0, 0, True)
    assert found.variance == pytest.approx(1 / 102**2)
    assert found.interval == pytest.approx((-0.01945, 0.01945), abs=1e-5)


def test_all_prompts_that_flip_leave_room_below_1():
    found = paired_difference([0] * 10, [1] * 10, [1] * 10, [1] * 10)
    assert found.delta == found.interval[1] == 1.0
    assert 0.6 < found.interval[0] < 0.75


def test_every_prompt_counts_once_however_often_it_was_asked():
    """A prompt of 100 answers weighs as one of 1: the question is about prompts."""
    found = paired_difference([0, 0], [100, 1], [100, 0], [100, 1])
    assert found.delta == 0.5
    assert (found.control_rate, found.treated_rate) == (0.0, 0.5)


def test_equal_rates_of_unequal_trials_do_not_differ():
    found = paired_difference([1, 2], [3, 6], [2, 1], [6, 3])
    assert (found.differing, found.delta) == (0, 0.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ([1, 0], [1, 0], [1, 1], [1, 1]),
            "control_trials must be at least 1 for every prompt, got 0 at position 1; a pair needs both",
        ),
        (([1, 0], [1, 1], [1, 1], [0, 1]), "treated_trials must be at least 1 for every prompt, got 0 at position 0"),
        (([1, 2], [1, 1], [1, 1], [1, 1]), "control_successes must not exceed control_trials, got 2 of 1 at position 1"),
        (([1, 1], [1, 1], [3, 1], [2, 1]), "treated_successes must not exceed treated_trials, got 3 of 2 at position 0"),
        (([1], [1, 1], [1, 1], [1, 1]), "control_successes and control_trials must have the same length, got 1 and 2"),
        (([1, 1], [1, 1], [1] * 3, [1] * 3), "control_trials and treated_trials must have the same length, got 2 and 3"),
        (([0.5, 1], [1, 1], [1, 1], [1, 1]), "control_successes must hold whole numbers"),
        (([-1, 1], [1, 1], [1, 1], [1, 1]), "control_successes must not be negative"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(DomainError, match=message):
        paired_difference(*arguments)


@pytest.mark.parametrize("prompts", [0, 1])
def test_refuses_fewer_than_two_prompts(prompts):
    with pytest.raises(InsufficientData, match=f"needs at least 2 prompts, got {prompts}"):
        paired_difference([0] * prompts, [1] * prompts, [1] * prompts, [1] * prompts)


def draw_pairs(rng, runs, n, m, base, effect, evenness):
    """Prompts with rates of their own; the treatment lifts each towards 1 by a share that varies from prompt to prompt."""
    rate = rng.beta(base * evenness, (1 - base) * evenness, (runs, n))
    lift = rng.beta(2 * effect, 2 * (1 - effect), (runs, n)) if effect else np.zeros((runs, n))
    return rng.binomial(m, rate), rng.binomial(m, rate + lift * (1 - rate)), effect * (1 - base)


def coverage(rng, runs, n, m, base, effect, evenness):
    control, treated, truth = draw_pairs(rng, runs, n, m, base, effect, evenness)
    of = [m] * n
    ends = np.array([paired_difference(k0, of, k1, of).interval for k0, k1 in zip(control, treated, strict=True)])
    return float(np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1])))


def test_rare_flips_are_covered_where_a_plain_t_interval_is_not():
    """20 prompts, 1 answer, 2 % under the control, +3 points: no pair differs in half of the data sets."""
    rng = np.random.default_rng(20_260_630)
    assert coverage(rng, 1000, 20, 1, 0.02, 0.03, 0.5) >= 0.98
    control, treated, truth = draw_pairs(rng, 1000, 20, 1, 0.02, 0.03, 0.5)
    d = treated - control
    half = scipy.stats.t.ppf(0.975, 19) * d.std(axis=1, ddof=1) / math.sqrt(20)
    assert np.mean(np.abs(d.mean(axis=1) - truth) <= half) < 0.75


def test_ordinary_differences_are_covered_at_the_level():
    rng = np.random.default_rng(20_260_630)
    assert 0.93 <= coverage(rng, 1000, 60, 3, 0.3, 0.2, 2.0) <= 0.98


@pytest.mark.calibration
def test_calibration_of_the_paired_difference(capsys):
    """The table of the docstring."""
    rng, worst = np.random.default_rng(4), {}
    for n in (10, 20, 50, 200):
        for m in (1, 3, 20):
            for base in (0.02, 0.4):
                for effect in (0.0, 0.03, 0.2):
                    for evenness in (0.5, 20.0):
                        found = coverage(rng, 1000, n, m, base, effect, evenness)
                        worst[n] = min(worst.get(n, 1.0), found)
    with capsys.disabled():
        print("\npaired_difference: worst coverage of the 95 % interval by prompts", {n: round(c, 3) for n, c in worst.items()})
    # Monte Carlo errors of .007 to .01
    assert worst[10] >= 0.86
    assert worst[20] >= 0.90
    assert min(worst[50], worst[200]) >= 0.915
