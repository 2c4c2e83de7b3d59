"""What the question of correction is answered with."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Literal

import attrs

from safescale.analyses.headline import Headline
from safescale.analyses.setting import Setting
from safescale.cells import Selection
from safescale.records.outcomes import Tier
from safescale.stats import MisclassificationMatrix, RoganGladenRate, StratifiedRate

__all__ = [
    "Basis",
    "CorrectedGroup",
    "CorrectedSetting",
    "CorrectionOptions",
    "CorrectionResult",
    "CorrectionVerdict",
    "StratumLabels",
]


class Basis(enum.StrEnum):
    """What a corrected rate rests on."""

    OWN = "labels of these traces, by verdict"
    ALONE = "labels of these traces; the grader adds nothing that is shown"
    TRANSPORTED = "error rates of the whole condition, taken to hold for this model"
    NOTHING = "nothing"


class CorrectionVerdict(enum.StrEnum):
    """What may be said of a graded rate."""

    UNDERSTATES = "the grader understates the rate"
    OVERSTATES = "the grader overstates the rate"
    NO_ERROR_SHOWN = "no error of the graded rate is shown"
    NO_GRADED_RATE = "the grader has no such rate; the labels have"
    NOT_IDENTIFIED = "not identified: the grader's verdicts are not shown to carry anything"
    TOO_SMALL = "the sample is too small"


@attrs.frozen(kw_only=True)
class CorrectionOptions:
    """Choices that a result depends on: level, and the half-width below which a rate counts as known (fraction)."""

    level: float
    half_width: float


@attrs.frozen(kw_only=True)
class StratumLabels:
    """Traces of one verdict, those labelled, and those of them that the reference calls a success (parts where raters differ)."""

    verdict: str
    traces: int
    labelled: int
    successes: float


@attrs.frozen(kw_only=True)
class CorrectedGroup:
    """
    One rate of one condition, or of one model in it.

    Attributes
    ----------
    model : str or None
        None: all models of the condition.
    tier : Tier
        Which verdicts of the reference count as success.
    traces, labelled : int
        Traces behind the graded rate, and those of them with an evaluable label.
    graded_rate : float or None
        Uncorrected (fraction); None where the grader's outcome map has no such tier.
    estimate, low, high : float or None
        Corrected (fractions); None where nothing can be said.
    basis : Basis
        What the corrected rate rests on.
    stratified : StratifiedRate or None
        From labels of these traces, where each verdict has some.
    transported : RoganGladenRate or None
        From the error rates of the condition, weighted by the design, where that is what is quoted.
    strata : tuple of StratumLabels
        What was labelled, by verdict of the grader whose verdicts are the strata.
    youden_j, youden_low, youden_high : float or None
        Sensitivity plus specificity minus 1 of the grader, weighted by the design.
    design_effect, trace_effect : float
        For labelled and for all traces that share prompts; J's interval is wider by the root of the first.
    among_these : tuple of (float, float) or None
        Limits of the rate of these traces and no others: whether the graded rate errs is told by them.
    unlabelled_share : float
        Share of the traces in verdicts without any label, at most 5 %: counted as none at the lower limit, as all at the upper.
    labels_needed : int or None
        Labels of these traces that would bring the half-width to the one wanted, in all.
    words : str
        In a sentence.
    """

    model: str | None
    tier: Tier
    traces: int
    labelled: int
    graded_rate: float | None
    estimate: float | None
    low: float | None
    high: float | None
    basis: Basis
    stratified: StratifiedRate | None
    transported: RoganGladenRate | None
    strata: tuple[StratumLabels, ...]
    matrix: MisclassificationMatrix | None
    youden_j: float | None
    youden_low: float | None
    youden_high: float | None
    design_effect: float
    trace_effect: float
    among_these: tuple[float, float] | None
    unlabelled_share: float
    labels_needed: int | None
    verdict: CorrectionVerdict
    words: str


@attrs.frozen(kw_only=True)
class CorrectedSetting:
    """One grader, target and condition: each tier over all models, then each model."""

    setting: Setting
    rates: tuple[CorrectedGroup, ...]
    models: tuple[CorrectedGroup, ...]
    words: str


@attrs.frozen(kw_only=True)
class CorrectionResult:
    """Corrected beside graded rates; ``answer`` in words, every number in ``settings``."""

    fingerprint: str
    selection: Selection
    options: CorrectionOptions
    reference: str
    reference_kind: Literal["human", "grader"]
    settings: tuple[CorrectedSetting, ...]
    graders_without_rows: Mapping[str, str]
    caveats: tuple[str, ...]
    answer: str

    @property
    def headlines(self) -> tuple[Headline, ...]:
        """The corrected rate of each setting and tier."""
        return tuple(
            Headline(
                setting=setting.setting.words,
                quantity=f"corrected {found.tier.value} rate",
                unit="fraction",
                estimate=found.estimate,
                low=found.low,
                high=found.high,
                p_value=None,
                verdict=found.verdict.value,
                n_models=None,
                n_rows=found.traces,
            )
            for setting in self.settings
            for found in setting.rates
        )
