"""From facts to a document: which figures are drawn, and the order of the sections."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from safescale.analyses import InverseScalingResult
from safescale.analyses.inverse_scaling import SettingResult
from safescale.analyses.inverse_scaling.words import plural
from safescale.report.document import Document, Figure, Section
from safescale.report.facts import Facts
from safescale.report.figures.rates import draw_rates, shown_classes
from safescale.report.figures.save import inline_svg, save_figure
from safescale.report.figures.slopes import draw_slopes, shown_series
from safescale.report.findings import findings, setting_name, summary_words
from safescale.report.methods import methods_section, reproduce_section
from safescale.report.overview import corpus_section, exclusions_section, overview_section
from safescale.report.provenance import setting_source
from safescale.report.raised import corpus_warnings
from safescale.report.scaling_section import scaling_section
from safescale.report.scaling_tables import every_series

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

__all__ = ["FIGURES", "compose"]

FIGURES: Final = "figures"
"""Folder of the figures inside the report."""

SETTINGS_WITH_FIGURES: Final = 8
TAMPERED: Final = ("abliterated", "fine_tuned", "steered")


def compose(facts: Facts, folder: Path) -> Document:
    """
    The report as a document; its figures are written to ``folder``.

    Parameters
    ----------
    facts : Facts
        Results and provenance.
    folder : Path
        An existing folder for the figure files.
    """
    result = facts.scaling
    drawn = _settings_with_figures(result)
    figures = {position: _figures(facts, result.settings[position], position, folder) for position in drawn}
    notes = []
    if len(drawn) < len(result.settings):
        notes.append(f"Figures are drawn for the {len(drawn)} of {len(result.settings)} settings with most rows.")
    warnings = corpus_warnings(facts)
    raised = (Section(id="warnings", title="Warnings", warnings=warnings),) if warnings else ()
    mark = facts.watermark
    return Document(
        title="Safety and scale: report",
        version=facts.version,
        fingerprint=result.fingerprint,
        command=facts.command,
        watermark=mark,
        watermark_words=None if mark is None else _watermark_words(facts),
        findings=findings(result),
        summary=summary_words(result),
        sections=(
            *raised,
            overview_section(facts),
            scaling_section(result, facts.analyze_command, figures, notes),
            exclusions_section(facts),
            corpus_section(facts),
            methods_section(facts),
            reproduce_section(facts),
        ),
    )


def _watermark_words(facts: Facts) -> str:
    sources = facts.corpus.sources
    which = "all rows are" if len(sources) == 1 else f"1 of {len(sources)} sources is"
    return f"{facts.watermark}: {which} simulated. Nothing here is about a real model."


def _settings_with_figures(result: InverseScalingResult) -> tuple[int, ...]:
    able = [i for i, setting in enumerate(result.settings) if shown_classes(setting) or shown_series(setting)]
    ranked = sorted(able, key=lambda i: (-result.settings[i].rows_in_claim_classes, -result.settings[i].published_rates, i))
    return tuple(sorted(ranked[:SETTINGS_WITH_FIGURES]))


def _figures(facts: Facts, setting: SettingResult, position: int, folder: Path) -> tuple[Figure, ...]:
    result, made = facts.scaling, []
    source = setting_source(setting, result, facts.analyze_command)
    rates = setting.published_rates
    counted = (
        plural(setting.rows_in_claim_classes, "row")
        if setting.rows_in_claim_classes or not rates
        else plural(rates, "published rate")
    )
    footer = f"{setting_name(setting)} · {counted} · corpus {result.fingerprint}"
    tier = setting.definition.split(" = ", 1)[0].replace("_", " ")

    def add(name: str, title: str, caption: str, alt: str, draw: Callable[[], Drawing]) -> None:
        id = f"fig-{name}-{position + 1}"
        files, svg = save_figure(draw(), folder, f"{name}-{position + 1}")
        inline = inline_svg(svg, id=id, title=title, description=alt)
        paths = tuple(f"{FIGURES}/{file}" for file in files)
        made.append(Figure(id=id, title=title, caption=caption, alt=alt, svg=inline, files=paths, source=source))

    if shown_classes(setting):
        tampered = frozenset(model.model_id for model in facts.corpus.models if model.tampering in TAMPERED)
        add(
            "rates",
            f"{tier.capitalize()} attack success rate by model size",
            _rates_caption(setting, result),
            _rates_alt(setting),
            lambda: draw_rates(setting, tier=tier, tampered=tampered, footer=footer, watermark=facts.watermark),
        )
    if shown_series(setting):
        add(
            "slopes",
            "Slopes per decade of parameters",
            _slopes_caption(setting, result),
            _slopes_alt(setting),
            lambda: draw_slopes(
                setting, margin_pp=result.options.margin_pp, level=result.options.level, footer=footer, watermark=facts.watermark
            ),
        )
    return tuple(made)


def _rates_caption(setting: SettingResult, result: InverseScalingResult) -> str:
    shown = len(shown_classes(setting))
    words = f"{shown} of {plural(len(setting.attack_classes), 'attack class')}" if shown < len(setting.attack_classes) else ""
    parts = [
        *([f"The {words} with most models and rows."] if words else []),
        f"One point per model with its {100 * result.options.level:g} % Wilson interval (rows taken as independent).",
        *(["Lines: least squares over the fitted models."] if any(s.slope is not None for s in shown_classes(setting)) else []),
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
