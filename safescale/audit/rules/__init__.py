"""The rules of the audit, one file each; this is the table of them."""

from __future__ import annotations

from typing import Final

from safescale.audit.rule import Rule
from safescale.audit.rules import (
    agreement_by_condition,
    constant_grader,
    denominator_by_model,
    excluded_by_rate,
    graded_non_responses,
    grader_changes,
    header_contradicts_rows,
    host_as_developer,
    identical_verdicts,
    keyword_only,
    mixed_denominators,
    moe_at_total_size,
    notes_of_files,
    one_size_lineage,
    opposite_grader,
    outside_outcome_map,
    prompt_sets_differ,
    prompt_text_differs,
    regraded_traces,
    repeated_responses,
    same_answer_twice,
    shared_responses,
    single_source_dual,
    size_contradicts_name,
    size_guessed,
    size_missing,
    small_cells,
    superset_rows,
    tampered_in_lineage,
    text_under_two_ids,
    zero_variance,
)

__all__ = ["RULES"]

_MODULES: Final = (
    identical_verdicts,
    superset_rows,
    repeated_responses,
    shared_responses,
    same_answer_twice,
    regraded_traces,
    prompt_text_differs,
    text_under_two_ids,
    tampered_in_lineage,
    host_as_developer,
    size_missing,
    size_guessed,
    size_contradicts_name,
    moe_at_total_size,
    one_size_lineage,
    small_cells,
    keyword_only,
    single_source_dual,
    outside_outcome_map,
    mixed_denominators,
    denominator_by_model,
    graded_non_responses,
    grader_changes,
    agreement_by_condition,
    constant_grader,
    zero_variance,
    opposite_grader,
    prompt_sets_differ,
    excluded_by_rate,
    header_contradicts_rows,
    notes_of_files,
)

RULES: Final[dict[str, Rule]] = {module.RULE.code: module.RULE for module in _MODULES}
"""Every rule by its code, in order: 1xx copies, 2xx models, 3xx grades, 4xx comparisons, 5xx files."""
