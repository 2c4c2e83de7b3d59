"""Entropy of a classifier's probabilities: definition, bound, laws, refusals, and the interval with prompts as units."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import classifier_entropy, cluster_robust_ols


@st.composite
def probability_rows(draw, *, max_rows=6, max_classes=6):
    """Rows of class probabilities; certain, uniform and one-sided rows on purpose."""
    k = draw(st.integers(2, max_classes))
    rows = []
    for _ in range(draw(st.integers(1, max_rows))):
        kind = draw(st.sampled_from(["certain", "uniform", "any"]))
        if kind == "certain":
            weights = [0.0] * k
            weights[draw(st.integers(0, k - 1))] = 1.0
        elif kind == "uniform":
            weights = [1.0] * k
        else:
            weights = draw(st.lists(st.one_of(st.just(0.0), st.floats(1e-12, 1.0)), min_size=k, max_size=k).filter(any))
        rows.append([w / sum(weights) for w in weights])
    return rows


def test_the_strategy_finds_certain_and_uniform_rows():
    from hypothesis import find

    assert max(find(probability_rows(), lambda rows: any(max(row) == 1.0 for row in rows))[0]) == 1.0
    assert find(probability_rows(), lambda rows: len(rows) > 2 and len(set(rows[0])) == 1)


def test_entropy_is_minus_the_expected_log_probability():
    """Definition, in plain Python."""
    rows = [[0.7, 0.2, 0.1], [0.05, 0.9, 0.05], [0.25, 0.25, 0.5]]
    found = classifier_entropy(rows)
    by_hand = [-sum(p * math.log(p) for p in row) for row in rows]
    assert found.per_trace == pytest.approx(by_hand, abs=1e-15)
    assert found.estimate == pytest.approx(sum(by_hand) / 3, abs=1e-15)
    assert found.classes == 3
    assert found.upper_bound == math.log(3)


def test_one_trace_may_be_given_as_a_vector():
    found = classifier_entropy([0.5, 0.5])
    assert found.estimate == math.log(2)
    assert found.per_trace.shape == (1,)
    assert found.probabilities.shape == (1, 2)


@given(probability_rows())
def test_law_entropy_lies_between_zero_and_the_log_of_the_classes(rows):
    found = classifier_entropy(rows)
    assert (found.per_trace >= 0).all()
    assert (found.per_trace <= found.upper_bound).all()
    assert 0 <= found.estimate <= found.upper_bound == math.log(len(rows[0]))


@given(probability_rows())
def test_law_the_entropy_of_the_mean_lies_between_the_mean_entropy_and_the_bound(rows):
    """Jensen: the mean of entropies is at most the entropy of the mean, and both are at most ln K."""
    found = classifier_entropy(rows)
    assert found.estimate <= found.entropy_of_mean <= found.upper_bound
    assert found.mean_probabilities == pytest.approx(np.mean(rows, axis=0), abs=1e-9)


def test_the_mean_of_entropies_is_not_the_entropy_of_the_mean():
    """Sure verdicts, half of them refusals: CE is 0 and the entropy of the mean ln 2."""
    sure = classifier_entropy([[1, 0]] * 3 + [[0, 1]] * 3)
    assert (sure.estimate, sure.entropy_of_mean) == (0.0, pytest.approx(math.log(2), abs=1e-15))
    mixed = classifier_entropy([[0.9, 0.1], [0.5, 0.5]])
    by_hand = [-sum(p * math.log(p) for p in row) for row in ([0.9, 0.1], [0.5, 0.5], [0.7, 0.3])]
    assert mixed.estimate == pytest.approx((by_hand[0] + by_hand[1]) / 2, abs=1e-15)
    assert mixed.entropy_of_mean == pytest.approx(by_hand[2], abs=1e-15)
    same = classifier_entropy([[0.7, 0.3]] * 4)
    assert same.entropy_of_mean == same.estimate


@given(st.integers(2, 40), st.integers(0, 39))
def test_law_zero_only_for_certainty_and_the_bound_only_for_the_uniform(k, at):
    certain = np.eye(k)[at % k]
    uniform = np.full(k, 1 / k)
    assert classifier_entropy(certain).estimate == 0.0
    assert math.copysign(1, classifier_entropy(certain).estimate) == 1.0
    assert classifier_entropy(uniform).estimate == pytest.approx(math.log(k), abs=1e-12)
    between = 0.9 * certain + 0.1 * uniform
    assert 1e-3 < classifier_entropy(between).estimate < math.log(k) - 1e-3


@given(probability_rows(), st.randoms(use_true_random=False))
def test_law_the_order_of_the_classes_is_irrelevant_to_the_last_digit(rows, random):
    order = list(range(len(rows[0])))
    random.shuffle(order)
    permuted = [[row[i] for i in order] for row in rows]
    assert classifier_entropy(permuted).per_trace.tolist() == classifier_entropy(rows).per_trace.tolist()


@given(probability_rows())
def test_law_a_class_that_is_never_given_adds_nothing_but_raises_the_bound(rows):
    wider = classifier_entropy([[*row, 0.0] for row in rows])
    assert wider.per_trace == pytest.approx(classifier_entropy(rows).per_trace, abs=1e-14)
    assert wider.upper_bound > classifier_entropy(rows).upper_bound


def test_the_interval_is_that_of_a_mean_with_prompts_as_units():
    """Second way: by hand the CR2 error of a mean with equal clusters is the standard error of the cluster means."""
    rng = np.random.default_rng(20261129)
    p = rng.dirichlet([1, 1, 1], size=40)
    prompts = np.repeat(np.arange(10), 4)
    found = classifier_entropy(p, clusters=prompts.tolist())
    means = found.per_trace.reshape(10, 4).mean(axis=1)
    assert found.standard_error == pytest.approx(means.std(ddof=1) / math.sqrt(10), rel=1e-12)
    assert found.low < found.estimate < found.high <= found.upper_bound
    assert found.clusters == 10
    assert not found.few_clusters
    fit = cluster_robust_ols(np.ones((40, 1)), found.per_trace, prompts.tolist())
    assert (found.low, found.high) == pytest.approx(tuple(fit.intervals[0]), rel=1e-12)


def test_copies_of_a_prompts_traces_do_not_narrow_the_interval():
    p = np.random.default_rng(7).dirichlet([0.5, 0.5], size=12)
    once = classifier_entropy(p, clusters=range(12))
    five = classifier_entropy(np.repeat(p, 5, axis=0), clusters=np.repeat(np.arange(12), 5).tolist())
    assert five.standard_error == pytest.approx(once.standard_error, rel=1e-9)


def test_the_interval_stays_inside_the_bound():
    p = [[0.5, 0.5]] * 5 + [[1.0, 0.0]]
    found = classifier_entropy(p, clusters=range(6))
    assert found.high == found.upper_bound
    assert found.low >= 0


@pytest.mark.parametrize(
    ("clusters", "reason"),
    [(None, "no prompts were given"), (["a", "a", "b", "b"], "at least 3 prompts, got 2")],
)
def test_no_interval_without_prompts_to_speak_of(clusters, reason):
    found = classifier_entropy([[0.5, 0.5], [0.9, 0.1], [1, 0], [0.2, 0.8]], clusters=clusters)
    assert found.low is None
    assert found.high is None
    assert found.standard_error is None
    assert reason in found.undefined_because


def test_no_spread_is_no_interval_rather_than_a_point():
    found = classifier_entropy([[0.5, 0.5]] * 6, clusters=range(6))
    assert found.low is None
    assert "same entropy" in found.undefined_because


def test_few_prompts_are_said():
    found = classifier_entropy([[0.5, 0.5], [0.9, 0.1], [1, 0]], clusters=["a", "b", "c"])
    assert found.few_clusters
    assert found.low is not None


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([[0.5, 0.6]], "trace 0 sums to 1.1"),
        ([[0.5, 0.5], [0.5, 0.4999]], "trace 1 sums to 0.9999"),
        ([[1.2, -0.2]], "between 0 and 1, got 1.2 at trace 0, class 0"),
        ([[float("nan"), 1.0]], "between 0 and 1, got nan"),
        ([[1.0]], "at least two classes, got 1"),
        ([[]], "at least two classes, got 0"),
        ([["a", "b"]], "must be real numbers"),
        ([[True, False]], "must be real numbers"),
        ([[None, 1.0]], "must be real numbers"),
        (0.5, "must be of shape"),
        ([[[0.5, 0.5]]], "must be of shape"),
    ],
)
def test_refuses_what_is_no_distribution(bad, message):
    with pytest.raises(DomainError, match=message):
        classifier_entropy(bad)


@pytest.mark.parametrize("empty", [[], np.empty((0, 3))])
def test_refuses_nothing(empty):
    with pytest.raises(InsufficientData, match="at least one trace"):
        classifier_entropy(empty)


def test_refuses_prompts_of_another_length():
    with pytest.raises(DomainError, match="same length"):
        classifier_entropy([[0.5, 0.5]], clusters=["a", "b"])


def test_probabilities_in_single_precision_are_taken():
    p = np.array([1 / 3, 1 / 3, 1 / 3], dtype=np.float32)
    assert classifier_entropy(p).estimate == pytest.approx(math.log(3), abs=1e-7)
    assert classifier_entropy(p).estimate <= math.log(3)
