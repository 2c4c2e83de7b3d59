"""The line under every figure and table: command, fingerprint, counts, denominator, exclusions."""

from __future__ import annotations

from collections.abc import Mapping

from safescale.analyses import FirstLook, InverseScalingResult
from safescale.analyses.inverse_scaling import SettingResult
from safescale.analyses.words import plural
from safescale.report.facts import CorpusFacts

__all__ = ["corpus_source", "exclusions_words", "look_source", "setting_source", "source_line"]


def exclusions_words(excluded: Mapping[str, int]) -> str:
    """Excluded rows by reason, in one phrase."""
    total = sum(excluded.values())
    if not total:
        return "no graded row excluded"
    reasons = ", ".join(f"{rows:,} {reason}" for reason, rows in sorted(excluded.items(), key=lambda item: (-item[1], item[0])))
    return f"{plural(total, 'graded row')} excluded ({reasons})"


def setting_source(setting: SettingResult, result: InverseScalingResult, command: str) -> str:
    """For what is shown of one grader, target and condition."""
    rows = plural(setting.rows_in_claim_classes, "evaluable row")
    if setting.published_rates:
        rows += f" and {plural(setting.published_rates, 'published rate')}"
    return source_line(command, result.fingerprint, rows, setting.definition, exclusions_words(setting.excluded))


def look_source(look: FirstLook, command: str) -> str:
    """For what is shown of the whole corpus."""
    excluded = {exclusion.reason.value: exclusion.rows for exclusion in look.exclusions}
    rows = f"{look.counted:,} of {plural(look.considered, 'graded row')} counted"
    denominator = "rates over evaluable rows, as the table of graders defines them" if look.overall else "no rate"
    return source_line(command, look.fingerprint, rows, denominator, exclusions_words(excluded))


def corpus_source(corpus: CorpusFacts, command: str) -> str:
    """For what is shown of the files that were read."""
    rows = f"{plural(corpus.rows_in, 'row')} read from {plural(len(corpus.files), 'file')}"
    rejected = plural(sum(corpus.reject_codes.values()), "reject")
    return source_line(command, corpus.fingerprint, rows, "every row read has one fate", rejected)


def source_line(command: str, fingerprint: str, rows: str, denominator: str, exclusions: str) -> str:
    """The parts of a provenance line in their order."""
    return " · ".join((command, f"corpus {fingerprint}", rows, denominator, exclusions))
