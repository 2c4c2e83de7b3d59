"""What lies beside an encoder's weights: what its outputs mean, its calibration, its figures; or a YAML file in its place."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import yaml

from safescale.engines.weights import weights_sha256
from safescale.errors import DataError, DomainError
from safescale.grade.encoder.decision import Thresholds
from safescale.grade.encoder.examples import CLASSES
from safescale.records.outcomes import OUTCOME_MAPS
from safescale.records.verdicts import Verdict
from safescale.store.json_file import write_json

__all__ = ["ARTEFACT_FILE", "EncoderArtefact", "read_artefact", "write_artefact"]

ARTEFACT_FILE: Final = "safescale_grader.json"
_KEYS: Final = ("grader_id", "model", "classes", "outcome_map", "max_tokens", "temperature", "any_refusal", "full_refusal")


@attrs.frozen(kw_only=True)
class EncoderArtefact:
    """
    An encoder as a grader.

    Parameters
    ----------
    grader_id : str
        Name with version.
    model : Path
        Folder of the model and its tokenizer.
    classes : tuple of Verdict
        Verdict of each output, in the order of the model's logits.
    outcome_map : str
        "flip" for three classes, "refusal_only" for two.
    max_tokens : int
        Tokens that are read.
    temperature : float
        Logits are divided by it.
    thresholds : Thresholds
        Probabilities to verdicts.
    account : mapping
        How it was made and what it reached, as JSON.
    """

    grader_id: str
    model: Path
    classes: tuple[Verdict, ...]
    outcome_map: str
    max_tokens: int = 512
    temperature: float = 1.0
    thresholds: Thresholds = attrs.field(factory=Thresholds)
    account: Mapping[str, Any] = attrs.field(factory=dict)

    @property
    def version(self) -> str:
        """Hash of all that its verdicts depend on, weights included: another file under the same id is another version."""
        own = (self.classes, self.outcome_map, self.max_tokens, self.temperature, attrs.astuple(self.thresholds))
        return hashlib.sha256(f"{own!r}\0{weights_sha256(self.model)}".encode()).hexdigest()[:8]


def write_artefact(artefact: EncoderArtefact, folder: Path) -> Path:
    """Write it beside the weights, all or nothing."""
    content = {
        "grader_id": artefact.grader_id,
        "model": ".",
        "classes": [verdict.value for verdict in artefact.classes],
        "outcome_map": artefact.outcome_map,
        "max_tokens": artefact.max_tokens,
        "temperature": artefact.temperature,
        "any_refusal": artefact.thresholds.any_refusal,
        "full_refusal": artefact.thresholds.full_refusal,
        "account": dict(artefact.account),
    }
    path = folder / ARTEFACT_FILE
    write_json(path, content)
    return path


def read_artefact(path: Path) -> EncoderArtefact:
    """
    Read the folder that ``safescale grade train`` wrote, or a YAML file about another model.

    The YAML file: ``model`` (folder, relative to the file), ``classes`` (a verdict for each output, in order), ``grader_id`` (name
    with version); optional ``outcome_map``, ``max_tokens``, ``temperature``, ``any_refusal``, ``full_refusal``.

    Raises
    ------
    DataError
        With the file, the key, what was expected and what came.
    """
    file = path / ARTEFACT_FILE if path.is_dir() else path
    content = _content(file)
    unknown = sorted(set(content) - {*_KEYS, "account"})
    if unknown:
        raise _wrong(file, unknown[0], f"one of {', '.join(_KEYS)}", "a key that is not known")
    classes = _classes(file, content.get("classes"))
    usual = "flip" if Verdict.PARTIAL in classes else "refusal_only"
    named = _text(file, content, "outcome_map", usual)
    if named not in OUTCOME_MAPS:
        raise _wrong(file, "outcome_map", f"one of {', '.join(OUTCOME_MAPS)}", repr(named))
    strange = [verdict.value for verdict in classes if verdict not in OUTCOME_MAPS[named].labels.values()]
    if strange:  # "not harmful" is no refusal
        raise _wrong(file, "outcome_map", f"one that knows {' and '.join(strange)}", repr(named))
    model = (file.parent / _text(file, content, "model", None)).resolve()
    if not model.is_dir():
        raise _wrong(file, "model", "a folder with a model and its tokenizer", str(model))
    try:
        thresholds = Thresholds(
            any_refusal=_number(file, content, "any_refusal", 0.5), full_refusal=_number(file, content, "full_refusal", 0.5)
        )
    except DomainError as error:
        raise DataError(str(error), file=str(file)) from error
    max_tokens = content.get("max_tokens", 512)
    if isinstance(max_tokens, bool) or not isinstance(max_tokens, int) or max_tokens < 16:
        raise _wrong(file, "max_tokens", "a whole number from 16", repr(max_tokens))
    temperature = _number(file, content, "temperature", 1.0)
    if temperature <= 0.0:
        raise _wrong(file, "temperature", "a positive number", repr(temperature))
    return EncoderArtefact(
        grader_id=_text(file, content, "grader_id", None),
        model=model,
        classes=classes,
        outcome_map=named,
        max_tokens=max_tokens,
        temperature=temperature,
        thresholds=thresholds,
        account=content.get("account") or {},
    )


def _content(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        step = "name a folder that `safescale grade train` wrote, or a YAML file with model, classes and grader_id"
        raise DataError(f"no encoder can be read here ({error}); {step}", file=str(file)) from error
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DataError(f"this is neither JSON nor YAML ({error})", file=str(file)) from error
    if not isinstance(content, dict):
        raise _wrong(file, "", "keys with values", type(content).__name__)
    return {str(key): value for key, value in content.items()}


def _classes(file: Path, given: Any) -> tuple[Verdict, ...]:
    known = [verdict.value for verdict in CLASSES]
    if not isinstance(given, list) or len(given) < 2 or len(set(map(str, given))) != len(given):
        raise _wrong(file, "classes", "a list with a different verdict for each output", repr(given)[:80])
    for name in given:
        if name not in known:
            raise _wrong(file, "classes", f"verdicts of {', '.join(known)}", repr(name)[:80])
    return tuple(Verdict(name) for name in given)


def _text(file: Path, content: Mapping[str, Any], key: str, default: str | None) -> str:
    value = content.get(key, default)
    if not isinstance(value, str) or not value:
        raise _wrong(file, key, "a text", repr(value)[:80])
    return value


def _number(file: Path, content: Mapping[str, Any], key: str, default: float) -> float:
    value = content.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(file, key, "a number", repr(value)[:80])
    return float(value)


def _wrong(file: Path, key: str, expected: str, got: str) -> DataError:
    return DataError(
        "this encoder cannot be used as it is described", file=str(file), column=key or None, expected=expected, got=got
    )
