"""What a run would reuse and what it would ask: the same fold over the same journal, with the offline backend answering what the
journal cannot. Nothing is written and nothing is paid for."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

import numpy as np

from synth import vector
from synth.backends import offline
from synth.dataset.rows import row_id
from synth.engine.ask import Engine
from synth.engine.endpoints import Endpoints
from synth.engine.scheduler import Slots
from synth.errors import ParseError, Stopped
from synth.fold.fold import Fold, FoldInputs
from synth.journal.rows import Decision
from synth.journal.usage import Usage, cost
from synth.quality.grid import Grid
from synth.recipe.schema import Recipe
from synth.stages import embed
from synth.stages.embed import NAME as EMBED
from synth.types import Drop, Origin, Reply, Request, Round, Sample


class Held(Protocol):
    """A journal that a survey reads: one that this process holds, or one that is only looked at."""

    def get(self, key: str) -> Reply | None: ...
    def stage_of(self, key: str) -> str: ...
    def has(self, request: Request) -> bool: ...
    def decisions(self) -> Iterator[Decision]: ...
    def spent(self) -> list[Usage]: ...


KNOWN = 5
"""Replies of a stage and model from which on a survey prices others by what they took."""
ENOUGH = 20_000
"""How many calls a survey counts before it stops: the run is as good as new."""


@dataclass
class Survey:
    """What a run would do: by stage, the replies it would reuse and the calls it would make; and the ids of the rows
    that would come out."""

    reused: Counter[str] = field(default_factory=Counter)
    """How many journalled replies would be reused, by stage."""
    asked: Counter[str] = field(default_factory=Counter)
    """How many calls would be made, by stage."""
    stages: Sequence[str] = ()
    """The stages that ask models, in the order of a row's life."""
    cost: float = 0.0
    """What the calls to be made would cost, at the recipe's prices: by the lengths of the replies in the journal, by
    the offline backend's where there are too few."""
    rows: set[str] = field(default_factory=set)
    """The ids of the rows that would come out."""
    keys: set[str] = field(default_factory=set)
    """The request keys of the replies that would be reused."""
    whole: bool = True
    """Whether the survey was finished; False if it stopped counting at `ENOUGH` calls."""

    def line(self) -> str:
        """The diff in one line for the user: how many replies would be reused, and how many calls made at what cost."""
        asked = self.asked.total()
        told = ", ".join(f"{stage} {self.asked[stage]:,}" for stage in self.stages if self.asked[stage])
        if not asked:
            return f"{self.reused.total():,} replies are reused, no call is to be made"
        bound = "about" if self.whole else "more than"
        cost = f", cost {self.cost:,.2f}" if self.cost else ""
        return f"{self.reused.total():,} replies are reused, {bound} {asked:,} calls are to be made ({told}{cost})"


def survey(
    recipe: Recipe, inputs: FoldInputs, recorded: Sequence[Round], journal: Held, again: Collection[str]
) -> Survey:
    """The diff of a run of this recipe against a journal: what it would reuse and what it would ask. Folds on from the
    recorded plans without writing. Replies that ended in one of `again` count as to be asked again."""
    found = Survey(stages=tuple(reversed(inputs.flow.order)))
    roles = sorted({role for _, role in recipe.role_uses()})
    over = _Over(journal, recipe, found, again)
    models = Endpoints({role: offline.OfflineBackend() for role in roles}, Slots(inputs.concurrency))
    fold = Fold(
        replace(inputs, eager=False),
        partial(Engine, over, models, order=inputs.flow.order),
        RowIds(found.rows),
        record=lambda _: None,
    )
    try:
        asyncio.run(fold.run(recorded))
    except Stopped:
        found.whole = False
    return found


def parts(found: Survey, stay: int, before: int) -> Iterator[str | Grid]:
    """A survey for the terminal: replies reused and calls to be made by stage, and how many of the rows that were there `before`
    would `stay` in the dataset."""
    rows = [[stage, f"{found.reused[stage]:,}", f"{found.asked[stage]:,}"] for stage in found.stages]
    yield Grid(("stage", "replies reused", "calls to be made"), rows)
    if found.whole:
        yield f"rows: {stay:,} of {before:,} stay, those set aside counted too"
    else:
        yield f"more than {ENOUGH:,} calls: as good as a new run; `--dry-run` with another -o DIR prices one"
    if found.cost:
        yield f"cost: about {found.cost:,.2f}, at the recipe's prices"


class _Over:
    """A journal over a journal: reads from both, and keeps what is new to itself."""

    def __init__(self, below: Held, recipe: Recipe, found: Survey, again: Collection[str]) -> None:
        self._below, self._recipe, self._found, self._again = below, recipe, found, again
        self._new: dict[str, Reply] = {}
        self._seen = found.keys
        self._length = 0
        """How long the vectors in the journal are."""
        self._means = _means(below.spent())

    def get(self, key: str) -> Reply | None:
        if key in self._new:
            return self._new[key]
        reply = self._below.get(key)
        if reply and reply.finish in self._again:
            return None
        if reply and key not in self._seen:
            self._seen.add(key)
            stage = self._below.stage_of(key)
            self._found.reused[stage] += 1
            if stage == EMBED and not self._length:
                with contextlib.suppress(ParseError):
                    self._length = len(embed.read(reply))
        return reply

    async def put(self, key: str, reply: Reply, origin: Origin, model: str) -> None:
        del model
        if origin.stage == EMBED and self._length:
            reply = replace(reply, text=_stretched(reply.text, self._length))
        self._new[key] = reply
        self._found.asked[origin.stage] += 1
        role = self._recipe.models[origin.role]
        if price := role.charged:
            usual = (reply.prompt_tokens, reply.completion_tokens)
            self._found.cost += cost(price, *self._means.get((origin.stage, role.named), usual))
        if len(self._new) >= ENOUGH:
            raise Stopped("survey")


def _means(spent: Iterable[Usage]) -> dict[tuple[str, str], tuple[float, float]]:
    """By stage and model, the tokens in and out that a reply in the journal took, where there are enough of them."""
    found: dict[tuple[str, str], list[Usage]] = {}
    for line in spent:
        found.setdefault((line.stage, line.model), []).append(line)
    sums = {
        place: (
            sum(line.calls for line in lines),
            sum(line.prompt_tokens for line in lines),
            sum(line.completion_tokens for line in lines),
        )
        for place, lines in found.items()
    }
    return {place: (told / calls, wrote / calls) for place, (calls, told, wrote) in sums.items() if calls >= KNOWN}


def _stretched(text: str, length: int) -> str:
    """A vector that compares with those of that length, though it is near to few of them."""
    return vector.written(np.resize(vector.read(text), length))


class RowIds:
    """A row sink that keeps nothing but the ids of rows, for a survey."""

    def __init__(self, rows: set[str]) -> None:
        self._rows = rows

    def gated(self, query: Sample) -> None:
        del query

    def keep(self, split: str, row: Sample) -> None:
        del split
        self._rows.add(row_id(row))

    def surplus(self, row: Sample) -> None:
        del row

    def drop(self, drop: Drop) -> None:
        del drop
