"""Constraints token by token: which tokens may come next, and whether the answer may end here."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Sequence
from typing import Any, Protocol

import attrs
import numpy as np
import numpy.typing as npt

from safescale.engines.answers import Answer, FaultCode
from safescale.engines.requests import Constraint, Request

__all__ = ["ChoiceConstraint", "GrammarConstraint", "TokenConstraint", "constrained", "grammar_tokenizer"]

Mask = npt.NDArray[np.bool_]


class TokenConstraint(Protocol):
    """The state of one constrained answer."""

    def allowed(self) -> Mask:
        """Which tokens may come next, end of text among them where the answer may end; shape (vocabulary,)."""
        ...

    def take(self, token: int) -> None:
        """A token was chosen."""
        ...

    @property
    def accepting(self) -> bool:
        """Whether the answer may end here."""
        ...

    @property
    def finished(self) -> bool:
        """Whether it can only end here."""
        ...

    def text(self, decoded: str) -> str:
        """The answer's text, given what its tokens decode to."""
        ...


@attrs.define
class ChoiceConstraint:
    """
    One of several labels, each in the tokenizer's own spelling: a trie over token ids.

    Only the canonical tokens of a label are allowed, so the probability of a label is the product of those of its tokens.
    """

    labels: dict[tuple[int, ...], str]
    end_ids: tuple[int, ...]
    vocabulary: int
    taken: tuple[int, ...] = ()

    def allowed(self) -> Mask:
        """Next tokens of the labels that go on from here; the end, where one is whole and another is longer."""
        mask = np.zeros(self.vocabulary, dtype=np.bool_)
        place = len(self.taken)
        for ids in self.labels:
            if len(ids) > place and ids[:place] == self.taken:
                mask[ids[place]] = True
        if self.accepting:
            mask[list(self.end_ids)] = True
        return mask

    def take(self, token: int) -> None:
        """A token was chosen."""
        if not (self.accepting and token in self.end_ids):
            self.taken = (*self.taken, token)

    @property
    def accepting(self) -> bool:
        """Whether a label is whole."""
        return self.taken in self.labels

    @property
    def finished(self) -> bool:
        """Whether a label is whole that begins no other."""
        place = len(self.taken)
        return self.accepting and not any(len(ids) > place and ids[:place] == self.taken for ids in self.labels)

    def text(self, decoded: str) -> str:
        """The label itself, whatever spaces decoding makes of it."""
        return self.labels.get(self.taken, decoded)


@attrs.define
class GrammarConstraint:
    """JSON of a schema, or text of a regular expression, by llguidance."""

    matcher: Any
    end_ids: tuple[int, ...]
    vocabulary: int

    def allowed(self) -> Mask:
        """The mask of llguidance, cut or filled up to the model's vocabulary."""
        bits = np.unpackbits(np.frombuffer(self.matcher.compute_bitmask(), dtype=np.uint8), bitorder="little")[: self.vocabulary]
        mask = np.zeros(self.vocabulary, dtype=np.bool_)
        mask[: len(bits)] = bits.astype(np.bool_)
        mask[list(self.end_ids)] = self.accepting
        return mask

    def take(self, token: int) -> None:
        """A token was chosen."""
        if token not in self.end_ids:
            self.matcher.consume_token(token)

    @property
    def accepting(self) -> bool:
        """Whether the text so far is whole."""
        return bool(self.matcher.is_accepting()) and not self.matcher.is_error()

    @property
    def finished(self) -> bool:
        """Whether nothing can follow."""
        return bool(self.matcher.is_stopped())

    def text(self, decoded: str) -> str:
        """As decoded."""
        return decoded


def grammar_tokenizer(tokenizer: Any, vocabulary: int) -> Any | None:
    """The view that llguidance has of a tokenizer; None where llguidance is not installed or the tokenizer is not a fast one."""
    try:
        hugging_face = importlib.import_module("llguidance.hf")
    except ImportError:
        return None
    try:
        return hugging_face.from_tokenizer(tokenizer, n_vocab=vocabulary)
    except ValueError:
        return None


def constrained(
    request: Request, tokenizer: Any, grammars: Any | None, end_ids: Sequence[int], vocabulary: int
) -> TokenConstraint | Answer:
    """
    The state with which a request's constraint begins, or the answer that says why there is none.

    Parameters
    ----------
    request : Request
        With a constraint.
    tokenizer : transformers tokenizer
        The model's.
    grammars : llguidance tokenizer, optional
        From ``grammar_tokenizer``; None: only a choice can be forced.
    end_ids : sequence of int
        Tokens that end an answer.
    vocabulary : int
        Width of the model's logits.
    """
    constraint = request.constraint
    assert constraint is not None
    if constraint.kind == "choice":
        return _choice(request, constraint, tokenizer, tuple(end_ids), vocabulary)
    wrong = _malformed(constraint)
    if wrong:
        return Answer.failed(request, FaultCode.BAD_REQUEST, wrong)
    if grammars is None:
        message = f"forcing {constraint.kind} needs llguidance and a fast tokenizer; install it with: pip install 'safescale[hf]'"
        return Answer.failed(request, FaultCode.CANNOT_CONSTRAIN, message)
    guidance = importlib.import_module("llguidance")
    if constraint.kind == "json":
        # without spaces: a model that knows nothing else to say fills an answer with them
        grammar = guidance.LLMatcher.grammar_from_json_schema(constraint.body, overrides={"whitespace_flexible": False})
    else:
        grammar = guidance.LLMatcher.grammar_from_regex(constraint.body)
    matcher = guidance.LLMatcher(grammars, grammar, log_level=0)
    if matcher.is_error():
        return Answer.failed(
            request, FaultCode.CANNOT_CONSTRAIN, f"llguidance cannot force this {constraint.kind}: {matcher.get_error()}"
        )
    return GrammarConstraint(matcher, tuple(end_ids), vocabulary)


def _choice(
    request: Request, constraint: Constraint, tokenizer: Any, end_ids: tuple[int, ...], vocabulary: int
) -> ChoiceConstraint | Answer:
    labels: dict[tuple[int, ...], str] = {}
    for label in constraint.choices:
        ids = tuple(int(token) for token in tokenizer.encode(label, add_special_tokens=False))
        if not ids or tokenizer.decode(list(ids), skip_special_tokens=True).strip() != label.strip() or ids in labels:
            return Answer.failed(
                request, FaultCode.CANNOT_CONSTRAIN, f"the model's tokenizer cannot spell {label!r}; use another label"
            )
        labels[ids] = label
    made = ChoiceConstraint(labels, end_ids, vocabulary)
    begins = any(a != b and b[: len(a)] == a for a in labels for b in labels)
    if begins and not end_ids:
        return Answer.failed(
            request, FaultCode.CANNOT_CONSTRAIN, "one label begins another, and this model has no token that ends a text"
        )
    return made


def _malformed(constraint: Constraint) -> str | None:
    try:
        if constraint.kind == "json":
            schema = json.loads(constraint.body)
            return None if isinstance(schema, dict | bool) else f"a JSON Schema is an object, got {constraint.body[:60]!r}"
        re.compile(constraint.body)
    except re.error as error:
        return f"the regular expression {constraint.body[:60]!r} is none: {error}"
    except ValueError as error:
        return f"the JSON Schema {constraint.body[:60]!r} is no JSON: {error}"
    return None
