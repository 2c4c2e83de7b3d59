"""The decoding loop of the ``transformers`` engine: one batch, left padded, with a cache, each row by its own rules."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import attrs

from safescale.engines.answers import Answer, FaultCode, TokenLogprobs
from safescale.engines.rendering import Rendered
from safescale.engines.residual import ResidualEdits
from safescale.engines.token_choice import TokenChooser
from safescale.engines.token_constraints import TokenConstraint

__all__ = ["Forward", "Row", "finished_rows"]


@attrs.define
class Row:
    """One request while it is answered; ``room`` is the most tokens that it may have."""

    rendered: Rendered
    constraint: TokenConstraint | None
    room: int
    ids: list[int] = attrs.field(factory=list)
    logprobs: list[TokenLogprobs] = attrs.field(factory=list)
    reason: str | None = None
    text: str = ""

    def answer(self) -> Answer:
        """What came of it."""
        request = self.rendered.request
        if self.constraint is not None and not self.constraint.accepting:
            message = f"the answer ended ({self.reason}) before it was whole: {self.text[:200]!r}; raise max_tokens"
            failed = Answer.failed(request, FaultCode.CONSTRAINT_BROKEN, message, text=self.text)
            return attrs.evolve(failed, prompt_tokens=len(self.rendered.token_ids), completion_tokens=len(self.ids))
        return Answer(
            request_id=request.request_id,
            text=self.text,
            finish_reason=self.reason or "unknown",
            prompt_tokens=len(self.rendered.token_ids),
            completion_tokens=len(self.ids),
            seed=request.sampling.seed,
            logprobs=None if request.sampling.logprobs is None else tuple(self.logprobs),
        )

    def takes(self, token: int, tokenizer: Any, end_ids: frozenset[int]) -> None:
        """A token more: sets ``reason`` when the answer ends with it."""
        self.ids.append(token)
        if self.constraint is not None:
            self.constraint.take(token)
        stops = self.rendered.request.sampling.stop
        if token in end_ids:
            self._ends("stop", _decoded(tokenizer, self.ids[:-1]))
            return
        if stops:
            text = _decoded(tokenizer, self.ids)
            places = [place for place in map(text.find, stops) if place >= 0]
            if places:
                self._ends("stop", text[: min(places)])
                return
        if self.constraint is not None and self.constraint.finished:
            self._ends("stop", _decoded(tokenizer, self.ids))
        elif len(self.ids) >= self.room:
            self._ends("length", _decoded(tokenizer, self.ids))

    def _ends(self, reason: str, text: str) -> None:
        self.reason = reason
        self.text = self.constraint.text(text) if self.constraint is not None else text


def _decoded(tokenizer: Any, ids: Sequence[int]) -> str:
    return str(tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False))


@attrs.frozen(kw_only=True)
class Forward:
    """A model's ``forward``, called under the names that it has."""

    model: Any
    cache_name: str
    positions: bool
    last_only: bool
    edits: ResidualEdits | None = None

    @classmethod
    def of(cls, model: Any, bare: Any, edits: ResidualEdits | None = None) -> Forward:
        """``bare`` is the model inside adapters, whose signature counts; ``edits`` are on in every call."""
        names = inspect.signature(bare.forward).parameters
        # transformers renamed it between 5.19 and 5.24; models with a state instead of keys and values have a third name
        cache = next((name for name in ("cache", "past_key_values", "cache_params") if name in names), "past_key_values")
        return cls(
            model=model, cache_name=cache, positions="position_ids" in names, last_only="logits_to_keep" in names, edits=edits
        )

    def __call__(self, tokens: Any, mask: Any, positions: Any, cache: Any) -> tuple[Any, Any]:
        """Logits of the last tokens, shape (rows, vocabulary), fp32 at least; and the cache."""
        import torch

        given: dict[str, Any] = {} if cache is None else {self.cache_name: cache}
        if self.positions:
            given["position_ids"] = positions
        if self.last_only:
            given["logits_to_keep"] = 1
        if cache is None or not _is_state(cache):
            given["attention_mask"] = mask
        with nullcontext() if self.edits is None else self.edits.on(prompt=cache is None, mask=mask):
            out = self.model(input_ids=tokens, use_cache=True, **given)
        logits = out.logits[:, -1, :]
        return logits if logits.dtype is torch.float64 else logits.to(torch.float32), getattr(out, self.cache_name)


def finished_rows(
    forward: Forward,
    rows: Sequence[Row],
    *,
    tokenizer: Any,
    end_ids: frozenset[int],
    pad_id: int,
    device: Any,
    wearing: Callable[[], AbstractContextManager[None]],
) -> Iterator[Row]:
    """
    Rows as they finish.

    Every sum over a row runs over its own tokens only (the padding is masked, positions count from its first token), so its answer
    does not depend on the other rows, up to the rounding of the matrix products.

    Parameters
    ----------
    forward : Forward
        The model.
    rows : sequence of Row
        Rendered, with room for at least one token each.
    tokenizer : transformers tokenizer
        For stop texts and log-probabilities.
    end_ids : frozenset of int
        Tokens that end an answer.
    pad_id : int
        What short prompts are filled up with, on the left.
    device : torch.device
        Of the model.
    wearing : callable
        Context in which the rows' adapter is on, around each call of the model.
    """
    import torch

    width = max(len(row.rendered.token_ids) for row in rows)
    padded = [[pad_id] * (width - len(row.rendered.token_ids)) + list(row.rendered.token_ids) for row in rows]
    seen = [[0] * (width - len(row.rendered.token_ids)) + [1] * len(row.rendered.token_ids) for row in rows]
    tokens, mask = torch.tensor(padded, device=device), torch.tensor(seen, device=device)
    positions = (mask.cumsum(dim=-1) - 1).clamp(min=0)
    chooser = TokenChooser([row.rendered.request.sampling for row in rows], [row.room for row in rows], device)
    # which row stands in which place of the tensors, and the places of those that are not finished
    standing, going, cache = list(rows), list(range(len(rows))), None
    number = {id(row): place for place, row in enumerate(rows)}
    while True:
        with torch.no_grad(), wearing():
            logits, cache = forward(tokens, mask, positions, cache)
        live = [standing[place] for place in going]
        logits = _masked(logits if len(going) == len(standing) else logits[going], live)
        chosen = chooser.choose(logits, [number[id(row)] for row in live], [len(row.ids) for row in live])
        _note_logprobs(logits, chosen, live, tokenizer)
        for row, token in zip(live, chosen.tolist(), strict=True):
            row.takes(token, tokenizer, end_ids)
        yield from (row for row in live if row.reason is not None)
        keep = [place for place, row in enumerate(live) if row.reason is None]
        if not keep:
            return
        tokens = torch.full((len(standing), 1), pad_id, device=device)
        tokens[going, 0] = chosen
        going = [going[place] for place in keep]
        if len(going) < len(standing) and _can_select(cache):
            kept = torch.tensor(going, device=device)
            cache.batch_select_indices(kept)
            tokens, mask, positions = tokens[kept], mask[kept], positions[kept]
            standing, going = [standing[place] for place in going], list(range(len(going)))
        positions = positions[:, -1:] + 1
        mask = torch.cat([mask, mask.new_ones((len(standing), 1))], dim=-1)


def _is_state(cache: Any) -> bool:
    """Whether it holds a state and no keys (Mamba): padding was left out of it at the prompt, and a later token has none."""
    layers = getattr(cache, "layers", ())
    return bool(layers) and not any(hasattr(layer, "batch_select_indices") for layer in layers)


def _can_select(cache: Any) -> bool:
    """Whether finished rows can leave; the caches of some models (Mamba) know no such thing, and their rows are carried on."""
    layers = getattr(cache, "layers", ())
    return hasattr(cache, "batch_select_indices") and all(hasattr(layer, "batch_select_indices") for layer in layers)


def _masked(logits: Any, rows: Sequence[Row]) -> Any:
    import torch

    bound = [place for place, row in enumerate(rows) if row.constraint is not None]
    if not bound:
        return logits
    forbidden = torch.zeros(logits.shape, dtype=torch.bool)
    for place in bound:
        constraint = rows[place].constraint
        allowed = constraint.allowed() if constraint is not None else None
        # nothing allowed: leave the row free; it is not accepting, so its answer is a fault
        if allowed is not None and allowed.any():
            forbidden[place] = torch.from_numpy(~allowed)
    return logits.masked_fill(forbidden.to(logits.device), float("-inf"))


def _note_logprobs(logits: Any, chosen: Any, rows: Sequence[Row], tokenizer: Any) -> None:
    """Of the model's distribution after a constraint's mask, before temperature, top_k and top_p (nats)."""
    wanted = [place for place, row in enumerate(rows) if row.rendered.request.sampling.logprobs is not None]
    if not wanted:
        return
    logs = logits[wanted].log_softmax(dim=-1)
    for number, place in enumerate(wanted):
        row, token = rows[place], int(chosen[place])
        count = row.rendered.request.sampling.logprobs or 0
        before = row.ids[-1] if row.ids else row.rendered.token_ids[-1]
        best = logs[number].topk(min(count, logs.shape[-1]))
        pairs = [(int(i), float(v)) for v, i in zip(best.values, best.indices, strict=True) if v > float("-inf")]
        row.logprobs.append(
            TokenLogprobs(
                token=_piece(tokenizer, before, token),
                logprob=float(logs[number, token]),
                alternatives=tuple((_piece(tokenizer, before, other), value) for other, value in pairs),
            )
        )


def _piece(tokenizer: Any, before: int, token: int) -> str:
    """What a token adds to a text: some tokenizers drop the space before a token that stands alone."""
    alone = tokenizer.decode([before], skip_special_tokens=False, clean_up_tokenization_spaces=False)
    both = tokenizer.decode([before, token], skip_special_tokens=False, clean_up_tokenization_spaces=False)
    return str(both[len(alone) :])
