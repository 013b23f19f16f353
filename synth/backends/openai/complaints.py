"""What the body of an error says, whichever shape it has: its words, its codes, the field it names; never a prompt it repeats."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from synth.backends.openai.bodies import loads
from synth.sanitize import plain

READ, SHOWN = 2**16, 10_000
"""Bytes of an error that are read at most, and characters of one that is no JSON."""
_DEPTH, _NODES, _PART = 6, 300, 2_000
_MESSAGES: Final = frozenset(
    [
        "message",
        "msg",
        "error_msg",
        "errmsg",
        "errormessage",
        "error_message",
        "detail",
        "details",
        "error",
        "error_description",
        "status_msg",
        "title",
        "reason",
        "reasons",
        "raw",
        "description",
        "err",
        "errors",
        "metadata",
        "blockreasonmessage",
        "block_reason_message",
    ]
)
_BLOCKED: Final = frozenset(["blockreason", "block_reason"])
_CODES: Final = frozenset(
    [
        "code",
        "type",
        "error_code",
        "error_type",
        "status_code",
        "err_code",
        "errcode",
        "status",
        "errorcode",
        "quotaid",
        "__type",
    ]
)
_ERRORS: Final = frozenset(["error", "err", "errors", "base_resp", "promptfeedback", "prompt_feedback"])
"""Names under which an error stands, however deep within what else is told."""
_REPEATED: Final = frozenset(["input", "inputs", "prompt", "message", "messages", "request", "metadata", "usage"])
"""Names under which what was asked may stand."""
_SHOWN: Final = ("message", "msg", "error_msg", "error_message", "errmsg", "detail", "status_msg", "blockreasonmessage")
_FIELDS: Final = frozenset(["param", "loc", "parameter", "field"])
_HTML = re.compile(r"\s*<(?:!doctype|html|head|\?xml)", re.IGNORECASE)
_TAG = re.compile(r"<(script|style)\b[^>]{0,200}>.{0,5000}?</\1>|<[^>]{0,500}>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an error's body says: `words` to be shown, `messages` and `codes` to be read, the `field` it names in a place of its own."""

    words: str
    messages: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    field: str | None = None
    numbered: tuple[str, str] | None = None
    """Where its number stands (`base_resp`, `error_code`, `code`, `error`), and the number: providers count for themselves."""
    page: bool = False
    """Whether it is a web page: no server of models, but something in front of it."""


def complaint_in(body: bytes | bytearray) -> Complaint:
    """What an error's body says; of one that is no JSON its text."""
    text = bytes(body[:READ]).decode("utf-8", "replace")
    try:
        found = loads(body) if len(body) <= READ else None
    except ValueError:
        found = None
    if not isinstance(found, dict | list | str) or not found:
        page = _HTML.match(text) is not None
        shown = " ".join((_TAG.sub(" ", text[:SHOWN]) if page else text[:SHOWN]).split())
        return Complaint(shown, () if page else (shown[:_PART],), page=page)
    parts = list(_parts(found))
    messages = tuple(plain(text[:_PART]) for kind, text in parts if kind == "message")
    codes = tuple(
        plain(f"prompt blocked {text}"[:200] if kind == "block" else text[:200])
        for kind, text in parts
        if kind in ("code", "block")
    )
    field = next((text for kind, text in parts if kind == "field"), None)
    return Complaint(plain(_words(found))[:SHOWN], messages, codes, field, _numbered(found))


def status_in(completion: Any) -> int | None:
    """The status of an error that came as if all was well (200), in place of choices: the one it names, else 400. None for what is
    no error."""
    if not isinstance(completion, dict) or completion.get("choices"):
        return None
    errors = [below for name, below in _errors(completion) if _is_error(name, below)]
    named = any(completion.get(name) for name in ("error_code", "error_msg", "detail"))
    coded = any(
        one.get("code") not in (None, 0, 200, "0", "200", "") and any(one.get(name) for name in ("message", "msg"))
        for one in (completion, completion.get("header"))
        if isinstance(one, dict)
    )
    if not (errors or named or coded or completion.get("success") is False):
        return None
    for one in (*errors, completion):
        for told in (one.get("code"), one.get("status")) if isinstance(one, dict) else ():
            if re.fullmatch(r"[45]\d\d", str(told)):
                return int(str(told))
    return 400


def _errors(found: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """What stands under a name of errors, and the name; the outermost first."""
    if not isinstance(found, Mapping) or depth == _DEPTH:
        return
    named = [(str(name).lower(), below) for name, below in list(found.items())[:50] if below]
    yield from ((name, below) for name, below in named if name in _ERRORS)
    for name, below in named:
        if name not in _REPEATED:
            yield from _errors(below, depth + 1)


def _is_error(name: str, below: Any) -> bool:
    if not isinstance(below, dict):
        return name in ("error", "errors", "err")
    if name == "base_resp":
        return below.get("status_code") not in (None, 0, "0")
    return not name.startswith("prompt") or any(str(of).lower() in _BLOCKED for of in below)


def _words(found: Any) -> str:
    """The message to be shown: the first in the usual places, else all of it."""
    errors = [below for _, below in _errors(found)]
    for one in (*errors, found):
        if isinstance(one, dict):
            lower = {str(name).lower(): below for name, below in one.items()}
            if said := next((lower[name] for name in _SHOWN if lower.get(name)), None):
                return _flat(said)
    return _flat(errors[0] if errors else found)


def _flat(value: Any) -> str:
    try:
        return str(value)
    except RecursionError:
        return "an error nested too deep to be read"


def _parts(value: Any) -> Iterator[tuple[str, str]]:
    """Each text in an error, with what its place says it is: message, code or field."""
    waiting, seen = [("message", value, 0)], 0
    while waiting and seen < _NODES:
        kind, one, depth = waiting.pop(0)
        seen += 1
        if isinstance(one, Mapping) and depth < _DEPTH:
            for name, below in list(one.items())[:50]:
                if (place := _place(str(name).lower(), below)) is not None:
                    waiting.append((place, below, depth + 1))
        elif isinstance(one, list) and kind == "field":
            waiting += [("field", below, depth + 1) for below in one[-1:] if isinstance(below, str)]
        elif isinstance(one, list) and depth < _DEPTH:
            waiting += [(kind, below, depth + 1) for below in one[:20]]
        elif isinstance(one, str) and one.strip():
            inner = _inner(one) if kind == "message" and depth < _DEPTH else None
            if inner is not None:
                waiting.append(("message", inner, depth + 1))
            else:
                yield kind, one.strip()
        elif isinstance(one, int) and not isinstance(one, bool) and kind == "code":
            yield kind, str(one)[:20]


def _place(name: str, below: Any) -> str | None:
    if name in _FIELDS:
        return "field"
    if name in _BLOCKED:
        return "block"
    if name in _CODES:
        return "code"
    if name in _MESSAGES or name in ("innererror", "base_resp", "violations"):
        return "message"
    return "message" if isinstance(below, dict) and name not in _REPEATED else None


def _inner(text: str) -> Any:
    """The error within an error, handed on as text by whoever stands between."""
    if text[:1] not in "{[" or len(text) > READ:
        return None
    try:
        found = loads(text.encode("utf-8", "replace"))
    except ValueError:
        return None
    return found if isinstance(found, dict | list) and found else None


def _numbered(found: Any) -> tuple[str, str] | None:
    if not isinstance(found, dict):
        return None
    base, error, header = found.get("base_resp"), found.get("error"), found.get("header")
    places = (
        ("base_resp", base.get("status_code") if isinstance(base, dict) else None),
        ("error_code", found.get("error_code")),
        ("error", error.get("code") if isinstance(error, dict) else None),
        ("code", found.get("code")),
        ("code", header.get("code") if isinstance(header, dict) else None),
    )
    for place, told in places:
        number = str(told)[:20]
        if told is not None and not isinstance(told, bool) and number.isdecimal() and number.isascii():
            return place, number
    return None
