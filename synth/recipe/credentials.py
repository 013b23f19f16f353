"""Keys: which texts are one, where one may stand in a recipe, how an address is written without its own, and how one that a server
repeats is made `[key]`."""

import base64
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlsplit

from synth.errors import ConfigError

MASK = "[key]"
SHOWN, KEPT = 6, 16
"""Characters from which on a secret is taken out of messages, and out of replies: a shorter one may be a word like any other."""
VERSION = "api-version"
"""The one parameter in an address's query whose value is no secret."""

_PREFIXED = re.compile(
    r"(?<![A-Za-z0-9])(?:[spr]k-|[spr]k_(?:live|test|prod)_|gsk_|hf_|gh[opsur]_|github_pat_|glpat-|xox[abeprs]-|nvapi-|xai-|pplx-"
    r"|r8_|fw_|tgp_|AKIA|ASIA|AIza|ALTAK-|LTAI|bce-v3/|eyJ)[-_/.+=A-Za-z0-9]{10,}"
)
_LONG = re.compile(r"(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{20,}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NAMED = re.compile(r"(?i)secret|passw|credential|api[-_]?key")
_OF_KEYS = re.compile(
    r"(?i)secret|passw|credential|authoriz|bearer|cookie|signature|api[-_.]?key|(?:^|[-_.])(?:key|auth|token)$"
    r"|(?:access|auth|private|subscription|master|license|account|security|session|client|refresh)[-_.]?(?:key|token)"
)
_HARMLESS = re.compile(
    r"(?i)prompt_cache_key|(?:bos|eos|pad|unk|sep|cls|mask|stop|image|video|audio|think)[-_.]?\w*token"
)
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
_BESIDE = re.compile(r"(?:[A-Za-z]{1,16} )?")
"""What may stand before a variable in a header of keys: `Bearer`."""
_NAME = re.compile(r"[A-Za-z_]\w*")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def is_key(text: str) -> bool:
    """Whether a text looks like a credential, an API key: it begins like those of a known kind, is long and random, or
    calls itself one."""
    text = text.strip()
    if _PREFIXED.search(text):
        return True
    word = text.removeprefix("Bearer ").removeprefix("Basic ")
    if any(map(str.isspace, word)):
        return False
    return word != text or _is_key_as_name(text) or (len(text) >= 12 and _NAMED.search(text) is not None)


def _is_key_as_name(text: str) -> bool:
    """Where a name belongs, `CLIENT_SECRET` is one."""
    return any(pattern.search(text) for pattern in (_PREFIXED, _UUID, _LONG))


def names_key(name: str) -> bool:
    """Whether a header or a field of that name is one for a credential, an API key."""
    return _OF_KEYS.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)) is not None and not _HARMLESS.fullmatch(name)


def hidden(text: str) -> str:
    """A text that may hold somebody's credentials, with what begins like an API key of a known kind made `[key]`."""
    return _PREFIXED.sub(MASK, text)


# --- where a recipe may hold one ---


def check_variable(name: str | None) -> str | None:
    """ValueError where an API key stands in the place of the variable that holds it; it is not shown."""
    if name is not None and (not _NAME.fullmatch(name) or _is_key_as_name(name)):
        raise ValueError(
            "takes the name of an environment variable, not a key; export the key and name it (OPENAI_API_KEY)"
        )
    return name


def check_headers(headers: Mapping[str, str]) -> None:
    """ValueError for a header that could not be sent, and for one that holds a credential itself in place of
    `$NAME`."""
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or _is_key_as_name(name):
            raise ValueError("a name is none that a header can have; write name: value, and a key as $NAME")
        if any(ord(c) < 32 or ord(c) == 127 for c in value):
            raise ValueError(f"header {name} holds a line break or another control character; write it on one line")
        literal = _VARIABLE.sub("", value)
        named = variables(value)
        held = not (named and _BESIDE.fullmatch(literal)) if names_key(name) and value else is_key(literal)
        if held or any(map(_is_key_as_name, named)):
            raise ValueError(
                f"header {name} holds what looks like a key; export it and name the variable (headers: {{{name}: $MY_KEY}})"
            )


def check_fields(fields: Mapping[str, Any]) -> None:
    """ValueError for a field of a request's body that looks like a credential, an API key: fields are journalled."""
    _check_fields(fields, is_key, "send it as a header (headers: {X-Api-Key: $MY_KEY})")


def check_options(options: Mapping[str, Any]) -> None:
    """ValueError for an option of an engine that looks like a credential; what is long and random is a revision."""
    _check_fields(
        options, lambda text: _PREFIXED.search(text) is not None, "export it as its library reads it (HF_TOKEN)"
    )


def _check_fields(fields: Mapping[str, Any], looks: Callable[[str], bool], way_out: str) -> None:
    for path, under, text in _texts(fields):
        if under or looks(text):
            raise ValueError(f"field {hidden('.'.join(path))} holds what looks like a key; {way_out}")


def _texts(
    value: Any, path: tuple[str, ...] = (), *, under: bool = False
) -> Iterator[tuple[tuple[str, ...], bool, str]]:
    """Every text in nested values: where it stands, whether below the name of a key, and itself."""
    if isinstance(value, Mapping):
        for name, below in value.items():
            # A JSON schema describes fields of any name.
            named = names_key(str(name)) and "properties" not in path
            if _is_key_as_name(str(name)):
                yield path, False, str(name)
            yield from _texts(below, (*path, str(name)), under=under or named)
    elif isinstance(value, list | tuple):
        for below in value:
            yield from _texts(below, path, under=under)
    elif (isinstance(value, str) and value) or (under and isinstance(value, int) and not isinstance(value, bool)):
        yield path, under, str(value)


# --- addresses ---


def check_address(address: str, place: str) -> None:
    """ConfigError for what is no address, or holds credentials (user, password) or a fragment; no key in it is
    shown."""
    try:
        parts = urlsplit(address)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        ours = not any(c.isspace() or not c.isprintable() for c in address)
    except ValueError:
        whole = ours = False
    if (whole and parts.username is not None) or (not whole and "@" in address):
        raise ConfigError(f"{place} holds a user name or password; put the key into the environment instead")
    if not whole or not ours:
        raise ConfigError(f"{place} {shown(address)!r} is no address; write it like http://127.0.0.1:8000/v1")
    if "#" in address:
        raise ConfigError(f"{place} holds a fragment (#…), which no server is sent; leave it out")


def shown(address: str) -> str:
    """A server's address as it may be written down, without credentials: of its query the names alone and the version
    of the API, of its path no key."""
    whole, _, fragment = address.partition("#")
    head, _, query = whole.partition("?")
    scheme, mark, rest = head.rpartition("://")
    if "@" in rest:
        rest = f"{MASK}@{rest.rpartition('@')[2]}"
    rest = "/".join(MASK if _is_key_in_path(part) else part for part in rest.split("/"))
    told = "&".join(_parameter(one) for one in query.split("&")) if query else ""
    return f"{scheme}{mark}{rest}" + (f"?{told}" if told else "") + (f"#{MASK}" if fragment else "")


def _is_key_in_path(part: str) -> bool:
    """Names of models and routes are short words between dashes; what is long, and none, may be a key."""
    words = re.split(r"[-_.]", part)
    return part != MASK and (
        is_key(part) or (len(part) >= KEPT and any(len(word) > 8 for word in words) and part != part.lower())
    )


def _parameter(text: str) -> str:
    name, mark, value = text.partition("=")
    if not mark or _is_key_as_name(name):
        return MASK
    kept = name.lower() == VERSION and re.fullmatch(r"v?[\d.-]{1,12}(?:-?[a-z]{1,8})?|latest|preview", value)
    return f"{name}={value if kept else MASK}"


def _of_address(address: str) -> Iterator[str]:
    """What of an address is not written down, as it stands and as a server reads it."""
    parts = urlsplit(address)
    yield from (part for part in parts.path.split("/") if _is_key_in_path(part))
    for pair in parts.query.split("&"):
        for name, value in parse_qsl(pair):
            if _parameter(pair).endswith(MASK):
                yield from (value, pair.partition("=")[2])
            if _is_key_as_name(name):
                yield name
        if pair and "=" not in pair:
            yield pair


# --- the user's own ---


def from_environment(name: str, place: str, way_out: str = "") -> str:
    """The API key, a credential, in an environment variable. ConfigError for none, and for one that cannot be sent."""
    value = os.environ.get(name, "")
    if not value.strip():
        raise ConfigError(f"{place and f'{place}: '}{name} is not set; export it{way_out}")
    if not value.isascii() or not value.isprintable():
        raise ConfigError(f"{place and f'{place}: '}{name} holds characters that cannot stand in a key; export it anew")
    return value


def filled(headers: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Headers with their credentials filled in: `$NAME` and `${NAME}` read from the environment; and the keys read
    there. ConfigError as `from_environment`."""
    read: list[str] = []

    def value_of(found: re.Match[str], place: str) -> str:
        read.append(from_environment(found[1] or found[2], place))
        return read[-1]

    return {
        name: _VARIABLE.sub(lambda found, place=f"headers.{name}": value_of(found, place), value)  # type: ignore[misc]
        for name, value in headers.items()
    }, read


def variables(text: str) -> list[str]:
    """The environment variables, likely of credentials, that a header names."""
    return [one or other for one, other in _VARIABLE.findall(text)]


@dataclass(frozen=True)
class Secrets:
    """The keys and headers that a backend sends to its server, and how replies and messages are kept free of them."""

    keys: tuple[str, ...]
    """The API keys among the secrets: no reply and no message shows them."""
    other: tuple[str, ...] = ()
    """The headers written out among the secrets: no message shows them, and a reply may say the same."""

    @classmethod
    def sent(cls, address: str, keys: Iterable[str], other: Iterable[str] = ()) -> "Secrets":
        """The credentials sent to a server: these keys and headers, and the keys that its address holds."""
        found = {one.strip() for one in (*keys, *_of_address(address)) if len(one.strip()) >= SHOWN}
        return cls(_longest(found), _longest({one for one in other if len(one) >= SHOWN}))

    @cached_property
    def _kept(self) -> tuple[str, ...]:
        return _longest(form for key in self.keys if len(key) >= KEPT for form in _forms(key))

    def out_of_reply(self, text: str) -> str:
        """A reply without credentials (of 16 characters or more), plain or in a usual encoding; all else as it came."""
        for form in self._kept:
            text = text.replace(form, MASK)
        return text

    def out_of_message(self, text: str) -> str:
        """A message without any credential: nor pieces of a long one, whatever stands between them."""
        text = self.out_of_reply(text)
        for one in (*self.keys, *self.other):
            text = text.replace(one, MASK)
        for key in self.keys:
            text = _without_pieces(text, key) if len(key) >= KEPT else text
        return hidden(text)

    def within(self, value: Any) -> bool:
        """Whether a value that is to be written down holds one of these credentials (API keys)."""
        return any(key in text for _, _, text in _texts(value) for key in self.keys if len(key) >= KEPT)


def _longest(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(texts), key=lambda text: (-len(text), text)))


def _forms(key: str) -> Iterator[str]:
    """A key as it may come back: as it is, in hexadecimal, percent-encoded, in base64 alone or amid other text."""
    data: Final = key.encode()
    yield from (key, key[::-1], data.hex(), data.hex().upper(), quote(key, safe=""))
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            whole = encode(b"\0" * before + data).decode().rstrip("=")
            # The outermost characters hold bits of the neighbours.
            yield whole[(0, 2, 3)[before] : len(whole) - ((before + len(data)) % 3 > 0)]


def _without_pieces(text: str, key: str) -> str:
    places = [at for at, c in enumerate(text) if c.isascii() and c.isalnum()]
    flat, whole = ("".join(c for c in one.lower() if c.isascii() and c.isalnum()) for one in (text, key))
    known = {whole[at : at + SHOWN] for at in range(len(whole) - SHOWN + 1)}
    spans: list[list[int]] = []
    for at_flat in range(len(flat) - SHOWN + 1):
        if flat[at_flat : at_flat + SHOWN] in known:
            first, last = places[at_flat], places[at_flat + SHOWN - 1] + 1
            if spans and first <= spans[-1][1]:
                spans[-1][1] = last
            else:
                spans.append([first, last])
    for first, last in reversed(spans):
        text = text[:first] + MASK + text[last:]
    return text
