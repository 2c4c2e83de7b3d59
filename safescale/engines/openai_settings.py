"""Options of the ``openai`` engine, checked at once; and the key, which only the environment holds."""

from __future__ import annotations

import json
import os
import re
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, cast

import attrs

from safescale.engines.engine import EngineSpec
from safescale.errors import DomainError

__all__ = ["Dialect", "Key", "Settings", "base_url_of", "settings_of"]

Dialect = Literal["auto", "vllm", "openai"]
Structured = Literal["auto", "structured_outputs", "guided", "response_format", "none"]
Prefill = Literal["auto", "continue_final_message", "plain", "none"]
Send = Literal["auto", "messages", "token_ids"]

DIALECTS: Final = ("auto", "vllm", "openai")
STRUCTURED: Final = ("auto", "structured_outputs", "guided", "response_format", "none")
PREFILLS: Final = ("auto", "continue_final_message", "plain", "none")
SENDS: Final = ("auto", "messages", "token_ids")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
KEY_HEADERS: Final = ("Authorization", "api-key", "x-api-key")


def _positive(_: object, attribute: attrs.Attribute[Any], value: float | None) -> None:
    if value is not None and not value > 0:
        raise DomainError(f"option {attribute.name} of the engine openai must be above 0, got {value!r}")


def _not_negative(_: object, attribute: attrs.Attribute[Any], value: float | None) -> None:
    if value is not None and not value >= 0:
        raise DomainError(f"option {attribute.name} of the engine openai must not be negative, got {value!r}")


def _one_of(*allowed: str) -> Callable[[object, attrs.Attribute[Any], Any], None]:
    def check(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value not in allowed:
            raise DomainError(f"option {attribute.name} of the engine openai is one of {', '.join(allowed)}, got {value!r}")

    return check


@attrs.frozen(kw_only=True)
class Settings:
    """
    How a server is asked.

    Parameters
    ----------
    concurrency : int, default 32
        Requests in flight at most (``batch_size`` of the spec, where it is given and this is not).
    timeout_s : float, default 600
        Seconds for one whole exchange, from first byte sent to last byte read.
    connect_timeout_s : float, default 10
        Seconds for a connection to stand.
    start_wait_s : float, default 0
        Seconds to wait, when the engine is opened, for a server that does not listen yet.
    retries : int, default 5
        Times a request is sent again after a fault that may pass (twice after a time-out or a malformed answer at most).
    backoff_s, backoff_cap_s : float, default 1 and 60
        First wait and longest wait (s) between two tries; doubled each time, with jitter.
    max_wait_s : float, default 300
        Longest Retry-After (s) that is waited for; beyond it requests fail as RATE_LIMITED, and a resumed run asks again.
    requests_per_minute, tokens_per_minute : float, optional
        Limits of the account. Tokens: those of the prompt (estimated, one for 4 bytes) and ``max_tokens``, as servers count.
    token_budget : int, optional
        Tokens (prompt and answer) that may be spent while the engine is open.
    cost_budget : float, optional
        Money that may be spent while the engine is open, in the currency of the prices.
    price_prompt, price_completion : float, optional
        Price of a million tokens.
    dialect : {"auto", "vllm", "openai"}
        What the server understands beyond the common part; "auto" asks it (``/version``, owner in ``/v1/models``).
    structured : {"auto", "structured_outputs", "guided", "response_format", "none"}
        How a constraint is sent; "guided" is that of vLLM before 0.11.
    prefill : {"auto", "continue_final_message", "plain", "none"}
        How an answer is begun; "plain" for servers that continue a last message of the assistant by themselves.
    send : {"auto", "messages", "token_ids"}
        Token ids are sent where the spec has a tokenizer (vLLM only): the chat template is then rendered here, once.
    max_tokens_field : str, default "max_tokens"
        "max_completion_tokens" for OpenAI's reasoning models.
    leave_out : tuple of str
        Fields of a request that the server refuses (as an option: names with commas between, "temperature,top_p").
    extra_body : mapping
        More fields of every request (as an option: a JSON object as text).
    api_key_header : str, default "Authorization"
        Or "api-key" or "x-api-key", without "Bearer".
    check : bool, default True
        Ask the server for its models when the engine is opened, and refuse a model that it does not list.
    """

    concurrency: int = attrs.field(default=32, validator=_positive)
    timeout_s: float = attrs.field(default=600.0, validator=_positive)
    connect_timeout_s: float = attrs.field(default=10.0, validator=_positive)
    start_wait_s: float = attrs.field(default=0.0, validator=_not_negative)
    retries: int = attrs.field(default=5, validator=_not_negative)
    backoff_s: float = attrs.field(default=1.0, validator=_not_negative)
    backoff_cap_s: float = attrs.field(default=60.0, validator=_not_negative)
    max_wait_s: float = attrs.field(default=300.0, validator=_not_negative)
    requests_per_minute: float | None = attrs.field(default=None, validator=_positive)
    tokens_per_minute: float | None = attrs.field(default=None, validator=_positive)
    token_budget: int | None = attrs.field(default=None, validator=_not_negative)
    cost_budget: float | None = attrs.field(default=None, validator=_not_negative)
    price_prompt: float | None = attrs.field(default=None, validator=_not_negative)
    price_completion: float | None = attrs.field(default=None, validator=_not_negative)
    dialect: Dialect = attrs.field(default="auto", validator=_one_of(*DIALECTS))
    structured: Structured = attrs.field(default="auto", validator=_one_of(*STRUCTURED))
    prefill: Prefill = attrs.field(default="auto", validator=_one_of(*PREFILLS))
    send: Send = attrs.field(default="auto", validator=_one_of(*SENDS))
    max_tokens_field: str = attrs.field(default="max_tokens", validator=_one_of("max_tokens", "max_completion_tokens"))
    leave_out: tuple[str, ...] = ()
    extra_body: Mapping[str, object] = attrs.field(factory=dict)
    api_key_header: str = attrs.field(default="Authorization", validator=_one_of(*KEY_HEADERS))
    check: bool = True

    def __attrs_post_init__(self) -> None:
        if self.cost_budget is not None and (self.price_prompt is None or self.price_completion is None):
            raise DomainError("a cost_budget needs price_prompt and price_completion, each for a million tokens")


def settings_of(spec: EngineSpec) -> Settings:
    """
    Settings that a spec asks for.

    Raises
    ------
    DomainError
        For an option that is unknown, of another type, or outside its range, with its name and value.
    """
    known = {field.name: field for field in attrs.fields(Settings)}
    given: dict[str, object] = {}
    for name, value in spec.options.items():
        if name not in known:
            raise DomainError(f"the engine openai has no option {name!r}; it has {', '.join(known)}")
        given[name] = _converted(name, value, known[name].type)
    if spec.batch_size is not None:
        given.setdefault("concurrency", spec.batch_size)
    return Settings(**given)  # type: ignore[arg-type]


def _converted(name: str, value: object, wanted: object) -> object:
    words = str(wanted)
    if name == "leave_out":
        return tuple(part.strip() for part in str(value).split(",") if part.strip())
    if name == "extra_body":
        return _extra_body(value)
    if value is None and "None" in words:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if words == "bool":
        fits = isinstance(value, bool)
    elif words.startswith("int"):
        fits = is_number and value == int(cast(float, value))
        value = int(cast(float, value)) if fits else value
    elif words.startswith("float"):
        fits = is_number
    else:
        fits = isinstance(value, str)
    if not fits:
        raise DomainError(f"option {name} of the engine openai is of type {words}, got {value!r}")
    return value


def _extra_body(value: object) -> Mapping[str, object]:
    try:
        made = json.loads(str(value))
    except ValueError as error:
        raise DomainError(f"option extra_body of the engine openai is a JSON object as text: {error}") from None
    if not isinstance(made, dict):
        raise DomainError(f"option extra_body of the engine openai is a JSON object as text, got {str(value)[:60]!r}")
    return made


@attrs.frozen
class Key:
    """
    A key by the name of its environment variable.

    It is read when a request is sent and kept nowhere; ``scrubbed`` takes it out of what a server says, as some repeat it.
    """

    variable: str | None
    header: str = "Authorization"

    def __attrs_post_init__(self) -> None:
        if self.variable is None:
            return
        if not _VARIABLE.fullmatch(self.variable):
            raise DomainError(
                "api_key_env is no name of an environment variable (it is not repeated here: it may be the key itself); put the "
                "key into a variable, and name that"
            )
        value = os.environ.get(self.variable)
        if not value:
            step = f"export {self.variable}=..., or leave api_key_env out for a server without keys"
            raise DomainError(f"the environment variable {self.variable!r} (api_key_env) is not set; {step}")
        if not value.isascii() or not value.isprintable() or " " in value:
            raise DomainError(
                f"the key in {self.variable!r} holds a space, a line end or a character that no key has; set it again"
            )

    def headers(self) -> dict[str, str]:
        """The header that carries it; none without a key."""
        value = self._value()
        if value is None:
            return {}
        return {self.header: f"Bearer {value}" if self.header == "Authorization" else value}

    def scrubbed(self, text: str) -> str:
        """The text without the key."""
        value = self._value()
        return text.replace(value, "***") if value else text

    def _value(self) -> str | None:
        return os.environ.get(self.variable) if self.variable is not None else None


def base_url_of(spec: EngineSpec) -> str:
    """
    Base URL of a spec, with ``/v1`` where it names a host alone.

    Raises
    ------
    DomainError
        Without one, or for one that is no http(s) URL or carries a password (it is not repeated).
    """
    if spec.base_url is None:
        raise DomainError("the engine openai needs the address of a server: base_url: http://127.0.0.1:8000/v1")
    url = urllib.parse.urlsplit(spec.base_url)
    if url.username or url.password:
        raise DomainError(
            "base_url carries a name or a password; put the key into an environment variable and name it in api_key_env"
        )
    try:
        port = url.port
    except ValueError:
        port = 0
    if url.scheme not in ("http", "https") or not url.hostname or port == 0:
        raise DomainError(f"base_url must be http://HOST[:PORT]/PATH or https://..., got {spec.base_url!r}")
    path = url.path.rstrip("/") or "/v1"
    return urllib.parse.urlunsplit((url.scheme, url.netloc, path, url.query, ""))
