"""What would settle an open question, in words built from its plan."""

from __future__ import annotations

from collections.abc import Sequence

from safescale.analyses.plan.answer import in_so_many, models_words, pp_words, prompts_words, reach_words
from safescale.analyses.plan.results import Evidence, SettingPlan, StudyPlan
from safescale.analyses.words import and_list, capital, plural, size_words

__all__ = ["IN_FULL", "answer_of", "lead_of", "settle_words", "told_in_full"]

IN_FULL = 8
"""Of more settings than this only the open ones are told in full."""


def answer_of(settings: Sequence[SettingPlan], nothing: str, left_out: str = "") -> str:
    """One paragraph: how many settings are open, and what each of them needs."""
    if not settings:
        why = f"{nothing} {capital(left_out)}." if left_out else nothing
        return f"Nothing can be planned from these rows: {why} State sizes, tau and base rate to plan without a corpus."
    unsettled = [setting for setting in settings if not setting.settled]
    lead = f"{lead_of(settings)} " if len(settings) > 1 else ""
    if not unsettled:
        lead += "The corpus settles what it was asked. "
    chosen = told_in_full(settings)
    if not unsettled:
        chosen = tuple(settings)[:IN_FULL]
    return lead + " ".join(f"{capital(s.setting)}: {s.words}" if len(settings) > 1 else s.words for s in chosen)


def told_in_full(settings: Sequence[SettingPlan]) -> tuple[SettingPlan, ...]:
    """What is not settled; of many settings only those that are open, the others are counted."""
    return tuple(s for s in settings if s.open or (not s.settled and len(settings) <= IN_FULL))


def lead_of(settings: Sequence[SettingPlan]) -> str:
    """How many settings are open, how many cannot be tested, how many are settled."""
    still, settled = sum(s.open for s in settings), sum(s.settled for s in settings)
    untestable = len(settings) - still - settled
    parts = [f"{still} of {plural(len(settings), 'setting')} {'is' if still == 1 else 'are'} open"]
    if untestable:
        parts.append(f"{untestable} cannot be tested")
    if settled:
        parts.append(f"{settled} {'is' if settled == 1 else 'are'} settled")
    return f"{and_list(parts)}."


def settle_words(setting: SettingPlan) -> str:
    """One setting."""
    verdict = f"{capital(setting.verdict.value)}."
    plan, evidence = setting.plan, setting.evidence
    if plan is None or evidence is None:
        needs = "; ".join(setting.needs) or "no model of known size has enough rows: sizes, or more rows, are needed first"
        return f"{verdict} {capital(needs)}."
    parts = [verdict, _reach(plan, evidence)]
    if setting.settled:
        return " ".join([*parts, "Nothing more is needed for this answer."])
    if setting.needs:
        parts.append(f"To be testable at all: {'; '.join(setting.needs)}.")
    parts += [_models(plan, evidence), _flat(plan), prompts_words(plan), _size(plan)]
    return " ".join(part for part in parts if part)


def _reach(plan: StudyPlan, evidence: Evidence) -> str:
    asked, found = plan.assumptions, plan.found_at()
    if plan.not_detectable_because is not None:
        return f"{capital(reach_words(plan))}"
    if found is None:
        why = evidence.tau_unavailable or "it is not known"
        each = [row for row in plan.detectable if row.tau_pp in (5.0, 10.0)]
        slopes = " and ".join(f"{pp_words(row.slope_pp_per_decade)} at {row.tau_pp:g} pp" for row in each)
        return (
            f"The spread between models of one size (tau) cannot be estimated ({why}); the smallest slope found "
            f"{in_so_many(asked.power)} at these {asked.design.n_models} models is, in pp per decade, {slopes}."
        )
    impossible = " (more than rates can move over these sizes)" if found.possible is False else ""
    return (
        f"At these {asked.design.n_models} models and this spread ({_tau(plan, evidence)}) the smallest slope found "
        f"{in_so_many(asked.power)} is {pp_words(found.slope_pp_per_decade)} pp per decade{impossible}."
    )


def _tau(plan: StudyPlan, evidence: Evidence) -> str:
    asked = plan.assumptions
    words = f"tau {pp_words(asked.tau_pp or 0.0) if asked.tau_pp else '0'} pp"
    if asked.tau_pp == evidence.tau_pp and evidence.tau_interval_pp is not None:
        low, high = evidence.tau_interval_pp
        words += f", {100 * plan.assumptions.level:g} % interval {low:.1f} to {high:.1f}"
        words += ", sampling noise included" if evidence.tau_holds_sampling_noise else ""
    return words


def _models(plan: StudyPlan, evidence: Evidence) -> str:
    asked, needed = plan.assumptions, plan.needed()
    effect = f"{pp_words(asked.effect_pp_per_decade)} pp per decade"
    like = "of sizes like these" if asked.design.kind == "like_these" else _between(plan)
    if needed is None:
        each = [plan.needed(tau_pp=tau) for tau in (5.0, 10.0)]
        numbers = " and ".join(f"{models_words(row)} at tau {row.tau_pp:g} pp" for row in each if row is not None)
        return f"For {effect} you need {numbers}, {like}."
    cautious = plan.needed(tau_pp=asked.tau_cautious_pp) if asked.tau_cautious_pp is not None else None
    doubt = ""
    if cautious is not None and cautious.n_models != needed.n_models:
        doubt = (
            f" ({models_words(cautious)} to be safe: tau may be {pp_words(asked.tau_cautious_pp or 0.0)} pp, the "
            f"{evidence.tau_cautious_is})"
        )
    words = f"For {effect} you need {models_words(needed)} {like}{doubt}"
    if needed.n_models is not None and needed.n_models <= asked.design.n_models and not doubt:
        return f"{words}: another study like this one would do."
    return f"{words}{_wider(plan)}{_evenly(plan)}."


def _between(plan: StudyPlan) -> str:
    design = plan.assumptions.design
    return f"spread evenly from {size_words(design.min_b or 0.0)} to {size_words(design.max_b or 0.0)}"


def _wider(plan: StudyPlan) -> str:
    wider, decades = plan.wider, plan.assumptions.design.decades
    if wider is None or not wider.possible or (decades is not None and wider.decades <= decades):
        return ""
    return f", or {wider.n_models} models spread evenly from {size_words(wider.from_b)} to {size_words(float(f'{wider.to_b:.3g}'))}"


def _evenly(plan: StudyPlan) -> str:
    """Where other sizes need fewer models than more of the same."""
    evenly, needed = plan.evenly, plan.needed()
    if evenly is None or evenly.n_models is None or needed is None or evenly.n_models >= (needed.n_models or evenly.n_models + 1):
        return ""
    return f", or {plural(evenly.n_models, 'model')} spread evenly from {size_words(evenly.min_b)} to {size_words(evenly.max_b)}"


def _flat(plan: StudyPlan) -> str:
    flat, asked = plan.flat_at(), plan.assumptions
    if flat is None:
        return ""
    number = "more than 100,000 models" if flat.n_models is None else plural(flat.n_models, "model")
    return f"If the slope is flat, to show it within {pp_words(asked.margin_pp)} pp per decade takes {number}."


def _size(plan: StudyPlan) -> str:
    if not plan.size_gains or plan.assumptions.tau_pp is None:
        return ""
    best = plan.size_gains[0]
    return (
        f"The one size that helps most is {size_words(best.size_b)}: with it the smallest slope found is "
        f"{pp_words(best.slope_pp_per_decade)} pp per decade."
    )
