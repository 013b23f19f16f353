"""What a server of OpenAI's kind answers: the reply that a completion's body holds."""

import json
from typing import Any

import orjson

from synth.errors import ProviderError
from synth.types import Reply


def reply_of(body: bytes, begun: str = "") -> Reply:
    """The reply that a completion's body holds, with what its answer was begun with. ProviderError for a body that is no completion."""
    try:
        completion = loads(body)
        choice = completion["choices"][0]
        message = choice["message"] if "message" in choice else {"content": choice["text"]}
        usage, said = completion.get("usage") or {}, _text(message.get("content"))
        return Reply(
            text=(said.strip() and begun + said) or _text(message.get("refusal")),
            finish=_text(choice.get("finish_reason")) or "stop",
            prompt_tokens=int(usage.get("prompt_tokens") or 0),
            completion_tokens=int(usage.get("completion_tokens") or 0),
            reasoning=_text(message.get("reasoning_content")) or _text(message.get("reasoning")) or None,
        )
    except (ValueError, TypeError, LookupError, AttributeError) as error:  # torn, in no encoding, no JSON, another
        raise ProviderError(
            f"sends something that is no completion ({type(error).__name__})", cause="garbled"
        ) from error


def loads(body: bytes) -> Any:
    """The value in the JSON of an OpenAI-like answer, a bare control character in it or not. ValueError for no JSON."""
    try:
        return orjson.loads(body)
    except ValueError:  # half a surrogate pair, or a bare control character: broken, and readable
        return json.loads(body, strict=False)


def _text(content: Any) -> str:
    """What is no text is none; of a list of parts, those that are text."""
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""
