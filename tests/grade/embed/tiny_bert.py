"""A tiny BERT with random weights and a tokenizer of its own, as a transformers folder, a sentence-transformers one, or in ONNX."""

import json
from pathlib import Path

WORDS = ("i", "cannot", "help", "with", "the", "no", "take", "three", "zorble", "quindle", "framsel", "brimket", ".", ",")


def build_bert(folder: Path, *, seed: int = 0) -> Path:
    """A transformers folder with 32 places."""
    import tokenizers
    import torch
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    from safescale.grade.encoder.backend import quiet

    vocabulary = {word: at for at, word in enumerate(["[PAD]", "[CLS]", "[SEP]", "[UNK]", *WORDS])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.Lowercase()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", unk_token="[UNK]"
    )
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48,
        max_position_embeddings=32, pad_token_id=0, initializer_range=0.5,
    )  # fmt: skip
    with quiet():
        BertModel(config).save_pretrained(str(folder))
        fast.save_pretrained(str(folder))
    return folder


def as_sentence_model(folder: Path, *, mode: str = "mean", window: int = 16, more: tuple[str, ...] = ()) -> Path:
    """The files that sentence-transformers writes beside a transformer."""
    kinds = ("Transformer", "Pooling", *more, "Normalize")
    modules = [
        {
            "idx": at,
            "name": str(at),
            "path": "" if kind == "Transformer" else f"{at}_{kind}",
            "type": f"sentence_transformers.models.{kind}",
        }
        for at, kind in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": window, "do_lower_case": False}))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    flags = {f"pooling_mode_{name}": name.startswith(mode) for name in ("mean_tokens", "cls_token", "max_tokens")}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 24, **flags}))
    return folder


def export_onnx(folder: Path, into: Path) -> Path:
    """The model as a graph with its last layer as output."""
    import shutil
    import warnings

    import torch
    from transformers import AutoModel

    class Last(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = AutoModel.from_pretrained(str(folder), attn_implementation="eager").eval()

        def forward(self, input_ids, attention_mask):
            return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    into.mkdir(parents=True)
    given = torch.ones(2, 5, dtype=torch.long)
    axes = {0: "batch", 1: "tokens"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Last(), (given, given), str(into / "model.onnx"), input_names=["input_ids", "attention_mask"],
            output_names=["last_hidden_state"],
            dynamic_axes=dict.fromkeys(("input_ids", "attention_mask", "last_hidden_state"), axes),
            dynamo=False,
        )  # fmt: skip
    shutil.copy(folder / "tokenizer.json", into)
    return into
