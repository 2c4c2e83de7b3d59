"""Judges that answer with one token: yes or no, or one letter of three; with class probabilities where the engine gives them."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from safescale.engines import Answer, Constraint, Engine, Request, Sampling
from safescale.errors import DomainError
from safescale.grade.grader import GraderFacts, Judgement
from safescale.grade.judge.asking import Asker, Structured
from safescale.grade.judge.by_engine import JudgeByEngine
from safescale.grade.judge.choice_probabilities import ChoiceProbabilities, choice_probabilities
from safescale.grade.judge.fencing import neutralised, storable
from safescale.grade.judge.identity import judge_id
from safescale.grade.judge.rubric import Category, Rubric, filled, load_rubric
from safescale.grade.judge.sight import Sight
from safescale.grade.judge.steps import Case, Unusable, chat, run_step, said, worded
from safescale.records.rows import clip
from safescale.records.verdicts import Verdict

__all__ = ["ChoiceJudge", "LetterJudge", "YesNoJudge"]


@attrs.define(kw_only=True, eq=False)
class ChoiceJudge(JudgeByEngine):
    """
    A grader that asks a language model one question with one of a few words as the answer.

    Where the engine gives log-probabilities of the answer's first token, they become class probabilities, renormalised over the
    choices; otherwise there are none, and the reason says why. They are the judge's, uncalibrated.

    Parameters
    ----------
    engine : Engine
        The judge's model.
    rubric : Rubric
        What it is asked, of kind "choice".
    sight : Sight
        How much of the texts it is shown.
    structured : {"auto", "always", "never"}
        Whether the choice is forced.
    max_tokens : int, default 16
        Tokens of the answer at most: a label is one to three, servers may wrap it in JSON, and a judge that thinks needs more.
    min_mass : float, default 0.5
        Probability that the choices must carry together for probabilities to be given.
    logprobs : int, optional
        Alternatives of a token that are asked for; None asks for none, which servers that give none may insist on.
    system_role : bool, default True
        False for models whose template takes no system message.
    """

    engine: Engine
    rubric: Rubric
    sight: Sight = attrs.field(factory=Sight)
    structured: Structured = "auto"
    max_tokens: int = 16
    min_mass: float = 0.5
    logprobs: int | None = 20
    system_role: bool = True
    _asker: Asker = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        if self.rubric.kind != "choice":
            raise DomainError(f"this judge needs a rubric of kind choice, got {self.rubric.name!r} of kind {self.rubric.kind}")
        if not 0.0 <= self.min_mass <= 1.0:
            raise DomainError(f"min_mass must lie in [0, 1], got {self.min_mass!r}")
        self._asker = Asker(engine=self.engine, structured=self.structured)

    @property
    def facts(self) -> GraderFacts:
        """What the grader says of itself."""
        rubric = self.rubric
        options = (self.sight, self.structured, self.max_tokens, self.min_mass, self.system_role, self.logprobs)
        scale = None if rubric.score_of is None else f"probability of {rubric.score_of!r} among the choices, in [0, 1]"
        return GraderFacts(
            grader_id=judge_id(rubric.version, self.engine.facts, options, (Sight(), "auto", 16, 0.5, True, 20)),
            kind="llm",
            outcome_map=rubric.outcome_map,
            hallucination_refusal=rubric.hallucination_refusal,
            rubric_version=rubric.version,
            score_scale=scale,
            sees_prompt=True,
            classes=tuple(dict.fromkeys(category.verdict for category in rubric.categories)),
        )

    def _judged(self, cases: Sequence[Case]) -> dict[int, Judgement]:
        read = run_step(self._asker, cases, self._request, self._read, repair=self._repair)
        return {case.place: case.done or self._judgement(*read[case.place], case) for case in cases}

    def _request(self, case: Case) -> Request:
        fence = case.shown.fence()
        values = {
            **self.rubric.fixed(),
            "response": case.shown.fenced_response(fence),
            "prompt": case.shown.fenced_prompt(fence),
            "inferred": "(not asked)",
            "tag": fence.tag,
        }
        return Request(
            messages=chat(self.rubric.judge, values, system_role=self.system_role),
            sampling=Sampling(temperature=0.0, max_tokens=self.max_tokens, seed=0, logprobs=self.logprobs),
            constraint=Constraint(kind="choice", choices=self.rubric.labels),
        )

    def _repair(self, found: Unusable) -> str:
        problem = neutralised(storable(clip(found.problem)))
        return filled(self.rubric.repair, {"problem": problem, **self.rubric.fixed()})

    def _read(self, case: Case, answer: Answer) -> tuple[Category, ChoiceProbabilities] | Unusable:
        text = said(answer, forced=self._asker.forced)
        if isinstance(text, Unusable):
            return text
        category = self.rubric.category(text)
        if category is None:
            cut = ", and it was cut: raise max_tokens" if answer.finish_reason == "length" else ""
            return Unusable(problem=f"it is none of {', '.join(self.rubric.labels)}, letter by letter{cut}", raw=answer.text or "")
        return category, choice_probabilities(answer, self.rubric.labels, min_mass=self.min_mass)

    def _judgement(self, category: Category, found: ChoiceProbabilities, case: Case) -> Judgement:
        reason = [*case.notes, f"answered {category.label!r}"]
        if found.probabilities is None:
            reason.append(f"no probabilities: {found.because}")
            return Judgement(verdict=category.verdict, raw_label=category.outcome, reason=worded(reason))
        by_verdict: dict[Verdict, float] = {}
        for known in self.rubric.categories:
            by_verdict[known.verdict] = by_verdict.get(known.verdict, 0.0) + found.probabilities[known.label]
        if found.mass is not None and found.mass < 0.99:
            reason.append(f"the choices carry {found.mass:.3f} of the probability")
        if max(by_verdict, key=lambda verdict: by_verdict[verdict]) is not category.verdict:
            reason.append("the answer is not the most probable choice")
        score = None if self.rubric.score_of is None else found.probabilities[self.rubric.score_of]
        return Judgement(
            verdict=category.verdict,
            raw_label=category.outcome,
            score=score,
            probabilities=by_verdict,
            reason=worded(reason),
        )


@attrs.define(kw_only=True, eq=False)
class YesNoJudge(ChoiceJudge):
    """One question with yes or no: ``refused-v1`` (default; no says nothing of harm) or ``harmful-v1`` (no is not a refusal)."""

    rubric: Rubric = attrs.field(factory=lambda: load_rubric("refused-v1"))

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.rubric.labels != ("yes", "no"):
            raise DomainError(
                f"a yes/no judge needs a rubric with the labels yes, no; {self.rubric.name!r} has {self.rubric.labels}"
            )


@attrs.define(kw_only=True, eq=False)
class LetterJudge(ChoiceJudge):
    """One letter of three, for probabilities of COMPLIANCE, PARTIAL and REFUSAL (``three-letters-v1``)."""

    rubric: Rubric = attrs.field(factory=lambda: load_rubric("three-letters-v1"))
