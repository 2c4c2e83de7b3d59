"""The words of pooled sources: all of them from the numbers."""

from __future__ import annotations

from typing import Final

from safescale.analyses.inverse_scaling.results import ScalingVerdict
from safescale.analyses.pooled.results import Composition, PooledSetting, WithinSource
from safescale.analyses.words import and_list, label_words, p_clause, percent, plural, signed

__all__ = ["composition_words", "setting_caveats", "setting_words", "within_words"]

SHOWN_NAMES: Final = 6

MIX_CAVEAT: Final = 0.10
"""Share of rows by which the mix of sources may differ between models before it is said."""


def setting_words(found: PooledSetting) -> str:
    """The answer of one setting."""
    if found.pooled is None:
        return f"{ScalingVerdict.CANNOT_TEST.value} (no evaluable row is left as asked). {composition_words(found.composition)}"
    sentences = [found.pooled.words.removesuffix(".")]
    sentences.append(within_words(found.within) or f"Within sources: no slope ({found.within_unavailable})")
    sentences.append(_by_source(found))
    if found.heterogeneity is not None:
        sentences.append(_spread_words(found))
    sentences.append(composition_words(found.composition).removesuffix("."))
    sentences += _variant_words(found)
    return ". ".join(sentence for sentence in sentences if sentence) + "."


def within_words(found: WithinSource | None) -> str:
    """The slope within sources, and whether it contradicts the pooled one."""
    if found is None:
        return ""
    slope = found.fit.slope_pp_per_decade
    low_high = "no interval" if found.interval is None else f"[{signed(found.interval[0])}, {signed(found.interval[1])}]"
    words = (
        f"Within sources {signed(slope)} pp per decade {low_high} ({plural(found.points, 'rate')} of "
        f"{plural(found.models, 'model')} in {plural(found.sources, 'source')}, models as clusters"
    )
    words += f", {p_clause(found.p_value)}" if found.p_value is not None else ""
    words += "; so few models that the interval is not to be relied on)" if found.few_models else ")"
    if not found.signs_differ:
        return words
    shown = "both intervals exclude zero" if found.shown_apart else "not both intervals exclude zero"
    return (
        f"{words}: the opposite sign of the pooled slope (Simpson's paradox: sources differ in level and in the sizes of their "
        f"models; {shown})"
    )


def composition_words(found: Composition) -> str:
    """Whose rows these are."""
    if not found.rows or found.share_tampered is None or found.share_mostly_tampered is None:
        return "No evaluable row, so nothing is known of whose rows these are."
    words = (
        f"{found.rows_tampered:,} of {plural(found.rows, 'evaluable row')} ({percent(found.share_tampered)}) are of models whose "
        "safety training was tampered with"
    )
    if found.mostly_tampered:
        words += (
            f"; {plural(len(found.mostly_tampered), 'source')} mostly of such models ({_names(found.mostly_tampered)}) "
            f"{'holds' if len(found.mostly_tampered) == 1 else 'hold'} {found.rows_mostly_tampered:,} rows "
            f"({percent(found.share_mostly_tampered)})"
        )
    if found.rows_unknown_state:
        words += f"; of {found.rows_unknown_state:,} rows the state of the model is unknown"
    return words + "."


def setting_caveats(found: PooledSetting, mix: tuple[float, str] | None) -> tuple[str, ...]:
    """What the numbers raise."""
    raised = []
    if mix is not None and mix[0] > MIX_CAVEAT:
        raised.append(
            f"the mix of sources differs: the share of {mix[1]!r} in a model's rows by up to {100 * mix[0]:.0f} pp between models, "
            "so the pooled slope compares sources as much as sizes"
        )
    if found.within is not None and found.within.signs_differ and found.pooled is not None and found.pooled.slope is not None:
        raised.append(
            f"pooled {signed(found.pooled.slope.slope.slope_pp_per_decade)}, within sources "
            f"{signed(found.within.fit.slope_pp_per_decade)} pp per decade: the signs differ"
        )
    if found.copies_of_tampered:
        raised.append(
            f"{and_list(list(found.copies_of_tampered))}: no tampering is known, but the same verdict on every prompt as a model "
            "whose safety training was tampered with: that model's rows under another id?"
        )
    if found.heterogeneity is not None and found.heterogeneity.left_out:
        raised.append(
            f"in no statement about the spread of slopes (fewer than {found.heterogeneity.least_models} models): "
            f"{_names(found.heterogeneity.left_out)}"
        )
    shared = found.within is not None and found.within.points > found.within.models
    if shared and found.heterogeneity is not None:
        raised.append("models are in several sources, so the slopes of sources are not independent of each other")
    if found.pooled is not None:
        raised += [caveat for caveat in found.pooled.caveats if caveat not in raised]
    return tuple(raised)


def _by_source(found: PooledSetting) -> str:
    able = [s for s in found.sources if s.series.verdict is not ScalingVerdict.CANNOT_TEST]
    said = [
        f"{verdict.value} in {_names([s.source for s in able if s.series.verdict is verdict])}"
        for verdict in ScalingVerdict
        if any(s.series.verdict is verdict for s in able)
    ]
    if len(able) < len(found.sources):
        said.append(f"{ScalingVerdict.CANNOT_TEST.value} in {len(found.sources) - len(able)} of {len(found.sources)}")
    tests = max((s.series.testability.tests_in_family for s in found.sources), default=0)
    holm = f", Holm over {plural(tests, 'test')}" if tests > 1 else ""
    return f"By source ({plural(len(found.sources), 'source')}{holm}): {'; '.join(said)}"


def _spread_words(found: PooledSetting) -> str:
    assert found.heterogeneity is not None
    pooling = found.heterogeneity.pooling
    low, high = pooling.tau_interval
    first, last = pooling.new_group_interval
    return (
        f"Slopes of {plural(len(found.heterogeneity.sources), 'source')} differ by a standard deviation of about {pooling.tau:.1f} "
        f"[{low:.1f}, {high:.1f}] pp per decade beyond their own noise (REML {pooling.tau_reml:.1f}); that of one more source is "
        f"expected in [{signed(first)}, {signed(last)}]"
    )


def _variant_words(found: PooledSetting) -> list[str]:
    names = {
        "without_tampered_models": "Without tampered models",
        "with_tampered_models": "With tampered models",
        "without_copies_of_tampered_models": "Without the ids that repeat a tampered model",
    }
    said = []
    for variant in found.variants:
        if variant.as_asked:
            continue
        slope = "no slope" if variant.slope_pp_per_decade is None else f"{signed(variant.slope_pp_per_decade)} pp per decade"
        words = f"{names[variant.name]} ({plural(variant.rows, 'row')}, {plural(variant.models, 'model')}): {slope}, "
        words += variant.verdict.value
        if variant.label is not None and variant.changed:
            words += f"; {label_words(variant.label)}"
        said.append(words)
    return said


def _names(names: tuple[str, ...] | list[str]) -> str:
    if len(names) <= SHOWN_NAMES:
        return and_list(list(names))
    return f"{', '.join(names[:SHOWN_NAMES])} and {len(names) - SHOWN_NAMES} more"
