"""The graders of a column map, read from YAML and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from safescale.ingest.column_map_values import read_condition, read_conditions, read_value
from safescale.ingest.mapped_spec import GradeMap, Missing
from safescale.ingest.mapped_values import Condition, Value
from safescale.ingest.mapped_yaml import Node
from safescale.records.models import GRADER_KINDS, HR_MEANINGS, PROBABILITIES, TARGETS
from safescale.records.outcomes import OUTCOME_MAPS, OutcomeMap, Tier, outcome_map
from safescale.records.verdicts import Verdict

__all__ = ["read_grade"]

_GRADE: Final = (
    "grader_id",
    "grader_kind",
    "column",
    "label",
    "outcome_map",
    "rules",
    "otherwise",
    "target",
    "score",
    "score_scale",
    "p_refusal",
    "p_partial",
    "p_compliance",
    "rubric_version",
    "not_gradeable_when",
    "missing_means",
    "hallucination_refusal",
    "optional",
)
_VERDICTS: Final = tuple(v.value for v in Verdict)


def read_grade(node: Node, default_map: str | None) -> GradeMap:
    """One element of ``grades``."""
    keys = node.mapping(_GRADE, required=("grader_kind",))
    if ("column" in keys) == ("label" in keys):
        node.fail("exactly one of column, label (a value)")
    if "outcome_map" in keys and "rules" in keys:
        keys["rules"].fail("either outcome_map or rules")
    verdicts = None if "rules" in keys else _outcomes(keys, node, default_map)
    hr = keys["hallucination_refusal"].choice(HR_MEANINGS) if "hallucination_refusal" in keys else None
    when = "not_gradeable_when"
    missing = ("UNGRADED", "NOT_GRADEABLE", "ERROR", "no_grade")
    return GradeMap(
        grader_id=_grader_id(keys, node),
        grader_kind=keys["grader_kind"].choice(GRADER_KINDS),
        label=read_value(keys["label"] if "label" in keys else keys["column"]),
        outcome_map=verdicts,
        rules=tuple(_rule(r) for r in keys["rules"].items()) if "rules" in keys else (),
        otherwise=Verdict(keys["otherwise"].choice(_VERDICTS)) if "otherwise" in keys else None,
        target=keys["target"].choice(TARGETS) if "target" in keys else "text",
        score=read_value(keys["score"]) if "score" in keys else None,
        score_scale=keys["score_scale"].text() if "score_scale" in keys else None,
        probabilities={name: read_value(keys[name]) for name in PROBABILITIES if name in keys},
        rubric_version=read_value(keys["rubric_version"]) if "rubric_version" in keys else None,
        not_gradeable_when=read_conditions(keys[when]) if when in keys else (),
        missing_means=cast(Missing, keys["missing_means"].choice(missing) if "missing_means" in keys else "UNGRADED"),
        hallucination_refusal=hr,
        optional="optional" in keys and keys["optional"].flag(),
    )


def _grader_id(keys: Mapping[str, Node], node: Node) -> Value:
    """The name itself, or a value; without either the grader goes by the name of its label's column."""
    given = keys.get("grader_id")
    if given is None:
        if "column" not in keys:
            node.fail("the key 'grader_id'")
        return Value(place=f"{node.place}.grader_id", const=keys["column"].text())
    return Value(place=given.place, const=given.text()) if isinstance(given.value, str) else read_value(given)


def _outcomes(keys: Mapping[str, Node], node: Node, default_map: str | None) -> OutcomeMap:
    """An outcome map by name, or one that is written out."""
    given = keys.get("outcome_map")
    if given is None:
        if default_map is None:
            node.fail("the key 'outcome_map' (a name, or {label: VERDICT}) or 'rules'", got=", ".join(keys))
        return outcome_map(default_map)
    if isinstance(given.value, str):
        return OUTCOME_MAPS[given.choice(list(OUTCOME_MAPS))]
    labels: dict[str, Verdict] = {}
    for label, child in given.pairs().items():
        verdict = Verdict(child.choice(_VERDICTS))
        if labels.setdefault(_label_key(label), verdict) is not verdict:
            child.fail("labels that differ in more than case", got=label)
    return OutcomeMap(
        name="column map: " + ", ".join(f"{label} = {verdict}" for label, verdict in sorted(labels.items())),
        labels=labels,
        tiers=(Tier.STRICT,),
        compliance_means="as the column map says",
        open_errors=False,
    )


def _label_key(label: str) -> str:
    return label.strip().upper().replace(" ", "_")


def _rule(node: Node) -> tuple[Condition, Verdict]:
    keys = node.mapping(("when", "verdict"), required=("when", "verdict"))
    return read_condition(keys["when"]), Verdict(keys["verdict"].choice(_VERDICTS))
