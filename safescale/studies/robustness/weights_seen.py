"""The weights that a study began with: one whose weights changed under it is refused before anything is made of the new ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from safescale.engines.weights import weights_sha256
from safescale.errors import DataError
from safescale.store.json_file import write_json

__all__ = ["WEIGHTS", "note_weights", "refuse_other_weights"]

WEIGHTS: Final = "weights.json"


def refuse_other_weights(out: Path, weights: Mapping[str, Path]) -> dict[str, Any]:
    """
    Refuse models whose weights are not those that the study began with.

    Weights are hashed when they are new here, or when a file's name, size or time changed: some take minutes.

    Parameters
    ----------
    out : Path
        Folder of the study; nothing is written.
    weights : mapping of model id to Path
        Folders.

    Returns
    -------
    dict
        What ``note_weights`` writes.

    Raises
    ------
    DataError
        Naming the model.
    """
    there = _noted(out / WEIGHTS)
    found = dict(there)
    for model_id, folder in weights.items():
        try:
            files = sorted(
                [path.name, path.stat().st_size, path.stat().st_mtime_ns]
                for path in folder.iterdir()
                if path.suffix in (".safetensors", ".bin") and path.is_file()
            )
            known = there.get(model_id)
            if known is not None and known.get("files") == files:
                continue
            sha256 = weights_sha256(folder)
        except OSError as error:
            raise DataError(
                f"the weights of {model_id} cannot be read ({error.strerror or error})", file=str(error.filename or folder)
            ) from error
        if sha256 is None:
            continue
        if known is not None and known.get("sha256") != sha256:
            raise DataError(
                f"the weights of {model_id} are not those that this study began with; put them back, or name another folder with "
                "-o, so that nothing is mixed",
                file=str(folder),
                expected=f"sha256 {str(known.get('sha256'))[:16]}",
                got=f"sha256 {sha256[:16]}",
            )
        found[model_id] = {"sha256": sha256, "files": files}
    return found


def note_weights(out: Path, found: Mapping[str, Any]) -> None:
    """Write down what ``refuse_other_weights`` found, where it is new."""
    if found != _noted(out / WEIGHTS):
        write_json(out / WEIGHTS, dict(found))


def _noted(file: Path) -> dict[str, Any]:
    try:
        there = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}  # as before the first call: what was made of other weights still refuses them, later
    return {name: one for name, one in there.items() if isinstance(one, dict)} if isinstance(there, dict) else {}
