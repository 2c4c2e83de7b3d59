"""What the question of agreement is answered with."""

from __future__ import annotations

import enum
from typing import Literal

import attrs

from safescale.analyses.headline import Headline
from safescale.cells import Selection
from safescale.stats import ClusteredAgreement, RankingAgreement

__all__ = ["AgreementGroup", "AgreementPair", "AgreementResult", "AgreementVerdict", "Ranking"]


class AgreementVerdict(enum.StrEnum):
    """What may be said of two graders."""

    BEYOND_CHANCE = "agree beyond chance"
    NOT_SHOWN = "not identified: agreement is not shown to be beyond chance"
    BELOW_CHANCE = "agree less than chance would: are the labels of one swapped?"
    CANNOT = "cannot be compared"


@attrs.frozen(kw_only=True)
class AgreementGroup:
    """
    Two graders on the traces of one condition, or of one model in it (``model`` None: all models).

    ``found`` is None where there are too few traces, and ``words`` say why.
    """

    condition: str
    model: str | None
    traces: int
    found: ClusteredAgreement | None
    verdict: AgreementVerdict
    words: str


@attrs.frozen(kw_only=True)
class Ranking:
    """
    How stable the order of models is between two graders, in one condition, by the strict rate on the same traces.

    Attributes
    ----------
    agreement : RankingAgreement
        Kendall's tau-b and the pairs that change places.
    rates : tuple of (model, rate by the first, rate by the second)
        Fractions, in the first's order.
    beyond_noise : tuple of (model, model)
        Of the exchanged pairs, those whose difference excludes 0 by either grader, in opposite directions.
    words : str
        In a sentence.
    """

    condition: str
    agreement: RankingAgreement
    rates: tuple[tuple[str, float, float], ...]
    beyond_noise: tuple[tuple[str, str], ...]
    words: str


@attrs.frozen(kw_only=True)
class AgreementPair:
    """
    Two graders, or a grader and people.

    ``levels`` are what they are compared by; ``weighted`` says whether traces count by their chance to be in a sample.
    """

    first: str
    second: str
    target: str
    levels: tuple[str, ...]
    weighted: bool
    conditions: tuple[AgreementGroup, ...]
    models: tuple[AgreementGroup, ...]
    rankings: tuple[Ranking, ...]
    ranking_unavailable: tuple[str, ...]
    depends_on_condition: str | None
    words: str


@attrs.frozen(kw_only=True)
class AgreementResult:
    """How far graders agree; ``answer`` in words, every number in ``pairs``."""

    fingerprint: str
    selection: Selection
    level: float
    min_rows: int
    pairs: tuple[AgreementPair, ...]
    caveats: tuple[str, ...]
    answer: str
    generalises_to: Literal["these_models"] = "these_models"

    @property
    def headlines(self) -> tuple[Headline, ...]:
        """Kappa per pair and condition."""
        return tuple(
            Headline(
                setting=f"{pair.first} and {pair.second}, target {pair.target}, condition {group.condition}",
                quantity="Cohen's kappa",
                unit="",
                estimate=None if group.found is None else group.found.kappa.estimate,
                low=None if group.found is None else group.found.kappa.low,
                high=None if group.found is None else group.found.kappa.high,
                p_value=None,
                verdict=group.verdict.value,
                n_models=None,
                n_rows=group.traces,
            )
            for pair in self.pairs
            for group in pair.conditions
        )
