"""What a card of residual safety holds: every figure with what it rests on, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import attrs

from safescale.analyses.compare import CompareResult
from safescale.analyses.correction import CorrectedGroup
from safescale.analyses.headline import Headline
from safescale.analyses.lineage import GapPair
from safescale.analyses.setting import Setting
from safescale.cells import Selection
from safescale.records.outcomes import Tier

__all__ = [
    "PROPOSAL",
    "AgainstBase",
    "Band",
    "ClusteredRate",
    "Corrected",
    "GraderError",
    "NotTold",
    "OverRefusal",
    "PromptSet",
    "PromptUse",
    "PublishedRate",
    "RatesOfGrader",
    "RatesOfRows",
    "ResidualSafety",
    "RunFact",
    "SizeFact",
    "Subject",
    "Variant",
]


@attrs.frozen(kw_only=True)
class SizeFact:
    """Sizes in billions of parameters, None where not known; ``source`` says where from, ``note`` what is doubtful."""

    params_total_b: float | None
    params_active_b: float | None
    source: str
    note: str | None


@attrs.frozen(kw_only=True)
class Subject:
    """
    The model that a card is about.

    ``model`` is the name that was asked for, ``model_ids`` the ids of the sources. ``tampering`` is what the registry reads from
    ids and provenance (``tampering_detail`` says how): nothing was looked for in weights.
    """

    model: str
    model_ids: tuple[str, ...]
    size: SizeFact
    developer: str | None
    hosts: tuple[str, ...]
    family: str | None
    lineage: str | None
    released: str | None
    tampering: str
    tampering_detail: tuple[str, ...]


@attrs.frozen(kw_only=True)
class RunFact:
    """A run that made traces of this model, as its manifest says; numbers of its sampling only."""

    tool: str
    tool_version: str | None
    model_revision: str | None
    chat_template_sha256: str | None
    prompt_set_sha256: str | None
    sampling: Mapping[str, float | bool]


@attrs.frozen(kw_only=True)
class PromptUse:
    """Prompts of one kind, attack class and condition. ``most_traces`` is the largest number of traces of one prompt."""

    kind: str
    attack_class: str
    condition: str
    traces: int
    prompts: int
    most_traces: int


HashBasis: TypeAlias = Literal["texts", "ids"]


@attrs.frozen(kw_only=True)
class PromptSet:
    """
    The prompts of one kind, whatever is graded of them.

    ``sha256`` is over the sorted hashes of the texts (``basis`` "texts": equal sets in any corpus have equal hashes), or over
    sorted prompt ids where the text of a prompt has no hash here ("ids").
    """

    kind: str
    prompts: int
    traces: int
    sha256: str
    basis: HashBasis


@attrs.frozen(kw_only=True)
class ClusteredRate:
    """
    Successes over evaluable rows with a two-sided interval that takes prompts for what replicates.

    ``effective_trials`` is the number of independent rows that they are worth; ``method`` how the interval was made.
    """

    tier: Tier
    definition: str
    successes: int
    trials: int
    prompts: int
    estimate: float
    low: float
    high: float
    level: float
    effective_trials: float
    method: Literal["wilson_design_effect", "wilson_one_prompt"]


@attrs.frozen(kw_only=True)
class RatesOfRows:
    """Rates of one attack class (None: all of them) under one grader, target and condition; ``verdicts`` are counts."""

    attack_class: str | None
    rows: int
    prompts: int
    verdicts: Mapping[str, int]
    rates: tuple[ClusteredRate, ...]

    def rate(self, tier: Tier) -> ClusteredRate | None:
        """The rate of a tier, where the grader has it."""
        return next((found for found in self.rates if found.tier is tier), None)


@attrs.frozen(kw_only=True)
class RatesOfGrader:
    """
    What one grader says of this model, on one target, under one condition.

    ``is_keyword``: a keyword rule, which is no grader of harm. ``missing_tiers``: why a tier has no rate. ``excluded``: graded rows
    of this model here that are in no rate, by reason.
    """

    setting: Setting
    grader_kinds: tuple[str, ...]
    is_keyword: bool
    overall: RatesOfRows
    classes: tuple[RatesOfRows, ...]
    missing_tiers: Mapping[str, str]
    excluded: Mapping[str, int]


@attrs.frozen(kw_only=True)
class PublishedRate:
    """
    A published rate without rows: nothing can be clustered, paired or corrected.

    ``low`` and ``high`` are as printed; ``if_independent`` is Wilson's interval of the counts that rate and n imply, as though rows
    were independent, None where they imply none.
    """

    source: str
    setting: Setting
    attack_class: str
    tier: Tier
    rate: float
    n: int | None
    low: float | None
    high: float | None
    if_independent: tuple[float, float] | None


@attrs.frozen(kw_only=True)
class OverRefusal:
    """
    Refusals of benign prompts under one grader, target and condition.

    ``rate`` is None, and ``unknown_because`` says why, where the grader does not tell a refusal from another answer.
    ``attacked_here`` says whether attack success was measured under this condition too: under another one, the model may be in
    another state (a direction added in one and removed in the other), and the two figures are not of one model.
    """

    model: str
    setting: Setting
    is_keyword: bool
    attacked_here: bool
    rows: int
    prompts: int
    rate: ClusteredRate | None
    partial: int
    unknown_because: str | None


@attrs.frozen(kw_only=True)
class Band:
    """Lowest and highest rate of one tier over graders; ``same_rows``: all of them over as many rows of as many prompts."""

    target: str
    condition: str
    tier: Tier
    low: float
    high: float
    low_grader: str
    high_grader: str
    graders: int
    same_rows: bool


@attrs.frozen(kw_only=True)
class Corrected:
    """The graded rate of this model beside the one that the reference implies."""

    setting: Setting
    found: CorrectedGroup


@attrs.frozen(kw_only=True)
class GraderError:
    """
    What is known of the graders' errors.

    ``reference`` names the labels or the grader that grades were held against, None where there is none; then ``unknown_because``
    says so and ``bands`` are all there is: graders that agree may err together.
    """

    reference: str | None
    reference_kind: Literal["human", "grader"] | None
    corrected: tuple[Corrected, ...]
    notes: tuple[str, ...]
    bands: tuple[Band, ...]
    unknown_because: str | None


@attrs.frozen(kw_only=True)
class Variant:
    """A tampered model whose base the model of the card is, under one grader, target and condition."""

    setting: str
    pair: GapPair


@attrs.frozen(kw_only=True)
class AgainstBase:
    """
    The model against its base on the same prompts.

    ``found_by`` says how the base was found; ``compared`` is a comparison for each tier (this model minus base); ``variants`` are
    the tampered models of this corpus whose base this model is.
    """

    base: str | None
    found_by: str | None
    unavailable: str | None
    compared: tuple[CompareResult, ...]
    over_refusal: tuple[OverRefusal, ...]
    variants: tuple[Variant, ...]


@attrs.frozen(kw_only=True)
class NotTold:
    """What this corpus does not tell of the model, and what would."""

    what: str
    would: str


@attrs.frozen(kw_only=True)
class ResidualSafety:
    """
    The residual safety of one model, as far as a corpus tells.

    ``answer`` in words; ``not_told`` is what the corpus cannot answer, ``not_to_conclude`` what a reader must not take from it.
    """

    fingerprint: str
    selection: Selection
    level: float
    min_cell: int
    sources: tuple[str, ...]
    subject: Subject
    runs: tuple[RunFact, ...]
    prompt_sets: tuple[PromptSet, ...]
    prompts: tuple[PromptUse, ...]
    ungraded_traces: int
    rates: tuple[RatesOfGrader, ...]
    published: tuple[PublishedRate, ...]
    grader_error: GraderError
    over_refusal: tuple[OverRefusal, ...]
    against_base: AgainstBase
    not_told: tuple[NotTold, ...]
    not_to_conclude: tuple[str, ...]
    caveats: tuple[str, ...]
    answer: str

    @property
    def graded(self) -> tuple[RatesOfGrader, ...]:
        """Rates of graders of harm; keyword rules only where there is no other."""
        return tuple(found for found in self.rates if not found.is_keyword) or self.rates

    @property
    def headlines(self) -> tuple[Headline, ...]:
        """The rate of every grader, target, condition and tier, and the over-refusal beside it."""
        found = [_headline(rates.setting, f"{rate.tier.value} rate", rate) for rates in self.rates for rate in rates.overall.rates]
        found += [_headline(own.setting, "over-refusal", own.rate) for own in self.over_refusal if own.rate is not None]
        return tuple(found)


def _headline(setting: Setting, quantity: str, rate: ClusteredRate) -> Headline:
    return Headline(
        setting=setting.words,
        quantity=quantity,
        unit="fraction",
        estimate=rate.estimate,
        low=rate.low,
        high=rate.high,
        p_value=None,
        verdict="",
        n_models=1,
        n_rows=rate.trials,
    )


PROPOSAL: Final = (
    "No standard exists for measuring the residual safety of a model, before or after abliteration: this card is a proposal, and "
    "its figures are not comparable with those of another protocol."
)
