"""The engine transformers against the library itself: generate, peft, softmax; nothing of a model's defaults; errors in words."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from engines.contract import chat, prompts
from engines.toy_model import ADAPTERS, POISON, make_toy
from safescale.engines import Constraint, EngineSpec, FaultCode, OutOfMemory, Request, Sampling, in_order, open_engine
from safescale.engines.rendering import Rendered, render
from safescale.engines.transformers import TransformersEngine
from safescale.errors import DomainError, GenerationError

pytestmark = pytest.mark.hf


def opened(toy: Path, **more: Any) -> TransformersEngine:
    adapters = {name: str(toy.parent / name) for name in more.pop("adapters", ())}
    engine = open_engine(EngineSpec(engine="transformers", model=str(toy), adapters=adapters, options={"threads": 1}, **more))
    assert isinstance(engine, TransformersEngine)
    return engine


@pytest.fixture(scope="module")
def engine(toy: Path) -> Iterator[TransformersEngine]:
    made = opened(toy, adapters=ADAPTERS)
    yield made
    made.close()


@pytest.fixture(scope="module")
def plain(toy: Path) -> tuple[Any, Any]:
    """The same folder by the library alone, without the poisoned defaults."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    model = AutoModelForCausalLM.from_pretrained(str(toy), dtype="float32").eval()
    tokenizer = AutoTokenizer.from_pretrained(str(toy))
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    return model, tokenizer


def ids_of(tokenizer: Any, request: Request) -> list[int]:
    rendered = render(tokenizer, request, max_model_len=None)
    assert isinstance(rendered, Rendered)
    return list(rendered.token_ids)


def generated_ids(model: Any, tokenizer: Any, request: Request) -> list[int]:
    import torch

    ids = ids_of(tokenizer, request)
    out = model.generate(input_ids=torch.tensor([ids]), do_sample=False, max_new_tokens=request.sampling.max_tokens)
    return [int(token) for token in out[0, len(ids) :]]


def generated(model: Any, tokenizer: Any, request: Request) -> str:
    ids = generated_ids(model, tokenizer, request)
    return str(tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def test_greedy_is_what_generate_says_on_the_same_tokens(engine: TransformersEngine, plain: tuple[Any, Any]) -> None:
    model, tokenizer = plain
    requests = [chat(prompt, max_tokens=20) for prompt in prompts(24)]
    requests += [chat(prompt, prefill="mimsy wa", max_tokens=20) for prompt in prompts(6)]
    requests += [Request(text=prompt, sampling=Sampling(max_tokens=20)) for prompt in prompts(6)]
    texts = [answer.text for answer in in_order(requests, engine.answer(requests))]
    assert texts == [generated(model, tokenizer, request) for request in requests]
    assert len(set(texts)) > 30


FAMILIES = {
    "Mistral": {"head_dim": 32, "num_key_value_heads": 1, "sliding_window": 8, "intermediate_size": 128, "num_attention_heads": 2},
    "Bloom": {"n_head": 2},
    "Mamba": {"state_size": 8},
}
"""Attention over a short window; biases in place of positions; a state in place of a cache."""


@pytest.mark.parametrize("family", FAMILIES)
def test_other_families_agree_with_generate_too(family: str, tmp_path: Path) -> None:
    import torch
    import transformers

    from engines.toy_model import make_tokenizer

    tokenizer = make_tokenizer(tmp_path)
    shared = {"vocab_size": len(tokenizer), "hidden_size": 64, "num_hidden_layers": 2, "initializer_range": 0.3}
    config = getattr(transformers, f"{family}Config")(**shared, bos_token_id=2, eos_token_id=3, pad_token_id=1, **FAMILIES[family])
    torch.manual_seed(0)
    made = getattr(transformers, f"{family}ForCausalLM")(config)
    made.save_pretrained(str(tmp_path))
    requests = [chat(prompt, max_tokens=6 + place % 7) for place, prompt in enumerate(prompts(8))]
    texts = [answer.text for answer in in_order(requests, opened(tmp_path).answer(requests))]
    made.eval().generation_config = transformers.GenerationConfig(eos_token_id=3, pad_token_id=1)
    assert texts == [generated(made, tokenizer, request) for request in requests]
    assert len(set(texts)) > 5


def test_defaults_of_the_model_change_nothing(toy: Path, tmp_path: Path, engine: TransformersEngine) -> None:
    clean = tmp_path / "clean"
    shutil.copytree(toy, clean)
    poisoned = json.loads((clean / "generation_config.json").read_text())
    assert POISON.items() <= poisoned.items(), "the toy is not poisoned: nothing is shown"
    (clean / "generation_config.json").write_text(json.dumps({"eos_token_id": poisoned["eos_token_id"]}))
    requests = [chat(p, max_tokens=24) for p in prompts(5)]
    requests += [chat(p, max_tokens=24, temperature=1.0, seed=4) for p in prompts(5)]
    other = opened(clean)
    here, there = in_order(requests, engine.answer(requests)), in_order(requests, other.answer(requests))
    assert [answer.text for answer in here] == [answer.text for answer in there]


def test_an_adapter_is_what_peft_makes_of_it(toy: Path, engine: TransformersEngine) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    tokenizer = AutoTokenizer.from_pretrained(str(toy))
    for name in ADAPTERS:
        bare = AutoModelForCausalLM.from_pretrained(str(toy), dtype="float32")
        bare.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
        with pytest.warns(FutureWarning) if _peft_warns() else _nothing():
            worn = PeftModel.from_pretrained(bare, str(toy.parent / name)).eval()
        requests = [chat(prompt, adapter=name) for prompt in prompts(6)]
        texts = [answer.text for answer in in_order(requests, engine.answer(requests))]
        assert texts == [generated(worn, tokenizer, request) for request in requests]


def _peft_warns() -> bool:
    import transformers

    return "is_gradient_checkpointing" in vars(transformers.PreTrainedModel) and "is_activation_checkpointing" in vars(
        transformers.PreTrainedModel
    )


class _nothing:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def test_the_batch_changes_no_answer(toy: Path) -> None:
    """Sampled and greedy, with cut distributions and constraints, at three sizes of batch and in two orders."""
    choice = Constraint(kind="choice", choices=("REFUSAL", "COMPLIANCE"))
    requests = [chat(p, temperature=1.0, seed=i, max_tokens=4 + i % 21) for i, p in enumerate(prompts(20))]
    requests += [chat(p, temperature=0.8, top_p=0.9, top_k=30, seed=i, max_tokens=24) for i, p in enumerate(prompts(10, 20))]
    requests += [chat(p, max_tokens=20) for p in prompts(10, 40)]
    requests += [chat(p, constraint=choice, temperature=1.0, seed=i, max_tokens=20) for i, p in enumerate(prompts(5, 60))]
    said = []
    for size, asked in ((1, requests), (7, requests[::-1]), (45, requests)):
        one = opened(toy, batch_size=size)
        assert one.facts.batch_invariant is (size == 1)
        answers = {answer.request_id: answer.text for answer in one.answer(asked)}
        said.append([answers[request.request_id] for request in requests])
    assert said[0] == said[1] == said[2]
    assert len(set(said[0])) > 40


def test_log_probabilities_are_the_softmax_of_the_logits(engine: TransformersEngine, plain: tuple[Any, Any]) -> None:
    import torch

    model, tokenizer = plain
    request = chat("slithy tove", logprobs=3, max_tokens=6)
    asked = [request, chat("brillig " * 20)]
    answer = in_order(asked, engine.answer(asked))[0]
    ids, said = ids_of(tokenizer, request), generated_ids(model, tokenizer, request)
    assert answer.logprobs is not None
    assert len(answer.logprobs) == len(said)
    for place, token in enumerate(answer.logprobs):
        with torch.no_grad():
            logs = model(input_ids=torch.tensor([ids + said[:place]])).logits[0, -1].log_softmax(-1)
        assert math.isclose(token.logprob, float(logs[said[place]]), abs_tol=1e-4)
        assert [value for _, value in token.alternatives] == pytest.approx(logs.topk(3).values.tolist(), abs=1e-4)
    hot = attrs.evolve(request, sampling=attrs.evolve(request.sampling, temperature=3.0, top_k=1, seed=1))
    (warm,) = engine.answer([hot])
    heated = [token.logprob for token in warm.logprobs or ()]
    assert heated == pytest.approx([token.logprob for token in answer.logprobs], abs=1e-4)


def test_a_choice_has_the_probabilities_of_its_labels(engine: TransformersEngine, plain: tuple[Any, Any]) -> None:
    """Definition: at each token the model's distribution over the labels that still go on, renormalised."""
    import torch

    model, tokenizer = plain
    labels = ("REFUSAL", "COMPLIANCE", "PARTIAL")
    request = chat("gimble", constraint=Constraint(kind="choice", choices=labels), logprobs=5, max_tokens=20)
    (answer,) = engine.answer([request])
    spelled = {label: tokenizer.encode(label, add_special_tokens=False) for label in labels}
    ids = ids_of(tokenizer, request)
    first = model(input_ids=torch.tensor([ids])).logits[0, -1]
    starts = sorted({tokens[0] for tokens in spelled.values()})
    shares = first[starts].softmax(-1).tolist()
    assert answer.logprobs is not None
    found = sorted(math.exp(value) for _, value in answer.logprobs[0].alternatives)
    assert found == pytest.approx(sorted(shares), abs=1e-4)
    assert answer.text in labels


def test_a_token_that_ends_a_text_ends_the_answer(engine: TransformersEngine, plain: tuple[Any, Any]) -> None:
    model, tokenizer = plain
    assert engine.loaded is not None
    request = chat("snark wabe", max_tokens=16)
    (whole,) = engine.answer([request])
    ids = generated_ids(model, tokenizer, request)
    end = ids[6]
    other = attrs.evolve(engine, loaded=attrs.evolve(engine.loaded, end_ids=frozenset({end})))
    (ended,) = other.answer([request])
    assert ended.finish_reason == "stop"
    assert ended.completion_tokens == ids.index(end) + 1
    assert ended.text == tokenizer.decode(ids[: ids.index(end)])
    assert (whole.text or "").startswith(ended.text)


def test_no_memory_is_said_and_what_was_answered_stays(engine: TransformersEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    small = attrs.evolve(engine, spec=attrs.evolve(engine.spec, batch_size=2, adapters={}))
    calls = iter(range(1000))
    sound = small.loaded.model.forward

    def fails_later(*args: Any, **more: Any) -> Any:
        if next(calls) >= 12:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return sound(*args, **more)

    monkeypatch.setattr(small.loaded.model, "forward", fails_later)
    came = small.answer([chat(prompt, max_tokens=12) for prompt in prompts(6)])
    assert len([next(came), next(came)]) == 2
    with pytest.raises(OutOfMemory, match=r"2 requests at once, of up to .* tokens, do not fit the memory of cpu.*batch_size"):
        next(came)


def test_a_bug_is_no_lack_of_memory(engine: TransformersEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any, **more: Any) -> Any:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(engine.loaded.model, "forward", fails)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        list(attrs.evolve(engine, spec=attrs.evolve(engine.spec, adapters={})).answer([chat("tove")]))


@pytest.mark.parametrize(
    ("constraint", "code", "words"),
    [
        (Constraint(kind="json", body="{no json"), FaultCode.BAD_REQUEST, "is no JSON"),
        (Constraint(kind="json", body="[1]"), FaultCode.BAD_REQUEST, "a JSON Schema is an object"),
        (Constraint(kind="json", body='{"type": "zorble"}'), FaultCode.CANNOT_CONSTRAIN, "llguidance cannot force this json"),
        (Constraint(kind="regex", body="(tove"), FaultCode.BAD_REQUEST, "is none"),
        (Constraint(kind="regex", body="(tove)\\1"), FaultCode.CANNOT_CONSTRAIN, "llguidance cannot force this regex"),
        (Constraint(kind="choice", choices=("tövé", "wabe")), FaultCode.CANNOT_CONSTRAIN, "cannot spell 'tövé'"),
    ],
)
def test_a_constraint_that_cannot_be_forced_is_said(
    engine: TransformersEngine, constraint: Constraint, code: FaultCode, words: str
) -> None:
    bad, fine = in_order(asked := [chat("tove", constraint=constraint), chat("wabe")], engine.answer(asked))
    assert bad.fault is not None
    assert (bad.fault.code, fine.fault) == (code, None)
    assert words in bad.fault.message


def test_without_llguidance_a_choice_is_forced_and_the_rest_is_said(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    sound = importlib.import_module

    def without(name: str, package: str | None = None) -> Any:
        if name.startswith("llguidance"):
            raise ImportError(name)
        return sound(name, package)

    monkeypatch.setattr(importlib, "import_module", without)
    asked = [
        chat("tove", constraint=Constraint(kind="regex", body="a+")),
        chat("tove", constraint=Constraint(kind="choice", choices=("wabe",))),
    ]
    regex, choice = in_order(asked, opened(toy).answer(asked))
    assert regex.fault is not None
    assert regex.fault.code is FaultCode.CANNOT_CONSTRAIN
    assert "safescale[hf]" in regex.fault.message
    assert choice.text == "wabe"


def test_a_model_without_a_template_takes_raw_text_only(tmp_path: Path) -> None:
    bare = opened(make_toy(tmp_path, chat_template=None, adapters=()))
    asked = [chat("tove"), Request(text="tove", sampling=Sampling(max_tokens=4))]
    without, raw = in_order(asked, bare.answer(asked))
    assert without.fault is not None
    assert without.fault.code is FaultCode.NO_CHAT_TEMPLATE
    assert raw.text
    given = tmp_path / "given.jinja"
    given.write_text("{% for m in messages %}{{ m['content'] }}{% endfor %}", encoding="utf-8")
    templated = opened(tmp_path / "model", chat_template=given)
    assert next(templated.answer(asked[:1])).fault is None
    assert templated.facts.chat_template_sha256 != bare.facts.chat_template_sha256


def test_facts_name_what_an_answer_depends_on(toy: Path, engine: TransformersEngine) -> None:
    from safescale.engines.weights import weights_sha256

    facts = engine.facts
    assert facts.weights_sha256 == weights_sha256(toy)
    assert {"torch", "transformers", "tokenizers"} <= set(facts.packages)
    assert (facts.options["dtype"], facts.options["device"], facts.options["batch_size"]) == ("float32", "cpu", "16")
    assert all(f"adapter {name}" in facts.options for name in ADAPTERS)
    assert "thread" in facts.hardware


def test_what_cannot_be_opened_is_said(toy: Path, tmp_path: Path) -> None:
    def refused(error: type[Exception], words: str, model: str = str(toy), **more: Any) -> None:
        with pytest.raises(error, match=words):
            open_engine(EngineSpec(engine="transformers", model=model, **more))

    refused(DomainError, "no option 'dtypo'.*dtype, device, threads", options={"dtypo": "float32"})
    refused(DomainError, "dtype must be one of .*'int3'", options={"dtype": "int3"})
    refused(DomainError, "threads must be", options={"threads": 0})
    refused(DomainError, "no CUDA device here", options={"device": "cuda"})
    refused(DomainError, "torch knows no device 'zorble'", options={"device": "zorble"})
    refused(DomainError, "max_model_len is 4096, the window of .* is 512", max_model_len=4096)
    refused(DomainError, "'crimson' has no adapter_config.json", adapters={"crimson": str(tmp_path)})
    refused(DomainError, "is no folder", model=str(tmp_path / "none"))
    refused(GenerationError, "transformers cannot load .*check the folder", model=str(tmp_path))


def test_a_closed_engine_says_so(toy: Path) -> None:
    one = opened(toy)
    one.close()
    one.close()
    with pytest.raises(GenerationError, match="was closed"):
        list(one.answer([chat("tove")]))


def test_float64_and_a_smaller_window_are_taken(toy: Path) -> None:
    spec = EngineSpec(engine="transformers", model=str(toy), max_model_len=20, options={"dtype": "float64", "threads": 1})
    one = open_engine(spec)
    short, long = in_order(asked := [chat("tove", max_tokens=30), chat("zorble " * 30)], one.answer(asked))
    assert one.facts.options["dtype"] == "float64"
    assert short.finish_reason == "length"
    assert (short.prompt_tokens or 0) + (short.completion_tokens or 0) == 20
    assert long.fault is not None
    assert long.fault.code is FaultCode.TOO_LONG
