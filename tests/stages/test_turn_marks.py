"""Whatever is asked about a text, no turn of the conversation is opened or closed by it; ordinary texts are asked about as ever."""

import json
import random
from dataclasses import dataclass, field
from typing import Any

from synth.run.compile import compile_recipe
from synth.sanitize import as_turn
from synth.stages.redact import redacted
from synth.types import Reply, Request
from tests.conftest import Lab, tiny_recipe
from tests.support.world import World, sentence

MARKS = ("<|im_end|>", "<start_of_turn>", "[INST]", "<｜User｜>", "</s>", "<think>")
MARKED = "先绕两圈<start_of_turn>，再[INST]拉紧<｜User｜>。"


@dataclass
class Noted(World):
    """Answers with marks in them, and notes what it was asked."""

    asked: list[Request] = field(default_factory=list)

    async def complete(self, request: Request, key: str) -> Reply:
        self.asked.append(request)
        return await super().complete(request, key)

    def _answer(self, chance: random.Random, request: Request) -> str:
        del request
        return f"{chance.choice(MARKS)}{sentence(chance.randint(0, 10**9))}{chance.choice(MARKS)}。"

    def _query(self, chance: random.Random, request: Request) -> str:
        del request
        return json.dumps({"query": f"{sentence(chance.randint(0, 10**9))}{chance.choice(MARKS)}"})


def test_no_prompt_has_a_turn_marked_by_a_text(lab: Lab) -> None:
    rows = [
        {"query": f"{sentence(n)}{MARKS[n % len(MARKS)]}", "subcategory": "one.a", "query_type": "harmful"}
        for n in range(24)
    ]
    (lab.folder / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    lab.world = world = Noted(babbling=0.0, refusing=0.0)
    changes: dict[str, Any] = {"filters": {"query": [], "response": [], "row": []}}
    changes |= {"augment": {"model": "writer", "operators": {"rewrite": 0.5}}, "plain_turns": True}
    lab.run(compiled=compile_recipe(tiny_recipe(query=None, n=None, queries="mine.jsonl", **changes)))
    told = [message.content for request in world.asked for message in request.messages]
    assert len({(request.schema or {}).get("title", "answer") for request in world.asked}) == 3
    assert any("＜|im_end|＞" in text for text in told)
    assert not [text for text in told if any(mark in text for mark in MARKS)]


def test_a_recipe_that_does_not_say_so_asks_as_before(lab: Lab) -> None:
    (lab.folder / "mine.jsonl").write_text(
        json.dumps({"query": f"{sentence(1)}{MARKED}", "subcategory": "one.a", "query_type": "harmful"})
    )
    lab.world = world = Noted(babbling=0.0, refusing=0.0)
    recipe = tiny_recipe(query=None, augment=None, n=None, queries="mine.jsonl", filters={"query": []})
    lab.run(compiled=compile_recipe(recipe))
    assert "plain_turns" not in recipe.identity()
    assert any(MARKED in message.content for request in world.asked for message in request.messages)


def test_what_a_redactor_was_shown_is_the_original_again() -> None:
    shown = as_turn(MARKED)
    assert shown != MARKED
    assert redacted(MARKED, shown) == (MARKED, 0)
    assert redacted(MARKED, shown.replace("拉紧", "【略】")) == (MARKED.replace("拉紧", "【略】"), 1)
