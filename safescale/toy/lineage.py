"""A lineage: every size in every seed, each model kept under the hash of its recipe, whole or not at all."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import attrs
import yaml

from safescale.engines.hardware import cpu_words, package_versions
from safescale.engines.weights import weights_sha256
from safescale.errors import DataError, DomainError
from safescale.generate.prompts.placing import place_files
from safescale.store.json_file import write_json
from safescale.toy.card import RECORD_FILE, ToyRecord, read_record, write_card
from safescale.toy.identity import recipe_hash
from safescale.toy.measure import measure, measure_hedged
from safescale.toy.prompts import write_prompts
from safescale.toy.recipe import DEFAULT_SIZES, Recipe, ToySize, sizes_named
from safescale.toy.surroundings import Surroundings
from safescale.toy.tokens import make_tokenizer
from safescale.toy.training import check_backend, new_model, one_thread, save, train_stage
from safescale.toy.workers import Failed, run_tasks

__all__ = ["FailedModel", "Lineage", "ModelTask", "model_id_of", "train_lineage", "train_model"]

MODELS_FILE: Final = "models.yaml"
PROMPTS_FILE: Final = "prompts.jsonl"
MAX_TOKENS: Final = 64
_PACKAGES: Final = ("torch", "transformers", "tokenizers", "safetensors")


@attrs.frozen(kw_only=True)
class ModelTask:
    """One model to train, and where."""

    into: Path
    recipe: Recipe
    size: ToySize
    seed: int
    device: str = "cpu"

    @property
    def model_id(self) -> str:
        """Its id, the name of its folder."""
        return model_id_of(self.size, self.seed)


@attrs.frozen(kw_only=True)
class FailedModel:
    """A model that could not be trained, and why."""

    model_id: str
    reason: str


@attrs.frozen(kw_only=True)
class Lineage:
    """
    What a folder holds after training.

    Attributes
    ----------
    folder : Path
        Where.
    models : tuple of ToyRecord
        Trained models, by size and seed.
    kept : tuple of str
        Those of them that an earlier call had trained.
    failed : tuple of FailedModel
        Those that are not there.
    prompts : int
        Prompts written.
    wall_s : float
        Seconds on the clock.
    """

    folder: Path
    models: tuple[ToyRecord, ...]
    kept: tuple[str, ...]
    failed: tuple[FailedModel, ...]
    prompts: int
    wall_s: float


def model_id_of(size: ToySize, seed: int) -> str:
    """Id of a model of a lineage."""
    return f"toy-{size.name}-seed{seed}"


def train_lineage(
    into: Path,
    *,
    sizes: Sequence[str] = DEFAULT_SIZES,
    seeds: int = 3,
    jobs: int = 1,
    recipe: Recipe | None = None,
    device: str = "cpu",
    model_done: Callable[[int], None] | None = None,
) -> Lineage:
    """
    Train what is missing of a lineage, and write its ``models.yaml`` and ``prompts.jsonl``.

    Each model is written into a folder beside its place and moved there when it is whole, so a killed call loses the models that
    were in work and no other. A folder that is whole and of the same recipe is kept.

    Parameters
    ----------
    into : Path
        Folder of the lineage.
    sizes : sequence of str
        Names of ``SIZES``.
    seeds : int, default 3
        Seeds 0, 1, ...; each gives every size once.
    jobs : int, default 1
        Models at once, each in a process with one thread; 1 trains in this process.
    recipe : Recipe, optional
        How.
    device : str, default "cpu"
        As torch names it.
    model_done : callable, optional
        Told the number of models that came to an end.

    Raises
    ------
    DomainError
        For sizes, seeds or jobs outside their range.
    MissingBackend
        Without torch or transformers.
    DataError
        When the folder cannot be written, or one of a model's name holds something else.
    """
    began = time.monotonic()
    own = recipe or Recipe()
    if seeds < 1 or jobs < 1:
        raise DomainError(f"seeds and jobs are at least 1, got {seeds!r} and {jobs!r}")
    chosen = sizes_named(tuple(sizes))
    check_backend()
    tasks = [ModelTask(into=into, recipe=own, size=size, seed=seed, device=device) for size in chosen for seed in range(seeds)]
    _make_folder(into)
    found = {task.model_id: record for task in tasks if (record := _kept(task)) is not None}
    kept = tuple(found)
    missing = [task for task in tasks if task.model_id not in found]
    if model_done is not None and found:
        model_done(len(found))
    failed: list[FailedModel] = []
    # the largest first: none of them is left alone at the end
    for task, outcome in run_tasks(train_model, missing[::-1], jobs=jobs):
        if isinstance(outcome, Failed):
            failed.append(FailedModel(model_id=task.model_id, reason=outcome.reason))
        else:
            found[task.model_id] = outcome
        if model_done is not None:
            model_done(1)
    records = tuple(found[task.model_id] for task in tasks if task.model_id in found)
    prompts = write_prompts(into / PROMPTS_FILE, own.world)
    if records:  # one that lists nothing would take the place of a list that can be asked
        place_files([(into / MODELS_FILE, _models_yaml(records))])
    write_json(into / RECORD_FILE, {"models": [record.as_data for record in records], "failed": [attrs.asdict(f) for f in failed]})
    return Lineage(
        folder=into,
        models=records,
        kept=kept,
        failed=tuple(sorted(failed, key=lambda one: one.model_id)),
        prompts=len(prompts),
        wall_s=time.monotonic() - began,
    )


def train_model(task: ModelTask) -> ToyRecord:
    """
    Train one model, measure it, and put it into its place.

    Raises
    ------
    GenerationError
        When training diverges.
    DataError
        When it cannot be written.
    """
    cpu = time.process_time()
    place, partial = task.into / task.model_id, task.into / f".{task.model_id}.partial-{os.getpid()}"
    recipe, size = task.recipe, task.size
    around = Surroundings.of(task.seed)
    with one_thread(task.seed):
        tokenizer = make_tokenizer(recipe.world, window=recipe.window)
        model = new_model(recipe, size, tokenizer, device=task.device)
        first = train_stage(model, tokenizer, recipe, size, "pretraining", around, task.seed)
        hedged = measure_hedged(model, tokenizer, recipe.world)
        second = train_stage(model, tokenizer, recipe, size, "safety", around, task.seed)
        measured = measure(model, tokenizer, recipe.world)
    try:
        partial.mkdir()
        save(model, tokenizer, partial)
        record = ToyRecord(
            model_id=task.model_id,
            size=size.name,
            lineage=f"toy seed {task.seed}",
            seed=task.seed,
            recipe=recipe_hash(recipe, size, task.seed),
            parameters=int(model.num_parameters()),
            stages=(first, second),
            cpu_s=time.process_time() - cpu,
            measured=measured,
            hedged_after_pretraining=hedged,
            weights_sha256=str(weights_sha256(partial)),
            packages=package_versions(_PACKAGES),
            device=cpu_words() if task.device == "cpu" else task.device,
        )
        write_card(record, recipe, size, partial)
        if place.exists():
            old = partial.with_name(f"{partial.name}.old")
            os.replace(place, old)
            os.replace(partial, place)
            shutil.rmtree(old)
        else:
            os.replace(partial, place)
    except OSError as error:
        raise DataError(
            f"a model cannot be written ({error}); free the disk or name another folder with -o", file=str(place)
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return record


def _make_folder(into: Path) -> None:
    try:
        into.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"the folder cannot be made ({error.strerror}); name another with -o", file=str(into)) from error
    for left in into.glob(".toy-*.partial-*"):
        if not _alive(left.name.partition(".partial-")[2].partition(".")[0]):
            shutil.rmtree(left, ignore_errors=True)


def _alive(pid: str) -> bool:
    """Whether the process that a folder is named after may still write into it."""
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return True


def _kept(task: ModelTask) -> ToyRecord | None:
    """The record of a model that is whole and of this recipe; None where it must be trained."""
    place = task.into / task.model_id
    if not place.exists():
        return None
    try:
        record = read_record(place)
    except DataError:
        return None
    if record is None:
        raise DataError(
            "a folder with the name of a toy model holds something else; move it, or name another folder with -o", file=str(place)
        )
    same = record.recipe == recipe_hash(task.recipe, task.size, task.seed)
    return record if same and record.weights_sha256 == weights_sha256(place) else None


def _models_yaml(records: Sequence[ToyRecord]) -> str:
    models = [
        {
            "model": record.model_id,
            "model_id": record.model_id,
            "params_total_b": record.parameters / 1e9,
            "params_source": "declared",
            "lineage": record.lineage,
        }
        for record in records
    ]
    head = "# written by safescale toy train; the engine is named when they are asked: --engine transformers\n"
    return head + yaml.safe_dump({"sampling": {"temperature": 0.0, "max_tokens": MAX_TOKENS}, "models": models}, sort_keys=False)
