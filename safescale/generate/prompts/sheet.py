"""The data sheet of a prepared set: counts, sources, splits, duplicates and hashes; never a prompt."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import attrs
import numpy as np

from safescale.generate.prompts.prompt import Prompt

__all__ = ["DataSheet", "FileFacts", "Lengths", "lengths_of", "sheet_json", "sheet_markdown", "tabulated"]

NOT_DECLARED: Final = "not declared"


@attrs.frozen(kw_only=True)
class FileFacts:
    """One file that was read: where its rows went, and its hash."""

    file: str
    layout: str | None
    sha256: str | None
    rows: int
    prompts: int
    rejects: int
    blank: int


@attrs.frozen(kw_only=True)
class Lengths:
    """Lengths of the prompts (characters and words): smallest, median, 95th percentile, largest."""

    chars: tuple[float, float, float, float]
    words: tuple[float, float, float, float]


@attrs.frozen(kw_only=True)
class DataSheet:
    """
    What a reader of results must know of the prompts.

    Parameters
    ----------
    prompts_file, set_sha256 : str
        Name of the file of prompts; SHA-256 of its bytes.
    command, safescale : str
        The command line (or call) that made it; version.
    prompts : int
        Prompts in the set.
    rows : mapping of str to int
        Fates of the rows: prompts, exact_duplicates, near_duplicates_dropped, rejects, blank. They sum to the rows of the files.
    near : mapping
        How near-duplicates were looked for and what was found.
    splits : mapping of str to float
        Shares that were asked for.
    split_seed : int
        Seed of the splits.
    counts : mapping of str to list of rows
        Prompts by source, kind, category, attack class and split.
    contradictions : int
        Prompts that one row calls harmful and another benign; their kind is "unknown".
    lengths : Lengths
        Of the prompts.
    licences, origins : mapping of str to str
        By source, as the user declared them.
    reject_codes : mapping of str to int
        Rejects by code.
    files : tuple of FileFacts
        The files, in order of name.
    """

    prompts_file: str
    set_sha256: str
    command: str
    safescale: str
    prompts: int
    rows: Mapping[str, int]
    near: Mapping[str, Any]
    splits: Mapping[str, float]
    split_seed: int
    counts: Mapping[str, Sequence[Mapping[str, Any]]]
    contradictions: int
    lengths: Lengths
    licences: Mapping[str, str]
    origins: Mapping[str, str]
    reject_codes: Mapping[str, int]
    files: tuple[FileFacts, ...]


def tabulated(prompts: Iterable[Prompt], *fields: str) -> list[dict[str, Any]]:
    """Counts of prompts by fields, in order of the fields' values."""
    counted = Counter(tuple(getattr(prompt, field) for field in fields) for prompt in prompts)
    ordered = sorted(counted.items(), key=lambda each: tuple("" if part is None else part for part in each[0]))
    return [{**dict(zip(fields, key, strict=True)), "prompts": count} for key, count in ordered]


def lengths_of(prompts: Sequence[Prompt]) -> Lengths:
    """Lengths of prompts, at least one."""
    return Lengths(
        chars=_spread([len(each.prompt) for each in prompts]), words=_spread([len(each.prompt.split()) for each in prompts])
    )


def _spread(values: list[int]) -> tuple[float, float, float, float]:
    found = np.quantile(np.array(values, dtype=float), [0.0, 0.5, 0.95, 1.0])
    return float(found[0]), float(found[1]), float(found[2]), float(found[3])


def sheet_json(sheet: DataSheet) -> str:
    """The sheet as JSON, with its line end."""
    return json.dumps(attrs.asdict(sheet), ensure_ascii=False, indent=2) + "\n"


def sheet_markdown(sheet: DataSheet) -> str:
    """The sheet as Markdown; percentages only here."""
    near = sheet.near
    lines = [
        f"# Data sheet of `{sheet.prompts_file}`",
        "",
        f"{sheet.prompts:,} prompts. SHA-256 of the file: `{sheet.set_sha256}`. This sheet holds no prompt.",
        "",
        f"Made by safescale {sheet.safescale}:",
        "",
        *(f"    {line}" for line in sheet.command.splitlines()),
        "",
        "## Rows",
        "",
        *_table(["fate of a row", "rows"], [[name.replace("_", " "), f"{count:,}"] for name, count in sheet.rows.items()]),
        "",
        f"Exact duplicates have one normalised text (NFC, runs of blanks are one blank). {_near_words(near)}",
    ]
    if sheet.contradictions:
        lines += ["", f"{sheet.contradictions:,} prompts are harmful in one row and benign in another: their kind is `unknown`."]
    if sheet.reject_codes:
        codes = [[code, f"{count:,}"] for code, count in sheet.reject_codes.items()]
        lines += ["", "Rejects, each with file, row and column in the file of rejects:", "", *_table(["code", "rows"], codes)]
    lines += ["", "## Sources", ""]
    lines += _table(
        ["source", "prompts", "licence (as declared)", "origin (as declared)"],
        [
            [
                str(row["source"]),
                f"{row['prompts']:,}",
                sheet.licences.get(str(row["source"]), NOT_DECLARED),
                sheet.origins.get(str(row["source"]), NOT_DECLARED),
            ]
            for row in sheet.counts["source"]
        ],
    )
    parts = {"Kinds and splits": "source_kind_split", "Categories": "source_kind_category", "Attack classes": "attack_class"}
    for title, key in parts.items():
        rows = sheet.counts[key]
        lines += ["", f"## {title}", "", *_table(list(rows[0]), [[_cell(value) for value in row.values()] for row in rows])]
    asked = ", ".join(f"{name} {share:.0%}" for name, share in sheet.splits.items())
    lines += [
        "",
        f"Splits were asked for as {asked} (seed {sheet.split_seed}); a prompt's split follows from the hash of its content, so "
        "the shares hold on average. Categories are each source's own words; equal words of two sources need not mean the same.",
        "",
        "## Lengths",
        "",
        *_table(
            ["unit", "smallest", "median", "95th percentile", "largest"],
            [["characters", *_numbers(sheet.lengths.chars)], ["words", *_numbers(sheet.lengths.words)]],
        ),
        "",
        "## Files",
        "",
        *_table(
            ["file", "read as", "rows", "prompts", "rejects", "blank", "SHA-256"],
            [_file_cells(each) for each in sheet.files],
        ),
    ]
    return "\n".join(lines) + "\n"


def _near_words(near: Mapping[str, Any]) -> str:
    if near["mode"] == "off":
        return "Near-duplicates were not looked for, so the splits may share some."
    done = (
        f"{near['dropped']:,} prompts near to a kept one of their kind and attack class were dropped"
        if near["mode"] == "drop"
        else "they stay, and are listed"
    )
    cut = f"MinHash of {near['permutations']} permutations, {near['bands']} bands of {near['rows']}"
    return (
        f"Near-duplicates share {near['threshold']:.0%} of their runs of {near['shingle_chars']} characters (Jaccard index; {cut}, "
        f"every pair checked exactly; a pair at the threshold is overlooked with probability {near['missed']:.1g}): "
        f"{near['grouped']:,} prompts stand in {near['groups']:,} groups; {done}. No pair that was found is in two splits."
    )


def _file_cells(each: FileFacts) -> list[str]:
    counts = (each.rows, each.prompts, each.rejects, each.blank)
    return [each.file, each.layout or "-", *(f"{count:,}" for count in counts), each.sha256 or "-"]


def _numbers(values: Iterable[float]) -> list[str]:
    return [f"{value:,.0f}" for value in values]


def _cell(value: object) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"

    return [line([head.replace("_", " ") for head in heads]), line(["---"] * len(heads)), *map(line, rows)]
