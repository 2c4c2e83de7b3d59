"""Broken logs of garak, lm-eval, JailbreakBench and the refusal-direction runs: never an exception, never a lost row."""

from __future__ import annotations

import gzip
import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from ingest.reading import read
from ingest.test_garak import INIT, SETUP, attempt, totals
from ingest.test_jailbreakbench import header, whole
from ingest.test_lm_eval import DATE, results, sample
from ingest.test_refusal_direction import completion
from safescale.ingest.batch import Adapter, Probe
from safescale.ingest.detect import adapters
from safescale.ingest.garak import Garak
from safescale.ingest.jailbreakbench import JailbreakBench
from safescale.ingest.lm_eval import LmEval
from safescale.ingest.refusal_direction import RefusalDirection
from safescale.ingest.session import ingest
from safescale.store import open_corpus


@attrs.frozen(kw_only=True)
class Format:
    """A format with a small good file of it: one document, or lines."""

    adapter: Adapter
    name: str
    content: Callable[[], Any]

    @property
    def by_line(self) -> bool:
        return self.name.endswith(".jsonl")

    def text(self, content: Any) -> str:
        return "".join(f"{json.dumps(entry)}\n" for entry in content) if self.by_line else json.dumps(content)


def garak_lines() -> list[Any]:
    rows = [attempt(i, status=status, outputs=("a wug", None)) for status in (1, 2) for i in range(3)]
    digest = {
        "entry_type": "digest",
        "meta": {"setup": SETUP},
        "eval": {"g": {"frimble.Wugs": {"_summary": {"probe_tags": ["x"]}}}},
    }
    return [SETUP, INIT, {"entry_type": "plugin_cache", "probes": {"p": {"tags": []}}}, *rows, totals(passed=1, fails=2), digest]


FORMATS = {
    "garak": Format(adapter=Garak(), name="x.report.jsonl", content=garak_lines),
    "lm_eval": Format(
        adapter=LmEval(), name=f"samples_wugs_{DATE}.jsonl", content=lambda: [sample(i, named=f) for f in "ab" for i in range(4)]
    ),
    "lm_eval results": Format(adapter=LmEval(), name=f"results_{DATE}.json", content=results),
    "jailbreakbench": Format(
        adapter=JailbreakBench(), name="plim-7b.json", content=lambda: {"parameters": header(), "jailbreaks": whole()[86:94]}
    ),
    "jailbreakbench evaluation": Format(
        adapter=JailbreakBench(),
        name="evaluation.json",
        content=lambda: {
            "plim-7b": {"Frimble": {"prompt": "a", "response": "b", "jailbroken": True}},
            "details": {"defense": None},
        },
    ),
    "jailbreakbench submission": Format(
        adapter=JailbreakBench(),
        name="submission.json",
        content=lambda: {"summaries": {"plim-7b": {"jailbreaks": whole()[:3], "model_summary": {}}}, "test_logs": {}},
    ),
    "refusal_direction": Format(
        adapter=RefusalDirection(),
        name="jailbreakbench_baseline_evaluations.json",
        content=lambda: {"llamaguard2_success_rate": 0.0, "completions": [completion(i) for i in range(6)]},
    ),
}
ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    10**30,
    10**400,
    math.nan,
    math.inf,
    "",
    "half \ud800",
    [],
    {},
    [None],
    {"a": [1]},
    "x" * 3000,
)


def folder(tmp_path: Path) -> Path:
    """Where lm-eval's results file is beside, and the folder's name is a model's."""
    place = tmp_path / "plim__wug-7b"
    place.mkdir(parents=True, exist_ok=True)
    (place / f"results_{DATE}.json").write_text(json.dumps(results()), encoding="utf-8")
    return place


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value; in a list of lines, the lines and what is in them."""
    inside: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [
        *([] if isinstance(value, list) and not path else [path]),
        *(found for key, child in inside for found in places(child, (*path, key))),
    ]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(copy[path[0]], path[1:], new)
    return copy


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_wrong_values_at_every_level(tmp_path: Path, name: str) -> None:
    """Each place of a good file in turn (or 250 of them) gets a value of another kind; every row has one fate all the same."""
    form, rng = FORMATS[name], random.Random(5)
    path = folder(tmp_path) / form.name
    good = form.content()
    everywhere = places(good)
    rng.shuffle(everywhere)
    for place in everywhere[:250]:
        path.write_text(form.text(replaced(good, place, rng.choice(ODD))), encoding="utf-8")
        form.adapter.recognises(Probe(path=path, head=path.read_bytes()[: 1 << 16]))
        assert isinstance(form.adapter.context(path), str)
        read(form.adapter, path)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_bytes_cut_or_changed_anywhere(tmp_path: Path, name: str) -> None:
    form, rng = FORMATS[name], random.Random(6)
    path = folder(tmp_path) / form.name
    good = form.text(form.content()).encode()
    for _ in range(120):
        broken = bytearray(good[: rng.randrange(len(good))] if rng.random() < 0.5 else good)
        for _ in range(rng.randrange(4)):
            if broken:
                broken[rng.randrange(len(broken))] = rng.randrange(256)
        path.write_bytes(broken)
        form.adapter.recognises(Probe(path=path, head=bytes(broken)))
        read(form.adapter, path)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_nesting_that_is_too_deep(tmp_path: Path, name: str) -> None:
    form = FORMATS[name]
    path = folder(tmp_path) / form.name
    good = form.content()
    for depth in (400, 900, 100_000):
        nested = "[" * depth + "]" * depth
        for place in random.Random(7).choices(places(good), k=12):
            text = form.text(replaced(good, place, "@")).replace('"@"', nested)
            path.write_text(text, encoding="utf-8")
            read(form.adapter, path)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_what_a_broken_file_leaves_can_be_stored(tmp_path: Path, name: str) -> None:
    """Rejects and notes of half a surrogate pair and of huge numbers are written like any other."""
    form = FORMATS[name]
    good = form.content()
    place = folder(tmp_path)
    for index, where in enumerate(random.Random(8).choices(places(good), k=20)):
        target = place / f"{index}" / form.name
        target.parent.mkdir()
        target.write_text(form.text(replaced(good, where, "half \ud800" if index % 2 else 10**30)), encoding="utf-8")
    corpus = open_corpus(tmp_path / "corpus.db", create=True)
    try:
        report = ingest([place], corpus)
    finally:
        corpus.close()
    assert len(report.files) == 21
    assert all(sum(file.fates.values()) == file.rows_in for file in report.files)


def test_half_a_surrogate_pair_in_an_account_is_written_out(tmp_path: Path) -> None:
    """In what a reject got, and in the column of a note."""
    half = "half \ud800"
    lines = [SETUP, {"entry_type": half}, attempt(0), totals(probe=half, passed=9)]
    (tmp_path / "x.report.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    corpus = open_corpus(tmp_path / "corpus.db", create=True)
    try:
        ingest([tmp_path / "x.report.jsonl"], corpus)
        rejects, notes = corpus.read("rejects").to_pylist(), corpus.read("notes").to_pylist()
    finally:
        corpus.close()
    assert [reject["got"] for reject in rejects] == ["half \\ud800"]
    assert [note["column"] for note in notes] == ["eval half \\ud800 dan.Frimble: passed"]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_cut_archive_is_told(tmp_path: Path, name: str) -> None:
    form = FORMATS[name]
    path = folder(tmp_path) / f"{form.name}.gz"
    packed = gzip.compress(form.text(form.content()).encode())
    path.write_bytes(packed)
    whole_file = read(form.adapter, path)
    path.write_bytes(packed[: len(packed) // 2])
    cut = read(form.adapter, path)
    assert whole_file.codes() == []
    assert "TRUNCATED_FILE" in [code for _, code in cut.codes()]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_file_is_taken_by_one_adapter_only(tmp_path: Path, name: str) -> None:
    form = FORMATS[name]
    path = folder(tmp_path) / form.name
    path.write_text(form.text(form.content()), encoding="utf-8")
    probe = Probe(path=path, head=path.read_bytes()[: 1 << 16])
    takers = [a.name for a in adapters().values() if a.name != "mapped" and a.recognises(probe)]
    assert takers == [form.adapter.name]
