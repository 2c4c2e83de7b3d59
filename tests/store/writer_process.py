"""
A process that fills a corpus with made-up files, to be killed: ``writer_process.py FORM FOLDER FILES [BYTES]``.

With BYTES, no file may grow beyond that size: the disk is full.
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from safescale.errors import DataError
from safescale.store.base import Corpus
from safescale.store.content import content_hashes
from store.store_strategies import add_rows, entry, file_contents, grade, new_corpus, table_of, trace

TRACES = 150
_FILLER = "an answer of some length, with é and “quotes”. " * 40


def add_big_file(corpus: Corpus, number: int) -> None:
    """One file in several pieces; each but the first also replaces a trace of the file before."""
    contents: dict[str, Any] = file_contents(number, TRACES)
    for row in contents["traces"]:
        row |= {"response": row["response"] + _FILLER, "response_sha256": None}
    with corpus.import_file() as transaction:
        for start in range(0, TRACES, 50):
            for table in ("traces", "grades", "turns"):
                step = 2 if table == "turns" else 1
                add_rows(transaction, table, contents[table][start * step : (start + 50) * step])
        for table in ("graders", "runs", "aggregates", "rejects"):
            add_rows(transaction, table, contents[table])
        if number:
            at = {"source_file": f"file-{number}.jsonl", "source_row": 1000}
            row = table_of("trace", [trace(f"made:{number - 1}-7", **at)])
            transaction.replace_trace(f"made:{number - 1}-7", row, content_hashes(row, "trace")[0])
            add_rows(transaction, "grades", [grade(f"made:{number - 1}-7", verdict="PARTIAL", **at)])
        transaction.declare_sizes({"org/model-7b": (100.0 - number, None, False)})
        transaction.finish(entry(number, TRACES + (number > 0)))


def main(form: str, folder: str, files: str, limit: str = "") -> None:
    if limit:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    print("ready", flush=True)
    with closing(new_corpus(form, Path(folder))) as corpus:
        for number in range(len(corpus.ledger()), int(files)):
            add_big_file(corpus, number)
            print("file", number, flush=True)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except DataError as error:
        print("refused:", error, flush=True)
