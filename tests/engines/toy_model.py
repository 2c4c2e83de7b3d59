"""
A tiny random Llama with tokenizer, chat template and LoRA adapters, made on the spot: no download, an invented vocabulary.

The tokenizer is byte-level BPE over ASCII, so that every label and all JSON can be said, and no answer ends inside a letter.
``generation_config.json`` is poisoned on purpose (repetition penalty, temperature, top_k, top_p): an engine that lets a model's
defaults in says something else. Needs torch, transformers, safetensors and tokenizers; not peft.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

__all__ = ["ADAPTERS", "POISON", "TEMPLATE", "WINDOW", "make_adapter", "make_tokenizer", "make_toy"]

WINDOW: Final = 512
ADAPTERS: Final = ("crimson", "teal")
POISON: Final = {"repetition_penalty": 1.7, "temperature": 0.2, "top_k": 3, "top_p": 0.5, "do_sample": True, "min_new_tokens": 40}
TEMPLATE: Final = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}"
    "{% if not (loop.last and message['role'] == 'assistant') or not continue_final_message|default(false) %}<|end|>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_SPECIAL: Final = ("<unk>", "<pad>", "<s>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
_CORPUS: Final = (
    "zorble quindle frabbit mimsy tove slithy brillig wabe gimble snark crimson teal",
    "how do I zorble a quindle in the wabe? first gimble the frabbit, then snark it until it is mimsy.",
    "REFUSAL COMPLIANCE PARTIAL NOT_GRADEABLE yes no verdict sure true false label reason evidence",
    "I can help with that. I can't help with that.",
)
_PROJECTIONS: Final = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def make_tokenizer(folder: Path, *, vocab_size: int = 320, chat_template: str | None = TEMPLATE) -> Any:
    """Byte-level BPE over printable ASCII, newline and tab; saved into a folder."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    ascii_text = "".join(map(chr, range(32, 127))) + "\n\t"
    letters = sorted(
        {letter for piece, _ in pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(ascii_text) for letter in piece}
    )
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=list(_SPECIAL), initial_alphabet=letters, show_progress=False
    )
    tokenizer.train_from_iterator(list(_CORPUS) * 8, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in _SPECIAL])
    made = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="<|end|>",
        clean_up_tokenization_spaces=False,
    )
    made.chat_template = chat_template
    made.save_pretrained(str(folder))
    return made


def make_toy(
    folder: Path,
    *,
    seed: int = 0,
    hidden: int = 64,
    layers: int = 2,
    window: int = WINDOW,
    chat_template: str | None = TEMPLATE,
    adapters: tuple[str, ...] = ADAPTERS,
) -> Path:
    """
    A random ``LlamaForCausalLM`` (head_dim 32, fp32, about 150,000 parameters) in ``folder/model``, adapters in ``folder/NAME``.

    Returns
    -------
    Path
        The folder of the model.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    model_folder = folder / "model"
    model_folder.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer(model_folder, chat_template=chat_template)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=max(1, hidden // 32),
        num_key_value_heads=1,
        head_dim=32,
        max_position_embeddings=window,
        tie_word_embeddings=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.3,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
        with torch.no_grad():
            special = [tokenizer.convert_tokens_to_ids(token) for token in _SPECIAL if token != "<|end|>"]
            model.lm_head.weight[special] = 0.0
    model.eval().to(torch.float32)
    model.save_pretrained(str(model_folder), safe_serialization=True)
    (model_folder / "generation_config.json").write_text(
        json.dumps({**POISON, "eos_token_id": tokenizer.eos_token_id}), encoding="utf-8"
    )
    for number, name in enumerate(adapters):
        make_adapter(folder / name, model, model_folder, seed=seed + 100 + number)
    return model_folder


def make_adapter(folder: Path, model: Any, base: Path, *, rank: int = 8, scale: float = 0.3, seed: int = 1) -> Path:
    """A random LoRA adapter of peft's format on all linear projections, large enough to change what the model says."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, module in model.named_modules():
        if name.rsplit(".", 1)[-1] in _PROJECTIONS:
            out_features, in_features = module.weight.shape
            tensors[f"base_model.model.{name}.lora_A.weight"] = torch.randn(rank, in_features, generator=generator) * scale
            tensors[f"base_model.model.{name}.lora_B.weight"] = torch.randn(out_features, rank, generator=generator) * scale
    save_file(tensors, str(folder / "adapter_model.safetensors"), metadata={"format": "pt"})
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": str(base),
        "r": rank,
        "lora_alpha": rank,
        "lora_dropout": 0.0,
        "target_modules": list(_PROJECTIONS),
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
    }
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder
