"""Verdicts on published claims: text for people, JSON for programs, one page to show."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from safescale._version import __version__
from safescale.analyses.jsonable import to_jsonable
from safescale.analyses.words import and_list, plural
from safescale.audit.claims import ClaimResult, Reason
from safescale.report.document import Column, Document, Finding, Section, Table
from safescale.report.html import document_html
from safescale.report.numbers import NOTHING
from safescale.report.plain import plain, shortened

__all__ = ["claims_document", "claims_html", "claims_json", "claims_text", "tally"]

_ORDER: Final = ("impossible", "reproduces only as", "cannot be decided", "reproduces")
_WIDTH: Final = 110


def tally(results: Sequence[ClaimResult]) -> dict[str, int]:
    """Claims by verdict, the worst first; every verdict is there."""
    counts = Counter(result.verdict for result in results)
    return {verdict: counts.get(verdict, 0) for verdict in _ORDER}


def claims_text(results: Sequence[ClaimResult], *, file: str) -> str:
    """Every claim with its verdict, what comes out instead, and what was left out."""
    lines: list[str] = []
    for result in results:
        lines.append(plain(f"{result.id}: {_verdict(result)}"))
        lines += [f"    {plain(_reason_words(reason))}" for reason in result.reasons]
        lines += [f"    left out: {plain(note.words)}" for note in result.left_out]
    lines += ["", f"{file}: {_tally_words(results)}"]
    return "\n".join(lines)


def claims_json(results: Sequence[ClaimResult], *, file: str) -> str:
    """Everything as one JSON object."""
    found: dict[str, Any] = {
        "safescale": __version__,
        "file": file,
        "counts": tally(results),
        "claims": [to_jsonable(result) for result in results],
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def claims_html(results: Sequence[ClaimResult], *, file: str, command: str) -> str:
    """The claims as one page that loads nothing and has nothing beside it."""
    return document_html(claims_document(results, file=file, command=command))


def claims_document(results: Sequence[ClaimResult], *, file: str, command: str) -> Document:
    """
    The page as data: what was found, a table of all claims, and a part for each that needs a look.

    Parameters
    ----------
    results : sequence of ClaimResult
        In the order of the file.
    file, command : str
        What was read, and how.

    Returns
    -------
    Document
        With one finding, so that the counts come first.
    """
    wrong = [result for result in results if result.found_wrong]
    sources = list(dict.fromkeys(result.source for result in results if result.source))
    finding = Finding(
        question="Do the printed figures hold?",
        about="",
        verdict=_tally_words(results),
        testable=True,
        testability=f"{plural(len(results), 'claim')} of {file}{', printed in ' if sources else ''}{'; '.join(sources)}.",
        answer=_answer(wrong),
    )
    overview = Table(
        id="claims",
        caption="Every claim with its verdict",
        columns=tuple(Column(name=name) for name in ("Claim", "Verdict", "Printed", "Why")),
        rows=tuple((result.id or NOTHING, _verdict(result), _printed(result), _why(result)) for result in results),
        source=f"{command}; {file}.",
    )
    parts = tuple(_part(result, at, f"{command}; {result.source or file}.") for at, result in enumerate(results, 1))
    return Document(
        title="Published figures, checked",
        version=__version__,
        fingerprint="",
        command=command,
        watermark=None,
        watermark_words=None,
        summary=None,
        findings=(finding,),
        sections=(
            Section(id="all-claims", title="All claims", tables=(overview,)),
            Section(
                id="each-claim",
                title="Claim by claim",
                paragraphs=(
                    '"Reproduces only as" means that the figure comes out, but as something else than it says. '
                    "What was left out never changes a verdict.",
                ),
                sections=parts,
            ),
        ),
        one_page=True,
    )


def _part(result: ClaimResult, at: int, source: str) -> Section:
    rows = [_row(reason, reason.verdict or NOTHING) for reason in result.reasons] + [
        _row(note, "left out") for note in result.left_out
    ]
    table = Table(
        id=f"claim-{at}-findings",
        caption=f"Findings: {shortened(result.id or f'claim {at}', 60)}",
        columns=tuple(Column(name=name) for name in ("Figure", "Finding", "Printed", "Recomputed", "In words")),
        rows=tuple(rows),
        source=source,
    )
    return Section(
        id=f"claim-{at}",
        title=result.id or f"Claim {at}",
        paragraphs=(
            f"Printed: {_printed(result)}.",
            f"Verdict: {_verdict(result)}.",
            *((f"Left out: {'; '.join(note.words for note in result.left_out)}.",) if result.left_out else ()),
        ),
        warnings=tuple(reason.words for reason in result.reasons if reason.verdict in ("impossible", "reproduces only as")),
        tables=(table,),
    )


def _row(reason: Reason, verdict: str) -> tuple[str, ...]:
    return (reason.figure or NOTHING, verdict, reason.printed or NOTHING, reason.recomputed or NOTHING, reason.words)


def _verdict(result: ClaimResult) -> str:
    return result.verdict if result.as_what is None else f"{result.verdict} {result.as_what}"


def _why(result: ClaimResult) -> str:
    """The reasons that decide the verdict."""
    return "; ".join(reason.words for reason in result.reasons if reason.verdict == result.verdict)


def _printed(result: ClaimResult) -> str:
    return shortened(", ".join(f"{field} {text}" for field, text in result.printed.items()) or NOTHING, _WIDTH)


def _reason_words(reason: Reason) -> str:
    return f"{reason.verdict}: {reason.words}"


def _tally_words(results: Sequence[ClaimResult]) -> str:
    counts = {
        "impossible": "{} impossible",
        "reproduces only as": "{} only as something else",
        "cannot be decided": "{} undecided",
        "reproduces": "{} as printed",
    }
    found = tally(results)
    return and_list([words.format(found[verdict]) for verdict, words in counts.items() if found[verdict]])


def _answer(wrong: Sequence[ClaimResult]) -> str:
    if not wrong:
        return "No printed figure contradicts another."
    named = [f"{result.id} ({_verdict(result)})" for result in wrong[:6]]
    return f"To be looked at: {'; '.join(named)}{' ...' if len(wrong) > 6 else ''}."
