"""Any OpenAI-compatible server, through the `openai` package: chat completions, JSON-schema replies where the server can."""

import os
from collections.abc import Mapping
from typing import Any

import openai
from openai.types.chat import ChatCompletion

from synth.errors import ConfigError, Weather
from synth.keys import seed_of
from synth.recipe import Role
from synth.types import Reply, Request

FAMILY = "model"
TIMEOUT = 300.0
"""Seconds one attempt may take."""

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
        self._client = openai.AsyncOpenAI(base_url=base_url, api_key=api_key, max_retries=0, timeout=TIMEOUT)
        self._plain: set[str] = set()
        """Models whose server does not take a JSON schema: they are asked in plain text."""

    async def complete(self, request: Request, key: str) -> Reply:
        try:
            return _reply(await self._send(request, key))
        except openai.APITimeoutError as error:
            raise Weather("timed out") from error
        except openai.APIConnectionError as error:
            away = type(error.__cause__).__name__ in ("ConnectError", "ConnectTimeout")
            what = f"cannot be reached at {self._client.base_url}" if away else "breaks off"
            raise Weather(f"{what} ({_cause(error)})", unreachable=away) from error
        except openai.APIStatusError as error:
            return self._refused(error, request)
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
        status, message = error.status_code, " ".join(str(error.message).split())[:300]
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


def connect(role: Role) -> OpenAIBackend:
    """A client for the role's address, with the key its environment variable holds."""
    if role.api_key_env is None:
        return OpenAIBackend(role.base_url, "none")
    key = os.environ.get(role.api_key_env, "")
    if not key.strip():
        raise ConfigError(
            f"{role.api_key_env} is not set; export it, or set `api_key_env: null` for a server that asks for no key, or try --backend offline"
        )
    if not key.isascii() or not key.isprintable():
        raise ConfigError(f"{role.api_key_env} holds characters that cannot stand in a key; export it anew")
    return OpenAIBackend(role.base_url, key)


def _response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": schema["title"], "schema": dict(schema), "strict": True}}


def _reply(completion: ChatCompletion) -> Reply:
    if not completion.choices:
        raise Weather("sends a completion without choices")
    choice, usage = completion.choices[0], completion.usage
    if choice.message is None:
        raise Weather("sends a choice without a message")
    return Reply(
        text=choice.message.content or choice.message.refusal or "",
        finish=choice.finish_reason or "stop",
        prompt_tokens=usage.prompt_tokens if usage else 0,
        completion_tokens=usage.completion_tokens if usage else 0,
        reasoning=getattr(choice.message, "reasoning_content", None) or getattr(choice.message, "reasoning", None),
    )


def _retry_after(error: openai.APIStatusError) -> float | None:
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return None


def _cause(error: openai.APIConnectionError) -> str:
    return str(error.__cause__ or error) or type(error.__cause__ or error).__name__
