"""What ``safescale prompts prepare`` says when it is done."""

from __future__ import annotations

from collections.abc import Mapping

from safescale.generate.prompts.prepare import PreparedSet

__all__ = ["prepared_text"]


def prepared_text(made: PreparedSet) -> str:
    """Counts and places, a line each; no prompt."""
    sheet = made.sheet
    lines = [f"{sheet.prompts:,} prompts of {sum(sheet.rows.values()):,} rows in {len(sheet.files):,} files"]
    left_out = {name: count for name, count in sheet.rows.items() if name != "prompts" and count}
    lines += [f"  {count:>8,} {name.replace('_', ' ')}" for name, count in left_out.items()]
    for code, count in sheet.reject_codes.items():
        lines.append(f"           rejected as {code}: {count:,}")
    near = sheet.near
    if near["mode"] == "off":
        lines.append("near-duplicates were not looked for, so the splits may share some")
    else:
        lines.append(
            f"near-duplicates (Jaccard index from {near['threshold']:g}): {near['grouped']:,} prompts in "
            f"{near['groups']:,} groups, each group in one split"
        )
    if sheet.contradictions:
        lines.append(f"{sheet.contradictions:,} prompts are harmful in one row and benign in another: their kind is unknown")
    lines += [_row(row) for row in sheet.counts["source_kind_split"]]
    undeclared = [str(row["source"]) for row in sheet.counts["source"] if row["source"] not in sheet.licences]
    if undeclared:
        lines.append(f"no licence is declared for {', '.join(undeclared)} (--licence SOURCE=TEXT)")
    places = made.places
    beside = ", ".join(path.name for path in (places.rejects, places.duplicates, places.sheet_markdown, places.sheet_json))
    lines += [f"sha256 {sheet.set_sha256}", f"wrote {places.prompts}; beside it {beside}"]
    return "\n".join(lines)


def _row(row: Mapping[str, object]) -> str:
    return f"  {row['prompts']:>8,} {row['source']}, {row['prompt_kind']}, {row['split']}"
