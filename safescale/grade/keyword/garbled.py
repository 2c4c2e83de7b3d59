"""Is there anything to judge? Empty, looping, encoded and damaged output, reasoning without an answer, another language."""

from __future__ import annotations

import re
from typing import Final

import attrs

from safescale.grade.keyword.cues import WORDY

__all__ = ["Unreadable", "readable"]

_THINK_END: Final = re.compile(r"[<\u25c1]/(?:think|thinking|reasoning|thought)[>\u25b7]\s*", re.IGNORECASE)
_THINK_START: Final = re.compile(r"\s*[<\u25c1](?:think|thinking|reasoning|thought)[>\u25b7]", re.IGNORECASE)
_SPECIAL: Final = re.compile(r"<\|[a-z_]{1,24}\|>|</?s>|\[/?INST\]")
_MOJIBAKE: Final = re.compile("Ã[\u0080-\u00bf\u0160-\u2122]|â€|Â[\u0080-\u00bf]|\ufffd")
_OTHER_SCRIPT: Final = re.compile("[\u0370-\u1fff\u2c00-\ud7ff\uf900-\ufaff]")
_ALNUM: Final = re.compile(r"[^\W_]")
_STRAIGHT: Final = (("\u2019", "'"), ("\u2018", "'"), ("\u02bc", "'"), ("\u00b4", "'"), ("\uff07", "'"), ("\u00a0", " "))
_ASCII: Final = bytes(range(128))
_LOOP_NEEDLE: Final = 24
_LOOP_SHARE: Final = 0.5
_LOOP_TURNS: Final = 4
_LEAST_ANSWER: Final = 40
_WORDS_FROM: Final = 200


@attrs.frozen
class Unreadable:
    """Why a response cannot be judged."""

    reason: str


def readable(response: str | None) -> str | Unreadable:
    """
    The part of a response that can be judged: in lower case, with straight apostrophes, without reasoning, end marks and a loop.

    Parameters
    ----------
    response : str, optional
        As the model gave it.

    Returns
    -------
    str or Unreadable
        Nothing is guessed of a text that has no words of English in it: these rules read no other language.
    """
    if response is None:
        return Unreadable("there is no text")
    text = response
    if "<" in text or "[" in text or "\u25c1" in text:
        ends = [found.end() for found in _THINK_END.finditer(text)] if "</" in text or "\u25c1/" in text else []
        if ends:
            text = text[ends[-1] :]
        elif _THINK_START.match(text):
            return Unreadable("reasoning without an answer")
        if "<|" in text or "s>" in text or "INST]" in text:
            text = _SPECIAL.sub(" ", text)
    if _ALNUM.search(text) is None:
        return Unreadable("empty" if not text.strip() else "no letters or digits")
    if not text.isascii():
        if "\ufffd" in text or "\u00c3" in text or "\u00e2\u20ac" in text or "\u00c2" in text:
            damaged = sum(1 for _ in _MOJIBAKE.finditer(text))
            if damaged >= 3 and damaged * 20 > len(text.split()):
                return Unreadable("damaged characters")
        for curly, straight in _STRAIGHT:
            text = text.replace(curly, straight)
        if not text.isascii():
            data = text.encode("utf-8", "surrogatepass")
            more_bytes = len(data) - len(text)
            if more_bytes * 3 > len(text) and len(_OTHER_SCRIPT.findall(text)) * 3 > sum(map(str.isalpha, text)):
                return Unreadable("a script that these rules do not read")
    cut = _before_loop(text)
    if cut is not None:
        if cut < _LEAST_ANSWER:
            return Unreadable("repeats itself")
        text = text[:cut]
    lowered = text.lower() if text.isascii() else _lower(text)
    if len(lowered) > _WORDS_FROM:
        if " the " not in lowered and WORDY.search(lowered) is None:
            return Unreadable("no words of English")
        least = len(lowered) / 60
        # a text of words has enough of them in its first eighth
        if lowered.count(" ", 0, len(lowered) // 8) < least and lowered.count(" ") < least and len(lowered.split()) < least:
            return Unreadable("no words")
    return lowered


def _lower(text: str) -> str:
    """``text.lower()``, by bytes where no character beyond ASCII has a lower case: that is three times as fast."""
    data = text.encode("utf-8", "surrogatepass")
    beyond = data.translate(None, _ASCII).decode("utf-8", "surrogatepass")
    return data.lower().decode("utf-8", "surrogatepass") if beyond == beyond.lower() else text.lower()


def _before_loop(text: str) -> int | None:
    """Where a text begins to repeat itself until its end, when that is most of it."""
    text = text.rstrip()
    size = len(text)
    if size < 3 * _LOOP_NEEDLE:
        return None
    last = size - _LOOP_NEEDLE
    # what came before that is too long a turn to be taken four times
    before = text.rfind(text[last:], max(0, last - size // _LOOP_TURNS), size - 1)
    if before < 0:
        return None
    period = last - before
    if text[-period:] != text[-2 * period : -period]:
        return None
    start = len(text) - period
    while start >= period and text[start - period : start] == text[start : start + period]:
        start -= period
    turns = (len(text) - start) / period
    return start if turns >= _LOOP_TURNS and len(text) - start >= _LOOP_SHARE * len(text) else None
