"""
Is the verdict of a dilution experiment right? Experiments with a planted truth, many draws of each.

``python -m benchmarks.dilution_truth [--repeats 2000] [--answers 200] [--write]`` draws counts of six models on 2,000 prompts each,
makes the registered test of every draw, and compares the share that it rejects with the level and with what the plan said; then
it has whole experiments answered, and counts the verdicts. ``--write`` renews ``docs/explanation/dilution-truth.md``. What is
simulated is kept in ``--folder`` and not repeated: empty it when the analysis has changed.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs
import numpy as np

from safescale.studies.dilution.analysis import analyze_dilution
from safescale.studies.dilution.design import DilutionDesign
from safescale.studies.dilution.planted import PlantedDilution, planted_counts, planted_outcomes, share_rejected
from safescale.studies.dilution.power import DilutionAssumptions, plan_dilution
from safescale.studies.dilution.results import DilutionVerdict

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "explanation" / "dilution-truth.md"
SIX: Final = (0.5, 1.2, 3.0, 7.0, 14.0, 32.0)
PROMPTS: Final = 2_000
SEED: Final = 353


@attrs.frozen(kw_only=True)
class Cell:
    """One planted truth: what the registered test does, what the plan said, and the verdicts."""

    planted: PlantedDilution
    rejected: float
    low: float
    high: float
    planned: float
    verdicts: tuple[tuple[str, int], ...]


def planted_cells() -> list[PlantedDilution]:
    """Without a slope, and with +15 pp per decade; one lineage of six sizes, and three training seeds of four sizes."""
    one = [PlantedDilution(sizes_b=SIX, prompts=PROMPTS, slope_pp_per_decade=s, tau_pp=t) for s in (0, 15) for t in (0, 5, 10)]
    four = SIX[1:5]
    seeds = [
        PlantedDilution(sizes_b=four, prompts=PROMPTS, slope_pp_per_decade=s, tau_pp=own, shared_tau_pp=shared, lineages=3)
        for s in (0, 15)
        for own, shared in ((5, 0), (0, 5))
    ]
    return [*one, *seeds]


def kept_cell(planted: PlantedDilution, repeats: int, answers: int, folder: Path) -> Cell:
    """One truth, simulated unless the folder has it."""
    key = hashlib.sha256(repr((planted, repeats, answers, SEED)).encode()).hexdigest()[:16]
    file = folder / f"{key}.json"
    if file.exists():
        held = json.loads(file.read_text(encoding="utf-8"))
        return Cell(planted=planted, **{**held, "verdicts": tuple((name, n) for name, n in held["verdicts"])})
    cell = cell_of(planted, repeats, answers)
    held = {field: value for field, value in attrs.asdict(cell, recurse=False).items() if field != "planted"}
    file.write_text(json.dumps(held), encoding="utf-8")
    return cell


def cell_of(planted: PlantedDilution, repeats: int, answers: int) -> Cell:
    """Simulate one truth."""
    rng = np.random.default_rng(SEED)
    share = share_rejected(planted, repeats, rng)
    design = DilutionDesign()
    tau = float(np.hypot(planted.tau_pp, planted.shared_tau_pp))
    asked = DilutionAssumptions(baseline_rate=planted.baseline, discordance=planted.discordance, tau_pp=(tau,))
    verdicts: collections.Counter[str] = collections.Counter()
    for counts in planted_counts(planted, answers, rng):
        verdicts[analyze_dilution(design, [planted_outcomes(planted, counts, rng)]).verdict.value] += 1
    return Cell(
        planted=planted,
        rejected=share.estimate,
        low=share.low,
        high=share.high,
        planned=plan_dilution(design, planted.models, planted.prompts, assumptions=asked).rows[0].power,
        verdicts=tuple((verdict.value, verdicts[verdict.value]) for verdict in DilutionVerdict),
    )


def table(cells: Sequence[Cell]) -> list[str]:
    """Rows of the table."""
    lines = [
        "| models | slope, pp per decade | spread of models, pp | odd sizes, pp | test rejects, % | plan said, % | supports | "
        "contradicts | cannot tell |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for cell in cells:
        planted = cell.planted
        models = f"{len(planted.sizes_b)} sizes" + (f" x {planted.lineages} seeds" if planted.lineages > 1 else "")
        planned = f"{100 * cell.planned:.1f}" if planted.slope_pp_per_decade else ""
        counts = " | ".join(str(n) for _, n in cell.verdicts)
        lines.append(
            f"| {models} | {planted.slope_pp_per_decade:+g} | {planted.tau_pp:g} | {planted.shared_tau_pp:g} | "
            f"{100 * cell.rejected:.1f} "
            f"[{100 * cell.low:.1f}, {100 * cell.high:.1f}] | {planned} | {counts} |"
        )
    return lines


def page(cells: Sequence[Cell], repeats: int, answers: int) -> str:
    """The page."""
    body = "\n".join(table(cells))
    sloped = [cell for cell in cells if cell.planted.slope_pp_per_decade and cell.planted.lineages == 1]
    sizes = ", ".join(f"{size:g}" for size in SIX)
    return f"""<!-- generated by python -m benchmarks.dilution_truth --write; do not edit -->

# Is the verdict of a dilution experiment right?

Planted experiments: models of {sizes} B (with seeds: the middle four),
{PROMPTS:,} harmful prompts each, baseline attack success 35 %, mean delta 5 pp, a quarter of the prompts differing between the two
conditions. *Spread of models* is the standard deviation of the models' true deltas about the line; *odd sizes* is what all seeds of
one size share. Each row: {repeats:,} experiments, the share of them that the registered test rejects (two-sided permutation of
models, within seeds where there are several; level 5 %) with its 95 % interval, what `plan_dilution` had said of its power, and the
verdicts of {answers} whole answers.

{body}

How to read it:

- Without a slope the test of six models keeps its level whatever the spread between models, because models are what it permutes.
- *Contradicts* without a slope is right where the equivalence test shows the slope to be within 5 pp per decade, and wrong in the
  few draws whose slope falls significantly; *supports* is wrong without a slope. With a spread between
  models of 5 pp or more six models can hardly show that, and the answer is mostly *cannot tell*: more models would, more prompts
  would not.
- With +15 pp per decade, power falls from {100 * sloped[0].rejected:.0f} % to {100 * sloped[-1].rejected:.0f} % as the spread grows
  from {sloped[0].planted.tau_pp:g} to {sloped[-1].planted.tau_pp:g} pp, as planned: of the same prompts, other models.
- Training seeds replicate training and not size. Where each seed scatters by itself, the test within seeds keeps its level. Where
  one size is odd in every seed alike, it does not: every seed tells the same story, and the slope that it sees is that of four
  sizes. The verdict therefore asks the same test with sizes as units too, whose p it prints, and is *cannot tell* where that denies
  it; four sizes reach .083 at best, so there the order of the sizes must be the most extreme one.
"""


def main() -> int:
    """Run, print, write; 1 when the level or the planned power is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=2_000)
    parser.add_argument("--answers", type=int, default=200)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "safescale-dilution-truth")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    cells = []
    for planted in planted_cells():
        cells.append(kept_cell(planted, arguments.repeats, arguments.answers, arguments.folder))
        print(table(cells)[-1], flush=True)
    if arguments.write:
        PAGE.write_text(page(cells, arguments.repeats, arguments.answers), encoding="utf-8")
    missed = [
        cell
        for cell in cells
        if cell.planted.shared_tau_pp == 0
        and (abs(cell.rejected - cell.planned) > 0.03 if cell.planted.slope_pp_per_decade else cell.rejected > 0.065)
    ]
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
