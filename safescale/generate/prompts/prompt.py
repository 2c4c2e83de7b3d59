"""One prepared prompt: the line that ``generate`` reads, its ids over content, and the file of them."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import msgspec

from safescale.errors import DataError
from safescale.ingest.identity import sha256_text
from safescale.ingest.json_input import json_lines
from safescale.records.models import PROMPT_KINDS
from safescale.records.rows import RejectedRow, clip

__all__ = ["NO_ATTACK", "Prompt", "normalised", "prompt_id_of", "prompt_line", "prompt_set_sha256", "read_prompts"]

NO_ATTACK: Final = "none"
"""Attack class of a request that is made directly."""

ID_HEX: Final = 16
"""Hex digits of an id: of 100,000 different prompts, two share one with probability 3e-10 (and that is refused)."""

FIELDS: Final = ("prompt_id", "prompt", "prompt_kind", "attack_class", "category", "split", "source", "content_sha256", "metadata")


@attrs.frozen(kw_only=True)
class Prompt:
    """
    One prompt of a prepared set.

    Parameters
    ----------
    prompt_id : str
        Over the normalised text alone (``prompt_id_of``): the same in every set that holds the prompt.
    prompt : str
        The text, byte for byte as the kept row has it.
    prompt_kind : {"harmful", "benign", "unknown"}
        Whether it asks for harm, as its source says; "unknown" also where two sources contradict each other.
    attack_class : str, default "none"
        Kind of attack; "none" for a direct request.
    category : str, optional
        The source's own word; categories of different sources are not translated into each other.
    split : str
        Part of the set; near-duplicates share one.
    source : str
        Collection that it is from.
    content_sha256 : str
        SHA-256 (hex) of ``prompt`` as UTF-8: the ``prompt_sha256`` of its traces.
    metadata : mapping
        The other columns of its source, as they were.
    """

    prompt_id: str
    prompt: str
    prompt_kind: str = attrs.field(validator=attrs.validators.in_(PROMPT_KINDS))
    attack_class: str = NO_ATTACK
    category: str | None = None
    split: str
    source: str
    content_sha256: str
    metadata: Mapping[str, Any] = attrs.field(factory=dict)


def normalised(text: str) -> str:
    """
    The text by which prompts are the same prompt: composed characters (NFC), every run of blanks one blank, none at the ends.

    Case and compatibility characters stay: an attack may be nothing but those.
    """
    return " ".join(unicodedata.normalize("NFC", text).split())


def prompt_id_of(text: str) -> str:
    """Id of a prompt: "p-" and the first digits of the SHA-256 of its normalised text."""
    return f"p-{hashlib.sha256(normalised(text).encode('utf-8')).hexdigest()[:ID_HEX]}"


def prompt_line(prompt: Prompt) -> str:
    """The prompt as one line of JSON, without its line end."""
    return msgspec.json.encode({name: getattr(prompt, name) for name in FIELDS}).decode()


def prompt_set_sha256(prompts: Sequence[Prompt]) -> str:
    """SHA-256 (hex) of the set: of its lines in order of id, which is that of the file's bytes."""
    digest = hashlib.sha256()
    for prompt in sorted(prompts, key=lambda each: each.prompt_id):
        digest.update(f"{prompt_line(prompt)}\n".encode())
    return digest.hexdigest()


def read_prompts(path: Path) -> tuple[Prompt, ...]:
    """
    Read the file that ``safescale prompts prepare`` wrote, and check it.

    Raises
    ------
    DataError
        With the line and the field, for what that command does not write: another shape, a text that was changed under its hash, an
        id that comes twice, no prompt at all.
    """
    found: list[Prompt] = []
    seen: set[str] = set()
    for line in json_lines(path):
        if isinstance(line, RejectedRow):
            raise _broken(path, line)
        if line.reject is not None:
            raise _broken(path, line.reject)
        if line.blank:
            continue
        prompt = _prompt(path, line.row, line.value)
        if prompt.prompt_id in seen:
            raise DataError("a prompt_id comes twice", file=str(path), row=line.row, column="prompt_id", got=prompt.prompt_id)
        seen.add(prompt.prompt_id)
        found.append(prompt)
    if not found:
        raise DataError("the file holds no prompt; make one with `safescale prompts prepare`", file=str(path))
    return tuple(found)


def _broken(path: Path, reject: RejectedRow) -> DataError:
    return DataError(
        "the file of prompts cannot be read", file=str(path), row=reject.row or None, expected=reject.expected, got=reject.got
    )


def _prompt(path: Path, row: int, value: object) -> Prompt:
    advice = "this is no line of a prepared set; run `safescale prompts prepare` on the file first"
    if not isinstance(value, dict):
        raise DataError(advice, file=str(path), row=row, expected="an object", got=clip(value))
    other = sorted(set(value) - set(FIELDS))
    if other:
        raise DataError(advice, file=str(path), row=row, column=other[0], expected=f"the fields {', '.join(FIELDS)}")
    for name in FIELDS[:8]:
        cell = value.get(name)
        if not (isinstance(cell, str) and cell) and not (name == "category" and name in value and cell is None):
            raise DataError(advice, file=str(path), row=row, column=name, expected="a text", got=clip(cell))
    metadata = value.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise DataError(advice, file=str(path), row=row, column="metadata", expected="an object", got=clip(metadata))
    if value["content_sha256"] != sha256_text(value["prompt"]):
        expected = "the SHA-256 of the prompt as UTF-8"
        raise DataError(
            "the prompt was changed after it was prepared; prepare it again",
            file=str(path),
            row=row,
            column="content_sha256",
            expected=expected,
            got=value["content_sha256"],
        )
    if value["prompt_kind"] not in PROMPT_KINDS:
        expected, got = " or ".join(PROMPT_KINDS), clip(value["prompt_kind"])
        raise DataError(advice, file=str(path), row=row, column="prompt_kind", expected=expected, got=got)
    texts: dict[str, Any] = {name: value[name] for name in FIELDS[:8]}
    return Prompt(**texts, metadata=metadata)
