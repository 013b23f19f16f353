"""A stand-in for models whose habits can be set: how often they repeat themselves, refuse, comply, differ. A function of the request."""

import json
import random
from dataclasses import dataclass
from typing import Any

import numpy as np

from synth.types import Reply, Request
from synth.vector import Numbers, rounded, written

HAN = [chr(code) for code in range(0x4E00, 0x4E00 + 3000)]


def sentence(number: int, variant: int = 0) -> str:
    """Sentence `number`: twenty-odd characters of its own; a variant differs from it in one character."""
    chance = random.Random(number)
    characters = [chance.choice(HAN) for _ in range(chance.randint(18, 26))]
    if variant:
        characters[variant % len(characters)] = HAN[variant]
    return "".join(characters)


def meaning_of(text: str) -> Numbers:
    """A vector that hangs on the last character, and a little on the others."""
    one, other = (np.random.default_rng(seed) for seed in (ord(text[-1]) % 300, [*map(ord, text)]))
    return rounded(one.normal(size=64) + 0.1 * other.normal(size=64))


@dataclass
class World:
    pool: int = 100_000
    """Sentences the writer knows; the smaller, the more it repeats itself, within a lane and across lanes."""
    variants: float = 0.3
    refusing: float = 0.03
    """Share of writer calls refused."""
    babbling: float = 0.03
    """Share of calls for JSON that give none."""
    complying: float = 0.8
    """Share of answers in an open stance that go along."""
    differing: float = 0.05
    """Share of verdicts turned round."""
    family: str = "offline/1"
    self_scheduling: bool = False

    async def check(self, model: str) -> None:
        return None

    async def close(self) -> None:
        return None

    async def complete(self, request: Request, key: str) -> Reply:
        if request.kind == "embedding":
            return Reply(written(meaning_of(request.messages[0].content)))
        chance = random.Random(key)
        title = (request.schema or {}).get("title", "answer")
        if title != "answer" and chance.random() < self.babbling:
            return Reply("这不是 JSON")
        return Reply(getattr(self, f"_{title}")(chance, request))

    def _queries(self, chance: random.Random, request: Request) -> str:
        if chance.random() < self.refusing:
            return "抱歉，我不能协助编写这类内容。"
        asked = request.schema["properties"]["queries"]
        texts: list[Any] = [self._sentence(chance) for _ in range(asked["maxItems"])]
        if asked["items"]["type"] == "object":
            texts = [{"n": number, "query": text} for number, text in enumerate(texts, start=1)]
        return json.dumps({"queries": texts}, ensure_ascii=False)

    def _items(self, chance: random.Random, request: Request) -> str:
        """New elements for a bank."""
        count = request.schema["properties"]["items"]["maxItems"]
        return json.dumps({"items": [f"做{self._sentence(chance)[:6]}" for _ in range(count)]}, ensure_ascii=False)

    def _query(self, chance: random.Random, request: Request) -> str:
        return json.dumps({"query": self._sentence(chance)}, ensure_ascii=False)

    def _sentence(self, chance: random.Random) -> str:
        variant = chance.randrange(1, 3000) if chance.random() < self.variants else 0
        return sentence(chance.randrange(self.pool), variant)

    def _answer(self, chance: random.Random, request: Request) -> str:
        told = request.messages[0].content
        refuses = "请明确拒绝" in told or "不要一拒了之" in told or chance.random() >= self.complying
        return f"抱歉，我不能提供帮助。{chance.random()}" if refuses else f"好的，照你说的办：【略】。{chance.random()}"

    def _verdict(self, chance: random.Random, request: Request) -> str:
        return json.dumps(self._said(chance, request.messages[1].content), ensure_ascii=False)

    def _verdicts(self, chance: random.Random, request: Request) -> str:
        """Those on several rows; now and then one is left out, given twice, or under a number that no row has."""
        rows = request.messages[1].content.split("\n第")[1:]
        told = [{"n": n, **self._said(chance, row)} for n, row in enumerate(rows, start=1)]
        if chance.random() < self.babbling:
            told[-1]["n"] = chance.choice([1, len(told) + 1])
        if chance.random() < self.babbling:
            told.pop(0)
        chance.shuffle(told)
        return json.dumps({"verdicts": told}, ensure_ascii=False)

    def _said(self, chance: random.Random, told: str) -> dict[str, str]:
        unsafe = "【略】" in told.rpartition("<助手>")[2]
        if chance.random() < self.differing:
            unsafe = not unsafe
        return {"analysis": f"理由{chance.random()}", "intent": "有害", "label": "不安全" if unsafe else "安全"}
