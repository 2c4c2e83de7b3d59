"""Do refusals come back in larger models whose safety training was removed? One answer per grader, target and condition."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from safescale.analyses.reemergence.results import Options, ReemergenceResult
from safescale.analyses.reemergence.sentences import result_caveats, result_words, targets_words
from safescale.analyses.reemergence.setting import tampered_setting
from safescale.analyses.reemergence.targets import target_comparisons
from safescale.analyses.setting import Setting, cells_by_setting, check_choices
from safescale.analyses.units import model_units
from safescale.cells import AggregateCell, Cell, Cells, Responses, TargetPairs
from safescale.errors import DomainError
from safescale.records.outcomes import Tier

__all__ = ["analyze_reemergence"]


def analyze_reemergence(
    cells: Cells,
    models: pa.Table,
    *,
    responses: Responses | None = None,
    target_pairs: Sequence[TargetPairs] = (),
    claim_classes: Sequence[str] | None = None,
    grader: str | Sequence[str] | None = None,
    min_cell: int = 20,
    alpha: float = 0.05,
    min_decades: float = 0.3,
    level: float = 0.95,
) -> ReemergenceResult:
    """
    Whether refusals come back in larger tampered models, fall, turn into hedging or none of it is shown.

    Per grader, target and condition, and per lineage of one tampering state and maker with two sizes or more (and all of them
    together): verdict composition by size; each share over size with models as units (exact Spearman, with its floor), and labelled
    ``these_models`` with rows and with prompts as units (Cochran-Armitage); neighbouring sizes compared.

    Parameters
    ----------
    cells : Cells
        Counts of tampered models, from ``build_cells(corpus, Selection(tampered="only"))``.
    models : pyarrow.Table
        Table ``models`` of the corpus (record Model).
    responses : Responses, optional
        Different responses behind these cells, from ``distinct_responses`` under the same selection.
    target_pairs : sequence of TargetPairs, optional
        Traces graded on two targets, from ``target_pairs`` under the same selection.
    claim_classes : sequence of str, optional
        The attack classes that the claim concerns; all of them when absent.
    grader : str or sequence of str, optional
        Only this grader or these (label with rubric version, or id).
    min_cell : int, default 20
        Evaluable rows below which a model is shown and not fitted. Unit: rows.
    alpha : float, default 0.05
        Family-wise level of every claim. Unit: probability.
    min_decades : float, default 0.3
        Spread of sizes below which nothing is tested. Unit: decades.
    level : float, default 0.95
        Nominal coverage of every interval. Unit: probability.

    Returns
    -------
    ReemergenceResult
        ``answer`` in words; every number in ``settings``.

    Raises
    ------
    DomainError
        If a parameter is outside its range, the cells are not of tampered models only, or no grader of that name has graded
        anything.
    """
    if cells.selection.tampered != "only":
        raise DomainError(
            f"re-emergence is asked of tampered models only, these cells were counted with tampered={cells.selection.tampered!r}; "
            "count with Selection(tampered='only')"
        )
    check_choices(min_cell=min_cell, alpha=alpha)
    options = Options(min_cell=min_cell, alpha=alpha, min_decades=min_decades, level=level)
    members = _members(cells, grader)
    units = model_units(models, [cell.model_id for by_tier in members.values() for found in by_tier.values() for cell in found])
    settings = tuple(
        tampered_setting(
            setting, by_tier, cells=cells, units=units, responses=responses, claim_classes=claim_classes, options=options
        )
        for setting, by_tier in members.items()
    )
    targets = target_comparisons(target_pairs, models, claim_classes=claim_classes, alpha=alpha, level=level)
    return ReemergenceResult(
        fingerprint=cells.fingerprint,
        selection=cells.selection,
        options=options,
        claim_classes=None if claim_classes is None else tuple(claim_classes),
        considered=cells.considered,
        counted=cells.counted,
        exclusions=cells.exclusions,
        traces=cells.traces,
        identical_models=cells.identical_models,
        settings=settings,
        targets=targets,
        targets_words=targets_words(targets, cells, alpha),
        caveats=result_caveats(settings, cells, alpha),
        answer=result_words(settings, targets, cells, alpha),
    )


def _members(cells: Cells, grader: str | Sequence[str] | None) -> dict[Setting, dict[Tier, list[Cell | AggregateCell]]]:
    """Cells and published rates of each setting by the tiers that its grader has."""
    members: dict[Setting, dict[Tier, list[Cell | AggregateCell]]] = {}
    for tier in Tier:
        # a grader that only has published rates of another tier is no wrong name
        found = cells_by_setting(cells, tier, None)
        for setting, chosen in found.items():
            if tier in cells.graders[setting.grader].tiers:
                members.setdefault(setting, {})[tier] = chosen
    if grader is None:
        return dict(sorted(members.items(), key=lambda item: (item[0].target, item[0].condition, item[0].grader)))
    wanted = {grader} if isinstance(grader, str) else set(grader)
    known = {name for setting in members for name in (setting.grader, cells.graders[setting.grader].grader_id)}
    for missing in sorted(wanted - known):
        names = ", ".join(sorted(cells.graders)) or "none"
        raise DomainError(f"no counted verdict is of grader {missing!r}; graders of these models: {names}")
    return {s: found for s, found in members.items() if not wanted.isdisjoint((s.grader, cells.graders[s.grader].grader_id))}
