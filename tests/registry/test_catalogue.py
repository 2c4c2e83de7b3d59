"""The tables behind the registry: one test over all rows of each."""

from __future__ import annotations

import subprocess
import sys
import time

from safescale.registry import is_closed, parse_model_id, resolve_size
from safescale.registry.catalogue import catalogue, read_table
from safescale.registry.families import canonical_spelling
from safescale.registry.info import ModelInfo
from safescale.registry.record import MODEL_COLUMNS, to_model_record

CLOSED = ("gpt-3.5", "gpt-4", "gpt-5", "claude", "gemini", "o1", "o3", "o4", "grok-2", "grok-3", "grok-4", "nova")


def test_every_published_size_has_a_source_and_plausible_numbers() -> None:
    raw = read_table("catalogue.toml")
    for entry in (*raw["model"], *raw["experts"]):
        label = entry.get("keys", entry.get("pattern"))
        assert len(entry["source"]) > 10, label
        assert 0 < entry["total"] < 20_000, label
        assert 0 < entry.get("active", entry["total"]) <= entry["total"], label
        assert set(entry) <= {
            "keys", "pattern", "family_word", "total", "active", "source", "name_size", "other_sizes", "active_in_name",
        }, label  # fmt: skip
    assert all(size > 0 for size in raw["ollama_default"]["sizes"].values())
    assert not set(raw["ollama_default"]["sizes"]) & set(raw["ollama_default"]["moved"])


def test_every_key_of_the_catalogue_is_named_once_and_can_be_found() -> None:
    keys = [key for entry in read_table("catalogue.toml")["model"] for key in entry["keys"]]
    assert len(keys) == len(set(keys))
    misspelled = {key for key in keys if canonical_spelling(key) != key}
    assert misspelled <= {"jamba-v0.1", "snowflake-arctic"}, "a key in another spelling is never found"
    found = {key: parse_model_id(key) for key in keys if not catalogue().by_name[key].active_in_name}
    assert {key for key, info in found.items() if info.params_total_b is None} == set()
    for key, info in found.items():
        assert abs(info.params_total_b / catalogue().by_name[key].total_b - 1) < 0.1, key


def test_no_closed_model_is_in_the_catalogue_but_those_whose_vendor_published_the_size() -> None:
    names = (*catalogue().by_name, *catalogue().ollama.sizes_b)
    published = {name for name in names if is_closed(parse_model_id(name))}
    assert published == {
        "gemini-1.5-flash-8b", "gemini-1.5-flash-8b-001", "gemini-1.5-flash-8b-latest",
        "gemini-1.5-flash-8b-exp-0827", "gemini-1.5-flash-8b-exp-0924", "gpt-3-175b", "palm-540b",
    }  # fmt: skip
    assert {name for name in names if name.startswith(CLOSED)} <= published


def test_every_family_is_complete_and_every_alias_belongs_to_one() -> None:
    families = read_table("families.toml")["family"]
    aliases = [alias for family in families for alias in family["aliases"]]
    assert len(aliases) == len(set(aliases))
    known = {
        "name", "developer", "aliases", "stem", "joiner", "between", "generations", "first", "late_version", "line", "modes",
        "rewrite", "at_start", "closed", "open_generations",
    }  # fmt: skip
    for family in families:
        assert {"name", "developer", "aliases"} <= set(family) <= known, family["name"]
        assert all(alias == alias.lower() and "_" not in alias for alias in family["aliases"])


def test_every_tampering_rule_has_a_reason_and_a_state() -> None:
    raw = read_table("tampering.toml")
    for group in ("marker", "intervention", "organisation", "model"):
        for rule in raw[group]:
            assert rule["state"] in ("abliterated", "fine_tuned", "steered", *(("unknown",) if group == "organisation" else ()))
            assert len(rule["reason"]) > 10
    for rule in raw["hardened"]:
        assert "hardened" in rule["reason"]


def test_every_marker_word_works_from_an_id() -> None:
    for rule in read_table("tampering.toml")["marker"]:
        for word in (*rule.get("words", ()), *rule.get("phrases", ())):
            info = parse_model_id(f"stranger/llama-3.1-8b-{word}")
            assert (info.tampering, info.params_total_b) == (rule["state"], 8.0), word
            assert parse_model_id(f"stranger_llama-3.1-8b-{word}-free").tampering == rule["state"], word


def test_every_word_of_a_fine_tune_leaves_the_state_open_except_under_the_familys_own_developer() -> None:
    for rule in read_table("tampering.toml")["fine_tune"]:
        for word in (*rule["words"], *rule["phrases"]):
            for model_id in (f"stranger/llama-3.1-8b-{word}", f"llama-3.1-8b-{word}", f"unsloth/llama-3.1-8b-{word}"):
                assert parse_model_id(model_id).tampering == "unknown", model_id
            assert parse_model_id(f"meta-llama/llama-3.1-8b-{word}").tampering == "none", word


def test_hosts_and_developers_are_lower_case_and_apart() -> None:
    raw = read_table("orgs.toml")
    assert all(name == name.lower() for table in ("hosts", "developers") for name in raw[table])
    assert not set(raw["hosts"]) & set(raw["developers"])
    assert not set(raw["repackagers"]["names"]) & set(raw["developers"])


def test_record_has_the_columns_of_the_model_record_in_order() -> None:
    from safescale.records.models import Model

    info = parse_model_id("obliteratus/qwen3_5-9.0b")
    record = to_model_record(info)
    assert tuple(record) == MODEL_COLUMNS == tuple(Model.to_schema().columns)
    assert set(record) < {field.name for field in ModelInfo.__attrs_attrs__}
    assert record["params_total_b"] == 9.0


def test_record_says_in_words_what_is_doubtful_about_the_size() -> None:
    def note(model_id: str, declared_params_b: float | None = None) -> str | float | None:
        return to_model_record(resolve_size(parse_model_id(model_id), declared_params_b=declared_params_b))["size_note"]

    assert note("qwen3-8b") is None
    assert note("mixtral-8x7b") is None, "where a published size is from is no doubt about it"
    assert note("mixtral-8x7b", 46.7) is None
    assert note("llama-3.2-1b", 1.24) is None, "a name in whole billions is a rounding"
    assert "contradicts the one in the name" in str(note("gemma-2b", 2.51))
    assert note("qwen3-8b", 80) == "declared 80B, but 8B by its name; the declared size contradicts the one in the name"
    assert note("gpt-4", 1800) == "closed model: the vendor published no size, so any size is a guess"
    for model_id, declared, words in [
        ("microsoft/phi-2", 1.3, "contradicts the published one"),
        ("qwen2.5-72b-distill-7b", None, "two sizes"),
        ("someone/Beyonder-4x7B-v2", None, "product is not the total"),
        ("smollm2-1-7b", None, "half of a decimal"),
        ("gemma-4-e4b-it", None, "effective parameters"),
        ("GPT-4 (1.8T)", None, "closed model"),
    ]:
        assert words in str(note(model_id, declared)), model_id


def test_import_is_light() -> None:
    """Neither tables nor libraries are loaded by the import."""
    code = (
        "import sys, safescale.registry as r; from safescale.registry import catalogue as c;"
        "assert not {'pandas', 'pyarrow', 'pandera', 'numpy'} & set(sys.modules), sorted(sys.modules);"
        "assert c.catalogue.cache_info().currsize == 0"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_ten_thousand_ids_take_about_a_second() -> None:
    ids = [f"org{i}/Llama-3.1-{i % 97 + 1}B-Instruct-abliterated-v{i}" for i in range(10_000)]
    parse_model_id(ids[0])
    begin = time.process_time()
    assert {parse_model_id(model_id).tampering for model_id in ids} == {"abliterated"}
    assert time.process_time() - begin < 3.0  # under one second when the machine is not shared
