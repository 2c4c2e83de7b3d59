"""
Are the one-sentence answers right? Corpora with a known truth, many draws of each, read and answered as a user's would be.

``python -m benchmarks.truth [--draws 100] [--only SCENARIO...] [--write]`` simulates 14,400 traces of 72 models (six sizes,
twelve providers) in each draw, ingests them, asks every question, and compares the first answer of each with what was planted.
An answer is *right* when it says what is there (or, where nothing is, claims nothing), *false* when it claims what is not there,
else *open*. ``--write`` renews ``docs/explanation/truth.md``. Finished draws are kept in ``--folder`` and not repeated.
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import attrs

from safescale.analyses import ScalingVerdict
from safescale.analyses.safety_roi import ProviderVerdict
from safescale.cells import Counting
from safescale.ingest.session import ingest
from safescale.main_job import Question
from safescale.main_job.analyses import inverse_scaling, safety_roi
from safescale.simulate import CorpusPlan, simulate_corpus
from safescale.simulate.plan import EffectScenario
from safescale.store import open_corpus

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "explanation" / "truth.md"
PLAN: Final = CorpusPlan(rows=14_400, models=72, prompts=200, attack_classes=4, parts=("flat",))
Outcome: TypeAlias = Literal["right", "open", "false"]
SCENARIOS: Final[tuple[EffectScenario, ...]] = get_args(EffectScenario)
SCENARIO_WORDS: Final[Mapping[EffectScenario, str]] = {
    "none": "no effect",
    "slope": f"+{PLAN.slope_pp_per_decade:g} pp per decade in every class",
    "provider": f"provider effects, SD {PLAN.provider_sd_pp:g} pp",
    "u_shape": f"a U about 8B, {PLAN.slope_pp_per_decade:g} pp per squared decade",
    "duplicated_lineage": "no effect; six models are copies of six others",
}
DIRECTED: Final = (ScalingVerdict.COMPLY_MORE.value, ScalingVerdict.COMPLY_LESS.value)
NOTHING_CLAIMED: Final = (ScalingVerdict.UNDECIDED.value, ScalingVerdict.CANNOT_TEST.value)


@attrs.frozen(kw_only=True)
class Draw:
    """What one simulated corpus was answered with."""

    scenario: EffectScenario
    seed: int
    scaling: str
    roi: str
    copies_named: int

    @property
    def scaling_outcome(self) -> Outcome:
        """The verdict on size against the truth."""
        if self.scenario == "slope":
            right, false = (ScalingVerdict.COMPLY_MORE.value,), (ScalingVerdict.COMPLY_LESS.value, ScalingVerdict.FLAT.value)
        elif self.scenario == "u_shape":
            right, false = (ScalingVerdict.NOT_A_LINE.value,), (*DIRECTED, ScalingVerdict.FLAT.value)
        else:
            right = (ScalingVerdict.FLAT.value, *NOTHING_CLAIMED)
            false = (*DIRECTED, ScalingVerdict.NOT_A_LINE.value)
        if self.scenario == "duplicated_lineage" and self.copies_named != 6:
            return "false"
        return "right" if self.scaling in right else "false" if self.scaling in false else "open"

    @property
    def roi_outcome(self) -> Outcome:
        """The verdict on providers against the truth."""
        claimed = self.roi.startswith(ProviderVerdict.DIFFER.value)
        if self.scenario == "provider":
            return "right" if claimed else "open"
        return "false" if claimed else "right"


def one_draw(scenario: EffectScenario, seed: int) -> Draw:
    """Simulate, ingest, ask."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate_corpus(attrs.evolve(PLAN, scenario=scenario, seed=seed), folder)
        corpus = open_corpus(folder / "corpus.db", create=True)
        try:
            ingest([folder / "flat.jsonl"], corpus)
            counting, question = Counting(corpus), Question()
            scaling_question, roi_question = inverse_scaling(), safety_roi()
            scaling = scaling_question.run(counting, question)
            roi = roi_question.run(counting, question)
            return Draw(
                scenario=scenario,
                seed=seed,
                scaling=scaling_question.chapter(scaling, "", None).findings[0].verdict,
                roi=roi_question.chapter(roi, "", None).findings[0].verdict,
                copies_named=len(scaling.identical_models),
            )
        finally:
            corpus.close()


def draws(scenarios: Sequence[EffectScenario], number: int, kept: Path) -> list[Draw]:
    """All draws, those in ``kept`` not repeated."""
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.is_file() else []
    done = {(d.scenario, d.seed): d for d in (Draw(**json.loads(line)) for line in lines)}
    wanted = [(scenario, seed) for seed in range(number) for scenario in scenarios]
    begun = time.perf_counter()
    for position, key in enumerate(wanted):
        if key not in done:
            done[key] = one_draw(*key)
            with kept.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(attrs.asdict(done[key])) + "\n")
        if sys.stderr.isatty() or position % 50 == 49:
            print(f"{position + 1} of {len(wanted)} draws, {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    return [done[key] for key in wanted]


def table(found: Sequence[Draw]) -> list[str]:
    """Right, open and false answers by scenario and question, as Markdown."""
    lines = ["| planted | question | right | open | false | answers |", "|---|---|---:|---:|---:|---|"]
    for scenario in SCENARIOS:
        mine = [draw for draw in found if draw.scenario == scenario]
        if not mine:
            continue
        for question, outcomes, answers in (
            ("size", [d.scaling_outcome for d in mine], [d.scaling for d in mine]),
            ("provider", [d.roi_outcome for d in mine], [d.roi for d in mine]),
        ):
            counts = collections.Counter(outcomes)
            said = "; ".join(f"{words} {n}" for words, n in collections.Counter(answers).most_common())
            cells = (SCENARIO_WORDS[scenario], question, *(str(counts[o]) for o in get_args(Outcome)), said)
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def page(found: Sequence[Draw], number: int) -> str:
    """The page of the documentation."""
    words = (
        "<!-- generated by python -m benchmarks.truth --write; do not edit -->\n\n# Are the one-sentence answers right?\n\n"
        f"{number} simulated corpora of each kind: {PLAN.rows:,} traces, {PLAN.models} models in lineages of six sizes from\n"
        f"twelve providers, between-model spread {PLAN.tau_pp:g} pp, prompt correlation {PLAN.prompt_icc:g}, one lineage in "
        f"{PLAN.tampered_every} abliterated, one in\n{PLAN.unsized_every} without sizes. Each was ingested and asked as a user's "
        "corpus is; the first answer of each question is judged.\n*Right* says what was planted, or claims nothing where nothing "
        "was; *false* claims what is not there; else it is *open*.\nThe level of a claim is .05, so five false answers in a "
        "hundred are what is promised, not a fault.\n\n"
    )
    return words + "\n".join(table(found)) + "\n"


def main() -> int:
    """Run, print, write; 1 when an answer is right in fewer than 95 of 100 draws."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--only", nargs="*", choices=SCENARIOS, default=None)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "safescale-truth")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    found = draws(arguments.only or SCENARIOS, arguments.draws, arguments.folder / "draws.jsonl")
    print("\n".join(table(found)))
    if arguments.write:
        PAGE.write_text(page(found, arguments.draws), encoding="utf-8")
    rates = []
    for scenario in arguments.only or SCENARIOS:
        mine = [d for d in found if d.scenario == scenario]
        judged = zip(*((d.scaling_outcome, d.roi_outcome) for d in mine), strict=True)
        rates += [sum(o == "right" for o in outcomes) / len(mine) for outcomes in judged]
    return int(min(rates) < 0.95)


if __name__ == "__main__":
    sys.exit(main())
