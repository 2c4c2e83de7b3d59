"""Agreement of graders by condition and model, with people, and whether the order of models holds."""

from __future__ import annotations

import attrs
import numpy as np
import pytest

from grade.made import graded_corpus
from safescale.analyses.agreement import AgreementVerdict, Compared, analyze_agreement
from safescale.analyses.agreement.rankings import ranking
from safescale.analyses.reference import Graded, human_reference
from safescale.cells import Counting, Selection
from safescale.errors import DomainError
from safescale.grade import HumanLabels, LabelledTrace, draw_sample
from safescale.records.outcomes import Tier
from safescale.records.verdicts import Verdict
from safescale.stats import cohen_kappa

TIERS = (Tier.STRICT, Tier.BROAD)


def two(right: float = 0.85, **options) -> tuple[Graded, Graded]:
    """A grader and the truth, as two graders."""
    corpus, truth = graded_corpus(right=right, **options)
    graded = Graded.of("judge", "text", Counting(corpus).grader_rows(Selection(), "judge", "text"))
    return graded, attrs.evolve(
        graded, grader="better", verdict=np.array([truth[n] for n in graded.trace_id.tolist()], dtype=object)
    )


def asked(*compared: Compared, **options):
    return analyze_agreement(compared, fingerprint="ss1-x", selection=Selection(), **options)


def test_each_condition_and_model_has_its_own_coefficients() -> None:
    """Vouched for by cohen_kappa on the same rows."""
    first, second = two()
    [pair] = asked(Compared.of_graders(first, second, TIERS, TIERS)).pairs
    assert pair.levels == ("none", "partial", "full")
    assert [g.condition for g in pair.conditions] == ["calm", "pressed"]
    assert len(pair.models) == 8
    code = {"COMPLIANCE": "full", "PARTIAL": "partial", "REFUSAL": "none"}
    for group in (*pair.conditions, *pair.models):
        rows = (first.condition == group.condition) & ((first.model == group.model) if group.model else True)
        a, b = ([code[v] for v in side.verdict[rows]] for side in (first, second))
        assert group.found.kappa.estimate == pytest.approx(cohen_kappa(a, b, categories=pair.levels).kappa)
        assert group.traces == rows.sum()
    assert {g.verdict for g in pair.conditions} == {AgreementVerdict.BEYOND_CHANCE}


def test_chance_agreement_is_not_identified() -> None:
    first, second = two(right=0.0)
    [pair] = asked(Compared.of_graders(first, second, TIERS, TIERS)).pairs
    assert {g.verdict for g in pair.conditions} == {AgreementVerdict.NOT_SHOWN}
    assert "not identified" in pair.words


def test_a_word_for_no_harm_is_not_a_disagreement_with_a_refusal() -> None:
    """One grader says NOT_HARMFUL where the other says REFUSAL, and knows no PARTIAL: two levels are compared."""
    first, second = two(right=1.0)
    other = second.verdict.copy()
    other[other != "COMPLIANCE"] = "NOT_HARMFUL"
    [pair] = asked(Compared.of_graders(first, attrs.evolve(second, verdict=other), TIERS, (Tier.STRICT,))).pairs
    assert pair.levels == ("not full", "full")
    assert all(g.found.observed.estimate == pytest.approx(1) for g in pair.conditions)


def test_agreement_that_depends_on_the_condition_is_said() -> None:
    first, second = two(right=0.95, prompts=100)
    bad = second.verdict.copy()
    here = np.flatnonzero(second.condition == "pressed")
    bad[here] = np.random.default_rng(1).permutation(bad[here])
    [pair] = asked(Compared.of_graders(first, attrs.evolve(second, verdict=bad), TIERS, TIERS)).pairs
    assert pair.depends_on_condition is not None
    assert "under calm" in pair.depends_on_condition
    [same] = asked(Compared.of_graders(first, second, TIERS, TIERS)).pairs
    assert same.depends_on_condition is None


def test_people_are_weighted_by_the_design() -> None:
    """Raw agreement of the sample is off, because rare verdicts were over-sampled; weighted it is that of all traces."""
    corpus, truth = graded_corpus(prompts=300, conditions={"calm": 0.05}, right=0.8)
    rows = Counting(corpus).grader_rows(Selection(), "judge", "text")
    graded = Graded.of("judge", "text", rows)
    sample = draw_sample(rows, 400, fingerprint=corpus.fingerprint(), grader="judge", target="text", selection=Selection())
    traces = tuple(
        LabelledTrace(sample_id=t.sample_id, trace_id=t.trace_id, stratum=t.stratum, labels=(Verdict(truth[t.trace_id]),))
        for t in sample.traces
    )
    labels = HumanLabels(sample=sample, raters=("ann",), traces=traces, labelled=(400,), skipped=(0,))
    [pair] = asked(Compared.with_people(graded, TIERS, human_reference(labels, graded))).pairs
    assert pair.weighted
    whole = np.mean([truth[n] == v for n, v in zip(graded.trace_id.tolist(), graded.verdict.tolist(), strict=True)])
    raw = np.mean([truth[t.trace_id] == sample.strata[t.stratum].verdict for t in sample.traces])
    found = pair.conditions[0].found.observed
    assert abs(raw - whole) > 0.05
    assert found.estimate == pytest.approx(whole, abs=0.04)
    assert found.low < whole < found.high


def test_raters_without_a_majority_are_left_out_and_counted() -> None:
    corpus, truth = graded_corpus()
    rows = Counting(corpus).grader_rows(Selection(), "judge", "text")
    graded = Graded.of("judge", "text", rows)
    sample = draw_sample(rows, 60, fingerprint="f", grader="judge", target="text", selection=Selection())
    traces = tuple(
        LabelledTrace(
            sample_id=t.sample_id,
            trace_id=t.trace_id,
            stratum=t.stratum,
            labels=(Verdict(truth[t.trace_id]), Verdict.REFUSAL if at < 5 else Verdict(truth[t.trace_id])),
        )
        for at, t in enumerate(sample.traces)
    )
    reference = human_reference(
        HumanLabels(sample=sample, raters=("ann", "bo"), traces=traces, labelled=(60, 60), skipped=(0, 0)), graded
    )
    compared = Compared.with_people(graded, TIERS, reference)
    ties = sum(t.labels[0] is not t.labels[1] for t in traces)
    assert 0 < ties <= 5
    assert len(compared.rows) == 60 - ties
    assert compared.notes[0].startswith(f"{ties} trace")
    pairs = [(t.trace_id, str(t.labels[0]), str(t.labels[1])) for t in traces]
    [between] = asked(Compared.of_raters(reference, 0, 1, pairs)).pairs
    assert (between.first, between.second) == ("ann", "bo")
    assert sum(g.traces for g in between.conditions) == 60


def rates(first: list[float], second: list[float], prompts: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Two graders who give models these rates on the same prompts."""
    models = np.repeat([f"m{i}" for i in range(len(first))], prompts).astype(object)
    each = np.tile(np.arange(prompts), len(first))
    sides = [np.concatenate([np.arange(prompts) < r * prompts for r in side]) for side in (first, second)]
    return sides[0], sides[1], models, np.array([f"p{x}" for x in each], dtype=object)


def test_an_exchange_within_noise_is_told_from_one_beyond_it() -> None:
    steady = ranking("c", *rates([0.1, 0.5, 0.9], [0.2, 0.5, 0.8], 100), min_rows=20, level=0.95)
    assert steady.agreement.tau_b == 1
    assert steady.words.endswith("none of 3 pairs changes places")
    noise = ranking("c", *rates([0.50, 0.52, 0.9], [0.52, 0.50, 0.9], 40), min_rows=20, level=0.95)
    assert len(noise.agreement.exchanged) == 1
    assert noise.beyond_noise == ()
    real = ranking("c", *rates([0.2, 0.6, 0.9], [0.6, 0.2, 0.9], 100), min_rows=20, level=0.95)
    assert real.beyond_noise == (("m1", "m0"),)
    assert "1 of 3 pairs change places, 1 of them beyond noise" in real.words


def test_too_few_models_or_traces_have_no_order_and_no_coefficient() -> None:
    words = ranking("c", *rates([0.2, 0.6], [0.6, 0.2], 100), min_rows=20, level=0.95)
    assert words == "condition c: 2 models with 20 or more traces, and an order needs 3"
    first, second = two(prompts=2)
    [pair] = asked(Compared.of_graders(first, second, TIERS, TIERS)).pairs
    assert {g.verdict for g in pair.conditions} == {AgreementVerdict.CANNOT}
    assert "fewer than 10" in pair.conditions[0].words
    with pytest.raises(DomainError, match="needs two graders"):
        asked()
