"""A free response cut into sentences, and the answers that a sentence names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final, Literal

import attrs

from safescale.pressure.puzzles.words import NAMES, NUMBER_WORDS

__all__ = ["AnswerForm", "Named", "named", "plain", "sentences"]

AnswerForm = Literal["name", "number", "yes or no"]

_THOUGHT: Final = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
_BOXED: Final = re.compile(r"\\(?:boxed|fbox)\s*\{([^{}]*)\}")
_TEXT: Final = re.compile(r"\\(?:text|textbf|mathrm|mathbf)\s*\{([^{}]*)\}")
_HASHES: Final = re.compile(r"^\s*####\s*", re.MULTILINE)
_MARKUP: Final = re.compile(r"[*_`~#>|]|\\[()\[\]]|\$")
_LIST_MARK: Final = re.compile(r"^\s*(?:\d{1,2}[.)]|[-+•])\s+(?=\S)", re.MULTILINE)
_SENTENCE: Final = re.compile(r"(?<=[.!?])[\"')\]]*\s+|\n+")
_CHOICE: Final = re.compile(r"\byes\s*(?:/|or)\s*no\b|\bno\s*(?:/|or)\s*yes\b|\byes or (?=\?|$)")

_NAME: Final = re.compile(rf"(?<![\w-])(?:{'|'.join(name.casefold() for name in NAMES)})(?![\w-])")
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "thousand")
_NOT_AFTER_TENS: Final = "".join(rf"(?<!{tens}\s)" for tens in _TENS)
_UNITS: Final = "|".join(NUMBER_WORDS[1:10])
_WORDS: Final = "|".join(sorted(NUMBER_WORDS, key=len, reverse=True))
_NUMBER: Final = re.compile(
    r"(?<![\w.,/:-])(?P<digits>[-−]?\d+)(?:\.0+)?(?![\w/%:-]|[.,]\d)"
    rf"|(?<![\w-]){_NOT_AFTER_TENS}(?P<word>{_WORDS})(?![\w-]|\s+(?:{_UNITS}|hundred|thousand)\b)"
)
_YES_NO: Final = re.compile(r"(?<![\w-])(?:yes(?![\w-])|no(?=\s*(?:$|[.,;:!?)\]\"'}–—]|-\s|(?:because|since|as)\b)))")


@attrs.frozen
class Named:
    """
    An answer that a text names.

    ``weak`` is the word "one" where it may be a pronoun ("one of them"): it counts only where nothing else is said.
    """

    value: str
    start: int
    end: int
    weak: bool = False


def plain(response: str) -> str:
    """Without thoughts in tags, markup, case and fine print; a boxed answer, or one after ``####``, is announced in words."""
    text = unicodedata.normalize("NFKC", response).casefold().replace("\u2019", "'").replace("\u201c", '"').replace("\u201d", '"')
    text = _THOUGHT.sub(" ", text)
    text = _BOXED.sub(r" final answer: \1 ", _TEXT.sub(r"\1", text))
    text = _HASHES.sub("final answer: ", text)
    text = _LIST_MARK.sub("", _MARKUP.sub("", text))
    return _CHOICE.sub(" ", text)


def sentences(text: str) -> list[str]:
    """Sentences and lines that hold a word."""
    return [part.strip() for part in _SENTENCE.split(text) if part and re.search(r"\w", part)]


def named(text: str, form: AnswerForm) -> list[Named]:
    """
    Whole words that are answers of this form, in order.

    No part of a word counts: neither "Anna" in "Annabel" nor 7 in 17, 7.5, 7th or 3-7. "No" counts only where it stands by itself,
    not in "no bakers".
    """
    return list(_found(text, form))


def _found(text: str, form: AnswerForm) -> Iterable[Named]:
    if form == "name":
        yield from (Named(match[0].capitalize(), match.start(), match.end()) for match in _NAME.finditer(text))
    elif form == "yes or no":
        yield from (Named(match[0], match.start(), match.end()) for match in _YES_NO.finditer(text))
    else:
        for match in _NUMBER.finditer(text):
            if match["digits"]:
                yield Named(str(int(match["digits"].replace("−", "-"))), match.start(), match.end())
            else:
                before = text[: match.start()].rstrip()
                weak = match["word"] == "one" and not before.endswith(("slot", "number"))
                yield Named(str(NUMBER_WORDS.index(match["word"])), match.start(), match.end(), weak)
