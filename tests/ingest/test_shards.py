"""Byte ranges: every line exactly once, whatever the bytes and whatever the size of a shard."""

from __future__ import annotations

import gzip
import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safescale.errors import DataError
from safescale.ingest import decode, line_chunks, numbered, read_shard, shards
from safescale.ingest.shards import count_lines

PIECES = [b"\n", b"\r\n", b"a", b"{}", b"\xef\xbb\xbf", b"\x00", b"long" * 9, b"\xff"]
BYTES = st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)
LINES = st.lists(st.sampled_from([b"\n", b"a\n", b"bb\n", b"last"]), max_size=20).map(b"".join)


def lines_of(data: bytes) -> list[bytes]:
    """The definition: what lies between newlines; nothing after the last newline is no line."""
    parts = data.split(b"\n")
    return parts if parts[-1] else parts[:-1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shards")


def test_law_shards_give_every_line_exactly_once(folder: Path) -> None:
    reached = set()

    @settings(max_examples=max(100, settings.default.max_examples))
    @given(BYTES | st.binary(max_size=60), st.integers(1, 70), st.integers(1, 40))
    def law(data: bytes, shard_bytes: int, chunk_bytes: int) -> None:
        path = folder / "law.jsonl"
        path.write_bytes(data)
        cut = shards(path, shard_bytes=shard_bytes)
        assert [s.low for s in cut[1:]] == [s.high for s in cut[:-1]]
        read = [[chunk.data for chunk in read_shard(shard, chunk_bytes=chunk_bytes)] for shard in cut]
        whole = data.removeprefix(b"\xef\xbb\xbf")
        assert [line for shard in read for line in lines_of(b"".join(shard))] == lines_of(whole)
        assert b"".join(itertools.chain(*read)) == whole
        reached.add((len(cut) > 1, any(not r for r in read)))

    law()
    assert {(True, True), (True, False), (False, False)} <= reached


def test_law_a_line_belongs_to_the_shard_of_its_first_byte(folder: Path) -> None:
    @given(BYTES, st.integers(1, 70))
    def law(data: bytes, shard_bytes: int) -> None:
        path = folder / "owner.jsonl"
        path.write_bytes(data)
        starts = [0, *(i + 1 for i, byte in enumerate(data) if byte == 0x0A)]
        starts = [start for start in starts if start < len(data)]
        for shard in shards(path, shard_bytes=shard_bytes):
            given_bytes = b"".join(chunk.data for chunk in read_shard(shard))
            mine = [start for start in starts if shard.low <= start < shard.high]
            stops = [start for start in [*starts, len(data)] if start >= shard.high or start == len(data)]
            assert given_bytes == (data[mine[0] : stops[0]].removeprefix(b"\xef\xbb\xbf" if mine[0] == 0 else b"") if mine else b"")

    law()


def test_law_numbered_shards_count_rows_as_the_whole_file_does(folder: Path) -> None:
    @given(LINES, st.integers(1, 9), st.integers(1, 9))
    def law(data: bytes, shard_bytes: int, chunk_bytes: int) -> None:
        path = folder / "rows.jsonl"
        path.write_bytes(data)
        cut = numbered(shards(path, shard_bytes=shard_bytes))
        rows = [c.first_row + i for s in cut for c in read_shard(s, chunk_bytes=chunk_bytes) for i in range(len(lines_of(c.data)))]
        assert rows == list(range(1, len(lines_of(data)) + 1))
        assert sum(count_lines(s) for s in cut) == len(rows)

    law()


@pytest.mark.parametrize("shard_bytes", [1, 7, 40, 1000])
def test_rejects_of_numbered_shards_are_those_of_the_file(tmp_path: Path, shard_bytes: int) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\n\nnot json\n[1]\r\n{"trace_id": 3}')
    whole = [r for chunk in line_chunks(path) for r in decode(chunk.data, first_row=chunk.first_row).rejects]
    cut = [
        reject
        for shard in numbered(shards(path, shard_bytes=shard_bytes))
        for chunk in read_shard(shard)
        for reject in decode(chunk.data, first_row=chunk.first_row).rejects
    ]
    assert cut == whole
    assert [reject.row for reject in cut] == [1, 3, 4, 5]


def test_a_compressed_file_is_one_shard_and_an_empty_one_none(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b"one\ntwo\n" * 50))
    (tmp_path / "a.jsonl").write_bytes(b"one\ntwo\n" * 50)
    (tmp_path / "empty.jsonl").write_bytes(b"")
    (tmp_path / "notes.txt").write_bytes(b"not data")
    cut = shards(tmp_path, shard_bytes=101)
    assert [(Path(s.path).name, s.file) for s in cut] == [("a.jsonl", 0)] * 4 + [("b.jsonl.gz", 1)]
    assert [count_lines(s) for s in cut] == [26, 25, 25, 24, 100]


def test_a_uri_is_read_as_the_path_is(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\ntwo\nthree\n")
    for named in (path.as_uri(), tmp_path.as_uri()):
        cut = shards(named, shard_bytes=5)
        assert [c.data for s in cut for c in read_shard(s)] == [b"one\ntwo\n", b"three\n"]


def test_refuses_a_folder_with_data_that_are_no_lines(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n")
    with pytest.raises(DataError, match=r"only files of lines.*safescale ingest"):
        shards(tmp_path)
    with pytest.raises(DataError, match="no such file"):
        shards(tmp_path / "nowhere.jsonl")
