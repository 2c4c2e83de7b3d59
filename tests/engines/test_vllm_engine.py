"""What the contract does not ask of offline vLLM: the caller's random state, defaults of a model, engines that die, two copies."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from engines.contract import chat, good, prompts
from engines.toy_model import POISON
from engines.vllm_toy import bare_greedy, offline_engine, shared_toy, spec_of
from safescale.engines import Answer, EngineDied, FaultCode, OutOfMemory, Request, Sampling, in_order, open_engine
from safescale.engines.vllm import VllmEngine
from safescale.engines.vllm_sampling import sampling_fields
from safescale.errors import DomainError, GenerationError

pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("ignore")]


def asked(engine: Any, requests: list[Request]) -> list[str]:
    return good(in_order(requests, engine.answer(requests)))


def test_the_bare_model_beside_an_adapter_says_what_it_says_alone() -> None:
    # with both in one batch vLLM 0.32 on a CPU answers for the bare model with the adapter, and nothing says so
    greedy = bare_greedy(shared_toy())
    several = [chat(p) for p in prompts(6, 400)]
    mixed = [request for p in prompts(6, 400) for request in (chat(p, adapter="crimson"), chat(p), chat(p, adapter="teal"))]
    texts = asked(offline_engine(), mixed)
    assert texts[1::3] == [greedy(request) for request in several]
    assert texts[0::3] != texts[1::3] != texts[2::3]


def test_the_random_state_of_the_caller_is_untouched() -> None:
    import torch

    engine = offline_engine()
    unseeded = [chat("zorble", temperature=1.0, max_tokens=8, sample_index=index) for index in range(4)]
    random.seed(7), np.random.seed(7), torch.manual_seed(7)  # noqa: NPY002
    expected = (random.random(), np.random.random(), torch.rand(1).item())  # noqa: NPY002
    random.seed(7), np.random.seed(7), torch.manual_seed(7)  # noqa: NPY002
    first = asked(engine, unseeded)
    assert (random.random(), np.random.random(), torch.rand(1).item()) == expected  # noqa: NPY002
    random.seed(7), np.random.seed(7), torch.manual_seed(7)  # noqa: NPY002
    assert asked(engine, unseeded) != first, "the engine's own stream begins anew with the caller's seed"


def test_every_field_of_sampling_params_is_set_by_us_or_known_not_to_change_an_answer() -> None:
    from vllm import SamplingParams

    known = frozenset(SamplingParams.__struct_fields__)
    ours = set(sampling_fields(Request(text="x"), known))
    elsewhere = {"structured_outputs", "output_kind"}
    harmless = {
        "prompt_logprob_token_ids",
        "prompt_logprob_start",
        "logprob_token_ids",
        "flat_logprobs",
        "stream_interval",
        "skip_clone",
        "output_text_buffer_length",
        "skip_reading_prefix_cache",
        "routed_experts_prompt_start",
        "trace_decode_token_ids",
    }
    assert {name for name in known if not name.startswith("_")} - ours - elsewhere - harmless == set()


def test_the_defaults_in_generation_config_do_not_reach_the_engine() -> None:
    engine = offline_engine()
    assert isinstance(engine, VllmEngine)
    defaults = engine._llm.get_default_sampling_params()
    assert POISON["repetition_penalty"] != 1.0
    assert (defaults.repetition_penalty, defaults.top_k, defaults.temperature) == (1.0, 0, 1.0)
    assert engine.facts.options["generation_config"] == "vllm"


def test_what_a_user_stops_reading_is_aborted() -> None:
    engine = offline_engine()
    assert isinstance(engine, VllmEngine)
    answers = engine.answer([chat(p, max_tokens=40) for p in prompts(40, 500)])
    next(answers)
    assert engine._llm.llm_engine.has_unfinished_requests()
    answers.close()
    assert not engine._llm.llm_engine.has_unfinished_requests()
    assert len(asked(engine, [chat(p) for p in prompts(3, 560)])) == 3


@pytest.mark.parametrize(("message", "expected"), [("out of memory", OutOfMemory), ("something else", EngineDied)])
def test_a_failing_step_is_told_apart_and_what_came_before_stays(
    message: str, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = offline_engine()
    assert isinstance(engine, VllmEngine)
    core = engine._llm.llm_engine
    step, steps = core.step, iter(range(1000))

    def failing() -> list[Any]:
        if next(steps) == 3:
            raise RuntimeError(message)
        return list(step())

    monkeypatch.setattr(core, "step", failing)
    came: list[Answer] = []
    requests = [chat("tove", max_tokens=1), *(chat(p, max_tokens=30) for p in prompts(4, 600))]
    with pytest.raises(expected, match="4 requests in flight"):
        _read(engine.answer(requests), came)
    assert [answer.request_id for answer in came] == [requests[0].request_id]
    monkeypatch.undo()
    assert len(asked(engine, requests)) == 5, "it lives on"


def _read(answers: Iterator[Answer], into: list[Answer]) -> None:
    for answer in answers:
        into.append(answer)


def test_temperatures_and_seeds_that_vllm_would_change_are_refused() -> None:
    requests = [
        Request(text="zorble", sampling=Sampling(temperature=0.001)),
        Request(text="zorble", sampling=Sampling(seed=-1)),
        Request(text="zorble", sampling=Sampling(seed=2**70)),
    ]
    answers = in_order(requests, offline_engine().answer(requests))
    assert [answer.fault and answer.fault.code for answer in answers] == [FaultCode.BAD_REQUEST] * 3


def test_an_option_that_vllm_knows_goes_through_and_another_is_refused() -> None:
    with pytest.raises(DomainError, match="no option 'zorbles'"):
        open_engine(spec_of(shared_toy(), options={"zorbles": 3}))
    with pytest.raises(DomainError, match="CPU build"):
        open_engine(spec_of(shared_toy(), options={"device": "gpu"}))
    with pytest.raises(DomainError, match="no reasoning parser 'zorble'"):
        open_engine(spec_of(shared_toy(), options={"reasoning_parser": "zorble"}))


def test_an_engine_that_does_not_start_says_why() -> None:
    with pytest.raises(GenerationError, match=r"does not start .*max_model_len \(100000\) is greater"):
        open_engine(spec_of(shared_toy(), max_model_len=100_000))


def test_reasoning_is_divided_from_the_answer() -> None:
    from transformers import AutoTokenizer

    from safescale.engines.vllm_reasoning import reasoning_split

    tokenizer = AutoTokenizer.from_pretrained(shared_toy() / "model")
    tokenizer.add_tokens(["<think>", "</think>"])
    split = reasoning_split("deepseek_r1", tokenizer)
    assert split("<think>mimsy tove</think>zorble") == ("mimsy tove", "zorble")
    assert split("mimsy tove</think>zorble") == ("mimsy tove", "zorble")
    assert split("<think>mimsy and never an end") == ("mimsy and never an end", "")


@pytest.mark.slow
def test_two_copies_answer_as_one() -> None:
    requests = [*(chat(p) for p in prompts(9, 700)), *(chat(p, adapter="teal") for p in prompts(3, 720)), chat("")]
    expected = in_order(requests, offline_engine().answer(requests))
    copies = open_engine(spec_of(shared_toy(), options={"data_parallel_size": 2}))
    try:
        assert in_order(requests, copies.answer(requests)) == expected
        assert copies.facts.options["data_parallel_size"] == "2"
        answers = copies.answer(requests)
        next(answers)
        answers.close()
        assert in_order(requests, copies.answer(requests)) == expected, "after a reader that went away"
        copies._workers[1][0].kill()  # type: ignore[attr-defined]
        with pytest.raises(EngineDied, match="copy 1 of 2"):
            list(copies.answer(requests))
    finally:
        copies.close()
        copies.close()
