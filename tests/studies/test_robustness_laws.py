"""Whatever a study's answers are, the analysis says something of them: it never crashes, and no number leaves its range."""

import attrs
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from safescale.studies.robustness.analysis import analyze_robustness
from safescale.studies.robustness.planted import PlantedRobustness, planted_robustness
from safescale.studies.robustness.results import Estimate
from studies.robustness_worlds import design_for, with_models

ARRAYS = ("refused", "failed", "right", "p_refusal", "entropy", "distance")


@st.composite
def studies(draw):
    """Small studies with holes: cells that are missing, verdicts that are unknown, sizes that are guesses or not known."""
    truth = PlantedRobustness(
        sizes_b=draw(st.sampled_from([(1.0,), (1.0, 10.0), (1.0, 3.0, 10.0), (0.5, 1.5, 5.0, 15.0)])),
        steps=draw(st.sampled_from([(5,), (5, 50), (5, 20, 50)])),
        examples=draw(st.sampled_from([(64,), (16, 64)])),
        lineages=draw(st.integers(1, 2)),
        prompts=draw(st.sampled_from([1, 3, 12])),
        benign=draw(st.sampled_from([1, 3])),
        at_middle=draw(st.sampled_from([-40.0, 0.0, 40.0])),
        compute=draw(st.sampled_from([-40.0, -2.0, 0.0, 3.0])),
        size=draw(st.sampled_from([-3.0, 0.0, 40.0])),
        tau=draw(st.sampled_from([0.0, 1.0])),
        wavering=draw(st.sampled_from([0.0, 0.5, 1.0])),
        steering=draw(st.sampled_from([None, 1.0])),
        tamper_resistance=draw(st.sampled_from([None, 2.0])),
        ablation=draw(st.sampled_from([None, 1.0])),
        random_ablation=draw(st.sampled_from([None, 0.0])),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    outcomes = planted_robustness(truth, rng)
    models = tuple(
        attrs.evolve(
            model,
            size_estimated=bool(rng.random() < 0.1),
            params_b=None if rng.random() < 0.1 else model.params_b,
        )
        for model in outcomes.models
    )
    outcomes = with_models(outcomes, models)
    holes = draw(st.sampled_from([0.0, 0.2, 1.0]))
    arrays = {name: getattr(outcomes, name).copy() for name in ARRAYS}
    lost = rng.random(outcomes.refused.shape) < holes
    for name in ("refused", "failed", "right"):
        arrays[name][lost] = -1
    for name in ("p_refusal", "entropy", "distance"):
        arrays[name][lost] = np.nan
    kept = np.flatnonzero(rng.random(len(outcomes.cells)) >= draw(st.sampled_from([0.0, 0.3])))
    return attrs.evolve(
        outcomes,
        cells=tuple(outcomes.cells[at] for at in kept),
        embedder=draw(st.sampled_from([None, "planted"])),
        entropy_grader=draw(st.sampled_from([None, "planted"])),
        **{name: array[kept] for name, array in arrays.items()},
    )


def estimates_in(found):
    """Every estimate anywhere in a result."""
    if isinstance(found, Estimate):
        yield found
    elif attrs.has(type(found)):
        for field in attrs.fields(type(found)):
            yield from estimates_in(getattr(found, field.name))
    elif isinstance(found, tuple | list):
        for one in found:
            yield from estimates_in(one)
    elif isinstance(found, dict):
        for one in found.values():
            yield from estimates_in(one)


@settings(max_examples=15)
@given(studies())
def test_every_study_has_an_answer_and_every_estimate_a_value_or_a_reason(outcomes):
    other = attrs.evolve(outcomes, grader="other", refused=np.where(outcomes.refused < 0, outcomes.refused, 1).astype(np.int8))
    result = analyze_robustness(design_for(), [outcomes, other])
    assert result.sentences[0]
    assert len(set(result.sentences)) == len(result.sentences)
    for words in (*result.sentences, *result.caveats):
        assert "nan" not in words.lower().replace("finance", "")
        assert "None" not in words
    found = list(estimates_in(result.graders))
    assert found or not outcomes.cells
    for one in found:
        if one.value is None:
            assert one.why
            assert one.interval is None
            continue
        assert -1 <= one.value <= 2
        if one.interval is not None:
            assert -2 <= one.interval[0] <= one.interval[1] <= 2
            assert one.interval[0] - 1e-9 <= one.value <= one.interval[1] + 1e-9
        else:
            assert one.why
