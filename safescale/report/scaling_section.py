"""The section of the question of inverse scaling: one part per grader, target and condition."""

from __future__ import annotations

from safescale.analyses import InverseScalingResult
from safescale.analyses.inverse_scaling import SettingResult
from safescale.analyses.words import capital
from safescale.report.chapter import Chapter
from safescale.report.document import Figure, Section
from safescale.report.figures.sink import FigureSink
from safescale.report.findings import findings, section_id, setting_name, testability_words
from safescale.report.provenance import setting_source
from safescale.report.raised import setting_warnings
from safescale.report.scaling_figures import scaling_figures, settings_with_figures
from safescale.report.scaling_tables import (
    difference_table,
    nothing_table,
    rates_table,
    robustness_table,
    slope_table,
    testability_table,
)

__all__ = ["scaling_chapter", "setting_section"]


def scaling_chapter(result: InverseScalingResult, command: str, sink: FigureSink | None = None) -> Chapter:
    """Every setting, with figures where there is a sink for them."""
    figures: dict[int, tuple[Figure, ...]] = {}
    notes = []
    if sink is not None:
        drawn = settings_with_figures(result)
        figures = {i: scaling_figures(result.settings[i], result, position=i, command=command, sink=sink) for i in drawn}
        if len(drawn) < len(result.settings):
            notes.append(f"Figures are drawn for the {len(drawn)} of {len(result.settings)} settings with most rows.")
    parts = tuple(
        setting_section(setting, result, command, position, figures.get(position, ()))
        for position, setting in enumerate(result.settings)
    )
    section = Section(
        id="inverse-scaling",
        title="Attack success and model size",
        paragraphs=(*([] if result.settings else [result.answer]), *(f"{band.words}." for band in result.bands), *notes),
        warnings=result.caveats,
        sections=parts,
    )
    return Chapter(key="inverse_scaling", findings=findings(result), section=section)


def setting_section(
    setting: SettingResult, result: InverseScalingResult, command: str, position: int, figures: tuple[Figure, ...]
) -> Section:
    """One grader, target and condition."""
    source, level, prefix = setting_source(setting, result, command), result.options.level, section_id(position)
    head = setting.headline
    tables = (
        testability_table(setting, id=f"{prefix}-testability", source=source),
        slope_table(setting, id=f"{prefix}-slopes", level=level, source=source),
        difference_table(setting, id=f"{prefix}-differences", source=source),
        nothing_table(setting, id=f"{prefix}-nothing", source=source),
        robustness_table(setting, id=f"{prefix}-robustness", source=source),
        rates_table(setting, id=f"{prefix}-rates", level=level, source=source),
    )
    words = [capital(setting.words)]
    if head is not None:
        words.insert(0, capital(f"{testability_words(head.testability)}."))
    if setting.class_mean_note:
        words.append(capital(f"{setting.class_mean_note}."))

    return Section(
        id=prefix,
        title=capital(setting_name(setting)),
        paragraphs=tuple(words),
        warnings=setting_warnings(setting),
        figures=figures,
        tables=tuple(table for table in tables if table is not None and table.rows),
    )
