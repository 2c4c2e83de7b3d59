"""The folder of one run: its manifest, its parts, who may write to it, and what is answered already."""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

import attrs
import numpy as np
import numpy.typing as npt

import safescale
from safescale.engines import Answer, EngineFacts
from safescale.errors import DataError, GenerationError
from safescale.generate.part import Part, set_aside_torn_lines
from safescale.generate.plan import Planned, RunPlan
from safescale.ingest.run_lines import EVENTS, FORMAT, LOCK, MANIFEST, ResponseLine, Scanned, is_retried, part_paths, scan_lines
from safescale.store.lock import WriterLock
from safescale.store.parquet_manifest import fsync_path

__all__ = ["Answered", "RunFolder", "read_manifest", "refuse_other_runs", "scan_run"]

_FACTS: Final = ("model_revision", "weights_sha256", "chat_template_sha256", "max_model_len")
_VERSIONS: Final = ("version", "packages")


@attrs.define(kw_only=True)
class Answered:
    """
    What the parts of a run hold.

    ``done`` has the first 64 bits of every response id that is not asked again, sorted; the counts are over the last line of each
    response.
    """

    done: npt.NDArray[np.uint64] = attrs.field(factory=lambda: np.empty(0, dtype=np.uint64))
    finish_reasons: Counter[str] = attrs.field(factory=Counter)
    faults: Counter[str] = attrs.field(factory=Counter)
    suspects: set[str] = attrs.field(factory=set)
    """Responses on which the engine died or ran out of memory before: they are asked last, and alone."""
    waiting: dict[str, str] = attrs.field(factory=dict)
    """Responses that ended in a fault which is asked again: id to code."""
    tokens: int = 0
    uncounted: int = 0
    """Answers whose tokens the engine did not count."""
    replaced: int = 0
    damaged: int = 0
    added: int = 0
    """Responses of this session that are not asked again."""
    last_at: str | None = None

    def __contains__(self, response_id: object) -> bool:
        key = _key(str(response_id))
        at = int(np.searchsorted(self.done, key))
        return at < len(self.done) and self.done[at] == key

    @property
    def responses(self) -> int:
        """Responses that are not asked again."""
        return len(self.done) + self.added


def scan_run(folder: Path) -> Answered:
    """Read what a run holds: in one pass, keeping 8 bytes a response."""
    found = Answered()
    keys: list[npt.NDArray[np.uint64]] = []
    for path in part_paths(folder):
        piece: list[int] = []
        for line in scan_lines(path):
            if line is None:
                found.damaged += 1
                continue
            count_line(found, line)
            if not line.retried:
                piece.append(int(line.response_id[:16], 16))
        keys.append(np.array(piece, dtype=np.uint64))
    if keys:
        found.done = np.unique(np.concatenate(keys))
    found.suspects &= found.waiting.keys()
    return found


def count_line(found: Answered, line: Scanned | ResponseLine) -> None:
    """Add one line to the counts; it takes the place of the fault that its response ended in before."""
    before = found.waiting.pop(line.response_id, None)
    if before is not None:
        found.faults[before] -= 1
        found.replaced += 1
    found.last_at = line.created_at
    found.tokens += (line.prompt_tokens or 0) + (line.completion_tokens or 0)
    if line.fault is None:
        found.finish_reasons[line.finish_reason] += 1
        found.uncounted += line.completion_tokens is None or line.prompt_tokens is None
    else:
        found.faults[line.fault] += 1
        if is_retried(line.fault):
            found.waiting[line.response_id] = line.fault
        if line.fault in ("ENGINE_DIED", "OUT_OF_MEMORY"):
            found.suspects.add(line.response_id)


def _key(response_id: str) -> np.uint64:
    return np.uint64(int(response_id[:16], 16))


class RunFolder:
    """
    The folder of one run, open for writing by this process alone.

    Parameters
    ----------
    out : Path
        Folder of the runs.
    plan : RunPlan
        What is asked.

    Raises
    ------
    DataError
        When another process writes to it, its manifest is of another run, or it cannot be written to.
    """

    def __init__(self, out: Path, plan: RunPlan) -> None:
        self.plan = plan
        self.path = out / plan.run_id
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(
                f"the run cannot be written here ({error.strerror}); name another place with -o", file=str(out)
            ) from error
        try:
            self._lock = WriterLock(self.path / LOCK, self.path, what="run")
        except OSError as error:
            raise _no_room(self.path, error) from error
        try:
            self.manifest = self._own_manifest()
            self.torn = set_aside_torn_lines(self.path)
            _end_events(self.path / EVENTS)
            self.answered = scan_run(self.path)
            self._part = Part(self.path)
            self._close_cut_off_session()
        except OSError as error:
            self._lock.release()
            raise _no_room(self.path, error) from error
        except BaseException:
            self._lock.release()
            raise

    def _own_manifest(self) -> dict[str, Any]:
        found = read_manifest(self.path)
        if found is None:
            if part_paths(self.path):
                raise DataError(
                    "this run has responses and no manifest; restore it, or name another place with -o", file=str(self.path)
                )
            return {"format": FORMAT, "run_id": self.plan.run_id, "run": dict(self.plan.identity), "sessions": []}
        if found["run_id"] != self.plan.run_id or found["run"] != json.loads(json.dumps(self.plan.identity)):
            raise DataError(
                f"this folder is of another run ({_told(found['run'], self.plan.identity) or 'its id was changed'}); "
                "name another place with -o",
                file=str(self.path / MANIFEST),
            )
        return found

    def _close_cut_off_session(self) -> None:
        """A session that could not write its end (killed, or on a full disk) ended with its last response."""
        for session in self.manifest["sessions"]:
            if session["ended"] is None:
                session |= {"ended": "cut off", "ended_at": self.answered.last_at}

    def begin(self, session: Mapping[str, Any]) -> None:
        """Write down that a session begins, before anything is asked."""
        model, prompts = self.plan.model, self.plan.prompts
        known = ("model_id", "params_total_b", "params_active_b", "size_estimated", "tampering", "tampering_detail")
        self.manifest["model"] = {name: getattr(model, name) for name in known}
        self.manifest["prompts"] = {
            "file": str(prompts.file),
            "prompts": len(prompts.prompts),
            "sha256": prompts.sha256,
            "file_sha256": prompts.file_sha256,
        }
        self.manifest["sessions"].append(
            {
                **session,
                "started_at": now(),
                "ended": None,
                "ended_at": None,
                "torn_lines": self.torn,
                "damaged_lines": self.answered.damaged,
            }
        )
        self.write_manifest()

    def opened(self, facts: EngineFacts, *, accept_changes: bool = False) -> None:
        """
        Write down what the engine says of itself.

        Raises
        ------
        DataError
            When it is not the engine that gave the first answers: another revision, other weights, another template or
            window; or (without ``accept_changes``) another version of a package.
        """
        said = json.loads(json.dumps(attrs.asdict(facts)))
        self.manifest["sessions"][-1]["engine"] = said
        first = self.manifest.setdefault("engine", said)
        changed = [
            f"{name}: there {first[name]!r}, here {said[name]!r}"
            for name in (*_FACTS, *(() if accept_changes else _VERSIONS))
            if first.get(name) is not None and said[name] is not None and first[name] != said[name]
        ]
        if changed and self.answered.responses:
            step = "name another place with -o"
            if all(line.startswith(_VERSIONS) for line in changed):
                step += ", or say --accept-changes"
            raise DataError(
                f"the answers of this run came from something else ({'; '.join(changed)}); {step}", file=str(self.path / MANIFEST)
            )
        if changed:
            self.manifest["engine"] = said
        self.write_manifest()

    def record(self, planned: Planned, answer: Answer) -> ResponseLine:
        """Keep one answer, or the fault in its place."""
        line = response_line(self.plan, planned, answer)
        self._part.append(line)
        count_line(self.answered, line)
        self.answered.added += not is_retried(line.fault)
        return line

    def flush(self) -> None:
        """
        Close the part: all of it is on the disk then.

        Raises
        ------
        GenerationError
            When the disk does not confirm it.
        """
        self._part.close()

    def event(self, event: str, **facts: Any) -> None:
        """Append an event; what happens to a run is told even by one that is killed."""
        line = json.dumps({"run_id": self.plan.run_id, "event": event, "at": now(), **facts}) + "\n"
        with contextlib.suppress(OSError), (self.path / EVENTS).open("a", encoding="utf-8") as stream:
            stream.write(line)

    def end(self, ended: str, **facts: Any) -> None:
        """Write down how the session ended. A disk that is full keeps the manifest as it was: the parts say all."""
        with contextlib.suppress(GenerationError):
            self._part.close()
        if self.manifest["sessions"]:
            self.manifest["sessions"][-1] |= {"ended": ended, "ended_at": now(), **facts}
            with contextlib.suppress(GenerationError):
                self.write_manifest()

    def write_manifest(self) -> None:
        """
        Replace the manifest as a whole.

        Raises
        ------
        GenerationError
            When the disk does not take it; the old one stays.
        """
        self.manifest["record"] = run_record(self.manifest)
        try:
            write_json(self.path / MANIFEST, self.manifest)
        except OSError as error:
            raise _no_room(self.path / MANIFEST, error) from error

    def close(self) -> None:
        """Give the folder back; a run that asked nothing and has no manifest leaves no folder."""
        with contextlib.suppress(GenerationError):
            self._part.close()
        self._lock.release()
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _no_room(path: Path, error: OSError) -> GenerationError:
    return GenerationError(
        f"{path}: it cannot be written ({error.strerror}). No response is lost; free some space or mend the folder, then run the "
        "same command again"
    )


def response_line(plan: RunPlan, planned: Planned, answer: Answer) -> ResponseLine:
    """The line of an answer."""
    fault = answer.fault
    return ResponseLine(
        run_id=plan.run_id,
        response_id=planned.response_id,
        request_id=planned.request.request_id,
        model_id=plan.model.model_id,
        prompt_id=planned.prompt.prompt_id,
        prompt_kind=planned.prompt.prompt_kind,
        attack_class=planned.attack_class,
        condition=planned.condition.name,
        sample_index=planned.sample_index,
        finish_reason=answer.finish_reason,
        created_at=now(),
        prompt=planned.text,
        response=_whole(answer.text),
        fault=None if fault is None else fault.code.value,
        fault_message=None if fault is None else _whole(fault.message),
        seed=answer.seed,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        reasoning=_whole(answer.reasoning),
        logprobs=None if answer.logprobs is None else [attrs.astuple(token) for token in answer.logprobs],
    )


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
            f"this folder holds answers of {plan.model.model_id} to something else ({_told(found['run'], plan.identity)}); "
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
    if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(found.get("run"), dict):
        raise DataError(
            "the manifest is not that of a run of safescale; name another place with -o", file=str(path), expected=FORMAT
        )
    return found


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


def _told(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    return "; ".join(differences(there, here))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file: readers find the old one or the new one, whole, also after a loss of power."""
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as stream:
        json.dump(value, stream, indent=1, ensure_ascii=False)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)
    fsync_path(path.parent)


def now() -> str:
    """The present instant, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _whole(text: str | None) -> str | None:
    """Text as a file can hold it: half a surrogate pair is written out."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


def _end_events(path: Path) -> None:
    """An event that a kill cut off ends its line, so that the next one stands alone."""
    if path.exists() and path.stat().st_size and not path.read_bytes().endswith(b"\n"):
        with path.open("a", encoding="utf-8") as stream:
            stream.write("\n")


def events(folder: Path) -> Iterator[dict[str, Any]]:
    """Events of a run, in order; a torn last line is passed over."""
    path = folder / EVENTS
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                yield json.loads(line)
