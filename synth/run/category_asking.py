"""How the roles of a recipe are asked while a category is drafted: through the engine, into a journal, within bounds, until a signal stops it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from synth import backends
from synth.backends import Backend, Resumable
from synth.engine.ask import Engine
from synth.engine.budget import UNBOUNDED, Bounds, Budget, check_bounds
from synth.engine.endpoints import Endpoints
from synth.engine.loop import quick_loop
from synth.engine.scheduler import Slots
from synth.errors import ConfigError
from synth.journal.store import Journal
from synth.journal.usage import UsageLog, UsageTotal, bill, prices
from synth.recipe import routing
from synth.recipe.library import Library
from synth.recipe.prompt import Prompt
from synth.recipe.schema import Recipe
from synth.run.compile import router_of
from synth.run.connected import adapt
from synth.run.folder import claim, writable
from synth.run.interrupts import Interrupts
from synth.stages.fallback import Router
from synth.stages.reply_stats import ReplyStats
from synth.types import Ask, Origin, Reply, Request

STAGE: Final = "category"
"""The stage and the lane under which the requests of a draft are booked in its journal."""
EVERY: Final = 10.0
"""Seconds between two lines on how far it is."""
Found = TypeVar("Found")


@dataclass(frozen=True)
class AskedRoles:
    """The roles of a recipe that a category is drafted by: who writes, and who judges."""

    recipe: Recipe
    writer: str
    judges: tuple[str, ...]
    routers: Mapping[str, Router]
    """Whom each of these roles asks."""
    prompts: Mapping[str, Prompt]
    """The prompts they are asked with, by name."""

    @property
    def leaves(self) -> list[str]:
        """The roles with a model of their own that are asked."""
        named = (self.writer, *self.judges)
        return list(dict.fromkeys(leaf for role in named for leaf in routing.leaves(role, self.recipe.composed)))

    @property
    def stand_in(self) -> bool:
        """Whether what the writer says is made of frames, by no model."""
        leaves = routing.leaves(self.writer, self.recipe.composed)
        return any(self.recipe.models[leaf].answering.STAND_IN for leaf in leaves)


@dataclass
class Spending:
    """What drafting a category has asked, and may."""

    bounds: Bounds = UNBOUNDED
    calls: int = 0
    total: UsageTotal = field(default_factory=UsageTotal)


def roles_of(recipe: Recipe, library: Library, prompts: Mapping[str, Iterable[str]]) -> AskedRoles:
    """The writer and the judges of a recipe, with these prompts loaded, each checked against the variables it is offered. ConfigError
    for a recipe without them, and for a model that has no answer to such prompts."""
    writer, panel = recipe.options("query"), recipe.options("judge")
    if writer is None or panel is None:
        raise ConfigError(
            f"recipe {recipe.name}: has no {'writer (`query`)' if writer is None else 'judges (`judge`)'}; name one that has, with --from"
        )
    stats = ReplyStats()
    named = (writer.model, *panel.models)
    found = AskedRoles(
        recipe,
        writer.model,
        tuple(panel.models),
        {role: router_of(recipe, role, stats, library.prompt) for role in named},
        {name: library.prompt(name, offered) for name, offered in prompts.items()},
    )
    for leaf in found.leaves:
        if wrong := recipe.models[leaf].settings.objection(list(prompts)):
            raise ConfigError(f"models.{leaf}: {wrong}")
    return found


def asking(
    roles: AskedRoles,
    folder: Path,
    work: Callable[[Ask], Awaitable[Found]],
    spending: Spending,
    *,
    say: Callable[[str], None],
) -> Found:
    """What `work` comes to, given a way to ask the roles: each request once, journalled in the folder. Raises Stopped and ConfigError
    as the engine does; what is in flight then has landed."""
    models = {leaf: roles.recipe.models[leaf] for leaf in roles.leaves}
    connected = backends.connect(models)
    if slow := [name for name, backend in connected.items() if isinstance(backend, Resumable)]:
        raise ConfigError(
            f"models.{slow[0]}: backend {models[slow[0]].backend} answers tomorrow, and a draft is made now; take another"
        )
    with writable(folder):
        claim(folder)
        with contextlib.closing(Journal(folder)) as journal:
            usage, charged = UsageLog(journal.spent()), prices(models)
            if spending.bounds != UNBOUNDED:
                check_bounds(spending.bounds, models, charged, usage)
            journal.retry([STAGE])  # what was given up on is asked for again
            budget = Budget(spending.bounds, charged, usage) if spending.bounds != UNBOUNDED else None
            slots = Slots(roles.recipe.concurrency, budget)
            endpoints = Endpoints(connected, slots, models, spared=roles.recipe.spared() & set(models), say=say)
            engine = Engine(journal, endpoints, usage=usage)
            adapt(models, journal, connected, say)
            try:
                with quick_loop() as runner:
                    return runner.run(_worked(engine, connected, work, say))
            finally:
                spending.calls, spending.total = engine.calls.total(), bill(usage.lines(), charged)


async def _worked(
    engine: Engine,
    connected: Mapping[str, Backend],
    work: Callable[[Ask], Awaitable[Found]],
    say: Callable[[str], None],
) -> Found:
    answered = 0

    async def ask(stage: str, role: str, request: Request, *, spare: bool = False) -> Reply:
        nonlocal answered
        try:
            reply = await engine.ask(request, Origin(role, stage, STAGE, 0, spare))
        except ConfigError as error:
            engine.stop(error)
            raise
        answered += 1
        return reply

    async def tick() -> None:
        while True:
            await asyncio.sleep(EVERY)
            weather = f"; {engine.weather}, trying again" if engine.weather else ""
            say(f"{answered:,} answered, {engine.in_flight.total():,} in flight{weather}")

    with Interrupts(say) as interrupts:
        interrupts.stops(engine)
        ticking = asyncio.create_task(tick())
        try:
            return await work(ask)
        finally:
            ticking.cancel()
            await engine.drain()
            for backend in set(connected.values()):
                await backend.close()


async def gathered(work: Sequence[Awaitable[Any]]) -> list[Any]:
    """What all of these come to, once each of them has ended; the first exception among them is raised then."""
    ended = await asyncio.gather(*work, return_exceptions=True)
    for one in ended:
        if isinstance(one, BaseException):
            raise one
    return ended
