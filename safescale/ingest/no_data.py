"""Adapter ``no-data``: files that stand beside logs and hold no responses are recognised and refused, each with its reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from safescale.ingest.batch import Batch, FormatFacts, Options, Probe
from safescale.ingest.bytes_in import head_bytes
from safescale.ingest.csv_rows import csv_header
from safescale.ingest.refused import Refusal, refused

__all__ = ["NoData"]

_SCHEMA: Final = re.compile(rb'\A\s*\{\s*"\$(?:schema|id)"\s*:')

Recogniser = Callable[[Probe], bool]


def _json(pattern: re.Pattern[bytes]) -> Recogniser:
    return lambda probe: probe.stem.endswith(".json") and pattern.search(probe.head.removeprefix(b"\xef\xbb\xbf")) is not None


def _validation_set(probe: Probe) -> bool:
    return probe.stem.endswith(".csv") and csv_header(probe.head) == ("id", "target", "predicate")


_FILES: Final[tuple[tuple[Recogniser, Refusal], ...]] = (
    (
        _json(_SCHEMA),
        Refusal(what="a JSON Schema: it describes files and is none of them", expected="the files that follow this schema"),
    ),
    (
        _validation_set,
        Refusal(
            what="a validation set of Inspect Scout: expected values of a scanner by transcript, without responses",
            expected="the log with these transcripts (.eval); labels of people on its samples are read with --map",
        ),
    ),
)


class NoData:
    """Schemas and validation sets: each is one reject of the file that says what it is."""

    name = "no-data"
    facts = FormatFacts(
        files="JSON Schemas, validation sets of Inspect Scout: recognised, and refused",
        polarity="none",
        outcome_map="none",
        denominator="none",
        cluster_key="none",
        attempts="none",
    )

    def context(self, path: Path) -> str:
        """Nothing: the bytes say all."""
        return ""

    def recognises(self, probe: Probe) -> bool:
        """A file that is in the table."""
        return any(recognised(probe) for recognised, _ in _FILES)

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """Refuse the file."""
        probe = Probe(path=path, head=head_bytes(path))
        other = Refusal(what=path.name, expected="one of the files that this format names")
        yield from refused(path, next((refusal for recognised, refusal in _FILES if recognised(probe)), other))
