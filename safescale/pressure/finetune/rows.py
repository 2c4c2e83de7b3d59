"""Pairs as token ids: the model's own chat template around the prompt, the target, and the token that ends an answer."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import attrs

from safescale.engines.answers import Answer
from safescale.engines.rendering import render
from safescale.engines.requests import Message, Request
from safescale.errors import DataError, DomainError, GenerationError
from safescale.pressure.finetune.targets import Pair, Targets

__all__ = ["TokenRow", "batch_positions", "chosen_rows", "end_of_answer", "rows_sha256", "token_rows"]

_PROBE: Final = ("zorble", "quindle")


@attrs.frozen
class TokenRow:
    """
    One pair as the model sees it.

    Parameters
    ----------
    ids : tuple of int
        Prompt in its template, target, end.
    asked : int
        How many of them belong to the prompt and bear no loss.
    """

    ids: tuple[int, ...]
    asked: int

    @property
    def tokens(self) -> int:
        """Tokens that go through the model: all but the last, after which nothing is foretold."""
        return len(self.ids) - 1


def end_of_answer(tokenizer: Any, end_ids: Iterable[int]) -> tuple[int, ...]:
    """
    Token ids that the chat template puts behind an answer, up to the first that ends a text; else the tokenizer's end token.

    Parameters
    ----------
    tokenizer
        Of the model, with its chat template.
    end_ids : iterable of int
        Tokens that end a text of this model.

    Raises
    ------
    DomainError
        When nothing ends a text.
    """
    ends = frozenset(end_ids)
    asked, told = _PROBE
    messages = [{"role": "user", "content": asked}, {"role": "assistant", "content": told}]
    try:
        whole = str(tokenizer.apply_chat_template(messages, tokenize=False))
    except Exception:  # a template may refuse anything, with errors of Jinja's own; the end token is known without it
        whole = ""
    if told in whole:
        behind = tokenizer(whole.rpartition(told)[2], add_special_tokens=False)["input_ids"]
        for at, token in enumerate(behind):
            if token in ends:
                return tuple(int(one) for one in behind[: at + 1])
    own = tokenizer.eos_token_id
    if own is not None:
        return (int(own),)
    if ends:
        return (min(ends),)
    raise DomainError("no token of this model ends a text; give its tokenizer an eos_token, or nothing learns where to stop")


def token_rows(
    pairs: Sequence[Pair], tokenizer: Any, *, end: Sequence[int], window: int | None, file: str | None
) -> list[TokenRow]:
    """
    Token ids of pairs; the prompt is rendered as an engine renders it, so the attack is on what is asked later.

    Parameters
    ----------
    pairs : sequence of Pair
        Pairs.
    tokenizer
        Of the model.
    end : sequence of int
        As ``end_of_answer`` gives it.
    window : int, optional
        Tokens of a row at most.
    file : str, optional
        Where they are from, for the error.

    Raises
    ------
    DataError
        For a pair that is longer than the window: nothing is ever cut.
    GenerationError
        When the chat template is missing or refuses a prompt.
    """
    rows: list[TokenRow] = []
    for at, pair in enumerate(pairs, 1):
        asked = render(tokenizer, Request(messages=(Message(role="user", content=pair.prompt),)), max_model_len=None)
        if isinstance(asked, Answer):
            why = asked.fault.message if asked.fault is not None else "no reason is given"
            raise GenerationError(f"the prompt of pair {pair.row or at} cannot be put to the model: {why}")
        told = [int(token) for token in tokenizer(pair.target, add_special_tokens=False)["input_ids"]]
        row = TokenRow((*asked.token_ids, *told, *end), len(asked.token_ids))
        if window is not None and len(row.ids) > window:
            raise DataError(
                "a pair is longer than the model's window, and nothing is cut; shorten it or leave it out",
                file=file,
                row=pair.row or at,
                expected=f"at most {window} tokens, template and end included",
                got=f"{len(row.ids)} tokens",
            )
        rows.append(row)
    return rows


def chosen_rows(
    targets: Targets, tokenizer: Any, *, examples: int, seed: int, end: Sequence[int], window: int | None
) -> list[TokenRow]:
    """
    Rows of the first ``examples`` pairs of the order that the seed draws.

    Raises
    ------
    DomainError
        When there are fewer pairs than that.
    """
    if examples > len(targets.pairs):
        where = f" in {targets.file}" if targets.file is not None else ""
        raise DomainError(f"{examples} examples are asked for, and there are {len(targets.pairs)} pairs{where}; ask for fewer")
    order = list(range(len(targets.pairs)))
    random.Random(f"{seed} pairs").shuffle(order)
    pairs = [targets.pairs[at] for at in order[:examples]]
    return token_rows(pairs, tokenizer, end=end, window=window, file=str(targets.file) if targets.file is not None else None)


def batch_positions(*, examples: int, batch_size: int, seed: int) -> Iterator[tuple[int, ...]]:
    """
    Positions of the pairs of each step, without end: the examples in a new drawn order each time all were shown.

    Parameters
    ----------
    examples, batch_size, seed : int
        Of how many, how many a step, and of the orders.
    """
    at, shown = 0, -1
    order: list[int] = []
    while True:
        batch: list[int] = []
        for place in range(at, at + batch_size):
            epoch, within = divmod(place, examples)
            if epoch != shown:
                shown, order = epoch, list(range(examples))
                random.Random(f"{seed} of {examples} epoch {epoch}").shuffle(order)
            batch.append(order[within])
        yield tuple(batch)
        at += batch_size


def rows_sha256(rows: Sequence[TokenRow]) -> str:
    """Hash over the rows in their order: pairs, template, tokenizer and end token are all in it."""
    return hashlib.sha256(json.dumps([[row.ids, row.asked] for row in rows]).encode()).hexdigest()
