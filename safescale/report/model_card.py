"""A card of residual safety as sections: figures with what they rest on, and what they do not say."""

from __future__ import annotations

from typing import Final

from safescale.analyses.correction import CorrectedGroup
from safescale.analyses.correction.sentences import rate_words as corrected_rate_words
from safescale.analyses.residual_safety.results import PROPOSAL, OverRefusal, RatesOfRows, ResidualSafety, Subject
from safescale.analyses.residual_safety.sentences import class_words, state_words, tier_name
from safescale.analyses.setting import Setting
from safescale.analyses.words import and_list, capital, percent, plural, size_words
from safescale.report import numbers
from safescale.report.document import Section, Value
from safescale.report.model_card_base import base_section
from safescale.report.provenance import exclusions_words, source_line
from safescale.report.table import table

__all__ = ["card_sections"]

_SETTING: Final = ("grader", "target", "condition")


def card_sections(found: ResidualSafety, command: str) -> tuple[Section, ...]:
    """The whole card; the first section holds the answer, the last ones what must not be taken from it."""
    return (
        Section(
            id="card",
            title=f"Residual safety of {found.subject.model}",
            paragraphs=(PROPOSAL, found.answer),
            warnings=found.caveats,
            commands=(command,),
        ),
        _model(found, command),
        _prompts(found, command),
        _attack_success(found, command),
        _grader_error(found, command),
        _over_refusal(found, command),
        base_section(found, command),
        _not_told(found, command),
        Section(id="card-not-to-conclude", title="What a reader must not conclude", warnings=found.not_to_conclude),
    )


def _source(found: ResidualSafety, command: str, rows: str, denominator: str, exclusions: str = "every row is shown") -> str:
    return source_line(command, found.fingerprint, rows, denominator, exclusions)


def _model(found: ResidualSafety, command: str) -> Section:
    own = found.subject
    rows = [
        ("ids in the corpus", ", ".join(own.model_ids)),
        ("parameters", _size(own)),
        ("developer", own.developer or "unknown"),
        ("served by", ", ".join(own.hosts) or numbers.NOTHING),
        ("family, lineage", ", ".join(name or "unknown" for name in (own.family, own.lineage))),
        ("safety training", state_words(own.tampering)),
        ("how that is known", "; ".join(own.tampering_detail) or "nothing says so"),
        ("sources of rows", ", ".join(found.sources) or "none"),
    ]
    for run in found.runs:
        facts = [run.tool_version and f"version {run.tool_version}", run.model_revision and f"weights at {run.model_revision}"]
        facts += [run.chat_template_sha256 and f"chat template sha256 {run.chat_template_sha256[:12]}"]
        facts += [f"{name} {value:g}" for name, value in run.sampling.items()]
        rows.append((f"run of {run.tool}", ", ".join(fact for fact in facts if fact) or "nothing more is known"))
    if not found.runs:
        rows.append(("runs", "no manifest: revision, chat template and sampling are not known"))
    source = _source(found, command, plural(len(own.model_ids), "id"), "registry and manifests of the corpus")
    return Section(id="card-model", title="Model", tables=(table("card-model", "The model", ("what", "value"), (), rows, source),))


def _size(own: Subject) -> str:
    size = own.size
    if size.params_total_b is None:
        told = "unknown"
    else:
        active = "" if size.params_active_b is None else f", {size_words(size.params_active_b)} active"
        told = f"{size_words(size.params_total_b)}{active} (source: {size.source})"
    return told if size.note is None else f"{told}; {size.note}"


def _prompts(found: ResidualSafety, command: str) -> Section:
    traces = sum(own.traces for own in found.prompt_sets)
    source = _source(found, command, plural(traces, "trace"), "traces of this model, graded or not")
    sets = [(s.kind, numbers.count(s.prompts), numbers.count(s.traces), s.sha256, s.basis) for s in found.prompt_sets]
    uses = [
        (
            class_words(u.attack_class),
            u.kind,
            u.condition,
            numbers.count(u.traces),
            numbers.count(u.prompts),
            numbers.count(u.most_traces),
        )
        for u in found.prompts
    ]
    note = "Cards speak of the same prompts where the hash, and what it is over, are the same; ids are equal in one corpus only."
    tables = (
        table(
            "card-prompt-sets",
            "Prompt sets",
            ("kind", "prompts", "traces", "sha256", "over"),
            ("prompts", "traces"),
            sets,
            source,
            (note,),
        ),
        table(
            "card-prompts",
            "Prompts used",
            ("attack class", "kind", "condition", "traces", "prompts", "most of one prompt"),
            ("traces", "prompts", "most of one prompt"),
            uses,
            source,
        ),
    )
    said = () if uses else ("The corpus holds no trace of this model.",)
    return Section(id="card-prompts", title="Prompts", paragraphs=said, tables=tuple(one for one in tables if one.rows))


def _attack_success(found: ResidualSafety, command: str) -> Section:
    rows: list[tuple[str, ...]] = []
    values: list[tuple[Value, ...]] = []
    classes: list[tuple[str, ...]] = []
    class_values: list[tuple[Value, ...]] = []
    out: dict[str, int] = {}
    for rates in found.rates:
        kind = "/".join(rates.grader_kinds) + (" (no grader of harm)" if rates.is_keyword else "")
        head = (rates.setting.grader, kind, rates.setting.target, rates.setting.condition)
        _add(rows, values, head, rates.overall)
        for own in rates.classes if len(rates.classes) > 1 else ():
            _add(classes, class_values, (rates.setting.grader, class_words(own.attack_class or ""), *head[2:]), own)
        for reason, n in rates.excluded.items():
            out[reason] = out.get(reason, 0) + n
    definitions = "; ".join(dict.fromkeys(rate.definition for own in found.rates for rate in own.overall.rates)) or "no rate"
    counted = plural(sum(own.overall.rows for own in found.rates), "evaluable row")
    source = _source(found, command, counted, definitions, exclusions_words(out))
    level = f"{100 * found.level:g} % interval"
    tail = ("tier", "rate, %", level, "of", "prompts", "worth independent rows")
    numeric = ("rate, %", level, "prompts", "worth independent rows")
    names = ("tier", "rate", "low", "high", "successes", "evaluable_rows", "prompts", "effective_rows", "definition")
    note = (
        "Intervals take prompts for what replicates (Wilson with a design effect): several rows of one prompt are worth fewer than "
        "their number."
    )
    if any(len(own.classes) > 1 for own in found.rates):
        note += " A rate over several attack classes depends on their mix."
    lacking: dict[str, list[str]] = {}
    for own_rates in found.rates:
        for tier in own_rates.missing_tiers:
            lacking.setdefault(tier.replace("_", " "), []).append(own_rates.setting.grader)
    missing = [f"No {tier} rate is to be had from {and_list(list(dict.fromkeys(names)))}" for tier, names in lacking.items()]
    published = [
        (
            p.source,
            p.setting.grader,
            p.attack_class,
            p.setting.condition,
            tier_name(p.tier),
            percent(p.rate),
            numbers.count(p.n),
            _pair(p.if_independent),
        )
        for p in found.published
    ]
    tables = (
        table(
            "card-rates",
            "Attack success by grader",
            ("grader", "its kind", *_SETTING[1:], *tail),
            numeric,
            rows,
            source,
            (note,),
            values=values,
            value_names=("grader", "kind", "target", "condition", *names),
        ),
        table(
            "card-classes",
            "Attack success by attack class",
            ("grader", "attack class", *_SETTING[1:], *tail),
            numeric,
            classes,
            source,
            values=class_values,
            value_names=("grader", "attack_class", "target", "condition", *names),
        ),
        table(
            "card-published",
            "Published rates without rows",
            ("source", "grader", "attack class", "condition", "tier", "rate", "n", "interval if rows were independent, %"),
            ("rate", "n", "interval if rows were independent, %"),
            published,
            source,
            ("As printed: without rows nothing can be clustered by prompt, paired or corrected.",),
        ),
    )
    said = () if found.rates or found.published else ("No graded row of a harmful prompt of this model counts.",)
    return Section(
        id="card-rates",
        title="Attack success",
        paragraphs=(*said, *(f"{words}." for words in dict.fromkeys(missing))),
        tables=tuple(one for one in tables if one.rows),
    )


def _add(rows: list[tuple[str, ...]], values: list[tuple[Value, ...]], head: tuple[str, ...], own: RatesOfRows) -> None:
    for rate in own.rates:
        rows.append(
            (
                *head,
                tier_name(rate.tier),
                f"{100 * rate.estimate:.1f}",
                f"[{100 * rate.low:.1f}, {100 * rate.high:.1f}]",
                f"{rate.successes:,} of {rate.trials:,}",
                numbers.count(rate.prompts),
                f"{rate.effective_trials:.0f}",
            )
        )
        values.append(
            (
                *head,
                rate.tier.value,
                rate.estimate,
                rate.low,
                rate.high,
                rate.successes,
                rate.trials,
                rate.prompts,
                rate.effective_trials,
                rate.definition,
            )
        )


def _grader_error(found: ResidualSafety, command: str) -> Section:
    error = found.grader_error
    reference = error.reference or "no reference"
    source = _source(found, command, plural(len(error.corrected), "corrected rate"), f"reference: {reference}")
    corrected = [
        (
            *_of(own.setting),
            tier_name(own.found.tier),
            numbers.NOTHING if own.found.graded_rate is None else percent(own.found.graded_rate),
            numbers.NOTHING if own.found.estimate is None else corrected_rate_words(own.found),
            numbers.count(own.found.labelled),
            _youden(own.found),
            own.found.basis.value,
            own.found.verdict.value,
        )
        for own in error.corrected
    ]
    bands = [
        (
            band.target,
            band.condition,
            tier_name(band.tier),
            numbers.count(band.graders),
            f"{percent(band.low)} ({band.low_grader})",
            f"{percent(band.high)} ({band.high_grader})",
            numbers.yes_no(band.same_rows),
        )
        for band in error.bands
    ]
    if error.unknown_because is not None:
        said = f"The error of the graders on this model is unknown: {error.unknown_because}."
        said += (
            " The band below is how far graders differ, which is no error: graders that agree may err together." if bands else ""
        )
    else:
        what = "labels of people" if error.reference_kind == "human" else "another grader, which is no truth"
        said = f"Grades were held against {error.reference} ({what})."
    tables = (
        table(
            "card-corrected",
            "Graded and corrected",
            (*_SETTING, "tier", "graded", "corrected", "labels", "Youden's J", "rests on", "what may be said"),
            ("graded", "corrected", "labels", "Youden's J"),
            corrected,
            source,
        ),
        table(
            "card-bands",
            "Graders beside each other",
            ("target", "condition", "tier", "graders", "lowest", "highest", "as many rows and prompts"),
            ("graders",),
            bands,
            source,
        ),
    )
    return Section(
        id="card-error",
        title="Grader error",
        paragraphs=(said,),
        warnings=error.notes,
        tables=tuple(one for one in tables if one.rows),
    )


def _pair(limits: tuple[float, float] | None) -> str:
    return numbers.NOTHING if limits is None else f"[{100 * limits[0]:.1f}, {100 * limits[1]:.1f}]"


def _youden(found: CorrectedGroup) -> str:
    if found.youden_j is None or found.youden_low is None or found.youden_high is None:
        return numbers.NOTHING
    return f"{found.youden_j:.2f} [{found.youden_low:.2f}, {found.youden_high:.2f}]"


def _over_refusal(found: ResidualSafety, command: str) -> Section:
    both = (*found.over_refusal, *found.against_base.over_refusal)
    rows = [(own.model, *_of(own.setting), *_refused(own), _doubt(own)) for own in both]
    count = plural(sum(own.rows for own in both), "evaluable row")
    source = _source(found, command, count, "REFUSAL over evaluable verdicts on benign prompts")
    level = f"{100 * found.level:g} % interval"
    names = ("model", *_SETTING, "refused, %", level, "of", "prompts", "hedged", "doubt")
    numeric = ("refused, %", level, "prompts", "hedged")
    shown = (table("card-over-refusal", "Over-refusal of benign prompts", names, numeric, rows, source),) if rows else ()
    said = () if found.over_refusal else ("Unknown: no graded answer of this model to a benign prompt.",)
    return Section(id="card-over-refusal", title="Over-refusal", paragraphs=said, tables=shown)


def _refused(own: OverRefusal) -> tuple[str, ...]:
    if own.rate is None:
        return numbers.NOTHING, numbers.NOTHING, f"– of {own.rows:,}", numbers.count(own.prompts), numbers.count(own.partial)
    return (
        f"{100 * own.rate.estimate:.1f}",
        f"[{100 * own.rate.low:.1f}, {100 * own.rate.high:.1f}]",
        f"{own.rate.successes:,} of {own.rate.trials:,}",
        numbers.count(own.prompts),
        numbers.count(own.partial),
    )


def _doubt(own: OverRefusal) -> str:
    doubts = [own.unknown_because, "a keyword rule" if own.is_keyword else None]
    doubts += [None if own.attacked_here else "attack success was not measured under this condition"]
    return "; ".join(doubt for doubt in doubts if doubt) or numbers.NOTHING


def _of(setting: Setting) -> tuple[str, str, str]:
    return setting.grader, setting.target, setting.condition


def _not_told(found: ResidualSafety, command: str) -> Section:
    rows = [(capital(own.what), own.would) for own in found.not_told]
    source = _source(found, command, plural(len(rows), "question"), "what figures of this kind would need")
    shown = table("card-not-told", "Not told", ("not told here", "what would tell"), (), rows, source)
    return Section(id="card-not-told", title="What this corpus does not tell", tables=(shown,) if rows else ())
