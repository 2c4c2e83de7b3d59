"""Steering as a bias of the checkpoint: what hooks add to every token, any engine that serves the folder then adds."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

from safescale.engines.intervention import Intervention
from safescale.engines.residual import ResidualEdits, decoder_layers
from safescale.engines.transformers_loading import quietly
from safescale.engines.weights import weights_sha256
from safescale.errors import DataError, DomainError, GenerationError, MissingBackend

__all__ = ["STEERING_FILE", "bake_steering"]

STEERING_FILE: Final = "steering.json"
_LAST_LINEAR: Final = ("mlp.down_proj", "mlp.c_proj", "mlp.fc2", "mlp.dense_4h_to_h", "fc2")
"""Names of the map that writes a layer's last part into the residual stream, by architecture."""
_AS_LLAMA: Final = ("llama", "qwen2", "mistral")
"""What is a Llama but for biases: ``LlamaForCausalLM`` with ``mlp_bias`` (and ``attention_bias``) is the same model."""
_BESIDE: Final = ("token", "vocab", "merges", "special_tokens", "added_tokens", "chat_template", "generation_config")
_WITHIN: Final = {"torch.float32": 1e-4, "torch.float64": 1e-4}
_WITHIN_HALF: Final = 0.05


def bake_steering(model: Path, intervention: Intervention, into: Path) -> Path:
    """
    Write a checkpoint that adds what the hooks of an intervention add, without hooks.

    The vector becomes the bias of the map that ends the layer. Where the architecture has none (Llama, Mistral, Qwen2) the folder
    is a ``LlamaForCausalLM`` with ``mlp_bias``, which is the same model in every other respect. Before it is kept, the folder is
    loaded again and its logits are compared with those under hooks.

    Parameters
    ----------
    model : Path
        Folder of the model.
    intervention : Intervention
        Edits of kind add, of every token.
    into : Path
        Folder of the new model; one that was baked of the same is left as it is.

    Returns
    -------
    Path
        ``into``.

    Raises
    ------
    DomainError
        For an edit that no bias can be, or an architecture without such a bias: the engine ``transformers`` steers it by hooks.
    DataError
        When ``into`` holds something else or cannot be written.
    MissingBackend
        Without torch and transformers.
    """
    for edit in intervention.edits:
        if edit.kind != "add" or edit.position is not None:
            what = "an ablation" if edit.kind != "add" else f"an edit of position {edit.position} alone"
            raise DomainError(
                f"{what} is no bias: only a vector that is added to every token can be baked; "
                "serve it with the engine transformers and its option intervention"
            )
    try:
        torch, transformers = importlib.import_module("torch"), importlib.import_module("transformers")
    except ImportError as error:
        raise MissingBackend("transformers", "hf") from error
    if not (model / "config.json").is_file():
        raise DataError("this is no folder of a model (no config.json); name one", file=str(model))
    told = {"base_weights_sha256": weights_sha256(model), "edits": _told(intervention), "note": intervention.note}
    if into.exists():
        if _kept(into) == told:
            return into
        if _kept(into) is None and any(into.iterdir() if into.is_dir() else [into]):
            raise DataError(f"this holds something else (no {STEERING_FILE}); name another folder", file=str(into))
    bare = _read(transformers, model)
    tokens = _some_tokens(torch, bare)
    wanted = _logits(torch, bare, tokens, intervention)
    config = _with_bias(torch, transformers, bare, intervention)
    _place(transformers, torch, bare, config, model, into, told, tokens, wanted)
    return into


def _with_bias(torch: Any, transformers: Any, bare: Any, intervention: Intervention) -> dict[str, Any]:
    """Set the biases; what ``config.json`` has to say then, where it is not what the model says itself."""
    config, layers = bare.config, decoder_layers(bare)
    kind = str(config.model_type)
    lasts = [_last_linear(layer, kind) for layer in layers]
    changed: dict[str, Any] = {}
    if kind in _AS_LLAMA:
        changed = _llama(torch, transformers, bare, layers)
    for edit in intervention.edits:
        last = lasts[edit.layer]
        with torch.no_grad():
            last.bias += torch.tensor(edit.coefficient * edit.directions[0], dtype=torch.float64).to(last.bias)
    return changed


def _last_linear(layer: Any, kind: str) -> Any:
    modules = dict(layer.named_modules())
    for name in _LAST_LINEAR:
        if name in modules and (getattr(modules[name], "bias", None) is not None or kind in _AS_LLAMA):
            return modules[name]
    raise DomainError(
        f"a layer of {kind} ends in no map with a bias, so that no stock checkpoint of it can be steered; "
        "serve it with the engine transformers and its option intervention"
    )


def _llama(torch: Any, transformers: Any, bare: Any, layers: list[Any]) -> dict[str, Any]:
    """Give a model of Llama's family all biases that ``LlamaForCausalLM`` can have, at 0."""
    config = bare.config
    windows = getattr(config, "sliding_window", None) if getattr(config, "use_sliding_window", True) else None
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if config.model_type != "llama" and (windows is not None or kinds != {"full_attention"}):
        raise DomainError(
            f"this {config.model_type} attends within a sliding window, which Llama does not have; "
            "serve it with the engine transformers and its option intervention"
        )
    attention = any(getattr(layer.self_attn, name).bias is not None for layer in layers for name in ("q_proj", "k_proj", "o_proj"))
    for layer in layers:
        maps = [layer.mlp.gate_proj, layer.mlp.up_proj, layer.mlp.down_proj]
        if attention:
            maps += [getattr(layer.self_attn, name) for name in ("q_proj", "k_proj", "v_proj", "o_proj")]
        for one in maps:
            if one.bias is None:
                one.bias = torch.nn.Parameter(one.weight.new_zeros(one.weight.shape[0]), requires_grad=False)
    names = (
        *("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads"),
        *("hidden_act", "max_position_embeddings", "initializer_range", "rms_norm_eps", "use_cache", "tie_word_embeddings"),
        *("pad_token_id", "bos_token_id", "eos_token_id", "head_dim", "rope_parameters", "rope_theta", "rope_scaling"),
    )
    held = {name: getattr(config, name) for name in names if getattr(config, name, None) is not None}
    made = transformers.LlamaConfig(**held, mlp_bias=True, attention_bias=attention)
    made.architectures, made.dtype = ["LlamaForCausalLM"], bare.dtype
    return dict(made.to_dict())


def _place(
    transformers: Any,
    torch: Any,
    bare: Any,
    config: dict[str, Any],
    model: Path,
    into: Path,
    told: dict[str, Any],
    tokens: Any,
    wanted: Any,
) -> None:
    into.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{into.name}.", suffix=".partial", dir=into.parent))
    old = partial.with_suffix(".old")
    try:
        partial.chmod(0o755)
        for path in sorted(model.iterdir()):
            if path.is_file() and (path.name.startswith(_BESIDE) or path.suffix in (".jinja", ".model")):
                shutil.copyfile(path, partial / path.name)
        with quietly(transformers):
            bare.save_pretrained(str(partial), safe_serialization=True)
        if config:
            (partial / "config.json").write_text(json.dumps(_plain(config), indent=2) + "\n", encoding="utf-8")
        dtype = str(bare.dtype)
        del bare
        again = _read(transformers, partial)
        off = float((_logits(torch, again, tokens, None) - wanted).abs().max())
        scale = 1.0 if dtype in _WITHIN else float(wanted.abs().max())
        if not off <= _WITHIN.get(dtype, _WITHIN_HALF) * scale:
            raise DomainError(
                f"the baked model's logits are up to {off:.3g} from those under hooks: in {type(again).__name__} what the last map "
                "adds is changed before it reaches the stream; serve it with the engine transformers and its option intervention"
            )
        (partial / STEERING_FILE).write_text(
            json.dumps({**told, "dtype": dtype, "largest_logit_difference": off}, indent=2) + "\n", encoding="utf-8"
        )
        if into.exists():
            os.replace(into, old)
        os.replace(partial, into)
    except OSError as error:
        words = f"the model cannot be written ({error}); free the disk or name another folder"
        raise DataError(words, file=str(into)) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _read(transformers: Any, folder: Path) -> Any:
    with quietly(transformers):
        try:
            return transformers.AutoModelForCausalLM.from_pretrained(str(folder), dtype="auto").eval()
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise GenerationError(f"transformers cannot load {str(folder)!r}: {str(error).strip().splitlines()[0]}") from error


def _some_tokens(torch: Any, bare: Any) -> Any:
    count = int(bare.get_input_embeddings().weight.shape[0])
    return torch.arange(3, 3 + 24 * 7, 7).remainder(count)[None, :]


def _logits(torch: Any, bare: Any, tokens: Any, intervention: Intervention | None) -> Any:
    mask = torch.ones_like(tokens)
    with torch.inference_mode():
        if intervention is None:
            return bare(input_ids=tokens, attention_mask=mask).logits.double()
        with ResidualEdits.of(bare, intervention).on(prompt=True, mask=mask):
            return bare(input_ids=tokens, attention_mask=mask).logits.double()


def _told(intervention: Intervention) -> list[dict[str, Any]]:
    return [
        {"layer": edit.layer, "coefficient": edit.coefficient, "direction": [float(value) for value in edit.directions[0]]}
        for edit in intervention.edits
    ]


def _kept(folder: Path) -> dict[str, Any] | None:
    try:
        held = json.loads((folder / STEERING_FILE).read_text(encoding="utf-8"))
        return {name: held[name] for name in ("base_weights_sha256", "edits", "note")}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _plain(config: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value).removeprefix("torch.") if type(value).__name__ == "dtype" else value for name, value in config.items()}
