"""Any OpenAI-compatible server, through the `openai` package: chat completions, JSON-schema replies where the server can."""

import asyncio
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import openai
from openai.types.chat import ChatCompletion

from synth.errors import ConfigError, Weather
from synth.keys import seed_of
from synth.plain import for_terminal
from synth.recipe import Role
from synth.types import Message, Reply, Request

FAMILY = "model"
TIMEOUT = 300.0
"""Seconds one attempt may take, from first to last byte."""
CHECK_TIMEOUT = 20.0
"""Seconds the check of a model may take."""

_PASSING = (408, 409, 425, 429)
_OURS = ("temperature", "top_p", "max_tokens")
_BELONGS_TO_REQUEST = (
    "context length",
    "context_length",
    "maximum context",
    "too long",
    "content_filter",
    "content policy",
    "inappropriate",
    "inspection",
)


class OpenAIBackend:
    """One client; `family` is `model`, since the address does not bear on the answer."""

    family = FAMILY

    def __init__(self, base_url: str | None, api_key: str) -> None:
        self._key = api_key
        self._client = openai.AsyncOpenAI(base_url=base_url, api_key=api_key, max_retries=0, timeout=TIMEOUT)
        self._plain: set[str] = set()
        """Models whose server does not take a JSON schema: they are asked in plain text."""

    async def check(self, model: str) -> None:
        """Looks the model up in the server's list; where it does not stand there, asks it for a single token."""
        probe = Request(FAMILY, model, (Message("user", "1"),), {"max_tokens": 1}, None, ())
        try:
            async with asyncio.timeout(CHECK_TIMEOUT):
                if model not in await self._listed():
                    await self._send(probe, "0" * 32)
        except (openai.NotFoundError, openai.AuthenticationError, openai.PermissionDeniedError) as error:
            self._refused(error, probe)
        except (openai.APIError, Weather, ValueError, TimeoutError):
            return  # the first real call will tell

    async def _listed(self) -> set[str]:
        try:
            return {entry.id async for entry in self._client.models.list()}
        except (openai.NotFoundError, ValueError, TypeError, AttributeError):  # no list, or not one that can be read
            return set()

    async def complete(self, request: Request, key: str) -> Reply:
        try:
            async with asyncio.timeout(TIMEOUT):
                return _reply(await self._send(request, key))
        except TimeoutError as error:
            raise Weather(f"takes longer than {TIMEOUT:g} s") from error
        except openai.APIStatusError as error:
            return self._refused(error, request)
        except openai.APIConnectionError as error:
            away = type(error.__cause__).__name__ in ("ConnectError", "ConnectTimeout")
            what = f"cannot be reached at {self._client.base_url}" if away else "breaks off"
            raise Weather(f"{what} ({self._said(_cause(error))})", unreachable=True) from error
        except (openai.APIError, ValueError) as error:  # a body that is no completion: torn, in no encoding, no JSON
            raise Weather(f"sends something that is no completion ({type(error).__name__})") from error

    async def close(self) -> None:
        await self._client.close()

    async def _send(self, request: Request, key: str) -> ChatCompletion:
        create, body = self._client.chat.completions.create, self._body(request, key)
        try:
            completion = await create(**body)
        except openai.BadRequestError as error:
            if "response_format" not in body or "response_format" not in str(error.body):
                raise
            self._plain.add(request.model)
            completion = await create(**self._body(request, key))
        if not isinstance(completion, ChatCompletion):
            raise Weather("sends something that is no completion")
        return completion

    def _body(self, request: Request, key: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "seed": seed_of(key),
            "extra_headers": {"Idempotency-Key": key},
        }
        body |= {name: request.params[name] for name in _OURS if name in request.params}
        body["extra_body"] = {name: value for name, value in request.params.items() if name not in _OURS}
        if request.schema is not None and request.model not in self._plain:
            body["response_format"] = _response_format(request.schema)
        return body

    def _refused(self, error: openai.APIStatusError, request: Request) -> Reply:
        """An error status: bad weather, the request's own fault (an answer of a kind), or the user's to mend."""
        status, message = error.status_code, self._said(str(error.message))
        if status in _PASSING or status >= 500:
            raise Weather(f"answers {status}", retry_after=_retry_after(error)) from error
        if status == 400 and any(word in message.lower() for word in _BELONGS_TO_REQUEST):
            return Reply(message, finish="rejected")
        way_out = {
            401: "check the API key",
            403: "check what the API key may use",
            404: f"check the model's name {request.model!r} and --base-url",
        }.get(status, "check the recipe's model settings")
        raise ConfigError(f"the server answers {status}: {message}; {way_out}") from error

    def _said(self, text: str) -> str:
        """The server's words as they may be shown and kept: one line, no control characters, and never the key."""
        return for_terminal(" ".join(text.replace(self._key, "[key]").split()))[:300]


def connect(role: Role) -> OpenAIBackend:
    """A client for the role's address, with the key its environment variable holds."""
    _check_address(role.base_url)
    if role.api_key_env is None:
        return OpenAIBackend(role.base_url, "no key")
    key = os.environ.get(role.api_key_env, "")
    if not key.strip():
        raise ConfigError(
            f"{role.api_key_env} is not set; export it, or set `api_key_env: null` for a server that asks for no key,"
            " or try --backend offline"
        )
    if not key.isascii() or not key.isprintable():
        raise ConfigError(f"{role.api_key_env} holds characters that cannot stand in a key; export it anew")
    return OpenAIBackend(role.base_url, key)


def _check_address(base_url: str | None) -> None:
    if base_url is None:
        return
    try:
        parts = urlsplit(base_url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise ConfigError(f"base_url {base_url!r} is no address; write it like http://127.0.0.1:8000/v1")
    if parts.username or parts.password:
        raise ConfigError("base_url holds a user name or password; put the key into the environment instead")


def _response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": schema["title"], "schema": dict(schema), "strict": True}}


def _reply(completion: ChatCompletion) -> Reply:
    if not completion.choices:
        raise Weather("sends a completion without choices")
    choice, usage = completion.choices[0], completion.usage
    if choice.message is None:
        raise Weather("sends a choice without a message")
    return Reply(
        text=_text(choice.message.content) or _text(choice.message.refusal),
        finish=choice.finish_reason or "stop",
        prompt_tokens=usage.prompt_tokens or 0 if usage else 0,
        completion_tokens=usage.completion_tokens or 0 if usage else 0,
        reasoning=getattr(choice.message, "reasoning_content", None) or getattr(choice.message, "reasoning", None),
    )


def _text(content: Any) -> str:
    """The package checks no types: what is no text is none."""
    return content if isinstance(content, str) else ""


def _retry_after(error: openai.APIStatusError) -> float | None:
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return None


def _cause(error: openai.APIConnectionError) -> str:
    return str(error.__cause__ or error) or type(error.__cause__ or error).__name__
