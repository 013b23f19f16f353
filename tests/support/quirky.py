"""A server with a habit: it stands before the stand-in server, refuses what it does not like and changes what it gives."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, web

from synth.serve.listen import listening

Refused = tuple[int, Any] | None


@dataclass
class Quirky:
    """A server before another. `refuses` gives status and body for a request that it does not take; `changes` makes of a completion what
    is sent instead."""

    upstream: str
    refuses: Callable[[dict[str, Any]], Refused] = lambda body: None
    changes: Callable[[dict[str, Any], dict[str, Any]], Any] = lambda body, completion: completion
    bodies: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0
    url: str = ""

    async def answer(self, http: web.Request) -> web.Response:
        if not http.path.endswith("completions"):
            return web.json_response({"data": [{"id": "m"}]})
        body = json.loads(await http.read())
        self.bodies.append(body)
        if (refused := self.refuses(body)) is not None:
            self.refused += 1
            return _told(*refused)
        sent = {name: value for name, value in body.items() if name not in ("stream", "stream_options")}
        key = {"Idempotency-Key": http.headers.get("Idempotency-Key", "")}
        async with (
            ClientSession() as session,
            session.post(f"{self.upstream}/chat/completions", json=sent, headers=key) as got,
        ):
            completion = await got.json()
        return _told(200, self.changes(body, completion))


def _told(status: int, body: Any) -> web.Response:
    if isinstance(body, str) and body.startswith("data:"):
        return web.Response(text=body, status=status, content_type="text/event-stream")
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return web.Response(text=text, status=status, content_type="application/json")


def events(completion: dict[str, Any]) -> str:
    """A completion as a server streams it: a few characters an event, the usage in the last."""
    choice = completion["choices"][0]
    text = choice["message"]["content"]
    pieces = [{"delta": {"content": text[at : at + 7]}} for at in range(0, len(text), 7)]
    chunks = [{"choices": [piece]} for piece in (*pieces, {"delta": {}, "finish_reason": choice["finish_reason"]})]
    told = [*chunks, {"choices": [], "usage": completion["usage"]}]
    return "".join(f"data: {json.dumps(one, ensure_ascii=False)}\n\n" for one in told) + "data: [DONE]\n\n"


@contextlib.contextmanager
def quirky(upstream: str, **habits: Any) -> Iterator[Quirky]:
    """A server with these habits before the one at `upstream`, for the length of a block."""
    server = Quirky(upstream, **habits)

    def application() -> web.Application:
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{any:.*}", server.answer)
        return app

    with listening(application) as server.url:
        yield server
