"""Ids whose meaning was written down by hand, before the parser saw them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from safescale.registry import parse_model_id

TABLE = Path(__file__).parent / "hand_checked.csv"
ROWS = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines()))


def number(text: str) -> float | None:
    return float(text) if text else None


def test_table_is_large_and_holds_every_kind_of_trap() -> None:
    assert len(ROWS) >= 150
    assert len({row["model_id"] for row in ROWS}) == len(ROWS)
    assert {row["tampering"] for row in ROWS} == {"none", "abliterated", "fine_tuned", "steered", "unknown"}
    assert sum(not row["total_b"] for row in ROWS) >= 40, "an unknown size is an answer that has to be tested"


@pytest.mark.parametrize("row", ROWS, ids=[row["model_id"] for row in ROWS])
def test_id_is_read_as_a_person_reads_it(row: dict[str, str]) -> None:
    info = parse_model_id(row["model_id"])
    assert info.params_total_b == number(row["total_b"])
    assert info.params_active_b == number(row["active_b"])
    lineage = "" if "lineage_from_name" in info.flags else info.lineage or ""
    assert (lineage, info.developer or "", info.host or "") == (row["lineage"], row["developer"], row["host"])
    assert info.tampering == row["tampering"]
    assert (info.size_source == "unknown") == (info.params_total_b is None and info.params_active_b is None)


@pytest.mark.parametrize(
    ("model_id", "flag"),
    [
        ("gemma-4-e4b-it", "effective"),
        ("qwen2.5-72b-distill-7b", "two_sizes"),
        ("someone/Beyonder-4x7B-v2", "experts_times_size"),
        ("acme-17b-16e", "experts_times_size"),
        ("Phi-2 (1.3B)", "contradicts_catalogue"),
        ("smollm2-1-7b", "doubtful_size"),
        ("llama38b", "doubtful_size"),
        ("foo-3b-a22b", "implausible_size"),
        ("foo-99999b", "implausible_size"),
        ("llama3.2:latest", "default_tag"),
        ("deepseek-r1:latest", "default_tag"),
        ("Qwen/Qwen2.5-32B-Instruct-AWQ", "quantised"),
        ("nvidia/Mistral-NeMo-8B-Instruct", "third_party"),
        ("zephyr_7b_r2d2", "hardened"),
    ],
)
def test_what_a_reader_should_know_is_flagged(model_id: str, flag: str) -> None:
    assert flag in parse_model_id(model_id).flags


@pytest.mark.parametrize("model_id", ["qwen3-8b", "meta-llama/llama-3.3-70b-instruct:free", "google/gemma-3-27b-it", "gpt-4o-mini"])
def test_plain_ids_have_no_flags(model_id: str) -> None:
    assert parse_model_id(model_id).flags == ()


def test_release_date_is_the_vendors_and_not_the_time_of_a_run() -> None:
    assert parse_model_id("claude-sonnet-4-5-20250929").released == "2025-09-29"
    assert parse_model_id("gpt-4o-mini-2024-07-18").released == "2024-07-18"
    assert parse_model_id("vertex_ai/claude-3-5-sonnet@20240620").released == "2024-06-20"
    assert parse_model_id("gpt-4-turbo_20250201").released is None
    assert parse_model_id("llama-3.1-8b-instruct_20260315_120000").released is None
    assert parse_model_id("gpt-4o-20259999").released is None


def test_two_lineage_levels() -> None:
    info = parse_model_id("Qwen/Qwen3.5-9B")
    assert (info.lineage, info.lineage_family, info.generation) == ("qwen3.5", "qwen", "3.5")


def test_a_dense_model_is_not_given_active_parameters_that_nobody_states() -> None:
    assert parse_model_id("llama-3.1-8b-instruct").params_active_b is None


def test_family_words_inside_other_words_do_not_count() -> None:
    for model_id in ("wildguard-7b", "optimus-alpha", "stepwise-3b", "acme-step-3-pro", "super-nova-lite", "gpt4all-13b-snoozy"):
        info = parse_model_id(model_id)
        assert info.family in (None, "gpt4all") or "lineage_from_name" in info.flags, model_id


def test_models_of_an_unknown_family_are_kin_when_only_their_size_differs() -> None:
    small, large, other = (parse_model_id(i) for i in ("acme/frimble2-1.5b-chat", "acme/frimble2-70b-chat", "acme/frimble3-8b"))
    assert small.lineage == large.lineage == "acme-frimble2"
    assert (small.family, other.family, other.lineage) == ("acme-frimble", "acme-frimble", "acme-frimble3")
    assert (small.generation, other.generation) == ("2", "3")
    assert "lineage_from_name" in small.flags
    assert parse_model_id("else/frimble2-8b").lineage != small.lineage
    assert parse_model_id("acme/frimble").lineage is None
