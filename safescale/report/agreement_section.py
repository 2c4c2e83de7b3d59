"""The section of agreement: one part per pair of graders."""

from __future__ import annotations

from typing import Final

from safescale.analyses.agreement import AgreementGroup, AgreementPair, AgreementResult, AgreementVerdict, Ranking
from safescale.analyses.agreement.sentences import coefficient_words
from safescale.analyses.words import capital, percent, plural
from safescale.report import numbers
from safescale.report.chapter import Chapter
from safescale.report.document import Finding, Section, Table, Value
from safescale.report.figures.sink import FigureSink
from safescale.report.provenance import source_line
from safescale.report.table import table
from safescale.stats import AgreementCoefficient, ClusteredAgreement

__all__ = ["agreement_chapter"]

QUESTION: Final = "How far do these graders agree, and is it the same in every condition?"

_COEFFICIENTS: Final = ("observed", "kappa", "weighted_kappa", "ac1", "alpha")


def agreement_chapter(result: AgreementResult, command: str, sink: FigureSink | None = None) -> Chapter:
    """Every pair; nothing is drawn."""
    del sink
    section = Section(
        id="agreement",
        title="Agreement of graders",
        warnings=result.caveats,
        methods=_methods(result),
        sections=tuple(_part(pair, result, command, at) for at, pair in enumerate(result.pairs, start=1)),
    )
    return Chapter(key="agreement", findings=tuple(_finding(pair) for pair in result.pairs), section=section)


def _finding(pair: AgreementPair) -> Finding:
    able = [group for group in pair.conditions if group.found is not None]
    verdicts = sorted({group.verdict.value for group in able})
    return Finding(
        question=QUESTION,
        about=f"{pair.first} and {pair.second}, target {pair.target}",
        verdict="; ".join(verdicts) if verdicts else AgreementVerdict.CANNOT.value,
        testable=bool(able),
        testability=f"{plural(sum(g.traces for g in pair.conditions), 'common trace')} in "
        f"{plural(len(pair.conditions), 'condition')}, "
        f"compared by {' | '.join(pair.levels)} compliance.",
        answer=capital(pair.words),
    )


def _part(pair: AgreementPair, result: AgreementResult, command: str, number: int) -> Section:
    rows = plural(sum(g.traces for g in pair.conditions), "common trace")
    weights = "each trace counts 1 over its inclusion probability" if pair.weighted else "each trace counts once"
    source = source_line(command, result.fingerprint, rows, f"traces that both judged; {weights}", "others are in no table")
    prefix = f"agreement-{number}"
    tables = [
        _coefficients(pair.conditions, f"{prefix}-conditions", "Agreement by condition", result, source),
        _confusion(pair, f"{prefix}-confusion", result, source),
        _coefficients(pair.models, f"{prefix}-models", "Agreement by model", result, source),
        *(_ranking(found, pair, f"{prefix}-order-{at}", source) for at, found in enumerate(pair.rankings, start=1)),
    ]
    return Section(
        id=prefix,
        title=f"{pair.first} and {pair.second}",
        paragraphs=(capital(pair.words), *(f"No order of models: {why}." for why in pair.ranking_unavailable)),
        tables=tuple(found for found in tables if found.rows),
    )


def _coefficients(groups: tuple[AgreementGroup, ...], id: str, caption: str, result: AgreementResult, source: str) -> Table:
    by_model = any(group.model is not None for group in groups)
    names: tuple[str, ...] = ("condition", *(["model"] if by_model else []), "traces", "prompts")
    names += ("raw agreement", "kappa", "weighted kappa", "AC1", "alpha", "what may be said")
    rows: list[tuple[str, ...]] = []
    values: list[tuple[Value, ...]] = []
    for group in groups:
        head: tuple[str, ...] = (group.condition, *([group.model or ""] if by_model else []))
        if group.found is None:
            nothing = (numbers.NOTHING,) * (1 + len(_COEFFICIENTS))
            rows.append((*head, numbers.count(group.traces), *nothing, f"{group.verdict.value}: {group.words}"))
            values.append((group.condition, group.model, group.traces, *(None,) * 16, group.verdict.value))
            continue
        found = group.found
        counts = (numbers.count(found.n), numbers.count(found.clusters))
        shown = (_percent(found.observed), *(coefficient_words(getattr(found, name)) for name in _COEFFICIENTS[1:]))
        rows.append((*head, *counts, *shown, group.verdict.value))
        numeric = [value for name in _COEFFICIENTS for value in _three(getattr(found, name))]
        values.append((group.condition, group.model, found.n, found.clusters, *numeric, group.verdict.value))
    value_names: tuple[str, ...] = ("condition", "model", "traces", "prompts")
    value_names += tuple(f"{name}{end}" for name in _COEFFICIENTS for end in ("", "_low", "_high"))
    interval = f"{100 * result.level:g} % intervals, prompts as units."
    return table(
        id,
        caption,
        names,
        names[2 if by_model else 1 : -1],
        rows,
        source,
        (interval,),
        values=values,
        value_names=(*value_names, "verdict"),
    )


def _percent(found: AgreementCoefficient) -> str:
    if found.estimate is None or found.low is None or found.high is None:
        return numbers.NOTHING
    return f"{percent(found.estimate)} [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def _three(found: AgreementCoefficient) -> tuple[Value, Value, Value]:
    return found.estimate, found.low, found.high


def _confusion(pair: AgreementPair, id: str, result: AgreementResult, source: str) -> Table:
    """Per condition: what the second says of what the first called so."""
    names = ("condition", f"{pair.first} says", "traces", *(f"{pair.second} says {level}" for level in pair.levels))
    rows = []
    for group in pair.conditions:
        if group.found is not None:
            rows += [_confused(group.condition, group.found, at) for at in range(len(pair.levels))]
    note = f"Counts, and the share of the row with its {100 * result.level:g} % interval" + (
        ", weighted." if pair.weighted else "."
    )
    return table(id, "Who says what where the other says what", names, names[2:], rows, source, (note,))


def _confused(condition: str, found: ClusteredAgreement, at: int) -> tuple[str, ...]:
    counts = found.table[at]
    cells = (f"{numbers.count(n)}: {_percent(share)}" for n, share in zip(counts, found.given_first[at], strict=True))
    return (condition, str(found.categories[at]), numbers.count(sum(counts)), *cells)


def _ranking(found: Ranking, pair: AgreementPair, id: str, source: str) -> Table:
    names = ("model", f"rate by {pair.first}", f"rate by {pair.second}")
    rows = [(model, percent(a), percent(b)) for model, a, b in found.rates]
    swapped = "; ".join(f"{a} and {b}" for a, b in found.beyond_noise) or "none"
    notes = (f"{capital(found.words)}. Exchanged beyond noise: {swapped}.",)
    return table(id, f"Order of models, condition {found.condition}", names, names[1:], rows, source, notes)


def _methods(result: AgreementResult) -> tuple[str, ...]:
    if not any(group.found is not None for pair in result.pairs for group in pair.conditions):
        return ()
    words = [
        "Agreement of graders is given as Cohen's kappa (plain and linearly weighted), Gwet's AC1 and Krippendorff's nominal "
        "alpha, with linearised intervals clustered by prompt."
    ]
    if any(pair.weighted for pair in result.pairs):
        words.append("Traces of the validation sample were weighted by the inverse of their inclusion probabilities.")
    return tuple(words)
