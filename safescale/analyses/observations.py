"""From cells to the observations of a series: per model, the rates of the attack classes that enter it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import attrs

from safescale.analyses.units import ModelUnit
from safescale.cells import AggregateCell, Cell
from safescale.records.outcomes import Tier

__all__ = ["Observation", "Part", "Scope", "Series", "parts_by_class", "pooled", "widest_mix"]

Scope: TypeAlias = Literal[
    "attack_class",
    "class_mean",
    "rows_pooled",
    "same_generation",
    "same_family",
    "within_generations",
    "within_families",
    "same_provider",
    "within_providers",
    "source",
]
"""
``class_mean`` is the mean over attack classes that all models share, ``rows_pooled`` what report 353 does (every row counts
the same, so a model's rate depends on its mix of classes). ``within_...`` pools lineages or providers, each at its own level.
"""

ROUNDING_OF_PUBLISHED_RATES = 5e-4 + 1e-9
"""Published rates are rounded to a tenth of a percent or finer where counts can be worked out from them."""


@attrs.frozen(kw_only=True)
class Part:
    """The rate of one model in one attack class; counts are None where a publication does not imply them."""

    unit: ModelUnit
    attack_class: str
    rate: float
    successes: int | None
    trials: int | None
    counts_implied: bool
    cells: tuple[Cell, ...]


@attrs.frozen(kw_only=True)
class Observation:
    """One model in a series, with the parts that its rate is made of."""

    unit: ModelUnit
    parts: tuple[Part, ...]

    @property
    def trials(self) -> int | None:
        """Evaluable rows over the parts; None where a part does not tell."""
        known = [part.trials for part in self.parts if part.trials is not None]
        return sum(known) if len(known) == len(self.parts) else None

    @property
    def successes(self) -> int | None:
        """Successes over the parts; None where a part does not tell."""
        known = [part.successes for part in self.parts if part.successes is not None]
        return sum(known) if len(known) == len(self.parts) else None

    @property
    def smallest_part(self) -> int | None:
        """Evaluable rows of the smallest part; None where no part tells."""
        return min((part.trials for part in self.parts if part.trials is not None), default=None)


@attrs.frozen(kw_only=True)
class Series:
    """
    Models to be looked at over size.

    ``pooling`` says how the parts of a model make its rate: ``rows`` adds them up, ``classes`` takes their mean.
    ``grouping`` names the lineage level inside which models are compared, None to compare them all.
    """

    scope: Scope
    name: str
    pooling: Literal["rows", "classes"]
    observations: tuple[Observation, ...]
    size: Literal["total", "active"] = "total"
    grouping: Literal["lineage", "family", "developer"] | None = None

    @property
    def attack_classes(self) -> tuple[str, ...]:
        """Classes of all parts."""
        return tuple(sorted({part.attack_class for o in self.observations for part in o.parts}))

    def params_b(self, observation: Observation) -> float | None:
        """Size on the chosen scale; where active parameters are not stated a model counts as dense."""
        unit = observation.unit
        if self.size == "active" and unit.params_active_b is not None:
            return unit.params_active_b
        return unit.params_total_b

    def rate(self, observation: Observation) -> float | None:
        """The model's rate; None where rows would have to be added up that a publication does not give."""
        parts = observation.parts
        if self.pooling == "classes" or len(parts) == 1:
            return sum(part.rate for part in parts) / len(parts)
        trials = observation.trials
        if trials is None:
            return None
        return sum(part.rate * part.trials for part in parts if part.trials is not None) / trials

    def why_not_fitted(self, observation: Observation, min_cell: int) -> str | None:
        """Why a model is shown and not fitted, or None."""
        if observation.unit.copy_note is not None:
            return observation.unit.copy_note
        if self.params_b(observation) is None:
            return "size unknown"
        rows = observation.smallest_part if self.pooling == "classes" else observation.trials
        if rows is not None and rows < min_cell:
            return f"{rows} evaluable rows, fewer than {min_cell}"
        if self.rate(observation) is None:
            return "published without n, so its classes cannot be added up"
        if self.grouping is not None and getattr(observation.unit, self.grouping) is None:
            return f"no {self.grouping} is known"
        return None

    def fitted(self, min_cell: int) -> tuple[Observation, ...]:
        """The models that enter the fit, from the smallest up."""
        kept = [o for o in self.observations if self.why_not_fitted(o, min_cell) is None]
        return tuple(sorted(kept, key=lambda o: (self.params_b(o) or 0.0, o.unit.model)))


def parts_by_class(cells: Iterable[Cell | AggregateCell], units: Mapping[str, ModelUnit], tier: Tier) -> dict[str, dict[str, Part]]:
    """Parts by attack class and model, ids of one model added up."""
    grouped: dict[tuple[str, str], list[Cell | AggregateCell]] = {}
    for cell in cells:
        grouped.setdefault((cell.attack_class, units[cell.model_id].model), []).append(cell)
    parts: dict[str, dict[str, Part]] = {}
    for (attack_class, model), members in sorted(grouped.items()):
        parts.setdefault(attack_class, {})[model] = _part(units[members[0].model_id], attack_class, members, tier)
    return parts


def pooled(by_class: Mapping[str, Mapping[str, Part]], classes: Sequence[str]) -> tuple[Observation, ...]:
    """One observation per model over those of the classes that it has."""
    parts: dict[str, list[Part]] = {}
    for attack_class in classes:
        for model, part in by_class[attack_class].items():
            parts.setdefault(model, []).append(part)
    return tuple(Observation(unit=found[0].unit, parts=tuple(found)) for _, found in sorted(parts.items()))


def widest_mix(observations: Sequence[Observation]) -> tuple[float, str]:
    """The attack class whose share of rows differs most between models, and by how much (fraction)."""
    widest, name = 0.0, ""
    for attack_class in sorted({part.attack_class for o in observations for part in o.parts}):
        shares = []
        for observation in observations:
            trials = observation.trials
            of_class = sum(p.trials or 0 for p in observation.parts if p.attack_class == attack_class)
            shares.append(of_class / trials if trials else 0.0)
        if max(shares) - min(shares) > widest:
            widest, name = max(shares) - min(shares), attack_class
    return widest, name


def _part(unit: ModelUnit, attack_class: str, members: Sequence[Cell | AggregateCell], tier: Tier) -> Part:
    rows = tuple(cell for cell in members if isinstance(cell, Cell))
    if rows:
        successes, trials = sum(cell.successes[tier] for cell in rows), sum(cell.evaluable for cell in rows)
        return Part(
            unit=unit,
            attack_class=attack_class,
            rate=successes / trials,
            successes=successes,
            trials=trials,
            counts_implied=False,
            cells=rows,
        )
    rates = [cell for cell in members if isinstance(cell, AggregateCell)]
    sizes = [cell.n for cell in rates if cell.n is not None]
    n = sum(sizes) if len(sizes) == len(rates) else None
    weights = sizes if n is not None else [1] * len(rates)
    rate = sum(cell.rate * weight for cell, weight in zip(rates, weights, strict=True)) / sum(weights)
    implied = None if n is None else round(rate * n)
    if implied is not None and n is not None and abs(implied / n - rate) > ROUNDING_OF_PUBLISHED_RATES:
        implied = None
    return Part(
        unit=unit,
        attack_class=attack_class,
        rate=rate,
        successes=implied,
        trials=n,
        counts_implied=implied is not None,
        cells=(),
    )
