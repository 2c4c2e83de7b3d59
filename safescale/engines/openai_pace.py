"""When a request may be sent: waits between tries, limits a minute, what a budget still allows. No clock, no chance of its own."""

from __future__ import annotations

import random
import threading

import attrs

__all__ = ["Budget", "Hold", "Pace", "Spending", "backoff_wait_s"]


def backoff_wait_s(attempt: int, *, first_s: float, cap_s: float, rng: random.Random) -> float:
    """
    Wait before a try again: doubled each time up to a cap, the upper half of it drawn at random.

    Parameters
    ----------
    attempt : int
        Tries that failed so far, from 1.
    first_s, cap_s : float
        Longest first wait and longest wait at all (s).
    rng : random.Random
        Source of the jitter.

    Returns
    -------
    float
        Seconds, in ``[w / 2, w]`` for ``w = min(cap_s, first_s * 2**(attempt - 1))``.

    References
    ----------
    .. [1] M. Brooker (2015), Exponential backoff and jitter, AWS Architecture Blog ("equal jitter").
    """
    whole = min(cap_s, first_s * 2.0 ** min(attempt - 1, 60))
    return whole * (0.5 + 0.5 * rng.random())


@attrs.define
class Pace:
    """
    Limits a minute, kept by even spacing: in no 60 seconds are more requests begun than the limit, nor more tokens and one request.

    Parameters
    ----------
    requests_per_minute, tokens_per_minute : float, optional
        Limits; None for none.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    _next_request_s: float = attrs.field(default=0.0, init=False)
    _next_token_s: float = attrs.field(default=0.0, init=False)
    _held_until_s: float = attrs.field(default=0.0, init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False, repr=False)

    def reserve(self, now_s: float, tokens: int) -> float:
        """Instant at which a request of so many tokens may begin; it is taken by this call."""
        with self._lock:
            start_s = now_s
            if self.requests_per_minute is not None:
                start_s = max(start_s, self._next_request_s)
            if self.tokens_per_minute is not None:
                start_s = max(start_s, self._next_token_s)
            if self.requests_per_minute is not None:
                self._next_request_s = start_s + 60.0 / self.requests_per_minute
            if self.tokens_per_minute is not None:
                self._next_token_s = start_s + tokens * 60.0 / self.tokens_per_minute
            return start_s

    def credit(self, tokens: int) -> None:
        """Tokens that were reserved and not used: the next request may begin so much earlier."""
        with self._lock:
            if self.tokens_per_minute is not None and tokens > 0:
                self._next_token_s -= tokens * 60.0 / self.tokens_per_minute

    def hold(self, until_s: float) -> None:
        """Nothing begins before this instant: the server asked for it."""
        with self._lock:
            self._held_until_s = max(self._held_until_s, until_s)

    @property
    def held_until_s(self) -> float:
        """Instant before which nothing begins."""
        return self._held_until_s


@attrs.frozen(kw_only=True)
class Spending:
    """
    What an engine has used since it was opened.

    Parameters
    ----------
    sent, retried : int
        Requests that were sent (each try counts), and those among them that were sent again.
    prompt_tokens, completion_tokens : int
        As the server counts them; where it may have worked without telling, the most that it can have been.
    cost : float, optional
        In the currency of the prices; None without prices.
    """

    sent: int = 0
    retried: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None


@attrs.frozen
class Hold:
    """What a budget keeps back for one try in flight (tokens)."""

    prompt_tokens: int
    completion_tokens: int


@attrs.define
class Budget:
    """
    Tokens and money, spent and held back: a try begins only when the most that it can cost still fits.

    So a budget is never exceeded, but for what a chat template adds beyond the bound of a prompt. What is held back and not used is
    free again when the try ends; a try that does not fit now and may fit then waits.

    Parameters
    ----------
    tokens, cost : optional
        The budgets; None for none.
    price_prompt, price_completion : float, optional
        Prices of a million tokens.
    """

    tokens: int | None = None
    cost: float | None = None
    price_prompt: float | None = None
    price_completion: float | None = None
    _sent: int = attrs.field(default=0, init=False)
    _retried: int = attrs.field(default=0, init=False)
    _spent: list[int] = attrs.field(factory=lambda: [0, 0], init=False)
    _held: list[int] = attrs.field(factory=lambda: [0, 0], init=False)
    _in_flight: int = attrs.field(default=0, init=False)
    _changed: threading.Condition = attrs.field(factory=threading.Condition, init=False, repr=False)

    def take(self, prompt_tokens: int, completion_tokens: int, *, stop: threading.Event, again: bool = False) -> Hold | None:
        """Hold back the most that a try can cost, waiting for others to end where that may help; None when it fits no more."""
        with self._changed:
            while not self._fits(prompt_tokens, completion_tokens):
                if self._in_flight == 0 or stop.is_set():
                    return None
                self._changed.wait(0.2)
            self._held[0] += prompt_tokens
            self._held[1] += completion_tokens
            self._in_flight += 1
            self._sent += 1
            self._retried += again
            return Hold(prompt_tokens, completion_tokens)

    def settle(self, hold: Hold, prompt_tokens: int, completion_tokens: int) -> None:
        """A try has ended and cost this much."""
        with self._changed:
            self._held[0] -= hold.prompt_tokens
            self._held[1] -= hold.completion_tokens
            self._spent[0] += prompt_tokens
            self._spent[1] += completion_tokens
            self._in_flight -= 1
            self._changed.notify_all()

    @property
    def spending(self) -> Spending:
        """What was used so far."""
        with self._changed:
            prompt, completion = self._spent
            return Spending(
                sent=self._sent,
                retried=self._retried,
                prompt_tokens=prompt,
                completion_tokens=completion,
                cost=self._price(prompt, completion)
                if self.price_prompt is not None or self.price_completion is not None
                else None,
            )

    def _fits(self, prompt_tokens: int, completion_tokens: int) -> bool:
        prompt = self._spent[0] + self._held[0] + prompt_tokens
        completion = self._spent[1] + self._held[1] + completion_tokens
        if self.tokens is not None and prompt + completion > self.tokens:
            return False
        return self.cost is None or self._price(prompt, completion) <= self.cost

    def _price(self, prompt_tokens: int, completion_tokens: int) -> float:
        return (prompt_tokens * (self.price_prompt or 0.0) + completion_tokens * (self.price_completion or 0.0)) / 1e6
