"""
Are corrected rates right? Corpora with known truth, samples drawn by the tool's own design, rates corrected by its own analysis.

``python -m benchmarks.correction [--draws 1000] [--write]`` simulates, in each draw, 1,500 traces of five models on 100 prompts
under three conditions in which the grader errs differently, draws 200 of them as ``safescale grade sample`` does, labels them
with the truth, and corrects strict and broad rates as ``safescale grade correct`` does. Prompts are drawn anew each time; answers
to one prompt hang together. It prints coverage, bias and width against an oracle that knows the standard error of the estimate,
which ``docs/explanation/correction.md`` holds (``--write`` renews it). Seeds are fixed.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from safescale.analyses.correction import CorrectedGroup, CorrectionVerdict, analyze_correction
from safescale.analyses.reference import Graded, human_reference
from safescale.cells import Selection
from safescale.grade import HumanLabels, LabelledTrace, Sample, draw_sample
from safescale.records.outcomes import Tier
from safescale.records.verdicts import Verdict
from safescale.stats import misclassification_matrix, rogan_gladen_rate

PAGE = Path(__file__).resolve().parent.parent / "docs" / "explanation" / "correction.md"
SEED = 20_261_129
PROMPTS, MODELS, LABELS, LEVEL = 100, 5, 200, 0.95
VERDICTS: Final = (Verdict.COMPLIANCE, Verdict.PARTIAL, Verdict.REFUSAL)
TIERS: Final = (Tier.STRICT, Tier.BROAD)

# rows: truth (full, partial, none); columns: what the grader says
GRADERS: Final[Mapping[str, np.ndarray]] = {
    "careful": np.array([[0.92, 0.06, 0.02], [0.10, 0.80, 0.10], [0.02, 0.04, 0.94]]),
    "lenient": np.array([[0.95, 0.03, 0.02], [0.45, 0.45, 0.10], [0.15, 0.15, 0.70]]),
    "strict": np.array([[0.70, 0.20, 0.10], [0.05, 0.65, 0.30], [0.01, 0.03, 0.96]]),
    "blind": np.array([[0.60, 0.25, 0.15], [0.60, 0.25, 0.15], [0.60, 0.25, 0.15]]),
}
# full and partial compliance under three conditions, and the correlation of answers to a prompt
RATES: Final = (
    (0.0, 0.0),
    (0.02, 0.03),
    (0.08, 0.08),
    (0.25, 0.15),
    (0.45, 0.20),
    (0.65, 0.20),
    (0.85, 0.10),
    (0.96, 0.03),
    (1.0, 0.0),
)
CORRELATIONS: Final = (0.0, 0.3)
CONDITIONS: Final = ("careful", "lenient", "strict")

# where a nominal .95 is to be met
INTERIOR: Final = (0.10, 0.90)
# an oracle of a rate of 0 or 1 has no width to compare with
SMALLEST = 1e-9


class Scenario(NamedTuple):
    """One corner of the grid: true shares of full and partial compliance, and the correlation of answers to a prompt."""

    full: float
    partial: float
    correlation: float


class Drawn(NamedTuple):
    """One simulated corpus with its sample."""

    graded: Graded
    truth: Mapping[str, Verdict]
    sample: Sample


class Line(NamedTuple):
    """What became of one rate over all draws."""

    scenario: Scenario
    condition: str
    tier: Tier
    true: float
    graded: float
    coverage: float
    bias: float
    width: float
    oracle: float
    labels: float
    not_identified: float
    draws: int

    @property
    def interior(self) -> bool:
        """Whether the nominal coverage is to be met here."""
        return INTERIOR[0] <= self.true <= INTERIOR[1]


def draw(scenario: Scenario, rng: np.random.Generator, *, conditions: Sequence[str] = CONDITIONS, labels: int = LABELS) -> Drawn:
    """A corpus, and a sample of it as the command draws one."""
    shares = np.array([scenario.full, scenario.partial, 1 - scenario.full - scenario.partial])
    size = PROMPTS * MODELS
    columns: dict[str, list[str]] = {name: [] for name in ("trace_id", "prompt_id", "model_id", "condition", "verdict")}
    truth: dict[str, Verdict] = {}
    for condition in conditions:
        own = shares_by_prompt(shares, scenario.correlation, rng)
        true = (rng.random((PROMPTS, MODELS))[..., np.newaxis] > np.cumsum(own, axis=1)[:, np.newaxis, :]).sum(axis=-1).ravel()
        true = np.minimum(true, 2)
        said = (rng.random(size)[:, np.newaxis] > np.cumsum(GRADERS[condition], axis=1)[true]).sum(axis=1)
        ids = [f"{condition}-{at}" for at in range(size)]
        truth |= {name: VERDICTS[code] for name, code in zip(ids, true.tolist(), strict=True)}
        columns["trace_id"] += ids
        columns["prompt_id"] += [f"p{at // MODELS}" for at in range(size)]
        columns["model_id"] += [f"m{at % MODELS}" for at in range(size)]
        columns["condition"] += [condition] * size
        columns["verdict"] += [VERDICTS[code].value for code in np.minimum(said, 2).tolist()]
    rows = pa.table(columns)
    seed = int(rng.integers(2**31))
    sample = draw_sample(rows, labels, fingerprint="simulated", grader="judge", target="text", selection=Selection(), seed=seed)
    return Drawn(graded=Graded.of("judge", "text", rows), truth=truth, sample=sample)


def shares_by_prompt(shares: np.ndarray, correlation: float, rng: np.random.Generator) -> np.ndarray:
    """Shares of each prompt, shape (prompts, 3): the same, or Dirichlet with this correlation."""
    if correlation == 0:
        return np.broadcast_to(shares, (PROMPTS, 3))
    own = np.zeros((PROMPTS, 3))
    there = shares > 0
    own[:, there] = rng.dirichlet(shares[there] * (1 - correlation) / correlation, size=PROMPTS) if there.sum() > 1 else 1.0
    return own


def corrected(drawn: Drawn) -> Iterator[tuple[str, CorrectedGroup]]:
    """What the analysis says of each condition and tier."""
    traces = tuple(
        LabelledTrace(sample_id=t.sample_id, trace_id=t.trace_id, stratum=t.stratum, labels=(drawn.truth[t.trace_id],))
        for t in drawn.sample.traces
    )
    labels = HumanLabels(sample=drawn.sample, raters=("truth",), traces=traces, labelled=(len(traces),), skipped=(0,))
    reference = human_reference(labels, drawn.graded)
    result = analyze_correction(
        [drawn.graded], {"judge": TIERS}, reference, fingerprint="simulated", selection=Selection(), level=LEVEL, models=False
    )
    for setting in result.settings:
        for rate in setting.rates:
            yield setting.setting.condition, rate


def run(
    scenario: Scenario, draws: int, *, seed: int = SEED, conditions: Sequence[str] = CONDITIONS, labels: int = LABELS
) -> list[Line]:
    """Every rate of a scenario over many draws."""
    rng = np.random.default_rng(
        [seed, round(1000 * scenario.full), round(1000 * scenario.partial), round(100 * scenario.correlation)]
    )
    found: dict[tuple[str, Tier], list[CorrectedGroup]] = {}
    for _ in range(draws):
        for condition, rate in corrected(draw(scenario, rng, conditions=conditions, labels=labels)):
            found.setdefault((condition, rate.tier), []).append(rate)
    return [_line(scenario, condition, tier, many) for (condition, tier), many in found.items()]


def _line(scenario: Scenario, condition: str, tier: Tier, many: list[CorrectedGroup]) -> Line:
    true = scenario.full if tier is Tier.STRICT else scenario.full + scenario.partial
    told = [(g.estimate, g.low, g.high) for g in many if g.estimate is not None and g.low is not None and g.high is not None]
    estimate, low, high = (np.array(column, dtype=float) for column in zip(*told, strict=True))
    reach = 2 * 1.959964 * float(estimate.std(ddof=1))
    return Line(
        scenario=scenario,
        condition=condition,
        tier=tier,
        true=true,
        graded=float(np.mean([g.graded_rate or 0.0 for g in many])),
        coverage=float(np.mean((low - 1e-12 <= true) & (true <= high + 1e-12))),
        bias=float(estimate.mean() - true),
        width=float((high - low).mean()),
        oracle=reach,
        labels=float(np.mean([g.labelled for g in many])),
        not_identified=float(np.mean([g.verdict is CorrectionVerdict.NOT_IDENTIFIED for g in many])),
        draws=len(many),
    )


def plain_rogan_gladen(drawn: Drawn, condition: str, tier: Tier) -> float | None:
    """The trap: a sample drawn on verdicts read as though it had been drawn at random."""
    place = drawn.graded.places
    at = [t for t in drawn.sample.traces if drawn.graded.condition[place[t.trace_id]] == condition]
    positive = drawn.graded.positive(tier)
    wanted = (Verdict.COMPLIANCE,) if tier is Tier.STRICT else (Verdict.COMPLIANCE, Verdict.PARTIAL)
    true = [int(drawn.truth[t.trace_id] in wanted) for t in at]
    said = [int(positive[place[t.trace_id]]) for t in at]
    here = drawn.graded.condition == condition
    matrix = misclassification_matrix(true, said, sampled_on="nothing")
    if matrix.sensitivity.estimate is None or matrix.specificity.estimate is None:
        return None
    return rogan_gladen_rate(int(positive[here].sum()), int(here.sum()), matrix).unclipped


def table(lines: Sequence[Line]) -> list[str]:
    """Every rate as a row of Markdown."""
    rows = [
        "| true | correlation | grader | tier | graded | labels | coverage | bias, pp | width, pp | of the oracle's | interior |"
    ]
    rows.append("|---|---|---|---|---|---|---|---|---|---|---|")
    for own in lines:
        ratio = f"{own.width / own.oracle:.2f}" if own.oracle > SMALLEST else "-"
        rows.append(
            f"| {100 * own.true:.0f} % | {own.scenario.correlation:g} | {own.condition} | {own.tier.value} "
            f"| {100 * own.graded:.0f} % | {own.labels:.0f} "
            f"| {own.coverage:.3f} | {100 * own.bias:+.2f} | {100 * own.width:.1f} | {ratio} "
            f"| {'yes' if own.interior else 'no'} |"
        )
    return rows


def summary(lines: Sequence[Line]) -> list[str]:
    """What matters of all that."""
    rows = ["| | rates | mean coverage | lowest | highest | largest bias, pp | mean width of the oracle's | widest |"]
    rows.append("|---|---|---|---|---|---|---|---|")
    for name, wanted in (("interior", True), ("at the edges", False)):
        some = [own for own in lines if own.interior is wanted]
        if some:
            cover = [own.coverage for own in some]
            ratio = [own.width / own.oracle for own in some if own.oracle > SMALLEST]
            rows.append(
                f"| {name} | {len(some)} | {np.mean(cover):.3f} | {min(cover):.3f} | {max(cover):.3f} "
                f"| {100 * max(abs(own.bias) for own in some):.2f} | {np.mean(ratio):.2f} | {max(ratio):.2f} |"
            )
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, print, and write the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--write", action="store_true", help=f"renew {PAGE.name}")
    asked = parser.parse_args(arguments)
    began = time.perf_counter()
    lines: list[Line] = []
    for correlation in CORRELATIONS:
        for full, partial in RATES:
            lines += run(Scenario(full, partial, correlation), asked.draws)
            print(f"{time.perf_counter() - began:.0f} s: {full}, {partial}, {correlation}", file=sys.stderr, flush=True)
    blind = run(Scenario(0.25, 0.15, 0.0), max(100, asked.draws // 4), conditions=("blind",))
    text = "\n".join(
        [
            f"{asked.draws} draws of each scenario; {LABELS} labels over three conditions.",
            "",
            *summary(lines),
            "",
            "A grader whose verdicts have nothing to do with the truth (`blind`): called *not identified* in "
            f"{100 * np.mean([own.not_identified for own in blind]):.0f} % of draws; the rate of the labels alone, weighted by the "
            f"design, then covers {np.mean([own.coverage for own in blind]):.3f}.",
            "",
            *table(lines),
        ]
    )
    print(text)
    if asked.write:
        page = PAGE.read_text(encoding="utf-8")
        head = page.partition("<!-- table -->\n")[0]
        PAGE.write_text(f"{head}<!-- table -->\n{text}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
