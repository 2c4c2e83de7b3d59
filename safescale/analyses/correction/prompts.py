"""How much traces of the same prompt take away from a stratified sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["prompt_effect"]


def prompt_effect(
    stratum: npt.NDArray[np.object_],
    prompt: npt.NDArray[np.object_],
    truth: npt.NDArray[np.float64],
    names: Sequence[str],
    sizes: Sequence[int],
) -> float:
    """
    Design effect of shared prompts on a stratified rate, at least 1.

    A trace's influence is ``(p_h - theta) / N``, a labelled one's ``W_h (y - p_h) / n_h`` more; added up within prompts, their
    squares over those of single traces.

    Parameters
    ----------
    stratum, prompt : ndarray of str, shape (traces,)
        Stratum and prompt of each trace.
    truth : ndarray of float, shape (traces,)
        Share of raters who call it a success; NaN without a label.
    names, sizes : sequence, shape (strata,)
        The strata that count, each with a label, and their traces.
    """
    total = sum(sizes)
    own = {name: stratum == name for name in names}
    rate = {name: float(np.nanmean(truth[rows])) for name, rows in own.items()}
    theta = sum(size / total * rate[name] for name, size in zip(names, sizes, strict=True))
    influence = np.zeros(len(stratum))
    apart = 0.0
    for name, size in zip(names, sizes, strict=True):
        rows = own[name]
        labelled = rows & ~np.isnan(truth)
        n = int(np.count_nonzero(labelled))
        influence[rows] += (rate[name] - theta) / total
        residual = truth[labelled] - rate[name]
        influence[labelled] += size / total / n * residual
        apart += (size / total / n) ** 2 * float(residual @ residual) + size * ((rate[name] - theta) / total) ** 2
    _, at = np.unique(prompt.astype(str), return_inverse=True)
    together = np.bincount(at, weights=influence)
    g = len(together)
    if g < 2 or g == len(stratum) or apart == 0:
        return 1.0
    return max(1.0, float(together @ together) * g / (g - 1) / apart)
