"""The table of models: ids parsed by the registry, sizes declared by the data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from safescale.ingest.batch import table_of
from safescale.registry import parse_model_id, resolve_size, to_model_record
from safescale.store.base import Corpus, DeclaredSize
from safescale.store.fingerprint import CONTRADICTED

__all__ = ["models_table", "update_models"]


def update_models(corpus: Corpus) -> None:
    """Rebuild the table ``models`` from the ids in the corpus and the sizes that its data declare."""
    ids = pa.concat_arrays(
        [pc.unique(corpus.read(table, ["model_id"])["model_id"]).cast(pa.string()) for table in ("traces", "aggregates")]
    )
    corpus.set_models(models_table(set(ids.to_pylist()), corpus.declared_sizes()))


def models_table(model_ids: Iterable[str], declared: Mapping[str, DeclaredSize]) -> pa.Table:
    """The table ``models`` of these ids, with the sizes that the data declare."""
    rows = []
    for model_id in sorted(model_ids):
        total, active, estimated = declared.get(model_id, (None, None, False))
        info = resolve_size(
            parse_model_id(model_id), declared_params_b=total, declared_active_b=active, declared_estimated=estimated
        )
        row = to_model_record(info)
        if declared.get(model_id) == CONTRADICTED:
            notes = [row.get("size_note"), "the declared sizes contradict each other, so none of them counts"]
            row["size_note"] = "; ".join(str(note) for note in notes if note)
        rows.append(row)
    return table_of("model", rows)
