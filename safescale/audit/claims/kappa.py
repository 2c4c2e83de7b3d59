"""Cohen's kappa against its agreement, or against its table."""

from __future__ import annotations

from fractions import Fraction
from typing import Final, Literal

from safescale.audit.claims.claim import Kappa
from safescale.audit.claims.correlation import as_share
from safescale.audit.claims.p_values import Recomputed, compare
from safescale.audit.claims.result import SEVERITY, Reason
from safescale.audit.claims.share_counts import counts_that_print
from safescale.audit.claims.share_reading import level_of
from safescale.stats import cohen_kappa_table

__all__ = ["check_kappa"]

_WEIGHTS: Final[tuple[Literal["linear", "quadratic"], ...]] = ("linear", "quadratic")


def check_kappa(claim: Kappa) -> tuple[list[Reason], list[Reason]]:
    """Findings about kappa, and what was left out."""
    reasons: list[Reason] = []
    kappa, po = claim.kappa, claim.po
    n = sum(map(sum, claim.table)) if claim.table else claim.n
    if claim.table and claim.n is not None and claim.n != n:
        reasons.append(
            Reason(
                code="table_total",
                verdict="impossible",
                figure="n",
                printed=f"{claim.n:,}",
                words=f"the table holds {n:,}, not {claim.n:,}",
            )
        )
    if po is not None and n and not claim.table:
        found = [counts_that_print(reading, n) for reading in as_share(po)]
        if not any(found):
            reasons.append(
                Reason(
                    code="no_count_at_n",
                    verdict="impossible",
                    figure="po",
                    printed=po.text,
                    words=f"no whole number of {n:,} gives an agreement of {po.text}",
                )
            )
    if claim.table and len(claim.table) != len(claim.table[0]):
        return [
            Reason(code="not_square", verdict="impossible", figure="table", words="kappa needs the same classes on both sides")
        ], []
    if claim.table and n:
        reasons += _of_table(claim, n)
    elif kappa is not None and po is not None:
        reasons.append(_of_agreement(claim))
    if kappa is not None and kappa.float_bounds[0] > 1:
        reasons.append(
            Reason(code="beyond_one", verdict="impossible", figure="kappa", printed=kappa.text, words="kappa is at most 1")
        )
    notes = []
    if kappa is not None and po is None and not claim.table:
        notes.append(
            Reason(code="no_agreement", verdict=None, figure="po", words="without the agreement or the table nothing bounds kappa")
        )
    if kappa is not None and claim.interval is None:
        notes.append(Reason(code="no_interval", verdict=None, figure="interval", words="kappa is printed without an interval"))
    return reasons, notes


def _of_table(claim: Kappa, n: int) -> list[Reason]:
    table = claim.table
    agree = Fraction(sum(table[at][at] for at in range(len(table))), n)
    rows, columns = [sum(row) for row in table], [sum(column) for column in zip(*table, strict=True)]
    chance = Fraction(sum(a * b for a, b in zip(rows, columns, strict=True)), n * n)
    reasons = []
    for name, printed, share in (("po", claim.po, agree), ("pe", claim.pe, chance)):
        if printed is not None:
            candidates = [Recomputed(low=float(share), high=float(share), accepted=True, what="the table", code=f"{name}_follows")]
            found = [compare(name, reading, candidates, because="the table", share_text=True) for reading in as_share(printed)]
            reasons.append(min(found, key=lambda reason: SEVERITY.index(reason.verdict or "impossible")))
    if claim.kappa is None:
        return reasons
    if chance == 1:
        return [
            *reasons,
            Reason(
                code="undefined",
                verdict="impossible",
                figure="kappa",
                printed=claim.kappa.text,
                words="both graders say one thing to everything: kappa is not defined",
            ),
        ]
    value = float((agree - chance) / (1 - chance))
    classes = len(table)
    candidates = [Recomputed(low=value, high=value, accepted=True, what="the table", code="kappa_follows")]
    pabak = float((classes * agree - 1) / (classes - 1)) if classes > 1 else value
    means = [Fraction(a + b, 2 * n) for a, b in zip(rows, columns, strict=True)]
    scott = sum((mean * mean for mean in means), Fraction(0))
    gwet = sum((mean * (1 - mean) for mean in means), Fraction(0)) / max(1, classes - 1)
    for what, code, other in (
        ("the raw agreement", "raw_agreement", float(agree)),
        ("PABAK", "pabak", pabak),
        ("Scott's pi", "scott", float((agree - scott) / (1 - scott)) if scott != 1 else value),
        ("Gwet's AC1", "gwet", float((agree - gwet) / (1 - gwet))),
    ):
        candidates.append(Recomputed(low=other, high=other, accepted=False, what=what, code=code))
    if classes > 2:
        for weights in _WEIGHTS:
            weighted = cohen_kappa_table(table, weights=weights).kappa
            if weighted is not None:
                candidates.append(
                    Recomputed(
                        low=weighted,
                        high=weighted,
                        accepted=False,
                        what=f"kappa with {weights} weights",
                        code="weighted_kappa",
                    )
                )
    reasons.append(compare("kappa", claim.kappa, candidates, because="the table"))
    if claim.interval is not None and claim.interval.low is not None and claim.interval.high is not None:
        own = cohen_kappa_table(table, level=level_of(claim.level)).interval
        if own is not None:
            fits = claim.interval.low.meets(own[0], own[0]) and claim.interval.high.meets(own[1], own[1])
            shown = f"[{claim.interval.low.like(own[0])}, {claim.interval.high.like(own[1])}]"
            reasons.append(
                Reason(
                    code="interval_found" if fits else "method_unknown",
                    verdict="reproduces" if fits else "cannot be decided",
                    figure="interval",
                    printed=claim.interval.text,
                    recomputed=shown,
                    words=f"the large-sample interval is {shown}",
                )
            )
    return reasons


def _of_agreement(claim: Kappa) -> Reason:
    """``kappa = (po - pe) / (1 - pe)``; without pe, only what pe can be."""
    assert claim.kappa is not None
    assert claim.po is not None
    found = []
    for share in as_share(claim.po):
        low, high = max(0.0, share.float_bounds[0]), min(1.0, share.float_bounds[1])
        if claim.pe is not None:
            for chance in as_share(claim.pe):
                first, last = max(0.0, chance.float_bounds[0]), min(1 - 1e-12, chance.float_bounds[1])
                ends = [(p - e) / (1 - e) for p in (low, high) for e in (first, last)]
                what, code = "observed and expected agreement", "kappa_follows"
                candidates = [Recomputed(low=min(ends), high=max(ends), accepted=True, what=what, code=code)]
                found.append(compare("kappa", claim.kappa, candidates, because=what))
            continue
        # expected agreement is at most (1 + po^2) / 2, and with two classes at least po (1 - po / 2)
        least = -(1 - low) / (1 + low)
        most = high if claim.classes != 2 else (high**2 / 2) / (1 - high + high**2 / 2)
        candidates = [
            Recomputed(low=least, high=most, accepted=True, what="any margins with that agreement", code="kappa_possible")
        ]
        found.append(
            compare("kappa", claim.kappa, candidates, because="the observed agreement, whatever the margins", other_rounding=False)
        )
    best = min(found, key=lambda reason: SEVERITY.index(reason.verdict or "impossible"))
    if best.verdict == "reproduces" and claim.pe is None:
        import attrs

        words = f"possible: with agreement {claim.po.text} kappa lies from {best.recomputed}; the expected agreement is not printed"
        return attrs.evolve(best, verdict="cannot be decided", words=words)
    return best
