"""Warnings that the numbers themselves raise; a corpus that raises none gets none."""

from __future__ import annotations

from collections.abc import Iterator

from safescale.analyses.inverse_scaling import SettingResult
from safescale.analyses.words import and_list, plural
from safescale.report.facts import Facts
from safescale.report.scaling_tables import every_series

__all__ = ["corpus_warnings", "setting_warnings"]

SHOWN_NAMES = 8


def corpus_warnings(facts: Facts) -> tuple[str, ...]:
    """What concerns every analysis of this corpus."""
    return tuple(_corpus_warnings(facts))


def setting_warnings(setting: SettingResult) -> tuple[str, ...]:
    """What concerns one grader, target and condition."""
    found = list(setting.notes)
    guessed, unknown = setting.models_of_guessed_size, setting.models_of_unknown_size
    if guessed:
        found.append(f"size estimated, not published or declared: {_names(guessed)}")
    if unknown:
        found.append(f"size unknown, so in no slope: {_names(unknown)}")
    small = {
        (s.name, p.model)
        for s in setting.attack_classes
        for p in s.points
        if p.why_not_fitted and "evaluable rows" in p.why_not_fitted
    }
    if small:
        found.append(f"{plural(len(small), 'pair')} of class and model with too few evaluable rows: shown, not fitted")
    found += [f"{series.name}: {caveat}" for series in every_series(setting) for caveat in series.caveats]
    return tuple(dict.fromkeys(found))


def _corpus_warnings(facts: Facts) -> Iterator[str]:
    look, traces = facts.look, facts.look.traces
    for same in look.identical_models:
        yield (
            f"{and_list(list(same.model_ids))} have the same verdict on all {plural(same.prompts, 'prompt')} "
            f"({plural(same.evaluable, 'row')}, {same.grader}, {same.minority} of them not the most frequent verdict): "
            "one series under several ids, or a copy?"
        )
    if traces.ungraded:
        none = f", {traces.ungraded_without_response:,} of them without a response" if traces.ungraded_without_response else ""
        yield f"{plural(traces.ungraded, 'trace')} nobody graded{none}: in no rate"
    if traces.prompt_kind_unknown:
        yield f"{plural(traces.prompt_kind_unknown, 'trace')} do not say whether the prompt is harmful; they count as harmful"
    if look.unknown_tampering:
        yield f"tampering state unknown, counted as not tampered: {_names(look.unknown_tampering)}"
    if facts.scaling.graders_without_tier:
        names = and_list([f"{grader} ({why})" for grader, why in facts.scaling.graders_without_tier.items()])
        yield f"no {facts.scaling.options.tier.value} rate from {names}"


def _names(names: tuple[str, ...]) -> str:
    if len(names) <= SHOWN_NAMES:
        return and_list(list(names))
    return f"{', '.join(names[:SHOWN_NAMES])} and {len(names) - SHOWN_NAMES} more"
