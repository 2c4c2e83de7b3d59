"""What is asked of an engine: a chat or a raw text, how to sample, and what the answer must look like; the id is over content."""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import attrs

from safescale.errors import DomainError

__all__ = ["Constraint", "Message", "Request", "Role", "Sampling"]

Role = Literal["system", "user", "assistant"]
_ROLES: Final = ("system", "user", "assistant")


# mypy cannot see through ``converter=tuple``: it would refuse every tuple that is given
def _strings(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(values)


def _pairs(values: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(values)


def _messages(values: Iterable[Message]) -> tuple[Message, ...]:
    return tuple(values)


@attrs.frozen(kw_only=True)
class Message:
    """One message of a chat. A last message of the assistant is a prefill, which the answer continues."""

    role: Role = attrs.field(validator=attrs.validators.in_(_ROLES))
    content: str


@attrs.frozen(kw_only=True)
class Sampling:
    """
    How to sample. Every field is sent: no engine and no ``generation_config.json`` of a model fills one in.

    Parameters
    ----------
    temperature : float, default 0.0
        0 is greedy.
    top_p : float, default 1.0
        Mass of the nucleus, in (0, 1].
    top_k : int, default 0
        Most probable tokens that are kept; 0 keeps all.
    max_tokens : int, default 512
        Tokens of the answer at most.
    stop : tuple of str
        Texts at which the answer ends (they are not part of it).
    seed : int, optional
        Seed of this request alone. None: whoever makes the request sets none, and a sampled answer cannot be repeated.
    logprobs : int, optional
        Alternatives a token whose log-probabilities (nats) come back; None for none.
    """

    temperature: float = attrs.field(default=0.0, converter=float, validator=attrs.validators.ge(0.0))
    top_p: float = attrs.field(default=1.0, converter=float)
    top_k: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    max_tokens: int = attrs.field(default=512, validator=attrs.validators.ge(1))
    stop: tuple[str, ...] = attrs.field(default=(), converter=_strings)
    seed: int | None = None
    logprobs: int | None = None

    def __attrs_post_init__(self) -> None:
        if not math.isfinite(self.temperature):
            raise DomainError(f"temperature must be a finite number, got {self.temperature!r}")
        if "" in self.stop:
            raise DomainError("a stop text is empty: every answer would end before it began; leave it out")
        if not 0.0 < self.top_p <= 1.0:
            raise DomainError(f"top_p must lie in (0, 1], got {self.top_p!r}")
        if self.logprobs is not None and not 0 <= self.logprobs <= 20:
            raise DomainError(f"logprobs must be between 0 and 20 alternatives, got {self.logprobs!r}")


@attrs.frozen(kw_only=True)
class Constraint:
    """
    What an answer must look like. An engine that cannot force it says so (fault CANNOT_CONSTRAIN); none ignores it.

    Parameters
    ----------
    kind : {"choice", "json", "regex"}
        One of several texts; JSON of a schema; text that a regular expression matches as a whole.
    choices : tuple of str
        For "choice": at least one text, none twice.
    body : str
        For "json": the JSON Schema as JSON text. For "regex": the expression.
    """

    kind: Literal["choice", "json", "regex"]
    choices: tuple[str, ...] = attrs.field(default=(), converter=_strings)
    body: str = ""

    def __attrs_post_init__(self) -> None:
        if self.kind == "choice":
            if not self.choices or len(set(self.choices)) != len(self.choices) or "" in self.choices or self.body:
                raise DomainError(f"a choice needs different, non-empty texts and no body, got {self.choices!r}")
        elif self.choices or not self.body:
            raise DomainError(f"a constraint of kind {self.kind!r} needs a body and no choices")


@attrs.frozen(kw_only=True)
class Request:
    """
    One thing to answer: a chat, or a raw text that goes to the model as it is (base models, guard templates).

    Parameters
    ----------
    messages : tuple of Message
        The chat; empty exactly when ``text`` is given.
    text : str, optional
        Raw text, without a chat template.
    sampling : Sampling
        How to sample.
    constraint : Constraint, optional
        What the answer must look like.
    adapter : str, optional
        Name of a LoRA adapter that the engine was opened with.
    sample_index : int, default 0
        0-based repeat of equal content.
    tags : tuple of (str, str)
        What the caller wants to recognise the request by (condition, attack class, ...). Not sent, and no part of the id.
    """

    messages: tuple[Message, ...] = attrs.field(default=(), converter=_messages)
    text: str | None = None
    sampling: Sampling = attrs.field(factory=Sampling)
    constraint: Constraint | None = None
    adapter: str | None = None
    sample_index: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    tags: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=_pairs)

    def __attrs_post_init__(self) -> None:
        if bool(self.messages) == (self.text is not None):
            raise DomainError("a request holds messages or a raw text, exactly one of the two")

    @functools.cached_property
    def request_id(self) -> str:
        """SHA-256 (hex) over everything but the tags: equal requests have equal ids. The model is no part of it."""
        content = attrs.asdict(self, filter=lambda a, _: a.name != "tags")
        return hashlib.sha256(_canonical(content)).hexdigest()

    @property
    def prefill(self) -> str:
        """Text that the answer continues; '' when the chat ends with the user."""
        return self.messages[-1].content if self.messages and self.messages[-1].role == "assistant" else ""

    def tag(self, name: str) -> str | None:
        """Value of a tag, or None."""
        return dict(self.tags).get(name)


def _canonical(content: Mapping[str, Any]) -> bytes:
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return text.encode("ascii")
