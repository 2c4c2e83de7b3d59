"""Tables of the dilution experiment: the change of attack success on size, the rule of report 353, the interaction on items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from safescale.analyses.words import plural, signed
from safescale.report import numbers
from safescale.report.dilution_tables import interval_name, pp_already
from safescale.report.document import Table, Value
from safescale.report.table import table
from safescale.studies.dilution.results import BetweenModels, Interaction, LargestAgainstSmallest

__all__ = ["interaction_table", "lineages_table", "rule_table", "slope_table", "slopes_table"]

SPEAKS_OF: Final = {"these_models": "these models (these_models)", "new_models": "further models like these (new_models)"}

SLOPE_VALUES: Final = (
    *("what", "models", "slope_pp_per_decade", "low_pp_per_decade", "high_pp_per_decade"),
    *("permutation_p", "permutation_floor", "permutation_method", "holm_p", "over_sizes_p", "over_sizes_floor"),
    *("meta_slope_pp_per_decade", "meta_low_pp_per_decade", "meta_high_pp_per_decade", "meta_p"),
    *("tau_pp", "tau_low_pp", "tau_high_pp", "over_lineages_low_pp_per_decade", "over_lineages_high_pp_per_decade"),
    *("flat_p", "within_lineages", "generalises_to"),
)


def _slope_values(what: str, slope: BetweenModels, holm_p: float | None = None) -> tuple[Value, ...]:
    return (
        *(what, slope.models, slope.slope_pp_per_decade, slope.low, slope.high),
        *(
            slope.permutation_p,
            slope.permutation_floor,
            slope.permutation_method,
            holm_p,
            slope.over_sizes_p,
            slope.over_sizes_floor,
        ),
        *(slope.meta_slope_pp_per_decade, slope.meta_low, slope.meta_high, slope.meta_p),
        *(slope.tau_pp, slope.tau_low, slope.tau_high, slope.over_lineages_low, slope.over_lineages_high),
        *(slope.flat_p, numbers.yes_no(slope.within_lineages), slope.generalises_to),
    )


def slope_table(
    found: Sequence[tuple[str, BetweenModels]], *, id: str, level: float, margin_pp: float, source: str
) -> Table | None:
    """Everything about a slope on log10 size, models as units, a quantity a row; the CSV file has a row for each slope."""
    if not found:
        return None
    names = ("quantity", "estimate", f"{100 * level:g} % interval", "p", "smallest p possible", "how")
    rows = [row for what, slope in found for row in _slope_rows(slope, f"{what}: " if len(found) > 1 else "", margin_pp)]
    notes = (
        "Models are the units: these rows speak of further models like these. tau: standard deviation of models about the line, "
        "beyond what prompts explain.",
    )
    return table(
        *(id, "The change of attack success on log10 size, models as units", names, names[1:5], rows, source, notes),
        values=[_slope_values(what, slope) for what, slope in found],
        value_names=SLOPE_VALUES,
    )


def _slope_rows(slope: BetweenModels, what: str, margin_pp: float) -> list[tuple[str, ...]]:
    nothing = numbers.NOTHING
    within = ", within lineages" if slope.within_lineages else ""
    how = f"{slope.permutation_method.replace('_', ' ')}{within}; {numbers.count(slope.models)} models; t interval on their scatter"
    rows: list[tuple[str, ...]] = [
        (
            *(f"{what}slope, pp per decade", signed(slope.slope_pp_per_decade), pp_already(slope.low, slope.high)),
            *(numbers.p_value(slope.permutation_p), numbers.p_value(slope.permutation_floor), how),
        )
    ]
    if slope.over_sizes_p is not None:
        p, floor = numbers.p_value(slope.over_sizes_p), numbers.p_value(slope.over_sizes_floor)
        rows.append(
            (f"{what}the same, sizes as units", nothing, nothing, p, floor, "permutation of sizes, each the mean of its models")
        )
    if slope.over_lineages_low is not None:
        ends = pp_already(slope.over_lineages_low, slope.over_lineages_high)
        how = f"t, {numbers.count(len(slope.lineages))} lineages (training seeds)"
        rows.append((f"{what}mean of the slopes of lineages, lineages as units", nothing, ends, nothing, nothing, how))
    if slope.meta_slope_pp_per_decade is not None:
        meta, ends = signed(slope.meta_slope_pp_per_decade), pp_already(slope.meta_low, slope.meta_high)
        how = "meta-regression (REML, reference prior)" + (", lineages not told apart" if slope.within_lineages else "")
        rows.append((f"{what}slope, weighted, pp per decade", meta, ends, numbers.p_value(slope.meta_p), nothing, how))
    if slope.tau_pp is not None:
        known = slope.tau_low is not None and slope.tau_high is not None
        ends = f"[{slope.tau_low:.1f}, {slope.tau_high:.1f}]" if known else nothing
        rows.append((f"{what}tau, pp", f"{slope.tau_pp:.1f}", ends, nothing, nothing, "REML; Q profile"))
    if slope.flat_p is not None:
        flat = f"{what}flat within {margin_pp:g} pp per decade"
        rows.append((flat, nothing, nothing, numbers.p_value(slope.flat_p), nothing, "two one-sided tests"))
    return rows


def slopes_table(
    found: Sequence[tuple[str, BetweenModels, float | None]], *, id: str, caption: str, level: float, source: str
) -> Table | None:
    """Several slopes with Holm's p over them, a row each."""
    if not found:
        return None
    names = (
        "what",
        "models",
        "slope, pp per decade",
        f"{100 * level:g} % interval",
        "permutation p",
        "Holm p",
        "smallest p possible",
    )
    rows: list[tuple[str, ...]] = [
        (
            *(what, numbers.count(slope.models), signed(slope.slope_pp_per_decade), pp_already(slope.low, slope.high)),
            *(numbers.p_value(slope.permutation_p), numbers.p_value(holm_p), numbers.p_value(slope.permutation_floor)),
        )
        for what, slope, holm_p in found
    ]
    return table(
        *(id, caption, names, names[1:], rows, source),
        values=[_slope_values(what, slope, holm_p) for what, slope, holm_p in found],
        value_names=SLOPE_VALUES,
    )


def lineages_table(slope: BetweenModels | None, *, id: str, source: str) -> Table | None:
    """The slope within each lineage."""
    if slope is None or not slope.lineages:
        return None
    names = ("lineage", "models", "slope, pp per decade")
    rows = [(one.lineage, numbers.count(one.models), signed(one.slope_pp_per_decade)) for one in slope.lineages]
    values: list[tuple[Value, ...]] = [(one.lineage, one.models, one.slope_pp_per_decade) for one in slope.lineages]
    return table(
        *(id, "The slope within each lineage (training seed)", names, names[1:], rows, source),
        values=values,
        value_names=("lineage", "models", "slope_pp_per_decade"),
    )


def rule_table(rule: LargestAgainstSmallest | None, *, id: str, level: float, source: str) -> Table | None:
    """The rule of report 353."""
    if rule is None:
        return None
    large = {True: "yes", False: "no", None: "cannot tell"}[rule.large]
    interval = interval_name(level)
    names = ("smallest size", "largest size", "delta at the largest minus at the smallest, pp", interval, "threshold, pp", "large")
    row = (
        *(numbers.size(rule.smallest_b), numbers.size(rule.largest_b), signed(rule.difference_pp)),
        *(numbers.pp_interval((rule.low_pp, rule.high_pp)), f"{rule.threshold_pp:g}", large, SPEAKS_OF[rule.generalises_to]),
    )
    values: tuple[Value, ...] = (
        *(rule.smallest_b, rule.largest_b, rule.difference_pp, rule.low_pp, rule.high_pp, rule.threshold_pp),
        *(large, rule.generalises_to, rule.prompts or None, rule.models_smallest or None, rule.models_largest or None),
        *(rule.lineages, rule.over_lineages_low_pp, rule.over_lineages_high_pp),
    )
    value_names = (
        *("smallest_params_b", "largest_params_b", "difference_pp", "low_pp", "high_pp", "threshold_pp", "large"),
        *("generalises_to", "prompts", "models_smallest", "models_largest", "lineages"),
        *("over_lineages_low_pp", "over_lineages_high_pp"),
    )
    notes = []
    if rule.prompts:
        within = "" if rule.lineages is None else f", within {plural(rule.lineages, 'lineage')} that have both sizes"
        notes.append(
            f"{plural(rule.prompts, 'prompt')} that every model at the two sizes answered readably; "
            f"{plural(rule.models_smallest, 'model')} at the smallest and {rule.models_largest} at the largest{within}."
        )
    if rule.over_lineages_low_pp is not None and rule.over_lineages_high_pp is not None:
        seeds = numbers.pp_interval((rule.over_lineages_low_pp, rule.over_lineages_high_pp))
        notes.append(f"With lineages (training seeds) as units its interval is {seeds} pp.")
    return table(
        *(id, "The rule of report 353", (*names, "speaks of"), names[:5], [row], source),
        tuple(notes),
        values=[values],
        value_names=value_names,
    )


def interaction_table(found: Interaction | None, *, id: str, level: float, source: str) -> Table | None:
    """Condition x size on items, with whom it speaks of."""
    if found is None:
        return None
    interval = interval_name(level)
    names = ("condition x log10 size, pp per decade", interval, "p", "prompts", "models", "speaks of")
    row = (
        *(signed(found.slope_pp_per_decade), numbers.pp_interval((found.low, found.high)), numbers.p_value(found.p_value)),
        *(numbers.count(found.prompts), numbers.count(found.models), SPEAKS_OF[found.generalises_to]),
    )
    values: tuple[Value, ...] = (
        *(found.slope_pp_per_decade, found.low, found.high, found.p_value, found.prompts, found.models, found.generalises_to),
    )
    value_names = (
        *("slope_pp_per_decade", "low_pp_per_decade", "high_pp_per_decade", "p_value", "prompts", "models"),
        "generalises_to",
    )
    notes = ("Prompts are the clusters: this speaks of these models on other prompts, not of other models.",)
    caption = "Interaction of condition and size on items"
    return table(id, caption, names, names[:5], [row], source, notes, values=[values], value_names=value_names)
