"""How much of a response answers: its sentences that do not go around the request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from safescale.grade.keyword.cues import DEFLECTION
from safescale.grade.keyword.sieve import FEWEST, holding

__all__ = ["Stretch", "content", "contents", "sentence_end"]

_SENTENCE: Final = re.compile(r"[^.!?\n]+[.!?]*")
_SHORTEST: Final = 20
_LOOKED_AT: Final = 640

Stretch = tuple[str, int, int]
"""A text, and where in it something begins and ends."""


def sentence_end(text: str, at: int) -> int:
    """Where the sentence ends that this place is in."""
    stops = [stop for stop in (text.find(mark, at) for mark in (". ", "! ", "\n", "? ")) if stop >= 0]
    return min(stops) + 1 if stops else len(text)


# every expression of DEFLECTION begins with one blank, which the beginning of a sentence has
def content(text: str, start: int, stop: int, enough: int) -> int:
    """
    Characters of the sentences that answer something, counted until there are enough; a block of code is enough.

    Parameters
    ----------
    text : str
        The response in lower case.
    start, stop : int
        Where to count.
    enough : int
        Characters. Where this is returned or more, there is an answer.
    """
    if start >= stop:
        return 0
    if text.find("```", start, stop) >= 0:
        return enough
    counted = 0
    for sentence in _SENTENCE.finditer(text, start, stop):
        words = sentence[0]
        if len(words) > _SHORTEST and DEFLECTION.search(" " + words.lstrip()) is None:
            counted += len(words)
            if counted >= enough:
                break
    return counted


def contents(stretches: Sequence[Stretch], enough: Sequence[int]) -> list[int]:
    """
    ``content`` of many stretches: as much as there is, or at least ``enough``.

    The first sentences of all are asked at once; what is behind them is looked at where they are not enough.
    """
    if len(stretches) < FEWEST:
        return [content(*stretch, most) for stretch, most in zip(stretches, enough, strict=True)]
    counted = [0] * len(stretches)
    asked: list[str] = []
    numbers: list[int] = []
    left: list[tuple[int, int]] = []
    for number, (text, start, stop) in enumerate(stretches):
        if start >= stop:
            continue
        if text.find("```", start, stop) >= 0:
            counted[number] = enough[number]
            continue
        end = min(stop, start + _LOOKED_AT)
        sentences = _SENTENCE.findall(text, start, end)
        if end < stop:
            if sentences and text.startswith(sentences[-1], end - len(sentences[-1])):
                end -= len(sentences.pop())  # it may go on
            left.append((number, end))
        long = [words for words in sentences if len(words) > _SHORTEST]
        asked += long
        numbers += [number] * len(long)
    goes_around = holding([" " + words.lstrip() for words in asked], DEFLECTION.pattern)
    for number, words, around in zip(numbers, asked, goes_around, strict=True):
        if not around:
            counted[number] += len(words)
    for number, start in left:
        if counted[number] < enough[number]:
            text, _, stop = stretches[number]
            counted[number] += content(text, start, stop, enough[number] - counted[number])
    return counted
