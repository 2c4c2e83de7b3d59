"""What a drawn sample must be: every chance known and positive, the sheet blind, the same seed the same sample."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cells.fake_corpus import FakeCorpus
from grade.made import graded_corpus
from safescale.cells import Counting, Selection
from safescale.errors import DataError, DomainError, InsufficientData
from safescale.grade import LABELS, Sample, SheetFormat, allocate, draw_sample, read_key, write_sample
from safescale.grade.sheet import no_formula


@pytest.fixture(scope="module")
def corpus() -> FakeCorpus:
    return graded_corpus()[0]


def rows_of(corpus: FakeCorpus) -> pa.Table:
    return Counting(corpus).grader_rows(Selection(), "judge", "text")


def drawn(corpus: FakeCorpus, labels: int = 100, seed: int = 0) -> Sample:
    return draw_sample(
        rows_of(corpus), labels, fingerprint=corpus.fingerprint(), grader="judge", target="text", selection=Selection(), seed=seed
    )


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=12), st.integers(1, 400))
def test_an_allocation_gives_every_stratum_some_and_none_more_than_it_holds(sizes: list[int], labels: int) -> None:
    least = sum(min(2, size) for size in sizes)
    if labels < least and labels < sum(sizes):
        with pytest.raises(InsufficientData, match="ask for at least"):
            allocate(sizes, labels)
        return
    given_labels = allocate(sizes, labels)
    assert sum(given_labels) == min(labels, sum(sizes))
    assert all(min(2, size) <= n <= size for n, size in zip(given_labels, sizes, strict=True))
    for (n, size), (m, other) in zip(
        zip(given_labels, sizes, strict=True), list(zip(given_labels, sizes, strict=True))[1:], strict=False
    ):
        assert (size - other) * (n - m) >= 0 or abs(n - m) <= 1


def test_a_rarer_verdict_is_sampled_more_often_and_a_common_one_still_more_in_number() -> None:
    rare, common = allocate([100, 900], 100)
    assert rare / 100 > common / 900
    assert rare < common
    assert rare == pytest.approx(100 * 10 / 40, abs=1)


def test_every_trace_has_the_chance_that_the_key_states(corpus: FakeCorpus) -> None:
    """Vouched for by 200 draws: each trace comes about as often as its stratum's probability says, and no trace never."""
    rows = rows_of(corpus)
    names = rows["trace_id"].to_pylist()
    times: Counter[str] = Counter()
    for seed in range(200):
        sample = draw_sample(rows, 60, fingerprint="f", grader="judge", target="text", selection=Selection(), seed=seed)
        times.update(trace.trace_id for trace in sample.traces)
    chance = {(s.condition, s.verdict): s.inclusion_probability for s in sample.strata}
    expected = np.array([chance[c, v] for c, v in zip(rows["condition"].to_pylist(), rows["verdict"].to_pylist(), strict=True)])
    seen = np.array([times[name] / 200 for name in names])
    z = (seen - expected) / np.sqrt(expected * (1 - expected) / 200)
    assert seen.min() > 0
    assert 0.85 < z.std() < 1.15
    assert abs(z).max() < 5


def test_models_are_in_the_sample_in_their_shares(corpus: FakeCorpus) -> None:
    sample = drawn(corpus, 120)
    model = dict(zip(rows_of(corpus)["trace_id"].to_pylist(), rows_of(corpus)["model_id"].to_pylist(), strict=True))
    counts = Counter(model[trace.trace_id] for trace in sample.traces)
    assert max(counts.values()) - min(counts.values()) <= 12
    assert len(counts) == 4


def test_the_same_seed_gives_the_same_sample_and_another_another(corpus: FakeCorpus) -> None:
    assert drawn(corpus) == drawn(corpus)
    assert {t.trace_id for t in drawn(corpus).traces} != {t.trace_id for t in drawn(corpus, seed=1).traces}


def test_the_order_tells_nothing(corpus: FakeCorpus) -> None:
    """Strata come mixed: over seeds, the first half of the sheet holds half of each."""
    samples = [drawn(corpus, 60, seed) for seed in range(20)]
    half = Counter(trace.stratum for sample in samples for trace in sample.traces[:30])
    for at, stratum in enumerate(samples[0].strata):
        assert half[at] / (20 * stratum.sampled) == pytest.approx(0.5, abs=0.14)


def texts(corpus: FakeCorpus) -> dict[str, tuple[str | None, str | None]]:
    return {row["trace_id"]: (row["prompt"], row["response"]) for row in corpus.read("traces").to_pylist()}


@pytest.mark.parametrize("form", list(SheetFormat))
def test_the_sheet_is_blind_and_the_key_holds_the_rest(corpus: FakeCorpus, tmp_path: Path, form: SheetFormat) -> None:
    sample = drawn(corpus)
    sheet, key, instructions = write_sample(sample, texts(corpus), tmp_path / "sheet", form=form)
    written = sheet.read_text(encoding="utf-8")
    if form is SheetFormat.CSV:
        with sheet.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
    else:
        rows = [json.loads(line) for line in written.splitlines()]
    assert [list(row) for row in rows] == [["sample_id", "prompt", "response", "label"]] * 100
    assert {row["label"] for row in rows} == {""}
    given_texts = texts(corpus)
    assert [(r["prompt"], r["response"]) for r in rows] == [given_texts[t.trace_id] for t in sample.traces]
    for word in ("judge", "calm", "pressed", "COMPLIANCE", "m0-1b", "t-calm"):
        assert word not in written
    assert read_key(key) == sample
    stored = json.loads(key.read_text(encoding="utf-8"))
    assert {t["inclusion_probability"] for t in stored["traces"]} == {s.inclusion_probability for s in sample.strata}
    assert all(f"`{label.value}`" in instructions.read_text(encoding="utf-8") for label in LABELS)


def test_labels_that_were_filled_in_are_never_written_over(corpus: FakeCorpus, tmp_path: Path) -> None:
    write_sample(drawn(corpus), texts(corpus), tmp_path / "sheet.csv")
    with pytest.raises(DataError, match="there already"):
        write_sample(drawn(corpus), texts(corpus), tmp_path / "sheet.csv")
    assert not list(tmp_path.glob(".*partial*"))


def test_a_corpus_without_texts_is_refused_unless_said(tmp_path: Path) -> None:
    bare, _ = graded_corpus(texts=False)
    sample = drawn(bare)
    with pytest.raises(DataError, match=r"100 of the 100 traces drawn have no response text.*--without-text"):
        write_sample(sample, texts(bare), tmp_path / "sheet.csv")
    assert not list(tmp_path.iterdir())
    _, _, instructions = write_sample(sample, texts(bare), tmp_path / "sheet.csv", without_text=True)
    assert "100 responses are not in this file" in instructions.read_text(encoding="utf-8")


def test_nothing_to_draw_and_no_labels_are_refused(corpus: FakeCorpus) -> None:
    with pytest.raises(DomainError, match="at least 1 trace"):
        drawn(corpus, 0)
    with pytest.raises(DomainError, match="no verdict is of grader 'nobody'; graders of this corpus: judge"):
        Counting(corpus).grader_rows(Selection(), "nobody", "text")
    none = rows_of(corpus).slice(0, 0)
    with pytest.raises(InsufficientData, match="nothing to draw from"):
        draw_sample(none, 10, fingerprint="f", grader="judge", target="text", selection=Selection())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda key: key.update(safescale_sample=2), "not the key of a sample"),
        (lambda key: key["strata"][0].update(sampled=3), "contradicts itself in stratum 0"),
        (lambda key: key["traces"][0].update(stratum=99), "no stratum"),
        (lambda key: key.pop("grader"), "lacks or garbles"),
    ],
)
def test_a_key_that_was_changed_is_refused(corpus: FakeCorpus, tmp_path: Path, change, words: str) -> None:
    _, path, _ = write_sample(drawn(corpus), texts(corpus), tmp_path / "sheet.csv")
    key = json.loads(path.read_text(encoding="utf-8"))
    change(key)
    path.write_text(json.dumps(key), encoding="utf-8")
    with pytest.raises(DataError, match=words):
        read_key(path)


def test_ids_and_texts_survive_a_spreadsheet() -> None:
    """An id of digits alone, or with an e between, comes back as another number; a text that begins with = or - as an error."""
    corpus, _ = graded_corpus(prompts=60)
    rows = Counting(corpus).grader_rows(Selection(), "judge", "text")
    sample = draw_sample(rows, 200, fingerprint="f", grader="judge", target="text", selection=Selection())
    assert all(trace.sample_id[0].isalpha() for trace in sample.traces)
    assert no_formula("=2+2") == "'=2+2"
    assert no_formula("- mirdan") == "'- mirdan"
    assert no_formula("mirdan = vek") == "mirdan = vek"
