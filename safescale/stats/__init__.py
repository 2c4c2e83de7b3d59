"""
Numbers only: one file per quantity, on NumPy, SciPy and attrs.

Pure functions on counts and arrays; results are frozen, carry their inputs and are never NaN: what is not defined is
refused with `DomainError` or `InsufficientData`. Two things hold throughout. Rates are fractions, slopes say their
unit in their name. A result about size says what it ``generalises_to``: ``these_models`` where rows replicate,
``new_models`` where models do.
"""

from safescale.stats.clopper_pearson import clopper_pearson_interval
from safescale.stats.difference import DifferenceInterval, DifferenceMethod, PairedDifferenceInterval
from safescale.stats.equivalence import SlopeEquivalenceTest, SlopeEstimate, slope_equivalence_test
from safescale.stats.fisher import Alternative, FisherExactTest, fisher_exact_test
from safescale.stats.holm import HolmResult, holm
from safescale.stats.label import ScalingLabel, scaling_label
from safescale.stats.mcnemar import McNemarTest, mcnemar_exact_test
from safescale.stats.newcombe import newcombe_interval, paired_newcombe_interval
from safescale.stats.ols import OLSFit, ols
from safescale.stats.proportion import IntervalMethod, ProportionInterval, ProportionIntervals
from safescale.stats.raw_difference import RawDifference, raw_difference_per_decade
from safescale.stats.separation import AdjacentPair, AdjacentSeparation, adjacent_separation, disjoint_intervals_alpha
from safescale.stats.shape import SeriesShape, Shape, shape_of_series
from safescale.stats.size_slope import SizeSlopeMethod, SizeSlopeTest, size_slope_test
from safescale.stats.sizes import distinct_sizes, smallest_attainable_p, spread_decades
from safescale.stats.slope import LogScalingSlope, log_scaling_slope
from safescale.stats.slope_permutation import (
    PermutationMethod,
    PermutationSlopeTest,
    SlopeTwoSided,
    permutation_slope_test,
)
from safescale.stats.spearman import SpearmanMethod, SpearmanTest, SpearmanTwoSided, spearman_test
from safescale.stats.wilson import wilson_interval, wilson_intervals
from safescale.stats.within_group import WithinGroupSlope, within_group_slope

__all__ = [
    "AdjacentPair",
    "AdjacentSeparation",
    "Alternative",
    "DifferenceInterval",
    "DifferenceMethod",
    "FisherExactTest",
    "HolmResult",
    "IntervalMethod",
    "LogScalingSlope",
    "McNemarTest",
    "OLSFit",
    "PairedDifferenceInterval",
    "PermutationMethod",
    "PermutationSlopeTest",
    "ProportionInterval",
    "ProportionIntervals",
    "RawDifference",
    "ScalingLabel",
    "SeriesShape",
    "Shape",
    "SizeSlopeMethod",
    "SizeSlopeTest",
    "SlopeEquivalenceTest",
    "SlopeEstimate",
    "SlopeTwoSided",
    "SpearmanMethod",
    "SpearmanTest",
    "SpearmanTwoSided",
    "WithinGroupSlope",
    "adjacent_separation",
    "clopper_pearson_interval",
    "disjoint_intervals_alpha",
    "distinct_sizes",
    "fisher_exact_test",
    "holm",
    "log_scaling_slope",
    "mcnemar_exact_test",
    "newcombe_interval",
    "ols",
    "paired_newcombe_interval",
    "permutation_slope_test",
    "raw_difference_per_decade",
    "scaling_label",
    "shape_of_series",
    "size_slope_test",
    "slope_equivalence_test",
    "smallest_attainable_p",
    "spearman_test",
    "spread_decades",
    "wilson_interval",
    "wilson_intervals",
    "within_group_slope",
]
