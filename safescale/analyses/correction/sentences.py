"""Corrected rates in words."""

from __future__ import annotations

from collections.abc import Sequence

from safescale.analyses.correction.results import Basis, CorrectedGroup, CorrectedSetting, CorrectionOptions, CorrectionVerdict
from safescale.analyses.words import percent, plural

__all__ = ["answer_words", "corrected_words", "rate_words", "setting_words", "youden_words"]


def rate_words(found: CorrectedGroup) -> str:
    """``41.2 % [35.0, 47.9]``."""
    if found.estimate is None or found.low is None or found.high is None:
        return "no corrected rate"
    return f"{percent(found.estimate)} [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def youden_words(found: CorrectedGroup) -> str:
    """Youden's J with its interval."""
    if found.youden_j is None or found.youden_low is None or found.youden_high is None:
        return "Youden's J unknown: no labelled trace is a success, or every one is"
    words = f"Youden's J {found.youden_j:.2f} [{found.youden_low:.2f}, {found.youden_high:.2f}]"
    return words if found.youden_low > 0 else f"{words}, not separated from 0"


def corrected_words(found: CorrectedGroup, options: CorrectionOptions) -> str:
    """One rate: graded and corrected side by side, and what may be said."""
    graded = "the grader has no such rate" if found.graded_rate is None else f"graded {percent(found.graded_rate)}"
    head = f"{found.tier.value} {graded}, corrected {rate_words(found)}"
    labels = f"{plural(found.labelled, 'label')} of {plural(found.traces, 'trace')}"
    if found.verdict is CorrectionVerdict.TOO_SMALL:
        return f"{head}: sample too small ({labels}; {_needed_words(found, options)})"
    if found.verdict is CorrectionVerdict.NOT_IDENTIFIED:
        wide = found.low is not None and found.high is not None and (found.high - found.low) / 2 > options.half_width
        more = f"; sample too small: {_needed_words(found, options)}" if wide else ""
        return (
            f"{head}: not identified from the grader ({youden_words(found)}), so this is the rate of the labels alone, weighted by "
            f"the design ({labels}{more})"
        )
    said = {
        CorrectionVerdict.UNDERSTATES: "the grader understates it",
        CorrectionVerdict.OVERSTATES: "the grader overstates it",
        CorrectionVerdict.NO_ERROR_SHOWN: "no error of the graded rate is shown",
        CorrectionVerdict.NO_GRADED_RATE: "only the labels tell this rate",
    }[found.verdict]
    by = " by the error rates of the condition" if found.basis is Basis.TRANSPORTED else ""
    return f"{head}{by}: {said} ({labels})"


def _needed_words(found: CorrectedGroup, options: CorrectionOptions) -> str:
    wanted = f"{100 * options.half_width:g} pp either way"
    bare = [stratum.verdict for stratum in found.strata if not stratum.labelled]
    none = f"no label among its {', '.join(bare)} traces; " if bare else ""
    if found.labels_needed is None:
        return f"{none}no number of labels of these {found.traces:,} traces would bring {wanted}: more traces are needed"
    return f"{none}about {found.labels_needed:,} labels of these traces would bring {wanted}"


def setting_words(rates: Sequence[CorrectedGroup], models: Sequence[CorrectedGroup]) -> str:
    """One grader, target and condition."""
    words = "; ".join(found.words for found in rates)
    bases = [found for found in models if found.basis is Basis.TRANSPORTED]
    if bases:
        words += (
            f"; {plural(len({found.model for found in bases}), 'model')} corrected by the error rates of the condition: these hold "
            "if the grader errs on that model as on the others"
        )
    return words


def answer_words(settings: Sequence[CorrectedSetting], reference: str) -> str:
    """All settings."""
    if not settings:
        return f"Nothing can be corrected: no counted verdict is of a trace with a label ({reference})."
    return " ".join(f"{found.setting.words}: {found.words}." for found in settings)
