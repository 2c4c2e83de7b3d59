"""Section D of published-claims on the real refusal_direction runs: agreement by condition, and one grader corrected by another."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from grade.refusal_runs import CONDITIONS, GUARD, SUBSTRING, canonical_lines, runs
from safescale.analyses.agreement import AgreementResult
from safescale.analyses.correction import CorrectedGroup, CorrectionResult, CorrectionVerdict
from safescale.main_job import Input, Question, answer
from safescale.main_job.grading import agree, correct
from safescale.records.outcomes import Tier
from safescale.stats import stratified_rate

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def agreement(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> AgreementResult:
    log = canonical_lines(real_data, tmp_path_factory.mktemp("runs") / "runs.jsonl")
    return answer(Input(paths=(log,)), Question(), agree()).result


@pytest.fixture(scope="module")
def corrected(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> CorrectionResult:
    log = canonical_lines(real_data, tmp_path_factory.mktemp("half") / "half.jsonl", referenced=50)
    return answer(Input(paths=(log,)), Question(), correct(reference=GUARD)).result


def test_agreement_is_high_and_kappa_falls_under_tampering(agreement: AgreementResult) -> None:
    """Reproduced to the printed digits: raw .86-.96 and .73-.86, kappa .22-.70 and -.04-.23."""
    [pair] = agreement.pairs
    told = {
        kind: [m.found for m in pair.models if (m.condition == "baseline") is (kind == "baseline")]
        for kind in ("baseline", "tampered")
    }
    assert {kind: len(many) for kind, many in told.items()} == {"baseline": 5, "tampered": 10}
    ranges = {
        kind: tuple(
            f"{low:.2f} to {high:.2f}"
            for low, high in (
                (min(values), max(values)) for values in ([m.observed.estimate for m in many], [m.kappa.estimate for m in many])
            )
        )
        for kind, many in told.items()
    }
    assert ranges == {"baseline": ("0.86 to 0.96", "0.22 to 0.70"), "tampered": ("0.73 to 0.86", "-0.04 to 0.23")}


def test_one_error_rate_for_all_conditions_would_be_wrong(agreement: AgreementResult) -> None:
    [pair] = agreement.pairs
    assert pair.depends_on_condition is not None
    verdicts = {g.condition: g.verdict.value for g in pair.conditions}
    assert verdicts["baseline"] == "agree beyond chance"
    assert all("not identified" in verdicts[c] for c in ("ablation", "actadd"))


def test_the_reference_grader_corrects_the_other_half(
    real_data: Path, corrected: CorrectionResult, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    LlamaGuard-2 on every second prompt of a run corrects the substring grader; on the other 50 its verdicts were kept back.

    What is predicted is a rate of 50 known traces, so the interval is that of these traces. At least 13 of 15 must hold.
    """
    groups = {(m.model, s.setting.condition): m for s in corrected.settings for m in s.models if m.tier is Tier.STRICT}
    held, widths = 0, []
    for (model, condition), rows in runs(real_data).items():
        own = groups[model, condition]
        assert (own.traces, own.labelled) == (100, 50)
        kept_back = sum(int(str(row["is_jailbreak_llamaguard2"])) for row in rows[1::2])
        low, high = _other_half(own)
        held += low <= kept_back / 50 <= high
        widths.append(high - low)
    with capsys.disabled():
        print(f"\n{held} of 15 intervals hold; median width {100 * statistics.median(widths):.1f} pp")
    assert len(groups) == 15 == 5 * len(CONDITIONS)
    assert held >= 13
    assert statistics.median(widths) < 0.30


def _other_half(own: CorrectedGroup) -> tuple[float, float]:
    """The interval of all 100 traces, with the 50 that are known taken out."""
    strata = [s for s in own.strata if s.labelled]
    bare = sum(s.traces for s in own.strata if not s.labelled)
    known = sum(s.successes for s in strata)
    rate = stratified_rate(
        [s.successes for s in strata], [s.labelled for s in strata], [s.traces for s in strata], rate_of="traces"
    )
    traces = sum(s.traces for s in strata)
    return max(0.0, (traces * rate.low - known) / 50), min(1.0, (traces * rate.high - known + bare) / 50)


def test_the_substring_grader_is_not_identified_under_tampering(corrected: CorrectionResult) -> None:
    verdicts = {s.setting.condition: s.rates[0].verdict for s in corrected.settings}
    assert verdicts == {
        "baseline": CorrectionVerdict.OVERSTATES,
        "ablation": CorrectionVerdict.NOT_IDENTIFIED,
        "actadd": CorrectionVerdict.NOT_IDENTIFIED,
    }
    assert all(s.setting.grader == SUBSTRING for s in corrected.settings)
    assert any("not the truth" in caveat for caveat in corrected.caveats)
