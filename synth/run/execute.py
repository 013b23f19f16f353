"""`synth run`: one folder, one journal, one fold; then the dataset, and what is to be said of it."""

import asyncio
import contextlib
import json
import signal
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from functools import partial
from typing import Any

from synth import aside, backends
from synth.backends import Adapting, Backend, Resumable, SelfScheduling
from synth.dataset.card import Facts
from synth.dataset.policies import policies_of
from synth.dataset.reader import RUNNING
from synth.dataset.staging import Staging
from synth.dataset.writer import rows_in, versions, write_dataset, write_drops
from synth.engine.ask import Engine, replaying
from synth.engine.budget import UNBOUNDED, Budget, check_bounds
from synth.engine.endpoints import Endpoints
from synth.engine.loop import quick_loop
from synth.engine.scheduler import Slots
from synth.errors import ConfigError, Stopped
from synth.fold.checkpoint import State, written
from synth.fold.fold import Fold
from synth.journal import decisions
from synth.journal.receipts import JournalledBatchJobs
from synth.journal.store import Journal
from synth.journal.usage import UsageLog
from synth.plan.sharding import sharded
from synth.recipe import plugins
from synth.run import upgrade
from synth.run.compile import CompiledRecipe
from synth.run.folder import claim, mend, refuse_lost, writable
from synth.run.options import RunOptions
from synth.run.resolve import ResolvedRun, resolve, wanted
from synth.run.result import Result, result_of
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
                return runner.run(carry_out(job, journal, connected))


async def carry_out(job: ResolvedRun, journal: Journal, connected: Mapping[str, Backend]) -> Result:
    """Executes a resolved run: folds over the journal, asking models, and writes the run's folder. Nothing that stops
    the run is raised: it is in the result."""
    roles = {role: job.compiled.recipe.models[role] for role in connected}
    usage = UsageLog(journal.spent())
    budget = Budget(job.options.bounds, job.compiled.prices, usage) if job.options.bounds != UNBOUNDED else None
    slots, spared = Slots(job.inputs.concurrency, budget), job.compiled.recipe.spared()
    models = Endpoints(connected, slots, roles, spared=spared, say=job.options.say)
    embedder = job.inputs.flow.embedder
    with job.staging() as staging:
        fold = Fold(
            job.inputs,
            partial(
                Engine,
                journal,
                models,
                prove=embedder.prove if embedder else None,
                usage=usage,
                order=job.inputs.flow.order,
            ),
            staging,
            record=lambda plan: journal.decide(decisions.PLAN, asdict(plan)),
            keep=None if job.inputs.frozen else lambda state: staging.save(job.mark, _sealed(state, journal)),
            observer=job.options.observer,
        )
        engine = fold.engine
        _resume(job, fold, staging, journal, job.recorded)
        _adapt(job, journal, connected)
        lasting = _take_up(job, engine, journal, connected)
        _begun(job, result_of(fold, engine, journal, staging, prices=job.compiled.prices))
        try:
            stopped = await _live(job, fold, engine)
            if engine.abandoned:
                raise KeyboardInterrupt
            if stopped is None:
                engine.stop(Stopped("done"))
                await engine.drain(LANDING)
            left = sum([await backend.part(done=stopped is None) for backend in lasting])
        finally:
            for backend in set(connected.values()):
                with plugins.blamed(f"a backend's close ({type(backend).__name__})", backend):
                    await backend.close()
        if stopped is None:
            result = result_of(fold, engine, journal, staging, prices=job.compiled.prices)
            result.notes += _notes(job, connected, left, paused=False)
            finish(job, result, staging)
            staging.forget()
            return result
    result = await _paused(job, engine, journal, stopped)
    result.notes += _notes(job, connected, left, paused=True)
    return result


def _adapt(job: ResolvedRun, journal: Journal, connected: Mapping[str, Backend]) -> None:
    """Backends that learn what their server does not take know what earlier runs learnt; what they learn now is decided and told once."""

    def learnt(model: str, field: str, told: str) -> None:
        what, _, words = told.partition(": ")
        if decisions.adapted(journal.decisions()).get(model, {}).get(field) == what:
            return  # by another backend with a model of that name
        journal.decide(decisions.ADAPTED, {"model": model, "field": field, "what": what})
        models = job.compiled.recipe.models
        roles = ", ".join(f"models.{role}" for role in connected if models[role].model == model) or f"model {model!r}"
        job.options.say(f"{roles}: {field} is {what} from now on, since the server says: {words}")

    known = decisions.adapted(journal.decisions())
    for backend in set(connected.values()):
        if isinstance(backend, Adapting):
            backend.adapt(known, learnt)


def _take_up(job: ResolvedRun, engine: Engine, journal: Journal, connected: Mapping[str, Backend]) -> list[Resumable]:
    """Backends whose requests outlast a run go on with what earlier ones have left."""
    receipts = JournalledBatchJobs(journal, engine.origin_of)
    lasting: list[Resumable] = [backend for backend in set(connected.values()) if isinstance(backend, Resumable)]
    for backend in lasting:
        backend.take_up(receipts, job.options.say)
    if stray := receipts.stray():
        requests = sum(len(receipt.keys) for receipt in stray)
        job.options.say(
            f"{requests} requests of earlier runs are in batches at an address this recipe does not ask; they are not waited for "
            f"(`synth journal cancel-batches {job.options.folder}` cancels them)"
        )
    return lasting


def _notes(job: ResolvedRun, connected: Mapping[str, Backend], left: int, *, paused: bool) -> list[str]:
    """What is to be said of the backends, and of so many requests that outlast the run."""
    found = [
        backend.note
        for backend in set(connected.values())
        if isinstance(backend, SelfScheduling) and backend.note is not None
    ]
    if left and paused:
        found.append(
            f"{left} requests stay with the server: the same command collects their replies, "
            f"`synth journal cancel-batches {job.options.folder}` cancels them"
        )
    elif left:
        found.append(
            f"{left} requests in batches turned out not to be needed and are being cancelled; the next run here collects what they brought"
        )
    return found


def _sealed(state: State, journal: Journal) -> str:
    return json.dumps({"journal": journal.witness(), "state": written(state)})


def _resume(job: ResolvedRun, fold: Fold, staging: Staging, journal: Journal, recorded: Sequence[Round]) -> None:
    """Takes up the folder's checkpoint, if it is of this job and this journal."""
    text = staging.saved(job.mark)
    if text is None:
        return
    sealed = json.loads(text)
    state = fold.can_resume(sealed["state"], recorded)
    if state and journal.went_on(sealed["journal"]):
        fold.resume(state, staging.index())
    else:
        staging.forget()


async def _live(job: ResolvedRun, fold: Fold, engine: Engine) -> Stopped | ConfigError | None:
    """Folds, asking for what is missing, until all is done or something stops it; what was sent has then landed."""
    loop = asyncio.get_running_loop()
    before = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)}
    for sign in before:
        loop.add_signal_handler(sign, _interrupt, engine)
    try:
        async with job.options.watch(fold, engine) if job.options.watch else contextlib.nullcontext():
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


async def _paused(job: ResolvedRun, engine: Engine, journal: Journal, stopped: Stopped | ConfigError) -> Result:
    """A stop is a pause, never a decision: the rows come from one more fold, with calls and plans forbidden."""
    with job.staging() as staging:
        fold, recorded = Fold(job.inputs, partial(replaying, journal), staging), decisions.plans(journal.decisions())
        _resume(job, fold, staging, journal, recorded)
        await fold.run(recorded)
        result = result_of(fold, engine, journal, staging, prices=job.compiled.prices, stopped=stopped)
        kept = rows_in(job.options.folder)
        if sum(result.splits.values()) < kept:
            dataset = job.options.folder / "dataset"
            result.notes.append(f"{dataset} keeps the {kept} rows it had, since this pause would leave fewer")
            return result
        return finish(job, result, staging)


def finish(job: ResolvedRun, result: Result, staging: Staging) -> Result:
    """The last act of executing a run: writes the dataset, the drops and run.json of a fold that has ended; gives the
    result."""
    facts = Facts(
        splits=result.splits,
        content="",
        cells=result.cells,
        dropped=result.dropped,
        fingerprint=job.compiled.fingerprint,
        versions=versions(),
        prompts=job.compiled.prompts,
        stopped=result.stopped,
        avoided=job.compiled.flow.avoided.sources if job.compiled.flow.avoided else (),
        agreement=result.agreement,
        asked_without=result.asked_without,
    )
    write_dataset(job.options.folder, job.compiled.recipe, facts, staging, policies_of(job.compiled.specs))
    write_drops(job.options.folder, staging, [bound.name for bound in job.compiled.flow.stages])
    _write_run(job, asdict(result))
    return result


def _begun(job: ResolvedRun, fresh: Result) -> None:
    """run.json while the run goes on, or after it was killed: what the folder holds stands as the last run left it."""
    try:
        before = json.loads((job.options.folder / "run.json").read_text(encoding="utf-8"))
        last = Result(**{field.name: before[field.name] for field in fields(Result) if field.name in before})
    except (OSError, ValueError, TypeError, KeyError):  # none, or one of another synth
        last = fresh
    _write_run(job, asdict(last) | {"stopped": RUNNING, "message": None, "status": None, "notes": []})


def _write_run(job: ResolvedRun, result: Mapping[str, Any]) -> None:
    data: dict[str, Any] = {
        "recipe": job.compiled.recipe.model_dump(mode="json"),
        "fingerprint": job.compiled.fingerprint,
        "seed": job.compiled.recipe.seed,
        "n": job.compiled.recipe.n if job.options.n is None else job.options.n,
        "versions": versions(),
        "prompts": dict(job.compiled.prompts),
    }
    with aside.file(job.options.folder / "run.json") as new:
        new.write_text(json.dumps(data | dict(result), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
