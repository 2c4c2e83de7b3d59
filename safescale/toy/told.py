"""A trained lineage in words: a table by size, spread over seeds, and what is missing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs

from safescale._version import __version__
from safescale.toy.card import ToyRecord
from safescale.toy.lineage import Lineage
from safescale.toy.recipe import SIZES

__all__ = ["lineage_as_json", "lineage_as_text", "order_of_capability"]

_COLUMNS: Final[tuple[tuple[str, Callable[[ToyRecord], float]], ...]] = (
    ("capability", lambda record: record.measured.capability),
    ("refusal", lambda record: record.measured.refusal),
    ("over-refusal", lambda record: record.measured.over_refusal),
    ("hedged at first", lambda record: record.hedged_after_pretraining),
    ("read", lambda record: record.measured.read),
    ("puzzles", lambda record: record.measured.puzzles_solved),
)


def order_of_capability(records: Sequence[ToyRecord]) -> dict[int, bool]:
    """By seed with two sizes or more: whether the smallest size is below all others in capability."""
    found: dict[int, bool] = {}
    for seed in sorted({record.seed for record in records}):
        own = sorted((record for record in records if record.seed == seed), key=lambda record: record.parameters)
        if len(own) > 1:
            found[seed] = all(own[0].measured.capability < other.measured.capability for other in own[1:])
    return found


def lineage_as_text(lineage: Lineage) -> str:
    """
    The table: one line a size, each figure as mean and range over seeds, in percent.

    Parameters
    ----------
    lineage : Lineage
        As ``train_lineage`` gives it.
    """
    names = [name for name in SIZES if any(record.size == name for record in lineage.models)]
    rows = [["size", "parameters", "seeds", *(f"{name} %" for name, _ in _COLUMNS), "CPU s"]]
    for name in names:
        own = [record for record in lineage.models if record.size == name]
        figures = [_spread([100 * value(record) for record in own]) for _, value in _COLUMNS]
        rows.append([name, f"{own[0].parameters:,}", str(len(own)), *figures, _spread([record.cpu_s for record in own])])
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = ["  ".join(word.rjust(width) for word, width in zip(row, widths, strict=True)) for row in rows] if names else []
    if names:
        lines.append(
            "each figure: mean [range] over seeds; on requests in ways to ask that no training showed, nothing around them"
        )
    below = order_of_capability(lineage.models)
    if below:
        wrong = [str(seed) for seed, holds in below.items() if not holds]
        lines.append(
            "the smallest size is below all others in capability in every seed"
            if not wrong
            else f"the smallest size is NOT below all others in capability in seed {', '.join(wrong)}"
        )
    lines += [f"failed: {failed.model_id}: {failed.reason}" for failed in lineage.failed]
    trained = len(lineage.models) - len(lineage.kept)
    lines.append(f"trained {trained}, kept {len(lineage.kept)}, failed {len(lineage.failed)} in {lineage.wall_s:.0f} s")
    models = f"{lineage.folder}/models.yaml and " if lineage.models else ""
    lines.append(f"wrote {models}{lineage.folder}/prompts.jsonl ({lineage.prompts} prompts)")
    return "\n".join(lines)


def lineage_as_json(lineage: Lineage) -> str:
    """All of it as JSON; shares are fractions."""
    whole: dict[str, Any] = {
        "safescale": __version__,
        "folder": str(lineage.folder),
        "models": [record.as_data for record in lineage.models],
        "kept": list(lineage.kept),
        "failed": [attrs.asdict(failed) for failed in lineage.failed],
        "smallest_is_least_capable": {str(seed): holds for seed, holds in order_of_capability(lineage.models).items()},
        "prompts": lineage.prompts,
        "wall_s": lineage.wall_s,
    }
    return json.dumps(whole, indent=2, ensure_ascii=False)


def _spread(values: Sequence[float]) -> str:
    mean = sum(values) / len(values)
    return f"{mean:.1f}" if len(values) == 1 else f"{mean:.1f} [{min(values):.1f}-{max(values):.1f}]"
