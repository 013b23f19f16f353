"""`synth run`: one folder, one journal, one fold; then the dataset, and what is to be said of it."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from functools import partial

from synth import backends
from synth.backends import Backend
from synth.dataset.staging import Staging
from synth.dataset.writer import rows_in
from synth.engine.ask import Engine, replaying
from synth.engine.budget import UNBOUNDED, Budget, check_bounds
from synth.engine.contract import TRUSTED
from synth.engine.endpoints import Endpoints
from synth.engine.loop import quick_loop
from synth.engine.scheduler import Slots
from synth.errors import ConfigError, Stopped
from synth.fold.checkpoint import State, written
from synth.fold.fold import Fold
from synth.journal import decisions
from synth.journal.rows import DamagedReply
from synth.journal.store import Journal
from synth.journal.usage import UsageLog
from synth.plan.sharding import sharded
from synth.recipe import plugins
from synth.recipe.schema import Recipe
from synth.run import compiling, finished, paces, upgrade
from synth.run.compile import CompiledRecipe
from synth.run.connected import adapt, notes, take_up
from synth.run.doubting import Doubting, stopped_before
from synth.run.examine import Examination, examination, probation_of
from synth.run.folder import claim, mend, refuse_lost, writable
from synth.run.interrupts import Interrupts
from synth.run.options import RunOptions
from synth.run.resolve import ResolvedRun, resolve, wanted
from synth.run.result import Result, made_up, result_of, said_again
from synth.run.write import begun, finish
from synth.types import Round

LANDING = 30.0
"""Seconds for which a run that has all it wants waits for replies that are paid for but no longer needed."""


def run(compiled: CompiledRecipe, options: RunOptions) -> Result:
    """Executes a compiled recipe in `options.folder`, or goes on with it there; gives what the run came to."""
    chosen, wanted_now = wanted(compiled, options.n, options.only)
    if options.shard is not None:
        sharded(chosen, options.shard)
    connected = backends.connect({role: compiled.recipe.models[role] for _, role in compiled.recipe.role_uses()})
    with writable(options.folder):
        claim(options.folder)
        if not options.upgrade:
            upgrade.check_format(compiled, options)
        with contextlib.closing(Journal(options.folder)) as journal:
            refuse_lost(options.folder, begun=journal.begun)
            if journal.begun:
                mend(options.folder)
            if options.bounds != UNBOUNDED:
                roles = {role: compiled.recipe.models[role] for role in connected}
                check_bounds(options.bounds, roles, compiled.prices, UsageLog(journal.spent()))
            job = resolve(compiled, options, journal, chosen, wanted_now)
            for line in _by_doctor(compiled, journal):
                options.say(line)
            if job.changed:
                found = job.survey(journal)
                if not options.upgrade and (complaint := upgrade.complaint(job, journal, found)):
                    raise ConfigError(complaint)
                options.say(f"since the last run in {options.folder} these have changed: {job.changed}; {found.line()}")
            try:
                if again := job.enter(journal):
                    options.say(f"{again} requests that were given up on are asked again")
            except Stopped as stop:  # the disk is full already
                raise ConfigError(str(stop)) from stop
            with quick_loop() as runner:
                return runner.run(carry_out(job, journal, connected, compiling=compiling.begun))


def _by_doctor(compiled: CompiledRecipe, journal: Journal) -> Iterator[str]:
    """What the doctor found wrong with models that the run asks."""
    asked = {(role, compiled.recipe.models[role].named) for _, role in compiled.recipe.role_uses()}
    for (role, model), grade in decisions.checked_up(journal.decisions()).items():
        if grade in ("unfit", "doubtful") and (role, model) in asked:
            yield f"the doctor called {role} ({model}) {grade}"


def _by_stand_ins(compiled: CompiledRecipe, journal: Journal) -> Iterator[str]:
    """What the journal holds of words that a stand-in made up for models that the run asks."""
    roles = [compiled.recipe.models[role] for _, role in compiled.recipe.role_uses()]
    asked = {role.named for role in roles if not role.answering.STAND_IN}
    if found := {model: count for model, count in journal.stand_ins().items() if model in asked}:
        way_out = "to have a real server answer in their place, use another -o DIR"
        yield f"{made_up(found)}; they are reused whoever answers by that name now: {way_out}"


async def carry_out(
    job: ResolvedRun,
    journal: Journal,
    connected: Mapping[str, Backend],
    compiling: Callable[[Recipe], "Future[None]"] | None = None,
) -> Result:
    """Executes a resolved run: folds over the journal, asking models, and writes the run's folder. Nothing that stops
    the run is raised: it is in the result. Without `compiling` inner loops are compiled where they are called."""
    heeding = job.options.interrupts
    with contextlib.nullcontext(heeding) if heeding else Interrupts(job.options.report) as interrupts:
        if (known := finished.known(job, journal, connected)) is not None:
            await _close(connected)
            return known
        for line in _by_stand_ins(job.compiled, journal):  # it reads the journal through
            job.options.say(line)
        compiled = compiling(job.compiled.recipe) if compiling else None
        try:
            return await _carried(job, journal, connected, interrupts, compiled)
        finally:
            if compiled is not None:
                compiled.cancel()


async def _close(connected: Mapping[str, Backend]) -> None:
    for backend in set(connected.values()):
        with plugins.blamed(f"a backend's close ({type(backend).__name__})", backend):
            await backend.close()


async def _carried(
    job: ResolvedRun,
    journal: Journal,
    connected: Mapping[str, Backend],
    interrupts: Interrupts,
    compiled: "Future[None] | None",
) -> Result:
    roles = {role: job.compiled.recipe.models[role] for role in connected}
    usage = UsageLog(journal.spent())
    budget = Budget(job.options.bounds, job.compiled.prices, usage) if job.options.bounds != UNBOUNDED else None
    slots, spared = Slots(job.inputs.concurrency, budget), job.compiled.recipe.spared()
    models = Endpoints(connected, slots, roles, spared=spared, say=job.options.say, report=job.options.report)
    paces.take_up(models, roles, journal)
    probation = probation_of(job.compiled, connected, journal)
    embedder = job.inputs.flow.embedder
    doubted = await _still_doubted(job, journal)
    with job.staging() as staging:
        doubting = Doubting(job.compiled, staging, job.options.observer)
        fold = Fold(
            job.inputs,
            partial(
                Engine,
                journal,
                models,
                prove=embedder.prove if embedder else None,
                usage=usage,
                order=job.inputs.flow.order,
                probation=probation or TRUSTED,
            ),
            doubting.sink,
            record=lambda plan: journal.decide(decisions.PLAN, asdict(plan)),
            keep=None if job.inputs.frozen else lambda state: staging.save(job.mark, _sealed(state, journal, doubting)),
            observer=doubting,
            compiled=compiled,
        )
        engine = fold.engine
        doubting.watch(fold, engine if job.options.on_doubt == "stop" else None)
        _resume(job, fold, staging, journal, doubting)
        adapt(job.compiled.recipe.models, journal, connected, job.options.say)
        examined = await examination(job.compiled, journal, engine, probation, job.options)
        lasting = take_up(job, engine, journal, connected)
        finished.forget(job.options.folder)
        begun(job, partial(result_of, fold, engine, journal, staging, prices=job.compiled.prices))
        interrupts.stops(engine)
        try:
            if doubted is not None:
                engine.stop(doubted)
            stopped = doubted or await _live(job, fold, engine, examined)
            if stopped is None:
                engine.stop(Stopped("done"))
                await engine.drain(LANDING)
            left = 0
            if not engine.abandoned:
                left = sum([await backend.part(done=stopped is None) for backend in lasting])
        finally:
            await _close(connected)
        paces.leave(models, roles, journal)
        if stopped is None:
            result = result_of(fold, engine, journal, staging, prices=job.compiled.prices)
            before = said_again(result, engine)
            result.notes += notes(job, connected, left, paused=False)
            told = len(result.notes)
            await doubting.vouch(result, journal)
            held = rows_in(job.options.folder)
            finish(job, result, staging)
            if (rows := sum(result.splits.values())) < held:
                job.options.say(
                    f"{job.options.folder / 'dataset'} held {held:,} rows before this run, and holds {rows:,} now"
                )
            staging.forget()
            finished.remember(job, journal, finished.Lasting(before, result.notes[told:]))
            return result
    job.options.report("writing what there is")
    result = await _paused(job, engine, journal, stopped)
    result.notes += notes(job, connected, left, paused=True)
    return result


def _sealed(state: State, journal: Journal, doubting: Doubting) -> str:
    return json.dumps({"journal": journal.witness(), "state": written(state), "doubts": doubting.state()})


def _resume(
    job: ResolvedRun,
    fold: Fold,
    staging: Staging,
    journal: Journal,
    doubting: Doubting,
    *,
    recorded: Sequence[Round] | None = None,
) -> None:
    """Takes up the folder's checkpoint, if it is of this job and this journal."""
    text = staging.saved(job.mark)
    if text is None:
        return
    sealed = json.loads(text)
    state = fold.can_resume(sealed["state"], job.recorded if recorded is None else recorded)
    if state and journal.went_on(sealed["journal"]) and doubting.can_resume(sealed.get("doubts")):
        fold.resume(state, staging.index())
    else:
        staging.forget()


async def _live(
    job: ResolvedRun, fold: Fold, engine: Engine, examined: Examination | None
) -> Stopped | ConfigError | None:
    """Folds, asking for what is missing, until all is done or something stops it; what was sent has then landed."""
    try:
        async with job.options.watch(fold, engine) if job.options.watch else contextlib.nullcontext():
            if examined is not None:
                await examined.look()
            await fold.run(job.recorded)
            if examined is not None:
                await examined.done()
    except (Stopped, ConfigError) as error:
        engine.stop(error)
        if examined is not None:
            await examined.cancel()
        await engine.drain()
        return engine.failure
    return None


async def _paused(job: ResolvedRun, engine: Engine, journal: Journal, stopped: Stopped | ConfigError) -> Result:
    """A stop is a pause, never a decision: the rows come from one more fold, with calls and plans forbidden."""
    with job.staging() as staging:
        fold, doubting = await _replayed(job, journal, staging)
        result = result_of(fold, engine, journal, staging, prices=job.compiled.prices, stopped=stopped)
        await doubting.vouch(result, journal)
        kept = rows_in(job.options.folder)
        if sum(result.splits.values()) < kept:
            dataset = job.options.folder / "dataset"
            result.notes.append(f"{dataset} keeps the {kept} rows it had, since this pause would leave fewer")
            return result
        return finish(job, result, staging)


async def _replayed(job: ResolvedRun, journal: Journal, staging: Staging) -> tuple[Fold, Doubting]:
    """One more fold over the journal, run with calls and plans forbidden, and what it gives to doubt."""
    doubting = Doubting(job.compiled, staging)
    fold = Fold(job.inputs, partial(replaying, journal), doubting.sink)
    doubting.watch(fold)
    recorded = decisions.plans(journal.decisions())
    _resume(job, fold, staging, journal, doubting, recorded=recorded)
    await fold.run(recorded)
    return fold, doubting


async def _still_doubted(job: ResolvedRun, journal: Journal) -> Stopped | None:
    """The stop over a doubt that the last run stopped over too, and that the journal still shows: nothing is asked."""
    if job.options.on_doubt != "stop" or not journal.begun or not stopped_before(job.options.folder):
        return None
    with job.staging() as staging, contextlib.suppress(DamagedReply):  # which the run asks for again
        return (await _replayed(job, journal, staging))[1].stop()
    return None
