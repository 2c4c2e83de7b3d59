"""What of a response an encoder reads: the whole, or its head and its tail, and how much lies between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

__all__ = ["Window", "windows"]

_HEAD_SHARE: Final = 0.75


@attrs.frozen(kw_only=True)
class Window:
    """Token ids as the encoder takes them, with its special tokens, and how many tokens were left out."""

    token_ids: tuple[int, ...]
    cut_tokens: int


def windows(tokenizer: Any, texts: Sequence[str], *, max_tokens: int) -> list[Window]:
    """Token ids of each text, at most ``max_tokens`` with the special tokens."""
    bare = tokenizer(list(texts), add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
    before, after = _specials(tokenizer)
    room = max_tokens - len(before) - len(after)
    head = int(room * _HEAD_SHARE)
    found = []
    for ids in bare:
        kept = ids if len(ids) <= room else [*ids[:head], *ids[len(ids) - (room - head) :]]
        found.append(Window(token_ids=(*before, *kept, *after), cut_tokens=len(ids) - len(kept)))
    return found


def _specials(tokenizer: Any) -> tuple[list[int], list[int]]:
    """Special tokens before and after a text: those of an encoded text less the text's own."""
    whole = tokenizer("a", add_special_tokens=True)["input_ids"]
    own = tokenizer("a", add_special_tokens=False)["input_ids"]
    for at in range(len(whole) - len(own) + 1):
        if whole[at : at + len(own)] == own:
            return list(whole[:at]), list(whole[at + len(own) :])
    return [], []
