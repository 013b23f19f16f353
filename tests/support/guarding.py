"""A server that has a guard: it answers each prompt with a verdict, and says how likely the tokens of it were."""

import asyncio
import contextlib
import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from synth.serve.listen import listening

Verdict = Callable[[str], tuple[str, float]]
"""The verdict on a prompt, and how likely the guard holds it to be unsafe."""


def tokens_of(text: str) -> list[str]:
    """As tokenizers do it: 不 apart from 安全, marks of JSON together."""
    return re.findall(r"安全|不|答案|分析|[a-zA-Z]+|[{}\":,\s]+|.", text, re.DOTALL)


@dataclass
class GuardServer:
    """A guard's server. `verdict` says what it answers; `scored` whether it tells probabilities, `refuses` whether it refuses to be
    asked for them."""

    verdict: Verdict
    scored: bool = True
    refuses: bool = False
    latency: float = 0.0
    fails_from: int | None = None
    """From which request on it answers 402: the money is out."""
    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    answered: int = 0

    async def answer(self, http: web.Request) -> web.Response:
        if http.path.endswith("/models"):
            return web.json_response({"data": [{"id": "guard"}]})
        body = json.loads(await http.read())
        self.bodies.append(body)
        if self.refuses and (wrong := next((name for name in ("top_logprobs", "logprobs") if name in body), None)):
            error = {"message": f"Unsupported parameter: '{wrong}' is not supported with this model.", "param": wrong}
            return web.json_response({"error": error | {"type": "invalid_request_error"}}, status=400)
        if self.fails_from is not None and self.answered >= self.fails_from:
            return web.json_response(
                {"error": {"message": "Insufficient balance", "code": "insufficient_quota"}}, status=402
            )
        await asyncio.sleep(self.latency)
        self.answered += 1
        text, unsafe = self.verdict(body["prompt"] if "prompt" in body else body["messages"][-1]["content"])
        choice: dict[str, Any] = {"index": 0, "finish_reason": "stop"}
        choice |= {"text": text} if "prompt" in body else {"message": {"role": "assistant", "content": text}}
        if self.scored and body.get("logprobs"):
            told = [_told(token, unsafe) for token in tokens_of(text)]
            choice["logprobs"] = _as_of_text(told) if "prompt" in body else {"content": told}
        return web.json_response({"choices": [choice], "usage": {"prompt_tokens": 10, "completion_tokens": 5}})


def _as_of_text(told: list[dict[str, Any]]) -> dict[str, Any]:
    """As completions of plain text have them."""
    return {
        "tokens": [one["token"] for one in told],
        "token_logprobs": [one["logprob"] for one in told],
        "top_logprobs": [{top["token"]: top["logprob"] for top in one["top_logprobs"]} for one in told],
    }


def _told(token: str, unsafe: float) -> dict[str, Any]:
    """Where the verdict begins 不 and 不安全 share the probability of unsafe; anywhere else the token is sure."""
    each = {token: 1.0}
    if token in ("不", "安全"):
        each = {"不": 0.75 * unsafe, "不安全": 0.25 * unsafe, "安全": 1 - unsafe, "嗯": 1e-9}
    told = [{"token": one, "logprob": math.log(max(share, 1e-12)), "bytes": []} for one, share in each.items()]
    return next((one for one in told if one["token"] == token), told[0]) | {"top_logprobs": told}


@contextlib.contextmanager
def guarding(verdict: Verdict, **habits: Any) -> Iterator[GuardServer]:
    """Such a server for the length of a block."""
    server = GuardServer(verdict, **habits)

    def application() -> web.Application:
        found = web.Application()
        found.router.add_route("*", "/{path:.*}", server.answer)
        return found

    with listening(application) as server.url:
        yield server
