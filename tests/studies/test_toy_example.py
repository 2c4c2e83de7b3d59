"""The bundled example ``toy``: what is in it, that the judge still says so, and that it can be written again."""

from __future__ import annotations

import contextlib
import gzip
import json
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import attrs
import pytest

from safescale.errors import DataError, DomainError
from safescale.example import EXAMPLES, example_folder, example_logs
from safescale.grade.grader import Item
from safescale.ingest.session import ingest
from safescale.main_job import Input, write_report
from safescale.store import open_corpus
from safescale.studies.toy_example import CONDITIONS, SOURCE, _table, example_prompts, write_toy_example
from safescale.toy.card import RECORD_FILE, ToyRecord
from safescale.toy.judge import open_toy_world
from safescale.toy.measure import Measured
from safescale.toy.prompts import toy_prompts
from studies.killed_dilution import bare_figure

ROOT = Path(__file__).resolve().parents[2]
MODELS = 12


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    (path,) = example_logs("toy")
    return lines(path)


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example read as the graded corpus of an experiment."""
    folder = tmp_path_factory.mktemp("experiment")
    with contextlib.closing(open_corpus(folder / "corpus.db", create=True)) as corpus:
        report = ingest(example_logs("toy"), corpus)
        assert [len(file.rejects) for file in report.files] == [0]
    return folder


@pytest.fixture(scope="module")
def lineage(rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of the models, as training leaves them."""
    folder = tmp_path_factory.mktemp("lineage")
    fields = {field.name: 0 for field in attrs.fields(Measured)}
    for model, size in {row["model_id"]: row["params_total_b"] for row in rows}.items():
        record = ToyRecord(
            model_id=model,
            size="s",
            lineage="toy seed 0",
            seed=int(model[-1]),
            recipe="plim",
            parameters=round(1e9 * size),
            stages=(),
            cpu_s=1.0,
            measured=Measured(**fields),
            hedged_after_pretraining=0.0,
            weights_sha256="0" * 64,
            packages={"torch": "1"},
            device="zorble",
        )
        (folder / model).mkdir()
        (folder / model / RECORD_FILE).write_text(json.dumps(record.as_data), encoding="utf-8")
    return folder


def test_every_model_answers_every_prompt_under_every_condition_once(rows: list[dict[str, Any]]) -> None:
    asked = Counter((row["model_id"], row["condition"], row["prompt_id"]) for row in rows)
    assert set(asked.values()) == {1}
    assert len(asked) == MODELS * len(CONDITIONS) * len(example_prompts())
    assert {row["source"] for row in rows} == {SOURCE}
    sizes = {row["model_id"]: row["params_total_b"] for row in rows}
    assert len(sizes) == MODELS
    assert sorted(Counter(sizes.values()).values()) == [3, 3, 3, 3]
    assert {row["params_source"] for row in rows} == {"declared"}
    kinds = Counter(row["prompt_kind"] for row in rows)
    assert kinds == {"harmful": 120 * MODELS * 3, "benign": 40 * MODELS * 3}


def test_the_prompts_are_those_of_the_toy_world(rows: list[dict[str, Any]]) -> None:
    texts = {prompt.prompt_id: (prompt.prompt, prompt.prompt_kind, prompt.attack_class) for prompt in toy_prompts()}
    for row in rows:
        text, kind, attack_class = texts[row["prompt_id"]]
        assert (row["prompt_kind"], row["attack_class"]) == (kind, attack_class)
        assert row["prompt"] == text if row["condition"] == "baseline" else row["prompt"].endswith(text)


def test_the_exact_judge_of_today_gives_every_grade(rows: list[dict[str, Any]]) -> None:
    grader = open_toy_world()
    judged = grader.grade([Item(prompt=row["prompt"], response=row["response"]) for row in rows])
    for row, judgement in zip(rows, judged, strict=True):
        assert (row["verdict"], row["raw_label"]) == (str(judgement.verdict), judgement.raw_label), row["trace_id"]
    assert {row["rubric_version"] for row in rows} == {grader.facts.rubric_version}
    assert {row["grader_id"] for row in rows} == {grader.facts.grader_id}


def test_the_readme_counts_what_is_in_the_file(rows: list[dict[str, Any]]) -> None:
    readme = (example_folder("toy") / "README.md").read_text(encoding="utf-8")
    assert "\n".join(_table(rows)) in readme
    assert f"{len(rows):,} answers of {MODELS} toy chat models" in readme


def test_a_corpus_keeps_condition_kind_size_and_grader(experiment: Path) -> None:
    with contextlib.closing(open_corpus(experiment / "corpus.db")) as corpus:
        models = corpus.read("models", ["model_id", "params_total_b", "size_source", "lineage"]).to_pylist()
        traces = corpus.read("traces", ["condition", "prompt_kind"]).to_pylist()
        graders = corpus.read("graders", ["grader_id", "grader_kind", "outcome_map"]).to_pylist()
    assert {(model["size_source"], model["lineage"]) for model in models} == {("declared", "toy")}
    assert {(trace["condition"], trace["prompt_kind"]) for trace in traces} == {
        (condition, kind) for condition in CONDITIONS for kind in ("harmful", "benign")
    }
    assert graders == [{"grader_id": "toy-world/1", "grader_kind": "classifier", "outcome_map": "flip"}]


def test_written_again_from_a_corpus_it_is_the_same(experiment: Path, lineage: Path, tmp_path: Path) -> None:
    counts = write_toy_example(experiment, lineage, tmp_path / "a")
    (bundled,) = example_logs("toy")
    # zlib's of this machine may pack otherwise, so what is compared is what is packed; between two calls the bytes
    assert lines(tmp_path / "a" / bundled.name) == lines(bundled)
    assert counts == dict.fromkeys(CONDITIONS, len(example_prompts()) * MODELS)
    write_toy_example(experiment, lineage, tmp_path / "b")
    for name in (bundled.name, "README.md"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_refuses_what_is_no_experiment_or_no_lineage_of_it(experiment: Path, lineage: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no graded corpus is here"):
        write_toy_example(tmp_path, lineage, tmp_path / "out")
    with pytest.raises(DataError, match="is in the experiment and not in the lineage"):
        write_toy_example(experiment, tmp_path, tmp_path / "out")
    with contextlib.closing(open_corpus(tmp_path / "corpus.db", create=True)) as corpus:
        ingest([ROOT / "examples" / "simulated" / "mirdan2_flip_graded.jsonl"], corpus)
    with pytest.raises(DataError, match="480 of the example's prompts have no answer graded by toy-world/1"):
        write_toy_example(tmp_path, lineage, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_report_on_it_says_nothing_of_simulation_and_repeats_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safescale.report.figures import sink

    monkeypatch.setattr(sink, "save_figure", bare_figure)
    report = write_report(Input(example="toy"), tmp_path / "out")
    assert not report.facts.corpus.simulated
    assert {setting.condition for setting in report.facts.scaling.settings} == set(CONDITIONS)
    assert report.facts.command == "safescale report --example toy"
    for path in (tmp_path / "out").glob("report.*"):
        text = path.read_text(encoding="utf-8")
        assert "SIMULATED" not in text
        assert "--example toy" in text
    assert json.loads((tmp_path / "out" / "report.json").read_bytes())["simulated"] is False


def test_refuses_an_example_that_is_none() -> None:
    with pytest.raises(DomainError, match="no bundled example is called 'frimble'; there are simulated and toy"):
        example_logs("frimble")


def test_a_wheel_holds_both_examples_and_no_weights() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    inside = wheel["force-include"]
    assert all((ROOT / source).exists() for source in inside)
    for name in EXAMPLES:
        logs = [path.relative_to(ROOT) for path in example_logs(name)]
        assert logs
        for log in logs:
            assert any(str(log) == source or log.is_relative_to(source) for source in inside), log
            assert any(place.startswith(f"safescale/_example/{name}") for place in inside.values())
    assert not any("models" in source or source == "examples/toy" for source in inside)
    kept = sum(path.stat().st_size for path in (ROOT / "examples" / "toy").rglob("*") if path.is_file())
    assert kept < 450_000
