"""Compared models that were asked different prompts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_matrix

from safescale.analyses.words import percent, plural
from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Hit, Severity
from safescale.audit.rule import Rule
from safescale.audit.words import named
from safescale.cells.coding import group_rows

__all__ = ["RULE"]

MIN_PROMPTS: Final = 20
MIN_SHARE: Final = 0.80
NEARLY_NONE: Final = 0.20


def _check(facts: AuditFacts) -> Iterator[Hit]:
    traces = facts.traces
    graded = np.zeros(traces.count, dtype=bool)
    graded[facts.trace_of_row] = True
    benign = traces.prompt_kind.is_in(["benign"])
    # whatever the verdict: what fell out of the denominator is another rule's
    at = np.flatnonzero(facts.own & graded & ~benign)
    if not at.size:
        return
    settings = group_rows([traces.attack_class.codes[at], traces.condition.codes[at]])
    for setting in range(settings.count):
        rows = at[settings.of_row == setting]
        models, owner = np.unique(traces.model_id.codes[rows], return_inverse=True)
        prompts, prompt = np.unique(traces.prompt_id.codes[rows], return_inverse=True)
        asked = csr_matrix((np.ones(rows.size, dtype=np.int32), (owner, prompt)), shape=(models.size, prompts.size))
        asked.data[:] = 1
        number = np.asarray(asked.sum(axis=1)).ravel()
        able = np.flatnonzero(number >= MIN_PROMPTS)
        if able.size < 2:
            continue
        asked, number, models = asked[able], number[able], models[able]
        both = np.asarray((asked @ asked.T).todense())
        share = both / (number[:, None] + number[None, :] - both)
        np.fill_diagonal(share, 1.0)
        if share.min() >= MIN_SHARE:
            continue
        one, other = np.unravel_index(int(share.argmin()), share.shape)
        common = int((np.asarray(asked.sum(axis=0)).ravel() == models.size).sum())
        names = traces.model_id.values.take(pa.array(models)).to_pylist()
        attack, condition = (
            column.values[int(code)].as_py()
            for column, code in zip((traces.attack_class, traces.condition), settings.codes[:, setting], strict=True)
        )
        typical = np.median(share, axis=1)
        odd = [names[i] for i in np.flatnonzero(typical < MIN_SHARE).tolist()]
        who = f"; {named(odd)} share less than {MIN_SHARE:.0%} with most of the others" if 0 < len(odd) < len(names) else ""
        yield Hit(
            subject=f"{attack} / {condition}",
            found=f"the {plural(len(names), 'model')} compared in attack class {attack}, condition {condition}, have {common:,} "
            f"of {plural(prompts.size, 'prompt')} in common; {names[one]} and {names[other]} share "
            f"{percent(float(share[one, other]))} of theirs ({int(both[one, other]):,} of "
            f"{int(number[one] + number[other] - both[one, other]):,}){who}",
            evidence=facts.trace_evidence(
                rows[np.isin(traces.model_id.codes[rows], models[[one, other]])], ids=(names[one], names[other], *odd)
            ),
            severity=Severity.ERROR if share.max(where=~np.eye(len(names), dtype=bool), initial=0.0) < NEARLY_NONE else None,
        )


RULE = Rule(
    code="SS401",
    name="prompt-sets-differ",
    severity=Severity.WARNING,
    title="Models were asked different prompts",
    why="Prompts differ in difficulty more than models differ in safety: a difference between models may be one between prompt "
    "sets.",
    todo="Compare on the prompts in common (safescale analyze compare does), or collect the missing ones.",
    threshold=f"Two models with {MIN_PROMPTS} or more graded prompts each in an attack class and condition share fewer than "
    f"{MIN_SHARE:.0%} of the prompts that either has, by prompt id, whatever the verdicts (error where no two models share "
    f"{NEARLY_NONE:.0%}).",
    check=_check,
)
