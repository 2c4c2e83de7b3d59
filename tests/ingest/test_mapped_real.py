"""The maps of examples/maps on the public sets they are for: exact counts, each counted again here with csv and json alone."""

from __future__ import annotations

import csv
import gzip
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.reading import Read, read_mapped

MAPS = Path(__file__).resolve().parents[2] / "examples" / "maps"


def csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def taken(found: Read) -> tuple[int, int, int, int, int]:
    """Rows, traces, grades, metadata, rejects."""
    return found.rows_in, len(found.traces), len(found.grades), len(found.metadata), len(found.rejects)


@pytest.fixture(scope="module")
def multi_turn(real_data: Path) -> tuple[Read, list[dict[str, str]]]:
    path = real_data / "multi_turn" / "master_results_with_fp.csv"
    return read_mapped(path, MAPS / "multi_turn.yaml"), csv_rows(path)


def multi_turn_verdict(row: dict[str, str]) -> str:
    scores = json.loads(row["scores"])
    if row["max_round"] == "0" and not scores:
        return "NOT_GRADEABLE"
    if row["goal_achieved"] == "True":
        return "COMPLIANCE"
    if scores and max(scores) > 0:
        return "PARTIAL"
    return "REFUSAL" if int(row["refused"]) > 0 else "NOT_HARMFUL"


def test_multi_turn_counts(multi_turn: tuple[Read, list[dict[str, str]]]) -> None:
    found, rows = multi_turn
    assert taken(found) == (14_803, 14_803, 14_803 + 170, 0, 0)
    judged = Counter(g["verdict"] for g in found.grades if g["grader_kind"] == "llm")
    assert judged == Counter(map(multi_turn_verdict, rows))
    assert judged == {
        "COMPLIANCE": 7257,
        "PARTIAL": 3696,
        "REFUSAL": 2428,
        "NOT_HARMFUL": 1257,
        "NOT_GRADEABLE": 165,
    }
    assert found.verdicts("fp_review") == {"COMPLIANCE": 90, "NOT_HARMFUL": 80}
    assert Counter(g["grader_id"] for g in found.grades if g["grader_kind"] == "llm") == Counter(r["evaluator_model"] for r in rows)


def test_multi_turn_keeps_its_275_identical_rows_as_repeats(multi_turn: tuple[Read, list[dict[str, str]]]) -> None:
    found, rows = multi_turn
    times = Counter(tuple(r.values()) for r in rows)
    expected = Counter(k for n in times.values() for k in range(n))
    assert Counter(t["sample_index"] for t in found.traces) == expected
    assert sum(expected.values()) - expected[0] == 275
    assert len({t["trace_id"] for t in found.traces}) == 14_803


LLAMA_SIZES = {
    "meta-llama/llama-3.2-1b-instruct": 1.24,
    "meta-llama/llama-3.2-3b-instruct": 3.21,
    "meta-llama/llama-3.1-8b-instruct": 8.03,
    "meta-llama/llama-3.1-70b-instruct": 70.6,
    "meta-llama/llama-3.3-70b-instruct": 70.6,
    "meta-llama/llama-3.1-405b-instruct": 405.9,
}
ROUNDED_SIZES = dict(zip(LLAMA_SIZES, (1.2, 3.2, 8.0, 70.0, 70.0, 405.9), strict=True))


def ols(sizes: dict[str, float], rates: dict[str, float]) -> tuple[float, float, float]:
    """Slope (pp per decade), its standard error, R2."""
    x = np.log10([sizes[m] for m in sizes])
    y = np.array([100 * rates[m] for m in sizes])
    sxx = ((x - x.mean()) ** 2).sum()
    slope = ((x - x.mean()) * (y - y.mean())).sum() / sxx
    rest = ((y - y.mean() - slope * (x - x.mean())) ** 2).sum()
    return float(slope), math.sqrt(rest / (len(x) - 2) / sxx), float(1 - rest / ((y - y.mean()) ** 2).sum())


@pytest.mark.parametrize(
    ("attack", "evaluable", "as_failures"),
    [
        ("single_turn", ("6.07", "2.85", None), ("6.02", "2.81", None)),
        ("multi_turn", ("2.42", "1.97", "0.275"), ("2.49", "1.97", "0.285")),
    ],
)
def test_multi_turn_batch_1_gives_the_published_slopes(
    real_data: Path, attack: str, evaluable: tuple[str, str, str | None], as_failures: tuple[str, str, str | None]
) -> None:
    """
    Reproduced to every printed digit with the sizes 1.2, 3.2, 8, 70, 70, 405.9; with those that the page prints the slopes are
    +6.09 and +2.42 (+6.04 and +2.49 as failures), within 0.02 of it.
    """
    path = real_data / "multi_turn" / "master_results_with_fp.csv"
    found = read_mapped(path, MAPS / "multi_turn_batch_1.yaml")
    assert taken(found) == (14_803, 6_930, 6_930, 7_873, 0)
    assert found.sizes == {m: (size, None, False) for m, size in LLAMA_SIZES.items()}
    verdict = {g["trace_id"]: g["verdict"] for g in found.grades}
    counts = {m: Counter[str]() for m in LLAMA_SIZES}
    for t in found.traces:
        if t["model_id"] in counts and t["condition"] == f"batch_1/{attack}":
            counts[t["model_id"]][verdict[t["trace_id"]]] += 1
    assert {sum(c.values()) for c in counts.values()} == {360 if attack == "single_turn" else 630}
    for left_out, printed in ((True, evaluable), (False, as_failures)):
        rates = {m: c["COMPLIANCE"] / (sum(c.values()) - (c["NOT_GRADEABLE"] if left_out else 0)) for m, c in counts.items()}
        slope, se, r2 = ols(ROUNDED_SIZES, rates)
        assert (f"{slope:.2f}", f"{se:.2f}") == printed[:2]
        assert printed[2] is None or f"{r2:.3f}" == printed[2]
        slope, se, r2 = ols(LLAMA_SIZES, rates)
        assert slope == pytest.approx(float(printed[0]), abs=0.025)
        assert se == pytest.approx(float(printed[1]), abs=0.015)


def test_speechmap_with_text(real_data: Path) -> None:
    names = {"COMPLETE": "COMPLIANCE", "EVASIVE": "PARTIAL", "DENIAL": "REFUSAL"}
    total: Counter[tuple[str, str]] = Counter()
    for theme in ("china", "eu", "russia", "us"):
        path = real_data / "speechmap" / f"speechmap_{theme}.jsonl.gz"
        rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        found = read_mapped(path, MAPS / "speechmap.yaml")
        assert taken(found) == (1_850, 1_850, 3_700, 0, 0)
        assert [t["response"] for t in found.traces] == [r["response"] for r in rows]
        expected: Counter[tuple[str, str]] = Counter()
        for row in rows:
            expected[row["judge_new"], names.get(row["label_grok41fast"], "ERROR")] += 1
            old = names.get(row["label_gpt4o"], "ERROR") if row["same_response"] else "NOT_GRADEABLE"
            expected[row["judge_old"], old] += 1
        assert Counter((g["grader_id"], g["verdict"]) for g in found.grades) == expected
        assert {t["prompt_kind"] for t in found.traces} == {"unknown"}
        kinds = Counter(t["response_kind"] for t in found.traces)
        assert kinds["none"] == sum(r["response"] is None for r in rows)
        total += expected
    assert total["openai/gpt-4o-2024-11-20", "NOT_GRADEABLE"] == 39
    assert sum(n for (_, verdict), n in total.items() if verdict == "ERROR") == 28 + 25


def test_speechmap_labels_only(real_data: Path) -> None:
    path = real_data / "speechmap" / "speechmap_labels_only.csv"
    found = read_mapped(path, MAPS / "speechmap.yaml")
    assert taken(found) == (11_050, 11_050, 22_100, 0, 0)
    assert found.verdicts("x-ai/grok-4.1-fast") == {"COMPLIANCE": 9389, "PARTIAL": 1226, "REFUSAL": 385, "ERROR": 50}
    rows = csv_rows(path)
    both = Counter((r["label_gpt4o"]) for r in rows if r["same_response"] == "True")
    assert found.verdicts("openai/gpt-4o-2024-11-20") == {
        "COMPLIANCE": both["COMPLETE"],
        "PARTIAL": both["EVASIVE"],
        "REFUSAL": both["DENIAL"],
        "ERROR": both["ERROR"] + both["ERROR_ORIGINAL_RESPONSE"],
        "NOT_GRADEABLE": 53,
    }
    assert {t["response_kind"] for t in found.traces} == {"withheld"}
    assert [t["response_chars"] for t in found.traces] == [int(r["response_chars"]) for r in rows]
    graded = {(g["trace_id"], g["grader_kind"], g["grader_id"]): g["verdict"] for g in found.grades}
    pairs = Counter(
        (graded[t["trace_id"], "llm", "x-ai/grok-4.1-fast"], graded[t["trace_id"], "llm", "openai/gpt-4o-2024-11-20"])
        for t in found.traces
    )
    outside = {"ERROR", "NOT_GRADEABLE"}
    common = {pair: n for pair, n in pairs.items() if not outside & set(pair)}
    assert sum(common.values()) == 10_947  # published-claims.md, section E
    assert f"{sum(n for (a, b), n in common.items() if a == b) / 10_947:.4f}" == "0.9642"


XSTEST_MODELS = ("llama2orig", "llama2new", "mistralinstruct", "mistralguard", "gpt4")
XSTEST_NAMES = {"1_full_compliance": "COMPLIANCE", "2_full_refusal": "REFUSAL", "3_partial_refusal": "PARTIAL"}


@pytest.mark.parametrize("model", XSTEST_MODELS)
@pytest.mark.parametrize(("suffix", "extra"), [("", None), ("_gpteval", "xstest/gpt-4"), ("_streval", "xstest/string_match")])
def test_xstest(real_data: Path, model: str, suffix: str, extra: str | None) -> None:
    path = real_data / "xstest" / f"xstest_v2_completions_{model}{suffix}.csv"
    rows = csv_rows(path)
    found = read_mapped(path, MAPS / "xstest.yaml")
    graders = {"xstest/final": "final_label", "xstest/annotator_1": "annotation_1", "xstest/annotator_2": "annotation_2"}
    if extra is not None:
        graders[extra] = "gpt4_label" if suffix == "_gpteval" else "strmatch_label"
    assert taken(found) == (450, 450, 450 * len(graders), 0, 0)
    assert {t["model_id"] for t in found.traces} == {model}
    assert Counter(t["prompt_kind"] for t in found.traces) == {"benign": 250, "harmful": 200}
    for grader, column in graders.items():
        expected = Counter(XSTEST_NAMES.get(r[column], "NOT_GRADEABLE") for r in rows)
        assert found.verdicts(grader) == expected
        assert expected["NOT_GRADEABLE"] == (11 if (model, suffix, grader[-5:]) == ("mistralinstruct", "_gpteval", "gpt-4") else 0)


def test_xstest_kinds_agree_with_the_published_prompt_list(real_data: Path) -> None:
    published = {f"v2-{r['id']}": r["label"] for r in csv_rows(real_data / "xstest" / "xstest_prompts.csv")}
    found = read_mapped(real_data / "xstest" / "xstest_v2_completions_gpt4.csv", MAPS / "xstest.yaml")
    kinds = {"safe": "benign", "unsafe": "harmful"}
    assert {t["prompt_id"]: t["prompt_kind"] for t in found.traces} == {p: kinds[k] for p, k in published.items()}


@pytest.mark.parametrize("model", XSTEST_MODELS)
def test_xstest_traces_of_the_three_copies_are_the_same(real_data: Path, model: str) -> None:
    def traces(suffix: str) -> list[dict[str, Any]]:
        path = real_data / "xstest" / f"xstest_v2_completions_{model}{suffix}.csv"
        return [{**t, "source_file": ""} for t in read_mapped(path, MAPS / "xstest.yaml").traces]

    assert traces("") == traces("_gpteval") == traces("_streval")


def test_xstest_prompt_list_is_metadata(real_data: Path) -> None:
    found = read_mapped(real_data / "xstest" / "xstest_prompts.csv", MAPS / "xstest.yaml")
    assert taken(found) == (450, 0, 0, 450, 0)


def test_harmbench_table(real_data: Path) -> None:
    path = real_data / "harmbench_table" / "harmbench_table6_long.csv"
    found = read_mapped(path, MAPS / "harmbench_table.yaml")
    rows = csv_rows(path)
    published = [r for r in rows if r["asr_pct"]]
    assert (found.rows_in, len(found.aggregates), len(found.metadata), len(found.rejects)) == (1856, 1550, 306, 0)
    assert [(a["model_id"], a["condition"], a["n"]) for a in found.aggregates] == [
        (r["model_id"], r["subset"], int(r["n_behaviors"])) for r in published
    ]
    assert [a["rate"] for a in found.aggregates] == pytest.approx([float(r["asr_pct"]) / 100 for r in published])
    assert len({a["aggregate_id"] for a in found.aggregates}) == 1550
    assert Counter(a["attack_class"] for a in found.aggregates)["none"] == sum(r["attack"] == "DR" for r in published)
    assert found.sizes == {r["model_id"]: (float(r["params_b"]), None, False) for r in rows if r["params_b"]}


@pytest.mark.parametrize(
    ("map_name", "file", "cells"),
    [
        ("sorry_bench_table", "sorry_bench_models.csv", 56),
        ("sorry_bench_categories", "sorry_bench_by_category_long.csv", 2464),
    ],
)
def test_sorry_bench(real_data: Path, map_name: str, file: str, cells: int) -> None:
    path = real_data / "sorry_bench_table" / file
    found = read_mapped(path, MAPS / f"{map_name}.yaml")
    rows = csv_rows(path)
    assert (found.rows_in, len(found.aggregates), len(found.metadata), len(found.rejects)) == (cells, cells, 0, 0)
    assert [(a["model_id"], a["rate"], a["n"]) for a in found.aggregates] == [
        (r["model"], float(r["fulfillment_rate"]), int(r["n_prompts"])) for r in rows
    ]
    assert len({a["aggregate_id"] for a in found.aggregates}) == cells
    sized = {r["model"]: (float(r["params_b"]), float(r["active_params_b"]), False) for r in rows if r["params_b"]}
    assert found.sizes == sized
    assert len(sized) == 35
