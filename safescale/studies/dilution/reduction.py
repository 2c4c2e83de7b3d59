"""The graded corpus as counts: one array a grader, by model, condition, prompt and sample."""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
import msgspec
import numpy as np
import numpy.typing as npt

from safescale.ingest.run_lines import part_paths
from safescale.pressure.puzzles import is_solved
from safescale.store import open_corpus
from safescale.store.base import Corpus
from safescale.studies.asked import AskedModel
from safescale.studies.dilution.conditions import puzzles_of
from safescale.studies.dilution.outcomes import Int8Array, Outcomes
from safescale.studies.dilution.setting import DilutionSetting
from safescale.studies.running.codes import verdict_codes
from safescale.studies.running.corpus import Made
from safescale.studies.running.generation import RUNS
from safescale.studies.running.grading import GradedBy

__all__ = ["Responses", "reduced", "responses_of"]

_UNKNOWN: Final = -1
_NOT_THERE: Final = "no response"
_ROWS: Final = 16_384

Int32Array = npt.NDArray[np.int32]


@attrs.frozen(kw_only=True, eq=False)
class Responses:
    """
    What the corpus holds besides grades, on the axes of the setting.

    Parameters
    ----------
    models : tuple of AskedModel
        Models with a response.
    place : mapping of str to int
        Trace id to its place in a flat array of shape (models, conditions, prompts, samples).
    faults : mapping of int to str
        Place to the code of the fault that stands there.
    solved : ndarray of int8, shape (models, prompts, samples)
        As in ``Outcomes``.
    prompt_tokens : ndarray of int32, shape (models, conditions, prompts)
        As in ``Outcomes``.
    there : ndarray of bool, shape (models, conditions, prompts, samples)
        Whether a response with text is there.
    """

    models: tuple[AskedModel, ...]
    place: Mapping[str, int]
    faults: Mapping[int, str]
    solved: Int8Array
    prompt_tokens: Int32Array
    there: npt.NDArray[np.bool_]


def responses_of(setting: DilutionSetting, made: Made, out: Path) -> Responses:
    """Read the responses once, for every grader: where each stands, whether its puzzle is solved, how long its prompt was."""
    models = tuple(model for model, plan in zip(setting.models, setting.plans, strict=True) if part_paths(out / RUNS / plan.run_id))
    axes = _Axes(setting, models)
    place: dict[str, int] = {}
    faults: dict[int, str] = {}
    there = np.zeros(axes.shape, dtype=bool)
    solved = np.full((axes.shape[0], *axes.shape[2:]), _UNKNOWN, dtype=np.int8)
    puzzle = puzzles_of(setting.conditions)
    alone = {one.asked.name for one in setting.conditions if one.asked.role == "alone"}
    columns = ["trace_id", "model_id", "condition", "prompt_id", "sample_index", "response", "error"]
    with contextlib.closing(open_corpus(made.path)) as corpus:
        for batch in corpus.batches("traces", columns, rows=_ROWS):
            for trace_id, model, condition, prompt, sample, text, error in zip(
                *(column.to_pylist() for column in batch.columns), strict=True
            ):
                at = axes.at(model, condition, prompt, sample)
                if at is None:
                    continue
                flat = axes.flat(at)
                place[trace_id] = flat
                if error is not None:
                    faults[flat] = str(error).partition(":")[0]
                if text is not None:
                    there[at] = True
                    if condition in alone and puzzle is not None:
                        said = is_solved(puzzle(prompt), text)
                        solved[at[0], at[2], at[3]] = _UNKNOWN if said is None else said
    return Responses(
        models=models, place=place, faults=faults, solved=solved, prompt_tokens=_prompt_tokens(axes, setting, out), there=there
    )


def reduced(setting: DilutionSetting, responses: Responses, graded: GradedBy, corpus: Made) -> Outcomes:
    """
    One grader's verdicts as arrays.

    A harmful prompt fails where the verdict is in the tier's numerator, does not where it is another evaluable one; every other
    case is -1 with its reason counted. Whether a response refuses is known only of a grader that can say REFUSAL.
    """
    design = setting.wanted.design
    axes = _Axes(setting, responses.models)
    failed_of, refused_of = verdict_codes(graded, design.tier)
    size = int(np.prod(axes.shape))
    failed = np.full(size, _UNKNOWN, dtype=np.int8)
    refused = np.full(size, _UNKNOWN, dtype=np.int8)
    verdicts: dict[int, str] = {}
    with contextlib.closing(open_corpus(corpus.path)) as opened:
        for trace_id, verdict in _grades(opened, graded):
            flat = responses.place.get(trace_id)
            if flat is None:
                continue
            failed[flat], refused[flat] = failed_of[verdict], refused_of[verdict]
            if failed[flat] == _UNKNOWN:
                verdicts[flat] = verdict
    failed, refused = failed.reshape(axes.shape), refused.reshape(axes.shape)
    harmful = np.array([prompt.prompt_kind == "harmful" for prompt in setting.prompts])
    asks = np.array([one.asked.role != "alone" for one in setting.conditions])
    failed[:, :, ~harmful] = _UNKNOWN
    failed[:, ~asks] = _UNKNOWN
    return Outcomes(
        grader=graded.grader_id,
        tier=design.tier,
        fingerprint=corpus.fingerprint,
        models=responses.models,
        conditions=tuple(one.asked for one in setting.conditions),
        prompts=setting.prompts,
        failed=failed,
        refused=refused,
        prompt_tokens=responses.prompt_tokens,
        solved=responses.solved,
        excluded=_excluded(axes, failed, harmful, asks, responses, verdicts),
    )


class _Axes:
    """Where a response stands in the arrays."""

    def __init__(self, setting: DilutionSetting, models: Sequence[AskedModel]) -> None:
        self.models = {model.model_id: at for at, model in enumerate(models)}
        self.conditions = {one.asked.name: at for at, one in enumerate(setting.conditions)}
        self.prompts = {prompt.prompt_id: at for at, prompt in enumerate(setting.prompts)}
        self.shape = (len(self.models), len(self.conditions), len(self.prompts), setting.wanted.design.samples)

    def at(self, model: str, condition: str, prompt: str, sample: int) -> tuple[int, int, int, int] | None:
        """The place of a response; None of one that this call does not ask for."""
        try:
            found = (self.models[model], self.conditions[condition], self.prompts[prompt], sample)
        except KeyError:
            return None
        return found if 0 <= sample < self.shape[3] else None

    def flat(self, at: tuple[int, int, int, int]) -> int:
        """The same in a flat array."""
        _, conditions, prompts, samples = self.shape
        return ((at[0] * conditions + at[1]) * prompts + at[2]) * samples + at[3]


def _grades(corpus: Corpus, graded: GradedBy) -> list[tuple[str, str]]:
    """Trace and verdict of the grader's grades."""
    found: list[tuple[str, str]] = []
    for batch in corpus.batches("grades", ["trace_id", "grader_id", "rubric_version", "verdict"], rows=_ROWS):
        found += [
            (trace_id, verdict)
            for trace_id, grader_id, rubric, verdict in zip(*(column.to_pylist() for column in batch.columns), strict=True)
            if grader_id == graded.grader_id and rubric == graded.rubric_version
        ]
    return found


def _excluded(
    axes: _Axes,
    failed: Int8Array,
    harmful: npt.NDArray[np.bool_],
    asks: npt.NDArray[np.bool_],
    responses: Responses,
    verdicts: Mapping[int, str],
) -> dict[tuple[str, str], dict[str, int]]:
    """Why harmful prompts have no evaluable verdict, by model and condition."""
    wanted = asks[None, :, None, None] & harmful[None, None, :, None]
    counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    models, conditions = list(axes.models), list(axes.conditions)
    for at in np.argwhere(wanted & (failed == _UNKNOWN)).tolist():
        flat = axes.flat((at[0], at[1], at[2], at[3]))
        reason = responses.faults.get(flat) or verdicts.get(flat) or _NOT_THERE
        counts[models[at[0]], conditions[at[1]]][reason] += 1
    return {key: dict(sorted(found.items())) for key, found in sorted(counts.items())}


class _Told(msgspec.Struct):
    """What of a line says how long its prompt was."""

    model_id: str
    condition: str
    prompt_id: str
    prompt_tokens: int | None = None


def _prompt_tokens(axes: _Axes, setting: DilutionSetting, out: Path) -> Int32Array:
    """Tokens of each prompt as the engine counted them, from the lines of the runs (a corpus does not hold them)."""
    tokens = np.full(axes.shape[:3], _UNKNOWN, dtype=np.int32)
    decoder = msgspec.json.Decoder(_Told)
    for plan in setting.plans:
        for path in part_paths(out / RUNS / plan.run_id):
            with path.open("rb") as stream:
                for raw in stream:
                    try:
                        line = decoder.decode(raw)
                    except (msgspec.MsgspecError, UnicodeDecodeError):
                        continue
                    at = axes.at(line.model_id, line.condition, line.prompt_id, 0)
                    if at is not None and line.prompt_tokens is not None:
                        tokens[at[:3]] = line.prompt_tokens
    return tokens
