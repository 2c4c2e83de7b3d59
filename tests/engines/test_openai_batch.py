"""Batch files: what goes out comes back as answers, whatever the order; every line is an answer or a counted reject."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.loopback import Loopback, chat
from engines.test_openai_failures import FAST, asking
from safescale.engines import Constraint, EngineSpec, FaultCode, Message, Request, Sampling, in_order, open_engine
from safescale.engines.openai_batch import read_batch, write_batch
from safescale.errors import DataError, DomainError

SPEC = EngineSpec(engine="openai", model="zorble", adapters={"adv": ""})


def written(paths: Iterable[Path]) -> list[dict[str, Any]]:
    return [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def done(request: Request, text: str = "said", status: int = 200, **body: object) -> dict[str, Any]:
    content = body or chat(text).body
    response = {"status_code": status, "request_id": "r", "body": content}
    return {"id": "batch_req_1", "custom_id": request.request_id, "response": response, "error": None}


def lines(path: Path, parts: Iterable[object]) -> Path:
    path.write_text("".join(f"{part if isinstance(part, str) else json.dumps(part)}\n" for part in parts), encoding="utf-8")
    return path


def test_a_file_of_requests_is_what_a_server_would_be_asked(tmp_path: Path) -> None:
    requests = [*asking(3), asking(1)[0], asking(1, constraint=Constraint(kind="choice", choices=("A", "B")))[0]]
    made = write_batch(requests, tmp_path / "in.jsonl", SPEC)
    assert (made.written, made.repeated, made.refused) == (4, 1, ())
    assert made.paths == (tmp_path / "in.jsonl",)
    rows = written(made.paths)
    assert [row["custom_id"] for row in rows] == [requests[place].request_id for place in (0, 1, 2, 4)]
    assert {(row["method"], row["url"]) for row in rows} == {("POST", "/v1/chat/completions")}
    with Loopback(version=None) as server:
        engine = open_engine(attrs.evolve(SPEC, base_url=server.url, options=FAST))
        list(engine.answer([requests[0], requests[4]]))
        engine.close()
        asked = sorted((called.body for called in server.calls), key=len)
    assert asked == sorted((rows[0]["body"], rows[3]["body"]), key=len)
    assert os.listdir(tmp_path) == ["in.jsonl"]


def test_each_file_has_one_endpoint_one_model_and_no_more_than_its_limits(tmp_path: Path) -> None:
    raw = [Request(text=f"tove {number}") for number in range(3)]
    worn = [attrs.evolve(request, adapter="adv") for request in asking(2)]
    made = write_batch([*asking(7), *raw, *worn], tmp_path / "in.jsonl", SPEC, max_requests=3)
    kinds = []
    for path in made.paths:
        rows = written([path])
        assert 1 <= len(rows) <= 3
        kinds.append({(row["url"], row["body"]["model"]) for row in rows})
    assert all(len(kind) == 1 for kind in kinds)
    assert len(made.paths) == 3 + 1 + 1
    assert len({row["custom_id"] for row in written(made.paths)}) == made.written == 12
    size = len((tmp_path / "in.jsonl").read_bytes())
    small = write_batch(asking(3), tmp_path / "small.jsonl", SPEC, max_bytes=size // 2)
    assert len(small.paths) == 3


def test_what_cannot_be_asked_is_not_written_and_not_lost(tmp_path: Path) -> None:
    requests = [Request(text=""), asking(1, constraint=Constraint(kind="regex", body="a+"))[0], *asking(1)]
    made = write_batch(requests, tmp_path / "in.jsonl", SPEC)
    assert made.written == 1
    assert [answer.fault.code for answer in made.refused if answer.fault] == [FaultCode.EMPTY_PROMPT, FaultCode.CANNOT_CONSTRAIN]


def test_answers_come_back_by_id_in_the_order_of_the_requests(tmp_path: Path) -> None:
    requests = [*asking(4), asking(1)[0]]
    several = [done(request, f"said {place}") for place, request in enumerate(requests[:4])]
    out = lines(tmp_path / "out.jsonl", several[::-1])
    back = read_batch([out], requests)
    assert [answer.text for answer in back.answers] == ["said 0", "said 1", "said 2", "said 3", "said 0"]
    assert (back.missing, back.rejects, back.lines) == ((), (), 4)
    assert in_order(requests, back.answers) == list(back.answers)


def test_every_line_that_answers_nothing_is_counted_with_its_place(tmp_path: Path) -> None:
    requests = asking(4)
    stranger = asking(1, seed=99)[0]
    out = lines(
        tmp_path / "out.jsonl",
        [
            done(requests[0], "first"),
            "{broken",
            "",
            done(stranger),
            done(requests[0], "second"),
            [1, 2],
            {"custom_id": requests[2].request_id},
            {"custom_id": 7, "response": {}},
            json.dumps(done(requests[2]))[:40],
        ],
    )
    failed = lines(
        tmp_path / "errors.jsonl",
        [
            done(
                requests[1], status=400, error={"message": "maximum context length is 64 tokens", "code": "context_length_exceeded"}
            ),
            {"custom_id": requests[3].request_id, "response": None, "error": {"code": "batch_expired", "message": "24 h are over"}},
        ],
    )
    back = read_batch([out, failed], requests)
    assert back.counts == {"DUPLICATE": 1, "NO_BATCH_LINE": 3, "NO_JSON": 2, "UNKNOWN_ID": 1}
    assert [(reject.line, reject.code) for reject in back.rejects if reject.path == out][:2] == [(2, "NO_JSON"), (4, "UNKNOWN_ID")]
    assert back.lines == len(back.rejects) + len(back.answers)
    told = {answer.request_id: answer for answer in back.answers}
    assert told[requests[0].request_id].text == "first"
    assert [str(told[requests[place].request_id].fault)[:30] for place in (1, 3)]
    codes = [told[requests[place].request_id].fault.code for place in (1, 3)]  # type: ignore[union-attr]
    assert codes == [FaultCode.TOO_LONG, FaultCode.TIMEOUT]
    assert back.missing == (requests[2],)


def test_a_success_stands_before_a_failure_of_the_same_request(tmp_path: Path) -> None:
    (request,) = asking(1)
    bad = done(request, status=500, error={"message": "broken"})
    for order in ([bad, done(request)], [done(request), bad]):
        back = read_batch([lines(tmp_path / "out.jsonl", order)], [request])
        assert [answer.text for answer in back.answers] == ["said"]
        assert back.counts == {"DUPLICATE": 1}


def test_constraints_are_checked_when_a_batch_is_read(tmp_path: Path) -> None:
    (request,) = asking(1, constraint=Constraint(kind="choice", choices=("A", "B")))
    wrapped = read_batch([lines(tmp_path / "out.jsonl", [done(request, '{"choice": "B"}')])], [request])
    assert wrapped.answers[0].text == "B"
    broken = read_batch([lines(tmp_path / "out.jsonl", [done(request, "Well, B")])], [request])
    assert broken.answers[0].fault is not None
    assert broken.answers[0].fault.code is FaultCode.CONSTRAINT_BROKEN


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be written"):
        write_batch(asking(2), tmp_path / "nowhere" / "in.jsonl", SPEC)
    (tmp_path / "taken").mkdir()
    with pytest.raises(DataError, match="cannot be written"):
        write_batch(asking(2), tmp_path / "taken", SPEC)
    assert os.listdir(tmp_path) == ["taken"]
    with pytest.raises(DataError, match="cannot be read"):
        read_batch([tmp_path / "none.jsonl"], asking(1))
    with pytest.raises(DomainError, match="tokenizer"):
        write_batch(asking(2), tmp_path / "in.jsonl", attrs.evolve(SPEC, tokenizer="x"))


@given(
    texts=st.lists(st.text('ab\n"\\\u2028\u00e9\U0001f600\x00', min_size=1, max_size=12), min_size=1, max_size=8), data=st.data()
)
def test_law_whatever_goes_out_comes_back(texts: list[str], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Any prompt and any answer, lines in any order, in any number of files."""
    folder = tmp_path_factory.mktemp("batch")
    requests = [
        Request(messages=(Message(role="user", content=f"zorble {text}"),), sampling=Sampling(seed=place))
        for place, text in enumerate(texts)
    ]
    made = write_batch(requests, folder / "in.jsonl", SPEC, max_requests=data.draw(st.integers(1, 8)))
    asked = data.draw(st.permutations(written(made.paths)))
    said = {row["custom_id"]: row["body"]["messages"][0]["content"][::-1] for row in asked}
    answered = [{"custom_id": name, "response": {"status_code": 200, "body": chat(text).body}} for name, text in said.items()]
    half = len(answered) // 2
    back = read_batch([lines(folder / "a.jsonl", answered[:half]), lines(folder / "b.jsonl", answered[half:])], requests)
    assert [answer.text for answer in back.answers] == [f"zorble {text}"[::-1] for text in texts]
    assert not back.rejects
    assert not back.missing
