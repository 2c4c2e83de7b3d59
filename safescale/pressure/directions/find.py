"""Refusal directions of one model: difference in means, the search for where ablation works, controls, geometry."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np

from safescale.engines import EngineSpec
from safescale.engines.transformers_loading import Options, load
from safescale.engines.weights import weights_sha256
from safescale.errors import DataError, DomainError, InsufficientData
from safescale.pressure.directions.activations import FloatArray, mean_activations, prompt_activations, rendered
from safescale.pressure.directions.record import (
    VERSION,
    DirectionsRecord,
    Geometry,
    LeftAfter,
    read_directions,
    write_directions,
)
from safescale.pressure.directions.search import Candidate, Judge, Kept, ablation, lowered, random_units, search
from safescale.pressure.directions.setting import DirectionSetting, Refuses
from safescale.stats import RefusalDirectionGeometry, refusal_direction_geometry

__all__ = ["find_directions"]

Right = Callable[[Sequence[str], Sequence[str]], Sequence[bool | None]]

_BESIDE_WEIGHTS: Final = (
    *("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "vocab.json"),
    *("merges.txt", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja", "chat_template.json"),
)
_DEEP: Final = 8
"""Layers from which on the last ones are left out of the search for steering."""
_NOT_THE_ANSWER: Final = ("threads", "batch_size", "device")


def find_directions(
    model: Path,
    *,
    harmful: Mapping[str, Sequence[str]],
    benign: Sequence[str],
    validation: Mapping[str, Sequence[str]],
    refuses: Refuses,
    setting: DirectionSetting | None = None,
    into: Path,
    benign_validation: Sequence[str] | None = None,
    right: Right | None = None,
    grader: str = "unnamed",
    says: Callable[[str], None] | None = None,
) -> DirectionsRecord:
    """
    Find the direction by which a model refuses, if there is one.

    At every layer and position the candidate is the difference of the means of harmful and benign prompts. A candidate is judged
    by what of refusal is left when it is ablated there (affine, to the benign mean), and left out when benign answers move. The
    best is then tested on validation prompts on which nothing was searched, against the model as it is and against random
    directions. "Not found" is a result: a model may decide elsewhere, or in several places.

    Parameters
    ----------
    model : Path
        Folder of a causal model of the library transformers.
    harmful : mapping of str to sequence of str
        Prompts by category, from which the means are.
    benign : sequence of str
        Benign prompts, of the same shape.
    validation : mapping of str to sequence of str
        Harmful prompts by category, none of them among ``harmful``: every other one of a category is for the search, the rest for
        the test.
    refuses : Refuses
        Who says what a refusal is.
    setting : DirectionSetting
        How.
    into : Path
        Folder; a whole one of the same model, prompts, setting and grader is read, not made again.
    benign_validation : sequence of str, optional
        Benign prompts whose answers must not move; None: every fourth of ``benign``, which is then in no mean.
    right : callable, optional
        Prompts and responses to whether a benign answer is right, where the caller can tell.
    grader : str
        Name of the grader behind ``refuses``: part of what a kept result is known by.
    says : callable, optional
        Told in words what is being done.

    Returns
    -------
    DirectionsRecord
        Written to ``into``.

    Raises
    ------
    DomainError
        For prompts in two places, too few of them, or a model whose layers cannot be told.
    MissingBackend
        Without torch or transformers.
    """
    began = time.process_time()
    setting = setting or DirectionSetting()
    held = tuple(benign[3::4] if benign_validation is None else benign_validation)
    base = tuple(text for at, text in enumerate(benign) if at % 4 != 3) if benign_validation is None else tuple(benign)
    _check(harmful, base, validation, held)
    searched = {name: tuple(prompts[::2]) for name, prompts in validation.items()}
    tested = [prompt for prompts in validation.values() for prompt in prompts[1::2]]
    key = _key(model, setting, grader, {"harmful": harmful, "benign": base, "validation": validation, "held": held})
    kept = _whole(into, key)
    if kept is not None:
        return kept
    options: dict[str, Any] = {name: getattr(setting, name) for name in ("threads", "device", "dtype")}
    options = {name: value for name, value in options.items() if value is not None}
    spec = EngineSpec(engine="transformers", model=str(model), options=options)
    loaded = load(spec, Options.of(spec))
    judge = Judge(loaded=loaded, refuses=refuses, setting=setting)
    says = says or _nothing
    says(f"means of {len(base) + sum(map(len, harmful.values()))} prompts")
    benign_mean = mean_activations(loaded, base, setting.positions, setting.batch_size)
    means = np.array([mean_activations(loaded, prompts, setting.positions, setting.batch_size) for prompts in harmful.values()])
    counts = np.array([len(prompts) for prompts in harmful.values()], dtype=np.float64)
    difference = np.tensordot(counts / counts.sum(), means, axes=1) - benign_mean
    if setting.layers is not None and max(setting.layers) >= len(difference):
        raise DomainError(f"layers must be of the model's 0 to {len(difference) - 1}, got {setting.layers}")
    candidates = search(judge, difference, benign_mean, searched, held, says)
    record = DirectionsRecord(
        key=key,
        model=str(model),
        weights_sha256=weights_sha256(model),
        grader=grader,
        layers=difference.shape[0],
        hidden=difference.shape[2],
        positions=setting.positions,
        found=False,
        reason="harmful and benign prompts do not differ in mean at any layer and position",
        layer=None,
        position=None,
        best_layer=None,
        best_position=None,
        steering_layer=None,
        steering_position=None,
        refusal_before=judge.kept(tested).share,
        refusal_ablated=None,
        refusal_random=None,
        unknown_ablated=0,
        p_value=None,
        tested=len(tested),
        searched=sum(map(len, searched.values())),
        benign_kl_nats=None,
        benign_same=None,
        benign_refused_before=None,
        benign_refused_ablated=None,
        benign_right_before=None,
        benign_right_ablated=None,
        categories=tuple(harmful),
        prompts=tuple(map(len, harmful.values())),
        benign=len(base),
        geometry=None,
        geometry_why="there is no direction",
        left_after=(),
        candidates=candidates,
        norm=None,
        cpu_s=0.0,
        vectors={"difference": difference, "benign_mean": benign_mean, "category_difference": means - benign_mean},
    )
    says(f"test on {len(tested)} prompts, controls and geometry")
    if candidates:
        record = _at_best(record, candidates[0], judge, harmful, base, tested, held, right)
    vectors = {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in record.vectors.items()}
    record = attrs.evolve(record, vectors=vectors, cpu_s=time.process_time() - began)
    write_directions(record, into)
    return record


def _nothing(words: str) -> None:
    return None


def _at_best(
    record: DirectionsRecord,
    best: Candidate,
    judge: Judge,
    harmful: Mapping[str, Sequence[str]],
    base: Sequence[str],
    tested: Sequence[str],
    held: Sequence[str],
    right: Right | None,
) -> DirectionsRecord:
    """The test, the controls and the geometry at the best layer and position."""
    setting, layer, position = judge.setting, best.layer, best.position
    depth = setting.steering_depth or (0.8 if record.layers >= _DEEP else 1.0)
    early = [one for one in record.candidates if one.layer + 1 <= depth * record.layers]
    steering = min(early or record.candidates, key=lambda one: one.induced_nats)
    at = setting.positions.index(position)
    vector, mean = record.vectors["difference"][layer, at], record.vectors["benign_mean"][layer, at]
    edit = ablation(layer, position, vector, mean)
    before, after = judge.kept(tested), judge.kept(tested, edit)
    units = random_units(record.hidden, setting.random, setting.seed)
    random = [judge.kept(tested, ablation(layer, position, unit, mean)) for unit in units]
    found, reason, p_value = _verdict(best, before, after, random, setting)
    if found and layer == record.layers - 1:
        reason += "; no layer reads what stands after the last one, so that this is a direction of first words"
    told, told_ablated = judge.answers(held), judge.answers(held, edit)
    refused, refused_ablated = (_share(judge.refuses(held, answers)) for answers in (told, told_ablated))
    rights = (None, None) if right is None else (_share(right(held, told)), _share(right(held, told_ablated)))
    activations = {
        f"activations.{number}": prompt_activations(judge.loaded, prompts, layer, position, setting.batch_size)
        for number, prompts in enumerate(harmful.values())
    }
    benign_rows = prompt_activations(judge.loaded, base, layer, position, setting.batch_size)
    whole, why = _geometry(dict(zip(harmful, activations.values(), strict=True)), benign_rows, setting)
    singular = _singular(record.vectors["category_difference"][:, layer, at])
    ids = rendered(judge.loaded, held)
    logs = judge.logs(ids)
    left: list[LeftAfter] = []
    for rank in sorted(set(setting.ranks)):
        if rank <= len(singular):
            several = ablation(layer, position, singular[:rank], mean)
            one = judge.kept(tested, several)
            beside = judge.kept(tested, ablation(layer, position, random_units(record.hidden, rank, setting.seed), mean))
            moved = float((np.exp(logs) * (logs - judge.logs(ids, several))).sum(axis=1).mean())
            left.append(LeftAfter(rank=rank, refused=one.share, random=beside.share, kl_nats=max(0.0, moved), unknown=one.unknown))
    shares = [one.share for one in random if one.share is not None]
    return attrs.evolve(
        record,
        found=found,
        reason=reason,
        layer=layer if found else None,
        position=position if found else None,
        best_layer=layer,
        best_position=position,
        steering_layer=steering.layer,
        steering_position=steering.position,
        refusal_before=before.share,
        refusal_ablated=after.share,
        refusal_random=float(np.mean(shares)) if shares else None,
        unknown_ablated=after.unknown,
        p_value=p_value,
        benign_kl_nats=best.kl_nats,
        benign_same=float(np.mean([one == other for one, other in zip(told, told_ablated, strict=True)])),
        benign_refused_before=refused,
        benign_refused_ablated=refused_ablated,
        benign_right_before=rights[0],
        benign_right_ablated=rights[1],
        geometry=None if whole is None else _told(whole, record, at),
        geometry_why=why,
        left_after=tuple(left),
        norm=steering.norm,
        vectors={**record.vectors, **activations, "activations.benign": benign_rows, "singular": singular},
    )


def _verdict(
    best: Candidate, before: Kept, after: Kept, random: Sequence[Kept], setting: DirectionSetting
) -> tuple[bool, str, float | None]:
    where = f"after layer {best.layer}, position {best.position}"
    count = len(before.refused)
    if before.share is None or before.share < setting.least_drop:
        said = (
            "nobody can judge its answers"
            if before.share is None
            else f"it refuses {_percent(before.share)} of {count} test prompts"
        )
        return False, f"{said}: there is no refusal to take away", None
    if best.refusal is None:
        words = f"every candidate moves benign answers by more than {setting.max_kl_nats:g} nats ({where}: {best.kl_nats:.2g})"
        return False, f"{words}: what ablation does there is no matter of refusal alone", None
    tests = [lowered(before, after), *(lowered(one, after) for one in random)]
    p_value = max(p for p, _ in tests)
    kept, drawn = after.not_answered, [one.not_answered for one in random]
    figures = (
        f"of {count} test prompts {_percent(before.not_answered)} are refused or answered unreadably with nothing ablated, "
        f"{_percent(kept)} with the best candidate ablated ({where}), {_percent(min(drawn))} to {_percent(max(drawn))} with a "
        f"random direction ablated there (p = {p_value:.2g})"
    )
    drop = min(before.not_answered, *drawn) - kept
    if drop < setting.least_drop:
        return False, f"{figures}: less than {_percent(setting.least_drop)[:-2]} points apart", p_value
    refused = int((before.refused == 1).sum())
    if 0.5**refused >= setting.alpha:
        few = f"only {refused} of {count} test prompts are refused, too few for a test at level {setting.alpha:g}"
        return False, f"{figures}: {few}; give more validation prompts", p_value
    if p_value >= setting.alpha:
        return False, f"{figures}: no more than chance shows at level {setting.alpha:g}", p_value
    return True, figures, p_value


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _geometry(
    harmful: Mapping[str, Any], benign: Any, setting: DirectionSetting
) -> tuple[RefusalDirectionGeometry | None, str | None]:
    try:
        found = refusal_direction_geometry(harmful, benign, resamples=setting.resamples, splits=setting.resamples, rng=setting.seed)
    except DomainError as error:
        return None, str(error)
    return found, None


def _told(found: RefusalDirectionGeometry, record: DirectionsRecord, at: int) -> Geometry:
    names = {field.name for field in attrs.fields(Geometry)} - {"cosines", "by_layer", "split_half"}
    pairs = [(a, b) for a in range(len(found.categories)) for b in range(a + 1, len(found.categories))]
    by_layer: list[tuple[int, float, float]] = []
    for layer in range(record.layers):
        differences = record.vectors["category_difference"][:, layer, at].astype(np.float64)
        norms = np.linalg.norm(differences, axis=1)
        if norms.min() > 1e-6 * float(np.linalg.norm(record.vectors["benign_mean"][layer, at])):
            units = differences / norms[:, None]
            shares = np.linalg.svd(units, compute_uv=False) ** 2 / len(units)
            rank = float(np.exp(-sum(share * np.log(share) for share in shares if share > 0)))
            by_layer.append((layer, float(np.mean([units[a] @ units[b] for a, b in pairs])), rank))
    return Geometry(
        **{name: getattr(found, name) for name in names},
        cosines=tuple((found.categories[a], found.categories[b], float(found.cosines[a, b])) for a, b in pairs),
        by_layer=tuple(by_layer),
        split_half=tuple((name, float(value)) for name, value in zip(found.categories, found.split_half, strict=True)),
    )


def _singular(differences: FloatArray) -> FloatArray:
    """Right singular vectors of the unit directions of categories, those that they span; shape (k, hidden)."""
    norms = np.linalg.norm(differences.astype(np.float64), axis=1)
    units = differences[norms > 0].astype(np.float64) / norms[norms > 0][:, None]
    if not len(units):
        return np.zeros((0, differences.shape[1]))
    _, sizes, right = np.linalg.svd(units, full_matrices=False)
    return np.asarray(right[sizes > 1e-5 * sizes[0]])


def _share(values: Sequence[bool | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _check(
    harmful: Mapping[str, Sequence[str]], base: Sequence[str], validation: Mapping[str, Sequence[str]], held: Sequence[str]
) -> None:
    if not harmful or not validation:
        raise InsufficientData("directions need harmful prompts and validation prompts, by category; got none")
    for name, prompts, least in (*((n, p, 2) for n, p in harmful.items()), ("benign", base, 2), ("benign validation", held, 1)):
        if len(prompts) < least:
            raise InsufficientData(
                f"{name!r} needs at least {least} prompts, got {len(prompts)}; give more, or leave the category out"
            )
    for name, prompts in validation.items():
        if len(prompts) < 2:
            raise InsufficientData(f"validation of {name!r} needs at least 2 prompts (search and test), got {len(prompts)}")
    places: dict[str, str] = {}
    parts = {"harmful": [*_all(harmful)], "benign": list(base), "validation": [*_all(validation)], "benign validation": list(held)}
    for part, prompts in parts.items():
        for number, prompt in enumerate(prompts, 1):
            # by their numbers: a harmful prompt is no text for a terminal or a log
            if prompt in places:
                raise DomainError(
                    f"prompt {number} of {part} has the text of {places[prompt]}; give each once, or a search would be judged on "
                    "what it was made from"
                )
            places[prompt] = f"prompt {number} of {part}"


def _all(prompts: Mapping[str, Sequence[str]]) -> list[str]:
    return [prompt for several in prompts.values() for prompt in several]


def _key(model: Path, setting: DirectionSetting, grader: str, prompts: Mapping[str, Any]) -> str:
    digest = hashlib.sha256()
    for name in _BESIDE_WEIGHTS:
        if (model / name).is_file():
            digest.update(name.encode() + b"\0" + hashlib.sha256((model / name).read_bytes()).digest())
    whole = {
        "version": VERSION,
        "weights": weights_sha256(model) or str(model),
        "beside": digest.hexdigest(),
        "setting": {name: value for name, value in attrs.asdict(setting).items() if name not in _NOT_THE_ANSWER},
        "grader": grader,
        # pairs: the order of categories is part of what comes out
        "prompts": {
            name: [[key, list(several)] for key, several in held.items()] if isinstance(held, Mapping) else list(held)
            for name, held in prompts.items()
        },
    }
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _whole(into: Path, key: str) -> DirectionsRecord | None:
    try:
        kept = read_directions(into)
    except DataError:
        return None
    return kept if kept.key == key else None
