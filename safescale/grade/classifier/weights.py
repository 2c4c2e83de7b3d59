"""The classifier's weights: what lies in the package, checked when it is read, and the probabilities that they give."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from safescale.errors import GradingError
from safescale.grade.classifier.features import BUCKETS, FEATURE_SPEC, Grams, grams

__all__ = ["ARTEFACT", "METADATA", "Weights", "load_weights", "read_weights", "weights_bytes"]

ARTEFACT: Final = "refusal_classifier.npz"
METADATA: Final = "refusal_classifier.json"

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]


@attrs.frozen(kw_only=True, eq=False)
class Weights:
    """
    Weights of a softmax regression on hashed n-grams.

    Parameters
    ----------
    buckets : array
        (features,): buckets that have a weight, ascending.
    coefficients : array
        (features, 3): for COMPLIANCE, PARTIAL and REFUSAL.
    bias : array
        (3,).
    temperature : float
        Divides the logits; chosen on labels that the weights have not seen.
    """

    buckets: _Ints
    coefficients: _Floats
    bias: _Floats
    temperature: float
    _row: npt.NDArray[np.int32] = attrs.field(init=False)
    _known: npt.NDArray[np.bool_] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        row = np.full(BUCKETS, -1, dtype=np.int32)
        row[self.buckets] = np.arange(len(self.buckets), dtype=np.int32)
        object.__setattr__(self, "_row", row)
        object.__setattr__(self, "_known", row >= 0)

    def probabilities(self, texts: Sequence[str]) -> tuple[_Floats, _Ints]:
        """
        Class probabilities of some responses, each on its own.

        Returns
        -------
        tuple of array
            (responses, 3), rows sum to 1; and (responses,), characters that were not read.
        """
        found = grams(texts)
        return self.of_grams(found, len(texts)), found.left_out

    def of_grams(self, found: Grams, responses: int) -> _Floats:
        """Class probabilities (responses, 3) of n-grams."""
        document, bucket, value = found.present(self._known.take(found.bucket))
        pointer = np.searchsorted(document, np.arange(responses + 1))
        x = csr_array((value, self._row.take(bucket), pointer), shape=(responses, len(self.buckets)))
        logits = x @ self.coefficients
        logits += self.bias
        logits /= self.temperature
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: _Floats = powers / powers.sum(axis=1, keepdims=True)
        return shares


def weights_bytes(weights: Weights) -> bytes:
    """The artefact, byte for byte the same for the same weights; coefficients as float16."""
    into = io.BytesIO()
    np.savez_compressed(
        into,
        feature_spec=np.array(FEATURE_SPEC),
        buckets=np.diff(weights.buckets, prepend=0).astype(np.uint32),
        coefficients=weights.coefficients.astype(np.float16),
        bias=weights.bias,
        temperature=np.array(weights.temperature),
    )
    return into.getvalue()


def read_weights(artefact: bytes, *, sha256: str | None = None) -> Weights:
    """
    Weights of an artefact.

    Raises
    ------
    GradingError
        When its hash is not the one given, or its features are not those of this version.
    """
    found = hashlib.sha256(artefact).hexdigest()
    if sha256 is not None and found != sha256:
        raise GradingError(
            f"the weights {ARTEFACT} are not those that {METADATA} describes: expected SHA-256 {sha256}, got {found}; "
            "install safescale again"
        )
    with np.load(io.BytesIO(artefact), allow_pickle=False) as arrays:
        spec = int(arrays["feature_spec"])
        if spec != FEATURE_SPEC:
            raise GradingError(
                f"the classifier's weights are of feature spec {spec}, this version reads {FEATURE_SPEC}; train them again"
            )
        return Weights(
            buckets=np.cumsum(arrays["buckets"].astype(np.int64)),
            coefficients=arrays["coefficients"].astype(np.float64),
            bias=arrays["bias"].astype(np.float64),
            temperature=float(arrays["temperature"]),
        )


def load_weights() -> tuple[Weights, dict[str, Any]]:
    """The weights that lie in the package, and what is written beside them: sources, seeds, evaluation."""
    folder = files("safescale.grade.classifier")
    facts: dict[str, Any] = json.loads((folder / METADATA).read_text(encoding="utf-8"))
    return read_weights((folder / ARTEFACT).read_bytes(), sha256=facts["sha256"]), facts
