"""Tables of defences, of refusal directions, of agreement, of exclusions, and of the run."""

from __future__ import annotations

from collections.abc import Iterable

from safescale.analyses.words import percent, signed
from safescale.report import numbers
from safescale.report.document import Table, Value
from safescale.report.robustness_facts import RobustnessRun
from safescale.report.robustness_numbers import Reasons, estimate_names, estimate_values
from safescale.report.robustness_tables import CELL_NAMES, attack_words, cell_values, defence_words, in_order, size_of
from safescale.report.table import table
from safescale.studies.robustness.geometry_words import dominated_words
from safescale.studies.robustness.results import GeometryOfModel, GraderFindings, RobustnessResult

__all__ = [
    "agreement_table",
    "broken_table",
    "by_size",
    "cosines_table",
    "defence_models_table",
    "defences_table",
    "excluded_table",
    "geometry_table",
    "left_after_table",
    "stages_table",
]


def defences_table(findings: GraderFindings, *, id: str, level: float, source: str) -> Table | None:
    """What each defence gives under each attack, and what it costs without one."""
    if not findings.defences:
        return None
    why = Reasons()
    names = (
        "defence",
        "attack",
        "models",
        "refused more under attack",
        "p",
        "Holm p",
        "over-refusal added",
        "benign accuracy lost",
    )
    rows = [
        (
            *(defence_words(one.defence), attack_words(one.attack), numbers.count(len(one.by_model))),
            *(why.estimate(one.gain, "difference"), numbers.p_value(one.p_value), numbers.p_value(one.adjusted_p)),
            *(why.estimate(found, "difference") for found in (one.over_refusal_cost, one.accuracy_cost)),
        )
        for one in findings.defences
    ]
    notes = (
        "Paired by model. First difference: share refused of all harmful prompts with the defence less without it, under the same "
        f"attack; the other two without attack. Brackets: {100 * level:g} % intervals, models as units. "
        "Holm: over the defences under one attack.",
        *why.notes,
    )
    values: list[tuple[Value, ...]] = [
        (
            *(findings.fingerprint, findings.grader, one.defence.name, one.defence.kind, one.defence.coefficient),
            *(one.attack.name, one.attack.kind, one.attack.examples, one.attack.steps, len(one.by_model)),
            *(
                *estimate_values(one.gain),
                one.p_value,
                one.adjusted_p,
                *estimate_values(one.over_refusal_cost),
                *estimate_values(one.accuracy_cost),
            ),
        )
        for one in findings.defences
    ]
    value_names = (
        *("corpus_fingerprint", "grader", "defence", "defence_kind", "coefficient", "attack", "attack_kind", "examples", "steps"),
        "models",
        *(*estimate_names("gain", "fraction", units="models"), "gain_p", "gain_holm_p"),
        *(column for name in ("over_refusal_cost", "accuracy_cost") for column in estimate_names(name, "fraction", units="models")),
    )
    caption = "What defences give and cost, over models"
    return table(id, caption, names, names[2:], rows, source, notes, values=values, value_names=value_names)


def defence_models_table(findings: GraderFindings, *, id: str, source: str) -> Table | None:
    """The gain in each model."""
    sizes = {one.model.model_id: one.model for one in findings.cells}
    rows, values = [], []
    for one in findings.defences:
        for model_id, gain in one.by_model:
            model = sizes.get(model_id)
            size = "unknown" if model is None else size_of(model)
            rows.append((defence_words(one.defence), attack_words(one.attack), model_id, size, f"{signed(100 * gain)} pp"))
            params_b = None if model is None else model.params_b
            values.append((findings.fingerprint, findings.grader, one.defence.name, one.attack.name, model_id, params_b, gain))
    if not rows:
        return None
    names = ("defence", "attack", "model", "size", "refused more under attack")
    value_names = ("corpus_fingerprint", "grader", "defence", "attack", "model_id", "params_b", "gain_fraction")
    caption = "What defences give in each model"
    return table(id, caption, names, names[3:], rows, source, values=values, value_names=value_names)


def by_size(geometry: Iterable[GeometryOfModel]) -> tuple[GeometryOfModel, ...]:
    """From the smallest model up; unknown sizes last."""
    return tuple(
        sorted(geometry, key=lambda g: (g.model.params_b is None, g.model.params_b or 0.0, g.model.lineage, g.model.model_id))
    )


def geometry_table(result: RobustnessResult, run: RobustnessRun, *, id: str, source: str) -> Table | None:
    """A row for each model: whether a direction was found, and what it shows."""
    if not result.geometry:
        return None
    why, rows, values = Reasons(), [], []
    for one in by_size(result.geometry):
        place = "–" if one.layer is None else str(one.layer), "–" if one.position is None else str(one.position)
        shares = [_share(found, why) for found in (one.refusal_before, one.refusal_ablated, one.refusal_random)]
        numbers_of = (why.estimate(one.mean_cosine, "number"), why.estimate(one.effective_rank, "number"))
        rows.append(
            (
                *(one.model.model_id, size_of(one.model), numbers.yes_no(one.found), *place, *shares),
                *(numbers.count(len(one.categories)), *numbers_of, one.reason),
            )
        )
        values.append(
            (
                *(run.fingerprint, one.model.model_id, one.model.params_b, one.model.lineage, numbers.yes_no(one.found)),
                *(one.layer, one.position, one.refusal_before, one.refusal_ablated, one.refusal_random, len(one.categories)),
                *("; ".join(one.categories), *estimate_values(one.mean_cosine), *estimate_values(one.effective_rank), one.reason),
            )
        )
    names = (
        *("model", "size", "found", "layer", "position", "refused before", "direction ablated", "random ablated"),
        *("categories", "mean cosine", "effective rank", "why"),
    )
    notes = (
        "Found: ablating the best direction lowers refusal of the validation prompts and random directions of equal norm do not; "
        "where it is not found, cosines and ranks say nothing. Position: tokens from the end of the prompt, -1 the last. Mean "
        "cosine: of the directions of the categories, two by two. Intervals: bootstrap over prompts.",
        *why.notes,
    )
    value_names = (
        *("corpus_fingerprint", "model_id", "params_b", "lineage", "found", "layer", "position", "refusal_before_fraction"),
        *("refusal_ablated_fraction", "refusal_random_fraction", "categories", "category_names"),
        *(*estimate_names("mean_cosine", "cosine"), *estimate_names("effective_rank", "directions"), "reason"),
    )
    caption = "Refusal directions of each model"
    return table(id, caption, names, (names[1], *names[3:11]), rows, source, notes, values=values, value_names=value_names)


def _share(value: float | None, why: Reasons) -> str:
    return why.nothing("not measured") if value is None else percent(value)


def cosines_table(result: RobustnessResult, run: RobustnessRun, *, id: str, source: str) -> Table | None:
    """The cosine of each pair of categories."""
    found = [(one, pair) for one in by_size(result.geometry) for pair in one.cosines]
    if not found:
        return None
    rows = [
        (one.model.model_id, size_of(one.model), numbers.yes_no(one.found), a, b, signed(cosine, 3))
        for one, (a, b, cosine) in found
    ]
    values = [
        (run.fingerprint, one.model.model_id, one.model.params_b, numbers.yes_no(one.found), one.layer, a, b, cosine)
        for one, (a, b, cosine) in found
    ]
    names = ("model", "size", "found", "category", "other category", "cosine")
    value_names = ("corpus_fingerprint", "model_id", "params_b", "found", "layer", "category", "other_category", "cosine")
    caption = "Cosines of the refusal directions of categories"
    return table(id, caption, names, ("size", "cosine"), rows, source, values=values, value_names=value_names)


def left_after_table(result: RobustnessResult, run: RobustnessRun, *, id: str, source: str) -> Table | None:
    """Refusal left after ablating k directions, and k random ones."""
    found = [(one, row) for one in by_size(result.geometry) for row in one.left_after]
    if not found:
        return None
    rows = [
        (one.model.model_id, size_of(one.model), numbers.yes_no(one.found), str(k), percent(left), percent(random))
        for one, (k, left, random) in found
    ]
    values = [
        (run.fingerprint, one.model.model_id, one.model.params_b, numbers.yes_no(one.found), k, left, random)
        for one, (k, left, random) in found
    ]
    names = ("model", "size", "found", "directions ablated", "refused after", "refused after random ones")
    value_names = ("corpus_fingerprint", "model_id", "params_b", "found", "directions", "left_fraction", "random_fraction")
    caption = "Refusal left after ablating directions"
    return table(id, caption, names, ("size", *names[3:]), rows, source, values=values, value_names=value_names)


def agreement_table(result: RobustnessResult, run: RobustnessRun, *, id: str, level: float, source: str) -> Table | None:
    """Two graders on the same responses, kind of cell by kind of cell."""
    if not result.agreement:
        return None
    why, rows, values = Reasons(), [], []
    for one in result.agreement:
        share = why.nothing(one.why) if one.agreement is None else percent(one.agreement)
        kappa = why.nothing(one.why) if one.kappa is None else f"{one.kappa:.2f}"
        if one.kappa is not None:
            ends = one.kappa_interval
            kappa += (
                f" [{ends[0]:.2f}, {ends[1]:.2f}]"
                if ends
                else f" {why.mark(f'no interval: {one.why}' if one.why else 'no interval')}"
            )
            if one.dominated:
                kappa += f" {why.mark(dominated_words(one))}"
        rows.append((one.condition.replace("_", " "), " and ".join(one.graders), numbers.count(one.n), share, kappa))
        values.append(
            (
                *(run.fingerprint, one.condition, *one.graders, one.n, one.agreement, one.kappa),
                *(*(one.kappa_interval or (None, None)), one.why),
            )
        )
    names = ("condition", "graders", "responses", "agreement", "kappa")
    notes = (
        f"Cohen's kappa with {100 * level:g} % intervals. Graders err differently under attack: each kind of cell has its own.",
        *why.notes,
    )
    value_names = (
        *("corpus_fingerprint", "condition", "grader", "other_grader", "responses", "agreement_fraction", "kappa"),
        *("kappa_low", "kappa_high", "why"),
    )
    caption = "Agreement of graders, by condition"
    return table(id, caption, names, names[2:], rows, source, notes, values=values, value_names=value_names)


def excluded_table(result: RobustnessResult, *, id: str, source: str) -> Table | None:
    """Responses to harmful prompts without a verdict, by grader, cell and reason."""
    found = [(g, one, reason, n) for g in result.graders for one in in_order(g.cells) for reason, n in sorted(one.excluded.items())]
    if not found:
        return None
    rows = [
        (g.grader, one.model.model_id, defence_words(one.defence), attack_words(one.attack), reason, numbers.count(n))
        for g, one, reason, n in found
    ]
    values = [(*cell_values(one, g), reason, n) for g, one, reason, n in found]
    names = ("grader", "model", "defence", "attack", "reason", "responses")
    return table(
        *(id, "Responses to harmful prompts without an evaluable verdict", names, ("responses",), rows, source),
        values=values,
        value_names=(*CELL_NAMES, "reason", "responses"),
    )


def stages_table(run: RobustnessRun, *, id: str, source: str) -> Table | None:
    """How long each stage took."""
    if not run.stages:
        return None
    why = Reasons()
    rows = [
        (stage.name, *(_seconds(value, why) for value in (stage.wall_s, stage.cpu_s, stage.peak_mb)), stage.note)
        for stage in run.stages
    ]
    walls = [stage.wall_s for stage in run.stages if stage.wall_s is not None]
    if len(walls) == len(run.stages) > 1:
        cpus = [stage.cpu_s for stage in run.stages if stage.cpu_s is not None]
        cpu = _seconds(sum(cpus) if len(cpus) == len(run.stages) else None, why)
        rows.append(("all stages", f"{sum(walls):.1f}", cpu, numbers.NOTHING, ""))
    values = [(run.fingerprint, s.name, s.wall_s, s.cpu_s, s.peak_mb, s.note) for s in run.stages]
    names = ("stage", "wall, s", "CPU, s", "largest memory, MB", "note")
    return table(
        *(id, "Stages", names, names[1:4], rows, source, why.notes),
        values=values,
        value_names=("corpus_fingerprint", "stage", "wall_s", "cpu_s", "peak_mb", "note"),
    )


def _seconds(value: float | None, why: Reasons) -> str:
    return why.nothing("not measured") if value is None else f"{value:,.1f}"


def broken_table(run: RobustnessRun, *, id: str, source: str) -> Table | None:
    """What gave nothing, or less than was planned."""
    if not run.broken:
        return None
    rows = [(one.what, one.stage or numbers.NOTHING, *_came(one.planned, one.answered), one.reason) for one in run.broken]
    values = [(run.fingerprint, one.what, one.stage, one.planned, one.answered, one.reason) for one in run.broken]
    names = ("what", "stage", "responses planned", "came", "why")
    return table(
        *(id, "Without results, or with fewer than planned", names, names[2:4], rows, source),
        values=values,
        value_names=("corpus_fingerprint", "what", "stage", "planned_responses", "answered_responses", "reason"),
    )


def _came(planned: int | None, answered: int | None) -> tuple[str, str]:
    return numbers.count(planned), numbers.count(answered)
