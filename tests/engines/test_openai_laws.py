"""Laws of waiting and spending: backoff stays in its bounds, no minute holds more than its limit, no budget is exceeded."""

from __future__ import annotations

import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safescale.engines.openai_pace import Budget, Pace, backoff_wait_s
from safescale.engines.openai_reply import retry_after_s

seconds = st.floats(0.0, 600.0)


@given(attempt=st.integers(1, 10_000), first_s=seconds, cap_s=seconds, seed=st.integers())
def test_law_a_wait_is_between_half_and_whole_of_the_doubled_one(attempt: int, first_s: float, cap_s: float, seed: int) -> None:
    wait_s = backoff_wait_s(attempt, first_s=first_s, cap_s=cap_s, rng=random.Random(seed))
    whole = min(cap_s, first_s * 2.0 ** min(attempt - 1, 60))
    assert whole / 2 <= wait_s <= whole
    assert wait_s == backoff_wait_s(attempt, first_s=first_s, cap_s=cap_s, rng=random.Random(seed))


@given(
    per_minute=st.floats(1.0, 10_000.0),
    gaps=st.lists(st.floats(0.0, 30.0), min_size=1, max_size=60),
)
def test_law_no_minute_begins_more_requests_than_its_limit(per_minute: float, gaps: list[float]) -> None:
    pace = Pace(requests_per_minute=per_minute)
    now, starts = 0.0, []
    for gap in gaps:
        now += gap
        starts.append(pace.reserve(now, 1))
        assert starts[-1] >= now
    for first in starts:
        assert sum(first <= start < first + 60.0 - 1e-6 for start in starts) <= per_minute + 1


@given(
    per_minute=st.integers(100, 100_000),
    asked=st.lists(st.tuples(st.floats(0.0, 20.0), st.integers(1, 5_000)), min_size=1, max_size=60),
)
def test_law_no_minute_begins_more_tokens_than_its_limit_and_one_request(per_minute: int, asked: list[tuple[float, int]]) -> None:
    pace = Pace(tokens_per_minute=per_minute)
    now, begun = 0.0, []
    for gap, tokens in asked:
        now += gap
        begun.append((pace.reserve(now, tokens), tokens))
    for first, _ in begun:
        inside = [tokens for start, tokens in begun if first <= start < first + 60.0 - 1e-6]
        assert sum(inside) <= per_minute + max(inside) + 1


def test_without_limits_nothing_waits() -> None:
    pace = Pace()
    assert [pace.reserve(5.0, 10**9) for _ in range(3)] == [5.0, 5.0, 5.0]


def test_tokens_that_were_not_used_bring_the_next_forward() -> None:
    pace = Pace(tokens_per_minute=60)
    assert pace.reserve(0.0, 30) == 0.0
    pace.credit(20)
    assert pace.reserve(0.0, 1) == pytest.approx(10.0)


tries = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 300), st.floats(0.0, 1.0), st.floats(0.0, 1.0)), max_size=40)


@given(budget=st.integers(0, 3_000), asked=tries, hands=st.integers(1, 8))
def test_law_a_budget_is_never_exceeded(budget: int, asked: list[tuple[int, int, float, float]], hands: int) -> None:
    """Whatever tries use of what was held back for them, and however many are in flight."""
    purse = Budget(tokens=budget)
    stop = threading.Event()
    flying = []
    refused = 0
    for prompt, completion, used_prompt, used_completion in asked:
        if len(flying) >= hands:
            hold, cost = flying.pop(0)
            purse.settle(hold, *cost)
        while True:
            stop.set() if flying else stop.clear()
            hold = purse.take(prompt, completion, stop=stop)
            if hold is not None or not flying:
                break
            purse.settle(flying[0][0], *flying.pop(0)[1])
        if hold is None:
            refused += 1
            spent = purse.spending
            assert spent.prompt_tokens + spent.completion_tokens + prompt + completion > budget
            continue
        flying.append((hold, (int(prompt * used_prompt), int(completion * used_completion))))
    for hold, cost in flying:
        purse.settle(hold, *cost)
    spent = purse.spending
    assert spent.prompt_tokens + spent.completion_tokens <= budget
    assert spent.sent == len(asked) - refused


def test_a_try_that_does_not_fit_yet_waits_for_others() -> None:
    purse = Budget(tokens=100)
    stop = threading.Event()
    first = purse.take(50, 50, stop=stop)
    assert first is not None
    threading.Timer(0.05, purse.settle, (first, 10, 10)).start()
    assert purse.take(40, 40, stop=stop) is not None


@given(cost=st.floats(0.0, 1.0), prices=st.tuples(st.floats(0.0, 100.0), st.floats(0.0, 100.0)), count=st.integers(0, 60))
def test_law_money_is_never_exceeded(cost: float, prices: tuple[float, float], count: int) -> None:
    purse = Budget(cost=cost, price_prompt=prices[0], price_completion=prices[1])
    for _ in range(count):
        hold = purse.take(1_000, 500, stop=threading.Event())
        if hold is not None:
            purse.settle(hold, 1_000, 500)
    assert (purse.spending.cost or 0.0) <= cost


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_retry_after_is_read_in_every_form(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(headers) == expected
