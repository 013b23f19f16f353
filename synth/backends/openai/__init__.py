"""Any server that speaks OpenAI's chat completions, asked over aiohttp; JSON-schema replies where it can, plain text where it cannot.

The `openai` package costs a call more than everything else together (benchmarks/README.md); the protocol is one POST.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

from synth.backends._server import Options, reached, share
from synth.backends.openai.bodies import body_of, dumps, loads
from synth.backends.openai.learned import applied, lesson, rung_of, trials
from synth.backends.openai.refusals import Refusal, classify, message_in, way_out
from synth.backends.openai.replies import beside, read_answer
from synth.backends.openai.transport import Transport
from synth.errors import ConfigError, ProviderError
from synth.recipe.credentials import Secrets
from synth.recipe.role import Role
from synth.types import Message, Reply, Request

if TYPE_CHECKING:
    from synth.backends.openai.package import Package

__all__ = ["FAMILY", "GIVES", "STAND_IN", "OpenAIBackend", "Options", "connect", "share"]

FAMILY = "model"
GIVES = frozenset({"words", "continues", "scores"})
STAND_IN = False
ADDRESS = "https://api.openai.com/v1"
CHECK_TIMEOUT = 20.0
"""Seconds the check of a model may take."""
FINDING = 10.0
"""Seconds the others wait at most while one request finds out in which way a model's server takes being asked for JSON."""
TRIES: Final = 8
"""How often a request is sent at most, while its server says what it does not take."""
_OWN: Final = ("seed", "encoding_format")
"""Fields that synth sends unasked and can do without."""
_FINISHES: Final = {"filtered": "content_filter", "too_long": "rejected"}
"""Refusals that are a reply: nothing but the request is to blame."""
_FINAL: Final = frozenset(("no_money", "no_right", "no_model", "no_system"))


class OpenAIBackend:
    """The backend `openai`: one address; `family` is `model`, since the address does not bear on the answer."""

    family = FAMILY
    self_scheduling = False

    def __init__(
        self,
        base_url: str | None,
        api_key: str = "",
        headers: Mapping[str, str] | None = None,
        secrets: Secrets | None = None,
        *,
        known: Mapping[str, str] | None = None,
    ) -> None:
        self._url = base_url or ADDRESS
        keyed = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        sent = {"Content-Type": "application/json", **keyed, **(headers or {})}
        self.secrets = secrets or Secrets.sent(self._url, (api_key,), (headers or {}).values())
        self._transport = Transport(self._url, sent, self.secrets)
        self._asking: Transport | Package = self._transport
        self._latest = ""
        """The model that was asked last."""
        self._facts: defaultdict[str, dict[str, str]] = defaultdict(lambda: dict(known or {}))
        """What each model's server does not take, by field, and what is done about it."""
        self._taken: defaultdict[str, set[str]] = defaultdict(set)
        """The fields that each model's server was seen to take."""
        self._found: set[str] = set()
        """Models whose server has answered on their rung."""
        self._failed: set[str] = set()
        """Models whose server failed at first, and was then tried without what it may not take."""
        self._finding: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._learnt: Callable[[str, str, str], None] = lambda *_: None

    def adapt(self, known: Mapping[str, Mapping[str, str]], learnt: Callable[[str, str, str], None]) -> None:
        self._learnt = learnt
        self._transport.moved = lambda words: learnt(self._latest, "base_url", words)
        for model, facts in known.items():
            self._facts[model].update(facts)

    async def check(self, model: str) -> None:
        """Looks a model up in the server's list, or else asks it for a single token, as a run would. ConfigError if the server says
        that there is no such model, no right to it or no money."""
        self._latest = model
        try:
            async with asyncio.timeout(CHECK_TIMEOUT):
                if model not in await self._listed():
                    await self._probed(model)
        except (ProviderError, TimeoutError):
            return  # the first real call will tell

    async def _probed(self, model: str) -> None:
        probe = Request(FAMILY, model, (Message("user", "1"),), {"max_tokens": 1}, None, ())
        try:
            await self.complete(probe, token_hex(16))
        except ConfigError as error:
            try:  # a model that goes on with plain text may have no chat
                await self.complete(replace(probe, kind="completion"), token_hex(16))
            except ConfigError:
                raise error from None

    async def _listed(self) -> set[str]:
        status, _, body = await self.http("GET", "/models")
        try:
            return {entry["id"] for entry in loads(body)["data"]} if status == 200 else set()
        except (ValueError, TypeError, LookupError):  # not a list that can be read
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
        route = "/chat/completions" if request.text is None else "/completions"
        reply = await self.ask(
            route, request.model, partial(body_of, request, key), partial(read_answer, begun=request.prefill), key
        )
        if request.schema is not None:
            self._found.add(request.model)
        return reply

    async def ask(
        self,
        route: str,
        model: str,
        build: Callable[[str], Mapping[str, Any]],
        read: Callable[[int, bytes | bytearray], Reply | int],
        key: str = "",
    ) -> Reply:
        """The reply to a request, sent as the model's server takes it, and again without what it is found not to take. `build` gives
        the body on a rung of the JSON ladder, `read` the reply in an answer, or the status of the error it is instead. ProviderError for
        what may pass, ConfigError for what the user must mend."""
        self._latest = model
        try:
            return await self._ask(route, model, build, read, {"Idempotency-Key": key} if key else {})
        except ProviderError as error:  # it may be kept for a while, and must not keep what was read with it
            error.words = self.said(error.words)
            error.__context__ = None
            raise error.with_traceback(None) from None

    async def _ask(
        self,
        route: str,
        model: str,
        build: Callable[[str], Mapping[str, Any]],
        read: Callable[[int, bytes | bytearray], Reply | int],
        headers: Mapping[str, str],
    ) -> Reply:
        trial: dict[str, str] = {}
        tried: list[dict[str, str]] | None = None
        first: Refusal | None = None
        for left in reversed(range(TRIES)):
            body = self._body(build, model, trial)
            async with self._asking.answered("POST", route, dumps(body), headers) as (status, told, answer):
                found = await beside(len(answer), read, status, answer)
                if isinstance(found, Reply):
                    self._taken[model] |= body.keys()
                    for field, what in trial.items():
                        self._learn(model, field, what, first)
                    return self._unkeyed(found)
                refusal = classify(found, told, answer, body.keys())
                if refusal.once_answered and self._taken[model]:
                    refusal = replace(refusal, kind=refusal.once_answered)
            fails = found == 500 and refusal.kind == "broken" and (tried is not None or model not in self._failed)
            if not left or (refusal.kind not in ("not_taken", "refused") and not fails):
                return self._settled(refusal, found, model)
            first = first or refusal
            if self._body(build, model, trial) != body:  # another request has learnt it meanwhile
                continue
            if self.learn(model, refusal, body):
                continue
            if tried is None:
                tried = trials(refusal, found, body, _OWN, frozenset(self._taken[model]))
                self._failed |= {model} if fails else set()
            if not tried:
                return self._settled(first, found, model)
            trial = tried.pop(0)
        raise AssertionError

    def facts(self, model: str) -> Mapping[str, str]:
        """What a model's server does not take, by field, and what is done about it."""
        return self._facts[model]

    def learn(self, model: str, refusal: Refusal, body: Mapping[str, Any]) -> bool:
        """Whether there is something to be learnt from the refusal of a body; it is, and told."""
        if step := lesson(refusal, body, self._facts[model]):
            self._learn(model, *step, refusal)
        return step is not None

    def _body(self, build: Callable[[str], Mapping[str, Any]], model: str, trial: Mapping[str, str]) -> dict[str, Any]:
        facts = {**self._facts[model], **trial}
        return applied(build(rung_of(facts)), facts)

    def _learn(self, model: str, field: str, what: str, refusal: Refusal | None) -> None:
        if self._facts[model].get(field) != what:
            self._facts[model][field] = what
            self._learnt(model, field, f"{what}: {self.said(refusal.words if refusal else '') or 'no word of why'}")

    async def close(self) -> None:
        await self._transport.close()

    def package(self) -> "Package":
        """The `openai` package over this backend's transport, through which it is asked itself from then on."""
        from synth.backends.openai.package import Package

        self._asking = found = Package(self._transport)
        return found

    async def http(
        self, method: str, path: str, data: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of a server's answer to one HTTP request. ProviderError if it answers nothing."""
        return await self._asking.http(method, path, data, headers)

    def read(self, status: int, headers: Mapping[str, str], body: bytes, model: str) -> Reply:
        """The reply that a server's answer is. ProviderError for what may pass, ConfigError for what the user must mend."""
        try:
            found = read_answer(status, body)
        except ProviderError as error:
            error.words = self.said(error.words)
            raise
        if isinstance(found, Reply):
            return self._unkeyed(found)
        return self._settled(classify(found, headers, body), found, model)

    def _settled(self, refusal: Refusal, status: int, model: str) -> Reply:
        """What a refusal comes to once nothing more can be done about it."""
        words = self.said(refusal.words)
        if refusal.kind in _FINISHES:
            return Reply(words, finish=_FINISHES[refusal.kind])
        if refusal.kind in _FINAL:
            told = way_out(status, refusal.kind, model)
            raise ConfigError(f"the server {self._answers(status, words)}; {told}")
        passing = refusal.kind in ("wait", "broken")
        raise ProviderError(
            self._answers(status, "" if passing else words),
            cause=refusal.cause if passing else "refused",
            retry_after=refusal.retry_after,
            words=words,
        )

    def _unkeyed(self, reply: Reply) -> Reply:
        """What a server repeats of a key is journalled nowhere."""
        clean = self.secrets.out_of_reply
        text, reasoning, word = clean(reply.text), reply.reasoning and clean(reply.reasoning), self.said(reply.word)
        if text == reply.text and reasoning == reply.reasoning:
            return replace(reply, word=word) if word else reply
        return replace(reply, text=text, reasoning=reasoning, scores=(), word=word)

    def raise_weather(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """ProviderError if a server's answer is an error which may pass, as 429 or 503 are."""
        refusal = classify(status, headers, body)
        if refusal.kind in ("wait", "broken"):
            self._settled(refusal, status, "")

    def wrong(self, status: int, body: bytes, model: str, told: str | None = None) -> ConfigError:
        """The ConfigError for a server's answer that will not pass, with its words and a way out."""
        told = told or way_out(status, classify(status, {}, body).kind, model)
        return ConfigError(f"the server {self._answers(status, self.said(message_in(body)))}; {told}")

    def _answers(self, status: int, words: str) -> str:
        """A refusal in words, with what it may be of, if not of the server: an address without its version, a proxy."""
        proxied = status in (403, 407) or status >= 500
        where = self._transport.where(status) + (self._transport.by_proxy if proxied else "")
        return f"answers {status}{where}" + (f": {words}" if words else "")

    def said(self, text: str) -> str:
        """The server's words as they may be shown and kept: one line, no control characters, and no secret."""
        return self._transport.said(text)


def connect(role: Role, options: Options) -> OpenAIBackend:
    """Opens the backend `openai` for a role: a client for its address, with the key its environment variable holds."""
    url, key, headers, secrets = reached(options, ADDRESS)
    client = OpenAIBackend(url, key, headers, secrets, known=options.facts.takes)
    others = {name: value for name, value in role.options.items() if name not in Options.model_fields}
    if client.secrets.within([role.extra, others, role.model]):
        raise ConfigError("extra: holds a key of yours; send it as a header (headers: {X-Api-Key: $MY_KEY})")
    if options.transport == "openai":
        client.package()
    return client
