"""Attack success by wording and sample: how much the user's paraphrases move a rate, beside the luck of sampling."""

from __future__ import annotations

import numpy as np

from safescale.errors import InsufficientData
from safescale.stats import two_way_effects
from safescale.studies.dilution.outcomes import Outcomes
from safescale.studies.dilution.paired import FloatArray, harmful_prompts
from safescale.studies.dilution.results import TemplateRates

__all__ = ["template_rates"]


def template_rates(outcomes: Outcomes) -> TemplateRates | None:
    """
    The crossed table of templates and samples, each cell the mean over models of their rate over evaluable harmful prompts.

    The prompt as it is counts as one wording among the templates. Models without an evaluable response in some cell are in none,
    so that cells differ by wording and luck and not by who is in them.

    Returns
    -------
    TemplateRates or None
        None where no template was asked, or no model answered under all.
    """
    wordings = [at for at, condition in enumerate(outcomes.conditions) if condition.role in ("baseline", "template")]
    if not any(outcomes.conditions[at].role == "template" for at in wordings):
        return None
    verdicts = outcomes.failed[:, wordings][:, :, harmful_prompts(outcomes)]
    there = verdicts >= 0
    counted = there.sum(axis=2)
    complete = (counted > 0).all(axis=(1, 2))
    if not complete.any():
        return None
    rates = (np.where(there, verdicts, 0).sum(axis=2) / np.maximum(counted, 1))[complete].mean(axis=0)
    by_wording = rates.mean(axis=1)
    return TemplateRates(
        templates=tuple(outcomes.conditions[at].name for at in wordings),
        samples=outcomes.samples,
        rates=tuple(tuple(row) for row in rates.tolist()),
        sd_templates_pp=_sd_pp(rates),
        sd_samples_pp=_sd_pp(rates.T),
        spread_pp=(100 * float(by_wording.min()), 100 * float(by_wording.max())),
    )


def _sd_pp(rates: FloatArray) -> float | None:
    """Standard deviation of the row effects of an additive table; None of a single row."""
    try:
        effects = two_way_effects(rates, np.ones(rates.shape, dtype=bool)).row_effects
    except InsufficientData:
        return None
    return 100 * float(np.std(effects, ddof=1))
