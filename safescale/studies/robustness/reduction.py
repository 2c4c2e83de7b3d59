"""The graded corpus as arrays: one set of outcomes a grader, by cell, prompt and sample."""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError
from safescale.records.models import PROBABILITIES
from safescale.records.outcomes import Tier
from safescale.records.verdicts import Verdict
from safescale.store import open_corpus
from safescale.studies.asked import AskedModel
from safescale.studies.robustness.cells import PlannedCell, axes_of
from safescale.studies.robustness.evaluation import EvaluationPrompts, plain
from safescale.studies.robustness.outcomes import Cell, Float32Array, Int8Array, RobustnessOutcomes
from safescale.studies.robustness.pieces import Adapter
from safescale.studies.robustness.vectors import cosine_distances, text_hash
from safescale.studies.running.codes import verdict_codes
from safescale.studies.running.corpus import Made
from safescale.studies.running.grading import GradedBy

__all__ = [
    "TOY_JUDGE",
    "Axes",
    "Probabilities",
    "Responses",
    "axes",
    "distances",
    "probabilities",
    "reduced",
    "responses",
    "with_right",
]

_UNKNOWN: Final = -1
_NOT_THERE: Final = "no response"
_ROWS: Final = 16_384
_RIGHT: Final = "answered:right"
"""Raw label of the toy world's judge."""
TOY_JUDGE: Final = "toy-world/"

Hashes = npt.NDArray[np.object_]


class Axes:
    """
    Where a response stands in the arrays.

    Parameters
    ----------
    models : tuple of AskedModel
        Models whose cell without attack and defence was asked.
    cells : tuple of PlannedCell
        Cells that were asked, of these models.
    prompts : EvaluationPrompts
        Prompts.
    samples : int
        Responses to each.
    adapters : mapping of subject to Adapter
        What the attack of a subject cost.
    """

    def __init__(
        self,
        models: tuple[AskedModel, ...],
        cells: tuple[PlannedCell, ...],
        prompts: EvaluationPrompts,
        samples: int,
        adapters: Mapping[str, Adapter],
    ) -> None:
        self.models, self.prompts, self.samples = models, prompts, samples
        self.defences, self.attacks = axes_of(cells)
        place = {model.model_id: at for at, model in enumerate(models)}
        self.planned = cells
        self.cells = tuple(self._cell(cell, place, adapters) for cell in cells)
        self.shape = (len(cells), prompts.count, samples)
        self._cells = {(cell.subject, cell.condition): at for at, cell in enumerate(cells)}
        self._prompts = {prompt.prompt_id: at for at, prompt in enumerate(prompts.asked)}
        without = {cell.model_id: at for at, cell in enumerate(cells) if cell.is_baseline}
        self.baseline = tuple(without[cell.model_id] for cell in cells)

    def at(self, subject: str, condition: str, prompt: str, sample: int) -> tuple[int, int, int] | None:
        """The place of a response; None of one that is not asked for."""
        cell, at = self._cells.get((subject, condition)), self._prompts.get(prompt)
        return None if cell is None or at is None or not 0 <= sample < self.samples else (cell, at, sample)

    def _cell(self, cell: PlannedCell, place: Mapping[str, int], adapters: Mapping[str, Adapter]) -> Cell:
        tuned = cell.attack.kind == "finetune"
        record = adapters[cell.subject] if tuned else None
        return Cell(
            model=place[cell.model_id],
            defence=self.defences.index(cell.defence),
            attack=self.attacks.index(cell.attack),
            seed=cell.seed,
            tokens=0 if record is None else record.tokens,
            flops=0.0 if record is None else float(record.flops),
            subject=cell.subject,
            condition=cell.condition,
        )


def axes(
    models: Sequence[AskedModel],
    cells: Sequence[PlannedCell],
    prompts: EvaluationPrompts,
    samples: int,
    adapters: Mapping[str, Adapter],
) -> Axes:
    """
    The axes of what was asked; a model without its cell as it was, with which everything is compared, is left out whole.

    Raises
    ------
    DomainError
        When no model is left.
    """
    whole = {cell.model_id for cell in cells if cell.is_baseline}
    kept = tuple(model for model in models if model.model_id in whole)
    if not kept:
        raise DomainError("no model was asked as it was, so there is nothing to compare an attack with; see what broke above")
    return Axes(kept, tuple(cell for cell in cells if cell.model_id in whole), prompts, samples, adapters)


@attrs.frozen(kw_only=True, eq=False)
class Responses:
    """
    What the corpus holds besides grades.

    Parameters
    ----------
    place : mapping of str to (int, int, int)
        Trace id to cell, prompt and sample.
    faults : mapping of (int, int, int) to str
        Code of the fault that stands there.
    texts : ndarray of object, shape (cells, prompts, samples)
        Hash of each text, None where there is none.
    right : ndarray of int8, same shape
        As in ``RobustnessOutcomes``, from references; -1 where the file gives none.
    by_hash : mapping of str to str
        Texts to harmful prompts, by hash.
    """

    place: Mapping[str, tuple[int, int, int]]
    faults: Mapping[tuple[int, int, int], str]
    texts: Hashes
    right: Int8Array
    by_hash: Mapping[str, str]


def responses(axes: Axes, made: Made) -> Responses:
    """Read the responses once, for every grader and embedder."""
    place: dict[str, tuple[int, int, int]] = {}
    faults: dict[tuple[int, int, int], str] = {}
    texts = np.full(axes.shape, None, dtype=object)
    right = np.full(axes.shape, _UNKNOWN, dtype=np.int8)
    by_hash: dict[str, str] = {}
    references = axes.prompts.references
    kinds = [prompt.prompt_kind for prompt in axes.prompts.asked]
    columns = ["trace_id", "model_id", "condition", "prompt_id", "sample_index", "response", "error"]
    with contextlib.closing(open_corpus(made.path)) as corpus:
        for batch in corpus.batches("traces", columns, rows=_ROWS):
            for trace_id, subject, condition, prompt, sample, text, error in zip(
                *(column.to_pylist() for column in batch.columns), strict=True
            ):
                at = axes.at(subject, condition, prompt, sample)
                if at is None:
                    continue
                place[trace_id] = at
                if error is not None:
                    faults[at] = str(error).partition(":")[0]
                if text is None:
                    continue
                key = text_hash(text)
                texts[at] = key
                if kinds[at[1]] == "harmful":
                    by_hash[key] = text
                elif kinds[at[1]] == "benign" and prompt in references:
                    right[at] = f" {references[prompt]} " in f" {plain(text)} "
    return Responses(place=place, faults=faults, texts=texts, right=right, by_hash=by_hash)


def distances(axes: Axes, held: Responses, vectors: Mapping[str, Float32Array]) -> Float32Array:
    """Cosine distance of every response to a harmful prompt from sample 0 of the model as it was, shape of the axes."""
    found = np.full(axes.shape, np.nan, dtype=np.float32)
    harmful = np.array([prompt.prompt_kind == "harmful" for prompt in axes.prompts.asked])
    for cell, without in enumerate(axes.baseline):
        first = held.texts[without, :, 0]
        for sample in range(axes.samples):
            if cell == without and sample == 0:
                continue
            after, before = held.texts[cell, harmful, sample].tolist(), first[harmful].tolist()
            found[cell, harmful, sample] = cosine_distances(after, before, vectors)
    return found


@attrs.frozen(kw_only=True, eq=False)
class Probabilities:
    """One grader's class probabilities as arrays: of a refusal, and their entropy (nats); NaN where it gives none."""

    grader: str
    p_refusal: Float32Array
    entropy: Float32Array
    classes: int


def probabilities(axes: Axes, held: Responses, graded: GradedBy, corpus: Made) -> Probabilities | None:
    """The probabilities of one grader; None where it gives none."""
    p_refusal = np.full(axes.shape, np.nan, dtype=np.float32)
    entropy = np.full(axes.shape, np.nan, dtype=np.float32)
    used: set[str] = set()
    for row in _grades(corpus, graded, tuple(PROBABILITIES)):
        at = held.place.get(row[0])
        shares = {name: value for name, value in zip(PROBABILITIES, row[3:], strict=True) if value is not None}
        if at is None or "p_refusal" not in shares:
            continue
        used |= shares.keys()
        p_refusal[at] = shares["p_refusal"]
        values = np.array([value for value in shares.values() if value > 0])
        entropy[at] = max(0.0, float(-(values * np.log(values)).sum()))
    if not used:
        return None
    return Probabilities(grader=graded.grader_id, p_refusal=p_refusal, entropy=entropy, classes=len(used))


def reduced(
    axes: Axes,
    held: Responses,
    graded: GradedBy,
    corpus: Made,
    *,
    tier: Tier,
    entropy: Probabilities | None = None,
    distance: Float32Array | None = None,
    embedder: str | None = None,
    right: Callable[[str], bool] | None = None,
) -> RobustnessOutcomes:
    """
    One grader's verdicts as arrays.

    A harmful prompt fails where the verdict is in the tier's numerator, does not where it is another evaluable one; all else is -1
    with its reason counted. Nothing here looks at what a cell is.
    """
    failed_of, refused_of = verdict_codes(graded, tier)
    failed = np.full(axes.shape, _UNKNOWN, dtype=np.int8)
    refused = np.full(axes.shape, _UNKNOWN, dtype=np.int8)
    rights = held.right.copy()
    verdicts: dict[tuple[int, int, int], str] = {}
    harmful = np.array([prompt.prompt_kind == "harmful" for prompt in axes.prompts.asked])
    benign = np.array([prompt.prompt_kind == "benign" for prompt in axes.prompts.asked])
    knows_right = axes.prompts.toy and graded.grader_id.startswith(TOY_JUDGE)
    for trace_id, verdict, label in _grades(corpus, graded):
        at = held.place.get(trace_id)
        if at is None:
            continue
        failed[at], refused[at] = failed_of[verdict], refused_of[verdict]
        if failed[at] == _UNKNOWN:
            verdicts[at] = verdict
        if refused[at] == 1 and rights[at] == 1:
            rights[at] = 0  # the words of the question in a refusal are no answer
        if knows_right and benign[at[1]] and verdict != Verdict.ERROR.value:
            rights[at] = label == _RIGHT
    failed[:, ~harmful] = _UNKNOWN
    rights[:, ~benign] = _UNKNOWN
    nothing = np.full(axes.shape, np.nan, dtype=np.float32)
    return RobustnessOutcomes(
        grader=graded.grader_id,
        tier=tier,
        fingerprint=corpus.fingerprint,
        models=axes.models,
        defences=axes.defences,
        attacks=axes.attacks,
        prompts=axes.prompts.axis,
        categories=tuple(prompt.attack_class for prompt in axes.prompts.asked),
        cells=axes.cells,
        refused=refused,
        failed=failed,
        right=rights,
        p_refusal=nothing if entropy is None else entropy.p_refusal,
        entropy=nothing if entropy is None else entropy.entropy,
        distance=nothing if distance is None else distance,
        entropy_grader=None if entropy is None else entropy.grader,
        classes=None if entropy is None else entropy.classes,
        embedder=None if distance is None else embedder,
        excluded=_excluded(failed, harmful, held, verdicts),
    )


def with_right(of: RobustnessOutcomes, known: RobustnessOutcomes) -> RobustnessOutcomes:
    """Outcomes of a grader that cannot say what is right, with what the toy world's judge says of it."""
    return attrs.evolve(of, right=np.where(of.right == _UNKNOWN, known.right, of.right).astype(np.int8))


def _grades(corpus: Made, graded: GradedBy, more: tuple[str, ...] = ()) -> list[tuple[Any, ...]]:
    """Trace, verdict, raw label, and further columns, of the grader's grades."""
    found: list[tuple[Any, ...]] = []
    columns = ["trace_id", "verdict", "raw_label", *more, "grader_id", "rubric_version"]
    with contextlib.closing(open_corpus(corpus.path)) as opened:
        for batch in opened.batches("grades", columns, rows=_ROWS):
            for *row, grader_id, rubric in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                if grader_id == graded.grader_id and rubric == graded.rubric_version:
                    found.append(tuple(row))
    return found


def _excluded(
    failed: Int8Array, harmful: npt.NDArray[np.bool_], held: Responses, verdicts: Mapping[tuple[int, int, int], str]
) -> dict[int, dict[str, int]]:
    """Why harmful prompts have no evaluable verdict, by cell."""
    counts: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for cell, prompt, sample in np.argwhere(harmful[None, :, None] & (failed == _UNKNOWN)).tolist():
        at = (cell, prompt, sample)
        counts[cell][held.faults.get(at) or verdicts.get(at) or _NOT_THERE] += 1
    return {cell: dict(sorted(found.items())) for cell, found in sorted(counts.items())}
