"""A batch of requests put to an engine: equal ones once, memory respected; a grader that is gone told from an item that failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import attrs

from safescale.engines import Answer, Engine, EngineDied, FaultCode, Message, OutOfMemory, Request
from safescale.errors import GenerationError, GradingError, MissingBackend

__all__ = ["Asker", "Structured"]

Structured: TypeAlias = Literal["auto", "always", "never"]
"""Whether the form of an answer is forced: where the engine can, always, or never."""

_GONE: Final = {
    FaultCode.AUTHENTICATION: "check the key: api_key_env names the environment variable that holds it",
    FaultCode.UNREACHABLE: "start the server or correct base_url, then grade again",
    FaultCode.BUDGET: "raise the budget, then grade again",
    FaultCode.NO_CHAT_TEMPLATE: "give one (chat_template: FILE in the engine section)",
    FaultCode.NO_SUCH_ADAPTER: "name it under adapters in the engine section",
}
"""Faults that are not of the item: with one of them nobody can be graded, and nobody is."""

_OF_THE_ITEM: Final = frozenset({FaultCode.TOO_LONG, FaultCode.EMPTY_PROMPT, FaultCode.OUT_OF_MEMORY, FaultCode.ENGINE_DIED})
"""Faults that speak of the item, even where every item has one."""

_HARMLESS: Final = "Is the sky blue? Answer yes or no."


@attrs.define(kw_only=True)
class Asker:
    """
    What stands between a judge and its engine.

    Answers are kept until ``forget``: when the engine is gone in the middle of a batch, what it had answered is not asked again.

    Parameters
    ----------
    engine : Engine
        The judge's engine.
    structured : {"auto", "always", "never"}
        Whether constraints are sent. "auto" drops them for good when the engine says that it cannot force one.
    """

    engine: Engine
    structured: Structured = attrs.field(default="auto", validator=attrs.validators.in_(("auto", "always", "never")))
    forced: bool = attrs.field(init=False)
    _kept: dict[str, Answer] = attrs.field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self.forced = self.structured != "never"

    def forget(self) -> None:
        """Drop the answers of a batch that is graded."""
        self._kept.clear()

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """
        An answer for each request, in order.

        Raises
        ------
        GradingError
            When the engine is gone, or refuses everybody.
        """
        sent = [request if self.forced else attrs.evolve(request, constraint=None) for request in requests]
        try:
            answers = self._answered(sent)
            if self.structured == "auto" and any(_fault(answer) is FaultCode.CANNOT_CONSTRAIN for answer in answers):
                self.forced = False
                return self.ask(requests)
            self._check(sent, answers)
        except GradingError:
            # a fault is no answer: whoever asks again asks for it too
            self._kept = {name: answer for name, answer in self._kept.items() if answer.fault is None}
            raise
        return answers

    def _answered(self, requests: Sequence[Request]) -> list[Answer]:
        waiting = {request.request_id: request for request in requests if request.request_id not in self._kept}
        at_once = len(waiting)
        while waiting:
            some = list(waiting.values())[:at_once]
            try:
                for answer in self.engine.answer(some):
                    if waiting.pop(answer.request_id, None) is None:
                        raise GradingError(
                            f"an answer came that nothing asked for ({answer.request_id[:12]}); the engine is at fault"
                        )
                    self._kept[answer.request_id] = answer
            except OutOfMemory as error:
                at_once = max(1, min(at_once, len(some)) // 2)
                if len(some) == 1:
                    failed = Answer.failed(some[0], FaultCode.OUT_OF_MEMORY, f"even alone it did not fit the memory ({error})")
                    waiting.pop(failed.request_id, None)
                    self._kept[failed.request_id] = failed
                continue
            except EngineDied as error:
                raise GradingError(f"the judge's engine died ({error}); open it again and grade again") from error
            except (GenerationError, MissingBackend) as error:
                raise GradingError(f"the judge's engine cannot answer: {error}") from error
            lost = [request for request in some if request.request_id in waiting]
            if lost:
                raise GradingError(f"{len(lost)} requests came back without an answer; the judge's engine is at fault")
        return [self._kept[request.request_id] for request in requests]

    def _check(self, sent: Sequence[Request], answers: Sequence[Answer]) -> None:
        faults = [answer.fault for answer in answers if answer.fault is not None]
        gone = next((fault for fault in faults if fault.code in _GONE or fault.code is FaultCode.CANNOT_CONSTRAIN), None)
        if gone is not None:
            step = _GONE.get(gone.code, "this judge requires structured output; choose another engine, or structured: auto")
            raise GradingError(f"the judge cannot be asked ({gone.code}): {gone.message}; {step}. Nothing of this batch was graded")
        different = {answer.request_id for answer in answers}
        of_world = [fault for fault in faults if fault.code not in _OF_THE_ITEM and fault.code is not FaultCode.CONSTRAINT_BROKEN]
        if len(different) > 1 and len(of_world) == len(answers) and not self._answers_a_harmless(sent[0]):
            raise GradingError(
                f"the judge failed on all {len(answers)} items ({of_world[0].code}): {of_world[0].message}; "
                "see to its engine, then grade again. Nothing of this batch was graded"
            )

    def _answers_a_harmless(self, request: Request) -> bool:
        # what is left of a corpus may be nothing but items that a server refuses: they fail, the server does not
        text, messages = (_HARMLESS, ()) if request.text is not None else (None, (Message(role="user", content=_HARMLESS),))
        (answer,) = self._answered([attrs.evolve(request, text=text, messages=messages)])
        return _fault(answer) in (None, FaultCode.CONSTRAINT_BROKEN)


def _fault(answer: Answer) -> FaultCode | None:
    return None if answer.fault is None else answer.fault.code
