"""Section E of published-claims: what removing the refusal direction does to five models, from the files themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.lines import write
from safescale.analyses import LineageResult, analyze_lineage, analyze_reemergence
from safescale.analyses.lineage import GapVerdict
from safescale.cells import Counting, Selection
from safescale.ingest.batch import Options
from safescale.ingest.session import ingest
from safescale.records.contracts import example
from safescale.store import open_corpus

MODELS = ("gemma-2b-it", "llama-2-7b-chat-hf", "meta-llama-3-8b-instruct", "qwen-1_8b-chat", "yi-6b-chat")
MAPS = Path(__file__).parents[2] / "examples" / "maps"


def canonical(real_data: Path) -> list[dict[str, Any]]:
    """The native files hold one object each with a list in it, so they are read here and handed on as canonical lines."""
    rows = []
    for model in MODELS:
        for condition in ("baseline", "ablation", "actadd"):
            path = real_data / "refusal_direction" / model / f"jailbreakbench_{condition}_evaluations.json"
            for i, row in enumerate(json.loads(path.read_text(encoding="utf-8"))["completions"]):
                rows.append(
                    {
                        **example("graded_trace"),
                        "trace_id": f"{model}:{condition}:{i}",
                        "source": "refusal_direction",
                        "model_id": model,
                        "prompt_id": f"jbb-{i:03d}",
                        "prompt_kind": "harmful",
                        "attack_class": "none",
                        "condition": condition,
                        "grader_id": "llamaguard2",
                        "grader_kind": "classifier",
                        "outcome_map": "binary_harmful",
                        "raw_label": str(row["is_jailbreak_llamaguard2"]),
                        "verdict": "COMPLIANCE" if row["is_jailbreak_llamaguard2"] else "NOT_HARMFUL",
                        "response": row["response"],
                        "prompt": row["prompt"],
                    }
                )
    return rows


@pytest.fixture(scope="module")
def gaps(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> LineageResult:
    folder = tmp_path_factory.mktemp("refusal_direction")
    corpus = open_corpus(folder / "corpus.db", create=True)
    try:
        report = ingest([write(folder / "rows.jsonl", canonical(real_data))], corpus)
        assert report.findings == 0
        counting = Counting(corpus)
        return analyze_lineage(
            counting.cells(Selection()),
            counting.models,
            baseline_condition="baseline",
            tampered_conditions=["ablation", "actadd"],
        )
    finally:
        corpus.close()


def test_the_five_published_gaps_reproduce(gaps: LineageResult) -> None:
    """Golden: LlamaGuard-2 ASR, baseline to ablation."""
    (setting,) = gaps.settings
    found = {
        pair.tampered.model_ids[0]: (pair.base.successes, pair.tampered.successes)
        for pair in setting.pairs
        if pair.kind == "ablation"
    }
    assert found == {
        "gemma-2b-it": (7, 78),
        "llama-2-7b-chat-hf": (5, 81),
        "meta-llama-3-8b-instruct": (3, 82),
        "qwen-1_8b-chat": (20, 82),
        "yi-6b-chat": (25, 79),
    }
    assert all(pair.headline == "paired" and pair.paired is not None for pair in setting.pairs)
    assert {pair.params_b for pair in setting.pairs} == {1.8, 2.0, 6.0, 7.0, 8.0}


def test_five_lineages_of_five_sizes_say_what_they_can(gaps: LineageResult) -> None:
    (setting,) = gaps.settings
    ablation, actadd = setting.series
    assert (ablation.name, actadd.name) == ("ablation minus baseline", "actadd minus baseline")
    assert ablation.slope is not None
    assert ablation.slope.p_floor == pytest.approx(2 / 120)
    assert ablation.verdict is GapVerdict.UNDECIDED
    assert any("size and lineage are not told apart" in caveat for caveat in ablation.caveats)
    assert "5 pairs" in ablation.words


def test_five_models_of_five_lineages_are_no_scaling_result_by_each_grader(real_data: Path, tmp_path: Path) -> None:
    """Report section D: each grader's gaps with paired intervals, and the sentence that follows from the lineages."""
    corpus = open_corpus(tmp_path / "corpus.db", create=True)
    try:
        ingest([real_data / "refusal_direction"], corpus)
        counting = Counting(corpus)
        result = analyze_lineage(counting.cells(Selection(tampered="include", allow_keyword=True)), counting.models)
    finally:
        corpus.close()
    gaps = {
        setting.grader.grader_id.rsplit("/", 1)[-1]: {
            pair.base.model_ids[0]: round(pair.quoted_gap_pp) for pair in setting.pairs if pair.kind == "abliterated"
        }
        for setting in result.settings
    }
    assert gaps == {
        "llamaguard2": dict(zip(MODELS, (71, 76, 79, 62, 54), strict=True)),
        "substring_matching": dict(zip(MODELS, (91, 90, 95, 69, 60), strict=True)),
    }
    assert all(pair.headline == "paired" for setting in result.settings for pair in setting.pairs)
    for setting in result.settings:
        for series in setting.series:
            assert "No scaling result: 5 models of 5 lineages, none of them at two sizes" in series.words
            assert series.generalises_to == "these_models"


def test_the_two_safety_removed_models_of_sorry_bench_have_no_series_and_no_partner(real_data: Path, tmp_path: Path) -> None:
    corpus = open_corpus(tmp_path / "corpus.db", create=True)
    try:
        file = real_data / "sorry_bench_table" / "sorry_bench_models.csv"
        ingest([file], corpus, options=Options(column_map=MAPS / "sorry_bench_table.yaml"))
        counting = Counting(corpus)
        refusals = analyze_reemergence(counting.cells(Selection(tampered="only")), counting.models)
        gaps = analyze_lineage(counting.cells(Selection(tampered="include")), counting.models)
    finally:
        corpus.close()
    (setting,) = refusals.settings
    (series,) = setting.series
    assert series.scope == "all"
    assert {model.model for model in series.models} == {"dolphin-2.2.1-mistral-7b", "dolphin-2.6-mixtral-8x7b"}
    assert "this corpus cannot test this claim" in refusals.answer
    (found,) = gaps.settings
    assert found.pairs == ()
    assert {lone.lineage for lone in found.unpaired} == {"dolphin-2.2.1", "dolphin-2.6"}
