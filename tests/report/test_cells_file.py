"""``analyze --cells``: every analysis gives the answer that it gives on the rows themselves."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.command import run
from safescale.cells import Selection, read_cells
from safescale.errors import DataError, DomainError
from safescale.ingest.session import ingest
from safescale.main_job import Analysis, Input, Question, analyses, answer
from safescale.main_job.counts import count_into
from safescale.simulate import CorpusPlan, simulate_corpus
from safescale.store import open_corpus

QUESTIONS: dict[str, Callable[[list[str]], Analysis[Any]]] = {
    "inverse_scaling": lambda _: analyses.inverse_scaling(),
    "safety_roi": lambda _: analyses.safety_roi(),
    "pooled": lambda _: analyses.pooled(),
    "reemergence": lambda _: analyses.reemergence(),
    "lineage": lambda _: analyses.lineage(),
    "compare": lambda models: analyses.compare(models[0], models[4]),
}
SELECTIONS = {
    "default": Selection(),
    "everything": Selection(tampered="include", allow_keyword=True, include_no_response=True, merge_same_traces=False),
}


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A simulated corpus of several sources and graders, and its cells."""
    folder = tmp_path_factory.mktemp("cells")
    plan = CorpusPlan(rows=6000, models=24, prompts=60, attack_classes=3, tampered_every=3, share_bad_lines=0.01)
    simulate_corpus(plan, folder / "logs")
    with contextlib.closing(open_corpus(folder / "corpus.db", create=True)) as corpus:
        ingest([folder / "logs"], corpus)
    count_into(Input(paths=(folder / "corpus.db",)), folder / "cells.parquet")
    return folder / "corpus.db", folder / "cells.parquet"


@pytest.mark.parametrize("selection", SELECTIONS)
@pytest.mark.parametrize("name", QUESTIONS)
def test_law_every_analysis_says_the_same_of_cells_as_of_rows(corpora: tuple[Path, Path], name: str, selection: str) -> None:
    question = Question(selection=SELECTIONS[selection])
    corpus, cells = corpora
    models = read_cells(cells).tables["models"]["model_id"].to_pylist()
    told = []
    for source in (Input(paths=(corpus,)), Input(cells=cells)):
        told.append(json.loads(answer(source, question, QUESTIONS[name](models)).told("json")))
    assert told[0].pop("command") != told[1].pop("command")
    assert told[1] == told[0]
    assert read_cells(cells).fingerprint in json.dumps(told[0])


def test_what_cells_cannot_say_is_refused(corpora: tuple[Path, Path]) -> None:
    corpus, cells = corpora
    with pytest.raises(DomainError, match=r"no rows.*leave out --cells"):
        answer(Input(cells=cells), Question(), analyses.compare("sim-judge-v1", "flip", by="grader"))
    with pytest.raises(DataError, match="name one of the two"):
        answer(Input(paths=(corpus,), cells=cells), Question(), analyses.inverse_scaling())
    with pytest.raises(DomainError, match="no model of this corpus is called 'nobody'"):
        answer(Input(cells=cells), Question(selection=Selection(exclude_models=("nobody",))), analyses.inverse_scaling())


def test_the_commands_write_cells_and_read_them(tmp_path: Path) -> None:
    wrote = run("cells", "-o", "example.parquet", "--json", cwd=tmp_path)
    assert wrote.code == 0, wrote.stderr
    facts = json.loads(wrote.stdout)
    rows = run("analyze", "inverse-scaling", "--json", cwd=tmp_path)
    cells = run("analyze", "inverse-scaling", "--cells", "example.parquet", "--json", cwd=tmp_path)
    ours, theirs = json.loads(cells.stdout), json.loads(rows.stdout)
    assert ours.pop("command") == "safescale analyze inverse-scaling --cells example.parquet"
    theirs.pop("command")
    assert ours == theirs
    assert facts["fingerprint"] in cells.stdout
    assert facts["graded_rows"] == theirs["inverse_scaling"]["considered"]
    both = run("analyze", "inverse-scaling", "example.parquet", "--cells", "example.parquet", cwd=tmp_path)
    assert (both.code, both.stdout) == (3, "")
    assert run("report", "--cells", "example.parquet", cwd=tmp_path).code == 2
