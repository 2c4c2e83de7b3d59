"""The matcher against a plain loop, and the published lists against what their own code says."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safescale.grade.grader import GRADERS, Item, open_grader
from safescale.grade.keyword.matcher import any_of, phrase_pattern
from safescale.grade.keyword.published import PUBLISHED, PhraseGrader
from safescale.ingest.session import ingest
from safescale.records.outcomes import OUTCOME_MAPS
from safescale.records.verdicts import Verdict
from safescale.store import open_corpus

_PIECE = st.text(st.sampled_from("ab'.* ("), min_size=1, max_size=5)


@given(st.lists(_PIECE, min_size=1, max_size=8), st.text(st.sampled_from("ab'.* (x"), max_size=30))
def test_a_trie_finds_exactly_what_a_loop_over_the_phrases_finds(phrases: list[str], text: str) -> None:
    pattern = any_of(phrases)
    found = pattern.search(text)
    starts = [text.find(phrase) for phrase in phrases if phrase in text]
    assert (found is not None) == bool(starts)
    if found is not None:
        at = min(starts)
        longest = max((phrase for phrase in phrases if text.startswith(phrase, at)), key=len)
        assert found.span() == (at, at + len(longest))


@given(st.lists(_PIECE, min_size=1, max_size=8))
def test_every_phrase_matches_itself_and_nothing_shorter_does(phrases: list[str]) -> None:
    pattern = any_of(phrases)
    assert all(pattern.fullmatch(phrase) for phrase in phrases)
    cut = {phrase[:-1] for phrase in phrases} - set(phrases)
    assert not any(pattern.fullmatch(piece) for piece in cut)


def test_no_phrase_and_an_empty_phrase_are_refused() -> None:
    with pytest.raises(ValueError, match="no phrase"):
        phrase_pattern([])
    with pytest.raises(ValueError, match="empty"):
        phrase_pattern(["a", ""])


def _as_published(name: str, text: str) -> bool:
    """Refused, by a loop written as the published code is."""
    one = PUBLISHED[name]
    if name == "xstest-string-match":
        return text.lower().strip().startswith(one.phrases)
    if name in ("harmbench-strings", "refusal-direction-substrings"):
        return any(phrase.lower() in text.lower() for phrase in one.phrases)
    return any(phrase in text for phrase in one.phrases)


_WORDS = sorted(
    {phrase for one in PUBLISHED.values() for phrase in one.phrases} | {"zorble", "quindle", " ", "\n", "I'M SORRY", "Has an"}
)


@pytest.mark.parametrize("name", PUBLISHED)
@given(pieces=st.lists(st.sampled_from(_WORDS), max_size=4), gap=st.sampled_from(["", " "]))
def test_each_list_says_what_a_loop_over_it_says(name: str, pieces: list[str], gap: str) -> None:
    text = gap.join(pieces)
    (judgement,) = PhraseGrader(PUBLISHED[name]).grade([Item(response=text)])
    assert (judgement.verdict is Verdict.REFUSAL) == _as_published(name, text)
    assert judgement.verdict in (Verdict.REFUSAL, Verdict.COMPLIANCE)


def test_case_counts_where_the_published_code_lets_it_count() -> None:
    said = {name: PhraseGrader(one).grade([Item(response="i cannot zorble")])[0].verdict for name, one in PUBLISHED.items()}
    blind = {name for name, verdict in said.items() if verdict is Verdict.COMPLIANCE}
    assert blind == {"gcg", "advbench-substrings", "jailbreakbench-strings"}


def test_xstest_looks_at_the_start_alone() -> None:
    grader = open_grader("xstest-string-match")
    items = [
        Item(response="  Sorry, no zorble."),
        Item(response="A zorble. Sorry!"),
        Item(response="No. "),
        Item(response="Nobody"),
    ]
    assert [j.raw_label[0] for j in grader.grade(items)] == ["2", "1", "2", "1"]


@pytest.mark.parametrize("name", [name for name, home in GRADERS.items() if ".keyword." in home])
def test_facts_are_those_of_a_keyword_rule(name: str) -> None:
    facts = open_grader(name).facts
    assert facts.kind == "keyword"
    assert facts.grader_id == f"{name}/1"
    assert not facts.sees_prompt
    labels = OUTCOME_MAPS[facts.outcome_map]
    for judgement in open_grader(name).grade(
        [Item(response="I'm sorry, I cannot help with that."), Item(response="A zorble is blue.")]
    ):
        assert labels.verdict(judgement.raw_label) is judgement.verdict


def test_a_response_that_is_not_there_is_no_verdict() -> None:
    for name in PUBLISHED:
        (judgement,) = PhraseGrader(PUBLISHED[name]).grade([Item(response=None)])
        assert judgement.verdict is Verdict.NOT_GRADEABLE


# ---- real data ------------------------------------------------------------------------------------------------------


def _xstest_rows(folder: Path) -> list[dict[str, str]]:
    csv.field_size_limit(1 << 30)
    rows: list[dict[str, str]] = []
    for path in sorted((folder / "xstest").glob("*_streval.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            rows += csv.DictReader(lines)
    return rows


def test_the_published_string_match_column_of_xstest_row_for_row(real_data: Path) -> None:
    rows = _xstest_rows(real_data)
    said = open_grader("xstest-string-match").grade([Item(response=row["completion"]) for row in rows])
    assert len(rows) == 2250
    assert [judgement.raw_label for judgement in said] == [row["strmatch_label"] for row in rows]


def test_the_substring_column_of_refusal_direction_as_far_as_there_is_text(real_data: Path, tmp_path: Path) -> None:
    """Its texts are redacted: what can be held against the rule is what is left of them, and an empty response has no phrase."""
    with open_corpus(tmp_path / "c.db", create=True) as corpus:  # type: ignore[attr-defined]
        ingest([real_data / "refusal_direction"], corpus)
        traces = corpus.read("traces", ["trace_id", "response", "response_chars"]).to_pylist()
        grades = corpus.read("grades", ["trace_id", "grader_id", "verdict"]).to_pylist()
    published = {g["trace_id"]: g["verdict"] for g in grades if g["grader_id"] == "refusal_direction/substring_matching"}
    there = [trace for trace in traces if trace["response"] is not None]
    said = open_grader("refusal-direction-substrings").grade([Item(response=trace["response"]) for trace in there])
    assert [j.verdict.value for j in said] == [published[trace["trace_id"]] for trace in there]
    assert all(published[trace["trace_id"]] == "COMPLIANCE" for trace in traces if trace["response_chars"] == 0)
    assert len(published) == len(traces) == 2500
