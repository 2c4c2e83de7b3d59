"""
OpenAI's batch files: requests out as JSON lines, answers back in; every line that is no answer is kept and counted.

The format is that of OpenAI's Batch API, and of ``vllm run-batch`` (``python -m vllm.entrypoints.openai.run_batch -i IN -o OUT``).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Literal

import attrs

from safescale.engines.answers import Answer, FaultCode
from safescale.engines.engine import EngineSpec
from safescale.engines.openai_body import Asked, Asking, asked
from safescale.engines.openai_http import HttpReply
from safescale.engines.openai_reply import outcome_of
from safescale.engines.openai_settings import settings_of
from safescale.engines.requests import Request
from safescale.errors import DataError, DomainError

__all__ = ["BatchAnswers", "BatchReject", "RejectCode", "WrittenBatch", "read_batch", "write_batch"]

MAX_REQUESTS: Final = 50_000
MAX_BYTES: Final = 200_000_000
"""What OpenAI takes in one file; more goes into another."""

RejectCode = Literal["NO_JSON", "NO_BATCH_LINE", "UNKNOWN_ID", "DUPLICATE"]


@attrs.frozen(kw_only=True)
class WrittenBatch:
    """
    What ``write_batch`` wrote.

    Parameters
    ----------
    paths : tuple of Path
        The files: one for each endpoint and model (OpenAI wants one of each in a file), and more where one grew too large.
    written : int
        Requests in them.
    repeated : int
        Requests equal to one that is written; its answer will be theirs.
    refused : tuple of Answer
        Requests that cannot be asked, each with its fault. They stand in no file, so ``read_batch`` knows nothing of them.
    """

    paths: tuple[Path, ...]
    written: int
    repeated: int
    refused: tuple[Answer, ...]


@attrs.frozen(kw_only=True)
class BatchReject:
    """One line of an output that is no answer to a request: where, why, and its beginning."""

    path: Path
    line: int
    code: RejectCode
    text: str


@attrs.frozen(kw_only=True)
class BatchAnswers:
    """
    What ``read_batch`` read.

    Parameters
    ----------
    answers : tuple of Answer
        One for each request that has one, in the order of the requests; equal requests have equal answers.
    missing : tuple of Request
        Requests of which no line speaks (a batch that is not done, a file not given): ask these again.
    rejects : tuple of BatchReject
        Lines that answer nothing.
    lines : int
        Lines read, blank ones left out: every one of them is an answer or a reject.
    """

    answers: tuple[Answer, ...]
    missing: tuple[Request, ...]
    rejects: tuple[BatchReject, ...]
    lines: int

    @property
    def counts(self) -> Mapping[str, int]:
        """Rejects by code."""
        codes = [reject.code for reject in self.rejects]
        return {code: codes.count(code) for code in sorted(set(codes))}


def write_batch(
    requests: Iterable[Request],
    path: Path,
    spec: EngineSpec,
    *,
    max_requests: int = MAX_REQUESTS,
    max_bytes: int = MAX_BYTES,
) -> WrittenBatch:
    """
    Write requests as batch files; ``custom_id`` is the request's id.

    Parameters
    ----------
    requests : iterable of Request
        What to ask. Equal requests are written once.
    path : Path
        The file; where there are several, ``NAME-2.jsonl`` and so on stand beside it.
    spec : EngineSpec
        Model and options of the engine ``openai``. No server is asked: ``dialect`` "auto" is that of OpenAI here; say "vllm" for
        ``run-batch``.
    max_requests, max_bytes : int
        Most in one file; default what OpenAI takes.

    Returns
    -------
    WrittenBatch
        Files, counts, and what could not be asked.

    Raises
    ------
    DomainError
        For options that cannot be, or a tokenizer (token ids are for servers).
    DataError
        When a file cannot be written; nothing stays half written.
    """
    if max_requests < 1 or max_bytes < 1:
        raise DomainError(f"a file needs room for a request, got max_requests={max_requests!r}, max_bytes={max_bytes!r}")
    if spec.tokenizer is not None:
        raise DomainError("a batch file holds messages, not token ids; leave tokenizer out")
    settings = settings_of(spec)
    dialect: Literal["vllm", "openai"] = "openai" if settings.dialect == "auto" else settings.dialect
    asking = Asking(spec=spec, settings=settings, dialect=dialect)
    seen: set[str] = set()
    refused: list[Answer] = []
    repeated = 0
    files = _Files(path, max_requests, max_bytes)
    try:
        for request in requests:
            if request.request_id in seen:
                repeated += 1
                continue
            seen.add(request.request_id)
            what = asked(request, asking)
            if isinstance(what, Answer):
                refused.append(what)
            else:
                files.write((what.path, request.adapter or spec.model), _line(request, what))
        paths = files.finish()
    except OSError as error:
        raise DataError(
            f"the batch file cannot be written ({error.strerror or error}); nothing of it was kept", file=str(path)
        ) from error
    finally:
        files.discard()
    return WrittenBatch(paths=paths, written=len(seen) - len(refused), repeated=repeated, refused=tuple(refused))


def _line(request: Request, what: Asked) -> bytes:
    # the body is JSON already; it is not parsed to be written again
    head = json.dumps({"custom_id": request.request_id, "method": "POST", "url": f"/v1{what.path}"}, separators=(",", ":"))
    return head[:-1].encode("ascii") + b',"body":' + what.body + b"}\n"


@attrs.define
class _Files:
    """Files under temporary names, renamed when all are whole."""

    path: Path
    max_requests: int
    max_bytes: int
    _open: dict[tuple[str, str], tuple[BinaryIO, list[int]]] = attrs.field(factory=dict)
    _made: list[tuple[Path, Path]] = attrs.field(factory=list)

    def write(self, kind: tuple[str, str], line: bytes) -> None:
        stream, filled = self._open.get(kind, (None, [0, 0]))
        if stream is not None and (filled[0] + 1 > self.max_requests or filled[1] + len(line) > self.max_bytes):
            _whole(stream)
            stream = None
        if stream is None:
            number = len(self._made) + 1
            final = self.path if number == 1 else self.path.with_name(f"{self.path.stem}-{number}{self.path.suffix}")
            temporary = final.with_name(f".{final.name}.{os.getpid()}.tmp")
            stream, filled = temporary.open("wb"), [0, 0]
            self._made.append((temporary, final))
            self._open[kind] = (stream, filled)
        stream.write(line)
        filled[0] += 1
        filled[1] += len(line)

    def finish(self) -> tuple[Path, ...]:
        for stream, _ in self._open.values():
            _whole(stream)
        for temporary, final in self._made:
            os.replace(temporary, final)
        return tuple(final for _, final in self._made)

    def discard(self) -> None:
        for stream, _ in self._open.values():
            stream.close()
        for temporary, _ in self._made:
            temporary.unlink(missing_ok=True)


def _whole(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())
    stream.close()


def read_batch(paths: Sequence[Path], requests: Sequence[Request]) -> BatchAnswers:
    """
    Read output and error files of batches back to answers.

    A line that failed stands back behind one of the same request that succeeded (a batch and its repetition may be read together);
    of two that succeeded the first counts. Constraints are checked as for a server that is asked at once.

    Parameters
    ----------
    paths : sequence of Path
        Output files and error files, in any order.
    requests : sequence of Request
        What was asked, in the order wanted.

    Returns
    -------
    BatchAnswers
        Answers, requests without one, and rejects; nothing is dropped.

    Raises
    ------
    DataError
        For a file that cannot be read.
    """
    known = {request.request_id: request for request in requests}
    found: dict[str, tuple[Answer, BatchReject]] = {}
    rejects: list[BatchReject] = []
    lines = 0
    for path, number, raw in _lines(paths):
        lines += 1
        here = BatchReject(path=path, line=number, code="DUPLICATE", text=raw[:200].decode("utf-8", "replace"))
        told = _told(raw)
        if isinstance(told, str):
            rejects.append(attrs.evolve(here, code=told))
            continue
        request = known.get(str(told["custom_id"]))
        if request is None:
            rejects.append(attrs.evolve(here, code="UNKNOWN_ID"))
            continue
        answer = _answer(request, told)
        before = found.get(request.request_id)
        if before is None:
            found[request.request_id] = (answer, here)
        elif before[0].fault is not None and answer.fault is None:
            found[request.request_id] = (answer, here)
            rejects.append(before[1])
        else:
            rejects.append(here)
    answers = tuple(found[request.request_id][0] for request in requests if request.request_id in found)
    missing = tuple(request for request in requests if request.request_id not in found)
    ordered = sorted(rejects, key=lambda reject: (paths.index(reject.path), reject.line))
    return BatchAnswers(answers=answers, missing=missing, rejects=tuple(ordered), lines=lines)


def _lines(paths: Sequence[Path]) -> Iterator[tuple[Path, int, bytes]]:
    for path in paths:
        try:
            with path.open("rb") as stream:
                for number, raw in enumerate(stream, start=1):
                    if raw.strip():
                        yield path, number, raw.strip()
        except OSError as error:
            step = "name the output file and the error file of the batch"
            raise DataError(f"the batch output cannot be read ({error.strerror or error}); {step}", file=str(path)) from error


def _told(raw: bytes) -> Mapping[str, object] | RejectCode:
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError):
        return "NO_JSON"
    if not isinstance(line, dict) or not isinstance(line.get("custom_id"), str):
        return "NO_BATCH_LINE"
    if not isinstance(line.get("response"), dict) and not isinstance(line.get("error"), dict):
        return "NO_BATCH_LINE"
    return line


def _answer(request: Request, line: Mapping[str, object]) -> Answer:
    response, error = line.get("response"), line.get("error")
    if isinstance(response, dict):
        status = response.get("status_code")
        body = response.get("body")
        status = status if isinstance(status, int) else 500
        if body is None and isinstance(error, dict):
            body = {"error": error}
        reply = HttpReply(status=status, headers={}, body=json.dumps(body).encode("ascii"))
        return outcome_of(request, reply, key_variable=None).answer
    assert isinstance(error, dict)
    code, message = str(error.get("code")), str(error.get("message"))
    step = "write it into another batch"
    fault = FaultCode.TIMEOUT if code == "batch_expired" else FaultCode.SERVER_ERROR
    return Answer.failed(request, fault, f"the batch did not answer this request ({code}: {message[:300]}); {step}")
