"""Sheets that came back from raters, checked against their key: what is wrong is named by file, row and column."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs

from safescale.errors import DataError
from safescale.grade.key import find_key, read_key
from safescale.grade.sample import Sample
from safescale.grade.sheet import LABELS
from safescale.records.verdicts import Verdict, canonical_verdict

__all__ = ["HumanLabels", "LabelledTrace", "read_labels"]

_SHOWN: Final = 3


@attrs.frozen(kw_only=True)
class LabelledTrace:
    """What each rater said of one trace; None where a rater left it empty."""

    sample_id: str
    trace_id: str
    stratum: int
    labels: tuple[Verdict | None, ...]


@attrs.frozen(kw_only=True)
class HumanLabels:
    """
    The labels of a sample.

    Attributes
    ----------
    sample : Sample
        Its key.
    raters : tuple of str
        One per sheet, by file name.
    traces : tuple of LabelledTrace
        Every trace of the sample, in the order of the sheet.
    labelled : tuple of int
        Traces that each rater labelled.
    skipped : tuple of int
        Of those that a rater left empty, how many lie before one that was labelled: they may have been left out for a reason.
    """

    sample: Sample
    raters: tuple[str, ...]
    traces: tuple[LabelledTrace, ...]
    labelled: tuple[int, ...]
    skipped: tuple[int, ...]


def read_labels(sheets: Sequence[Path], *, key: Path | None = None) -> HumanLabels:
    """
    Read sheets of one sample, one rater each.

    Parameters
    ----------
    sheets : sequence of Path
        CSV or JSONL, as ``write_sample`` wrote it, with labels filled in; further columns are ignored.
    key : Path, optional
        The key; without it the one beside the first sheet.

    Returns
    -------
    HumanLabels
        Every row of the sample, labelled or not.

    Raises
    ------
    DataError
        For a label that is none, an id that is not of this sample or stands twice, a row that is missing, or no label at all.
    """
    if not sheets:
        raise DataError("no sheet with labels was named")
    sample = read_key(key or find_key(sheets[0]))
    columns = [_read_sheet(path, sample) for path in sheets]
    order = [trace.sample_id for trace in sample.traces]
    for path, labels in zip(sheets, columns, strict=True):
        if not any(labels.values()):
            raise DataError("no row of this sheet has a label yet", file=str(path), column="label")
    last = [max(at for at, name in enumerate(order) if labels[name] is not None) for labels in columns]
    return HumanLabels(
        sample=sample,
        raters=tuple(path.name for path in sheets),
        traces=tuple(
            LabelledTrace(
                sample_id=trace.sample_id,
                trace_id=trace.trace_id,
                stratum=trace.stratum,
                labels=tuple(labels[trace.sample_id] for labels in columns),
            )
            for trace in sample.traces
        ),
        labelled=tuple(sum(label is not None for label in labels.values()) for labels in columns),
        skipped=tuple(sum(labels[name] is None for name in order[:end]) for labels, end in zip(columns, last, strict=True)),
    )


def _read_sheet(path: Path, sample: Sample) -> dict[str, Verdict | None]:
    known = {trace.sample_id for trace in sample.traces}
    found: dict[str, Verdict | None] = {}
    problems: list[DataError] = []

    def wrong(message: str, row: int, column: str, expected: str, got: str) -> None:
        problems.append(DataError(message, file=str(path), row=row, column=column, expected=expected, got=repr(got[:60])))

    for row, sample_id, label in _rows(path):
        if sample_id not in known:
            wrong("this row is of no trace of the sample: the id was changed, or the key is of another sample", row, "sample_id",
                  f"one of the {len(known)} ids of the key", sample_id)  # fmt: skip
            continue
        if sample_id in found:
            wrong("this trace stands twice in the sheet", row, "sample_id", "each id once", sample_id)
            continue
        verdict = canonical_verdict(label) if label else None
        if label and verdict not in LABELS:
            wrong("this is no label", row, "label", " | ".join(LABELS), label)
        found[sample_id] = verdict if verdict in LABELS else None
    missing = [trace.sample_id for trace in sample.traces if trace.sample_id not in found]
    if missing and not problems:
        raise DataError(
            f"{len(missing)} of {len(known)} rows of the sample are not in this sheet; put them back with an empty label "
            f"(a row that was taken out for being hard to judge makes the others unlike the whole)",
            file=str(path),
            column="sample_id",
            expected=", ".join(missing[:_SHOWN]) + (", ..." if len(missing) > _SHOWN else ""),
            got="no such row",
        )
    if problems:
        first = problems[0]
        more = "".join(f"; row {p.row}, column {p.column!r}: got {p.got}" for p in problems[1 : _SHOWN + 1])
        rest = len(problems) - 1 - _SHOWN
        words = f"{len(problems)} rows are wrong; the first" if len(problems) > 1 else "1 row is wrong"
        raise DataError(
            f"{words}: {str(first).partition(' [')[0]}{more}{f'; and {rest} more' if rest > 0 else ''}",
            file=first.file,
            row=first.row,
            column=first.column,
            expected=first.expected,
            got=first.got,
        )
    return found


def _rows(path: Path) -> Iterator[tuple[int, str, str]]:
    """Row (line of a CSV counted with its header), id and label, blanks cut off."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"the labels cannot be read ({error.strerror})", file=str(path)) from error
    except UnicodeDecodeError as error:
        raise DataError("the labels are not UTF-8; save the sheet as 'CSV UTF-8'", file=str(path)) from error
    yield from _json_rows(path, text) if text.lstrip().startswith("{") else _csv_rows(path, text)


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, str, str]]:
    head = text.partition("\n")[0]
    # spreadsheets of some countries write semicolons
    delimiter = max(",;\t", key=head.count)
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    # spreadsheets and people change blanks and case in a heading
    reader.fieldnames = [str(name).strip().casefold() for name in reader.fieldnames or ()]
    for column in ("sample_id", "label"):
        if column not in (reader.fieldnames or ()):
            raise DataError(
                "a column is missing; take the sheet as `safescale grade sample` wrote it",
                file=str(path),
                row=1,
                column=column,
                expected="sample_id, prompt, response, label",
                got=", ".join(reader.fieldnames or ["nothing"]),
            )
    for row, line in enumerate(reader, start=2):
        sample_id, label = (line["sample_id"] or "").strip(), (line["label"] or "").strip()
        if sample_id or label:
            yield row, sample_id, label


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, str, str]]:
    for row, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            raise DataError(f"this line is not JSON ({error})", file=str(path), row=row) from error
        if not isinstance(value, dict) or not isinstance(value.get("sample_id"), str):
            raise DataError(
                "this line has no sample_id", file=str(path), row=row, column="sample_id", expected="a text", got=line[:60]
            )
        label = value.get("label")
        if label is not None and not isinstance(label, str):
            raise DataError("a label is a word", file=str(path), row=row, column="label", expected="a text", got=repr(label)[:60])
        yield row, value["sample_id"].strip(), (label or "").strip()
