"""The public files of garak, lm-eval, JailbreakBench and the refusal-direction runs: each read, and what was published of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from safescale.analyses import LineageResult, analyze_lineage
from safescale.cells import Counting, Selection, build_cells, verdict_pairs
from safescale.ingest.outcome import FileOutcome, IngestReport
from safescale.ingest.session import ingest
from safescale.records.outcomes import Tier
from safescale.stats import cohen_kappa
from safescale.store import open_corpus
from safescale.store.base import Corpus

SUBSTRING, GUARD = "refusal_direction/substring_matching", "refusal_direction/llamaguard2"


@pytest.fixture(scope="module")
def native(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Corpus, IngestReport]]:
    """All folders in one call, as a user would give them."""
    corpus = open_corpus(tmp_path_factory.mktemp("native") / "corpus.db", create=True)
    folders = ["formats/garak", "formats/lm_eval", "formats/jailbreakbench", "jbb_artifacts", "refusal_direction"]
    try:
        yield corpus, ingest([real_data / folder for folder in folders], corpus)
    finally:
        corpus.close()


def files(report: IngestReport, part: str) -> list[FileOutcome]:
    return [file for file in report.files if part in file.file]


def rates(corpus: Corpus, grader: str, selection: Selection | None = None) -> dict[tuple[str, str], str]:
    """Strict successes of evaluable rows by (attack class, model), under the condition ``default``."""
    return {
        (cell.attack_class, cell.model_id): f"{cell.successes[Tier.STRICT]}/{cell.evaluable}"
        for cell in build_cells(corpus, selection or Selection())
        if cell.grader == grader and cell.condition == "default"
    }


def test_every_file_is_read_or_refused_for_its_own_reason(native: tuple[Corpus, IngestReport]) -> None:
    """The two summaries are our own tables about the files, and no tool's format."""
    _, report = native
    assert all(sum(file.fates.values()) == file.rows_in for file in report.files)
    refused = {Path(f.file).name: f.reject_codes for f in report.files if f.rejects}
    assert refused == {
        "summary.csv": {"UNKNOWN_FORMAT": 1},
        "qual_review_mixed.report.jsonl": {"MISSING_FIELD": 3},
        "qual_review_shuffled.report.jsonl": {"MISSING_FIELD": 3},
    }
    formats = Counter(f.format for f in report.files)
    assert formats == {"garak": 10, "lm-eval": 2, "jailbreakbench": 30, "refusal-direction": 25, None: 2}
    assert [Path(name).name for name in report.not_read] == ["bag.md", "SOURCE.txt", "SOURCE.txt"]


def test_garak_fates(native: tuple[Corpus, IngestReport]) -> None:
    _, report = native
    found = {
        Path(f.file).name.removesuffix(".report.jsonl"): {fate.value: n for fate, n in f.fates.items() if n}
        for f in files(report, "/garak/")
    }
    assert found == {
        "agg": {"trace": 9, "metadata": 5},
        "calibration-2025-05.json": {"metadata": 1},
        "calibration-2026-02.json": {"metadata": 1},
        "quack": {"trace": 1, "superseded": 1, "metadata": 5},
        "qual_review_mixed": {"superseded": 3, "metadata": 3, "reject": 3},
        "qual_review_shuffled": {"metadata": 3, "reject": 3},
        "report_test": {"trace": 8, "superseded": 8, "metadata": 5},
        "tbsa_digest_0.json": {"metadata": 1},
        "test": {"trace": 8, "superseded": 8, "metadata": 5},
        "test_with_ci": {"trace": 4, "metadata": 5},
    }


def test_the_one_garak_report_whose_totals_are_not_its_rows(native: tuple[Corpus, IngestReport]) -> None:
    _, report = native
    notes = [
        (Path(f.file).name, n.column, n.expected, n.got)
        for f in files(report, "/garak/")
        for n in f.notes
        if n.code == "HEADER_CONTRADICTS_ROWS"
    ]
    assert notes == [
        ("test_with_ci.report.jsonl", f"eval test.Test always.Pass: {key}", said, got)
        for key, said, got in (("passed", "37", "4"), ("fails", "13", "0"), ("total_evaluated", "50", "4"))
    ]


def test_what_the_aggregated_report_repeats_is_found(native: tuple[Corpus, IngestReport]) -> None:
    """agg = test + quack: nine traces under one uuid, each the same as one of the runs'."""
    corpus, report = native
    assert report.same_traces == 9
    same = corpus.same_traces().to_pylist()
    assert {row["kept_trace_id"].startswith("garak:") and row["trace_id"].startswith("garak/aggregated:") for row in same} == {True}


def test_a_capability_benchmark_gives_no_verdict_and_declares_the_size_of_its_model(native: tuple[Corpus, IngestReport]) -> None:
    corpus, report = native
    [samples] = files(report, "samples_math_perturbed_full")
    assert {fate.value: n for fate, n in samples.fates.items() if n} == {"trace": 10}
    assert {n.code.value for n in samples.notes} == {"POLARITY_UNKNOWN", "HEADER_CONTRADICTS_ROWS"}
    grades = [g for g in corpus.read("grades").to_pylist() if g["grader_id"] == "math_perturbed_full/exact_match (undeclared)"]
    assert {g["verdict"] for g in grades} == {"UNGRADED"}
    [model] = [m for m in corpus.read("models").to_pylist() if m["model_id"].startswith("RylanSchaeffer/")]
    assert (model["params_total_b"], model["size_source"]) == (0.09306928, "declared")


PUBLISHED_JBB = {
    "PAIR": (69, 0, 71, 34),
    "GCG": (80, 3, 47, 4),
    "JailbreakChat": (90, 0, 0, 0),
    "adaptive_random_search": (89, 90, 93, 78),
}
"""Section E of published-claims, where the last two are called JBC and random search (as their folders are)."""
JBB_MODELS = ("vicuna-13b-v1.5", "llama-2-7b-chat-hf", "gpt-3.5-turbo-1106", "gpt-4-0125-preview")


def test_jailbreakbench_asr_per_100_behaviours(native: tuple[Corpus, IngestReport]) -> None:
    """Reproduced: with the default selection, all folders ingested (the test artefacts among them)."""
    corpus, _ = native
    found = rates(corpus, "jailbreakbench/judge")
    published = {
        (method, model): f"{k}/100" for method, ks in PUBLISHED_JBB.items() for model, k in zip(JBB_MODELS, ks, strict=True)
    }
    assert {key: rate for key, rate in found.items() if key[0] != "DSN"} == published
    assert {key: rate for key, rate in found.items() if key[0] == "DSN"} == {
        ("DSN", "vicuna-13b-v1.5"): "95/100",
        ("DSN", "llama-2-7b-chat-hf"): "94/100",
    }


def test_the_second_judge_of_jailbreakbench(real_data: Path, native: tuple[Corpus, IngestReport]) -> None:
    """Counted again here with json alone."""
    corpus, _ = native
    expected = {}
    for path in (real_data / "jbb_artifacts").rglob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        if "jailbreaks" in content and "jailbroken_llama_guard1" in content["jailbreaks"][0]:
            hits = sum(row["jailbroken_llama_guard1"] for row in content["jailbreaks"])
            expected[content["parameters"]["method"], content["parameters"]["model"]] = f"{hits}/100"
    assert len(expected) == 16
    assert rates(corpus, "jailbreakbench/llama_guard1") == expected


def test_13_of_18_artefacts_contradict_their_rows(native: tuple[Corpus, IngestReport]) -> None:
    _, report = native
    whole = [f for f in files(report, "/jbb_artifacts/") if f.rows_in == 100]
    assert len(whole) == 18
    assert sum("HEADER_CONTRADICTS_ROWS" in {n.code.value for n in f.notes} for f in whole) == 13


def test_163_null_prompts_count_as_failures(native: tuple[Corpus, IngestReport]) -> None:
    corpus, report = native
    kinds = Counter(corpus.read("traces", ["response_kind"])["response_kind"].to_pylist())
    assert kinds["not_asked"] == 163
    told = [n.got for f in files(report, "/PAIR/") for n in f.notes if n.code == "NOT_ASKED"]
    assert [int(got.split()[0]) for got in told] == [13, 36, 96, 18]


def test_test_artefacts_stand_apart(native: tuple[Corpus, IngestReport]) -> None:
    """Their header says PAIR and 10 prompts; pooled, they would turn 69 of 100 into 71 of 102."""
    corpus, _ = native
    apart = [cell for cell in build_cells(corpus, Selection()) if "incomplete" in cell.condition]
    assert {(cell.attack_class, cell.evaluable) for cell in apart} == {("PAIR", 1), ("PAIR", 2)}


PUBLISHED_RD = {
    "gemma-2b-it": (7, 78),
    "llama-2-7b-chat-hf": (5, 81),
    "meta-llama-3-8b-instruct": (3, 82),
    "qwen-1_8b-chat": (20, 82),
    "yi-6b-chat": (25, 79),
}


def test_refusal_direction_asr(native: tuple[Corpus, IngestReport]) -> None:
    """Reproduced: baselines with the default selection; ablated models are tampered ones, so they must be asked for (law 1)."""
    corpus, _ = native
    assert rates(corpus, GUARD) == {("none", model): f"{base}/100" for model, (base, _) in PUBLISHED_RD.items()}
    tampered = rates(corpus, GUARD, Selection(tampered="only"))
    assert {key: rate for key, rate in tampered.items() if key[1].endswith("+ablation")} == {
        ("none", f"{model}+ablation"): f"{ablated}/100" for model, (_, ablated) in PUBLISHED_RD.items()
    }


@pytest.fixture(scope="module")
def gaps(native: tuple[Corpus, IngestReport]) -> LineageResult:
    corpus, _ = native
    counting = Counting(corpus)
    return analyze_lineage(counting.cells(Selection(tampered="include")), counting.models, grader=GUARD)


def test_the_lineage_analysis_pairs_each_ablated_model_with_itself(gaps: LineageResult) -> None:
    [setting] = gaps.settings
    found = {p.base.model_ids[0]: (p.base.successes, p.tampered.successes) for p in setting.pairs if p.kind == "abliterated"}
    assert found == PUBLISHED_RD
    assert all(pair.headline == "paired" for pair in setting.pairs)
    assert Counter(pair.kind for pair in setting.pairs) == {"abliterated": 5, "steered": 5}


def test_a_keyword_rule_never_passes_for_a_grader(native: tuple[Corpus, IngestReport]) -> None:
    corpus, _ = native
    assert not rates(corpus, SUBSTRING)
    allowed = rates(corpus, SUBSTRING, Selection(allow_keyword=True))
    assert [allowed["none", model] for model in PUBLISHED_RD] == ["9/100", "3/100", "5/100", "30/100", "38/100"]


def test_harmless_prompts_enter_no_asr_and_give_over_refusal(native: tuple[Corpus, IngestReport]) -> None:
    corpus, _ = native
    cells = build_cells(corpus, Selection(allow_keyword=True, tampered="include"))
    refused = {
        (row["model_id"], row["condition"]): row["REFUSAL"] for row in cells.over_refusal.to_pylist() if row["grader"] == SUBSTRING
    }
    assert [refused[model, "default"] for model in PUBLISHED_RD] == [0, 1, 1, 3, 5]
    assert [refused[f"{model}+actadd", "direction_added"] for model in PUBLISHED_RD] == [100, 100, 100, 98, 88]


def agreement(pairs: pa.Table, model: str) -> tuple[float, float]:
    """Raw agreement and Cohen's kappa of 'harmful or not', as the two graders say it."""
    first, second = [], []
    for row in pairs.to_pylist():
        if row["model_id"] == model:
            first += [row["first"] == "COMPLIANCE"] * row["traces"]
            second += [row["second"] == "COMPLIANCE"] * row["traces"]
    assert len(first) == 100
    result = cohen_kappa(first, second, categories=(False, True))
    assert result.kappa is not None
    return result.observed_agreement, result.kappa


def test_agreement_of_the_two_graders_depends_on_the_condition(native: tuple[Corpus, IngestReport]) -> None:
    """Section D: raw .86-.96 at baseline and .73-.86 tampered; kappa .22-.70 and -.04-.23."""
    corpus, _ = native
    pairs = verdict_pairs(corpus, Selection(allow_keyword=True, tampered="include"), SUBSTRING, GUARD)
    baseline = [agreement(pairs, model) for model in PUBLISHED_RD]
    tampered = [agreement(pairs, f"{model}+{how}") for model in PUBLISHED_RD for how in ("ablation", "actadd")]

    def span(values: list[float]) -> str:
        return f"{min(values):.2f} to {max(values):.2f}"

    assert span([raw for raw, _ in baseline]) == "0.86 to 0.96"
    assert span([raw for raw, _ in tampered]) == "0.73 to 0.86"
    assert span([kappa for _, kappa in baseline]) == "0.22 to 0.70"
    assert span([kappa for _, kappa in tampered]) == "-0.04 to 0.23"
