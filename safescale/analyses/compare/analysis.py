"""How do two models, conditions or graders differ? One answer for everything that is held fixed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import attrs
import pyarrow as pa

from safescale.analyses.compare.agreement import grader_agreement
from safescale.analyses.compare.counts import side_counts
from safescale.analyses.compare.difference import compare_counts, with_holm
from safescale.analyses.compare.results import (
    By,
    ComparedSetting,
    CompareOptions,
    CompareResult,
    Comparison,
    ComparisonVerdict,
    Side,
)
from safescale.analyses.compare.sentences import comparison_words, setting_caveats, setting_words
from safescale.analyses.compare.sides import sides
from safescale.analyses.setting import cells_by_setting, no_tier_words
from safescale.analyses.words import capital, plural
from safescale.cells import AggregateCell, Cell, Cells, IdenticalModels
from safescale.errors import DomainError
from safescale.records.outcomes import Tier

__all__ = ["PairsOfVerdicts", "analyze_compare"]

PairsOfVerdicts: TypeAlias = Callable[[str, str], pa.Table]
"""``Counting.verdict_pairs`` under the selection of the cells: from two grader labels."""

Members: TypeAlias = Sequence[Cell | AggregateCell]
Fixed: TypeAlias = tuple[str | None, str, str | None]


def analyze_compare(
    cells: Cells,
    models: pa.Table,
    first: str,
    second: str,
    *,
    by: By = "model",
    verdict_pairs: PairsOfVerdicts | None = None,
    tier: Tier = Tier.STRICT,
    claim_classes: Sequence[str] | None = None,
    grader: str | Sequence[str] | None = None,
    min_cell: int = 20,
    alpha: float = 0.05,
    level: float = 0.95,
    power: float = 0.8,
) -> CompareResult:
    """
    Difference of two models, conditions or graders: the second minus the first, per class and overall, paired by prompt.

    Prompts replicate, models do not: every number speaks of these two. Classes are tested together (Holm).

    Parameters
    ----------
    cells : Cells
        Counts of a corpus.
    models : pyarrow.Table
        Table ``models`` of the corpus (record Model).
    first, second : str
        Exact or canonical model ids; or two conditions, or two graders (label or id).
    by : {"model", "condition", "grader"}
        What the two are.
    verdict_pairs : callable, optional
        Gives pairs of verdicts of two graders on the same traces; without it graders are compared by their rates only.
    tier : Tier, default strict
        Which verdicts count as success.
    claim_classes : sequence of str, optional
        Only these attack classes; all of them when absent.
    grader : str or sequence of str, optional
        Only under this grader or these; not with ``by="grader"``.
    min_cell : int, default 20
        Rows on a side below which a difference is shown and not tested; prompts that pairing needs. Unit: rows.
    alpha : float, default 0.05
        Family-wise level of every claim. Unit: probability.
    level : float, default 0.95
        Nominal coverage of every interval. Unit: probability.
    power : float, default 0.8
        Chance at which ``detectable`` is found. Unit: probability.

    Returns
    -------
    CompareResult
        ``answer`` in words; every number in ``settings``.

    Raises
    ------
    DomainError
        If a name is not in the counted rows, the two are one, graders are compared with ``grader`` given, or a parameter is
        outside its range.
    """
    if min_cell < 1 or not 0 < alpha < 0.5 or not 0.5 <= power < 1:
        raise DomainError(f"min_cell at least 1, 0 < alpha < 0.5, 0.5 <= power < 1: got {min_cell}, {alpha:g}, {power:g}")
    if by == "grader" and grader:
        raise DomainError("graders are compared with each other: leave out --grader")
    options = CompareOptions(tier=tier, min_cell=min_cell, alpha=alpha, level=level, power=power)
    one, two = sides(cells, models, first, second, by)
    groups, unable = _groups(cells, tier, grader, by, (one, two))
    settings = tuple(
        _setting(
            *(fixed, *_claimed(left, right, claim_classes)),
            cells=cells,
            by=by,
            pair=(one, two),
            verdict_pairs=verdict_pairs,
            options=options,
            one_sided_because=_one_sided(fixed, groups, (one, two)),
        )
        for fixed, (left, right) in groups.items()
    )
    caveats = _caveats(one, two, by, settings, options)
    return CompareResult(
        fingerprint=cells.fingerprint,
        selection=cells.selection,
        options=options,
        by=by,
        first=one,
        second=two,
        considered=cells.considered,
        counted=cells.counted,
        exclusions=cells.exclusions,
        graders_without_tier=no_tier_words(cells, unable),
        settings=settings,
        caveats=caveats,
        answer=_answer(settings, one, two),
    )


def _groups(
    cells: Cells, tier: Tier, grader: str | Sequence[str] | None, by: By, pair: tuple[Side, Side]
) -> tuple[dict[Fixed, tuple[list[Cell | AggregateCell], list[Cell | AggregateCell]]], set[str]]:
    """Cells of both sides by what is held fixed, where at least one side has any; and graders without the tier."""
    groups: dict[Fixed, tuple[list[Cell | AggregateCell], list[Cell | AggregateCell]]] = {}
    unable: set[str] = set()
    for setting, members in cells_by_setting(cells, tier, grader).items():
        fixed = (
            None if by == "grader" else setting.grader,
            setting.target,
            None if by == "condition" else setting.condition,
        )
        for at, side in enumerate(pair):
            key = {"condition": setting.condition, "grader": setting.grader}.get(by)
            mine = [cell for cell in members if (cell.model_id if key is None else key) in side.ids]
            if mine and tier not in cells.graders[setting.grader].tiers:
                unable.add(setting.grader)
            elif mine:
                groups.setdefault(fixed, ([], []))[at].extend(mine)
    if by == "grader" and unable:
        label = sorted(unable)[0]
        cells.graders[label].definition(tier)  # its refusal says what it has instead
    return groups, unable


def _one_sided(fixed: Fixed, groups: Mapping[Fixed, tuple[Members, Members]], pair: tuple[Side, Side]) -> str | None:
    """Why one of the two has no row here: no grader graded both, or other rows are held fixed; None where both have rows."""
    here = [side.name for side, members in zip(pair, groups[fixed], strict=True) if members]
    if len(here) == 2:
        return None
    grader, target, condition = fixed
    graders = [{key[0] for key, members in groups.items() if members[at]} for at in (0, 1)]
    if grader is not None and not graders[0] & graders[1]:
        return f"no grader graded both ({grader} graded {here[0]} alone)"
    kept = [("grader", grader), ("target", target), ("condition", condition)]
    names = ", ".join(f"{key} {value}" for key, value in kept if value is not None)
    return f"under {names} there are rows of {here[0]} alone"


def _claimed(left: Members, right: Members, claim_classes: Sequence[str] | None) -> tuple[Members, Members]:
    if claim_classes is None:
        return left, right
    return [c for c in left if c.attack_class in claim_classes], [c for c in right if c.attack_class in claim_classes]


def _setting(
    fixed: Fixed,
    left: Members,
    right: Members,
    *,
    cells: Cells,
    by: By,
    pair: tuple[Side, Side],
    verdict_pairs: PairsOfVerdicts | None,
    options: CompareOptions,
    one_sided_because: str | None,
) -> ComparedSetting:
    grader, target, condition = fixed
    left_out: list[str] = []
    models: list[str] | None = None
    if one_sided_because is not None:
        left, right = [], []
    elif by != "model":
        models = sorted({c.model_id for c in left} & {c.model_id for c in right})
        left_out += _only_one("model", {c.model_id for c in left}, {c.model_id for c in right}, pair)
        left, right = [c for c in left if c.model_id in models], [c for c in right if c.model_id in models]
    classes = sorted({c.attack_class for c in left} & {c.attack_class for c in right})
    left_out += _only_one("attack class", {c.attack_class for c in left}, {c.attack_class for c in right}, pair)
    left, right = [c for c in left if c.attack_class in classes], [c for c in right if c.attack_class in classes]
    identical = _identical(cells, fixed, pair) if by == "model" else None
    labels = sorted({c.grader for c in (*left, *right)}) if by != "grader" else [i for side in pair for i in side.ids]

    def compared(name: str, some: Callable[[Cell | AggregateCell], bool]) -> Comparison:
        a, b = (
            side_counts(cells, [c for c in side if some(c)], tier=options.tier, models=models, classes=classes)
            for side in (left, right)
        )
        return compare_counts(name, a, b, options)

    of_classes: tuple[Comparison, ...] = ()
    of_models: tuple[Comparison, ...] = ()
    overall: Comparison | None = None
    if classes and identical is None:
        (overall,) = with_holm([compared("overall", lambda c: True)], options)
        of_classes = with_holm([compared(k, lambda c, k=k: c.attack_class == k) for k in classes], options)  # type: ignore[misc]
        if models is not None and len(models) > 1:
            both = [m for m in models if _share_a_class(m, left, right)]
            of_models = with_holm([_of_model(m, left, right, cells, models, classes, options) for m in both], options)
        overall = attrs.evolve(overall, caveats=(*overall.caveats, *_mix(left, right)))
        overall = attrs.evolve(overall, words=comparison_words(overall, pair, options, 1))
        of_classes = tuple(attrs.evolve(c, words=comparison_words(c, pair, options, len(of_classes))) for c in of_classes)
        of_models = tuple(attrs.evolve(c, words=comparison_words(c, pair, options, len(of_models))) for c in of_models)
    agreement = None
    if by == "grader" and verdict_pairs is not None and classes:
        table = verdict_pairs(pair[0].ids[0], pair[1].ids[0])
        agreement = grader_agreement(table, target, condition or "", classes, options)
    found = ComparedSetting(
        grader=grader,
        target=target,
        condition=condition,
        definitions=tuple(dict.fromkeys(cells.graders[label].definition(options.tier) for label in labels)),
        overall=overall,
        classes=of_classes,
        models=of_models,
        identical=identical,
        agreement=agreement,
        left_out=tuple(left_out),
        one_sided_because=one_sided_because,
        excluded=_excluded(cells, fixed, pair, by),
        verdict=ComparisonVerdict.IDENTICAL if identical else ComparisonVerdict.CANNOT if overall is None else overall.verdict,
        caveats=(),
        words="",
    )
    found = attrs.evolve(found, caveats=setting_caveats(found))
    return attrs.evolve(found, words=setting_words(found, pair, options))


def _share_a_class(model: str, left: Members, right: Members) -> bool:
    found = [{c.attack_class for c in side if c.model_id == model} for side in (left, right)]
    return bool(found[0] & found[1])


def _of_model(
    model: str, left: Members, right: Members, cells: Cells, models: Sequence[str], classes: Sequence[str], options: CompareOptions
) -> Comparison:
    """One model over the classes that it has on both sides."""
    mine = [[c for c in side if c.model_id == model] for side in (left, right)]
    shared = {c.attack_class for c in mine[0]} & {c.attack_class for c in mine[1]}
    a, b = (
        side_counts(cells, [c for c in side if c.attack_class in shared], tier=options.tier, models=models, classes=classes)
        for side in mine
    )
    return compare_counts(model, a, b, options)


def _only_one(kind: str, left: set[str], right: set[str], pair: tuple[Side, Side]) -> list[str]:
    return [
        f"{plural(len(only), kind)} only in {side.name}"
        for side, only in zip(pair, (left - right, right - left), strict=True)
        if only
    ]


def _identical(cells: Cells, fixed: Fixed, pair: tuple[Side, Side]) -> IdenticalModels | None:
    for same in cells.identical_models:
        ids = set(same.model_ids)
        if (same.grader, same.target, same.condition) == fixed and ids & set(pair[0].ids) and ids & set(pair[1].ids):
            return same
    return None


def _mix(left: Members, right: Members) -> tuple[str, ...]:
    """Classes of other weight on the two sides: then a difference over all rows is partly one of classes."""
    shares: list[Mapping[str, float]] = []
    for side in (left, right):
        rows: dict[str, int] = {}
        for cell in side:
            rows[cell.attack_class] = rows.get(cell.attack_class, 0) + (cell.evaluable if isinstance(cell, Cell) else cell.n or 0)
        total = sum(rows.values())
        shares.append({name: n / total for name, n in rows.items()} if total else {})
    names = shares[0].keys() & shares[1].keys()
    if not names:
        return ()
    worst = max(sorted(names), key=lambda name: abs(shares[1][name] - shares[0][name]))
    apart = abs(shares[1][worst] - shares[0][worst])
    if apart <= 0.10:
        return ()
    return (f"the mix of attack classes differs: the share of {worst!r} by {100 * apart:.0f} pp between the two",)


def _excluded(cells: Cells, fixed: Fixed, pair: tuple[Side, Side], by: By) -> dict[str, int]:
    grader, target, condition = fixed
    ids = {i for side in pair for i in side.ids}
    key = {"model": "model_id", "condition": "condition", "grader": "grader"}[by]
    counts: dict[str, int] = {}
    for row in cells.excluded.to_pylist():
        same = row["target"] == target and row["grader"] == (grader or row["grader"])
        if same and row["condition"] == (condition or row["condition"]) and row[key] in ids:
            counts[row["reason"]] = counts.get(row["reason"], 0) + row["rows"]
    return dict(sorted(counts.items()))


def _caveats(one: Side, two: Side, by: By, settings: Sequence[ComparedSetting], options: CompareOptions) -> tuple[str, ...]:
    found = []
    if by == "model":
        states = {side.name: side.tampering for side in (one, two) if side.tampering not in (None, "none", "unknown")}
        found += [f"safety training of {name} was tampered with ({state})" for name, state in states.items()]
    if len(settings) > 1:
        found.append(f"{len(settings)} settings are answered: the level of {options.alpha:g} holds within each of them")
    return tuple(found)


def _answer(settings: Sequence[ComparedSetting], one: Side, two: Side) -> str:
    if not settings:
        return f"{one.name} and {two.name} cannot be compared: no grader has the rate that was asked for."
    several = len(settings) > 1
    return " ".join(f"{capital(s.name)}: {s.words}" if several else s.words for s in settings)
