"""What a server of OpenAI's kind is sent: the JSON body of a request, on a rung of the ladder of ways to ask for JSON."""

import json
from dataclasses import asdict
from typing import Any

import orjson

from synth.hashing import seed_of
from synth.types import Request

LADDER = ("json_schema", "json_object", "text")
"""Ways to ask for JSON, the best first. A server that refuses one is asked in the next, from then on."""


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


def dumps(body: Any) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:  # half a surrogate pair, or a number of more than 64 bits
        return json.dumps(body, default=asdict).encode()
