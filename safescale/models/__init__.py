"""
Mixed and marginal models of size on rows.

They say more than the models of `safescale.stats` about where the spread is (models, prompts), and lean on more assumptions. The
marginal model runs through statsmodels (extra ``models``); without it that call raises `MissingBackend`.
"""

from safescale.models.gee import gee_size_slope
from safescale.models.mixed import mixed_logit_size_slope
from safescale.models.result import LogitSizeSlope

__all__ = ["LogitSizeSlope", "gee_size_slope", "mixed_logit_size_slope"]
