"""A card for a terminal, as Markdown in the manner of model cards, and as JSON."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from safescale.analyses.residual_safety import PROPOSAL, ResidualSafety
from safescale.analyses.residual_safety.results import ClusteredRate
from safescale.analyses.setting import Setting
from safescale.report.chapter_text import chapter_json, table_text
from safescale.report.document import Section, every_section
from safescale.report.markdown import sections_markdown
from safescale.report.model_card import card_sections
from safescale.report.plain import plain

__all__ = ["card_json", "card_markdown", "card_text", "front_matter"]

SIMULATED: Final = "SIMULATED rows are in this corpus: nothing here is about a real model."
_HUB_ID: Final = re.compile(r"[\w.-]+/[\w.-]+")


def card_text(found: ResidualSafety, *, version: str, command: str, simulated: bool) -> str:
    """Every section with its words and tables."""
    lines = [*([SIMULATED] if simulated else []), f"safescale {version}, corpus {found.fingerprint}"]
    for _, section in every_section(card_sections(found, command)):
        lines += ["", section.title, *_words(section)]
        for table in section.tables:
            lines += ["", *table_text(table)]
    lines += ["", f"command: {command}"]
    return "\n".join(plain(line) for line in lines)


def _words(section: Section) -> list[str]:
    return [*(f"  {words}" for words in section.paragraphs), *(f"  - {words}" for words in section.warnings)]


def card_markdown(found: ResidualSafety, *, version: str, command: str, simulated: bool) -> str:
    """Front matter with the figures, then the card."""
    body = sections_markdown(card_sections(found, command), watermark="SIMULATED" if simulated else None)
    mark = f"**{SIMULATED}**\n\n" if simulated else ""
    made = f"safescale {version}, corpus {found.fingerprint}"
    body = body.removeprefix("#")  # the title of the card is the title of the page
    return f"{front_matter(found, version=version, simulated=simulated)}\n{mark}{body.rstrip()}\n\n{made}\n"


def card_json(found: ResidualSafety, *, version: str, command: str, simulated: bool) -> str:
    """The whole result; nothing rounded."""
    return chapter_json("card", found, version=version, command=command, simulated=simulated, more={"proposal": PROPOSAL})


def front_matter(found: ResidualSafety, *, version: str, simulated: bool) -> str:
    """
    The figures as metadata of a model card (``model-index``), between two lines of ``---``.

    Rates are fractions; what each rests on stands in its ``args``.
    """
    metrics = [
        _metric(f"{rate.tier.value} attack success", "attack_success_rate", rates.setting, rate, keyword_rule=rates.is_keyword)
        for rates in found.rates
        for rate in rates.overall.rates
    ]
    metrics += [
        _metric("over-refusal", "over_refusal_rate", own.setting, own.rate, keyword_rule=own.is_keyword)
        for own in found.over_refusal
        if own.rate is not None
    ]
    base = found.against_base.base
    sets = {own.kind: {"sha256": own.sha256, "over": own.basis, "prompts": own.prompts} for own in found.prompt_sets}
    index = {
        "name": found.subject.model,
        "results": [
            {
                "task": {"type": "text-generation", "name": "residual safety (a proposal of safescale)"},
                "dataset": {"name": "graded answers", "type": "safescale-corpus", "revision": found.fingerprint},
                "metrics": metrics,
            }
        ],
    }
    content: dict[str, Any] = {
        "model_name": found.subject.model,
        **({"base_model": base} if base is not None and _HUB_ID.fullmatch(base) else {}),
        "tags": ["residual-safety", "safety-evaluation", "safescale"],
        **({"model-index": [index]} if metrics else {}),
        "safescale": {
            "version": version,
            "simulated": simulated,
            "corpus": found.fingerprint,
            "base": base,
            "tampering": found.subject.tampering,
            "params_total_b": found.subject.size.params_total_b,
            "size_source": found.subject.size.source,
            "grader_error": "unknown" if found.grader_error.unknown_because else f"by {found.grader_error.reference}",
            "prompt_sets": sets,
        },
    }
    return f"---\n{yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1000)}---\n"


def _metric(name: str, kind: str, setting: Setting, rate: ClusteredRate, *, keyword_rule: bool) -> dict[str, Any]:
    return {
        "type": kind,
        "name": f"{name}, {setting.words}",
        "value": rate.estimate,
        "args": {
            "grader": setting.grader,
            "keyword_rule": keyword_rule,
            "target": setting.target,
            "condition": setting.condition,
            "definition": rate.definition,
            "successes": rate.successes,
            "evaluable_rows": rate.trials,
            "prompts": rate.prompts,
            "low": rate.low,
            "high": rate.high,
            "level": rate.level,
        },
    }
