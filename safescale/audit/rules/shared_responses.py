"""The same responses under two model ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
from scipy.sparse import coo_matrix, csr_matrix

from safescale.analyses.words import percent
from safescale.audit.answers import MIN_CHARS, answers
from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Hit, Severity
from safescale.audit.rule import CannotRun, Rule

__all__ = ["RULE"]

MIN_SHARED: Final = 10
MIN_SHARE: Final = 0.10
MOST: Final = 0.5


def _check(facts: AuditFacts) -> Iterator[Hit]:
    found = facts.once(answers)
    at = np.flatnonzero(found.long)
    if not at.size:
        raise CannotRun(f"no response of {MIN_CHARS} characters or more is known, nor its hash")
    models, owner = np.unique(facts.traces.model_id.codes[at], return_inverse=True)
    texts, text = np.unique(found.response[at], return_inverse=True)
    if texts.size < 2:
        return
    held = csr_matrix((np.ones(at.size, dtype=np.int32), (owner, text)), shape=(models.size, texts.size))
    held.data = np.minimum(held.data, 1)
    # a text that many ids share is a template, and says nothing about two of them
    common = np.asarray(held.sum(axis=0)).ravel() <= 3
    held = held[:, common]
    own = np.asarray(held.sum(axis=1)).ravel()
    both = coo_matrix(held @ held.T)
    names = facts.traces.model_id.values.take(pa.array(models)).to_pylist()
    for one, other, shared in zip(both.row.tolist(), both.col.tolist(), both.data.tolist(), strict=True):
        share = shared / max(min(own[one], own[other]), 1)
        if one >= other or shared < MIN_SHARED or share < MIN_SHARE:
            continue
        its = np.unique(held[one].indices)
        theirs = np.flatnonzero(common)[np.intersect1d(its, held[other].indices)]
        rows = at[(owner == one) & np.isin(text, theirs)]
        yield Hit(
            subject=f"{names[one]} | {names[other]}",
            found=f"{names[one]} and {names[other]} share {shared:,} responses to the letter, {percent(share)} of the different "
            f"ones of the id that has fewer ({min(own[one], own[other]):,})",
            evidence=facts.trace_evidence(rows, ids=(names[one], names[other])),
            severity=Severity.ERROR if share > MOST else None,
        )


RULE = Rule(
    code="SS104",
    name="shared-responses",
    severity=Severity.WARNING,
    title="Two model ids gave the same responses",
    why="Two models do not write the same long answers; one of the ids is a copy, a cache, or another name for the other.",
    todo="Trace both back to their runs. If they are one model, leave one id out by its exact id (--exclude-model).",
    threshold=f"{MIN_SHARED} or more different responses, {MIN_SHARE:.0%} or more of those of the id that has fewer, stand under "
    f"both ids (error above {MOST:.0%}). Refusals, responses under {MIN_CHARS} characters and texts of more than three ids are "
    "not counted.",
    check=_check,
)
