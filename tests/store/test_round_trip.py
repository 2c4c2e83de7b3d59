"""Both forms give back what was put in, and agree with one another."""

from __future__ import annotations

import itertools
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safescale.errors import DataError
from safescale.records.fields import arrow_schema, field_specs
from safescale.store.base import TABLES
from safescale.store.content import content_hashes
from safescale.store.fingerprint import CONTRADICTED, as_lanes, merged_size
from safescale.store.pending import stored_schema
from safescale.store.verification import recompute_fingerprint, verify
from store.store_strategies import (
    FORMS,
    GRADER,
    HASHED,
    Contents,
    add_file,
    add_rows,
    entry,
    everything,
    file_contents,
    grade,
    model,
    new_corpus,
    rows_of,
    sha256,
    table_of,
    trace,
    turn,
)

pytestmark = pytest.mark.parametrize("form", FORMS)


def test_every_table_comes_back_whole(form: str, tmp_path: Path) -> None:
    contents = file_contents(1, traces=5)
    models = table_of("model", [model("org/model-7b"), model("org/other")])
    same = pa.table({"trace_id": ["made:1-1"], "kept_trace_id": ["made:1-0"]})
    with closing(new_corpus(form, tmp_path)) as corpus:
        add_file(corpus, 1, contents, {"m": (7.0, None, False), "n": (None, 3.0, True)})
        corpus.set_models(models)
        corpus.set_same_traces(same)
        _compare(corpus, contents | {"models": models.to_pylist()}, same)
    with closing(new_corpus(form, tmp_path, create=False)) as corpus:
        _compare(corpus, contents | {"models": models.to_pylist()}, same)
        assert corpus.ledger() == [entry(1, 5)]
        assert corpus.declared_sizes() == {"m": (7.0, None, False), "n": (None, 3.0, True)}
        assert verify(corpus).ok


def _compare(corpus: Any, contents: Contents, same: pa.Table) -> None:
    assert contents.keys() == TABLES.keys()
    for table, rows in contents.items():
        found = corpus.read(table)
        assert found.schema.equals(arrow_schema(TABLES[table]), check_metadata=True)
        assert found.to_pylist() == rows
        assert corpus.count(table) == len(rows) > 0
    assert corpus.same_traces().to_pylist() == same.to_pylist()


@pytest.mark.parametrize("record", HASHED)
@settings(max_examples=25)
@given(data=st.data())
def test_any_valid_row_comes_back(form: str, record: str, data: st.DataObject) -> None:
    key = field_specs(record)[0].name  # not the first key of a drawn row: hypothesis draws the keys in any order
    rows = data.draw(st.lists(rows_of(record), min_size=1, max_size=3, unique_by=lambda row: row[key]))
    ids = {row["trace_id"] for row in rows if record in ("turn", "grade")}
    graders = [GRADER | {"grader_id": name} for name in {row["grader_id"] for row in rows if record == "grade"}]
    contents = {"graders": graders, "traces": [trace(name) for name in ids], f"{record}s": rows}
    with TemporaryDirectory() as folder, closing(new_corpus(form, Path(folder))) as corpus:
        add_file(corpus, 1, contents, {})
        assert corpus.read(f"{record}s").to_pylist() == rows
        assert recompute_fingerprint(corpus) == corpus.fingerprint()


def test_columns_pieces_and_hashes(form: str, tmp_path: Path) -> None:
    contents = [file_contents(n, traces=7) for n in range(3)]
    with closing(new_corpus(form, tmp_path)) as corpus:
        for number, one in enumerate(contents):
            add_file(corpus, number, one)
        wanted = ["response", "trace_id", "content_hash"]
        found = corpus.read("traces", wanted)
        assert found.schema.names == wanted
        rows = [row for one in contents for row in one["traces"]]
        hashes = content_hashes(table_of("trace", rows), "trace")
        assert found.to_pylist() == [
            {"response": r["response"], "trace_id": r["trace_id"], "content_hash": h} for r, h in zip(rows, hashes, strict=True)
        ]
        assert (corpus.content_hashes("traces") == as_lanes(hashes)).all()
        for size in (1, 4, 100):
            pieces = list(corpus.batches("traces", wanted, rows=size))
            assert pa.Table.from_batches(pieces).equals(found)
            assert max(piece.num_rows for piece in pieces) <= size
        with pytest.raises(KeyError):
            corpus.read("traces", ["no_such_column"])
        with pytest.raises(KeyError):
            corpus.count("no_such_table")


def test_an_empty_corpus_has_all_tables(form: str, tmp_path: Path) -> None:
    new_corpus(form, tmp_path).close()
    with closing(new_corpus(form, tmp_path, create=False)) as corpus:
        for table in TABLES:
            assert corpus.read(table).schema == arrow_schema(TABLES[table])
            assert corpus.read(table, stored_schema(table).names).num_rows == 0
            assert list(corpus.batches(table)) == []
        assert corpus.content_hashes("traces").shape == (0, 2)
        assert corpus.same_traces().num_rows == 0
        assert corpus.fingerprint() == "ss1-" + "0" * 32
        assert verify(corpus).ok


# ---- the fingerprint ------------------------------------------------------------------------------------------------


def test_order_of_files_and_rows_is_irrelevant(form: str, tmp_path: Path) -> None:
    seen = []
    for order in itertools.permutations(range(3)):
        folder = tmp_path / "".join(map(str, order))
        folder.mkdir()
        with closing(new_corpus(form, folder)) as corpus:
            for number in order:
                rows = {table: found[:: -1 if order[0] else 1] for table, found in file_contents(number).items()}
                add_file(corpus, number, rows, {"shared": (float(9 - number), None, number == 1)})
            seen.append(everything(corpus))
    assert len(seen) == 6
    assert all(one == seen[0] for one in seen)


def test_file_names_and_row_numbers_are_no_content(form: str, tmp_path: Path) -> None:
    moved = {
        t: [r | {"source_file": "x", "source_row": 77} if "source_row" in r else r for r in rows]
        for t, rows in file_contents(1).items()
    }
    prints = []
    for name, contents in (("a", file_contents(1)), ("b", moved)):
        (tmp_path / name).mkdir()
        with closing(new_corpus(form, tmp_path / name)) as corpus:
            add_file(corpus, 1, contents)
            prints.append(corpus.fingerprint())
    assert prints[0] == prints[1]


@pytest.mark.parametrize("change", ["traces", "turns", "grades", "graders", "aggregates", "sizes", "less"])
def test_changes_exactly_when_the_content_does(form: str, change: str, tmp_path: Path) -> None:
    other = file_contents(1)
    sizes: dict[str, Any] = {"m": (7.0, None, False)}
    match change:
        case "traces":
            other["traces"][0] |= {"condition": "other"}
        case "turns":
            other["turns"][0] |= {"text": None}
        case "grades":
            other["grades"][0] |= {"score": None}
        case "graders":
            other["graders"] = [GRADER | {"outcome_map": "binary_harmful"}]
        case "aggregates":
            other["aggregates"][0] |= {"n": 11}
        case "sizes":
            sizes = {"m": (7.0, None, True)}
        case "less":
            other["grades"] = other["grades"][1:]
    prints = []
    for name, contents, declared in (("a", file_contents(1), {"m": (7.0, None, False)}), ("b", other, sizes)):
        (tmp_path / name).mkdir()
        with closing(new_corpus(form, tmp_path / name)) as corpus:
            add_file(corpus, 1, contents, declared)
            prints.append(corpus.fingerprint())
            corpus.set_models(table_of("model", [model(name)]))  # derived: no content
            corpus.set_same_traces(pa.table({"trace_id": ["made:1-0"], "kept_trace_id": ["made:1-1"]}))
            add_file(corpus, 2, {"rejects": file_contents(2)["rejects"], "graders": contents["graders"]}, {})
            assert corpus.fingerprint() == prints[-1] == recompute_fingerprint(corpus)
    assert prints[0] != prints[1]


SIZES = st.one_of(
    st.tuples(st.sampled_from([1.0, 7.0]), st.sampled_from([None, 1.0, 2.0]), st.booleans()),
    st.tuples(st.none(), st.sampled_from([1.0, 2.0]), st.booleans()),
    st.just(CONTRADICTED),
)


@given(one=SIZES, two=SIZES, three=SIZES)
def test_what_several_declared_sizes_say_does_not_depend_on_their_order(form: str, one: Any, two: Any, three: Any) -> None:
    results = {merged_size(merged_size(a, b), c) for a, b, c in itertools.permutations((one, two, three))}
    assert len(results) == 1


def test_declared_sizes_that_contradict_each_other_all_go(form: str, tmp_path: Path) -> None:
    with closing(new_corpus(form, tmp_path)) as corpus:
        for number, total in enumerate((7.0, 7.0, 8.0, 7.0)):
            add_file(corpus, number, {}, {"m": (total, None, number == 1), "n": (3.0, None, False)})
            assert recompute_fingerprint(corpus) == corpus.fingerprint()
            expected = (7.0, None, number == 1) if number < 2 else CONTRADICTED
            assert corpus.declared_sizes() == {"m": expected, "n": (3.0, None, False)}


# ---- reference rows, ledger, replacement ----------------------------------------------------------------------------


def test_a_grader_is_stored_once_and_a_contradiction_is_refused(form: str, tmp_path: Path) -> None:
    with closing(new_corpus(form, tmp_path)) as corpus:
        add_file(corpus, 1, {"graders": [GRADER, GRADER]}, {})
        add_file(corpus, 2, {"graders": [GRADER]}, {})
        assert corpus.count("graders") == 1
        before = everything(corpus)
        with pytest.raises(DataError, match=r"'judge' is already in the corpus with another meaning.*graders\.outcome_map"):
            add_file(corpus, 3, {"graders": [GRADER | {"outcome_map": "xstest"}]}, {})
        assert everything(corpus) == before
    with closing(new_corpus(form, tmp_path)) as corpus, pytest.raises(DataError, match="another meaning"):
        add_file(corpus, 3, {"graders": [GRADER | {"outcome_map": "xstest"}]}, {})


def test_the_same_file_twice_is_refused(form: str, tmp_path: Path) -> None:
    with closing(new_corpus(form, tmp_path)) as corpus:
        add_file(corpus, 1)
        before = everything(corpus)
        with pytest.raises(DataError, match="already ingested"):
            add_file(corpus, 1, {"rejects": file_contents(2)["rejects"]})
        assert everything(corpus) == before


@pytest.mark.parametrize("when", ["stored before", "same transaction"])
@pytest.mark.parametrize("same_file", [False, True])
def test_replacing_a_trace_takes_what_came_with_it(form: str, when: str, same_file: bool, tmp_path: Path) -> None:
    """The result is the corpus that only ever saw the new row."""
    at = {"source_file": "file-1.jsonl", "source_row": 2} if same_file else {"source_file": "new.jsonl", "source_row": 9}
    row = trace("made:1-1", response="another", **at)
    contents = file_contents(1, traces=4)
    late = grade("made:1-1", grader_id="judge", verdict="ERROR", source_file="later.jsonl")
    contents["grades"].append(late)
    with closing(new_corpus(form, tmp_path)) as corpus:
        if when == "stored before":
            add_file(corpus, 1, contents)
        with corpus.import_file() as transaction:
            if when != "stored before":
                for table, rows in contents.items():
                    add_rows(transaction, table, rows)
                transaction.declare_sizes({"org/1": (2.0, None, False)})
            new = table_of("trace", [trace("made:1-1", response="between", source_row=5)])
            assert transaction.replace_trace("made:1-1", new, content_hashes(new, "trace")[0]) == ("file-1.jsonl", 2)
            new = table_of("trace", [row])
            assert transaction.replace_trace("made:1-1", new, content_hashes(new, "trace")[0]) == ("made.jsonl", 5)
            add_rows(transaction, "grades", [grade("made:1-1", verdict="COMPLIANCE", **at)])
            add_rows(transaction, "turns", [turn("made:1-1", 0, **at)])
            transaction.finish(entry(2))
        assert _ids(corpus, "traces") == ["made:1-0", "made:1-1", "made:1-2", "made:1-3"]
        kept = [g for g in contents["grades"] if g is late or g["trace_id"] != "made:1-1"]
        expected = [*kept, grade("made:1-1", verdict="COMPLIANCE", **at)]
        assert _sorted(corpus.read("grades").to_pylist()) == _sorted(expected)
        kept = [t for t in contents["turns"] if t["trace_id"] != "made:1-1"]
        assert _sorted(corpus.read("turns").to_pylist()) == _sorted([*kept, turn("made:1-1", 0, **at)])
        (stored,) = [r for r in corpus.read("traces").to_pylist() if r["trace_id"] == "made:1-1"]
        assert stored == row
        assert verify(corpus).ok
    with closing(new_corpus(form, tmp_path, create=False)) as corpus:
        assert verify(corpus).ok


def _ids(corpus: Any, table: str) -> list[str]:
    return sorted(corpus.read(table, ["trace_id"]).column(0).to_pylist())


def _sorted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=repr)


def test_many_small_files_stay_few_parts(form: str, tmp_path: Path) -> None:
    with closing(new_corpus(form, tmp_path)) as corpus:
        for number in range(60):
            add_file(corpus, number)
        assert corpus.count("traces") == 180
        assert len(set(_ids(corpus, "traces"))) == 180
        assert verify(corpus).ok
    if form == "parquet":
        assert len(list((tmp_path / "c" / "traces").iterdir())) < 20


def test_verify_finds_nothing_in_order_and_sees_a_wrong_text_hash(form: str, tmp_path: Path) -> None:
    contents = file_contents(1)
    contents["traces"][1] |= {"response_sha256": sha256("not that text")}
    with closing(new_corpus(form, tmp_path)) as corpus:
        add_file(corpus, 1, contents)
        found = verify(corpus)
        assert not found.ok
        assert found.changed_rows["traces"] == 1
        assert found.examples == ("traces: made:1-1",)
        assert found.fingerprint == found.recomputed


def test_both_forms_have_one_fingerprint(form: str, tmp_path: Path) -> None:
    prints = {}
    for name in FORMS:
        with closing(new_corpus(name, tmp_path)) as corpus:
            for number in range(3):
                add_file(corpus, number)
            prints[name] = everything(corpus)
    assert prints["sqlite"] == prints["parquet"]
    assert prints[form]["fingerprint"] == "ss1-849c107ce9cd05ddcd5d41b565565746"
