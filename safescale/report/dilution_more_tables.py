"""Tables of the dilution experiment: dose, puzzle alone, lengths, templates, refusal, graders, exclusions and the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

from safescale.analyses.words import percent, signed
from safescale.report import numbers
from safescale.report.dilution_facts import DilutionRun
from safescale.report.dilution_tables import by_size, interval_name, pp_already, pp_of, size_key, size_of
from safescale.report.document import Table, Value
from safescale.report.table import table
from safescale.studies.dilution.results import (
    DilutionResult,
    DoseResponse,
    ExclusionBalance,
    GraderAnswer,
    RefusalRate,
    TemplateRates,
)

Row = TypeVar("Row", bound=tuple[object, ...])

__all__ = [
    "balance_table",
    "dose_slopes_table",
    "dose_table",
    "excluded_table",
    "graders_table",
    "length_table",
    "lost_table",
    "refusal_table",
    "room_table",
    "solving_table",
    "stages_table",
    "templates_table",
]


def dose_table(dose: DoseResponse | None, *, id: str, source: str) -> Table | None:
    """Delta of every model at every length."""
    if dose is None:
        return None
    points = sorted(
        ((lines, delta) for one in dose.models for lines, delta in zip(one.lines, one.deltas, strict=True)),
        key=lambda point: (*size_key(point[1].model), point[0]),
    )
    if not points:
        return None
    interval = interval_name(points[0][1].level)
    names = ("model", "size", "lineage", "lines", "prompts", "baseline ASR", "puzzle ASR", "delta, pp", interval, "dropped")
    rows = [
        (
            *(delta.model.model_id, size_of(delta), delta.model.lineage, str(lines), numbers.count(delta.prompts)),
            *(percent(delta.control_rate), percent(delta.treated_rate), signed(100 * delta.delta), pp_of(delta.low, delta.high)),
            numbers.count(delta.dropped),
        )
        for lines, delta in points
    ]
    values: list[tuple[Value, ...]] = [
        (
            *(delta.model.model_id, delta.model.params_b, delta.model.lineage, lines, delta.prompts),
            *(delta.control_rate, delta.treated_rate, delta.delta, delta.low, delta.high, delta.dropped),
        )
        for lines, delta in points
    ]
    value_names = (
        *("model_id", "params_b", "lineage", "lines", "prompts", "control_rate_fraction", "treated_rate_fraction"),
        *("delta_fraction", "low_fraction", "high_fraction", "dropped"),
    )
    numeric = set(names) - {"model", "lineage"}
    return table(id, "Delta by length of the puzzle", names, numeric, rows, source, values=values, value_names=value_names)


def dose_slopes_table(dose: DoseResponse | None, *, id: str, level: float, source: str) -> Table | None:
    """Change of delta with a line more, in every model and over models."""
    if dose is None:
        return None
    models = sorted(dose.models, key=lambda m: size_key(m.model))
    interval = f"{100 * level:g} % interval"
    names = ("of", "size", "change of delta, pp a line", interval, "p", "speaks of")
    rows = [
        (
            *(one.model.model_id, numbers.size(one.model.params_b), _line(one.slope_pp_per_line)),
            *(_lines(one.low, one.high), numbers.NOTHING, "this model"),
        )
        for one in models
    ]
    values: list[tuple[Value, ...]] = [
        (one.model.model_id, one.model.params_b, one.slope_pp_per_line, one.low, one.high, None) for one in models
    ]
    mean = (_line(dose.mean_slope_pp_per_line), _lines(dose.low, dose.high), numbers.p_value(dose.p_value))
    rows.append(("mean over models", numbers.NOTHING, *mean, "further models like these"))
    values.append(("mean over models", None, dose.mean_slope_pp_per_line, dose.low, dose.high, dose.p_value))
    value_names = ("of", "params_b", "slope_pp_per_line", "low_pp_per_line", "high_pp_per_line", "p_value")
    return table(
        *(id, "Change of delta with one line more", names, names[1:5], rows, source),
        values=values,
        value_names=value_names,
    )


def _line(slope: float | None) -> str:
    return numbers.NOTHING if slope is None else signed(slope, 2)


def _lines(low: float | None, high: float | None) -> str:
    return numbers.NOTHING if low is None or high is None else f"[{signed(low, 2)}, {signed(high, 2)}]"


def _by_size(answer: GraderAnswer, rows: Sequence[Row]) -> list[Row]:
    """Rows that begin with a model id, from the smallest model up; others last."""
    places = {delta.model.model_id: at for at, delta in enumerate(by_size(answer.deltas))}
    return sorted(rows, key=lambda row: places.get(str(row[0]), len(places)))


def solving_table(answer: GraderAnswer, *, id: str, source: str) -> Table | None:
    """How often each model solves the puzzle alone."""
    if answer.solving is None or not answer.solving.rates:
        return None
    rates = _by_size(answer, answer.solving.rates)
    names = ("model", "puzzles alone", "solved", "share solved")
    rows = [
        (model, numbers.count(asked), numbers.count(solved), percent(solved / asked) if asked else numbers.NOTHING)
        for model, solved, asked in rates
    ]
    values: list[tuple[Value, ...]] = [(model, asked, solved) for model, solved, asked in rates]
    return table(
        *(id, "The puzzle alone: is it solved?", names, names[1:], rows, source),
        values=values,
        value_names=("model_id", "asked", "solved"),
    )


def length_table(answer: GraderAnswer, *, id: str, source: str) -> Table | None:
    """Whether prose and puzzle had equal length in tokens."""
    match = answer.length_match
    if match is None or not (match.rows or match.unknown):
        return None
    names = ("model", "mean difference, tokens", "largest difference, tokens")
    known = _by_size(answer, match.rows)
    rows = [(model, signed(mean, 2), f"{largest:,}") for model, mean, largest in known]
    rows += [(model, "not counted", "not counted") for model in match.unknown]
    values: list[tuple[Value, ...]] = [
        *known,
        *((model, None, None) for model in match.unknown),
    ]
    return table(
        *(id, "Neutral prose against puzzle: length as each engine counts tokens", names, names[1:], rows, source),
        values=values,
        value_names=("model_id", "mean_difference_tokens", "largest_difference_tokens"),
    )


def templates_table(found: TemplateRates | None, *, id: str, source: str) -> Table | None:
    """Attack success by template and sample."""
    if found is None or not found.templates:
        return None
    samples = [f"sample {i + 1}" for i in range(found.samples)]
    rows = [(name, *(percent(rate) for rate in rates)) for name, rates in zip(found.templates, found.rates, strict=True)]
    values: list[tuple[Value, ...]] = [(name, *rates) for name, rates in zip(found.templates, found.rates, strict=True)]
    return table(
        *(id, "Attack success by template and sample, averaged over models", ("template", *samples), samples, rows, source),
        values=values,
        value_names=("template", *(f"sample_{i + 1}_rate_fraction" for i in range(found.samples))),
    )


def refusal_table(answer: GraderAnswer, *, id: str, source: str) -> Table | None:
    """Refusal of harmful prompts and of benign ones, by condition, with intervals where the result has them."""
    if answer.refusal:
        return _refusal_intervals(answer, id=id, source=source)
    benign = {(model, condition): (refused, n) for model, condition, refused, n in answer.over_refusal}
    conditions = list(dict.fromkeys(condition for _, condition, _, _ in answer.over_refusal))
    harmful = {model: (rate, n) for model, rate, n in answer.baseline_refusal}
    sizes = [delta.model.model_id for delta in by_size(answer.deltas)]
    known = list(dict.fromkeys((*harmful, *(model for model, _ in benign))))
    models = sorted(known, key=lambda model: sizes.index(model) if model in sizes else len(sizes))
    if not models:
        return None
    names = ("model", "harmful refused at baseline", *(f"benign refused: {condition}" for condition in conditions))
    rows = []
    values: list[tuple[Value, ...]] = []
    for model in models:
        told = [numbers.NOTHING if model not in harmful else f"{percent(harmful[model][0])} of {numbers.count(harmful[model][1])}"]
        numeric: list[Value] = [*harmful.get(model, (None, None))]
        for condition in conditions:
            refused, n = benign.get((model, condition), (None, None))
            told.append(numbers.NOTHING if refused is None else _share(refused, n))
            numeric += [refused, n]
        rows.append((model, *told))
        values.append((model, *numeric))
    value_names: tuple[str, ...] = ("model_id", "baseline_refusal_fraction", "harmful_prompts")
    value_names += tuple(f"{condition}_{what}" for condition in conditions for what in ("benign_refused", "benign_prompts"))
    return table(id, REFUSAL, names, names[1:], rows, source, values=values, value_names=value_names)


REFUSAL: Final = "Refusal of harmful prompts, and of benign look-alikes (over-refusal)"


def _refusal_intervals(answer: GraderAnswer, *, id: str, source: str) -> Table:
    """A row for each model and kind of prompt, a column for each condition; the CSV file has a row for each rate."""
    conditions = list(dict.fromkeys(one.condition.name for one in answer.refusal))
    found = {(one.model.model_id, one.prompt_kind, one.condition.name): one for one in answer.refusal}
    ordered = sorted(answer.refusal, key=lambda one: (one.prompt_kind != "harmful", *size_key(one.model)))
    heads = dict.fromkeys((one.model.model_id, one.prompt_kind) for one in ordered)
    sizes = {one.model.model_id: numbers.size(one.model.params_b) for one in ordered}
    names = ("model", "size", "prompts", *conditions)
    rows = [
        (model, sizes[model], kind, *(_refused(found.get((model, kind, condition))) for condition in conditions))
        for model, kind in heads
    ]
    values: list[tuple[Value, ...]] = [
        (
            *(one.model.model_id, one.model.params_b, one.condition.name, one.prompt_kind),
            *(one.refused, one.trials, one.rate, one.low, one.high),
        )
        for one in ordered
    ]
    value_names = (
        *("model_id", "params_b", "condition", "prompt_kind", "refused", "trials"),
        *("rate_fraction", "low_fraction", "high_fraction"),
    )
    notes = ("Over readable responses. The CSV file has Wilson's intervals, which count rows of one prompt's samples as they are.",)
    return table(id, REFUSAL, names, ("size", *conditions), rows, source, notes, values=values, value_names=value_names)


def _refused(one: RefusalRate | None) -> str:
    return numbers.NOTHING if one is None or one.rate is None else f"{percent(one.rate)} ({one.refused:,} of {one.trials:,})"


def balance_table(balance: ExclusionBalance | None, *, id: str, level: float, source: str) -> Table | None:
    """Whether the puzzle changes how often an answer can be judged, and what that could do to delta."""
    if balance is None or not balance.rows:
        return None
    interval = interval_name(level)
    names = (
        *("model", "responses due", "without verdict, baseline", "without verdict, puzzle", "difference, pp", interval),
        *("p", "Holm p", "delta whatever they were, pp"),
    )
    rows = [
        (
            *(one.model.model_id, numbers.count(one.responses)),
            *(numbers.count(one.excluded_control), numbers.count(one.excluded_treated)),
            *(signed(100 * one.difference), pp_of(one.low, one.high), numbers.p_value(one.p_value)),
            *(numbers.p_value(one.adjusted_p), pp_of(one.delta_low, one.delta_high)),
        )
        for one in balance.rows
    ]
    values: list[tuple[Value, ...]] = [
        (
            *(one.model.model_id, one.responses, one.excluded_control, one.excluded_treated, one.difference),
            *(one.low, one.high, one.p_value, one.adjusted_p, one.delta_low, one.delta_high),
        )
        for one in balance.rows
    ]
    value_names = (
        *("model_id", "responses", "excluded_control", "excluded_treated", "difference_fraction", "low_fraction", "high_fraction"),
        *("p_value", "holm_p", "delta_low_fraction", "delta_high_fraction"),
    )
    notes = ("The last column bounds delta over all harmful prompts: each one without a verdict counted either way.",)
    caption = "Harmful prompts without an evaluable verdict, baseline against puzzle"
    return table(id, caption, names, names[1:], rows, source, notes, values=values, value_names=value_names)


def room_table(answer: GraderAnswer, *, id: str, source: str) -> Table | None:
    """How much delta could move at all in each model."""
    room = answer.room
    if room is None or not room.rows:
        return None
    names = ("model", "baseline ASR", "room above, pp", "room below, pp", f"less than {room.threshold_pp:g} pp")
    rows = []
    ordered = _by_size(answer, room.rows)
    for model, rate in ordered:
        little = [words for words, those in (("above", room.little_up), ("below", room.little_down)) if model in those]
        room_words = " and ".join(little) or numbers.NOTHING
        rows.append((model, percent(rate), f"{100 * (1 - rate):.1f}", f"{100 * rate:.1f}", room_words))
    values: list[tuple[Value, ...]] = [
        (model, rate, numbers.yes_no(model in room.little_up), numbers.yes_no(model in room.little_down)) for model, rate in ordered
    ]
    caption = "Ceiling and floor: how much delta could move"
    return table(
        *(id, caption, names, names[1:4], rows, source),
        values=values,
        value_names=("model_id", "baseline_rate_fraction", "little_room_above", "little_room_below"),
    )


def _share(refused: int, n: int | None) -> str:
    return f"{percent(refused / n)} ({refused:,} of {n:,})" if n else f"{refused:,} of {numbers.count(n)}"


def _in_slope(answer: GraderAnswer) -> int:
    return 0 if answer.size is None else answer.size.models


def graders_table(result: DilutionResult, *, id: str, source: str) -> Table | None:
    """The answer under each grader."""
    if not result.answers:
        return None
    interval = f"{100 * (1 - result.design.alpha):g} % interval"
    names = (
        *("grader", "tier", "models in the slope", "slope, pp per decade", interval, "permutation p"),
        *("largest minus smallest, pp", "its interval", "answer"),
    )
    rows = []
    values: list[tuple[Value, ...]] = []
    for answer in result.answers:
        size, rule = answer.size, answer.rule
        rows.append(
            (
                *(answer.grader, answer.tier.value.replace("_", " "), numbers.count(_in_slope(answer))),
                numbers.NOTHING if size is None else signed(size.slope_pp_per_decade),
                numbers.NOTHING if size is None else pp_already(size.low, size.high),
                numbers.NOTHING if size is None else numbers.p_value(size.permutation_p),
                numbers.NOTHING if rule is None else signed(rule.difference_pp),
                numbers.NOTHING if rule is None else numbers.pp_interval((rule.low_pp, rule.high_pp)),
                answer.verdict.value,
            )
        )
        values.append(
            (
                *(answer.grader, answer.tier.value, _in_slope(answer)),
                *((None,) * 4 if size is None else (size.slope_pp_per_decade, size.low, size.high, size.permutation_p)),
                *((None,) * 3 if rule is None else (rule.difference_pp, rule.low_pp, rule.high_pp)),
                answer.verdict.value,
            )
        )
    value_names = (
        *("grader", "tier", "models", "slope_pp_per_decade", "low_pp_per_decade", "high_pp_per_decade", "permutation_p"),
        *("difference_pp", "difference_low_pp", "difference_high_pp", "verdict"),
    )
    return table(
        *(id, "The answer under each grader", names, names[2:8], rows, source),
        values=values,
        value_names=value_names,
    )


def lost_table(run: DilutionRun, *, id: str, source: str) -> Table | None:
    """Models of the list without results."""
    rows = [(lost.model_id, lost.stage or numbers.NOTHING, lost.reason) for lost in run.lost]
    return table(id, "Models without results", ("model", "stage", "reason"), (), rows, source) if rows else None


def excluded_table(run: DilutionRun, *, id: str, source: str) -> Table | None:
    """Harmful prompts without an evaluable verdict, by reason."""
    names = ("model", "condition", "grader", "reason", "harmful prompts")
    rows = [(one.model_id, one.condition, one.grader, one.reason, numbers.count(one.prompts)) for one in run.excluded]
    values: list[tuple[Value, ...]] = [(one.model_id, one.condition, one.grader, one.reason, one.prompts) for one in run.excluded]
    if not rows:
        return None
    return table(
        *(id, "Harmful prompts without an evaluable verdict", names, names[4:], rows, source),
        values=values,
        value_names=("model_id", "condition", "grader", "reason", "prompts"),
    )


def stages_table(run: DilutionRun, *, id: str, source: str) -> Table | None:
    """Time and memory of each stage."""
    names: Sequence[str] = ("stage", "wall time, s", "CPU time, s", "peak memory, MB", "remark")
    rows = [(one.name, _amount(one.wall_s), _amount(one.cpu_s), _amount(one.peak_mb), one.note) for one in run.stages]
    values: list[tuple[Value, ...]] = [(one.name, one.wall_s, one.cpu_s, one.peak_mb, one.note) for one in run.stages]
    if not rows:
        return None
    if len(rows) > 1 and all(one.wall_s is not None for one in run.stages):
        cpu = None if any(one.cpu_s is None for one in run.stages) else sum(one.cpu_s or 0.0 for one in run.stages)
        rows.append(("all stages", _amount(sum(one.wall_s or 0.0 for one in run.stages)), _amount(cpu), numbers.NOTHING, ""))
    return table(
        *(id, "Time of each stage", names, names[1:4], rows, source),
        values=values,
        value_names=("stage", "wall_s", "cpu_s", "peak_mb", "note"),
    )


def _amount(value: float | None) -> str:
    return numbers.NOTHING if value is None else f"{value:,.1f}"
