"""Which figures of the dilution experiment are drawn, and their words."""

from __future__ import annotations

from safescale.analyses.words import percent, plural, signed
from safescale.report.dilution_tables import by_size
from safescale.report.document import Figure
from safescale.report.figures.dilution import delta_words, size_name
from safescale.report.figures.dilution_dose import dose_points, draw_dose
from safescale.report.figures.dilution_pairs import draw_pairs, in_panels
from safescale.report.figures.dilution_size import draw_delta_by_size, sized
from safescale.report.figures.sink import FigureSink
from safescale.studies.dilution.results import GraderAnswer

__all__ = ["dose_figure", "pairs_figure", "size_figure"]


def size_figure(answer: GraderAnswer, *, position: int, footer: str, source: str, sink: FigureSink | None) -> tuple[Figure, ...]:
    """Delta against size; nothing where no size is known."""
    deltas = sized(answer.deltas)
    if sink is None or not deltas:
        return ()
    level = f"{100 * deltas[0].level:g} %"
    caption = f"Each mark is a model, its bar the {level} interval over prompts; colour and marker: lineage (training seed)."
    size, rule = answer.size, answer.rule
    said = []
    if size is not None:
        caption += " Line: the slope with models as units, through their mean"
        caption += "; shaded: every slope of its interval through that point." if size.low is not None else "; it has no interval."
        interval = "" if size.low is None or size.high is None else f" [{signed(size.low)}, {signed(size.high)}]"
        said.append(f"Slope {signed(size.slope_pp_per_decade)}{interval} pp per decade over {plural(size.models, 'model')}.")
    else:
        said.append("No slope was fitted.")
    if rule is not None:
        caption += (
            f" Dashed: {rule.threshold_pp:g} pp above the mean delta of the smallest size, where that of the largest would have "
            "to lie to be called large (report 353)."
        )
        said.append(
            f"{size_name(rule.largest_b)} minus {size_name(rule.smallest_b)}: {signed(rule.difference_pp)} pp "
            f"[{signed(rule.low_pp)}, {signed(rule.high_pp)}]; threshold {rule.threshold_pp:g} pp."
        )
    unsized = len(answer.deltas) - len(deltas)
    if unsized:
        caption += f" Of unknown size and not shown: {plural(unsized, 'model')}."
    alt = f"Change of attack success with the puzzle against model size. {' '.join(said)} {'; '.join(map(delta_words, deltas))}."
    return (
        sink.add(
            f"dilution-size-{position}",
            title="Change of attack success with the puzzle, by model size",
            caption=caption,
            alt=alt,
            source=source,
            draw=lambda: draw_delta_by_size(answer, footer=footer, watermark=sink.watermark),
        ),
    )


def pairs_figure(answer: GraderAnswer, *, position: int, footer: str, source: str, sink: FigureSink | None) -> tuple[Figure, ...]:
    """Both rates of every model."""
    if sink is None or not answer.deltas:
        return ()
    deltas = by_size(answer.deltas)
    apart = "a panel for each size" if in_panels(deltas) else "models from the smallest to the largest"
    alt = "; ".join(
        f"{d.model.model_id}, {size_name(d.model.params_b)}: {percent(d.control_rate)} to {percent(d.treated_rate)}" for d in deltas
    )
    return (
        sink.add(
            f"dilution-pairs-{position}",
            title="Attack success without and with the puzzle",
            caption=f"Hollow: baseline; filled: puzzle before the prompt; a line joins one model. Shown as {apart}.",
            alt=f"Attack success of each model at baseline and with the puzzle. {alt}.",
            source=source,
            draw=lambda: draw_pairs(answer.deltas, footer=footer, watermark=sink.watermark),
        ),
    )


def dose_figure(answer: GraderAnswer, *, position: int, footer: str, source: str, sink: FigureSink | None) -> tuple[Figure, ...]:
    """Delta against length of the puzzle."""
    dose = answer.dose
    curves = {} if dose is None else dose_points(dose)
    if sink is None or dose is None or not curves:
        return ()
    alt = "; ".join(f"{size_name(size)}: {', '.join(point.words for point in points)}" for size, points in curves.items())
    several = any(point.models > 1 for points in curves.values() for point in points)
    caption = "Mean over the models (training seeds) of a size; bars: from their smallest to their largest." if several else ""
    lengths = {point.lines for points in curves.values() for point in points}
    if len(lengths) == 1:
        caption = f"{caption} One length alone was asked: no dose response can be seen.".strip()
    return (
        sink.add(
            f"dilution-dose-{position}",
            title="Change of attack success by length of the puzzle",
            caption=caption or "One model of each size.",
            alt=f"Change of attack success against lines of the puzzle. {alt}.",
            source=source,
            draw=lambda: draw_dose(dose, footer=footer, watermark=sink.watermark),
        ),
    )
