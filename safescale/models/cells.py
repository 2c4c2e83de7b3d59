"""Cells of (model, prompt) counts, checked once and unrolled into rows of 0 and 1."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData, MissingBackend
from safescale.stats._domain import group_codes, sizes, successes_of_trials_arrays

__all__ = ["SizedCells", "require_statsmodels", "sized_cells"]

_Floats = npt.NDArray[np.float64]
_Integers = npt.NDArray[np.int64]


@attrs.frozen(kw_only=True, eq=False)
class SizedCells:
    """Cells with the codes of their models and prompts; shape (cells,) each, ``centred_log_size`` about its mean over models."""

    params_b: _Floats
    successes: _Integers
    trials: _Integers
    models: tuple[Hashable, ...]
    prompts: tuple[Hashable, ...] | None
    model_code: _Integers
    prompt_code: _Integers
    centred_log_size: _Floats
    n_models: int
    n_prompts: int

    def rows(self) -> tuple[_Floats, _Integers]:
        """Outcomes 0 and 1, and the cell of each; shape (rows,)."""
        cell = np.repeat(np.arange(len(self.trials)), self.trials)
        place = np.arange(len(cell)) - np.repeat(np.cumsum(self.trials) - self.trials, self.trials)
        return (place < self.successes[cell]).astype(np.float64), cell

    def rates(self) -> _Floats:
        """Observed rate of each model; shape (models,)."""
        k = np.bincount(self.model_code, weights=self.successes, minlength=self.n_models)
        return np.asarray(k / np.bincount(self.model_code, weights=self.trials, minlength=self.n_models), dtype=np.float64)


def sized_cells(
    params_b: npt.ArrayLike,
    successes: npt.ArrayLike,
    trials: npt.ArrayLike,
    models: Iterable[Hashable],
    prompts: Iterable[Hashable] | None,
) -> SizedCells:
    """Refuse what cannot carry a slope: one size in two spellings, under 3 sizes or 4 models, no failure or no success at all."""
    k, n = successes_of_trials_arrays(successes, trials)
    size = sizes(params_b)
    if len(size) != len(k):
        raise DomainError(f"params_b and successes must have the same length, got {len(size)} and {len(k)}")
    model_labels, model_code = group_codes(models, len(k))
    prompt_labels, prompt_code = (None, np.zeros(len(k), dtype=np.int64)) if prompts is None else group_codes(prompts, len(k))
    n_models = int(model_code.max()) + 1
    of_model = np.zeros(n_models)
    of_model[model_code] = size
    if np.any(of_model[model_code] != size):
        at = int(np.argmax(of_model[model_code] != size))
        raise DomainError(
            f"model {model_labels[at]!r} has two sizes, {size[at]:g} and {of_model[model_code[at]]:g}; settle which is right"
        )
    if len(np.unique(of_model)) < 3:
        raise InsufficientData(
            f"a slope needs at least 3 distinct sizes, got {len(np.unique(of_model))}; add models of other sizes"
        )
    if n_models < 4:
        raise InsufficientData(
            f"between-model spread needs at least 4 models, got {n_models}; use raw_difference_per_decade or more models"
        )
    if k.sum() in (0, n.sum()):
        what = "no success" if k.sum() == 0 else "no failure"
        raise InsufficientData(f"{what} in {n.sum()} rows: log odds are infinite; report Wilson intervals per model instead")
    with_success, with_failure = size[k > 0], size[k < n]
    if with_success.min() >= with_failure.max() or with_failure.min() >= with_success.max():
        raise DomainError(
            "the sizes separate success from failure, so the slope of the log odds is infinite; use meta_regression_slope, "
            "which needs no log odds"
        )
    return SizedCells(
        params_b=size,
        successes=k,
        trials=n,
        models=model_labels,
        prompts=prompt_labels,
        model_code=model_code,
        prompt_code=prompt_code,
        centred_log_size=np.log10(size) - np.log10(of_model).mean(),
        n_models=n_models,
        n_prompts=0 if prompts is None else int(prompt_code.max()) + 1,
    )


def require_statsmodels() -> None:
    """Name the extra where statsmodels is missing."""
    try:
        import statsmodels  # noqa: F401
    except ImportError as error:
        raise MissingBackend("statsmodels", "models") from error
