"""What a server of OpenAI's kind answers: the reply that a completion's body holds. Any body is a reply or a ProviderError, and nothing
in it is believed that cannot be so."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from synth.backends.openai.bodies import loads
from synth.backends.openai.complaints import complaint_in, status_in
from synth.backends.openai.finishes import finish_of
from synth.backends.openai.scores import scores_of
from synth.backends.openai.streams import Assembler, looks_streamed
from synth.errors import ProviderError
from synth.sanitize import shortened
from synth.types import Reply

STAND_IN: Final = "synth-serve"
"""What `synth serve` names itself in its answers (`system_fingerprint`) and its list of models (`owned_by`)."""
MOST_TOKENS = 2**31 - 1
"""The largest count of tokens that is believed."""
LARGEST = 2**21
"""Characters of an answer at most: more is no answer to anything that synth asks, and each is kept for a while."""
DENSEST = 400_000
"""Brackets and commas of a body at most: each may become an object many times its size."""
LARGE = 2**20
"""Bytes of an answer that is read beside the event loop."""
_DEPTH = 8
_THOUGHTS: Final = frozenset(
    [
        "reasoning_content",
        "reasoning",
        "thinking",
        "thought",
        "thoughts",
        "thinking_content",
        "reasoning_text",
        "reasoning_details",
    ]
)
_THINKING_PARTS: Final = frozenset(("thinking", "reasoning", "thought", "reasoning_content", "redacted_thinking"))


def completion_in(body: bytes | bytearray) -> Any:
    """The JSON that a server's answer holds. ProviderError for one that holds none."""
    if len(body) > DENSEST and sum(map(body.count, (b",", b"[", b"{"))) > DENSEST:
        raise ProviderError(f"sends JSON of more than {DENSEST:,} values", cause="garbled")
    try:
        if looks_streamed(body):
            stream = Assembler(len(body) * 4)
            stream.feed(bytes(body))
            body = stream.body()
        return loads(body)
    except ValueError as error:
        raise _garbled(error) from error


def reply_of(completion: Any, begun: str = "") -> Reply:
    """The reply that a completion holds, with what its answer was begun with. ProviderError for what is no completion."""
    try:
        choice = completion["choices"][0]
        message = choice.get("message")
        if not isinstance(message, Mapping):
            message = choice.get("delta") or {"content": choice["text"]}
        thoughts = _thought(message)
        said, called = _plain(message.get("content")), False
        if not said.strip() and (arguments := _only_call(message)):
            said, called = arguments, True
        refused = "" if said.strip() else _plain(message.get("refusal"))
        told = "stop" if called and choice.get("finish_reason") in ("tool_calls", "function_call") else None
        finish = finish_of(told or _told(choice), content=bool(said.strip() or refused))
        usage = completion.get("usage")
    except (TypeError, LookupError, AttributeError) as error:
        raise _garbled(error) from error
    if len(said) > LARGEST or len(thoughts or "") > LARGEST:
        raise ProviderError(f"sends an answer of more than {LARGEST:,} characters", cause="garbled")
    if completion.get("output_sensitive") is True or completion.get("input_sensitive") is True:
        finish = "content_filter"
    counts = usage if isinstance(usage, Mapping) else {}
    return Reply(
        text=(said.strip() and begun + said) or refused,
        finish=finish,
        prompt_tokens=count_of(counts, "prompt_tokens", "input_tokens"),
        completion_tokens=count_of(counts, "completion_tokens", "output_tokens"),
        reasoning=thoughts,
        scores=scores_of(choice.get("logprobs")),
        stand_in=completion.get("system_fingerprint") == STAND_IN,
        word=shortened(str(_told(choice) or ""), 60) if finish == "broken" else "",
    )


def _garbled(error: Exception) -> ProviderError:
    return ProviderError(f"sends something that is no completion ({type(error).__name__})", cause="garbled")


def _told(choice: Mapping[str, Any]) -> Any:
    if choice.get("error"):
        return "error"
    return next((choice[name] for name in ("finish_reason", "stop_reason") if choice.get(name) is not None), None)


def count_of(usage: Mapping[str, Any], *names: str) -> int:
    """A count of tokens, from 0 to MOST_TOKENS; what is no such number counts as none told."""
    for name in names:
        told = usage.get(name)
        if isinstance(told, str) and len(told) <= 10 and told.isascii() and told.isdecimal():
            told = int(told)
        if isinstance(told, float) and told.is_integer() and 0 <= told <= MOST_TOKENS:
            told = int(told)
        if isinstance(told, int) and not isinstance(told, bool) and 0 < told <= MOST_TOKENS:
            return told
    return 0


def _plain(content: Any, depth: int = 0) -> str:
    """What is no text is none; of a list of parts, those that are text."""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and depth < _DEPTH:
        return "".join(_plain(part, depth + 1) for part in content)
    if isinstance(content, Mapping) and content.get("type") not in _THINKING_PARTS:
        found = content.get("text") or content.get("content") or content.get("summary")
        return _plain(found, depth + 1) if depth < _DEPTH else ""
    return ""


def _thought(message: Mapping[str, Any]) -> str | None:
    if isinstance(message.get("content"), str) and _THOUGHTS.isdisjoint(message):
        return None
    return "\n".join(filter(None, map(_plain, _thoughts(message)))) or None


def _thoughts(message: Mapping[str, Any]) -> Iterator[Any]:
    """What the model thought before it answered, wherever its server puts that; once, where it puts it twice."""
    found = [message[name] for name in sorted(_THOUGHTS & message.keys(), reverse=True) if message[name]]
    yield from found[:1]
    content = message.get("content")
    for part in content if isinstance(content, list) and not found else ():
        if isinstance(part, Mapping) and part.get("type") in _THINKING_PARTS:
            yield next((part[name] for name in ("thinking", "reasoning", "text", "content") if part.get(name)), None)


def _only_call(message: Mapping[str, Any]) -> str:
    """JSON that a server has its model give as the arguments of a function, where it was asked for JSON."""
    calls = message.get("tool_calls")
    function = calls[0].get("function") if isinstance(calls, list) and len(calls) == 1 else None
    arguments = function.get("arguments") if isinstance(function, Mapping) else None
    return arguments if isinstance(arguments, str) else ""


def read_answer(status: int, body: bytes | bytearray, begun: str = "") -> Reply | int:
    """The reply in a server's answer; the status of the error that it is instead."""
    if status != 200:
        return status
    try:
        completion = completion_in(body)
        error = status_in(completion)
        return reply_of(completion, begun) if error is None else error
    except ProviderError as error:
        error.words = complaint_in(body).words
        raise


async def beside(size: int, read: Callable[..., Reply | int], *given: Any) -> Reply | int:
    """What `read` makes of an answer of so many bytes, beside the event loop if they are many."""
    return await asyncio.to_thread(read, *given) if size > LARGE else read(*given)
