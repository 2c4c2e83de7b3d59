"""How much traces of the same prompt take away from a stratified sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["prompt_effects"]


def prompt_effects(
    stratum: npt.NDArray[np.object_],
    prompt: npt.NDArray[np.object_],
    truth: npt.NDArray[np.float64],
    names: Sequence[str],
    sizes: Sequence[int],
) -> tuple[float, float]:
    """
    Design effects of shared prompts on a stratified rate, each at least 1: of the labelled traces, and of all traces.

    A trace's influence is ``(p_h - theta) / N``, a labelled one's ``W_h (y - p_h) / n_h`` more. Both are added up within prompts
    and compared with single traces; what the two have in common within prompts goes to the second effect, so that the variance is
    right at the estimate.

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
    drawn, labels = np.zeros(len(stratum)), np.zeros(len(stratum))
    for name, size in zip(names, sizes, strict=True):
        labelled = own[name] & ~np.isnan(truth)
        drawn[own[name]] = (rate[name] - theta) / total
        labels[labelled] = size / total / np.count_nonzero(labelled) * (truth[labelled] - rate[name])
    _, at = np.unique(prompt.astype(str), return_inverse=True)
    of_labels, of_all = (np.bincount(at, weights=influence) for influence in (labels, drawn + labels))
    g = len(of_all)
    if g < 2 or g == len(stratum):
        return 1.0, 1.0
    some = g / (g - 1)
    labelled_together, together = some * float(of_labels @ of_labels), some * float(of_all @ of_all)
    apart = float(labels @ labels), float(drawn @ drawn)
    return (
        max(1.0, labelled_together / apart[0]) if apart[0] > 0 else 1.0,
        max(1.0, (together - labelled_together) / apart[1]) if apart[1] > 0 else 1.0,
    )
