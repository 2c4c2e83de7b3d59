"""
A real HTTP server on this machine that speaks OpenAI's API as it is told to: mocks of HTTP libraries would not see our sockets.

Without a program it is a stand-in for vLLM: the fake engine stands behind it, told what comes in over the wire.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs

from safescale.engines import Answer, Constraint, EngineSpec, FaultCode, Message, Request, Sampling
from safescale.engines.fake import FakeEngine, default_reply


@attrs.frozen(kw_only=True)
class Called:
    """One request that came in."""

    number: int
    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    at_s: float


@attrs.frozen(kw_only=True)
class Reply:
    """
    What goes back: a status and a body, after ``delay_s``; ``drip_s`` between its bytes; only ``cut_at`` bytes of it, then the end.

    ``raw`` goes out in place of everything, HTTP or not. ``then_close``: the connection ends after a whole reply, without a word.
    """

    status: int = 200
    body: object = None
    headers: Mapping[str, str] = attrs.field(factory=dict)
    delay_s: float = 0.0
    drip_s: float = 0.0
    cut_at: int | None = None
    then_close: bool = False
    raw: bytes | None = None


Program = Callable[[Called], Reply | None]


def error(status: int, message: str, *, code: object = None, **headers: str) -> Reply:
    """An error as OpenAI and vLLM word one."""
    inner = {"message": message, "type": "BadRequestError", "param": None, "code": code if code is not None else status}
    return Reply(status=status, body={"error": inner}, headers={name.replace("_", "-"): value for name, value in headers.items()})


def chat(text: str | None, *, finish: str = "stop", usage: Mapping[str, int] | None = None, **message: object) -> Reply:
    """A chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish, "logprobs": None}
    told = {"prompt_tokens": 3, "completion_tokens": len((text or "").split())} if usage is None else dict(usage)
    return Reply(body={"id": "x", "object": "chat.completion", "choices": [choice], "usage": told})


@attrs.define
class Loopback:
    """The server: ``with Loopback(program) as server``, ``server.url``; ``calls`` holds what was asked of the API, in order."""

    program: Program = lambda called: None
    models: Sequence[str] = ("zorble",)
    adapters: Sequence[str] = ("adv",)
    window: int = 64
    version: str | None = "0.32.0"
    key: str | None = None
    port: int = 0
    calls: list[Called] = attrs.field(factory=list)
    most_at_once: int = 0
    _at_once: int = 0
    _lock: threading.Lock = attrs.field(factory=threading.Lock)
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Loopback:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # one write for the head and one for the body must not wait for each other
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_GET(self) -> None:
                owner._handle(self)

            def do_POST(self) -> None:
                owner._handle(self)

            def log_message(self, *args: object) -> None:
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request: object, client_address: object) -> None:
                return

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Base URL."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        size = int(handler.headers.get("Content-Length") or 0)
        body = json.loads(handler.rfile.read(size) or b"{}")
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            self._send(handler, self._reply(handler, body))
        finally:
            with self._lock:
                self._at_once -= 1

    def _reply(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> Reply:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        path = handler.path.partition("?")[0]
        if self.key is not None and headers.get("authorization") != f"Bearer {self.key}":
            refused = error(401, f"Incorrect API key provided: {headers.get('authorization')}", code="invalid_api_key")
            if handler.command == "POST":
                self._note(handler, headers, body)
            return refused
        if path == "/version":
            return Reply(body={"version": self.version}) if self.version else error(404, "Not Found")
        if path == "/v1/models":
            owner = "vllm" if self.version else "someone"
            names = [*self.models, *self.adapters]
            return Reply(
                body={"object": "list", "data": [{"id": n, "owned_by": owner, "max_model_len": self.window} for n in names]}
            )
        called = self._note(handler, headers, body)
        return self.program(called) or self._as_a_model(called)

    def _note(self, handler: BaseHTTPRequestHandler, headers: Mapping[str, str], body: dict[str, Any]) -> Called:
        with self._lock:
            called = Called(
                number=len(self.calls),
                method=handler.command,
                path=handler.path,
                headers=headers,
                body=body,
                at_s=time.monotonic(),
            )
            self.calls.append(called)
        return called

    def _as_a_model(self, called: Called) -> Reply:
        body = called.body
        if body["model"] not in (*self.models, *self.adapters):
            return error(404, f"The model `{body['model']}` does not exist.")
        request = _understood(body, adapters=self.adapters)
        spec = EngineSpec(engine="fake", model=self.models[0], adapters=dict.fromkeys(self.adapters, "/nowhere"))
        (answer,) = FakeEngine(attrs.evolve(spec, max_model_len=self.window), _reply).answer([request])
        if answer.fault is not None and answer.fault.code is not FaultCode.CONSTRAINT_BROKEN:
            return error(
                400, f"This model's maximum context length is {self.window} tokens. Please reduce the length of the prompt."
            )
        if answer.fault is None and (answer.prompt_tokens or 0) + request.sampling.max_tokens > self.window:
            words = (
                f"This model's maximum context length is {self.window} tokens. However, you requested {request.sampling.max_tokens}"
                f" output tokens and your prompt contains at least {answer.prompt_tokens} input tokens, for a total of more."
            )
            return error(400, words)
        text = answer.text or ""
        part: dict[str, Any] = {"message": {"role": "assistant", "content": text}} if body.get("messages") else {"text": text}
        finish = answer.finish_reason if answer.fault is None else "length"
        choice = {"index": 0, "finish_reason": finish, "logprobs": _logprobs(answer, is_chat="messages" in body), **part}
        return Reply(body={"choices": [choice], "usage": _usage(answer)})

    def _send(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        time.sleep(reply.delay_s)
        if reply.raw is not None:
            handler.wfile.write(reply.raw)
            handler.wfile.flush()
            self._end(handler)
            return
        data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        handler.send_response(reply.status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(data)))
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        sent = data if reply.cut_at is None else data[: reply.cut_at]
        if reply.drip_s:
            for byte in sent:
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
                time.sleep(reply.drip_s)
        else:
            handler.wfile.write(sent)
        handler.wfile.flush()
        if reply.cut_at is not None or reply.then_close:
            self._end(handler)

    @staticmethod
    def _end(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        try:
            handler.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def _understood(body: Mapping[str, Any], *, adapters: Sequence[str]) -> Request:
    """The request that a body asks for, as a server reads it: ``guided_choice`` and other unknown fields are ignored."""
    wanted = {**(body.get("structured_outputs") or {})}
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        wanted = {"json": form["json_schema"]["schema"]}
    constraint = None
    for kind, value in wanted.items():
        choices = tuple(value) if kind == "choice" else ()
        text = value if kind == "regex" else json.dumps(value) if kind == "json" else ""
        constraint = Constraint(kind=kind, choices=choices, body=text)
    logprobs = body.get("logprobs")
    if "messages" in body:
        logprobs = body.get("top_logprobs") or 0 if logprobs else None
    messages = tuple(Message(role=one["role"], content=one["content"]) for one in body.get("messages") or ())
    assert not messages or (messages[-1].role == "assistant") is bool(body.get("continue_final_message")), "a prefill is announced"
    return Request(
        messages=messages,
        text=None if messages else str(body["prompt"]),
        sampling=Sampling(
            temperature=body["temperature"],
            top_p=body["top_p"],
            top_k=body.get("top_k", 0),
            max_tokens=body["max_tokens"],
            stop=tuple(body.get("stop") or ()),
            seed=body.get("seed"),
            logprobs=logprobs,
        ),
        constraint=constraint,
        adapter=body["model"] if body["model"] in adapters else None,
    )


def _reply(request: Request, spec: EngineSpec) -> str | Answer:
    if request.constraint is not None and request.constraint.kind == "regex":
        several = ("tove-123", "wabe-007", "42", "a1")
        return next((text for text in several if re.fullmatch(request.constraint.body, text)), "zorble")
    return default_reply(request, spec)


def _usage(answer: Answer) -> dict[str, int]:
    return {"prompt_tokens": answer.prompt_tokens or 0, "completion_tokens": answer.completion_tokens or 0}


def _logprobs(answer: Answer, *, is_chat: bool) -> dict[str, Any] | None:
    if answer.logprobs is None:
        return None
    if not is_chat:
        return {
            "tokens": [one.token for one in answer.logprobs],
            "token_logprobs": [one.logprob for one in answer.logprobs],
            "top_logprobs": [dict(one.alternatives) for one in answer.logprobs],
        }
    content = []
    for one in answer.logprobs:
        top = [{"token": token, "logprob": value} for token, value in one.alternatives]
        content.append({"token": one.token, "logprob": one.logprob, "top_logprobs": top})
    return {"content": content}


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
