"""Weights from labelled responses: softmax regression on hashed n-grams that several sources use."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from safescale.grade.classifier.descent import descend
from safescale.grade.classifier.features import AT_ONCE, BUCKETS, grams
from safescale.grade.classifier.weights import Weights

__all__ = ["Settings", "featurise", "fit", "predict"]

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Single = npt.NDArray[np.float32]


@attrs.frozen(kw_only=True)
class Settings:
    """
    How weights are fitted; none of these was chosen on the figures that are reported.

    Parameters
    ----------
    least_responses : int
        Responses that an n-gram must occur in.
    least_sources : int
        Sources (models, or registers of our own) that it must occur in: what one model says alone is not learnt.
    ridge : float
        Penalty on squared weights, against the sum of the weighted log-losses.
    loudness : float
        Multiplies the features, so that one penalty suits weights and bias.
    steps : int
        Steps of L-BFGS at most; stopping early is part of the penalty.
    """

    least_responses: int = 6
    least_sources: int = 4
    ridge: float = 2.0
    loudness: float = 4.0
    steps: int = 40


def featurise(texts: Sequence[str]) -> csr_array:
    """Features (responses, BUCKETS) of some responses."""
    pointer, buckets, values = [0], [], []
    for start in range(0, len(texts), AT_ONCE):
        some = texts[start : start + AT_ONCE]
        document, bucket, value = grams(some).present()
        pointer += (np.searchsorted(document, np.arange(1, len(some) + 1)) + pointer[-1]).tolist()
        buckets.append(bucket.astype(np.int32))
        values.append(value.astype(np.float32))
    return csr_array((np.concatenate(values), np.concatenate(buckets), np.array(pointer)), shape=(len(texts), BUCKETS))


def fit(
    features: csr_array, labels: _Ints, sources: _Ints, weights: _Floats, *, settings: Settings, buckets: _Ints | None = None
) -> Weights:
    """
    Weights of labelled responses.

    Parameters
    ----------
    features : csr_array
        (responses, buckets).
    labels : array
        (responses,): 0 COMPLIANCE, 1 PARTIAL, 2 REFUSAL.
    sources : array
        (responses,): number of the model or register that wrote the response.
    weights : array
        (responses,): weight of its log-loss.
    settings : Settings
        How.
    buckets : array, optional
        (columns,): bucket of each column of ``features``; by default its number.

    Returns
    -------
    Weights
        With temperature 1.
    """
    columns = _shared_columns(features, sources, settings)
    x = features[:, columns].astype(np.float32) * np.float32(settings.loudness)
    xt = csr_array(x.T)
    wanted = np.eye(3, dtype=np.float32)[labels]
    each = (weights / weights.sum()).astype(np.float32)
    ridge = np.float32(settings.ridge / weights.sum())
    d = len(columns)

    def loss(flat: _Single) -> tuple[float, _Single]:
        coefficients, bias = flat[: 3 * d].reshape(d, 3), flat[3 * d :]
        logits = x @ coefficients + bias
        logits -= logits.max(axis=1, keepdims=True)
        powers = np.exp(logits)
        sums = powers.sum(axis=1, keepdims=True)
        error = (powers / sums - wanted) * each[:, None]
        value = float(each @ (np.log(sums[:, 0]) - (wanted * logits).sum(axis=1))) + 0.5 * float(ridge) * float(
            flat[: 3 * d] @ flat[: 3 * d]
        )
        slope = xt @ error + ridge * coefficients
        return value, np.concatenate([slope.ravel(), error.sum(axis=0)])

    found = descend(loss, np.zeros(3 * d + 3, dtype=np.float32), steps=settings.steps).astype(np.float64)
    return Weights(
        buckets=columns if buckets is None else buckets[columns],
        coefficients=found[: 3 * d].reshape(d, 3) * settings.loudness,
        bias=found[3 * d :],
        temperature=1.0,
    )


def _shared_columns(features: csr_array, sources: _Ints, settings: Settings) -> _Ints:
    """Columns that occur in enough responses of enough sources."""
    row_source = np.repeat(sources, np.diff(features.indptr))
    columns = features.indices.astype(np.int64)
    often = np.bincount(columns, minlength=features.shape[1]) >= settings.least_responses
    kept = often[columns]
    pairs = columns[kept] * (int(sources.max()) + 1) + row_source[kept]
    pairs.sort()
    different = pairs[np.flatnonzero(np.diff(pairs, prepend=-1))]
    spread = np.bincount(different // (int(sources.max()) + 1), minlength=features.shape[1]) >= settings.least_sources
    return np.flatnonzero(often & spread)


def predict(weights: Weights, features: csr_array, buckets: _Ints) -> _Floats:
    """Class probabilities (responses, 3) of features whose columns are these buckets (ascending)."""
    place = np.searchsorted(buckets, weights.buckets)
    logits = (features[:, place] @ weights.coefficients.astype(np.float32)).astype(np.float64) + weights.bias
    logits /= weights.temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: _Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares
