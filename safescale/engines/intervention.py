"""Edits of a model's residual stream: what is added or projected out, where; a folder that the engine ``transformers`` applies."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, get_args

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DataError, DomainError, MissingBackend

__all__ = ["INTERVENTION_FILE", "VECTORS_FILE", "Edit", "EditKind", "Intervention", "intervention_sha256", "place_folder"]

INTERVENTION_FILE: Final = "intervention.json"
VECTORS_FILE: Final = "vectors.safetensors"
FORMAT_VERSION: Final = 1

FloatArray = npt.NDArray[np.float32]

EditKind = Literal["add", "ablate"]
"""
add: ``x + coefficient * direction``.

ablate: affine projection, ``x - D (D' (x - mean))`` with D the orthonormal columns of the directions: the component along them
is set to that of ``mean`` (the benign mean at the layer and position where the direction was found), not to 0.
"""
EDIT_KINDS: Final[tuple[EditKind, ...]] = get_args(EditKind)
_INDEPENDENT: Final = 1e-6
"""Smallest singular value, in parts of the largest, of directions that are ablated together."""


def _as_rows(given: Any) -> FloatArray:
    return _vectors("directions", given, 2)


def _as_mean(given: Any) -> FloatArray | None:
    return None if given is None else _vectors("mean", given, 1)


def _as_tuple(given: Iterable[Edit]) -> tuple[Edit, ...]:
    return tuple(given)


@attrs.frozen(kw_only=True, eq=False)
class Edit:
    """
    One edit of the output of one decoder layer.

    Parameters
    ----------
    kind : {"add", "ablate"}
        What is done.
    layer : int
        Decoder layer, 0-based, whose output is edited.
    directions : ndarray of float32, shape (k, hidden)
        Directions; of "add" exactly one, of any norm; of "ablate" k independent ones, of any norms: their span is taken out.
    coefficient : float
        Of "add".
    mean : ndarray of float32, shape (hidden,), optional
        Of "ablate"; None: 0.
    position : int, optional
        Token of the rendered prompt, counted from its end (-1 the last); None: every token, those of the answer too. A prompt
        that has no such token is left as it is.

    Raises
    ------
    DomainError
        For anything outside of this; NaN and infinity in a vector too.
    """

    kind: EditKind = attrs.field(validator=attrs.validators.in_(EDIT_KINDS))
    layer: int
    directions: Any = attrs.field(converter=_as_rows)
    coefficient: float = attrs.field(default=1.0, converter=float)
    mean: Any = attrs.field(default=None, converter=_as_mean)
    position: int | None = None

    def __attrs_post_init__(self) -> None:
        for name, value in (("layer", self.layer), ("position", self.position)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
                raise DomainError(f"{name} must be a whole number, got {value!r}")
        if self.layer < 0 or (self.position is not None and self.position >= 0):
            raise DomainError(
                f"layer is at least 0, position counts from the end of the prompt (-1 is its last token), got layer {self.layer}, "
                f"position {self.position}"
            )
        count, hidden = self.directions.shape
        if count < 1 or hidden < 1:
            raise DomainError(f"directions must be of shape (k, hidden), at least (1, 1), got {self.directions.shape}")
        if not np.isfinite(self.coefficient):
            raise DomainError(f"coefficient must be finite, got {self.coefficient}")
        if self.kind == "add" and (count != 1 or self.mean is not None):
            raise DomainError(f"an edit of kind add has one direction and no mean, got {count}; write one edit for each direction")
        if self.kind == "ablate":
            if self.coefficient != 1.0:
                raise DomainError(
                    f"an edit of kind ablate has no coefficient, got {self.coefficient:g}; a component is set or left"
                )
            if self.mean is not None and self.mean.shape != (hidden,):
                raise DomainError(f"mean must be of the directions' width {hidden}, got shape {self.mean.shape}")
            self.basis()

    @property
    def hidden(self) -> int:
        """Width of the residual stream that it edits."""
        return int(self.directions.shape[1])

    def basis(self) -> npt.NDArray[np.float64]:
        """
        Orthonormal basis of the directions' span, shape (hidden, k).

        Raises
        ------
        DomainError
            When the directions depend on each other, or one is 0.
        """
        norms = np.linalg.norm(self.directions.astype(np.float64), axis=1)
        if not norms.all():
            raise DomainError("a direction that is 0 takes nothing out; leave it out")
        left, sizes, _ = np.linalg.svd((self.directions.astype(np.float64) / norms[:, None]).T, full_matrices=False)
        if len(norms) > self.hidden or sizes[-1] < _INDEPENDENT * sizes[0]:
            raise DomainError(f"the {len(norms)} directions depend on each other; give as many as they span")
        return np.asarray(left, dtype=np.float64)


@attrs.frozen(kw_only=True, eq=False)
class Intervention:
    """
    Edits that are applied together, in their order.

    Parameters
    ----------
    edits : tuple of Edit
        At least one, all of one width.
    note : str
        What it is for, in words.
    """

    edits: tuple[Edit, ...] = attrs.field(converter=_as_tuple)
    note: str = ""

    def __attrs_post_init__(self) -> None:
        widths = {edit.hidden for edit in self.edits}
        if len(widths) != 1:
            raise DomainError(f"an intervention holds at least one edit, all of one width, got widths {sorted(widths)}")

    @property
    def hidden(self) -> int:
        """Width of the residual stream that it edits."""
        return self.edits[0].hidden

    def write(self, folder: Path) -> None:
        """
        Write it as a folder (``intervention.json``, ``vectors.safetensors``), whole or not at all.

        Equal interventions are written as equal bytes. A folder that holds another intervention is replaced.

        Raises
        ------
        DataError
            For a folder that holds something else, or cannot be written.
        MissingBackend
            Without safetensors.
        """
        save = _safetensors().save
        vectors = {f"{at}.directions": edit.directions for at, edit in enumerate(self.edits)}
        vectors |= {f"{at}.mean": edit.mean for at, edit in enumerate(self.edits) if edit.mean is not None}
        told = {
            "version": FORMAT_VERSION,
            "note": self.note,
            "hidden": self.hidden,
            "edits": [
                {"kind": edit.kind, "layer": edit.layer, "position": edit.position, "coefficient": edit.coefficient}
                for edit in self.edits
            ],
        }
        files = {
            INTERVENTION_FILE: (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode(),
            VECTORS_FILE: save({name: np.ascontiguousarray(array) for name, array in vectors.items()}),
        }
        place_folder(folder, files, known=INTERVENTION_FILE)

    @classmethod
    def read(cls, folder: Path) -> Intervention:
        """
        Read a folder.

        Raises
        ------
        DataError
            Saying what is wrong with it: a file is missing or broken, an edit cannot be.
        MissingBackend
            Without safetensors.
        """
        told = _told(folder)
        vectors = _read_vectors(folder)
        edits: list[Edit] = []
        place = str(folder / INTERVENTION_FILE)
        for at, entry in enumerate(told["edits"]):
            if not isinstance(entry, dict) or set(entry) != {"kind", "layer", "position", "coefficient"}:
                raise DataError(
                    "an edit is not as Intervention.write leaves it; write the folder again",
                    file=place,
                    row=at + 1,
                    expected="kind, layer, position, coefficient",
                    got=str(entry)[:120],
                )
            if f"{at}.directions" not in vectors:
                raise DataError(
                    f"edit {at} has no vector {at}.directions; write the folder again",
                    file=str(folder / VECTORS_FILE),
                    got=", ".join(sorted(vectors))[:120],
                )
            try:
                edits.append(Edit(directions=vectors[f"{at}.directions"], mean=vectors.get(f"{at}.mean"), **entry))
            except (DomainError, TypeError, ValueError) as error:
                raise DataError(f"edit {at} cannot be: {error}", file=place, row=at + 1) from error
        try:
            return cls(edits=tuple(edits), note=str(told.get("note", "")))
        except DomainError as error:
            raise DataError(str(error), file=place) from error


def intervention_sha256(folder: Path) -> str:
    """
    SHA-256 over a folder's two files: what an engine's facts and a run's id carry. Equal interventions have equal hashes.

    Raises
    ------
    DataError
        When a file of it is not there.
    """
    digest = hashlib.sha256()
    for name in (INTERVENTION_FILE, VECTORS_FILE):
        held = _bytes(folder, name)
        digest.update(name.encode() + b"\0" + len(held).to_bytes(8, "big") + held)
    return digest.hexdigest()


def place_folder(folder: Path, files: Mapping[str, bytes], *, known: str) -> None:
    """Files as one folder, whole or not at all; a folder there gives way if it is empty or holds a file ``known``."""
    if folder.exists() and not (folder.is_dir() and ((folder / known).is_file() or not any(folder.iterdir()))):
        raise DataError(f"this holds something else (no {known}); name another folder", file=str(folder))
    partial = old = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent))
        partial.chmod(0o755)
        for name, held in files.items():
            (partial / name).write_bytes(held)
        if folder.exists():
            old = partial.with_suffix(".old")
            os.replace(folder, old)
        os.replace(partial, folder)
    except OSError as error:
        words = f"the folder cannot be written ({error}); free the disk or name another folder"
        raise DataError(words, file=str(folder)) from error
    finally:
        for left in (partial, old):
            if left is not None:
                shutil.rmtree(left, ignore_errors=True)


def _told(folder: Path) -> dict[str, Any]:
    place = str(folder / INTERVENTION_FILE)
    try:
        told = json.loads(_bytes(folder, INTERVENTION_FILE).decode("utf-8"))
    except ValueError as error:
        raise DataError(f"this is no JSON ({error}); write the folder again", file=place) from error
    if not isinstance(told, dict) or not isinstance(told.get("edits"), list):
        raise DataError("this is no intervention; write the folder with Intervention.write", file=place, expected="edits: a list")
    if told.get("version") != FORMAT_VERSION:
        raise DataError(
            "the intervention is of a version that this safescale does not read",
            file=place,
            expected=f"version {FORMAT_VERSION}",
            got=str(told.get("version")),
        )
    return told


def _read_vectors(folder: Path) -> dict[str, Any]:
    held = _bytes(folder, VECTORS_FILE)
    try:
        return dict(_safetensors().load(held))
    except MissingBackend:
        raise
    except Exception as error:  # safetensors raises classes of its own, by version
        words = f"the vectors cannot be read ({error}); write the folder again"
        raise DataError(words, file=str(folder / VECTORS_FILE)) from error


def _bytes(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        words = error.strerror or type(error).__name__
        raise DataError(
            f"an intervention is a folder with {INTERVENTION_FILE} and {VECTORS_FILE}, and this cannot be read: {words}; "
            "make one with safescale pressure directions",
            file=str(folder / name),
        ) from error


def _safetensors() -> Any:
    try:
        return importlib.import_module("safetensors.numpy")
    except ImportError as error:
        raise MissingBackend("safetensors", "hf") from error


def _vectors(name: str, given: Any, axes: int) -> FloatArray:
    array = np.asarray(given, dtype=np.float32)
    if array.ndim != axes:
        shape = "(k, hidden)" if axes == 2 else "(hidden,)"
        raise DomainError(f"{name} must be of shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise DomainError(f"{name} must be finite; a vector with NaN or infinity edits nothing that could be said")
    array = array.copy()
    array.setflags(write=False)
    return array
