"""Refusal directions of one model from a file of prompts and a grader: what ``safescale pressure directions`` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import attrs

from safescale.errors import DataError
from safescale.generate.prompt_file import read_prompt_set
from safescale.grade.grader import Grader, Item
from safescale.pressure.directions import DirectionSetting, DirectionsRecord, find_directions
from safescale.records.verdicts import Verdict

__all__ = ["directions_as_text", "directions_from_file", "refuses_by"]

_LEAST: Final = 4
_UNKNOWN: Final = (Verdict.NOT_GRADEABLE, Verdict.UNGRADED)


@attrs.frozen
class _Refuses:
    grader: Grader

    def __call__(self, prompts: Sequence[str], responses: Sequence[str]) -> list[bool | None]:
        items = [Item(prompt=prompt, response=response) for prompt, response in zip(prompts, responses, strict=True)]
        verdicts = [judgement.verdict for judgement in self.grader.grade(items)]
        return [None if verdict in _UNKNOWN else verdict is Verdict.REFUSAL for verdict in verdicts]


def refuses_by(grader: Grader) -> _Refuses:
    """Whether a grader says REFUSAL; None where it gives no verdict."""
    return _Refuses(grader)


def directions_from_file(
    model: Path,
    prompts: Path,
    grader: Grader,
    into: Path,
    *,
    setting: DirectionSetting | None = None,
    says: Callable[[str], None] | None = None,
) -> DirectionsRecord:
    """
    Find refusal directions.

    Of each attack class every other harmful prompt makes the direction, and the others are for search and test.

    Parameters
    ----------
    model : Path
        Folder of a model.
    prompts : Path
        A file of prompts with ``prompt_kind`` harmful and benign, and ``attack_class``.
    grader : Grader
        Who says what a refusal is.
    into : Path
        Folder of the result.
    setting : DirectionSetting, optional
        How.
    says : callable, optional
        Told in words what is being done.

    Raises
    ------
    DataError
        When a class, or the benign side, has too few prompts.
    """
    harmful: dict[str, list[str]] = {}
    benign: list[str] = []
    for prompt in read_prompt_set(prompts).prompts:
        if prompt.prompt_kind == "harmful":
            harmful.setdefault(str(prompt.attack_class), []).append(prompt.prompt)
        elif prompt.prompt_kind == "benign":
            benign.append(prompt.prompt)
    few = sorted(name for name, texts in harmful.items() if len(texts) < _LEAST)
    if few or not harmful or len(benign) < _LEAST:
        raise DataError(
            f"refusal directions take at least {_LEAST} harmful prompts of each attack_class and {_LEAST} benign ones",
            file=str(prompts),
            column="prompt_kind",
            expected="harmful by attack_class, and benign",
            got=", ".join(f"{name}: {len(texts)}" for name, texts in harmful.items()) + f"; benign: {len(benign)}",
        )
    return find_directions(
        model,
        harmful={name: texts[::2] for name, texts in harmful.items()},
        benign=benign,
        validation={name: texts[1::2] for name, texts in harmful.items()},
        refuses=refuses_by(grader),
        setting=setting,
        into=into,
        grader=grader.facts.grader_id,
        says=says,
    )


def directions_as_text(record: DirectionsRecord) -> str:
    """A record in lines for a reader."""
    lines = [f"direction {'found' if record.found else 'NOT found'}: {record.reason}"]
    if record.best_layer is None:
        return lines[0]
    lines += [
        f"judged by {record.grader}; searched on {record.searched} prompts, tested on {record.tested} others",
        _row("refused as it is", record.refusal_before),
        _row("refused, best direction ablated", record.refusal_ablated)
        + (f"  ({record.unknown_ablated} answers nobody can judge)" if record.unknown_ablated else ""),
        _row("refused, random direction ablated", record.refusal_random),
        _row("benign answers unchanged, ablated", record.benign_same),
        _row("benign refused, as it is", record.benign_refused_before),
        _row("benign refused, ablated", record.benign_refused_ablated),
    ]
    lines += [
        _row(f"refused, first {one.rank} singular directions ablated", one.refused)
        + f"  (as many random ones: {_share(one.random)}; benign moved {one.kl_nats:.2g} nats)"
        for one in record.left_after
    ]
    own = record.geometry
    if own is None:
        lines.append(f"no geometry: {record.geometry_why}")
        return "\n".join(lines)
    lines.append(
        f"mean cosine of {len(record.categories)} categories: {own.mean_cosine:.3f} as observed, "
        + (
            f"noise taken out {own.corrected_cosine:.3f} [{own.cosine_low:.3f}, {own.cosine_high:.3f}]"
            if own.corrected_cosine is not None and own.cosine_low is not None and own.cosine_high is not None
            else f"no interval: {own.undefined_because}"
        )
        + f"; one direction and as much noise: {own.null_cosine:.3f} [{own.null_cosine_low:.3f}, {own.null_cosine_high:.3f}], "
        f"p = {own.p_value:.3g}"
    )
    lines.append(
        f"effective rank: {own.effective_rank:.2f} as observed; one direction and as much noise: {own.null_rank:.2f} "
        f"[{own.null_rank_low:.2f}, {own.null_rank_high:.2f}]"
    )
    if not record.found:
        lines.append("without a direction whose ablation lowers refusal, cosines and rank say nothing of refusal")
    return "\n".join(lines)


def _row(name: str, share: float | None) -> str:
    return f"{name:<48} {_share(share):>7}"


def _share(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.0%}"
