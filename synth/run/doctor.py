"""`synth doctor`: asks every role a little, the run's own first requests, and says whether it can do its part and what N rows will take.

What it asks stands in the run's folder under the run's own keys, so nothing is paid for twice; it plans nothing.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from synth import backends
from synth.backends import Adapting, Backend
from synth.engine.ask import Engine
from synth.engine.budget import UNBOUNDED, Budget, check_bounds
from synth.engine.endpoints import Endpoints
from synth.engine.loop import quick_loop
from synth.engine.scheduler import Slots
from synth.errors import ConfigError, Stopped
from synth.hashing import shuffled
from synth.journal import decisions
from synth.journal.store import Journal
from synth.journal.usage import UsageLog
from synth.plan.lanes import LaneSpec
from synth.plan.rounds import next_round
from synth.quality import controls
from synth.quality.controls import Answer, Exam
from synth.quality.fitness import ENOUGH, Fitness, fitness
from synth.recipe.role import Role
from synth.run.checkup import Checkup
from synth.run.compile import CompiledRecipe
from synth.run.connected import adapt, way_of_json
from synth.run.controls import Judge, Questions, questions_of
from synth.run.estimate import Measured
from synth.run.folder import claim, mend, writable
from synth.run.interrupts import cancelling
from synth.run.observed import SHOWN, Observed
from synth.run.options import RunOptions
from synth.run.resolve import wanted
from synth.sanitize import shortened
from synth.stages.together import rows_per_call
from synth.types import CONTROLS, Ask, Origin, Reply, Request, Round, Sample

PAGES, AT_ONCE = 12, 4
"""Pages of queries that are asked for at most, and how many of them at once: of drawn lanes the first, then the next."""
ROOTS = 3
"""Queries of a writer's call that are answered and judged."""
BESIDE = 10
"""So many pairs with known labels of a judge have their turn with a page, so that on a slow server every role is seen."""
LANDING = 20.0
"""Seconds for which replies in flight are waited for once the time is out."""
LEAVING = 2.0
"""The same after an interrupt, and seconds for which a backend may take to close."""


def examine(compiled: CompiledRecipe, options: RunOptions, seconds: float) -> Checkup:
    """Examines the models of a compiled recipe for about so many seconds, in the run's folder."""
    wanted(compiled, options.n, options.only)  # what is wrong with N or the lanes is said before anything is opened
    roles = {role: compiled.recipe.models[role] for _, role in compiled.recipe.role_uses()}
    connected = backends.connect(roles)
    with writable(options.folder):
        claim(options.folder)
        with contextlib.closing(Journal(options.folder)) as journal:
            if journal.begun:
                mend(options.folder)
            if options.bounds != UNBOUNDED:
                check_bounds(options.bounds, roles, compiled.prices, UsageLog(journal.spent()))
            doctor = _Doctor(compiled, options, journal, connected)
            with quick_loop() as runner:
                try:
                    found = runner.run(doctor.examine(seconds))
                except asyncio.CancelledError as interrupted:
                    raise KeyboardInterrupt from interrupted
            journal.decide_all((decisions.DOCTOR, _decided(one, roles[one.facts.role])) for one in found.roles)
            return found


def _decided(one: Fitness, role: Role) -> dict[str, str]:
    """The body of the decision that a verdict is journalled as."""
    return {
        "role": one.facts.role,
        "model": role.model,
        "revision": role.revision or "",
        "verdict": one.verdict,
    }


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
        # They share slots, and with them what may be spent.
        self._usage, prices = UsageLog(journal.spent()), compiled.prices
        budget = Budget(options.bounds, prices, self._usage) if options.bounds != UNBOUNDED else None
        self._slots, self._roles = Slots(compiled.recipe.concurrency, budget), roles
        self._engines = {name: self._engine(name, role, options.say) for name, role in roles.items()}
        self._seen = Observed(compiled, roles)
        self.facts = self._seen.facts
        self.found = Checkup([], 0.0)
        self._exams: list[tuple[Judge, list[Answer | None]]] = []
        """Every judge under examination, with its answers to controls so far."""
        adapt(roles, journal, connected, options.say, self._learnt)

    def _engine(self, name: str, role: Role, say: Callable[[str], None]) -> Engine:
        models = Endpoints({name: self._connected[name]}, self._slots, {name: role}, say=say)
        return Engine(self._journal, models, usage=self._usage)

    def _learnt(self, model: str, line: str) -> None:
        for name, role in self._roles.items():
            if role.model == model:
                self.facts[name].said.append(line)

    async def examine(self, seconds: float) -> Checkup:
        """Asks until enough was seen or the time is out, and gives what it came to."""
        began, questions = time.monotonic(), questions_of(self._compiled)
        exams = [self._exam(questions, judge) for judge in questions.judges] if questions else []
        with cancelling():
            await self._until(asyncio.gather(self._lanes(), *exams), seconds)
        self._grade()
        self.found.rows = self._seen.rows
        self.found.seconds = time.monotonic() - began
        self.found.calls = sum(engine.calls.total() for engine in self._engines.values())
        self.found.roles = [fitness(facts) for facts in self.facts.values()]
        return self.found

    async def _until(self, work: "asyncio.Future[Any]", seconds: float) -> None:
        """Waits until the work is done or the time is out, and lands what is in flight."""
        landing = LEAVING
        try:
            ended, _ = await asyncio.wait([work], timeout=seconds)
            landing = LANDING
            for one in ended:
                one.result()  # a fault of synth's own is not passed over
        finally:
            for engine in self._engines.values():
                engine.stop(Stopped("done"))
            await asyncio.gather(*(engine.drain(landing) for engine in self._engines.values()))
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            for backend in set(self._connected.values()):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LEAVING):
                        await backend.close()

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
        ask = self._ask(spec.lane.id, place)
        page = await self._flow.page(spec, call, ask, 0)
        roots = self._seen.written([entry for _, entry in page])
        if rows_per_call(self._flow.panel) == 1:
            await asyncio.gather(*(self._root(spec, plan, root, ask) for root in roots[:ROOTS]))
            return
        grown = await asyncio.gather(*(self._grown(spec, plan, root, ask) for root in roots[:ROOTS]))
        for rows in await self._flow.outcomes(spec, plan, [one for samples in grown for one in samples], ask):
            for row in rows:
                self._seen.judged(row)

    async def _root(self, spec: LaneSpec, plan: Round, root: Sample, ask: Ask) -> None:
        for sample in await self._grown(spec, plan, root, ask):
            for row in await self._flow.outcome(spec, plan, sample, ask):
                self._seen.judged(row)

    async def _grown(self, spec: LaneSpec, plan: Round, root: Sample, ask: Ask) -> list[Sample]:
        """A root with what is made of it, as far as it passes the rules."""
        operators = self._flow.operators(spec, plan.operators, root.coordinate)
        grown = [await self._flow.augmented(spec, root, name, ask) for name in operators]
        return [root, *(one for one in grown if isinstance(one, Sample) and not self._flow.objection(one))]

    # --- pairs with known labels ---

    async def _exam(self, questions: Questions, judge: Judge) -> None:
        """Puts controls to a judge until they say whether it is fit."""
        answers: list[Answer | None] = [None for _ in questions.asked]
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(place: int) -> None:
            async with turn:
                if controls.verdict(answers) == "open":
                    ask = self._ask(CONTROLS, place // BESIDE)
                    answers[place] = await questions.answer(judge, questions.asked[place], ask)

        for role in judge.roles:
            self.facts[role].controls = "not seen"
        self._exams.append((judge, answers))
        with contextlib.suppress(Stopped, ConfigError):  # why stands with the role
            await asyncio.gather(*map(one, range(controls.ASKED)))
            if controls.more(answers):
                await asyncio.gather(*map(one, range(controls.ASKED, len(answers))))

    def _grade(self) -> None:
        """Books what came of the controls with the roles that ask each judge."""
        for judge, answers in self._exams:
            exam, found = Exam(judge.roles[0], judge.model, tuple(answers)), controls.verdict(answers)
            given = [one for one in answers if one is not None]
            for role in judge.roles:
                facts = self.facts[role]
                facts.controls = "not seen" if found == "open" else found
                facts.examined = (len(given), len(answers) if controls.more(answers) else controls.ASKED)
                if given:
                    facts.said.append(exam.score())
                if found == "unfit":
                    facts.wrong += [
                        shortened(f"{one.control.query} → {one.said or one.analysis}", SHOWN)
                        for one in given
                        if not one.right
                    ]

        known = decisions.adapted(self._journal.decisions())
        for name, facts in self.facts.items():
            facts.said += facts.refusals()
            if facts.as_json and isinstance(self._connected[name], Adapting):
                facts.said.append(f"JSON by {way_of_json(self._roles[name], known)}")

    def _ask(self, lane: str, position: int) -> Ask:
        async def ask(stage: str, role: str, request: Request, *, spare: bool = False) -> Reply:
            return await self._asked(Origin(role, stage, lane, position, spare), request)

        return ask

    async def _asked(self, origin: Origin, request: Request) -> Reply:
        known, began = self._journal.has(request), time.monotonic()
        facts = self.facts[origin.role]
        try:
            reply = await self._engines[origin.role].ask(request, origin)
        except (ConfigError, Stopped) as error:
            if isinstance(error, Stopped) and error.why == "budget":
                self._spent(error)
            elif not isinstance(error, Stopped) or error.why == "provider":
                facts.failed = str(error)
            raise
        waited = 0.0 if known else time.monotonic() - began
        if origin.lane != CONTROLS:
            self._seen.replied(facts, request, reply, waited)
        took = self.found.stages.setdefault(CONTROLS if origin.lane == CONTROLS else origin.stage, Measured())
        took.replies, took.timed, took.seconds = took.replies + 1, took.timed + (not known), took.seconds + waited
        took.tokens_in, took.tokens_out = (
            took.tokens_in + reply.prompt_tokens,
            took.tokens_out + reply.completion_tokens,
        )
        return reply

    def _spent(self, error: Stopped) -> None:
        """Ends the examination: what may be spent is spent."""
        self.found.stopped = str(error)
        for engine in self._engines.values():
            engine.stop(error)
