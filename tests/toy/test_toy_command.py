"""``safescale toy`` where torch is not: prompts, wrong usage, and what to install."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from safescale.errors import DataError, DomainError, MissingBackend
from safescale.registry import parse_model_id
from safescale.toy.lineage import train_lineage
from safescale.toy.recipe import SIZES
from safescale_cli.main import app


def test_prompts_are_written_and_counted(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["toy", "prompts", "-o", str(tmp_path / "p.jsonl")])
    assert done.exit_code == 0
    assert "30  harmful sealed_zorvane" in done.stdout
    assert len((tmp_path / "p.jsonl").read_text().splitlines()) == 232
    told = CliRunner().invoke(app, ["toy", "prompts", "-o", str(tmp_path / "q.jsonl"), "--json"])
    assert json.loads(told.stdout)["prompts"] == 232


def test_without_torch_the_extra_is_named_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingBackend, match=r"pip install 'safescale\[finetune\]'"):
        train_lineage(tmp_path / "toy")
    assert not (tmp_path / "toy").exists()


def test_a_tokenizer_without_its_libraries_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from safescale.toy.tokens import make_tokenizer
    from safescale.toy.world import the_world

    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingBackend, match=r"safescale\[finetune\]"):
        make_tokenizer(the_world())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"sizes": ("tiny",)}, "no size is called 'tiny'"),
        ({"seeds": 0}, "seeds and jobs are at least 1"),
        ({"jobs": 0}, "seeds and jobs"),
    ],
)
def test_wrong_settings_are_refused_before_anything_else(tmp_path: Path, settings: dict[str, int], words: str) -> None:
    with pytest.raises(DomainError, match=words):
        train_lineage(tmp_path / "toy", **settings)  # type: ignore[arg-type]


def test_a_file_in_the_place_of_the_folder_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safescale.toy.lineage.check_backend", lambda: None)
    (tmp_path / "toy").write_text("here")
    with pytest.raises(DataError, match="the folder cannot be made"):
        train_lineage(tmp_path / "toy")


def test_a_folder_of_the_name_that_is_no_toy_model_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safescale.toy.lineage.check_backend", lambda: None)
    (tmp_path / "toy-s-seed0").mkdir()
    (tmp_path / "toy-s-seed0" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="holds something else"):
        train_lineage(tmp_path, sizes=("s",), seeds=1)
    assert (tmp_path / "toy-s-seed0" / "mine.txt").read_text() == "mine"


def test_where_every_model_fails_the_list_of_models_that_is_there_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(task: object) -> object:
        raise RuntimeError("no card")

    monkeypatch.setattr("safescale.toy.lineage.check_backend", lambda: None)
    monkeypatch.setattr("safescale.toy.lineage.train_model", fails)
    (tmp_path / "models.yaml").write_text("mine")
    told = CliRunner().invoke(app, ["toy", "train", "-o", str(tmp_path), "--sizes", "s", "--seeds", "1"])
    assert told.exit_code == 1
    assert "failed: toy-s-seed0: RuntimeError: no card" in told.stdout
    assert "models.yaml" not in told.stdout
    assert (tmp_path / "models.yaml").read_text() == "mine"


@pytest.mark.parametrize("size", SIZES)
def test_the_registry_guesses_nothing_from_the_ids(size: str) -> None:
    info = parse_model_id(f"toy-{size}-seed3")
    assert (info.params_total_b, info.developer, info.lineage, info.tampering) == (None, "safescale", "toy", "none")
