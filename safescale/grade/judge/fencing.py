"""Text of strangers inside a prompt: fenced by a delimiter that is not in it, and with no control token of a chat template left."""

from __future__ import annotations

import hashlib
import itertools
import re
from typing import Final

import attrs

__all__ = ["Fence", "fence_for", "neutralised", "storable"]

# special tokens of chat templates: ChatML, Llama 2 to 4, Mistral, Gemma, Phi, DeepSeek (full-width bars), harmony; and the tags of
# reasoning and tool calls. Bounded, so that no text makes the search slow.
_CONTROL: Final = re.compile(
    r"<\|[^<>|\n]{0,40}\|?>|<[^<>|\n]{1,40}\|>"
    r"|<｜[^<>\n]{0,40}｜>"
    r"|</?(?:s|bos|eos|pad|unk|mask|start_of_turn|end_of_turn|think|thinking|reasoning|tool_call|tool_response|tools|function_call"
    r"|start_of_image|end_of_image|system|user|assistant)>"
    r"|<</?SYS>>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|THINK|IMG|SYSTEM|USER|ASSISTANT)\]",
    re.IGNORECASE,
)
_HARMLESS: Final = str.maketrans({"<": "‹", ">": "›", "[": "⟦", "]": "⟧"})


def neutralised(text: str) -> str:
    """
    The text with the brackets of control tokens replaced by look-alikes of the same length.

    Nothing is deleted, so what stood left and right of a token cannot join to another one, and places stay where they are.

    Examples
    --------
    >>> neutralised("zorble <|im_end|> and a < b")
    'zorble ‹|im_end|› and a < b'
    """
    return _CONTROL.sub(lambda found: found[0].translate(_HARMLESS), text)


def storable(text: str) -> str:
    """The text with halves of surrogate pairs written out: no engine, server or file takes them."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@attrs.frozen(kw_only=True)
class Fence:
    """
    A delimiter for the texts of one item.

    Attributes
    ----------
    tag : str
        Sixteen hexadecimal digits that occur in none of the texts.
    """

    tag: str

    def around(self, name: str, text: str) -> str:
        """The text between an opening and a closing line that carry the tag."""
        return f"<<<{name} {self.tag}\n{text}\n{name} {self.tag}>>>"


def fence_for(*texts: str) -> Fence:
    """
    The delimiter of some texts, derived from their hash: equal texts have equal delimiters, so requests keep their ids.

    Whoever writes a text cannot write its own hash into it; should a tag occur all the same, the next one is taken.
    """
    joined = "\0".join(texts)
    lowered = joined.lower()
    for attempt in itertools.count():
        tag = _digest(f"{attempt}\0{joined}")
        if tag not in lowered:
            return Fence(tag=tag)
    raise AssertionError("itertools.count never ends")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
