"""The plan as findings and a section: what would settle it."""

from __future__ import annotations

from safescale.analyses.plan import CorpusPlan, SettingPlan, StudyPlan
from safescale.analyses.plan.answer import in_so_many, pp_words, spread_words
from safescale.analyses.plan.settle import IN_FULL, lead_of, told_in_full
from safescale.analyses.words import capital, plural
from safescale.report.chapter import Chapter
from safescale.report.document import Figure, Finding, Section, Table
from safescale.report.figures.power import draw_power
from safescale.report.figures.sink import FigureSink
from safescale.report.plan_tables import (
    assumptions_table,
    detectable_table,
    exact_table,
    flat_table,
    labels_table,
    models_range,
    models_table,
    prompts_table,
    settings_table,
    sizes_table,
    tau_name,
)

__all__ = ["KEY", "TITLE", "plan_chapter"]

KEY = "plan"
TITLE = "What would settle it"
QUESTION = "What would I need to know whether safety changes with size?"
SETTLED = "What more would this corpus need?"


def plan_chapter(result: StudyPlan | CorpusPlan, command: str, sink: FigureSink | None = None) -> Chapter:
    """A plan from assumptions, or what would settle each setting of a corpus."""
    if isinstance(result, StudyPlan):
        return _of_study(result, command, sink)
    return _of_corpus(result, command, sink)


def _of_study(plan: StudyPlan, command: str, sink: FigureSink | None) -> Chapter:
    section = _section(plan, command, sink, id="plan", title=TITLE, number=1, words=(), exact=True)
    finding = Finding(
        question=QUESTION,
        about="from assumptions alone",
        verdict=_verdict(plan),
        testable=True,
        testability=_assumed(plan),
        answer=plan.answer,
    )
    return Chapter(key=KEY, findings=(finding,), section=section)


def _verdict(plan: StudyPlan) -> str:
    needed, asked = plan.needed(), plan.assumptions
    effect = f"to find {pp_words(asked.effect_pp_per_decade)} pp per decade {in_so_many(asked.power)}"
    if needed is None:
        return f"{models_range(plan)} models {effect}, by how far models of one size differ"
    return f"{'more than 100,000 models' if needed.n_models is None else plural(needed.n_models, 'model')} {effect}"


def _assumed(plan: StudyPlan) -> str:
    asked = plan.assumptions
    by = {origin: sum(stated.origin == origin for stated in asked.stated) for origin in ("given", "corpus", "assumed")}
    words = [f"{n} {what}" for n, what in ((by["given"], "given"), (by["corpus"], "from rows"), (by["assumed"], "by default")) if n]
    return f"{plural(len(asked.stated), 'assumption')} ({', '.join(words)}); models {spread_words(asked)}."


def _of_corpus(result: CorpusPlan, command: str, sink: FigureSink | None) -> Chapter:
    shown = _in_full(result)
    parts = tuple(_part(setting, command, sink, number) for number, setting in enumerate(shown, start=1))
    source = _source(command, result.fingerprint, "one row per grader, target and condition")
    first = next((setting.plan for setting in result.settings if setting.plan is not None), None)
    rows = result.settings if len(result.settings) <= IN_FULL else tuple(s for s in result.settings if s.open)
    others = len(result.settings) - len(rows)
    counted = (f"Open settings only; the other {others} are counted: {lead_of(result.settings)}",) if others else ()
    tables: list[Table] = [settings_table(rows, id="plan-settings", source=source, notes=counted)] if rows else []
    if first is not None:
        tables.append(exact_table(first, id="plan-exact", source=_source(command, result.fingerprint, "sizes alone")))
    notes = list(counted if not rows else ())
    opened = sum(setting.open for setting in result.settings)
    if 0 < len(shown) < opened:
        notes.append(f"Details are given for {len(shown)} of {opened} open settings: those with most models.")
    section = Section(
        id="plan",
        title=TITLE,
        paragraphs=(_paragraph(result), *notes),
        warnings=result.caveats,
        tables=tuple(tables),
        methods=() if first is None else _methods(first),
        sections=parts,
    )
    findings = tuple(_finding(setting) for setting in told_in_full(result.settings))
    return Chapter(key=KEY, findings=findings, section=section)


def _paragraph(result: CorpusPlan) -> str:
    """The answer; of several settings their number, for each has a finding or a row."""
    unsettled = any(not setting.settled for setting in result.settings)
    return lead_of(result.settings) if unsettled and len(result.settings) > 1 else result.answer


def _in_full(result: CorpusPlan) -> tuple[SettingPlan, ...]:
    """Open settings get a part of their own; one that cannot be tested only where it is the only one."""
    alone = len(result.settings) == 1
    able = [s for s in result.settings if s.plan is not None and (s.open or (alone and not s.settled))]
    ranked = sorted(able, key=lambda setting: -(setting.plan.assumptions.design.n_models if setting.plan else 0))
    chosen = ranked[:IN_FULL]
    return tuple(setting for setting in able if setting in chosen)


def _finding(setting: SettingPlan) -> Finding:
    plan = setting.plan
    return Finding(
        question=QUESTION,
        about=setting.setting,
        verdict=_verdict(plan) if plan is not None else setting.verdict.value,
        testable=plan is not None,
        testability="No series of models to plan from." if plan is None else _assumed(plan),
        answer=setting.words,
    )


def _part(setting: SettingPlan, command: str, sink: FigureSink | None, number: int) -> Section:
    assert setting.plan is not None
    title = capital(setting.setting)
    return _section(
        setting.plan, command, sink, id=f"plan-{number}", title=title, number=number, words=(setting.words,), exact=False
    )


def _section(
    plan: StudyPlan,
    command: str,
    sink: FigureSink | None,
    *,
    id: str,
    title: str,
    number: int,
    words: tuple[str, ...],
    exact: bool,
) -> Section:
    source = _source(command, plan.fingerprint, _basis(plan))
    tables = (
        models_table(plan, id=f"{id}-models", source=source),
        detectable_table(plan, id=f"{id}-found", source=source),
        sizes_table(plan, id=f"{id}-sizes", source=source),
        prompts_table(plan, id=f"{id}-prompts", source=source),
        flat_table(plan, id=f"{id}-flat", source=source),
        exact_table(plan, id=f"{id}-exact", source=source) if exact else None,
        labels_table(plan, id=f"{id}-labels", source=source),
        assumptions_table(plan, id=f"{id}-assumptions", source=source),
    )
    figures: tuple[Figure, ...] = () if sink is None else (_figure(plan, sink, number, source),)
    return Section(
        id=id,
        title=title,
        paragraphs=words,
        warnings=plan.caveats,
        figures=figures,
        tables=tuple(table for table in tables if table is not None),
        methods=_methods(plan) if exact else (),
    )


def _figure(plan: StudyPlan, sink: FigureSink, number: int, source: str) -> Figure:
    asked = plan.assumptions
    traces = (
        ""
        if asked.trials is None or asked.design.kind == "standard_error"
        else f" · {plural(asked.trials, 'trace')} a model at {100 * asked.base_rate:.3g} %"
    )
    footer = f"two-sided t test over models, level {asked.alpha_per_test:.3g}{traces} · corpus {plan.fingerprint}"
    needed = plan.needed()
    reached = "" if needed is None or needed.n_models is None else f" The ring marks {needed.n_models:,} models."
    right = f" Right: the same for {asked.design.n_models} models and other effects." if plan.curves_effect else ""
    return sink.add(
        f"power-{number}",
        title="Chance to find a slope",
        caption=f"Dashed: {100 * asked.power:g} of 100 studies.{reached}{right} Tau is the spread between models of one size. "
        f"Fewer than {plan.exact.sizes_needed} sizes cannot reject in an exact test, whatever the curve says.",
        alt=_alt(plan),
        source=source,
        draw=lambda: draw_power(plan, footer=footer, watermark=sink.watermark),
    )


def _alt(plan: StudyPlan) -> str:
    effect = plan.assumptions.effect_pp_per_decade
    parts = []
    for tau in plan.taus_pp:
        needed = plan.needed(effect, tau)
        n = "no number" if needed is None or needed.n_models is None else f"{needed.n_models:,}"
        parts.append(f"{tau_name(tau)}: {n}")
    return f"Power against number of models. Models needed for {pp_words(effect)} pp per decade by spread: {'; '.join(parts)}."


def _basis(plan: StudyPlan) -> str:
    asked = plan.assumptions
    if asked.design.kind == "standard_error":
        return f"standard error over {asked.design.n_models} models"
    prompts = "sampling noise in tau" if asked.prompts is None else f"{plural(asked.trials or 0, 'trace')} a model"
    return f"base rate {100 * asked.base_rate:.3g} %, {prompts}, models {spread_words(asked)}"


def _methods(plan: StudyPlan) -> tuple[str, ...]:
    asked = plan.assumptions
    found = [
        "Numbers of models were planned for a two-sided t test of a least-squares slope of the rate on log10 of parameters, models "
        f"as units, at level {asked.alpha:g}"
        + (f" divided between {asked.tests} tests" if asked.tests > 1 else "")
        + f" and power {asked.power:g} (non-central t; Dupont and Plummer 1998).",
        f"Flatness was planned for two one-sided tests with a margin of {asked.margin_pp:g} pp per decade (Phillips 1990).",
    ]
    if asked.tau_cautious_pp is not None:
        found.append(
            "The spread between models of one size was estimated by restricted maximum likelihood about the fitted line, with its "
            "Q-profile interval (Viechtbauer 2007); cautious numbers use its upper 80 % limit (Browne 1995), or where that is 0 "
            "the upper end of the interval."
        )
    return tuple(found)


def _source(command: str, fingerprint: str, basis: str) -> str:
    return " · ".join((command, f"corpus {fingerprint}", basis))
