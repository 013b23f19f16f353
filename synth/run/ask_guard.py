"""A guard asked about many rows: each request once, journalled, so that the same command goes on where it was stopped."""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from synth import backends
from synth.backends import Backend, Resumable
from synth.engine.ask import Engine
from synth.engine.endpoints import Endpoints
from synth.engine.loop import quick_loop
from synth.engine.scheduler import Slots
from synth.errors import ConfigError, Stopped
from synth.journal import decisions
from synth.journal.store import Journal
from synth.journal.usage import GAVE_UP, UsageLog
from synth.recipe.backend import SCORES
from synth.recipe.prompt import Prompt
from synth.recipe.role import Role
from synth.run.connected import adapt
from synth.run.folder import claim, writable
from synth.run.interrupts import Interrupts
from synth.stages.requester import Requester
from synth.types import Message, Origin, Reply, Request

ROLE = STAGE = "guard"
"""What the guard is called among roles and stages of the journal."""
LIKELIEST, TOLD = 20, 40_000
"""Alternatives of a token that a server is asked for, and of all tokens of an answer at most: a body is read up to a bound."""
EVERY = 10.0
"""Seconds between two lines on how far it is."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a guard is asked about one row: a lane of the journal, the row's place there, and the words."""

    lane: str
    place: int
    asked: str | tuple[Message, ...]
    """Messages; or all of a plain text that the guard goes on with."""


Take = Callable[[Question, Reply], None]


@dataclass(frozen=True)
class Asking:
    """How a guard is asked: the folder of the journal, its role, and what it measures there."""

    folder: Path
    role: Role
    about: Mapping[str, str]
    """The evaluation by test, guard and model: a folder holds one."""
    concurrency: int = 32
    scored: bool = False
    """Whether the tokens' probabilities are asked for, where the backend can give them."""
    retry_given_up: Collection[str] = ()
    """The lanes of the journal in which what was given up on is asked for again."""
    say: Callable[[str], None] = lambda _: None
    report: Callable[[str], None] = lambda _: None


@dataclass
class AskingResult:
    """What came of asking a guard."""

    answered: int = 0
    given_up: int = 0
    """Requests that were given up on, while others were answered."""
    stopped: Stopped | ConfigError | None = None
    calls: int = 0


def ask(asking: Asking, questions: Iterable[Question], take: Take) -> AskingResult:
    """Asks a guard all questions, as far as the journal does not answer them; `take` is given each reply. What stops it is in the
    result. ConfigError for what is wrong before anything is asked."""
    connected = backends.connect({ROLE: asking.role})
    if isinstance(connected[ROLE], Resumable):
        raise ConfigError(f"--backend {asking.role.backend}: answers tomorrow, and a guard is asked now; take another")
    with writable(asking.folder):
        claim(asking.folder)
        with contextlib.closing(Journal(asking.folder)) as journal:
            had = journal.begun  # rows that are alike share an answer in a new folder too
            _claimed(asking, journal)
            if asking.retry_given_up:
                journal.retry(asking.retry_given_up)
            with quick_loop() as runner:
                found = runner.run(_Run(asking, journal, connected[ROLE], take).all(iter(questions)))
    if had and (kept := found.answered - found.calls) > 0:
        least = "at least " if found.calls else ""
        asking.report(
            f"{least}{kept:,} of {found.answered:,} answers were in {asking.folder} already; another -o DIR asks anew"
        )
    return found


def _claimed(asking: Asking, journal: Journal) -> None:
    """Notes what the folder is of. ConfigError for one of something else."""
    found = list(journal.decisions())
    if decisions.last_target(found) is not None:
        raise ConfigError(f"{asking.folder}: is the folder of a run; choose another -o DIR")
    before = next((body for kind, body in found if kind == decisions.EVAL), None)
    if before is None:
        journal.decide(decisions.EVAL, asking.about)
    elif wrong := next((name for name, value in asking.about.items() if before[name] != value), None):
        raise ConfigError(
            f"{asking.folder}: holds an evaluation of another {wrong} ({before[wrong]}, not {asking.about[wrong]}); choose another -o DIR"
        )


def requester_of(role: Role, *, scored: bool = False) -> Requester:
    """What builds the requests to a guard's model; with its tokens' probabilities, if `scored` and its backend can give them."""
    likeliest = max(1, min(LIKELIEST, TOLD // role.max_tokens))
    more = {"logprobs": True, "top_logprobs": likeliest} if scored and SCORES in role.answering.GIVES else {}
    plain = Prompt(f"completion/{role.completion}", {"messages"}) if role.completion else None
    return Requester(
        ROLE,
        role.named,
        backends.family(role),
        {**more, **role.params},
        role.system,
        role.prefill,
        plain,
        revision=role.revision or "",
        unasked=role.unasked,
    )


def _request(requester: Requester, asked: str | tuple[Message, ...]) -> Request:
    if isinstance(asked, str):
        return requester.addressed((Message("user", asked),), None, (STAGE,), "completion")
    return requester.request(asked, None, (STAGE,))


@dataclass
class _Run:
    """One asking: the engine, and what has come of it so far."""

    asking: Asking
    journal: Journal
    backend: Backend
    take: Take
    found: AskingResult = field(default_factory=AskingResult)

    async def all(self, questions: Iterator[Question]) -> AskingResult:
        asking, roles = self.asking, {ROLE: self.asking.role}
        with Interrupts(asking.report) as interrupts:
            slots = Slots(asking.concurrency)
            models = Endpoints({ROLE: self.backend}, slots, roles, say=asking.say, report=asking.report)
            engine = Engine(self.journal, models, usage=UsageLog(self.journal.spent()))
            adapt(roles, self.journal, {ROLE: self.backend}, asking.say)
            interrupts.stops(engine)
            ticking = asyncio.create_task(self._tick(engine))
            try:
                # Twice as many as may be asked at once, so that none waits for the one that is read.
                workers = [self._work(engine, questions) for _ in range(2 * asking.concurrency)]
                ended = await asyncio.gather(*workers, return_exceptions=True)
                await engine.drain()
                for error in ended:
                    if isinstance(error, BaseException) and not isinstance(error, Stopped | ConfigError):
                        raise error
            finally:
                ticking.cancel()
                await self.backend.close()
        self.found.stopped, self.found.calls = engine.failure, engine.calls.total()
        return self.found

    async def _work(self, engine: Engine, questions: Iterator[Question]) -> None:
        requester = requester_of(self.asking.role, scored=self.asking.scored)
        for question in questions:
            request = _request(requester, question.asked)
            try:
                reply = await engine.ask(request, Origin(ROLE, STAGE, question.lane, question.place))
                if reply.finish == GAVE_UP:
                    self.found.given_up += 1
                    continue
                self.take(question, reply)
            except ConfigError as error:
                engine.stop(error)
                raise
            self.found.answered += 1

    async def _tick(self, engine: Engine) -> None:
        while True:
            await asyncio.sleep(EVERY)
            weather = f"; {engine.weather}, trying again" if engine.weather else ""
            self.asking.report(f"{self.found.answered:,} answered, {engine.in_flight.total():,} in flight{weather}")
