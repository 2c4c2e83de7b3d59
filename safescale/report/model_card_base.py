"""The part of a card that sets a model beside its base, and a base beside what was made of it."""

from __future__ import annotations

from collections.abc import Iterator

from safescale.analyses.compare import ComparedSetting, CompareResult
from safescale.analyses.residual_safety.results import ResidualSafety
from safescale.analyses.residual_safety.sentences import tier_name
from safescale.analyses.words import capital, percent, plural, signed
from safescale.report import numbers
from safescale.report.compare_section import METHOD_WORDS
from safescale.report.document import Section, Table
from safescale.report.provenance import source_line
from safescale.report.table import table

__all__ = ["base_section"]


def base_section(found: ResidualSafety, command: str) -> Section:
    """Differences to the base by tier and attack class, and the tampered variants of a base."""
    against = found.against_base
    if against.base is None:
        said = f"No base to compare with: {against.unavailable}."
    elif not against.compared:
        said = f"Its base is {against.base} ({against.found_by}); not compared: {against.unavailable}."
    else:
        said = (
            f"Its base is {against.base} ({against.found_by}). Differences are this model minus its base, paired by prompt where "
            "both answered the same prompts; they speak of these two alone."
        )
    tables = (_differences(found, command), _variants(found, command))
    return Section(
        id="card-base",
        title="Against its base",
        paragraphs=(said, *(capital(words) for result in against.compared for words in _answers(result))),
        warnings=tuple(dict.fromkeys(caveat for result in against.compared for caveat in _caveats(result))),
        tables=tuple(one for one in tables if one.rows),
    )


def _told(result: CompareResult) -> Iterator[ComparedSetting]:
    return (setting for setting in result.settings if setting.overall is not None or setting.identical is not None)


def _answers(result: CompareResult) -> Iterator[str]:
    for setting in _told(result):
        yield f"{tier_name(result.options.tier)}, {setting.name}: {setting.words}"


def _caveats(result: CompareResult) -> Iterator[str]:
    for setting in _told(result):
        yield from setting.caveats


def _differences(found: ResidualSafety, command: str) -> Table:
    rows = []
    for result in found.against_base.compared:
        for setting in _told(result):
            whole = () if setting.overall is None else (setting.overall,)
            for own in (*whole, *(setting.classes if len(setting.classes) > 1 else ())):
                one, two = own.compared
                rows.append(
                    (
                        setting.grader or "",
                        setting.target,
                        setting.condition or "",
                        tier_name(result.options.tier),
                        own.name,
                        percent(one),
                        percent(two),
                        signed(100 * own.estimate),
                        numbers.pp_interval(None if own.low is None or own.high is None else (100 * own.low, 100 * own.high)),
                        METHOD_WORDS.get(own.method or "", numbers.NOTHING),
                        numbers.count(own.common_prompts),
                        numbers.p_value(own.p_holm),
                    )
                )
    level = f"{100 * found.level:g} % interval"
    names = (
        *("grader", "target", "condition", "tier", "attack class", "base", "this model", "difference, pp", level, "how"),
        *("common prompts", "Holm p"),
    )
    numeric = ("base", "this model", "difference, pp", level, "common prompts", "Holm p")
    source = source_line(
        command, found.fingerprint, plural(len(rows), "difference"), "as each tier is defined above", "see attack success"
    )
    return table("card-differences", "This model minus its base", names, numeric, rows, source)


def _variants(found: ResidualSafety, command: str) -> Table:
    rows = []
    for own in found.against_base.variants:
        pair = own.pair
        quoted = None if pair.quoted is None else (100 * pair.quoted.low, 100 * pair.quoted.high)
        rows.append(
            (
                pair.tampered.model,
                pair.kind.replace("_", "-"),
                own.setting,
                percent(pair.base.rate),
                percent(pair.tampered.rate),
                signed(pair.quoted_gap_pp),
                numbers.pp_interval(quoted),
                numbers.p_value(pair.p_value),
                pair.why_not_used or "",
            )
        )
    level = f"{100 * found.level:g} % interval"
    names = ("tampered model", "kind", "setting", "this model", "tampered", "gap, pp", level, "p", "doubt")
    source = source_line(command, found.fingerprint, plural(len(rows), "pair"), "strict rates of both", "see the card of each")
    return table(
        "card-variants",
        "Tampered models of its lineage and size",
        names,
        ("this model", "tampered", "gap, pp", level, "p"),
        rows,
        source,
    )
