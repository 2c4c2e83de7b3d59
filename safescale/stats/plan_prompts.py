"""How many prompts per model a slope on log size needs; and when no number is enough."""

from __future__ import annotations

import math
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError
from safescale.stats._domain import AS_A_WHOLE, FloatVector, IntVector, count, frozen, real
from safescale.stats._inference import LOG10_OF_2
from safescale.stats._noncentral import t_power
from safescale.stats._plan_search import MAX_MODELS, MAX_PROMPTS, around, asked, smallest
from safescale.stats._slope_noise import between_variance, binomial_variance, deviations, effect
from safescale.stats.fisher import Alternative

__all__ = ["PromptsPlan", "plan_prompts"]


@attrs.frozen(kw_only=True)
class PromptsPlan:
    """
    The number of prompts per model at which a t test of a slope on log size reaches a power.

    Attributes
    ----------
    n_prompts : int or None
        The smallest number per model with at least the power; None where ``unreachable_because`` says why.
    trials : int or None
        Traces per model: prompts times traces per prompt.
    power_reached : float or None
        Its power.
    power_limit : float
        The power that endless prompts would give: what spread between models leaves.
    unreachable_because : str or None
        Why no number of prompts is enough.
    models_needed : int or None
        Where prompts are not enough: the models of this spread of sizes that endless prompts would need. None elsewhere.
    curve_prompts : ndarray of int, shape (points,)
        Numbers of prompts around the answer; where there is none, from 1 to 10,000,000.
    curve_power : ndarray of float, shape (points,)
        Their power.
    slope_pp_per_decade, slope_pp_per_doubling : float
        The slope to be found.
    params_b : tuple of float
        The sizes that were given.
    n_models : int
        Number of models.
    tau_pp : float
        Spread between models of one size (percentage points).
    base_rate : float
        Rate at which the binomial noise is taken (fraction).
    traces_per_prompt : int
        Traces of each prompt and model.
    prompt_icc : float
        Correlation of two traces of one prompt and model.
    design_effect : float
        ``1 + (traces_per_prompt - 1) prompt_icc``.
    power, alpha : float
        Power wanted, and level of the test.
    alternative : {"two-sided", "greater", "less"}
        Direction of the test.
    generalises_to : {"new_models"}
        Models are the units.
    """

    n_prompts: int | None
    trials: int | None
    power_reached: float | None
    power_limit: float
    unreachable_because: str | None
    models_needed: int | None
    curve_prompts: IntVector = attrs.field(eq=AS_A_WHOLE)
    curve_power: FloatVector = attrs.field(eq=AS_A_WHOLE)
    slope_pp_per_decade: float
    slope_pp_per_doubling: float
    params_b: tuple[float, ...]
    n_models: int
    tau_pp: float
    base_rate: float
    traces_per_prompt: int
    prompt_icc: float
    design_effect: float
    power: float
    alpha: float
    alternative: Alternative
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def plan_prompts(
    slope_pp_per_decade: float,
    params_b: npt.ArrayLike,
    *,
    tau_pp: float,
    base_rate: float,
    traces_per_prompt: int = 1,
    prompt_icc: float = 0.0,
    power: float = 0.8,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> PromptsPlan:
    """
    Smallest number of prompts per model that finds a slope on log10 size over these models with the given power.

    ``SE^2 = (tau^2 + design_effect p (1 - p) / (prompts traces)) / sum x_i^2``. Prompts shrink the second part only: as
    they grow the power tends to that of tau alone. Where this limit is below the power, no number of prompts is enough;
    the answer is then None, with the number of models that would be.

    Parameters
    ----------
    slope_pp_per_decade : float
        The slope to be found, not 0. Unit: percentage points per decade.
    params_b : array_like of float, shape (models,)
        Sizes of the models, at least 3 models at 2 distinct sizes. Unit: billions of parameters.
    tau_pp : float
        Spread between models of one size; 0 claims that there is none. Unit: percentage points.
    base_rate : float
        Rate at which the binomial noise is taken. Unit: fraction.
    traces_per_prompt : int, default 1
        Traces of each prompt and model.
    prompt_icc : float, default 0.0
        Correlation of two traces of one prompt and model, in [0, 1]. Unit: fraction.
    power : float, default 0.8
        Above alpha, below 1. Unit: probability.
    alpha : float, default 0.05
        Level of the test, strictly between 0 and 1. Unit: probability.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        A one-sided test must look in the direction of the slope.

    Returns
    -------
    PromptsPlan
        Shape: scalar, and two curves. Unit: prompts per model.

    Raises
    ------
    InsufficientData
        If there are fewer than 3 models or one size.
    DomainError
        If a value is out of range, or the test looks the other way.

    Notes
    -----
    With one trace per prompt the binomial variance already holds the spread between prompts. Prompts that all models
    share leave less noise in the slope than this; the answer is then an upper bound.

    References
    ----------
    .. [1] E. Miller (2024), Adding Error Bars to Evals, arXiv:2411.00640, section 5.
    .. [2] W. D. Dupont, W. D. Plummer (1998), Controlled Clinical Trials 19, 589-601.

    Examples
    --------
    Eight models, 15 pp per decade. With 5 pp between models a few prompts are enough; with 15 pp none are:

    >>> from safescale.stats import plan_prompts
    >>> sizes = [0.5, 1, 2, 4, 8, 16, 32, 70]
    >>> plan_prompts(15, sizes, tau_pp=5, base_rate=0.4).n_prompts
    46
    >>> plan = plan_prompts(15, sizes, tau_pp=15, base_rate=0.4)
    >>> plan.n_prompts, round(plan.power_limit, 2), plan.models_needed
    (None, 0.38, 19)
    """
    slope = effect(slope_pp_per_decade)
    x = deviations(params_b)
    between = between_variance(tau_pp)
    m = count("traces_per_prompt", traces_per_prompt)
    icc = real("prompt_icc", prompt_icc)
    if m == 0 or not 0.0 <= icc <= 1.0:
        raise DomainError(f"traces_per_prompt must be at least 1 and prompt_icc lie in [0, 1], got {m} and {icc:g}")
    deff = 1.0 + (m - 1) * icc
    alpha, wanted = asked(slope, power, alpha, alternative)
    single = binomial_variance(base_rate, m, deff)
    spread, n = math.sqrt(float(x @ x)), len(x)

    def power_at(prompts: int) -> float:
        return t_power(slope * spread / math.sqrt(between + single / prompts), n - 2, alpha, alternative)

    limit = 1.0 if between == 0 else t_power(slope * spread / math.sqrt(between), n - 2, alpha, alternative)
    found = smallest(lambda k: power_at(k) >= wanted, lowest=1, highest=MAX_PROMPTS)
    reason, needed = None, None
    if found is None:
        needed = _models_without_noise(slope, spread / math.sqrt(n), between, wanted, alpha, alternative)
        reason = (
            f"spread between models leaves power {limit:.3f} with endless prompts, and {wanted:g} is wanted"
            if limit < wanted
            else f"more than {MAX_PROMPTS:,} prompts per model are needed"
        ) + f"; add models ({needed or f'more than {MAX_MODELS:,}'} of this spread of sizes) or widen the sizes"
    curve = around(found, lowest=1, highest=MAX_PROMPTS)
    return PromptsPlan(
        n_prompts=found,
        trials=None if found is None else found * m,
        power_reached=None if found is None else power_at(found),
        power_limit=limit,
        unreachable_because=reason,
        models_needed=needed,
        curve_prompts=frozen(curve),
        curve_power=frozen(np.array([power_at(int(prompts)) for prompts in curve])),
        slope_pp_per_decade=100 * slope,
        slope_pp_per_doubling=100 * slope * LOG10_OF_2,
        params_b=tuple(np.asarray(params_b, dtype=np.float64).tolist()),
        n_models=n,
        tau_pp=float(tau_pp),
        base_rate=float(base_rate),
        traces_per_prompt=m,
        prompt_icc=icc,
        design_effect=deff,
        power=wanted,
        alpha=alpha,
        alternative=alternative,
    )


def _models_without_noise(
    slope: float, spread: float, between: float, wanted: float, alpha: float, alternative: Alternative
) -> int | None:
    """Models of this spread of sizes that reach the power when prompts are endless; None beyond 100,000, or without tau."""
    if between == 0:
        return None

    def power_at(n: int) -> float:
        return t_power(slope * spread * math.sqrt(n / between), n - 2, alpha, alternative)

    return smallest(lambda n: power_at(n) >= wanted, lowest=3, highest=MAX_MODELS)
