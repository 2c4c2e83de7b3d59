"""Cluster-robust covariances against their matrix definitions, written plainly with rows x rows matrices."""

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import cluster_robust_covariance, cluster_robust_ols, ols
from stats.size_regression_strategies import clustered_rows


def by_matrices(X, e, labels, kind):
    """Bell & McCaffrey (2002) and Pustejovsky & Tipton (2018), working model identity, one rows x rows matrix after another."""
    X, e, labels = np.asarray(X, dtype=float), np.asarray(e, dtype=float), np.asarray(labels)
    n, p = X.shape
    B = np.linalg.inv(X.T @ X)
    H = X @ B @ X.T
    names = list(dict.fromkeys(labels.tolist()))
    middle, directions = np.zeros((p, p)), []
    for g in names:
        mine = labels == g
        values, vectors = np.linalg.eigh(np.eye(mine.sum()) - H[np.ix_(mine, mine)])
        roots = np.where(values > 1e-9, 1 / np.sqrt(np.maximum(values, 1e-9)), 0.0)
        A = vectors @ np.diag(roots) @ vectors.T if kind == "CR2" else np.eye(mine.sum())
        s = X[mine].T @ A @ e[mine]
        middle += np.outer(s, s)
        directions.append((np.eye(n) - H)[:, mine] @ A @ X[mine] @ B)
    G = len(names)
    factor = G / (G - 1) * (n - 1) / (n - p) if kind == "CR1" else 1.0
    if kind != "CR2":
        return factor * B @ middle @ B, np.full(p, G - 1.0)
    dof = []
    for c in range(p):
        P = np.column_stack([d[:, c] for d in directions])
        T = P.T @ P
        dof.append(np.trace(T) ** 2 / np.trace(T @ T))
    return B @ middle @ B, np.array(dof)


def fitted(rows):
    """Residuals of rows whose design has full rank, enough rows, and more than one cluster behind each column."""
    X, y, labels = rows
    X = np.asarray(X)
    assume(len(y) > X.shape[1] + 1)
    assume(np.linalg.cond(X) < 1e4)
    return X, ols(X, y).residuals, labels


@given(clustered_rows(), st.sampled_from(["CR0", "CR1", "CR2"]))
def test_law_equals_the_matrix_definition(rows, kind):
    X, e, labels = fitted(rows)
    wanted, dof = by_matrices(X, e, labels, kind)
    assume(np.all(np.isfinite(dof)))
    got = cluster_robust_covariance(X, e, labels, kind=kind)
    assert got.covariance == pytest.approx(wanted, rel=1e-6, abs=1e-9 * np.abs(wanted).max())
    assert got.dof == pytest.approx(dof, rel=1e-5)
    assert got.few_clusters == bool(got.dof.min() < 4)
    assert (got.n_clusters, got.n, got.kind, got.clusters) == (len(set(labels)), len(e), kind, tuple(labels))


def test_differential_cluster_robust():
    """2,100 random covariances (700 designs, three kinds) against the matrix definition, unbalanced clusters."""
    rng = np.random.default_rng(1)
    for _ in range(700):
        G = int(rng.integers(4, 9))
        labels = np.repeat(np.arange(G), rng.integers(1, 7, G))
        X = np.column_stack([np.ones(len(labels)), rng.normal(size=len(labels)), rng.normal(size=G)[labels]])
        e = ols(X, rng.normal(size=G)[labels] + rng.normal(size=len(labels))).residuals
        for kind in ("CR0", "CR1", "CR2"):
            wanted, dof = by_matrices(X, e, labels, kind)
            got = cluster_robust_covariance(X, e, labels, kind=kind)
            np.testing.assert_allclose(got.covariance, wanted, rtol=1e-6, atol=1e-9 * np.abs(wanted).max())
            np.testing.assert_allclose(got.dof, dof, rtol=1e-6)


def test_clusters_of_one_row_are_hc0_and_hc2():
    rng = np.random.default_rng(2)
    X = np.column_stack([np.ones(12), rng.normal(size=12)])
    e = ols(X, rng.normal(size=12)).residuals
    B = np.linalg.inv(X.T @ X)
    h = np.einsum("ij,jk,ik->i", X, B, X)
    for kind, weights in (("CR0", e**2), ("CR2", e**2 / (1 - h))):
        hc = B @ (X.T * weights) @ X @ B
        assert cluster_robust_covariance(X, e, range(12), kind=kind).covariance == pytest.approx(hc, rel=1e-9)


def test_cr2_is_unbiased_under_its_working_model_and_cr0_is_not():
    """E[V] over e = (I - H) u with Cov(u) = I, computed exactly by expanding in the rows."""
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(5), [1, 2, 3, 4, 5])
    X = np.column_stack([np.ones(15), rng.normal(size=15)])
    truth = np.linalg.inv(X.T @ X)
    M = np.eye(15) - X @ truth @ X.T
    for kind, unbiased in (("CR2", True), ("CR0", False)):
        # V is quadratic in u: its mean is the sum over the orthonormal basis vectors
        mean = sum(cluster_robust_covariance(X, M[:, i], labels, kind=kind).covariance for i in range(15))
        assert (np.abs(mean - truth).max() < 1e-9 * np.abs(truth).max()) == unbiased


def test_balanced_means_have_the_textbook_degrees_of_freedom():
    """An intercept over G clusters of equal size: dof G - 1; a between-cluster contrast of 3 and 4 clusters: fewer."""
    e = np.array([1.0, 2, -1, 0, 3, -5, 1, -1])
    X, labels = np.ones((8, 1)), np.repeat(np.arange(4), 2)
    got = cluster_robust_covariance(X, e - e.mean(), labels)
    assert got.dof == pytest.approx([3.0])
    means = (e - e.mean()).reshape(4, 2).mean(axis=1)
    assert float(got.covariance[0, 0]) == pytest.approx(means.var(ddof=1) / 4)


@given(clustered_rows(), st.randoms(use_true_random=False))
def test_law_order_of_rows_and_names_of_clusters_are_irrelevant(rows, random):
    X, e, labels = fitted(rows)
    order = list(range(len(e)))
    random.shuffle(order)
    here = cluster_robust_covariance(X, e, labels)
    there = cluster_robust_covariance(X[order], e[order], [f"c{labels[i]}" for i in order])
    assert there.covariance == pytest.approx(here.covariance, rel=1e-6, abs=1e-9 * np.abs(here.covariance).max())
    assert there.dof == pytest.approx(here.dof, rel=1e-5)


@given(clustered_rows(), st.floats(-3, 3), st.floats(0.1, 10))
def test_law_inference_follows_units_of_the_response(rows, shift, scale):
    X, y, labels = rows
    X, y = np.asarray(X), np.asarray(y)
    assume(len(y) > X.shape[1] + 1 and np.linalg.cond(X) < 1e4)
    here, there = cluster_robust_ols(X, y, labels), cluster_robust_ols(X, shift + scale * y, labels)
    assert there.standard_errors == pytest.approx(scale * here.standard_errors, rel=1e-6)
    assert there.coefficients[1:] == pytest.approx(scale * here.coefficients[1:], rel=1e-6, abs=1e-8)
    assert there.p_values[1:] == pytest.approx(here.p_values[1:], rel=1e-4)


def test_the_fit_gathers_coefficients_t_and_intervals():
    rng = np.random.default_rng(4)
    labels = np.repeat(np.arange(8), 3)
    X = np.column_stack([np.ones(24), rng.normal(size=24)])
    y = rng.normal(size=8)[labels] + rng.normal(size=24)
    fit = cluster_robust_ols(X, y, labels, level=0.9)
    plain = ols(X, y)
    robust = cluster_robust_covariance(X, plain.residuals, labels)
    assert fit.robust == robust
    assert fit.coefficients == pytest.approx(plain.coefficients)
    se = np.sqrt(np.diag(robust.covariance))
    t = scipy.stats.t.ppf(0.95, robust.dof)
    assert fit.standard_errors == pytest.approx(se)
    assert fit.intervals == pytest.approx(np.column_stack([plain.coefficients - t * se, plain.coefficients + t * se]))
    assert fit.p_values == pytest.approx(2 * scipy.stats.t.sf(np.abs(plain.coefficients / se), robust.dof))
    assert fit.robust.few_clusters == (fit.robust.dof.min() < 4)
    assert fit.response.tolist() == y.tolist()


def test_few_clusters_are_flagged():
    X = np.column_stack([np.ones(9), np.log10([1, 8, 70, 2, 7, 13, 4, 9, 27])])
    fit = cluster_robust_ols(X, [0.20, 0.31, 0.35, 0.22, 0.24, 0.33, 0.41, 0.45, 0.55], list("aaabbbccc"))
    assert fit.robust.few_clusters
    assert fit.robust.dof.max() <= 2


def test_size_of_the_t_test_with_ten_unbalanced_clusters():
    """CR0 rejects far too often where CR2 with Satterthwaite's degrees of freedom holds; 600 data sets under the null."""
    rng = np.random.default_rng(5)
    labels = np.repeat(np.arange(10), [1, 1, 2, 2, 3, 3, 4, 6, 8, 20])
    z = rng.normal(size=10)[labels]
    X = np.column_stack([np.ones(len(labels)), z])
    rejected = {"CR0": 0, "CR2": 0}
    for _ in range(600):
        y = rng.normal(size=10)[labels] + rng.normal(size=len(labels))
        for kind in rejected:
            rejected[kind] += cluster_robust_ols(X, y, labels, kind=kind).p_values[1] < 0.05
    assert rejected["CR2"] / 600 < 0.1
    assert rejected["CR0"] / 600 > rejected["CR2"] / 600 + 0.03


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"clusters": list("aabbab")}, InsufficientData, "2 clusters say nothing"),
        ({"clusters": list("aabbc")}, DomainError, "clusters and residuals must have the same length, got 5 and 6"),
        ({"clusters": "aabbcc"}, DomainError, "sequence of labels, one per row, got the text"),
        ({"clusters": ["a", "a", None, "b", "c", "c"]}, DomainError, "missing label"),
        ({"kind": "CR3"}, DomainError, "kind must be one of 'CR0', 'CR1', 'CR2'"),
        ({"residuals": [1.0, 2, 3, 4, 5, 6]}, DomainError, "not orthogonal to the design"),
        ({"design": [[1, 2], [1, 2], [1, 2], [1, 2], [1, 2], [1, 2]]}, DomainError, "combination of the columns"),
        ({"design": np.eye(6)}, InsufficientData, "no degree of freedom"),
    ],
)
def test_refuses(change, error, message):
    X = np.column_stack([np.ones(6), [0, 1, 0, 1, 0, 1]])
    arguments = {
        "design": X,
        "residuals": ols(X, [1.0, 2.0, 1.5, 2.0, 0.0, 3.0]).residuals,
        "clusters": list("aabbcc"),
        "kind": "CR2",
    } | change
    with pytest.raises(error, match=message):
        cluster_robust_covariance(**arguments)


@pytest.mark.parametrize("kind", ["CR0", "CR1", "CR2"])
def test_refuses_a_column_of_one_cluster_alone(kind):
    """Its residuals sum to nothing there, so the sandwich would take its spread for nil."""
    X = np.column_stack([np.ones(6), [1, 1, 0, 0, 0, 0]])
    with pytest.raises(InsufficientData, match="only one cluster speaks of coefficient 1"):
        cluster_robust_ols(X, [1.0, 2.0, 1.5, 2.0, 0.0, 3.0], list("aabbcc"), kind=kind)


def test_a_slope_within_clusters_survives_means_taken_out():
    """What to do instead of a column per cluster: take the cluster means out. CR2 is then the same (P&T 2018, theorem 2)."""
    rng = np.random.default_rng(6)
    labels = np.repeat(np.arange(6), 4)
    x, y = rng.normal(size=24), rng.normal(size=24)
    within = [a - (np.bincount(labels, a) / 4)[labels] for a in (x, y)]
    got = cluster_robust_covariance(within[0][:, None], ols(within[0][:, None], within[1]).residuals, labels)
    dummies = np.column_stack([x, labels[:, None] == np.arange(6)]).astype(float)
    wanted, dof = by_matrices(dummies, ols(dummies, y).residuals, labels, "CR2")
    assert float(got.covariance[0, 0]) == pytest.approx(wanted[0, 0], rel=1e-9)
    assert float(got.dof[0]) == pytest.approx(dof[0], rel=1e-6)


def test_refuses_rows_on_the_line():
    X = np.column_stack([np.ones(6), [0, 1, 2, 3, 4, 5]])
    with pytest.raises(InsufficientData, match="no scatter between clusters"):
        cluster_robust_ols(X, 1 + 2 * X[:, 1], list("aabbcc"))


def test_little_scatter_is_scatter_whatever_the_unit():
    """Scatter of a millionth of the level is judged as the same scatter around zero is."""
    x = np.log10([1, 8, 70, 2, 7, 13, 4, 9, 27])
    noise = np.array([3, -2, 1, -1, 4, -3, 2, 1, -4]) * 1e-7
    labels = list("aaabbbccc")
    small = cluster_robust_ols(np.column_stack([np.ones(9), x]), 0.4 + noise, labels)
    plain = cluster_robust_ols(np.column_stack([np.ones(9), x]), noise * 1e7, labels)
    assert small.p_values[1] == pytest.approx(plain.p_values[1], rel=1e-6)
