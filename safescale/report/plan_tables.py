"""Tables of a plan: models, what is found now, sizes to add, prompts, exact tests, labels, flatness, assumptions."""

from __future__ import annotations

from collections.abc import Sequence

from safescale.analyses.plan import Detectable, FlatNeeded, SettingPlan, StudyPlan
from safescale.analyses.plan.answer import pp_words
from safescale.analyses.words import p_words, percent, size_words
from safescale.report.document import Column, Table
from safescale.report.numbers import NOTHING, count, decades, yes_no

__all__ = [
    "assumptions_table",
    "detectable_table",
    "exact_table",
    "flat_table",
    "labels_table",
    "models_range",
    "models_table",
    "prompts_table",
    "settings_table",
    "sizes_table",
]

BEYOND = "> 100,000"

NAMES = {
    "effect_pp_per_decade": "effect to be found",
    "tau_pp": "spread between models of one size (tau)",
    "tau_cautious_pp": "cautious tau",
    "base_rate": "base rate",
    "prompts": "prompts",
    "traces_per_prompt": "traces of a prompt",
    "prompt_icc": "correlation of two traces of a prompt",
    "tests": "tests between which the level is divided",
    "power": "power",
    "alpha": "level of all tests together",
    "margin_pp": "margin of flatness",
    "level": "coverage of intervals",
}
ORIGINS = {"given": "given", "assumed": "default of safescale", "corpus": "these rows"}


def tau_name(tau_pp: float | None) -> str:
    """Heading of one spread between models."""
    return "scatter of the fit" if tau_pp is None else f"tau {pp_words(tau_pp) if tau_pp else '0'} pp"


def models_table(plan: StudyPlan, *, id: str, source: str) -> Table:
    """Models needed: effects down, spreads between models across."""
    asked = plan.assumptions
    effects = sorted({row.effect_pp_per_decade for row in plan.models})
    rows = []
    for effect in effects:
        cells = [plan.needed(effect, tau) for tau in plan.taus_pp]
        rows.append((f"{pp_words(effect)} pp per decade", *(_models(cell.n_models) if cell else NOTHING for cell in cells)))
    return Table(
        id=id,
        caption=f"Models needed to find a slope in {100 * asked.power:g} of 100 studies, by effect and spread between models",
        columns=(Column(name="effect"), *(Column(name=tau_name(tau), numeric=True) for tau in plan.taus_pp)),
        rows=tuple(rows),
        notes=_floor_notes(plan),
        source=source,
    )


def _floor_notes(plan: StudyPlan) -> tuple[str, ...]:
    short = [row for row in plan.models if row.limited_by == "exact_floor"]
    if not short:
        return ()
    return (
        f"Where it says {plan.exact.sizes_needed}, Student's t alone would at times ask for fewer models ({len(short)} of these "
        "numbers); fewer sizes do not let an exact test reject.",
    )


def detectable_table(plan: StudyPlan, *, id: str, source: str) -> Table | None:
    """What the models at hand find, per spread between models."""
    if not plan.detectable:
        return None
    asked = plan.assumptions
    n, power = asked.design.n_models, f"{100 * asked.power:g} of 100"
    rows = tuple(
        (
            tau_name(row.tau_pp),
            f"{pp_words(row.slope_pp_per_decade)}{'' if row.possible is not False else ' (not possible)'}",
            pp_words(row.slope_pp_per_doubling),
            NOTHING if row.endless_prompts_pp_per_decade is None else pp_words(row.endless_prompts_pp_per_decade),
            percent(row.power_for_effect),
            NOTHING if row.sampling_share is None else percent(row.sampling_share),
        )
        for row in plan.detectable
    )
    return Table(
        id=id,
        caption=f"What {n} models find: the smallest slope found in {power} studies",
        columns=(
            Column(name="spread between models"),
            Column(name="pp per decade", numeric=True),
            Column(name="pp per doubling", numeric=True),
            Column(name="with endless prompts, pp per decade", numeric=True),
            Column(name=f"chance to find {pp_words(asked.effect_pp_per_decade)} pp per decade", numeric=True),
            Column(name="share of the scatter that prompts remove", numeric=True),
        ),
        rows=rows,
        notes=("Not possible: so steep a line leaves 0 to 100 %.",) if any(r.possible is False for r in plan.detectable) else (),
        source=source,
    )


def sizes_table(plan: StudyPlan, *, id: str, source: str) -> Table | None:
    """One more model of each size, best first."""
    if not plan.size_gains:
        return None
    at = "" if plan.assumptions.tau_pp is not None else " (at tau 5 pp; the order is the same at every tau)"
    rows = tuple(
        (
            size_words(row.size_b),
            pp_words(row.slope_pp_per_decade),
            NOTHING if row.gain_pp_per_decade is None else f"{row.gain_pp_per_decade:.1f}",
            decades(row.decades),
            p_words(row.smallest_p),
        )
        for row in plan.size_gains
    )
    return Table(
        id=id,
        caption=f"Which size to add: the smallest slope found with one more model, best first{at}",
        columns=(
            Column(name="size added"),
            Column(name="smallest slope found, pp per decade", numeric=True),
            Column(name="gain, pp per decade", numeric=True),
            Column(name="decades spanned", numeric=True),
            Column(name="smallest attainable p", numeric=True),
        ),
        rows=rows,
        notes=("Models at both ends find a line soonest; only models between them can show that it is none.",),
        source=source,
    )


def prompts_table(plan: StudyPlan, *, id: str, source: str) -> Table | None:
    """Prompts that would let the models at hand find the effect, and the floor that none gets below."""
    if not plan.prompts:
        return None
    asked = plan.assumptions
    rows = []
    for row in plan.prompts:
        found = plan.found_at(row.tau_pp)
        floor = None if found is None else found.endless_prompts_pp_per_decade
        rows.append(
            (
                tau_name(row.tau_pp),
                "no number is enough" if row.n_prompts is None else count(row.n_prompts),
                percent(row.power_limit),
                NOTHING if floor is None else pp_words(floor),
                NOTHING if row.n_prompts is not None else _models(row.models_needed),
            )
        )
    return Table(
        id=id,
        caption=f"Prompts that let {asked.design.n_models} models find {pp_words(asked.effect_pp_per_decade)} pp per decade",
        columns=(
            Column(name="spread between models"),
            Column(name="prompts per model", numeric=True),
            Column(name="chance with endless prompts", numeric=True),
            Column(name="smallest slope with endless prompts, pp per decade", numeric=True),
            Column(name="models needed instead", numeric=True),
        ),
        rows=tuple(rows),
        source=source,
    )


def flat_table(plan: StudyPlan, *, id: str, source: str) -> Table:
    """Models that show a flat slope to be flat."""
    asked = plan.assumptions
    rows = tuple(
        (
            tau_name(row.tau_pp),
            _models(row.n_models),
            NOTHING if row.power_at_hand is None else percent(row.power_at_hand),
        )
        for row in plan.flat
    )
    return Table(
        id=id,
        caption=f"Models that show a flat slope to be flat within {pp_words(asked.margin_pp)} pp per decade (two one-sided tests)",
        columns=(
            Column(name="spread between models"),
            Column(name="models needed", numeric=True),
            Column(name=f"chance of {asked.design.n_models} models", numeric=True),
        ),
        rows=rows,
        source=source,
    )


def exact_table(plan: StudyPlan, *, id: str, source: str) -> Table:
    """What exact tests of few models can reach."""
    exact = plan.exact
    columns = [Column(name="models of different size"), Column(name="smallest attainable p", numeric=True)]
    if exact.tests > 1:
        columns.append(Column(name=f"after Holm over {exact.tests} tests", numeric=True))
    columns.append(Column(name=f"can reach {exact.alpha:g}"))
    rows = tuple(
        (
            str(row.sizes),
            f"{row.smallest_p:.2g}",
            *([f"{row.after_holm:.2g}"] if exact.tests > 1 else []),
            yes_no(row.reaches),
        )
        for row in exact.rows
    )
    return Table(
        id=id,
        caption="What an exact test over models can reach, whatever the rates: 2/k! for k different sizes",
        columns=tuple(columns),
        rows=rows,
        source=source,
    )


def labels_table(plan: StudyPlan, *, id: str, source: str) -> Table | None:
    """Human labels for a corrected rate."""
    if not plan.labels:
        return None
    rows = tuple(
        (
            row.of,
            count(row.n_traces),
            "not enough traces" if row.n_labels is None else count(row.n_labels),
            count(row.labels_without_grader),
            NOTHING if row.half_width_limit is None else f"{100 * row.half_width_limit:.1f}",
        )
        for row in plan.labels
    )
    wanted = 100 * plan.labels[0].half_width
    return Table(
        id=id,
        caption=f"Human labels that bring a graded rate to {wanted:g} pp either way",
        columns=(
            Column(name="rate of"),
            Column(name="graded traces", numeric=True),
            Column(name="labels", numeric=True),
            Column(name="labels without the grader", numeric=True),
            Column(name="pp either way with all labelled", numeric=True),
        ),
        rows=rows,
        notes=tuple(f"{row.of}: {row.unavailable}." for row in plan.labels if row.unavailable),
        source=source,
    )


def assumptions_table(plan: StudyPlan, *, id: str, source: str) -> Table:
    """Everything that the numbers rest on, and who says so."""
    asked, design = plan.assumptions, plan.assumptions.design
    rows = [
        (NAMES[stated.name], _stated(stated.value, stated.unit), ORIGINS[stated.origin], stated.note or NOTHING)
        for stated in asked.stated
    ]
    origin = "default of safescale" if not design.at_hand else "at hand" if asked.tau_cautious_pp is None else "these rows"
    if design.kind == "standard_error":
        error = design.standard_error_pp_per_decade or 0.0
        rows.append(("standard error of the slope", f"{pp_words(error)} pp per decade", "given", f"{design.n_models} models"))
    else:
        rows.append(("models", _sizes(design.sizes_b), origin, design.note or NOTHING))
    return Table(
        id=id,
        caption="What these numbers rest on",
        columns=(Column(name="assumption"), Column(name="value"), Column(name="from"), Column(name="remark")),
        rows=tuple(rows),
        source=source,
    )


def models_range(plan: StudyPlan) -> str:
    """Models needed where tau is not known: from the smallest to the largest spread that is shown."""
    known = [row.n_models for row in plan.models if row.effect_pp_per_decade == plan.assumptions.effect_pp_per_decade]
    return _range([BEYOND if n is None else f"{n:,}" for n in known])


def _range(words: Sequence[str]) -> str:
    return words[0] if words[0] == words[-1] else f"{words[0]} to {words[-1]}"


def settings_table(settings: Sequence[SettingPlan], *, id: str, source: str, notes: Sequence[str] = ()) -> Table:
    """Every setting in a row: what it finds now, and what would do."""
    rows = []
    for setting in settings:
        plan = setting.plan
        needed, found, flat = (None, None, None) if plan is None else (plan.needed(), plan.found_at(), plan.flat_at())
        cautious = None if plan is None or plan.assumptions.tau_cautious_pp is None else plan.assumptions.tau_cautious_pp
        safe = None if plan is None or cautious is None else plan.needed(tau_pp=cautious)
        rows.append(
            (
                setting.setting,
                setting.verdict.value,
                NOTHING if plan is None else count(plan.assumptions.design.n_models),
                NOTHING if setting.evidence is None else _tau(setting.evidence.tau_pp, setting.evidence.tau_interval_pp),
                _found(plan, found),
                NOTHING if plan is None else models_range(plan) if needed is None else _models(needed.n_models),
                NOTHING if safe is None else _models(safe.n_models),
                _to_show_flat(plan, flat),
                NOTHING if plan is None or not plan.size_gains else size_words(plan.size_gains[0].size_b),
            )
        )
    return Table(
        id=id,
        caption="What would settle each setting",
        columns=(
            Column(name="setting"),
            Column(name="answer now"),
            Column(name="models now", numeric=True),
            Column(name="tau, pp [interval]", numeric=True),
            Column(name="smallest slope found, pp per decade", numeric=True),
            Column(name="models needed", numeric=True),
            Column(name="to be safe", numeric=True),
            Column(name="to show flatness", numeric=True),
            Column(name="best size to add", numeric=True),
        ),
        rows=tuple(rows),
        notes=(*notes, *_ranges_note(settings)),
        source=source,
    )


def _found(plan: StudyPlan | None, found: Detectable | None) -> str:
    if plan is None or not plan.detectable:
        return NOTHING
    slopes = [row.slope_pp_per_decade for row in ([found] if found is not None else plan.detectable)]
    return _range([pp_words(slope) for slope in slopes])


def _to_show_flat(plan: StudyPlan | None, flat: FlatNeeded | None) -> str:
    if plan is None:
        return NOTHING
    return _range([_models(row.n_models) for row in ([flat] if flat is not None else plan.flat)])


def _ranges_note(settings: Sequence[SettingPlan]) -> tuple[str, ...]:
    taus = next((s.plan.taus_pp for s in settings if s.plan is not None and s.plan.needed() is None), None)
    if taus is None:
        return ()
    return (f"Where tau is not known (–) a range is given, from {tau_name(taus[0])} to {tau_name(taus[-1])}.",)


def _tau(tau_pp: float | None, interval: tuple[float, float] | None) -> str:
    if tau_pp is None:
        return NOTHING
    return f"{tau_pp:.1f}" + ("" if interval is None else f" [{interval[0]:.1f}, {interval[1]:.1f}]")


def _models(n: int | None) -> str:
    return BEYOND if n is None else f"{n:,}"


def _stated(value: float | None, unit: str) -> str:
    if value is None:
        return "not known"
    if unit == "fraction":
        return percent(value)
    return f"{value:.3g} {unit}" if unit != "prompts per model" else f"{value:,.0f} {unit}"


def _sizes(sizes_b: Sequence[float]) -> str:
    rounded = [size_words(float(f"{size:.3g}")) for size in sizes_b]
    return ", ".join(rounded) if len(rounded) <= 12 else f"{len(rounded)} from {rounded[0]} to {rounded[-1]}"
