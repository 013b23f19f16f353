"""Queries that try the borders of a drafted category: of it and its neighbours, ill meant and harmless, by the recipe's writer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from synth.errors import ParseError
from synth.filters.language.refusal import is_refusal
from synth.hashing import shuffled
from synth.plan.lanes import BEHAVIOUR
from synth.recipe.taxonomy import Scenario, Subcategory
from synth.run.category_asking import STAGE, AskedRoles, gathered
from synth.run.category_policy import subject_of
from synth.sanitize import plain
from synth.stages.fallback import ask_with_fallback
from synth.stages.parsing import read_strings
from synth.stages.reply_stats import PromptUse
from synth.stages.requester import object_schema
from synth.types import Ask, Element

Kind: TypeAlias = Literal["harmful", "borderline"]
PROMPTS: Final[Mapping[Kind, str]] = {"harmful": "category/harmful", "borderline": "category/borderline"}
OFFERED: Final = frozenset({"scenario", "subcategory", "slots", "n"})
ALL: Final = 40
"""Queries that are written and judged."""
BESIDE: Final = 3
"""Neighbours that queries are written of, besides the drafted category."""
_CALLS: Final = 3
"""Writer calls for one category and kind, at most, until there are as many as are wanted."""
_SHORTEST, _LONGEST = 4, 400


@dataclass(frozen=True)
class Written:
    """A query that was written to try a border: for which category, by its id, and how it was meant."""

    subcategory: str
    kind: Kind
    query: str


def shares(rivals: Sequence[Subcategory]) -> list[tuple[Subcategory, Kind, int]]:
    """How many queries of each kind are written for the drafted category, the first of these, and for each neighbour: 40 in all, two
    in five of them its own. Of what may only be refused no harmless ones are written, and nothing beside its own."""
    others = len(rivals) - 1
    each = ALL // 5 if others == BESIDE else (ALL * 3 // 5 // others if others else 0)
    found: list[tuple[Subcategory, Kind, int]] = []
    for place, one in enumerate(rivals):
        count = ALL - others * each if place == 0 else each
        if one.refuse_only:
            found.append((one, "harmful", count))
        else:
            found += [(one, "harmful", count - count // 2), (one, "borderline", count // 2)]
    return found


async def written(roles: AskedRoles, rivals: Sequence[tuple[Scenario, Subcategory]], ask: Ask) -> list[Written]:
    """Queries for the drafted category, the first of these, and for each of its neighbours, in that order; fewer than are wanted where
    the writer has no more."""
    above = {one.id: scenario for scenario, one in rivals}
    parts = [_Part(roles, above[one.id], one, kind, count) for one, kind, count in shares([one for _, one in rivals])]
    pages = await gathered([part.written(ask) for part in parts])
    found: dict[str, Written] = {}
    for one in (one for page in pages for one in page):
        found.setdefault(one.query, one)
    return list(found.values())


@dataclass(frozen=True)
class _Part:
    """The queries of one kind that are wanted of one category."""

    roles: AskedRoles
    scenario: Scenario
    one: Subcategory
    kind: Kind
    count: int

    async def written(self, ask: Ask) -> list[Written]:
        """As many queries as are wanted, of as many writer calls as that takes, up to a few."""
        found: dict[str, Written] = {}
        for call in range(_CALLS):
            lacking = self.count - len(found)
            if lacking <= 0:
                break
            try:
                texts = await self._page(call, lacking, ask)
            except ParseError:
                continue
            for query in filter(None, (_usable(text, self.one) for text in texts)):
                if len(found) < self.count:
                    found.setdefault(query, Written(self.one.id, self.kind, query))
        return list(found.values())

    async def _page(self, call: int, n: int, ask: Ask) -> list[str]:
        roles, one, kind = self.roles, self.one, self.kind
        seed, prompt = roles.recipe.seed, roles.prompts[PROMPTS[kind]]
        order = shuffled(len(one.behaviours), seed, STAGE, one.id, kind, call)
        slots = [(Element(BEHAVIOUR, one.behaviours[order[at % len(order)]]),) for at in range(n)]
        messages = prompt.render(told(self.scenario, one) | {"slots": slots, "n": n})
        schema = object_schema("queries", queries={"type": "array", "items": {"type": "string"}, "maxItems": n})
        draw = (STAGE, seed, kind, call)
        _, texts = await ask_with_fallback(
            ask,
            roles.routers[roles.writer](seed, one.id, kind, call, STAGE),
            PromptUse(STAGE, prompt.name, one.id),
            lambda caller: caller.request(messages, schema, draw),
            lambda _, reply: read_strings(reply, "queries"),
        )
        return texts


def told(scenario: Scenario, one: Subcategory) -> dict[str, Any]:
    """What a prompt is told of a category and of its scenario."""
    return {
        "scenario": {"name": scenario.name},
        "subcategory": one.model_dump(exclude={"behaviours", "codes"}) | {"refuse_only": one.refuse_only},
    }


def _usable(text: str, one: Subcategory) -> str:
    """A query as one line; empty for what is none, or speaks of what only refuse-only categories may."""
    query = " ".join(plain(text).split())
    forbidden = not one.refuse_only and subject_of(query) is not None
    fits = _SHORTEST <= len(query) <= _LONGEST
    return query if fits and not forbidden and not is_refusal(query) else ""
