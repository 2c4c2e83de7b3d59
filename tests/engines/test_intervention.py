"""Interventions as objects and as folders: what is refused, what is kept, what a run's id knows of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from safescale.engines import EngineSpec, open_engine
from safescale.engines.intervention import INTERVENTION_FILE, VECTORS_FILE, Edit, Intervention, intervention_sha256
from safescale.errors import DataError, DomainError
from safescale.generate.models_file import read_models

ONE = np.array([[1.0, 2.0, 2.0]], dtype=np.float32)


def _made() -> Intervention:
    mean = np.array([0.5, 0.25, 0.0], dtype=np.float32)
    ablate = Edit(kind="ablate", layer=1, directions=np.eye(3)[:2], mean=mean, position=-2)
    return Intervention(edits=(Edit(kind="add", layer=0, directions=ONE, coefficient=-1.5), ablate), note="wabe")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"layer": -1}, "layer is at least 0"),
        ({"layer": 1.5}, "layer must be a whole number"),
        ({"position": 0}, "position counts from the end"),
        ({"position": True}, "position must be a whole number"),
        ({"directions": np.ones(3)}, r"directions must be of shape \(k, hidden\)"),
        ({"directions": np.ones((0, 3))}, "at least"),
        ({"directions": [[np.nan, 1.0]]}, "directions must be finite"),
        ({"directions": np.ones((2, 3))}, "kind add has one direction"),
        ({"mean": np.ones(3)}, "and no mean"),
        ({"coefficient": np.inf}, "coefficient must be finite"),
        ({"kind": "ablate", "coefficient": 2.0}, "kind ablate has no coefficient"),
        ({"kind": "ablate", "directions": np.zeros((1, 3))}, "a direction that is 0"),
        ({"kind": "ablate", "directions": [[1, 2, 3], [2, 4, 6]]}, "depend on each other"),
        ({"kind": "ablate", "directions": np.eye(3)[[0, 1, 2, 0]]}, "depend on each other"),
        ({"kind": "ablate", "mean": np.ones(4)}, "mean must be of the directions' width 3"),
    ],
)
def test_an_edit_that_cannot_be_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(DomainError, match=words):
        Edit(**({"kind": "add", "layer": 0, "directions": ONE} | wrong))


def test_an_unknown_kind_and_edits_of_two_widths_are_refused() -> None:
    with pytest.raises(ValueError, match="kind"):
        Edit(kind="rotate", layer=0, directions=ONE)  # type: ignore[arg-type]
    with pytest.raises(DomainError, match=r"all of one width, got widths \[2, 3\]"):
        Intervention(edits=(Edit(kind="add", layer=0, directions=ONE), Edit(kind="add", layer=0, directions=ONE[:, :2])))
    with pytest.raises(DomainError, match=r"at least one edit, all of one width, got widths \[\]"):
        Intervention(edits=())


def test_the_basis_spans_the_directions_and_is_orthonormal() -> None:
    rows = np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)
    basis = Edit(kind="ablate", layer=0, directions=rows).basis()
    assert basis.T @ basis == pytest.approx(np.eye(3), abs=1e-12)
    assert rows - rows @ basis @ basis.T == pytest.approx(np.zeros((3, 8)), abs=1e-6)


def test_vectors_cannot_be_changed_afterwards() -> None:
    mine = ONE.copy()
    edit = Edit(kind="add", layer=0, directions=mine)
    mine[0, 0] = 9.0
    assert edit.directions[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        edit.directions[0, 0] = 9.0


def _by_hand(folder: Path, note: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / INTERVENTION_FILE).write_text(json.dumps({"note": note}))
    (folder / VECTORS_FILE).write_bytes(b"vectors")
    return folder


def test_a_run_knows_what_is_in_a_folder_and_not_where_it_lies(tmp_path: Path) -> None:
    for name in ("here", "there"):
        _by_hand(tmp_path / name / "edits", "tove")
        (tmp_path / name / "models.yaml").write_text(
            "models:\n- {model: zorble-1b, engine: transformers, options: {threads: 1, intervention: edits}}\n"
        )
    here, there = (read_models(tmp_path / name / "models.yaml").models[0] for name in ("here", "there"))
    assert here.spec.options["intervention"] == str(tmp_path / "here" / "edits")
    assert here.declared == there.declared
    assert here.declared["options"] == {"intervention": f"sha256 {intervention_sha256(tmp_path / 'here' / 'edits')}"}
    _by_hand(tmp_path / "there" / "edits", "brillig")
    assert read_models(tmp_path / "there" / "models.yaml").models[0].declared != here.declared


def test_a_folder_that_is_not_there_is_named_by_its_key(tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_text("models:\n- {model: z, engine: transformers, options: {intervention: edits}}\n")
    with pytest.raises(DataError, match=r"intervention.*expected a folder beside models.yaml"):
        read_models(tmp_path / "models.yaml")
    (tmp_path / "models.yaml").write_text("models:\n- {model: z, engine: transformers, options: {intervention: null}}\n")
    assert read_models(tmp_path / "models.yaml").models[0].spec.options == {"intervention": None}


def test_other_engines_refuse_the_option(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="intervention"):
        open_engine(EngineSpec(engine="fake", model="z", options={"intervention": str(tmp_path)}))


@pytest.mark.parametrize(("missing", "words"), [(INTERVENTION_FILE, INTERVENTION_FILE), (VECTORS_FILE, VECTORS_FILE)])
def test_a_hash_of_half_a_folder_is_refused(tmp_path: Path, missing: str, words: str) -> None:
    folder = _by_hand(tmp_path / "edits", "tove")
    (folder / missing).unlink()
    with pytest.raises(DataError, match=f"cannot be read: No such file.*{words}"):
        intervention_sha256(folder)


@pytest.mark.hf
def test_what_is_written_is_read_again_and_equal_ones_are_equal_bytes(tmp_path: Path) -> None:
    made = _made()
    made.write(tmp_path / "a" / "edits")
    made.write(tmp_path / "b")
    made.write(tmp_path / "b")
    assert intervention_sha256(tmp_path / "a" / "edits") == intervention_sha256(tmp_path / "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"], "nothing half-made is left"
    again = Intervention.read(tmp_path / "b")
    assert again.note == "wabe"
    for one, other in zip(again.edits, made.edits, strict=True):
        assert (one.kind, one.layer, one.coefficient, one.position) == (other.kind, other.layer, other.coefficient, other.position)
        assert np.array_equal(one.directions, other.directions)
        assert (one.mean is None) == (other.mean is None)
        assert one.mean is None or np.array_equal(one.mean, other.mean)


@pytest.mark.hf
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda told: told.pop("edits"), "this is no intervention"),
        (lambda told: told.update(version=99), "does not read.*version 1.*got 99"),
        (lambda told: told["edits"][0].pop("layer"), "an edit is not as Intervention.write leaves it"),
        (lambda told: told["edits"][0].update(layer=-4), "edit 0 cannot be: layer is at least 0"),
        (lambda told: told["edits"].append(told["edits"][0]), r"edit 2 has no vector 2\.directions"),
        (lambda told: told.update(edits=[]), "at least one edit"),
    ],
)
def test_a_broken_folder_says_what_is_wrong_with_it(tmp_path: Path, change: Any, words: str) -> None:
    _made().write(tmp_path / "edits")
    told = json.loads((tmp_path / "edits" / INTERVENTION_FILE).read_text())
    change(told)
    (tmp_path / "edits" / INTERVENTION_FILE).write_text(json.dumps(told))
    with pytest.raises(DataError, match=words):
        Intervention.read(tmp_path / "edits")


@pytest.mark.hf
def test_broken_files_and_foreign_folders_are_said(tmp_path: Path) -> None:
    _made().write(tmp_path / "edits")
    (tmp_path / "edits" / VECTORS_FILE).write_bytes(b"\x00" * 40)
    with pytest.raises(DataError, match="the vectors cannot be read"):
        Intervention.read(tmp_path / "edits")
    (tmp_path / "edits" / INTERVENTION_FILE).write_bytes(b"{")
    with pytest.raises(DataError, match="this is no JSON"):
        Intervention.read(tmp_path / "edits")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("tove")
    with pytest.raises(DataError, match="this holds something else"):
        _made().write(tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "tove"
