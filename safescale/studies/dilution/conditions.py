"""The conditions of a design: what is put around each prompt, under which name, and what for."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

from safescale.errors import DomainError
from safescale.generate import DeclaredModel
from safescale.generate.conditions import Condition
from safescale.pressure.puzzles import Puzzle
from safescale.pressure.transforms import NeutralBefore, PuzzleAfter, PuzzleAlone, PuzzleBefore, Template
from safescale.studies.dilution.design import DilutionDesign
from safescale.studies.dilution.outcomes import AskedCondition

__all__ = ["DilutionCondition", "TokenCounter", "dilution_conditions", "puzzles_of", "token_counter"]


@attrs.frozen(kw_only=True)
class TokenCounter:
    """
    What counts the tokens to which neutral prose is cut.

    Parameters
    ----------
    words : str
        Whose tokens, in words; part of the condition's identity.
    count : callable
        Tokens of a text.
    """

    words: str
    count: Callable[[str], int] = attrs.field(repr=False, eq=False)


@attrs.frozen(kw_only=True)
class DilutionCondition:
    """A condition as the analysis knows it, and as it is put to a model."""

    asked: AskedCondition
    condition: Condition


def token_counter(models: Sequence[DeclaredModel]) -> TokenCounter:
    """
    The tokenizer of the first model where that is a local folder of Hugging Face and transformers is installed; else words.

    Tokenizers differ: neutral prose is of equal length in the tokens of one of them, and what each engine counted is in the result.

    Raises
    ------
    DomainError
        When the folder's tokenizer cannot be read.
    """
    first = next(iter(models), None)
    named = None if first is None else first.spec.tokenizer or first.spec.model
    if first is None or named is None or not (Path(named) / "tokenizer_config.json").is_file():
        return TokenCounter(words="words", count=_words)
    if importlib.util.find_spec("transformers") is None:
        return TokenCounter(words="words (transformers is not installed)", count=_words)
    tokenizer = _tokenizer(Path(named))

    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False))

    return TokenCounter(words=f"tokens of {first.model_id}", count=count)


def _words(text: str) -> int:
    return len(text.split())


def _tokenizer(folder: Path) -> Any:
    transformers = importlib.import_module("transformers")
    try:
        return transformers.AutoTokenizer.from_pretrained(str(folder))
    except (OSError, ValueError, KeyError) as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DomainError(f"the tokenizer of {folder} cannot be read ({words}); mend the folder, or put another model first") from error


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
    puzzles = {lines: _puzzle_arguments(design, lines, prompt_ids) for lines in design.all_lines}
    main = puzzles[design.lines]
    made = [_made("baseline", "baseline", frame, None)]
    for lines, arguments in puzzles.items():
        made.append(_made(f"puzzle-{lines}", "puzzle", frame, PuzzleBefore(**arguments), lines=lines, main=lines == design.lines))
    if design.controls:
        neutral = NeutralBefore(before=PuzzleBefore(**main), count=counter.count, counter=counter.words)
        made.append(_made(f"neutral-{design.lines}", "neutral", frame, neutral, lines=design.lines))
        made.append(_made(f"appended-{design.lines}", "appended", frame, PuzzleAfter(**main), lines=design.lines))
        made.append(
            _made(f"alone-{design.lines}", "alone", frame, PuzzleAlone(**main), lines=design.lines, prompt_kind="benign")
        )
    made += [_made(name, "template", frame, Template(text=text)) for name, text in design.templates]
    names = [one.asked.name for one in made]
    for name in names:
        if names.count(name) > 1:
            raise DomainError(f"two conditions are called {name!r}; give the template of that name another")
    return tuple(made)


def puzzles_of(conditions: Sequence[DilutionCondition]) -> Callable[[str], Puzzle] | None:
    """The puzzle that each prompt id has in the condition that asks it alone; None where no condition does."""
    for one in conditions:
        if one.asked.role == "alone" and isinstance(one.condition.transform, PuzzleAlone):
            return one.condition.transform.puzzle
    return None


def _puzzle_arguments(design: DilutionDesign, lines: int, prompt_ids: Sequence[str]) -> dict[str, Any]:
    return {"lines": lines, "kinds": design.kinds, "difficulty": design.difficulty, "seed": design.puzzle_seed}


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
