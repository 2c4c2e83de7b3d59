"""Which figures of the question of inverse scaling are drawn, and their words."""

from __future__ import annotations

from typing import Final

from safescale.analyses import InverseScalingResult
from safescale.analyses.inverse_scaling import SettingResult
from safescale.analyses.words import plural
from safescale.report.document import Figure
from safescale.report.figures.rates import draw_rates, shown_classes
from safescale.report.figures.sink import FigureSink
from safescale.report.figures.slopes import draw_slopes, shown_series
from safescale.report.findings import setting_name
from safescale.report.provenance import setting_source
from safescale.report.scaling_tables import every_series

__all__ = ["scaling_figures", "settings_with_figures"]

SETTINGS_WITH_FIGURES: Final = 8


def settings_with_figures(result: InverseScalingResult) -> tuple[int, ...]:
    """Positions of the settings that get figures: those with most rows."""
    able = [i for i, setting in enumerate(result.settings) if shown_classes(setting) or shown_series(setting)]
    ranked = sorted(able, key=lambda i: (-result.settings[i].rows_in_claim_classes, -result.settings[i].published_rates, i))
    return tuple(sorted(ranked[:SETTINGS_WITH_FIGURES]))


def scaling_figures(
    setting: SettingResult, result: InverseScalingResult, *, position: int, command: str, sink: FigureSink
) -> tuple[Figure, ...]:
    """The figures of one setting."""
    made = []
    source = setting_source(setting, result, command)
    rates = setting.published_rates
    counted = (
        plural(setting.rows_in_claim_classes, "row")
        if setting.rows_in_claim_classes or not rates
        else plural(rates, "published rate")
    )
    footer = f"{setting_name(setting)} · {counted} · corpus {result.fingerprint}"
    tier = setting.definition.split(" = ", 1)[0].replace("_", " ")
    if shown_classes(setting):
        made.append(
            sink.add(
                f"rates-{position + 1}",
                title=f"{tier.capitalize()} attack success rate by model size",
                caption=_rates_caption(setting, result),
                alt=_rates_alt(setting),
                source=source,
                draw=lambda: draw_rates(setting, tier=tier, footer=footer, watermark=sink.watermark),
            )
        )
    if shown_series(setting):
        margin_pp, level = result.options.margin_pp, result.options.level
        made.append(
            sink.add(
                f"slopes-{position + 1}",
                title="Slopes per decade of parameters",
                caption=_slopes_caption(setting, result),
                alt=_slopes_alt(setting),
                source=source,
                draw=lambda: draw_slopes(setting, margin_pp=margin_pp, level=level, footer=footer, watermark=sink.watermark),
            )
        )
    return tuple(made)


def _rates_caption(setting: SettingResult, result: InverseScalingResult) -> str:
    shown = len(shown_classes(setting))
    words = f"{shown} of {plural(len(setting.attack_classes), 'attack class')}" if shown < len(setting.attack_classes) else ""
    parts = [
        *([f"The {words} with most models and rows."] if words else []),
        f"One point per model with its {100 * result.options.level:g} % Wilson interval (rows taken as independent).",
        *(["Lines: least squares over the fitted models."] if any(s.slope is not None for s in shown_classes(setting)) else []),
        *(["A parabola where the rates bend and no line is shown."] if any(s.bend for s in shown_classes(setting)) else []),
        *(
            [f"Faint points are not fitted (fewer than {result.options.min_cell} evaluable rows, or no usable rate)."]
            if any(p.why_not_fitted is not None and p.params_b is not None for s in shown_classes(setting) for p in s.points)
            else []
        ),
        "Lineages at one size are set slightly apart.",
    ]
    hidden = len({p.model for s in shown_classes(setting) for p in s.points if p.params_b is None})
    if hidden:
        parts.append(f"{plural(hidden, 'model')} of unknown size cannot be shown.")
    return " ".join(parts)


def _slopes_caption(setting: SettingResult, result: InverseScalingResult) -> str:
    shown, whole = len(shown_series(setting)), sum(s.kind != "nothing" for s in every_series(setting))
    some = f"The first {shown} of {whole} series. " if shown < whole else ""
    options = result.options
    return (
        f"{some}Estimate and {100 * options.level:g} % interval with models as units; "
        "colour and marker say what the evidence supports. "
        f"The band is the margin of flatness, {options.margin_pp:g} pp per decade either way; arrows go on beyond the axis."
    )


def _rates_alt(setting: SettingResult) -> str:
    parts = [
        f"{s.name}: {plural(len([p for p in s.points if p.params_b is not None]), 'model')}; {s.verdict.value}"
        for s in shown_classes(setting)
    ]
    return "Rate against model size in a panel per attack class. " + ". ".join(parts) + ". All numbers are in the tables below."


def _slopes_alt(setting: SettingResult) -> str:
    return "Slope or difference of each series. " + " ".join(series.words for series in shown_series(setting))
