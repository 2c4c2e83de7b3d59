"""What is sent to a server, and what is made of what it says: every field of a request, every shape of a reply."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from engines.loopback import Called, Loopback, Reply, chat
from engines.test_openai_failures import asked, asking, codes, opened
from safescale.engines import Constraint, EngineSpec, FaultCode, Message, Request, Sampling, in_order, open_engine, openai_opening
from safescale.errors import DomainError, MissingBackend

CHOICE = Constraint(kind="choice", choices=("REFUSAL", "COMPLIANCE"))
SCHEMA = {"type": "object", "properties": {"verdict": {"enum": ["A", "B"]}}, "required": ["verdict"], "additionalProperties": False}
JSON = Constraint(kind="json", body=json.dumps(SCHEMA))
REGEX = Constraint(kind="regex", body="[a-c]+[0-9]")


def sent(request: Request, *, version: str | None = "0.32.0", **options: object) -> Called:
    """What arrives at the server for one request."""
    with Loopback(lambda called: chat("x"), version=version) as server, opened(server, **options) as engine:
        list(engine.answer([request]))
        assert len(server.calls) == 1
        return server.calls[0]


def one(**fields: Any) -> Request:
    return Request(messages=(Message(role="system", content="tove"), Message(role="user", content="zorble")), **fields)


FULL = Sampling(temperature=0.7, top_p=0.9, top_k=40, max_tokens=9, stop=("END",), seed=5, logprobs=3)
COMMON = {
    "model": "zorble",
    "messages": [{"role": "system", "content": "tove"}, {"role": "user", "content": "zorble"}],
    "temperature": 0.7,
    "top_p": 0.9,
    "top_k": 40,
    "max_tokens": 9,
    "stop": ["END"],
    "seed": 5,
    "logprobs": True,
    "top_logprobs": 3,
    "stream": False,
    "n": 1,
}
NEUTRAL = {"min_p": 0.0, "repetition_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0}


def test_every_field_is_sent_to_vllm_so_that_no_default_of_the_model_leaks() -> None:
    called = sent(one(sampling=FULL, tags=(("condition", "secret"),)))
    assert called.path == "/v1/chat/completions"
    assert called.body == COMMON | NEUTRAL
    assert sent(one()).body["top_k"] == 0


def test_other_servers_get_the_common_fields_alone() -> None:
    assert sent(one(sampling=FULL), version=None).body == COMMON
    assert "top_k" not in sent(one(), version=None).body
    assert "authorization" not in sent(one()).headers


def test_options_shape_the_body() -> None:
    body = sent(
        one(sampling=FULL),
        version=None,
        max_tokens_field="max_completion_tokens",
        leave_out="temperature, top_p,top_k",
        extra_body='{"chat_template_kwargs": {"enable_thinking": false}}',
    ).body
    assert body["max_completion_tokens"] == 9
    assert body["chat_template_kwargs"] == {"enable_thinking": False}
    assert not {"max_tokens", "temperature", "top_p", "top_k"} & set(body)


@pytest.mark.parametrize(
    ("constraint", "options", "expected"),
    [
        (CHOICE, {}, {"structured_outputs": {"choice": ["REFUSAL", "COMPLIANCE"]}}),
        (JSON, {}, {"structured_outputs": {"json": SCHEMA}}),
        (REGEX, {}, {"structured_outputs": {"regex": "[a-c]+[0-9]"}}),
        (CHOICE, {"structured": "guided"}, {"guided_choice": ["REFUSAL", "COMPLIANCE"]}),
        (
            JSON,
            {"dialect": "openai"},
            {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA}}},
        ),
    ],
)
def test_a_constraint_is_sent_as_the_server_knows_it(constraint: Constraint, options: dict[str, object], expected: object) -> None:
    body = sent(one(constraint=constraint), **options).body
    known = ("structured_outputs", "guided_choice", "response_format")
    assert {name: body[name] for name in known if name in body} == expected


@pytest.mark.parametrize(
    ("request_", "options"),
    [
        (one(constraint=REGEX), {"dialect": "openai"}),
        (one(constraint=CHOICE), {"structured": "none"}),
        (one(constraint=Constraint(kind="regex", body="(open")), {}),
        (one(constraint=Constraint(kind="json", body='{"unevaluatedItems": false}')), {}),
        (one(constraint=Constraint(kind="json", body='{"$ref": "#/$defs/none"}')), {}),
        (Request(text="zorble", constraint=JSON), {"dialect": "openai"}),
    ],
)
def test_a_constraint_that_nobody_forces_or_checks_is_not_sent(request_: Request, options: dict[str, object]) -> None:
    (answer,), server, _ = asked(lambda called: chat("x"), [request_], **options)
    assert answer.fault is not None
    assert answer.fault.code is FaultCode.CANNOT_CONSTRAIN
    assert not server.calls


IGNORED = {
    "a choice": (CHOICE, "I would say REFUSAL", "none of the choices"),
    "a choice with a blank": (CHOICE, "REFUSAL ", "none of the choices"),
    "no JSON": (JSON, "verdict: A", "no JSON"),
    "fenced JSON": (JSON, '```json\n{"verdict": "A"}\n```', "no JSON"),
    "cut JSON": (JSON, '{"verdict": "A', "no JSON"),
    "another value": (JSON, '{"verdict": "C"}', "none of"),
    "one name more": (JSON, '{"verdict": "A", "why": 1}', "not foreseen"),
    "a name twice": (JSON, '{"verdict": "B", "verdict": "A"}', "twice"),
    "NaN": (Constraint(kind="json", body='{"type": "number"}'), "NaN", "no JSON"),
    "a longer text": (REGEX, "abc7 and more", "does not match"),
}


@pytest.mark.parametrize(("constraint", "text", "why"), IGNORED.values(), ids=IGNORED.keys())
def test_a_server_that_ignores_a_constraint_is_caught_and_its_text_kept(constraint: Constraint, text: str, why: str) -> None:
    """As vLLM ignores ``guided_choice`` since 0.12, without a word."""
    (answer,), server, _ = asked(lambda called: chat(text), asking(1, constraint=constraint))
    assert answer.fault is not None
    assert answer.fault.code is FaultCode.CONSTRAINT_BROKEN
    assert why in answer.fault.message
    assert answer.text == text
    assert answer.completion_tokens is not None
    assert len(server.calls) == 1


def test_a_constraint_that_is_cut_says_so() -> None:
    (answer,), _, _ = asked(lambda called: chat("COMPLIAN", finish="length"), asking(1, constraint=CHOICE))
    assert "cut at max_tokens=16" in str(answer.fault)


def test_a_label_comes_out_of_the_object_it_was_asked_in() -> None:
    def program(called: Called) -> Reply:
        schema = called.body["response_format"]["json_schema"]["schema"]
        assert schema["properties"]["choice"]["enum"] == ["REFUSAL", "COMPLIANCE"]
        return chat('{"choice": "COMPLIANCE"}')

    (answer,), _, _ = asked(program, asking(1, constraint=CHOICE), dialect="openai")
    assert (answer.text, answer.fault) == ("COMPLIANCE", None)


def test_a_refusal_in_a_field_of_its_own_is_the_answer() -> None:
    (plain,), _, _ = asked(lambda called: chat(None, refusal="I can't zorble that."), asking(1))
    assert (plain.text, plain.finish_reason, plain.fault) == ("I can't zorble that.", "stop", None)
    (held,), _, _ = asked(lambda called: chat(None, refusal="I can't zorble that."), asking(1, constraint=JSON))
    assert held.fault is not None
    assert held.fault.code is FaultCode.CONSTRAINT_BROKEN
    assert "refusal of the model" in held.fault.message
    assert held.text == "I can't zorble that."


SHAPES: Mapping[str, tuple[Reply, tuple[str, str, str | None]]] = {
    "filtered": (chat("half a", finish="content_filter"), ("half a", "content_filter", None)),
    "filtered away": (chat(None, finish="content_filter"), ("", "content_filter", None)),
    "cut": (chat("a b", finish="length"), ("a b", "length", None)),
    "empty": (chat(""), ("", "stop", None)),
    "reasoning": (chat("yes", reasoning_content="hmm"), ("yes", "stop", "hmm")),
    "reasoning by another name": (chat("yes", reasoning="hmm"), ("yes", "stop", "hmm")),
    "all reasoning": (chat(None, finish="length", reasoning="hm"), ("", "length", "hm")),
    "unknown end": (chat("x", finish="whim"), ("x", "unknown", None)),
    "parts": (
        Reply(
            body={"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"text": "b"}]}, "finish_reason": "stop"}]}
        ),
        ("ab", "stop", None),
    ),
    "lone surrogate": (
        Reply(body=b'{"choices": [{"message": {"content": "a\\ud800b \\ud83d\\ude00"}, "finish_reason": "stop"}]}'),
        ("a�b 😀", "stop", None),
    ),
}


@pytest.mark.parametrize(("reply", "expected"), SHAPES.values(), ids=SHAPES.keys())
def test_every_shape_of_a_reply_is_read(reply: Reply, expected: tuple[str, str, str | None]) -> None:
    (answer,), _, _ = asked(lambda called: reply, asking(1))
    assert answer.fault is None
    assert (answer.text, answer.finish_reason, answer.reasoning) == expected


def test_raw_text_goes_to_completions_as_it_is() -> None:
    request = Request(text="<s>zorble\n", sampling=Sampling(max_tokens=4, logprobs=2))
    called = sent(request)
    assert called.path == "/v1/completions"
    assert called.body["prompt"] == "<s>zorble\n"
    assert called.body["logprobs"] == 2
    assert "messages" not in called.body


def test_a_prefill_is_continued_where_the_server_can() -> None:
    request = Request(messages=(Message(role="user", content="zorble"), Message(role="assistant", content="Sure,")))
    body = sent(request).body
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    assert "continue_final_message" not in sent(request, version=None, prefill="plain").body
    (answer,), server, _ = asked(lambda called: chat("x"), [request], dialect="openai")
    assert answer.fault is not None
    assert answer.fault.code is FaultCode.BAD_REQUEST
    assert "option prefill" in answer.fault.message
    assert not server.calls


def test_requests_with_and_without_an_adapter_are_never_in_flight_together() -> None:
    """On vLLM 0.32 for CPUs a request without one, beside one with one, is answered by neither model: measured, 20 of 20 texts."""
    requests = [one(sampling=Sampling(seed=place), adapter="adv" if place % 2 else None) for place in range(20)]
    together = []

    def program(called: Called) -> Reply:
        together.append(called.body["model"] == "adv")
        return Reply(body=chat("x").body, delay_s=0.01)

    answers, _, _ = asked(program, requests, concurrency=4)
    assert codes(answers) == {"good": 20}
    assert together == [False] * 10 + [True] * 10


def test_an_adapter_is_asked_for_by_its_name() -> None:
    assert sent(one(adapter="adv")).body["model"] == "adv"
    (answer,), _, _ = asked(lambda called: Reply(status=404, body={"error": {"message": "no"}}), [one(adapter="adv")])
    assert answer.fault is not None
    assert answer.fault.code is FaultCode.NO_SUCH_ADAPTER
    assert "--lora-modules adv=" in answer.fault.message


@attrs.define
class LetterTokenizer:
    """A token a letter; the template writes U: and A:."""

    chat_template: Any = "letters"

    def apply_chat_template(self, conversation: Any, **options: Any) -> Any:
        text = "".join(f"{m['role'][0].upper()}:{m['content']}" for m in conversation)
        return {"input_ids": [ord(letter) for letter in text + ("A:" if options["add_generation_prompt"] else "")]}

    def encode(self, text: str, **options: Any) -> list[int]:
        return [ord(letter) for letter in text]


def test_token_ids_are_sent_where_the_spec_has_a_tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rendered here, once: so that every engine sees the same ids, and a prompt that is too long is never sent."""
    monkeypatch.setattr(openai_opening, "load_tokenizer", lambda spec: LetterTokenizer())
    requests = [
        Request(messages=(Message(role="user", content="ab"),), sampling=Sampling(max_tokens=4)),
        Request(messages=(Message(role="user", content="z" * 100),)),
        Request(messages=(Message(role="user", content="ab"), Message(role="assistant", content="c"))),
    ]
    with Loopback(lambda called: Reply(body={"choices": [{"text": "x", "finish_reason": "stop"}]}), window=64) as server:
        engine = open_engine(EngineSpec(engine="openai", model="zorble", tokenizer="letters", base_url=server.url))
        answers = in_order(requests, engine.answer(requests))
        engine.close()
        assert engine.facts.chat_template_sha256 is not None
        assert codes(answers) == {"good": 2, "TOO_LONG": 1}
        bodies = sorted((called.body["prompt"], called.path) for called in server.calls)
    assert bodies == [([ord(c) for c in "U:abA:"], "/v1/completions"), ([ord(c) for c in "U:abA:c"], "/v1/completions")]


def test_a_template_of_ones_own_needs_a_tokenizer(tmp_path: Path) -> None:
    with Loopback() as server, pytest.raises(DomainError, match="--chat-template"):
        open_engine(EngineSpec(engine="openai", model="zorble", base_url=server.url, chat_template=tmp_path / "t.jinja"))


def test_a_tokenizer_without_its_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "transformers", None)
    with Loopback() as server, pytest.raises(MissingBackend, match=r"safescale\[hf\]"):
        open_engine(EngineSpec(engine="openai", model="zorble", base_url=server.url, tokenizer="letters"))


def test_nothing_is_logged_or_printed(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        asked(lambda called: chat("x"), asking(3))
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_neither_the_client_library_nor_another_is_imported() -> None:
    """The base install is enough."""
    import subprocess
    import sys

    heavy = {"openai", "httpx", "httpx2", "torch", "transformers"}
    code = f"import sys, safescale.engines.openai; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
