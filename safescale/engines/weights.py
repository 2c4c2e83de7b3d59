"""What weights a model has: one hash over its files, in words what it is over."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

__all__ = ["weights_sha256"]

_SUFFIXES: Final = (".safetensors",)
_OLDER: Final = (".bin",)
_CHUNK_BYTES: Final = 1 << 20


def weights_sha256(folder: str | Path) -> str | None:
    """
    SHA-256 over the weight files of a local model or adapter.

    It is over the ``*.safetensors`` files directly in the folder, sorted by name (``*.bin`` where there are none): for each the
    UTF-8 name, a zero byte, the length in bytes as 8 bytes (big-endian), then its bytes. So another sharding of the same tensors
    has another hash; the tokenizer, the template and the configuration are not in it.

    Parameters
    ----------
    folder : str or Path
        A model's folder.

    Returns
    -------
    str or None
        64 hex digits; None where there is no such folder (the id of a hub) or no weight file in it.
    """
    place = Path(folder)
    if not place.is_dir():
        return None
    files = [path for path in place.iterdir() if path.suffix in _SUFFIXES and path.is_file()]
    files = files or [path for path in place.iterdir() if path.suffix in _OLDER and path.is_file()]
    if not files:
        return None
    digest = hashlib.sha256()
    for path in sorted(files, key=lambda one: one.name):
        digest.update(path.name.encode("utf-8") + b"\0" + path.stat().st_size.to_bytes(8, "big"))
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()
