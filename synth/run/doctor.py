"""`synth doctor`: asks every role a little, the run's own first requests, and says whether it can do its part and what N rows will take.

What it asks stands in the run's folder under the run's own keys, so nothing is paid for twice; it plans nothing.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from synth import backends
from synth.backends import Adapting, Backend
from synth.dedup.normalise import normalise
from synth.engine.ask import Engine
from synth.engine.endpoints import Endpoints
from synth.engine.loop import quick_loop
from synth.engine.scheduler import Slots
from synth.errors import ConfigError, ParseError, Stopped
from synth.hashing import shuffled
from synth.journal.store import Journal
from synth.journal.usage import UsageLog
from synth.plan.lanes import LaneSpec
from synth.plan.rounds import next_round
from synth.quality.fitness import ENOUGH, Fitness, Part, RoleFacts, fitness
from synth.recipe.role import Role
from synth.run.compile import CompiledRecipe
from synth.run.estimate import Measured
from synth.run.folder import claim, mend, writable
from synth.run.options import RunOptions
from synth.run.resolve import wanted
from synth.sanitize import one_line
from synth.stages.lenient_json import value_in
from synth.stages.parsing import checked
from synth.types import Aside, Ask, Drop, Origin, Reply, Request, Round, Sample

PAGES, AT_ONCE = 12, 4
"""Pages of queries that are asked for at most, and how many of them at once: of drawn lanes the first, then the next."""
ROOTS = 3
"""Queries of a writer's call that are answered and judged."""
LANDING = 20.0
"""Seconds for which replies in flight are waited for once the time is out."""
SHOWN = 60
"""Characters of a sample."""


@dataclass
class Examination:
    """What an examination of a recipe's models came to: a verdict on each role, rows made on the way, the seconds it took."""

    roles: list[Fitness]
    seconds: float
    rows: Counter[str] = field(default_factory=Counter)
    """What became of the slots that were answered: accepted, other label, dropped, aside."""
    stages: dict[str, Measured] = field(default_factory=dict)
    """What the replies of each stage took; controls are left out."""
    calls: int = 0
    """Calls made now; what the journal held is not among them."""

    @property
    def at_once(self) -> float:
        """How many answers of the examination were waited for at once, on the average, one at least."""
        return max(1.0, sum(one.seconds for one in self.stages.values()) / max(self.seconds, 1e-9))

    @property
    def fit(self) -> bool:
        """Whether every role of the examination is fit."""
        return all(one.verdict == "fit" for one in self.roles)


def examine(compiled: CompiledRecipe, options: RunOptions, seconds: float) -> Examination:
    """Examines the models of a compiled recipe for about so many seconds, in the run's folder."""
    wanted(compiled, options.n, options.only)  # what is wrong with N or the lanes is said before anything is opened
    roles = {role: compiled.recipe.models[role] for _, role in compiled.recipe.role_uses()}
    connected = backends.connect(roles)
    with writable(options.folder):
        claim(options.folder)
        with contextlib.closing(Journal(options.folder)) as journal:
            if journal.begun:
                mend(options.folder)
            doctor = _Doctor(compiled, options, journal, connected)
            with quick_loop() as runner:
                found = runner.run(doctor.examine(seconds))
            journal.decide_all(
                ("doctor", {"role": one.facts.role, "model": one.facts.model, "verdict": one.verdict})
                for one in found.roles
            )
            return found


class _Doctor:
    """One examination: the engine it asks through, and what it has seen of each role."""

    def __init__(
        self,
        compiled: CompiledRecipe,
        options: RunOptions,
        journal: Journal,
        connected: Mapping[str, Backend],
    ) -> None:
        self._compiled, self._flow, self._connected = compiled, compiled.flow, connected
        self._journal = journal
        self._chosen, self._targets = wanted(compiled, options.n, options.only)
        roles = {role: compiled.recipe.models[role] for role in connected}
        # An engine a role: one that cannot be asked stops its own alone, and the others are examined.
        self._engines = {name: self._engine(name, role, options.say) for name, role in roles.items()}
        self._parts = _parts(compiled)
        self.facts = {role: RoleFacts(role, one.named, self._parts[role]) for role, one in roles.items()}
        self.found = Examination([], 0.0)
        for backend in set(connected.values()):
            if isinstance(backend, Adapting):
                backend.adapt({}, self._learnt)

    def _engine(self, name: str, role: Role, say: Callable[[str], None]) -> Engine:
        models = Endpoints(
            {name: self._connected[name]}, Slots(self._compiled.recipe.concurrency), {name: role}, say=say
        )
        return Engine(self._journal, models, usage=UsageLog(), order=self._flow.order)

    def _learnt(self, model: str, field: str, what: str) -> None:
        for facts in self.facts.values():
            if facts.model.partition("@")[0] == model:
                facts.said.append(f"{field}: {what}")

    async def examine(self, seconds: float) -> Examination:
        """Asks until enough was seen or the time is out, and gives what it came to."""
        began, work = time.monotonic(), asyncio.create_task(self._lanes())
        try:
            await asyncio.wait([work], timeout=seconds)
        finally:
            for engine in self._engines.values():
                engine.stop(Stopped("done"))
            await asyncio.gather(*(engine.drain(LANDING) for engine in self._engines.values()))
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            for backend in set(self._connected.values()):
                await backend.close()
        self.found.seconds = time.monotonic() - began
        self.found.calls = sum(engine.calls.total() for engine in self._engines.values())
        self.found.roles = [fitness(facts) for facts in self.facts.values()]
        return self.found

    # --- what is asked: the first calls of drawn lanes, their answers, their votes ---

    async def _lanes(self) -> None:
        order = shuffled(len(self._chosen), self._compiled.recipe.seed, "doctor")
        drawn = [(self._chosen[place], call) for call in range(PAGES) for place in order][:PAGES]
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(place: int, spec: LaneSpec, call: int) -> None:
            async with turn:
                if place < AT_ONCE or not self._enough():
                    with contextlib.suppress(Stopped, ConfigError):  # why stands with the role
                        await self._page(place, spec, call)

        await asyncio.gather(*(one(place, *page) for place, page in enumerate(drawn)))

    def _enough(self) -> bool:
        return all(2 * ENOUGH[facts.part] <= facts.replies for facts in self.facts.values())

    async def _page(self, place: int, spec: LaneSpec, call: int) -> None:
        lacks = {label: count or ROOTS for label, count in self._targets[spec.lane.id].items() if label in spec.cells}
        plan = next_round(spec, lacks, [])
        if plan is None:
            return
        ask = self._ask(spec, place)
        page = await self._flow.page(spec, call, ask, 0)
        roots = self._written([entry for _, entry in page])
        await asyncio.gather(*(self._root(spec, plan, root, ask) for root in roots[:ROOTS]))

    def _written(self, page: Sequence[Sample | Drop]) -> list[Sample]:
        """The queries of a page that pass; what is wrong with the others is booked with their writer."""
        texts, roots = set[str](), list[Sample]()
        for entry in page:
            facts = self._of("writer", entry.generator if isinstance(entry, Sample) else "")
            if not isinstance(entry, Sample) or facts is None:
                continue
            same = normalise(entry.query) in texts
            texts.add(normalise(entry.query))
            facts.seen("repeats a query of the same call", found=int(same), sample=_short(entry.query))
            reason = self._flow.objection(entry)
            facts.seen("is dropped by a rule", found=int(bool(reason)), reason=reason or "", sample=_short(entry.query))
            if not reason and not same:
                roots.append(entry)
        if page and isinstance(page[0], Sample) and (facts := self._of("writer", page[0].generator)):
            size = self._flow.source.size
            facts.seen("leaves slots empty", of=size, found=max(0, size - len(page)))
        return roots

    async def _root(self, spec: LaneSpec, plan: Round, root: Sample, ask: Ask) -> None:
        grown = [await self._flow.augmented(spec, root, name, ask) for name in self._flow.operators(spec, plan, root)]
        for sample in (root, *(one for one in grown if isinstance(one, Sample) and not self._flow.objection(one))):
            for row in await self._flow.outcome(spec, plan, sample, ask):
                self._judged(spec, row)

    def _judged(self, spec: LaneSpec, row: Sample | Drop | Aside) -> None:
        sample = row if isinstance(row, Sample) else row.sample
        kept = isinstance(row, Sample) and row.label == row.wanted
        aside = "aside" if isinstance(row, Aside) else "other label"
        self.found.rows[f"{row.stage}.{row.reason}" if isinstance(row, Drop) else "accepted" if kept else aside] += 1
        facts = self._of("answerer", sample.responder or "") if sample is not None else None
        if facts is None or sample is None or sample.response is None:
            return
        bad = isinstance(row, Drop) and row.stage == "respond"
        reason = f"{row.stage}.{row.reason}" if isinstance(row, Drop) else ""
        # An answer to a harmful query may hold what nobody has taken out of it yet: its length and class are shown, not its words.
        told = _short(sample.response)
        if spec.lane.query_type == "harmful":
            told = f"({sample.response_class or 'answer'} of {len(sample.response)} characters)"
        facts.seen("is dropped by a rule", found=int(bad), reason=reason, sample=told)
        if sample.stance in ("comply", "partial"):
            declined = sample.response_class == "refusal"
            facts.seen("declines in a stance that asks for more", found=int(declined), reason=sample.stance)

    # --- what is seen ---

    def _of(self, part: Part, model: str) -> RoleFacts | None:
        return next((one for one in self.facts.values() if one.part == part and one.model == model), None)

    def _ask(self, spec: LaneSpec, position: int) -> Ask:
        async def ask(stage: str, role: str, request: Request, *, spare: bool = False) -> Reply:
            known, began = self._journal.has(request), time.monotonic()
            origin = Origin(role, stage, spec.lane.id, position, spare)
            try:
                reply = await self._engines[role].ask(request, origin)
            except (ConfigError, Stopped) as error:
                if not isinstance(error, Stopped) or error.why == "provider":
                    self.facts[role].failed = str(error)
                raise
            waited = 0.0 if known else time.monotonic() - began
            self._seen(self.facts[role], request, reply, waited)
            took = self.found.stages.setdefault(stage, Measured())
            took.replies, took.timed, took.seconds = took.replies + 1, took.timed + (not known), took.seconds + waited
            took.tokens_in, took.tokens_out = (
                took.tokens_in + reply.prompt_tokens,
                took.tokens_out + reply.completion_tokens,
            )
            return reply

        return ask

    def _seen(self, facts: RoleFacts, request: Request, reply: Reply, seconds: float) -> None:
        facts.replies += 1
        facts.reused += not seconds
        facts.tokens_in, facts.tokens_out = (
            facts.tokens_in + reply.prompt_tokens,
            facts.tokens_out + reply.completion_tokens,
        )
        facts.longest = max(facts.longest, reply.prompt_tokens)
        facts.seconds += seconds
        why, sample = _fault(request, reply), _short(reply.text) if request.schema is not None else ""
        for name in ("gives no answer", "is cut off", "is not the JSON asked for", "is filtered"):
            facts.seen(name, found=int(why == name), sample=sample)


def _fault(request: Request, reply: Reply) -> str | None:
    """What is wrong with a reply before it is read, by its name among the faults."""
    if reply.finish == "content_filter":
        return "is filtered"
    if reply.finish in ("length", "broken"):
        return "is cut off"
    try:
        text = checked(reply)
    except ParseError:
        return "gives no answer"
    return "is not the JSON asked for" if request.schema is not None and value_in(text) is None else None


def _parts(compiled: CompiledRecipe) -> dict[str, Part]:
    """The part of each role: by the first stage that asks it."""
    kinds = {bound.name: bound.stage for bound in compiled.flow.stages}
    found: dict[str, Part] = {}
    for place, role in compiled.recipe.role_uses():
        stage = kinds.get(place.partition(".")[0])
        part: Part = "other"
        if stage is not None:
            asks = stage.kind == "step"
            part = "judge" if asks and stage.judges else "answerer" if asks and stage.responds else "writer"
        found.setdefault(role, part)
    return found


def _short(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"
