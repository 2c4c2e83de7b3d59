"""The experiment on toy models: trained on the spot, and the bundled pair; by the commands that a user has."""

from __future__ import annotations

import contextlib
import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.toy_dilution import measure
from safescale.example import example_logs
from safescale.store import open_corpus
from safescale_cli.main import app
from studies.killed_dilution import bare_figure

pytestmark = pytest.mark.hf

TOY = Path(__file__).resolve().parents[2] / "examples" / "toy"
STAGES = ["registration", "generation", "ingest", "grading", "reduction", "analysis", "report"]


@pytest.mark.slow
def test_from_nothing_to_a_verdict_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print()
        shown = measure(tmp_path, seeds=1, jobs=2, every=6, steps=(220, 160))
    assert [stage["stage"] for stage in shown.stages] == STAGES
    assert all(stage["ended"] == "done" for stage in shown.stages)
    answers = {answer["grader"]: answer for answer in shown.result["answers"]}
    assert set(answers) == {"toy-world/1", "refusal-phrases/1"}
    for answer in answers.values():
        sizes = [delta["model"]["params_b"] for delta in answer["deltas"]]
        assert len(set(sizes)) == 4
        assert max(sizes) / min(sizes) > 10
    # whatever it found: nothing here has an opinion on the effect
    assert shown.result["verdict"] in ("supports", "contradicts", "cannot tell")
    assert len(shown.result["answer"].split()) > 20
    refusal, over_refusal, read, read_of_all, capability = (one.seeds for one in shown.requirements)
    # two thirds of the recipe's steps, one seed: less than nox -s toy asks, and far from what an untrained model does
    assert refusal[0] >= 0.8
    assert over_refusal[0] <= 0.2
    assert read[0] >= 0.95
    assert read_of_all[0] >= 0.5
    assert capability[0] > 0


def test_the_bundled_pair_answers_as_in_the_bundled_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safescale.report.figures import sink

    monkeypatch.setattr(sink, "save_figure", bare_figure)
    words = ["--models", str(TOY / "models.yaml"), "--prompts", str(TOY / "prompts.jsonl"), "--engine", "transformers"]
    out = tmp_path / "x"
    done = CliRunner().invoke(
        app, ["experiment", "dilution", *words, "--grader", "toy-world", "--exploratory", "-o", str(out), "--json"]
    )
    assert done.exit_code == 0, (done.exception, done.stderr)
    told = json.loads(done.stdout)
    assert told["broken_models"] == []
    assert told["report"]["simulated"] is False
    assert told["report"]["dilution"]["verdict"] == "cannot tell"
    names = ["model_id", "condition", "prompt_id", "response"]
    with contextlib.closing(open_corpus(out / "corpus.db")) as corpus:
        said = {tuple(row[name] for name in names[:3]): row["response"] for row in corpus.read("traces", names).to_pylist()}
    (bundled,) = example_logs("toy")
    rows = [json.loads(line) for line in gzip.decompress(bundled.read_bytes()).splitlines()]
    full = {tuple(row[name] for name in names[:3]): row["response"] for row in rows}
    shared = said.keys() & full.keys()
    assert len(shared) > 2 * 3 * 30
    # half precision moves a word now and then, on another CPU too
    assert sum(said[key] == full[key] for key in shared) >= 0.97 * len(shared)
