"""The rubric judge: first the instruction that a response was following, from the response alone; then the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from safescale.engines import Answer, Constraint, Engine, Request, Sampling
from safescale.errors import DomainError
from safescale.grade.grader import GraderFacts, Judgement
from safescale.grade.judge.asking import Asker, Structured
from safescale.grade.judge.by_engine import JudgeByEngine
from safescale.grade.judge.fencing import neutralised, storable
from safescale.grade.judge.identity import judge_id
from safescale.grade.judge.rubric import Category, Rubric, Turn, filled, load_rubric
from safescale.grade.judge.sight import Sight
from safescale.grade.judge.steps import Case, Unusable, chat, run_step, said, worded
from safescale.grade.judge.verdict_json import Reading, instruction_schema, read_instruction, read_verdict, verdict_schema
from safescale.records.rows import clip
from safescale.records.verdicts import Verdict

__all__ = ["RubricJudge"]

_INSTRUCTION_CHARS: Final = 600


@attrs.define(kw_only=True, eq=False)
class RubricJudge(JudgeByEngine):
    """
    A grader that asks a language model twice (FLIP): what instruction was this response following, and what is the verdict.

    The first question sees the response alone. The second sees the prompt (where it is known), the response and the inferred
    instruction. A locked rubric (``flip-v2``) wants JSON with the categories restated and the evidence quoted; quotes that do not
    stand in the response, and verdicts that contradict them, are not accepted. For an answer that cannot be used the judge is asked
    once more, which the reason records; then it is ERROR, with the answer kept as the raw label. No verdict is guessed from it.

    Parameters
    ----------
    engine : Engine
        The judge's model.
    rubric : Rubric, default flip-v2
        What it is asked, of kind "flip".
    sight : Sight
        How much of the texts it is shown.
    structured : {"auto", "always", "never"}
        Whether the form of its answers is forced.
    infer_max_tokens, max_tokens : int
        Tokens of the first and of the second answer at most; judges that think need more.
    system_role : bool, default True
        False for models whose template takes no system message.
    """

    engine: Engine
    rubric: Rubric = attrs.field(factory=lambda: load_rubric("flip-v2"))
    sight: Sight = attrs.field(factory=Sight)
    structured: Structured = "auto"
    infer_max_tokens: int = 256
    max_tokens: int = 1024
    system_role: bool = True
    _asker: Asker = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        if self.rubric.kind != "flip" or self.rubric.infer is None:
            raise DomainError(f"a rubric judge needs a rubric of kind flip, got {self.rubric.name!r} of kind {self.rubric.kind}")
        self._asker = Asker(engine=self.engine, structured=self.structured)

    @property
    def facts(self) -> GraderFacts:
        """What the grader says of itself."""
        rubric = self.rubric
        options = (self.sight, self.structured, self.infer_max_tokens, self.max_tokens, self.system_role)
        return GraderFacts(
            grader_id=judge_id(rubric.version, self.engine.facts, options, (Sight(), "auto", 256, 1024, True)),
            kind="llm",
            outcome_map=rubric.outcome_map,
            hallucination_refusal=rubric.hallucination_refusal,
            rubric_version=rubric.version,
            sees_prompt=True,
            classes=tuple(dict.fromkeys(c.verdict for c in rubric.categories if c.verdict is not Verdict.NOT_GRADEABLE)),
        )

    def _judged(self, cases: Sequence[Case]) -> dict[int, Judgement]:
        repair = self._repair
        inferred = run_step(self._asker, cases, self._infer_request, self._read_instruction, repair=repair)
        verdicts = run_step(
            self._asker,
            cases,
            lambda case: self._verdict_request(case, inferred[case.place]),
            self._read_verdict,
            repair=repair,
        )
        return {case.place: case.done or self._judgement(verdicts[case.place], inferred[case.place], case) for case in cases}

    # ---- what is asked ----------------------------------------------------------------------------------------------

    def _infer_request(self, case: Case) -> Request:
        assert self.rubric.infer is not None
        fence = case.shown.fence()
        values = {"response": case.shown.fenced_response(fence), "tag": fence.tag}
        json_wanted = self.rubric.answer == "json"
        constraint = Constraint(kind="json", body=instruction_schema()) if json_wanted else None
        return self._request(self.rubric.infer, values, constraint, self.infer_max_tokens)

    def _verdict_request(self, case: Case, inferred: str) -> Request:
        safe = neutralised(storable(inferred))[:_INSTRUCTION_CHARS]
        fence = case.shown.fence(safe)
        values = {
            **self.rubric.fixed(),
            "response": case.shown.fenced_response(fence),
            "prompt": case.shown.fenced_prompt(fence),
            "inferred": fence.around("INFERRED", safe),
            "tag": fence.tag,
        }
        if self.rubric.answer == "json":
            constraint = Constraint(kind="json", body=verdict_schema(self.rubric))
        else:
            constraint = Constraint(kind="choice", choices=self.rubric.labels)
        return self._request(self.rubric.judge, values, constraint, self.max_tokens)

    def _request(self, turn: Turn, values: dict[str, str], constraint: Constraint | None, max_tokens: int) -> Request:
        sampling = Sampling(temperature=0.0, max_tokens=max_tokens, seed=0)
        messages = chat(turn, values, system_role=self.system_role)
        return Request(messages=messages, sampling=sampling, constraint=constraint)

    def _repair(self, found: Unusable) -> str:
        problem = neutralised(storable(clip(found.problem)))
        return filled(self.rubric.repair, {"problem": problem, **self.rubric.fixed()})

    # ---- what is read -----------------------------------------------------------------------------------------------

    def _read_instruction(self, case: Case, answer: Answer) -> str | Unusable:
        json_wanted = self.rubric.answer == "json"
        text = said(answer, forced=json_wanted and self._asker.forced)
        if isinstance(text, Unusable):
            return text
        if not json_wanted:
            return " ".join(text.split())
        found = read_instruction(text)
        return found[0] if isinstance(found, tuple) else _unusable(found, answer)

    def _read_verdict(self, case: Case, answer: Answer) -> Reading | Unusable:
        text = said(answer, forced=self._asker.forced)
        if isinstance(text, Unusable):
            return text
        if self.rubric.answer == "json":
            found = read_verdict(text, self.rubric, case.shown.response)
            return _unusable(found, answer) if isinstance(found, str) else found
        category = self.rubric.category(text)
        if category is None:
            return _unusable(f"it is none of {', '.join(self.rubric.labels)}, letter by letter", answer)
        return Reading(category=category, evidence=(), reasoning="")

    def _judgement(self, reading: Reading, inferred: str, case: Case) -> Judgement:
        if reading.category.verdict is Verdict.NOT_GRADEABLE:
            # reasons of failures are counted and shown to everybody: the judge's words are not among them
            return _judgement(reading.category, [*case.notes, "the judge found nothing that can be judged"])
        parts = [f"inferred instruction: {inferred[:_INSTRUCTION_CHARS]}"]
        parts += [f"evidence ({shows}): {quote!r}" for quote, shows in reading.evidence]
        if reading.reasoning:
            parts.append(f"reasoning: {reading.reasoning}")
        if not self._asker.forced:
            parts.append("the form of the answer was not forced")
        return _judgement(reading.category, [*case.notes, *parts])


def _judgement(category: Category, reason: Sequence[str]) -> Judgement:
    return Judgement(verdict=category.verdict, raw_label=category.outcome, reason=worded(reason))


def _unusable(problem: str, answer: Answer) -> Unusable:
    cut = answer.finish_reason == "length"
    words = f"{problem}, and it was cut: raise max_tokens" if cut else problem
    return Unusable(problem=words, raw=answer.text or "", code="TRUNCATED" if cut else "UNUSABLE")
