"""The conditions of a design: what is put around each prompt, under which name, and what for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

from safescale.errors import DomainError
from safescale.generate import DeclaredModel
from safescale.generate.conditions import Condition
from safescale.pressure.counters import WORDS, TokenCounter, tokenizer_counter
from safescale.pressure.puzzles import Puzzle
from safescale.pressure.transforms import NeutralBefore, PuzzleAfter, PuzzleAlone, PuzzleBefore, PuzzleSet, Template
from safescale.studies.dilution.design import DilutionDesign
from safescale.studies.dilution.outcomes import AskedCondition

__all__ = ["DilutionCondition", "counter_of", "dilution_conditions", "puzzles_of"]


@attrs.frozen(kw_only=True)
class DilutionCondition:
    """A condition as the analysis knows it, and as it is put to a model."""

    asked: AskedCondition
    condition: Condition


def counter_of(models: Sequence[DeclaredModel]) -> TokenCounter:
    """
    The tokenizer of the first model where that is a local folder of Hugging Face; else words and marks.

    Tokenizers differ: neutral prose is of equal length in the tokens of one of them, and what each engine counted is in the result.

    Raises
    ------
    DataError
        When the folder's tokenizer cannot be read.
    """
    for model in models[:1]:
        folder = Path(model.spec.tokenizer or model.spec.model)
        if any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer_config.json")):
            return tokenizer_counter(folder, fallback=WORDS)
    return WORDS


def dilution_conditions(
    design: DilutionDesign, prompt_ids: Sequence[str], counter: TokenCounter, *, frame: Condition | None = None
) -> tuple[DilutionCondition, ...]:
    """
    Every condition of a design, the baseline first.

    Each prompt has one puzzle of each length, the same for every model, so that models and conditions are paired by prompt. The
    puzzle alone has ``prompt_kind`` benign: it asks for nothing harmful and enters no attack success rate.

    Parameters
    ----------
    design : DilutionDesign
        Lengths, sorts, controls and templates.
    prompt_ids : sequence of str
        Prompts of the whole set, in an order of their own: which puzzle a prompt has does not depend on how many are asked.
    counter : TokenCounter
        What counts the tokens of neutral prose.
    frame : Condition, optional
        System prompt and prefill that stand around every condition.

    Raises
    ------
    DomainError
        For a template whose name another condition has.
    """
    puzzles = {lines: _puzzles(design, lines, prompt_ids) for lines in design.all_lines}
    main = puzzles[design.lines]
    made = [_made("baseline", "baseline", frame, None)]
    for lines, those in puzzles.items():
        made.append(_made(f"puzzle-{lines}", "puzzle", frame, PuzzleBefore(those), lines=lines, main=lines == design.lines))
    if design.controls:
        neutral = NeutralBefore.of(main, counter=counter)
        made.append(_made(f"neutral-{design.lines}", "neutral", frame, neutral, lines=design.lines))
        made.append(_made(f"appended-{design.lines}", "appended", frame, PuzzleAfter(main), lines=design.lines))
        made.append(_made(f"alone-{design.lines}", "alone", frame, PuzzleAlone(main), lines=design.lines, prompt_kind="benign"))
    made += [_made(name, "template", frame, Template(text)) for name, text in design.templates]
    names = [one.asked.name for one in made]
    for name in names:
        if names.count(name) > 1:
            raise DomainError(f"two conditions are called {name!r}; give the template of that name another")
    return tuple(made)


def puzzles_of(conditions: Sequence[DilutionCondition]) -> Callable[[str], Puzzle] | None:
    """The puzzle that each prompt id has in the condition that asks it alone; None where no condition does."""
    for one in conditions:
        if one.asked.role == "alone" and isinstance(one.condition.transform, PuzzleAlone):
            return one.condition.transform.puzzles.__getitem__
    return None


def _puzzles(design: DilutionDesign, lines: int, prompt_ids: Sequence[str]) -> PuzzleSet:
    return PuzzleSet.of(prompt_ids, kinds=design.kinds, lines=lines, difficulty=design.difficulty, seed=design.puzzle_seed)


def _made(
    name: str,
    role: Any,
    frame: Condition | None,
    transform: Any,
    *,
    lines: int | None = None,
    main: bool = False,
    prompt_kind: str | None = None,
) -> DilutionCondition:
    return DilutionCondition(
        asked=AskedCondition(name=name, role=role, lines=lines, main=main),
        condition=Condition(
            name=name,
            system=None if frame is None else frame.system,
            prefill=None if frame is None else frame.prefill,
            transform=transform,
            prompt_kind=prompt_kind,
        ),
    )
