"""A response cut to the windows that are read, before anything is made of it."""

from __future__ import annotations

from typing import Final

__all__ = ["HEAD_TOKENS", "TAIL_TOKENS", "answer_of", "is_garbled", "windowed"]

HEAD_TOKENS: Final = 320
TAIL_TOKENS: Final = 96
_HEAD_CHARS: Final = 12 * HEAD_TOKENS
_TAIL_CHARS: Final = 12 * TAIL_TOKENS
_THOUGHTS_END: Final = ("</think>", "</thinking>", "\u25c1/think\u25b7", "[/THINK]")


def windowed(text: str) -> tuple[str, int]:
    """
    The characters that are looked at: all, or the head and the tail of a long response with a line break between them.

    Parameters
    ----------
    text : str
        The response.

    Returns
    -------
    tuple of (str, int)
        The characters, and how many were left out.
    """
    if "/" in text:
        text = answer_of(text)
    left_out = len(text) - _HEAD_CHARS - _TAIL_CHARS
    if left_out <= 0:
        return text, 0
    return text[:_HEAD_CHARS] + "\n" + text[-_TAIL_CHARS:], left_out


def answer_of(text: str) -> str:
    """The answer of a reasoning model, without the thoughts before it; the whole text where no thoughts end or nothing follows."""
    for mark in _THOUGHTS_END:
        _, found, answer = text.rpartition(mark)
        if found and answer.strip():
            return answer
    return text


def is_garbled(text: str) -> bool:
    """Whether a text holds no words to grade: nothing, signs only, or hardly a letter among its visible characters."""
    if sum(map(str.isalpha, text[:60])) >= 30:
        return False
    visible = "".join(text.split())[:2000]
    if any(map(str.isdigit, visible)):
        return False
    letters = sum(map(str.isalpha, visible))
    return letters == 0 or letters < 0.2 * len(visible)
