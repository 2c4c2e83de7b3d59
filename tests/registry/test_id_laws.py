"""What every id obeys, drawn from the hand-checked ids, from pieces, and from anything."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from safescale.registry import ModelInfo, parse_model_id

REAL_IDS = [
    row["model_id"] for row in csv.DictReader((Path(__file__).parent / "hand_checked.csv").read_text(encoding="utf-8").splitlines())
]
real_ids = st.sampled_from(REAL_IDS)
plain_ids = st.sampled_from([model_id for model_id in REAL_IDS if not model_id.startswith(("ft:", "us.", "openrouter/"))])
anything = st.text(min_size=1).filter(str.strip)
alphabet = st.text(alphabet="abkmxept0123456789.-_:/+ ", min_size=1, max_size=40).filter(str.strip)


def content(info: ModelInfo) -> tuple[float | None, float | None, str, str | None]:
    return info.params_total_b, info.params_active_b, info.tampering, info.lineage


@given(st.one_of(anything, alphabet))
def test_no_text_raises_and_every_answer_is_possible(text: str) -> None:
    info = parse_model_id(text)
    assert info.model_id == text
    assert info.canonical_id
    for size in (info.params_total_b, info.params_active_b):
        assert size is None or 0 < size <= 20_000
    if info.params_total_b is not None and info.params_active_b is not None:
        assert info.params_active_b <= info.params_total_b
    assert (info.size_source == "unknown") == (info.params_total_b is None and info.params_active_b is None)


@given(real_ids)
def test_case_is_irrelevant(model_id: str) -> None:
    def without_id(info: ModelInfo) -> tuple[object, ...]:
        return tuple(getattr(info, field.name) for field in ModelInfo.__attrs_attrs__ if field.name != "model_id")

    answers = {
        without_id(parse_model_id(spelling)) for spelling in (model_id, model_id.upper(), model_id.lower(), model_id.title())
    }
    assert len(answers) == 1


@given(st.one_of(real_ids, alphabet))
def test_free_changes_the_host_and_nothing_else(model_id: str) -> None:
    assume(not model_id.rstrip().endswith(("/", ":", "-", "_", " ", "+", ".")))
    plain, free = parse_model_id(model_id), parse_model_id(f"{model_id}:free")
    assert content(free)[:3] == content(plain)[:3]


@given(plain_ids, st.sampled_from(["openrouter", "together", "fireworks", "groq", "azure", "vllm", "deepinfra"]))
def test_a_host_prefix_never_changes_size_or_tampering(model_id: str, host: str) -> None:
    """Except ``ollama/``, under which a bare name means its default tag."""
    assume(not model_id.startswith(("ollama", "anthropic.", "meta.", "mistral.", "openai.", "publishers", "accounts", "bedrock")))
    assert content(parse_model_id(f"{host}/{model_id}")) == content(parse_model_id(model_id))


@given(plain_ids)
def test_a_file_stem_keeps_size_and_tampering(model_id: str) -> None:
    assume(":free" not in model_id)
    stem = model_id.replace(":", "-").replace("/", "_")
    before, after = parse_model_id(model_id), parse_model_id(stem)
    # 'deepseek-r1:latest' is ambiguous only as an ollama tag, 'ollama/llama3' only as ollama's default
    assume("default_tag" not in before.flags)
    assert (after.params_total_b, after.tampering) == (before.params_total_b, before.tampering)


@given(
    st.sampled_from(["llama-3.1", "qwen3", "gemma-3", "acme", "falcon", "openlm-x"]),
    st.one_of(st.integers(2, 999).map(float), st.sampled_from([0.5, 0.6, 1.5, 1.7, 7.8, 10.7])),
    st.sampled_from(
        ["", "-instruct", "-it-GGUF", "-chat-v1.5", "-128k-instruct", "-instruct-2507", "-fp8", "-q4_K_M", "-20250929"]
    ),
)
def test_a_stated_size_is_read_whatever_stands_around_it(stem: str, size: float, suffix: str) -> None:
    info = parse_model_id(f"{stem}-{size:g}b{suffix}")
    assert (info.params_total_b, info.size_source) == (size, "name")


@pytest.mark.parametrize(
    "suffix", ["-128k", "-2512", "-0528", "-20250929", "-2024-07-18", "-v2", "-v0.3", "-4bit", "-int4", "-fp8", "-w4a16"]
)
def test_no_date_version_context_or_format_is_a_size(suffix: str) -> None:
    assert parse_model_id(f"acme{suffix}").params_total_b is None
    assert parse_model_id(f"acme-7b{suffix}").params_total_b == 7.0
