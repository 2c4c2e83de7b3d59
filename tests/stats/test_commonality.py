"""Commonality and Shapley shares of a factor and a covariate."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import commonality, eta_squared, ols


@st.composite
def provider_and_size(draw):
    """Groups of 1-4 models, sizes varying within the first; rates not all equal; enough left for the residual."""
    k = draw(st.integers(2, 4))
    sizes = [draw(st.integers(3, 4)), *draw(st.lists(st.integers(1, 4), min_size=k - 1, max_size=k - 1))]
    labels = [name for name, size in zip("abcd", sizes, strict=False) for _ in range(size)]
    x = draw(st.permutations([0.0, 0.3, 0.9, 1.4]))[: sizes[0]] + draw(
        st.lists(st.sampled_from([0.0, 0.3, 0.9, 1.4, 2.0]), min_size=len(labels) - sizes[0], max_size=len(labels) - sizes[0])
    )
    y = draw(st.lists(own.rates(), min_size=len(labels), max_size=len(labels)).filter(lambda v: max(v) - min(v) > 1e-3))
    return y, labels, x


def by_regression(y, labels, x):
    """R2 of the three fits by least squares on indicators, and the residual sum of squares of the last two."""
    indicators = (np.array(labels)[:, None] == np.array(sorted(set(labels)))).astype(float)
    one = np.ones((len(y), 1))
    d = np.array(y) - np.mean(y)
    shares = []
    for design in (indicators, np.column_stack([one, x]), np.column_stack([indicators, x])):
        residual = d - design @ np.linalg.lstsq(design, d, rcond=None)[0]
        shares.append(1 - float(residual @ residual) / float(d @ d))
    return shares


@given(provider_and_size())
def test_is_what_three_regressions_give(data):
    y, labels, x = data
    got = commonality(y, labels, x)
    first, second, total = by_regression(y, labels, x)
    raw = got.r_squared
    assert (raw.first_alone, raw.second_alone, raw.total) == pytest.approx((first, second, total), abs=1e-11)
    n, k = len(y), len(set(labels))
    adjusted = [1 - (1 - r) * (n - 1) / df for r, df in ((first, n - k), (second, n - 2), (total, n - k - 1))]
    assert (got.adjusted.first_alone, got.adjusted.second_alone, got.adjusted.total) == pytest.approx(adjusted, abs=1e-9)
    assert (got.df_first, got.df_second, got.df_residual, got.n) == (k - 1, 1, n - k - 1, n)
    assert raw.first_alone == pytest.approx(eta_squared(y, labels, resamples=0).eta_squared, abs=1e-12)


@given(provider_and_size())
def test_law_shares_add_up(data):
    got = commonality(*data)
    for shares in (got.r_squared, got.adjusted):
        assert shares.unique_first + shares.unique_second + shares.common == pytest.approx(shares.total, abs=1e-9)
        assert shares.shapley_first + shares.shapley_second == pytest.approx(shares.total, abs=1e-9)
        assert shares.first_alone + shares.second_alone - shares.common == pytest.approx(shares.total, abs=1e-9)
        assert shares.total + shares.residual == pytest.approx(1, abs=1e-12)
        assert shares.first_alone == pytest.approx(shares.unique_first + shares.common, abs=1e-9)
    assert got.r_squared.unique_first >= -1e-12
    assert got.r_squared.unique_second >= -1e-12


@given(provider_and_size(), st.floats(-3, 3), st.sampled_from([-2.0, 0.3, 100.0]))
def test_law_moving_and_stretching_y_or_the_covariate_changes_nothing(data, shift, stretch):
    y, labels, x = data
    here = commonality(y, labels, x).r_squared
    there = commonality(stretch * (np.array(y) + shift), labels, stretch * (np.array(x) - shift)).r_squared
    assert there.total == pytest.approx(here.total, abs=1e-9)
    assert there.unique_first == pytest.approx(here.unique_first, abs=1e-9)
    assert there.common == pytest.approx(here.common, abs=1e-9)


@given(provider_and_size(), st.randoms(use_true_random=False))
def test_law_order_of_models_is_irrelevant(data, random):
    order = list(range(len(data[0])))
    random.shuffle(order)
    here = commonality(*data).adjusted
    there = commonality(*([column[i] for i in order] for column in data)).adjusted
    assert (there.total, there.shapley_first) == pytest.approx((here.total, here.shapley_first), abs=1e-9)


def test_differential_commonality():
    """2,000 random designs against `ols` with indicators: R2, and p of the covariate from its t."""
    rng = np.random.default_rng(77)
    for _ in range(2000):
        k = int(rng.integers(2, 7))
        labels = np.concatenate([np.arange(k), rng.integers(0, k, int(rng.integers(3, 20)))])
        x, y = rng.normal(size=len(labels)), rng.normal(size=len(labels))
        x, y = x + rng.normal() * labels, y + rng.normal() * labels + rng.normal() * x
        got = commonality(y, labels, x)
        fit = ols(np.column_stack([labels[:, None] == np.arange(k), x]).astype(float), y)
        assert got.r_squared.total == pytest.approx(fit.r_squared, abs=1e-10)
        t = fit.coefficients[-1] / fit.standard_errors[-1]
        assert got.p_second == pytest.approx(2 * scipy.stats.t.sf(abs(t), fit.residual_dof), rel=1e-6)
        alone = scipy.stats.linregress(x, y)
        rss_alone = (1 - alone.rvalue**2) * float(np.sum((y - y.mean()) ** 2))
        rss = float(fit.residuals @ fit.residuals)
        f = (rss_alone - rss) / (k - 1) / (rss / fit.residual_dof)
        assert got.p_first == pytest.approx(scipy.stats.f.sf(f, k - 1, fit.residual_dof), rel=1e-6)


def test_orthogonal_factors_have_nothing_in_common():
    got = commonality([0.1, 0.3, 0.2, 0.6, 0.7, 0.9], list("aaabbb"), [0, 1, 2, 0, 1, 2])
    assert got.r_squared.common == pytest.approx(0, abs=1e-12)
    assert got.r_squared.unique_first == pytest.approx(got.r_squared.first_alone)


def test_alone_the_shares_of_correlated_factors_do_not_add():
    """65.3 + 1.1 + 33.6 = 100 is arithmetic: here .87 and .90 alone would be 177 %."""
    got = commonality([0.5, 0.45, 0.4, 0.3, 0.25, 0.22], list("aaabbb"), [0.0, 0.5, 1.0, 1.0, 1.5, 2.0])
    assert got.r_squared.first_alone + got.r_squared.second_alone > 1.7
    assert got.r_squared.common > 0.7
    assert "alone do not add" in got.note
    assert "0.872 and 0.898, together 0.997" in got.note


def test_a_factor_that_hides_the_other_makes_the_common_share_negative():
    """Within each provider larger is safer, between providers larger is not: Simpson's table."""
    got = commonality([0.30, 0.20, 0.10, 0.50, 0.40, 0.30], list("aaabbb"), [0, 1, 2, 1.5, 2.5, 3.5])
    assert got.r_squared.common < -0.3
    assert got.r_squared.unique_second > got.r_squared.second_alone
    assert got.p_first is None


def test_adjusted_shares_can_be_negative_and_say_so():
    got = commonality([0.1, 0.2, 0.15, 0.12, 0.19, 0.16, 0.14], list("aabbccc"), [0, 1, 1, 0, 0, 1, 2])
    assert got.adjusted.first_alone < 0
    assert "negative" in got.note


def test_providers_of_one_model_are_named():
    got = commonality([0.1, 0.4, 0.3, 0.5, 0.6], list("aaabc"), [0, 1, 2, 1, 1])
    assert got.single_member_groups == ("b", "c")
    assert got.df_residual == 1
    assert "2 groups hold one value; 1 residual degrees of freedom" in got.note
    assert got.generalises_to == "new_models"
    assert (got.y, got.first, got.second) == ((0.1, 0.4, 0.3, 0.5, 0.6), tuple("aaabc"), (0, 1, 2, 1, 1))
    assert commonality([0.1, 0.4, 0.3, 0.5, 0.6], np.array(list("aaabc")), [0, 1, 2, 1, 1]) == got


@pytest.mark.parametrize(
    ("y", "first", "second", "error", "message"),
    [
        ([0.1, 0.2, 0.3, 0.4, 0.5], list("aabbb"), [1, 1, 2, 2, 2], InsufficientData, "cannot be told apart"),
        ([0.1, 0.2, 0.3, 0.4, 0.5], list("aabbb"), [0.1 + 0.2, 0.3, 2, 2, 2], InsufficientData, "cannot be told apart"),
        ([0.1, 0.2, 0.3, 0.4, 0.5], list("aabbb"), [3] * 5, InsufficientData, "does not vary within any group"),
        (
            [0.1, 0.2, 0.3, 0.4],
            list("abcd"),
            [1, 2, 3, 4],
            InsufficientData,
            "leave -1 degrees of freedom .* 4 groups hold one value",
        ),
        ([0.1, 0.2, 0.3, 0.4], list("aabc"), [1, 2, 3, 4], InsufficientData, "leave 0 degrees of freedom beside 2 for first"),
        ([0.1, 0.2, 0.3], list("aaa"), [1, 2, 3], InsufficientData, "in one group of first"),
        ([0.2, 0.2, 0.2, 0.2], list("aabb"), [1, 2, 3, 4], InsufficientData, "all 4 y equal 0.2"),
        ([0.1, 0.2, 0.3, 0.4], list("aabb"), [1, 2, 3], DomainError, "same length, got 3 and 4"),
        ([0.1, 0.2, 0.3, 0.4], list("aab"), [1, 2, 3, 4], DomainError, "same length, got 3 and 4"),
        ([0.1, 0.2, 0.3, 0.4], "aabb", [1, 2, 3, 4], DomainError, "got the text 'aabb'"),
        ([0.1, 0.2, 0.3, float("nan")], list("aabb"), [1, 2, 3, 4], DomainError, "y must be finite"),
        ([0.1, 0.2, 0.3, 0.4], list("aabb"), [1, 2, 3, float("inf")], DomainError, "second must be finite"),
    ],
)
def test_refuses(y, first, second, error, message):
    with pytest.raises(error, match=message):
        commonality(y, first, second)
