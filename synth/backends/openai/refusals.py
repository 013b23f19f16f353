"""What a server of OpenAI's kind says when it gives no completion: what it means, in its own words, and what is to be done about it."""

import json
from typing import Final

from synth.errors import Cause
from synth.types import Request

CAUSES: Final[dict[int, Cause]] = {
    408: "server",
    409: "server",
    425: "server",
    429: "limit",
    503: "overload",
    529: "overload",
}
NO_MONEY = ("insufficient_quota", "exceeded your current quota", "insufficient balance")
FILTERED = ("content_filter", "content policy", "content exists risk", "inappropriate", "inspection")
TOO_LONG = ("context length", "context_length", "maximum context", "too long", "too large", "must have less than")
NOT_TAKEN = ("response_format", "json_schema", "json_object", "structured", "guided")
WAY_OUT = {
    401: "check the API key",
    402: "top up the account",
    403: "check what the API key may use",
    404: "check the model's name {model!r} and --base-url",
}


def refuses_format(status: int, body: bytes, request: Request) -> bool:
    """Whether a server of OpenAI's kind says that it takes no such way to ask for JSON (`response_format`)."""
    return status in (400, 422) and request.schema is not None and says(body, NOT_TAKEN)


def message_in(body: bytes) -> str:
    """The words in an error's body, whichever shape it has."""
    text = body[:10_000].decode("utf-8", "replace")
    try:
        found = json.loads(text)
        error = found.get("error", found)
        return str(error.get("message") or error) if isinstance(error, dict) else str(error)
    except (ValueError, AttributeError):
        return text


def says(body: bytes, words: tuple[str, ...]) -> bool:
    """Whether one of these words, in small letters, stands in the first 10,000 bytes of an OpenAI-like answer."""
    text = body[:10_000].decode("utf-8", "replace").lower()
    return any(word in text for word in words)
