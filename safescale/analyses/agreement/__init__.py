"""How far do graders agree, and does it matter for who ranks where?"""

from safescale.analyses.agreement.analysis import Compared, analyze_agreement
from safescale.analyses.agreement.results import AgreementGroup, AgreementPair, AgreementResult, AgreementVerdict, Ranking

__all__ = [
    "AgreementGroup",
    "AgreementPair",
    "AgreementResult",
    "AgreementVerdict",
    "Compared",
    "Ranking",
    "analyze_agreement",
]
