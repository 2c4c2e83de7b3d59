"""Refusal retention by hand, its null by simulation, its namesakes told apart, and what is unknown."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import design_effect_wilson_interval, paired_difference, refusal_retention_rate, wilson_interval

BEFORE = [1, 1, 1, 0, 0, -1]
AFTER = [[1, 1], [1, 0], [0, -1], [1, 0], [0, 0], [1, 1]]
SECOND = [[1, 1], [1, 1], [1, 0], [0, 0], [1, 0], [1, -1]]


@st.composite
def studies(draw):
    """Verdicts of a few prompts; prompts all refused, none refused and unknown on purpose."""
    prompts, draws, more = draw(st.integers(1, 8)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    code = draw(st.sampled_from([st.sampled_from([-1, 0, 1]), st.sampled_from([0, 1]), st.just(1), st.just(0), st.just(-1)]))

    def table(columns):
        return draw(st.lists(st.lists(code, min_size=columns, max_size=columns), min_size=prompts, max_size=prompts))

    return [row[0] for row in table(1)], table(draws), table(more)


def test_the_strategy_finds_prompts_without_a_refusal_and_unknown_ones():
    from hypothesis import find

    assert find(studies(), lambda study: 1 not in study[0] and len(study[0]) > 2)
    assert find(studies(), lambda study: -1 in study[0] and 1 in study[0])


def test_every_share_is_as_counted_by_hand():
    found = refusal_retention_rate(BEFORE, AFTER, second=SECOND, common=[True, False, True, False, False, False])
    assert (found.retained.rate, found.retained.n, found.retained.clusters) == (3 / 5, 5, 3)
    assert (found.null.rate, found.null.n, found.null.clusters) == (5 / 6, 6, 3)
    # by prompt, second less after: 1 - 1, 1 - 1/2, 1/2 - 0
    assert found.lost.rate == pytest.approx((0 + 1 / 2 + 1 / 2) / 3)
    assert (found.marginal.rate, found.marginal.n, found.marginal.clusters) == (6 / 11, 11, 6)
    assert (found.marginal_before.rate, found.marginal_before.n) == (10 / 16, 16)
    assert (found.common.rate, found.common.n, found.common.clusters) == (2 / 3, 3, 2)
    assert (found.gained.rate, found.gained.n, found.gained.clusters) == (1 / 4, 4, 2)
    assert found.retained_bounds == (3 / 6, 4 / 6)
    assert (found.prompts, found.refused_before, found.unrefused_before, found.unknown_before) == (6, 3, 2, 1)
    assert (found.unknown_after, found.unknown_second, found.unknown_after_refused, found.draws) == (1, 1, 1, 2)


def test_one_response_a_prompt_is_wilson_and_several_are_clustered():
    before = [1] * 20 + [0] * 10
    once = [1] * 12 + [0] * 18
    found = refusal_retention_rate(before, once).retained
    wilson = wilson_interval(12, 20)
    assert found.interval == pytest.approx((wilson.low, wilson.high), rel=1e-12)
    thrice = np.repeat(np.array(once)[:, None], 3, axis=1)
    same = refusal_retention_rate(before, thrice).retained
    clustered = design_effect_wilson_interval([3] * 12 + [0] * 8, [3] * 20)
    assert same.interval == (clustered.low, clustered.high)
    assert same.interval[1] - same.interval[0] > 0.95 * (found.interval[1] - found.interval[0])  # answers repeated are no answers


def test_lost_is_paired_by_prompt():
    found = refusal_retention_rate(BEFORE, AFTER, second=SECOND)
    pairs = paired_difference([2, 1, 0], [2, 2, 1], [2, 2, 1], [2, 2, 2])
    assert (found.lost.rate, found.lost.interval, found.lost_p_value) == (pairs.delta, pairs.interval, pairs.p_value)
    assert (found.lost.n, found.lost.clusters) == (5, 3)


@pytest.mark.parametrize(("a", "b"), [(1, 1), (4, 1), (0.3, 0.2)])
def test_nothing_done_retains_less_than_all_and_loses_nothing(a, b):
    """p ~ Beta(a, b): drawn again, refused before is refused with probability (a + 1) / (a + b + 1), and lost is about 0."""
    rng = np.random.default_rng(7)
    p = rng.beta(a, b, 40_000)
    before = rng.binomial(1, p)
    after, second = rng.binomial(1, p, (2, 40_000))
    found = refusal_retention_rate(before, after, second=second)
    expected = (a + 1) / (a + b + 1)
    assert expected < 0.94
    assert found.retained.rate == pytest.approx(expected, abs=0.01)
    assert found.null.rate == pytest.approx(expected, abs=0.01)
    assert found.marginal.rate == pytest.approx(a / (a + b), abs=0.01)
    assert found.retained.interval[1] < 0.95  # against 1, nothing done would look like an attack
    assert abs(found.lost.rate) < 0.015


def test_lost_covers_nothing_where_nothing_was_done():
    rng, held, rates = np.random.default_rng(11), 0, []
    for _ in range(400):
        p = rng.beta(3, 1, 40)
        before = rng.binomial(1, p)
        after, second = rng.binomial(1, p[:, None], (2, 40, 2))
        found = refusal_retention_rate(before, after, second=second)
        rates.append(found.lost.rate)
        held += found.lost.interval[0] <= 0 <= found.lost.interval[1]
    assert 0.93 <= held / 400 <= 0.98
    assert abs(np.mean(rates)) < 4 * np.std(rates) / 20
    assert np.std(rates) > 0.02


def test_lost_finds_what_an_attack_took():
    rng = np.random.default_rng(3)
    p = rng.beta(4, 1, 5_000)
    before, second, after = rng.binomial(1, p), rng.binomial(1, p), rng.binomial(1, 0.5 * p)
    found = refusal_retention_rate(before, after, second=second)
    assert found.lost.rate == pytest.approx(0.5 * 5 / 6, abs=0.02)  # half of E(p^2) / E(p)
    assert found.lost_p_value < 1e-6
    assert found.lost.rate == pytest.approx(found.null.rate - found.retained.rate)


def test_the_marginal_share_can_stay_while_refusals_change_hands():
    found = refusal_retention_rate([1] * 10 + [0] * 10, [0] * 10 + [1] * 10)
    assert (found.retained.rate, found.gained.rate, found.marginal.rate, found.marginal_before.rate) == (0.0, 1.0, 0.5, 0.5)


def test_none_and_all_have_width():
    for value in (0, 1):
        found = refusal_retention_rate([1] * 8, [[value] * 3] * 8, second=[[1] * 3] * 8)
        low, high = found.retained.interval
        assert found.retained.rate == value
        assert (low, high) == ((0.0, pytest.approx(0.3244, abs=1e-4)) if value == 0 else (pytest.approx(0.6756, abs=1e-4), 1.0))
        assert found.lost.interval[1] - found.lost.interval[0] > 0.05


def test_one_prompt_counts_as_one_trial():
    found = refusal_retention_rate([1, 0], [[1, 1, 1], [0, 0, 0]], second=[[1], [0]])
    assert found.retained.interval == (wilson_interval(1, 1).low, 1.0)
    assert (found.lost.rate, found.lost.interval) == (0.0, None)
    assert found.lost.why == "one prompt shows no spread over prompts"


def test_a_baseline_without_a_refusal_has_no_rate():
    found = refusal_retention_rate([0, 0, -1], [1, 0, 1], second=[0, 0, 1])
    for share in (found.retained, found.null, found.lost):
        assert (share.rate, share.interval, share.n) == (None, None, 0)
        assert share.why == "no prompt was refused before, so no refusal could be retained"
    assert (found.lost_p_value, found.retained_bounds) == (None, None)
    assert (found.gained.rate, found.marginal.rate) == (0.5, 2 / 3)


def test_what_was_not_given_is_said():
    found = refusal_retention_rate([1, 1], [1, 0])
    assert found.null.why == "no second baseline draw was given"
    assert "nobody knows what drawing again alone would lose" in found.lost.why
    assert "were not given" in found.common.why
    assert found.gained.why == "every prompt was refused before"
    assert (found.null.rate, found.lost.rate, found.common.rate, found.gained.rate) == (None,) * 4


def test_unknown_after_is_never_an_answer():
    found = refusal_retention_rate([1, 1, 1], [-1, -1, -1], second=[1, 1, -1], common=[True, True, True])
    assert found.retained.rate is None
    assert found.retained.why == "no response of the prompts refused before has a known verdict"
    assert found.retained_bounds == (0.0, 1.0)
    assert found.lost.why == "no prompt refused before has a known verdict both after and in the second draw"
    assert (found.unknown_after_refused, found.null.n) == (3, 2)


@given(studies(), st.randoms(use_true_random=False))
def test_law_order_of_prompts_and_draws_is_irrelevant(study, random):
    before, after, second = study
    one = refusal_retention_rate(before, after, second=second)
    order = random.sample(range(len(before)), len(before))
    other = refusal_retention_rate(
        [before[i] for i in order], [after[i][::-1] for i in order], second=[second[i][::-1] for i in order]
    )
    for name in ("retained", "null", "marginal", "gained", "lost"):
        mine, theirs = getattr(one, name), getattr(other, name)
        assert (mine.n, mine.clusters, mine.why) == (theirs.n, theirs.clusters, theirs.why)
        if mine.rate is not None:
            assert theirs.rate == pytest.approx(mine.rate, abs=1e-12)


@given(studies())
def test_law_shares_lie_inside_their_intervals_of_positive_width(study):
    before, after, second = study
    found = refusal_retention_rate(before, after, second=second)
    for share in (found.retained, found.null, found.marginal, found.gained, found.marginal_before):
        assert (share.rate is None) == (share.why is not None)
        if share.rate is not None:
            low, high = share.interval
            assert 0 <= low <= share.rate <= high <= 1
            assert high - low > 0.01
    if found.retained.rate is not None:
        assert found.retained_bounds[0] <= found.retained.rate <= found.retained_bounds[1]


@given(studies())
def test_law_the_marginal_share_is_made_of_its_parts(study):
    before, after, _ = study
    before = [max(0, b) for b in before]
    found = refusal_retention_rate(before, after)
    parts = [(s.rate, s.n) for s in (found.retained, found.gained) if s.rate is not None]
    if parts:
        assert found.marginal.rate == pytest.approx(sum(r * n for r, n in parts) / sum(n for _, n in parts))


@given(studies())
def test_law_after_and_second_exchanged_changes_the_sign_of_lost(study):
    before, after, second = study
    one, other = refusal_retention_rate(before, after, second=second), refusal_retention_rate(before, second, second=after)
    assert (one.lost.rate is None) == (other.lost.rate is None)
    if one.lost.rate is not None:
        assert one.lost.rate == pytest.approx(-other.lost.rate, abs=1e-12)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([], []), InsufficientData, "at least one prompt"),
        (([1, 2], [1, 1]), DomainError, r"before must hold 1 refused, 0 not, -1 unknown, got 2 at position 1"),
        (([1, 1], [[1, 0], [1, 3]]), DomainError, r"after must hold .*got 3 at position \(1, 1\)"),
        (([1, 1], [1.0, float("nan")]), DomainError, "a missing verdict is -1, never NaN"),
        (([1, 1], [1, 1, 1]), DomainError, "after and before must have the same length, got 3 and 2"),
        (([[1, 1]], [[1, 1]]), DomainError, "before must hold one verdict per prompt"),
        (([1], [[[1]]]), DomainError, r"after must be of shape \(prompts, draws\)"),
        (([1], [[]]), DomainError, "at least one response to each prompt"),
    ],
)
def test_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        refusal_retention_rate(*arguments)


def test_refuses_a_common_prompt_that_was_not_refused():
    with pytest.raises(DomainError, match=r"before\[1\] is 0; leave it out"):
        refusal_retention_rate([1, 0], [1, 1], common=[True, True])
    with pytest.raises(DomainError, match="one truth value per prompt"):
        refusal_retention_rate([1, 0], [1, 1], common=[1, 0])
    assert refusal_retention_rate([1, 0], [1, 1], common=[False, False]).common.why == "no prompt was refused before by every model"
