"""What was done otherwise than registered: found by comparison, never typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import attrs

import safescale
from safescale.errors import DataError
from safescale.generate.manifest import differences, read_manifest
from safescale.studies.dilution.preregistration import Registration
from safescale.studies.dilution.reduction import Responses
from safescale.studies.dilution.setting import DilutionSetting
from safescale.studies.running.generation import RUNS, BrokenModel

__all__ = ["Departure", "DepartureKind", "departures_of"]

DepartureKind = Literal["registration", "order", "models", "responses", "graders", "analysis", "versions", "exploratory"]
_SHOWN: Final = 5
_FIXED: Final = ("hypothesis", "rule", "primary_test", "verdict", "exclusions", "analyses", "needs")
"""What a registration says in words of safescale's own."""


@attrs.frozen(kw_only=True)
class Departure:
    """One thing that was done otherwise than registered, in words."""

    kind: DepartureKind
    words: str


def departures_of(
    registration: Registration,
    content: Mapping[str, Any],
    setting: DilutionSetting,
    out: Path,
    *,
    broken: Sequence[BrokenModel] = (),
    responses: Responses | None = None,
) -> tuple[Departure, ...]:
    """
    Everything that differs from the registration, in a fixed order; empty when nothing does.

    Responses without an evaluable verdict are none: what becomes of them is registered (`exclusion_words` counts them).

    Parameters
    ----------
    registration : Registration
        What stands in the file.
    content : mapping
        What this call would register.
    setting : DilutionSetting
        What this call asks.
    out : Path
        Folder of the experiment.
    broken, responses
        What came of it.
    """
    found: list[Departure] = []

    def add(kind: DepartureKind, words: str) -> None:
        found.append(Departure(kind=kind, words=words))

    if registration.edited:
        add("registration", "the registration was edited after it was hashed: its content no longer has its hash")
    runs = _runs(registration, setting, out)
    for model_id, manifest in runs.items():
        for words in _out_of_order(registration, model_id, manifest):
            add("order", words)
    for model_id in registration.registered["asked"].get("models", {}):
        if model_id not in content["asked"]["models"]:
            answers = "some of its answers are" if model_id in runs else "none of its answers is"
            add("models", f"{model_id} is registered and is no longer in the models file ({answers} there); it is not analysed")
    for model in broken:
        add("models", f"{model.model_id}: {model.answered:,} of {model.planned:,} responses: {model.reason}")
    if responses is not None:
        for words in _missing(setting, responses):
            add("responses", words)
    for kind, words in _analysis(registration.registered, content):
        add(kind, words)
    if setting.wanted.design.exploratory:
        add("exploratory", "the experiment was called exploratory: what it finds is a question, not an answer")
    for words in _versions(registration.registered, runs):
        add("versions", words)
    return tuple(found)


def _runs(registration: Registration, setting: DilutionSetting, out: Path) -> dict[str, Mapping[str, Any]]:
    """Manifests of the registered models' runs, by model."""
    ids = {model_id: str(model.get("run_id")) for model_id, model in registration.registered["asked"].get("models", {}).items()}
    ids |= {plan.model.model_id: plan.run_id for plan in setting.plans}
    found: dict[str, Mapping[str, Any]] = {}
    for model_id, run_id in ids.items():
        try:
            manifest = read_manifest(out / RUNS / run_id)
        except DataError:
            continue
        if manifest is not None and manifest["sessions"]:
            found[model_id] = manifest
    return found


def _out_of_order(registration: Registration, model_id: str, manifest: Mapping[str, Any]) -> list[str]:
    """Sessions that began before the registration was written, or under another one."""
    words = []
    first = str(manifest["sessions"][0].get("started_at"))
    if first < registration.registered_at:
        words.append(
            f"{model_id}: generation began {first}, before the registration ({registration.registered_at}): "
            "its results may have been known"
        )
    hashes = {
        session["command"]["preregistration_sha256"]
        for session in manifest["sessions"]
        if isinstance(session.get("command"), dict) and "preregistration_sha256" in session["command"]
    }
    if hashes - {registration.sha256}:
        words.append(f"{model_id}: responses were generated under another registration (hash {sorted(hashes)[0][:12]}…)")
    return words


def _missing(setting: DilutionSetting, responses: Responses) -> list[str]:
    """Responses that are not there, by model and condition."""
    words = []
    planned = responses.there.shape[2] * responses.there.shape[3]
    for m, model in enumerate(responses.models):
        lacking = [(one.asked.name, planned - int(responses.there[m, c].sum())) for c, one in enumerate(setting.conditions)]
        lacking = [(name, count) for name, count in lacking if count]
        if lacking:
            said = ", ".join(f"{name} {count:,}" for name, count in lacking[:_SHOWN])
            more = f" and {len(lacking) - _SHOWN} more conditions" if len(lacking) > _SHOWN else ""
            words.append(f"{model.model_id}: responses missing of {planned:,} a condition: {said}{more}")
    return words


def _analysis(registered: Mapping[str, Any], content: Mapping[str, Any]) -> list[tuple[DepartureKind, str]]:
    """What of the analysis is no longer as it was registered."""
    there, here = dict(registered["analysed"]), dict(content["analysed"])
    found: list[tuple[DepartureKind, str]] = [
        ("analysis", f"what is registered under {key} is not what this version of safescale does: see the registration")
        for key in _FIXED
        if registered.get(key) != content.get(key)
    ]
    graders_there, graders_here = there.pop("graders", []), here.pop("graders", [])
    for grader in graders_there:
        if grader not in graders_here:
            found.append(("graders", f"{_named(grader)} is registered and was not used, or changed since"))
    for grader in graders_here:
        if grader not in graders_there:
            found.append(("graders", f"{_named(grader)} was used and is not registered"))
    models_there, models_here = there.pop("models", {}), here.pop("models", {})
    for model_id, facts in models_here.items():
        changed = differences(models_there.get(model_id, {}), facts)
        if changed:
            found.append(("analysis", f"{model_id}: {_as_registered('; '.join(changed))}"))
    found += [("analysis", _as_registered(words)) for words in differences(there, here)]
    return found


def _as_registered(words: str) -> str:
    return words.replace(": there ", ": registered ").replace(", here ", ", now ")


def _named(grader: Mapping[str, Any]) -> str:
    shown = {
        key: value
        for key, value in grader.items()
        if key in ("grader_id", "judge", "encoder", "rubric_version", "sha256") and value
    }
    return "the grader " + ", ".join(f"{value if key != 'sha256' else str(value)[:12] + '…'}" for key, value in shown.items())


def _versions(registered: Mapping[str, Any], runs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Libraries that changed between the sessions of a run, and safescale itself since the registration."""
    words = []
    if registered.get("safescale") != safescale.__version__:
        words.append(f"registered with safescale {registered.get('safescale')}, analysed with {safescale.__version__}")
    for model_id, manifest in runs.items():
        seen: dict[str, list[str]] = {}
        for session in manifest["sessions"]:
            engine = session.get("engine") or {}
            used = {"safescale": session.get("safescale"), **(engine.get("packages") or {})}
            if engine:
                used[str(engine.get("engine"))] = engine.get("version")
            for name, version in used.items():
                if version is not None and str(version) not in seen.setdefault(name, []):
                    seen[name].append(str(version))
        for name, versions in sorted(seen.items()):
            if len(versions) > 1:
                words.append(f"{model_id}: {name} changed while it answered: {', '.join(versions)}")
    return words
