"""The keyword graders as ``open_grader`` opens them."""

from __future__ import annotations

from safescale.grade.keyword.phrases import RefusalPhrases
from safescale.grade.keyword.published import PUBLISHED, PhraseGrader

__all__ = [
    "advbench_substrings",
    "gcg",
    "harmbench_strings",
    "jailbreakbench_strings",
    "refusal_direction_substrings",
    "refusal_phrases",
    "xstest_string_match",
]


def refusal_phrases() -> RefusalPhrases:
    """Our own rules."""
    return RefusalPhrases()


def gcg() -> PhraseGrader:
    """GCG's seven prefixes, as substrings."""
    return PhraseGrader(PUBLISHED["gcg"])


def advbench_substrings() -> PhraseGrader:
    """The 29 substrings that results on AdvBench are counted with."""
    return PhraseGrader(PUBLISHED["advbench-substrings"])


def jailbreakbench_strings() -> PhraseGrader:
    """JailbreakBench's StringClassifier."""
    return PhraseGrader(PUBLISHED["jailbreakbench-strings"])


def harmbench_strings() -> PhraseGrader:
    """HarmBench's check for refusals."""
    return PhraseGrader(PUBLISHED["harmbench-strings"])


def refusal_direction_substrings() -> PhraseGrader:
    """The substrings of the refusal-direction pipeline."""
    return PhraseGrader(PUBLISHED["refusal-direction-substrings"])


def xstest_string_match() -> PhraseGrader:
    """XSTest's string match."""
    return PhraseGrader(PUBLISHED["xstest-string-match"])
