"""The folder of one run: its manifest, its parts, who may write to it, and what is answered already."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

import attrs

from safescale.engines import Answer, EngineFacts
from safescale.errors import DataError, GenerationError
from safescale.generate.answered import count_line, scan_run
from safescale.generate.manifest import read_manifest, run_record, what_differs
from safescale.generate.part import Part, set_aside_torn_lines
from safescale.generate.plan import Planned, RunPlan
from safescale.ingest.run_lines import EVENTS, FORMAT, LOCK, MANIFEST, ResponseLine, is_retried, part_paths
from safescale.store.json_file import write_json
from safescale.store.lock import WriterLock

__all__ = ["RunFolder", "events", "now"]

_FACTS: Final = ("model_revision", "weights_sha256", "chat_template_sha256", "max_model_len")
_VERSIONS: Final = ("version", "packages")


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
                f"this folder is of another run ({what_differs(found['run'], self.plan.identity) or 'its id was changed'}); "
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
        prompt_kind=planned.prompt_kind,
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
