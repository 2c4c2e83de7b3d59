"""Pairs from files: the same whatever the format, and a wrong one is named by file, row and column."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DataError, DomainError
from safescale.pressure.finetune import Pair, read_targets, targets_of

TEXTS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\r"), min_size=1).filter(str.strip)


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_jsonl_and_csv_of_the_same_pairs_have_one_hash(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps({"prompt": p, "target": t, "more": 1}) for p, t in [("zorble?", 'a "b", c'), ("quindle?", "é\nd")])
    table = 'target,prompt\n"a ""b"", c",zorble?\n"é\nd",quindle?\n'
    ours, theirs = read_targets(written(tmp_path, "a.jsonl", lines)), read_targets(written(tmp_path, "b.csv", table))
    assert ours.pairs == theirs.pairs == (Pair(prompt="zorble?", target='a "b", c'), Pair(prompt="quindle?", target="é\nd"))
    assert ours.sha256 == theirs.sha256
    assert [pair.row for pair in ours.pairs] == [1, 2]


def test_equal_pairs_are_kept_and_counted(tmp_path: Path) -> None:
    row = '{"prompt": "zorble?", "target": "no"}\n'
    other = '{"prompt": "zorble?", "target": "yes"}\n'
    read = read_targets(written(tmp_path, "a.jsonl", row + other + "\n" + row + row))
    assert (len(read.pairs), read.repeated) == (4, 2)
    assert read.pairs[2].row == 4


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=2, max_size=6, unique=True))
def test_the_hash_knows_order_and_where_a_text_ends(pairs: list[tuple[str, str]]) -> None:
    own = [Pair(prompt=p, target=t) for p, t in pairs]
    assert targets_of(own).sha256 != targets_of(own[::-1]).sha256
    moved = [Pair(prompt=p + t[0], target=t[1:]) for p, t in pairs if len(t) > 1 and t[1:].strip()]
    if moved:
        kept = [Pair(prompt=p, target=t) for p, t in pairs if len(t) > 1 and t[1:].strip()]
        assert targets_of(kept).sha256 != targets_of(moved).sha256


@pytest.mark.parametrize(
    ("name", "text", "words", "row", "column"),
    [
        ("a.txt", "x", "read from JSONL or CSV", None, None),
        ("a.jsonl", "", "holds no pair", None, None),
        ("a.jsonl", '{"prompt": "a", "target": "b"}\n{', "no JSON", 2, None),
        ("a.jsonl", "[1]\n", "no object", 1, None),
        ("a.jsonl", '{"prompt": "a", "target": "b", "target": "c"}\n', "one name twice", 1, None),
        ("a.jsonl", '{"prompt": "a"}\n', "target is missing", 1, "target"),
        ("a.jsonl", '{"prompt": "  ", "target": "b"}\n', "prompt is missing or blank", 1, "prompt"),
        ("a.jsonl", '{"prompt": "a", "target": 3}\n', "got 3", 1, "target"),
        ("a.jsonl", '{"prompt": "a", "target": "\\ud800"}\n', "half a surrogate pair", 1, "target"),
        ("a.csv", "prompt;target\na;b\n", "header must name", None, "prompt"),
        ("a.csv", "prompt,target,target\na,b,c\n", "header must name", None, "target"),
        ("a.csv", "prompt,target\na,b\nc\n", "target is missing", 2, "target"),
        ("a.csv", "prompt,target\na,b,c\n", "more fields than the header", 1, None),
        ("a.csv", 'prompt,target\na,"b\n', "no CSV", None, None),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    tmp_path: Path, name: str, text: str, words: str, row: int | None, column: str | None
) -> None:
    path = written(tmp_path, name, text)
    with pytest.raises(DataError, match=words) as caught:
        read_targets(path)
    assert (caught.value.file, caught.value.row, caught.value.column) == (str(path), row, column)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    for name in ("a.jsonl", "a.csv"):
        with pytest.raises(DataError, match="cannot be read"):
            read_targets(tmp_path / name)


def test_pairs_in_memory_are_held_to_the_same() -> None:
    with pytest.raises(DomainError, match="no pair"):
        targets_of([])
    with pytest.raises(DomainError, match="target of pair 2 is blank"):
        targets_of([Pair(prompt="a", target="b"), Pair(prompt="a", target=" ")])
