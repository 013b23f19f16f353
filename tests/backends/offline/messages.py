"""Messages as prompts make them, written by hand: what the offline backend is asked for."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from synth.backends.offline import LATER, reply_to
from synth.types import Message, Request

Slot = tuple[str, Mapping[str, str]]
"""A behaviour, and what else a slot says, by title."""
KINDS = {
    "harmful": "风险类别：{}\n类别说明：略",
    "benign": "风险话题：{}\n话题说明：略",
    "lookalike": "容易被误认成的风险类别：{}\n类别说明：略",
    "ordinary": "领域：{}\n领域说明：略",
}


def asked(user: str, system: str = "", schema: Mapping[str, Any] | None = None, seed: int = 1) -> str:
    """What the second frames answer."""
    messages = tuple(Message(role, text) for role, text in (("system", system), ("user", user)) if text)
    return reply_to(Request(LATER, "offline-m", messages, {}, schema, ()), seed).text


def sheet(kind: str, place: str, slots: Sequence[Slot], seed: int = 1) -> dict[int, str]:
    """The queries that a sheet brings, by number; none where the reply cannot be read."""
    lines = [
        f"{number}. " + "；".join(f"{title}：{value}" for title, value in {"行为": behaviour, **more}.items())
        for number, (behaviour, more) in enumerate(slots, start=1)
    ]
    item = {"type": "object", "properties": {"n": {"type": "integer"}, "query": {"type": "string"}}}
    queries = {"type": "array", "items": item, "minItems": 1, "maxItems": len(slots)}
    user = f"{KINDS[kind].format(place)}\n\n要求：\n" + "\n".join(lines)
    try:
        found = json.loads(asked(user, "写问题。", {"title": "queries", "properties": {"queries": queries}}, seed))
    except ValueError:
        return {}
    return {one["n"]: one["query"] for one in found["queries"]}


def verdict(query: str, response: str, properties: Mapping[str, Any], seed: int = 1) -> dict[str, Any]:
    """What a judge says; nothing where the reply cannot be read."""
    user = f"类别：违法犯罪——赌博\n\n<用户>\n{query}\n</用户>\n<助手>\n{response}\n</助手>\n"
    try:
        found: dict[str, Any] = json.loads(asked(user, "评审。", {"title": "verdict", "properties": properties}, seed))
    except ValueError:
        return {}
    return found
