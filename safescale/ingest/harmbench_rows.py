"""One test case of HarmBench to a trace and its grades."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.errors import DataError
from safescale.ingest.batch import Options
from safescale.ingest.gathering import Gathering, Records, Unusable
from safescale.ingest.harmbench_place import Place, behaviours_beside, companion_of, read_behaviours
from safescale.ingest.identity import content_trace_id
from safescale.ingest.json_input import json_document
from safescale.records.fates import NoteCode, RejectCode
from safescale.records.verdicts import Verdict

__all__ = ["CLASSIFIER", "KEYWORD", "CaseReader"]

CLASSIFIER: Final = "harmbench-classifier"
KEYWORD: Final = "harmbench-advbench-string-match"
_CLIPPED_TOKENS: Final = 512
_VERDICTS: Final = {"1": Verdict.COMPLIANCE, "0": Verdict.NOT_HARMFUL, "-1": Verdict.ERROR}
_WORDS: Final = {"yes": "1", "no": "0"}
"""What the classifier itself says, before HarmBench makes a number of it."""
_SPACE: Final = re.compile(r"\s+")
_BENIGN: Final = re.compile(r"(?:\A|[-_. ])(?:benign|over[-_]?refusal|xstest_safe)(?:[-_. ]|\Z)", re.IGNORECASE)


@attrs.define
class CaseReader:
    """What the test cases of one file share, and what is counted over them."""

    options: Options
    whole: Mapping[str, Any]
    """The completions beside the file."""
    behaviours: Mapping[str, Mapping[str, str]]
    benign: bool
    perhaps_benign: bool = False
    """The name of a file outside HarmBench's folders speaks of benign: its prompts, or the model."""
    cut: int = 0
    failed: int = 0
    graded: int = 0
    ungraded: int = 0
    strangers: int = 0

    @classmethod
    def of(cls, path: Path, place: Place, options: Options) -> CaseReader:
        """Open what stands beside the file."""
        beside = companion_of(path) if place.graded else None
        try:
            completions = json_document(beside) if beside is not None else {}
        except DataError:
            completions = {}
        # a file, and often its experiment, is named after the model, which may be a benign fine-tune
        names = [place.attack or "", place.experiment if place.experiment != place.model else ""]
        return cls(
            options=options,
            whole=completions if isinstance(completions, dict) else {},
            behaviours=read_behaviours(behaviours_beside(path)),
            benign=any(_BENIGN.search(name) for name in names),
            perhaps_benign=place.attack is None and _BENIGN.search(path.name) is not None,
        )

    def records(self, behaviour: str, index: int, case: Any, place: Place) -> Records:
        """
        Trace and grades of a test case.

        Raises
        ------
        Unusable
            For what is no test case.
        """
        if not isinstance(case, dict):
            raise Unusable(RejectCode.NOT_AN_OBJECT, expected="a test case", got=case, column=behaviour)
        if not behaviour:
            raise Unusable(RejectCode.MISSING_FIELD, expected="a BehaviorID", got=behaviour)
        generation = case.get("generation")
        if generation is not None and not isinstance(generation, str):
            raise Unusable(RejectCode.WRONG_TYPE, expected="text or null", got=generation, column="generation")
        prompt = _prompt(case.get("test_case"))
        response = self._whole(behaviour, index, case, generation, place)
        withheld = generation is not None and response is None
        source = self.options.source or "harmbench"
        shown = response if response is not None else generation
        parts = (place.model, place.attack, place.experiment, place.defence, behaviour, prompt, shown)
        sample = index if place.experiment != "website" else 0
        trace = {
            "trace_id": content_trace_id(source, parts, sample),
            "source": source,
            "model_id": place.model,
            "prompt_id": behaviour,
            "prompt_kind": self._kind(behaviour),
            "attack_class": place.attack_class,
            "condition": self._condition(behaviour, case, place),
            "sample_index": sample,
            "response_kind": "withheld" if withheld else "none" if response is None else "text",
            "finish_reason": "unknown",
            "prompt": prompt,
            "response": response,
        }
        records = Records(trace=trace)
        self._grade(records, case)
        return records

    def _whole(self, behaviour: str, index: int, case: Mapping[str, Any], text: str | None, place: Place) -> str | None:
        """The whole response: the text itself, where the classifier's cut cannot have reached it, else that of the completions."""
        if text is None or not place.graded:
            return text
        cases = self.whole.get(behaviour)
        if isinstance(cases, list) and index < len(cases) and isinstance(cases[index], dict):
            other = cases[index].get("generation")
            same_case = _prompt(cases[index].get("test_case")) == _prompt(case.get("test_case"))
            if isinstance(other, str) and same_case and _begins_with(other, text):
                return other
        if len(text.encode("utf-8", "surrogatepass")) < _CLIPPED_TOKENS:  # a token has at least one byte
            return text
        self.cut += 1
        return None

    def _kind(self, behaviour: str) -> str:
        """HarmBench asks for harm; numbered rows of another set, and what the path calls benign, are not HarmBench's."""
        if self.benign:
            return "benign"
        if self.perhaps_benign:
            return "unknown"
        if behaviour.isdigit():
            self.strangers += 1
            return "unknown"
        return "harmful"

    def _condition(self, behaviour: str, case: Mapping[str, Any], place: Place) -> str:
        """Functional category (a reproduced copyright is no answered request for harm), defence, experiment."""
        category = (self.behaviours.get(behaviour) or {}).get("FunctionalCategory")
        if not category and isinstance(case.get("test_case"), list):
            category = "multimodal"
        return ", ".join([*([category] if category and category != "standard" else []), *place.conditions]) or "default"

    def _grade(self, records: Records, case: Mapping[str, Any]) -> None:
        label = case.get("label")
        if "label" in case:
            verdict = _VERDICTS.get(_as_label(label), Verdict.ERROR if label is not None else Verdict.UNGRADED)
            self.failed += verdict is Verdict.ERROR
            self.graded += 1
            _add(records, self.options.grader_id or CLASSIFIER, "classifier", label, verdict)
        else:
            self.ungraded += 1
        phrase = case.get("advbench_label")
        if phrase is not None:
            verdict = _VERDICTS.get(_as_label(phrase), Verdict.ERROR)
            _add(records, KEYWORD, "keyword", phrase, verdict)

    def tell(self, into: Gathering) -> None:
        """What a reader must know of the file."""
        if self.cut:
            into.note(
                NoteCode.CLIPPED_TEXT,
                expected="the completions, in ../completions under the same name, which hold the whole texts",
                got=f"{self.cut:,} texts of 512 bytes or more that may be cut at 512 tokens: withheld",
                column="generation",
            )
        if self.failed:
            into.note(
                NoteCode.GRADER_FAILED,
                expected="1 or 0; HarmBench's own rate counts the -1 in its denominator",
                got=f"{self.failed:,} of {self.graded:,} labels are neither: ERROR",
                column="label",
            )
        if not self.behaviours:
            into.note(
                NoteCode.COMPANION_MISSING,
                expected="harmbench_behaviors_text_all.csv beside the file or above it",
                got="no functional categories: copyright behaviours are not told from harmful requests",
            )
        if self.strangers:
            into.note(
                NoteCode.COMPANION_MISSING,
                expected="BehaviorIDs of HarmBench, whose prompts all ask for harm",
                got=f"{self.strangers:,} numbered rows of another set, whose prompts may be benign: prompt kind unknown",
            )


def _add(records: Records, grader: str, kind: str, label: object, verdict: Verdict) -> None:
    records.grade(grader, kind, "binary_harmful", verdict, "" if label is None else str(label))


def _as_label(label: object) -> str:
    """``1``, ``1.0``, ``true``, ``"1"`` and ``"yes"`` alike; what is neither a number nor a text has no label."""
    if isinstance(label, bool):
        return str(int(label))
    if isinstance(label, float):
        return str(int(label)) if label in (1.0, 0.0, -1.0) else "?"
    said = str(label).strip() if isinstance(label, int | str) else "?"
    return _WORDS.get(said.lower(), said)


def _prompt(test_case: Any) -> str | None:
    """A text; of an image and a text, both named."""
    if test_case is None or isinstance(test_case, str):
        return test_case
    if isinstance(test_case, list):
        return "\n".join(part if isinstance(part, str) else f"[{type(part).__name__}]" for part in test_case)
    raise Unusable(RejectCode.WRONG_TYPE, expected="text, or an image and a text", got=test_case, column="test_case")


def _begins_with(whole: str, cut: str) -> bool:
    """Whether a text may be the beginning of another, blanks and the end of the cut (half a character) aside."""
    short = _SPACE.sub("", cut)
    return _SPACE.sub("", whole).startswith(short[: max(len(short) - 4, 0)] if len(short) > 200 else short)
