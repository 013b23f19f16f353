"""`synth run`: one folder, one journal, one fold; then the dataset, and what is to be said of it."""

import asyncio
import contextlib
import json
import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from synth import __version__, backends
from synth.bind import Bound
from synth.dataset.card import Facts, card
from synth.dataset.rows import Names
from synth.dataset.shards import swap, write_split
from synth.dataset.spool import Spool
from synth.engine.ask import REPLAY, Engine
from synth.engine.journal import Journal
from synth.engine.slots import Slots
from synth.errors import ConfigError, Stopped
from synth.fold import history
from synth.fold.fold import Fold
from synth.plan.lanes import Brief, selected
from synth.plan.targets import Targets, least, targets
from synth.types import LABELS, Round

SPLITS = ("train", "validation", "hard")
OK, SHORT, INTERRUPTED = 0, 3, 130

Watch = Callable[["Fold", Engine], "contextlib.AbstractAsyncContextManager[None]"]


@dataclass(frozen=True)
class Wish:
    """What one invocation asks for."""

    folder: Path
    n: int | None = None
    only: tuple[str, ...] = ()
    watch: Watch | None = None


@dataclass
class Result:
    """What an invocation came to."""

    cells: list[dict[str, Any]]
    splits: dict[str, int]
    dropped: dict[str, int]
    counts: dict[str, int]
    calls: int
    spent: list[dict[str, Any]]
    stopped: str | None = None
    message: str | None = None
    status: int = OK
    notes: list[str] = field(default_factory=list)


def run(bound: Bound, wish: Wish) -> Result:
    """Runs, or goes on with, the recipe in `wish.folder`."""
    job = _Job(bound, wish)
    connected = backends.connect({role: bound.recipe.models[role] for _, role in bound.recipe.role_uses()})
    with _writable(wish.folder):
        wish.folder.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(Journal(wish.folder)) as journal:
            return asyncio.run(_run(job, journal, connected))


def wanted(bound: Bound, n: int | None, only: tuple[str, ...]) -> tuple[list[Brief], Targets]:
    """The lanes asked for and their targets. ConfigError, exit status 2, if N is too small for every cell to have a row."""
    chosen = selected(bound.briefs, only)
    if n is not None:
        smallest, scenario = least(bound.recipe, chosen)
        if n < smallest:
            raise ConfigError(f"-n {n} is too small: scenario {scenario!r} needs at least {smallest} for every cell to have a row; give -n {smallest} or more, or narrow it with --only", status=2)
    return chosen, targets(bound.recipe, chosen, n)


class _Job:
    """One invocation's wish set against what the folder's journal already holds."""

    def __init__(self, bound: Bound, wish: Wish) -> None:
        self.bound, self.wish = bound, wish
        self.n = wish.n if wish.n is not None else bound.recipe.n
        self.chosen, self.targets = wanted(bound, self.n, wish.only)
        self.lanes: list[Brief] = self.chosen
        self.frozen: frozenset[str] = frozenset()
        self.recorded: list[Round] = []

    def settle(self, journal: Journal) -> None:
        """Reads the plans in force; where this run asks for something else than the one before, records it, and lets go of
        what was planned but never answered."""
        last = history.last_target(journal.decisions())
        self._keep_others(last)
        if last is None or (last["targets"], last["fingerprint"]) != (self.targets, self.bound.fingerprint):
            let_go = history.released(history.plans(journal.decisions()), self.bound.work.source.size, self._answered(journal))
            journal.decide(history.TARGET, history.target_body(self.n, self.targets, self.bound.fingerprint, let_go))
        self.recorded = history.plans(journal.decisions())

    def _keep_others(self, last: Mapping[str, Any] | None) -> None:
        """Lanes that `--only` leaves out keep their rows and their place in the index; nothing is asked for them."""
        before: Targets = last["targets"] if last else {}
        chosen = {brief.lane.id for brief in self.chosen}
        self.frozen = frozenset(before) - chosen if self.wish.only else frozenset()
        self.lanes = [brief for brief in self.bound.briefs if brief.lane.id in chosen | self.frozen]
        self.targets = {brief.lane.id: (self.targets if brief.lane.id in chosen else before)[brief.lane.id] for brief in self.lanes}

    def _answered(self, journal: Journal) -> Callable[[str, int], bool]:
        briefs, source = {brief.lane.id: brief for brief in self.lanes}, self.bound.work.source

        def answered(lane: str, call: int) -> bool:
            request = source.request(briefs[lane], call) if lane in briefs else None
            return request is None or journal.has_request(request)

        return answered

    def fold(self, engine: Engine, spool: Spool, *, record: Callable[[Round], None] | None) -> Fold:
        return Fold(
            self.bound.work,
            self.lanes,
            self.targets,
            engine,
            spool,
            dedup=self.bound.recipe.dedup,
            operators=self.bound.operators,
            concurrency=self.bound.recipe.concurrency,
            frozen=self.frozen,
            record=record,
        )


async def _run(job: _Job, journal: Journal, connected: Mapping[str, Any]) -> Result:
    job.settle(journal)
    engine = Engine(journal, connected, Slots(job.bound.recipe.concurrency))
    names, validation = job.bound.names, job.bound.recipe.output.validation
    with Spool(job.wish.folder, names, validation=validation) as spool:
        fold = job.fold(engine, spool, record=lambda plan: journal.decide(history.PLAN, history.plan_body(plan)))
        stopped = await _live(job, fold, engine)
        for backend in set(connected.values()):
            await backend.close()
        if stopped is None:
            return _finish(job, fold, engine, journal, spool, None)
    return await _paused(job, engine, journal, names, stopped)


async def _live(job: _Job, fold: Fold, engine: Engine) -> Stopped | ConfigError | None:
    """Folds, asking for what is missing, until all is done or something stops it; what was sent has then landed."""
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, _interrupt, engine)
    try:
        async with job.wish.watch(fold, engine) if job.wish.watch else contextlib.nullcontext():
            await fold.run(job.recorded)
    except (Stopped, ConfigError) as error:
        engine.stop(error)
        await engine.drain()
        return engine.failure
    finally:
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(sign)
    return None


def _interrupt(engine: Engine) -> None:
    """The first signal stops asking and lands what is in flight; the second waits for nothing."""
    if engine.failure is None:
        engine.stop(Stopped("interrupted", "interrupted; run the same command again to go on"))
    else:
        engine.abandon()


async def _paused(job: _Job, engine: Engine, journal: Journal, names: Names, stopped: Stopped | ConfigError) -> Result:
    """A stop is a pause, never a decision: the rows come from one more fold, with calls and plans forbidden."""
    job.recorded = history.plans(journal.decisions())
    silent = Engine(journal, {}, Slots(1))
    silent.stop(Stopped(REPLAY))
    with Spool(job.wish.folder, names, validation=job.bound.recipe.output.validation) as spool:
        fold = job.fold(silent, spool, record=None)
        await fold.run(job.recorded)
        return _finish(job, fold, engine, journal, spool, stopped)


def _finish(job: _Job, fold: Fold, engine: Engine, journal: Journal, spool: Spool, stopped: Stopped | ConfigError | None) -> Result:
    result = _result(fold, engine, journal, spool, stopped)
    kept = _rows_before(job.wish.folder) if stopped else 0
    if sum(result.splits.values()) < kept:
        result.notes.append(f"{job.wish.folder / 'dataset'} keeps the {kept} rows it had: this pause would leave fewer")
    else:
        _write_dataset(job, result, spool)
    _write_run(job, result)
    return result


def _result(fold: Fold, engine: Engine, journal: Journal, spool: Spool, stopped: Stopped | ConfigError | None) -> Result:
    lanes = fold.lanes.values()
    counts: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    for lane in lanes:
        counts["born"] += lane.counts.born
        counts["accepted"] += sum(lane.counts.accepted.values())
        counts["surplus"] += sum(lane.counts.surplus.values())
        counts["hard"] += lane.counts.hard
        counts["dropped"] += sum(lane.counts.dropped.values())
        dropped += lane.counts.dropped
    cells = [
        {
            "scenario": lane.brief.lane.scenario,
            "subcategory": lane.brief.lane.subcategory,
            "name": str(lane.brief.subcategory["name"]),
            "query_type": lane.brief.lane.query_type,
            "label": label,
            "target": lane.targets[label],
            "accepted": lane.counts.accepted[label],
            "status": lane.status(label),
        }
        for lane in lanes
        for label in LABELS
        if label in lane.targets
    ]
    result = Result(
        cells=cells,
        splits={split: spool.count(split) for split in SPLITS},
        dropped=dict(sorted(dropped.items())),
        counts=dict(counts),
        calls=engine.calls,
        spent=[asdict(entry) for entry in journal.spent()],
    )
    result.status = OK if all(cell["status"] == "met" for cell in cells) else SHORT
    if stopped is not None:
        result.stopped = f"stopped: {stopped.why}" if isinstance(stopped, Stopped) else "stopped: provider"
        result.message = str(stopped)
        result.status = _status_of(stopped, any(result.splits.values()))
    return result


def _status_of(stopped: Stopped | ConfigError, rows: bool) -> int:
    if isinstance(stopped, ConfigError):
        return stopped.status
    if stopped.why == "interrupted":
        return INTERRUPTED
    return SHORT if rows else 1


def _write_dataset(job: _Job, result: Result, spool: Spool) -> None:
    """The dataset and the drops, each written aside and swapped in whole."""
    recipe, folder = job.bound.recipe, job.wish.folder
    new = folder / "dataset.new"
    shutil.rmtree(new, ignore_errors=True)
    (new / "data").mkdir(parents=True)
    for split in SPLITS:
        write_split(new / "data", split, spool.rows(split), result.splits[split], recipe.output.shard_rows)
    facts = Facts(
        splits=result.splits,
        cells=result.cells,
        dropped=result.dropped,
        fingerprint=job.bound.fingerprint,
        versions=versions(),
        prompts=job.bound.prompts,
        stopped=result.stopped,
    )
    (new / "README.md").write_text(card(recipe, facts), encoding="utf-8")
    swap(new, folder / "dataset")
    _write_drops(folder, spool)


def _write_drops(folder: Path, spool: Spool) -> None:
    new = folder / "drops.new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    for kind, lines in spool.drops():
        with (new / f"{kind}.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines())
    swap(new, folder / "drops")


def _write_run(job: _Job, result: Result) -> None:
    data = {
        "recipe": job.bound.recipe.model_dump(mode="json"),
        "fingerprint": job.bound.fingerprint,
        "seed": job.bound.recipe.seed,
        "n": job.n,
        "versions": versions(),
        "prompts": dict(job.bound.prompts),
    } | asdict(result)
    new = job.wish.folder / "run.json.new"
    new.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    new.rename(job.wish.folder / "run.json")


def _rows_before(folder: Path) -> int:
    """Rows of the dataset that stands in the folder."""
    import pyarrow.parquet as pq

    return sum(pq.read_metadata(path).num_rows for path in (folder / "dataset" / "data").glob("*.parquet"))


def versions() -> dict[str, str]:
    """What the bytes of a dataset depend on besides recipe and journal."""
    return {"synth": __version__, "pyarrow": version("pyarrow")}


@contextlib.contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """A folder that cannot be written becomes one line."""
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written ({error.strerror or error}); free space or choose another -o DIR") from error
    except sqlite3.Error as error:
        raise ConfigError(f"{folder}: cannot be written ({error}); free space or choose another -o DIR") from error
