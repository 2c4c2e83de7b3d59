"""Real ids: the development list, and the tables that state sizes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from safescale.registry import ModelInfo, parse_model_id

TOLERANCE = 0.05
SIZES_THAT_ARE_GUESSES = {"claude-sonnet-4-5-20250929"}
"""Corpus guesses about closed models: the right answer is that the size is unknown."""


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def wrong(info: ModelInfo, declared: str) -> bool:
    return (
        bool(declared)
        and info.params_total_b is not None
        and abs(info.params_total_b - float(declared)) > TOLERANCE * float(declared)
    )


def test_development_list_is_answered_and_never_wrong(real_data: Path) -> None:
    table = rows(real_data / "model_names.csv")
    stated = [row for row in table if row["params_b"] and row["model_id"] not in SIZES_THAT_ARE_GUESSES]
    infos = {row["model_id"]: parse_model_id(row["model_id"]) for row in table}
    assert len(stated) >= 50
    assert [row["model_id"] for row in table if wrong(infos[row["model_id"]], row["params_b"])] == []
    answered = [row for row in stated if infos[row["model_id"]].params_total_b is not None]
    assert len(answered) / len(stated) >= 0.95
    assert all(infos[model_id].params_total_b is None for model_id in SIZES_THAT_ARE_GUESSES)


def test_development_list_has_no_wrong_tampering_flag(real_data: Path) -> None:
    table = rows(real_data / "model_names.csv")
    assert {row["abliterated"] for row in table} == {"0", "1"}
    states = {row["model_id"]: parse_model_id(row["model_id"]).tampering for row in table}
    assert states == {row["model_id"]: "abliterated" if row["abliterated"] == "1" else "none" for row in table}


@pytest.mark.parametrize(
    ("table", "id_column"),
    [
        ("sorry_bench_table/sorry_bench_models.csv", "model"),
        ("harmbench_table/harmbench_table6_wide_all.csv", "model_id"),
        ("failurefirst_tables/r198_obliteratus_qwen35_counts.csv", "model"),
        ("failurefirst_tables/r353_lineages.csv", "model"),
    ],
)
def test_published_tables_agree_with_the_ids(real_data: Path, table: str, id_column: str) -> None:
    known = [row for row in rows(real_data / table) if row["params_b"]]
    infos = {row[id_column]: parse_model_id(row[id_column]) for row in known}
    assert [row[id_column] for row in known if wrong(infos[row[id_column]], row["params_b"])] == []
    unanswered = {model_id for model_id, info in infos.items() if info.params_total_b is None}
    assert unanswered <= {"aurora-m"}, "the name does not state it, and its two published figures differ"


def test_active_sizes_of_sorry_bench_agree(real_data: Path) -> None:
    experts = [row for row in rows(real_data / "sorry_bench_table/sorry_bench_models.csv") if row["arch"] == "moe"]
    assert len(experts) == 2
    for row in experts:
        assert parse_model_id(row["model"]).params_active_b == pytest.approx(float(row["active_params_b"]))


def test_every_model_of_the_tables_that_is_closed_stays_unknown(real_data: Path) -> None:
    closed = [row["model"] for row in rows(real_data / "sorry_bench_table/sorry_bench_models.csv") if row["arch"] == "closed"]
    assert len(closed) >= 15
    assert {parse_model_id(model_id).params_total_b for model_id in closed} == {None}


def test_speechmap_ids_get_the_creator_that_speechmap_names(real_data: Path) -> None:
    lines = (real_data / "speechmap_judges/model_metadata.jsonl").read_text(encoding="utf-8").splitlines()
    models = [json.loads(line) for line in lines]
    assert len(models) > 200
    alike = {
        "x-ai": "xai", "meta-llama": "meta", "moonshotai": "moonshot", "mistralai": "mistral", "thudm": "zhipu", "z-ai": "zhipu",
        "rekaai": "reka", "bytedance-seed": "bytedance", "unknown": None,
    }  # fmt: skip
    differing = {
        (model["model_identifier"], model["creator"])
        for model in models
        if parse_model_id(model["model_identifier"]).developer != alike.get(model["creator"], model["creator"])
    }
    assert differing == set()
    hosted = [model for model in models if model["model_identifier"].startswith("openrouter/")]
    assert {parse_model_id(model["model_identifier"]).host for model in hosted} == {"openrouter"}
