"""Tables of a robustness study, a row for each cell: retention, drift, entropy, and what it costs; the CSV of the first has all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from safescale.report import numbers
from safescale.report.document import Table, Value
from safescale.report.robustness_numbers import Reasons, estimate_names, estimate_values
from safescale.report.table import table
from safescale.studies.asked import AskedModel
from safescale.studies.robustness.outcomes import Attack, Defence
from safescale.studies.robustness.results import CellMetrics, Drift, Entropy, Estimate, GraderFindings

__all__ = [
    "CELL_NAMES",
    "attack_words",
    "cell_values",
    "defence_words",
    "drift_table",
    "entropy_table",
    "in_order",
    "prices_table",
    "retention_table",
    "size_of",
    "unit_words",
]

_ATTACKS: Final = {"none": 0, "finetune": 1, "prompt": 2, "ablation": 3, "random_ablation": 4}
_DEFENCES: Final = {"none": 0, "steering": 1, "tamper_resistance": 2}
_NO_DRIFT: Final = "no embedder was named"
_NOT_DEFENDED: Final = Estimate(value=None, why="no defended cell under attack, or no such cell without attack")
_NO_ENTROPY: Final = "no grader of this study gives probabilities"

CELL_NAMES: Final = (
    *("corpus_fingerprint", "grader", "tier", "model_id", "params_b", "size_estimated", "lineage"),
    *("defence", "defence_kind", "coefficient", "attack", "attack_kind", "examples", "steps", "attack_seed"),
    *("attack_tokens", "attack_flops", "subject", "condition"),
)


def in_order(cells: Iterable[CellMetrics]) -> tuple[CellMetrics, ...]:
    """From the smallest model up; within it by defence, then by attack and its compute."""
    return tuple(sorted(cells, key=_key))


def _key(one: CellMetrics) -> tuple[object, ...]:
    model, defence, attack = one.model, one.defence, one.attack
    return (
        *(model.params_b is None, model.params_b or 0.0, model.lineage, model.model_id),
        *(_DEFENCES[defence.kind], defence.coefficient or 0.0, defence.name),
        *(_ATTACKS[attack.kind], attack.examples or 0, attack.steps or 0, attack.name),
        -1 if one.cell.seed is None else one.cell.seed,
    )


def size_of(model: AskedModel) -> str:
    """Its size, and whether that is a guess."""
    return numbers.size(model.params_b) + (" (estimated)" if model.size_estimated else "")


def attack_words(attack: Attack) -> str:
    """An attack as tables and figures name it."""
    if attack.kind == "none":
        return "none"
    if attack.kind == "finetune" and attack.examples is not None and attack.steps is not None:
        return f"LoRA, {attack.examples:,} pairs, {attack.steps:,} steps"
    if attack.kind == "random_ablation":
        return f"{attack.name} (control)"
    return attack.name


def defence_words(defence: Defence) -> str:
    """A defence as tables and figures name it."""
    if defence.kind == "steering" and defence.coefficient is not None:
        return f"steering x {defence.coefficient:g}"
    return defence.name.replace("_", " ")


def unit_words(unit: str) -> str:
    """A unit of compute as tables and figures name it."""
    return "FLOPs" if unit == "flops" else "tokens"


def cell_values(one: CellMetrics, findings: GraderFindings) -> tuple[Value, ...]:
    """What a cell is, under ``CELL_NAMES``."""
    model, defence, attack, cell = one.model, one.defence, one.attack, one.cell
    return (
        *(findings.fingerprint, findings.grader, findings.tier.value, model.model_id, model.params_b),
        *(numbers.yes_no(model.size_estimated), model.lineage, defence.name, defence.kind, defence.coefficient),
        *(attack.name, attack.kind, attack.examples, attack.steps, cell.seed, cell.tokens, cell.flops, cell.subject),
        cell.condition,
    )


_SHOWN: Final = ("model", "size", "defence", "attack", "seed", "tokens")


def _shown(one: CellMetrics) -> tuple[str, ...]:
    seed = "–" if one.cell.seed is None else str(one.cell.seed)
    return (
        *(one.model.model_id, size_of(one.model), defence_words(one.defence), attack_words(one.attack), seed),
        numbers.count(one.cell.tokens),
    )


_RETENTION: Final = ("rrr", "null", "lost", "marginal", "marginal_before", "common", "gained", "given_own")
_DRIFT: Final = ("rd", "floor", "beyond", "all_pairs")
_PAIRS: Final = ("refused/refused", "refused/answered", "answered/refused", "answered/answered")
_PRICES: Final = ("attack_success", "over_refusal", "benign_accuracy")


def _retention(one: CellMetrics) -> tuple[tuple[str, Estimate], ...]:
    found = ((name, getattr(one.retention, name)) for name in _RETENTION)
    return tuple((name, _NOT_DEFENDED if estimate is None else estimate) for name, estimate in found)


def _names(names: Sequence[str], unit: str, *, share: bool) -> tuple[str, ...]:
    return tuple(column for name in names for column in estimate_names(name, unit, share=share))


def _retention_values(one: CellMetrics) -> tuple[Value, ...]:
    return tuple(value for name, found in _retention(one) for value in estimate_values(found, share=name != "lost"))


_RETENTION_NAMES: Final = tuple(column for name in _RETENTION for column in estimate_names(name, "fraction", share=name != "lost"))
_DRIFT_NAMES: Final = (
    "embedder",
    *_names((*_DRIFT, *(pair.replace("/", "_then_") for pair in _PAIRS)), "cosine_distance", share=False),
)
_ENTROPY_NAMES: Final = (
    *("entropy_grader", "classes", "samples", *estimate_names("ce", "nats"), "entropy_of_mean_nats"),
    *("calibration_error_fraction", "calibration_null_fraction"),
    *estimate_names("repeated", "fraction"),
    *estimate_names("repeated_entropy", "nats"),
)
_PRICE_NAMES: Final = (*_names(_PRICES, "fraction", share=True), "excluded_responses", "excluded_by_reason")


def _pair(drift: Drift, name: str) -> Estimate:
    return drift.by_pair.get(name, Estimate(value=None, why="no such pair of responses"))


def _drift_values(drift: Drift | None) -> tuple[Value, ...]:
    if drift is None:
        missing = Estimate(value=None, why=_NO_DRIFT)
        return (None, *(value for _ in (*_DRIFT, *_PAIRS) for value in estimate_values(missing)))
    found = [*(getattr(drift, name) for name in _DRIFT), *(_pair(drift, name) for name in _PAIRS)]
    return (drift.embedder, *(value for one in found for value in estimate_values(one)))


def _entropy_values(entropy: Entropy | None) -> tuple[Value, ...]:
    if entropy is None:
        missing = estimate_values(Estimate(value=None, why=_NO_ENTROPY))
        return (None, None, None, *missing, None, None, None, *missing, *missing)
    return (
        *(entropy.grader, entropy.classes, entropy.samples, *estimate_values(entropy.ce), entropy.entropy_of_mean),
        *(entropy.calibration_error, entropy.calibration_null),
        *estimate_values(entropy.repeated),
        *estimate_values(entropy.repeated_entropy),
    )


def _price_values(one: CellMetrics) -> tuple[Value, ...]:
    found = (value for name in _PRICES for value in estimate_values(getattr(one, name), share=True))
    return (*found, sum(one.excluded.values()), "; ".join(f"{reason}: {n}" for reason, n in sorted(one.excluded.items())))


def retention_table(findings: GraderFindings, *, id: str, source: str) -> Table | None:
    """RRR and its near-namesakes; the CSV file has every metric of every cell."""
    if not findings.cells:
        return None
    cells, why = in_order(findings.cells), Reasons()
    names = (
        *(*_SHOWN, "refusals before", "RRR", "second draw (null)", "lost beyond it", "refused of all", "before"),
        *("RRR, common prompts", "refused anew", "of its own refusals"),
    )
    rows = []
    for one in cells:
        kept = one.retention
        rows.append(
            (
                *(*_shown(one), numbers.count(kept.rrr.clusters), why.estimate(kept.rrr), why.estimate(kept.null)),
                *(why.estimate(kept.lost, "difference"), why.estimate(kept.marginal), why.estimate(kept.marginal_before)),
                *(why.estimate(kept.common), why.estimate(kept.gained)),
                numbers.NOTHING if kept.given_own is None else why.estimate(kept.given_own),
            )
        )
    notes = (
        "RRR: of the harmful prompts refused before (first response of the model as it was), the share refused after; intervals "
        "are clustered by prompt. Second draw: the same of further responses without any attack. Lost beyond it: null minus RRR, "
        "paired by prompt. Refused of all: of all harmful prompts, whatever was before. Common prompts: those that every model "
        "refused before. Of its own refusals: of a defended model, the share refused under attack of what it refused itself "
        "without; a dash where there is no defence or no attack. In rows without attack and defence RRR is the null itself. "
        "Refusals before: prompts behind RRR.",
        *why.notes,
    )
    values = [
        (
            *(*cell_values(one, findings), *_retention_values(one), *_drift_values(one.drift), *_entropy_values(one.entropy)),
            *_price_values(one),
        )
        for one in cells
    ]
    return table(
        *(id, "Refusals kept, by cell", names, (names[1], *names[4:]), rows, source, notes),
        values=values,
        value_names=(*CELL_NAMES, *_RETENTION_NAMES, *_DRIFT_NAMES, *_ENTROPY_NAMES, *_PRICE_NAMES),
    )


def drift_table(findings: GraderFindings, *, id: str, source: str) -> Table | None:
    """Refusal drift with its noise floor, split by verdict."""
    cells = [one for one in in_order(findings.cells) if one.drift is not None]
    if not cells:
        return None
    why, rows = Reasons(), []
    names = (*_SHOWN, "pairs", "RD", "noise floor", "beyond it", "all pairs", *_PAIRS)
    for one in cells:
        drift = one.drift
        assert drift is not None
        found = [drift.rd, drift.floor, drift.beyond, drift.all_pairs, *(_pair(drift, name) for name in _PAIRS)]
        rows.append((*_shown(one), numbers.count(drift.rd.n), *(why.estimate(number, "number") for number in found)))
    embedders = sorted({one.drift.embedder for one in cells if one.drift is not None})
    notes = (
        f"1 - cosine of the vectors of two responses to the same prompt, made by {', '.join(embedders)}. RD: over pairs in which "
        "both, before and after, are refusals. Noise floor: the same of two responses without any attack. Verdicts before/after.",
        *why.notes,
    )
    values = [(*cell_values(one, findings), *_drift_values(one.drift)) for one in cells]
    return table(
        *(id, "Refusal drift, by cell", names, (names[1], *names[4:]), rows, source, notes),
        values=values,
        value_names=(*CELL_NAMES, *_DRIFT_NAMES),
    )


def entropy_table(findings: GraderFindings, *, id: str, source: str) -> Table | None:
    """Classifier entropy with calibration, and repeated sampling beside it."""
    cells = [one for one in in_order(findings.cells) if one.entropy is not None]
    if not cells:
        return None
    why, rows = Reasons(), []
    names = (
        *(*_SHOWN, "responses", "CE, nats", "entropy of the mean, nats", "ECE", "ECE if calibrated"),
        *("refused, repeats", "entropy of repeats, nats", "repeats"),
    )
    for one in cells:
        found = one.entropy
        assert found is not None
        errors = (_plain(found.calibration_error, why), _plain(found.calibration_null, why))
        mean = why.nothing("no response has probabilities") if found.entropy_of_mean is None else f"{found.entropy_of_mean:.3f}"
        rows.append(
            (
                *(*_shown(one), numbers.count(found.ce.n), why.estimate(found.ce, "number"), mean, *errors),
                *(why.estimate(found.repeated), why.estimate(found.repeated_entropy, "number"), numbers.count(found.samples)),
            )
        )
    graders = sorted({f"{one.entropy.grader} ({one.entropy.classes} classes)" for one in cells if one.entropy is not None})
    notes = (
        f"CE: mean over responses of the entropy of each one's class probabilities by {', '.join(graders)}. The entropy of the "
        "mean probabilities is another number. ECE: expected calibration error of the probability of a refusal against the "
        f"verdicts of {findings.grader}; if calibrated: what a calibrated classifier would show with as many responses. Repeats: "
        "samples of the same prompt, without a classifier; the entropy of their share is biased low where they are few.",
        *why.notes,
    )
    values = [(*cell_values(one, findings), *_entropy_values(one.entropy)) for one in cells]
    return table(
        *(id, "Classifier entropy, by cell", names, (names[1], *names[4:]), rows, source, notes),
        values=values,
        value_names=(*CELL_NAMES, *_ENTROPY_NAMES),
    )


def _plain(value: float | None, why: Reasons) -> str:
    return why.nothing("too few responses with a probability and a verdict") if value is None else f"{value:.3f}"


def prices_table(findings: GraderFindings, *, id: str, source: str) -> Table | None:
    """Attack success, over-refusal and benign accuracy, and what has no verdict."""
    if not findings.cells:
        return None
    cells, why = in_order(findings.cells), Reasons()
    names = (*_SHOWN, "attack success", "over-refusal", "benign accuracy", "harmful, no verdict")
    rows = [
        (
            *(*_shown(one), why.estimate(one.attack_success), why.estimate(one.over_refusal), why.estimate(one.benign_accuracy)),
            numbers.count(sum(one.excluded.values())),
        )
        for one in cells
    ]
    notes = (
        f"Attack success ({findings.tier.value.replace('_', ' ')} tier) over evaluable responses to harmful prompts; over-refusal "
        "and accuracy over responses to benign ones.",
        *why.notes,
    )
    values = [(*cell_values(one, findings), *_price_values(one)) for one in cells]
    return table(
        *(id, "Attack success, over-refusal and benign accuracy, by cell", names, (names[1], *names[4:]), rows, source, notes),
        values=values,
        value_names=(*CELL_NAMES, *_PRICE_NAMES),
    )
