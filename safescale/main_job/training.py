"""An encoder trained on the labels of a corpus, and what it reached in words."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import attrs

from safescale._version import __version__
from safescale.analyses import to_jsonable
from safescale.grade.encoder import Examples, Trained, TrainingSettings, labelled_responses, train_encoder
from safescale.grade.encoder.evaluation import Evaluation
from safescale.grade.encoder.examples import Split
from safescale.stats import AgreementCoefficient
from safescale.store import open_corpus

__all__ = ["TrainedGrader", "train"]


@attrs.frozen(kw_only=True)
class TrainedGrader:
    """A grader that was trained, from what, and what it reached."""

    examples: Examples
    trained: Trained

    def told(self, *, as_json: bool) -> str:
        """What was learnt and how well, as lines or as JSON."""
        own, made = self.examples, self.trained
        sizes = {split.value: len(own.of(split)) for split in Split}
        if as_json:
            whole = {
                "safescale": __version__,
                "grader": made.artefact.grader_id,
                "folder": str(made.folder),
                "corpus": own.fingerprint,
                "labels_of": own.grader,
                "responses": sizes,
                "left_out": dict(own.left_out),
                "tune_losses_nats": list(made.tune_losses),
                "temperature": attrs.asdict(made.temperature),
                "thresholds": attrs.asdict(made.artefact.thresholds),
                "resumed_at": made.resumed_at,
                "tune": _as_data(made.tune),
                "report": _as_data(made.report),
            }
            return json.dumps(to_jsonable(whole), indent=2, ensure_ascii=False)
        return "\n".join(self._lines(sizes))

    def _lines(self, sizes: dict[str, int]) -> list[str]:
        own, made = self.examples, self.trained
        report = made.report
        left = "".join(f"; left out: {n} with {reason}" for reason, n in sorted(own.left_out.items()))
        split = ", ".join(f"{name} {n:,}" for name, n in sizes.items())
        best = min(range(len(made.tune_losses)), key=made.tune_losses.__getitem__) + 1
        lines = [
            f"{made.artefact.grader_id}: learnt from {own.grader} (corpus {own.fingerprint})",
            f"{split} responses, split by prompt{left}",
            f"chosen on the tune split: epoch {best} of {len(made.tune_losses)}; temperature {self._temperature()}; "
            f"a refusal in part or whole from {made.artefact.thresholds.any_refusal:.2f} on",
            f"on the {report.n:,} responses to {report.prompts:,} prompts that chose nothing:",
            f"  any refusal   kappa {_interval(report.any_refusal.kappa)}",
            f"  all classes   kappa {_interval(report.agreement.kappa)}",
            f"  calibration   error {report.calibration.expected_calibration_error:.3f} "
            f"(a calibrated one would show {report.calibration.null_expectation:.3f} with so few)",
        ]
        lines += [
            f"  {figures.verdict.value:<13} found {figures.both} of {figures.labelled}, called {figures.called}"
            for figures in report.classes
        ]
        lines += [
            f"  {model.model_id}: n {model.n}, any-refusal kappa {_number(model.kappa_any_refusal)}, all {_number(model.kappa)}"
            for model in report.models
        ]
        lines.append(
            "it is known for models and prompts like these only; compare it with people on your own: safescale grade sample"
        )
        lines.append(f"wrote {made.folder}")
        return lines

    def _temperature(self) -> str:
        made = self.trained
        if made.temperature.at_bound:
            return "1 (this split tells none: every answer is right, or no better than chance)"
        return f"{made.artefact.temperature:.2f}"


def train(
    corpus: Path,
    base: Path,
    into: Path,
    *,
    grader: str | None = None,
    target: str = "text",
    name: str = "encoder",
    settings: TrainingSettings | None = None,
    epoch_done: Callable[[int], None] | None = None,
) -> TrainedGrader:
    """
    Train an encoder on the labels that one grader gave in a corpus.

    Raises
    ------
    DomainError
        As ``labelled_responses`` and ``train_encoder``.
    DataError, MissingBackend
        As ``train_encoder``.
    """
    own = settings or TrainingSettings()
    with contextlib.closing(open_corpus(corpus)) as opened:
        examples = labelled_responses(opened, grader, target=target, seed=own.seed)

    def progress(done: int, total: int, _loss: float) -> None:
        if epoch_done is not None and done % (total // own.epochs) == 0:
            epoch_done(1)

    trained = train_encoder(examples, base, into, name=name, settings=own, progress=progress)
    return TrainedGrader(examples=examples, trained=trained)


def _as_data(evaluation: Evaluation) -> dict[str, object]:
    return attrs.asdict(evaluation)


def _interval(found: AgreementCoefficient) -> str:
    if found.estimate is None or found.low is None or found.high is None:
        return f"undefined ({found.undefined_because})"
    return f"{found.estimate:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
