"""Corrected rates: what they are by hand, what is refused, and the trap of a sample that is read as though it were random."""

from __future__ import annotations

import attrs
import numpy as np
import pytest

from grade.made import graded_corpus
from safescale.analyses.correction import (
    Basis,
    CorrectedGroup,
    CorrectionResult,
    CorrectionVerdict,
    analyze_correction,
)
from safescale.analyses.reference import Graded, human_reference, reference_of_grader
from safescale.cells import Counting, Selection
from safescale.errors import DomainError
from safescale.grade import HumanLabels, LabelledTrace, Sample, draw_sample
from safescale.records.outcomes import Tier
from safescale.records.verdicts import Verdict
from safescale.stats import corrected_rate, misclassification_matrix, rogan_gladen_rate, stratified_rate

TIERS = (Tier.STRICT, Tier.BROAD)


def graded_of(corpus) -> Graded:
    return Graded.of("judge", "text", Counting(corpus).grader_rows(Selection(), "judge", "text"))


def labels_of(corpus, truth, n=200, *, raters=1, seed=0) -> tuple[Sample, HumanLabels]:
    rows = Counting(corpus).grader_rows(Selection(), "judge", "text")
    sample = draw_sample(rows, n, fingerprint=corpus.fingerprint(), grader="judge", target="text", selection=Selection(), seed=seed)
    traces = tuple(
        LabelledTrace(sample_id=t.sample_id, trace_id=t.trace_id, stratum=t.stratum, labels=(Verdict(truth[t.trace_id]),) * raters)
        for t in sample.traces
    )
    return sample, HumanLabels(
        sample=sample, raters=("ann", "bo")[:raters], traces=traces, labelled=(n,) * raters, skipped=(0,) * raters
    )


def corrected(corpus, truth, n=200, **options) -> CorrectionResult:
    _, labels = labels_of(corpus, truth, n)
    graded = graded_of(corpus)
    return analyze_correction(
        [graded],
        {"judge": options.pop("tiers", TIERS)},
        human_reference(labels, graded),
        fingerprint=corpus.fingerprint(),
        selection=Selection(),
        **options,
    )


def one(result: CorrectionResult, condition: str, tier: Tier) -> CorrectedGroup:
    return next(r for s in result.settings if s.setting.condition == condition for r in s.rates if r.tier is tier)


def test_a_corrected_rate_is_the_post_stratified_one_by_hand() -> None:
    """Vouched for by a loop over the labelled traces of one condition."""
    corpus, truth = graded_corpus()
    sample, _ = labels_of(corpus, truth)
    found = one(corrected(corpus, truth), "pressed", Tier.STRICT)
    expected, total = 0.0, sum(s.size for s in sample.strata if s.condition == "pressed")
    for at, stratum in enumerate(sample.strata):
        if stratum.condition == "pressed":
            own = [truth[t.trace_id] == "COMPLIANCE" for t in sample.traces if t.stratum == at]
            expected += stratum.size / total * sum(own) / len(own)
    assert found.estimate == pytest.approx(expected)
    assert found.traces == total == 240
    assert found.basis is Basis.OWN
    assert found.low < expected < found.high


def test_it_is_near_the_truth_where_the_graded_rate_is_not() -> None:
    """A grader that is right in half of the cases: 30 and 60 % true; graded far from it, corrected covers it."""
    corpus, truth = graded_corpus(prompts=150, right=0.5)
    result = corrected(corpus, truth, 300)
    for condition in ("calm", "pressed"):
        rate = one(result, condition, Tier.STRICT)
        true = np.mean([label == "COMPLIANCE" for name, label in truth.items() if f"-{condition}-" in name])
        assert rate.low < true < rate.high
    pressed = one(result, "pressed", Tier.STRICT)
    assert pressed.graded_rate < 0.52
    assert pressed.verdict is CorrectionVerdict.UNDERSTATES


def test_plain_rogan_gladen_on_a_verdict_stratified_sample_gives_minus_21_percent() -> None:
    """
    The trap. True rate 10 %, graded 10 %: 1,000 of 10,000 traces, PPV .685, NPV .965; 200 labels of each verdict.

    Read as a random sample, sensitivity is .95 and specificity .75, and the "corrected" rate is -21 %. The design says 10 %.
    """
    true = [1] * 137 + [0] * 63 + [1] * 7 + [0] * 193
    said = [1] * 200 + [0] * 200
    plain = rogan_gladen_rate(1000, 10_000, misclassification_matrix(true, said, sampled_on="nothing"))
    assert round(100 * plain.unclipped) == -21
    told = misclassification_matrix(true, said, sampled_on="graded", stratum_sizes={1: 1000, 0: 9000})
    with pytest.raises(DomainError, match="use corrected_rate"):
        rogan_gladen_rate(1000, 10_000, told)
    assert corrected_rate(1000, 9000, told).estimate == pytest.approx(0.1)
    ours = stratified_rate([137, 7], [200, 200], [1000, 9000])
    assert ours.estimate == pytest.approx(0.1)
    assert ours.low < 0.1 < ours.high
    # the same through weights by inclusion probability, which is what a model with few labels is corrected by
    chances = [200 / 1000] * 200 + [200 / 9000] * 200
    weighted = misclassification_matrix(true, said, sampled_on="strata", inclusion_probabilities=chances)
    assert rogan_gladen_rate(1000, 10_000, weighted).unclipped == pytest.approx(0.1)


def test_a_grader_that_says_nothing_is_not_identified_and_the_labels_speak_alone() -> None:
    corpus, truth = graded_corpus(right=0.0, prompts=100)
    result = corrected(corpus, truth)
    rate = one(result, "calm", Tier.STRICT)
    assert rate.verdict is CorrectionVerdict.NOT_IDENTIFIED
    assert rate.basis is Basis.ALONE
    assert rate.youden_low <= 0
    assert "not identified from the grader (Youden's J" in rate.words
    assert "the rate of the labels alone, weighted by the design" in rate.words
    assert rate.low < 0.30 < rate.high
    by_model = [m for s in result.settings for m in s.models]
    assert by_model
    assert not any(m.basis is Basis.TRANSPORTED for m in by_model)


def test_too_few_labels_say_how_many_would_do() -> None:
    corpus, truth = graded_corpus(prompts=200)
    rate = one(corrected(corpus, truth, 40), "pressed", Tier.STRICT)
    assert rate.verdict is CorrectionVerdict.TOO_SMALL
    assert rate.labels_needed is not None
    assert rate.labels_needed > rate.labelled
    assert f"about {rate.labels_needed} labels of these traces would bring 10 pp either way" in rate.words
    more = one(corrected(corpus, truth, 3 * rate.labels_needed), "pressed", Tier.STRICT)
    assert (more.high - more.low) / 2 <= 0.11


def test_a_model_with_few_labels_is_corrected_by_weighted_error_rates_and_it_is_said() -> None:
    corpus, truth = graded_corpus(prompts=150)
    result = corrected(corpus, truth)
    models = [m for s in result.settings for m in s.models if m.tier is Tier.STRICT]
    assert len(models) == 8
    moved = [m for m in models if m.basis is Basis.TRANSPORTED]
    assert moved
    assert all(m.labelled < 30 for m in moved)
    assert any("errs on it as on the others" in caveat for caveat in result.caveats)
    for model in moved:
        whole = one(result, next(s.setting.condition for s in result.settings if model in s.models), Tier.STRICT)
        se, sp = whole.matrix.sensitivity.estimate, whole.matrix.specificity.estimate
        assert model.transported.unclipped == pytest.approx((model.graded_rate - (1 - sp)) / (se + sp - 1))


def test_sensitivity_and_specificity_count_each_label_by_its_chance() -> None:
    """Vouched for by sums over the sample: 5 % true, so a label of a refusal stands for many more traces than one of compliance."""
    corpus, truth = graded_corpus(prompts=300, conditions={"calm": 0.05}, right=0.8)
    sample, _ = labels_of(corpus, truth)
    found = one(corrected(corpus, truth), "calm", Tier.STRICT).matrix
    assert found is not None
    weight = {True: {True: 0.0, False: 0.0}, False: {True: 0.0, False: 0.0}}
    for trace in sample.traces:
        stratum = sample.strata[trace.stratum]
        said = stratum.verdict == "COMPLIANCE"
        weight[truth[trace.trace_id] == "COMPLIANCE"][said] += 1 / stratum.inclusion_probability
    assert found.sensitivity.estimate == pytest.approx(weight[True][True] / sum(weight[True].values()))
    assert found.specificity.estimate == pytest.approx(weight[False][False] / sum(weight[False].values()))
    at_random = [truth[t.trace_id] == "COMPLIANCE" for t in sample.traces if sample.strata[t.stratum].verdict != "COMPLIANCE"]
    plain = 1 - sum(not true for true in at_random) / sum(truth[t.trace_id] != "COMPLIANCE" for t in sample.traces)
    assert 1 - found.specificity.estimate < plain - 0.02


def test_broad_rates_of_a_grader_without_partial_come_from_the_labels() -> None:
    corpus, truth = graded_corpus(prompts=100)
    rate = one(corrected(corpus, truth, tiers=(Tier.STRICT,)), "calm", Tier.BROAD)
    assert rate.graded_rate is None
    assert rate.verdict is CorrectionVerdict.NO_GRADED_RATE
    assert rate.low < 0.45 < rate.high


def test_labels_that_cannot_be_evaluated_count_in_no_rate() -> None:
    corpus, truth = graded_corpus(prompts=100)
    _, labels = labels_of(corpus, truth)
    spoiled = attrs.evolve(
        labels,
        traces=tuple(attrs.evolve(t, labels=(Verdict.NOT_GRADEABLE,)) if at % 4 == 0 else t for at, t in enumerate(labels.traces)),
    )
    graded = graded_of(corpus)
    reference = human_reference(spoiled, graded)
    assert any("50 labelled traces cannot be evaluated" in note for note in reference.notes)
    result = analyze_correction([graded], {"judge": TIERS}, reference, fingerprint="f", selection=Selection())
    rate = one(result, "calm", Tier.STRICT)
    assert rate.labelled < one(corrected(corpus, truth), "calm", Tier.STRICT).labelled
    assert rate.stratified is not None
    assert sum(rate.stratified.stratum_sizes) < rate.traces
    assert rate.low < 0.30 < rate.high


def test_raters_who_differ_count_in_parts() -> None:
    corpus, truth = graded_corpus()
    _, labels = labels_of(corpus, truth, raters=2)
    split = attrs.evolve(labels.traces[0], labels=(Verdict.COMPLIANCE, Verdict.REFUSAL))
    graded = graded_of(corpus)
    reference = human_reference(attrs.evolve(labels, traces=(split, *labels.traces[1:])), graded)
    assert reference.share(split.trace_id, Tier.STRICT) == 0.5
    result = analyze_correction([graded], {"judge": TIERS}, reference, fingerprint="f", selection=Selection())
    assert any(s.successes % 1 == 0.5 for setting in result.settings for s in setting.rates[0].strata)


def test_labels_of_another_corpus_are_refused() -> None:
    corpus, truth = graded_corpus()
    other, _ = graded_corpus(seed=6)
    _, labels = labels_of(corpus, truth)
    with pytest.raises(DomainError, match="its inclusion probabilities do not hold here"):
        human_reference(labels, graded_of(other))


def test_a_reference_grader_is_not_the_truth_and_it_is_said() -> None:
    corpus, truth = graded_corpus()
    graded = graded_of(corpus)
    some = graded.take(np.arange(0, len(graded), 2))
    better = attrs.evolve(some, grader="better", verdict=np.array([truth[n] for n in some.trace_id.tolist()], dtype=object))
    result = analyze_correction(
        [graded], {"judge": TIERS}, reference_of_grader(better, TIERS), fingerprint="f", selection=Selection()
    )
    assert result.reference_kind == "grader"
    assert any("better is the reference here, not the truth" in caveat for caveat in result.caveats)
    assert one(result, "calm", Tier.STRICT).labelled == 120


def test_prompts_that_hang_together_widen_the_interval() -> None:
    """Every model answers a prompt alike: 240 traces are little more than 60."""
    corpus, truth = graded_corpus()
    alike = {name: truth[f"t-{name.split('-')[1]}-0-{name.split('-')[3]}"] for name in truth}
    graded = graded_of(corpus)
    same = attrs.evolve(graded, verdict=np.array([alike[n] for n in graded.trace_id.tolist()], dtype=object))
    better = attrs.evolve(same, grader="better")
    result = analyze_correction(
        [same], {"judge": TIERS}, reference_of_grader(better, TIERS), fingerprint="f", selection=Selection()
    )
    rate = one(result, "calm", Tier.STRICT)
    assert rate.trace_effect == pytest.approx(4, rel=0.05)
    assert any("traces share prompts" in caveat for caveat in result.caveats)
    alone = stratified_rate([s.successes for s in rate.strata], [s.labelled for s in rate.strata], [s.traces for s in rate.strata])
    assert rate.high - rate.low > 1.7 * (alone.high - alone.low)


def test_a_verdict_without_labels_widens_by_its_share_and_more_stops_it() -> None:
    corpus, truth = graded_corpus(prompts=200, conditions={"calm": 0.3})
    graded = graded_of(corpus)
    few = np.flatnonzero(graded.verdict == "PARTIAL")[:20]
    odd = graded.verdict.copy()
    odd[few] = "HALLUCINATION_REFUSAL"
    graded = attrs.evolve(graded, verdict=odd)
    rest = graded.take(np.setdiff1d(np.arange(0, len(graded), 3), few))
    better = attrs.evolve(rest, grader="better", verdict=np.array([truth[n] for n in rest.trace_id.tolist()], dtype=object))
    reference = reference_of_grader(better, TIERS)
    rate = one(
        analyze_correction([graded], {"judge": TIERS}, reference, fingerprint="f", selection=Selection()), "calm", Tier.STRICT
    )
    assert rate.unlabelled_share == pytest.approx(20 / 800)
    assert rate.stratified is not None
    assert rate.high == pytest.approx((1 - 20 / 800) * rate.stratified.high + 20 / 800)
    assert rate.low == pytest.approx((1 - 20 / 800) * rate.stratified.low)
    odd[np.flatnonzero(graded.verdict == "PARTIAL")[:60]] = "HALLUCINATION_REFUSAL"
    half = attrs.evolve(graded, verdict=odd)
    without = reference_of_grader(better.take(~np.isin(rest.trace_id, half.trace_id[odd == "HALLUCINATION_REFUSAL"])), TIERS)
    stopped = one(
        analyze_correction([half], {"judge": TIERS}, without, fingerprint="f", selection=Selection()), "calm", Tier.STRICT
    )
    assert stopped.estimate is None
    assert stopped.verdict is CorrectionVerdict.TOO_SMALL
    assert "no label among its HALLUCINATION_REFUSAL traces" in stopped.words


def test_a_half_width_that_means_nothing_is_refused() -> None:
    corpus, truth = graded_corpus()
    with pytest.raises(DomainError, match="half-width wanted"):
        corrected(corpus, truth, half_width=0.5)
