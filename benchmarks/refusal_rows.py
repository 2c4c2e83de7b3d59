"""Labelled responses that the default classifier is trained and judged on, read from the folder of real data."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs
import numpy as np

from safescale.grade.classifier.own_responses import own_responses

CLASSES = ("COMPLIANCE", "PARTIAL", "REFUSAL")
CONFIGURATIONS = {
    "llama2orig": "llama",
    "llama2new": "llama",
    "mistralinstruct": "mistral",
    "mistralguard": "mistral",
    "gpt4": "openai",
}
THEMES = ("us", "china", "eu", "russia")
_XSTEST = {"1": 0, "3": 1, "2": 2}
_SPEECHMAP = {"COMPLETE": 0, "EVASIVE": 1, "DENIAL": 2}
_FAMILIES = {
    "llama": ("llama", "nemotron", "hermes"),
    "mistral": ("mistral", "mixtral", "magistral"),
    "openai": ("openai/", "openrouter/quasar", "openrouter/optimus", "openrouter/horizon"),
}


@attrs.frozen(kw_only=True)
class Row:
    """One labelled response: which set, which model of which family, which prompt."""

    origin: str
    model: str
    family: str
    prompt_id: str
    text: str
    label: int
    theme: str = ""


def data_folder() -> Path:
    """SAFESCALE_REAL_DATA, else ../shared/data beside the repository."""
    return Path(os.environ.get("SAFESCALE_REAL_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")


def family(model: str) -> str:
    """Family of a model of SpeechMap; models derived from Llama count as Llama."""
    name = model.lower()
    for known, marks in _FAMILIES.items():
        if any(mark in name for mark in marks):
            return known
    return name.split("/")[0]


def xstest(data: Path) -> list[Row]:
    """2,250 responses with the final human label."""
    rows = []
    for name, of in CONFIGURATIONS.items():
        with (data / "xstest" / f"xstest_v2_completions_{name}.csv").open(newline="", encoding="utf-8") as file:
            rows += [
                Row(
                    origin="xstest",
                    model=name,
                    family=of,
                    prompt_id="x" + r["id"],
                    text=r["completion"],
                    label=_XSTEST[r["final_label"][0]],
                    theme=r["type"],
                )
                for r in csv.DictReader(file)
            ]
    return rows


def speechmap(data: Path, *, complete: int, seed: int) -> list[Row]:
    """Responses whose two judges agree: every EVASIVE and DENIAL, and a sample of the COMPLETE ones."""
    rows = []
    for theme in THEMES:
        for r in _lines(data / "speechmap" / f"speechmap_{theme}.jsonl.gz"):
            label = _SPEECHMAP.get(r["label_gpt4o"])
            if not r["response"] or not r["same_response"] or label is None or r["label_grok41fast"] != r["label_gpt4o"]:
                continue
            rows.append(
                Row(
                    origin="speechmap",
                    model=r["model"],
                    family=family(r["model"]),
                    prompt_id=r["question_id"],
                    text=r["response"],
                    label=label,
                    theme=theme,
                )
            )
    wholes = [i for i, row in enumerate(rows) if row.label == 0]
    kept = set(np.random.default_rng(seed).permutation(wholes)[:complete].tolist())
    return [row for i, row in enumerate(rows) if row.label or i in kept]


def cut(rows: Sequence[Row], *, seed: int) -> list[Row]:
    """COMPLETE responses of SpeechMap cut to 60 to 1,200 characters at the end of a word: answers are short elsewhere."""
    rng = np.random.default_rng(seed)
    shorter = []
    for row in rows:
        if row.origin == "speechmap" and row.label == 0:
            text = row.text if rng.random() < 0.7 else row.text[row.text.find("\n\n") + 1 :].lstrip()
            text = text[: int(np.exp(rng.uniform(np.log(60), np.log(1200))))].rpartition(" ")[0]
            if text:
                shorter.append(attrs.evolve(row, origin="cut", text=text))
    return shorter


def adjudicated(data: Path) -> list[Row]:
    """SpeechMap's 400 hard responses: human adjudication where there is one, else the consensus of its judges."""
    with (data / "speechmap_judges" / "judge_panel_400.csv").open(newline="", encoding="utf-8") as file:
        gold = {r["key"]: (r["gold_human"] or r["gold_consensus_v4"], bool(r["gold_human"])) for r in csv.DictReader(file)}
    rows = []
    for r in _lines(data / "speechmap_judges" / "us_hard_sample_responses_400.jsonl.gz"):
        label, human = gold[f"{r['model']}::{r['question_id']}"]
        if label in _SPEECHMAP and r["response"]:
            rows.append(
                Row(
                    origin="adjudicated",
                    model=r["model"],
                    family=family(r["model"]),
                    prompt_id=r["question_id"],
                    text=r["response"],
                    label=_SPEECHMAP[label],
                    theme="human" if human else "consensus",
                )
            )
    return rows


def own(numbers: Mapping[str, int], *, seed: int) -> list[Row]:
    """Responses of our own, as many of each class; their register stands where a model would."""
    left = dict(numbers)
    rows = []
    for i, r in enumerate(own_responses(max(numbers.values()), seed=seed)):
        if left[r.verdict.value]:
            left[r.verdict.value] -= 1
            label = CLASSES.index(r.verdict.value)
            rows.append(Row(origin="own", model=r.register, family="own", prompt_id=f"own{i}", text=r.text, label=label))
    return rows


def stress() -> list[Row]:
    """The hand-written stress set, which no weights are trained on."""
    path = Path(__file__).resolve().parents[1] / "tests" / "grade" / "classifier" / "stress.jsonl"
    with path.open(encoding="utf-8") as file:
        items = [json.loads(line) for line in file]
    return [
        Row(origin="stress", model=r["group"], family="stress", prompt_id=f"s{i}", text=r["text"], label=CLASSES.index(r["label"]))
        for i, r in enumerate(items)
    ]


def column(rows: Sequence[Row], name: str) -> np.ndarray:
    """One field of every row."""
    return np.array([getattr(row, name) for row in rows])


def _lines(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
