"""A deterministic engine without a model: what it says is programmed by model, size, condition and prompt."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import attrs

from safescale._version import __version__
from safescale.engines.answers import Answer, EngineDied, FaultCode, OutOfMemory
from safescale.engines.engine import EngineFacts, EngineSpec
from safescale.engines.fake_behaviour import FakeBehaviour
from safescale.engines.fake_faults import FakeFaults
from safescale.engines.fake_text import draw, drawn_json, drawn_label, drawn_words, token_logprobs
from safescale.engines.requests import Request
from safescale.errors import DomainError

__all__ = ["FakeEngine", "Reply", "open_fake"]

Reply = Callable[[Request, EngineSpec], str | Answer]
"""What a fake says to a request: the text, or a whole answer (with a fault, say). A ``FakeBehaviour`` is one."""


@attrs.define
class FakeEngine:
    """
    An engine whose answers are a function of the request alone.

    Tokens are words. Stop texts, ``max_tokens`` and the window end what the reply says; a constraint is left to the reply, so that
    a test may break it. The default reply keeps it ("choice", "json") or says that it cannot ("regex").

    Parameters
    ----------
    spec : EngineSpec
        What it is opened with; ``max_model_len`` counts words.
    reply : Reply
        What it says. Default: words, labels or JSON drawn from the seed and the content of the request.
    faults : FakeFaults
        What goes wrong on purpose. Default: nothing.
    """

    spec: EngineSpec
    reply: Reply = attrs.field(factory=lambda: default_reply)
    faults: FakeFaults = attrs.field(factory=FakeFaults)
    closed: bool = False
    answered: int = attrs.field(default=0, init=False)

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
            options={name: str(value) for name, value in self.spec.options.items()},
        )

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Answer every request once, in order."""
        faults = self.faults
        if faults.oom_above is not None and len(requests) > faults.oom_above:
            raise OutOfMemory(
                f"the fake runs out of memory with more than {faults.oom_above} requests at once, got {len(requests)}"
            )
        for request in requests:
            if faults.any:
                self._goes_wrong(request)
            self.answered += 1
            yield self._one(request)

    def close(self) -> None:
        """Nothing to free."""
        self.closed = True

    def _goes_wrong(self, request: Request) -> None:
        faults = self.faults
        if faults.latency_s:
            time.sleep(faults.latency_s)
        if faults.dies_after is not None and self.answered >= faults.dies_after:
            raise EngineDied(f"the fake dies after {faults.dies_after} answers")
        if faults.dies_on is not None and faults.dies_on in _prompt(request):
            raise EngineDied(f"the fake dies on a prompt with {faults.dies_on!r}")

    def _one(self, request: Request) -> Answer:
        spec, sampling = self.spec, request.sampling
        words = len(_prompt(request).split())
        if not words:
            return Answer.failed(request, FaultCode.EMPTY_PROMPT, "the prompt is empty; nothing was asked")
        room = sampling.max_tokens
        if spec.max_model_len is not None:
            if words + 1 > spec.max_model_len:
                return Answer.failed(request, FaultCode.TOO_LONG, f"the prompt has {words} words, the window {spec.max_model_len}")
            room = min(room, spec.max_model_len - words)
        if request.adapter is not None and request.adapter not in spec.adapters:
            return Answer.failed(request, FaultCode.NO_SUCH_ADAPTER, f"no adapter {request.adapter!r} was opened")
        if self.faults.fails_on is not None and self.faults.fails_on in _prompt(request):
            return Answer.failed(request, FaultCode.SERVER_ERROR, f"the fake fails on a prompt with {self.faults.fails_on!r}")
        said = self.reply(request, spec)
        return said if isinstance(said, Answer) else self._ended(request, said, words, room)

    def _ended(self, request: Request, said: str, prompt_words: int, room: int) -> Answer:
        all_words = said.split(" ")
        kept = all_words[:room]
        text, whole = " ".join(kept), len(kept) == len(all_words)
        for place in [text.find(stop) for stop in request.sampling.stop if stop in text]:
            if place < len(text) or not whole:
                text, whole = text[:place], True
        if text != said:
            kept = text.split(" ") if text else []
        made_here = self.reply is default_reply and request.constraint is not None
        if made_here and text != said:
            message = f"max_tokens or a stop text cut the answer before it was whole: {text!r}"
            return Answer.failed(request, FaultCode.CONSTRAINT_BROKEN, message, text=text)
        logprobs = None
        if request.sampling.logprobs is not None:
            choice = request.constraint is not None and request.constraint.kind == "choice"
            labels = drawn_label(request, self.spec.model)[1] if made_here and choice else ()
            logprobs = token_logprobs(kept, request.sampling.logprobs, labels)
        return Answer(
            request_id=request.request_id,
            text=text,
            finish_reason="stop" if whole else "length",
            prompt_tokens=prompt_words,
            completion_tokens=len(kept),
            seed=request.sampling.seed,
            logprobs=logprobs,
        )


def _prompt(request: Request) -> str:
    if request.text is not None:
        return request.text
    if len(request.messages) == 1:
        return request.messages[0].content
    return "\n".join([message.content for message in request.messages])


def default_reply(request: Request, spec: EngineSpec) -> str | Answer:
    """Words, a label or JSON, drawn from what a model would see."""
    constraint = request.constraint
    if constraint is None:
        return drawn_words(draw(request, spec.model))
    if constraint.kind == "choice":
        return drawn_label(request, spec.model)[0]
    if constraint.kind == "json":
        return drawn_json(request, spec.model)
    return Answer.failed(request, FaultCode.CANNOT_CONSTRAIN, "the fake cannot make text of a regular expression")


def open_fake(spec: EngineSpec) -> FakeEngine:
    """
    The fake: with the default reply, or programmed by ``spec.options`` (names of ``FakeBehaviour`` and ``FakeFaults``).

    Raises
    ------
    DomainError
        For an option that it does not know, or a value outside its range.
    """
    faults, left = FakeFaults.from_options(spec.options)
    behaviour, unknown = FakeBehaviour.from_options(left)
    if unknown:
        known = sorted({*FakeFaults.option_names(), *FakeBehaviour.option_names()})
        raise DomainError(f"the fake has no option {unknown[0]!r}; its options: {', '.join(known)}, shift.TAG.VALUE")
    return FakeEngine(spec, behaviour or default_reply, faults)
