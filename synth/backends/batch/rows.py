"""The lines of a batch's files: a request each; a reply or an error each, in any order, told apart by the request's key."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal

from synth.backends import BatchJob
from synth.backends.batch.api import ENDPOINT
from synth.backends.openai import OpenAIBackend
from synth.backends.openai.bodies import LADDER, body_of, dumps, loads
from synth.backends.openai.learned import NOTHING, Facts, applied
from synth.backends.openai.refusals import FORMAT, STREAM, classify
from synth.errors import ConfigError, ProviderError, Stopped
from synth.types import Reply, Request

DOWNLOADS = 5
"""Tries at a batch's files of which something is missing."""
TURN = 500
"""Rows read before others get their turn."""


def line_of(request: Request, key: str, rung: int, facts: Facts = NOTHING) -> bytes:
    """A request as a row of a batch's file, told by its key, on a rung of the JSON ladder, as its server takes it by what is known."""
    return dumps({"custom_id": key, "method": "POST", "url": ENDPOINT, "body": _body(request, key, rung, facts)})


def _body(request: Request, key: str, rung: int, facts: Facts) -> dict[str, Any]:
    known = {field: what for field, what in facts.items() if field not in (FORMAT, STREAM)}
    return applied(body_of(request, key, LADDER[rung]), known)


@dataclass(slots=True)
class Outcome:
    """What a batch brought, by request key: replies, failures, and what must be asked again."""

    replies: dict[str, Reply] = field(default_factory=dict)
    failures: dict[str, ProviderError | ConfigError | Stopped] = field(default_factory=dict)
    again: set[str] = field(default_factory=set)
    """Those that are to go into another batch as they are."""
    stepped: bool = False
    """Whether the server would rather be asked for JSON in another way."""


async def rows_of(
    files: Sequence[str], download: Callable[[str], Awaitable[bytes]], expected: Iterable[str]
) -> list[list[dict[str, Any]]]:
    """The rows of a batch's files. All are read again, a few times, where a line is torn or a key that is expected has no row: a
    file may be cut off at the end of a line, and what is missing would be paid for twice."""
    found: list[list[dict[str, Any]]] = []
    for _ in range(DOWNLOADS):
        read = [await asyncio.to_thread(_parsed, await download(file)) for file in files]
        found = [rows for rows, _ in read]
        lacking = set(expected).difference(row["custom_id"] for row in chain.from_iterable(found))
        if not lacking and all(whole for _, whole in read):
            break
    return found


def _parsed(data: bytes) -> tuple[list[dict[str, Any]], bool]:
    """The rows of a file that a batch brought, and whether every line was one."""
    rows, whole = [], True
    for line in data.split(b"\n"):
        if not line.strip():
            continue
        try:
            row = loads(line)
            assert isinstance(row["custom_id"], str)
        except (ValueError, TypeError, LookupError, AssertionError):
            whole = False
        else:
            rows.append(row)
    return rows, whole


async def outcome_of(
    files: Sequence[list[dict[str, Any]]], receipt: BatchJob, requests: Mapping[str, Request], client: OpenAIBackend
) -> Outcome:
    """What a batch brought, read from the rows of its files. `requests` are those somebody waits for. Of several rows for
    one key a reply counts, the first of them."""
    outcome, keys = Outcome(), set(receipt.keys)
    for number, row in enumerate(chain.from_iterable(files)):
        if not number % TURN:
            await asyncio.sleep(0)
        key = row["custom_id"]
        if key not in keys or key in outcome.replies:
            continue
        found = _read(row, requests.get(key), receipt, client)
        if isinstance(found, Reply):
            outcome.replies[key] = found
        elif isinstance(found, str):
            outcome.again.add(key)
            outcome.stepped |= found == "stepped"
        else:
            outcome.failures[key] = found
    for key in outcome.replies:
        outcome.failures.pop(key, None)
    outcome.again -= outcome.replies.keys()
    return outcome


def _read(
    row: Mapping[str, Any], request: Request | None, receipt: BatchJob, client: OpenAIBackend
) -> Reply | ProviderError | ConfigError | Literal["stepped", "learnt"]:
    """What one row says; `stepped` if it says that JSON is to be asked for in another way, `learnt` if the request is to be sent again
    without what it says is not taken. `request` is there if anyone waits for it."""
    response = row.get("response")
    if not isinstance(response, dict) or not response.get("status_code"):
        return ProviderError(f"leaves it unanswered ({client.said(_words(row.get('error')))})", cause="overload")
    status, body = response["status_code"], dumps(response.get("body") or row.get("error"))
    if request is not None and status != 200:
        sent = _body(request, str(row["custom_id"]), receipt.rung, client.facts(request.model))
        refusal = classify(status, {}, body, sent.keys())
        if refusal.kind == "not_taken" and refusal.field == FORMAT and receipt.rung + 1 < len(LADDER):
            return "stepped"
        if client.learn(request.model, refusal, sent):
            return "learnt"
    try:
        return client.read(status, {}, body, receipt.model)
    except (ProviderError, ConfigError) as error:
        return error


def _words(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error or "no reason given")
    return " ".join(str(error[name]) for name in ("code", "message") if error.get(name)) or "no reason given"


def complaint(batch: Mapping[str, Any], client: OpenAIBackend) -> str:
    """What a server objects to in the rows of a batch that it refuses: the first error, and how many more there are."""
    found = batch.get("errors")
    errors = found.get("data") if isinstance(found, dict) else found
    if not isinstance(errors, list) or not errors:
        return "no reason given"
    first = errors[0] if isinstance(errors[0], dict) else {"message": str(errors[0])}
    line = f"line {first['line']}: " if first.get("line") else ""
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return client.said(f"{line}{_words(first)}{more}")
