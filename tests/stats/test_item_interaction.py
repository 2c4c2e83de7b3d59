"""The interaction on items: closed form and CR2 against dense matrices with an intercept per prompt, laws, missing pairs."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import item_interaction_slope, log_scaling_slope, slope_equivalence_test


@st.composite
def item_counts(draw, *, complete=None):
    """Three to five models by three to eight prompts, one to three trials; pairs missing here and there unless ``complete``."""
    sizes = list(draw(st.permutations(own.MODEL_SIZES)))[: draw(st.integers(3, 5))]
    shape, m = (len(sizes), draw(st.integers(3, 8))), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    trials = [np.full(shape, m), np.full(shape, m)]
    whole = draw(st.booleans()) if complete is None else complete
    if not whole:
        # the first three prompts keep all of their models, so three sizes and three prompts stay
        holes = [np.concatenate([np.zeros((shape[0], 3), bool), rng.random((shape[0], shape[1] - 3)) < 0.3], axis=1) for _ in "ab"]
        trials = [np.where(hole, 0, of) for hole, of in zip(holes, trials, strict=True)]
    rates = draw(st.sampled_from([0.05, 0.5, 0.95]))
    return sizes, rng.binomial(trials[0], rates), trials[0], rng.binomial(trials[1], 0.5), trials[1]


def dense_cr2(sizes, k0, n0, k1, n1, groups=None):
    """OLS of d on size and a column per prompt (and group), CR2 with pseudo-inverse roots, Satterthwaite: no centring."""
    groups = [0] * len(sizes) if groups is None else groups
    k0, n0, k1, n1 = map(np.asarray, (k0, n0, k1, n1))
    paired = (n0 > 0) & (n1 > 0)
    of_group = {g: np.array([other == g for other in groups]) for g in groups}
    kept = [
        j for j in range(paired.shape[1]) if any(len(set(np.array(sizes)[paired[:, j] & own])) > 1 for own in of_group.values())
    ]
    rows = [(i, j) for j in kept for i in range(len(sizes)) if paired[i, j]]
    x, y = np.array([np.log10(sizes[i]) for i, _ in rows]), np.array([k1[i, j] / n1[i, j] - k0[i, j] / n0[i, j] for i, j in rows])
    clusters = np.array([j for _, j in rows])
    cells = [(j, groups[i]) for i, j in rows]
    X = np.column_stack([x, *([cell == one for cell in cells] for one in dict.fromkeys(cells))]).astype(float)
    B = np.linalg.inv(X.T @ X)
    beta, I_H = B @ X.T @ y, np.eye(len(y)) - X @ B @ X.T
    e, meat, parts = y - X @ beta, 0.0, []
    for j in kept:
        own_rows = clusters == j
        values, vectors = np.linalg.eigh(I_H[np.ix_(own_rows, own_rows)])
        root = vectors @ np.diag([v**-0.5 if v > 1e-9 else 0.0 for v in values]) @ vectors.T
        meat += (B[0] @ X[own_rows].T @ root @ e[own_rows]) ** 2
        parts.append(I_H[:, own_rows] @ root @ X[own_rows] @ B[0])
    T = np.array(parts) @ np.array(parts).T
    return beta[0], np.sqrt(meat), np.trace(T) ** 2 / np.sum(T * T)


@given(item_counts())
def test_is_cr2_of_the_fit_with_a_column_per_prompt(counts):
    """Definition, complete or not: centring within prompts and the closed form leave estimate, error and dof of the dense fit."""
    found = item_interaction_slope(*counts)
    slope, se, dof = dense_cr2(*counts)
    assert found.slope_pp_per_decade == pytest.approx(100 * slope, abs=1e-8)
    if found.interval is None:
        assert se < 1e-9
        return
    assert found.standard_error_pp_per_decade == pytest.approx(100 * se, rel=1e-6)
    assert found.residual_dof == pytest.approx(dof, rel=1e-6)
    half = scipy.stats.t.ppf(0.975, dof) * 100 * se
    assert found.interval == pytest.approx((100 * slope - half, 100 * slope + half), rel=1e-6, abs=1e-8)
    assert found.p_value == pytest.approx(2 * scipy.stats.t.sf(abs(slope) / se, dof), rel=1e-5)


@given(item_counts(), st.randoms(use_true_random=False))
def test_within_groups_it_is_cr2_of_the_fit_with_a_column_per_prompt_and_group(counts, random):
    """Definition: the same with a level of its own for every group in every prompt."""
    groups = [random.choice("ab") for _ in counts[0]]
    try:
        found = item_interaction_slope(*counts, groups=groups)
    except InsufficientData:
        return
    slope, se, dof = dense_cr2(*counts, groups)
    assert found.slope_pp_per_decade == pytest.approx(100 * slope, abs=1e-8)
    assert found.groups == tuple(groups)
    if found.interval is not None:
        assert found.standard_error_pp_per_decade == pytest.approx(100 * se, rel=1e-6)
        assert found.residual_dof == pytest.approx(dof, rel=1e-6)


def test_a_group_that_is_missing_at_one_end_tilts_no_slope_within_groups():
    """Constructed: no size matters in either group, their levels differ, and the largest model of one group is not there."""
    sizes, groups = [1.0, 10.0, 100.0, 1.0, 10.0], list("aaabb")
    rng = np.random.default_rng(3)
    n = np.ones((5, 400), dtype=int)
    treated = (rng.random((5, 400)) < np.array([0.8, 0.8, 0.8, 0.2, 0.2])[:, np.newaxis]).astype(int)
    control = np.zeros_like(treated)
    mixed = item_interaction_slope(sizes, control, n, treated, n)
    within = item_interaction_slope(sizes, control, n, treated, n, groups=groups)
    assert mixed.interval[0] > 5
    assert within.interval[0] < 0 < within.interval[1]


def test_both_methods_were_compared():
    """The draws above hold complete and incomplete data, and prompts that are left out."""
    seen = set()

    @given(item_counts())
    def look(counts):
        found = item_interaction_slope(*counts)
        seen.update([found.method, found.prompts_left_out > 0])

    look()
    assert seen == {"mean_of_prompts", "CR2", True, False}


@given(item_counts(complete=True))
def test_law_of_complete_data_it_is_the_slope_of_the_models_differences(counts):
    """Over prompts or over models, the estimate is one; only what is taken to replicate differs."""
    sizes, k0, n0, k1, n1 = counts
    over_models = log_scaling_slope(sizes, (k1 / n1 - k0 / n0).mean(axis=1), quantity="difference")
    assert item_interaction_slope(*counts).slope_pp_per_decade == pytest.approx(over_models.slope_pp_per_decade, abs=1e-8)


@given(item_counts())
def test_law_swapping_treated_and_control_mirrors_the_interval(counts):
    sizes, *columns = counts
    one, other = item_interaction_slope(*counts), item_interaction_slope(sizes, *columns[2:], *columns[:2])
    assert other.slope_pp_per_decade == pytest.approx(-one.slope_pp_per_decade, abs=1e-9)
    if one.interval is not None:
        assert other.interval == pytest.approx((-one.interval[1], -one.interval[0]), rel=1e-7, abs=1e-8)


@given(item_counts(), st.randoms(use_true_random=False))
def test_law_order_of_models_and_prompts_is_irrelevant(counts, random):
    sizes, *columns = counts
    rows, prompts = list(range(len(sizes))), list(range(columns[0].shape[1]))
    random.shuffle(rows)
    random.shuffle(prompts)
    one = item_interaction_slope(*counts)
    other = item_interaction_slope([sizes[i] for i in rows], *(c[np.ix_(rows, prompts)] for c in columns))
    assert other.slope_pp_per_decade == pytest.approx(one.slope_pp_per_decade, abs=1e-8)
    if one.interval is not None:
        assert other.interval == pytest.approx(one.interval, rel=1e-6, abs=1e-7)


@given(item_counts())
def test_law_sizes_in_another_unit_are_the_same_slope_and_a_squared_scale_halves_it(counts):
    sizes, *columns = counts
    one = item_interaction_slope(*counts)
    assert item_interaction_slope([1000 * s for s in sizes], *columns).slope_pp_per_decade == pytest.approx(
        one.slope_pp_per_decade, abs=1e-7
    )
    squared = item_interaction_slope([s**2 for s in sizes], *columns)
    assert squared.slope_pp_per_decade == pytest.approx(one.slope_pp_per_decade / 2, abs=1e-8)
    if one.p_value is not None:
        assert squared.p_value == pytest.approx(one.p_value, rel=1e-5)


def test_a_prompt_that_only_large_models_answered_lifts_no_slope():
    """The hard prompt has a high difference in each model that has it; a fit without an intercept per prompt would call it size."""
    once = np.ones((4, 4), dtype=int)
    asked = once.copy()
    asked[:2, 3] = 0
    treated = np.array([[0, 1, 0, 0], [0, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 1]])
    found = item_interaction_slope([1, 10, 100, 1000], np.zeros((4, 4), dtype=int), asked, treated * asked, asked)
    flat = item_interaction_slope([1, 10, 100, 1000], np.zeros((4, 3), dtype=int), once[:, :3], treated[:, :3], once[:, :3])
    assert found.method == "CR2"
    # the slopes of the first three cancel, and the fourth, whose two answers are equal, adds none
    assert flat.slope_pp_per_decade == pytest.approx(0, abs=1e-9)
    assert found.slope_pp_per_decade == pytest.approx(0, abs=1e-9)
    pooled = np.polyfit([0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3], [0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1], 1)[0]
    assert 100 * pooled > 5


def test_prompts_with_one_size_are_left_out_and_counted():
    asked = np.ones((3, 5), dtype=int)
    asked[1:, 4] = 0
    found = item_interaction_slope(
        [1, 10, 100], np.zeros((3, 5), dtype=int), asked, [[0, 0, 0, 0, 1], [0, 1, 0, 0, 0], [1, 1, 0, 1, 0]], asked
    )
    assert (found.prompts, found.prompts_left_out, found.models, found.pairs, found.method) == (4, 1, 3, 12, "mean_of_prompts")


def test_prompts_that_do_not_scatter_leave_no_interval():
    once = np.ones((3, 4), dtype=int)
    found = item_interaction_slope([1, 10, 100], once * 0, once, once * 0, once)
    assert (found.slope_pp_per_decade, found.interval, found.p_value) == (0.0, None, None)
    assert "the 4 prompts do not scatter" in found.undefined_because


def test_it_speaks_of_these_models():
    """With a spread between models it rejects no slope far more often than .05: no evidence on size, as its label says."""
    rng = np.random.default_rng(3)
    sizes, rejected, runs = np.geomspace(0.5, 50, 6), 0, 200
    once = np.ones((6, 400), dtype=int)
    for _ in range(runs):
        rates = np.clip(0.3 + rng.normal(0, 0.10, 6), 0.01, 0.99)
        found = item_interaction_slope(
            sizes, rng.binomial(1, 0.3, (6, 400)), once, rng.binomial(1, np.broadcast_to(rates[:, None], (6, 400))), once
        )
        rejected += found.p_value < 0.05
    assert found.generalises_to == "these_models"
    assert rejected / runs > 0.4


def test_it_holds_its_level_over_prompts():
    rng = np.random.default_rng(4)
    sizes, rejected, runs = np.geomspace(0.5, 50, 6), 0, 500
    once = np.ones((6, 60), dtype=int)
    for _ in range(runs):
        hard = rng.beta(0.5, 0.5, 60)
        lift = np.minimum(1, hard + rng.beta(0.3, 2.0, 60))
        found = item_interaction_slope(
            sizes, rng.binomial(1, np.broadcast_to(hard, (6, 60))), once, rng.binomial(1, np.broadcast_to(lift, (6, 60))), once
        )
        rejected += found.p_value < 0.05
    assert 0.03 <= rejected / runs <= 0.07


def test_equivalence_keeps_the_label():
    rng = np.random.default_rng(5)
    once = np.ones((4, 500), dtype=int)
    found = item_interaction_slope([1, 4, 10, 50], rng.binomial(1, 0.2, (4, 500)), once, rng.binomial(1, 0.2, (4, 500)), once)
    assert slope_equivalence_test(found, margin_pp_per_decade=20).generalises_to == "these_models"


ONCE = [[1] * 3] * 3
NONE = [[0] * 3] * 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ([1, 10, 100], [[0] * 2] * 3, ONCE, NONE, ONCE),
            r"control_successes and control_trials must have the same shape, got \(3, 2\)",
        ),
        (([1, 10, 100], NONE, ONCE, [[0] * 2] * 3, [[1] * 2] * 3), "control and treated counts must have the same shape"),
        (([1, 10], NONE, ONCE, NONE, ONCE), "params_b and control_trials must have the same length, got 2 and 3"),
        (
            ([1, 10, 100], NONE, ONCE, [[0, 0, 0], [0, 2, 0], [0, 0, 0]], ONCE),
            "treated_successes must not exceed treated_trials, got 2 of 1 at model 1, prompt 1",
        ),
        (([1, 10, 100], [0, 0, 0], ONCE, NONE, ONCE), "control_successes must be a table, models by prompts"),
        (([1, 10, 100], [[0.5] * 3] * 3, ONCE, NONE, ONCE), "control_successes must hold whole numbers"),
        (([1, 10, -1], NONE, ONCE, NONE, ONCE), "params_b must be positive"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(DomainError, match=message):
        item_interaction_slope(*arguments)


def test_refuses_too_little():
    with pytest.raises(InsufficientData, match="a slope needs at least 3 distinct sizes, got 2"):
        item_interaction_slope([1, 10, 10], NONE, ONCE, NONE, ONCE)
    with pytest.raises(
        InsufficientData, match="1 of 1 prompts have pairs at two sizes or more, and the spread over prompts needs 2"
    ):
        item_interaction_slope([1, 10, 100], [[0]] * 3, [[1]] * 3, [[0]] * 3, [[1]] * 3)
    with pytest.raises(
        InsufficientData, match="2 of 3 prompts have pairs at two sizes or more, and the spread over prompts needs 3"
    ):
        item_interaction_slope([1, 10, 100], NONE, [[1, 1, 1], [1, 1, 0], [0, 1, 0]], NONE, ONCE)
    # all pairs of the third size are missing
    with pytest.raises(InsufficientData, match="a slope needs at least 3 distinct sizes, got 2"):
        item_interaction_slope([1, 10, 100], NONE, [[1] * 3, [1] * 3, [0] * 3], NONE, ONCE)
