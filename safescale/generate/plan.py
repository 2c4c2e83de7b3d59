"""What a run asks: one model's requests over conditions, prompts and repeats, and the id of all that determines the answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import attrs

from safescale.engines import Message, Request, Sampling
from safescale.errors import DomainError
from safescale.generate.conditions import Condition
from safescale.generate.models_file import DeclaredModel, ModelsFile
from safescale.generate.prompt_file import PromptSet, RunPrompt
from safescale.ingest.run_lines import FORMAT

__all__ = ["Planned", "RunPlan", "plan_runs", "request_seed"]

_ID_CHARS: Final = 32
_SEED_BITS: Final = 31  # every engine takes such a seed


class Planned(NamedTuple):
    """One response that is to be had: its id within the run, the request, and what the trace will say of it."""

    response_id: str
    request: Request
    prompt: RunPrompt
    text: str
    condition: Condition
    sample_index: int

    @property
    def attack_class(self) -> str:
        """Attack class of the trace."""
        return self.condition.attack_class or self.prompt.attack_class

    @property
    def prompt_kind(self) -> str:
        """Kind of what is asked."""
        return self.condition.prompt_kind or self.prompt.prompt_kind


@attrs.frozen(kw_only=True)
class RunPlan:
    """
    Everything that one model is asked.

    Parameters
    ----------
    model : DeclaredModel
        The model.
    prompts : PromptSet
        The whole set; its hash is part of the run's id, however few are asked.
    conditions : tuple of Condition
        All conditions of the models file.
    sampling : Sampling
        Without a seed: each request has its own.
    seed : int
        Seed of the run.
    samples : int
        Repeats of each prompt and condition.
    limit : int, optional
        Prompts that are asked, from the first; default all.
    only_conditions : tuple of str
        Names of the conditions under which they are asked; default all.
    """

    model: DeclaredModel
    prompts: PromptSet
    conditions: tuple[Condition, ...]
    sampling: Sampling
    seed: int = 0
    samples: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    limit: int | None = None
    only_conditions: tuple[str, ...] = ()
    identity: Mapping[str, Any] = attrs.field(init=False, default=attrs.Factory(lambda self: _identity(self), takes_self=True))
    run_id: str = attrs.field(init=False, default=attrs.Factory(lambda self: _hash(self.identity)[:20], takes_self=True))

    @property
    def asked_prompts(self) -> tuple[RunPrompt, ...]:
        """Prompts that are asked."""
        return self.prompts.prompts[: self.limit]

    @property
    def asked_conditions(self) -> tuple[Condition, ...]:
        """Conditions under which they are asked."""
        return tuple(c for c in self.conditions if not self.only_conditions or c.name in self.only_conditions)

    @property
    def total(self) -> int:
        """Responses that the plan asks for."""
        return len(self.asked_prompts) * len(self.asked_conditions) * self.samples

    def response_ids(self) -> Iterator[str]:
        """Ids of all responses, in the order of ``requests``."""
        for condition, prompt, sample in self._positions():
            yield self._response_id(prompt, condition, sample)

    def requests(self, *, done: Any = frozenset()) -> Iterator[Planned]:
        """
        What is still to be asked, in an order in which neighbours share their beginning (a server keeps what it computed of it): by
        condition, then by text, repeats together.

        Parameters
        ----------
        done : container of str
            Response ids that are answered.
        """
        for condition, prompt, sample in self._positions():
            response_id = self._response_id(prompt, condition, sample)
            if response_id in done:
                continue
            text = condition.user_text(prompt.prompt, prompt_id=prompt.prompt_id)
            yield Planned(response_id, self._request(text, condition, prompt, sample), prompt, text, condition, sample)

    def _positions(self) -> Iterator[tuple[Condition, RunPrompt, int]]:
        ordered = sorted(self.asked_prompts, key=lambda prompt: prompt.prompt)
        for condition in self.asked_conditions:
            for prompt in ordered:
                for sample in range(self.samples):
                    yield condition, prompt, sample

    def _response_id(self, prompt: RunPrompt, condition: Condition, sample: int) -> str:
        parts = (self.run_id, prompt.prompt_id, condition.name, str(sample))
        content = "".join(f"{len(part)}:{part}" for part in parts)
        return hashlib.sha256(content.encode()).hexdigest()[:_ID_CHARS]

    def _request(self, text: str, condition: Condition, prompt: RunPrompt, sample: int) -> Request:
        messages: tuple[Message, ...] = ()
        raw: str | None = None
        if self.model.send_text:
            raw = "\n\n".join(part for part in (condition.system, text) if part) + (condition.prefill or "")
        else:
            messages = condition.messages(text)
        tags = (
            ("condition", condition.name),
            ("prompt_id", prompt.prompt_id),
            ("prompt_kind", condition.prompt_kind or prompt.prompt_kind),
            ("attack_class", condition.attack_class or prompt.attack_class),
        )
        unseeded = Request(
            messages=messages, text=raw, sampling=self.sampling, adapter=self.model.adapter, sample_index=sample, tags=tags
        )
        seed = request_seed(self.seed, unseeded.request_id, condition.name)
        return attrs.evolve(unseeded, sampling=attrs.evolve(self.sampling, seed=seed))


def request_seed(run_seed: int, request_id: str, condition: str) -> int:
    """
    Seed of one request: a hash of the run's seed, the id of the request without a seed, and the condition. 0 <= seed < 2**31.

    Two conditions that put the same around a prompt (a control of itself) are drawn independently of each other.
    """
    digest = hashlib.sha256(f"{run_seed}:{request_id}:{condition}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - _SEED_BITS)


def plan_runs(
    models: ModelsFile,
    prompts: PromptSet,
    *,
    sampling: Mapping[str, Any] | None = None,
    seed: int = 0,
    samples: int = 1,
    limit: int | None = None,
    only: Sequence[str] = (),
    conditions: Sequence[str] = (),
) -> tuple[RunPlan, ...]:
    """
    One plan a model. Nothing is opened, read or written.

    Parameters
    ----------
    models : ModelsFile
        What ``models.yaml`` says.
    prompts : PromptSet
        The prompts.
    sampling : mapping, optional
        Fields of ``Sampling`` that win over those of the file.
    seed, samples, limit
        As in ``RunPlan``.
    only : sequence of str
        Ids of the models that are asked; default all.
    conditions : sequence of str
        Names of the conditions under which they are asked; default all.

    Raises
    ------
    DomainError
        For a model or condition that the file does not have, or sampling outside its range.
    """
    for what, wanted, known in (
        ("model", only, [m.model_id for m in models.models]),
        ("condition", conditions, [c.name for c in models.conditions]),
    ):
        for name in wanted:
            if name not in known:
                raise DomainError(f"the models file has no {what} {name!r}; it has {', '.join(known)}")
    try:
        return tuple(
            RunPlan(
                model=model,
                prompts=prompts,
                conditions=models.conditions,
                only_conditions=tuple(conditions),
                sampling=Sampling(**{**models.sampling, **model.sampling, **(sampling or {})}),
                seed=seed,
                samples=samples,
                limit=limit,
            )
            for model in models.models
            if not only or model.model_id in only
        )
    except ValueError as error:  # attrs' validators raise it with the attribute behind the words
        raise DomainError(str(error.args[0] if error.args else error)) from None


def _identity(plan: RunPlan) -> dict[str, Any]:
    """What determines the answers. How many are asked for (samples, limit) does not: each request has its own id and seed."""
    sampling = attrs.asdict(plan.sampling, filter=lambda a, _: a.name != "seed")
    return {
        "format": FORMAT,
        "model_id": plan.model.model_id,
        **plan.model.declared,
        "send": "text" if plan.model.send_text else "chat",
        "sampling": {**sampling, "stop": list(plan.sampling.stop)},
        "seed": plan.seed,
        "prompt_set_sha256": plan.prompts.sha256,
        "conditions": {c.name: c.identity for c in plan.conditions},
    }


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()
