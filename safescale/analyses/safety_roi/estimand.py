"""What the rate of a model is: the mean over attack classes that the models share, or its rows added up."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from safescale.analyses.observations import Observation, Part, Series, pooled
from safescale.analyses.series import class_mean_series, quoted_series, rows_pooled_series

__all__ = ["Estimand", "estimand_of", "with_unknown_sizes"]

ByClass = Mapping[str, Mapping[str, Part]]


@attrs.frozen(kw_only=True)
class Estimand:
    """The series to quote, the other one where it is another, and both in words."""

    series: Series | None
    other: Series | None
    note: str

    @property
    def words(self) -> str:
        """What a model's rate is."""
        return "nothing" if self.series is None else series_words(self.series)


def series_words(series: Series) -> str:
    """What the rate of a model is in this series."""
    if len(series.attack_classes) == 1:
        return f"a model's rate in attack class {series.attack_classes[0]!r}"
    if series.pooling == "classes":
        return f"a model's mean rate over {len(series.attack_classes)} attack classes, each counted the same"
    return f"a model's rate over its rows of {len(series.attack_classes)} attack classes pooled, whatever its mix of classes"


def estimand_of(by_class: ByClass, min_cell: int) -> Estimand:
    """The mean over common classes where it holds at least half of the models, else the rows pooled; the other beside it."""
    if not by_class:
        return Estimand(series=None, other=None, note="no evaluable row in the attack classes that are asked for")
    mean, note = class_mean_series(by_class, min_cell)
    rows = rows_pooled_series(by_class)
    chosen = quoted_series(mean, rows, min_cell)
    other = rows if chosen is mean else mean
    if len(by_class) == 1:
        other = None
    if chosen is not mean and mean is not None:
        note = f"the mean over common classes holds fewer than half of the models ({note}), so rows are pooled"
    return Estimand(series=chosen, other=other, note=note)


def with_unknown_sizes(series: Series, by_class: ByClass, min_cell: int) -> tuple[Observation, ...]:
    """Every model that has a rate as the series defines it, of known size or not; copies count nowhere."""
    classes = list(series.attack_classes)
    everyone = pooled(by_class, classes)
    kept = []
    for observation in everyone:
        if observation.unit.copy_note is not None or series.rate(observation) is None:
            continue
        if series.pooling == "classes":
            rows, whole = observation.smallest_part, len(observation.parts) == len(classes)
        else:
            rows, whole = observation.trials, True
        if whole and (rows is None or rows >= min_cell):
            kept.append(observation)
    return tuple(kept)
