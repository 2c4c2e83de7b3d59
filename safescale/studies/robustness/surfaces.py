"""RRR, RD and CE on log10 model size and log10 attack compute with interaction, models as units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal

import attrs

from safescale.analyses.words import plural
from safescale.errors import DomainError, InsufficientData
from safescale.stats import InteractionSurface, MeanSurface, Outweighs, SurfaceEffect, interaction_surface, mean_surface
from safescale.studies.robustness.design import COMPUTE_UNITS, ComputeUnit, RobustnessDesign
from safescale.studies.robustness.grid import FEWEST_ROWS, GridPart, compute_of, metric_of, parts_of, sized
from safescale.studies.robustness.results import CellMetrics, Effect, Exchange, Metric, Surface

__all__ = [
    "METRICS",
    "SCALES",
    "as_if",
    "counts_of",
    "effect_of",
    "fit_of",
    "if_unknown",
    "more_of",
    "no_effect",
    "sizes_as_units",
    "surface_of",
    "surfaces_of",
    "unread_too",
    "usable_of",
    "without_each_size",
]

METRICS: Final[tuple[Metric, ...]] = ("rrr", "rd", "ce")
SCALES: Final[dict[Metric, str]] = {"rrr": "log odds per decade", "rd": "1 - cosine per decade", "ce": "nats per decade"}
Unknown = Literal["left_out", "refused", "not_refused"]
MIN_MODELS: Final = 4
MIN_LEVELS: Final = 3


def surfaces_of(cells: Sequence[CellMetrics], design: RobustnessDesign) -> tuple[Surface, ...]:
    """
    All surfaces: undefended and under tamper resistance, main data size and the others, three metrics, both units of compute.

    Where models of estimated size are among them, every surface is repeated without these (law 10).
    """
    found = []
    for part in parts_of(cells, design):
        guessed = any(one.model.size_estimated for one in sized(part.cells))
        for metric in METRICS:
            for unit in COMPUTE_UNITS:
                found.append(surface_of(part, metric, unit, level=1 - design.alpha))
                if guessed:
                    found.append(surface_of(part, metric, unit, level=1 - design.alpha, guesses=False))
    return tuple(found)


def surface_of(part: GridPart, metric: Metric, unit: ComputeUnit, *, level: float, guesses: bool = True) -> Surface:
    """
    One surface, or the reason why there is none.

    RRR is fitted on counts: of the prompts that were refused before, all samples of the cell that have a verdict are trials, and
    those refused are successes. A scale of all counts changes neither the fit nor its intervals, because the models are the
    units: that samples of a prompt are not independent makes no interval too narrow, and the prompts are given beside. RD and
    CE are fitted on the cells' means.

    Where size and compute part all refusals from all others, the likelihood has no maximum. What is separated stays so within
    any part of the levels, so that leaving levels out cannot help: the compute at which RRR passes one half still speaks
    (`half_compute`), and the verdict turns to it.

    Parameters
    ----------
    part : GridPart
        Cells of fine-tuning; step 0 has no logarithm and is not among them.
    metric : Metric
        Of which.
    unit : ComputeUnit
        On which axis.
    level : float
        Nominal coverage.
    guesses : bool, default True
        Whether models of estimated size are in it.
    """
    cells = usable_of(part, metric, unit, guesses=guesses)
    shell = _shell(part, metric, unit, cells, guesses=guesses)
    why = _too_few(cells, len(sized(part.cells, guesses=guesses))) or (_one_sided(cells) if metric == "rrr" else None)
    if why is not None:
        return attrs.evolve(shell, why=why, separated=not _too_few(cells, len(part.cells)))
    try:
        fit = fit_of(cells, metric, unit, level=level)
    except InsufficientData as error:
        return attrs.evolve(shell, why=str(error))
    except DomainError as error:
        return attrs.evolve(shell, why=str(error), separated=metric == "rrr")
    return attrs.evolve(
        shell,
        size=effect_of(fit.size),
        compute=effect_of(fit.compute),
        interaction=effect_of(fit.interaction),
        outweighs=more_of(fit.outweighs),
        exchange=Exchange(decades=fit.exchange.decades, interval=fit.exchange.interval, why=fit.exchange.undefined_because),
        reference_params_b=fit.reference_params_b,
        reference_compute=fit.reference_compute,
        at_reference=fit.rate_at_reference if isinstance(fit, InteractionSurface) else fit.mean_at_reference,
    )


def fit_of(
    cells: Sequence[CellMetrics], metric: Metric, unit: ComputeUnit, *, level: float, unknown: Unknown = "left_out"
) -> InteractionSurface | MeanSurface:
    """
    The fit itself; ``unknown`` as in `counts_of`.

    Raises
    ------
    DomainError
        Where there is none (InsufficientData: too few models, sizes or levels).
    """
    size = [found.model.params_b or 0.0 for found in cells]
    compute = [compute_of(found, unit) or 0.0 for found in cells]
    models = [found.model.model_id for found in cells]
    if metric == "rrr":
        kept, asked = counts_of(cells, unknown=unknown)
        return interaction_surface(size, compute, kept, asked, models, level=level)
    return mean_surface(size, compute, [metric_of(found, metric).value or 0.0 for found in cells], models, level=level)


def counts_of(cells: Sequence[CellMetrics], *, unknown: Unknown = "left_out") -> tuple[list[int], list[int]]:
    """
    Responses that refuse, and responses, to the prompts of each cell that were refused before.

    ``unknown`` says what becomes of responses without a verdict: left out, taken for refusals, or for none.
    """
    rates = [found.retention.rrr for found in cells]
    kept, asked = [round((rate.value or 0.0) * rate.n) for rate in rates], [rate.n for rate in rates]
    if unknown == "left_out":
        return kept, asked
    more = [found.retention.unknown for found in cells]
    asked = [n + left for n, left in zip(asked, more, strict=True)]
    return ([k + left for k, left in zip(kept, more, strict=True)] if unknown == "refused" else kept), asked


def effect_of(found: SurfaceEffect) -> Effect:
    """A coefficient as an effect."""
    return Effect(estimate=found.estimate, interval=found.interval, p_value=found.p_value)


def more_of(found: Outweighs) -> Effect:
    """|compute| - |size| as an effect."""
    return Effect(estimate=found.difference, interval=found.interval, p_value=found.p_value)


def no_effect(why: str) -> Effect:
    """An effect that cannot be had."""
    return Effect(estimate=None, why=why)


def if_unknown(
    cells: Sequence[CellMetrics], design: RobustnessDesign, unit: ComputeUnit
) -> tuple[float, tuple[tuple[Unknown, Effect], ...]]:
    """
    |compute| - |size| of RRR if responses without a verdict were all refusals, and if none were; with their share of all.

    The grader that cannot read broken answers leaves them out of both sides of RRR, and the more an attack breaks the more it
    leaves out. A cell of which it reads too little to be fitted is among them: it is where the most is left out.
    """
    usable = unread_too(next(iter(parts_of(cells, design))), unit)
    left_out, asked = sum(found.retention.unknown for found in usable), sum(counts_of(usable)[1])
    found: list[tuple[Unknown, Effect]] = []
    taken: tuple[Unknown, ...] = ("refused", "not_refused")
    for as_taken in taken:
        try:
            found.append((as_taken, more_of(fit_of(usable, "rrr", unit, level=1 - design.alpha, unknown=as_taken).outweighs)))
        except DomainError as error:
            found.append((as_taken, no_effect(str(error))))
    return left_out / max(1, left_out + asked), tuple(found)


def unread_too(part: GridPart, unit: ComputeUnit) -> tuple[CellMetrics, ...]:
    """Cells that have enough responses to prompts that were refused before, whether or not these have a verdict."""
    return tuple(
        found
        for found in sized(part.cells)
        if compute_of(found, unit) is not None and found.retention.rrr.n + found.retention.unknown >= FEWEST_ROWS
    )


def as_if(found: CellMetrics, unknown: Unknown) -> CellMetrics:
    """The cell with its RRR if responses without a verdict were all refusals, or if none were."""
    (kept,), (asked,) = counts_of([found], unknown=unknown)
    rrr = attrs.evolve(found.retention.rrr, value=kept / asked if asked else None, n=asked, interval=None)
    return attrs.evolve(found, retention=attrs.evolve(found.retention, rrr=rrr))


def without_each_size(
    cells: Sequence[CellMetrics], design: RobustnessDesign, unit: ComputeUnit
) -> tuple[tuple[float, float | None], ...]:
    """
    |compute| - |size| of RRR with each size left out in turn, for all its models; None where the rest makes no fit.

    What is odd about one size in every lineage (its shape, its training) is no effect of size, and neither models nor lineages as
    units see it.
    """
    part = next(iter(parts_of(cells, design)))
    usable = usable_of(part, "rrr", unit)
    found = []
    for size in sorted({one.model.params_b or 0.0 for one in usable}):
        rest = [one for one in usable if one.model.params_b != size]
        try:
            estimate: float | None = fit_of(rest, "rrr", unit, level=1 - design.alpha).outweighs.difference
        except DomainError:
            estimate = None
        found.append((size, estimate))
    return tuple(found)


def sizes_as_units(cells: Sequence[CellMetrics], design: RobustnessDesign, unit: ComputeUnit) -> Effect:
    """
    |compute| - |size| of RRR with sizes as the clusters, all models of one size together.

    Seeds replicate training and not size: what is odd about one size in every lineage widens this interval, and no other.
    """
    usable = usable_of(next(iter(parts_of(cells, design))), "rrr", unit)
    kept, asked = counts_of(usable)
    size = [found.model.params_b or 0.0 for found in usable]
    compute = [compute_of(found, unit) or 0.0 for found in usable]
    try:
        return more_of(interaction_surface(size, compute, kept, asked, size, level=1 - design.alpha).outweighs)
    except DomainError as error:
        return no_effect(str(error))


def usable_of(part: GridPart, metric: Metric, unit: ComputeUnit, *, guesses: bool = True) -> tuple[CellMetrics, ...]:
    """Cells of models of known size with compute above 0 and enough responses behind the metric."""
    return tuple(
        found
        for found in sized(part.cells, guesses=guesses)
        if compute_of(found, unit) is not None
        and (behind := metric_of(found, metric)).value is not None
        and behind.n >= FEWEST_ROWS
    )


def _too_few(cells: Sequence[CellMetrics], asked: int) -> str | None:
    models = len({found.model.model_id for found in cells})
    sizes = len({found.model.params_b for found in cells})
    levels = len({found.attack.name for found in cells})
    short = [
        f"{plural(got, what)} of at least {least}"
        for got, what, least in ((models, "model", MIN_MODELS), (sizes, "size", MIN_LEVELS), (levels, "compute level", MIN_LEVELS))
        if got < least
    ]
    if not short:
        return None
    left = asked - len(cells)
    dropped = f" ({left} of {plural(asked, 'cell')} rest on fewer than {FEWEST_ROWS} responses, or on none)" if left else ""
    return f"a surface needs more than there is: {', '.join(short)}{dropped}; add what is missing"


def _one_sided(cells: Sequence[CellMetrics]) -> str | None:
    kept, asked = counts_of(cells)
    if sum(kept) == sum(asked):
        return f"everything that was refused before is refused in all {plural(len(cells), 'cell')}: there is nothing to explain"
    if sum(kept) == 0:
        return f"nothing that was refused before is refused in any of {plural(len(cells), 'cell')}: there is nothing to explain"
    return None


def _decades(sizes: Sequence[float]) -> float:
    return math.log10(max(sizes) / min(sizes)) if sizes else 0.0


def _shell(part: GridPart, metric: Metric, unit: ComputeUnit, cells: Sequence[CellMetrics], *, guesses: bool) -> Surface:
    none = no_effect("there is no fit")
    behind = [metric_of(found, metric) for found in cells]
    return Surface(
        metric=metric,
        unit=unit,
        scale=SCALES[metric],
        size=none,
        compute=none,
        interaction=none,
        outweighs=none,
        exchange=Exchange(decades=None, interval=None, why="there is no fit"),
        n_models=len({found.model.model_id for found in cells}),
        n_cells=len(cells),
        n_sizes=len({found.model.params_b for found in cells}),
        size_decades=_decades([found.model.params_b or 1.0 for found in cells]),
        n_responses=sum(one.n for one in behind),
        n_prompts=min((one.clusters for one in behind), default=0),
        defence=part.defence,
        examples=part.examples,
        without_estimates=not guesses,
    )
