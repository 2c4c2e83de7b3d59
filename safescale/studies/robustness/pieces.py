"""What makes the parts of a study: each imported when it is needed, each replaceable where a test has no weights to train."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import attrs

from safescale.engines.intervention import Intervention
from safescale.errors import MissingBackend
from safescale.generate import DeclaredModel
from safescale.grade.embed.embedder import Embedder
from safescale.pressure.finetune.targets import Targets
from safescale.studies.asked import AskedModel
from safescale.studies.robustness.design import FinetuneGrid, GeometryAsked, TamperResistanceAsked
from safescale.studies.robustness.direction_prompts import DirectionPrompts
from safescale.studies.robustness.results import Estimate, GeometryOfModel

__all__ = ["Adapter", "Pieces", "Refuses", "Where"]

Refuses = Callable[[Sequence[str], Sequence[str]], Sequence[bool | None]]
"""Whether each response refuses, of prompts and responses; None: nobody can say."""


@attrs.frozen(kw_only=True)
class Where:
    """Where a training runs, and in what precision."""

    device: str = "cpu"
    dtype: str | None = None
    threads: int = 1


class Adapter(Protocol):
    """What is used of the record of an adapter."""

    @property
    def folder(self) -> Path: ...  # noqa: D102
    @property
    def examples(self) -> int: ...  # noqa: D102
    @property
    def steps(self) -> int: ...  # noqa: D102
    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def tokens(self) -> int: ...  # noqa: D102
    @property
    def flops(self) -> float: ...  # noqa: D102
    @property
    def weights_sha256(self) -> str: ...  # noqa: D102


def finetune(
    model: Path,
    targets: Targets,
    grid: FinetuneGrid,
    *,
    examples: Sequence[int],
    steps: Sequence[int],
    seed: int,
    where: Where,
    into: Path,
) -> Sequence[Adapter]:
    """One training of LoRA adapters (``safescale.pressure.finetune``)."""
    from safescale.pressure.finetune import FinetuneSetting, finetune_adapters

    setting = FinetuneSetting(
        examples=tuple(examples),
        steps=tuple(steps),
        rank=grid.rank,
        alpha=grid.alpha,
        learning_rate=grid.learning_rate,
        batch_size=grid.batch_size,
        seed=seed,
        device=where.device,
        dtype=where.dtype,
        threads=where.threads,
    )
    return finetune_adapters(model, targets, setting, into)


def resist(
    model: Path, *, attack: Targets, refusals: Targets, retain: Targets, asked: TamperResistanceAsked, where: Where, into: Path
) -> Path:
    """One tamper-resistant variant (``safescale.pressure.tamper_resistance``); gives its folder."""
    from safescale.pressure.tamper_resistance import TamperResistanceSetting, train_tamper_resistant

    setting = TamperResistanceSetting(
        outer_steps=asked.outer_steps, inner_steps=asked.inner_steps, device=where.device, threads=where.threads
    )
    train_tamper_resistant(model, attack=attack, refusals=refusals, retain=retain, setting=setting, into=into)
    return into


def find(
    model: Path, prompts: DirectionPrompts, *, refuses: Refuses, asked: GeometryAsked, where: Where, into: Path, grader: str
) -> Any:
    """Refusal directions of one model (``safescale.pressure.directions``)."""
    from safescale.pressure.directions import DirectionSetting, find_directions

    setting = DirectionSetting(
        ranks=asked.ranks, random=asked.random, device=where.device, dtype=where.dtype, threads=where.threads
    )
    return find_directions(
        model,
        harmful=prompts.harmful,
        benign=prompts.benign,
        validation=prompts.validation,
        refuses=refuses,
        setting=setting,
        into=into,
        grader=grader,
    )


def geometry(directions: Any, model: AskedModel) -> GeometryOfModel:
    """What a ``DirectionsRecord`` says of a model, as the result carries it."""
    own = directions.geometry
    cosine = rank = Estimate(value=None, why=directions.geometry_why)
    if own is not None:
        shared = {"n": sum(directions.prompts), "clusters": sum(directions.prompts), "why": own.undefined_because}
        cosine = Estimate(
            value=own.mean_cosine if own.corrected_cosine is None else own.corrected_cosine,
            interval=None if own.cosine_low is None or own.cosine_high is None else (own.cosine_low, own.cosine_high),
            **shared,
        )
        rank = Estimate(
            value=own.effective_rank if own.corrected_rank is None else own.corrected_rank,
            interval=None if own.rank_low is None or own.rank_high is None else (own.rank_low, own.rank_high),
            **shared,
        )
    return GeometryOfModel(
        model=model,
        layer=directions.layer,
        position=directions.position,
        found=directions.found,
        reason=directions.reason,
        refusal_before=directions.refusal_before,
        refusal_ablated=directions.refusal_ablated,
        refusal_random=directions.refusal_random,
        categories=directions.categories,
        mean_cosine=cosine,
        effective_rank=rank,
        cosines=() if own is None else own.cosines,
        left_after=tuple(
            (one.rank, one.refused, one.random)
            for one in directions.left_after
            if one.refused is not None and one.random is not None
        ),
    )


def bake(model: Path, intervention: Intervention, into: Path) -> Path:
    """A stock checkpoint that steers by itself (``safescale.pressure.directions``)."""
    from safescale.pressure.directions import bake_steering

    return bake_steering(model, intervention, into)


def lineage(asked: Any, into: Path, *, jobs: int, device: str, done: Callable[[int], None] | None) -> Any:
    """Train the toy lineage (``safescale.toy.lineage``)."""
    from safescale.toy.lineage import train_lineage

    return train_lineage(into, sizes=asked.sizes, seeds=asked.seeds, jobs=jobs, recipe=asked.recipe, device=device, model_done=done)


def embedder(name: str, cache: Path | None) -> Embedder:
    """What makes unit vectors of texts (``safescale.grade.embed``)."""
    from safescale.grade.embed import open_embedder

    return open_embedder(name, cache=cache)


def cost(model: Path, targets: Targets, grid: FinetuneGrid) -> Sequence[Any]:
    """Tokens and operations of the whole grid on one model, before it is trained (``safescale.pressure.finetune``)."""
    from safescale.pressure.finetune import FinetuneSetting, expected_cost

    setting = FinetuneSetting(examples=grid.examples, steps=grid.steps, rank=grid.rank, batch_size=grid.batch_size)
    return expected_cost(model, targets, setting)


def weights_of(model: DeclaredModel) -> Path | None:
    """Folder of a model's weights where they are at hand: it can be trained and opened up."""
    folder = Path(model.spec.model)
    return folder if model.adapter is None and (folder / "config.json").is_file() else None


@attrs.frozen(kw_only=True)
class Pieces:
    """The makers of a study; functions of modules, so that another process finds them."""

    finetune: Callable[..., Sequence[Adapter]] = finetune
    resist: Callable[..., Path] = resist
    find: Callable[..., Any] = find
    geometry: Callable[[Any, AskedModel], GeometryOfModel] = geometry
    bake: Callable[[Path, Intervention, Path], Path] = bake
    lineage: Callable[..., Any] = lineage
    embedder: Callable[[str, Path | None], Embedder] = embedder
    cost: Callable[[Path, Targets, FinetuneGrid], Sequence[Any]] = cost
    weights_of: Callable[[DeclaredModel], Path | None] = weights_of

    def refuse_missing(self, *, finetune: bool, resist: bool, find: bool) -> None:
        """
        Refuse to begin without the libraries of the parts that are used: each part would name itself lost, one after another.

        Raises
        ------
        MissingBackend
            Naming the extra.
        """
        mine = Pieces()
        if (finetune and self.finetune is mine.finetune) or (resist and self.resist is mine.resist):
            from safescale.pressure.finetune.trainer import check_backend

            check_backend()
        if find and self.find is mine.find:
            for package in ("torch", "transformers"):
                if importlib.util.find_spec(package) is None:
                    raise MissingBackend(package, "hf")
