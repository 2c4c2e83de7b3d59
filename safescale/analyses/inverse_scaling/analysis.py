"""Does the attack success rate change with model size? One answer per grader, target and condition."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from safescale.analyses.bands import DIFFERENT_ANSWERS, LEFT_OPEN, SAME_ANSWER
from safescale.analyses.inverse_scaling.bend import BENDS
from safescale.analyses.inverse_scaling.results import (
    Agreement,
    Bend,
    GraderBand,
    InverseScalingResult,
    Options,
    ScalingVerdict,
    SettingResult,
    able_verdicts,
)
from safescale.analyses.inverse_scaling.setting import setting_result
from safescale.analyses.setting import cells_by_setting, check_choices, why_nothing, with_tier
from safescale.analyses.units import model_units
from safescale.analyses.words import LEVEL_HOLDS, and_list, plural, signed
from safescale.cells import Cells
from safescale.errors import DomainError
from safescale.records.outcomes import Tier

__all__ = ["analyze_inverse_scaling", "check_options"]

SHOWN_NAMES = 8


def analyze_inverse_scaling(
    cells: Cells,
    models: pa.Table,
    *,
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
) -> InverseScalingResult:
    """
    Whether the attack success rate changes with model size, and whether this corpus could tell.

    Models are the units: ids of one model are one unit, and every slope speaks of new models. Per grader, target and
    condition: each attack class (Holm over them), the mean over common classes, the rows pooled, and each lineage at two
    levels, everything repeated without estimated sizes, with active parameters and on common prompts.

    Parameters
    ----------
    cells : Cells
        Counts of a corpus, from ``safescale.cells.build_cells``.
    models : pyarrow.Table
        Table ``models`` of the corpus (record Model).
    by_source : Cells, optional
        The same counts with the sources kept apart, ``build_cells(corpus, selection, by_source=True)``: a change with size that
        is one between sources only is then not claimed. Not needed where all rows are of one source.
    brief : bool, default False
        Only the series to quote first, repeated under no other choice.
    tier : Tier, default strict
        Which verdicts count as success.
    claim_classes : sequence of str, optional
        The attack classes that the claim concerns; all of them when absent.
    grader : str or sequence of str, optional
        Only this grader or these (label with rubric version, or id).
    min_cell : int, default 20
        Evaluable rows below which a model is shown and not fitted. Unit: rows.
    alpha : float, default 0.05
        Family-wise level of every claim. Unit: probability.
    margin_pp : float, default 5.0
        Largest slope that still counts as flat. Unit: percentage points per decade.
    min_decades : float, default 0.3
        Spread of sizes below which nothing is tested (0.3 is a factor of two). Unit: decades.
    level : float, default 0.95
        Nominal coverage of every interval. Unit: probability.

    Returns
    -------
    InverseScalingResult
        ``answer`` in words; every number in ``settings``.

    Raises
    ------
    DomainError
        If a parameter is outside its range, or no grader of that name has graded anything.
    """
    check_options(min_cell, alpha, margin_pp, min_decades)
    options = Options(tier=tier, min_cell=min_cell, alpha=alpha, margin_pp=margin_pp, min_decades=min_decades, level=level)
    members = cells_by_setting(cells, tier, grader)
    able, without_tier = with_tier(cells, members, tier)
    units = model_units(models, [cell.model_id for found in able.values() for cell in found])
    apart = {} if by_source is None else cells_by_setting(by_source, tier)
    settings = tuple(
        setting_result(
            setting,
            found,
            cells=cells,
            units=units,
            claim_classes=claim_classes,
            options=options,
            by_source=apart.get(setting, ()),
            brief=brief,
        )
        for setting, found in able.items()
    )
    bands, caveats = _bands(settings), _caveats(settings, cells, alpha)
    return InverseScalingResult(
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
        unknown_tampering=cells.unknown_tampering,
        graders_without_tier=without_tier,
        settings=settings,
        bands=bands,
        caveats=caveats,
        answer=_answer(settings, bands, cells, options),
    )


_AGREEMENT_WORDS = {
    Agreement.YES: SAME_ANSWER,
    Agreement.OPEN: LEFT_OPEN,
    Agreement.NO: DIFFERENT_ANSWERS,
}


def check_options(min_cell: int, alpha: float, margin_pp: float, min_decades: float) -> None:
    """Refuse choices that mean nothing."""
    check_choices(min_cell=min_cell, alpha=alpha, margin_pp=margin_pp)
    if min_decades < 0:
        raise DomainError(f"min_decades must not be negative, got {min_decades}")


def _bands(settings: Sequence[SettingResult]) -> tuple[GraderBand, ...]:
    grouped: dict[tuple[str, str], list[SettingResult]] = {}
    for setting in settings:
        grouped.setdefault((setting.target, setting.condition), []).append(setting)
    return tuple(_band(*key, found) for key, found in grouped.items() if len(found) > 1)


def _band(target: str, condition: str, found: Sequence[SettingResult]) -> GraderBand:
    heads = [setting.headline for setting in found]
    slopes = [None if head is None or head.slope is None else head.slope.slope.slope_pp_per_decade for head in heads]
    verdicts = [None if head is None else head.verdict for head in heads]
    known = [slope for slope in slopes if slope is not None]
    names = [setting.grader.grader for setting in found]
    bends = [None if head is None else head.bend for head in heads]
    agreement = Agreement.of(verdicts, bends)
    each = "; ".join(f"{g}: {_verdict_words(v, bend)}" for g, v, bend in zip(names, verdicts, bends, strict=True))
    words = f"{_band_words(len(names), len(able_verdicts(verdicts)), known, agreement)} ({each})"
    return GraderBand(
        target=target,
        condition=condition,
        graders=tuple(names),
        verdicts=tuple(verdicts),
        bends=tuple(bends),
        slopes_pp_per_decade=tuple(slopes),
        lowest_pp_per_decade=min(known) if known else None,
        highest_pp_per_decade=max(known) if known else None,
        agree=agreement is Agreement.YES,
        words=words,
    )


def _verdict_words(verdict: ScalingVerdict | None, bend: Bend | None) -> str:
    if verdict is None:
        return "nothing"
    return verdict.value if bend is None else f"{verdict.value} (the rates {BENDS[bend]})"


def _band_words(graders: int, able: int, slopes: Sequence[float], agreement: Agreement) -> str:
    """Only graders that can test the claim are compared, only two slopes make a range, and two open answers are no agreement."""
    have = f"{len(slopes)} of {graders} {'has' if len(slopes) == 1 else 'have'} a slope"
    spread = f"slopes from {signed(min(slopes))} to {signed(max(slopes))} pp per decade" if len(slopes) > 1 else ""
    if agreement is Agreement.NOT_COMPARABLE:
        counted = f"{have}, {able} of {graders} can test the claim"
        return f"{plural(graders, 'grader')} cannot be compared: {counted}{', ' + spread if spread else ''}"
    who = plural(graders, "grader") if able == graders else f"{able} of {graders} graders can be compared and"
    words = f"{who} {_AGREEMENT_WORDS[agreement]}{', ' + spread if spread else ''}"
    return words if len(slopes) == graders else f"{words}, {have}"


def _caveats(settings: Sequence[SettingResult], cells: Cells, alpha: float) -> tuple[str, ...]:
    found = []
    if len(settings) > 1:
        found.append(_level_words(settings, alpha))
    unknown = cells.traces.prompt_kind_unknown
    if unknown:
        verb = "has a prompt" if unknown == 1 else "have prompts"
        counted = "it is counted as if harmful" if unknown == 1 else "they are counted as if harmful"
        found.append(f"{unknown:,} of {plural(cells.traces.traces, 'trace')} {verb} of unknown kind; {counted}")
    found += _vanished(cells)
    return tuple(found)


def _level_words(settings: Sequence[SettingResult], alpha: float) -> str:
    return f"{len(settings)} settings (grader, target, condition) are answered: the level of {alpha:g} {LEVEL_HOLDS}"


def _vanished(cells: Cells) -> list[str]:
    """Models with graded rows of which none counts: they are in no table, so they are named here."""
    shown = {*cells.table["model_id"].to_pylist(), *(cell.model_id for cell in cells.aggregates)}
    gone: dict[str, dict[str, int]] = {}
    for row in cells.excluded.select(["model_id", "reason", "rows"]).to_pylist():
        if row["model_id"] not in shown:
            reasons = gone.setdefault(row["model_id"], {})
            reasons[row["reason"]] = reasons.get(row["reason"], 0) + row["rows"]
    if not gone:
        return []
    named = [
        f"{model} ({', '.join(f'{rows:,} {reason}' for reason, rows in sorted(reasons.items()))})"
        for model, reasons in sorted(gone.items())
    ]
    words = (
        and_list(named) if len(named) <= SHOWN_NAMES else f"{', '.join(named[:SHOWN_NAMES])} and {len(named) - SHOWN_NAMES} more"
    )
    return [f"in no rate, because every graded row was left out: {words}"]


def _answer(settings: Sequence[SettingResult], bands: Sequence[GraderBand], cells: Cells, options: Options) -> str:
    if not settings:
        return f"{ScalingVerdict.CANNOT_TEST.value}: {why_nothing(cells, options.tier)}."
    sentences = [f"{_setting_name(setting, settings)}{setting.words}" for setting in settings]
    sentences += [f"{band.words}." for band in bands]
    if len(settings) > 1:
        sentences.append(f"{_level_words(settings, options.alpha)}.")
    sentences += [
        f"Warning: {and_list(list(same.model_ids))} have the same verdict on all {plural(same.prompts, 'prompt')} "
        f"({plural(same.evaluable, 'row')}, {same.grader}): one series under several ids?"
        for same in cells.identical_models
    ]
    return " ".join(sentences)


def _setting_name(setting: SettingResult, settings: Sequence[SettingResult]) -> str:
    tier = setting.definition.split(" = ", 1)[0].replace("_", " ")
    names = [f"{tier} ASR".capitalize() if not tier.isupper() else tier, f"grader {setting.grader.grader}"]
    if len({(s.target, s.condition) for s in settings}) > 1:
        names += [f"target {setting.target}", f"condition {setting.condition}"]
    return ", ".join(names).replace("asr", "ASR") + ": "
