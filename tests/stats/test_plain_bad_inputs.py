"""Plain mistakes at the door of every function: each is a DomainError that names the argument, never an error of numpy."""

import numpy as np
import pytest

from safescale import stats
from safescale.errors import DomainError

SIZES, RATES = [1.0, 2.0, 4.0, 9.0], [0.1, 0.2, 0.3, 0.5]
FOUR = list("aabb")
X, Y = [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 4.0]], [0.1, 0.3, 0.2, 0.6]
K, N = [0, 1, 2, 3] * 5, [4] * 20

# the name of the argument, and a call that takes it
ROWS = np.eye(4)
LABELLED = {
    "cohen_kappa": ("a", lambda bad: stats.cohen_kappa(bad, FOUR)),
    "cohen_kappa, categories": ("categories", lambda bad: stats.cohen_kappa(FOUR, FOUR, categories=bad)),
    "pabak": ("b", lambda bad: stats.pabak(FOUR, bad)),
    "gwet_ac1": ("ratings", lambda bad: stats.gwet_ac1(bad)),
    "gwet_ac1, one unit": ("unit 1 of ratings", lambda bad: stats.gwet_ac1([[1, 1], bad])),
    "krippendorff_alpha": ("ratings", lambda bad: stats.krippendorff_alpha(bad)),
    "fleiss_kappa": ("counts", lambda bad: stats.fleiss_kappa(bad)),
    "eta_squared": ("groups", lambda bad: stats.eta_squared(RATES, bad)),
    "eta_squared_binomial_null": ("groups", lambda bad: stats.eta_squared_binomial_null([1, 2, 3, 4], [9] * 4, bad)),
    "intraclass_correlation": ("groups", lambda bad: stats.intraclass_correlation(RATES, bad)),
    "commonality": ("first", lambda bad: stats.commonality(RATES, bad, SIZES)),
    "classifier_entropy": ("clusters", lambda bad: stats.classifier_entropy([[0.5, 0.5]] * 4, clusters=bad)),
    "cluster_robust_ols": ("clusters", lambda bad: stats.cluster_robust_ols(X, Y, bad)),
    "leave_one_family_out": ("families", lambda bad: stats.leave_one_family_out(SIZES, RATES, bad)),
    "within_group_slope": ("groups", lambda bad: stats.within_group_slope(SIZES, RATES, bad)),
    "log_scaling_slopes": ("groups", lambda bad: stats.log_scaling_slopes(SIZES, RATES, bad)),
    "permutation_slope_test": ("groups", lambda bad: stats.permutation_slope_test(SIZES, RATES, groups=bad)),
    "size_slope_test": ("groups", lambda bad: stats.size_slope_test(SIZES, RATES, groups=bad)),
    "slopes_over_replicates": ("replicates", lambda bad: stats.slopes_over_replicates(SIZES, RATES, bad)),
    "permutation_slope_power": (
        "groups",
        lambda bad: stats.permutation_slope_power(SIZES, 10, residual_sd=0.1, groups=bad, repeats=100),
    ),
    "curvature_test": ("groups", lambda bad: stats.curvature_test(SIZES, RATES, groups=bad)),
    "permutation_test": ("blocks", lambda bad: stats.permutation_test(RATES, lambda v: v[:, 0], blocks=bad)),
    "partial_pooling": ("groups", lambda bad: stats.partial_pooling(RATES, RATES, groups=bad)),
    "clustered_mean": ("first", lambda bad: stats.clustered_mean(RATES, bad)),
    "clustered_mean, second": ("second", lambda bad: stats.clustered_mean(RATES, FOUR, bad)),
    "mean_surface": ("models", lambda bad: stats.mean_surface(SIZES, SIZES, RATES, bad)),
    "surface_over_replicates": ("replicates", lambda bad: stats.surface_over_replicates(SIZES, SIZES, RATES, bad)),
    "compute_to_threshold": ("models", lambda bad: stats.compute_to_threshold(SIZES, [1, 2, 3, 4], [2, 3, 4, 5], bad)),
    "kendall_tau": ("ranking_a", lambda bad: stats.kendall_tau(bad, FOUR)),
    "misclassification_matrix": (
        "strata",
        lambda bad: stats.misclassification_matrix([0, 1, 0, 1], [0, 1, 1, 1], sampled_on="strata", strata=bad),
    ),
    "misclassification_by_condition": (
        "conditions",
        lambda bad: stats.misclassification_by_condition([0, 1, 0, 1], [0, 1, 1, 1], bad, sampled_on="nothing"),
    ),
}
# where None means that none are given
OPTIONAL = {
    "clustered_mean, second",
    "classifier_entropy",
    "cohen_kappa, categories",
    "permutation_slope_test",
    "permutation_slope_power",
    "size_slope_test",
    "curvature_test",
    "permutation_test",
    "partial_pooling",
    "misclassification_matrix",
}
# tables, not columns of labels
NO_COLUMN = {"fleiss_kappa", "gwet_ac1", "krippendorff_alpha"}
RANDOM = {
    "cluster_bootstrap": lambda rng: stats.cluster_bootstrap(K, N, rng=rng),
    "eta_squared": lambda rng: stats.eta_squared(RATES, FOUR, rng=rng),
    "eta_squared_binomial_null": lambda rng: stats.eta_squared_binomial_null([1, 2, 3, 4], [9] * 4, FOUR, rng=rng),
    "isotonic_check": lambda rng: stats.isotonic_check([1, 2, 3], [9, 9, 9], rng=rng),
    "krippendorff_alpha": lambda rng: stats.krippendorff_alpha([[1, 1], [2, 1], [2, 2]], rng=rng),
    "permutation_test": lambda rng: stats.permutation_test(RATES, lambda v: v[:, 0], rng=rng),
    "permutation_slope_test": lambda rng: stats.permutation_slope_test(SIZES, RATES, rng=rng),
    "size_slope_test": lambda rng: stats.size_slope_test(SIZES, RATES, rng=rng),
    "permutation_slope_power": lambda rng: stats.permutation_slope_power(SIZES, 10, residual_sd=0.1, repeats=100, rng=rng),
    "spearman_test": lambda rng: stats.spearman_test(SIZES, RATES, rng=rng),
    "refusal_direction_geometry": lambda rng: stats.refusal_direction_geometry({"a": ROWS + 1, "b": ROWS + 2}, ROWS, rng=rng),
}
RAGGED = {
    "refusal_direction_geometry": lambda: stats.refusal_direction_geometry({"a": ROWS, "b": [[1], [1, 2]]}, ROWS),
    "classifier_entropy": lambda: stats.classifier_entropy([[0.5, 0.5], [1.0]]),
    "cohen_kappa_table": lambda: stats.cohen_kappa_table([[1, 2], [3]]),
    "fleiss_kappa": lambda: stats.fleiss_kappa([[1, 2], [3]]),
    "refusal_retention_rate": lambda: stats.refusal_retention_rate([1, 1], [[1, 0], [1]]),
    "refusal_drift": lambda: stats.refusal_drift([[0.1, 0.2], [0.1]], [1, 1], [[1, 0], [1, 1]]),
    "repeated_sample_refusal": lambda: stats.repeated_sample_refusal([[1, 0], [1]]),
    "cochran_armitage_clustered_test": lambda: stats.cochran_armitage_clustered_test([[1, 0], [1]], [[1, 1], [1, 1]], [0, 1]),
    "cochran_armitage_clustered_test, trials": lambda: stats.cochran_armitage_clustered_test(
        [[1, 0], [1, 0]], [[1, 1], [1]], [0, 1]
    ),
    "cluster_bootstrap": lambda: stats.cluster_bootstrap([[1, 2], [3]], N),
    "ols": lambda: stats.ols([[1, 2], [3]], Y),
    "misclassification_matrix": lambda: stats.misclassification_matrix([[1, 2], [3]], [1, 0], sampled_on="nothing"),
}
HUGE = {
    "ols, X": lambda big: stats.ols([[1, 0], [1, big], [1, 2], [1, 3]], Y),
    "ols, y": lambda big: stats.ols(X, [0.1, big, 0.2, 0.3]),
    "cluster_robust_ols": lambda big: stats.cluster_robust_ols(X, [0.1, big, 0.2, 0.3], list("aabc")),
    "clustered_mean": lambda big: stats.clustered_mean([0.1, big, 0.2, 0.3], FOUR),
    "mean_surface": lambda big: stats.mean_surface(
        [1, 3, 10, 30] * 3, np.repeat([1, 10, 100], 4), [*RATES, 5, 3, 4, 1, 2, 7, 1, big], list("abcd") * 3
    ),
    "partial_pooling, estimates": lambda big: stats.partial_pooling([big, 1.0, 2.0, 3.0], [1.0] * 4),
    "partial_pooling, variances": lambda big: stats.partial_pooling([0.0, 1.0, 2.0, 3.0], [big, 1.0, 1.0, 1.0]),
    "commonality, y": lambda big: stats.commonality([big, 0.0, 1.0, 2.0, 3.0], list("aabbb"), [1, 2, 1, 3, 2]),
    "commonality, second": lambda big: stats.commonality([5.0, 0.0, 1.0, 2.0, 3.0], list("aabbb"), [big, 2, 1, 3, 2]),
    "cochran_armitage_test": lambda big: stats.cochran_armitage_test([1, 2, 3], [9, 9, 9], [0, 1, big]),
    "cochran_armitage_clustered_test": lambda big: stats.cochran_armitage_clustered_test(
        [[1, 0], [0, 1]], [[1, 1], [1, 1]], [0, big]
    ),
    "cluster_bootstrap": lambda big: stats.cluster_bootstrap(np.array([K, K]).T, np.array([N, N]).T, contrasts=[big, -1]),
    "intraclass_correlation": lambda big: stats.intraclass_correlation([big, 1.0, 2.0, 3.0], FOUR),
    "eta_squared": lambda big: stats.eta_squared([big, big, big, big], FOUR),
    "krippendorff_alpha": lambda big: stats.krippendorff_alpha([[big, 1.0], [1.0, 1.0]], metric="interval"),
    "log_scaling_slope": lambda big: stats.log_scaling_slope(SIZES, RATES, weights=[big, 1, 1, 1]),
    "slope_power, size_sd": lambda big: stats.slope_power(9, slope_pp_per_decade=1, size_sd_decades=big, residual_sd=0.1),
    "slope_power, slope": lambda big: stats.slope_power(9, slope_pp_per_decade=big, size_sd_decades=1, residual_sd=0.1),
    "detectable_slope_of_standard_error": lambda big: stats.detectable_slope_of_standard_error(big, 9),
}
VANISHING = {
    "ols": lambda small: stats.ols([[small, 0], [small, small], [small, 0]], [1, 2, 4]),
    "partial_pooling": lambda small: stats.partial_pooling([0.0, 1.0, 2.0, 3.0], [small, 1.0, 1.0, 1.0]),
    "cochran_armitage_test": lambda small: stats.cochran_armitage_test([1, 2, 3], [9, 9, 9], [0, 0, small]),
    "slope_power": lambda small: stats.slope_power(9, slope_pp_per_decade=1, size_sd_decades=1, residual_sd=small),
    "log_scaling_slope": lambda small: stats.log_scaling_slope([1, 2, 4, 9], [0.1, 0.2, 0.3, 0.5], weights=[small] * 4),
}


@pytest.mark.parametrize(
    ("case", "bad"),
    [(case, bad) for case in LABELLED for bad in (None, 5, 2.5, "abab") if bad is not None or case not in OPTIONAL],
)
def test_refuses_what_is_no_sequence_of_labels(case, bad):
    name, call = LABELLED[case]
    with pytest.raises(DomainError, match=f"^{name} must be"):
        call(bad)


@pytest.mark.parametrize("case", sorted(LABELLED.keys() - NO_COLUMN - {"log_scaling_slopes"}))
def test_refuses_labels_that_cannot_be_hashed(case):
    name, call = LABELLED[case]
    with pytest.raises(DomainError, match=rf"^{name} must hold labels, got \[1\] at position 2; pass texts, numbers or tuples"):
        call(["a", "b", [1], "b"])


@pytest.mark.parametrize("missing", [None, float("nan")], ids=repr)
@pytest.mark.parametrize("case", sorted(LABELLED.keys() - NO_COLUMN - {"gwet_ac1, one unit"}))
def test_refuses_a_missing_label(case, missing):
    name, call = LABELLED[case]
    with pytest.raises(DomainError, match=rf"^{name} .*(missing label|has no label|must hold labels, got nan).* at position 2"):
        call(["a", "b", missing, "b"])


@pytest.mark.parametrize("bad", [1.0, -1, "x", True, [1, 2]], ids=repr)
@pytest.mark.parametrize("case", RANDOM)
def test_refuses_what_is_no_seed(case, bad):
    """Also where the method needs no random numbers: whether a seed is one does not hang on the size of the data."""
    with pytest.raises(DomainError, match=r"^rng must be a numpy Generator, a seed"):
        RANDOM[case](bad)


@pytest.mark.parametrize("case", RANDOM)
def test_seeds_of_numpy_and_python_are_the_same_seed(case):
    assert RANDOM[case](7) == RANDOM[case](np.int64(7)) == RANDOM[case](np.random.default_rng(7))


@pytest.mark.parametrize("case", RAGGED)
def test_refuses_rows_of_unequal_length(case):
    with pytest.raises(DomainError, match=r"must be .* table|must be an array of counts|must be a one-dimensional column"):
        RAGGED[case]()


@pytest.mark.parametrize("big", [1e66, 1e200, 1e308])
@pytest.mark.parametrize("case", HUGE)
def test_refuses_values_whose_squares_overflow(case, big):
    with pytest.raises(DomainError, match=r"1e60|values equal"):
        HUGE[case](big)


@pytest.mark.parametrize("small", [1e-61, 1e-200, 5e-324])
@pytest.mark.parametrize("case", VANISHING)
def test_refuses_values_whose_squares_vanish(case, small):
    with pytest.raises(DomainError, match="1e-60"):
        VANISHING[case](small)


@pytest.mark.parametrize("case", sorted(HUGE.keys() - {"eta_squared"}))
def test_values_just_below_the_limit_give_finite_numbers(case):
    """Warnings are errors here, so an overflow on the way would show."""
    found = HUGE[case](9e59)
    for name in found.__slots__:
        value = getattr(found, name, None)
        if isinstance(value, float | tuple | np.ndarray) and np.asarray(value).dtype.kind == "f":
            assert np.all(np.isfinite(value)), name


def test_numbers_too_large_for_a_float_are_named():
    for call in (
        lambda: stats.wilson_interval(1, 2, level=10**400),
        lambda: stats.wilson_interval(1, 2, level=10**5000),
        lambda: stats.wilson_interval(3, 10**400),
        lambda: stats.wilson_interval(3, -(10**5000)),
        lambda: stats.fisher_exact_test(1, 10**400, 1, 2),
    ):
        with pytest.raises(DomainError, match=r"must (be a real number below 1.8e308|fit 64-bit integers)"):
            call()


def test_refuses_a_statistic_that_cannot_be_called():
    with pytest.raises(DomainError, match=r"statistic must be a callable .* got None \(NoneType\)"):
        stats.permutation_test(RATES, None)
    with pytest.raises(DomainError, match="statistic must give real numbers"):
        stats.permutation_test(RATES, lambda v: ["x"] * len(v))


def test_response_whose_squares_vanish_has_no_share_to_explain():
    """1e-200 squared is 0: a share of it is not a number, and was a division by zero."""
    fit = stats.ols([[1, 0], [1, 1], [1, 2]], [1e-200, 2e-200, 4e-200])
    assert fit.r_squared is None


@pytest.mark.parametrize("wrong", [None, 5, "plim"])
def test_results_of_other_functions_are_asked_for_by_name(wrong):
    for call, words in (
        (lambda: stats.corrected_rate(3, 4, wrong), "misclassification_matrix"),
        (lambda: stats.rogan_gladen_rate(3, 4, wrong), "misclassification_matrix"),
        (lambda: stats.slope_equivalence_test(wrong), "log_scaling_slope"),
        (lambda: stats.jonckheere_terpstra_test(wrong), "groups"),
    ):
        with pytest.raises(DomainError, match=words):
            call()
