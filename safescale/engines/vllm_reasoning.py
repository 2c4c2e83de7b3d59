"""Reasoning apart from the answer, by vLLM's own parser of the model's marks."""

from __future__ import annotations

from collections.abc import Callable

from safescale.engines.rendering import Tokenizer
from safescale.errors import DomainError

__all__ = ["SplitReasoning", "reasoning_split"]

SplitReasoning = Callable[[str], tuple[str | None, str]]
"""Text as the model wrote it to its reasoning (None without any) and what it answers."""


def reasoning_split(name: str, tokenizer: Tokenizer) -> SplitReasoning:
    """
    What divides a text, by the name of vLLM's parser. Reasoning that never ends leaves '' for the answer.

    Raises
    ------
    DomainError
        For a name that vLLM does not have, or a tokenizer without the marks.
    """
    from vllm.reasoning import ReasoningParserManager

    try:
        parser = ReasoningParserManager.get_reasoning_parser(name)(tokenizer)
    except KeyError as error:
        raise DomainError(f"vLLM has no reasoning parser {name!r}: {error.args[0]}") from error
    except Exception as error:
        # each parser complains in its own way of a tokenizer without its marks
        raise DomainError(f"the reasoning parser {name!r} does not fit this model's tokenizer: {error}") from error

    def split(text: str) -> tuple[str | None, str]:
        reasoning, said = parser.extract_reasoning(text, request=None)
        return reasoning, said or ""

    return split
