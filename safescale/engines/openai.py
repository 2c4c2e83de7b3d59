"""Any server that speaks OpenAI's API, vLLM's among them: many requests in flight, retries, limits, budgets; nothing is lost."""

from __future__ import annotations

import json
import queue
import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, cast

import attrs

from safescale.engines.answers import Answer, Fault, FaultCode
from safescale.engines.engine import EngineFacts, EngineSpec
from safescale.engines.openai_body import Asked, Asking, asked
from safescale.engines.openai_gate import Gate
from safescale.engines.openai_http import HttpReply, Server, Unanswered
from safescale.engines.openai_pace import Budget, Pace, Spending, backoff_wait_s
from safescale.engines.openai_reply import Outcome, outcome_of
from safescale.engines.openai_settings import Key, Settings, base_url_of, settings_of
from safescale.engines.rendering import Tokenizer, read_template, template_sha256
from safescale.engines.requests import Request
from safescale.errors import DomainError, GenerationError, MissingBackend

__all__ = ["OpenAIEngine", "open_openai"]

COSTLY: Final = (FaultCode.TIMEOUT, FaultCode.MALFORMED_ANSWER)
"""Faults after which the server may have charged: asked again twice at most."""


@attrs.frozen(kw_only=True)
class _ServerFacts:
    """What a server said when it was asked for its models."""

    models: tuple[str, ...] = ()
    max_model_len: int | None = None
    version: str | None = None
    is_vllm: bool = False


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
    _told: _ServerFacts = attrs.field(repr=False)
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
        waiting = iter(requests)
        left = len(requests)
        if left and self._gate.is_given_up:
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
        rng = random.Random(f"{self.spec.seed}:{request.request_id}")
        attempt = 0
        while True:
            outcome = self._try(request, what, stop, again=attempt > 0, probing=probing)
            attempt += 1
            if outcome.room is not None:
                # a local engine ends such an answer at the window; here the window must be asked for
                narrow = attrs.evolve(request, sampling=attrs.evolve(request.sampling, max_tokens=outcome.room))
                again = asked(narrow, self._asking)
                if isinstance(again, Asked) and again.body != what.body and attempt <= 1:
                    what = again
                    continue
            allowed = self.settings.retries
            if outcome.answer.fault is not None and outcome.answer.fault.code in COSTLY:
                allowed = min(allowed, 2)
            if not outcome.again or probing or attempt > allowed or stop.is_set():
                break
            wait_s = backoff_wait_s(attempt, first_s=self.settings.backoff_s, cap_s=self.settings.backoff_cap_s, rng=rng)
            if outcome.wait_s is not None:
                self._pace.hold(time.monotonic() + outcome.wait_s)
                wait_s = outcome.wait_s + wait_s * 0.1
            if outcome.wait_s is not None and outcome.wait_s > self.settings.max_wait_s:
                break
            stop.wait(wait_s)
            away = self._gate.turned_away(request)
            if away is not None:
                return away
        self._gate.record(outcome, successes_before=before)
        return self._final(outcome.answer, attempt)

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
            if outcome.may_cost or (answer.fault is None and (answer.prompt_tokens is None or answer.completion_tokens is None)):
                spent = (what.most_prompt_tokens, most)
            else:
                spent = (answer.prompt_tokens or 0, answer.completion_tokens or 0)
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
                words = f"the server asks to wait {held_s:.0f} s, longer than max_wait_s={self.settings.max_wait_s:g}; resume later"
                return Outcome(answer=Answer.failed(request, FaultCode.RATE_LIMITED, words))
            wait_s = max(start_s - now_s, held_s)
            if stop.is_set():
                return Outcome(answer=Answer.failed(request, FaultCode.UNREACHABLE, "not sent: nobody takes the answers any more"))
            if wait_s <= 0:
                return None
            stop.wait(wait_s)

    def _exchange(self, request: Request, what: Asked, stop: threading.Event) -> Outcome:
        try:
            reply = self._server.send("POST", what.path, what.body, timeout_s=self.settings.timeout_s, stop=stop)
        except Unanswered as error:
            answer = Answer.failed(request, error.code, error.words)
            return Outcome(answer=answer, again=error.again, connected=error.connected, may_cost=error.connected)
        return outcome_of(request, reply, key_variable=self._key.variable)

    def _not_afforded(self, request: Request, tokens: int) -> Outcome:
        used = self._budget.spending
        spent = f"{used.prompt_tokens + used.completion_tokens} tokens"
        if used.cost is not None:
            spent += f", {used.cost:.4f} of money"
        step = "raise token_budget or cost_budget and resume: what was answered stays"
        words = f"the budget does not allow this request ({spent} are spent, it may take {tokens} tokens); {step}"
        return Outcome(answer=Answer.failed(request, FaultCode.BUDGET, words))

    def _final(self, answer: Answer, attempts: int) -> Answer:
        """The answer with its fault told in full: tries, and no key."""
        if answer.fault is None:
            return answer
        tries = f" (tried {attempts} times)" if attempts > 1 else ""
        message = self._key.scrubbed(answer.fault.message) + tries
        return attrs.evolve(answer, fault=Fault(code=answer.fault.code, message=message))


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
    told = _asked_server(spec, settings, server, key) if settings.check else _ServerFacts()
    dialect: Literal["vllm", "openai"] = "vllm" if told.is_vllm else "openai"
    if settings.dialect != "auto":
        dialect = settings.dialect
    window = spec.max_model_len or told.max_model_len
    asking = Asking(
        spec=spec, settings=settings, dialect=dialect, tokenizer=_tokenizer(spec, settings, dialect), max_model_len=window
    )
    return OpenAIEngine(spec, settings, asking, server, key, told)


def _asked_server(spec: EngineSpec, settings: Settings, server: Server, key: Key) -> _ServerFacts:
    until_s = time.monotonic() + settings.start_wait_s
    while True:
        try:
            reply = server.send("GET", "/models", None, timeout_s=min(settings.timeout_s, 60.0))
            # a server that loads says 503
            if reply.status != 503 or time.monotonic() >= until_s:
                break
        except Unanswered as error:
            if time.monotonic() >= until_s:
                step = "start one (vllm serve MODEL), or set start_wait_s to wait for one"
                raise GenerationError(f"{error.words} {step}") from None
        time.sleep(min(0.5, max(until_s - time.monotonic(), 0.01)))
    if reply.status in (401, 403):
        step = f"the variable {key.variable!r} holds another" if key.variable else "name the variable that holds it: api_key_env"
        raise GenerationError(f"the server at {server.shown} does not accept the key (HTTP {reply.status}); {step}")
    listed = _listed(reply) if reply.status == 200 else []
    names = tuple(str(one["id"]) for one in listed)
    for name in (spec.model, *spec.adapters):
        if names and name not in names:
            kind = "model" if name == spec.model else "adapter"
            shown = ", ".join(names[:20]) + (" ..." if len(names) > 20 else "")
            step = "write one of these, or set option check to false if it takes others too"
            raise DomainError(f"the server at {server.shown} lists no {kind} {name!r}; it lists {shown}; {step}")
    mine = next((one for one in listed if one["id"] == spec.model), {})
    window = mine.get("max_model_len")
    version = _version(server)
    return _ServerFacts(
        models=names,
        max_model_len=window if isinstance(window, int) else None,
        version=version,
        is_vllm=mine.get("owned_by") == "vllm",
    )


def _listed(reply: HttpReply) -> list[Mapping[str, object]]:
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        return []
    data = body.get("data") if isinstance(body, dict) else None
    return [one for one in data if isinstance(one, dict) and "id" in one] if isinstance(data, list) else []


def _version(server: Server) -> str | None:
    try:
        reply = server.send("GET", "/version", None, timeout_s=10.0, root=True)
        body = json.loads(reply.body) if reply.status == 200 else None
    except (Unanswered, ValueError, RecursionError):
        return None
    version = body.get("version") if isinstance(body, dict) else None
    return version if isinstance(version, str) else None


def _tokenizer(spec: EngineSpec, settings: Settings, dialect: str) -> Tokenizer | None:
    """Tokenizer whose token ids are sent in place of messages; None where the server renders."""
    if settings.send == "messages" or (settings.send == "auto" and spec.tokenizer is None):
        if spec.chat_template is not None:
            step = "start it with --chat-template, or name a tokenizer too: token ids are then sent"
            raise DomainError(f"a server has a chat template of its own; {step}")
        return None
    if dialect != "vllm":
        raise DomainError("token ids can be sent to vLLM only; leave tokenizer out, or set option dialect to vllm")
    if spec.tokenizer is None:
        raise DomainError("option send=token_ids needs a tokenizer in the spec")
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise MissingBackend("transformers", "hf") from error
    try:
        tokenizer = cast(Tokenizer, AutoTokenizer.from_pretrained(spec.tokenizer, revision=spec.revision))
    except (OSError, ValueError) as error:
        raise GenerationError(f"no tokenizer at {spec.tokenizer!r}: {str(error).splitlines()[0][:200]}") from error
    if spec.chat_template is not None:
        tokenizer.chat_template = read_template(spec.chat_template)
    return tokenizer
