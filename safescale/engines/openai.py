"""Any server that speaks OpenAI's API, vLLM's among them: many requests in flight, retries, limits, budgets; nothing is lost."""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Final, Literal, cast

import attrs

from safescale.engines.answers import Answer, Fault, FaultCode
from safescale.engines.engine import EngineFacts, EngineSpec
from safescale.engines.openai_body import Asked, Asking, asked
from safescale.engines.openai_gate import Gate
from safescale.engines.openai_http import Server, Unanswered
from safescale.engines.openai_opening import ServerFacts, asked_server, tokenizer_of
from safescale.engines.openai_pace import Budget, Pace, Spending, backoff_wait_s
from safescale.engines.openai_reply import Outcome, outcome_of
from safescale.engines.openai_settings import Key, Settings, base_url_of, settings_of
from safescale.engines.rendering import template_sha256
from safescale.engines.requests import Request
from safescale.errors import GenerationError

__all__ = ["OpenAIEngine", "open_openai"]

COSTLY: Final = (FaultCode.TIMEOUT, FaultCode.MALFORMED_ANSWER)
"""Faults after which the server may have charged: asked again twice at most."""


@attrs.define(eq=False)
class OpenAIEngine:
    """
    One model on one server.

    ``answer`` sends up to ``concurrency`` requests at once and yields each answer as it comes; it may be given all at once. Nothing
    is raised for a request: a server that is down or a wrong key is a fault of each request, and the rest is not sent.
    """

    spec: EngineSpec
    settings: Settings
    _asking: Asking = attrs.field(repr=False)
    _server: Server = attrs.field(repr=False)
    _key: Key = attrs.field(repr=False)
    _told: ServerFacts = attrs.field(repr=False)
    _pace: Pace = attrs.field(init=False, repr=False)
    _budget: Budget = attrs.field(init=False, repr=False)
    _gate: Gate = attrs.field(init=False, repr=False)
    _closed: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        own = self.settings
        self._pace = Pace(own.requests_per_minute, own.tokens_per_minute)
        self._budget = Budget(own.token_budget, own.cost_budget, own.price_prompt, own.price_completion)
        self._gate = Gate(own.concurrency)

    @property
    def facts(self) -> EngineFacts:
        """What the engine and its server say of themselves; a server's version is "unknown" where it does not tell."""
        tokenizer = self._asking.tokenizer
        url = self._server.shown
        options = {name: str(value) for name, value in self.spec.options.items()}
        return EngineFacts(
            engine="openai",
            version=self._told.version or "unknown",
            model=self.spec.model,
            model_id=self.spec.model_id,
            model_revision=self.spec.revision,
            chat_template_sha256=template_sha256(tokenizer) if tokenizer is not None else None,
            max_model_len=self._asking.max_model_len,
            packages={"vllm": self._told.version} if self._told.is_vllm and self._told.version else {},
            hardware="unknown (that of the server)",
            options={"base_url": url, "dialect": self._asking.dialect, **options},
        )

    @property
    def spending(self) -> Spending:
        """What was sent and used since it was opened."""
        return self._budget.spending

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Answer every request once, as the server does."""
        if self._closed:
            raise GenerationError("this engine is closed; open another one")
        # vLLM 0.32 on a CPU spoils requests without an adapter that run beside some with one: kinds are never in flight together
        for group in _groups(requests):
            waiting, left = iter(group), len(group)
            if self._gate.is_given_up:
                # one goes first, alone and once: is the server back?
                yield self._one(next(waiting), threading.Event(), probing=True)
                left -= 1
            yield from self._many(waiting, left)

    def close(self) -> None:
        """Let go of the connections."""
        self._closed = True
        self._server.close()

    def _many(self, waiting: Iterator[Request], left: int) -> Iterator[Answer]:
        stop, lock = threading.Event(), threading.Lock()
        # bounded: what was paid for and not yet taken is lost when the taker dies
        done: queue.Queue[Answer | BaseException] = queue.Queue(self.settings.concurrency)

        def work() -> None:
            while not stop.is_set():
                with lock:
                    request = next(waiting, None)
                if request is None:
                    return
                told: Answer | BaseException
                try:
                    told = self._one(request, stop)
                except BaseException as error:
                    # a fault of this adapter: it is raised where the answers are taken, not lost in a thread
                    told = error
                while not stop.is_set():
                    try:
                        done.put(told, timeout=0.5)
                        break
                    except queue.Full:
                        continue

        size = min(self.settings.concurrency, left)
        threads = [threading.Thread(target=work, name=f"openai-{place}", daemon=True) for place in range(size)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(left):
                told = done.get()
                if isinstance(told, BaseException):
                    raise told
                yield told
        finally:
            stop.set()
            if any(thread.is_alive() for thread in threads):
                self._server.cut()
            for thread in threads:
                thread.join(timeout=5.0)

    def _one(self, request: Request, stop: threading.Event, *, probing: bool = False) -> Answer:
        what = asked(request, self._asking)
        if isinstance(what, Answer):
            return what
        away = None if probing else self._gate.turned_away(request)
        if away is not None:
            return away
        before = self._gate.successes
        outcome, tries = self._tried(request, what, stop, probing=probing)
        if outcome is None:
            return self._gate.turned_away(request) or Answer.failed(request, FaultCode.UNREACHABLE, "not sent")
        self._gate.record(outcome, successes_before=before)
        fault = outcome.answer.fault
        if fault is None or tries == 1:
            return outcome.answer
        return attrs.evolve(outcome.answer, fault=attrs.evolve(fault, message=f"{fault.message} (tried {tries} times)"))

    def _tried(self, request: Request, what: Asked, stop: threading.Event, *, probing: bool) -> tuple[Outcome | None, int]:
        """What a request came to, and after how many tries; None when another request has shut the door meanwhile."""
        own = self.settings
        rng = random.Random(f"{self.spec.seed}:{request.request_id}")
        tries = 0
        while True:
            outcome = self._try(request, what, stop, again=tries > 0, probing=probing)
            tries += 1
            if outcome.room is not None and tries == 1:
                # a local engine ends such an answer at the window; a server may want to be asked for no more
                narrow = attrs.evolve(request, sampling=attrs.evolve(request.sampling, max_tokens=outcome.room))
                narrowed = asked(narrow, self._asking)
                if isinstance(narrowed, Asked):
                    what = narrowed
                    continue
            code = outcome.answer.fault.code if outcome.answer.fault is not None else None
            if not outcome.again or probing or tries > (min(own.retries, 2) if code in COSTLY else own.retries) or stop.is_set():
                return outcome, tries
            wait_s = backoff_wait_s(tries, first_s=own.backoff_s, cap_s=own.backoff_cap_s, rng=rng)
            asks_s = outcome.wait_s
            if asks_s is not None:
                self._pace.hold(time.monotonic() + asks_s)
                if asks_s > own.max_wait_s:
                    return attrs.evolve(outcome, answer=self._not_waited_for(request, asks_s)), tries
                wait_s = asks_s + wait_s * 0.1
            stop.wait(wait_s)
            if self._gate.turned_away(request) is not None:
                return None, tries

    def _try(self, request: Request, what: Asked, stop: threading.Event, *, again: bool, probing: bool) -> Outcome:
        most = request.sampling.max_tokens
        hold = self._budget.take(what.most_prompt_tokens, most, stop=stop, again=again)
        if hold is None:
            return self._not_afforded(request, what.most_prompt_tokens + most)
        spent = (0, 0)
        try:
            late = self._wait_for_turn(request, what, stop)
            away = None if probing else self._gate.turned_away(request)
            if late is not None or away is not None:
                return late or Outcome(answer=cast(Answer, away))
            outcome = self._exchange(request, what, stop)
            answer = outcome.answer
            uncounted = answer.text is not None and (answer.prompt_tokens is None or answer.completion_tokens is None)
            most_of_it = (what.most_prompt_tokens, most)
            spent = most_of_it if outcome.may_cost or uncounted else (answer.prompt_tokens or 0, answer.completion_tokens or 0)
            return outcome
        finally:
            self._budget.settle(hold, *spent)
            self._pace.credit(what.likely_prompt_tokens + most - sum(spent))

    def _wait_for_turn(self, request: Request, what: Asked, stop: threading.Event) -> Outcome | None:
        """Wait for the limits a minute, and for what the server asked for; an outcome when that is too long."""
        start_s = self._pace.reserve(time.monotonic(), what.likely_prompt_tokens + request.sampling.max_tokens)
        while True:
            now_s = time.monotonic()
            held_s = self._pace.held_until_s - now_s
            if held_s > self.settings.max_wait_s:
                return Outcome(answer=self._not_waited_for(request, held_s))
            wait_s = max(start_s - now_s, held_s)
            if stop.is_set():
                return Outcome(answer=Answer.failed(request, FaultCode.UNREACHABLE, "not sent: nobody takes the answers any more"))
            if wait_s <= 0:
                return None
            stop.wait(wait_s)

    def _not_waited_for(self, request: Request, wait_s: float) -> Answer:
        words = f"the server asks to wait {wait_s:.0f} s, longer than max_wait_s={self.settings.max_wait_s:g}; resume later"
        return Answer.failed(request, FaultCode.RATE_LIMITED, words)

    def _exchange(self, request: Request, what: Asked, stop: threading.Event) -> Outcome:
        try:
            reply = self._server.send("POST", what.path, what.body, timeout_s=self.settings.timeout_s, stop=stop)
        except Unanswered as error:
            answer = Answer.failed(request, error.code, error.words)
            return Outcome(answer=answer, again=error.again, connected=error.connected, may_cost=error.connected)
        outcome = outcome_of(request, reply, key_variable=self._key.variable)
        fault = outcome.answer.fault
        if fault is None:
            return outcome
        # some servers repeat the key that they refuse
        clean = Fault(code=fault.code, message=self._key.scrubbed(fault.message))
        return attrs.evolve(outcome, answer=attrs.evolve(outcome.answer, fault=clean))

    def _not_afforded(self, request: Request, tokens: int) -> Outcome:
        used = self._budget.spending
        spent = f"{used.prompt_tokens + used.completion_tokens} tokens"
        if used.cost is not None:
            spent += f", {used.cost:.4f} of money"
        step = "raise token_budget or cost_budget and resume: what was answered stays"
        words = f"the budget does not allow this request ({spent} are spent, it may take {tokens} tokens); {step}"
        return Outcome(answer=Answer.failed(request, FaultCode.BUDGET, words))


def _groups(requests: Sequence[Request]) -> Iterator[Sequence[Request]]:
    """Requests without an adapter, then those with one, adapter by adapter; empty groups are left out."""
    if all(request.adapter is None for request in requests):
        groups = [requests]
    else:
        worn = sorted((request for request in requests if request.adapter is not None), key=lambda request: request.adapter or "")
        groups = [[request for request in requests if request.adapter is None], worn]
    yield from (group for group in groups if group)


def open_openai(spec: EngineSpec) -> OpenAIEngine:
    """
    Open a model on a server; ``openai_settings.Settings`` are its options.

    The server is asked for its models (``/models``) and version (``/version``), unless option ``check`` is false; one that offers
    neither is taken as it is.

    Raises
    ------
    DomainError
        For a spec or an option that cannot be, a variable without a key, a model or adapter that the server does not list.
    GenerationError
        When no server listens, or it does not accept the key.
    MissingBackend
        When a tokenizer is named and transformers is not installed.
    """
    settings = settings_of(spec)
    url = base_url_of(spec)
    key = Key(spec.api_key_env, settings.api_key_header)
    server = Server(base_url=url, headers=key.headers, connect_timeout_s=settings.connect_timeout_s)
    try:
        told = asked_server(spec, settings, server, key) if settings.check else ServerFacts()
        dialect: Literal["vllm", "openai"] = "vllm" if told.is_vllm else "openai"
        if settings.dialect != "auto":
            dialect = settings.dialect
        tokenizer = tokenizer_of(spec, settings, dialect)
    except BaseException:
        server.close()
        raise
    window = spec.max_model_len or told.max_model_len
    asking = Asking(spec=spec, settings=settings, dialect=dialect, tokenizer=tokenizer, max_model_len=window)
    return OpenAIEngine(spec, settings, asking, server, key, told)
