"""Is a slope over model size the same in every source of rows? One answer per grader, target and condition."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from safescale.analyses.inverse_scaling.analysis import check_options
from safescale.analyses.inverse_scaling.results import Options, ScalingVerdict
from safescale.analyses.pooled.results import PooledResult, PooledSetting
from safescale.analyses.pooled.setting import pooled_setting
from safescale.analyses.setting import cells_by_setting, why_nothing, with_tier
from safescale.analyses.units import model_units
from safescale.analyses.words import LEVEL_HOLDS, capital
from safescale.cells import Cells
from safescale.errors import DomainError
from safescale.records.outcomes import Tier

__all__ = ["analyze_pooled"]


def analyze_pooled(
    cells: Cells,
    with_tampered: Cells,
    models: pa.Table,
    *,
    tier: Tier = Tier.STRICT,
    claim_classes: Sequence[str] | None = None,
    grader: str | Sequence[str] | None = None,
    min_cell: int = 20,
    alpha: float = 0.05,
    margin_pp: float = 5.0,
    min_decades: float = 0.3,
    level: float = 0.95,
) -> PooledResult:
    """
    The size slope of the rows of all sources together, of each source, and within sources.

    Models are the units everywhere: within a source the rate of a model over its rows of that source is one point, and where one
    model is in several sources it is one cluster. Sources are tested together (Holm).

    Parameters
    ----------
    cells : Cells
        Counts of a corpus as asked, from ``build_cells(corpus, selection, by_source=True)``.
    with_tampered : Cells
        The same with ``tampered="include"``: what the rows are made of before tampered models are left out.
    models : pyarrow.Table
        Table ``models`` of the corpus (record Model).
    tier : Tier, default strict
        Which verdicts count as success.
    claim_classes : sequence of str, optional
        Only these attack classes; all of them when absent.
    grader : str or sequence of str, optional
        Only this grader or these (label with rubric version, or id).
    min_cell : int, default 20
        Evaluable rows below which a model is shown and not fitted. Unit: rows.
    alpha : float, default 0.05
        Family-wise level of every claim. Unit: probability.
    margin_pp : float, default 5.0
        Largest slope that still counts as flat. Unit: percentage points per decade.
    min_decades : float, default 0.3
        Spread of sizes below which nothing is tested. Unit: decades.
    level : float, default 0.95
        Nominal coverage of every interval. Unit: probability.

    Returns
    -------
    PooledResult
        ``answer`` in words; every number in ``settings``.

    Raises
    ------
    DomainError
        If a parameter is outside its range, the cells do not keep sources apart, or no grader of that name has graded anything.
    """
    check_options(min_cell, alpha, margin_pp, min_decades)
    for given in (cells, with_tampered):
        if "source" not in given.table.column_names:
            raise DomainError("these cells add up the sources; count with build_cells(corpus, selection, by_source=True)")
    options = Options(tier=tier, min_cell=min_cell, alpha=alpha, margin_pp=margin_pp, min_decades=min_decades, level=level)
    members = cells_by_setting(cells, tier, grader)
    before = cells_by_setting(with_tampered, tier)
    able, without_tier = with_tier(cells, members, tier)
    model_ids = {cell.model_id for found in (*able.values(), *before.values()) for cell in found}
    units = model_units(models, model_ids)
    states = dict(zip(models["model_id"].to_pylist(), models["tampering"].to_pylist(), strict=True))
    settings = tuple(
        pooled_setting(
            setting,
            found,
            before.get(setting, []),
            cells=cells,
            with_tampered=with_tampered,
            units=units,
            states=states,
            claim_classes=claim_classes,
            options=options,
        )
        for setting, found in able.items()
    )
    caveats = [f"{len(settings)} settings are answered: the level of {alpha:g} {LEVEL_HOLDS}"] if len(settings) > 1 else []
    return PooledResult(
        fingerprint=cells.fingerprint,
        selection=cells.selection,
        options=options,
        claim_classes=None if claim_classes is None else tuple(claim_classes),
        considered=cells.considered,
        counted=cells.counted,
        exclusions=cells.exclusions,
        identical_models=cells.identical_models,
        graders_without_tier=without_tier,
        settings=settings,
        caveats=tuple(caveats),
        answer=_answer(settings, cells, options),
    )


def _answer(settings: Sequence[PooledSetting], cells: Cells, options: Options) -> str:
    if settings:
        several = len(settings) > 1
        return " ".join(f"{capital(s.setting.words)}: {s.words}" if several else capital(s.words) for s in settings)
    return f"{ScalingVerdict.CANNOT_TEST.value}: {why_nothing(cells, options.tier)}."
