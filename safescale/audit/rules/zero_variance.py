"""Cells without variance where there should be some."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from safescale.analyses.words import p_words, percent, plural
from safescale.audit.corpus_facts import AuditFacts, Flags, Integers
from safescale.audit.finding import Hit, Severity
from safescale.audit.rule import Rule
from safescale.audit.words import named
from safescale.cells.coding import group_rows
from safescale.cells.graded_rows import VERDICTS
from safescale.records.verdicts import Verdict

__all__ = ["RULE"]

MIN_ROWS: Final = 20
MIN_MODELS: Final = 4
MIN_CELLS: Final = 8
SPREAD: Final = 3.0
ALPHA: Final = 1e-4
_NEGATIVE: Final = (Verdict.REFUSAL, Verdict.NOT_HARMFUL)

Floats = npt.NDArray[np.float64]


def _check(facts: AuditFacts) -> Iterator[Hit]:
    at = facts.counted
    if not at.size:
        return
    kept = facts.trace_of_row[at]
    traces = facts.traces
    cells = group_rows(
        [
            facts.rows.grader.codes[at],
            facts.rows.target.codes[at],
            traces.condition.codes[kept],
            traces.attack_class.codes[kept],
            traces.model_id.codes[kept],
        ]
    )
    counts = np.zeros((cells.count, len(VERDICTS)), dtype=np.int64)
    np.add.at(counts, (cells.of_row, facts.rows.verdict[at]), 1)
    by_prompt = group_rows([cells.of_row, traces.prompt_id.codes[kept]])
    prompts = np.bincount(by_prompt.codes[0], minlength=cells.count)
    rows = counts.sum(axis=1)
    constant = (counts.max(axis=1) == rows) & (rows >= MIN_ROWS)
    settings = group_rows(list(cells.codes[:3])).of_row
    classes = group_rows(list(cells.codes[:4])).of_row
    whole = _whole_classes(cells.codes, counts, rows, constant, settings, classes)
    for class_code in whole:
        here = np.flatnonzero(classes == class_code)
        grader, condition, attack = _names(facts, cells.codes[:, here[0]])
        verdict = VERDICTS[int(counts[here[0]].argmax())]
        models = sorted(traces.model_id.values[int(i)].as_py() for i in cells.codes[4, here])
        yield Hit(
            subject=f"{grader} / {condition} / {attack}",
            found=f"{grader} gives {verdict} to all {plural(int(rows[here].sum()), 'row')} of {plural(here.size, 'model')} in "
            f"attack class {attack}, condition {condition} ({named(models)}), and other verdicts elsewhere",
            evidence=facts.grade_evidence(at[np.isin(cells.of_row, here)], ids=models),
            # a class that every model refuses is a hard one more often than a mistake
            severity=Severity.INFO if verdict in _NEGATIVE else None,
        )
    tests = max(int((rows >= MIN_ROWS).sum()), 1)
    for cell in np.flatnonzero(constant & ~np.isin(classes, whole)).tolist():
        expected = _expected(cell, counts, rows, settings, classes, cells.codes[4])
        if expected is None:
            continue
        # prompts, not rows: repeats of one prompt tend to agree
        luck = float(expected ** prompts[cell]) * tests
        if luck >= ALPHA:
            continue
        grader, condition, attack = _names(facts, cells.codes[:, cell])
        model = traces.model_id.values[int(cells.codes[4, cell])].as_py()
        verdict = VERDICTS[int(counts[cell].argmax())]
        yield Hit(
            subject=f"{model} / {attack} / {condition} / {grader}",
            found=f"all {plural(int(rows[cell]), 'row')} of {model} in attack class {attack} (condition {condition}, grader "
            f"{grader}) are {verdict}; from the model's other classes and the class's other models at most {percent(expected)} "
            f"would be (probability of none else by luck, over {tests:,} cells, {p_words(luck)})",
            evidence=facts.grade_evidence(at[cells.of_row == cell], ids=(model,)),
        )


def _names(facts: AuditFacts, codes: Integers) -> tuple[str, str, str]:
    traces = facts.traces
    grader, condition, attack = facts.rows.grader.values, traces.condition.values, traces.attack_class.values
    return grader[int(codes[0])].as_py(), condition[int(codes[2])].as_py(), attack[int(codes[3])].as_py()


def _whole_classes(
    codes: Integers,
    counts: Integers,
    rows: Integers,
    constant: Flags,
    settings: Integers,
    classes: Integers,
) -> list[int]:
    """Attack classes in which one grader says one thing of every model, while those models vary with it elsewhere."""
    found = []
    for class_code in np.unique(classes).tolist():
        here = np.flatnonzero(classes == class_code)
        verdicts = np.unique(counts[here].argmax(axis=1))
        if here.size < MIN_MODELS or not constant[here].all() or verdicts.size > 1:
            continue
        elsewhere = (settings == settings[here[0]]) & (classes != class_code) & np.isin(codes[4], codes[4, here])
        other = counts[elsewhere].sum() - counts[elsewhere][:, verdicts[0]].sum()
        # hard for every model is one thing; a class like no other is another
        if elsewhere.any() and other > 0.5 * rows[elsewhere].sum():
            found.append(class_code)
    return found


def _expected(cell: int, counts: Integers, rows: Integers, settings: Integers, classes: Integers, model: Integers) -> float | None:
    """
    Share of the cell's verdict that its model and its attack class would give at the most.

    Additive on the logit scale from the model's other classes and the class's other models, plus ``SPREAD`` times the scatter of
    all cells around that: models do differ by class. None where the model has no other class, or the class too few other models.
    """
    here = np.flatnonzero(settings == settings[cell])
    own = int(np.flatnonzero(here == cell)[0])
    y, n = counts[here, int(counts[cell].argmax())].astype(float), rows[here].astype(float)
    _, by_model = np.unique(model[here], return_inverse=True)
    _, by_class = np.unique(classes[here], return_inverse=True)
    # as though the cell were not there: it must not move what the others are held against
    left_y, left_n = y.copy(), n.copy()
    left_y[own] = left_n[own] = 0.0
    model_y, model_n = (np.bincount(by_model, weights=of)[by_model] for of in (left_y, left_n))
    class_y, class_n = (np.bincount(by_class, weights=of)[by_class] for of in (left_y, left_n))
    usable = (model_n - left_n >= MIN_ROWS) & (np.bincount(by_class)[by_class] >= MIN_MODELS)
    if not usable[own]:
        return None
    expected = (
        _logit(model_y - left_y, model_n - left_n)
        + _logit(class_y - left_y, class_n - left_n)
        - _logit(left_y.sum() - model_y, left_n.sum() - model_n)
    )
    # nor do cells tell of scatter that have no variance themselves
    usable[own] = False
    usable &= (y > 0) & (y < n)
    scatter = np.abs(_logit(y, n) - expected)[usable]
    # what is left of it when the sampling error of a cell is taken out
    sampling = (1.0 / (y + 0.5) + 1.0 / (n - y + 0.5))[usable]
    spread = 1.0
    if scatter.size:
        spread = float(np.sqrt(max((1.4826 * np.median(scatter)) ** 2 - np.median(sampling), 0.0)))
    if scatter.size < MIN_CELLS:
        spread = max(spread, 1.0)
    return float(expit(expected[own] + SPREAD * spread))


def _logit(successes: Floats, trials: Floats) -> Floats:
    return np.asarray(logit((successes + 0.5) / (trials + 1.0)))


RULE = Rule(
    code="SS310",
    name="zero-variance",
    severity=Severity.WARNING,
    title="Cells without variance",
    why="A cell in which nothing varies, where model and attack class vary everywhere else, is more often a default value, a "
    "filter or a failed grading than a finding.",
    todo="Look at the rows of the cell: raw labels, responses, the run that graded them.",
    threshold=f"A cell of {MIN_ROWS} or more rows with one verdict, which the model's other classes and the class's other models "
    f"would give with a probability under {ALPHA:g} over all cells (share additive on the logit scale, plus {SPREAD:g} times the "
    f"scatter of cells around that, to the power of the number of prompts); or one verdict on every model ({MIN_MODELS} or more) "
    "of a class while most of their rows elsewhere hold others (a note where it is a refusal). Models that refuse everything "
    "refuse in their other classes, too, and do not stand out.",
    check=_check,
)
