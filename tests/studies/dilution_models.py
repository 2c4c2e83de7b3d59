"""Tiny random Llama and Qwen models of several sizes, made on the spot, as Hugging Face folders beside a models.yaml."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engines.toy_model import make_tokenizer

LLAMA = ((32, 1), (64, 1), (64, 2), (96, 4))
QWEN = ((32, 2), (96, 3))
WINDOW = 1024


def make_models(folder: Path) -> Path:
    """Four Llamas and two Qwens with random weights; gives the models.yaml, which names no engine."""
    rows = []
    for kind, shapes in (("llama", LLAMA), ("qwen", QWEN)):
        for hidden, layers in shapes:
            name = f"{kind}-{hidden}x{layers}"
            parameters = _make(folder / name, kind, hidden, layers)
            rows.append(
                f"  - {{model: {name}, model_id: plim/{name}, params_total_b: {parameters / 1e9:.9f}, lineage: plim-{kind}}}"
            )
    path = folder / "models.yaml"
    path.write_text("models:\n" + "\n".join(rows) + "\nsampling: {max_tokens: 6}\n", encoding="utf-8")
    return path


def _make(folder: Path, kind: str, hidden: int, layers: int) -> int:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

    folder.mkdir(parents=True)
    tokenizer = make_tokenizer(folder)
    shape: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": hidden,
        "intermediate_size": 2 * hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": max(1, hidden // 32),
        "num_key_value_heads": 1,
        "max_position_embeddings": WINDOW,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "initializer_range": 0.3,
    }
    with torch.random.fork_rng():
        torch.manual_seed(hidden * layers)
        if kind == "llama":
            model = LlamaForCausalLM(LlamaConfig(**shape, head_dim=32, tie_word_embeddings=False))
        else:
            model = Qwen2ForCausalLM(Qwen2Config(**shape, tie_word_embeddings=False))
    model.eval().to(torch.float32).save_pretrained(str(folder), safe_serialization=True)
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": tokenizer.eos_token_id}), encoding="utf-8")
    return int(model.num_parameters())


def write_prompts(path: Path, harmful: int = 4, benign: int = 2) -> Path:
    """Prompts of an invented vocabulary."""
    rows = [{"prompt_id": f"h-{i}", "prompt": f"how do I zorble quindle {i}?", "prompt_kind": "harmful"} for i in range(harmful)]
    rows += [{"prompt_id": f"b-{i}", "prompt": f"which colour has quindle {i}?", "prompt_kind": "benign"} for i in range(benign)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def served(models: Path, url: str, names: Sequence[str]) -> Path:
    """A models.yaml that asks the same models of a server."""
    path = models.with_name("served.yaml")
    text = models.read_text(encoding="utf-8")
    for name in names:
        text = text.replace(f"{{model: {name}, ", f"{{model: {name}, base_url: '{url}', ")
    path.write_text(text, encoding="utf-8")
    return path
