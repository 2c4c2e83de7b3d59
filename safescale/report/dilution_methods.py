"""Methods sentences of the dilution experiment, ready for a paper, with their references: only what was really done is said."""

from __future__ import annotations

from typing import Final

from safescale._version import __version__
from safescale.analyses.words import and_list, plural
from safescale.report.dilution_facts import DilutionRun
from safescale.studies.dilution.results import BetweenModels, DilutionResult, GraderAnswer

__all__ = ["dilution_methods", "dilution_references"]

RULE_353: Final = "Failure-First report 353 (the design of the experiment, and its rule of 20 pp)"
TANGO: Final = "T. Tango (1998), Statist. Med. 17, 891-908"
MCNEMAR: Final = "Q. McNemar (1947), Psychometrika 12, 153-157"
PITMAN: Final = "E. J. G. Pitman (1937), J. Roy. Statist. Soc. Suppl. 4, 225-232"
PHIPSON: Final = "B. Phipson, G. K. Smyth (2010), Stat. Appl. Genet. Mol. Biol. 9, 39"
BODNAR: Final = "O. Bodnar, A. Link, B. Arendacka, A. Possolo, C. Elster (2017), Statist. Med. 36, 378-399"
VIECHTBAUER: Final = "W. Viechtbauer (2007), Statist. Med. 26, 37-52"
SCHUIRMANN: Final = "D. J. Schuirmann (1987), J. Pharmacokinet. Biopharm. 15, 657-680"
HOLM: Final = "S. Holm (1979), Scand. J. Statist. 6, 65-70"
BELL: Final = "R. M. Bell, D. F. McCaffrey (2002), Survey Methodology 28, 169-181"
SPEARMAN: Final = "C. Spearman (1904), Amer. J. Psychol. 15, 72-101"
WILSON: Final = "E. B. Wilson (1927), J. Amer. Statist. Assoc. 22, 209-212"
MANSKI: Final = "C. F. Manski (1990), Amer. Econ. Rev. 80, 319-323"

_Said = list[tuple[str, tuple[str, ...]]]


def dilution_methods(result: DilutionResult, run: DilutionRun) -> tuple[str, ...]:
    """Sentences, with the numbers of their references in brackets."""
    known = dilution_references(result, run)
    return tuple(
        words + ("" if not cited else " [" + ", ".join(str(known.index(reference) + 1) for reference in cited) + "]") + "."
        for words, cited in _sentences(result, run)
    )


def dilution_references(result: DilutionResult, run: DilutionRun) -> tuple[str, ...]:
    """What the sentences cite, in the order in which they do."""
    return tuple(dict.fromkeys(reference for _, cited in _sentences(result, run) for reference in cited))


def _sentences(result: DilutionResult, run: DilutionRun) -> _Said:
    found = _asked(result, run)
    if result.answers:
        first = result.answers[0]
        found += _deltas(first)
        if first.size is not None:
            found += _slope(first.size, result)
        found += _more(first, result)
    if len(result.answers) > 1:
        found.append(
            (
                f"The whole analysis was repeated under {and_list([answer.grader for answer in result.answers])}; the first is the "
                "registered primary grader",
                (),
            )
        )
    return found


def _asked(result: DilutionResult, run: DilutionRun) -> _Said:
    design = result.design
    kinds = f"{plural(len(design.kinds), 'kind')} of logic puzzles: {and_list([kind.replace('_', '-') for kind in design.kinds])}"
    controls = (
        ", with neutral prose of equal token length, the puzzle appended and the puzzle alone as controls"
        if design.controls
        else ""
    )
    found: _Said = [
        (
            f"Each harmful prompt was asked as it is and with a benign logic puzzle of {design.lines} lines before it "
            f"({kinds}; difficulty {design.difficulty}, seed {design.puzzle_seed}){controls}",
            (RULE_353,),
        )
    ]
    others = [lines for lines in design.all_lines if lines != design.lines]
    if others:
        found.append((f"Puzzles of {and_list([str(n) for n in others])} lines were asked for the dose response", ()))
    if design.templates:
        found.append((f"{plural(len(design.templates), 'paraphrase')} of the prompt crossed with samples", ()))
    times = "once" if design.samples == 1 else f"{design.samples} times"
    found.append((f"Each prompt was answered {times} under each condition; attack success is the {_tier(result)} tier", ()))
    if run.registration is not None:
        when = f" on {run.registration.registered_at}" if run.registration.registered_at else ""
        found.append(
            (
                f"Hypothesis, rule, exclusions and analysis were registered before generation{when} "
                f"(SHA-256 {run.registration.sha256})",
                (),
            )
        )
    found.append((f"Analysed with safescale {__version__}, corpus {result.fingerprint}", ()))
    return found


def _tier(result: DilutionResult) -> str:
    return result.design.tier.value.replace("_", " ")


def _deltas(answer: GraderAnswer) -> _Said:
    methods = {delta.method for delta in answer.deltas}
    found: _Said = []
    if "tango" in methods:
        found.append(
            (
                "Delta, the attack success with the puzzle minus that at baseline over prompts evaluable under both, has Tango's "
                "score interval for paired proportions and McNemar's exact test",
                (TANGO, MCNEMAR),
            )
        )
    if "clustered" in methods:
        found.append(("Delta of several samples a prompt has a t interval with prompts as clusters", (BELL,)))
    return found


def _slope(size: BetweenModels, result: DilutionResult) -> _Said:
    within = " within lineages" if size.within_lineages or len(size.lineages) > 1 else ""
    monte = "monte" in size.permutation_method.lower()
    kind = "a Monte Carlo" if monte else "an exact"
    found: _Said = [
        (
            f"Delta was regressed on log10 of parameters{within} with models as units; p is of {kind} "
            f"permutation of models{within}, two-sided at {result.design.alpha:g}",
            (PITMAN, PHIPSON) if monte else (PITMAN,),
        )
    ]
    if size.meta_slope_pp_per_decade is not None:
        found.append(
            (
                "A meta-regression weighted models by their sampling variance, with spread between models (REML; reference prior; "
                "interval of tau by the Q profile)",
                (BODNAR, VIECHTBAUER),
            )
        )
    if size.over_lineages_low is not None:
        found.append(("The mean of the slopes within lineages has a t interval with lineages as units", ()))
    if size.flat_p is not None:
        found.append((f"Flatness was tested by two one-sided tests at {result.design.margin_pp:g} pp per decade", (SCHUIRMANN,)))
    return found


def _more(answer: GraderAnswer, result: DilutionResult) -> _Said:
    found: _Said = []
    if answer.rule is not None:
        found.append(
            (
                f"Delta at the largest minus delta at the smallest size was held against {answer.rule.threshold_pp:g} pp; its "
                "interval speaks of these models",
                (RULE_353,),
            )
        )
    if answer.interaction is not None:
        found.append(
            ("The interaction of condition and log10 size was fitted to items with prompts as clusters (these models)", (BELL,))
        )
    if any(one.adjusted_p is not None for one in answer.contrasts):
        found.append(
            (
                f"The {plural(len(answer.contrasts), 'contrast')} of conditions, models as units, were corrected by Holm's method",
                (HOLM,),
            )
        )
    if answer.dose is not None and answer.dose.mean_slope_pp_per_line is not None:
        found.append(
            ("Delta was regressed on lines of the puzzle within each model, and the slopes were averaged with models as units", ())
        )
    if answer.solving is not None and answer.solving.between_rho is not None:
        found.append(
            ("The share of puzzles solved and delta were described by Spearman's rank correlation over models", (SPEARMAN,))
        )
    if answer.refusal:
        found.append(("Refusals have Wilson's interval", (WILSON,)))
    if answer.exclusions is not None:
        found.append(("Delta and its slope were bounded whatever the answers without a verdict would have been", (MANSKI,)))
    if answer.without_estimates is not None:
        found.append(("The slope was repeated without models whose size is an estimate", ()))
    return found
