"""How a claim of a share can be read: its figures as percentages or as fractions, its level."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import attrs

from safescale.audit.claims.claim import Proportion
from safescale.audit.claims.printed import Printed, PrintedInterval

__all__ = ["Reading", "level_of", "readings_of", "scales_of"]


@attrs.frozen(kw_only=True)
class Reading:
    """A claim with its rates as fractions, by one reading of their scale."""

    claim: Proportion
    percentage: Printed | None
    interval: PrintedInterval | None
    level: float

    @property
    def stated(self) -> str | None:
        """The method that the claim names, if it is one that is recomputed here."""
        method = self.claim.method
        return None if method == "other" else method


def level_of(level: Printed | None) -> float:
    """Nominal coverage as a fraction; 95 % where none is printed."""
    if level is None:
        return 0.95
    value = float(level.value)
    return value / 100 if value > 1 or level.scale == "percent" else value


def readings_of(claim: Proportion) -> Iterator[Reading]:
    """Every way to read the claim's figures as fractions."""
    level = level_of(claim.level)
    for rate_scale in scales_of((claim.percentage,) if claim.percentage is not None else ()):
        for interval_scale in scales_of(claim.interval.figures if claim.interval is not None else ()):
            yield Reading(
                claim=claim,
                percentage=None if claim.percentage is None else claim.percentage.as_fraction(rate_scale),
                interval=None if claim.interval is None else claim.interval.as_fraction(interval_scale),
                level=level,
            )


def scales_of(figures: tuple[Printed, ...]) -> tuple[Literal["percent", "fraction"], ...]:
    """How the figures of one place can be read; nothing where they are no share at all."""
    if not figures:
        return ("fraction",)
    said = {figure.scale for figure in figures} - {"either"}
    largest = max(float(abs(figure.value)) for figure in figures)
    if "percent" in said or (largest > 1.05 and said != {"fraction"}):
        return ("percent",) if largest <= 130 else ()
    if said == {"fraction"}:
        return ("fraction",) if largest <= 1.3 else ()
    return ("fraction", "percent")
