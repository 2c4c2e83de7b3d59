"""What stands in the folder of a run: names of its files, its lines, and which of them a later line replaces."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from safescale.engines.answers import RETRIED
from safescale.ingest.bytes_in import open_bytes

__all__ = ["EVENTS", "FORMAT", "LOCK", "MANIFEST", "PARTS", "ResponseLine", "Scanned", "is_retried", "part_paths", "scan_lines"]

FORMAT: Final = "safescale-run/1"
MANIFEST: Final = "manifest.json"
PARTS: Final = "parts"
EVENTS: Final = "events.jsonl"
LOCK: Final = ".lock"

_RETRIED: Final = frozenset(code.value for code in RETRIED)


class ResponseLine(msgspec.Struct, kw_only=True, omit_defaults=True):
    """
    One line of a part: what was asked, and the answer or the fault in its place.

    ``prompt`` is the message of the user as it was sent (the system prompt of a condition stands in the manifest); ``response`` is
    the model's text without the prefill.
    """

    run_id: str
    response_id: str
    request_id: str
    model_id: str
    prompt_id: str
    prompt_kind: str
    attack_class: str
    condition: str
    sample_index: int
    finish_reason: str
    created_at: str
    prompt: str
    response: str | None = None
    fault: str | None = None
    fault_message: str | None = None
    seed: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning: str | None = None
    logprobs: list[Any] | None = None


class Scanned(msgspec.Struct):
    """What the bookkeeping of a run needs of a line."""

    response_id: str
    finish_reason: str
    created_at: str
    fault: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    @property
    def retried(self) -> bool:
        """Whether a resumed run asks again."""
        return is_retried(self.fault)


def is_retried(fault: object) -> bool:
    """Whether this is the code of a fault of the world, not of the request."""
    return isinstance(fault, str) and fault in _RETRIED


def part_paths(folder: Path) -> list[Path]:
    """Parts of a run in the order in which they were written."""
    return sorted((folder / PARTS).glob("part-*.jsonl"))


def scan_lines(path: Path) -> Iterator[Scanned | None]:
    """Lines of a part; None for one that cannot be read (a torn one, or one that the disk lost)."""
    decoder = msgspec.json.Decoder(Scanned)
    with open_bytes(path) as stream, contextlib.suppress(EOFError, zlib.error, gzip.BadGzipFile):  # an archive that is cut off
        for line in stream:
            try:
                yield decoder.decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                yield None
