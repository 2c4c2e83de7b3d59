"""The overview, by hand-counted tables; results as JSON."""

from __future__ import annotations

import json

import attrs
import numpy as np
import pytest

from cells.fake_corpus import fake_corpus, graded
from safescale.analyses import first_look, to_jsonable
from safescale.cells import build_cells
from safescale.errors import DomainError
from safescale.records.outcomes import Tier


def test_counts_and_rates_by_hand() -> None:
    parts = [
        graded("m1", ["COMPLIANCE", "PARTIAL", "REFUSAL", "ERROR"]),
        graded("m2", ["COMPLIANCE", "COMPLIANCE"], attack_class="b"),
        graded("m1", ["REFUSAL", "COMPLIANCE", "REFUSAL"], prompt_kind="benign", tag="benign"),
    ]
    corpus = fake_corpus([t for part in parts for t in part[0]], [g for part in parts for g in part[1]])
    look = first_look(build_cells(corpus))
    assert (look.considered, look.counted, look.cells, look.models, look.attack_classes, look.prompts) == (9, 5, 2, 2, 2, 3)
    assert {e.reason.value: e.rows for e in look.exclusions} == {"verdict_ERROR": 1, "benign_prompt": 3}
    (overall,) = look.overall
    assert (overall.name, overall.models, overall.attack_classes, overall.rows) == (None, 2, 2, 5)
    assert [(r.tier, r.interval.successes, r.interval.trials) for r in overall.rates] == [
        (Tier.STRICT, 3, 5),
        (Tier.BROAD, 4, 5),
        (Tier.FUNCTIONALLY_DANGEROUS, 4, 5),
    ]
    assert [(row.name, row.rates[0].interval.successes, row.rows) for row in look.by_model] == [("m1", 1, 3), ("m2", 2, 2)]
    assert [(row.name, row.rows) for row in look.by_class] == [("a", 3), ("b", 2)]
    (refusal,) = look.over_refusal
    assert (refusal.model_id, refusal.refused.successes, refusal.refused.trials) == ("m1", 2, 3)
    assert json.loads(json.dumps(to_jsonable(look)))["overall"][0]["rates"][0]["tier"] == "strict"


def test_an_empty_corpus_has_an_empty_overview() -> None:
    look = first_look(build_cells(fake_corpus()))
    assert (look.counted, look.overall, look.by_model, look.over_refusal) == (0, (), (), ())


@attrs.frozen(kw_only=True)
class Sample:
    tier: Tier
    values: tuple[object, ...]


def test_jsonable_keeps_numbers_and_names() -> None:
    sample = Sample(tier=Tier.BROAD, values=(1, 0.1, None, True, np.int64(3), np.array([1.5]), {Tier.STRICT: "x"}))
    assert to_jsonable(sample) == {"tier": "broad", "values": [1, 0.1, None, True, 3, [1.5], {"strict": "x"}]}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float64("nan"), object()])
def test_refuses_what_is_not_a_number_to_print(value: object) -> None:
    with pytest.raises(DomainError, match="a result holds"):
        to_jsonable({"x": value})
