"""A real OpenAI-compatible server on loopback, in a thread: the offline backend behind HTTP, with faults by script."""

import asyncio
import json
import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from synth.backends.offline import reply_to
from synth.types import Message, Request

Fault = str | int
"""An HTTP status to answer with; or `reset`, `torn`, `html`, `latin`, `null`, `hang`, `drip`."""


@dataclass
class StandIn:
    latency: float = 0.0
    key: str | None = None
    expires_after: int | None = None
    """Completed answers after which no key is taken any more."""
    models: set[str] | None = None
    """Those that are served; None serves any."""
    listed: set[str] | None = field(default_factory=lambda: {"m", "writer", "a", "b", "j1", "j2"})
    """Those that the list of models names; None has no list."""
    takes_schema: bool = True
    faults: deque[Fault] = field(default_factory=deque)
    """Taken one by one, by arrival."""
    retry_after: float | None = None
    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    arrived: Counter[str] = field(default_factory=Counter)
    completed: Counter[str] = field(default_factory=Counter)
    """Answers sent in full, by Idempotency-Key."""

    async def chat(self, http: web.Request) -> web.StreamResponse:
        body = await http.json()
        key = http.headers.get("Idempotency-Key", "")
        self.bodies.append(body)
        self.arrived[key] += 1
        if self.expires_after is not None and self.completed.total() >= self.expires_after:
            return _error(401, "Your API key has expired")
        if self.key and http.headers.get("Authorization") != f"Bearer {self.key}":
            return _error(401, "Incorrect API key provided")
        if self.models is not None and body["model"] not in self.models:
            return _error(404, f"The model `{body['model']}` does not exist")
        if "response_format" in body and not self.takes_schema:
            return _error(400, "response_format is not supported")
        if self.faults:
            return await self._fault(http, self.faults.popleft())
        await asyncio.sleep(self.latency)
        schema = body.get("response_format", {}).get("json_schema", {}).get("schema") or _guessed(body)
        messages = tuple(Message(message["role"], message["content"]) for message in body["messages"])
        reply = reply_to(Request("offline/1", body["model"], messages, {}, schema, ()), body.get("seed", 0))
        self.completed[key] += 1
        return web.json_response(_completion(body["model"], reply.text, reply.prompt_tokens, reply.completion_tokens))

    async def list_models(self, http: web.Request) -> web.Response:
        if self.key and http.headers.get("Authorization") != f"Bearer {self.key}":
            return _error(401, f"Incorrect API key provided: {http.headers.get('Authorization')}")
        if self.listed is None:
            return _error(404, "no such route")
        return web.json_response({"object": "list", "data": [{"id": name, "object": "model"} for name in self.listed]})

    async def _fault(self, http: web.Request, fault: Fault) -> web.StreamResponse:
        whole = json.dumps(_completion("m", "好", 1, 1)).encode()
        if isinstance(fault, int):
            headers = {"Retry-After": str(self.retry_after)} if self.retry_after is not None else {}
            return _error(fault, "try later", headers)
        if fault == "reset":
            assert http.transport is not None
            http.transport.abort()
            return web.Response()
        if fault == "hang":
            await asyncio.sleep(3600)
        if fault in ("torn", "drip"):
            response = web.StreamResponse(
                headers={"Content-Length": str(len(whole)), "Content-Type": "application/json"}
            )
            await response.prepare(http)
            for byte in whole if fault == "drip" else b"":
                await response.write(bytes([byte]))
                await asyncio.sleep(0.05)
            await response.write(whole[:40])
            assert http.transport is not None
            http.transport.abort()
            return response
        content = {"html": b"<html>busy</html>", "latin": b'{"choices": "\xff\xfe"}', "null": b"null"}[str(fault)]
        return web.Response(body=content, content_type="text/html" if fault == "html" else "application/json")


def _completion(model: str, text: str, prompt: int, completion: int) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return {"id": "x", "object": "chat.completion", "created": 0, "model": model, "choices": [choice], "usage": usage}


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": {"message": message, "type": "error"}}, status=status, headers=headers)


def _guessed(body: dict[str, Any]) -> dict[str, Any] | None:
    """The schema a prompt asks for in words, for a server that takes none."""
    system = body["messages"][0]["content"]
    for title, mark in (("queries", '"queries"'), ("query", '"query"'), ("verdict", '"analysis"')):
        if mark in system:
            return {"title": title, "properties": {title: {"maxItems": 10}}}
    return None


@contextmanager
def standing_in(**habits: Any) -> Iterator[StandIn]:
    """A server for the length of a block."""
    server, ready, stop = StandIn(**habits), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        application = web.Application(client_max_size=2**24)
        application.router.add_post("/v1/chat/completions", server.chat)
        application.router.add_get("/v1/models", server.list_models)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        ready.set()
        await stop.wait()
        await runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
