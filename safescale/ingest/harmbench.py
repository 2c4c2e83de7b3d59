"""Adapter ``harmbench``: completions and results of HarmBench, and the results of its website."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from safescale.ingest.batch import Batch, FormatFacts, Options, Probe
from safescale.ingest.bytes_in import without_compression
from safescale.ingest.gathering import Gathering
from safescale.ingest.harmbench_place import Place, behaviours_beside, companion_of, place_of
from safescale.ingest.harmbench_rows import CaseReader
from safescale.ingest.json_input import json_document
from safescale.records.fates import NoteCode, RejectCode
from safescale.records.rows import RejectedRow

__all__ = ["HarmBench"]

_TEXT: Final = rb'"(?:[^"\\]|\\.)*"'
_EMPTY: Final = rb"(?:" + _TEXT + rb"\s*:\s*\[\s*\]\s*,\s*)*"
_CASES: Final = re.compile(
    rb"^(?:\xef\xbb\xbf)?\s*\{\s*" + _EMPTY + _TEXT + rb'\s*:\s*\[\s*\{\s*(?:"test_case"|"generation"|"label"|"advbench_label")\s*:'
)
_BY_MODEL: Final = re.compile(
    rb"^(?:\xef\xbb\xbf)?\s*\{\s*" + _TEXT + rb"\s*:\s*\{\s*" + _TEXT + rb'\s*:\s*\{\s*(?:"test_case"|"generation")\s*:'
)
_TEST_CASES: Final = re.compile(rb"^(?:\xef\xbb\xbf)?\s*\{\s*(?:" + _TEXT + rb"\s*:\s*\[|\})")
_CSV_COLUMNS: Final = (b"BehaviorID", b"FunctionalCategory", b"SemanticCategory")


class HarmBench:
    """
    Files of HarmBench. A row is a test case: the k-th of all behaviours in the order of the document, from 1.

    Model, attack and experiment stand in the path alone: ``results/{method}/{experiment}/completions/{model}.json`` (and
    ``results`` for what the classifier graded; ``defense_results/{defense}`` in forks: the defence is the condition). The website's
    files, ``{behaviour: {model: {...}}}``, name the method in the file name. Texts of results are cut to 512 tokens of the
    classifier: the whole ones are taken from the completions; without them a text that may be cut is withheld.
    """

    name = "harmbench"
    facts = FormatFacts(
        files="HarmBench results/{method}/{experiment}/{completions,results}/{model}.json, and the results of its website",
        polarity="label: 1 = the behaviour was exhibited (harmful); advbench_label: 1 = no phrase of refusal was found (keyword)",
        outcome_map="binary_harmful; label -1 (the classifier said neither yes nor no) is ERROR",
        denominator="HarmBench divides by all test cases, label -1 and empty answers included, and averages over behaviours; here "
        "the -1 are counted and left out",
        cluster_key="BehaviorID",
        attempts="the test cases of a behaviour are its repeats, in their order; completions and results of one case are one trace",
    )

    def context(self, path: Path) -> str:
        """Path (model, method, experiment, defence), completions and behaviours that are found beside."""
        place = place_of(path)
        beside = [companion_of(path), behaviours_beside(path)]
        return "; ".join([str(place), *(f"{f.name} {_mark(f)}" for f in beside if f is not None)])

    def recognises(self, probe: Probe) -> bool:
        """Behaviours with test cases; ``test_cases.json`` and ``logs.json`` of a run, and the CSV of behaviours, as metadata."""
        if probe.stem.endswith(".csv"):
            header = probe.head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0]
            return all(column in header for column in _CSV_COLUMNS)
        if not probe.stem.endswith(".json"):
            return False
        if _is_side_file(probe.path):
            return _TEST_CASES.match(probe.head) is not None
        return (_CASES.match(probe.head) or _BY_MODEL.match(probe.head)) is not None and b'"test_case"' in probe.head

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """Read a file, with the completions beside it where there are some."""
        into = Gathering(str(path))
        if without_compression(path.name.lower()).endswith(".csv"):
            into.metadata(1)
            yield from into.rest()
            return
        document = json_document(path)
        if isinstance(document, RejectedRow) or not isinstance(document, dict):
            if not isinstance(document, RejectedRow):
                document = RejectedRow.of(0, RejectCode.NOT_AN_OBJECT, expected="an object of behaviours", got=document)
            into.reject(document)
        elif _is_side_file(path):
            for row in range(1, len(document) + 1):
                into.metadata(row)
        else:
            yield from _cases(path, document, options, into)
        into.read(path.stat().st_size)
        yield from into.rest()


def _cases(path: Path, document: dict[str, Any], options: Options, into: Gathering) -> Iterator[Batch]:
    place = place_of(path)
    reader = CaseReader.of(path, place, options)
    row = 0
    for behaviour, cases in document.items():
        listed = _listed(behaviour, cases, place)
        if listed is None:
            row += 1
            expected = "a list of test cases"
            into.reject(RejectedRow.of(row, RejectCode.WRONG_TYPE, expected=expected, got=cases, column=behaviour))
            continue
        for index, (where, case) in enumerate(listed):
            row += 1
            into.take(row, lambda b=behaviour, w=where, i=index, c=case: reader.records(b, i, c, w))  # type: ignore[misc]
            yield from into.full()
    reader.tell(into)
    if place.attack is None:
        into.note(
            NoteCode.COMPANION_MISSING,
            expected="a path .../{method}/{experiment}/completions/{model}.json, which alone says the attack",
            got=f"{path.name}: attack class 'unclassified'",
        )


def _listed(behaviour: str, cases: Any, place: Place) -> list[tuple[Place, Any]] | None:
    """Test cases with the place that each is of; None when there are none to be read."""
    if isinstance(cases, list):
        return [(place, case) for case in cases]
    if isinstance(cases, dict):
        return [(place.of_model(model), case) for model, case in cases.items()]
    return None


def _is_side_file(path: Path) -> bool:
    name = without_compression(path.name.lower())
    inside = path.parent.name == "test_cases" or "test_cases_individual_behaviors" in path.parts
    return name == "test_cases.json" or (inside and name in ("logs.json", "method_config.json"))


def _mark(path: Path) -> str:
    state = path.stat()
    return f"{state.st_size} {state.st_mtime_ns}"
