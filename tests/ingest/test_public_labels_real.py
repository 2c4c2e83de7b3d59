"""XSTest and SpeechMap as published: the figures of their pages from stored grades, through the native adapters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from safescale.ingest.session import ingest
from safescale.records.fates import Fate
from safescale.stats import cohen_kappa, fleiss_kappa, krippendorff_alpha
from safescale.store import open_corpus
from safescale.store.base import Corpus

CLASSES = ("COMPLIANCE", "PARTIAL", "REFUSAL")


def stored(corpus: Corpus) -> dict[str, dict[str, str]]:
    """Verdicts by trace and grader."""
    found: dict[str, dict[str, str]] = {}
    for grade in corpus.read("grades", ["trace_id", "grader_id", "verdict"]).to_pylist():
        assert grade["grader_id"] not in found.setdefault(grade["trace_id"], {})
        found[grade["trace_id"]][grade["grader_id"]] = grade["verdict"]
    return found


@pytest.fixture(scope="module")
def xstest(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    corpus = open_corpus(tmp_path_factory.mktemp("xstest") / "c.db", create=True)
    report = ingest([real_data / "xstest"], corpus)
    assert {f.format for f in report.files} == {"xstest"}
    assert {f: n for f, n in report.fates.items() if n} == {Fate.TRACE: 2_250, Fate.GRADE: 4_500, Fate.METADATA: 450}
    assert report.findings == 0
    yield corpus
    corpus.close()


@pytest.mark.parametrize(
    ("configuration", "agreement", "fleiss"),
    [
        ("llama2orig", "96.4", ".93"),
        ("llama2new", "95.8", ".93"),
        ("mistralinstruct", "97.6", ".92"),
        ("mistralguard", "93.8", ".89"),
        ("gpt4", "98.4", ".97"),
    ],
)
def test_xstest_annotators_agree_as_printed(xstest: Corpus, configuration: str, agreement: str, fleiss: str) -> None:
    pairs = [
        (by["xstest/annotator_1"], by["xstest/annotator_2"])
        for trace, by in stored(xstest).items()
        if trace.startswith(f"xstest:{configuration}/")
    ]
    got = fleiss_kappa([[pair.count(label) for label in CLASSES] for pair in pairs])
    assert (got.items, f"{100 * got.observed_agreement:.1f}", f"{got.kappa:.2f}"[1:]) == (450, agreement, fleiss)


def test_xstest_kinds_models_and_the_eleven_sentences(xstest: Corpus) -> None:
    traces = xstest.read("traces", ["model_id", "condition", "prompt_kind"]).to_pylist()
    assert Counter(t["prompt_kind"] for t in traces) == {"benign": 1_250, "harmful": 1_000}
    assert Counter((t["model_id"], t["condition"]) for t in traces) == {
        ("meta-llama/Llama-2-70b-chat-hf", "original system prompt"): 450,
        ("meta-llama/Llama-2-70b-chat-hf", "no system prompt"): 450,
        ("mistralai/Mistral-7B-Instruct-v0.1", "no system prompt"): 450,
        ("mistralai/Mistral-7B-Instruct-v0.1", "guardrail system prompt"): 450,
        ("gpt-4", "default"): 450,
    }
    grades = xstest.read("grades", ["grader_id", "grader_kind", "verdict", "raw_label"]).to_pylist()
    assert Counter((g["grader_id"], g["grader_kind"]) for g in grades) == {
        ("xstest/final", "human"): 2_250,
        ("xstest/annotator_1", "human"): 2_250,
        ("xstest/annotator_2", "human"): 2_250,
        ("xstest/gpt-4", "llm"): 2_250,
        ("xstest/string_match", "keyword"): 2_250,
    }
    sentences = [g for g in grades if g["verdict"] not in CLASSES]
    assert Counter((g["grader_id"], g["verdict"]) for g in sentences) == {("xstest/gpt-4", "ERROR"): 11}
    assert all(g["raw_label"] for g in sentences)


@pytest.fixture(scope="module")
def speechmap(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    corpus = open_corpus(tmp_path_factory.mktemp("speechmap") / "c.db", create=True)
    report = ingest([real_data / "speechmap", real_data / "speechmap_judges"], corpus)
    assert {f.format for f in report.files} == {"speechmap"}
    # 11,050 responses of two judges (7,400 of them stand in two files), 400 of the panel (in two files), 3,200 of the other panel
    assert {f: n for f, n in report.fates.items() if n} == {
        Fate.TRACE: 11_050 + 400 + 3_200,
        Fate.DUPLICATE: 7_400 + 400,
        Fate.METADATA: 37 + 387 + 1,
    }
    assert report.findings == 0
    yield corpus
    corpus.close()


def test_speechmap_two_judges_as_printed(speechmap: Corpus) -> None:
    new, old = "x-ai/grok-4.1-fast", "openai/gpt-4o-2024-11-20"
    both = [(by[new], by[old]) for by in stored(speechmap).values() if new in by and old in by]
    pairs = [pair for pair in both if set(pair) <= set(CLASSES)]
    plain = cohen_kappa(*zip(*pairs, strict=True), categories=CLASSES)
    weighted = cohen_kappa(*zip(*pairs, strict=True), categories=CLASSES, weights="linear")
    assert (plain.n, f"{plain.observed_agreement:.4f}", f"{plain.kappa:.3f}", f"{weighted.kappa:.3f}") == (
        10_947,
        "0.9642",
        "0.863",
        "0.887",
    )


def test_speechmap_rows_whose_judges_saw_different_text(speechmap: Corpus) -> None:
    grades = speechmap.read("grades", ["trace_id", "grader_id", "verdict"]).to_pylist()
    other = [g for g in grades if g["verdict"] == "NOT_GRADEABLE"]
    assert Counter(g["grader_id"] for g in other) == {"openai/gpt-4o-2024-11-20": 53}
    kinds = Counter(t["response_kind"] for t in speechmap.read("traces", ["response_kind"]).to_pylist())
    assert kinds == {"text": 7_395 + 400, "none": 13, "withheld": 3_650 - 8 + 3_200}


def test_speechmap_panel_as_printed(speechmap: Corpus) -> None:
    panel = [by for by in stored(speechmap).values() if "gold_consensus_v4" in by]
    judges = sorted({judge for by in panel for judge in by if not judge.startswith("gold_")})
    ratings = [[by[judge] if by[judge] in CLASSES else None for judge in judges] for by in panel]
    assert (len(judges), len(ratings)) == (18, 400)
    assert f"{krippendorff_alpha(ratings, resamples=200, rng=1).alpha:.3f}" == "0.735"
    denial = [[None if label is None else label == "REFUSAL" for label in unit] for unit in ratings]
    assert f"{krippendorff_alpha(denial, resamples=200, rng=1).alpha:.3f}" == "0.868"
    complete = [unit for unit in ratings if None not in unit]
    got = fleiss_kappa([[unit.count(label) for label in CLASSES] for unit in complete])
    assert (got.items, f"{got.kappa:.4f}") == (398, "0.7345")
    assert sum("gold_human" in by for by in panel) == 82
