"""
What every engine owes its callers: one list of clauses, run against any engine and named one by one.

Used by a test class (``contract_suite.EngineContract``) or by a script without pytest::

    outcomes = run_contract(UnderTest(engine=engine, constrains=frozenset({"choice"}), adapters=("crimson",), window=256))
    print(printed(outcomes)); assert all(outcome.state != "broken" for outcome in outcomes)

A clause is a generator: it yields a batch, gets its answers, yields the next batch, and returns what it saw. So the batches of all
clauses may be asked as one (``merged``: two to four calls of the engine in all), or each alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Final, Literal

import attrs

from safescale.engines import Answer, Engine, Message, Request, Sampling

__all__ = [
    "WORDS",
    "Clause",
    "NotApplicable",
    "Outcome",
    "Rounds",
    "UnderTest",
    "chat",
    "good",
    "printed",
    "prompts",
    "run_contract",
]

Rounds = Generator[list[Request], list[Answer], str]

WORDS: Final = ("zorble", "quindle", "frabbit", "mimsy", "tove", "slithy", "brillig", "wabe", "gimble", "snark")


@attrs.frozen(kw_only=True)
class UnderTest:
    """
    An engine and what it says it can do. What it cannot do it must say, answer by answer; that is tested as well.

    Parameters
    ----------
    engine : Engine
        Open; the contract does not close it.
    constrains : frozenset of str
        Kinds of constraint that it forces ("choice", "json", "regex"). Of the others it must say CANNOT_CONSTRAIN or
        CONSTRAINT_BROKEN.
    adapters : tuple of str
        Names of LoRA adapters that it was opened with and that change what the model says.
    window : int, optional
        ``max_model_len`` it was opened with (tokens); None when nobody knows it.
    logprobs, prefill, raw_text, counts : bool
        Whether it gives log-probabilities, continues a last message of the assistant, takes raw text, counts tokens.
    equal : float, default 1.0
        Share of answers that must be the same in another batch. Below 1 only where arithmetic depends on the batch (a GPU without
        batch invariance), and said so by whoever sets it.
    prompt_tokens : callable, optional
        Tokens of the prompt as the model sees it, by another way (the tokenizer): every count must equal it.
    greedy : callable, optional
        What the bare model says to a request at temperature 0, by another way.
    """

    engine: Engine
    constrains: frozenset[str] = attrs.field(default=frozenset(), converter=frozenset)
    adapters: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    window: int | None = None
    logprobs: bool = True
    prefill: bool = True
    raw_text: bool = True
    counts: bool = True
    equal: float = 1.0
    prompt_tokens: Callable[[Request], int] | None = None
    greedy: Callable[[Request], str] | None = None

    def same(self, first: Sequence[Answer], second: Sequence[Answer]) -> None:
        """The answers of two batches have the same texts (as far as ``equal`` asks)."""
        pairs = list(zip(first, second, strict=True))
        other = [f"{a.text!r} became {b.text!r}" for a, b in pairs if a.text != b.text]
        assert len(other) <= (1 - self.equal) * len(pairs), f"{len(other)} of {len(pairs)} texts differ: {other[0]}"


Clause = Callable[[UnderTest], Rounds]


class NotApplicable(Exception):
    """The engine does not claim to be able to do this; the message says what is missing."""


@attrs.frozen(kw_only=True)
class Outcome:
    """What became of one clause."""

    clause: str
    state: Literal["held", "broken", "not applicable"]
    note: str


@attrs.define
class _Running:
    name: str
    rounds: Rounds
    batch: list[Request]
    outcome: Outcome | None = None

    def ends(self, state: Literal["held", "broken", "not applicable"], note: str) -> None:
        self.outcome = Outcome(clause=self.name, state=state, note=note)
        self.batch = []

    def goes_on(self, answers: list[Answer] | None, failure: str = "") -> None:
        try:
            if failure:
                self.rounds.close()
                raise AssertionError(failure)
            self.batch = next(self.rounds) if answers is None else self.rounds.send(answers)
        except StopIteration as end:
            self.ends("held", str(end.value))
        except NotApplicable as missing:
            self.ends("not applicable", str(missing))
        except AssertionError as breach:
            self.ends("broken", str(breach).split("\n")[0] or f"an assertion of {self.name} failed")


def run_contract(under: UnderTest, clauses: Iterable[Clause] | None = None, *, merged: bool = True) -> tuple[Outcome, ...]:
    """
    Run clauses against an engine.

    Parameters
    ----------
    under : UnderTest
        The engine and its abilities.
    clauses : iterable of Clause, optional
        Default: ``clauses.CLAUSES``, all.
    merged : bool, default True
        Ask the n-th batches of all clauses as one batch; else each alone.
    """
    if clauses is None:
        from engines.clauses import CLAUSES

        clauses = CLAUSES
    running = [_Running(clause.__name__, clause(under), []) for clause in clauses]
    for one in running:
        one.goes_on(None)
    if merged:
        while alive := [one for one in running if one.outcome is None]:
            _ask(under.engine, alive)
    else:
        for one in running:
            while one.outcome is None:
                _ask(under.engine, [one])
    return tuple(one.outcome for one in running if one.outcome is not None)


def _ask(engine: Engine, asking: list[_Running]) -> None:
    batch = [request for one in asking for request in one.batch]
    try:
        came = list(engine.answer(batch))
    except Exception as error:
        for one in asking:
            one.goes_on([], failure=f"the engine raised {type(error).__name__}: {error}")
        return
    waiting: dict[str, list[Answer]] = {}
    for answer in came:
        waiting.setdefault(answer.request_id, []).append(answer)
    mine = [[waiting[r.request_id].pop(0) if waiting.get(r.request_id) else None for r in one.batch] for one in asking]
    unasked = sum(len(left) for left in waiting.values())
    for one, answers in zip(asking, mine, strict=True):
        there = [answer for answer in answers if answer is not None]
        lost = len(answers) - len(there)
        failure = (
            f"{lost} of {len(answers)} requests got no answer" if lost else f"{unasked} answers came unasked" if unasked else ""
        )
        one.goes_on(there, failure=failure)


def printed(outcomes: Sequence[Outcome]) -> str:
    """One line for each clause, then the sums."""
    width = max(len(outcome.clause) for outcome in outcomes)
    lines = [f"{outcome.clause:<{width}}  {outcome.state:<14}  {outcome.note}" for outcome in outcomes]
    states = [outcome.state for outcome in outcomes]
    sums = ", ".join(f"{states.count(state)} {state}" for state in ("held", "broken", "not applicable"))
    return "\n".join([*lines, f"{len(outcomes)} clauses: {sums}"])


# ---- what clauses are written with ----------------------------------------------------------------------------------


def chat(prompt: str, *, system: str | None = None, prefill: str | None = None, **more: object) -> Request:
    """A chat of one user message; fields of ``Sampling`` and of ``Request`` by name. 12 tokens unless said otherwise."""
    names = {field.name for field in attrs.fields(Sampling)}
    sampling = Sampling(**{"max_tokens": 12, **{name: value for name, value in more.items() if name in names}})  # type: ignore[arg-type]
    messages = [Message(role="user", content=prompt)]
    if system is not None:
        messages.insert(0, Message(role="system", content=system))
    if prefill is not None:
        messages.append(Message(role="assistant", content=prefill))
    rest = {name: value for name, value in more.items() if name not in names}
    return Request(messages=tuple(messages), sampling=sampling, **rest)  # type: ignore[arg-type]


def prompts(count: int, start: int = 0) -> list[str]:
    """Different prompts of different lengths, in an order that is not that of their lengths."""
    made = []
    for index in range(start, start + count):
        length = 2 + (index * 7) % 11
        made.append(" ".join(WORDS[(index * 3 + place * (1 + index // 10)) % len(WORDS)] for place in range(length)) + f" {index}")
    return made


def good(answers: Sequence[Answer]) -> list[str]:
    """Texts of answers of which none may have a fault."""
    for answer in answers:
        assert answer.fault is None, f"unexpected fault {answer.fault.code}: {answer.fault.message}"
        assert answer.text is not None, "an answer without a fault has no text"
        assert answer.finish_reason in ("stop", "length"), f"an answer without a fault ended with {answer.finish_reason!r}"
    return [answer.text or "" for answer in answers]
