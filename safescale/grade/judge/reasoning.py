"""The final answer of a model that thinks aloud, apart from its reasoning."""

from __future__ import annotations

import re
from typing import Final

import attrs

__all__ = ["Parts", "split_reasoning"]

_OPEN: Final = re.compile(r"\s*<(think|thinking|reasoning)>", re.IGNORECASE)
_CLOSE: Final = re.compile(r"</(think|thinking|reasoning)>", re.IGNORECASE)
_CHANNEL: Final = re.compile(r"\s*(?:<\|start\|>assistant)?<\|channel\|>analysis(?:<\|message\|>)?")
_FINAL: Final = re.compile(r"<\|channel\|>final[^<]{0,40}<\|message\|>")
_END: Final = re.compile(r"<\|(?:return|end)\|>\s*\Z")


@attrs.frozen(kw_only=True)
class Parts:
    """
    A text in two parts.

    Attributes
    ----------
    answer : str
        What follows the reasoning; '' when the model never came to it.
    reasoning : str
        What comes before; '' when there is none.
    closed : bool
        Whether the reasoning ended. If not, the text was cut while the model was thinking.
    """

    answer: str
    reasoning: str
    closed: bool


def split_reasoning(text: str) -> Parts:
    """
    Split reasoning that **opens** a text from the answer after it.

    Known are ``<think>`` blocks (and their opening tag missing, where the chat template had written it), and the channels of
    harmony. A block further down is no reasoning but part of the answer, and stays in it: whoever hides a text in a block of
    his own hides nothing from the grader.

    Examples
    --------
    >>> split_reasoning("<think>a zorble?</think>No.").answer
    'No.'
    >>> split_reasoning("<think>a zorble, and")
    Parts(answer='', reasoning='a zorble, and', closed=False)
    """
    channel = _CHANNEL.match(text)
    if channel is not None:
        return _harmony(text, channel.end())
    opened = _OPEN.match(text)
    if opened is None:
        close = _CLOSE.search(text)
        if close is None or re.search(r"<(?:think|thinking|reasoning)>", text[: close.start()], re.IGNORECASE):
            return Parts(answer=text, reasoning="", closed=True)
        return Parts(answer=text[close.end() :].lstrip(), reasoning=text[: close.start()].strip(), closed=True)
    said: list[str] = []
    rest = text
    while (opened := _OPEN.match(rest)) is not None:
        close = _CLOSE.search(rest, opened.end())
        if close is None:
            return Parts(answer="", reasoning="\n".join([*said, rest[opened.end() :].strip()]), closed=False)
        said.append(rest[opened.end() : close.start()].strip())
        rest = rest[close.end() :]
    return Parts(answer=rest.lstrip(), reasoning="\n".join(said), closed=True)


def _harmony(text: str, start: int) -> Parts:
    final = _FINAL.search(text, start)
    if final is None:
        return Parts(answer="", reasoning=text[start:].strip(), closed=False)
    return Parts(answer=_END.sub("", text[final.end() :]), reasoning=text[start : final.start()].strip(), closed=True)
