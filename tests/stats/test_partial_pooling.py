"""Partial pooling of group effects."""

import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import partial_pooling

SCHOOLS = [28, 8, -3, 7, -1, 1, 18, 12], [225, 100, 256, 121, 81, 121, 100, 324]


@st.composite
def effects(draw):
    """4-7 estimates, some equal, and variances over two orders of magnitude."""
    k = draw(st.integers(4, 7))
    y = draw(st.lists(st.integers(-30, 30).map(lambda v: v / 10), min_size=k, max_size=k))
    v = draw(st.lists(st.sampled_from([0.05, 0.3, 1.0, 5.0]), min_size=k, max_size=k))
    return y, v


def by_quadrature(y, v, power):
    """Posterior mean of each effect and of its square, by scipy's adaptive rule over log tau: another grid, another code."""
    y, v = np.array(y, dtype=float), np.array(v, dtype=float)

    def parts(tau):
        cov = np.diag(v + tau**2)
        precision, one = np.linalg.inv(cov), np.ones(len(y))
        information = one @ precision @ one
        mu = (one @ precision @ y) / information
        r = y - mu
        density = np.exp(-0.5 * (np.linalg.slogdet(cov)[1] + np.log(information) + r @ precision @ r)) * tau ** (power + 1)
        b = v / (v + tau**2)
        mean = b * mu + (1 - b) * y
        return density, mean, (1 - b) * v + b**2 / information + mean**2

    def whole(x):
        density, mean, square = parts(np.exp(x))
        return np.concatenate([[density], density * mean, density * square])

    grid = np.linspace(-12, 14, 26001)
    sums = scipy.integrate.simpson(np.array([whole(x) for x in grid[::4]]), x=grid[::4], axis=0)
    k = len(y)
    return sums[1 : k + 1] / sums[0], np.sqrt(sums[k + 1 :] / sums[0] - (sums[1 : k + 1] / sums[0]) ** 2)


@pytest.mark.parametrize(("prior", "power"), [("uniform_tau", 0), ("uniform_tau_squared", 1)])
@pytest.mark.parametrize(("y", "v"), [SCHOOLS, ([0.1, 0.5, 0.9, 0.2, 0.4], [0.01, 0.002, 0.03, 0.004, 0.01])])
def test_is_the_posterior_by_another_quadrature(y, v, prior, power):
    mean, sd = by_quadrature(y, v, power)
    got = partial_pooling(y, v, prior=prior)
    scale = float(np.sqrt(np.max(v)))
    assert got.pooled == pytest.approx(mean, abs=2e-4 * scale)
    assert got.standard_deviations == pytest.approx(sd, rel=2e-4)


def test_eight_schools():
    """Gelman et al., BDA3 section 5.5 (flat tau): posterior medians about 10, 8, 7, 8, 5, 6, 10, 8; tau in (.2, 21)."""
    got = partial_pooling(*SCHOOLS, prior="uniform_tau")
    assert got.pooled == pytest.approx([11.4, 7.9, 6.1, 7.6, 5.1, 6.1, 10.7, 8.5], abs=0.06)
    assert got.tau_interval == pytest.approx((0.2, 20.8), abs=0.3)
    assert got.mean == pytest.approx(7.9, abs=0.1)
    assert got.tau_reml == 0


@given(effects(), st.sampled_from([0.8, 0.95, 0.99]))
@settings(max_examples=40)
def test_law_interval_ends_put_back_give_the_tails(data, level):
    """The mixture's tails outside the interval, on a fresh grid of tau."""
    y, v = (np.array(column) for column in data)
    got = partial_pooling(y, v, level=level)
    t = (np.arange(20_000) + 0.5) / 20_000
    unit = np.sqrt(v.mean()) + np.ptp(y) / 4
    tau = unit * t / (1 - t)
    w = 1 / (v + tau[:, None] ** 2)
    mu = (w * y).sum(axis=1) / w.sum(axis=1)
    logs = 0.5 * np.log(w).sum(axis=1) - 0.5 * np.log(w.sum(axis=1)) - 0.5 * (w * (y - mu[:, None]) ** 2).sum(axis=1)
    p = np.exp(logs - logs.max()) * tau / (1 - t) ** 2
    p /= p.sum()
    b = v * w
    centre, sd = b * mu[:, None] + (1 - b) * y, np.sqrt((1 - b) * v + b**2 / w.sum(axis=1)[:, None])
    tail = (1 - level) / 2
    assert p @ scipy.special.ndtr((got.low - centre) / sd) == pytest.approx(np.full(len(y), tail), rel=2e-3)
    assert p @ scipy.special.ndtr((centre - got.high) / sd) == pytest.approx(np.full(len(y), tail), rel=2e-3)
    new_sd = np.sqrt(1 / w.sum(axis=1) + tau**2)
    assert p @ scipy.special.ndtr((got.new_group_interval[0] - mu) / new_sd) == pytest.approx(tail, rel=5e-3)
    assert p @ scipy.special.ndtr((mu - got.mean_interval[1]) * np.sqrt(w.sum(axis=1))) == pytest.approx(tail, rel=5e-3)
    assert p[tau <= got.tau].sum() == pytest.approx(0.5, abs=2e-3)
    assert p[tau <= got.tau_interval[1]].sum() == pytest.approx(1 - tail, abs=2e-3)
    assert got.shrinkage == pytest.approx(p @ b, rel=1e-3)


def test_reml_is_the_maximum():
    """No point of a grid has a higher restricted likelihood, in 150 random cases, some with the maximum at 0."""
    rng = np.random.default_rng(3)
    positive = 0
    for _ in range(150):
        k = int(rng.integers(4, 10))
        v = np.exp(rng.uniform(-2, 2, k))
        y = rng.normal(size=k) * np.sqrt(v + rng.choice([0, 1, 9]))

        def minus(tau, y=y, v=v):
            w = 1 / (v + tau**2)
            mu = np.sum(w * y) / np.sum(w)
            return -0.5 * (np.sum(np.log(w)) - np.log(np.sum(w)) - np.sum(w * (y - mu) ** 2))

        got = partial_pooling(y, v).tau_reml
        best = min(minus(tau) for tau in np.linspace(0, 20, 401))
        assert minus(got) <= best + 1e-9
        positive += got > 0
    assert 50 < positive < 150


def test_differential_partial_pooling():
    """2,000 random cases: posterior means and shrinkage on a plain grid of tau written here."""
    rng = np.random.default_rng(20)
    t = (np.arange(800) + 0.5) / 800
    for _ in range(2000):
        k = int(rng.integers(4, 9))
        v = np.exp(rng.uniform(-1.5, 1.5, k))
        y = rng.normal(size=k) * np.sqrt(v + rng.choice([0, 0.5, 4]))
        unit = 1.0 + np.std(y)
        tau = (unit * t / (1 - t))[:, None]
        variance = v + tau**2
        total = (1 / variance).sum(axis=1)
        mu = (y / variance).sum(axis=1) / total
        log_density = -0.5 * (np.log(variance).sum(axis=1) + np.log(total) + ((y - mu[:, None]) ** 2 / variance).sum(axis=1))
        p = np.exp(log_density - log_density.max()) * tau[:, 0] / (1 - t) ** 2
        p /= p.sum()
        got = partial_pooling(y, v)
        assert got.pooled == pytest.approx(y - p @ (v / variance * (y - mu[:, None])), abs=2e-4)
        assert got.shrinkage == pytest.approx(p @ (v / variance), abs=2e-4)
        assert got.mean == pytest.approx(p @ mu, abs=5e-4)


@given(effects(), st.floats(-5, 5), st.sampled_from([-3.0, 0.01, 100.0]))
@settings(max_examples=40)
def test_law_moving_and_stretching_moves_and_stretches(data, shift, stretch):
    y, v = (np.array(column) for column in data)
    here, there = partial_pooling(y, v), partial_pooling(shift + stretch * y, stretch**2 * v)
    scale = abs(stretch)
    assert there.pooled == pytest.approx(shift + stretch * here.pooled, abs=1e-6 * scale)
    assert there.shrinkage == pytest.approx(here.shrinkage, rel=1e-6)
    assert there.tau == pytest.approx(scale * here.tau, rel=1e-4)
    assert there.tau_reml == pytest.approx(scale * here.tau_reml, rel=1e-4, abs=1e-5 * scale)
    low, high = (here.low, here.high) if stretch > 0 else (here.high, here.low)
    assert there.low == pytest.approx(shift + stretch * low, abs=1e-5 * scale)
    assert there.high == pytest.approx(shift + stretch * high, abs=1e-5 * scale)


@given(effects())
@settings(max_examples=40)
def test_law_pooled_lies_between_estimate_and_centre(data):
    y, v = (np.array(column) for column in data)
    got = partial_pooling(y, v)
    assert np.all((got.shrinkage > 0) & (got.shrinkage < 1))
    assert np.all((got.pooled >= y.min() - 1e-9) & (got.pooled <= y.max() + 1e-9))
    order = np.argsort(v, kind="stable")
    assert np.all(np.diff(got.shrinkage[order]) >= -1e-12)
    assert np.all((got.low < got.pooled) & (got.pooled < got.high))
    assert 0 < got.tau_interval[0] < got.tau < got.tau_interval[1]
    assert got.new_group_interval[0] < got.mean_interval[0] < got.mean < got.mean_interval[1] < got.new_group_interval[1]


@given(effects(), st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_law_order_of_groups_is_irrelevant(data, random):
    y, v = data
    order = list(range(len(y)))
    random.shuffle(order)
    here, there = partial_pooling(y, v), partial_pooling([y[i] for i in order], [v[i] for i in order])
    assert there.pooled == pytest.approx(here.pooled[order], abs=1e-9)
    assert there.high == pytest.approx(here.high[order], abs=1e-9)


def test_where_groups_do_not_differ_an_interval_keeps_its_width():
    """Equal estimates: the restricted maximum of tau is 0, and intervals that plug it in are those of the mean."""
    got = partial_pooling([0.5] * 4, [0.01] * 4)
    assert got.tau_reml == 0
    assert np.all(got.high - got.low > 1.2 * (2 * 1.96 * 0.1 / 2))
    assert got.pooled == pytest.approx(np.full(4, 0.5), abs=1e-12)


def test_precise_groups_far_apart_stay_where_they_are():
    got = partial_pooling([0.0, 10.0, 20.0, 50.0, 90.0], [1e-4] * 5)
    assert got.pooled == pytest.approx([0, 10, 20, 50, 90], abs=1e-3)
    assert np.all(got.shrinkage < 1e-6)
    assert got.high - got.low == pytest.approx(np.full(5, 2 * 1.95996 * 0.01), rel=1e-3)
    assert got.tau_reml == pytest.approx(np.std([0, 10, 20, 50, 90], ddof=1), rel=1e-6)


def test_groups_of_one_model_are_flagged():
    got = partial_pooling([0.1, 0.2, 0.3, 0.5], [0.01] * 4, groups=list("abcd"), models=[1, 3, 1, 2])
    assert got.single_model.tolist() == [True, False, True, False]
    assert (got.groups, got.models.tolist(), got.generalises_to) == (tuple("abcd"), [1, 3, 1, 2], "these_models")
    plain = partial_pooling([0.1, 0.2, 0.3, 0.5], [0.01] * 4, generalises_to="new_models")
    assert (plain.single_model, plain.models, plain.groups) == (None, None, (0, 1, 2, 3))
    assert plain.generalises_to == "new_models"
    assert plain == partial_pooling([0.1, 0.2, 0.3, 0.5], [0.01] * 4, generalises_to="new_models")


@pytest.mark.calibration
@pytest.mark.parametrize("k", [4, 12])
@pytest.mark.parametrize("tau", [0.0, 0.5, 1.0, 3.0])
def test_intervals_cover_with_few_groups(k, tau):
    """Effects drawn anew each time; 400 tables; the mean's interval included."""
    rng, hits, means = np.random.default_rng(7), 0, 0
    for _ in range(400):
        v = np.exp(rng.uniform(-1, 1, k))
        theta = rng.normal(0, tau, k)
        got = partial_pooling(theta + rng.normal(size=k) * np.sqrt(v), v)
        hits += int(np.sum((got.low <= theta) & (theta <= got.high)))
        means += got.mean_interval[0] <= 0 <= got.mean_interval[1]
    assert hits / (400 * k) >= 0.935
    assert means / 400 >= 0.935


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (([1, 2, 3], [1, 1, 1]), {}, InsufficientData, "at least 4 groups, got 3"),
        (([1, 2], [1, 1]), {"prior": "uniform_tau"}, InsufficientData, "at least 3 groups, got 2"),
        (([1, 2, 3, 4], [1, 1, 0, 1]), {}, DomainError, "variances must be positive .* got 0 at position 2"),
        (([1, 2, 3, 4], [1, 1, 1]), {}, DomainError, "same length, got 4 and 3"),
        (([1, 2, 3, float("nan")], [1] * 4), {}, DomainError, "estimates must be finite"),
        (([1, 2, 3, 4], [1] * 4), {"prior": "flat"}, DomainError, "prior must be one of"),
        (([1, 2, 3, 4], [1] * 4), {"level": 95}, DomainError, "95 % is written 0.95"),
        (([1, 2, 3, 4], [1] * 4), {"generalises_to": "all"}, DomainError, "generalises_to must be one of"),
        (([1, 2, 3, 4], [1] * 4), {"groups": "abcd"}, DomainError, "got the text"),
        (([1, 2, 3, 4], [1] * 4), {"groups": list("aabc")}, DomainError, "groups must differ"),
        (([1, 2, 3, 4], [1] * 4), {"groups": list("abc")}, DomainError, "same length"),
        (([1, 2, 3, 4], [1] * 4), {"models": [1, 2, 0, 1]}, DomainError, "got 0 at position 2"),
        (([1, 2, 3, 4], [1] * 4), {"models": [1, 2, 1]}, DomainError, "same length"),
    ],
)
def test_refuses(arguments, options, error, message):
    with pytest.raises(error, match=message):
        partial_pooling(*arguments, **options)
