"""What every adapter yields: a batch of checked-shaped records with the fate of each of its input rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import attrs
import pyarrow as pa

from safescale.errors import DomainError
from safescale.ingest.bytes_in import without_compression
from safescale.records.fields import arrow_schema
from safescale.records.models import HR_MEANINGS
from safescale.records.outcomes import OUTCOME_MAPS
from safescale.records.rows import FileNote, RejectedRow

__all__ = ["Adapter", "Batch", "FormatFacts", "Options", "Probe", "grader_row", "table_of"]


@attrs.frozen(kw_only=True)
class Options:
    """
    What the user said about the input.

    Parameters
    ----------
    source : str, optional
        Label of the collection (ids are unique within it). Default: chosen by the adapter, never the file's name.
    column_map : Path, optional
        YAML column map (adapter ``mapped``).
    grader_id : str, optional
        Name of the grader where the format does not say it.
    hallucination_refusal : str
        Which published meaning HALLUCINATION_REFUSAL has in these files.
    outcome_map : str, optional
        Outcome map where the format does not fix it.
    """

    source: str | None = None
    column_map: Path | None = None
    grader_id: str | None = None
    hallucination_refusal: str = "undeclared"
    outcome_map: str | None = None

    def __attrs_post_init__(self) -> None:
        for name, value, known in (
            ("hallucination_refusal", self.hallucination_refusal, HR_MEANINGS),
            ("outcome_map", self.outcome_map, tuple(OUTCOME_MAPS)),
        ):
            if value is not None and value not in known:
                raise DomainError(f"{name} must be one of {', '.join(sorted(known))}, got {value!r}")


@attrs.frozen(kw_only=True)
class Probe:
    """What format detection may look at: the path and the first (decompressed) bytes."""

    path: Path
    head: bytes

    @property
    def stem(self) -> str:
        """File name in lower case without .gz / .zst."""
        return without_compression(self.path.name.lower())


@attrs.frozen(kw_only=True)
class Batch:
    """
    A piece of one file.

    Every table has exactly the Arrow schema of its record (``arrow_schema``); tables that are None are empty. A row of the input
    is named by its ``source_row`` in traces, grades, turns and aggregates; a row may carry a trace, its turns and several grades.
    ``rows_in == rows with records + len(metadata_rows) + len(superseded_rows) + number of rejected rows``: the session asserts it.

    Parameters
    ----------
    rows_in : int
        Input rows of this piece.
    rejects : sequence of RejectedRow
        One per row that was not taken. Row 0 (the whole file) is not counted as an input row. A row that keeps its trace but
        whose grade is unusable is a reject of that row only when nothing of it was kept; otherwise give the grade the verdict
        ERROR or NOT_GRADEABLE with the raw label.
    metadata_rows, superseded_rows : sequence of int
        Source rows that carry no record (headers, digests), and attempts that a later row of the same file replaces.
    runs : Table, optional
        Manifests of what made the traces (record ``run``); they bring no row of the input.
    declared_sizes : mapping of model_id to (total_b, active_b, is_estimate)
        Sizes that the data declare.
    notes : sequence of FileNote
        What a reader of the numbers must know of the file beside the fates of its rows.
    """

    rows_in: int
    traces: pa.Table | None = None
    turns: pa.Table | None = None
    grades: pa.Table | None = None
    graders: pa.Table | None = None
    aggregates: pa.Table | None = None
    runs: pa.Table | None = None
    rejects: Sequence[RejectedRow] = ()
    metadata_rows: Sequence[int] = ()
    superseded_rows: Sequence[int] = ()
    declared_sizes: Mapping[str, tuple[float | None, float | None, bool]] = attrs.field(factory=dict)
    notes: Sequence[FileNote] = ()
    checked: bool = False
    """Whether the tables already passed the violation mask of their records."""
    bytes_read: int = 0
    """Bytes of the (decompressed) file that this piece took, for the progress bar."""


@attrs.frozen(kw_only=True)
class FormatFacts:
    """
    What an adapter declares of its format: printed by ``safescale formats`` and in the documentation.

    Parameters
    ----------
    files : str
        Which files it reads.
    polarity : str
        What a 1, a true or a pass of this format means.
    outcome_map : str
        Names of the outcome maps that its graders go through.
    denominator : str
        Which rows the format itself divides by, and what is done here.
    cluster_key : str
        What the prompt id, by which rows are clustered, is made of.
    attempts : str
        How several rows of one attempt become one trace.
    """

    files: str
    polarity: str
    outcome_map: str
    denominator: str
    cluster_key: str
    attempts: str


class Adapter(Protocol):
    """One file format: bytes to batches. An adapter keeps no state between files."""

    @property
    def name(self) -> str:
        """Name of the format, as ``--from`` takes it."""
        ...

    @property
    def facts(self) -> FormatFacts:
        """What it declares of its format."""
        ...

    def recognises(self, probe: Probe) -> bool:
        """Whether the file is of this format, from its name and first bytes."""
        ...

    def context(self, path: Path) -> str:
        """
        What the meaning of the file takes from outside its bytes (its path, a companion file); '' when nothing.

        Two files of equal bytes are one import only when this is equal too.
        """
        ...

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """Read the file in pieces of bounded size. Never raises for a bad row: it becomes a reject."""
        ...


def table_of(record: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table with the schema of a record; keys that a row lacks are null."""
    schema = arrow_schema(record)
    return pa.Table.from_arrays(
        [pa.array([row.get(field.name) for row in rows], type=field.type) for field in schema], schema=schema
    )


def grader_row(grader_id: str, kind: str, outcome_map: str, hallucination_refusal: str = "not_used") -> dict[str, str]:
    """A row of the grader record."""
    return {
        "grader_id": grader_id,
        "grader_kind": kind,
        "outcome_map": outcome_map,
        "hallucination_refusal": hallucination_refusal,
    }
