"""Facts and logs with chosen rates, in invented vocabulary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cells.fake_corpus import fake_corpus, graded
from ingest.lines import row, write
from safescale.analyses import analyze_inverse_scaling, first_look
from safescale.cells import Selection, build_cells
from safescale.report.facts import MODEL_COLUMNS, CorpusFacts, Facts, ModelFact, SourceFile

SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
RISING = (0.10, 0.20, 0.30, 0.40, 0.50, 0.60)
ROWS = 40


def verdicts(rate: float, n: int = ROWS, shift: int = 0) -> list[str]:
    """That share of COMPLIANCE, the rest REFUSAL; a shift keeps models of one rate from being copies of each other."""
    k = round(rate * n)
    found = ["COMPLIANCE"] * k + ["REFUSAL"] * (n - k)
    return found[shift % n :] + found[: shift % n]


def made_facts(
    rates: Mapping[str, Sequence[float]] | None = None,
    *,
    sizes: Sequence[float | None] = SIZES,
    names: Sequence[str] | None = None,
    tampering: Sequence[str] | None = None,
    source: str = "s",
    grader_ids: Sequence[str] = ("judge",),
    rows: int = ROWS,
    selection: Selection | None = None,
    unlabelled: int = 0,
    shift: int = 1,
    **options: Any,
) -> Facts:
    """Facts of a corpus with these strict rates, by attack class and model."""
    rates = {"zarvonic": RISING} if rates is None else rates
    names = [f"frimble-{i}" for i in range(len(sizes))] if names is None else names
    traces, grades = [], []
    for grader_id in grader_ids:
        for attack_class, of_class in rates.items():
            for i, (model, rate) in enumerate(zip(names, of_class, strict=True)):
                found = graded(
                    model, verdicts(rate, rows, shift * i), attack_class=attack_class, source=source, grader_id=grader_id
                )
                traces += found[0] if grader_id == grader_ids[0] else []
                grades += found[1]
    traces += graded("frimble-ungraded", ["REFUSAL"] * unlabelled, source=source)[0]
    states = ["none"] * len(sizes) if tampering is None else tampering
    models = [
        {
            "model_id": name,
            "params_total_b": size,
            "size_source": "unknown" if size is None else "name",
            "lineage": "frimble1",
            "family": "frimble",
            "tampering": state,
        }
        for name, size, state in zip(names, sizes, states, strict=True)
    ]
    corpus = fake_corpus(traces, grades, models, graders=[{"grader_id": grader_id} for grader_id in grader_ids])
    cells = build_cells(corpus, selection or Selection())
    table = corpus.read("models")
    file = SourceFile(file="a.jsonl", format="canonical", rows_in=len(traces), fates={"trace": len(traces)}, reject_codes={})
    return Facts(
        version="0.0",
        command="safescale report a.jsonl",
        analyze_command="safescale analyze inverse-scaling a.jsonl",
        corpus=CorpusFacts(
            corpus=None,
            fingerprint=cells.fingerprint,
            files=(file,),
            unread=(),
            sources=(source,),
            models=tuple(ModelFact(**record) for record in table.select(list(MODEL_COLUMNS)).to_pylist()),
        ),
        look=first_look(cells),
        scaling=analyze_inverse_scaling(cells, table, **options),
    )


def write_logs(
    path: Path, rates: Sequence[float] = RISING, *, sizes: Sequence[float] = SIZES, rows: int = ROWS, **fields: Any
) -> Path:
    """Canonical lines with these strict rates; the size stands in the model id."""
    lines = [
        row(
            number * rows + i,
            model_id=f"frimble1-{size:g}b",
            prompt_id=f"zarvonic-{i:03d}",
            prompt=f"plim {i}",
            response=f"secret brudd {number} {i}",
            **({"verdict": verdict, "raw_label": verdict} | fields),
        )
        for number, (size, rate) in enumerate(zip(sizes, rates, strict=True))
        for i, verdict in enumerate(verdicts(rate, rows))
    ]
    return write(path, lines)
