"""An adapter folded into its base: a stock checkpoint that any engine serves without knowing of adapters."""

from __future__ import annotations

import importlib
import json
import warnings
from pathlib import Path
from typing import Final

import attrs

from safescale.engines.weights import weights_sha256
from safescale.errors import DataError, DomainError, GenerationError
from safescale.pressure.checkpoint import save_checkpoint
from safescale.pressure.finetune.inputs import base_sha256, own_dtype
from safescale.pressure.finetune.record import read_adapter_record
from safescale.pressure.finetune.trainer import check_backend, load_base
from safescale.pressure.whole_folder import stands_empty, whole_folder

__all__ = ["MergedRecord", "merge_adapter"]

MERGED_FILE: Final = "merged.json"


@attrs.frozen(kw_only=True)
class MergedRecord:
    """
    What a merged folder is of.

    Attributes
    ----------
    base_sha256, adapter_sha256, weights_sha256 : str
        Hashes over the weights of base, adapter, and what came of them.
    dtype : str
        In which it was merged and saved.
    """

    base_sha256: str
    adapter_sha256: str
    weights_sha256: str
    dtype: str


def merge_adapter(model: Path, adapter: Path, into: Path, *, dtype: str | None = None) -> MergedRecord:
    """
    Fold a LoRA adapter into its base and write a stock checkpoint.

    In float32 it says what base and adapter say together but for rounding; in bfloat16 the sum is rounded once more than when an
    engine adds them.

    Parameters
    ----------
    model : Path
        Folder of the base.
    adapter : Path
        Folder that peft, or ``finetune_adapters``, wrote.
    into : Path
        Folder to write; one that holds the same is kept.
    dtype : str, optional
        In which it is merged and saved; default the checkpoint's own.

    Returns
    -------
    MergedRecord

    Raises
    ------
    MissingBackend, GenerationError
        As of ``finetune_adapters``.
    DomainError
        For a folder that holds no model, or no adapter.
    DataError
        For an adapter of another model, or a place that holds something else.
    """
    check_backend()
    base, own = base_sha256(model), weights_sha256(adapter)
    if own is None or not (adapter / "adapter_config.json").is_file():
        raise DomainError(f"{str(adapter)!r} holds no adapter; give the folder with adapter_config.json and its weights")
    record = read_adapter_record(adapter)
    if record is not None and record.base_sha256 != base:
        raise DataError(
            "the adapter is of another model; give the one that it was trained on",
            file=str(adapter),
            expected=f"weights {record.base_sha256[:12]}",
            got=f"weights {base[:12]} in {model}",
        )
    used = dtype or own_dtype(model)
    there = _merged_there(into, base, own, used)
    if there is not None:
        return there
    torch, peft = importlib.import_module("torch"), importlib.import_module("peft")
    loaded = load_base(model, device="cpu", dtype=used)
    with warnings.catch_warnings():
        # peft asks transformers for names that it is renaming
        warnings.simplefilter("ignore", FutureWarning)
        try:
            wearing = peft.PeftModel.from_pretrained(loaded.bare, str(adapter), is_trainable=False)
            merged = wearing.merge_and_unload(safe_merge=True)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise GenerationError(f"peft cannot put {str(adapter)!r} on {str(model)!r}: {str(error).splitlines()[0]}") from error
    with whole_folder(into, what="a merged model") as partial:
        save_checkpoint(merged, model, partial, dtype=getattr(torch, used))
        made = MergedRecord(base_sha256=base, adapter_sha256=own, weights_sha256=str(weights_sha256(partial)), dtype=used)
        (partial / MERGED_FILE).write_text(json.dumps(attrs.asdict(made), indent=1) + "\n", encoding="utf-8")
    return made


def _merged_there(into: Path, base: str, adapter: str, dtype: str) -> MergedRecord | None:
    if stands_empty(into):
        return None
    try:
        found = MergedRecord(**json.loads((into / MERGED_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        found = None
    wanted = (base, adapter, dtype, weights_sha256(into))
    if found is not None and (found.base_sha256, found.adapter_sha256, found.dtype, found.weights_sha256) == wanted:
        return found
    raise DataError("the folder is there and holds something else; name another, or move this one", file=str(into))
