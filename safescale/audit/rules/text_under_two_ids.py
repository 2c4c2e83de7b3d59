"""One prompt text that stands under two prompt ids of a source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa

from safescale.analyses.words import percent, plural
from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Hit, Severity
from safescale.audit.rule import CannotRun, Rule
from safescale.audit.words import named
from safescale.cells.coding import group_rows

__all__ = ["RULE"]

MIN_SHARE: Final = 0.02
PLACEHOLDER: Final = 10


def _check(facts: AuditFacts) -> Iterator[Hit]:
    traces = facts.traces
    at = np.flatnonzero(facts.own & ~facts.prompt_text.is_in([""]))
    if not at.size:
        raise CannotRun("no prompt of this corpus is known, nor its hash")
    texts = group_rows(
        [traces.source.codes[at], traces.condition.codes[at], traces.attack_class.codes[at], facts.prompt_text.codes[at]]
    )
    pairs = group_rows([texts.of_row, traces.prompt_id.codes[at]])
    several = np.bincount(pairs.codes[0], minlength=texts.count) > 1
    for source in np.unique(texts.codes[0][several]).tolist():
        hit = several & (texts.codes[0] == source)
        ids = np.unique(pairs.codes[1][hit[pairs.codes[0]]])
        everything = np.unique(traces.prompt_id.codes[at[traces.source.codes[at] == source]]).size
        share = ids.size / everything
        most = int(np.bincount(pairs.codes[0], minlength=texts.count)[hit].max())
        placeholder = most >= PLACEHOLDER
        name = traces.source.values[source].as_py()
        names = traces.prompt_id.values.take(pa.array(ids)).to_pylist()
        yield Hit(
            subject=name,
            found=f"{plural(ids.size, 'prompt id')} of source {name} ({percent(share)} of {everything:,}) share their text with "
            f"another id under the same attack class and condition ({named(names)})"
            + (f"; one text stands under {most:,} ids, as a placeholder of redacted text does" if placeholder else ""),
            evidence=facts.trace_evidence(at[hit[texts.of_row]], ids=names),
            severity=Severity.WARNING if share >= MIN_SHARE and not placeholder else None,
        )


RULE = Rule(
    code="SS108",
    name="text-under-two-ids",
    severity=Severity.INFO,
    title="One prompt text under two ids",
    why="The same prompt counts as two clusters: intervals that are clustered by prompt come out too narrow.",
    todo="Give one text one id.",
    threshold=f"One text under two ids of a source, attack class and condition; a warning from {MIN_SHARE:.0%} of the ids of a "
    f"source, unless one text stands under {PLACEHOLDER} ids or more, as placeholders do.",
    check=_check,
)
