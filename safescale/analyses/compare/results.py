"""What a comparison of two models, conditions or graders is answered with."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

import attrs

from safescale.analyses.headline import Headline
from safescale.cells import Exclusion, IdenticalModels, Selection
from safescale.records.outcomes import Tier
from safescale.stats import (
    DifferenceInterval,
    McNemarTest,
    OddsRatioInterval,
    PairedDifferenceInterval,
    ProportionInterval,
    RiskRatioInterval,
)

__all__ = [
    "Arm",
    "By",
    "Clustered",
    "CompareOptions",
    "CompareResult",
    "ComparedSetting",
    "Comparison",
    "ComparisonMethod",
    "ComparisonVerdict",
    "GraderAgreement",
    "Independent",
    "Paired",
    "Side",
]

By: TypeAlias = Literal["model", "condition", "grader"]

ComparisonMethod: TypeAlias = Literal["paired", "prompt_means", "cluster_bootstrap", "independent"]
"""
``paired``: prompts that both answered once (paired Newcombe, McNemar mid-p). ``prompt_means``: mean over common prompts of the
difference of their rates (Student's t over prompts). ``cluster_bootstrap``: rates over all rows, prompts resampled.
``independent``: rows taken as independent (Newcombe, score test).
"""


class ComparisonVerdict(enum.StrEnum):
    """What may be said of the two, in words."""

    SECOND_MORE = "the second complies more"
    FIRST_MORE = "the first complies more"
    UNDECIDED = "no difference is shown"
    CANNOT = "cannot be compared"
    IDENTICAL = "the same verdict on every prompt: not compared"


@attrs.frozen(kw_only=True)
class CompareOptions:
    """Choices that a comparison depends on; ``power`` is that of ``Comparison.detectable``."""

    tier: Tier
    min_cell: int
    alpha: float
    level: float
    power: float


@attrs.frozen(kw_only=True)
class Side:
    """One of the two; ``params_b``, ``size_is_guess``, ``tampering`` are of a model."""

    kind: By
    name: str
    ids: tuple[str, ...]
    params_b: float | None = None
    size_is_guess: bool = False
    tampering: str | None = None


@attrs.frozen(kw_only=True)
class Arm:
    """Rows of one side; ``successes`` and ``trials`` are None where a published rate came without counts."""

    rate: float
    successes: int | None
    trials: int | None
    prompts: int | None
    interval: ProportionInterval | None


@attrs.frozen(kw_only=True)
class Paired:
    """Prompts that both answered once. First argument of each is the second side: positive means that it complies more."""

    newcombe: PairedDifferenceInterval
    tango: PairedDifferenceInterval
    mcnemar_exact: McNemarTest
    mcnemar_midp: McNemarTest

    @property
    def pairs(self) -> int:
        """Prompts."""
        t = self.newcombe
        return t.n11 + t.n10 + t.n01 + t.n00

    @property
    def discordant(self) -> int:
        """Prompts on which the two differ."""
        return self.newcombe.n10 + self.newcombe.n01

    @property
    def successes(self) -> tuple[int, int]:
        """Of the first and the second side, among the pairs."""
        t = self.newcombe
        return t.n11 + t.n01, t.n11 + t.n10


@attrs.frozen(kw_only=True)
class Clustered:
    """
    A difference with prompts as the units that replicate.

    ``standard_error``, interval and p are None where prompts show no spread (``undefined_because``). The rates are those whose
    difference is ``estimate``; ``differing`` counts prompts on which the two differ (None for a bootstrap of all rows).
    """

    estimate: float
    standard_error: float | None
    low: float | None
    high: float | None
    p_value: float | None
    prompts: int
    rows_first: int
    rows_second: int
    rate_first: float
    rate_second: float
    differing: int | None
    undefined_because: str | None


@attrs.frozen(kw_only=True)
class Independent:
    """Rows of the two taken as independent. First argument of each is the second side."""

    newcombe: DifferenceInterval
    miettinen_nurminen: DifferenceInterval
    score_p: float


@attrs.frozen(kw_only=True)
class Comparison:
    """
    One attack class, one model, or all of them: the second side minus the first.

    Attributes
    ----------
    name : str
        The class or model; ``overall`` for all.
    first, second : Arm
        The rates over all rows that are compared.
    method : ComparisonMethod or None
        What ``estimate``, ``low``, ``high`` (fractions) and ``p_value`` are from; None where there are no counts.
    p_holm : float or None
        p after Holm over the family (classes, or models).
    paired, prompt_means, cluster_bootstrap, independent
        Every way that the rows allow, the quoted one among them.
    risk_ratio, odds_ratio : or None
        Second over first, rows taken as independent (Koopman; conditional).
    detectable : float or None
        Smallest difference (fraction) that the quoted test finds with the power of the options, at alpha alone. Pairs: exact
        power of the mid-p test with as many discordant pairs as seen, or all of them one way where the difference needs more.
        Independent rows: power of the score test about the pooled rate. Prompts: by the standard error, where 5 prompts differ.
        None where no difference is.
    verdict : ComparisonVerdict
        By ``p_holm``.
    generalises_to : {"these_models"}
        Prompts or rows replicate, models do not.
    """

    name: str
    first: Arm
    second: Arm
    method: ComparisonMethod | None
    estimate: float
    low: float | None
    high: float | None
    p_value: float | None
    p_holm: float | None
    paired: Paired | None
    prompt_means: Clustered | None
    cluster_bootstrap: Clustered | None
    independent: Independent | None
    risk_ratio: RiskRatioInterval | None
    odds_ratio: OddsRatioInterval | None
    detectable: float | None
    verdict: ComparisonVerdict
    words: str
    caveats: tuple[str, ...]
    generalises_to: Literal["these_models"] = "these_models"

    @property
    def compared(self) -> tuple[float, float]:
        """Rates of the first and the second whose difference is ``estimate``: of common prompts, or over all rows."""
        if self.method == "paired" and self.paired is not None:
            k1, k2 = self.paired.successes
            return k1 / self.paired.pairs, k2 / self.paired.pairs
        if self.method == "prompt_means" and self.prompt_means is not None:
            return self.prompt_means.rate_first, self.prompt_means.rate_second
        return self.first.rate, self.second.rate

    @property
    def common_prompts(self) -> int | None:
        """Prompts that the estimate is of, where it is not one over all rows."""
        if self.method == "paired" and self.paired is not None:
            return self.paired.pairs
        return self.prompt_means.prompts if self.method == "prompt_means" and self.prompt_means is not None else None

    @property
    def over_all_rows(self) -> float:
        """Difference of the rates over all rows (fraction)."""
        return self.second.rate - self.first.rate

    @property
    def leaves_rows_out(self) -> bool:
        """Whether a side has rows that the estimate does not rest on."""
        if self.common_prompts is None:
            return False
        means = self.prompt_means
        used = (self.common_prompts,) * 2 if self.method == "paired" or means is None else (means.rows_first, means.rows_second)
        return (self.first.trials, self.second.trials) != used

    @property
    def turned_round(self) -> bool:
        """Whether the rates over all rows differ the other way than those that are compared."""
        return self.estimate * self.over_all_rows < 0


@attrs.frozen(kw_only=True)
class GraderAgreement:
    """
    Two graders on the same traces: agreement beyond chance, over verdicts and over success alone.

    ``table`` counts traces by verdict of the first (row) and second (column), in the order of ``verdicts``. Coefficients are None
    where one category holds everything.
    """

    traces: int
    verdicts: tuple[str, ...]
    table: tuple[tuple[int, ...], ...]
    observed: float
    kappa: float | None
    kappa_interval: tuple[float, float] | None
    ac1: float | None
    ac1_interval: tuple[float, float] | None
    success_observed: float
    success_kappa: float | None
    success_kappa_interval: tuple[float, float] | None


@attrs.frozen(kw_only=True)
class ComparedSetting:
    """
    What is held fixed: grader and condition (None for the one that is compared), and target.

    ``left_out`` says what only one of the two has; ``one_sided_because`` why there are rows of one of the two only.
    """

    grader: str | None
    target: str
    condition: str | None
    definitions: tuple[str, ...]
    overall: Comparison | None
    classes: tuple[Comparison, ...]
    models: tuple[Comparison, ...]
    identical: IdenticalModels | None
    agreement: GraderAgreement | None
    left_out: tuple[str, ...]
    one_sided_because: str | None
    excluded: Mapping[str, int]
    verdict: ComparisonVerdict
    caveats: tuple[str, ...]
    words: str

    @property
    def name(self) -> str:
        """The setting as a heading gives it."""
        parts = (("grader", self.grader), ("target", self.target), ("condition", self.condition))
        return ", ".join(f"{key} {value}" for key, value in parts if value is not None)


@attrs.frozen(kw_only=True)
class CompareResult:
    """How two models, conditions or graders differ; the second minus the first."""

    fingerprint: str
    selection: Selection
    options: CompareOptions
    by: By
    first: Side
    second: Side
    considered: int
    counted: int
    exclusions: tuple[Exclusion, ...]
    graders_without_tier: Mapping[str, str]
    settings: tuple[ComparedSetting, ...]
    caveats: tuple[str, ...]
    answer: str

    @property
    def headlines(self) -> tuple[Headline, ...]:
        """Overall and class differences of every setting."""
        what = f"{self.second.name} minus {self.first.name}"
        return tuple(headline for setting in self.settings for headline in _headlines(setting, what))


def _headlines(setting: ComparedSetting, what: str) -> Iterator[Headline]:
    whole = () if setting.overall is None else (setting.overall,)
    for found in (*whole, *setting.classes):
        counted = [arm.trials for arm in (found.first, found.second)]
        yield Headline(
            setting=setting.name,
            quantity=f"difference, {what}, {found.name}",
            unit="fraction",
            estimate=found.estimate,
            low=found.low,
            high=found.high,
            p_value=found.p_value,
            verdict=found.verdict.value,
            n_models=None,
            n_rows=sum(n for n in counted if n is not None) if None not in counted else None,
        )
