"""The manifest of a run: read, compared with what is asked now, replaced as a whole; and the record Run in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safescale
from safescale.errors import DataError
from safescale.generate.plan import RunPlan
from safescale.ingest.run_lines import FORMAT, MANIFEST, part_paths

__all__ = ["read_manifest", "refuse_other_runs", "run_record", "what_differs"]


def run_record(manifest: Mapping[str, Any]) -> dict[str, str | None]:
    """The record Run (``records.models.Run``) of a manifest."""
    run, engine = manifest["run"], manifest.get("engine") or {}
    return {
        "run_id": manifest["run_id"],
        "tool": f"safescale generate ({run['engine']})",
        "tool_version": f"safescale {safescale.__version__}" + (f", {run['engine']} {engine['version']}" if engine else ""),
        "model_id": run["model_id"],
        "model_revision": engine.get("model_revision") or run["revision"],
        "chat_template_sha256": engine.get("chat_template_sha256") or run["chat_template_sha256"],
        "prompt_set_sha256": run["prompt_set_sha256"],
        "sampling": json.dumps(run["sampling"], sort_keys=True),
        "seeds": json.dumps({"run": run["seed"], "engine": run["engine_seed"]}),
        "hardware": engine.get("hardware"),
        "created_at": manifest["sessions"][0]["started_at"] if manifest["sessions"] else None,
    }


def refuse_other_runs(out: Path, plans: tuple[RunPlan, ...]) -> None:
    """
    Refuse a folder that holds answers of one of these models to something else.

    Raises
    ------
    DataError
        Saying what differs.
    """
    if out.exists() and not out.is_dir():
        raise DataError("-o names a file; name a folder for the runs", file=str(out))
    if (out / MANIFEST).exists():
        raise DataError("-o names a folder that is itself a run or a corpus; name the folder that holds the runs", file=str(out))
    by_model = {plan.model.model_id: plan for plan in plans}
    for path in sorted(out.glob(f"*/{MANIFEST}")):
        try:
            found = read_manifest(path.parent)
        except DataError:  # a folder of something else
            continue
        plan = by_model.get(str(found["run"].get("model_id"))) if found else None
        if (
            found is None
            or plan is None
            or found["run_id"] == plan.run_id
            or not any(p.stat().st_size for p in part_paths(path.parent))
        ):
            continue
        raise DataError(
            f"this folder holds answers of {plan.model.model_id} to something else ({what_differs(found['run'], plan.identity)}); "
            "name another place with -o, so that nothing is mixed",
            file=str(path),
        )


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """
    The manifest of a run; None where there is none.

    Raises
    ------
    DataError
        When it is not that of a run.
    """
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataError(
            f"the manifest cannot be read ({error}); restore it, or name another place with -o", file=str(path)
        ) from error
    if not isinstance(found, dict) or found.get("format") != FORMAT or not _is_whole(found):
        raise DataError(
            "the manifest is not that of a run of safescale; name another place with -o", file=str(path), expected=FORMAT
        )
    return found


def _is_whole(manifest: Mapping[str, Any]) -> bool:
    """Whether what every session reads of a manifest is there: it may have been edited."""
    sessions = manifest.get("sessions")
    return (
        isinstance(manifest.get("run_id"), str)
        and isinstance(manifest.get("run"), dict)
        and isinstance(manifest.get("engine", {}), dict)
        and isinstance(sessions, list)
        and all(isinstance(session, dict) and {"started_at", "ended"} <= session.keys() for session in sessions)
    )


def differences(there: Mapping[str, Any], here: Mapping[str, Any], place: str = "") -> list[str]:
    """What differs between two runs, key by key."""
    found: list[str] = []
    for key in dict.fromkeys([*there, *here]):
        name, a, b = f"{place}{key}", there.get(key), here.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            found += differences(a, b, f"{name}.")
        elif a != b:
            found.append(f"{name}: there {_shown(a)}, here {_shown(b)}")
    return found


def what_differs(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """What differs between two runs, in one line."""
    return "; ".join(differences(there, here))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
