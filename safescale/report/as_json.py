"""A result as JSON text: nothing rounded, the same bytes for the same numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping

from safescale.analyses import to_jsonable
from safescale.report.document import Document, every_section
from safescale.report.facts import Facts

__all__ = ["facts_json"]


def facts_json(facts: Facts, document: Document, more: Mapping[str, object] | None = None) -> str:
    """Everything of a report: findings, results (``more`` by key), provenance, figure files."""
    figures = [
        {"id": figure.id, "title": figure.title, "files": list(figure.files), "source": figure.source}
        for _, section in every_section(document.whole)
        for figure in section.figures
    ]
    whole = {
        "safescale": facts.version,
        "simulated": facts.corpus.simulated,
        "watermark": document.watermark_words,
        "command": facts.command,
        "fingerprint": facts.corpus.fingerprint,
        "summary": document.summary,
        "findings": to_jsonable(document.findings),
        "warnings": [w for _, section in every_section(document.whole) for w in section.warnings],
        "audit": None if facts.audit is None else to_jsonable(facts.audit),
        "corpus": to_jsonable(facts.corpus) | {"rows_in": facts.corpus.rows_in, "reject_codes": dict(facts.corpus.reject_codes)},
        "first_look": to_jsonable(facts.look),
        "inverse_scaling": to_jsonable(facts.scaling),
        **{key: to_jsonable(result) for key, result in (more or {}).items()},
        "figures": figures,
    }
    return json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
