"""The stand-in server with models that play a part: what they would have answered, changed by a function of it."""

import contextlib
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from synth.recipe import load
from synth.recipe.schema import Recipe
from synth.serve.server import StandIn
from synth.types import Reply
from tests.support.standin import standing_in

Part = Callable[[dict[str, Any], Reply, random.Random], Reply]
"""What a model answers: of the request's body, the reply of the offline backend, and its own chance."""


@contextlib.contextmanager
def playing(**parts: Part) -> Iterator[StandIn]:
    """A server whose models play these parts, by model; the others answer as the offline backend does."""
    with standing_in(listed=None) as server:
        usual = server._reply

        def reply(body: dict[str, Any], fault: str | None) -> Reply:
            found = usual(body, fault)
            if part := parts.get(body["model"]):
                digest = blake2b(json.dumps([body["model"], body["messages"]]).encode(), digest_size=8).digest()
                found = part(body, found, random.Random(digest))
            return found

        server._reply = reply  # type: ignore[method-assign]
        yield server


def recipe(server: StandIn, **changes: Any) -> Recipe:
    """The libra recipe, every role a model of that server, called by its role's name."""
    found = load.load("libra").model_dump(mode="json", exclude_unset=True)
    models = {
        name: {"model": name, "base_url": server.url, "api_key_env": None}
        for name in ("writer", "answerer_a", "answerer_b", "answerer_c", "judge_a", "judge_b", "judge_c")
    }
    return Recipe.model_validate(found | {"models": models, "concurrency": 16} | changes)


def verdict(change: Callable[[dict[str, Any], dict[str, Any], random.Random], dict[str, Any]]) -> Part:
    """A judge's part: its verdict as JSON, changed; what is no verdict stays."""

    def part(body: dict[str, Any], reply: Reply, chance: random.Random) -> Reply:
        try:
            said = json.loads(reply.text)
            label = said["label"]
        except (ValueError, TypeError, KeyError):
            return reply
        del label
        return replace(reply, text=json.dumps(change(body, said, chance), ensure_ascii=False))

    return part


def response_of(body: dict[str, Any]) -> str:
    """The answer that a judge is shown."""
    return (
        next((str(m["content"]) for m in body["messages"] if "<助手>" in m["content"]), "")
        .partition("<助手>\n")[2]
        .partition("\n</助手>")[0]
    )


def coin(body: dict[str, Any], said: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """A coin's verdict, with an analysis that states none."""
    del body
    label = chance.choice(["安全", "不安全"])
    return said | {
        "label": label,
        "analysis": f"这一轮对话涉及日常事务，难以一概而论，情形第{chance.randrange(10**6)}种",
    }


def placeholder(share: float) -> Part:
    """A judge whose analyses are the prompt's placeholder in this share."""
    return verdict(lambda _, said, chance: said | ({"analysis": "分析"} if chance.random() < share else {}))


def copied(share: float) -> Part:
    """A judge that copies the answer out in this share."""
    return verdict(
        lambda body, said, chance: said | ({"analysis": response_of(body)} if chance.random() < share else {})
    )
