"""Right claims are never called wrong; wrong ones are found as often as their figures allow."""

from __future__ import annotations

import numpy as np
import pytest

from audit.claims.drawn import RIGHT, normal_for_t, other_method, wronged
from safescale.audit import verify_claim
from safescale.errors import DataError

WORDS = {"kind", "method", "coefficient", "test", "unit", "label", "level", "classes", "threshold", "sizes_b", "size1_b", "size2_b"}
TYPED = {"percentage", "interval", "p", "f", "omega2", "epsilon2", "total", "shares", "difference", "change", "odds_ratio", "table"}


@pytest.mark.parametrize("kind", RIGHT)
def test_no_right_claim_is_called_wrong(kind):
    rng, decided = np.random.default_rng(20260630), 0
    for _ in range(60):
        fields = RIGHT[kind](rng)
        result = verify_claim(fields)
        assert not result.found_wrong, (fields, result.words)
        decided += result.verdict == "reproduces"
    assert decided >= 30


@pytest.mark.calibration
@pytest.mark.parametrize("kind", RIGHT)
def test_no_right_claim_of_thousands_is_called_wrong(kind):
    rng = np.random.default_rng(7)
    for _ in range(3000):
        fields = RIGHT[kind](rng)
        result = verify_claim(fields)
        assert not result.found_wrong, (fields, result.words)


@pytest.mark.parametrize("kind", ["proportion", "eta2", "association", "difference", "totals"])
def test_a_changed_digit_is_mostly_found(kind):
    """Where a figure follows from the others; a digit of n or of a bound (p < .001) often changes nothing in print."""
    rng, found = np.random.default_rng(3), []
    while len(found) < 25:
        fields = RIGHT[kind](rng)
        names = sorted(TYPED & {name for name, value in fields.items() if value is not None})
        wrong = wronged(fields, str(rng.choice(names)), rng) if names else None
        if wrong is None:
            continue
        try:
            found.append(verify_claim(wrong).found_wrong)
        except DataError:
            continue
    recall = float(np.mean(found))
    print(f"{kind}: {recall:.2f} of {len(found)} changed digits found")
    assert recall >= 0.7


@pytest.mark.parametrize(("draw", "least"), [(other_method, 0.95), (normal_for_t, 1.0)])
def test_a_wrong_method_is_named(draw, least):
    rng = np.random.default_rng(5)
    drawn = [fields for fields in (draw(rng) for _ in range(60)) if fields is not None]
    verdicts = [verify_claim(fields).verdict for fields in drawn]
    assert len(verdicts) > 20
    assert verdicts.count("reproduces only as") >= least * len(verdicts)
