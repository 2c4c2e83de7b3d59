"""Does a benign logic puzzle before a prompt raise attack success more in larger models? The experiment of report 353."""

from safescale.studies.asked import AskedModel, AskedPrompt
from safescale.studies.dilution.design import LARGE_PP, MIN_DECADES, MIN_SIZES, DilutionDesign
from safescale.studies.dilution.outcomes import AskedCondition, Outcomes, Role
from safescale.studies.dilution.results import DilutionResult, DilutionVerdict

__all__ = [
    "LARGE_PP",
    "MIN_DECADES",
    "MIN_SIZES",
    "AskedCondition",
    "AskedModel",
    "AskedPrompt",
    "DilutionDesign",
    "DilutionResult",
    "DilutionVerdict",
    "Outcomes",
    "Role",
]
