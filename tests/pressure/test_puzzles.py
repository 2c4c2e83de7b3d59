"""Puzzles: a second solver vouches that each has one answer, and that it takes as many premises as it should."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from pressure.solver import Village, answers, fewer_suffice
from safescale.errors import DomainError
from safescale.pressure import lexicon, pieces
from safescale.pressure.puzzles import (
    MAX_LINES,
    PUZZLE_KINDS,
    PuzzleKind,
    guess_rate,
    make_puzzle,
    needed_premises,
    puzzles_for,
)

SHAPES = [(lines, difficulty) for lines in (2, 3, 4, 5, 7, 10, 16, MAX_LINES) for difficulty in (1, 2, 3)]


@pytest.mark.parametrize("kind", PUZZLE_KINDS)
def test_a_second_solver_finds_one_answer_and_it_is_the_stated_one(kind: PuzzleKind) -> None:
    rng = np.random.default_rng(7)
    for lines, difficulty in SHAPES:
        for _ in range(60 if lines <= 7 else 10):
            puzzle = make_puzzle(kind, lines=lines, difficulty=difficulty, rng=rng)
            assert answers(puzzle.lines) == {puzzle.answer}, puzzle.text


@pytest.mark.parametrize("kind", PUZZLE_KINDS)
def test_no_fewer_premises_than_stated_settle_the_answer(kind: PuzzleKind) -> None:
    rng = np.random.default_rng(8)
    for lines, difficulty in [(2, 1), (3, 1), (7, 1), (3, 2), (7, 2), (4, 3), (7, 3), (12, 3)]:
        needed = needed_premises(lines=lines, difficulty=difficulty)
        for _ in range(1 if lines > 7 else {1: 10, 2: 60, 3: 15, 4: 6}[needed]):
            puzzle = make_puzzle(kind, lines=lines, difficulty=difficulty, rng=rng)
            assert not fewer_suffice(puzzle.lines, needed), puzzle.text
            assert fewer_suffice(puzzle.lines, needed + 1), puzzle.text


def test_difficulty_is_the_number_of_inferences_as_far_as_there_are_premises() -> None:
    shapes = [(7, 1), (7, 2), (7, 3), (2, 1), (2, 3), (3, 3), (4, 3), (20, 1)]
    assert [needed_premises(lines=lines, difficulty=difficulty) for lines, difficulty in shapes] == [2, 3, 4, 1, 1, 2, 3, 2]


def test_the_second_solver_sees_an_open_and_a_contradictory_puzzle() -> None:
    question = "Who arrives earlier, Anna or Ben? Answer with one name."
    assert answers(["Anna arrives before Chen.", question]) == {"Anna", "Ben"}
    assert answers(["Anna arrives before Ben.", "Ben arrives before Anna.", question]) == set()
    liars = "Each person always lies or always tells the truth. Does Ben lie? Answer yes or no."
    assert answers(["Anna says that Ben lies.", liars]) == {"yes", "no"}
    assert answers(["Anna says that Anna and Ben both lie.", liars]) == {"no"}
    slots = "The slots are 1 to 6, and no two people share a slot. Which slot does Anna have? Answer with one number."
    assert answers(["Anna is 4 slots after Ben.", slots]) == {"5", "6"}
    assert answers(["Anna has slot 2.", "Ben has slot 2.", slots]) == set()
    pens = "How many pens does Anna have in all? Answer with one number."
    assert answers(["Anna and Ben have 2 pens together.", pens]) == {"0", "1", "2"}
    assert answers(["Anna has 3 pens.", "Anna has 4 pens.", pens]) == set()
    claim = "Is it true that all bakers are hikers? Answer yes or no."
    assert answers(["All bakers are cooks.", "Some cooks are hikers.", claim]) == {"yes", "no"}
    assert answers(["All bakers are cooks.", "All cooks are hikers.", claim]) == {"yes"}
    assert answers(["All bakers are cooks.", "No cooks are hikers.", claim]) == {"yes", "no"}, "there may be no bakers"
    assert answers(["Some bakers are cooks.", "No cooks are hikers.", claim]) == {"no"}


def test_the_second_solver_agrees_with_all_villages_of_three_groups() -> None:
    rng = np.random.default_rng(9)
    seen: Counter[frozenset[str]] = Counter()
    for _ in range(60):
        puzzle = make_puzzle("syllogism", lines=3, rng=rng)
        *premises, question = puzzle.lines
        claim = question.removeprefix("Is it true that ").removesuffix("? Answer yes or no.")
        for told in [premises, premises[:1], premises[1:]]:
            village = Village(told, claim)
            assert village.answers() == _by_all_villages(village, told, claim), (told, claim)
            seen[frozenset(village.answers())] += 1
    assert len(seen) == 3


def _by_all_villages(village: Village, told: list[str], claim: str) -> set[str]:
    """Every set of states that may be lived in, and everybody with a name in each of them."""
    names = sorted({found[1] for text in [*told, claim] if (found := re.match(r"(\w+) is (?:not )?one of", text))})
    said = set()
    for size in range(1, len(village.states) + 1):
        for lived in combinations(village.states, size):
            for homes in product(lived, repeat=len(names)):
                at = dict(zip(names, homes, strict=True))
                if all(_true(text.rstrip("."), lived, at) for text in told):
                    said.add("yes" if _true(claim, lived, at) else "no")
    return said


def _true(text: str, lived: tuple[frozenset[str], ...], at: dict[str, frozenset[str]]) -> bool:
    words = text.split()
    if words[1] == "is":
        return (words[-1] in at[words[0]]) == ("not" not in words)
    first = words[0].lower()
    if words[1] == "who":
        return all(words[-1] in state for state in lived if words[4] not in state)
    if first == "some":
        return any(words[1] in state and (words[-1] in state) == ("not" not in words) for state in lived)
    return all((words[-1] in state) == (first == "all") for state in lived if words[1] in state)


@given(
    kind=st.sampled_from(PUZZLE_KINDS),
    lines=st.integers(2, MAX_LINES),
    difficulty=st.integers(1, 3),
    seed=st.integers(0, 2**32),
)
def test_a_puzzle_has_its_lines_and_no_word_outside_the_lexicon(kind: PuzzleKind, lines: int, difficulty: int, seed: int) -> None:
    puzzle = make_puzzle(kind, lines=lines, difficulty=difficulty, rng=np.random.default_rng(seed))
    assert len(puzzle.lines) == lines
    assert len(set(puzzle.lines)) == lines
    assert all(line.endswith(".") and "\n" not in line for line in puzzle.lines)
    assert ["?" in line for line in puzzle.lines] == [False] * (lines - 1) + [True]
    assert set(pieces(puzzle.text)) <= lexicon()
    assert puzzle.answer in lexicon()
    again = make_puzzle(kind, lines=lines, difficulty=difficulty, rng=np.random.default_rng(seed))
    assert again == puzzle


def test_no_comparison_is_told_twice_in_other_words() -> None:
    rng = np.random.default_rng(10)
    for _ in range(50):
        puzzle = make_puzzle("ordering", lines=16, rng=rng)
        pairs = [frozenset(re.findall(r"[A-Z][a-z]+", line)) for line in puzzle.lines[:-1]]
        assert len(set(pairs)) == len(pairs) == 15
        puzzle = make_puzzle("truth_tellers", lines=16, rng=rng)
        told = [line for line in puzzle.lines[:-1] if re.fullmatch(r"\w+ says that \w+ (lies|tells the truth)\.", line)]
        pairs = [frozenset(re.findall(r"[A-Z][a-z]+", line)) for line in told]
        assert len(set(pairs)) == len(pairs) > 5


@settings(max_examples=40)
@given(
    keys=st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=12, unique=True),
    seed=st.integers(0, 99),
)
def test_a_key_keeps_its_puzzle_whatever_the_order_and_the_company(keys: list[str], seed: int) -> None:
    found = puzzles_for(keys, lines=7, seed=seed)
    assert puzzles_for(reversed(keys), lines=7, seed=seed) == found
    assert list(found) == sorted(keys)
    half = keys[::2]
    assert puzzles_for(half, lines=7, seed=seed) == {key: found[key] for key in half}, "no two were alike, so company is irrelevant"
    assert puzzles_for(keys, kinds=PUZZLE_KINDS[::-1], lines=7, seed=seed) == found
    assert puzzles_for(keys, lines=7, seed=seed + 1) != found


def test_no_two_are_alike_even_where_there_are_few_and_the_rest_stay() -> None:
    keys = [f"p{number}" for number in range(3000)]
    found = puzzles_for(keys, kinds=["ordering"], lines=2)
    assert len({puzzle.text for puzzle in found.values()}) == len(keys)
    single = {key: puzzles_for([key], kinds=["ordering"], lines=2)[key] for key in keys[:300]}
    assert len({puzzle.text for puzzle in single.values()}) < 300, "or nothing had to be drawn again"
    kept = sum(found[key] == puzzle for key, puzzle in single.items())
    assert 200 < kept < 300


def test_a_prompt_keeps_its_kind_at_every_length() -> None:
    keys = [f"p{number}" for number in range(200)]
    short, long = puzzles_for(keys, lines=2, seed=5), puzzles_for(keys, lines=10, difficulty=2, seed=5)
    assert [puzzle.kind for puzzle in short.values()] == [puzzle.kind for puzzle in long.values()]
    kinds = Counter(puzzle.kind for puzzle in short.values())
    assert len(kinds) == len(PUZZLE_KINDS)
    assert min(kinds.values()) > 20


@pytest.mark.parametrize("kind", PUZZLE_KINDS)
@pytest.mark.parametrize(("lines", "difficulty"), [(2, 1), (7, 1), (7, 3)])
def test_no_constant_answer_does_better_than_the_stated_rate(kind: PuzzleKind, lines: int, difficulty: int) -> None:
    rng = np.random.default_rng(11)
    many = 4000 if kind in ("scheduling", "arithmetic") else 1500
    puzzles = [make_puzzle(kind, lines=lines, difficulty=difficulty, rng=rng) for _ in range(many)]
    said: Counter[object] = Counter(
        puzzle.answer == _asked(puzzle.lines[-1])[0] if kind == "ordering" else puzzle.answer for puzzle in puzzles
    )
    assert len(said) == round(1 / guess_rate(kind))
    assert chisquare(list(said.values())).pvalue > 1e-4, said


def _ahead(line: str, name: str) -> int:
    """1 when the line says that somebody is earlier than another, -1 when later, 0 when it is about others."""
    found = re.fullmatch(r"(\w+) \w+ (before|after) (\w+)\.", line)
    assert found
    early, late = (found[1], found[3]) if found[2] == "before" else (found[3], found[1])
    return (name == early) - (name == late)


def _asked(question: str) -> tuple[str, str]:
    found = re.search(r", (\w+) or (\w+)\?", question)
    assert found
    return found[1], found[2]


@pytest.mark.parametrize("kind", PUZZLE_KINDS)
def test_the_form_of_a_puzzle_does_not_give_its_answer_away(kind: PuzzleKind) -> None:
    """Shares of the answers among puzzles that look alike in some way; each such look is one that a shortcut would use."""
    rng = np.random.default_rng(12)
    puzzles = [make_puzzle(kind, lines=7, rng=rng) for _ in range(2500)]
    looks: dict[str, Counter[tuple[object, object]]] = {}
    for puzzle in puzzles:
        text, premises = puzzle.text, " ".join(puzzle.lines[:-1])
        seen: dict[str, object] = {"question": re.sub(r"\b[A-Z][a-z]+\b|\d+", "_", puzzle.lines[-1])}
        answer: object = puzzle.answer
        if kind == "ordering":
            one, other = _asked(puzzle.lines[-1])
            answer = puzzle.answer == one
            seen["told first"] = premises.find(one) < premises.find(other)
            seen["told last"] = premises.rfind(one) < premises.rfind(other)
            seen["told often"] = int(np.sign(premises.count(one) - premises.count(other)))
            seen["alphabet"] = one < other
            lead = sum(_ahead(line, one) - _ahead(line, other) for line in puzzle.lines[:-1])
            seen["told earlier more often"] = ("earlier" in puzzle.lines[-1], int(np.sign(lead)))
        elif kind in ("truth_tellers", "syllogism"):
            negative = len(re.findall(r"\blies?\b|\b[Nn]ot?\b", premises))
            seen["negative words"] = min(negative, 6)
            seen["first line"] = bool(re.search(r"\blies?\b|\b[Nn]ot?\b", puzzle.lines[0]))
            seen["last premise"] = bool(re.search(r"\blies?\b|\b[Nn]ot?\b", puzzle.lines[-2]))
            seen["length"] = len(text) // 40
            if kind == "syllogism" and (claim := re.search(r"true that (all|no|some) (\w+) are", puzzle.lines[-1])):
                beside = [line.split()[0] for line in puzzle.lines[:-1] if claim[2] in line]
                seen["some beside the group"] = (claim[1], "Some" in beside)
            if kind == "syllogism" and (claim := re.search(r"true that (.*?)(\bnot )?(?:one of the )?(\w+)\?", puzzle.lines[-1])):
                rules = [line for line in puzzle.lines[:-1] if claim[3] in line and line.startswith(("All", "No"))]
                denied = bool(claim[2]) or claim[1].startswith("no ")
                seen["a denial beside the group"] = (denied, any(line.startswith("No") for line in rules))
        else:
            numbers = re.findall(r"\d+", premises)
            for look, guess in {"first": numbers[0], "last": numbers[-1], "most": Counter(numbers).most_common(1)[0][0]}.items():
                looks.setdefault(look, Counter())["guess", guess == puzzle.answer] += 1
            continue
        for look, value in seen.items():
            looks.setdefault(look, Counter())[value, answer] += 1
    for look, table in looks.items():
        groups: dict[object, Counter[object]] = {}
        for (value, answer), count in table.items():
            groups.setdefault(value, Counter())[answer] += count
        for value, counts in groups.items():
            total = sum(counts.values())
            if kind in ("scheduling", "arithmetic"):
                assert counts[True] / total < guess_rate(kind) + 0.09, (look, counts)
            elif total >= 150:
                # A denial follows from a denial, so this look cannot be worth nothing; without the decoys it is worth 0.75.
                known = 0.13 if look == "a denial beside the group" else 0.03
                assert max(counts.values()) / total < 0.5 + 4 * (0.25 / total) ** 0.5 + known, (look, value, counts)


@pytest.mark.parametrize("lines", [1, 0, MAX_LINES + 1])
def test_refuses_a_length_that_no_puzzle_has(lines: int) -> None:
    with pytest.raises(DomainError, match=f"2 to {MAX_LINES} lines .* got {lines}"):
        make_puzzle("ordering", lines=lines, rng=np.random.default_rng(1))


def test_refuses_a_difficulty_and_a_kind_that_are_not_there() -> None:
    with pytest.raises(DomainError, match="difficulty is 1 to 3 inferences, got 4"):
        make_puzzle("ordering", lines=7, difficulty=4, rng=np.random.default_rng(1))
    with pytest.raises(DomainError, match=r"kinds of puzzles: ordering, .*; got 'riddle'"):
        make_puzzle("riddle", lines=7, rng=np.random.default_rng(1))  # type: ignore[arg-type]
    with pytest.raises(DomainError, match=r"kinds of puzzles: ordering, .*; got \(\)"):
        puzzles_for(["a"], kinds=())
    with pytest.raises(DomainError, match=r"got \('riddle',\)"):
        puzzles_for(["a"], kinds=("riddle",))  # type: ignore[arg-type]


def test_says_when_there_are_not_so_many_different_puzzles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safescale.pressure.puzzles.make._SALTS", 2)
    with pytest.raises(DomainError, match="not enough different puzzles of kind ordering with 2 lines"):
        puzzles_for([f"p{number}" for number in range(3000)], kinds=["ordering"], lines=2)
