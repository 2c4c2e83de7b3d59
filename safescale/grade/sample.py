"""A stratified sample of graded traces in which every trace had a known chance to be."""

from __future__ import annotations

import hashlib
from typing import Final

import attrs
import numpy as np
import pyarrow as pa

from safescale.cells import Selection
from safescale.errors import DomainError
from safescale.grade.allocation import allocate

__all__ = ["DESIGN_WORDS", "Sample", "SampledTrace", "Stratum", "draw_sample"]

DESIGN_WORDS: Final = (
    "stratified by condition and verdict of the grader; labels in proportion to the root of a stratum's size; within a stratum "
    "systematic from a random start along the models, so each trace of it has the same chance; order shuffled"
)

_ID_DIGITS: Final = 12


@attrs.frozen(kw_only=True)
class Stratum:
    """Traces of one condition with one verdict of the grader, and how many of them were drawn."""

    condition: str
    verdict: str
    size: int
    sampled: int

    @property
    def inclusion_probability(self) -> float:
        """The chance of each of its traces to be drawn (fraction)."""
        return self.sampled / self.size


@attrs.frozen(kw_only=True)
class SampledTrace:
    """One trace of the sample; ``sample_id`` is all that a rater sees of it."""

    sample_id: str
    trace_id: str
    stratum: int


@attrs.frozen(kw_only=True)
class Sample:
    """
    A drawn sample.

    ``traces`` stand in the order of the sheet, which is random: labels from the top down to anywhere are a random sample too.
    """

    fingerprint: str
    grader: str
    target: str
    seed: int
    requested: int
    selection: Selection
    strata: tuple[Stratum, ...]
    traces: tuple[SampledTrace, ...]

    @property
    def population(self) -> int:
        """Traces that the sample was drawn from."""
        return sum(stratum.size for stratum in self.strata)


def draw_sample(
    rows: pa.Table, labels: int, *, fingerprint: str, grader: str, target: str, selection: Selection, seed: int = 0
) -> Sample:
    """
    Draw traces for people to label.

    Parameters
    ----------
    rows : pyarrow.Table
        Counted verdicts of the grader, as ``safescale.cells.grader_rows`` gives them.
    labels : int
        Traces wanted; all of them where there are no more.
    fingerprint, grader, target, selection
        What the rows are of; they travel with the sample.
    seed : int, default 0
        The same seed and corpus give the same sample.

    Returns
    -------
    Sample
        Every trace had the positive chance ``inclusion_probability`` of its stratum to be in it.

    Raises
    ------
    InsufficientData
        If there is no row, or there are too few labels for the strata.
    DomainError
        If ``labels`` is not positive.
    """
    if labels < 1:
        raise DomainError(f"a sample needs at least 1 trace, got {labels}")
    ids = np.array(rows["trace_id"].to_pylist(), dtype=object)
    models = np.array(rows["model_id"].to_pylist(), dtype=object)
    pairs = list(zip(rows["condition"].to_pylist(), rows["verdict"].to_pylist(), strict=True))
    names = sorted(set(pairs))
    members = _members(pairs)
    sizes = [len(members[name]) for name in names]
    given = allocate(sizes, labels)
    # a generator of its own for each seed and corpus: the same seed says nothing about another corpus's draw
    rng = np.random.default_rng([seed, int.from_bytes(hashlib.sha256(fingerprint.encode()).digest()[:8], "big")])
    drawn: list[tuple[str, int]] = []
    for at, (name, n) in enumerate(zip(names, given, strict=True)):
        own = np.array(members[name])
        shuffled = own[rng.permutation(len(own))]
        along = shuffled[np.argsort(models[shuffled].astype(str), kind="stable")]
        drawn += [(ids[row], at) for row in along[_systematic(len(own), n, rng)].tolist()]
    order = rng.permutation(len(drawn)).tolist()
    return Sample(
        fingerprint=fingerprint,
        grader=grader,
        target=target,
        seed=seed,
        requested=labels,
        selection=selection,
        strata=tuple(
            Stratum(condition=condition, verdict=verdict, size=size, sampled=n)
            for (condition, verdict), size, n in zip(names, sizes, given, strict=True)
        ),
        traces=tuple(
            SampledTrace(sample_id=_sample_id(fingerprint, seed, drawn[at][0]), trace_id=drawn[at][0], stratum=drawn[at][1])
            for at in order
        ),
    )


def _members(pairs: list[tuple[str, str]]) -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = {}
    for at, pair in enumerate(pairs):
        found.setdefault(pair, []).append(at)
    return found


def _systematic(size: int, n: int, rng: np.random.Generator) -> list[int]:
    """``n`` of ``size`` positions, each with the chance ``n / size``, spread evenly."""
    step = size / n
    start = rng.uniform(0.0, step)
    return [min(size - 1, int(start + at * step)) for at in range(n)]


def _sample_id(fingerprint: str, seed: int, trace_id: str) -> str:
    """A name that tells nothing of the trace, and that no other sample has."""
    # a letter first: spreadsheets turn 012345678901 and 1234567890e1 into other numbers
    return "s" + hashlib.sha256(f"{fingerprint}\n{seed}\n{trace_id}".encode()).hexdigest()[:_ID_DIGITS]
