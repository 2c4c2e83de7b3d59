"""What is the rate behind a grader's verdicts? Per setting and per model, strict and broad."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from safescale.analyses.correction.group import Rows, corrected_group
from safescale.analyses.correction.results import (
    Basis,
    CorrectedGroup,
    CorrectedSetting,
    CorrectionOptions,
    CorrectionResult,
)
from safescale.analyses.correction.sentences import answer_words, setting_words
from safescale.analyses.reference import Graded, Reference
from safescale.analyses.setting import Setting
from safescale.cells import Selection
from safescale.errors import DomainError
from safescale.records.outcomes import Tier

__all__ = ["analyze_correction", "population"]


def analyze_correction(
    graded: Sequence[Graded],
    tiers: Mapping[str, Sequence[Tier]],
    reference: Reference,
    *,
    fingerprint: str,
    selection: Selection,
    half_width: float = 0.10,
    level: float = 0.95,
    models: bool = True,
) -> CorrectionResult:
    """
    Corrected strict and broad rates of each setting and each model in it.

    Over all models of a condition the rate is post-stratified: ``sum_h W_h p_h`` over the verdicts h that traces were drawn on,
    W their shares among all traces and p the share of the labelled that the reference calls a success. Nothing is assumed of
    the grader; one whose verdicts carry nothing costs nothing, and the labels alone then tell the rate. A model whose own labels
    are too few is corrected by the grader's sensitivity and specificity in that condition, weighted by the design (Rogan and
    Gladen), if they are separated from chance: predictive values move with the rate and are not taken from other models.

    Parameters
    ----------
    graded : sequence of Graded
        The graders to correct, each on one target.
    tiers : mapping of grader to sequence of Tier
        The tiers that its outcome map distinguishes.
    reference : Reference
        Labels of people, or another grader.
    fingerprint, selection
        Of the corpus.
    half_width : float, default 0.10
        A corrected rate known less well than this is called too small a sample. Unit: fraction.
    level : float, default 0.95
        Nominal coverage of every interval. Unit: probability.
    models : bool, default True
        Give each model's rate too.

    Returns
    -------
    CorrectionResult
        ``answer`` in words; graded and corrected rates side by side in ``settings``.

    Raises
    ------
    DomainError
        If an option is out of range, or nothing is to be corrected.

    References
    ----------
    .. [1] D. Holt, T. M. F. Smith (1979), J. R. Statist. Soc. A 142, 33-46 (post-stratification).
    .. [2] C. B. Begg, R. A. Greenes (1983), Biometrics 39, 207-215 (verification bias).
    """
    if not 0 < half_width < 0.5:
        raise DomainError(f"the half-width wanted must lie in (0, 50) pp, got {100 * half_width:g}")
    if not graded:
        raise DomainError("no grader is left to correct; name one with --grader that is not the reference")
    options = CorrectionOptions(level=level, half_width=half_width)
    settings: list[CorrectedSetting] = []
    without: dict[str, str] = {}
    for own in graded:
        rows, stratum = population(own, reference)
        if not any(name in reference.labels for name in rows.trace_id.tolist()):
            without[own.grader] = "no trace with a label"
            continue
        settings += _settings(rows, stratum, tiers[own.grader], reference, options, each_model=models)
    return CorrectionResult(
        fingerprint=fingerprint,
        selection=selection,
        options=options,
        reference=reference.name,
        reference_kind=reference.kind,
        settings=tuple(settings),
        graders_without_rows=without,
        caveats=(*reference.notes, *_caveats(settings)),
        answer=answer_words(settings, reference.name),
    )


def population(graded: Graded, reference: Reference) -> tuple[Graded, npt.NDArray[np.object_]]:
    """
    The traces whose rate is asked for, and the stratum of each.

    Labels of people are by stratum of the sample, so traces count that both the sampled grader and this one have a verdict on,
    in the strata of the former; of another grader, the strata are this grader's own verdicts.
    """
    if reference.base is None or reference.base.grader == graded.grader:
        return graded, graded.verdict
    places = reference.base.places
    both = np.array([row for row, name in enumerate(graded.trace_id.tolist()) if name in places], dtype=np.int64)
    rows = graded.take(both)
    return rows, np.array([reference.base.verdict[places[name]] for name in rows.trace_id.tolist()], dtype=object)


def _settings(
    graded: Graded,
    stratum: npt.NDArray[np.object_],
    tiers: Sequence[Tier],
    reference: Reference,
    options: CorrectionOptions,
    *,
    each_model: bool,
) -> list[CorrectedSetting]:
    labelled = np.array([name in reference.labels for name in graded.trace_id.tolist()], dtype=np.bool_)
    truth: dict[Tier, npt.NDArray[np.float64]] = {
        tier: np.array(
            [np.nan if (share := reference.share(name, tier)) is None else share for name in graded.trace_id.tolist()],
            dtype=np.float64,
        )
        for tier in reference.tiers
    }
    found = []
    for condition in sorted(set(graded.condition.tolist())):
        here = graded.condition == condition
        if not (here & labelled).any():
            continue
        rates: list[CorrectedGroup] = []
        models: list[CorrectedGroup] = []
        for tier in reference.tiers:
            positive = graded.positive(tier) if tier in tiers else None

            def rows_of(mask: npt.NDArray[np.bool_], tier: Tier = tier, positive: npt.NDArray[np.bool_] | None = positive) -> Rows:
                return Rows(
                    stratum=stratum[mask],
                    prompt=graded.prompt[mask],
                    truth=truth[tier][mask],
                    unusable=(labelled & np.isnan(truth[tier]))[mask],
                    positive=None if positive is None else positive[mask],
                )

            whole = corrected_group(rows_of(here), model=None, tier=tier, options=options)
            rates.append(whole)
            names = sorted(set(graded.model[here].tolist()))
            if len(names) > 1 and each_model:
                models += [
                    corrected_group(rows_of(here & (graded.model == name)), model=name, tier=tier, options=options, whole=whole)
                    for name in names
                ]
        setting = Setting(grader=graded.grader, target=graded.target, condition=condition)
        found.append(
            CorrectedSetting(setting=setting, rates=tuple(rates), models=tuple(models), words=setting_words(rates, models))
        )
    return found


def _caveats(settings: Sequence[CorrectedSetting]) -> list[str]:
    found = []
    many = [group for setting in settings for group in (*setting.rates, *setting.models)]
    if any(group.basis is Basis.TRANSPORTED for group in many):
        found.append(
            "a model's rate by the error rates of its condition is right only if the grader errs on it as on the others; "
            "predictive values are not carried over, for they move with the rate"
        )
    worst = max((max(group.design_effect, group.trace_effect) for group in many), default=1.0)
    if worst > 1.5:
        found.append(f"traces share prompts: variances are up to {worst:.1f} times those of separate prompts")
    return found
