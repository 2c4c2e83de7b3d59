"""What fine-tuning costs in tokens and floating-point operations: counted, not measured, and known before any of it is done."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import attrs

from safescale.pressure.finetune.rows import TokenRow

__all__ = ["Operations", "finetune_flops", "operations_of", "row_flops"]


@attrs.frozen(kw_only=True)
class Operations:
    """
    What of a model multiplies.

    Parameters
    ----------
    frozen : int
        Weights in matrices that a token goes through and that stay as they are (the output head is one, the look-up of embeddings
        is not; of routed experts those that a token is sent to).
    trained : int
        Weights of the adapter.
    attention : int
        Sum over attention layers of heads x width of a head.
    """

    frozen: int
    trained: int
    attention: int


def finetune_flops(operations: Operations, lengths: Sequence[int]) -> float:
    """
    Floating-point operations of training steps on sequences of so many tokens.

    For each token: ``2 F + 2 A`` forward; backward through the activations the same again; for the gradient of the adapter's
    weights ``2 A`` more, and none for the frozen matrices; F and A being frozen and trained weights. Attention adds for a sequence
    of n tokens ``4 n^2 d`` forward and twice that backward, d being heads x width over all layers; the half that a causal mask
    hides is counted in, as is the custom. So: ``n (4 F + 6 A) + 12 n^2 d``. Norms, activations, softmax and the optimiser are left
    out.

    Parameters
    ----------
    operations : Operations
        Of the model and its adapter.
    lengths : sequence of int
        Tokens of each sequence, shape (sequences,).

    Returns
    -------
    float
        Unit: floating-point operations, a multiplication and an addition being two.

    References
    ----------
    .. [1] J. Kaplan et al. (2020), Scaling laws for neural language models, table 1 (forward 2 N and backward 4 N a token).
    .. [2] A. Chowdhery et al. (2022), PaLM, appendix B (12 L H Q T a token for attention).
    """
    per_token = 4 * operations.frozen + 6 * operations.trained
    # whole numbers: a float loses the last digits of a long training
    return float(sum(length * per_token + 12 * length * length * operations.attention for length in lengths))


def row_flops(operations: Operations, row: TokenRow) -> int:
    """Of one row in one step, exact."""
    return row.tokens * (4 * operations.frozen + 6 * operations.trained) + 12 * row.tokens * row.tokens * operations.attention


def operations_of(bare: Any, *, rank: int) -> Operations:
    """
    What multiplies in a causal model, with an adapter of this rank on all its linear layers but the output head.

    Parameters
    ----------
    bare
        A model of transformers without adapter; its weights may be on the device "meta".
    rank : int
        Of the adapter.
    """
    nn = importlib.import_module("torch").nn
    head = bare.get_output_embeddings()
    frozen = trained = 0
    for module in bare.modules():
        if isinstance(module, nn.Linear):
            frozen += module.in_features * module.out_features
            if module is not head:
                trained += rank * (module.in_features + module.out_features)
    if head is not None and not isinstance(head, nn.Linear):
        frozen += head.weight.numel()
    frozen += _routed(bare)
    return Operations(frozen=frozen, trained=trained, attention=_attention(bare.config.get_text_config()))


def _routed(bare: Any) -> int:
    """Of experts whose matrices are kept as one block: what one token is sent through."""
    config = bare.config.get_text_config()
    chosen = getattr(config, "num_experts_per_tok", None)
    blocks = [p for p in bare.parameters() if p.dim() == 3]
    return sum(p.numel() // p.shape[0] * min(int(chosen), int(p.shape[0])) for p in blocks) if chosen else 0


def _attention(config: Any) -> int:
    heads = int(getattr(config, "num_attention_heads", 0) or 0)
    width = getattr(config, "head_dim", None) or (int(getattr(config, "hidden_size", 0)) // heads if heads else 0)
    kinds: Sequence[str] | None = getattr(config, "layer_types", None)
    layers = int(getattr(config, "num_hidden_layers", 0) or 0)
    if kinds:
        layers = sum("attention" in kind and "linear" not in kind for kind in kinds)
    return heads * int(width) * layers
