"""One answer that stands under two trace ids, in a partial and a full grading or within one file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from safescale.analyses.words import percent, plural
from safescale.audit.answers import MIN_CHARS, answers
from safescale.audit.corpus_facts import AuditFacts, Flags, Integers
from safescale.audit.finding import Hit, Severity
from safescale.audit.rule import CannotRun, Rule
from safescale.audit.words import named
from safescale.cells.coding import group_rows

__all__ = ["RULE"]

MIN_BETWEEN_FILES: Final = 10
MIN_SHARE: Final = 0.10


def _check(facts: AuditFacts) -> Iterator[Hit]:
    found = facts.once(answers)
    at = np.flatnonzero(found.long)
    if not at.size:
        raise CannotRun(f"no response of {MIN_CHARS} characters or more is known, nor its hash")
    traces = facts.traces
    columns = [traces.model_id, traces.prompt_id, traces.attack_class, traces.condition]
    answer = group_rows([column.codes[at] for column in columns] + [found.response[at]]).of_row
    yield from _within_files(facts, at, answer)
    yield from _between_files(facts, at, answer)


def _within_files(facts: AuditFacts, at: Integers, answer: Integers) -> Iterator[Hit]:
    """Two rows of one file that claim to be the same repeat of the same thing."""
    file = facts.trace_file.codes[at]
    groups = group_rows([file, answer, facts.sample_index[at]])
    again = _not_first(groups.of_row)
    for code in np.unique(file[again]).tolist():
        rows = at[again & (file == code)]
        name = facts.trace_file.values[code].as_py()
        yield Hit(
            subject=name,
            found=f"{plural(rows.size, 'trace')} of {name} repeat the model, prompt, condition, repeat number and response of "
            "another trace of the same file, under another trace id",
            evidence=facts.trace_evidence(rows),
        )


def _between_files(facts: AuditFacts, at: Integers, answer: Integers) -> Iterator[Hit]:
    """The smaller of two files of which a good part stands in the larger, too."""
    file = facts.trace_file.codes[at]
    sizes = np.bincount(file, minlength=len(facts.trace_file.values))
    rank = np.argsort(np.argsort(-sizes, kind="stable"), kind="stable")
    order = np.lexsort((rank[file], answer))
    leads = np.ones(order.size, dtype=bool)
    leads[1:] = answer[order[1:]] != answer[order[:-1]]
    lead_file = np.empty(order.size, dtype=np.int64)
    lead_file[order] = file[order[leads]][np.cumsum(leads) - 1]
    again = lead_file != file
    for code in np.unique(file[again]).tolist():
        mine = again & (file == code)
        share = mine.sum() / sizes[code]
        if mine.sum() < MIN_BETWEEN_FILES or share < MIN_SHARE:
            continue
        name = facts.trace_file.values[code].as_py()
        others = [facts.trace_file.values[i].as_py() for i in np.unique(lead_file[mine]).tolist()]
        yield Hit(
            subject=name,
            found=f"{plural(int(mine.sum()), 'response')} of {name} ({percent(float(share))} of those that are no refusals) stand "
            f"in {named(others)} too, same model, prompt and condition, under another trace id: both are counted",
            evidence=facts.trace_evidence(at[mine], ids=(name, *others)),
        )


def _not_first(groups: Integers) -> Flags:
    again = np.ones(groups.size, dtype=bool)
    again[np.unique(groups, return_index=True)[1]] = False
    return again


RULE = Rule(
    code="SS105",
    name="same-answer-twice",
    severity=Severity.WARNING,
    title="One answer under two trace ids",
    why="A partial grading beside its full regrade, or an export that repeats rows, counts the same answer twice under ids that "
    "nothing can merge.",
    todo="Leave the partial file out, or give both the same trace ids: then the grades are merged and counted once.",
    threshold="Same file, model, prompt, attack class, condition, repeat number and response under two trace ids: one is enough. "
    f"Across files {MIN_BETWEEN_FILES} responses and {MIN_SHARE:.0%} of those of the smaller file. Refusals and responses under "
    f"{MIN_CHARS} characters are not counted: models repeat them.",
    check=_check,
)
