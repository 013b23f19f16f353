"""The confusion table of a drafted category: where the recipe's judges put queries that were written for it and for its neighbours."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from synth.errors import ParseError
from synth.hashing import shuffled
from synth.recipe.labels import BINARY, MARKS
from synth.recipe.taxonomy import Scenario, Subcategory
from synth.run.category_asking import STAGE, AskedRoles, gathered
from synth.run.category_queries import Kind, Written, told
from synth.sanitize import as_data
from synth.stages.fallback import Attempt, FallbackChain, ask_with_fallback
from synth.stages.lenient_json import field
from synth.stages.parsing import read_object
from synth.stages.reply_stats import PromptUse
from synth.stages.requester import Requester, object_schema
from synth.types import Ask, Label, Reply, Request

PROMPT: Final = "category/place"
OFFERED: Final = frozenset({"choices", "nothing", "query"})
NOTHING: Final = "都不是"
"""What a judge says of a query that is of none of the categories."""
NONE, DIFFER, UNREAD = "none", "differ", "unread"
"""Where a query lands that is of none of the categories, that judges put in different places, that no judge gave a verdict on."""
_TELLING: Final = 0.25
"""The share of the queries written for one place from which on their landing elsewhere is worth a line."""


@dataclass(frozen=True)
class Landed:
    """A query with where the judges put it: the id of a category, or none, differ, unread; and how they label it."""

    written: Written
    category: str
    label: str
    """unsafe or safe; differ, unread."""
    votes: tuple[tuple[str, str], ...]
    """Category and label by each judge that gave a verdict."""

    @property
    def as_meant(self) -> bool:
        """Whether a query got the label it was written for: unsafe where ill meant, safe at the border."""
        return self.label == ("unsafe" if self.written.kind == "harmful" else "safe")


@dataclass(frozen=True)
class Confusion:
    """The judged queries of a drafted category and its neighbours."""

    names: Mapping[str, str]
    """What each category is called, by id, the drafted one first: each name once."""
    landed: tuple[Landed, ...]

    def row(self, subcategory: str, kind: Kind) -> list[Landed]:
        """The queries written for one category and kind."""
        return [one for one in self.landed if (one.written.subcategory, one.written.kind) == (subcategory, kind)]

    @property
    def placed(self) -> int:
        """How many queries landed in the category they were written for."""
        return sum(one.category == one.written.subcategory for one in self.landed)

    @property
    def meant(self) -> int:
        """How many queries got the label they were written for."""
        return sum(one.as_meant for one in self.landed)

    def advice(self) -> list[str]:
        """What the table says about the draft's words, a line each; none where it is as clear as its neighbours."""
        own, *others = self.names
        lines = [line for other in others if (line := self._between(own, other))]
        harmful, borderline = self.row(own, "harmful"), self.row(own, "borderline")
        missed = sum(one.label == "safe" for one in harmful)
        if harmful and missed >= _TELLING * len(harmful):
            lines.append(
                f"{missed} of {len(harmful)} ill-meant queries are called safe: say in `definition` and `rule.unsafe` what they are about"
            )
        alarmed = sum(one.label == "unsafe" for one in borderline)
        if borderline and alarmed >= _TELLING * len(borderline):
            lines.append(
                f"{alarmed} of {len(borderline)} borderline queries are called unsafe: say in `rule.safe` and `rule.borderline` why they are not"
            )
        return lines

    def _between(self, own: str, other: str) -> str:
        lost, of = self._moved(own, other)
        taken, among = self._moved(other, own)
        if (not of or lost < _TELLING * of) and (not among or taken < _TELLING * among):
            return ""
        return (
            f"{self.names[own]} and {self.names[other]} take each other's queries ({lost} of {of} one way, {taken} of {among} the other): "
            "say in `definition` what belongs where"
        )

    def _moved(self, source: str, target: str) -> tuple[int, int]:
        rows = [one for one in self.landed if one.written.subcategory == source]
        return sum(one.category == target for one in rows), len(rows)


async def confusion(
    roles: AskedRoles, rivals: Sequence[tuple[Scenario, Subcategory]], queries: Sequence[Written], ask: Ask
) -> Confusion:
    """Where the recipe's judges put these queries among the drafted category, the first of `rivals`, and its neighbours."""
    panel = _Panel(roles, rivals, _names(rivals), ask)
    return Confusion(panel.names, tuple(await gathered([panel.landed(one) for one in queries])))


def _names(rivals: Sequence[tuple[Scenario, Subcategory]]) -> dict[str, str]:
    """What judges are offered: the name; where two are called the same, with the scenario's before it, then the id."""
    times = Counter(one.name for _, one in rivals)
    found = {one.id: one.name if times[one.name] == 1 else f"{scenario.name}——{one.name}" for scenario, one in rivals}
    again = Counter(found.values())
    return {id: name if again[name] == 1 else f"{name}（{id}）" for id, name in found.items()}


def _most(said: Sequence[str]) -> str:
    if not said:
        return UNREAD
    found, times = Counter(said).most_common(1)[0]
    return found if 2 * times > len(said) else DIFFER


@dataclass(frozen=True)
class _Panel:
    """The recipe's judges, as they are asked to choose between categories."""

    roles: AskedRoles
    rivals: Sequence[tuple[Scenario, Subcategory]]
    names: Mapping[str, str]
    ask: Ask

    async def landed(self, query: Written) -> Landed:
        """Where the judges put a query among the categories, each asked by itself."""
        seed = self.roles.recipe.seed
        lines = [
            self.roles.routers[role](seed, query.query, STAGE, seat) for seat, role in enumerate(self.roles.judges)
        ]
        given = await gathered([self._vote(lines[: at + 1], query) for at in range(len(lines))])
        votes = tuple(vote for vote in given if vote is not None)
        return Landed(query, _most([place for place, _ in votes]), _most([label for _, label in votes]), votes)

    async def _vote(self, lines: Sequence[FallbackChain], query: Written) -> tuple[str, str] | None:
        """The vote of the last of these judges on a query, category and label; None where it gives no verdict."""
        *before, line = lines
        # Another order for every query, so that none of the categories gains by standing first.
        order = [self.rivals[at] for at in shuffled(len(self.rivals), STAGE, query.query)]
        choices = [told(*one)["subcategory"] | {"name": self.names[one[1].id]} for one in order]
        prompt = self.roles.prompts[PROMPT]
        messages = prompt.render({"choices": choices, "nothing": NOTHING, "query": as_data(query.query)})
        schema = _schema([one["name"] for one in choices])

        def request_of(caller: Requester) -> Request:
            # Two judges of one model are two draws.
            twin = sum(any(other.model == caller.model for other in earlier.callers) for earlier in before)
            return caller.request(messages, schema, (STAGE, PROMPT, twin) if twin else (STAGE, PROMPT))

        known = {name: id for id, name in self.names.items()} | {NOTHING: NONE}
        use = PromptUse(STAGE, PROMPT, query.subcategory, judging=True)
        try:
            return (await ask_with_fallback(self.ask, line, use, request_of, partial(_read, known)))[1]
        except ParseError:
            return None


def _schema(names: Sequence[str]) -> dict[str, Any]:
    return object_schema(
        "placed",
        analysis={"type": "string"},
        category={"type": "string", "enum": [*names, NOTHING]},
        label={"type": "string", "enum": [BINARY.word("safe"), BINARY.word("unsafe")]},
    )


def _read(known: Mapping[str, str], turn: Attempt, reply: Reply) -> tuple[str, str]:
    del turn
    found = read_object(reply)
    label: Label | None = BINARY.said(field(found, "label"))
    place = _place(field(found, "category", ("类别", "categories")), known)
    if label is None or place is None:
        raise ParseError("truncated" if reply.finish == "length" else "shape")
    return place, label


def _place(said: Any, known: Mapping[str, str]) -> str | None:
    if isinstance(said, list):
        said = said[0] if len(said) == 1 else None
    name = str(said or "").strip(MARKS)
    if name in known:
        return known[name]
    among = [id for one, id in known.items() if name and (one in name or name in one)]
    return among[0] if len(among) == 1 else None
