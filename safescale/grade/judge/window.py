"""Head and tail of a long text, with what lies between left out and said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import attrs

from safescale.errors import DomainError, MissingBackend

__all__ = ["Cut", "TokenSpans", "Window", "token_spans_of"]

TokenSpans: TypeAlias = Callable[[str], Sequence[tuple[int, int]]]
"""Where each token of a text begins and ends (characters)."""


@attrs.frozen(kw_only=True)
class Cut:
    """
    What a window shows of a text.

    Attributes
    ----------
    head, tail : str
        The two ends; ``tail`` is '' when nothing is left out.
    left_out, total : int
        Characters that are not shown, and characters in all.
    """

    head: str
    tail: str = ""
    left_out: int = 0
    total: int

    def shown(self, tag: str) -> str:
        """Both ends with a line between them that carries a tag, so that no text can claim a cut of its own."""
        if not self.left_out:
            return self.head
        return f"{self.head}\n[{tag}: {self.left_out} characters are left out here]\n{self.tail}"

    @property
    def note(self) -> str | None:
        """The cut in words, None without one."""
        if not self.left_out:
            return None
        return (
            f"cut: {self.left_out} of {self.total} characters are not shown to the judge"
            f" (head {len(self.head)}, tail {len(self.tail)})"
        )


@attrs.frozen(kw_only=True)
class Window:
    """
    How much of a text is shown.

    Parameters
    ----------
    unit : {"characters", "tokens"}
        What ``size`` counts.
    size : int, default 8000
        Characters or tokens that are shown at most; a longer text is shown by its two ends.
    head : float, default 0.5
        Share of them that is taken from the beginning.
    spans : callable, optional
        Where the tokens of a text lie; needed for tokens.
    tokenizer : str, optional
        What tells that tokenizer from others.
    """

    unit: Literal["characters", "tokens"] = attrs.field(
        default="characters", validator=attrs.validators.in_(("characters", "tokens"))
    )
    size: int = 8000
    head: float = 0.5
    spans: TokenSpans | None = attrs.field(default=None, eq=False, repr=False)
    tokenizer: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.size < 2:
            raise DomainError(f"a window must show at least 2 {self.unit}, got {self.size!r}")
        if not 0.0 <= self.head <= 1.0:
            raise DomainError(f"the head's share of a window must lie in [0, 1], got {self.head!r}")
        if (self.unit == "tokens") is not (self.spans is not None):
            raise DomainError("a window in tokens needs a tokenizer, one in characters takes none")

    def cut(self, text: str) -> Cut:
        """What is shown of a text."""
        ends = self._ends(text)
        if ends is None or ends[1] <= ends[0]:
            return Cut(head=text, total=len(text))
        return Cut(head=text[: ends[0]], tail=text[ends[1] :], left_out=ends[1] - ends[0], total=len(text))

    def _ends(self, text: str) -> tuple[int, int] | None:
        at_head = round(self.size * self.head)
        at_tail = self.size - at_head
        if self.spans is None:
            return None if len(text) <= self.size else (at_head, len(text) - at_tail)
        spans = self.spans(text)
        if len(spans) <= self.size:
            return None
        head = spans[at_head - 1][1] if at_head else 0
        tail = spans[len(spans) - at_tail][0] if at_tail else len(text)
        return head, tail


def token_spans_of(tokenizer: str | Path) -> TokenSpans:
    """
    Token places by a Hugging Face tokenizer.

    Raises
    ------
    MissingBackend
        Without transformers (extra ``hf``).
    DomainError
        When the folder holds no fast tokenizer.
    """
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise MissingBackend("transformers", "hf") from None
    try:
        found = AutoTokenizer.from_pretrained(str(tokenizer))
    except (OSError, ValueError) as error:
        raise DomainError(f"no tokenizer can be read from {str(tokenizer)!r} ({error}); give its folder") from None
    if not getattr(found, "is_fast", False):
        raise DomainError(f"the tokenizer in {str(tokenizer)!r} is a slow one, which does not say where its tokens lie")

    def spans(text: str) -> Sequence[tuple[int, int]]:
        encoded = found(text, return_offsets_mapping=True, add_special_tokens=False, truncation=False, verbose=False)
        return [(int(start), int(end)) for start, end in encoded["offset_mapping"]]

    return spans
