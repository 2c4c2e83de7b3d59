"""Sizes that data declare, against the name."""

from __future__ import annotations

import pytest

from safescale.errors import DomainError
from safescale.registry import is_closed, parse_model_id, parse_parameter_count, read_parameter_count, resolve_size


@pytest.mark.parametrize(
    ("text", "params_b"),
    [
        ("1.5B", 1.5), ("671B", 671.0), ("7b", 7.0), ("360M", 0.36), ("1T", 1000.0), (" 8 B ", 8.0), ("1,000B", 1000.0),
        ("70 billion", 70.0),
        ("8", 8.0), (8, 8.0), (0.494, 0.494), ("8030261248", 8.030261248), ("4.94e8", 0.494), ("~8b", 8.0), ("8B params", 8.0),
    ],
)  # fmt: skip
def test_a_parameter_count_is_read(text: str | float, params_b: float) -> None:
    assert parse_parameter_count(text) == pytest.approx(params_b)
    assert read_parameter_count(text).status == "read"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (None, "empty"), ("", "empty"), ("unknown", "empty"), ("NULL", "empty"), (float("nan"), "empty"),
        ("large", "garbage"), ("0", "garbage"), ("-7b", "garbage"), ("7bx", "garbage"), ("8x7B", "garbage"), ("7B-70B", "garbage"),
        ("inf", "garbage"), ("1e99", "garbage"), ("99999b", "garbage"), ("50000", "garbage"),
    ],
)  # fmt: skip
def test_what_is_not_a_parameter_count_is_none_with_the_reason(text: str | float | None, status: str) -> None:
    assert parse_parameter_count(text) is None
    assert read_parameter_count(text).status == status


def test_a_declared_size_stays_as_declared() -> None:
    info = resolve_size(parse_model_id("Qwen2.5-0.5B"), declared_params_b=0.494)
    assert (info.params_total_b, info.size_source, info.flags) == (0.494, "declared", ())


def test_a_declared_size_that_contradicts_the_catalogue_is_kept_and_flagged() -> None:
    """The mini-study's "Phi-2 (1.3B)"; Phi-2 has 2.7B."""
    info = resolve_size(parse_model_id("microsoft/phi-2"), declared_params_b=1.3)
    assert (info.params_total_b, info.size_source) == (1.3, "declared")
    assert "contradicts_catalogue" in info.flags
    assert info.size_note is not None
    assert "2.7B" in info.size_note


def test_a_declared_size_that_contradicts_the_name_is_kept_and_flagged() -> None:
    info = resolve_size(parse_model_id("qwen3-8b"), declared_params_b=80)
    assert (info.params_total_b, info.flags) == (80, ("contradicts_name",))


@pytest.mark.parametrize(("declared", "flagged"), [(8.03, False), (9.4, False), (9.5, True), (6.9, False), (6.7, True)])
def test_tolerance_is_fifteen_percent_of_the_larger(declared: float, flagged: bool) -> None:
    info = resolve_size(parse_model_id("llama-3.1-8b-instruct"), declared_params_b=declared)
    assert ("contradicts_name" in info.flags) == flagged


def test_an_estimate_is_typed_as_one() -> None:
    info = resolve_size(parse_model_id("gpt-4o-mini"), declared_params_b=8, declared_estimated=True)
    assert (info.params_total_b, info.size_source, info.flags) == (8, "estimated", ("closed_model",))
    assert resolve_size(parse_model_id("qwen3-max"), declared_params_b=8, declared_estimated=True).size_source == "estimated"


@pytest.mark.parametrize(
    "model_id",
    [
        "gpt-4", "openai/gpt-4o-mini", "azure/gpt-35-turbo", "chatgpt", "o1-mini", "openrouter/openai/o3",
        "ft:gpt-3.5-turbo-0125:a::1",
        "claude-3-opus", "anthropic/some-new-thing", "poe/claude-3-opus", "gemini-1.5-pro", "palm-2", "grok-3", "x-ai/grok-4-fast",
        "amazon.nova-pro-v1:0", "amazon.titan-text-express-v1", "perplexity/sonar-pro", "inflection-2.5", "j2-ultra",
        "text-davinci-003",
        "cohere/command-light", "mistral-medium",
    ],
)  # fmt: skip
def test_a_declared_size_of_a_closed_model_is_a_guess(model_id: str) -> None:
    info = resolve_size(parse_model_id(model_id), declared_params_b=175)
    assert is_closed(info)
    assert (info.params_total_b, info.size_source, info.flags[-1]) == (175, "estimated", "closed_model")


@pytest.mark.parametrize(
    "model_id",
    ["gpt-oss-20b", "gpt2-xl", "gpt-j-6b", "gpt-neox-20b", "grok-1", "grok-2", "gemma-3-27b-it", "command-r", "mistral-large-2411",
     "perplexity/r1-1776", "rinna/japanese-gpt-1b", "AI-Sweden-Models/gpt-sw3-20b", "minimax-m1", "acme-unheard-of"],
)  # fmt: skip
def test_a_declared_size_of_an_open_model_is_a_declared_size(model_id: str) -> None:
    info = resolve_size(parse_model_id(model_id), declared_params_b=20)
    assert not is_closed(info)
    assert info.size_source == "declared"


@pytest.mark.parametrize(
    ("model_id", "size_b"),
    [("GPT-4 (1.8T)", 1800), ("GPT-4 (1,800B)", 1800), ("openai/gpt-4-1.8t", 1800), ("claude-3-opus-2T", 2000),
     ("ChatGPT (175B)", 175),
     ("o1 (300B)", 300),
     ("PaLM-2 (340B)", 340), ("grok-3-2.7t", 2700), ("anthropic/some-new-thing-2t", 2000)],
)  # fmt: skip
def test_a_size_in_the_id_of_a_closed_model_is_a_guess(model_id: str, size_b: float) -> None:
    info = parse_model_id(model_id)
    assert (info.params_total_b, info.size_source, info.flags[0]) == (size_b, "estimated", "closed_model")


@pytest.mark.parametrize(("model_id", "size_b"), [("google/gemini-1.5-flash-8b-001", 8), ("GPT-3 (175B)", 175), ("palm-540b", 540)])
def test_a_size_that_the_vendor_of_a_closed_model_published_is_data(model_id: str, size_b: float) -> None:
    info = parse_model_id(model_id)
    assert (is_closed(info), info.params_total_b, info.size_source, info.flags) == (True, size_b, "published", ())
    assert resolve_size(info, declared_params_b=size_b).size_source == "declared"


def test_declared_active_parameters_leave_the_total_and_its_source() -> None:
    info = resolve_size(parse_model_id("qwen3-235b"), declared_active_b=21.5)
    assert (info.params_total_b, info.params_active_b, info.size_source) == (235.0, 21.5, "name")


def test_an_active_size_from_the_name_never_exceeds_a_declared_total() -> None:
    info = resolve_size(parse_model_id("qwen3-30b-a3b"), declared_params_b=2.0)
    assert (info.params_total_b, info.params_active_b) == (2.0, None)


def test_nothing_declared_changes_nothing() -> None:
    info = parse_model_id("qwen3-8b")
    assert resolve_size(info) is info


@pytest.mark.parametrize("declared", [0.0, -7.0, float("nan"), float("inf")])
def test_refuses_a_declared_size_that_is_no_number_of_parameters(declared: float) -> None:
    with pytest.raises(DomainError, match="must be positive"):
        resolve_size(parse_model_id("qwen3-8b"), declared_params_b=declared)


@pytest.mark.parametrize("empty", ["", "   ", "\t\n"])
def test_refuses_an_empty_id(empty: str) -> None:
    with pytest.raises(DomainError, match="empty"):
        parse_model_id(empty)
