"""``cells.parquet``: the sufficient counts of a corpus in one file, whoever counted them."""

from __future__ import annotations

import base64
import io
import json
import os
from pathlib import Path
from typing import Any, Final

import attrs
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from safescale._version import __version__
from safescale.cells.counts import COUNTS_SCHEMA, PAIRS_SCHEMA, SMALL_TABLES, CellCounts
from safescale.cells.table import TraceCounts
from safescale.errors import DataError
from safescale.records.fields import arrow_schema
from safescale.store.base import TABLES

__all__ = ["FINGERPRINT_MEANS", "read_cells", "write_cells"]

_KEY: Final = b"safescale_cells"
_PAIRS: Final = b"safescale_target_pairs"
_VERSION: Final = 1

FINGERPRINT_MEANS: Final = (
    "fingerprint of the corpus that was counted, over the content of its rows: the counts do not determine it, and it cannot be "
    "recomputed from this file; results that carry it rest on these counts of that corpus"
)
"""What the fingerprint of a file of counts stands for; written into the file."""

_MAKE_ONE: Final = "make it with: safescale cells CORPUS -o cells.parquet, or safescale.spark.write_cells"


def write_cells(counts: CellCounts, path: Path) -> None:
    """
    Write the counts as one Parquet file, whole or not at all.

    Columns: ``COUNTS_SCHEMA``. The metadata of the file hold the fingerprint and what it means, the models, graders and published
    rates, and where the traces stand.

    Raises
    ------
    DataError
        When the file cannot be written.
    """
    facts = {
        "version": _VERSION,
        "written_by": f"safescale {__version__}",
        "fingerprint": counts.fingerprint,
        "fingerprint_means": FINGERPRINT_MEANS,
        "traces": {"merged": attrs.asdict(counts.traces[True]), "apart": attrs.asdict(counts.traces[False])},
        "sources": list(counts.sources),
        "tables": {name: counts.tables[name].to_pylist() for name in SMALL_TABLES},
    }
    metadata = {_KEY: json.dumps(facts, ensure_ascii=False).encode(), _PAIRS: _packed(counts.pairs)}
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        pq.write_table(counts.counts.replace_schema_metadata(metadata), partial, compression="zstd")
        os.replace(partial, path)
    except OSError as error:
        raise DataError(f"the cells cannot be written here ({error}); name another file", file=str(path)) from error
    finally:
        partial.unlink(missing_ok=True)


def read_cells(path: Path) -> CellCounts:
    """
    Read what ``write_cells`` wrote.

    Raises
    ------
    DataError
        When it is no such file, or one of a newer safescale.
    """
    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise DataError(f"there is no such file; {_MAKE_ONE}", file=str(path)) from None
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"this is not a file of cells: {_MAKE_ONE}", file=str(path), expected="Parquet", got=str(error)) from error
    metadata = table.schema.metadata or {}
    if _KEY not in metadata:
        raise DataError(
            f"this Parquet file does not say which corpus it counts; {_MAKE_ONE}",
            file=str(path),
            expected=f"the key {_KEY.decode()} in its metadata",
            got=", ".join(table.column_names[:6]),
        )
    try:
        facts: dict[str, Any] = json.loads(metadata[_KEY])
        if facts["version"] > _VERSION:
            raise DataError("these cells were written by a newer safescale: upgrade safescale", file=str(path))
        found = CellCounts(
            fingerprint=str(facts["fingerprint"]),
            counts=table.replace_schema_metadata(None).cast(COUNTS_SCHEMA),
            pairs=_unpacked(metadata[_PAIRS]),
            traces={True: TraceCounts(**facts["traces"]["merged"]), False: TraceCounts(**facts["traces"]["apart"])},
            sources=tuple(facts["sources"]),
            tables={name: pa.Table.from_pylist(facts["tables"][name], schema=arrow_schema(TABLES[name])) for name in SMALL_TABLES},
        )
    except (ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise DataError(f"this file of cells is damaged ({error}): {_MAKE_ONE}", file=str(path)) from error
    if found.counts.num_rows and pc.min(found.counts["rows"]).as_py() < 1:
        raise DataError(f"a count below 1: {_MAKE_ONE}", file=str(path), column="rows", expected=">= 1")
    return found


def _packed(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return base64.b64encode(sink.getvalue())


def _unpacked(text: bytes) -> pa.Table:
    with pa.ipc.open_stream(base64.b64decode(text)) as reader:
        return reader.read_all().cast(PAIRS_SCHEMA)
