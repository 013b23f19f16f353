"""`synth run`: one folder, one journal, one fold; then the dataset, and what is to be said of it."""

import asyncio
import contextlib
import json
import signal
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from synth import backends
from synth.bind import Bound
from synth.dataset.card import Facts
from synth.dataset.reading import RUNNING
from synth.dataset.shards import mend
from synth.dataset.spool import Spool
from synth.dataset.writing import rows_in, versions, write_dataset, write_drops
from synth.engine.ask import REPLAY, Engine
from synth.engine.books import Books
from synth.engine.budget import UNBOUNDED, Budget, check_bounds
from synth.engine.journal import Journal
from synth.engine.loop import quick_loop
from synth.engine.receipts import JournalledReceipts
from synth.engine.slots import Slots
from synth.errors import ConfigError, Stopped
from synth.fold import history
from synth.fold.checkpoint import State, written
from synth.fold.fold import Fold
from synth.folder import claim, refuse_lost, writable
from synth.job import Job, Wish, settle, wanted
from synth.plan.sharding import sharded
from synth.receipt import Lasting
from synth.result import Result, result_of
from synth.types import Backend, Round, Waiting

LANDING = 30.0
"""Seconds for which a run that has all it wants waits for replies that are paid for but no longer needed."""


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
            if wish.bounds != UNBOUNDED:
                roles = {role: bound.recipe.models[role] for role in connected}
                check_bounds(wish.bounds, roles, bound.prices, Books(journal.spent()))
            job = settle(bound, wish, journal, chosen, wanted_now)
            if job.changed:
                wish.say(
                    f"since the last run in {wish.folder} these have changed: {job.changed}; {job.survey(journal).line()}"
                )
            try:
                if again := job.enter(journal):
                    wish.say(f"{again} requests that were given up on are asked again")
            except Stopped as stop:  # the disk is full already
                raise ConfigError(str(stop)) from stop
            with quick_loop() as runner:
                return runner.run(carry_out(job, journal, connected))


async def carry_out(job: Job, journal: Journal, connected: Mapping[str, Backend]) -> Result:
    """Folds, and writes the folder. Nothing that stops it is raised: it is in the result."""
    roles = {role: job.bound.recipe.models[role] for role in connected}
    books = Books(journal.spent())
    budget = Budget(job.wish.bounds, job.bound.prices, books) if job.wish.bounds != UNBOUNDED else None
    slots = Slots(job.setup.concurrency, budget)
    engine = Engine(journal, connected, slots, roles, spared=job.bound.recipe.spared(), books=books)
    engine.models.circuits.say = job.wish.say
    if job.setup.work.embedder is not None:
        engine.prove = job.setup.work.embedder.prove
    with job.spool() as spool:
        fold = Fold(
            job.setup,
            engine,
            spool,
            record=lambda plan: journal.decide(history.PLAN, asdict(plan)),
            keep=None if job.setup.frozen else lambda state: spool.save(job.mark, _sealed(state, journal)),
        )
        _resume(job, fold, spool, journal, job.recorded)
        lasting = _take_up(job, engine, journal, connected)
        _begun(job, result_of(fold, engine, journal, spool, prices=job.bound.prices))
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
                await backend.close()
        if stopped is None:
            result = result_of(fold, engine, journal, spool, prices=job.bound.prices)
            result.notes += _notes(job, connected, left, paused=False)
            finish(job, result, spool)
            spool.forget()
            return result
    result = await _paused(job, engine, journal, stopped)
    result.notes += _notes(job, connected, left, paused=True)
    return result


def _take_up(job: Job, engine: Engine, journal: Journal, connected: Mapping[str, Backend]) -> list[Lasting]:
    """Backends whose requests outlast a run go on with what earlier ones have left."""
    receipts = JournalledReceipts(journal, engine.seat_of)
    lasting: list[Lasting] = [backend for backend in set(connected.values()) if isinstance(backend, Lasting)]
    for backend in lasting:
        backend.take_up(receipts, job.wish.say)
    if stray := receipts.stray():
        requests = sum(len(receipt.keys) for receipt in stray)
        job.wish.say(
            f"{requests} requests of earlier runs are in batches at an address this recipe does not ask; they are not waited for "
            f"(`synth journal cancel-batches {job.wish.folder}` cancels them)"
        )
    return lasting


def _notes(job: Job, connected: Mapping[str, Backend], left: int, *, paused: bool) -> list[str]:
    """What is to be said of the backends, and of so many requests that outlast the run."""
    found = [
        backend.note for backend in set(connected.values()) if isinstance(backend, Waiting) and backend.note is not None
    ]
    if left and paused:
        found.append(
            f"{left} requests stay with the server: the same command collects their replies, "
            f"`synth journal cancel-batches {job.wish.folder}` cancels them"
        )
    elif left:
        found.append(
            f"{left} requests in batches turned out not to be needed and are being cancelled; the next run here collects what they brought"
        )
    return found


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
        result = result_of(fold, engine, journal, spool, prices=job.bound.prices, stopped=stopped)
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
        agreement=result.agreement,
    )
    write_dataset(job.wish.folder, job.bound.recipe, facts, spool)
    write_drops(job.wish.folder, spool)
    _write_run(job, asdict(result))
    return result


def _begun(job: Job, fresh: Result) -> None:
    """run.json while the run goes on, or after it was killed: what the folder holds stands as the last run left it."""
    try:
        before = json.loads((job.wish.folder / "run.json").read_text(encoding="utf-8"))
        last = Result(**{field.name: before[field.name] for field in fields(Result)})
    except (OSError, ValueError, TypeError, KeyError):  # none, or one of another synth
        last = fresh
    _write_run(job, asdict(last) | {"stopped": RUNNING, "message": None, "status": None, "notes": []})


def _write_run(job: Job, result: Mapping[str, Any]) -> None:
    data: dict[str, Any] = {
        "recipe": job.bound.recipe.model_dump(mode="json"),
        "fingerprint": job.bound.fingerprint,
        "seed": job.bound.recipe.seed,
        "n": job.bound.recipe.n if job.wish.n is None else job.wish.n,
        "versions": versions(),
        "prompts": dict(job.bound.prompts),
    }
    new = job.wish.folder / "run.json.new"
    new.write_text(json.dumps(data | dict(result), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    new.rename(job.wish.folder / "run.json")
