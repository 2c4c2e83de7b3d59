"""A series on the prompts that all of its models answered, and its rates by prompt."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import attrs
import numpy as np
import numpy.typing as npt

from safescale.analyses.observations import Observation, Part, Series
from safescale.analyses.variants import Variant
from safescale.cells import Cells
from safescale.records.outcomes import Tier

__all__ = ["counts_by_prompt", "on_common_prompts"]

Integers = npt.NDArray[np.int64]


def on_common_prompts(series: Series, fitted: Sequence[Observation], *, tier: Tier, min_cell: int, cells: Cells) -> Variant:
    """The fitted models of a series, on the prompts of each attack class that are evaluable in all of them."""
    if any(not part.cells for o in fitted for part in o.parts):
        return Variant(series=None, reason="common prompts need rows, and some rates are published without")
    parts: dict[str, list[Part]] = {o.unit.model: [] for o in fitted}
    prompts = 0
    for attack_class in series.attack_classes:
        of_class = [part for o in fitted for part in o.parts if part.attack_class == attack_class]
        if len(of_class) == len(fitted):
            shared, restricted = _restricted(of_class, tier, cells)
            if series.pooling == "classes" and any((p.trials or 0) < min_cell for p in restricted):
                continue
            prompts += shared
            for part in restricted:
                parts[part.unit.model].append(part)
    if not prompts:
        return Variant(series=None, reason=f"no prompt is evaluable in all {len(fitted)} models")
    kept = tuple(Observation(unit=o.unit, parts=tuple(parts[o.unit.model])) for o in fitted)
    rows = min(o.trials or 0 for o in kept)
    if rows < min_cell:
        return Variant(series=None, reason=f"{prompts} common prompts leave {rows} rows, fewer than {min_cell}")
    same = [o.trials for o in kept] == [o.trials for o in fitted]
    words = "all prompts are common" if same else f"{prompts} prompts are evaluable in all {len(kept)} models"
    return Variant(series=attrs.evolve(series, observations=kept), same=same, reason=words)


def _restricted(parts: Sequence[Part], tier: Tier, cells: Cells) -> tuple[int, list[Part]]:
    """Number of prompts that all parts share, and the parts on those prompts only (none when there is no such prompt)."""
    counts = [counts_by_prompt(part, tier, cells) for part in parts]
    shared = functools.reduce(np.intersect1d, [codes for codes, _, _ in counts])
    if not shared.size:
        return 0, []
    kept = []
    for part, (codes, successes, trials) in zip(parts, counts, strict=True):
        at = np.searchsorted(codes, shared)
        k, n = int(successes[at].sum()), int(trials[at].sum())
        kept.append(attrs.evolve(part, rate=k / n, successes=k, trials=n))
    return int(shared.size), kept


def counts_by_prompt(part: Part, tier: Tier, cells: Cells) -> tuple[Integers, Integers, Integers]:
    """Sorted prompt codes of a part with successes and evaluable rows, several ids of one model added up."""
    vectors = [cells.prompts(cell) for cell in part.cells]
    if len(vectors) == 1:
        return vectors[0].codes, vectors[0].successes[tier], vectors[0].evaluable
    codes, at = np.unique(np.concatenate([vector.codes for vector in vectors]), return_inverse=True)
    successes, trials = np.zeros(codes.size, np.int64), np.zeros(codes.size, np.int64)
    np.add.at(successes, at, np.concatenate([vector.successes[tier] for vector in vectors]))
    np.add.at(trials, at, np.concatenate([vector.evaluable for vector in vectors]))
    return codes, successes, trials
