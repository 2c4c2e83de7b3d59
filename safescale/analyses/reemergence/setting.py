"""One grader, target and condition: the series of tampered models in it."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import attrs
import numpy as np

from safescale.analyses.copies import units_without_copies
from safescale.analyses.inverse_scaling import Testability
from safescale.analyses.inverse_scaling.testability import SIZES_OF_A_SLOPE, judged_sizes
from safescale.analyses.observations import Observation, Part, Series, parts_by_class, pooled
from safescale.analyses.reemergence.composition import Composition, composition, missing_quantities, told_quantities
from safescale.analyses.reemergence.results import (
    Options,
    Quantity,
    Reemergence,
    TamperedSeries,
    TamperedSetting,
    Trend,
    WithoutGuesses,
)
from safescale.analyses.reemergence.sentences import series_caveats, series_words, setting_words
from safescale.analyses.reemergence.trends import CLAIMS, adjusted, trend_of
from safescale.analyses.reemergence.verdict import verdict_by_models, verdict_for_these_models
from safescale.analyses.setting import Setting, excluded_by_reason
from safescale.analyses.units import ModelUnit
from safescale.analyses.words import and_list
from safescale.cells import AggregateCell, Cell, Cells, GraderMeaning, Responses
from safescale.records.outcomes import Tier
from safescale.stats import distinct_sizes, holm, smallest_attainable_p, spread_decades

__all__ = ["tampered_setting"]

ByClass: TypeAlias = Mapping[str, Mapping[str, Part]]
ByTier: TypeAlias = Mapping[Tier, ByClass]
Scope: TypeAlias = Literal["lineage", "all"]


@attrs.frozen(kw_only=True, eq=False)
class _Draft:
    """A series before its family is known."""

    scope: Scope
    name: str
    attack_classes: tuple[str, ...]
    members: tuple[Composition, ...]
    trends: Mapping[Quantity, Trend]

    @property
    def fitted(self) -> tuple[Composition, ...]:
        return tuple(found for found in self.members if found.model.why_not_fitted is None)

    @property
    def sizes(self) -> tuple[float, ...]:
        return tuple(size for found in self.fitted if (size := found.model.params_b) is not None)


def tampered_setting(
    setting: Setting,
    members: Mapping[Tier, Sequence[Cell | AggregateCell]],
    *,
    cells: Cells,
    units: Mapping[str, ModelUnit],
    responses: Responses | None,
    claim_classes: Sequence[str] | None,
    options: Options,
) -> TamperedSetting:
    """Every series of one setting, with its words."""
    meaning = cells.graders[setting.grader]
    everything = [cell for found in members.values() for cell in found]
    present = {cell.model_id for cell in everything if isinstance(cell, Cell)}
    same = [s for s in cells.identical_models if (s.grader, s.target, s.condition) == attrs.astuple(setting)]
    distinct = units_without_copies(units, present, same)
    by_tier = {
        tier: parts_by_class(
            [cell for cell in found if claim_classes is None or cell.attack_class in claim_classes], distinct, tier
        )
        for tier, found in members.items()
    }
    make = functools.partial(_draft, by_tier=by_tier, meaning=meaning, cells=cells, responses=responses, options=options)
    groups = _groups(by_tier)
    lineages = [make("lineage", _name(key), models) for key, models in groups.items() if key[0] is not None]
    lineages = [draft for draft in lineages if len(distinct_sizes(draft.sizes)) > 1]
    in_series = {found.model.model for draft in lineages for found in draft.members}
    everyone = sorted({model for models in groups.values() for model in models})
    whole = make("all", "all tampered models", everyone) if set(everyone) != in_series or len(lineages) > 1 else None
    several = whole is not None and len(distinct_sizes(whole.sizes)) > 1
    series = [*_finished(lineages, meaning, responses, options)]
    series += _finished([whole], meaning, responses, options) if whole is not None and several else []
    alone = make("all", "", [model for model in everyone if model not in in_series]).members if everyone else ()
    rows = {cell.index: cell.evaluable for cell in everything if isinstance(cell, Cell)}
    result = TamperedSetting(
        setting=setting,
        grader=meaning,
        rows=sum(rows.values()),
        published_rates=sum(isinstance(cell, AggregateCell) for cell in everything),
        excluded=excluded_by_reason(setting, cells),
        series=tuple(series),
        alone=tuple(found.model for found in alone),
        notes=_notes(meaning, distinct, present, cells, setting),
        words="",
    )
    return attrs.evolve(result, words=setting_words(result))


def _groups(by_tier: ByTier) -> dict[tuple[str | None, str, str | None], list[str]]:
    """Models by lineage, kind of tampering and maker."""
    found: dict[tuple[str | None, str, str | None], set[str]] = {}
    for by_class in by_tier.values():
        for parts in by_class.values():
            for model, part in parts.items():
                key = (part.unit.lineage, part.unit.tampering, part.unit.developer)
                found.setdefault(key, set()).add(model)
    return {key: sorted(found[key]) for key in sorted(found, key=lambda key: tuple(word or "" for word in key))}


def _name(key: tuple[str | None, str, str | None]) -> str:
    lineage, tampering, developer = key
    return f"{lineage}, {tampering.replace('_', '-')}" + (f" ({developer})" if developer else "")


def _draft(
    scope: Scope,
    name: str,
    models: Sequence[str],
    *,
    by_tier: ByTier,
    meaning: GraderMeaning,
    cells: Cells,
    responses: Responses | None,
    options: Options,
) -> _Draft:
    wanted = set(models)
    classes = _common_classes(by_tier, wanted)
    chosen = {
        tier: {c: {m: part for m, part in parts.items() if m in wanted} for c, parts in by_class.items() if c in classes}
        for tier, by_class in by_tier.items()
    }
    of_model: dict[str, dict[Tier, Observation]] = {}
    for tier, by_class in chosen.items():
        for observation in pooled(by_class, sorted(by_class)):
            of_model.setdefault(observation.unit.model, {})[tier] = observation
    rule = Series(scope="rows_pooled", name=name, pooling="rows", observations=())
    members = tuple(
        composition(
            tiers,
            why_not_fitted=rule.why_not_fitted(tiers.get(Tier.STRICT) or next(iter(tiers.values())), options.min_cell),
            meaning=meaning,
            cells=cells,
            responses=responses,
            options=options,
        )
        for tiers in of_model.values()
    )
    ordered = tuple(sorted(members, key=lambda c: (c.model.params_b is None, c.model.params_b or 0.0, c.model.model)))
    draft = _Draft(scope=scope, name=name, attack_classes=tuple(classes), members=ordered, trends={})
    return _with_trends(draft, meaning, options)


def _with_trends(draft: _Draft, meaning: GraderMeaning, options: Options) -> _Draft:
    trends = {quantity: trend_of(quantity, draft.fitted, options) for quantity in told_quantities(meaning)}
    return attrs.evolve(draft, trends={quantity: trend for quantity, trend in trends.items() if trend is not None})


def _without_guesses(draft: _Draft, meaning: GraderMeaning, options: Options) -> _Draft:
    """The same series with estimated sizes shown and not fitted."""
    members = tuple(
        attrs.evolve(found, model=attrs.evolve(found.model, why_not_fitted="size estimated"))
        if found.model.size_is_guess and found.model.why_not_fitted is None
        else found
        for found in draft.members
    )
    return _with_trends(attrs.evolve(draft, members=members), meaning, options)


def _common_classes(by_tier: ByTier, wanted: set[str]) -> list[str]:
    """Attack classes that all the models have under some tier; without one in common all of them, and a caveat says so."""
    models: dict[str, set[str]] = {}
    for by_class in by_tier.values():
        for attack_class, parts in by_class.items():
            models.setdefault(attack_class, set()).update(parts.keys() & wanted)
    return sorted(c for c, found in models.items() if found == wanted) or sorted(c for c, found in models.items() if found)


def _finished(
    drafts: Sequence[_Draft], meaning: GraderMeaning, responses: Responses | None, options: Options
) -> list[TamperedSeries]:
    """Series of one family: testability and Holm over all of them, verdicts, words."""
    repeated: list[WithoutGuesses | None] = [None] * len(drafts)
    guesses = [sum(found.model.size_is_guess for found in draft.fitted) for draft in drafts]
    if any(guesses):
        others = [_without_guesses(draft, meaning, options) for draft in drafts]
        for i, (other, (_, _, verdict, of_these)) in enumerate(zip(others, _judged(others, options), strict=True)):
            if guesses[i]:
                repeated[i] = WithoutGuesses(
                    n_models=len(other.fitted), left_out=guesses[i], verdict=verdict, verdict_for_these_models=of_these
                )
    finished = []
    for draft, again, (testability, trends, verdict, of_these) in zip(drafts, repeated, _judged(drafts, options), strict=True):
        fitted = draft.fitted
        series = TamperedSeries(
            scope=draft.scope,
            name=draft.name,
            attack_classes=draft.attack_classes,
            models=tuple(found.model for found in draft.members),
            rows=_total([found.model.rows for found in fitted]),
            responses=None if responses is None else responses.of([cell for found in fitted for cell in found.cells]),
            common_prompts=_common_prompts(fitted),
            testability=testability,
            trends=tuple(trends.values()),
            not_told=missing_quantities(meaning),
            verdict=verdict,
            verdict_for_these_models=of_these,
            without_guesses=again,
            words="",
            caveats=(),
        )
        caveats = series_caveats(series, [found.observation for found in fitted])
        finished.append(attrs.evolve(series, words=series_words(series, options), caveats=caveats))
    return finished


def _judged(
    drafts: Sequence[_Draft], options: Options
) -> list[tuple[Testability, dict[Quantity, Trend], Reemergence, Reemergence]]:
    """Per series of one family: testability, trends after Holm, and both verdicts."""
    judged = _testabilities([draft.sizes for draft in drafts], options)
    able = [i for i, found in enumerate(judged) if found.smallest_p_after_holm is not None]
    corrected = dict(zip(able, adjusted([drafts[i].trends for i in able], options.alpha), strict=True))
    trends = [corrected.get(i, dict(draft.trends)) for i, draft in enumerate(drafts)]
    return [
        (found, of_series, verdict_by_models(of_series, found, options.alpha), verdict_for_these_models(of_series, options.alpha))
        for found, of_series in zip(judged, trends, strict=True)
    ]


def _testabilities(many: Sequence[tuple[float, ...]], options: Options) -> list[Testability]:
    """By the sizes alone; a series that cannot reach alpha by itself makes no claim and is not counted in Holm's correction."""
    floors = [smallest_attainable_p(s) if len(distinct_sizes(s)) >= SIZES_OF_A_SLOPE else None for s in many]
    able = [
        i
        for i, (sizes, floor) in enumerate(zip(many, floors, strict=True))
        if floor is not None and floor <= options.alpha and spread_decades(sizes) >= options.min_decades
    ]
    tests = len(able) * len(CLAIMS)
    best = [floor for i in able for _ in CLAIMS if (floor := floors[i]) is not None]
    after = holm(best, alpha=options.alpha).adjusted if best else ()
    after_of = {i: after[len(CLAIMS) * place] for place, i in enumerate(able)}
    return [
        judged_sizes(
            sizes,
            floor=floor,
            after_holm=after_of.get(i),
            tests=tests,
            min_cell=options.min_cell,
            alpha=options.alpha,
            min_decades=options.min_decades,
        )
        for i, (sizes, floor) in enumerate(zip(many, floors, strict=True))
    ]


def _total(rows: Sequence[int | None]) -> int | None:
    known = [n for n in rows if n is not None]
    return sum(known) if known and len(known) == len(rows) else None


def _common_prompts(fitted: Sequence[Composition]) -> int | None:
    codes = [found.prompts for found in fitted if found.prompts is not None]
    return int(functools.reduce(np.intersect1d, codes).size) if codes and len(codes) == len(fitted) else None


def _notes(
    meaning: GraderMeaning, units: Mapping[str, ModelUnit], present: set[str], cells: Cells, setting: Setting
) -> tuple[str, ...]:
    """Copies of each other, and copies under the id of a model that nobody tampered with."""
    notes = []
    if "keyword" in meaning.grader_kinds:
        notes.append("these are verdicts of a keyword rule, not of a grader of harm")
    here = {unit.model: unit for model_id, unit in units.items() if model_id in present}
    notes += [f"{model}: {unit.copy_note}" for model, unit in sorted(here.items()) if unit.copy_note]
    for same in cells.identical_models:
        outside = [model for model in same.model_ids if model not in present]
        inside = [model for model in same.model_ids if model in present]
        if inside and outside and (same.grader, same.target, same.condition) == attrs.astuple(setting):
            notes.append(
                f"{and_list(inside)} {'has' if len(inside) == 1 else 'have'} the same verdict on all {same.prompts:,} prompts as "
                f"{and_list(outside)}, not counted as tampered: one series under several ids; which of the ids is right decides "
                "whether it belongs here"
            )
    return tuple(notes)
