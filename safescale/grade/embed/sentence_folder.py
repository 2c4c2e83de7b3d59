"""How a folder says that its last layer becomes one direction of a text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, Literal

import attrs

from safescale.errors import DataError

__all__ = ["Pooling", "SentenceFolder", "read_folder"]

Pooling = Literal["mean", "cls"]

_MODULES: Final = "modules.json"
_PLAIN: Final = ("Transformer", "Pooling", "Normalize")


@attrs.frozen(kw_only=True)
class SentenceFolder:
    """
    What a folder says of itself.

    Parameters
    ----------
    model : Path
        Folder of the transformer and its tokenizer.
    pooling : {"mean", "cls"}
        Mean over the tokens (also where nothing is said), or the first token.
    window : int, optional
        Tokens that the folder says are read at most.
    lower_case : bool
        Whether texts are put to lower case before they are split.
    beyond : str, optional
        What of it is more than a transformer and one of these poolings, in words: only sentence-transformers runs it.
    """

    model: Path
    pooling: Pooling = "mean"
    window: int | None = None
    lower_case: bool = False
    beyond: str | None = None


def read_folder(folder: Path) -> SentenceFolder:
    """
    Read a sentence-transformers folder, or a transformers folder, whose last layer is then averaged over its tokens.

    Raises
    ------
    DataError
        Where there is no such folder, and for a description that cannot be read.
    """
    if not folder.is_dir():
        raise DataError("there is no such folder; name one that holds a model and its tokenizer", file=str(folder))
    if not (folder / _MODULES).is_file():
        return SentenceFolder(model=folder, pooling=_pooling(folder / "1_Pooling")[0])
    modules = _json(folder / _MODULES)
    if not isinstance(modules, list) or not all(isinstance(module, dict) for module in modules):
        raise DataError("this is no list of a sentence model's parts", file=str(folder / _MODULES))
    kinds = [str(module.get("type", "")).rsplit(".", 1)[-1] for module in modules]
    places = dict(zip(kinds, (folder / str(module.get("path", "")) for module in modules), strict=True))
    if "Transformer" not in places:
        raise DataError(
            "this sentence model has no transformer", file=str(folder / _MODULES), expected="Transformer", got=", ".join(kinds)
        )
    model = places["Transformer"]
    pooling, odd = _pooling(places["Pooling"]) if "Pooling" in places else ("mean", "no pooling")
    more = [kind for kind in kinds if kind not in _PLAIN]
    setting = _mapping(model / "sentence_bert_config.json")
    prompt = _mapping(folder / "config_sentence_transformers.json").get("default_prompt_name")
    odd = ", ".join(more) or odd or (f"the prompt {prompt!r} before each text" if prompt else None)
    window = setting.get("max_seq_length")
    return SentenceFolder(
        model=model,
        pooling=pooling,
        window=window if isinstance(window, int) else None,
        lower_case=setting.get("do_lower_case") is True,
        beyond=odd,
    )


def _pooling(folder: Path) -> tuple[Pooling, str | None]:
    """The pooling, and what it is where it is another one."""
    found = _mapping(folder / "config.json")
    if isinstance(mode := found.get("pooling_mode"), str):  # newer files name it, older ones hold a flag for each
        named = [mode]
    else:
        named = [key.removeprefix("pooling_mode_") for key, on in found.items() if key.startswith("pooling_mode_") and on is True]
    modes = {"mean_tokens": "mean", "cls_token": "cls"}
    plain = [modes.get(mode, mode) for mode in named]
    if plain in ([], ["mean"]):
        return "mean", None
    if plain == ["cls"]:
        return "cls", None
    return "mean", f"pooling by {' and '.join(plain)}"


def _mapping(file: Path) -> dict[str, Any]:
    found = _json(file) if file.is_file() else {}
    if not isinstance(found, dict):
        raise DataError("this is no JSON object", file=str(file))
    return found


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"this description of a sentence model cannot be read: {error}", file=str(file)) from error
