"""The adapter ``harmbench``: files built field by field from HarmBench's evaluate_completions.py and eval_utils.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.broken import as_bytes, mutations
from ingest.reading import read
from safescale.ingest.batch import Options, Probe
from safescale.ingest.harmbench import HarmBench
from safescale.ingest.session import ingest
from safescale.store import open_corpus

LONG = "brüdd zarv " * 300
CSV = "Behavior,FunctionalCategory,SemanticCategory,Tags,ContextString,BehaviorID\n"


def put(home: Path, place: str, content: Any) -> Path:
    path = home / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else as_bytes(content))
    return path


def case(label: Any = ..., *, generation: Any = "brüdd", **more: Any) -> dict[str, Any]:
    found = {"test_case": "plim the zarv", "generation": generation, "label": label, **more}
    return {k: v for k, v in found.items() if v is not ...}


def notes(path: Path) -> dict[str, str]:
    return {n.code.value: n.got for b in HarmBench().read(path, Options()) for n in b.notes}


def test_model_attack_and_experiment_are_the_path(tmp_path: Path) -> None:
    document = {"zarv_plim": [case(1), case(0)], "brudd_gex": [case(0, advbench_label=1)]}
    path = put(tmp_path, "results/GCG/llama2_7b/results/llama2_7b.json", document)
    found = read(HarmBench(), path)
    first = found.traces[0]
    assert (first["model_id"], first["attack_class"], first["condition"]) == ("llama2_7b", "GCG", "default")
    assert (first["prompt_id"], first["prompt_kind"], first["prompt"]) == ("zarv_plim", "harmful", "plim the zarv")
    assert [t["sample_index"] for t in found.traces] == [0, 1, 0]
    assert [t["source_row"] for t in found.traces] == [1, 2, 3]
    assert found.verdicts("harmbench-classifier") == {"COMPLIANCE": 1, "NOT_HARMFUL": 2}
    assert found.verdicts("harmbench-advbench-string-match") == {"COMPLIANCE": 1}
    assert {g["grader_id"]: g["grader_kind"] for g in found.grades}["harmbench-advbench-string-match"] == "keyword"
    assert {g["outcome_map"] for g in found.graders} == {"binary_harmful"}


@pytest.mark.parametrize(
    ("place", "attack", "condition"),
    [
        ("results/DirectRequest/default/completions/m_7b.json", "none", "default"),
        ("results/HumanJailbreaks/random_subset_5/completions/m_7b.json", "HumanJailbreaks", "default"),
        ("results/TAP-T/vicuna_13b/completions/m_7b.json", "TAP-T", "vicuna_13b"),
        ("out/PAIR/m_7b/completions/m_7b.json", "PAIR", "default"),
        ("results/AutoDAN/m_7b/defense_completions/zarvguard/m_7b.json", "AutoDAN", "zarvguard"),
        ("results/Zarvattack/m_7b/completions/m_7b.json", "Zarvattack", "default"),
        ("elsewhere/m_7b.json", "unclassified", "default"),
        ("zarv/plim/gex/completions/m_7b.json", "unclassified", "default"),
    ],
)
def test_attacks_by_path(tmp_path: Path, place: str, attack: str, condition: str) -> None:
    path = put(tmp_path, place, {"zarv_plim": [case()]})
    trace = read(HarmBench(), path).traces[0]
    assert (trace["model_id"], trace["attack_class"], trace["condition"]) == ("m_7b", attack, condition)
    assert any("attack class 'unclassified'" in got for got in notes(path).values()) == (attack == "unclassified")


@pytest.mark.parametrize(
    ("label", "verdict"),
    [
        (1, "COMPLIANCE"),
        (0, "NOT_HARMFUL"),
        (-1, "ERROR"),
        ("1", "COMPLIANCE"),
        (True, "COMPLIANCE"),
        ("Yes", "COMPLIANCE"),
        ("no", "NOT_HARMFUL"),
    ],
)
def test_labels(tmp_path: Path, label: Any, verdict: str) -> None:
    assert read(HarmBench(), put(tmp_path, "a.json", {"zarv_plim": [case(label)]})).verdicts() == {verdict: 1}


def test_minus_one_is_no_verdict_though_harmbench_divides_by_it(tmp_path: Path) -> None:
    path = put(tmp_path, "a.json", {"zarv_plim": [case(-1), case(1), case(0)]})
    assert notes(path)["GRADER_FAILED"] == "1 of 3 labels are neither: ERROR"


def test_a_null_label_and_a_strange_one_are_no_verdicts(tmp_path: Path) -> None:
    found = read(HarmBench(), put(tmp_path, "a.json", {"zarv_plim": [case(None), case(2), case("maybe"), case([1])]}))
    assert found.verdicts() == {"UNGRADED": 1, "ERROR": 3}


def test_completions_are_ungraded_traces_and_results_grade_them(tmp_path: Path) -> None:
    whole = {"zarv_plim": [case(generation=LONG), case(generation="no")], "gex": [case(generation=LONG)]}
    cut = {"zarv_plim": [case(1, generation=LONG[:1500]), case(0, generation="no")], "gex": [case(0, generation=LONG[:1500])]}
    put(tmp_path, "results/PAIR/m_7b/completions/m_7b.json", whole)
    put(tmp_path, "results/PAIR/m_7b/results/m_7b.json", cut)
    for order in (("completions", "results"), ("results", "completions")):
        corpus = open_corpus(tmp_path / f"{order[0]}.db", create=True)
        report = ingest([tmp_path / f"results/PAIR/m_7b/{folder}" for folder in order], corpus)
        assert report.findings == 0
        traces = corpus.read("traces").to_pylist()
        assert sorted(len(t["response"]) for t in traces) == [2, len(LONG), len(LONG)]
        assert sorted(corpus.read("grades")["verdict"].to_pylist()) == ["COMPLIANCE", "NOT_HARMFUL", "NOT_HARMFUL"]
        assert set(corpus.read("grades")["trace_id"].to_pylist()) == {t["trace_id"] for t in traces}


def test_a_text_that_may_be_cut_is_withheld_without_the_completions(tmp_path: Path) -> None:
    path = put(tmp_path, "results/PAIR/m_7b/results/m_7b.json", {"zarv_plim": [case(1, generation=LONG[:1500]), case(0)]})
    cut, short = read(HarmBench(), path).traces
    assert (cut["response_kind"], cut["response"], cut["response_sha256"], cut["response_chars"]) == ("withheld", None, None, None)
    assert (short["response_kind"], short["response"]) == ("text", "brüdd")
    assert notes(path)["CLIPPED_TEXT"].startswith("1 texts")


def test_completions_of_another_run_do_not_lend_their_text(tmp_path: Path) -> None:
    put(tmp_path, "results/PAIR/m_7b/completions/m_7b.json", {"zarv_plim": [case(generation="other " * 300)]})
    path = put(tmp_path, "results/PAIR/m_7b/results/m_7b.json", {"zarv_plim": [case(1, generation=LONG[:1500])]})
    assert read(HarmBench(), path).traces[0]["response_kind"] == "withheld"


def test_functional_categories_are_conditions(tmp_path: Path) -> None:
    rows = "plim,standard,s,,,zarv\nplim,copyright,s,hash_check,,gex\nplim,contextual,s,context,c,brudd\n"
    table = put(tmp_path, "data/behavior_datasets/harmbench_behaviors_text_all.csv", (CSV + rows).encode())
    path = put(tmp_path, "results/PAIR/m_7b/completions/m_7b.json", {k: [case()] for k in ("zarv", "gex", "brudd")})
    assert [t["condition"] for t in read(HarmBench(), path).traces] == ["default", "copyright", "contextual"]
    assert "COMPANION_MISSING" not in notes(path)
    before = HarmBench().context(path)
    table.unlink()
    assert HarmBench().context(path) != before
    assert "COMPANION_MISSING" in notes(path)


def test_an_image_and_a_text_are_both_named(tmp_path: Path) -> None:
    trace = read(HarmBench(), put(tmp_path, "a.json", {"zarv": [{**case(), "test_case": ["x.png", "plim"]}]})).traces[0]
    assert (trace["prompt"], trace["condition"]) == ("x.png\nplim", "multimodal")


def test_the_websites_results_name_models_in_the_rows_and_the_method_in_the_file(tmp_path: Path) -> None:
    cell = {**case(1, advbench_label=0)}
    path = put(tmp_path, "standard/GBDA.json", {"zarv": {"llama2_7b": cell, "vicuna_7b": {**cell, "label": 0}}})
    assert HarmBench().recognises(Probe(path=path, head=path.read_bytes()))
    found = read(HarmBench(), path)
    assert [(t["model_id"], t["attack_class"], t["sample_index"]) for t in found.traces] == [
        ("llama2_7b", "GBDA", 0),
        ("vicuna_7b", "GBDA", 0),
    ]
    assert found.verdicts("harmbench-classifier") == {"COMPLIANCE": 1, "NOT_HARMFUL": 1}


def test_benign_sets_in_this_shape_are_not_called_harmful(tmp_path: Path) -> None:
    numbered = put(tmp_path, "results/DirectRequest/default/completions/m.json", {"0": [case()], "zarv": [case()]})
    assert [t["prompt_kind"] for t in read(HarmBench(), numbered).traces] == ["unknown", "harmful"]
    benign = put(tmp_path, "results/DirectRequest/benign/completions/m.json", {"zarv": [case()]})
    assert read(HarmBench(), benign).traces[0]["prompt_kind"] == "benign"


def test_what_stands_beside_is_metadata(tmp_path: Path) -> None:
    adapter = HarmBench()
    for place, content in {
        "results/PAIR/m/test_cases/test_cases.json": {"zarv": ["plim"], "gex": ["x"]},
        "results/PAIR/m/test_cases/test_cases_individual_behaviors/zarv/logs.json": {"zarv": [[{"prompt": "x"}]]},
        "harmbench_behaviors_text_all.csv": CSV.encode(),
    }.items():
        path = put(tmp_path, place, content)
        assert adapter.recognises(Probe(path=path, head=path.read_bytes())), place
        found = read(adapter, path)
        assert found.metadata
        assert (found.traces, found.rejects) == ([], [])


def test_files_of_other_tools_are_not_claimed(tmp_path: Path) -> None:
    for content in (
        {"parameters": {"method": "PAIR"}, "jailbreaks": [{"index": 0}]},
        {"completions": [{"category": "zarv", "prompt": "x", "response": "y"}]},
        {"results": [{"test_name": "x"}], "version": 1},
        {"model": {"zarv": {"prompt": "x", "response": "y"}}},
    ):
        path = put(tmp_path, "a.json", content)
        assert not HarmBench().recognises(Probe(path=path, head=path.read_bytes())), content
    path = put(tmp_path, "a.json", {"zarv": [], "gex": [case()]})
    assert HarmBench().recognises(Probe(path=path, head=path.read_bytes()))


def test_empty_generations_are_responses_and_missing_ones_are_none(tmp_path: Path) -> None:
    found = read(HarmBench(), put(tmp_path, "a.json", {"zarv": [case(0, generation=""), case(0, generation=None)]}))
    assert [(t["response_kind"], t["response"]) for t in found.traces] == [("text", ""), ("none", None)]


def test_broken_files_are_rejects_and_never_an_exception(tmp_path: Path) -> None:
    whole = {"zarv_plim": [case(1, advbench_label=1), case(0)], "gex": [case(generation=LONG)], "web": {"m": case(1)}}
    for place in ("results/PAIR/m_7b/results/m_7b.json", "a.json"):
        put(tmp_path, "results/PAIR/m_7b/completions/m_7b.json", b"{broken")
        for changed in mutations(whole, 100):
            found = read(HarmBench(), put(tmp_path, place, changed))
            assert found.rows_in == len(found.traces) + sum(r.row > 0 for r in found.rejects)
        for raw in (b"", b"{", b"[]", b"null", b'{"a": ' + b"[" * 100_000, b"\xff", json.dumps(whole).encode()[:-30], b"{}"):
            list(HarmBench().read(put(tmp_path, place, raw), Options()))


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("results/GCG/default/results/m_7b_benign_ft.json", "harmful"),
        ("results/GCG/m_7b_benign_ft/results/m_7b_benign_ft.json", "harmful"),
        ("elsewhere/m_7b_benign_ft.json", "unknown"),
        ("results/DirectRequest/benign_set/results/m_7b.json", "benign"),
    ],
)
def test_a_model_that_was_tuned_on_benign_texts_was_not_asked_benign_ones(tmp_path: Path, place: str, kind: str) -> None:
    """Its rows would fall out of every attack success rate."""
    assert read(HarmBench(), put(tmp_path, place, {"zarv": [case(1)]})).traces[0]["prompt_kind"] == kind
