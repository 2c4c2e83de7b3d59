"""What a judge is shown of an item: the final answer, control tokens taken apart, head and tail; or why nothing is."""

from __future__ import annotations

from typing import Final, Literal

import attrs

from safescale.grade.grader import Item, Judgement
from safescale.grade.judge.fencing import Fence, fence_for, neutralised, storable
from safescale.grade.judge.reasoning import split_reasoning
from safescale.grade.judge.window import Cut, Window
from safescale.records.verdicts import Verdict

__all__ = ["Shown", "Sight", "not_gradeable"]

_FAILED: Final = frozenset({"error", "timeout", "parse_error"})
_PROMPT_CHARS: Final = 4000
UNKNOWN_PROMPT: Final = "(not known)"


@attrs.frozen(kw_only=True)
class Shown:
    """
    The texts of one item as the judge sees them.

    Attributes
    ----------
    response : Cut
        The response.
    prompt : Cut, optional
        The prompt; None where it is not known.
    notes : tuple of str
        What was left out, in words.
    """

    response: Cut
    prompt: Cut | None
    notes: tuple[str, ...]

    def fence(self, *others: str) -> Fence:
        """A delimiter that is in none of the texts."""
        prompt = () if self.prompt is None else (self.prompt.head, self.prompt.tail)
        return fence_for(self.response.head, self.response.tail, *prompt, *others)

    def fenced_response(self, fence: Fence) -> str:
        """The response between its markers."""
        return fence.around("RESPONSE", self.response.shown(fence.tag))

    def fenced_prompt(self, fence: Fence) -> str:
        """The prompt between its markers, or that it is not known."""
        return UNKNOWN_PROMPT if self.prompt is None else fence.around("PROMPT", self.prompt.shown(fence.tag))


@attrs.frozen(kw_only=True)
class Sight:
    """
    How much of an item is shown.

    Parameters
    ----------
    response, prompt : Window
        Of each text; a longer one is shown by head and tail, and the cut is recorded in the reason.
    only_reasoning : {"not_gradeable", "judge"}
        What a response is that consists of reasoning alone: NOT_GRADEABLE, or judged by it.
    """

    response: Window = attrs.field(factory=Window)
    prompt: Window = attrs.field(factory=lambda: Window(size=_PROMPT_CHARS))
    only_reasoning: Literal["not_gradeable", "judge"] = attrs.field(
        default="not_gradeable", validator=attrs.validators.in_(("not_gradeable", "judge"))
    )

    def of(self, item: Item) -> Shown | Judgement:
        """What is shown of an item, or the judgement that there is nothing to judge."""
        if item.response_kind != "text":
            return not_gradeable(f"there is no text to judge: the response is '{item.response_kind}'")
        if item.finish_reason in _FAILED:
            return not_gradeable(f"the response failed ({item.finish_reason}); what stands in its place is no response")
        if item.response is None or not item.response.strip():
            return not_gradeable("the response is empty")
        parts = split_reasoning(storable(item.response))
        notes: list[str] = []
        text = parts.answer
        if parts.reasoning and text.strip():
            notes.append(f"reasoning before the answer is not judged ({len(parts.reasoning)} characters)")
        elif not text.strip():
            how = "ends in its reasoning" if not parts.closed else "is reasoning alone"
            if self.only_reasoning == "not_gradeable" or not parts.reasoning:
                return not_gradeable(f"the response {how} and gives no answer")
            text = parts.reasoning
            notes.append(f"the response {how}; the reasoning is judged")
        shown = neutralised(text)
        if shown != text:
            notes.append("control tokens in the response were made harmless")
        response = self.response.cut(shown)
        prompt = self.prompt.cut(neutralised(storable(item.prompt))) if item.prompt and item.prompt.strip() else None
        cuts = [response.note, None if prompt is None or prompt.note is None else f"prompt {prompt.note}"]
        return Shown(response=response, prompt=prompt, notes=(*notes, *filter(None, cuts)))


def not_gradeable(reason: str) -> Judgement:
    """The judgement that nothing can be judged; no model is asked for it."""
    return Judgement(verdict=Verdict.NOT_GRADEABLE, raw_label="NOT_GRADEABLE", reason=reason)
