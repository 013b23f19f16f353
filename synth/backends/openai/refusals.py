"""What a server of OpenAI's kind means when it gives no completion, by status, code, type and words, and what is to be done about it."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from synth.backends._retry_after import retry_after
from synth.backends.openai import signs
from synth.backends.openai.complaints import Complaint, complaint_in
from synth.errors import Cause

Kind: TypeAlias = Literal[
    "filtered", "too_long", "no_model", "no_money", "no_right", "no_system", "not_taken", "wait", "broken", "refused"
]

FORMAT, STREAM, THINKING, MOST = "response_format", "stream", "enable_thinking", "max_tokens"
WAY_OUT: Final[Mapping[str, str]] = {
    "no_money": "top up the account or wait until its limit is renewed, then run the same command again to go on",
    "no_right": "check what the API key may use",
    "no_system": "set `system: false` under the role, so that it is told everything in the user's message",
    "no_model": "check the model's name {model!r} and --base-url",
}
"""What to do about a refusal that will not pass by itself."""
KEY = "check the API key"
CAUSES: Final[Mapping[int, Cause]] = {429: "limit", 503: "overload", 529: "overload"}
_WAITED: Final = frozenset((408, 409, 425))
_OWN: Final = frozenset(("model", "messages", "prompt", "input"))
"""Fields that no request is sent without."""
_LAST: Final = ("temperature", "max_completion_tokens", MOST)
"""Of several fields that are named, those kept longest."""
_PLAIN_WORDS: Final = frozenset(
    ("stop", "n", "user", "tools", "functions", "store", "metadata", "echo", "stream", "thinking")
)
"""Fields whose names are words like any other, unless they stand in quotes or beside `parameter`."""
_KNOWN: Final = (
    *("seed", "stream_options", STREAM, "top_p", "top_k", "min_p", "stop", "n", "logprobs", "top_logprobs", "logit_bias", "user"),
    *("presence_penalty", "frequency_penalty", "repetition_penalty", "reasoning_effort", "chat_template_kwargs", "thinking"),
    *("continue_final_message", "add_generation_prompt", "encoding_format", "dimensions", *_LAST),
)  # fmt: skip
_ADDRESS = re.compile(r"https?://\S+")
_QUOTED = re.compile(r"\"[^\"]{60,}\"|'[^']{60,}'|`[^`]{60,}`|“[^”]{60,}”|「[^」]{60,}」")
"""A long quotation in a message: a prompt, in which any word may stand."""
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|[._:/#-]+")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a server gives no completion: its kind, in the server's own words."""

    kind: Kind
    words: str
    field: str | None = None
    """The field of the body that is not taken, where one is named."""
    retry_after: float | None = None
    cause: Cause = "server"
    """Of one that may pass: what kind of failure it is."""
    of_value: bool = False
    """Whether the field is taken, but not with what stood in it."""
    bare: bool = False
    """Whether the server has no word of what is wrong."""
    once_answered: Kind | None = None
    """Its kind instead, where the model has answered something before."""


def classify(
    status: int, headers: Mapping[str, str], body: bytes | bytearray, sent: Collection[str] | None = None
) -> Refusal:
    """What a server's refusal means. `sent` are the fields of the body it was sent, where they are known: one of these is named."""
    told = complaint_in(body)
    text = _QUOTED.sub(" ", _ADDRESS.sub(" ", " ; ".join((*map(_spaced, told.codes), *told.messages))))[:8_000]
    kind = _of_number(told) or _of_purse(status, text) or _of_way(status, text) or _of_words(status, text)
    field, of_value = None, False
    if kind is None or kind == "not_taken":
        kind, field, of_value = _of_field(status, text, told, sent)
    if kind is None:
        kind = _of_weather(status, f"{text} ; {told.words[:2_000]}" if told.page else text) or _of_status(status, told)
    bare = signs.BARE.search(text) is not None
    otherwise: Kind | None = "refused" if bare and status == 403 else None
    if kind == "no_model" and signs.NO_CHANNEL.search(text):
        otherwise = "wait"
    after = retry_after({str(name).lower(): value for name, value in headers.items()})
    cause = "overload" if kind == "wait" and status == 404 else _cause(status, text)
    return Refusal(kind, told.words, field, after, cause, of_value, bare, otherwise)


def _spaced(code: str) -> str:
    """A code both as it is and in words: `SensitiveContentDetected`."""
    return f"{code} {_CAMEL.sub(' ', code).replace('_', ' ')}"


def _of_number(told: Complaint) -> Kind | None:
    place, number = told.numbered or ("", "")
    kind: Kind | None = signs.NUMBERS.get(place, {}).get(number)  # type: ignore[assignment]
    return kind


def _of_purse(status: int, text: str) -> Kind | None:
    if signs.TOO_LARGE.search(text):
        return "too_long"
    empty = signs.MONEY.search(text) and (not signs.PER_MINUTE.search(text) or signs.EMPTY.search(text))
    return "no_money" if status == 402 or empty or signs.DAY.search(text) else None


def _of_way(status: int, text: str) -> Kind | None:
    """Of an answer that is refused for the way it is asked for, whatever the status: streamed, with a system message, of a relay."""
    if status in (401, 429):
        return None
    if signs.STREAM.search(text):
        return "not_taken"
    if status in (200, 400, 404, 422, 500) and not signs.FILTERED.search(text) and signs.NO_SYSTEM.search(text):
        return "no_system"
    return "no_model" if signs.NO_CHANNEL.search(text) and not signs.LATER.search(text) else None


def _of_words(status: int, text: str) -> Kind | None:
    if status == 401 or signs.SHUT_OUT.search(text):
        return "no_right"
    rated = status == 429 or signs.PER_MINUTE.search(text)
    blocked = status in (400, 500) and signs.BLOCKED.search(text) and not signs.BARRED.search(text)
    if blocked or (signs.FILTERED.search(text) and not (rated and status != 403 and signs.LATER.search(text))):
        return "filtered"
    if signs.CONTEXT.search(text) or (signs.TOO_LONG.search(text) and not rated and not _of_answer(text)):
        return "too_long" if not (rated and signs.LATER.search(text)) else None
    if status not in (200, 400, 403, 404, 422) or rated:
        return None
    if signs.NO_MODEL.search(text) and not signs.LATER.search(text):
        return "no_model"
    return "no_right" if signs.NO_RIGHT.search(text) else None


def _of_answer(text: str) -> bool:
    """Whether it speaks of how long the answer may be, not of what was sent."""
    return re.search(r"max_\w*tokens", text) is not None and not re.search(r"inputs?\b|prompt|messages|输入", text)


def _of_field(
    status: int, text: str, told: Complaint, sent: Collection[str] | None
) -> tuple[Kind | None, str | None, bool]:
    """The field that is not taken: one that stands for itself, the one named in its own place, one named in words."""
    if status not in (200, 400, 404, 405, 415, 422, 500, 501):
        return ("not_taken", STREAM, False) if signs.STREAM.search(text) else (None, None, False)
    if own := _of_itself(status, text):
        return "not_taken", own, False
    names = [name for name in ([told.field] if told.field else []) if name not in _OWN] or _named(text, sent)
    if names and status != 404 and not (status == 500 and not signs.PARAMETERS.search(text)):
        return "not_taken", names[0].rpartition(".")[2], signs.VALUE.search(text) is not None
    general = told.numbered is not None and told.numbered[1] in signs.OF_PARAMETERS
    if status != 404 and (general or (status < 500 and signs.PARAMETERS.search(text) and told.field not in _OWN)):
        return "not_taken", None, False
    return None, None, False


def _of_itself(status: int, text: str) -> str | None:
    if THINKING in text:
        return THINKING
    if signs.STREAM.search(text):
        return STREAM
    return FORMAT if status in (200, 400, 422) and signs.FORMAT.search(text) else None


def _named(text: str, sent: Collection[str] | None) -> list[str]:
    """The fields that a text names, those first that a request can best do without."""
    known = [name for name in (_KNOWN if sent is None else sent) if name not in _OWN]
    found = [name for name in known if _names(text, name)]
    return sorted(found, key=lambda name: (name in _LAST and 1 + _LAST.index(name), name != "seed"))


def _names(text: str, name: str) -> bool:
    whole = rf"(?<![\w-]){re.escape(name)}(?![\w-])"
    if name in _PLAIN_WORDS:
        whole = rf"[`'\"]{re.escape(name)}[`'\"]|(?:parameter|argument|field|参数|字段)\W{{0,4}}{whole}"
    return re.search(whole, text, re.IGNORECASE) is not None


def _of_weather(status: int, text: str) -> Kind | None:
    if status == 404 and signs.GATEWAY.search(text):
        return "wait"
    if status in CAUSES or signs.PER_MINUTE.search(text):
        return "wait"
    if status != 404 and signs.OVERLOAD.search(text):
        return "wait"
    return "broken" if status >= 500 or status in _WAITED or status < 400 else None


def _of_status(status: int, told: Complaint) -> Kind:
    if status == 413:
        return "too_long"
    if status == 404:
        return "no_model"
    return "no_right" if status == 403 and not told.page else "refused"


def _cause(status: int, text: str) -> Cause:
    if status in CAUSES:
        return CAUSES[status] if status != 429 or not signs.OVERLOAD.search(text) else "overload"
    if status < 400 and status != 200:  # something in front of the server
        return "garbled"
    return "limit" if signs.PER_MINUTE.search(text) else "overload" if signs.OVERLOAD.search(text) else "server"


def way_out(status: int, kind: str, model: str) -> str:
    """What to do about a refusal of this kind that will not pass by itself."""
    return KEY if status == 401 else WAY_OUT.get(kind, "check the recipe's model settings").format(model=model)


def message_in(body: bytes | bytearray) -> str:
    """The words in an error's body, whichever shape it has."""
    return complaint_in(body).words
