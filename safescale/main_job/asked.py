"""What is read and what is asked, and the arguments of a command that reads and asks the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs

from safescale.cells import Selection
from safescale.errors import DomainError
from safescale.example import EXAMPLES
from safescale.ingest.batch import Options
from safescale.records.outcomes import Tier
from safescale.report.switches import selection_arguments

__all__ = ["Correcting", "Input", "Question"]


@attrs.frozen(kw_only=True)
class Input:
    """
    What is read: one corpus, or logs with what the user says about them.

    ``paths`` empty stands for the bundled example that ``example`` names. ``cells`` is a file of counts in place of rows.
    """

    paths: tuple[Path, ...] = ()
    example: str = EXAMPLES[0]
    options: Options = attrs.field(factory=Options)
    format: str | None = None
    cells: Path | None = None

    def arguments(self) -> list[str]:
        """The arguments of a command that read the same."""
        options, default = self.options, Options()
        given = {
            "--example": None if self.example == EXAMPLES[0] else self.example,
            "--cells": self.cells,
            "--from": self.format,
            "--map": options.column_map,
            "--source": options.source,
            "--grader-id": options.grader_id,
            "--outcome-map": options.outcome_map,
            "--hallucination-refusal": None
            if options.hallucination_refusal == default.hallucination_refusal
            else options.hallucination_refusal,
        }
        switches = [word for switch, value in given.items() if value is not None for word in (switch, str(value))]
        return [*map(str, self.paths), *switches]


@attrs.frozen(kw_only=True)
class Correcting:
    """
    What a question is to be answered against once more: sheets of labels with their key, or a grader as reference.

    ``draws`` is how often the verdicts that labels leave open are drawn.
    """

    labels: tuple[Path, ...] = ()
    reference: str | None = None
    draws: int = 20

    @classmethod
    def named(cls, words: Sequence[str], *, draws: int = 20) -> Correcting:
        """
        From the words of a command line: files are sheets of labels, another word is a grader.

        Raises
        ------
        DomainError
            If both are given, or several graders.
        """
        files = tuple(Path(word) for word in words if Path(word).is_file())
        graders = [word for word in words if not Path(word).is_file()]
        if len(graders) > 1 or (files and graders):
            raise DomainError(
                f"rates are corrected against sheets of labels, or against one grader, got {', '.join(words)}; "
                "a word that names no file is taken for a grader"
            )
        return cls(labels=files, reference=graders[0] if graders else None, draws=draws)

    def arguments(self) -> list[str]:
        """The arguments of a command that correct the same."""
        return [word for name in (*map(str, self.labels), *filter(None, [self.reference])) for word in ("--corrected", name)]


@attrs.frozen(kw_only=True)
class Question:
    """What is asked of the cells, and what may enter them; parameters as in ``analyze_inverse_scaling``."""

    tier: Tier = Tier.STRICT
    graders: tuple[str, ...] = ()
    claim_classes: tuple[str, ...] = ()
    min_cell: int = 20
    alpha: float = 0.05
    margin_pp: float = 5.0
    selection: Selection = attrs.field(factory=Selection)
    correcting: Correcting | None = None

    def arguments(self) -> list[str]:
        """The arguments of a command that asks the same; defaults are left out."""
        default = Question()
        numbers = {"--min-cell": "min_cell", "--alpha": "alpha", "--margin-pp": "margin_pp"}
        words = [] if self.tier is default.tier else ["--tier", self.tier.value]
        words += [w for grader in self.graders for w in ("--grader", grader)]
        words += [w for attack_class in self.claim_classes for w in ("--claim-class", attack_class)]
        for switch, name in numbers.items():
            if getattr(self, name) != getattr(default, name):
                words += [switch, f"{getattr(self, name):g}"]
        return words + selection_arguments(self.selection) + ([] if self.correcting is None else self.correcting.arguments())
