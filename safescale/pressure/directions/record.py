"""What is known of a model's refusal directions, as a folder: ``directions.json`` and ``vectors.safetensors``."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, get_args

import attrs
import numpy as np

from safescale.engines.intervention import Intervention, place_folder
from safescale.errors import DataError, DomainError, MissingBackend
from safescale.pressure.directions.activations import FloatArray
from safescale.pressure.directions.search import Candidate, ablation, random_units, steering

__all__ = ["DIRECTIONS_FILE", "DirectionKind", "DirectionsRecord", "Geometry", "LeftAfter", "read_directions", "write_directions"]

DIRECTIONS_FILE: Final = "directions.json"
VECTORS_FILE: Final = "vectors.safetensors"
VERSION: Final = 2

DirectionKind = Literal["steering", "random_steering", "ablation", "singular_ablation", "random_ablation"]
DIRECTION_KINDS: Final[tuple[DirectionKind, ...]] = get_args(DirectionKind)


@attrs.frozen(kw_only=True)
class LeftAfter:
    """
    Refusal left after k directions are ablated at once.

    Attributes
    ----------
    rank : int
        k.
    refused, random : float or None
        Share refused of the test prompts that can be judged: first k singular directions; k random ones.
    kl_nats : float
        How far the first token of benign answers moves (mean divergence).
    unknown : int
        Test prompts whose answers nobody can judge, singular directions ablated.
    """

    rank: int
    refused: float | None
    random: float | None
    kl_nats: float
    unknown: int


@attrs.frozen(kw_only=True)
class Geometry:
    """
    Cosines and ranks at the best layer and position; names as in ``safescale.stats.RefusalDirectionGeometry``.

    Attributes
    ----------
    cosines : tuple of (category, category, cosine)
        As observed.
    by_layer : tuple of (layer, mean cosine, effective rank)
        As observed, at the same position.
    split_half : tuple of (category, cosine)
        Of two random halves of one category.
    """

    mean_cosine: float
    corrected_cosine: float | None
    cosine_low: float | None
    cosine_high: float | None
    effective_rank: float
    corrected_rank: float | None
    rank_low: float | None
    rank_high: float | None
    null_cosine: float
    null_cosine_low: float
    null_cosine_high: float
    null_rank: float
    null_rank_low: float
    null_rank_high: float
    p_value: float
    undefined_because: str | None
    level: float
    cosines: tuple[tuple[str, str, float], ...]
    by_layer: tuple[tuple[int, float, float], ...]
    split_half: tuple[tuple[str, float], ...]


@attrs.frozen(kw_only=True, eq=False)
class DirectionsRecord:
    """
    Refusal directions of one model, and what their ablation does.

    Shares of refusal are over the test prompts (a half of the validation prompts on which nothing was searched) whose answers can
    be judged; None where none can.

    Attributes
    ----------
    key : str
        Hash over weights, tokenizer, prompts, setting and grader.
    model : str
        Folder, as it was given.
    weights_sha256 : str or None
        Of the model.
    grader : str
        Who said what a refusal is.
    layers, hidden : int
        Decoder layers; width of the stream.
    found : bool
        Whether ablating the best direction lowers refusal and random directions do not. Without it a direction is where means
        differ, and nothing more; cosines and ranks then say nothing of refusal.
    reason : str
        Why, in words with figures.
    layer, position : int or None
        Where the direction is; None: not found.
    best_layer, best_position : int or None
        Best candidate, found or not; None: there is none.
    steering_layer, steering_position : int or None
        The candidate that makes benign prompts open most as harmful ones do when it is added once to every token; where ablation
        works need not be where steering does.
    refusal_before, refusal_ablated, refusal_random : float or None
        As it is; best direction ablated; mean over the random directions.
    unknown_ablated : int
        Test prompts whose answer nobody can judge when the best direction is ablated.
    p_value : float or None
        One-sided exact McNemar test: refusals that ablation turned into answers; the larger one of against the model as it is and
        against each random direction.
    tested, searched : int
        Prompts of each half.
    benign_kl_nats : float or None
        How far ablation moves the first token of benign answers.
    benign_same : float or None
        Share of benign validation prompts whose answer is the same word for word when ablated.
    benign_refused_before, benign_refused_ablated : float or None
        Share refused of them.
    benign_right_before, benign_right_ablated : float or None
        Share answered rightly of them, where the caller can tell.
    categories : tuple of str
        That have a direction.
    prompts : tuple of int
        Prompts behind each; ``benign`` of the benign mean.
    geometry : Geometry or None
        None: fewer than two categories, or too few prompts.
    geometry_why : str or None
        Why it is None.
    left_after : tuple of LeftAfter
        By rank.
    candidates : tuple of Candidate
        All that were judged, the best first.
    norm : float or None
        Length of the difference in means at the place of steering: the unit of its coefficient.
    cpu_s : float
        What it took.
    vectors : mapping of str to ndarray of float, kept as float32
        ``difference`` and ``benign_mean`` (layers, positions, hidden), ``category_difference`` (categories, layers, positions,
        hidden), ``singular`` (k, hidden), ``activations.N`` (prompts, hidden) of category N and ``activations.benign`` at the best
        place.
    """

    key: str
    model: str
    weights_sha256: str | None
    grader: str
    layers: int
    hidden: int
    positions: tuple[int, ...]
    found: bool
    reason: str
    layer: int | None
    position: int | None
    best_layer: int | None
    best_position: int | None
    steering_layer: int | None
    steering_position: int | None
    refusal_before: float | None
    refusal_ablated: float | None
    refusal_random: float | None
    unknown_ablated: int
    p_value: float | None
    tested: int
    searched: int
    benign_kl_nats: float | None
    benign_same: float | None
    benign_refused_before: float | None
    benign_refused_ablated: float | None
    benign_right_before: float | None
    benign_right_ablated: float | None
    categories: tuple[str, ...]
    prompts: tuple[int, ...]
    benign: int
    geometry: Geometry | None
    geometry_why: str | None
    left_after: tuple[LeftAfter, ...]
    candidates: tuple[Candidate, ...]
    norm: float | None
    cpu_s: float
    vectors: Mapping[str, FloatArray] = attrs.field(repr=False)

    def intervention(
        self, kind: DirectionKind = "steering", *, coefficient: float = 1.0, rank: int = 1, seed: int = 0
    ) -> Intervention:
        """
        What to open an engine with.

        Parameters
        ----------
        kind : {"steering", "random_steering", "ablation", "singular_ablation", "random_ablation"}
            steering: the difference in means (harmful minus benign) of the place of steering is added to every token after its
            layer, in units of itself; random_steering: a random direction of equal length. ablation: affine, at the best layer and
            position, of the difference in means (rank 1), or of the first singular directions of the categories (rank 2 and
            more); singular_ablation: these at rank 1 too. random_ablation: of ``rank`` random directions, at the same place.
        coefficient : float
            Of steering; negative: away from refusal.
        rank : int
            Directions ablated at once.
        seed : int
            Which random direction.

        Raises
        ------
        DomainError
            When there is no candidate, or no such rank. A candidate that is not ``found`` is given all the same: its ablation is
            known to change nothing, which is for the caller to say.
        """
        if kind not in DIRECTION_KINDS:
            raise DomainError(f"kind must be one of {', '.join(DIRECTION_KINDS)}, got {kind!r}")
        if self.best_layer is None or self.best_position is None:
            raise DomainError(f"there is no direction: {self.reason}")
        if kind in ("steering", "random_steering"):
            return self._steering(kind, coefficient, seed)
        layer, position = self.best_layer, self.best_position
        at = self.positions.index(position)
        vector, mean = self.vectors["difference"][layer, at], self.vectors["benign_mean"][layer, at]
        words = f"after layer {layer} at position {position}" + ("" if self.found else "; no causal direction was found")
        if rank < 1:
            raise DomainError(f"rank must be at least 1, got {rank}")
        directions: Any = vector[None, :]
        if kind == "random_ablation":
            directions = random_units(self.hidden, rank, seed)
        elif kind == "singular_ablation" or rank > 1:
            directions = self.vectors["singular"][:rank]
            if len(directions) < rank:
                raise DomainError(f"{len(self.categories)} categories span {len(directions)} directions, and rank is {rank}")
        return ablation(layer, position, directions, mean, note=f"{kind} of {rank}, affine to the benign mean, {words}")

    def _steering(self, kind: DirectionKind, coefficient: float, seed: int) -> Intervention:
        layer, position = self.steering_layer, self.steering_position
        assert layer is not None
        assert position is not None
        vector = self.vectors["difference"][layer, self.positions.index(position)].astype(np.float64)
        if kind == "random_steering":
            vector = random_units(self.hidden, 1, seed)[0] * np.linalg.norm(vector)
        words = f"all tokens, after layer {layer}; the means are of position {position}"
        words += "" if self.found else "; no causal direction was found"
        return steering(layer, vector, coefficient, note=f"{kind} {coefficient:+g} of the difference in means, {words}")


def write_directions(record: DirectionsRecord, folder: Path) -> None:
    """Write a record, whole or not at all."""
    told = {"version": VERSION} | attrs.asdict(record, filter=lambda field, _: field.name != "vectors")
    save = _safetensors().save
    arrays = {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in record.vectors.items()}
    files = {
        DIRECTIONS_FILE: (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode(),
        VECTORS_FILE: save(arrays),
    }
    place_folder(folder, files, known=DIRECTIONS_FILE)


def read_directions(folder: Path) -> DirectionsRecord:
    """
    Read a folder that ``find_directions`` wrote.

    Raises
    ------
    DataError
        When a file is missing or broken.
    """
    place = folder / DIRECTIONS_FILE
    try:
        told = json.loads(place.read_text(encoding="utf-8"))
        vectors = dict(_safetensors().load((folder / VECTORS_FILE).read_bytes()))
    except MissingBackend:
        raise
    except OSError as error:
        words = error.strerror or type(error).__name__
        step = "make it with safescale pressure directions"
        raise DataError(f"no directions are here ({words}); {step}", file=str(error.filename or place)) from error
    except Exception as error:  # safetensors raises classes of its own, by version
        raise DataError(f"the directions cannot be read ({error}); make them again", file=str(folder)) from error
    if not isinstance(told, dict) or told.pop("version", None) != VERSION:
        raise DataError("directions of another version of safescale; make them again", file=str(place), expected=f"{VERSION}")
    names = {field.name for field in attrs.fields(DirectionsRecord)} - {"vectors"}
    if set(told) != names:
        wrong = ", ".join(sorted(set(told) ^ names))
        raise DataError(f"the directions are not as this safescale writes them ({wrong}); make them again", file=str(place))
    try:
        told["left_after"] = tuple(LeftAfter(**one) for one in told["left_after"])
        told["candidates"] = tuple(Candidate(**one) for one in told["candidates"])
        if told["geometry"] is not None:
            lists = ("cosines", "by_layer", "split_half")
            held = told["geometry"] | {name: tuple(tuple(one) for one in told["geometry"][name]) for name in lists}
            told["geometry"] = Geometry(**held)
    except (TypeError, KeyError) as error:
        raise DataError(
            f"the directions are not as this safescale writes them ({error}); make them again", file=str(place)
        ) from error
    for name in ("positions", "categories", "prompts"):
        told[name] = tuple(told[name])
    return DirectionsRecord(**told, vectors=vectors)


def _safetensors() -> Any:
    try:
        return importlib.import_module("safetensors.numpy")
    except ImportError as error:
        raise MissingBackend("safetensors", "hf") from error
