"""The parts of the engines vllm and ray that need neither library: options, sampling, rows, copies, and each failure in words."""

from __future__ import annotations

import importlib.util
import json
import sys
import threading
import types
from collections.abc import Iterator, Sequence
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import pytest

from engines.contract import chat, prompts
from safescale.engines import (
    Answer,
    Constraint,
    EngineDied,
    EngineFacts,
    EngineSpec,
    FaultCode,
    OutOfMemory,
    Request,
    Sampling,
    in_order,
    open_engine,
)
from safescale.engines.fake import open_fake
from safescale.engines.ray_rows import answer_of_row, read_reply, row_of
from safescale.engines.rendering import Rendered
from safescale.engines.vllm_model import check_model
from safescale.engines.vllm_options import VllmOptions, engine_arguments, read_options
from safescale.engines.vllm_replicas import ReplicatedVllm, serve
from safescale.engines.vllm_runtime import device_of, engine_environment, import_vllm, is_out_of_memory
from safescale.engines.vllm_sampling import finish_reason, logprobs_from, prepared, sampling_fields, structured_fields
from safescale.errors import DomainError, MissingBackend

ALL = frozenset(
    {
        "n",
        "temperature",
        "top_p",
        "top_k",
        "seed",
        "max_tokens",
        "logprobs",
        "stop",
        "repetition_penalty",
        "watermarking",
        "extra_args",
    }
)


def spec(**more: Any) -> EngineSpec:
    return EngineSpec(**{"engine": "vllm", "model": "owner/zorble", **more})


@pytest.mark.parametrize("engine", ["vllm", "ray"])
def test_a_missing_library_names_the_extra(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingBackend, match=rf"safescale\[{engine}\]"):
        open_engine(spec(engine=engine))


def test_without_vllm_the_cpu_build_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingBackend, match=r"CPU build: docs/how-to/run-vllm\.md"):
        import_vllm()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"zorbles": 1}, "no option 'zorbles'; it knows device, dtype"),
        ({"generation_config": "auto"}, "set by safescale itself"),
        ({"tensor_parallel_size": "two"}, "takes int, got 'two'"),
        ({"tensor_parallel_size": 0}, "out of range"),
        ({"tensor_parallel_size": True}, "takes int, got True"),
        ({"device": "tpu"}, "out of range"),
        ({"enforce_eager": 1}, "bool"),
        ({"dtype": None}, "takes str"),
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        read_options(options, engine="vllm", vllm_names=())


def test_options_reach_vllm_under_its_names() -> None:
    options = read_options(
        {
            "tensor_parallel_size": 4,
            "gpu_memory_utilization": 0.5,
            "quantization": "awq",
            "kv_cache_gib": 2,
            "max_num_batched_tokens": 4096,
        },
        engine="vllm",
        vllm_names={"max_num_batched_tokens"},
    )
    arguments = engine_arguments(spec(revision="abc", max_model_len=99, batch_size=7, seed=3), options, on_cpu=False)
    expected = {
        "tensor_parallel_size": 4,
        "gpu_memory_utilization": 0.5,
        "quantization": "awq",
        "kv_cache_memory_bytes": 2 * 2**30,
        "max_num_batched_tokens": 4096,
        "generation_config": "vllm",
        "revision": "abc",
        "tokenizer_revision": "abc",
        "max_model_len": 99,
        "max_num_seqs": 7,
        "seed": 3,
        "enforce_eager": False,
        "enable_prefix_caching": True,
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
    }
    assert {name: arguments.get(name) for name in expected} == expected
    assert engine_arguments(spec(), VllmOptions(), on_cpu=True)["enforce_eager"] is True
    assert "kv_cache_memory_bytes" not in engine_arguments(spec(), VllmOptions(), on_cpu=False)


def test_the_rank_of_adapters_is_read_from_their_files(tmp_path: Path) -> None:
    for name, rank in (("crimson", 5), ("teal", 17)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "adapter_config.json").write_text(json.dumps({"r": rank}))
    adapters = {name: str(tmp_path / name) for name in ("crimson", "teal")}
    assert engine_arguments(spec(adapters=adapters), VllmOptions(), on_cpu=True)["max_lora_rank"] == 32
    (tmp_path / "teal" / "adapter_config.json").write_text(json.dumps({"r": 1000}))
    with pytest.raises(DomainError, match="up to rank 512, got one of rank 1000"):
        engine_arguments(spec(adapters=adapters), VllmOptions(), on_cpu=True)


def test_a_model_or_an_adapter_that_is_not_there_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match=r"no folder .*nowhere"):
        check_model(spec(model=str(tmp_path / "nowhere")))
    with pytest.raises(DomainError, match=r"config\.json is missing"):
        check_model(spec(model=str(tmp_path)))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(DomainError, match="adapter 'crimson'"):
        check_model(spec(model=str(tmp_path), adapters={"crimson": str(tmp_path)}))
    with pytest.raises(DomainError, match=r"no file .*with a chat template"):
        check_model(spec(model=str(tmp_path), chat_template=tmp_path / "template.jinja"))
    check_model(spec(model="owner/zorble"))


@pytest.mark.parametrize(
    ("device", "asked", "message"),
    [("", "auto", "finds none"), ("cpu", "gpu", "is the CPU build"), ("cuda", "cpu", "built for cuda")],
)
def test_a_device_that_is_not_there_is_said(device: str, asked: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    platforms = types.ModuleType("vllm.platforms")
    platforms.current_platform = types.SimpleNamespace(device_type=device)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vllm", types.ModuleType("vllm"))
    monkeypatch.setitem(sys.modules, "vllm.platforms", platforms)
    with pytest.raises(DomainError, match=message):
        device_of(VllmOptions(device=asked))


def test_the_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setenv("ZORBLE_A", "before")
    monkeypatch.delenv("ZORBLE_B", raising=False)
    with engine_environment({"ZORBLE_A": "1", "ZORBLE_B": "2"}):
        assert (os.environ["ZORBLE_A"], os.environ["ZORBLE_B"]) == ("1", "2")
    assert os.environ["ZORBLE_A"] == "before"
    assert "ZORBLE_B" not in os.environ


def test_memory_that_ran_out_is_recognised_behind_another_error() -> None:
    outer = RuntimeError("the executor failed")
    outer.__cause__ = MemoryError()
    assert is_out_of_memory(outer)
    assert is_out_of_memory(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert not is_out_of_memory(RuntimeError("something else"))


def test_sampling_is_whole_in_vllms_words() -> None:
    request = Request(
        text="x", sampling=Sampling(temperature=0.7, top_p=0.9, top_k=5, max_tokens=3, seed=11, stop=("a",), logprobs=2)
    )
    fields = sampling_fields(request, ALL)
    assert fields["temperature"] == 0.7
    assert (fields["top_p"], fields["top_k"], fields["seed"], fields["max_tokens"], fields["logprobs"]) == (0.9, 5, 11, 3, 2)
    assert (fields["stop"], fields["repetition_penalty"], fields["watermarking"]) == (["a"], 1.0, False)
    assert "temperature" not in sampling_fields(request, frozenset({"seed"})), "an older vLLM gets only what it knows"
    assert structured_fields(None) is None
    assert structured_fields(Constraint(kind="choice", choices=("a", "b"))) == {"choice": ["a", "b"]}
    assert structured_fields(Constraint(kind="json", body="{}")) == {"json": "{}"}


def test_reasons_and_logprobs_come_back_in_our_words() -> None:
    assert [finish_reason(reason) for reason in ("stop", "length", "abort", "error", "zorble", None)] == [
        "stop",
        "length",
        "error",
        "error",
        "unknown",
        "unknown",
    ]
    places = [{5: (-1.0, "b"), 4: (-0.5, "a"), 9: (-7.0, "z")}]
    (token,) = logprobs_from([9], places, 2) or ()
    assert (token.token, token.logprob, token.alternatives) == ("z", -7.0, (("a", -0.5), ("b", -1.0)))
    assert logprobs_from([9], places, None) is None


class Words:
    """A tokenizer: a word a token."""

    chat_template = "some"

    def apply_chat_template(self, conversation: Any, **options: Any) -> Any:
        return {"input_ids": [len(word) for message in conversation for word in message["content"].split()]}

    def encode(self, text: str, **options: Any) -> list[int]:
        return [len(word) for word in text.split()]


def test_what_cannot_be_sent_is_a_fault_of_its_own() -> None:
    def code(request: Request) -> str | None:
        ready = prepared(request, Words(), {"teal": "x"}, 4)
        return ready.fault.code if isinstance(ready, Answer) and ready.fault else None

    assert code(chat("a b c")) is None
    assert code(chat("a b c d")) == FaultCode.TOO_LONG
    assert code(Request(text=" ")) == FaultCode.EMPTY_PROMPT
    assert code(chat("a", adapter="crimson")) == FaultCode.NO_SUCH_ADAPTER
    assert code(chat("a", temperature=0.005)) == FaultCode.BAD_REQUEST
    assert code(chat("a", constraint=Constraint(kind="regex", body="(a"))) == FaultCode.CANNOT_CONSTRAIN


# ---- rows of Ray ----------------------------------------------------------------------------------------------------


def reply(tokens: list[int], text: str = "zorble", **more: Any) -> dict[str, Any]:
    return {"number": 0, "text": text, "tokens": tokens, "logprobs": None, **more}


def told(request: Request, row: dict[str, Any], *, decode: Any = lambda tokens: "") -> Answer:
    return answer_of_row(
        Rendered(request=request, token_ids=(1, 2)), row, decode=decode, ends=frozenset({99}), window=10, split=None
    )


def test_no_number_in_a_row_is_null() -> None:
    ready = Rendered(request=chat("a"), token_ids=(1, 2))
    row = row_of(ready, spec(engine="ray"), ALL, apart=False, logprobs=True)
    assert row["sampling_params"]["seed"] == -1  # type: ignore[index]
    assert row["sampling_params"]["logprobs"] == 0  # type: ignore[index]
    assert None not in row["sampling_params"].values()  # type: ignore[attr-defined]
    assert row["model"] == "owner/zorble"
    other = Rendered(request=chat("a", adapter="teal", seed=4), token_ids=(1,))
    row = row_of(other, spec(engine="ray", adapters={"teal": "/somewhere"}), ALL, apart=True)
    assert (row["model"], row["sampling_params"]["seed"]) == ("/somewhere", 4)  # type: ignore[index]


@pytest.mark.parametrize(
    ("tokens", "stop", "whole", "reason"),
    [
        ([3, 4], (), "", "stop"),
        ([3, 4, 5], (), "", "length"),
        ([3, 4, 99], (), "", "stop"),
        ([3, 4, 5], ("b",), "a b c", "stop"),
        ([3, 4, 5], ("z",), "a b c", "length"),
    ],
)
def test_why_an_answer_ended_is_worked_out_from_its_tokens(
    tokens: list[int], stop: tuple[str, ...], whole: str, reason: str
) -> None:
    assert told(chat("a", max_tokens=3, stop=stop), reply(tokens), decode=lambda _: whole).finish_reason == reason


def test_an_answer_at_the_window_ended_with_length() -> None:
    assert told(chat("a", max_tokens=100), reply([3] * 8)).finish_reason == "length"


def test_a_row_that_failed_is_a_fault() -> None:
    assert read_reply({"number": 3, "__inference_error__": "ValueError: x"}) == {"number": 3, "error": "ValueError: x"}
    assert read_reply({"said": '{"number": 4}', "__inference_error__": ""}) == {"number": 4}
    constraint = Constraint(kind="choice", choices=("a", "b"))
    cases = [(chat("a"), "VLLMValidationError: no", FaultCode.BAD_REQUEST), (chat("a"), "Zorble: no", FaultCode.SERVER_ERROR)]
    cases.append((chat("a", constraint=constraint), "VLLMValidationError: no", FaultCode.CANNOT_CONSTRAIN))
    for request, error, code in cases:
        answer = told(request, {"number": 0, "error": error})
        assert answer.fault
        assert answer.fault.code == code
    broken = told(chat("a", constraint=constraint), reply([3]))
    assert broken.fault
    assert (broken.fault.code, broken.text) == (FaultCode.CONSTRAINT_BROKEN, "zorble")


# ---- copies side by side --------------------------------------------------------------------------------------------


class Failing:
    """An engine that answers two requests and then fails."""

    facts = EngineFacts(engine="vllm", version="0", model="m", model_id="m")

    def __init__(self, error: Exception) -> None:
        self.error = error

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        fake = open_fake(spec(engine="fake"))
        yield from fake.answer(requests[:2])
        raise self.error

    def close(self) -> None:
        """Nothing."""


class Thread(threading.Thread):
    """A thread in the place of a process."""

    exitcode = -9

    def kill(self) -> None:
        """A thread cannot be killed."""


def side_by_side(*engines: Any) -> ReplicatedVllm:
    workers: list[Any] = []
    for engine in engines:
        mine, theirs = Pipe()
        thread = Thread(target=serve, args=(theirs, engine), daemon=True)
        thread.start()
        assert mine.recv()[0] == "open"
        workers.append((thread, mine))
    return ReplicatedVllm(facts=Failing.facts, workers=workers)


def test_copies_answer_every_request_once() -> None:
    fake = open_fake(spec(engine="fake"))
    requests = [chat(p) for p in prompts(11)] + [chat("zorble")] * 3 + [chat("")]
    copies = side_by_side(fake, fake, fake)
    expected = in_order(requests, fake.answer(requests))
    assert in_order(requests, copies.answer(requests)) == expected
    assert list(copies.answer([])) == []
    answers = copies.answer(requests)
    next(answers)
    answers.close()
    assert in_order(requests, copies.answer(requests)) == expected, (
        "after a reader that went away nothing of the old question is left"
    )
    copies.close()
    copies.close()
    with pytest.raises(EngineDied, match="closed"):
        next(copies.answer(requests))


def test_a_copy_without_memory_is_told_after_the_others_are_done() -> None:
    requests = [chat(p) for p in prompts(12)]
    copies = side_by_side(open_fake(spec(engine="fake")), Failing(OutOfMemory("with 6 at once")))
    answers = copies.answer(requests)
    came = [next(answers) for _ in range(6 + 2)]
    with pytest.raises(OutOfMemory, match="6 at once"):
        next(answers)
    assert len({answer.request_id for answer in came}) == 8
    copies.close()


def test_a_copy_that_dies_is_an_engine_that_died() -> None:
    requests = [chat(p) for p in prompts(12)]
    copies = side_by_side(open_fake(spec(engine="fake")), Failing(EngineDied("copy one is gone")))
    with pytest.raises(EngineDied, match="copy one is gone"):
        list(copies.answer(requests))
    with pytest.raises(EngineDied, match="closed"):
        list(copies.answer(requests))
