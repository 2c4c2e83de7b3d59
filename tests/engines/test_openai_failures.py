"""Whatever a server does, each request ends once, with an answer or with a fault that names the next step."""

from __future__ import annotations

import collections
import email.utils
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from engines.loopback import Called, Loopback, Program, Reply, chat, error, free_port
from safescale.engines import Answer, Constraint, EngineSpec, FaultCode, Message, Request, Sampling, in_order, open_engine
from safescale.engines.openai import OpenAIEngine
from safescale.errors import DomainError, GenerationError

FAST = {"backoff_s": 0.01, "backoff_cap_s": 0.02}
KEY = "sk-zorble-0123456789"


def asking(count: int, *, constraint: Constraint | None = None, **sampling: object) -> list[Request]:
    return [
        Request(
            messages=(Message(role="user", content=f"zorble {number}"),),
            sampling=Sampling(**{"max_tokens": 16, **sampling}),  # type: ignore[arg-type]
            constraint=constraint,
        )
        for number in range(count)
    ]


@contextmanager
def opened(server: Loopback, **options: object) -> Iterator[OpenAIEngine]:
    spec = EngineSpec(
        engine="openai",
        model="zorble",
        base_url=server.url,
        api_key_env="ZORBLE_KEY" if server.key else None,
        adapters=dict.fromkeys(server.adapters, ""),
        options={**FAST, **options},  # type: ignore[arg-type]
    )
    engine = open_engine(spec)
    assert isinstance(engine, OpenAIEngine)
    try:
        yield engine
    finally:
        engine.close()


def asked(program: Program, requests: Sequence[Request], **options: object) -> tuple[list[Answer], Loopback, OpenAIEngine]:
    with Loopback(program) as server, opened(server, **options) as engine:
        return in_order(requests, engine.answer(requests)), server, engine


def codes(answers: Sequence[Answer]) -> dict[str, int]:
    return dict(collections.Counter("good" if answer.fault is None else answer.fault.code.value for answer in answers))


def first_times(count: int, reply: Reply) -> Program:
    """The same reply to the first tries of each prompt, then a good answer."""
    seen: collections.Counter[str] = collections.Counter()

    def program(called: Called) -> Reply | None:
        prompt = called.body["messages"][0]["content"]
        seen[prompt] += 1
        return reply if seen[prompt] <= count else chat(f"said {prompt}")

    return program


PASSING = {
    "429": error(429, "slow down"),
    "500": error(500, "EngineCore encountered an issue"),
    "503": error(503, "loading"),
    "504": error(504, "gateway"),
    "cut connection": Reply(body={"choices": []}, cut_at=3),
    "closed without a word": Reply(raw=b""),
    "no JSON": Reply(body=b"<html>busy</html>"),
    "truncated JSON": Reply(body=b'{"choices": [{"message": {"content": "zor'),
    "no choices": Reply(body={"choices": []}),
    "no HTTP": Reply(raw=b"SSH-2.0-OpenSSH_9.6\r\n"),
    "200 with an error": Reply(body={"error": {"code": 502, "message": "provider"}}),
    "aborted": chat("half", finish="abort"),
}


@pytest.mark.parametrize("reply", PASSING.values(), ids=PASSING.keys())
def test_what_passes_is_asked_again(reply: Reply) -> None:
    requests = asking(3)
    answers, server, engine = asked(first_times(2, reply), requests, concurrency=2)
    assert [answer.text for answer in answers] == [f"said zorble {number}" for number in range(3)]
    assert len(server.calls) == 9
    # a kept connection that ends without a word is replaced once, as the server may have closed it long before
    assert engine.spending.sent == 9 or (reply.raw == b"" and engine.spending.sent >= 6)
    assert engine.spending.retried == engine.spending.sent - 3


LASTING = {
    "429": (error(429, "slow down"), FaultCode.RATE_LIMITED, 3),
    "500": (error(500, "broken"), FaultCode.SERVER_ERROR, 3),
    "cut connection": (Reply(body={"choices": []}, cut_at=3), FaultCode.UNREACHABLE, 3),
    "truncated JSON": (Reply(body=b'{"choices": [{"mess'), FaultCode.MALFORMED_ANSWER, 3),
    "deep JSON": (Reply(body=b"[" * 100_000), FaultCode.MALFORMED_ANSWER, 3),
    "no UTF-8": (Reply(body=b'{"choices": "\xff"}'), FaultCode.MALFORMED_ANSWER, 3),
    "no content": (Reply(body={"choices": [{"message": {"tool_calls": [{}]}}]}), FaultCode.MALFORMED_ANSWER, 3),
    "too long": (error(400, "This model's maximum context length is 64 tokens."), FaultCode.TOO_LONG, 1),
    "too long by status": (error(413, "big"), FaultCode.TOO_LONG, 1),
    "no template": (
        error(400, "As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat template"),
        FaultCode.NO_CHAT_TEMPLATE,
        1,
    ),
    "unknown field": (error(400, "Unrecognized request argument supplied: top_k"), FaultCode.BAD_REQUEST, 1),
    "filtered": (error(400, "content management policy", code="content_filter"), FaultCode.BAD_REQUEST, 1),
    "moved": (Reply(status=307, body={}, headers={"Location": "http://127.0.0.1:1/v1"}), FaultCode.UNREACHABLE, 1),
    "no such address": (error(404, "Not Found"), FaultCode.UNREACHABLE, 1),
    "no rights": (error(403, "no access to this model"), FaultCode.AUTHENTICATION, 1),
    "nothing left": (error(429, "You exceeded your current quota", code="insufficient_quota"), FaultCode.BUDGET, 1),
}


@pytest.mark.parametrize(("reply", "code", "tries"), LASTING.values(), ids=LASTING.keys())
def test_what_lasts_is_a_fault_that_names_a_step(reply: Reply, code: FaultCode, tries: int) -> None:
    (request,) = asking(1)
    (answer,), server, _ = asked(lambda called: reply, [request], retries=2)
    assert answer.fault is not None
    assert answer.fault.code is code
    assert len(server.calls) == tries
    assert answer.finish_reason == "error"
    assert (f"tried {tries} times" in answer.fault.message) is (tries > 1)
    assert len(answer.fault.message) > 40


def test_one_bad_item_fails_alone() -> None:
    def program(called: Called) -> Reply:
        prompt = called.body["messages"][0]["content"]
        return error(400, "maximum context length is 64 tokens") if prompt == "zorble 7" else chat(prompt)

    answers, _, _ = asked(program, asking(40), concurrency=8)
    assert codes(answers) == {"good": 39, "TOO_LONG": 1}


def test_a_time_out_is_of_the_whole_exchange() -> None:
    """A server that drips a byte every 0.05 s never lets a socket's own timeout pass."""
    (request,) = asking(1)
    began = time.monotonic()
    (answer,), _, _ = asked(lambda called: dripping(), [request], timeout_s=0.4, retries=0)
    assert answer.fault is not None
    assert answer.fault.code is FaultCode.TIMEOUT
    assert answer.finish_reason == "timeout"
    assert "timeout_s" in answer.fault.message
    assert time.monotonic() - began < 3


def dripping() -> Reply:
    return Reply(body=chat("zorble " * 40).body, drip_s=0.05)


def test_a_slow_server_times_out() -> None:
    (answer,), server, _ = asked(lambda called: Reply(body={}, delay_s=1.0), asking(1), timeout_s=0.2, retries=5)
    assert answer.fault is not None
    assert answer.fault.code is FaultCode.TIMEOUT
    # the server may have worked: three tries, not six
    assert len(server.calls) == 3


def test_as_many_requests_are_in_flight_as_allowed() -> None:
    def program(called: Called) -> Reply:
        return Reply(body=chat("x").body, delay_s=0.05)

    answers, server, _ = asked(program, asking(24), concurrency=6)
    assert codes(answers) == {"good": 24}
    assert server.most_at_once == 6


def test_answers_stream_as_they_come() -> None:
    held = threading.Event()

    def program(called: Called) -> Reply:
        if called.body["messages"][0]["content"] == "zorble 0":
            held.wait(10)
        return chat("x")

    requests = asking(5)
    with Loopback(program) as server, opened(server, concurrency=2) as engine:
        stream = engine.answer(requests)
        first = [next(stream) for _ in range(4)]
        held.set()
        rest = list(stream)
    assert [answer.request_id for answer in rest] == [requests[0].request_id]
    assert {answer.request_id for answer in first} == {request.request_id for request in requests[1:]}


def test_a_taker_who_leaves_ends_the_asking() -> None:
    def program(called: Called) -> Reply:
        return Reply(body=chat("x").body, delay_s=0.02 if called.number < 2 else 5.0)

    before = threading.active_count()
    with Loopback(program) as server, opened(server, concurrency=2) as engine:
        began = time.monotonic()
        stream = engine.answer(asking(100))
        next(stream)
        stream.close()
        assert time.monotonic() - began < 3
        called = len(server.calls)
        time.sleep(0.1)
        assert len(server.calls) == called <= 6
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("openai-")], before


def test_retry_after_is_honoured_by_all() -> None:
    def program(called: Called) -> Reply:
        return error(429, "slow down", Retry_After="0.5") if called.number == 0 else chat("x")

    answers, server, _ = asked(program, asking(6), concurrency=1)
    assert codes(answers) == {"good": 6}
    assert server.calls[1].at_s - server.calls[0].at_s >= 0.5


def test_retry_after_may_be_an_instant() -> None:
    def program(called: Called) -> Reply:
        when = email.utils.formatdate(time.time() + 2, usegmt=True)
        return error(503, "soon", Retry_After=when) if called.number == 0 else chat("x")

    _, server, _ = asked(program, asking(1))
    assert 0.5 <= server.calls[1].at_s - server.calls[0].at_s < 3


def test_an_hour_is_not_waited_for() -> None:
    answers, server, _ = asked(lambda called: error(429, "tomorrow", Retry_After="3600"), asking(50), concurrency=4)
    assert codes(answers) == {"RATE_LIMITED": 50}
    assert len(server.calls) <= 4
    assert "resume" in str(answers[-1].fault)


def test_requests_a_minute_are_kept() -> None:
    answers, server, _ = asked(lambda called: chat("x"), asking(6), requests_per_minute=600, concurrency=6)
    assert codes(answers) == {"good": 6}
    assert server.calls[-1].at_s - server.calls[0].at_s >= 0.45


def test_tokens_a_minute_are_kept() -> None:
    requests = asking(4, max_tokens=500)
    _, server, _ = asked(
        lambda called: chat("x", usage={"prompt_tokens": 30, "completion_tokens": 500}), requests, tokens_per_minute=200_000
    )
    # 3 times 530 tokens of 200,000 a minute
    assert server.calls[-1].at_s - server.calls[0].at_s >= 0.4


def test_a_wrong_key_is_said_when_the_engine_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZORBLE_KEY", KEY)
    with Loopback(key="sk-another") as server:
        spec = EngineSpec(engine="openai", model="zorble", base_url=server.url, api_key_env="ZORBLE_KEY")
        with pytest.raises(GenerationError, match=r"does not accept the key.*ZORBLE_KEY") as told:
            open_engine(spec)
    assert KEY not in str(told.value)


def test_a_wrong_key_ends_the_asking_at_once_and_is_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server repeats the key in its message; 1,000 requests knock as often as there are hands."""
    monkeypatch.setenv("ZORBLE_KEY", KEY)
    requests = asking(1_000)
    with Loopback(key="sk-another") as server, opened(server, check=False, concurrency=8) as engine:
        answers = in_order(requests, engine.answer(requests))
        again = list(engine.answer(requests[:3]))
        assert len(server.calls) <= 8
        assert server.calls[0].headers["authorization"] == f"Bearer {KEY}"
        shown = [repr(engine), repr(engine.facts), str(engine.facts), repr(engine._server), repr(engine._key)]
    assert codes(answers) == {"AUTHENTICATION": 1_000}
    assert codes(again) == {"AUTHENTICATION": 3}
    assert "Incorrect API key provided: Bearer ***" in str(answers[0].fault)
    assert "ZORBLE_KEY" in str(answers[0].fault)
    assert not [text for text in (*shown, *map(repr, answers)) if KEY in text]


def test_a_403_among_answers_is_of_its_request_alone() -> None:
    def program(called: Called) -> Reply:
        return error(403, "not for you") if called.number == 5 else chat("x")

    answers, _, _ = asked(program, asking(20), concurrency=1)
    assert codes(answers) == {"good": 19, "AUTHENTICATION": 1}


@pytest.mark.parametrize("key", ["", "two words", "line\nend", "schlüssel"])
def test_refuses_a_key_that_no_key_can_be(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("ZORBLE_KEY", key)
    with pytest.raises(DomainError, match="ZORBLE_KEY") as told:
        open_engine(EngineSpec(engine="openai", model="zorble", base_url="http://127.0.0.1:1", api_key_env="ZORBLE_KEY"))
    assert not key or key not in str(told.value)


def test_a_key_in_the_place_of_the_name_of_its_variable_is_not_repeated() -> None:
    with pytest.raises(DomainError, match="api_key_env is no name of an environment variable") as told:
        open_engine(EngineSpec(engine="openai", model="zorble", base_url="http://127.0.0.1:1", api_key_env="sk-zorble-quindle"))
    assert "zorble-quindle" not in str(told.value)


def test_a_server_that_is_down_is_said_when_the_engine_is_opened() -> None:
    spec = EngineSpec(engine="openai", model="zorble", base_url=f"http://127.0.0.1:{free_port()}/v1")
    with pytest.raises(GenerationError, match=r"no connection to http://127.0.0.1:\d+/v1 \(Connection refused\).*vllm serve"):
        open_engine(spec)


def test_a_server_that_goes_down_is_asked_no_more_until_it_is_back() -> None:
    requests = asking(5_000)
    with Loopback() as server:
        spec = EngineSpec(engine="openai", model="zorble", base_url=server.url, options={**FAST, "retries": 2, "concurrency": 4})
        engine = open_engine(spec)
        assert codes(list(engine.answer(requests[:8]))) == {"good": 8}
        port = int(server.url.rsplit(":", 1)[1].partition("/")[0])
    engine._server.close()  # type: ignore[attr-defined]
    began = time.monotonic()
    down = in_order(requests, engine.answer(requests))
    assert codes(down) == {"UNREACHABLE": 5_000}
    assert "no connection to" in str(down[-1].fault)
    assert codes(list(engine.answer(requests[:100]))) == {"UNREACHABLE": 100}
    assert time.monotonic() - began < 5
    with Loopback(port=port):
        assert codes(list(engine.answer(requests[:100]))) == {"good": 100}
    engine.close()


def test_a_server_that_starts_late_is_waited_for() -> None:
    port = free_port()
    late = Loopback(port=port)
    timer = threading.Timer(0.7, late.__enter__)
    timer.start()
    spec = EngineSpec(engine="openai", model="zorble", base_url=f"http://127.0.0.1:{port}", options={"start_wait_s": 20})
    engine = open_engine(spec)
    assert codes(list(engine.answer(asking(2)))) == {"good": 2}
    engine.close()
    timer.join()
    late.__exit__()


def test_a_server_that_only_fails_is_given_up() -> None:
    answers, server, _ = asked(lambda called: error(500, "broken"), asking(2_000), concurrency=4, retries=1)
    assert codes(answers) == {"SERVER_ERROR": 2_000}
    assert len(server.calls) <= 32
    assert "given up" in str(answers[-1].fault)


def test_one_request_that_the_server_cannot_stomach_is_not_the_end() -> None:
    def program(called: Called) -> Reply:
        prompt = called.body["messages"][0]["content"]
        return error(500, "broken") if prompt in ("zorble 0", "zorble 1", "zorble 5") else chat(prompt)

    answers, _, _ = asked(program, asking(12), concurrency=1, retries=1)
    assert codes(answers) == {"SERVER_ERROR": 3, "good": 9}


def test_a_connection_that_the_server_closed_meanwhile_is_no_failure() -> None:
    def program(called: Called) -> Reply:
        return Reply(body=chat("x").body, then_close=True)

    with Loopback(program) as server, opened(server, retries=0, concurrency=1) as engine:
        for _ in range(3):
            assert codes(list(engine.answer(asking(2)))) == {"good": 2}
            time.sleep(0.05)


def test_a_token_budget_is_never_exceeded_and_loses_nothing() -> None:
    used = {"prompt_tokens": 20, "completion_tokens": 16}
    requests = asking(200)
    answers, server, engine = asked(lambda called: chat("x", usage=used), requests, token_budget=1_000, concurrency=16)
    told = codes(answers)
    assert set(told) == {"good", "BUDGET"}
    # 36 tokens each; a try holds back at most 8 + 80 + 16 of them
    assert 1_000 - 104 - 36 <= told["good"] * 36 <= 1_000
    assert engine.spending.prompt_tokens + engine.spending.completion_tokens == told["good"] * 36
    assert len(server.calls) == told["good"]
    assert "token_budget" in str(next(answer.fault for answer in answers if answer.fault))


def test_a_cost_budget_is_kept_in_money() -> None:
    used = {"prompt_tokens": 20, "completion_tokens": 16}
    options = {"cost_budget": 0.01, "price_prompt": 1.0, "price_completion": 10.0}
    answers, _, engine = asked(lambda called: chat("x", usage=used), asking(200), concurrency=8, **options)
    assert set(codes(answers)) == {"good", "BUDGET"}
    cost = codes(answers)["good"] * (20 * 1.0 + 16 * 10.0) / 1e6
    assert engine.spending.cost == pytest.approx(cost)
    assert 0.0095 < cost <= 0.01


def test_a_server_that_does_not_count_is_charged_the_most() -> None:
    answers, _, engine = asked(lambda called: chat("x", usage={}), asking(50), token_budget=1_000, concurrency=1)
    assert codes(answers)["good"] == 1_000 // 104
    assert next(answer for answer in answers if answer.fault is None).prompt_tokens is None
    assert engine.spending.prompt_tokens + engine.spending.completion_tokens <= 1_000


def test_a_budget_without_prices_is_refused() -> None:
    spec = EngineSpec(engine="openai", model="zorble", base_url="http://127.0.0.1:1", options={"cost_budget": 1.0})
    with pytest.raises(DomainError, match="price_prompt"):
        open_engine(spec)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"zorble": 1}, "has no option 'zorble'"),
        ({"concurrency": 0}, "concurrency .* above 0, got 0"),
        ({"concurrency": 2.5}, "concurrency .* of type int, got 2.5"),
        ({"check": 1}, "check .* of type bool, got 1"),
        ({"timeout_s": "10"}, "timeout_s .* of type float, got '10'"),
        ({"dialect": "zorble"}, "dialect .* one of auto, vllm, openai, got 'zorble'"),
        ({"extra_body": "[1]"}, "extra_body .* JSON object"),
    ],
)
def test_refuses_options_that_cannot_be(options: dict[str, object], match: str) -> None:
    with pytest.raises(DomainError, match=match):
        open_engine(EngineSpec(engine="openai", model="zorble", base_url="http://127.0.0.1:1", options=options))  # type: ignore[arg-type]


@pytest.mark.parametrize("url", [None, "127.0.0.1:8000", "ftp://x/v1", "http://", "http://x:99999/v1", "http://me:sk-secret@x/v1"])
def test_refuses_an_address_that_cannot_be(url: str | None) -> None:
    with pytest.raises(DomainError, match="base_url") as told:
        open_engine(EngineSpec(engine="openai", model="zorble", base_url=url))
    assert "sk-secret" not in str(told.value)


def test_a_model_that_the_server_does_not_list_is_said_with_those_it_lists() -> None:
    with Loopback() as server, pytest.raises(DomainError, match="lists no model 'quindle'; it lists zorble, adv"):
        open_engine(EngineSpec(engine="openai", model="quindle", base_url=server.url))


def test_facts_are_the_servers_own() -> None:
    with Loopback(window=77) as server, opened(server) as engine:
        facts = engine.facts
    assert (facts.engine, facts.version, facts.max_model_len) == ("openai", "0.32.0", 77)
    assert facts.packages == {"vllm": "0.32.0"}
    assert facts.options["dialect"] == "vllm"
    assert facts.options["base_url"] == server.url
    assert facts.options["backoff_s"] == "0.01"
    assert facts.weights_sha256 is None
    assert facts.batch_invariant is None
