"""Condition x log10 size on items: these models on other prompts, and no evidence on size."""

from __future__ import annotations

from safescale.errors import InsufficientData
from safescale.stats import item_interaction_slope
from safescale.studies.dilution.between_models import SizedModels
from safescale.studies.dilution.outcomes import Outcomes
from safescale.studies.dilution.paired import counts_over_samples, fitted_prompts, harmful_prompts
from safescale.studies.dilution.results import Interaction

__all__ = ["interaction_of"]


def interaction_of(
    outcomes: Outcomes, fitted: SizedModels, treated: int, control: int, *, level: float
) -> tuple[Interaction | None, str | None]:
    """
    The slope on log10 size of treated minus control over items, prompts as clusters; within lineages where the slope on size is.

    Returns
    -------
    tuple
        The interaction and None, or None and why there is none.
    """
    if not fitted.deltas:
        return None, "no model stands in a slope"
    ids = {delta.model.model_id: delta.model.params_b for delta in fitted.deltas}
    rows = [at for at, model in enumerate(outcomes.models) if model.model_id in ids]
    if not rows:
        return None, "no model has prompts enough to be fitted"
    harmful = harmful_prompts(outcomes)
    failed_1, trials_1 = counts_over_samples(outcomes.failed[rows, treated][:, harmful])
    failed_2, trials_2 = counts_over_samples(outcomes.failed[rows, control][:, harmful])
    sizes = [size for at in rows if (size := outcomes.models[at].params_b) is not None]
    kept = fitted_prompts(trials_2, trials_1)
    try:
        found = item_interaction_slope(
            sizes,
            failed_2[:, kept],
            trials_2[:, kept],
            failed_1[:, kept],
            trials_1[:, kept],
            groups=None if fitted.groups is None else [outcomes.models[at].lineage for at in rows],
            level=level,
        )
    except InsufficientData as error:
        return None, str(error)
    if found.interval is None or found.p_value is None:
        return None, found.undefined_because
    return (
        Interaction(
            slope_pp_per_decade=found.slope_pp_per_decade,
            low=found.interval[0],
            high=found.interval[1],
            p_value=found.p_value,
            prompts=found.prompts,
            models=found.models,
        ),
        None,
    )
