"""Does provider or scale carry the differences between models? One answer per grader, target and condition."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from safescale.analyses.safety_roi.results import ProviderVerdict, RoiOptions, SafetyRoiResult, SettingRoi
from safescale.analyses.safety_roi.setting import setting_roi
from safescale.analyses.setting import cells_by_setting, check_choices, why_nothing, with_tier
from safescale.analyses.units import model_units
from safescale.cells import Cells
from safescale.errors import DomainError
from safescale.records.outcomes import Tier

__all__ = ["analyze_safety_roi"]


def analyze_safety_roi(
    cells: Cells,
    models: pa.Table,
    *,
    other_tampering: Cells | None = None,
    by_source: Cells | None = None,
    brief: bool = False,
    tier: Tier = Tier.STRICT,
    claim_classes: Sequence[str] | None = None,
    grader: str | Sequence[str] | None = None,
    min_cell: int = 20,
    alpha: float = 0.05,
    margin_pp: float = 5.0,
    min_decades: float = 0.3,
    level: float = 0.95,
    threshold_pp: float = 10.0,
    label_rows: int = 50,
    resamples: int = 9_999,
    power: float = 0.8,
    planned_pp_per_doubling: Sequence[float] = (2.0, 3.0),
) -> SafetyRoiResult:
    """
    What provider and size carry of the differences between models, apart and together.

    Models are the units: ids of one model are one unit, copies count once, and its provider is its developer. Per grader, target
    and condition: the line on log size, the share of provider with its expectation under no effect, both together, each provider
    beside a line that does not know it, size within providers, and all of it again under other choices.

    Parameters
    ----------
    cells : Cells
        Counts of a corpus, from ``safescale.cells.build_cells``.
    models : pyarrow.Table
        Table ``models`` of the corpus (record Model).
    other_tampering : Cells, optional
        Counts of the same corpus with the other choice on tampered models.
    by_source : Cells, optional
        The same counts with the sources kept apart: a slope on size whose sign is another within sources is not claimed.
    brief : bool, default False
        Without the repetitions under other choices.
    tier : Tier, default strict
        Which verdicts count as success.
    claim_classes : sequence of str, optional
        The attack classes that are asked for; all of them when absent.
    grader : str or sequence of str, optional
        Only this grader or these (label with rubric version, or id).
    min_cell : int, default 20
        Evaluable rows below which a model is shown and not fitted. Unit: rows.
    alpha : float, default 0.05
        Level of every claim. Unit: probability.
    margin_pp : float, default 5.0
        Largest slope that still counts as flat. Unit: percentage points per decade.
    min_decades : float, default 0.3
        Spread of sizes below which no slope is tested. Unit: decades.
    level : float, default 0.95
        Nominal coverage of every interval. Unit: probability.
    threshold_pp : float, default 10.0
        Residual from which a provider is called over- or under-invested. Unit: percentage points.
    label_rows : int, default 50
        Rows below which a provider gets no label. Unit: rows.
    resamples : int, default 9,999
        Random assignments behind a permutation p where not all can be enumerated.
    power : float, default 0.8
        Of the smallest effects that are stated. Unit: probability.
    planned_pp_per_doubling : sequence of float, default (2, 3)
        Slopes for which the number of models is given. Unit: percentage points per doubling.

    Returns
    -------
    SafetyRoiResult
        ``answer`` in words; every number in ``settings``.

    Raises
    ------
    DomainError
        If a parameter is outside its range, or no grader of that name has graded anything.
    """
    _check(min_cell, alpha, margin_pp, threshold_pp, resamples)
    options = RoiOptions(
        tier=tier,
        min_cell=min_cell,
        alpha=alpha,
        margin_pp=margin_pp,
        min_decades=min_decades,
        level=level,
        threshold_pp=threshold_pp,
        label_rows=label_rows,
        resamples=resamples,
        power=power,
        planned_pp_per_doubling=tuple(planned_pp_per_doubling),
    )
    members = cells_by_setting(cells, tier, grader)
    able, without_tier = with_tier(cells, members, tier)
    flipped = {} if other_tampering is None else cells_by_setting(other_tampering, tier)
    everyone = [*able.values(), *flipped.values()]
    units = model_units(models, [cell.model_id for found in everyone for cell in found])
    apart = {} if by_source is None else cells_by_setting(by_source, tier)
    settings = tuple(
        setting_roi(
            setting,
            found,
            cells=cells,
            units=units,
            other=None if other_tampering is None or setting not in flipped else (flipped[setting], other_tampering),
            claim_classes=claim_classes,
            options=options,
            by_source=apart.get(setting, ()),
            brief=brief,
        )
        for setting, found in able.items()
    )
    return SafetyRoiResult(
        fingerprint=cells.fingerprint,
        selection=cells.selection,
        options=options,
        claim_classes=None if claim_classes is None else tuple(claim_classes),
        considered=cells.considered,
        counted=cells.counted,
        exclusions=cells.exclusions,
        aggregate_exclusions=cells.aggregate_exclusions,
        traces=cells.traces,
        identical_models=cells.identical_models,
        graders_without_tier=without_tier,
        settings=settings,
        caveats=_caveats(settings, alpha),
        answer=_answer(settings, cells, tier),
    )


def _check(min_cell: int, alpha: float, margin_pp: float, threshold_pp: float, resamples: int) -> None:
    check_choices(min_cell=min_cell, alpha=alpha, margin_pp=margin_pp)
    if not threshold_pp > 0:
        raise DomainError(f"threshold_pp must be positive, got {threshold_pp}; state the residual that matters")
    if resamples < 99:
        raise DomainError(f"resamples must be at least 99, got {resamples}; fewer assignments show no tail")


def _caveats(settings: Sequence[SettingRoi], alpha: float) -> tuple[str, ...]:
    if len(settings) < 2:
        return ()
    return (
        f"{len(settings)} settings (grader, target, condition) are answered: the level of {alpha:g} holds for the question of "
        "provider and for that of size within each of them, not over all",
    )


def _answer(settings: Sequence[SettingRoi], cells: Cells, tier: Tier) -> str:
    if settings:
        return " ".join(f"{_setting_name(setting, settings, tier)}: {setting.words}" for setting in settings)
    return f"{ProviderVerdict.CANNOT_TELL.value}: {why_nothing(cells, tier)}."


def _setting_name(setting: SettingRoi, settings: Sequence[SettingRoi], tier: Tier) -> str:
    names = [f"{tier.value.replace('_', ' ')} ASR".capitalize().replace("asr", "ASR"), f"grader {setting.grader.grader}"]
    if len({(s.target, s.condition) for s in settings}) > 1:
        names += [f"target {setting.target}", f"condition {setting.condition}"]
    return ", ".join(names)
