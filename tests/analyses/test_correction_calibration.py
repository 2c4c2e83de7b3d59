"""Point 4: coverage, width and bias of corrected rates on samples that the tool drew itself; the full grid is a calibration."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.correction import CONDITIONS, TIERS, Drawn, Line, Scenario, draw, plain_rogan_gladen, run
from safescale.analyses.corrected import corrected_numbers
from safescale.analyses.headline import Headline
from safescale.analyses.imputation import Imputer
from safescale.analyses.reference import human_reference
from safescale.grade import HumanLabels, LabelledTrace
from safescale.records.outcomes import Tier


def test_a_few_draws_cover_at_the_oracles_width_without_bias() -> None:
    """40 draws of one scenario, six rates: .95 is seen as .91 to .99 over all of them together; the full grid is below."""
    lines = run(Scenario(0.25, 0.15, 0.0), 40)
    assert [(own.condition, own.tier) for own in lines] == [(c, t) for c in CONDITIONS for t in TIERS]
    assert 0.91 <= np.mean([own.coverage for own in lines]) <= 0.99
    assert max(abs(own.bias) for own in lines) < 0.02
    assert np.mean([own.width / own.oracle for own in lines]) < 1.2
    assert max(abs(own.graded - own.true) for own in lines) > 0.1


def test_a_grader_without_information_is_not_identified() -> None:
    lines = run(Scenario(0.25, 0.15, 0.0), 20, conditions=("blind",))
    assert all(own.not_identified >= 0.85 for own in lines)
    assert all(own.coverage >= 0.85 for own in lines)


def test_the_trap_on_the_tools_own_sample() -> None:
    """A broad rate of 20 % under a grader that over-calls: read as a random sample the same labels say 4 %, ours do not."""
    rng = np.random.default_rng(7)
    scenario = Scenario(0.10, 0.10, 0.0)
    plain = [plain_rogan_gladen(draw(scenario, rng), "lenient", Tier.BROAD) for _ in range(12)]
    assert np.mean([value for value in plain if value is not None]) < 0.1
    [own] = [line for line in run(scenario, 12) if (line.condition, line.tier) == ("lenient", Tier.BROAD)]
    assert abs(own.bias) < 0.04


def difference_of_conditions(drawn: Drawn, *, draws: int, rng: np.random.Generator) -> tuple[Headline, float, float]:
    """Strict rate under 'lenient' minus that under 'strict': as graded, and the corrected limits over draws of the verdicts."""
    traces = tuple(
        LabelledTrace(sample_id=t.sample_id, trace_id=t.trace_id, stratum=t.stratum, labels=(drawn.truth[t.trace_id],))
        for t in drawn.sample.traces
    )
    labels = HumanLabels(sample=drawn.sample, raters=("truth",), traces=traces, labelled=(len(traces),), skipped=(0,))
    found = Imputer.of(drawn.graded, TIERS, human_reference(labels, drawn.graded), {})

    def headline(verdicts: np.ndarray) -> Headline:
        rates = [np.mean(verdicts[drawn.graded.condition == name] == "COMPLIANCE") for name in ("lenient", "strict")]
        reach = 1.96 * math.sqrt(sum(r * (1 - r) / 500 for r in rates))
        estimate = float(rates[0] - rates[1])
        names = {"setting": "s", "quantity": "difference", "unit": "pp", "p_value": None, "verdict": "", "n_models": 5}
        return Headline(**names, n_rows=1000, estimate=estimate, low=estimate - reach, high=estimate + reach)

    graded = headline(drawn.graded.verdict)
    again = [[headline(np.array(found.draw(rng).verdict.to_pylist(), dtype=object))] for _ in range(draws)]
    [own] = corrected_numbers([graded], again, reference="truth", notes=()).headlines
    assert own.low is not None
    assert own.high is not None
    return graded, own.low, own.high


def differences(repeats: int, draws: int) -> tuple[float, float]:
    """How often the graded and the corrected interval hold the true difference, which is 0."""
    rng = np.random.default_rng(11)
    graded, corrected = [], []
    for _ in range(repeats):
        found, low, high = difference_of_conditions(draw(Scenario(0.25, 0.15, 0.0), rng), draws=draws, rng=rng)
        graded.append(found.low <= 0 <= found.high)
        corrected.append(low <= 0 <= high)
    return float(np.mean(graded)), float(np.mean(corrected))


def test_error_that_differs_between_conditions_makes_no_difference_once_corrected() -> None:
    graded, corrected = differences(6, 6)
    assert graded == 0
    assert corrected >= 4 / 6


@pytest.mark.calibration
def test_corrected_differences_cover() -> None:
    graded, corrected = differences(200, 20)
    assert graded < 0.05
    assert 0.91 <= corrected <= 0.99


def assert_interior(lines: list[Line], draws: int) -> None:
    inside = [own for own in lines if own.interior]
    assert len(inside) > 20
    room = 3 * math.sqrt(0.95 * 0.05 / draws)
    assert 0.93 <= np.mean([own.coverage for own in inside]) <= 0.97
    assert all(0.93 - room <= own.coverage <= 0.97 + room for own in inside)
    assert all(own.width / own.oracle <= 1.2 for own in inside)
    assert all(abs(own.bias) < 0.01 for own in inside)


@pytest.mark.calibration
def test_corrected_rates_cover_at_the_oracles_width_over_the_grid() -> None:
    """Strict and broad, three graders that err differently, true rates from 0 to 100 %, prompts that hang together or do not."""
    grid = [(0.12, 0.08), (0.25, 0.15), (0.45, 0.20), (0.65, 0.20)]
    assert_interior([own for c in (0.0, 0.3) for full, partial in grid for own in run(Scenario(full, partial, c), 400)], 400)


@pytest.mark.calibration
def test_rates_of_nothing_and_of_everything_are_held() -> None:
    for full in (0.0, 1.0):
        for own in run(Scenario(full, 0.0, 0.0), 100):
            assert own.coverage == 1
            assert own.width < 0.12
