"""Refusal probability by asking the same prompt again and again: no classifier's probabilities, and biased low in entropy."""

from __future__ import annotations

import math

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import InsufficientData
from safescale.stats._domain import AS_A_WHOLE, FloatVector, IntVector, fraction, frozen
from safescale.stats._refusals import further_draws, share_of
from safescale.stats.clustered_mean import clustered_mean

__all__ = ["RepeatedRefusal", "repeated_sample_refusal"]

_LN2 = math.log(2.0)


@attrs.frozen(kw_only=True)
class RepeatedRefusal:
    """
    How often each prompt is refused when asked again, and how undecided the *model* is.

    Attributes
    ----------
    share : float
        Refused, of all responses with a known verdict: the mean of ``per_prompt`` where each has as many. Fraction.
    share_interval : tuple of (float, float)
        Two-sided, prompts as clusters; of positive width at 0 and 1 too.
    entropy : float
        Mean over prompts of the entropy of the prompt's share. Unit: nats. Biased low, see ``most_expected``.
    entropy_interval : tuple of (float, float) or None
        Two-sided t interval of that mean over prompts (of its expectation, bias and all), inside [0, ln 2].
    entropy_corrected : float
        The same with Miller and Madow's ``1 / (2 n)`` added where a prompt shows both, at most ln 2. Still biased low where prompts
        show one verdict only.
    most_expected : float
        What ``entropy`` would be on average if every prompt were refused with probability 1/2: less than ln 2, and the most that so
        many samples can show on average.
    entropy_of_mean : float
        Entropy of ``share``: another number, never below ``entropy`` where prompts have as many samples; it also counts how prompts
        differ.
    undefined_because : str or None
        Why ``entropy_interval`` is None.
    per_prompt : ndarray of float, shape (prompts with a verdict,)
        Share refused of each. Fraction.
    samples : ndarray of int, shape (prompts with a verdict,)
        Known verdicts of each.
    prompts, unknown, without : int
        Prompts with a verdict; responses without one; prompts with none.
    level : float
        Nominal coverage.
    """

    share: float
    share_interval: tuple[float, float]
    entropy: float
    entropy_interval: tuple[float, float] | None
    entropy_corrected: float
    most_expected: float
    entropy_of_mean: float
    undefined_because: str | None
    per_prompt: FloatVector = attrs.field(eq=AS_A_WHOLE, repr=False)
    samples: IntVector = attrs.field(eq=AS_A_WHOLE, repr=False)
    prompts: int
    unknown: int
    without: int
    level: float


def repeated_sample_refusal(refused: npt.ArrayLike, *, level: float = 0.95) -> RepeatedRefusal:
    """
    Share of the samples of each prompt that are refusals, and the mean entropy of that share.

    ``q_i = k_i / n_i`` and ``H(q) = -q ln q - (1 - q) ln(1 - q)``, averaged over prompts. Interval of the share:
    `design_effect_wilson_interval`; of the entropy: `clustered_mean` over prompts.

    Parameters
    ----------
    refused : array_like of int, shape (prompts, samples) or (prompts,)
        Verdict of each sample: 1 refused, 0 not, -1 unknown.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    RepeatedRefusal
        Shape: scalar, and ``(prompts,)``. Units: fraction; nats.

    Raises
    ------
    InsufficientData
        If no verdict is known.
    DomainError
        If a verdict is none of 1, 0 and -1.

    Notes
    -----
    This is a property of the model under its sampling settings (given the grader's verdicts); `classifier_entropy` is one of the
    grader. The two need not agree: a sure grader has entropy 0 on a model that refuses every other time.

    *Bias.* ``H`` is concave, so ``E H(k / n) < H(p)``: at p = 1/2, n = 2, 5, 20 samples show .347, .581, .667 of .693 nats on
    average, and one sample always shows 0. Entropies from different numbers of samples are not comparable; no estimator is
    unbiased. ``most_expected`` is the scale on which to read it.

    References
    ----------
    .. [1] G. A. Miller (1955), in Information Theory in Psychology (ed. H. Quastler), 95-100.
    .. [2] L. Paninski (2003), Neural Comput. 15, 1191-1253 (no unbiased estimator).

    Examples
    --------
    >>> from safescale.stats import repeated_sample_refusal
    >>> found = repeated_sample_refusal([[1, 1], [1, 0], [0, 1], [0, 0]])
    >>> f"{found.share:.2f}; {found.entropy:.3f} nats, {found.entropy_corrected:.3f} corrected; at most {found.most_expected:.3f}"
    '0.50; 0.347 nats, 0.347 corrected; at most 0.347'
    """
    verdicts = further_draws("refused", refused, None)
    level = fraction("level", level)
    found = share_of(verdicts, level)
    if found is None:
        raise InsufficientData("no response has a known verdict, so nothing is known of refusal; grade the responses")
    share, interval, _, prompts = found
    n = (verdicts >= 0).sum(axis=1)
    held = n > 0
    n, k = n[held], (verdicts == 1).sum(axis=1)[held]
    q = k / n
    h = _entropy(q)
    mean = clustered_mean(h, range(prompts), level=level)
    ends = None if mean.interval is None else (max(0.0, mean.interval[0]), min(_LN2, mean.interval[1]))
    both = (k > 0) & (k < n)
    return RepeatedRefusal(
        share=share,
        share_interval=interval,
        entropy=mean.estimate,
        entropy_interval=ends,
        entropy_corrected=float(np.minimum(h + both / (2.0 * n), _LN2).mean()),
        most_expected=float(np.mean([_expected_at_half(int(samples)) for samples in n])),
        entropy_of_mean=float(_entropy(np.array([share]))[0]),
        undefined_because=mean.undefined_because,
        per_prompt=frozen(q),
        samples=frozen(n),
        prompts=prompts,
        unknown=int(np.count_nonzero(verdicts < 0)),
        without=int(np.count_nonzero(~held)),
        level=level,
    )


def _entropy(q: FloatVector) -> FloatVector:
    return np.asarray(scipy.special.entr(q) + scipy.special.entr(1.0 - q), dtype=np.float64)


def _expected_at_half(n: int) -> float:
    """``E H(K / n)``, K binomial with p = 1/2: the highest of all p, as this expectation is concave in p."""
    k = np.arange(n + 1)
    ways = scipy.special.gammaln(n + 1) - scipy.special.gammaln(k + 1) - scipy.special.gammaln(n - k + 1)
    return float(np.exp(ways - n * _LN2) @ _entropy(k / n))
