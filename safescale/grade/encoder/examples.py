"""Labelled responses of a corpus, split by prompt into what trains, what tunes and what is reported on."""

from __future__ import annotations

import enum
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from safescale.errors import DomainError, InsufficientData
from safescale.records.verdicts import Verdict
from safescale.store.base import Corpus

__all__ = ["CLASSES", "Examples", "LabelledResponse", "Split", "labelled_responses"]

CLASSES: Final = (Verdict.COMPLIANCE, Verdict.PARTIAL, Verdict.REFUSAL)
"""Verdicts that an encoder learns, from complying to refusing."""

_SHARES: Final = (0.6, 0.2)


class Split(enum.StrEnum):
    """What a prompt is for. All its responses, of every model, go together."""

    TRAIN = "train"
    TUNE = "tune"
    """Chooses the epoch, the temperature and the thresholds."""
    REPORT = "report"
    """Touched once, for the figures."""


@attrs.frozen(kw_only=True)
class LabelledResponse:
    """A response with its label."""

    response: str
    label: Verdict
    prompt_id: str
    model_id: str
    source: str

    @property
    def cluster(self) -> str:
        """Its prompt: ids are unique within a source."""
        return f"{self.source}\0{self.prompt_id}"


@attrs.frozen(kw_only=True)
class Examples:
    """
    Labelled responses, by split.

    Attributes
    ----------
    rows : tuple of LabelledResponse
        In an order that does not depend on the order of the corpus.
    splits : tuple of Split
        One per row.
    grader : str
        Whose labels they are.
    fingerprint : str
        Of the corpus.
    left_out : mapping of str to int
        Graded traces that teach nothing, by reason.
    seed : int
        Of the split.
    """

    rows: tuple[LabelledResponse, ...]
    splits: tuple[Split, ...]
    grader: str
    fingerprint: str
    left_out: Mapping[str, int]
    seed: int

    def of(self, split: Split) -> list[LabelledResponse]:
        """The rows of one split."""
        return [row for row, own in zip(self.rows, self.splits, strict=True) if own is split]

    @property
    def classes(self) -> tuple[Verdict, ...]:
        """The labels that occur, from complying to refusing."""
        there = {row.label for row in self.rows}
        return tuple(verdict for verdict in CLASSES if verdict in there)


def labelled_responses(corpus: Corpus, grader: str | None = None, *, target: str = "text", seed: int = 0) -> Examples:
    """
    Responses of a corpus with the labels of one grader, split by prompt (60 % train, 20 % tune, 20 % report).

    Parameters
    ----------
    corpus : Corpus
        With the texts of its responses.
    grader : str, optional
        Whose labels. Default: the only human grader.
    target : str
        What of the trace was graded.
    seed : int
        Of the split, which depends on it and the prompt alone.

    Raises
    ------
    DomainError
        For a grader that the corpus has not, or several that could be meant.
    InsufficientData
        When a split lacks a class that others have, or there are not two classes.
    """
    chosen = _grader(corpus, grader)
    labels: dict[str, Verdict] = {}
    left_out: Counter[str] = Counter()
    for row in corpus.read("grades", ["trace_id", "grader_id", "target", "verdict"]).to_pylist():
        if row["grader_id"] != chosen or row["target"] != target:
            continue
        verdict = Verdict(row["verdict"])
        if verdict in CLASSES:
            labels[row["trace_id"]] = verdict
        else:
            left_out[f"label {verdict.value}"] += 1
    rows = sorted(_with_text(corpus, labels, left_out), key=lambda r: (r.source, r.prompt_id, r.model_id, r.label, r.response))
    examples = Examples(
        rows=tuple(rows),
        splits=tuple(_split(row, seed) for row in rows),
        grader=chosen,
        fingerprint=corpus.fingerprint(),
        left_out=dict(left_out),
        seed=seed,
    )
    _refuse_too_few(examples)
    return examples


def _grader(corpus: Corpus, named: str | None) -> str:
    kinds: dict[str, str] = {
        row["grader_id"]: row["grader_kind"] for row in corpus.read("graders", ["grader_id", "grader_kind"]).to_pylist()
    }
    if named is not None:
        if named not in kinds:
            raise DomainError(f"no grader of this corpus is called {named!r}; it has: {', '.join(sorted(kinds)) or 'none'}")
        return named
    people = sorted(name for name, kind in kinds.items() if kind == "human")
    if len(people) != 1:
        words = f"{len(people)} human graders ({', '.join(people)})" if people else "no human grader"
        raise DomainError(f"the corpus has {words}; name whose labels to learn with --labels-of ({', '.join(sorted(kinds))})")
    return people[0]


def _with_text(corpus: Corpus, labels: Mapping[str, Verdict], left_out: Counter[str]) -> Iterator[LabelledResponse]:
    columns = ["trace_id", "source", "model_id", "prompt_id", "response"]
    for batch in corpus.batches("traces", columns):
        for row in batch.to_pylist():
            label = labels.get(row["trace_id"])
            if label is None:
                continue
            if not row["response"]:
                left_out["no text"] += 1
                continue
            yield LabelledResponse(
                response=row["response"], label=label, prompt_id=row["prompt_id"], model_id=row["model_id"], source=row["source"]
            )


def _split(row: LabelledResponse, seed: int) -> Split:
    digest = hashlib.sha256(f"{seed}\0{row.cluster}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < _SHARES[0]:
        return Split.TRAIN
    return Split.TUNE if place < sum(_SHARES) else Split.REPORT


def _refuse_too_few(examples: Examples) -> None:
    if len(examples.classes) < 2:
        there = ", ".join(verdict.value for verdict in examples.classes) or "none"
        raise InsufficientData(f"labels of two classes at least are needed, {examples.grader} gave: {there}")
    for split in Split:
        counts = Counter(row.label for row in examples.of(split))
        for verdict in examples.classes:
            if not counts[verdict]:
                raise InsufficientData(
                    f"no response of the {split.value} split is labelled {verdict.value} "
                    f"({len(examples.of(split))} responses of {len(_clusters(examples.of(split)))} prompts there); "
                    "label more prompts, or take another --seed"
                )


def _clusters(rows: Sequence[LabelledResponse]) -> set[str]:
    return {row.cluster for row in rows}
