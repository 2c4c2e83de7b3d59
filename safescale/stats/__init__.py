"""
Numbers only: one file per quantity, on NumPy, SciPy and attrs.

Pure functions on counts and arrays; results are frozen, carry their inputs and are never NaN: what is not defined is
refused with `DomainError` or `InsufficientData`, or is None with its reason beside it. The one exception are results that
hold many cells in one array (`LogScalingSlopes`): there a number is NaN exactly where the masks and reason codes of the
same result say that it is undefined.

Two things hold throughout. Rates are fractions, slopes say their unit in their name. A result about size says what it
``generalises_to``: ``these_models`` where rows replicate, ``new_models`` where models do.

Results compare with ``==`` as wholes. Those that hold arrays have no hash: as the key of a dict or in a set, use the inputs.

A name is imported from its file when it is first asked for, so that a caller pays for what it uses.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from safescale.stats.agresti_coull import agresti_coull_interval, agresti_coull_intervals
    from safescale.stats.anova_power import AnovaPower, anova_power
    from safescale.stats.benjamini_hochberg import BenjaminiHochbergResult, Dependence, benjamini_hochberg
    from safescale.stats.beta_binomial import BetaBinomialBoundary, BetaBinomialFit, beta_binomial_fit
    from safescale.stats.beta_binomial_regression import BetaBinomialRegression, beta_binomial_regression
    from safescale.stats.between_models import SpreadBetweenModels, spread_between_models
    from safescale.stats.binomial_regression import BinomialDispersion, BinomialRegression, binomial_regression
    from safescale.stats.calibration_error import CalibrationBin, CalibrationBinning, CalibrationError, calibration_error
    from safescale.stats.classifier_entropy import ClassifierEntropy, classifier_entropy
    from safescale.stats.clopper_pearson import clopper_pearson_interval, clopper_pearson_intervals
    from safescale.stats.cluster_bootstrap import BootstrapMethod, ClusterBootstrap, cluster_bootstrap
    from safescale.stats.cluster_robust import (
        ClusterRobustCovariance,
        ClusterRobustKind,
        ClusterRobustOLS,
        cluster_robust_covariance,
        cluster_robust_ols,
    )
    from safescale.stats.clustered_agreement import AgreementCoefficient, ClusteredAgreement, clustered_agreement
    from safescale.stats.clustered_mean import ClusteredMean, MeanVariance, clustered_mean
    from safescale.stats.cochran_armitage import (
        CochranArmitageClusteredTest,
        CochranArmitageMethod,
        CochranArmitageTest,
        cochran_armitage_clustered_test,
        cochran_armitage_test,
    )
    from safescale.stats.cohen_kappa import CohenKappa, cohen_kappa, cohen_kappa_table
    from safescale.stats.commonality import CommonalityAnalysis, CommonalityShares, commonality
    from safescale.stats.compute_to_threshold import ThresholdCompute, compute_to_threshold
    from safescale.stats.corrected_rate import CorrectedRate, CorrectionMethod, corrected_rate
    from safescale.stats.curvature import CurvatureDirection, CurvatureTest, curvature_test
    from safescale.stats.design_effect import DesignEffectInterval, DesignEffectSource, design_effect_wilson_interval
    from safescale.stats.difference import (
        DifferenceInterval,
        DifferenceIntervals,
        DifferenceMethod,
        PairedDifferenceInterval,
        PairedDifferenceMethod,
    )
    from safescale.stats.difference_of_differences import DifferenceOfDifferences, GapInterval, difference_of_differences
    from safescale.stats.effect_meta_regression import EffectMetaRegression, effect_meta_regression
    from safescale.stats.equivalence import SlopeEquivalenceTest, SlopeEstimate, slope_equivalence_test
    from safescale.stats.equivalence_power import (
        EquivalencePlan,
        SlopeEquivalencePower,
        plan_equivalence,
        slope_equivalence_power,
    )
    from safescale.stats.eta_squared import EtaSquared, VarianceSharesFromF, eta_squared, variance_shares_from_f
    from safescale.stats.eta_squared_binomial_null import EtaSquaredBinomialNull, eta_squared_binomial_null
    from safescale.stats.fisher import Alternative, FisherExactTest, fisher_exact_test
    from safescale.stats.fleiss_kappa import FleissKappa, fleiss_kappa
    from safescale.stats.group_residual import (
        LeaveGroupOutResidual,
        ResidualThresholdTest,
        leave_group_out_residuals,
        residual_threshold_test,
    )
    from safescale.stats.gwet import GwetAC, gwet_ac1, gwet_ac2
    from safescale.stats.holm import HolmResult, holm
    from safescale.stats.interaction_surface import ExchangeRate, InteractionSurface, SurfaceEffect, interaction_surface
    from safescale.stats.intraclass import (
        BinaryIntraclassCorrelation,
        IntraclassCorrelation,
        intraclass_correlation,
        intraclass_correlation_binary,
    )
    from safescale.stats.isotonic import IsotonicCheck, IsotonicDirection, MonotoneFit, isotonic_check
    from safescale.stats.item_interaction import ItemInteractionMethod, ItemInteractionSlope, item_interaction_slope
    from safescale.stats.jeffreys import jeffreys_interval, jeffreys_intervals
    from safescale.stats.jonckheere import JonckheereTerpstraTest, jonckheere_terpstra_test
    from safescale.stats.kendall import KendallMethod, KendallTest, RankingAgreement, kendall_tau, kendall_test
    from safescale.stats.krippendorff import KrippendorffAlpha, KrippendorffMetric, krippendorff_alpha
    from safescale.stats.label import ScalingLabel, scaling_label
    from safescale.stats.leave_one_out import LeaveOneOutSlopes, SlopeWithout, leave_one_family_out, leave_one_model_out
    from safescale.stats.mcnemar import McNemarMethod, McNemarTest, mcnemar_exact_test, mcnemar_midp_test
    from safescale.stats.mean_surface import MeanSurface, mean_surface
    from safescale.stats.meta_regression import MetaRegressionMethod, MetaRegressionSlope, meta_regression_slope
    from safescale.stats.miettinen_nurminen import (
        MiettinenNurminenTest,
        miettinen_nurminen_interval,
        miettinen_nurminen_intervals,
        miettinen_nurminen_test,
    )
    from safescale.stats.minimum_detectable import (
        MinimumDetectableSlope,
        detectable_slope_of_standard_error,
        minimum_detectable_slope,
    )
    from safescale.stats.misclassification import (
        MisclassificationMatrix,
        SampledOn,
        misclassification_by_condition,
        misclassification_matrix,
    )
    from safescale.stats.newcombe import newcombe_interval, newcombe_intervals, paired_newcombe_interval
    from safescale.stats.odds_ratio import OddsRatioInterval, OddsRatioMethod, odds_ratio
    from safescale.stats.ols import OLSFit, ols
    from safescale.stats.outweighs import Outweighs, which_outweighs
    from safescale.stats.pabak import Pabak, pabak
    from safescale.stats.paired_difference import PairedDifference, paired_difference
    from safescale.stats.partial_pooling import PartialPooling, TauPrior, partial_pooling
    from safescale.stats.permutation import PermutationTest, Statistic, permutation_test
    from safescale.stats.permutation_power import (
        PermutationDetectableSlope,
        PermutationSlopePower,
        permutation_detectable_slope,
        permutation_slope_power,
    )
    from safescale.stats.plan import ModelsPlan, plan_models
    from safescale.stats.plan_labels import LabelAllocation, LabelsPlan, plan_labels
    from safescale.stats.plan_prompts import PromptsPlan, plan_prompts
    from safescale.stats.power import SlopePower, SpearmanPowerFloor, slope_power, spearman_power_floor
    from safescale.stats.ppi import PPIRate, ppi_rate
    from safescale.stats.prediction import RatePrediction, prediction_interval
    from safescale.stats.proportion import IntervalMethod, ProportionInterval, ProportionIntervals
    from safescale.stats.raw_difference import RawDifference, raw_difference_per_decade
    from safescale.stats.refusal_direction_geometry import RefusalDirectionGeometry, refusal_direction_geometry
    from safescale.stats.refusal_drift import MeanDistance, RefusalDrift, refusal_drift
    from safescale.stats.refusal_retention import RefusalRetention, RefusalShare, refusal_retention_rate
    from safescale.stats.repeated_refusal import RepeatedRefusal, repeated_sample_refusal
    from safescale.stats.risk_ratio import RiskRatioInterval, RiskRatioIntervals, RiskRatioMethod, risk_ratio, risk_ratio_intervals
    from safescale.stats.rogan_gladen import RoganGladenRate, rogan_gladen_rate
    from safescale.stats.scaling_form import FormVerdict, ScalingAxis, ScalingForm, ScalingFormComparison, scaling_form_comparison
    from safescale.stats.scaling_form_over_compute import ScalingFormOverCompute, scaling_form_over_compute
    from safescale.stats.separation import (
        AdjacentPair,
        AdjacentSeparation,
        AdjacentTest,
        adjacent_separation,
        disjoint_intervals_alpha,
    )
    from safescale.stats.shape import SeriesShape, Shape, shape_of_series
    from safescale.stats.share_ratio import ShareRatioNull, share_ratio_null
    from safescale.stats.size_slope import SizeSlopeMethod, SizeSlopeTest, size_slope_test
    from safescale.stats.sizes import distinct_sizes, smallest_attainable_p, spread_decades
    from safescale.stats.slope import LogScalingSlope, SlopeQuantity, log_scaling_slope
    from safescale.stats.slope_permutation import PermutationMethod, PermutationSlopeTest, SlopeTwoSided, permutation_slope_test
    from safescale.stats.slopes_by_group import SLOPE_REASONS, LogScalingSlopes, log_scaling_slopes
    from safescale.stats.slopes_over_replicates import SlopesOverReplicates, slopes_over_replicates
    from safescale.stats.spearman import SpearmanMethod, SpearmanTest, SpearmanTwoSided, spearman_test
    from safescale.stats.stratified_rate import RateOf, StratifiedRate, stratified_rate
    from safescale.stats.surface_over_replicates import ReplicateSurface, SurfaceOverReplicates, surface_over_replicates
    from safescale.stats.tango import tango_interval
    from safescale.stats.temperature_scaling import TemperatureScaling, scaled_probabilities, temperature_scaling
    from safescale.stats.theil_sen import TheilSenIntervalMethod, TheilSenSlope, theil_sen_slope
    from safescale.stats.two_lines import TwoLinesShape, TwoLinesTest, two_lines_test
    from safescale.stats.two_proportion_power import TwoProportionPower, TwoProportionTest, two_proportion_power
    from safescale.stats.two_way import TwoWayEffects, two_way_effects
    from safescale.stats.validation_rate import ValidationMethod, ValidationRate
    from safescale.stats.wilson import wilson_interval, wilson_intervals
    from safescale.stats.wilson_continuity import wilson_continuity_interval, wilson_continuity_intervals
    from safescale.stats.within_group import WithinGroupSlope, within_group_slope
    from safescale.stats.worst_case import (
        WorstCaseDifference,
        WorstCaseSlope,
        worst_case_difference,
        worst_case_slope,
    )

__all__ = [
    "SLOPE_REASONS",
    "AdjacentPair",
    "AdjacentSeparation",
    "AdjacentTest",
    "AgreementCoefficient",
    "Alternative",
    "AnovaPower",
    "BenjaminiHochbergResult",
    "BetaBinomialBoundary",
    "BetaBinomialFit",
    "BetaBinomialRegression",
    "BinaryIntraclassCorrelation",
    "BinomialDispersion",
    "BinomialRegression",
    "BootstrapMethod",
    "CalibrationBin",
    "CalibrationBinning",
    "CalibrationError",
    "ClassifierEntropy",
    "ClusterBootstrap",
    "ClusterRobustCovariance",
    "ClusterRobustKind",
    "ClusterRobustOLS",
    "ClusteredAgreement",
    "ClusteredMean",
    "CochranArmitageClusteredTest",
    "CochranArmitageMethod",
    "CochranArmitageTest",
    "CohenKappa",
    "CommonalityAnalysis",
    "CommonalityShares",
    "CorrectedRate",
    "CorrectionMethod",
    "CurvatureDirection",
    "CurvatureTest",
    "Dependence",
    "DesignEffectInterval",
    "DesignEffectSource",
    "DifferenceInterval",
    "DifferenceIntervals",
    "DifferenceMethod",
    "DifferenceOfDifferences",
    "EffectMetaRegression",
    "EquivalencePlan",
    "EtaSquared",
    "EtaSquaredBinomialNull",
    "ExchangeRate",
    "FisherExactTest",
    "FleissKappa",
    "FormVerdict",
    "GapInterval",
    "GwetAC",
    "HolmResult",
    "InteractionSurface",
    "IntervalMethod",
    "IntraclassCorrelation",
    "IsotonicCheck",
    "IsotonicDirection",
    "ItemInteractionMethod",
    "ItemInteractionSlope",
    "JonckheereTerpstraTest",
    "KendallMethod",
    "KendallTest",
    "KrippendorffAlpha",
    "KrippendorffMetric",
    "LabelAllocation",
    "LabelsPlan",
    "LeaveGroupOutResidual",
    "LeaveOneOutSlopes",
    "LogScalingSlope",
    "LogScalingSlopes",
    "McNemarMethod",
    "McNemarTest",
    "MeanDistance",
    "MeanSurface",
    "MeanVariance",
    "MetaRegressionMethod",
    "MetaRegressionSlope",
    "MiettinenNurminenTest",
    "MinimumDetectableSlope",
    "MisclassificationMatrix",
    "ModelsPlan",
    "MonotoneFit",
    "OLSFit",
    "OddsRatioInterval",
    "OddsRatioMethod",
    "Outweighs",
    "PPIRate",
    "Pabak",
    "PairedDifference",
    "PairedDifferenceInterval",
    "PairedDifferenceMethod",
    "PartialPooling",
    "PermutationDetectableSlope",
    "PermutationMethod",
    "PermutationSlopePower",
    "PermutationSlopeTest",
    "PermutationTest",
    "PromptsPlan",
    "ProportionInterval",
    "ProportionIntervals",
    "RankingAgreement",
    "RateOf",
    "RatePrediction",
    "RawDifference",
    "RefusalDirectionGeometry",
    "RefusalDrift",
    "RefusalRetention",
    "RefusalShare",
    "RepeatedRefusal",
    "ReplicateSurface",
    "ResidualThresholdTest",
    "RiskRatioInterval",
    "RiskRatioIntervals",
    "RiskRatioMethod",
    "RoganGladenRate",
    "SampledOn",
    "ScalingAxis",
    "ScalingForm",
    "ScalingFormComparison",
    "ScalingFormOverCompute",
    "ScalingLabel",
    "SeriesShape",
    "Shape",
    "ShareRatioNull",
    "SizeSlopeMethod",
    "SizeSlopeTest",
    "SlopeEquivalencePower",
    "SlopeEquivalenceTest",
    "SlopeEstimate",
    "SlopePower",
    "SlopeQuantity",
    "SlopeTwoSided",
    "SlopeWithout",
    "SlopesOverReplicates",
    "SpearmanMethod",
    "SpearmanPowerFloor",
    "SpearmanTest",
    "SpearmanTwoSided",
    "SpreadBetweenModels",
    "Statistic",
    "StratifiedRate",
    "SurfaceEffect",
    "SurfaceOverReplicates",
    "TauPrior",
    "TemperatureScaling",
    "TheilSenIntervalMethod",
    "TheilSenSlope",
    "ThresholdCompute",
    "TwoLinesShape",
    "TwoLinesTest",
    "TwoProportionPower",
    "TwoProportionTest",
    "TwoWayEffects",
    "ValidationMethod",
    "ValidationRate",
    "VarianceSharesFromF",
    "WithinGroupSlope",
    "WorstCaseDifference",
    "WorstCaseSlope",
    "adjacent_separation",
    "agresti_coull_interval",
    "agresti_coull_intervals",
    "anova_power",
    "benjamini_hochberg",
    "beta_binomial_fit",
    "beta_binomial_regression",
    "binomial_regression",
    "calibration_error",
    "classifier_entropy",
    "clopper_pearson_interval",
    "clopper_pearson_intervals",
    "cluster_bootstrap",
    "cluster_robust_covariance",
    "cluster_robust_ols",
    "clustered_agreement",
    "clustered_mean",
    "cochran_armitage_clustered_test",
    "cochran_armitage_test",
    "cohen_kappa",
    "cohen_kappa_table",
    "commonality",
    "compute_to_threshold",
    "corrected_rate",
    "curvature_test",
    "design_effect_wilson_interval",
    "detectable_slope_of_standard_error",
    "difference_of_differences",
    "disjoint_intervals_alpha",
    "distinct_sizes",
    "effect_meta_regression",
    "eta_squared",
    "eta_squared_binomial_null",
    "fisher_exact_test",
    "fleiss_kappa",
    "gwet_ac1",
    "gwet_ac2",
    "holm",
    "interaction_surface",
    "intraclass_correlation",
    "intraclass_correlation_binary",
    "isotonic_check",
    "item_interaction_slope",
    "jeffreys_interval",
    "jeffreys_intervals",
    "jonckheere_terpstra_test",
    "kendall_tau",
    "kendall_test",
    "krippendorff_alpha",
    "leave_group_out_residuals",
    "leave_one_family_out",
    "leave_one_model_out",
    "log_scaling_slope",
    "log_scaling_slopes",
    "mcnemar_exact_test",
    "mcnemar_midp_test",
    "mean_surface",
    "meta_regression_slope",
    "miettinen_nurminen_interval",
    "miettinen_nurminen_intervals",
    "miettinen_nurminen_test",
    "minimum_detectable_slope",
    "misclassification_by_condition",
    "misclassification_matrix",
    "newcombe_interval",
    "newcombe_intervals",
    "odds_ratio",
    "ols",
    "pabak",
    "paired_difference",
    "paired_newcombe_interval",
    "partial_pooling",
    "permutation_detectable_slope",
    "permutation_slope_power",
    "permutation_slope_test",
    "permutation_test",
    "plan_equivalence",
    "plan_labels",
    "plan_models",
    "plan_prompts",
    "ppi_rate",
    "prediction_interval",
    "raw_difference_per_decade",
    "refusal_direction_geometry",
    "refusal_drift",
    "refusal_retention_rate",
    "repeated_sample_refusal",
    "residual_threshold_test",
    "risk_ratio",
    "risk_ratio_intervals",
    "rogan_gladen_rate",
    "scaled_probabilities",
    "scaling_form_comparison",
    "scaling_form_over_compute",
    "scaling_label",
    "shape_of_series",
    "share_ratio_null",
    "size_slope_test",
    "slope_equivalence_power",
    "slope_equivalence_test",
    "slope_power",
    "slopes_over_replicates",
    "smallest_attainable_p",
    "spearman_power_floor",
    "spearman_test",
    "spread_between_models",
    "spread_decades",
    "stratified_rate",
    "surface_over_replicates",
    "tango_interval",
    "temperature_scaling",
    "theil_sen_slope",
    "two_lines_test",
    "two_proportion_power",
    "two_way_effects",
    "variance_shares_from_f",
    "which_outweighs",
    "wilson_continuity_interval",
    "wilson_continuity_intervals",
    "wilson_interval",
    "wilson_intervals",
    "within_group_slope",
    "worst_case_difference",
    "worst_case_slope",
]

_HOME = {
    "agresti_coull_interval": "agresti_coull",
    "agresti_coull_intervals": "agresti_coull",
    "AnovaPower": "anova_power",
    "anova_power": "anova_power",
    "BenjaminiHochbergResult": "benjamini_hochberg",
    "Dependence": "benjamini_hochberg",
    "benjamini_hochberg": "benjamini_hochberg",
    "BetaBinomialBoundary": "beta_binomial",
    "BetaBinomialFit": "beta_binomial",
    "beta_binomial_fit": "beta_binomial",
    "BetaBinomialRegression": "beta_binomial_regression",
    "beta_binomial_regression": "beta_binomial_regression",
    "SpreadBetweenModels": "between_models",
    "spread_between_models": "between_models",
    "BinomialDispersion": "binomial_regression",
    "BinomialRegression": "binomial_regression",
    "binomial_regression": "binomial_regression",
    "CalibrationBin": "calibration_error",
    "CalibrationBinning": "calibration_error",
    "CalibrationError": "calibration_error",
    "calibration_error": "calibration_error",
    "ClassifierEntropy": "classifier_entropy",
    "classifier_entropy": "classifier_entropy",
    "clopper_pearson_interval": "clopper_pearson",
    "clopper_pearson_intervals": "clopper_pearson",
    "BootstrapMethod": "cluster_bootstrap",
    "ClusterBootstrap": "cluster_bootstrap",
    "cluster_bootstrap": "cluster_bootstrap",
    "ClusterRobustCovariance": "cluster_robust",
    "ClusterRobustKind": "cluster_robust",
    "ClusterRobustOLS": "cluster_robust",
    "cluster_robust_covariance": "cluster_robust",
    "cluster_robust_ols": "cluster_robust",
    "AgreementCoefficient": "clustered_agreement",
    "ClusteredAgreement": "clustered_agreement",
    "clustered_agreement": "clustered_agreement",
    "ClusteredMean": "clustered_mean",
    "MeanVariance": "clustered_mean",
    "clustered_mean": "clustered_mean",
    "CochranArmitageClusteredTest": "cochran_armitage",
    "CochranArmitageMethod": "cochran_armitage",
    "CochranArmitageTest": "cochran_armitage",
    "cochran_armitage_clustered_test": "cochran_armitage",
    "cochran_armitage_test": "cochran_armitage",
    "CohenKappa": "cohen_kappa",
    "cohen_kappa": "cohen_kappa",
    "cohen_kappa_table": "cohen_kappa",
    "CommonalityAnalysis": "commonality",
    "CommonalityShares": "commonality",
    "commonality": "commonality",
    "ThresholdCompute": "compute_to_threshold",
    "compute_to_threshold": "compute_to_threshold",
    "CorrectedRate": "corrected_rate",
    "CorrectionMethod": "corrected_rate",
    "corrected_rate": "corrected_rate",
    "CurvatureDirection": "curvature",
    "CurvatureTest": "curvature",
    "curvature_test": "curvature",
    "DesignEffectInterval": "design_effect",
    "DesignEffectSource": "design_effect",
    "design_effect_wilson_interval": "design_effect",
    "DifferenceInterval": "difference",
    "DifferenceIntervals": "difference",
    "DifferenceMethod": "difference",
    "PairedDifferenceInterval": "difference",
    "PairedDifferenceMethod": "difference",
    "DifferenceOfDifferences": "difference_of_differences",
    "GapInterval": "difference_of_differences",
    "difference_of_differences": "difference_of_differences",
    "EffectMetaRegression": "effect_meta_regression",
    "effect_meta_regression": "effect_meta_regression",
    "SlopeEquivalenceTest": "equivalence",
    "SlopeEstimate": "equivalence",
    "slope_equivalence_test": "equivalence",
    "EquivalencePlan": "equivalence_power",
    "SlopeEquivalencePower": "equivalence_power",
    "plan_equivalence": "equivalence_power",
    "slope_equivalence_power": "equivalence_power",
    "EtaSquared": "eta_squared",
    "VarianceSharesFromF": "eta_squared",
    "eta_squared": "eta_squared",
    "variance_shares_from_f": "eta_squared",
    "EtaSquaredBinomialNull": "eta_squared_binomial_null",
    "eta_squared_binomial_null": "eta_squared_binomial_null",
    "Alternative": "fisher",
    "FisherExactTest": "fisher",
    "fisher_exact_test": "fisher",
    "FleissKappa": "fleiss_kappa",
    "fleiss_kappa": "fleiss_kappa",
    "LeaveGroupOutResidual": "group_residual",
    "ResidualThresholdTest": "group_residual",
    "leave_group_out_residuals": "group_residual",
    "residual_threshold_test": "group_residual",
    "GwetAC": "gwet",
    "gwet_ac1": "gwet",
    "gwet_ac2": "gwet",
    "HolmResult": "holm",
    "holm": "holm",
    "ExchangeRate": "interaction_surface",
    "InteractionSurface": "interaction_surface",
    "SurfaceEffect": "interaction_surface",
    "interaction_surface": "interaction_surface",
    "BinaryIntraclassCorrelation": "intraclass",
    "IntraclassCorrelation": "intraclass",
    "intraclass_correlation": "intraclass",
    "intraclass_correlation_binary": "intraclass",
    "IsotonicCheck": "isotonic",
    "IsotonicDirection": "isotonic",
    "MonotoneFit": "isotonic",
    "isotonic_check": "isotonic",
    "ItemInteractionMethod": "item_interaction",
    "ItemInteractionSlope": "item_interaction",
    "item_interaction_slope": "item_interaction",
    "jeffreys_interval": "jeffreys",
    "jeffreys_intervals": "jeffreys",
    "JonckheereTerpstraTest": "jonckheere",
    "jonckheere_terpstra_test": "jonckheere",
    "KendallMethod": "kendall",
    "KendallTest": "kendall",
    "RankingAgreement": "kendall",
    "kendall_tau": "kendall",
    "kendall_test": "kendall",
    "KrippendorffAlpha": "krippendorff",
    "KrippendorffMetric": "krippendorff",
    "krippendorff_alpha": "krippendorff",
    "ScalingLabel": "label",
    "scaling_label": "label",
    "LeaveOneOutSlopes": "leave_one_out",
    "SlopeWithout": "leave_one_out",
    "leave_one_family_out": "leave_one_out",
    "leave_one_model_out": "leave_one_out",
    "McNemarMethod": "mcnemar",
    "McNemarTest": "mcnemar",
    "mcnemar_exact_test": "mcnemar",
    "mcnemar_midp_test": "mcnemar",
    "MeanSurface": "mean_surface",
    "mean_surface": "mean_surface",
    "MetaRegressionMethod": "meta_regression",
    "MetaRegressionSlope": "meta_regression",
    "meta_regression_slope": "meta_regression",
    "MiettinenNurminenTest": "miettinen_nurminen",
    "miettinen_nurminen_interval": "miettinen_nurminen",
    "miettinen_nurminen_intervals": "miettinen_nurminen",
    "miettinen_nurminen_test": "miettinen_nurminen",
    "MinimumDetectableSlope": "minimum_detectable",
    "detectable_slope_of_standard_error": "minimum_detectable",
    "minimum_detectable_slope": "minimum_detectable",
    "MisclassificationMatrix": "misclassification",
    "SampledOn": "misclassification",
    "misclassification_by_condition": "misclassification",
    "misclassification_matrix": "misclassification",
    "newcombe_interval": "newcombe",
    "newcombe_intervals": "newcombe",
    "paired_newcombe_interval": "newcombe",
    "OddsRatioInterval": "odds_ratio",
    "OddsRatioMethod": "odds_ratio",
    "odds_ratio": "odds_ratio",
    "OLSFit": "ols",
    "ols": "ols",
    "Outweighs": "outweighs",
    "which_outweighs": "outweighs",
    "Pabak": "pabak",
    "pabak": "pabak",
    "PairedDifference": "paired_difference",
    "paired_difference": "paired_difference",
    "PartialPooling": "partial_pooling",
    "TauPrior": "partial_pooling",
    "partial_pooling": "partial_pooling",
    "PermutationTest": "permutation",
    "Statistic": "permutation",
    "permutation_test": "permutation",
    "PermutationDetectableSlope": "permutation_power",
    "PermutationSlopePower": "permutation_power",
    "permutation_detectable_slope": "permutation_power",
    "permutation_slope_power": "permutation_power",
    "ModelsPlan": "plan",
    "plan_models": "plan",
    "LabelAllocation": "plan_labels",
    "LabelsPlan": "plan_labels",
    "plan_labels": "plan_labels",
    "PromptsPlan": "plan_prompts",
    "plan_prompts": "plan_prompts",
    "SlopePower": "power",
    "SpearmanPowerFloor": "power",
    "slope_power": "power",
    "spearman_power_floor": "power",
    "PPIRate": "ppi",
    "ppi_rate": "ppi",
    "RatePrediction": "prediction",
    "prediction_interval": "prediction",
    "IntervalMethod": "proportion",
    "ProportionInterval": "proportion",
    "ProportionIntervals": "proportion",
    "RawDifference": "raw_difference",
    "raw_difference_per_decade": "raw_difference",
    "RefusalDirectionGeometry": "refusal_direction_geometry",
    "refusal_direction_geometry": "refusal_direction_geometry",
    "MeanDistance": "refusal_drift",
    "RefusalDrift": "refusal_drift",
    "refusal_drift": "refusal_drift",
    "RefusalRetention": "refusal_retention",
    "RefusalShare": "refusal_retention",
    "refusal_retention_rate": "refusal_retention",
    "RepeatedRefusal": "repeated_refusal",
    "repeated_sample_refusal": "repeated_refusal",
    "RiskRatioInterval": "risk_ratio",
    "RiskRatioIntervals": "risk_ratio",
    "RiskRatioMethod": "risk_ratio",
    "risk_ratio": "risk_ratio",
    "risk_ratio_intervals": "risk_ratio",
    "RoganGladenRate": "rogan_gladen",
    "rogan_gladen_rate": "rogan_gladen",
    "FormVerdict": "scaling_form",
    "ScalingForm": "scaling_form",
    "ScalingFormComparison": "scaling_form",
    "scaling_form_comparison": "scaling_form",
    "ScalingAxis": "scaling_form",
    "ScalingFormOverCompute": "scaling_form_over_compute",
    "scaling_form_over_compute": "scaling_form_over_compute",
    "AdjacentPair": "separation",
    "AdjacentSeparation": "separation",
    "AdjacentTest": "separation",
    "adjacent_separation": "separation",
    "disjoint_intervals_alpha": "separation",
    "SeriesShape": "shape",
    "Shape": "shape",
    "shape_of_series": "shape",
    "ShareRatioNull": "share_ratio",
    "share_ratio_null": "share_ratio",
    "SizeSlopeMethod": "size_slope",
    "SizeSlopeTest": "size_slope",
    "size_slope_test": "size_slope",
    "distinct_sizes": "sizes",
    "smallest_attainable_p": "sizes",
    "spread_decades": "sizes",
    "LogScalingSlope": "slope",
    "SlopeQuantity": "slope",
    "log_scaling_slope": "slope",
    "PermutationMethod": "slope_permutation",
    "PermutationSlopeTest": "slope_permutation",
    "SlopeTwoSided": "slope_permutation",
    "permutation_slope_test": "slope_permutation",
    "LogScalingSlopes": "slopes_by_group",
    "SLOPE_REASONS": "slopes_by_group",
    "log_scaling_slopes": "slopes_by_group",
    "SlopesOverReplicates": "slopes_over_replicates",
    "slopes_over_replicates": "slopes_over_replicates",
    "SpearmanMethod": "spearman",
    "SpearmanTest": "spearman",
    "SpearmanTwoSided": "spearman",
    "spearman_test": "spearman",
    "RateOf": "stratified_rate",
    "StratifiedRate": "stratified_rate",
    "stratified_rate": "stratified_rate",
    "ReplicateSurface": "surface_over_replicates",
    "SurfaceOverReplicates": "surface_over_replicates",
    "surface_over_replicates": "surface_over_replicates",
    "tango_interval": "tango",
    "TemperatureScaling": "temperature_scaling",
    "scaled_probabilities": "temperature_scaling",
    "temperature_scaling": "temperature_scaling",
    "TheilSenIntervalMethod": "theil_sen",
    "TheilSenSlope": "theil_sen",
    "theil_sen_slope": "theil_sen",
    "TwoLinesShape": "two_lines",
    "TwoLinesTest": "two_lines",
    "two_lines_test": "two_lines",
    "TwoProportionPower": "two_proportion_power",
    "TwoProportionTest": "two_proportion_power",
    "two_proportion_power": "two_proportion_power",
    "TwoWayEffects": "two_way",
    "two_way_effects": "two_way",
    "ValidationMethod": "validation_rate",
    "ValidationRate": "validation_rate",
    "wilson_interval": "wilson",
    "wilson_intervals": "wilson",
    "wilson_continuity_interval": "wilson_continuity",
    "wilson_continuity_intervals": "wilson_continuity",
    "WithinGroupSlope": "within_group",
    "within_group_slope": "within_group",
    "WorstCaseDifference": "worst_case",
    "WorstCaseSlope": "worst_case",
    "worst_case_difference": "worst_case",
    "worst_case_slope": "worst_case",
}


class _Room(ModuleType):
    """
    The package, in which a file never hides the function of the same name.

    When a file is imported, Python binds it to its name in the package; where the file's own function has that name
    (`holm` in holm.py), the function is bound instead, as an eager import of it would have done.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if isinstance(value, ModuleType) and _HOME.get(name) == name:
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Room


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
