"""One prompt id that stands for prompts of different text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa

from safescale.analyses.words import percent, plural
from safescale.audit.corpus_facts import AuditFacts, Flags, Integers
from safescale.audit.finding import Hit, Severity
from safescale.audit.rule import CannotRun, Rule
from safescale.audit.words import named
from safescale.cells.coding import group_rows

__all__ = ["RULE"]

ADAPTIVE: Final = 0.5


def _check(facts: AuditFacts) -> Iterator[Hit]:
    traces = facts.traces
    at = np.flatnonzero(facts.own & ~facts.prompt_text.is_in([""]))
    if not at.size:
        raise CannotRun("no prompt of this corpus is known, nor its hash")
    text = facts.prompt_text.codes[at]
    scopes = group_rows([traces.source.codes[at], traces.attack_class.codes[at], traces.condition.codes[at]])
    ids = group_rows([scopes.of_row, traces.prompt_id.codes[at]])
    within = group_rows([ids.of_row, traces.model_id.codes[at]])
    several = _several(ids.of_row, text, ids.count)
    several_in_a_model = np.zeros(ids.count, dtype=bool)
    several_in_a_model[within.codes[0][_several(within.of_row, text, within.count)]] = True
    # texts by models: one model that was asked another edition of the prompts has few
    own_texts = _distinct(ids.of_row, text, ids.count) / _distinct(ids.of_row, traces.model_id.codes[at], ids.count)
    for scope in np.unique(ids.codes[0][several]).tolist():
        here = ids.codes[0] == scope
        hit = here & several
        share = hit.sum() / here.sum()
        in_a_model = int((hit & several_in_a_model).sum())
        source, attack, condition = (
            column.values[int(code)].as_py()
            for column, code in zip((traces.source, traces.attack_class, traces.condition), scopes.codes[:, scope], strict=True)
        )
        names = traces.prompt_id.values.take(pa.array(ids.codes[1][hit])).to_pylist()
        adaptive = share >= ADAPTIVE and in_a_model < ADAPTIVE * hit.sum() and np.median(own_texts[hit]) >= ADAPTIVE
        words = (
            f"{plural(int(hit.sum()), 'prompt id')} of {here.sum():,} ({percent(float(share))}) stand for several texts in source "
            f"{source}, attack class {attack}, condition {condition} ({named(names)})"
        )
        if in_a_model:
            words += f"; {in_a_model:,} of them within one model"
        if adaptive:
            words += "; so many differ by model that the attack seems to write its prompts for each: then the id names a behaviour"
        rows = at[np.isin(ids.of_row, np.flatnonzero(hit))]
        yield Hit(
            subject=f"{source} / {attack} / {condition}",
            found=words,
            evidence=facts.trace_evidence(rows, ids=names),
            severity=Severity.INFO if adaptive else None,
        )


def _several(group: Integers, text: Integers, groups: int) -> Flags:
    """Groups with more than one text."""
    return np.asarray(_distinct(group, text, groups) > 1)


def _distinct(group: Integers, value: Integers, groups: int) -> Integers:
    """How many values each group has."""
    return np.bincount(group_rows([group, value]).codes[0], minlength=groups)


RULE = Rule(
    code="SS107",
    name="prompt-text-differs",
    severity=Severity.WARNING,
    title="One prompt id, several texts",
    why="Prompts are the clusters and the basis of every comparison on common prompts; models that were asked different things "
    "under one id are not compared on the same prompt.",
    todo="Give each text an id of its own (its hash will do); where an attack writes a prompt for each model, say so and waive.",
    threshold=f"One id with two texts within a source, attack class and condition. Where {ADAPTIVE:.0%} or more of the ids "
    "differ, between models only, and have a text for every second model or more, the attack seems adaptive: a note.",
    check=_check,
)
