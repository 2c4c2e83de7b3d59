"""One response under many prompts of a model: fewer answers than rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from safescale.analyses.words import percent, plural
from safescale.audit.answers import answers
from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Hit, Severity
from safescale.audit.rule import CannotRun, Rule

__all__ = ["RULE"]

MIN_ROWS: Final = 20
MAX_SHARE: Final = 0.10
MOST: Final = 0.5


def _check(facts: AuditFacts) -> Iterator[Hit]:
    found = facts.once(answers)
    if not (found.response >= 0).any():
        raise CannotRun("no response of this corpus is known, nor its hash")
    model, response = facts.traces.model_id.codes, found.response
    for code in np.unique(model[found.of_substance]).tolist():
        mine = np.flatnonzero(found.of_substance & (model == code))
        distinct, first, counts = np.unique(response[mine], return_index=True, return_counts=True)
        repeats = mine.size - distinct.size
        if mine.size < MIN_ROWS or repeats < MAX_SHARE * mine.size:
            continue
        name = facts.traces.model_id.values[code].as_py()
        often = int(counts.argmax())
        prompts = np.unique(facts.traces.prompt_id.codes[mine[response[mine] == distinct[often]]]).size
        effective = mine.size**2 / float((counts.astype(float) ** 2).sum())
        yield Hit(
            subject=name,
            found=f"{plural(distinct.size, 'different response')} stand behind {plural(mine.size, 'trace')} of {name} that are no "
            f"refusals ({percent(repeats / mine.size)} are repeats); one stands {counts[often]:,} times, under "
            f"{plural(prompts, 'prompt')}; effective number of responses {effective:,.1f}",
            evidence=facts.trace_evidence(np.delete(mine, first), "repeated response", ids=(name,)),
            severity=Severity.ERROR if repeats > MOST * mine.size else None,
        )


RULE = Rule(
    code="SS103",
    name="repeated-responses",
    severity=Severity.WARNING,
    title="Fewer responses than rows",
    why="Rows with one and the same text are one observation: n, and every interval made from it, misleads.",
    todo="Look at the repeated responses; where a cache, a template or telemetry wrote them, leave the source out "
    "(--exclude-source) or deduplicate. Until then read n as the number of different responses.",
    threshold=f"Of a model with {MIN_ROWS} or more responses that no grader took for a refusal, {MAX_SHARE:.0%} or more repeat "
    f"another (error above {MOST:.0%}). Repeated refusals are normal and are not counted. The effective number is n squared over "
    "the sum of squared counts of each text.",
    check=_check,
)
