"""Twelve model servers by behaviour, for `providers.py`: what each takes, how it refuses, how it marks a thought and an answer cut off.

How they behave stands in provider_servers.yaml; the words of the answers themselves are the stand-in's (`synth serve`).
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from synth.serve.faults import Habits
from synth.serve.server import StandIn

HIT = 0.15
"""The share of requests that a situation befalls."""
SITUATIONS = ("filter on input", "filter on output", "too long", "money", "rate", "no schema", "thought", "cut off")


@dataclass(frozen=True)
class Answer:
    """A refusal as a server sends it."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Provider:
    """How one kind of server behaves."""

    filter_in: Answer
    filter_out: Answer | str
    """A refusal, or the word with which an empty answer ends."""
    too_long: Answer
    money: Answer
    rate: Answer
    thought: Sequence[str] | None
    """The marks around a thought; None where it stands in `reasoning_content`."""
    cut: str
    """The word with which an answer ends that was cut off."""
    no_schema: Answer
    formats: Sequence[str] = ()
    """The ways of asking for JSON that are taken while schemas are not."""
    refuses: Mapping[str, Answer] = field(default_factory=dict)
    """Fields of the body that are not taken, in any situation."""


def _read(told: Mapping[str, Any]) -> Provider:
    def answer(value: Any) -> Any:
        return Answer(value["status"], value["body"], value.get("headers", {})) if isinstance(value, dict) else value

    found = {name: answer(value) for name, value in told.items() if name != "refuses"}
    found["refuses"] = {name: answer(value) for name, value in told.get("refuses", {}).items()}
    return Provider(**found)


PROVIDERS = {
    name: _read(told)
    for name, told in yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")).items()
}


class Situation:
    """One provider's server in one situation, before the stand-in's answers."""

    def __init__(self, provider: str, situation: str) -> None:
        self.of, self.situation = PROVIDERS[provider], situation
        self.inner = StandIn(Habits(listed=None))
        self.counts: Counter[str] = Counter()
        """Calls that arrived (`calls`), and refusals by kind."""
        self.paid_until: int | None = 40 if situation == "money" else None
        """Calls after which there is no money; None for no end of it."""

    def application(self) -> web.Application:
        """The server's one route."""
        found = web.Application(client_max_size=2**28)
        found.router.add_post("/v1/chat/completions", self.complete)
        return found

    async def complete(self, http: web.Request) -> web.StreamResponse:
        """One answer: what the server does not take, then the situation, then the stand-in."""
        body = json.loads(await http.read())
        self.counts["calls"] += 1
        for name, answer in self.of.refuses.items():
            if name in body:
                return self._refused(answer, name)
        told = self._before(body)
        if told is not None:
            return self._refused(told, self.situation)
        reply = await self.inner._answered(http, body)
        return self._after(body, json.loads(reply.body)) if _hit(body) else reply

    def _before(self, body: Mapping[str, Any]) -> Answer | None:
        of, kind = self.of, (body.get("response_format") or {}).get("type")
        if self.situation == "no schema":
            return of.no_schema if kind and kind not in of.formats else None
        if self.situation == "money":
            return of.money if self.paid_until is not None and self.counts["calls"] > self.paid_until else None
        if self.situation == "rate":
            return of.rate if self.counts["calls"] % 7 == 0 else None
        if not _hit(body):
            return None
        if self.situation == "filter on output" and isinstance(of.filter_out, Answer):
            return of.filter_out
        return {"filter on input": of.filter_in, "too long": of.too_long}.get(self.situation)

    def _after(self, body: Mapping[str, Any], completion: dict[str, Any]) -> web.Response:
        choice = completion["choices"][0]
        text = choice["message"]["content"]
        if self.situation == "filter on output":
            self.counts[self.situation] += 1
            choice["message"]["content"], choice["finish_reason"] = "", self.of.filter_out
        elif self.situation == "thought":
            self.counts[self.situation] += 1
            thought = '用户想要的是……先想一想：{"label": "安全"} 还是别的？再写。'
            if self.of.thought is None:
                choice["message"]["reasoning_content"] = thought
            else:
                first, last = self.of.thought
                choice["message"]["content"] = f"{first}\n{thought}\n{last}\n\n{text}"
        elif self.situation == "cut off":
            self.counts[self.situation] += 1
            choice["message"]["content"], choice["finish_reason"] = text[: len(text) * 2 // 3], self.of.cut
        return web.json_response(completion)

    def _refused(self, answer: Answer, kind: str) -> web.Response:
        self.counts[kind] += 1
        return web.json_response(answer.body, status=answer.status, headers=answer.headers)


def _hit(body: Mapping[str, Any]) -> bool:
    """Whether a situation befalls a request: a function of its words, as a filter's verdict is."""
    words = json.dumps(body["messages"], ensure_ascii=False)
    return int(hashlib.sha256(words.encode()).hexdigest()[:8], 16) / 2**32 < HIT
