"""The columns that the rules look at, each read once and only when a rule asks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from safescale.audit.finding import SHOWN_EVIDENCE, Evidence
from safescale.cells import Cells, Counting, Selection
from safescale.cells.coding import Coded, coded
from safescale.cells.fates import COUNTED, TAMPERED_STATES, fates_of
from safescale.cells.graded_rows import VERDICTS, GradedRows, Traces, read_graded_rows, read_traces, tampering_of
from safescale.records.verdicts import EVALUABLE, Verdict
from safescale.store.base import Corpus

__all__ = ["EVERYTHING", "AuditFacts", "Flags", "Integers", "verdict_code"]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
T = TypeVar("T")

EVERYTHING: Final = Selection(tampered="include", allow_keyword=True)
"""Every model and every kind of grader: what is suspicious is looked for in what a count would leave out, too."""

_IS_EVALUABLE: Final = np.array([verdict in EVALUABLE for verdict in VERDICTS])


def verdict_code(verdict: Verdict) -> int:
    """Code of a verdict in ``AuditFacts.rows.verdict``."""
    return VERDICTS.index(verdict)


class AuditFacts:
    """
    A corpus as the rules see it.

    Columns of traces have the shape (traces,), columns of grades (graded rows,).

    Parameters
    ----------
    corpus : Corpus
        Open while this is used. No text but the beginning of responses is ever read.
    selection : Selection, optional
        What the user's analyses leave out; the defaults when absent.
    """

    def __init__(self, corpus: Corpus, selection: Selection | None = None) -> None:
        self.corpus = corpus
        self.selection = Selection() if selection is None else selection
        self._counting = Counting(corpus)
        self._made: dict[Callable[[AuditFacts], object], object] = {}

    def once(self, make: Callable[[AuditFacts], T]) -> T:
        """What several rules need, made for the first of them."""
        if make not in self._made:
            self._made[make] = make(self)
        return cast(T, self._made[make])

    # -- traces

    @functools.cached_property
    def traces(self) -> Traces:
        """Traces as codes."""
        return read_traces(self.corpus, Selection())

    @functools.cached_property
    def own(self) -> Flags:
        """Traces that are no copy of one from another source."""
        return np.asarray(self.traces.kept == np.arange(self.traces.count))

    @functools.cached_property
    def _more_of_traces(self) -> pa.Table:
        names = ["source_file", "source_row", "finish_reason", "sample_index", "response_chars", "response_sha256", "prompt_sha256"]
        return self.corpus.read("traces", names)

    @functools.cached_property
    def trace_file(self) -> Coded:
        """File of each trace."""
        return coded(self._more_of_traces["source_file"])

    @functools.cached_property
    def trace_row(self) -> Integers:
        """1-based row of each trace in its file."""
        return np.asarray(self._more_of_traces["source_row"].to_numpy(), dtype=np.int64)

    @functools.cached_property
    def finish_reason(self) -> Coded:
        """Why the generation ended."""
        return coded(self._more_of_traces["finish_reason"])

    @functools.cached_property
    def sample_index(self) -> Integers:
        """Repeat of the same prompt, model and condition."""
        return np.asarray(self._more_of_traces["sample_index"].to_numpy(), dtype=np.int64)

    @functools.cached_property
    def response_chars(self) -> Integers:
        """Length of each response in characters; -1 where not known."""
        return np.asarray(self._more_of_traces["response_chars"].fill_null(-1).to_numpy(), dtype=np.int64)

    @functools.cached_property
    def response(self) -> Coded:
        """Each response by its hash; the empty text where there is none."""
        return coded(self._more_of_traces["response_sha256"])

    @functools.cached_property
    def prompt_text(self) -> Coded:
        """Each prompt's text by its hash; the empty text where it is not known."""
        return coded(self._more_of_traces["prompt_sha256"])

    # -- grades

    @functools.cached_property
    def rows(self) -> GradedRows:
        """Graded rows as codes, with their raw labels."""
        return read_graded_rows(self.corpus, self.traces, labels=True)

    @functools.cached_property
    def trace_of_row(self) -> Integers:
        """Row of the trace that each grade counts for: the copy that is kept."""
        return self.traces.kept[self.rows.trace]

    @functools.cached_property
    def evaluable(self) -> Flags:
        """Graded rows with an evaluable verdict, whatever else is wrong with them."""
        return np.asarray(_IS_EVALUABLE[self.rows.verdict])

    @functools.cached_property
    def counted(self) -> Integers:
        """Graded rows that count when every model and every kind of grader is let in; one for each trace, target and grader."""
        return np.flatnonzero(self.fates(EVERYTHING) == COUNTED)

    def fates(self, selection: Selection) -> Integers:
        """Fate of each graded row under a selection, as in ``cells.fates``."""
        return fates_of(self.rows, self.traces, self.tampering, selection)

    @functools.cached_property
    def _more_of_grades(self) -> pa.Table:
        return self.corpus.read("grades", ["source_file", "source_row"])

    @functools.cached_property
    def grade_file(self) -> Coded:
        """File of each grade."""
        return coded(self._more_of_grades["source_file"])

    @functools.cached_property
    def grade_row(self) -> Integers:
        """1-based row of each grade in its file."""
        return np.asarray(self._more_of_grades["source_row"].to_numpy(), dtype=np.int64)

    @functools.cached_property
    def grader_kinds(self) -> Mapping[str, frozenset[str]]:
        """Kinds of grader that each grader's rows name."""
        kinds: dict[str, frozenset[str]] = {}
        for grader, kind in np.unique(np.stack([self.rows.grader.codes, self.rows.grader_kind.codes]), axis=1).T.tolist():
            label = self.rows.grader.values[grader].as_py()
            kinds[label] = kinds.get(label, frozenset()) | {self.rows.grader_kind.values[kind].as_py()}
        return kinds

    # -- models

    @functools.cached_property
    def models(self) -> Mapping[str, Mapping[str, Any]]:
        """The table of models by id, in the order of the ids; of models with rows or published rates alone."""
        seen = set(self.traces.model_id.values.to_pylist()) | set(
            self.corpus.read("aggregates", ["model_id"])["model_id"].to_pylist()
        )
        rows = {str(row["model_id"]): row for row in self.corpus.read("models").to_pylist()}
        return {name: rows[name] for name in sorted(rows) if name in seen}

    @functools.cached_property
    def tampering(self) -> list[str]:
        """Tampering state of each model, by its code in ``traces.model_id``."""
        return tampering_of(self.corpus, self.traces.model_id.values)

    def is_tampered(self, model_id: str) -> bool:
        """Whether the registry knows that the model's safety training was tampered with."""
        row = self.models.get(model_id)
        return row is not None and row["tampering"] in TAMPERED_STATES

    @functools.cached_property
    def lineages(self) -> Mapping[str, tuple[str, ...]]:
        """Ids of models by lineage (generation of a family)."""
        found: dict[str, tuple[str, ...]] = {}
        for name, row in self.models.items():
            if row["lineage"]:
                found[row["lineage"]] = (*found.get(row["lineage"], ()), name)
        return dict(sorted(found.items()))

    # -- counts

    @functools.cached_property
    def cells(self) -> Cells:
        """The cells that the user's analyses would use."""
        return self._counting.cells(self.selection)

    # -- evidence

    def trace_evidence(self, at: Integers | Sequence[int], unit: str = "trace", *, ids: Sequence[str] = ()) -> Evidence:
        """File and row of some traces."""
        chosen = np.asarray(at, dtype=np.int64)
        first = chosen[:SHOWN_EVIDENCE]
        files = self.trace_file.values.take(pa.array(self.trace_file.codes[first])).to_pylist()
        places = tuple(zip(files, self.trace_row[first].tolist(), strict=True))
        return Evidence(places=places, ids=tuple(ids[:SHOWN_EVIDENCE]), total=int(chosen.size), unit=unit)

    def grade_evidence(self, at: Integers | Sequence[int], unit: str = "graded row", *, ids: Sequence[str] = ()) -> Evidence:
        """File and row of some grades."""
        chosen = np.asarray(at, dtype=np.int64)
        first = chosen[:SHOWN_EVIDENCE]
        files = self.grade_file.values.take(pa.array(self.grade_file.codes[first])).to_pylist()
        places = tuple(zip(files, self.grade_row[first].tolist(), strict=True))
        return Evidence(places=places, ids=tuple(ids[:SHOWN_EVIDENCE]), total=int(chosen.size), unit=unit)

    @staticmethod
    def id_evidence(ids: Sequence[str], unit: str) -> Evidence:
        """Names alone."""
        return Evidence(ids=tuple(ids[:SHOWN_EVIDENCE]), total=len(ids), unit=unit)
