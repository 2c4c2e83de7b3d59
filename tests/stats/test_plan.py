"""Plans put back in: enough at n, not at n - 1; and None where no number is enough."""

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import plan_labels, plan_models, plan_prompts, slope_power
from stats.planning_strategies import alphas, alternatives, designs, noises

PER_DECADE = 1 / math.log10(2)
POWERS = st.one_of(st.just(0.8), st.floats(0.35, 0.99))
SIZES = [0.5, 1, 2, 4, 8, 16, 32, 70]

# ---- models ---------------------------------------------------------------------------------------------------------


@given(st.floats(1, 80), st.floats(0.1, 2), noises(), POWERS, alphas(), alternatives())
def test_law_models_enough_at_n_and_not_at_one_less(slope, spread, noise, power, alpha, alternative):
    slope = -slope if alternative == "less" else slope
    plan = plan_models(slope, size_sd_decades=spread, power=power, alpha=alpha, alternative=alternative, **noise)

    def power_of(n):
        options = {"slope_pp_per_decade": slope, "size_sd_decades": spread, "alpha": alpha, "alternative": alternative}
        return slope_power(n, **options, **noise).power

    if plan.n_models is None:
        assert power_of(100_000) < power
        assert "100,000 models have power" in plan.unreachable_because
        assert plan.power_reached is None
        return
    assert plan.power_reached == pytest.approx(power_of(plan.n_models), abs=1e-12)
    assert plan.power_reached >= power
    if plan.n_models > 3:
        assert power_of(plan.n_models - 1) < power
    assert plan.unreachable_because is None
    assert plan.n_models in plan.curve_models
    assert np.all(np.diff(plan.curve_models) > 0)
    assert np.all(np.diff(plan.curve_power) >= -1e-12)
    at = int(np.flatnonzero(plan.curve_power >= power)[0])
    assert plan.curve_models[at] == plan.n_models, "the curve crosses the power at the answer"
    assert plan.generalises_to == "new_models"


@pytest.mark.parametrize(("pp", "needed"), [(2, 70), (3, 33)])
def test_reproduces_the_models_that_report_b_needs(pp, needed):
    """published-claims.md B: 2 pp per doubling needs about 70 models, 3 pp about 33, not "60+"."""
    plan = plan_models(pp * PER_DECADE, size_sd_decades=1, residual_sd=0.0128 * PER_DECADE * math.sqrt(21))
    print(f"report B: {pp} pp per doubling takes {plan.n_models} models (power {plan.power_reached:.4f})")
    assert plan.n_models == needed


@given(designs(), noises(), st.floats(3, 60))
def test_law_sizes_stand_for_their_spread(sizes, noise, slope):
    here = plan_models(slope, params_b=sizes, **noise)
    there = plan_models(slope, size_sd_decades=float(np.log10(sizes).std()), **noise)
    assert here.n_models == there.n_models
    assert here.size_sd_decades == pytest.approx(there.size_sd_decades)


def test_no_number_of_models_is_a_number():
    plan = plan_models(0.01, size_sd_decades=0.1, residual_sd=0.3)
    assert plan.n_models is plan.power_reached is None
    assert "widen the sizes (their standard deviation is 0.1 decades)" in plan.unreachable_because
    assert plan.curve_models[-1] == 100_000
    assert plan.curve_power[-1] < 0.8


def test_differential_plans_agree_with_a_walk():
    """2,000 seeded designs: the first n, counted up from 3, at which scipy's non-central F reaches the power."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(2000):
        ratio, power, alpha = float(rng.uniform(0.35, 3)), float(rng.uniform(0.5, 0.95)), float(rng.uniform(0.01, 0.1))
        n = 3
        while scipy.special.ncfdtr(1, n - 2, n * ratio**2, scipy.special.stdtrit(n - 2, alpha / 2) ** 2) > 1 - power:
            n += 1
        plan = plan_models(10 * ratio, size_sd_decades=1, residual_sd=0.1, power=power, alpha=alpha)
        assert plan.n_models == n
        found.append(plan.n_models)
    print(f"2000 plans of {min(found)} to {max(found)} models equal those of a walk with scipy")
    assert len(set(found)) > 50


# ---- prompts --------------------------------------------------------------------------------------------------------


@given(
    st.floats(2, 60),
    designs(max_models=12),
    st.one_of(st.just(0.0), st.floats(0, 15)),
    st.floats(0.02, 0.98),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.3, 1.0]),
    POWERS,
    alternatives(),
)
def test_law_prompts_enough_at_n_and_not_at_one_less(slope, sizes, tau_pp, base_rate, traces, icc, power, alternative):
    slope = -slope if alternative == "less" else slope
    options = {"tau_pp": tau_pp, "base_rate": base_rate}
    plan = plan_prompts(slope, sizes, traces_per_prompt=traces, prompt_icc=icc, power=power, alternative=alternative, **options)

    def power_of(prompts):
        return slope_power(
            len(sizes),
            slope_pp_per_decade=slope,
            size_sd_decades=float(np.log10(sizes).std()),
            trials=prompts * traces,
            design_effect=1 + (traces - 1) * icc,
            alternative=alternative,
            **options,
        ).power

    assert plan.curve_power == pytest.approx([power_of(int(n)) for n in plan.curve_prompts], abs=1e-9)
    assert np.all(plan.curve_power <= plan.power_limit + 1e-9)
    if plan.n_prompts is None:
        assert power_of(10_000_000) < power
        assert plan.trials is plan.power_reached is None
        assert plan.unreachable_because
    else:
        assert plan.trials == plan.n_prompts * traces
        assert plan.power_reached == pytest.approx(power_of(plan.n_prompts), abs=1e-9)
        assert plan.power_reached >= power
        if plan.n_prompts > 1:
            assert power_of(plan.n_prompts - 1) < power + 1e-12
        assert plan.models_needed is plan.unreachable_because is None
        assert plan.n_prompts in plan.curve_prompts
    assert plan.design_effect == 1 + (traces - 1) * icc
    assert plan.generalises_to == "new_models"


def test_prompts_cannot_buy_what_tau_takes():
    """Eight models 15 pp apart: the answer is not a huge number but None, and the models that would do."""
    plan = plan_prompts(15, SIZES, tau_pp=15, base_rate=0.4)
    assert plan.n_prompts is plan.trials is plan.power_reached is None
    spread = float(np.log10(SIZES).std())
    limit = slope_power(8, slope_pp_per_decade=15, size_sd_decades=spread, residual_sd=0.15)
    assert plan.power_limit == pytest.approx(limit.power)
    assert f"leaves power {limit.power:.3f} with endless prompts, and 0.8 is wanted; add models" in plan.unreachable_because
    assert plan.models_needed == plan_models(15, params_b=SIZES, residual_sd=0.15).n_models
    assert str(plan.models_needed) in plan.unreachable_because
    assert plan.curve_prompts[0] == 1
    assert plan.curve_power.max() < 0.8


def test_prompts_at_the_edge_of_tau():
    """A power a hair below the limit is reached with many prompts, a hair above never."""
    limit = plan_prompts(15, SIZES, tau_pp=10, base_rate=0.4, power=0.5).power_limit
    assert plan_prompts(15, SIZES, tau_pp=10, base_rate=0.4, power=limit - 1e-3).n_prompts > 100
    assert plan_prompts(15, SIZES, tau_pp=10, base_rate=0.4, power=limit + 1e-6).n_prompts is None
    near = plan_prompts(15, SIZES, tau_pp=10, base_rate=0.4, power=limit - 1e-12)
    assert near.n_prompts is None
    assert "more than 10,000,000 prompts per model are needed" in near.unreachable_because


def test_without_tau_prompts_are_always_enough():
    plan = plan_prompts(0.5, SIZES, tau_pp=0, base_rate=0.4)
    assert plan.power_limit == 1
    assert plan.n_prompts > 1000
    tiny = plan_prompts(1e-5, SIZES, tau_pp=0, base_rate=0.4)
    assert tiny.n_prompts is None
    assert tiny.models_needed is None


def test_traces_of_one_prompt_bring_less_the_more_they_agree():
    needed = [
        plan_prompts(15, SIZES, tau_pp=5, base_rate=0.4, traces_per_prompt=4, prompt_icc=icc).n_prompts for icc in (0, 0.5, 1)
    ]
    assert needed == sorted(needed)
    assert needed[2] == plan_prompts(15, SIZES, tau_pp=5, base_rate=0.4).n_prompts
    assert needed[0] < needed[2] / 3


@pytest.mark.slow
def test_simulated_studies_keep_the_plan():
    """Prompt difficulties drawn per model (ICC .3, 3 traces): studies of the planned size find the slope, half of it do not."""
    plan = plan_prompts(20, SIZES, tau_pp=4, base_rate=0.5, traces_per_prompt=3, prompt_icc=0.3)
    rng = np.random.default_rng(2)
    x = np.log10(SIZES) - np.log10(SIZES).mean()

    def found(prompts, runs=1500):
        hits = 0
        for _ in range(runs):
            p = np.clip(0.5 + 0.2 * x + rng.normal(0, 0.04, 8), 0.02, 0.98)
            spread = 0.7 / 0.3
            rates = rng.binomial(3, rng.beta(p * spread, (1 - p) * spread, (prompts, 8))).mean(axis=0) / 3
            b = rates @ x / (x @ x)
            residual = rates - rates.mean() - b * x
            hits += abs(b) / math.sqrt(residual @ residual / 6 / (x @ x)) > 2.446912
        return hits / runs

    share, half = found(plan.n_prompts), found(max(1, plan.n_prompts // 2))
    print(f"{plan.n_prompts} prompts: planned power {plan.power_reached:.3f}, simulated {share:.3f}, with half {half:.3f}")
    assert share == pytest.approx(plan.power_reached, abs=0.06)
    assert half < share - 0.1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: plan_models(0, size_sd_decades=1, residual_sd=0.1), DomainError, "must not be 0; no number of models"),
        (lambda: plan_models(5, residual_sd=0.1), DomainError, "either params_b, whose spread is kept, or size_sd_decades"),
        (lambda: plan_models(5, params_b=SIZES, size_sd_decades=1, residual_sd=0.1), DomainError, "either params_b"),
        (lambda: plan_models(5, params_b=[1, 2], residual_sd=0.1), InsufficientData, "at least 3 models"),
        (lambda: plan_models(5, size_sd_decades=1), DomainError, "is missing"),
        (
            lambda: plan_models(-5, size_sd_decades=1, residual_sd=0.1, alternative="greater"),
            DomainError,
            r"a test for 'greater' never finds a slope of -5 pp per decade",
        ),
        (lambda: plan_models(5, size_sd_decades=1, residual_sd=0.1, alternative="less"), DomainError, "'less' never finds"),
        (lambda: plan_models(5, size_sd_decades=1, residual_sd=0.1, power=0.01), DomainError, "power must exceed alpha"),
        (lambda: plan_prompts(5, SIZES, tau_pp=99, base_rate=0.5), DomainError, r"tau_pp must lie in \[0, 50\]"),
        (lambda: plan_prompts(5, SIZES, tau_pp=5, base_rate=1.0), DomainError, "base_rate must lie strictly"),
        (lambda: plan_prompts(5, SIZES, tau_pp=5, base_rate=0.5, traces_per_prompt=0), DomainError, "got 0 and 0"),
        (lambda: plan_prompts(5, SIZES, tau_pp=5, base_rate=0.5, prompt_icc=1.5), DomainError, "got 1 and 1.5"),
        (lambda: plan_prompts(5, [1, 1, 1], tau_pp=5, base_rate=0.5), InsufficientData, "have the same size"),
    ],
)
def test_refuses_a_slope_plan(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---- labels ---------------------------------------------------------------------------------------------------------

TRUTH = {"sensitivity": 0.9, "specificity": 0.95, "rate": 0.3}
SHARES = st.floats(0.03, 0.97)


def half_width_by_hand(q, ppv, npv, n1, n0, traces, level=0.95):
    variance = (ppv + npv - 1) ** 2 * q * (1 - q) / traces
    variance += q**2 * ppv * (1 - ppv) / n1 + (1 - q) ** 2 * npv * (1 - npv) / n0
    return scipy.stats.norm.isf((1 - level) / 2) * math.sqrt(variance)


@given(
    st.floats(0.003, 0.2),
    st.integers(200, 50_000),
    SHARES,
    SHARES,
    SHARES,
    st.sampled_from(["proportional", "neyman"]),
    st.sampled_from([0.8, 0.95, 0.99]),
)
def test_law_labels_enough_at_n_and_not_at_one_less(half_width, traces, ppv, npv, q, allocation, level):
    plan = plan_labels(half_width, traces, ppv=ppv, npv=npv, graded_rate=q, allocation=allocation, level=level)
    p = q * ppv + (1 - q) * (1 - npv)
    assert plan.rate == pytest.approx(p)
    # everything labelled: an ordinary proportion of all traces
    whole = scipy.stats.norm.isf((1 - level) / 2) * math.sqrt(p * (1 - p) / traces)
    assert plan.half_width_limit == pytest.approx(whole, rel=1e-9 if allocation == "proportional" else 0.02)
    if plan.n_labels is None:
        assert plan.half_width_limit > half_width
        assert f"with all {traces} traces labelled" in plan.unreachable_because
        return
    n = plan.n_labels
    assert plan.labels_graded_positive + plan.labels_graded_negative == n <= traces
    assert plan.half_width_reached <= half_width
    if allocation == "proportional":
        n1, n0, least = n * q, n * (1 - q), 5 / min(q, 1 - q)
        before = half_width_by_hand(q, ppv, npv, (n - 1) * q, (n - 1) * (1 - q), traces, level)
    else:
        n1, n0, least = plan.labels_graded_positive, plan.labels_graded_negative, 10
        splits = range(max(5, n - 1 - math.ceil(traces * (1 - q))), min(math.floor(traces * q), n - 1 - 5) + 1)
        before = min(
            (half_width_by_hand(q, ppv, npv, k, n - 1 - k, traces, level) for k in splits[:: max(1, len(splits) // 50)]), default=9
        )
        assert min(n1, n0) >= 5
    assert plan.half_width_reached == pytest.approx(half_width_by_hand(q, ppv, npv, n1, n0, traces, level), rel=1e-9)
    assert before > half_width - 1e-12 or n - 1 < least
    assert n in plan.curve_labels
    assert np.all(np.diff(plan.curve_half_width) <= 1e-12)


@given(SHARES, SHARES, SHARES, st.sampled_from(["proportional", "neyman"]))
def test_law_the_grader_seen_from_the_truth_is_the_same_grader(ppv, npv, q, allocation):
    here = plan_labels(0.03, 20_000, ppv=ppv, npv=npv, graded_rate=q, allocation=allocation)
    back = {"sensitivity": here.sensitivity, "specificity": here.specificity, "rate": here.rate}
    there = plan_labels(0.03, 20_000, allocation=allocation, **back)
    assert (there.ppv, there.npv, there.graded_rate) == pytest.approx((ppv, npv, q), rel=1e-9)
    assert abs((there.n_labels or 0) - (here.n_labels or 0)) <= 1
    assert here.sensitivity * here.rate == pytest.approx(q * ppv)


@given(st.floats(0.01, 0.1), SHARES, SHARES, SHARES)
def test_law_neyman_never_needs_more_and_no_grader_less(half_width, ppv, npv, q):
    plans = [
        plan_labels(half_width, 100_000, ppv=ppv, npv=npv, graded_rate=q, allocation=a).n_labels for a in ("neyman", "proportional")
    ]
    p = q * ppv + (1 - q) * (1 - npv)
    unaided = math.ceil(scipy.stats.norm.isf(0.025) ** 2 * p * (1 - p) / half_width**2)
    # the least numbers of labels per grade may bind; one label is rounding
    assert plans[0] <= max(plans[1] + 1, 10)
    least = math.ceil(5 / min(q, 1 - q))
    assert plan_labels(half_width, 100_000, ppv=ppv, npv=npv, graded_rate=q).labels_without_grader == unaided
    # against N = 100,000 graded traces the grader's own noise costs at most a little
    assert plans[1] <= max(least, 1.2 * unaided + 1)


def test_a_grader_that_guesses_saves_nothing():
    """PPV = rate and NPV = 1 - rate: labels as many as without the grader."""
    plan = plan_labels(0.03, 50_000, ppv=0.3, npv=0.7, graded_rate=0.5)
    assert plan.n_labels == plan.labels_without_grader
    assert plan_labels(0.03, 50_000, **TRUTH).n_labels < plan.labels_without_grader / 2


def test_the_traces_set_the_limit():
    plan = plan_labels(0.005, 5000, **TRUTH)
    assert plan.n_labels is plan.labels_graded_positive is plan.half_width_reached is plan.labels_without_grader is None
    assert plan.half_width_limit == pytest.approx(scipy.stats.norm.isf(0.025) * math.sqrt(0.21 / 5000))
    assert "generate more traces" in plan.unreachable_because
    assert plan.curve_labels[-1] == 5000
    assert plan.curve_half_width[-1] == pytest.approx(plan.half_width_limit)


@pytest.mark.slow
@pytest.mark.parametrize("allocation", ["proportional", "neyman"])
def test_simulated_labels_give_the_half_width_and_cover(allocation):
    """Labels as planned: the post-stratified rate strays as much as planned, and 95 % of the intervals hold the truth."""
    plan = plan_labels(0.03, 5000, allocation=allocation, **TRUTH)
    rng = np.random.default_rng(3)
    estimates = []
    for _ in range(4000):
        positives = rng.binomial(5000, plan.graded_rate)
        q = positives / 5000
        n1 = rng.binomial(plan.n_labels, q) if allocation == "proportional" else plan.labels_graded_positive
        n0 = plan.n_labels - n1
        # labels without replacement from finitely many traces of each grade
        true1, true0 = rng.binomial(positives, plan.ppv), rng.binomial(5000 - positives, plan.npv)
        ppv = rng.hypergeometric(true1, positives - true1, n1) / n1
        npv = rng.hypergeometric(true0, 5000 - positives - true0, n0) / n0
        estimates.append(q * ppv + (1 - q) * (1 - npv))
    spread = scipy.stats.norm.isf(0.025) * np.std(estimates)
    covered = np.mean(np.abs(np.array(estimates) - 0.3) <= plan.half_width_reached)
    print(f"{allocation}: {plan.n_labels} labels, planned {plan.half_width_reached:.4f}, found {spread:.4f}, covered {covered:.3f}")
    assert np.mean(estimates) == pytest.approx(0.3, abs=0.001)
    assert spread == pytest.approx(plan.half_width_reached, rel=0.06)
    assert covered == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize(
    ("half_width", "traces", "options", "message"),
    [
        (0.6, 1000, TRUTH, r"half_width must lie in \(0, 0.5\), got 0.6"),
        (3, 1000, TRUTH, "half_width must lie strictly between 0 and 1"),
        (0.02, 1000, {}, "all three of one side; got none"),
        (0.02, 1000, {"ppv": 0.9, "npv": 0.9}, "got ppv, npv"),
        (0.02, 1000, {**TRUTH, "ppv": 0.9}, "got ppv, sensitivity, specificity, rate"),
        (0.02, 1000, {**TRUTH, "sensitivity": 1.0}, "sensitivity = 1 plans with what labels are to show"),
        (0.02, 1000, {"ppv": 1, "npv": 0.9, "graded_rate": 0.3}, "ppv = 1 plans with"),
        (0.02, 1000, {"ppv": 0.9, "npv": 0.9, "graded_rate": 1.0}, "graded_rate must lie strictly between 0 and 1"),
        (0.02, 100, {"ppv": 0.9, "npv": 0.9, "graded_rate": 0.04}, "100 traces leave 4.0 with the rarer grade"),
        (0.02, 0, TRUTH, "0 traces leave 0.0"),
        (0.02, 1000, {**TRUTH, "allocation": "equal"}, "allocation must be one of"),
        (0.02, 1000, {**TRUTH, "level": 1}, "level must lie strictly"),
    ],
)
def test_refuses_a_label_plan(half_width, traces, options, message):
    with pytest.raises(DomainError, match=message):
        plan_labels(half_width, traces, **options)


def test_one_slope_in_two_units():
    plan = plan_models(6.0, size_sd_decades=0.7, residual_sd=0.05)
    assert plan.slope_pp_per_decade == pytest.approx(6.0, rel=1e-12)
    assert plan.slope_pp_per_doubling == pytest.approx(6.0 * math.log10(2), rel=1e-12)
