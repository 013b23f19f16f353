"""Any server that speaks OpenAI's chat completions, asked over aiohttp; JSON-schema replies where it can, plain text where it cannot.

The `openai` package costs a call more than everything else together (benchmarks/README.md); the protocol is one POST.
"""

import asyncio
import io
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, replace
from secrets import token_hex
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import orjson

from synth.backends._retry_after import retry_after
from synth.backends._server import Options, share
from synth.errors import Cause, ConfigError, ProviderError
from synth.hashing import seed_of
from synth.recipe.credentials import Secrets, at, check_address, filled, from_environment, shown
from synth.recipe.role import Role
from synth.sanitize import for_terminal
from synth.types import Message, Reply, Request

__all__ = ["FAMILY", "GIVES", "STAND_IN", "OpenAIBackend", "Options", "connect", "share"]

FAMILY = "model"
GIVES = frozenset({"words", "continues"})
STAND_IN = False
ADDRESS = "https://api.openai.com/v1"
LARGE = 2**20
"""Bytes from which on a body is sent piece by piece."""
CHECK_TIMEOUT = 20.0
"""Seconds the check of a model may take."""
FINDING = 10.0
"""Seconds the others wait at most while one request finds out in which way a model's server takes being asked for JSON."""

_CAUSES: Final[dict[int, Cause]] = {
    408: "server",
    409: "server",
    425: "server",
    429: "limit",
    503: "overload",
    529: "overload",
}
_OURS = ("temperature", "top_p", "max_tokens")
_NO_MONEY = ("insufficient_quota", "exceeded your current quota", "insufficient balance")
_FILTERED = ("content_filter", "content policy", "content exists risk", "inappropriate", "inspection")
TOO_LONG = ("context length", "context_length", "maximum context", "too long", "too large", "must have less than")
_NOT_TAKEN = ("response_format", "json_schema", "json_object", "structured", "guided")
LADDER = ("json_schema", "json_object", "text")
"""Ways to ask for JSON, the best first. A server that refuses one is asked in the next, from then on."""
WAY_OUT = {
    401: "check the API key",
    402: "top up the account",
    403: "check what the API key may use",
    404: "check the model's name {model!r} and --base-url",
}


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
        self._headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json", **(headers or {})}
        self.secrets = secrets or Secrets.sent(self._url, (api_key,), (headers or {}).values())
        self._session: aiohttp.ClientSession | None = None
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
        if self._session is not None:
            await self._session.close()

    async def http(
        self, method: str, path: str, data: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of a server's answer to one HTTP request. ProviderError if it answers nothing."""
        if self._session is None:
            self._session = _session(self._url, self._headers)
        try:
            async with self._session.request(
                method,
                at(self._url, path),
                data=io.BytesIO(data) if isinstance(data, bytes) and len(data) > LARGE else data,
                headers=headers,
                allow_redirects=False,
            ) as response:
                return response.status, response.headers, await response.read()
        except (aiohttp.ClientError, OSError) as error:
            away = isinstance(error, aiohttp.ClientConnectorError)
            what = f"cannot be reached at {shown(self._url)}" if away else "breaks off"
            raise ProviderError(f"{what} ({self.said(str(error) or type(error).__name__)})", cause="network") from error

    def read(self, status: int, headers: Mapping[str, str], body: bytes, model: str, begun: str = "") -> Reply:
        """The reply that a server's answer is. ProviderError for what may pass, ConfigError for what the user must mend."""
        if status == 200:
            return self._unkeyed(self._reply(body, begun))
        self.raise_weather(status, headers, body)
        if status in (400, 413):
            for words, finish in ((_FILTERED, "content_filter"), (TOO_LONG, "rejected")):
                if says(body, words):
                    return Reply(self.said(_message(body)), finish=finish)
        raise self.wrong(status, body, model)

    def _reply(self, body: bytes, begun: str) -> Reply:
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

    def _unkeyed(self, reply: Reply) -> Reply:
        """What a server repeats of a key is journalled nowhere."""
        clean = self.secrets.out_of_reply
        reasoning = reply.reasoning and clean(reply.reasoning)
        return replace(reply, text=clean(reply.text), finish=clean(reply.finish), reasoning=reasoning)

    def raise_weather(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """ProviderError if a server's status is that of an error which may pass, as 429 or 503."""
        if (status in _CAUSES or status >= 500) and not says(body, _NO_MONEY):
            lower = {name.lower(): value for name, value in headers.items()}
            raise ProviderError(
                f"answers {status}", cause=_CAUSES.get(status, "server"), retry_after=retry_after(lower)
            )

    def wrong(self, status: int, body: bytes, model: str, way_out: str | None = None) -> ConfigError:
        """The ConfigError for a server's answer that will not pass, with its words and a way out."""
        way_out = way_out or WAY_OUT.get(status, "check the recipe's model settings").format(model=model)
        return ConfigError(f"the server answers {status}: {self.said(_message(body))}; {way_out}")

    def said(self, text: str) -> str:
        """The server's words as they may be shown and kept: one line, no control characters, and no secret."""
        return for_terminal(" ".join(self.secrets.out_of_message(text).split()))[:300]


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


def _session(url: str, headers: Mapping[str, str]) -> aiohttp.ClientSession:
    """No limit on connections (the engine has one) nor on time (likewise), but for the time to connect."""
    parts = urlsplit(url)
    proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=30),
        headers=headers,
        proxy=proxy,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def body_of(request: Request, key: str, rung: str) -> dict[str, Any]:
    """The JSON body that asks a server of OpenAI's kind for a request, on a rung of the ladder of ways to ask for JSON."""
    body: dict[str, Any] = {"model": request.model, "seed": seed_of(key)}
    if request.text is not None:
        return body | {"prompt": request.text, **request.params}
    body |= {"messages": request.messages, **request.params}
    if request.prefill:  # vLLM's words for going on with an answer; others go on or not as they are used to
        body |= {"continue_final_message": True, "add_generation_prompt": False}
    if request.schema is not None and rung == "json_schema":
        schema = {"name": request.schema["title"], "schema": request.schema, "strict": True}
        body["response_format"] = {"type": rung, "json_schema": schema}
    elif request.schema is not None and rung == "json_object":
        body["response_format"] = {"type": rung}
    return body


def refuses_format(status: int, body: bytes, request: Request) -> bool:
    """Whether a server of OpenAI's kind says that it takes no such way to ask for JSON (`response_format`)."""
    return status in (400, 422) and request.schema is not None and says(body, _NOT_TAKEN)


def dumps(body: Any) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:  # half a surrogate pair, or a number of more than 64 bits
        return json.dumps(body, default=asdict).encode()


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


def _message(body: bytes) -> str:
    """The words in an error's body, whichever shape it has."""
    text = body[:10_000].decode("utf-8", "replace")
    try:
        found = json.loads(text)
        error = found.get("error", found)
        return str(error.get("message") or error) if isinstance(error, dict) else str(error)
    except (ValueError, AttributeError):
        return text


def says(body: bytes, words: tuple[str, ...]) -> bool:
    """Whether one of these words, in small letters, stands in the first 10,000 bytes of an OpenAI-like answer."""
    text = body[:10_000].decode("utf-8", "replace").lower()
    return any(word in text for word in words)
