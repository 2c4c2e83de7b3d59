"""Tables of what was fitted over models: surfaces, exchange rates, lineages, compute to one half, forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from safescale.analyses.words import signed
from safescale.report import numbers
from safescale.report.document import Table, Value
from safescale.report.robustness_numbers import Reasons, effect_names, effect_values
from safescale.report.robustness_tables import size_of, unit_words
from safescale.report.table import table
from safescale.studies.robustness.results import GraderFindings, HalfOfModel, Metric, Surface

__all__ = ["METRICS", "exchange_table", "forms_table", "half_slopes_table", "half_table", "lineages_table", "surfaces_table"]

METRICS: Final[dict[Metric, str]] = {"rrr": "RRR", "rd": "RD", "ce": "CE"}
_SPEAKS_OF: Final = {"these_models": "these models (these_models)", "new_models": "further models like these (new_models)"}
_WHAT: Final = (
    *("corpus_fingerprint", "grader", "metric", "compute_unit", "effects_in", "defence", "examples", "models", "cells"),
    *("generalises_to", "estimated_sizes_left_out", "responses", "prompts", "at_reference", "why_no_fit"),
)


def _what(surface: Surface, findings: GraderFindings) -> tuple[Value, ...]:
    return (
        *(findings.fingerprint, findings.grader, surface.metric, surface.unit, surface.scale, surface.defence, surface.examples),
        *(surface.n_models, surface.n_cells, surface.generalises_to, numbers.yes_no(surface.without_estimates)),
        *(surface.n_responses, surface.n_prompts, surface.at_reference, surface.why),
    )


def _part(surface: Surface) -> tuple[str, ...]:
    return (
        f"{METRICS[surface.metric]}{', estimated sizes left out' if surface.without_estimates else ''}",
        *(unit_words(surface.unit), surface.defence.replace("_", " "), numbers.count(surface.examples)),
        *(numbers.count(surface.n_models), numbers.count(surface.n_cells)),
    )


_PART: Final = ("metric", "compute in", "defence", "pairs", "models", "cells")


def surfaces_table(findings: GraderFindings, *, id: str, level: float, source: str) -> Table | None:
    """Every metric on log size and log compute, in both units."""
    if not findings.surfaces:
        return None
    why, rows = Reasons(), []
    for one in findings.surfaces:
        effects = [why.effect(found) for found in (one.size, one.compute, one.interaction)]
        rows.append((*_part(one), one.scale, *(cell for pair in effects for cell in pair), _SPEAKS_OF[one.generalises_to]))
    names = (*_PART, "effects in", "size", "p", "compute", "p", "interaction", "p", "speaks of")
    notes = (
        "Effects of one decade (tenfold) of parameters and of attack compute, at the geometric means of both; models are the "
        f"units. Brackets: {100 * level:g} % intervals. Tokens and FLOPs of one training differ by about the size of the "
        "model: the effect of size is another in each, that of compute is not.",
        *why.notes,
    )
    values = [
        (
            *(*_what(one, findings), *effect_values(one.size), *effect_values(one.compute), *effect_values(one.interaction)),
            *(*effect_values(one.outweighs), one.exchange.decades, *(one.exchange.interval or (None, None)), one.exchange.why),
            *(one.reference_params_b, one.reference_compute),
        )
        for one in findings.surfaces
    ]
    unit = "per_decade"
    value_names = (
        *(*_WHAT, *effect_names("size", unit), *effect_names("compute", unit), *effect_names("interaction", unit)),
        *effect_names("outweighs", unit),
        *("exchange_decades", "exchange_low_decades", "exchange_high_decades", "exchange_why"),
        *("reference_params_b", "reference_compute"),
    )
    caption = "RRR, RD and CE on log10 size and log10 attack compute, with their interaction"
    return table(id, caption, names, (*names[3:6], *names[7:13]), rows, source, notes, values=values, value_names=value_names)


def exchange_table(findings: GraderFindings, *, id: str, level: float, source: str) -> Table | None:
    """Which decade does more, and how many decades of size one of compute is worth."""
    if not findings.surfaces:
        return None
    why, rows = Reasons(), []
    for one in findings.surfaces:
        difference, p = why.effect(one.outweighs)
        place = (numbers.size(one.reference_params_b), _compute(one.reference_compute))
        rows.append((*_part(one), one.scale, difference, p, why.exchange(one.exchange), *place))
    names = (
        *(*_PART, "effects in", "|compute| - |size|", "p", "decades of size for one of compute"),
        *("reference size", "reference compute"),
    )
    notes = (
        "|compute| - |size|: above zero where a decade of attack compute does more than a decade of size. Exchange: decades of "
        f"size that offset one decade of compute. Brackets: {100 * level:g} % intervals, those of the exchange by Fieller.",
        *why.notes,
    )
    values = [
        (
            *(*_what(one, findings), *effect_values(one.outweighs), one.exchange.decades, *(one.exchange.interval or (None, None))),
            *(one.exchange.why, one.reference_params_b, one.reference_compute),
        )
        for one in findings.surfaces
    ]
    value_names = (
        *(*_WHAT, *effect_names("outweighs", "per_decade"), "exchange_decades", "exchange_low_decades", "exchange_high_decades"),
        *("exchange_why", "reference_params_b", "reference_compute"),
    )
    caption = "A decade of attack compute against a decade of size"
    return table(id, caption, names, (*names[3:6], *names[7:]), rows, source, notes, values=values, value_names=value_names)


def _compute(value: float | None) -> str:
    return numbers.NOTHING if value is None else f"{value:.3g}"


def lineages_table(findings: GraderFindings, *, id: str, level: float, source: str) -> Table | None:
    """The effects within each lineage, and their means."""
    if not findings.lineages:
        return None
    why, rows = Reasons(), []
    values: list[tuple[Value, ...]] = []
    for one in findings.lineages:
        what = (METRICS[one.metric], unit_words(one.unit), one.defence.replace("_", " "), numbers.count(one.examples))
        key = (findings.fingerprint, findings.grader, one.metric, one.unit, one.scale, one.defence, one.examples)
        unfitted = "no fit within this lineage"
        for lineage, size, compute in one.rows:
            shown = [why.nothing(unfitted) if effect is None else signed(effect, 3) for effect in (size, compute)]
            rows.append((lineage, *what, *shown, numbers.NOTHING, one.scale))
            values.append((*key, lineage, size, None, None, None, None, compute, *(None,) * 4, *(None,) * 5))
        means = [why.effect(found) for found in (one.size, one.compute, one.outweighs)]
        fitted = sum(size is not None for _, size, _ in one.rows)
        some = f"{fitted}" if fitted == len(one.rows) else f"{fitted} of {len(one.rows)}"
        rows.append((f"mean of {some}", *what, *(f"{cell}; {_p(p)}" for cell, p in means), one.scale))
        values.append((*key, "mean", *effect_values(one.size), *effect_values(one.compute), *effect_values(one.outweighs)))
    names = ("lineage", "metric", "compute in", "defence", "pairs", "size", "compute", "|compute| - |size|", "effects in")
    notes = (
        f"Fitted within each lineage by itself; means with {100 * level:g} % t intervals, lineages as units.",
        *why.notes,
    )
    value_names = (
        *("corpus_fingerprint", "grader", "metric", "compute_unit", "effects_in", "defence", "examples", "lineage"),
        *(column for name in ("size", "compute", "outweighs") for column in effect_names(name, "per_decade")),
    )
    caption = "The two effects lineage by lineage"
    return table(id, caption, names, names[4:8], rows, source, notes, values=values, value_names=value_names)


def _p(words: str) -> str:
    return "no p" if words == numbers.NOTHING else f"p {words}"


def half_table(findings: GraderFindings, *, id: str, source: str) -> Table | None:
    """Between which levels each model falls to one half of its refusals."""
    rows, values = [], []
    for half in findings.half:
        for one in sorted(
            half.rows, key=lambda row: (row.model.params_b or 0.0, row.model.lineage, row.model.model_id, row.seed or 0)
        ):
            seed = numbers.NOTHING if one.seed is None else str(one.seed)
            what = (
                one.model.model_id,
                size_of(one.model),
                half.defence.replace("_", " "),
                numbers.count(half.examples),
                seed,
                unit_words(half.unit),
            )
            rows.append((*what, half_words(one), numbers.count(one.crossings)))
            values.append(
                (
                    *(
                        findings.fingerprint,
                        findings.grader,
                        one.model.model_id,
                        one.model.params_b,
                        one.model.lineage,
                        half.defence,
                    ),
                    *(half.examples, one.seed, half.unit, one.low, one.high, censoring(one), one.crossings),
                )
            )
    if not rows:
        return None
    names = ("model", "size", "defence", "pairs", "seed", "compute in", "RRR falls to 50 %", "crossings")
    notes = (
        "Levels of the grid between which RRR falls below one half for good; more than one crossing: not monotone, and the first "
        "level from which it stays below counts.",
    )
    value_names = (
        *("corpus_fingerprint", "grader", "model_id", "params_b", "lineage", "defence", "examples", "attack_seed", "compute_unit"),
        *("low_compute", "high_compute", "censoring", "crossings"),
    )
    caption = "Attack compute at which RRR falls to 50 %, by model"
    return table(id, caption, names, ("size", "pairs", "crossings"), rows, source, notes, values=values, value_names=value_names)


def censoring(one: HalfOfModel) -> str:
    """left: below one half at the first level; right: never below; interval: between two levels; unknown: neither is known."""
    if one.low is None:
        return "unknown" if one.high is None else "left"
    return "right" if one.high is None else "interval"


def half_words(one: HalfOfModel) -> str:
    """Where RRR of a model falls to one half."""
    kind = censoring(one)
    if kind == "unknown":
        return "RRR is not defined along the grid"
    if kind == "left":
        return f"at {one.high:.3g} or before"
    return f"not up to {one.low:.3g}" if kind == "right" else f"between {one.low:.3g} and {one.high:.3g}"


def half_slopes_table(findings: GraderFindings, *, id: str, level: float, source: str) -> Table | None:
    """How the compute to one half goes with size."""
    if not findings.half:
        return None
    why, rows = Reasons(), []
    for half in findings.half:
        slope, p = why.effect(half.slope, 2)
        place = (half.defence.replace("_", " "), numbers.count(half.examples), unit_words(half.unit))
        rows.append((*place, numbers.count(len(half.rows)), numbers.count(half.censored), slope, p))
    names = ("defence", "pairs", "compute in", "models and seeds", "never at 50 %", "decades of compute per decade of size", "p")
    notes = (
        f"Interval-censored log-normal regression of log10 compute on log10 size, models as units; {100 * level:g} % intervals.",
        *why.notes,
    )
    values = [
        (
            findings.fingerprint,
            findings.grader,
            half.defence,
            half.examples,
            half.unit,
            len(half.rows),
            half.censored,
            *effect_values(half.slope),
        )
        for half in findings.half
    ]
    value_names = (
        *("corpus_fingerprint", "grader", "defence", "examples", "compute_unit", "models_and_seeds", "right_censored"),
        *effect_names("slope", "decades_per_decade"),
    )
    caption = "Attack compute to 50 % RRR on size"
    return table(id, caption, names, (names[1], *names[3:]), rows, source, notes, values=values, value_names=value_names)


_FORMS: Final = {"log_linear": "straight in the log", "log_log": "straight in log and log", "cannot_tell": "cannot tell"}


def forms_table(findings: GraderFindings, *, id: str, source: str) -> Table | None:
    """Log-log against log-linear, foretold out of sample."""
    if not findings.forms:
        return None
    rows: Sequence[tuple[str, ...]] = [
        (
            *(one.over, one.at, _FORMS[one.verdict], numbers.NOTHING if one.difference is None else signed(one.difference, 4)),
            *(numbers.p_value(one.p_value), one.reason),
        )
        for one in findings.forms
    ]
    names = ("over", "at", "form", "log score, log-log less log-linear", "p", "why")
    notes = (
        "Whether the rate (log-linear) or its log (log-log) is straight in the log of size or compute, by how well left-out "
        "ones are foretold. p: sign flips over the left-out ones, raw; the form is named after Holm's correction over the answers "
        "of one axis.",
    )
    values = [
        (findings.fingerprint, findings.grader, one.over, one.at, one.verdict, one.difference, one.p_value, one.reason)
        for one in findings.forms
    ]
    value_names = ("corpus_fingerprint", "grader", "over", "at", "form", "log_score_difference", "p_value", "reason")
    caption = "Log-linear or log-log, out of sample"
    return table(id, caption, names, names[3:5], rows, source, notes, values=values, value_names=value_names)
