"""JSON answers of the stand-in server."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from aiohttp import web

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


def lost(http: web.Request) -> web.Response:
    """A fault of the stand-in's Batch API: the request was carried out, and the connection breaks before the answer."""
    assert http.transport is not None
    http.transport.abort()
    return web.Response()
