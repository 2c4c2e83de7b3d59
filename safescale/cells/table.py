"""Cells: counts per attack class, model, condition, grader and target, by prompt too, and what was left out."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from safescale.cells.graders import GraderMeaning
from safescale.cells.identical import IdenticalModels
from safescale.cells.selection import Reason, Selection
from safescale.errors import DomainError, SafescaleError
from safescale.records.outcomes import Tier
from safescale.records.verdicts import Verdict

__all__ = ["CELL_KEYS", "AggregateCell", "Cell", "Cells", "Exclusion", "PromptVector", "Rate", "TraceCounts"]

Integers = npt.NDArray[np.int64]

CELL_KEYS: Final = ("attack_class", "model_id", "condition", "grader", "target")
"""Columns that make a cell, in sort order."""

_TIERS: Final = tuple((tier, tier.value) for tier in Tier)
_VERDICTS: Final = tuple((verdict, verdict.value) for verdict in Verdict)


@attrs.frozen(kw_only=True)
class Exclusion:
    """Graded rows in no cell, for one reason; ``switch`` is the field of ``Selection`` that decides it, if any does."""

    reason: Reason
    words: str
    rows: int
    switch: str | None


@attrs.frozen(kw_only=True)
class TraceCounts:
    """Where the traces of the corpus stand; ``copies`` are traces that another source holds too."""

    traces: int
    copies: int
    graded: int
    ungraded: int
    ungraded_without_response: int
    prompt_kind_unknown: int


@attrs.frozen(kw_only=True)
class Cell:
    """
    One cell of graded rows. ``verdicts`` holds the evaluable verdicts; ``successes`` the numerator of every tier.

    ``source`` is None where cells hold the rows of all sources.
    """

    index: int
    attack_class: str
    model_id: str
    condition: str
    grader: str
    target: str
    evaluable: int
    prompts: int
    successes: Mapping[Tier, int]
    verdicts: Mapping[Verdict, int]
    source: str | None = None


@attrs.frozen(kw_only=True)
class AggregateCell:
    """A published rate without rows. ``n`` and the interval are None where the publication gives none."""

    source: str
    attack_class: str
    model_id: str
    condition: str
    grader: str
    target: str
    tier: Tier
    rate: float
    n: int | None
    interval_low: float | None
    interval_high: float | None


@attrs.frozen(kw_only=True)
class Rate:
    """
    A rate with everything that it rests on.

    ``numerator`` is None for a published rate, ``denominator`` where it was published without n.
    """

    tier: Tier
    rate: float
    numerator: int | None
    denominator: int | None
    definition: str
    grader: str
    excluded: Mapping[Reason, int]
    fingerprint: str


@attrs.frozen(kw_only=True, eq=False)
class PromptVector:
    """Counts of one cell by prompt: arrays of shape (prompts,), sorted by prompt id; ``codes`` index ``names``."""

    codes: Integers
    names: pa.Array
    evaluable: Integers
    successes: Mapping[Tier, Integers]

    @property
    def prompt_ids(self) -> tuple[str, ...]:
        """The prompts by name."""
        return tuple(self.names.take(pa.array(self.codes)).to_pylist())


@attrs.frozen(kw_only=True, eq=False)
class _ByPrompt:
    """The columns of prompt counts as whole arrays, made once: analyses ask for thousands of cells."""

    offsets: Integers
    codes: Integers
    names: pa.Array
    evaluable: Integers
    successes: Mapping[Tier, Integers]

    @classmethod
    def of(cls, table: pa.Table, prompt_counts: pa.Table) -> _ByPrompt:
        ids = prompt_counts["prompt_id"].combine_chunks()
        return cls(
            offsets=_integers(table["offset"]),
            codes=np.asarray(ids.indices.to_numpy(), dtype=np.int64),
            names=ids.dictionary,
            evaluable=_integers(prompt_counts["evaluable"]),
            successes={tier: _integers(prompt_counts[tier.value]) for tier in Tier},
        )

    def codes_of(self, index: int, prompts: int) -> Integers:
        start = int(self.offsets[index])
        return self.codes[start : start + prompts]

    def slice(self, index: int, prompts: int) -> PromptVector:
        start = int(self.offsets[index])
        rows = slice(start, start + prompts)
        return PromptVector(
            codes=self.codes[rows],
            names=self.names,
            evaluable=self.evaluable[rows],
            successes={tier: counts[rows] for tier, counts in self.successes.items()},
        )


def _integers(column: pa.ChunkedArray) -> Integers:
    return np.asarray(column.to_numpy(), dtype=np.int64)


@attrs.frozen(kw_only=True, eq=False)
class Cells:
    """
    The counts of a corpus under one selection.

    Attributes
    ----------
    fingerprint : str
        Fingerprint of the corpus.
    selection : Selection
        What was left out on purpose.
    table : pyarrow.Table
        One row per cell, sorted by ``CELL_KEYS`` (by ``source`` first, where sources are kept apart); then a column per
        evaluable verdict, ``evaluable``, one column per tier, ``prompts``, and ``offset`` of the cell's first row in
        ``prompt_counts``.
    prompt_counts : pyarrow.Table
        ``cell, prompt_id, evaluable`` and one column per tier, sorted by cell and prompt.
    excluded : pyarrow.Table
        ``CELL_KEYS, reason, rows``: exclusions by would-be cell (and ``source``, where sources are kept apart).
    over_refusal : pyarrow.Table
        ``CELL_KEYS``, a column per verdict and ``evaluable``: benign prompts only, never in an attack success rate.
    aggregates : tuple of AggregateCell
        Published rates.
    aggregate_exclusions : mapping of str to int
        Published rates that were left out, by reason.
    considered, counted : int
        Graded rows of the corpus, and those that are in a cell.
    exclusions : tuple of Exclusion
        The rest of them, by reason.
    traces : TraceCounts
        Traces, among them those that nobody graded.
    graders : mapping of str to GraderMeaning
        What each grader's verdicts mean.
    identical_models : tuple of IdenticalModels
        Different model ids with the same verdict on every prompt; models that were left out are among them.
    unknown_tampering : tuple of str
        Models in a cell whose tampering state is unknown.
    """

    fingerprint: str
    selection: Selection
    table: pa.Table
    prompt_counts: pa.Table
    excluded: pa.Table
    over_refusal: pa.Table
    aggregates: tuple[AggregateCell, ...]
    aggregate_exclusions: Mapping[str, int]
    considered: int
    counted: int
    exclusions: tuple[Exclusion, ...]
    traces: TraceCounts
    graders: Mapping[str, GraderMeaning]
    identical_models: tuple[IdenticalModels, ...]
    unknown_tampering: tuple[str, ...]
    _by_prompt: _ByPrompt = attrs.field(init=False, repr=False)

    @_by_prompt.default
    def _whole_columns(self) -> _ByPrompt:
        return _ByPrompt.of(self.table, self.prompt_counts)

    def __attrs_post_init__(self) -> None:
        in_cells = int(self.column("evaluable").sum())
        left_out = sum(exclusion.rows for exclusion in self.exclusions)
        if in_cells != self.counted or in_cells + left_out != self.considered:
            raise SafescaleError(
                f"conservation is broken in cells: {self.considered} graded rows considered, "
                f"{in_cells} in cells, {left_out} excluded; report this"
            )

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __iter__(self) -> Iterator[Cell]:
        return (_cell(index, row) for index, row in enumerate(self.table.to_pylist()))

    def column(self, name: str) -> Integers:
        """A count column of ``table``, of shape (cells,)."""
        return _integers(self.table[name])

    def cell(self, index: int) -> Cell:
        """The cell in that row of ``table``."""
        return _cell(index, self.table.slice(index, 1).to_pylist()[0])

    def find(
        self,
        *,
        attack_class: str | None = None,
        model_id: str | None = None,
        condition: str | None = None,
        grader: str | None = None,
        target: str | None = None,
    ) -> tuple[Cell, ...]:
        """Cells with these keys; a key that is not given may be anything."""
        given = (attack_class, model_id, condition, grader, target)
        wanted = {key: value for key, value in zip(CELL_KEYS, given, strict=True) if value is not None}
        keys = self.table.select(list(CELL_KEYS)).to_pylist()
        hits = (i for i, row in enumerate(keys) if all(row[key] == value for key, value in wanted.items()))
        return tuple(self.cell(i) for i in hits)

    def rate(self, cell: Cell | AggregateCell, tier: Tier = Tier.STRICT) -> Rate:
        """
        The attack success rate of a cell, with numerator, denominator and their definition in words.

        Raises
        ------
        DomainError
            When the grader's outcome map cannot speak of that tier, or a published rate is of another tier.
        """
        definition = self.graders[cell.grader].definition(tier)
        if isinstance(cell, AggregateCell):
            if cell.tier is not tier:
                raise DomainError(f"the published rate of {cell.model_id!r} is {cell.tier}, not {tier}")
            numerator, denominator, rate = None, cell.n, cell.rate
        else:
            numerator, denominator = cell.successes[tier], cell.evaluable
            rate = numerator / denominator
        return Rate(
            tier=tier,
            rate=rate,
            numerator=numerator,
            denominator=denominator,
            definition=definition,
            grader=cell.grader,
            excluded=self.excluded_of(cell),
            fingerprint=self.fingerprint,
        )

    def excluded_of(self, cell: Cell | AggregateCell) -> dict[Reason, int]:
        """Graded rows left out of a cell, by reason."""
        if isinstance(cell, AggregateCell):
            return {}
        same = [pc.equal(self.excluded[key], getattr(cell, key)) for key in CELL_KEYS]
        rows = self.excluded.filter(functools.reduce(pc.and_, same)).to_pylist()
        return {Reason(row["reason"]): row["rows"] for row in rows}

    def prompts(self, cell: Cell) -> PromptVector:
        """Prompt-level counts of a cell."""
        return self._by_prompt.slice(cell.index, cell.prompts)

    def distinct_prompts(self, chosen: Iterable[Cell]) -> int:
        """Number of different prompts behind several cells."""
        codes = [self._by_prompt.codes_of(cell.index, cell.prompts) for cell in chosen]
        return int(np.unique(np.concatenate(codes)).size) if codes else 0


def _cell(index: int, row: Mapping[str, Any]) -> Cell:
    return Cell(
        index=index,
        **{key: row[key] for key in CELL_KEYS},
        evaluable=row["evaluable"],
        prompts=row["prompts"],
        successes={tier: row[name] for tier, name in _TIERS},
        verdicts={verdict: row[name] for verdict, name in _VERDICTS if name in row},
        source=row.get("source"),
    )
