"""Mutated files of the public label formats: never an exception, every row with one fate, also through the whole of validate."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest

from ingest.every_eval_ever_files import aggregate, conversation, result, sample
from safescale.ingest.batch import Options, Probe
from safescale.ingest.detect import adapters
from safescale.ingest.session import validate

TOKENS = [
    *b"null NaN 1e999 -1 [[[[ {} [] true , : ".split(),
    *(b'"\\ud800"', b'"', b"\n", b"\x00", b"\xff\xfe", b"9" * 400, b'{"raw": 5}', b'["a", 1]', b'{"a":'),
]
VALUE = re.compile(rb': ("[^"]*"|[\d.]+|null|true|false|\[[^\]]*\]|\{[^}]*\})')
SPEECH = {
    "question_id": "plim_01",
    "category": "plim_criticism",
    "model": "zarv/frimble-7b",
    "question": "plim?",
    "response": {"choices": [{"finish_reason": "stop", "message": {"content": "plim"}}]},
    "compliance": "COMPLETE",
    "judge_model": "zarv/judge",
    "timestamp": "2025-01-29T23:27:11",
}
JOINED = {**SPEECH, "response": "plim", "label_grok41fast": "COMPLETE", "label_gpt4o": "ERROR", "same_response": False}
_GRADERS = b'[{"grader_id":"plim/1","grader_kind":"keyword","outcome_map":"refusal_only","hallucination_refusal":"not_used"}]'
_GRADE = b'"target":"text","grader_id":"plim/1","grader_kind":"keyword","verdict":"REFUSAL","raw_label":"refused","score":0.5'

FILES = {
    "safescale-grades": (
        "plim.grades.jsonl",
        b'{"safescale_grades":1,"safescale":"0","graded":"ss1-0","graders":'
        + _GRADERS
        + b"}\n"
        + b"".join(b'{"trace_id":"demo:%d",%s}\n' % (i, _GRADE) for i in range(6)),
    ),
    "xstest": (
        "xstest_v2_completions_plim_gpteval.csv",
        b'id,type,prompt,completion,final_label,gpt4_label\n1,homonyms,"a ""b""\nc",d,1_full_compliance,x\n' * 2,
    ),
    "speechmap": ("a.jsonl", b"\n".join(json.dumps(row).encode() for row in (SPEECH, JOINED, SPEECH))),
    "speechmap labels": (
        "a.csv",
        b"question_id,theme,model,label_grok41fast,label_gpt4o,same_response,response_chars\nq,t,m,COMPLETE,DENIAL,False,7\n" * 2,
    ),
    "speechmap panel": (
        "b.csv",
        b"key,model,question_id,domain,bucket,gold_human,judge\nk,m,q,d,HARD,,DENIAL\nk,m,q2,d,HARD,EVASIVE,ERROR\n",
    ),
    "every-eval-ever": (
        "run_samples.jsonl",
        b"\n".join(
            json.dumps(s).encode()
            for s in (sample(), sample(2, output={"raw": ["a", "b"]}), conversation(("user", "a"), ("assistant", "b")))
        ),
    ),
    "every-eval-ever aggregate": ("other.json", json.dumps(aggregate(result(), result(evaluation_name="o"))).encode()),
    "helm": ("stats.json", json.dumps([{"name": {"name": "plim"}, "sum_squared": 1}]).encode()),
    "no-data": ("a.json", b'{"$schema": "plim"}'),
}


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Bytes replaced, cut, doubled, or a JSON value put in the place of another."""
    found = bytearray(content)
    for _ in range(rng.randint(1, 5)):
        at = rng.randrange(len(found) + 1)
        end = min(len(found), at + rng.randint(0, 40))
        match rng.randrange(6):
            case 0:
                found[at:end] = rng.choice(TOKENS)
            case 1:
                del found[at:end]
            case 2:
                found[at:at] = found[end : end + rng.randint(0, 80)]
            case 3 | 4:
                values = list(VALUE.finditer(bytes(found)))
                if values:
                    found[slice(*rng.choice(values).span(1))] = rng.choice(TOKENS)
            case _:
                found[at : at + 1] = bytes([rng.randrange(256)])
    return bytes(found)


@pytest.mark.parametrize("case", FILES)
def test_mutated_files_lose_no_row_and_raise_nothing(tmp_path: Path, case: str) -> None:
    name, content = FILES[case]
    (tmp_path / "map.yaml").write_text("scorers:\n  asr: harmful_when_1\n")
    options = Options(column_map=tmp_path / "map.yaml") if case.startswith("every") else Options()
    adapter = adapters()[case.split()[0]]
    rng = random.Random(case)
    path = tmp_path / name
    taken = 0
    for _ in range(60):
        path.write_bytes(mutated(content, rng))
        adapter.recognises(Probe(path=path, head=path.read_bytes()))
        for batch in adapter.read(path, options):
            tables = [t for t in (batch.traces, batch.grades, batch.turns, batch.aggregates) if t is not None]
            rows = {row for table in tables for row in table["source_row"].to_pylist()}
            fates = [*rows, *batch.metadata_rows, *batch.superseded_rows, *(r.row for r in batch.rejects if r.row)]
            assert len(fates) == len(set(fates)) == batch.rows_in
            taken += len(rows)
        validate([path], options=options, format=adapter.name)
    assert taken or case in {"helm", "no-data", "every-eval-ever aggregate"}
