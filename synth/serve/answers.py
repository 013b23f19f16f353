"""JSON answers of the stand-in server."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from aiohttp import web

from synth.backends.openai.replies import STAND_IN
from synth.types import Reply

NAMED: Final = {"system_fingerprint": STAND_IN}
"""By what a client knows that no model answered it."""
dumps = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


def told(value: Any) -> web.Response:
    """A 200 answer of the stand-in server: this value as compact JSON."""
    return web.json_response(value, dumps=dumps)


def problem(message: str) -> dict[str, Any]:
    """The JSON body of an error of the stand-in server, in OpenAI's shape."""
    return {"error": {"message": message, "type": "error"}}


def refused(status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """An error answer of the stand-in server: this status, and the message in OpenAI's shape of an error."""
    return web.json_response(problem(message), status=status, headers=headers, dumps=dumps)


def completion(body: Mapping[str, Any], reply: Reply) -> bytes:
    """The JSON body in which the stand-in server sends a reply to a request with this body: of a chat, or of plain text."""
    said: dict[str, Any] = {"message": {"role": "assistant", "content": reply.text}}
    if "prompt" in body:
        said = {"text": reply.text}
    total = reply.prompt_tokens + reply.completion_tokens
    usage = {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "total_tokens": total,
    }
    kind = "text_completion" if "prompt" in body else "chat.completion"
    choice = {"index": 0, "finish_reason": reply.finish, **said}
    found = {"id": "x", "object": kind, "created": 0, "model": body["model"], "choices": [choice]}
    return dumps(found | {"usage": usage} | NAMED).encode()


async def signed(http: web.Request, response: web.StreamResponse) -> None:
    """Has every answer of the stand-in server bear its name, in the header `Server`."""
    del http
    response.headers["Server"] = STAND_IN


def lost(http: web.Request) -> web.Response:
    """A fault of the stand-in's Batch API: the request was carried out, and the connection breaks before the answer."""
    assert http.transport is not None
    http.transport.abort()
    return web.Response()
