"""A simulated corpus is what its truth says: the adapters read exactly the planted rows, verdicts and defects."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from safescale.errors import DomainError
from safescale.ingest.batch import Adapter, Options
from safescale.ingest.failure_first import FailureFirst
from safescale.ingest.jailbreak_db import JailbreakDb
from safescale.records.strict import line_decoder
from safescale.simulate import CorpusPlan, FileTruth, Truth, simulate_corpus
from safescale.simulate.dirt import FLAT_DEFECTS, NESTED_DEFECTS
from safescale.simulate.outcomes import LABELS, draw, roster
from safescale.simulate.plan import EffectScenario

ROWS = 6_000


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """A dirty corpus in all three shapes, with the roster of the real one."""
    return simulate_corpus(CorpusPlan(rows=ROWS, share_bad_lines=0.02), tmp_path_factory.mktemp("corpus"))


def test_planted_defects_are_all_there(truth: Truth) -> None:
    assert set(truth.files) == {"flat", "traces", "graded", "database"}
    for name, file in truth.files.items():
        assert len(file.bad_rows) == sum(file.bad_kinds.values()) == round(file.rows * 0.02)
        assert name == "graded" or min(file.bad_kinds.values()) >= 1
    assert truth.files["traces"].rows == truth.files["database"].rows == ROWS
    assert set(truth.files["flat"].bad_kinds) == set(FLAT_DEFECTS)
    assert set(truth.files["traces"].bad_kinds) == set(NESTED_DEFECTS)


def test_flat_lines_are_the_canonical_record_and_bad_ones_have_their_code(truth: Truth) -> None:
    file = truth.files["flat"]
    decoder = line_decoder("graded_trace")
    names = decoder.columns
    bad: dict[int, str] = {}
    counts: dict[str, dict[str, int]] = {}
    for row, line in enumerate(file.path.read_bytes().removesuffix(b"\n").split(b"\n"), start=1):
        found = decoder.decode(line, row)
        if not isinstance(found, tuple):
            bad[row] = found.code.value
            continue
        values = dict(zip(names, found, strict=True))
        assert values["response"] is None or values["response_sha256"] == _sha256(values["response"])
        by_verdict = counts.setdefault(values["model_id"], {})
        by_verdict[values["verdict"]] = by_verdict.get(values["verdict"], 0) + 1
    assert bad == file.bad_rows
    assert counts == file.verdict_counts


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("name", ["traces", "graded", "database"])
def test_adapters_read_exactly_what_was_planted(truth: Truth, name: str) -> None:
    file = truth.files[name]
    adapter: Adapter = JailbreakDb() if name == "database" else FailureFirst()
    assert _read(adapter, file) == {
        "rows_in": file.rows,
        "bad": dict(file.bad_rows),
        "llm": file.verdict_counts,
        "heuristic": file.heuristic_counts,
        "none": file.no_response,
        "telemetry": file.telemetry,
    }
    assert file.no_response > 0
    assert (file.telemetry > 0) == (name == "database")


def _read(adapter: Adapter, file: FileTruth) -> dict[str, object]:
    rows_in, bad = 0, {}
    counts: dict[str, dict[str, dict[str, int]]] = {"llm": {}, "heuristic": {}}
    kinds: dict[str, int] = {"none": 0, "telemetry": 0, "text": 0, "withheld": 0}
    for batch in adapter.read(file.path, Options()):
        rows_in += batch.rows_in
        bad |= {r.row: r.code.value for r in batch.rejects}
        assert batch.traces is not None
        assert batch.rows_in == batch.traces.num_rows + len(batch.rejects)
        for kind in batch.traces["response_kind"].to_pylist():
            kinds[kind] += 1
        ids = batch.traces["trace_id"].to_pylist()
        models = dict(zip(ids, batch.traces["model_id"].to_pylist(), strict=True))
        for grade in batch.grades.to_pylist() if batch.grades is not None else ():
            which = "heuristic" if grade["grader_id"].endswith("heuristic") else "llm"
            by_verdict = counts[which].setdefault(models[grade["trace_id"]], {})
            by_verdict[grade["verdict"]] = by_verdict.get(grade["verdict"], 0) + 1
    return {"rows_in": rows_in, "bad": bad, **counts, "none": kinds["none"], "telemetry": kinds["telemetry"]}


def test_graded_copies_are_the_traces_of_the_trace_file(truth: Truth) -> None:
    def contents(file: FileTruth) -> dict[str, Mapping[str, object]]:
        found = (row for b in FailureFirst().read(file.path, Options()) for row in b.traces.to_pylist())  # type: ignore[union-attr]
        return {row["trace_id"]: row | {"source_file": "", "source_row": 0} for row in found}

    traces, graded = contents(truth.files["traces"]), contents(truth.files["graded"])
    both = traces.keys() & graded.keys()
    assert len(both) > 0.95 * len(graded)
    assert {i: graded[i] for i in both} == {i: traces[i] for i in both}
    assert {row["source"] for row in traces.values()} == {"simulated"}


def test_equal_plans_give_equal_bytes_and_other_seeds_do_not(tmp_path: Path) -> None:
    def digests(seed: int, name: str) -> list[str]:
        plan = CorpusPlan(rows=400, models=12, prompts=20, seed=seed, share_bad_lines=0.05)
        files = simulate_corpus(plan, tmp_path / name).files.values()
        return [hashlib.sha256(file.path.read_bytes()).hexdigest() for file in files]

    first = digests(1, "a")
    assert digests(1, "b") == first
    assert not set(digests(2, "c")) & set(first)


def test_leaving_a_part_out_does_not_change_the_others(tmp_path: Path) -> None:
    plan = {"rows": 300, "models": 6, "prompts": 20}
    whole = simulate_corpus(CorpusPlan(**plan), tmp_path / "a").files["database"]  # type: ignore[arg-type]
    part = simulate_corpus(CorpusPlan(**plan, parts=("database",)), tmp_path / "b").files  # type: ignore[arg-type]
    assert set(part) == {"database"}
    assert part["database"].path.read_bytes() == whole.path.read_bytes()


# ---- known truth -------------------------------------------------------------------------------------------------------------


def _drawn(scenario: EffectScenario, **changes: object) -> tuple[np.ndarray, np.ndarray, CorpusPlan]:
    """Sizes in decades and observed strict rates of 60 models with 2,000 traces each."""
    settings = {"rows": 120_000, "models": 60, "prompts": 2000, "tampered_every": 0, "unsized_every": 0, "tau_pp": 0.0}
    plan = CorpusPlan(**(settings | {"scenario": scenario} | changes))  # type: ignore[arg-type]
    models = roster(plan, np.random.default_rng(1))
    found = draw(plan, models, np.random.default_rng(2))
    evaluable, strict = np.zeros(60), np.zeros(60)
    np.add.at(evaluable, found.model, found.label < 4)
    np.add.at(strict, found.model, found.label == 0)
    return np.log10([m.size_b for m in models]), strict / evaluable, plan


@pytest.mark.parametrize(("scenario", "slope"), [("none", 0.0), ("slope", 10.0), ("duplicated_lineage", 0.0)])
def test_slope_over_models_is_the_planted_one(scenario: EffectScenario, slope: float) -> None:
    decades, rates, plan = _drawn(scenario)
    assert 100 * stats.linregress(decades, rates).slope == pytest.approx(slope, abs=1.0)
    assert rates.mean() == pytest.approx(plan.base_rate + slope / 100 * (decades.mean() - np.log10(8)), abs=0.02)


def test_provider_effect_moves_whole_providers() -> None:
    _, rates, plan = _drawn("provider", provider_sd_pp=8.0)
    _, without, _ = _drawn("none")
    blocks = rates.reshape(10, 6)
    assert blocks.mean(axis=1).std() > 4 * without.reshape(10, 6).mean(axis=1).std()
    assert blocks.std(axis=1).max() < 0.03
    assert plan.slope_pp_per_decade == 10.0


def test_u_shape_is_lowest_in_the_middle() -> None:
    decades, rates, _ = _drawn("u_shape", slope_pp_per_decade=25.0)
    by_size = [rates[decades == d].mean() for d in np.unique(decades)]
    assert int(np.argmin(by_size)) in (2, 3)
    assert min(by_size[0], by_size[-1]) > min(by_size) + 0.1


def test_random_effect_of_models_has_its_planted_spread() -> None:
    _, rates, _ = _drawn("none", tau_pp=8.0)
    assert 0.06 < rates.std() < 0.10


def test_prompts_are_shared_between_models() -> None:
    plan = CorpusPlan(rows=60_000, models=60, prompts=1000, scenario="none", tau_pp=0.0, prompt_icc=0.5, tampered_every=0)
    found = draw(plan, roster(plan, np.random.default_rng(1)), np.random.default_rng(2))
    strict = (found.label == 0).reshape(1000, 60).mean(axis=1)
    assert strict.std() > 3 * np.sqrt(0.3 * 0.7 / 60)


def test_duplicated_lineage_repeats_the_verdicts_of_another_row_by_row() -> None:
    plan = CorpusPlan(rows=6_000, models=30, prompts=100, scenario="duplicated_lineage")
    models = roster(plan, np.random.default_rng(1))
    found = draw(plan, models, np.random.default_rng(2))
    names = [m.model_id for m in models]
    copies = [(names.index(m.model_id), names.index(m.copy_of)) for m in models if m.copy_of]
    assert len(copies) == 6
    for copy, source in copies:
        assert found.label[found.model == copy].tolist() == found.label[found.model == source].tolist()
        assert models[copy].lineage != models[source].lineage


def test_verdicts_have_the_documented_mix(truth: Truth) -> None:
    plan = CorpusPlan(scenario="none")
    label = draw(plan, roster(plan, np.random.default_rng(1)), np.random.default_rng(2)).label
    shares = np.bincount(label, minlength=len(LABELS)) / plan.rows
    assert shares[LABELS.index("NOT_GRADEABLE")] == pytest.approx(7020 / 53831, rel=0.05)
    assert shares[LABELS.index("BENIGN_QUERY")] == pytest.approx(1681 / 53831, rel=0.1)
    assert shares[1] / shares[2] == pytest.approx(16093 / 6366, rel=0.05)


@pytest.mark.parametrize(
    "changes", [{"rows": 5, "models": 6}, {"models": 0}, {"share_bad_lines": 1.0}, {"attack_classes": 0}, {"prompts": 0}]
)
def test_refuses_a_plan_that_cannot_be_written(changes: dict[str, int]) -> None:
    with pytest.raises(DomainError):
        CorpusPlan(**changes)  # type: ignore[arg-type]


# ---- speed: loose bounds, processor time ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_full_corpus_is_written_and_read_in_reasonable_time(tmp_path: Path) -> None:
    started = time.process_time()
    flat = simulate_corpus(CorpusPlan(parts=("flat",)), tmp_path).files["flat"]
    assert time.process_time() - started < 20
    assert 1_300 < flat.path.stat().st_size / flat.rows < 1_900
    nested = simulate_corpus(CorpusPlan(rows=40_000, parts=("nested",), share_bad_lines=0.01), tmp_path).files["traces"]
    started = time.process_time()
    rows = sum(batch.rows_in for batch in FailureFirst().read(nested.path, Options()))
    assert rows == nested.rows
    assert nested.path.stat().st_size / 1e6 / (time.process_time() - started) > 35
