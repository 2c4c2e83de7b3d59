"""Which figures of the question of provider and scale are drawn, and their words."""

from __future__ import annotations

from typing import Final

from safescale.analyses.safety_roi import PlacingLabel, SafetyRoiResult, SettingRoi
from safescale.analyses.words import and_list, plural, signed
from safescale.report.document import Figure
from safescale.report.figures.providers import SHOWN_PLACES, draw_places, draw_providers, own_colour
from safescale.report.figures.sink import FigureSink

__all__ = ["roi_figures", "settings_drawn"]

SETTINGS_WITH_FIGURES: Final = 8


def settings_drawn(result: SafetyRoiResult) -> tuple[int, ...]:
    """Positions of the settings that get figures: those with a line, and of these the ones with most models."""
    able = [i for i, setting in enumerate(result.settings) if setting.line.slope is not None]
    ranked = sorted(able, key=lambda i: (-result.settings[i].share.n_models, i))
    return tuple(sorted(ranked[:SETTINGS_WITH_FIGURES]))


def roi_figures(
    setting: SettingRoi, result: SafetyRoiResult, *, position: int, source: str, sink: FigureSink
) -> tuple[Figure, ...]:
    """The figures of one setting with a line."""
    tier = result.options.tier.value.replace("_", " ")
    footer = f"{setting.name} · corpus {result.fingerprint}"
    level, threshold = result.options.level, result.options.threshold_pp
    made = [
        sink.add(
            f"providers-{position + 1}",
            title=f"{tier.capitalize()} attack success rate by model size and provider",
            caption=_providers_caption(setting, level),
            alt=_providers_alt(setting),
            source=source,
            draw=lambda: draw_providers(setting, tier=tier, footer=footer, watermark=sink.watermark),
        )
    ]
    if setting.places:
        made.append(
            sink.add(
                f"places-{position + 1}",
                title="Providers beside the size line",
                caption=_places_caption(setting, level, threshold),
                alt=_places_alt(setting),
                source=source,
                draw=lambda: draw_places(setting, level=level, threshold_pp=threshold, footer=footer, watermark=sink.watermark),
            )
        )
    return tuple(made)


def _providers_caption(setting: SettingRoi, level: float) -> str:
    coloured = own_colour(setting)
    parts = [f"One point per model: {setting.estimand}."]
    rest = setting.share.n_providers - len(coloured)
    if rest and coloured:
        parts.append(f"The {len(coloured)} providers with most models have a colour, the other {rest} are grey.")
    parts.append("Providers at one size are set slightly apart.")
    if setting.line.band:
        parts.append(f"Line: least squares over all models; band: where one more model would lie ({100 * level:g} %).")
    return " ".join(parts)


def _providers_alt(setting: SettingRoi) -> str:
    line = setting.line.slope
    assert line is not None
    fitted = sum(point.why_not_fitted is None for point in setting.points)
    return (
        f"Rate against model size of {plural(fitted, 'model')} of {plural(setting.share.n_providers, 'provider')}; the line has "
        f"{signed(line.slope_pp_per_doubling)} pp per doubling. {setting.share.verdict.value.capitalize()}; size: "
        f"{setting.line.verdict.value}. All numbers are in the tables below."
    )


def _places_caption(setting: SettingRoi, level: float, threshold: float) -> str:
    shown = min(len(setting.places), SHOWN_PLACES)
    some = f"{shown} of {plural(len(setting.places), 'provider')}: those with most models. " if shown < len(setting.places) else ""
    shrunk = any(place.shrunk_interval is not None for place in setting.places)
    what = "shrunk towards the mean of providers" if shrunk else "not shrunk, with so few providers"
    return (
        f"{some}Hollow: as published, the mean residual from the line of all models. Filled: residual from a line fitted without "
        f"the provider, {what}, with its {100 * level:g} % interval; colour and marker say which label the evidence supports. "
        f"Shaded: within {threshold:g} pp of the line; arrows go on beyond the axis."
    )


def _places_alt(setting: SettingRoi) -> str:
    told = []
    for label in PlacingLabel:
        names = [place.provider for place in setting.places if place.label is label]
        if names:
            told.append(f"{label.value}: {and_list(names)}")
    return f"Residual of each provider from the size line. {'; '.join(told)}. All numbers are in the tables below."
