"""The prompts of a run: a set that ``safescale prompts prepare`` wrote, or a JSONL or CSV of the same columns by hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from safescale.errors import DataError
from safescale.ingest.identity import sha256_text
from safescale.ingest.json_input import json_value
from safescale.records.file_rows import file_rows
from safescale.records.models import PROMPT_KINDS
from safescale.records.rows import clip

__all__ = ["PromptSet", "RunPrompt", "prompt_set", "read_prompt_set"]


@attrs.frozen(kw_only=True)
class RunPrompt:
    """
    One prompt.

    Parameters
    ----------
    prompt_id : str
        Id within its set; the cluster key of every analysis.
    prompt : str
        Its text.
    prompt_kind : str
        One of ``records.models.PROMPT_KINDS``.
    attack_class : str
        Kind of attack; "none" for a direct request.
    metadata : mapping of str to text
        What else the file says of it.
    """

    prompt_id: str
    prompt: str
    prompt_kind: str = "unknown"
    attack_class: str = "none"
    metadata: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class PromptSet:
    """
    All prompts of a file, in its order.

    Parameters
    ----------
    prompts : tuple of RunPrompt
        The prompts.
    file : Path
        Where they are from.
    sha256 : str
        Hash over ids, texts, kinds and attack classes; the order of the file does not matter.
    file_sha256 : str
        Hash of the file's bytes; that of a prepared set stands in its data sheet.
    same_text : int
        Prompts whose text an earlier one has too.
    """

    prompts: tuple[RunPrompt, ...]
    file: Path
    sha256: str
    file_sha256: str = ""
    same_text: int = 0


def read_prompt_set(path: Path) -> PromptSet:
    """
    Read a prompt set: JSONL (one object a line), or CSV with a header.

    Columns: ``prompt_id`` and ``prompt`` (text that is not empty), ``prompt_kind`` (harmful, benign, unknown; default unknown),
    ``attack_class`` (default none). Every other column is kept as metadata.

    Raises
    ------
    DataError
        Naming file, row and column, for the first row that is wrong, a prompt id that stands twice, or a file without prompts.
    """
    rows = file_rows(
        path,
        what="prompts",
        load=json_value,
        check_header=lambda names: _check_header(names, path),
        hint="; make such a file with: safescale prompts prepare",
    )
    prompts: list[RunPrompt] = []
    seen: dict[str, int] = {}
    texts: set[bytes] = set()
    blank_is_missing = path.name.lower().endswith(".csv")
    for row, found in rows:
        fields = {name: value for name, value in found.items() if value not in (None, "")} if blank_is_missing else found
        prompt = _prompt(fields, path, row)
        if prompt.prompt_id in seen:
            raise DataError(
                f"two prompts have one id (the first stands in row {seen[prompt.prompt_id]}); give each its own",
                file=str(path),
                row=row,
                column="prompt_id",
                expected="an id that no other prompt has",
                got=clip(prompt.prompt_id),
            )
        seen[prompt.prompt_id] = row
        texts.add(hashlib.blake2b(prompt.prompt.encode(), digest_size=16).digest())
        prompts.append(prompt)
    if not prompts:
        raise DataError("the file holds no prompt", file=str(path), expected="at least one row", got="none")
    return PromptSet(
        prompts=tuple(prompts),
        file=path,
        sha256=_set_sha256(prompts),
        file_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        same_text=len(prompts) - len(texts),
    )


def prompt_set(prompts: Sequence[RunPrompt], file: Path) -> PromptSet:
    """A set of prompts that no file holds; ``file`` says in words where they are from."""
    texts = {prompt.prompt for prompt in prompts}
    return PromptSet(prompts=tuple(prompts), file=file, sha256=_set_sha256(list(prompts)), same_text=len(prompts) - len(texts))


def _set_sha256(prompts: list[RunPrompt]) -> str:
    digest = hashlib.sha256()
    for prompt in sorted(prompts, key=lambda p: p.prompt_id):
        parts = [prompt.prompt_id, prompt.prompt, prompt.prompt_kind, prompt.attack_class]
        digest.update(json.dumps(parts, ensure_ascii=True).encode() + b"\n")
    return digest.hexdigest()


def _check_header(names: Sequence[str], path: Path) -> None:
    """Refuse a header from which a column would be taken in silence, or none."""
    for name in names:
        if names.count(name) > 1:
            raise DataError("two columns have one name", file=str(path), column=name, expected="a name of its own for each column")
    missing = [name for name in ("prompt_id", "prompt") if name not in names]
    if missing:
        raise DataError(
            "the header lacks a column; columns stand between commas (`safescale prompts prepare` reads other files)",
            file=str(path),
            column=missing[0],
            expected="prompt_id,prompt, and others",
            got=clip(",".join(names)),
        )


def _prompt(fields: Mapping[str, Any], path: Path, row: int) -> RunPrompt:
    def wrong(column: str, expected: str) -> DataError:
        got = clip(fields[column]) if column in fields else "nothing"
        return DataError("a prompt is wrong", file=str(path), row=row, column=column, expected=expected, got=got)

    for column in ("prompt_id", "prompt"):
        if not isinstance(fields.get(column), str) or not fields[column].strip():
            raise wrong(column, "text that is not empty")
        if not _storable(fields[column]):
            raise wrong(column, "text without half a surrogate pair")
    kind, attack = fields.get("prompt_kind", "unknown"), fields.get("attack_class", "none")
    if kind not in PROMPT_KINDS:
        raise wrong("prompt_kind", f"one of {', '.join(PROMPT_KINDS)}")
    if not isinstance(attack, str) or not attack or not _storable(attack):
        raise wrong("attack_class", "text that is not empty")
    if fields.get("content_sha256") not in (None, sha256_text(fields["prompt"])):
        raise wrong("content_sha256", "the SHA-256 of the prompt: it was changed after it was prepared, so prepare it again")
    known = ("prompt_id", "prompt", "prompt_kind", "attack_class")
    extra = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items() if name not in known}
    return RunPrompt(prompt_id=fields["prompt_id"], prompt=fields["prompt"], prompt_kind=kind, attack_class=attack, metadata=extra)


def _storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
