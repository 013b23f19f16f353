"""Judges examined while a run goes: controls are asked before answers are paid for, and some of them again every so often."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from synth.backends import Backend
from synth.engine.ask import Engine
from synth.engine.probation import FEW, Probation
from synth.errors import DOUBT, ConfigError, Stopped
from synth.journal.store import Journal
from synth.journal.usage import Usage
from synth.quality import controls
from synth.quality.controls import Answer, Exam
from synth.recipe.controls import Control
from synth.recipe.routing import leaves
from synth.run.compile import CompiledRecipe
from synth.run.controls import JUDGING, Judge, Questions, questions_of, recalled, unfit, verdicts
from synth.run.options import RunOptions
from synth.types import CONTROLS, Origin, Reply, Request

FIRST = -1
"""The place of controls in the plan: before everything else that judges are asked."""


@dataclass(eq=False)
class _Seat:
    """A judge under examination."""

    judge: Judge
    answers: list[Answer | None]
    later: dict[int, list[Answer | None]]
    judged: int
    """How many verdicts on rows it gave so far."""
    waives: bool
    """Whether it is not asked: the journal holds verdicts on rows and no control."""
    passed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once nobody waits for what it says of its controls any more."""
    told: bool = False
    rounds: int = 0
    """The number of the last round in which it was asked again."""

    @property
    def exam(self) -> Exam:
        return Exam(self.judge.roles[0], self.judge.model, tuple(self.answers), dict(self.later))


@dataclass(eq=False)
class Examination:
    """The examination of a live run's judges, begun with the first request that the journal cannot answer. `known` is what the journal
    holds of their controls; `stops` says whether an unfit judge stops the run."""

    questions: Questions
    engine: Engine
    probation: Probation
    known: Sequence[tuple[Judge, Exam]]
    spent: Sequence[Usage]
    stops: bool
    say: Callable[[str], None]
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._room = asyncio.Semaphore(FEW)
        self.probation.first = self._begin

    @cached_property
    def _seats(self) -> list[_Seat]:
        known = {judge: exam for judge, exam in self.known if exam.accuracy}
        return [self._seat(judge, known.get(judge)) for judge in self.questions.judges]

    def _seat(self, judge: Judge, known: Exam | None) -> _Seat:
        answers: list[Answer | None] = [*known.answers] if known else [None for _ in self.questions.asked]
        judged = verdicts(self.spent, judge.model)
        later = {number: [*found] for number, found in known.later.items()} if known else {}
        return _Seat(judge, answers, later, judged, waives=judged > 0 and known is None)

    async def look(self) -> None:
        """Stops the engine, before anything is asked, if the journal says that a judge of the examination is unfit. Raises what it is
        stopped with."""
        for seat in self._seats if self.known else ():
            self._weigh(seat)
        await self.done()

    async def done(self) -> None:
        """Waits until the examination has all answers that it has asked for. Raises what has stopped the engine."""
        while self._tasks:
            await asyncio.gather(*self._tasks)
        if self.engine.failure is not None:
            raise self.engine.failure.with_traceback(None)

    async def cancel(self) -> None:
        """Gives the examination up; what was sent still lands."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- the first time ---

    def _begin(self) -> None:
        for seat in self._seats:
            if seat.waives:
                seat.passed.set()
        self.probation.committed = self._committed
        self._open()
        self._start(self._all())

    async def _all(self) -> None:
        # One judge after the other, for what an unfit one shows the others need not be paid for; the next begins as soon as the last
        # answers of the one before can change nothing. A backend that keeps requests waiting itself is asked all at once.
        parts, before = [], None
        for seat in self._seats:
            if not seat.waives:
                queues = self._queues(seat)
                parts.append(self._examine(seat, None if queues else before))
                before = before if queues else seat
        try:
            await _together(parts)
        finally:
            self._open(anyhow=True)

    async def _examine(self, seat: _Seat, before: _Seat | None) -> None:
        if before is not None:
            await before.passed.wait()
        await self._ask_all(seat, range(controls.ASKED))
        if controls.more(seat.answers):
            await self._ask_all(seat, range(controls.ASKED, len(seat.answers)))
        seat.passed.set()
        self._open()

    async def _ask_all(self, seat: _Seat, places: range) -> None:
        async def one(place: int) -> None:
            seat.answers[place] = await self._ask(seat, self.questions.asked[place])
            self._weigh(seat)

        await _together(one(place) for place in places if seat.answers[place] is None)

    def _weigh(self, seat: _Seat) -> None:
        """Opens the gate, stops the run, or tells the user, as soon as a judge's answers say so."""
        found = controls.verdict(seat.answers)
        if found == "unfit" and self.stops:
            self.engine.stop(Stopped(DOUBT, unfit([(one.judge, one.exam) for one in self._seats])))
        elif found == "unfit" and not seat.told:
            seat.told = True
            self.say(f"{seat.exam.words()}; the run goes on, as --on-doubt warn says")
        if found != "open":
            seat.passed.set()
            self._open()

    def _open(self, *, anyhow: bool = False) -> None:
        if anyhow or all(seat.passed.is_set() for seat in self._seats):
            self.probation.open()

    # --- and again ---

    def _committed(self, origin: Origin, model: str) -> None:
        if origin.stage != JUDGING or origin.lane == CONTROLS:
            return
        for seat in self._seats:
            if seat.judge.model == model:
                seat.judged += 1
                number = seat.judged // controls.EVERY
                if number > seat.rounds and not seat.waives:
                    seat.rounds = number
                    self._start(self._again(seat, number))

    async def _again(self, seat: _Seat, number: int) -> None:
        fell = seat.exam.fell
        found: list[Answer | None] = []
        seat.later[number] = found
        for old in sorted(seat.later)[: -controls.LATELY]:
            del seat.later[old]

        async def one(control: Control) -> None:
            found.append(await self._ask(seat, control, number))

        await _together(one(control) for control in controls.again(self.questions.compiled.recipe.seed, number))
        if seat.exam.fell and not fell:
            self.say(seat.exam.fall())

    # --- how one is asked ---

    async def _ask(self, seat: _Seat, control: Control, number: int = 0) -> Answer | None:
        judge = seat.judge

        async def ask(stage: str, role: str, request: Request, *, spare: bool = False) -> Reply:
            del spare
            return await self.engine.ask(request, Origin(role, stage, CONTROLS, FIRST, judge.spare))

        if self._queues(seat):
            return await self.questions.answer(judge, control, ask, number)
        async with self._room:
            return await self.questions.answer(judge, control, ask, number)

    def _queues(self, seat: _Seat) -> bool:
        return self.engine.models.backends[seat.judge.roles[0]].self_scheduling

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        async def whole() -> None:
            try:
                await work
            except (Stopped, ConfigError):
                if self.engine.failure is None:
                    raise

        task = asyncio.ensure_future(whole())
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and isinstance(error, Exception):
            self.probation.dismiss(error)  # a fault of synth's own: nobody may wait for what will not come


async def examination(
    compiled: CompiledRecipe, journal: Journal, engine: Engine, probation: Probation | None, options: RunOptions
) -> Examination | None:
    """The examination of a run's judges, as far as its journal has it; None where there is none."""
    questions = questions_of(compiled)
    if questions is None or probation is None:
        return None
    known = await recalled(questions, journal)
    return Examination(questions, engine, probation, known, journal.spent(), options.on_doubt == "stop", options.say)


def probation_of(compiled: CompiledRecipe, connected: Mapping[str, Backend], journal: Journal) -> Probation | None:
    """Who waits in a run until its models are known a little, and its judges examined; None where all judges are stand-ins."""
    recipe = compiled.recipe
    judges = {leaf for role, _ in compiled.flow.panel.seats for leaf in leaves(role, recipe.composed)}
    if not any(role in recipe.models and not recipe.models[role].answering.STAND_IN for role in judges):
        return None
    queued = {role for role, backend in connected.items() if backend.self_scheduling}
    return Probation(journal.spent(), queued, judging=JUDGING, examined=questions_of(compiled) is not None)


async def _together(parts: Iterable[Coroutine[Any, Any, None]]) -> None:
    """All of these, or none any further once one fails."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
