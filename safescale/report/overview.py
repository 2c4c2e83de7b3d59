"""The overview: rates by grader, model and class, refusals of benign prompts, models, exclusions, files."""

from __future__ import annotations

from collections.abc import Sequence

from safescale.analyses import FirstLook
from safescale.analyses.first_look import RateRow
from safescale.analyses.words import plural
from safescale.cells import Exclusion
from safescale.report import numbers
from safescale.report.document import Column, Section, Table
from safescale.report.facts import CorpusFacts, Facts
from safescale.report.provenance import corpus_source, look_source
from safescale.report.switches import SELECTION_SWITCHES

__all__ = ["corpus_section", "exclusions_section", "overview_section"]

SHOWN_ROWS = 120
TIER_WORDS = {"strict": "strict", "broad": "broad", "functionally_dangerous": "functionally dangerous"}


def overview_section(facts: Facts) -> Section:
    """Counts and rates before any question."""
    look, source = facts.look, look_source(facts.look, facts.command)
    candidates = (
        _grader_table(look, source),
        _rate_table(look.overall, id="rates-overall", what="all counted rows", source=source),
        _rate_table(look.by_class, id="rates-by-class", what="attack class", source=source),
        _rate_table(look.by_model, id="rates-by-model", what="model", source=source),
        _over_refusal_table(look, source),
        _model_table(facts.corpus, source),
    )
    return Section(
        id="overview",
        title="What is in the corpus",
        paragraphs=(_counts_words(look),),
        tables=tuple(table for table in candidates if table is not None),
    )


def exclusions_section(facts: Facts) -> Section:
    """Graded rows that entered no rate, by reason, each with the switch that changes it."""
    look, source = facts.look, look_source(facts.look, facts.command)
    left_out = look.considered - look.counted
    words = f"{look.counted:,} of {plural(look.considered, 'graded row')} entered a rate, {left_out:,} did not."
    tables = []
    if look.exclusions:
        rows = tuple((e.reason.value, numbers.count(e.rows), e.words, _switch(e)) for e in look.exclusions)
        columns = _columns("reason", "#rows", "in words", "what changes it")
        tables.append(Table(id="exclusions", caption="Graded rows in no rate", columns=columns, rows=rows, source=source))
    if look.aggregate_exclusions:
        left = tuple((reason.replace("_", " "), numbers.count(n)) for reason, n in look.aggregate_exclusions.items())
        caption, columns = "Published rates that were left out", _columns("reason", "#published rates")
        tables.append(Table(id="aggregate-exclusions", caption=caption, columns=columns, rows=left, source=source))
    return Section(id="exclusions-section", title="What was left out", paragraphs=(words,), tables=tuple(tables))


def corpus_section(facts: Facts) -> Section:
    """Files, fates of their rows, rejects by code."""
    corpus, source = facts.corpus, corpus_source(facts.corpus, facts.command)
    fates = " + ".join(f"{n:,} {fate}" for fate, n in corpus.fates.items() if n)
    where = f"The corpus is {corpus.corpus}." if corpus.corpus else "The corpus was temporary, made from the files."
    paragraphs = [f"{where} {plural(corpus.rows_in, 'row')} in = {fates or '0'}."]
    tables = [_file_table(corpus, source)]
    if corpus.reject_codes:
        columns = _columns("code", "#rejects")
        rows = tuple((code, numbers.count(n)) for code, n in corpus.reject_codes.items())
        notes = ("Each with file, row, column, expected and got: safescale validate PATH.",)
        tables.append(Table(id="rejects", caption="Rejects by code", columns=columns, rows=rows, source=source, notes=notes))
    else:
        paragraphs.append("No row was rejected.")
    warnings = tuple(f"nothing was read from {u.file}: {u.code}, expected {u.expected}; got {u.got}" for u in corpus.unread)
    return Section(
        id="corpus", title="Where the rows came from", paragraphs=tuple(paragraphs), warnings=warnings, tables=tuple(tables)
    )


def _counts_words(look: FirstLook) -> str:
    traces = look.traces
    words = (
        f"{plural(traces.traces, 'trace')} ({traces.graded:,} graded, {traces.ungraded:,} ungraded, "
        f"{traces.copies:,} also in another source and counted once). "
        f"{plural(look.counted, 'counted row')} of {plural(look.models, 'model')} in {plural(look.attack_classes, 'attack class')}"
        f", {plural(look.prompts, 'prompt')}, {plural(look.cells, 'cell')}."
    )
    return f"{words} {plural(look.published_rates, 'published rate')} without rows." if look.published_rates else words


def _grader_table(look: FirstLook, source: str) -> Table | None:
    if not look.graders:
        return None
    columns = _columns("grader", "kind", "outcome map", "HALLUCINATION_REFUSAL means", "rate")
    rows = tuple(
        (
            meaning.grader,
            ", ".join(meaning.grader_kinds) or numbers.NOTHING,
            meaning.outcome_map,
            meaning.hallucination_refusal.replace("_", " "),
            meaning.definition(tier),
        )
        for meaning in look.graders
        for tier in meaning.tiers
    )
    return Table(id="graders", caption="Graders and what their verdicts mean", columns=columns, rows=rows, source=source)


def _rate_table(rows: Sequence[RateRow], *, id: str, what: str, source: str) -> Table | None:
    if not rows:
        return None
    tiers = [tier for tier in TIER_WORDS if any(rate.tier.value == tier for row in rows for rate in row.rates)]
    level = next(rate.interval.level for row in rows for rate in row.rates)
    settings = {(row.grader, row.target, row.condition) for row in rows}
    named = ("grader", "target", "condition") if len(settings) > 1 else ()
    tier_names = (f"#{TIER_WORDS[tier]} ASR" for tier in tiers)
    columns = _columns(what, *named, "#models", "#classes", "#rows", *tier_names)
    cells = tuple(
        (
            row.name or "all",
            *(getattr(row, name) for name in named),
            *(numbers.count(n) for n in (row.models, row.attack_classes, row.rows)),
            *(_tier_cell(row, tier) for tier in tiers),
        )
        for row in rows[:SHOWN_ROWS]
    )
    notes = [
        f"{100 * level:g} % Wilson intervals, rows taken as independent.",
        "Rows that are added up depend on their mix; nothing is compared here.",
    ]
    if len(rows) > SHOWN_ROWS:
        notes.append(f"The first {SHOWN_ROWS} of {len(rows):,} rows; all of them are in report.json.")
    caption = f"Attack success rates{': ' if rows[0].name is None else ' by '}{what}"
    if not named:
        caption += f", grader {rows[0].grader}, target {rows[0].target}, condition {rows[0].condition}"
    return Table(id=id, caption=caption, columns=columns, rows=cells, source=source, notes=tuple(notes))


def _tier_cell(row: RateRow, tier: str) -> str:
    return next((numbers.rate_with_interval(r.interval) for r in row.rates if r.tier.value == tier), numbers.NOTHING)


def _over_refusal_table(look: FirstLook, source: str) -> Table | None:
    if not look.over_refusal:
        return None
    columns = _columns("model", "grader", "target", "condition", "#rows", "#refused")
    rows = tuple(
        (r.model_id, r.grader, r.target, r.condition, numbers.count(r.refused.trials), numbers.rate_with_interval(r.refused))
        for r in look.over_refusal[:SHOWN_ROWS]
    )
    notes: tuple[str, ...] = ("A rate of its own: benign prompts never enter an attack success rate.",)
    if len(look.over_refusal) > SHOWN_ROWS:
        notes = (*notes, f"The first {SHOWN_ROWS} of {len(look.over_refusal):,} rows; all of them are in report.json.")
    return Table(id="over-refusal", caption="Refusals of benign prompts", columns=columns, rows=rows, source=source, notes=notes)


def _model_table(corpus: CorpusFacts, source: str) -> Table | None:
    if not corpus.models:
        return None
    columns = _columns(
        "model id", "#size", "#active", "size is from", "developer", "generation", "family", "tampering", "doubts about the size"
    )
    rows = tuple(
        (
            model.model_id,
            numbers.size(model.params_total_b),
            numbers.NOTHING if model.params_active_b is None else numbers.size(model.params_active_b),
            model.size_source,
            *(value or numbers.NOTHING for value in (model.developer, model.lineage, model.family)),
            model.tampering,
            model.size_note or numbers.NOTHING,
        )
        for model in corpus.models[:SHOWN_ROWS]
    )
    notes: tuple[str, ...] = ()
    if len(corpus.models) > SHOWN_ROWS:
        notes = (f"The first {SHOWN_ROWS} of {len(corpus.models):,} models; all of them are in report.json.",)
    return Table(id="models", caption="Models as the registry knows them", columns=columns, rows=rows, source=source, notes=notes)


def _file_table(corpus: CorpusFacts, source: str) -> Table:
    columns = _columns("file", "format", "#rows", "#traces", "#duplicates", "#rejects", "#other")
    rows = []
    for file in corpus.files[:SHOWN_ROWS]:
        known = [file.fates.get(fate, 0) for fate in ("trace", "duplicate", "reject")]
        cells = (file.rows_in, *known, sum(file.fates.values()) - sum(known))
        rows.append((file.file, file.format, *(numbers.count(n) for n in cells)))
    notes: tuple[str, ...] = ()
    if len(corpus.files) > SHOWN_ROWS:
        notes = (f"The first {SHOWN_ROWS} of {len(corpus.files):,} files; all of them are in report.json.",)
    return Table(id="files", caption="Files", columns=columns, rows=tuple(rows), source=source, notes=notes)


def _columns(*names: str) -> tuple[Column, ...]:
    """Columns by name; ``#`` before a name stands for numbers."""
    return tuple(Column(name=name.removeprefix("#"), numeric=name.startswith("#")) for name in names)


def _switch(exclusion: Exclusion) -> str:
    if exclusion.switch is None:
        return "nothing: it follows from what the rate is"
    return SELECTION_SWITCHES[exclusion.switch]
