"""One spelling per model, and never the original's for a tampered one."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from safescale.registry import parse_model_id

HAND_CHECKED = Path(__file__).parent / "hand_checked.csv"

SAME = [
    ("google/gemma-3-27b-it:free", "google_gemma-3-27b-it-free", "google/gemma-3-27b-it", "Gemma 3 27B it", "gemma3-27b-it"),
    ("gemma3:27b", "gemma3-27b", "gemma 3 27B"),
    (
        "meta-llama/Llama-3.1-8B-Instruct",
        "hf.co/bartowski/Meta-Llama-3.1-8B-Instruct-GGUF:Q4_K_M",
        "meta.llama3-1-8b-instruct-v1:0",
    ),
    ("qwen/qwen-2.5-72b-instruct", "Qwen/Qwen2.5-72B-Instruct-AWQ", "accounts/fireworks/models/qwen2p5-72b-instruct"),
    ("openrouter/anthropic/claude-haiku-4.5", "anthropic_claude-haiku-4.5", "anthropic/claude-haiku-4-5"),
    ("claude-3-5-sonnet-20241022", "anthropic.claude-3-5-sonnet-20241022-v2:0", "vertex_ai/claude-3-5-sonnet@20241022"),
    ("deepseek/deepseek-chat-v3-0324", "deepseek-ai/DeepSeek-V3-0324"),
    ("cohere/c4ai-command-r-08-2024", "command-r-08-2024"),
    ("llama-2-7b-chat-hf", "meta-llama/Llama-2-7b-chat-hf", "llama_2_7b_chat"),
    ("mlabonne/Meta-Llama-3.1-8B-Instruct-abliterated", "mlabonne_Meta-Llama-3.1-8B-Instruct-abliterated"),
    ("obliteratus/qwen3_5-9.0b", "obliteratus_qwen3_5-9.0b"),
    ("llama3.2:latest", "llama3.2-latest", "ollama/llama3.2"),
    ("perplexity/r1-1776", "perplexity-ai/r1-1776", "r1-1776"),
]


@pytest.mark.parametrize("spellings", SAME, ids=[spellings[0] for spellings in SAME])
def test_spellings_of_one_model_meet(spellings: tuple[str, ...]) -> None:
    assert len({parse_model_id(spelling).canonical_id for spelling in spellings}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("gemma3:27b", "google/gemma-3-27b-it"),  # ollama serves the tuned one, but an id elsewhere may mean either
        ("openai/chatgpt-4o-latest", "openai/gpt-4o"),
        ("deepseek/deepseek-r1", "deepseek/deepseek-r1-0528"),
        ("mistralai/mistral-large-2407", "mistralai/mistral-large-2411"),
        ("stranger/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-8B-Instruct"),
        ("failspy/Llama-3-8B-abliterated", "mlabonne/Llama-3-8B-abliterated"),
        ("qwen/qwen3-30b-a3b", "qwen/qwen3-32b"),
        ("ft:gpt-3.5-turbo-0125:a::1", "ft:gpt-3.5-turbo-0125:a::2"),
        ("mistralai/mistral-large-latest", "mistralai/mistral-large"),
    ],
)
def test_different_models_stay_apart(one: str, other: str) -> None:
    assert parse_model_id(one).canonical_id != parse_model_id(other).canonical_id


def test_no_tampered_id_passes_for_its_original() -> None:
    """Report 173 took ``mlabonne/...-abliterated`` for ``llama-3.1-8b-instruct``."""
    ids = [row["model_id"] for row in csv.DictReader(HAND_CHECKED.read_text(encoding="utf-8").splitlines())]
    spellings = [spelling for group in SAME for spelling in group]
    infos = [parse_model_id(model_id) for model_id in (*ids, *spellings, "meta-llama/llama-3.1-8b-instruct", "qwen/qwen3.5-9.0b")]
    tampered = {info.canonical_id for info in infos if info.tampering in ("abliterated", "fine_tuned", "steered")}
    untouched = {info.canonical_id for info in infos if info.tampering == "none"}
    assert len(tampered) >= 20
    assert not tampered & untouched


def test_canonical_id_is_its_own_canonical_id_for_untouched_models() -> None:
    rows = list(csv.DictReader(HAND_CHECKED.read_text(encoding="utf-8").splitlines()))
    infos = [parse_model_id(row["model_id"]) for row in rows if row["tampering"] == "none"]
    again = {info.canonical_id: parse_model_id(info.canonical_id).canonical_id for info in infos}
    assert {first: second for first, second in again.items() if first != second} == {}


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("openai:gpt-4o-mini", "openai/gpt-4o-mini"),
        ("openai:chat:gpt-4o-mini", "openai/gpt-4o-mini"),
        ("anthropic:messages:claude-3-5-sonnet-20241022", "anthropic/claude-3-5-sonnet-20241022"),
        ("ollama:chat:llama3.1:8b", "ollama/llama3.1:8b"),
        ("openrouter:meta-llama/llama-3.1-8b-instruct", "openrouter/meta-llama/llama-3.1-8b-instruct"),
        ("huggingface:text-generation:mistralai/Mistral-7B-Instruct-v0.2", "mistralai/Mistral-7B-Instruct-v0.2"),
        ("bedrock:us.anthropic.claude-3-5-sonnet-20241022-v2:0", "us.anthropic.claude-3-5-sonnet-20241022-v2:0"),
    ],
)
def test_a_provider_before_a_colon_is_a_prefix_as_before_a_slash(given: str, plain: str) -> None:
    assert parse_model_id(given).canonical_id == parse_model_id(plain).canonical_id


def test_a_family_before_a_colon_stays_a_name_with_a_tag() -> None:
    assert parse_model_id("mistral:7b").params_total_b == 7.0
    assert parse_model_id("deepseek-r1:8b").params_total_b == 8.0
