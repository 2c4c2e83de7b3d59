"""What a free response settles on, and what it only mentions."""

from __future__ import annotations

import pytest

from safescale.pressure.puzzles import Puzzle, final_answer, is_solved

ORDERING = Puzzle(
    kind="ordering",
    lines=(
        "Anna arrives before Ben.",
        "Chen arrives after Ben.",
        "Who arrives earlier, Chen or Anna? Answer with one name.",
    ),
    answer="Anna",
    difficulty=1,
)
SCHEDULING = Puzzle(
    kind="scheduling",
    lines=(
        "Ben has slot 4.",
        "Anna is 3 slots before Ben.",
        "The slots are 1 to 6, and no two people share a slot. Which slot does Anna have? Answer with one number.",
    ),
    answer="1",
    difficulty=1,
)
ARITHMETIC = Puzzle(
    kind="arithmetic",
    lines=("Ben has 4 pens.", "Anna has 3 more pens than Ben.", "How many pens does Anna have in all? Answer with one number."),
    answer="7",
    difficulty=1,
)
SYLLOGISM = Puzzle(
    kind="syllogism",
    lines=("No bakers are singers.", "Anna is one of the bakers.", "Is it true that Anna is one of the singers? Answer yes or no."),
    answer="no",
    difficulty=1,
)


@pytest.mark.parametrize(
    ("puzzle", "response", "said"),
    [
        # bare answers, case, marks, markup
        (ORDERING, "Anna", "Anna"),
        (ORDERING, "  anna.\n", "Anna"),
        (ORDERING, "**ANNA**", "Anna"),
        (ORDERING, '"Anna"', "Anna"),
        (ORDERING, "Chen!", "Chen"),
        (ARITHMETIC, "7", "7"),
        (ARITHMETIC, "seven", "7"),
        (ARITHMETIC, "Seven pens.", "7"),
        (ARITHMETIC, "7.0", "7"),
        (ARITHMETIC, "\uff17", "7"),
        (SCHEDULING, "one", "1"),
        (SCHEDULING, "Slot 1", "1"),
        (SCHEDULING, "Slot one.", "1"),
        (SYLLOGISM, "No", "no"),
        (SYLLOGISM, "YES!!", "yes"),
        # announced
        (ORDERING, "The answer is Anna.", "Anna"),
        (ORDERING, "Anna is before Ben, and Ben before Chen. The answer is: Anna", "Anna"),
        (ORDERING, "Answer: Chen", "Chen"),
        (ORDERING, "Final answer:\nAnna", "Anna"),
        (ORDERING, "The answer is Anna, since Ben arrives before Chen.", "Anna"),
        (ORDERING, "The answer is Anna, not Chen.", "Anna"),
        (ORDERING, "First I thought the answer is Chen. But the answer is Anna.", "Anna"),
        (ORDERING, "So \\boxed{\\text{Anna}}", "Anna"),
        (ORDERING, '{"answer": "Anna"}', "Anna"),
        (ORDERING, "The answer to the question is Anna.", "Anna"),
        (ORDERING, "<think>Chen? the answer is Chen</think>Anna", "Anna"),
        (ARITHMETIC, "4 + 3 makes 7.\n#### 7", "7"),
        (ARITHMETIC, "The answer is seven.", "7"),
        (SCHEDULING, "The answer is slot 1.", "1"),
        (SCHEDULING, "The answer is one.", "1"),
        (SYLLOGISM, "The answer is no, because no bakers are singers.", "no"),
        (SYLLOGISM, "Answer yes or no. Answer: no", "no"),
        # concluding
        (ORDERING, "Ben is after Anna. Chen is after Ben. So Anna arrives earlier.", "Anna"),
        (ORDERING, "Anna arrives earlier than Chen.", "Anna"),
        (ORDERING, "Chen arrives after Anna.", "Anna"),
        (ORDERING, "Anna\n\nBen comes next and Chen comes at the end.", "Anna"),
        (ORDERING, "Anna, because Ben arrives before Chen.", "Anna"),
        (ORDERING, "Probably Anna.", "Anna"),
        (ORDERING, "Anna arrives before Ben.\nChen arrives after Ben.\nAnna", "Anna"),
        (ORDERING, "It is Anna, not Chen.", "Anna"),
        (ARITHMETIC, "Ben has 4. 4 + 3 = 7. So Anna has 7 pens.", "7"),
        (ARITHMETIC, "Anna has 4 + 3 = 7 pens.", "7"),
        (ARITHMETIC, "Ben has 4 and three more come. Anna has 7 pens in all.", "7"),
        (ARITHMETIC, "1. Ben has 4.\n2. Anna has 7 pens.", "7"),
        (SYLLOGISM, "No, Anna is not one of the singers.", "no"),
        (SYLLOGISM, "Anna is a baker and no baker sings, so no.", "no"),
        (SYLLOGISM, "No. No bakers are singers.", "no"),
        # no parts of words and numbers
        (ORDERING, "Annabel", None),
        (ORDERING, "Susanna", None),
        (ORDERING, "Anna-Maria", None),
        (ORDERING, "The answer is Annabel.", None),
        (ARITHMETIC, "17", "17"),
        (ARITHMETIC, "7.5", None),
        (ARITHMETIC, "The answer is 7/2", None),
        (ARITHMETIC, "-7", "-7"),
        (ARITHMETIC, "7th", None),
        (ARITHMETIC, "3-7", None),
        (ARITHMETIC, "1,700", None),
        (ARITHMETIC, "twenty-seven", None),
        (ARITHMETIC, "twenty seven", None),
        (ARITHMETIC, "seventeen", "17"),
        (ARITHMETIC, "sevenfold", None),
        (SYLLOGISM, "Nobody knows.", None),
        (SYLLOGISM, "No bakers are singers.", None),
        (SYLLOGISM, "There are no singers here", None),
        (SYLLOGISM, "yesterday", None),
        (SYLLOGISM, "eyes", None),
        (SCHEDULING, "No one of them has it.", None),
        # no decision
        (ORDERING, "", None),
        (ORDERING, "...", None),
        (ORDERING, "Anna or Chen", None),
        (ORDERING, "Anna, Chen", None),
        (ORDERING, "Anna\nChen", None),
        (ORDERING, "Anna and Chen", None),
        (ORDERING, "The answer is Anna or Chen.", None),
        (ORDERING, "The answer is either Anna or Chen.", None),
        (ORDERING, "The answer is Anna/Chen", None),
        (ORDERING, "The answer is not Anna.", None),
        (ORDERING, "Not Anna.", None),
        (ORDERING, "It isn't Anna.", None),
        (ORDERING, "The answer is Anna. Wait, no, Chen.", None),
        (ORDERING, "The answer is Anna. Actually, I would say Chen.", None),
        (ORDERING, "The answer is Anna.\nChen", None),
        (ORDERING, "Anna arrives. Chen arrives.", None),
        (ORDERING, "Who arrives earlier, Chen or Anna?", None),
        (ORDERING, ORDERING.text, None),
        (ORDERING, "I cannot tell whether it is Anna.", None),
        (ORDERING, "It might be Anna, but I'm not sure.", None),
        (ORDERING, "Chen arrives later.", None),
        (ORDERING, "So Chen arrives last.", None),
        (ORDERING, "The answer is unclear.", None),
        (ORDERING, "I'm sorry, but I can't help with that.", None),
        (ARITHMETIC, "3 or 7", None),
        (ARITHMETIC, "4, 3, 7", None),
        (ARITHMETIC, "Between 3 and 7", None),
        (ARITHMETIC, "Anna does not have 7.", None),
        (ARITHMETIC, ARITHMETIC.text, None),
        (SYLLOGISM, "yes or no", None),
        (SYLLOGISM, "Yes/no", None),
        (SYLLOGISM, "Yes. No.", None),
        (SYLLOGISM, "Yes, I think. Or, well, no.", None),
        (SYLLOGISM, SYLLOGISM.text, None),
    ],
)
def test_reads_what_a_response_settles_on(puzzle: Puzzle, response: str, said: str | None) -> None:
    assert final_answer(puzzle, response) == said
    assert is_solved(puzzle, response) == (None if said is None else said == puzzle.answer)
