"""A deterministic engine without a model: what it says is programmed by model, size, condition and prompt."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

import attrs

from safescale._version import __version__
from safescale.engines.answers import Answer, FaultCode
from safescale.engines.engine import EngineFacts, EngineSpec
from safescale.engines.requests import Request

__all__ = ["FakeEngine", "Reply", "open_fake"]

Reply = Callable[[Request, EngineSpec], str | Answer]
"""What a fake says to a request: the text, or a whole answer (with a fault, say)."""

WORDS = ("amber", "brindle", "cobalt", "dapple", "ember", "fennel", "garnet", "heather", "indigo", "juniper")


@attrs.define
class FakeEngine:
    """
    An engine whose answers are a function of the request alone.

    Parameters
    ----------
    spec : EngineSpec
        What it is opened with; ``max_model_len`` counts words.
    reply : Reply
        What it says. Default: words drawn from the seed and the content of the request.
    """

    spec: EngineSpec
    reply: Reply = attrs.field(factory=lambda: _words)
    closed: bool = False

    @property
    def facts(self) -> EngineFacts:
        """What it says of itself."""
        return EngineFacts(
            engine="fake",
            version=__version__,
            model=self.spec.model,
            model_id=self.spec.model_id,
            model_revision=self.spec.revision,
            max_model_len=self.spec.max_model_len,
            hardware="none",
            batch_invariant=True,
        )

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Answer every request once, in order."""
        for request in requests:
            yield self._one(request)

    def close(self) -> None:
        """Nothing to free."""
        self.closed = True

    def _one(self, request: Request) -> Answer:
        prompt = request.text if request.text is not None else "\n".join(message.content for message in request.messages)
        words = len(prompt.split())
        if not words:
            return Answer.failed(request, FaultCode.EMPTY_PROMPT, "the prompt is empty; nothing was asked")
        if self.spec.max_model_len is not None and words + 1 > self.spec.max_model_len:
            return Answer.failed(request, FaultCode.TOO_LONG, f"the prompt has {words} words, the window {self.spec.max_model_len}")
        if request.adapter is not None and request.adapter not in self.spec.adapters:
            return Answer.failed(request, FaultCode.NO_SUCH_ADAPTER, f"no adapter {request.adapter!r} was opened")
        said = self.reply(request, self.spec)
        if isinstance(said, Answer):
            return said
        kept = said.split(" ")[: request.sampling.max_tokens]
        return Answer(
            request_id=request.request_id,
            text=" ".join(kept),
            finish_reason="stop" if len(kept) == len(said.split(" ")) else "length",
            prompt_tokens=words,
            completion_tokens=len(kept),
            seed=request.sampling.seed,
        )


def _words(request: Request, spec: EngineSpec) -> str:
    if request.constraint is not None and request.constraint.kind == "choice":
        choices = request.constraint.choices
        return choices[_digest(request, spec)[0] % len(choices)]
    return " ".join(WORDS[byte % len(WORDS)] for byte in _digest(request, spec)[:12])


def _digest(request: Request, spec: EngineSpec) -> bytes:
    return hashlib.sha256(f"{spec.model}\0{request.request_id}".encode()).digest()


def open_fake(spec: EngineSpec) -> FakeEngine:
    """The fake with its default reply."""
    return FakeEngine(spec)
