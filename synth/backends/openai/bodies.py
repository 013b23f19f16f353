"""What a server of OpenAI's kind is sent and sends: the JSON body of a request, on a rung of the ladder of ways to ask for JSON; JSON
read however broken."""

import json
from dataclasses import asdict
from typing import Any

import orjson

from synth.hashing import seed_of
from synth.types import Request

LADDER = ("json_schema", "json_object", "text")
"""Ways to ask for JSON, the best first. A server that refuses one is asked in the next, from then on."""


def body_of(request: Request, key: str, rung: str = LADDER[0]) -> dict[str, Any]:
    """The JSON body that asks a server of OpenAI's kind for a request, on a rung of the ladder of ways to ask for JSON. Nothing is sent
    at a default that nobody asked for, nor what is null."""
    params = {name: value for name, value in request.params.items() if name not in request.unasked}
    body: dict[str, Any] = {"model": request.model, "seed": seed_of(key)}
    if request.text is not None:
        return _without_null(body | {"prompt": request.text, **_as_number(params)})
    body |= {"messages": request.messages, **params}
    if request.prefill:  # vLLM's words for going on with an answer; others go on or not as they are used to
        body |= {"continue_final_message": True, "add_generation_prompt": False}
    if request.schema is not None and rung == "json_schema":
        schema = {"name": request.schema["title"], "schema": request.schema, "strict": True}
        body["response_format"] = {"type": rung, "json_schema": schema}
    elif request.schema is not None and rung == "json_object":
        body["response_format"] = {"type": rung}
    return _without_null(body)


def _as_number(params: dict[str, Any]) -> dict[str, Any]:
    """Of a plain text's tokens scores are asked for by the number of alternatives alone."""
    if params.get("logprobs") is not True:
        return params
    return {name: value for name, value in params.items() if name != "top_logprobs"} | {
        "logprobs": params.get("top_logprobs", 1)
    }


def _without_null(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def dumps(body: Any) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:  # half a surrogate pair, or a number of more than 64 bits
        return json.dumps(body, default=asdict).encode()


def loads(body: bytes | bytearray) -> Any:
    """The value in the JSON of an OpenAI-like answer, a bare control character in it or not. ValueError for no JSON, or one nested
    too deep."""
    try:
        return orjson.loads(body)
    except ValueError:  # half a surrogate pair, or a bare control character: broken, and readable
        try:
            return json.loads(body, strict=False)
        except RecursionError as error:
            raise ValueError("nested too deep") from error
