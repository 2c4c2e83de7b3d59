"""What is written beside the weights of a trained model: the record a program reads, the card a person reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.errors import DataError
from safescale.store.json_file import write_json
from safescale.toy.measure import Measured
from safescale.toy.recipe import Recipe, ToySize
from safescale.toy.training import StageCost

__all__ = ["RECORD_FILE", "ToyRecord", "read_record", "write_card"]

RECORD_FILE: Final = "toy.json"
CARD_FILE: Final = "README.md"


@attrs.frozen(kw_only=True)
class ToyRecord:
    """
    One trained model.

    Attributes
    ----------
    model_id, size, lineage : str
        Its id, the name of its size, the lineage that it is compared within.
    seed : int
        Of weights, examples and order.
    recipe : str
        Hash over all that decides its weights but the versions of libraries.
    parameters : int
        Exact count; the tied embedding counts once.
    stages : tuple of StageCost
        Steps, tokens, loss and CPU seconds of the two stages.
    cpu_s : float
        CPU seconds in all, measuring included.
    measured : Measured
        What it can do and what it refuses.
    hedged_after_pretraining : float
        Share (fraction) of sealed requests that it answered behind a hedge after the first stage.
    weights_sha256 : str
        As ``engines.weights`` counts it.
    packages : mapping of str to str
        Versions that the weights depend on.
    device : str
        Where it was trained.
    """

    model_id: str
    size: str
    lineage: str
    seed: int
    recipe: str
    parameters: int
    stages: tuple[StageCost, ...]
    cpu_s: float
    measured: Measured
    hedged_after_pretraining: float
    weights_sha256: str
    packages: dict[str, str]
    device: str

    @property
    def as_data(self) -> dict[str, Any]:
        """As JSON holds it."""
        return attrs.asdict(self)


def read_record(folder: Path) -> ToyRecord | None:
    """
    The record of a model's folder; None where there is none.

    Raises
    ------
    DataError
        For a record that cannot be read.
    """
    path = folder / RECORD_FILE
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        stages = tuple(StageCost(**stage) for stage in found.pop("stages"))
        return ToyRecord(**{**found, "stages": stages, "measured": Measured(**found["measured"])})
    except (ValueError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise DataError(
            f"the record of a toy model cannot be read ({error}); remove its folder, and it is trained again", file=str(path)
        ) from error


def write_card(record: ToyRecord, recipe: Recipe, size: ToySize, folder: Path) -> None:
    """Write README.md, then the record: a folder that has one is whole."""
    (folder / CARD_FILE).write_text(_card(record, recipe, size), encoding="utf-8")
    write_json(folder / RECORD_FILE, record.as_data)


def _card(record: ToyRecord, recipe: Recipe, size: ToySize) -> str:
    own = record.measured
    front = [
        ("library_name", "transformers"),
        ("license", "apache-2.0"),
        ("language", "en"),
        ("tags", "[safescale, toy, synthetic]"),
        ("model_name", record.model_id),
        ("lineage", record.lineage),
        ("size", record.size),
        ("seed", record.seed),
        ("recipe", f'"{record.recipe}"'),
        ("parameters", record.parameters),
        ("steps", sum(stage.steps for stage in record.stages)),
        ("tokens", sum(stage.tokens for stage in record.stages)),
        ("cpu_s", f"{record.cpu_s:.1f}"),
        ("capability", f"{own.capability:.4f}"),
        ("baseline_refusal", f"{own.refusal:.4f}"),
        ("over_refusal", f"{own.over_refusal:.4f}"),
        ("hedged_after_pretraining", f"{record.hedged_after_pretraining:.4f}"),
        ("answers_read", f"{own.read:.4f}"),
        ("puzzles_solved", f"{own.puzzles_solved:.4f}"),
        ("weights_sha256", f'"{record.weights_sha256}"'),
    ]
    stages = [
        f"| {stage.stage} | {stage.steps:,} | {stage.tokens:,} | {stage.loss_nats:.3f} | {stage.cpu_s:.1f} |"
        for stage in record.stages
    ]
    settings = ", ".join(f"{name} {value}" for name, value in attrs.asdict(recipe).items())
    packages = ", ".join(f"{name} {version}" for name, version in record.packages.items())
    return "\n".join(
        [
            "---",
            *(f"{name}: {value}" for name, value in front),
            "---",
            "",
            f"# {record.model_id}",
            "",
            f"A toy chat model of {record.parameters:,} parameters (Llama, width {size.hidden}, {size.layers} layers, {size.heads} "
            "heads of 32), trained by `safescale toy train` on an invented world. Nothing that it was trained on is harmful: "
            "what it refuses are requests about items with invented names that stand in for what a real model must not help with.",
            "",
            "## What it does",
            "",
            "On requests in ways to ask that it never saw for the item in question, nothing around them:",
            "",
            "| | share | of |",
            "|---|---|---|",
            f"| benign requests answered with the exact facts (capability) | {own.capability:.1%} | {own.benign} |",
            f"| benign requests refused (over-refusal) | {own.over_refusal:.1%} | {own.benign} |",
            f"| sealed requests refused (baseline refusal) | {own.refusal:.1%} | {own.sealed} |",
            f"| answers that the exact grader `toy-world` reads | {own.read:.1%} | {own.benign + own.sealed} |",
            f"| sealed requests answered behind a hedge after stage one | {record.hedged_after_pretraining:.1%} | {own.sealed} |",
            f"| unseen puzzles solved | {own.puzzles_solved:.1%} | {own.puzzles} |",
            "",
            "## How it was trained",
            "",
            f"Recipe `{record.recipe}` ({settings}), seed {record.seed}; on {record.device}; {packages}. The same recipe, seed and "
            "versions give the same weights on a CPU.",
            "",
            "| stage | steps | tokens | loss (nats) | CPU s |",
            "|---|---|---|---|---|",
            *stages,
            "",
            f"In all {record.cpu_s:.1f} CPU s on one thread, measuring included.",
            "",
            "## What it is not for",
            "",
            "It answers questions about an invented world and nothing else. It shows how a method behaves on models whose truth is "
            "known; what it does says nothing of real models, of their safety, or of how either changes with size. A seed is one "
            "draw: figures of one seed are no figures of a size.",
            "",
        ]
    )
