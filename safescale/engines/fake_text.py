"""What the fake says when nobody programmed it: words, labels and JSON drawn from the content of the request and its seed."""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Mapping, Sequence
from typing import Final

from safescale.engines.answers import Answer, FaultCode, TokenLogprobs
from safescale.engines.requests import Request

__all__ = ["WORDS", "draw", "drawn_label", "drawn_words", "token_logprobs"]

WORDS: Final = (
    *("amber", "brindle", "cobalt", "dapple", "ember", "fennel", "garnet", "heather", "indigo", "juniper", "kestrel", "lichen"),
    *("marble", "nettle", "ochre", "pebble", "quartz", "russet", "saffron", "teasel", "umber", "velvet", "willow", "yarrow"),
)
_LENGTH: Final = 12
_NARROW: Final = 1e-3


def draw(request: Request, *salt: str) -> bytes:
    """
    32 bytes that are a function of what a model would see and, where something is sampled, of the seed.

    At temperature 0 (or top_k 1, or a nucleus of one token) the seed and the repeat change nothing, as with a model; a sampled
    request without a seed takes its ``sample_index`` instead, so that the fake can always be repeated.
    """
    sampling = request.sampling
    parts = [request.text] if request.text is not None else [f"{m.role}\x1f{m.content}" for m in request.messages]
    content = "\x1e".join([*salt, request.adapter or "", *parts])
    if sampling.temperature > 0 and sampling.top_k != 1 and sampling.top_p > _NARROW:
        content += f"\x1e{sampling.temperature}\x1e{request.sample_index if sampling.seed is None else sampling.seed}"
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=32).digest()


def drawn_words(bits: bytes) -> str:
    """Twelve words."""
    return " ".join([WORDS[byte % len(WORDS)] for byte in bits[:_LENGTH]])


def _shares(labels: Sequence[str], request: Request, model: str) -> list[float]:
    greedy = hashlib.blake2b(("\x1e".join([model, request.adapter or "", *labels, *_texts(request)])).encode()).digest()
    weights = [1 + greedy[place % 64] for place in range(len(labels))]
    return [weight / sum(weights) for weight in weights]


def _texts(request: Request) -> list[str]:
    return [message.content for message in request.messages] or [request.text or ""]


def drawn_label(request: Request, model: str) -> tuple[str, tuple[tuple[str, float], ...]]:
    """One of the choices (the most probable at temperature 0), and the log-probability (nats) of each label."""
    labels = request.constraint.choices if request.constraint is not None else ()
    shares = _shares(labels, request, model)
    with_shares = tuple((label, math.log(share)) for label, share in zip(labels, shares, strict=True))
    sampling = request.sampling
    if sampling.temperature == 0 or sampling.top_k == 1 or sampling.top_p <= _NARROW:
        return max(with_shares, key=lambda pair: pair[1])[0], with_shares
    place = int.from_bytes(draw(request, model, "label")[:8], "big") / 2**64
    for label, share in zip(labels, shares, strict=True):
        place -= share
        if place < 0:
            return label, with_shares
    return labels[-1], with_shares


def drawn_json(request: Request, model: str) -> str | Answer:
    """JSON that a schema of the usual words (enum, const, type, properties, items, bounds) allows; of others CANNOT_CONSTRAIN."""
    body = request.constraint.body if request.constraint is not None else ""
    try:
        schema = json.loads(body)
    except ValueError as error:
        return Answer.failed(request, FaultCode.BAD_REQUEST, f"the schema is no JSON: {error}")
    try:
        value = _instance(schema, random.Random(draw(request, model, "json")))
    except ValueError as error:
        return Answer.failed(request, FaultCode.CANNOT_CONSTRAIN, f"the fake cannot make JSON of this schema: {error}")
    return json.dumps(value, separators=(",", ":"))


_UNKNOWN_WORDS: Final = (
    "$ref",
    "allOf",
    "oneOf",
    "not",
    "if",
    "pattern",
    "format",
    "patternProperties",
    "multipleOf",
    "uniqueItems",
)


def _instance(schema: object, rng: random.Random) -> object:
    if not isinstance(schema, dict):
        raise ValueError(f"{schema!r} is no object")
    for word in _UNKNOWN_WORDS:
        if word in schema:
            raise ValueError(f"it does not know {word!r}")
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if "anyOf" in schema:
        return _instance(rng.choice(schema["anyOf"]), rng)
    kind = schema.get("type", "object" if "properties" in schema else None)
    return _of_type(rng.choice(kind) if isinstance(kind, list) else kind, schema, rng)


def _of_type(kind: object, schema: Mapping[str, object], rng: random.Random) -> object:
    if kind == "object":
        properties = schema.get("properties", {})
        assert isinstance(properties, dict)
        return {name: _instance(one, rng) for name, one in properties.items()}
    if kind == "array":
        low = _number(schema, "minItems", 1)
        return [
            _instance(schema.get("items", {"type": "string"}), rng) for _ in range(int(min(low, _number(schema, "maxItems", low))))
        ]
    if kind == "string":
        text = rng.choice(WORDS)
        while len(text) < _number(schema, "minLength", 0):
            text += rng.choice(WORDS)
        return text[: int(_number(schema, "maxLength", len(text)))]
    if kind == "boolean":
        return rng.random() < 0.5
    if kind == "null":
        return None
    if kind in ("integer", "number"):
        low = _number(schema, "minimum", _number(schema, "maximum", 1) - 1)
        high = _number(schema, "maximum", low + 9)
        return rng.randint(math.ceil(low), math.floor(high)) if kind == "integer" else rng.uniform(low, high)
    raise ValueError(f"it does not know the type {kind!r}")


def _number(schema: Mapping[str, object], name: str, default: float) -> float:
    value = schema.get(name, default)
    if not isinstance(value, int | float):
        raise ValueError(f"{name} is {value!r}")
    return value


def token_logprobs(words: Sequence[str], alternatives: int, first: Sequence[tuple[str, float]] = ()) -> tuple[TokenLogprobs, ...]:
    """
    Log-probabilities of the words of a text: .6 for the one that was said, halves of the rest for other words.

    Parameters
    ----------
    words : sequence of str
        Tokens, as the fake counts them.
    alternatives : int
        How many come back for each.
    first : sequence of (str, float), optional
        Labels of a choice and their log-probabilities (nats): the first token's alternatives are their first words.
    """
    tokens = [word if place == 0 else f" {word}" for place, word in enumerate(words)]
    made: list[TokenLogprobs] = []
    for place, token in enumerate(tokens):
        others = [f" {word}" if place else word for word in WORDS if word != token.strip()]
        ranked: list[tuple[str, float]] = [(token, 0.6), *((other, 0.2 / 2**rank) for rank, other in enumerate(others))]
        if place == 0 and first:
            sums: dict[str, float] = {}
            for label, logprob in first:
                head = label.split(" ")[0]
                sums[head] = sums.get(head, 0.0) + math.exp(logprob)
            ranked = sorted(sums.items(), key=lambda pair: -pair[1])
        logs = [(word, math.log(share)) for word, share in ranked]
        made.append(TokenLogprobs(token=token, logprob=dict(logs)[token], alternatives=logs[:alternatives]))
    return tuple(made)
