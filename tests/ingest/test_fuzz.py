"""
Broken files of every format: no uncaught exception, no lost row, no hang, no flood of memory.

``SAFESCALE_FUZZ`` is the number of mutated inputs of each seed (``nox -s fuzz`` takes 10,000). What is found goes into a test
of its own.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import random
import resource
import shutil
import subprocess
import sys
import time
import warnings
import zipfile
from pathlib import Path

import pytest

from ingest.mutations import mutate
from ingest.seeds import SEEDS
from safescale.errors import DataError
from safescale.ingest.batch import Options, Probe
from safescale.ingest.bytes_in import head_bytes, line_chunks
from safescale.ingest.detect import adapters
from safescale.ingest.outcome import IngestReport
from safescale.ingest.session import ingest, validate
from safescale.records.fates import Fate
from safescale.store import open_corpus

EXAMPLES = int(os.environ.get("SAFESCALE_FUZZ", "60"))
LIMIT_S = 5.0
GROWTH_BYTES = 1 << 30
_ONE_ROW_A_LINE = {"safescale", "failure-first", "garak", "mapped-jsonl"}


def _options(path: Path) -> Options:
    column_map = path.with_name("map.yaml")
    return Options(column_map=column_map if column_map.exists() else None)


def _validated(path: Path, name: str | None) -> IngestReport | None:
    """The report; None where the file is refused as a whole, before any row, with an error that names it."""
    try:
        return validate([path], options=_options(path), format=name)
    except DataError as error:
        if str(path) in str(error) or str(path.with_name("map.yaml")) in str(error):
            return None
        raise


def _lines_of(path: Path) -> int:
    return sum(chunk.data.count(b"\n") + (bool(chunk.data) and not chunk.data.endswith(b"\n")) for chunk in line_chunks(path))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_seed_is_read_as_its_format(seed: str, tmp_path: Path) -> None:
    name, write = SEEDS[seed]
    path = write(tmp_path)
    report = validate([path], options=_options(path))
    (outcome,) = (file for file in report.files if file.file == str(path))
    assert outcome.format == name
    assert outcome.fates[Fate.TRACE] > 0
    assert not outcome.rejects


@pytest.mark.parametrize("seed", SEEDS)
def test_no_other_format_claims_a_seed(seed: str, tmp_path: Path) -> None:
    name, write = SEEDS[seed]
    path = write(tmp_path)
    probe = Probe(path=path, head=head_bytes(path))
    assert {other for other, adapter in adapters().items() if adapter.recognises(probe)} == ({name} - {"mapped"})


def test_every_format_has_a_seed() -> None:
    without_traces = {"helm", "no-data", "safescale-grades"}  # the last is mutated in test_mutated_files
    assert {name for name, _ in SEEDS.values()} == set(adapters()) - without_traces


@pytest.mark.parametrize("seed", SEEDS)
def test_broken_files_are_refused_or_read_and_every_row_is_accounted_for(seed: str, tmp_path: Path) -> None:
    name, write = SEEDS[seed]
    original = write(tmp_path / "seed" if (tmp_path / "seed").mkdir() is None else tmp_path)
    names = (name, None)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    refused = read = 0
    for number in range(EXAMPLES):
        folder = tmp_path / "work"
        shutil.copytree(tmp_path / "seed", folder)
        path = folder / original.relative_to(tmp_path / "seed")
        draw = random.Random(f"{seed}-{number}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the mutation may make a file that its own tool warns of
            mutate(path, draw)
        start = time.process_time()
        report = _validated(path, draw.choice(names))
        assert time.process_time() - start < LIMIT_S, f"{seed}: input {number} hangs"
        if report is None:
            refused += 1
        else:
            (outcome,) = report.files  # its constructor asserts that the fates sum to the rows
            forced = outcome.format == name and not outcome.unreadable and seed in _ONE_ROW_A_LINE
            if forced and outcome.rows_in:
                assert outcome.rows_in == _lines_of(path), f"{seed}: input {number} loses a line"
            assert outcome.rows_in or outcome.rejects, f"{seed}: input {number} says nothing"
            read += 1
        shutil.rmtree(folder)
    assert read + refused == EXAMPLES
    assert read > EXAMPLES // 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before < GROWTH_BYTES
    assert not list(Path("/tmp").glob("escape*")), "an archive was unpacked by its own names"


def test_stored_and_validated_files_have_the_same_fates(tmp_path: Path) -> None:
    for number, seed in enumerate(SEEDS):
        name, write = SEEDS[seed]
        for attempt in range(max(2, EXAMPLES // 30)):
            folder = tmp_path / f"{seed}-{attempt}"
            folder.mkdir()
            path = write(folder)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                mutate(path, random.Random(f"store-{number}-{attempt}"))
            checked = _validated(path, name)
            with contextlib.closing(open_corpus(folder / "corpus-of-rows.sqlite3", create=True)) as corpus:
                if checked is None:
                    with pytest.raises(DataError):
                        ingest([path], corpus, options=_options(path), format=name)
                    assert not corpus.ledger()
                    continue
                stored = ingest([path], corpus, options=_options(path), format=name)
                assert stored.fates == checked.fates
                assert [f.rejects for f in stored.files] == [f.rejects for f in checked.files]
                assert corpus.count("traces") == stored.fates.get(Fate.TRACE, 0)


def _peak_of_reading(path: Path, name: str) -> tuple[int, str]:
    """Peak resident memory of a process that validates the file, and what it prints."""
    code = (
        "import resource, sys; from pathlib import Path; from safescale.ingest.session import validate\n"
        "r = validate([Path(sys.argv[1])], format=sys.argv[2])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)\n"
        "print([x.code.value for f in r.files for x in f.rejects])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path), name], capture_output=True, text=True, check=True, timeout=300)
    peak, codes = done.stdout.splitlines()
    return int(peak), codes


def _bomb(path: Path, piece: bytes, size: int) -> Path:
    with gzip.open(path, "wb", compresslevel=9) as stream:
        for _ in range(size // len(piece)):
            stream.write(piece)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(("file", "name"), [("a.jsonl.gz", "safescale"), ("a.jsonl.gz", "failure-first"), ("a.json.gz", "inspect")])
def test_an_archive_that_unpacks_to_gigabytes_is_refused(file: str, name: str, tmp_path: Path) -> None:
    path = _bomb(tmp_path / file, b"[" * (1 << 20), (1 << 30) + (1 << 28))
    assert path.stat().st_size < 4 << 20
    peak, codes = _peak_of_reading(path, name)
    assert peak < GROWTH_BYTES
    assert "TRUNCATED_FILE" in codes or "UNREADABLE" in codes


@pytest.mark.slow
def test_an_archive_member_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("header.json", "w") as member:
        for _ in range(1 << 10):
            member.write(b" " * (1 << 20))
    peak, codes = _peak_of_reading(path, "inspect")
    assert peak < GROWTH_BYTES
    assert "UNREADABLE" in codes


@pytest.mark.parametrize(
    "head", [b"SQLite format 3\x00", b"SQLite format 3\x00" + bytes(84), b"SQLite format 3\x00" + b"\xff" * 4096]
)
def test_sqlite_files_that_are_none_are_refused(head: bytes, tmp_path: Path) -> None:
    path = tmp_path / "corpus.db"
    path.write_bytes(head)
    for name in (n for n in adapters() if "db" in n or n == "pyrit"):
        (outcome,) = validate([path], format=name).files
        assert outcome.unreadable
        assert outcome.rejects
    (outcome,) = validate([path]).files
    assert outcome.unreadable
