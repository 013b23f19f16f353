"""`synth run`: one folder, one journal, one fold; then the dataset, and what is to be said of it."""

import asyncio
import contextlib
import json
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from synth import backends, files
from synth.bind import Bound
from synth.dataset.card import Facts
from synth.dataset.shards import mend
from synth.dataset.spool import Spool
from synth.dataset.writing import rows_in, versions, write_dataset, write_drops
from synth.engine.ask import REPLAY, Engine
from synth.engine.journal import Journal
from synth.engine.loop import quick_loop
from synth.engine.slots import Slots
from synth.errors import ConfigError, Stopped
from synth.fold import history
from synth.fold.checkpoint import State, written
from synth.fold.fold import Fold, Setup
from synth.folder import claim, refuse_lost, writable
from synth.plan.lanes import Brief, selected
from synth.plan.quota import check_quotas
from synth.plan.sharding import sharded
from synth.plan.targets import Targets, least, targets
from synth.recipe import fingerprint
from synth.result import Result, result_of
from synth.survey import Survey, survey
from synth.types import Backend, Round

Watch = Callable[[Fold, Engine], "contextlib.AbstractAsyncContextManager[None]"]
LANDING = 30.0
"""Seconds for which a run that has all it wants waits for replies that are paid for but no longer needed."""


@dataclass(frozen=True)
class Wish:
    """What one invocation asks for."""

    folder: Path
    n: int | None = None
    only: tuple[str, ...] = ()
    shard: frozenset[str] | None = None
    """Ids of the lanes that may be asked for, where the asking is split over machines."""
    watch: Watch | None = None
    say: Callable[[str], None] = lambda _: None
    """Told what the user should know before anything is asked."""


def run(bound: Bound, wish: Wish) -> Result:
    """Runs the recipe in `wish.folder`, or goes on with it there."""
    chosen, wanted_now = wanted(bound, wish.n, wish.only)
    if wish.shard is not None:
        sharded(chosen, wish.shard)
    connected = backends.connect({role: bound.recipe.models[role] for _, role in bound.recipe.role_uses()})
    with writable(wish.folder):
        claim(wish.folder)
        with contextlib.closing(Journal(wish.folder)) as journal:
            refuse_lost(wish.folder, begun=journal.begun)
            for name in ("dataset", "drops"):
                mend(wish.folder / name)
            job = settle(bound, wish, journal, chosen, wanted_now)
            if job.changed:
                wish.say(f"since the last run in {wish.folder} {job.changed}; {job.survey(journal).line()}")
            try:
                job.enter(journal)
            except Stopped as stop:  # the disk is full already
                raise ConfigError(str(stop)) from stop
            with quick_loop() as runner:
                return runner.run(carry_out(job, journal, connected))


def wanted(bound: Bound, n: int | None, only: tuple[str, ...]) -> tuple[list[Brief], Targets]:
    """The lanes asked for and their targets, N being the recipe's unless given. ConfigError with exit status 2 if N is too
    small for every cell to have a row."""
    n = bound.recipe.n if n is None else n
    chosen = selected(bound.briefs, only)
    if n is not None:
        smallest, scenario = least(bound.recipe, chosen)
        if n < smallest:
            raise ConfigError(
                f"-n {n} is too small: for every cell to have a row, scenario {scenario!r} needs at least {smallest}; "
                f"give -n {smallest} or more, or narrow the run with --only",
                status=2,
            )
    found = targets(bound.recipe, chosen, n)
    check_quotas(bound.recipe.mixture.at_least, chosen, found)
    return chosen, found


@dataclass(frozen=True)
class Job:
    """One invocation, settled against what the folder's journal already held."""

    bound: Bound
    wish: Wish
    setup: Setup
    recorded: Sequence[Round]
    changed: str
    """What bears on the data and differs from the run before, in words."""
    target: Mapping[str, Any] | None
    """What this run asks for, where that is not what the one before it asked for."""

    @property
    def mark(self) -> str:
        """Of all that a checkpoint's state depends on besides the journal; synth's own code included."""
        frozen = sorted(self.setup.frozen)
        return fingerprint(self.bound.fingerprint, self.setup.targets, frozen, files.own_hash(), versions())

    def enter(self, journal: Journal) -> None:
        """Records what is asked for; before anything else of the run."""
        if self.target is not None:
            journal.decide(history.TARGET, self.target)

    def survey(self, journal: Journal) -> Survey:
        return survey(self.bound.recipe, self.setup, self.recorded, journal)

    def spool(self) -> Spool:
        return Spool(self.wish.folder, self.bound.names, self.bound.recipe.output)


def settle(bound: Bound, wish: Wish, journal: Journal, chosen: Sequence[Brief], wanted_now: Targets) -> Job:
    """Reads the plans in force. Where this run asks for something else than the one before it, what was planned but never
    answered is let go of. Lanes that `--only` or `--shard` leaves out keep their rows and their place in the index."""
    last = history.last_target(journal.decisions())
    before: Targets = last["targets"] if last and wish.only else {}
    ids = {brief.lane.id for brief in chosen}
    briefs = [brief for brief in bound.briefs if brief.lane.id in ids | before.keys()]
    asked = {brief.lane.id: (wanted_now if brief.lane.id in ids else before)[brief.lane.id] for brief in briefs}
    recorded, target = history.plans(journal.decisions()), None
    if last is None or (last["targets"], last["identity"]) != (asked, bound.identity):
        let_go = history.released(recorded, bound.work.source.size, _answered(bound, briefs, journal))
        target = history.target_body(asked, bound.identity, let_go)
    recorded = history.plans([*journal.decisions(), *([(history.TARGET, target)] if target else [])])
    if wish.shard is not None:
        ids &= wish.shard
        briefs = [brief for brief in briefs if brief.lane.id in ids | {plan.lane for plan in recorded}]
    setup = Setup(
        work=bound.work,
        briefs=briefs,
        targets={brief.lane.id: asked[brief.lane.id] for brief in briefs},
        dedup=bound.recipe.dedup,
        concurrency=bound.recipe.concurrency,
        at_least=bound.recipe.mixture.at_least,
        frozen=frozenset(brief.lane.id for brief in briefs) - ids,
    )
    changed = history.changes(last["identity"], bound.identity) if last else ""
    return Job(bound, wish, setup, recorded, changed, target)


def compare(bound: Bound, wish: Wish) -> tuple[Job, Survey]:
    """What the recipe would do in `wish.folder`; nothing is asked, and nothing written."""
    chosen, wanted_now = wanted(bound, wish.n, wish.only)
    if not (wish.folder / "journal.sqlite").exists():
        raise ConfigError(f"{wish.folder}: holds no journal; make one with `synth run RECIPE -o {wish.folder}`")
    with contextlib.closing(Journal(wish.folder)) as journal:
        job = settle(bound, wish, journal, chosen, wanted_now)
        return job, job.survey(journal)


def _answered(bound: Bound, briefs: Sequence[Brief], journal: Journal) -> Callable[[Round, int], bool]:
    known = {brief.lane.id: brief for brief in briefs}

    def answered(plan: Round, call: int) -> bool:
        if plan.lane not in known or plan.widening:  # a widened call hangs on replies: it is taken for answered
            return True
        request = bound.work.source.request(known[plan.lane], call)
        return request is None or journal.has(request)

    return answered


async def carry_out(job: Job, journal: Journal, connected: Mapping[str, Backend]) -> Result:
    """Folds, and writes the folder. Nothing that stops it is raised: it is in the result."""
    roles = {role: job.bound.recipe.models[role] for role in connected}
    engine = Engine(journal, connected, Slots(job.setup.concurrency), roles)
    with job.spool() as spool:
        fold = Fold(
            job.setup,
            engine,
            spool,
            record=lambda plan: journal.decide(history.PLAN, asdict(plan)),
            keep=None if job.setup.frozen else lambda state: spool.save(job.mark, _sealed(state, journal)),
        )
        _resume(job, fold, spool, journal, job.recorded)
        try:
            stopped = await _live(job, fold, engine)
            if engine.abandoned:
                raise KeyboardInterrupt
            if stopped is None:
                engine.stop(Stopped("done"))
                await engine.drain(LANDING)
        finally:
            for backend in set(connected.values()):
                await backend.close()
        if stopped is None:
            result = finish(job, result_of(fold, engine, journal, spool, None), spool)
            spool.forget()
            return result
    return await _paused(job, engine, journal, stopped)


def _sealed(state: State, journal: Journal) -> str:
    return json.dumps({"journal": journal.witness(), "state": written(state)})


def _resume(job: Job, fold: Fold, spool: Spool, journal: Journal, recorded: Sequence[Round]) -> None:
    """Takes up the folder's checkpoint, if it is of this job and this journal."""
    text = spool.saved(job.mark)
    if text is None:
        return
    sealed = json.loads(text)
    state = fold.can_resume(sealed["state"], recorded)
    if state and journal.went_on(sealed["journal"]):
        fold.resume(state, spool.index())
    else:
        spool.forget()


async def _live(job: Job, fold: Fold, engine: Engine) -> Stopped | ConfigError | None:
    """Folds, asking for what is missing, until all is done or something stops it; what was sent has then landed."""
    loop = asyncio.get_running_loop()
    before = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)}
    for sign in before:
        loop.add_signal_handler(sign, _interrupt, engine)
    try:
        async with job.wish.watch(fold, engine) if job.wish.watch else contextlib.nullcontext():
            await fold.run(job.recorded)
    except (Stopped, ConfigError) as error:
        engine.stop(error)
        await engine.drain()
        return engine.failure
    finally:
        for sign, handler in before.items():
            loop.remove_signal_handler(sign)
            signal.signal(sign, handler)
    return None


def _interrupt(engine: Engine) -> None:
    """The first signal stops asking and lands what is in flight; the second waits for nothing."""
    if engine.failure is None:
        engine.stop(Stopped("interrupted", "interrupted; run the same command again to go on"))
    else:
        engine.abandon()


async def _paused(job: Job, engine: Engine, journal: Journal, stopped: Stopped | ConfigError) -> Result:
    """A stop is a pause, never a decision: the rows come from one more fold, with calls and plans forbidden."""
    silent = Engine(journal, {}, Slots(1))
    silent.stop(Stopped(REPLAY))
    with job.spool() as spool:
        fold, recorded = Fold(job.setup, silent, spool), history.plans(journal.decisions())
        _resume(job, fold, spool, journal, recorded)
        await fold.run(recorded)
        result = result_of(fold, engine, journal, spool, stopped)
        kept = rows_in(job.wish.folder)
        if sum(result.splits.values()) < kept:
            dataset = job.wish.folder / "dataset"
            result.notes.append(f"{dataset} keeps the {kept} rows it had, since this pause would leave fewer")
            return result
        return finish(job, result, spool)


def finish(job: Job, result: Result, spool: Spool) -> Result:
    """Writes the dataset, the drops and run.json."""
    facts = Facts(
        splits=result.splits,
        content="",
        cells=result.cells,
        dropped=result.dropped,
        fingerprint=job.bound.fingerprint,
        versions=versions(),
        prompts=job.bound.prompts,
        stopped=result.stopped,
        avoided=job.bound.work.avoided.sources if job.bound.work.avoided else (),
    )
    write_dataset(job.wish.folder, job.bound.recipe, facts, spool)
    write_drops(job.wish.folder, spool)
    _write_run(job, result)
    return result


def _write_run(job: Job, result: Result) -> None:
    data: dict[str, Any] = {
        "recipe": job.bound.recipe.model_dump(mode="json"),
        "fingerprint": job.bound.fingerprint,
        "seed": job.bound.recipe.seed,
        "n": job.bound.recipe.n if job.wish.n is None else job.wish.n,
        "versions": versions(),
        "prompts": dict(job.bound.prompts),
    }
    new = job.wish.folder / "run.json.new"
    new.write_text(json.dumps(data | asdict(result), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    new.rename(job.wish.folder / "run.json")
