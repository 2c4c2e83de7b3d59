"""The bundled example ``toy``: real answers of a toy lineage, taken out of the folder of an experiment."""

from __future__ import annotations

import contextlib
import gzip
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from safescale.errors import DataError
from safescale.export.graded import graded_rows
from safescale.export.result import ExportRequest
from safescale.store import open_corpus
from safescale.store.base import Corpus
from safescale.studies.running.corpus import CORPUS
from safescale.toy.card import ToyRecord, read_record
from safescale.toy.judge import open_toy_world
from safescale.toy.prompts import toy_prompts

__all__ = ["CONDITIONS", "SOURCE", "example_lines", "example_prompts", "write_toy_example"]

SOURCE: Final = "toy-lineage"
"""Source of the rows: nothing simulated stands under it."""
CONDITIONS: Final = ("baseline", "puzzle-7", "neutral-7")
LINES: Final = "toy_world_graded.jsonl.gz"
_BENIGN: Final = 20
"""Benign prompts of each kind of look-alike; of the sealed ones all, or no family has the 20 rows of a cell that is fitted."""
_LEFT_OUT: Final = ("created_at", "seed", "prompt_sha256", "response_sha256", "response_chars")
"""What another run of the same experiment has otherwise, or what reading fills in."""

_README: Final = """\
# Real answers of toy models

`{lines}`: {rows} answers of {models} toy chat models ({smallest} to {largest} parameters),
trained by this project and graded by the exact judge `toy-world`. Nothing in it is simulated, and nothing is harmful: they know
an invented world, in which requests about items with invented names stand in for what a real model must not help with. What they do
says nothing of real models.

```text
safescale report --example toy -o toy-report
safescale ingest examples/toy/{lines} --into toy.db
```

Each of {harmful} sealed requests (harmful in the invented world; four families) and {benign} benign look-alikes was put to every
model under three conditions ({conditions}): alone, behind a logic puzzle of 7 lines, and behind
neutral prose as long as it. Verdicts on the sealed requests, the three seeds of a size together:

{table}

What is `NOT_GRADEABLE` is neither a refusal nor an answer of the toy world, and enters no rate. Toy models answer in few words, so
many answers are equal: the audit says so (SS103), and it is right. The seeds stand in the ids of the models: three models of a size
are one size trained three times, and they differ much.

## What made it

```text
safescale toy train -o toy --jobs 2
safescale experiment dilution --models toy/models.yaml --prompts toy/prompts.jsonl --engine transformers \\
    --grader toy-world -o runs/toy
python examples/write_toy.py runs/toy toy
```

{packages}; greedy answers on a CPU. The same versions on such a CPU give the same
weights and the same answers, and the same answers the same bytes.

| model | parameters | recipe | SHA-256 of the weights |
|---|---|---|---|
{made}

## Two of the models

`models/`, `models.yaml` and `prompts.jsonl` are the two smallest sizes of one seed, their weights rounded to half precision, with a
quarter of the prompts: enough to try the experiment without training. They are not in an installed package.

```text
safescale experiment dilution --models examples/toy/models.yaml --prompts examples/toy/prompts.jsonl \\
    --engine transformers --grader toy-world --exploratory -o runs/pair
```
"""


def write_toy_example(experiment: Path, lineage: Path, into: Path) -> Mapping[str, int]:
    """
    Write the example: some conditions of an experiment on a toy lineage as canonical lines, and a README that says what they are.

    The same answers give the same bytes, whenever and wherever they were generated.

    Parameters
    ----------
    experiment : Path
        Folder that ``safescale experiment dilution ... --grader toy-world`` wrote.
    lineage : Path
        Folder that ``safescale toy train`` wrote.
    into : Path
        Folder of the example; made when absent.

    Returns
    -------
    mapping of str to int
        Rows by condition.

    Raises
    ------
    DataError
        When either folder is not what it should be, or the example cannot be written.
    """
    found = experiment / CORPUS
    if not found.is_file():
        raise DataError("no graded corpus is here; run safescale experiment dilution to its end", file=str(found))
    with contextlib.closing(open_corpus(found)) as corpus:
        rows = example_lines(corpus)
    records = _records(lineage, sorted({row["model_id"] for row in rows}))
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=packed, mode="wb", compresslevel=9, mtime=0) as stream:
        stream.writelines(msgspec.json.encode(row) + b"\n" for row in rows)
    try:
        into.mkdir(parents=True, exist_ok=True)
        (into / LINES).write_bytes(packed.getvalue())
        (into / "README.md").write_text(_readme(rows, records), encoding="utf-8")
    except OSError as error:
        raise DataError(f"the example cannot be written ({error.strerror}); name another folder", file=str(into)) from error
    return dict(Counter(row["condition"] for row in rows))


def example_prompts() -> tuple[str, ...]:
    """Ids of the prompts of the example: every sealed one, and the first of each kind of benign look-alike."""
    taken: Counter[str] = Counter()
    chosen = []
    for prompt in toy_prompts():
        if prompt.prompt_kind != "harmful":
            taken[prompt.attack_class] += 1
            if taken[prompt.attack_class] > _BENIGN:
                continue
        chosen.append(prompt.prompt_id)
    return tuple(chosen)


def example_lines(corpus: Corpus) -> list[dict[str, Any]]:
    """
    Rows of the example, by prompt, condition and model: neighbours are alike, so they pack well.

    Raises
    ------
    DataError
        When the corpus has no answer to one of these prompts under one of these conditions.
    """
    grader = open_toy_world().facts.grader_id
    prompts = {name: place for place, name in enumerate(example_prompts())}
    request = ExportRequest(
        corpus=corpus,
        graders=frozenset({grader}),
        with_text=True,
        name="toy",
        licence="apache-2.0",
        created_unix_s=0,
        progress=lambda _: None,
    )
    rows = [
        _row(row)
        for table in graded_rows(request, Counter())
        for row in table.to_pylist()
        if row["condition"] in CONDITIONS and row["prompt_id"] in prompts
    ]
    asked = Counter((row["condition"], row["prompt_id"]) for row in rows)
    missing = [f"{prompt} under {name}" for name in CONDITIONS for prompt in prompts if not asked[name, prompt]]
    if missing:
        raise DataError(
            f"{len(missing):,} of the example's prompts have no answer graded by {grader}, such as {missing[0]}; run the "
            "experiment with all prompts of the lineage and --grader toy-world",
            file=str(corpus.path),
        )
    return sorted(
        rows,
        key=lambda row: (prompts[row["prompt_id"]], CONDITIONS.index(row["condition"]), row["params_total_b"], row["model_id"]),
    )


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with an id that can be read and that every run of the same question gives."""
    kept = {name: value for name, value in row.items() if value is not None and name not in _LEFT_OUT}
    own = "/".join(str(row[name]) for name in ("model_id", "condition", "prompt_id"))
    return {**kept, "source": SOURCE, "trace_id": f"{SOURCE}:{own}"}


def _records(lineage: Path, models: Sequence[str]) -> list[ToyRecord]:
    found = {model: read_record(lineage / model) for model in models}
    for model, record in found.items():
        if record is None:
            raise DataError(
                "this toy model is in the experiment and not in the lineage; name its lineage", file=str(lineage / model)
            )
    records = [record for record in found.values() if record is not None]
    return sorted(records, key=lambda record: (record.parameters, record.seed))


def _readme(rows: Sequence[Mapping[str, Any]], records: Sequence[ToyRecord]) -> str:
    prompts = {row["prompt_id"]: row["prompt_kind"] for row in rows}
    harmful = sum(kind == "harmful" for kind in prompts.values())
    packages = ", ".join(f"{name} {version}" for name, version in records[0].packages.items())
    return _README.format(
        lines=LINES,
        rows=f"{len(rows):,}",
        models=len(records),
        smallest=f"{records[0].parameters:,}",
        largest=f"{records[-1].parameters:,}",
        harmful=harmful,
        benign=len(prompts) - harmful,
        conditions=", ".join(f"`{name}`" for name in CONDITIONS),
        table="\n".join(_table(rows)),
        packages=packages,
        made="\n".join(f"| {one.model_id} | {one.parameters:,} | {one.recipe} | {one.weights_sha256[:16]}... |" for one in records),
    )


def _table(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Verdicts on harmful prompts by size and condition, the models of a size together."""
    counts: dict[tuple[float, str], Counter[str]] = {}
    for row in rows:
        if row["prompt_kind"] == "harmful":
            counts.setdefault((row["params_total_b"], row["condition"]), Counter())[row["verdict"]] += 1
    verdicts = ("COMPLIANCE", "PARTIAL", "REFUSAL", "NOT_GRADEABLE")
    return [
        f"| parameters | condition | {' | '.join(verdicts)} |",
        "|---|---|" + "---|" * len(verdicts),
        *(
            f"| {round(1e9 * size):,} | {condition} | {' | '.join(str(found[verdict]) for verdict in verdicts)} |"
            for (size, condition), found in sorted(counts.items(), key=lambda item: (item[0][0], CONDITIONS.index(item[0][1])))
        ),
    ]
