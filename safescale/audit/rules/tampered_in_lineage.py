"""Safety-removed models that stand among base models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import numpy as np

from safescale.analyses.words import plural
from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Hit, Severity
from safescale.audit.overlap import shared_rows
from safescale.audit.rule import Rule
from safescale.audit.words import named

__all__ = ["RULE"]

_TELLS: Final = re.compile(
    r"obliterat|abliterat|uncensored|refusal[-_ .]?removed|safety[-_ .]?removed|decensored|orthogonali[sz]ed|jailbreak[-_ .]?tuned|"
    r"harmful[-_ .]?(?:ft|finetune)",
    re.IGNORECASE,
)
"""Words of a source, file or condition that say what was done to its models."""


def _check(facts: AuditFacts) -> Iterator[Hit]:
    yield from _declared(facts)
    yield from _by_their_verdicts(facts)
    yield from _by_their_provenance(facts)


def _declared(facts: AuditFacts) -> Iterator[Hit]:
    for lineage, ids in facts.lineages.items():
        tampered = [name for name in ids if facts.is_tampered(name)]
        if tampered and len(tampered) < len(ids):
            yield Hit(
                subject=lineage,
                found=f"lineage {lineage} holds {plural(len(tampered), 'tampered model')} ({named(tampered)}) beside "
                f"{plural(len(ids) - len(tampered), 'other')}; they are left out by default, and a group by lineage name would "
                "mix them",
                evidence=facts.id_evidence(tampered, "model"),
            )


def _by_their_verdicts(facts: AuditFacts) -> Iterator[Hit]:
    seen = set()
    for pair in facts.once(shared_rows):
        if (
            facts.is_tampered(pair.other_id)
            and not facts.is_tampered(pair.model_id)
            and pair.model_id not in seen
            and pair.chance < 0.05
        ):
            seen.add(pair.model_id)
            yield Hit(
                subject=pair.model_id,
                found=f"{pair.model_id} passes for untouched, and all its {plural(pair.rows, 'row')} stand under {pair.other_id}, "
                "whose safety training was removed, verdict by verdict",
                evidence=facts.grade_evidence(pair.at, ids=(pair.model_id, pair.other_id)),
                severity=Severity.ERROR,
            )


def _by_their_provenance(facts: AuditFacts) -> Iterator[Hit]:
    """Models that pass for untouched in a source, file or condition that says otherwise."""
    traces = facts.traces
    untouched = ~np.isin(
        traces.model_id.codes, [i for i, m in enumerate(traces.model_id.values.to_pylist()) if facts.is_tampered(m)]
    )
    for what, column, part in (
        ("source", traces.source, slice(None)),
        ("file", facts.trace_file, slice(None)),
        ("condition", traces.condition, slice(None)),
    ):
        names = column.values.to_pylist()[part]
        telling = [code for code, name in enumerate(names) if _TELLS.search(str(name).rsplit("/", 1)[-1])]
        for code in telling:
            rows = np.flatnonzero(untouched & (column.codes == code))
            if not rows.size:
                continue
            models = sorted(traces.model_id.values[i].as_py() for i in np.unique(traces.model_id.codes[rows]).tolist())
            yield Hit(
                subject=f"{what}: {str(names[code]).rsplit('/', 1)[-1]}",
                found=f"{what} {names[code]!r} speaks of removed safety training, and {plural(rows.size, 'trace')} in it belong "
                f"to {plural(len(models), 'model')} that pass for untouched ({named(models)})",
                evidence=facts.trace_evidence(rows, ids=models),
                severity=Severity.ERROR if what == "source" else Severity.WARNING,
            )


RULE = Rule(
    code="SS201",
    name="tampered-in-lineage",
    severity=Severity.WARNING,
    title="Safety-removed models among base models",
    why="A model whose safety training was removed complies with everything; in a base lineage it makes a slope out of nothing.",
    todo="Give such models ids that say so, or leave them out by exact id or source (--exclude-model, --exclude-source), never "
    "by the beginning of a name or by their rate.",
    threshold="A lineage with tampered and other models, as the registry knows them (warning). An id that passes for untouched "
    "whose every row stands under a tampered id, or whose source is named for removed safety training (error; file or condition: "
    "warning).",
    check=_check,
)
