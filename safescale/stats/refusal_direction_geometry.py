"""Directions in which harmful prompts of each category differ from benign ones: one or several, and what noise alone does."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import AS_A_WHOLE, FloatVector, as_array, count, fraction, frozen, squarable
from safescale.stats._tails import seeded

__all__ = ["RefusalDirectionGeometry", "refusal_direction_geometry"]

_MIN_PROMPTS = 4
_MIN_RESAMPLES = 100
# below this share of the largest norm a difference in means is rounding
_NO_DIRECTION = 1e-9
# most numbers of a block of resamples, 32 MiB
_BLOCK = 1 << 22


@attrs.frozen(kw_only=True)
class RefusalDirectionGeometry:
    """
    Unit directions of categories, how far they point the same way, and what noise alone would show.

    Attributes
    ----------
    categories : tuple of str, length k
        In the order given.
    directions : ndarray of float, shape (k, hidden)
        Unit difference in means of each category and the benign prompts.
    norms : ndarray of float, shape (k,)
        Length of the difference before. Unit: that of the activations.
    cosines : ndarray of float, shape (k, k)
        Between the directions, as observed.
    mean_cosine : float
        Mean over the pairs, as observed. Noise of few prompts draws it towards 0, the benign mean that all share towards 1.
    corrected_cosine : float or None
        The same with the expected share of noise taken out of every inner product: estimates the mean cosine of the directions
        that endless prompts would give. May exceed 1 a little. None: see ``undefined_because``.
    cosine_low, cosine_high : float or None
        Two-sided interval of that, over prompts within category; within [-1, 1].
    effective_rank : float
        ``exp(H(s^2 / sum s^2))`` of the singular values s of the directions, as observed; 1 all the same, k orthogonal.
    corrected_rank : float or None
        The same from the corrected inner products.
    rank_low, rank_high : float or None
        Two-sided interval of that, within [1, k].
    singular_values : ndarray of float, shape (k,)
        Of the unit directions, the largest first; their squares sum to k.
    singular_directions : ndarray of float, shape (k, hidden)
        Right singular vectors; the sign of each is such that the directions' sum points along it.
    null_cosine, null_cosine_low, null_cosine_high : float
        Mean and quantiles (at ``level``) of the observed mean cosine where the categories are pseudo-categories: prompts dealt at
        random into groups of the same sizes, after every category was moved onto one common mean. What noise alone shows.
    null_rank, null_rank_low, null_rank_high : float
        The same of the effective rank.
    p_value : float
        Share of the null's mean cosines that are as low as the observed one ((r + 1) / (splits + 1)): whether categories differ in
        direction by more than noise.
    split_half : ndarray of float, shape (k,)
        Mean cosine of the directions of two random halves of one category: as high as any cosine between categories can be seen
        with half of its prompts. NaN never: a category has at least 4 prompts.
    undefined_because : str or None
        Why corrected values and intervals are None.
    prompts : tuple of int, length k
        Prompts of each category.
    benign : int
        Benign prompts.
    resamples, splits : int
        Of the bootstrap; of the null.
    level : float
        Nominal coverage.
    """

    categories: tuple[str, ...]
    directions: FloatVector = attrs.field(eq=AS_A_WHOLE, repr=False)
    norms: FloatVector = attrs.field(eq=AS_A_WHOLE)
    cosines: FloatVector = attrs.field(eq=AS_A_WHOLE)
    mean_cosine: float
    corrected_cosine: float | None
    cosine_low: float | None
    cosine_high: float | None
    effective_rank: float
    corrected_rank: float | None
    rank_low: float | None
    rank_high: float | None
    singular_values: FloatVector = attrs.field(eq=AS_A_WHOLE)
    singular_directions: FloatVector = attrs.field(eq=AS_A_WHOLE, repr=False)
    null_cosine: float
    null_cosine_low: float
    null_cosine_high: float
    null_rank: float
    null_rank_low: float
    null_rank_high: float
    p_value: float
    split_half: FloatVector = attrs.field(eq=AS_A_WHOLE)
    undefined_because: str | None
    prompts: tuple[int, ...]
    benign: int
    resamples: int
    splits: int
    level: float


def refusal_direction_geometry(
    harmful: Mapping[str, npt.ArrayLike],
    benign: npt.ArrayLike,
    *,
    resamples: int = 1_000,
    splits: int = 1_000,
    level: float = 0.95,
    rng: np.random.Generator | int | None = None,
) -> RefusalDirectionGeometry:
    """
    Refusal directions by category: pairwise cosines, effective rank, and what noise alone would show.

    The direction of category c is ``d_c = m_c - b``, the difference of the means of its activations and the benign ones [1]_; unit
    directions ``u_c = d_c / |d_c|`` have cosines ``u_a . u_b`` and the effective rank ``exp(H(p))``, ``p_i = s_i^2 / sum s^2`` of
    their singular values [2]_.

    Means over few prompts carry noise, so that observed cosines are biased: with ``t_c = tr(S_c) / n_c`` the expected square of a
    mean's noise, ``E[d_a . d_b] = delta_a . delta_b + t_benign`` and ``E|d_a|^2 = |delta_a|^2 + t_a + t_benign``. The corrected
    values take these out. The bootstrap draws prompts within each category and within the benign ones; what the corrected value
    does there, around the observed value (which is the truth of that world), is the interval's width.

    Parameters
    ----------
    harmful : mapping of str to array_like of float, shape (prompts, hidden) each
        Activations of the harmful prompts of each category, at one layer and position. At least 2 categories of 4 prompts.
    benign : array_like of float, shape (prompts, hidden)
        Activations of benign prompts at the same place, at least 4.
    resamples, splits : int, default 1,000
        At least 100. Units: resamples; random splits.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.
    rng : numpy Generator or int, optional
        Source or seed; None is the fixed seed 20260630.

    Returns
    -------
    RefusalDirectionGeometry
        Cosines in [-1, 1], ranks in [1, k]. Unit: none.

    Raises
    ------
    InsufficientData
        For fewer than 2 categories or fewer than 4 prompts of one.
    DomainError
        For activations that are not finite, of unequal widths, or without a difference in means.

    Notes
    -----
    It speaks of where activations differ, and of no cause: a direction whose ablation changes no refusal has cosines too. In
    simulations (4 categories of 20, 64 wide, noise up to 2.5 times the direction) the interval covers in 0.89 to 1.00 of runs, the
    percentile interval of the observed cosine in 0.00 to 0.87.

    References
    ----------
    .. [1] A. Arditi et al. (2024), Refusal in language models is mediated by a single direction, arXiv:2406.11717, section 2.3.
    .. [2] O. Roy, M. Vetterli (2007), The effective rank, EUSIPCO, 606-610; here on squared singular values.
    .. [3] B. Efron, R. Tibshirani (1993), An introduction to the bootstrap, section 10 (bias).

    Examples
    --------
    Two categories at a right angle:

    >>> import numpy as np
    >>> from safescale.stats import refusal_direction_geometry
    >>> spread = 0.1 * np.array([[1, 1, 1], [-1, 1, -1], [1, -1, -1], [-1, -1, 1]])
    >>> found = refusal_direction_geometry({"a": [3, 0, 0] + spread, "b": [0, 3, 0] + spread}, spread, splits=100)
    >>> f"{found.mean_cosine:.2f} {found.effective_rank:.2f} {found.null_cosine:.2f} {found.p_value:.3f}"
    '0.00 2.00 1.00 0.010'
    """
    groups, base = _activations(harmful, benign)
    level = fraction("level", level)
    for name, value in (("resamples", resamples), ("splits", splits)):
        if count(name, value) < _MIN_RESAMPLES:
            raise DomainError(f"{name} must be at least {_MIN_RESAMPLES}, got {value}; quantiles need as many")
    generator = np.random.default_rng(seeded(rng))
    # a large common offset would only cost digits
    offset = base.mean(axis=0)
    groups, base = [rows - offset for rows in groups], base - offset
    means, b = np.array([rows.mean(axis=0) for rows in groups]), base.mean(axis=0)
    d = means - b
    norms = np.linalg.norm(d, axis=1)
    largest = max(float(np.abs(rows).max()) for rows in (*groups, base))
    for name, norm in zip(harmful, norms, strict=True):
        if norm <= _NO_DIRECTION * largest:
            raise DomainError(f"category {name!r} has no direction: its mean is that of the benign prompts; leave it out")
    u = d / norms[:, None]
    observed = _gram(d)
    mean_cosine, rank = float(_mean_cosine(observed)), float(_rank(observed))
    _, s, right = np.linalg.svd(u, full_matrices=False)
    right = right * np.where(right @ u.sum(axis=0) < 0, -1.0, 1.0)[:, None]
    groups, base = _narrowed(groups, base)
    d, b = np.array([rows.mean(axis=0) for rows in groups]) - base.mean(axis=0), base.mean(axis=0)
    noise, own = np.array([_noise(rows) for rows in groups]), _noise(base)
    corrected, why = _corrected(d, noise, own)
    cosine: float | None = None
    corrected_rank: float | None = None
    cosine_ends: tuple[float | None, float | None] = (None, None)
    rank_ends: tuple[float | None, float | None] = (None, None)
    if corrected is not None:
        cosine, corrected_rank = float(_mean_cosine(corrected)), float(_rank(corrected))
        drawn = _bootstrap(groups, base, noise, own, resamples, generator)
        if drawn is None:
            why = "in resamples of the prompts the noise of a category is as large as its direction; more prompts are needed"
            cosine = corrected_rank = None
        else:
            ends = (0.5 + level / 2, 0.5 - level / 2)
            lower, upper = np.quantile(drawn[0], ends)
            cosine_ends = _within(cosine + mean_cosine - lower, cosine + mean_cosine - upper, -1.0, 1.0)
            lower, upper = np.quantile(drawn[1], ends)
            rank_ends = _within(corrected_rank + rank - lower, corrected_rank + rank - upper, 1.0, float(len(groups)))
    null = _null(groups, b, splits, generator)
    tails = (0.5 - level / 2, 0.5 + level / 2)
    null_cosine, null_rank = np.quantile(null[0], tails), np.quantile(null[1], tails)
    # a tie is no lower than itself but for rounding
    as_low = int(np.count_nonzero(null[0] <= mean_cosine + 1e-12))
    return RefusalDirectionGeometry(
        categories=tuple(harmful),
        directions=frozen(u),
        norms=frozen(norms),
        cosines=frozen(np.clip(_cosines(observed), -1.0, 1.0)),
        mean_cosine=mean_cosine,
        corrected_cosine=cosine,
        cosine_low=cosine_ends[0],
        cosine_high=cosine_ends[1],
        effective_rank=rank,
        corrected_rank=corrected_rank,
        rank_low=rank_ends[0],
        rank_high=rank_ends[1],
        singular_values=frozen(s),
        singular_directions=frozen(right),
        null_cosine=float(null[0].mean()),
        null_cosine_low=float(null_cosine[0]),
        null_cosine_high=float(null_cosine[1]),
        null_rank=float(null[1].mean()),
        null_rank_low=float(null_rank[0]),
        null_rank_high=float(null_rank[1]),
        p_value=(as_low + 1) / (splits + 1),
        split_half=frozen(np.array([_split_half(rows, b, splits, generator) for rows in groups])),
        undefined_because=why,
        prompts=tuple(len(rows) for rows in groups),
        benign=len(base),
        resamples=resamples,
        splits=splits,
        level=level,
    )


def _activations(harmful: Mapping[str, npt.ArrayLike], benign: npt.ArrayLike) -> tuple[list[FloatVector], FloatVector]:
    if not isinstance(harmful, Mapping):
        raise DomainError(f"harmful must map each category to its activations, got {type(harmful).__name__}")
    if len(harmful) < 2:
        raise InsufficientData(f"directions are compared between categories: at least 2 are needed, got {len(harmful)}")
    held = {f"harmful[{name!r}]": _rows(f"harmful[{name!r}]", rows) for name, rows in harmful.items()}
    base = _rows("benign", benign)
    for name, rows in held.items():
        if rows.shape[1] != base.shape[1]:
            raise DomainError(f"{name} is {rows.shape[1]} wide and benign {base.shape[1]}; take both at one layer of one model")
    return list(held.values()), base


def _rows(name: str, values: npt.ArrayLike) -> FloatVector:
    array = as_array(name, values, expected="a table of activations, shape (prompts, hidden)")
    if array.ndim != 2 or array.shape[1] < 1 or array.dtype.kind not in "iuf":
        raise DomainError(f"{name} must be real numbers of shape (prompts, hidden), got {array.dtype} of shape {array.shape}")
    if len(array) < _MIN_PROMPTS:
        raise InsufficientData(f"{name} needs at least {_MIN_PROMPTS} prompts, got {len(array)}; leave the category out")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        row = int(np.argmin(np.isfinite(array).all(axis=1)))
        raise DomainError(f"{name} must be finite, and prompt {row} is not; leave the prompt out")
    return squarable(name, array)


def _narrowed(groups: list[FloatVector], base: FloatVector) -> tuple[list[FloatVector], FloatVector]:
    """The same rows in coordinates of their own span: what follows depends on inner products alone."""
    stacked = np.concatenate([*groups, base])
    if stacked.shape[0] >= stacked.shape[1]:
        return groups, base
    triangle: FloatVector = np.asarray(np.linalg.qr(stacked.T, mode="r"))
    parts = np.split(triangle.T, np.cumsum([len(rows) for rows in groups]))
    return parts[:-1], parts[-1]


def _gram(d: FloatVector) -> FloatVector:
    """Inner products of directions, shape (..., k, k)."""
    return np.asarray(d @ np.swapaxes(d, -1, -2))


def _cosines(gram: FloatVector) -> FloatVector:
    lengths = np.sqrt(np.einsum("...ii->...i", gram))
    return np.asarray(gram / (lengths[..., :, None] * lengths[..., None, :]))


def _mean_cosine(gram: FloatVector) -> FloatVector:
    """Mean over the pairs, shape (...,)."""
    above = np.triu_indices(gram.shape[-1], 1)
    return np.asarray(_cosines(gram)[..., above[0], above[1]].mean(axis=-1))


def _rank(gram: FloatVector) -> FloatVector:
    """Exp of the entropy of the shares of squared singular values, which are the eigenvalues of the cosines; shape (...,)."""
    shares = np.clip(np.linalg.eigvalsh(_cosines(gram)), 0.0, None)
    shares = shares / shares.sum(axis=-1, keepdims=True)
    terms = np.where(shares > 0.0, shares * np.log(np.where(shares > 0.0, shares, 1.0)), 0.0)
    return np.asarray(np.clip(np.exp(-terms.sum(axis=-1)), 1.0, float(gram.shape[-1])))


def _noise(rows: FloatVector) -> float:
    """Expected square of the noise of a mean: the trace of the covariance over the prompts."""
    return float(rows.var(axis=0, ddof=1).sum() / len(rows))


def _without_noise(d: FloatVector, noise: FloatVector, own: float) -> FloatVector:
    """Inner products less what is expected of noise: all share that of the benign mean, and each has its own besides."""
    return np.asarray(_gram(d) - own - np.diag(noise))


def _corrected(d: FloatVector, noise: FloatVector, own: float) -> tuple[FloatVector | None, str | None]:
    gram = _without_noise(d, noise, own)
    if float(np.diag(gram).min()) <= 0.0:
        at = int(np.argmin(np.diag(gram)))
        return None, f"the noise of category {at} (0-based) is as large as its direction; more prompts are needed"
    return gram, None


def _bootstrap(
    groups: list[FloatVector], base: FloatVector, noise: FloatVector, own: float, resamples: int, rng: np.random.Generator
) -> tuple[FloatVector, FloatVector] | None:
    """Corrected mean cosine and rank of each resample; None where one in 20 has none."""
    # of a resample's mean around the observed one: the plug-in covariance
    shrunk = np.array([t * (len(rows) - 1) / len(rows) for t, rows in zip(noise, groups, strict=True)])
    small = own * (len(base) - 1) / len(base)
    block = max(1, _BLOCK // (base.shape[1] * (len(groups) + 1)))
    cosines, ranks, lost = [], [], 0
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        means = [_drawn(len(rows), size, rng) @ rows for rows in groups]
        d = np.stack(means, axis=1) - (_drawn(len(base), size, rng) @ base)[:, None, :]
        gram = _without_noise(d, shrunk, small)
        whole = np.einsum("...ii->...i", gram).min(axis=-1) > 0.0
        lost += size - int(whole.sum())
        cosines.append(_mean_cosine(gram[whole]))
        ranks.append(_rank(gram[whole]))
    if lost > resamples // 20:
        return None
    return np.concatenate(cosines), np.concatenate(ranks)


def _drawn(n: int, size: int, rng: np.random.Generator) -> FloatVector:
    return np.asarray(rng.multinomial(n, np.full(n, 1.0 / n), size=size) / n)


def _null(groups: list[FloatVector], b: FloatVector, splits: int, rng: np.random.Generator) -> tuple[FloatVector, FloatVector]:
    """Mean cosine and rank of pseudo-categories of the same sizes, from prompts moved onto one common mean."""
    common = np.concatenate(groups).mean(axis=0)
    # a category's mean takes one degree of freedom of its spread: widened by as much, pseudo-categories are as noisy as real ones
    pool = np.concatenate([common + (rows - rows.mean(axis=0)) * np.sqrt(len(rows) / (len(rows) - 1)) for rows in groups])
    edges = np.cumsum([0, *(len(rows) for rows in groups)])
    cosines, ranks = np.empty(splits), np.empty(splits)
    for at in range(splits):
        dealt = pool[rng.permutation(len(pool))]
        means = np.array([dealt[start:end].mean(axis=0) for start, end in pairwise(edges)])
        gram = _gram(means - b)
        cosines[at], ranks[at] = _mean_cosine(gram), _rank(gram)
    return cosines, ranks


def _split_half(rows: FloatVector, b: FloatVector, splits: int, rng: np.random.Generator) -> float:
    half = len(rows) // 2
    found = np.empty(splits)
    for at in range(splits):
        order = rng.permutation(len(rows))
        one, other = rows[order[:half]].mean(axis=0) - b, rows[order[half : 2 * half]].mean(axis=0) - b
        lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
        found[at] = 0.0 if lengths == 0.0 else float(one @ other) / lengths
    return float(found.mean())


def _within(low: float, high: float, least: float, most: float) -> tuple[float, float]:
    return float(np.clip(low, least, most)), float(np.clip(high, least, most))
