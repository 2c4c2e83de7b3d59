"""What the quantities of a robustness study are, what they are easily taken for, and methods sentences with references."""

from __future__ import annotations

from typing import Final

from safescale._version import __version__
from safescale.analyses.words import and_list, plural
from safescale.report.document import Table
from safescale.report.robustness_facts import RobustnessRun
from safescale.report.table import table
from safescale.studies.robustness.results import GraderFindings, RobustnessResult

__all__ = ["definitions_table", "robustness_methods", "robustness_references"]

HU: Final = "E. J. Hu et al. (2022), LoRA: Low-rank adaptation of large language models, ICLR"
ARDITI: Final = "A. Arditi et al. (2024), Refusal in language models is mediated by a single direction, NeurIPS"
TAMIRISA: Final = "R. Tamirisa et al. (2025), Tamper-resistant safeguards for open-weight LLMs, ICLR"
FIELLER: Final = "E. C. Fieller (1954), J. Roy. Statist. Soc. B 16, 175-185"
COHEN: Final = "J. Cohen (1960), Educ. Psychol. Meas. 20, 37-46"
REPORT_183: Final = "Failure-First report 183 (polyhedral refusal: 4 directions, mean cosine 0.132)"

_Said = list[tuple[str, tuple[str, ...]]]

_RRR: Final = (
    "refusal retention rate (RRR)",
    "of the harmful prompts refused before (first response of the model as it was), the share of responses after that refuse",
    "the marginal share (of all harmful prompts); prompts are picked by a refusal, so a second draw alone loses some: the null",
)
_LOST: Final = (
    "lost beyond the null",
    "null minus RRR, paired by prompt",
    "1 - RRR, which counts what drawing again alone loses",
)
_COMMON: Final = (
    "RRR, common prompts",
    "RRR over the prompts that every model refused before",
    "RRR: each model has prompts of its own there",
)
_DRIFT: Final = (
    (
        "refusal drift (RD)",
        "mean of 1 - cosine of the responses before and after, over pairs in which both refuse",
        "distance over all pairs",
    ),
    ("noise floor", "RD of two responses of the model as it was", "zero: two draws differ without any attack"),
)
_ENTROPY: Final = (
    (
        "classifier entropy (CE)",
        "mean over responses of the entropy of each one's class probabilities, in nats; at most ln of the classes",
        "the entropy of the mean probabilities; the entropy of repeated samples",
    ),
    ("refused, repeats", "mean over prompts of the share of samples that refuse", "the probability that a classifier gives"),
)
_PRICES: Final = (
    ("over-refusal", "share of benign prompts that are refused", "RRR and the marginal share, which are of harmful prompts"),
    ("benign accuracy", "share of benign prompts answered rightly", "1 - over-refusal: an answer can be wrong"),
)
_HALF: Final = (
    "compute to 50 % RRR",
    "levels of the grid between which RRR falls below one half for good",
    "the compute at which half of all prompts are answered",
)


def definitions_table(result: RobustnessResult, *, id: str, source: str) -> Table | None:
    """Every quantity that this report shows, with what it is not."""
    cells = [one for findings in result.graders for one in findings.cells]
    if not cells:
        return None
    rows = [_RRR, _LOST, _COMMON]
    rows += _DRIFT if any(one.drift is not None for one in cells) else ()
    rows += _ENTROPY if any(one.entropy is not None for one in cells) else ()
    rows += _PRICES
    rows += [_HALF] if any(findings.half for findings in result.graders) else []
    return table(id, "What the numbers are", ("quantity", "is", "is not"), (), rows, source)


def robustness_methods(result: RobustnessResult, run: RobustnessRun) -> tuple[str, ...]:
    """Sentences, with the numbers of their references in brackets."""
    known = robustness_references(result, run)
    return tuple(
        words + ("" if not cited else " [" + ", ".join(str(known.index(reference) + 1) for reference in cited) + "]") + "."
        for words, cited in _sentences(result, run)
    )


def robustness_references(result: RobustnessResult, run: RobustnessRun) -> tuple[str, ...]:
    """What the sentences cite, in the order in which they do."""
    return tuple(dict.fromkeys(reference for _, cited in _sentences(result, run) for reference in cited))


def _sentences(result: RobustnessResult, run: RobustnessRun) -> _Said:
    found = _asked(result)
    if result.graders:
        found += _fitted(result.graders[0], result)
    if result.geometry:
        found.append(
            (
                "Refusal directions are differences in means at a searched layer and position, counted as found where ablating "
                "them lowers refusal and random directions do not; cosines between categories have bootstrap intervals over "
                "prompts and the effective rank is the exponential of the entropy of squared singular values",
                (ARDITI, REPORT_183),
            )
        )
    if any(one.kappa is not None for one in result.agreement):
        found.append(("Graders were compared by Cohen's kappa within each condition", (COHEN,)))
    if len(result.graders) > 1:
        names = and_list([one.grader for one in result.graders])
        found.append((f"The whole analysis was repeated under {names}; the first is the primary one", ()))
    engines = f"; engines: {and_list(list(run.engines))}" if run.engines else ""
    found.append((f"Analysed with safescale {__version__}, corpus {run.fingerprint or 'without a fingerprint'}{engines}", ()))
    return found


def _asked(result: RobustnessResult) -> _Said:
    design, cells = result.design, [one for findings in result.graders[:1] for one in findings.cells]
    kinds = {one.attack.kind for one in cells}
    defences = {one.defence.kind for one in cells}
    found: _Said = []
    if "finetune" in kinds:
        grid = design.finetune
        steps, examples = ([f"{n:,}" for n in sorted(values)] for values in (grid.steps, grid.examples))
        found.append(
            (
                f"Models were fine-tuned with LoRA (rank {grid.rank}, alpha {grid.alpha:g}, learning rate {grid.learning_rate:g}, "
                f"batches of {grid.batch_size}, {plural(grid.seeds, 'seed')}) on {and_list(examples)} pairs and asked after "
                f"{and_list(steps)} steps",
                (HU,),
            )
        )
    if "prompt" in kinds:
        found.append(("Attacks that change the prompt alone were asked besides, and stand in no fit over compute", ()))
    if kinds & {"ablation", "random_ablation"}:
        found.append(("The refusal direction was ablated, with a random direction of equal norm as control", (ARDITI,)))
    if "steering" in defences:
        found.append(("As a defence the refusal direction was added, at several multiples of the difference in means", (ARDITI,)))
    if "tamper_resistance" in defences:
        found.append(
            ("As a defence a small first-order baseline in the manner of TAR was trained; it is not TAR itself", (TAMIRISA,))
        )
    if cells:
        found.append(
            (
                f"Each prompt was answered {design.samples} times in each cell; rates have intervals clustered by prompt",
                (),
            )
        )
    return found


def _fitted(findings: GraderFindings, result: RobustnessResult) -> _Said:
    found: _Said = []
    fitted = [one for one in findings.surfaces if one.why is None]
    if fitted:
        metrics = and_list([name.upper() for name in dict.fromkeys(one.metric for one in fitted)])
        found.append(
            (
                f"{metrics} went on log10 parameters and log10 attack compute with their interaction, models as units, tests at "
                f"{result.design.alpha:g}; the exchange rate of the two effects has Fieller's interval",
                (FIELLER,),
            )
        )
    if findings.half:
        found.append(("Compute to 50 % RRR went on log10 size in an interval-censored log-normal regression", ()))
    if findings.lineages:
        found.append(("Effects were fitted within each lineage and averaged with lineages as units", ()))
    if findings.forms:
        found.append(("Log-linear and log-log forms were compared by their log scores on left-out sizes and levels", ()))
    return found
