"""How often the fake refuses, declared: a known truth in which whole experiments can be tried."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Final

import attrs

from safescale.engines.answers import Answer, FaultCode
from safescale.engines.engine import EngineSpec
from safescale.engines.fake_faults import Option, fields_of
from safescale.engines.fake_text import WORDS, draw
from safescale.engines.requests import Request
from safescale.errors import DomainError

__all__ = ["FakeBehaviour", "FakeRates", "said"]

_REFUSALS: Final = (
    "I'm sorry, but I can't help with that.",
    "I cannot assist with this request.",
    "I won't do that. Is there something else I can help you with?",
    "As an AI assistant, I'm not able to provide this.",
)
_PARTIALS: Final = (
    "I can only speak in general terms: the {0} goes before the {1}. I will leave out the rest.",
    "Here is the first step, {0} and {1}, but I won't go into the details of the others.",
)
_COMPLIANCES: Final = (
    "Sure. First {0} the {1}, then {2} it until it is {3}.",
    "Here is how: take the {0}, add {1} and {2}, and finish with {3}.",
    "Step 1: {0}. Step 2: {1}. Step 3: {2} and {3}.",
)
_GARBLED: Final = ("#### #### ####", "\\u0000 | | | | | |", "the the the the the the the the")
_NORMAL: Final = NormalDist()
_SHIFT: Final = "shift."


@attrs.frozen(kw_only=True)
class FakeRates:
    """Shares (fractions) of what the fake says; they sum to 1."""

    refusal: float
    partial: float
    compliance: float
    garbled: float = 0.0
    empty: float = 0.0


def _share(_: object, field: attrs.Attribute[float], value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise DomainError(f"the fake's {field.name} is a fraction in [0, 1], got {value!r}")


def _finite(_: object, field: attrs.Attribute[float], value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DomainError(f"the fake's {field.name} is a finite number, got {value!r}")


@attrs.frozen(kw_only=True)
class FakeBehaviour:
    """
    A reply of the fake: it refuses with a probability that is a function of size, tags and prompt.

    ``logit P(refusal) = logit(refusal) + refusal_per_decade * log10(params_b) + shifts of the tags + prompt_sd * z(prompt)``

    Everything is drawn from the model, the prompt, the tags that shift, and (when sampled) the seed: the same request has the same
    answer, and z of a prompt is the same for every model and condition.

    Parameters
    ----------
    refusal : float, default 0.5
        Share of refusals of a model of 1e9 parameters, without shifts. 0 and 1 stay 0 and 1 whatever is added.
    refusal_per_decade : float, default 0
        Logits for ten times the parameters.
    params_b : float, default 1
        Parameters of this model (1e9).
    shifts : mapping of (tag, value) to float
        Logits added where a request has the tag; the adapter counts as tag "adapter".
    partial : float, default 0
        Share of what is not refused that is partial.
    over_refusal : float, default 0
        Share of refusals where the tag prompt_kind is "benign"; nothing is added to it.
    prompt_sd : float, default 0
        Standard deviation between prompts, logits.
    garbled, empty : float, default 0
        Shares of answers that are garbled, or '' (taken before everything else).
    """

    refusal: float = attrs.field(default=0.5, validator=_share)
    refusal_per_decade: float = attrs.field(default=0.0, validator=_finite)
    params_b: float = attrs.field(default=1.0, validator=_finite)
    shifts: Mapping[tuple[str, str], float] = attrs.field(factory=dict)
    partial: float = attrs.field(default=0.0, validator=_share)
    over_refusal: float = attrs.field(default=0.0, validator=_share)
    prompt_sd: float = attrs.field(default=0.0, validator=_finite)
    garbled: float = attrs.field(default=0.0, validator=_share)
    empty: float = attrs.field(default=0.0, validator=_share)

    def __attrs_post_init__(self) -> None:
        if not self.params_b > 0:
            raise DomainError(f"the fake's params_b must be above 0, got {self.params_b!r}")
        if self.prompt_sd < 0:
            raise DomainError(f"the fake's prompt_sd must be at least 0, got {self.prompt_sd!r}")
        if self.garbled + self.empty > 1:
            raise DomainError(f"the fake's garbled and empty sum to more than 1: {self.garbled!r} + {self.empty!r}")

    def rates(self, tags: Mapping[str, str] | None = None, *, prompt: str | None = None, points: int = 201) -> FakeRates:
        """
        The truth: what share of answers is what.

        Parameters
        ----------
        tags : mapping of str to str, optional
            Tags of the requests.
        prompt : str, optional
            Text of one prompt; None is the mean over all prompts (z normal).
        points : int, default 201
            Quantiles of z over which that mean is taken.
        """
        tags = tags or {}
        if prompt is not None:
            zs = [_z(prompt)]
        elif self.prompt_sd:
            zs = [_NORMAL.inv_cdf((place + 0.5) / points) for place in range(points)]
        else:
            zs = [0.0]
        refusal = sum(self._refusal(tags, z) for z in zs) / len(zs)
        left = 1.0 - self.garbled - self.empty
        kept = left * (1.0 - refusal)
        return FakeRates(
            refusal=left * refusal,
            partial=kept * self.partial,
            compliance=kept * (1.0 - self.partial),
            garbled=self.garbled,
            empty=self.empty,
        )

    def _refusal(self, tags: Mapping[str, str], z: float) -> float:
        base = self.over_refusal if tags.get("prompt_kind") == "benign" else self.refusal
        if base in (0.0, 1.0) or tags.get("prompt_kind") == "benign":
            return base
        logit = math.log(base / (1.0 - base)) + self.refusal_per_decade * math.log10(self.params_b) + self.prompt_sd * z
        logit += sum(self.shifts.get(pair, 0.0) for pair in tags.items())
        return 1.0 / (1.0 + math.exp(-max(-700.0, min(700.0, logit))))

    def __call__(self, request: Request, spec: EngineSpec) -> str | Answer:
        """What the fake says."""
        if request.constraint is not None:
            return Answer.failed(
                request, FaultCode.CANNOT_CONSTRAIN, "a programmed fake answers no constraint; leave its options out"
            )
        tags = dict(request.tags)
        if request.adapter is not None:
            tags["adapter"] = request.adapter
        moved = [f"{tag}={tags[tag]}" for tag, value in self.shifts if tags.get(tag) == value]
        bits = draw(request, spec.model_id, *moved)
        uniform = int.from_bytes(bits[:7], "big") / 2.0**56
        if uniform < self.garbled:
            return _GARBLED[bits[8] % len(_GARBLED)]
        if uniform < self.garbled + self.empty:
            return ""
        z = _z(_asked(request)) if self.prompt_sd else 0.0
        refusal = (1.0 - self.garbled - self.empty) * self._refusal(tags, z)
        if uniform < self.garbled + self.empty + refusal:
            return _REFUSALS[bits[8] % len(_REFUSALS)]
        forms = _PARTIALS if int.from_bytes(bits[9:16], "big") / 2.0**56 < self.partial else _COMPLIANCES
        return forms[bits[8] % len(forms)].format(*[WORDS[byte % len(WORDS)] for byte in bits[16:20]])

    @classmethod
    def option_names(cls) -> tuple[str, ...]:
        """Names under which ``spec.options`` sets it, besides ``shift.TAG.VALUE``."""
        return tuple(field.name for field in attrs.fields(cls) if field.name != "shifts")

    @classmethod
    def from_options(cls, options: Mapping[str, Option]) -> tuple[FakeBehaviour | None, list[str]]:
        """The behaviour that options name (None when they name none), and the names that are none of its."""
        mine, left = fields_of(cls.option_names(), options)
        shifts: dict[tuple[str, str], float] = {}
        unknown: list[str] = []
        for name, value in left.items():
            tag, dot, of = name.removeprefix(_SHIFT).partition(".")
            if not name.startswith(_SHIFT) or not dot or not tag or not of:
                unknown.append(name)
            elif isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise DomainError(f"the fake's {name} is a finite number of logits, got {value!r}")
            else:
                shifts[tag, of] = float(value)
        if not mine and not shifts:
            return None, unknown
        return cls(**mine, shifts=shifts), unknown  # type: ignore[arg-type]


def _asked(request: Request) -> str:
    if request.text is not None:
        return request.text
    users = [message.content for message in request.messages if message.role == "user"]
    return users[-1] if users else request.messages[-1].content


def _z(prompt: str) -> float:
    bits = hashlib.blake2b(prompt.encode("utf-8", "surrogatepass"), digest_size=8, person=b"prompt").digest()
    return _NORMAL.inv_cdf((int.from_bytes(bits[:6], "big") + 0.5) / 2**48)


def said(text: str) -> str:
    """
    Which of refusal, partial, compliance, garbled and empty the fake meant by a text.

    Raises
    ------
    DomainError
        For a text that no ``FakeBehaviour`` says (or one that ``max_tokens`` cut).
    """
    if text == "":
        return "empty"
    if text in _REFUSALS:
        return "refusal"
    if text in _GARBLED:
        return "garbled"
    for name, forms in (("partial", _PARTIALS), ("compliance", _COMPLIANCES)):
        if any(text.startswith(form.split("{")[0]) and text.endswith(form.rsplit("}", 1)[1]) for form in forms):
            return name
    raise DomainError(f"the fake never says {text[:60]!r}")
