"""Taking an id or file stem apart: host, organisation, name, tag; and one spelling for what is left."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping
from typing import Final

import attrs

from safescale.registry.catalogue import read_table
from safescale.registry.families import Family, alias_matches

__all__ = ["IdParts", "Organisations", "organisations", "spelled_name", "split_id"]

_EXTENSION: Final = re.compile(r"\.(?:gguf|jsonl?|csv|safetensors)$")
_ROUTER_VARIANT: Final = re.compile(r"(?::(?:free|nitro|floor|online|extended|exacto|beta)|[-_]free)+$")
_BEDROCK: Final = re.compile(
    r"^(?:(?:us|eu|apac|ap|global|us-gov|jp|au|ca)\.)?"
    r"(anthropic|meta|amazon|mistral|cohere|ai21|deepseek|qwen|openai|writer|nvidia|minimax|moonshot|google)\.([a-z].*)$"
)
_BEDROCK_REVISION: Final = re.compile(r"-v\d+(?:[:-]\d+(?:[:-]\d+k)?)?$|-\d+:\d+$")
_COLON_PREFIX: Final = re.compile(
    r"^(openai|azure|azureopenai|anthropic|google|vertex|bedrock|openrouter|ollama|huggingface|replicate|togetherai|groq|fireworks|"
    r"cerebras|localai|vllm|litellm|xai)"
    r"(?::(?:chat|completions?|messages|responses|text-generation|assistants?|realtime))?:(?=[^:]*[a-z])"
)
"""promptfoo's ids: provider, sometimes the kind of call, model. A family that is a provider too (``mistral:7b``) is not here."""
_PATH: Final = re.compile(r"^(?:.*/)?(accounts|publishers)/([^/]+)/models/(.+)$")
_QUANTISATION: Final = re.compile(
    r"(?:(?<=[-_.:])|^)(?:(?:ud[-_])?i?q\d(?:[-_](?:k(?:[-_](?:xl|xs|s|m|l))?|0|1|xxs|xs|s|m|nl))*|gguf|ggml|gptq|awq|exl[23]|mlx|"
    r"(?:b|n)?f(?:p)?(?:4|8|16|32)(?:[-_](?:dynamic|e4m3|e5m2))?|mxfp\d|nvfp\d|int[2348]|w\da\d{1,2}|bnb|[2-8][-_]?bits?|"
    r"\d(?:\.\d+)?bpw|imat(?:rix)?|quanti[sz]ed|hqq|g(?:32|64|128))(?=[-_.:]|$)"
)
_FOLDERS: Final = frozenset({"models", "model", "checkpoints", "results", "outputs", "data", "blob", "main"})
_BETWEEN_WORDS: Final = re.compile(r"[\s()\[\]{},;/|=@~\"'`]+")
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_P_FOR_DOT: Final = re.compile(r"(?<![a-z0-9])([a-z]*\d{1,2})p(\d{1,2}b?)(?![a-z0-9])")
_RUN_OF_DASHES: Final = re.compile(r"[-_]{2,}")
_EXPERT_UNDERSCORE: Final = re.compile(r"(\dx\d+)_(\d+b)")
_V_UNDERSCORE: Final = re.compile(r"(?<![a-z0-9])(v\d{1,2})_(\d{1,2})(?=[-_]|$)")
_MINOR: Final = re.compile(r"[-_]?v?(\d{1,2})([-_])(\d{1,2})(?=[-_]|$)")
_NUMBER_BEFORE_SIZE: Final = re.compile(r"(?:^|[-_])\d{1,2}[-_]\d{1,3}[bm](?=[-_]|$)")
_ONE_DIGIT_SIZE: Final = re.compile(r"^\d[bm]$")


@attrs.frozen(kw_only=True)
class Organisations:
    """Who stands before a slash."""

    hosts: Mapping[str, str]
    developers: Mapping[str, str]
    repackagers: frozenset[str]
    closed: frozenset[str]
    """Developers who publish no weights."""


@attrs.frozen(kw_only=True)
class IdParts:
    """An id taken apart; every part lower case."""

    host: str | None
    org: str | None
    name: str
    """Last segment without tag and router variant, as written."""
    tag: str | None
    interventions: tuple[str, ...] = ()
    """What stands after '+'."""
    custom_fine_tune: bool = False
    """``ft:...``: fine-tuned by a customer of the developer."""


@functools.cache
def organisations() -> Organisations:
    """The table of hosts and organisations."""
    raw = read_table("orgs.toml")
    return Organisations(
        hosts=raw["hosts"],
        developers=raw["developers"],
        repackagers=frozenset(raw["repackagers"]["names"]),
        closed=frozenset(raw["closed"]["developers"]),
    )


def split_id(model_id: str) -> IdParts:
    """Host, organisation, name and tag of an id or file stem."""
    text = _EXTENSION.sub("", unicodedata.normalize("NFKC", model_id).strip().lower())
    host: str | None = None
    if (plain := _ROUTER_VARIANT.sub("", text)) != text:
        text, host = plain, "openrouter"
    text = _COLON_PREFIX.sub(r"\1/", text)
    text, *interventions = text.split("+")
    custom = text.startswith(("ft:", "ft-"))
    text = text[3:] if custom else text
    prefixed, org, name = _strip_prefixes(text)
    host = prefixed or host
    name, tag, tag_host = _split_tag(name, ollama_like=host in (None, "ollama", "ollama-cloud", "huggingface"), custom=custom)
    if host == "huggingface" and tag_host:
        host = tag_host  # "ollama run hf.co/Org/Model:Q4_K_M"
    return IdParts(
        host=host or tag_host,
        org=org,
        name=name,
        tag=tag,
        interventions=tuple(word.strip(" -_") for word in interventions),
        custom_fine_tune=custom,
    )


def _strip_prefixes(text: str) -> tuple[str | None, str | None, str]:
    """Host, organisation and the rest, from slashes, cloud paths, or the underscores of a file stem."""
    known = organisations()
    if path := _PATH.match(text):
        return ("fireworks", None, path[3]) if path[1] == "accounts" else ("vertex", path[2], path[3])
    segments = [segment for segment in text.split("/") if segment]
    host: str | None = None
    while len(segments) > 1 and segments[0] in known.hosts:
        prefix = known.hosts[segments.pop(0)]
        host = host or prefix
    name = segments[-1] if segments else ""
    middle = segments[:-1]
    host = host or next((known.hosts[segment] for segment in middle if segment in known.hosts), None)
    # in a path on disk the folder is nobody's name
    on_disk = text.startswith(("/", "./", "../", "~"))
    org = next((segment for segment in reversed(middle) if segment not in known.hosts and segment not in _FOLDERS), None)
    org = None if on_disk and org not in known.developers else org
    if org is None:
        stem_host, org, name = _strip_stem_prefixes(name)
        host = host or stem_host
    if bedrock := _BEDROCK.match(name):
        bare = _BEDROCK_REVISION.sub("", bedrock[2])
        return "bedrock", bedrock[1], f"deepseek-{bare}" if bedrock[1] == "deepseek" else bare
    return host, org, name


def _strip_stem_prefixes(name: str) -> tuple[str | None, str | None, str]:
    """As above for file stems, in which '/' was written '_'."""
    known = organisations()
    host: str | None = None
    while True:
        # some organisations have an underscore of their own
        for cut in (found.start() for found in list(re.finditer("_", name))[:2]):
            first, rest = name[:cut], name[cut + 1 :]
            if not rest:
                continue
            if first in known.hosts and host is None:
                host, name = known.hosts[first], rest
                break
            if first in known.developers or first in known.repackagers:
                plain = rest.replace("_", "-")
                # "mistral_7b" opens with a family, not with an organisation
                if not alias_matches(first) or any(start == 0 for _, start, _ in alias_matches(plain)):
                    return host, first, rest
        else:
            return host, None, name


def _split_tag(name: str, *, ollama_like: bool, custom: bool) -> tuple[str, str | None, str | None]:
    """Name, tag, and the host that a tag speaks of."""
    if custom:
        return name.replace(":", "-"), None, None
    base, colon, tag = name.partition(":")
    tag = tag.replace(":", "-").strip("-_ ")
    if not colon or not tag:
        return base, None, None
    if tag == "cloud" or tag.endswith("-cloud"):
        return base, tag.removesuffix("cloud").rstrip("-") or None, "ollama-cloud"
    router = tag in ("thinking", "reasoning")
    return base, tag, ("openrouter" if router else "ollama") if ollama_like else None


def spelled_name(parts: IdParts) -> tuple[str, frozenset[str], bool]:
    """
    Name and tag with '-' between words and '.' in numbers.

    Returns
    -------
    str
        The name, without format words (``gguf``, ``q4_k_m``, ``fp8``).
    frozenset of str
        Sizes in it that could as well be half of a decimal (``smollm2-1-7b``): not to be used.
    bool
        Whether a format word stood there.
    """
    raw = parts.name if parts.tag is None else f"{parts.name}-{parts.tag}"
    raw = _BETWEEN_WORDS.sub("-", _THOUSANDS.sub("", raw)).replace("gpt-35", "gpt-3.5").replace(":", "-")
    text, formats = _QUANTISATION.subn("", raw)
    text = _RUN_OF_DASHES.sub("-", text).strip("-_.")
    if "_" in text:
        text = _V_UNDERSCORE.sub(r"\1.\2", _EXPERT_UNDERSCORE.sub(r"\1.\2", text))
    merged = _merge_minor_versions(_P_FOR_DOT.sub(r"\1.\2", text))
    return *_join_decimals(merged), formats > 0


def _merge_minor_versions(text: str) -> str:
    """``llama-3_1`` and ``claude-3-5`` with a dot, where the family has such a generation (or an underscore says so)."""
    letters = list(text)
    for family, _, end in alias_matches(text.replace("_", "-")):
        position = _after_between(family, text, end)
        if minor := _MINOR.match(text, position):
            attached = minor.start(1) == end
            if f"{minor[1]}.{minor[3]}" in family.generations or (minor[2] == "_" and (attached or "-" in text)):
                letters[minor.start(2)] = "."
    return "".join(letters)


def _after_between(family: Family, text: str, position: int) -> int:
    """Position behind the words that may stand between an alias and its generation."""
    while True:
        for word in family.between:
            if text.startswith(word, position + 1) and text[position + 1 + len(word) : position + 2 + len(word)] in ("-", "_"):
                position += 1 + len(word)
                break
        else:
            return position


def _join_decimals(text: str) -> tuple[str, frozenset[str]]:
    """Read ``1_6b`` as 1.6b; find the sizes of one digit that a lone number before makes doubtful."""
    if not _NUMBER_BEFORE_SIZE.search(text):
        return text.replace("_", "-"), frozenset()
    dashes = "-" in text
    generations = {
        (_after_between(family, text, end), generation)
        for family, _, end in alias_matches(text.replace("_", "-"))
        for generation in family.generations
    }
    tokens = re.split(r"([-_])", text)
    doubtful: set[str] = set()
    words = tokens[:1]
    end_of_previous, end_of_word = 0, len(tokens[0])
    for separator, token in zip(tokens[1::2], tokens[2::2], strict=True):
        last = words[-1]
        if re.fullmatch(r"\d{1,2}", last) and re.fullmatch(r"\d{1,3}[bm]", token):
            is_generation = (end_of_previous, last) in generations
            if last == "0" or (separator == "_" and dashes and not is_generation):
                words[-1] = f"{last}.{token}"
                end_of_previous, end_of_word = end_of_word, end_of_word + 1 + len(token)
                continue
            if not is_generation and (_ONE_DIGIT_SIZE.match(token) or separator == "_"):
                doubtful.add(token)
        words.append(token)
        end_of_previous, end_of_word = end_of_word, end_of_word + 1 + len(token)
    return "-".join(word for word in words if word), frozenset(doubtful)
