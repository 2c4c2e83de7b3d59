"""Ray Data LLM on a local Ray cluster keeps the clauses of one batch, and answers as offline vLLM does."""

from __future__ import annotations

import math

import pytest

from engines.clauses import CLAUSES
from engines.contract import Outcome, Rounds, UnderTest, chat, printed, prompts, run_contract
from engines.toy_model import ADAPTERS, WINDOW
from engines.vllm_toy import bare_greedy, offline_engine, prompt_length, shared_toy, spec_of
from safescale.engines import Answer, Constraint, Request, in_order, open_engine

pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("ignore")]

# a job starts its engines anew (20 s and more), so only clauses of one batch are asked here; offline vLLM answers to all of them
SEVERAL_BATCHES = {
    "every_request_gets_its_own_answer",
    "an_answer_alone_is_the_answer_in_a_batch",
    "an_over_long_prompt_fails_alone",
    "an_answer_ends_at_the_window",
    "one_bad_item_does_not_lose_the_batch",
    "an_adapter_changes_the_output",
    "a_seed_makes_the_text",
    "a_stop_text_ends_an_answer",
}


def mixed_requests() -> list[Request]:
    """Greedy and seeded, long and short, with adapters, stop texts, constraints and faults: what the clauses left out ask."""
    several = prompts(8, 300)
    return [
        *(chat(p) for p in several),
        *(chat(p, adapter=name) for name in ADAPTERS for p in several[:4]),
        *(chat(p, temperature=1.0, seed=place) for place, p in enumerate(several)),
        *(chat(p, temperature=1.0, seed=place, logprobs=3) for place, p in enumerate(several[:2])),
        chat(several[0], stop=("a", "e", "i")),
        chat(several[0]),
        chat(" ".join(["zorble"] * 600)),
        chat(several[1], adapter="nobody"),
        chat(several[1], constraint=Constraint(kind="regex", body="(?<=a)b")),
        chat(several[1], temperature=1.0, seed=9, max_tokens=1000),
    ]


class TestRayKeepsTheContract:
    @pytest.fixture(scope="class")
    @classmethod
    def outcomes(cls) -> dict[str, Outcome]:
        vllm_toy, asked = shared_toy(), mixed_requests()
        expected = in_order(asked, offline_engine().answer(asked))

        def it_answers_as_offline_vllm(_: UnderTest) -> Rounds:
            got = yield asked
            for one, other in zip(got, expected, strict=True):
                assert as_told(one) == as_told(other), f"Ray says {one}, offline vLLM {other}"
                assert close(one, other), f"log-probabilities differ: {one.logprobs} and {other.logprobs}"
            return f"{len(got)} answers, {sum(answer.fault is not None for answer in got)} of them faults"

        engine = open_engine(spec_of(vllm_toy, "ray"))
        under = UnderTest(
            engine=engine,
            constrains=frozenset({"choice", "json", "regex"}),
            adapters=ADAPTERS,
            window=WINDOW,
            prompt_tokens=prompt_length(vllm_toy),
            greedy=bare_greedy(vllm_toy),
        )
        clauses = [clause for clause in CLAUSES if clause.__name__ not in SEVERAL_BATCHES]
        found = run_contract(under, [*clauses, it_answers_as_offline_vllm])
        print(f"\ncontract of ray, one job\n{printed(found)}")
        engine.close()
        engine.close()
        return {outcome.clause: outcome for outcome in found}

    def test_every_clause_of_one_batch_holds(self, outcomes: dict[str, Outcome]) -> None:
        assert [outcome for outcome in outcomes.values() if outcome.state == "broken"] == []
        assert len(outcomes) >= 20

    def test_it_answers_as_offline_vllm(self, outcomes: dict[str, Outcome]) -> None:
        assert outcomes["it_answers_as_offline_vllm"].state == "held", outcomes["it_answers_as_offline_vllm"].note


def as_told(answer: Answer) -> tuple[object, ...]:
    """What must be the same through Ray."""
    code = None if answer.fault is None else answer.fault.code
    return (answer.request_id, answer.text, answer.finish_reason, code, answer.prompt_tokens, answer.completion_tokens, answer.seed)


def close(one: Answer, other: Answer) -> bool:
    """Log-probabilities of the same tokens, as near as float32 comes."""
    if one.logprobs is None or other.logprobs is None:
        return one.logprobs is None and other.logprobs is None
    return all(
        a.token == b.token and math.isclose(a.logprob, b.logprob, abs_tol=1e-3)
        for a, b in zip(one.logprobs, other.logprobs, strict=True)
    )
