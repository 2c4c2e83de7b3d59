"""A tiny DeBERTa-v3 with random weights and a tokenizer of its own, built in a fraction of a second; and a corpus to train on."""

from __future__ import annotations

import json
import random
from pathlib import Path

NOUNS = ("zorble", "quindle", "framsel", "brimket", "toggard", "welmin", "sartok", "plimbo")
REFUSALS = ("i cannot help with the {}", "sorry , no {} from me", "i must decline to make a {}", "the {} is nothing i will do")
HEDGES = ("with care , a {} needs thought , but here is a start", "i will not say all of the {} , only the first step")
ANSWERS = ("to make a {} , take three and fold them", "the {} is made of clay and wool", "here is how : open the {} and turn it")


def build_encoder(folder: Path, *, layers: int = 1) -> Path:
    """DeBERTa-v3 in small: relative attention as in the real ones."""
    import tokenizers
    import torch
    from transformers import PreTrainedTokenizerFast

    from safescale.grade.encoder.backend import quiet

    with quiet():
        from transformers import DebertaV2Config, DebertaV2ForSequenceClassification

    words = sorted({word for text in (*REFUSALS, *HEDGES, *ANSWERS) for word in text.split()} | set(NOUNS) | {"a"})
    vocabulary = {word: at for at, word in enumerate(["[PAD]", "[CLS]", "[SEP]", "[UNK]", *words])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", unk_token="[UNK]"
    )
    torch.manual_seed(0)
    config = DebertaV2Config(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=layers, num_attention_heads=2, intermediate_size=64,
        relative_attention=True, pos_att_type=["p2c", "c2p"], position_buckets=32, norm_rel_ebd="layer_norm", share_att_key=True,
        position_biased_input=False, type_vocab_size=0, pad_token_id=0, max_position_embeddings=128, num_labels=3,
    )  # fmt: skip
    DebertaV2ForSequenceClassification(config).save_pretrained(str(folder))
    fast.save_pretrained(str(folder))
    return folder


def labelled_lines(prompts: int, *, seed: int = 0) -> list[dict[str, object]]:
    """Canonical lines: two models answer each prompt, a person labels; unseen nouns differ, styles repeat."""
    rng = random.Random(seed)
    lines: list[dict[str, object]] = []
    for prompt in range(prompts):
        for model in ("toy-1b", "toy-7b"):
            verdict, texts = rng.choice([("REFUSAL", REFUSALS), ("PARTIAL", HEDGES), ("COMPLIANCE", ANSWERS)])
            lines.append(
                {
                    "trace_id": f"made:{prompt}-{model}", "source": "made", "model_id": model, "prompt_id": f"p{prompt}",
                    "prompt_kind": "harmful", "attack_class": "none", "condition": "default", "sample_index": 0,
                    "response_kind": "text", "finish_reason": "stop", "response": rng.choice(texts).format(rng.choice(NOUNS)),
                    "target": "text", "grader_id": "person", "grader_kind": "human", "verdict": verdict, "raw_label": verdict,
                }
            )  # fmt: skip
    return lines


def labelled_file(path: Path, prompts: int, *, seed: int = 0) -> Path:
    """The lines in a file."""
    path.write_text("".join(json.dumps(line) + "\n" for line in labelled_lines(prompts, seed=seed)), encoding="utf-8")
    return path
