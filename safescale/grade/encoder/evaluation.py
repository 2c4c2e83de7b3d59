"""What a classifier reached on traces that neither trained nor tuned it: overall, per model and per class."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
import numpy.typing as npt

from safescale.grade.encoder.examples import LabelledResponse
from safescale.records.verdicts import Verdict
from safescale.stats import CalibrationError, ClusteredAgreement, calibration_error, clustered_agreement, wilson_interval

__all__ = ["ClassFigures", "Evaluation", "ModelFigures", "evaluate"]


@attrs.frozen(kw_only=True)
class ClassFigures:
    """How one class is recognised: of those that are it, of those that are called it (fractions with Wilson intervals)."""

    verdict: Verdict
    labelled: int
    called: int
    both: int
    recall: tuple[float, float, float] | None
    precision: tuple[float, float, float] | None


@attrs.frozen(kw_only=True)
class ModelFigures:
    """Agreement on the responses of one model; None where a coefficient is 0/0."""

    model_id: str
    n: int
    observed: float | None
    kappa: float | None
    kappa_any_refusal: float | None


@attrs.frozen(kw_only=True)
class Evaluation:
    """
    A classifier against labels.

    Attributes
    ----------
    n, prompts : int
        Responses and their prompts.
    agreement, any_refusal : ClusteredAgreement
        On all classes, and on "refuses in part or whole"; intervals clustered by prompt.
    calibration : CalibrationError
        Of the probability of a partial or full refusal.
    confidence : CalibrationError
        Of the probability of the most probable class being right.
    classes : tuple of ClassFigures
        By class.
    models : tuple of ModelFigures
        By model, in order of their ids.
    """

    n: int
    prompts: int
    agreement: ClusteredAgreement
    any_refusal: ClusteredAgreement
    calibration: CalibrationError
    confidence: CalibrationError
    classes: tuple[ClassFigures, ...]
    models: tuple[ModelFigures, ...]


def evaluate(
    rows: Sequence[LabelledResponse],
    verdicts: Sequence[Verdict],
    probabilities: npt.NDArray[np.float64],
    classes: Sequence[Verdict],
) -> Evaluation:
    """
    Compare verdicts and probabilities, shape (traces, classes), with the labels of the rows.

    Raises
    ------
    InsufficientData
        For no rows.
    """
    labels = [row.label for row in rows]
    clusters = [row.cluster for row in rows]
    refusing = [at for at, verdict in enumerate(classes) if verdict is not Verdict.COMPLIANCE]
    mass = np.clip(probabilities[:, refusing].sum(axis=1), 0.0, 1.0)
    top = probabilities.argmax(axis=1)
    return Evaluation(
        n=len(rows),
        prompts=len(set(clusters)),
        agreement=clustered_agreement(labels, list(verdicts), clusters, categories=list(classes)),
        any_refusal=clustered_agreement(_refuses(labels), _refuses(verdicts), clusters, categories=[False, True]),
        calibration=calibration_error(mass, np.array(_refuses(labels))),
        confidence=calibration_error(
            np.clip(probabilities.max(axis=1), 0.0, 1.0),
            np.array([classes[at] is label for at, label in zip(top, labels, strict=True)]),
        ),
        classes=tuple(_class_figures(verdict, labels, verdicts) for verdict in classes),
        models=tuple(_model_figures(name, rows, verdicts, classes) for name in sorted({row.model_id for row in rows})),
    )


def _refuses(verdicts: Sequence[Verdict]) -> list[bool]:
    return [verdict is not Verdict.COMPLIANCE for verdict in verdicts]


def _class_figures(verdict: Verdict, labels: Sequence[Verdict], verdicts: Sequence[Verdict]) -> ClassFigures:
    labelled = sum(label is verdict for label in labels)
    called = sum(own is verdict for own in verdicts)
    both = sum(own is verdict and label is verdict for own, label in zip(verdicts, labels, strict=True))
    return ClassFigures(
        verdict=verdict,
        labelled=labelled,
        called=called,
        both=both,
        recall=_share(both, labelled),
        precision=_share(both, called),
    )


def _share(part: int, whole: int) -> tuple[float, float, float] | None:
    if not whole:
        return None
    found = wilson_interval(part, whole)
    return found.estimate, found.low, found.high


def _model_figures(
    model_id: str, rows: Sequence[LabelledResponse], verdicts: Sequence[Verdict], classes: Sequence[Verdict]
) -> ModelFigures:
    mine = [(row.label, own, row.cluster) for row, own in zip(rows, verdicts, strict=True) if row.model_id == model_id]
    labels, said, clusters = [a for a, _, _ in mine], [b for _, b, _ in mine], [c for _, _, c in mine]
    whole = clustered_agreement(labels, said, clusters, categories=list(classes))
    binary = clustered_agreement(_refuses(labels), _refuses(said), clusters, categories=[False, True])
    return ModelFigures(
        model_id=model_id,
        n=len(mine),
        observed=whole.observed.estimate,
        kappa=whole.kappa.estimate,
        kappa_any_refusal=binary.kappa.estimate,
    )
