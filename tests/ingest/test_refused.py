"""Files that are recognised and refused: HELM's, and those that hold no responses; each reject says what the file is."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from safescale.ingest.batch import Options, Probe
from safescale.ingest.detect import adapters
from safescale.ingest.session import validate

FILES = {
    ("scenario_state.json", "helm", "scenario_state"): {"adapter_spec": {"method": "generation"}, "request_states": []},
    ("run_spec.json", "helm", "run_spec"): {
        "name": "plim",
        "scenario_spec": {"class_name": "helm.x.Plim"},
        "adapter_spec": {"method": "g"},
    },
    ("per_instance_stats.json", "helm", "per_instance_stats"): [{"instance_id": "id1", "train_trial_index": 0, "stats": []}],
    ("stats.json", "helm", "HELM stats"): [{"name": {"name": "plim", "split": "test"}, "count": 1, "sum_squared": 1}],
    ("a.schema.json", "no-data", "JSON Schema"): {"$schema": "https://json-schema.org/draft/2020-12/schema"},
}


@pytest.mark.parametrize(("name", "adapter", "words"), FILES)
@pytest.mark.parametrize("indent", [None, 2])
def test_each_is_claimed_once_and_refused_with_its_name(
    tmp_path: Path, name: str, adapter: str, words: str, indent: int | None
) -> None:
    path = tmp_path / name
    path.write_text(json.dumps(FILES[name, adapter, words], indent=indent), encoding="utf-8")
    probe = Probe(path=path, head=path.read_bytes())
    assert [n for n, a in adapters().items() if n != "mapped" and a.recognises(probe)] == [adapter]
    [file] = validate([path]).files
    [reject] = file.rejects
    assert (file.format, file.rows_in, reject.row, reject.code.value) == (adapter, 0, 0, "UNKNOWN_FORMAT")
    assert words in reject.got
    assert reject.expected
    assert file.unreadable


def test_a_validation_set_of_scout_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "refusal.csv"
    path.write_text("id,target,predicate\nplim,True,\n")
    [file] = validate([path]).files
    assert (file.format, "Scout" in file.rejects[0].got) == ("no-data", True)


@pytest.mark.parametrize(
    "content", ['{"name": "plim"}', '[{"name": {"name": "plim"}}]', '[{"instance_id": 5}]', "{}", "[]", "", "plim"]
)
def test_other_json_is_not_claimed(tmp_path: Path, content: str) -> None:
    probe = Probe(path=tmp_path / "a.json", head=content.encode())
    assert not any(adapters()[name].recognises(probe) for name in ("helm", "no-data"))


def test_a_forced_name_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "plim.json"
    path.write_text("{}")
    for name in ("helm", "no-data"):
        [batch] = adapters()[name].read(path, Options())
        assert [r.code.value for r in batch.rejects] == ["UNKNOWN_FORMAT"]


def test_real_files_without_responses(real_data: Path) -> None:
    folders = [real_data / "formats" / name for name in ("helm", "every_eval_ever")]
    files = validate(folders).files
    assert Counter(f.format for f in files) == {"helm": 8, "no-data": 2}
    assert all(len(f.rejects) == 1 and f.rows_in == 0 for f in files)
