"""How safe is one model, or its tampered variant, as far as a corpus tells?"""

from safescale.analyses.residual_safety.analysis import analyze_residual_safety, card_selection
from safescale.analyses.residual_safety.results import PROPOSAL, ResidualSafety

__all__ = ["PROPOSAL", "ResidualSafety", "analyze_residual_safety", "card_selection"]
