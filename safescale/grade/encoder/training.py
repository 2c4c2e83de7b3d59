"""Fine-tune an encoder on labelled responses; a killed run goes on at its last whole epoch."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np

from safescale._version import __version__
from safescale.errors import DataError, DomainError
from safescale.grade.encoder.artefact import ARTEFACT_FILE, EncoderArtefact, write_artefact
from safescale.grade.encoder.backend import Encoder, open_model
from safescale.grade.encoder.decision import choose_thresholds
from safescale.grade.encoder.evaluation import Evaluation, evaluate
from safescale.grade.encoder.examples import Examples, LabelledResponse, Split
from safescale.grade.encoder.settings import TrainingSettings
from safescale.records.verdicts import Verdict
from safescale.stats import TemperatureScaling, scaled_probabilities, temperature_scaling
from safescale.store.json_file import write_json

__all__ = ["EpochProgress", "Trained", "train_encoder"]

EpochProgress = Callable[[int, int, float], None]
"""Steps done, steps in all, loss of the last step (nats)."""

_UNFINISHED: Final = ".training"
_STATE: Final = "state.json"


@attrs.frozen(kw_only=True)
class Trained:
    """
    A trained grader and what it reached.

    Attributes
    ----------
    artefact : EncoderArtefact
        The grader, as it lies in ``folder``.
    folder : Path
        Where.
    tune_losses : tuple of float
        Mean log-loss on the tune split after each epoch (nats); the smallest was kept.
    temperature : TemperatureScaling
        Chosen on the tune split; where it is at a bound the grader keeps 1.
    tune, report : Evaluation
        On the split that chose temperature and thresholds, and on the one that chose nothing.
    resumed_at : int
        Epochs that an earlier, interrupted call had done.
    """

    artefact: EncoderArtefact
    folder: Path
    tune_losses: tuple[float, ...]
    temperature: TemperatureScaling
    tune: Evaluation
    report: Evaluation
    resumed_at: int


def train_encoder(
    examples: Examples,
    base: Path,
    into: Path,
    *,
    name: str = "encoder",
    settings: TrainingSettings | None = None,
    progress: EpochProgress | None = None,
) -> Trained:
    """
    Fine-tune a sequence classifier, calibrate it, choose its thresholds and report on prompts that did neither.

    The loss weighs each class by the inverse of its share of the training split. After each epoch weights and optimiser are kept in
    ``into/.training``, and a call with the same arguments goes on from there; the folder is removed at the end.

    Parameters
    ----------
    examples : Examples
        Labelled responses with their splits.
    base : Path
        Folder of an encoder and its tokenizer (DeBERTa-v3, ModernBERT, any ``AutoModelForSequenceClassification``).
    into : Path
        Folder to write; it must not hold a trained grader.
    name : str
        Name of the grader; its id is the name with a hash over data, settings and base.
    settings : TrainingSettings
        How.
    progress : callable, optional
        Told after each step.

    Raises
    ------
    DomainError
        When ``into`` holds a trained grader, or an unfinished one of other arguments.
    MissingBackend, DataError
        As ``open_model``.
    """
    own = settings or TrainingSettings()
    if (into / ARTEFACT_FILE).exists():
        raise DomainError(f"{into} holds a trained grader already; take another folder, or remove it")
    identity = _identity(examples, base, own)
    unfinished = into / _UNFINISHED
    state = _state(unfinished, identity)
    classes = examples.classes
    resumed = int(state["epochs"]) if state else 0
    _seed(own.seed)
    start = unfinished / f"epoch-{resumed}" if resumed else base
    encoder = open_model(
        start, classes=len(classes), max_tokens=own.max_tokens, device=own.device, threads=own.threads, fresh=not resumed
    )
    losses = [float(loss) for loss in state["losses"]] if state else []
    fit = _Fit(encoder, examples, classes, own)
    if resumed:
        fit.restore(unfinished / f"epoch-{resumed}")
    for epoch in range(resumed, own.epochs):
        fit.epoch(epoch, progress)
        losses.append(fit.tune_loss())
        fit.keep(unfinished / f"epoch-{epoch + 1}")
        _write_state(unfinished, identity, epoch + 1, losses)
        _forget(unfinished, epoch + 1, losses)
    best = int(np.argmin(losses)) + 1
    encoder = open_model(
        unfinished / f"epoch-{best}", classes=len(classes), max_tokens=own.max_tokens, device=own.device, threads=own.threads
    )
    tuned = _tuned(encoder, examples, classes)
    grader_id = f"{name}/{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
    artefact = EncoderArtefact(
        grader_id=grader_id,
        model=into.resolve(),
        classes=classes,
        outcome_map="flip" if Verdict.PARTIAL in classes else "refusal_only",
        max_tokens=encoder.max_tokens,
        temperature=tuned.used_temperature,
        thresholds=tuned.thresholds,
        account=_account(examples, base, own, losses, tuned),
    )
    encoder.save(into)
    write_artefact(artefact, into)
    shutil.rmtree(unfinished)
    return Trained(
        artefact=artefact,
        folder=into,
        tune_losses=tuple(losses),
        temperature=tuned.temperature,
        tune=tuned.tune,
        report=tuned.report,
        resumed_at=resumed,
    )


class _Fit:
    """Model, optimiser and schedule of one fine-tuning."""

    def __init__(self, encoder: Encoder, examples: Examples, classes: Sequence[Verdict], settings: TrainingSettings) -> None:
        import torch

        self.encoder, self.settings = encoder, settings
        self.rows = examples.of(Split.TRAIN)
        self.tune = examples.of(Split.TUNE)
        self.code = {verdict: at for at, verdict in enumerate(classes)}
        self.windows = encoder.read([row.response for row in self.rows])
        self.tune_windows = encoder.read([row.response for row in self.tune])
        counts = Counter(row.label for row in self.rows)
        weights = [len(self.rows) / (len(classes) * counts[verdict]) for verdict in classes]
        self.loss = torch.nn.CrossEntropyLoss(weight=torch.tensor(weights, device=encoder.device))
        self.steps = -(-len(self.rows) // settings.batch_size)
        total, warm = self.steps * settings.epochs, max(1, self.steps * settings.epochs // 10)
        self.optimiser = torch.optim.AdamW(
            encoder.model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimiser, lambda step: min((step + 1) / warm, max(0.0, (total - step) / max(1, total - warm)))
        )

    def epoch(self, epoch: int, progress: EpochProgress | None) -> None:
        import torch

        # the order and the dropout of an epoch depend on its number alone: a resumed run meets the same
        _seed(self.settings.seed + 1 + epoch)
        order = np.random.default_rng([self.settings.seed, epoch]).permutation(len(self.rows))
        self.encoder.model.train()
        for step in range(self.steps):
            places = order[step * self.settings.batch_size : (step + 1) * self.settings.batch_size]
            target = torch.tensor([self.code[self.rows[at].label] for at in places], device=self.encoder.device)
            logits = self.encoder.model(**self.encoder.padded([self.windows[at] for at in places])).logits
            loss = self.loss(logits.float(), target)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.encoder.model.parameters(), 1.0)
            self.optimiser.step()
            self.schedule.step()
            if progress is not None:
                progress(epoch * self.steps + step + 1, self.steps * self.settings.epochs, float(loss.detach()))

    def tune_loss(self) -> float:
        logits = self.encoder.logits(self.tune_windows)
        return temperature_scaling(logits, np.array([self.code[row.label] for row in self.tune])).log_loss_before

    def keep(self, folder: Path) -> None:
        import torch

        folder.mkdir(parents=True, exist_ok=True)
        self.encoder.save(folder)
        torch.save({"optimiser": self.optimiser.state_dict(), "schedule": self.schedule.state_dict()}, folder / "optimiser.pt")

    def restore(self, folder: Path) -> None:
        import torch

        kept = torch.load(folder / "optimiser.pt", weights_only=True)
        self.optimiser.load_state_dict(kept["optimiser"])
        self.schedule.load_state_dict(kept["schedule"])


@attrs.frozen(kw_only=True)
class _Tuned:
    temperature: TemperatureScaling
    used_temperature: float
    thresholds: Any
    tune: Evaluation
    report: Evaluation


def _tuned(encoder: Encoder, examples: Examples, classes: Sequence[Verdict]) -> _Tuned:
    """Temperature and thresholds from the tune split, figures from both."""
    code = {verdict: at for at, verdict in enumerate(classes)}
    tune, report = examples.of(Split.TUNE), examples.of(Split.REPORT)
    logits = encoder.logits(encoder.read([row.response for row in tune]))
    temperature = temperature_scaling(logits, np.array([code[row.label] for row in tune]))
    # separated labels want ever colder probabilities: that is no knowledge
    used = 1.0 if temperature.at_bound else temperature.temperature
    chances = scaled_probabilities(logits, temperature=used)
    thresholds = choose_thresholds(chances, [row.label for row in tune], classes)

    def on(rows: Sequence[LabelledResponse], table: Any) -> Evaluation:
        return evaluate(rows, thresholds.verdicts(table, classes), table, classes)

    unseen = encoder.logits(encoder.read([row.response for row in report]))
    return _Tuned(
        temperature=temperature,
        thresholds=thresholds,
        tune=on(tune, chances),
        report=on(report, scaled_probabilities(unseen, temperature=used)),
        used_temperature=used,
    )


def _identity(examples: Examples, base: Path, settings: TrainingSettings) -> str:
    """What decides the weights, in one text; not the order of rows, and not where folders lie."""
    rows = hashlib.sha256()
    for row, split in zip(examples.rows, examples.splits, strict=True):
        rows.update(f"{split}\0{row.label}\0{row.cluster}\0{row.model_id}\0{row.response}\0".encode("utf-8", "surrogatepass"))
    weights = hashlib.sha256()
    for file in sorted(base.glob("*")):
        if file.suffix in {".safetensors", ".bin", ".json", ".model"}:
            weights.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    how = {key: value for key, value in attrs.asdict(settings).items() if key not in {"threads", "device"}}
    return json.dumps({"rows": rows.hexdigest(), "base": weights.hexdigest(), "settings": how}, sort_keys=True)


def _state(unfinished: Path, identity: str) -> dict[str, Any] | None:
    file = unfinished / _STATE
    if not file.is_file():
        return None
    try:
        state = json.loads(file.read_text(encoding="utf-8"))
        known = str(state["identity"])
    except (ValueError, KeyError) as error:
        raise DataError(
            f"the state of an interrupted training cannot be read ({error}); remove the folder", file=str(file)
        ) from error
    if known != identity:
        raise DomainError(
            f"{unfinished} holds an interrupted training of other labels, settings or base; take another folder, or remove it"
        )
    return dict(state)


def _write_state(unfinished: Path, identity: str, epochs: int, losses: Sequence[float]) -> None:
    write_json(unfinished / _STATE, {"identity": identity, "epochs": epochs, "losses": list(losses)})


def _forget(unfinished: Path, last: int, losses: Sequence[float]) -> None:
    """Keep the last epoch, to go on from, and the best."""
    best = int(np.argmin(losses)) + 1
    for folder in unfinished.glob("epoch-*"):
        if folder.name not in {f"epoch-{last}", f"epoch-{best}"}:
            shutil.rmtree(folder)


def _account(examples: Examples, base: Path, settings: TrainingSettings, losses: Sequence[float], tuned: _Tuned) -> dict[str, Any]:
    counts = {split.value: dict(sorted(Counter(row.label.value for row in examples.of(split)).items())) for split in Split}
    return {
        "safescale": __version__,
        "base": base.name,
        "labels": examples.grader,
        "corpus": examples.fingerprint,
        "responses": counts,
        "left_out": dict(examples.left_out),
        "settings": attrs.asdict(settings),
        "tune_losses_nats": list(losses),
        "report": {
            "n": tuned.report.n,
            "prompts": tuned.report.prompts,
            "kappa": tuned.report.agreement.kappa.estimate,
            "kappa_any_refusal": tuned.report.any_refusal.kappa.estimate,
            "expected_calibration_error": tuned.report.calibration.expected_calibration_error,
        },
    }


def _seed(seed: int) -> None:
    import torch

    torch.manual_seed(seed)
