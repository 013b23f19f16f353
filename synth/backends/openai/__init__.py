"""Any server that speaks OpenAI's chat completions, asked over aiohttp; JSON-schema replies where it can, plain text where it cannot.

The `openai` package costs a call more than everything else together (benchmarks/README.md); the protocol is one POST.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from secrets import token_hex
from typing import Any

from synth.backends._retry_after import retry_after
from synth.backends._server import Options, share
from synth.backends.openai.bodies import LADDER, body_of, dumps
from synth.backends.openai.refusals import (
    CAUSES,
    FILTERED,
    NO_MONEY,
    TOO_LONG,
    WAY_OUT,
    message_in,
    refuses_format,
    says,
)
from synth.backends.openai.replies import loads, reply_of
from synth.backends.openai.transport import Transport
from synth.errors import ConfigError, ProviderError
from synth.recipe.credentials import Secrets, check_address, filled, from_environment
from synth.recipe.role import Role
from synth.types import Message, Reply, Request

__all__ = ["FAMILY", "GIVES", "STAND_IN", "OpenAIBackend", "Options", "connect", "share"]

FAMILY = "model"
GIVES = frozenset({"words", "continues"})
STAND_IN = False
ADDRESS = "https://api.openai.com/v1"
CHECK_TIMEOUT = 20.0
"""Seconds the check of a model may take."""
FINDING = 10.0
"""Seconds the others wait at most while one request finds out in which way a model's server takes being asked for JSON."""


class OpenAIBackend:
    """The backend `openai`: one address; `family` is `model`, since the address does not bear on the answer."""

    family = FAMILY
    self_scheduling = False

    def __init__(
        self,
        base_url: str | None,
        api_key: str,
        headers: Mapping[str, str] | None = None,
        secrets: Secrets | None = None,
    ) -> None:
        self._url = base_url or ADDRESS
        sent = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json", **(headers or {})}
        self.secrets = secrets or Secrets.sent(self._url, (api_key,), (headers or {}).values())
        self._transport = Transport(self._url, sent, self.secrets)
        self._rungs: dict[str, int] = {}
        """Where on the ladder each model's server stands."""
        self._found: set[str] = set()
        """Models whose server has answered on their rung."""
        self._finding: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def check(self, model: str) -> None:
        """Looks a model up in the server's list, or else asks it for a single token. ConfigError if refused."""
        probe = Request(FAMILY, model, (Message("user", "1"),), {"max_tokens": 1}, None, ())
        try:
            async with asyncio.timeout(CHECK_TIMEOUT):
                if model not in await self._listed():
                    await self.complete(probe, token_hex(16))
        except (ProviderError, TimeoutError):
            return  # the first real call will tell

    async def _listed(self) -> set[str]:
        status, _, body = await self.http("GET", "/models")
        if status in (401, 403):
            raise self.wrong(status, body, "")
        try:
            return {entry["id"] for entry in loads(body)["data"]} if status == 200 else set()
        except (ValueError, TypeError, KeyError):  # not a list that can be read
            return set()

    async def complete(self, request: Request, key: str) -> Reply:
        if request.schema is None or request.model in self._found:
            return await self._asked(request, key)
        finding = self._finding[request.model]
        try:
            async with asyncio.timeout(FINDING):
                await finding.acquire()
        except TimeoutError:  # a refusal of a format comes at once: none is on its way
            return await self._asked(request, key)
        try:
            if request.model not in self._found:
                return await self._asked(request, key)
        finally:
            finding.release()
        return await self._asked(request, key)

    async def _asked(self, request: Request, key: str) -> Reply:
        rung = self._rungs.get(request.model, 0)
        data = dumps(body_of(request, key, LADDER[rung]))
        route = "/chat/completions" if request.text is None else "/completions"
        status, headers, body = await self.http("POST", route, data, {"Idempotency-Key": key})
        if status == 200 and request.schema is not None:
            self._found.add(request.model)
        if rung + 1 < len(LADDER) and refuses_format(status, body, request):
            self._rungs[request.model] = max(self._rungs.get(request.model, 0), rung + 1)
            return await self._asked(request, key)
        return self.read(status, headers, body, request.model, request.prefill)

    async def close(self) -> None:
        await self._transport.close()

    async def http(
        self, method: str, path: str, data: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of a server's answer to one HTTP request. ProviderError if it answers nothing."""
        return await self._transport.http(method, path, data, headers)

    def read(self, status: int, headers: Mapping[str, str], body: bytes, model: str, begun: str = "") -> Reply:
        """The reply that a server's answer is. ProviderError for what may pass, ConfigError for what the user must mend."""
        if status == 200:
            return self._unkeyed(reply_of(body, begun))
        self.raise_weather(status, headers, body)
        if status in (400, 413):
            for words, finish in ((FILTERED, "content_filter"), (TOO_LONG, "rejected")):
                if says(body, words):
                    return Reply(self.said(message_in(body)), finish=finish)
        raise self.wrong(status, body, model)

    def _unkeyed(self, reply: Reply) -> Reply:
        """What a server repeats of a key is journalled nowhere."""
        clean = self.secrets.out_of_reply
        reasoning = reply.reasoning and clean(reply.reasoning)
        return replace(reply, text=clean(reply.text), finish=clean(reply.finish), reasoning=reasoning)

    def raise_weather(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """ProviderError if a server's status is that of an error which may pass, as 429 or 503."""
        if (status in CAUSES or status >= 500) and not says(body, NO_MONEY):
            lower = {name.lower(): value for name, value in headers.items()}
            raise ProviderError(f"answers {status}", cause=CAUSES.get(status, "server"), retry_after=retry_after(lower))

    def wrong(self, status: int, body: bytes, model: str, way_out: str | None = None) -> ConfigError:
        """The ConfigError for a server's answer that will not pass, with its words and a way out."""
        way_out = way_out or WAY_OUT.get(status, "check the recipe's model settings").format(model=model)
        return ConfigError(f"the server answers {status}: {self.said(message_in(body))}; {way_out}")

    def said(self, text: str) -> str:
        """The server's words as they may be shown and kept: one line, no control characters, and no secret."""
        return self._transport.said(text)


def connect(role: Role, options: Options) -> OpenAIBackend:
    """Opens the backend `openai` for a role: a client for its address, with the key its environment variable holds."""
    if options.base_url is not None:
        check_address(options.base_url, "base_url")
    headers, keys = filled(options.headers)
    key = "no key"
    if options.api_key_env is not None:
        way_out = ", or set `api_key_env: null` for a server that asks for no key, or try --backend offline"
        key = from_environment(options.api_key_env, "", way_out)
        keys.append(key)
    url = options.base_url or ADDRESS
    client = OpenAIBackend(url, key, headers, Secrets.sent(url, keys, options.headers.values()))
    others = {name: value for name, value in role.options.items() if name not in Options.model_fields}
    if client.secrets.within([role.extra, others, role.model]):
        raise ConfigError("extra: holds a key of yours; send it as a header (headers: {X-Api-Key: $MY_KEY})")
    return client
