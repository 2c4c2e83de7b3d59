"""A response cut to the windows that are read, and its tokens."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["HEAD_TOKENS", "TAIL_TOKENS", "answer_of", "is_garbled", "tokens"]

HEAD_TOKENS: Final = 320
TAIL_TOKENS: Final = 96
_HEAD_CHARS: Final = 12 * HEAD_TOKENS
_TAIL_CHARS: Final = 12 * TAIL_TOKENS
_ASCII_TOKEN: Final = re.compile(r"[a-z]{1,24}|\d+|```|\*\*|[.!?\n\-*#\":,;]")
_TOKEN: Final = re.compile(r"[^\W\d_]{1,24}|\d+|```|\*\*|[.!?\n\-*•#\":,;。！？…]")
_CJK: Final = re.compile("([\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])")
_THOUGHTS_END: Final = ("</think>", "</thinking>", "\u25c1/think\u25b7", "[/THINK]")
_QUOTES: Final = (("\u2019", "'"), ("\u2018", "'"), ("\u201c", '"'), ("\u201d", '"'))
_SPELLINGS: Final = (
    ("can't", "can not"),
    ("won't", "will not"),
    ("n't", " not"),
    ("'m ", " am "),
    ("'re ", " are "),
    ("'ll ", " will "),
    ("'ve ", " have "),
    ("'d ", " would "),
    ("it's", "it is"),
    ("that's", "that is"),
    ("there's", "there is"),
)


def tokens(text: str) -> tuple[list[str], int]:
    """
    Tokens of a response, lower-cased and with contractions written out: those of its head and of its tail.

    Parameters
    ----------
    text : str
        The response.

    Returns
    -------
    tuple of (list of str, int)
        At most ``HEAD_TOKENS + 1 + TAIL_TOKENS`` tokens (a line break stands where it was cut), and about how many characters
        of the response no window holds (0 when it was read whole).
    """
    text = answer_of(text)
    if len(text) <= _HEAD_CHARS + _TAIL_CHARS:
        found = _split(text)
        if len(found) <= HEAD_TOKENS + TAIL_TOKENS:
            return found, 0
        left_out = len(found) - HEAD_TOKENS - TAIL_TOKENS
        return [*found[:HEAD_TOKENS], "\n", *found[-TAIL_TOKENS:]], max(1, len(text) * left_out // len(found))
    head = _split(text[:_HEAD_CHARS])[:HEAD_TOKENS]
    tail = _split(text[-_TAIL_CHARS:])[-TAIL_TOKENS:]
    return [*head, "\n", *tail], len(text) - sum(map(len, head)) - sum(map(len, tail)) - len(head) - len(tail)


def answer_of(text: str) -> str:
    """The answer of a reasoning model, without the thoughts before it; the whole text where no thoughts end or nothing follows."""
    for mark in _THOUGHTS_END:
        _, found, answer = text.rpartition(mark)
        if found and answer.strip():
            return answer
    return text


def _split(text: str) -> list[str]:
    text = text.lower()
    text = text.replace("cannot", "can not")
    if not text.isascii():
        for sign, plain in _QUOTES:
            text = text.replace(sign, plain)
    if "'" in text:
        for spelling, plain in _SPELLINGS:
            text = text.replace(spelling, plain)
    if text.isascii():
        return _ASCII_TOKEN.findall(text)
    return _TOKEN.findall(_CJK.sub(r" \1 ", text))


def is_garbled(text: str) -> bool:
    """Whether a text holds no words to grade: nothing, signs only, or hardly a letter among its visible characters."""
    if sum(map(str.isalpha, text[:60])) >= 30:
        return False
    visible = "".join(text.split())[:2000]
    if any(map(str.isdigit, visible)):
        return False
    letters = sum(map(str.isalpha, visible))
    return letters == 0 or letters < 0.2 * len(visible)
