"""The stand-in server's HTTP: completions of chats and of plain text, embeddings, the list of models, and `/stats`, what it has counted."""

import asyncio
import contextlib
import json
import random
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any, Literal

from aiohttp import web

from synth.backends.offline import reply_to
from synth.backends.openai.replies import STAND_IN
from synth.engine.rate_window import Window
from synth.serve.answers import completion, problem, refused, signed, told
from synth.serve.answers import dumps as _dumps
from synth.serve.batches import Batches
from synth.serve.content import spoilt
from synth.serve.embeddings import embeddings, texts_of
from synth.serve.faults import CALM, CONTENT, VECTORS, WEATHER, Habits, draw, latency_law
from synth.types import Message, Reply, Request

KEPT = 10_000
"""Request bodies that are kept to be looked at."""
DRIP = 0.05
"""Seconds between two bytes."""
HANG = 0.2
"""Seconds between two looks at whether the client has gone away."""
_MARKS = {"queries": '"queries"', "query": '"query"', "verdict": '"analysis"', "redacted": "可以照做的细节换成【略】"}

Answered = Callable[[web.Request, Mapping[str, Any]], Awaitable[web.StreamResponse]]


class StandIn:
    """A stand-in for a model server: its habits, which may be changed while it runs, and the counts of what it did."""

    def __init__(self, habits: Habits) -> None:
        self.habits = habits
        self.script = deque(habits.script)
        self.url = ""
        self.bodies: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.headers: dict[str, str] = {}
        """Of the latest request."""
        self.arrived = 0
        self.completed: Counter[str] = Counter()
        """Answers sent, by Idempotency-Key."""
        self.faults: Counter[str] = Counter()
        self.tokens: Counter[str] = Counter()
        self.in_flight = self.peak = 0
        self.limits = {"requests": Window(habits.rpm, habits.minute), "tokens": Window(habits.tpm, habits.minute)}
        self.over_limit: Counter[str] = Counter()
        self._chance = random.Random(habits.seed)
        self._latency = latency_law(habits.latency)
        self.batches = Batches(self)

    def application(self) -> web.Application:
        """The stand-in server's routes as an aiohttp application: OpenAI's endpoints, and `/stats`."""
        application = web.Application(client_max_size=2**28)
        application.router.add_post("/v1/chat/completions", self.complete)
        application.router.add_post("/v1/completions", self.complete)
        application.router.add_post("/v1/embeddings", self.embed)
        application.router.add_get("/v1/models", self.list_models)
        application.router.add_get("/stats", self.show_stats)
        application.on_response_prepare.append(signed)
        self.batches.routes(application)
        return application

    def stats(self) -> dict[str, Any]:
        """What the stand-in server has counted so far, as `/stats` shows it: requests, faults, tokens, limits,
        batches."""
        return {
            "arrived": self.arrived,
            "completed": self.completed.total(),
            "repeated": sum(count - 1 for key, count in self.completed.items() if key),
            "faults": dict(sorted(self.faults.items())),
            "prompt_tokens": self.tokens["prompt"],
            "completion_tokens": self.tokens["completion"],
            "in_flight": self.in_flight,
            "most_in_flight": self.peak,
            "over_limit": {name: self.over_limit[name] for name in self.limits},
            "most_a_minute": {name: limit.peak for name, limit in self.limits.items()},
            **self.batches.stats(),
        }

    async def show_stats(self, http: web.Request) -> web.Response:
        del http
        return told(self.stats())

    async def list_models(self, http: web.Request) -> web.Response:
        """The stand-in server's `/v1/models`: the models it lists; 404 where its habits have no list."""
        if self._locked_out(http):
            return refused(401, f"Incorrect API key provided: {http.headers.get('Authorization')}")
        if self.habits.listed is None:
            return refused(404, "no such route")
        names = sorted(self.habits.listed | (self.habits.models or set()))
        return told(
            {"object": "list", "data": [{"id": name, "object": "model", "owned_by": STAND_IN} for name in names]}
        )

    async def complete(self, http: web.Request) -> web.StreamResponse:
        """The stand-in server's completions of chats and of plain text: answered by the offline backend, or a fault."""
        return await self._counted(http, self._answered)

    async def embed(self, http: web.Request) -> web.StreamResponse:
        """The stand-in server's `/v1/embeddings`: vectors of texts, or a fault."""
        return await self._counted(http, self._embedded)

    async def _counted(self, http: web.Request, answered: Answered) -> web.StreamResponse:
        body = json.loads(await http.read())
        self.bodies.append(body)
        self.headers = dict(http.headers)
        self.arrived += 1
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            return self._refused(http, body) or await answered(http, body)
        finally:
            self.in_flight -= 1

    def unwelcome(self, http: web.Request) -> web.Response | None:
        """The stand-in server's refusal (401) of a client that it serves nothing at all, its key wrong or expired; None
        for any other."""
        habits = self.habits
        if habits.expires_after is not None and self.completed.total() >= habits.expires_after:
            return refused(401, "Your API key has expired")
        return refused(401, "Incorrect API key provided") if self._locked_out(http) else None

    def _refused(self, http: web.Request, body: Mapping[str, Any]) -> web.Response | None:
        objection = self._objection(body)
        return self.unwelcome(http) or (refused(*objection) if objection else None)

    def _objection(self, body: Mapping[str, Any]) -> tuple[int, str] | None:
        habits = self.habits
        if habits.models is not None and body["model"] not in habits.models:
            return 404, f"The model `{body['model']}` does not exist"
        asked = body.get("response_format", {}).get("type")
        if asked and asked not in habits.formats:
            return 400, f"response_format of type {asked} is not supported"
        return None

    def row(self, body: Mapping[str, Any], key: str) -> tuple[int, dict[str, Any]]:
        """HTTP status and JSON body of the server's answer to a request that came as a row of a batch."""
        self.bodies.append(dict(body))
        if objection := self._objection(body):
            return objection[0], problem(objection[1])
        reply = self._reply(body, None)
        self._complete(key, reply)
        return 200, json.loads(completion(body, reply))

    def step(self, faults: Sequence[str]) -> str | None:
        """Which of these Batch API faults the stand-in server has now: that of the script if it is its turn, or one
        that is drawn; or None."""
        if len(self.script) and self.script[0] in faults:
            fault: str | None = self.script.popleft()
        else:
            fault = draw(self.habits.faults, faults, self._chance.random()) if self.habits.faults else None
        self.faults.update([fault] if fault else [])
        return fault

    async def _answered(self, http: web.Request, body: Mapping[str, Any]) -> web.StreamResponse:
        fault = (
            self.script.popleft()
            if self.script
            else draw(self.habits.faults_of(body["model"]), WEATHER, self._chance.random())
        )
        reply = self._reply(body, fault if fault in CONTENT else None)
        return await self._sent(http, fault, completion(body, reply), reply)

    async def _embedded(self, http: web.Request, body: Mapping[str, Any]) -> web.StreamResponse:
        kinds, luck = (*WEATHER, *VECTORS), self._chance.random()
        fault = self.script.popleft() if self.script else draw(self.habits.faults_of(body["model"]), kinds, luck)
        texts = texts_of(body)
        found = embeddings(body["model"], texts, fault)
        if fault in VECTORS:
            self.faults[fault] += 1
        return await self._sent(http, fault, _dumps(found).encode(), Reply("", prompt_tokens=sum(map(len, texts))))

    async def _sent(self, http: web.Request, fault: str | None, whole: bytes, reply: Reply) -> web.StreamResponse:
        """The whole body, unless a limit or the weather is against it."""
        if over := self._over_limit(reply):
            return over
        await asyncio.sleep(self._latency(self._chance))
        if fault and fault not in (*CONTENT, *VECTORS, CALM):
            self.faults[fault] += 1
            return await self._storm(http, fault, whole, reply)
        self._complete(http.headers.get("Idempotency-Key", ""), reply)
        return web.Response(body=whole, content_type="application/json")

    def _reply(self, body: Mapping[str, Any], fault: str | None) -> Reply:
        """A function of model, messages and seed, but for a fault that stood in the script."""
        messages = _messages(body)
        words = [str(body["model"]), *(message.content for message in messages)]
        seed = body.get("seed") or 0
        if self.habits.answer is not None:
            reply = Reply(
                self.habits.answer, prompt_tokens=sum(map(len, words)), completion_tokens=len(self.habits.answer)
            )
        else:
            schema = body.get("response_format", {}).get("json_schema", {}).get("schema") or _guessed(words[1])
            request = Request("offline/2", words[0], messages, {}, schema, (), _kind(body))
            reply = reply_to(request, seed)
            reply = replace(reply, text=reply.text.removeprefix(request.prefill))  # a server gives what it added
        if fault is None and self.habits.faults:
            digest = blake2b("\0".join([str(self.habits.seed), str(seed), *words]).encode(), digest_size=8).digest()
            fault = draw(self.habits.faults_of(words[0]), CONTENT, int.from_bytes(digest) / 2**64)
        if fault is None:
            return reply
        self.faults[fault] += 1
        return spoilt(reply, fault)

    def _over_limit(self, reply: Reply) -> web.Response | None:
        now = time.monotonic()
        amounts = {"requests": 1, "tokens": reply.prompt_tokens + reply.completion_tokens}
        waits = {name: limit.wait(amounts[name], now) for name, limit in self.limits.items()}
        if not any(waits.values()):
            for name, limit in self.limits.items():
                limit.take(amounts[name], now)
            return None
        headers = {"Retry-After": f"{max(waits.values()):.3f}"}
        for name, wait in waits.items():
            if wait:
                self.over_limit[name] += 1
                headers |= {f"x-ratelimit-remaining-{name}": "0", f"x-ratelimit-reset-{name}": f"{wait:.3f}s"}
        return refused(429, "Rate limit reached", headers)

    def _complete(self, key: str, reply: Reply) -> None:
        self.completed[key] += 1
        self.tokens.update(prompt=reply.prompt_tokens, completion=reply.completion_tokens)

    def _locked_out(self, http: web.Request) -> bool:
        key = self.habits.api_key
        return bool(key) and http.headers.get("Authorization") != f"Bearer {key}"

    async def _storm(self, http: web.Request, fault: str, whole: bytes, reply: Reply) -> web.StreamResponse:
        if fault.partition("-")[0].isdigit():
            headers = {"Retry-After": f"{self.habits.retry_after:g}"} if fault == "429" else {}
            return refused(int(fault.partition("-")[0]), "try later", headers)
        if fault in ("cut", "html", "latin", "null"):
            bodies = {
                "cut": whole[: len(whole) // 2],
                "html": b"<html>busy</html>",
                "latin": b'{"choices": "\xff\xfe"}',
            }
            kind = "text/html" if fault == "html" else "application/json"
            return web.Response(body=bodies.get(fault, b"null"), content_type=kind)
        if fault == "hang":
            while http.transport is not None and not http.transport.is_closing():  # noqa: ASYNC110 (nothing tells a handler that its client has gone)
                await asyncio.sleep(HANG)
        if fault in ("torn", "drip"):
            headers = {"Content-Length": str(len(whole)), "Content-Type": "application/json"}
            response = web.StreamResponse(headers=headers)
            await response.prepare(http)
            with contextlib.suppress(ConnectionError):  # the client may go away before
                if fault == "drip":
                    await self._drip(response, whole)
                    self._complete(http.headers.get("Idempotency-Key", ""), reply)
                    return response
                await response.write(whole[: len(whole) // 2])
        if http.transport is not None:
            http.transport.abort()
        return web.Response()

    @staticmethod
    async def _drip(response: web.StreamResponse, whole: bytes) -> None:
        for byte in whole:
            await response.write(bytes([byte]))
            await asyncio.sleep(DRIP)


def _messages(body: Mapping[str, Any]) -> tuple[Message, ...]:
    if "prompt" in body:
        return (Message("user", body["prompt"]),)
    return tuple(Message(message["role"], message["content"]) for message in body["messages"])


def _kind(body: Mapping[str, Any]) -> Literal["chat", "completion"]:
    return "completion" if "prompt" in body else "chat"


def _guessed(system: str) -> dict[str, Any] | None:
    """The schema a prompt asks for in words, where none was sent."""
    title = next((title for title, mark in _MARKS.items() if mark in system), None)
    return {"title": title, "properties": {title: {"maxItems": 10}}} if title else None
